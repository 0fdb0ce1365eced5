//! The static check: is what was installed what was asked for, and is it as its own records say?
//!
//! No installer checks the records of a wheel; a wheel whose files are not the recorded ones installs without a word.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Distribution, Tree};
use crate::deps::{Lock, Locked, Parsed, Requirement, Version, normalised};
use crate::finding::{Finding, Pass, Severity, WHOLE_ARTIFACT};

/// Findings of one check that are kept; one more says how many there are.
const FINDINGS_PER_RULE_MAX: usize = 10;

/// A finding about installed packages as a whole.
pub(super) fn fault(rule: &'static str, message: impl Into<String>) -> Finding {
    Finding::in_file(rule, Pass::Install, Severity::High, WHOLE_ARTIFACT, message)
}

/// Every `wanted` requirement must be there once, in a version that it admits.
pub(super) fn wanted(tree: &Tree, wanted: &[&Requirement]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut by_name: BTreeMap<&str, Vec<&Distribution>> = BTreeMap::new();
    for distribution in &tree.distributions {
        by_name.entry(&distribution.name).or_default().push(distribution);
    }
    for (name, all) in &by_name {
        if all.len() > 1 {
            findings.push(fault("package-duplicated", format!("`{name}` is installed {} times", all.len())));
        }
    }
    for requirement in wanted {
        let (name, declared) = (&requirement.name, &requirement.text);
        let at = |rule, message: String| requirement.finding(rule, Severity::High, super::printable(&message, 500));
        match by_name.get(name.as_str()).and_then(|all| all.first()) {
            None => findings.push(at("package-missing", format!("`{declared}` is declared, and was not installed"))),
            Some(found) => {
                let version = found.version.parse::<Version>();
                if !version.is_ok_and(|version| requirement.specifiers.contains(&version)) {
                    let message = format!("`{declared}` is declared, and version {} was installed", found.version);
                    findings.push(at("package-version-wrong", message));
                }
            }
        }
    }
    findings
}

/// There must be just what the lock names.
pub(super) fn locked(tree: &Tree, lock: &Lock) -> Vec<Finding> {
    let mut findings = Findings::default();
    let is_of = |one: &Locked, distribution: &Distribution| {
        let same = |version: Version| one.version.parse::<Version>().is_ok_and(|locked| locked == version);
        one.name == distribution.name && distribution.version.parse::<Version>().is_ok_and(same)
    };
    for one in lock.packages.iter().filter(|one| !tree.distributions.iter().any(|found| is_of(one, found))) {
        findings.add("package-missing", format!("`{}` {} is locked, and was not installed", one.name, one.version));
    }
    for found in tree.distributions.iter().filter(|found| !lock.packages.iter().any(|one| is_of(one, found))) {
        let message = format!("`{}` {} is installed, and nothing asked for it", found.name, found.version);
        findings.add("package-not-locked", message);
    }
    findings.finish()
}

/// Every file must be recorded by its distribution, with its right digest, and every recorded file must be there.
pub(super) fn records(tree: &Tree) -> Vec<Finding> {
    let mut findings = Findings::default();
    let mut recorded = BTreeSet::new();
    for distribution in &tree.distributions {
        metadata(distribution, &mut findings);
        let Some(record) = &distribution.record else {
            findings.add("package-record-missing", format!("{} has no list of its files", distribution.folder));
            continue;
        };
        for line in record {
            let Some(path) = &line.path else {
                let message = format!("{} records `{}`, outside its folder", distribution.folder, line.written);
                findings.add("package-record-escapes", message);
                continue;
            };
            recorded.insert(path.as_str());
            match (tree.files.get(path), &line.digest) {
                // With `--no-compile` no bytecode is written, so none is missing.
                (None, _) => findings.add("package-file-missing", format!("`{path}` is recorded and is not there")),
                // A wheel's own list cannot have a digest of itself. pip adds files that a wheel did not list.
                (Some(_), None) if !is_own_list(distribution, path) => {
                    findings.add("package-file-unlisted", format!("`{path}` is recorded without a sha256 digest"));
                }
                (Some((_, digest)), Some(wanted)) if digest != wanted => {
                    findings.add("package-file-altered", format!("`{path}` is not the file that its package records"));
                }
                _ => {}
            }
        }
    }
    for path in tree.files.keys().filter(|path| !recorded.contains(path.as_str()) && !is_installers_own(path)) {
        findings.add("package-file-unlisted", format!("`{path}` belongs to no package"));
    }
    findings.finish()
}

fn is_own_list(distribution: &Distribution, path: &str) -> bool {
    let file = path.strip_prefix(distribution.folder.as_str());
    matches!(file, Some("/RECORD" | "/RECORD.jws" | "/RECORD.p7s"))
}

/// uv keeps a lock file in the folder.
fn is_installers_own(path: &str) -> bool {
    path == ".lock"
}

fn metadata(distribution: &Distribution, findings: &mut Findings) {
    let stem = distribution.folder.trim_end_matches(".dist-info");
    let named = stem.split_once('-').map(|(name, version)| (normalised(name), version));
    let same_version = |version: &str| match (version.parse::<Version>(), distribution.version.parse::<Version>()) {
        (Ok(folder), Ok(metadata)) => folder == metadata,
        _ => false,
    };
    if !named.is_some_and(|(name, version)| name == distribution.name && same_version(version)) {
        let message = format!("the metadata in {} names another package or version", distribution.folder);
        findings.add("package-metadata-wrong", message);
    }
    for requires in &distribution.requires {
        if requires.parse::<Parsed>().is_ok_and(|parsed| parsed.url.is_some()) {
            let message = format!("{} requires a package by its address: `{requires}`", distribution.folder);
            findings.add("package-direct-requirement", message);
        }
    }
}

/// Findings with an upper limit for each rule.
#[derive(Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    counts: BTreeMap<&'static str, usize>,
}

impl Findings {
    pub(super) fn add(&mut self, rule: &'static str, message: String) {
        self.add_as(rule, Severity::High, message);
    }

    pub(super) fn add_as(&mut self, rule: &'static str, severity: Severity, message: String) {
        let count = self.counts.entry(rule).or_default();
        *count += 1;
        if *count <= FINDINGS_PER_RULE_MAX {
            self.kept.push(Finding { severity, ..fault(rule, super::printable(&message, 500)) });
        }
    }

    pub(super) fn finish(mut self) -> Vec<Finding> {
        for (rule, count) in self.counts.iter().filter(|(_, count)| **count > FINDINGS_PER_RULE_MAX) {
            let severity = self.kept.iter().find(|finding| finding.rule_id == *rule).map(|finding| finding.severity);
            let message = format!("{count} files are like this; the first {FINDINGS_PER_RULE_MAX} are listed");
            self.kept.push(Finding { severity: severity.unwrap_or(Severity::High), ..fault(rule, message) });
        }
        self.kept
    }
}
