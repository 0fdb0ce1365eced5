//! A folder, walked through open descriptors: depth first, sorted, with an explicit stack and nothing followed.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::fs::{Dir, Mode, OFlags};

use super::{ExcludeSet, is_plain_name, printable, read};
use crate::artifact::{Refusal, Refused, SourceFile};
use crate::policy::IntakeLimits;

/// What a walk took, and what it did not.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) files: Vec<SourceFile>,
    pub(super) refused: Vec<Refused>,
    pub(super) excluded: Vec<String>,
}

/// Walks the folder at `path`, which may itself be reached through links.
///
/// # Errors
/// What the system says when the folder itself cannot be listed.
pub(super) fn folder(path: &Path, limits: &IntakeLimits, exclude: &ExcludeSet) -> io::Result<Taken> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root: File = rustix::fs::open(path, flags, Mode::empty())?.into();
    let mut walk = Walk { limits, exclude, taken: Taken::default(), entries_seen: 0, bytes_read: 0, full: false };
    let names = match walk.list(&root)? {
        Some(names) => names,
        None => {
            walk.stop_at(".".to_owned(), "files_max", limits.files_max);
            Vec::new()
        }
    };
    let mut stack = vec![Level { dir: root, prefix: String::new(), names: names.into_iter() }];
    while let Some(level) = stack.last_mut() {
        let Some(name) = level.names.next().filter(|_| !walk.full) else {
            stack.pop();
            continue;
        };
        let depth = stack.len() as u64;
        let level = stack.last().expect("the level was just looked at");
        if let Some(below) = walk.entry(level, &name, depth) {
            stack.push(below);
        }
    }
    Ok(walk.taken)
}

/// A folder in the middle of its walk. As many descriptors are open as the walk is deep, which `depth_max` bounds.
struct Level {
    dir: File,
    /// The folder's path with a `/` at its end; empty for the root.
    prefix: String,
    names: std::vec::IntoIter<Vec<u8>>,
}

struct Walk<'a> {
    limits: &'a IntakeLimits,
    exclude: &'a ExcludeSet,
    taken: Taken,
    /// Files, folders and everything else, whether taken or not.
    entries_seen: u64,
    bytes_read: u64,
    /// Whether a limit on the whole was reached; nothing more is read then.
    full: bool,
}

impl Walk<'_> {
    /// The names in a folder, sorted; `None` when there are more of them than the artifact may still hold.
    fn list(&mut self, dir: &File) -> io::Result<Option<Vec<Vec<u8>>>> {
        let left = self.limits.files_max.saturating_sub(self.entries_seen);
        let mut names = Vec::new();
        for entry in Dir::read_from(dir)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if names.len() as u64 >= left {
                return Ok(None);
            }
            names.push(name.to_vec());
        }
        self.entries_seen += names.len() as u64;
        names.sort_unstable();
        Ok(Some(names))
    }

    /// Takes, refuses or leaves out one entry; gives back the level below where it is a folder.
    fn entry(&mut self, level: &Level, name: &[u8], depth: u64) -> Option<Level> {
        let Some(path) = std::str::from_utf8(name).ok().filter(|name| is_plain_name(name)) else {
            self.refuse(format!("{}{}", level.prefix, printable(name)), Refusal::Name);
            return None;
        };
        let path = format!("{}{path}", level.prefix);
        let dir = level.dir.as_fd();
        let pinned = match read::pin(dir, name).and_then(|pinned| pinned.metadata()) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.refuse(path, Refusal::Changed),
            Err(error) => return self.refuse(path, read::unreadable(&error)),
        };
        if self.exclude.is_match(&path) {
            self.taken.excluded.push(if pinned.is_dir() { format!("{path}/") } else { path });
            return None;
        }
        if let Some(reason) = read::refusal_at(dir, name, &pinned).or_else(|| self.limit_on(&path, &pinned, depth)) {
            return self.refuse(path, reason);
        }
        let opened = match read::open_pinned(dir, name, &pinned) {
            Ok(opened) => opened,
            Err(reason) => return self.refuse(path, reason),
        };
        if pinned.is_dir() { self.descend(path, opened) } else { self.take(path, opened) }
    }

    /// The limit that keeps this entry out, if one does.
    fn limit_on(&self, path: &str, metadata: &std::fs::Metadata, depth: u64) -> Option<Refusal> {
        let limits = self.limits;
        if path.len() as u64 > limits.path_bytes_max {
            Some(Refusal::Limit("path_bytes_max", limits.path_bytes_max))
        } else if metadata.is_dir() && depth > limits.depth_max {
            Some(Refusal::Limit("depth_max", limits.depth_max))
        } else {
            None
        }
    }

    fn descend(&mut self, path: String, dir: File) -> Option<Level> {
        match self.list(&dir) {
            Ok(Some(names)) => Some(Level { dir, prefix: path + "/", names: names.into_iter() }),
            Ok(None) => self.stop_at(path, "files_max", self.limits.files_max),
            Err(error) => self.refuse(path, read::unreadable(&error)),
        }
    }

    fn take(&mut self, path: String, file: File) -> Option<Level> {
        let total_max = self.limits.total_bytes_max.bytes();
        match read::contents(file, self.limits, total_max.saturating_sub(self.bytes_read)) {
            Ok(read) => {
                self.bytes_read += read.bytes.len() as u64;
                let file = SourceFile::new(path, read.bytes);
                self.taken.files.push(SourceFile { executable: read.executable, ..file });
                None
            }
            Err(Refusal::Limit("total_bytes_max", limit)) => self.stop_at(path, "total_bytes_max", limit),
            Err(reason) => self.refuse(path, reason),
        }
    }

    fn refuse(&mut self, path: String, reason: Refusal) -> Option<Level> {
        self.taken.refused.push(Refused { path, reason });
        None
    }

    /// Refuses the entry and ends the walk: what comes after it is neither judged nor run.
    fn stop_at(&mut self, path: String, limit: &'static str, value: u64) -> Option<Level> {
        self.full = true;
        self.refuse(path, Refusal::Limit(limit, value))
    }
}
