//! The findings of one artifact, each with its source.

use std::cmp::Reverse;
use std::io;
use std::ops::Range as Bytes;

use super::super::{decoded, marks, place, sanitize};
use super::artifact::fact;
use super::limits::{FINDINGS_MAX, Left};
use super::markup::Markup;
use super::{Batch, more};
use crate::report::{Cell, Confidence, Decoded, Range, Report, ReportFinding, Suppression, WHOLE_ARTIFACT};

/// Related places of a finding that are shown.
const RELATED_MAX: usize = 5;

/// Writes the findings, the worst first, as many as there is room for.
pub(super) fn write(batch: &Batch<'_>, report: &Report, left: &mut Left, page: &mut Markup<'_>) -> io::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    let mut findings: Vec<_> = report.findings.iter().collect();
    // The sort is stable: findings of one weight stay in the order of the files.
    findings.sort_by_key(|finding| (finding.suppressed.is_some(), Reverse(finding.severity)));
    let room = FINDINGS_MAX.min(left.findings);
    let shown = &findings[..findings.len().min(room)];
    left.findings -= shown.len();
    page.raw("<h3>Findings</h3>\n")?;
    for finding in shown {
        one(batch, report, finding, left, page)?;
    }
    more(page, findings.len(), shown.len(), "finding")
}

fn one(
    batch: &Batch<'_>,
    report: &Report,
    finding: &ReportFinding,
    left: &mut Left,
    page: &mut Markup<'_>,
) -> io::Result<()> {
    let severity = finding.severity.name();
    let suppressed = if finding.suppressed.is_some() { " suppressed" } else { "" };
    let class = format!("finding {severity}{suppressed}");
    let rule = batch.places.get(finding.rule_id.as_str());
    let rule_place = rule.map(usize::to_string).unwrap_or_default();
    let rank = finding.severity as u8;
    page.open("article", &[("class", &class), ("data-severity", &rank), ("data-rule", &rule_place)])?;
    page.raw("<h4>")?;
    page.tagged("span", "severity", severity)?;
    page.raw(" ")?;
    page.element("span", &[("class", &"message")], |page| page.prose(&finding.message))?;
    page.raw(" ")?;
    match rule {
        Some(at) => {
            page.element("a", &[("class", &"rule"), ("href", &format_args!("#rule-{at}"))], |page| {
                page.text(&finding.rule_id)
            })?;
        }
        None => page.tagged("span", "rule", &finding.rule_id)?,
    }
    page.raw("</h4>\n")?;
    page.tagged("p", "place", &origin(report, finding))?;
    if let (Some(snippet), Some(range)) = (finding.snippet.as_deref().filter(|text| !text.is_empty()), finding.range) {
        source(snippet, range, finding.cell, page)?;
    }
    notes(finding, page)?;
    if let Some(decoded) = &finding.decoded {
        hidden(decoded, left, page)?;
    }
    page.raw("</article>\n")
}

/// The text that was decoded, folded away; of a full page only what it is.
fn hidden(decoded: &Decoded, left: &mut Left, page: &mut Markup<'_>) -> io::Result<()> {
    let told = format!("decoded from {}", decoded::told(decoded));
    let Some(rest) = left.decoded_bytes.checked_sub(decoded.text.len()) else {
        return page.tagged("p", "cut", &format!("{told} (the page is full)"));
    };
    left.decoded_bytes = rest;
    page.open("details", &[("class", &"decoded")])?;
    page.tagged("summary", "", &told)?;
    let marked = decoded::marked(decoded).unwrap_or(0..0);
    lines(&decoded.text, decoded::first_line(decoded), marked, page)?;
    page.raw("</details>\n")
}

fn origin(report: &Report, finding: &ReportFinding) -> String {
    let path = place::path_from_here(&report.artifact, &finding.path);
    match finding.range {
        _ if finding.path == WHOLE_ARTIFACT => format!("{path} (the artifact as a whole)"),
        Some(range) => format!("{path}:{}:{}{}", range.start.line, range.start.column, place::cell(finding)),
        None => path,
    }
}

/// The source lines with what is meant marked, numbered as in the file.
fn source(snippet: &str, range: Range, cell: Option<Cell>, page: &mut Markup<'_>) -> io::Result<()> {
    let (line, marked) = marks::marked(snippet, range, cell);
    lines(snippet, line, marked.unwrap_or(0..0), page)
}

/// Lines of text with some bytes marked, numbered from `line` on.
fn lines(text: &str, line: u32, marked: Bytes<usize>, page: &mut Markup<'_>) -> io::Result<()> {
    let (text, [start, end]) = sanitize::mapped(text, [marked.start, marked.end]);
    page.open("ol", &[("class", &"source"), ("start", &line)])?;
    let mut at = 0;
    for line in text.split_terminator('\n') {
        let whole = at..at + line.len();
        page.raw("<li><code>")?;
        marked_line(line, start.clamp(whole.start, whole.end) - at..end.clamp(whole.start, whole.end) - at, page)?;
        page.raw("</code></li>")?;
        at = whole.end + 1;
    }
    page.raw("</ol>\n")
}

fn marked_line(line: &str, marked: Bytes<usize>, page: &mut Markup<'_>) -> io::Result<()> {
    if marked.is_empty() {
        return page.block(line);
    }
    page.block(&line[..marked.start])?;
    page.element("mark", &[], |page| page.block(&line[marked.clone()]))?;
    page.block(&line[marked.end..])
}

fn notes(finding: &ReportFinding, page: &mut Markup<'_>) -> io::Result<()> {
    page.raw("<dl class=\"facts\">")?;
    if let Some(resolved) = &finding.resolved {
        fact(page, "really is", resolved)?;
    }
    for related in finding.related.iter().take(RELATED_MAX) {
        fact(page, &format!("line {}", related.range.start.line), &related.message)?;
    }
    if let Some(hint) = &finding.hint {
        fact(page, "instead", hint)?;
    }
    if !finding.cwe.is_empty() {
        fact(page, "weakness", &finding.cwe.join(", "))?;
    }
    if finding.confidence != Confidence::High {
        fact(page, "confidence", finding.confidence.name())?;
    }
    match finding.suppressed {
        Some(Suppression::Baseline) => fact(page, "suppressed", "it is in the baseline")?,
        Some(Suppression::Inline) => fact(page, "suppressed", "by a comment in the artifact")?,
        None => {}
    }
    page.raw("</dl>\n")
}
