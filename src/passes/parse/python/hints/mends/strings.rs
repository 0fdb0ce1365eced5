//! Mends of strings, their fields, and numbers.

use super::{Mend, Place};
use crate::passes::parse::python::hints::tokens::FaultKind;

/// A string that does not end.
pub(super) fn unterminated(place: &Place<'_>) -> Mend {
    if place.kind != Some(FaultKind::String) || !place.message.starts_with("unterminated") {
        return None;
    }
    let quote = place.rest.chars().find(|char| matches!(char, '"' | '\''))?;
    if place.message.contains("triple-quoted") {
        let tripled: String = [quote; 3].iter().collect();
        return Some(format!("add the missing {tripled}; all of the file behind it is in the string").into());
    }
    if place.message.contains("escaped the end quote") {
        return Some("write the last backslash twice".into());
    }
    // `'it's'`: what stands before is a string and a word.
    let before = place.before;
    let follows_word = before.chars().next_back().is_some_and(char::is_alphanumeric);
    let apostrophe = quote == '\'' && (follows_word || before.contains('\''));
    if apostrophe {
        return Some("write an apostrophe inside '…' as \\', or put the string in \"…\"".into());
    }
    Some(format!("add the missing {quote} at the end of the string").into())
}

/// The fields of f-strings.
pub(super) fn fields(place: &Place<'_>) -> Mend {
    let (_, what) = place.message.split_once("-string: ")?;
    match what {
        "expecting '}'" => Some("close the field with '}', or write '{{' for a brace".into()),
        "single '}' is not allowed" => Some("write '}}' for a brace".into()),
        _ if what.starts_with("valid expression required") => {
            Some("write an expression between the braces, or '{{' and '}}' for braces".into())
        }
        _ if what.starts_with("invalid conversion character") => Some("write !s, !r or !a".into()),
        _ => None,
    }
}

/// Numbers.
pub(super) fn numbers(place: &Place<'_>) -> Mend {
    if place.kind != Some(FaultKind::Number) {
        return None;
    }
    if place.message.starts_with("leading zeros") {
        return Some("for an octal number write 0o before its digits; else remove the zeros".into());
    }
    let behind = &place.text[place.range.end..];
    let word = behind.split(|char: char| !char.is_alphanumeric() && char != '_').next().unwrap_or_default();
    match word {
        "L" | "l" => Some("this is Python 2; remove the L".into()),
        "" => None,
        _ if behind.starts_with(|char: char| char.is_alphabetic()) => {
            Some("a name cannot begin with a digit; between a number and a name an operator is missing".into())
        }
        _ => None,
    }
}
