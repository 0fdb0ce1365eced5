//! What statements of Python leave behind beside their bindings.

use tree_sitter::Node;

use super::{F, Kid, N, child, field};
use crate::facts::builder::Builder;
use crate::facts::statements::{Comparing, Defined, DefinitionKind, StatementKind};
use crate::facts::tolerant::Frame;
use crate::facts::{ExprId, Kind, Span};

/// `except …:`, and whether its body does anything.
pub(super) fn handler(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) {
    let kind = match children.iter().find(|child| child.kind == N::Block) {
        Some(block) => body_kind(block.node),
        None => StatementKind::Except,
    };
    let caught: Vec<ExprId> = children.iter().filter(|child| child.field == F::Value).map(|child| child.expr).collect();
    builder.handler(kind, caught, node.byte_range());
}

/// What the one statement of a block makes of its handler.
fn body_kind(block: Node<'_>) -> StatementKind {
    let mut cursor = block.walk();
    let mut statements = block.named_children(&mut cursor).filter(|child| child.kind() != "comment");
    match (statements.next().and_then(only_statement), statements.next()) {
        (Some(kind), None) => kind,
        _ => StatementKind::Except,
    }
}

fn only_statement(statement: Node<'_>) -> Option<StatementKind> {
    match statement.kind() {
        "pass_statement" => Some(StatementKind::ExceptPass),
        "continue_statement" => Some(StatementKind::ExceptContinue),
        "expression_statement" => {
            let ellipsis = statement.named_child(0).is_some_and(|child| child.kind() == "ellipsis");
            ellipsis.then_some(StatementKind::ExceptPass)
        }
        _ => None,
    }
}

/// `a == b in c`: each operand with the next. The operators stand between them and have no name.
pub(super) fn comparison(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) {
    let operands: Vec<_> = children.iter().filter(|child| child.kind != N::Comment).collect();
    builder.compared(operands.iter().map(|child| child.expr));
    for pair in operands.windows(2) {
        let [left, right] = pair else { continue };
        let how = match builder.text(left.node.end_byte()..right.node.start_byte()).trim() {
            "==" | "!=" | "<>" => Comparing::Equality,
            words if words.starts_with("is") => Comparing::Equality,
            words if words.starts_with("in") || words.starts_with("not") => Comparing::Membership,
            _ => Comparing::Other,
        };
        let end = if operands.len() == 2 { node.end_byte() } else { right.node.end_byte() };
        builder.comparison(how, left.expr, right.expr, left.node.start_byte()..end);
    }
}

/// A function or lambda, once its parameters are lowered.
pub(super) fn function(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>], parameters: ExprId) {
    let named = child(children, F::Name);
    let kind = if frame.kind == N::Lambda { DefinitionKind::Lambda } else { DefinitionKind::Function };
    let head = named.or_else(|| child(children, F::Parameters));
    let defined = Defined {
        kind,
        name: name_of(builder, field(children, F::Name)),
        function: frame.function,
        bases: Span { start: 0, end: 0 },
        head_end: head.map_or(frame.node.start_byte(), |head| head.node.end_byte()),
    };
    builder.definition(defined, parameters, frame.node.byte_range());
}

/// A class.
pub(super) fn class(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>], bases: Span) {
    let head_end = child(children, F::Name).map_or(frame.node.start_byte(), |name| name.node.end_byte());
    let name = name_of(builder, field(children, F::Name));
    let defined = Defined { kind: DefinitionKind::Class, name, function: None, bases, head_end };
    builder.definition(defined, crate::facts::OPAQUE, frame.node.byte_range());
}

fn name_of(builder: &Builder<'_>, expr: ExprId) -> Option<crate::facts::Sym> {
    match *builder.facts.kind(expr) {
        Kind::Name(name) => Some(name),
        _ => None,
    }
}
