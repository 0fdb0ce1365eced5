//! The strict tree and the tolerant tree of the same JavaScript say the same to the rules; where they do not, the case
//! stands here with the reason.
//!
//! A region gives the facts of its strict tree away once; whoever scans it again has those of the tolerant tree.

use std::collections::BTreeSet;
use std::path::Path;

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::Finding;
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::scan::scan;
use vetrun::policy::{ParsePolicy, ScanPolicy};
use vetrun::rules::RuleSet;

use super::{JAVASCRIPT_EVASIONS, JAVASCRIPT_LOOK_ALIKES, evasions, javascript};
use crate::support::root;

/// What strict and tolerant facts lead to: rule and line.
fn both(rules: &RuleSet, path: &str, code: &[u8]) -> [BTreeSet<String>; 2] {
    let artifact = Artifact::new("a", "a", vec![SourceFile::new(path, code.to_vec())], Vec::new());
    let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    let one = |finding: &Finding| format!("{}:{}", finding.rule_id, finding.range.map_or(0, |range| range.start.line));
    [(); 2].map(|()| scan(&parsed, rules, &ScanPolicy::default()).0.iter().map(one).collect())
}

/// Examples of rules on which the trees differ: what the code holds, and why they do.
const DIFFERENCES: &[(&str, &str)] = &[];

fn disagreement(rules: &RuleSet, path: &str, code: &str) -> Option<String> {
    let [strict, tolerant] = both(rules, path, code.as_bytes());
    let known = DIFFERENCES.iter().any(|(part, _)| code.contains(part));
    (strict != tolerant && !known).then(|| format!("strict {strict:?}, tolerant {tolerant:?}\n{code}"))
}

fn assert_agreement(rules: &RuleSet, path: &str, all: &[&str]) {
    let wrong: Vec<String> = all.iter().filter_map(|code| disagreement(rules, path, code)).collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), all.len(), wrong.join("\n\n"));
}

fn builtin() -> RuleSet {
    RuleSet::load(true, &[] as &[&Path]).expect("the built-in rules are valid")
}

#[test]
fn both_trees_agree_on_the_examples_of_the_rules() {
    let rules = builtin();
    let of_javascript = |rule: &&vetrun::rules::Rule| rule.id.starts_with("javascript-");
    let texts: Vec<_> = rules.rules().filter(of_javascript).map(vetrun::rules::Rule::texts).collect();
    let examples: Vec<&str> =
        texts.iter().flat_map(|texts| texts.bad.iter().chain(&texts.good)).map(String::as_str).collect();
    assert!(examples.len() > 300, "{} examples are too few to be all", examples.len());
    assert_agreement(&rules, "a.js", &examples);
}

#[test]
fn both_trees_agree_on_evasions_and_look_alikes() {
    let (_folder, own) = javascript();
    let evasions: Vec<&str> = JAVASCRIPT_EVASIONS.iter().map(|(_, _, code)| *code).collect();
    assert_agreement(&own, "a.js", &evasions);
    assert_agreement(&own, "a.js", JAVASCRIPT_LOOK_ALIKES);
    let builtin = builtin();
    assert_agreement(&builtin, "a.js", evasions::JAVASCRIPT_EVASIONS);
    assert_agreement(&builtin, "a.js", evasions::JAVASCRIPT_ORDINARY);
}

#[test]
fn both_trees_agree_on_the_fixtures() {
    let rules = builtin();
    let mut folders = vec![root().join("fixtures")];
    let (mut seen, mut wrong) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable folder").path();
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if matches!(extension.as_str(), "js" | "mjs" | "cjs" | "jsx" | "html") {
                let code = std::fs::read(&path).expect("a readable file");
                let [strict, tolerant] = both(&rules, &path.to_string_lossy(), &code);
                seen += 1;
                if strict != tolerant {
                    wrong.push(format!("{}: strict {strict:?}, tolerant {tolerant:?}", path.display()));
                }
            }
        }
    }
    assert!(seen > 20, "{seen} files are too few to be all");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where the strict tree knows better: name, path, rule, code.
