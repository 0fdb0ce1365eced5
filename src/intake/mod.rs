//! Intake: a path, a folder or a stream, read once into an artifact.
//!
//! This module owns every question about what is taken into a snapshot and what is not. A folder is walked through file
//! descriptors that follow nothing, so that no link and no race can lead out of it; what cannot be taken safely is
//! [`Refused`] and becomes a finding of the structure pass, and what does not exist at all is
//! an [`IntakeError`]. No ignore file is honoured: an artifact must not choose what is judged. The only things left out
//! are those that the user's own globs name ([`exclude_set`]); they are left out of the snapshot, and so of the run too.
//!
//! Every size is bounded by [`IntakeLimits`]; a limit that is reached is a refusal that names it.

mod exclude;
mod memory;
mod read;
mod snapshot;
#[cfg(test)]
mod tests;
mod walk;

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

pub use exclude::{ExcludeSet, exclude_set};
pub use memory::read_files;
pub use snapshot::write_snapshot;

use crate::artifact::{Artifact, Refusal, Refused, SourceFile};
use crate::language::Language;
use crate::names::turns_text;
use crate::policy::IntakeLimits;

/// What `--exclude` holds when the user does not say otherwise: the stores of version control systems at the root, which
/// are no part of the code.
pub const DEFAULT_EXCLUDES: [&str; 3] = [".git/**", ".hg/**", ".svn/**"];

/// The most entries that a folder of artifacts may hold.
pub const BATCH_ENTRIES_MAX: usize = 1_000_000;

/// Why there is no artifact.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// There is nothing at the path.
    #[error("there is no file or folder `{path}`")]
    NotFound {
        /// The path, made printable.
        path: String,
    },
    /// The path may not be read.
    #[error("`{path}` may not be read by this user")]
    Denied {
        /// The path, made printable.
        path: String,
    },
    /// The path is neither a file nor a folder.
    #[error("`{path}` is a {kind}, not a file or folder (give `-` to read standard input)")]
    NotFileOrFolder {
        /// The path, made printable.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A folder of artifacts is asked for, and this is none.
    #[error("`{path}` is not a folder of artifacts")]
    NotAFolder {
        /// The path, made printable.
        path: String,
    },
    /// The folder holds no file, or the stream no byte.
    #[error("there is nothing to vet in `{path}`")]
    NothingToVet {
        /// The path, made printable.
        path: String,
    },
    /// A stream of unknown language; judged as plain text it would pass unseen.
    #[error("the language of `{name}` is not known (name it with --language or --stdin-filename)")]
    UnknownLanguage {
        /// The name given for the stream.
        name: String,
    },
    /// A folder of artifacts holds too many.
    #[error("`{path}` holds more than {BATCH_ENTRIES_MAX} entries (split it into several folders)")]
    TooManyEntries {
        /// The path, made printable.
        path: String,
    },
    /// A file in memory has no path inside an artifact.
    #[error("`{path}` is no path of a file in an artifact (leave out `.`, `..`, and a `/` at an end)")]
    NoPath {
        /// The path, made printable.
        path: String,
    },
    /// Two files in memory have the same path.
    #[error("there are two files `{path}`")]
    Twice {
        /// The path.
        path: String,
    },
    /// An exclusion is not a glob.
    #[error("`{glob}` is not a glob: {message}")]
    BadGlob {
        /// What was given.
        glob: String,
        /// What is wrong with it.
        message: String,
    },
    /// The system could not read it.
    #[error("`{path}` could not be read")]
    Io {
        /// The path, made printable.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl IntakeError {
    /// Whether there was simply nothing to vet, which is apart from an input that could not be read.
    #[must_use]
    pub const fn is_nothing_to_vet(&self) -> bool {
        matches!(self, Self::NothingToVet { .. })
    }

    fn from_io(path: &Path, source: io::Error) -> Self {
        let path = printable(path.as_os_str().as_bytes());
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound { path },
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            _ => Self::Io { path, source },
        }
    }
}

