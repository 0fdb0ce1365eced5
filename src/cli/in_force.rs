//! The policy in force: which file counts, what it builds upon, and what outranks it.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::{JudgingArgs, ReadingArgs, RunningArgs};
use super::{environment, options};
use crate::policy::{Extended, Files, Layer, Layers, Preset, Resolved, Source, expand};

/// The name of a policy that is found by itself.
pub(super) const POLICY_FILE: &str = "vetrun.toml";

/// Bytes of a policy file that are read.
const POLICY_BYTES_MAX: u64 = 1 << 20;

/// The policy under which a command judges what is at `artifacts`, and runs it where it is `running`.
pub(super) fn policy_for(
    judging: &JudgingArgs,
    reading: &ReadingArgs,
    running: Option<&RunningArgs>,
    artifacts: &[PathBuf],
) -> Result<InForce, Failure> {
    let mut typed = Layer::default();
    options::judging(&mut typed, judging, reading);
    if let Some(running) = running {
        options::running(&mut typed, running);
    }
    let asked = Asked {
        policy: judging.policy.as_deref(),
        no_policy: judging.no_policy,
        preset: judging.preset,
        artifacts,
        is_running: running.is_some(),
    };
    asked.in_force(typed)
}

/// What is asked of the policy, beside its values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked<'a> {
    /// The file that was named.
    pub(super) policy: Option<&'a Path>,
    /// Whether no file is to be read.
    pub(super) no_policy: bool,
    /// The preset under the file.
    pub(super) preset: Option<Preset>,
    /// What will be vetted.
    pub(super) artifacts: &'a [PathBuf],
    /// Whether something is to be run.
    pub(super) is_running: bool,
}

/// A policy in force, and how it came to be.
#[derive(Debug)]
pub(super) struct InForce {
    /// The policy, and where its values come from.
    pub(super) resolved: Resolved,
    /// The policy file.
    pub(super) file: Option<PathBuf>,
    /// What was laid upon each other, the weakest first: presets and files.
    pub(super) names: Vec<String>,
    /// What the user should know.
    pub(super) notes: Vec<String>,
}

impl Asked<'_> {
    /// The policy file by itself, with all that it extends; `None` where there is none.
    pub(super) fn file_alone(self) -> Result<Option<InForce>, Failure> {
        let mut notes = Vec::new();
        let disk = Disk::new(self.artifacts);
        let Some(file) = self.file(&disk, &mut notes)? else { return Ok(None) };
        let Extended { layers: all, names } = expand(&label(&file), &disk)?;
        let mut layers = Layers::default();
        all.into_iter().for_each(|layer| layers.lay(layer));
        Ok(Some(InForce { resolved: layers.resolve()?, file: Some(file), names, notes }))
    }

    /// The policy in force: defaults, preset, file, environment, and above all what was `typed`.
    pub(super) fn in_force(self, typed: Layer) -> Result<InForce, Failure> {
        let mut notes = environment::misspelt();
        let disk = Disk::new(self.artifacts);
        let file = if self.no_policy { None } else { self.file(&disk, &mut notes)? };
        let mut layers = Layers::default();
        let mut names = Vec::new();
        let preset = if self.no_policy {
            self.preset
        } else {
            self.preset.map_or_else(environment::preset, |one| Ok(Some(one)))?
        };
        if let Some(preset) = preset {
            layers.lay(preset.layer()?);
            names.push(preset.name().to_owned());
        }
        if let Some(file) = &file {
            let Extended { layers: below, names: below_names } = expand(&label(file), &disk)?;
            below.into_iter().for_each(|layer| layers.lay(layer));
            names.extend(below_names);
        }
        let environment = environment::layer(self.is_running)?;
        notes.extend(layers.replaced_by(&environment).iter().map(|one| {
            let from = one.old_origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!("{} sets {} to {}, in place of {} ({from})", one.origin, one.key, one.value, one.old_value)
        }));
        layers.lay(environment);
        layers.lay(typed);
        Ok(InForce { resolved: layers.resolve()?, file, names, notes })
    }

    /// The policy that was named, by an option or the environment, else the nearest one in the current folder or above it
    /// that no artifact holds.
    fn file(self, disk: &Disk, notes: &mut Vec<String>) -> Result<Option<PathBuf>, Failure> {
        if let Some(path) = self.policy {
            return Ok(Some(path.to_path_buf()));
        }
        if let Some(path) = environment::policy() {
            // A variable is set once, and not with each artifact in mind.
            let shown = path.display();
            let refused =
                || format!("VETRUN_POLICY: {shown} lies inside an artifact (name it with `--policy` if it is yours)");
            return if disk.is_inside(&path) { Err(refused().into()) } else { Ok(Some(path)) };
        }
        let current = std::env::current_dir().map_err(|error| format!("there is no current folder: {error}"))?;
        for folder in current.ancestors() {
            let candidate = folder.join(POLICY_FILE);
            if !candidate.is_file() {
                continue;
            }
            if disk.is_inside(&candidate) {
                let mend = "name it with `--policy` if it is yours";
                notes.push(format!("{} lies inside an artifact and was not used ({mend})", candidate.display()));
                continue;
            }
            return Ok(Some(candidate));
        }
        Ok(None)
    }
}

/// The path by which a policy file is read and named: short where it lies in the current folder.
fn label(file: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    let short = if file.is_absolute() { file.strip_prefix(&current).ok() } else { None };
    short.unwrap_or(file).to_path_buf()
}

/// Files on the disk, and the artifacts, in which none of them may lie: nothing in an artifact changes how it is judged.
pub(super) struct Disk {
    roots: HashSet<PathBuf>,
}

impl Disk {
    pub(super) fn new(artifacts: &[PathBuf]) -> Self {
        Self { roots: artifacts.iter().filter_map(|path| fs::canonicalize(path).ok()).collect() }
    }

    /// Whether a path, or what it leads to, lies inside an artifact.
    pub(super) fn is_inside(&self, path: &Path) -> bool {
        let real = fs::canonicalize(path).ok();
        let folder = path.parent().and_then(|folder| fs::canonicalize(folder_or_here(folder)).ok());
        let mut places = [real, folder].into_iter().flatten();
        places.any(|place| place.ancestors().any(|above| self.roots.contains(above)))
    }
}

fn folder_or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

impl Files for Disk {
    fn read(&self, path: &Path, named_by: Option<&Path>) -> Result<Source, String> {
        let shown = path.display();
        let failed = |error: io::Error| format!("could not read {shown}: {error}");
        // A pipe that is named as a policy has no real path.
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        // Who names a policy inside an artifact means it, and what it extends beside it.
        if named_by.is_some_and(|by| !self.is_inside(by)) && self.is_inside(path) {
            let why = "nothing in an artifact changes how it is judged";
            return Err(format!("{shown} lies inside an artifact and is not read ({why}; move it out)"));
        }
        let mut text = String::new();
        let file = fs::File::open(&identity).map_err(failed)?;
        file.take(POLICY_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > POLICY_BYTES_MAX {
            return Err(format!("{shown} has more than {POLICY_BYTES_MAX} bytes, and is no policy"));
        }
        Ok(Source { text, identity })
    }
}
