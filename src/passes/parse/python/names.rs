//! The names that scopes are asked about: those of a `global`, of a `nonlocal` and of a `:=`.
//!
//! Of all other names nothing is collected, and most files have none of these.

use memchr::memmem;
use ruff_python_ast::token::{Token, TokenKind};
use ruff_text_size::Ranged as _;

use super::identifiers::beyond_ascii;
use super::survey::Marks;

/// The names of a text whose scope is asked about.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    text: &'a str,
    names: Vec<&'a str>,
    /// A bit for each [`sign`] of a name, so that most other names are told apart at once.
    signs: u64,
    /// Whether every name must be looked at: one of them is written in two ways, or with letters that are normalised.
    all: bool,
}

/// The most names that are sought in the text one by one, and the length of the shortest, in bytes. Others are sought among
/// all tokens.
const SOUGHT_MAX: usize = 4;
const SOUGHT_BYTES_MIN: usize = 3;

/// One of 64 kinds of names, by length and first letter.
fn sign(name: &str) -> u64 {
    let first = name.as_bytes().first().copied().unwrap_or(0);
    1 << (first.wrapping_add((name.len() as u8).wrapping_mul(11)) % 64)
}

impl<'a> Watched<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, names: Vec::new(), signs: 0, all: false }
    }

    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        self.all || !self.names.is_empty()
    }

    /// Whether `name` may be one of them.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all || (self.signs & sign(name) != 0 && self.names.binary_search(&name).is_ok())
    }

    /// The names of a `global` or `nonlocal`, which is followed by these tokens.
    pub(super) fn declared(&mut self, tokens: &[Token]) {
        use TokenKind::{Global, Newline, Nonlocal, Semi};
        let goes_on = |token: &&Token| !matches!(token.kind(), Newline | Semi | Global | Nonlocal);
        tokens.iter().take_while(goes_on).filter(|token| is_name(token.kind())).for_each(|token| self.add(token));
    }

    /// The name before a `:=`, which ends these tokens.
    pub(super) fn bound(&mut self, tokens: &[Token]) {
        let is_trivia = |token: &&Token| matches!(token.kind(), TokenKind::NonLogicalNewline | TokenKind::Comment);
        match tokens.iter().rev().find(|token| !is_trivia(token)) {
            Some(token) if is_name(token.kind()) => self.add(token),
            _ => self.all = true,
        }
    }

    fn add(&mut self, token: &Token) {
        let name = &self.text[super::bytes(token.range())];
        let is_dunder = name.starts_with("__") && name.ends_with("__");
        // A private name is mangled, and so may be written as it is and as it is mangled.
        self.all |= !name.is_ascii() || (name.contains("__") && !is_dunder);
        self.signs |= sign(name);
        self.names.push(name);
    }

    /// Readies the names for [`Self::has`], and marks every place where one of them stands, or one that may not be what it
    /// looks like.
    pub(super) fn finish(&mut self, tokens: &[Token], marks: &mut Marks) {
        self.names.sort_unstable();
        self.names.dedup();
        let text = self.text.as_bytes();
        if self.all || memmem::find(text, b"__debug__").is_some() {
            return marks.set_all();
        }
        let mut strange = beyond_ascii(text, 0);
        while let Some(at) = strange {
            strange = beyond_ascii(text, marks.set_at(at).min(text.len()));
        }
        if self.names.len() <= SOUGHT_MAX && self.names.iter().all(|name| name.len() >= SOUGHT_BYTES_MIN) {
            for name in &self.names {
                for at in memmem::find_iter(text, name.as_bytes()) {
                    marks.set_at(at);
                }
            }
        } else {
            for token in tokens.iter().filter(|token| is_name(token.kind())) {
                if self.has(&self.text[super::bytes(token.range())]) {
                    marks.set_at(token.start().into());
                }
            }
        }
    }
}

fn is_name(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Name) || kind.is_soft_keyword()
}
