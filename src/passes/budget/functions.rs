//! Functions and blocks: how long, and how deep inside one another.

use tree_sitter::{Node, Tree};

use super::What;
use crate::artifact::SourceText;
use crate::facts::Outline;
use crate::language::Language;
use crate::passes::parse::Region;
use crate::passes::structure::{Step, walk};

/// What functions and blocks are called in a grammar.
#[derive(Clone, Copy)]
struct Kinds {
    functions: &'static [&'static str],
    blocks: &'static [&'static str],
}

impl Kinds {
    fn of(language: Language) -> Option<Self> {
        match language {
            Language::Python => Some(Self { functions: &["function_definition"], blocks: &["block"] }),
            Language::JavaScript | Language::TypeScript => Some(Self {
                functions: &[
                    "function_declaration",
                    "function_expression",
                    "generator_function",
                    "generator_function_declaration",
                    "arrow_function",
                    "method_definition",
                ],
                blocks: &["statement_block", "switch_body", "class_body"],
            }),
            _ => None,
        }
    }
}

/// Measures each function's lines and its deepest block, and hands over row, value, what and where. A function's own
/// block is depth 1, and a function inside another counts from 1 again.
pub(super) fn measure<'a>(region: &Region, text: &'a SourceText, add: impl FnMut(&'static str, u64, What<'a>, usize)) {
    match (&region.outline, region.judged_tree()) {
        (Some(outline), _) => measure_outline(outline, text, add),
        (None, Some(tree)) => measure_tree(tree, region.language, text, add),
        (None, None) => {}
    }
}

fn measure_outline<'a>(
    outline: &Outline,
    text: &'a SourceText,
    mut add: impl FnMut(&'static str, u64, What<'a>, usize),
) {
    for routine in &outline.routines {
        let whole = routine.whole.range();
        let lines = text.line_at(whole.end) - text.line_at(whole.start) + 1;
        let name = text.as_str().get(routine.name.range()).unwrap_or_default();
        add("function_lines", lines as u64, What::Function(short(name)), whole.start);
    }
    for nest in &outline.nests {
        add("nesting_depth", u64::from(nest.deepest), What::Block, nest.at as usize);
    }
}

fn measure_tree<'a>(
    tree: &Tree,
    language: Language,
    text: &'a SourceText,
    mut add: impl FnMut(&'static str, u64, What<'a>, usize),
) {
    let Some(kinds) = Kinds::of(language) else { return };
    // Of the module and of each function that is open.
    let mut nests = vec![Nest::default()];
    // Asking a node for its parent searches from the root, so the walk remembers what a function may be assigned to.
    let mut holder: Option<Node<'_>> = None;
    walk(tree, |node, step| {
        let kind = node.kind();
        let is_function = node.is_named() && kinds.functions.contains(&kind);
        let is_block = kinds.blocks.contains(&kind);
        match step {
            Step::Enter if matches!(kind, "variable_declarator" | "pair" | "field_definition") => holder = Some(node),
            Step::Enter if is_function => {
                let lines = (node.end_position().row - node.start_position().row + 1) as u64;
                add("function_lines", lines, What::Function(name_of(node, holder, text.as_str())), node.start_byte());
                nests.push(Nest::default());
            }
            Step::Leave if is_function => {
                let nest = nests.pop().expect("it was pushed when the function was entered");
                add("nesting_depth", nest.deepest, What::Block, nest.at);
            }
            _ if is_block => nests.last_mut().expect("the module's nest is never popped").pass(step, node),
            Step::Enter | Step::Leave => {}
        }
        step == Step::Enter
    });
    for nest in nests {
        add("nesting_depth", nest.deepest, What::Block, nest.at);
    }
}

/// The blocks inside one another of a function or module.
#[derive(Default)]
struct Nest {
    depth: u64,
    deepest: u64,
    /// Where the deepest begins.
    at: usize,
}

impl Nest {
    fn pass(&mut self, step: Step, block: Node<'_>) {
        if step == Step::Leave {
            self.depth -= 1;
            return;
        }
        self.depth += 1;
        if self.depth > self.deepest {
            (self.deepest, self.at) = (self.depth, block.start_byte());
        }
    }
}

/// Bytes of a function's name that a message keeps.
const NAME_BYTES_MAX: usize = 80;

/// The name of a function; for one without a name, what it is assigned to.
fn name_of<'a>(function: Node<'_>, holder: Option<Node<'_>>, text: &'a str) -> &'a str {
    let held = || {
        let holder = holder.filter(|holder| holder.child_by_field_name("value") == Some(function))?;
        ["name", "key", "property"].iter().find_map(|field| holder.child_by_field_name(field))
    };
    let name = function.child_by_field_name("name").or_else(held).map_or("", |name| &text[name.byte_range()]);
    short(name)
}

fn short(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_MAX)]
}
