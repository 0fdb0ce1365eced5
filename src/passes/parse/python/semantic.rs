//! What the grammar allows and CPython's compiler does not: `return` outside a function, `nonlocal` without a binding,
//! `await` in a plain function, ….
//!
//! Most of it is decided by `ruff_python_parser`'s [`SemanticSyntaxChecker`], which asks about scopes; this module walks
//! the tree, keeps the scopes and answers. What the checker leaves out is in [`checks`](super::checks).

use std::cell::RefCell;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, ExceptHandler, Expr, PythonVersion, Stmt};
use ruff_python_parser::semantic_errors::{
    LazyImportContext, SemanticSyntaxChecker, SemanticSyntaxContext, SemanticSyntaxError,
};
use ruff_text_size::{Ranged, TextRange};

use super::scope::{Kind, Scope, bound_name, captured_name};
use super::{Form, checks};
use crate::passes::parse::problem::{Problem, fragment};

/// The semantic faults of the statements that are compiled together.
pub(super) fn check(body: &[Stmt], text: &str, version: PythonVersion, form: Form) -> Vec<Problem> {
    let ends = body.first().zip(body.last()).map(|(first, last)| TextRange::new(first.start(), last.end()));
    let written = ends.map_or("", |range| &text[super::bytes(range)]);
    let mut walker = Walker {
        checker: SemanticSyntaxChecker::new(),
        context: Context {
            text,
            version,
            scopes: vec![Scope::new(Kind::Module)],
            declares: written.contains("global") || written.contains("nonlocal"),
            annotations_deferred: form == Form::Stub,
            is_cell: form == Form::Cell,
            in_try: 0,
            errors: RefCell::default(),
        },
        problems: Vec::new(),
        depth: 0,
        fields: 0,
        depth_max: checks::expression_depth_max(version),
        is_too_deep: false,
    };
    if walker.context.declares {
        let scope = Scope::new(Kind::Module).with_body(body);
        walker.context.scopes = vec![scope];
    }
    walker.visit_body(body);
    let errors = walker.context.errors.into_inner();
    let semantic = errors.into_iter().map(|error| {
        let range = error.range();
        Problem::new(super::RULE, fragment(&error.to_string()), super::bytes(range))
    });
    walker.problems.into_iter().chain(semantic).collect()
}

/// What the checker asks about.
struct Context<'a> {
    text: &'a str,
    version: PythonVersion,
    scopes: Vec<Scope<'a>>,
    /// Whether the file holds a `global` or `nonlocal` at all; without one, bindings need not be collected.
    declares: bool,
    annotations_deferred: bool,
    is_cell: bool,
    in_try: u32,
    errors: RefCell<Vec<SemanticSyntaxError>>,
}

impl<'a> Context<'a> {
    fn scope(&self) -> &Scope<'a> {
        self.scopes.last().expect("the module's scope is never left")
    }

    fn scope_mut(&mut self) -> &mut Scope<'a> {
        self.scopes.last_mut().expect("the module's scope is never left")
    }

    /// The kinds of the scopes around the place, innermost first.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.scopes.iter().rev().map(|scope| scope.kind)
    }
}

