//! The tolerant trees: tree-sitter, within limits of size and steps.

use std::cell::Cell;
use std::ops::{ControlFlow, Range};

use memchr::memchr_iter;
use tree_sitter::{Node, ParseOptions, ParseState, Parser, Point, Tree};

use crate::language::Language;

use super::problem::Problem;

/// The rule of what is valid and too large for a tree, so that nothing in it is scanned.
pub(super) const TOO_LARGE: &str = "file-too-large-to-scan";

/// How often the tolerant parser may report progress, which it does every hundred steps: a base, and one for so many
/// bytes. Ordinary code takes one report for about 150 bytes; hostile input can take many more.
const REPORTS_BASE: usize = 1_000;
const BYTES_PER_REPORT: usize = 10;

/// For how many reports one counts after an error: recovery does more work in a step, and keeps more of it.
const ERROR_REPORT: usize = 4;

/// The grammar for the tolerant tree of a language, if there is one. TypeScript takes JavaScript's: there is no other
/// here, and the tolerant tree of its plain parts is still of use.
fn grammar(language: Language) -> Option<tree_sitter::Language> {
    match language {
        Language::Python => Some(tree_sitter_python::LANGUAGE.into()),
        Language::JavaScript | Language::TypeScript => Some(tree_sitter_javascript::LANGUAGE.into()),
        Language::Html => Some(tree_sitter_html::LANGUAGE.into()),
        Language::Css => Some(tree_sitter_css::LANGUAGE.into()),
        _ => None,
    }
}

/// Bytes that the parser is given at once, and how often it may ask for each such piece. A grammar's own scanner may read
/// to the end of the text for one token, which no report of progress shows.
const PIECE_BYTES: usize = 4096;
const READS_PER_PIECE: usize = 64;
const READS_BASE: usize = 4096;

/// A text, of which trees are wanted.
pub(super) struct Ground<'t> {
    text: &'t str,
    /// The offset of each line's first byte.
    line_starts: Vec<usize>,
    bytes_max: u64,
}

impl<'t> Ground<'t> {
    /// A text; no tree is made of a stretch with more than `bytes_max` bytes.
    pub(super) fn new(text: &'t str, bytes_max: u64) -> Self {
        let line_starts = std::iter::once(0).chain(memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { text, line_starts, bytes_max }
    }

    /// The tolerant tree of the whole text. `Ok(None)` where no grammar is known.
    pub(super) fn whole(&self, language: Language) -> Result<Option<Tree>, Problem> {
        self.tree(language, 0..self.text.len())
    }

    /// The tolerant tree of a stretch, with offsets in the whole text. `Ok(None)` where no grammar is known.
    pub(super) fn tree(&self, language: Language, range: Range<usize>) -> Result<Option<Tree>, Problem> {
        let Some(grammar) = grammar(language) else { return Ok(None) };
        if range.len() as u64 > self.bytes_max {
            let message =
                format!("{} bytes of {}; at most {} are scanned", range.len(), language.name(), self.bytes_max);
            return Err(Problem::new(TOO_LARGE, message, range.start..range.start)
                .hint("split the file, or raise `tree_bytes_max`"));
        }
        let limit = |what: &str| {
            let message = format!("the {} parser {what}", language.name());
            Problem::new("parse-limit", message, range.start..range.start).hint("split the file into smaller ones")
        };
        let mut parser = Parser::new();
        parser.set_language(&grammar).map_err(|_| limit("could not be started"))?;
        if range != (0..self.text.len()) {
            parser.set_included_ranges(&[self.included(&range)]).map_err(|_| limit("refused the stretch"))?;
        }
        let mut reports = REPORTS_BASE + range.len() / BYTES_PER_REPORT;
        let reads = Cell::new(READS_BASE + READS_PER_PIECE * (range.len() / PIECE_BYTES));
        let mut count = |state: &ParseState| {
            let cost = if state.has_error() { ERROR_REPORT } else { 1 };
            match reports.checked_sub(cost).filter(|_| reads.get() > 0) {
                Some(rest) => {
                    reports = rest;
                    ControlFlow::Continue(())
                }
                None => ControlFlow::Break(()),
            }
        };
        let options = ParseOptions::new().progress_callback(&mut count);
        let bytes = self.text.as_bytes();
        let mut read = |at: usize, _: Point| {
            reads.set(reads.get().saturating_sub(1));
            bytes.get(at..bytes.len().min(at + PIECE_BYTES)).unwrap_or_default()
        };
        parser.parse_with_options(&mut read, None, Some(options)).map(Some).ok_or_else(|| limit("took too many steps"))
    }

    fn included(&self, range: &Range<usize>) -> tree_sitter::Range {
        tree_sitter::Range {
            start_byte: range.start,
            end_byte: range.end,
            start_point: self.point(range.start),
            end_point: self.point(range.end),
        }
    }

    /// Row and column in bytes, both counted from 0, as tree-sitter has them.
    fn point(&self, offset: usize) -> Point {
        let row = self.line_starts.partition_point(|&start| start <= offset) - 1;
        Point::new(row, offset - self.line_starts[row])
    }
}

/// Calls `visit` for every node of `tree` in source order, without recursion; `visit` says whether to go into it.
pub(super) fn walk<'t>(tree: &'t Tree, mut visit: impl FnMut(Node<'t>) -> bool) {
    let mut cursor = tree.walk();
    loop {
        if visit(cursor.node()) && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_has_offsets_in_the_whole_text() {
        let text = "é\n<p>\nx = eval(y)\n</p>";
        let start = text.find("x =").expect("it is there");
        let ground = Ground::new(text, 100);
        let tree = ground.tree(Language::Python, start..start + 11).expect("few steps").expect("a grammar");
        let mut names = Vec::new();
        walk(&tree, |node| {
            if node.kind() == "identifier" {
                names.push((&text[node.byte_range()], node.start_position().row));
            }
            true
        });
        assert_eq!(names, [("x", 2), ("eval", 2), ("y", 2)]);
    }
}
