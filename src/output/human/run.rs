//! What was installed, and what the program did.

use std::io::{self, Write};

use super::super::verdict::MESSAGE_CHARS_MAX;
use super::super::{RenderContext, Verbosity, sanitize};
use super::paint::Paint;
use super::{bytes, count, milliseconds};
use crate::report::{AttemptReport, BehaviourReport, Dependencies, Execution, MetricsReport, StreamReport};

/// How many lines of the end of a stream are shown unless everything is asked for.
const STREAM_LINES_SHOWN_MAX: usize = 20;

/// The longest line of a stream that is shown, in characters.
const STREAM_LINE_CHARS_MAX: usize = 400;

/// How many packages and output files are shown unless everything is asked for.
const ITEMS_SHOWN_MAX: usize = 10;

/// Writes what was installed; nothing where nothing was asked for.
pub(super) fn dependencies(
    dependencies: &Dependencies,
    context: &RenderContext<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if dependencies.requirements.is_empty() && dependencies.packages.is_empty() {
        return Ok(());
    }
    let paint = Paint(context.color);
    let installer = dependencies.installer.as_deref().unwrap_or("nothing");
    let cache = if dependencies.cache_hit { ", from the cache" } else { "" };
    let asked = dependencies.requirements.len();
    let summary = format!(
        "{} installed for {asked} declared, by {}{cache}",
        count(dependencies.packages.len(), "package"),
        sanitize::line(installer)
    );
    writeln!(out, "{}  {summary}", paint.bold("packages"))?;
    if let Some(why) = &dependencies.fallback_triggered {
        field("fallback", &sanitize::clipped(why, MESSAGE_CHARS_MAX), paint, out)?;
    }
    if let Some(environment) = &dependencies.environment {
        let text = format!("{}, {}", environment.interpreter, environment.platform);
        field("for", &sanitize::clipped(&text, MESSAGE_CHARS_MAX), paint, out)?;
    }
    let packages = dependencies
        .packages
        .iter()
        .map(|package| format!("{} {}  {}", package.name, package.version, bytes(package.size_bytes)));
    items(packages, dependencies.packages.len(), context, out)?;
    writeln!(out)
}

/// Writes what was run, how it ended, what it used and what it wrote.
pub(super) fn execution(run: &Execution, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(context.color);
    let sandbox = format!("{} sandbox: {}, network {}", run.backend, run.isolation.tier, run.network.mode);
    writeln!(out, "{}  {}", paint.bold("program"), sanitize::clipped(&sandbox, MESSAGE_CHARS_MAX))?;
    let command: Vec<_> = run.command.iter().map(|word| quoted(word)).collect();
    field("command", &sanitize::clipped(&command.join(" "), MESSAGE_CHARS_MAX), paint, out)?;
    if let Some(image) = &run.image {
        field("image", &sanitize::clipped(image, MESSAGE_CHARS_MAX), paint, out)?;
    }
    field("ended", &ended(run), paint, out)?;
    field("used", &used(&run.metrics), paint, out)?;
    let not_enforced: Vec<_> =
        run.isolation.limits.iter().filter(|(_, limit)| !limit.enforced).map(|(name, _)| name.as_str()).collect();
    if !not_enforced.is_empty() {
        field("not limited", &sanitize::line(&not_enforced.join(", ")), paint, out)?;
    }
    behaviour(&run.behaviour, context, out)?;
    outputs(run, context, out)?;
    stream("stdout", &run.stdout, context, out)?;
    stream("stderr", &run.stderr, context, out)?;
    writeln!(out)
}

fn field(name: &str, text: &str, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {} {text}", paint.dim(&format!("{name:<11}")))
}

/// How the program ended, sanitized.
pub(in crate::output) fn ended(run: &Execution) -> String {
    let how = match (run.outcome.as_str(), run.exit_code, &run.signal) {
        ("exited", Some(code), _) => format!("exited with {code}"),
        ("signaled", _, Some(signal)) => format!("ended by signal {signal}"),
        ("timeout", ..) => "killed: its time was up".to_owned(),
        ("oom", ..) => "killed: out of memory".to_owned(),
        ("outputLimit", ..) => "killed: it wrote too much on its streams".to_owned(),
        ("diskLimit", ..) => "killed: it wrote too much to disk".to_owned(),
        ("interrupted", ..) => "killed: vetrun was interrupted".to_owned(),
        (other, ..) => other.to_owned(),
    };
    sanitize::line(&how).into_owned()
}

