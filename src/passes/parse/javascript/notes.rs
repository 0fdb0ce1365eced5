//! What a valid file needs before Node can run it: the parts of TypeScript that Node does not strip, and JSX.
//!
//! Node strips types from 22.18 and 24 on, and nothing but types: what makes code of its own is refused. Such a file is valid
//! TypeScript nonetheless, so this is a note.

use oxc_ast::AstKind;
use oxc_ast::ast::{Statement, TSNamespaceDeclarationBody};
use oxc_semantic::AstNodes;
use oxc_span::{GetSpan as _, Span};

use super::checks::bytes;
use super::goal::Goal;
use crate::finding::Severity;
use crate::passes::parse::problem::Problem;

const NOT_ERASABLE: &str = "typescript-not-erasable";
const JSX: &str = "jsx-in-javascript";

/// The first part of a TypeScript file that Node does not strip.
pub(super) fn not_erasable(nodes: &AstNodes<'_>, goal: Goal) -> Option<Problem> {
    if goal != Goal::TS && goal != Goal::TS_COMMONJS {
        return None;
    }
    let (span, what) = nodes.iter().find_map(|node| {
        let found = code_of_its_own(node.kind())?;
        (!nodes.ancestor_kinds(node.id()).any(is_ambient)).then_some(found)
    })?;
    let range = bytes(span);
    let message = format!("{what} is TypeScript that Node does not strip, so this file has to be compiled to run");
    Some(note(NOT_ERASABLE, message, range.start..range.end.min(range.start + 40)))
}

/// The note on a `.js` file that is JSX.
pub(super) fn jsx() -> Problem {
    Problem::whole(JSX, "this is JSX, which Node does not run; it has to be compiled, and is better named .jsx")
        .severity(Severity::Info)
}

fn note(rule: &'static str, message: String, range: std::ops::Range<usize>) -> Problem {
    Problem::new(rule, message, range).severity(Severity::Info)
}

fn code_of_its_own(kind: AstKind<'_>) -> Option<(Span, &'static str)> {
    match kind {
        AstKind::TSEnumDeclaration(declaration) if !declaration.declare => Some((declaration.span, "an enum")),
        AstKind::TSNamespaceDeclaration(namespace) if !namespace.declare && has_values(&namespace.body) => {
            Some((namespace.span, "a namespace"))
        }
        AstKind::TSImportEqualsDeclaration(import) => Some((import.span, "an import with `=`")),
        AstKind::TSExportAssignment(export) => Some((export.span, "an export with `=`")),
        AstKind::TSTypeAssertion(assertion) => Some((assertion.span, "a type assertion with angle brackets")),
        AstKind::FormalParameter(parameter) if parameter.accessibility.is_some() || parameter.readonly => {
            Some((parameter.span, "a parameter property"))
        }
        AstKind::Decorator(decorator) => Some((decorator.span(), "a decorator")),
        AstKind::AccessorProperty(accessor) => Some((accessor.span(), "an auto-accessor")),
        _ => None,
    }
}

/// Whether a namespace holds more than types. Namespaces in it are looked at for themselves.
fn has_values(body: &TSNamespaceDeclarationBody<'_>) -> bool {
    match body {
        TSNamespaceDeclarationBody::TSModuleBlock(block) => {
            block.body.iter().any(|statement| !statement.is_typescript_syntax() && !is_type_export(statement))
        }
        TSNamespaceDeclarationBody::TSNamespaceDeclaration(_) => false,
    }
}

fn is_type_export(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ExportDeclaration(export) => export.declaration.is_typescript_syntax(),
        _ => false,
    }
}

/// Whether what stands within is only declared.
fn is_ambient(kind: AstKind<'_>) -> bool {
    match kind {
        AstKind::TSNamespaceDeclaration(namespace) => namespace.declare,
        AstKind::TSExternalModuleDeclaration(_) | AstKind::TSGlobalDeclaration(_) => true,
        _ => false,
    }
}
