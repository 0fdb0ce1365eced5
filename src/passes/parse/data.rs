//! JSON, TOML and YAML: strict verdicts without building more of the data than is needed.

use saphyr_parser::{Event, Parser};
use serde::de::IgnoredAny;

use super::bounds;
use super::brackets::Brackets;
use super::problem::{Problem, fragment};
use crate::policy::ParsePolicy;

/// The events of one YAML file that are looked at.
const YAML_EVENTS_MAX: u64 = 2_000_000;

/// The aliases of one YAML file: more of them are a bomb, not a document.
const YAML_ALIASES_MAX: u64 = 1_000;

/// Judges JSON; positions are `offset` further on.
pub(super) fn json(text: &str, offset: usize, policy: &ParsePolicy) -> Option<Problem> {
    let rule = "json-syntax-error";
    let scanned = brackets(text, policy);
    if let Some(at) = scanned.too_deep {
        return Some(bounds::too_deep("brackets", policy.nesting_depth_max, at + offset));
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = text.len() - body.len();
    // `IgnoredAny` checks the whole text and neither recurses nor keeps anything.
    let error = serde_json::from_str::<IgnoredAny>(body).err()?;
    let at = skipped + offset_of(body, error.line(), error.column());
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    let problem = Problem::new(rule, fragment(message), at + offset..(at + 1).min(text.len()).max(at) + offset);
    Some(match json_hint(body, at - skipped) {
        Some(hint) => problem.hint(hint),
        None => problem,
    })
}

fn json_hint(text: &str, at: usize) -> Option<&'static str> {
    let rest = text.get(at..)?;
    let before = text[..at].trim_end();
    match rest.chars().next() {
        None => Some("the rest of the file is missing"),
        Some('}' | ']') if before.ends_with(',') => Some("remove the comma before the closing bracket"),
        Some('/' | '#') => Some("JSON has no comments"),
        Some('\'') => Some("JSON takes double quotes only"),
        Some('T' | 'F' | 'N') => Some("JSON writes `true`, `false` and `null`"),
        Some('`') => Some("remove the lines with ``` of the Markdown fence"),
        _ => None,
    }
}

/// JSON with comments and commas at the end made into spaces, as the tools that read such files take it.
pub(super) fn without_comments(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    let mut comma = None;
    while at < bytes.len() {
        let length = match (bytes[at], bytes.get(at + 1)) {
            (b'"', _) => string_length(&bytes[at..]),
            (b'/', Some(b'/')) => bytes[at..].iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len() - at),
            (b'/', Some(b'*')) => {
                let end = bytes[at + 2..].windows(2).position(|pair| pair == b"*/");
                end.map_or(bytes.len() - at, |end| end + 4)
            }
            _ => 1,
        };
        match bytes[at] {
            b'/' if length > 1 => {
                let blank = |byte: &mut u8| *byte = if *byte == b'\n' { b'\n' } else { b' ' };
                bytes[at..at + length].iter_mut().for_each(blank);
            }
            b',' => comma = Some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
            }
            byte if !byte.is_ascii_whitespace() => comma = None,
            _ => {}
        }
        at += length;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn brackets(text: &str, policy: &ParsePolicy) -> Brackets {
    let bytes = text.as_bytes();
    let mut brackets = Brackets::new(policy.nesting_depth_max);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += string_length(&bytes[at..]);
                continue;
            }
            b'[' | b'{' => brackets.opens(byte, at),
            b']' | b'}' => brackets.closes(byte, at),
            _ => {}
        }
        at += 1;
    }
    brackets
}

/// The offset of a line and column, both counted from 1, the column in bytes.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = (start + column.saturating_sub(1)).min(text.len());
    text.floor_char_boundary(at)
}

/// Judges TOML.
pub(super) fn toml(text: &str) -> Option<Problem> {
    let error = toml::from_str::<IgnoredAny>(text).err()?;
    let range = error.span().unwrap_or(text.len()..text.len());
    let first = error.message().lines().next().unwrap_or_default();
    Some(Problem::new("toml-syntax-error", fragment(first), range.start.min(text.len())..range.end.min(text.len())))
}