const BETTER: &[(&str, &str, &str, &str)] = &[
    ("what a getter gives", "a.js", "t-eval", "const o = { get run() { return eval; } }; o.run('1')"),
    ("what a static getter gives", "a.js", "t-eval", "class A { static get run() { return eval; } } A.run('1')"),
    ("what new.target is", "a.js", "t-eval", "function F() { new.target.constructor('return 1')(); } new F()"),
    ("holes of arrays", "a.js", "t-eval", "const [, run] = [, eval]; run('1')"),
    ("texts of String.raw", "a.js", "t-eval", "globalThis[String.raw`eval`]('1')"),
    ("plain regular expressions", "a.js", "t-eval", "globalThis['e-v-a-l'.replace(/-/g, '')]('1')"),
    ("what super calls", "a.js", "t-eval", "class F extends Function { constructor(x) { super(x); } } new F('1')()"),
    ("numbers of any form", "a.js", "t-eval", "[print, eval][1.0]('1')"),
    ("modules that are handed on", "a.mjs", "t-vm", "export { VM } from 'vm2'"),
    ("modules that are handed on whole", "a.mjs", "t-vm", "export * from 'vm2'"),
    ("assertions of types", "a.ts", "t-eval", "(eval as any)('1'); (<any>eval)('2')"),
    (
        "properties of parameters",
        "a.ts",
        "t-command",
        "import { exec } from 'child_process';\nclass A { constructor(private run = exec) {}\n go(): void { this.run('id') } }",
    ),
    ("members of namespaces", "a.ts", "t-eval", "namespace N { export const run: any = eval }\nN.run('1')"),
    ("members of enumerations", "a.ts", "t-eval", "enum E { A = 'ev', B = 'al' }\n(globalThis as any)[E.A + E.B]('1')"),
    ("imports of TypeScript", "a.ts", "t-command", "import cp = require('child_process');\ncp.exec('id')"),
];

#[test]
fn the_strict_tree_knows_better() {
    let (_folder, rules) = javascript();
    let wrong: Vec<String> = BETTER
        .iter()
        .filter_map(|(name, path, rule, code)| {
            let [strict, _] = both(&rules, path, code.as_bytes());
            let caught = strict.iter().any(|one| one.split(':').next() == Some(rule));
            (!caught).then(|| format!("{name}: no {rule} in {strict:?}\n{code}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // If both scans had the same facts, the tests above would say nothing.
    let differ = |(_, path, _, code): &&(&str, &str, &str, &str)| {
        let [strict, tolerant] = both(&rules, path, code.as_bytes());
        strict != tolerant
    };
    assert!(BETTER.iter().any(|case| differ(&case)), "the second scan has facts of the strict tree");
}

/// What must not be found, where types look like values.
const TYPES: &[&str] = &[
    "import type { exec } from 'child_process';\nlet x: typeof exec;",
    "declare function eval2(x: typeof eval): void;\ntype A = typeof eval;",
    "interface A { eval(x: string): void }\nfunction f(a: A) { a.eval('1') }",
    "abstract class A { abstract eval(x: string): void; go() { this.eval('1') } }",
    "function eval3<T extends typeof eval>(x: T): x is T { return true }",
];

#[test]
fn types_are_nothing() {
    let (_folder, rules) = javascript();
    for code in TYPES {
        let [strict, _] = both(&rules, "a.ts", code.as_bytes());
        assert!(strict.is_empty(), "{strict:?}\n{code}");
    }
}

/// A page, the rule that it must hit, and the line and column of the hit.
const PAGES: &[(&str, &str, (u64, u64))] = &[
    ("<p>\n<button onclick=\"eval(x)\">a</button></p>", "javascript-eval", (2, 18)),
    ("<body onload='return eval(x)'></body>", "javascript-eval", (1, 22)),
    ("<img src=a onerror=eval(x)>", "javascript-eval", (1, 20)),
    // What is not written as it is read is found at the attribute.
    ("<img src=a onerror=\"&#101;val(x)\">", "javascript-eval", (1, 21)),
    ("<a href=\"javascript:eval(x)\">a</a>", "javascript-eval", (1, 21)),
    ("<a href=' java\tscript&colon;eval%28x)'>a</a>", "javascript-eval", (1, 10)),
    ("<a onclick=\"eval(x) }} {{\">a</a>", "javascript-eval", (1, 13)),
    ("é<script type=module>import 'x';\neval(y)</script>", "javascript-eval", (2, 1)),
];

#[test]
fn what_the_attributes_of_pages_do_is_found() {
    let rules = builtin();
    for (page, rule, place) in PAGES {
        let artifact = Artifact::new("a", "a", vec![SourceFile::new("a.html", page.as_bytes().to_vec())], Vec::new());
        let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
        let (findings, _) = scan(&parsed, &rules, &ScanPolicy::default());
        let at = |finding: &Finding| finding.range.map(|range| (range.start.line as u64, range.start.column as u64));
        let found: Vec<_> = findings.iter().filter(|one| one.rule_id == *rule).map(at).collect();
        assert_eq!(found, [Some(*place)], "{page}: {findings:?}");
    }
    // In a handler, `this` is the element and no window; names of the element are no functions of the page.
    for page in [
        "<a onclick=\"this.open('x'); return false\">a</a>",
        "<a onclick=\"\">a</a>",
        "<a title=\"eval(x)\" href=\"/javascript:eval(x)\">a</a>",
        "<script type=importmap>{\"imports\": {\"a\": \"./eval.js\"}}</script>",
    ] {
        let [strict, _] = both(&rules, "a.html", page.as_bytes());
        let alarms: Vec<_> = strict.iter().filter(|one| one.starts_with("javascript-")).collect();
        assert!(alarms.is_empty(), "{alarms:?}: {page}");
    }
}
