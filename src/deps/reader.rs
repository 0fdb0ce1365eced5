//! Requirements files and their includes, read out of the snapshot.

use std::collections::BTreeSet;
use std::ops::Range;

use super::lines::{LogicalLine, Refusal, logical_lines, text_of};
use super::options::{Line, requirement, understand};
use super::requirement::Parsed;
use super::{Declared, Requirement, normalised};
use crate::artifact::{Artifact, SourceText};
use crate::finding::{Finding, Pass, SNIPPET_BYTES_MAX, Severity};
use crate::policy::InstallPolicy;

/// Includes inside one another.
const INCLUDE_DEPTH_MAX: usize = 8;

/// Findings about declarations that are kept; the last one says that there are more.
const FINDINGS_MAX: usize = 100;

/// What a file's lines are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Requirements,
    Constraints,
}

/// Collects declarations and findings from all files.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    artifact: &'a Artifact,
    pub(super) policy: &'a InstallPolicy,
    pub(super) declared: Declared,
    pub(super) findings: Vec<Finding>,
    /// Files that were read, so that none is read twice and a chain of includes stays linear.
    read: BTreeSet<(String, Role)>,
    /// Files that are being read, outermost first.
    open: Vec<String>,
    /// Whether there is a finding that says that too many packages are declared.
    too_many: bool,
}

/// A file whose declarations are read, for the places of findings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a SourceText,
}

impl<'a> Reader<'a> {
    pub(super) fn new(artifact: &'a Artifact, policy: &'a InstallPolicy) -> Self {
        Self {
            artifact,
            policy,
            declared: Declared::default(),
            findings: Vec::new(),
            read: BTreeSet::new(),
            open: Vec::new(),
            too_many: false,
        }
    }

    /// Reads a requirements file. `in_artifact` is false for a file that stands outside and thus can include nothing.
    pub(super) fn file(&mut self, path: &str, bytes: &[u8], role: Role, in_artifact: bool) {
        let text = match text_of(bytes, self.policy.requirements_bytes_max.bytes()) {
            Ok(text) => text,
            Err(refused) => {
                let (text, refusal) = *refused;
                self.refuse(path, text.as_ref(), refusal);
                return;
            }
        };
        self.open.push(path.to_owned());
        for line in logical_lines(text.as_str()) {
            let place = Place { path, text: &text };
            if let Err(refusal) = line.and_then(|line| self.line(place, &line, role, in_artifact)) {
                self.refuse(path, Some(&text), refusal);
            }
        }
        self.open.pop();
    }

    fn line(&mut self, place: Place<'_>, line: &LogicalLine, role: Role, in_artifact: bool) -> Result<(), Refusal> {
        let here = |refusal: Refusal| refusal.at(line.range.clone());
        match understand(&line.text).map_err(here)? {
            Line::Requirement(parsed, hashes) => {
                self.add(place, line.range.clone(), *parsed, hashes, role).map_err(here)?;
            }
            Line::Include(target) => self.include(place.path, target, role, in_artifact).map_err(here)?,
            Line::Constraint(target) => {
                self.include(place.path, target, Role::Constraints, in_artifact).map_err(here)?;
            }
            Line::RequireHashes => self.declared.require_hashes = true,
            Line::Redundant => {}
        }
        Ok(())
    }

    /// Adds a requirement that stands as text in a data file (`dependencies = […]`).
    pub(super) fn entry(&mut self, place: Place<'_>, range: Range<usize>, text: &str) {
        let added = if text.contains("${") { understand(text).map(|_| ()) } else { Ok(()) };
        let added = added.and_then(|()| requirement(text.trim()));
        let added = added.and_then(|parsed| self.add(place, range.clone(), parsed, Vec::new(), Role::Requirements));
        if let Err(refusal) = added {
            self.refuse(place.path, Some(place.text), refusal.at(range));
        }
    }

