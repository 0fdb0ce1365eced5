//! Workflow commands of GitHub Actions: each finding becomes an annotation.
//!
//! A runner reads commands out of everything that is printed. So the program's own output is not printed at all, every
//! value is escaped as the runner asks (`%25`, `%0D`, `%0A`; in properties `%3A` and `%2C` too), and the lines that are
//! no commands begin with `vetrun`. A runner shows only the first few annotations of a step, so the worst come first.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::verdict::{self, MESSAGE_CHARS_MAX};
use super::{place, sanitize};
use crate::report::{Report, ReportFinding, Severity};

/// Writes an annotation for each finding that counts and for what else stands against an artifact, then the verdict.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], out: &mut dyn Write) -> io::Result<()> {
    for report in reports {
        for problem in verdict::problems(report) {
            let title = property(&format!("vetrun: {}", problem.id()));
            writeln!(out, "::error title={title}::{}", data(&named(report, problem.message)))?;
        }
        let mut findings: Vec<_> = verdict::counting(report).collect();
        findings.sort_by_key(|finding| Reverse(finding.severity));
        for finding in findings {
            annotation(report, finding, out)?;
        }
        writeln!(out, "vetrun: {}", verdict::verdict_line(report))?;
    }
    Ok(())
}

fn annotation(report: &Report, finding: &ReportFinding, out: &mut dyn Write) -> io::Result<()> {
    let level = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    };
    let path = place::file_from_here(&report.artifact, &finding.path);
    write!(out, "::{level} file={}", property(&path))?;
    if let Some(range) = finding.range {
        write!(out, ",line={},endLine={}", range.start.line, range.end.line)?;
        if range.start.line == range.end.line {
            write!(out, ",col={},endColumn={}", range.start.column, range.end.column)?;
        }
    }
    let title = format!("{}: {}", finding.severity.name(), finding.rule_id);
    writeln!(out, ",title={}::{}", property(&title), data(&text(finding)))
}

/// What an annotation says of a finding.
fn text(finding: &ReportFinding) -> String {
    let mut text = finding.message.clone();
    for (label, value) in [("resolved", &finding.resolved), ("help", &finding.hint)] {
        if let Some(value) = value {
            text.push_str(&format!("\n{label}: {value}"));
        }
    }
    for related in &finding.related {
        text.push_str(&format!("\nline {}: {}", related.range.start.line, related.message));
    }
    if !finding.cwe.is_empty() {
        text.push_str(&format!("\n{}", finding.cwe.join(", ")));
    }
    text
}

fn named(report: &Report, message: &str) -> String {
    format!("{}: {message}", report.artifact.name)
}

/// Sanitized and escaped as the text of a command.
fn data(text: &str) -> String {
    let cut: String = text.chars().take(MESSAGE_CHARS_MAX).collect();
    sanitize::block(&cut).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Sanitized and escaped as a property of a command.
fn property(text: &str) -> String {
    data(&sanitize::line(text)).replace(':', "%3A").replace(',', "%2C")
}
