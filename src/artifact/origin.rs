//! Where each byte of a text that was derived from a file comes from.
//!
//! A notebook's code is not what its file holds: it stands in JSON strings, in pieces, and what runs is a translation of
//! it. Parsers and scanners see the translation; an [`Origin`] leads from any place in it to what the author wrote, and
//! from there to the file, so that nothing that makes findings has to know.

use std::ops::Range;
use std::sync::Arc;

use super::SourceText;
use crate::finding::Cell;

/// Which bytes of one text come from which of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OffsetMap {
    /// In order; each begins where the one before it ends.
    segments: Vec<Segment>,
    length: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    /// Where it begins.
    from: usize,
    /// What it comes from.
    to: Range<usize>,
    /// Whether it is a copy, byte for byte.
    is_copy: bool,
}

impl OffsetMap {
    /// The map of a text that is a copy of another, which has `length` bytes.
    pub(crate) fn identity(length: usize) -> Self {
        let mut map = Self::default();
        map.copy(0..length);
        map
    }

    /// How many bytes are mapped.
    #[cfg(test)]
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// The next bytes are a copy of `to`.
    pub(crate) fn copy(&mut self, to: Range<usize>) {
        if to.is_empty() {
            return;
        }
        let length = to.len();
        match self.segments.last_mut() {
            Some(last) if last.is_copy && last.to.end == to.start => last.to.end = to.end,
            _ => self.segments.push(Segment { from: self.length, to, is_copy: true }),
        }
        self.length += length;
    }

    /// The next `length` bytes stand for `to`, as a whole.
    pub(crate) fn stand_for(&mut self, length: usize, to: Range<usize>) {
        if length > 0 {
            self.segments.push(Segment { from: self.length, to, is_copy: false });
            self.length += length;
        }
    }

    /// The next bytes are a copy of the bytes `part` that `other` maps.
    pub(crate) fn copy_mapped(&mut self, other: &Self, part: Range<usize>) {
        let mut at = part.start;
        let first = other.segments.partition_point(|segment| segment.from <= at).saturating_sub(1);
        for (number, segment) in other.segments.iter().enumerate().skip(first) {
            let end = other.segments.get(number + 1).map_or(other.length, |next| next.from).min(part.end);
            if at >= end {
                return;
            }
            if segment.is_copy {
                let start = segment.to.start + (at - segment.from);
                self.copy(start..start + (end - at));
            } else {
                self.stand_for(end - at, segment.to.clone());
            }
            at = end;
        }
    }

    /// What the stretch `range` comes from; an empty one is the place where it stands.
    pub(crate) fn range(&self, range: Range<usize>) -> Range<usize> {
        let start = self.start(range.start);
        if range.is_empty() { start..start } else { start..self.end(range.end).max(start) }
    }

    fn start(&self, offset: usize) -> usize {
        if offset >= self.length {
            return self.segments.last().map_or(0, |last| last.to.end);
        }
        match self.segments.partition_point(|segment| segment.from <= offset).checked_sub(1) {
            Some(at) if self.segments[at].is_copy => self.segments[at].to.start + (offset - self.segments[at].from),
            Some(at) => self.segments[at].to.start,
            None => 0,
        }
    }

    /// What a stretch that ends before `offset` ends before.
    fn end(&self, offset: usize) -> usize {
        let offset = offset.min(self.length);
        match self.segments.partition_point(|segment| segment.from < offset).checked_sub(1) {
            Some(at) if self.segments[at].is_copy => self.segments[at].to.start + (offset - self.segments[at].from),
            Some(at) => self.segments[at].to.end,
            None => 0,
        }
    }
}

/// A cell of a notebook, in the text that its author wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CellStretch {
    /// Which of all cells it is, counted from 1.
    pub(crate) index: u32,
    /// Its source in the written text.
    pub(crate) source: Range<usize>,
}

/// Where a derived text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The file, as it stands.
    pub(crate) file: SourceText,
    /// What the author wrote, without what the file packs it in.
    pub(crate) written: SourceText,
    /// From the derived text to the written one.
    pub(crate) to_written: OffsetMap,
    /// From the written text to the file.
    pub(crate) to_file: OffsetMap,
    /// The cells, in the order of the written text.
    pub(crate) cells: Vec<CellStretch>,
}

impl Origin {
    /// The stretch of the file that a stretch of the derived text comes from.
    pub(super) fn in_file(&self, range: Range<usize>) -> Range<usize> {
        self.to_file.range(self.to_written.range(range))
    }

    /// The place of a stretch of the derived text in its cell; `None` outside the source of any.
    pub(super) fn cell(&self, range: Range<usize>) -> Option<Cell> {
        let range = self.to_written.range(range);
        let before = self.cells.partition_point(|cell| cell.source.start <= range.start);
        let cell = &self.cells[before.checked_sub(1)?];
        if range.start > cell.source.end {
            return None;
        }
        let first = self.written.position(cell.source.start);
        let within = |offset: usize| {
            let place = self.written.position(offset.min(cell.source.end));
            // The source of a cell may begin in the middle of a line of the written text.
            let column = if place.line == first.line { place.column - first.column + 1 } else { place.column };
            (place.line - first.line + 1, column)
        };
        let ((line, column), (end_line, end_column)) = (within(range.start), within(range.end));
        Some(Cell { index: cell.index, line, column, end_line, end_column })
    }
}

impl SourceText {
    /// A text that was derived from a file.
    pub(crate) fn derived(text: impl Into<String>, origin: Origin) -> Self {
        Self { origin: Some(Arc::new(origin)), ..Self::from_utf8(text.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file `["!ls é\n"]`, the cell `!ls é`, the derived text `run('ls é')`.
    fn text() -> SourceText {
        let (file, written, derived) = ("[\n \"!ls \\u00e9\\n\"]", "!ls é\n", "run('ls é')\n");
        let mut to_file = OffsetMap::default();
        to_file.copy(4..8);
        to_file.stand_for(2, 8..14);
        to_file.stand_for(1, 14..16);
        let mut to_written = OffsetMap::default();
        to_written.stand_for(5, 0..1);
        to_written.copy(1..6);
        to_written.stand_for(2, 5..6);
        to_written.copy(6..7);
        assert_eq!((to_file.length(), to_written.length()), (written.len(), derived.len()));
        SourceText::derived(
            derived,
            Origin {
                file: SourceText::from_utf8(file),
                written: SourceText::from_utf8(written),
                to_written,
                to_file,
                cells: vec![CellStretch { index: 3, source: 0..7 }],
            },
        )
    }

    #[test]
    fn a_derived_place_is_shown_where_the_author_wrote_it() {
        let text = text();
        let (start, end) = (text.range(0..12).start, text.range(0..12).end);
        assert_eq!((start.line, start.column, start.offset), (2, 3, 4));
        assert_eq!((end.line, end.column, end.offset), (2, 13, 14));
        assert_eq!(text.snippet(5..7, 400), "!ls é");
        assert_eq!(text.cell(5..10), Some(Cell { index: 3, line: 1, column: 2, end_line: 1, end_column: 6 }));
    }

    #[test]
    fn an_empty_stretch_and_one_past_the_end_have_places() {
        let text = text();
        assert_eq!(text.range(5..5).start.offset, 5);
        assert_eq!(text.range(99..99).start.offset, 16);
    }
}
