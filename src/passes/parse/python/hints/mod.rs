//! The words for Python that does not parse: CPython's own where it has some, with the place that explains the fault and
//! what to do about it.

mod diagnose;
mod grammar;
mod machine;
mod mends;
mod strict;
mod tokens;

use std::borrow::Cow;
use std::collections::HashSet;

use ruff_python_parser::ParseError;

use diagnose::Found;
use tokens::FaultKind;

use super::RULE;
use super::scan::Scan;
use crate::passes::parse::problem::{Problem, fragment};

/// The faults of a file that does not parse: those that CPython would name, and those of the strict parser in the
/// statements that the grammar of this module takes for valid.
pub(super) fn improve(errors: &[ParseError], text: &str, _: &Scan, layout: Option<Problem>) -> Vec<Problem> {
    let first = errors.iter().map(|error| usize::from(error.location.start())).min().unwrap_or(0);
    let found = diagnose::faults(text, first);
    let until = found.first().map_or(usize::MAX, |found| diagnose::line_start(text, found.statement));
    let found = without_follow_ups(found, text);
    let mut problems = strict_errors(errors, text, until);
    problems.extend(found.iter().map(|found| problem(found, text)));
    if found.is_empty() {
        problems.extend(layout);
    }
    if problems.is_empty() {
        problems.extend(errors.first().map(|error| strict::problem(error, text)));
    }
    problems
}

/// The strict parser's errors before `until`, the first on each line.
fn strict_errors(errors: &[ParseError], text: &str, until: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut line_end = 0;
    for error in errors {
        let start = usize::from(error.location.start());
        // A line without end could hold any number of errors, so each line is looked for once.
        if start < until && start >= line_end {
            problems.push(strict::problem(error, text));
            line_end = text[start..].find('\n').map_or(text.len() + 1, |length| start + length + 1);
        }
    }
    problems
}

/// What is at the place that explains a fault.
fn opened(found: &Found, shown: &str) -> Cow<'static, str> {
    match found.kind {
        Some(FaultKind::Mismatched | FaultKind::String) => format!("'{shown}' opened here").into(),
        _ => format!("this `{}` has no block", shown.split_whitespace().next().unwrap_or_default()).into(),
    }
}

/// Leaves out what the faults before it explain: of a fenced block in prose only what is between the fences is code, and of
/// an interactive session one prompt is enough.
fn without_follow_ups(found: Vec<Found>, text: &str) -> Vec<Found> {
    let fences: Vec<usize> =
        found.iter().filter(|found| mends::is_fence(found, text)).map(|found| found.line).collect();
    let Some(open) = fences.first().copied() else { return without_repeated_hints(found, text) };
    let close = fences.get(1).copied().unwrap_or(usize::MAX);
    let mut kept = Vec::new();
    for found in found {
        let is_first_fence = found.line == open && mends::is_fence(&found, text);
        if is_first_fence || (found.line > open && found.line < close) {
            kept.push(found);
        }
    }
    kept
}

/// Leaves out faults that ask for what a fault before asks for on every line of the file.
fn without_repeated_hints(found: Vec<Found>, text: &str) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    let mut said = HashSet::new();
    for found in found {
        let repeats = match mends::mend(&found, text) {
            Some(hint) if mends::is_of_file(&found, text) => !said.insert(hint),
            _ => false,
        };
        if !repeats {
            kept.push(found);
        }
    }
    kept
}

fn problem(found: &Found, text: &str) -> Problem {
    let mut problem = Problem::new(RULE, fragment(&found.message), found.range.clone());
    if let Some(opener) = &found.opener {
        problem = problem.related(opened(found, text.get(opener.clone()).unwrap_or_default()), opener.clone());
    }
    match mends::mend(found, text) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
