//! Text as browsers and editors read it: never refused.
//!
//! A byte order mark counts before all else, then what the page or sheet says of itself, and then UTF-8. Where that is
//! not what the bytes are, browsers put U+FFFD for them; a page that says nothing and is no UTF-8 they read as
//! windows-1252.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::{Decoded, lossy};
use crate::finding::Severity;
use crate::passes::parse::problem::Problem;

const RULE: &str = "page-encoding";

/// How far into a page browsers look for its encoding, in bytes.
const PRESCAN_BYTES: usize = 1024;

/// A page.
pub(super) fn html(bytes: &[u8]) -> Decoded {
    if let Some(decoded) = by_mark(bytes) {
        return decoded;
    }
    match declared(bytes) {
        Some(encoding) if encoding != UTF_8 => with(encoding, bytes, "as the page says"),
        None if std::str::from_utf8(bytes).is_err() => {
            with(WINDOWS_1252, bytes, "as browsers do where a page says nothing")
        }
        _ => lossy(bytes),
    }
}

/// A style sheet.
pub(super) fn css(bytes: &[u8]) -> Decoded {
    let declared = bytes.strip_prefix(b"@charset \"").and_then(|rest| {
        let end = rest.iter().position(|&byte| byte == b'"')?;
        rest[end..].starts_with(b"\";").then(|| page_encoding(&rest[..end]))?
    });
    match by_mark(bytes) {
        Some(decoded) => decoded,
        None => match declared {
            Some(encoding) if encoding != UTF_8 => with(encoding, bytes, "as the sheet says"),
            _ => lossy(bytes),
        },
    }
}

/// Text that nothing judges.
pub(super) fn text(bytes: &[u8]) -> Decoded {
    by_mark(bytes).unwrap_or_else(|| lossy(bytes))
}

/// The text of a file with a byte order mark. That of UTF-8 stays in the text, as for other languages.
fn by_mark(bytes: &[u8]) -> Option<Decoded> {
    let (encoding, length) = Encoding::for_bom(bytes)?;
    if encoding == UTF_8 {
        return Some(lossy(bytes));
    }
    Some(with(encoding, &bytes[length..], "as its byte order mark says"))
}

fn with(encoding: &'static Encoding, bytes: &[u8], why: &str) -> Decoded {
    let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
    let errors = if has_errors { ", with U+FFFD for bytes that are no text in it" } else { "" };
    let message = format!("read as {}{errors}, {why}", encoding.name());
    let note = Problem::whole(RULE, message).severity(Severity::Low).hint("save the file as UTF-8");
    Decoded { notes: vec![note], ..text.into_owned().into() }
}

/// The encoding that a page names in a `meta` element, by the rules of browsers, simplified: the first `charset=` in one.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(PRESCAN_BYTES)].to_ascii_lowercase();
    let mut rest = without_comments(&head);
    while let Some(at) = find(&rest, b"<meta") {
        rest.drain(..at + 5);
        let end = rest.iter().position(|&byte| byte == b'>').unwrap_or(rest.len());
        if let Some(encoding) = charset(&rest[..end]) {
            return Some(encoding);
        }
    }
    None
}

fn without_comments(head: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(head.len());
    let mut rest = head;
    while let Some(at) = find(rest, b"<!--") {
        kept.extend_from_slice(&rest[..at]);
        rest = find(&rest[at + 2..], b"-->").map_or(&[], |end| &rest[at + 2 + end + 3..]);
    }
    kept.extend_from_slice(rest);
    kept
}

fn charset(attributes: &[u8]) -> Option<&'static Encoding> {
    let mut rest = attributes;
    loop {
        rest = &rest[find(rest, b"charset")? + 7..];
        let value = rest.trim_ascii_start();
        let Some(value) = value.strip_prefix(b"=") else { continue };
        let value = value.trim_ascii_start();
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b';' | b'/');
        let label = &value[..value.iter().position(ends).unwrap_or(value.len())];
        return page_encoding(label);
    }
}

/// The encoding of a label in a page, which cannot be UTF-16: its label was read.
fn page_encoding(label: &[u8]) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(label)?;
    match encoding.name() {
        "UTF-16LE" | "UTF-16BE" => Some(UTF_8),
        "x-user-defined" => Some(WINDOWS_1252),
        _ => Some(encoding),
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_as_browsers_read_them() {
        for (bytes, expected) in [
            (&b"<p>\xc3\xa9"[..], "<p>é"),
            (b"<p>\xe9", "<p>é"),
            (b"\xff\xfe<\0p\0>\0", "<p>"),
            (b"\xef\xbb\xbf<meta charset=latin1>\xc3\xa9", "\u{feff}<meta charset=latin1>é"),
            (b"<meta charset=utf-8>\xe9", "<meta charset=utf-8>\u{fffd}"),
            (b"<META CHARSET = 'koi8-r'>\xc1", "<META CHARSET = 'koi8-r'>а"),
            (b"<meta content='text/html; charset=gbk'>\xc4\xe3", "<meta content='text/html; charset=gbk'>你"),
            (b"<!-- <meta charset=gbk> -->\xc3\xa9", "<!-- <meta charset=gbk> -->é"),
            (b"<meta charset=utf-16>\xc3\xa9", "<meta charset=utf-16>é"),
            // An escape of ISO-2022-JP hides a quote from whoever reads the page as ASCII.
            (b"<meta charset=iso-2022-jp><p a='\x1b(J\\'>", "<meta charset=iso-2022-jp><p a='¥'>"),
        ] {
            assert_eq!(html(bytes).text.as_str(), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn sheets_and_texts_are_never_refused() {
        assert_eq!(css(b"@charset \"koi8-r\";\xc1").text.as_str(), "@charset \"koi8-r\";а");
        assert_eq!(css(b"a{}/*\xff*/").text.as_str(), "a{}/*\u{fffd}*/");
        assert_eq!(text(b"\xfe\xff\0a").text.as_str(), "a");
        assert_eq!(text(b"\xe9\n").text.as_str(), "\u{fffd}\n");
    }
}
