//! A lexical scan of JavaScript for its brackets: it knows strings, comments, templates and regular expressions, needs
//! no recursion, and goes through any bytes.
//!
//! Whether a slash begins a regular expression depends on what stands before it; the scan decides by the last token, as
//! highlighters do. It serves messages and the limit on depth; what keeps the parsers' stacks safe is
//! [`weight`](crate::passes::parse::stack::weight), which nothing can mislead.

use crate::passes::parse::brackets::Brackets;

/// What a scan found.
pub(super) struct Scan {
    /// The brackets outside strings, comments and regular expressions.
    pub(super) brackets: Brackets,
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
        operand_before: false,
        found: Scan { brackets: Brackets::new(depth_max), unterminated: None },
    };
    if text.starts_with("#!") {
        scanner.line();
    }
    while scanner.at < scanner.bytes.len() {
        scanner.step();
    }
    scanner.found
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// For each template whose field the scan is in: how many brackets were open, and where the template began.
    templates: Vec<(usize, usize)>,
    /// For each open round bracket: whether a slash after its closing one begins a regular expression.
    openers: Vec<bool>,
    /// Whether the last token ends an operand, so that a slash divides.
    operand_before: bool,
    found: Scan,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }

    fn step(&mut self) {
        let byte = self.bytes[self.at];
        match byte {
            b'/' if self.peek(1) == b'/' => self.line(),
            b'/' if self.peek(1) == b'*' => self.comment(),
            b'/' if !self.operand_before => self.regex(),
            b'"' | b'\'' => self.string(byte),
            b'`' => {
                let start = self.at;
                self.at += 1;
                self.template(start);
            }
            b'(' | b'[' | b'{' => self.open(byte),
            b')' | b']' | b'}' => self.close(byte),
            _ if is_word(byte) => self.word(),
            _ => {
                // `a++ / b` divides; `++/x/` does not occur.
                let postfix = matches!(byte, b'+' | b'-') && self.peek(1) == byte;
                self.operand_before = (byte.is_ascii_whitespace() || postfix) && self.operand_before;
                self.at += if postfix { 2 } else { 1 };
            }
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        match self.bytes[start + 2..].windows(2).position(|pair| pair == b"*/") {
            Some(length) => self.at += length + 4,
            None => {
                self.found.unterminated.get_or_insert((start, "comment"));
                self.at = self.bytes.len();
            }
        }
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
                    self.operand_before = true;
                    return;
                }
                _ => {}
            }
            at += 1;
        }
        self.at += 1;
    }

    fn string(&mut self, quote: u8) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' if self.peek(1) == b'\r' && self.peek(2) == b'\n' => self.at += 3,
                b'\\' => self.at += 2,
                b'\n' => break,
                _ => {
                    self.at += 1;
                    if byte == quote {
                        break;
                    }
                }
            }
        }
        self.operand_before = true;
    }

    /// The text of a template, up to its end or its next field.
    fn template(&mut self, start: usize) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    self.operand_before = true;
                    return;
                }
                b'$' if self.peek(1) == b'{' => {
                    self.templates.push((self.found.brackets.depth(), start));
                    self.found.brackets.opens(b'{', self.at + 1);
                    self.at += 2;
                    self.operand_before = false;
                    return;
                }
                _ => self.at += 1,
            }
        }
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
        }
        self.found.brackets.opens(byte, self.at);
        self.operand_before = false;
        self.at += 1;
    }

    fn close(&mut self, byte: u8) {
        self.found.brackets.closes(byte, self.at);
        self.at += 1;
        self.operand_before = byte != b'}';
        if byte == b')' {
            self.operand_before = !self.openers.pop().unwrap_or(false);
        }
        if byte == b'}'
            && let Some(&(depth, start)) = self.templates.last()
            && self.found.brackets.depth() == depth
        {
            self.templates.pop();
            self.template(start);
        }
    }

    fn word(&mut self) {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
        let is_member = self.bytes[..self.at].last() == Some(&b'.');
        self.operand_before = is_member || !BEFORE_OPERAND.contains(&&rest[..length]);
        self.at += length;
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
    fn faults_are_found_at_their_place() {
        assert_eq!(scan("f(1, {\n", 200).brackets.innermost(), Some((b'{', 5)));
        assert_eq!(scan("x = `a\n", 200).unterminated, Some((4, "template literal")));
        assert_eq!(scan("x /* a\n", 200).unterminated, Some((2, "comment")));
        assert_eq!(scan(&"[".repeat(201), 200).brackets.too_deep, Some(200));
    }
}
