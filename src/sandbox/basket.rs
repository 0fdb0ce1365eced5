//! What is taken of output files, and what is refused, whichever way they come: from a folder (`collect.rs`), or in frames from
//! a container that shares no folder with vetrun (`agent/receive.rs`). Names, numbers, sizes and depths are judged here.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{CollectLimits, Collected, RefusedOutput};
use crate::artifact::Digest;
use crate::names::turns_text;

/// Bytes of a path inside the output folder, at most; the kernel takes no longer ones.
const PATH_BYTES_MAX: usize = 4000;

/// What was taken so far.
pub(super) struct Basket<'a> {
    into: &'a Path,
    limits: CollectLimits,
    /// Entries met.
    seen: u32,
    /// Bytes taken.
    bytes: u64,
    collected: Collected,
}

impl<'a> Basket<'a> {
    /// Takes files into the empty folder `into`.
    pub(super) fn new(into: &'a Path, limits: CollectLimits) -> Self {
        Self { into, limits, seen: 0, bytes: 0, collected: Collected::default() }
    }

    /// What was taken and refused, sorted.
    pub(super) fn finish(mut self) -> Collected {
        self.collected.files.sort();
        self.collected.refused.sort();
        self.collected
    }

    /// Counts an entry of `folder`; whether the limit leaves room for it.
    pub(super) fn counts(&mut self, folder: &str) -> bool {
        if self.seen >= self.limits.files_max {
            self.refuse(folder, format!("over the limit of {} files and folders", self.limits.files_max));
            return false;
        }
        self.seen += 1;
        true
    }

    /// The path of an entry, if its name may be one.
    pub(super) fn child_path(&mut self, folder: &str, name: &[u8]) -> Option<String> {
        let shown = join(folder, &String::from_utf8_lossy(name));
        let reason = match std::str::from_utf8(name) {
            Err(_) => "name is not UTF-8".to_owned(),
            Ok(name) if name.chars().any(char::is_control) => "name holds a control character".to_owned(),
            Ok(name) if name.chars().any(turns_text) => "name holds a character that turns text around".to_owned(),
            Ok(_) if shown.len() > PATH_BYTES_MAX => format!("path is over the limit of {PATH_BYTES_MAX} bytes"),
            Ok(_) => return Some(shown),
        };
        self.refuse(&shown, reason);
        None
    }

    /// Whether a folder lies too deep to be looked into, which is refused then; `depth` is that of the folder it is in.
    pub(super) fn is_deep_enough(&mut self, path: &str, depth: u32) -> bool {
        let is_deep = depth >= self.limits.depth_max;
        if is_deep {
            self.refuse(path, format!("too deep: over the limit of {} folders", self.limits.depth_max));
        }
        is_deep
    }

    /// Whether the limit leaves room for a file of this size, which is refused else.
    pub(super) fn has_room(&mut self, path: &str, size: u64) -> bool {
        let fits = size <= self.limits.bytes_max.saturating_sub(self.bytes);
        if !fits {
            self.refuse(path, format!("over the limit of {} bytes", self.limits.bytes_max));
        }
        fits
    }

    /// Begins to take a file that has room, of exactly `size` bytes.
    pub(super) fn begin(&self, path: &str, size: u64, executable: bool) -> io::Result<Incoming> {
        Incoming::create(self.into.join(path), path, size, executable)
    }

    /// Takes a file that has arrived, or refuses it.
    pub(super) fn settle(&mut self, file: Incoming, trouble: Option<&str>) -> io::Result<()> {
        let trouble = trouble.or((file.written != file.size).then_some("changed while it was read"));
        if let Some(reason) = trouble {
            std::fs::remove_file(&file.to)?;
            self.refuse(&file.path, reason.to_owned());
            return Ok(());
        }
        self.bytes += file.size;
        self.collected.files.push((file.path, file.size, Digest::finish(file.hasher)));
        Ok(())
    }

    /// Names what is not taken, and why.
    pub(super) fn refuse(&mut self, path: &str, reason: String) {
        let path = if path.is_empty() { "." } else { path };
        // Names are untrusted; what would act on a terminal is written out.
        let acts = |c: char| c.is_control() || turns_text(c);
        let path = path.chars().flat_map(|c| if acts(c) { c.escape_default().collect() } else { vec![c] });
        self.collected.refused.push(RefusedOutput { path: path.collect(), reason });
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A file of which bytes arrive.
pub(super) struct Incoming {
    path: String,
    to: PathBuf,
    out: File,
    hasher: Sha256,
    size: u64,
    written: u64,
}

impl Incoming {
    fn create(to: PathBuf, path: &str, size: u64, executable: bool) -> io::Result<Self> {
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mode = if executable { 0o755 } else { 0o644 };
        let out = OpenOptions::new().write(true).create_new(true).mode(mode).open(&to)?;
        Ok(Self { path: path.to_owned(), to, out, hasher: Sha256::new(), size, written: 0 })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Writes bytes that arrived; whether there are not too many of them.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.written += bytes.len() as u64;
        if self.written > self.size {
            return Ok(false);
        }
        self.hasher.update(bytes);
        self.out.write_all(bytes)?;
        Ok(true)
    }
}
