//! Mends of keywords, names and what stands between them.

use super::{Mend, Place};
use crate::passes::parse::python::hints::diagnose::line_start;
use crate::passes::parse::python::hints::machine::{Machine, Stop};
use crate::passes::parse::python::hints::tokens::{Class, keywords, lex};

/// How alike a word and a keyword must be, from 0 to 1.
const LIKENESS_MIN: f64 = 0.6;

/// The longest piece of a file that is judged again with another word, in bytes, and the steps that takes at most.
const RETRY_BYTES_MAX: usize = 4 << 10;
const RETRY_STEPS_MAX: u64 = 200_000;

/// Words before a fault that may be misspelled keywords.
const RETRIES_MAX: usize = 6;

fn last_word(text: &str) -> &str {
    let text = text.trim_end();
    let start = text
        .rfind(|char: char| !char.is_alphanumeric() && char != '_')
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    &text[start..]
}

/// A keyword where a name is needed.
pub(super) fn keyword_as_name(place: &Place<'_>) -> Mend {
    let word = place.covered();
    if !place.is_generic() {
        return None;
    }
    let named = |word: &str| Some(format!("`{word}` is a keyword and cannot be a name; write `{word}_`").into());
    let before = place.before.trim_end();
    if keywords().contains(&word) {
        let needs_name = before.ends_with('.')
            || matches!(last_word(before), "def" | "class" | "as" | "import" | "global" | "nonlocal");
        let behind = place.rest[word.len()..].trim_start();
        let is_target = behind.starts_with('=') && !behind.starts_with("==");
        return (needs_name || is_target).then(|| named(word)).flatten();
    }
    // `class = 1`: the fault is at what stands behind the keyword.
    let word = last_word(before);
    let is_assigned = word == before && word != "yield" && place.rest.starts_with('=') && !place.rest.starts_with("==");
    (is_assigned && keywords().contains(&word)).then(|| named(word)).flatten()
}

/// A keyword with letters missing, doubled or exchanged: with the right one the line parses.
pub(super) fn misspelled(place: &Place<'_>) -> Mend {
    let comma = place.message.contains("forgot a comma");
    if !place.is_generic() && !comma {
        return None;
    }
    let start = line_start(place.text, place.range.start);
    let end = place.text.floor_char_boundary((start + RETRY_BYTES_MAX).min(place.text.len()));
    let piece = &place.text[start..end];
    let fault = place.range.end - start;
    let line_end = piece.find('\n').unwrap_or(piece.len());
    let tokens = lex(piece, 0).tokens;
    let names = tokens.iter().filter(|token| token.class == Class::Name && (token.start as usize) < fault.max(1));
    let names: Vec<_> = names.collect();
    for token in names.iter().rev().take(RETRIES_MAX) {
        let word = &piece[token.range()];
        let Some(keyword) = nearest(word) else { continue };
        let mended = format!("{}{keyword}{}", &piece[..token.start as usize], &piece[token.end as usize..]);
        if gets_past(&mended, (line_end + keyword.len()).saturating_sub(word.len())) {
            return Some(format!("did you mean `{keyword}`?").into());
        }
    }
    None
}

/// The piece of the file that is judged again with something inserted or exchanged, and where the fault is in it.
fn piece<'a>(place: &Place<'a>) -> (&'a str, usize) {
    let start = line_start(place.text, place.range.start);
    let end = place.text.floor_char_boundary((start + RETRY_BYTES_MAX).min(place.text.len()));
    let at = place.range.start.min(end) - start;
    (&place.text[start..end], at)
}

/// A colon, an equals sign or a comma that is missing: with it the line parses.
pub(super) fn inserted(place: &Place<'_>) -> Mend {
    if !place.is_generic() || place.rest.trim().is_empty() {
        return None;
    }
    let (piece, at) = piece(place);
    let line_end = piece.find('\n').unwrap_or(piece.len());
    let with = |text: &str, skipped: usize| {
        let mended = format!("{}{text}{}", &piece[..at], &piece[(at + skipped).min(piece.len())..]);
        gets_past(&mended, line_end + text.len() - skipped)
    };
    if place.rest.starts_with(':') && with("=", 1) {
        return Some("write = between the name and its value".into());
    }
    if with(": ", 0) {
        return Some("add ':' before this".into());
    }
    with(", ", 0).then(|| "an operator or a comma is missing before this".into())
}

