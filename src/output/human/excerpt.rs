//! One finding with its source, as compilers show it.
//!
//! annotate-snippets draws the source lines and the marks below them. It lets escape sequences in paths and labels
//! through, so it gets no such text, and the source is sanitized before and the marks moved along. The place is printed
//! from the report, because columns of the sanitized text are not those of the file.

use std::io::{self, Write};
use std::ops::Range as Bytes;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::super::verdict::MESSAGE_CHARS_MAX;
use super::super::{RenderContext, place, sanitize};
use super::paint::Paint;
use crate::report::{
    Cell, Confidence, Report, ReportFinding, SNIPPET_BYTES_MAX, Severity, Suppression, WHOLE_ARTIFACT,
};

/// The narrowest and widest excerpt, in columns.
const WIDTHS: (usize, usize) = (40, 160);

/// Writes one finding.
pub(super) fn finding(
    report: &Report,
    finding: &ReportFinding,
    context: &RenderContext<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let paint = Paint(context.color);
    let severity = format!("{}[{}]", finding.severity.name(), sanitize::line(&finding.rule_id));
    let message = format!(": {}", sanitize::clipped(&finding.message, MESSAGE_CHARS_MAX));
    writeln!(out, "{}{}", paint.severity(finding.severity, &severity), paint.bold(&message))?;
    let (excerpt, notes) = (excerpt(finding, context), notes(finding));
    // The line numbers are as wide as the spaces that stand before the first bar, less the one that follows them.
    let spaces = |text: &String| text.len() - text.trim_start_matches(' ').len();
    let margin = excerpt.as_ref().map_or(1, |excerpt| spaces(excerpt).saturating_sub(1));
    writeln!(out, "{:margin$}{} {}", "", paint.frame("-->"), origin(report, finding))?;
    if let Some(excerpt) = excerpt {
        writeln!(out, "{excerpt}")?;
        if !notes.is_empty() {
            writeln!(out, "{:margin$} {}", "", paint.frame("|"))?;
        }
    }
    for (name, text) in notes {
        let text = sanitize::clipped(&text, MESSAGE_CHARS_MAX);
        writeln!(out, "{:margin$} {} {}: {text}", "", paint.frame("="), paint.bold(name))?;
    }
    Ok(())
}

fn excerpt(finding: &ReportFinding, context: &RenderContext<'_>) -> Option<String> {
    let source = source(finding)?;
    let renderer = if context.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(context.width.clamp(WIDTHS.0, WIDTHS.1));
    let text = renderer.render(&[Group::with_level(level(finding.severity)).element(source)]);
    Some(text.trim_end().to_owned())
}

/// The colour of the marks.
const fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low | Severity::Info => Level::INFO,
    }
}

fn origin(report: &Report, finding: &ReportFinding) -> String {
    let path = place::path_from_here(&report.artifact, &finding.path);
    let clean = sanitize::path(&path);
    if finding.path == WHOLE_ARTIFACT {
        return format!("{clean} (the artifact as a whole)");
    }
    finding
        .range
        .map_or_else(|| clean.to_string(), |range| format!("{clean}:{}:{}", range.start.line, range.start.column))
        + &place::cell(finding)
}

fn source(finding: &ReportFinding) -> Option<Snippet<'static, Annotation<'static>>> {
    let (range, snippet) = (finding.range?, finding.snippet.as_deref().filter(|snippet| !snippet.is_empty())?);
    // The snippet of a notebook is a line of its cell.
    let (line, column) = finding.cell.map_or((range.start.line, range.start.column), |cell| (cell.line, cell.column));
    let length = finding.cell.map_or(range.end.offset.saturating_sub(range.start.offset), |cell| length(snippet, cell));
    let marked = marked_bytes(snippet, column, length);
    let bytes = marked.clone().unwrap_or(0..snippet.len());
    let (text, [start, end]) = sanitize::mapped(snippet, [bytes.start, bytes.end]);
    let kind = if marked.is_some() { AnnotationKind::Primary } else { AnnotationKind::Visible };
    Some(Snippet::source(text).line_start(line as usize).annotation(kind.span(start..end)))
}

/// How many bytes of a cell's source a finding covers: of one on several lines, all that is left of the snippet.
fn length(snippet: &str, cell: Cell) -> usize {
    if cell.line != cell.end_line {
        return snippet.len();
    }
    let (skipped, kept) = (cell.column.saturating_sub(1), cell.end_column.saturating_sub(cell.column));
    snippet.chars().skip(skipped as usize).take(kept as usize).map(char::len_utf8).sum()
}

/// The bytes of the snippet from `column` on, `length` of them. `None` where they cannot be known: the snippet of a long line is cut
/// around the place, and begins half a snippet before it, give or take one character.
fn marked_bytes(snippet: &str, column: u32, length: usize) -> Option<Bytes<usize>> {
    let before = (column as usize).saturating_sub(1);
    let whole = snippet.char_indices().map(|(at, _)| at).chain([snippet.len()]).nth(before);
    let half = SNIPPET_BYTES_MAX / 2;
    let first_is_ascii = snippet.starts_with(|first: char| first.is_ascii());
    let start = match whole {
        Some(start) if start <= half => start,
        _ if first_is_ascii && snippet.is_char_boundary(half) => half,
        _ => return None,
    };
    let end = snippet.ceil_char_boundary(start.saturating_add(length).min(snippet.len()));
    Some(start..end)
}

/// What else is known, by name; not sanitized.
fn notes(finding: &ReportFinding) -> Vec<(&'static str, String)> {
    let mut notes = Vec::new();
    notes.extend(finding.resolved.clone().map(|name| ("resolved", name)));
    notes.extend(finding.hint.clone().map(|hint| ("help", hint)));
    notes.extend((!finding.cwe.is_empty()).then(|| ("cwe", finding.cwe.join(", "))));
    notes
        .extend((finding.confidence != Confidence::High).then(|| ("confidence", finding.confidence.name().to_owned())));
    notes.extend(finding.suppressed.map(|why| match why {
        Suppression::Baseline => ("suppressed", "it is in the baseline".to_owned()),
        Suppression::Inline => ("suppressed", "by a comment in the artifact".to_owned()),
    }));
    notes
}
