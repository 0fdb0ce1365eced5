//! Which system calls a program may not make, and what a refused one tells: the whole list, as data.
//!
//! Everything that is not named here is allowed. A list of what is allowed breaks programs at random as the C library
//! and the interpreters move on; this list names what reaches beyond a process, what has a history of holes in the
//! kernel, and what would undo the sandbox. Every refusal is an error number, never a signal, so that libraries fall
//! back as they do on an older kernel.

use libc::{c_int, c_long};

/// What a refused call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `EPERM`: not permitted.
    Eperm,
    /// `ENOSYS`: this kernel does not have the call. Callers fall back to an older one.
    Enosys,
}

impl Refusal {
    /// The error number.
    pub(super) const fn errno(self) -> c_int {
        match self {
            Self::Eperm => libc::EPERM,
            Self::Enosys => libc::ENOSYS,
        }
    }

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Eperm => "EPERM",
            Self::Enosys => "ENOSYS",
        }
    }
}

/// Which argument of a call tells what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// None does.
    Nothing,
    /// This one points to a text: a path or a name.
    Text(u8),
    /// This one holds flags, of which those that make namespaces are told.
    Namespaces(u8),
    /// This one is a plain number.
    Number(u8),
    /// The first is a socket family, the third its protocol.
    Socket,
}

/// A call that is refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Its number.
    pub(super) number: c_long,
    /// Its name.
    pub(super) name: &'static str,
    /// What it returns.
    pub(super) refusal: Refusal,
    /// What it tells.
    pub(super) shows: Shows,
}

const fn call(number: c_long, name: &'static str, refusal: Refusal, shows: Shows) -> Call {
    Call { number, name, refusal, shows }
}

use Refusal::{Enosys, Eperm};
use Shows::{Namespaces, Nothing, Number, Socket, Text};

/// Calls that are refused whatever their arguments.
pub(super) const REFUSED: &[Call] = &[
    // Asynchronous rings do work that no filter sees, and hold a large share of the kernel's holes.
    call(libc::SYS_io_uring_setup, "io_uring_setup", Enosys, Nothing),
    call(libc::SYS_io_uring_enter, "io_uring_enter", Enosys, Nothing),
    call(libc::SYS_io_uring_register, "io_uring_register", Enosys, Nothing),
    // Its flags are behind a pointer, where a filter cannot look; C libraries fall back to `clone`.
    call(libc::SYS_clone3, "clone3", Enosys, Nothing),
    // Keys are kept by user, not by namespace.
    call(libc::SYS_keyctl, "keyctl", Eperm, Nothing),
    call(libc::SYS_add_key, "add_key", Eperm, Text(0)),
    call(libc::SYS_request_key, "request_key", Eperm, Text(0)),
    // Programs in the kernel, its counters, its page faults.
    call(libc::SYS_bpf, "bpf", Eperm, Nothing),
    call(libc::SYS_perf_event_open, "perf_event_open", Eperm, Nothing),
    call(libc::SYS_userfaultfd, "userfaultfd", Eperm, Nothing),
    // Other processes' memory and descriptors.
    call(libc::SYS_ptrace, "ptrace", Eperm, Nothing),
    call(libc::SYS_process_vm_readv, "process_vm_readv", Eperm, Nothing),
    call(libc::SYS_process_vm_writev, "process_vm_writev", Eperm, Nothing),
    call(libc::SYS_process_madvise, "process_madvise", Eperm, Nothing),
    call(libc::SYS_process_mrelease, "process_mrelease", Eperm, Nothing),
    call(libc::SYS_pidfd_getfd, "pidfd_getfd", Eperm, Nothing),
    call(libc::SYS_kcmp, "kcmp", Eperm, Nothing),
    call(libc::SYS_move_pages, "move_pages", Eperm, Nothing),
    call(libc::SYS_migrate_pages, "migrate_pages", Eperm, Nothing),
    // Mounts, roots and namespaces.
    call(libc::SYS_mount, "mount", Eperm, Text(1)),
    call(libc::SYS_umount2, "umount2", Eperm, Text(0)),
    call(libc::SYS_pivot_root, "pivot_root", Eperm, Text(0)),
    call(libc::SYS_chroot, "chroot", Eperm, Text(0)),
    call(libc::SYS_setns, "setns", Eperm, Namespaces(1)),
    call(libc::SYS_unshare, "unshare", Eperm, Namespaces(0)),
    call(libc::SYS_fsopen, "fsopen", Eperm, Text(0)),
    call(libc::SYS_fsconfig, "fsconfig", Eperm, Nothing),
    call(libc::SYS_fsmount, "fsmount", Eperm, Nothing),
    call(libc::SYS_fspick, "fspick", Eperm, Text(1)),
    call(libc::SYS_move_mount, "move_mount", Eperm, Text(1)),
    call(libc::SYS_open_tree, "open_tree", Eperm, Text(1)),
    call(libc::SYS_mount_setattr, "mount_setattr", Eperm, Text(1)),
    // `statmount`, `listmount` and `open_tree_attr`: newer than the C library's list of names.
    call(457, "statmount", Eperm, Nothing),
    call(458, "listmount", Eperm, Nothing),
    call(467, "open_tree_attr", Eperm, Text(1)),
    // Files by a handle, past every path.
    call(libc::SYS_open_by_handle_at, "open_by_handle_at", Eperm, Nothing),
    call(libc::SYS_name_to_handle_at, "name_to_handle_at", Eperm, Text(1)),
    call(libc::SYS_fanotify_init, "fanotify_init", Eperm, Nothing),
    call(libc::SYS_fanotify_mark, "fanotify_mark", Eperm, Text(4)),
    // Memory that not even the kernel can look at.
    call(libc::SYS_memfd_secret, "memfd_secret", Enosys, Nothing),
    // The machine: kernels, modules, clocks, swap, quotas, accounting, names, logs, ports.
    call(libc::SYS_kexec_load, "kexec_load", Eperm, Nothing),
    call(libc::SYS_init_module, "init_module", Eperm, Nothing),
    call(libc::SYS_finit_module, "finit_module", Eperm, Nothing),
    call(libc::SYS_delete_module, "delete_module", Eperm, Text(0)),
    call(libc::SYS_clock_settime, "clock_settime", Eperm, Nothing),
    call(libc::SYS_clock_adjtime, "clock_adjtime", Eperm, Nothing),
    call(libc::SYS_settimeofday, "settimeofday", Eperm, Nothing),
    call(libc::SYS_adjtimex, "adjtimex", Eperm, Nothing),
    call(libc::SYS_swapon, "swapon", Eperm, Text(0)),
    call(libc::SYS_swapoff, "swapoff", Eperm, Text(0)),
    call(libc::SYS_reboot, "reboot", Eperm, Nothing),
    call(libc::SYS_quotactl, "quotactl", Eperm, Text(1)),
    call(libc::SYS_quotactl_fd, "quotactl_fd", Eperm, Nothing),
    call(libc::SYS_acct, "acct", Eperm, Text(0)),
    call(libc::SYS_syslog, "syslog", Eperm, Nothing),
    call(libc::SYS_sethostname, "sethostname", Eperm, Nothing),
    call(libc::SYS_setdomainname, "setdomainname", Eperm, Nothing),
    call(libc::SYS_vhangup, "vhangup", Eperm, Nothing),
    call(libc::SYS_lookup_dcookie, "lookup_dcookie", Eperm, Nothing),
    call(libc::SYS_nfsservctl, "nfsservctl", Enosys, Nothing),
];