/// Judges YAML: every document of the stream.
pub(super) fn yaml(text: &str, policy: &ParsePolicy) -> Option<Problem> {
    let rule = "yaml-syntax-error";
    let limit = |message: String, at: usize| Some(Problem::new("parse-limit", message, at..at));
    let (mut events, mut aliases, mut depth) = (0_u64, 0_u64, 0_u64);
    let mut parser = Parser::new_from_str(text);
    loop {
        let (event, span) = match parser.next_event()? {
            Ok(next) => next,
            Err(error) => {
                let at = char_offset(text, error.marker().line(), error.marker().col());
                if error.info().starts_with("recursion limit") {
                    // The scanner reads ahead of its events and has a limit of its own.
                    return Some(bounds::too_deep("collections", policy.nesting_depth_max, at));
                }
                return Some(Problem::new(rule, fragment(error.info()), at..at));
            }
        };
        events += 1;
        let place = || char_offset(text, span.start.line(), span.start.col());
        match event {
            Event::StreamEnd => return None,
            Event::Alias(_) => aliases += 1,
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > policy.nesting_depth_max {
            return Some(bounds::too_deep("collections", policy.nesting_depth_max, place()));
        }
        if aliases > YAML_ALIASES_MAX {
            return limit(format!("more than {YAML_ALIASES_MAX} aliases"), place());
        }
        if events > YAML_EVENTS_MAX {
            return limit(format!("more than {YAML_EVENTS_MAX} events"), place());
        }
    }
}

/// The offset of a line, counted from 1, and a column in characters, counted from 0.
fn char_offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let start = start.min(text.len());
    start + text[start..].chars().take(column).map(char::len_utf8).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(problem: Option<Problem>) -> Option<(&'static str, usize)> {
        problem.map(|problem| (problem.rule, problem.range.map_or(0, |range| range.start)))
    }

    #[test]
    fn json_is_judged_with_its_place() {
        let policy = ParsePolicy::default();
        for (text, expected) in [
            ("{\"a\": [1, 2.5e3, null, true, \"\\u00e9\"]}", None),
            ("\u{feff}{}", None),
            ("[1, 2,]", Some(6)),
            ("{'a': 1}", Some(1)),
            ("{\"a\": 1", Some(6)),
            ("", Some(0)),
            ("{} x", Some(3)),
            ("{\n  \"a\": True\n}", Some(9)),
        ] {
            let expected = expected.map(|at| ("json-syntax-error", at));
            assert_eq!(place(json(text, 0, &policy)), expected, "{text}");
        }
        let deep = "[".repeat(201) + &"]".repeat(201);
        assert_eq!(place(json(&deep, 0, &policy)), Some(("nesting-too-deep", 200)));
    }

    #[test]
    fn comments_become_spaces_of_the_same_length() {
        let text = "{ // a \"x\"\n \"b//\": [1, /* , */ ], }";
        let plain = without_comments(text);
        assert_eq!(plain.len(), text.len());
        assert!(json(&plain, 0, &ParsePolicy::default()).is_none(), "{plain}");
    }

    #[test]
    fn toml_and_yaml_are_judged() {
        let policy = ParsePolicy::default();
        assert_eq!(place(toml("[a]\nb = 1\n")), None);
        assert_eq!(place(toml("a = 1\nb = \n")).map(|(rule, _)| rule), Some("toml-syntax-error"));
        assert_eq!(place(toml("a = 1\na = 2\n")).map(|(rule, _)| rule), Some("toml-syntax-error"));
        assert_eq!(place(yaml("a: [1, 2]\nb: &x {c: d}\ne: *x\n---\n- 1\n", &policy)), None);
        assert_eq!(place(yaml("a: [1, 2\nb: c\n", &policy)).map(|(rule, _)| rule), Some("yaml-syntax-error"));
        assert_eq!(place(yaml("a: b: c\n", &policy)), Some(("yaml-syntax-error", 4)));
        let deep = "[".repeat(300) + &"]".repeat(300);
        assert_eq!(place(yaml(&deep, &policy)), Some(("nesting-too-deep", 255)));
        let deep = "- ".repeat(300);
        assert_eq!(place(yaml(&deep, &policy)), Some(("nesting-too-deep", 400)));
    }
}
