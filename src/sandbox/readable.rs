//! What a user who is nobody to the host can read, and copies of what they cannot.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Files and folders of one tree that are looked at or copied.
const ENTRIES_MAX: usize = 1_000_000;

/// Whether every folder above a path can be passed by any user.
pub(super) fn is_reached_by_all(path: &Path) -> bool {
    let may_pass = |folder: &Path| folder.metadata().is_ok_and(|found| found.mode() & 0o001 != 0);
    path.ancestors().skip(1).all(may_pass)
}

/// Whether any user can execute the program at a path.
pub(super) fn is_executed_by_all(path: &Path) -> bool {
    is_reached_by_all(path) && path.metadata().is_ok_and(|found| found.mode() & 0o005 == 0o005)
}

/// Whether every folder below `top` can be entered and every file read by any user.
pub(super) fn readable_by_all(top: &Path) -> io::Result<bool> {
    let mut readable = true;
    walk(top, |_, metadata| {
        let wanted = if metadata.is_dir() { 0o005 } else { 0o004 };
        readable &= metadata.is_symlink() || metadata.mode() & wanted == wanted;
        Ok(readable)
    })?;
    Ok(readable)
}

/// Copies a file or a folder so that everybody can read it; links stay what they are.
pub(super) fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
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
        return Err(at(path, &io::Error::other("only files, folders and links can be shown to a program")));
    }
    fs::copy(path, target)?;
    let mode = if metadata.mode() & 0o111 == 0 { 0o644 } else { 0o755 };
    fs::set_permissions(target, Permissions::from_mode(mode))
}

/// Calls `visit` for `top` and everything below it, folders before what they hold, until it says false.
pub(super) fn walk(top: &Path, mut visit: impl FnMut(&Path, &Metadata) -> io::Result<bool>) -> io::Result<()> {
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

/// An error that names the path.
pub(super) fn at(path: &Path, error: &io::Error) -> io::Error {
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
    fn what_is_below_a_closed_folder_is_reached_by_its_owner_alone() {
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o711)).tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "").unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        assert!(is_executed_by_all(&program));
        fs::set_permissions(&program, Permissions::from_mode(0o754)).unwrap();
        assert!(is_reached_by_all(&program) && !is_executed_by_all(&program));
        fs::set_permissions(folder.path(), Permissions::from_mode(0o710)).unwrap();
        assert!(!is_reached_by_all(&program));
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
