//! JSON that remembers where everything stands, down to each character of a string.
//!
//! The text has been found valid before (see `data`), so this reader only takes it apart: into an arena of values, without
//! recursion. What two readers of JSON would understand differently is refused: keys that stand twice in one object.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::artifact::OffsetMap;

/// A value in the arena of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(usize);

/// The top of the document.
pub(super) const ROOT: Id = Id(0);

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Each key, unescaped, with where it stands and its value.
    Object(Vec<(String, Range<usize>, Id)>),
    Array(Vec<Id>),
    /// A string; its text is what [`decode`] makes of the value's range.
    Text,
    /// A number, `true`, `false` or `null`.
    Other,
}

/// A document taken apart.
#[derive(Debug)]
pub(super) struct Document<'a> {
    text: &'a str,
    values: Vec<(Value, Range<usize>)>,
    /// Every string, keys included, in order.
    pub(super) strings: Vec<Range<usize>>,
}

/// A key that stands twice in one object; where it stands again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated(pub(super) String, pub(super) Range<usize>);

/// An object or array that is still open, with the keys that it has so far.
struct Open {
    id: usize,
    keys: BTreeSet<String>,
    key: Option<(String, Range<usize>)>,
}

impl<'a> Document<'a> {
    /// Takes valid JSON apart.
    pub(super) fn read(text: &'a str) -> Result<Self, Repeated> {
        let mut document = Self { text, values: Vec::new(), strings: Vec::new() };
        let mut open: Vec<Open> = Vec::new();
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let end = at + token_length(&bytes[at..]);
            match byte {
                b'{' | b'[' => {
                    let value = if byte == b'{' { Value::Object(Vec::new()) } else { Value::Array(Vec::new()) };
                    let id = document.add(value, at..end, open.last_mut());
                    open.push(Open { id, keys: BTreeSet::new(), key: None });
                }
                b'}' | b']' => {
                    if let Some(closed) = open.pop() {
                        document.values[closed.id].1.end = end;
                    }
                }
                b'"' => {
                    document.strings.push(at..end);
                    match open.last_mut() {
                        Some(object) if document.awaits_key(object) => {
                            let key = plain(text, at..end);
                            if !object.keys.insert(key.clone()) {
                                return Err(Repeated(key, at..end));
                            }
                            object.key = Some((key, at..end));
                        }
                        holder => _ = document.add(Value::Text, at..end, holder),
                    }
                }
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => {}
                _ => _ = document.add(Value::Other, at..end, open.last_mut()),
            }
            at = end;
        }
        Ok(document)
    }

    fn awaits_key(&self, open: &Open) -> bool {
        open.key.is_none() && matches!(self.values[open.id].0, Value::Object(_))
    }

    fn add(&mut self, value: Value, range: Range<usize>, holder: Option<&mut Open>) -> usize {
        let id = self.values.len();
        self.values.push((value, range));
        if let Some(holder) = holder {
            match (&mut self.values[holder.id].0, holder.key.take()) {
                (Value::Object(entries), Some((key, place))) => entries.push((key, place, Id(id))),
                (Value::Array(items), _) => items.push(Id(id)),
                _ => {}
            }
        }
        id
    }

    /// The value itself; `None` only where the document is empty.
    pub(super) fn value(&self, id: Id) -> Option<&Value> {
        self.values.get(id.0).map(|(value, _)| value)
    }

    /// Where a value stands.
    pub(super) fn range(&self, id: Id) -> Range<usize> {
        self.values.get(id.0).map_or(0..0, |(_, range)| range.clone())
    }

    /// The value of a key of an object.
    pub(super) fn get(&self, id: Id, key: &str) -> Option<Id> {
        let Value::Object(entries) = self.value(id)? else { return None };
        entries.iter().find(|(name, ..)| name == key).map(|(.., value)| *value)
    }

    /// The elements of an array; `None` where it is none.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.value(id)? {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a string; `None` where it is none.
    pub(super) fn text(&self, id: Id) -> Option<String> {
        matches!(self.value(id)?, Value::Text).then(|| plain(self.text, self.range(id)))
    }

    /// A number, `true`, `false` or `null` as it is written.
    pub(super) fn literal(&self, id: Id) -> Option<&'a str> {
        matches!(self.value(id)?, Value::Other).then(|| &self.text[self.range(id)])
    }
}

