//! `vetrun batch`: every sub-folder or file of a folder is one artifact.
//!
//! Artifacts are read, vetted, reported and dropped one by one, as many at once as there are jobs, so that memory does
//! not grow with their number. Reports are written as artifacts end; formats that need all reports keep them.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind::BrokenPipe;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Failure;
use super::args::{BatchArgs, OutputArgs};
use super::host::{Ahead, Host, nursery};
use super::reporting::{note, write_all, write_extra};
use super::settings::{Settings, language};
use super::signals::{OnSignal, watch};
use super::vetting::{empty_folder, exclusions, in_language, leniently, name, requirements, session, vet_read};
use crate::intake;
use crate::output::{Format, jsonl, sanitize};
use crate::passes::install::Store;
use crate::report::{Report, Summary, Verdict, millis};
use crate::sandbox::Stop;
use crate::vet::{Exit, Running, Vetting};

/// `vetrun batch`.
pub(super) fn batch(args: &BatchArgs) -> Result<Exit, Failure> {
    let stop = watch(OnSignal::Stop)?;
    let nursery = args.run.then(nursery);
    let settings = Settings::new(&args.judging, &args.reading, args.run.then_some(&args.running), &args.dirs)?;
    settings.notes.iter().for_each(|text| note(&args.output, text));
    let entries = entries(&args.dirs)?;
    let jobs = args.jobs.map_or_else(available, usize::from);
    let ahead = Ahead { paths: &entries, together: jobs.min(entries.len()), warm: args.warm.into(), stop: &stop };
    let host = |nursery| Host::new(nursery, &settings.policy, &args.running, &ahead);
    let host = nursery.map(host).transpose()?;
    let out = args.running.out.as_deref().filter(|_| args.run).map(empty_folder).transpose()?;
    if out.is_some() {
        check_names(&entries)?;
    }
    let requirements = requirements(&args.running)?;
    let requirements = requirements.as_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let exclude = exclusions(&args.reading)?;
    let language = language(&args.reading)?;
    let limits = &settings.policy.intake;
    let sink = Mutex::new(Sink::new(&args.output, entries.len())?);

    let vet = |path: &PathBuf| -> Result<(), io::Error> {
        if stop.is_raised() {
            return Ok(());
        }
        let store = settings.packages.as_ref();
        let running = host.as_ref().map(|host| running(host, store, &stop, out.as_deref(), path)).transpose()?;
        let session = session(&settings, &args.reading, running, requirements);
        let read = intake::read_batch_entry(path, limits, &exclude);
        let vetting = vet_read(&session, &name(path), read.map(|artifact| in_language(artifact, language, path)));
        let taken = sink.lock().expect("no holder of the lock panics").take(vetting);
        taken.map_err(|error| unwritten(&error, &args.output))
    };
    side_by_side(jobs, &entries, vet).map_err(unfinished)?;
    if let Some(kept) = host.as_ref().and_then(Host::keep) {
        note(&args.output, &format!("temporary folders are kept in {}", kept.display()));
    }
    let sink = sink.into_inner().expect("no holder of the lock panicked");
    sink.finish(stop.is_raised(), &settings, args)
}

/// What ended the batch before all artifacts were vetted; the rest of them may be anything, so this is never a pass.
fn unfinished(error: io::Error) -> Failure {
    match error.kind() {
        BrokenPipe => "the reader of the reports went away before every artifact was vetted".into(),
        _ => error.into(),
    }
}

/// An error of writing reports, with the place where they should have gone.
fn unwritten(error: &io::Error, output: &OutputArgs) -> io::Error {
    let place = output.file.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    io::Error::new(error.kind(), format!("could not write the reports to {place}: {error}"))
}

/// Two artifacts of one name would write into one output folder.
fn check_names(entries: &[PathBuf]) -> Result<(), Failure> {
    let mut seen = HashMap::new();
    for path in entries {
        if let Some(first) = seen.insert(path.file_name(), path) {
            let (first, second) = (first.display(), path.display());
            return Err(format!(
                "`--out` has one folder a name, and {first} and {second} share theirs; batch them apart"
            )
            .into());
        }
    }
    Ok(())
}

