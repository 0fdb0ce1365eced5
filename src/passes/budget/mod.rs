//! The budget pass: is the artifact within its size?
//!
//! Every row of [`Budget`] is measured, and the largest of each kind is named. Rows of the profile replace those of the
//! policy. A measure above `warn` is a finding of severity low, one above `fail` one of severity high.

mod functions;

use serde_json::{Map, Value, json};

use crate::artifact::SourceText;
use crate::finding::{Finding, Pass, Severity, WHOLE_ARTIFACT};
use crate::language::Language;
use crate::passes::parse::{Parsed, ParsedFile};
use crate::policy::{Budget, Profile, Threshold};

/// Findings of one row that are kept for an artifact: the largest.
const FINDINGS_PER_ROW_MAX: usize = 50;

/// Checks sizes against the policy's thresholds, single rows replaced by the profile's. `dependencies` is the number of
/// packages that the artifact declares. The map is for the report's `validationResults.performance.details`.
#[must_use]
pub fn budget(
    parsed: &Parsed<'_>,
    policy: &Budget,
    profile: &Profile,
    dependencies: u64,
) -> (Vec<Finding>, Map<String, Value>) {
    let mut sheet = Sheet::new(policy, profile);
    let whole = |value, what| Measure { value, path: WHOLE_ARTIFACT, what, place: None };
    sheet.add("total_bytes", whole(parsed.artifact.total_bytes(), What::All));
    sheet.add("files", whole(parsed.artifact.files.len() as u64, What::Artifact));
    sheet.add("dependencies", whole(dependencies, What::Artifact));
    for file in &parsed.files {
        measure_file(file, &mut sheet);
    }
    let mut findings: Vec<Finding> = sheet.rows.iter_mut().flat_map(Row::findings).collect();
    crate::finding::sort(&mut findings);
    let details = details(&sheet, !findings.is_empty());
    (findings, details)
}

/// One measured value: of a file, of a place in it, or of the whole.
#[derive(Clone)]
struct Measure<'a> {
    value: u64,
    path: &'a str,
    what: What<'a>,
    /// The text and the offset of the place, where it has one.
    place: Option<(&'a SourceText, usize)>,
}

/// What is measured.
#[derive(Clone, Copy)]
enum What<'a> {
    All,
    Artifact,
    File,
    Line,
    Block,
    /// A function, by its name; empty where it has none.
    Function(&'a str),
}

/// All rows, in the order of the budget.
struct Sheet<'a> {
    rows: [Row<'a>; 8],
}

/// One row: its thresholds, its largest measure, and those above a threshold.
struct Row<'a> {
    name: &'static str,
    threshold: Threshold,
    largest: Option<Measure<'a>>,
    above: Vec<Measure<'a>>,
}

impl<'a> Sheet<'a> {
    fn new(policy: &Budget, profile: &Profile) -> Self {
        let row = |(name, threshold)| {
            let threshold = profile.budget.get(name).copied().unwrap_or(threshold);
            Row { name, threshold, largest: None, above: Vec::new() }
        };
        Self { rows: policy.rows().map(row) }
    }

    fn add(&mut self, name: &str, measure: Measure<'a>) {
        let row = self.rows.iter_mut().find(|row| row.name == name);
        row.expect("passes name only rows that there are").add(measure);
    }

    fn row(&self, name: &str) -> &Row<'a> {
        self.rows.iter().find(|row| row.name == name).expect("passes name only rows that there are")
    }
}

impl<'a> Row<'a> {
    fn add(&mut self, measure: Measure<'a>) {
        let limits = [self.threshold.warn, self.threshold.fail];
        if limits.into_iter().flatten().any(|limit| measure.value > limit) {
            self.above.push(measure.clone());
            // Now and then all but the largest are dropped, so that millions of functions take no memory.
            if self.above.len() >= 20 * FINDINGS_PER_ROW_MAX {
                self.keep_largest();
            }
        }
        if self.largest.as_ref().is_none_or(|largest| measure.value > largest.value) {
            self.largest = Some(measure);
        }
    }

    /// Whether a measure of at most `most` could say anything: it could be the largest, or above a threshold.
    fn wants(&self, most: u64) -> bool {
        let limits = [self.threshold.warn, self.threshold.fail];
        self.largest.as_ref().is_none_or(|largest| most > largest.value)
            || limits.into_iter().flatten().any(|limit| most > limit)
    }

    /// Keeps the largest; of equal ones the first.
    fn keep_largest(&mut self) {
        self.above.sort_by_key(|measure| std::cmp::Reverse(measure.value));
        self.above.truncate(FINDINGS_PER_ROW_MAX);
    }