/// A line that ends where an expression should stand.
pub(super) fn missing_operand(place: &Place<'_>) -> Mend {
    if !place.is_generic() || !place.rest.trim().is_empty() {
        return None;
    }
    let before = place.before.trim_end();
    let word = last_word(before);
    if keywords().contains(&word) {
        return Some(format!("something is missing behind `{word}`").into());
    }
    let operator = before.chars().next_back().filter(|char| "=+-*/%@&|^~<>,.".contains(*char))?;
    Some(format!("something is missing behind '{operator}'").into())
}

/// A token that stands twice, or a separator with nothing to separate.
pub(super) fn doubled(place: &Place<'_>) -> Mend {
    let covered = place.covered();
    let is_same = !covered.is_empty() && place.before.trim_end().ends_with(covered);
    (place.is_generic() && (is_same || matches!(covered, ";" | ",")))
        .then(|| format!("remove `{covered}`, or what belongs before it is missing").into())
}

/// The keyword that is most like a word, if any is.
fn nearest(word: &str) -> Option<&'static str> {
    if word.len() < 2 || word.len() > 10 || !word.is_ascii() {
        return None;
    }
    let likeness = |keyword: &str| strsim::normalized_damerau_levenshtein(word, keyword);
    let all = keywords().iter().map(|keyword| (likeness(keyword), *keyword));
    let (likeness, keyword) = all.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (likeness >= LIKENESS_MIN).then_some(keyword)
}

/// Whether the first statement of `text` is right at least as far as `line_end`.
fn gets_past(text: &str, line_end: usize) -> bool {
    let start = text.len() - text.trim_start_matches([' ', '\t']).len();
    let text = &text[start..];
    let lexed = lex(text, 0);
    let mut machine = Machine::new(text, &lexed.tokens, RETRY_STEPS_MAX);
    match machine.statement(0, false) {
        Ok(Some(_)) => true,
        Ok(None) | Err(Stop::Tokens | Stop::Fault(_)) => lexed
            .tokens
            .get(machine.furthest)
            .is_some_and(|token| token.start as usize > line_end.saturating_sub(start)),
        Err(Stop::Limit) => false,
    }
}

/// `else` and its like without a statement that it belongs to.
pub(super) fn without_statement(place: &Place<'_>) -> Mend {
    if !place.is_generic() || !place.before.is_empty() {
        return None;
    }
    let belongs = match place.covered() {
        "else" => "`if`, `for`, `while` or `try`",
        "elif" => "`if`",
        "except" | "finally" => "`try`",
        _ => return None,
    };
    Some(format!("there is no {belongs} above it at this indentation").into())
}

/// `for x y`.
pub(super) fn missing_in(place: &Place<'_>) -> Mend {
    let is_head = place.code.starts_with("for ") || place.code.starts_with("async for ");
    let is_clause = place.message.starts_with("'in' expected");
    let has_in = place.before.contains(" in ");
    (is_clause || place.is_generic() && is_head && !has_in && !place.rest.trim_start().starts_with("in "))
        .then(|| "write `for name in values`".into())
}

/// A missing colon or bracket.
pub(super) fn colon(place: &Place<'_>) -> Mend {
    match place.message {
        "expected ':'" if place.rest.trim().is_empty() => Some("add ':' at the end of the line".into()),
        "expected ':'" => Some("add ':' before this".into()),
        "expected '('" => Some("add the parameters in brackets; () where there are none".into()),
        _ => None,
    }
}

/// `=` where a comparison is meant, and targets that are none.
pub(super) fn assignment(place: &Place<'_>) -> Mend {
    let message = place.message;
    if message.contains("Maybe you meant '==' or ':='") {
        return Some("compare with ==, or assign inside the expression with :=".into());
    }
    if message.starts_with("cannot assign to") {
        return Some(match message.contains("Maybe you meant '=='") {
            true => "compare with ==, or put a name on the left of =".into(),
            false => "put a name, an attribute or an element there".into(),
        });
    }
    message
        .starts_with("expression cannot contain assignment")
        .then(|| "compare with ==, or put a plain name before =".into())
}

/// A missing comma.
pub(super) fn comma(place: &Place<'_>) -> Mend {
    place
        .message
        .contains("Perhaps you forgot a comma")
        .then(|| "add a comma or an operator between the two expressions".into())
}

/// Arguments and parameters out of order.
pub(super) fn order(place: &Place<'_>) -> Mend {
    let message = place.message;
    if message.starts_with("positional argument follows") {
        return Some("move it before the keyword arguments, or give it a name".into());
    }
    if message.starts_with("parameter without a default") {
        return Some("move it before the parameters with a default, or give it one".into());
    }
    message.starts_with("expected 'else' after 'if'").then(|| "add `else` and the value for the other case".into())
}
