//! The tokens of Python as CPython's tokenizer makes them, with its own words for what is none.
//!
//! The strict parser's tokens will not do: where it recovers from a fault it makes other tokens than CPython sees. What
//! is lexed here serves messages alone; no verdict depends on it.

mod numbers;
mod strings;

use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;

use crate::passes::parse::brackets::closing;

/// What sort of token it is; literals of the grammar (keywords, operators) are told apart by [`Token::literal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Name,
    Keyword,
    Number,
    String,
    Operator,
    Newline,
    Indent,
    Dedent,
    End,
    /// The beginning, text and end of an f-string.
    FStart,
    FMiddle,
    FEnd,
    /// The same of a t-string.
    TStart,
    TMiddle,
    TEnd,
    /// Where the tokens end in a [`Fault`].
    Broken,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) class: Class,
    /// Which of [`LITERALS`] it is; 0 for none.
    pub(super) literal: u8,
    /// How many brackets are open behind it.
    pub(super) level: u16,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Token {
    /// Where it stands.
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Keywords, then names that are keywords in some places, then operators; the first stands for none of them.
pub(super) const LITERALS: &[&str] = &[
    "", "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield", "_", "case", "match", "type", "print",
    "exec", "**=", "//=", ">>=", "<<=", "...", "!=", "==", "<=", ">=", "->", "+=", "-=", "*=", "/=", "%=", "&=", "|=",
    "^=", "@=", ":=", "**", "//", "<<", ">>", "<>", "+", "-", "*", "/", "%", "@", "&", "|", "^", "~", "<", ">", "(",
    ")", "[", "]", "{", "}", ",", ":", ".", ";", "=", "!",
];

/// How many of [`LITERALS`] are keywords, the empty one included, and where the operators begin.
const KEYWORDS_END: usize = 36;
const OPERATORS_START: usize = 42;

/// All keywords.
pub(super) fn keywords() -> &'static [&'static str] {
    &LITERALS[1..KEYWORDS_END]
}

/// A stretch that is no token, or the end of a file in which something is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// In CPython's words.
    pub(super) message: String,
    pub(super) range: Range<usize>,
    /// The place that explains it: an opening bracket.
    pub(super) opener: Option<usize>,
}

/// What [`Fault`] it is, as far as a mend depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    Character(char),
    Unclosed,
    Mismatched,
    String,
    Tabs,
    Dedent,
    Continuation,
    Number,
    Other,
}

/// The tokens of a text, up to its end or its first fault.
pub(super) struct Lexed {
    /// The last is [`Class::End`] or [`Class::Broken`].
    pub(super) tokens: Vec<Token>,
    pub(super) fault: Option<Fault>,
}

/// How wide the indentation of a line is: with tabs to every eighth column, and with tabs as wide as a space.
#[derive(Clone, Copy, Default)]
struct Indent {
    eight: usize,
    one: usize,
}

/// An f-string or t-string whose end has not been met.
struct Format {
    quote: u8,
    tripled: bool,
    raw: bool,
    letter: char,
    start: usize,
    /// For each field that the lexer is in: how many brackets were open before it.
    fields: Vec<usize>,
    /// Whether text stands next, not code; the format specification of a field is text.
    in_text: bool,
    in_specification: bool,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    indents: Vec<Indent>,
    brackets: Vec<(u8, usize)>,
    formats: Vec<Format>,
    begins_line: bool,
    /// Whether a line stands left of the margin, so that all was lexed that belongs there.
    is_left: bool,
}

type Lexing = Result<(), Box<Fault>>;

/// Lexes `text` from the logical line that begins at `start`. Its own indentation counts as the margin; the tokens end
/// where a line stands left of that.
pub(super) fn lex(text: &str, start: usize) -> Lexed {
    let start = if start == 0 && text.starts_with('\u{feff}') { 3 } else { start };
    let margin = if start == 0 { Indent::default() } else { indentation(&text[start..]) };
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: start,
        tokens: Vec::new(),
        indents: vec![margin],
        brackets: Vec::new(),
        formats: Vec::new(),
        begins_line: true,
        is_left: false,
    };
    let mut done = Ok(());
    while done.is_ok() && !lexer.is_left && lexer.at < lexer.bytes.len() {
        done = lexer.step();
    }
    let fault = done.and_then(|()| lexer.finish()).err();
    if let Some(fault) = &fault {
        lexer.push(Class::Broken, 0, fault.range.start, fault.range.end.max(fault.range.start));
    }
    Lexed { tokens: lexer.tokens, fault: fault.map(|fault| *fault) }
}

