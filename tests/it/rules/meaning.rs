//! What code means, however it is spelled: objects that behave, iterators, text that is run, imports of own modules.

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::scan::scan;
use vetrun::policy::{ParsePolicy, ScanPolicy};
use vetrun::rules::RuleSet;

use super::{assert_caught, assert_silent, javascript, python};

fn named<'c>(cases: &'c [(&'c str, &'c str)]) -> Vec<(&'c str, &'c str, &'c str)> {
    cases.iter().map(|&(rule, code)| ("", rule, code)).collect()
}

#[test]
fn objects_of_python_are_seen_through() {
    let (_folder, rules) = python();
    assert_caught(&rules, "a.py", &named(PYTHON_OBJECTS));
}

#[test]
fn ordinary_objects_of_python_are_not() {
    let (_folder, rules) = python();
    assert_silent(&rules, "a.py", PYTHON_ORDINARY);
}

#[test]
fn objects_of_javascript_are_seen_through() {
    let (_folder, rules) = javascript();
    assert_caught(&rules, "a.js", &named(JAVASCRIPT_OBJECTS));
}

#[test]
fn ordinary_objects_of_javascript_are_not() {
    let (_folder, rules) = javascript();
    assert_silent(&rules, "a.js", JAVASCRIPT_ORDINARY);
}

#[test]
fn text_that_python_runs_is_scanned() {
    let (_folder, rules) = python();
    assert_caught(&rules, "a.py", &named(PYTHON_LAYERS));
}

#[test]
fn text_that_javascript_runs_is_scanned() {
    let (_folder, rules) = javascript();
    assert_caught(&rules, "a.js", &named(JAVASCRIPT_LAYERS));
}

/// What the rules find in several files: path and rule id.
fn found_in(rules: &RuleSet, files: &[(&str, &str)]) -> Vec<String> {
    let sources = files.iter().map(|(path, code)| SourceFile::new(*path, code.as_bytes().to_vec())).collect();
    let artifact = Artifact::new("a", "a", sources, Vec::new());
    let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    let (findings, _) = scan(&parsed, rules, &ScanPolicy::default());
    findings.iter().map(|finding| format!("{}:{}", finding.path, finding.rule_id)).collect()
}

fn missed_in(rules: &RuleSet, cases: &[(&str, &[(&str, &str)])]) -> Vec<String> {
    let missed = |(wanted, files): &(&str, &[(&str, &str)])| {
        let found = found_in(rules, files);
        (!found.iter().any(|one| one == wanted)).then(|| format!("{wanted} not in {found:?}\n{files:?}"))
    };
    cases.iter().filter_map(missed).collect()
}

#[test]
fn own_modules_of_python_are_followed() {
    let (_folder, rules) = python();
    assert_eq!(missed_in(&rules, PYTHON_MODULES), [] as [String; 0]);
}

#[test]
fn own_modules_of_javascript_are_followed() {
    let (_folder, rules) = javascript();
    assert_eq!(missed_in(&rules, JAVASCRIPT_MODULES), [] as [String; 0]);
}

#[test]
fn own_modules_stand_for_what_they_hold() {
    let (_folder, rules) = python();
    let quiet: &[&[(&str, &str)]] = &[
        &[("main.py", "import subprocess\nsubprocess.run('x')"), ("subprocess.py", "def run(x): return x")],
        &[("main.py", "from helpers import system\nsystem('x')"), ("helpers.py", "def system(x): return x")],
        &[("main.py", "from helpers import *\nsystem('x')"), ("helpers.py", "def system(x): return x")],
        &[("main.py", "import db\ndb.execute('a' + b)"), ("db.py", "def execute(q): return q")],
        &[("main.py", "from pkg import a\na.run('x')"), ("pkg/__init__.py", ""), ("pkg/a.py", "run = print")],
        &[("main.py", "import a\na.f(1)"), ("a.py", "import main\ndef f(x): return main")],
    ];
    for files in quiet {
        assert_eq!(found_in(&rules, files), [] as [String; 0], "{files:?}");
    }
    let (_folder, rules) = javascript();
    let quiet: &[&[(&str, &str)]] = &[
        &[("main.js", "const { exec } = require('./own'); exec('x')"), ("own.js", "exports.exec = (x) => x")],
        &[
            ("main.js", "import run from './own.js'; run('x')"),
            ("own.js", "export default function run(x) { return x }"),
        ],
        &[("main.js", "const a = require('./a'); a.f()"), ("a.js", "const m = require('./main'); exports.f = () => m")],
    ];
    for files in quiet {
        assert_eq!(found_in(&rules, files), [] as [String; 0], "{files:?}");
    }
}

#[test]
fn what_is_found_in_a_layer_shows_its_text_at_the_outer_call() {
    let (_folder, rules) = python();
    // import os; os.system('id')
    let code = "x = 1\nimport base64\nexec(base64.b64decode('aW1wb3J0IG9zCm9zLnN5c3RlbSgnaWQnKQ=='))\n";
    let artifact = Artifact::new("a", "a", vec![SourceFile::new("a.py", code.as_bytes().to_vec())], Vec::new());
    let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    let (findings, _) = scan(&parsed, &rules, &ScanPolicy::default());
    let inner = findings.iter().find(|finding| finding.rule_id == "t-command").expect("it is decoded");
    assert_eq!(inner.message, "m, in text that is run here: `import os`");
    assert_eq!(inner.range.map(|range| range.start.line), Some(3));
}

