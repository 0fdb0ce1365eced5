//! Better words for what oxc says: the opener of a bracket that was never closed, and what to do about the faults that
//! generated JavaScript has most.

use std::borrow::Cow;

use oxc_diagnostics::OxcDiagnostic;

use super::scan::Scan;
use crate::passes::parse::brackets::closing;
use crate::passes::parse::problem::{Problem, fragment};

/// One error of the parser.
pub(super) fn one(error: &OxcDiagnostic, text: &str, rule: &'static str) -> Problem {
    let mut labels: Vec<_> = error.labels.iter().map(|label| super::checks::bytes(label.span())).collect();
    // The second of its kind is at fault, not the first.
    if error.message.contains("already been declared") || error.message.contains("ultiple ") {
        labels.sort_by_key(|range| std::cmp::Reverse(range.start));
    }
    let range = labels.first().cloned().unwrap_or(text.len()..text.len());
    let problem = Problem::new(rule, fragment(&error.message), range.start.min(text.len())..range.end.min(text.len()));
    match hint(error, text, range.start) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// The end of a call that is assigned to, if that is what `error` is about.
pub(super) fn call_target(error: &OxcDiagnostic, text: &str) -> Option<usize> {
    if !error.message.starts_with("Cannot assign to this expression") {
        return None;
    }
    let range = super::checks::bytes(error.labels.first()?.span());
    text.get(range.clone())?.ends_with(')').then_some(range.end)
}

fn hint(error: &OxcDiagnostic, text: &str, at: usize) -> Option<Cow<'static, str>> {
    let rest = text.get(at..).unwrap_or_default();
    let line_start = text[..at.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].split('\n').next().unwrap_or_default().trim_start();
    if rest.starts_with(['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}']) {
        return Some("replace the typographic quotes by ' or \"".into());
    }
    if rest.starts_with("```") || line.starts_with("```") {
        return Some("remove the lines with ``` of the Markdown fence".into());
    }
    if line.starts_with("def ") || line.starts_with("elif ") || line.starts_with("print ") {
        return Some("this looks like Python".into());
    }
    if rest.starts_with("...") {
        return Some("replace the placeholder by code".into());
    }
    error.help.as_ref().map(|help| fragment(help).into())
}

/// The faults of a file that was refused, in order, with what the whole of it tells.
pub(super) fn improve(
    mut problems: Vec<Problem>,
    text: &str,
    found: &Scan,
    rule: &'static str,
    other: Option<&'static str>,
) -> Vec<Problem> {
    problems.sort_by_key(start);
    if let Some(other) = other {
        for problem in problems.iter_mut().take(1) {
            problem.hint = Some(other.into());
        }
        return problems;
    }
    let end = text.trim_end().len();
    let at_end = |problem: &Problem| start(problem) >= end;
    let cause = match found.unterminated {
        Some((at, what)) => Some(Problem::new(rule, format!("unterminated {what}"), at..end.max(at))),
        None if found.brackets.mismatch.is_none() => found.brackets.innermost().map(|(bracket, at)| {
            let (open, close) = (char::from(bracket), char::from(closing(bracket)));
            Problem::new(rule, format!("'{open}' was never closed"), at..at + 1)
                .hint(format!("add the missing '{close}'"))
        }),
        None => None,
    };
    if let Some(cause) =
        cause.filter(|cause| problems.first().is_some_and(|problem| at_end(problem) || start(problem) == start(cause)))
    {
        return vec![cause];
    }
    problems
}

fn start(problem: &Problem) -> usize {
    problem.range.as_ref().map_or(0, |range| range.start)
}
