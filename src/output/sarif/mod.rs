//! SARIF 2.1.0, for code scanning services.
//!
//! One run holds the results of all artifacts: services take few runs a file, or one. Columns count Unicode scalar
//! values, which `columnKind` says. Every result has a file and a line, and every rule its help, as GitHub asks. What
//! stands against an artifact and is no finding is a notification of its invocation.
//!
//! GitHub refuses a run of more than 25,000 results, and keeps the first 5,000 of what it takes. So the worst come first
//! where there are more, and what is cut, or will not be shown, is said in a notification.

mod places;
mod rules;

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io::{self, Write};

use rules::Rules;
use serde_json::{Value, json};

use super::verdict::{self, MESSAGE_CHARS_MAX};
use super::{RuleHelp, decoded, json_text, sanitize};
use crate::report::{Decoded, Report, ReportFinding, Severity, Suppression, Verdict};

/// The most results that GitHub takes of a run; with more, it takes nothing.
pub const RESULTS_MAX: usize = 25_000;

/// The most results that GitHub shows of a run.
pub const RESULTS_SHOWN_MAX: usize = 5000;

/// Writes all reports as one run.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], rules: &[RuleHelp], out: &mut dyn Write) -> io::Result<()> {
    let all = reports.iter().enumerate().flat_map(|(at, report)| report.findings.iter().map(move |f| (at, *report, f)));
    let mut findings: Vec<_> = all.collect();
    let found = findings.len();
    if found > RESULTS_SHOWN_MAX {
        findings.sort_by_key(|(_, _, finding)| (finding.suppressed.is_some(), Reverse(finding.severity)));
        findings.truncate(RESULTS_MAX);
    }
    let rules = Rules::new(rules, &findings.iter().map(|(_, _, finding)| *finding).collect::<Vec<_>>());
    let results: Vec<_> = findings.iter().map(|(at, report, finding)| result(*at, report, finding, &rules)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": rules.driver(reports) },
            "automationDetails": { "id": automation_id(reports) },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": places::bases(reports),
            "invocations": invocations(reports, found),
            "results": results,
        }],
    });
    json_text::write_pretty(&log, out)
}

/// `vetrun/` and the reports' own id: GitHub takes what stands before the last stroke as the category of the analysis.
fn automation_id(reports: &[&Report]) -> String {
    match reports {
        [report] => format!("vetrun/{}", text(&report.id)),
        _ => format!("vetrun/{}", super::bill::uuid(reports)),
    }
}

fn result(at: usize, report: &Report, finding: &ReportFinding, rules: &Rules<'_>) -> Value {
    let mut message = text(&finding.message);
    if let Some(hint) = &finding.hint {
        let _infallible = write!(message, " ({})", text(hint));
    }
    let suppressions: Vec<_> = finding.suppressed.iter().map(|why| json!({ "kind": suppression_kind(*why) })).collect();
    json!({
        "ruleId": text(&finding.rule_id),
        "ruleIndex": rules.index(finding),
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [{ "physicalLocation": places::physical(at, report, finding) }],
        "relatedLocations": places::related(at, report, finding),
        "partialFingerprints": { "vetrun/v1": finding.fingerprint.0 },
        "suppressions": suppressions,
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "pass": finding.pass,
            "resolved": finding.resolved.as_deref().map(text),
            "cwe": finding.cwe,
            "cell": finding.cell,
            "decoded": finding.decoded.as_deref().map(hidden),
        },
    })
}

/// What was decoded: what hid it, the line that is meant, and the text as far as a page of alerts has room for it.
fn hidden(decoded: &Decoded) -> Value {
    json!({
        "layers": decoded.layers.iter().map(|layer| text(layer)).collect::<Vec<_>>(),
        "language": text(&decoded.language),
        "line": text(decoded::line(decoded)),
        "text": text(&decoded.text),
        "bytes": decoded.bytes,
        "range": decoded.range,
    })
}

fn invocations(reports: &[&Report], found: usize) -> Vec<Value> {
    let mut invocations: Vec<_> = reports.iter().map(|report| invocation(report)).collect();
    if invocations.is_empty() {
        let nothing = notification("error", "vetrun-nothing", "there was nothing to vet");
        invocations.push(json!({ "executionSuccessful": false, "toolExecutionNotifications": [nothing] }));
    }
    let cut = match found {
        0..=RESULTS_SHOWN_MAX => None,
        _ if found <= RESULTS_MAX => {
            Some(format!("there are {found} findings, the worst first; GitHub shows {RESULTS_SHOWN_MAX}"))
        }
        _ => Some(format!("of {found} findings only the worst {RESULTS_MAX} are in this file, the worst first")),
    };
    if let Some(message) = cut {
        let notifications = invocations[0]["toolExecutionNotifications"].as_array_mut();
        notifications.expect("every invocation has them").push(notification("warning", "vetrun-results-cut", &message));
    }
    invocations
}

fn invocation(report: &Report) -> Value {
    let notifications: Vec<_> = verdict::problems(report)
        .iter()
        .map(|problem| notification("error", &problem.id(), &format!("{}: {}", report.artifact.name, problem.message)))
        .collect();
    json!({
        "executionSuccessful": report.status != Verdict::Error,
        "startTimeUtc": report.started_at,
        "endTimeUtc": report.finished_at,
        "toolExecutionNotifications": notifications,
        "properties": {
            "reportId": report.id,
            "artifact": text(&report.artifact.name),
            "digest": report.artifact.digest,
            "status": report.status,
        },
    })
}

fn notification(level: &str, id: &str, message: &str) -> Value {
    json!({ "level": level, "descriptor": { "id": id }, "message": { "text": text(message) } })
}

/// Untrusted text for a page: sanitized, bounded, and without the links that SARIF reads out of `[text](target)`.
fn text(untrusted: &str) -> String {
    sanitize::clipped(untrusted, MESSAGE_CHARS_MAX).replace("](", "] (")
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

const fn suppression_kind(why: Suppression) -> &'static str {
    match why {
        Suppression::Baseline => "external",
        Suppression::Inline => "inSource",
    }
}