#[test]
fn layers_end() {
    let (_folder, rules) = python();
    let mut code = "import os\nos.system('id')".to_owned();
    for _ in 0..7 {
        code = format!("exec({code:?})");
    }
    let has = |code: &str, rule: &str| found_in(&rules, &[("a.py", code)]).contains(&format!("a.py:{rule}"));
    assert!(has(&code, "t-command") && !has(&code, "scan-limit"));
    for _ in 0..3 {
        code = format!("exec({code:?})");
    }
    assert!(has(&code, "scan-limit"));
    assert!(has("s = 'exec(s)'\nexec(s)", "t-exec"));
}

#[test]
fn where_a_value_comes_from_is_found_out_however_much_it_is_made_of() {
    let rules = RuleSet::load(true, &[] as &[&std::path::Path]).expect("the built-in rules are valid");
    let mut code = "from flask import request\nx0 = request.args\n".to_owned();
    for at in 0..9_000 {
        code.push_str(&format!("x{} = unknown(x{at}, x{})\n", at + 1, at + 1));
    }
    code.push_str("open(x9000)\nopen(x9001)\n");
    let found = found_in(&rules, &[("a.py", &code)]);
    let hits = found.iter().filter(|one| *one == "a.py:python-file-from-request").count();
    assert_eq!((hits, found.contains(&"a.py:scan-limit".to_owned())), (1, false));
}

const PYTHON_OBJECTS: &[(&str, &str)] = &[
    (
        "t-command",
        "import os\nclass C:\n    def __enter__(self): return os\n    def __exit__(self, *a): pass\nwith C() as o:\n    o.system('id')",
    ),
    (
        "t-command",
        "import os\nclass C:\n    async def __aenter__(self): return os\n    async def __aexit__(self, *a): pass\nasync def f():\n    async with C() as o:\n        o.system('id')",
    ),
    (
        "t-command",
        "import os, contextlib\n@contextlib.contextmanager\ndef c():\n    yield os\nwith c() as o:\n    o.system('id')",
    ),
    ("t-command", "import os, contextlib\nwith contextlib.nullcontext(os) as o:\n    o.system('id')"),
    ("t-command", "import os\nclass C:\n    @property\n    def o(self): return os\nC().o.system('id')"),
    (
        "t-command",
        "import os, functools\nclass C:\n    @functools.cached_property\n    def o(self): return os\nc = C()\nc.o.system('id')",
    ),
    (
        "t-command",
        "import os\nclass D:\n    def __get__(self, o, t=None): return os\nclass C:\n    o = D()\nC().o.system('id')",
    ),
    ("t-command", "import os\ndef d(c): return os\n@d\nclass C: pass\nC.system('id')"),
    ("t-command", "import os\ndef d(f):\n    return os\n@d\ndef g(): pass\ng.system('id')"),
    ("t-command", "import os\nclass C:\n    def __getattr__(self, n): return getattr(os, n)\nC().system('id')"),
    ("t-command", "import os\nclass C:\n    def __getattribute__(self, n): return getattr(os, n)\nC().popen('id')"),
    ("t-command", "import os\nclass C:\n    def __getitem__(self, n): return getattr(os, n)\nC()['system']('id')"),
    ("t-command", "import os\nclass C:\n    def __class_getitem__(cls, n): return os\nC['x'].system('id')"),
    (
        "t-command",
        "import os\nclass M(type):\n    def __getattr__(cls, n): return getattr(os, n)\nclass C(metaclass=M): pass\nC.system('id')",
    ),
    ("t-command", "import os\nclass C:\n    def __call__(self): return os\nC()().system('id')"),
    ("t-command", "import os\nclass C:\n    def __iter__(self):\n        yield os\nfor o in C(): o.system('id')"),
    (
        "t-command",
        "import os\nclass C:\n    def __init__(self, m): self.m = m\n    def go(self): self.m.system('id')\nC(os).go()",
    ),
    ("t-command", "import os\ntype('X', (), {'o': os}).o.system('id')"),
    ("t-command", "import os\ntype('X', (), {'o': os})().o.system('id')"),
    ("t-command", "import os, types\ntypes.SimpleNamespace(o=os).o.system('id')"),
    ("t-command", "import os, argparse\nargparse.Namespace(o=os).o.system('id')"),
    ("t-command", "import os\ndict(o=os)['o'].system('id')"),
    ("t-command", "import os\ndict(o=os).get('o').system('id')"),
    ("t-command", "import os\n({'o': os} | {'p': 1})['o'].system('id')"),
    ("t-command", "import os\nd = {'o': os}\nd.copy()['o'].system('id')"),
    ("t-command", "import os\n{'o': os}.pop('o').system('id')"),
    ("t-command", "import os\nfor m in {'o': os}.values(): m.system('id')"),
    ("t-command", "import os\nfor k, m in {'o': os}.items(): m.system('id')"),
    ("t-command", "import os\nfor m, n in zip([os], ['system']): getattr(m, n)('id')"),
    ("t-command", "import os\nfor i, m in enumerate([os]): m.system('id')"),
    ("t-command", "import os\nfor m in reversed([os, 1]): m.system('id')"),
    ("t-command", "import os\nfor m in filter(None, [os]): m.system('id')"),
    ("t-command", "import os\nlist(map(lambda n: getattr(os, n), ['system']))[0]('id')"),
    ("t-command", "import os\nnext(iter([os])).system('id')"),
    ("t-command", "import os\ndef g():\n    yield os\nnext(g()).system('id')"),
    ("t-command", "import os\ndef g():\n    yield os\nfor m in g(): m.system('id')"),
    ("t-command", "import os\ndef g():\n    yield from [os]\n[m.system('id') for m in g()]"),
    ("t-command", "import os\ndef g():\n    yield os\ng().send(None).system('id')"),
    ("t-command", "import os, functools\nfunctools.reduce(getattr, ['path', 'os', 'system'], os)('id')"),
    ("t-command", "import os, functools\nfunctools.reduce(lambda m, n: getattr(m, n), ['system'], os)('id')"),
    ("t-command", "import os\n(lambda m, n: getattr(m, n))(os, 'system')('id')"),
    ("t-command", "import os\nget = lambda m: lambda n: getattr(m, n)\nget(os)('system')('id')"),
    ("t-command", "import os\nf = getattr\nf(os, 'sys' 'tem')('id')"),
    ("t-command", "import os\nmatch os:\n    case m:\n        m.system('id')"),
    ("t-command", "import os\nmatch (os, 1):\n    case (m, n):\n        m.system('id')"),
    ("t-command", "import os\nmatch os:\n    case object() as m:\n        m.system('id')"),
    ("t-command", "import os\ndef go(m):\n    m.system('id')\ngo(os)"),
    ("t-command", "import os\ndef go(m=None, *, n):\n    n.system('id')\ngo(n=os)"),
    ("t-command", "import os\nclass C:\n    def go(self, m): m.system('id')\nC().go(os)"),
    ("t-command", "import os\ndef pick(m): return m\npick(os).system('id')"),
    ("t-command", "import os\ndef each(m): m.system('id')\nlist(map(each, [os]))"),
    ("t-command", "__import__('os').__dict__['sys' + 'tem']('id')"),
    ("t-command", "import sys\nsys.modules['o' + 's'].system('id')"),
    ("t-command", "import operator, os\noperator.attrgetter('path.os.system')(os)('id')"),
    ("t-command", "import os\ngetattr(os, f'{\"sys\":s}tem')('id')"),
    ("t-command", "import os\ngetattr(os, f'{115:c}ystem')('id')"),
    ("t-command", "import os\ngetattr(os, f'{\"systematic\":.6}')('id')"),
    ("t-command", "import os, base64\ngetattr(os, base64.b32decode('ON4XG5DFNU======').decode())('id')"),
    ("t-command", "import os, base64\ngetattr(os, base64.b85decode('b9r-gWo-').decode())('id')"),
    ("t-command", "import os, base64\ngetattr(os, base64.a85decode('F*VhKASh').decode())('id')"),
    ("t-command", "import os\ngetattr(os, (126965465245037).to_bytes(6, 'big').decode())('id')"),
    ("t-command", "import os\ngetattr(os, 'x:system'.partition(':')[2])('id')"),
    ("t-command", "import os\ns = ''\nfor c in 'rxrudl': s += chr(ord(c) ^ 1)\ngetattr(os, s)('id')"),
    (
        "t-command",
        "import os\ngetattr(os, ''.join(chr(a ^ b) for a, b in zip(b'rxrudl', [1, 1, 1, 1, 1, 1])))('id')\ngetattr(os, ''.join(chr(a ^ b) for a, b in zip([114, 120, 114, 117, 100, 108], [1] * 0 + [1, 1, 1, 1, 1, 1])))('id')",
    ),
    ("t-command", "import os\nvars(os)['sys' + 'tem']('id')"),
    ("t-command", "import os\nclass C: pass\nc = C()\nc.o = os\nc.__dict__['o'].system('id')"),
    ("t-command", "import os, copy\ncopy.copy(os).system('id')"),
];

