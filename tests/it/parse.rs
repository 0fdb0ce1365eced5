//! Tests of: parse.
//!
//! The tables hold the verdicts of CPython 3.14 and of V8; positions are where a reader should look.

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::{Finding, Severity};
use vetrun::language::{EngineVersions, PythonVersion};
use vetrun::passes::parse::{Target, Validity, parse};
use vetrun::policy::{ByteSize, ParsePolicy};

/// The verdict on one file, and what was found in it.
fn judge(path: &str, bytes: &[u8]) -> (Validity, Vec<Finding>) {
    judge_with(path, bytes, &ParsePolicy::default())
}

fn judge_with(path: &str, bytes: &[u8], policy: &ParsePolicy) -> (Validity, Vec<Finding>) {
    let artifact = Artifact::new("a", "a", vec![SourceFile::new(path, bytes.to_vec())], Vec::new());
    let (parsed, findings) = parse(&artifact, policy, &Target::new(policy, EngineVersions::default(), None));
    (parsed.files[0].validity, findings)
}

/// Every case of a table must be refused, at its place.
fn refuses(path: &str, cases: &[(&str, u32, u32)]) {
    let mut wrong = Vec::new();
    for (code, line, column) in cases {
        let (validity, findings) = judge(path, code.as_bytes());
        let place =
            findings.first().and_then(|finding| finding.range).map(|range| (range.start.line, range.start.column));
        if validity != Validity::Invalid || place != Some((*line, *column)) {
            let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
            wrong.push(format!("{code:?}: {validity:?} at {place:?}, not ({line}, {column}): {messages:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every case of a table must be accepted, without a finding.
fn accepts(path: &str, cases: &[&str]) {
    let mut wrong = Vec::new();
    for code in cases {
        let (validity, findings) = judge(path, code.as_bytes());
        if validity != Validity::Valid || !findings.is_empty() {
            let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
            wrong.push(format!("{code:?}: {validity:?}: {messages:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Code that CPython refuses, and the line and column of the fault.
const INVALID_PYTHON: &[(&str, u32, u32)] = &[
    ("def f()\n    pass\n", 1, 8),
    ("print(foo\nx = 1\n", 1, 6),
    ("print(1))\n", 1, 9),
    ("x = [1,\ny = 2\n", 1, 5),
    ("x = (1]\n", 1, 7),
    ("x = {'a': 1\n", 1, 5),
    ("x = 'abc\n", 1, 5),
    ("x = '''abc\n\n", 1, 5),
    ("x = f'{a\n'\n}\n", 2, 1),
    ("print 'x'\n", 1, 1),
    ("    print 'x'\n", 1, 1),
    ("if x:\n    print 'x'\n", 2, 5),
    ("exec 'x'\n", 1, 1),
    ("if x = 1:\n    pass\n", 1, 4),
    ("f() = 1\n", 1, 1),
    ("1 = x\n", 1, 1),
    ("x = [1 2]\n", 1, 6),
    ("d = {'a' 1}\n", 1, 6),
    ("def f():\n    x = 1\n     y = 2\n", 3, 1),
    ("def f():\n        x = 1\n    y = 2\n", 3, 1),
    ("def f():\npass\n", 2, 1),
    ("if x:\n\ty\n        z\n", 3, 1),
    ("return 1\n", 1, 1),
    ("yield 1\n", 1, 1),
    ("await x\n", 1, 1),
    ("def f():\n    await x\n", 2, 5),
    ("break\n", 1, 1),
    ("continue\n", 1, 1),
    ("for x in y:\n    def f():\n        break\n", 3, 9),
    ("nonlocal x\n", 1, 1),
    ("def f():\n    nonlocal q\n", 2, 5),
    ("def f():\n    x = 1\n    global x\n", 3, 5),
    ("def f(x):\n    global x\n", 2, 5),
    ("def f():\n    x = 1\n    def g():\n        x = 2\n        nonlocal x\n", 5, 9),
    ("def f(a=1, b): pass\n", 1, 12),
    ("f(a=1, 2)\n", 1, 8),
    ("def f(a, a): pass\n", 1, 10),
    ("f(a=1, a=2)\n", 1, 8),
    ("if x:\n    pass\nelse if y:\n    pass\n", 3, 6),
    ("x = \u{201c}a\u{201d}\n", 1, 5),
    ("```python\nx = 1\n```\n", 1, 1),
    ("x++\n", 1, 4),
    ("if a && b:\n    pass\n", 1, 7),
    ("class = 1\n", 1, 7),
    ("x = 0777\n", 1, 5),
    ("f'{}'\n", 1, 4),
    ("try:\n    pass\nx = 1\n", 3, 1),
    ("def f():\n    if x:\n", 2, 10),
    ("x := 1\n", 1, 3),
    ("lambda: return 1\n", 1, 9),
    ("x = *a\n", 1, 5),
    ("*a\n", 1, 1),
    ("for x y:\n    pass\n", 1, 7),
    ("x = 1 \\ \ny\n", 1, 8),
    ("x\u{a0}= 1\n", 1, 2),
    ("x = 1\u{200b}\n", 1, 6),
    ("try:\n    pass\nexcept:\n    pass\nexcept E:\n    pass\n", 3, 1),
    ("for x in y:\n    try:\n        pass\n    except* E:\n        break\n", 5, 9),
    ("__debug__ = 1\n", 1, 1),
    ("x.__debug__ = 1\n", 1, 1),
    ("f(__debug__=1)\n", 1, 3),
    ("match x:\n    case _ | 1:\n        pass\n", 2, 10),
    ("match x:\n    case y:\n        pass\n    case 1:\n        pass\n", 2, 10),
    ("match x:\n    case a, a:\n        pass\n", 2, 13),
    ("from __future__ import nope\n", 1, 24),
    ("x = 1\nfrom __future__ import annotations\n", 2, 1),
    ("def f():\n    from x import *\n", 2, 5),
    ("async def f():\n    yield 1\n    return 2\n", 3, 5),
    ("async def f():\n    yield from x\n", 2, 5),
    ("[(x := 1) for x in y]\n", 1, 3),
    ("a, *b, *c = x\n", 1, 1),
    ("del f()\n", 1, 5),
    ("with x as f(): pass\n", 1, 11),
    ("x: int: str\n", 1, 7),
    ("import a.b as c.d\n", 1, 15),
    ("class A:\n    return 1\n", 2, 5),
    ("def f[T, T](): pass\n", 1, 10),
    ("def f():\n    yield , 1\n", 2, 11),
    ("b'\u{e9}'\n", 1, 3),
    ("'\\N{no such name}'\n", 1, 5),
    ("A[*b]: int\n", 1, 3),
    ("f'{*a}'\n", 1, 4),
    ("f'{a:{b:{c:{d}}}}'\n", 1, 12),
    ("match x:\n    case f'': pass\n", 2, 10),
    ("match x:\n    case (None | _) | _: pass\n", 2, 18),
];

#[test]
fn invalid_python_is_refused_at_its_place() {
    refuses("a.py", INVALID_PYTHON);
}

#[test]
fn tricky_python_is_accepted() {
    accepts(
        "a.py",
        &[
            "",
            "\u{feff}x = 1\n",
            "match = 1\ncase = match\nprint(match, case)\n",
            "match x:\n    case {'a': [1, *rest], **kw} if rest: pass\n    case Point(x=0) | None: pass\n    case _: pass\n",
            "f'{x!r:>{width}} {{}} {f\"{y['a']}\"} {'\\n'.join(z)}'\n",
            "f'{x = }' f\"{\n  a\n}\"\n",
            "f'{(lambda x: {1: x})(2)[1]:{'>'}{10}}'\n",
            "if (n := len(a)) > 10: pass\n[y := 1, y**2]\n",
            "async def f():\n    return [x async for x in y if await z]\n",
            "async def f():\n    return [[x async for x in y] for z in w]\n",
            "async def f():\n    async with a as b, c: pass\n    async for x in y: pass\n    else: pass\n",
            "def f[T: int = str, *Ts = *tuple[int], **P = []](x: T) -> T: ...\ntype A[T] = list[T]\nclass B[T](C[T]): pass\n",
            "try: pass\nexcept* (A, B) as e:\n    for x in y: break\n",
            "try: pass\nexcept A, B: pass\n",
            "@a.b[c](d).e\n@(lambda f: f)\ndef f(): pass\n",
            "def f(a, /, b, *, c): pass\nlambda *a, **k: (a, k)\n",
            "with (open(a) as b, open(c) as d,): pass\n",
            "x = 1_000 + 0x_f + 0b1 + 1e-5j + .5\n",
            "def f():\n    global x\n    x = 1\n",
            "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n",
            "class A:\n    def f(self):\n        nonlocal __class__\n",
            "def f():\n    return (yield)\n",
            "def f():\n    x = yield from y\n",
            "for x in y:\n    pass\nelse:\n    pass\n",
            "while 1:\n    if x: continue\n    try: pass\n    finally: break\n",
            "x = *a, *b\nprint(*a, **b)\nfor x in *a, b: pass\n",
            "def f():\n    return *a, b\n",
            "from __future__ import annotations\nx: int = 1\n",
            "'doc'\nfrom __future__ import annotations\n",
            "if x:\n\ty\n\tz\n",
            "def f():\n\tif x:\n\t    y\n\t    z\n",
            "x = 'a' \\\n    'b'\n",
            "class A:\n    x = [y for y in range(3) if y]\n",
            "(await_ for await_ in x)\nprint = 1\nprint\n",
            "t'{x}'\n",
            "x = 1; y = 2;\n",
            "# c\rx = 1\r",
            "def f(): pass\n\x0c\ndef g(): pass\n",
            "é = 1\nprint(é)\n",
            "lambda: (yield)\n",
            "x[1:2, ::3, ...]\nx[*a]\nx[*a] = 1\n",
            "async def f():\n    g = (await x for x in y)\n",
            "global x\nx = 1\n",
            "def f():\n    (x for x in (await_,))\n",
            "raise A from None\nassert (a, b)\ndel (a), b[1], c.d\n",
            "try: pass\nexcept A: pass\nexcept: pass\n",
        ],
    );
}

#[test]
fn invalid_javascript_is_refused_at_its_place() {
    refuses(
        "a.js",
        &[
            ("f(1;\n", 1, 4),
            ("function f() {\n  x();\n", 1, 14),
            ("x();\n}\n", 2, 1),
            ("let a = [1, 2;\n", 1, 14),
            ("let a = 'abc;\n", 1, 9),
            ("let a = `abc;\n", 1, 9),
            ("let a = /abc;\n", 1, 9),
            ("let a = [1 2];\n", 1, 12),
            ("let a = {a: 1 b: 2};\n", 1, 15),
            ("const a;\n", 1, 7),
            ("let a; let a;\n", 1, 12),
            ("1 = a;\n", 1, 1),
            ("function f() {\n  await x();\n}\n", 2, 3),
            ("break;\n", 1, 1),
            ("continue;\n", 1, 1),
            ("'use strict'; function f(a, a) {}\n", 1, 29),
            ("var class = 1;\n", 1, 5),
            ("} else { }\n", 1, 1),
            ("let f = (a)\n=> a;\n", 2, 1),
            ("a?.b = 1;\n", 1, 1),
            ("a ?? b || c;\n", 1, 8),
            ("super();\n", 1, 1),
            ("class A { m() { this.#x; } }\n", 1, 22),
            ("'use strict'; let a = 010;\n", 1, 23),
            ("let a: number = 1;\n", 1, 6),
            ("interface A { a: string }\n", 1, 11),
            ("def f():\n  return 1\n", 1, 5),
            ("let a = \u{201c}x\u{201d};\n", 1, 9),
            ("class A {\n  ...\n}\n", 2, 3),
            ("/(/;\n", 1, 2),
            ("let o = { get a(b) { } };\n", 1, 16),
            ("for (let a = 1 of b) {}\n", 1, 6),
            ("try { }\n", 1, 8),
            ("function* f() { 'use strict'; var yield; }\n", 1, 35),
            ("if a { }\n", 1, 4),
            ("x = {a: 1,, b: 2};\n", 1, 11),
            ("async () => { for await (x in y); }\n", 1, 15),
            ("let let = 1;\n", 1, 5),
            ("class A { constructor() {} constructor() {} }\n", 1, 28),
            ("a: a: ;\n", 1, 4),
            ("class A { private x = 1; }\n", 1, 11),
            ("class A { x?: 1; }\n", 1, 13),
            ("@dec class A {}\n", 1, 1),
            ("let a\u{200b} = 1;\n", 1, 6),
            ("import a from 'a'; return 1;\n", 1, 20),
            ("export default 1; export default 2;\n", 1, 26),
            ("x = '\\u{110000}';\n", 1, 6),
            ("/a/gg;\n", 1, 5),
            ("import x from 'y';\nnew.target;\n", 2, 1),
            ("/* a\n", 1, 1),
        ],
    );
}

#[test]
fn tricky_javascript_is_accepted() {
    accepts(
        "a.js",
        &[
            "",
            "#!/usr/bin/env node\nreturn 1;\n",
            "const x = require('x'); module.exports = { x };\n",
            "import x from 'x';\nexport const y = await x;\n",
            "class A { #x = 1; static #y; static { A.#y = 2; } has(o) { return #x in o; } get [a]() {} }\n",
            "/[\\p{L}--[a-z]]/v.test(x); /(?<a>.)\\k<a>/u; /(?<=a)b/s;\n",
            "a?.b?.[c]?.(d); a ??= b; a ||= c; a &&= d; a ** -b;\n",
            "let x\nlet y = x\n++y\n",
            "var let_ = 1; let async; async = 1; of = 2; get = 3;\n",
            "f() = 1; f()++; for (f() of x);\n",
            "`a${`b${c}`}d`; tag`\\u`; String.raw`\\n`;\n",
            "label: for (;;) { continue label; }\n",
            "function f(a, b = a, ...[c, { d = 1 }]) { return arguments; }\n",
            "async function* f() { for await (const x of y) yield* x; }\n",
            "const { a, b: { c = 1 } = {}, ...rest } = x; [a, , b] = [b, , a];\n",
            "x = y => ({ y }); z = async (a) => await a; (() => {})();\n",
            "import('x').then(y); import.meta;\nexport {};\n",
            "export * as ns from 'x'; export { a as 'b c' }; let a;\n",
            "x = 1_000n + 0b1 + 0o7 + .5e-3;\n",
            "<!-- html comment\nx\n--> another\n",
            "if (a) function f() {} else function g() {}\n",
            "switch (x) { case 1: default: { break } case 2: }\n",
            "with (a) b; var undefined; delete a;\n",
            "try { } catch { } finally { }\n",
            "x = a / b / c; y = a++ / 2; if (a) /b/.test(c)\n",
            "'\u{2028}'; // x\u{2028}y\n",
            "var yield = 1; var await = 2;\n",
            "({ __proto__: null, 'a': 1, [b]: 2, async *c() {}, get d() {}, set d(x) {} });\n",
            "new (foo())(); new a.b.c; new.target;\n",
            "do x(); while (y) z()\n",
            "```js\nlet x = 1;\n```;\n",
            "\u{feff}x\n",
        ],
    );
}

#[test]
fn javascript_goals_follow_extension_and_package() {
    let dialect = |files: &[(&str, &str)], path: &str| {
        let files = files.iter().map(|(path, text)| SourceFile::new(*path, text.as_bytes().to_vec())).collect();
        let artifact = Artifact::new("a", "a", files, Vec::new());
        let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
        let file = parsed.files.iter().find(|file| file.source.path == path).expect("it is in the artifact");
        (file.validity, file.dialect)
    };
    let module = ("package.json", "{\"type\": \"module\"}");
    let plain = ("lib/package.json", "{}");
    for (files, path, expected) in [
        (vec![("a.mjs", "await x")], "a.mjs", (Validity::Valid, Some("module"))),
        (vec![("a.cjs", "return 1")], "a.cjs", (Validity::Valid, Some("commonjs"))),
        (vec![("a.cjs", "import x from 'x'")], "a.cjs", (Validity::Invalid, Some("commonjs"))),
        (vec![("a.js", "import x from 'x'")], "a.js", (Validity::Valid, Some("module"))),
        (vec![module, ("a.js", "return 1")], "a.js", (Validity::Invalid, Some("module"))),
        (vec![module, plain, ("lib/a.js", "return 1")], "lib/a.js", (Validity::Valid, Some("commonjs"))),
        (vec![("a.jsx", "x = <a b={c}>d</a>")], "a.jsx", (Validity::Valid, Some("jsx"))),
        (vec![("a.js", "x = <a b={c}>d</a>")], "a.js", (Validity::Valid, Some("jsx"))),
        (vec![("a.ts", "let a: number = <any>1")], "a.ts", (Validity::Valid, Some("typescript"))),
        (vec![("a.tsx", "let a: number = <b>1</b>")], "a.tsx", (Validity::Valid, Some("tsx"))),
        (vec![("a.d.ts", "declare const a: number")], "a.d.ts", (Validity::Valid, Some("declarations"))),
    ] {
        assert_eq!(dialect(&files, path), expected, "{files:?}");
    }
}

#[test]
fn hints_say_what_to_do() {
    for (path, code, expected) in [
        ("a.py", "def f()\n    pass\n", "add ':'"),
        ("a.py", "x = (1,\n", "add the missing ')'"),
        ("a.py", "print 'x'\n", "Python 2"),
        ("a.py", "x = \u{201c}a\u{201d}\n", "typographic quotes"),
        ("a.py", "```python\nx\n```\n", "```"),
        ("a.py", "if x && y:\n    pass\n", "`and`"),
        ("a.py", "if x:\n    pass\nelse if y:\n    pass\n", "`elif`"),
        ("a.js", "let a: number = 1;\n", "TypeScript"),
        ("a.js", "def f():\n  pass\n", "Python"),
        ("a.js", "let a = \u{2018}x\u{2019};\n", "typographic quotes"),
        ("a.json", "{\"a\": 1,}", "comma"),
    ] {
        let (_, findings) = judge(path, code.as_bytes());
        let hint = findings.first().and_then(|finding| finding.hint.as_deref()).unwrap_or_default();
        assert!(hint.contains(expected), "{code:?}: {hint:?} of {findings:?}");
    }
}

#[test]
fn the_python_version_of_the_policy_counts() {
    let policy = |version| ParsePolicy { python_version: Some(version), ..ParsePolicy::default() };
    for (code, since) in [
        ("match x:\n    case 1: pass\n", 10),
        ("try: pass\nexcept* A: pass\n", 11),
        ("type A = int\n", 12),
        ("f'{x[\"a\"]}' f\"{x[\"a\"]}\"\n", 12),
        ("class A[T = int]: pass\n", 13),
        ("try: pass\nexcept A, B: pass\n", 14),
    ] {
        for version in PythonVersion::ALL {
            let (validity, findings) = judge_with("a.py", code.as_bytes(), &policy(version));
            let expected = if version.minor() >= since { Validity::Valid } else { Validity::Invalid };
            assert_eq!(validity, expected, "{code:?} for {version}: {findings:?}");
        }
    }
}

#[test]
fn pages_are_judged_with_their_scripts_and_styles() {
    let page =
        "<!DOCTYPE html>\n<html>\n<style>\na { color: red; }\n</style>\n<script>\nlet x = ;\n</script>\n</html>\n";
    let (validity, findings) = judge("a.html", page.as_bytes());
    assert_eq!(validity, Validity::Invalid);
    let range = findings[0].range.expect("it has a place");
    assert_eq!((findings[0].rule_id.as_ref(), range.start.line, range.start.column), ("javascript-syntax-error", 7, 9));

    let artifact = Artifact::new("a", "a", vec![SourceFile::new("a.html", page.as_bytes().to_vec())], Vec::new());
    let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    let regions: Vec<_> =
        parsed.files[0].regions.iter().map(|region| (region.language.name(), &page[region.range.clone()])).collect();
    assert_eq!(regions, [("html", page), ("css", "\na { color: red; }\n"), ("javascript", "\nlet x = ;\n")]);

    let (validity, findings) = judge("a.html", b"<html><body><script>\nlet x = 1;");
    assert_eq!((validity, findings[0].severity), (Validity::Invalid, Severity::High));
    let (validity, findings) = judge("a.html", b"<html><body><div><p>x</body></html>");
    assert_eq!((validity, findings[0].severity), (Validity::Valid, Severity::Low));
}

fn wrap(open: &str, middle: &str, close: &str, n: usize) -> String {
    format!("{}{middle}{}", open.repeat(n), close.repeat(n))
}

/// A name, the path that tells the language, and the text for a depth.
type Nest = (&'static str, &'static str, fn(usize) -> String);

/// Nests of every kind.
const NESTS: &[Nest] = &[
    ("py parens", "a.py", |n| wrap("(", "1", ")", n)),
    ("py lists", "a.py", |n| wrap("[", "", "]", n)),
    ("py dicts", "a.py", |n| wrap("{1:", "1", "}", n)),
    ("py open", "a.py", |n| "[".repeat(n)),
    ("py minus", "a.py", |n| wrap("-", "1", "", n)),
    ("py not", "a.py", |n| wrap("not ", "1", "", n)),
    ("py lambda", "a.py", |n| wrap("lambda: ", "1", "", n)),
    ("py ternary", "a.py", |n| wrap("1 if x else ", "1", "", n)),
    ("py plus", "a.py", |n| wrap("1+", "1", "", n)),
    ("py power", "a.py", |n| wrap("2**", "1", "", n)),
    ("py and", "a.py", |n| wrap("a and ", "1", "", n)),
    ("py attributes", "a.py", |n| wrap("a", ".b", "", 1) + &".c".repeat(n)),
    ("py calls", "a.py", |n| format!("f{}", "()".repeat(n))),
    ("py subscripts", "a.py", |n| format!("f{}", "[0]".repeat(n))),
    ("py indents", "a.py", |n| {
        let n = n.min(3000);
        (0..n).map(|level| " ".repeat(level) + "if x:\n").collect::<String>() + &" ".repeat(n) + "x\n"
    }),
    ("py elif", "a.py", |n| "if x: pass\n".to_owned() + &"elif x: pass\n".repeat(n)),
    ("py stars", "a.py", |n| wrap("*", "x", "", n)),
    ("py awaits", "a.py", |n| format!("async def f(): {}x", "await ".repeat(n))),
    ("py fstrings", "a.py", |n| wrap("f'{", "1", "}'", n)),
    ("py comprehensions", "a.py", |n| wrap("[x for x in ", "y", "]", n)),
    ("py fooled", "a.py", |n| format!("f\"{{'\"'}}{{{}", "(".repeat(n))),
    ("js parens", "a.js", |n| wrap("(", "1", ")", n)),
    ("js arrays", "a.js", |n| wrap("[", "", "]", n)),
    ("js objects", "a.js", |n| format!("x={}", wrap("{a:", "1", "}", n))),
    ("js fooled", "a.js", |n| format!("x = a++ /'/ {}", "(".repeat(n))),
    ("js fooled by jsx", "a.jsx", |n| format!("x = <p>'</p>; {}", wrap("[", "", "]", n))),
    ("js arrows", "a.js", |n| wrap("x=>", "1", "", n)),
    ("js ternaries", "a.js", |n| wrap("a?b:", "1", "", n)),
    ("js templates", "a.js", |n| wrap("`${", "1", "}`", n)),
    ("js not", "a.js", |n| wrap("!", "1", "", n)),
    ("js minus", "a.js", |n| wrap("- ", "1", "", n)),
    ("js typeof", "a.js", |n| wrap("typeof ", "1", "", n)),
    ("js plus", "a.js", |n| wrap("1+", "1", "", n)),
    ("js power", "a.js", |n| wrap("2**", "1", "", n)),
    ("js assignments", "a.js", |n| wrap("a=", "1", "", n)),
    ("js members", "a.js", |n| format!("a{}", ".b".repeat(n))),
    ("js calls", "a.js", |n| format!("a{}", "()".repeat(n))),
    ("js optional", "a.js", |n| format!("a{}", "?.b".repeat(n))),
    ("js tags", "a.js", |n| format!("a{}", "``".repeat(n))),
    ("js blocks", "a.js", |n| wrap("{", "", "}", n)),
    ("js functions", "a.js", |n| wrap("function f(){", "", "}", n)),
    ("js classes", "a.js", |n| wrap("class A{m(){", "", "}}", n)),
    ("js if", "a.js", |n| wrap("if(a)", ";", "", n)),
    ("js else if", "a.js", |n| wrap("if(a);else ", ";", "", n)),
    ("js for", "a.js", |n| wrap("for(;;)", ";", "", n)),
    ("js do", "a.js", |n| wrap("do ", ";", " while(1)", n)),
    ("js labels", "a.js", |n| (0..n).map(|at| format!("a{at}:")).collect::<String>() + ";"),
    ("js new", "a.js", |n| wrap("new ", "a", "", n)),
    ("js async", "a.js", |n| wrap("async x=>", "1", "", n)),
    ("js regex", "a.js", |n| format!("/{}/", wrap("(", "a", ")", n))),
    ("js regex classes", "a.js", |n| format!("/{}/v", wrap("[", "a", "]", n))),
    ("js jsx", "a.jsx", |n| format!("x={}", wrap("<a>", "1", "</a>", n))),
    ("js destructuring", "a.js", |n| format!("var {}=x", wrap("[", "a", "]", n))),
    ("ts generics", "a.ts", |n| format!("let a: {}", wrap("A<", "B", ">", n))),
    ("ts arrays", "a.ts", |n| format!("let a: B{}", "[]".repeat(n))),
    ("ts conditional", "a.ts", |n| format!("type A = {}C", "B extends C ? D : ".repeat(n))),
    ("ts keyof", "a.ts", |n| format!("type A = {}C", "keyof ".repeat(n))),
    ("ts functions", "a.ts", |n| format!("type A = {}C", "()=>".repeat(n))),
    ("ts casts", "a.ts", |n| format!("x = {}y", "<any>".repeat(n))),
    ("ts namespaces", "a.ts", |n| wrap("namespace a{", "", "}", n)),
    ("json arrays", "a.json", |n| wrap("[", "", "]", n)),
    ("json open", "a.json", |n| wrap("{\"a\":", "", "", n)),
    ("html divs", "a.html", |n| wrap("<div>", "", "</div>", n)),
    ("html open", "a.html", |n| "<b>".repeat(n)),
    ("html scripts", "a.html", |n| "<script>x</script>".repeat(n)),
    ("html comments", "a.html", |n| "<!--".repeat(n)),
    ("html ends", "a.html", |n| "</script".repeat(n)),
    ("html less", "a.html", |n| "<".repeat(n)),
    ("html closed comments", "a.html", |n| "<!---->".repeat(n)),
    ("css urls", "a.css", |n| "url(".repeat(n)),
    ("js open regexes", "a.js", |n| "/[".repeat(n)),
    ("js call targets", "a.js", |n| "f()=1;".repeat(n)),
    ("js arguments", "a.js", |n| "f(a, ".repeat(n)),
    ("js parameters", "a.js", |n| "async (a, ".repeat(n)),
    ("js yields", "a.js", |n| format!("function* f() {{ {}", "yield (a.b == ".repeat(n))),
    ("js redeclared", "a.js", |n| "let a;".repeat(n)),
    ("js zero-width spaces", "a.js", |n| "\u{200b}".repeat(n)),
    ("py backslashes", "a.py", |n| format!("f'{}", "\\".repeat(n))),
    ("py names of characters", "a.py", |n| format!("f'{}", "\\N{".repeat(n))),
    ("py returns", "a.py", |n| "return;".repeat(n)),
    ("py quotes", "a.py", |n| "f'{".repeat(n)),
    ("css blocks", "a.css", |n| wrap("a{", "", "}", n)),
    ("css calls", "a.css", |n| format!("a{{b:{}}}", wrap("calc(", "1", ")", n))),
    ("css not", "a.css", |n| format!("a{}{{}}", wrap(":not(", "b", ")", n))),
    ("yaml flow", "a.yaml", |n| wrap("[", "", "]", n)),
    ("yaml dashes", "a.yaml", |n| wrap("- ", "a", "", n)),
    ("yaml keys", "a.yaml", |n| wrap("? ", "a", "", n)),
    ("yaml open", "a.yaml", |n| "{a: ".repeat(n)),
    ("toml arrays", "a.toml", |n| format!("a={}", wrap("[", "", "]", n))),
    ("toml tables", "a.toml", |n| format!("a={}", wrap("{a=", "1", "}", n))),
    ("toml keys", "a.toml", |n| format!("a{}=1", ".a".repeat(n))),
    ("toml header", "a.toml", |n| format!("[a{}]", ".a".repeat(n))),
];

#[test]
fn hostile_nests_neither_crash_nor_hang() {
    let slow = std::time::Duration::from_secs(20);
    for (name, path, nest) in NESTS {
        for depth in [1_000, 10_000, 100_000] {
            let text = nest(depth);
            let begun = std::time::Instant::now();
            let (validity, findings) = judge(path, text.as_bytes());
            let took = begun.elapsed();
            if std::env::var_os("VETRUN_TEST_TIMES").is_some() {
                println!("{name} {depth}: {took:?} {validity:?} {:?}", findings.first().map(|one| &one.message));
            }
            assert!(took < slow, "{name} {depth}: {took:?}");
            assert_eq!(validity == Validity::Invalid, findings.iter().any(|one| one.severity >= Severity::Medium));
        }
    }
}

#[test]
fn files_over_the_limit_are_refused() {
    let policy = ParsePolicy { file_bytes_max: ByteSize::new(10), ..ParsePolicy::default() };
    let (validity, findings) = judge_with("a.py", b"x = 123456789\n", &policy);
    assert_eq!((validity, findings[0].rule_id.as_ref()), (Validity::Invalid, "file-too-large-to-parse"));
    let (validity, findings) = judge_with("a.bin", &[0; 100], &policy);
    assert_eq!((validity, findings.len()), (Validity::NotJudged, 0));
}

#[test]
fn findings_of_one_file_are_bounded() {
    let policy = ParsePolicy { findings_per_file_max: 3, ..ParsePolicy::default() };
    let (_, findings) = judge_with("a.py", "return 1\n".repeat(10).as_bytes(), &policy);
    assert_eq!(findings.len(), 4);
    let more = findings.iter().find(|finding| finding.rule_id == "more-syntax-errors").expect("it says so");
    assert!(more.message.contains("at least 7 more"), "{}", more.message);
}

#[test]
fn details_count_what_was_judged() {
    let file = |path: &str, bytes: &[u8]| SourceFile::new(path, bytes.to_vec());
    let files =
        vec![file("a.py", b"x = 1\n"), file("b.js", b"x = ;\n"), file("c.txt", b"hello\n"), file("d.png", b"\0")];
    let artifact = Artifact::new("a", "a", files, Vec::new());
    let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    let details = serde_json::to_string(&parsed.details).expect("a map is JSON");
    assert_eq!(
        details,
        "{\"files\":2,\"invalid\":1,\"byLanguage\":{\"javascript\":1,\"python\":1},\
         \"target\":{\"python\":{\"version\":\"3.14\",\"because\":\"it is the newest known and nothing names another\"},\
         \"node\":{\"version\":\"26\",\"because\":\"it is the newest known and nothing names another\"}},\
         \"dialects\":{\"a.py\":\"3.14\",\"b.js\":\"commonjs\"},\
         \"dialectFrom\":{\"b.js\":\"no package.json names a type, and it is CommonJS\"}}"
    );
    let validity: Vec<_> = parsed.files.iter().map(|file| file.validity).collect();
    assert_eq!(validity, [Validity::Valid, Validity::Invalid, Validity::NotJudged, Validity::NotJudged]);
    assert!(parsed.files[2].text.is_some() && parsed.files[3].text.is_none());
}
