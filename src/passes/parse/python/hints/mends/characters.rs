//! Mends of characters that no token begins with.

use unicode_normalization::UnicodeNormalization as _;

use super::{Mend, Place};
use crate::passes::parse::python::hints::tokens::FaultKind;

/// A character that only looks like one of Python's, or cannot be seen.
pub(super) fn lookalike(place: &Place<'_>) -> Mend {
    let Some(FaultKind::Character(char)) = place.kind else { return None };
    let plain = match char {
        '\u{2018}'..='\u{201b}' | '\u{2039}' | '\u{203a}' | '\u{b4}' | '\u{2032}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{d7}' | '\u{2217}' | '\u{22c5}' | '\u{b7}' => "*",
        '\u{f7}' => "/",
        '\u{2264}' => "<=",
        '\u{2265}' => ">=",
        '\u{2260}' => "!=",
        '\u{2192}' => "->",
        '\u{2026}' => "...",
        '\u{3001}' => ",",
        '\u{3002}' => ".",
        _ => "",
    };
    if matches!(plain, "'" | "\"") {
        return Some("replace the typographic quotes by ' or \"".into());
    }
    if !plain.is_empty() {
        return Some(format!("replace it by {plain}").into());
    }
    if place.message.starts_with("invalid non-printable") {
        return Some(match char.is_whitespace() {
            true => "replace it by a plain space".into(),
            false => "delete the invisible character".into(),
        });
    }
    // Full-width forms and the like stand for one ASCII character.
    let ascii: String = [char].into_iter().nfkc().collect();
    let is_ascii = ascii.is_ascii() && !ascii.trim().is_empty();
    is_ascii.then(|| format!("replace it by {ascii}").into())
}

/// A back quote, which Python 2 had for `repr`.
pub(super) fn backtick(place: &Place<'_>) -> Mend {
    (place.is_generic() && place.covered() == "`")
        .then(|| "remove the back quotes; for text write quotes, for Python 2's `x` write repr(x)".into())
}
