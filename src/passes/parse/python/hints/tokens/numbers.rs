//! Numbers, and what CPython says of those that are none.

use super::{Class, Fault, FaultKind, Lexer, Lexing, fault};

/// Keywords that may follow a number without a space between.
const AFTER_NUMBER: &[&str] = &["and", "else", "for", "if", "in", "is", "not", "or"];

impl Lexer<'_> {
    /// A number, which begins here with a digit or a point.
    pub(super) fn number(&mut self) -> Lexing {
        let start = self.at;
        match (self.peek(0), self.peek(1).to_ascii_lowercase()) {
            (b'0', b'x') => self.radix("hexadecimal", u8::is_ascii_hexdigit)?,
            (b'0', b'o') => self.radix("octal", |byte| (b'0'..b'8').contains(byte))?,
            (b'0', b'b') => self.radix("binary", |byte| matches!(byte, b'0' | b'1'))?,
            _ => self.decimal(start)?,
        }
        self.push(Class::Number, 0, start, self.at);
        Ok(())
    }

    fn literal_fault(&self, kind: &str) -> Box<Fault> {
        let last = self.at.saturating_sub(1);
        fault(FaultKind::Number, format!("invalid {kind} literal"), last..self.at)
    }

    fn radix(&mut self, kind: &str, is_digit: fn(&u8) -> bool) -> Lexing {
        self.at += 2;
        loop {
            if self.peek(0) == b'_' {
                self.at += 1;
            }
            if !is_digit(&self.peek(0)) {
                return Err(self.bad_digit(kind));
            }
            while is_digit(&self.peek(0)) {
                self.at += 1;
            }
            if self.peek(0) != b'_' {
                break;
            }
        }
        if self.peek(0).is_ascii_digit() {
            return Err(self.bad_digit(kind));
        }
        self.number_end(kind)
    }

    fn bad_digit(&self, kind: &str) -> Box<Fault> {
        let digit = self.peek(0);
        if !digit.is_ascii_digit() {
            return self.literal_fault(kind);
        }
        let message = format!("invalid digit '{}' in {kind} literal", char::from(digit));
        fault(FaultKind::Number, message, self.at..self.at + 1)
    }

    fn decimal(&mut self, start: usize) -> Lexing {
        let zeros = self.bytes[start..].iter().take_while(|byte| matches!(byte, b'0' | b'_')).count();
        self.digits()?;
        let mut is_integer = true;
        if self.peek(0) == b'.' {
            is_integer = false;
            self.at += 1;
            self.digits()?;
        }
        if self.peek(0).eq_ignore_ascii_case(&b'e') {
            let signed = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + signed).is_ascii_digit() {
                is_integer = false;
                self.at += 1 + signed;
                self.digits()?;
            } else if signed == 1 {
                self.at += 1;
                return Err(self.literal_fault("decimal"));
            }
        }
        if self.peek(0).eq_ignore_ascii_case(&b'j') {
            self.at += 1;
            return self.number_end("imaginary");
        }
        let leads_zero =
            self.bytes[start] == b'0' && self.bytes[start..self.at].iter().any(|byte| matches!(byte, b'1'..=b'9'));
        if is_integer && leads_zero {
            let message =
                "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers";
            return Err(fault(FaultKind::Number, message, start..start + zeros));
        }
        self.number_end("decimal")
    }

    /// Digits with single underscores between them.
    fn digits(&mut self) -> Lexing {
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
            if self.peek(0) == b'_' {
                self.at += 1;
                if !self.peek(0).is_ascii_digit() {
                    return Err(self.literal_fault("decimal"));
                }
            }
        }
        Ok(())
    }

    /// No name may follow a number at once.
    fn number_end(&self, kind: &str) -> Lexing {
        let rest = &self.bytes[self.at..];
        let starts_name = self.peek(0).is_ascii_alphabetic() || self.peek(0) == b'_';
        if !starts_name || AFTER_NUMBER.iter().any(|word| rest.starts_with(word.as_bytes())) {
            return Ok(());
        }
        Err(self.literal_fault(kind))
    }
}
