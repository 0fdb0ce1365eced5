//! Lines as Python's `str.splitlines` has them, and the logical lines of Python, as far as magics need to know them.

use std::ops::Range;

/// The lines of a text, each with what ends it.
pub(super) fn split(text: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut chars) = (0, text.char_indices().peekable());
    while let Some((at, char)) = chars.next() {
        let mut end = at + char.len_utf8();
        match char {
            '\r' => end = chars.next_if(|(_, next)| *next == '\n').map_or(end, |(at, _)| at + 1),
            '\n' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {}
            _ => continue,
        }
        lines.push(start..end);
        start = end;
    }
    if start < text.len() {
        lines.push(start..text.len());
    }
    lines
}

/// What magics need to know of a logical line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Logical {
    /// Its first character that is not indentation; the line's end where there is none.
    pub(super) first: usize,
    /// The offset after its line feed.
    pub(super) end: usize,
    /// The first `=` outside of brackets.
    pub(super) assign: Option<usize>,
    /// The question mark that it ends in, behind something else. None is looked for behind a string that its line cuts
    /// off: where such a line ends, readers do not agree, and help takes the place of all of it.
    pub(super) question: Option<usize>,
}

/// The logical line that begins at `start`.
pub(super) fn logical(text: &str, start: usize) -> Logical {
    let bytes = text.as_bytes();
    let first = first_of(bytes, start);
    let mut line = Logical { first, end: bytes.len(), assign: None, question: None };
    let (mut at, mut depth, mut last, mut is_cut) = (first, 0_usize, None, false);
    while let Some(&byte) = bytes.get(at) {
        let begins = at;
        match byte {
            b'\n' if depth == 0 => {
                line.end = at + 1;
                break;
            }
            b'#' => {
                at += bytes[at..].iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len() - at);
                last = Some(begins);
                continue;
            }
            b'"' | b'\'' => {
                let end = string_end(bytes, at);
                is_cut |= end.is_none();
                let line_end = || bytes[begins..].iter().position(|&byte| byte == b'\n').map(|length| begins + length);
                at = end.or_else(line_end).unwrap_or(bytes.len()) - 1;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\\' if bytes.get(at + 1) == Some(&b'\n') => at += 1,
            b'\\' if bytes[at + 1..].starts_with(b"\r\n") => at += 2,
            b'=' if bytes.get(at + 1) == Some(&b'=') => at += 1,
            b'=' if depth == 0 && line.assign.is_none() && !ends_operator(&bytes[first..at]) => line.assign = Some(at),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            last = Some(begins);
        }
        at += 1;
    }
    line.question = last.filter(|&at| at > first && bytes[at] == b'?' && !is_cut);
    line
}

/// Where a line says something first: behind its indentation, or behind a backslash in its first column, which puts it on
/// the next.
fn first_of(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while bytes[at..].starts_with(b"\\\n") {
        at += 2;
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\x0c');
    at + bytes[at..].iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len() - at)
}

/// Whether a `=` after these bytes is part of an operator: `<=`, `+=`, `:=`, ….
fn ends_operator(before: &[u8]) -> bool {
    before.last().is_some_and(|byte| b"!<>+-*/%&|^@:".contains(byte))
}

/// The offset after the string that begins at `at`; `None` where its line cuts it off.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let is_tripled = bytes[at..].starts_with(&[quote; 3]);
    let mut at = at + if is_tripled { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' if !is_tripled => return None,
            _ if byte == quote && !is_tripled => return Some(at + 1),
            _ if byte == quote && bytes[at..].starts_with(&[quote; 3]) => return Some(at + 3),
            _ => at += 1,
        }
    }
    is_tripled.then_some(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_python_ends_them() {
        let text = "a\r\nb\rc\u{2028}d\u{c}\ne";
        let lines: Vec<&str> = split(text).into_iter().map(|line| &text[line]).collect();
        assert_eq!(lines, ["a\r\n", "b\r", "c\u{2028}", "d\u{c}", "\n", "e"]);
        assert!(split("").is_empty());
    }

    #[test]
    fn logical_lines_end_outside_of_strings_and_brackets() {
        for (text, expected) in [
            ("x = 1\ny\n", "x = 1\n"),
            ("f(a,\n b)\ny\n", "f(a,\n b)\n"),
            ("x = '''\n)\n'''\ny\n", "x = '''\n)\n'''\n"),
            ("x = 'it\ny\n", "x = 'it\n"),
            ("x = \"\\\"(\"\ny\n", "x = \"\\\"(\"\n"),
            ("# (\ny\n", "# (\n"),
            ("x = 1 + \\\n 2\ny\n", "x = 1 + \\\n 2\n"),
            ("x = [ # ]\n]\ny\n", "x = [ # ]\n]\n"),
            ("\n\ny\n", "\n"),
        ] {
            assert_eq!(&text[..logical(text, 0).end], expected);
        }
    }

    #[test]
    fn assignments_and_questions_are_seen() {
        for (text, assign, question) in [
            ("x = !ls\n", Some(2), None),
            ("f(a=1) == y <= z\n", None, None),
            ("x += y = 2\n", Some(7), None),
            ("foo?\n", None, Some(3)),
            ("foo? # x\n", None, None),
            ("  ?\n", None, None),
            ("f('?')\n", None, None),
            ("f('x\ny')\nfoo?\n", None, None),
            ("foo??  \n", None, Some(4)),
        ] {
            let line = logical(text, 0);
            assert_eq!((line.assign, line.question), (assign, question), "{text}");
        }
    }
}
