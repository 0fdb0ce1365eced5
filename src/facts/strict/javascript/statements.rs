//! Statements: they leave no trace but what they bind, return, and hold.

use oxc_ast::ast::{
    BindingPattern, BlockStatement, CatchClause, Declaration, Directive, Expression, ExpressionStatement, ForStatement,
    ForStatementInit, ForStatementLeft, IfStatement, Statement, SwitchStatement, TryStatement, VariableDeclaration,
    VariableDeclarationKind, WithStatement,
};

use oxc_span::Span;

use super::Lowering;
use crate::facts::builder::Binding;
use crate::facts::statements::{BlockKind, Comparing, StatementKind};
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
            Statement::ForInStatement(each) => self.for_each((&each.left, &each.right, &each.body), each.span),
            Statement::ForOfStatement(each) => self.for_each((&each.left, &each.right, &each.body), each.span),
            Statement::WhileStatement(one) => self.loop_statement(&one.test, &one.body, one.span),
            Statement::DoWhileStatement(one) => self.loop_statement(&one.test, &one.body, one.span),
            Statement::SwitchStatement(statement) => self.switch(statement),
            Statement::TryStatement(statement) => self.try_statement(statement),
            Statement::LabeledStatement(statement) => self.statement(&statement.body),
            Statement::WithStatement(statement) => self.with(statement),
            Statement::DebuggerStatement(statement) => {
                let place = self.place(statement.span);
                self.builder.statement(StatementKind::Debugger, [], place);
            }
            Statement::BreakStatement(_) | Statement::ContinueStatement(_) | Statement::EmptyStatement(_) => {}
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
            Declaration::FunctionDeclaration(function) => drop(self.function_declaration(function)),
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
    pub(super) fn condition(&mut self, test: &Expression<'_>) -> ExprId {
        let test = self.expression(test);
        self.builder.compared([test]);
        test
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

    fn loop_statement(&mut self, test: &Expression<'_>, body: &Statement<'_>, span: Span) {
        self.in_branch(|lowering| {
            let condition = lowering.condition(test);
            let place = lowering.place(span);
            lowering.builder.looped(Some(condition), place);
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
        let condition = statement.test.as_ref().map(|test| self.condition(test));
        let place = self.place(statement.span);
        self.builder.looped(condition, place);
        if let Some(update) = &statement.update {
            self.expression(update);
        }
        self.statement(&statement.body);
    }

    fn for_each(&mut self, (left, right, body): (&ForStatementLeft<'_>, &Expression<'_>, &Statement<'_>), span: Span) {
        let place = self.place(span);
        self.builder.block(BlockKind::Loop, place);
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
        let target = self.pattern(pattern);
        self.builder.assign(target, value, if is_var { Binding::Local } else { Binding::Here });
    }

    fn switch(&mut self, statement: &SwitchStatement<'_>) {
        let discriminant = self.expression(&statement.discriminant);
        self.builder.compared([discriminant]);
        self.in_branch(|lowering| {
            lowering.in_block(|lowering| {
                for case in &statement.cases {
                    if let Some(test) = &case.test {
                        let test = lowering.condition(test);
                        let place = lowering.place(case.span);
                        lowering.builder.comparison(Comparing::Equality, discriminant, test, place);
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
                let kind = if clause.body.body.is_empty() { StatementKind::ExceptPass } else { StatementKind::Except };
                let place = lowering.place(clause.span);
                lowering.builder.handler(kind, [], place);
            });
        });
    }

    /// `with` makes names mean what its object decides.
    fn with(&mut self, statement: &WithStatement<'_>) {
        let place = self.place(statement.span);
        self.builder.statement(StatementKind::With, [], place);
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
