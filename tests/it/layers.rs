//! The layers of the house: reads `src/` and holds which module may name which, who may print, who may touch the world.
//!
//! Comments, texts and `#[cfg(test)]` items are blanked before anything is looked for. Every law has a breach beside it
//! that it must catch, so that a law which catches nothing fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A law over code: `needles` stand only in files whose path begins with one of `allowed`; where `within` is not empty,
/// only files that begin with one of those are looked at.
struct Law {
    what: &'static str,
    needles: &'static [&'static str],
    within: &'static [&'static str],
    allowed: &'static [&'static str],
    /// A path and code that break it.
    breach: (&'static str, &'static str),
}

/// The modules that judge; they do no I/O and know no clock.
const CORE: &[&str] = &[
    "src/artifact",
    "src/deps",
    "src/facts",
    "src/finding",
    "src/language",
    "src/output",
    "src/passes/budget",
    "src/passes/parse",
    "src/passes/scan",
    "src/passes/structure",
    "src/report",
];

/// Where the command line lives: it alone prints, reads the environment and exits.
const CLI: &[&str] = &["src/cli", "src/main.rs"];

const LAWS: &[Law] = &[
    Law {
        what: "core modules do no I/O",
        needles: &["std::fs", "std::net", "std::process", "std::env", "std::os", "std::io::stdin", "std::io::stdout"],
        within: CORE,
        allowed: &[],
        breach: ("src/passes/scan/mod.rs", "use std::{fs, fmt};"),
    },
    Law {
        // The tolerant parser has no limit but time; that it was reached is a finding.
        what: "core modules know no clock and start no thread",
        needles: &[
            "std::time::SystemTime",
            "std::time::Instant",
            "SystemTime::now",
            "Instant::now",
            "std::thread::spawn",
        ],
        within: CORE,
        allowed: &["src/passes/parse/tree"],
        breach: ("src/output/human/mod.rs", "use std::time::{Duration, Instant};"),
    },
    Law {
        what: "only the Docker back end and the server wait asynchronously",
        needles: &["tokio", "bollard", "futures_util", "rmcp"],
        within: &[],
        allowed: &["src/sandbox/docker", "src/serve/mcp"],
        breach: ("src/sandbox/mod.rs", "fn f() { bollard::Docker::connect() }"),
    },
    Law {
        what: "the rest does without the server, which is not there without its feature",
        needles: &["crate::serve::mcp", "crate::cli::mcp"],
        within: &[],
        allowed: &["src/serve/mcp", "src/cli/mcp", "src/cli/mod.rs", "src/cli/args.rs"],
        breach: ("src/cli/hook/mod.rs", "use crate::serve::mcp::serve;"),
    },
    Law {
        what: "only the command line prints",
        needles: &["println!", "eprintln!", "print!", "eprint!", "std::io::stdout", "std::io::stderr"],
        within: &[],
        allowed: &["src/cli", "src/main.rs", "src/build.rs"],
        breach: ("src/vet.rs", "fn f() { eprintln!() }"),
    },
    Law {
        what: "only the command line reads the environment and exits; the native launcher is a process of its own",
        needles: &["std::env", "process::exit"],
        within: &[],
        allowed: &["src/cli", "src/main.rs", "src/build.rs", "src/sandbox/native"],
        breach: ("src/intake.rs", "fn f() { std::process::exit(1) }"),
    },
    Law {
        what: "one table of the environment is read from",
        needles: &["env::var", "env::var_os", "env::vars", "env::vars_os"],
        within: &["src/cli"],
        allowed: &["src/cli/environment.rs"],
        breach: ("src/cli/host.rs", "fn f() { std::env::var_os(g) }"),
    },
    Law {
        what: "unsafe code stays in the native sandbox",
        needles: &["unsafe"],
        within: &[],
        allowed: &["src/sandbox/native"],
        breach: ("src/intake.rs", "fn f() { unsafe { g() } }"),
    },
    Law {
        what: "the gate alone makes a `Cleared`",
        needles: &["Cleared {"],
        within: &[],
        allowed: &["src/vet"],
        breach: ("src/passes/execute.rs", "fn f() { run(Cleared { artifact }) }"),
    },
    Law {
        what: "nothing is left to do, and nothing panics for want of a value",
        needles: &["todo!", "unimplemented!", "dbg!", ".unwrap()", "#[allow", "#![allow"],
        within: &[],
        allowed: &[],
        breach: ("src/deps/mod.rs", "fn f() { g().unwrap() }"),
    },
];

