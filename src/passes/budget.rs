//! The budget pass: is the artifact within its size?
//!
//! Every row of [`Budget`] is measured, and the largest of each kind is named. Rows of the profile replace those of the
//! policy. A measure above `warn` is a finding of severity low, one above `fail` one of severity high.

use serde_json::{Map, Value, json};
use tree_sitter::Node;

use crate::finding::{Finding, Pass, Severity, WHOLE_ARTIFACT};
use crate::language::Language;
use crate::passes::parse::{Parsed, ParsedFile};
use crate::passes::structure::{Step, walk};
use crate::policy::{Budget, Profile, Threshold};

/// Findings of one row that are kept for an artifact; the largest go first.
const FINDINGS_PER_ROW_MAX: usize = 50;

/// One measured value: of a file, of a place in it, or of the whole.
struct Measure<'a> {
    row: &'static str,
    value: u64,
    path: &'a str,
    /// What is measured, for the message: `the file`, `the function \`f\``.
    what: String,
    /// The file's index and the offset of the place, where it has one.
    place: Option<(usize, usize)>,
}

/// Checks sizes against the policy's thresholds, single rows replaced by the profile's. `dependencies` is the number of
/// packages that the artifact declares. The map is for the report's `validationResults.performance.details`.
#[must_use]
pub fn budget(
    parsed: &Parsed<'_>,
    policy: &Budget,
    profile: &Profile,
    dependencies: u64,
) -> (Vec<Finding>, Map<String, Value>) {
    let mut measures = whole(parsed, dependencies);
    for (index, file) in parsed.files.iter().enumerate() {
        measure_file(index, file, &mut measures);
    }
    // The largest first; equal ones by path and place.
    measures.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| (a.path, a.place).cmp(&(b.path, b.place))));
    let mut findings = Vec::new();
    for (row, threshold) in policy.rows() {
        let threshold = profile.budget.get(row).copied().unwrap_or(threshold);
        let of_row = measures.iter().filter(|measure| measure.row == row);
        let over = of_row.filter_map(|measure| judge(measure, threshold, parsed));
        findings.extend(over.take(FINDINGS_PER_ROW_MAX));
    }
    let details = details(&measures, &findings, parsed, policy, profile);
    crate::finding::sort(&mut findings);
    (findings, details)
}

fn whole(parsed: &Parsed<'_>, dependencies: u64) -> Vec<Measure<'static>> {
    let of_all =
        |row, value, what: &str| Measure { row, value, path: WHOLE_ARTIFACT, what: what.to_owned(), place: None };
    vec![
        of_all("total_bytes", parsed.artifact.total_bytes(), "all files together"),
        of_all("files", parsed.artifact.files.len() as u64, "the artifact"),
        of_all("dependencies", dependencies, "the artifact"),
    ]
}

fn measure_file<'a>(index: usize, file: &'a ParsedFile<'_>, measures: &mut Vec<Measure<'a>>) {
    let path = file.source.path.as_str();
    let mut add = |row, value, what: String, at: Option<usize>| {
        measures.push(Measure { row, value, path, what, place: at.map(|at| (index, at)) });
    };
    add("file_bytes", file.source.bytes.len() as u64, "the file".to_owned(), None);
    let Some(text) = file.text.as_ref().filter(|_| is_source(file.source.language)) else { return };
    add("file_lines", u64::from(text.line_count()), "the file".to_owned(), None);
    let mut at = 0;
    let lines = text.as_str().split_inclusive('\n').map(|line| {
        let start = at;
        at += line.len();
        (line.trim_end_matches(['\n', '\r']).chars().count() as u64, start)
    });
    if let Some((chars, start)) = lines.max_by_key(|(chars, start)| (*chars, std::cmp::Reverse(*start))) {
        add("line_chars", chars, "the line".to_owned(), Some(start));
    }
    for region in &file.regions {
        if let Some(kinds) = Kinds::of(region.language) {
            measure_functions(&region.tree, kinds, text.as_str(), &mut add);
        }
    }
}

fn is_source(language: Language) -> bool {
    matches!(language, Language::Python | Language::JavaScript | Language::TypeScript | Language::Html | Language::Css)
}

/// What functions and blocks are called in a grammar.
#[derive(Clone, Copy)]
struct Kinds {
    functions: &'static [&'static str],
    blocks: &'static [&'static str],
}

impl Kinds {
    fn of(language: Language) -> Option<Self> {
        match language {
            Language::Python => Some(Self { functions: &["function_definition"], blocks: &["block"] }),
            Language::JavaScript | Language::TypeScript => Some(Self {
                functions: &[
                    "function_declaration",
                    "function_expression",
                    "generator_function",
                    "generator_function_declaration",
                    "arrow_function",
                    "method_definition",
                ],
                blocks: &["statement_block", "switch_body", "class_body"],
            }),
            _ => None,
        }
    }
}