/// The length of the token that begins here, at least 1.
fn token_length(bytes: &[u8]) -> usize {
    match bytes[0] {
        b'"' => {
            let mut at = 1;
            loop {
                match bytes.get(at) {
                    Some(b'\\') => at += 2,
                    Some(b'"') => return at + 1,
                    Some(_) => at += 1,
                    None => return bytes.len(),
                }
            }
        }
        b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => 1,
        _ => {
            let ends = |byte: &u8| matches!(byte, b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' | b'"');
            bytes.iter().position(ends).unwrap_or(bytes.len()).max(1)
        }
    }
}

/// The text of the string literal at `range`.
fn plain(text: &str, range: Range<usize>) -> String {
    let mut out = String::new();
    // Half a character is not one; what names and kinds are compared with has none.
    let _checked = decode(text, range, &mut out, &mut OffsetMap::default());
    out
}

/// Adds the text of the string literal at `range`, and where each part of it comes from. The first unpaired surrogate is
/// handed back; U+FFFD stands for it.
pub(super) fn decode(
    text: &str,
    range: Range<usize>,
    out: &mut String,
    map: &mut OffsetMap,
) -> Result<(), Range<usize>> {
    let end = range.end.saturating_sub(1).max(range.start);
    let mut at = (range.start + 1).min(end);
    let mut lone = None;
    while at < end {
        let rest = &text[at..end];
        let copied = rest.find('\\').unwrap_or(rest.len());
        out.push_str(&rest[..copied]);
        map.copy(at..at + copied);
        at += copied;
        let Some((char, length)) = escape(&text[at..end]) else { continue };
        let length = length.min(end - at);
        let char = char.unwrap_or_else(|| {
            lone.get_or_insert(at..at + length);
            char::REPLACEMENT_CHARACTER
        });
        out.push(char);
        map.stand_for(char.len_utf8(), at..at + length);
        at += length;
    }
    lone.map_or(Ok(()), Err)
}

/// The character that the escape at the start of `text` means, and its length in bytes. `None` where there is no
/// escape; no character where it is half a pair.
fn escape(text: &str) -> Option<(Option<char>, usize)> {
    let bytes = text.as_bytes();
    let char = match bytes.get(1).filter(|_| bytes[0] == b'\\')? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return Some(unicode(text)),
        other => char::from(*other),
    };
    Some((Some(char), 2))
}

fn unicode(text: &str) -> (Option<char>, usize) {
    let unit = |at: usize| text.get(at..at + 4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    let Some(first) = unit(2) else { return (None, text.len().min(6)) };
    let second = text.get(6..8).filter(|mark| *mark == "\\u").and_then(|_| unit(8));
    let units = [Some(first), second];
    let mut chars = char::decode_utf16(units.into_iter().flatten());
    match chars.next() {
        Some(Ok(char)) if u32::from(char) > 0xffff => (Some(char), 12),
        Some(Ok(char)) => (Some(char), 6),
        _ => (None, 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_key_and_place() {
        let text = r#" {"a": [1, "x", {"b\u0063": null}], "d": {}} "#;
        let document = Document::read(text).unwrap();
        let list = document.items(document.get(ROOT, "a").unwrap()).unwrap();
        assert_eq!(document.literal(list[0]), Some("1"));
        assert_eq!(document.text(list[1]).as_deref(), Some("x"));
        assert_eq!(document.literal(document.get(list[2], "bc").unwrap()), Some("null"));
        assert_eq!(&text[document.range(list[2])], r#"{"b\u0063": null}"#);
        assert_eq!(document.strings.len(), 4);
        assert_eq!(document.get(ROOT, "x"), None);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_however_it_is_spelled() {
        assert_eq!(Document::read(r#"{"a": 1, "\u0061": 2}"#).unwrap_err(), Repeated("a".to_owned(), 9..17));
        assert!(Document::read(r#"[{"a": 1}, {"a": {"a": 2}}]"#).is_ok());
    }

    #[test]
    fn escapes_are_undone_with_their_places() {
        let text = r#""a\n\u00e9\ud83d\ude00\"é""#;
        let (mut out, mut map) = (String::new(), OffsetMap::default());
        assert_eq!(decode(text, 0..text.len(), &mut out, &mut map), Ok(()));
        assert_eq!(out, "a\né😀\"é");
        let at = out.find('😀').unwrap();
        assert_eq!(&text[map.range(at..at + 4)], r"\ud83d\ude00");
        assert_eq!(&text[map.range(1..4)], r"\n\u00e9");
        assert_eq!(&text[map.range(out.len() - 2..out.len())], "é");
    }

    #[test]
    fn half_a_character_is_handed_back() {
        for text in [r#""x\ud800y""#, r#""x\udc00\ud800y""#, r#""x\ud800\u0041y""#] {
            let mut out = String::new();
            assert_eq!(decode(text, 0..text.len(), &mut out, &mut OffsetMap::default()), Err(2..8), "{text}");
            assert!(out.ends_with('y'), "{out}");
        }
    }
}
