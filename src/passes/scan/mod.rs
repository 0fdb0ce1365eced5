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
mod assigned;
mod callers;
mod calls;
mod canonical;
mod capabilities;
mod changed;
mod commands;
mod decoded;
mod decoders;
mod demand;
mod fold;
mod functions;
mod inline;
mod iteration;
mod labels;
mod layers;
mod library;
mod limits;
mod lists;
mod lost;
mod matcher;
mod members;
mod modules;
mod names;
mod objects;
mod operators;
mod own;
mod places;
mod portable;
mod resolve;
mod rounds;
mod runners;
mod shape;
mod shell;
mod ships;
mod text;
mod texts;
mod trail;
mod values;
mod worth;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::artifact::{SourceFile, SourceText};
use crate::facts::outline::Place;
use crate::facts::{Facts, tolerant};
use crate::finding::{Confidence, Finding, Pass, Severity};
use crate::language::Language;
use crate::passes::parse::{Parsed, ParsedFile, Region, each, with_room};
use crate::policy::ScanPolicy;
use crate::rules::{Haystack, RuleLanguage, RuleSet};

pub(crate) use canonical::canonical;
use capabilities::Occurrences;
use decoded::Around;
use layers::{Inner, Unwrapped};
use matcher::{Hit, How, Matching, Weight};
use modules::{Modules, Own};
use portable::Summary;
use resolve::Resolver;
pub use shell::{command_words, may_be_written};

/// The rule id of the finding that says that a file was not scanned to its end. It is of severity high, and the gate holds
/// it to be about what could not be judged, so that no choice of rules hides it.
pub const SCAN_LIMIT: &str = "scan-limit";

/// Rules of the parse pass that say that a text was not read to its end.
const LIMITS_OF_PARSING: [&str; 3] = ["parse-limit", "nesting-too-deep", "file-too-large-to-scan"];

/// Runs every rule over every file. The map is for the report's `validationResults.security.details`.
#[must_use]
pub fn scan(parsed: &Parsed<'_>, rules: &RuleSet, policy: &ScanPolicy) -> (Vec<Finding>, Map<String, Value>) {
    scanned(parsed, rules, policy).finish(parsed)
}

/// The ids of the rules that are hit, those with a label included.
pub(crate) fn hit_rules<'r>(parsed: &Parsed<'_>, rules: &'r RuleSet, policy: &ScanPolicy) -> BTreeSet<Cow<'r, str>> {
    let mut hit = BTreeSet::new();
    for file in scanned(parsed, rules, policy).all(parsed) {
        hit.extend(file.occurrences.rules().map(|rule| Cow::Borrowed(&*rules.rule(rule).id)));
        hit.extend(file.findings.into_iter().map(|finding| finding.rule_id));
    }
    hit
}

/// Scans what was parsed before.
fn scanned<'r>(parsed: &Parsed<'_>, rules: &'r RuleSet, policy: &'r ScanPolicy) -> Scanner<'r> {
    let sources: Vec<&SourceFile> = parsed.files.iter().map(|file| file.source).collect();
    let (mut scanner, turns) = Scanner::new(&sources, rules, policy);
    for turn in &turns {
        with_room(|| each(turn, bytes(parsed, turn), |&at| scanner.file(at, &parsed.files[at])));
        scanner.turn_ends();
    }
    scanner
}

/// The bytes of files of an artifact.
fn bytes(parsed: &Parsed<'_>, files: &[usize]) -> u64 {
    files.iter().map(|&at| parsed.files[at].source.bytes.len() as u64).sum()
}

/// The scan of an artifact, file by file, in an order in which what a file imports from the artifact itself is known
/// before it.
pub(crate) struct Scanner<'r> {
    rules: &'r RuleSet,
    policy: &'r ScanPolicy,
    modules: Modules,
    /// Files that import each other in a circle: in their turn it is found out what they hand out, and when all turns are
    /// over they are scanned, with all that the rest of their circle hands out.
    circular: Vec<usize>,
    /// What was found, and what has been handed out since the turn began.
    found: Vec<Mutex<(Scanned, Option<Summary>)>>,
}

impl<'r> Scanner<'r> {
    /// A scanner of these files, and their places, turn by turn.
    pub(crate) fn new(sources: &[&SourceFile], rules: &'r RuleSet, policy: &'r ScanPolicy) -> (Self, Vec<Vec<usize>>) {
        let modules = Modules::of(sources);
        let (turns, circular) = modules.waves();
        let found = sources.iter().map(|_| Mutex::default()).collect();
        (Self { rules, policy, modules, circular, found }, turns)
    }

