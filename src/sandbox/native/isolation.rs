//! What held during a run, by name, for the report.

use std::collections::BTreeMap;

use super::cgroup::Cgroup;
use super::owner;
use super::spec::Walls;
use crate::sandbox::{Behaviour, Collected, Ended, Enforcement, Isolation, Metrics, Network, Outcome, Stream};

/// Layers that are namespaces, or need them.
const OF_NAMESPACES: [&str; 6] =
    ["userNamespace", "pidNamespace", "mountNamespace", "ipcNamespace", "utsNamespace", "cgroupNamespace"];
/// Layers that every run has.
const OF_ALL: [&str; 5] = ["seccomp", "noNewPrivileges", "capabilitiesDropped", "nonRoot", "readOnlyRoot"];

/// Which layers and limits hold for a run with these means. Every layer that is said to be active here stops the run
/// when it cannot be made; only Landlock may be missing, and only beside namespaces.
pub(super) fn of(walls: Walls, cgroup: Option<&Cgroup>, network: &Network, landlock: bool) -> Isolation {
    let has_namespaces = walls == Walls::Namespaces;
    let mut layers: BTreeMap<_, _> = OF_ALL.into_iter().map(|layer| (layer, true)).collect();
    layers.extend(OF_NAMESPACES.map(|layer| (layer, has_namespaces)));
    layers.insert("networkNamespace", has_namespaces && !matches!(network, Network::Full));
    layers.insert("landlock", landlock);
    Isolation { tier: tier(walls, cgroup), layers, limits: limits(walls, cgroup) }
}

fn limits(walls: Walls, cgroup: Option<&Cgroup>) -> BTreeMap<&'static str, Enforcement> {
    let by = |enforced: bool, by: &str| Enforcement { enforced, by: by.to_owned() };
    let (memory, cpus, pids) = match cgroup {
        Some(group) => {
            let cpus = if group.has("cpu") { by(true, group.name()) } else { by(false, "no cpu controller") };
            (by(true, group.name()), cpus, by(true, group.name()))
        }
        None => (
            by(true, "supervisor, by sampling what is mapped"),
            by(false, "needs control groups"),
            match walls {
                Walls::Landlock if !owner::is_root() => {
                    by(true, "rlimit of the user, with room for what else they run")
                }
                _ => by(true, "rlimit of the program's user"),
            },
        ),
    };
    let folders = match walls {
        Walls::Namespaces => "tmpfs",
        Walls::Landlock => "supervisor, by looking at what is in the folder",
    };
    BTreeMap::from([
        ("wall", by(true, "supervisor")),
        ("memory", memory),
        ("cpus", cpus),
        ("pids", pids),
        ("openFiles", by(true, "rlimit")),
        ("fileBytes", by(true, "rlimit")),
        ("outBytes", by(true, folders)),
        ("outFiles", by(true, folders)),
        ("tmpBytes", by(true, folders)),
        ("streamBytes", by(true, "supervisor")),
    ])
}

fn tier(walls: Walls, cgroup: Option<&Cgroup>) -> String {
    let walls = match walls {
        Walls::Namespaces => "namespaces",
        Walls::Landlock => "Landlock, system call filters (no namespaces)",
    };
    let groups = cgroup.map_or("rlimits and sampling (no control groups)", Cgroup::name);
    let owner = if owner::is_root() { "root" } else { "an ordinary user" };
    format!("{walls} and {groups}, started as {owner}")
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
        places: BTreeMap::new(),
    }
}
