//! Better words for what the strict parser says: the opener of a bracket that was never closed, and what to do about
//! the faults that generated Python has most.

use ruff_python_parser::{LexicalErrorType, ParseError, ParseErrorType};

use super::RULE;
use super::scan::Scan;
use crate::passes::parse::brackets::closing;
use crate::passes::parse::problem::{Problem, fragment};

/// The faults of a file that does not parse, the first on each line, in the words of [`Problem`]. An unclosed bracket
/// or string explains all that follows it.
pub(super) fn improve(errors: &[ParseError], text: &str, found: &Scan, layout: Option<Problem>) -> Vec<Problem> {
    let structural = structural(text, found);
    let cut = structural.as_ref().and_then(|problem| problem.range.as_ref()).map_or(usize::MAX, |range| range.start);
    let mut problems: Vec<Problem> = Vec::new();
    let mut line_end = 0;
    for error in errors {
        let start = usize::from(error.location.start());
        // A line without end could hold any number of errors, so each line is looked for once.
        if start < cut && start >= line_end {
            problems.push(one(error, text));
            line_end = text[start..].find('\n').map_or(text.len() + 1, |length| start + length + 1);
        }
    }
    problems.extend(structural);
    if let Some(layout) = layout {
        // CPython's tokenizer meets the indentation before its parser sees the line.
        let line = layout.range.as_ref().map_or(0, |range| range.start);
        problems.retain(|problem| problem.range.as_ref().is_none_or(|range| line_start(text, range.start) != line));
        problems.push(layout);
    }
    if problems.is_empty() {
        problems.extend(errors.first().map(|error| one(error, text)));
    }
    problems
}

/// A fault of brackets or strings, which the parser notices only later.
fn structural(text: &str, found: &Scan) -> Option<Problem> {
    let string = found.unterminated.map(|(at, tripled)| {
        let message = match tripled {
            true => "unterminated triple-quoted string literal",
            false => "unterminated string literal",
        };
        let end = if tripled { at + 3 } else { at + text[at..].find('\n').unwrap_or(text.len() - at) };
        Problem::new(RULE, message, at..end).hint("close the string with the quote that opened it")
    });
    let bracket = match found.brackets.mismatch {
        Some(mismatch) => Some(mismatched(text, mismatch.opener, mismatch.closer, mismatch.at)),
        None => found.brackets.innermost().map(|(bracket, at)| {
            let (open, close) = (char::from(bracket), char::from(closing(bracket)));
            Problem::new(RULE, format!("'{open}' was never closed"), at..at + 1)
                .hint(format!("add the missing '{close}'"))
        }),
    };
    let start = |problem: &Problem| problem.range.as_ref().map_or(0, |range| range.start);
    match (string, bracket) {
        // A string that never ends swallows the brackets after it.
        (Some(string), Some(bracket)) if start(&bracket) > start(&string) => Some(string),
        (Some(string), _) => Some(string),
        (None, bracket) => bracket,
    }
}

fn mismatched(text: &str, opener: Option<(u8, usize)>, closer: u8, at: usize) -> Problem {
    let close = char::from(closer);
    let message = match opener {
        None => format!("unmatched '{close}'"),
        Some((bracket, opened)) => {
            let open = char::from(bracket);
            let line = text[..opened].matches('\n').count() + 1;
            let on_line = if text[opened..at].contains('\n') { format!(" on line {line}") } else { String::new() };
            format!("closing parenthesis '{close}' does not match opening parenthesis '{open}'{on_line}")
        }
    };
    Problem::new(RULE, message, at..at + 1)
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].rfind('\n').map_or(0, |at| at + 1)
}