/// Calls that only one architecture has.
#[cfg(target_arch = "x86_64")]
pub(super) const REFUSED_HERE: &[Call] = &[
    // Segments of old programs, and a source of holes.
    call(libc::SYS_modify_ldt, "modify_ldt", Eperm, Nothing),
    call(libc::SYS_iopl, "iopl", Eperm, Nothing),
    call(libc::SYS_ioperm, "ioperm", Eperm, Nothing),
    call(libc::SYS_kexec_file_load, "kexec_file_load", Eperm, Nothing),
    call(libc::SYS_uselib, "uselib", Enosys, Text(0)),
    call(libc::SYS_ustat, "ustat", Enosys, Nothing),
    call(libc::SYS_sysfs, "sysfs", Enosys, Nothing),
    call(libc::SYS__sysctl, "_sysctl", Enosys, Nothing),
];

/// Calls that only one architecture has.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const REFUSED_HERE: &[Call] = &[];

/// Calls that are refused for some of their arguments; for which, the lists below and `seccomp.rs` say.
pub(super) const REFUSED_BY_ARGUMENT: &[Call] = &[
    call(libc::SYS_clone, "clone", Eperm, Namespaces(0)),
    call(libc::SYS_ioctl, "ioctl", Eperm, Number(1)),
    call(libc::SYS_personality, "personality", Eperm, Number(0)),
    call(libc::SYS_socket, "socket", Eperm, Socket),
    call(libc::SYS_socketpair, "socketpair", Eperm, Socket),
];

/// Refused calls that nobody is told of: the C library makes them by itself, once for every thread, and falls back.
pub(super) const UNTOLD: &[c_long] = &[libc::SYS_clone3];

/// `clone` with any of these flags makes a namespace, and is refused.
pub(super) const CLONE_FLAGS_REFUSED: [c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The names of those flags, in the same order.
pub(super) const NAMESPACES: [&str; 7] =
    ["CLONE_NEWNS", "CLONE_NEWCGROUP", "CLONE_NEWUTS", "CLONE_NEWIPC", "CLONE_NEWUSER", "CLONE_NEWPID", "CLONE_NEWNET"];

/// `ioctl` requests that type into a terminal for its owner.
pub(super) const IOCTLS_REFUSED: &[libc::c_ulong] = &[libc::TIOCSTI as libc::c_ulong, libc::TIOCLINUX as libc::c_ulong];

/// The execution domains that `personality` may set: Linux, Linux with 32 bits, the two with the old uname, and the
/// question which one is set. All others change how memory is laid out.
pub(super) const PERSONALITIES: &[u64] = &[0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// The socket families of a run without a network: tests start servers and talk to them over loopback, which is all that
/// there is.
pub(super) const FAMILIES: &[c_int] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];

/// The socket families of a run with one. Netlink is how the C library lists addresses before it resolves a name.
pub(super) const FAMILIES_WITH_NETWORK: &[c_int] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Memory that belongs to no process and to no folder, so that sampling would miss it; refused where only samples tell
/// what a run uses.
pub(super) const REFUSED_WHERE_SAMPLED: &[Call] =
    &[call(libc::SYS_memfd_create, "memfd_create", Enosys, Text(0)), call(libc::SYS_shmget, "shmget", Enosys, Nothing)];

/// The protocols that a socket may be made for: the family's own, TCP and UDP. For any other the kernel would load a
/// module on a program's word. Netlink numbers its own, and only the first (routes) is for programs.
pub(super) const PROTOCOLS: &[u64] = &[0, 6, 17];
