//! The temporary folder of a run: the keeper's socket, a name for the user, and copies of mounts that the container's
//! user could not read.
//!
//! A program never runs as root, so a folder that only root may enter is closed to it however it is mounted. Such
//! mounts are copied, readable for everyone, into this folder, which only vetrun's own user can enter on the host.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::config;
use super::engine::{failed, unavailable};
use super::paths::{MEND, Paths};
use crate::sandbox::readable::{at, copy_tree, readable_by_all};
use crate::sandbox::{HOME_DIR, Mount, SandboxError, WORK_DIR, owner};

/// The folder below, into which the input of a container is put that was started before there was any.
const LATER: &str = "later";

/// A folder that is gone when this is dropped.
#[derive(Debug)]
pub(super) struct RunFolder {
    folder: TempDir,
    /// Its path without links.
    path: PathBuf,
    /// Its path at the engine.
    outside: String,
}

/// Something of ours that a container sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// Its path at the engine.
    pub(super) outside: String,
    /// Its path in the container.
    pub(super) inside: String,
}

impl RunFolder {
    /// Makes the folder, within the workspace where there is one; its name tells its owner, so that the next vetrun can
    /// judge it.
    pub(super) fn make(paths: &Paths) -> Result<Self, SandboxError> {
        let mut builder = tempfile::Builder::new();
        let prefix = owner::folder_prefix();
        let builder = builder.prefix(&prefix);
        let made = paths.workspace().map_or_else(|| builder.tempdir(), |within| builder.tempdir_in(within));
        let made = made.and_then(|folder| Ok((fs::canonicalize(folder.path())?, folder)));
        let (path, folder) = made.map_err(|error| failed("make a temporary folder", error))?;
        let Some(outside) = paths.outside(&path) else {
            return Err(unavailable(format!("the engine cannot see {}", path.display()), MEND));
        };
        Ok(Self { folder, path, outside })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path at the engine of the file called `name` in the folder.
    pub(super) fn outside(&self, name: &str) -> String {
        let separator = if self.outside.starts_with('/') { '/' } else { '\\' };
        format!("{}{separator}{name}", self.outside)
    }

    /// A name for the container: as unique as the folder.
    pub(super) fn name(&self) -> String {
        self.folder.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The mounts as the engine gets them: by their real paths, or by those of copies that it sees and programs can read.
    pub(super) fn stage(&self, mounts: &[Mount], paths: &Paths) -> Result<Vec<Shown>, SandboxError> {
        let staged = mounts.iter().enumerate().map(|(index, mount)| self.stage_one(index, mount, paths));
        let mut staged: Vec<Shown> =
            staged.collect::<io::Result<_>>().map_err(|error| failed("make the mounts readable", error))?;
        staged.extend(self.names().map_err(|error| failed("name the user", error))?);
        Ok(staged)
    }

    /// A list of users that has a name for the number that programs run under, where the image does not know it.
    fn names(&self) -> io::Result<Option<Shown>> {
        if rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let (uid, gid) = config::user();
        let host = self.path().join("passwd");
        let root = "root:x:0:0:root:/root:/usr/sbin/nologin";
        fs::write(&host, format!("{root}\nsandbox:x:{uid}:{gid}::{HOME_DIR}:/usr/sbin/nologin\n"))?;
        fs::set_permissions(&host, Permissions::from_mode(0o644))?;
        Ok(Some(Shown { outside: self.outside("passwd"), inside: "/etc/passwd".to_owned() }))
    }

    fn stage_one(&self, index: usize, mount: &Mount, paths: &Paths) -> io::Result<Shown> {
        let host = fs::canonicalize(&mount.host).map_err(|error| at(&mount.host, &error))?;
        if host.to_str().is_none() {
            return Err(at(&host, &io::Error::other("the engine takes only UTF-8 paths")));
        }
        // Any other user's programs run under that user's own number.
        let is_readable = !rustix::process::geteuid().is_root() || readable_by_all(&host)?;
        let inside = mount.inside.clone();
        if let Some(outside) = paths.outside(&host).filter(|_| is_readable) {
            return Ok(Shown { outside, inside });
        }
        let name = format!("mount-{index}");
        copy_tree(&host, &self.path().join(&name))?;
        Ok(Shown { outside: self.outside(&name), inside })
    }

    /// Writes a file for the engine itself to read; its path there.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<String, SandboxError> {
        fs::write(self.path().join(name), text).map_err(|error| failed("write a file for the engine", error))?;
        Ok(self.outside(name))
    }

    /// A mount for input that is not there yet.
    pub(super) fn stage_later(&self) -> Result<Shown, SandboxError> {
        let folder = self.path().join(LATER);
        let made = fs::create_dir(&folder).and_then(|()| fs::set_permissions(&folder, Permissions::from_mode(0o755)));
        made.map_err(|error| failed("make a folder for input", error))?;
        Ok(Shown { outside: self.outside(LATER), inside: WORK_DIR.to_owned() })
    }

    /// Puts the files of the folder `host` where that mount shows them.
    pub(super) fn fill(&self, host: &Path) -> Result<(), SandboxError> {
        let copy = || {
            for entry in fs::read_dir(host)? {
                let entry = entry?;
                copy_tree(&entry.path(), &self.path().join(LATER).join(entry.file_name()))?;
            }
            Ok::<_, io::Error>(())
        };
        copy().map_err(|error| failed("put the input into its place", error))
    }
}
