//! The shape of a tree, gathered in one walk: what is comment, what is text, what is still open at the end.
//!
//! The walk is iterative, so that no nesting can overflow the stack, and checks share what it gathers instead of
//! walking again.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use crate::facts::Outline;
use crate::facts::outline::Place;
use crate::language::Language;

/// Whether a node is being entered or left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Before what is in it.
    Enter,
    /// After what is in it; also comes for a node that was not gone into.
    Leave,
}

/// Visits all nodes in the order of the text. What `visit` answers on entering says whether to go into the node.
pub(crate) fn walk<'t>(tree: &'t Tree, mut visit: impl FnMut(Node<'t>, Step) -> bool) {
    let mut cursor = tree.walk();
    loop {
        if visit(cursor.node(), Step::Enter) && cursor.goto_first_child() {
            continue;
        }
        loop {
            visit(cursor.node(), Step::Leave);
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// What one walk gathers of a tree.
#[derive(Debug, Default)]
pub(super) struct Shape<'t> {
    /// Comments, in order.
    pub(super) comments: Vec<Range<usize>>,
    /// Strings, templates, regular expressions and running text, in order.
    pub(super) strings: Vec<Range<usize>>,
    /// Opening brackets without their closing ones; negative where there are too many closing ones.
    pub(super) brackets_open: i64,
    /// Where a string or template begins that never ends.
    pub(super) string_open: Option<usize>,
    /// The last token that is not a comment: its kind and where it stands.
    pub(super) last_token: Option<(&'t str, Range<usize>)>,
    /// Whether anything is said: a statement, a rule, an element.
    pub(super) has_statement: bool,
}

impl<'t> Shape<'t> {
    /// The shape of a tree.
    pub(super) fn of(tree: &'t Tree, language: Language, text: &str) -> Self {
        let mut shape = Self { has_statement: has_statement(tree.root_node(), language), ..Self::default() };
        walk(tree, |node, step| step == Step::Enter && shape.enter(node, text));
        shape
    }

    /// The shape of what the strict parser took: nothing in it is open at its end.
    pub(super) fn of_outline(outline: &Outline) -> Self {
        let ranges = |places: &[Place]| places.iter().map(|place| place.range()).collect();
        Self {
            comments: ranges(&outline.comments),
            strings: ranges(&outline.strings),
            has_statement: outline.has_statement,
            ..Self::default()
        }
    }

    /// Whether the byte `at` stands inside a comment or a string: after its first byte and before its end.
    pub(super) fn is_inside_text(&self, at: usize) -> bool {
        is_inside(&self.comments, at) || is_inside(&self.strings, at)
    }

    fn enter(&mut self, node: Node<'t>, text: &str) -> bool {
        let kind = node.kind();
        match kind {
            "comment" | "js_comment" | "html_comment" => {
                self.comments.push(node.byte_range());
                return false;
            }
            "string" | "template_string" | "regex" | "string_value" | "raw_text" | "jsx_text" if node.is_named() => {
                self.strings.push(node.byte_range());
                self.token(kind, node);
                return false;
            }
            "element" if is_verbatim(node, text) => {
                self.strings.push(node.byte_range());
                return false;
            }
            "string_start" | "`" | "\"" | "'" => {
                self.string_open.get_or_insert(node.start_byte());
            }
            "(" | "[" | "{" | "${" if !node.is_missing() => self.brackets_open += 1,
            ")" | "]" | "}" if !node.is_missing() => self.brackets_open -= 1,
            _ => {}
        }
        if node.child_count() == 0 {
            self.token(kind, node);
        }
        true
    }

    fn token(&mut self, kind: &'t str, node: Node<'t>) {
        if !node.byte_range().is_empty() && !kind.chars().all(char::is_whitespace) {
            self.last_token = Some((kind, node.byte_range()));
        }
    }
}

/// Whether an element shows its text as it stands: what is in there is no code of the page.
fn is_verbatim(element: Node<'_>, text: &str) -> bool {
    let name = element.child(0).and_then(|tag| tag.named_child(0)).map_or("", |name| &text[name.byte_range()]);
    ["pre", "code", "samp", "textarea"].iter().any(|verbatim| name.eq_ignore_ascii_case(verbatim))
}

fn is_inside(ranges: &[Range<usize>], at: usize) -> bool {
    let after = ranges.partition_point(|range| range.start < at);
    after > 0 && at < ranges[after - 1].end
}

/// Whether a file says anything: comments do not count, nor does a docstring by itself.
fn has_statement(root: Node<'_>, language: Language) -> bool {
    let mut cursor = root.walk();
    root.named_children(&mut cursor).any(|node| match node.kind() {
        "comment" | "js_comment" | "html_comment" | "hash_bang_line" | "empty_statement" | "doctype" => false,
        "text" => language != Language::Html,
        "expression_statement" if language == Language::Python => {
            !(node.named_child_count() == 1 && node.named_child(0).is_some_and(|child| child.kind() == "string"))
        }
        _ => true,
    })
}
