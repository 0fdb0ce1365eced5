//! What /proc tells of running processes: who they are, and what a run without control groups uses.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

/// Processes looked at in one sample, at most. More than any limit lets a run have.
const PROCESSES_MAX: usize = 16_384;

/// What all processes below one use at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Memory that is theirs alone (written pages and shared memory), in bytes.
    pub(super) memory_bytes: u64,
    /// Threads.
    pub(super) threads: u64,
}

/// Adds up what the descendants of `root` use, and what is in the file systems in memory that `folders` are.
pub(super) fn usage(root: i32, folders: &[OwnedFd]) -> Usage {
    let mut usage = Usage::default();
    let mut left = children(root);
    let mut seen = 0;
    while let Some(pid) = left.pop() {
        seen += 1;
        if seen > PROCESSES_MAX {
            break;
        }
        left.extend(children(pid));
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let kib = |key| field(&status, key).unwrap_or(0);
        usage.memory_bytes += (kib("RssAnon:") + kib("RssShmem:")) * 1024;
        usage.threads += field(&status, "Threads:").unwrap_or(0);
    }
    for folder in folders {
        if let Ok(stat) = rustix::fs::fstatvfs(folder) {
            usage.memory_bytes += stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(stat.f_frsize);
        }
    }
    usage
}

/// How many processes and threads the user `user` has at this moment.
pub(super) fn threads_of(user: u32) -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let theirs = processes.filter(|entry| entry.metadata().is_ok_and(|found| found.uid() == user));
    let status = theirs.filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok());
    status.filter_map(|status| field(&status, "Threads:")).sum()
}

fn field(status: &str, key: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse().ok())
}

/// The children of every thread of a process.
fn children(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threads_of_a_user_are_counted() {
        // This test's own thread, the one that started it, and whatever else this user runs.
        assert!(threads_of(rustix::process::geteuid().as_raw()) >= 2);
        assert_eq!(threads_of(u32::MAX - 7), 0);
    }

    #[test]
    fn fields_are_found_by_their_whole_key() {
        let status = "Name:\tx\nRssAnon:\t  12 kB\nThreads:\t3\n";
        assert_eq!(field(status, "RssAnon:"), Some(12));
        assert_eq!(field(status, "Threads:"), Some(3));
        assert_eq!(field(status, "RssFile:"), None);
    }
}
