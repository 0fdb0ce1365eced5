//! Decoded text of a finding: how it is told, which of its lines is meant, and what of it is marked.

use std::ops::Range as Bytes;

use super::sanitize;
use crate::report::Decoded;

/// Codes that are named; of more it is said how many there are.
const LAYERS_MAX: usize = 8;

/// `base64, zlib: python, 56 bytes, here line 2`. Sanitized.
pub(super) fn told(decoded: &Decoded) -> String {
    let Decoded { language, bytes, range, .. } = decoded;
    let place = range.map(|range| format!(", here line {}", range.start.line)).unwrap_or_default();
    let cut = if decoded.truncated { format!(", {} of them shown", decoded.text.len()) } else { String::new() };
    let plural = if *bytes == 1 { "" } else { "s" };
    format!("{}: {}, {bytes} byte{plural}{cut}{place}", layers(decoded), sanitize::line(language))
}

/// `base64, zlib`. Sanitized.
pub(super) fn layers(decoded: &Decoded) -> String {
    let named: Vec<_> = decoded.layers.iter().take(LAYERS_MAX).map(|layer| sanitize::line(layer)).collect();
    let more = decoded.layers.len().saturating_sub(LAYERS_MAX);
    if more > 0 { format!("{} and {more} more", named.join(", ")) } else { named.join(", ") }
}

/// The bytes of the shown text that are the fault, where it is in it.
pub(super) fn marked(decoded: &Decoded) -> Option<Bytes<usize>> {
    let range = decoded.range?;
    let text = &decoded.text;
    let at = |offset: usize| text.floor_char_boundary(offset.saturating_sub(decoded.offset).min(text.len()));
    let (start, end) = (at(range.start.offset), at(range.end.offset));
    (range.start.offset >= decoded.offset && start < end).then_some(start..end)
}

/// The number of the line of the whole that the shown text begins on.
pub(super) fn first_line(decoded: &Decoded) -> u32 {
    let Some((range, marked)) = decoded.range.zip(marked(decoded)) else { return 1 };
    let before = decoded.text[..marked.start].matches('\n').count();
    range.start.line.saturating_sub(u32::try_from(before).unwrap_or(u32::MAX)).max(1)
}

/// The line that is meant: that of the fault, or the first one that says something.
pub(super) fn line(decoded: &Decoded) -> &str {
    let at = marked(decoded).map_or(0, |marked| decoded.text[..marked.start].rfind('\n').map_or(0, |at| at + 1));
    decoded.text[at..].lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Position, Range};

    fn decoded(text: &str, offset: usize, bytes: usize, range: Option<(u32, usize, usize)>) -> Decoded {
        let position = |line, offset| Position { line, column: 1, offset };
        Decoded {
            layers: vec!["base64".into(), "zlib".into()],
            language: "python".into(),
            text: text.to_owned(),
            offset,
            bytes,
            truncated: bytes != text.len(),
            range: range.map(|(line, start, end)| Range { start: position(line, start), end: position(line, end) }),
        }
    }

    #[test]
    fn the_line_of_the_fault_is_told() {
        let whole = decoded("import os\nos.f()\n", 0, 17, Some((2, 10, 16)));
        assert_eq!((told(&whole).as_str(), line(&whole)), ("base64, zlib: python, 17 bytes, here line 2", "os.f()"));
        assert_eq!((marked(&whole), first_line(&whole)), (Some(10..16), 1));
        let part = decoded("b\nos.f()", 5000, 9000, Some((41, 5002, 5008)));
        assert_eq!((marked(&part), first_line(&part), line(&part)), (Some(2..8), 40, "os.f()"));
        assert_eq!(told(&part), "base64, zlib: python, 9000 bytes, 8 of them shown, here line 41");
        let call = decoded("\n\nx", 0, 3, None);
        assert_eq!((marked(&call), first_line(&call), line(&call)), (None, 1, "x"));
    }

    #[test]
    fn a_report_that_is_wrong_about_its_text_marks_nothing() {
        for range in [(1, 0, 3), (1, 90, 95), (1, 11, 11), (9, 12, usize::MAX)] {
            let wrong = decoded("é\nb", 10, 99, Some(range));
            assert!(marked(&wrong).is_none_or(|marked| wrong.text.get(marked).is_some()));
            let _line = (line(&wrong), first_line(&wrong));
        }
    }
}
