//! Tests of: nests of every kind, judged as the engines judge them, or refused by a limit with a name.
//!
//! The tables say how many of a construct CPython 3.14 and Node 26 take inside one another at most; they were measured with
//! the engines themselves. What an engine takes may be refused here by a limit that says so; what it refuses is never
//! accepted.

use std::time::{Duration, Instant};

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::{Finding, Severity};
use vetrun::language::EngineVersions;
use vetrun::passes::parse::{Target, Validity, parse};
use vetrun::policy::ParsePolicy;

use crate::support;

/// One construct inside itself.
struct Nest {
    name: &'static str,
    /// What stands before all, what opens a level, what is innermost, what closes a level, what stands behind all.
    parts: [&'static str; 5],
    /// How many levels the engine takes, as far as was measured: up to 100,000.
    max: usize,
}

/// For as many as were tried.
const ALL: usize = usize::MAX;

const fn nest(name: &'static str, parts: [&'static str; 5], max: usize) -> Nest {
    Nest { name, parts, max }
}

impl Nest {
    fn text(&self, levels: usize) -> String {
        let [before, open, middle, close, after] = self.parts;
        format!("{before}{}{middle}{}{after}\n", open.repeat(levels), close.repeat(levels))
    }
}

const PYTHON: &[Nest] = &[
    nest("round", ["x = ", "(", "1", ")", ""], 200),
    nest("square", ["x = ", "[", "1", "]", ""], 200),
    nest("curly", ["x = ", "{", "1", "}", ""], 200),
    nest("dict", ["x = ", "{1: ", "1", "}", ""], 200),
    nest("call", ["x = ", "f(", "1", ")", ""], 200),
    nest("subscript", ["x = ", "a[", "1", "]", ""], 200),
    // CPython has no room left on its parser's stack for the last of them.
    nest("tuple", ["x = ", "(1, ", "1", ")", ""], 200),
    nest("minus", ["x = ", "-", "1", "", ""], 5966),
    nest("plus", ["x = ", "+", "1", "", ""], 5966),
    nest("tilde", ["x = ", "~", "1", "", ""], 5966),
    nest("not", ["x = ", "not ", "1", "", ""], 5966),
    nest("add", ["x = 1", "+1", "", "", ""], 27460),
    nest("power", ["x = ", "2**", "2", "", ""], 2983),
    nest("attribute", ["x = a", ".b", "", "", ""], 27460),
    nest("call-chain", ["x = f", "()", "", "", ""], 27460),
    nest("subscript-chain", ["x = a", "[0]", "", "", ""], 52175),
    nest("lambda", ["x = ", "lambda: ", "1", "", ""], 2983),
    nest("ternary", ["x = ", "1 if y else ", "1", "", ""], 5966),
    nest("compare", ["x = a", " < a", "", "", ""], ALL),
    nest("and", ["x = a", " and a", "", "", ""], ALL),
    nest("or", ["x = a", " or a", "", "", ""], ALL),
    nest("and-or", ["x = a", " and a or a", "", "", ""], ALL),
    nest("walrus", ["x = ", "(y := ", "1", ")", ""], 200),
    nest("star-list", ["x = ", "[*", "y", "]", ""], 200),
    nest("pattern", ["match x:\n case ", "[", "a", "]", ": pass"], 200),
    nest("pattern-class", ["match x:\n case ", "A(", "a", ")", ": pass"], 200),
    nest("pattern-or", ["match x:\n case 1", " | 1", "", "", ": pass"], ALL),
    nest("list-comprehension", ["x = ", "[", "1", " for y in z]", ""], 21),
    nest("generator", ["x = ", "(", "1", " for y in z)", ""], 200),
    nest("comprehension-for", ["x = [1", " for y in z", "", "", "]"], 47427),
    nest("f-string", ["x = ", "f'{", "1", "}'", ""], 149),
    nest("f-string-spec", ["x = f'", "{1:", "", "}", "'"], 3),
    nest("decorator", ["", "@a\n", "def f(): pass", "", ""], ALL),
    nest("elif", ["if x: pass\n", "elif x: pass\n", "", "", ""], 5965),
    nest("semicolon", ["x", "; x", "", "", ""], ALL),
    nest("string-concat", ["x = 'a'", " 'a'", "", "", ""], ALL),
    nest("assign", ["x = ", "y = ", "1", "", ""], ALL),
    nest("augmented", ["x = 1\n", "x += 1\n", "", "", ""], ALL),
    nest("return-annotation", ["def f() -> ", "(", "int", ")", ": pass"], 200),
    nest("import-dots", ["from ", ".", "", "", " import x"], ALL),
    nest("dotted-import", ["import a", ".a", "", "", ""], ALL),
    nest("yield", ["def f():\n  x = ", "(yield ", "1", ")", ""], 200),
    nest("global", ["def f():\n  global a", ", a", "", "", ""], ALL),
    nest("comma", ["x = 1", ", 1", "", "", ""], ALL),
    nest("del", ["del ", "(", "a", ")", ""], 200),
    nest("for-target", ["for ", "(", "a", ",)", " in x: pass"], 200),
    nest("with", ["with ", "(", "a", ")", ": pass"], 200),
    nest("keyword-arg", ["x = ", "f(a=", "1", ")", ""], 200),
    nest("matmul", ["x = a", " @ a", "", "", ""], 27460),
    nest("except", ["try: pass\n", "except x: pass\n", "", "", ""], ALL),
];

