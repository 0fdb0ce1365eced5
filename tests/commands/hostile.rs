//! Files that are made to break a scanner: nests, chains, floods and what is never closed, each behind a payload that must
//! not pass unseen.

use std::fs;
use std::path::Path;

use super::watched::watched;

/// What stands before a hostile text.
const PYTHON_PAYLOAD: &str = "import os\nos.system(input())\n";
const JAVASCRIPT_PAYLOAD: &str = "eval(process.argv[2]);\n";

/// Runs vetrun over every file and prints the worst; fails when one of them passes, or ends vetrun.
pub(crate) fn measure(scratch: &Path) -> Result<(), String> {
    println!("\n{:<28} {:>9} {:>9} {:>9} {:>5}", "hostile file", "bytes", "ms", "peak MiB", "exit");
    let mut failed = Vec::new();
    for (name, text) in python().into_iter().chain(javascript()) {
        let path = scratch.join(&name);
        fs::write(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
        let seen = watched(&["check", "--no-cache", "--format", "concise"], &path)?;
        println!("{name:<28} {:>9} {:>9} {:>9} {:>5}", text.len(), seen.ms, seen.peak_kib / 1024, seen.exit);
        if seen.exit != "1" {
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not blocked: {}", failed.join(", "))) }
}

fn python() -> Vec<(String, String)> {
    let nest = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("x = {}{inner}{}\n", open.repeat(depth), close.repeat(depth))
    };
    let indented = |depth: usize| (0..depth).map(|level| format!("{}if x:\n", " ".repeat(level))).collect::<String>();
    let many = 100_000;
    let cases = [
        ("parentheses", nest("(", "1", ")", many)),
        ("brackets", nest("[", "", "]", many)),
        ("dictionaries", nest("{1:", "2", "}", many)),
        ("sums", format!("x = 1{}\n", "+1".repeat(many))),
        ("calls", format!("x = f{}\n", "()".repeat(many))),
        ("attributes", format!("x = a{}\n", ".b".repeat(many))),
        ("subscripts", format!("x = a{}\n", "[0]".repeat(many))),
        ("lambdas", format!("x = {}1\n", "lambda: ".repeat(many))),
        ("nots", format!("x = {}1\n", "not ".repeat(many))),
        ("conditionals", format!("x = {}1\n", "1 if y else ".repeat(many))),
        ("comparisons", format!("x = 1{}\n", " < 1".repeat(many))),
        ("strings side by side", format!("x = ({})\n", "'a' ".repeat(1_000_000))),
        ("million elements", format!("x = [{}]\n", "1, ".repeat(1_000_000))),
        ("indentation", format!("{}{}pass\n", indented(99), " ".repeat(99))),
        ("elifs", format!("if x:\n pass\n{}", "elif x:\n pass\n".repeat(20_000))),
        ("decorators", format!("{}def f(): pass\n", "@d\n".repeat(many))),
        ("semicolons", "x;".repeat(1_000_000)),
        ("unclosed string", format!("x = '''{}", "a".repeat(2 << 20))),
        ("unclosed f-string", format!("x = f'''{}", "{a".repeat(many))),
        ("garbage on one line", format!("x = {}", "(]$?`".repeat(400_000))),
        ("names bound to each other", (0..20_000).map(|at| format!("a{at} = a{} + a{at}\n", at + 1)).collect()),
        ("imports of everything", (0..10_000).map(|at| format!("from m{at} import *\n")).collect()),
    ];
    cases
        .into_iter()
        .map(|(name, text)| (format!("{}.py", name.replace(' ', "-")), format!("{PYTHON_PAYLOAD}{text}")))
        .collect()
}

fn javascript() -> Vec<(String, String)> {
    let nest = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("x = {}{inner}{};\n", open.repeat(depth), close.repeat(depth))
    };
    let many = 100_000;
    let cases = [
        ("parentheses", nest("(", "1", ")", many)),
        ("brackets", nest("[", "", "]", many)),
        ("blocks", format!("{}{}", "{".repeat(many), "}".repeat(many))),
        ("objects", nest("{a:", "1", "}", many)),
        ("arrows", format!("x = {}1;\n", "a => ".repeat(many))),
        ("nots", format!("x = {}1;\n", "!".repeat(many))),
        ("functions", format!("{}{}", "function f(){".repeat(many), "}".repeat(many))),
        ("ternaries", format!("x = {}1;\n", "a ? b : ".repeat(many))),
        ("templates", nest("`${", "1", "}`", many)),
        ("members", format!("x = a{};\n", ".b".repeat(many))),
        ("calls", format!("x = f{};\n", "()".repeat(many))),
        ("news", format!("x = {}a;\n", "new ".repeat(many))),
        ("labels", format!("{};\n", "a: ".repeat(many))),
        ("million elements", format!("x = [{}];\n", "1,".repeat(1_000_000))),
        ("commas", format!("x{};\n", ",x".repeat(1_000_000))),
        ("unclosed template", format!("x = `{}", "a".repeat(2 << 20))),
        ("garbage on one line", "(]$?`/".repeat(300_000)),
        ("names bound to each other", (0..20_000).map(|at| format!("a{at} = a{} + a{at};\n", at + 1)).collect()),
    ];
    cases
        .into_iter()
        .map(|(name, text)| (format!("{}.js", name.replace(' ', "-")), format!("{JAVASCRIPT_PAYLOAD}{text}")))
        .collect()
}
