//! What the system tells of a folder and all that is below it (`inotify(7)`): which of its entries something has happened in.
//!
//! The system watches single folders, so each has its own watch, and a new one gets its when it is told of. What was
//! written into it before then is not told, and need not be: its artifact counts as touched anyway. Links are not followed.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// Folders that are watched; the system's own limit is mostly lower.
const FOLDERS_MAX: usize = 1_000_000;

/// Bytes of events that are read at once; one has up to 272.
const READ_BYTES: usize = 64 << 10;

/// A folder that is watched with all that is below it.
pub(super) struct Tree {
    system: OwnedFd,
    root: i32,
    folders: HashMap<i32, PathBuf>,
    dir: PathBuf,
    depth_max: usize,
}

/// What has happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changes {
    /// Something in these entries of the folder.
    In(BTreeSet<OsString>),
    /// More than the system could tell.
    Untold,
    /// The folder was removed or renamed.
    Gone,
}

impl Tree {
    /// Begins to watch a folder. Below `depth_max` folders inside one another, nothing is watched.
    pub(super) fn new(dir: &Path, depth_max: usize) -> io::Result<Self> {
        let system = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let mut tree = Self { system, root: -1, folders: HashMap::new(), dir: dir.to_owned(), depth_max };
        // The folder itself may be a link, since the user named it.
        let real = fs::canonicalize(dir).map_err(|error| named(dir, &error))?;
        tree.root =
            tree.add(&real).and_then(|watch| watch.ok_or(Errno::NOTDIR.into())).map_err(|error| named(dir, &error))?;
        tree.dir.clone_from(&real);
        tree.add_below(&real)?;
        Ok(tree)
    }

    /// Waits until something has happened, or the time is over.
    pub(super) fn changes(&mut self, within: Duration) -> io::Result<Changes> {
        let timeout = Timespec::try_from(within).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.system, PollFlags::IN)], Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => self.told(),
            Err(error) => Err(error.into()),
        }
    }

    /// All that the system has to tell now.
    fn told(&mut self) -> io::Result<Changes> {
        let mut events = Vec::new();
        let mut buffer = vec![MaybeUninit::uninit(); READ_BYTES];
        let mut reader = inotify::Reader::new(&self.system, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()).to_owned());
                    events.push((event.wd(), event.events(), name));
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut touched = BTreeSet::new();
        let mut untold = false;
        for (watch, what, name) in events {
            if what.contains(ReadFlags::QUEUE_OVERFLOW) {
                untold = true;
            } else if watch == self.root
                && what.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT)
            {
                return Ok(Changes::Gone);
            } else {
                touched.extend(self.one(watch, what, name)?);
            }
        }
        if untold {
            // Folders may have come that nobody told of.
            let dir = self.dir.clone();
            self.add_below(&dir)?;
            return Ok(Changes::Untold);
        }
        Ok(Changes::In(touched))
    }

    /// Takes one event; the entry in which it happened.
    fn one(&mut self, watch: i32, what: ReadFlags, name: Option<OsString>) -> io::Result<Option<OsString>> {
        if what.contains(ReadFlags::IGNORED) {
            self.folders.remove(&watch);
            return Ok(None);
        }
        let Some(folder) = self.folders.get(&watch) else { return Ok(None) };
        let path = name.map_or_else(|| folder.clone(), |name| folder.join(name));
        if what.contains(ReadFlags::ISDIR | ReadFlags::MOVED_FROM) {
            self.forget(&path);
        }
        if what.contains(ReadFlags::ISDIR) && what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            self.add(&path)?;
            self.add_below(&path)?;
        }
        let first = path.strip_prefix(&self.dir).ok().and_then(|below| below.iter().next());
        Ok(first.map(OsStr::to_owned))
    }

    /// Watches all folders below one.
    fn add_below(&mut self, folder: &Path) -> io::Result<()> {
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            // Whatever is not there any more, or may not be read, is told when its artifact is read.
            for entry in fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) && self.add(&entry.path())?.is_some() {
                    open.push(entry.path());
                }
            }
        }
        Ok(())
    }

    /// Watches one folder, if it is one and not too deep.
    fn add(&mut self, folder: &Path) -> io::Result<Option<i32>> {
        let depth = folder.strip_prefix(&self.dir).map_or(0, |below| below.iter().count());
        if depth > self.depth_max || self.folders.len() >= FOLDERS_MAX {
            return Ok(None);
        }
        let changes = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW
            | WatchFlags::EXCL_UNLINK;
        match inotify::add_watch(&self.system, folder, changes) {
            Ok(watch) => {
                self.folders.insert(watch, folder.to_owned());
                Ok(Some(watch))
            }
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::LOOP) => Ok(None),
            Err(Errno::NOSPC) => Err(io::Error::other(format!(
                "the system watches no more than {} folders (raise `sysctl fs.inotify.max_user_watches`)",
                self.folders.len()
            ))),
            Err(error) => Err(named(folder, &error.into())),
        }
    }

    /// Ends the watches of a folder that has gone elsewhere, and of those below it.
    fn forget(&mut self, folder: &Path) {
        let gone: Vec<i32> =
            self.folders.iter().filter(|(_, path)| path.starts_with(folder)).map(|(watch, _)| *watch).collect();
        for watch in gone {
            self.folders.remove(&watch);
            // It may be gone by itself.
            let _gone = inotify::remove_watch(&self.system, watch);
        }
    }
}

