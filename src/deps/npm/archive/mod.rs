//! The archive of one package (`.tgz`): inflated within limits, read strictly, and held against the lock, before a byte of
//! it is written. Source archives of Python packages have the same form, and are read by the same reader.

mod path;
mod tar;
#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::ops::Range;

use flate2::bufread::GzDecoder;
use serde_json::Value;

use self::path::Taken;
use self::tar::Kind;
use super::limits::NpmLimits;
use super::{Pick, shown};
use crate::finding::{Finding, Pass, Severity, WHOLE_ARTIFACT};

/// The scripts that npm would run when it installs a package.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// One fault of an archive: the rule, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wrong {
    rule: &'static str,
    message: String,
}

impl Wrong {
    fn new(rule: &'static str, message: String) -> Self {
        Self { rule, message }
    }
}

/// A vetted package.
#[derive(Debug)]
pub struct Package {
    /// What is in it.
    pub contents: Contents,
    /// What is to be told of it; nothing that stands against it.
    pub notes: Vec<Finding>,
}

/// What is below the one folder that all of an archive is in.
#[derive(Debug)]
pub struct Contents {
    /// The archive, inflated.
    bytes: Vec<u8>,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    path: String,
    is_executable: bool,
    content: Range<usize>,
}

/// A file to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<'a> {
    /// Below the folder of the package.
    pub path: &'a str,
    /// What is in it.
    pub content: &'a [u8],
    /// Whether it may be started.
    pub is_executable: bool,
}

impl Contents {
    /// Reads an archive whose digest was checked.
    ///
    /// # Errors
    /// Why it is refused: a fragment.
    pub fn read(bytes: &[u8], limits: &NpmLimits) -> Result<Self, String> {
        Self::strictly(bytes, limits).map_err(|wrong| wrong.message)
    }

    fn strictly(bytes: &[u8], limits: &NpmLimits) -> Result<Self, Wrong> {
        let bytes = inflate(bytes, limits)?;
        let files = files(&bytes, limits)?;
        Ok(Self { bytes, files })
    }

    /// The files, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = Written<'_>> {
        self.files.iter().map(|file| Written {
            path: &file.path,
            content: &self.bytes[file.content.clone()],
            is_executable: file.is_executable,
        })
    }
}

/// Vets the archive `bytes` of `pick`, whose digest was checked.
///
/// # Errors
/// What stands against it.
pub fn vet(pick: &Pick, bytes: &[u8], limits: &NpmLimits) -> Result<Package, Box<Finding>> {
    let finding = |rule: &'static str, severity: Severity, message: String| {
        let message = format!("{} {}: {message}", pick.name, pick.version);
        Finding::in_file(rule, Pass::Install, severity, WHOLE_ARTIFACT, message)
    };
    let read = || {
        let contents = Contents::strictly(bytes, limits)?;
        let scripts = check_manifest(pick, &contents, limits)?;
        Ok((contents, scripts))
    };
    let (contents, scripts) =
        read().map_err(|wrong: Wrong| Box::new(finding(wrong.rule, Severity::High, wrong.message)))?;
    let mut notes = Vec::new();
    if let Some(script) = scripts.filter(|_| !pick.has_install_script) {
        let message = format!("its script `{script}`, of which the lock does not tell, is not run");
        notes.push(finding("node-install-script", Severity::Low, message));
    }
    if contents.files.iter().any(|file| file.path == "binding.gyp") {
        let message = "it has a part that npm would compile (`binding.gyp`), which is not compiled".to_owned();
        notes.push(finding("node-native-source", Severity::Info, message));
    }
    let native = contents.files.iter().filter(|file| file.path.ends_with(".node")).count();
    if native > 0 {
        let message = format!("it has native code ({native} `.node` files), which is not looked into");
        notes.push(finding("node-native-code", Severity::Info, message));
    }
    Ok(Package { contents, notes })
}

fn inflate(bytes: &[u8], limits: &NpmLimits) -> Result<Vec<u8>, Wrong> {
    let malformed = |what: &str| Wrong::new("node-archive-malformed", what.to_owned());
    let by_ratio = (bytes.len() as u64).saturating_mul(limits.ratio_max).max(limits.free_bytes);
    let bytes_max = by_ratio.min(limits.unpacked_bytes_max);
    let mut out = Vec::new();
    let mut decoder = GzDecoder::new(bytes);
    let mut reader = decoder.by_ref().take(bytes_max + 1);
    reader.read_to_end(&mut out).map_err(|_| malformed("it cannot be inflated"))?;
    if out.len() as u64 > bytes_max {
        let message = format!("it inflates to more than {bytes_max} bytes, and has {}", bytes.len());
        return Err(Wrong::new("node-archive-bomb", message));
    }
    if !decoder.into_inner().is_empty() {
        return Err(malformed("something stands behind its end"));
    }
    Ok(out)
}

fn files(bytes: &[u8], limits: &NpmLimits) -> Result<Vec<File>, Wrong> {
    let mut taken = Taken::default();
    let mut files = Vec::new();
    let mut outer: Option<String> = None;
    for member in tar::members(bytes, limits)? {
        let first = member.name.strip_prefix("./").unwrap_or(&member.name).split('/').next().unwrap_or_default();
        if outer.as_deref().is_some_and(|outer| outer != first) {
            let message = format!("`{}` is not in the one folder that a package is in", shown(&member.name));
            return Err(Wrong::new("node-path-malformed", message));
        }
        let found = path::inner(&member.name, member.kind, limits)?;
        outer.get_or_insert_with(|| first.to_owned());
        let Some(path) = found else { continue };
        taken.take(path, member.kind)?;
        if member.kind == Kind::File {
            let file = File { path: path.to_owned(), is_executable: member.is_executable, content: member.content };
            files.push(file);
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Holds the package's own `package.json` against the lock; the first script that npm would run.
fn check_manifest(pick: &Pick, contents: &Contents, limits: &NpmLimits) -> Result<Option<&'static str>, Wrong> {
    let another = |what: String| Wrong::new("node-package-is-another", what);
    let file = contents.files().find(|file| file.path == "package.json");
    let text = file.ok_or_else(|| another("it has no package.json".to_owned()))?.content;
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    if text.len() > limits.manifest_bytes_max {
        return Err(another(format!("its package.json is larger than {} bytes", limits.manifest_bytes_max)));
    }
    let manifest: Value =
        serde_json::from_slice(text).map_err(|error| another(format!("its package.json cannot be read: {error}")))?;
    let own = |key: &str| manifest.get(key).and_then(Value::as_str).unwrap_or_default().trim();
    let (name, version) = (own("name"), own("version"));
    // npm drops what people write before a number, and what comes behind a plus.
    let plain =
        |version: &str| version.trim_start_matches(['v', '=', ' ']).split('+').next().unwrap_or_default().to_owned();
    if name != pick.name || plain(version) != plain(&pick.version) {
        let message = format!("its package.json is of `{}` {}", shown(name), shown(version));
        return Err(another(message));
    }
    let scripts = manifest.get("scripts");
    let is_there =
        |script: &&str| scripts.and_then(|scripts| scripts.get(*script)).is_some_and(|text| text.is_string());
    Ok(INSTALL_SCRIPTS.iter().find(|script| is_there(script)).copied())
}
