//! Statements: they leave no trace but what they bind, return, and hold.

use oxc_ast::ast::{
    BindingPattern, BlockStatement, CatchClause, Declaration, Directive, Expression, ExpressionStatement, ForStatement,
    ForStatementInit, ForStatementLeft, IfStatement, Statement, SwitchStatement, TryStatement, VariableDeclaration,
    VariableDeclarationKind, WithStatement,
};

use super::Lowering;
use crate::facts::builder::Binding;
use crate::facts::{ExprId, Kind, OPAQUE, Role, ScopeKind};

impl Lowering<'_> {
    pub(super) fn directives(&mut self, directives: &[Directive<'_>]) {
        for directive in directives {
            let place = self.place(directive.expression.span);
            self.builder.facts.strings.push(place);
        }
    }

    pub(super) fn statements(&mut self, statements: &[Statement<'_>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    pub(super) fn statement(&mut self, statement: &Statement<'_>) {
        if self.is_full() {
            return;
        }
        match statement {
            Statement::ExpressionStatement(statement) => self.expression_statement(statement),
            Statement::BlockStatement(block) => self.block(block),
            Statement::IfStatement(statement) => self.if_statement(statement),
            Statement::ReturnStatement(statement) => self.return_value(statement.argument.as_ref()),
            Statement::ThrowStatement(statement) => drop(self.expression(&statement.argument)),
            Statement::ForStatement(statement) => self.for_statement(statement),
            Statement::ForInStatement(each) => self.for_each(&each.left, &each.right, &each.body),
            Statement::ForOfStatement(each) => self.for_each(&each.left, &each.right, &each.body),
            Statement::WhileStatement(statement) => self.loop_statement(&statement.test, &statement.body),
            Statement::DoWhileStatement(statement) => self.loop_statement(&statement.test, &statement.body),
            Statement::SwitchStatement(statement) => self.switch(statement),
            Statement::TryStatement(statement) => self.try_statement(statement),
            Statement::LabeledStatement(statement) => self.statement(&statement.body),
            Statement::WithStatement(statement) => self.with(statement),
            Statement::BreakStatement(_)
            | Statement::ContinueStatement(_)
            | Statement::DebuggerStatement(_)
            | Statement::EmptyStatement(_) => {}
            _ => self.declaration_statement(statement),
        }
    }

    fn declaration_statement(&mut self, statement: &Statement<'_>) {
        if let Some(declaration) = statement.as_declaration() {
            self.declaration(declaration);
        } else if let Some(declaration) = statement.as_module_declaration() {
            self.module_declaration(declaration);
        }
    }

    pub(super) fn declaration(&mut self, declaration: &Declaration<'_>) {
        match declaration {
            Declaration::VariableDeclaration(variables) => self.variables(variables),
            Declaration::FunctionDeclaration(function) => self.function_declaration(function),
            Declaration::ClassDeclaration(class) => drop(self.class(class)),
            Declaration::TSEnumDeclaration(declaration) => self.enumeration(declaration),
            Declaration::TSNamespaceDeclaration(namespace) => self.namespace(namespace),
            Declaration::TSImportEqualsDeclaration(import) => self.import_equals(import),
            Declaration::TSTypeAliasDeclaration(_)
            | Declaration::TSInterfaceDeclaration(_)
            | Declaration::TSExternalModuleDeclaration(_)
            | Declaration::TSGlobalDeclaration(_) => {}
        }
    }

    fn expression_statement(&mut self, statement: &ExpressionStatement<'_>) {
        let value = self.expression(&statement.expression);
        let plain = matches!(statement.expression, Expression::Identifier(_) | Expression::ChainExpression(_))
            || statement.expression.is_member_expression();
        if plain && !matches!(self.builder.facts.kind(value), Kind::Call { .. }) {
            self.builder.role(value, Role::Unused);
        }
    }

    /// A condition: only whether it is true is asked, and nothing is passed on.
    pub(super) fn condition(&mut self, test: &Expression<'_>) {
        let test = self.expression(test);
        self.builder.compared([test]);
    }

    fn return_value(&mut self, value: Option<&Expression<'_>>) {
        let value = value.map_or(OPAQUE, |value| self.expression(value));
        if let Some(&function) = self.builder.functions.last() {
            self.builder.facts.functions[function.at()].returns.push(value);
        }
    }

    /// A block; one that declares nothing needs no scope.
    pub(super) fn block(&mut self, block: &BlockStatement<'_>) {
        if block.body.iter().any(is_lexical) {
            self.in_branch(|lowering| lowering.in_block(|lowering| lowering.statements(&block.body)));
        } else {
            self.in_branch(|lowering| lowering.statements(&block.body));
        }
    }

    fn if_statement(&mut self, statement: &IfStatement<'_>) {
        self.in_branch(|lowering| {
            lowering.condition(&statement.test);
            lowering.statement(&statement.consequent);
            if let Some(alternate) = &statement.alternate {
                lowering.statement(alternate);
            }
        });
    }

    fn loop_statement(&mut self, test: &Expression<'_>, body: &Statement<'_>) {
        self.in_branch(|lowering| {
            lowering.condition(test);
            lowering.statement(body);
        });
    }

    fn for_statement(&mut self, statement: &ForStatement<'_>) {
        self.in_branch(|lowering| lowering.in_block(|lowering| lowering.for_parts(statement)));
    }

    fn for_parts(&mut self, statement: &ForStatement<'_>) {
        match &statement.init {
            Some(ForStatementInit::VariableDeclaration(variables)) => self.variables(variables),
            Some(init) => drop(init.as_expression().map(|init| self.expression(init))),
            None => {}
        }
        if let Some(test) = &statement.test {
            self.condition(test);
        }
        if let Some(update) = &statement.update {
            self.expression(update);
        }
        self.statement(&statement.body);
    }

    fn for_each(&mut self, left: &ForStatementLeft<'_>, right: &Expression<'_>, body: &Statement<'_>) {
        self.in_branch(|lowering| {
            lowering.in_block(|lowering| {
                lowering.each(left, right);
                lowering.statement(body);
            });
        });
    }

    /// Binds the variable of `for (left of right)`.
    fn each(&mut self, left: &ForStatementLeft<'_>, right: &Expression<'_>) {
        let iterable = self.expression(right);
        let element = self.builder.synthetic(Kind::Element(iterable), iterable);
        match left {
            ForStatementLeft::VariableDeclaration(variables) => {
                if let Some(first) = variables.declarations.first() {
                    // `for (var x = y in z)` of sloppy code.
                    if let Some(init) = &first.init {
                        let value = self.expression(init);
                        self.declare(&first.id, value, variables.kind);
                    }
                    self.declare(&first.id, element, variables.kind);
                }
            }
            left => {
                if let Some(target) = left.as_assignment_target() {
                    let target = self.target(target);
                    self.builder.assign(target, element, Binding::Hoisted);
                }
            }
        }
    }

    pub(super) fn variables(&mut self, variables: &VariableDeclaration<'_>) {
        if variables.declare {
            return;
        }
        for one in &variables.declarations {
            let value = one.init.as_ref().map_or(OPAQUE, |init| self.expression(init));
            self.declare(&one.id, value, variables.kind);
        }
    }

    /// Gives a declared pattern its value.
    fn declare(&mut self, pattern: &BindingPattern<'_>, value: ExprId, kind: VariableDeclarationKind) {
        let is_var = kind == VariableDeclarationKind::Var;
        let BindingPattern::BindingIdentifier(name) = pattern else {
            let target = self.pattern(pattern);
            return self.builder.assign(target, value, if is_var { Binding::Local } else { Binding::Here });
        };
        self.builder.role(value, Role::Alias);
        let sym = self.intern(&name.name);
        let (scope, at) = match is_var {
            true => (self.builder.binding_scope(sym), self.place(name.span).end),
            false => (self.builder.scope, 0),
        };
        self.builder.bind(scope, sym, value, u32::try_from(at).unwrap_or(u32::MAX));
    }

    fn switch(&mut self, statement: &SwitchStatement<'_>) {
        let discriminant = self.expression(&statement.discriminant);
        self.builder.compared([discriminant]);
        self.in_branch(|lowering| {
            lowering.in_block(|lowering| {
                for case in &statement.cases {
                    if let Some(test) = &case.test {
                        lowering.condition(test);
                    }
                    lowering.statements(&case.consequent);
                }
            });
        });
    }

    fn try_statement(&mut self, statement: &TryStatement<'_>) {
        self.in_branch(|lowering| {
            lowering.block(&statement.block);
            if let Some(handler) = &statement.handler {
                lowering.catch(handler);
            }
            if let Some(finalizer) = &statement.finalizer {
                lowering.block(finalizer);
            }
        });
    }

    fn catch(&mut self, clause: &CatchClause<'_>) {
        self.in_branch(|lowering| {
            lowering.in_block(|lowering| {
                if let Some(parameter) = &clause.param {
                    lowering.declare(&parameter.pattern, OPAQUE, VariableDeclarationKind::Let);
                }
                lowering.statements(&clause.body.body);
            });
        });
    }

    /// `with` makes names mean what its object decides; the word itself stands for the statement.
    fn with(&mut self, statement: &WithStatement<'_>) {
        self.name("with", statement.span);
        let object = self.expression(&statement.object);
        let scope = self.builder.new_scope(ScopeKind::With(object));
        self.within(scope, |lowering| lowering.statement(&statement.body));
    }
}

/// Whether a statement declares a name that only its block knows.
fn is_lexical(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::VariableDeclaration(variables) => variables.kind != VariableDeclarationKind::Var,
        other => other.as_declaration().is_some(),
    }
}
