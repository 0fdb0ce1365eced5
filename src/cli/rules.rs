//! `vetrun rules`: list, explain and test.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::Failure;
use super::args::RulesCommand;
use super::reporting::answer;
use crate::output::sanitize;
use crate::rules::{self, Rule, RuleSet};
use crate::vet::{Exit, count};

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
            let weight = rule.label.is_none();
            json!({ "id": rule.id, "language": rule.language.name(),
                    "severity": weight.then_some(rule.severity), "confidence": weight.then_some(rule.confidence),
                    "label": rule.label, "source": rule.source, "message": rule.message, "cwe": rule.cwe,
                    "owasp": rule.owasp, "references": rule.texts().references })
        };
        let all: Vec<_> = set.rules().map(entry).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(Exit::Passed);
    }
    for rule in set.rules() {
        let severity = if rule.label.is_some() { "label" } else { rule.severity.name() };
        let message = sanitize::line(&rule.message);
        writeln!(out, "{:<44} {severity:<8} {message}", rule.id)?;
    }
    writeln!(out, "{} rules", set.count())?;
    Ok(Exit::Passed)
}

fn explain(set: &RuleSet, id: &str) -> Result<Exit, Failure> {
    let Some(rule) = set.get(id) else { return Err(unknown(set, id).into()) };
    let mut out = answer();
    let texts = rule.texts();
    writeln!(out, "{}: {}", rule.id, sanitize::line(&rule.message))?;
    match &rule.label {
        Some(label) if rule.source => writeln!(out, "label {label}, carried by the value of what is named")?,
        Some(label) => writeln!(out, "label {label}: what the code can do, and no finding of its own")?,
        None => writeln!(out, "severity {}, confidence {}", rule.severity.name(), rule.confidence.name())?,
    }
    let cwe: Vec<_> = rule.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    let owasp: Vec<_> = rule.owasp.iter().map(|category| category.to_string()).collect();
    for (name, list) in [("weaknesses", &cwe), ("owasp", &owasp), ("elsewhere", &texts.references)] {
        if !list.is_empty() {
            writeln!(out, "{name}: {}", sanitize::line(&list.join(", ")))?;
        }
    }
    let asked: Vec<&str> = rule.labels().into_iter().collect();
    if !asked.is_empty() {
        writeln!(out, "asks for: {}", sanitize::line(&asked.join(", ")))?;
    }
    writeln!(out, "\nWhy\n{}", indented(&texts.why))?;
    writeln!(out, "\nInstead\n{}", indented(&texts.instead))?;
    for (name, examples) in [("Found", &texts.bad), ("Not found", &texts.good)] {
        for example in examples {
            writeln!(out, "\n{name}\n{}", indented(example))?;
        }
    }
    Ok(Exit::Passed)
}

/// Says that there is no such rule, and which one may be meant.
pub(super) fn unknown(set: &RuleSet, id: &str) -> String {
    let alike = set.rules().map(|rule| (strsim::jaro_winkler(id, &rule.id), &rule.id));
    let nearest = alike.max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = nearest.map(|(_, id)| format!(" (the nearest is `{id}`)")).unwrap_or_default();
    format!("there is no rule `{id}`{hint}")
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
    let examples: usize = set.rules().map(Rule::texts).map(|texts| texts.bad.len() + texts.good.len()).sum();
    let said = [(set.count(), "rule"), (examples, "example"), (failures.len(), "failure")];
    writeln!(out, "{}", said.map(|(number, what)| count(number, what)).join(", "))?;
    Ok(match (set.count(), failures.len()) {
        (0, _) => Exit::NothingToVet,
        (_, 0) => Exit::Passed,
        _ => Exit::Blocked,
    })
}
