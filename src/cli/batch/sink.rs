//! Where the reports of a batch go as its artifacts end.

use std::fs::File;
use std::io::ErrorKind::BrokenPipe;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::resume::{Continued, Earlier, Known};
use super::streams::{Rest, Streams};
use crate::cli::Failure;
use crate::cli::args::OutputArgs;
use crate::cli::reporting::{note, write_all, write_extra};
use crate::cli::settings::Settings;
use crate::cli::vetting::leniently;
use crate::output::{Format, jsonl, sanitize};
use crate::report::{Report, Summary, millis};
use crate::vet::{Exit, Vetting};

/// What there is to say of one artifact.
pub(super) struct Said {
    pub(super) vetting: Vetting,
    /// Its line, where it is to have one that it does not have yet.
    pub(super) line: Option<String>,
    /// Whether an earlier batch has said it.
    pub(super) is_earlier: bool,
}

impl Said {
    /// What an earlier batch has said.
    pub(super) fn earlier(report: Report) -> Self {
        let exit = Exit::of(&report);
        Self { vetting: Vetting { report, exit }, line: None, is_earlier: true }
    }
}

/// Where lines go.
enum Lines {
    /// Formats that are written at the end have none.
    None,
    Plain(Box<dyn Write + Send>),
    /// The file of an earlier batch that goes on.
    Continued(Continued),
}

/// Where reports go as their artifacts end.
pub(super) struct Sink {
    format: Format,
    lines: Lines,
    /// Formats that are written as artifacts end, in their order.
    streams: Streams,
    /// Formats that are written at the end, and the reports that they need.
    rest: Rest,
    kept: Vec<Report>,
    summary: Summary,
    /// Reports of an earlier batch among them.
    earlier: u64,
    exit: Exit,
    progress: ProgressBar,
    started: Instant,
}

impl Sink {
    /// A sink for so many artifacts, and what an earlier batch said of them.
    pub(super) fn new(
        args: &OutputArgs,
        entries: usize,
        earlier: Option<Earlier>,
    ) -> Result<(Option<Known>, Self), Failure> {
        let format = args.format.unwrap_or(Format::Jsonl);
        let (known, lines) = match (earlier, format) {
            (Some(Earlier { known, continued }), _) => (Some(known), Lines::Continued(continued)),
            (None, Format::Jsonl) => (None, Lines::Plain(line_writer(args.file.as_deref())?)),
            (None, _) => (None, Lines::None),
        };
        let main = matches!(lines, Lines::None).then_some(format);
        let (streams, rest) = Streams::open(main, args)?;
        let sink = Self {
            format,
            lines,
            streams,
            rest,
            kept: Vec::new(),
            summary: Summary::default(),
            earlier: 0,
            exit: Exit::Passed,
            progress: progress(args, entries),
            started: Instant::now(),
        };
        Ok((known, sink))
    }

    /// Takes what there is to say of the artifact with this number.
    pub(super) fn take(&mut self, number: usize, said: Said) -> io::Result<()> {
        let Said { vetting: Vetting { report, exit }, line, is_earlier } = said;
        self.exit = self.exit.worse(exit);
        self.summary.add(&report);
        self.earlier += u64::from(is_earlier);
        match (&mut self.lines, line) {
            (Lines::Plain(lines), Some(line)) => lines.write_all(line.as_bytes())?,
            (Lines::Continued(lines), Some(line)) => lines.add(line.as_bytes())?,
            _ => {}
        }
        if !self.progress.is_hidden() {
            self.progress.set_message(sanitize::line(&report.artifact.name).into_owned());
            self.progress.inc(1);
        }
        match (self.streams.is_empty(), self.rest.is_empty()) {
            (true, true) => return Ok(()),
            (true, false) => {
                self.kept.push(report);
                return Ok(());
            }
            (false, true) => {}
            (false, false) => self.kept.push(report.clone()),
        }
        if self.streams.shows() {
            return self.progress.suspend(|| self.streams.take(number, report));
        }
        self.streams.take(number, report)
    }

