//! What V8 refuses and oxc lets pass, found in one walk over the nodes: TypeScript in plain JavaScript, syntax that the
//! judged version of Node does not have yet or has no more, and some early errors.
//!
//! Each check is one small function, and each has its examples in the table of `tests/it/parse_javascript.rs`.

use oxc_ast::AstKind;
use oxc_ast::ast::{
    AssignmentOperator, BindingPattern, Expression, ForStatementLeft, ImportDeclaration, ImportPhase, MethodDefinition,
    MethodDefinitionType, PropertyDefinition, VariableDeclarationKind, WithClause, WithClauseKeyword,
};
use oxc_semantic::{AstNode, AstNodes, Scoping, Semantic, SymbolFlags};
use oxc_span::{GetSpan as _, Span};

use super::early::METHOD_MODIFIERS;
use super::engine::Terms;
use super::goal::Goal;
use super::jumps::Jumps;
use super::mend::Mends;
use super::survey::WRAPPER_NAMES;
use super::{RULE, regex, watch};
use crate::language::NodeVersion;
use crate::passes::parse::problem::Problem;

/// A range of oxc's as one of bytes.
pub(super) fn bytes(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}

/// What the checks look at besides the nodes.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) text: &'s str,
    pub(super) terms: Terms,
    pub(super) mends: &'s Mends,
}

impl Source<'_> {
    pub(super) fn problem(&self, span: Span, message: impl Into<String>) -> Problem {
        let start = span.start as usize;
        Problem::new(self.terms.rule, message, start..bytes(span).end.min(start + 40))
    }

    /// A fault of what is JavaScript, but not that of the judged version.
    fn since(&self, span: Span, what: &str, first: Option<NodeVersion>) -> Problem {
        match first {
            Some(first) => self
                .problem(span, format!("{what} is not supported by Node {}", self.terms.node))
                .hint(format!("it needs Node {first}")),
            None => self.problem(span, format!("{what} is not supported by any version of Node")),
        }
    }
}

/// Every fault that the checks find in a tree.
pub(super) fn all(semantic: &Semantic<'_>, source: Source<'_>, mut jumps: Jumps) -> Vec<Problem> {
    let nodes = semantic.nodes();
    let mut problems = wrapper_names(semantic.scoping(), source.terms);
    let javascript = source.terms.goal.is_javascript();
    for node in nodes.iter() {
        let found = match node.kind() {
            AstKind::RegExpLiteral(literal) => {
                regex::fault(literal, source.terms).map(|message| source.problem(literal.span, message))
            }
            AstKind::ComputedMemberExpression(member) => {
                let is_mended = source.mends.element_ends_at(member.span.end as usize);
                (is_mended && !is_call_target(nodes, node, &member.object))
                    .then(|| source.problem(member.span, "this cannot be assigned to"))
            }
            kind if javascript => of_javascript(kind, semantic, node, source),
            _ => None,
        };
        problems.extend(found);
        problems.extend(jumps.visit(nodes, node, source));
    }
    problems
}

fn of_javascript(
    kind: AstKind<'_>,
    semantic: &Semantic<'_>,
    node: &AstNode<'_>,
    source: Source<'_>,
) -> Option<Problem> {
    let nodes = semantic.nodes();
    match kind {
        AstKind::PropertyDefinition(field) => typescript_field(field, source),
        AstKind::MethodDefinition(method) => typescript_method(method, source),
        AstKind::Decorator(decorator) => Some(source.since(decorator.span(), "a decorator", None)),
        AstKind::AccessorProperty(accessor) => Some(source.since(accessor.span(), "an auto-accessor", None)),
        AstKind::UnaryExpression(unary) => html_comment_in_module(unary.span, source),
        AstKind::VariableDeclaration(declaration) if declaration.kind.is_using() => {
            using(declaration.span, declaration.kind, nodes, node, source)
        }
        AstKind::ImportDeclaration(import) => import_phase(import, source),
        AstKind::WithClause(clause) => import_assertion(clause, source),
        AstKind::ImportExpression(import) => dynamic_phase(import.span, import.phase, import.options.is_some(), source),
        AstKind::LogicalExpression(logical) => watch::mixes_coalescing(logical)
            .then(|| source.problem(logical.span, "`??` cannot be mixed with `||` or `&&` without brackets")),
        AstKind::ForInStatement(statement) => strict_target(&statement.left, semantic, node, source),
        AstKind::ForOfStatement(statement) => strict_target(&statement.left, semantic, node, source),
        AstKind::IdentifierReference(name) if name.name == "await" => static_await(name.span, semantic, node, source),
        AstKind::BindingIdentifier(name) if name.name == "await" => static_await(name.span, semantic, node, source),
        AstKind::CatchParameter(parameter) => let_in_catch_pattern(&parameter.pattern, source),
        AstKind::NewExpression(new) => matches!(new.callee, Expression::ImportExpression(_))
            .then(|| source.problem(new.span, "cannot use new with import")),
        _ => None,
    }
}

