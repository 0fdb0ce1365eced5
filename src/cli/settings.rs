//! From what was typed to what it means: the policy, the rules and the baseline of a command.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Failure;
use super::args::{JudgingArgs, ReadingArgs, RunningArgs};
use super::packages::store;
use super::reporting::Reports;
use crate::cache::Cache;
use crate::deps::names::{NameData, TableKind};
use crate::language::Language;
use crate::passes::install::Store;
use crate::policy::{Images, Policy};
use crate::report::{Report, Summary};
use crate::rules::RuleSet;
use crate::vet::{Baseline, names, threshold};

/// The name of a policy that is found by itself.
pub(super) const POLICY_FILE: &str = "vetrun.toml";

/// What a command vets with.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) policy: Policy,
    pub(super) rules: RuleSet,
    pub(super) baseline: Baseline,
    /// What is known of names of packages, where the policy names a folder.
    pub(super) names: Option<NameData>,
    /// Where results of static passes are kept.
    pub(super) cache: Option<Cache>,
    /// Where packages are kept, if something is to be run.
    pub(super) packages: Option<Store>,
    /// The files and folders that these come from.
    pub(super) sources: Vec<PathBuf>,
    /// What the user should know about how these came to be.
    pub(super) notes: Vec<String>,
}

impl Settings {
    /// Reads the policy, the rules and the baseline. `artifacts` are the paths to vet: no policy is taken from inside
    /// one of them.
    pub(super) fn new(
        judging: &JudgingArgs,
        reading: &ReadingArgs,
        running: Option<&RunningArgs>,
        artifacts: &[PathBuf],
    ) -> Result<Self, Failure> {
        let mut notes = Vec::new();
        let file =
            if judging.no_policy { None } else { policy_file(judging.policy.as_deref(), artifacts, &mut notes)? };
        let mut policy = read_policy(file.as_deref())?;
        let mut rule_dirs = rule_dirs(&policy, file.as_deref());
        rule_dirs.extend(judging.rules.iter().cloned());
        apply_judging(&mut policy, judging, reading);
        if let Some(running) = running {
            apply_running(&mut policy, running);
        }
        policy.check()?;
        if let Some(profile) = &policy.structure.profile {
            policy.profile(profile)?;
        }
        let rules = RuleSet::load(policy.scan.builtin_rules, &rule_dirs)?;
        check_selection(&policy.gate.select, &rules)?;
        let baseline = judging.baseline.as_deref().map(read_baseline).transpose()?.unwrap_or_default();
        let cache = cache(judging, &policy, file.as_deref(), artifacts)?;
        let base = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let packages = match running {
            Some(_) => store(judging, &policy, base, artifacts)?,
            None => None,
        };
        let names = names_data(&policy, file.as_deref(), artifacts)?;
        let mut sources = rule_dirs;
        sources.extend(judging.baseline.iter().cloned());
        sources.extend(cache.iter().map(|cache| cache.folder().to_owned()));
        sources.extend(policy.install.names_data.iter().map(|folder| base.join(folder)));
        sources.extend(file);
        let sources = sources.into_iter().map(|path| std::path::absolute(&path).unwrap_or(path)).collect();
        Ok(Self { policy, rules, baseline, names, cache, packages, sources, notes })
    }

    /// What is to be reported of these.
    pub(super) fn reports<'a>(&'a self, all: &'a [&'a Report], summary: &'a Summary) -> Reports<'a> {
        Reports { all, summary, rules: &self.rules, threshold: threshold(&self.policy.gate) }
    }
}

/// A selection that names no rule would leave nothing to be found, and a misspelt one would pass everything.
fn check_selection(select: &[String], rules: &RuleSet) -> Result<(), Failure> {
    let is_empty = |pattern: &&String| !rules.rules().iter().any(|rule| names(pattern, &rule.id));
    match select.iter().find(is_empty) {
        Some(pattern) => {
            Err(format!("no rule is selected by `{pattern}` (`vetrun rules list` shows their ids)").into())
        }
        None => Ok(()),
    }
}

