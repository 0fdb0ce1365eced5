//! The structure pass: is everything there that belongs there, and nothing that does not?
//!
//! It owns what an artifact must consist of (its profile, its entry point, the files that its pages name), what intake
//! refused, and what generated code typically gets wrong: fences and placeholders left in, files that stop in
//! mid-sentence or are empty, tests that test nothing, characters that nobody sees.
//!
//! A check of one file is one function in a module of its own and one line in `CHECKS`.

mod confusable;
mod glob;
mod leftovers;
mod looks;
mod opaque;
mod profile;
mod references;
mod refused;
mod shape;
#[cfg(test)]
mod tests;
mod tests_hollow;
mod unfinished;
mod unseen;
mod view;

use serde_json::{Map, Value, json};

use crate::finding::{self, Finding};
use crate::passes::parse::Parsed;
use crate::policy::{Policy, PolicyError, Profile};

pub(crate) use shape::{Step, walk};
use view::{Found, View};

/// What the structure pass found out, beside its findings.
#[derive(Debug)]
pub struct Structure {
    /// The name of the profile that was used.
    pub profile_name: String,
    /// The profile itself.
    pub profile: Profile,
    /// The path of the entry point, if there is one.
    pub entry: Option<String>,
    /// The paths of test files, in order.
    pub tests: Vec<String>,
    /// Facts for the report's `validationResults.structure.details`.
    pub details: Map<String, Value>,
}

/// A check of one file.
type Check = fn(&View<'_>, &mut Found);

/// Every check of one file.
const CHECKS: &[Check] = &[
    leftovers::fences,
    leftovers::placeholders,
    leftovers::conflict_markers,
    leftovers::large_file_pointer,
    unfinished::truncated,
    unfinished::empty,
    unseen::check,
    confusable::check,
    tests_hollow::check,
];

/// Checks the artifact against its profile, and for what generated code typically gets wrong. The profile is the one that
/// the policy names, or else the one that fits the artifact (see `profile`).
///
/// # Errors
/// [`PolicyError::NoProfile`] when the policy asks for a profile that does not exist, [`PolicyError::Invalid`] when a
/// profile holds something that is not a glob.
pub fn structure(parsed: &Parsed<'_>, policy: &Policy) -> Result<(Structure, Vec<Finding>), PolicyError> {
    let artifact = parsed.artifact;
    let detected = policy.structure.profile.is_none();
    let profile_name = match &policy.structure.profile {
        Some(name) => name.clone(),
        None => profile::detect(artifact, &policy.profile("python")?).to_owned(),
    };
    let profile = policy.profile(&profile_name)?;
    let compiled = profile::Compiled::new(&profile_name, &profile)?;
    let tests = compiled.tests(artifact);
    let entry = compiled.entry(parsed);

    let mut findings: Vec<Finding> = artifact.refused.iter().map(refused::finding).collect();
    compiled.check(&profile_name, parsed, entry.as_deref(), &mut findings);
    opaque::check(parsed, &mut findings);
    for file in &parsed.files {
        let path = file.source.path.as_str();
        let is_test = tests.binary_search_by(|test| test.as_str().cmp(path)).is_ok();
        let Some(view) = View::of(file, is_test, entry.as_deref() == Some(path)) else { continue };
        for check in CHECKS {
            let mut found = Found::default();
            check(&view, &mut found);
            findings.extend(found.finish(path));
        }
        if let Some(rest) = View::of_rest(file) {
            let mut found = Found::default();
            unseen::check(&rest, &mut found);
            findings.extend(found.finish(path));
        }
        if profile.local_references {
            let mut found = Found::default();
            references::check(&view, artifact, &mut found);
            findings.extend(found.finish(path));
        }
    }
    finding::sort(&mut findings);
    let details = details(&profile_name, detected, entry.as_deref(), &tests, parsed);
    Ok((Structure { profile_name, profile, entry, tests, details }, findings))
}

fn details(
    name: &str,
    detected: bool,
    entry: Option<&str>,
    tests: &[String],
    parsed: &Parsed<'_>,
) -> Map<String, Value> {
    let artifact = parsed.artifact;
    let details = json!({
        "profile": name,
        "profileDetected": detected,
        "entry": entry,
        "entryHints": entry_hints(parsed),
        "tests": tests,
        "files": artifact.files.len(),
        "refused": artifact.refused.len(),
        "excluded": artifact.excluded,
    });
    let Value::Object(details) = details else { unreachable!("the value above is an object") };
    details
}

/// What the artifact itself calls its entry points. They decide nothing: they are for a reader who wonders why another
/// file was chosen.
fn entry_hints(parsed: &Parsed<'_>) -> Vec<String> {
    let text = |path: &str| {
        let file = parsed.files.iter().find(|file| file.source.path == path)?;
        file.text.as_ref().map(|text| text.as_str().to_owned())
    };
    let package = text("package.json").and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let project = text("pyproject.toml").and_then(|text| toml::from_str::<Value>(&text).ok());
    let mut hints = Vec::new();
    if let Some(package) = package {
        hints.extend(package["main"].as_str().map(|path| format!("package.json main: {path}")));
        hints.extend(package["bin"].as_str().map(|path| format!("package.json bin: {path}")));
        let bins = package["bin"].as_object().into_iter().flatten();
        hints.extend(bins.filter_map(|(name, path)| Some(format!("package.json bin {name}: {}", path.as_str()?))));
    }
    let scripts = project.as_ref().and_then(|project| project["project"]["scripts"].as_object()).into_iter().flatten();
    hints.extend(scripts.filter_map(|(name, path)| Some(format!("pyproject.toml script {name}: {}", path.as_str()?))));
    hints.truncate(ENTRY_HINTS_MAX);
    hints
}

/// Entry points of the artifact's own that the report lists.
const ENTRY_HINTS_MAX: usize = 20;