impl SemanticSyntaxContext for Context<'_> {
    fn future_annotations_or_stub(&self) -> bool {
        self.annotations_deferred
    }

    fn lazy_import_context(&self) -> Option<LazyImportContext> {
        match self.scope().kind {
            Kind::Function { .. } | Kind::Lambda => Some(LazyImportContext::Function),
            Kind::Class => Some(LazyImportContext::Class),
            _ if self.in_try > 0 => Some(LazyImportContext::TryExceptBlocks),
            _ => None,
        }
    }

    fn python_version(&self) -> PythonVersion {
        self.version
    }

    fn source(&self) -> &str {
        self.text
    }

    fn global(&self, name: &str) -> Option<TextRange> {
        self.scope().globals.get(name).copied()
    }

    fn has_nonlocal_binding(&self, name: &str) -> bool {
        let mut outer = self.scopes.iter().rev().skip(1);
        outer.any(|scope| match scope.kind {
            Kind::Function { .. } | Kind::Lambda => {
                let own = scope.parameters.contains(name) || scope.bindings.contains(name);
                (own && !scope.globals.contains_key(name)) || scope.nonlocals.contains(name)
            }
            Kind::Class => name == "__class__",
            Kind::Module | Kind::Comprehension { .. } => false,
        })
    }

    fn in_async_context(&self) -> bool {
        let decides = |kind| match kind {
            Kind::Function { is_async } => Some(is_async),
            Kind::Class | Kind::Lambda | Kind::Module => Some(false),
            Kind::Comprehension { .. } => None,
        };
        self.kinds().find_map(decides).unwrap_or(false)
    }

    fn in_await_allowed_context(&self) -> bool {
        let decides = |kind| match kind {
            Kind::Function { .. } | Kind::Lambda | Kind::Comprehension { .. } => true,
            Kind::Class | Kind::Module => false,
        };
        self.kinds().next().is_some_and(decides)
    }

    fn in_yield_allowed_context(&self) -> bool {
        matches!(self.scope().kind, Kind::Function { .. } | Kind::Lambda)
    }

    fn in_sync_comprehension(&self) -> bool {
        let mut comprehensions = self.kinds().take_while(|kind| matches!(kind, Kind::Comprehension { .. }));
        comprehensions.any(|kind| kind == Kind::Comprehension { is_async: false, is_generator: false })
    }

    fn in_class_body_comprehension(&self) -> bool {
        self.kinds().find(|kind| !matches!(kind, Kind::Comprehension { .. })) == Some(Kind::Class)
    }

    fn in_module_scope(&self) -> bool {
        self.scope().kind == Kind::Module
    }

    fn in_function_scope(&self) -> bool {
        matches!(self.scope().kind, Kind::Function { .. })
    }

    fn in_generator_context(&self) -> bool {
        let mut comprehensions = self.kinds().take_while(|kind| matches!(kind, Kind::Comprehension { .. }));
        comprehensions.any(|kind| matches!(kind, Kind::Comprehension { is_generator: true, .. }))
    }

    fn in_notebook(&self) -> bool {
        self.is_cell
    }

    fn report_semantic_error(&self, error: SemanticSyntaxError) {
        self.errors.borrow_mut().push(error);
    }

    fn in_loop_context(&self) -> bool {
        self.scope().loops > 0
    }

    fn is_bound_parameter(&self, name: &str) -> bool {
        self.scope().parameters.contains(name)
    }
}

struct Walker<'a> {
    checker: SemanticSyntaxChecker,
    context: Context<'a>,
    problems: Vec<Problem>,
    /// Expressions around the place where the walk is, and how many there may be.
    depth: u32,
    depth_max: u32,
    is_too_deep: bool,
    /// Replacement fields of one f-string around the place where the walk is.
    fields: u32,
}

impl<'a> Walker<'a> {
    fn report(&mut self, message: impl Into<String>, range: TextRange) {
        self.problems.push(Problem::new(super::RULE, message, super::bytes(range)));
    }

    fn within(&mut self, scope: Scope<'a>, walk: impl FnOnce(&mut Self)) {
        self.context.scopes.push(scope);
        walk(self);
        self.context.scopes.pop();
    }

    fn function(&mut self, function: &'a ast::StmtFunctionDef) {
        for decorator in &function.decorator_list {
            self.visit_decorator(decorator);
        }
        if let Some(parameters) = &function.type_params {
            self.visit_type_params(parameters);
        }
        self.visit_parameters(&function.parameters);
        if let Some(returns) = &function.returns {
            self.visit_annotation(returns);
        }
        let scope =
            Scope::new(Kind::Function { is_async: function.is_async }).with_parameters(Some(&function.parameters));
        let scope = if self.context.declares { scope.with_body(&function.body) } else { scope };
        self.within(scope, |walker| walker.visit_body(&function.body));
    }

    fn class(&mut self, class: &'a ast::StmtClassDef) {
        for decorator in &class.decorator_list {
            self.visit_decorator(decorator);
        }
        if let Some(parameters) = &class.type_params {
            self.visit_type_params(parameters);
        }
        if let Some(arguments) = &class.arguments {
            self.visit_arguments(arguments);
        }
        let scope = Scope::new(Kind::Class);
        let scope = if self.context.declares { scope.with_body(&class.body) } else { scope };
        self.within(scope, |walker| walker.visit_body(&class.body));
    }