const PYTHON_ORDINARY: &[&str] = &[
    "class C:\n    def __enter__(self): return self\n    def __exit__(self, *a): pass\n    def system(self, x): return x\nwith C() as c:\n    c.system('id')",
    "with open('x') as f:\n    f.read()",
    "import contextlib\n@contextlib.contextmanager\ndef c():\n    yield 1\nwith c() as x:\n    print(x)",
    "class C:\n    @property\n    def o(self): return 1\nC().o.real",
    "def d(c): return c\n@d\nclass C:\n    def system(self, x): return x\nC().system('id')",
    "def d(f):\n    def w(*a): return f(*a)\n    return w\n@d\ndef system(x): return x\nsystem('id')",
    "class C:\n    def __getattr__(self, n): return n\nC().system",
    "class C:\n    def __getitem__(self, n): return n\nC()['system']",
    "class P:\n    def run(self, x): return x\nclass C:\n    def __init__(self, p): self.p = p\n    def go(self): return self.p.run('x')\nC(P()).go()",
    "type('X', (), {'system': print}).system('id')",
    "import types\ntypes.SimpleNamespace(system=print).system('id')",
    "d = dict(system=print)\nd['system']('id')",
    "({'system': print} | {'b': 1})['system']('id')",
    "for k, v in {'system': 1}.items(): print(k, v)",
    "for m, n in zip([1], ['system']): print(m, n)",
    "for i, n in enumerate(['eval']): print(i, n)",
    "list(map(lambda n: n + 'x', ['system']))",
    "def g():\n    yield 'os.system'\nfor x in g(): print(x)",
    "import functools\nfunctools.reduce(lambda a, b: a + b, [1, 2], 0)",
    "(lambda m, n: m + n)('sys', 'tem')",
    "match command:\n    case 'eval':\n        print(1)\n    case other:\n        print(other)",
    "match point:\n    case (x, y):\n        print(x.system, y)",
    "def go(m): return m.system\ngo(1)",
    "class A:\n    def go(self, m): return m\nA().go('os.system')",
    "import operator\noperator.attrgetter('name')(user)",
    "x = f'{value:>10}'",
    "x = f'{\"eval\":s}'",
    "import base64\nbase64.b32decode('ON4XG5DFNU======')",
    "s = ''\nfor c in 'abc': s += c\nprint(s)",
    "import copy\ncopy.copy([1])",
    "import zlib\nzlib.decompress(data)",
    "text = 'import os; os.system(1)'\nprint(text)",
    "import re\nre.compile('import os').match(x)",
    "import subprocess\nsubprocess.check_output(['python', '-c', 'print(1)'])",
    "class Shell:\n    def system(self, c): return c\ndef make(): return Shell()\nmake().system('id')",
    "class Base:\n    def run(self): pass\nclass Sub(Base):\n    def run(self): super().run()\nSub().run()",
    "import threading\nthreading.Thread(target=print, args=('x',)).start()",
    "from collections import namedtuple\nP = namedtuple('P', 'eval exec')\nP(1, 2).eval",
    "import enum\nclass E(enum.Enum):\n    eval = 1\nE.eval.value",
    "from dataclasses import dataclass\n@dataclass\nclass Q:\n    sql: str\n    def execute(self, x): return x\nQ('a').execute('a' + b)",
    "import asyncio\nasync def f():\n    async for x in g(): print(x)",
    "a, *rest = [print, len]\na('x')",
    "handlers = {'system': lambda x: x}\nhandlers.get('system')('id')",
    "class Reg(dict):\n    def eval(self, x): return x\nReg().eval('1')",
    "def outer():\n    def eval(x): return x\n    return eval\nouter()('1')",
    "import json\nfor row in json.loads(x): print(row['eval'])",
    "with lock:\n    value = queue.get()\n    value.run()",
    "def call(f, *a): return f(*a)\ncall(print, 1)",
    "items = sorted(users, key=lambda u: u.system)",
    "x = [f for f in [len, print]]\nx[0]('a')",
    "it = iter([1, 2])\nnext(it)",
    "class Popen:\n    pass\nPopen()",
    "def system(): yield 1\nfor x in system(): print(x)",
    "import os\nos.path.join(*map(str, [1]))",
    "import os\nfor name in ('getcwd', 'getpid'): print(getattr(os, name)())",
    "import os\nwith os.scandir('.') as entries:\n    for entry in entries: print(entry.name)",
    "import functools\n@functools.lru_cache\ndef eval(x): return x\neval('1')",
    "class V:\n    def visit(self, n): return getattr(self, 'visit_' + n)(n)\nV().visit('x')",
    "import sys\nprint(sys.modules['json'])",
    "def f(x): return x\nf(f)('os')",
];

