//! A lexical scan of Python for its brackets: it knows strings, comments, f-strings and the fields in them, needs no
//! recursion, and goes through any bytes.

use memchr::{memchr, memchr2, memchr3};

use crate::passes::parse::brackets::Brackets;

/// Where the scan is, inside what.
enum Frame {
    /// A field `{…}` of an f-string, opened when so many brackets were open.
    Field(usize),
    /// The format specification of a field.
    Spec,
    /// The text of an f-string: its quote, whether it is tripled, whether it is raw.
    Text(u8, bool, bool),
}

/// What a scan found.
pub(super) struct Scan {
    /// The brackets outside strings, and those in the fields of f-strings.
    pub(super) brackets: Brackets,
    /// Where a string begins that never ends, and whether its quotes are tripled.
    pub(super) unterminated: Option<(usize, bool)>,
}

/// Scans `text`.
pub(super) fn scan(text: &str, depth_max: u64) -> Scan {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        frames: Vec::new(),
        starts: Vec::new(),
        found: Scan { brackets: Brackets::new(depth_max), unterminated: None },
    };
    while scanner.at < scanner.bytes.len() && scanner.found.brackets.too_deep.is_none() {
        match scanner.frames.last() {
            Some(&Frame::Text(quote, tripled, raw)) => scanner.text(quote, tripled, raw),
            Some(Frame::Spec) => scanner.spec(),
            Some(Frame::Field(_)) | None => scanner.code(),
        }
    }
    // Where a field is open, its bracket is what was never closed.
    if let (Some(&Frame::Text(_, tripled, _)), Some(&start)) = (scanner.frames.last(), scanner.starts.last()) {
        scanner.found.unterminated.get_or_insert((start, tripled));
    }
    scanner.found
}

/// The bytes of code that the scan stops at.
const MATTERS: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"#\"'()[]{}:\\";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

