//! The verdict in words, and what stands against an artifact beside its findings.
//!
//! A pass can end in an error, or fail without a finding (a program that ends with 1). Formats that list findings would
//! say nothing of that, and silence reads as "passed"; so they list [`problems`] as well.

use super::sanitize;
use crate::report::{Pass, Report, ReportFinding, SeverityCounts, Status, ValidationResult, Verdict};

/// The longest message of an untrusted source in one line of output, in characters.
pub(super) const MESSAGE_CHARS_MAX: usize = 1000;

/// The key of a problem that no pass accounts for.
pub(super) const REPORT: &str = "report";

/// Something that stands against an artifact and is not a finding.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem<'a> {
    /// The key of the pass's result, or `report`.
    pub(super) key: &'static str,
    /// Whether the artifact could not be vetted, rather than that it failed.
    pub(super) not_vetted: bool,
    /// What went wrong; not sanitized.
    pub(super) message: &'a str,
}

impl Problem<'_> {
    /// What went wrong and where, sanitized. "Syntax error" would be something else than an error of the syntax pass.
    pub(super) fn sentence(&self) -> String {
        let message = sanitize::clipped(self.message, MESSAGE_CHARS_MAX);
        match (self.key, self.not_vetted) {
            (REPORT, _) => message.into_owned(),
            (key, true) => format!("the {key} pass could not be run: {message}"),
            (key, false) => format!("the {key} pass failed: {message}"),
        }
    }

    /// What stands in the place of a rule id.
    pub(super) fn id(&self) -> String {
        format!("vetrun-{}-{}", if self.not_vetted { "not-vetted" } else { "failed" }, self.key)
    }
}

/// The results of the passes with the passes themselves.
pub(super) fn passes(report: &Report) -> impl Iterator<Item = (Pass, &'static str, &ValidationResult)> {
    Pass::ALL.into_iter().zip(report.validation_results.all()).map(|(pass, (key, result))| (pass, key, result))
}

/// The findings that count.
pub(super) fn counting(report: &Report) -> impl Iterator<Item = &ReportFinding> {
    report.findings.iter().filter(|finding| finding.suppressed.is_none())
}

/// What stands against an artifact and is not a finding. Never empty for a report that did not pass and has no finding
/// that counts, nor for one that says "not vetted".
pub(super) fn problems(report: &Report) -> Vec<Problem<'_>> {
    let mut problems: Vec<_> = passes(report)
        .filter(|(pass, _, result)| match result.status {
            Status::Error => true,
            Status::Failed => !counting(report).any(|finding| finding.pass == *pass),
            Status::Passed | Status::Skipped => false,
        })
        .map(|(_, key, result)| Problem { key, not_vetted: result.status == Status::Error, message: &result.message })
        .collect();
    let unsaid = match report.status {
        Verdict::Passed => None,
        Verdict::Failed if !problems.is_empty() || counting(report).next().is_some() => None,
        Verdict::Error if problems.iter().any(|problem| problem.not_vetted) => None,
        Verdict::Failed => Some(Problem { key: REPORT, not_vetted: false, message: "the artifact failed" }),
        Verdict::Error => Some(Problem { key: REPORT, not_vetted: true, message: "the artifact was not vetted" }),
    };
    problems.extend(unsaid);
    problems
}

/// `3 findings (1 critical, 2 high), 1 suppressed`.
pub(super) fn count_findings(report: &Report) -> String {
    let counts = SeverityCounts::of(&report.findings);
    let suppressed = report.findings.iter().filter(|finding| finding.suppressed.is_some()).count();
    let parts: Vec<_> =
        counts.all().iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    let mut text = match counts.total() {
        0 => "no findings".to_owned(),
        1 => format!("1 finding ({})", parts.join(", ")),
        total => format!("{total} findings ({})", parts.join(", ")),
    };
    if suppressed > 0 {
        text.push_str(&format!(", {suppressed} suppressed"));
    }
    text
}

/// One line: what came of it, which artifact, and why. Sanitized.
pub(super) fn verdict_line(report: &Report) -> String {
    verdict_of(report, &sanitize::clipped(&report.artifact.name, MESSAGE_CHARS_MAX))
}

/// The same, with the artifact's name as it is to be shown.
pub(super) fn verdict_of(report: &Report, name: &str) -> String {
    let mut parts = Vec::new();
    // "No findings" of an artifact that was not vetted would read like praise.
    if report.status != Verdict::Error || !report.findings.is_empty() {
        parts.push(count_findings(report));
    }
    parts.extend(problems(report).iter().map(Problem::sentence));
    format!("{}: {name}, {}", word(report.status), parts.join("; "))
}

/// What a verdict is called: "error" alone would leave open whose.
pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Error => "not vetted",
        other => other.name(),
    }
}