/// Reads the file or folder that a user names into an artifact. The path itself may be a symbolic link, since the user
/// named it; nothing below it is followed.
///
/// # Errors
/// [`IntakeError`] when there is nothing at the path that could be vetted.
pub fn read_path(path: &Path, limits: &IntakeLimits, exclude: &ExcludeSet) -> Result<Artifact, IntakeError> {
    let kind = fs::metadata(path).map_err(|source| IntakeError::from_io(path, source))?.file_type();
    let (files, refused, excluded) = if kind.is_dir() {
        let taken = walk::folder(path, limits, exclude).map_err(|source| IntakeError::from_io(path, source))?;
        (taken.files, taken.refused, taken.excluded)
    } else if kind.is_file() {
        let (files, refused) = one_file(path, limits)?;
        (files, refused, Vec::new())
    } else {
        let kind = read::special_kind(kind);
        return Err(IntakeError::NotFileOrFolder { path: printable(path.as_os_str().as_bytes()), kind });
    };
    let root = printable(path.as_os_str().as_bytes());
    if files.is_empty() && refused.is_empty() {
        return Err(IntakeError::NothingToVet { path: root });
    }
    let mut artifact = Artifact::new(name_of(path), root, files, refused);
    artifact.excluded = excluded;
    artifact.excluded.sort();
    Ok(artifact)
}

/// Reads one entry of a folder of artifacts, as [`batch_entries`] lists them. Unlike a path that a user names, an entry
/// that is a symbolic link, a device or a hard link is refused like any other inside a folder.
///
/// # Errors
/// [`IntakeError`] as for [`read_path`].
pub fn read_batch_entry(path: &Path, limits: &IntakeLimits, exclude: &ExcludeSet) -> Result<Artifact, IntakeError> {
    let metadata = fs::symlink_metadata(path).map_err(|source| IntakeError::from_io(path, source))?;
    let Some(reason) = read::refusal_of(path, &metadata) else { return read_path(path, limits, exclude) };
    let name = name_of(path);
    let refused = Refused { path: name.clone(), reason };
    Ok(Artifact::new(name, printable(path.as_os_str().as_bytes()), Vec::new(), vec![refused]))
}

/// Lists the artifacts in a folder: its sub-folders and files, hidden ones included, sorted by name.
///
/// # Errors
/// [`IntakeError`] when `dir` is not a folder that can be listed, or is empty.
pub fn batch_entries(dir: &Path) -> Result<Vec<PathBuf>, IntakeError> {
    let printed = || printable(dir.as_os_str().as_bytes());
    let failed = |source| IntakeError::from_io(dir, source);
    if !fs::metadata(dir).map_err(failed)?.is_dir() {
        return Err(IntakeError::NotAFolder { path: printed() });
    }
    let listing = fs::read_dir(dir).map_err(failed)?.take(BATCH_ENTRIES_MAX + 1);
    let mut entries = listing.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    match entries.len() {
        0 => return Err(IntakeError::NothingToVet { path: printed() }),
        count if count > BATCH_ENTRIES_MAX => return Err(IntakeError::TooManyEntries { path: printed() }),
        _ => entries.sort(),
    }
    Ok(entries)
}

/// Makes an artifact of one file out of bytes that were read elsewhere, such as from standard input. `name` is what the
/// user calls it; of a name with `..` or a leading `/` only the last part counts.
///
/// # Errors
/// [`IntakeError::NothingToVet`] when there is no byte, [`IntakeError::UnknownLanguage`] when neither `language` nor
/// the name nor a `#!` line tells what the bytes are.
pub fn read_bytes(
    name: &str,
    bytes: &[u8],
    language: Option<Language>,
    limits: &IntakeLimits,
) -> Result<Artifact, IntakeError> {
    if bytes.is_empty() {
        return Err(IntakeError::NothingToVet { path: name.to_owned() });
    }
    let path = relative_name(name);
    let limit = limits.file_bytes_max.bytes().min(limits.total_bytes_max.bytes());
    if let Some(reason) = stream_refusal(&path, bytes, limit, limits) {
        let refused = Refused { path: printable(path.as_bytes()), reason };
        return Ok(Artifact::new(refused.path.clone(), "-", Vec::new(), vec![refused]));
    }
    let mut file = SourceFile::new(path.clone(), bytes);
    match language {
        Some(language) => file.language = language,
        None if file.language == Language::Text && !path.contains('.') => {
            return Err(IntakeError::UnknownLanguage { name: name.to_owned() });
        }
        None => {}
    }
    Ok(Artifact::new(path, "-", vec![file], Vec::new()))
}

