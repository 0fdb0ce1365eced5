//! `vetrun watch`: vets the artifacts of a folder as an agent writes them.
//!
//! What the system tells of the folder is kept track of in [`tree`]; when an artifact has been left alone for a while
//! ([`settle`]), it is read, and vetted unless it is what it was. Each verdict is printed as it comes. The last one of each
//! artifact counts: they are what vetrun exits with when it is told to end.

mod settle;
mod tree;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use super::Failure;
use super::args::{Color, JudgingArgs, OutputArgs, ReadingArgs};
use super::crew::{self, Places, Task, Turn};
use super::reporting::{note, write_all};
use super::settings::{Settings, language};
use super::signals::{OnSignal, watch as signals};
use super::vetting::{Vetter, exclusions, in_language, name, vet_read};
use crate::intake::{self, ExcludeSet, IntakeError};
use crate::language::Language;
use crate::output::{Format, jsonl};
use crate::policy::Timeout;
use crate::report::Summary;
use crate::sandbox::Stop;
use crate::vet::{Exit, Vetting};
use settle::Settling;
use tree::{Changes, Tree};

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// The folder whose sub-folders and files are the artifacts
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// How long an artifact must be left alone before it is vetted
    #[arg(long, value_name = "TIME", default_value = "200ms")]
    settle: Timeout,
    /// How each report is printed: human, concise or jsonl [default: concise on a terminal, else jsonl]
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    format: Option<Format>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    color: Color,
    /// Print only where something stands against the artifact
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    judging: JudgingArgs,
}

/// Artifacts that are vetted at once.
const SEATS: usize = 2;

/// How often it is looked at whether vetrun is told to end.
const LOOK: Duration = Duration::from_millis(50);

/// `vetrun watch`.
pub(super) fn watch(args: WatchArgs) -> Result<Exit, Failure> {
    let stop = signals(OnSignal::Stop)?;
    let output = output(&args)?;
    let WatchArgs { dir, settle, reading, judging, .. } = args;
    let settings = Settings::new(&judging, &reading, None, std::slice::from_ref(&dir))?;
    settings.notes.iter().for_each(|text| note(&output, text));
    let depth_max = usize::try_from(settings.policy.intake.depth_max).unwrap_or(usize::MAX);
    // Watched first and listed then, so that nothing is written unseen between the two.
    let mut tree = Tree::new(&dir, depth_max)?;
    let desk = Desk {
        exclude: exclusions(&reading)?,
        language: language(&reading)?,
        vetter: Vetter { settings, reading, ready: None, requirements: None },
        output,
        verdicts: Mutex::default(),
    };
    let desk = Arc::new(desk);
    let mut settling = Settling::new(settle.duration());
    round(&desk, listed(&dir)?, &stop)?;
    while !stop.is_raised() {
        let within = settling.next(Instant::now()).unwrap_or(LOOK).min(LOOK);
        match tree.changes(within)? {
            Changes::In(names) => names.into_iter().for_each(|name| settling.touch(name, Instant::now())),
            // More has happened than the system could tell: all of it is looked at, and what has not changed costs little.
            Changes::Untold => {
                let gone = desk.verdicts().keys().cloned().collect::<Vec<_>>();
                round(&desk, gone.into_iter().chain(listed(&dir)?).collect(), &stop)?;
            }
            Changes::Gone => return Err(format!("the folder {} is not there any more", dir.display()).into()),
        }
        let ready = settling.ready(Instant::now());
        round(&desk, ready.into_iter().map(|name: OsString| dir.join(name)).collect(), &stop)?;
    }
    let verdicts = desk.verdicts();
    Ok(verdicts.values().fold(Exit::Passed, |worst, (_, exit)| worst.worse(*exit)))
}

