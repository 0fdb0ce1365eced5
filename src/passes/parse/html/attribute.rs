//! Code in attributes: handlers of events, and `javascript:` addresses, as a browser reads what is written there.

use std::borrow::Cow;

/// What the value of an attribute is, if it is code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// The body of a function that is called for an event.
    Handler,
    /// An address that may name a script.
    Address,
}

impl Code {
    /// What an attribute called `name`, in lower case, holds.
    pub(super) fn of(name: &str) -> Option<Self> {
        const ADDRESSES: &[&str] = &["href", "src", "action", "formaction", "xlink:href", "data"];
        let event = name.strip_prefix("on").unwrap_or_default();
        if !event.is_empty() && event.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Some(Self::Handler);
        }
        ADDRESSES.contains(&name).then_some(Self::Address)
    }

    /// The code in `value`, and how many bytes of it stand before the code; without that where the code is not written there
    /// as it is read.
    pub(super) fn read(self, value: &str) -> Option<(Cow<'_, str>, Option<usize>)> {
        let decoded = decoded(value);
        match (self, decoded) {
            (Self::Handler, Cow::Borrowed(code)) => Some((Cow::Borrowed(code), Some(0))),
            (Self::Handler, Cow::Owned(code)) => Some((Cow::Owned(code), None)),
            (Self::Address, decoded) => {
                let plain = matches!(decoded, Cow::Borrowed(_));
                let address: Cow<'_, str> = match decoded.contains(['\t', '\n', '\r']) {
                    true => decoded.replace(['\t', '\n', '\r'], "").into(),
                    false => decoded,
                };
                let trimmed = address.trim_start_matches(|char: char| char <= ' ');
                let (scheme, code) = trimmed.split_at_checked(SCHEME.len())?;
                if !scheme.eq_ignore_ascii_case(SCHEME) {
                    return None;
                }
                let exact = plain && address.len() == value.len() && !code.contains('%');
                let at = exact.then_some(value.len() - code.len());
                Some((percent_decoded(code).into(), at))
            }
        }
    }
}

const SCHEME: &str = "javascript:";

/// The longest name of a character reference that is known here.
const NAME_BYTES_MAX: usize = 32;

/// A value with its character references replaced by what they stand for.
fn decoded(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match reference(rest) {
            Some((char, used)) => {
                out.push(char);
                rest = &rest[used..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character that a reference stands for, and how long it is behind its `&`.
fn reference(text: &str) -> Option<(char, usize)> {
    if let Some(number) = text.strip_prefix('#') {
        let (digits, base, before) = match number.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16, 2),
            None => (number, 10, 1),
        };
        let length = digits.bytes().take(NAME_BYTES_MAX).take_while(|&byte| char::from(byte).is_digit(base)).count();
        let code = u32::from_str_radix(&digits[..length], base).ok()?;
        let end = before + length;
        let end = end + usize::from(text[end..].starts_with(';'));
        return Some((char::from_u32(code).unwrap_or('\u{fffd}'), end));
    }
    let length = text.bytes().take(NAME_BYTES_MAX).take_while(u8::is_ascii_alphanumeric).count();
    let closed = text[length..].starts_with(';');
    let (_, char) = NAMED.iter().find(|(name, _)| *name == &text[..length])?;
    // Only the oldest names are read without a semicolon.
    let is_old = matches!(&text[..length], "quot" | "amp" | "lt" | "gt" | "nbsp" | "QUOT" | "AMP" | "LT" | "GT");
    (closed || is_old).then_some((*char, length + usize::from(closed)))
}

/// Names of characters that code is made of.
const NAMED: &[(&str, char)] = &[
    ("quot", '"'),
    ("QUOT", '"'),
    ("amp", '&'),
    ("AMP", '&'),
    ("lt", '<'),
    ("LT", '<'),
    ("gt", '>'),
    ("GT", '>'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("colon", ':'),
    ("semi", ';'),
    ("comma", ','),
    ("period", '.'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lbrack", '['),
    ("lsqb", '['),
    ("rbrack", ']'),
    ("rsqb", ']'),
    ("lbrace", '{'),
    ("lcub", '{'),
    ("rbrace", '}'),
    ("rcub", '}'),
    ("sol", '/'),
    ("bsol", '\\'),
    ("plus", '+'),
    ("ast", '*'),
    ("midast", '*'),
    ("equals", '='),
    ("excl", '!'),
    ("quest", '?'),
    ("num", '#'),
    ("percnt", '%'),
    ("dollar", '$'),
    ("commat", '@'),
    ("grave", '`'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("vert", '|'),
    ("verbar", '|'),
    ("Hat", '^'),
];

/// The code of an address, in which bytes may be written as `%41`.
fn percent_decoded(code: &str) -> String {
    let mut out = Vec::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find('%') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        match rest.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &rest[2..];
            }
            None => out.push(b'%'),
        }
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_read_as_a_browser_reads_it() {
        let cases = [
            (Code::Handler, "f('a')", Some(("f('a')", Some(0)))),
            (Code::Handler, "f(&quot;a&quot;&#41;&#x3b;", Some(("f(\"a\");", None))),
            (Code::Handler, "a && b&lpar;&rpar; &unknown; &#", Some(("a && b() &unknown; &#", None))),
            (Code::Address, " JavaScript:f()", Some(("f()", Some(12)))),
            (Code::Address, "java&Tab;script&colon;f()", Some(("f()", None))),
            (Code::Address, "java\nscript:f%28%29 %", Some(("f() %", None))),
            (Code::Address, "https://example.org/javascript:", None),
            (Code::Address, "é", None),
        ];
        for (code, value, expected) in cases {
            let read = code.read(value);
            let read = read.as_ref().map(|(code, at)| (&**code, *at));
            assert_eq!(read, expected, "{value}");
        }
        assert_eq!(Code::of("onclick"), Some(Code::Handler));
        assert_eq!([Code::of("on"), Code::of("on-x"), Code::of("title")], [None, None, None]);
    }
}