/// Which modules of the crate a module may name: itself, and these. The first row whose path fits counts.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("src/artifact", &["artifact", "finding", "language"]),
    ("src/finding", &["artifact", "finding"]),
    ("src/language", &["artifact", "language", "sandbox"]),
    ("src/policy", &["artifact", "finding", "language", "policy"]),
    ("src/output", &["output", "report"]),
    ("src/serve", &["report", "sandbox", "serve"]),
    ("src/report", &["artifact", "finding", "passes", "report", "sandbox"]),
];

/// Which modules no others may name, and who may.
const NAMED_ONLY_BY: &[(&str, &[&str])] = &[
    ("cli", CLI),
    ("serve", &["src/cli", "src/main.rs", "src/serve"]),
    ("output", &["src/cli", "src/main.rs", "src/output"]),
    ("vet", &["src/cli", "src/main.rs", "src/vet", "src/passes/install", "src/passes/execute", "src/passes/mod.rs"]),
    // The execute pass writes the snapshot out, for the program to run.
    ("intake", &["src/cli", "src/main.rs", "src/intake", "src/vet", "src/passes/execute"]),
];

/// The longest file, and the longest `main.rs`, in lines.
const LINES_MAX: (usize, usize) = (700, 40);

#[test]
fn the_source_keeps_every_law() {
    let files = source_files();
    assert!(files.len() > 20 && files.contains_key("src/lib.rs"), "these are not all files: {:?}", files.keys());
    let test_files: Vec<_> = files.iter().flat_map(|(path, text)| test_modules(path, &code_of(text))).collect();
    let mut breaches = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| !test_files.iter().any(|test| path.starts_with(test))) {
        breaches.extend(breaches_in(path, text));
    }
    breaches.extend(rule_ids_of_two_passes(&files));
    breaches.dedup();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn every_law_catches_its_breach() {
    for law in LAWS {
        let (path, code) = law.breach;
        let text = format!("//! A module.\n{code}\n");
        assert!(breaches_in(path, &text).iter().any(|breach| breach.contains(law.what)), "{}", law.what);
        let tests = format!("//! A module.\n// {code}\n#[cfg(test)]\nmod tests {{ {code} }}\n");
        assert_eq!(breaches_in(path, &tests), Vec::<String>::new(), "{}", law.what);
    }
    let cases = [
        ("src/output/x.rs", "use crate::report::Report;\nuse crate::rules::RuleSet;", "may not name `rules`"),
        ("src/output/human/x.rs", "use super::super::super::policy::Policy;", "may not name `policy`"),
        ("src/policy/x.rs", "fn f() { crate::sandbox::g() }", "may not name `sandbox`"),
        ("src/passes/scan/x.rs", "use crate::{finding::Finding, output::Format};", "`output` is not for it"),
        ("src/rules/x.rs", "fn f() {}\n\n\u{7d}".trim_end_matches('\u{7d}'), "opens without prose"),
    ];
    for (path, code, expected) in cases {
        let prose = if expected.contains("prose") { "" } else { "//! A module.\n" };
        let found = breaches_in(path, &format!("{prose}{code}\n"));
        assert!(found.iter().any(|breach| breach.contains(expected)), "{path}: {found:?}");
    }
    let long = format!("//! A module.\n{}", "\n".repeat(LINES_MAX.0));
    assert!(breaches_in("src/x.rs", &long)[0].contains("701 lines"));
    assert!(
        breaches_in("src/main.rs", &format!("//! A module.\n{}", "\n".repeat(LINES_MAX.1)))[0].contains("41 lines")
    );
}

#[test]
fn one_rule_id_in_two_passes_is_caught() {
    let file = |pass: &str| format!("fn f() {{ Finding::in_file(\n  \"empty-file\", Pass::{pass}, s, p, m) }}");
    let files = BTreeMap::from([("src/a.rs".into(), file("Scan")), ("src/b.rs".into(), file("Budget"))]);
    assert_eq!(rule_ids_of_two_passes(&files).len(), 1);
    let files = BTreeMap::from([("src/a.rs".into(), file("Scan")), ("src/b.rs".into(), file("Scan"))]);
    assert_eq!(rule_ids_of_two_passes(&files), Vec::<String>::new());
}

