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

#[derive(Serialize)]
struct Issue {
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
    let mut issues: Vec<Issue> = reports
        .iter()
        .flat_map(|report| {
            let problems = verdict::problems(report);
            let problems: Vec<_> = problems.iter().map(|problem| of_problem(report, problem)).collect();
            verdict::counting(report).map(|finding| of_finding(report, finding)).chain(problems)
        })
        .collect();
    tell_apart(&mut issues);
    json_text::write_pretty(&issues, out)
}

/// Numbers the issues of one fingerprint, so that each has its own: an artifact can be named twice.
fn tell_apart(issues: &mut [Issue]) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    for issue in issues {
        let times = seen.entry(issue.fingerprint.clone()).or_default();
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
    Issue {
        description: text(&format!("{}{hint}{related}", finding.message)),
        check_name: text(&finding.rule_id),
        fingerprint: fingerprint(report, &finding.fingerprint.0),
        severity: severity(finding.severity),
        location: Location {
            path: place::file_from_here(&report.artifact, &finding.path),
            lines: Lines { begin: place::start(finding).line },
        },
    }
}

fn of_problem(report: &Report, problem: &verdict::Problem<'_>) -> Issue {
    Issue {
        description: text(problem.message),
        check_name: problem.id(),
        fingerprint: fingerprint(report, &problem.id()),
        severity: "blocker",
        location: Location { path: place::file_from_here(&report.artifact, WHOLE_ARTIFACT), lines: Lines { begin: 1 } },
    }
}

/// Untrusted text for a page.
fn text(untrusted: &str) -> String {
    sanitize::clipped(untrusted, MESSAGE_CHARS_MAX).into_owned()
}

/// Two artifacts in one report can hold the same file, so the artifact's place is part of an issue's identity.
fn fingerprint(report: &Report, of: &str) -> String {
    let digest = Sha256::new().chain_update(&report.artifact.root).chain_update([0]).chain_update(of).finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
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
