//! Tests of: parse, JavaScript.
//!
//! Every row of the tables was seen with the engines themselves: V8 of Node 20, 22, 24 and 26.

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::{Finding, Severity};
use vetrun::language::{EngineVersions, NodeVersion};
use vetrun::passes::parse::{Target, Validity, parse};
use vetrun::policy::ParsePolicy;

/// A file, the verdicts of Node 20, 22, 24 and 26 on it (`v` for valid, `x` for refused), and its source.
type Row = (&'static str, &'static str, &'static str);

/// A classic script of a page, which has no extension of its own.
const SCRIPT: &str = "a.html";

fn target(node: NodeVersion) -> Target {
    Target::new(&ParsePolicy::default(), EngineVersions { python: None, node: Some(node) }, None)
}

fn artifact(files: &[(&str, &str)]) -> Artifact {
    let files = files.iter().map(|(path, text)| SourceFile::new(*path, text.as_bytes().to_vec())).collect();
    Artifact::new("a", "a", files, Vec::new())
}

/// The verdict and the findings on one file.
fn judge(path: &str, source: &str, node: NodeVersion) -> (Validity, Vec<Finding>) {
    let page = format!("<script>{source}</script>");
    let artifact = artifact(&[(path, if path == SCRIPT { &page } else { source })]);
    let (parsed, findings) = parse(&artifact, &ParsePolicy::default(), &target(node));
    (parsed.files[0].validity, findings)
}

fn agrees(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (path, verdicts, source) in rows {
        for (node, verdict) in NodeVersion::ALL.into_iter().zip(verdicts.chars()) {
            let expected = if verdict == 'v' { Validity::Valid } else { Validity::Invalid };
            let (validity, findings) = judge(path, source, node);
            if validity != expected {
                let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
                wrong.push(format!("{path}, Node {node}: {source:?} is {validity:?}: {messages:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn verdicts_are_those_of_v8() {
    for rows in [
        CALLS,
        LET,
        FUNCTIONS_IN_IF,
        WRAPPER,
        USING,
        IMPORTS,
        REGEX,
        TYPES,
        OCTALS,
        SPACE,
        JUMPS,
        TWICE,
        STATIC_AWAIT,
        OPERATORS,
        EARLY,
    ] {
        agrees(rows);
    }
}

/// The dialect that a file is judged in, what says so, and the verdict.
fn dialect(files: &[(&str, &str)], path: &str) -> (Validity, String, String) {
    let artifact = artifact(files);
    let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    let file = parsed.files.iter().find(|file| file.source.path == path).expect("it is in the artifact");
    let said = |key: &str| parsed.details[key][path].as_str().unwrap_or_default().to_owned();
    (file.validity, said("dialects"), said("dialectFrom"))
}

/// What Node makes of `.js` files that nothing says a word about: the verdict, the dialect and the source.
const UNDECIDED: &[(&str, &str, &str)] = &[
    ("v", "module", "import fs from 'fs'"),
    ("v", "module", "export const x = 1"),
    ("v", "module", "import.meta.url"),
    ("v", "module", "await 1"),
    ("v", "module", "for await (const x of []);"),
    ("v", "module", "const module = 1; const require = 2"),
    ("v", "module", "let x = await\n/1/g; import 'fs'"),
    ("v", "module", "var yield_ = 1\nimport 'fs'; export default 1"),
    ("v", "commonjs", "await\n`x`"),
    ("v", "commonjs", "new.target; return"),
    ("v", "commonjs", "module.exports = import('fs')"),
    ("v", "commonjs", "with ({}) 010"),
    ("v", "commonjs", "// import x from 'y'\nexports.x = `\nimport x from 'y'\n`; await = 1"),
    ("x", "", "import fs from 'fs'; return"),
    ("x", "", "\u{feff}#!/usr/bin/env node\nimport fs from 'fs'"),
    ("x", "", "await 1; return"),
    ("x", "", "with ({}) {}\nimport 'fs'"),
    ("x", "", "var await = 1\nimport 'fs'"),
    ("x", "", "var x = 010; import 'fs'"),
    ("x", "", "function f() { await 1 }"),
    ("x", "", "<!-- x\nimport 'fs'"),
    ("x", "", "var a; function a() {}; import 'fs'"),
    ("x", "", "new.target; await 0"),
    ("x", "", "const require = 1; return"),
];

#[test]
fn undecided_files_are_what_node_makes_of_them() {
    for (verdict, expected, source) in UNDECIDED {
        let (validity, dialect, _) = dialect(&[("a.js", source)], "a.js");
        assert_eq!(validity == Validity::Valid, *verdict == "v", "{source}");
        assert!(validity != Validity::Valid || dialect == *expected, "{source}: {dialect}");
    }
}

#[test]
fn the_report_says_what_decided_the_dialect() {
    let page = "<script src=a.js></script><script type=module src=b.js></script>";
    let module = ("package.json", "{\"type\": \"module\"}");
    let plain = ("package.json", "{}");
    for (files, path, expected) in [
        (vec![module, ("a.js", "")], "a.js", ("v", "module", "\"type\": \"module\" in package.json")),
        (vec![module, ("a.js", "return")], "a.js", ("x", "module", "\"type\": \"module\" in package.json")),
        (vec![plain, ("a.js", "return")], "a.js", ("v", "commonjs", "package.json names no type, and it is CommonJS")),
        (
            vec![("a.js", "await 1")],
            "a.js",
            ("v", "module", "no package.json names a type, and its syntax is that of a module"),
        ),
        (vec![("a.cjs", "")], "a.cjs", ("v", "commonjs", "the extension .cjs")),
        (vec![("i.html", page), ("a.js", "var await")], "a.js", ("v", "script", "a script element in i.html")),
        (vec![("i.html", page), ("a.js", "return")], "a.js", ("x", "script", "a script element in i.html")),
        (vec![("i.html", page), ("b.js", "var x")], "b.js", ("v", "module", "a script element in i.html")),
        (vec![("i.html", page), ("b.js", "var await")], "b.js", ("x", "module", "a script element in i.html")),
        (
            vec![("i.html", page), plain, ("a.js", "return")],
            "a.js",
            ("v", "commonjs", "package.json names no type, and it is CommonJS"),
        ),
        (vec![("a.js", "x = <a/>")], "a.js", ("v", "jsx", "it is JSX, which is compiled before it runs")),
    ] {
        let (validity, dialect, from) = dialect(&files, path);
        let verdict = if validity == Validity::Valid { "v" } else { "x" };
        assert_eq!((verdict, &*dialect, &*from), expected, "{files:?}");
    }
}

#[test]
fn what_must_be_compiled_is_noted() {
    for (path, source, expected) in [
        ("a.ts", "enum A { B }", Some("an enum")),
        ("a.ts", "namespace N { export const x = 1 }", Some("a namespace")),
        ("a.ts", "class A { constructor(private x: number) {} }", Some("a parameter property")),
        ("a.ts", "import fs = require('fs')", Some("an import with `=`")),
        ("a.ts", "let x = <any>1", Some("a type assertion with angle brackets")),
        ("a.ts", "declare enum A { B }", None),
        ("a.ts", "declare namespace N { const x: 1; enum E {} }", None),
        ("a.ts", "namespace N { export type X = 1 }", None),
        (
            "a.ts",
            "abstract class A<T> { private x?: T; abstract m(): void } let y = 1 as number satisfies number",
            None,
        ),
        ("a.ts", "function f(): void; function f(x?: any): void {} import type { A } from 'fs'", None),
        ("a.d.ts", "enum A { B }", None),
        ("a.js", "x = <a/>", Some("this is JSX")),
        ("a.jsx", "x = <a/>", None),
    ] {
        let (validity, findings) = judge(path, source, NodeVersion::Node26);
        assert_eq!(validity, Validity::Valid, "{source}: {findings:?}");
        let found: Vec<_> = findings.iter().map(|finding| (finding.severity, finding.message.as_str())).collect();
        match expected {
            None => assert_eq!(found, [], "{source}"),
            Some(words) => assert!(
                found.len() == 1 && found[0].0 == Severity::Info && found[0].1.starts_with(words),
                "{source}: {found:?}"
            ),
        }
    }
}

#[test]
fn what_is_no_jsx_is_not_taken_for_it() {
    let package = ("package.json", "{\"type\": \"commonjs\"}");
    for (source, expected) in [
        ("import a from 'b'\nexport default 1 < 2\n", Validity::Invalid),
        ("import a from 'b'\nexport default <a/>\n", Validity::Valid),
    ] {
        let (validity, dialect, _) = dialect(&[package, ("a.js", source)], "a.js");
        assert_eq!(validity, expected, "{source} as {dialect}");
    }
}

#[test]
fn faults_after_a_mend_are_at_their_own_place() {
    for (source, line, column) in [
        ("f() = 1;\nlet\n'x';\ng(1", 4, 2),
        ("f() = 1; g() = 2; x = ;", 1, 23),
        ("if (a) function f() {} let f; let f;", 1, 35),
    ] {
        let (validity, findings) = judge("a.cjs", source, NodeVersion::Node26);
        let at = findings[0].range.map(|range| (range.start.line, range.start.column));
        assert_eq!((validity, at), (Validity::Invalid, Some((line, column))), "{source}: {findings:?}");
    }
}

#[test]
fn what_a_version_lacks_is_named_with_the_version_that_has_it() {
    let (_, findings) = judge("a.mjs", "{ using x = y }", NodeVersion::Node22);
    assert_eq!(findings[0].message, "a `using` declaration is not supported by Node 22");
    assert_eq!(findings[0].hint.as_deref(), Some("it needs Node 24"));
    let (_, findings) = judge("a.mjs", "import x from 'y' assert { type: 'json' }", NodeVersion::Node26);
    assert_eq!(findings[0].hint.as_deref(), Some("write `with` for `assert`"));
    let (_, findings) = judge("a.cjs", "for (const x of y) z.forEach(a => { if (a) break; })", NodeVersion::Node26);
    assert!(findings[0].message.starts_with("illegal break statement"), "{findings:?}");
}

/// Calls as targets: an error of the running program.
const CALLS: &[Row] = &[
    (SCRIPT, "vvvv", "f() = 1"),
    ("a.mjs", "vvvv", "f()++"),
    (SCRIPT, "vvvv", "++(f())"),
    (SCRIPT, "vvvv", "for (f() of x);"),
    (SCRIPT, "vvvv", "for (f() in x);"),
    (SCRIPT, "vvvv", "f().x() **= 2"),
    (SCRIPT, "vvvv", "x = [f() = 1]"),
    ("a.cjs", "vvvv", "class A extends B { constructor() { super() = 1 } }"),
    (SCRIPT, "xxxx", "[f()] = x"),
    (SCRIPT, "xxxx", "({ a: f() } = x)"),
    (SCRIPT, "xxxx", "[f() = 1] = x"),
    (SCRIPT, "xxxx", "[...f()] = x"),
    (SCRIPT, "xxxx", "f() &&= 1"),
    (SCRIPT, "xxxx", "f`x` = 1"),
    (SCRIPT, "xxxx", "new f() = 1"),
    (SCRIPT, "xxxx", "f?.() = 1"),
    (SCRIPT, "xxxx", "import(x) = 1"),
    (SCRIPT, "xxxx", "a = 1; (f(), g()) = 1"),
    (SCRIPT, "xxxx", "[a, b.import()] = g"),
];

/// `let` as a name.
const LET: &[Row] = &[
    (SCRIPT, "vvvv", "let"),
    (SCRIPT, "vvvv", "{ let }"),
    (SCRIPT, "vvvv", "let, x"),
    (SCRIPT, "vvvv", "let\n'x'"),
    (SCRIPT, "vvvv", "let // x\n"),
    (SCRIPT, "vvvv", "let <!-- x"),
    (SCRIPT, "vvvv", "let\nif (1);"),
    (SCRIPT, "vvvv", "let => 1"),
    (SCRIPT, "vvvv", "let = 1, { a } = b"),
    ("a.cjs", "vvvv", "if (1) let\nx"),
    (SCRIPT, "vvvv", "let`x`"),
    (SCRIPT, "vvvv", "switch (x) { case let: let\ncase 2: }"),
    (SCRIPT, "xxxx", "let\nlet"),
    (SCRIPT, "xxxx", "let\n{}"),
    (SCRIPT, "xxxx", "let 1"),
    ("a.mjs", "xxxx", "let"),
    (SCRIPT, "xxxx", "\"use strict\"; let"),
    (SCRIPT, "xxxx", "function f() { \"use strict\"; let\n1 }"),
    (SCRIPT, "vvvv", "try {} catch (let) {}"),
    (SCRIPT, "xxxx", "try {} catch ([let]) {}"),
    (SCRIPT, "xxxx", "try {} catch ({ a: [...let] }) {}"),
];

/// Functions that are bodies of an `if`.
const FUNCTIONS_IN_IF: &[Row] = &[
    (SCRIPT, "vvvv", "if (a) function f() {} let f"),
    (SCRIPT, "vvvv", "{ if (a) function f() {} var f }"),
    (SCRIPT, "vvvv", "let f; if (a) ; else function f() {}"),
    (SCRIPT, "vvvv", "if (a) function f() {} class f {}"),
    (SCRIPT, "xxxx", "let f; var f; if (a) function f() {}"),
    ("a.mjs", "xxxx", "if (a) function f() {} let f"),
    (SCRIPT, "xxxx", "class A { static { if (a) function f() {} var f } }"),
    (SCRIPT, "xxxx", "if (a) async function f() {}"),
    (SCRIPT, "xxxx", "if (a) label: function f() {}"),
];

/// The variables that Node gives a CommonJS file.
const WRAPPER: &[Row] = &[
    ("a.cjs", "xxxx", "const require = 1"),
    ("a.cjs", "xxxx", "let exports"),
    ("a.cjs", "xxxx", "class module {}"),
    ("a.cjs", "xxxx", "const { __dirname } = x"),
    ("a.cjs", "vvvv", "function require() {}"),
    ("a.cjs", "vvvv", "var module"),
    ("a.cjs", "vvvv", "{ let module }"),
    ("a.cjs", "vvvv", "function f() { let exports }"),
    (SCRIPT, "vvvv", "const require = 1"),
    ("a.mjs", "vvvv", "const require = 1"),
    ("a.cjs", "vvvv", "return"),
    ("a.cjs", "vvvv", "new.target"),
    ("a.cjs", "vvvv", "await: 1"),
    ("a.cjs", "xxxx", "super.x"),
    ("a.cjs", "xxxx", "import.meta"),
    (SCRIPT, "xxxx", "return"),
    (SCRIPT, "xxxx", "new.target"),
    ("a.mjs", "xxxx", "return"),
    ("a.mjs", "vvvv", "await 1"),
    ("a.mjs", "xxxx", "await: 1"),
    ("a.mjs", "xxxx", "var await"),
];

/// `using`.
const USING: &[Row] = &[
    ("a.mjs", "xxvv", "using x = y"),
    (SCRIPT, "xxvv", "{ using x = y }"),
    ("a.cjs", "xxvv", "using x = y"),
    (SCRIPT, "xxxx", "using x = y"),
    (SCRIPT, "xxvv", "for (using x of y);"),
    ("a.cjs", "xxvv", "async function f() { await using x = y }"),
    ("a.mjs", "xxvv", "await using x = y"),
    ("a.mjs", "xxvv", "for await (using x of y);"),
    ("a.cjs", "xxxx", "await using x = y"),
    (SCRIPT, "xxxx", "{ await using x = y }"),
    (SCRIPT, "xxxx", "function f() { await using x = y }"),
    (SCRIPT, "xxxx", "for (await using x of y);"),
    ("a.mjs", "xxxx", "class A { static { await using x = y } }"),
    ("a.mjs", "xxxx", "function f() { await using x = y }"),
    (SCRIPT, "vvvv", "using.x; using = 1; using: 1"),
    (SCRIPT, "vvvv", "for (using of x);"),
    (SCRIPT, "vvvv", "{ using [x] = y }"),
    (SCRIPT, "xxxx", "switch (a) { case 1: using x = y }"),
];

/// Imports.
const IMPORTS: &[Row] = &[
    ("a.mjs", "xxvv", "import source x from \"y\""),
    ("a.mjs", "vvvv", "import source from \"y\""),
    ("a.mjs", "vvvv", "import defer from \"y\""),
    ("a.mjs", "xxxx", "import defer * as x from \"y\""),
    ("a.mjs", "xxxx", "import source x from \"y\" with { type: \"z\" }"),
    ("a.mjs", "xxxx", "import sourc\\u0065 x from \"y\""),
    (SCRIPT, "xxvv", "import.source(\"x\")"),
    (SCRIPT, "xxxx", "import.source(\"x\", \"y\")"),
    (SCRIPT, "xxxx", "import.defer(\"x\")"),
    ("a.mjs", "vvvv", "import x from \"y\" with { type: \"json\" }"),
    ("a.mjs", "vxxx", "import x from \"y\" assert { type: \"json\" }"),
    ("a.mjs", "vxxx", "export * from \"y\" assert {}"),
    ("a.mjs", "xxxx", "import x from \"y\" with { type: \"a\", type: \"b\" }"),
    (SCRIPT, "vvvv", "import(\"x\", { with: {} })"),
    ("a.mjs", "xxxx", "new import(\"x\")"),
    ("a.mjs", "xxxx", "new import(\"x\")()"),
    ("a.mjs", "xxvv", "new import(\"x\").y"),
    ("a.mjs", "xxvv", "new import(\"x\").y.z(1)"),
    ("a.mjs", "vvvv", "new (import(\"x\"))"),
    ("a.mjs", "vvvv", "new import.meta.x"),
    (SCRIPT, "vvvv", "import(\"x\").y = 1"),
];

/// Regular expressions.
const REGEX: &[Row] = &[
    (SCRIPT, "xxvv", "/(?i:a)/"),
    (SCRIPT, "xxvv", "/(?-i:a)/"),
    (SCRIPT, "xxvv", "/(?ims-:a)/"),
    (SCRIPT, "xxxx", "/(?-:a)/"),
    (SCRIPT, "xxxx", "/(?ii:a)/"),
    (SCRIPT, "xxvv", "/(?<a>x)|(?<a>y)/"),
    (SCRIPT, "xxvv", "/(?:(?<a>x)|(?<a>y))\\k<a>/"),
    (SCRIPT, "xxxx", "/(?<a>x)(?<a>y)/"),
    (SCRIPT, "xxxx", "/(?<a>x|(?<a>y))/"),
    (SCRIPT, "xxxx", "/(?<a>x)(?<\\u0061>y)/"),
    (SCRIPT, "vvvv", "/[\\p{L}--[a-z]]/v"),
    (SCRIPT, "xxxx", "/[(]/v"),
    (SCRIPT, "vvvv", "/[[](?<a>x)[]]/"),
    (SCRIPT, "xxxx", "/[\\c]/u"),
    (SCRIPT, "vvvv", "/[\\c]/"),
    (SCRIPT, "vvvv", "/\\cA/u"),
    (SCRIPT, "vvvv", "/x{99999999999999999999}/"),
    (SCRIPT, "xxxx", "/x{2,1}/"),
    (SCRIPT, "xxxx", "/\\p{sc=Hrkt}/u"),
    (SCRIPT, "vvvv", "/\\p{sc=Hrkt}/"),
    (SCRIPT, "vvvv", "/(?=a)*/"),
    (SCRIPT, "xxxx", "/(?=a)*/u"),
    (SCRIPT, "xxxx", "/(?<=a)*/"),
    (SCRIPT, "vvvv", "/\\k<a>/"),
    (SCRIPT, "xxxx", "/(?<a>.)\\k<b>/"),
    (SCRIPT, "xxxx", "/{1}/"),
    (SCRIPT, "xxxx", "/a**/"),
    (SCRIPT, "xxxx", "/(/"),
    (SCRIPT, "xxxx", "/a/gg"),
    (SCRIPT, "xxxx", "/a/uv"),
    (SCRIPT, "xxxx", "/[b-a]/"),
    (SCRIPT, "xxxx", "/\\1/u"),
    (SCRIPT, "xxxx", "/\\u{110000}/u"),
];

/// TypeScript and proposals in plain JavaScript.
const TYPES: &[Row] = &[
    ("a.mjs", "xxxx", "class A { private x }"),
    ("a.mjs", "xxxx", "class A { readonly x = 1 }"),
    ("a.mjs", "xxxx", "class A { declare x }"),
    ("a.mjs", "xxxx", "class A { x? }"),
    ("a.mjs", "xxxx", "class A { x! }"),
    ("a.mjs", "xxxx", "class A { m?() {} }"),
    ("a.mjs", "xxxx", "class A { override m() {} }"),
    ("a.mjs", "xxxx", "class A { async 1; }"),
    ("a.mjs", "xxxx", "class A { accessor *x() {} }"),
    ("a.mjs", "xxxx", "class A { accessor x = 1 }"),
    ("a.mjs", "vvvv", "class A { accessor }"),
    ("a.mjs", "vvvv", "class A { accessor() {} }"),
    ("a.mjs", "vvvv", "class A { static async *[/* public */ x]() {} static /* readonly */ y; private; readonly = 1 }"),
    ("a.mjs", "xxxx", "@d class A {}"),
    ("a.mjs", "xxxx", "class A { @d x }"),
    ("a.mjs", "xxxx", "class A { constructor(private x) {} }"),
    ("a.mjs", "xxxx", "class A { abstract m() }"),
    ("a.mjs", "xxxx", "let x: number"),
    ("a.mjs", "xxxx", "x as y"),
    ("a.mjs", "xxxx", "x!"),
    ("a.mjs", "xxxx", "interface A {}"),
    (SCRIPT, "vvvv", "interface\nA\n{}"),
    ("a.mjs", "vvvv", "type = 1; declare = 2"),
    ("a.mjs", "xxxx", "enum A {}"),
    ("a.mjs", "xxxx", "function f(x?) {}"),
    ("a.mjs", "xxxx", "import type x from \"y\""),
    ("a.mjs", "vvvv", "import type from \"y\""),
    ("a.mjs", "xxxx", "<x/>"),
];

/// Octal literals and escapes in strict code.
const OCTALS: &[Row] = &[
    (SCRIPT, "vvvv", "010; \"\\01\"; 08; \"\\8\""),
    ("a.mjs", "xxxx", "010"),
    ("a.mjs", "xxxx", "\"\\8\""),
    (SCRIPT, "vvxx", "class A { 010() {} }"),
    (SCRIPT, "vvxx", "class A { x = \"\\01\" }"),
    (SCRIPT, "vvxx", "class A { static { 08 } }"),
    (SCRIPT, "vvxx", "class A extends 010 {}"),
    (SCRIPT, "vvxx", "class A { [\"\\8\"]() {} }"),
    (SCRIPT, "xxxx", "class A { m() { 010 } }"),
    (SCRIPT, "xxxx", "class A { x = () => 010 }"),
    (SCRIPT, "xxxx", "class A { x = function () { 010 } }"),
    (SCRIPT, "xxxx", "function f() { \"use strict\"; class A { x = 010 } }"),
    (SCRIPT, "vvxx", "function f() { class A { x = 010 } }"),
    (SCRIPT, "xxxx", "function f() { \"\\01\"; \"use strict\" }"),
    (SCRIPT, "xxxx", "`\\01`"),
    (SCRIPT, "vvvv", "f`\\01`"),
    (SCRIPT, "vvvv", "f`${1}\\u{`"),
];

/// Comments, white space and what is none.
const SPACE: &[Row] = &[
    (SCRIPT, "vvvv", "x <!-- y"),
    ("a.mjs", "xxxx", "x <!-- y"),
    (SCRIPT, "vvvv", "x\n--> y"),
    ("a.mjs", "xxxx", "x\n--> y"),
    (SCRIPT, "vvvv", "x --> y"),
    ("a.cjs", "vvvv", "/*\n*/ --> y"),
    (SCRIPT, "vvvv", "#!x"),
    ("a.mjs", "vvvv", "#!x"),
    (SCRIPT, "xxxx", " #!x"),
    ("a.mjs", "xxxx", "x\u{200b}y"),
    ("a.mjs", "xxxx", "x\u{85}y"),
    ("a.mjs", "vvvv", "x\u{a0}=\u{3000}y"),
    ("a.mjs", "vvvv", "\u{feff}x"),
    ("a.mjs", "vvvv", "a\u{2028}b"),
    ("a.mjs", "vvvv", "\"\u{2028}\""),
    ("a.mjs", "vvvv", "\"\u{200b}\u{85}\""),
    ("a.mjs", "xxxx", "x\u{180e}"),
    ("a.mjs", "xxxx", "x\u{0}"),
    ("a.mjs", "vvvv", "\"\u{0}\""),
    ("a.mjs", "vvvv", "\u{2160}\u{b7}"),
];

/// Jumps out of arrow functions, and to labels.
const JUMPS: &[Row] = &[
    (SCRIPT, "xxxx", "while(1){(()=>{break;})()}"),
    (SCRIPT, "xxxx", "while(1){(()=>{continue;})()}"),
    (SCRIPT, "xxxx", "a:while(1){(()=>{continue a;})()}"),
    (SCRIPT, "xxxx", "a:while(1){(()=>{break a;})()}"),
    (SCRIPT, "xxxx", "switch(x){case 1: y=>{break}}"),
    (SCRIPT, "vvvv", "while(1){switch(x){case 1:continue}}"),
    (SCRIPT, "xxxx", "switch(x){case 1:continue}"),
    (SCRIPT, "vvvv", "a:b:while(1)continue a"),
    (SCRIPT, "xxxx", "a:b:{continue a}"),
    (SCRIPT, "xxxx", "a:b:{while(1)continue a}"),
    (SCRIPT, "vvvv", "a:b:{break a}"),
    (SCRIPT, "xxxx", "a:{while(1)continue a}"),
    (SCRIPT, "vvvv", "while(1)()=>{while(1)break}"),
    (SCRIPT, "vvvv", "()=>{while(1)break}"),
    (SCRIPT, "xxxx", "while(1){class A{x=()=>{break}}}"),
    (SCRIPT, "xxxx", "while(1){class A{static{break}}}"),
    (SCRIPT, "vvvv", "while(1){class A{static{while(1)break}}}"),
    (SCRIPT, "xxxx", "while(1){({m(){break}})}"),
    (SCRIPT, "xxxx", "for(x of ()=>{break});"),
    (SCRIPT, "vvvv", "a: ()=>{a: while(1) break a}"),
    (SCRIPT, "xxxx", "()=>{break}"),
    (SCRIPT, "xxxx", "a:()=>{break a}"),
    (SCRIPT, "vvvv", "do continue; while(0)"),
    (SCRIPT, "vvvv", "a: if(1) break a"),
    (SCRIPT, "xxxx", "a: if(1) continue a"),
    (SCRIPT, "xxxx", "for(;;) {async ()=>{break}}"),
    (SCRIPT, "xxxx", "for(;;) a.forEach(x=>{if(x)continue;})"),
];

/// Names declared twice.
const TWICE: &[Row] = &[
    (SCRIPT, "xxxx", "{function a(){} var [a,a]=b}"),
    ("a.cjs", "xxxx", "switch(b){default:async function a(){}a:var[a,a]=c}"),
    (SCRIPT, "vvvv", "function a(){} var [a,a]=b"),
    (SCRIPT, "vvvv", "{function y(){}}let y"),
    ("a.cjs", "vvvv", "{function y(){}}let y"),
    (SCRIPT, "vvvv", "function y(){}{var y}"),
    ("a.cjs", "vvvv", "function y(){}{var y}"),
    ("a.cjs", "vvvv", "function f(){function y(){}{var y}}"),
    (SCRIPT, "vvvv", "var y;{function y(){}}"),
    (SCRIPT, "vvvv", "let y;{function y(){}}"),
    (SCRIPT, "xxxx", "{function y(){} let y}"),
    (SCRIPT, "vvvv", "{function y(){}}class y{}"),
    (SCRIPT, "vvvv", "{function y(){}}const y=1"),
    (SCRIPT, "vvvv", "switch(x){case 1:function y(){}}let y"),
    (SCRIPT, "vvvv", "function f(){{function y(){}}let y}"),
    (SCRIPT, "vvvv", "{function y(){}{function y(){}}}let y"),
    (SCRIPT, "vvvv", "{function y(){}function y(){}}let y"),
    (SCRIPT, "xxxx", "{function y(){}}let y;var y"),
    (SCRIPT, "vvvv", "{{function y(){}}let y}"),
    (SCRIPT, "vvvv", "{function* y(){}}let y"),
    (SCRIPT, "xxxx", "label:function y(){} let y"),
    (SCRIPT, "vvvv", "{label:function y(){}} let y"),
    (SCRIPT, "vvvv", "function g(y){{function y(){}}}"),
    (SCRIPT, "vvvv", "function g(y){{function y(){}}let z}"),
    (SCRIPT, "vvvv", "{function y(){}}function y(){}"),
    (SCRIPT, "vvvv", "{function y(){}}var y"),
    (SCRIPT, "vvvv", "for(let y;;){{function y(){}}}"),
    (SCRIPT, "vvvv", "try{}catch(y){{function y(){}}}"),
    (SCRIPT, "vvvv", "try{}catch([y]){{function y(){}}}"),
    (SCRIPT, "xxxx", "try{}catch(y){function y(){}}"),
    (SCRIPT, "vvvv", "{let y;{function y(){}}}"),
    (SCRIPT, "vvvv", "{var y}function y(){}"),
    ("a.cjs", "vvvv", "{var y}function y(){}"),
    ("a.cjs", "vvvv", "for(var y of z);function y(){}"),
    ("a.cjs", "vvvv", "function y(){}var y"),
    ("a.cjs", "vvvv", "function y(){}for(;;){var y}"),
    ("a.mjs", "xxxx", "function y(){}{var y}"),
    ("a.mjs", "xxxx", "function y(){}var y"),
    ("a.mjs", "vvvv", "function f(){function y(){}{var y}}"),
    ("a.cjs", "vvvv", "'use strict';function y(){}{var y}"),
    (SCRIPT, "xxxx", "{let y;try{}catch(y){var y}}"),
    (SCRIPT, "xxxx", "let y;try{}catch(y){var y}"),
    (SCRIPT, "xxxx", "function f(){let y;try{}catch(y){var y}}"),
    (SCRIPT, "xxxx", "try{}catch([y]){try{}catch(y){var y}}"),
    (SCRIPT, "vvvv", "try{}catch(y){try{}catch(y){var y}}"),
    (SCRIPT, "xxxx", "{function y(){}try{}catch(y){var y}}"),
    (SCRIPT, "xxxx", "{class y{}try{}catch(y){{var y}}}"),
    (SCRIPT, "xxxx", "let y;try{}catch(y){for(var y;;);}"),
    (SCRIPT, "xxxx", "let y;try{}catch(y){for(var y in z);}"),
    (SCRIPT, "vvvv", "try{}catch(y){for(var y of z);}"),
    (SCRIPT, "vvvv", "let y;try{}catch(y){(()=>{var y})}"),
    (SCRIPT, "vvvv", "try{}catch(y){var [y]=1}"),
    (SCRIPT, "xxxx", "let y;try{}catch(y){var {y}=1}"),
    (SCRIPT, "xxxx", "import('x');let y;try{}catch(y){var y}"),
    ("a.mjs", "xxxx", "import y from 'x';try{}catch(y){var y}"),
    (SCRIPT, "xxxx", "try{}catch(y){let y}"),
    (SCRIPT, "vvvv", "try{}catch(y){{let y}}"),
    (SCRIPT, "xxxx", "try{}catch(y){{let y;{var y}}}"),
    (SCRIPT, "vvvv", "function f(y){try{}catch(y){var y}}"),
    (SCRIPT, "xxxx", "for(let y;;)try{}catch(y){var y}"),
    (SCRIPT, "vvvv", "(function y(){try{}catch(y){var y}})"),
    (SCRIPT, "xxxx", "switch(1){case 1:let y;default:try{}catch(y){var y}}"),
    (SCRIPT, "vvvv", "try{}catch(y){if(1)function y(){}}"),
    (SCRIPT, "vvvv", "var y;try{}catch(y){var y}"),
    (SCRIPT, "vvvv", "function y(){}try{}catch(y){var y}"),
    ("a.mjs", "xxxx", "function y(){}try{}catch(y){var y}"),
];

/// `await` in static initializers.
const STATIC_AWAIT: &[Row] = &[
    (SCRIPT, "xxxx", "class A{static x=await}"),
    (SCRIPT, "vvvv", "class A{x=await}"),
    (SCRIPT, "vvvv", "class A{static x=()=>await}"),
    (SCRIPT, "vvvv", "class A{static x=function(){await}}"),
    (SCRIPT, "vvvv", "class A{static x=function await(){}}"),
    (SCRIPT, "vvvv", "class A{static [await]=1}"),
    (SCRIPT, "xxxx", "class A{static x={await}}"),
    (SCRIPT, "vvvv", "class A{static x={await:1}}"),
    (SCRIPT, "vvvv", "class A{static x=a.await}"),
    (SCRIPT, "xxxx", "class A{static x=class{[await]=1}}"),
    (SCRIPT, "vvvv", "class A{static x=class{y=await}}"),
    (SCRIPT, "vvvv", "class A{static x=class{m(){await}}}"),
    (SCRIPT, "xxxx", "class A{static x=class extends await{}}"),
    (SCRIPT, "vvvv", "class A{static x=async()=>await 1}"),
    (SCRIPT, "vvvv", "class A{static x={m(await){}}}"),
    (SCRIPT, "vvvv", "class A{static x=()=>{await:1}}"),
    (SCRIPT, "vvvv", "class A{static x=()=>{let await}}"),
    (SCRIPT, "xxxx", "class A{static x=async await=>1}"),
    (SCRIPT, "xxxx", "class A{static x=(await)=>1}"),
    (SCRIPT, "xxxx", "async function f(){class A{static x=await}}"),
    (SCRIPT, "vvvv", "async function f(){class A{x=await}}"),
    (SCRIPT, "xxxx", "async function f(){class A{[await]=1}}"),
    (SCRIPT, "xxxx", "class A{static x=`${await}`}"),
    (SCRIPT, "xxxx", "class A{static x=yield}"),
    (SCRIPT, "xxxx", "class A{static{await}}"),
    (SCRIPT, "vvvv", "class A{static{()=>await}}"),
    (SCRIPT, "vvvv", "class A{static{function f(){await}}}"),
    (SCRIPT, "vvvv", "class A{static x=function(a=await){}}"),
    (SCRIPT, "vvvv", "class A{static x=()=>function(){await}}"),
    (SCRIPT, "vvvv", "class A{static accessor(){await}}"),
];

/// Operators that do not mix, and `eval` and `arguments` in patterns.
const OPERATORS: &[Row] = &[
    ("a.mjs", "xxxx", "for(arguments in x);"),
    ("a.mjs", "xxxx", "for(eval of x);"),
    ("a.mjs", "xxxx", "for((eval) of x);"),
    ("a.mjs", "xxxx", "for([eval] of x);"),
    ("a.mjs", "xxxx", "for(arguments of x);"),
    ("a.mjs", "xxxx", "for(eval in x);"),
    ("a.mjs", "xxxx", "for(var eval of x);"),
    (SCRIPT, "vvvv", "for(eval of x);"),
    ("a.mjs", "xxxx", "for(eval=1;;);"),
    ("a.mjs", "xxxx", "async()=>{for await(eval of x);}"),
    ("a.mjs", "vvvv", "for(eval.x of y);"),
    (SCRIPT, "xxxx", "function f(){'use strict';for(arguments of x);}"),
    (SCRIPT, "xxxx", "class A{m(){for(eval of x);}}"),
    ("a.mjs", "xxxx", "for((arguments) in x);"),
    (SCRIPT, "xxxx", "a??(b)||c"),
    (SCRIPT, "xxxx", "a??(b)&&c"),
    (SCRIPT, "xxxx", "a||(b)??c"),
    (SCRIPT, "xxxx", "a&&(b)??c"),
    (SCRIPT, "xxxx", "a??b||c"),
    (SCRIPT, "vvvv", "a??(b||c)"),
    (SCRIPT, "vvvv", "(a??b)||c"),
    (SCRIPT, "xxxx", "a??((b))||c"),
    (SCRIPT, "xxxx", "a??(b)||(c)"),
    (SCRIPT, "xxxx", "(a)??(b)||c"),
    (SCRIPT, "xxxx", "(a)||(b)??c"),
    (SCRIPT, "xxxx", "a??b.c||d"),
    (SCRIPT, "xxxx", "a??f()||d"),
    (SCRIPT, "xxxx", "a??[b]||c"),
    (SCRIPT, "xxxx", "a??(b).c||d"),
    (SCRIPT, "xxxx", "a||b??c"),
    (SCRIPT, "xxxx", "(a)||b??c"),
    (SCRIPT, "vvvv", "a||(b??c)"),
    (SCRIPT, "xxxx", "a ?? b ?? (c) || d"),
    (SCRIPT, "xxxx", "a??(b,c)||d"),
    (SCRIPT, "vvvv", "a ?? (b) ?? c"),
    (SCRIPT, "vvvv", "(a && b) ?? c"),
    (SCRIPT, "vvvv", "a && (b) || c"),
    (SCRIPT, "vvvv", "a??(b)?c:d"),
    (SCRIPT, "xxxx", "a??!b||c"),
    (SCRIPT, "xxxx", "a??(x=>1)||c"),
    ("a.mjs", "vvvv", "({a=eval}=b)"),
    ("a.mjs", "vvvv", "[a=arguments]=b"),
    ("a.mjs", "vvvv", "[a=eval(1)]=b"),
    ("a.mjs", "vvvv", "[a.b=eval]=b"),
    ("a.mjs", "xxxx", "[eval=1]=b"),
    ("a.mjs", "vvvv", "[[a]=eval]=b"),
    ("a.mjs", "vvvv", "({a:b=eval}=c)"),
    ("a.mjs", "vvvv", "({a=(eval)}=b)"),
    ("a.mjs", "vvvv", "({a=arguments[0]}=b)"),
    ("a.mjs", "vvvv", "({a=arguments+1}=b)"),
    ("a.mjs", "vvvv", "[a=eval.x]=b"),
    ("a.mjs", "vvvv", "for([a=eval] of b);"),
    ("a.mjs", "xxxx", "({eval}=b)"),
    ("a.mjs", "xxxx", "({a:eval}=b)"),
    ("a.mjs", "vvvv", "({a=()=>arguments}=b)"),
    ("a.mjs", "vvvv", "({a=b.eval}=c)"),
    ("a.mjs", "xxxx", "({arguments=1}=b)"),
    ("a.mjs", "vvvv", "({a=[eval]}=b)"),
    ("a.mjs", "xxxx", "({...eval}=b)"),
    ("a.mjs", "xxxx", "[a=eval=1]=b"),
    ("a.mjs", "vvvv", "({a=f(arguments)}=b)"),
    ("a.mjs", "vvvv", "({a=arguments.length}=b)"),
    (SCRIPT, "vvvv", "class A{[x=>1]=1}"),
    (SCRIPT, "vvvv", "({[async x=>1]:1})"),
    (SCRIPT, "xxxx", "class A{[a,async x=>1]=1}"),
    (SCRIPT, "vvvv", "class A{[(async x=>1)]=1}"),
    (SCRIPT, "vvvv", "for(yield in x);"),
    (SCRIPT, "vvvv", "for(yield.x of x);"),
    (SCRIPT, "vvvv", "for(var yield of x);"),
    (SCRIPT, "vvvv", "for(yield;;);"),
    (SCRIPT, "vvvv", "for(yield=1;;);"),
    (SCRIPT, "vvvv", "for(await of x);"),
    (SCRIPT, "vvvv", "for(let yield of x);"),
    (SCRIPT, "vvvv", "for(yield\nof x);"),
    (SCRIPT, "vvvv", "const a=let"),
    (SCRIPT, "vvvv", "let a=let"),
    (SCRIPT, "vvvv", "let [a=let]=b"),
    (SCRIPT, "vvvv", "let a=function let(){}"),
    (SCRIPT, "vvvv", "let {a=function(let){}}=b"),
    (SCRIPT, "vvvv", "let a=function(let){}"),
    (SCRIPT, "vvvv", "let a=()=>{var let}"),
    (SCRIPT, "vvvv", "const {a=()=>{var let}}=b"),
];

/// Early errors.
const EARLY: &[Row] = &[
    (SCRIPT, "xxxx", "({ __proto__: 1, __proto__: 2 })"),
    (SCRIPT, "vvvv", "({ __proto__: a, \"__proto__\": b } = c)"),
    (SCRIPT, "vvvv", "({ __proto__: 1, __proto__() {}, [\"__proto__\"]: 2, __proto__ })"),
    (SCRIPT, "xxxx", "a: a: ;"),
    (SCRIPT, "vvvv", "a: { (function () { a: ; })() }"),
    (SCRIPT, "xxxx", "while (1) { (() => { break; })() }"),
    (SCRIPT, "xxxx", "a: { continue a; }"),
    ("a.mjs", "xxxx", "class A { #a; #a }"),
    ("a.mjs", "vvvv", "class A { get #a() {} set #a(x) {} }"),
    ("a.mjs", "xxxx", "this.#a"),
    ("a.mjs", "xxxx", "class A { m() { delete this.#a } #a }"),
    ("a.mjs", "xxxx", "class A { constructor() {} constructor() {} }"),
    ("a.mjs", "xxxx", "class A { \"constructor\" = 1 }"),
    (SCRIPT, "xxxx", "({ get a(b) {} })"),
    (SCRIPT, "xxxx", "({ set a(...b) {} })"),
    (SCRIPT, "vvvv", "function f(a, a) {}"),
    (SCRIPT, "xxxx", "function f(a, [a]) {}"),
    (SCRIPT, "xxxx", "(a, a) => 1"),
    (SCRIPT, "xxxx", "function f(a = 1) { \"use strict\" }"),
    ("a.mjs", "xxxx", "arguments = 1"),
    ("a.mjs", "xxxx", "eval++"),
    (SCRIPT, "vvvv", "eval = arguments = 1"),
    (SCRIPT, "xxxx", "a?.b = 1"),
    (SCRIPT, "xxxx", "a?.`b`"),
    (SCRIPT, "xxxx", "new a?.b()"),
    (SCRIPT, "xxxx", "a ?? b || c"),
    (SCRIPT, "xxxx", "-a ** b"),
    (SCRIPT, "xxxx", "`${}`"),
    (SCRIPT, "xxxx", "`\\u{}`"),
    (SCRIPT, "vvvv", "yield = await = async = 1"),
    (SCRIPT, "xxxx", "function* g() { (yield) => 1 }"),
    (SCRIPT, "xxxx", "async (a = await 1) => 1"),
    (SCRIPT, "xxxx", "for (let of x);"),
    (SCRIPT, "xxxx", "for (async of x);"),
    (SCRIPT, "vvvv", "for (async of => 1;;);"),
    (SCRIPT, "xxxx", "for (let a = 1 of x);"),
    (SCRIPT, "vvvv", "for (var a = 1 in x);"),
    (SCRIPT, "xxxx", "const a"),
    (SCRIPT, "xxxx", "let a; var a"),
    (SCRIPT, "vvvv", "{ function a() {} function a() {} }"),
    ("a.mjs", "xxxx", "{ function a() {} function a() {} }"),
    (SCRIPT, "vvvv", "try {} catch (e) { var e }"),
    (SCRIPT, "xxxx", "try {} catch ([e]) { var e }"),
    ("a.mjs", "xxxx", "export { a }"),
    ("a.mjs", "xxxx", "export var a; export { a }"),
    ("a.mjs", "xxxx", "import { a, a } from \"b\""),
    ("a.mjs", "xxxx", "with (a) {}"),
    ("a.mjs", "xxxx", "delete a"),
    (SCRIPT, "xxxx", "({ a = 1 })"),
    (SCRIPT, "xxxx", "({}) = 1"),
    (SCRIPT, "vvvv", "({ a }) => 1, ([a]) => 1"),
    (SCRIPT, "xxxx", "throw\na"),
    (SCRIPT, "xxxx", "super()"),
    (SCRIPT, "vvvv", "({ m() { super.x } })"),
    ("a.mjs", "xxxx", "class A { x = arguments }"),
    ("a.mjs", "xxxx", "class A { static { await } }"),
];
