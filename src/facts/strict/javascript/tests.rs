//! What a JavaScript file tests: its tests are callbacks, `test("name", () => { … })`, and what can fail one is a call by
//! its name, or a `throw`.

use oxc_ast::ast::{
    Argument, ArrowFunctionBody, CallExpression, Decorator, Expression, FunctionBody, NewExpression, Program,
    Statement, ThrowStatement,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan as _, Span};

use crate::facts::outline::{Test, Tests, can_fail};

/// What a program tests, whose source is `text`, and which begins `offset` bytes into the whole text.
pub(crate) fn of(program: &Program<'_>, text: &str, offset: usize) -> Tests {
    let mut walk = Walk { text, offset, tests: Tests::default(), open: Vec::new() };
    walk.visit_program(program);
    walk.tests
}

struct Walk<'t> {
    text: &'t str,
    offset: usize,
    tests: Tests,
    /// The tests that are being walked, outermost first.
    open: Vec<Test>,
}

impl<'a> Visit<'a> for Walk<'_> {
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        let called = self.text(call.callee.span());
        let is_test = matches!(called, "test" | "it" | "test.only" | "it.only");
        let body = call.arguments.iter().find_map(body).filter(|_| is_test);
        if let Some(is_hollow) = body {
            let name = call.arguments.first().map_or("", |name| self.text(name.span()));
            let name = name.trim_matches(['\'', '"', '`']).to_owned();
            let whole = self.offset + call.span.start as usize..self.offset + call.span.end as usize;
            self.open.push(Test { name, whole, asserts: false, is_hollow });
        }
        self.called(called, &call.arguments, is_test);
        walk::walk_call_expression(self, call);
        if body.is_some() {
            self.tests.done.extend(self.open.pop());
        }
    }

    fn visit_new_expression(&mut self, new: &NewExpression<'a>) {
        let called = self.text(new.callee.span());
        self.called(called, &new.arguments, false);
        walk::walk_new_expression(self, new);
    }

    fn visit_throw_statement(&mut self, statement: &ThrowStatement<'a>) {
        self.assertion();
        walk::walk_throw_statement(self, statement);
    }

    fn visit_decorator(&mut self, decorator: &Decorator<'a>) {
        if can_fail(self.text(decorator.span)) {
            self.assertion();
        }
        walk::walk_decorator(self, decorator);
    }
}

impl<'t> Walk<'t> {
    fn text(&self, span: Span) -> &'t str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn called(&mut self, called: &str, arguments: &[Argument<'_>], is_test: bool) {
        self.tests.calls = true;
        let known = self.tests.asserts && self.open.iter().all(|test| test.asserts);
        let last = called.rsplit(['.', '(']).next().unwrap_or(called);
        if !is_test && !known && can_fail(last) && !is_tautology(arguments, called) {
            self.assertion();
        }
    }

    fn assertion(&mut self) {
        self.tests.asserts = true;
        self.open.iter_mut().for_each(|test| test.asserts = true);
    }
}

/// Whether the body of a callback does nothing; `None` where an argument is no callback.
fn body(argument: &Argument<'_>) -> Option<bool> {
    match argument {
        Argument::FunctionExpression(function) => Some(function.body.as_deref().is_some_and(does_nothing)),
        Argument::ArrowFunctionExpression(arrow) => match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => Some(does_nothing(body)),
            _ => Some(false),
        },
        _ => None,
    }
}

/// Whether a body holds nothing but texts and bare `return`s.
fn does_nothing(body: &FunctionBody<'_>) -> bool {
    body.statements.iter().all(|statement| match statement {
        Statement::EmptyStatement(_) => true,
        Statement::ReturnStatement(statement) => statement.argument.is_none(),
        Statement::ExpressionStatement(statement) => matches!(statement.expression, Expression::StringLiteral(_)),
        _ => false,
    })
}

/// `assert(true)`, `assert.ok(true)`: a call whose only argument is a constant truth.
fn is_tautology(arguments: &[Argument<'_>], called: &str) -> bool {
    let [Argument::BooleanLiteral(only)] = arguments else { return false };
    only.value && !called.starts_with("expect")
}