const PYTHON_LAYERS: &[(&str, &str)] = &[
    ("t-command", "exec('import os\\nos.system(1)')"),
    ("t-command", "exec(compile('import os\\nos.system(1)', 'x', 'exec'))"),
    ("t-command", "eval('__import__(\"os\").system(1)')"),
    ("t-command", "import base64\nexec(base64.b64decode('aW1wb3J0IG9zCm9zLnN5c3RlbSgnaWQnKQ=='))"),
    (
        "t-command",
        "import base64, zlib\nexec(zlib.decompress(base64.b64decode('eJzLzC3ILypRyC/myi/WK64sLknN1VDPTFHX5AIAg0EI0w==')))",
    ),
    (
        "t-command",
        "import base64, gzip\nexec(gzip.decompress(base64.b64decode('H4sIAAAAAAACA8vMLcgvKlHIL+bKL9YrriwuSc3VUM9MUdfkAgAM4BSnGgAAAA==')))",
    ),
    ("t-command", "exec(bytes.fromhex('696d706f7274206f730a6f732e73797374656d2827696427290a').decode())"),
    ("t-command", "import codecs\nexec(codecs.decode('vzcbeg bf\\nbf.flfgrz(1)', 'rot13'))"),
    (
        "t-command",
        "exec(''.join(chr(c ^ 1) for c in [104,108,113,110,115,117,33,110,114,11,110,114,47,114,120,114,117,100,108,41,48,40]))",
    ),
    ("t-command", "exec(')1(metsys.so\\nso tropmi'[::-1])"),
    ("t-command", "code = 'import os\\n'\ncode += 'os.system(1)'\nexec(code)"),
    ("t-command", "def go(text):\n    exec(text)\ngo('import os\\nos.system(1)')"),
    ("t-command", "exec(\"exec('import os; os.system(1)')\")"),
    (
        "t-command",
        "import base64\nexec(\"import base64\\nexec(base64.b64decode('aW1wb3J0IG9zCm9zLnN5c3RlbSgnaWQnKQ=='))\")",
    ),
    ("t-command", "import functools\nfunctools.partial(exec, 'import os\\nos.system(1)')()"),
    ("t-command", "import timeit\ntimeit.timeit('import os; os.system(1)')"),
    ("t-command", "import subprocess, sys\nsubprocess.check_output([sys.executable, '-c', 'import os; os.system(1)'])"),
    ("t-command", "import subprocess\nsubprocess.check_output(\"python3 -c 'import os; os.system(1)'\")"),
    ("t-command", "import subprocess\nsubprocess.check_output(['sh', '-c', 'python -c \"import os; os.system(1)\"'])"),
    ("t-command", "import code\ncode.InteractiveInterpreter().runsource('import os; os.system(1)')"),
    ("t-command", "get_ipython().run_cell('import os\\nos.system(1)')"),
    ("t-command", "import ast\nexec(compile(ast.parse('import os; os.system(1)'), 'x', 'exec'))"),
    (
        "t-command",
        "s = ''\nfor c in [104,108,113,110,115,117,33,110,114,11,110,114,47,114,120,114,117,100,108,41,48,40]: s += chr(c ^ 1)\nexec(s)",
    ),
    ("t-command", "import textwrap\nexec(textwrap.dedent('''\n    import os\n    os.system(1)\n'''))"),
    (
        "t-command",
        "key = b'k'\nexec(bytes(b ^ key[i % len(key)] for i, b in enumerate(b'\\x02\\x06\\x1b\\x04\\x19\\x1fK\\x04\\x18a\\x04\\x18E\\x18\\x12\\x18\\x1f\\x0e\\x06CZB')).decode())",
    ),
    (
        "t-command",
        "import itertools\nexec(bytes(a ^ b for a, b in zip(b'\\x02\\x06\\x1b\\x04\\x19\\x1fK\\x04\\x18a\\x04\\x18E\\x18\\x12\\x18\\x1f\\x0e\\x06CZB', itertools.cycle(b'k'))).decode())",
    ),
];