    fn findings(&mut self) -> Vec<Finding> {
        self.keep_largest();
        self.above.iter().filter_map(|measure| self.judge(measure)).collect()
    }

    fn judge(&self, measure: &Measure<'_>) -> Option<Finding> {
        let is_above = |limit: Option<u64>| limit.filter(|limit| measure.value > *limit);
        let (severity, limit, ending, kind) = match (is_above(self.threshold.fail), is_above(self.threshold.warn)) {
            (Some(limit), _) => (Severity::High, limit, "over", "limit"),
            (None, Some(limit)) => (Severity::Low, limit, "near", "warning threshold"),
            (None, None) => return None,
        };
        let id = format!("{}-{ending}-budget", self.name.replace('_', "-"));
        let message = format!("{}, above the {kind} of {limit}", describe(self.name, measure));
        let finding = Finding::in_file(id, Pass::Budget, severity, measure.path, message);
        let Some((text, at)) = measure.place else { return Some(finding) };
        let line_end = text.as_str()[at..].find('\n').map_or(text.as_str().len(), |end| at + end);
        Some(finding.at(text, at..line_end))
    }
}

fn describe(row: &str, measure: &Measure<'_>) -> String {
    let value = measure.value;
    let what = match measure.what {
        What::All => "all files together".to_owned(),
        What::Artifact => "the artifact".to_owned(),
        What::File => "the file".to_owned(),
        What::Line => "the line".to_owned(),
        What::Block => "the block".to_owned(),
        What::Function("") => "a function without a name".to_owned(),
        What::Function(name) => format!("the function `{name}`"),
    };
    match row {
        "file_bytes" => format!("{what} has {value} bytes"),
        "total_bytes" => format!("{what} have {value} bytes"),
        "files" => format!("{what} has {value} files"),
        "file_lines" | "function_lines" => format!("{what} has {value} lines"),
        "line_chars" => format!("{what} has {value} characters"),
        "nesting_depth" => format!("{what} is {value} blocks deep"),
        _ => format!("{what} declares {value} packages"),
    }
}

fn measure_file<'a>(file: &'a ParsedFile<'_>, sheet: &mut Sheet<'a>) {
    let path = file.source.path.as_str();
    let of_file = |value| Measure { value, path, what: What::File, place: None };
    sheet.add("file_bytes", of_file(file.source.bytes.len() as u64));
    let Some(text) = file.text.as_ref().filter(|_| is_source(file.source.language)) else { return };
    sheet.add("file_lines", of_file(u64::from(text.line_count())));
    let mut at = 0;
    for line in text.as_str().split_inclusive('\n') {
        // A line has at most as many characters as bytes, and short ones say nothing.
        if sheet.row("line_chars").wants(line.len() as u64) {
            let value = line.trim_end_matches(['\n', '\r']).chars().count() as u64;
            sheet.add("line_chars", Measure { value, path, what: What::Line, place: Some((text, at)) });
        }
        at += line.len();
    }
    for region in &file.regions {
        functions::measure(region, text, |row, value, what, at| {
            sheet.add(row, Measure { value, path, what, place: Some((text, at)) });
        });
    }
}

fn is_source(language: Language) -> bool {
    matches!(
        language,
        Language::Python
            | Language::Notebook
            | Language::JavaScript
            | Language::TypeScript
            | Language::Html
            | Language::Css
    )
}

fn details(sheet: &Sheet<'_>, bloated: bool) -> Map<String, Value> {
    let largest = |name: &str| sheet.row(name).largest.as_ref();
    let value = |name: &str| largest(name).map_or(0, |measure| measure.value);
    let place = |name: &str, key: &str| {
        largest(name).map_or(Value::Null, |measure| {
            let line = measure.place.map(|(text, at)| text.position(at).line);
            json!({ "path": measure.path, "line": line, key: measure.value })
        })
    };
    let limits = sheet
        .rows
        .iter()
        .map(|row| (camel_case(row.name), json!({ "warn": row.threshold.warn, "fail": row.threshold.fail })));
    let details = json!({
        "bloated": bloated,
        "totalBytes": value("total_bytes"),
        "files": value("files"),
        "dependencies": value("dependencies"),
        "largestFile": place("file_bytes", "bytes"),
        "longestFile": place("file_lines", "lines"),
        "longestLine": place("line_chars", "chars"),
        "deepestNesting": place("nesting_depth", "depth"),
        "longestFunction": place("function_lines", "lines"),
        "limits": limits.collect::<Map<_, _>>(),
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
    use crate::policy::builtin_profile;

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
        let web = &builtin_profile("web").expect("it is built in");
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
