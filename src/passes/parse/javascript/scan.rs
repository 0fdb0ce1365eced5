//! A lexical scan of JavaScript for its brackets: it knows strings, comments, templates and regular expressions, needs
//! no recursion, and goes through any bytes.
//!
//! Whether a slash begins a regular expression depends on what stands before it; the scan decides by the last token, as
//! highlighters do. It serves messages and the limit on depth; what keeps the parsers' stacks safe are
//! [`nesting`](super::nesting) and [`weight`](crate::passes::parse::stack::weight), which nothing can mislead.

use memchr::{memchr, memchr3, memmem};

use super::ROUND_BRACKETS_MAX;
use crate::passes::parse::brackets::Brackets;

/// What a scan found.
pub(super) struct Scan {
    /// The brackets outside strings, comments and regular expressions.
    pub(super) brackets: Brackets,
    /// The first round bracket past as many as are parsed.
    pub(super) round_too_deep: Option<usize>,
    /// Where a comment or template begins that never ends, and which.
    pub(super) unterminated: Option<(usize, &'static str)>,
}

/// Scans `text`.
pub(super) fn scan(text: &str, depth_max: u64) -> Scan {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        templates: Vec::new(),
        openers: Vec::new(),
        closed_head: false,
        comment: None,
        regex_end: 0,
        divides_until: 0,
        found: Scan { brackets: Brackets::new(depth_max), round_too_deep: None, unterminated: None },
    };
    if text.starts_with("#!") {
        scanner.line();
    }
    while scanner.at < scanner.bytes.len() {
        scanner.step();
    }
    scanner.found
}

