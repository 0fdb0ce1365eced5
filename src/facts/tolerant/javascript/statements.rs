//! What statements of JavaScript leave behind beside their bindings.

use tree_sitter::Node;

use super::{F, Kid, N, child, field, key, name};
use crate::facts::builder::Builder;
use crate::facts::statements::{Comparing, Defined, DefinitionKind, StatementKind};
use crate::facts::tolerant::Frame;
use crate::facts::{ExprId, Kind, OPAQUE, Span, Sym};

/// `catch (e) {…}`, and whether its block does anything.
pub(super) fn catch(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) {
    let empty = child(children, F::Body).is_some_and(|body| {
        let mut cursor = body.node.walk();
        body.node.named_children(&mut cursor).all(|child| matches!(child.kind(), "comment" | "html_comment"))
    });
    let kind = if empty { StatementKind::ExceptPass } else { StatementKind::Except };
    builder.handler(kind, [], node.byte_range());
}

/// A loop with a condition, or without one.
pub(super) fn looped(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) {
    let condition = child(children, F::Condition);
    // The condition of `for (;;)` is an empty statement.
    let condition = condition.filter(|condition| condition.node.kind() != "empty_statement");
    builder.looped(condition.map(|condition| condition.expr), frame.node.byte_range());
}

/// `name={value}` of JSX.
pub(super) fn jsx_attribute(builder: &mut Builder<'_>, node: Node<'_>, children: &[Kid<'_>]) {
    let [key, rest @ ..] = children else { return };
    if key.kind == N::Property {
        let name = name(builder, key.node);
        let value = rest.iter().find(|child| child.kind != N::Comment).map_or(OPAQUE, |child| child.expr);
        builder.property(name, value, node.byte_range());
    }
}

/// A comparison, or another operator of two operands that passes nothing on.
pub(super) fn comparison(builder: &mut Builder<'_>, node: Node<'_>, left: ExprId, right: ExprId, children: &[Kid<'_>]) {
    builder.compared([left, right]);
    let how = match child(children, F::Operator).map(|operator| builder.text(operator.node.byte_range())) {
        Some("==" | "!=" | "===" | "!==") => Comparing::Equality,
        Some("in") => Comparing::Membership,
        Some("<" | ">" | "<=" | ">=" | "instanceof") => Comparing::Other,
        _ => return,
    };
    builder.comparison(how, left, right, node.byte_range());
}

/// A function, once its parameters are lowered.
pub(super) fn function(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>]) {
    let parameters = child(children, F::Parameters).or_else(|| child(children, F::Parameter));
    let head = child(children, F::Name).or(parameters);
    let defined = Defined {
        kind: DefinitionKind::Function,
        name: name_of(builder, children),
        function: frame.function,
        bases: Span { start: 0, end: 0 },
        head_end: head.map_or(frame.node.start_byte(), |head| head.node.end_byte()),
    };
    builder.definition(defined, parameters.map_or(OPAQUE, |parameters| parameters.expr), frame.node.byte_range());
    decorators(builder, children);
}

/// A class.
pub(super) fn class(builder: &mut Builder<'_>, frame: &Frame<'_, N>, children: &[Kid<'_>], bases: Span) {
    let head_end = child(children, F::Name).map_or(frame.node.start_byte(), |name| name.node.end_byte());
    let name = name_of(builder, children);
    let defined = Defined { kind: DefinitionKind::Class, name, function: None, bases, head_end };
    builder.definition(defined, OPAQUE, frame.node.byte_range());
    decorators(builder, children);
}

fn decorators(builder: &mut Builder<'_>, children: &[Kid<'_>]) {
    builder.decorate(children.iter().filter(|child| child.kind == N::Decorator).map(|child| child.expr));
}

fn name_of(builder: &mut Builder<'_>, children: &[Kid<'_>]) -> Option<Sym> {
    match *builder.facts.kind(field(children, F::Name)) {
        Kind::Name(name) => return Some(name),
        _ => child(children, F::Name)?,
    };
    let key = key(builder, children, F::Name)?;
    match builder.facts.kind(key).clone() {
        Kind::Text(text) => Some(builder.facts.symbols.intern(&text)),
        _ => None,
    }
}
