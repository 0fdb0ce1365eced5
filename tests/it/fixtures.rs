//! Every whole artifact under `fixtures/` gets the verdict that stands beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use crate::support::{arg, report, root, run, shown};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// `check` or `run`.
    command: String,
    #[serde(default)]
    args: Vec<String>,
    exit: i32,
    status: String,
    /// The distinct rule ids of severity medium and above: exactly these.
    findings: BTreeSet<String>,
    #[serde(default)]
    stdout_contains: Option<String>,
    #[serde(default)]
    outputs: Vec<String>,
    passes: BTreeMap<String, String>,
}

/// The artifacts of one group, by the files beside them.
fn group(name: &str) -> Vec<PathBuf> {
    let folder = root().join("fixtures").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut all: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    all.retain(|path| path.to_string_lossy().ends_with(".expected.toml"));
    all.sort();
    all
}

/// What differs from what is expected; empty where nothing does. `more` are arguments of the command.
fn differences(expected_file: &Path, more: &[&str]) -> String {
    let text = std::fs::read_to_string(expected_file).expect("a readable file");
    let expected: Expected =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", expected_file.display()));
    let artifact = expected_file.to_string_lossy().replace(".expected.toml", "");
    let mut args = vec![expected.command.as_str(), artifact.as_str(), "--format", "json", "--no-policy"];
    let out = tempfile::tempdir().expect("a temporary folder");
    if expected.command == "run" {
        args.extend(["--out", arg(out.path())]);
    }
    args.extend(expected.args.iter().map(String::as_str));
    args.extend(more);
    let output = run(&args);
    let report = report(&output);
    let mut wrong = String::new();
    let mut compare = |what: &str, got: String, wanted: String| {
        if got != wanted {
            writeln!(wrong, "  {what}: {got}, expected {wanted}").expect("a string takes all");
        }
    };
    compare("exit", output.status.code().map_or("none".to_owned(), |code| code.to_string()), expected.exit.to_string());
    compare("status", text_of(&report["status"]), expected.status);
    compare("findings", format!("{:?}", findings(&report)), format!("{:?}", expected.findings));
    for (pass, status) in expected.passes {
        compare(&pass, text_of(&report["validationResults"][&pass]["status"]), status);
    }
    if let Some(part) = expected.stdout_contains {
        let stdout = text_of(&report["execution"]["stdout"]["text"]);
        compare("stdout holds it", stdout.contains(&part).to_string(), "true".to_owned());
    }
    for path in expected.outputs {
        let size = std::fs::metadata(out.path().join(&path)).map_or(0, |file| file.len());
        compare(&format!("output {path} is there"), (size > 0).to_string(), "true".to_owned());
    }
    if wrong.is_empty() { wrong } else { format!("{artifact}\n{wrong}{}\n", shown(&output)) }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn findings(report: &Value) -> BTreeSet<String> {
    let serious = |finding: &&Value| !matches!(finding["severity"].as_str(), Some("info" | "low"));
    let all = report["findings"].as_array().expect("findings are a list");
    all.iter().filter(serious).map(|finding| text_of(&finding["ruleId"])).collect()
}

fn all_as_expected(name: &str, least: usize) {
    let files = group(name);
    assert!(files.len() >= least, "only {} artifacts in {name}", files.len());
    let wrong: String = files.par_iter().map(|file| differences(file, &[])).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn clean_artifacts_pass_with_every_pass() {
    all_as_expected("clean", 12);
}

/// One of each kind: a page whose test runs in the container, a program with packages, and one without.
#[test]
fn clean_artifacts_pass_in_a_container() {
    if crate::docker::sandbox().is_none() {
        return;
    }
    let beside = |name| root().join(format!("fixtures/clean/{name}.expected.toml"));
    let files = ["todo-web", "pandas-report", "cli-tool"].map(beside);
    let wrong: String = files.par_iter().map(|file| differences(file, &["--sandbox", "docker"])).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn blocked_artifacts_are_blocked() {
    all_as_expected("blocked", 12);
}

#[test]
fn broken_artifacts_are_told_what_is_broken() {
    all_as_expected("broken", 8);
}

#[test]
fn hostile_artifacts_fool_nobody() {
    all_as_expected("hostile", 5);
}
