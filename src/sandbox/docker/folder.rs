//! The temporary folder of a run: the keeper's socket, a name for the user, and copies of mounts that the container's
//! user could not read.
//!
//! A program never runs as root, so a folder that only root may enter is closed to it however it is mounted. Such
//! mounts are copied, readable for everyone, into this folder, which only vetrun's own user can enter on the host.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::config;
use crate::sandbox::readable::{at, copy_tree, readable_by_all};
use crate::sandbox::{HOME_DIR, Mount, owner};

/// A folder that is gone when this is dropped.
#[derive(Debug)]
pub(super) struct RunFolder(TempDir);

impl RunFolder {
    /// Makes the folder; its name tells its owner, so that the next vetrun can judge it.
    pub(super) fn make() -> io::Result<Self> {
        tempfile::Builder::new().prefix(&owner::folder_prefix()).tempdir().map(Self)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A name for the container: as unique as the folder.
    pub(super) fn name(&self) -> String {
        self.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The mounts as the engine gets them: by their real paths, or by those of readable copies.
    pub(super) fn stage(&self, mounts: &[Mount]) -> io::Result<Vec<Mount>> {
        let mut staged: Vec<Mount> =
            mounts.iter().enumerate().map(|(index, mount)| self.stage_one(index, mount)).collect::<io::Result<_>>()?;
        if !rustix::process::geteuid().is_root() {
            staged.push(self.names()?);
        }
        Ok(staged)
    }

    /// A list of users that has a name for the number that programs run under, which the image does not know.
    fn names(&self) -> io::Result<Mount> {
        let (uid, gid) = config::user();
        let host = self.path().join("passwd");
        let root = "root:x:0:0:root:/root:/usr/sbin/nologin";
        fs::write(&host, format!("{root}\nsandbox:x:{uid}:{gid}::{HOME_DIR}:/usr/sbin/nologin\n"))?;
        fs::set_permissions(&host, Permissions::from_mode(0o644))?;
        Ok(Mount { host, inside: "/etc/passwd".to_owned() })
    }

    fn stage_one(&self, index: usize, mount: &Mount) -> io::Result<Mount> {
        let host = fs::canonicalize(&mount.host).map_err(|error| at(&mount.host, &error))?;
        if host.to_str().is_none() {
            return Err(at(&host, &io::Error::other("the engine takes only UTF-8 paths")));
        }
        // Any other user's programs run under that user's own number.
        if !rustix::process::geteuid().is_root() || readable_by_all(&host)? {
            return Ok(Mount { host, inside: mount.inside.clone() });
        }
        let copy = self.path().join(format!("mount-{index}"));
        copy_tree(&host, &copy)?;
        Ok(Mount { host: copy, inside: mount.inside.clone() })
    }
}
