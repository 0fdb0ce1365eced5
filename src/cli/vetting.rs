//! `vetrun check` and `vetrun run`.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::GlobSet;

use super::Failure;
use super::args::{CheckArgs, InputArgs, OutputArgs, ReadingArgs, RunArgs, RunningArgs};
use super::guard::guarded;
use super::host::{Ahead, Host, nursery};
use super::reporting::{note, write_all};
use super::settings::{Settings, language};
use super::signals::{OnSignal, watch};
use crate::artifact::Artifact;
use crate::deps::names::NameData;
use crate::intake::{self, IntakeError};
use crate::language::Language;
use crate::policy::IntakeLimits;
use crate::report::Summary;
use crate::sandbox::Stop;
use crate::vet::{Exit, Judging, Running, Session, Vetting};

/// The path that stands for standard input.
const STDIN: &str = "-";

/// `vetrun check`: static passes only.
pub(super) fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let _stop = watch(OnSignal::Exit)?;
    let inputs = Inputs::new(&args.input)?;
    let settings = Settings::new(&args.judging, &args.input.reading, None, &inputs.paths)?;
    settings.notes.iter().for_each(|text| note(&args.output, text));
    let session = session(&settings, &args.input.reading, None, None);
    let stop = Stop::default();
    finish(&inputs.vet(&session, &settings.policy.intake, &stop), &settings, &args.output)
}

/// `vetrun run`: all passes.
pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let stop = watch(OnSignal::Stop)?;
    let nursery = nursery();
    let inputs = Inputs::new(&args.input)?;
    let settings = Settings::new(&args.judging, &args.input.reading, Some(&args.running), &inputs.paths)?;
    settings.notes.iter().for_each(|text| note(&args.output, text));
    if inputs.paths.len() > 1 && args.running.out.is_some() {
        return Err("`--out` takes the output of one artifact; use `vetrun batch --run` for several".into());
    }
    let requirements = requirements(&args.running)?;
    let host = Host::new(
        nursery,
        &settings.policy,
        &args.running,
        &Ahead { paths: &inputs.paths, together: 1, warm: 0, stop: &stop },
    )?;
    let out = args.running.out.as_deref().map(empty_folder).transpose()?;
    let running = Running {
        sandbox: host.sandbox(),
        uv: host.uv(),
        args: &args.args,
        out,
        scratch: host.scratch(),
        store: settings.packages.as_ref(),
        stop: &stop,
    };
    let requirements = requirements.as_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let session = session(&settings, &args.input.reading, Some(running), requirements);
    let vettings = inputs.vet(&session, &settings.policy.intake, &stop);
    drop(session);
    if let Some(kept) = host.keep() {
        note(&args.output, &format!("temporary folders are kept in {}", kept.display()));
    }
    // What is cleared away has nothing to do with what is reported.
    let clearing = std::thread::spawn(move || drop(host));
    let exit = finish(&vettings, &settings, &args.output);
    let _cleared = clearing.join();
    exit
}

/// Everything that vetting needs, for one command.
pub(super) fn session<'a>(
    settings: &'a Settings,
    reading: &'a ReadingArgs,
    running: Option<Running<'a>>,
    requirements: Option<(&'a str, &'a [u8])>,
) -> Session<'a> {
    Session {
        judging: Judging {
            policy: &settings.policy,
            rules: &settings.rules,
            baseline: &settings.baseline,
            requirements,
            names: settings.names.as_ref().unwrap_or(NameData::builtin()),
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
    exclude: GlobSet,
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
    fn vet(&self, session: &Session<'_>, limits: &IntakeLimits, stop: &Stop) -> Vec<Vetting> {
        let paths = self.paths.iter().take_while(|_| !stop.is_raised());
        paths.map(|path| vet_read(session, &name(path), self.read(path, limits))).collect()
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

/// Vets what was read, or reports why it could not be.
pub(super) fn vet_read(session: &Session<'_>, name: &str, read: Result<Artifact, IntakeError>) -> Vetting {
    match read {
        Ok(artifact) => guarded(|| session.vet(&artifact)).unwrap_or_else(|bug| session.not_vetted(name, &bug)),
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
pub(super) fn exclusions(reading: &ReadingArgs) -> Result<GlobSet, Failure> {
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

fn finish(vettings: &[Vetting], settings: &Settings, output: &OutputArgs) -> Result<Exit, Failure> {
    let worst = vettings.iter().fold(Exit::Passed, |worst, vetting| worst.worse(vetting.exit));
    let mut summary = Summary::default();
    for vetting in vettings {
        summary.add(&vetting.report);
        summary.duration_ms += vetting.report.duration_ms;
    }
    let exit = leniently(worst, summary.error > 0, output);
    summary.exit_code = exit.code();
    let all: Vec<_> = vettings.iter().map(|vetting| &vetting.report).collect();
    write_all(&settings.reports(&all, &summary), output)?;
    Ok(exit)
}

/// `--exit-zero`: what was vetted exits with 0; where something was not, nothing is made lighter.
pub(super) fn leniently(exit: Exit, any_not_vetted: bool, output: &OutputArgs) -> Exit {
    if output.exit_zero && !any_not_vetted { Exit::Passed } else { exit }
}
