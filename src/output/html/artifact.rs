//! One artifact: a row that says what came of it, and behind it everything that is known.

use std::fmt::Display;
use std::io;

use serde_json::Value;

use super::super::verdict as verdicts;
use super::limits::{ITEMS_MAX, Left};
use super::markup::Markup;
use super::{Batch, bytes, class, count, findings, items, milliseconds, more, plot, run};
use crate::report::{Dependencies, FileSummary, Package, Report, SeverityCounts, Status, Verdict};

/// Writes one artifact; its row alone where it is not to be `whole`.
pub(super) fn write(
    batch: &Batch<'_>,
    report: &Report,
    whole: bool,
    left: &mut Left,
    page: &mut Markup<'_>,
) -> io::Result<()> {
    let (verdict, class_name) = (class(report.status), format!("artifact {}", class(report.status)));
    let mut attributes: Vec<(&'static str, &dyn Display)> = vec![("class", &class_name), ("data-verdict", &verdict)];
    if batch.reports.len() == 1 {
        // One artifact is what the reader came for.
        attributes.push(("open", &""));
    }
    page.open("details", &attributes)?;
    row(report, page)?;
    page.raw("<div class=\"body\">\n")?;
    if whole {
        body(batch, report, left, page)?;
    } else {
        page.raw("<p class=\"cut\">The page is full: this artifact is in the JSON report alone.</p>")?;
    }
    page.raw("</div>\n</details>\n")
}

fn row(report: &Report, page: &mut Markup<'_>) -> io::Result<()> {
    page.raw("<summary>")?;
    page.tagged("span", "verdict", verdicts::word(report.status))?;
    page.tagged("span", "name", &report.artifact.name)?;
    page.raw("<span class=\"chips\">")?;
    for (name, count) in SeverityCounts::of(&report.findings).all().into_iter().filter(|(_, count)| *count > 0) {
        let class = format!("chip {name}");
        page.element("span", &[("class", &class)], |page| page.text(&format!("{count} {name}")))?;
    }
    page.raw("</span>")?;
    page.tagged("span", "time", &milliseconds(report.duration_ms))?;
    page.raw("</summary>\n")
}

fn body(batch: &Batch<'_>, report: &Report, left: &mut Left, page: &mut Markup<'_>) -> io::Result<()> {
    if report.status == Verdict::Error {
        page.raw(
            "<p class=\"warning\">vetrun could not judge this artifact: the absence of findings means nothing.</p>\n",
        )?;
    }
    for problem in verdicts::problems(report) {
        page.element("p", &[("class", &"problem")], |page| page.prose(&problem.sentence()))?;
    }
    facts(report, page)?;
    passes(report, page)?;
    findings::write(batch, report, left, page)?;
    if let Some(dependencies) = &report.dependencies {
        packages(dependencies, page)?;
    }
    if let Some(execution) = &report.execution {
        run::write(batch, execution, left, page)?;
    }
    files(report, page)?;
    log(report, page)
}

/// A row of a list of facts.
pub(super) fn fact(page: &mut Markup<'_>, name: &str, value: &str) -> io::Result<()> {
    page.tagged("dt", "", name)?;
    page.element("dd", &[], |page| page.prose(value))
}

fn facts(report: &Report, page: &mut Markup<'_>) -> io::Result<()> {
    let artifact = &report.artifact;
    page.raw("<dl class=\"facts\">")?;
    let size = format!("{}, {}", count(artifact.files.len() as u64, "file"), bytes(artifact.total_bytes));
    fact(page, "read from", &format!("{} ({size})", artifact.root))?;
    fact(page, "digest", &artifact.digest)?;
    if let Some(agent) = &report.agent_id {
        fact(page, "agent", agent)?;
    }
    let can = capabilities(report);
    if !can.is_empty() {
        fact(page, "the code can", &can.join(", "))?;
    }
    fact(page, "report", &format!("{}, {}", report.id, report.started_at))?;
    page.raw("</dl>\n")
}

/// What the scan says that the code can do, by name.
fn capabilities(report: &Report) -> Vec<&str> {
    let all = report.validation_results.security.details.get("capabilities").and_then(Value::as_array);
    let names = all.into_iter().flatten().filter_map(|one| one.get("name")?.as_str());
    names.take(ITEMS_MAX).collect()
}

/// The passes, each with its time as a part of all.
fn passes(report: &Report, page: &mut Markup<'_>) -> io::Result<()> {
    let total: u64 = verdicts::passes(report).map(|(_, _, result)| result.duration_ms).sum();
    let mut before = 0;
    page.raw("<h3>Passes</h3>\n<table class=\"passes\"><thead><tr><th>pass<th>verdict<th>what was seen<th colspan=\"2\">time</tr></thead><tbody>\n")?;
    for (_, key, result) in verdicts::passes(report) {
        let status = match result.status {
            Status::Passed => "passed",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
            Status::Error => "error",
        };
        page.raw("<tr>")?;
        page.element("th", &[("scope", &"row")], |page| page.text(key))?;
        page.tagged("td", status, status)?;
        page.element("td", &[], |page| page.prose(&result.message))?;
        if result.status == Status::Skipped {
            page.raw("<td></td><td></td>")?;
        } else {
            page.element("td", &[], |page| plot::bar(page, "time", before, result.duration_ms, total))?;
            page.tagged("td", "number", &milliseconds(result.duration_ms))?;
        }
        before += result.duration_ms;
        page.raw("</tr>\n")?;
    }
    page.raw("</tbody></table>\n")
}

fn packages(dependencies: &Dependencies, page: &mut Markup<'_>) -> io::Result<()> {
    if dependencies.requirements.is_empty() && dependencies.packages.is_empty() {
        return Ok(());
    }
    page.raw("<h3>Packages</h3>\n<dl class=\"facts\">")?;
    let installer = dependencies.installer.as_deref().unwrap_or("nothing");
    let cache = if dependencies.cache_hit { ", from the cache" } else { "" };
    fact(page, "installed by", &format!("{installer}{cache}"))?;
    if let Some(why) = &dependencies.fallback_triggered {
        fact(page, "fallback", why)?;
    }
    if let Some(environment) = &dependencies.environment {
        fact(page, "for", &format!("{}, {}", environment.interpreter, environment.platform))?;
    }
    page.raw("</dl>\n")?;
    if dependencies.packages.is_empty() {
        return Ok(());
    }
    page.raw("<div class=\"scroll\"><table class=\"list\"><thead><tr><th>package<th>version<th>asked for by<th>file<th class=\"number\">size</tr></thead><tbody>\n")?;
    items(page, &dependencies.packages, package)?;
    page.raw("</tbody></table></div>\n")?;
    more(page, dependencies.packages.len(), ITEMS_MAX, "package")
}

fn package(page: &mut Markup<'_>, package: &Package) -> io::Result<()> {
    let by = match &package.requested {
        Some(requirement) => requirement.clone(),
        None => package.required_by.join(", "),
    };
    page.raw("<tr>")?;
    page.element("th", &[("scope", &"row")], |page| page.text(&package.name))?;
    page.tagged("td", "", &package.version)?;
    page.tagged("td", "", &by)?;
    page.tagged("td", "faint", package.file.as_deref().unwrap_or_default())?;
    page.tagged("td", "number", &bytes(package.size_bytes))?;
    page.raw("</tr>\n")
}

fn files(report: &Report, page: &mut Markup<'_>) -> io::Result<()> {
    let files = &report.artifact.files;
    if files.is_empty() {
        return Ok(());
    }
    page.raw("<details class=\"more\"><summary>")?;
    page.text(&count(files.len() as u64, "file"))?;
    page.raw("</summary>\n<div class=\"scroll\"><table class=\"list\"><thead><tr><th>path<th>language<th class=\"number\">lines<th class=\"number\">size<th>digest</tr></thead><tbody>\n")?;
    items(page, files, file)?;
    page.raw("</tbody></table></div>\n")?;
    more(page, files.len(), ITEMS_MAX, "file")?;
    page.raw("</details>\n")
}

fn file(page: &mut Markup<'_>, file: &FileSummary) -> io::Result<()> {
    page.raw("<tr>")?;
    page.element("th", &[("scope", &"row")], |page| page.text(&file.path))?;
    page.tagged("td", "", &file.language)?;
    page.tagged("td", "number", &file.lines.map(|lines| lines.to_string()).unwrap_or_default())?;
    page.tagged("td", "number", &bytes(file.size_bytes))?;
    page.tagged("td", "faint", &super::summary::short(&file.digest))?;
    page.raw("</tr>\n")
}

fn log(report: &Report, page: &mut Markup<'_>) -> io::Result<()> {
    if report.logs.is_empty() {
        return Ok(());
    }
    page.raw("<details class=\"more\"><summary>Log</summary>\n<ol class=\"log\">\n")?;
    items(page, &report.logs, |page, entry| page.tagged("li", "", entry))?;
    page.raw("</ol>\n")?;
    more(page, report.logs.len(), ITEMS_MAX, "line")?;
    page.raw("</details>\n")
}
