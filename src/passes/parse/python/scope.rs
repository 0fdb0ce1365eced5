//! The scopes of Python that the semantic checks ask about.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, Pattern, Stmt};
use ruff_text_size::{Ranged, TextRange};

/// What kind of scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Module,
    Class,
    Function { is_async: bool },
    Lambda,
    Comprehension { is_async: bool, is_generator: bool },
}

/// One scope, and what its own statements declare.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) kind: Kind,
    /// The parameters of a function or lambda.
    pub(super) parameters: HashSet<&'a str>,
    /// Names that a `global` statement of this scope declares, and where it stands.
    pub(super) globals: HashMap<&'a str, TextRange>,
    /// Names that a `nonlocal` statement of this scope declares.
    pub(super) nonlocals: HashSet<&'a str>,
    /// Names that this scope binds.
    pub(super) bindings: HashSet<&'a str>,
    /// Names used or bound so far, in the order of the source; `true` where something else than an expression did it.
    pub(super) seen: HashMap<&'a str, bool>,
    /// Loops around the place where the visitor is, within this scope.
    pub(super) loops: u32,
    /// In an `except*` block: how many loops were around it.
    pub(super) except_star: Option<u32>,
    /// Blocks around the place where the visitor is, as CPython's compiler counts them.
    pub(super) blocks: u32,
}

impl<'a> Scope<'a> {
    /// A scope without statements of its own.
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            parameters: HashSet::new(),
            globals: HashMap::new(),
            nonlocals: HashSet::new(),
            bindings: HashSet::new(),
            seen: HashMap::new(),
            loops: 0,
            except_star: None,
            blocks: 0,
        }
    }

    /// Adds the parameters of a function or lambda.
    pub(super) fn with_parameters(mut self, parameters: Option<&'a ast::Parameters>) -> Self {
        let names = parameters.into_iter().flat_map(|parameters| parameters.iter());
        self.parameters = names.map(|parameter| parameter.name().as_str()).collect();
        self
    }

    /// Adds what the statements of `body` declare and bind.
    pub(super) fn with_body(mut self, body: &'a [Stmt]) -> Self {
        Declarations { scope: &mut self, depth: 0 }.visit_body(body);
        self
    }
}

/// Collects the declarations and bindings of one scope; does not go into the scopes within it.
struct Declarations<'s, 'a> {
    scope: &'s mut Scope<'a>,
    /// Expressions around the place where the walk is.
    depth: u32,
}

/// How deep the collection goes into expressions; the semantic walk refuses what is deeper.
const DEPTH_MAX: u32 = 6_000;

impl<'a> Visitor<'a> for Declarations<'_, 'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let scope = &mut *self.scope;
        match stmt {
            Stmt::Global(global) => {
                for name in &global.names {
                    scope.globals.entry(name.as_str()).or_insert(global.range);
                }
            }
            Stmt::Nonlocal(nonlocal) => scope.nonlocals.extend(nonlocal.names.iter().map(ast::Identifier::as_str)),
            Stmt::FunctionDef(function) => {
                scope.bindings.insert(function.name.as_str());
                return;
            }
            Stmt::ClassDef(class) => {
                scope.bindings.insert(class.name.as_str());
                return;
            }
            _ => {}
        }
        visitor::walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if !name.ctx.is_load() => {
                self.scope.bindings.insert(name.id.as_str());
            }
            Expr::Lambda(_) => return,
            _ if self.depth >= DEPTH_MAX => return,
            _ => {}
        }
        self.depth += 1;
        visitor::walk_expr(self, expr);
        self.depth -= 1;
    }

    fn visit_comprehension(&mut self, comprehension: &'a ast::Comprehension) {
        // The target is bound in the comprehension's own scope.
        self.visit_expr(&comprehension.iter);
        for test in &comprehension.ifs {
            self.visit_expr(test);
        }
    }

    fn visit_alias(&mut self, alias: &'a ast::Alias) {
        self.scope.bindings.insert(bound_name(alias));
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(inner) = handler;
        self.scope.bindings.extend(inner.name.as_ref().map(ast::Identifier::as_str));
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        self.scope.bindings.extend(captured_name(pattern).map(|(name, _)| name));
        visitor::walk_pattern(self, pattern);
    }
}

/// The name that an import binds.
pub(super) fn bound_name(alias: &ast::Alias) -> &str {
    match &alias.asname {
        Some(name) => name.as_str(),
        None => alias.name.as_str().split('.').next().unwrap_or_default(),
    }
}

/// The name that a pattern itself captures.
pub(super) fn captured_name(pattern: &Pattern) -> Option<(&str, TextRange)> {
    let name = match pattern {
        Pattern::MatchAs(pattern) => pattern.name.as_ref(),
        Pattern::MatchStar(pattern) => pattern.name.as_ref(),
        Pattern::MatchMapping(pattern) => pattern.rest.as_ref(),
        _ => None,
    };
    name.map(|name| (name.as_str(), name.range()))
}
