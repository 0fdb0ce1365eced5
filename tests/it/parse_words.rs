//! The words for what does not parse: what is wrong, where, why, and what to do about it.
//!
//! The sources are what models get wrong; the words that each of them gets stand in the snapshots. CPython 3.14 and
//! Node 26 say the same of nearly all of them, in the same words and on the same line.

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::Finding;
use vetrun::passes::parse::{Target, parse};
use vetrun::policy::ParsePolicy;

fn findings(path: &str, source: &str) -> Vec<Finding> {
    let artifact = Artifact::new("a", "a", vec![SourceFile::new(path, source.as_bytes().to_vec())], Vec::new());
    parse(&artifact, &ParsePolicy::default(), &Target::default()).1
}

/// What is said of a source, one line a finding: place, message, mend, related places.
fn told(path: &str, source: &str) -> String {
    let mut text = format!("{source:?}\n");
    for finding in findings(path, source) {
        let place = finding.range.map(|range| {
            format!("{}:{}-{}:{}", range.start.line, range.start.column, range.end.line, range.end.column)
        });
        text += &format!("    {} {}\n", place.unwrap_or_default(), finding.message);
        text += &finding.hint.map(|hint| format!("        mend: {hint}\n")).unwrap_or_default();
        for related in finding.related {
            text +=
                &format!("        {}:{} {}\n", related.range.start.line, related.range.start.column, related.message);
        }
    }
    text
}