/// `class A { readonly x }`, `class A { x? }`.
fn typescript_field(field: &PropertyDefinition<'_>, source: Source<'_>) -> Option<Problem> {
    let typed = field.declare
        || field.r#override
        || field.optional
        || field.definite
        || field.readonly
        || field.accessibility.is_some()
        || has_foreign_modifier(field.span, field.key.span(), &["static"], source.text);
    typed.then(|| source.problem(field.span, "a class field with a TypeScript modifier is not JavaScript"))
}

/// `class A { private m() {} }`, `class A { m?() {} }`.
fn typescript_method(method: &MethodDefinition<'_>, source: Source<'_>) -> Option<Problem> {
    let typed = method.r#override
        || method.optional
        || method.r#type == MethodDefinitionType::TSAbstractMethodDefinition
        || method.accessibility.is_some()
        || has_foreign_modifier(method.span, method.key.span(), METHOD_MODIFIERS, source.text);
    typed.then(|| source.problem(method.span, "a method with a TypeScript modifier is not JavaScript"))
}

/// Whether a word stands before the name of a class member that JavaScript does not have there: `accessor *x() {}`.
pub(super) fn has_foreign_modifier(member: Span, key: Span, known: &[&str], text: &str) -> bool {
    if member.start == key.start {
        return false;
    }
    let Some(before) = text.get(member.start as usize..key.start as usize) else { return false };
    let mut rest = before;
    // Only the words count that stand before a comment or a computed name.
    if let Some(end) = rest.find(['/', '[']) {
        rest = &rest[..end];
    }
    !rest.split(|char: char| !char.is_alphanumeric()).all(|word| word.is_empty() || known.contains(&word))
}

/// `<!--` is a comment in a script and never allowed in a module, where oxc reads it as `< !--`.
fn html_comment_in_module(unary: Span, source: Source<'_>) -> Option<Problem> {
    if !source.terms.goal.is_module() {
        return None;
    }
    let at = unary.start.checked_sub(1)?;
    is_html_comment(unary, source.text)
        .then(|| source.problem(Span::new(at, at + 4), "HTML comments are not allowed in modules"))
}

/// Whether `!--x` is what follows the angle bracket of `<!--x`.
pub(super) fn is_html_comment(unary: Span, text: &str) -> bool {
    unary.start > 0 && text.get(unary.start as usize - 1..).is_some_and(|rest| rest.starts_with("<!--"))
}

