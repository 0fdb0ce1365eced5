//! Whose things are: names that tell which vetrun process made a temporary folder, so that the next vetrun can remove
//! what a killed one left behind.
//!
//! An owner is a process id with the process's start time, since ids are used again. In another process namespace an
//! id means another process, and so it does on another host that shares a file system; the mark tells the namespace and
//! the boot as well, and what others made is left alone.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;

/// What the names of temporary folders begin with.
pub(super) const FOLDER: &str = "vetrun-tmp-";

/// When a process was started, in clock ticks since the boot (field 22 of `/proc/<pid>/stat`); `None` where there is no
/// such process.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the fields after it are numbers. The start is field 22, that is 20
    // fields after the name.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Whether the process that had this id and start time runs no more.
pub(crate) fn is_gone(pid: u32, start: &str) -> bool {
    start_time(pid).is_none_or(|now| now.to_string() != start)
}

/// The process namespace that this process is in, as the kernel names it; empty where it cannot be told.
pub(crate) fn pid_namespace() -> String {
    fs::read_link("/proc/self/ns/pid").map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The number of that namespace, in digits; empty where it cannot be told.
pub(crate) fn pid_namespace_number() -> String {
    pid_namespace().chars().filter(char::is_ascii_digit).collect()
}

/// Tells this process from every other: `<id>-<start time>-<process namespace>.<boot>`.
pub(crate) fn mark() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| {
        let pid = std::process::id();
        format!("{pid}-{}-{}", start_time(pid).unwrap_or_default(), here())
    })
}

/// Whether `name`, which begins with a [`mark`], is of a process of this namespace and boot that runs no more.
pub(crate) fn is_left_behind(name: &str) -> bool {
    let mut parts = name.split('-');
    let (Some(pid), Some(start), Some(place)) = (parts.next(), parts.next(), parts.next()) else { return false };
    place == here() && pid.parse().is_ok_and(|pid| is_gone(pid, start))
}

/// The beginning of the name of every temporary folder that this process makes.
#[must_use]
pub fn folder_prefix() -> String {
    format!("{FOLDER}{}-", mark())
}

/// Removes the temporary folders in `within` whose makers run no more; how many there were.
pub fn sweep_folders(within: &Path) -> usize {
    let entries = fs::read_dir(within).into_iter().flatten().flatten();
    let left =
        entries.filter(|entry| entry.file_name().to_string_lossy().strip_prefix(FOLDER).is_some_and(is_left_behind));
    // Another user's cannot be removed and is not ours to remove.
    left.filter(|entry| remove_tree(&entry.path()).is_ok()).count()
}

/// Removes a folder that a program wrote, which no longer runs: folders that are closed to their owner, and more of them in
/// each other than files can be open.
pub(crate) fn remove_tree(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => flatten(folder),
        removed => removed,
    }
}

/// Empties a folder without ever going deeper than into the folders in it: what lies below those is moved up first.
fn flatten(folder: &Path) -> io::Result<()> {
    let mut names = 0_u64;
    loop {
        let mut is_empty = true;
        for entry in children(folder)? {
            is_empty = false;
            if !entry.file_type()?.is_dir() {
                fs::remove_file(entry.path())?;
                continue;
            }
            for inner in children(&entry.path())? {
                if !inner.file_type()?.is_dir() {
                    fs::remove_file(inner.path())?;
                    continue;
                }
                // To move a folder is to write its way up.
                open(&inner.path())?;
                while fs::symlink_metadata(folder.join(names.to_string())).is_ok() {
                    names += 1;
                }
                fs::rename(inner.path(), folder.join(names.to_string()))?;
            }
            fs::remove_dir(entry.path())?;
        }
        if is_empty {
            return fs::remove_dir(folder);
        }
    }
}

/// What is in a folder, which is opened to its owner.
fn children(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    open(folder)?;
    fs::read_dir(folder)?.collect()
}

fn open(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// Where ids mean what they mean here. Without `/proc` it is another place for every process, so that nothing is swept.
fn here() -> String {
    let namespace = pid_namespace_number();
    let boot: String = boot_id().chars().take_while(char::is_ascii_hexdigit).collect();
    if namespace.is_empty() || boot.is_empty() { std::process::id().to_string() } else { format!("{namespace}.{boot}") }
}

/// Identifies the time since this host was started; empty where it cannot be told.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_by_its_id_and_start() {
        let own = start_time(std::process::id()).unwrap();
        assert!(!is_gone(std::process::id(), &own.to_string()));
        assert!(is_gone(std::process::id(), "1"));
        assert_eq!(start_time(4_194_305), None);
    }

    #[test]
    fn a_tree_that_is_closed_and_deep_is_removed() {
        let within = tempfile::tempdir().unwrap();
        let top = within.path().join("top");
        let mut folder = top.clone();
        for name in ["0", "1", "closed"] {
            folder = folder.join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("file"), "x").unwrap();
        }
        // Deeper than any path can name: each is made at the top, around the one before.
        for _ in 0..300 {
            let (above, name) = (within.path().join("above"), "n".repeat(40));
            fs::create_dir(&above).unwrap();
            fs::rename(&top, above.join(name)).unwrap();
            fs::rename(&above, &top).unwrap();
        }
        fs::set_permissions(&top, fs::Permissions::from_mode(0o000)).unwrap();
        flatten(&top).unwrap();
        assert_eq!(fs::read_dir(within.path()).unwrap().count(), 0);
        assert_eq!(remove_tree(&top).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn only_what_the_dead_made_is_left_behind() {
        let (own, here) = (mark(), here());
        let cases = [
            (format!("{own}-Ab12cD"), false),
            (format!("4194999-1-{here}-Ab12cD"), true),
            (format!("{}-1-{here}", std::process::id()), true),
            ("4194999-1-1-Ab12cD".to_owned(), false),
            ("of-somebody-else".to_owned(), false),
            ("Ab12cD".to_owned(), false),
        ];
        for (name, expected) in &cases {
            assert_eq!(is_left_behind(name), *expected, "{name}");
        }
        let within = tempfile::tempdir().unwrap();
        for name in
            [format!("{FOLDER}4194999-1-{here}-Ab12cD"), format!("{}Ab12cD", folder_prefix()), "other".to_owned()]
        {
            fs::create_dir(within.path().join(name)).unwrap();
        }
        assert_eq!(sweep_folders(within.path()), 1);
        assert_eq!(fs::read_dir(within.path()).unwrap().count(), 2);
    }
}