    /// Scans the file at a place, on a thread with room to recurse.
    pub(crate) fn file(&self, at: usize, file: &ParsedFile<'_>) {
        if self.circular.binary_search(&at).is_err() {
            return self.look(at, file);
        }
        let summary = file.text.as_ref().and_then(|text| first_summary(file, text, self.rules, self.own(file)));
        self.keep(at, (Scanned::default(), summary));
    }

    fn look(&self, at: usize, file: &ParsedFile<'_>) {
        let Some(text) = &file.text else { return };
        let standing = Standing { own: self.own(file), wanted: self.modules.is_wanted(at) };
        self.keep(at, scan_file(file, text, self.rules, self.policy, standing));
    }

    /// The artifact's modules as a file sees them.
    fn own<'s>(&'s self, file: &'s ParsedFile<'_>) -> Own<'s> {
        Own { modules: &self.modules, path: &file.source.path }
    }

    fn keep(&self, at: usize, found: (Scanned, Option<Summary>)) {
        *self.found[at].lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// All files of a turn are scanned: what they hand out is known from here on.
    pub(crate) fn turn_ends(&mut self) {
        for (at, found) in self.found.iter_mut().enumerate() {
            let summary = found.get_mut().unwrap_or_else(PoisonError::into_inner).1.take();
            self.modules.add(at, summary);
        }
    }

    /// What was found in each file, those of circles included.
    fn all(self, parsed: &Parsed<'_>) -> Vec<Scanned> {
        if !self.circular.is_empty() {
            let circular = &self.circular;
            with_room(|| each(circular, bytes(parsed, circular), |&at| self.look(at, &parsed.files[at])));
        }
        let found = self.found.into_iter();
        let mut scanned: Vec<Scanned> =
            found.map(|found| found.into_inner().unwrap_or_else(PoisonError::into_inner).0).collect();
        let occurrences: Vec<&Occurrences> = scanned.iter().map(|file| &file.occurrences).collect();
        for (at, hit) in capabilities::combined(&occurrences, self.rules) {
            let file = &parsed.files[at];
            let Some(text) = &file.text else { continue };
            scanned[at].findings.push(finding(&hit, self.rules, &file.source.path, text));
        }
        scanned
    }

    /// What was found in all files, and the map for the report's `validationResults.security.details`.
    pub(crate) fn finish(self, parsed: &Parsed<'_>) -> (Vec<Finding>, Map<String, Value>) {
        let rules = self.rules;
        let scanned = self.all(parsed);
        let paths = parsed.files.iter().map(|file| file.source.path.as_str());
        let capabilities = capabilities::summary(paths.zip(scanned.iter().map(|file| &file.occurrences)), rules);
        let files = parsed.files.iter().filter(|file| file.text.is_some()).count();
        let findings: Vec<Finding> = scanned.into_iter().flat_map(|file| file.findings).collect();
        let mut by_severity: BTreeMap<Severity, u64> = BTreeMap::new();
        for finding in &findings {
            *by_severity.entry(finding.severity).or_default() += 1;
        }
        let by_severity: Map<String, Value> =
            by_severity.into_iter().map(|(severity, count)| (severity.name().to_owned(), json!(count))).collect();
        let mut details = Map::new();
        details.insert("rules".to_owned(), json!(rules.count()));
        details.insert("files".to_owned(), json!(files));
        details.insert("findingsBySeverity".to_owned(), Value::Object(by_severity));
        details.insert("capabilities".to_owned(), capabilities);
        (findings, details)
    }
}

/// What the scan of one file found.
#[derive(Default)]
struct Scanned {
    findings: Vec<Finding>,
    occurrences: Occurrences,
}

/// Where a file stands among those of its artifact.
#[derive(Clone, Copy)]
struct Standing<'a> {
    own: Own<'a>,
    /// Whether others import it.
    wanted: bool,
}

/// What a file hands out, as far as that is known before the rest of its circle is. Its facts stay with it.
fn first_summary(file: &ParsedFile<'_>, text: &SourceText, rules: &RuleSet, own: Own<'_>) -> Option<Summary> {
    file.regions.iter().find_map(|region| {
        let language = rule_language(region.language)?;
        let facts = facts_of(region, region.copy_facts(), text.as_str(), language).ok()??;
        Some(Resolver::new(facts, rules.tables(language)).seeing(Some(own)).summary())
    })
}

