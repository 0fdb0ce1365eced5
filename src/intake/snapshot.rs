//! The snapshot on disk: what is run is written from the artifact, never copied from where it was read.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path};

use crate::artifact::{Artifact, SourceFile};

/// Writes every file of the artifact below `dir`, which exists and is empty. Files that were executable stay so (0755),
/// all others are 0644. No file that is already there is opened or replaced. Bytecode that stands beside its source
/// (`__pycache__`) is left out: Python would run it instead of the source, which is what was vetted.
///
/// # Errors
/// What the system says; `AlreadyExists` when `dir` was not empty, `InvalidInput` when a path would lead out of it.
pub fn write_snapshot(artifact: &Artifact, dir: &Path) -> io::Result<()> {
    artifact.files.iter().filter(|file| !is_cached_bytecode(&file.path)).try_for_each(|file| write_file(file, dir))
}

fn is_cached_bytecode(path: &str) -> bool {
    let mut folders = path.rsplit('/');
    folders.next().is_some_and(|name| name.ends_with(".pyc")) && folders.next() == Some("__pycache__")
}

fn write_file(file: &SourceFile, dir: &Path) -> io::Result<()> {
    let relative = Path::new(&file.path);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if !inside || file.path.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{}` leads out of the snapshot", file.path)));
    }
    let path = dir.join(relative);
    if let Some(parent) = relative.parent() {
        make_folder(dir, parent)?;
    }
    // `create_new` is O_CREAT | O_EXCL, which does not follow a link at the last part either.
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    out.write_all(&file.bytes)?;
    out.set_permissions(Permissions::from_mode(if file.executable { 0o755 } else { 0o644 }))
}

/// Makes a folder and those above it, readable by whichever user the sandbox runs as, whatever the umask is.
fn make_folder(dir: &Path, relative: &Path) -> io::Result<()> {
    let path = dir.join(relative);
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(());
    }
    fs::create_dir_all(&path)?;
    for folder in relative.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::set_permissions(dir.join(folder), Permissions::from_mode(0o755))?;
    }
    Ok(())
}
