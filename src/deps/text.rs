//! What the small parsers of this folder share: a cursor over text, and a syntax error with its place.

use std::fmt;

/// Why a text was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// The byte in the text, counted from 0.
    pub at: usize,
    /// A lower-case fragment without a full stop.
    pub message: String,
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Syntax {}

/// Whether a text can be the name of a module.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|char| char.is_alphabetic() || char == '_')
        && chars.all(|char| char.is_alphanumeric() || char == '_')
}

pub(super) fn syntax(at: usize, message: impl Into<String>) -> Syntax {
    Syntax { at, message: message.into() }
}

/// Reads a text from left to right; blanks are spaces and tabs alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Takes `prefix` where it comes next.
    pub(super) fn eat(&mut self, prefix: &str) -> bool {
        let comes = self.rest().starts_with(prefix);
        self.at += if comes { prefix.len() } else { 0 };
        comes
    }

    /// Takes `word` where it comes next as a whole word.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let is_whole = |rest: &str| !rest.starts_with(|char: char| char.is_alphanumeric() || char == '_');
        let comes = self.rest().strip_prefix(word).is_some_and(is_whole);
        self.at += if comes { word.len() } else { 0 };
        comes
    }

    /// Takes characters while `wanted`.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|char| !wanted(char)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Passes over spaces and tabs; whether there were any.
    pub(super) fn skip_blanks(&mut self) -> bool {
        !self.take_while(|char| char == ' ' || char == '\t').is_empty()
    }

    /// Takes a name: ASCII letters, digits, `.`, `_` and `-`, with a letter or digit at both ends.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        let before = *self;
        let run = self.take_while(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-'));
        if is_name(run) {
            return Some(run);
        }
        *self = before;
        None
    }

    pub(super) fn fault(&self, message: impl Into<String>) -> Syntax {
        syntax(self.at, message)
    }
}

/// Whether `text` has the form of a distribution's or extra's name.
pub(super) fn is_name(text: &str) -> bool {
    let sound = |byte: &u8| byte.is_ascii_alphanumeric();
    text.as_bytes().first().is_some_and(sound)
        && text.as_bytes().last().is_some_and(sound)
        && text.bytes().all(|byte| sound(&byte) || matches!(byte, b'.' | b'_' | b'-'))
}
