//! Where reports go: standard output, `-o FILE`, and every `--report FORMAT=FILE`.

use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use super::Failure;
use super::args::{Color, OutputArgs};
use crate::output::{self, Format, RenderContext, RuleHelp, Verbosity};
use crate::report::{Report, Verdict};
use crate::rules::RuleSet;

/// Columns of a page where the terminal does not say how many it has.
const WIDTH_DEFAULT: usize = 100;

/// Writes the reports wherever the user wants them.
pub(super) fn write_all(reports: &[&Report], args: &OutputArgs, rules: &RuleSet) -> Result<(), Failure> {
    let help = rule_help(rules);
    let format = args.format.unwrap_or(Format::Human);
    match &args.file {
        Some(path) => write_file(path, format, reports, &context(false, args, &help))?,
        None if args.quiet && reports.iter().all(|report| report.status == Verdict::Passed) => {}
        None => {
            let color = colored(args.color, &io::stdout());
            // One write at the end: a report is never half there.
            let text = rendered(format, reports, &context(color, args, &help))?;
            let mut out = io::stdout().lock();
            out.write_all(&text)?;
            out.flush()?;
        }
    }
    write_extra(reports, args, rules)
}

/// Writes every `--report FORMAT=FILE`.
pub(super) fn write_extra(reports: &[&Report], args: &OutputArgs, rules: &RuleSet) -> Result<(), Failure> {
    let help = rule_help(rules);
    args.report.iter().try_for_each(|(format, path)| write_file(path, *format, reports, &context(false, args, &help)))
}

fn write_file(path: &Path, format: Format, reports: &[&Report], context: &RenderContext<'_>) -> Result<(), Failure> {
    let text = rendered(format, reports, context)?;
    fs::write(path, text).map_err(|error| format!("could not write the report {}: {error}", path.display()).into())
}

fn rendered(format: Format, reports: &[&Report], context: &RenderContext<'_>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    output::render(format, reports, context, &mut text)?;
    Ok(text)
}

fn context<'a>(color: bool, args: &OutputArgs, rules: &'a [RuleHelp]) -> RenderContext<'a> {
    let verbosity = match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    RenderContext { color, width: width(), verbosity, rules }
}

/// Whether to colour what is written to `stream`.
pub(super) fn colored(color: Color, stream: &impl anstream::stream::RawStream) -> bool {
    let choice = match color {
        Color::Auto => anstream::AutoStream::choice(stream),
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice != anstream::ColorChoice::Never
}

fn width() -> usize {
    let out = io::stdout();
    if !out.is_terminal() {
        return WIDTH_DEFAULT;
    }
    rustix::termios::tcgetwinsize(&out).map_or(WIDTH_DEFAULT, |size| usize::from(size.ws_col).clamp(40, 160))
}

fn rule_help(rules: &RuleSet) -> Vec<RuleHelp> {
    let help = |rule: &crate::rules::Rule| RuleHelp {
        id: rule.id.clone(),
        severity: rule.severity,
        message: rule.message.clone(),
        why: rule.why.clone(),
        instead: rule.instead.clone(),
        cwe: rule.cwe.iter().map(|number| format!("CWE-{number}")).collect(),
        references: rule.references.clone(),
    };
    rules.rules().iter().map(help).collect()
}

/// A line on standard error, unless the user wants quiet; untrusted parts are made harmless.
pub(super) fn note(args: &OutputArgs, text: &str) {
    if !args.quiet {
        let _closed = writeln!(anstream::stderr(), "vetrun: {}", output::sanitize::line(text));
    }
}
