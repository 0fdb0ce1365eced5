//! The top of the page: the verdict in one sentence, counts, and the filters.

use std::io;

use super::super::verdict as verdicts;
use super::markup::Markup;
use super::{Batch, Found, bytes, count, milliseconds, plot};
use crate::report::{Severity, Summary, Verdict};

/// How many rules the overview names.
const RULES_SHOWN_MAX: usize = 8;

/// What all came to: `2 of 3 artifacts did not pass`.
pub(super) fn headline(summary: &Summary) -> String {
    let Summary { artifacts, passed, .. } = *summary;
    match (artifacts, artifacts - passed) {
        (0, _) => "nothing was vetted".to_owned(),
        (1, 0) => "the artifact passed".to_owned(),
        (1, _) if summary.error == 1 => "the artifact was not vetted".to_owned(),
        (1, _) => "the artifact failed".to_owned(),
        (_, 0) => format!("all {artifacts} artifacts passed"),
        (_, bad) => format!("{bad} of {artifacts} artifacts did not pass"),
    }
}

/// The headline and where the report comes from.
pub(super) fn header(batch: &Batch<'_>, page: &mut Markup<'_>) -> io::Result<()> {
    page.raw("<header>\n<p class=\"brand\">vetrun</p>\n")?;
    let headline = headline(&batch.summary);
    let mut letters = headline.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    page.tagged("h1", "", &format!("{first}{}", letters.as_str()))?;
    let Summary { passed, failed, error, .. } = batch.summary;
    page.raw("\n<p class=\"counts\">")?;
    let counts = [("passed", passed, "passed"), ("failed", failed, "failed"), ("error", error, "not vetted")];
    for (class, number, word) in counts.into_iter().filter(|(_, number, _)| *number > 0) {
        page.element("span", &[("class", &class)], |page| {
            page.tagged("b", "", &number.to_string())?;
            page.text(&format!(" {word}"))
        })?;
        page.raw(" ")?;
    }
    page.tagged("span", "", &count(batch.summary.findings_by_severity.total(), "finding"))?;
    page.raw("</p>\n")?;
    plot::shares(page, &[("passed", passed), ("failed", failed), ("error", error)])?;
    origin(batch, page)?;
    page.raw("</header>\n")
}

fn origin(batch: &Batch<'_>, page: &mut Markup<'_>) -> io::Result<()> {
    let starts = batch.reports.iter().map(|report| report.started_at.as_str()).min();
    let ends = batch.reports.iter().map(|report| report.finished_at.as_str()).max();
    let (Some(report), Some(start), Some(end)) = (batch.reports.first(), starts, ends) else { return Ok(()) };
    let tool = &report.tool;
    page.raw("\n<p class=\"origin\">")?;
    page.text(&format!("{} {}, {start} to {end}, rules ", tool.name, tool.version))?;
    page.tagged("code", "", &short(&tool.rules_digest))?;
    page.raw(", policy ")?;
    page.tagged("code", "", &short(&tool.policy_digest))?;
    page.raw("</p>\n")
}

/// The beginning of a digest.
pub(super) fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}

/// Counts by severity and rule, and how time and memory were used.
pub(super) fn overview(batch: &Batch<'_>, page: &mut Markup<'_>) -> io::Result<()> {
    page.raw("<section id=\"overview\" aria-label=\"Overview\">\n")?;
    severities(batch, page)?;
    rules(batch, page)?;
    metrics(batch, page)?;
    page.raw("</section>\n")
}

fn severities(batch: &Batch<'_>, page: &mut Markup<'_>) -> io::Result<()> {
    let counts = batch.summary.findings_by_severity.all();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    page.raw("<div><h2>Findings by severity</h2>\n<table class=\"meter\"><tbody>\n")?;
    for (name, count) in counts {
        page.raw("<tr>")?;
        page.element("th", &[("scope", &"row"), ("class", &name)], |page| page.text(name))?;
        page.element("td", &[], |page| plot::bar(page, name, 0, count, most))?;
        page.tagged("td", "number", &count.to_string())?;
        page.raw("</tr>\n")?;
    }
    page.raw("</tbody></table></div>\n")
}

