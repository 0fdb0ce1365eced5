//! One file: its bytes, its limits, its judge, its trees.

use std::borrow::Cow;

use super::problem::{Judged, Problem};
use super::{ParsedFile, Region, Target, Validity};
use super::{css, data, decode, html, javascript, notebook, python, tree};
use crate::artifact::{SourceFile, SourceText};
use crate::facts::strict::Wanted;
use crate::finding::{Finding, Pass, Severity, sort};
use crate::language::Language;
use crate::policy::ParsePolicy;
use javascript::Roles;

/// What every file is judged by.
#[derive(Clone, Copy)]
pub(super) struct Basis<'p> {
    pub(super) policy: &'p ParsePolicy,
    pub(super) target: &'p Target,
    /// Whether strict trees are lowered, or the verdict alone is wanted.
    pub(super) lowers: bool,
}

impl Basis<'_> {
    /// What is wanted of the strict tree of a text that stands in the file at `path`; `None` where it is not lowered.
    pub(super) fn wanted(self, path: &str) -> Option<Wanted> {
        self.lowers.then(|| Wanted { tests: is_named_test(path) })
    }
}

/// Whether the file's own name says that it is a test; folders of tests hold helpers and data as well.
pub(crate) fn is_named_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    stem.starts_with("test") || stem.ends_with("test") || stem.ends_with("tests") || stem.ends_with("spec")
}

/// A file and what there is to say about it.
pub(crate) struct Outcome<'a> {
    pub(crate) file: ParsedFile<'a>,
    pub(super) findings: Vec<Finding>,
    /// What says in which dialect it is meant.
    pub(super) dialect_from: Option<Cow<'static, str>>,
}

impl<'a> Outcome<'a> {
    /// Of a file that nobody looks at, in an artifact on which nothing will be said.
    pub(super) fn untouched(source: &'a SourceFile) -> Self {
        Self { file: ParsedFile::untouched(source), findings: Vec::new(), dialect_from: None }
    }
}

impl<'a> ParsedFile<'a> {
    /// A file of which nothing is known yet.
    fn untouched(source: &'a SourceFile) -> Self {
        Self { source, text: None, rest: None, validity: Validity::NotJudged, dialect: None, regions: Vec::new() }
    }
}

/// The strict verdict on a file, before its tolerant tree.
pub(super) struct Verdict<'a> {
    pub(super) file: ParsedFile<'a>,
    problems: Vec<Problem>,
    dialect_from: Option<Cow<'static, str>>,
    /// The text in which undecodable bytes have their place; no pass looks at it.
    shown: Option<SourceText>,
}

/// Parses one file.
pub(super) fn parse<'a>(source: &'a SourceFile, roles: &Roles<'_>, basis: Basis<'_>) -> Outcome<'a> {
    let Verdict { mut file, mut problems, dialect_from, shown } = verdict(source, roles, basis);
    if file.validity != Validity::NotJudged && !problems.iter().any(|problem| problem.rule == "nesting-too-deep") {
        problems.extend(add_tree(&mut file, basis.policy));
    }
    file.validity = match file.validity {
        Validity::NotJudged => Validity::NotJudged,
        _ => validity(&problems),
    };
    let text = file.text.as_ref().or(shown.as_ref());
    let findings = findings(&source.path, text, problems, basis.policy);
    Outcome { file, findings, dialect_from }
}

/// The strict verdict on one file, and what is wrong with it.
pub(super) fn verdict<'a>(source: &'a SourceFile, roles: &Roles<'_>, basis: Basis<'_>) -> Verdict<'a> {
    let file = ParsedFile::untouched(source);
    let mut verdict = Verdict { file, problems: Vec::new(), dialect_from: None, shown: None };
    let known = is_judged(source.language);
    let decoded = match text_of(source, basis) {
        Ok(decoded) => decoded,
        Err(_) if !known => return verdict,
        Err(undecodable) => {
            verdict.file.validity = Validity::Invalid;
            verdict.problems.push(undecodable.problem);
            verdict.shown = undecodable.text;
            return verdict;
        }
    };
    verdict.file.text = Some(decoded.text.clone());
    if !known {
        return verdict;
    }
    let mut judged = judge(source, &decoded.text, roles, basis);
    judged.problems.extend(decoded.problems(!judged.problems.iter().any(Problem::is_fatal)));
    let file = &mut verdict.file;
    if judged.text.is_some() {
        (file.text, file.rest) = (judged.text, judged.rest);
    }
    file.dialect = judged.dialect;
    file.validity = validity(&judged.problems);
    file.regions = judged.regions;
    (verdict.problems, verdict.dialect_from) = (judged.problems, judged.dialect_from);
    verdict
}

/// What the faults of a file make of it. One that is merely too large to be scanned does not pass, yet is valid.
fn validity(problems: &[Problem]) -> Validity {
    match problems.iter().any(|problem| problem.is_fatal() && problem.rule != tree::TOO_LARGE) {
        true => Validity::Invalid,
        false => Validity::Valid,
    }
}

