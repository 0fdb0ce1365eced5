//! What a finding marks in its snippet.
//!
//! A snippet holds the source lines of a finding; that of a long line is cut around the place. Columns of the report
//! count characters of the file, so what to mark in the snippet has to be found out.

use std::ops::Range as Bytes;

use crate::report::{Cell, Range, SNIPPET_BYTES_MAX};

/// The number of the snippet's first line (in a notebook: in its cell), and the bytes of it that are marked; `None` where
/// those cannot be known.
pub(super) fn marked(snippet: &str, range: Range, cell: Option<Cell>) -> (u32, Option<Bytes<usize>>) {
    // The snippet of a notebook is a line of its cell.
    let (line, column) = cell.map_or((range.start.line, range.start.column), |cell| (cell.line, cell.column));
    let length = cell.map_or(range.end.offset.saturating_sub(range.start.offset), |cell| length(snippet, cell));
    (line, marked_bytes(snippet, column, length))
}

/// How many bytes of a cell's source a finding covers: of one on several lines, all that is left of the snippet.
fn length(snippet: &str, cell: Cell) -> usize {
    if cell.line != cell.end_line {
        return snippet.len();
    }
    let (skipped, kept) = (cell.column.saturating_sub(1), cell.end_column.saturating_sub(cell.column));
    snippet.chars().skip(skipped as usize).take(kept as usize).map(char::len_utf8).sum()
}

/// The bytes of the snippet from `column` on, `length` of them. `None` where they cannot be known: the snippet of a long
/// line is cut around the place, and begins half a snippet before it, give or take one character.
fn marked_bytes(snippet: &str, column: u32, length: usize) -> Option<Bytes<usize>> {
    let before = (column as usize).saturating_sub(1);
    let whole = snippet.char_indices().map(|(at, _)| at).chain([snippet.len()]).nth(before);
    let half = SNIPPET_BYTES_MAX / 2;
    let first_is_ascii = snippet.starts_with(|first: char| first.is_ascii());
    let start = match whole {
        Some(start) if start <= half => start,
        _ if first_is_ascii && snippet.is_char_boundary(half) => half,
        _ => return None,
    };
    let end = snippet.ceil_char_boundary(start.saturating_add(length).min(snippet.len()));
    Some(start..end)
}
