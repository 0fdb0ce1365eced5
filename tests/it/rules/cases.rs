//! Evasions and look-alikes that were written without a look at the engine or the rules: `fixtures/evasions` and
//! `fixtures/lookalikes`.
//!
//! A file holds many cases, each after a line `#: name` (`//: name` in JavaScript); the text of a case is vetted as a
//! file of its own. In an evasion the lines that a reviewer would point at end with the comment `# !` (`// !`): a finding
//! that fails the default gate must begin on one of them. Faults of hygiene, which the default gate lets pass (a weak
//! digest, a predictable token), are marked `# ~` (`// ~`) instead: a finding of severity low or above must begin on such a
//! line, and a case has marks of one kind alone. In a look-alike no finding may fail the gate. Cases that are known to go
//! wrong stand in `known.toml` beside the folders, each with the reason; one that no longer goes wrong must be taken off
//! that list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use serde::Deserialize;

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::{Finding, Severity};
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::scan::scan;
use vetrun::policy::{GatePolicy, ParsePolicy, ScanPolicy};
use vetrun::rules::RuleSet;

use crate::support::root;

/// The fewest cases of a set.
const CASES_MIN: usize = 200;

/// The stack of a thread that vets cases.
const STACK_BYTES: usize = 256 << 20;

/// How the cases of a language are written down.
struct Language {
    folder: &'static str,
    extension: &'static str,
    separator: &'static str,
    /// What stands before a mark.
    comment: &'static str,
}

const PYTHON: Language = Language { folder: "python", extension: "py", separator: "#: ", comment: "# " };
const JAVASCRIPT: Language = Language { folder: "javascript", extension: "js", separator: "//: ", comment: "// " };

/// One case: `theme/name`, its text, and the lines of it that are marked, counted from 1: those where a finding fails the
/// gate, and those where one stands that does not.
struct Case {
    name: String,
    text: String,
    marked: BTreeSet<u32>,
    noted: BTreeSet<u32>,
}

/// The cases that are known to go wrong: name and reason, for each set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    #[serde(default)]
    evasions: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    lookalikes: BTreeMap<String, BTreeMap<String, String>>,
}

fn cases(set: &str, language: &Language) -> Vec<Case> {
    let folder = root().join("fixtures").join(set).join(language.folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|one| one == language.extension));
    files.sort();
    files.iter().flat_map(|file| cases_of(file, language)).collect()
}

fn cases_of(file: &Path, language: &Language) -> Vec<Case> {
    let theme = file.file_stem().expect("a file has a name").to_string_lossy();
    let text = std::fs::read_to_string(file).expect("a readable file");
    let mut all: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(language.separator) {
            all.push(Case {
                name: format!("{theme}/{name}"),
                text: String::new(),
                marked: BTreeSet::new(),
                noted: BTreeSet::new(),
            });
            continue;
        }
        let case = all.last_mut().unwrap_or_else(|| panic!("{}: text before the first case", file.display()));
        case.text.push_str(line);
        case.text.push('\n');
        let number = u32::try_from(case.text.lines().count()).expect("cases are short");
        let marks = [('!', &mut case.marked), ('~', &mut case.noted)];
        for (mark, lines) in marks {
            if line.strip_suffix(mark).is_some_and(|line| line.ends_with(language.comment)) {
                lines.insert(number);
            }
        }
    }
    all
}

/// The findings, with whether each would fail the default gate.
fn findings(rules: &RuleSet, path: &str, code: &str) -> Vec<(Finding, bool)> {
    let gate = GatePolicy::default();
    let artifact = Artifact::new("a", "a", vec![SourceFile::new(path, code.as_bytes().to_vec())], Vec::new());
    let (parsed, mut findings) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    findings.extend(scan(&parsed, rules, &ScanPolicy::default()).0);
    let fails = |one: &Finding| one.severity >= gate.fail_on && one.confidence >= gate.min_confidence;
    findings.into_iter().map(|one| (fails(&one), one)).map(|(fails, one)| (one, fails)).collect()
}

