//! The tokens that a measure reads as one: numbers, words, comments, strings, regular expressions, texts of templates.

use memchr::{memchr3, memmem};

use super::{Before, Kind, Scale};
use crate::passes::parse::stack::{self, MARK, WORD};

impl Scale<'_> {
    pub(super) fn number(&mut self) {
        // With `1.` and `1.5` as one; what `.` is followed by is no keyword.
        while is_word(self.peek(0)) || (self.peek(0) == b'.' && self.peek(1) != b'.') {
            self.at += 1;
        }
        self.before = Before::Operand;
        self.last = 0;
    }

    /// `None` where a backslash begins no escape: the parser goes on behind it, with what is left of the text.
    pub(super) fn word(&mut self) -> Option<()> {
        let start = self.at;
        self.at += plain_word(&self.bytes[start..]);
        let is_plain = CLASSES[usize::from(self.peek(0))] & ODD == 0;
        while CLASSES[usize::from(self.peek(0))] & ODD != 0 {
            if self.peek(0) == b'\\' && !is_escape(&self.bytes[self.at..]) {
                return None;
            }
            self.at += 1;
            self.at += plain_word(&self.bytes[self.at..]);
        }
        let word = &self.bytes[start..self.at];
        self.here.run += WORD;
        self.last = 0;
        self.before = match self.before {
            Before::Dot => Before::Operand,
            // White space beyond ASCII is read as part of a word, and any keyword could stand beside it.
            _ if !is_plain && !is_name(word) => {
                self.goes_on();
                self.here.lasting += 2 * WORD;
                Before::Unknown
            }
            _ if is_no_keyword(word) => Before::Operand,
            _ => self.after_word(word),
        };
        Some(())
    }

    /// What a word that may be a keyword says about a slash.
    fn after_word(&mut self, word: &[u8]) -> Before {
        match word {
            b"else" => {
                self.goes_on();
                Before::Operator
            }
            b"do" => {
                self.here.lasting += 2 * WORD;
                Before::Operator
            }
            b"return" | b"typeof" | b"instanceof" | b"new" | b"delete" | b"void" | b"throw" | b"case" | b"in"
            | b"default" | b"extends" => Before::Operator,
            b"if" | b"for" | b"while" | b"with" => Before::Head,
            b"await" => Before::Await,
            b"break" | b"catch" | b"class" | b"const" | b"continue" | b"debugger" | b"enum" | b"export"
            | b"finally" | b"function" | b"import" | b"let" | b"of" | b"static" | b"switch" | b"try" | b"using"
            | b"var" | b"yield" => Before::Unknown,
            b"abstract" | b"accessor" | b"as" | b"asserts" | b"async" | b"declare" | b"from" | b"get"
            | b"implements" | b"infer" | b"interface" | b"is" | b"keyof" | b"module" | b"namespace" | b"out"
            | b"override" | b"package" | b"private" | b"protected" | b"public" | b"readonly" | b"satisfies"
            | b"set" | b"type" | b"unique"
                if self.is_typescript =>
            {
                Before::Unknown
            }
            _ => Before::Operand,
        }
    }

    /// The statement that the last `;` ended goes on.
    fn goes_on(&mut self) {
        self.here.run += std::mem::take(&mut self.here.ended);
    }

    pub(super) fn slash(&mut self) -> Option<()> {
        match (self.peek(1), self.before) {
            (b'/', _) => self.line(),
            (b'*', _) => self.at += memmem::find(&self.bytes[self.at + 2..], b"*/")? + 4,
            (_, Before::Operand) => {
                self.here.run += MARK;
                self.before = Before::Operator;
                self.last = b'/';
                self.at += 1;
            }
            (_, Before::Operator) => return self.regex(),
            _ => return None,
        }
        Some(())
    }

    /// A comment up to where its line ends for JavaScript.
    pub(super) fn line(&mut self) {
        while let Some(next) = memchr3(b'\n', b'\r', 0xe2, &self.bytes[self.at..]) {
            self.at += next;
            if self.bytes[self.at] != 0xe2 || is_separator(&self.bytes[self.at..]) {
                return;
            }
            self.at += 1;
        }
        self.at = self.bytes.len();
    }

    fn regex(&mut self) -> Option<()> {
        let start = self.at;
        let (mut at, mut in_class) = (self.at + 1, false);
        loop {
            let byte = *self.bytes.get(at)?;
            match byte {
                b'\n' | b'\r' => return None,
                b'\\' if matches!(self.bytes.get(at + 1), Some(b'\n' | b'\r') | None) => return None,
                b'\\' => at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => break,
                0xe2 if is_separator(&self.bytes[at..]) => return None,
                _ => {}
            }
            at += 1;
        }
        // A pattern nests too, while it is read.
        let inside = stack::weight(&self.bytes[start..at]);
        self.most.weight = self.most.weight.max(self.weight() + inside);
        self.at = at + 1;
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        self.before = Before::Operand;
        self.last = b'/';
        Some(())
    }

    pub(super) fn string(&mut self, quote: u8) -> Option<()> {
        let mut at = self.at + 1;
        loop {
            let byte = *self.bytes.get(at)?;
            if CLASSES[usize::from(byte)] & ENDS_TEXT == 0 {
                at += 1;
                continue;
            }
            match byte {
                b'\\' if self.bytes.get(at + 1) == Some(&b'\r') && self.bytes.get(at + 2) == Some(&b'\n') => at += 2,
                b'\\' => at += 1,
                b'\n' | b'\r' => return None,
                _ if byte == quote => break,
                _ => {}
            }
            at += 1;
        }
        self.at = at + 1;
        self.before = Before::Operand;
        self.last = quote;
        Some(())
    }

    /// The text of a template, up to its end or its next field.
    pub(super) fn template(&mut self) -> Option<()> {
        loop {
            self.at += memchr3(b'`', b'\\', b'$', self.bytes.get(self.at..)?)?;
            match (self.bytes[self.at], self.peek(1)) {
                (b'`', _) => break,
                (b'$', b'{') => {
                    self.at += 1;
                    self.open(Kind::Template);
                    return Some(());
                }
                (b'\\', _) => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.before = Before::Operand;
        self.last = b'`';
        Some(())
    }
}

/// What bytes are, as bits.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let at = byte as u8;
        if is_word(at) {
            classes[byte] |= if at == b'\\' || at >= 0x80 { ODD } else { IN_WORD };
        }
        if matches!(at, b'\\' | b'\n' | b'\r' | b'"' | b'\'') {
            classes[byte] |= ENDS_TEXT;
        }
        byte += 1;
    }
    classes
};