    pub(super) fn add(
        &mut self,
        place: Place<'_>,
        range: Range<usize>,
        parsed: Parsed,
        hashes: Vec<String>,
        role: Role,
    ) -> Result<(), Refusal> {
        let parsed = Parsed { name: normalised(&parsed.name), ..parsed };
        if role == Role::Constraints && !parsed.extras.is_empty() {
            let hint = "name the extras in the requirements file";
            return Err(Refusal::new("requirement-constraint-extras", "a constraint cannot have extras", hint));
        }
        let requirement = Requirement {
            text: parsed.to_string(),
            name: parsed.name,
            declared_in: place.path.to_owned(),
            range: place.text.range(range.clone()),
            snippet: place.text.snippet(range, SNIPPET_BYTES_MAX),
            extras: parsed.extras,
            specifiers: parsed.specifiers,
            marker: parsed.marker,
            hashes,
            import: None,
        };
        let list = match role {
            Role::Requirements => &mut self.declared.requirements,
            Role::Constraints => &mut self.declared.constraints,
        };
        if list.len() as u64 >= self.policy.requirements_max {
            if std::mem::replace(&mut self.too_many, true) {
                return Ok(());
            }
            let message = format!("more than {} packages are declared", self.policy.requirements_max);
            let hint = "declare fewer packages, or raise `install.requirements_max`";
            return Err(Refusal::new("requirements-too-many", message, hint));
        }
        list.push(requirement);
        Ok(())
    }

    fn include(&mut self, from: &str, target: &str, role: Role, in_artifact: bool) -> Result<(), Refusal> {
        let path = include_path(from, target, in_artifact)?;
        if self.open.contains(&path) {
            let message = format!("`{path}` includes itself");
            return Err(Refusal::new("requirement-include-cycle", message, "remove one of the includes"));
        }
        if self.open.len() > INCLUDE_DEPTH_MAX {
            let message = format!("more than {INCLUDE_DEPTH_MAX} files include one another");
            return Err(Refusal::new("requirement-include-depth", message, "put the requirements into one file"));
        }
        let artifact = self.artifact;
        let Some(file) = artifact.file(&path) else {
            let message = format!("`{path}` is included and is not part of the artifact");
            return Err(Refusal::new("requirement-include-missing", message, "add the file, or remove the line"));
        };
        if self.read.insert((path.clone(), role)) {
            self.file(&path, &file.bytes, role, true);
        }
        Ok(())
    }

    /// The index that the policy names.
    pub(super) fn index_url(&self) -> Option<&'a str> {
        self.policy.index_url.as_deref()
    }

    pub(super) fn refuse(&mut self, path: &str, text: Option<&SourceText>, refusal: Refusal) {
        if self.findings.len() > FINDINGS_MAX {
            return;
        }
        let refusal = if self.findings.len() == FINDINGS_MAX {
            let message = format!("more than {FINDINGS_MAX} lines are refused; the others are not listed");
            Refusal { range: refusal.range, ..Refusal::new("requirements-refused-limit", message, refusal.hint) }
        } else {
            refusal
        };
        let finding = Finding::in_file(refusal.rule, Pass::Install, Severity::High, path, refusal.message);
        let finding = finding.hint(refusal.hint);
        self.findings.push(match (text, refusal.range) {
            (Some(text), Some(range)) => finding.at(text, range),
            _ => finding,
        });
    }
}

/// The path in the artifact that an include in the file `from` names. Nothing else can be included: installers would
/// follow addresses and absolute paths, and print what they find there.
fn include_path(from: &str, target: &str, in_artifact: bool) -> Result<String, Refusal> {
    let hint = "include files of the artifact alone, by relative path";
    if target.contains("://") || target.to_ascii_lowercase().starts_with("file:") {
        return Err(Refusal::new("requirement-include-remote", "an include names an address", hint));
    }
    let outside = || Refusal::new("requirement-include-outside", "an include leaves the artifact", hint);
    let drive = target.get(1..2) == Some(":");
    if !in_artifact
        || target.is_empty()
        || drive
        || target.starts_with(['/', '~'])
        || target.contains(['\\', '"', '\''])
    {
        return Err(outside());
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(outside)?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}
