//! The rule language, one kind of match after the other, with rules of the tests' own.

use std::path::Path;

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::scan::scan;
use vetrun::policy::{ParsePolicy, ScanPolicy};
use vetrun::rules::RuleSet;

/// A folder of rules: for each its language, id, what stands before the matches, and the matches.
fn rules(rules: &[(&str, &str, &str, &str)]) -> RuleSet {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (language, id, head, matches) in rules {
        let path = folder.path().join(language);
        std::fs::create_dir_all(&path).expect("it can be written");
        let weight = if head.contains("label") { "" } else { "severity = \"high\"\nconfidence = \"medium\"\n" };
        let text = format!(
            "id = \"{id}\"\n{weight}{head}\nmessage = \"m\"\nwhy = \"w\"\ninstead = \"i\"\nbad = [\"b\"]\ngood = [\"g\"]\n{matches}\n"
        );
        std::fs::write(path.join(format!("{id}.toml")), text).expect("it can be written");
    }
    RuleSet::load(false, &[folder.path()]).expect("the rules are valid")
}

fn rule(language: &str, one: &str) -> RuleSet {
    rules(&[(language, "t", "", &format!("[[match]]\n{one}"))])
}

/// The texts that are hit.
fn hits(rules: &RuleSet, files: &[(&str, &str)]) -> Vec<String> {
    let (findings, _) = scanned(rules, files);
    let text = |path: &str| files.iter().find(|(name, _)| *name == path).expect("it is one of them").1;
    let place = |finding: &vetrun::finding::Finding| {
        let range = finding.range.expect("it has a place");
        text(&finding.path)[range.start.offset..range.end.offset].to_owned()
    };
    findings.iter().map(place).collect()
}

fn scanned(
    rules: &RuleSet,
    files: &[(&str, &str)],
) -> (Vec<vetrun::finding::Finding>, serde_json::Map<String, serde_json::Value>) {
    let files = files.iter().map(|(path, code)| SourceFile::new(*path, code.as_bytes().to_vec())).collect();
    let artifact = Artifact::new("a", "a", files, Vec::new());
    let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    scan(&parsed, rules, &ScanPolicy::default())
}

fn python(matcher: &str, code: &str) -> Vec<String> {
    hits(&rule("python", matcher), &[("a.py", code)])
}

fn script(matcher: &str, code: &str) -> Vec<String> {
    hits(&rule("javascript", matcher), &[("a.js", code)])
}

const TRIES: &str = "
try: f()
except: pass
try: f()
except KeyError: ...
for x in y:
    try: f()
    except (ValueError, Exception) as e:
        # Nothing to do.
        continue
    try: f()
    except OSError: log()
";

