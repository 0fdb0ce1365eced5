//! One finding with its source, as compilers show it.
//!
//! annotate-snippets draws the excerpt. It lets escape sequences in paths and labels through, so all text is sanitized
//! before, and the marks are moved along. The place is printed from the report, because columns of the sanitized text
//! are not those of the file.

use std::io::{self, Write};
use std::ops::Range as Bytes;

use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Origin, Renderer, Snippet};

use super::super::verdict::MESSAGE_CHARS_MAX;
use super::super::{RenderContext, place, sanitize};
use crate::report::{
    Confidence, Range, Report, ReportFinding, SNIPPET_BYTES_MAX, Severity, Suppression, WHOLE_ARTIFACT,
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
    let message = sanitize::clipped(&finding.message, MESSAGE_CHARS_MAX);
    let title = level(finding.severity).primary_title(message).id(sanitize::line(&finding.rule_id));
    let group = title.element(origin(report, finding)).elements(source(finding)).elements(notes(finding));
    let renderer = if context.color { Renderer::styled() } else { Renderer::plain() };
    let text = renderer.term_width(context.width.clamp(WIDTHS.0, WIDTHS.1)).render(&[group]);
    writeln!(out, "{}", text.trim_end())
}

fn level(severity: Severity) -> Level<'static> {
    let level = match severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low | Severity::Info => Level::INFO,
    };
    level.with_name(severity.name())
}

fn origin(report: &Report, finding: &ReportFinding) -> Origin<'static> {
    let path = place::path_from_here(&report.artifact, &finding.path);
    let clean = sanitize::path(&path).into_owned();
    if finding.path == WHOLE_ARTIFACT {
        return Origin::path(format!("{clean} (the artifact as a whole)"));
    }
    match finding.range {
        None => Origin::path(clean),
        Some(range) => Origin::path(clean).line(range.start.line as usize).char_column(range.start.column as usize),
    }
}

fn source(finding: &ReportFinding) -> Option<Snippet<'static, Annotation<'static>>> {
    let (range, snippet) = (finding.range?, finding.snippet.as_deref().filter(|snippet| !snippet.is_empty())?);
    let marked = marked_bytes(snippet, range);
    let bytes = marked.clone().unwrap_or(0..snippet.len());
    let (text, [start, end]) = sanitize::mapped(snippet, [bytes.start, bytes.end]);
    let kind = if marked.is_some() { AnnotationKind::Primary } else { AnnotationKind::Visible };
    Some(Snippet::source(text).line_start(range.start.line as usize).annotation(kind.span(start..end)))
}

/// The bytes of the snippet that the range covers. `None` where they cannot be known: the snippet of a long line is cut
/// around the place, and begins half a snippet before it, give or take one character.
fn marked_bytes(snippet: &str, range: Range) -> Option<Bytes<usize>> {
    let before = range.start.column as usize - 1;
    let whole = snippet.char_indices().map(|(at, _)| at).chain([snippet.len()]).nth(before);
    let half = SNIPPET_BYTES_MAX / 2;
    let first_is_ascii = snippet.starts_with(|first: char| first.is_ascii());
    let start = match whole {
        Some(start) if start <= half => start,
        _ if first_is_ascii && snippet.is_char_boundary(half) => half,
        _ => return None,
    };
    let length = range.end.offset.saturating_sub(range.start.offset);
    let end = snippet.ceil_char_boundary(start.saturating_add(length).min(snippet.len()));
    Some(start..end)
}

fn notes(finding: &ReportFinding) -> Vec<Element<'static>> {
    let note = |name: &'static str, text: &str| {
        Element::from(Level::NOTE.with_name(name).message(sanitize::clipped(text, MESSAGE_CHARS_MAX).into_owned()))
    };
    let mut notes = Vec::new();
    notes.extend(finding.resolved.as_deref().map(|name| note("resolved", name)));
    notes.extend(finding.hint.as_deref().map(|hint| note("help", hint)));
    notes.extend((!finding.cwe.is_empty()).then(|| note("cwe", &finding.cwe.join(", "))));
    notes.extend((finding.confidence != Confidence::High).then(|| note("confidence", finding.confidence.name())));
    notes.extend(finding.suppressed.map(|why| {
        note(
            "suppressed",
            match why {
                Suppression::Baseline => "it is in the baseline",
                Suppression::Inline => "by a comment in the artifact",
            },
        )
    }));
    notes
}
