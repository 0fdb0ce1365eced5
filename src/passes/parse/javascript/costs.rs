//! How much of V8's stack each construct takes while what is in it is read.
//!
//! What V8 allows to nest depends on its stack: it gives up with a `RangeError` when about a megabyte is used. How much
//! each construct takes of it was measured: that budget divided by how many of them V8 just takes, the fewest of Node 20,
//! 22, 24 and 26. Costs are rounded up, so that what is accepted here is accepted there; a text that V8 just takes may be
//! refused here, by a limit that says so.

use oxc_ast::AstKind;
use oxc_ast::ast::{BinaryOperator, UnaryOperator};

/// Bytes of stack that V8 may use while it reads a program.
pub(super) const STACK_BYTES: u32 = 960_000;

pub(super) const ARGUMENTS: u32 = 520;
pub(super) const ARROW: u32 = 1030;
pub(super) const ASSIGNMENT_PATTERN: u32 = 520;
pub(super) const BLOCK: u32 = 490;
pub(super) const CALL: u32 = 220;
pub(super) const CLASS: u32 = 680;
pub(super) const CLASS_MEMBER: u32 = 250;
pub(super) const COMPUTED_NAME: u32 = 325;
pub(super) const FUNCTION_DECLARATION: u32 = 640;
pub(super) const FUNCTION_EXPRESSION: u32 = 1200;
pub(super) const MEMBER: u32 = 145;
pub(super) const OBJECT: u32 = 770;

/// The bytes of V8's stack that a node takes while what is in it is read; those above are added by who walks over them.
#[inline]
pub(super) fn of(kind: &AstKind<'_>) -> u32 {
    match kind {
        AstKind::StaticMemberExpression(_) | AstKind::PrivateFieldExpression(_) => MEMBER,
        AstKind::TaggedTemplateExpression(_) => CALL,
        AstKind::BinaryExpression(binary) => match binary.operator {
            BinaryOperator::Exponential => 145,
            operator if operator.is_equality() || operator.is_compare() || operator.is_relational() => 175,
            // Chains of other operators are flat lists.
            _ => 0,
        },
        AstKind::UnaryExpression(unary) => match unary.operator {
            UnaryOperator::Typeof | UnaryOperator::Void => 142,
            UnaryOperator::Delete => 220,
            _ => 82,
        },
        AstKind::ParenthesizedExpression(_) => 612,
        AstKind::ArrayExpression(_) | AstKind::ArrayPattern(_) => 520,
        AstKind::ObjectPattern(_) => OBJECT,
        AstKind::ConditionalExpression(_) => 410,
        AstKind::AssignmentExpression(_) | AstKind::LabeledStatement(_) => 240,
        AstKind::NewExpression(_) => 178,
        AstKind::AwaitExpression(_) | AstKind::YieldExpression(_) => 50,
        AstKind::ImportExpression(_) => 324,
        AstKind::TemplateLiteral(_) => 548,
        AstKind::BlockStatement(_) => BLOCK,
        AstKind::IfStatement(_) => 710,
        AstKind::ForStatement(_) | AstKind::ForInStatement(_) | AstKind::ForOfStatement(_) => 2160,
        AstKind::WhileStatement(_) | AstKind::DoWhileStatement(_) => 910,
        AstKind::SwitchStatement(_) => 1005,
        AstKind::TryStatement(_) => 670,
        AstKind::WithStatement(_) => 163,
        AstKind::JSXElement(_) | AstKind::JSXFragment(_) => 612,
        _ => 0,
    }
}
