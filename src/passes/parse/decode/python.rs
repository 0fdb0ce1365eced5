//! Python source as CPython reads it when it runs the file: a byte order mark, else the cookie of PEP 263, else UTF-8.
//!
//! Up to 3.13, CPython reads the lines up to the cookie as they are and decodes what follows, and bytes that are no UTF-8
//! stay unnoticed in a comment if a mark or a cookie says that the file is UTF-8. From 3.14 on, all of it is decoded.

use std::ops::Range;

use memchr::memchr;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged as _;

use super::{BOM, Decoded, Undecodable, at_byte, lossy};
use crate::artifact::SourceText;
use crate::language::PythonVersion;
use crate::passes::parse::codecs::{self, Refusal};

/// The longest name of an encoding that is repeated in a message, in characters.
const NAME_SHOWN_MAX: usize = 60;

/// The text of Python source.
pub(super) fn decode(bytes: &[u8], version: PythonVersion) -> Result<Decoded, Box<Undecodable>> {
    if let Some(at) = memchr(0, bytes) {
        let message = "source code cannot contain null bytes".to_owned();
        return Err(at_byte(message, utf8_before(bytes, at), &bytes[at..]));
    }
    let has_mark = bytes.starts_with(BOM);
    let cookie = cookie(&bytes[if has_mark { BOM.len() } else { 0 }..]);
    let is_utf8 = cookie.as_ref().is_none_or(|cookie| is_utf8(cookie.name));
    match cookie {
        Some(cookie) if has_mark && !is_utf8 => {
            let message = format!("encoding problem: {} with BOM", shown(cookie.name));
            let place = cookie.name_range.start + BOM.len()..cookie.name_range.end + BOM.len();
            Err(on_cookie(message, bytes, place, "remove the coding line; the byte order mark says UTF-8"))
        }
        Some(cookie) if !is_utf8 => with_codec(bytes, &cookie, version),
        cookie => utf8(bytes, version, has_mark, cookie.as_ref()),
    }
}

/// A file that says nothing of its encoding, or that it is UTF-8.
fn utf8(
    bytes: &[u8],
    version: PythonVersion,
    has_mark: bool,
    cookie: Option<&Cookie<'_>>,
) -> Result<Decoded, Box<Undecodable>> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.into()),
        Err(error) => error,
    };
    if version >= PythonVersion::Py314 {
        if cookie.is_none() && is_one_comment(bytes) {
            return Ok(lossy(bytes));
        }
        if !has_mark && cookie.is_none() {
            return Err(undeclared(bytes, error.valid_up_to()));
        }
        let at = error.valid_up_to();
        let reason = codecs::utf8_reason(bytes, at, error.error_len());
        let message = format!("'utf-8' codec can't decode byte 0x{:02x}: {reason}", bytes[at]);
        return Err(at_byte(message, utf8_before(bytes, at), &bytes[at..]));
    }
    let undeclared_end = if has_mark { 0 } else { cookie.map_or(bytes.len(), |cookie| cookie.line.start) };
    match undeclared_fault(&bytes[..undeclared_end], version) {
        Some(at) => Err(undeclared(bytes, at)),
        None => Ok(Decoded { only_in_comments: true, ..lossy(bytes) }),
    }
}

/// Whether a file is one line with a comment: 3.14 looks at the bytes of a first line only when it has read a second.
fn is_one_comment(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    line_end(bytes, 0) == bytes.len() && bytes.iter().find(|byte| !is_blank(**byte)) == Some(&b'#')
}

/// The first byte of the lines before anything says their encoding that CPython refuses up to 3.13. Until 3.11 it did not
/// look for overlong sequences and surrogates.
fn undeclared_fault(bytes: &[u8], version: PythonVersion) -> Option<usize> {
    if version >= PythonVersion::Py311 {
        return std::str::from_utf8(bytes).err().map(|error| error.valid_up_to());
    }
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let more = match byte {
            0..=0x7f => 0,
            0xc0..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf7 => 3,
            _ => return Some(at),
        };
        let rest = bytes.get(at + 1..=at + more);
        if !rest.is_some_and(|rest| rest.iter().all(|byte| (0x80..0xc0).contains(byte))) {
            return Some(at);
        }
        at += 1 + more;
    }
    None
}

fn undeclared(bytes: &[u8], at: usize) -> Box<Undecodable> {
    let message = format!("Non-UTF-8 code starting with '\\x{:02x}', but no encoding declared", bytes[at]);
    at_byte(message, utf8_before(bytes, at), &bytes[at..])
}

fn utf8_before(bytes: &[u8], at: usize) -> String {
    String::from_utf8_lossy(&bytes[..at]).into_owned()
}