/// One error of the parser, in better words where some are known.
fn one(error: &ParseError, text: &str) -> Problem {
    let range = super::bytes(error.location);
    let line = &text[line_start(text, range.start)..];
    let line = line.split('\n').next().unwrap_or_default();
    let plain = Problem::new(RULE, fragment(&error.error.to_string()), range.clone());
    if let Some(problem) = bad_character(error, text) {
        return problem;
    }
    if let Some(problem) = old_statement(error, line, line_start(text, range.start)) {
        return problem;
    }
    match hint(error, text, line) {
        Some(hint) => plain.hint(hint),
        None => plain,
    }
}

/// A character that no token begins with: named by its code point as CPython does.
fn bad_character(error: &ParseError, text: &str) -> Option<Problem> {
    let ParseErrorType::Lexical(LexicalErrorType::UnrecognizedToken { tok }) = &error.error else { return None };
    let start = usize::from(error.location.start());
    let range = start..start + tok.len_utf8();
    if text[start..].starts_with("```") {
        return Some(
            Problem::new(RULE, "a Markdown fence is not Python", start..start + 3).hint("remove the lines with ```"),
        );
    }
    let code = format!("U+{:04X}", u32::from(*tok));
    let problem = match tok {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{00ab}' | '\u{00bb}' => {
            Problem::new(RULE, format!("invalid character '{tok}' ({code})"), range)
                .hint("replace the typographic quotes by ' or \"")
        }
        '\u{2013}' | '\u{2014}' | '\u{2212}' => {
            Problem::new(RULE, format!("invalid character '{tok}' ({code})"), range).hint("replace the dash by -")
        }
        '$' | '?' | '!' | '`' => Problem::new(RULE, "invalid syntax", range),
        _ if tok.is_alphanumeric() || tok.is_ascii_graphic() || !(tok.is_control() || tok.is_whitespace()) => {
            Problem::new(RULE, format!("invalid character '{tok}' ({code})"), range)
        }
        _ => Problem::new(RULE, format!("invalid non-printable character {code}"), range)
            .hint("delete the invisible character"),
    };
    Some(problem)
}

/// Python 2's `print x` and `exec x`.
fn old_statement(error: &ParseError, line: &str, line_start: usize) -> Option<Problem> {
    if error.error != ParseErrorType::SimpleStatementsOnSameLine {
        return None;
    }
    let start = usize::from(error.location.start()) - line_start;
    let before = line.get(..start)?.trim_end();
    let name = ["print", "exec"].into_iter().find(|name| {
        before.strip_suffix(name).is_some_and(|rest| rest.chars().next_back().is_none_or(|char| " \t:;".contains(char)))
    })?;
    let at = line_start + before.len() - name.len();
    let end = line_start + line.trim_end().len();
    let message = format!("missing parentheses in call to '{name}'; did you mean {name}(...)?");
    Some(Problem::new(RULE, message, at..end).hint("this is Python 2; Python 3 calls it as a function"))
}

fn hint(error: &ParseError, text: &str, line: &str) -> Option<&'static str> {
    let at = usize::from(error.location.start());
    let rest = &text[at.min(text.len())..];
    let message = error.error.to_string();
    let trimmed = line.trim_start();
    if trimmed.starts_with("else if ") {
        return Some("write `elif`");
    }
    if ["++", "--", "&&", "||"].iter().any(|operator| rest.starts_with(operator) || line.contains(operator))
        && !line.contains('"')
        && !line.contains('\'')
    {
        return Some("Python has no `++`, `--`, `&&` and `||`; write `+= 1`, `-= 1`, `and`, `or`");
    }
    if message.starts_with("Expected `:`, found newline") {
        return Some("add the missing colon at the end of the line");
    }
    if message.starts_with("Expected `:`, found `=`") {
        return Some("compare with `==`, or assign with `:=`");
    }
    if message.starts_with("Expected an indented block") {
        return Some("indent the lines that belong to it, or write `pass`");
    }
    if message.starts_with("Unexpected indentation") || message.contains("does not match any outer") {
        return Some("align the line with the block that it belongs to");
    }
    if message.starts_with("Expected `,`, found") {
        return Some("a comma is probably missing");
    }
    None
}
