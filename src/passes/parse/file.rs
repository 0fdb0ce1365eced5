//! One file: its bytes, its limits, its judge, its trees.

use std::borrow::Cow;

use super::problem::{Judged, Problem};
use super::{ParsedFile, Region, Target, Validity};
use super::{css, data, decode, html, javascript, notebook, python, tree};
use crate::artifact::{SourceFile, SourceText};
use crate::finding::{Finding, Pass, Severity, sort};
use crate::language::Language;
use crate::policy::ParsePolicy;
use javascript::Roles;

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
    /// What says in which dialect it is meant.
    pub(super) dialect_from: Option<Cow<'static, str>>,
}

/// Parses one file.
pub(super) fn parse<'a>(source: &'a SourceFile, roles: &Roles<'_>, basis: Basis<'_>) -> Outcome<'a> {
    let mut file = ParsedFile {
        source,
        text: None,
        rest: None,
        validity: Validity::NotJudged,
        dialect: None,
        regions: Vec::new(),
    };
    let known = is_judged(source.language);
    let decoded = match text_of(source, basis) {
        Ok(decoded) => decoded,
        Err(_) if !known => return Outcome { file, findings: Vec::new(), tolerant_errors: false, dialect_from: None },
        Err(undecodable) => return refused(file, undecodable),
    };
    file.text = Some(decoded.text.clone());
    if !known {
        return Outcome { file, findings: Vec::new(), tolerant_errors: false, dialect_from: None };
    }
    let mut judged = judge(source, &decoded.text, roles, basis);
    judged.problems.extend(decoded.problems(!judged.problems.iter().any(Problem::is_fatal)));
    if judged.text.is_some() {
        (file.text, file.rest) = (judged.text, judged.rest);
    }
    file.dialect = judged.dialect;
    file.validity = match judged.problems.iter().any(Problem::is_fatal) {
        true => Validity::Invalid,
        false => Validity::Valid,
    };
    file.regions = judged.regions;
    let tolerant_errors =
        file.validity == Validity::Valid && file.regions.iter().any(|region| region.tree.root_node().has_error());
    let findings = findings(&file, judged.problems, basis.policy);
    Outcome { file, findings, tolerant_errors, dialect_from: judged.dialect_from }
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

fn refused(mut file: ParsedFile<'_>, undecodable: Box<decode::Undecodable>) -> Outcome<'_> {
    file.validity = Validity::Invalid;
    let finding = undecodable.problem.into_finding(&file.source.path, undecodable.text.as_ref());
    Outcome { file, findings: vec![finding], tolerant_errors: false, dialect_from: None }
}

fn judge(source: &SourceFile, whole: &SourceText, roles: &Roles<'_>, basis: Basis<'_>) -> Judged {
    let text = whole.as_str();
    let (path, policy) = (source.path.as_str(), basis.policy);
    let mut judged = match source.language {
        Language::Python => python::judge(path, text, basis),
        Language::JavaScript | Language::TypeScript => javascript::judge(path, source.language, text, roles, basis),
        Language::Notebook => return notebook::judge(whole, basis),
        Language::Html => return html::judge(text, basis),
        Language::Css => return css::judge(text, policy),
        Language::Json if takes_comments(source) => one(data::json(&data::without_comments(text), 0, policy)),
        Language::Json => one(data::json(text, 0, policy)),
        Language::Toml => one(data::toml(text)),
        Language::Yaml => one(data::yaml(text, policy)),
        Language::Text | Language::Binary => Judged::default(),
    };
    if judged.problems.iter().any(|problem| problem.rule == "nesting-too-deep") {
        return judged;
    }
    match tree::parse(source.language, text, 0..text.len()) {
        Ok(Some(tree)) => judged.regions.push(Region { language: source.language, range: 0..text.len(), tree }),
        Ok(None) => {}
        Err(problem) => judged.problems.push(problem),
    }
    judged
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