fn line_of(finding: &Finding) -> u32 {
    finding.range.map_or(0, |range| range.start.line)
}

/// What is wrong with a case, if anything.
fn fault(set: &str, rules: &RuleSet, path: &str, case: &Case) -> Option<String> {
    let found = findings(rules, path, &case.text);
    let is_noted = |one: &Finding| one.severity >= Severity::Low && case.noted.contains(&line_of(one));
    let wrong = match set {
        "evasions" => {
            !found.iter().any(|(one, fails)| (*fails && case.marked.contains(&line_of(one))) || is_noted(one))
        }
        _ => found.iter().any(|(_, fails)| *fails),
    };
    let shown = || found.iter().map(|(one, fails)| (line_of(one), &one.rule_id, *fails)).collect::<Vec<_>>();
    wrong.then(|| format!("{} {:?}", case.name, shown()))
}

fn known(set: &str, language: &Language) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("fixtures/known.toml")).expect("the list of known faults is there");
    let mut known: Known = toml::from_str(&text).expect("the list of known faults is valid");
    let of_set = if set == "evasions" { &mut known.evasions } else { &mut known.lookalikes };
    of_set.remove(language.folder).unwrap_or_default()
}

/// Every case of a set is as it should be, but for those that are known; and those are all still wrong.
fn all_as_they_should(set: &str, language: &Language) {
    let all = cases(set, language);
    let names: BTreeSet<&str> = all.iter().map(|case| case.name.as_str()).collect();
    assert!(all.len() >= CASES_MIN && names.len() == all.len(), "{} cases, {} names", all.len(), names.len());
    let rules = RuleSet::load(true, &[] as &[&Path]).expect("the built-in rules are valid");
    let path = format!("a.{}", language.extension);
    let one = |case: &'_ Case| fault(set, &rules, &path, case).map(|fault| (case.name.clone(), fault));
    // The scan is parallel itself: a thread that waits for it takes up further cases, one upon the other.
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES).build().expect("threads can be started");
    let faults: BTreeMap<String, String> = pool.install(|| all.par_iter().filter_map(one).collect());
    let known = known(set, language);
    let new: Vec<&str> =
        faults.iter().filter(|(name, _)| !known.contains_key(*name)).map(|(_, fault)| fault.as_str()).collect();
    let mended: Vec<&String> = known.keys().filter(|name| !faults.contains_key(name.as_str())).collect();
    assert!(
        new.is_empty() && mended.is_empty(),
        "{set} in {}: {} of {} go wrong; not on the list of the known:\n{}\non the list, but not wrong: {mended:?}",
        language.folder,
        faults.len(),
        all.len(),
        new.join("\n"),
    );
}

#[test]
fn every_evasion_has_its_mark_and_no_look_alike_has_one() {
    for language in [&PYTHON, &JAVASCRIPT] {
        let of_one_kind = |case: &Case| case.marked.is_empty() != case.noted.is_empty();
        let bare: Vec<_> = cases("evasions", language).into_iter().filter(|case| !of_one_kind(case)).collect();
        assert!(bare.is_empty(), "no mark, or both: {:?}", bare.iter().map(|case| &case.name).collect::<Vec<_>>());
        let has_mark = |case: &Case| !case.marked.is_empty() || !case.noted.is_empty();
        let marked: Vec<_> = cases("lookalikes", language).into_iter().filter(has_mark).collect();
        assert!(marked.is_empty(), "marked: {:?}", marked.iter().map(|case| &case.name).collect::<Vec<_>>());
    }
}

#[test]
fn the_evasions_of_python_are_caught_where_they_happen() {
    all_as_they_should("evasions", &PYTHON);
}

#[test]
fn the_evasions_of_javascript_are_caught_where_they_happen() {
    all_as_they_should("evasions", &JAVASCRIPT);
}

#[test]
fn the_look_alikes_of_python_pass() {
    all_as_they_should("lookalikes", &PYTHON);
}

#[test]
fn the_look_alikes_of_javascript_pass() {
    all_as_they_should("lookalikes", &JAVASCRIPT);
}
