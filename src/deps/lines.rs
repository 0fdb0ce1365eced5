//! Requirements files as lines: bytes to text, text to logical lines.
//!
//! Installers disagree about what a line is: some end one at U+0085, U+2028, a vertical tab or a lone carriage return,
//! honour an encoding cookie or a UTF-16 mark, or join a continued comment with the line after it. Whatever one of them
//! could read otherwise than we do is refused, so that what was judged is what everybody reads.

use std::ops::Range;

use crate::artifact::SourceText;

/// A fault of a file or line: rule, message and mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) rule: &'static str,
    pub(super) message: String,
    pub(super) hint: &'static str,
    /// Where in the text; `None` for the file as a whole.
    pub(super) range: Option<Range<usize>>,
}

impl Refusal {
    pub(super) fn new(rule: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { rule, message: message.into(), hint, range: None }
    }

    pub(super) fn at(self, range: Range<usize>) -> Self {
        Self { range: Some(range), ..self }
    }
}

const UTF8_HINT: &str = "save the file as UTF-8 without a byte order mark, with plain line feeds";

/// The text of a requirements file of at most `bytes_max` bytes. Where a place can be told, the text comes with the
/// refusal.
pub(super) fn text_of(bytes: &[u8], bytes_max: u64) -> Result<SourceText, Box<(Option<SourceText>, Refusal)>> {
    let whole = |refusal| Box::new((None, refusal));
    if bytes.len() as u64 > bytes_max {
        let message = format!("the file has {} bytes, more than the {bytes_max} allowed", bytes.len());
        return Err(whole(Refusal::new(
            "requirements-too-large",
            message,
            "declare fewer packages, or raise the limit",
        )));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(whole(Refusal::new("requirements-not-utf8", "the file is not UTF-8", UTF8_HINT)));
    };
    match unsound_character(text).or_else(|| encoding_cookie(text)) {
        // A lone carriage return is kept apart from the text's own lines by being refused here.
        Some(refusal) => Err(Box::new((Some(SourceText::from_utf8(text)), refusal))),
        None => Ok(SourceText::from_utf8(text)),
    }
}

fn unsound_character(text: &str) -> Option<Refusal> {
    let bytes = text.as_bytes();
    text.char_indices().find_map(|(at, char)| {
        let range = at..at + char.len_utf8();
        match char {
            '\n' | '\t' => None,
            '\r' if bytes.get(at + 1) == Some(&b'\n') => None,
            '\u{feff}' => {
                let message = "the file holds a byte order mark";
                Some(Refusal::new("requirements-byte-order-mark", message, UTF8_HINT).at(range))
            }
            '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                let message = format!("U+{:04X} ends a line for some installers and not for others", u32::from(char));
                Some(Refusal::new("requirements-hidden-line-break", message, UTF8_HINT).at(range))
            }
            _ if char.is_control() => {
                let message = format!("the file holds the control character U+{:04X}", u32::from(char));
                Some(Refusal::new("requirements-control-character", message, UTF8_HINT).at(range))
            }
            _ => None,
        }
    })
}

/// An encoding cookie in one of the first two lines, as PEP 263 and installers look for it; only UTF-8 is harmless.
fn encoding_cookie(text: &str) -> Option<Refusal> {
    let mut start = 0;
    for line in text.split_inclusive('\n').take(2) {
        let cookie = line.find('#').and_then(|hash| line[hash..].find("coding").map(|at| &line[hash + at + 6..]));
        let named = cookie.and_then(|rest| rest.strip_prefix([':', '='])).map(str::trim_start);
        if let Some(named) = named {
            let end = named.find(|char: char| !(char.is_alphanumeric() || matches!(char, '-' | '_' | '.')));
            let encoding = named[..end.unwrap_or(named.len())].to_ascii_lowercase();
            if !encoding.is_empty() && !matches!(encoding.as_str(), "utf-8" | "utf8") {
                let message = format!("the file asks to be read as `{encoding}`");
                let refusal = Refusal::new("requirements-encoding-cookie", message, UTF8_HINT);
                return Some(refusal.at(start..start + line.trim_end().len()));
            }
        }
        start += line.len();
    }
    None
}

/// One or more physical lines that an installer reads as one, without comment and continuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogicalLine {
    pub(super) text: String,
    /// The physical lines, without the last line ending.
    pub(super) range: Range<usize>,
}

