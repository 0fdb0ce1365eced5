//! The parse pass: is every file valid in its language?
//!
//! Each file goes the same way: its bytes are decoded as its engine decodes them, limits of size and depth are checked,
//! a strict parser gives the verdict, and its tree is lowered into what later passes look at. Where it gives none, a tolerant
//! parser does. All of it is done on threads with large stacks, one file a job.

mod bounds;
mod brackets;
mod codecs;
mod css;
mod data;
mod decode;
mod file;
mod html;
mod javascript;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod layers;
mod notebook;
mod problem;
mod python;
mod region;
mod stack;
mod target;
mod tree;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::artifact::{Artifact, SourceFile, SourceText};
use crate::finding::Finding;
use crate::language::Language;
use crate::policy::ParsePolicy;
use javascript::Roles;

pub(crate) use file::{Outcome, is_named_test};
pub use region::Region;
pub(crate) use stack::{each, start, with_room};
pub use target::{Reason, Target};

/// An artifact whose files have been parsed: what the passes after this one look at.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The snapshot.
    pub artifact: &'a Artifact,
    /// One for each file of the artifact, in its order.
    pub files: Vec<ParsedFile<'a>>,
    /// Facts for the report's `validationResults.syntax.details`.
    pub details: Map<String, Value>,
}

/// One parsed file.
#[derive(Debug)]
pub struct ParsedFile<'a> {
    /// The file.
    pub source: &'a SourceFile,
    /// Its text as its engine reads it; `None` where the bytes are not text, or are in an encoding that is refused
    /// (then there is a finding that says so).
    pub text: Option<SourceText>,
    /// What stands in the file beside its code, where the two are apart: a notebook's Markdown, outputs and metadata,
    /// escapes undone. Its code is [`Self::text`].
    pub rest: Option<SourceText>,
    /// Whether it is valid in its language.
    pub validity: Validity,
    /// What the strict parser judged it as, where the language has several forms: `module`, `script`, `commonjs`,
    /// `jsx`, `tsx`, `3.14`, ….
    pub dialect: Option<&'static str>,
    /// What it consists of: one region for a file in one language; for HTML the page's own and one for each script and
    /// style in it. Empty where nothing parses the language, and where a limit was reached before a parser could be
    /// trusted with the file.
    pub regions: Vec<Region>,
}

/// Whether a file is valid in its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Its strict parser accepts it.
    Valid,
    /// Its strict parser refuses it, or a limit was reached; there is a finding that says why.
    Invalid,
    /// Nothing judges its language; it is text or data that vetrun does not parse.
    NotJudged,
}

/// Paths listed in the details of the report.
const DETAIL_PATHS_MAX: usize = 200;

/// Parses every file of `artifact` as the engines of `target` would. Never fails: what is not valid is a finding.
#[must_use]
pub fn parse<'a>(artifact: &'a Artifact, policy: &ParsePolicy, target: &Target) -> (Parsed<'a>, Vec<Finding>) {
    let all = [(0..artifact.files.len()).collect()];
    parse_in_turn(artifact, policy, target, &all, &mut Unwatched)
}

/// Who looks at each file right after it was parsed, while what was made of it is at hand.
pub(crate) trait Watch: Sync {
    /// Has the file at a place of the artifact parsed, and looks at it.
    fn file<'a>(&self, at: usize, parse: impl FnOnce() -> Outcome<'a>) -> Outcome<'a>;

    /// Whether there is any use in further files.
    fn goes_on(&self) -> bool {
        true
    }

    /// All files of a turn are parsed.
    fn turn_ends(&mut self) {}
}

/// Nobody.
struct Unwatched;

impl Watch for Unwatched {
    fn file<'a>(&self, _: usize, parse: impl FnOnce() -> Outcome<'a>) -> Outcome<'a> {
        parse()
    }
}

/// [`parse`], turn by turn: each turn lists files of the artifact by their places, and each file is in one of them.
pub(crate) fn parse_in_turn<'a>(
    artifact: &'a Artifact,
    policy: &ParsePolicy,
    target: &Target,
    turns: &[Vec<usize>],
    watch: &mut (impl Watch + Send),
) -> (Parsed<'a>, Vec<Finding>) {
    let roles = Roles::of(artifact, policy);
    let basis = file::Basis { policy, target, lowers: true };
    let mut outcomes: Vec<(usize, Outcome<'a>)> = Vec::with_capacity(artifact.files.len());
    with_room(|| {
        for turn in turns {
            let one = |&at: &usize| match (&artifact.files[at], watch.goes_on()) {
                (source, true) => (at, watch.file(at, || file::parse(source, &roles, basis))),
                (source, false) => (at, Outcome::untouched(source)),
            };
            let bytes = turn.iter().map(|&at| artifact.files[at].bytes.len() as u64).sum();
            outcomes.extend(each(turn, bytes, one));
            watch.turn_ends();
        }
    });
    outcomes.sort_by_key(|(at, _)| *at);
    let outcomes: Vec<Outcome<'a>> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    let details = details(&outcomes, target);
    let mut files = Vec::with_capacity(outcomes.len());
    let mut findings = Vec::new();
    for outcome in outcomes {
        files.push(outcome.file);
        findings.extend(outcome.findings);
    }
    crate::finding::sort(&mut findings);
    (Parsed { artifact, files, details }, findings)
}

/// Facts for the report: how many files were judged and as what.
fn details(outcomes: &[Outcome<'_>], target: &Target) -> Map<String, Value> {
    let judged = || outcomes.iter().filter(|outcome| outcome.file.validity != Validity::NotJudged);
    let mut by_language: BTreeMap<&str, u64> = BTreeMap::new();
    for outcome in judged() {
        *by_language.entry(outcome.file.source.language.name()).or_default() += 1;
    }
    let dialects: BTreeMap<&str, &str> = judged()
        .filter_map(|outcome| Some((outcome.file.source.path.as_str(), outcome.file.dialect?)))
        .take(DETAIL_PATHS_MAX)
        .collect();
    let dialect_from: BTreeMap<&str, &str> = judged()
        .filter_map(|outcome| Some((outcome.file.source.path.as_str(), outcome.dialect_from.as_deref()?)))
        .take(DETAIL_PATHS_MAX)
        .collect();
    let invalid = judged().filter(|outcome| outcome.file.validity == Validity::Invalid).count();
    let judges = |language: Language| judged().any(|outcome| outcome.file.source.language == language);
    let entries = [
        ("files", json!(judged().count())),
        ("invalid", json!(invalid)),
        ("byLanguage", json!(by_language)),
        ("target", target.details(judges(Language::Python), judges(Language::JavaScript))),
        ("dialects", json!(dialects)),
        ("dialectFrom", json!(dialect_from)),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
