//! Connections between this host's loopback and that of a container: each is carried in frames, no more of it than the other
//! side can take. A container has no other network, and is given none by this.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::client::{Agent, AgentError, Heard, Line};
use super::wire::CHUNK_BYTES;
use crate::sandbox::Gateway;

/// Connections at one time, of one port.
const CONNECTIONS_MAX: usize = 64;
/// How often it is looked whether it is over.
const TICK: Duration = Duration::from_millis(50);

/// A port of this host's loopback that leads into a container, or the other way around; for as long as this lives.
pub(in crate::sandbox) struct Forward {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// What serves the connections that come out, where it does.
    _service: Option<Box<dyn Send>>,
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked carries nothing any more.
            let _ = thread.join();
        }
    }
}

impl Forward {
    /// A port here whose connections end at `port` inside. Whether anybody listens there shows with each connection.
    pub(in crate::sandbox) fn into(agent: Arc<Agent>, port: u16) -> Result<Self, AgentError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let serve = move || {
            let open = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                while !over.load(Ordering::SeqCst) {
                    let Some(local) = accepted(&listener) else { continue };
                    if open.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS_MAX {
                        open.fetch_sub(1, Ordering::SeqCst);
                        continue;
                    }
                    let (agent, open, over) = (&agent, &open, &over);
                    scope.spawn(move || {
                        if let Ok(heard) = agent.connect(port.to_string().as_bytes()) {
                            carry(&local, &heard, over);
                        }
                        open.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            });
        };
        let thread = std::thread::Builder::new().name("vetrun-forward".to_owned()).spawn(serve)?;
        Ok(Self { address, is_over, thread: Some(thread), _service: None })
    }

    /// A port inside whose connections are served by `gateway` here. It listens on a port of this host's loopback meanwhile.
    pub(in crate::sandbox) fn out(agent: Arc<Agent>, port: u16, gateway: &dyn Gateway) -> Result<Self, AgentError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let comings = agent.comings();
        agent.begin(b'B', port.to_string().as_bytes())?.answer()?;
        let service = gateway.serve(listener);
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let serve = move || {
            std::thread::scope(|scope| {
                while !over.load(Ordering::SeqCst) {
                    let Ok((number, from)) = comings.recv_timeout(TICK) else { continue };
                    let (agent, over) = (&agent, &over);
                    scope.spawn(move || {
                        let Some(heard) = agent.came(number, from) else { return };
                        match TcpStream::connect(address) {
                            Ok(local) => carry(&local, &heard, over),
                            // Who asked for it hears that nobody is there.
                            Err(_) => drop(heard.line.send(b'X', b"")),
                        }
                    });
                }
            });
        };
        let thread = std::thread::Builder::new().name("vetrun-gateway".to_owned()).spawn(serve)?;
        Ok(Self { address, is_over, thread: Some(thread), _service: Some(service) })
    }

    /// Where it listens on this host.
    pub(in crate::sandbox) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The next connection, if one comes within a tick.
fn accepted(listener: &TcpListener) -> Option<TcpStream> {
    let mut fds = [PollFd::new(listener, PollFlags::IN)];
    let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
    let ready = rustix::event::poll(&mut fds, Some(&tick)).is_ok_and(|count| count > 0);
    ready.then(|| listener.accept().ok()).flatten().map(|(stream, _)| stream)
}

/// Carries both directions of a connection until both have ended, or it is over.
fn carry(local: &TcpStream, heard: &Heard<'_>, over: &AtomicBool) {
    let (line, is_sent) = (&heard.line, AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            send_on(local, line);
            is_sent.store(true, Ordering::SeqCst);
        });
        if receive(local, heard, || over.load(Ordering::SeqCst), || is_sent.load(Ordering::SeqCst)).is_none() {
            // Whoever waits for anything of this hears that it is gone.
            let _ = line.send(b'X', b"");
            line.close();
            let _ = local.shutdown(Shutdown::Both);
        }
    });
}

fn send_on(mut local: &TcpStream, line: &Line<'_>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(count) = local.read(&mut chunk) {
        if count == 0 {
            let _ = line.send(b'D', b"");
            return;
        }
        if !line.pass(b'D', &chunk[..count]).is_ok_and(|all| all) {
            break;
        }
    }
    let _ = line.send(b'X', b"");
}

/// Takes what comes, until both directions have ended well; `None` where the connection is to be cut.
fn receive(
    mut local: &TcpStream,
    heard: &Heard<'_>,
    over: impl Fn() -> bool,
    is_sent: impl Fn() -> bool,
) -> Option<()> {
    let mut is_received = false;
    while !(is_received && is_sent()) {
        let Some(frame) = heard.try_next(TICK).ok()? else {
            if over() {
                return None;
            }
            continue;
        };
        if frame.kind != b'D' {
            return None;
        }
        if frame.data.is_empty() {
            is_received = true;
            local.shutdown(Shutdown::Write).ok()?;
            continue;
        }
        local.write_all(&frame.data).ok()?;
        heard.line.send(b'A', &u32::try_from(frame.data.len()).ok()?.to_be_bytes()).ok()?;
    }
    Some(())
}
