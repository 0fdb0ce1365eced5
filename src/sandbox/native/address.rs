//! Socket addresses as programs hand them to the kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::sandbox::{AttemptKind, OUT_DIR, TMP_DIR, WORK_DIR};

/// Where questions for names are sent to.
const NAME_SERVER_PORT: u16 = 53;
/// Folders whose sockets are the program's own.
const OWN_FOLDERS: [&str; 4] = [OUT_DIR, TMP_DIR, WORK_DIR, "/dev/shm"];
/// The C library looks for a daemon of its own there before it resolves anything.
const LIBRARY_SOCKET: &str = "/var/run/nscd/socket";

/// Socket families that a program may ask for, by the names of the C library.
const FAMILIES: [(i32, &str); 16] = [
    (libc::AF_UNIX, "AF_UNIX"),
    (libc::AF_INET, "AF_INET"),
    (libc::AF_INET6, "AF_INET6"),
    (libc::AF_NETLINK, "AF_NETLINK"),
    (libc::AF_PACKET, "AF_PACKET"),
    (libc::AF_VSOCK, "AF_VSOCK"),
    (libc::AF_BLUETOOTH, "AF_BLUETOOTH"),
    (libc::AF_ALG, "AF_ALG"),
    (libc::AF_KEY, "AF_KEY"),
    (libc::AF_CAN, "AF_CAN"),
    (libc::AF_XDP, "AF_XDP"),
    (libc::AF_RDS, "AF_RDS"),
    (libc::AF_TIPC, "AF_TIPC"),
    (libc::AF_NFC, "AF_NFC"),
    (libc::AF_PPPOX, "AF_PPPOX"),
    (libc::AF_X25, "AF_X25"),
];

/// A socket's family and protocol, for reading: `AF_VSOCK`, `AF_INET protocol 132`, `family 99`.
pub(super) fn socket(family: u64, protocol: u64) -> String {
    let named = FAMILIES.iter().find(|(number, _)| u64::from(number.unsigned_abs()) == family);
    let name = named.map_or_else(|| format!("family {family}"), |(_, name)| (*name).to_owned());
    if protocol == 0 { name } else { format!("{name} protocol {protocol}") }
}

/// Where a socket is to be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A host and a port.
    Internet(SocketAddr),
    /// A socket in the file system.
    File(String),
}

impl Address {
    /// Reads an address as the kernel's interface has it; `None` for other families, and where too little is there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let family = i32::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
        let port = || Some(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
        let internet = |ip: IpAddr| Some(Self::Internet(SocketAddr::new(ip, port()?)));
        match family {
            libc::AF_INET => internet(Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(4..8)?).ok()?).into()),
            libc::AF_INET6 => internet(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(8..24)?).ok()?).into()),
            libc::AF_UNIX => {
                let path = bytes.get(2..)?;
                let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
                (end > 0).then(|| Self::File(String::from_utf8_lossy(&path[..end]).into_owned()))
            }
            _ => None,
        }
    }

    /// What an attempt at this address is; `None` for what is the sandbox's own.
    pub(super) fn seen(&self) -> Option<(AttemptKind, Option<String>)> {
        match self {
            Self::Internet(address) if !is_own(address.ip()) => Some((AttemptKind::Network, Some(address.to_string()))),
            Self::Internet(address) if address.port() == NAME_SERVER_PORT => {
                Some((AttemptKind::Lookup, Some(address.to_string())))
            }
            Self::File(path) if is_foreign(path) => Some((AttemptKind::Network, Some(path.clone()))),
            Self::Internet(_) | Self::File(_) => None,
        }
    }
}

/// Whether an address is on the sandbox's own loopback; the unspecified one is, for who connects to it.
fn is_own(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    ip.is_loopback() || ip.is_unspecified()
}

/// Whether a socket of this path could only be somebody else's.
fn is_foreign(path: &str) -> bool {
    let is_below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    path.starts_with('/') && path != LIBRARY_SOCKET && !OWN_FOLDERS.iter().any(|folder| is_below(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inet(port: u16, ip: [u8; 4]) -> Vec<u8> {
        let mut bytes = 2_u16.to_ne_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend(ip);
        bytes.extend([0; 8]);
        bytes
    }

    fn inet6(port: u16, ip: &str) -> Vec<u8> {
        let mut bytes = 10_u16.to_ne_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(ip.parse::<Ipv6Addr>().unwrap().octets());
        bytes.extend([0; 4]);
        bytes
    }

    fn unix(path: &[u8]) -> Vec<u8> {
        [&1_u16.to_ne_bytes()[..], path].concat()
    }

    #[test]
    fn what_is_not_the_sandboxs_own_is_told() {
        let network = |text: &str| Some((AttemptKind::Network, Some(text.to_owned())));
        let lookup = |text: &str| Some((AttemptKind::Lookup, Some(text.to_owned())));
        let cases = [
            (inet(80, [203, 0, 113, 7]), network("203.0.113.7:80")),
            (inet(53, [203, 0, 113, 7]), network("203.0.113.7:53")),
            (inet(80, [127, 1, 2, 3]), None),
            (inet(80, [0, 0, 0, 0]), None),
            (inet(53, [127, 0, 0, 1]), lookup("127.0.0.1:53")),
            (inet6(443, "2001:db8::1"), network("[2001:db8::1]:443")),
            (inet6(443, "::1"), None),
            (inet6(443, "::"), None),
            (inet6(443, "::ffff:127.0.0.1"), None),
            (inet6(443, "::ffff:203.0.113.7"), network("[::ffff:203.0.113.7]:443")),
            (unix(b"/var/run/docker.sock\0rest"), network("/var/run/docker.sock")),
            (unix(b"/var/run/nscd/socket\0"), None),
            (unix(b"/tmp/own"), None),
            (unix(b"/tmpx/own"), network("/tmpx/own")),
            (unix(b"relative"), None),
            (unix(b"\0abstract"), None),
            (inet(80, [203, 0, 113, 7])[..7].to_vec(), None),
            (inet6(80, "2001:db8::1")[..20].to_vec(), None),
            (vec![40, 0, 0, 0], None),
            (vec![2], None),
            (Vec::new(), None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Address::read(&bytes).and_then(|address| address.seen()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn sockets_are_named() {
        let cases = [((40, 0), "AF_VSOCK"), ((2, 132), "AF_INET protocol 132"), ((99, 0), "family 99")];
        for ((family, protocol), expected) in cases {
            assert_eq!(socket(family, protocol), expected);
        }
    }
}