/// Reads a stream to its end, or to one byte more than a file may have, and makes an artifact of it as [`read_bytes`]
/// does.
///
/// # Errors
/// As [`read_bytes`], and [`IntakeError::Io`] when the stream cannot be read.
pub fn read_stream(
    name: &str,
    stream: impl Read,
    language: Option<Language>,
    limits: &IntakeLimits,
) -> Result<Artifact, IntakeError> {
    let mut bytes = Vec::new();
    let read = stream.take(limits.file_bytes_max.bytes().saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|source| IntakeError::Io { path: name.to_owned(), source })?;
    read_bytes(name, &bytes, language, limits)
}

fn stream_refusal(path: &str, bytes: &[u8], bytes_max: u64, limits: &IntakeLimits) -> Option<Refusal> {
    if !is_plain_name(path) {
        Some(Refusal::Name)
    } else if path.len() as u64 > limits.path_bytes_max {
        Some(Refusal::Limit("path_bytes_max", limits.path_bytes_max))
    } else if bytes.len() as u64 > bytes_max {
        Some(Refusal::Limit("file_bytes_max", bytes_max))
    } else {
        None
    }
}

/// The files and refusals of an artifact that is one file.
fn one_file(path: &Path, limits: &IntakeLimits) -> Result<(Vec<SourceFile>, Vec<Refused>), IntakeError> {
    let file = read::open_named(path).map_err(|source| IntakeError::from_io(path, source))?;
    let raw_name = path.file_name().map_or(&b"artifact"[..], OsStr::as_bytes);
    let refuse = |reason| Ok((Vec::new(), vec![Refused { path: printable(raw_name), reason }]));
    let Some(name) = std::str::from_utf8(raw_name).ok().filter(|name| is_plain_name(name)) else {
        return refuse(Refusal::Name);
    };
    match read::contents(file, limits, limits.total_bytes_max.bytes()) {
        Ok(read) => {
            let file = SourceFile { executable: read.executable, ..SourceFile::new(name, read.bytes) };
            Ok((vec![file], Vec::new()))
        }
        Err(reason) => refuse(reason),
    }
}

/// What users call what is at `path`: its last part, or that of the folder that it stands for (`.`, `..`, `/`).
fn name_of(path: &Path) -> String {
    let own = path.file_name().map(OsStr::to_owned);
    let name = own.or_else(|| fs::canonicalize(path).ok()?.file_name().map(OsStr::to_owned));
    name.map_or_else(|| "artifact".to_owned(), |name| printable(name.as_bytes()))
}

/// A stream's name as a path inside an artifact.
fn relative_name(name: &str) -> String {
    let parts: Vec<_> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let from = if name.starts_with('/') || parts.contains(&"..") { parts.len().saturating_sub(1) } else { 0 };
    match parts[from..].join("/").as_str() {
        "" | ".." => "stdin".to_owned(),
        path => path.to_owned(),
    }
}

/// Whether a name can stand in a report, on a terminal and in another file system without becoming something else: no
/// control character, no line separator, nothing that reorders text.
fn is_plain_name(name: &str) -> bool {
    !name.chars().any(is_deceptive)
}

fn is_deceptive(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') || turns_text(char)
}

/// A path as it stands in a report: [`Artifact::root`].
pub(crate) fn printed(path: &Path) -> String {
    printable(path.as_os_str().as_bytes())
}

/// A path or name as printable text: bytes that are not UTF-8 as `\xNN`, deceptive characters as `\u{…}`.
fn printable(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if is_deceptive(char) { text.extend(char.escape_unicode()) } else { text.push(char) }
        }
        for byte in chunk.invalid() {
            let _infallible = write!(text, "\\x{byte:02x}");
        }
    }
    text
}
