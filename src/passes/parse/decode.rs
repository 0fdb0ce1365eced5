//! Bytes to text, as the engine of each language reads them.
//!
//! Which code a file holds depends on its encoding, so a file whose encoding vetrun does not read exactly as the engine
//! does is refused: a Python comment in UTF-7 or `unicode_escape` may be a statement.

use std::borrow::Cow;

use crate::artifact::SourceText;
use crate::language::Language;

use super::codecs::{self, Codec};
use super::problem::Problem;

const RULE: &str = "undecodable-text";
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The text of a file, or why it has none.
pub(super) fn decode(language: Language, bytes: &[u8]) -> Result<SourceText, Problem> {
    if let Some(name) = wide_encoding(bytes) {
        return Err(Problem::whole(RULE, format!("the file is in {name}, which its engine does not read"))
            .hint("save the file as UTF-8"));
    }
    let text = match language {
        Language::Python => python(bytes)?,
        _ => utf8(bytes)?,
    };
    Ok(SourceText::from_utf8(text))
}

/// The name of a two- or four-byte encoding that the byte order mark tells of.
fn wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ => None,
    }
}

fn utf8(bytes: &[u8]) -> Result<String, Problem> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let at = error.valid_up_to();
            Err(Problem::whole(RULE, format!("byte 0x{:02x} is not valid UTF-8{}", bytes[at], place(bytes, at)))
                .hint("save the file as UTF-8"))
        }
    }
}

/// Where byte `at` stands, for messages about bytes that are no text.
fn place(bytes: &[u8], at: usize) -> String {
    let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    format!(" (offset {at}, line {line})")
}

/// Python source: a byte order mark, else the cookie of PEP 263, else UTF-8.
fn python(bytes: &[u8]) -> Result<String, Problem> {
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(Problem::whole(RULE, format!("source code cannot contain null bytes{}", place(bytes, at))));
    }
    let body = bytes.strip_prefix(BOM);
    let Some(cookie) = cookie(body.unwrap_or(bytes)) else { return utf8(bytes) };
    if body.is_some() && normal_name(&cookie) != "utf-8" {
        let message = format!("encoding problem: {cookie} with a UTF-8 byte order mark");
        return Err(Problem::whole(RULE, message).hint("remove the coding line"));
    }
    match codecs::codec(&cookie) {
        Some(Codec::Utf8) => utf8(bytes),
        Some(codec) => codecs::decode(codec, bytes).map_err(|at| {
            let message = format!("byte 0x{:02x} is not valid in {cookie}{}", bytes[at], place(bytes, at));
            Problem::whole(RULE, message).hint("save the file as UTF-8")
        }),
        None => {
            let message = format!("the source encoding `{cookie}` is not one that can be judged");
            Err(Problem::whole(RULE, message).hint("save the file as UTF-8 and remove the coding line"))
        }
    }
}

/// The encoding that a Python file names, as PEP 263 has it: in a comment on line 1, or on line 2 below a line that
/// holds nothing but a comment or white space.
fn cookie(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let mut lines = bytes.split(|&byte| byte == b'\n' || byte == b'\r');
    let first = lines.next()?;
    // `\r\n` leaves an empty piece between its two bytes.
    let crlf = bytes.get(first.len()) == Some(&b'\r') && bytes.get(first.len() + 1) == Some(&b'\n');
    if let Some(name) = cookie_of_line(first) {
        return Some(name);
    }
    if first.iter().find(|byte| !is_blank(**byte)).is_some_and(|&byte| byte != b'#') {
        return None;
    }
    cookie_of_line(lines.nth(usize::from(crlf))?)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c')
}

fn cookie_of_line(line: &[u8]) -> Option<Cow<'_, str>> {
    let hash = line.iter().position(|&byte| !is_blank(byte)).filter(|&at| line[at] == b'#')?;
    let mut rest = &line[hash..];
    while let Some(at) = rest.windows(6).position(|window| window == b"coding") {
        rest = &rest[at + 6..];
        let [b':' | b'=', value @ ..] = rest else { continue };
        let start = value.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(value.len());
        let value = &value[start..];
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let length = value.iter().position(|byte| !is_name(byte)).unwrap_or(value.len());
        if length > 0 {
            return Some(String::from_utf8_lossy(&value[..length]));
        }
    }
    None
}

/// What CPython's tokenizer makes of a name before it compares it with `utf-8`.
fn normal_name(name: &str) -> String {
    let short: String =
        name.chars().take(12).map(|char| if char == '_' { '-' } else { char.to_ascii_lowercase() }).collect();
    if short == "utf-8" || short.starts_with("utf-8-") { "utf-8".to_owned() } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<String, String> {
        decode(Language::Python, bytes).map(|text| text.as_str().to_owned()).map_err(|problem| problem.message)
    }

    #[test]
    fn python_is_decoded_as_its_cookie_says() {
        let cases: &[(&[u8], &str)] = &[
            (b"x = '\xc3\xa9'\n", "x = 'é'\n"),
            (b"# coding: latin-1\n'\xe9\x80'\n", "# coding: latin-1\n'é\u{80}'\n"),
            (b"#!/bin/x\n# -*- coding: iso-8859-15 -*-\n'\xa4'\n", "#!/bin/x\n# -*- coding: iso-8859-15 -*-\n'€'\n"),
            (b"# vim: set fileencoding=cp1252 :\n'\x80'\n", "# vim: set fileencoding=cp1252 :\n'€'\n"),
            (b"#\r\n# coding: latin-1\r\n'\xe9'", "#\r\n# coding: latin-1\r\n'é'"),
            // A statement on line 1 ends the search.
            (b"x = 1\n# coding: latin-1\n'\xc3\xa9'\n", "x = 1\n# coding: latin-1\n'é'\n"),
            (b"\xef\xbb\xbf# coding: utf-8\nx\n", "\u{feff}# coding: utf-8\nx\n"),
            (b"# coding: UTF_8\nx\n", "# coding: UTF_8\nx\n"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(text(bytes).as_deref(), Ok(*expected));
        }
    }

    #[test]
    fn what_cannot_be_read_exactly_is_refused() {
        let cases: &[(&[u8], &str)] = &[
            (b"x = '\xff'\n", "byte 0xff is not valid UTF-8"),
            (b"x = 1\0\n", "null bytes"),
            (b"# coding: utf-7\n# +AAo-import os\n", "utf-7"),
            (b"# coding: unicode_escape\n# \\u000aimport os\n", "unicode_escape"),
            (b"# coding: raw_unicode_escape\n", "raw_unicode_escape"),
            (b"# coding: utf-16\n", "utf-16"),
            (b"# coding: foobar\n", "foobar"),
            (b"# encoding: foo bar\n", "`foo`"),
            (b"# coding: rot13\n", "rot13"),
            (b"# coding: cp1252\n'\x81'\n", "byte 0x81 is not valid in cp1252"),
            (b"# coding: ascii\n'\xe9'\n", "byte 0xe9 is not valid in ascii"),
            (b"\xef\xbb\xbf# coding: latin-1\n", "with a UTF-8 byte order mark"),
            (b"\xef\xbb\xbf# coding: utf8\n", "with a UTF-8 byte order mark"),
            (b"\xff\xfex\0", "UTF-16"),
            (b"# coding: shift_jis\n", "shift_jis"),
        ];
        for (bytes, expected) in cases {
            let message = text(bytes).expect_err(expected);
            assert!(message.contains(expected), "{message}");
        }
    }
}