/// `using x = y`, which V8 has from Node 24 on; `await using` only where `await` is an operator.
fn using(
    span: Span,
    kind: VariableDeclarationKind,
    nodes: &AstNodes<'_>,
    node: &AstNode<'_>,
    source: Source<'_>,
) -> Option<Problem> {
    if source.terms.node < NodeVersion::Node24 {
        return Some(source.since(span, "a `using` declaration", Some(NodeVersion::Node24)));
    }
    if kind != VariableDeclarationKind::AwaitUsing {
        return None;
    }
    let around = nodes.ancestor_kinds(node.id()).find_map(|kind| match kind {
        AstKind::Function(function) => Some(function.r#async),
        AstKind::ArrowFunctionExpression(function) => Some(function.r#async),
        AstKind::StaticBlock(_) | AstKind::PropertyDefinition(_) => Some(false),
        _ => None,
    });
    let allowed = around.unwrap_or(source.terms.goal.is_module());
    (!allowed).then(|| source.problem(span, "`await using` is only valid in async functions and at the top of modules"))
}

/// `import defer * as x from "y"` is in no V8; `import source x from "y"` from Node 24 on, without attributes.
fn import_phase(import: &ImportDeclaration<'_>, source: Source<'_>) -> Option<Problem> {
    let fault = phase(import.span, import.phase, source);
    let with_clause = import.with_clause.as_ref();
    match import.phase {
        Some(ImportPhase::Source) if fault.is_none() => {
            let text = source.text.get(bytes(import.span)).unwrap_or_default();
            let escaped = text.trim_start_matches("import").trim_start().split(char::is_whitespace).next();
            let attributes = with_clause.map(|clause| clause.span);
            let at = attributes.or_else(|| escaped.is_some_and(|word| word.contains('\\')).then_some(import.span))?;
            Some(source.problem(at, "this is not allowed in a source phase import"))
        }
        _ => fault,
    }
}

/// `import.source(x)` and `import.defer(x)`, as in [`import_phase`].
fn dynamic_phase(span: Span, phase_: Option<ImportPhase>, has_options: bool, source: Source<'_>) -> Option<Problem> {
    let options = || source.problem(span, "a source phase import takes one argument");
    phase(span, phase_, source).or_else(|| (phase_.is_some() && has_options).then(options))
}

fn phase(span: Span, phase: Option<ImportPhase>, source: Source<'_>) -> Option<Problem> {
    match phase? {
        ImportPhase::Defer => Some(source.since(span, "a deferred import", None)),
        ImportPhase::Source => (source.terms.node < NodeVersion::Node24)
            .then(|| source.since(span, "a source phase import", Some(NodeVersion::Node24))),
    }
}

/// `assert { type: "json" }`, which V8 had up to Node 20.
fn import_assertion(clause: &WithClause<'_>, source: Source<'_>) -> Option<Problem> {
    let unknown = clause.keyword == WithClauseKeyword::Assert && source.terms.node > NodeVersion::Node20;
    unknown.then(|| {
        source
            .problem(clause.span, format!("`assert` after an import is not supported by Node {}", source.terms.node))
            .hint("write `with` for `assert`")
    })
}

/// `for (eval of x)` in strict code.
fn strict_target(
    left: &ForStatementLeft<'_>,
    semantic: &Semantic<'_>,
    node: &AstNode<'_>,
    source: Source<'_>,
) -> Option<Problem> {
    let ForStatementLeft::AssignmentTargetIdentifier(name) = left else { return None };
    let strict = semantic.scoping().scope_flags(node.scope_id()).is_strict_mode();
    let special = matches!(name.name.as_str(), "eval" | "arguments");
    (strict && special).then(|| source.problem(name.span, format!("cannot assign to '{}' in strict mode", name.name)))
}

/// `class A { static x = await }`: V8 runs static initializers in a function in which `await` is no name; the bodies of
/// arrow functions are read apart.
fn static_await(span: Span, semantic: &Semantic<'_>, node: &AstNode<'_>, source: Source<'_>) -> Option<Problem> {
    let nodes = semantic.nodes();
    let inner = nodes.ancestors(node.id()).find(|around| match around.kind() {
        AstKind::Function(function) => {
            function.id.as_ref().is_none_or(|name| name.span != span) || function.is_expression()
        }
        AstKind::ArrowFunctionExpression(arrow) => within(span, arrow.body.span()),
        AstKind::StaticBlock(_) => true,
        AstKind::PropertyDefinition(field) => !within(span, field.key.span()),
        _ => false,
    })?;
    match inner.kind() {
        AstKind::PropertyDefinition(field) if field.r#static => Some(source.problem(span, "unexpected reserved word")),
        _ => None,
    }
}

fn within(inner: Span, outer: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// `try {} catch ([let]) {}`: V8 takes `let` as the name of what is caught, but not within a pattern.
fn let_in_catch_pattern(pattern: &BindingPattern<'_>, source: Source<'_>) -> Option<Problem> {
    if !pattern.is_destructuring_pattern() {
        return None;
    }
    let names = pattern.get_binding_identifiers();
    let name = names.into_iter().find(|identifier| identifier.name == "let")?;
    Some(source.problem(name.span, "`let` cannot be declared here"))
}

/// `const require = …` at the top of a CommonJS file.
fn wrapper_names(scoping: &Scoping, terms: Terms) -> Vec<Problem> {
    if terms.goal != Goal::COMMONJS {
        return Vec::new();
    }
    let lexical = SymbolFlags::BlockScopedVariable | SymbolFlags::ConstVariable | SymbolFlags::Class;
    let bindings = scoping.get_bindings(scoping.root_scope_id()).iter();
    let mut again: Vec<_> = bindings
        .filter(|(name, symbol)| {
            scoping.symbol_flags(**symbol).intersects(lexical) && WRAPPER_NAMES.contains(&name.as_str())
        })
        .map(|(name, symbol)| (scoping.symbol_span(*symbol), name.as_str()))
        .collect();
    again.sort_by_key(|(span, _)| span.start);
    let problem = |(span, name): (Span, &str)| {
        Problem::new(terms.rule, format!("identifier `{name}` has already been declared"), bytes(span))
            .hint("Node gives every CommonJS file a variable of this name; choose another")
    };
    again.into_iter().map(problem).collect()
}

/// Whether the element that a mend made of a call stands where V8 allows a call as a target: as the whole of it, not in a
/// destructuring pattern.
fn is_call_target(nodes: &AstNodes<'_>, node: &AstNode<'_>, object: &Expression<'_>) -> bool {
    let Expression::CallExpression(call) = object else { return false };
    let logical = |operator: AssignmentOperator| operator.is_logical();
    let whole = match nodes.parent_kind(node.id()) {
        AstKind::AssignmentExpression(assignment) => !logical(assignment.operator),
        AstKind::UpdateExpression(_) | AstKind::ForInStatement(_) | AstKind::ForOfStatement(_) => true,
        _ => false,
    };
    whole && !call.optional
}

/// Zero-width space and next-line, which oxc takes for white space and V8 does not.
pub(super) fn not_white_space(span: Span, text: &str) -> Option<Problem> {
    let found = text.get(bytes(span))?.chars().find(|char| matches!(char, '\u{200b}' | '\u{85}'))?;
    let message = format!("invalid character U+{:04X}", u32::from(found));
    Some(Problem::new(RULE, message, bytes(span)).hint("delete the invisible character"))
}
