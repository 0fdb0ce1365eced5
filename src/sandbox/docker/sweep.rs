//! What a vetrun that was killed has left behind: labels that say whose a container is, and their removal.
//!
//! A container ends by itself when its vetrun dies, because the keeper sees the socket close; what remains is the dead
//! container's entry in the engine. An owner is a process: its id, its start time and the boot it belongs to. From
//! another boot or process namespace (another host may share the engine) an owner's life cannot be seen; such a
//! container is removed only when its deadline is long past.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::Docker;
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::engine::failed;
use super::ready;
use crate::sandbox::owner::{boot_id, is_gone, pid_namespace, start_time};
use crate::sandbox::{Limits, SandboxError};

/// `<process id>:<start time in clock ticks>:<boot id>`.
const OWNER: &str = "vetrun.owner";
/// The process namespace in which that process id means something.
const NAMESPACE: &str = "vetrun.pidns";
/// When the run is over at the latest, in seconds since the epoch.
const DEADLINE: &str = "vetrun.deadline";
/// Set-up and clean-up on a loaded machine, and clocks that disagree.
const GRACE: Duration = Duration::from_secs(3600);

/// The labels of a container of this process.
pub(super) fn labels(limits: &Limits) -> HashMap<String, String> {
    let deadline = now().saturating_add(limits.wall).saturating_add(GRACE).as_secs();
    let pid = std::process::id();
    let owner = format!("{pid}:{}:{}", start_time(pid).unwrap_or_default(), boot_id());
    HashMap::from([
        (OWNER.to_owned(), owner),
        (NAMESPACE.to_owned(), pid_namespace()),
        (DEADLINE.to_owned(), deadline.to_string()),
    ])
}

/// Removes the containers of dead owners; how many there were.
pub(super) async fn sweep(client: &Docker) -> Result<usize, SandboxError> {
    let filters = HashMap::from([("label".to_owned(), vec![OWNER.to_owned()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = client.list_containers(Some(options)).await;
    let listed = listed.map_err(|error| failed("list containers", error))?;
    let mut removed = 0;
    for container in listed {
        let (Some(id), Some(labels)) = (container.id, container.labels) else { continue };
        if is_left_over(&labels) && ready::remove(client, &id).await? {
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_left_over(labels: &HashMap<String, String>) -> bool {
    let owner = labels.get(OWNER).map(String::as_str).unwrap_or_default();
    let mut parts = owner.splitn(3, ':');
    let (Some(pid), Some(start), Some(boot)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let here = labels.get(NAMESPACE).is_some_and(|namespace| !namespace.is_empty() && *namespace == pid_namespace());
    if here && !boot.is_empty() && boot == boot_id() {
        let Ok(pid) = pid.parse::<u32>() else { return false };
        return is_gone(pid, start);
    }
    let deadline = labels.get(DEADLINE).and_then(|deadline| deadline.parse().ok());
    deadline.is_some_and(|deadline| now() > Duration::from_secs(deadline))
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(&str, String)]) -> HashMap<String, String> {
        let mut labels = labels(&Limits::default());
        labels.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        labels
    }

    #[test]
    fn only_what_nobody_owns_is_left_over() {
        let (pid, boot) = (std::process::id(), boot_id());
        let past = ("vetrun.deadline", "1".to_owned());
        let elsewhere = (OWNER, format!("{pid}:1:another-boot"));
        let cases = [
            ("our own", with(&[]), false),
            ("our own, overdue", with(std::slice::from_ref(&past)), false),
            ("a reused process id", with(&[(OWNER, format!("{pid}:1:{boot}"))]), true),
            ("a dead process", with(&[(OWNER, format!("4194999:1:{boot}"))]), true),
            ("another boot", with(std::slice::from_ref(&elsewhere)), false),
            ("another boot, overdue", with(&[elsewhere, past.clone()]), true),
            ("another namespace", with(&[(OWNER, format!("{pid}:1:{boot}")), (NAMESPACE, "pid:[1]".into())]), false),
            ("not ours to judge", with(&[(OWNER, "nonsense".into()), past]), false),
        ];
        for (name, labels, expected) in cases {
            assert_eq!(is_left_over(&labels), expected, "{name}");
        }
    }
}