const JAVASCRIPT: &[Nest] = &[
    nest("round", ["x = ", "(", "1", ")", ""], 2188),
    nest("square", ["x = ", "[", "1", "]", ""], 3225),
    nest("object", ["x = ", "{a: ", "1", "}", ""], 1702),
    nest("call", ["x = ", "f(", "1", ")", ""], 2043),
    nest("subscript", ["x = ", "a[", "1", "]", ""], 3064),
    nest("member", ["x = a", ".b", "", "", ""], 8775),
    nest("call-chain", ["x = f", "()", "", "", ""], 4388),
    nest("subscript-chain", ["x = a", "[0]", "", "", ""], 8775),
    nest("optional", ["x = a", "?.b", "", "", ""], 8772),
    nest("arrow", ["x = ", "y => ", "1", "", ""], 1075),
    nest("arrow-round", ["x = ", "(y) => ", "1", "", ""], 1075),
    nest("arrow-block", ["x = ", "() => {", "", "}", ""], 1276),
    nest("ternary", ["x = ", "a ? 1 : ", "1", "", ""], ALL),
    nest("ternary-middle", ["x = ", "a ? ", "1", " : 1", ""], 3405),
    nest("power", ["x = ", "2 ** ", "2", "", ""], 8755),
    nest("assign", ["", "x = ", "1", "", ""], 4715),
    nest("block", ["", "{", "", "}", ""], 2561),
    nest("function", ["", "function f() {", "", "}", ""], 1657),
    nest("if", ["", "if (x) ", ";", "", ""], 1617),
    nest("if-else", ["", "if (x) ; else ", ";", "", ""], 1617),
    nest("else-block", ["if (x) {}", " else if (x) {}", "", "", ""], 1616),
    nest("template", ["x = ", "`${", "1", "}`", ""], 2919),
    nest("tagged", ["x = a", "``", "", "", ""], 4388),
    nest("class", ["", "class A { static {", "", "}}", ""], 1076),
    nest("class-extends", ["x = ", "class extends ", "A", " {}", ""], 2363),
    nest("destructure", ["let ", "[", "a", "] = 1", ""], 1862),
    nest("destructure-object", ["let ", "{a: ", "a", "}", " = 1"], 1703),
    nest("default-param", ["x = ", "(a = ", "1", ") => 1", ""], 1495),
    nest("new", ["x = ", "new ", "A", "", ""], 8778),
    nest("new-call", ["x = ", "new (", "A", ")", ""], 1803),
    nest("async-arrow", ["x = ", "async () => ", "1", "", ""], 1075),
    nest("await", ["async function f() { ", "await ", "x", "", " }"], 20425),
    nest("regex-group", ["x = /", "(", "a", ")", "/"], 32767),
    nest("regex-class", ["x = /", "[a]", "", "", "/"], ALL),
    nest("regex-or", ["x = /a", "|a", "", "", "/"], ALL),
    nest("for", ["", "for (;;) ", ";", "", ""], 1366),
    nest("while", ["", "while (x) ", ";", "", ""], 1396),
    nest("do", ["", "do ", ";", " while (x)", ""], 1365),
    nest("with", ["", "with (x) ", ";", "", ""], 6815),
    nest("nullish", ["x = a", " ?? a", "", "", ""], ALL),
    nest("and", ["x = a", " && a", "", "", ""], ALL),
    nest("or", ["x = a", " || a", "", "", ""], ALL),
    nest("add", ["x = 1", " + 1", "", "", ""], ALL),
    nest("minus", ["x = ", "- ", "1", "", ""], 15329),
    nest("not", ["x = ", "!", "1", "", ""], 15329),
    nest("tilde", ["x = ", "~", "1", "", ""], 15329),
    nest("typeof", ["x = ", "typeof ", "1", "", ""], 6827),
    nest("void", ["x = ", "void ", "1", "", ""], 12290),
    nest("comma", ["x = 1", ", 1", "", "", ""], ALL),
    nest("semicolon", ["x", "; x", "", "", ""], ALL),
    nest("switch", ["", "switch (x) { case 1: ", "", "}", ""], 1041),
    nest("case", ["switch (x) {", "case 1:", "", "", "}"], ALL),
    nest("try", ["", "try {", "", "} catch {}", ""], 1042),
    nest("spread", ["x = ", "[...", "y", "]", ""], 3227),
    nest("yield", ["function* f() { ", "yield ", "1", "", " }"], 30642),
    nest("in", ["x = a", " in a", "", "", ""], 5587),
    nest("bit-or", ["x = a", " | a", "", "", ""], ALL),
    nest("less", ["x = a", " < a", "", "", ""], 5587),
    nest("method", ["x = ", "{a() {return ", "1", "}}", ""], 851),
    nest("getter", ["x = ", "{get a() {return ", "1", "}}", ""], 851),
    nest("import-call", ["x = ", "import(", "1", ")", ""], 6813),
    nest("string-add", ["x = ''", " + ''", "", "", ""], ALL),
];

