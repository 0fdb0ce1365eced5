//! One file: opened without following anything, read within its limit, and compared with itself afterwards.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat, readlinkat};

use super::printable;
use crate::artifact::Refusal;
use crate::policy::IntakeLimits;

/// What was read of a file.
pub(super) struct Contents {
    pub(super) bytes: Vec<u8>,
    pub(super) executable: bool,
}

/// An entry of a folder, pinned by a descriptor that can neither read nor act on it, so that looking at a device or a
/// FIFO has no effect and what was looked at cannot be exchanged unnoticed.
pub(super) fn pin(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<File> {
    Ok(openat(dir, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?.into())
}

/// Opens what `pinned` stands for, for reading; refuses when the name stands for something else by now.
pub(super) fn open_pinned(dir: BorrowedFd<'_>, name: &[u8], pinned: &Metadata) -> Result<File, Refusal> {
    let kind = if pinned.is_dir() { OFlags::DIRECTORY } else { OFlags::empty() };
    // Without NONBLOCK, a FIFO that took the file's place would hold up vetrun for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | kind;
    let file: File = match openat(dir, name, flags, Mode::empty()) {
        Ok(fd) => fd.into(),
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {
            return Err(Refusal::Changed);
        }
        Err(error) => return Err(unreadable(&error.into())),
    };
    let opened = file.metadata().map_err(|error| unreadable(&error))?;
    if identity(&opened) == identity(pinned) { Ok(file) } else { Err(Refusal::Changed) }
}

/// Opens a file that the user named; it may be reached through links.
pub(super) fn open_named(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)
}

/// Reads a whole file that `fstat` calls regular, at most `total_left` bytes and not more than one file may have.
pub(super) fn contents(mut file: File, limits: &IntakeLimits, total_left: u64) -> Result<Contents, Refusal> {
    let before = file.metadata().map_err(|error| unreadable(&error))?;
    if !before.is_file() {
        return Err(Refusal::Changed);
    }
    let file_max = limits.file_bytes_max.bytes();
    if before.len() > file_max {
        return Err(Refusal::Limit("file_bytes_max", file_max));
    }
    if before.len() > total_left {
        return Err(Refusal::Limit("total_bytes_max", limits.total_bytes_max.bytes()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or(0));
    // One byte more than was promised is enough to know that the file grew.
    let read = file.by_ref().take(before.len().saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(&error))?;
    let after = file.metadata().map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 != before.len() || version(&before) != version(&after) {
        return Err(Refusal::Changed);
    }
    Ok(Contents { bytes, executable: before.permissions().mode() & 0o100 != 0 })
}

/// Why an entry of this kind is never opened; `None` for a folder and for a file with one name.
pub(super) fn refusal_of(path: &Path, metadata: &Metadata) -> Option<Refusal> {
    let link = || std::fs::read_link(path).map_or_else(|_| String::new(), |to| printable(to.as_os_str().as_bytes()));
    refusal(metadata, link)
}

/// As [`refusal_of`], for an entry of an open folder.
pub(super) fn refusal_at(dir: BorrowedFd<'_>, name: &[u8], metadata: &Metadata) -> Option<Refusal> {
    let link = || readlinkat(dir, name, Vec::new()).map_or_else(|_| String::new(), |to| printable(to.to_bytes()));
    refusal(metadata, link)
}

fn refusal(metadata: &Metadata, link_target: impl FnOnce() -> String) -> Option<Refusal> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        None
    } else if kind.is_symlink() {
        Some(Refusal::Symlink(link_target()))
    } else if !kind.is_file() {
        Some(Refusal::Special(special_kind(kind)))
    } else {
        (metadata.nlink() > 1).then(|| Refusal::HardLink(metadata.nlink()))
    }
}

/// What a thing that is no file, folder or link is called.
pub(super) fn special_kind(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "FIFO"
    } else if kind.is_socket() {
        "socket"
    } else if kind.is_char_device() {
        "character device"
    } else if kind.is_block_device() {
        "block device"
    } else {
        "special file"
    }
}

/// What the system said, without the words that differ from one C library to the next.
pub(super) fn unreadable(error: &io::Error) -> Refusal {
    Refusal::Unreadable(match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string().to_lowercase(),
    })
}

fn identity(metadata: &Metadata) -> (u64, u64, u32) {
    (metadata.dev(), metadata.ino(), metadata.mode() & 0o170_000)
}

/// Changes whenever a file is written to, renamed over, linked or truncated.
fn version(metadata: &Metadata) -> (u64, i64, i64, i64, i64) {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec())
}