const JAVASCRIPT_OBJECTS: &[(&str, &str)] = &[
    ("t-command", "new Proxy(require('child_process'), {}).exec('id')"),
    ("t-command", "const p = new Proxy({}, { get: (t, k) => require('child_process')[k] }); p.exec('id')"),
    (
        "t-command",
        "const p = new Proxy({}, { get(t, k) { return Reflect.get(require('child_process'), k) } }); p.exec('id')",
    ),
    ("t-command", "const o = { get cp() { return require('child_process') } }; o.cp.exec('id')"),
    ("t-command", "class C { get cp() { return require('child_process') } } new C().cp.exec('id')"),
    ("t-command", "class C { static get cp() { return require('child_process') } } C.cp.exec('id')"),
    ("t-command", "const o = Object.assign({}, require('child_process')); o.exec('id')"),
    ("t-command", "const o = Object.assign({}, { cp: require('child_process') }); o.cp.exec('id')"),
    ("t-command", "const o = { ...require('child_process') }; o.exec('id')"),
    ("t-command", "const { ...o } = require('child_process'); o.exec('id')"),
    ("t-command", "for (const [k, m] of Object.entries({ cp: require('child_process') })) m.exec('id')"),
    ("t-command", "for (const m of Object.values({ cp: require('child_process') })) m.exec('id')"),
    ("t-command", "Object.values({ cp: require('child_process') })[0].exec('id')"),
    ("t-dynamic", "Object.values(require('child_process'))[0]('id')"),
    ("t-command", "const s = Symbol(); const o = { [s]: require('child_process') }; o[s].exec('id')"),
    ("t-command", "const k = 'c'; const o = { [k + 'p']: require('child_process') }; o.cp.exec('id')"),
    ("t-command", "function* g() { yield require('child_process') } for (const m of g()) m.exec('id')"),
    ("t-command", "function* g() { yield require('child_process') } g().next().value.exec('id')"),
    (
        "t-command",
        "async function* g() { yield require('child_process') } (async () => { for await (const m of g()) m.exec('id') })()",
    ),
    ("t-command", "function* g() { yield* [require('child_process')] } for (const m of g()) m.exec('id')"),
    ("t-command", "Promise.resolve(require('child_process')).then((m) => m.exec('id'))"),
    ("t-command", "function go(m) { m.exec('id') } import('child_process').then(go)"),
    ("t-command", "function go(m) { m.exec('id') } go(require('child_process'))"),
    ("t-command", "const go = (m) => m.exec('id'); [require('child_process')].forEach(go)"),
    (
        "t-command",
        "class C { constructor(m) { this.m = m } go() { this.m.exec('id') } } new C(require('child_process')).go()",
    ),
    ("t-command", "const get = (n) => require(n); get('child_process').exec('id')"),
    ("t-command", "const pick = (m) => (k) => m[k]; pick(require('child_process'))('exec')('id')"),
    ("t-command", "require('child_process').exec.bind(null).call(null, 'id')"),
    (
        "t-command",
        "const { exec: { call: c } } = require('child_process'); require('child_process')['ex' + 'ec'].call(null, 'id')",
    ),
    ("t-command", "Array.from([require('child_process')])[0].exec('id')"),
    ("t-command", "[...[require('child_process')]][0].exec('id')"),
    ("t-command", "new Map([['cp', require('child_process')]]).get('cp').exec('id')"),
    ("t-command", "[[require('child_process'), 'exec']].map(([m, n]) => m[n]('id'))"),
    ("t-command", "['exec'].map((n) => require('child_process')[n])[0]('id')"),
    ("t-command", "['child_process', 'exec'].reduce((m, n) => m ? m[n] : require(n), null)('id')"),
    ("t-command", "[require('child_process')].filter(Boolean)[0].exec('id')"),
    ("t-command", "[require('child_process')].find(() => true).exec('id')"),
    ("t-command", "const [cp] = [require('child_process')]; cp.exec('id')"),
    ("t-command", "const { a: { b } } = { a: { b: require('child_process') } }; b.exec('id')"),
    ("t-command", "let cp; ({ cp } = { cp: require('child_process') }); cp.exec('id')"),
    ("t-command", "const cp = (() => require('child_process'))(); cp.exec('id')"),
    ("t-command", "var cp = cond ? null : require('child_process'); cp.exec('id')"),
    ("t-command", "module.constructor._load('child_process').exec('id')"),
    ("t-command", "process.mainModule.constructor._load('child_process').exec('id')"),
    ("t-command", "require('child_process'.replace(/x/g, '')).exec('id')"),
    ("t-command", "require('chXild_proXcess'.replace(/X/g, '')).exec('id')"),
    ("t-command", "require('c.h.i.l.d._.p.r.o.c.e.s.s'.split('.').join('')).exec('id')"),
    ("t-command", "require('c1h2i3l4d_process'.split(/[0-9]/).join('')).exec('id')"),
    (
        "t-command",
        "require('636869'.replace(/../g, (h) => String.fromCharCode(parseInt(h, 16))) + 'ld_process').exec('id')",
    ),
    (
        "t-command",
        "let s = ''; for (const c of 'bihme^qsnbdrr') s += String.fromCharCode(c.charCodeAt(0) ^ 1); require(s).exec('id')",
    ),
    ("t-command", "require(JSON.parse('\"child_process\"')).exec('id')"),
    ("t-command", "require(Buffer.concat([Buffer.from('child_'), Buffer.from('process')]).toString()).exec('id')"),
    ("t-command", "require(new TextDecoder().decode(Buffer.from('Y2hpbGRfcHJvY2Vzcw==', 'base64'))).exec('id')"),
    ("t-eval", "(function () { return new.target.constructor('1') })()"),
    ("t-eval", "class A { constructor() { new.target.constructor('1')() } }"),
    ("t-eval", "const e = Object.getOwnPropertyDescriptor(globalThis, 'ev' + 'al'); globalThis['ev' + 'al']('1')"),
    ("t-eval", "(async () => {}).constructor('1')()"),
    ("t-eval", "(function* () {}).constructor('1')()"),
    ("t-eval", "Reflect.get(globalThis, 'ev' + 'al')('1')"),
    ("t-eval", "const { ['ev' + 'al']: e } = globalThis; e('1')"),
    ("t-eval", "const k = atob('ZXZhbA=='); window[k]('1')"),
    ("t-command", "const cp = structuredClone({ m: require('child_process') }); cp.m.exec('id')"),
];