/// The artifacts that are in the folder; it may well be empty at first.
fn listed(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    match intake::batch_entries(dir) {
        Err(error) if error.is_nothing_to_vet() => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

/// How reports are printed.
fn output(args: &WatchArgs) -> Result<OutputArgs, Failure> {
    let format =
        args.format.unwrap_or(if io::IsTerminal::is_terminal(&io::stdout()) { Format::Concise } else { Format::Jsonl });
    if !matches!(format, Format::Human | Format::Concise | Format::Jsonl) {
        return Err(format!("reports are printed one by one, and {format} has one page for all; use jsonl").into());
    }
    Ok(OutputArgs {
        format: Some(format),
        file: None,
        report: Vec::new(),
        color: args.color,
        no_progress: true,
        quiet: args.quiet,
        verbose: false,
        exit_zero: false,
    })
}

/// What stays from one change to the next.
struct Desk {
    vetter: Vetter,
    exclude: ExcludeSet,
    language: Option<Language>,
    output: OutputArgs,
    /// What was said last of each artifact that is there: the report's id, and how vetting ended.
    verdicts: Mutex<BTreeMap<PathBuf, (String, Exit)>>,
}

impl Desk {
    fn verdicts(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, (String, Exit)>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, vetting: &Vetting) -> io::Result<()> {
        if self.output.quiet && vetting.exit == Exit::Passed {
            return Ok(());
        }
        if self.output.format == Some(Format::Jsonl) {
            let mut out = io::stdout().lock();
            return out.write_all(jsonl::report_line(&vetting.report).as_bytes()).and_then(|()| out.flush());
        }
        let mut summary = Summary::default();
        summary.add(&vetting.report);
        let all = [&vetting.report];
        let reports = self.vetter.settings.reports(&all, &summary);
        write_all(&reports, &self.output).map_err(|error| io::Error::other(error.to_string()))
    }
}

/// Vets what is at these paths, unless it is what it was.
fn round(desk: &Arc<Desk>, mut paths: Vec<PathBuf>, stop: &Stop) -> Result<(), Failure> {
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return Ok(());
    }
    let (count, patience) = (paths.len(), desk.vetter.patience());
    let round = Arc::new(Round { desk: Arc::clone(desk), paths });
    match crew::work(&round, count, Places { seats: SEATS, sandboxes: 1 }, patience, stop) {
        Ok(_left_to_themselves) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err("the reader of the reports went away".into()),
        Err(error) => Err(format!("could not write the report to standard output: {error}").into()),
    }
}

/// Artifacts that may have changed.
struct Round {
    desk: Arc<Desk>,
    paths: Vec<PathBuf>,
}

/// What there is to say of one.
enum Said {
    Vetted(Box<Vetting>),
    /// It is what it was.
    Unchanged,
    /// It is not there, or empty.
    Gone,
}

impl Task for Round {
    type Said = Said;

    fn vet(&self, number: usize, turn: &Turn) -> Said {
        let Desk { vetter, exclude, language, .. } = &*self.desk;
        let path = &self.paths[number];
        let read = intake::read_batch_entry(path, &vetter.settings.policy.intake, exclude);
        let read = read.map(|artifact| in_language(artifact, *language, path));
        let session = vetter.session(None);
        match &read {
            Err(IntakeError::NotFound { .. } | IntakeError::NothingToVet { .. }) => return Said::Gone,
            Ok(artifact) if self.desk.verdicts().get(path).is_some_and(|(id, _)| *id == session.id(artifact)) => {
                return Said::Unchanged;
            }
            _ => {}
        }
        turn.begins();
        Said::Vetted(Box::new(vet_read(&session, &name(path), read, turn)))
    }

    fn given_up(&self, number: usize) -> Said {
        Said::Vetted(Box::new(self.desk.vetter.session(None).late(&name(&self.paths[number]))))
    }

    fn take(&self, number: usize, said: Said) -> io::Result<()> {
        let path = &self.paths[number];
        let mut verdicts = self.desk.verdicts();
        match said {
            Said::Unchanged => Ok(()),
            Said::Gone => {
                if verdicts.remove(path).is_some() {
                    note(&self.desk.output, &format!("{} is gone", path.display()));
                }
                Ok(())
            }
            Said::Vetted(vetting) => {
                // What could not be vetted is tried again, whatever its id.
                let id = if vetting.exit == Exit::NotVetted { String::new() } else { vetting.report.id.clone() };
                verdicts.insert(path.clone(), (id, vetting.exit));
                self.desk.print(&vetting)
            }
        }
    }
}
