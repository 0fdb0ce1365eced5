//! Statements of Python: they leave no trace but what they bind.

use std::ops::Range;

use ruff_python_ast::{self as ast, ExceptHandler, Expr, Parameter, Stmt};
use ruff_text_size::Ranged as _;

use super::expressions::binary;
use super::outline::{whole_class, whole_function};
use super::{ExprId, Kind, Lowering, OPAQUE, Sym, bytes};
use crate::facts::builder::Binding;
use crate::facts::statements::{BlockKind, Defined, DefinitionKind, StatementKind};
use crate::facts::{FunctionId, MODULE, Role, ScopeId, ScopeKind, Span};

const NO_BASES: Span = Span { start: 0, end: 0 };

impl Lowering<'_> {
    /// Lowers statements that follow one another.
    pub(super) fn body(&mut self, body: &[Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Expr(ast::StmtExpr { value, .. }) => self.expression(value),
            Stmt::Assign(assignment) => self.assignment(assignment),
            Stmt::AnnAssign(assignment) => self.annotated(assignment),
            Stmt::AugAssign(assignment) => self.augmented(assignment),
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Return(returned) => {
                let value = returned.value.as_ref().map_or(OPAQUE, |value| self.expr(value));
                self.returns(value);
            }
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Global(ast::StmtGlobal { names, .. }) => self.redirect(names, true),
            Stmt::Nonlocal(ast::StmtNonlocal { names, .. }) => self.redirect(names, false),
            Stmt::Delete(deletion) => deletion.targets.iter().for_each(|target| self.delete(target)),
            Stmt::Assert(assertion) => {
                self.all([Some(&*assertion.test), assertion.msg.as_deref()]);
                self.builder.statement(StatementKind::Assert, [], bytes(assertion.range));
            }
            Stmt::Raise(raised) => self.all([raised.exc.as_deref(), raised.cause.as_deref()]),
            Stmt::TypeAlias(alias) => self.type_alias(alias),
            Stmt::Pass(_) | Stmt::Break(_) | Stmt::Continue(_) | Stmt::IpyEscapeCommand(_) => {}
            branching => {
                self.builder.branches += 1;
                self.branching(branching);
                self.builder.branches -= 1;
            }
        }
    }

    /// What is bound in one of these is not bound for sure.
    fn branching(&mut self, statement: &Stmt) {
        match statement {
            Stmt::If(conditional) => {
                self.expr(&conditional.test);
                self.body(&conditional.body);
                for clause in &conditional.elif_else_clauses {
                    self.all([clause.test.as_ref()]);
                    self.body(&clause.body);
                }
            }
            Stmt::For(each) => self.for_each(each),
            Stmt::While(repeated) => {
                let condition = self.expr(&repeated.test);
                self.body(&repeated.body);
                self.body(&repeated.orelse);
                self.builder.looped(Some(condition), bytes(repeated.range));
            }
            Stmt::With(with) => {
                for item in &with.items {
                    let value = self.expr(&item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        let target = self.expr(target);
                        self.builder.entered(target, value);
                    }
                }
                self.body(&with.body);
                self.builder.statement(StatementKind::With, [], bytes(with.range));
            }
            Stmt::Try(attempt) => self.attempt(attempt),
            Stmt::Match(matched) => self.matched(matched),
            _ => {}
        }
    }

    fn all<'a>(&mut self, exprs: impl IntoIterator<Item = Option<&'a Expr>>) {
        for expr in exprs.into_iter().flatten() {
            self.expr(expr);
        }
    }

    /// An expression whose value is thrown away. A text by itself is a docstring or a comment.
    fn expression(&mut self, value: &Expr) {
        if matches!(value, Expr::StringLiteral(_)) {
            return;
        }
        let expr = self.expr(value);
        if matches!(value, Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_)) {
            self.builder.role(expr, Role::Unused);
        }
    }

    fn assignment(&mut self, assignment: &ast::StmtAssign) {
        let targets: Vec<ExprId> = assignment.targets.iter().map(|target| self.expr(target)).collect();
        let value = self.expr(&assignment.value);
        for target in targets.into_iter().rev() {
            self.builder.assign(target, value, Binding::Local);
        }
    }

    /// A bare annotation binds nothing, but makes the name one of its scope.
    fn annotated(&mut self, assignment: &ast::StmtAnnAssign) {
        let target = self.expr(&assignment.target);
        self.annotation(&assignment.annotation);
        let value = assignment.value.as_ref().map_or(OPAQUE, |value| self.expr(value));
        self.builder.assign(target, value, Binding::Local);
    }

    fn augmented(&mut self, assignment: &ast::StmtAugAssign) {
        let target = self.expr(&assignment.target);
        let right = self.expr(&assignment.value);
        let value = self.push(Kind::Binary(binary(assignment.op), target, right), assignment.range);
        self.builder.role(value, Role::Synthetic);
        self.builder.assign(target, value, Binding::Local);
    }

    fn for_each(&mut self, each: &ast::StmtFor) {
        let target = self.expr(&each.target);
        let iterable = self.expr(&each.iter);
        self.body(&each.body);
        self.body(&each.orelse);
        let element = self.builder.synthetic(Kind::Element(iterable), iterable);
        self.builder.branches -= 1;
        self.builder.assign(target, element, Binding::Local);
        self.builder.branches += 1;
        self.builder.block(BlockKind::Loop, bytes(each.range));
    }

    fn attempt(&mut self, attempt: &ast::StmtTry) {
        self.body(&attempt.body);
        for ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
            let caught = handler.type_.as_ref().map(|caught| self.expr(caught));
            self.body(&handler.body);
            self.builder.handler(handler_kind(&handler.body), caught, bytes(handler.range));
            if let Some(name) = &handler.name {
                let target = self.identifier(name);
                self.builder.assign(target, OPAQUE, Binding::Local);
            }
        }
        self.body(&attempt.orelse);
        self.body(&attempt.finalbody);
    }

    fn matched(&mut self, matched: &ast::StmtMatch) {
        let subject = self.expr(&matched.subject);
        for case in &matched.cases {
            let pattern = self.pattern(&case.pattern);
            self.builder.assign(pattern, subject, Binding::Local);
            self.all([case.guard.as_deref()]);
            self.body(&case.body);
        }
    }

    fn returns(&mut self, value: ExprId) {
        if let Some(function) = self.builder.functions.last().copied() {
            self.builder.facts.functions[function.at()].returns.push(value);
        }
    }

    fn redirect(&mut self, names: &[ast::Identifier], is_global: bool) {
        let from = self.builder.scope;
        for name in names {
            let name = self.symbol(name.as_str());
            let target = if is_global { MODULE } else { self.enclosing(name) };
            self.builder.facts.redirects.insert((from.0, name.0), target);
        }
    }

    /// The function around this one that has the variable `name`; where none has, the nearest.
    fn enclosing(&self, name: Sym) -> ScopeId {
        let facts = &self.builder.facts;
        let mut nearest = None;
        let mut here = facts.scope(self.builder.scope).parent;
        while let Some(scope) = here {
            let info = facts.scope(scope);
            if info.kind == ScopeKind::Function {
                if facts.variable(scope, name).is_some() {
                    return scope;
                }
                nearest = nearest.or(Some(scope));
            }
            here = info.parent;
        }
        nearest.unwrap_or(MODULE)
    }

    /// After `del name` the name means again what it means outside.
    fn delete(&mut self, target: &Expr) {
        if let Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) = target {
            elts.iter().for_each(|target| self.delete(target));
            return;
        }
        let target = self.expr(target);
        self.builder.role(target, Role::Target);
        if let Kind::Name(name) = *self.builder.facts.kind(target) {
            let scope = self.builder.binding_scope(name);
            self.builder.bind(scope, name, OPAQUE, u32::MAX);
            let variable = self.builder.declare(scope, name);
            self.builder.facts.variable_table[variable.at()].certain_from = u32::MAX;
        }
    }

    fn type_alias(&mut self, alias: &ast::StmtTypeAlias) {
        let target = self.expr(&alias.name);
        self.annotation(&alias.value);
        self.builder.assign(target, OPAQUE, Binding::Local);
    }

    fn function(&mut self, function: &ast::StmtFunctionDef) {
        let decorators = self.decorators(&function.decorator_list);
        let (outer, branches) = (self.builder.scope, self.builder.branches);
        let scope = self.builder.new_scope(ScopeKind::Function);
        let id = self.builder.new_function(scope);
        let this = (self.builder.facts.scope(outer).kind == ScopeKind::Class)
            .then(|| self.builder.synthetic(Kind::Instance(outer), OPAQUE));
        self.type_parameters(function.type_params.as_deref(), scope);
        let parameters = self.parameters(&function.parameters, id, scope, this);
        self.all_types(function.returns.as_deref());
        (self.builder.scope, self.builder.branches) = (scope, 0);
        self.body(&function.body);
        (self.builder.scope, self.builder.branches) = (outer, branches);
        self.builder.functions.pop();
        let place = whole_function(self.builder.source, function);
        let defined = Defined {
            kind: DefinitionKind::Function,
            name: Some(self.symbol(function.name.as_str())),
            function: Some(id),
            bases: NO_BASES,
            head_end: bytes(function.name.range).end,
        };
        self.builder.definition(defined, parameters, place.clone());
        let value = self.builder.expr(Kind::Function(id), place);
        self.define(&function.name, value);
        self.decorated(&decorators, value, &function.name);
    }

    /// A function without a name; its body is what it returns.
    pub(super) fn lambda(&mut self, lambda: &ast::ExprLambda) -> ExprId {
        let (outer, branches) = (self.builder.scope, self.builder.branches);
        let scope = self.builder.new_scope(ScopeKind::Function);
        let id = self.builder.new_function(scope);
        let parameters = match &lambda.parameters {
            Some(parameters) => self.parameters(parameters, id, scope, None),
            None => OPAQUE,
        };
        (self.builder.scope, self.builder.branches) = (scope, 0);
        let body = self.expr(&lambda.body);
        (self.builder.scope, self.builder.branches) = (outer, branches);
        self.builder.functions.pop();
        self.builder.facts.functions[id.at()].returns.push(body);
        let place = bytes(lambda.range);
        let head = lambda.parameters.as_ref().map(|parameters| bytes(parameters.range).end);
        let defined = Defined {
            kind: DefinitionKind::Lambda,
            name: None,
            function: Some(id),
            bases: NO_BASES,
            head_end: head.unwrap_or(place.start),
        };
        self.builder.definition(defined, parameters, place.clone());
        self.builder.expr(Kind::Function(id), place)
    }

    /// Parameters are inside their function; default values and types are not. Gives back the sequence of them.
    fn parameters(
        &mut self,
        parameters: &ast::Parameters,
        id: FunctionId,
        scope: ScopeId,
        this: Option<ExprId>,
    ) -> ExprId {
        let mut items = Vec::new();
        for parameter in parameters.posonlyargs.iter().chain(&parameters.args) {
            items.push(self.parameter(parameter, scope));
        }
        // What follows is never given by position.
        items.push(match &parameters.vararg {
            Some(rest) => self.rest(rest, scope),
            None => OPAQUE,
        });
        for parameter in &parameters.kwonlyargs {
            items.push(self.parameter(parameter, scope));
        }
        if let Some(rest) = &parameters.kwarg {
            items.push(self.rest(rest, scope));
        }
        let items = self.builder.list(items);
        let all = self.builder.synthetic(Kind::Sequence(items), OPAQUE);
        let outer = std::mem::replace(&mut self.builder.scope, scope);
        self.builder.parameters(id, scope, all, this);
        self.builder.scope = outer;
        let keywords = parameters.kwarg.as_ref().map(|rest| self.symbol(rest.name.as_str()));
        self.builder.facts.functions[id.at()].keywords = keywords;
        all
    }

    fn parameter(&mut self, parameter: &ast::ParameterWithDefault, scope: ScopeId) -> ExprId {
        self.all_types(parameter.annotation());
        let default = parameter.default().map(|default| self.expr(default));
        let target = self.parameter_name(&parameter.parameter, scope);
        if let Some(default) = default {
            self.builder.defaults.insert(target.0, default);
        }
        target
    }

    fn rest(&mut self, parameter: &Parameter, scope: ScopeId) -> ExprId {
        self.all_types(parameter.annotation());
        let name = self.parameter_name(parameter, scope);
        self.push(Kind::Element(name), parameter.range)
    }

    fn parameter_name(&mut self, parameter: &Parameter, scope: ScopeId) -> ExprId {
        let outer = std::mem::replace(&mut self.builder.scope, scope);
        let name = self.identifier(&parameter.name);
        self.builder.scope = outer;
        name
    }

    fn all_types(&mut self, annotation: Option<&Expr>) {
        if let Some(annotation) = annotation {
            self.annotation(annotation);
        }
    }

    /// Type parameters are names of the definition, of which nothing is known.
    fn type_parameters(&mut self, parameters: Option<&ast::TypeParams>, scope: ScopeId) {
        for parameter in parameters.into_iter().flat_map(|parameters| &parameters.type_params) {
            let (name, bound, default) = match parameter {
                ast::TypeParam::TypeVar(one) => (&one.name, one.bound.as_deref(), one.default.as_deref()),
                ast::TypeParam::TypeVarTuple(one) => (&one.name, None, one.default.as_deref()),
                ast::TypeParam::ParamSpec(one) => (&one.name, None, one.default.as_deref()),
            };
            self.all_types(bound);
            self.all_types(default);
            let name = self.symbol(name.as_str());
            self.builder.bind(scope, name, OPAQUE, 0);
        }
    }

    fn class(&mut self, class: &ast::StmtClassDef) {
        let decorators = self.decorators(&class.decorator_list);
        let arguments = class.arguments.as_deref().map(|arguments| self.arguments(arguments)).unwrap_or_default();
        self.builder.subclassed(&arguments, bytes(class.range));
        let bases: Vec<ExprId> = arguments.into_iter().map(|argument| argument.value).collect();
        let (outer, branches) = (self.builder.scope, self.builder.branches);
        let scope = self.builder.new_scope(ScopeKind::Class);
        self.type_parameters(class.type_params.as_deref(), scope);
        (self.builder.scope, self.builder.branches) = (scope, 0);
        self.body(&class.body);
        (self.builder.scope, self.builder.branches) = (outer, branches);
        let bases = self.builder.list(bases);
        let place = whole_class(self.builder.source, class);
        let defined = Defined {
            kind: DefinitionKind::Class,
            name: Some(self.symbol(class.name.as_str())),
            function: None,
            bases,
            head_end: bytes(class.name.range).end,
        };
        self.builder.definition(defined, OPAQUE, place.clone());
        let value = self.builder.expr(Kind::Class { scope, bases }, place);
        self.define(&class.name, value);
        self.decorated(&decorators, value, &class.name);
    }

    /// Binds the name of a definition.
    fn define(&mut self, name: &ast::Identifier, value: ExprId) {
        let target = self.identifier(name);
        self.builder.assign(target, value, Binding::Local);
        self.builder.role(value, Role::Synthetic);
    }

    /// Decorators are looked up before what they decorate is defined.
    fn decorators(&mut self, decorators: &[ast::Decorator]) -> Vec<(ExprId, Range<usize>)> {
        decorators.iter().map(|decorator| (self.expr(&decorator.expression), bytes(decorator.range()))).collect()
    }

    /// A decorator is called with the definition, and may make something else of it.
    fn decorated(&mut self, decorators: &[(ExprId, Range<usize>)], definition: ExprId, name: &ast::Identifier) {
        if decorators.is_empty() {
            return;
        }
        let name = self.symbol(name.as_str());
        self.builder.decorated(decorators, definition, Some(name));
        self.builder.decorate(decorators.iter().map(|(decorator, _)| *decorator));
    }

    fn import(&mut self, import: &ast::StmtImport) {
        for alias in &import.names {
            let path = self.path(alias.name.as_str());
            self.bind_import(path, true, alias, bytes(import.range));
        }
    }

    fn import_from(&mut self, import: &ast::StmtImportFrom) {
        let dot = self.builder.facts.symbols.intern(".");
        let mut module = vec![dot; import.level as usize];
        if let Some(name) = &import.module {
            module.extend(self.path(name.as_str()));
        }
        for alias in &import.names {
            if alias.name.as_str() == "*" {
                self.builder.import(module.clone(), true, bytes(import.range));
                let scope = self.builder.scope;
                self.builder.facts.star_imports.push((scope, module.as_slice().into()));
                continue;
            }
            let mut path = module.clone();
            path.extend(self.path(alias.name.as_str()));
            self.bind_import(path, module.is_empty(), alias, bytes(import.range));
        }
    }

    fn bind_import(&mut self, path: Vec<Sym>, is_module: bool, alias: &ast::Alias, place: Range<usize>) {
        let at = u32::try_from(place.end).unwrap_or(u32::MAX);
        let (Some(&first), Some(&last), is_long) = (path.first(), path.last(), path.len() > 1) else { return };
        let reached = self.builder.import(path, is_module, place);
        let (bound, value) = match &alias.asname {
            Some(name) => (self.symbol(name.as_str()), reached),
            // `import a.b` binds `a`.
            None if is_module && is_long => (first, self.builder.synthetic(Kind::Imported([first].into()), reached)),
            None => (last, reached),
        };
        let scope = self.builder.binding_scope(bound);
        self.builder.bind(scope, bound, value, at);
    }

    fn path(&mut self, dotted: &str) -> Vec<Sym> {
        dotted.split('.').filter(|part| !part.is_empty()).map(|part| self.symbol(part)).collect()
    }
}

/// Whether the body of a handler does anything.
fn handler_kind(body: &[Stmt]) -> StatementKind {
    match body {
        [Stmt::Pass(_)] => StatementKind::ExceptPass,
        [Stmt::Continue(_)] => StatementKind::ExceptContinue,
        [Stmt::Expr(only)] if only.value.is_ellipsis_literal_expr() => StatementKind::ExceptPass,
        _ => StatementKind::Except,
    }
}