/// The language that the user names, if any.
pub(super) fn language(reading: &ReadingArgs) -> Result<Option<Language>, Failure> {
    reading.language.as_deref().map(language_named).transpose()
}

/// The language of this name.
pub(super) fn language_named(name: &str) -> Result<Language, Failure> {
    let known = || crate::language::LANGUAGES.iter().map(|info| info.name).collect::<Vec<_>>().join(", ");
    match Language::named(name) {
        Some(language) => Ok(language),
        None => Err(format!("there is no language `{name}` (there are: {})", known()).into()),
    }
}

fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| format!("could not read {}: {error}", path.display()).into())
}

/// The policy that was named, else the one that is found by itself, if there is one, and what it says.
pub(super) fn policy_in_force(named: Option<&Path>, none: bool) -> Result<(Option<PathBuf>, Policy), Failure> {
    let file = if none { None } else { policy_file(named, &[], &mut Vec::new())? };
    let policy = read_policy(file.as_deref())?;
    policy.check()?;
    Ok((file, policy))
}

fn read_policy(file: Option<&Path>) -> Result<Policy, Failure> {
    match file {
        Some(path) => Ok(Policy::from_toml(&read_text(path)?, &path.display().to_string())?),
        None => Ok(Policy::default()),
    }
}

/// The policy that was named, else the nearest one in the current folder or above it that no artifact holds.
fn policy_file(
    named: Option<&Path>,
    artifacts: &[PathBuf],
    notes: &mut Vec<String>,
) -> Result<Option<PathBuf>, Failure> {
    if let Some(path) = named {
        return Ok(Some(path.to_path_buf()));
    }
    let current = std::env::current_dir().map_err(|error| format!("there is no current folder: {error}"))?;
    let roots: HashSet<PathBuf> = artifacts.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    for folder in current.ancestors() {
        let candidate = folder.join(POLICY_FILE);
        if !candidate.is_file() {
            continue;
        }
        let real = fs::canonicalize(&candidate).unwrap_or_else(|_| candidate.clone());
        let inside = |path: &Path| path.ancestors().any(|above| roots.contains(above));
        if inside(&real) || inside(folder) {
            let mend = "name it with `--policy` if it is yours";
            notes.push(format!("{} lies inside an artifact and was not used ({mend})", candidate.display()));
            continue;
        }
        return Ok(Some(candidate));
    }
    Ok(None)
}

/// The cache that was named, by an option or the policy. Nothing inside an artifact changes how it is judged, so it may
/// not lie in one.
fn cache(
    judging: &JudgingArgs,
    policy: &Policy,
    file: Option<&Path>,
    artifacts: &[PathBuf],
) -> Result<Option<Cache>, Failure> {
    let base = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let named = || policy.cache.dir.as_deref().map(|dir| base.join(dir));
    let Some(folder) = judging.cache.clone().or_else(named).filter(|_| !judging.no_cache) else { return Ok(None) };
    let cache = Cache::open(&folder, build()?)?;
    let mut roots = artifacts.iter().filter_map(|path| fs::canonicalize(path).ok());
    if roots.any(|root| cache.folder().starts_with(root)) {
        let folder = folder.display();
        return Err(format!("the cache folder {folder} lies inside an artifact (name one outside of it)").into());
    }
    Ok(Some(cache))
}

/// What is known of names, from the folder that the policy names. Nothing inside an artifact changes how it is judged, so
/// it may not lie in one.
fn names_data(policy: &Policy, file: Option<&Path>, artifacts: &[PathBuf]) -> Result<Option<NameData>, Failure> {
    let Some(named) = &policy.install.names_data else { return Ok(None) };
    let base = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let unreadable = |path: &Path, error: io::Error| format!("could not read {}: {error}", path.display());
    let folder = base.join(named);
    let folder = fs::canonicalize(&folder).map_err(|error| unreadable(&folder, error))?;
    let mut roots = artifacts.iter().filter_map(|path| fs::canonicalize(path).ok());
    if roots.any(|root| folder.starts_with(root)) {
        let folder = folder.display();
        return Err(format!("the folder of names {folder} lies inside an artifact (name one outside of it)").into());
    }
    let mut texts = Vec::new();
    for kind in TableKind::ALL {
        let path = folder.join(kind.file_name());
        match fs::read_to_string(&path) {
            Ok(text) => texts.push((kind, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&path, error).into()),
        }
    }
    if texts.is_empty() {
        return Err(format!("{} holds no table of names (`vetrun deps update` makes them)", folder.display()).into());
    }
    let text = |kind| texts.iter().find(|(one, _)| *one == kind).map(|(_, text)| text.clone());
    let data = NameData::read(text).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(Some(data))
}

