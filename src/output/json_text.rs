//! JSON that is safe to print: what acts on a terminal, a reader's eye or a CI runner is written as `\u…` escapes.
//!
//! JSON itself asks for escapes only below U+0020. The same characters that [`sanitize`] makes visible
//! are escaped here, which changes nothing for a program that reads the JSON.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::sanitize;

/// Writes `value` as indented JSON with a line feed at its end.
///
/// # Errors
/// What `out` returned.
pub fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Safe(PrettyFormatter::new())))?;
    out.write_all(b"\n")
}

/// Writes `value` as one line of JSON with a line feed at its end.
///
/// # Errors
/// What `out` returned.
pub fn write_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Safe(CompactFormatter)))?;
    out.write_all(b"\n")
}

/// Whether a text holds nothing that could be a hazard: printable characters of ASCII, and no `#`.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'#')
}

/// A formatter that escapes more than it must.
struct Safe<F>(F);

impl<F: Formatter> Formatter for Safe<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Most texts are plain, and there are many.
        if is_plain(fragment) {
            return self.0.write_string_fragment(writer, fragment);
        }
        let mut written = 0;
        for (at, char) in fragment.char_indices() {
            if sanitize::is_hazard_at(fragment, at, char) {
                self.0.write_string_fragment(writer, &fragment[written..at])?;
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                written = at + char.len_utf8();
            }
        }
        self.0.write_string_fragment(writer, &fragment[written..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_reads_back_as_it_was_and_shows_nothing_hostile(chars in any::<Vec<Vec<char>>>()) {
            let texts: Vec<String> = chars.iter().map(|text| text.iter().collect()).collect();
            let mut line = Vec::new();
            write_line(&texts, &mut line).expect("a vector takes everything");
            let line = String::from_utf8(line).expect("JSON is UTF-8");
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&line).expect("it is JSON"), texts);
            prop_assert!(!line.trim_end_matches('\n').chars().any(sanitize::is_hazard));
        }
    }

    #[test]
    fn invisible_characters_are_escaped() {
        let mut out = Vec::new();
        write_pretty(&["\u{202e}\u{9b}\u{e0041} ##vso[x]"], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "[\n  \"\\u202e\\u009b\\udb40\\udc41 #\\u0023vso[x]\"\n]\n");
    }
}
