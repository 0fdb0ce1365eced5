//! The system-call filter of every container, as the JSON that engines take.
//!
//! Ordinary calls are allowed, so that interpreters and their extension modules work; what reaches deep into the kernel
//! or out of the container is refused with an error code, never with death: programs that probe for a feature go on
//! without it. The profile replaces the engine's own, which still allows `io_uring` and `AF_VSOCK` in some versions.
//! Calls of another architecture than the kernel's native one are refused by the engine's filter library itself.

use serde_json::{Value, json};

/// Operation not permitted.
const EPERM: u32 = 1;
/// Function not implemented: makes libraries fall back to an older call.
const ENOSYS: u32 = 38;
/// Address family not supported.
const EAFNOSUPPORT: u32 = 97;

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const AF_NETLINK: u64 = 16;
/// The protocols of a socket: the family's own, TCP and UDP. For any other the kernel would load a module on a program's
/// word.
const PROTOCOLS: &[u64] = &[0, 6, 17];
/// The last protocol that is refused by its own number.
const PROTOCOL_LAST: u64 = 17;
/// The last address family that is refused by its own number; everything above is refused by comparison.
const FAMILY_LAST: u64 = 63;

/// Calls that no vetted program needs. Refused with `EPERM`.
const REFUSED: &[&str] = &[
    // Other processes' memory and descriptors.
    "kcmp",
    "migrate_pages",
    "move_pages",
    "pidfd_getfd",
    "process_madvise",
    "process_mrelease",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    // Mounts, roots and namespaces.
    "chroot",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "listmount",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "open_tree_attr",
    "pivot_root",
    "quotactl",
    "quotactl_fd",
    "setns",
    "statmount",
    "swapoff",
    "swapon",
    "umount",
    "umount2",
    "unshare",
    // The kernel itself.
    "acct",
    "bpf",
    "delete_module",
    "fanotify_init",
    "fanotify_mark",
    "finit_module",
    "init_module",
    "kexec_file_load",
    "kexec_load",
    "lookup_dcookie",
    "perf_event_open",
    "reboot",
    "syslog",
    "userfaultfd",
    "vhangup",
    // Keys, which are not confined by a namespace.
    "add_key",
    "keyctl",
    "request_key",
    // Clocks.
    "adjtimex",
    "clock_adjtime",
    "clock_settime",
    "settimeofday",
    "stime",
    // Hardware and segments.
    "ioperm",
    "iopl",
    "modify_ldt",
    "vm86",
    "vm86old",
    // Names of the machine.
    "setdomainname",
    "sethostname",
];

/// Calls whose callers fall back when the kernel is too old for them.
const ABSENT: &[&str] = &[
    "_sysctl",
    // Its flags lie behind a pointer, where no filter can see them; the C library then uses `clone`.
    "clone3",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "memfd_secret",
    "nfsservctl",
    "sysfs",
    "uselib",
    "ustat",
];

/// Flags of `clone` that make a namespace.
const CLONE_NEW: &[u64] = &[
    0x0002_0000, // mount
    0x0200_0000, // control group
    0x0400_0000, // host name
    0x0800_0000, // System V IPC
    0x1000_0000, // user
    0x2000_0000, // process ids
    0x4000_0000, // network
];

/// Terminal requests that put input into another process's terminal: `TIOCSTI`, `TIOCLINUX`.
const IOCTL_REFUSED: &[u64] = &[0x5412, 0x541C];

/// The flag with which a filter of the program's own listens to system calls, and could let go on what is refused here
/// (`SECCOMP_FILTER_FLAG_NEW_LISTENER`).
const FILTER_LISTENS: u64 = 8;

/// The profile, as the engine's `seccomp=` option takes it. `network` tells whether anything but the container's own
/// loopback is there.
pub(super) fn profile(network: bool) -> String {
    let mut rules = vec![refuse(REFUSED, EPERM, None), refuse(ABSENT, ENOSYS, None)];
    for flag in CLONE_NEW {
        rules.push(refuse(&["clone"], EPERM, Some(masked(0, *flag, *flag))));
    }
    for request in IOCTL_REFUSED {
        // The kernel reads 32 bits of this argument; the rest must not hide it.
        rules.push(refuse(&["ioctl"], EPERM, Some(masked(1, 0xffff_ffff, *request))));
    }
    rules.push(refuse(&["seccomp"], EPERM, Some(masked(1, FILTER_LISTENS, FILTER_LISTENS))));
    let query = json!({ "index": 0, "value": 0xffff_ffff_u64, "op": "SCMP_CMP_NE" });
    rules.push(refuse(&["personality"], EPERM, Some(query)));
    rules.extend(socket_rules(network));
    json!({ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules }).to_string()
}

