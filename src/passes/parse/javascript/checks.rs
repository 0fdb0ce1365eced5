//! What V8 refuses and oxc lets pass: TypeScript's modifiers in plain JavaScript, and characters that are no white space.

use oxc_ast::AstKind;
use oxc_ast::ast::MethodDefinitionType;
use oxc_semantic::AstNodes;
use oxc_span::{GetSpan as _, Span};

use super::RULE;
use crate::passes::parse::problem::Problem;

/// A range of oxc's as one of bytes.
pub(super) fn bytes(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}

/// The modifiers of TypeScript in classes of plain JavaScript, and decorators and accessors, which no V8 has.
pub(super) fn typescript_in_javascript(nodes: &AstNodes<'_>) -> Vec<Problem> {
    let problem = |what: &str, span: Span| {
        let start = span.start as usize;
        Problem::new(RULE, format!("{what} is not JavaScript"), start..bytes(span).end.min(start + 40))
    };
    let mut problems = Vec::new();
    for node in nodes.iter() {
        match node.kind() {
            AstKind::PropertyDefinition(field) => {
                let typed = field.declare
                    || field.r#override
                    || field.optional
                    || field.definite
                    || field.readonly
                    || field.accessibility.is_some();
                if typed {
                    problems.push(problem("a class field with a TypeScript modifier", field.span()));
                }
            }
            AstKind::MethodDefinition(method) => {
                let is_abstract = method.r#type == MethodDefinitionType::TSAbstractMethodDefinition;
                if method.r#override || method.optional || is_abstract || method.accessibility.is_some() {
                    problems.push(problem("a method with a TypeScript modifier", method.span()));
                }
            }
            AstKind::Decorator(decorator) => problems.push(problem("a decorator", decorator.span())),
            AstKind::AccessorProperty(accessor) => problems.push(problem("an auto-accessor", accessor.span())),
            _ => {}
        }
    }
    problems
}

/// `<!--` is a comment in a script and never allowed in a module, where oxc reads it as `< !--`.
pub(super) fn html_comment_in_module(nodes: &AstNodes<'_>, text: &str) -> Option<Problem> {
    let at = nodes.iter().find_map(|node| match node.kind() {
        AstKind::UnaryExpression(unary) => {
            let at = (unary.span.start as usize).checked_sub(1)?;
            text.get(at..).is_some_and(|rest| rest.starts_with("<!--")).then_some(at)
        }
        _ => None,
    })?;
    Some(Problem::new(RULE, "HTML comments are not allowed in modules", at..at + 4))
}

/// Zero-width space and next-line, which oxc takes for white space and V8 does not.
pub(super) fn not_white_space(span: Span, text: &str) -> Option<Problem> {
    let found = text.get(bytes(span))?.chars().find(|char| matches!(char, '\u{200b}' | '\u{85}'))?;
    let message = format!("invalid character U+{:04X}", u32::from(found));
    Some(Problem::new(RULE, message, bytes(span)).hint("delete the invisible character"))
}
