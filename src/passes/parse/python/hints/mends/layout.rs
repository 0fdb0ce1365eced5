//! Mends of indentation, blocks and lines.

use super::{Mend, Place};
use crate::passes::parse::python::hints::diagnose::line_start;
use crate::passes::parse::python::hints::tokens::{FaultKind, indentation_width, line_number};

/// Lines above a fault that are looked at.
const LINES_ABOVE_MAX: usize = 1_000;

/// The lines of code above a place, nearest first: their numbers and texts.
fn above<'a>(place: &Place<'a>) -> impl Iterator<Item = (usize, &'a str)> {
    let start = line_start(place.text, place.range.start);
    let number = line_number(place.text, start);
    let lines = place.text[..start].trim_end_matches('\n').rsplit('\n').enumerate().take(LINES_ABOVE_MAX);
    let blank =
        if start > 0 { place.text[..start].len() - place.text[..start].trim_end_matches('\n').len() } else { 1 };
    lines.map(move |(at, line)| (number.saturating_sub(at + blank), line)).filter(|(_, line)| {
        let code = line.trim();
        !code.is_empty() && !code.starts_with('#')
    })
}

fn space(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn described(space: &str) -> &'static str {
    match (space.contains('\t'), space.contains(' ')) {
        (true, true) => "tabs and spaces",
        (true, false) => "tabs",
        _ => "spaces",
    }
}

/// Tabs and spaces that do not compare.
pub(super) fn tabs(place: &Place<'_>) -> Mend {
    if place.kind != Some(FaultKind::Tabs) {
        return None;
    }
    let start = line_start(place.text, place.range.start);
    let here = described(space(&place.text[start..]));
    let other = above(place).find(|(_, line)| !space(line).is_empty() && described(space(line)) != here);
    let Some((number, line)) = other else { return Some("indent all lines with spaces".into()) };
    let there = described(space(line));
    Some(format!("this line is indented with {here}, line {number} with {there}; use spaces in both").into())
}

/// Lines that are indented too far, or to no level above.
pub(super) fn indentation(place: &Place<'_>) -> Mend {
    let is_dedent = place.kind == Some(FaultKind::Dedent);
    if !is_dedent && place.message != "unexpected indent" {
        return None;
    }
    let here = indentation_width(&place.text[line_start(place.text, place.range.start)..]);
    if !is_dedent {
        let (number, width) = above(place)
            .map(|(number, line)| (number, indentation_width(line)))
            .find(|(_, width)| *width < here)
            .unwrap_or_default();
        return Some(match number {
            0 => "remove the spaces before it".into(),
            _ => format!("indent it by {width}, like line {number}; or the line is missing that should begin a block")
                .into(),
        });
    }
    let mut widths: Vec<usize> = Vec::new();
    for (_, line) in above(place) {
        let width = indentation_width(line);
        if widths.last().is_none_or(|last| width < *last) {
            widths.push(width);
        }
        if width == 0 {
            break;
        }
    }
    let outer = widths.iter().rev().rfind(|width| **width < here).copied().unwrap_or(0);
    let inner = widths.iter().filter(|width| **width > here).min().copied();
    Some(match inner {
        Some(inner) => format!("indent it by {outer} or {inner}, as a line above it is").into(),
        None => format!("indent it by {outer}, as a line above it is").into(),
    })
}

/// A statement without its block.
pub(super) fn block(place: &Place<'_>) -> Mend {
    let expects_block = place.message.starts_with("expected an indented block");
    let expects_handler = place.message.starts_with("expected 'except' or 'finally'");
    if !expects_block && !expects_handler {
        return None;
    }
    let ends_here = place.text[place.range.start..].trim().is_empty();
    Some(match (expects_block, ends_here) {
        (true, true) => "the file ends where the block should begin: it looks cut off".into(),
        (true, false) => "indent the lines that belong to it, or write `pass`".into(),
        (false, true) => "the file ends before the `except` of this `try`: it looks cut off".into(),
        (false, false) => "add `except …:` or `finally:` at the indentation of the `try`".into(),
    })
}

/// What stands behind a backslash at the end of a line.
pub(super) fn continuation(place: &Place<'_>) -> Mend {
    if place.kind != Some(FaultKind::Continuation) {
        return None;
    }
    if place.message.starts_with("unexpected EOF") {
        return Some("remove the backslash; if lines are missing, the file is cut off".into());
    }
    Some(match place.rest.trim().is_empty() {
        true => "remove the white space behind the backslash".into(),
        false => "remove the backslash, or what stands behind it on the line".into(),
    })
}
