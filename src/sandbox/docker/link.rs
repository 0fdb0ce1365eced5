//! vetrun's end of the socket to the keeper (`keeper.py`): what holds in the container, the program to run, its real end.
//!
//! The socket is listened on until the keeper has connected, which is before the program starts, and then never again:
//! no process of the container can speak in the keeper's place. Still nothing that arrives is trusted beyond its form.

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use tokio::io::{AsyncWriteExt as _, Interest};
use tokio::net::{UnixListener, UnixStream};

use super::engine::{Said, failed};
use crate::sandbox::native::{WAITING, is_script};
use crate::sandbox::{Job, SandboxError};

/// One message of the keeper is a few hundred bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// The keeper's socket, by its name in the run's folder.
pub(super) const SOCKET: &str = "socket";
/// The output folder and a listening socket.
const DESCRIPTORS_MAX: usize = 2;
/// Orders to the keeper: an interpreter to be started ahead, a script that it may become, any other program.
const AHEAD: u8 = b'A';
const SCRIPT: u8 = b'S';
const PROGRAM: u8 = b'P';

/// The socket while nobody has connected. Its name is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Door {
    /// Makes the socket in `folder`, which only this user can enter.
    pub(super) fn open(folder: &Path) -> Result<Self, SandboxError> {
        Self::make(folder).map_err(|error| failed("make the keeper's socket", error))
    }

    fn make(folder: &Path) -> io::Result<Self> {
        let path = folder.join(SOCKET);
        let listener = UnixListener::bind(&path)?;
        // The container's user is another one; the folder keeps this host's users out.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777))?;
        Ok(Self { listener, path })
    }

    /// Waits for the keeper. The socket's name is gone afterwards.
    pub(super) async fn accept(self) -> io::Result<Link> {
        let (stream, _) = self.listener.accept().await?;
        let pid = stream.peer_cred().ok().and_then(|peer| peer.pid()).filter(|pid| *pid > 0);
        Ok(Link { stream, pid, received: Vec::new(), descriptors: Vec::new() })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // What stays goes with its folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The connection to one keeper.
#[derive(Debug)]
pub(super) struct Link {
    stream: UnixStream,
    /// The keeper's process id as this process sees it; none when it is in another namespace or on another kernel.
    pub(super) pid: Option<i32>,
    received: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

/// What the keeper says before the program starts.
#[derive(Debug)]
pub(super) struct Hello {
    /// What holds for the keeper, and so for the program: lines of `/proc/self/status`, namespaces.
    pub(super) facts: BTreeMap<String, String>,
    /// The output folder. It stays readable after the container's end, for as long as this is open.
    pub(super) out: OwnedFd,
    /// The socket on the container's loopback, where one was asked for.
    pub(super) listener: Option<TcpListener>,
}

/// How the program ended, as its parent saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The raw wait status.
    Ended { status: i32, wall: Duration },
    /// The program could not be started: the step (`cwd`, `exec`, …) and the error number.
    NotStarted { step: String, errno: i32 },
}

impl Link {
    /// Reads the keeper's greeting.
    pub(super) async fn hello(&mut self, with_listener: bool) -> io::Result<Hello> {
        let message = self.message().await?;
        let mut facts = pairs(&message);
        if facts.remove("hello").as_deref() != Some("1") {
            return Err(io::Error::other("the keeper speaks another language"));
        }
        let mut descriptors = std::mem::take(&mut self.descriptors).into_iter();
        let out = descriptors.next().ok_or_else(|| io::Error::other("the keeper sent no output folder"))?;
        let listener = descriptors.next().map(TcpListener::from);
        if with_listener && listener.is_none() {
            return Err(io::Error::other("the keeper sent no listening socket"));
        }
        Ok(Hello { facts, out, listener })
    }

    /// Starts the program: where it is a script for the interpreter that was started ahead, as what that becomes.
    pub(super) async fn start(&mut self, job: &Job, command: &[String], path: &str) -> io::Result<()> {
        let order = if is_script(job) { SCRIPT } else { PROGRAM };
        self.order(order, &encode(job, command, path)?).await
    }

    /// Starts an interpreter that waits for its script, in place of one that was started before.
    pub(super) async fn start_ahead(&mut self, ahead: &Ahead) -> io::Result<()> {
        self.order(AHEAD, &ahead.0).await
    }

    async fn order(&mut self, order: u8, spec: &[u8]) -> io::Result<()> {
        let length = u32::try_from(spec.len()).map_err(|_| io::Error::other("the command line is too long"))?;
        let mut message = vec![order];
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(spec);
        self.stream.write_all(&message).await
    }

    /// Whether the keeper still listens, having nothing to say.
    pub(super) fn is_open(&self) -> bool {
        let mut byte = [0_u8; 1];
        self.stream.try_read(&mut byte).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Waits for the program's end. Can be called again when it was cancelled.
    pub(super) async fn ended(&mut self) -> io::Result<Told> {
        let message = self.message().await?;
        told(&pairs(&message)).ok_or_else(|| io::Error::other(format!("the keeper said {message:?}")))
    }

    /// One message: lines up to an empty one. What is read stays in `received`, so that cancelling loses nothing.
    async fn message(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.received.split_off(end + 2);
                let message = std::mem::replace(&mut self.received, rest);
                return Ok(String::from_utf8_lossy(&message).into_owned());
            }
            if self.received.len() > MESSAGE_BYTES_MAX {
                return Err(io::Error::other("the keeper's message is too long"));
            }
            self.stream.readable().await?;
            match self.receive() {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut bytes = [0_u8; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let count = self.stream.try_io(Interest::READABLE, || {
            let mut buffers = [IoSliceMut::new(&mut bytes)];
            let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
            Ok(rustix::net::recvmsg(&self.stream, &mut buffers, &mut control, flags)?.bytes)
        })?;
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = part {
                self.descriptors.extend(descriptors.take(DESCRIPTORS_MAX));
            }
        }
        self.received.extend_from_slice(&bytes[..count]);
        Ok(count)
    }
}

/// The interpreter that would have been started for a script, as it is started before there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ahead(Vec<u8>);

impl Ahead {
    /// The one for this job, where it is such a script; `path` is where the image looks for programs.
    pub(super) fn of(job: &Job, path: &str) -> Option<Self> {
        let command = [job.program.name(), "-c", WAITING].map(str::to_owned);
        is_script(job).then(|| encode(job, &command, path).ok()).flatten().map(Self)
    }
}

/// The program as `keeper.py` reads it: fields that each end with a zero byte.
fn encode(job: &Job, command: &[String], path: &str) -> io::Result<Vec<u8>> {
    let mut fields = vec![job.cwd.clone(), command.len().to_string()];
    fields.extend(command.iter().cloned());
    if !job.env.contains_key("PATH") {
        fields.push(format!("PATH={path}"));
    }
    fields.extend(job.env.iter().map(|(name, value)| format!("{name}={value}")));
    if job.env.keys().any(|name| name.is_empty() || name.contains('=')) || fields.iter().any(|f| f.contains('\0')) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "an argument or variable holds a zero byte or no name",
        ));
    }
    Ok(fields.into_iter().flat_map(|field| [field.into_bytes(), vec![0]].concat()).collect())
}

