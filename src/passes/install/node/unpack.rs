//! Writes vetted packages into one `node_modules`. Every file is new, in folders that were made here; nothing is written
//! over and no link is followed, for there is none. Where anything is wrong, the folder is thrown away by its owner.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::InstallError;
use super::super::catalogue::Trouble;
use super::FOLDER;
use crate::deps::npm::Pick;
use crate::deps::npm::archive::{Contents, Package};
use crate::policy::InstallPolicy;

const FILE_MODE: u32 = 0o644;
const EXECUTABLE_MODE: u32 = 0o755;

/// A folder that takes packages, from several threads, and how much it still takes.
pub(super) struct Room {
    root: PathBuf,
    bytes: AtomicU64,
    files: AtomicU64,
    bytes_max: u64,
    files_max: u64,
}

impl Room {
    /// In the existing, empty folder `root`.
    pub(super) fn new(root: &Path, policy: &InstallPolicy) -> Result<Self, InstallError> {
        make_folder(&root.join(FOLDER))
            .map_err(|source| InstallError::Io { action: "make a folder for packages", source })?;
        Ok(Self {
            root: root.to_owned(),
            bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
            bytes_max: policy.installed_bytes_max.bytes(),
            files_max: policy.installed_files_max,
        })
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Writes a package at its place; the bytes of its files.
    pub(super) fn unpack(&self, pick: &Pick, package: &Package) -> Result<u64, Trouble> {
        let (count, bytes) = package
            .contents
            .files()
            .fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.content.len() as u64));
        if self.files.fetch_add(count, Ordering::Relaxed) + count > self.files_max
            || self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.bytes_max
        {
            let which = "the space for packages (`install.installed_bytes_max` or `install.installed_files_max`)";
            return Err(Trouble::Limit(which.to_owned()));
        }
        self.write(pick, package).map_err(|error| Trouble::Io(format!("{} cannot be written: {error}", pick.name)))?;
        Ok(bytes)
    }

    fn write(&self, pick: &Pick, package: &Package) -> io::Result<()> {
        let place = self.root.join(&pick.place);
        make_folders(&self.root, &place)?;
        write_files(&place, &package.contents)
    }
}

/// Writes the files of an archive into the existing, empty folder `place`.
pub(in crate::passes::install) fn write_files(place: &Path, contents: &Contents) -> io::Result<()> {
    let mut last = PathBuf::new();
    for file in contents.files() {
        let path = place.join(file.path);
        let folder = path.parent().unwrap_or(place);
        if folder != last {
            make_folders(place, folder)?;
            folder.clone_into(&mut last);
        }
        let mode = if file.is_executable { EXECUTABLE_MODE } else { FILE_MODE };
        let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        allow(&opened, mode)?;
        (&opened).write_all(file.content)?;
    }
    Ok(())
}

/// Programs in the sandbox are another user, whatever the mask of this process.
fn allow(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Makes all folders from the existing `base` to `folder`; other threads may make some of them.
fn make_folders(base: &Path, folder: &Path) -> io::Result<()> {
    let mut path = base.to_owned();
    for part in folder.strip_prefix(base).into_iter().flat_map(Path::components) {
        path.push(part);
        make_folder(&path)?;
    }
    Ok(())
}

fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(EXECUTABLE_MODE).create(path) {
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(EXECUTABLE_MODE)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
