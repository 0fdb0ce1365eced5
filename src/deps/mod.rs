//! Dependencies: what an artifact declares, in all the forms in which it may do so.
//!
//! Requirements are read by a strict parser of our own, never by an installer: installers follow includes to any file
//! or address, put secrets of the environment into addresses, and let the file replace the index. What comes out,
//! [`Declared`], is names, versions, markers and hashes, and an installer is handed a file that is written from that.
//!
//! The first source that is there counts: the file that the caller names, `pylock.toml` (PEP 751), `requirements.txt`,
//! `script` blocks (PEP 723) of Python files in the root, `pyproject.toml`. Where there is none, [`imports`] tells from
//! the code what it needs. Packages of Node come beside, from `package.json` and its lock ([`npm`]). Every name is judged
//! by [`names`] before anything is fetched. Nothing here does I/O.

mod groups;
pub mod imports;
mod lines;
mod lock;
mod manifest;
mod marker;
mod name;
pub mod names;
pub mod npm;
mod options;
mod paths;
mod pylock;
mod reader;
mod requirement;
pub mod resolve;
mod script;
pub mod source;
mod specifier;
mod tags;
mod text;
mod version;
pub mod wheel;

pub use lock::{Lock, Locked, Source};
pub use marker::{Marker, MarkerEnvironment};
pub use name::{is_normalised, normalised};
pub use requirement::Parsed;
pub use specifier::{Specifier, SpecifierSet};
pub use tags::{Tags, Target};
pub use text::Syntax;
pub(crate) use text::is_identifier;
pub use version::Version;

use self::reader::{Reader, Role};
use crate::artifact::Artifact;
use crate::finding::{Finding, Pass, Range, Severity};
use crate::policy::InstallPolicy;

/// One declared package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The canonical requirement (PEP 508) with its normalised name, extras, versions and marker.
    pub text: String,
    /// The normalised name (PEP 503).
    pub name: String,
    /// The file that declares it.
    pub declared_in: String,
    /// Where it stands there.
    pub range: Range,
    /// The source lines there.
    pub snippet: String,
    /// The extras that are asked for.
    pub extras: Vec<String>,
    /// Which versions are admitted.
    pub specifiers: SpecifierSet,
    /// When it applies.
    pub marker: Option<Marker>,
    /// Where not empty, only files with one of these hashes are admitted: `sha256:…`, `sha384:…` or `sha512:…`.
    pub hashes: Vec<String>,
    /// The import that asks for it, where nothing declares it: a dotted path.
    pub import: Option<String>,
}

impl Requirement {
    /// A finding of the install pass at the place where this is declared.
    #[must_use]
    pub fn finding(&self, rule: &'static str, severity: Severity, message: String) -> Finding {
        let finding = Finding::in_file(rule, Pass::Install, severity, &self.declared_in, message);
        Finding { range: Some(self.range), snippet: Some(self.snippet.clone()), ..finding }
    }

    /// The line of a requirements file without its marker: for an environment in which it applies.
    #[must_use]
    pub fn installer_line(&self) -> String {
        let extras = if self.extras.is_empty() { String::new() } else { format!("[{}]", self.extras.join(",")) };
        let hashes: String = self.hashes.iter().map(|hash| format!(" --hash={hash}")).collect();
        format!("{}{extras}{}{hashes}", self.name, self.specifiers)
    }
}

/// What an artifact declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Sorted by name.
    pub requirements: Vec<Requirement>,
    /// Limits on the versions of packages, whether declared or only needed by others; sorted by name.
    pub constraints: Vec<Requirement>,
    /// Whether every installed file must have a declared hash.
    pub require_hashes: bool,
    /// Which versions of Python it asks for, and the file that says so.
    pub requires_python: Option<(SpecifierSet, String)>,
    /// The files that were read as declarations, included ones left out; empty where there is none.
    pub sources: Vec<String>,
    /// Whether the requirements are told from imports, because nothing declares any.
    pub is_inferred: bool,
    /// What the artifact's Python code takes from packages, sorted by path and file.
    pub imports: Vec<imports::ProgramImport>,
    /// The packages of Node, where there are any and nothing stands against them.
    pub npm: Option<npm::Npm>,
}

impl Declared {
    /// Whether packages of Python, or a version of it, are asked for.
    #[must_use]
    pub fn declares_python(&self) -> bool {
        !self.requirements.is_empty() || self.requires_python.is_some()
    }

    /// How many packages are declared.
    #[must_use]
    pub fn count(&self) -> usize {
        self.requirements.len() + self.npm.as_ref().map_or(0, |npm| npm.requested().len())
    }
}

/// Reads the declared packages out of the artifact; what cannot be accepted is a finding of the install pass.
/// `override_file` (name and bytes) stands in for the artifact's own declarations.
#[must_use]
pub fn declared(
    artifact: &Artifact,
    override_file: Option<(&str, &[u8])>,
    policy: &InstallPolicy,
) -> (Declared, Vec<Finding>) {
    let mut reader = Reader::new(artifact, policy);
    let scripts = manifest::scripts(artifact);
    let pyproject = artifact.file("pyproject.toml");
    if let Some((name, bytes)) = override_file {
        reader.file(name, bytes, Role::Requirements, false);
        reader.declared.sources.push(name.to_owned());
    } else if let Some(file) = artifact.file("pylock.toml") {
        pylock::read(&mut reader, file);
        reader.declared.sources.push(file.path.clone());
    } else if let Some(file) = artifact.file("requirements.txt") {
        reader.file(&file.path, &file.bytes, Role::Requirements, true);
        reader.declared.sources.push(file.path.clone());
    } else if !scripts.is_empty() {
        for (file, text) in &scripts {
            manifest::read_script(&mut reader, &file.path, text);
            reader.declared.sources.push(file.path.clone());
        }
    } else if let Some(file) = pyproject {
        let declares = manifest::read_pyproject(&mut reader, file);
        reader.declared.sources.extend(declares.then(|| file.path.clone()));
    }
    if let Some(file) = pyproject.filter(|file| !reader.declared.sources.contains(&file.path)) {
        manifest::read_requires_python(&mut reader, file);
    }
    let Reader { mut declared, mut findings, .. } = reader;
    let others = scripts.iter().map(|(file, _)| file.path.as_str());
    findings.extend(others.filter(|path| !declared.sources.iter().any(|source| source == path)).map(|path| {
        let message = format!("the `script` block is not used: {} declares the packages", declared.sources.join(", "));
        Finding::in_file("script-block-not-used", Pass::Install, Severity::Info, path, message)
    }));
    let denied = |name: &str| {
        let (message, hint) = names::denial(name, policy)?;
        Some(Finding::in_file(names::DENIED, Pass::Install, Severity::High, "package.json", message).hint(hint))
    };
    let (npm, refused) = npm::read(artifact, policy, &denied);
    declared.npm = npm;
    findings.extend(refused);
    for list in [&mut declared.requirements, &mut declared.constraints] {
        list.sort_by(|a, b| (&a.name, &a.text, &a.hashes).cmp(&(&b.name, &b.text, &b.hashes)));
        list.dedup_by(|a, b| (&a.text, &a.hashes) == (&b.text, &b.hashes));
    }
    (declared, findings)
}

/// Completes what is declared by what is imported, and judges every name; what is wrong with them is a finding of the
/// install pass.
#[must_use]
pub fn vetted(declared: &mut Declared, imports: &[imports::Import<'_>], basis: imports::Basis<'_>) -> Vec<Finding> {
    let mut findings = imports::compare(declared, imports, basis);
    findings.extend(names::findings(declared, basis.data, basis.policy));
    findings
}
