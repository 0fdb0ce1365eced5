//! Workflow commands of GitHub Actions: the worst findings become annotations.
//!
//! A runner reads commands out of everything that is printed. So every value is escaped as the runner asks (`%25`, `%0D`,
//! `%0A`; in properties `%3A` and `%2C` too), and lines that are no commands begin with `vetrun:` or stand behind a bar.
//! What the program wrote is shown between `::stop-commands::TOKEN` and `::TOKEN::`, where the runner reads nothing; the
//! token comes from the caller, was made after the program ended, and without one the output is not shown.
//!
//! A runner shows ten annotations of each level for a step. So the worst of all artifacts come first, no more are written,
//! and the rest are lines of the log.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::verdict::{self, MESSAGE_CHARS_MAX, Problem};
use super::{concise, place, sanitize};
use crate::report::{Execution, Report, ReportFinding, Severity, StreamReport};

/// The most annotations of one level that a runner shows for a step.
const ANNOTATIONS_MAX: usize = 10;

/// The most findings without an annotation that are lines of the log.
const LINES_MAX: usize = 1000;

/// The longest end of a stream that is shown, in bytes, and its longest line, in characters.
const STREAM_BYTES_MAX: usize = 64 << 10;
const STREAM_LINE_CHARS_MAX: usize = 1000;

/// Writes annotations for what stands against the artifacts, the worst first, then the rest, the programs' output where
/// there is a `token`, and the verdicts.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], token: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let problems: Vec<_> =
        reports.iter().flat_map(|report| verdict::problems(report).into_iter().map(|one| (*report, one))).collect();
    let mut findings: Vec<_> =
        reports.iter().flat_map(|report| verdict::counting(report).map(|finding| (*report, finding))).collect();
    findings.sort_by_key(|(_, finding)| Reverse(finding.severity));
    let all = problems.iter().map(|(report, problem)| Said::Problem(report, problem));
    let all = all.chain(findings.iter().map(|(report, finding)| Said::Finding(report, finding)));
    let mut shown = [0; 3];
    let (annotated, rest): (Vec<_>, Vec<_>) = all.partition(|said| {
        let of_level = &mut shown[said.level() as usize];
        *of_level += 1;
        *of_level <= ANNOTATIONS_MAX
    });
    annotated.iter().try_for_each(|said| said.annotation(out))?;
    without_annotation(&rest, out)?;
    if let Some(token) = token {
        for report in reports {
            report.execution.iter().try_for_each(|run| program(report, run, token, out))?;
        }
    }
    reports.iter().try_for_each(|report| writeln!(out, "vetrun: {}", verdict::verdict_line(report)))
}

/// How loud an annotation is.
#[derive(Clone, Copy)]
enum Level {
    Error,
    Warning,
    Notice,
}

/// What stands against an artifact.
enum Said<'a> {
    Problem(&'a Report, &'a Problem<'a>),
    Finding(&'a Report, &'a ReportFinding),
}

impl Said<'_> {
    fn level(&self) -> Level {
        match self {
            Self::Problem(..) => Level::Error,
            Self::Finding(_, finding) => match finding.severity {
                Severity::Critical | Severity::High => Level::Error,
                Severity::Medium => Level::Warning,
                Severity::Low | Severity::Info => Level::Notice,
            },
        }
    }

    fn annotation(&self, out: &mut dyn Write) -> io::Result<()> {
        let level = match self.level() {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        match self {
            Self::Problem(report, problem) => {
                let title = property(&format!("vetrun: {}", problem.id()));
                writeln!(out, "::{level} title={title}::{}", data(&named(report, problem.message)))
            }
            Self::Finding(report, finding) => {
                let title = property(&format!("{}: {}", finding.severity.name(), finding.rule_id));
                let place = place(report, finding);
                writeln!(out, "::{level} {place},title={title}::{}", data(&text(finding)))
            }
        }
    }

    /// The same as a line of the log, sanitized.
    fn line(&self) -> String {
        match self {
            Self::Problem(report, problem) => {
                sanitize::clipped(&named(report, problem.message), MESSAGE_CHARS_MAX).into_owned()
            }
            Self::Finding(report, finding) => concise::finding_line(&report.artifact, finding),
        }
    }
}

/// Where a finding is, as properties of a command.
fn place(report: &Report, finding: &ReportFinding) -> String {
    let path = place::file_from_here(&report.artifact, &finding.path);
    let mut place = format!("file={}", property(&path));
    if let Some(range) = finding.range {
        place.push_str(&format!(",line={},endLine={}", range.start.line, range.end.line));
        if range.start.line == range.end.line {
            place.push_str(&format!(",col={},endColumn={}", range.start.column, range.end.column));
        }
    }
    place
}

fn without_annotation(rest: &[Said<'_>], out: &mut dyn Write) -> io::Result<()> {
    if rest.is_empty() {
        return Ok(());
    }
    let count = rest.len();
    writeln!(out, "vetrun: {count} more, without annotation: a step shows {ANNOTATIONS_MAX} of each level")?;
    for said in rest.iter().take(LINES_MAX) {
        writeln!(out, "vetrun: {}", said.line())?;
    }
    match count.saturating_sub(LINES_MAX) {
        0 => Ok(()),
        more => writeln!(out, "vetrun: … and {more} more (`--report json=FILE` has all)"),
    }
}

/// The end of what the program wrote, where the runner reads no commands.
fn program(report: &Report, run: &Execution, token: &str, out: &mut dyn Write) -> io::Result<()> {
    let name = data(&sanitize::line(&report.artifact.name));
    for (title, stream) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        if stream.text.is_empty() {
            continue;
        }
        writeln!(out, "::group::vetrun: {title} of {name}{}", cut(stream))?;
        writeln!(out, "::stop-commands::{token}")?;
        for line in end_of(&stream.text).lines() {
            writeln!(out, "| {}", sanitize::clipped(line, STREAM_LINE_CHARS_MAX))?;
        }
        writeln!(out, "::{token}::\n::endgroup::")?;
    }
    Ok(())
}

fn end_of(text: &str) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(STREAM_BYTES_MAX))..]
}

/// That not everything is shown.
fn cut(stream: &StreamReport) -> &'static str {
    if stream.truncated || stream.text.len() > STREAM_BYTES_MAX { " (not all of it)" } else { "" }
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
