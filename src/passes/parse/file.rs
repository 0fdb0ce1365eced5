//! One file: its bytes, its limits, its judge, its trees.

use super::problem::{Judged, Problem};
use super::{ParsedFile, Region, Target, Validity};
use super::{css, data, decode, html, javascript, notebook, python, tree};
use crate::artifact::{SourceFile, SourceText};
use crate::finding::{Finding, Pass, Severity, sort};
use crate::language::Language;
use crate::policy::ParsePolicy;
use javascript::PackageType;

/// What every file is judged by.
#[derive(Clone, Copy)]
pub(super) struct Basis<'p> {
    pub(super) policy: &'p ParsePolicy,
    pub(super) target: &'p Target,
}

/// A file and what there is to say about it.
pub(super) struct Outcome<'a> {
    pub(super) file: ParsedFile<'a>,
    pub(super) findings: Vec<Finding>,
    /// Whether the strict parser accepts the file and the tolerant tree of it has errors nonetheless.
    pub(super) tolerant_errors: bool,
}

/// Parses one file.
pub(super) fn parse<'a>(source: &'a SourceFile, package: PackageType, basis: Basis<'_>) -> Outcome<'a> {
    let (mut file, mut problems) = verdict(source, package, basis);
    if file.validity != Validity::NotJudged && !problems.iter().any(|problem| problem.rule == "nesting-too-deep") {
        problems.extend(add_tree(&mut file, basis.policy));
    }
    file.validity = match file.validity {
        Validity::NotJudged => Validity::NotJudged,
        _ => validity(&problems),
    };
    let tolerant_errors =
        file.validity == Validity::Valid && file.regions.iter().any(|region| region.tree.root_node().has_error());
    let findings = findings(&file, problems, basis.policy);
    Outcome { file, findings, tolerant_errors }
}

/// The strict verdict on one file, and what is wrong with it.
pub(super) fn verdict<'a>(
    source: &'a SourceFile,
    package: PackageType,
    basis: Basis<'_>,
) -> (ParsedFile<'a>, Vec<Problem>) {
    let mut file = ParsedFile {
        source,
        text: None,
        rest: None,
        validity: Validity::NotJudged,
        dialect: None,
        regions: Vec::new(),
    };
    let known = is_judged(source.language);
    match text_of(source, basis.policy) {
        Ok(text) => file.text = Some(text),
        Err(_) if !known => return (file, Vec::new()),
        Err(problem) => {
            file.validity = Validity::Invalid;
            return (file, vec![problem]);
        }
    }
    if !known {
        return (file, Vec::new());
    }
    let text = file.text.as_ref().expect("it was set above");
    let judged = judge(source, text, package, basis);
    if judged.text.is_some() {
        (file.text, file.rest) = (judged.text, judged.rest);
    }
    file.dialect = judged.dialect;
    file.validity = validity(&judged.problems);
    file.regions = judged.regions;
    (file, judged.problems)
}

/// What the faults of a file make of it. One that is merely too large to be scanned does not pass, yet is valid.
fn validity(problems: &[Problem]) -> Validity {
    match problems.iter().any(|problem| problem.is_fatal() && problem.rule != tree::TOO_LARGE) {
        true => Validity::Invalid,
        false => Validity::Valid,
    }
}

/// Adds the tolerant tree of the whole file, where its judge has not made trees itself. A fault where there is none.
fn add_tree(file: &mut ParsedFile<'_>, policy: &ParsePolicy) -> Option<Problem> {
    let language = file.source.language;
    if matches!(language, Language::Html | Language::Css | Language::Notebook) {
        return None;
    }
    let text = file.text.as_ref()?.as_str();
    match tree::Ground::new(text, policy.tree_bytes_max.bytes()).whole(language) {
        Ok(tree) => file.regions.extend(tree.map(|tree| Region { language, range: 0..text.len(), tree })),
        Err(problem) => return Some(problem),
    }
    None
}

/// Whether files of a language are judged at all.
fn is_judged(language: Language) -> bool {
    !matches!(language, Language::Text | Language::Binary)
}

/// The text of a file that is not too large.
fn text_of(source: &SourceFile, policy: &ParsePolicy) -> Result<SourceText, Problem> {
    let size = source.bytes.len() as u64;
    let factor = if source.language == Language::Notebook { notebook::SIZE_FACTOR } else { 1 };
    let most = policy.file_bytes_max.bytes().saturating_mul(factor);
    if size > most {
        let message = format!("the file has {size} bytes; at most {most} are parsed");
        return Err(
            Problem::whole("file-too-large-to-parse", message).hint("split the file, or raise `file_bytes_max`")
        );
    }
    if source.language == Language::Binary && source.bytes.contains(&0) {
        return Err(Problem::whole("undecodable-text", "the file is not text"));
    }
    decode::decode(source.language, &source.bytes)
}

fn judge(source: &SourceFile, whole: &SourceText, package: PackageType, basis: Basis<'_>) -> Judged {
    let text = whole.as_str();
    let (path, policy) = (source.path.as_str(), basis.policy);
    match source.language {
        Language::Python => python::judge(path, text, basis),
        Language::JavaScript | Language::TypeScript => javascript::judge(path, source.language, text, package, basis),
        Language::Notebook => notebook::judge(whole, basis),
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
fn findings(file: &ParsedFile<'_>, mut problems: Vec<Problem>, policy: &ParsePolicy) -> Vec<Finding> {
    let start = |problem: &Problem| problem.range.as_ref().map_or(0, |range| range.start);
    problems.sort_by_key(|problem| (!problem.is_fatal(), start(problem)));
    problems.dedup_by(|a, b| a.message == b.message && a.range == b.range);
    let keep = usize::try_from(policy.findings_per_file_max).unwrap_or(usize::MAX).max(1);
    let more = problems.len().saturating_sub(keep);
    let severity = problems.iter().skip(keep).map(|problem| problem.severity).max();
    problems.truncate(keep);
    let path = &file.source.path;
    let mut findings: Vec<Finding> =
        problems.into_iter().map(|problem| problem.into_finding(path, file.text.as_ref())).collect();
    sort(&mut findings);
    if let Some(severity) = severity {
        let message = format!("at least {more} more syntax findings in this file are not shown");
        findings.push(Finding::in_file("more-syntax-errors", Pass::Parse, severity.max(Severity::Low), path, message));
    }
    findings
}
