//! What `vetrun doctor` says of this back end, and the removal of what a killed vetrun left.

use std::fs;
use std::path::{Path, PathBuf};

use super::cgroup::{self, Cgroup};
use super::grounds;
use super::spec::{Fault, Walls};
use super::supervise::Trouble;
use super::{BACKEND, Expected, NativeSandbox, Nursery, isolation, owner};
use crate::sandbox::{Diagnosis, Isolation, Network, SandboxError};

/// Says whether runs can be isolated here and how strongly, by setting an empty one up with `launcher`.
#[must_use]
pub fn diagnose(launcher: &Path) -> Diagnosis {
    let mut sandbox = NativeSandbox::unproven(Nursery::start(launcher.to_owned()), Vec::new());
    let (proved, troubles) = sandbox.prove_any(&Expected::default());
    let Some(container) = proved else {
        let (summary, mend) = explain_all(&troubles);
        return Diagnosis {
            backend: BACKEND,
            usable: false,
            summary,
            mends: vec![mend],
            isolation: Isolation::default(),
        };
    };
    let landlock = container.created.as_ref().is_some_and(|created| created.landlock);
    let isolation = isolation::of(sandbox.walls(), container.cgroup(), &Network::None, landlock);
    let mut mends = weaknesses(container.cgroup(), landlock);
    let missing = troubles.iter().map(|(_, trouble)| explain(trouble));
    mends.extend(missing.map(|(reason, mend)| format!("there are no namespaces: {reason}: {mend}")));
    Diagnosis { backend: BACKEND, usable: true, summary: isolation.tier.clone(), mends, isolation }
}

/// Removes what vetrun processes that are gone have left: control groups, and the shared memory of their programs. Returns how
/// many control groups there were.
///
/// Temporary folders are the caller's to [sweep](crate::sandbox::sweep_folders). Nothing else can be left: all mounts are in
/// namespaces that end with their processes, and those die with vetrun.
pub fn sweep() -> usize {
    if owner::is_root() {
        grounds::sweep_shared_memory(owner::is_left_behind);
    }
    cgroup::sweep()
}

/// The error of a host that cannot isolate anything, from what was tried.
pub(super) fn unavailable(troubles: &[(Walls, Trouble)]) -> SandboxError {
    let (reason, mend) = explain_all(troubles);
    SandboxError::Unavailable { backend: BACKEND, reason, mend }
}

/// What is missing for each kind of walls, and the mend of the strongest.
fn explain_all(troubles: &[(Walls, Trouble)]) -> (String, String) {
    let mut explained: Vec<_> = troubles.iter().map(|(walls, trouble)| (walls, explain(trouble))).collect();
    let reasons: Vec<String> = explained
        .iter()
        .map(|(walls, (reason, _))| match walls {
            Walls::Namespaces => reason.clone(),
            Walls::Landlock => format!("without namespaces {reason}"),
        })
        .collect();
    let mend = if explained.is_empty() { String::new() } else { explained.swap_remove(0).1.1 };
    (reasons.join("; "), mend)
}

fn weaknesses(group: Option<&Cgroup>, landlock: bool) -> Vec<String> {
    let mut mends = Vec::new();
    if group.is_none() {
        mends.push(if owner::is_root() {
            "no memory and process controller can be used, so memory is only sampled and processors are not shared out: \
             mount cgroup v1, or cgroup v2 with memory and pids in cgroup.subtree_control"
        } else {
            "memory is only sampled and processors are not shared out: start vetrun as root to have control groups, or in \
             one of version 2 that is delegated to this user (`systemd-run --user --scope -p Delegate=yes`)"
        });
    }
    if !landlock {
        mends.push("this kernel has no Landlock: boot a kernel from 5.13 on with `lsm=landlock,…` for a second wall");
    }
    mends.into_iter().map(str::to_owned).collect()
}

/// What is missing and what its owner can do, from the step that failed and what this host says of itself.
fn explain(trouble: &Trouble) -> (String, String) {
    let fault = match trouble {
        Trouble::Fault(fault) | Trouble::NoProgram(fault) => fault,
        Trouble::Interrupted => return ("it was interrupted".to_owned(), "try again".to_owned()),
    };
    let said = std::io::Error::from_raw_os_error(fault.errno);
    (format!("it cannot {}: {said}", fault.action), mend(fault).to_owned())
}

fn mend(fault: &Fault) -> &'static str {
    if fault.action.contains("start the launcher") {
        return "give the path of vetrun's own executable as launcher";
    }
    if fault.errno == libc::ENOSYS {
        return "boot Linux 5.12 or newer; in a container, its seccomp profile may forbid the call";
    }
    if owner::is_root() {
        return "root lacks a right here, as in most containers: run the container with SYS_ADMIN, SETUID, SETGID and \
                SETPCAP and without its seccomp profile, or use `--sandbox docker`";
    }
    let number =
        |path: &str| fs::read_to_string(PathBuf::from(path)).ok().and_then(|text| text.trim().parse::<u64>().ok());
    if number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        return "AppArmor keeps user namespaces from ordinary users: give vetrun a profile with `userns,`, or set \
                kernel.apparmor_restrict_unprivileged_userns=0";
    }
    if number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0) {
        return "set kernel.unprivileged_userns_clone=1, or start vetrun as root";
    }
    if number("/proc/sys/user/max_user_namespaces") == Some(0) {
        return "set user.max_user_namespaces above 0, or start vetrun as root";
    }
    "start vetrun as root, or use `--sandbox docker`; in a container, its seccomp profile may forbid user namespaces"
}
