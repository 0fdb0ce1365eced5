//! What held during a run, by name, for the report.

use super::cgroup::Cgroup;
use super::owner;
use crate::sandbox::{Behaviour, Collected, Ended, Enforcement, Isolation, Metrics, Network, Outcome, Stream};

/// Which layers and limits hold for a run with these means. Every layer that is said to be active here stops the run
/// when it cannot be made; only Landlock may be missing.
pub(super) fn of(cgroup: Option<&Cgroup>, network: &Network, landlock: bool) -> Isolation {
    let by = |enforced: bool, by: &str| Enforcement { enforced, by: by.to_owned() };
    let (memory, cpus, pids) = match cgroup {
        Some(group) => {
            let cpus = if group.has("cpu") { by(true, group.name()) } else { by(false, "no cpu controller") };
            (by(true, group.name()), cpus, by(true, group.name()))
        }
        None => (
            by(true, "supervisor, by sampling what is mapped"),
            by(false, "needs control groups"),
            by(true, "rlimit of the program's user"),
        ),
    };
    let layers = [
        "userNamespace",
        "pidNamespace",
        "mountNamespace",
        "ipcNamespace",
        "utsNamespace",
        "cgroupNamespace",
        "seccomp",
        "noNewPrivileges",
        "capabilitiesDropped",
        "nonRoot",
        "readOnlyRoot",
    ];
    let mut layers: std::collections::BTreeMap<_, _> = layers.into_iter().map(|layer| (layer, true)).collect();
    layers.insert("networkNamespace", !matches!(network, Network::Full));
    layers.insert("landlock", landlock);
    let limits = [
        ("wall", by(true, "supervisor")),
        ("memory", memory),
        ("cpus", cpus),
        ("pids", pids),
        ("openFiles", by(true, "rlimit")),
        ("fileBytes", by(true, "rlimit")),
        ("outBytes", by(true, "tmpfs")),
        ("outFiles", by(true, "tmpfs")),
        ("tmpBytes", by(true, "tmpfs")),
        ("streamBytes", by(true, "supervisor")),
    ];
    Isolation { tier: tier(cgroup), layers, limits: limits.into() }
}

fn tier(cgroup: Option<&Cgroup>) -> String {
    let groups = cgroup.map_or("rlimits and sampling (no control groups)", Cgroup::name);
    let owner = if owner::is_root() { "root" } else { "an ordinary user" };
    format!("namespaces and {groups}, started as {owner}")
}

/// The outcome of a run that was stopped before its program started.
pub(super) fn interrupted(command: Vec<String>, isolation: Isolation) -> Outcome {
    Outcome {
        ended: Ended::Interrupted,
        stdout: Stream::default(),
        stderr: Stream::default(),
        collected: Collected::default(),
        metrics: Metrics::default(),
        behaviour: Behaviour::untraced("the run was stopped before its program started"),
        isolation,
        command,
        image: None,
    }
}