/// The bytes of code that the scan stops at.
const MATTERS: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"/\"'`()[]{}";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// For each template whose field the scan is in: how many brackets were open, and where the template began.
    templates: Vec<(usize, usize)>,
    /// For each open round bracket: whether a slash after its closing one begins a regular expression.
    openers: Vec<bool>,
    /// Whether the last round bracket that was closed is one of those.
    closed_head: bool,
    /// The end of the last comment, and the end of the code before it and before those that it follows.
    comment: Option<(usize, usize)>,
    /// The end of the last regular expression.
    regex_end: usize,
    /// Up to where every slash divides.
    divides_until: usize,
    found: Scan,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn line(&mut self) {
        let code_end = self.code_end(self.at);
        let rest = &self.bytes[self.at..];
        self.at += memchr(b'\n', rest).unwrap_or(rest.len());
        self.comment = Some((self.at, code_end));
    }

    fn step(&mut self) {
        while self.bytes.get(self.at).is_some_and(|&byte| !MATTERS[usize::from(byte)]) {
            self.at += 1;
        }
        let Some(&byte) = self.bytes.get(self.at) else { return };
        match byte {
            b'/' if self.peek(1) == b'/' => self.line(),
            b'/' if self.peek(1) == b'*' => self.comment(),
            b'/' if self.at >= self.divides_until && !self.operand_before() => self.regex(),
            b'"' | b'\'' => self.string(byte),
            b'`' => {
                let start = self.at;
                self.at += 1;
                self.template(start);
            }
            b'(' | b'[' | b'{' => self.open(byte),
            b')' | b']' | b'}' => self.close(byte),
            _ => self.at += 1,
        }
    }

    fn comment(&mut self) {
        let (start, code_end) = (self.at, self.code_end(self.at));
        match memmem::find(&self.bytes[start + 2..], b"*/") {
            Some(length) => self.at += length + 4,
            None => {
                self.found.unterminated.get_or_insert((start, "comment"));
                self.at = self.bytes.len();
            }
        }
        self.comment = Some((self.at, code_end));
    }

    /// Where the code before `at` ends: comments and white space are passed over backwards.
    fn code_end(&self, at: usize) -> usize {
        let trimmed = |at: usize| {
            let space = |byte: &&u8| byte.is_ascii_whitespace();
            at - self.bytes[..at].iter().rev().take_while(space).count()
        };
        // A comment that ends its line ends before the line feed, which is white space.
        match (trimmed(at), self.comment) {
            // What stands before that code ends where it ends: nobody who goes backwards comes forward again.
            (end, Some((comment_end, code_end))) if end <= comment_end => code_end.min(end),
            (end, _) => end,
        }
    }

    /// Whether the last token ends an operand, so that a slash divides.
    fn operand_before(&self) -> bool {
        let mut end = self.code_end(self.at);
        loop {
            let Some(&last) = self.bytes[..end].last() else { return false };
            if end == self.regex_end {
                return true;
            }
            match last {
                b'"' | b'\'' | b'`' | b']' => return true,
                b')' => return !self.closed_head,
                b'.' => return end > 1 && self.bytes[end - 2].is_ascii_digit(),
                _ if is_word(last) => return self.word_ends_operand(end),
                // `a++ / b` divides; `++/x/` does not occur.
                b'+' | b'-' => {
                    let run = self.bytes[..end].iter().rev().take_while(|byte| **byte == last).count();
                    if run % 2 == 1 {
                        return false;
                    }
                    end = self.code_end(end - run);
                }
                _ => return false,
            }
        }
    }

    /// Whether the word that ends at `end` ends an operand.
    fn word_ends_operand(&self, end: usize) -> bool {
        let start = end - self.bytes[..end].iter().rev().take_while(|byte| is_word(**byte)).count();
        let is_member = self.bytes[..start].last() == Some(&b'.');
        is_member || !BEFORE_OPERAND.contains(&&self.bytes[start..end])
    }

    /// A regular expression; one that does not end on its line is taken for a division.
    fn regex(&mut self) {
        let (mut at, mut in_class) = (self.at + 1, false);
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'\n' => break,
                b'\\' => at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.at = at + 1;
                    self.regex_end = self.at;
                    return;
                }
                _ => {}
            }
            at += 1;
        }
        // Nor does any other slash of this line begin one: each would be looked for to the line's end again.
        self.divides_until = at;
        self.at += 1;
    }

    fn string(&mut self, quote: u8) {
        self.at += 1;
        while let Some(rest) = self.bytes.get(self.at..) {
            let Some(next) = memchr3(quote, b'\\', b'\n', rest) else { break };
            self.at += next;
            match self.bytes[self.at] {
                b'\\' if self.peek(1) == b'\r' && self.peek(2) == b'\n' => self.at += 3,
                b'\\' => self.at += 2,
                b'\n' => return,
                _ => {
                    self.at += 1;
                    return;
                }
            }
        }
        self.at = self.bytes.len();
    }

    /// The text of a template, up to its end or its next field.
    fn template(&mut self, start: usize) {
        while let Some(rest) = self.bytes.get(self.at..) {
            let Some(next) = memchr3(b'`', b'\\', b'$', rest) else { break };
            self.at += next;
            match self.bytes[self.at] {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    return;
                }
                _ if self.peek(1) == b'{' => {
                    self.templates.push((self.found.brackets.depth(), start));
                    self.found.brackets.opens(b'{', self.at + 1);
                    self.at += 2;
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
        self.found.unterminated.get_or_insert((start, "template literal"));
    }

    fn open(&mut self, byte: u8) {
        if byte == b'(' {
            let before = &self.bytes[..self.at];
            let before = &before[..before.len() - before.iter().rev().take_while(|byte| **byte == b' ').count()];
            let is_head = [&b"if"[..], b"while", b"for", b"with"].iter().any(|word| {
                let rest = before.strip_suffix(*word);
                rest.is_some_and(|rest| rest.last().is_none_or(|byte| !is_word(*byte) && *byte != b'.'))
            });
            self.openers.push(is_head);
            if self.openers.len() > ROUND_BRACKETS_MAX {
                self.found.round_too_deep.get_or_insert(self.at);
            }
        }
        self.found.brackets.opens(byte, self.at);
        self.at += 1;
    }

    fn close(&mut self, byte: u8) {
        self.found.brackets.closes(byte, self.at);
        self.at += 1;
        if byte == b')' {
            self.closed_head = self.openers.pop().unwrap_or(false);
        }
        if byte == b'}'
            && let Some(&(depth, start)) = self.templates.last()
            && self.found.brackets.depth() == depth
        {
            self.templates.pop();
            self.template(start);
        }
    }
}

/// Words after which an operand stands, so that a slash begins a regular expression.
const BEFORE_OPERAND: &[&[u8]] = &[
    b"return",
    b"typeof",
    b"instanceof",
    b"in",
    b"of",
    b"new",
    b"delete",
    b"void",
    b"throw",
    b"case",
    b"do",
    b"else",
    b"yield",
    b"await",
];

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_comments_templates_and_regexes_do_not_count() {
        for text in [
            "x = '(' + \"[\" // {\n/* ( */",
            "x = /[(\\/]/.test(y) ? a / (b) : `}${`${1}`}{`",
            "if (x) /[{]/.exec(y); a = (b) / 2; c = d[0] / 2 / e",
            "return /\\(/g",
            "`${a ? `${{b: 1}.b}` : '}'}(`",
        ] {
            let found = scan(text, 200);
            assert_eq!((found.brackets.innermost(), found.brackets.mismatch), (None, None), "{text}");
            assert_eq!(found.unterminated, None, "{text}");
        }
    }

    #[test]
    fn a_slash_behind_signs_and_comments_is_read_once() {
        // Backwards from the last slash: a comment, two signs, another comment, and no end of it for who comes forward again.
        for text in ["a--// (\n/2/1", "x = y -- /* ( */ // (\n/ 2", "ø//\n/ø/--\n//\n/ø/--\nee", "-- // (\n/ 1"] {
            assert_eq!(scan(text, 200).brackets.innermost(), None, "{text}");
        }
    }

    #[test]
    fn faults_are_found_at_their_place() {
        assert_eq!(scan("f(1, {\n", 200).brackets.innermost(), Some((b'{', 5)));
        assert_eq!(scan("x = `a\n", 200).unterminated, Some((4, "template literal")));
        assert_eq!(scan("x /* a\n", 200).unterminated, Some((2, "comment")));
        assert_eq!(scan(&"[".repeat(201), 200).brackets.too_deep, Some(200));
    }
}