    fn comprehension(&mut self, generators: &'a [ast::Comprehension], parts: &[&'a Expr], is_generator: bool) {
        let Some((first, others)) = generators.split_first() else { return };
        // The first iterable is evaluated outside the comprehension.
        self.visit_expr(&first.iter);
        let is_async = generators.iter().any(|generator| generator.is_async);
        self.within(Scope::new(Kind::Comprehension { is_async, is_generator }), |walker| {
            walker.visit_expr(&first.target);
            for test in &first.ifs {
                walker.visit_expr(test);
            }
            for generator in others {
                walker.visit_comprehension(generator);
            }
            for part in parts {
                walker.visit_expr(part);
            }
        });
    }

    /// Walks blocks that are inside a loop, or not.
    fn looped(&mut self, body: &'a [Stmt]) {
        self.context.scope_mut().loops += 1;
        self.block(body);
        self.context.scope_mut().loops -= 1;
    }

    /// Walks a block that counts for CPython's limit of nested blocks.
    fn block(&mut self, body: &'a [Stmt]) {
        self.context.scope_mut().blocks += 1;
        let limit = checks::blocks_max(self.context.version);
        if self.context.scope().blocks == limit + 1
            && let Some(first) = body.first()
        {
            self.report("too many statically nested blocks", first.range());
        }
        self.visit_body(body);
        self.context.scope_mut().blocks -= 1;
    }

    fn try_statement(&mut self, statement: &'a ast::StmtTry) {
        self.context.in_try += 1;
        let has_finally = !statement.finalbody.is_empty();
        self.context.scope_mut().blocks += u32::from(has_finally && !statement.handlers.is_empty());
        self.block(&statement.body);
        for handler in &statement.handlers {
            self.handler(handler, statement.is_star);
        }
        self.visit_body(&statement.orelse);
        self.context.scope_mut().blocks -= u32::from(has_finally && !statement.handlers.is_empty());
        self.visit_body(&statement.finalbody);
        self.context.in_try -= 1;
        self.problems.extend(checks::default_except_is_last(statement));
    }

    fn handler(&mut self, handler: &'a ExceptHandler, is_star: bool) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        if let Some(class) = &inner.type_ {
            self.visit_expr(class);
        }
        if let Some(name) = &inner.name {
            self.binds(name.as_str());
        }
        let scope = self.context.scope_mut();
        let outer = scope.except_star;
        if is_star {
            scope.except_star = Some(scope.loops);
        }
        self.visit_body(&inner.body);
        self.context.scope_mut().except_star = outer;
    }

    /// `break`, `continue` and `return` may not leave an `except*` block.
    fn leaves(&mut self, range: TextRange, is_return: bool) {
        let scope = self.context.scope();
        let leaves = scope.except_star.is_some_and(|loops| is_return || scope.loops == loops);
        if leaves {
            self.report("'break', 'continue' and 'return' cannot appear in an 'except*' block", range);
        }
    }

    fn binds(&mut self, name: &'a str) {
        if self.context.declares {
            self.context.scope_mut().seen.insert(name, true);
        }
    }

    /// A name may not be used before the `global` or `nonlocal` that declares it.
    fn declares(&mut self, names: &'a [ast::Identifier], keyword: &str) {
        for name in names {
            let scope = self.context.scope();
            let seen = scope.seen.get(name.as_str()).copied();
            let both = scope.nonlocals.contains(name.as_str()) && scope.globals.contains_key(name.as_str());
            // The checker itself reports uses in expressions before `global`.
            if seen.is_some_and(|by_statement| by_statement || keyword == "nonlocal") {
                self.report(format!("name '{name}' is used prior to {keyword} declaration"), name.range());
            } else if both && keyword == "nonlocal" {
                self.report(format!("name '{name}' is nonlocal and global"), name.range());
            }
        }
    }

    /// What a statement binds by itself, and what the own checks say of it.
    fn own_checks(&mut self, stmt: &'a Stmt) {
        self.problems.extend(checks::statement(stmt));
        match stmt {
            Stmt::FunctionDef(function) => self.binds(function.name.as_str()),
            Stmt::ClassDef(class) => self.binds(class.name.as_str()),
            Stmt::Global(global) => self.declares(&global.names, "global"),
            Stmt::Nonlocal(nonlocal) => self.declares(&nonlocal.names, "nonlocal"),
            Stmt::Break(stmt) => self.leaves(stmt.range, false),
            Stmt::Continue(stmt) => self.leaves(stmt.range, false),
            Stmt::Return(stmt) => self.leaves(stmt.range, true),
            Stmt::ImportFrom(import) => self.context.annotations_deferred |= checks::defers_annotations(import),
            Stmt::AnnAssign(assign) => {
                let scope = self.context.scope();
                if let Expr::Name(name) = &*assign.target
                    && scope.nonlocals.contains(name.id.as_str())
                {
                    self.report(format!("annotated name '{}' can't be nonlocal", name.id), name.range);
                }
            }
            _ => {}
        }
    }
}

