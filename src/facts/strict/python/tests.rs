//! What a Python file tests: its test functions, and whether anything in them can fail.

use ruff_python_ast::visitor::{Visitor, walk_decorator, walk_expr, walk_stmt};
use ruff_python_ast::{Decorator, Expr, Stmt, StmtFunctionDef};
use ruff_text_size::Ranged as _;

use super::{bytes, outline};
use crate::facts::outline::{Test, Tests, can_fail};

/// What the file tests.
pub(super) fn of(source: &str, body: &[Stmt]) -> Tests {
    let mut walk = Walk { source, tests: Tests::default(), open: None, depth: 0 };
    walk.visit_body(body);
    walk.tests
}

struct Walk<'t> {
    source: &'t str,
    tests: Tests,
    /// The test that is being walked. A function inside another is no test of its own, whatever it is called.
    open: Option<Test>,
    /// Functions that are being walked.
    depth: u32,
}

impl<'a> Visitor<'a> for Walk<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        // A test that can fail needs no further look, nor does what is in it.
        if self.open.as_ref().is_some_and(|test| test.asserts) {
            return;
        }
        match statement {
            Stmt::FunctionDef(function) => return self.function(statement, function),
            Stmt::ClassDef(_) => self.tests.has_class = true,
            Stmt::Raise(_) => self.assertion(),
            Stmt::Assert(assertion) if !is_constant_truth(&assertion.test) => self.assertion(),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_decorator(&mut self, decorator: &'a Decorator) {
        if can_fail(&self.source[bytes(decorator.range())]) {
            self.assertion();
        }
        walk_decorator(self, decorator);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => {
                self.tests.calls = true;
                let called = &self.source[bytes(call.func.range())];
                let last = called.rsplit(['.', '(']).next().unwrap_or(called);
                let known = self.tests.asserts && self.open.is_none();
                if !known && can_fail(last) && !is_tautology(&call.arguments, called) {
                    self.assertion();
                }
            }
            // A docstring with examples is a test where doctest runs it.
            Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::FString(_)
                if self.source[bytes(expr.range())].contains(">>> ") =>
            {
                self.assertion();
            }
            _ => {}
        }
        walk_expr(self, expr);
    }
}

impl Walk<'_> {
    fn function(&mut self, statement: &Stmt, function: &StmtFunctionDef) {
        let name = function.name.as_str();
        self.tests.asserts |= name == "load_tests";
        self.depth += 1;
        if self.depth > 1 || !name.starts_with("test") {
            walk_stmt(self, statement);
        } else {
            for decorator in &function.decorator_list {
                self.visit_decorator(decorator);
            }
            self.test(function);
        }
        self.depth -= 1;
    }

    fn test(&mut self, function: &StmtFunctionDef) {
        let source = self.source;
        let skips = |decorator: &Decorator| {
            let text = &source[bytes(decorator.range())];
            ["skip", "xfail"].iter().any(|word| text.contains(word))
        };
        self.open = Some(Test {
            name: function.name.to_string(),
            whole: outline::whole_function(source, function),
            asserts: function.decorator_list.iter().any(skips),
            is_hollow: function.body.iter().all(does_nothing),
        });
        self.visit_parameters(&function.parameters);
        self.visit_body(&function.body);
        self.tests.done.extend(self.open.take());
    }

    fn assertion(&mut self) {
        self.tests.asserts = true;
        if let Some(test) = &mut self.open {
            test.asserts = true;
        }
    }
}

/// `assert True`, `assert 1`, `assert "text"`.
fn is_constant_truth(expr: &Expr) -> bool {
    match expr {
        Expr::BooleanLiteral(literal) => literal.value,
        Expr::NumberLiteral(literal) => literal.value.is_int(),
        Expr::StringLiteral(literal) => !literal.value.is_implicit_concatenated(),
        Expr::BytesLiteral(_) | Expr::FString(_) => true,
        _ => false,
    }
}

/// `assertTrue(True)`: a call whose only argument is a constant truth.
fn is_tautology(arguments: &ruff_python_ast::Arguments, called: &str) -> bool {
    let [Expr::BooleanLiteral(only)] = &*arguments.args else { return false };
    only.value && arguments.keywords.is_empty() && !called.starts_with("expect")
}

/// Comments, `pass`, `...`, a docstring or a bare `return`.
fn does_nothing(statement: &Stmt) -> bool {
    match statement {
        Stmt::Pass(_) => true,
        Stmt::Return(returned) => returned.value.is_none(),
        Stmt::Expr(expression) => {
            matches!(
                &*expression.value,
                Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::FString(_) | Expr::EllipsisLiteral(_)
            )
        }
        _ => false,
    }
}
