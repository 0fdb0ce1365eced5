//! Strings, f-strings and t-strings.

use super::{Class, Fault, FaultKind, Format, Lexer, Lexing, fault, line_number};

/// Prefix letters that cannot stand together.
const INCOMPATIBLE: &[(u8, u8)] =
    &[(b'u', b'b'), (b'u', b'r'), (b'u', b'f'), (b'u', b't'), (b'b', b'f'), (b'b', b't'), (b'f', b't')];

/// Replacement fields that may stand inside one another.
const FIELDS_MAX: usize = 150;

impl Lexer<'_> {
    /// Whether the letters from `start` to here are a string's prefix; an error where they contradict one another.
    pub(super) fn prefix(&self, start: usize) -> Result<bool, Box<Fault>> {
        let letters = self.bytes[start..self.at].to_ascii_lowercase();
        let distinct = letters.iter().enumerate().all(|(at, letter)| !letters[..at].contains(letter));
        if !distinct || !letters.iter().all(|letter| b"rbuft".contains(letter)) {
            return Ok(false);
        }
        let both = |(one, other): &&(u8, u8)| letters.contains(one) && letters.contains(other);
        let Some((one, other)) = INCOMPATIBLE.iter().find(both) else { return Ok(letters.len() <= 2) };
        let message = format!("'{}' and '{}' prefixes are incompatible", char::from(*one), char::from(*other));
        Err(fault(FaultKind::Other, message, start..self.at))
    }

    /// A string whose prefix begins at `start` and whose quote stands here.
    pub(super) fn string(&mut self, start: usize) -> Lexing {
        let quote = self.peek(0);
        let tripled = self.peek(1) == quote && self.peek(2) == quote;
        let letters = self.bytes[start..self.at].to_ascii_lowercase();
        let letter = letters.iter().find(|letter| b"ft".contains(letter)).map(|letter| char::from(*letter));
        self.at += if tripled { 3 } else { 1 };
        if let Some(letter) = letter {
            let class = if letter == 'f' { Class::FStart } else { Class::TStart };
            self.push(class, 0, start, self.at);
            let raw = letters.contains(&b'r');
            let fields = Vec::new();
            let format = Format { quote, tripled, raw, letter, start, fields, in_text: true, in_specification: false };
            self.formats.push(format);
            return Ok(());
        }
        let mut escaped_quote = false;
        while self.at < self.bytes.len() {
            let byte = self.peek(0);
            if byte == b'\\' {
                escaped_quote |= self.peek(1) == quote;
                self.at += if self.peek(1) == b'\r' && self.peek(2) == b'\n' { 3 } else { 2 };
            } else if self.ends_string(quote, tripled) {
                self.at += if tripled { 3 } else { 1 };
                self.push(Class::String, 0, start, self.at);
                return Ok(());
            } else if matches!(byte, b'\n' | b'\r') && !tripled {
                break;
            } else {
                self.at += 1;
            }
        }
        Err(self.unterminated(start, quote, tripled, escaped_quote))
    }

    fn unterminated(&self, start: usize, quote: u8, tripled: bool, escaped_quote: bool) -> Box<Fault> {
        let end = self.at.min(self.bytes.len());
        if let Some(format) = self.formats.last()
            && (format.quote, format.tripled) == (quote, tripled)
        {
            // The quote was meant to end the f-string, in which a field is open.
            let field = format.fields.last().and_then(|field| self.brackets.get(*field));
            let message = format!("{}-string: expecting '}}'", format.letter);
            let opener = field.map(|(_, at)| *at);
            return Box::new(Fault { kind: FaultKind::String, message, range: start..start + 1, opener });
        }
        let what = if tripled { "triple-quoted string literal" } else { "string literal" };
        let escaped = if escaped_quote && !tripled { "; perhaps you escaped the end quote?" } else { "" };
        let line = line_number(self.text, end.saturating_sub(usize::from(self.text.ends_with('\n') && tripled)));
        let message = format!("unterminated {what} (detected at line {line}){escaped}");
        let opening = start + self.bytes[start..].iter().take(3).take_while(|byte| **byte != quote).count();
        let shown = if tripled { opening + 3 } else { end };
        fault(FaultKind::String, message, start..self.text.floor_char_boundary(shown.max(start)))
    }

    /// The f-string in whose text the file or line ends.
    pub(super) fn unterminated_format(&self) -> Box<Fault> {
        let Some(format) = self.formats.last() else {
            return fault(FaultKind::String, "unterminated string literal", 0..0);
        };
        let tripled = if format.tripled { "triple-quoted " } else { "" };
        let end = self.at.min(self.bytes.len());
        let line = line_number(self.text, end.saturating_sub(usize::from(self.text.ends_with('\n') && format.tripled)));
        let message = format!("unterminated {tripled}{}-string literal (detected at line {line})", format.letter);
        let quotes = if format.tripled { 3 } else { 1 };
        let shown = if format.tripled { format.start + 1 + quotes } else { end };
        fault(FaultKind::String, message, format.start..self.text.floor_char_boundary(shown))
    }

    fn ends_string(&self, quote: u8, tripled: bool) -> bool {
        self.peek(0) == quote && (!tripled || (self.peek(1) == quote && self.peek(2) == quote))
    }

    /// The text of an f-string, up to its end or its next field.
    pub(super) fn format_text(&mut self) -> Lexing {
        let start = self.at;
        let Some(format) = self.formats.last() else { return Ok(()) };
        let (quote, tripled, raw, in_specification) =
            (format.quote, format.tripled, format.raw, format.in_specification);
        let (letter, string) = (format.letter, format.start);
        let [middle, end] = if letter == 'f' { [Class::FMiddle, Class::FEnd] } else { [Class::TMiddle, Class::TEnd] };
        while self.at < self.bytes.len() {
            let byte = self.peek(0);
            if self.ends_string(quote, tripled) {
                self.push_middle(middle, start);
                let quotes = if tripled { 3 } else { 1 };
                self.push(end, 0, self.at, self.at + quotes);
                self.at += quotes;
                self.leave_format();
                return Ok(());
            }
            match byte {
                b'\n' | b'\r' if !tripled => {
                    if in_specification {
                        let message = format!(
                            "{letter}-string: newlines are not allowed in format specifiers for single quoted {letter}-strings"
                        );
                        return Err(fault(FaultKind::String, message, string..self.at));
                    }
                    return Err(self.unterminated_format());
                }
                b'{' if in_specification || self.peek(1) != b'{' => return self.field(middle, start),
                b'}' if in_specification => {
                    self.push_middle(middle, start);
                    self.code_follows();
                    return self.close(b'}');
                }
                b'{' => self.at += 2,
                b'}' if self.peek(1) == b'}' => self.at += 2,
                b'}' => {
                    let message = format!("{letter}-string: single '}}' is not allowed");
                    return Err(fault(FaultKind::Other, message, self.at..self.at + 1));
                }
                b'\\' => self.escape(raw),
                _ => self.at += 1,
            }
        }
        Err(self.unterminated_format())
    }

    /// After the end of an f-string, what is around it goes on: code.
    fn leave_format(&mut self) {
        self.formats.pop();
    }

    fn code_follows(&mut self) {
        if let Some(format) = self.formats.last_mut() {
            format.in_text = false;
        }
    }

    fn push_middle(&mut self, class: Class, start: usize) {
        if self.at > start {
            self.push(class, 0, start, self.at);
        }
    }

    fn escape(&mut self, raw: bool) {
        if !raw && self.peek(1) == b'N' && self.peek(2) == b'{' {
            // `\N{NAME}` holds no field.
            let rest = &self.bytes[self.at..];
            let length = rest.iter().position(|byte| matches!(byte, b'}' | b'\n' | b'\r' | b'\'' | b'"'));
            self.at += length.map_or(rest.len(), |length| length + usize::from(rest[length] == b'}'));
        } else if matches!(self.peek(1), b'{' | b'}') {
            self.at += 1;
        } else {
            self.at += if self.peek(1) == b'\r' && self.peek(2) == b'\n' { 3 } else { 2 };
        }
    }

    fn field(&mut self, middle: Class, start: usize) -> Lexing {
        self.push_middle(middle, start);
        let opened = self.brackets.len();
        self.code_follows();
        if let Some(format) = self.formats.last_mut() {
            if format.fields.len() >= FIELDS_MAX {
                let message = format!("{}-string: expressions nested too deeply", format.letter);
                return Err(fault(FaultKind::Other, message, self.at..self.at + 1));
            }
            format.fields.push(opened);
        }
        self.brackets.push((b'{', self.at));
        self.at += 1;
        self.push_operator(self.at - 1);
        Ok(())
    }
}
