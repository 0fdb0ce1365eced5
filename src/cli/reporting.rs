//! Where reports go: standard output, `-o FILE`, and every `--report FORMAT=FILE`.
//!
//! A file appears whole or not at all: it is written beside its place and moved there. In a job of GitHub Actions, the
//! human report is printed where the runner reads no commands.

use std::fs::{self, Permissions};
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::{Color, OutputArgs};
use super::environment;
use crate::output::{self, Format, RenderContext, RuleHelp, Verbosity};
use crate::report::{Report, Summary, Verdict};
use crate::rules::RuleSet;

/// Columns of a page where the terminal does not say how many it has.
const WIDTH_DEFAULT: usize = 100;

/// What a command has to report.
pub(super) struct Reports<'a> {
    /// The reports, in order.
    pub(super) all: &'a [&'a Report],
    /// What they came to.
    pub(super) summary: &'a Summary,
    /// The rules that ran.
    pub(super) rules: &'a RuleSet,
}

/// Standard output for answers that must not change the exit code: where the reader has stopped reading
/// (`vetrun … | head`), it had what it wanted, and the verdict stays what it is.
pub(super) fn answer() -> impl Write {
    Answer(io::stdout().lock())
}

/// The same, for answers that are given in parts, by whichever thread has one.
pub(super) fn answer_in_parts() -> impl Write + Send {
    Answer(io::stdout())
}

struct Answer<W>(W);

impl<W: Write> Write for Answer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

/// Writes the reports wherever the user wants them.
pub(super) fn write_all(reports: &Reports<'_>, args: &OutputArgs) -> Result<(), Failure> {
    let format = args.format.unwrap_or(Format::Human);
    match &args.file {
        Some(path) => write_file(path, format, reports, args)?,
        None if args.quiet && reports.all.iter().all(|report| report.status == Verdict::Passed) => {}
        None => {
            let color = colored(args.color, &io::stdout());
            // One write at the end: a report is never half there.
            let mut text = rendered(format, reports, color, args)?;
            if format == Format::Human && environment::is_in_actions() {
                text = unread(&text)?;
            }
            let mut out = answer();
            let written = out.write_all(&text).and_then(|()| out.flush());
            written.map_err(|error| format!("could not write the report to standard output: {error}"))?;
        }
    }
    write_extra(reports, args)
}

/// Writes every `--report FORMAT=FILE`.
pub(super) fn write_extra(reports: &Reports<'_>, args: &OutputArgs) -> Result<(), Failure> {
    args.report.iter().try_for_each(|(format, path)| write_file(path, *format, reports, args))
}

/// Refuses places where no report can be written, before anything is vetted.
pub(super) fn check_places(args: &OutputArgs) -> Result<(), Failure> {
    let files = args.file.iter().chain(args.report.iter().map(|(_, path)| path));
    for path in files {
        let folder = folder(path);
        if !folder.is_dir() {
            let (path, folder) = (path.display(), folder.display());
            return Err(
                format!("the report {path} cannot be written: there is no folder {folder} (make it first)").into()
            );
        }
    }
    Ok(())
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write_file(path: &Path, format: Format, reports: &Reports<'_>, args: &OutputArgs) -> Result<(), Failure> {
    let text = rendered(format, reports, false, args)?;
    write_whole(path, &text).map_err(|error| format!("could not write the report {}: {error}", path.display()).into())
}

/// Writes a file such that it is never half there: what reads it sees what was there before, or all of `text`. Pipes and
/// devices are written to as they are, and so is a file that cannot be replaced, like one that is mounted by itself.
fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    match fs::canonicalize(path) {
        Ok(place) if place.is_file() => replace(&place, text).or_else(|_| fs::write(path, text)),
        Ok(_) => fs::write(path, text),
        Err(_) => replace(path, text),
    }
}

fn replace(place: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = beside(place)?;
    file.write_all(text)?;
    file.persist(place)?;
    Ok(())
}

/// A new file in the folder of `place`, which is to take its place.
fn beside(place: &Path) -> io::Result<tempfile::NamedTempFile> {
    // What is there keeps its rights; a new file has those that the user's mask leaves.
    let rights = fs::metadata(place).map_or_else(|_| Permissions::from_mode(0o666), |there| there.permissions());
    tempfile::Builder::new().prefix(".vetrun-report-").permissions(rights).tempfile_in(folder(place))
}

