//! Output files: what a program left in its output folder, taken without trusting it.
//!
//! Whatever a program can do to a folder is expected here: links out of it, FIFOs that block whoever opens them, sparse
//! files of a terabyte, a thousand folders in each other, names that fool a terminal. So nothing is followed, every
//! path is resolved by the kernel *beneath* the folder, each entry counts towards a limit, the walk keeps a list instead
//! of calling itself, and what is not taken is named with its reason.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};

use super::basket::{Basket, Incoming};
use crate::artifact::Digest;

/// How much is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectLimits {
    /// Bytes of all files together.
    pub bytes_max: u64,
    /// Files and folders.
    pub files_max: u32,
    /// Folders inside folders.
    pub depth_max: u32,
}

/// What was taken, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Regular files: path relative to the output folder, size in bytes, digest; sorted by path.
    pub files: Vec<(String, u64, Digest)>,
    /// What was left behind, sorted by path.
    pub refused: Vec<RefusedOutput>,
}

/// Something that was left behind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedOutput {
    /// The path, made printable.
    pub path: String,
    /// Why: `symbolic link`, `hard link`, `fifo`, `device`, `socket`, `name is not UTF-8`, `too deep`, `over the limit of
    /// …`, ….
    pub reason: String,
}

/// Bytes copied at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Copies the regular files below `from` (which an untrusted program wrote, and which no longer runs) into the empty
/// folder `into`.
///
/// # Errors
/// When `from` cannot be opened or `into` cannot be written.
pub fn collect_tree(from: &Path, into: &Path, limits: CollectLimits) -> io::Result<Collected> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let from = rustix::fs::openat(CWD, from, flags, Mode::empty())?;
    collect_folder(from.as_fd(), into, limits)
}

/// [`collect_tree`] from an open folder.
///
/// # Errors
/// When `into` cannot be written.
pub(super) fn collect_folder(from: BorrowedFd<'_>, into: &Path, limits: CollectLimits) -> io::Result<Collected> {
    let mut walk = Walk { from, basket: Basket::new(into, limits) };
    let mut folders = vec![(String::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        folders.extend(walk.folder(&folder, depth)?);
    }
    Ok(walk.basket.finish())
}

/// A walk over an output folder.
struct Walk<'a> {
    from: BorrowedFd<'a>,
    basket: Basket<'a>,
}

impl Walk<'_> {
    /// Takes the files of one folder; returns the folders in it, with their depth.
    fn folder(&mut self, path: &str, depth: u32) -> io::Result<Vec<(String, u32)>> {
        let mut inner = Vec::new();
        let folder = match self.open(path, OFlags::DIRECTORY) {
            Ok(folder) => folder,
            Err(error) => {
                self.basket.refuse(path, unreadable(error));
                return Ok(inner);
            }
        };
        for name in self.names(path, &folder) {
            let Some(child) = self.basket.child_path(path, &name) else { continue };
            let stat = match rustix::fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(error) => {
                    self.basket.refuse(&child, unreadable(error));
                    continue;
                }
            };
            match refusal(&stat) {
                Some(reason) => self.basket.refuse(&child, reason.to_owned()),
                None if FileType::from_raw_mode(stat.st_mode) != FileType::Directory => self.file(&child)?,
                None if self.basket.is_deep_enough(&child, depth) => {}
                None => inner.push((child, depth + 1)),
            }
        }
        Ok(inner)
    }

    /// The names in a folder, sorted; no more than the limit leaves room for.
    fn names(&mut self, path: &str, folder: &OwnedFd) -> Vec<Vec<u8>> {
        let mut names = Vec::new();
        let entries = Dir::read_from(folder);
        for entry in entries.into_iter().flatten() {
            let name = match entry {
                Ok(entry) => entry.file_name().to_bytes().to_vec(),
                Err(error) => {
                    self.basket.refuse(path, unreadable(error));
                    break;
                }
            };
            if name == b"." || name == b".." {
                continue;
            }
            if !self.basket.counts(path) {
                break;
            }
            names.push(name);
        }
        names.sort_unstable();
        names
    }

    /// Takes one file, if the limits leave room for it.
    fn file(&mut self, path: &str) -> io::Result<()> {
        let opened =
            self.open(path, OFlags::NONBLOCK | OFlags::NOCTTY).and_then(|fd| Ok((rustix::fs::fstat(&fd)?, fd)));
        let (stat, fd) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.basket.refuse(path, unreadable(error));
                return Ok(());
            }
        };
        if let Some(reason) = refusal(&stat) {
            self.basket.refuse(path, reason.to_owned());
            return Ok(());
        }
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if !self.basket.has_room(path, size) {
            return Ok(());
        }
        let mut incoming = self.basket.begin(path, size, stat.st_mode & 0o100 != 0)?;
        let trouble = copy(&mut File::from(fd), &mut incoming)?;
        self.basket.settle(incoming, trouble.as_deref())
    }

    fn open(&self, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        open_beneath(self.from, path.as_bytes(), flags)
    }
}

/// Opens a path for reading, resolved beneath the folder, through no link and into no other file system.
pub(super) fn open_beneath(from: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve =
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let path = if path.is_empty() { b"." } else { path };
    rustix::io::retry_on_intr(|| rustix::fs::openat2(from, path, flags, Mode::empty(), resolve))
}

