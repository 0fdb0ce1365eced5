//! The scan pass: does the code do anything dangerous?
//!
//! Each region of a file has been *lowered* into facts (`crate::facts`) or is now, the *resolver* finds out which
//! qualified names and constants its expressions may be (`resolve`, `members`, `calls`, `fold`, `functions`, `inline`), and
//! the *matcher* looks those names up in the tables that the rules were compiled into. Rules over text and over the shape
//! of trees run beside that (`text`). Nothing recurses over the artifact's nesting, and every loop over it has a limit of
//! `limits`; reaching one is a finding of the rule `scan-limit`.
//!
//! The resolver is insensitive to flow: a variable may be anything that it is set to anywhere in its scope. A name that
//! is bound nowhere is what it says, so that fragments without their imports are judged as well.

mod arguments;
mod calls;
mod fold;
mod functions;
mod inline;
mod limits;
mod lists;
mod matcher;
mod members;
mod resolve;
mod text;
mod values;

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::artifact::SourceText;
use crate::facts::outline::Place;
use crate::facts::{Dialect, Facts, Symbols, tolerant};
use crate::finding::{Confidence, Finding, Pass, Severity};
use crate::language::Language;
use crate::passes::parse::{Parsed, ParsedFile, Region, with_room};
use crate::policy::ScanPolicy;
use crate::rules::{RuleLanguage, RuleSet};

use matcher::{Hit, How, Matching};
use resolve::Resolver;
use values::Paths;

/// The rule id of the finding that says that a file was not scanned to its end. It is of severity high, and the gate holds
/// it to be about what could not be judged, so that no choice of rules hides it.
pub const SCAN_LIMIT: &str = "scan-limit";

/// Whose rules of names hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameLanguage {
    /// Python.
    Python,
    /// JavaScript.
    JavaScript,
}

/// A qualified name as the scan pass writes it: `posix.system` is `os.system`, `window.eval` is `eval`.
pub(crate) fn canonical_name(language: NameLanguage, name: &str) -> String {
    match language {
        NameLanguage::Python => canonical(Dialect::Python, name),
        NameLanguage::JavaScript => canonical(Dialect::JavaScript, name),
    }
}

fn canonical(dialect: Dialect, name: &str) -> String {
    let (mut symbols, mut paths) = (Symbols::default(), Paths::new(dialect));
    let (module, rest) = match dialect {
        Dialect::JavaScript if name.contains('/') || name.contains(':') => {
            let module_end = name.rfind('/').or_else(|| name.find(':')).unwrap_or(0);
            let end = name[module_end..].find('.').map_or(name.len(), |at| module_end + at);
            (&name[..end], name[end..].trim_start_matches('.'))
        }
        _ => ("", name),
    };
    let start = if module.is_empty() { Some(values::ROOT) } else { paths.module(module, &mut symbols) };
    let path = start.and_then(|start| paths.descend(start, rest, &mut symbols));
    path.map_or_else(|| name.to_owned(), |path| paths.name(path, &symbols))
}

/// Runs every rule over every file. The map is for the report's `validationResults.security.details`.
#[must_use]
pub fn scan(parsed: &Parsed<'_>, rules: &RuleSet, policy: &ScanPolicy) -> (Vec<Finding>, Map<String, Value>) {
    let files: Vec<_> = parsed.files.iter().filter_map(|file| Some((file, file.text.as_ref()?))).collect();
    let scanned = files.len();
    let scan_all = || files.par_iter().flat_map_iter(|(file, text)| scan_file(file, text, rules, policy)).collect();
    let findings: Vec<Finding> = with_room(scan_all);
    let mut by_severity: BTreeMap<Severity, u64> = BTreeMap::new();
    for finding in &findings {
        *by_severity.entry(finding.severity).or_default() += 1;
    }
    let by_severity: Map<String, Value> =
        by_severity.into_iter().map(|(severity, count)| (severity.name().to_owned(), json!(count))).collect();
    let mut details = Map::new();
    details.insert("rules".to_owned(), json!(rules.rules().len()));
    details.insert("files".to_owned(), json!(scanned));
    details.insert("findingsBySeverity".to_owned(), Value::Object(by_severity));
    (findings, details)
}

