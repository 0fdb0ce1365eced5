//! Doubts that a single node gives: whether it could be one of V8's early errors, or something that only some versions of
//! V8 take.
//!
//! Each answers more often than needed, never less: what is in doubt is looked at by `oxc_semantic` and by
//! [`super::checks`], which know the whole rule.

use memchr::memchr_iter;
use oxc_ast::AstKind;
use oxc_ast::ast::{
    AssignmentTarget, ChainElement, Expression, ForStatementLeft, FormalParameters, ObjectExpression,
    ObjectPropertyKind, PropertyKey, PropertyKind, RegExpLiteral, SimpleAssignmentTarget, Statement, StringLiteral,
    UnaryExpression, UnaryOperator, WithClauseKeyword,
};
use oxc_span::GetSpan as _;

use super::checks;

/// Words before the name of a method that JavaScript has.
pub(super) const METHOD_MODIFIERS: &[&str] = &["static", "async", "get", "set"];

/// Groups of one regular expression that V8 allows.
const REGEX_GROUPS_MAX: usize = 32_767;

/// Whether a name is one that some code may not use for a variable or a label; `eval` and `arguments` excepted.
#[inline]
pub(super) fn is_reserved(name: &str) -> bool {
    match name.len() {
        3 => name == "let",
        5 => matches!(name, "await" | "yield"),
        6 => matches!(name, "static" | "public"),
        7 => matches!(name, "package" | "private"),
        9 => matches!(name, "interface" | "protected"),
        10 => name == "implements",
        _ => false,
    }
}

/// `eval` and `arguments`, which strict code can neither declare nor assign to.
#[inline]
pub(super) fn is_special(name: &str) -> bool {
    matches!(name, "eval" | "arguments")
}

/// Whether there is an escape of an octal number in a string, or of 8 or 9. They are rare, so that all others may be told
/// by the length alone: an escape is longer than what it stands for, but for half of a pair of surrogates.
#[inline]
pub(super) fn has_octal_escape(literal: &StringLiteral<'_>, text: &str) -> bool {
    const QUOTES: usize = 2;
    let has_escape = literal.lone_surrogates || literal.span.size() as usize != literal.value.len() + QUOTES;
    has_escape && text.get(checks::bytes(literal.span)).is_none_or(|raw| raw_has_octal_escape(raw.as_bytes()))
}

fn raw_has_octal_escape(raw: &[u8]) -> bool {
    let mut escaped = None;
    memchr_iter(b'\\', raw).any(|at| {
        if escaped == Some(at) {
            return false;
        }
        escaped = Some(at + 1);
        let digit = |at: usize| raw.get(at).is_some_and(u8::is_ascii_digit);
        // `\0` alone is the character of that number.
        digit(at + 1) && (raw[at + 1] != b'0' || digit(at + 2))
    })
}

/// `010` and `09`.
#[inline]
pub(super) fn has_leading_zero(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    bytes.len() >= 2 && bytes[0] == b'0' && bytes[1].is_ascii_digit()
}

/// Whether all parameters are plain names; only then may the body say `"use strict"`.
pub(super) fn is_simple(parameters: &FormalParameters<'_>) -> bool {
    let is_name = |at: usize| {
        let parameter = &parameters.items[at];
        parameter.pattern.is_binding_identifier() && parameter.initializer.is_none()
    };
    parameters.rest.is_none() && (0..parameters.items.len()).all(is_name)
}

/// Whether more than one property sets the prototype.
#[inline]
pub(super) fn sets_prototype_twice(object: &ObjectExpression<'_>) -> bool {
    let sets_prototype = |property: &&ObjectPropertyKind<'_>| match property {
        ObjectPropertyKind::ObjectProperty(property) => {
            property.kind == PropertyKind::Init && !property.method && is_prototype(&property.key)
        }
        ObjectPropertyKind::SpreadProperty(_) => false,
    };
    object.properties.len() > 1 && object.properties.iter().filter(sets_prototype).count() > 1
}

#[inline]
fn is_prototype(key: &PropertyKey<'_>) -> bool {
    match key {
        PropertyKey::StaticIdentifier(name) => name.name == "__proto__",
        PropertyKey::StringLiteral(literal) => literal.value == "__proto__",
        PropertyKey::TemplateLiteral(_) => true,
        _ => false,
    }
}

