//! `vetrun check` and `vetrun run`.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::Failure;
use super::args::{CheckArgs, InputArgs, OutputArgs, ReadingArgs, RunArgs, RunningArgs};
use super::crew::{self, Patience, Places, Task, Turn};
use super::guard::guarded;
use super::host::{Ahead, Host, nursery};
use super::reporting::{check_places, note, write_all};
use super::settings::{Settings, language};
use super::signals::{OnSignal, watch};
use crate::artifact::Artifact;
use crate::deps::names::NameData;
use crate::intake::{self, ExcludeSet, IntakeError};
use crate::language::Language;
use crate::policy::IntakeLimits;
use crate::report::Summary;
use crate::sandbox::Stop;
use crate::vet::{Exit, Grounds, Judging, Pace, Running, Session, Vetting};

/// The path that stands for standard input.
const STDIN: &str = "-";

/// `vetrun check`: static passes only.
pub(super) fn check(args: CheckArgs) -> Result<Exit, Failure> {
    check_places(&args.output)?;
    let _stop = watch(OnSignal::Exit)?;
    let CheckArgs { input, judging, output } = args;
    let inputs = Inputs::new(&input)?;
    let settings = Settings::new(&judging, &input.reading, None, &inputs.paths)?;
    settings.notes.iter().for_each(|text| note(&output, text));
    let asked = inputs.paths.len();
    let vetter = Vetter { settings, reading: input.reading, ready: None, requirements: None };
    let (task, vettings) = inputs.vet(vetter, &Stop::default())?;
    let exit = finish(asked, &vettings, &task.vetter.settings, &output);
    // The process ends here: to take all of this apart would only take time.
    std::mem::forget((task, vettings));
    exit
}

/// `vetrun run`: all passes.
pub(super) fn run(args: RunArgs) -> Result<Exit, Failure> {
    check_places(&args.output)?;
    let stop = watch(OnSignal::Stop)?;
    let nursery = nursery();
    let RunArgs { input, judging, running, output, args } = args;
    let inputs = Inputs::new(&input)?;
    let settings = Settings::new(&judging, &input.reading, Some(&running), &inputs.paths)?;
    settings.notes.iter().for_each(|text| note(&output, text));
    if inputs.paths.len() > 1 && running.out.is_some() {
        return Err("`--out` takes the output of one artifact; use `vetrun batch --run` for several".into());
    }
    let requirements = requirements(&running)?;
    let ahead = Ahead { paths: &inputs.paths, together: 1, warm: 0, stop: &stop };
    let host = Host::new(nursery, &settings.policy, &running, &ahead)?;
    let out = running.out.as_deref().map(empty_folder).transpose()?;
    let ready = Some(Ready { host, args, out, stop: stop.clone() });
    let asked = inputs.paths.len();
    let (task, vettings) = inputs.vet(Vetter { settings, reading: input.reading, ready, requirements }, &stop)?;
    if let Some(kept) = task.vetter.ready.as_ref().and_then(|ready| ready.host.keep()) {
        note(&output, &format!("temporary folders are kept in {}", kept.display()));
    }
    match Arc::try_unwrap(task) {
        Ok(InTurn { vetter: Vetter { settings, ready, .. }, .. }) => {
            // What is cleared away has nothing to do with what is reported.
            let clearing = std::thread::spawn(move || ready.map(|ready| ready.host.end()));
            let exit = finish(asked, &vettings, &settings, &output);
            let _cleared = clearing.join();
            exit
        }
        // A thread that does not end still holds it.
        Err(task) => finish(asked, &vettings, &task.vetter.settings, &output),
    }
}

/// Everything that one command vets with, on however many threads.
pub(super) struct Vetter {
    pub(super) settings: Settings,
    pub(super) reading: ReadingArgs,
    /// Where artifacts run, if they do.
    pub(super) ready: Option<Ready>,
    /// The file that `--requirements` names.
    pub(super) requirements: Option<(String, Vec<u8>)>,
}

/// What is ready to run artifacts.
pub(super) struct Ready {
    pub(super) host: Host,
    pub(super) args: Vec<String>,
    /// Where output files go.
    pub(super) out: Option<PathBuf>,
    /// Raised when the user interrupts.
    pub(super) stop: Stop,
}

