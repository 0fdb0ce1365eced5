//! One finding a line, `path:line:column: severity rule-id message`, for editors and `grep`; the verdict last.

use std::io::{self, Write};

use super::verdict::{self, MESSAGE_CHARS_MAX};
use super::{place, sanitize};
use crate::report::{ArtifactSummary, Related, Report, ReportFinding, WHOLE_ARTIFACT};

/// Writes the findings that count, what else stands against each artifact, and its verdict.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], out: &mut dyn Write) -> io::Result<()> {
    for report in reports {
        for finding in verdict::counting(report) {
            writeln!(out, "{}", finding_line(&report.artifact, finding))?;
        }
        for problem in verdict::problems(report) {
            let path = place::path_from_here(&report.artifact, WHOLE_ARTIFACT);
            let message = sanitize::clipped(problem.message, MESSAGE_CHARS_MAX);
            writeln!(out, "{}: error {} {message}", sanitize::path(&path), problem.id())?;
        }
        writeln!(out, "{}", verdict::verdict_line(report))?;
    }
    Ok(())
}

/// A finding on one line, sanitized.
pub(super) fn finding_line(artifact: &ArtifactSummary, finding: &ReportFinding) -> String {
    let path = place::path_from_here(artifact, &finding.path);
    let at = finding.range.map(|range| format!("{}:{}:", range.start.line, range.start.column)).unwrap_or_default();
    let (severity, rule) = (finding.severity.name(), sanitize::line(&finding.rule_id));
    let message = sanitize::clipped(&finding.message, MESSAGE_CHARS_MAX);
    format!("{}:{at} {severity} {rule} {message}{}", sanitize::path(&path), place::cell(finding))
}

/// The places that explain a finding, one a line, sanitized; each line is indented.
pub(super) fn related_lines(finding: &ReportFinding) -> String {
    let line = |related: &Related| {
        let (start, message) = (related.range.start, sanitize::clipped(&related.message, MESSAGE_CHARS_MAX));
        format!("  line {}, column {}: {message}\n", start.line, start.column)
    };
    finding.related.iter().map(line).collect()
}