fn unreadable(error: rustix::io::Errno) -> String {
    format!("cannot be read: {}", io::Error::from(error))
}

/// Why an entry is not taken; `None` for folders and plain files.
fn refusal(stat: &Stat) -> Option<&'static str> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => None,
        FileType::RegularFile => (stat.st_nlink > 1).then_some("hard link"),
        FileType::Symlink => Some("symbolic link"),
        FileType::Fifo => Some("fifo"),
        FileType::Socket => Some("socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("device"),
        FileType::Unknown => Some("not a regular file"),
    }
}

/// Copies a file into its place; why it is not taken, where it cannot be read. An error is one of writing.
fn copy(from: &mut File, to: &mut Incoming) -> io::Result<Option<String>> {
    let mut chunk = vec![0; usize::try_from(to.size().saturating_add(1)).unwrap_or(usize::MAX).min(CHUNK_BYTES)];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(count) if !to.write(&chunk[..count])? => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Some(format!("cannot be read: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    const LIMITS: CollectLimits = CollectLimits { bytes_max: 1000, files_max: 100, depth_max: 4 };

    fn collect(make: impl FnOnce(&Path), limits: CollectLimits) -> (Collected, tempfile::TempDir) {
        let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make(from.path());
        (collect_tree(from.path(), into.path(), limits).unwrap(), into)
    }

    fn refused(collected: &Collected) -> Vec<(&str, &str)> {
        collected.refused.iter().map(|r| (&*r.path, &*r.reason)).collect()
    }

    #[test]
    fn files_are_copied_with_their_digests() {
        let make = |from: &Path| {
            std::fs::create_dir_all(from.join("b/c")).unwrap();
            std::fs::write(from.join("b/c/deep"), "deep").unwrap();
            std::fs::write(from.join("a"), "").unwrap();
        };
        let (collected, into) = collect(make, LIMITS);
        let expected = [("a".to_owned(), 0, Digest::of(b"")), ("b/c/deep".to_owned(), 4, Digest::of(b"deep"))];
        assert_eq!(collected.files, expected);
        assert_eq!(refused(&collected), []);
        assert_eq!(std::fs::read(into.path().join("b/c/deep")).unwrap(), b"deep");
    }

    #[test]
    fn what_is_not_a_plain_file_is_named_and_left() {
        let make = |from: &Path| {
            std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
            std::os::unix::fs::symlink("/", from.join("root")).unwrap();
            std::fs::write(from.join("one"), "x").unwrap();
            std::fs::hard_link(from.join("one"), from.join("two")).unwrap();
            rustix::fs::mknodat(CWD, from.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
            std::os::unix::net::UnixListener::bind(from.join("socket")).unwrap();
            std::fs::write(from.join(OsStr::from_bytes(b"\xff\xfe")), "x").unwrap();
            std::fs::write(from.join("new\nline"), "x").unwrap();
            std::fs::write(from.join("\u{1b}[2J"), "x").unwrap();
            std::fs::write(from.join("a\u{202e}gpj.exe"), "x").unwrap();
        };
        let (collected, into) = collect(make, LIMITS);
        let expected = [
            ("\\n", "name holds a control character"),
            ("\\u{1b}[2J", "name holds a control character"),
            ("a\\u{202e}gpj.exe", "name holds a character that turns text around"),
            ("link", "symbolic link"),
            ("new\\nline", "name holds a control character"),
            ("one", "hard link"),
            ("pipe", "fifo"),
            ("root", "symbolic link"),
            ("socket", "socket"),
            ("two", "hard link"),
            ("\u{fffd}\u{fffd}", "name is not UTF-8"),
        ];
        assert_eq!(refused(&collected), expected[1..]);
        assert_eq!(collected.files, []);
        assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 0);
    }

    #[test]
    fn every_limit_is_said_when_it_is_reached() {
        let sparse = |from: &Path| File::create(from.join("sparse")).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(refused(&collect(sparse, LIMITS).0), [("sparse", "over the limit of 1000 bytes")]);

        let many = |from: &Path| (0..20).for_each(|i| std::fs::write(from.join(format!("{i:02}")), "x").unwrap());
        let (collected, _into) = collect(many, CollectLimits { files_max: 5, ..LIMITS });
        assert_eq!(collected.files.len(), 5);
        assert_eq!(refused(&collected), [(".", "over the limit of 5 files and folders")]);

        let deep = |from: &Path| std::fs::create_dir_all(from.join("a/b/c/d/e/f")).unwrap();
        assert_eq!(refused(&collect(deep, LIMITS).0), [("a/b/c/d/e", "too deep: over the limit of 4 folders")]);
    }

    #[test]
    fn bytes_are_counted_over_all_files() {
        let make = |from: &Path| {
            std::fs::write(from.join("a"), [0; 600]).unwrap();
            std::fs::write(from.join("b"), [0; 600]).unwrap();
            std::fs::write(from.join("c"), [0; 400]).unwrap();
        };
        let (collected, _into) = collect(make, LIMITS);
        assert_eq!(collected.files.iter().map(|file| &*file.0).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(refused(&collected), [("b", "over the limit of 1000 bytes")]);
    }
}
