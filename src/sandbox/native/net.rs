//! The network of a run that has none: a loopback device of its own and, with a gateway, one socket that listens on it.
#![expect(unsafe_code, reason = "bringing a device up is an ioctl")]

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

use super::ids;
use super::spec::{Fault, Tried};
use crate::sandbox::GATEWAY_PORT;

/// What the kernel counts for each network namespace, and shows.
const COUNTERS: [&str; 4] = ["dev", "netstat", "snmp", "snmp6"];

/// Brings loopback up and listens on it.
///
/// The socket belongs to this namespace for ever, whoever holds it: served from outside, it is the one thing that can
/// be reached from inside.
pub(super) fn listen() -> Result<TcpListener, Fault> {
    raise_loopback()?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, GATEWAY_PORT)).tried("listen for the gateway")
}

/// Listens on the host's loopback, for a gateway of a run that has no network namespace.
pub(super) fn bind() -> Result<TcpListener, Fault> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).tried("listen for the gateway")
}

/// The port that a socket listens on.
pub(super) fn port(listener: &TcpListener) -> Result<u16, Fault> {
    listener.local_addr().map(|address| address.port()).tried("listen for the gateway")
}

/// The network namespace of this process.
pub(super) fn own(proc: BorrowedFd<'_>) -> Result<OwnedFd, Fault> {
    rustix::fs::openat(proc, "thread-self/ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .tried("open the network namespace")
}

/// Enters a network namespace; where there are several threads, this one alone does.
pub(super) fn enter(network: BorrowedFd<'_>) -> Result<(), Fault> {
    rustix::thread::move_into_link_name_space(network, Some(LinkNameSpaceType::Network))
        .tried("enter the network namespace")
}

/// Whether a network namespace cannot be told from a new one: nothing was sent in it, and nobody tried to. Then nothing is
/// left in it of who lived there: sockets end with their processes, and what outlives them (connections that wait for their
/// end) takes packets. Its counters are all that a program could read, or leave for the next.
pub(super) fn is_as_new(network: OwnedFd) -> bool {
    static INSPECTOR: OnceLock<Option<Sender<Question>>> = OnceLock::new();
    let (answer, answered) = channel();
    let inspector = INSPECTOR.get_or_init(|| {
        let (ask, asked) = channel();
        let inspect = move || inspect(&asked);
        std::thread::Builder::new().name("vetrun-network".to_owned()).spawn(inspect).ok().map(|_| ask)
    });
    let is_asked = inspector.as_ref().is_some_and(|ask| ask.send((network, answer)).is_ok());
    is_asked && answered.recv().unwrap_or(false)
}

/// A network namespace, and who wants to know whether it is as new.
type Question = (OwnedFd, Sender<bool>);

/// Answers questions in a thread of its own, which goes to the namespaces, and has a new one to compare them with and to come
/// back to. A thread for each question would take longer than all that it looks at.
fn inspect(asked: &Receiver<Question>) -> Result<(), Fault> {
    ids::unshare(UnshareFlags::NEWNET, "make a network namespace")?;
    raise_loopback()?;
    let new = counters();
    let proc = rustix::fs::open("/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).tried("open /proc")?;
    let home = own(proc.as_fd())?;
    for (network, answer) in asked {
        let is_new = enter(network.as_fd()).is_ok() && !new.is_empty() && counters() == new;
        // Who cannot come back answers nobody any more, which means no.
        enter(home.as_fd())?;
        let _ = answer.send(is_new);
    }
    Ok(())
}

/// What the kernel has counted in this thread's network namespace.
fn counters() -> Vec<u8> {
    let mut all = Vec::new();
    for name in COUNTERS {
        // A kernel without IPv6 lacks one.
        all.extend(std::fs::read(format!("/proc/thread-self/net/{name}")).unwrap_or_default());
    }
    all
}

/// Brings the loopback device of this network namespace up: a program may talk to itself.
pub(super) fn raise_loopback() -> Result<(), Fault> {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        .tried("open a socket")?;
    // SAFETY: all-zero bytes are a valid `ifreq`, which is plain data.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed() as libc::c_char;
    }
    let flags = libc::IFF_UP | libc::IFF_RUNNING;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).expect("both flags are in the low bits");
    // SAFETY: this ioctl reads an `ifreq`, which `request` is and which lives through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as libc::Ioctl, &request) };
    if result == 0 { Ok(()) } else { Err(Fault::new("bring the loopback device up", std::io::Error::last_os_error())) }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpStream, UdpSocket};

    use super::*;

    /// A network namespace in which `work` was done.
    fn after(work: impl FnOnce() + Send + 'static) -> OwnedFd {
        let made = std::thread::spawn(move || {
            ids::unshare(UnshareFlags::NEWNET, "make a network namespace").unwrap();
            raise_loopback().unwrap();
            work();
            let proc = rustix::fs::open("/proc", OFlags::PATH, Mode::empty()).unwrap();
            own(proc.as_fd()).unwrap()
        });
        made.join().unwrap()
    }

    #[test]
    fn a_network_that_somebody_tried_to_use_is_not_as_new() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        assert!(is_as_new(after(|| {})));
        assert!(is_as_new(after(|| drop(std::os::unix::net::UnixStream::pair().unwrap()))));
        assert!(!is_as_new(after(|| {
            let (a, b) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
            a.send_to(b"x", b.local_addr().unwrap()).unwrap();
        })));
        assert!(!is_as_new(after(|| drop(TcpStream::connect("192.0.2.1:80").unwrap_err()))));
    }
}