/// `text` as a stretch of a job's log in which the runner reads no commands.
fn unread(text: &[u8]) -> io::Result<Vec<u8>> {
    let token = token()?;
    let begin = format!("::stop-commands::{token}\n");
    let end = format!("::{token}::\n");
    Ok([begin.as_bytes(), text, end.as_bytes()].concat())
}

/// What nobody can guess. It is made after the programs have ended whose output it closes.
fn token() -> io::Result<String> {
    let mut bytes = [0; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    if filled < bytes.len() {
        return Err(io::Error::other("the kernel gave too few random bytes"));
    }
    Ok(format!("vetrun-{}", crate::finding::hex(&bytes)))
}

/// A file that reports are written into one after the other, whole or not at all as by [`write_whole`].
#[derive(Debug)]
pub(super) enum Growing {
    /// It is moved to its place in the end.
    Beside(tempfile::NamedTempFile, PathBuf),
    /// It cannot be replaced.
    There(fs::File),
}

impl Growing {
    /// Begins what is to be at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let there = || fs::File::create(path).map(Self::There);
        match fs::canonicalize(path) {
            Ok(place) if place.is_file() => beside(&place).map(|file| Self::Beside(file, place)).or_else(|_| there()),
            Ok(_) => there(),
            Err(_) => beside(path).map(|file| Self::Beside(file, path.to_owned())),
        }
    }

    /// All is written.
    pub(super) fn end(self) -> io::Result<()> {
        let Self::Beside(file, place) = self else { return Ok(()) };
        match file.persist(&place) {
            Ok(_) => Ok(()),
            Err(refused) if place.is_file() => fs::copy(refused.file.path(), place).map(drop),
            Err(refused) => Err(refused.error),
        }
    }
}

impl Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Beside(file, _) => file.write(bytes),
            Self::There(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether standard output may be written to before all reports are there: not where nothing is said if all pass, and not
/// where the whole is kept from the runner of a CI job.
pub(super) fn writes_in_parts(format: Format, args: &OutputArgs) -> bool {
    let is_kept_from_runner = format == Format::Human && environment::is_in_actions();
    !args.quiet && !is_kept_from_runner
}

/// How reports are drawn, on standard output or in a file.
pub(super) fn drawing(args: &OutputArgs, is_standard: bool) -> RenderContext<'static> {
    let color = is_standard && colored(args.color, &io::stdout());
    RenderContext { color, width: width(), verbosity: verbosity(args), ..RenderContext::default() }
}

fn verbosity(args: &OutputArgs) -> Verbosity {
    match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    }
}

fn rendered(format: Format, reports: &Reports<'_>, color: bool, args: &OutputArgs) -> io::Result<Vec<u8>> {
    let verbosity = verbosity(args);
    // No other format shows it, and it is read from the rule files.
    let shows_rules = matches!(format, Format::Sarif | Format::Html);
    let rules = if shows_rules { rule_help(reports.rules) } else { Vec::new() };
    let token = if format == Format::Github { Some(token()?) } else { None };
    let (summary, token) = (Some(reports.summary), token.as_deref());
    let context = RenderContext { color, width: width(), verbosity, rules: &rules, summary, token };
    let mut text = Vec::new();
    output::render(format, reports.all, &context, &mut text)?;
    Ok(text)
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
    let help = |rule: &crate::rules::Rule| {
        let texts = rule.texts();
        RuleHelp {
            id: rule.id.to_string(),
            severity: rule.severity,
            message: rule.message.to_string(),
            why: texts.why,
            instead: texts.instead,
            cwe: rule.cwe.iter().map(|number| format!("CWE-{number}")).collect(),
            owasp: rule.owasp.iter().map(|category| category.to_string()).collect(),
            references: texts.references,
        }
    };
    rules.rules().filter(|rule| rule.label.is_none()).map(help).collect()
}

/// A line on standard error, unless the user wants quiet; untrusted parts are made harmless.
pub(super) fn note(args: &OutputArgs, text: &str) {
    if !args.quiet {
        let _closed = writeln!(anstream::stderr(), "vetrun: {}", output::sanitize::line(text));
    }
}