impl<'a> Visitor<'a> for Walker<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.checker.visit_stmt(stmt, &self.context);
        self.own_checks(stmt);
        match stmt {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::For(stmt) => {
                self.visit_expr(&stmt.iter);
                self.visit_expr(&stmt.target);
                self.looped(&stmt.body);
                self.visit_body(&stmt.orelse);
            }
            Stmt::While(stmt) => {
                self.visit_expr(&stmt.test);
                self.looped(&stmt.body);
                self.visit_body(&stmt.orelse);
            }
            Stmt::With(stmt) => {
                for item in &stmt.items {
                    self.visit_with_item(item);
                }
                self.block(&stmt.body);
            }
            Stmt::Try(stmt) => self.try_statement(stmt),
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if self.depth >= self.depth_max {
            self.too_deep(expr.range());
            return;
        }
        self.depth += 1;
        self.checker.visit_expr(expr, &self.context);
        self.problems.extend(checks::expression(expr, self.context.text));
        self.descend(expr);
        self.depth -= 1;
    }

    fn visit_interpolated_string_element(&mut self, element: &'a ast::InterpolatedStringElement) {
        let ast::InterpolatedStringElement::Interpolation(field) = element else { return };
        let depth = self.fields + 1;
        self.problems.extend(checks::field(field, depth, self.context.version));
        self.fields = 0;
        self.visit_expr(&field.expression);
        self.fields = depth;
        for inner in field.format_spec.iter().flat_map(|spec| spec.elements.iter()) {
            self.visit_interpolated_string_element(inner);
        }
        self.fields = depth - 1;
    }

    fn visit_alias(&mut self, alias: &'a ast::Alias) {
        self.binds(bound_name(alias));
    }

    fn visit_pattern(&mut self, pattern: &'a ast::Pattern) {
        if let Some((name, _)) = captured_name(pattern) {
            self.binds(name);
        }
        self.problems.extend(checks::pattern(pattern));
        visitor::walk_pattern(self, pattern);
    }
}

impl<'a> Walker<'a> {
    /// Notes once that expressions nest too deep; what is deeper is not looked at.
    fn too_deep(&mut self, range: TextRange) {
        if !std::mem::replace(&mut self.is_too_deep, true) {
            let message = format!("more than {} expressions inside one another", self.depth_max);
            let problem = Problem::new("nesting-too-deep", message, super::bytes(range));
            self.problems.push(problem.hint("split the expression into several statements"));
        }
    }

    /// Walks what is inside an expression, in the scope that it opens.
    fn descend(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                if self.context.declares {
                    self.context.scope_mut().seen.entry(name.id.as_str()).or_insert(false);
                }
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
                let scope = Scope::new(Kind::Lambda).with_parameters(lambda.parameters.as_deref());
                self.within(scope, |walker| walker.visit_expr(&lambda.body));
            }
            Expr::ListComp(comp) => self.comprehension(&comp.generators, &[&comp.elt], false),
            Expr::SetComp(comp) => self.comprehension(&comp.generators, &[&comp.elt], false),
            Expr::Generator(comp) => self.comprehension(&comp.generators, &[&comp.elt], true),
            Expr::DictComp(comp) => {
                let parts: Vec<&Expr> = comp.key.as_deref().into_iter().chain([&*comp.value]).collect();
                self.comprehension(&comp.generators, &parts, false);
            }
            _ => visitor::walk_expr(self, expr),
        }
    }
}
