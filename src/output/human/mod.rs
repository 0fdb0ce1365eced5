//! The format for people: one line for each pass, findings with their source, what the program did, the verdict last.
//!
//! Everything that colour says is said in words as well. What the artifact wrote is sanitized, and its program's output
//! stands behind a bar, so that it cannot be mistaken for vetrun's own words.

mod excerpt;
mod paint;
pub(super) mod run;

use std::cmp::Reverse;
use std::io::{self, Write};

use paint::Paint;
pub(super) use run::ended;

use super::verdict::{self, MESSAGE_CHARS_MAX};
use super::{RenderContext, Verbosity, sanitize};
use crate::report::{Report, ReportFinding, Status, Summary, Verdict};

/// How many findings are shown unless everything is asked for.
const FINDINGS_SHOWN_MAX: usize = 50;

/// Writes all reports, an empty line between them.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (at, report) in reports.iter().enumerate() {
        next(report, at > 0, context, out)?;
    }
    let mut summary = Summary::default();
    reports.iter().for_each(|report| summary.add(report));
    if reports.len() > 1 { end(&summary, context, out) } else { Ok(()) }
}

/// Writes one report, which others may stand before.
pub(super) fn next(
    report: &Report,
    is_another: bool,
    context: &RenderContext<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if is_another && context.verbosity > Verbosity::Quiet {
        writeln!(out)?;
    }
    one(report, context, out)
}

/// What several artifacts came to.
pub(super) fn end(summary: &Summary, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let &Summary { artifacts, passed, failed, error, .. } = summary;
    let text = format!("{artifacts} artifacts: {passed} passed, {failed} failed, {error} not vetted");
    let worst = if passed == artifacts { Verdict::Passed } else { Verdict::Failed };
    let space = if context.verbosity > Verbosity::Quiet { "\n" } else { "" };
    writeln!(out, "{space}{}", Paint(context.color).verdict(worst, &text))
}

fn one(report: &Report, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(context.color);
    if context.verbosity > Verbosity::Quiet {
        header(report, paint, out)?;
        passes(report, paint, out)?;
        findings(report, context, out)?;
        if let Some(dependencies) = &report.dependencies {
            run::dependencies(dependencies, context, out)?;
        }
        if let Some(execution) = &report.execution {
            run::execution(execution, context, out)?;
        }
        log(report, context, out)?;
    }
    writeln!(out, "{}", paint.verdict(report.status, &verdict::verdict_line(report)))
}

fn header(report: &Report, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    if report.status == Verdict::Error {
        let warning = "not vetted: vetrun could not judge this artifact, so the absence of findings means nothing";
        writeln!(out, "{}", paint.bad(warning))?;
    }
    let name = sanitize::clipped(&report.artifact.name, MESSAGE_CHARS_MAX);
    let digest: String = sanitize::line(&report.artifact.digest).chars().take("sha256:".len() + 12).collect();
    let files = count(report.artifact.files.len(), "file");
    let size = bytes(report.artifact.total_bytes);
    let facts = paint.dim(&format!("{files}, {size}, {digest}"));
    writeln!(out, "{}  {}  {facts}", paint.bold("artifact"), paint.bold(&name))
}

fn passes(report: &Report, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    for (_, key, result) in verdict::passes(report) {
        let mark = match result.status {
            Status::Passed => paint.good("✓"),
            Status::Failed => paint.bad("✗"),
            Status::Skipped => paint.dim("–"),
            Status::Error => paint.bad("!"),
        };
        let time = match result.status {
            Status::Skipped => String::new(),
            _ => paint.dim(&format!("  {}", milliseconds(result.duration_ms))),
        };
        let message = sanitize::clipped(&result.message, MESSAGE_CHARS_MAX);
        writeln!(out, "  {mark} {key:<12}  {:<7}  {message}{time}", result.status.name())?;
    }
    writeln!(out)
}

fn findings(report: &Report, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let verbose = context.verbosity == Verbosity::Verbose;
    let all: Vec<_> = report.findings.iter().filter(|finding| verbose || finding.suppressed.is_none()).collect();
    let shown = if verbose { all.clone() } else { worst(&all) };
    for finding in &shown {
        excerpt::finding(report, finding, context, out)?;
        writeln!(out)?;
    }
    match all.len() - shown.len() {
        0 => Ok(()),
        more => writeln!(out, "… and {} not shown, none of them worse (-v shows all)\n", count(more, "finding")),
    }
}

/// The worst findings, as many as are shown, in their own order.
fn worst<'a>(findings: &[&'a ReportFinding]) -> Vec<&'a ReportFinding> {
    let mut order: Vec<_> = (0..findings.len()).collect();
    order.sort_by_key(|&at| Reverse(findings[at].severity));
    order.truncate(FINDINGS_SHOWN_MAX);
    order.sort_unstable();
    order.into_iter().map(|at| findings[at]).collect()
}

fn log(report: &Report, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    if context.verbosity < Verbosity::Verbose || report.logs.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", Paint(context.color).bold("log"))?;
    for entry in &report.logs {
        writeln!(out, "  {}", sanitize::path(&sanitize::clipped(entry, MESSAGE_CHARS_MAX)))?;
    }
    writeln!(out)
}

/// `1 file`, `2 files`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `17 B`, `12.3 KiB`.
fn bytes(number: u64) -> String {
    bytesize::ByteSize(number).display().iec().to_string()
}

/// `17 ms`, `3.4 s`.
fn milliseconds(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1000, ms % 1000 / 100) }
}