fn scan_file(
    file: &ParsedFile<'_>,
    text: &SourceText,
    rules: &RuleSet,
    policy: &ScanPolicy,
    standing: Standing<'_>,
) -> (Scanned, Option<Summary>) {
    let path = file.source.path.as_str();
    let mut hits = Vec::new();
    let mut limits = Vec::new();
    let mut layers = Vec::new();
    let mut summary = None;
    let haystack = Haystack::of(text.as_str());
    for region in &file.regions {
        let found = scan_region(region, (text, &haystack), rules, Some(standing), 0);
        region.drop_tree();
        hits.extend(found.hits);
        layers.extend(found.layers);
        limits.extend(found.limit);
        summary = summary.or(found.summary);
    }
    if shell::is_script(file.source) {
        let judged = shell::judge(text.as_str(), false, rules, 0);
        hits.extend(judged.hits);
        layers.extend(judged.layers);
        limits.extend(judged.limit);
    } else {
        hits.extend(text_hits(text, &haystack, rules));
    }
    let Unwrapped { hits: mut inner, first } = layers::unwrap(layers, rules, &mut limits);
    hits.sort_by_key(|hit| (hit.start, hit.end, hit.rule));
    hits.dedup_by_key(|hit| (hit.start, hit.end, hit.rule));
    inner_alone(&mut inner, &hits);
    let all: Vec<Hit> = hits.iter().chain(inner.iter().map(|inner| &inner.hit)).cloned().collect();
    let occurrences = Occurrences::of(&all, text);
    hits.extend(occurrences.combined(rules));
    // What code can do is no fault of it.
    hits.retain(|hit| rules.rule(hit.rule).label.is_none());
    inner.retain(|inner| rules.rule(inner.hit.rule).label.is_none());
    let most = usize::try_from(policy.findings_per_file_max).unwrap_or(usize::MAX);
    let mut left_out: Vec<LeftOut> = leave_out(&mut hits, most, rules).into_iter().collect();
    let around = Around::of(text.as_str());
    let mut findings: Vec<Finding> = hits
        .iter()
        .map(|hit| finding(hit, rules, path, text).decoded(decoded::at(&first, hit.start..hit.end, &around)))
        .collect();
    findings.extend(inner.iter().map(|inner| inner_finding(inner, rules, path, (text, &around))));
    if let Some(rest) = &file.rest {
        let mut hits = text_hits(rest, &Haystack::of(rest.as_str()), rules);
        hits.retain(|hit| rules.rule(hit.rule).label.is_none());
        left_out.extend(leave_out(&mut hits, most.saturating_sub(findings.len()), rules));
        findings.extend(hits.iter().map(|hit| finding(hit, rules, path, rest)));
    }
    findings.extend(limits.into_iter().map(|what| {
        Finding::in_file(SCAN_LIMIT, Pass::Scan, Severity::High, path, format!("not scanned to the end: {what}"))
    }));
    findings.extend(left_out.into_iter().map(|LeftOut { count, most, severity }| {
        let what = format!("{count} more findings than findings_per_file_max leaves room for ({most}) are not shown");
        Finding::in_file(SCAN_LIMIT, Pass::Scan, severity, path, what)
    }));
    (Scanned { findings, occurrences }, summary)
}

/// Leaves one hit of a rule for each place of what was found inside of text that the file runs, and none that was hit in
/// the file itself at that place.
fn inner_alone(inner: &mut Vec<Inner>, outer: &[Hit]) {
    let key = |hit: &Hit| (hit.start, hit.end, hit.rule);
    let known: HashSet<(usize, usize, usize)> = outer.iter().map(key).collect();
    // What is told of a text as it stands need not be told again of the same with its variables put in.
    let is_told = |inner: &Inner| {
        let (start, end) = (inner.hit.start, inner.hit.end);
        inner.told.is_restated()
            && outer.iter().any(|hit| hit.rule == inner.hit.rule && start <= hit.start && hit.end <= end)
    };
    inner.retain(|inner| !known.contains(&key(&inner.hit)) && !is_told(inner));
    inner.sort_by_key(|inner| (key(&inner.hit), inner.hit.how));
    inner.dedup_by_key(|inner| key(&inner.hit));
}

