//! Which restrictions held during a run: layers as the kernel told them to the keeper, limits as the engine's word and
//! our own supervision have it.

use std::collections::BTreeMap;

use super::engine::Features;
use crate::sandbox::{Enforcement, Isolation};

/// Namespaces by the names under `/proc/self/ns`.
const NAMESPACES: [(&str, &str); 7] = [
    ("user", "userNamespace"),
    ("pid", "pidNamespace"),
    ("mnt", "mountNamespace"),
    ("net", "networkNamespace"),
    ("ipc", "ipcNamespace"),
    ("uts", "utsNamespace"),
    ("cgroup", "cgroupNamespace"),
];

/// What held, from the keeper's facts.
pub(super) fn observed(facts: &BTreeMap<String, String>, features: &Features, is_archived: bool) -> Isolation {
    let is = |name: &str, wanted: &str| facts.get(name).is_some_and(|value| value == wanted);
    let none = |name: &str| facts.get(name).is_some_and(|value| value.trim_matches('0').is_empty());
    let mut layers: BTreeMap<&'static str, bool> = NAMESPACES
        .iter()
        .map(|(kind, layer)| (*layer, facts.get(&format!("ns.{kind}")).is_some_and(|inside| is_other(kind, inside))))
        .collect();
    layers.insert("seccomp", is("Seccomp", "2"));
    layers.insert("landlock", false);
    layers.insert("noNewPrivileges", is("NoNewPrivs", "1"));
    layers.insert("capabilitiesDropped", none("CapEff") && none("CapPrm") && none("CapBnd"));
    layers.insert("nonRoot", facts.get("Uid").is_some_and(|ids| ids.split_whitespace().all(|id| id != "0")));
    layers.insert("readOnlyRoot", is("root.ro", "1"));
    let mut tier = features.tier();
    if is_archived {
        tier.push_str(", files as archives");
    }
    if is("apart", "0") {
        tier.push_str(", whose kernel lets a program forge what is told of its end");
    }
    Isolation { tier, layers, limits: limits(features) }
}

/// What would hold, for a diagnosis without a run.
pub(super) fn expected(features: &Features) -> Isolation {
    let mut layers: BTreeMap<&'static str, bool> = NAMESPACES.iter().map(|(_, layer)| (*layer, true)).collect();
    layers.insert("userNamespace", features.user_namespaces);
    layers.insert("seccomp", features.seccomp);
    layers.insert("landlock", false);
    for layer in ["noNewPrivileges", "capabilitiesDropped", "nonRoot", "readOnlyRoot"] {
        layers.insert(layer, true);
    }
    Isolation { tier: features.tier(), layers, limits: limits(features) }
}

/// What every kernel calls its first namespaces.
const FIRST: [&str; 5] =
    ["ipc:[4026531839]", "uts:[4026531838]", "user:[4026531837]", "pid:[4026531836]", "cgroup:[4026531835]"];

/// Whether the keeper's namespace is another than vetrun's own, and none of a host, which may be another than vetrun's. One of
/// ours that cannot be read proves nothing.
fn is_other(kind: &str, inside: &str) -> bool {
    let is_own_unlike = |own: std::path::PathBuf| own.to_string_lossy() != inside;
    !FIRST.contains(&inside) && std::fs::read_link(format!("/proc/self/ns/{kind}")).is_ok_and(is_own_unlike)
}

fn limits(features: &Features) -> BTreeMap<&'static str, Enforcement> {
    let counted = |enforced: bool, what: &str| Enforcement {
        enforced,
        by: if enforced { features.cgroup() } else { format!("the engine cannot limit {what} on this host") },
    };
    let held = |by: &str| Enforcement { enforced: true, by: by.to_owned() };
    let mut memory = counted(features.memory, "memory");
    if features.memory && !features.swap {
        memory.by.push_str(", but swap is not limited");
    }
    BTreeMap::from([
        ("wall", held("supervisor")),
        ("memory", memory),
        ("cpus", counted(features.cpu_quota, "processor time")),
        ("pids", counted(features.pids, "processes")),
        ("openFiles", held("rlimit")),
        ("fileBytes", held("rlimit")),
        ("outBytes", held("tmpfs")),
        // Podman takes no number of files for a tmpfs, so vetrun counts them.
        ("outFiles", held(if features.is_podman { "supervisor" } else { "tmpfs" })),
        ("tmpBytes", held("tmpfs")),
        ("streamBytes", held("supervisor")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(memory: bool) -> Features {
        Features {
            server: "1".into(),
            cgroup_version: Some(1),
            memory,
            swap: true,
            pids: true,
            cpu_quota: true,
            seccomp: true,
            rootless: false,
            user_namespaces: false,
            is_podman: false,
            root: String::new(),
            runtimes: Vec::new(),
            runtime: None,
        }
    }

    #[test]
    fn a_layer_that_was_not_seen_does_not_hold() {
        let layers = observed(&BTreeMap::new(), &features(true), false).layers;
        assert_eq!(layers.len(), 13);
        assert!(layers.values().all(|held| !held), "{layers:?}");
    }

    #[test]
    fn a_namespace_of_any_host_is_none_of_the_containers() {
        for first in FIRST {
            let kind = first.split(':').next().unwrap();
            assert!(!is_other(kind, first), "{first}");
            assert!(is_other(kind, &format!("{kind}:[1]")), "{kind}");
        }
    }

    #[test]
    fn how_files_came_is_told() {
        let tier = |is_archived| observed(&BTreeMap::new(), &features(true), is_archived).tier;
        assert!(tier(true).ends_with("files as archives") && !tier(false).contains("archives"));
        let facts = |apart: &str| BTreeMap::from([("apart".to_owned(), apart.to_owned())]);
        assert!(observed(&facts("0"), &features(true), true).tier.contains("forge"));
        assert!(!observed(&facts("1"), &features(true), true).tier.contains("forge"));
    }

    #[test]
    fn any_capability_at_all_is_told() {
        let facts =
            |set: &str| BTreeMap::from(["CapEff", "CapPrm", "CapBnd"].map(|name| (name.to_owned(), set.to_owned())));
        assert!(observed(&facts("0000000000000000"), &features(true), false).layers["capabilitiesDropped"]);
        assert!(!observed(&facts("0000000000000400"), &features(true), false).layers["capabilitiesDropped"]);
    }

    #[test]
    fn a_limit_that_the_engine_cannot_hold_is_not_enforced() {
        assert!(observed(&BTreeMap::new(), &features(true), false).limits["memory"].enforced);
        assert!(!observed(&BTreeMap::new(), &features(false), false).limits["memory"].enforced);
    }
}