/// Refuses every address family but those that a program needs: tests start servers and talk to them over the
/// container's own loopback, which is all that there is without a network. With one, name look-ups need `AF_NETLINK` too.
fn socket_rules(network: bool) -> Vec<Value> {
    let allowed: &[u64] =
        if network { &[AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] } else { &[AF_UNIX, AF_INET, AF_INET6] };
    let mut rules = Vec::new();
    for family in (0..=FAMILY_LAST).filter(|family| !allowed.contains(family)) {
        let is = json!({ "index": 0, "value": family, "op": "SCMP_CMP_EQ" });
        rules.push(refuse(&["socket", "socketpair"], EAFNOSUPPORT, Some(is)));
    }
    let above = json!({ "index": 0, "value": FAMILY_LAST, "op": "SCMP_CMP_GT" });
    rules.push(refuse(&["socket", "socketpair"], EAFNOSUPPORT, Some(above)));
    for protocol in (0..=PROTOCOL_LAST).filter(|protocol| !PROTOCOLS.contains(protocol)) {
        let is = json!({ "index": 2, "value": protocol, "op": "SCMP_CMP_EQ" });
        rules.push(refuse(&["socket"], EPERM, Some(is)));
    }
    let above = json!({ "index": 2, "value": PROTOCOL_LAST, "op": "SCMP_CMP_GT" });
    rules.push(refuse(&["socket"], EPERM, Some(above)));
    rules
}

fn refuse(names: &[&str], errno: u32, argument: Option<Value>) -> Value {
    let arguments: Vec<Value> = argument.into_iter().collect();
    json!({ "names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": errno, "args": arguments })
}

fn masked(index: u32, mask: u64, value: u64) -> Value {
    json!({ "index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_families(network: bool) -> Vec<u64> {
        let profile: Value = serde_json::from_str(&profile(network)).unwrap();
        let rules = profile["syscalls"].as_array().unwrap().iter();
        rules
            .filter(|rule| rule["names"][1] == "socketpair" && rule["args"][0]["op"] == "SCMP_CMP_EQ")
            .map(|rule| rule["args"][0]["value"].as_u64().unwrap())
            .collect()
    }

    #[test]
    fn sockets_for_loopback_are_left_without_a_network() {
        let refused = refused_families(false);
        for family in [AF_UNIX, AF_INET, AF_INET6] {
            assert!(!refused.contains(&family), "family {family}");
        }
        for family in [AF_NETLINK, 17, 40] {
            assert!(refused.contains(&family), "family {family}");
        }
    }

    #[test]
    fn a_network_brings_name_look_ups_and_never_vsock() {
        let refused = refused_families(true);
        assert!(!refused.contains(&AF_NETLINK) && !refused.contains(&AF_INET6));
        assert!(refused.contains(&40) && refused.contains(&17));
    }

    /// Both back ends promise the same; this one needs names where the other needs numbers.
    #[test]
    fn what_the_native_sandbox_refuses_is_refused_here() {
        let rules = include_str!("../native/seccomp_rules.rs");
        let (rules, _) = rules.split_once("const REFUSED_BY_ARGUMENT").unwrap();
        let mut count = 0;
        for call in rules.split("libc::SYS_").skip(1) {
            let [name, _, rest] = call.splitn(3, ", ").collect::<Vec<_>>()[..] else { panic!("{call}") };
            let list = if rest.starts_with("Enosys") { ABSENT } else { REFUSED };
            assert!(list.contains(&name), "{name} is not refused in the same way");
            count += 1;
        }
        assert!(count > 50, "{count} calls were found");
    }

    #[test]
    fn no_call_is_named_twice() {
        let mut names: Vec<_> = REFUSED.iter().chain(ABSENT).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