/// How wide the white space is that a line begins with.
fn indentation(line: &str) -> Indent {
    let space = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | 0x0c));
    space.fold(Indent::default(), |width, byte| match byte {
        b' ' => Indent { eight: width.eight + 1, one: width.one + 1 },
        b'\t' => Indent { eight: (width.eight / 8 + 1) * 8, one: width.one + 1 },
        _ => Indent::default(),
    })
}

/// How wide the white space is that a line begins with, tabs reaching to every eighth column.
pub(super) fn indentation_width(line: &str) -> usize {
    indentation(line).eight
}

/// The number of the line of a byte, counted from 1.
pub(super) fn line_number(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn fault(kind: FaultKind, message: impl Into<String>, range: Range<usize>) -> Box<Fault> {
    Box::new(Fault { kind, message: message.into(), range, opener: None })
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, class: Class, literal: u8, start: usize, end: usize) {
        let level = u16::try_from(self.brackets.len()).unwrap_or(u16::MAX);
        // Files that are parsed are far smaller than 4 GiB.
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.tokens.push(Token { class, literal, level, start: place(start), end: place(end) });
    }

    fn step(&mut self) -> Lexing {
        if self.formats.last().is_some_and(|format| format.in_text) {
            return self.format_text();
        }
        if self.begins_line {
            self.begins_line = false;
            if !self.indentation()? || self.is_left {
                return Ok(());
            }
        }
        let byte = self.peek(0);
        match byte {
            b' ' | b'\t' | 0x0c => self.at += 1,
            b'#' => self.at += self.rest_of_line(),
            b'\r' | b'\n' => self.newline(),
            b'\\' => self.continuation()?,
            b'"' | b'\'' => self.string(self.at)?,
            b'0'..=b'9' => self.number()?,
            b'.' if self.peek(1).is_ascii_digit() => self.number()?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.word()?,
            _ => self.operator()?,
        }
        Ok(())
    }

    /// How many bytes there are to the end of the line.
    fn rest_of_line(&self) -> usize {
        let rest = &self.bytes[self.at..];
        rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
    }

    fn newline(&mut self) {
        let length = if self.peek(0) == b'\r' && self.peek(1) == b'\n' { 2 } else { 1 };
        if self.brackets.is_empty() {
            let has_code = self
                .tokens
                .last()
                .is_some_and(|last| !matches!(last.class, Class::Newline | Class::Indent | Class::Dedent));
            if has_code {
                self.push(Class::Newline, 0, self.at, self.at + length);
            }
            self.begins_line = true;
        }
        self.at += length;
    }

    /// A backslash, which must be the last character of its line.
    fn continuation(&mut self) -> Lexing {
        let start = self.at;
        self.at += 1;
        match self.peek(0) {
            b'\n' => self.at += 1,
            b'\r' => self.at += if self.peek(1) == b'\n' { 2 } else { 1 },
            _ if self.at >= self.bytes.len() => {}
            _ => {
                let message = "unexpected character after line continuation character";
                let next = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
                return Err(fault(FaultKind::Continuation, message, self.at..self.at + next));
            }
        }
        if self.at >= self.bytes.len() {
            return Err(fault(FaultKind::Continuation, "unexpected EOF while parsing", start..start + 1));
        }
        Ok(())
    }

    /// The white space at the beginning of a line. Whether code follows on the line.
    fn indentation(&mut self) -> Result<bool, Box<Fault>> {
        let start = self.at;
        let mut width = Indent::default();
        let mut first_line = None;
        loop {
            match self.peek(0) {
                b' ' => width = Indent { eight: width.eight + 1, one: width.one + 1 },
                b'\t' => width = Indent { eight: (width.eight / 8 + 1) * 8, one: width.one + 1 },
                0x0c => width = Indent::default(),
                b'\\' => {
                    // What stands before the first backslash counts.
                    first_line.get_or_insert(width);
                    self.continuation()?;
                    continue;
                }
                _ => break,
            }
            self.at += 1;
        }
        let is_blank = self.at >= self.bytes.len() || matches!(self.peek(0), b'#' | b'\n' | b'\r');
        if is_blank {
            self.at += self.rest_of_line();
            self.begins_line = true;
            if self.at < self.bytes.len() {
                self.at += if self.peek(0) == b'\r' && self.peek(1) == b'\n' { 2 } else { 1 };
            }
            return Ok(false);
        }
        self.indented(start, first_line.unwrap_or(width))?;
        Ok(true)
    }

    fn indented(&mut self, start: usize, width: Indent) -> Lexing {
        let range = start..self.at;
        let mixed = || {
            let message = "inconsistent use of tabs and spaces in indentation";
            Err(fault(FaultKind::Tabs, message, range.clone()))
        };
        let top = self.indents.last().copied().unwrap_or_default();
        if width.eight > top.eight {
            if width.one <= top.one {
                return mixed();
            }
            self.indents.push(width);
            self.push(Class::Indent, 0, start, self.at);
            return Ok(());
        }
        while self.indents.len() > 1 && self.indents.last().is_some_and(|indent| width.eight < indent.eight) {
            self.indents.pop();
            self.push(Class::Dedent, 0, start, self.at);
        }
        let top = self.indents.last().copied().unwrap_or_default();
        if width.eight < top.eight {
            self.is_left = true;
            self.at = start;
            return Ok(());
        }
        if width.eight != top.eight {
            // The dedents of this line are not seen by CPython's parser.
            let kept = self.tokens.iter().rev().take_while(|token| token.class == Class::Dedent).count();
            self.tokens.truncate(self.tokens.len() - kept);
            let message = "unindent does not match any outer indentation level";
            return Err(fault(FaultKind::Dedent, message, start..self.at));
        }
        if width.one != top.one {
            return mixed();
        }
        Ok(())
    }

    fn word(&mut self) -> Lexing {
        let start = self.at;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        let length = self.bytes[start..].iter().position(|byte| !is_part(byte)).unwrap_or(self.bytes.len() - start);
        let word = &self.text[start..start + length];
        self.at = start + length;
        if length <= 3 && matches!(self.peek(0), b'"' | b'\'') && self.prefix(start)? {
            return self.string(start);
        }
        if !word.is_ascii()
            && let Some((at, char)) = not_identifier(word)
        {
            return Err(bad_character(char, start + at));
        }
        let literal = LITERALS[..OPERATORS_START].iter().position(|known| *known == word).unwrap_or(0);
        let class = if (1..KEYWORDS_END).contains(&literal) { Class::Keyword } else { Class::Name };
        self.push(class, u8::try_from(literal).unwrap_or(0), start, self.at);
        Ok(())
    }

    fn operator(&mut self) -> Lexing {
        let start = self.at;
        let byte = self.peek(0);
        match byte {
            b'(' | b'[' | b'{' => {
                self.brackets.push((byte, start));
                self.at += 1;
                self.push_operator(start);
                return Ok(());
            }
            b')' | b']' | b'}' => return self.close(byte),
            _ => {}
        }
        if byte == b':' && self.at_field_level() {
            self.at += 1;
            self.push_operator(start);
            if let Some(format) = self.formats.last_mut() {
                format.in_text = true;
                format.in_specification = true;
            }
            return Ok(());
        }
        let rest = &self.bytes[start..];
        let field = self.at_field_level();
        let fits = |operator: &&str| {
            rest.starts_with(operator.as_bytes()) && !(field && **operator == *"!=" && rest.get(2) == Some(&b'='))
        };
        let found = LITERALS[OPERATORS_START..].iter().find(|operator| fits(operator));
        match found {
            Some(operator) => self.at += operator.len(),
            None if matches!(byte, b'$' | b'?' | b'`') => self.at += 1,
            None => return Err(bad_character(self.text[start..].chars().next().unwrap_or('\0'), start)),
        }
        self.push_operator(start);
        Ok(())
    }

    fn push_operator(&mut self, start: usize) {
        let text = &self.text[start..self.at];
        let found = LITERALS[OPERATORS_START..].iter().position(|operator| *operator == text);
        let literal = found.map_or(0, |found| found + OPERATORS_START);
        self.push(Class::Operator, u8::try_from(literal).unwrap_or(0), start, self.at);
    }

    fn close(&mut self, byte: u8) -> Lexing {
        let start = self.at;
        let close = char::from(byte);
        let mismatched = |message: String, opener: Option<usize>| {
            Err(Box::new(Fault { kind: FaultKind::Mismatched, message, range: start..start + 1, opener }))
        };
        let Some(&(open, opened)) = self.brackets.last() else {
            return mismatched(format!("unmatched '{close}'"), None);
        };
        if closing(open) != byte {
            if let Some(format) = self.formats.last()
                && format.fields.last() == Some(&(self.brackets.len() - 1))
            {
                return mismatched(format!("{}-string: unmatched '{close}'", format.letter), Some(opened));
            }
            let line = line_number(self.text, opened);
            let same = line == line_number(self.text, start);
            let on_line = if same { String::new() } else { format!(" on line {line}") };
            let open = char::from(open);
            let message = format!("closing parenthesis '{close}' does not match opening parenthesis '{open}'{on_line}");
            return mismatched(message, Some(opened));
        }
        self.brackets.pop();
        if let Some(format) = self.formats.last_mut()
            && format.fields.last() == Some(&self.brackets.len())
        {
            format.fields.pop();
            format.in_text = true;
            format.in_specification = !format.fields.is_empty();
        }
        self.at += 1;
        self.push_operator(start);
        Ok(())
    }

    /// Whether no bracket has been opened since the field that the lexer is in.
    fn at_field_level(&self) -> bool {
        let field = self.formats.last().and_then(|format| format.fields.last());
        field.is_some_and(|field| self.brackets.len() == field + 1)
    }

    /// What stands behind the last token of the file.
    fn finish(&mut self) -> Lexing {
        if self.formats.last().is_some_and(|format| format.in_text) {
            return Err(self.unterminated_format());
        }
        if let Some(&(open, at)) = self.brackets.last() {
            let message = format!("'{}' was never closed", char::from(open));
            return Err(fault(FaultKind::Unclosed, message, at..at + 1));
        }
        let end = self.at.min(self.bytes.len());
        if self.tokens.last().is_some_and(|last| !matches!(last.class, Class::Newline | Class::Dedent | Class::Indent))
        {
            self.push(Class::Newline, 0, end, end);
        }
        for _ in 1..self.indents.len() {
            self.push(Class::Dedent, 0, end, end);
        }
        self.push(Class::End, 0, end, end);
        Ok(())
    }
}

/// The first character of a word that no identifier may hold there.
fn not_identifier(word: &str) -> Option<(usize, char)> {
    static IDENTIFIER: OnceLock<Option<Regex>> = OnceLock::new();
    // Without the pattern, which is known to compile, no character would be refused here.
    let pattern = IDENTIFIER.get_or_init(|| Regex::new(r"^[\p{XID_Start}_]\p{XID_Continue}*").ok()).as_ref()?;
    let at = pattern.find(word).map_or(0, |found| found.end());
    word[at..].chars().next().map(|char| (at, char))
}

/// A character that begins no token, in CPython's words.
fn bad_character(char: char, at: usize) -> Box<Fault> {
    let code = u32::from(char);
    static UNPRINTABLE: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = UNPRINTABLE.get_or_init(|| Regex::new(r"[\p{C}\p{Z}]").ok()).as_ref();
    let message = match pattern.is_some_and(|pattern| pattern.is_match(char.encode_utf8(&mut [0; 4]))) {
        false => format!("invalid character '{char}' (U+{code:04X})"),
        true => format!("invalid non-printable character U+{code:04X}"),
    };
    fault(FaultKind::Character(char), message, at..at + char.len_utf8())
}