/// Python that CPython refuses.
const PYTHON: &[&str] = &[
    "x = f\"{a\"\n",
    "x = 'abc\\'\n",
    "x = ur'a'\n",
    "x = 1abc\n",
    "x = 0777\n",
    "f'{a:{b\n'",
    "f'{a!}'",
    "f'{a!x}'",
    "def f():\n    x = 1\n     y = 2\n",
    "x = (1 2\n",
    "print(Hello world\")\n",
    "f'{a b}'",
    "x = 1 <> 2\n",
    "`x`\n",
    "x = 0b12\n",
    "x = 1__0\n",
    "x = 0xg\n",
    "x = 1e\n",
    "import a from b\n",
    "x = 5 if y\n",
    "a = 1 if b else pass\n",
    "try:\n  pass\nexcept A, B as c:\n  pass\n",
    "else:\n  pass\n",
    "elif x:\n  pass\n",
    "  x = 1\n",
    "if x:\n  y\n z\n",
    "class A\n  pass\n",
    "def f(x):\n",
    "for x in y\n  pass\n",
    "f(a for b in c, d)\n",
    "f(**a, *b)\n",
    "f(**a, b)\n",
    "f(a=1, b)\n",
    "x = {1:2, 3}\n",
    "x = {1:}\n",
    "x = {1, 2:3}\n",
    "with a as f(): pass\n",
    "del f()\n",
    "for f() in x: pass\n",
    "(a, 1) = 3\n",
    "a + 1 = 2\n",
    "a + 1 += 2\n",
    "None = 1\n",
    "f() += 1\n",
    "x: int: str\n",
    "\\ x\n",
    "x = \\",
    "def f(a, (b, c)): pass\n",
    "lambda (a): 1\n",
    "print 'a', b\n",
    "exec 'a'\n",
    "print a.b\n",
    "raise A, 'b'\n",
    "whlie x:\n  pass\n",
    "retrun 5\n",
    "x = not\n",
    "if x\n  pass\n",
    "def\n",
    "class\n",
    "import\n",
    "from x import\n",
    "from x import a,\n",
    "x = [1, 2\ny = 3\n",
    "'''abc\n",
    "f'{a'\n",
    "f'{'\n",
    "f'}'\n",
    "async x\n",
    "await\n",
    "yield = 1\n",
    "a := 1\n",
    "(a.b := 1)\n",
    "x = yield = 1\n",
    "1 = x\n",
    "f'a' = x\n",
    "match x:\n  case 1\n    pass\n",
    "match x:\n  pass\n",
    "case 1: pass\n",
    "x = {'a': 1 'b': 2}\n",
    "foo(a b)\n",
    "foo(a, b c)\n",
    "x = [a for b c]\n",
    "if x = 3: pass\n",
    "if x.y = 3: pass\n",
    "while x = f(): pass\n",
    "a b\n",
    "a b c\n",
    "a = b c\n",
    "'a' b 'c'\n",
    "x = \u{201c}abc\u{201d}\n",
    "assert x = 1\n",
    "Here is the code you asked for:\n\n```python\nprint(1)\n```\n\nThis prints one.\n",
    ">>> x = 1\n>>> print(x)\n1\n",
    "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> b\n",
    "if x:\n    pass\nelse if y:\n    pass\n",
    "if a && b:\n    pass\n",
    "x++\n",
    "x = !y\n",
    "function f(x) {\n  return x;\n}\n",
    "let x = 1\n",
    "def f(x) {\n    return x\n}\n",
    "if (x) {\n    y()\n}\n",
    "x = a ? b : c\n",
    "// comment\nx = 1\n",
    "print x\n",
    "exec 'x'\n",
    "raise E, 'x'\n",
    "x = `y`\n",
    "x = 10L\n",
    "if x <> y: pass\n",
    "for x y:\n    pass\n",
    "def f()\n    pass\n",
    "def f:\n    pass\n",
    "if x = 1:\n    pass\n",
    "x = 'abc\n",
    "x = 'it's'\n",
    "x\u{a0}= 1\n",
    "x = f(1\u{ff0c} 2)\n",
    "whlie x:\n    pass\n",
    "improt os\n",
    "form os import path\n",
    "class = 1\n",
    "def class():\n    pass\n",
    "x.class = 1\n",
    "else:\n    pass\n",
    "def f():\n        x = 1\n    y = 2\n",
    "if x:\n\ty\n        z\n",
    "def f():\npass\n",
    "def f():\n    if x:\n",
    "x = foo(1,\n    2,\n",
    "def f():\n    return [\n        1,\n        2,\n",
    "foo(1))\n",
    "x = (1]\n",
    "x = {'a': 1, 'b' 2}\n",
    "f(a=1, 2)\n",
    "def f(a=1, b): pass\n",
    "x = f'{a'\n",
    "x = f'{}'\n",
    "x = f'}'\n",
    "x = 1 \\ \ny\n",
    "def f():\\n    return 1\\n",
    "try:\n    x()\ny = 1\n",
    "try:\n    x()\n",
    "pip install requests\nimport requests\n",
    "!pip install x\n",
    "x = 1st\n",
    "This function adds two numbers together\ndef f(): pass\n",
    "async def f():\n    await\n",
    "const x = 1;\n",
    "switch (x) {\n case 1: break;\n}\n",
    "x = new Foo()\n",
    "x = y => y + 1\n",
    "import {a} from 'b'\n",
    "export default x\n",
    "public class Foo {\n}\n",
    "#include <stdio.h>\nint main() { return 0; }\n",
    "x = 3 4\n",
    "def f(x):\n  return x +\n",
    "x = [i for i in range(3)\nprint(x)\n",
    "while true {\n}\n",
    "class A\n    pass\n",
    "lambda x: return x\n",
    "x = y if z else\n",
    "with open('a') as f\n    pass\n",
    "d = dict(a: 1)\n",
    "f(a: 1)\n",
    "return = 3\n",
    "'''doc\nx = 1\n",
    "def a(:\n  pass\n\ndef b()\n  pass\n\ndef c(x:\n  return 1\n\nx = = 1\n",
    "<html></html>\n",
    "x = 5;;\n",
    "import os sys\n",
    "global\n",
    "print(\"a\" \"b\" c)\n",
    "x =\n",
    "if:\n  pass\n",
    "for i in range(10) print(i)\n",
    "x = {1: 2, 3: }\n",
    "a = b = \n",
    "def a():\n    x = = 1\n\ndef b():\n    return 1 2\n\ndef c():\n    pass\n\ndef d(:\n    pass\n\nclass E\n    def f(self):\n        pass\n",
    "class A:\n    def f(self):\n        x = (1\n\n    def g(self):\n        return ]\n\n    def h(self)\n        pass\n",
    "if x:\n    print 'a'\nelse:\n    print 'b'\nprint 'c'\n",
    "def f():\n    x = 'abc\n    y = 1 +\n    return y\n",
    "x = 1\n  y = 2\nz = 3 4\n",
    "try:\n    f()\nexcept E e:\n    pass\nfinally\n    pass\n",
    "import asyncio\ndef f():\n    await asyncio.sleep(1)\n",
    "d = {'a' 1, 'b': 2}\n",
    "def f():\n    ...\n    # rest of the code\n    x = [1, 2, ...rest]\n",
    "switch x:\n    case 1:\n        pass\n",
    "do:\n    x = 1\nwhile x\n",
    "f = lambda x: return x\n",
    "if True:\n    break\n",
    "def f():\n    x = 1\n    global x\n",
    "x = 1 // a comment\n",
    "try:\n    x = 1\ncatch Exception as e:\n    pass\n",
    "def f():\n    throw ValueError('x')\n",
    "+import os\n-import sys\n import re\n",
    "def my func(x):\n    return x\n",
    "x = {'a': 1, 'b': 2, ..., 'z': 26}\n",
    "if x &lt; 3:\n    print(x)\n",
    "api_key = <your-api-key>\n",
    "def f(x: int, y?: int) -> int:\n    return x\n",
    "x = 1\nreturn x\n",
    "x = yield 3\n",
    "d = {'a': 1, 'b' 2}\n",
    "x = a // b c\n",
    "def f():\n    y = 1\n    return y\nasync def g():\n    pass\nprint(await g())\n",
];

