//! What the code of packages does, by the rules that generated code is judged by.
//!
//! A library may do what a generated program may not: evaluate text, start processes. What no library does is hide what it
//! runs. So the rules' critical findings stand against a package, and the others are counted. Popular packages are looked
//! at by many, and have more code than everything else together; whether they are scanned as well is the policy's choice.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::verify::Findings;
use super::{Examiner, MESSAGE_BYTES_MAX, printable};
use crate::artifact::{Artifact, SourceFile};
use crate::deps::wheel::{Wheel, WheelLimits};
use crate::finding::{Finding, Severity};
use crate::passes::scan::SCAN_LIMIT;

/// Scans the Python of wheels.
pub(super) fn check(wheels: &[&Wheel<'_>], limits: &WheelLimits, examiner: Examiner<'_>) -> Vec<Finding> {
    wheels.par_iter().flat_map_iter(|wheel| of_wheel(wheel, limits, examiner)).collect()
}

fn of_wheel(wheel: &Wheel<'_>, limits: &WheelLimits, examiner: Examiner<'_>) -> Vec<Finding> {
    let mut damaged = Findings::default();
    let mut files = Vec::new();
    for source in wheel.sources(limits) {
        match source.content {
            Ok(bytes) => files.push((source.path, bytes)),
            Err(damage) => {
                damaged.add("package-code-not-scanned", format!("{}: `{}` {damage}", wheel.name, source.path));
            }
        }
    }
    let mut findings = damaged.finish();
    findings.extend(of_files(wheel.name.file(), files.into_iter(), examiner));
    findings
}

/// Scans the Python of one archive: paths and contents.
pub(super) fn of_files<'f>(
    name: &str,
    files: impl Iterator<Item = (&'f str, Vec<u8>)>,
    examiner: Examiner<'_>,
) -> Vec<Finding> {
    let mut findings = Findings::default();
    let files = files.map(|(path, bytes)| SourceFile::new(path, bytes)).collect();
    let artifact = Artifact::new(name, name, files, Vec::new());
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for found in (examiner.examine)(&artifact) {
        let line = found.range.map_or(1, |range| range.start.line);
        let at = format!("{name}: `{}`, line {line}: {}", found.path, found.message);
        if found.rule_id == SCAN_LIMIT {
            findings.add("package-code-not-scanned", printable(&at, MESSAGE_BYTES_MAX));
        } else if found.severity == Severity::Critical {
            let message = format!("{at} ({})", found.rule_id);
            findings.add("package-code-dangerous", printable(&message, MESSAGE_BYTES_MAX));
        } else if found.severity >= Severity::Medium {
            *others.entry(found.rule_id.to_string()).or_default() += 1;
        }
    }
    if !others.is_empty() {
        let counts: Vec<String> = others.iter().map(|(rule, count)| format!("{rule} ({count})")).collect();
        let message = format!("{name}: its code has findings of {}", counts.join(", "));
        findings.add_as("package-code-notable", Severity::Info, printable(&message, MESSAGE_BYTES_MAX));
    }
    findings.finish()
}