fn scan_file(file: &ParsedFile<'_>, text: &SourceText, rules: &RuleSet, policy: &ScanPolicy) -> Vec<Finding> {
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
    findings
}

/// The hits of the rules over the text of every file.
fn text_hits(text: &SourceText, rules: &RuleSet) -> Vec<Hit> {
    let source = text.as_str();
    let whole = text::Stretch { text: source, range: 0..source.len(), strings: &[], comments: &[], region: None };
    text::run(rules, &rules.tables(RuleLanguage::Any).others, &whole).0
}

/// What those rules find beside a file's code; at most `most` findings.
fn scan_rest(rest: &SourceText, rules: &RuleSet, path: &str, most: usize, limits: &mut Vec<String>) -> Vec<Finding> {
    let mut hits = text_hits(rest, rules);
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
    let language = match region.language {
        Language::Python => RuleLanguage::Python,
        Language::JavaScript | Language::TypeScript => RuleLanguage::JavaScript,
        Language::Html => RuleLanguage::Html,
        _ => return (Vec::new(), None),
    };
    let (facts, refused) = match facts_of(region, source, language, rules) {
        Ok(facts) => (facts, None),
        Err(refused) => (None, Some(refused)),
    };
    let tables = rules.tables(language);
    let (strings, comments) = texts_of(region, facts.as_ref());
    let stretch = text::Stretch {
        text: source,
        range: region.range.clone(),
        strings: &strings,
        comments: &comments,
        region: Some(region),
    };
    let (mut hits, limited) = text::run(rules, &tables.others, &stretch);
    let mut limit = refused.or(limited);
    if let Some(facts) = facts {
        let (found, reached) = match_names(facts, rules, language, source);
        hits.extend(found);
        limit = limit.or_else(|| reached.map(|what| format!("the limit of {what} was reached")));
    }
    (hits, limit)
}

/// The facts of a region: those of its strict tree or, where there is none, of its tolerant one. None where no rule finds
/// anything in them; an error where a limit keeps them from being made.
fn facts_of(region: &Region, source: &str, language: RuleLanguage, rules: &RuleSet) -> Result<Option<Facts>, String> {
    let lower = match language {
        RuleLanguage::Python => tolerant::python,
        RuleLanguage::JavaScript => tolerant::javascript,
        RuleLanguage::Html | RuleLanguage::Any => return Ok(None),
    };
    if let Some(facts) = region.take_facts() {
        return Ok(Some(facts));
    }
    let stretch = source.get(region.range.clone()).unwrap_or(source);
    if !rules.may_match(language, stretch) {
        return Ok(None);
    }
    Ok(Some(lower(source, region.tree(source)?.root_node())))
}

/// Where the strings and the comments of a region stand.
fn texts_of(region: &Region, facts: Option<&Facts>) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let ranges = |places: &[Place]| places.iter().map(|place| place.range()).collect();
    match (&region.outline, facts) {
        (Some(outline), _) => (ranges(&outline.strings), ranges(&outline.comments)),
        (None, Some(facts)) => (facts.strings.clone(), facts.comments.clone()),
        (None, None) => (Vec::new(), Vec::new()),
    }
}

fn match_names(
    facts: Facts,
    rules: &RuleSet,
    language: RuleLanguage,
    source: &str,
) -> (Vec<Hit>, Option<&'static str>) {
    let tables = rules.tables(language);
    let mut matching = Matching::new(Resolver::new(facts, &tables.segments), rules, tables, source);
    matching.run();
    (matching.hits, matching.resolver.limit)
}

fn finding(hit: &Hit, rules: &RuleSet, path: &str, text: &SourceText) -> Finding {
    let rule = &rules.rules()[hit.rule];
    let confidence = match (hit.how, rule.confidence) {
        (How::Plainly, confidence) => confidence,
        (_, Confidence::High) => Confidence::Medium,
        (_, _) => Confidence::Low,
    };
    let mut finding = Finding::in_file(rule.id.clone(), Pass::Scan, rule.severity, path, rule.message.clone())
        .at(text, hit.start..hit.end)
        .confidence(confidence)
        .cwe(&rule.cwe);
    if let Some(hint) = rule.instead.lines().next() {
        finding = finding.hint(hint);
    }
    if let Some(resolved) = &hit.resolved {
        finding = finding.resolved(resolved.clone());
    }
    finding
}
