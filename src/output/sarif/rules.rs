//! The rules of a run: what GitHub shows beside an alert, and sorts alerts by.
//!
//! Rules of the scan bring their help; checks of other passes are known only by their findings, and are explained by
//! what their pass asks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{level, text};
use crate::output::RuleHelp;
use crate::report::{Pass, Report, ReportFinding, Severity};

/// The most rules that GitHub takes of a run; with more, it takes nothing.
const RULES_MAX: usize = 25_000;

/// The most tags that GitHub shows of a rule.
const TAGS_MAX: usize = 10;

/// All rules of a run, by id: those that ran, and those that only findings name.
pub(super) struct Rules<'a>(BTreeMap<&'a str, Rule<'a>>);

struct Rule<'a> {
    index: usize,
    id: &'a str,
    severity: Severity,
    cwe: &'a [String],
    help: Option<&'a RuleHelp>,
    pass: Pass,
    hint: Option<&'a str>,
}

impl<'a> Rules<'a> {
    /// The rules of `helps` and of `findings`; where they are too many, those of findings alone.
    pub(super) fn new(helps: &'a [RuleHelp], findings: &[&'a ReportFinding]) -> Self {
        let mut rules = BTreeMap::new();
        for help in helps {
            let (id, severity, cwe) = (help.id.as_str(), help.severity, help.cwe.as_slice());
            rules.insert(id, Rule { index: 0, id, severity, cwe, help: Some(help), pass: Pass::Scan, hint: None });
        }
        for finding in findings {
            let (id, severity, cwe) = (finding.rule_id.as_str(), finding.severity, finding.cwe.as_slice());
            let (pass, hint) = (finding.pass, finding.hint.as_deref());
            rules.entry(id).or_insert(Rule { index: 0, id, severity, cwe, help: None, pass, hint });
        }
        if rules.len() > RULES_MAX {
            let found: std::collections::HashSet<_> = findings.iter().map(|finding| finding.rule_id.as_str()).collect();
            rules.retain(|id, _| found.contains(id));
        }
        for (index, rule) in rules.values_mut().enumerate() {
            rule.index = index;
        }
        Self(rules)
    }

    /// Where the rule of a finding stands in the list.
    pub(super) fn index(&self, finding: &ReportFinding) -> usize {
        self.0[finding.rule_id.as_str()].index
    }

    /// The `driver`: vetrun, its version and its rules.
    pub(super) fn driver(&self, reports: &[&Report]) -> Value {
        let tool = reports.first().map(|report| &report.tool);
        let version = tool.map_or(env!("CARGO_PKG_VERSION"), |tool| &tool.version);
        let mut properties = Map::new();
        if let Some(tool) = tool {
            properties.insert("rulesDigest".into(), json!(tool.rules_digest));
            properties.insert("policyDigest".into(), json!(tool.policy_digest));
        }
        json!({
            "name": tool.map_or("vetrun", |tool| &tool.name),
            "version": version,
            "semanticVersion": version,
            "rules": self.0.values().map(Rule::descriptor).collect::<Vec<_>>(),
            "properties": properties,
        })
    }
}

impl Rule<'_> {
    fn descriptor(&self) -> Value {
        let (full, plain, markdown) = match self.help {
            Some(help) => (help.why.clone(), plain(help), markdown(help)),
            None => {
                let full = format!("The {} pass asks: {}", self.pass.name(), question(self.pass));
                let hint = self.hint.map(|hint| format!("\n\nInstead: {}", text(hint))).unwrap_or_default();
                let plain = format!("{full}{hint}");
                (full, plain.clone(), plain)
            }
        };
        json!({
            "id": text(self.id),
            "shortDescription": { "text": text(self.help.map_or(self.id, |help| &help.message)) },
            "fullDescription": { "text": full },
            "defaultConfiguration": { "level": level(self.severity) },
            "help": { "text": plain, "markdown": markdown },
            "properties": self.properties(),
        })
    }

    /// GitHub reads `security-severity` (a CVSS-like number) only of rules with the tag `security`.
    fn properties(&self) -> Value {
        let is_security = matches!(self.pass, Pass::Scan | Pass::Install) || !self.cwe.is_empty();
        let mut tags = vec![if is_security { "security".to_owned() } else { "correctness".to_owned() }];
        let numbers = self.cwe.iter().filter_map(|cwe| cwe.strip_prefix("CWE-")?.parse::<u32>().ok());
        tags.extend(numbers.map(|number| format!("external/cwe/cwe-{number:03}")));
        tags.extend(self.help.iter().flat_map(|help| &help.owasp).map(|category| format!("OWASP/{}", text(category))));
        tags.truncate(TAGS_MAX);
        let mut properties = json!({ "tags": tags });
        let score = match self.severity {
            Severity::Critical => Some("9.5"),
            Severity::High => Some("8.0"),
            Severity::Medium => Some("5.5"),
            Severity::Low => Some("2.5"),
            Severity::Info => None,
        };
        if let Some(score) = score.filter(|_| is_security) {
            properties["security-severity"] = json!(score);
        }
        properties
    }
}

/// What a pass asks of an artifact.
const fn question(pass: Pass) -> &'static str {
    match pass {
        Pass::Parse => "would the engine that runs it accept every file?",
        Pass::Structure => "is everything there that belongs there, and nothing that generated code gets wrong?",
        Pass::Scan => "does the code do anything dangerous, however it is spelled?",
        Pass::Budget => "is the artifact within its size?",
        Pass::Install => "is every package what it says it is, and can it be installed?",
        Pass::Execute => "does the program run to its end within its limits?",
    }
}

fn plain(help: &RuleHelp) -> String {
    format!("{}\n\nInstead: {}", help.why, help.instead)
}

fn markdown(help: &RuleHelp) -> String {
    let mut text =
        format!("# {}\n\n{}\n\n## Why\n\n{}\n\n## Instead\n\n{}\n", help.id, help.message, help.why, help.instead);
    if !help.references.is_empty() {
        text.push_str("\n## References\n\n");
        for reference in &help.references {
            let _infallible = writeln!(text, "- <{reference}>");
        }
    }
    text
}
