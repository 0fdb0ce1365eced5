//! What the grammar allows and CPython does not: `return` outside a function, `nonlocal` without a binding, `await` in a
//! plain function, ….
//!
//! One walk over the tree applies the rules of CPython's symbol table and of its compiler, each as the target's version
//! has it. The compiler never sees annotations that are not evaluated, so its rules do not hold in them. Statements are
//! here; expressions are in [`expressions`](super::expressions).

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{self as ast, ExceptHandler, Expr, PythonVersion, Stmt};
use ruff_text_size::{Ranged, TextLen as _, TextRange};

use super::scope::{ANNOTATED, GLOBAL, IMPORTED, Kind, LOCAL, NONLOCAL, PARAMETER, Scopes, TYPE_PARAMETER, USED, Uses};
use super::survey::{Marks, Survey};
use super::{Form, checks, future, patterns, version};
use crate::passes::parse::Target;
use crate::passes::parse::problem::Problem;

/// The semantic faults of the statements that are compiled together.
pub(super) fn check<'a>(
    body: &'a [Stmt],
    text: &'a str,
    target: &'a Target,
    form: Form,
    survey: &'a Survey<'a>,
) -> Vec<Problem> {
    let version = super::python_version(target);
    let start = future::start(body, version);
    let mut walker = Walker {
        text,
        target,
        version,
        marks: &survey.marks,
        scopes: Scopes::new(&survey.watched, version),
        problems: Vec::new(),
        future_annotations: form == Form::Stub || future::asks_for(&body[..start], "annotations"),
        awaits_at_top: form == Form::Cell,
        futures_end: body.get(start.wrapping_sub(1)).map_or(0, |last| last.end().into()),
        compiled: true,
        depth: 0,
        fields: 0,
        strings: 0,
        depth_max: checks::expression_depth_max(version),
        is_too_deep: false,
    };
    walker.docstring(body);
    walker.visit_body(body);
    walker.leaves_asynchronous();
    let unresolved = walker.scopes.unresolved();
    walker.problems.extend(unresolved.into_iter().map(|(message, range)| checks::problem(message, range)));
    walker.problems
}

/// The walk. All fields that change are as they are for the place where it is.
pub(super) struct Walker<'a> {
    pub(super) text: &'a str,
    pub(super) target: &'a Target,
    pub(super) version: PythonVersion,
    /// Where expressions may be at fault; what has no mark in it is passed over.
    pub(super) marks: &'a Marks,
    pub(super) scopes: Scopes<'a>,
    pub(super) problems: Vec<Problem>,
    /// Whether annotations are kept as strings.
    pub(super) future_annotations: bool,
    /// Whether `await` may stand outside functions.
    pub(super) awaits_at_top: bool,
    /// Where the statements end behind which nothing can be imported from the future.
    futures_end: usize,
    /// Whether the compiler sees the place: not so in annotations that are never evaluated.
    pub(super) compiled: bool,
    /// Expressions around the place, and how many there may be.
    pub(super) depth: u32,
    pub(super) depth_max: u32,
    pub(super) is_too_deep: bool,
    /// Replacement fields of one f-string around the place.
    pub(super) fields: u32,
    /// F-strings inside one another around the place.
    pub(super) strings: u32,
}

impl<'a> Walker<'a> {
    pub(super) fn report(&mut self, message: impl Into<String>, range: TextRange) {
        self.problems.push(checks::problem(message, range));
    }

    /// Reports what only the compiler refuses.
    pub(super) fn report_compiled(&mut self, message: &'static str, range: TextRange) {
        if self.compiled {
            self.report(message, range);
        }
    }

