//! CSS: a browser drops what it does not understand and goes on, so only what swallows the rest of the sheet is a fault
//! of weight: a brace, string or comment that is never closed.

use tree_sitter::Tree;

use super::bounds;
use super::brackets::{Brackets, closing};
use super::problem::{Judged, Problem};
use super::tree;
use crate::finding::Severity;
use crate::language::Language;
use crate::passes::parse::Region;
use crate::policy::ParsePolicy;

const RULE: &str = "css-syntax-error";

/// Stretches of a sheet that the tolerant parser did not understand, of which so many are reported.
const TOLERATED_MAX: usize = 5;

/// Judges one sheet.
pub(super) fn judge(text: &str, policy: &ParsePolicy) -> Judged {
    let mut judged = Judged { problems: verdict(text, 0, policy), ..Judged::default() };
    if judged.problems.iter().any(|problem| problem.rule == "nesting-too-deep") {
        return judged;
    }
    match tree::Ground::new(text, policy.tree_bytes_max.bytes()).whole(Language::Css) {
        Ok(Some(tree)) => {
            if judged.problems.is_empty() {
                judged.problems.extend(tolerated(&tree));
            }
            judged.regions.push(Region::tolerant(Language::Css, 0..text.len(), tree));
        }
        Ok(None) => {}
        Err(problem) => judged.problems.push(problem),
    }
    judged
}

/// What swallows the rest of the sheet. Positions are `offset` further on.
pub(super) fn verdict(text: &str, offset: usize, policy: &ParsePolicy) -> Vec<Problem> {
    let mut brackets = Brackets::new(policy.nesting_depth_max);
    let bytes = text.as_bytes();
    let mut at = 0;
    let fault = |message: String, start: usize, end: usize| Problem::new(RULE, message, start + offset..end + offset);
    let mut problems = Vec::new();
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'/' if bytes.get(at + 1) == Some(&b'*') => match text[at + 2..].find("*/") {
                Some(length) => at += length + 4,
                None => {
                    problems.push(fault("unterminated comment".to_owned(), at, at + 2));
                    return problems;
                }
            },
            b'"' | b'\'' => match string_end(bytes, at) {
                Some(end) => at = end,
                None => {
                    problems.push(fault("unterminated string".to_owned(), at, at + 1));
                    at += 1 + bytes[at..].iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
                }
            },
            b'u' | b'U' if is_bare_url(&bytes[at..]) => {
                let Some(end) = bytes[at..].iter().position(|&byte| byte == b')') else {
                    problems.push(fault("unterminated url(".to_owned(), at, at + 4));
                    return problems;
                };
                at += end + 1;
            }
            b'(' | b'[' | b'{' => {
                brackets.opens(byte, at);
                at += 1;
            }
            b')' | b']' | b'}' => {
                brackets.closes(byte, at);
                at += 1;
            }
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    if let Some(at) = brackets.too_deep {
        return vec![bounds::too_deep("brackets", policy.nesting_depth_max, at + offset)];
    }
    if let Some(mismatch) = brackets.mismatch {
        problems.push(fault(format!("unmatched '{}'", char::from(mismatch.closer)), mismatch.at, mismatch.at + 1));
    } else if let Some((bracket, at)) = brackets.innermost() {
        let close = char::from(closing(bracket));
        let message = format!("'{}' was never closed", char::from(bracket));
        problems.push(fault(message, at, at + 1).hint(format!("add the missing '{close}'")));
    }
    problems
}

/// The end of the string that begins at `at`; `None` where its line ends first.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let mut end = at + 1;
    loop {
        match *bytes.get(end)? {
            b'\\' => end += 2,
            b'\n' => return None,
            byte if byte == quote => return Some(end + 1),
            _ => end += 1,
        }
    }
}

/// Whether a `url(…)` without quotes begins here; it may hold any character but a closing bracket.
fn is_bare_url(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.get(4..).filter(|_| bytes[..4].eq_ignore_ascii_case(b"url(")) else { return false };
    let first = rest.iter().find(|byte| !byte.is_ascii_whitespace());
    !matches!(first, Some(b'"' | b'\'') | None)
}

/// Stretches that the tolerant parser did not understand: worth a note only, for its grammar is older than the
/// language.
pub(super) fn tolerated(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !tree.root_node().has_error() {
        return problems;
    }
    tree::walk(tree, |node| {
        if (node.is_error() || node.is_missing()) && problems.len() < TOLERATED_MAX {
            let problem = Problem::new(RULE, "this part of the style sheet was not understood", node.byte_range());
            problems.push(problem.severity(Severity::Info));
        }
        node.has_error() && !node.is_error() && problems.len() < TOLERATED_MAX
    });
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, usize)> {
        let problems = verdict(text, 0, &ParsePolicy::default());
        problems.into_iter().map(|problem| (problem.message, problem.range.map_or(0, |range| range.start))).collect()
    }

    #[test]
    fn modern_sheets_have_no_faults() {
        for text in [
            "@layer base, theme; @layer base { :root { --x: { a: b }; --y: ; } }",
            ".a { &:hover { color: red } .b & { color: oklch(0.7 0.1 200 / 50%) } }",
            "@container card (width > 400px) and (not (height < 10px)) { .a { width: 50cqi } }",
            "a { background: url(data:image/svg+xml;utf8,<svg xmlns='x'>); content: \"}\" /* } */ }",
            "@property --a { syntax: '<length>'; inherits: false; initial-value: 0px }",
            ".\\31 0\\{ { margin: -1px }",
            "@supports selector(:has(> a)) { a:is(.b, :where(.c)) { color: red !important } }",
        ] {
            assert_eq!(faults(text), [], "{text}");
        }
    }

    #[test]
    fn what_swallows_the_rest_is_a_fault() {
        for (text, message, at) in [
            ("a { color: red", "'{' was never closed", 2),
            ("a { color: red }}", "unmatched '}'", 16),
            ("a {} /* b {}", "unterminated comment", 5),
            ("a { content: 'x\n }", "unterminated string", 13),
        ] {
            assert_eq!(faults(text).first(), Some(&(message.to_owned(), at)), "{text}");
        }
    }
}