/// JavaScript that V8 refuses.
const JAVASCRIPT: &[&str] = &[
    "f(1;\n",
    "function f() {\n  x();\n",
    "x();\n}\n",
    "let a = [1, 2;\n",
    "let a = 'abc;\n",
    "let a = `abc;\n",
    "let a = /abc;\n",
    "let a = [1 2];\n",
    "let a = {a: 1 b: 2};\n",
    "const a;\n",
    "let a;\nlet a;\n",
    "1 = a;\n",
    "function f() {\n  await x();\n}\n",
    "break;\n",
    "'use strict';\nfunction f(a, a) {}\n",
    "var class = 1;\n",
    "} else { }\n",
    "let f = (a)\n=> a;\n",
    "a?.b = 1;\n",
    "a ?? b || c;\n",
    "super();\n",
    "class A { m() { this.#x; } }\n",
    "'use strict'; let a = 010;\n",
    "let a: number = 1;\n",
    "interface A { a: string }\n",
    "def f():\n  return 1\n",
    "let a = \u{201c}x\u{201d};\n",
    "class A {\n  ...\n}\n",
    "/(/;\n",
    "function f() {\n  if (x) {\n    g();\n",
    "let o = { get a(b) { } };\n",
    "for (let a = 1 of b) {}\n",
    "try { }\n",
    "function* f() { 'use strict'; var yield; }\n",
    "if a { }\n",
    "x = {a: 1,, b: 2};\n",
    "async () => { for await (x in y); }\n",
    "let let = 1;\n",
    "class A { constructor() {} constructor() {} }\n",
    "a: a: ;\n",
    "continue;\n",
    "import a from 'a'; return 1;\n",
    "export default 1; export default 2;\n",
    "x = '\\u{110000}';\n",
    "/a/gg;\n",
    "/* a\n",
    "x = 1 +\n",
    "f(a b)\n",
    "if (x {\n}\n",
    "for (let i = 0; i < 3; i++ {\n}\n",
    "function f(a, b {\n}\n",
    "function (a) {}\n",
    "x = ;\n",
    "let 1a = 2;\n",
    "print 'x'\n",
    "if x:\n    y\n",
    "x = None if y else z\n",
    "elif (x) {}\n",
    "# comment\n",
    "x = a and b\n",
    "from x import y\n",
    "let x = {a = 1};\n",
    "\"use strict\"; with (a) {}\n",
    "\"use strict\"; eval = 1;\n",
    "\"use strict\"; delete x;\n",
    "yield 1;\n",
    "async function f() { yield 1 }\n",
    "switch (x) { default: default: }\n",
    "switch (x) { foo }\n",
    "do x while (y)\n",
    "while (x\n",
    "throw\nx;\n",
    "class A extends { }\n",
    "class { }\n",
    "function f(a=1) { 'use strict' }\n",
    "let [a, a] = b;\n",
    "let a; var a;\n",
    "const a = 1; function a() {}\n",
    "function f(a) { let a; }\n",
    "label: while(1) { break lable; }\n",
    "({a:1, a:2, __proto__:1, __proto__:2})\n",
    "export { x };\n",
    "import { a as b, c as b } from 'x';\n",
    "x = a ? b;\n",
    "(a, b) = 1;\n",
    "a++ = 1;\n",
    "++a++;\n",
    "for (x of a, b) ;\n",
    "for (const x;;);\n",
    "let {a};\n",
    "new a?.b();\n",
    "a?.`x`;\n",
    "0++\n",
    "obj = { a: 1; b: 2 }\n",
    "var x = 09.5n;\n",
    "1n.5\n",
    "'\\x1'\n",
    "`\\u`\n",
    "@dec class A {}\n",
    "enum A { B }\n",
    "private x = 1;\n",
    "type A = string;\n",
    "function f(a: string): void {}\n",
    "const x = y as string;\n",
    "let x!: number;\n",
    "x!\n",
    "import type { A } from 'b';\n",
    "abstract class A {}\n",
    "<div>\n",
    "return (\n  <div>a</div>\n);\n",
    "```js\nlet x = 1;\n```\nfoo bar\n",
    "Here is the code:\n\nlet x = 1;\n",
    "<<<<<<< HEAD\nlet x = 1;\n=======\n",
    "> let x = 1\n",
    "{\"a\": 1, \"b\": 2}\n",
    "let x = 1\u{a0};\nlet y = 2\u{200b};\n",
    "let a = 1\u{ff1b}\n",
    "await x;\nreturn 1;\nimport a from 'b';\n",
    "require('x'); import y from 'z'; with (a) {}\n",
    "import.meta\nreturn\n",
    "function f() { return 1 }}\n",
    "f(function() {\n  x();\n};\n",
    "[1,2,3\n",
    "const f = () => {\n  const g = (a => {\n    b(;\n  });\n};\nfunction h( {\n}\nlet z = = 1;\n",
    "const a = ;\nfunction f( {\n}\nconst b = 1;\nlet c = [1 2];\nclass D { x y }\n",
    "f(`a ${b`);\nlet x = 1;\n",
    "function f() {\n  const a = 1\n  const b = = 2\n}\n\nfunction g(a b) {\n}\n",
    "console.log(Math.max(1, 2);\nlet x = 1;\n",
    "const s = 'it's fine';\n",
    "const o = { a: 1; b: 2 };\n",
    "const o = {\n  a: 1\n  b: 2\n};\n",
    "const l = [1, 2 3];\n",
    "f('a' b);\n",
    "if (x) {\n} elif (y) {\n}\n",
    "if (x) {\n} elseif (y) {\n}\n",
    "import fs from fs;\n",
    "if (not a) {\n  x();\n}\n",
    "for i in range(10) {\n}\n",
    "const f = x => { a: 1, b: 2 };\n",
    "const f = (x) = > x;\n",
    "class A {\n  const x = 1;\n}\n",
    "class A {\n  function f() {}\n}\n",
    "class A {\n  f() {},\n  g() {}\n}\n",
    "if x > 1 {\n  y();\n}\n",
    "while (x {\n}\n",
    "switch (x) {\n  case 1\n    break;\n}\n",
    "function f(...a, b) {}\n",
    "export { a };\n",
    "const l = [1, 2, ...];\n",
    "const key = <your-key>;\n",
    "const o = { a: 1, ... };\n",
    "function f {\n  return 1;\n}\n",
    "const f = (x) { return x; };\n",
    "const f = async x, y => x;\n",
    "const x = 1 +;\n",
    "<script>\nconsole.log(1);\n</script>\n",
    "if (x) else y();\n",
    "class A {\n  f() { return this.#x; }\n}\n",
    "console.log(1));\n",
    "const s = f\"{x}\";\n",
    "if (a &lt; b) { x(); }\n",
    "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
    "const f = lambda x: x + 1;\n",
    "const x = a ?: b;\n",
    "function f() {\n  return\n  {\n    a: 1,\n    b: 2\n  };\n}\n",
    "function f() {\n  import x from 'y';\n}\n",
    "export default 1;\nexport default 2;\n",
    "continue foo;\n",
    "const f = function(a, b c) {};\n",
    "x = (1 + 2;\n",
    "const o = {a: 1;\n",
    "f(a and b);\n",
];