#[test]
fn code_is_told_from_comments_texts_and_tests() {
    let cases = [
        ("a // unsafe\nb", "a \nb"),
        ("a /* x /* y */ unsafe */ b", "a  b"),
        (r#"f("unsafe \" // x", 'u', '"', b"x")"#, r#"f("", '', '', b"")"#),
        ("r#\"unsafe \" x\"# + y", "r\"\" + y"),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("a\n#[cfg(test)]\nmod tests { fn f() { {} } }\nb", "a\n\nb"),
        ("#[cfg(test)]\nmod tests;\nb", "\nb"),
        ("#[cfg(test)]\n#[derive(Debug)]\nstruct S;\nb", "\nb"),
    ];
    for (text, expected) in cases {
        assert_eq!(without_tests(&code_of(text)), expected, "{text}");
    }
    assert_eq!(used("use a::{b, c::{self, d as e}, f::*};"), ["a::b", "a::c", "a::c::d", "a::f::*"]);
    assert_eq!(test_modules("src/a/mod.rs", "#[cfg(test)]\nmod tests;\nmod b;"), ["src/a/tests"]);
    assert_eq!(test_modules("src/a.rs", "#[cfg(test)] mod cases;"), ["src/a/cases"]);
}

/// All files of `src/`, by path from the package's root.
fn source_files() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut files = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src/ can be read") {
            let path = entry.expect("src/ can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root)
                    .ok()
                    .and_then(Path::to_str)
                    .expect("paths of src/ are text")
                    .replace('\\', "/");
                files.insert(name, fs::read_to_string(&path).expect("source is text"));
            }
        }
    }
    files
}

/// Every breach in one file, as a sentence that names it.
fn breaches_in(path: &str, text: &str) -> Vec<String> {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    let code = without_tests(&code_of(text));
    let mut names: Vec<String> = used(&code).iter().map(|name| absolute(path, name)).collect();
    names.extend(crate_paths(&code));
    let mut breaches = Vec::new();
    for law in LAWS.iter().filter(|law| (law.within.is_empty() || begins(law.within)) && !begins(law.allowed)) {
        for needle in law.needles {
            if names.iter().any(|name| is_path_under(name, needle)) || holds(&code, needle) {
                breaches.push(format!("{path}: `{needle}`: {}", law.what));
            }
        }
    }
    let named: Vec<_> = names.iter().filter_map(|name| name.strip_prefix("crate::")?.split("::").next()).collect();
    let row = MAY_NAME.iter().find(|(prefix, _)| path.starts_with(prefix));
    if let Some((_, allowed)) = row {
        let others = named.iter().filter(|name| !allowed.contains(name));
        breaches.extend(others.map(|name| format!("{path}: it may not name `{name}`")));
    }
    for (module, by) in NAMED_ONLY_BY.iter().filter(|(module, by)| named.contains(module) && !begins(by)) {
        breaches.push(format!("{path}: `{module}` is not for it, only for {by:?}"));
    }
    let (lines, lines_max) = (text.lines().count(), if path == "src/main.rs" { LINES_MAX.1 } else { LINES_MAX.0 });
    if lines > lines_max {
        breaches.push(format!("{path}: {lines} lines, {lines_max} at most"));
    }
    if !text.starts_with("//!") {
        breaches.push(format!("{path}: it opens without prose that says what it owns"));
    }
    breaches
}

/// Rule ids that findings of two passes carry: one id, one meaning.
fn rule_ids_of_two_passes(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut passes: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (path, text) in files {
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in text.split("in_file(").skip(1) {
            let mut arguments = call.trim_start().splitn(3, ',').map(str::trim);
            let id = arguments.next().and_then(|id| id.strip_prefix('"')?.strip_suffix('"'));
            let pass = arguments.next().and_then(|pass| pass.strip_prefix("Pass::"));
            if let (Some(id), Some(pass)) = (id, pass) {
                passes.entry(id).or_default().push((pass, path));
            }
        }
    }
    let twice = passes.iter().filter(|(_, uses)| uses.iter().any(|(pass, _)| *pass != uses[0].0));
    twice.map(|(id, uses)| format!("the rule id `{id}` stands for several things: {uses:?}")).collect()
}

/// Whether `code` holds `needle` as words of its own.
fn holds(code: &str, needle: &str) -> bool {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    code.match_indices(needle).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + needle.len()..].chars().next();
        let starts = !needle.starts_with(is_word) || !before.is_some_and(is_word);
        let ends = !needle.ends_with(is_word) || !after.is_some_and(is_word);
        starts && ends
    })
}

fn is_path_under(name: &str, needle: &str) -> bool {
    name == needle || name.strip_prefix(needle).is_some_and(|rest| rest.starts_with("::"))
}