fn pairs(message: &str) -> BTreeMap<String, String> {
    let pairs = message.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

fn told(pairs: &BTreeMap<String, String>) -> Option<Told> {
    if let Some(failure) = pairs.get("failed") {
        let (step, rest) = failure.split_once(' ')?;
        let errno = rest.split(' ').next()?.parse().ok()?;
        return Some(Told::NotStarted { step: step.to_owned(), errno });
    }
    let status = pairs.get("ended")?.parse().ok()?;
    let wall = Duration::from_nanos(pairs.get("wall_ns")?.parse().ok()?);
    Some(Told::Ended { status, wall })
}

/// The error for a keeper that did not speak as it should.
pub(super) fn no_keeper(action: &str, why: String) -> SandboxError {
    failed(action, Said(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read() {
        let cases = [
            ("ended 0\nwall_ns 5\n\n", Some(Told::Ended { status: 0, wall: Duration::from_nanos(5) })),
            ("ended 9\nwall_ns 1\n\n", Some(Told::Ended { status: 9, wall: Duration::from_nanos(1) })),
            ("failed exec 2\n\n", Some(Told::NotStarted { step: "exec".into(), errno: 2 })),
            ("failed prepare 0 some text\n\n", Some(Told::NotStarted { step: "prepare".into(), errno: 0 })),
            ("ended x\nwall_ns 1\n\n", None),
            ("ended 1\n\n", None),
            ("", None),
        ];
        for (message, expected) in cases {
            assert_eq!(told(&pairs(message)), expected, "{message:?}");
        }
    }
}