#[test]
fn python_is_told_in_the_words_of_cpython() {
    let table: String = PYTHON.iter().map(|source| told("a.py", source)).collect();
    insta::assert_snapshot!("words-python", table);
}

#[test]
fn javascript_is_told_in_the_words_of_v8() {
    let table: String = JAVASCRIPT.iter().map(|source| told("a.js", source)).collect();
    insta::assert_snapshot!("words-javascript", table);
}

#[test]
fn every_refused_source_is_told_something() {
    for (path, sources) in [("a.py", PYTHON), ("a.js", JAVASCRIPT)] {
        for source in sources {
            let found = findings(path, source);
            assert!(!found.is_empty(), "{source:?}");
            assert!(found.iter().all(|finding| finding.range.is_some()), "{source:?}");
        }
    }
}

/// The number of the statement that each of several faults is in.
fn lines(path: &str, source: &str) -> Vec<u32> {
    findings(path, source).iter().filter_map(|finding| finding.range).map(|range| range.start.line).collect()
}

#[test]
fn independent_faults_are_all_shown_and_nothing_that_one_of_them_causes() {
    let three = "def a()\n    pass\n\ndef b():\n    return 1 2\n\nx = {'a' 1}\n\ndef c():\n    pass\n";
    assert_eq!(lines("a.py", three), [1, 5, 7]);
    let methods = "class A:\n    def f(self)\n        pass\n\n    def g(self):\n        x = = 1\n\n    def h(self):\n        pass\n";
    assert_eq!(lines("a.py", methods), [2, 6]);
    let one = "```python\nprint('x')\n```\n\nThis prints x. It's short.\n";
    assert_eq!(lines("a.py", one), [1]);
    let open = "x = [1,\n\ndef f():\n    return 1\n\ndef g():\n    return 2\n";
    assert_eq!(lines("a.py", open), [1]);
    let branch = "if x = 1:\n    pass\nelif y:\n    pass\nelse:\n    pass\nz = 1\n";
    assert_eq!(lines("a.py", branch), [1]);
    let string = "x = \"\"\"a\n\ndef f():\n    pass\n";
    assert_eq!(lines("a.py", string), [1]);
    let script = "const a = ;\nfunction f() { return 1; }\nlet c = [1 2];\n";
    assert_eq!(lines("a.js", script), [1, 3]);
    let braces = "function f() {\n  if (x) {\n    g();\n}\n\nfunction h() {\n  return 1;\n}\n";
    assert_eq!(lines("a.js", braces).len(), 1);
}

