//! Bytes to text, as the engine of each language reads them.
//!
//! Which code a file holds depends on its encoding. So Python's is decoded with Python's own codecs, and what no codec
//! here reads exactly as Python does is refused: a comment in UTF-7 or `unicode_escape` may be a statement. V8 and
//! browsers read on where bytes are no text and put U+FFFD for them, so JavaScript with such a byte in a comment is valid
//! and says so in a finding.

mod python;
mod web;

use std::borrow::Cow;
use std::ops::Range;

use crate::artifact::SourceText;
use crate::finding::Severity;
use crate::language::{Language, PythonVersion};

use super::problem::Problem;

pub(super) const RULE: &str = "undecodable-text";

/// The rule for bytes that the engine reads over.
const REPLACED_RULE: &str = "replaced-bytes";

/// Bytes that the engine reads over, of which so many are shown one by one.
const REPLACED_SHOWN_MAX: usize = 10;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The text of a file.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: SourceText,
    /// What there is to say about its encoding though the engine reads it.
    notes: Vec<Problem>,
    /// Bytes for which U+FFFD stands in the text.
    replaced: Vec<Replaced>,
    /// Whether such bytes are allowed in comments only.
    only_in_comments: bool,
}

/// Bytes for which U+FFFD stands in the text.
#[derive(Clone, Copy, Debug)]
struct Replaced {
    /// Where U+FFFD stands.
    at: usize,
    /// The first of the bytes, and what is wrong with it in CPython's words.
    byte: u8,
    reason: &'static str,
}

/// Why a file has no text, and what could be read of it, for the place.
#[derive(Debug)]
pub(super) struct Undecodable {
    pub(super) problem: Problem,
    pub(super) text: Option<SourceText>,
}

impl From<Problem> for Box<Undecodable> {
    fn from(problem: Problem) -> Self {
        Self::new(Undecodable { problem, text: None })
    }
}

impl From<String> for Decoded {
    fn from(text: String) -> Self {
        Self::of(Cow::Owned(text))
    }
}

impl From<&str> for Decoded {
    fn from(text: &str) -> Self {
        Self::of(Cow::Borrowed(text))
    }
}

/// The text of a file, or why it has none.
pub(super) fn decode(language: Language, bytes: &[u8], version: PythonVersion) -> Result<Decoded, Box<Undecodable>> {
    match language {
        Language::Html => return Ok(web::html(bytes)),
        Language::Css => return Ok(web::css(bytes)),
        Language::Text => return Ok(web::text(bytes)),
        _ => {}
    }
    if let Some(name) = wide_encoding(bytes) {
        let message = format!("the file is in {name}, which its engine does not read");
        return Err(Problem::whole(RULE, message).hint("save the file as UTF-8").into());
    }
    match language {
        Language::Python => python::decode(bytes, version),
        Language::JavaScript | Language::TypeScript => Ok(lossy(bytes)),
        _ => utf8(bytes),
    }
}

/// The name of a two- or four-byte encoding that the byte order mark tells of.
fn wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// UTF-8, and nothing else.
fn utf8(bytes: &[u8]) -> Result<Decoded, Box<Undecodable>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let at = error.valid_up_to();
            let message = format!("byte 0x{:02x} is not valid UTF-8", bytes[at]);
            Err(at_byte(message, String::from_utf8_lossy(&bytes[..at]).into_owned(), &bytes[at..]))
        }
    }
}

/// A fault at the first byte of `rest`, where `before` is the text up to there. The rest of its line is shown as far as
/// it can be.
fn at_byte(message: String, before: String, rest: &[u8]) -> Box<Undecodable> {
    const SHOWN_MAX: usize = 200;
    let rest = &rest[..rest.len().min(SHOWN_MAX)];
    let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let at = before.len();
    let text = SourceText::from_utf8(before + &String::from_utf8_lossy(line));
    let end = text.as_str()[at..].chars().next().map_or(at, |char| at + char.len_utf8());
    let problem = Problem::new(RULE, message, at..end).hint("save the file as UTF-8");
    Box::new(Undecodable { problem, text: Some(text) })
}

/// UTF-8 with U+FFFD for each stretch of bytes that is none, as WHATWG's decoder has it, which is V8's.
fn lossy(bytes: &[u8]) -> Decoded {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut text = String::with_capacity(bytes.len());
    let mut replaced = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if let [byte, ..] = *chunk.invalid() {
            let reason = super::codecs::utf8_reason(chunk.invalid(), 0, Some(1));
            replaced.push(Replaced { at: text.len(), byte, reason });
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Decoded { replaced, ..text.into() }
}

impl Decoded {
    fn of(text: Cow<'_, str>) -> Self {
        Self { text: SourceText::from_utf8(text), notes: Vec::new(), replaced: Vec::new(), only_in_comments: false }
    }

    /// What there is to say about the encoding of a file whose text has been judged, and found `valid` or not.
    pub(super) fn problems(&self, valid: bool) -> Vec<Problem> {
        let mut problems = self.notes.clone();
        if self.only_in_comments && valid && !self.replaced.is_empty() {
            let comments = python::comments(self.text.as_str());
            problems.extend(self.replaced.iter().find(|one| !is_in(&comments, one.at)).map(Replaced::fault));
        }
        problems.extend(self.replaced.iter().take(REPLACED_SHOWN_MAX).map(Replaced::note));
        if let Some(next) = self.replaced.get(REPLACED_SHOWN_MAX) {
            let more = self.replaced.len() - REPLACED_SHOWN_MAX;
            let message = format!("{more} more bytes of this file are not valid UTF-8");
            problems.push(Problem::new(REPLACED_RULE, message, next.range()).severity(Severity::Low));
        }
        problems
    }
}

/// Whether `at` is in one of the ranges, which are in order.
fn is_in(ranges: &[Range<usize>], at: usize) -> bool {
    let before = ranges.partition_point(|range| range.start <= at);
    before.checked_sub(1).is_some_and(|last| ranges[last].contains(&at))
}

impl Replaced {
    fn range(&self) -> Range<usize> {
        self.at..self.at + char::REPLACEMENT_CHARACTER.len_utf8()
    }

    fn note(&self) -> Problem {
        let message = format!("byte 0x{:02x} is not valid UTF-8; the engine reads it as U+FFFD", self.byte);
        Problem::new(REPLACED_RULE, message, self.range()).severity(Severity::Low).hint("save the file as UTF-8")
    }

    fn fault(&self) -> Problem {
        let message = format!("'utf-8' codec can't decode byte 0x{:02x}: {}", self.byte, self.reason);
        Problem::new(RULE, message, self.range()).hint("save the file as UTF-8")
    }
}