const JAVASCRIPT_ORDINARY: &[&str] = &[
    "const p = new Proxy({}, { get: (t, k) => k }); p.exec('id')",
    "const o = { get exec() { return (x) => x } }; o.exec('id')",
    "class C { get name() { return 'x' } } new C().name.exec",
    "const o = Object.assign({}, { exec: (x) => x }); o.exec('id')",
    "const o = { ...defaults }; o.exec('id')",
    "for (const [k, v] of Object.entries({ exec: 1 })) console.log(k, v)",
    "for (const v of Object.values(table)) v.exec('id')",
    "const s = Symbol('eval'); const o = { [s]: 1 }; o[s]",
    "function* g() { yield 'eval' } for (const x of g()) console.log(x)",
    "function* g() { yield { exec: (x) => x } } g().next().value.exec('id')",
    "Promise.resolve(1).then((m) => m + 1)",
    "function go(m) { return m.exec('id') } go(/a/)",
    "class C { constructor(m) { this.m = m } go() { return this.m.exec('x') } } new C(/a/).go()",
    "const get = (n) => n; get('child_process')",
    "const f = log.bind(null); f.call(null, 'x')",
    "Array.from([1, 2]).map((x) => x * 2)",
    "new Map([['exec', 1]]).get('exec')",
    "[['a', 'b']].map(([m, n]) => m + n)",
    "[1, 2].reduce((a, b) => a + b, 0)",
    "const [eval2] = [console.log]; eval2('x')",
    "const { exec } = /a/; exec.call(/a/, 'x')",
    "'eval'.replace(/e/g, 'a')",
    "'a.b'.split('.').join('-')",
    "/^child_process$/.test(name)",
    "new RegExp('exec').exec('x')",
    "let s = ''; for (const c of 'abc') s += c; console.log(s)",
    "JSON.parse('\"eval\"')",
    "Buffer.concat([a, b]).toString()",
    "new TextDecoder().decode(bytes)",
    "class A { constructor() { console.log(new.target.name) } }",
    "Object.getOwnPropertyDescriptor(o, 'eval')",
    "const mod = await import('./mod.js'); mod.exec('x')",
    "export { exec } from './mine.js'",
    "export * from './mine.js'",
    "export default class Exec { exec(x) { return x } }",
    "const q = $`select ${id}`; q.exec",
    "outer: for (const x of xs) { if (x) continue outer }",
    "const api = { run(cmd) { return cmd } }; api.run('id')",
    "async function f() { for await (const chunk of stream) console.log(chunk) }",
    "const handlers = { exec: (x) => x }; handlers['exec']('id')",
    "const k = 'name'; const o = { [k]: 1 }; o.name",
    "items.filter(Boolean).map(String)",
    "arr.at(-1).exec('x')",
    "structuredClone({ a: 1 }).a",
    "const worker = new Worker(new URL('./w.js', import.meta.url))",
    "setTimeout(function () { go() }, 10)",
    "setTimeout(go.bind(null, 'x'), 10)",
    "const later = (f) => setTimeout(f, 10); later(() => go())",
    "function later(f) { setTimeout(f, 10) } later(go)",
    "const o = { toString() { return 'eval' } }; String(o)",
    "const exec = (sql) => db.query(sql); exec('select 1')",
    "db.prepare('x').run('y')",
    "window.addEventListener('message', (e) => console.log(e.data))",
    "const text = \"require('child_process').exec('id')\"; console.log(text)",
    "const m = new Map(); m.get('child_process')",
    "import cp from './child_process.js'; cp.exec('x')",
    "[].concat([1], [2]).join(',')",
    "const { a = 1, ...rest } = opts; rest.exec('x')",
    "try { x() } catch ({ message }) { console.log(message) }",
    "const d = Object.fromEntries([['exec', (x) => x]]); d.exec('x')",
];

