//! Which declarations of one name cannot stand together, as V8 sees it.
//!
//! oxc reports some that can (`function f() {} { var f }`, a function in a block and a `let` outside of it) and misses a `var`
//! in a `catch` that meets a `let` beyond it. The rules are few: two lexical declarations of one scope conflict, and a
//! lexical declaration conflicts with every `var` within its scope that goes out past it.

use std::collections::{BTreeMap, HashMap, HashSet};

use oxc_ast::AstKind;
use oxc_ast::ast::BindingIdentifier;
use oxc_semantic::{AstNode, AstNodes, NodeId, ScopeId, Semantic};
use oxc_span::{GetSpan as _, Span};

/// Steps out of scopes that are made before oxc is taken at its word.
const STEPS_MAX: usize = 1_000_000;

/// One declaration of a name.
#[derive(Clone, Copy)]
struct Declaration<'a> {
    name: &'a str,
    span: Span,
    /// The scope it is declared in; for a `var`, the one that it is written in.
    scope: ScopeId,
    kind: Kind,
    /// Whether it is a parameter, which oxc alone compares with others.
    is_parameter: bool,
}

/// What there is to say about some names.
#[derive(Default)]
pub(super) struct Found<'a> {
    /// For each declaration that conflicts with another, the later of both.
    pub(super) conflicts: Vec<(Span, &'a str)>,
    /// Where the declarations of the names are, and whether each is a parameter.
    pub(super) declared: BTreeMap<u32, bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `var`, a parameter, or a function at the top of a function or script.
    Var,
    /// `let`, `const`, a class, an import.
    Lexical,
    /// A plain function in a block of sloppy code, which can stand there twice.
    BlockFunction,
    /// What is caught under one name.
    Caught,
    /// What is caught in a pattern, which no `var` may declare again.
    CaughtInPattern,
    /// A function that is the body of an `if`, which has a block of its own.
    Alone,
}

/// What is declared twice of `names`; `None` where there is too much to look at.
pub(super) fn find<'a>(semantic: &Semantic<'a>, names: &HashSet<&str>) -> Option<Found<'a>> {
    let nodes = semantic.nodes();
    let declarations: Vec<Declaration<'a>> = nodes
        .iter()
        .filter_map(|node| match node.kind() {
            AstKind::BindingIdentifier(name) if names.contains(name.name.as_str()) => declaration(semantic, node, name),
            _ => None,
        })
        .collect();
    let declared = declarations.iter().map(|found| (found.span.start, found.is_parameter)).collect();
    let mut found = Vec::new();
    let mut lexical: HashMap<(ScopeId, &str), Declaration<'a>> = HashMap::new();
    let mut caught: HashSet<(ScopeId, &str)> = HashSet::new();
    for declaration in declarations.iter().filter(|declaration| declaration.kind != Kind::Var) {
        let key = (declaration.scope, declaration.name);
        if matches!(declaration.kind, Kind::Caught | Kind::CaughtInPattern) {
            caught.insert(key);
        }
        if matches!(declaration.kind, Kind::Caught | Kind::Alone) {
            continue;
        }
        if let Some(before) = lexical.insert(key, *declaration) {
            let both_functions = [before.kind, declaration.kind] == [Kind::BlockFunction; 2];
            found.extend((!both_functions).then_some((declaration.span, declaration.name)));
        }
    }
    let mut steps = 0;
    for variable in declarations.iter().filter(|declaration| declaration.kind == Kind::Var) {
        for scope in semantic.scoping().scope_ancestors(variable.scope) {
            steps += 1;
            if steps > STEPS_MAX {
                return None;
            }
            if let Some(other) = lexical.get(&(scope, variable.name)) {
                let later = if other.span.start > variable.span.start { other.span } else { variable.span };
                found.push((later, variable.name));
            }
            if semantic.scoping().scope_flags(scope).is_var() {
                break;
            }
        }
    }
    // What is caught and a lexical declaration at the top of the block that catches it.
    for ((scope, name), declaration) in &lexical {
        let around = semantic.scoping().scope_parent_id(*scope).filter(|_| is_catch_body(semantic, declaration));
        if around.is_some_and(|scope| caught.contains(&(scope, *name))) {
            found.push((declaration.span, declaration.name));
        }
    }
    found.sort_by_key(|(span, _)| span.start);
    found.dedup();
    Some(Found { conflicts: found, declared })
}

