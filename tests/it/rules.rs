//! Tests of: rules, and the scan pass that runs them.

mod agreement;
mod agreement_python;
mod cases;
mod coverage;
mod evasions;
mod language;
mod meaning;

use std::path::Path;

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::Pass;
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::scan::scan;
use vetrun::policy::{ParsePolicy, ScanPolicy};
use vetrun::rules::{RuleSet, selftest};

#[test]
fn every_built_in_example_shows_what_it_says() {
    let rules = RuleSet::load(true, &[] as &[&Path]).unwrap();
    let failures: Vec<String> = selftest(&rules, |_| true).iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} examples fail:\n{}", failures.len(), failures.join("\n\n"));
}

/// Rules of the tests' own, so that what is tested is the engine and not the rules of the day.
const PYTHON_RULES: &[(&str, &str)] = &[
    (
        "t-exec",
        r#"call = ["eval", "exec", "compile", "code.interact", "runpy.run_path", "timeit.timeit", "timeit.exec"]"#,
    ),
    (
        "t-command",
        r#"call = ["os.system", "os.popen", "pty.spawn", "asyncio.create_subprocess_shell", "subprocess.Popen", "subprocess.call", "subprocess.run", "os.dup2"]"#,
    ),
    ("t-load", r#"call = ["pickle.loads", "pickle.load", "marshal.loads"]"#),
    ("t-native", r#"call = ["ctypes.CDLL"]"#),
    ("t-native-use", r#"use = ["ctypes.cdll"]"#),
    ("t-walk", r#"use = ["*.__subclasses__", "sys._getframe"]"#),
    ("t-dynamic", r#"use = ["os.?", "subprocess.?", "builtins.?", "sys.modules.?", "globals.?"]"#),
    ("t-fetch", r#"call = ["urllib.request.urlopen"]"#),
    ("t-hook", r#"assign = ["sys.excepthook"]"#),
    ("t-telnet", r#"import = ["telnetlib"]"#),
    ("t-sql", "call = [\"*.execute\"]\n[[match.argument]]\nposition = 0\nis = \"built\""),
    ("t-shell", "call = [\"subprocess.check_output\"]\n[[match.argument]]\nkeyword = \"shell\"\nis = \"truthy\""),
];

const JAVASCRIPT_RULES: &[(&str, &str)] = &[
    ("t-eval", r#"call = ["eval", "Function", "vm.runInNewContext", "vm.runInThisContext", "vm.Script"]"#),
    ("t-command", r#"call = ["child_process.exec", "child_process.execSync", "child_process.spawn"]"#),
    ("t-timer", "call = [\"setTimeout\", \"setInterval\"]\n[[match.argument]]\nposition = 0\nis = \"text\""),
    ("t-binding", r#"use = ["process.binding", "process.dlopen", "*.__proto__"]"#),
    ("t-html", "assign = [\"*.innerHTML\"]\n[[match.value]]\nis = \"dynamic\""),
    ("t-write", r#"call = ["document.write", "fs.rmSync", "fs.readFileSync"]"#),
    ("t-url", "assign = [\"*.href\", \"location\"]\n[[match.value]]\nvalue = '(?i)^javascript:'"),
    ("t-env", r#"use = ["process.env"]"#),
    (
        "t-worker",
        "call = [\"Worker\", \"worker_threads.Worker\"]\n[[match.argument]]\nkeyword = \"eval\"\nis = \"truthy\"",
    ),
    ("t-data", "call = [\"import\"]\n[[match.argument]]\nposition = 0\nvalue = '^data:'"),
    ("t-vm", r#"import = ["vm2"]"#),
    ("t-dynamic", r#"use = ["child_process.?", "globalThis.?"]"#),
];

fn rule_folder(language: &str, rules: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::fs::create_dir(folder.path().join(language)).expect("the folder is empty");
    for (id, matcher) in rules {
        let text = format!(
            "id = \"{id}\"\nseverity = \"high\"\nconfidence = \"high\"\nmessage = \"m\"\nwhy = \"w\"\ninstead = \"i\"\n\
             bad = [\"b\"]\ngood = [\"g\"]\n[[match]]\n{matcher}\n"
        );
        std::fs::write(folder.path().join(language).join(format!("{id}.toml")), text)
            .expect("the folder can be written");
    }
    folder
}

/// What the rules of the tests find in a piece of code: rule id, line and resolved name.
fn found(rules: &RuleSet, path: &str, code: &str) -> Vec<String> {
    let artifact = Artifact::new("a", "a", vec![SourceFile::new(path, code.as_bytes().to_vec())], Vec::new());
    let (parsed, refused) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    let (findings, _) = scan(&parsed, rules, &ScanPolicy::default());
    // What the parse pass refuses to hand on, it reports itself.
    refused
        .iter()
        .chain(&findings)
        .filter(|finding| finding.pass == Pass::Scan || finding.rule_id == "nesting-too-deep")
        .map(|finding| {
            let line = finding.range.map_or(0, |range| range.start.line);
            let resolved = finding.resolved.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
            format!("{}:{line}{resolved}", finding.rule_id)
        })
        .collect()
}

fn python() -> (tempfile::TempDir, RuleSet) {
    let folder = rule_folder("python", PYTHON_RULES);
    let rules = RuleSet::load(false, &[folder.path()]).expect("the rules are valid");
    (folder, rules)
}

fn javascript() -> (tempfile::TempDir, RuleSet) {
    let folder = rule_folder("javascript", JAVASCRIPT_RULES);
    let rules = RuleSet::load(false, &[folder.path()]).expect("the rules are valid");
    (folder, rules)
}

/// Asserts that each case is hit by the rule named first.
fn assert_caught(rules: &RuleSet, path: &str, cases: &[(&str, &str, &str)]) {
    let missed: Vec<String> = cases
        .iter()
        .filter_map(|(name, rule, code)| {
            let all = found(rules, path, code);
            let caught = all.iter().any(|one| one.split(':').next() == Some(rule));
            (!caught).then(|| format!("{name}: no {rule} in {all:?}\n{code}"))
        })
        .collect();
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n\n"));
}

fn assert_silent(rules: &RuleSet, path: &str, cases: &[&str]) {
    let alarms: Vec<String> = cases
        .iter()
        .filter_map(|code| {
            let all = found(rules, path, code);
            (!all.is_empty()).then(|| format!("{all:?}\n{code}"))
        })
        .collect();
    assert!(alarms.is_empty(), "{} false alarms:\n{}", alarms.len(), alarms.join("\n\n"));
}

#[test]
fn python_evasions_are_caught() {
    let (_folder, rules) = python();
    assert_caught(&rules, "a.py", PYTHON_EVASIONS);
}

#[test]
fn python_look_alikes_are_not() {
    let (_folder, rules) = python();
    assert_silent(&rules, "a.py", PYTHON_LOOK_ALIKES);
}

#[test]
fn javascript_evasions_are_caught() {
    let (_folder, rules) = javascript();
    assert_caught(&rules, "a.js", JAVASCRIPT_EVASIONS);
}

#[test]
fn javascript_look_alikes_are_not() {
    let (_folder, rules) = javascript();
    assert_silent(&rules, "a.js", JAVASCRIPT_LOOK_ALIKES);
}

/// Name, rule, code.
const PYTHON_EVASIONS: &[(&str, &str, &str)] = &[
    ("plain os.system", "t-command", "import os\nos.system('id')"),
    ("import alias", "t-command", "import os as o\no.system('id')"),
    ("from import", "t-command", "from os import system\nsystem('id')"),
    ("from import rename", "t-command", "from os import system as s\ns('id')"),
    ("assign alias", "t-command", "import os\nr = os.system\nq = r\nq('id')"),
    ("getattr const", "t-command", "import os\ngetattr(os, 'system')('id')"),
    ("getattr concat", "t-command", "import os\ngetattr(os, 'sys' + 'tem')('id')"),
    ("getattr reverse", "t-command", "import os\ngetattr(os, 'metsys'[::-1])('id')"),
    ("dunder import", "t-command", "__import__('os').system('id')"),
    ("dunder import concat", "t-command", "__import__('o' + 's').system('id')"),
    ("importlib", "t-command", "import importlib\nimportlib.import_module('os').system('id')"),
    (
        "importlib alias concat",
        "t-command",
        "from importlib import import_module as im\nm = im('sub' + 'process')\nm.call('id')",
    ),
    ("builtins dunder eval", "t-exec", "__builtins__.eval('1')"),
    ("builtins dict eval", "t-exec", "__builtins__.__dict__['ev' + 'al']('1')"),
    ("globals builtins", "t-exec", "globals()['__builtins__']['eval']('1')"),
    ("import builtins alias", "t-exec", "import builtins as b\nb.exec('1')"),
    ("vars builtins", "t-exec", "import builtins\nvars(builtins)['exec']('1')"),
    ("eval via map", "t-exec", "list(map(eval, ['1']))"),
    ("eval via functools", "t-exec", "import functools\nfunctools.partial(eval, '1')()"),
    ("eval via lambda argument", "t-exec", "(lambda f: f('1'))(eval)"),
    ("base64 exec", "t-exec", "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))"),
    (
        "base64 exec split",
        "t-exec",
        "import base64 as b\ngetattr(__builtins__, b.b64decode('ZX' + 'hlYw==').decode())('1')",
    ),
    ("zlib compile exec", "t-exec", "import zlib\nc = compile(zlib.decompress(d), 'x', 'exec')\nexec(c)"),
    ("codecs rot13", "t-command", "import codecs, os\ngetattr(os, codecs.decode('flfgrz', 'rot13'))('id')"),
    ("chr join exec", "t-exec", "getattr(__builtins__, ''.join(chr(c) for c in [101, 118, 97, 108]))('1')"),
    ("marshal loads", "t-load", "import marshal\nf = marshal.loads\nf(b'')"),
    (
        "pickle reduce",
        "t-command",
        "import os\nclass P:\n    def __reduce__(self):\n        return (os.system, ('id',))",
    ),
    ("pickle alias", "t-load", "import pickle as p\np.loads(b)"),
    ("ctypes libc", "t-native", "import ctypes\nctypes.CDLL('libc.so.6').system(b'id')"),
    ("ctypes cdll attribute", "t-native-use", "from ctypes import cdll\ncdll.LoadLibrary('libc.so.6').system(b'id')"),
    ("sys.modules", "t-command", "import sys\nsys.modules['os'].system('id')"),
    ("os through another module", "t-command", "import shutil\nshutil.os.system('id')"),
    ("decorator exec", "t-exec", "@exec\n@str\ndef f(): pass"),
    ("f-string nested eval", "t-exec", "x = f\"{eval('1')}\""),
    ("type metaclass", "t-command", "import os\ntype('X', (), {'__init__': lambda s: os.system('id')})()"),
    ("subclasses walk", "t-walk", "().__class__.__base__.__subclasses__()[40]"),
    ("frame globals", "t-exec", "import inspect\ninspect.currentframe().f_globals['__builtins__']['exec']('1')"),
    ("posix module", "t-command", "import posix\nposix.system('id')"),
    ("pty spawn", "t-command", "import pty\npty.spawn('/bin/sh')"),
    ("asyncio shell", "t-command", "import asyncio\nasync def f():\n    await asyncio.create_subprocess_shell('id')"),
    ("methodcaller", "t-command", "import operator, os\noperator.methodcaller('system', 'id')(os)"),
    ("attrgetter", "t-command", "from operator import attrgetter\nimport os\nattrgetter('system')(os)('id')"),
    ("setattr hijack", "t-exec", "import json\nsetattr(json, 'loads', eval)"),
    ("code interact", "t-exec", "import code\ncode.interact()"),
    ("runpy", "t-exec", "import runpy\nrunpy.run_path('x')"),
    ("timeit exec", "t-exec", "import timeit\ntimeit.timeit('import os')"),
    ("unicode identifier", "t-command", "import os\nos.ſystem('id')"),
    ("reverse shell", "t-command", "import socket, os\ns = socket.socket()\nos.dup2(s.fileno(), 0)"),
    ("urlopen exec", "t-exec", "from urllib.request import urlopen as u\nexec(u('x').read())"),
    ("line continuation", "t-command", "import os\nos\\\n.\\\nsystem('id')"),
    ("walrus alias", "t-command", "import os\n(f := os.system)\nf('id')"),
    ("star import", "t-command", "from os import *\nsystem('id')"),
    ("dict dispatch", "t-command", "import os\nd = {'a': os.system}\nd['a']('id')"),
    (
        "nested function default",
        "t-command",
        "import os\ndef f(x, run=os.system):\n    def g():\n        return run(x)\n    return g()",
    ),
    // Beyond the names of the measured table.
    ("container alone", "t-exec", "h = [print, eval]\nh[1]('1')"),
    ("tuple destructuring", "t-exec", "a, b = print, eval\nb('1')"),
    ("conditional", "t-exec", "f = eval if x else print\nf('1')"),
    ("boolean", "t-exec", "f = None or eval\nf('1')"),
    ("class attribute", "t-command", "import os\nclass C:\n    run = os.system\nC.run('id')\nC().run('id')"),
    (
        "self attribute",
        "t-command",
        "import os\nclass C:\n    def __init__(self):\n        self.r = os.system\n    def go(self):\n        self.r('id')",
    ),
    ("function result", "t-command", "import os\ndef get():\n    return os\nget().system('id')"),
    ("percent", "t-command", "import os\ngetattr(os, '%s%s' % ('sys', 'tem'))('id')"),
    ("format", "t-command", "import os\ngetattr(os, '{}{b}'.format('sys', b='tem'))('id')"),
    ("replace", "t-command", "import os\ngetattr(os, 'sXstXm'.replace('X', 'y', 1).replace('X', 'e'))('id')"),
    ("f-string name", "t-command", "import os\na = 'sys'\ngetattr(os, f'{a}tem')('id')"),
    ("augmented name", "t-command", "import os\ns = 'sys'\ns += 'tem'\ngetattr(os, s)('id')"),
    ("hex name", "t-command", "import os\ngetattr(os, bytes.fromhex('73797374656d').decode())('id')"),
    ("getattribute", "t-command", "import os\nos.__getattribute__('system')('id')"),
    ("dynamic attribute", "t-dynamic", "import os\ngetattr(os, input())('id')"),
    ("dynamic subscript", "t-dynamic", "import os\nos.__dict__[input()]('id')"),
    ("map chr", "t-exec", "getattr(__builtins__, ''.join(map(chr, [101, 118, 97, 108])))('1')"),
    ("xor", "t-exec", "getattr(__builtins__, ''.join(chr(c ^ 1) for c in [100, 119, 96, 109]))('1')"),
    ("decoder function", "t-exec", "def d(s):\n    return s[::-1]\ngetattr(__builtins__, d('lave'))('1')"),
    ("bound later under a condition", "t-exec", "if 0:\n    def exec(x): pass\nexec('1')"),
    ("bound after use", "t-exec", "exec('1')\ndef exec(x): pass"),
    ("deleted", "t-exec", "def eval(x): pass\ndel eval\neval('1')"),
    ("try import", "t-load", "try:\n    import cPickle as p\nexcept ImportError:\n    import pickle as p\np.loads(x)"),
    ("import in a function", "t-command", "def f():\n    import os\n    os.system('id')"),
    ("global", "t-exec", "def g():\n    global h\n    h = eval\ndef f():\n    h('1')"),
    ("fragment with errors", "t-command", "def f(:\n  x = = 3\nimport os\nos.system('id')\n}}"),
    ("import by name", "t-telnet", "m = __import__('telnet' + 'lib')"),
    ("assigned hook", "t-hook", "import sys as s\ns.excepthook = f"),
    ("sql", "t-sql", "cur = db.cursor()\ncur.execute('select ' + name)"),
    ("spread keyword", "t-shell", "import subprocess\nsubprocess.check_output('x', **{'shell': True})"),
    ("cyclic alias", "t-command", "import os\nx = os.system\ny = x\nx = y\ny('id')"),
];

const PYTHON_LOOK_ALIKES: &[&str] = &[
    "import re\nre.compile('eval(.*)')",
    "class M:\n    def eval(self): return self\nM().eval()",
    "model.eval()",
    "# os.system('x')\nx = 1",
    "note = 'os.system(1)'",
    "def eval(x): return x\neval('1')",
    "def f(eval): return eval('1')",
    "import ast\nast.literal_eval('1')",
    "import os\nos.path.join('a', 'b')",
    "class system:\n    pass\nsystem()",
    "def f(os):\n    os.system('id')",
    "exec = lambda x: x\nexec('1')",
    "import subprocess\nsubprocess.check_output(['ls'], shell=False)",
    "import subprocess\nsubprocess.check_output(['ls'])",
    "cur.execute('select 1')",
    "cur.execute('select ?', (name,))",
    "class E:\n    def execute(self, q): return q\nE().execute('a' + b)",
    "import pandas as pd\npd.eval('1')",
    "from mymodule import system\nsystem('x')",
    "from mymodule import eval\neval('x')",
    "import platform\nplatform.system()",
    "d = {'system': print}\nd['system']('x')",
    "getattr(obj, name)()",
    "isinstance(f, type(eval))\nx = 'pickle.loads'",
    "for eval in [print]:\n    eval('x')",
    "with open('x') as exec:\n    exec.read()",
    "[eval('1') for eval in [print]]",
    "import json\njson.loads('1')",
    "import yaml\nyaml.safe_load('1')",
    "def f():\n    def exec(x): return x\n    return exec('1')",
    "import sys\nsys.exit(1)",
    "type(x).__mro__",
    "callable(x) and x()",
    "self.system('x')",
    "x: 'eval(1)' = 3",
    "def compile(x): return x\nprint(compile('a'))",
    "import os\nos.getcwd()\nos.environ['system']",
    "class A:\n    exec = 1\n    def f(self): return self.exec",
    "lambda eval: eval(1)",
    "print(f'eval({x})')",
];

const JAVASCRIPT_EVASIONS: &[(&str, &str, &str)] = &[
    ("plain eval", "t-eval", "eval('1')"),
    ("indirect eval", "t-eval", "(0, eval)('1')"),
    ("window concat", "t-eval", "window['ev' + 'al']('1')"),
    ("globalThis eval", "t-eval", "globalThis.eval('1')"),
    ("eval alias", "t-eval", "const e = eval; e('1')"),
    ("eval variable", "t-eval", "const c = input(); eval(c)"),
    ("new Function", "t-eval", "new Function('return 1')()"),
    ("Function call", "t-eval", "Function('return 1')()"),
    ("constructor of constructor", "t-eval", "[].constructor.constructor('return 1')()"),
    ("function prototype constructor", "t-eval", "(function(){}).constructor('return 1')()"),
    (
        "async function constructor",
        "t-eval",
        "const A = Object.getPrototypeOf(async function(){}).constructor; new A('1')()",
    ),
    ("setTimeout string", "t-timer", "setTimeout('alert(1)', 10)"),
    ("setTimeout concat", "t-timer", "setTimeout('alert(' + x + ')', 10)"),
    ("child_process exec literal", "t-command", "require('child_process').exec('id')"),
    ("child_process exec variable", "t-command", "const cp = require('child_process'); cp.exec(cmd)"),
    ("require concat", "t-command", "require('child' + '_process').exec('id')"),
    ("node prefix", "t-command", "const { execSync } = require('node:child_process'); execSync('id')"),
    ("import rename", "t-command", "import { exec as run } from 'child_process'; run('id')"),
    ("destructure rename", "t-command", "const { exec: run } = require('child_process'); run('id')"),
    ("dynamic import", "t-command", "const cp = await import('child_process'); cp.exec('id')"),
    ("module.require", "t-command", "module.require('child_process').exec('id')"),
    ("mainModule.require", "t-command", "process.mainModule.require('child_process').exec('id')"),
    (
        "createRequire",
        "t-command",
        "import { createRequire } from 'module'; const r = createRequire(import.meta.url); r('child_process').exec('id')",
    ),
    ("process.binding", "t-binding", "process.binding('spawn_sync')"),
    ("Reflect.construct", "t-eval", "Reflect.construct(Function, ['return 1'])()"),
    ("Reflect.apply eval", "t-eval", "Reflect.apply(eval, null, ['1'])"),
    ("eval.call", "t-eval", "eval.call(null, '1')"),
    ("with statement", "t-command", "with (require('child_process')) { exec('id') }"),
    ("template tag", "t-eval", "Function`return 1```"),
    ("template string property", "t-eval", "globalThis[`ev${'al'}`]('1')"),
    ("vm run", "t-eval", "require('vm').runInNewContext('1')"),
    ("vm script", "t-eval", "const vm = require('vm'); new vm.Script('1')"),
    ("atob eval", "t-eval", "window[atob('ZXZhbA==')]('1')"),
    ("buffer base64 eval", "t-eval", "globalThis[Buffer.from('ZXZhbA==', 'base64').toString()]('1')"),
    ("fromCharCode", "t-eval", "self[String.fromCharCode(101, 118, 97, 108)]('1')"),
    ("unicode escape identifier", "t-eval", r"\u0065val('1')"),
    ("innerHTML", "t-html", "el.innerHTML = data"),
    ("document.write", "t-write", "const d = document; d['wri' + 'te'](x)"),
    ("javascript url", "t-url", "location.href = 'java' + 'script:alert(1)'"),
    ("prototype pollution", "t-binding", "obj['__pro' + 'to__'].x = 1"),
    ("fs rm", "t-write", "import * as f from 'node:fs'; f.rmSync('/')"),
    ("fs read secret", "t-write", "const { readFileSync: r } = require('fs'); r('/etc/passwd')"),
    ("env exfiltration", "t-env", "fetch('x', { body: JSON.stringify(process['env']) })"),
    ("worker eval", "t-worker", "const { Worker } = require('worker_threads'); new Worker('1', { eval: true })"),
    ("import data url", "t-data", "import('data:text/javascript,1')"),
    ("array map eval", "t-eval", "['1'].map(eval)"),
    ("getter trick", "t-eval", "({ get x() { return eval } }).x('1')"),
    ("jsfuck", "t-eval", "[]['f' + ([][[]] + [])[5] + 'lter']['constructor']('return 1')()"),
    ("process.dlopen", "t-binding", "const p = process; p.dlopen(module, 'x.node')"),
    (
        "string array",
        "t-eval",
        "var _0x = ['log', 'eval']; function _0y(i) { return _0x[i - 0x1] } globalThis[_0y(0x2)]('1')",
    ),
    // Beyond the names of the measured table.
    ("bind", "t-eval", "const e = eval.bind(null); e('1')"),
    ("apply", "t-command", "const cp = require('child_process'); cp.exec.apply(cp, ['id'])"),
    ("then", "t-command", "import('child_process').then(m => m.exec('id'))"),
    ("immediately called", "t-command", "(function (r) { r('child_process').exec('id') })(require)"),
    ("array join reverse", "t-eval", "window[['l', 'a', 'v', 'e'].reverse().join('')]('1')"),
    ("split reverse join", "t-eval", "window['lave'.split('').reverse().join('')]('1')"),
    ("map fromCharCode", "t-eval", "window[[101, 118, 97, 108].map(c => String.fromCharCode(c)).join('')]('1')"),
    ("unescape", "t-eval", "window[unescape('%65val')]('1')"),
    ("real jsfuck letters", "t-eval", "window[(typeof x, (![] + [])[4] + 'v' + (![] + [])[1] + (![] + [])[2])]('1')"),
    ("default import", "t-command", "import cp from 'child_process'; cp.exec('id')"),
    ("function returning this", "t-eval", "Function('return this')().eval('1')"),
    ("object member", "t-eval", "const o = {}; o.run = eval; o.run('1')"),
    ("class field", "t-eval", "class A { run = eval; go() { this.run('1') } }"),
    ("var after use", "t-eval", "eval('1'); var eval;"),
    ("logical or", "t-command", "const cp = globalThis.x || require('child_process'); cp.exec('id')"),
    ("dynamic member", "t-dynamic", "const cp = require('child_process'); cp[name]('id')"),
    ("import by require", "t-vm", "const { VM } = require('vm2')"),
    ("catch binding", "t-eval", "function f() { try { g() } catch (eval) {} eval('1') }"),
    ("html script", "t-eval", "eval\n('1')"),
];

const JAVASCRIPT_LOOK_ALIKES: &[&str] = &[
    "/a/.exec('b')",
    "const m = { eval(x) { return x } }; m.eval('1')",
    "function eval2(x) {} eval2('1')",
    "function f(eval) { eval('1') }",
    "// eval('1')\nlet x = 1",
    "const s = \"eval('1')\"",
    "{ let eval = x => x; eval('1') }",
    "const eval = x => x; eval('1')",
    "class A { eval() {} go() { this.eval() } }",
    "setTimeout(() => go(), 10)",
    "setTimeout(go, 10)",
    "const go = function () {}; setInterval(go, 10)",
    "el.innerHTML = '<b>x</b>'",
    "el.textContent = data",
    "location.href = '/home'",
    "const exec = require('./exec'); exec('id')",
    "import { exec } from './mine'; exec('id')",
    "db.exec('select 1')",
    "const { exec } = db; exec('select 1')",
    "x instanceof Function",
    "typeof eval === 'function'",
    "this.constructor.name",
    "new this.constructor(1)",
    "obj.constructor === Object",
    "const window = {}; window.eval = f => f",
    "function require(x) { return x } require('child_process').exec('id')",
    "import('./page.js')",
    "new Worker('w.js')",
    "new Worker('w.js', { type: 'module' })",
    "const process = { env: 1 }; process.env",
    "document.querySelector('x').write",
    "const f = x => x; f.call(null, 1); f.apply(null, [1]); f.bind(null)",
    "`eval(${x})`",
    "JSON.parse(x)",
    "const vm = new ViewModel(); vm.runInNewContext",
    "Object.create(null)",
    "array.map(String)",
    "let i = 0; items[i] = items[i + 1]",
    "promise.then(m => m.exec('x'))",
    "let location = 'javascript:x'; location = 'javascript:y'",
];

#[test]
fn a_finding_says_what_is_really_reached() {
    let (_folder, rules) = python();
    assert_eq!(found(&rules, "a.py", "import os as o\n\nr = o.system\nr('id')"), ["t-command:4 os.system"]);
    assert_eq!(found(&rules, "a.py", "import os\nos.system('id')"), ["t-command:2"]);
    let code = "def f(x, run=eval):\n    return run(x)\n";
    assert_eq!(found(&rules, "a.py", code), ["t-exec:2 eval"]);
}

#[test]
fn scripts_in_pages_and_typescript_are_seen() {
    let (_folder, rules) = javascript();
    let page = "<html><body>\n<script>\nconst e = eval;\ne('1')\n</script></body></html>";
    assert_eq!(found(&rules, "a.html", page), ["t-eval:4 eval"]);
    assert_eq!(found(&rules, "a.ts", "const c: string = input();\neval(c);"), ["t-eval:2"]);
}

#[test]
fn many_findings_are_cut_and_said_so() {
    let (_folder, rules) = python();
    let code = "eval(x)\n".repeat(300);
    let all = found(&rules, "a.py", &code);
    assert_eq!(all.len(), 201);
    assert!(all.iter().any(|one| one == "scan-limit:0"));
}

#[test]
fn rules_that_are_not_valid_are_refused_with_place_and_mend() {
    let head =
        "id = \"t\"\nseverity = \"high\"\nconfidence = \"high\"\nmessage = \"m\"\nwhy = \"w\"\ninstead = \"i\"\n";
    let examples = "bad = [\"b\"]\ngood = [\"g\"]\n";
    let cases = [
        (format!("{head}{examples}"), "missing field"),
        (format!("{head}bad = []\ngood = [\"g\"]\n[[match]]\ncall = [\"a\"]"), "no bad example"),
        (
            format!("{head}{examples}[[match]]\ncall = [\"a\"]\nimport = [\"b\"]"),
            "line 9: rule `t`: a [[match]] has call and import",
        ),
        (format!("{head}{examples}[[match]]\nregex = '('"), "the regex is not valid"),
        (format!("{head}{examples}[[match]]\nquery = '(nothing) @hit'"), "the query is not valid"),
        (format!("{head}{examples}[[match]]\nquery = '(module) @x'"), "captures nothing as `@hit`"),
        (format!("{head}{examples}[[match]]\ncal = [\"a\"]"), "unknown field `cal`"),
        (format!("{head}{examples}[[match]]\ncall = [\"a b\"]"), "is not a name"),
        (
            format!("{head}{examples}[[match]]\ncall = [\"a\"]\n[[match.argument]]\nis = \"truthy\""),
            "neither position nor keyword",
        ),
        (
            format!("{head}{examples}[[match]]\nuse = [\"a\"]\nwithin = \"string\""),
            "goes with `regex` alone, not with `use`",
        ),
        (
            head.replace("severity = \"high\"", "severity = \"huge\"") + examples + "[[match]]\ncall = [\"a\"]",
            "line 2: unknown variant `huge`",
        ),
        (head.replace("\"t\"", "\"other\"") + examples + "[[match]]\ncall = [\"a\"]", "give both one name"),
    ];
    for (text, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("python")).unwrap();
        std::fs::write(folder.path().join("python/t.toml"), &text).unwrap();
        let error = RuleSet::load(false, &[folder.path()]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n\n{text}");
        assert!(error.contains("t.toml") && error.contains("line "), "{error}");
    }
}

#[test]
fn a_users_rule_replaces_the_built_in_one_of_its_name() {
    let builtin = RuleSet::load(true, &[] as &[&Path]).unwrap();
    let id = builtin.rules().find(|rule| rule.language.name() == "python").unwrap().id.clone();
    let folder = rule_folder("python", &[(&id, "call = [\"mine\"]")]);
    let both = RuleSet::load(true, &[folder.path()]).unwrap();
    assert_eq!(both.rules().len(), builtin.rules().len());
    assert_eq!(both.get(&id).unwrap().message, "m");
    assert_ne!(both.digest(), builtin.digest());
}

/// Code that would cost an engine without limits its time, its stack or its memory.
#[test]
fn hostile_code_ends_in_time_and_is_not_passed_over() {
    let (_python_folder, python) = python();
    let (_javascript_folder, javascript) = javascript();
    let deep = |open: &str, close: &str, count: usize| format!("{}eval(x){}", open.repeat(count), close.repeat(count));
    let doubling: String = (0..60).map(|at| format!("a{} = a{at} + a{at}\n", at + 1)).collect();
    let chain: String = (0..5000).map(|at| format!("a{} = a{at}\n", at + 1)).collect();
    let cases = [
        ("a.py", deep("(", ")", 150)),
        ("a.py", format!("x = {}1\neval(x)", "1 + ".repeat(20_000))),
        ("a.py", format!("x = f{}\neval(x)", ".a()".repeat(5000))),
        ("a.py", format!("a0 = 'xxxx'\n{doubling}eval(a60)")),
        ("a.py", format!("a0 = eval\n{chain}a5000(x)")),
        ("a.py", format!("x = [{}]\neval(''.join(x))", "'a', ".repeat(50_000))),
        ("a.py", "x = [1]\nx = [y for y in x]\nx = [z + y for y in x]\neval(''.join(x))".to_owned()),
        ("a.py", "def f(n):\n    return f(n + 1) + f(n + 2)\neval(f(1))".to_owned()),
        ("a.js", deep("[", "]", 150)),
        ("a.js", format!("x = {}1; eval(x)", "!".repeat(20_000))),
        (
            "a.js",
            format!(
                "var a0 = 'xxxx'\n{}eval(a60)",
                doubling.replace("a", "var a").replace("+ var", "+").replace("= var", "=")
            ),
        ),
        ("a.js", format!("x{}; eval(x)", ".constructor".repeat(3000))),
    ];
    let started = std::time::Instant::now();
    for (path, code) in &cases {
        let rules = if *path == "a.py" { &python } else { &javascript };
        let all = found(rules, path, code);
        assert!(
            all.iter().any(|one| one.starts_with("t-")
                || one.starts_with("scan-limit")
                || one.starts_with("nesting-too-deep")),
            "{all:?}\n{:.200}",
            code
        );
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
