//! `vetrun batch`: every sub-folder or file of a folder is one artifact.
//!
//! Artifacts are read, vetted, reported and dropped one by one, as many at once as there are jobs, so that memory does
//! not grow with their number. Reports are written as artifacts end ([`streams`]); formats that need all reports keep them.
//! What an interrupted batch has written can be taken up again ([`resume`]).

mod resume;
mod sink;
mod streams;

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::Failure;
use super::args::{BatchArgs, OutputArgs, RunningArgs};
use super::crew::{self, Places, Task, Turn};
use super::host::{Ahead, Host, nursery};
use super::reporting::{check_places, note};
use super::settings::{Settings, language};
use super::signals::{OnSignal, watch};
use super::vetting::{Ready, Vetter, empty_folder, exclusions, in_language, name, requirements, vet_read};
use crate::intake::{self, ExcludeSet};
use crate::language::Language;
use crate::output::{Format, jsonl};
use crate::report::Verdict;
use crate::sandbox::Stop;
use crate::vet::{Exit, Vetting};
use resume::Earlier;
use sink::{Said, Sink};

/// `vetrun batch`.
pub(super) fn batch(args: BatchArgs) -> Result<Exit, Failure> {
    check_places(&args.output)?;
    let stop = watch(OnSignal::Stop)?;
    let nursery = args.run.then(nursery);
    let BatchArgs { dirs, run, reading, judging, running, output, .. } = args;
    let settings = Settings::new(&judging, &reading, run.then_some(&running), &dirs)?;
    settings.notes.iter().for_each(|text| note(&output, text));
    let mut entries = entries(&dirs)?;
    if streams::is_ordered(&output) {
        // As reports are sorted where all of them are there.
        entries.sort_by_cached_key(|path| intake::printed(path));
    }
    let seats = args.jobs.map_or_else(available, usize::from);
    let places = Places { seats, sandboxes: args.sandboxes.map_or(seats, usize::from) };
    let together = places.sandboxes.min(entries.len());
    let ahead = Ahead { paths: &entries, together, warm: args.warm.into(), stop: &stop };
    let host = |nursery| Host::new(nursery, &settings.policy, &running, &ahead);
    let host = nursery.map(host).transpose()?;
    let ready = host.map(|host| ready(host, &running, &entries, &stop)).transpose()?;
    let earlier = args.resume.as_deref().map(|file| take_up(file, &entries, &output)).transpose()?;
    let (earlier, sink) = Sink::new(&output, entries.len(), earlier)?;
    let work = Work {
        exclude: exclusions(&reading)?,
        language: language(&reading)?,
        vetter: Vetter { settings, reading, ready, requirements: requirements(&running)? },
        entries,
        earlier,
        writes_passed: !output.quiet,
        output,
        sink: Mutex::new(sink),
    };
    let (count, patience) = (work.entries.len(), work.vetter.patience());
    let work = Arc::new(work);
    crew::work(&work, count, places, patience, &stop).map_err(unfinished)?;
    if let Some(kept) = work.vetter.ready.as_ref().and_then(|ready| ready.host.keep()) {
        note(&work.output, &format!("temporary folders are kept in {}", kept.display()));
    }
    let sink = work.sink.lock().unwrap_or_else(PoisonError::into_inner).take_all();
    sink.finish(stop.is_raised(), &work.vetter.settings, &work.output)
}

/// Ready to run what is cleared.
fn ready(host: Host, args: &RunningArgs, entries: &[PathBuf], stop: &Stop) -> Result<Ready, Failure> {
    let out = args.out.as_deref().map(empty_folder).transpose()?;
    if out.is_some() {
        check_names(entries)?;
    }
    Ok(Ready { host, args: Vec::new(), out, stop: stop.clone() })
}

/// Takes up the batch whose JSON Lines are in `file`; it goes on in the file that `-o` names, or in the same one.
fn take_up(file: &Path, entries: &[PathBuf], output: &OutputArgs) -> Result<Earlier, Failure> {
    if output.format.is_some_and(|format| format != Format::Jsonl) {
        return Err("`--resume` goes on with JSON Lines; leave `--format` out, and add others by `--report`".into());
    }
    let roots: HashSet<String> = entries.iter().map(|path| intake::printed(path)).collect();
    Earlier::take_up(file, output.file.as_deref().unwrap_or(file), &roots)
}

/// The artifacts of a batch, and everything that it takes to vet them.
struct Work {
    vetter: Vetter,
    exclude: ExcludeSet,
    language: Option<Language>,
    entries: Vec<PathBuf>,
    /// What an earlier batch said.
    earlier: Option<resume::Known>,
    /// Whether artifacts that pass have a line.
    writes_passed: bool,
    output: OutputArgs,
    sink: Mutex<Sink>,
}

impl Task for Work {
    type Said = io::Result<Said>;

    fn vet(&self, number: usize, turn: &Turn) -> io::Result<Said> {
        let path = &self.entries[number];
        let read = intake::read_batch_entry(path, &self.vetter.settings.policy.intake, &self.exclude);
        let read = read.map(|artifact| in_language(artifact, self.language, path));
        if let (Some(earlier), Ok(artifact)) = (&self.earlier, &read)
            && let Some(report) = earlier.report(artifact, &self.vetter.session(None))
        {
            return Ok(Said::earlier(report));
        }
        let session = self.vetter.session(self.out(path)?);
        turn.begins();
        Ok(self.said(vet_read(&session, &name(path), read, turn)))
    }

    fn given_up(&self, number: usize) -> io::Result<Said> {
        Ok(self.said(self.vetter.session(None).late(&name(&self.entries[number]))))
    }

    fn take(&self, number: usize, said: io::Result<Said>) -> io::Result<()> {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = said.and_then(|said| {
            if let (Some(earlier), false) = (&self.earlier, said.is_earlier) {
                earlier.replace(&intake::printed(&self.entries[number]));
            }
            sink.take(number, said)
        });
        taken.map_err(|error| sink::unwritten(&error, &self.output))
    }
}

impl Work {
    /// What there is to say of an artifact. Its line is made by the thread that vetted it.
    fn said(&self, vetting: Vetting) -> Said {
        let is_written = self.writes_passed || vetting.report.status != Verdict::Passed;
        let line = is_written.then(|| jsonl::report_line(&vetting.report)).filter(|_| self.has_lines());
        Said { vetting, line, is_earlier: false }
    }

    fn has_lines(&self) -> bool {
        self.output.format.is_none_or(|format| format == Format::Jsonl)
    }

    /// The output of a program goes to a folder of the artifact's name.
    fn out(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let all = self.vetter.ready.as_ref().and_then(|ready| ready.out.as_deref());
        let (Some(all), Some(name)) = (all, path.file_name()) else { return Ok(None) };
        let own = all.join(name);
        empty_folder(&own).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Some(own))
    }
}

/// What ended the batch before all artifacts were vetted; the rest of them may be anything, so this is never a pass.
fn unfinished(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => "the reader of the reports went away before every artifact was vetted".into(),
        _ => error.into(),
    }
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

/// All artifacts of all folders, in order.
fn entries(dirs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for dir in dirs {
        all.extend(intake::batch_entries(dir)?);
    }
    Ok(all)
}
