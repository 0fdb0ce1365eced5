//! One parse for one goal: `oxc_parser`, then `oxc_semantic`, then the own checks; and what V8 does not mind in what the
//! first two say.
//!
//! V8 and oxc differ in both directions. Where V8 refuses more, a check of [`super::checks`] adds the fault. Where it
//! refuses less, oxc's error is dropped here if the tree is there nonetheless, and is turned into a [`Mend`] of the source
//! if the parser stopped at it.

use std::collections::HashMap;
use std::ops::Range;

use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_semantic::{AstNodes, Semantic, SemanticBuilder};
use oxc_span::Span;

use super::checks::{self, Source};
use super::goal::Goal;
use super::hints;
use super::mend::{Mend, Mends};
use super::survey::Survey;
use crate::language::NodeVersion;
use crate::passes::parse::problem::Problem;

/// Faults of one parse that are turned into findings; finding the lines of more would take time with their square.
const FAULTS_MAX: usize = 500;

/// What a text is judged as.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) goal: Goal,
    pub(super) node: NodeVersion,
    pub(super) rule: &'static str,
}

/// What a text that is valid turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Whether it has `import` or `export` declarations or `import.meta`, which only modules have.
    pub(super) has_module_syntax: bool,
}

/// The faults of a text, and how it would read where V8 does not mind the one at which the parser stopped.
pub(super) struct Refused {
    pub(super) problems: Vec<Problem>,
    pub(super) mends: Vec<Mend>,
}

/// The verdict on `text`, in which `mends` have been made.
pub(super) fn once(text: &str, terms: Terms, mends: &Mends) -> Result<Accepted, Refused> {
    let allocator = Allocator::default();
    let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
    let parsed = Parser::new(&allocator, text, terms.goal.source_type()).with_options(options).parse();
    let ParserReturn { program, module_record, diagnostics, irregular_whitespaces, panicked, .. } = parsed;
    let mut errors: Vec<OxcDiagnostic> = diagnostics.into_vec();
    errors.retain(|error| !tolerated(error, terms));
    let (mut problems, mut mend) = (Vec::new(), Vec::new());
    if errors.is_empty() && !panicked {
        let survey = Survey::of(&program, text, terms.goal.is_module());
        if let Some(span) = survey.too_deep {
            return Err(Refused { problems: vec![too_deep(span)], mends: Vec::new() });
        }
        // Most files have nothing that the own checks look at; they are spared a store of all nodes.
        if !survey.concerns && mends.is_empty() {
            let built = SemanticBuilder::new_compiler().with_stats(survey.stats()).build(&program);
            errors.extend(built.diagnostics.into_vec());
        }
        if survey.concerns || !mends.is_empty() || !errors.is_empty() {
            errors.clear();
            let built = SemanticBuilder::new().with_build_nodes(true).with_check_syntax_error(true).build(&program);
            errors.extend(built.diagnostics.into_vec());
            tolerate_old_octals(&mut errors, &built.semantic, terms);
            mend.extend(functions_in_if(&errors, &built.semantic, terms));
            let found = checks::all(&built.semantic, Source { text, terms, mends });
            problems.extend(found.into_iter().take(FAULTS_MAX));
        }
    }
    mend.extend(errors.iter().find_map(|error| Mend::of(error, text, terms)));
    problems.extend(errors.iter().take(FAULTS_MAX).map(|error| hints::one(error, text, terms.rule)));
    problems
        .extend(irregular_whitespaces.iter().filter_map(|span| checks::not_white_space(*span, text)).take(FAULTS_MAX));
    if panicked && problems.is_empty() {
        problems.push(Problem::whole(terms.rule, "the parser gave up without a reason"));
    }
    match problems.is_empty() {
        true => Ok(Accepted { has_module_syntax: module_record.has_module_syntax }),
        false => Err(Refused { problems, mends: mend }),
    }
}

/// What nests deeper than V8 reads.
fn too_deep(span: Span) -> Problem {
    let range = checks::bytes(span);
    let message = "this nests deeper than the stack of V8 allows";
    Problem::new("nesting-too-deep", message, range.start..range.end.min(range.start + 40))
        .hint("split the code into smaller parts")
}

/// Errors of the parser, with a tree nonetheless, that are none for V8. What of them V8 minds is found in the tree.
fn tolerated(error: &OxcDiagnostic, terms: Terms) -> bool {
    terms.goal.is_javascript()
        && terms.node >= NodeVersion::Node24
        && error.message.starts_with("Cannot use new with dynamic import")
}

/// Up to Node 22, V8 looks for octal literals and escapes in each strict *function* and in the program, and so misses those
/// between the methods of a class in sloppy code: names, heritage, initializers, static blocks.
fn tolerate_old_octals(errors: &mut Vec<OxcDiagnostic>, semantic: &Semantic<'_>, terms: Terms) {
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

/// The functions that are bodies of an `if`, if one may be why a name is declared twice.
fn functions_in_if(errors: &[OxcDiagnostic], semantic: &Semantic<'_>, terms: Terms) -> Vec<Mend> {
    let twice = errors.iter().any(|error| error.message.contains("has already been declared"));
    if !twice || !terms.goal.is_javascript() || terms.goal.is_module() {
        return Vec::new();
    }
    let nodes = semantic.nodes();
    let bodies = nodes.iter().filter_map(|node| {
        let AstKind::Function(function) = node.kind() else { return None };
        let parent = nodes.parent_node(node.id());
        let sloppy = !semantic.scoping().scope_flags(parent.scope_id()).is_strict_mode();
        (sloppy && matches!(parent.kind(), AstKind::IfStatement(_))).then(|| checks::bytes(function.span))
    });
    bodies.flat_map(|range| Mend::expression(&range)).collect()
}
