//! What the walk must doubt, one row for each of V8's early errors, and what it must not, or it saves nothing.

use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions, Parser};

use super::*;
use crate::language::NodeVersion;

/// Whether the walk over `text` doubts it. It must parse.
fn doubts(text: &str, goal: Goal) -> bool {
    let allocator = Allocator::default();
    let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
    let parsed = Parser::new(&allocator, text, goal.source_type()).with_options(options).parse();
    assert!(parsed.diagnostics.is_empty(), "{text}: {:?}", parsed.diagnostics);
    let terms = Terms { goal, node: NodeVersion::Node20, rule: "rule", harvest: None };
    Survey::of(&parsed.program, text, terms, None).concerns
}

fn wrong(rows: &[&'static str], goals: &[Goal], expected: bool) -> Vec<&'static str> {
    let differs = |text: &&&str| goals.iter().any(|goal| doubts(text, *goal) != expected);
    rows.iter().filter(differs).copied().collect()
}

#[test]
fn early_errors_are_doubted() {
    assert_eq!(wrong(WRONG, &[Goal::SCRIPT, Goal::COMMONJS, Goal::MODULE], true), [""; 0]);
    assert_eq!(wrong(WRONG_IN_MODULES, &[Goal::MODULE], true), [""; 0]);
    assert_eq!(wrong(WRONG_IN_COMMONJS, &[Goal::COMMONJS], true), [""; 0]);
}

#[test]
fn what_is_right_is_not_doubted() {
    assert_eq!(wrong(RIGHT, &[Goal::SCRIPT, Goal::COMMONJS, Goal::MODULE], false), [""; 0]);
    assert_eq!(wrong(RIGHT_IN_SCRIPTS, &[Goal::SCRIPT, Goal::COMMONJS], false), [""; 0]);
    assert_eq!(wrong(RIGHT_IN_MODULES, &[Goal::MODULE], false), [""; 0]);
}

const WRONG: &[&str] = &[
    "let a; let a",
    "let a; var a",
    "var a; let a",
    "let a; { var a }",
    "{ var a } const a = 1",
    "class A {} class A {}",
    "function f(a) { let a }",
    "function f() { let a; { { var a } } }",
    "(a, a) => 1",
    "(a) => { let a }",
    "for (let a of b) { var a }",
    "switch (a) { case 1: let b; case 2: let b }",
    "try {} catch (e) { let e }",
    "try {} catch ({ e }) { var e }",
    "try {} catch ([e, e]) {}",
    "break",
    "continue",
    "while (1) { () => { break } }",
    "a: { continue a }",
    "a: while (1) { function f() { break a } }",
    "a: a: ;",
    "switch (a) { default: continue }",
    "class A { m() { this.#x } }",
    "class A { #x; #x }",
    "class A { get #x() {} get #x() {} }",
    "class A { static get #x() {} set #x(y) {} }",
    "class A { #x; m() { delete this.#x } }",
    "class A { #x; m() { delete this?.#x } }",
    "class A { constructor() {} constructor() {} }",
    "class A { constructor() { super() } }",
    "class A extends B { m() { super() } }",
    "class A extends B { x = super() }",
    "class A extends B { static { super() } }",
    "function f() { super.x }",
    "({ f: function () { super.x } })",
    "({ f() { super() } })",
    "class A { x = arguments }",
    "class A { static { () => arguments } }",
    "({ __proto__: a, '__proto__': b })",
    "'use strict'; 010",
    "'use strict'; '\\01'",
    "'use strict'; delete a",
    "'use strict'; eval = 1",
    "'use strict'; arguments++",
    "'use strict'; [eval] = a",
    "'use strict'; ({ arguments } = a)",
    "'use strict'; for (eval of a) ;",
    "'use strict'; var public",
    "'use strict'; with (a) ;",
    "'use strict'; if (a) function f() {}",
    "'use strict'; for (var a = 1 in b) ;",
    "function f(a, { b }) { 'use strict' }",
    "function f() { 'use strict'; var eval }",
    "function eval() { 'use strict' }",
    "class A { m() { var yield } }",
    "{ async function f() {} async function f() {} }",
];

const WRONG_IN_MODULES: &[&str] = &[
    "import a from 'a'; import a from 'b'",
    "import a from 'a'; var a",
    "export { a }",
    "function f() { var a } export { a }",
    "var a; function a() {}",
    "function a() {} function a() {}",
    "{ function a() {} function a() {} }",
    "010",
    "x<!--y",
];

const WRONG_IN_COMMONJS: &[&str] = &["const require = 1", "class module {}"];

const RIGHT: &[&str] = &[
    "let a; { let a; { var b } } function f(a) { var a; var a; { let a } }",
    "{ let a } { var a } { let b; (b) => { var b } }",
    "function f(a) { function a() {} }",
    "(function n(n) { let m; }); (class n {})",
    "try {} catch (e) { { let e } } try {} catch ({ e, f: [g] }) {}",
    "a: for (;;) { b: for (;;) { continue a; } break a } c: { break c } a: ;",
    "while (1) { switch (a) { default: break; continue } }",
    "class A { #x; get #y() {} set #y(z) {} m() { return #x in this && this.#x + this.#y } }",
    "class A { #x; m() { class B { n(a) { a.#x; delete a.x?.y } } } }",
    "class A extends B { constructor() { (() => super())(); super.x } m() { super.x } x = super.y; static { super.z } }",
    "({ f() { super.x }, get g() { return super.x }, __proto__: a, __proto__() {} })",
    "function f() { arguments; eval; class A { m() { arguments } [arguments[0]] = 1 } }",
    "'use strict'; '\\0\\x01\\u0001\\\\1'; 0.5; 0x10; delete a.b; eval(a); f(arguments[0])",
    "async function f() { await a; for await (a of b) ; } function* g(a = 1) { yield a }",
    "/(?<a>x)(?<b>y)\\d/u.test(a); x < !--y",
    "for (var a in b) ; for (let a of b) { let a } if (a) { function f() {} }",
];

const RIGHT_IN_SCRIPTS: &[&str] = &[
    "var a; function a() {} function a() {}",
    "{ function a() {} function a() {} }",
    "'\\033[0m'; this.x = arguments",
];

const RIGHT_IN_MODULES: &[&str] = &[
    "import a, { b as c } from 'a'; export { a, c, d, e }; var d; { var e } export default class {}",
    "export default function () {} export * from 'a'; export { x } from 'b'; await a",
];
