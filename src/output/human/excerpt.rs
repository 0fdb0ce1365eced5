//! One finding with its source, as compilers show it.
//!
//! annotate-snippets draws the source lines and the marks below them. It lets escape sequences in paths and labels
//! through, so it gets no such text, and the source is sanitized before and the marks moved along. The place is printed
//! from the report, because columns of the sanitized text are not those of the file.

use std::io::{self, Write};
use std::ops::Range as Bytes;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::super::verdict::MESSAGE_CHARS_MAX;
use super::super::{RenderContext, decoded, marks, place, sanitize};
use super::paint::Paint;
use crate::report::{
    Cell, Confidence, Decoded, Range, Related, Report, ReportFinding, Severity, Suppression, WHOLE_ARTIFACT,
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
    finding.decoded.as_ref().map_or(Ok(()), |decoded| decoded_lines(decoded, margin, paint, out))
}

/// Lines of a decoded text that are shown, and the longest of them, in characters.
const DECODED_MAX: (usize, usize) = (5, 160);

/// Writes what was decoded: the line that is meant and those around it, behind a bar.
fn decoded_lines(decoded: &Decoded, margin: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let told = decoded::told(decoded);
    writeln!(out, "{:margin$} {} {}: {told}", "", paint.frame("="), paint.bold("decoded"))?;
    let (lines_max, chars_max) = DECODED_MAX;
    let before = decoded::marked(decoded).map_or(0, |marked| decoded.text[..marked.start].matches('\n').count());
    let (lines, first) = (decoded.text.lines().count(), decoded::first_line(decoded) as usize);
    let skipped = before.saturating_sub(lines_max / 2).min(lines.saturating_sub(lines_max));
    let width = (first + skipped + lines_max).to_string().len();
    for (at, line) in decoded.text.lines().enumerate().skip(skipped).take(lines_max) {
        let line = line.replace('\t', sanitize::TAB);
        let line = sanitize::clipped(&line, chars_max);
        writeln!(out, "{:margin$} {} {:>width$}  {line}", "", paint.frame("|"), first + at)?;
    }
    match lines.saturating_sub(skipped + lines_max) {
        0 => Ok(()),
        more => writeln!(out, "{:margin$} {} … and {more} more", "", paint.frame("|")),
    }
}

fn excerpt(finding: &ReportFinding, context: &RenderContext<'_>) -> Option<String> {
    let sources = sources(finding)?;
    let renderer = if context.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(context.width.clamp(WIDTHS.0, WIDTHS.1));
    let text = renderer.render(&[Group::with_level(level(finding.severity)).elements(sources)]);
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

/// Related places of a finding that are shown.
const RELATED_SHOWN_MAX: usize = 5;

/// The excerpts of a finding, in the order of the file: that of its place, and those of related places that stand on
/// other lines.
fn sources(finding: &ReportFinding) -> Option<Vec<Snippet<'static, Annotation<'static>>>> {
    let snippet = finding.snippet.as_deref().filter(|snippet| !snippet.is_empty())?;
    let own = Shown::of(snippet, finding.range?, finding.cell);
    let related = finding.related.iter().take(RELATED_SHOWN_MAX);
    let related = related.map(|related| (related, Shown::of(&related.snippet, related.range, related.cell)));
    let (beside, apart): (Vec<_>, Vec<_>) = related.partition(|(_, shown)| own.holds(shown));
    let mut source = own.source().annotation(own.annotation());
    for (related, shown) in beside {
        if let Some(marks) = own.marks_of(&shown) {
            source = source.annotation(AnnotationKind::Context.span(marks).label(label(related)));
        }
    }
    let mut sources = vec![(own.line, source)];
    for (related, shown) in apart {
        let Some(marks) = shown.marks_of(&shown) else { continue };
        let annotation = AnnotationKind::Context.span(marks).label(label(related));
        sources.push((shown.line, shown.source().annotation(annotation)));
    }
    sources.sort_by_key(|(line, _)| *line);
    Some(sources.into_iter().map(|(_, source)| source).collect())
}

/// What stands beside the mark of a related place.
fn label(related: &Related) -> String {
    sanitize::clipped(&related.message, MESSAGE_CHARS_MAX).into_owned()
}

/// A snippet and the part of it that is marked.
struct Shown<'a> {
    snippet: &'a str,
    /// The number of its first line; of a notebook, in its cell.
    line: u32,
    cell: Option<u32>,
    /// The offset of the mark in the file.
    offset: usize,
    marked: Option<Bytes<usize>>,
}

impl<'a> Shown<'a> {
    fn of(snippet: &'a str, range: Range, cell: Option<Cell>) -> Self {
        let (line, marked) = marks::marked(snippet, range, cell);
        let (cell, offset) = (cell.map(|cell| cell.index), range.start.offset);
        Self { snippet, line, cell, offset, marked }
    }

    /// Whether another place is on a line of this snippet.
    fn holds(&self, other: &Shown<'_>) -> bool {
        let lines = u32::try_from(self.snippet.lines().count()).unwrap_or(u32::MAX);
        self.cell == other.cell && (self.line..self.line.saturating_add(lines)).contains(&other.line)
    }

    fn source(&self) -> Snippet<'static, Annotation<'static>> {
        let (text, []) = sanitize::mapped(self.snippet, []);
        Snippet::source(text).line_start(self.line as usize)
    }

    fn annotation(&self) -> Annotation<'static> {
        let kind = if self.marked.is_some() { AnnotationKind::Primary } else { AnnotationKind::Visible };
        let bytes = self.marked.clone().unwrap_or(0..self.snippet.len());
        kind.span(self.sanitized(bytes))
    }

    fn sanitized(&self, bytes: Bytes<usize>) -> Bytes<usize> {
        let (_, [start, end]) = sanitize::mapped(self.snippet, [bytes.start, bytes.end]);
        start..end
    }

    /// Where the mark of another place stands in this snippet; `None` where that cannot be known.
    fn marks_of(&self, other: &Shown<'_>) -> Option<Bytes<usize>> {
        let (own, theirs) = (self.marked.as_ref()?, other.marked.as_ref()?);
        let start = (own.start + other.offset).checked_sub(self.offset)?;
        let end = (start + theirs.len()).min(self.snippet.len());
        let is_whole = start <= end && self.snippet.is_char_boundary(start) && self.snippet.is_char_boundary(end);
        is_whole.then(|| self.sanitized(start..end))
    }
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