/// As many jobs as there are processors.
fn available() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Calls `work` for every entry, in order, on `jobs` threads; the first error ends all.
///
/// These are plain threads, not a pool of tasks: a task that waits for another pool (as parsing does) would begin further
/// tasks on its own stack meanwhile, one inside the other, until the stack is full.
fn side_by_side<T: Sync>(jobs: usize, entries: &[T], work: impl Fn(&T) -> io::Result<()> + Sync) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let worker = || {
        while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(entry).inspect_err(|_| next.store(entries.len(), Ordering::Relaxed))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.min(entries.len())).map(|_| scope.spawn(worker)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        ended.collect()
    })
}

/// All artifacts of all folders, in order.
fn entries(dirs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for dir in dirs {
        all.extend(intake::batch_entries(dir)?);
    }
    Ok(all)
}

/// How one artifact of the batch runs: its output goes to a folder of its name.
fn running<'a>(
    host: &'a Host,
    store: Option<&'a Store>,
    stop: &'a Stop,
    out: Option<&Path>,
    path: &Path,
) -> io::Result<Running<'a>> {
    let out = match (out, path.file_name()) {
        (Some(out), Some(name)) => Some(out.join(name)),
        _ => None,
    };
    if let Some(out) = &out {
        empty_folder(out).map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(Running { sandbox: host.sandbox(), uv: host.uv(), args: &[], out, scratch: host.scratch(), store, stop })
}

/// Where reports go as their artifacts end.
struct Sink {
    format: Format,
    /// The writer of formats that are written line by line.
    lines: Option<Box<dyn Write + Send>>,
    /// The reports that other formats need at the end.
    kept: Vec<Report>,
    keeps: bool,
    summary: Summary,
    exit: Exit,
    quiet: bool,
    progress: ProgressBar,
    started: Instant,
}

impl Sink {
    fn new(args: &OutputArgs, entries: usize) -> Result<Self, Failure> {
        let format = args.format.unwrap_or(Format::Jsonl);
        let lines = (format == Format::Jsonl).then(|| line_writer(args.file.as_deref())).transpose()?;
        Ok(Self {
            format,
            keeps: lines.is_none() || !args.report.is_empty(),
            lines,
            kept: Vec::new(),
            summary: Summary::default(),
            exit: Exit::Passed,
            quiet: args.quiet,
            progress: progress(args, entries),
            started: Instant::now(),
        })
    }

    fn take(&mut self, vetting: Vetting) -> io::Result<()> {
        let Vetting { report, exit } = vetting;
        self.exit = self.exit.worse(exit);
        self.summary.add(&report);
        if let Some(lines) = &mut self.lines
            && !(self.quiet && report.status == Verdict::Passed)
        {
            lines.write_all(jsonl::report_line(&report).as_bytes())?;
        }
        self.progress.set_message(sanitize::line(&report.artifact.name).into_owned());
        self.progress.inc(1);
        if self.keeps {
            self.kept.push(report);
        }
        Ok(())
    }

    fn finish(mut self, interrupted: bool, settings: &Settings, args: &BatchArgs) -> Result<Exit, Failure> {
        self.progress.finish_and_clear();
        let mut exit = leniently(self.exit, self.summary.error > 0, &args.output);
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
        let mut output = args.output.clone();
        output.format = Some(self.format);
        match &mut self.lines {
            Some(lines) => {
                let summary = jsonl::summary_line(&self.summary);
                let written = lines.write_all(summary.as_bytes()).and_then(|()| lines.flush());
                // Everything was vetted: a reader who leaves now changes no verdict.
                match written {
                    Err(error) if error.kind() != BrokenPipe => return Err(unwritten(&error, &output).into()),
                    _ => write_extra(&reports, &output)?,
                }
            }
            None => write_all(&reports, &output)?,
        }
        if self.format != Format::Human || output.file.is_some() {
            let Summary { artifacts, passed, failed, error, .. } = self.summary;
            let plural = if artifacts == 1 { "" } else { "s" };
            note(
                &output,
                &format!("{artifacts} artifact{plural}: {passed} passed, {failed} failed, {error} not vetted"),
            );
        }
        Ok(exit)
    }
}

fn line_writer(file: Option<&Path>) -> Result<Box<dyn Write + Send>, Failure> {
    let Some(path) = file else { return Ok(Box::new(io::stdout())) };
    let file = File::create(path).map_err(|error| format!("could not write {}: {error}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// A bar on standard error, where that is a terminal and the user wants one.
fn progress(args: &OutputArgs, entries: usize) -> ProgressBar {
    let hidden = args.no_progress || args.quiet || !io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta} left {wide_msg}")
        .expect("the template is well-formed");
    ProgressBar::with_draw_target(Some(entries as u64), target).with_style(style)
}