const JAVASCRIPT_LAYERS: &[(&str, &str)] = &[
    ("t-command", "eval(\"require('child_process').exec('id')\")"),
    ("t-command", "eval(atob('cmVxdWlyZSgnY2hpbGRfcHJvY2VzcycpLmV4ZWMoJ2lkJyk='))"),
    ("t-command", "eval(Buffer.from('cmVxdWlyZSgnY2hpbGRfcHJvY2VzcycpLmV4ZWMoJ2lkJyk=', 'base64').toString())"),
    ("t-command", "new Function('require', \"require('child_process').exec('id')\")(require)"),
    ("t-command", "Function(\"return require('child_process').exec('id')\")()"),
    ("t-command", "setTimeout(\"require('child_process').exec('id')\", 1)"),
    ("t-command", "require('vm').runInThisContext(\"require('child_process').exec('id')\")"),
    ("t-command", "new (require('vm').Script)(\"require('child_process').exec('id')\").runInThisContext()"),
    ("t-command", "eval(unescape('require%28%27child_process%27%29.exec%28%27id%27%29'))"),
    ("t-command", "eval(decodeURIComponent('require(%27child_process%27).exec(%27id%27)'))"),
    (
        "t-command",
        "eval(String.fromCharCode(114,101,113,117,105,114,101,40,39,99,104,105,108,100,95,112,114,111,99,101,115,115,39,41,46,101,120,101,99,40,49,41))",
    ),
    ("t-command", "eval(\")'di'(cexe.)'ssecorp_dlihc'(eriuqer\".split('').reverse().join(''))"),
    ("t-command", "eval(['require(\"child_', 'process\").exec(1)'].join(''))"),
    ("t-command", "eval('eval(\"require(\\'child_process\\').exec(1)\")')"),
    ("t-command", "(0, eval)(\"require('child_process').exec('id')\")"),
    ("t-command", "eval.call(null, \"require('child_process').exec('id')\")"),
    ("t-command", "Reflect.apply(eval, null, [\"require('child_process').exec('id')\"])"),
    ("t-command", "function run(t) { eval(t) } run(\"require('child_process').exec('id')\")"),
    ("t-command", "require('child_process').execFile('node', ['-e', \"require('child_process').exec('id')\"])"),
    ("t-write", "import('data:text/javascript,document.write(x)')"),
    ("t-write", "import('data:text/javascript;base64,ZG9jdW1lbnQud3JpdGUoeCk=')"),
    ("t-eval", "document.write('<script>eval(x)</script>')"),
    (
        "t-command",
        "eval(require('zlib').gunzipSync(Buffer.from('H4sIAAAAAAACAytKLSzNLErVUE/OyMxJiS8oyk9OLS5W19RLrUhN1lDPTFHXBACASyTQIwAAAA==', 'base64')).toString() + \"require('child_process').exec(1)\")",
    ),
    (
        "t-command",
        "let s = ''; for (const c of [115,100,112,116,104,115,100]) s += String.fromCharCode(c ^ 1); eval(s + \"('child_process').exec(1)\")",
    ),
];

const PYTHON_MODULES: &[(&str, &[(&str, &str)])] = &[
    (
        "main.py:t-command",
        &[("main.py", "from helpers import run\nrun(cmd)"), ("helpers.py", "import os\nrun = os.system")],
    ),
    (
        "main.py:t-command",
        &[("main.py", "import helpers\nhelpers.run(cmd)"), ("helpers.py", "from os import system as run")],
    ),
    ("main.py:t-command", &[("main.py", "import helpers as h\nh.o.system(cmd)"), ("helpers.py", "import os as o")]),
    (
        "main.py:t-command",
        &[("main.py", "from helpers import *\nrun(cmd)"), ("helpers.py", "import os\nrun = os.system")],
    ),
    ("main.py:t-command", &[("main.py", "from helpers import *\nsystem(cmd)"), ("helpers.py", "from os import *")]),
    (
        "pkg/main.py:t-command",
        &[
            ("pkg/main.py", "from .helpers import run\nrun(cmd)"),
            ("pkg/__init__.py", ""),
            ("pkg/helpers.py", "import os\nrun = os.system"),
        ],
    ),
    (
        "pkg/sub/main.py:t-command",
        &[("pkg/sub/main.py", "from ..helpers import run\nrun(cmd)"), ("pkg/helpers.py", "import os\nrun = os.system")],
    ),
    (
        "main.py:t-command",
        &[
            ("main.py", "from pkg import run\nrun(cmd)"),
            ("pkg/__init__.py", "from .a import run"),
            ("pkg/a.py", "from os import system as run"),
        ],
    ),
    (
        "main.py:t-command",
        &[
            ("main.py", "import pkg.a\npkg.a.run(cmd)"),
            ("pkg/__init__.py", ""),
            ("pkg/a.py", "from os import system as run"),
        ],
    ),
    (
        "main.py:t-command",
        &[
            ("main.py", "from pkg import a\na.run(cmd)"),
            ("pkg/__init__.py", ""),
            ("pkg/a.py", "from os import system as run"),
        ],
    ),
    (
        "main.py:t-command",
        &[
            ("main.py", "from helpers import name\nimport os\ngetattr(os, name)(cmd)"),
            ("helpers.py", "name = 'sys' + 'tem'"),
        ],
    ),
    (
        "main.py:t-command",
        &[("main.py", "from data import CODE\nexec(CODE)"), ("data.py", "CODE = 'import os\\nos.system(1)'")],
    ),
    (
        "main.py:t-command",
        &[
            ("main.py", "import base64\nfrom data import CODE\nexec(base64.b64decode(CODE))"),
            ("data.py", "CODE = 'aW1wb3J0IG9zCm9zLnN5c3RlbSgnaWQnKQ=='"),
        ],
    ),
    (
        "main.py:t-command",
        &[
            ("main.py", "from helpers import go\ngo('import os\\nos.system(1)')"),
            ("helpers.py", "def go(text):\n    exec(text)"),
        ],
    ),
    (
        "main.py:t-command",
        &[
            ("main.py", "from helpers import go\ngo(cmd)"),
            ("helpers.py", "import os\ndef go(c):\n    return os.system(c)"),
        ],
    ),
    (
        "main.py:t-command",
        &[
            ("main.py", "from helpers import same\nimport os\nsame(os).system(cmd)"),
            ("helpers.py", "def same(x): return x"),
        ],
    ),
    (
        "main.py:t-command",
        &[("main.py", "from helpers import get\nget().system(cmd)"), ("helpers.py", "import os\ndef get(): return os")],
    ),
    (
        "main.py:t-command",
        &[("main.py", "from helpers import C\nC().o.system(cmd)"), ("helpers.py", "import os\nclass C:\n    o = os")],
    ),
    (
        "main.py:t-command",
        &[
            ("main.py", "from helpers import C\nC().run(cmd)"),
            ("helpers.py", "import os\nclass C:\n    def run(self, c): os.system(c)"),
        ],
    ),
    (
        "main.py:t-command",
        &[("main.py", "from helpers import T\nT['a'](cmd)"), ("helpers.py", "import os\nT = {'a': os.system}")],
    ),
    (
        "main.py:t-shell",
        &[
            ("main.py", "from helpers import run\nrun('x')"),
            (
                "helpers.py",
                "import subprocess, functools\nrun = functools.partial(subprocess.check_output, shell=True)",
            ),
        ],
    ),
    ("a.py:t-command", &[("a.py", "import b\nb.run(cmd)"), ("b.py", "import a\nimport os\nrun = os.system")]),
    ("b.py:t-command", &[("a.py", "import b\nimport os\nrun = os.system"), ("b.py", "import a\na.run(cmd)")]),
    (
        "main.py:t-command",
        &[
            ("main.py", "import importlib\nimportlib.import_module('helpers').run(cmd)"),
            ("helpers.py", "import os\nrun = os.system"),
        ],
    ),
];

