//! GitLab's code quality report: an array of issues, each with a fingerprint that stays from run to run.
//!
//! GitLab shows one issue of each fingerprint and drops the others without a word, so no two here are equal.

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::verdict::{self, MESSAGE_CHARS_MAX};
use super::{json_text, place, sanitize};
use crate::report::{Report, ReportFinding, Severity, WHOLE_ARTIFACT};

/// Bytes of a fingerprint.
const FINGERPRINT_BYTES: usize = 16;

#[derive(Serialize)]
struct Issue {
    #[serde(skip)]
    identity: [u8; FINGERPRINT_BYTES],
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// Writes an issue for each finding that counts, and for what else stands against an artifact.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], out: &mut dyn Write) -> io::Result<()> {
    let mut seen = Fingerprints::default();
    json_text::write_pretty(&issues(reports, &mut seen).collect::<Vec<_>>(), out)
}

/// The issues of some reports, after those whose fingerprints were seen.
pub(super) fn issues(reports: &[&Report], seen: &mut Fingerprints) -> impl Iterator<Item = impl Serialize> {
    let mut issues: Vec<Issue> = Vec::new();
    for report in reports {
        issues.extend(verdict::counting(report).map(|finding| of_finding(report, finding)));
        issues.extend(verdict::problems(report).iter().map(|problem| of_problem(report, problem)));
    }
    issues.iter_mut().for_each(|issue| seen.tell_apart(issue));
    issues.into_iter()
}

/// How often each fingerprint was seen.
#[derive(Debug, Default)]
pub(super) struct Fingerprints(HashMap<[u8; FINGERPRINT_BYTES], u32>);

impl Fingerprints {
    /// Numbers the issues of one fingerprint, so that each has its own: an artifact can be named twice.
    fn tell_apart(&mut self, issue: &mut Issue) {
        let times = self.0.entry(issue.identity).or_default();
        if *times > 0 {
            issue.fingerprint = format!("{}-{times}", issue.fingerprint);
        }
        *times += 1;
    }
}

fn of_finding(report: &Report, finding: &ReportFinding) -> Issue {
    let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let related = finding.related.iter();
    let related: String =
        related.map(|related| format!("; line {}: {}", related.range.start.line, related.message)).collect();
    let identity = identity(report, &finding.fingerprint.0);
    Issue {
        identity,
        description: text(&format!("{}{hint}{related}", finding.message)),
        check_name: text(&finding.rule_id),
        fingerprint: hex(&identity),
        severity: severity(finding.severity),
        location: Location {
            path: place::file_from_here(&report.artifact, &finding.path),
            lines: Lines { begin: place::start(finding).line },
        },
    }
}

fn of_problem(report: &Report, problem: &verdict::Problem<'_>) -> Issue {
    let identity = identity(report, &problem.id());
    Issue {
        identity,
        description: text(problem.message),
        check_name: problem.id(),
        fingerprint: hex(&identity),
        severity: "blocker",
        location: Location { path: place::file_from_here(&report.artifact, WHOLE_ARTIFACT), lines: Lines { begin: 1 } },
    }
}

/// Untrusted text for a page.
fn text(untrusted: &str) -> String {
    sanitize::clipped(untrusted, MESSAGE_CHARS_MAX).into_owned()
}

/// Two artifacts in one report can hold the same file, so the artifact's place is part of an issue's identity.
fn identity(report: &Report, of: &str) -> [u8; FINGERPRINT_BYTES] {
    let digest: [u8; 32] =
        Sha256::new().chain_update(&report.artifact.root).chain_update([0]).chain_update(of).finalize().into();
    *digest.first_chunk().expect("a digest is longer")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "minor",
        Severity::Medium => "major",
        Severity::High => "critical",
        Severity::Critical => "blocker",
    }
}