    /// All that was taken, for the end.
    pub(super) fn take_all(&mut self) -> Self {
        Self {
            format: self.format,
            lines: std::mem::replace(&mut self.lines, Lines::None),
            streams: std::mem::take(&mut self.streams),
            rest: std::mem::take(&mut self.rest),
            kept: std::mem::take(&mut self.kept),
            summary: std::mem::take(&mut self.summary),
            earlier: self.earlier,
            exit: self.exit,
            progress: self.progress.clone(),
            started: self.started,
        }
    }

    /// Writes what comes at the end, and tells how the batch ended.
    pub(super) fn finish(
        mut self,
        interrupted: bool,
        settings: &Settings,
        output: &OutputArgs,
    ) -> Result<Exit, Failure> {
        self.progress.finish_and_clear();
        let mut exit = leniently(self.exit, self.summary.error > 0, output);
        if self.summary.artifacts == 0 {
            exit = Exit::NothingToVet;
        }
        if interrupted {
            exit = Exit::Interrupted;
        }
        self.summary.exit_code = exit.code();
        self.summary.duration_ms = millis(self.started.elapsed());
        self.kept.sort_by(|a, b| a.artifact.root.cmp(&b.artifact.root));
        let kept: Vec<_> = self.kept.iter().collect();
        let reports = settings.reports(&kept, &self.summary);
        let mut output = output.clone();
        output.format = Some(self.format);
        output.report = self.rest.extra.clone();
        std::mem::take(&mut self.streams).end(&self.summary)?;
        let summary = jsonl::summary_line(&self.summary);
        let written = match std::mem::replace(&mut self.lines, Lines::None) {
            Lines::Plain(mut lines) => lines.write_all(summary.as_bytes()).and_then(|()| lines.flush()),
            Lines::Continued(lines) => lines.end(summary.as_bytes()),
            Lines::None => {
                if self.rest.main {
                    write_all(&reports, &output)?
                } else {
                    write_extra(&reports, &output)?
                };
                self.tell(&output);
                return Ok(exit);
            }
        };
        // Everything was vetted: a reader who leaves now changes no verdict.
        match written {
            Err(error) if error.kind() != BrokenPipe => return Err(unwritten(&error, &output).into()),
            _ => write_extra(&reports, &output)?,
        }
        self.tell(&output);
        Ok(exit)
    }

    /// What the batch came to, on standard error.
    fn tell(&self, output: &OutputArgs) {
        if self.format == Format::Human && output.file.is_none() {
            return;
        }
        let Summary { artifacts, passed, failed, error, .. } = self.summary;
        let plural = if artifacts == 1 { "" } else { "s" };
        let earlier = match self.earlier {
            0 => String::new(),
            earlier => format!("; {earlier} of them vetted before"),
        };
        let text =
            format!("{artifacts} artifact{plural}: {passed} passed, {failed} failed, {error} not vetted{earlier}");
        note(output, &text);
    }
}

/// An error of writing reports, with the place where they should have gone.
pub(super) fn unwritten(error: &io::Error, output: &OutputArgs) -> io::Error {
    let place = output.file.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    io::Error::new(error.kind(), format!("could not write the reports to {place}: {error}"))
}

/// Each line is written by itself, so that what has ended is there, whatever comes.
fn line_writer(file: Option<&Path>) -> Result<Box<dyn Write + Send>, Failure> {
    let Some(path) = file else { return Ok(Box::new(io::stdout())) };
    let file = File::create(path).map_err(|error| format!("could not write {}: {error}", path.display()))?;
    Ok(Box::new(file))
}

/// A bar on standard error, where that is a terminal and the user wants one.
fn progress(args: &OutputArgs, entries: usize) -> ProgressBar {
    let hidden = args.no_progress || args.quiet || !io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta} left {wide_msg}")
        .expect("the template is well-formed");
    ProgressBar::with_draw_target(Some(entries as u64), target).with_style(style)
}