/// Whether the own checks or `oxc_semantic` have to look at a node, for what is in it alone.
#[inline]
pub(super) fn concerns(kind: &AstKind<'_>, text: &str, is_module: bool) -> bool {
    match kind {
        AstKind::PropertyDefinition(field) => {
            field.declare
                || field.r#override
                || field.optional
                || field.definite
                || field.readonly
                || field.accessibility.is_some()
                || checks::has_foreign_modifier(field.span, field.key.span(), &["static"], text)
        }
        AstKind::MethodDefinition(method) => {
            method.r#override
                || method.optional
                || method.r#type.is_abstract()
                || method.accessibility.is_some()
                || method.value.body.is_none()
                || checks::has_foreign_modifier(method.span, method.key.span(), METHOD_MODIFIERS, text)
        }
        AstKind::Decorator(_) | AstKind::AccessorProperty(_) | AstKind::WithStatement(_) => true,
        AstKind::UnaryExpression(unary) => {
            let html_comment = || is_module && matches!(unary.argument, Expression::UpdateExpression(_));
            (html_comment() && checks::is_html_comment(unary.span, text))
                || (unary.operator == UnaryOperator::Delete && deletes_name(unary))
        }
        AstKind::UpdateExpression(update) => match &update.argument {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(name) => is_special(&name.name),
            _ => false,
        },
        AstKind::AssignmentExpression(assignment) => match &assignment.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => is_special(&name.name),
            _ => false,
        },
        AstKind::VariableDeclaration(declaration) => declaration.kind.is_using(),
        AstKind::VariableDeclarator(declarator) => declarator.type_annotation.is_some(),
        AstKind::ImportDeclaration(import) => import.phase.is_some(),
        AstKind::WithClause(clause) => clause.keyword == WithClauseKeyword::Assert,
        AstKind::ImportExpression(import) => import.phase.is_some(),
        AstKind::NewExpression(new) => matches!(new.callee, Expression::ImportExpression(_) | Expression::Super(_)),
        AstKind::NumericLiteral(literal) => literal.raw.is_none_or(|raw| has_leading_zero(raw.as_str())),
        AstKind::ForInStatement(statement) => initializes(&statement.left) || is_function(&statement.body),
        AstKind::ForOfStatement(statement) => initializes(&statement.left) || is_function(&statement.body),
        AstKind::ForStatement(statement) => is_function(&statement.body),
        AstKind::WhileStatement(statement) => is_function(&statement.body),
        AstKind::DoWhileStatement(statement) => is_function(&statement.body),
        AstKind::LabeledStatement(statement) => is_function(&statement.body),
        AstKind::IfStatement(statement) => {
            is_function(&statement.consequent) || statement.alternate.as_ref().is_some_and(is_function)
        }
        _ => false,
    }
}

/// `delete x` and `delete this.#x`.
fn deletes_name(unary: &UnaryExpression<'_>) -> bool {
    match unary.argument.get_inner_expression() {
        Expression::Identifier(_) | Expression::PrivateFieldExpression(_) => true,
        Expression::ChainExpression(chain) => matches!(chain.expression, ChainElement::PrivateFieldExpression(_)),
        _ => false,
    }
}

/// `for (var x = 1 in y)`.
fn initializes(left: &ForStatementLeft<'_>) -> bool {
    match left {
        ForStatementLeft::VariableDeclaration(declaration) => {
            declaration.declarations.iter().any(|declarator| declarator.init.is_some())
        }
        _ => false,
    }
}

/// A function where a statement stands alone.
fn is_function(statement: &Statement<'_>) -> bool {
    matches!(statement, Statement::FunctionDeclaration(_))
}

/// Whether a regular expression has more groups than V8 allows.
pub(super) fn has_too_many_groups(literal: &RegExpLiteral<'_>) -> bool {
    let pattern = literal.regex.pattern.text.as_str();
    pattern.len() > REGEX_GROUPS_MAX && memchr_iter(b'(', pattern.as_bytes()).count() > REGEX_GROUPS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_escapes_are_seen() {
        for (raw, expected) in [
            (r#""\1""#, true),
            (r#""\08""#, true),
            (r#""\0""#, false),
            (r#""\0a""#, false),
            (r#""\8""#, true),
            (r#""\\1""#, false),
            (r#""\\\1""#, true),
            (r#""\x41\u0041""#, false),
            (r#""\033[0m""#, true),
        ] {
            assert_eq!(raw_has_octal_escape(raw.as_bytes()), expected, "{raw}");
        }
    }

    #[test]
    fn numbers_with_a_zero_before_them_are_seen() {
        for (raw, expected) in
            [("0", false), ("0.5", false), ("0x1", false), ("00", true), ("09.5", true), ("10", false)]
        {
            assert_eq!(has_leading_zero(raw), expected, "{raw}");
        }
    }
}