/// The largest file that is not valid and of which a tolerant tree is made: what recovers from errors takes far more time
/// and memory than what reads valid code.
const INVALID_BYTES_MAX: u64 = 512 << 10;

/// Adds the tolerant tree of the whole file, where its judge has found no regions in it. A fault where there is none.
fn add_tree(file: &mut ParsedFile<'_>, policy: &ParsePolicy) -> Option<Problem> {
    let language = file.source.language;
    if !file.regions.is_empty() || matches!(language, Language::Html | Language::Css | Language::Notebook) {
        return None;
    }
    let text = file.text.as_ref()?.as_str();
    let bytes_max = match file.validity {
        Validity::Invalid => policy.tree_bytes_max.bytes().min(INVALID_BYTES_MAX),
        _ => policy.tree_bytes_max.bytes(),
    };
    match tree::Ground::new(text, bytes_max).whole(language) {
        Ok(tree) => file.regions.extend(tree.map(|tree| Region::tolerant(language, 0..text.len(), tree))),
        Err(problem) => return Some(problem),
    }
    None
}

/// Whether files of a language are judged at all.
fn is_judged(language: Language) -> bool {
    !matches!(language, Language::Text | Language::Binary)
}

/// The text of a file that is not too large.
fn text_of(source: &SourceFile, basis: Basis<'_>) -> Result<decode::Decoded, Box<decode::Undecodable>> {
    let size = source.bytes.len() as u64;
    let factor = if source.language == Language::Notebook { notebook::SIZE_FACTOR } else { 1 };
    let most = basis.policy.file_bytes_max.bytes().saturating_mul(factor);
    if size > most {
        let message = format!("the file has {size} bytes; at most {most} are parsed");
        let problem = Problem::whole("file-too-large-to-parse", message);
        return Err(problem.hint("split the file, or raise `file_bytes_max`").into());
    }
    if source.language == Language::Binary && source.bytes.contains(&0) {
        return Err(Problem::whole(decode::RULE, "the file is not text").into());
    }
    decode::decode(source.language, &source.bytes, basis.target.python)
}

fn judge(source: &SourceFile, whole: &SourceText, roles: &Roles<'_>, basis: Basis<'_>) -> Judged {
    let text = whole.as_str();
    let (path, policy) = (source.path.as_str(), basis.policy);
    match source.language {
        Language::Python => python::judge(path, text, basis),
        Language::JavaScript | Language::TypeScript => javascript::judge(path, source.language, text, roles, basis),
        Language::Notebook => notebook::judge(path, whole, basis),
        Language::Html => html::judge(text, basis),
        Language::Css => css::judge(text, policy),
        Language::Json if takes_comments(source) => one(data::json(&data::without_comments(text), 0, policy)),
        Language::Json => one(data::json(text, 0, policy)),
        Language::Toml => one(data::toml(text)),
        Language::Yaml => one(data::yaml(text, policy)),
        Language::Text | Language::Binary => Judged::default(),
    }
}

fn one(problem: Option<Problem>) -> Judged {
    Judged { problems: problem.into_iter().collect(), ..Judged::default() }
}

/// Files in JSON with comments, by name: those that TypeScript and editors read.
fn takes_comments(source: &SourceFile) -> bool {
    let name = source.file_name();
    let is_config = |stem: &str| name.starts_with(stem) && name.ends_with(".json");
    is_config("tsconfig")
        || is_config("jsconfig")
        || name.ends_with(".jsonc")
        || name.ends_with(".code-workspace")
        || name == ".eslintrc.json"
        || name == "devcontainer.json"
        || source.path.starts_with(".vscode/")
        || source.path.contains("/.vscode/")
}

/// The findings of a file, in order, at most as many as the policy keeps. The fatal ones come first into the cut.
fn findings(path: &str, text: Option<&SourceText>, mut problems: Vec<Problem>, policy: &ParsePolicy) -> Vec<Finding> {
    let start = |problem: &Problem| problem.range.as_ref().map_or(0, |range| range.start);
    problems.sort_by_key(|problem| (!problem.is_fatal(), start(problem)));
    problems.dedup_by(|a, b| a.message == b.message && a.range == b.range);
    let keep = usize::try_from(policy.findings_per_file_max).unwrap_or(usize::MAX).max(1);
    let more = problems.len().saturating_sub(keep);
    let severity = problems.iter().skip(keep).map(|problem| problem.severity).max();
    problems.truncate(keep);
    let mut findings: Vec<Finding> = problems.into_iter().map(|problem| problem.into_finding(path, text)).collect();
    sort(&mut findings);
    if let Some(severity) = severity {
        let message = format!("at least {more} more syntax findings in this file are not shown");
        findings.push(Finding::in_file("more-syntax-errors", Pass::Parse, severity.max(Severity::Low), path, message));
    }
    findings
}