/// Measures each function's lines, and the deepest nesting of blocks: a function's own block is depth 1, and a function
/// inside another counts from 1 again.
fn measure_functions(
    tree: &tree_sitter::Tree,
    kinds: Kinds,
    text: &str,
    add: &mut impl FnMut(&'static str, u64, String, Option<usize>),
) {
    // The depth in the module and in each function that is open.
    let mut depths: Vec<u64> = vec![0];
    let mut deepest: (u64, usize) = (0, 0);
    walk(tree, |node, step| {
        let kind = node.kind();
        let is_function = node.is_named() && kinds.functions.contains(&kind);
        let is_block = kinds.blocks.contains(&kind);
        let depth = depths.last_mut().expect("the module's depth is never left");
        match step {
            Step::Enter if is_function => {
                let lines = (node.end_position().row - node.start_position().row + 1) as u64;
                add(
                    "function_lines",
                    lines,
                    format!("the function `{}`", name_of(node, text)),
                    Some(node.start_byte()),
                );
                depths.push(0);
            }
            Step::Enter if is_block => {
                *depth += 1;
                if *depth > deepest.0 {
                    deepest = (*depth, node.start_byte());
                }
            }
            Step::Leave if is_function => {
                depths.pop();
            }
            Step::Leave if is_block => *depth -= 1,
            Step::Enter | Step::Leave => {}
        }
        step == Step::Enter
    });
    if deepest.0 > 0 {
        add("nesting_depth", deepest.0, "the block".to_owned(), Some(deepest.1));
    }
}

/// Characters of a function's name that a message keeps.
const NAME_CHARS_MAX: usize = 80;

/// The name of a function; for one without a name, what it is assigned to.
fn name_of(function: Node<'_>, text: &str) -> String {
    let holder = || function.parent().filter(|parent| matches!(parent.kind(), "variable_declarator" | "pair"));
    let held =
        || holder().and_then(|parent| parent.child_by_field_name("name").or_else(|| parent.child_by_field_name("key")));
    let name = function.child_by_field_name("name").or_else(held);
    name.map_or_else(|| "(anonymous)".to_owned(), |name| text[name.byte_range()].chars().take(NAME_CHARS_MAX).collect())
}

fn judge(measure: &Measure<'_>, threshold: Threshold, parsed: &Parsed<'_>) -> Option<Finding> {
    let is_above = |limit: Option<u64>| limit.filter(|limit| measure.value > *limit);
    let (severity, limit, ending) = match (is_above(threshold.fail), is_above(threshold.warn)) {
        (Some(limit), _) => (Severity::High, limit, "over"),
        (None, Some(limit)) => (Severity::Low, limit, "near"),
        (None, None) => return None,
    };
    let id = format!("{}-{ending}-budget", measure.row.replace('_', "-"));
    let (unit, verb) = unit(measure.row);
    let message = format!("{} {verb} {} {unit}, above the {} of {limit}", measure.what, measure.value, name(ending));
    let finding = Finding::in_file(id, Pass::Budget, severity, measure.path, message);
    let placed = measure.place.and_then(|(index, at)| Some((parsed.files[index].text.as_ref()?, at)));
    Some(match placed {
        Some((text, at)) => {
            let line_end = text.as_str()[at..].find('\n').map_or(text.as_str().len(), |end| at + end);
            finding.at(text, at..line_end)
        }
        None => finding,
    })
}

fn name(ending: &str) -> &'static str {
    if ending == "over" { "limit" } else { "warning threshold" }
}

fn unit(row: &str) -> (&'static str, &'static str) {
    match row {
        "file_bytes" | "total_bytes" => ("bytes", "has"),
        "files" => ("files", "has"),
        "file_lines" | "function_lines" => ("lines", "has"),
        "line_chars" => ("characters", "has"),
        "nesting_depth" => ("blocks deep", "is"),
        _ => ("packages", "declares"),
    }
}

