//! in-toto statements of the predicate type "test result" (v0.1), to be signed by whoever vetted: JSON Lines, one
//! statement an artifact.
//!
//! The subject is the artifact's digest, and for an artifact of one file that file's own SHA-256 beside it. The tests
//! are the passes: what was skipped is in no list, so that a verifier who wants a run asks for `execution` among the
//! passed. Whatever is not a pass without doubt is `FAILED`; of an artifact that could not even be read there is no
//! digest, and so no statement.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::verdict::{self, MESSAGE_CHARS_MAX};
use super::{json_text, sanitize};
use crate::report::{Pass, Report, Severity, SeverityCounts, Status, ValidationResult, Verdict};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// Writes a statement for each artifact that was read, one a line.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], out: &mut dyn Write) -> io::Result<()> {
    let read = reports.iter().filter(|report| !report.artifact.files.is_empty());
    read.map(|report| statement(report)).try_for_each(|statement| json_text::write_line(&statement, out))
}

fn statement(report: &Report) -> Value {
    json!({
        "_type": STATEMENT,
        "subject": subjects(report),
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": result(report),
            "configuration": configuration(report),
            "passedTests": tests(report, Outcome::Passed),
            "warnedTests": tests(report, Outcome::Warned),
            "failedTests": tests(report, Outcome::Failed),
        },
    })
}

/// The artifact; and the file that it consists of, where that is one, by the digest that `sha256sum` prints.
fn subjects(report: &Report) -> Vec<Value> {
    let artifact = &report.artifact;
    let mut subjects = vec![json!({ "name": artifact.name, "digest": digest(&artifact.digest) })];
    if let [file] = artifact.files.as_slice() {
        // Names are unique within a statement.
        let same = if file.path == artifact.name { "file:" } else { "" };
        subjects.push(json!({ "name": format!("{same}{}", file.path), "digest": digest(&file.digest) }));
    }
    subjects
}

/// What decided the verdict: vetrun itself, its rules and the policy.
fn configuration(report: &Report) -> Value {
    let (tool, counts) = (&report.tool, SeverityCounts::of(&report.findings));
    let suppressed = report.findings.len() - verdict::counting(report).count();
    let problems: Vec<_> = verdict::problems(report).iter().map(|problem| text(problem.message)).collect();
    json!([
        {
            "name": "vetrun",
            "uri": format!("pkg:cargo/vetrun@{}", tool.version),
            "annotations": {
                "reportId": report.id,
                "status": report.status,
                "findings": serde_json::Map::from_iter(counts.all().map(|(name, count)| (name.to_owned(), json!(count)))),
                "suppressedFindings": suppressed,
                "problems": problems,
            },
        },
        { "name": "rules", "digest": digest(&tool.rules_digest) },
        { "name": "policy", "digest": digest(&tool.policy_digest) },
    ])
}

/// `{"sha256": "…"}`.
fn digest(digest: &str) -> Value {
    let (algorithm, hex) = digest.split_once(':').unwrap_or(("sha256", digest));
    json!({ algorithm: hex })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Warned,
    Failed,
    Skipped,
}

/// How a pass ended: one that passed with findings that count, remarks aside, is warned.
fn outcome(report: &Report, pass: Pass, result: &ValidationResult) -> Outcome {
    let is_warning =
        |finding: &&crate::report::ReportFinding| finding.pass == pass && finding.severity > Severity::Info;
    match result.status {
        Status::Passed if verdict::counting(report).any(|finding| is_warning(&finding)) => Outcome::Warned,
        Status::Passed => Outcome::Passed,
        Status::Failed | Status::Error => Outcome::Failed,
        Status::Skipped => Outcome::Skipped,
    }
}

/// The keys of the passes that ended like this.
fn tests(report: &Report, which: Outcome) -> Vec<&'static str> {
    let passes = verdict::passes(report).filter(|(pass, _, result)| outcome(report, *pass, result) == which);
    passes.map(|(_, key, _)| key).collect()
}

fn result(report: &Report) -> &'static str {
    let is_clean = report.status == Verdict::Passed && tests(report, Outcome::Failed).is_empty();
    match is_clean {
        // That nothing was looked at is no pass.
        true if tests(report, Outcome::Passed).is_empty() && tests(report, Outcome::Warned).is_empty() => "FAILED",
        true if tests(report, Outcome::Warned).is_empty() => "PASSED",
        true => "WARNED",
        false => "FAILED",
    }
}

fn text(untrusted: &str) -> String {
    sanitize::clipped(untrusted, MESSAGE_CHARS_MAX).into_owned()
}
