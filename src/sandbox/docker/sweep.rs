//! What a vetrun that was killed has left behind: labels that say whose a container is, and their removal.
//!
//! A container ends by itself when its vetrun dies, because the keeper sees the socket close; what remains is the dead
//! container's entry in the engine. An owner is a process: its id, its start time and the boot it belongs to. From
//! another boot or process namespace (another host may share the engine) an owner's life cannot be seen; such a
//! container is removed only when its deadline is long past.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::Docker;
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::engine::failed;
use super::session;
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
    let owner = format!("{}:{}:{}", std::process::id(), start_time("self").unwrap_or_default(), boot_id());
    HashMap::from([
        (OWNER.to_owned(), owner),
        (NAMESPACE.to_owned(), pid_namespace()),
        (DEADLINE.to_owned(), deadline.to_string()),
    ])
}

/// What the names of temporary folders begin with.
const FOLDER: &str = "vetrun-docker-";

/// The beginning of a temporary folder's name: process id, start time, process namespace.
pub(super) fn folder_prefix() -> String {
    let namespace: String = pid_namespace().chars().filter(char::is_ascii_digit).collect();
    format!("{FOLDER}{}-{}-{namespace}-", std::process::id(), start_time("self").unwrap_or_default())
}

/// Removes the temporary folders of dead processes of this process namespace; how many there were.
fn sweep_folders(within: &Path) -> usize {
    let entries = fs::read_dir(within).into_iter().flatten().flatten();
    let left = entries.filter(|entry| is_left_folder(&entry.file_name().to_string_lossy()));
    // Another user's cannot be removed and is not ours to remove.
    left.filter(|entry| fs::remove_dir_all(entry.path()).is_ok()).count()
}

fn is_left_folder(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(FOLDER) else { return false };
    let parts: Vec<&str> = rest.split('-').collect();
    let [pid, start, namespace, _] = parts.as_slice() else { return false };
    let here: String = pid_namespace().chars().filter(char::is_ascii_digit).collect();
    !here.is_empty() && *namespace == here && pid.parse::<u32>().is_ok() && start_time(pid).as_deref() != Some(*start)
}

/// Removes the containers and folders of dead owners; how many there were.
pub(super) async fn sweep(client: &Docker) -> Result<usize, SandboxError> {
    let filters = HashMap::from([("label".to_owned(), vec![OWNER.to_owned()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = client.list_containers(Some(options)).await;
    let listed = listed.map_err(|error| failed("list containers", error))?;
    let mut removed = sweep_folders(&std::env::temp_dir());
    for container in listed {
        let (Some(id), Some(labels)) = (container.id, container.labels) else { continue };
        if is_left_over(&labels) {
            session::remove(client, &id).await?;
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
        return start_time(&pid.to_string()).as_deref() != Some(start);
    }
    let deadline = labels.get(DEADLINE).and_then(|deadline| deadline.parse().ok());
    deadline.is_some_and(|deadline| now() > Duration::from_secs(deadline))
}

/// Field 22 of `/proc/<pid>/stat`; the name before it may hold spaces and parentheses.
fn start_time(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19).map(str::to_owned)
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

fn pid_namespace() -> String {
    fs::read_link("/proc/self/ns/pid").map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
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
    fn only_folders_of_the_dead_are_left_over() {
        let own = folder_prefix();
        let namespace = own.trim_end_matches('-').rsplit('-').next().unwrap().to_owned();
        let cases = [
            (format!("{own}Ab12cD"), false),
            (format!("vetrun-docker-4194999-1-{namespace}-Ab12cD"), true),
            (format!("vetrun-docker-{}-1-{namespace}-Ab12cD", std::process::id()), true),
            ("vetrun-docker-4194999-1-1-Ab12cD".to_owned(), false),
            ("vetrun-docker-Ab12cD".to_owned(), false),
            ("something".to_owned(), false),
        ];
        for (name, expected) in cases {
            assert_eq!(is_left_folder(&name), expected, "{name}");
        }
        let within = tempfile::tempdir().unwrap();
        fs::create_dir(within.path().join(format!("vetrun-docker-4194999-1-{namespace}-Ab12cD"))).unwrap();
        fs::create_dir(within.path().join(format!("{own}Ab12cD"))).unwrap();
        assert_eq!(sweep_folders(within.path()), 1);
        assert_eq!(fs::read_dir(within.path()).unwrap().count(), 1);
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