fn details(
    measures: &[Measure<'_>],
    findings: &[Finding],
    parsed: &Parsed<'_>,
    policy: &Budget,
    profile: &Profile,
) -> Map<String, Value> {
    // Sorted by value, so the first of a row is its largest.
    let largest = |row: &str| measures.iter().find(|measure| measure.row == row);
    let value = |row: &str| largest(row).map_or(0, |measure| measure.value);
    let place = |row: &str, key: &str| {
        largest(row).map_or(Value::Null, |measure| {
            let position = measure.place.and_then(|(index, at)| Some(parsed.files[index].text.as_ref()?.position(at)));
            json!({ "path": measure.path, "line": position.map(|position| position.line), key: measure.value })
        })
    };
    let limits = policy.rows().map(|(row, threshold)| {
        let threshold = profile.budget.get(row).copied().unwrap_or(threshold);
        (camel_case(row), json!({ "warn": threshold.warn, "fail": threshold.fail }))
    });
    let details = json!({
        "bloated": !findings.is_empty(),
        "totalBytes": value("total_bytes"),
        "files": value("files"),
        "dependencies": value("dependencies"),
        "largestFile": place("file_bytes", "bytes"),
        "longestFile": place("file_lines", "lines"),
        "longestLine": place("line_chars", "chars"),
        "deepestNesting": place("nesting_depth", "depth"),
        "longestFunction": place("function_lines", "lines"),
        "limits": limits.into_iter().collect::<Map<_, _>>(),
    });
    let Value::Object(details) = details else { unreachable!("the value above is an object") };
    details
}

fn camel_case(row: &str) -> String {
    let mut parts = row.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (head, tail) = part.split_at(1);
        name + &head.to_ascii_uppercase() + tail
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testkit::{artifact, parsed};
    use crate::policy::builtin_profiles;

    fn ids(files: &[(&str, &str)], policy: &Budget, dependencies: u64) -> Vec<(String, Severity)> {
        let artifact = artifact(files);
        let (findings, _) = budget(&parsed(&artifact), policy, &Profile::default(), dependencies);
        findings.iter().map(|finding| (finding.rule_id.to_string(), finding.severity)).collect()
    }

    /// A budget without any threshold but one.
    fn only(set: impl FnOnce(&mut Budget)) -> Budget {
        let none = Threshold::default();
        let mut budget = Budget {
            file_bytes: none,
            total_bytes: none,
            files: none,
            file_lines: none,
            line_chars: none,
            nesting_depth: none,
            function_lines: none,
            dependencies: none,
        };
        set(&mut budget);
        budget
    }

    type Set = fn(&mut Budget, Threshold);

    #[test]
    fn each_row_warns_and_fails_above_its_thresholds_and_not_at_them() {
        let nested = "def f():\n    if a:\n        if b:\n            g()\n    return 1\n";
        let rows: [(&str, &str, u64, Set); 8] = [
            ("file-bytes", "x = 10\n", 7, |budget, row| budget.file_bytes = row),
            ("total-bytes", "x = 10\n", 7, |budget, row| budget.total_bytes = row),
            ("files", "x = 10\n", 1, |budget, row| budget.files = row),
            ("file-lines", "x = 1\ny = 2\n", 2, |budget, row| budget.file_lines = row),
            ("line-chars", "x = 'é'\n", 7, |budget, row| budget.line_chars = row),
            ("nesting-depth", nested, 3, |budget, row| budget.nesting_depth = row),
            ("function-lines", nested, 5, |budget, row| budget.function_lines = row),
            ("dependencies", "x = 1\n", 4, |budget, row| budget.dependencies = row),
        ];
        for (row, text, value, set) in rows {
            let judge = |warn, fail| ids(&[("a.py", text)], &only(|budget| set(budget, Threshold { warn, fail })), 4);
            assert_eq!(judge(Some(value), Some(value)), [], "{row}");
            assert_eq!(judge(Some(value - 1), Some(value)), [(format!("{row}-near-budget"), Severity::Low)]);
            assert_eq!(judge(Some(value - 1), Some(value - 1)), [(format!("{row}-over-budget"), Severity::High)]);
            assert_eq!(judge(None, None), []);
        }
    }

    #[test]
    fn nesting_counts_blocks_of_one_function_in_both_languages() {
        let depth = |path: &str, text: &str| {
            let artifact = artifact(&[(path, text)]);
            let (_, details) = budget(&parsed(&artifact), &Budget::default(), &Profile::default(), 0);
            details["deepestNesting"]["depth"].as_u64().unwrap_or(0)
        };
        let cases = [
            ("a.py", "x = 1\n", 0),
            ("a.py", "if a:\n    if b:\n        c()\n", 2),
            ("a.py", "if a:\n    def f():\n        if b:\n            c()\n", 2),
            ("a.js", "if (a) { while (b) { c(); } }\n", 2),
            ("a.js", "f(() => { g(function () { h(); }); });\n", 1),
            ("a.js", "function f() { switch (a) { case 1: { g(); } } }\n", 3),
            ("a.js", "const o = { a: { b: { c: 1 } } };\n", 0),
        ];
        for (path, text, expected) in cases {
            assert_eq!(depth(path, text), expected, "{text}");
        }
    }

    #[test]
    fn a_profiles_rows_replace_those_of_the_policy() {
        let text = format!("x = '{}'\n", "a".repeat(400).repeat(300));
        let artifact = artifact(&[("a.js", text.as_str())]);
        let web = &builtin_profiles()["web"];
        let (findings, details) = budget(&parsed(&artifact), &Budget::default(), web, 0);
        let found: Vec<_> = findings.iter().map(|finding| finding.rule_id.as_ref()).collect();
        assert_eq!(found, ["total-bytes-over-budget", "line-chars-over-budget"]);
        assert_eq!(details["bloated"], true);
        assert_eq!(details["totalBytes"], 120_007);
        assert_eq!(details["limits"]["totalBytes"]["fail"], 100_000);
        assert_eq!(details["longestLine"]["line"], 1);
    }

    #[test]
    fn deep_nesting_overflows_no_stack_and_many_findings_are_bounded() {
        let deep = format!("{}1{}\n", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(ids(&[("a.py", &deep)], &only(|budget| budget.nesting_depth = Threshold::new(1, 2)), 0), []);
        let many = "def f():\n    return 1\n".repeat(500);
        let found = ids(&[("a.py", &many)], &only(|budget| budget.function_lines = Threshold::new(1, 9)), 0);
        assert_eq!(found.len(), FINDINGS_PER_ROW_MAX);
    }
}
