//! SARIF 2.1.0, for code scanning services.
//!
//! One run holds the results of all artifacts: services take few runs a file, or one. Columns count Unicode scalar
//! values, which `columnKind` says. Every result has a file and a line, as GitHub asks. What stands against an artifact
//! and is no finding is a notification of its invocation.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::verdict::{self, MESSAGE_CHARS_MAX};
use super::{RuleHelp, json_text, place, sanitize};
use crate::report::{Pass, Range, Related, Report, ReportFinding, Severity, Suppression, Verdict};

/// The most results in a file: GitHub shows no more of one analysis. A cut keeps the worst and says so.
pub const RESULTS_MAX: usize = 5000;

/// The base of paths in the folder where vetrun was called.
const SOURCE_ROOT: &str = "%SRCROOT%";

/// Writes all reports as one run.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], rules: &[RuleHelp], out: &mut dyn Write) -> io::Result<()> {
    let all = reports.iter().enumerate().flat_map(|(at, report)| report.findings.iter().map(move |f| (at, *report, f)));
    let mut findings: Vec<_> = all.collect();
    let found = findings.len();
    if found > RESULTS_MAX {
        findings.sort_by_key(|(_, _, finding)| (finding.suppressed.is_some(), Reverse(finding.severity)));
        findings.truncate(RESULTS_MAX);
    }
    let rules = Rules::new(rules, findings.iter().map(|(_, _, finding)| *finding));
    let results: Vec<_> = findings.iter().map(|(at, report, finding)| result(*at, report, finding, &rules)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver(reports, &rules) },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": bases(reports),
            "invocations": invocations(reports, found),
            "results": results,
        }],
    });
    json_text::write_pretty(&log, out)
}

fn driver(reports: &[&Report], rules: &Rules<'_>) -> Value {
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
        "rules": rules.0.values().map(Rule::descriptor).collect::<Vec<_>>(),
        "properties": properties,
    })
}

/// All rules of a run, by id: those that ran, and those that only findings name.
struct Rules<'a>(BTreeMap<&'a str, Rule<'a>>);

struct Rule<'a> {
    index: usize,
    id: &'a str,
    severity: Severity,
    cwe: &'a [String],
    help: Option<&'a RuleHelp>,
    pass: Pass,
}

impl<'a> Rules<'a> {
    fn new(helps: &'a [RuleHelp], findings: impl Iterator<Item = &'a ReportFinding>) -> Self {
        let mut rules = BTreeMap::new();
        for help in helps {
            let (id, severity, cwe) = (help.id.as_str(), help.severity, help.cwe.as_slice());
            rules.insert(id, Rule { index: 0, id, severity, cwe, help: Some(help), pass: Pass::Scan });
        }
        for finding in findings {
            let (id, severity, cwe) = (finding.rule_id.as_str(), finding.severity, finding.cwe.as_slice());
            rules.entry(id).or_insert(Rule { index: 0, id, severity, cwe, help: None, pass: finding.pass });
        }
        for (index, rule) in rules.values_mut().enumerate() {
            rule.index = index;
        }
        Self(rules)
    }
}

impl Rule<'_> {
    fn descriptor(&self) -> Value {
        let mut descriptor = json!({
            "id": text(self.id),
            "shortDescription": { "text": text(self.help.map_or(self.id, |help| &help.message)) },
            "defaultConfiguration": { "level": level(self.severity) },
        });
        if let Some(help) = self.help {
            descriptor["fullDescription"] = json!({ "text": help.why });
            descriptor["help"] = json!({ "text": plain(help), "markdown": markdown(help) });
        }
        descriptor["properties"] = self.properties();
        descriptor
    }

    /// GitHub reads `security-severity` (a CVSS-like number) only of rules with the tag `security`.
    fn properties(&self) -> Value {
        let is_security = matches!(self.pass, Pass::Scan | Pass::Install) || !self.cwe.is_empty();
        let mut tags = vec![if is_security { "security".to_owned() } else { "correctness".to_owned() }];
        let numbers = self.cwe.iter().filter_map(|cwe| cwe.strip_prefix("CWE-")?.parse::<u32>().ok());
        tags.extend(numbers.map(|number| format!("external/cwe/cwe-{number:03}")));
        tags.extend(self.help.iter().flat_map(|help| &help.owasp).map(|category| format!("OWASP/{}", text(category))));
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

fn result(at: usize, report: &Report, finding: &ReportFinding, rules: &Rules<'_>) -> Value {
    let rule = &rules.0[finding.rule_id.as_str()];
    let mut message = text(&finding.message);
    if let Some(hint) = &finding.hint {
        let _infallible = write!(message, " ({})", text(hint));
    }
    let suppressions: Vec<_> = finding.suppressed.iter().map(|why| json!({ "kind": suppression_kind(*why) })).collect();
    json!({
        "ruleId": text(&finding.rule_id),
        "ruleIndex": rule.index,
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": location(at, report, &finding.path),
            "region": region(finding),
        } }],
        "relatedLocations": related(at, report, finding),
        "partialFingerprints": { "vetrun/v1": finding.fingerprint.0 },
        "suppressions": suppressions,
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "pass": finding.pass,
            "resolved": finding.resolved.as_deref().map(text),
            "cwe": finding.cwe,
        },
    })
}

