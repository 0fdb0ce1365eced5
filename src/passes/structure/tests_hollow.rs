//! Tests that test nothing: without an assertion they pass whatever the code does.

use tree_sitter::{Node, Tree};

use super::shape::{Step, walk};
use super::view::{Found, View};
use crate::facts::outline::{Test, Tests, can_fail};
use crate::finding::{Confidence, Severity};
use crate::language::Language;
use crate::passes::parse::is_named_test;

/// What a test file holds, while its tolerant tree is walked.
#[derive(Default)]
struct Walk {
    tests: Tests,
    /// Those that are being walked, outermost first.
    open: Vec<Test>,
    /// Python functions that are being walked.
    depth: u32,
    /// Where the last test that is decorated as skipped ends.
    skipped: Option<usize>,
}

/// Reports test files and test functions without an assertion.
pub(super) fn check(view: &View<'_>, found: &mut Found) {
    let Some(part) = view.regions.first().filter(|_| view.is_test && is_named_test(view.path)) else { return };
    let (region, text) = (part.region, view.text.as_str());
    let walked;
    let tests = match region.outline.as_ref().and_then(|outline| outline.tests.as_ref()) {
        Some(tests) => tests,
        None => {
            let Ok(tree) = region.tree(text) else { return };
            let tree = &tree;
            walked = walk_tests(tree, text, region.language == Language::Python);
            &walked
        }
    };
    let tests_something = !tests.done.is_empty() || (tests.calls && !tests.has_class);
    if !tests.asserts && tests_something {
        let message = "the test file holds no assertion: it passes whatever the code does";
        found.whole(view.path, RULE, Severity::Medium, message);
        return;
    }
    for test in tests.done.iter().filter(|test| !test.asserts) {
        let severity = if test.is_hollow { Severity::Medium } else { Severity::Low };
        let what = if test.is_hollow { "does nothing" } else { "asserts nothing" };
        let head = text[test.whole.clone()].lines().next().map_or(0, str::len);
        let range = test.whole.start..test.whole.start + head;
        let finding = found.at(view, RULE, severity, range, format!("the test `{}` {what}", test.name));
        if let Some(finding) = finding {
            finding.confidence = Confidence::Medium;
        }
    }
}

const RULE: &str = "test-without-assertion";

fn walk_tests(tree: &Tree, text: &str, is_python: bool) -> Tests {
    let mut tests = Walk::default();
    walk(tree, |node, step| {
        match step {
            Step::Enter => tests.enter(node, text, is_python),
            Step::Leave => tests.leave(node),
        }
        step == Step::Enter
    });
    tests.tests
}

impl Walk {
    fn enter(&mut self, node: Node<'_>, text: &str, is_python: bool) {
        match node.kind() {
            "function_definition" => {
                // A function inside another is no test of its own, whatever it is called.
                self.depth += 1;
                let name = node.child_by_field_name("name").map_or("", |name| &text[name.byte_range()]);
                self.tests.asserts |= name == "load_tests";
                if name.starts_with("test") && self.depth == 1 {
                    let is_skipped = self.skipped == Some(node.end_byte());
                    self.open(node, name.to_owned(), node.child_by_field_name("body"), is_skipped);
                }
            }
            "class_definition" => self.tests.has_class = true,
            // A docstring with examples is a test where doctest runs it.
            "string" if text[node.byte_range()].contains(">>> ") => self.assertion(),
            "assert_statement" if !is_constant_truth(node) => self.assertion(),
            "raise_statement" | "throw_statement" => self.assertion(),
            "call" | "call_expression" | "new_expression" => self.call(node, text, is_python),
            // A decorated function ends where its decoration does.
            "decorated_definition" if is_skipped(node, text) => self.skipped = Some(node.end_byte()),
            "decorator" if can_fail(&text[node.byte_range()]) => self.assertion(),
            _ => {}
        }
    }

    fn call(&mut self, node: Node<'_>, text: &str, is_python: bool) {
        self.tests.calls = true;
        let function = node.child_by_field_name("function").or_else(|| node.child_by_field_name("constructor"));
        let Some(function) = function else { return };
        let called = &text[function.byte_range()];
        let last = called.rsplit(['.', '(']).next().unwrap_or(called);
        if !is_python && matches!(called, "test" | "it" | "test.only" | "it.only") {
            self.open_callback(node, text);
        } else if can_fail(last) && !is_tautology(node, text) {
            self.assertion();
        }
    }

    /// Opens a test that is written as a callback: `test('name', () => { … })`.
    fn open_callback(&mut self, node: Node<'_>, text: &str) {
        let Some(arguments) = node.child_by_field_name("arguments") else { return };
        let mut cursor = arguments.walk();
        let functions = ["arrow_function", "function_expression", "function"];
        let callback = arguments.named_children(&mut cursor).find(|child| functions.contains(&child.kind()));
        let name = arguments.named_child(0).map_or("", |name| &text[name.byte_range()]);
        if let Some(callback) = callback {
            self.open(
                node,
                name.trim_matches(['\'', '"', '`']).to_owned(),
                callback.child_by_field_name("body"),
                false,
            );
        }
    }

    fn open(&mut self, node: Node<'_>, name: String, body: Option<Node<'_>>, is_skipped: bool) {
        let is_hollow = body.is_some_and(does_nothing);
        self.open.push(Test { name, whole: node.byte_range(), asserts: is_skipped, is_hollow });
    }

    fn leave(&mut self, node: Node<'_>) {
        self.depth -= u32::from(node.kind() == "function_definition");
        let is_test = matches!(node.kind(), "function_definition" | "call_expression");
        if is_test && self.open.last().is_some_and(|test| test.whole == node.byte_range()) {
            self.tests.done.extend(self.open.pop());
        }
    }

    fn assertion(&mut self) {
        self.tests.asserts = true;
        for test in &mut self.open {
            test.asserts = true;
        }
    }
}

/// `assert True`, `assert 1`, `assert "text"`.
fn is_constant_truth(assertion: Node<'_>) -> bool {
    assertion.named_child(0).is_some_and(|what| matches!(what.kind(), "true" | "integer" | "string"))
}

/// `assertTrue(True)`, `assert(true)`, `assert.ok(true)`: a call whose only argument is a constant truth.
fn is_tautology(call: Node<'_>, text: &str) -> bool {
    let Some(arguments) = call.child_by_field_name("arguments") else { return false };
    let only = arguments.named_child(0).filter(|_| arguments.named_child_count() == 1);
    let function = call.child_by_field_name("function").map_or("", |name| &text[name.byte_range()]);
    only.is_some_and(|what| what.kind() == "true") && !function.starts_with("expect")
}

/// Whether a definition is decorated as skipped or as expected to fail.
fn is_skipped(decorated: Node<'_>, text: &str) -> bool {
    let mut cursor = decorated.walk();
    let mut decorators = decorated.children(&mut cursor).filter(|child| child.kind() == "decorator");
    decorators.any(|decorator| ["skip", "xfail"].iter().any(|word| text[decorator.byte_range()].contains(word)))
}

/// Whether a body holds nothing but comments, `pass`, `...`, a docstring or a bare `return`.
fn does_nothing(body: Node<'_>) -> bool {
    let mut cursor = body.walk();
    body.named_children(&mut cursor).all(|node| match node.kind() {
        "comment" | "pass_statement" | "empty_statement" => true,
        "return_statement" => node.named_child_count() == 0,
        "expression_statement" => {
            node.named_child(0).is_some_and(|child| matches!(child.kind(), "string" | "ellipsis"))
        }
        _ => false,
    }) && matches!(body.kind(), "block" | "statement_block")
}
