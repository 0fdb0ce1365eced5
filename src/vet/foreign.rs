//! Comments that ask other scanners to be silent (`# nosec`, `# noqa`, `// eslint-disable`, …).
//!
//! They count for nothing here. Where one stands beside something that fails the artifact, or holds for a file in which
//! something fails, that is worth knowing: either somebody has judged the danger before, or whoever wrote the code wants
//! scanners to look away. So each is a finding of severity info, which changes no verdict.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use memchr::memchr3;
use regex::{Match, Regex};

use crate::artifact::SourceText;
use crate::finding::{Finding, Pass, Severity};
use crate::passes::parse::{Parsed, ParsedFile};
use crate::words::{Words, pairs};

/// The rule id of these findings.
pub const FOREIGN_SUPPRESSION: &str = "foreign-suppression";

/// Comments of one file that are looked at.
const COMMENTS_MAX: usize = 10_000;

/// What opens a comment, and what another scanner reads in it. The words of whole files come first, as others begin so.
const COMMENT: &str = r"(?xi)
    (?: \# | // | /\* | <!-- )
    [^\n\r]*?
    (?:
        (?P<file>
            \b (?:ruff|flake8) :\s* noqa \b
          | \b ruff :\s* (?:file-ignore|disable) \b
          | \b pylint :\s* skip-file \b
          | \b biome-ignore-(?:all|start) \b
          | \b (?:eslint|oxlint|tslint:|stylelint) -?disable \b (?: $ | [^-:\w] )
          | \b njsscan-ignore-file \b
        )
      | (?P<line>
            \b noqa \b
          | \b nosec \b
          | \b nosem (?:grep)? \b
          | \b nosonar \b
          | \b njsscan-ignore \b
          | \b ignore :\s* [a-z]+_[a-z_]+
          | \b ast-grep-ignore \b
          | \b biome-ignore \b
          | \b (?:eslint|oxlint|tslint:|stylelint) -?disable (?:-next)? -line \b
          | \b pylint :\s* disable \b
          | \b (?:lgtm|codeql) \s* \[
          | \b (?:deepcode|snyk) \s ignore \b
          | \b skipcq \b
          | \b gitleaks:allow \b
          | \b pragma:\s* allowlist \s secret \b
          | \b (?:checkov|trivy|tfsec) : (?:skip|ignore) \b
        )
    )";

/// Words of which a comment holds one in which [`COMMENT`] finds something: to compile that takes longer than to vet a small
/// file.
const WORDS: [&str; 23] = [
    "noqa",
    "nosec",
    "nosem",
    "nosonar",
    "ruff",
    "pylint",
    "biome-ignore",
    "eslint",
    "oxlint",
    "tslint",
    "stylelint",
    "njsscan-ignore",
    "ignore:",
    "ast-grep-ignore",
    "lgtm",
    "codeql",
    "deepcode",
    "snyk",
    "skipcq",
    "gitleaks",
    "checkov",
    "trivy",
    "tfsec",
];
static IN_COMMENT: Words = Words::new(&WORDS, &pairs(&WORDS));

/// Of the words of [`COMMENT`], these alone may stand on two lines, and the first by itself is common.
static PRAGMA: Words = Words::new(&["pragma:"], &pairs(&["pragma:"]));
static ALLOWLIST: Words = Words::new(&["allowlist"], &pairs(&["allowlist"]));

/// Whether a text may hold such a comment. Only what stands behind the beginning of one in its line is looked at.
fn may_hold(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = memchr3(b'#', b'/', b'<', rest.as_bytes()) {
        let comment = rest[at..].split('\n').next().unwrap_or_default();
        if IN_COMMENT.is_any_in(comment) || (PRAGMA.is_any_in(comment) && ALLOWLIST.is_any_in(text)) {
            return true;
        }
        rest = &rest[at + comment.len()..];
    }
    // Characters that are ASCII letters but for their case count as these.
    !text.is_ascii() && text.contains(['\u{212a}', '\u{17f}'])
}

/// Findings about comments that stand beside what fails.
pub(super) fn foreign_suppressions(findings: &[Finding], parsed: &Parsed<'_>) -> Vec<Finding> {
    let mut failing: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.pass == Pass::Scan && finding.fails) {
        failing.entry(&finding.path).or_default().push(finding);
    }
    let files = parsed.files.iter().filter_map(|file| Some((file, file.text.as_ref()?)));
    let beside = |(file, text)| Some(of_file(file, text, failing.get(file.source.path.as_str())?));
    files.filter_map(beside).flatten().collect()
}

/// Those of one file; of a comment that holds for the whole file, the first.
fn of_file(file: &ParsedFile<'_>, text: &SourceText, failing: &[&Finding]) -> Vec<Finding> {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(COMMENT).ok());
    if !may_hold(text.as_str()) {
        return Vec::new();
    }
    let Some(pattern) = PATTERN.as_ref() else { return Vec::new() };
    // Some comments speak of the line below them.
    let lines: HashSet<u32> = failing
        .iter()
        .filter_map(|finding| finding.range)
        .flat_map(|range| range.start.line.saturating_sub(1)..=range.end.line.min(range.start.line + LINES_MAX))
        .collect();
    let (mut found, mut whole) = (Vec::new(), false);
    for comment in pattern.captures_iter(text.as_str()).take(COMMENTS_MAX) {
        let (words, holds) = match (comment.name("file"), comment.name("line")) {
            (Some(words), _) => (words, !std::mem::replace(&mut whole, true)),
            (None, Some(words)) => (words, lines.contains(&text.position(words.start()).line)),
            (None, None) => continue,
        };
        if holds && !in_string(file, words.start()) {
            found.push(finding(file, text, words));
        }
    }
    found
}

/// Lines of one finding that are looked at.
const LINES_MAX: u32 = 1_000;

fn in_string(file: &ParsedFile<'_>, offset: usize) -> bool {
    let outlines = file.regions.iter().filter_map(|region| region.outline.as_ref());
    let mut strings = outlines.map(|outline| &outline.strings);
    strings.any(|strings| {
        // They are in order, and none stands in another.
        let after = strings.partition_point(|string| string.range().start <= offset);
        after > 0 && strings[after - 1].range().contains(&offset)
    })
}

fn finding(file: &ParsedFile<'_>, text: &SourceText, words: Match<'_>) -> Finding {
    let shown = words.as_str().trim();
    let message = format!("a comment asks another scanner to be silent (`{shown}`); it counts for nothing here");
    Finding::in_file(FOREIGN_SUPPRESSION, Pass::Scan, Severity::Info, file.source.path.as_str(), message)
        .hint("mend what fails; what has been looked at and is meant belongs into a baseline or the policy")
        .at(text, words.range())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_told_apart_by_what_they_hold_for() {
        let pattern = Regex::new(COMMENT).expect("the pattern is valid");
        let held = |text: &str| {
            let found = pattern.captures(text)?;
            found.name("file").map(|_| "file").or(found.name("line").map(|_| "line"))
        };
        let for_files = ["# ruff: noqa", "# flake8: NOQA: S102", "/* eslint-disable */", "// oxlint-disable no-eval"];
        for text in for_files {
            assert_eq!((held(text), may_hold(text)), (Some("file"), true), "{text}");
        }
        let for_lines = [
            "x = 1  # nosec B102",
            "#nosec",
            "exec(x)  # noqa: S102",
            "eval(x) // nosemgrep: rule",
            "// eslint-disable-next-line no-eval",
            "f() // eslint-disable-line",
            "// biome-ignore lint/security: fine",
            "# ast-grep-ignore",
            "// ignore: eval_nodejs",
            "# why  # pragma: allowlist secret",
            "x = '<'\n/* pragma:\nallowlist secret */",
            "# NoSemgrep",
            "# nosonar",
            "# njsscan-ignore: x",
            "# njsscan-ignore-file",
            "# stylelint-disable-line",
            "# pylint: disable=x",
            "# lgtm [py]",
            "# codeql[x]",
            "# snyk ignore",
            "# deepcode ignore",
            "# skipcq",
            "# gitleaks:allow",
            "# checkov:skip=1",
            "# trivy:ignore",
            "# tfsec:skip",
        ];
        for text in for_lines {
            assert_eq!((held(text).is_some(), may_hold(text)), (true, true), "{text}");
        }
        for text in ["nosec = 1", "noqa", "# nosecond", "# we ignore: this", "x = eslint - disable"] {
            assert_eq!(held(text), None, "{text}");
        }
    }
}
