//! The socket between supervisor and launcher: one JSON value a packet, descriptors along with it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};
use serde::{Serialize, de::DeserializeOwned};

/// Descriptors in one packet, at most.
const FDS_MAX: usize = 16;
/// Bytes of one packet, at most. An event is a few hundred; what is longer travels in a file of its own.
const PACKET_MAX: usize = 16 << 10;
/// Bytes of such a file, at most: more than a command line and an environment may have.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A pair of connected sockets that keep packets apart.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends `value` as one packet, with `fds`.
pub(super) fn send(socket: impl AsFd, value: &impl Serialize, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = serde_json::to_vec(value)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::from(io::ErrorKind::ArgumentListTooLong));
    }
    let parts = [IoSlice::new(&bytes)];
    rustix::io::retry_on_intr(|| rustix::net::sendmsg(&socket, &parts, &mut control, SendFlags::NOSIGNAL))?;
    Ok(())
}

/// Receives one packet; `None` when the other side is gone, or, with `wait` off, when there is nothing yet.
pub(super) fn receive<T: DeserializeOwned>(socket: impl AsFd, wait: bool) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let look = if wait { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
    // Most packets are short, and whoever receives one has often been forked just now: every page costs it a copy.
    let length = rustix::io::retry_on_intr(|| {
        rustix::net::recv(&socket, &mut [0_u8; 0][..], look | RecvFlags::PEEK | RecvFlags::TRUNC)
    });
    let mut bytes = match length {
        Ok((_, length)) => vec![0_u8; length.min(PACKET_MAX)],
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::CONNRESET) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = if wait { RecvFlags::CMSG_CLOEXEC } else { RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT };
    let received = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(&socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags)
    });
    let length = match received {
        Ok(message) => message.bytes,
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::CONNRESET) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    if length == 0 {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&bytes[..length])?, fds)))
}

/// A sealed file in memory that holds `value`.
pub(super) fn sealed(name: &str, value: &impl Serialize) -> io::Result<OwnedFd> {
    let file = empty(name)?;
    fill(&file, &serde_json::to_vec(value)?)?;
    Ok(file)
}

/// A file in memory that holds nothing yet.
pub(super) fn empty(name: &str) -> io::Result<OwnedFd> {
    Ok(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?)
}

/// Writes `bytes` to an empty file in memory and seals it. Whoever has it open already reads from its start.
pub(super) fn fill(file: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        let count = rustix::io::retry_on_intr(|| rustix::io::pwrite(file, &bytes[written..], written as u64))?;
        written += count;
    }
    rustix::fs::fcntl_add_seals(file, SealFlags::SEAL | SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK)?;
    Ok(())
}

/// Reads a value from a file that [`sealed`] made; whoever else has it open can do so too.
pub(super) fn unsealed<T: DeserializeOwned>(file: &OwnedFd) -> io::Result<T> {
    let length = u64::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(u64::MAX);
    if length > FILE_BYTES_MAX {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let mut read = 0;
    while read < bytes.len() {
        match rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut bytes[read..], read as u64))? {
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            count => read += count,
        }
    }
    Ok(serde_json::from_slice(&bytes)?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::sandbox::native::spec::Event;

    #[test]
    fn a_packet_arrives_with_its_descriptors() {
        let (a, b) = pair().unwrap();
        let file = sealed("test", &42).unwrap();
        send(&a, &Event::Ready { init: 7 }, &[file.as_fd()]).unwrap();
        let (event, mut fds) = receive::<Event>(&b, true).unwrap().unwrap();
        assert_eq!(event, Event::Ready { init: 7 });
        assert_eq!(fds.len(), 1);
        assert_eq!(unsealed::<u32>(&fds.remove(0)).unwrap(), 42);
        assert!(receive::<Event>(&b, false).unwrap().is_none(), "nothing more");
        drop(a);
        assert!(receive::<Event>(&b, true).unwrap().is_none(), "the other side is gone");
    }

    #[test]
    fn what_is_sealed_cannot_be_written() {
        let file = sealed("test", &"abc").unwrap();
        assert!(std::fs::File::from(file).write_all(b"x").is_err());
    }
}