/// The rules of limits.
const LIMITS: &[&str] = &["nesting-too-deep", "parse-limit", "file-too-large-to-parse"];

fn judged(path: &str, text: String) -> (Validity, Vec<Finding>) {
    let artifact = Artifact::new("a", "a", vec![SourceFile::new(path, text.into_bytes())], Vec::new());
    let policy = ParsePolicy::default();
    let (parsed, findings) = parse(&artifact, &policy, &Target::new(&policy, EngineVersions::default(), None));
    (parsed.files[0].validity, findings)
}

/// What is wrong with the verdict on so many levels, if anything.
fn difference(path: &str, nest: &Nest, levels: usize) -> Option<String> {
    let (validity, findings) = judged(path, nest.text(levels));
    let worst = findings.iter().max_by_key(|finding| finding.severity);
    let by_limit = worst.is_some_and(|finding| LIMITS.contains(&finding.rule_id.as_ref()));
    let what = worst.map_or("", |finding| finding.message.as_str());
    match validity {
        Validity::Valid if levels > nest.max => Some(format!("{path} {} {levels}: accepted", nest.name)),
        Validity::Invalid if levels <= nest.max && !by_limit => Some(format!("{path} {} {levels}: {what}", nest.name)),
        Validity::NotJudged => Some(format!("{path} {} {levels}: not judged", nest.name)),
        // Up to this many, the engine's own answer is always given.
        Validity::Invalid if levels <= nest.max.min(200) => Some(format!("{path} {} {levels}: {what}", nest.name)),
        _ => None,
    }
}

#[test]
fn nests_are_judged_as_the_engines_do_or_refused_by_a_limit() {
    let mut differences = Vec::new();
    for (path, nests) in [("a.py", PYTHON), ("a.js", JAVASCRIPT)] {
        for nest in nests {
            let mut sizes = vec![20, 200, 1_000, 10_000];
            sizes.extend([nest.max, nest.max.saturating_add(1)].iter().filter(|&&size| size <= 10_000));
            differences.extend(sizes.into_iter().filter_map(|levels| difference(path, nest, levels)));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn nests_end_all_passes_of_the_command() {
    let all = [("py", PYTHON), ("js", JAVASCRIPT)];
    let nests = all.iter().flat_map(|(extension, nests)| nests.iter().map(move |nest| (extension, nest)));
    let files: Vec<(String, String)> =
        nests.map(|(extension, nest)| (format!("{}.{extension}", nest.name), nest.text(5_000))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = support::folder(&files);
    let begun = Instant::now();
    let output = support::run(&["check", "--format", "json", support::arg(folder.path())]);
    assert_eq!(output.status.code(), Some(1), "{}", support::shown(&output));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let report = support::report(&output);
    assert!(report.to_string().contains("nesting-too-deep"));
}

#[test]
fn a_million_levels_neither_abort_nor_hang() {
    for (path, open) in [("a.py", "("), ("a.py", "- "), ("a.py", "f("), ("a.js", "("), ("a.js", "x=>"), ("a.js", "!")] {
        let begun = Instant::now();
        let (validity, findings) = judged(path, open.repeat(1_000_000));
        assert_eq!(validity, Validity::Invalid, "{path} {open}");
        assert!(findings.iter().any(|finding| finding.severity == Severity::High));
        assert!(begun.elapsed() < Duration::from_secs(20), "{path} {open}: {:?}", begun.elapsed());
    }
}

#[test]
fn chains_behind_brackets_neither_abort_nor_hang() {
    // They nest to the left in the tree, and what is innermost there is read first.
    for (path, before, open, chain) in [
        ("a.js", "x = ", "f(", "()"),
        ("a.js", "x = ", "(", "+1"),
        ("a.js", "with (x); x = ", "(", "+1"),
        ("a.js", "x = ", "(", "||a"),
        ("a.ts", "let x: ", "(", "[]"),
        ("a.ts", "let x = ", "(", "!"),
        ("a.ts", "let x = ", "(", "+1"),
    ] {
        let begun = Instant::now();
        let text = format!("{before}{}A{}", open.repeat(1_000), format!("){}", chain.repeat(1_500)).repeat(1_000));
        let (validity, findings) = judged(path, text);
        let by_limit = findings.iter().any(|finding| LIMITS.contains(&finding.rule_id.as_ref()));
        assert!(validity == Validity::Invalid && by_limit, "{before}{open}{chain}: {findings:?}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{before}{open}{chain}: {:?}", begun.elapsed());
    }
}