/// A small generator of numbers: the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

#[test]
fn whatever_is_cut_or_put_in_the_places_lie_in_the_text_and_the_words_in_the_house_form() {
    const PYTHON_WHOLE: &str = "import os\n\n@a.b\nclass A(B, c=1):\n    \"\"\"Doc \u{e9}.\"\"\"\n    def f(self, a, *b, c=2, **d) -> int:\n        if a and (b := [x for x in y if x]) or not c:\n            return f'{a!r:>{b}} {{}} {c[\"d\"]}'\n        elif a: pass\n        else:\n            with open(a) as b, c:\n                x = {'a': 1, **b, 'c': (lambda q: q)(1)}\n        try:\n            del x[0], y.z\n        except (A, B) as e:\n            raise C from e\n        finally:\n            match x:\n                case {'a': [1, *_], **r} if r: return\n                case _: yield\n    async def g(): await x; assert a, b\n";
    const SCRIPT_WHOLE: &str = "import x from 'y';\nexport class A extends B {\n  #x = 1;\n  get y() { return `a ${this.#x + `b`} \u{e9}`; }\n}\nasync function f({ a, b = 2 }, ...c) {\n  for (const x of await g(a)) { if (x) continue; else break; }\n  try { return /[a-z]+/g.test(x) ? [1, , ...c] : { a, [b]: 2 }; } catch (e) { throw e; }\n}\nswitch (a) { case 1: f?.(b ?? c); default: a ||= (b, c) => ({}); }\n";
    const PIECES: &[&str] = &[
        "\u{e9}",
        "\u{1f600}",
        "\u{201c}",
        "'",
        "\"",
        "\"\"\"",
        "`",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "=",
        "\n",
        "\r",
        "\t",
        " ",
        "\\",
        "#",
        "/*",
        "//",
        "f'{",
        "\u{a0}",
        "\u{200b}",
        "0",
        "1_",
        "if ",
        "else",
        " in ",
        "print x",
        "```\n",
        "$",
        "?",
        "\u{feff}",
        "<<<<<<<",
    ];
    const ROUNDS: usize = 400;
    let mut numbers = Numbers(7);
    for round in 0..ROUNDS {
        let (path, whole) = if round % 2 == 0 { ("a.py", PYTHON_WHOLE) } else { ("a.js", SCRIPT_WHOLE) };
        let mut source = whole.to_owned();
        for _ in 0..=numbers.below(3) {
            let at = source.floor_char_boundary(numbers.below(source.len() + 1));
            match numbers.below(3) {
                0 => source.insert_str(at, PIECES[numbers.below(PIECES.len())]),
                1 => source.truncate(at.max(1)),
                _ => {
                    let end = source.ceil_char_boundary((at + 1 + numbers.below(4)).min(source.len()));
                    source.replace_range(at..end, "");
                }
            }
        }
        for finding in findings(path, &source) {
            let message = &finding.message;
            assert!(
                !message.is_empty() && !message.contains('\n') && !message.ends_with('.'),
                "{message:?} of {source:?}"
            );
            let starts_small =
                message.chars().next().is_some_and(|first| !first.is_uppercase()) || message.contains("JSX");
            assert!(starts_small, "{message:?} of {source:?}");
            for range in finding.range.iter().chain(finding.related.iter().map(|related| &related.range)) {
                assert!(
                    range.start.offset <= range.end.offset && range.end.offset <= source.len(),
                    "{range:?} of {source:?}"
                );
            }
            assert!(finding.hint.is_none_or(|hint| !hint.is_empty() && !hint.ends_with('.')), "{source:?}");
        }
    }
}
