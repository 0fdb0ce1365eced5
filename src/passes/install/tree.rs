//! The installed tree: its files, and the distributions that its `.dist-info` folders describe.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::InstallError;
use crate::deps::normalised;
use crate::finding::hex;

/// The largest `METADATA` or `RECORD` that is read, in bytes.
const INFO_BYTES_MAX: u64 = 16 << 20;
/// Header lines of a `METADATA` file that are read.
const HEADERS_MAX: usize = 10_000;

/// Size and `sha256:…` of each file, by path.
pub(super) type Files = BTreeMap<String, (u64, String)>;

/// What was installed.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) files: Files,
    /// Sorted by folder.
    pub(super) distributions: Vec<Distribution>,
}

/// One `.dist-info` folder.
#[derive(Debug, Default)]
pub(super) struct Distribution {
    /// The folder.
    pub(super) folder: String,
    /// Normalised; empty where the metadata names none.
    pub(super) name: String,
    pub(super) version: String,
    /// The values of `Requires-Dist`.
    pub(super) requires: Vec<String>,
    /// `None` where there is no readable `RECORD`.
    pub(super) record: Option<Vec<Recorded>>,
}

/// One line of a `RECORD`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    /// Where the file is in the tree; `None` for a path that leaves it.
    pub(super) path: Option<String>,
    /// As it is written.
    pub(super) written: String,
    /// `sha256:…`; `None` where the line has no digest of that kind.
    pub(super) digest: Option<String>,
}

impl Tree {
    /// Reads the descriptions in `root`, which holds these files.
    pub(super) fn read(root: &Path, files: Files) -> Result<Self, InstallError> {
        let top = |path: &String| path.split_once('/').map(|(folder, _)| folder.to_owned());
        let folders: BTreeSet<String> =
            files.keys().filter_map(top).filter(|folder| folder.ends_with(".dist-info")).collect();
        let read = |folder| distribution(root, &files, folder);
        let distributions = folders.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { files, distributions })
    }

    /// The names in the root, sorted, each with whether it is a folder.
    pub(super) fn top_level(&self) -> BTreeMap<&str, bool> {
        let split = |path: &'_ str| path.find('/').map_or(path.len(), |at| at);
        self.files.keys().map(|path| (&path[..split(path)], path.contains('/'))).collect()
    }
}

impl Distribution {
    /// The paths in the tree that belong to it.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.record.iter().flatten().filter_map(|line| line.path.as_deref())
    }
}

fn distribution(root: &Path, files: &Files, folder: String) -> Result<Distribution, InstallError> {
    let text = |name: &str| {
        let path = format!("{folder}/{name}");
        files.contains_key(&path).then(|| read_text(&root.join(path))).transpose()
    };
    let metadata = text("METADATA")?.flatten().unwrap_or_default();
    let record = text("RECORD")?.flatten().map(|text| text.lines().filter_map(recorded).collect());
    let mut distribution = Distribution { record, ..Distribution::default() };
    for line in metadata.lines().take(HEADERS_MAX).take_while(|line| !line.is_empty()) {
        match line.split_once(':') {
            Some(("Name", value)) if distribution.name.is_empty() => distribution.name = normalised(value.trim()),
            Some(("Version", value)) if distribution.version.is_empty() => {
                value.trim().clone_into(&mut distribution.version);
            }
            Some(("Requires-Dist", value)) => distribution.requires.push(value.trim().to_owned()),
            _ => {}
        }
    }
    distribution.folder = folder;
    Ok(distribution)
}

/// The text of a file that we collected; `None` where it is too large or not UTF-8.
fn read_text(path: &Path) -> Result<Option<String>, InstallError> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).and_then(|file| file.take(INFO_BYTES_MAX + 1).read_to_end(&mut bytes));
    opened.map_err(|source| InstallError::Io { action: "read an installed file", source })?;
    Ok((bytes.len() as u64 <= INFO_BYTES_MAX).then(|| String::from_utf8(bytes).ok()).flatten())
}

/// One line of a `RECORD`: `path,algorithm=digest,size`, the path in quotes where it holds a comma.
fn recorded(line: &str) -> Option<Recorded> {
    let (written, rest) = match line.strip_prefix('"') {
        Some(quoted) => {
            let end = closing_quote(quoted)?;
            (quoted[..end].replace("\"\"", "\""), quoted[end + 1..].strip_prefix(',')?)
        }
        None => line.split_once(',').map(|(path, rest)| (path.to_owned(), rest))?,
    };
    let digest = rest.split(',').next().unwrap_or_default().trim_matches('"');
    let sha256 =
        digest.strip_prefix("sha256=").and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
    let sha256 = sha256.filter(|bytes| bytes.len() == 32).map(|bytes| format!("sha256:{}", hex(&bytes)));
    Some(Recorded { path: place(&written), written, digest: sha256 })
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('"') {
        if text[at + found + 1..].starts_with('"') {
            at += found + 2;
        } else {
            return Some(at + found);
        }
    }
    None
}

/// Where a recorded path is in the tree. With `--target`, pip installs into a home layout first and records what was
/// beside `lib/python` there (`bin`, `share`, …) as `../../bin/x`; afterwards that is `bin/x` in the tree.
fn place(written: &str) -> Option<String> {
    let inner = written.strip_prefix("../../").unwrap_or(written);
    let mut parts: Vec<&str> = Vec::new();
    for part in inner.split('/') {
        match part {
            "" | ".." => return None,
            "." => {}
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_lines_are_read() {
        let digest = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        let hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let cases = [
            (format!("a/b.py,sha256={digest},0"), Some("a/b.py"), Some(hash)),
            (format!("\"a,\"\"b\"\".py\",sha256={digest},0"), Some("a,\"b\".py"), Some(hash)),
            ("x.dist-info/RECORD,,".to_owned(), Some("x.dist-info/RECORD"), None),
            (format!("../../bin/x,sha256={digest},0"), Some("bin/x"), Some(hash)),
            ("../../../etc/passwd,,".to_owned(), None, None),
            ("/etc/passwd,,".to_owned(), None, None),
            ("a/../../b,,".to_owned(), None, None),
            ("a,md5=00,0".to_owned(), Some("a"), None),
        ];
        for (line, path, digest) in cases {
            let found = recorded(&line).unwrap();
            assert_eq!((found.path.as_deref(), found.digest.as_deref()), (path, digest), "{line}");
        }
        assert_eq!(recorded("\"open"), None);
        assert_eq!(recorded("no comma"), None);
    }
}