/// A finding inside of text that the file runs, with the first line of that text.
fn inner_finding(inner: &Inner, rules: &RuleSet, path: &str, (text, around): (&SourceText, &Around<'_>)) -> Finding {
    let mut finding = finding(&inner.hit, rules, path, text);
    let what = if inner.told.is_written() { "code that is written here" } else { "text that is run here" };
    finding.message = format!("{}, in {what}: `{}`", finding.message, layers::shown_line(inner.told.own()));
    finding.decoded(inner.told.decoded(Some(inner.inside.clone()), around))
}

/// The hits of the rules over the text of every file.
fn text_hits(text: &SourceText, haystack: &Haystack, rules: &RuleSet) -> Vec<Hit> {
    let source = text.as_str();
    let (strings, comments) = (&[], &[]);
    let whole = text::Stretch { text: source, range: 0..source.len(), strings, comments, haystack, region: None };
    text::run(rules, &rules.tables(RuleLanguage::Any).others, &whole).0
}

/// Findings that there is no room for.
struct LeftOut {
    count: usize,
    most: usize,
    /// The worst of them: a file that is full of hints is not one that could not be judged.
    severity: Severity,
}

/// Keeps at most `most` hits, the worst, so that many small findings cannot crowd a grave one out.
fn leave_out(hits: &mut Vec<Hit>, most: usize, rules: &RuleSet) -> Option<LeftOut> {
    let count = hits.len().checked_sub(most).filter(|&count| count > 0)?;
    hits.sort_by_key(|hit| (std::cmp::Reverse(rules.rule(hit.rule).severity), hit.start, hit.rule));
    let severity = rules.rule(hits[most].rule).severity;
    hits.truncate(most);
    Some(LeftOut { count, most, severity })
}

/// What there is to say about a region.
#[derive(Default)]
struct ScannedRegion {
    hits: Vec<Hit>,
    /// Text that it runs.
    layers: Vec<layers::Layer>,
    /// What it hands out to other files, where they want it.
    summary: Option<Summary>,
    /// The limit that was reached.
    limit: Option<String>,
}

/// Runs the rules of a region's language over it; `standing` is that of its file, and `depth` layers of code are around it.
fn scan_region(
    region: &Region,
    (text, haystack): (&SourceText, &Haystack),
    rules: &RuleSet,
    standing: Option<Standing<'_>>,
    depth: usize,
) -> ScannedRegion {
    let source = text.as_str();
    let Some(language) = rule_language(region.language) else { return ScannedRegion::default() };
    let (facts, refused) = match facts_of(region, region.take_facts(), source, language) {
        Ok(facts) => (facts, None),
        Err(refused) => (None, Some(refused)),
    };
    let tables = rules.tables(language);
    let (strings, comments) = texts_of(region, facts.as_ref());
    let part = match source.get(region.range.clone()) {
        Some(part) if part.len() < source.len() => Some(Haystack::of(part)),
        _ => None,
    };
    let stretch = text::Stretch {
        text: source,
        range: region.range.clone(),
        strings: &strings,
        comments: &comments,
        haystack: part.as_ref().unwrap_or(haystack),
        region: Some(region),
    };
    let (hits, limited) = text::run(rules, &tables.others, &stretch);
    let limit = refused.or(limited);
    let mut scanned = ScannedRegion { hits, limit, ..ScannedRegion::default() };
    if let Some(facts) = facts {
        match_names(facts, rules, language, source, standing, depth, &mut scanned);
    }
    scanned
}

/// Whose rules are about a region's language.
fn rule_language(language: Language) -> Option<RuleLanguage> {
    match language {
        Language::Python => Some(RuleLanguage::Python),
        Language::JavaScript | Language::TypeScript => Some(RuleLanguage::JavaScript),
        Language::Html => Some(RuleLanguage::Html),
        _ => None,
    }
}

/// The facts of a region: those of its strict tree or, where there are none, of its tolerant one. None where no rule asks for
/// any; an error where a limit keeps them from being made.
fn facts_of(
    region: &Region,
    strict: Option<Facts>,
    source: &str,
    language: RuleLanguage,
) -> Result<Option<Facts>, String> {
    let lower = match language {
        RuleLanguage::Python => tolerant::python,
        RuleLanguage::JavaScript => tolerant::javascript,
        RuleLanguage::Html | RuleLanguage::Any => return Ok(None),
    };
    match strict {
        Some(facts) => Ok(Some(facts)),
        None => Ok(Some(lower(source, region.tree(source)?.root_node()))),
    }
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
    standing: Option<Standing<'_>>,
    depth: usize,
    scanned: &mut ScannedRegion,
) {
    let tables = rules.tables(language);
    let resolver = Resolver::new(facts, tables).seeing(standing.map(|standing| standing.own));
    let mut matching = Matching::new(resolver, rules, tables, source);
    matching.run();
    scanned.layers = matching.resolver.layers(depth);
    scanned.summary = standing.filter(|standing| standing.wanted).map(|_| matching.resolver.summary());
    let reached = matching.resolver.limit.map(|what| format!("the limit of {what} was reached"));
    scanned.limit = scanned.limit.take().or(reached);
    scanned.hits.extend(matching.hits);
}

fn finding(hit: &Hit, rules: &RuleSet, path: &str, text: &SourceText) -> Finding {
    let rule = rules.rule(hit.rule);
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
