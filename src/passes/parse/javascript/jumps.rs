//! `break` and `continue` that leave an arrow function, and `continue` to a label that is not a loop's.
//!
//! oxc lets both pass: it stops at other functions and not at arrows, and takes the label of a label for that of a loop.

use oxc_ast::AstKind;
use oxc_ast::ast::{LabelIdentifier, Statement};
use oxc_semantic::{AstNode, AstNodes};
use oxc_span::Span;

use super::checks::Source;
use crate::passes::parse::problem::Problem;

/// Around a node, within the innermost function: a loop, a loop or a `switch`.
const LOOP: u8 = 1;
const BREAKABLE: u8 = 2;

/// Labelled jumps that are looked at; each costs a walk out to its label.
const LABELLED_MAX: usize = 10_000;

/// The state of the walk over the nodes of one tree, each before those within it.
pub(super) struct Jumps {
    /// For each node that was visited: [`LOOP`] and [`BREAKABLE`] as they hold within it. Empty where nothing can be wrong.
    around: Vec<u8>,
    labelled: usize,
}

impl Jumps {
    /// For a tree in which oxc found no fault.
    pub(super) fn new(nodes: &AstNodes<'_>) -> Self {
        Self { around: vec![0; nodes.len()], labelled: 0 }
    }

    /// For a tree that is not looked at.
    pub(super) fn none() -> Self {
        Self { around: Vec::new(), labelled: 0 }
    }

    /// The fault of one node.
    pub(super) fn visit(&mut self, nodes: &AstNodes<'_>, node: &AstNode<'_>, source: Source<'_>) -> Option<Problem> {
        if self.around.is_empty() {
            return None;
        }
        let outside = self.around[nodes.parent_id(node.id()).index()];
        let kind = node.kind();
        self.around[node.id().index()] = match kind {
            AstKind::Program(_)
            | AstKind::Function(_)
            | AstKind::ArrowFunctionExpression(_)
            | AstKind::StaticBlock(_) => 0,
            AstKind::SwitchStatement(_) => outside | BREAKABLE,
            kind if kind.is_iteration_statement() => LOOP | BREAKABLE,
            _ => outside,
        };
        let (word, needs, label, span) = match kind {
            AstKind::BreakStatement(jump) => ("break", BREAKABLE, &jump.label, jump.span),
            AstKind::ContinueStatement(jump) => ("continue", LOOP, &jump.label, jump.span),
            _ => return None,
        };
        match label {
            None => (outside & needs == 0).then(|| illegal(word, span, source)),
            Some(label) => {
                self.labelled += 1;
                let look = self.labelled <= LABELLED_MAX;
                look.then(|| label_fault(nodes, node, label, needs == LOOP, source)).flatten()
            }
        }
    }
}

fn illegal(word: &str, span: Span, source: Source<'_>) -> Problem {
    let instead = if word == "break" { "a `for` loop, or `some` or `find`," } else { "`return`" };
    source
        .problem(span, format!("illegal {word} statement: an arrow function is not part of the loop around it"))
        .hint(format!("use {instead} instead"))
}

/// The fault of a jump to `label`: that it leaves an arrow function, or continues what is no loop.
fn label_fault(
    nodes: &AstNodes<'_>,
    jump: &AstNode<'_>,
    label: &LabelIdentifier<'_>,
    continues: bool,
    source: Source<'_>,
) -> Option<Problem> {
    for kind in nodes.ancestor_kinds(jump.id()) {
        match kind {
            AstKind::ArrowFunctionExpression(_) => {
                return Some(source.problem(label.span, format!("undefined label `{}`", label.name)));
            }
            AstKind::LabeledStatement(target) if target.label.name == label.name => {
                let no_loop = continues && !is_loop(&target.body);
                let message = || format!("illegal continue statement: `{}` does not denote a loop", label.name);
                return no_loop.then(|| source.problem(label.span, message()));
            }
            _ => {}
        }
    }
    None
}

/// Whether a statement is a loop, with or without labels before it.
fn is_loop(mut statement: &Statement<'_>) -> bool {
    while let Statement::LabeledStatement(labelled) = statement {
        statement = &labelled.body;
    }
    statement.is_iteration_statement()
}
