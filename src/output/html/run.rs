//! What was run: how it ended, what it used and tried, what it wrote.

use std::io;

use super::super::human::ended;
use super::artifact::fact;
use super::limits::{ITEMS_MAX, Left, STREAM_BYTES_MAX};
use super::markup::Markup;
use super::{Batch, bytes, items, milliseconds, more, plot};
use crate::report::{AttemptReport, BehaviourReport, Execution, IsolationReport, MetricsReport, StreamReport};

/// Writes one run.
pub(super) fn write(batch: &Batch<'_>, run: &Execution, left: &mut Left, page: &mut Markup<'_>) -> io::Result<()> {
    page.raw("<h3>Run</h3>\n<dl class=\"facts\">")?;
    fact(page, "ended", &ended(run))?;
    fact(page, "command", &run.command.join(" "))?;
    fact(page, "sandbox", &format!("{}: {}, network {}", run.backend, run.isolation.tier, run.network.mode))?;
    if let Some(image) = &run.image {
        fact(page, "image", image)?;
    }
    let open = unenforced(&run.isolation);
    if !open.is_empty() {
        fact(page, "not limited", &open.join(", "))?;
    }
    page.raw("</dl>\n")?;
    metrics(batch, &run.metrics, page)?;
    behaviour(&run.behaviour, page)?;
    outputs(run, page)?;
    stream("stdout", &run.stdout, left, page)?;
    stream("stderr", &run.stderr, left, page)?;
    isolation(&run.isolation, page)
}

fn unenforced(isolation: &IsolationReport) -> Vec<&str> {
    isolation.limits.iter().filter(|(_, limit)| !limit.enforced).map(|(name, _)| name.as_str()).collect()
}

/// What was used, drawn to the most that any run of the page used.
fn metrics(batch: &Batch<'_>, metrics: &MetricsReport, page: &mut Markup<'_>) -> io::Result<()> {
    page.raw("<table class=\"meter metrics\"><tbody>")?;
    let time = |ms: Option<u64>| ms.map(|ms| (ms, milliseconds(ms)));
    let memory = metrics.memory_peak_bytes.map(|peak| (peak, bytes(peak)));
    let rows = [
        ("wall time", time(Some(metrics.wall_ms)), batch.wall_ms_max),
        ("processor time", time(metrics.cpu_ms), batch.wall_ms_max),
        ("peak memory", memory, batch.memory_bytes_max),
    ];
    for (name, value, most) in rows {
        let Some((value, text)) = value else { continue };
        page.raw("<tr>")?;
        page.element("th", &[("scope", &"row")], |page| page.text(name))?;
        page.element("td", &[], |page| plot::bar(page, "time", 0, value, most))?;
        page.tagged("td", "number", &text)?;
        page.raw("</tr>\n")?;
    }
    page.raw("</tbody></table>\n")?;
    let mut notes = Vec::new();
    notes.extend(metrics.pids_peak.map(|peak| format!("processes at peak: {peak}")));
    notes.extend(metrics.oom_kills.filter(|&kills| kills > 0).map(|kills| format!("killed for memory: {kills}")));
    notes.extend(metrics.sampled.then(|| "peaks are sampled".to_owned()));
    notes.extend((batch.runs > 1).then(|| "bars end at the most of all runs".to_owned()));
    page.tagged("p", "faint", &notes.join("; "))
}

fn behaviour(seen: &BehaviourReport, page: &mut Markup<'_>) -> io::Result<()> {
    if let Some(because) = &seen.untraced_because {
        return page.tagged("p", "faint", &format!("What it tried is not known: {because}."));
    }
    if seen.attempts.is_empty() {
        return Ok(());
    }
    page.raw("<h4>What it tried</h4>\n<div class=\"scroll\"><table class=\"list\"><thead><tr><th>kind<th>call<th>for<th>answer<th class=\"number\">times</tr></thead><tbody>\n")?;
    items(page, &seen.attempts, attempt)?;
    page.raw("</tbody></table></div>\n")?;
    if seen.truncated {
        page.raw("<p class=\"cut\">Not every target is told.</p>\n")?;
    }
    more(page, seen.attempts.len(), ITEMS_MAX, "attempt")
}

fn attempt(page: &mut Markup<'_>, attempt: &AttemptReport) -> io::Result<()> {
    page.raw("<tr>")?;
    page.tagged("td", "", &attempt.kind)?;
    page.tagged("td", "code", &attempt.call)?;
    page.tagged("td", "code", attempt.target.as_deref().unwrap_or_default())?;
    page.tagged("td", "code", attempt.answer.as_deref().unwrap_or_default())?;
    page.tagged("td", "number", &attempt.count.to_string())?;
    page.raw("</tr>\n")
}

fn outputs(run: &Execution, page: &mut Markup<'_>) -> io::Result<()> {
    if run.outputs.is_empty() && run.refused_outputs.is_empty() {
        return Ok(());
    }
    page.raw("<h4>What it left</h4>\n<div class=\"scroll\"><table class=\"list\"><tbody>\n")?;
    items(page, &run.outputs, |page, file| {
        page.raw("<tr>")?;
        page.tagged("td", "code", &file.path)?;
        page.tagged("td", "number", &bytes(file.size_bytes))?;
        page.tagged("td", "faint", &super::summary::short(&file.digest))?;
        page.raw("</tr>\n")
    })?;
    items(page, &run.refused_outputs, |page, refused| {
        page.raw("<tr>")?;
        page.tagged("td", "code", &refused.path)?;
        page.raw("<td></td>")?;
        page.tagged("td", "failed", &format!("not taken: {}", refused.reason))?;
        page.raw("</tr>\n")
    })?;
    page.raw("</tbody></table></div>\n")?;
    more(page, run.outputs.len(), ITEMS_MAX, "file")?;
    more(page, run.refused_outputs.len(), ITEMS_MAX, "file")
}

/// The end of what the program wrote.
fn stream(name: &str, stream: &StreamReport, left: &mut Left, page: &mut Markup<'_>) -> io::Result<()> {
    if stream.bytes == 0 && stream.text.is_empty() {
        return Ok(());
    }
    let text = &stream.text;
    let from = text.ceil_char_boundary(text.len().saturating_sub(STREAM_BYTES_MAX.min(left.stream_bytes)));
    let shown = &text[from..];
    left.stream_bytes -= shown.len();
    let mut notes = vec![bytes(stream.bytes)];
    notes.extend((from > 0).then(|| format!("the last {} are shown", bytes(shown.len() as u64))));
    notes.extend(stream.truncated.then(|| "more was written than was kept".to_owned()));
    page.raw("<h4>")?;
    page.text(name)?;
    page.raw(" ")?;
    page.tagged("span", "faint", &notes.join(", "))?;
    page.raw("</h4>\n<pre class=\"stream\" tabindex=\"0\">")?;
    page.block(shown)?;
    page.raw("</pre>\n")
}

/// Which walls stood.
fn isolation(isolation: &IsolationReport, page: &mut Markup<'_>) -> io::Result<()> {
    page.raw("<details class=\"more\"><summary>Isolation</summary>\n<ul class=\"layers\">")?;
    for (name, is_active) in &isolation.layers {
        page.tagged(
            "li",
            if *is_active { "passed" } else { "failed" },
            &format!("{name}: {}", if *is_active { "on" } else { "off" }),
        )?;
    }
    for (name, limit) in &isolation.limits {
        let (class, how) = if limit.enforced { ("passed", "limited by") } else { ("failed", "not limited:") };
        page.tagged("li", class, &format!("{name}: {how} {}", limit.by))?;
    }
    page.raw("</ul>\n</details>\n")
}
