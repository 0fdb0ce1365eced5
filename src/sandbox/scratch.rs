//! The folder in which a vetrun process makes its temporary folders.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::locked;
use super::owner::{FOLDER, folder_prefix, remove_tree, sweep_folders};

/// Into how many parts a folder is taken apart for each thread that removes it: more even out what is in them.
const PARTS_OF_A_THREAD: usize = 32;

/// How long the end of this process waits for what is being removed, before another one takes it over.
const PATIENCE: Duration = Duration::from_millis(20);
/// How often it looks.
const TICK: Duration = Duration::from_millis(1);

/// The name by which vetrun's program is executed to [remove a folder](clearer_main).
pub const CLEARER_NAME: &str = "vetrun-clearer";

/// A folder for temporary folders, which goes with this value; the next vetrun removes that of one that was killed.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    /// The threads that remove what was in it.
    clearing: Mutex<Vec<JoinHandle<()>>>,
}

impl Scratch {
    /// Makes the folder in `within`, from which it first removes what killed vetruns left behind. One that is kept stays
    /// after this value, and no vetrun takes it for left behind.
    ///
    /// # Errors
    /// That of the file system when the folder cannot be made.
    pub fn new(within: &Path, is_kept: bool) -> io::Result<Self> {
        let _swept = sweep_folders(within);
        let prefix = if is_kept { "vetrun-kept-".to_owned() } else { folder_prefix() };
        let mut folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(within)?;
        folder.disable_cleanup(is_kept);
        Ok(Self { folder, clearing: Mutex::default() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes one of the folders in it while the caller goes on: thousands of files take a while.
    pub fn clear(&self, folder: TempDir) {
        let thread = thread::Builder::new().name("clear".to_owned());
        // Without a thread it goes with everything else.
        let Ok(handle) = thread.spawn(move || remove_together(folder.path())) else { return };
        let mut clearing = self.clearing();
        clearing.retain(|other| !other.is_finished());
        clearing.push(handle);
    }

    /// Gives the folder up as this process ends. Where a lot is still being removed, vetrun's own program `program` is started
    /// to go on with it, and nobody waits for that.
    pub fn leave(mut self, program: &Path) {
        let until = Instant::now() + PATIENCE;
        while self.is_clearing() {
            if Instant::now() < until {
                thread::sleep(TICK);
                continue;
            }
            let mut clearer = Command::new(program);
            clearer.arg0(CLEARER_NAME).arg(self.path()).env_clear().current_dir("/").process_group(0);
            if clearer.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok() {
                self.folder.disable_cleanup(true);
                self.clearing().clear();
            }
            return;
        }
    }

    fn is_clearing(&self) -> bool {
        self.clearing().iter().any(|thread| !thread.is_finished())
    }

    fn clearing(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        locked(&self.clearing)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Two that remove the same files would wait for each other at every one.
        for handle in self.clearing().drain(..) {
            let _panicked = handle.join();
        }
    }
}

/// What vetrun's program does where its name is [`CLEARER_NAME`]: removes the temporary folder that `folder` names, with
/// everything in it. Whether it is gone; anything but a temporary folder of vetrun's stays.
#[must_use]
pub fn clearer_main(folder: Option<&OsStr>) -> bool {
    let Some(folder) = folder.map(Path::new) else { return false };
    let is_ours = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FOLDER));
    if is_ours {
        remove_together(folder);
    }
    is_ours && !folder.exists()
}

/// Removes a folder with a thread for each processor: the kernel takes most of the time, and takes it on each of them. What
/// cannot be removed is left to whoever removes the folder around it.
fn remove_together(folder: &Path) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let parts = Mutex::new(parts(folder, threads * PARTS_OF_A_THREAD).into_iter());
    let next = || locked(&parts).next();
    let remove = || {
        while let Some((part, is_folder)) = next() {
            let _ = if is_folder { remove_tree(&part) } else { std::fs::remove_file(&part) };
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Without another thread this one does it all.
            let _ = thread::Builder::new().spawn_scoped(scope, remove);
        }
        remove();
    });
    let _ = remove_tree(folder);
}

/// What is in a folder, each with whether it is a folder, those of the upper folders taken apart until there are `wanted`.
fn parts(folder: &Path, wanted: usize) -> Vec<(PathBuf, bool)> {
    let mut folders = VecDeque::from([folder.to_owned()]);
    let mut files = Vec::new();
    while folders.len() + files.len() < wanted {
        let Some(upper) = folders.pop_front() else { break };
        for entry in std::fs::read_dir(upper).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder { folders.push_back(entry.path()) } else { files.push((entry.path(), false)) }
        }
    }
    files.into_iter().chain(folders.into_iter().map(|folder| (folder, true))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_cleared_is_gone_before_the_folder_is() {
        let within = tempfile::tempdir().unwrap();
        let outside = within.path().join("outside");
        fs::write(&outside, "stays").unwrap();
        let scratch = Scratch::new(within.path(), false).unwrap();
        let place = scratch.path().to_owned();
        let cleared = tempfile::tempdir_in(&place).unwrap();
        let other = tempfile::tempdir_in(&place).unwrap();
        for number in 0..300 {
            let deep = cleared.path().join(format!("{}/{}/{}", number % 7, number % 3, number % 2));
            fs::create_dir_all(&deep).unwrap();
            fs::write(deep.join(number.to_string()), "x").unwrap();
            std::os::unix::fs::symlink(&outside, deep.join(format!("link{number}"))).unwrap();
        }
        std::os::unix::fs::symlink(within.path(), cleared.path().join("up")).unwrap();
        let gone = cleared.path().to_owned();
        scratch.clear(cleared);
        for handle in scratch.clearing().drain(..) {
            handle.join().unwrap();
        }
        assert!(!gone.exists() && other.path().exists());
        drop(scratch);
        assert!(!place.exists());
        assert_eq!(fs::read_to_string(&outside).unwrap(), "stays");
    }

    #[test]
    fn a_folder_that_is_kept_stays_and_is_not_swept() {
        let within = tempfile::tempdir().unwrap();
        let kept = Scratch::new(within.path(), true).unwrap().path().to_owned();
        drop(Scratch::new(within.path(), false).unwrap());
        assert!(kept.exists());
        assert_eq!(fs::read_dir(within.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_taken_apart_from_above() {
        let top = tempfile::tempdir().unwrap();
        for name in ["a/1/x", "a/2/x", "b/1/x", "c"] {
            let path = top.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let names = |wanted| {
            let mut names: Vec<(String, bool)> = parts(top.path(), wanted)
                .into_iter()
                .map(|(path, is_folder)| (path.strip_prefix(top.path()).unwrap().display().to_string(), is_folder))
                .collect();
            names.sort();
            names
        };
        let named = |names: &[(&str, bool)]| -> Vec<(String, bool)> {
            names.iter().map(|(name, is_folder)| ((*name).to_owned(), *is_folder)).collect()
        };
        assert_eq!(names(2), named(&[("a", true), ("b", true), ("c", false)]));
        // Which one is taken apart first is the file system's choice.
        assert_eq!(names(4).len(), 4);
        assert_eq!(names(100), named(&[("a/1/x", false), ("a/2/x", false), ("b/1/x", false), ("c", false)]));
    }
}