/// Part of a word.
const IN_WORD: u8 = 1;
/// Part of a word that may not be what it looks like.
const ODD: u8 = 2;
/// It may end a string, or stand before what would.
const ENDS_TEXT: u8 = 4;

/// Whether a byte is surely part of a word.
#[inline]
pub(super) fn is_plain(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & IN_WORD != 0
}

/// The length of what a text begins with that is surely part of a word.
pub(super) fn plain_word(text: &[u8]) -> usize {
    text.iter().position(|&byte| !is_plain(byte)).unwrap_or(text.len())
}

/// The length of the longest word that [`Scale::after_word`] knows, in bytes.
const KEYWORD_BYTES_MAX: usize = 10;

/// Whether a word is none that [`Scale::after_word`] knows, by its looks alone.
fn is_no_keyword(word: &[u8]) -> bool {
    !(2..=KEYWORD_BYTES_MAX).contains(&word.len()) || !word[0].is_ascii_lowercase()
}

/// Whether a word beyond ASCII is of letters alone.
fn is_name(word: &[u8]) -> bool {
    let is_letter = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$' | '#');
    std::str::from_utf8(word).is_ok_and(|word| word.chars().all(is_letter))
}

/// Whether an escape of a name begins a text: `\u0061`, or `\u{61}`, whose brackets are read as such.
fn is_escape(bytes: &[u8]) -> bool {
    let are_digits = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    match bytes {
        [b'\\', b'u', b'{', rest @ ..] => {
            rest.iter().position(|byte| *byte == b'}').is_some_and(|end| are_digits(&rest[..end]))
        }
        [b'\\', b'u', rest @ ..] => rest.get(..4).is_some_and(are_digits),
        _ => false,
    }
}

/// U+2028 and U+2029, which end lines.
fn is_separator(bytes: &[u8]) -> bool {
    matches!(bytes, [0xe2, 0x80, 0xa8 | 0xa9, ..])
}

/// What names are made of; `#` begins a private one, and `\` an escape.
#[inline]
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#' | b'\\') || byte >= 0x80
}