fn named(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not watch the folder {}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens until nothing has for a moment.
    fn all(tree: &mut Tree) -> Vec<String> {
        let mut seen = BTreeSet::new();
        loop {
            match tree.changes(Duration::from_millis(100)).expect("it is watched") {
                Changes::In(names) if names.is_empty() => break,
                Changes::In(names) => seen.extend(names),
                other => panic!("{other:?}"),
            }
        }
        seen.into_iter().map(|name| name.into_string().expect("UTF-8")).collect()
    }

    fn tree() -> (tempfile::TempDir, Tree) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("old/deep")).expect("a folder");
        let tree = Tree::new(folder.path(), 32).expect("it can be watched");
        (folder, tree)
    }

    #[test]
    fn whatever_happens_below_is_told_by_the_entry_that_it_is_in() {
        let (folder, mut tree) = tree();
        let path = |name: &str| folder.path().join(name);
        assert_eq!(all(&mut tree), [""; 0]);
        fs::write(path("a.py"), "1").expect("a file");
        fs::write(path("old/deep/b.py"), "1").expect("a file");
        assert_eq!(all(&mut tree), ["a.py", "old"]);
        fs::create_dir_all(path("new/one/two")).expect("a folder");
        assert_eq!(all(&mut tree), ["new"]);
        fs::write(path("new/one/two/c.py"), "1").expect("a file");
        assert_eq!(all(&mut tree), ["new"]);
        fs::rename(path("new"), path("renamed")).expect("it is there");
        assert_eq!(all(&mut tree), ["new", "renamed"]);
        fs::write(path("renamed/one/two/c.py"), "2").expect("a file");
        assert_eq!(all(&mut tree), ["renamed"]);
        fs::write(path(".swap"), "2").expect("a file");
        fs::rename(path(".swap"), path("a.py")).expect("it is there");
        assert_eq!(all(&mut tree), [".swap", "a.py"]);
        fs::remove_dir_all(path("old")).expect("it is there");
        assert_eq!(all(&mut tree), ["old"]);
    }

    #[test]
    fn links_are_not_followed_and_what_is_too_deep_is_not_watched() {
        let elsewhere = tempfile::tempdir().expect("a folder");
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("link")).expect("a link");
        fs::create_dir_all(folder.path().join("a/b/c")).expect("a folder");
        let mut tree = Tree::new(folder.path(), 2).expect("it can be watched");
        fs::write(elsewhere.path().join("x"), "1").expect("a file");
        fs::write(folder.path().join("a/b/c/x"), "1").expect("a file");
        assert_eq!(all(&mut tree), [""; 0]);
        fs::write(folder.path().join("a/b/x"), "1").expect("a file");
        assert_eq!(all(&mut tree), ["a"]);
    }

    #[test]
    fn the_end_of_the_folder_is_told() {
        let (folder, mut tree) = tree();
        fs::remove_dir_all(folder.path()).expect("it is there");
        assert_eq!(tree.changes(Duration::from_millis(100)).expect("it is watched"), Changes::Gone);
    }
}