/// The logical lines of a text that [`text_of`] accepted, blank ones left out; or the refusal of a single one.
pub(super) fn logical_lines(text: &str) -> Vec<Result<LogicalLine, Refusal>> {
    let mut lines = Vec::new();
    let mut open: Option<LogicalLine> = None;
    let mut refused = false;
    let mut start = 0;
    for physical in text.split_inclusive('\n') {
        let line = physical.trim_end_matches(['\n', '\r']);
        let range = start..start + line.len();
        start += physical.len();
        let comment = comment_start(line);
        let continues = line.ends_with('\\');
        // Some installers join first and strip comments then, others the other way round.
        refused |= comment.is_some() && (continues || open.is_some());
        let content = if continues { &line[..line.len() - 1] } else { &line[..comment.unwrap_or(line.len())] };
        let logical = open.get_or_insert_with(|| LogicalLine { text: String::new(), range: range.clone() });
        logical.text.push_str(content);
        logical.range.end = range.end;
        if continues {
            continue;
        }
        finish(&mut lines, open.take(), std::mem::take(&mut refused));
    }
    finish(&mut lines, open, refused);
    lines
}

fn finish(lines: &mut Vec<Result<LogicalLine, Refusal>>, line: Option<LogicalLine>, refused: bool) {
    let Some(line) = line else { return };
    if refused {
        let message = "a comment and a continued line meet, which installers read in different ways";
        let hint = "put the comment on a line of its own, away from lines that end in a backslash";
        lines.push(Err(Refusal::new("requirements-continued-comment", message, hint).at(line.range)));
    } else if !line.text.trim().is_empty() {
        lines.push(Ok(LogicalLine { text: line.text.trim().to_owned(), range: line.range }));
    }
}

/// Where the comment of a line begins: at a `#` that is first or follows a blank.
fn comment_start(line: &str) -> Option<usize> {
    let after_blank = |at: usize| at == 0 || line[..at].ends_with(char::is_whitespace);
    line.match_indices('#').map(|(at, _)| at).find(|&at| after_blank(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_comments_stripped() {
        let text = "# head\r\nrequests \\\r\n  --hash=sha256:00 \\\r\n  --hash=sha256:01\r\n\r\na # why\nb#c\n";
        let lines: Vec<_> = logical_lines(text).into_iter().map(|line| line.unwrap().text).collect();
        assert_eq!(lines, ["requests   --hash=sha256:00   --hash=sha256:01", "a", "b#c"]);
    }

    #[test]
    fn what_installers_split_in_different_ways_is_refused() {
        for text in ["a # b \\\nc\n", "# x \\\nc\n", "a \\\n# b\nc\n"] {
            let lines = logical_lines(text);
            assert!(
                lines
                    .iter()
                    .any(|line| line.as_ref().is_err_and(|refusal| refusal.rule == "requirements-continued-comment")),
                "{text}"
            );
        }
    }

    #[test]
    fn every_other_line_separator_is_refused() {
        let cases: &[(&[u8], &str)] = &[
            (b"a # x\rb", "requirements-hidden-line-break"),
            (b"a # x\x0bb", "requirements-hidden-line-break"),
            (b"a # x\x0cb", "requirements-hidden-line-break"),
            (b"a # x\x1eb", "requirements-hidden-line-break"),
            ("a # x\u{85}b".as_bytes(), "requirements-hidden-line-break"),
            ("a # x\u{2028}b".as_bytes(), "requirements-hidden-line-break"),
            ("a # x\u{2029}b".as_bytes(), "requirements-hidden-line-break"),
            (b"a\0", "requirements-control-character"),
            (b"\xff\xfea\0", "requirements-not-utf8"),
            (b"\xef\xbb\xbfa", "requirements-byte-order-mark"),
            (b"# -*- coding: utf-7 -*-\na", "requirements-encoding-cookie"),
            (b"a\n# vim: fileencoding=utf-16\n", "requirements-encoding-cookie"),
            (b"0123456789abcdef0", "requirements-too-large"),
        ];
        for (bytes, rule) in cases {
            let limit = if *rule == "requirements-too-large" { 16 } else { 1 << 20 };
            assert_eq!(text_of(bytes, limit).unwrap_err().1.rule, *rule, "{bytes:?}");
        }
        assert!(text_of(b"# coding: utf-8\r\na\tb\n", 100).is_ok());
    }
}
