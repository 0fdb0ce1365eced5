//! Which system calls a program may not make: the whole list, as data.
//!
//! Everything that is not named here is allowed. A list of what is allowed breaks programs at random as the C library
//! and the interpreters move on; this list names what reaches beyond a process, what has a history of holes in the
//! kernel, and what would undo the sandbox. Every refusal is an error number, never a signal, so that libraries fall
//! back as they do on an older kernel.

use libc::c_long;

/// What a refused call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `EPERM`: not permitted.
    Eperm,
    /// `ENOSYS`: this kernel does not have the call. Callers fall back to an older one.
    Enosys,
}

use Refusal::{Enosys, Eperm};

/// Calls that are refused whatever their arguments.
pub(super) const REFUSED: &[(c_long, Refusal)] = &[
    // Asynchronous rings do work that no filter sees, and hold a large share of the kernel's holes.
    (libc::SYS_io_uring_setup, Enosys),
    (libc::SYS_io_uring_enter, Enosys),
    (libc::SYS_io_uring_register, Enosys),
    // Its flags are behind a pointer, where a filter cannot look; C libraries fall back to `clone`.
    (libc::SYS_clone3, Enosys),
    // Keys are kept by user, not by namespace.
    (libc::SYS_keyctl, Eperm),
    (libc::SYS_add_key, Eperm),
    (libc::SYS_request_key, Eperm),
    // Programs in the kernel, its counters, its page faults.
    (libc::SYS_bpf, Eperm),
    (libc::SYS_perf_event_open, Eperm),
    (libc::SYS_userfaultfd, Eperm),
    // Other processes' memory and descriptors.
    (libc::SYS_ptrace, Eperm),
    (libc::SYS_process_vm_readv, Eperm),
    (libc::SYS_process_vm_writev, Eperm),
    (libc::SYS_process_madvise, Eperm),
    (libc::SYS_process_mrelease, Eperm),
    (libc::SYS_pidfd_getfd, Eperm),
    (libc::SYS_kcmp, Eperm),
    (libc::SYS_move_pages, Eperm),
    (libc::SYS_migrate_pages, Eperm),
    // Mounts, roots and namespaces.
    (libc::SYS_mount, Eperm),
    (libc::SYS_umount2, Eperm),
    (libc::SYS_pivot_root, Eperm),
    (libc::SYS_chroot, Eperm),
    (libc::SYS_setns, Eperm),
    (libc::SYS_unshare, Eperm),
    (libc::SYS_fsopen, Eperm),
    (libc::SYS_fsconfig, Eperm),
    (libc::SYS_fsmount, Eperm),
    (libc::SYS_fspick, Eperm),
    (libc::SYS_move_mount, Eperm),
    (libc::SYS_open_tree, Eperm),
    (libc::SYS_mount_setattr, Eperm),
    // `statmount`, `listmount` and `open_tree_attr`: newer than the C library's list of names.
    (457, Eperm),
    (458, Eperm),
    (467, Eperm),
    // Files by a handle, past every path.
    (libc::SYS_open_by_handle_at, Eperm),
    (libc::SYS_name_to_handle_at, Eperm),
    (libc::SYS_fanotify_init, Eperm),
    (libc::SYS_fanotify_mark, Eperm),
    // Memory that not even the kernel can look at.
    (libc::SYS_memfd_secret, Enosys),
    // The machine: kernels, modules, clocks, swap, quotas, accounting, names, logs, ports.
    (libc::SYS_kexec_load, Eperm),
    (libc::SYS_init_module, Eperm),
    (libc::SYS_finit_module, Eperm),
    (libc::SYS_delete_module, Eperm),
    (libc::SYS_clock_settime, Eperm),
    (libc::SYS_clock_adjtime, Eperm),
    (libc::SYS_settimeofday, Eperm),
    (libc::SYS_adjtimex, Eperm),
    (libc::SYS_swapon, Eperm),
    (libc::SYS_swapoff, Eperm),
    (libc::SYS_reboot, Eperm),
    (libc::SYS_quotactl, Eperm),
    (libc::SYS_quotactl_fd, Eperm),
    (libc::SYS_acct, Eperm),
    (libc::SYS_syslog, Eperm),
    (libc::SYS_sethostname, Eperm),
    (libc::SYS_setdomainname, Eperm),
    (libc::SYS_vhangup, Eperm),
    (libc::SYS_lookup_dcookie, Eperm),
    (libc::SYS_nfsservctl, Enosys),
];

/// Calls that only one architecture has.
#[cfg(target_arch = "x86_64")]
pub(super) const REFUSED_HERE: &[(c_long, Refusal)] = &[
    // Segments of old programs, and a source of holes.
    (libc::SYS_modify_ldt, Eperm),
    (libc::SYS_iopl, Eperm),
    (libc::SYS_ioperm, Eperm),
    (libc::SYS_kexec_file_load, Eperm),
    (libc::SYS_uselib, Enosys),
    (libc::SYS_ustat, Enosys),
    (libc::SYS_sysfs, Enosys),
    (libc::SYS__sysctl, Enosys),
];

/// Calls that only one architecture has.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const REFUSED_HERE: &[(c_long, Refusal)] = &[];

/// `clone` with any of these flags makes a namespace, and is refused.
pub(super) const CLONE_FLAGS_REFUSED: &[libc::c_int] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// `ioctl` requests that type into a terminal for its owner.
pub(super) const IOCTLS_REFUSED: &[libc::c_ulong] = &[libc::TIOCSTI, libc::TIOCLINUX];

/// The execution domains that `personality` may set: Linux, Linux with 32 bits, the two with the old uname, and the
/// question which one is set. All others change how memory is laid out.
pub(super) const PERSONALITIES: &[u64] = &[0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// The socket families of a run without a network: tests start servers and talk to them over loopback, which is all that
/// there is.
pub(super) const FAMILIES: &[libc::c_int] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];

/// The socket families of a run with one. Netlink is how the C library lists addresses before it resolves a name.
pub(super) const FAMILIES_WITH_NETWORK: &[libc::c_int] =
    &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Memory that belongs to no process and to no folder, so that sampling would miss it; refused where only samples tell
/// what a run uses.
pub(super) const REFUSED_WHERE_SAMPLED: &[c_long] = &[libc::SYS_memfd_create, libc::SYS_shmget];

/// The protocols that a socket may be made for: the family's own, TCP and UDP. For any other the kernel would load a
/// module on a program's word. Netlink numbers its own, and only the first (routes) is for programs.
pub(super) const PROTOCOLS: &[u64] = &[0, 6, 17];