impl Vetter {
    /// A session, in which the output of what runs goes to the folder `out`.
    pub(super) fn session(&self, out: Option<PathBuf>) -> Session<'_> {
        let running = self.ready.as_ref().map(|Ready { host, args, stop, .. }| Running {
            sandbox: host.sandbox(),
            uv: host.uv(),
            args,
            out,
            scratch: host.scratch(),
            store: self.settings.packages.as_ref(),
            stop,
        });
        let requirements = self.requirements.as_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        session(&self.settings, &self.reading, running, requirements)
    }

    /// How long static passes may take.
    pub(super) fn patience(&self) -> Patience {
        Patience::until(self.settings.policy.vet.timeout.duration())
    }
}

/// Everything that vetting needs, for one command.
pub(super) fn session<'a>(
    settings: &'a Settings,
    reading: &'a ReadingArgs,
    running: Option<Running<'a>>,
    requirements: Option<(&'a str, &'a [u8])>,
) -> Session<'a> {
    let judging = Judging {
        policy: &settings.policy,
        rules: &settings.rules,
        baseline: &settings.baseline,
        requirements,
        names: settings.names.as_ref().unwrap_or(NameData::builtin()),
    };
    Session {
        judging,
        grounds: match requirements {
            None => Cow::Borrowed(settings.grounds.get_or_init(|| Grounds::of(&judging))),
            Some(_) => Cow::Owned(Grounds::of(&judging)),
        },
        agent_id: reading.agent_id.as_deref(),
        running,
        cache: settings.cache.as_ref(),
    }
}

/// The file that `--requirements` names.
pub(super) fn requirements(running: &RunningArgs) -> Result<Option<(String, Vec<u8>)>, Failure> {
    let Some(path) = &running.requirements else { return Ok(None) };
    let bytes = fs::read(path).map_err(|error| format!("could not read {}: {error}", path.display()))?;
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or("requirements.txt");
    Ok(Some((name.to_owned(), bytes)))
}

/// Makes the folder, or makes sure that it is empty: no file of an earlier run is ever taken for one of this run.
pub(super) fn empty_folder(path: &Path) -> Result<PathBuf, Failure> {
    let failed = |error: io::Error| format!("could not make the output folder {}: {error}", path.display());
    fs::create_dir_all(path).map_err(failed)?;
    if fs::read_dir(path).map_err(failed)?.next().is_some() {
        return Err(format!("the output folder {} is not empty (empty it, or name another)", path.display()).into());
    }
    Ok(fs::canonicalize(path).map_err(failed)?)
}

/// What is to be vetted, before it is read.
struct Inputs {
    paths: Vec<PathBuf>,
    exclude: ExcludeSet,
    language: Option<Language>,
    stdin_name: Option<String>,
}

impl Inputs {
    fn new(args: &InputArgs) -> Result<Self, Failure> {
        let paths = if args.paths.is_empty() { vec![PathBuf::from(".")] } else { args.paths.clone() };
        if paths.iter().filter(|path| path.as_os_str() == STDIN).count() > 1 {
            return Err("standard input (`-`) can be vetted once".into());
        }
        Ok(Self {
            paths,
            exclude: exclusions(&args.reading)?,
            language: language(&args.reading)?,
            stdin_name: args.stdin_filename.clone(),
        })
    }

    /// Reads and vets one artifact after another, until all are done or `stop` is raised.
    fn vet(self, vetter: Vetter, stop: &Stop) -> Result<(Arc<InTurn>, Vec<Vetting>), Failure> {
        let (count, patience) = (self.paths.len(), vetter.patience());
        let task = Arc::new(InTurn { inputs: self, vetter, said: Mutex::default() });
        crew::work(&task, count, Places { seats: 1, sandboxes: 1 }, patience, stop)?;
        let mut said = std::mem::take(&mut *task.said.lock().unwrap_or_else(PoisonError::into_inner));
        said.sort_by_key(|(number, _)| *number);
        Ok((task, said.into_iter().map(|(_, vetting)| vetting).collect()))
    }

