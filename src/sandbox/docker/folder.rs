//! The temporary folder of a run: the keeper's socket, a name for the user, and copies of mounts that the container's
//! user could not read.
//!
//! A program never runs as root, so a folder that only root may enter is closed to it however it is mounted. Such
//! mounts are copied, readable for everyone, into this folder, which only vetrun's own user can enter on the host.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::config;
use crate::sandbox::{HOME_DIR, Mount, owner};

/// Files and folders of one mount that are looked at or copied.
const ENTRIES_MAX: usize = 1_000_000;

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

/// Whether every folder below `top` can be entered and every file read by any user.
fn readable_by_all(top: &Path) -> io::Result<bool> {
    let mut readable = true;
    walk(top, |_, metadata| {
        let wanted = if metadata.is_dir() { 0o005 } else { 0o004 };
        readable &= metadata.is_symlink() || metadata.mode() & wanted == wanted;
        Ok(readable)
    })?;
    Ok(readable)
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    walk(from, |path, metadata| {
        let inside = path.strip_prefix(from).map_err(io::Error::other)?;
        let target = if inside.as_os_str().is_empty() { to.to_path_buf() } else { to.join(inside) };
        copy_entry(path, metadata, &target)?;
        Ok(true)
    })
}

fn copy_entry(path: &Path, metadata: &Metadata, target: &Path) -> io::Result<()> {
    if metadata.is_dir() {
        fs::create_dir(target)?;
        return fs::set_permissions(target, Permissions::from_mode(0o755));
    }
    if metadata.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(path)?, target);
    }
    if !metadata.is_file() {
        return Err(at(path, &io::Error::other("only files, folders and links can be shown to a container")));
    }
    fs::copy(path, target)?;
    let mode = if metadata.mode() & 0o111 == 0 { 0o644 } else { 0o755 };
    fs::set_permissions(target, Permissions::from_mode(mode))
}

/// Calls `visit` for `top` and everything below it, folders before what they hold, until it says false.
fn walk(top: &Path, mut visit: impl FnMut(&Path, &Metadata) -> io::Result<bool>) -> io::Result<()> {
    let mut waiting: Vec<PathBuf> = vec![top.to_path_buf()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        seen += 1;
        if seen > ENTRIES_MAX {
            return Err(at(top, &io::Error::other(format!("over the limit of {ENTRIES_MAX} entries"))));
        }
        let metadata = fs::symlink_metadata(&path).map_err(|error| at(&path, &error))?;
        if !visit(&path, &metadata).map_err(|error| at(&path, &error))? {
            return Ok(());
        }
        if metadata.is_dir() {
            for entry in fs::read_dir(&path).map_err(|error| at(&path, &error))? {
                waiting.push(entry?.path());
            }
        }
    }
    Ok(())
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_copy_is_readable_and_keeps_links_and_executable_files() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::create_dir_all(from.join("a")).unwrap();
        fs::write(from.join("a/closed"), "text").unwrap();
        fs::set_permissions(from.join("a/closed"), Permissions::from_mode(0o600)).unwrap();
        fs::write(from.join("tool"), "").unwrap();
        fs::set_permissions(from.join("tool"), Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink("a/closed", from.join("link")).unwrap();
        assert!(!readable_by_all(&from).unwrap());

        let to = folder.path().join("to");
        copy_tree(&from, &to).unwrap();
        assert!(readable_by_all(&to).unwrap());
        assert_eq!(fs::read_to_string(to.join("link")).unwrap(), "text");
        assert_eq!((mode(&to.join("a/closed")), mode(&to.join("tool")), mode(&to.join("a"))), (0o644, 0o755, 0o755));
    }

    #[test]
    fn one_file_can_be_a_mount() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "text").unwrap();
        fs::set_permissions(&from, Permissions::from_mode(0o600)).unwrap();
        copy_tree(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "text");
        assert!(fs::symlink_metadata(&to).unwrap().is_file());
    }
}
