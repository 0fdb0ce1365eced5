//! Faults behind the first: the strict parser stops at its first one, so the statements behind it that stand for
//! themselves are judged one by one.
//!
//! Only what no cut can cause is shown: a piece that ends too early, or closes what it did not open, says nothing.

use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions, Parser};
use oxc_span::SourceType;

use crate::passes::parse::javascript::scan;
use crate::passes::parse::problem::Problem;

/// Pieces that are judged behind the first fault, and bytes in all of them.
const PIECES_MAX: usize = 40;
const BYTES_MAX: usize = 4 << 20;

/// What begins a line that is a statement of its own.
const STARTERS: &[&str] =
    &["function ", "async function ", "class ", "const ", "let ", "var ", "import ", "export ", "module.exports"];

/// Adds the faults of the statements behind those of `problems`.
pub(super) fn with_more(mut problems: Vec<Problem>, text: &str, rule: &'static str) -> Vec<Problem> {
    let Some(last) = problems.iter().filter_map(|problem| problem.range.as_ref()).map(|range| range.start).max() else {
        return problems;
    };
    let starts = starts(text, last);
    let Some(first) = starts.first().copied() else { return problems };
    // In a template or comment that is open there, nothing is a statement.
    if scan::scan(&text[..first], u64::MAX).unterminated.is_some() {
        return problems;
    }
    let mut bytes = 0;
    for (at, start) in starts.iter().copied().enumerate().take(PIECES_MAX) {
        let end = starts.get(at + 1).copied().unwrap_or(text.len());
        bytes += end - start;
        if bytes > BYTES_MAX {
            break;
        }
        problems.extend(fault(&text[start..end], rule).map(|problem| problem.moved(start)));
    }
    problems
}

/// The lines behind `at` that begin a statement at the margin.
fn starts(text: &str, at: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if start > at && STARTERS.iter().any(|starter| line.starts_with(starter)) {
            starts.push(start);
            if starts.len() > PIECES_MAX {
                break;
            }
        }
        start += line.len();
    }
    starts
}

/// The first fault of a piece, if it is one of the piece itself.
fn fault(piece: &str, rule: &'static str) -> Option<Problem> {
    let script = first_error(piece, SourceType::cjs(), rule)?;
    let module = first_error(piece, SourceType::mjs(), rule)?;
    let at = script.range.as_ref()?.start;
    let stands_alone = module.range.as_ref().is_some_and(|range| range.start == at)
        && script.message.starts_with("unexpected ")
        && at < piece.trim_end().len()
        && !piece[at..].starts_with(['}', ')', ']'])
        && scan::scan(piece, u64::MAX).unterminated.is_none();
    stands_alone.then_some(script)
}

fn first_error(piece: &str, goal: SourceType, rule: &'static str) -> Option<Problem> {
    let allocator = Allocator::default();
    let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
    let parsed = Parser::new(&allocator, piece, goal).with_options(options).parse();
    parsed.diagnostics.first().map(|error| super::one(error, piece, rule))
}