    /// Reports what the target's version does not have yet.
    pub(super) fn report_newer(&mut self, what: &str, since: PythonVersion, range: TextRange) {
        if self.version < since {
            self.problems.push(version::newer(what, since, range, self.target));
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.scopes.block().kind
    }

    /// Walks a block within the current one.
    pub(super) fn within(&mut self, kind: Kind, walk: impl FnOnce(&mut Self)) {
        self.scopes.enter(kind);
        walk(self);
        self.scopes.leave();
    }

    /// Notes what is done with a name.
    pub(super) fn define(&mut self, name: &'a str, uses: Uses, range: TextRange) {
        if let Err((message, range)) = self.scopes.define(name, uses, range) {
            self.report(message, range);
        }
    }

    /// Notes that a name is bound, which `__debug__` may not be.
    pub(super) fn bind(&mut self, name: &'a ast::Identifier, uses: Uses) {
        self.forbids_debug(name.as_str(), name.range);
        self.define(name.as_str(), uses, name.range);
    }

    /// `__debug__` is never assigned to. From 3.14 on the symbol table says so, which sees all annotations.
    pub(super) fn forbids_debug(&mut self, name: &str, range: TextRange) {
        if name == "__debug__" && (self.compiled || self.version >= PythonVersion::PY314) {
            self.report("cannot assign to __debug__", range);
        }
    }

    /// From 3.13 on the indentation of docstrings is removed, which lone surrogates do not survive.
    fn docstring(&mut self, body: &[Stmt]) {
        let Some(Stmt::Expr(first)) = body.first() else { return };
        if let Expr::StringLiteral(string) = &*first.value
            && self.version >= PythonVersion::PY313
            && checks::has_surrogate(string, self.text)
        {
            self.report("a docstring cannot hold a lone surrogate", string.range);
        }
    }

    fn function(&mut self, function: &'a ast::StmtFunctionDef) {
        self.bind(&function.name, LOCAL);
        self.defaults(&function.parameters);
        for decorator in &function.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        let body = |walker: &mut Self| {
            walker.signature(&function.parameters, function.returns.as_deref());
            walker.within(Kind::Function { is_async: function.is_async }, |walker| {
                walker.parameters(&function.parameters);
                walker.docstring(&function.body);
                walker.visit_body(&function.body);
                walker.leaves_function();
            });
        };
        match &function.type_params {
            Some(parameters) => self.generic(parameters, body),
            None => body(self),
        }
    }

    /// What is known of a function only at its end.
    fn leaves_function(&mut self) {
        self.leaves_asynchronous();
        let block = self.scopes.block();
        let (is_coroutine, is_generator) = (block.is_coroutine, block.is_generator);
        let (returns, deepest) = (block.returns, block.deepest);
        if let Some(range) = returns.filter(|_| is_coroutine && is_generator) {
            self.report("'return' with value in async generator", range);
        }
        if let Some(range) = deepest.filter(|_| is_coroutine || is_generator) {
            self.report("too many statically nested blocks", range);
        }
    }

    fn class(&mut self, class: &'a ast::StmtClassDef) {
        self.bind(&class.name, LOCAL);
        for decorator in &class.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        let outer = self.scopes.class;
        let body = |walker: &mut Self| {
            if let Some(arguments) = &class.arguments {
                walker.visit_arguments(arguments);
            }
            walker.scopes.class = Some(class.name.as_str());
            walker.within(Kind::Class, |walker| {
                walker.docstring(&class.body);
                walker.visit_body(&class.body);
                walker.leaves_asynchronous();
            });
        };
        match &class.type_params {
            Some(parameters) => {
                self.scopes.class = Some(class.name.as_str());
                self.generic(parameters, body);
            }
            None => body(self),
        }
        self.scopes.class = outer;
    }

    /// Walks type parameters, and what they are parameters of.
    fn generic(&mut self, parameters: &'a ast::TypeParams, walk: impl FnOnce(&mut Self)) {
        let in_class = self.kind() == Kind::Class;
        self.problems.extend(checks::type_parameters(parameters));
        self.within(Kind::TypeParameters, |walker| {
            walker.scopes.block_mut().sees_class = in_class;
            for parameter in parameters.iter() {
                walker.type_parameter(parameter);
            }
            walk(walker);
        });
    }

    fn type_parameter(&mut self, parameter: &'a ast::TypeParam) {
        let name = parameter.name();
        // Later releases of 3.13 refuse it as 3.14 does.
        if name.as_str() == "__classdict__" && self.version >= PythonVersion::PY313 {
            self.report("reserved name '__classdict__' cannot be used for type parameter", name.range);
        }
        self.bind(name, LOCAL | TYPE_PARAMETER);
        let bound = match parameter {
            ast::TypeParam::TypeVar(parameter) => parameter.bound.as_deref(),
            _ => None,
        };
        let sees_class = self.scopes.block().sees_class;
        let is_tuple = matches!(parameter, ast::TypeParam::TypeVarTuple(_));
        if let Some(default) = checks::default_of(parameter) {
            self.report_newer("a default of a type parameter", PythonVersion::PY313, default.range());
        }
        for expr in bound.into_iter().chain(checks::default_of(parameter)) {
            self.within(Kind::TypeVariable, |walker| {
                walker.scopes.block_mut().sees_class = sees_class;
                if is_tuple { walker.element(expr) } else { walker.visit_expr(expr) }
            });
        }
    }

    fn alias(&mut self, alias: &'a ast::StmtTypeAlias) {
        self.visit_expr(&alias.name);
        let in_class = self.kind() == Kind::Class;
        let value = |walker: &mut Self| {
            walker.within(Kind::TypeAlias, |walker| {
                walker.scopes.block_mut().sees_class = in_class;
                walker.visit_expr(&alias.value);
            });
        };
        match &alias.type_params {
            Some(parameters) => self.generic(parameters, value),
            None => value(self),
        }
    }

    /// Walks blocks that are inside a loop.
    fn looped(&mut self, body: &'a [Stmt]) {
        self.scopes.block_mut().loops += 1;
        self.block(1, body);
        self.scopes.block_mut().loops -= 1;
    }

    /// Walks statements within so many more blocks, as CPython's compiler counts them.
    fn block(&mut self, levels: u32, body: &'a [Stmt]) {
        let limit = checks::blocks_max(self.version);
        // From 3.13 on generators and coroutines have one more block around all of their code.
        let has_spare = self.version >= PythonVersion::PY313;
        let range = body.first().map_or_else(TextRange::default, Ranged::range);
        let block = self.scopes.block_mut();
        let before = block.depth;
        block.depth += levels;
        if has_spare && block.depth == limit {
            block.deepest = block.deepest.or(Some(range));
        }
        if before <= limit && block.depth > limit {
            self.report("too many statically nested blocks", range);
        }
        self.visit_body(body);
        self.scopes.block_mut().depth = before;
    }

    fn with(&mut self, with: &'a ast::StmtWith) {
        if with.is_async {
            self.asynchronous("'async with' outside async function", with.range);
        }
        for item in &with.items {
            self.visit_expr(&item.context_expr);
            if let Some(target) = &item.optional_vars {
                self.visit_expr(target);
            }
        }
        self.block(u32::try_from(with.items.len()).unwrap_or(u32::MAX), &with.body);
    }

    /// `async for` and `async with` stand in asynchronous functions only.
    fn asynchronous(&mut self, message: &'static str, range: TextRange) {
        let at_top = self.awaits_at_top && self.kind() == Kind::Module;
        if self.kind() != (Kind::Function { is_async: true }) && !at_top {
            self.report(message, range);
        }
    }

    fn try_statement(&mut self, statement: &'a ast::StmtTry) {
        let has_finally = u32::from(!statement.finalbody.is_empty());
        let has_handlers = u32::from(!statement.handlers.is_empty());
        self.block(has_finally + has_handlers, &statement.body);
        for ExceptHandler::ExceptHandler(handler) in &statement.handlers {
            if let Some(class) = &handler.type_ {
                self.visit_expr(class);
            }
            if let Some(name) = &handler.name {
                self.bind(name, LOCAL);
            }
            let block = self.scopes.block_mut();
            let outer = block.except_star;
            if statement.is_star {
                block.except_star = Some(block.loops);
            }
            self.block(has_finally + 2, &handler.body);
            self.scopes.block_mut().except_star = outer;
        }
        self.block(has_finally, &statement.orelse);
        self.block(has_finally, &statement.finalbody);
        self.problems.extend(checks::default_except_is_last(statement));
    }

    /// `break`, `continue` and `return` may not leave an `except*` block.
    fn leaves_handler(&mut self, range: TextRange, is_return: bool) {
        let block = self.scopes.block();
        if block.except_star.is_some_and(|loops| is_return || block.loops == loops) {
            self.report("'break', 'continue' and 'return' cannot appear in an 'except*' block", range);
        }
    }

    fn break_or_continue(&mut self, message: &'static str, range: TextRange) {
        if self.scopes.block().loops == 0 {
            self.report(message, range);
        }
        self.leaves_handler(range, false);
    }

    fn return_statement(&mut self, statement: &'a ast::StmtReturn) {
        self.leaves_handler(statement.range, true);
        if !matches!(self.kind(), Kind::Function { .. }) {
            self.report("'return' outside function", statement.range);
        }
        if let Some(value) = &statement.value {
            self.visit_expr(value);
            self.scopes.block_mut().returns.get_or_insert(statement.range);
        }
    }

    /// A name may not be used before the `global` or `nonlocal` that declares it.
    fn declares(&mut self, names: &'a [ast::Identifier], uses: Uses, range: TextRange) {
        let keyword = if uses == GLOBAL { "global" } else { "nonlocal" };
        for name in names {
            let known = self.scopes.uses(name.as_str());
            let message = if known & PARAMETER != 0 {
                format!("name '{}' is parameter and {keyword}", name.id)
            } else if known & USED != 0 {
                format!("name '{}' is used prior to {keyword} declaration", name.id)
            } else if known & ANNOTATED != 0 {
                format!("annotated name '{}' can't be {keyword}", name.id)
            } else if known & LOCAL != 0 {
                format!("name '{}' is assigned to before {keyword} declaration", name.id)
            } else {
                self.define(name.as_str(), uses, range);
                continue;
            };
            self.report(message, range);
        }
    }

    fn import(&mut self, alias: &'a ast::Alias) {
        let bound = match &alias.asname {
            Some(name) => name.as_str(),
            None => alias.name.as_str().split('.').next().unwrap_or_default(),
        };
        self.forbids_debug(bound, alias.range);
        self.define(bound, IMPORTED, alias.range);
    }

    fn import_from(&mut self, import: &'a ast::StmtImportFrom) {
        if future::is_future(import, self.version) {
            let at_start = usize::from(import.range.end()) <= self.futures_end && self.kind() == Kind::Module;
            self.problems.extend(future::check(import, at_start));
        }
        for alias in &import.names {
            if alias.name.as_str() != "*" {
                self.import(alias);
            } else if self.kind() != Kind::Module {
                self.report("import * only allowed at module level", import.range);
            }
        }
    }

    fn annotated(&mut self, assign: &'a ast::StmtAnnAssign) {
        let evaluated = matches!(self.kind(), Kind::Module | Kind::Class);
        // From 3.14 on only the annotations of plain names are kept.
        let evaluated = evaluated && (assign.simple || self.version < PythonVersion::PY314);
        match &*assign.target {
            Expr::Name(name) => self.annotated_name(name, assign),
            target => {
                // Without a value nothing is stored, so that a slice is only evaluated.
                if let Expr::Subscript(subscript) = target
                    && let Expr::Tuple(tuple) = &*subscript.slice
                    && assign.value.is_none()
                    && let Some(starred) = tuple.elts.iter().find(|element| element.is_starred_expr())
                {
                    self.report("can't use starred expression here", starred.range());
                }
                if assign.start() == target.start() {
                    self.problems.extend(checks::target_behind_brackets(target));
                }
                self.visit_expr(target);
            }
        }
        // Only 3.9 evaluates those of anything but plain names where annotations are strings.
        let always = evaluated && !assign.simple && self.version < PythonVersion::PY310;
        self.annotation(&assign.annotation, evaluated, always);
        if let Some(value) = &assign.value {
            self.visit_expr(value);
        }
    }

    fn annotated_name(&mut self, name: &'a ast::ExprName, assign: &ast::StmtAnnAssign) {
        let known = self.scopes.uses(name.id.as_str());
        if known & (GLOBAL | NONLOCAL) != 0 && self.kind() != Kind::Module && assign.simple {
            let keyword = if known & GLOBAL != 0 { "global" } else { "nonlocal" };
            self.report(format!("annotated name '{}' can't be {keyword}", name.id), name.range);
        }
        let binds = assign.simple || assign.value.is_some();
        if binds || self.version < PythonVersion::PY314 {
            self.forbids_debug(name.id.as_str(), name.range);
        }
        if binds {
            let uses = if assign.simple { ANNOTATED | LOCAL } else { LOCAL };
            self.define(name.id.as_str(), uses, name.range);
        }
    }

    fn match_statement(&mut self, statement: &'a ast::StmtMatch) {
        let keyword = TextRange::at(statement.range.start(), "match".text_len());
        self.report_newer("`match`", PythonVersion::PY310, keyword);
        self.visit_expr(&statement.subject);
        self.problems.extend(patterns::check(statement, self.text));
        for case in &statement.cases {
            self.visit_pattern(&case.pattern);
            if let Some(guard) = &case.guard {
                self.visit_expr(guard);
            }
            self.visit_body(&case.body);
        }
    }

    fn if_statement(&mut self, statement: &'a ast::StmtIf) {
        self.visit_expr(&statement.test);
        self.visit_body(&statement.body);
        let clauses = &statement.elif_else_clauses;
        if let Some(clause) = clauses.get(checks::elif_max(self.version)) {
            self.too_deep("`elif` in one `if`", checks::elif_max(self.version), clause.range);
        }
        for clause in clauses {
            if let Some(test) = &clause.test {
                self.visit_expr(test);
            }
            self.visit_body(&clause.body);
        }
    }

    fn loop_for(&mut self, statement: &'a ast::StmtFor) {
        if statement.is_async {
            self.asynchronous("'async for' outside async function", statement.range);
        }
        self.visit_expr(&statement.iter);
        self.visit_expr(&statement.target);
        self.looped(&statement.body);
        self.visit_body(&statement.orelse);
    }
}

impl<'a> Visitor<'a> for Walker<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::TypeAlias(alias) => self.alias(alias),
            Stmt::For(statement) => self.loop_for(statement),
            Stmt::While(statement) => {
                self.visit_expr(&statement.test);
                self.looped(&statement.body);
                self.visit_body(&statement.orelse);
            }
            Stmt::If(statement) => self.if_statement(statement),
            Stmt::With(with) => self.with(with),
            Stmt::Match(statement) => self.match_statement(statement),
            Stmt::Try(statement) => self.try_statement(statement),
            Stmt::Return(statement) => self.return_statement(statement),
            Stmt::Break(statement) => self.break_or_continue("'break' outside loop", statement.range),
            Stmt::Continue(statement) => self.break_or_continue("'continue' not properly in loop", statement.range),
            Stmt::Global(statement) => self.declares(&statement.names, GLOBAL, statement.range),
            Stmt::Nonlocal(statement) => self.declares(&statement.names, NONLOCAL, statement.range),
            Stmt::Import(import) => import.names.iter().for_each(|alias| self.import(alias)),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::AnnAssign(assign) => self.annotated(assign),
            Stmt::AugAssign(assign) => self.augmented(assign),
            _ => ast::visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.expression(expr);
    }

    fn visit_pattern(&mut self, pattern: &'a ast::Pattern) {
        self.pattern(pattern);
    }

    fn visit_interpolated_string_element(&mut self, element: &'a ast::InterpolatedStringElement) {
        self.field(element);
    }

    fn visit_keyword(&mut self, keyword: &'a ast::Keyword) {
        if let Some(name) = &keyword.arg {
            self.forbids_debug(name.as_str(), keyword.range);
        }
        self.visit_expr(&keyword.value);
    }

    fn visit_arguments(&mut self, arguments: &'a ast::Arguments) {
        if self.compiled {
            self.problems.extend(checks::repeated_keyword(arguments));
        }
        for argument in &*arguments.args {
            self.element(argument);
        }
        for keyword in &*arguments.keywords {
            self.visit_keyword(keyword);
        }
    }
}

impl<'a> Walker<'a> {
    /// `x += 1`. Until 3.14 an attribute was not looked at here.
    fn augmented(&mut self, assign: &'a ast::StmtAugAssign) {
        self.visit_expr(&assign.value);
        match &*assign.target {
            Expr::Attribute(attribute) if self.version < PythonVersion::PY314 => self.visit_expr(&attribute.value),
            target => self.visit_expr(target),
        }
    }

    /// Notes once that something nests too deep; what is deeper is not looked at.
    pub(super) fn too_deep(&mut self, what: &str, limit: usize, range: TextRange) {
        if !std::mem::replace(&mut self.is_too_deep, true) {
            let message = format!("more than {limit} {what}");
            let problem = Problem::new("nesting-too-deep", message, super::bytes(range));
            self.problems.push(problem.hint("split it into several statements"));
        }
    }
}