#[test]
fn statements_are_found_by_kind_and_by_what_they_catch() {
    let found = |matcher: &str| {
        python(matcher, TRIES).iter().map(|hit| hit.lines().next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(r#"statement = ["except-pass"]"#), ["except: pass", "except KeyError: ..."]);
    assert_eq!(found(r#"statement = ["except-continue"]"#), ["except (ValueError, Exception) as e:"]);
    assert_eq!(found(r#"statement = ["except"]"#).len(), 4);
    let all = r#"statement = ["except-pass", "except-continue"]"#;
    assert_eq!(found(&format!("{all}\nexception = [\"*\"]")), ["except: pass"]);
    assert_eq!(found(&format!("{all}\nexception = [\"Exception\"]")), ["except (ValueError, Exception) as e:"]);
    assert_eq!(python(r#"statement = ["assert"]"#, "assert x, y\nunittest.assertTrue(x)"), ["assert x, y"]);
    assert_eq!(python("statement = [\"with\"]", "with open(x) as f: pass"), ["with open(x) as f: pass"]);
    let code = "try { f() } catch (e) { /* nothing */ }\ntry { f() } catch { log() }\ndebugger;\nwith (o) { f() }";
    assert_eq!(script(r#"statement = ["except-pass"]"#, code), ["catch (e) { /* nothing */ }"]);
    assert_eq!(script(r#"statement = ["except"]"#, code).len(), 2);
    assert_eq!(script(r#"statement = ["debugger", "with"]"#, code), ["debugger;", "with (o) { f() }"]);
}

#[test]
fn definitions_are_found_by_name_default_decorator_and_base() {
    let code = "
@app.route('/x')
def view(name, password='hunter2', *, token=None): pass
class Loader(yaml.YAMLObject):
    def load(self): pass
f = lambda secret='x': 1
";
    assert_eq!(python(r#"define = ["view", "*.load"]"#, code), ["def view", "def load"]);
    let default = "define = [\"*\"]\n[[match.argument]]\nkeyword = \"/passw|token|secret/\"\nvalue = '.'";
    assert_eq!(python(default, code), ["def view", "lambda secret='x'"]);
    assert_eq!(python("define = [\"*\"]\ndecorated = [\"*.route\"]", code), ["def view"]);
    assert_eq!(python("define = [\"*\"]\nbase = [\"yaml.YAMLObject\"]", code), ["class Loader"]);
    assert_eq!(python(r#"define = ["/^lo/"]"#, code), ["def load"]);
    let code = "function f(password = 'a') {}\nclass A extends B { m(x = 1) {} }\nconst g = (password = 'b') => 1";
    let default = "define = [\"*\"]\n[[match.argument]]\nkeyword = \"password\"\nvalue = '.'";
    assert_eq!(script(default, code), ["function f", "(password = 'b')"]);
    assert_eq!(script("define = [\"*\"]\nbase = [\"B\"]", code), ["class A"]);
    assert_eq!(script(r#"define = ["m"]"#, code), ["m"]);
}

#[test]
fn names_are_found_where_they_are_given_values_or_compared() {
    let code = "
password = 'a'
self.db_password = 'b'
d['password'] = 'c'
e = {'password': 'd', 'user': 'e'}
f(password='f')
if user.password == 'g' or 'h' in passwords or password < 'i': pass
password = input()
";
    let value = "[[match.value]]\nis = \"constant\"";
    let assigned =
        ["password = 'a'", "self.db_password = 'b'", "d['password'] = 'c'", "'password': 'd'"].map(str::to_owned);
    assert_eq!(python(&format!("assign = [\"/passw/\"]\n{value}"), code), assigned);
    assert_eq!(python(&format!("assign = [\"*.password\"]\n{value}"), code), assigned[2..]);
    assert_eq!(python(&format!("keyword = [\"/passw/\"]\n{value}"), code), ["f(password='f')"]);
    let compared = format!("compare = [\"/passw/\"]\n{value}");
    assert_eq!(python(&compared, code), ["user.password == 'g'", "'h' in passwords"]);
    let exact = "compare = [\"*.password\"]\n[[match.not_value]]\nis = \"dynamic\"";
    assert_eq!(python(exact, code), ["user.password == 'g'"]);
    let code = "
const password = 'a'
let o = { password: 'b', other }
class A { password = 'c' }
if (password === key) f()
const v = <div dangerouslySetInnerHTML={{__html: x}} />
";
    let found = script(&format!("assign = [\"/passw/\"]\n{value}"), code);
    assert_eq!(found, ["password = 'a'", "password: 'b'", "password = 'c'"]);
    assert_eq!(script(r#"compare = ["password"]"#, code), ["password === key"]);
    let html = script("assign = [\"*.dangerouslySetInnerHTML\"]", code);
    assert_eq!(html, ["dangerouslySetInnerHTML={{__html: x}}"]);
}

#[test]
fn modules_are_named_by_their_paths_as_well() {
    let code = "
const db = require('./db'); db.query(a); db.close();
import * as whole from '../lib/whole.js'; whole.any(b);
import { run } from './x.y.js'; run(c);
require('./other').query(d); f().query(e);
";
    let found = script(r#"call = ["./db.query", "../lib/whole.js.*", "./x.y.js.run"]"#, code);
    assert_eq!(found, ["db.query(a)", "whole.any(b)", "run(c)"]);
}

#[test]
fn a_hit_stands_where_its_rule_says() {
    let code = "
f(0)
while True:
    f(1)
for x in y: f(2)
z = [f(3) for x in y]
def g():
    f(4)
    try: pass
    except E: f(5)
class C: f(6)
h = lambda: f(7)
while x: f(8)
";
    let numbers = |matcher: &str, code: &str, javascript: bool| {
        let matcher = format!("call = [\"f\"]\nreferences = false\n{matcher}");
        let found = if javascript { script(&matcher, code) } else { python(&matcher, code) };
        found.iter().map(|hit| hit[2..3].to_owned()).collect::<String>()
    };
    assert_eq!(numbers(r#"within = ["loop"]"#, code, false), "1238");
    assert_eq!(numbers(r#"within = ["endless-loop"]"#, code, false), "1");
    assert_eq!(numbers(r#"within = ["function", "lambda"]"#, code, false), "457");
    assert_eq!(numbers(r#"within = ["except"]"#, code, false), "5");
    assert_eq!(numbers(r#"within = ["module"]"#, code, false), "01238");
    assert_eq!(numbers(r#"not_within = ["module", "class"]"#, code, false), "457");
    assert_eq!(numbers("within = [\"loop\"]\nnot_within = [\"endless-loop\"]", code, false), "238");
    let code = "f(0); for (;;) { f(1) }\nfunction g() { f(2) }\nconst h = () => f(3)\ndo { f(4) } while (1)
for (const x of y) f(5)\nclass A { m() { f(6) } }\ntry {} catch { f(7) }";
    assert_eq!(numbers(r#"within = ["loop"]"#, code, true), "145");
    assert_eq!(numbers(r#"within = ["endless-loop"]"#, code, true), "14");
    assert_eq!(numbers(r#"within = ["function"]"#, code, true), "236");
    assert_eq!(numbers(r#"within = ["class", "except"]"#, code, true), "67");
}

#[test]
fn what_a_rule_excepts_is_no_hit() {
    let matcher =
        "call = [\"lxml.etree.parse\", \"*.parse\"]\nunless = [\"defusedxml.ElementTree.XMLParser\", \"safe\"]";
    let code = "
import defusedxml.ElementTree as d, lxml.etree as l
p = d.XMLParser()
p.parse(x)
l.parse(x, d.XMLParser())
l.parse(x, l.XMLParser())
safe.parse(x)
";
    assert_eq!(python(matcher, code), ["l.parse(x, l.XMLParser())"]);
}

#[test]
fn the_text_of_commands_is_seen_however_it_is_put_together() {
    let matcher = r"shell = 'curl\b.*\|\s*(ba)?sh|rm -rf /'";
    let code = "
import os, subprocess
os.system('curl x | sh')
subprocess.run(['bash', '-c', 'curl ' + url + ' | sh'])
tool = 'cu' + 'rl'
subprocess.Popen(args=f'{tool} {url} | bash', shell=True)
os.execlp('rm', 'rm', '-rf', '/')
subprocess.run('%s %s' % ('echo', x))
print('curl x | sh')
subprocess.run(['rm', '-rf', x])
os.popen('rm -r{} /'.format('f'))
";
    let found = python(matcher, code);
    assert_eq!(found.len(), 5, "{found:?}");
    let code = "
const cp = require('child_process')
cp.exec(`curl ${url} | sh`)
cp.spawn('rm', ['-rf', '/'])
cp.spawn('sh', args)
console.log('curl x | sh')
";
    assert_eq!(script(matcher, code), ["cp.exec(`curl ${url} | sh`)", "cp.spawn('rm', ['-rf', '/'])"]);
}

#[test]
fn capabilities_are_counted_and_are_no_findings() {
    let set = rules(&[
        ("python", "can-network", "label = \"network\"", "[[match]]\ncall = [\"socket.socket\"]\nreferences = false"),
        ("javascript", "can-network-js", "label = \"network\"", "[[match]]\ncall = [\"fetch\"]"),
    ]);
    let files = [("a.py", "import socket\nsocket.socket()\nsocket.socket()"), ("b.js", "fetch(x)"), ("c.py", "f()")];
    let (findings, details) = scanned(&set, &files);
    assert!(findings.is_empty(), "{findings:?}");
    let wanted = serde_json::json!([{ "name": "network", "count": 3,
        "files": [{ "path": "a.py", "line": 2 }, { "path": "b.js", "line": 1 }] }]);
    assert_eq!(details["capabilities"], wanted);
}

#[test]
fn combinations_ask_for_all_of_their_labels_in_one_file_or_anywhere() {
    let both = |scope: &str| {
        rules(&[
            ("python", "can-read-secrets", "label = \"credentials\"", "[[match]]\ncall = [\"secrets\"]"),
            ("python", "can-network", "label = \"network\"", "[[match]]\ncall = [\"send\"]"),
            ("any", "theft", "", &format!("[[match]]\nall = [\"credentials\", \"network\"]\nscope = \"{scope}\"")),
        ])
    };
    let (secrets, send, apart) = ("secrets()", "send(1)\nsend(2)", "send(2)");
    let together = format!("{send}\n{secrets}");
    for scope in ["file", "artifact"] {
        assert_eq!(hits(&both(scope), &[("a.py", &together)]), ["send(1)"], "{scope}");
        assert!(hits(&both(scope), &[("a.py", secrets)]).is_empty());
    }
    assert!(hits(&both("file"), &[("a.py", secrets), ("b.py", apart)]).is_empty());
    assert_eq!(hits(&both("artifact"), &[("a.py", secrets), ("b.py", apart)]), ["send(2)"]);
}

#[test]
fn a_combination_is_about_code_of_its_own_language() {
    let set = |language| {
        rules(&[
            ("python", "can-read", "label = \"secret\"", "[[match]]\ncall = [\"secrets\"]"),
            ("python", "can-network", "label = \"network\"", "[[match]]\ncall = [\"send\"]"),
            ("javascript", "can-read-js", "label = \"secret\"", "[[match]]\ncall = [\"secrets\"]"),
            ("javascript", "can-network-js", "label = \"network\"", "[[match]]\ncall = [\"send\"]"),
            (language, "theft", "", "[[match]]\nall = [\"secret\", \"network\"]"),
        ])
    };
    let code = "send(secrets())";
    assert_eq!(hits(&set("python"), &[("a.py", code)]), ["send(secrets())"]);
    assert!(hits(&set("python"), &[("a.js", code)]).is_empty());
    assert_eq!(hits(&set("javascript"), &[("a.js", code)]), ["send(secrets())"]);
    assert_eq!(hits(&set("any"), &[("a.py", code)]), ["send(secrets())"]);
}

#[test]
fn what_is_added_to_a_member_is_judged_by_itself() {
    let matcher = "assign = [\"*.innerHTML\"]\nunless = [\"safe\"]\n[[match.value]]\nis = \"dynamic\"";
    for harmless in ["a.innerHTML += ''", "a.innerHTML += `<b>`", "a.innerHTML += safe(x)", "a.innerHTML += 'a' + 'b'"]
    {
        assert!(script(matcher, harmless).is_empty(), "{harmless}");
    }
    for harmful in ["a.innerHTML += x", "a.innerHTML += '<b>' + x", "a.innerHTML = a.innerHTML + ''"] {
        assert_eq!(script(matcher, harmful).len(), 1, "{harmful}");
    }
}

#[test]
fn values_carry_the_labels_of_their_sources() {
    let set = rules(&[
        ("python", "from-request", "label = \"request\"\nsource = true", "[[match]]\nuse = [\"flask.request.*\"]"),
        (
            "python",
            "from-input",
            "label = \"input\"\nsource = true",
            "[[match]]\ncall = [\"input\"]\nreferences = false",
        ),
        (
            "python",
            "from-view",
            "label = \"request\"\nsource = true",
            "[[match]]\ndefine = [\"*\"]\ndecorated = [\"*.route\"]",
        ),
        ("python", "t", "", "[[match]]\ncall = [\"f\"]\n[[match.argument]]\nposition = 0\nfrom = [\"request\"]"),
    ]);
    let code = "
from flask import request
f(request.args)
x = request.args.get('x')
f('select ' + x)
f(f'{x}')
f(input())
f('x')
f(y)
@app.route('/<name>')
def view(name):
    f(name)
def other(name):
    f(name)
";
    let (findings, _) = scanned(&set, &[("a.py", code)]);
    let lines: Vec<u32> = findings.iter().map(|finding| finding.range.unwrap().start.line).collect();
    assert_eq!(lines, [3, 5, 6, 12]);
}

#[test]
fn confidence_hangs_on_where_the_weighed_argument_comes_from() {
    let set = rules(&[
        (
            "python",
            "from-input",
            "label = \"input\"\nsource = true",
            "[[match]]\ncall = [\"input\"]\nreferences = false",
        ),
        ("python", "t", "", "[[match]]\ncall = [\"f\"]\nweigh = [0]\n[[match]]\nassign = [\"*.html\"]\nweigh = [0]"),
    ]);
    let code = "f(input())\nf(x)\nf('a' + 'b')\nf()\nx.html = input()\nx.html = 'a'";
    let (findings, _) = scanned(&set, &[("a.py", code)]);
    let names: Vec<&str> = findings.iter().map(|finding| finding.confidence.name()).collect();
    assert_eq!(names, ["high", "medium", "low", "medium", "high", "low"]);
}

#[test]
fn faults_of_the_newer_keys_are_named_with_their_mend() {
    let cases = [
        ("", "statement = [\"assert\"]\nexception = [\"E\"]", "goes with except"),
        ("", "statement = [\"raise\"]", "unknown variant `raise`"),
        ("", "call = [\"a\"]\nwithin = [\"house\"]", "within is \"text\""),
        ("", "regex = 'a'\nwithin = [\"loop\"]", "a list within, and not_within,"),
        ("", "call = [\"a\"]\ndecorated = [\"b\"]", "decorated and base go with `define` alone"),
        ("", "define = [\"a.b\"]", "looks at the last name alone"),
        ("", "define = [\"a\"]\n[[match.argument]]\nposition = 0\nis = \"constant\"", "by its keyword alone"),
        ("", "call = [\"a\"]\n[[match.argument]]\nposition = 0\nfrom = [\"b\"]\nis = \"text\"", "exactly one of"),
        (
            "",
            "call = [\"a\"]\n[[match.argument]]\nposition = 0\nfrom = [\"nowhere\"]",
            "no source has the label `nowhere`",
        ),
        ("", "all = [\"a\", \"b\"]", "no rule has the label or id `a`"),
        ("", "all = [\"a\"]", "one label alone"),
        ("", "shell = '('", "the regex is not valid"),
        ("", "assign = [\"/(/\"]", "the regex is not valid"),
        ("owasp = [\"A11:2021\"]", "call = [\"a\"]", "no category of OWASP"),
        ("label = \"Net work\"", "call = [\"a\"]", "no word of a-z"),
        ("source = true", "call = [\"a\"]", "source goes with `label`"),
        ("label = \"x\"\nsource = true", "import = [\"a\"]", "called, used or defined"),
    ];
    for (head, matcher, wanted) in cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("python")).unwrap();
        let weight = if head.contains("label") { "" } else { "severity = \"low\"\nconfidence = \"low\"\n" };
        let text = format!(
            "id = \"t\"\n{weight}{head}\nmessage = \"m\"\nwhy = \"w\"\ninstead = \"i\"\nbad = [\"b\"]\ngood = [\"g\"]\n[[match]]\n{matcher}\n"
        );
        std::fs::write(folder.path().join("python/t.toml"), &text).unwrap();
        let error = RuleSet::load(false, &[folder.path() as &Path]).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains("line "), "{error}\n\n{text}");
    }
}
