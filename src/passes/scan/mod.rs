//! The scan pass: does the code do anything dangerous?
//!
//! Each region of a file is *lowered* into facts (`crate::facts`), the *resolver* finds out which
//! qualified names and constants its expressions may be (`resolve`, `members`, `calls`, `fold`, `functions`, `inline`), and
//! the *matcher* looks those names up in the tables that the rules were compiled into. Rules over text and over the shape
//! of trees run beside that (`text`). Nothing recurses over the artifact's nesting, and every loop over it has a limit of
//! `limits`; reaching one is a finding of the rule `scan-limit`.
//!
//! The resolver is insensitive to flow: a variable may be anything that it is set to anywhere in its scope. A name that
//! is bound nowhere is what it says, so that fragments without their imports are judged as well.

mod arguments;
mod assigned;
mod calls;
mod canonical;
mod capabilities;
mod commands;
mod fold;
mod functions;
mod inline;
mod labels;
mod limits;
mod lists;
mod matcher;
mod members;
mod places;
mod resolve;
mod shape;
mod text;
mod values;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::artifact::SourceText;
use crate::facts::{Facts, tolerant};
use crate::finding::{Confidence, Finding, Pass, Severity};
use crate::language::Language;
use crate::passes::parse::{Parsed, ParsedFile, Region, with_room};
use crate::policy::ScanPolicy;
use crate::rules::{RuleLanguage, RuleSet};

pub(crate) use canonical::canonical;
use capabilities::Occurrences;
use matcher::{Hit, How, Matching, Weight};
use resolve::Resolver;

/// The rule id of the finding that says that a file was not scanned to its end. It is of severity high, and the gate holds
/// it to be about what could not be judged, so that no choice of rules hides it.
pub const SCAN_LIMIT: &str = "scan-limit";

/// Runs every rule over every file. The map is for the report's `validationResults.security.details`.
#[must_use]
pub fn scan(parsed: &Parsed<'_>, rules: &RuleSet, policy: &ScanPolicy) -> (Vec<Finding>, Map<String, Value>) {
    let files = scannable(parsed);
    let scanned = scan_files(&files, rules, policy);
    let paths = files.iter().map(|(file, _)| file.source.path.as_str());
    let capabilities = capabilities::summary(paths.zip(scanned.iter().map(|file| &file.occurrences)), rules);
    let findings: Vec<Finding> = scanned.into_iter().flat_map(|file| file.findings).collect();
    let mut by_severity: BTreeMap<Severity, u64> = BTreeMap::new();
    for finding in &findings {
        *by_severity.entry(finding.severity).or_default() += 1;
    }
    let by_severity: Map<String, Value> =
        by_severity.into_iter().map(|(severity, count)| (severity.name().to_owned(), json!(count))).collect();
    let mut details = Map::new();
    details.insert("rules".to_owned(), json!(rules.rules().len()));
    details.insert("files".to_owned(), json!(files.len()));
    details.insert("findingsBySeverity".to_owned(), Value::Object(by_severity));
    details.insert("capabilities".to_owned(), capabilities);
    (findings, details)
}

/// The ids of the rules that are hit, those with a label included.
pub(crate) fn hit_rules<'r>(parsed: &Parsed<'_>, rules: &'r RuleSet, policy: &ScanPolicy) -> BTreeSet<Cow<'r, str>> {
    let mut hit = BTreeSet::new();
    for file in scan_files(&scannable(parsed), rules, policy) {
        hit.extend(file.occurrences.rules().map(|rule| Cow::Borrowed(&*rules.rules()[rule].id)));
        hit.extend(file.findings.into_iter().map(|finding| finding.rule_id));
    }
    hit
}

/// The files that have a text, with it.
fn scannable<'p, 'a>(parsed: &'p Parsed<'a>) -> Vec<(&'p ParsedFile<'a>, &'p SourceText)> {
    parsed.files.iter().filter_map(|file| Some((file, file.text.as_ref()?))).collect()
}

