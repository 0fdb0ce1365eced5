//! The network of a run that has none: a loopback device of its own and, with a gateway, one socket that listens on it.
#![expect(unsafe_code, reason = "bringing a device up is an ioctl")]

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::spec::{Fault, Tried};
use crate::sandbox::GATEWAY_PORT;

/// Brings loopback up and listens on it.
///
/// The socket belongs to this namespace for ever, whoever holds it: served from outside, it is the one thing that can
/// be reached from inside.
pub(super) fn listen() -> Result<TcpListener, Fault> {
    raise_loopback()?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, GATEWAY_PORT)).tried("listen for the gateway")
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
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) };
    if result == 0 { Ok(()) } else { Err(Fault::new("bring the loopback device up", std::io::Error::last_os_error())) }
}
