//! The strict and the tolerant lowering agree: what a rule finds in the facts of one it finds in those of the other.
//!
//! A region hands its facts of the strict tree on once, so that a second scan lowers the tolerant tree.

use std::path::Path;

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::scan::scan;
use vetrun::policy::{ParsePolicy, ScanPolicy};
use vetrun::rules::{RuleLanguage, RuleSet};

use super::{PYTHON_EVASIONS, PYTHON_LOOK_ALIKES, evasions};

/// Code in which the strict lowering finds what the tolerant one misses, and why.
const BETTER: &[(&str, &str)] = &[];

/// What is found by the strict and by the tolerant lowering: rule, place and resolved name.
fn both(rules: &RuleSet, path: &str, code: &str) -> [Vec<String>; 2] {
    let artifact = Artifact::new("a", "a", vec![SourceFile::new(path, code.as_bytes())], Vec::new());
    let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    [(); 2].map(|()| {
        let (findings, _) = scan(&parsed, rules, &ScanPolicy::default());
        let place = |one: &vetrun::finding::Finding| one.range.map(|range| (range.start.offset, range.end.offset));
        findings.iter().map(|one| format!("{} {:?} {:?}", one.rule_id, place(one), one.resolved)).collect()
    })
}

fn disagreements<'a>(rules: &RuleSet, path: &str, cases: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut all = Vec::new();
    for code in cases {
        let [strict, tolerant] = both(rules, path, code);
        let known = BETTER.iter().any(|(known, _)| *known == code);
        if (strict != tolerant) != known {
            all.push(format!("{code}\n  strict   {strict:?}\n  tolerant {tolerant:?}"));
        }
    }
    all
}

#[test]
fn strict_and_tolerant_facts_of_python_say_the_same() {
    let rules = RuleSet::load(true, &[] as &[&Path]).expect("the built-in rules are valid");
    let examples: Vec<String> = rules
        .rules()
        .filter(|rule| rule.language == RuleLanguage::Python)
        .map(vetrun::rules::Rule::texts)
        .flat_map(|texts| texts.bad.into_iter().chain(texts.good))
        .collect();
    let fixtures = fixtures(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")));
    let tables = PYTHON_EVASIONS.iter().map(|(code, ..)| *code).chain(PYTHON_LOOK_ALIKES.iter().copied());
    let tables = tables.chain(evasions::PYTHON_EVASIONS.iter().chain(evasions::PYTHON_ORDINARY).copied());
    let cases = examples.iter().chain(&fixtures).map(String::as_str).chain(tables);
    let found = disagreements(&rules, "a.py", cases);
    assert!(examples.len() > 300 && fixtures.len() > 10, "{} {}", examples.len(), fixtures.len());
    assert!(found.is_empty(), "{} disagreements:\n{}", found.len(), found.join("\n"));
}

/// The Python files under a folder.
fn fixtures(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the fixtures are there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(fixtures(&path));
        } else if path.extension().is_some_and(|extension| extension == "py") {
            all.extend(std::fs::read_to_string(&path).ok());
        }
    }
    all
}