/// Scans every file, and looks for what they have in them together.
fn scan_files(files: &[(&ParsedFile<'_>, &SourceText)], rules: &RuleSet, policy: &ScanPolicy) -> Vec<Scanned> {
    let scan_all = || files.par_iter().map(|(file, text)| scan_file(file, text, rules, policy)).collect();
    let mut scanned: Vec<Scanned> = with_room(scan_all);
    let occurrences: Vec<&Occurrences> = scanned.iter().map(|file| &file.occurrences).collect();
    for (number, hit) in capabilities::combined(&occurrences, rules) {
        let (file, text) = files[number];
        scanned[number].findings.push(finding(&hit, rules, &file.source.path, text));
    }
    scanned
}

/// What the scan of one file found.
struct Scanned {
    findings: Vec<Finding>,
    occurrences: Occurrences,
}

fn scan_file(file: &ParsedFile<'_>, text: &SourceText, rules: &RuleSet, policy: &ScanPolicy) -> Scanned {
    let path = file.source.path.as_str();
    let mut hits = Vec::new();
    let mut limits = Vec::new();
    for region in &file.regions {
        let (found, limit) = scan_region(region, text, rules);
        hits.extend(found);
        limits.extend(limit);
    }
    hits.extend(text_hits(text, rules));
    hits.sort_by_key(|hit| (hit.start, hit.end, hit.rule));
    hits.dedup_by_key(|hit| (hit.start, hit.end, hit.rule));
    let occurrences = Occurrences::of(&hits, text);
    hits.extend(occurrences.combined(rules));
    // What code can do is no fault of it.
    hits.retain(|hit| rules.rules()[hit.rule].label.is_none());
    let most = usize::try_from(policy.findings_per_file_max).unwrap_or(usize::MAX);
    let dropped = hits.len().saturating_sub(most);
    if dropped > 0 {
        // The worst are kept, so that many small findings cannot crowd a grave one out.
        hits.sort_by_key(|hit| {
            let rule = &rules.rules()[hit.rule];
            (std::cmp::Reverse(rule.severity), hit.start, hit.rule)
        });
        hits.truncate(most);
        limits.push(format!("{dropped} more findings than findings_per_file_max ({most}) are left out"));
    }
    let mut findings: Vec<Finding> = hits.into_iter().map(|hit| finding(&hit, rules, path, text)).collect();
    if let Some(rest) = &file.rest {
        findings.extend(scan_rest(rest, rules, path, most.saturating_sub(findings.len()), &mut limits));
    }
    findings.extend(limits.into_iter().map(|what| {
        Finding::in_file(SCAN_LIMIT, Pass::Scan, Severity::High, path, format!("not scanned to the end: {what}"))
    }));
    Scanned { findings, occurrences }
}

/// The hits of the rules over the text of every file.
fn text_hits(text: &SourceText, rules: &RuleSet) -> Vec<Hit> {
    let source = text.as_str();
    let whole = text::Stretch { text: source, range: 0..source.len(), strings: &[], comments: &[], tree: None };
    text::run(rules, &rules.tables(RuleLanguage::Any).others, &whole).0
}

/// What those rules find beside a file's code; at most `most` findings.
fn scan_rest(rest: &SourceText, rules: &RuleSet, path: &str, most: usize, limits: &mut Vec<String>) -> Vec<Finding> {
    let mut hits = text_hits(rest, rules);
    hits.retain(|hit| rules.rules()[hit.rule].label.is_none());
    if hits.len() > most {
        limits.push(format!("{} more findings beside the code are left out", hits.len() - most));
        hits.sort_by_key(|hit| (std::cmp::Reverse(rules.rules()[hit.rule].severity), hit.start, hit.rule));
        hits.truncate(most);
    }
    hits.iter().map(|hit| finding(hit, rules, path, rest)).collect()
}

/// Runs the rules of a region's language over it; a limit that was reached is named.
fn scan_region(region: &Region, text: &SourceText, rules: &RuleSet) -> (Vec<Hit>, Option<String>) {
    let source = text.as_str();
    let root = region.tree.root_node();
    let (language, facts) = match region.language {
        Language::Python => (RuleLanguage::Python, Some(tolerant::python(source, root))),
        Language::JavaScript | Language::TypeScript => {
            (RuleLanguage::JavaScript, Some(tolerant::javascript(source, root)))
        }
        Language::Html => (RuleLanguage::Html, None),
        _ => return (Vec::new(), None),
    };
    let tables = rules.tables(language);
    let (strings, comments) =
        facts.as_ref().map(|facts| (facts.strings.clone(), facts.comments.clone())).unwrap_or_default();
    let stretch = text::Stretch {
        text: source,
        range: region.range.clone(),
        strings: &strings,
        comments: &comments,
        tree: Some(&region.tree),
    };
    let (mut hits, limited) = text::run(rules, &tables.others, &stretch);
    let mut limit = limited.then(|| "a query had too many open matches, or took too long".to_owned());
    if let Some(facts) = facts {
        let (found, reached) = match_names(facts, rules, language, source);
        hits.extend(found);
        limit = limit.or_else(|| reached.map(|what| format!("the limit of {what} was reached")));
    }
    (hits, limit)
}

fn match_names(
    facts: Facts,
    rules: &RuleSet,
    language: RuleLanguage,
    source: &str,
) -> (Vec<Hit>, Option<&'static str>) {
    let tables = rules.tables(language);
    let mut matching = Matching::new(Resolver::new(facts, tables), rules, tables, source);
    matching.run();
    (matching.hits, matching.resolver.limit)
}

fn finding(hit: &Hit, rules: &RuleSet, path: &str, text: &SourceText) -> Finding {
    let rule = &rules.rules()[hit.rule];
    let mut finding = Finding::in_file(rule.id.clone(), Pass::Scan, rule.severity, path, rule.message.clone())
        .at(text, hit.start..hit.end)
        .confidence(confidence(rule.confidence, hit))
        .cwe(&rule.cwe);
    if !rule.hint.is_empty() {
        finding = finding.hint(rule.hint.clone());
    }
    if let Some(resolved) = &hit.resolved {
        finding = finding.resolved(resolved.clone());
    }
    finding
}

/// How sure a hit is: one step less than its rule for a function that is passed on, and one step more or less for what the
/// rule weighs.
fn confidence(rule: Confidence, hit: &Hit) -> Confidence {
    let lowered =
        |confidence: Confidence| if confidence == Confidence::High { Confidence::Medium } else { Confidence::Low };
    let raised =
        |confidence: Confidence| if confidence == Confidence::Low { Confidence::Medium } else { Confidence::High };
    let passed_on = if hit.how == How::Plainly { rule } else { lowered(rule) };
    match hit.weight {
        Weight::MoreSure => raised(passed_on),
        Weight::AsTheRuleSays => passed_on,
        Weight::LessSure => lowered(passed_on),
    }
}