const JAVASCRIPT_MODULES: &[(&str, &[(&str, &str)])] = &[
    (
        "main.js:t-command",
        &[
            ("main.js", "const { run } = require('./own'); run('id')"),
            ("own.js", "exports.run = require('child_process').exec"),
        ],
    ),
    (
        "main.js:t-command",
        &[
            ("main.js", "const own = require('./own'); own.run('id')"),
            ("own.js", "module.exports = { run: require('child_process').exec }"),
        ],
    ),
    (
        "main.js:t-command",
        &[("main.js", "require('./own')('id')"), ("own.js", "module.exports = require('child_process').exec")],
    ),
    (
        "main.js:t-command",
        &[
            ("main.js", "const cp = require('./own'); cp.exec('id')"),
            ("own.js", "module.exports = require('child_process')"),
        ],
    ),
    (
        "main.mjs:t-command",
        &[
            ("main.mjs", "import { run } from './own.mjs'; run('id')"),
            ("own.mjs", "export { exec as run } from 'child_process'"),
        ],
    ),
    (
        "main.mjs:t-command",
        &[("main.mjs", "import { exec } from './own.mjs'; exec('id')"), ("own.mjs", "export * from 'child_process'")],
    ),
    (
        "main.mjs:t-command",
        &[
            ("main.mjs", "import run from './own.mjs'; run('id')"),
            ("own.mjs", "import { exec } from 'child_process'; export default exec"),
        ],
    ),
    (
        "main.mjs:t-command",
        &[
            ("main.mjs", "import * as own from './own.mjs'; own.run('id')"),
            ("own.mjs", "import { exec } from 'child_process'; export const run = exec"),
        ],
    ),
    (
        "main.mjs:t-command",
        &[
            ("main.mjs", "import { cp } from './own.mjs'; cp.exec('id')"),
            ("own.mjs", "export * as cp from 'child_process'"),
        ],
    ),
    (
        "main.mjs:t-command",
        &[
            ("main.mjs", "import { run } from './own.mjs'; run('id')"),
            ("own.mjs", "export { run } from './deep.mjs'"),
            ("deep.mjs", "export { exec as run } from 'child_process'"),
        ],
    ),
    (
        "main.mjs:t-command",
        &[
            ("main.mjs", "import { run } from './own.mjs'; run('id')"),
            ("own.mjs", "export * from './deep.mjs'"),
            ("deep.mjs", "export { exec as run } from 'child_process'"),
        ],
    ),
    (
        "main.js:t-command",
        &[
            ("main.js", "eval(require('./data').code)"),
            ("data.js", "exports.code = \"require('child_process').exec('id')\""),
        ],
    ),
    (
        "main.js:t-command",
        &[
            ("main.js", "require('./lib').go('id')"),
            ("lib/index.js", "const { exec } = require('child_process'); exports.go = (c) => exec(c)"),
        ],
    ),
    (
        "main.js:t-command",
        &[
            ("main.js", "const { go } = require('./own'); go(\"require('child_process').exec('id')\")"),
            ("own.js", "function go(t) { eval(t) } module.exports = { go }"),
        ],
    ),
    (
        "main.js:t-command",
        &[
            ("main.js", "const { Runner } = require('./own'); new Runner().run('id')"),
            (
                "own.js",
                "const cp = require('child_process'); class Runner { run(c) { cp.exec(c) } } module.exports = { Runner }",
            ),
        ],
    ),
    (
        "main.js:t-command",
        &[
            ("main.js", "const load = require('./own'); load().exec('id')"),
            ("own.js", "module.exports = () => require('child_process')"),
        ],
    ),
];