/// The first byte from `at` on that is a bracket, a quote, `#` or a backslash, or looks like one (`$`, `%`, `&`, `|`); eight
/// bytes are looked at together, and the last few of the text are not.
fn next_mark(bytes: &[u8], mut at: usize) -> usize {
    const EACH: u64 = u64::MAX / 255;
    const HIGH: u64 = 0x80 * EACH;
    // The high bit of each byte whose lower seven bits are `low` to `high`.
    let within = |word: u64, low: u64, high: u64| (word + (0x80 - low) * EACH) & !(word + (0x7f - high) * EACH);
    while let Some((eight, _)) = bytes.get(at..).and_then(<[u8]>::split_first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        let seven = word & !HIGH;
        let quotes = within(seven, 0x22, 0x29);
        // `[`, `\\` and `]` are as far from `{`, `|` and `}` as capitals from small letters.
        let brackets = within(seven & (0x5f * EACH), 0x5b, 0x5d);
        let found = (quotes | brackets) & !word & HIGH;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    frames: Vec<Frame>,
    /// Where the f-strings that are open begin.
    starts: Vec<usize>,
    found: Scan,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn code(&mut self) {
        // Outside fields a colon is nothing to stop at.
        if self.frames.is_empty() {
            self.at = next_mark(self.bytes, self.at);
        }
        while self.bytes.get(self.at).is_some_and(|&byte| !MATTERS[usize::from(byte)]) {
            self.at += 1;
        }
        let Some(&byte) = self.bytes.get(self.at) else { return };
        match byte {
            b'#' => {
                let rest = &self.bytes[self.at..];
                self.at += memchr(b'\n', rest).unwrap_or(rest.len());
            }
            b'"' | b'\'' => self.string(byte),
            b'(' | b'[' | b'{' => {
                self.found.brackets.opens(byte, self.at);
                self.at += 1;
            }
            b')' | b']' | b'}' => self.close(byte),
            b':' if self.at_field_level() => {
                self.frames.push(Frame::Spec);
                self.at += 1;
            }
            b'\\' => self.at += 2,
            _ => self.at += 1,
        }
    }

    /// Whether no bracket has been opened since the field that the scan is in.
    fn at_field_level(&self) -> bool {
        matches!(self.frames.last(), Some(&Frame::Field(depth)) if self.found.brackets.depth() == depth + 1)
    }

    fn close(&mut self, byte: u8) {
        if byte == b'}' && self.at_field_level() {
            self.frames.pop();
        }
        self.found.brackets.closes(byte, self.at);
        self.at += 1;
    }

    /// A string that begins here: a plain one is passed over, an f-string becomes a frame.
    fn string(&mut self, quote: u8) {
        let tripled = self.peek(1) == quote && self.peek(2) == quote;
        let (prefix, is_format, is_raw) = self.prefix();
        let start = self.at - prefix;
        self.at += if tripled { 3 } else { 1 };
        if is_format {
            self.frames.push(Frame::Text(quote, tripled, is_raw));
            self.starts.push(start);
            return;
        }
        while let Some(rest) = self.bytes.get(self.at..) {
            let next = if tripled { memchr2(quote, b'\\', rest) } else { memchr3(quote, b'\\', b'\n', rest) };
            let Some(next) = next else { break };
            self.at += next;
            if self.bytes[self.at] == b'\\' {
                self.at += 2;
            } else if self.ends_string(quote, tripled) {
                self.at += if tripled { 3 } else { 1 };
                return;
            } else if tripled {
                self.at += 1;
            } else {
                // The line ends; what comes next is code.
                self.found.unterminated.get_or_insert((start, false));
                return;
            }
        }
        self.at = self.bytes.len();
        self.found.unterminated.get_or_insert((start, tripled));
    }

    /// How many letters before the quote belong to the string, and whether they make it an f-string or t-string, and a
    /// raw one.
    fn prefix(&self) -> (usize, bool, bool) {
        if !self.at.checked_sub(1).is_some_and(|at| self.bytes[at].is_ascii_alphanumeric()) {
            return (0, false, false);
        }
        let before = &self.bytes[self.at.saturating_sub(3)..self.at];
        let length = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let word = &before[before.len() - length..];
        let has = |letters: &[u8]| word.iter().any(|byte| letters.contains(&byte.to_ascii_lowercase()));
        if length > 2 || !word.iter().all(|byte| b"rbuft".contains(&byte.to_ascii_lowercase())) {
            return (0, false, false);
        }
        (length, has(b"ft"), has(b"r"))
    }

    fn ends_string(&self, quote: u8, tripled: bool) -> bool {
        self.peek(0) == quote && (!tripled || (self.peek(1) == quote && self.peek(2) == quote))
    }

    /// The text of an f-string outside its fields.
    fn text(&mut self, quote: u8, tripled: bool, raw: bool) {
        let matters = |byte: &u8| *byte == quote || matches!(byte, b'\n' | b'\\' | b'{' | b'}');
        self.at += self.bytes[self.at..].iter().position(matters).unwrap_or(self.bytes.len() - self.at);
        let Some(&byte) = self.bytes.get(self.at) else { return };
        if self.ends_string(quote, tripled) {
            self.at += if tripled { 3 } else { 1 };
            self.frames.pop();
            self.starts.pop();
        } else if byte == b'\n' && !tripled {
            self.leave_string();
        } else if byte == b'\\' {
            // `\N{NAME}` holds no field.
            let named = !raw && self.peek(1) == b'N' && self.peek(2) == b'{';
            let is_brace = matches!(self.peek(1), b'{' | b'}');
            self.at += if named {
                let rest = &self.bytes[self.at..];
                rest.iter().position(|&byte| byte == b'}' || byte == b'\n').unwrap_or(rest.len())
            } else if is_brace {
                1
            } else {
                2
            };
        } else if byte == b'{' && self.peek(1) != b'{' {
            self.field();
        } else if byte == b'{' || (byte == b'}' && self.peek(1) == b'}') {
            self.at += 2;
        } else {
            self.at += 1;
        }
    }

    fn field(&mut self) {
        self.frames.push(Frame::Field(self.found.brackets.depth()));
        self.found.brackets.opens(b'{', self.at);
        self.at += 1;
    }

    fn spec(&mut self) {
        let string = self.frames.iter().rev().find_map(|frame| match frame {
            Frame::Text(quote, tripled, _) => Some((*quote, *tripled)),
            _ => None,
        });
        let (quote, tripled) = string.unwrap_or((b'"', false));
        match self.bytes[self.at] {
            b'{' => self.field(),
            b'}' => {
                self.frames.pop();
                self.close(b'}');
            }
            b'\n' if !tripled => self.leave_string(),
            _ if self.ends_string(quote, tripled) => self.leave_string(),
            _ => self.at += 1,
        }
    }

    /// Gives up the innermost f-string, which ends in the middle of something.
    fn leave_string(&mut self) {
        let start = self.starts.pop().unwrap_or(self.at);
        self.found.unterminated.get_or_insert((start, false));
        while let Some(frame) = self.frames.pop() {
            match frame {
                Frame::Field(depth) => self.found.brackets.truncate(depth),
                Frame::Spec => {}
                Frame::Text(..) => break,
            }
        }
        self.at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        for text in [
            "x = '(' + \"[\" # {\n",
            "x = '''\n(\n''' + r'\\\\' + b'['",
            "x = f'{a}{{' + f\"{b['c']:{d}>{e}}\" + f'''{\nx}(\n'''",
            "x = f\"{f\"{f'{1}'}\"}\" + rf'\\{a}' + f'\\N{DIGIT ONE}('",
            "x = f'{a!r:^{w}.{p}}' + f'{(lambda x: 1)}'",
            "x = f'{{}}' + f'\\{a}'",
        ] {
            let found = scan(text, 200);
            assert_eq!((found.brackets.innermost(), found.brackets.mismatch), (None, None), "{text}");
            assert_eq!(found.unterminated, None, "{text}");
        }
    }

    #[test]
    fn eight_bytes_at_once_show_what_each_would() {
        let matters = |byte: u8| b"\"#$%&'()[\\]{|}".contains(&byte);
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut bytes = *b"a~z!A@Z*";
                bytes[place] = byte;
                let found = next_mark(&bytes, 0);
                assert_eq!(found, if matters(byte) { place } else { 8 }, "{byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn faults_are_found_at_their_place() {
        assert_eq!(scan("a = (1,\nb = 2\n", 200).brackets.innermost(), Some((b'(', 4)));
        assert_eq!(scan("a = 'x\nb = 2\n", 200).unterminated, Some((4, false)));
        assert_eq!(scan("a = '''x\nb = 2\n", 200).unterminated, Some((4, true)));
        assert_eq!(scan("f'{a\n", 200).unterminated.map(|(at, _)| at), None);
        assert_eq!(scan(&"[".repeat(201), 200).brackets.too_deep, Some(200));
        assert_eq!(scan(&format!("x = '{}'", "[".repeat(201)), 200).brackets.too_deep, None);
    }
}