/// Tells this build of vetrun from every other: its version, and the size and time of the program file.
pub(super) fn build() -> Result<String, Failure> {
    let program = std::env::current_exe().and_then(fs::metadata);
    let program = program.map_err(|error| format!("vetrun cannot find its own program file: {error}"))?;
    let changed = program.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{} {} {}", env!("CARGO_PKG_VERSION"), program.len(), changed.as_nanos()))
}

/// The policy's rule folders, which it names relative to itself.
fn rule_dirs(policy: &Policy, file: Option<&Path>) -> Vec<PathBuf> {
    let base = file.and_then(Path::parent).unwrap_or(Path::new(""));
    policy.scan.rule_dirs.iter().map(|dir| base.join(dir)).collect()
}

fn apply_judging(policy: &mut Policy, judging: &JudgingArgs, reading: &ReadingArgs) {
    let gate = &mut policy.gate;
    set(&mut gate.fail_on, judging.fail_on);
    set(&mut gate.min_confidence, judging.min_confidence);
    gate.select.extend(judging.select.iter().cloned());
    gate.ignore.extend(judging.ignore.iter().cloned());
    gate.allow_suppressions |= judging.allow_suppressions;
    policy.scan.builtin_rules &= !judging.no_builtin_rules;
    if reading.profile.is_some() {
        policy.structure.profile.clone_from(&reading.profile);
    }
}

fn apply_running(policy: &mut Policy, running: &RunningArgs) {
    let execute = &mut policy.execute;
    set(&mut execute.sandbox, running.sandbox);
    if let Some(image) = &running.image {
        // Who names an image means it for everything.
        execute.image.clone_from(image);
        execute.images = Images::default();
    }
    set(&mut execute.pull, running.pull);
    if running.runtime.is_some() {
        execute.runtime.clone_from(&running.runtime);
    }
    set(&mut execute.timeout, running.timeout);
    set(&mut execute.memory, running.memory);
    set(&mut execute.cpus, running.cpus);
    set(&mut execute.pids, running.pids);
    set(&mut execute.network, running.network);
    execute.trace &= !running.no_trace;
    execute.env.extend(running.env.iter().cloned());
    if let Some(entry) = &running.entry {
        execute.entry = Some(entry.split_whitespace().map(str::to_owned).collect());
    }
    set(&mut policy.install.installer, running.installer);
    policy.install.enabled &= !running.no_install;
}

fn set<T>(value: &mut T, typed: Option<T>) {
    if let Some(typed) = typed {
        *value = typed;
    }
}

/// The fingerprints of an earlier report: one JSON report, an array of them, or JSON Lines.
fn read_baseline(path: &Path) -> Result<Baseline, Failure> {
    let text = read_text(path)?;
    let reports =
        reports_in(&text).map_err(|error| format!("{} is not a JSON report of vetrun: {error}", path.display()))?;
    Ok(reports.into_iter().flat_map(|report| report.findings).map(|finding| finding.fingerprint).collect())
}

fn reports_in(text: &str) -> Result<Vec<Report>, serde_json::Error> {
    let values: Vec<serde_json::Value> =
        serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>()?;
    let values = values.into_iter().flat_map(|value| match value {
        serde_json::Value::Array(values) => values,
        value => vec![value],
    });
    let is_summary = |value: &serde_json::Value| value.get("type").is_some_and(|kind| kind == "summary");
    values.filter(|value| !is_summary(value)).map(serde_json::from_value).collect()
}
