//! What oxc reports and V8 does not mind, where the tree is there nonetheless: the errors are dropped, or replaced by what
//! V8 says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use oxc_ast::AstKind;
use oxc_diagnostics::OxcDiagnostic;
use oxc_semantic::{AstNode, AstNodes, Semantic};
use oxc_span::{GetSpan as _, Span};

use super::checks;
use super::engine::Terms;
use super::redeclare;
use crate::language::NodeVersion;
use crate::passes::parse::problem::Problem;

/// Errors of the parser, with a tree nonetheless, that are none for V8. What of them V8 minds is found in the tree.
pub(super) fn new_import(error: &OxcDiagnostic, terms: Terms) -> bool {
    terms.goal.is_javascript()
        && terms.node >= NodeVersion::Node24
        && error.message.starts_with("Cannot use new with dynamic import")
}

/// Up to Node 22, V8 looks for octal literals and escapes in each strict *function* and in the program, and so misses those
/// between the methods of a class in sloppy code: names, heritage, initializers, static blocks.
pub(super) fn old_octals(errors: &mut Vec<OxcDiagnostic>, semantic: &Semantic<'_>, terms: Terms) {
    let is_octal = |error: &OxcDiagnostic| OCTAL_ERRORS.iter().any(|start| error.message.starts_with(start));
    if terms.node >= NodeVersion::Node24 || !terms.goal.is_javascript() || !errors.iter().any(is_octal) {
        return;
    }
    let strict = literals_in_strict_functions(semantic);
    errors.retain(|error| {
        let range = error.labels.first().map(|label| checks::bytes(label.span()));
        !is_octal(error) || range.is_none_or(|range| strict.get(&(range.start, range.end)).copied().unwrap_or(true))
    });
}

const OCTAL_ERRORS: &[&str] =
    &["'0'-prefixed octal literals", "Decimals with leading zeros", "Invalid escape sequence"];

/// For each number and string: whether the function around it, or the program if there is none, is strict.
fn literals_in_strict_functions(semantic: &Semantic<'_>) -> HashMap<(usize, usize), bool> {
    let nodes = semantic.nodes();
    let literals = nodes.iter().filter_map(|node| {
        let span = match node.kind() {
            AstKind::NumericLiteral(literal) => literal.span,
            AstKind::StringLiteral(literal) => literal.span,
            _ => return None,
        };
        let Range { start, end } = checks::bytes(span);
        let around = nodes.ancestors(node.id()).find(|node| is_function(node.kind())).map(|node| node.id());
        let scope = around.map_or_else(
            || semantic.scoping().root_scope_id(),
            |id| function_scope(nodes, id).unwrap_or_else(|| semantic.scoping().root_scope_id()),
        );
        Some(((start, end), semantic.scoping().scope_flags(scope).is_strict_mode()))
    });
    literals.collect()
}

fn is_function(kind: AstKind<'_>) -> bool {
    matches!(kind, AstKind::Function(_) | AstKind::ArrowFunctionExpression(_))
}

fn function_scope(nodes: &AstNodes<'_>, id: oxc_semantic::NodeId) -> Option<oxc_semantic::ScopeId> {
    match nodes.kind(id) {
        AstKind::Function(function) => function.scope_id.get(),
        AstKind::ArrowFunctionExpression(function) => function.scope_id.get(),
        _ => None,
    }
}

/// Makes the errors about names that are declared twice those of V8; see [`redeclare`]. oxc does not report all of those that
/// are, so that the `doubted` ones are looked at too.
pub(super) fn redeclarations(
    errors: &mut Vec<OxcDiagnostic>,
    semantic: &Semantic<'_>,
    terms: Terms,
    doubted: &HashSet<&str>,
) -> Vec<Problem> {
    if !terms.goal.is_javascript() {
        return Vec::new();
    }
    let reported: HashSet<String> = errors.iter().filter_map(redeclared_name).map(str::to_owned).collect();
    let mut names = redeclare::caught_names(semantic.nodes());
    names.extend(reported.iter().map(String::as_str));
    names.extend(doubted);
    if names.is_empty() {
        return Vec::new();
    }
    let Some(found) = redeclare::find(semantic, &names) else { return Vec::new() };
    let mut missed: BTreeMap<u32, &str> = found.conflicts.iter().map(|(span, name)| (span.start, *name)).collect();
    let conflicts = missed.clone();
    errors.retain(|error| {
        if redeclared_name(error).is_none() {
            return true;
        }
        // Of two parameters, and of what is no variable, oxc knows best.
        let spans =
            || error.labels.iter().map(|label| label.span()).map(|span| span.start..span.end.max(span.start + 1));
        let declared = |range| found.declared.range(range).next().map(|(_, is_parameter)| *is_parameter);
        let judged = spans().map(declared).all(|found| found.is_some())
            && spans().map(declared).any(|found| found == Some(false));
        let told: Vec<u32> =
            spans().filter_map(|range| conflicts.range(range).next()).map(|(start, _)| *start).collect();
        for start in &told {
            missed.remove(start);
        }
        !judged || !told.is_empty()
    });
    let problem = |(start, name): (u32, &str)| {
        let range = start as usize..start as usize + name.len();
        Problem::new(terms.rule, format!("identifier `{name}` has already been declared"), range)
    };
    missed.into_iter().map(problem).collect()
}

/// The name in oxc's error about one that is declared twice; private names are not meant.
fn redeclared_name(error: &OxcDiagnostic) -> Option<&str> {
    let name = error.message.strip_prefix("Identifier `")?.strip_suffix("` has already been declared")?;
    (!name.starts_with('#')).then_some(name)
}

/// oxc takes `eval` and `arguments` anywhere in the default of a pattern for what is assigned to.
pub(super) fn read_names(errors: &mut Vec<OxcDiagnostic>, semantic: &Semantic<'_>, terms: Terms) {
    let is_meant = |error: &OxcDiagnostic| {
        error.message.starts_with("Cannot assign to '") && error.message.ends_with("' in strict mode")
    };
    if !terms.goal.is_javascript() || !errors.iter().any(is_meant) {
        return;
    }
    let read: HashSet<u32> = semantic.nodes().iter().filter_map(|node| read_only(semantic.nodes(), node)).collect();
    errors.retain(|error| {
        !is_meant(error) || error.labels.first().is_none_or(|label| !read.contains(&label.span().start))
    });
}

/// Where a name is that is not itself assigned to.
fn read_only(nodes: &AstNodes<'_>, node: &AstNode<'_>) -> Option<u32> {
    let AstKind::IdentifierReference(name) = node.kind() else { return None };
    let is = |span: Span| span == name.span;
    let assigned = match nodes.parent_kind(node.id()) {
        AstKind::AssignmentExpression(assignment) => is(assignment.left.span()),
        AstKind::AssignmentTargetWithDefault(target) => is(target.binding.span()),
        AstKind::AssignmentTargetPropertyIdentifier(target) => is(target.binding.span),
        AstKind::AssignmentTargetPropertyProperty(target) => is(target.binding.span()),
        AstKind::ForInStatement(statement) => is(statement.left.span()),
        AstKind::ForOfStatement(statement) => is(statement.left.span()),
        AstKind::UpdateExpression(_) | AstKind::ArrayAssignmentTarget(_) | AstKind::AssignmentTargetRest(_) => true,
        _ => false,
    };
    (!assigned).then_some(name.span.start)
}
