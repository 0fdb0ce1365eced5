//! The tolerant trees: tree-sitter, within limits of time.

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Point, Tree};

use crate::language::Language;

use super::problem::Problem;

/// How long the tolerant parser may work on a file: a base, and so much for each mebibyte. It does about 9 MiB/s in an
/// optimised build; hostile input can be much slower than that.
const TIME_BASE: Duration = Duration::from_secs(2);
const TIME_PER_MIB: Duration = Duration::from_secs(4);

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

/// The tolerant tree of `text`, or of its stretch `range`, with offsets in the whole text. `Ok(None)` where no grammar
/// is known.
pub(super) fn parse(language: Language, text: &str, range: Range<usize>) -> Result<Option<Tree>, Problem> {
    let Some(grammar) = grammar(language) else { return Ok(None) };
    let limit = |what: &str| {
        let message = format!("the {} parser {what}", language.name());
        Problem::new("parse-limit", message, range.start..range.start).hint("split the file into smaller ones")
    };
    let mut parser = Parser::new();
    parser.set_language(&grammar).map_err(|_| limit("could not be started"))?;
    if range != (0..text.len()) {
        parser.set_included_ranges(&[included(text, &range)]).map_err(|_| limit("refused the stretch"))?;
    }
    let deadline = Instant::now() + TIME_BASE + TIME_PER_MIB * u32::try_from(range.len() >> 20).unwrap_or(u32::MAX);
    let mut in_time = |_: &ParseState| match Instant::now() < deadline {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    let options = ParseOptions::new().progress_callback(&mut in_time);
    let bytes = text.as_bytes();
    let mut read = |at: usize, _: Point| bytes.get(at..).unwrap_or_default();
    parser.parse_with_options(&mut read, None, Some(options)).map(Some).ok_or_else(|| limit("took too long"))
}

fn included(text: &str, range: &Range<usize>) -> tree_sitter::Range {
    tree_sitter::Range {
        start_byte: range.start,
        end_byte: range.end,
        start_point: point(text, range.start),
        end_point: point(text, range.end),
    }
}

/// Row and column in bytes, both counted from 0, as tree-sitter has them.
fn point(text: &str, offset: usize) -> Point {
    let before = &text.as_bytes()[..offset];
    let row = before.iter().filter(|&&byte| byte == b'\n').count();
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count();
    Point::new(row, column)
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
        let tree = parse(Language::Python, text, start..start + 11).expect("in time").expect("a grammar");
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
