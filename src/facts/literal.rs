//! What literals mean: escapes and numbers of Python and JavaScript.

/// The longest name of a letter that is looked up; the longest there is has 88.
const LETTER_NAME_BYTES_MAX: usize = 120;

/// The value of a Python string's content.
pub(crate) fn python_text(content: &str, raw: bool) -> String {
    python_content(content, raw, true)
}

/// The same, where `named` says whether `\N{…}` is a letter by its name: it is none in bytes.
fn python_content(content: &str, raw: bool, named: bool) -> String {
    if raw || !content.contains('\\') {
        return content.to_owned();
    }
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(char) = rest.chars().next() else { break };
        let after = &rest[char.len_utf8()..];
        let (value, used) = match char {
            'x' => hex_escape(after, 2),
            'u' => hex_escape(after, 4),
            'U' => hex_escape(after, 8),
            'N' if named => named_escape(after),
            '0'..='7' => octal(rest).map_or((None, 0), |(value, used)| (Some(value), used - 1)),
            _ => (simple(char), 0),
        };
        rest = &after[used..];
        match value {
            Some(value) => out.push(value),
            None if char == '\n' => {}
            None => out.extend(['\\', char]),
        }
    }
    out.push_str(rest);
    out
}

/// The value of a Python bytes literal's content.
pub(crate) fn python_bytes(content: &str, raw: bool) -> Vec<u8> {
    // Every escape of bytes is below 256, so a text of such characters holds them.
    python_content(content, raw, false).chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?')).collect()
}

/// The value of the content of a string or template of JavaScript, or of an identifier that is written with escapes.
pub(crate) fn javascript_text(content: &str) -> String {
    if !content.contains('\\') {
        return content.to_owned();
    }
    let mut units: Vec<u16> = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        units.extend(rest[..at].encode_utf16());
        rest = &rest[at + 1..];
        let Some(char) = rest.chars().next() else { break };
        let after = &rest[char.len_utf8()..];
        let (value, used) = match char {
            'x' => hex_digits(after, 2),
            'u' if after.starts_with('{') => braced(after),
            'u' => hex_digits(after, 4),
            '0'..='7' => octal(rest).map_or((None, 0), |(value, used)| (Some(u32::from(value)), used - 1)),
            _ => (simple(char).map(u32::from), 0),
        };
        rest = &after[used..];
        match value {
            Some(value) => push_code_point(&mut units, value),
            None if matches!(char, '\n' | '\u{2028}' | '\u{2029}') => {}
            None => units.extend(char.encode_utf16(&mut [0; 2]).iter()),
        }
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

fn push_code_point(units: &mut Vec<u16>, value: u32) {
    match (u16::try_from(value), char::from_u32(value)) {
        (Ok(unit), _) => units.push(unit),
        (Err(_), Some(char)) => units.extend(char.encode_utf16(&mut [0; 2]).iter()),
        _ => units.push(0xfffd),
    }
}

fn braced(after: &str) -> (Option<u32>, usize) {
    let digits = after[1..].split('}').next().unwrap_or_default();
    let closed = after[1 + digits.len()..].starts_with('}');
    match u32::from_str_radix(digits, 16) {
        Ok(value) if closed => (Some(value), digits.len() + 2),
        _ => (None, 0),
    }
}

fn hex_digits(text: &str, count: usize) -> (Option<u32>, usize) {
    let value = text.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match value.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
        Some(value) => (Some(value), count),
        None => (None, 0),
    }
}

fn hex_escape(text: &str, count: usize) -> (Option<char>, usize) {
    let (value, used) = hex_digits(text, count);
    (value.map(|value| char::from_u32(value).unwrap_or('\u{fffd}')), used)
}

/// `{LATIN SMALL LETTER A}`.
fn named_escape(text: &str) -> (Option<char>, usize) {
    let name = text.strip_prefix('{').and_then(|text| text.split_once('}')).map(|(name, _)| name);
    let found = name.filter(|name| name.len() <= LETTER_NAME_BYTES_MAX).and_then(unicode_names2::character);
    (found, if found.is_some() { name.map_or(0, str::len) + 2 } else { 0 })
}

/// One to three octal digits.
fn octal(text: &str) -> Option<(char, usize)> {
    let used = text.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let value = u32::from_str_radix(&text[..used], 8).ok()?;
    Some((char::from_u32(value)?, used))
}

fn simple(char: char) -> Option<char> {
    Some(match char {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '\\' | '\'' | '"' | '`' | '$' => char,
        _ => return None,
    })
}

/// An integer of Python or JavaScript; `None` where it is none, or has more than 63 bits.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits: String = text.trim_end_matches(['n', 'l', 'L']).chars().filter(|&char| char != '_').collect();
    let lower = digits.to_ascii_lowercase();
    match lower.as_bytes() {
        [b'0', b'x', ..] => i64::from_str_radix(&lower[2..], 16).ok(),
        [b'0', b'o', ..] => i64::from_str_radix(&lower[2..], 8).ok(),
        [b'0', b'b', ..] => i64::from_str_radix(&lower[2..], 2).ok(),
        [b'0', b'0'..=b'7', ..] => i64::from_str_radix(&lower, 8).ok().or_else(|| lower.parse().ok()),
        _ => lower.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_what_the_engines_say() {
        let python =
            [(r"ev\x61l", "eval"), (r"\145val", "eval"), (r"a\d\n", "a\\d\n"), (r"\u0065", "e"), ("\\\né", "é")];
        for (from, to) in python {
            assert_eq!(python_text(from, false), to);
        }
        let script = [(r"\u0065val", "eval"), (r"\u{65}val", "eval"), (r"\x65\d", "ed"), (r"\ud83d\ude00", "😀")];
        for (from, to) in script {
            assert_eq!(javascript_text(from), to);
        }
        assert_eq!(python_bytes(r"\xff\0", false), [255, 0]);
        assert_eq!([integer("0x_ff"), integer("1_0"), integer("1.5")], [Some(255), Some(10), None]);
    }
}