/// A file that names another encoding than UTF-8.
fn with_codec(bytes: &[u8], cookie: &Cookie<'_>, version: PythonVersion) -> Result<Decoded, Box<Undecodable>> {
    let codec = match codecs::find(tokenizer_name(cookie.name), version) {
        Ok(codec) => codec,
        Err(refusal) => {
            let (message, hint) = refused(refusal, &shown(cookie.name));
            return Err(on_cookie(message, bytes, cookie.name_range.clone(), hint));
        }
    };
    let is_old = version < PythonVersion::Py314;
    // Up to 3.13, the line above the cookie is read before any other encoding is known of.
    if let Some(at) = undeclared_fault(&bytes[..cookie.line.start], version).filter(|_| is_old) {
        return Err(undeclared(bytes, at));
    }
    let error = match codec.decode(bytes) {
        Ok(text) => return Ok(text.into()),
        Err(error) => error,
    };
    // There, decoding begins with the last byte of the cookie's line.
    let head = cookie.line.end - 1;
    if is_old
        && error.at < head
        && let Ok(rest) = codec.decode(&bytes[head..])
    {
        let start = lossy(&bytes[..head]);
        let text = SourceText::from_utf8(start.text.as_str().to_owned() + &rest);
        return Ok(Decoded { text, ..start });
    }
    let message =
        format!("'{}' codec can't decode byte 0x{:02x}: {}", codec.python_name(), bytes[error.at], error.reason);
    Err(at_byte(message, error.before, &bytes[error.at..]))
}

/// The comments of source that is valid and within all limits, in their order.
pub(super) fn comments(text: &str) -> Vec<Range<usize>> {
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    let comments = parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment);
    comments.map(|token| usize::from(token.start())..usize::from(token.end())).collect()
}

/// What to say of an encoding that is not decoded, and what to do about it.
fn refused(refusal: Refusal, name: &str) -> (String, &'static str) {
    const SAVE: &str = "save the file as UTF-8 and remove the coding line";
    match refusal {
        Refusal::Unknown => {
            (format!("unknown encoding: {name}"), "remove the coding line, or keep `coding:` out of the comment")
        }
        Refusal::NotText => (format!("'{name}' is not a text encoding"), SAVE),
        Refusal::Undefined => ("undefined encoding".to_owned(), SAVE),
        Refusal::HidesCode => (format!("the encoding {name} can hide code, and is refused whatever it holds"), SAVE),
        Refusal::NotExact => {
            (format!("the encoding {name} cannot be judged: nothing here reads it exactly as Python does"), SAVE)
        }
    }
}

/// A fault of the cookie itself.
fn on_cookie(message: String, bytes: &[u8], name: Range<usize>, hint: &'static str) -> Box<Undecodable> {
    let mut undecodable = at_byte(message, utf8_before(bytes, name.start), &bytes[name.start..]);
    undecodable.problem.range = undecodable.problem.range.map(|range| range.start..range.start + name.len());
    undecodable.problem = undecodable.problem.hint(hint);
    undecodable
}

fn shown(name: &str) -> String {
    match name.char_indices().nth(NAME_SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// The encoding that a file names.
#[derive(Debug, PartialEq, Eq)]
struct Cookie<'a> {
    name: &'a str,
    /// Where the name stands.
    name_range: Range<usize>,
    /// The line with it, line ending included.
    line: Range<usize>,
}

/// The cookie of PEP 263: in a comment on line 1, or on line 2 below a line that holds nothing but a comment or white
/// space.
fn cookie(bytes: &[u8]) -> Option<Cookie<'_>> {
    let first = 0..line_end(bytes, 0);
    cookie_of_line(bytes, first.clone()).or_else(|| {
        let is_code = |byte: &u8| !is_blank(*byte) && !matches!(byte, b'\n' | b'\r');
        if bytes[first.clone()].iter().find(|byte| is_code(byte)).is_some_and(|&byte| byte != b'#') {
            return None;
        }
        cookie_of_line(bytes, first.end..line_end(bytes, first.end))
    })
}

/// The end of the line that begins at `start`, its line ending included.
fn line_end(bytes: &[u8], start: usize) -> usize {
    let Some(length) = bytes[start..].iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
        return bytes.len();
    };
    let at = start + length;
    let is_pair = bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n');
    at + if is_pair { 2 } else { 1 }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c')
}

fn cookie_of_line(bytes: &[u8], line: Range<usize>) -> Option<Cookie<'_>> {
    let mut at = line.start + bytes[line.clone()].iter().position(|&byte| !is_blank(byte))?;
    if bytes[at] != b'#' {
        return None;
    }
    while let Some(found) = bytes[at..line.end].windows(6).position(|window| window == b"coding") {
        at += found + 6;
        if !matches!(bytes[at..line.end].first(), Some(b':' | b'=')) {
            continue;
        }
        let blanks = bytes[at + 1..line.end].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let start = at + 1 + blanks;
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let end = start + bytes[start..line.end].iter().take_while(is_name).count();
        if end > start {
            let name = std::str::from_utf8(&bytes[start..end]).expect("letters of ASCII are UTF-8");
            return Some(Cookie { name, name_range: start..end, line });
        }
    }
    None
}

/// The characters of a name that CPython's tokenizer compares.
const COMPARED_MAX: usize = 12;

/// Whether CPython's tokenizer takes a name for UTF-8 before it asks for a codec.
fn is_utf8(name: &str) -> bool {
    let short = short_name(name);
    short == "utf-8" || short.starts_with("utf-8-")
}

/// The name that CPython's tokenizer asks for a codec.
fn tokenizer_name(name: &str) -> &str {
    let short = short_name(name);
    let is_latin = ["latin-1", "iso-8859-1", "iso-latin-1"]
        .iter()
        .any(|latin| short.strip_prefix(latin).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')));
    if is_latin { "iso-8859-1" } else { name }
}

fn short_name(name: &str) -> String {
    name.chars().take(COMPARED_MAX).map(|char| if char == '_' { '-' } else { char.to_ascii_lowercase() }).collect()
}