/// The paths that the `use` items of `code` bring in, groups taken apart.
fn used(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    let starts = code.match_indices("use ").filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        before.is_none_or(|char| char.is_whitespace() || char == '{' || char == ';')
    });
    for (at, _) in starts {
        let item = code[at + 4..].split(';').next().unwrap_or_default();
        take_apart("", item, &mut names);
    }
    names
}

fn take_apart(prefix: &str, tree: &str, names: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((before, group)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default().trim();
        match name {
            "" => {}
            "self" => names.push(prefix.trim_end_matches("::").to_owned()),
            _ => names.push(format!("{prefix}{name}")),
        }
        return;
    };
    let prefix = format!("{prefix}{}", before.trim());
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start) = (0, 0);
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                take_apart(&prefix, &group[start..at], names);
                start = at + 1;
            }
            _ => {}
        }
    }
    take_apart(&prefix, &group[start..], names);
}

/// The paths that begin with `crate::` anywhere in `code`.
fn crate_paths(code: &str) -> Vec<String> {
    let ends = |char: char| !(char.is_alphanumeric() || char == '_' || char == ':');
    code.match_indices("crate::").map(|(at, _)| code[at..].split(ends).next().unwrap_or_default().to_owned()).collect()
}

/// A path that begins with `super` or `self`, from the crate's root.
fn absolute(file: &str, name: &str) -> String {
    let module = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let mut parents: Vec<_> = module.split('/').collect();
    let mut rest = name;
    loop {
        if let Some(after) = rest.strip_prefix("super::") {
            parents.pop();
            rest = after;
        } else if let Some(after) = rest.strip_prefix("self::") {
            rest = after;
        } else {
            break;
        }
    }
    if rest.len() == name.len() {
        return name.to_owned();
    }
    parents.push(rest);
    format!("crate::{}", parents.join("::"))
}

/// The paths, without `.rs`, of modules that `code` declares for tests alone.
fn test_modules(path: &str, code: &str) -> Vec<String> {
    let folder = match path.strip_suffix("/mod.rs").or(path.strip_suffix("/lib.rs")) {
        Some(folder) => folder,
        None => path.trim_end_matches(".rs"),
    };
    let declared = code.split("#[cfg(test)]").skip(1).filter_map(|after| {
        let name = after.trim_start().strip_prefix("mod ")?;
        let (name, rest) = name.split_at(name.find(|char: char| !(char.is_alphanumeric() || char == '_'))?);
        rest.trim_start().starts_with(';').then(|| format!("{folder}/{name}"))
    });
    declared.collect()
}

/// `text` without comments, and with empty texts and characters.
fn code_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let word_before = out.chars().next_back().is_some_and(|char| char.is_alphanumeric() || char == '_');
        let hashes =
            rest.strip_prefix('r').map(|raw| raw.len() - raw.trim_start_matches('#').len()).unwrap_or_default();
        let is_raw = char == 'r' && rest[1 + hashes..].starts_with('"') && (!word_before || out.ends_with('b'));
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = after_block_comment(rest);
        } else if is_raw {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &rest[hashes + 2..];
            rest = body.split_once(&end).map_or("", |(_, after)| after);
            out.push_str("r\"\"");
        } else if char == '"' {
            rest = after_quoted(&rest[1..], '"');
            out.push_str("\"\"");
        } else if let Some(after) = after_char(rest) {
            rest = after;
            out.push_str("''");
        } else {
            out.push(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    out
}

fn after_block_comment(text: &str) -> &str {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return &text[at + 2..],
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    ""
}

fn after_quoted(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

/// What follows a character literal; `None` where there is none, but perhaps a lifetime.
fn after_char(text: &str) -> Option<&str> {
    let body = text.strip_prefix('\'')?;
    let first = body.chars().next()?;
    if first == '\\' {
        return Some(after_quoted(body, '\''));
    }
    body[first.len_utf8()..].strip_prefix('\'')
}

/// Code of [`code_of`] without the items that stand under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, item)) = rest.split_once("#[cfg(test)]") {
        out.push_str(before);
        rest = &item[item_end(item)..];
    }
    out + rest
}

/// Where the item at the beginning of `code` ends: after its `;`, or its outermost braces.
fn item_end(code: &str) -> usize {
    let (mut braces, mut others) = (0, 0);
    for (at, char) in code.char_indices() {
        match char {
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            '{' => braces += 1,
            '}' if braces == 1 => return at + 1,
            '}' => braces -= 1,
            ';' if braces == 0 && others == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}
