//! Mends of brackets.

use super::{Mend, Place};
use crate::passes::parse::brackets::closing;
use crate::passes::parse::python::hints::tokens::FaultKind;

/// The bracket that closes the one at the fault.
fn closes(bracket: &str) -> Option<char> {
    bracket.bytes().next().map(|open| char::from(closing(open)))
}

/// A bracket that was never closed.
pub(super) fn unclosed(place: &Place<'_>) -> Mend {
    if place.kind != Some(FaultKind::Unclosed) {
        return None;
    }
    let close = closes(place.rest)?;
    if looks_cut_off(place) {
        return Some(format!("add the missing '{close}'; the file ends inside the brackets: it looks cut off").into());
    }
    Some(format!("add the missing '{close}'").into())
}

/// Whether nothing behind the opening bracket looks like a statement of its own: each line is indented, or closes
/// something.
fn looks_cut_off(place: &Place<'_>) -> bool {
    let behind = place.text[place.range.end..].split_once('\n').map_or("", |(_, behind)| behind);
    let mut lines = behind.lines().filter(|line| !line.trim().is_empty());
    let ends_open = place.text.trim_end().ends_with([',', '(', '[', '{', '=', '+', '.', ':', '\\']);
    ends_open || !place.text.ends_with('\n') && lines.all(|line| line.starts_with([' ', '\t', ')', ']', '}', '#']))
}

/// A closing bracket that fits no open one.
pub(super) fn mismatched(place: &Place<'_>) -> Mend {
    if place.kind != Some(FaultKind::Mismatched) {
        return None;
    }
    match place.opener.clone().and_then(|opener| closes(place.text.get(opener)?)) {
        Some(close) => Some(format!("close with '{close}' first, or remove the wrong bracket").into()),
        None => Some("remove it, or add the bracket that it should close".into()),
    }
}
