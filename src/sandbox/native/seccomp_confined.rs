//! What a program may not ask of the kernel where it has no namespaces, as data: what Landlock does not decide about, and
//! what is the host's own here.
//!
//! These filters never tell: what a refused call was for is in most cases only that it would have left the sandbox. The
//! exception are sockets, whose rules are part of the filter that tells.

use seccompiler::{BackendError, SeccompCmpOp, SeccompRule};

use super::seccomp::{Rules, condition, none_of, rule};
use super::spec::Net;

/// The bits of a socket's type that are no flags.
const TYPE_BITS: u64 = 0xf;
/// Types that are no connection. A Unix socket of one of them can be turned to any address after it was made, and an
/// Internet socket sends to any; `SOCK_RAW` counts as datagrams among the former.
const TYPES_WITHOUT_CONNECTION: [libc::c_int; 5] =
    [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_RDM, libc::SOCK_DCCP, SOCK_PACKET];
/// The old way to raw packets, which the C library's names call obsolete.
const SOCK_PACKET: libc::c_int = 10;
/// `ioctl` requests that change a file, which whoever owns it may do through any descriptor: `FS_IOC_SETFLAGS` and
/// `FS_IOC_FSSETXATTR` (`linux/fs.h`), and `FS_IOC_ENABLE_VERITY` (`linux/fsverity.h`), after which it can be written no more.
const IOCTLS_ON_FILES: [u64; 3] = [0x4008_6602, 0x401c_5820, 0x4080_6685];
/// `fcntl` commands of the same kind: leases, for which others have to wait who open the file, and notes of changes in a
/// folder (`F_SETLEASE`, `F_NOTIFY`).
const FCNTLS_ON_FILES: [u64; 2] = [1024, 1026];
/// The kind of `setpriority` and of `ioprio_set` that means processes, each by its own numbering.
const PRIORITY_OF_PROCESS: u64 = 0;
const IO_PRIORITY_OF_PROCESS: u64 = 1;

/// Sockets: pairs that are connected to each other for ever, and those of the network that the run has.
///
/// A Unix socket could be connected to any service of the host that its path leads to, and Landlock does not look.
pub(super) fn sockets(net: Net) -> Result<Rules, BackendError> {
    let family = |family: libc::c_int| u64::from(family.unsigned_abs());
    let mut pairs = vec![none_of(0, &[family(libc::AF_UNIX)])?];
    pairs.extend(of_types(&TYPES_WITHOUT_CONNECTION)?);
    let made = match net {
        Net::None => Vec::new(),
        Net::Gateway => {
            let mut rules = vec![none_of(0, &[family(libc::AF_INET)])?];
            rules.extend(of_types(&TYPES_WITHOUT_CONNECTION)?);
            rules.extend(of_types(&[libc::SOCK_SEQPACKET])?);
            rules
        }
        Net::Full => vec![rule([condition(0, SeccompCmpOp::Eq, family(libc::AF_UNIX))?])?],
    };
    Ok(Rules::from([(libc::SYS_socketpair, pairs), (libc::SYS_socket, made)]))
}

fn of_types(types: &[libc::c_int]) -> Result<Vec<SeccompRule>, BackendError> {
    let one =
        |kind: &libc::c_int| rule([condition(1, SeccompCmpOp::MaskedEq(TYPE_BITS), u64::from(kind.unsigned_abs()))?]);
    types.iter().map(one).collect()
}

/// Calls that get `EPERM`: those that reach other processes, files by their paths alone, and the network past Landlock.
pub(super) fn refused(net: Net) -> Result<Rules, BackendError> {
    let other = |argument| rule([condition(argument, SeccompCmpOp::Ne, 0)?]);
    let not = |argument, value| rule([condition(argument, SeccompCmpOp::Ne, value)?]);
    // Of processes, a program may change itself alone: nothing tells a filter whose child another one is.
    let mut rules = Rules::from([
        (libc::SYS_prlimit64, vec![other(0)?]),
        (libc::SYS_sched_setaffinity, vec![other(0)?]),
        (libc::SYS_sched_setattr, vec![other(0)?]),
        (libc::SYS_sched_setparam, vec![other(0)?]),
        (libc::SYS_sched_setscheduler, vec![other(0)?]),
        (libc::SYS_setpriority, vec![not(0, PRIORITY_OF_PROCESS)?, other(1)?]),
        (libc::SYS_ioprio_set, vec![not(0, IO_PRIORITY_OF_PROCESS)?, other(1)?]),
    ]);
    for (call, requests) in [(libc::SYS_ioctl, &IOCTLS_ON_FILES[..]), (libc::SYS_fcntl, &FCNTLS_ON_FILES)] {
        let request = |request: &u64| rule([condition(1, SeccompCmpOp::Eq, *request)?]);
        rules.insert(call, requests.iter().map(request).collect::<Result<_, _>>()?);
    }
    // Extended attributes belong to whoever owns the file, wherever it is; which files change is theirs to know.
    rules.extend(XATTRS.iter().chain(WATCHES).map(|call| (*call, Vec::new())));
    if net != Net::Full {
        rules.extend([libc::SYS_listen, libc::SYS_bind].map(|call| (call, Vec::new())));
        // A packet that opens a connection by itself (RFC 7413) is no `connect`.
        let fast = |argument| {
            let flag = u64::from(libc::MSG_FASTOPEN.unsigned_abs());
            rule([condition(argument, SeccompCmpOp::MaskedEq(flag), flag)?])
        };
        rules.insert(libc::SYS_sendto, vec![fast(3)?]);
        rules.insert(libc::SYS_sendmsg, vec![fast(2)?]);
        rules.insert(libc::SYS_sendmmsg, vec![fast(3)?]);
    }
    if net == Net::None {
        rules.insert(libc::SYS_connect, Vec::new());
    }
    Ok(rules)
}

/// Calls that this kernel does not seem to have: the memory, queues and semaphores of the host, which programs know by
/// numbers and names and not by paths.
pub(super) fn absent() -> Rules {
    ABSENT.iter().map(|call| (*call, Vec::new())).collect()
}

/// Calls that succeed and do nothing. Landlock does not keep a program from changing mode and times of whatever its user
/// owns; and one that copies a file changes those of the copy, and fails when it cannot.
pub(super) fn without_effect() -> Rules {
    WITHOUT_EFFECT.iter().chain(WITHOUT_EFFECT_HERE).map(|call| (*call, Vec::new())).collect()
}

/// `setxattr`, `removexattr` and their kin; the last two are newer than the C library's list of names.
const XATTRS: &[i64] = &[
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    463,
    466,
    // `file_setattr`.
    469,
];

/// What tells of changes to files.
const WATCHES: &[i64] = &[libc::SYS_inotify_add_watch];

const ABSENT: &[i64] = &[
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// The last is `fchmodat2`, which some C libraries do not name.
const WITHOUT_EFFECT: &[i64] =
    &[libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_fchown, libc::SYS_fchownat, libc::SYS_utimensat, 452];

/// Those that only one architecture has.
#[cfg(target_arch = "x86_64")]
const WITHOUT_EFFECT_HERE: &[i64] =
    &[libc::SYS_chmod, libc::SYS_chown, libc::SYS_lchown, libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat];
#[cfg(not(target_arch = "x86_64"))]
const WITHOUT_EFFECT_HERE: &[i64] = &[];
