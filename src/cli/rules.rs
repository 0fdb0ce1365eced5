//! `vetrun rules`: list, explain and test.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::Failure;
use super::args::RulesCommand;
use super::reporting::answer;
use crate::output::sanitize;
use crate::rules::{self, Rule, RuleSet};
use crate::vet::Exit;

/// `vetrun rules`.
pub(super) fn rules(command: &RulesCommand) -> Result<Exit, Failure> {
    match command {
        RulesCommand::List { rules, json } => list(&RuleSet::load(true, rules)?, *json),
        RulesCommand::Explain { id, rules } => explain(&RuleSet::load(true, rules)?, id),
        RulesCommand::Test { dirs } => test(dirs),
    }
}

fn list(set: &RuleSet, as_json: bool) -> Result<Exit, Failure> {
    let mut out = answer();
    if as_json {
        let entry = |rule: &Rule| {
            json!({ "id": rule.id, "language": rule.language.name(), "severity": rule.severity,
                    "confidence": rule.confidence, "message": rule.message, "cwe": rule.cwe })
        };
        let all: Vec<_> = set.rules().iter().map(entry).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(Exit::Passed);
    }
    for rule in set.rules() {
        let (severity, message) = (rule.severity.name(), sanitize::line(&rule.message));
        writeln!(out, "{:<44} {severity:<8} {message}", rule.id)?;
    }
    writeln!(out, "{} rules", set.rules().len())?;
    Ok(Exit::Passed)
}

fn explain(set: &RuleSet, id: &str) -> Result<Exit, Failure> {
    let Some(rule) = set.get(id) else {
        let nearest = set
            .rules()
            .iter()
            .map(|rule| (strsim::jaro_winkler(id, &rule.id), &rule.id))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = nearest.map(|(_, id)| format!(" (the nearest is `{id}`)")).unwrap_or_default();
        return Err(format!("there is no rule `{id}`{hint}").into());
    };
    let mut out = answer();
    let cwe: Vec<_> = rule.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    writeln!(out, "{}: {}", rule.id, rule.message)?;
    writeln!(out, "severity {}, confidence {}", rule.severity.name(), rule.confidence.name())?;
    for (name, list) in [("weaknesses", &cwe), ("elsewhere", &rule.references)] {
        if !list.is_empty() {
            writeln!(out, "{name}: {}", list.join(", "))?;
        }
    }
    writeln!(out, "\nWhy\n{}", indented(&rule.why))?;
    writeln!(out, "\nInstead\n{}", indented(&rule.instead))?;
    for (name, examples) in [("Found", &rule.bad), ("Not found", &rule.good)] {
        for example in examples {
            writeln!(out, "\n{name}\n{}", indented(example))?;
        }
    }
    Ok(Exit::Passed)
}

/// A block of text, each line moved in by four columns.
fn indented(text: &str) -> String {
    let lines = text.trim_matches('\n').lines().map(|line| format!("    {}", sanitize::line(line)));
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn test(dirs: &[PathBuf]) -> Result<Exit, Failure> {
    let set = RuleSet::load(dirs.is_empty(), dirs)?;
    let failures = rules::selftest(&set, |_| true);
    let mut out = answer();
    for failure in &failures {
        writeln!(out, "{}", sanitize::block(&failure.to_string()))?;
    }
    let examples: usize = set.rules().iter().map(|rule| rule.bad.len() + rule.good.len()).sum();
    writeln!(out, "{} rules, {examples} examples, {} failures", set.rules().len(), failures.len())?;
    Ok(match (set.rules().len(), failures.len()) {
        (0, _) => Exit::NothingToVet,
        (_, 0) => Exit::Passed,
        _ => Exit::Blocked,
    })
}
