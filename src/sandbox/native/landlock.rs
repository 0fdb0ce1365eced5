//! Landlock: the second wall where there are namespaces, and the first where there are none.
//!
//! Beside namespaces, the mounts already show nothing but what is lent. Landlock says the same again, by another mechanism
//! of the kernel: only the output folder, the scratch folder and devices can be written, beside a gateway only its port can
//! be connected to, and abstract sockets and signals end at the sandbox. Without a gateway the network namespace holds
//! nothing but its own loopback, on which programs may listen and talk to themselves, so ports are left alone. What the
//! kernel is too old for is left to the first wall.
//!
//! Without namespaces nothing may be left. The program is among the host's files, of which it may use what is lent and its
//! own folders; and a kernel that cannot keep it from the others is refused. What Landlock never decides about (sockets with
//! a path, modes, times, what a path looks like from outside) is for the filters.

use std::os::fd::OwnedFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use super::grounds::SHARED_MEMORY;
use super::root::DEVICES;
use super::spec::{Create, Fault, Ids, Lent, Net, Writable};
use crate::sandbox::{GATEWAY_PORT, OUT_DIR, TMP_DIR};

/// The newest version of the interface that these rules were written against.
const VERSION: ABI = ABI::V6;
/// The first that keeps files from being cut short (Linux 6.2). Without namespaces, older ones will not do.
const FILES: ABI = ABI::V3;
/// The first that knows ports (Linux 6.7).
const PORTS: ABI = ABI::V4;
/// The first that keeps signals in (Linux 6.12). An ordinary user's program has the user of all others that must not get one.
const SIGNALS: ABI = ABI::V6;

/// What of `/proc` libraries read of the whole host.
const PROC: [&str; 7] = [
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/proc/version",
];
/// What the program may read there of itself; a process that it starts has other entries. Not the host's network and mounts,
/// which are among them too.
const PROC_OWN: [&str; 16] = [
    "auxv",
    "cgroup",
    "cmdline",
    "comm",
    "environ",
    "fd",
    "fdinfo",
    "io",
    "limits",
    "maps",
    "oom_score",
    "smaps",
    "smaps_rollup",
    "stat",
    "statm",
    "status",
];

/// Restricts this process and all it starts. Whether anything holds; where the kernel has no Landlock, nothing does.
pub(super) fn restrict(net: Net) -> Result<bool, Fault> {
    let restrict = || -> Result<_, RulesetError> { created(net)?.restrict_self() };
    restrict().map(|status| status.ruleset != RulesetStatus::NotEnforced).map_err(|error| fault("restrict", &error))
}

/// The same rules, for an interpreter that will be restricted by them and was executed in another mount of the file
/// `interpreter`; `None` where the kernel has no Landlock.
pub(super) fn rules(net: Net, interpreter: &str) -> Result<Option<OwnedFd>, Fault> {
    let rules =
        || -> Result<_, RulesetError> { allow(created(net)?, interpreter, AccessFs::ReadFile | AccessFs::Execute) };
    rules().map(Into::into).map_err(|error| fault("restrict", &error))
}

/// From now on this process and all it starts can signal only each other.
pub(super) fn keep_signals() -> Result<(), Fault> {
    let keep = || -> Result<_, RulesetError> {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        // To move files between folders is denied by every domain that does not allow it.
        let created = ruleset.handle_access(AccessFs::Refer)?.scope(Scope::from_all(SIGNALS))?.create()?;
        allow(created, "/", AccessFs::Refer.into())?.restrict_self()
    };
    keep().map(drop).map_err(|error| fault("keep signals to the run", &error))
}

/// Restricts this process, which has no namespaces, and all it starts, to what is lent and its own `grounds`.
pub(super) fn confine(create: &Create, grounds: &Writable, lent: &Lent) -> Result<(), Fault> {
    let confine = || -> Result<_, RulesetError> {
        let mut created = handled(create)?.create()?.set_compatibility(CompatLevel::BestEffort);
        let all = AccessFs::from_all(VERSION);
        let read = AccessFs::from_read(VERSION);
        for bind in create.view.lent.binds.iter().chain(&lent.binds) {
            created = allow(created, &bind.host, read)?;
        }
        for path in PROC {
            created = allow(created, path, AccessFs::ReadFile.into())?;
        }
        for name in DEVICES {
            created = allow(created, &format!("/dev/{name}"), AccessFs::ReadFile | AccessFs::WriteFile)?;
        }
        for name in PROC_OWN {
            created = allow(created, &format!("/proc/self/{name}"), AccessFs::ReadFile | AccessFs::ReadDir)?;
        }
        created = allow(created, &grounds.out, all)?;
        created = allow(created, &grounds.tmp, all)?;
        if grounds.shares_memory {
            created = allow(created, SHARED_MEMORY, all)?;
        }
        if let Some(port) = grounds.port {
            created = created.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
        created.restrict_self()
    };
    confine().map(drop).map_err(|error| fault("confine the program", &error))
}

/// What is restricted without namespaces, and what the kernel must know for that.
fn handled(create: &Create) -> Result<Ruleset, RulesetError> {
    let mut ruleset =
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(AccessFs::from_all(FILES))?;
    if create.net == Net::Gateway {
        ruleset = ruleset.handle_access(AccessNet::from_all(PORTS))?;
    }
    if matches!(create.ids, Ids::User { .. }) {
        ruleset = ruleset.scope(Scope::from_all(SIGNALS))?;
    }
    let ruleset = ruleset.set_compatibility(CompatLevel::BestEffort);
    ruleset.handle_access(AccessFs::from_all(VERSION))?.scope(Scope::from_all(VERSION))
}

/// Allows `access` to a path and all below it, where it is there.
fn allow(created: RulesetCreated, path: &str, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    let Ok(fd) = PathFd::new(path) else { return Ok(created) };
    created.add_rule(PathBeneath::new(fd, access))
}

/// The rules of a run that has namespaces.
fn created(net: Net) -> Result<RulesetCreated, RulesetError> {
    let all = AccessFs::from_all(VERSION);
    let read = AccessFs::from_read(VERSION);
    let devices = read | AccessFs::WriteFile | AccessFs::IoctlDev | AccessFs::Truncate;
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
    if net == Net::Gateway {
        ruleset = ruleset.handle_access(AccessNet::from_all(VERSION))?;
    }
    let mut created = ruleset.scope(Scope::from_all(VERSION))?.create()?;
    // What a process may do to its own entries in /proc is for the kernel and the mount to say.
    let rules: [(&str, BitFlags<AccessFs>); 6] = [
        ("/", read),
        (OUT_DIR, all),
        (TMP_DIR, all),
        ("/dev", devices),
        ("/dev/shm", all),
        ("/proc", read | AccessFs::WriteFile),
    ];
    for (path, access) in rules {
        created = allow(created, path, access)?;
    }
    if net == Net::Gateway {
        created = created.add_rule(NetPort::new(GATEWAY_PORT, AccessNet::ConnectTcp))?;
    }
    Ok(created)
}

fn fault(action: &str, error: &RulesetError) -> Fault {
    let source = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
    Fault { action: format!("{action} with Landlock ({error} {source})"), errno: libc::EIO }
}
