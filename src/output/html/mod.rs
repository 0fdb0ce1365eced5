//! One page for a browser, with everything in it: what came of a batch, and why.
//!
//! The page works without its script, which only filters what is there. Both the script and the style are part of the
//! page, and its content security policy names them by their digests and forbids everything else: no address is asked
//! for anything, and nothing that an artifact wrote could run even if it became markup, which `markup` rules out.

mod artifact;
mod findings;
mod limits;
mod markup;
mod plot;
mod rules;
mod run;
mod summary;

use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use limits::{BODIES_MAX, Left};
use markup::Markup;
use sha2::{Digest as _, Sha256};

use super::{RuleHelp, verdict};
use crate::report::{Report, Severity, Summary, Verdict};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes all reports as one page, the worst first.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], helps: &[RuleHelp], out: &mut dyn Write) -> io::Result<()> {
    let batch = Batch::of(reports, helps);
    let page = &mut Markup::new(out);
    page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n")?;
    head(&batch, page)?;
    page.raw("<body>\n")?;
    summary::header(&batch, page)?;
    page.raw("<main>\n")?;
    summary::overview(&batch, page)?;
    summary::filters(&batch, page)?;
    page.raw("<section id=\"artifacts\" aria-label=\"Artifacts\">\n")?;
    let mut left = Left::all();
    for (at, report) in batch.reports.iter().enumerate() {
        artifact::write(&batch, report, at < BODIES_MAX, &mut left, page)?;
    }
    page.raw("</section>\n")?;
    rules::write(&batch, page)?;
    page.raw("</main>\n<script>")?;
    page.raw(SCRIPT)?;
    page.raw("</script>\n</body>\n</html>\n")
}

/// What the parts of the page ask about all reports.
struct Batch<'a> {
    /// The worst first, otherwise in the order in which they came.
    reports: Vec<&'a Report>,
    summary: Summary,
    /// The rules of findings that count, the most severe and frequent first.
    rules: Vec<Found<'a>>,
    /// Where each of those stands in the list.
    places: BTreeMap<&'a str, usize>,
    /// The longest run and the highest memory use of all, to which bars are drawn.
    wall_ms_max: u64,
    memory_bytes_max: u64,
    runs: usize,
}

/// A rule that found something.
struct Found<'a> {
    id: &'a str,
    severity: Severity,
    message: &'a str,
    cwe: &'a [String],
    count: u64,
    help: Option<&'a RuleHelp>,
}

impl<'a> Batch<'a> {
    fn of(reports: &[&'a Report], helps: &'a [RuleHelp]) -> Self {
        let mut sorted = reports.to_vec();
        sorted.sort_by_key(|report| rank(report.status));
        let mut summary = Summary::default();
        reports.iter().for_each(|report| summary.add(report));
        let rules = found(reports, helps);
        let places = rules.iter().enumerate().map(|(at, rule)| (rule.id, at)).collect();
        let runs: Vec<_> = reports.iter().filter_map(|report| report.execution.as_ref()).collect();
        let wall_ms_max = runs.iter().map(|run| run.metrics.wall_ms.max(run.metrics.cpu_ms.unwrap_or(0))).max();
        let memory_bytes_max = runs.iter().filter_map(|run| run.metrics.memory_peak_bytes).max();
        Self {
            reports: sorted,
            summary,
            rules,
            places,
            wall_ms_max: wall_ms_max.unwrap_or(0),
            memory_bytes_max: memory_bytes_max.unwrap_or(0),
            runs: runs.len(),
        }
    }
}

/// The place of a verdict on the page.
const fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Error => 0,
        Verdict::Failed => 1,
        Verdict::Passed => 2,
    }
}

/// The class of a verdict's colour.
const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Error => "error",
        Verdict::Failed => "failed",
        Verdict::Passed => "passed",
    }
}

fn found<'a>(reports: &[&'a Report], helps: &'a [RuleHelp]) -> Vec<Found<'a>> {
    let helps: BTreeMap<&str, &RuleHelp> = helps.iter().map(|help| (help.id.as_str(), help)).collect();
    let mut rules: BTreeMap<&str, Found<'a>> = BTreeMap::new();
    for finding in reports.iter().flat_map(|report| verdict::counting(report)) {
        let id = finding.rule_id.as_str();
        let rule = rules.entry(id).or_insert_with(|| Found {
            id,
            severity: finding.severity,
            message: &finding.message,
            cwe: &finding.cwe,
            count: 0,
            help: helps.get(id).copied(),
        });
        rule.count += 1;
        rule.severity = rule.severity.max(finding.severity);
    }
    let mut rules: Vec<_> = rules.into_values().collect();
    rules.sort_by_key(|rule| (std::cmp::Reverse((rule.severity, rule.count)), rule.id));
    rules
}

fn head(batch: &Batch<'_>, page: &mut Markup<'_>) -> io::Result<()> {
    let source = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        source(STYLE),
        source(SCRIPT)
    );
    page.raw("<head>\n<meta charset=\"utf-8\">\n")?;
    page.open("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &policy)])?;
    page.raw(
        "\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"generator\" content=\"vetrun\">\n",
    )?;
    page.tagged("title", "", &format!("vetrun: {}", summary::headline(&batch.summary)))?;
    page.raw("\n<style>")?;
    page.raw(STYLE)?;
    page.raw("</style>\n</head>\n")
}

/// `1 file`, `2 files`.
fn count(number: u64, what: &str) -> String {
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

/// A list that is cut where it is too long, and says so.
fn items<T>(
    page: &mut Markup<'_>,
    items: &[T],
    mut write: impl FnMut(&mut Markup<'_>, &T) -> io::Result<()>,
) -> io::Result<()> {
    for item in items.iter().take(limits::ITEMS_MAX) {
        write(page, item)?;
    }
    Ok(())
}

/// How many more there are than a list shows, as a paragraph.
fn more(page: &mut Markup<'_>, total: usize, shown: usize, what: &str) -> io::Result<()> {
    match total.saturating_sub(shown) {
        0 => Ok(()),
        more => page.tagged("p", "cut", &format!("… and {} not on this page", count(more as u64, what))),
    }
}