    fn read(&self, path: &Path, limits: &IntakeLimits) -> Result<Artifact, IntakeError> {
        if path.as_os_str() == STDIN {
            let name = self.stdin_name.clone().unwrap_or_else(|| stdin_name(self.language));
            return intake::read_stream(&name, io::stdin().lock(), self.language, limits);
        }
        let artifact = intake::read_path(path, limits, &self.exclude)?;
        Ok(in_language(artifact, self.language, path))
    }
}

/// The artifacts of a command in turn.
struct InTurn {
    inputs: Inputs,
    vetter: Vetter,
    said: Mutex<Vec<(usize, Vetting)>>,
}

impl Task for InTurn {
    type Said = Vetting;

    fn vet(&self, number: usize, turn: &Turn) -> Vetting {
        let session = self.vetter.session(self.vetter.ready.as_ref().and_then(|ready| ready.out.clone()));
        let path = &self.inputs.paths[number];
        let read = self.inputs.read(path, &self.vetter.settings.policy.intake);
        turn.begins();
        vet_read(&session, &name(path), read, turn)
    }

    fn given_up(&self, number: usize) -> Vetting {
        self.vetter.session(None).late(&name(&self.inputs.paths[number]))
    }

    fn take(&self, number: usize, said: Vetting) -> io::Result<()> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push((number, said));
        Ok(())
    }
}

/// Vets what was read, as `pace` has it go on, or reports why it could not be.
pub(super) fn vet_read(
    session: &Session<'_>,
    name: &str,
    read: Result<Artifact, IntakeError>,
    pace: &dyn Pace,
) -> Vetting {
    match read {
        Ok(artifact) => {
            let vetting = guarded(|| session.vet_paced(&artifact, pace));
            vetting.unwrap_or_else(|bug| session.not_vetted(name, &bug))
        }
        Err(error) => {
            let mut vetting = session.not_vetted(name, &error);
            if error.is_nothing_to_vet() {
                vetting.exit = Exit::NothingToVet;
            }
            vetting
        }
    }
}

/// Gives an artifact that is a single file the language that the user names.
pub(super) fn in_language(mut artifact: Artifact, language: Option<Language>, path: &Path) -> Artifact {
    if let (Some(language), [file], true) = (language, artifact.files.as_mut_slice(), path.is_file()) {
        file.language = language;
    }
    artifact
}

/// The user's exclusions, beside those that always hold.
pub(super) fn exclusions(reading: &ReadingArgs) -> Result<ExcludeSet, Failure> {
    let globs = intake::DEFAULT_EXCLUDES.into_iter().chain(reading.exclude.iter().map(String::as_str));
    Ok(intake::exclude_set(&globs.collect::<Vec<_>>())?)
}

/// The name of standard input where the user gives none: one whose extension says the language.
fn stdin_name(language: Option<Language>) -> String {
    match language.and_then(|language| language.info().extensions.first()) {
        Some(extension) => format!("stdin.{extension}"),
        None => "stdin".to_owned(),
    }
}

/// A path as text, for reports.
pub(super) fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Reports on what was asked for; where less than that was vetted, the user has interrupted.
fn finish(asked: usize, vettings: &[Vetting], settings: &Settings, output: &OutputArgs) -> Result<Exit, Failure> {
    let all = if vettings.len() < asked { Exit::Interrupted } else { Exit::Passed };
    let worst = vettings.iter().fold(all, |worst, vetting| worst.worse(vetting.exit));
    let mut summary = Summary::default();
    for vetting in vettings {
        summary.add(&vetting.report);
        summary.duration_ms += vetting.report.duration_ms;
    }
    let exit = leniently(worst, summary.error > 0 || worst == Exit::Interrupted, output);
    summary.exit_code = exit.code();
    let all: Vec<_> = vettings.iter().map(|vetting| &vetting.report).collect();
    write_all(&settings.reports(&all, &summary), output)?;
    Ok(exit)
}

/// `--exit-zero`: what was vetted exits with 0; where something was not, nothing is made lighter.
pub(super) fn leniently(exit: Exit, any_not_vetted: bool, output: &OutputArgs) -> Exit {
    if output.exit_zero && !any_not_vetted { Exit::Passed } else { exit }
}