fn used(metrics: &MetricsReport) -> String {
    let mut parts = vec![format!("{} wall", milliseconds(metrics.wall_ms))];
    parts.extend(metrics.cpu_ms.map(|ms| format!("{} cpu", milliseconds(ms))));
    parts.extend(metrics.memory_peak_bytes.map(|peak| format!("{} peak memory", bytes(peak))));
    parts.extend(metrics.pids_peak.map(|peak| format!("{peak} process{} at peak", if peak == 1 { "" } else { "es" })));
    let kills = metrics.oom_kills.filter(|&kills| kills > 0);
    parts.extend(kills.map(|kills| format!("{kills} killed for memory")));
    if metrics.sampled {
        parts.push("peaks sampled".to_owned());
    }
    parts.join(", ")
}

/// What the program tried; nothing where it was watched and tried nothing.
fn behaviour(seen: &BehaviourReport, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(context.color);
    if let Some(because) = &seen.untraced_because {
        return field("not traced", &sanitize::clipped(because, MESSAGE_CHARS_MAX), paint, out);
    }
    if seen.attempts.is_empty() {
        return Ok(());
    }
    let kinds = [
        ("refused", "refused call"),
        ("network", "outside connection"),
        ("lookup", "name lookup"),
        ("started", "program start"),
    ];
    let times = |kind| seen.attempts.iter().filter(|one| one.kind == kind).map(|one| one.count).sum::<u64>();
    let parts = kinds.iter().map(|&(kind, noun)| (times(kind), noun)).filter(|(times, _)| *times > 0);
    let mut parts: Vec<_> = parts.map(|(times, noun)| count(saturated(times), noun)).collect();
    parts.extend(seen.truncated.then(|| "not every target is told".to_owned()));
    field("tried", &parts.join(", "), paint, out)?;
    items(seen.attempts.iter().map(attempt), seen.attempts.len(), context, out)
}

fn saturated(times: u64) -> usize {
    usize::try_from(times).unwrap_or(usize::MAX)
}

fn attempt(attempt: &AttemptReport) -> String {
    let mut text = attempt.call.clone();
    for part in [&attempt.target, &attempt.answer].into_iter().flatten() {
        text.push_str("  ");
        text.push_str(part);
    }
    if attempt.count > 1 {
        text.push_str(&format!("  ({} times)", attempt.count));
    }
    text
}

fn outputs(run: &Execution, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(context.color);
    let total = run.outputs.iter().map(|file| file.size_bytes).sum();
    if !run.outputs.is_empty() {
        field("outputs", &format!("{}, {}", count(run.outputs.len(), "file"), bytes(total)), paint, out)?;
    }
    let files = run.outputs.iter().map(|file| format!("{}  {}", file.path, bytes(file.size_bytes)));
    items(files, run.outputs.len(), context, out)?;
    if run.refused_outputs.is_empty() {
        return Ok(());
    }
    field("not taken", &count(run.refused_outputs.len(), "output"), paint, out)?;
    let refused = run.refused_outputs.iter().map(|refused| format!("{}: {}", refused.path, refused.reason));
    items(refused, run.refused_outputs.len(), context, out)
}

/// Indented lines, as many as are shown.
fn items(
    lines: impl Iterator<Item = String>,
    total: usize,
    context: &RenderContext<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown_max = if context.verbosity == Verbosity::Verbose { total } else { ITEMS_SHOWN_MAX };
    for line in lines.take(shown_max) {
        writeln!(out, "{:14}{}", "", sanitize::path(&sanitize::clipped(&line, MESSAGE_CHARS_MAX)))?;
    }
    match total.saturating_sub(shown_max) {
        0 => Ok(()),
        more => writeln!(out, "{:14}… and {more} more (-v shows all)", ""),
    }
}

/// The end of what the program wrote, behind a bar.
fn stream(name: &str, stream: &StreamReport, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(context.color);
    if stream.bytes == 0 && stream.text.is_empty() {
        return field(name, "empty", paint, out);
    }
    let lines = stream.text.lines().count();
    let shown_max = if context.verbosity == Verbosity::Verbose { lines } else { STREAM_LINES_SHOWN_MAX };
    let skipped = lines.saturating_sub(shown_max);
    let mut notes = vec![bytes(stream.bytes)];
    notes.extend((skipped > 0).then(|| format!("the last {shown_max} of {lines} lines (-v shows all)")));
    notes.extend(stream.truncated.then(|| "truncated: more was written than was kept".to_owned()));
    field(name, &notes.join(", "), paint, out)?;
    for line in stream.text.lines().skip(skipped) {
        writeln!(out, "  {} {}", paint.dim("│"), sanitize::clipped(line, STREAM_LINE_CHARS_MAX))?;
    }
    Ok(())
}

/// A word of a command line, quoted where a shell would need it; for reading only.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || "-_./=:,@%+".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