fn rules(batch: &Batch<'_>, page: &mut Markup<'_>) -> io::Result<()> {
    if batch.rules.is_empty() {
        return Ok(());
    }
    let shown = &batch.rules[..batch.rules.len().min(RULES_SHOWN_MAX)];
    let most = shown.iter().map(|rule| rule.count).max().unwrap_or(0);
    page.raw("<div><h2>Findings by rule</h2>\n<table class=\"meter\"><tbody>\n")?;
    for (at, rule) in shown.iter().enumerate() {
        page.raw("<tr>")?;
        page.element("th", &[("scope", &"row")], |page| {
            page.element("a", &[("href", &format_args!("#rule-{at}"))], |page| page.text(rule.id))
        })?;
        page.element("td", &[], |page| plot::bar(page, rule.severity.name(), 0, rule.count, most))?;
        page.tagged("td", "number", &rule.count.to_string())?;
        page.raw("</tr>\n")?;
    }
    page.raw("</tbody></table>")?;
    match batch.rules.len() - shown.len() {
        0 => {}
        more => {
            page.raw("<p class=\"cut\"><a href=\"#rules\">")?;
            page.text(&format!("{more} more below"))?;
            page.raw("</a></p>")?;
        }
    }
    page.raw("</div>\n")
}

/// Columns of what each artifact took, where there are several.
fn metrics(batch: &Batch<'_>, page: &mut Markup<'_>) -> io::Result<()> {
    if batch.reports.len() < 2 {
        return Ok(());
    }
    let durations: Vec<u64> = batch.reports.iter().map(|report| report.duration_ms).collect();
    page.raw("<div><h2>Time and memory</h2>\n<dl class=\"charts\">")?;
    chart(page, "vetting, each artifact", &durations, milliseconds)?;
    let runs: Vec<_> = batch.reports.iter().filter_map(|report| report.execution.as_ref()).collect();
    if runs.len() > 1 {
        chart(
            page,
            "run time, each run",
            &runs.iter().map(|run| run.metrics.wall_ms).collect::<Vec<_>>(),
            milliseconds,
        )?;
        let peaks: Vec<u64> = runs.iter().filter_map(|run| run.metrics.memory_peak_bytes).collect();
        chart(page, "peak memory, each run", &peaks, bytes)?;
    }
    page.raw("</dl></div>\n")
}

fn chart(page: &mut Markup<'_>, name: &str, values: &[u64], unit: fn(u64) -> String) -> io::Result<()> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let (Some(most), Some(median)) = (sorted.last(), sorted.get(sorted.len() / 2)) else { return Ok(()) };
    page.tagged("dt", "", name)?;
    page.element("dd", &[], |page| {
        plot::columns(page, values)?;
        page.tagged("span", "faint", &format!("median {}, most {}", unit(*median), unit(*most)))
    })
}

/// The filters, which the script shows: without it they could do nothing.
pub(super) fn filters(batch: &Batch<'_>, page: &mut Markup<'_>) -> io::Result<()> {
    page.raw(
        "<form id=\"filters\" role=\"search\" aria-label=\"Filter artifacts\" hidden>\n<label class=\"wide\">Text ",
    )?;
    page.raw("<input type=\"search\" name=\"text\" autocomplete=\"off\" spellcheck=\"false\" ")?;
    page.raw("placeholder=\"name, path, message, output  ( / )\"></label>\n<fieldset><legend>Verdict</legend>")?;
    for verdict in [Verdict::Error, Verdict::Failed, Verdict::Passed] {
        page.raw("<label><input type=\"checkbox\" checked ")?;
        match verdict {
            Verdict::Error => page.raw("name=\"error\">")?,
            Verdict::Failed => page.raw("name=\"failed\">")?,
            Verdict::Passed => page.raw("name=\"passed\">")?,
        }
        page.text(&format!(" {}", verdicts::word(verdict)))?;
        page.raw("</label>")?;
    }
    page.raw("</fieldset>\n<label>Severity <select name=\"severity\"><option value=\"\">any</option>")?;
    for severity in Severity::ALL.into_iter().rev() {
        let text = if severity == Severity::Critical {
            "critical".to_owned()
        } else {
            format!("{} or worse", severity.name())
        };
        page.element("option", &[("value", &(severity as u8))], |page| page.text(&text))?;
    }
    page.raw("</select></label>\n<label>Rule <select name=\"rule\"><option value=\"\">any</option>")?;
    for (at, rule) in batch.rules.iter().enumerate() {
        page.element("option", &[("value", &at)], |page| page.text(&option(rule)))?;
    }
    page.raw("</select></label>\n<span class=\"buttons\"><button type=\"button\" id=\"open\">Open all</button>")?;
    page.raw("<button type=\"button\" id=\"close\">Close all</button><button type=\"reset\">Reset</button></span>\n")?;
    page.raw("<output id=\"shown\" aria-live=\"polite\"></output>\n</form>\n")
}

fn option(rule: &Found<'_>) -> String {
    format!("{} ({})", rule.id, rule.count)
}