/// The names that are caught under one name and that a `var` within may declare again.
pub(super) fn caught_names<'a>(nodes: &AstNodes<'a>) -> HashSet<&'a str> {
    let caught = nodes.iter().filter_map(|node| match node.kind() {
        AstKind::CatchParameter(parameter) => parameter.pattern.get_identifier_name(),
        _ => None,
    });
    caught.map(|name| name.as_str()).collect()
}

fn is_catch_body(semantic: &Semantic<'_>, declaration: &Declaration<'_>) -> bool {
    let nodes = semantic.nodes();
    let parent = semantic.scoping().get_node_id(declaration.scope);
    matches!(nodes.kind(parent), AstKind::BlockStatement(_))
        && matches!(nodes.parent_kind(parent), AstKind::CatchClause(_))
}

/// What `name` at `node` declares; `None` for names of expressions, which are bound nowhere around them.
fn declaration<'a>(
    semantic: &Semantic<'a>,
    node: &AstNode<'a>,
    name: &BindingIdentifier<'a>,
) -> Option<Declaration<'a>> {
    let nodes = semantic.nodes();
    let (id, kind) = binder(nodes, node.id())?;
    let scope = nodes.get_node(id).scope_id();
    let (scope, kind) = match kind {
        AstKind::VariableDeclaration(declaration) if declaration.kind.is_var() => (scope, Kind::Var),
        AstKind::VariableDeclaration(_) => (scope, Kind::Lexical),
        AstKind::Function(function) => {
            if !function.is_declaration() {
                return None;
            }
            if matches!(nodes.parent_kind(id), AstKind::IfStatement(_)) {
                return Some(Declaration {
                    name: name.name.as_str(),
                    span: name.span,
                    scope,
                    kind: Kind::Alone,
                    is_parameter: false,
                });
            }
            (scope, function_kind(semantic, scope, function.r#async || function.generator))
        }
        AstKind::Class(class) => {
            if !class.is_declaration() {
                return None;
            }
            (scope, Kind::Lexical)
        }
        // Parameters stand in the scope of the function, which is that of its body.
        AstKind::FormalParameter(_) | AstKind::FormalParameterRest(_) => (node.scope_id(), Kind::Var),
        AstKind::CatchParameter(parameter) if parameter.pattern.is_destructuring_pattern() => {
            (node.scope_id(), Kind::CaughtInPattern)
        }
        AstKind::CatchParameter(_) => (node.scope_id(), Kind::Caught),
        _ => (scope, Kind::Lexical),
    };
    let parent = nodes.kind(id);
    let is_parameter = matches!(parent, AstKind::FormalParameter(_) | AstKind::FormalParameterRest(_));
    Some(Declaration { name: name.name.as_str(), span: name.span, scope, kind, is_parameter })
}

/// How a function declaration binds its name in `scope`.
fn function_kind(semantic: &Semantic<'_>, scope: ScopeId, special: bool) -> Kind {
    let flags = semantic.scoping().scope_flags(scope);
    let is_module_top = scope == semantic.scoping().root_scope_id() && semantic.source_type().is_module();
    if flags.is_var() && !is_module_top {
        Kind::Var
    } else if special || flags.is_strict_mode() {
        Kind::Lexical
    } else {
        Kind::BlockFunction
    }
}

/// The node that declares the name at `id`, past the pattern around it.
fn binder<'a>(nodes: &AstNodes<'a>, id: NodeId) -> Option<(NodeId, AstKind<'a>)> {
    let span = nodes.kind(id).span();
    for at in nodes.ancestor_ids(id) {
        let kind = nodes.kind(at);
        match kind {
            AstKind::VariableDeclaration(_)
            | AstKind::FormalParameter(_)
            | AstKind::FormalParameterRest(_)
            | AstKind::CatchParameter(_)
            | AstKind::ImportSpecifier(_)
            | AstKind::ImportDefaultSpecifier(_)
            | AstKind::ImportNamespaceSpecifier(_) => return Some((at, kind)),
            AstKind::Function(function) => {
                let named = function.id.as_ref().is_some_and(|name| name.span == span);
                return named.then_some((at, kind));
            }
            AstKind::Class(class) => {
                let named = class.id.as_ref().is_some_and(|name| name.span == span);
                return named.then_some((at, kind));
            }
            AstKind::Program(_) => return None,
            _ => {}
        }
    }
    None
}
