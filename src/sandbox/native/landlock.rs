//! The second wall: Landlock, which holds even where a mount would not.
//!
//! The mounts already show nothing but what is lent. Landlock says the same again, by another mechanism of the kernel:
//! only the output folder, the scratch folder and devices can be written, beside a gateway only its port can be connected
//! to, and abstract sockets and signals end at the sandbox. Without a gateway the network namespace holds nothing but
//! its own loopback, on which programs may listen and talk to themselves, so ports are left alone.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::spec::{Fault, Net};
use crate::sandbox::{GATEWAY_PORT, OUT_DIR, TMP_DIR};

/// The newest version of the interface that these rules were written against.
const VERSION: ABI = ABI::V6;

/// Restricts this process and all it starts. Whether anything holds; where the kernel has no Landlock, nothing does.
pub(super) fn restrict(net: Net) -> Result<bool, Fault> {
    let status = apply(net).map_err(|error| {
        let source = std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
        Fault { action: format!("restrict with Landlock ({error} {source})"), errno: libc::EIO }
    })?;
    Ok(status != RulesetStatus::NotEnforced)
}

fn apply(net: Net) -> Result<RulesetStatus, landlock::RulesetError> {
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
        if let Ok(fd) = PathFd::new(path) {
            created = created.add_rule(PathBeneath::new(fd, access))?;
        }
    }
    if net == Net::Gateway {
        created = created.add_rule(NetPort::new(GATEWAY_PORT, AccessNet::ConnectTcp))?;
    }
    Ok(created.restrict_self()?.ruleset)
}
