//! The words for JavaScript that is refused: V8's own where it has some, with what was expected, the place that explains
//! the fault, and what to do about it.

mod habits;
mod mends;
mod resume;
mod tokens;
mod words;

use oxc_diagnostics::OxcDiagnostic;

use super::scan::Scan;
use crate::passes::parse::brackets::closing;
use crate::passes::parse::problem::{Problem, fragment};

/// One error of the parser.
pub(super) fn one(error: &OxcDiagnostic, text: &str, rule: &'static str) -> Problem {
    let mut labels: Vec<_> =
        error.labels.iter().map(|label| (super::checks::bytes(label.span()), label.label())).collect();
    // The second of its kind is at fault, not the first.
    let is_repeated = words::is_repetition(&error.message);
    if is_repeated {
        labels.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    }
    let range = labels.first().map_or(text.len()..text.len(), |(range, _)| range.clone());
    let range = range.start.min(text.len())..range.end.min(text.len());
    let words = words::words(&error.message, text, range);
    let mut problem = Problem::new(rule, fragment(&words.message), words.range.clone());
    for (range, label) in labels.iter().skip(1).filter(|(range, _)| range.end <= text.len()) {
        let what = if is_repeated { "the first one is here" } else { label.unwrap_or("this belongs to it") };
        problem = problem.related(fragment(what), range.clone());
    }
    let help = error.help.as_ref().map(|help| help.lines().next().unwrap_or_default());
    match mends::mend(&error.message, text, words.range, help) {
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

/// The faults of a file that was refused, in order, with what the whole of it tells.
pub(super) fn improve(
    mut problems: Vec<Problem>,
    text: &str,
    found: &Scan,
    rule: &'static str,
    other: Option<&'static str>,
) -> Vec<Problem> {
    problems.sort_by_key(start);
    without_echoes(&mut problems, text);
    if let Some(other) = other
        && let Some(first) = problems.first_mut()
        && may_be_types(&first.message)
    {
        first.hint = Some(other.into());
        return problems;
    }
    if let Some(fence) = mends::fence(text, problems.first().map_or(0, start)) {
        return vec![Problem::new(rule, "a Markdown fence is not JavaScript", fence).hint(mends::FENCE)];
    }
    let end = text.trim_end().len();
    let at_end = |problem: &Problem| start(problem) >= end;
    if let Some(cause) = cause(text, found, rule, end)
        && problems.first().is_some_and(|problem| at_end(problem) || start(problem) == start(&cause))
    {
        return resume::with_more(vec![cause], text, rule);
    }
    if let Some(first) = problems.first_mut() {
        explain_bracket(first, text);
    }
    resume::with_more(problems, text, rule)
}

/// Whether types may explain a fault: one of names, goals or versions has nothing to do with them, though a parser of
/// TypeScript does not report it.
fn may_be_types(message: &str) -> bool {
    const FAULTS: &[&str] = &[
        "unexpected ",
        "missing ",
        "invalid or unexpected",
        "a class field",
        "a method with",
        "a decorator",
        "an auto-",
    ];
    FAULTS.iter().any(|fault| message.starts_with(fault)) || message.contains("TypeScript")
}

/// What makes a file end too early: a comment, template or bracket that was never closed.
fn cause(text: &str, found: &Scan, rule: &'static str, end: usize) -> Option<Problem> {
    match found.unterminated {
        Some((at, what)) => Some(
            Problem::new(rule, unterminated(what), at..text.floor_char_boundary((at + 2).min(end.max(at))))
                .hint(if what == "comment" { "close the comment with */" } else { "close the template with `" }),
        ),
        None if found.brackets.mismatch.is_none() => found.brackets.innermost().map(|(bracket, at)| {
            let (open, close) = (char::from(bracket), char::from(closing(bracket)));
            let message = format!("unexpected end of input: '{open}' was never closed");
            Problem::new(rule, message, at..at + 1)
                .hint(format!("add the missing '{close}'; if lines are missing, the file is cut off"))
        }),
        None => None,
    }
}

fn unterminated(what: &str) -> String {
    match what {
        "comment" => "invalid or unexpected token: the comment does not end".to_owned(),
        _ => format!("unterminated {what}"),
    }
}

/// Shows the bracket that is open where something else was expected.
fn explain_bracket(problem: &mut Problem, text: &str) {
    let Some(range) = problem.range.clone() else { return };
    let expects = [
        ("expected ',' or ')'", b'('),
        ("missing )", b'('),
        ("expected ')'", b'('),
        ("expected ',' or ']'", b'['),
        ("expected ',' or '}'", b'{'),
    ];
    let Some((_, open)) = expects.iter().find(|(words, _)| problem.message.contains(words)) else { return };
    let before = super::scan::scan(&text[..range.start], u64::MAX);
    if let Some((bracket, at)) = before.brackets.innermost().filter(|(bracket, _)| bracket == open) {
        problem.related.retain(|(_, range)| range.start != at);
        problem.related.push((format!("'{}' opened here", char::from(bracket)).into(), at..at + 1));
    }
}

/// How far apart two faults of one place may be, in bytes.
const ECHO_BYTES_MAX: usize = 200;

/// Of several faults at one place the one that says most stays.
fn without_echoes(problems: &mut Vec<Problem>, text: &str) {
    let says_little = |problem: &Problem| problem.message.starts_with("unexpected ") && !problem.message.contains(':');
    let mut at = 0;
    while at + 1 < problems.len() {
        let between = text.get(start(&problems[at])..start(&problems[at + 1])).unwrap_or_default();
        let same = between.len() <= ECHO_BYTES_MAX && !between.contains('\n');
        let follows = problems[at + 1].message.starts_with("unexpected ");
        if same && (follows || says_little(&problems[at])) {
            let dropped = if says_little(&problems[at]) && !says_little(&problems[at + 1]) { at } else { at + 1 };
            problems.remove(dropped);
        } else {
            at += 1;
        }
    }
}

fn start(problem: &Problem) -> usize {
    problem.range.as_ref().map_or(0, |range| range.start)
}
