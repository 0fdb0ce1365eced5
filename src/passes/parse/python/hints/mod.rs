//! The words for Python that does not parse: CPython's own where it has some, with the place that explains the fault and
//! what to do about it.

mod diagnose;
mod grammar;
mod machine;
mod mends;
mod strict;
mod tokens;

use ruff_python_parser::ParseError;

use super::RULE;
use super::scan::Scan;
use crate::passes::parse::problem::{Problem, fragment};

/// The faults of a file that does not parse: those that CPython would name, and those of the strict parser in the
/// statements that the grammar of this module takes for valid.
pub(super) fn improve(errors: &[ParseError], text: &str, _: &Scan, layout: Option<Problem>) -> Vec<Problem> {
    let first = errors.iter().map(|error| usize::from(error.location.start())).min().unwrap_or(0);
    let found = diagnose::faults(text, first);
    let until = found.first().map_or(usize::MAX, |found| diagnose::line_start(text, found.statement));
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

fn problem(found: &diagnose::Found, text: &str) -> Problem {
    let mut problem = Problem::new(RULE, fragment(&found.message), found.range.clone());
    if let Some(opener) = &found.opener {
        let shown = text.get(opener.clone()).unwrap_or_default();
        problem = problem.related(format!("'{shown}' stands here"), opener.clone());
    }
    match mends::mend(found, text) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
