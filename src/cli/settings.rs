//! From what was typed to what it means: the rules, the baseline and the data that a command vets with, by the policy in
//! force.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use super::Failure;
use super::args::{JudgingArgs, ReadingArgs, RunningArgs};
use super::in_force::{Disk, InForce, policy_for};
use super::packages::store;
use super::reporting::Reports;
use crate::cache::Cache;
use crate::deps::names::{NameData, TableKind};
use crate::language::Language;
use crate::passes::install::Store;
use crate::policy::{Policy, Resolved, nearest};
use crate::report::{Report, Summary};
use crate::rules::RuleSet;
use crate::vet::{Baseline, CHECKS, Grounds, names, names_check};

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
    /// What all of this comes to, once it is asked for.
    pub(super) grounds: OnceLock<Grounds>,
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
        let InForce { resolved, file, names, mut notes } = policy_for(judging, reading, running, artifacts)?;
        let rules = rules(&resolved, artifacts, &mut notes)?;
        let policy = resolved.policy;
        let baseline = judging.baseline.as_deref().map(read_baseline).transpose()?.unwrap_or_default();
        let cache = cache(&policy, artifacts)?;
        let packages = match running {
            Some(_) => store(judging, &policy, artifacts)?,
            None => None,
        };
        let names_data = names_data(&policy, artifacts)?;
        let mut sources: Vec<PathBuf> = names.iter().map(PathBuf::from).chain(file).collect();
        sources.extend(policy.scan.rule_dirs.iter().map(PathBuf::from));
        sources.extend(judging.baseline.iter().cloned());
        sources.extend(cache.iter().map(|cache| cache.folder().to_owned()));
        sources.extend(policy.install.names_data.iter().map(PathBuf::from));
        let sources = sources.into_iter().map(|path| std::path::absolute(&path).unwrap_or(path)).collect();
        Ok(Self {
            policy,
            rules,
            baseline,
            names: names_data,
            cache,
            packages,
            grounds: OnceLock::new(),
            sources,
            notes,
        })
    }

    /// What is to be reported of these.
    pub(super) fn reports<'a>(&'a self, all: &'a [&'a Report], summary: &'a Summary) -> Reports<'a> {
        Reports { all, summary, rules: &self.rules }
    }
}

/// The rules of a policy. A name of a rule that means nothing is an error where it would hide that nothing is looked for, or
/// that an override does nothing; elsewhere it is worth a note.
pub(super) fn rules(resolved: &Resolved, artifacts: &[PathBuf], notes: &mut Vec<String>) -> Result<RuleSet, Failure> {
    let policy = &resolved.policy;
    if let Some(profile) = &policy.structure.profile {
        policy.profile(profile)?;
    }
    let disk = Disk::new(artifacts);
    if let Some(dir) = policy.scan.rule_dirs.iter().find(|dir| disk.is_inside(Path::new(dir))) {
        return Err(format!("the folder of rules {dir} lies inside an artifact (name one outside of it)").into());
    }
    let rules = RuleSet::load(policy.scan.builtin_rules, &policy.scan.rule_dirs)?;
    check_selection(&policy.gate.select, &rules)?;
    let unknown = |patterns: &mut dyn Iterator<Item = &String>| -> Vec<String> {
        let unknown = patterns.filter(|pattern| !is_known(pattern, &rules));
        unknown.map(|pattern| format!("`{pattern}` is no rule and no check{}", meant(pattern, &rules))).collect()
    };
    let refused = |key: &str, unknown: Vec<String>| match unknown.first() {
        Some(unknown) => Err(format!("{}: {unknown}", said_by(resolved, key))),
        None => Ok(()),
    };
    let mut of_overrides = policy.overrides.iter().flat_map(|one| one.ignore.iter().chain(one.severity.keys()));
    refused("overrides", unknown(&mut of_overrides))?;
    for pattern in policy.gate.severity.keys() {
        refused(&format!("gate.severity.{pattern}"), unknown(&mut std::iter::once(pattern)))?;
    }
    let place = said_by(resolved, "gate.ignore");
    let idle = unknown(&mut policy.gate.ignore.iter());
    notes.extend(idle.iter().map(|unknown| format!("{place}: {unknown}; it ignores nothing")));
    Ok(rules)
}

/// Who says the value of a dotted key.
fn said_by(resolved: &Resolved, key: &str) -> String {
    let key: Vec<String> = key.splitn(3, '.').map(str::to_owned).collect();
    resolved.origins_of(&key).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether a pattern names a rule that is loaded, a check, or a built-in rule that is left out.
fn is_known(pattern: &str, rules: &RuleSet) -> bool {
    let holds = |rules: &RuleSet| rules.rules().any(|rule| names(pattern, &rule.id));
    names_check(pattern) || holds(rules) || RuleSet::load(true, &[] as &[&str]).is_ok_and(|all| holds(&all))
}

fn meant(pattern: &str, rules: &RuleSet) -> String {
    let ids = rules.rules().map(|rule| rule.id.as_ref()).chain(CHECKS.iter().copied());
    let near = nearest(pattern.trim_end_matches('*'), ids);
    near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

/// A selection that names no rule would leave nothing to be found, and a misspelt one would pass everything.
fn check_selection(select: &[String], rules: &RuleSet) -> Result<(), Failure> {
    let is_empty = |pattern: &&String| !rules.rules().any(|rule| names(pattern, &rule.id));
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

/// The cache that was named, which may not lie inside an artifact.
fn cache(policy: &Policy, artifacts: &[PathBuf]) -> Result<Option<Cache>, Failure> {
    let Some(folder) = &policy.cache.dir else { return Ok(None) };
    let cache = Cache::open(Path::new(folder), build()?, &policy.cache)?;
    if Disk::new(artifacts).is_inside(cache.folder()) {
        return Err(format!("the cache folder {folder} lies inside an artifact (name one outside of it)").into());
    }
    Ok(Some(cache))
}

/// What is known of names, from the folder that the policy names, which may not lie inside an artifact.
pub(super) fn names_data(policy: &Policy, artifacts: &[PathBuf]) -> Result<Option<NameData>, Failure> {
    let Some(named) = &policy.install.names_data else { return Ok(None) };
    let unreadable = |path: &Path, error: io::Error| format!("could not read {}: {error}", path.display());
    let folder = fs::canonicalize(named).map_err(|error| unreadable(Path::new(named), error))?;
    if Disk::new(artifacts).is_inside(&folder) {
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