/// The places that explain a finding.
fn related(at: usize, report: &Report, finding: &ReportFinding) -> Vec<Value> {
    let places = finding.related.iter().enumerate();
    let place = |(id, related): (usize, &Related)| {
        json!({
            "id": id,
            "message": { "text": text(&related.message) },
            "physicalLocation": {
                "artifactLocation": location(at, report, &finding.path),
                "region": region_of(related.range),
            },
        })
    };
    places.map(place).collect()
}

fn region(finding: &ReportFinding) -> Value {
    finding.range.map_or_else(|| json!({ "startLine": 1 }), region_of)
}

fn region_of(range: Range) -> Value {
    json!({
        "startLine": range.start.line,
        "startColumn": range.start.column,
        "endLine": range.end.line,
        "endColumn": range.end.column,
    })
}

/// A path from where vetrun was called; of an artifact with an absolute root, from that root.
fn location(at: usize, report: &Report, path: &str) -> Value {
    let full = place::file_from_here(&report.artifact, path);
    match full.strip_prefix('/') {
        None => json!({ "uri": percent_encoded(&full), "uriBaseId": SOURCE_ROOT }),
        Some(_) => json!({ "uri": percent_encoded(relative(report, &full)), "uriBaseId": base_id(at) }),
    }
}

/// The part of an absolute path below the folder that holds the artifact's files.
fn relative<'a>(report: &Report, full: &'a str) -> &'a str {
    full.strip_prefix(&folder(report)).unwrap_or(full).trim_start_matches('/')
}

/// The folder that holds the files of an artifact with an absolute root, `/` at its end.
fn folder(report: &Report) -> String {
    let root = report.artifact.root.trim_end_matches('/');
    let is_file = report.artifact.files.iter().any(|file| place::path_from_here(&report.artifact, &file.path) == root);
    let folder = if is_file { root.rsplit_once('/').map_or("", |(folder, _)| folder) } else { root };
    format!("{folder}/")
}

fn base_id(at: usize) -> String {
    format!("ARTIFACT{at}")
}

/// Where absolute roots are.
fn bases(reports: &[&Report]) -> Value {
    let absolute = reports.iter().enumerate().filter(|(_, report)| report.artifact.root.starts_with('/'));
    let bases: Map<_, _> = absolute
        .map(|(at, report)| (base_id(at), json!({ "uri": format!("file://{}", percent_encoded(&folder(report))) })))
        .collect();
    Value::Object(bases)
}

fn invocations(reports: &[&Report], found: usize) -> Vec<Value> {
    let mut invocations: Vec<_> = reports.iter().map(|report| invocation(report)).collect();
    if invocations.is_empty() {
        let nothing = notification("error", "vetrun-nothing", "there was nothing to vet");
        invocations.push(json!({ "executionSuccessful": false, "toolExecutionNotifications": [nothing] }));
    }
    if found > RESULTS_MAX {
        let message = format!("of {found} findings only the worst {RESULTS_MAX} are in this file");
        let notifications = invocations[0]["toolExecutionNotifications"].as_array_mut();
        notifications.expect("every invocation has them").push(notification("warning", "vetrun-results-cut", &message));
    }
    invocations
}

fn invocation(report: &Report) -> Value {
    let notifications: Vec<_> = verdict::problems(report)
        .iter()
        .map(|problem| notification("error", &problem.id(), &format!("{}: {}", report.artifact.name, problem.message)))
        .collect();
    json!({
        "executionSuccessful": report.status != Verdict::Error,
        "startTimeUtc": report.started_at,
        "endTimeUtc": report.finished_at,
        "toolExecutionNotifications": notifications,
        "properties": {
            "reportId": report.id,
            "artifact": text(&report.artifact.name),
            "digest": report.artifact.digest,
            "status": report.status,
        },
    })
}

fn notification(level: &str, id: &str, message: &str) -> Value {
    json!({ "level": level, "descriptor": { "id": id }, "message": { "text": text(message) } })
}

/// Untrusted text for a page: sanitized, bounded, and without the links that SARIF reads out of `[text](target)`.
fn text(untrusted: &str) -> String {
    sanitize::clipped(untrusted, MESSAGE_CHARS_MAX).replace("](", "] (")
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

const fn suppression_kind(why: Suppression) -> &'static str {
    match why {
        Suppression::Baseline => "external",
        Suppression::Inline => "inSource",
    }
}

/// A path as a URI reference (RFC 3986): everything but unreserved characters and `/` is encoded, so that no part of a
/// path can be read as a scheme, a query or a fragment.
fn percent_encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => {
                let _infallible = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
