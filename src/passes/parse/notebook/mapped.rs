//! A text under translation: every byte of it knows where in the author's text it comes from.

use std::ops::Range;

use crate::artifact::OffsetMap;

/// A text with where each part of it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mapped {
    pub(super) text: String,
    pub(super) map: OffsetMap,
}

impl Mapped {
    /// The stretch `range` of the author's text.
    pub(super) fn of(written: &str, range: Range<usize>) -> Self {
        let mut map = OffsetMap::default();
        map.copy(range.clone());
        Self { text: written[range].to_owned(), map }
    }

    /// Adds the stretch `part` of `from` as it stands.
    pub(super) fn copy(&mut self, from: &Self, part: Range<usize>) {
        self.text.push_str(&from.text[part.clone()]);
        self.map.copy_mapped(&from.map, part);
    }

    /// Adds `text`, which stands for the stretch `part` of `from`.
    pub(super) fn insert(&mut self, text: &str, from: &Self, part: Range<usize>) {
        self.text.push_str(text);
        self.map.stand_for(text.len(), from.map.range(part));
    }

    /// What is left when only `parts` are kept.
    pub(super) fn keep(&self, parts: impl IntoIterator<Item = Range<usize>>) -> Self {
        let mut kept = Self::default();
        for part in parts {
            kept.copy(self, part);
        }
        kept
    }

    /// Adds the stretch `part` of `from` as a literal of Python. Lines stay lines, so that rules over text see what the
    /// author wrote.
    pub(super) fn literal(&mut self, from: &Self, part: Range<usize>) {
        let text = &from.text[part.clone()];
        let quote = quote_for(text);
        let single = quote.chars().next().unwrap_or('\'');
        let around = match part.is_empty() {
            // An empty literal stands for what is before it.
            true => part.start.saturating_sub(1)..part.end,
            false => part.clone(),
        };
        self.insert(quote, from, first_of(&from.text, &around));
        let escapes_all = text.contains(quote);
        let mut copied = part.start;
        for (at, char) in text.char_indices() {
            let at = part.start + at;
            let is_last = at + char.len_utf8() == part.end;
            let escaped = match char {
                '\\' => "\\\\".to_owned(),
                _ if char == single && (escapes_all || is_last) => format!("\\{char}"),
                '\n' if quote.len() == 3 => continue,
                '\t' => continue,
                _ if char.is_ascii_control() => format!("\\x{:02x}", u32::from(char)),
                _ => continue,
            };
            self.copy(from, copied..at);
            self.insert(&escaped, from, at..at + char.len_utf8());
            copied = at + char.len_utf8();
        }
        self.copy(from, copied..part.end);
        self.insert(quote, from, last_of(&from.text, &around));
    }
}

fn quote_for(text: &str) -> &'static str {
    match text {
        text if text.contains('\n') && (!text.contains("'''") || text.contains("\"\"\"")) => "'''",
        text if text.contains('\n') => "\"\"\"",
        text if !text.contains('\'') || text.contains('"') => "'",
        _ => "\"",
    }
}

/// The first character of a stretch.
pub(super) fn first_of(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(range.start);
    start..text.ceil_char_boundary((start + 1).min(range.end.max(start)))
}

/// The last character of a stretch.
pub(super) fn last_of(text: &str, range: &Range<usize>) -> Range<usize> {
    text.floor_char_boundary(range.end.saturating_sub(1).max(range.start))..range.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_mean_what_was_written() {
        for (text, expected) in [
            ("ls", "'ls'"),
            ("it's", "\"it's\""),
            ("a'\"b", "'a\\'\"b'"),
            ("a\\n\u{1}\t", "'a\\\\n\\x01\t'"),
            ("a\nb\n", "'''a\nb\n'''"),
            ("'''\n", "\"\"\"'''\n\"\"\""),
            ("it's\n'", "'''it's\n\\''''"),
            ("'''\n\"\"\"", "'''\\'\\'\\'\n\"\"\"'''"),
            ("", "''"),
        ] {
            let from = Mapped::of(text, 0..text.len());
            let mut out = Mapped::default();
            out.literal(&from, 0..text.len());
            assert_eq!(out.text, expected);
            assert_eq!(out.map.length(), out.text.len());
        }
    }
}
