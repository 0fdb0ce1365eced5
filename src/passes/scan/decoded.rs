//! What a finding shows of text that was decoded before it is run.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::ops::Range;
use std::rc::Rc;

use memchr::memmem;

use super::layers::Layer;
use super::limits;
use super::trail::{COMPUTED, ESCAPES};
use crate::artifact::SourceText;
use crate::facts::literal;
use crate::finding::Decoded;

/// A text that is run, with how it is hidden in the text around it.
#[derive(Debug)]
pub(super) struct Told {
    layer: Layer,
    /// As it was scanned.
    text: SourceText,
    codecs: OnceCell<Option<Vec<&'static str>>>,
}

/// The file around all texts that it runs, and how much may still be said of those.
pub(super) struct Around<'a> {
    source: &'a str,
    /// Bytes that may still be searched for what stands there plainly.
    search: Cell<usize>,
    /// Bytes of decoded texts that may still be shown.
    room: Cell<usize>,
}

impl<'a> Around<'a> {
    pub(super) fn of(source: &'a str) -> Self {
        Self {
            source,
            search: Cell::new(limits::PLAIN_SEARCH_BYTES_MAX),
            room: Cell::new(limits::DECODED_TOTAL_BYTES_MAX),
        }
    }

    /// How much of a text there is room for.
    fn most(&self, text: &str) -> usize {
        let most = limits::DECODED_BYTES_MAX.min(self.room.get()).max(limits::DECODED_BYTES_MIN);
        self.room.set(self.room.get().saturating_sub(text.len().min(most)));
        most
    }

    /// Whether all words of `text` stand in `around`, one after the other: whoever reads the one has read the other. The
    /// search begins at `from`. `None` where there was too much to search through.
    fn is_plain(&self, text: &str, around: &str, from: usize) -> Option<bool> {
        for from in [from, 0] {
            let rest = around.get(from..).unwrap_or(around).as_bytes();
            let left = self.search.get().checked_sub(rest.len())?;
            let (found, searched) = words_in_order(text, rest);
            self.search.set(left + rest.len() - searched);
            if found || from == 0 {
                return Some(found);
            }
        }
        Some(false)
    }
}

/// Whether the words of a text stand in another one after the other, and how much of that was searched.
fn words_in_order(text: &str, within: &[u8]) -> (bool, usize) {
    let is_between = |char: char| !char.is_alphanumeric() && char != '_';
    let mut at = 0;
    for word in text.split(is_between).filter(|word| !word.is_empty()) {
        match memmem::find(&within[at..], word.as_bytes()) {
            Some(found) => at += found + word.len(),
            None => return (false, within.len()),
        }
    }
    (true, at)
}

impl Told {
    pub(super) fn of(layer: Layer, text: SourceText) -> Rc<Self> {
        Rc::new(Self { layer, text, codecs: OnceCell::new() })
    }

    /// The text, as the code around it has it.
    pub(super) fn own(&self) -> &str {
        &self.layer.text
    }

    /// Whether it is written into a file, not run.
    pub(super) fn is_written(&self) -> bool {
        self.layer.written
    }

    /// Whether it is what stands at its place itself, with its variables put in.
    pub(super) fn is_restated(&self) -> bool {
        self.layer.is_restated
    }

    /// Whether no other is around it.
    pub(super) fn is_first(&self) -> bool {
        self.layer.outer.is_none()
    }

    /// The codes that it is hidden in, the outermost first; none where it stands plainly in the file, and `None` where that
    /// is not known.
    fn codecs(&self, around: &Around<'_>) -> Option<&[&'static str]> {
        self.codecs.get_or_init(|| self.unhidden(around)).as_deref()
    }

    fn unhidden(&self, around: &Around<'_>) -> Option<Vec<&'static str>> {
        let outer = self.layer.outer.as_ref();
        let mut all = outer.map_or(Some([].as_slice()), |outer| outer.codecs(around))?.to_vec();
        if let Some(codec) = self.layer.codec {
            all.push(codec);
            return Some(all);
        }
        let (codecs, data) = match &self.layer.trail {
            Some(trail) => trail.codecs(&self.layer.text),
            None => (Vec::new(), self.layer.text.as_bytes()),
        };
        let (source, from) = match outer {
            Some(outer) => (outer.text.as_str(), 0),
            None => (around.source, self.layer.start),
        };
        // Data that is no text is no literal either.
        let data = String::from_utf8_lossy(data);
        if !around.is_plain(&data, source, from)? {
            let is_escaped = source.contains('\\') && {
                let undone = literal::python_text(source, false);
                around.is_plain(&data, &undone, 0)?
            };
            all.push(if is_escaped { ESCAPES } else { COMPUTED });
        }
        all.extend(codecs);
        Some(all)
    }

    /// What a finding shows of it: `range` is where it was found there, if it was. `None` where nothing was decoded.
    pub(super) fn decoded(&self, range: Option<Range<usize>>, around: &Around<'_>) -> Option<Decoded> {
        let codecs = self.codecs(around).filter(|codecs| !codecs.is_empty())?;
        let text = self.text.as_str();
        let shown = window(text, range.clone(), around.most(text));
        Some(Decoded {
            layers: codecs.iter().map(|codec| Cow::Borrowed(*codec)).collect(),
            language: Cow::Borrowed(self.layer.tongue.name()),
            text: text[shown.clone()].to_owned(),
            offset: shown.start,
            bytes: text.len(),
            truncated: shown.len() < text.len(),
            range: range.map(|range| self.text.range(range)),
        })
    }
}

/// What a finding shows of the text that a call of the file itself runs, where it is about that call.
pub(super) fn at(first: &[Rc<Told>], place: Range<usize>, around: &Around<'_>) -> Option<Decoded> {
    let is_about = |told: &&Rc<Told>| told.layer.start == place.start && place.end <= told.layer.end;
    first.iter().filter(is_about).find_map(|told| told.decoded(None, around))
}

/// The part of a text of at most so many bytes that holds the beginning of `range`: whole lines before that, where they fit.
fn window(text: &str, range: Option<Range<usize>>, most: usize) -> Range<usize> {
    if text.len() <= most {
        return 0..text.len();
    }
    let wanted = range.map_or(0, |range| range.start.min(text.len()));
    let first = wanted.saturating_sub(most / 4).min(text.len() - most);
    let line = text.as_bytes()[first..wanted].iter().position(|&byte| byte == b'\n');
    let start = if first == 0 { 0 } else { line.map_or(first, |at| first + at + 1) };
    let start = text.floor_char_boundary(start);
    start..text.floor_char_boundary((start + most).min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_the_place_and_whole_characters() {
        let text = "é\n".repeat(5000);
        for (place, most) in [(0, 100), (1, 7), (7001, 4096), (14_998, 4096), (15_000, 160)] {
            let shown = window(&text, Some(place..place + 1), most);
            let floor = text.floor_char_boundary(place.min(text.len() - 1));
            assert!(shown.len() <= most && shown.contains(&floor), "{place}: {shown:?}");
            assert!(text.get(shown.clone()).is_some_and(|part| part.starts_with('é')), "{place}: {shown:?}");
        }
        assert_eq!(window("short", None, 10), 0..5);
        let one_line = "x".repeat(9000);
        assert!(window(&one_line, Some(8000..8001), 4096).contains(&8000));
    }

    #[test]
    fn what_can_be_read_in_the_source_is_plain() {
        let plain = |text: &str, source: &str| Around::of(source).is_plain(text, source, 0);
        assert_eq!(plain("import os\nos.system(1)", r#"exec("import os\nos.system(1)")"#), Some(true));
        assert_eq!(plain("say(\"hi\")", r#"eval('say(\"hi\")')"#), Some(true));
        assert_eq!(plain("import os", r#"exec("imp" + "ort os")"#), Some(false));
        assert_eq!(plain("os", r#"exec("\x6f\x73")"#), Some(false));
        assert_eq!(plain("b a", "exec(a + b)"), Some(false));
        let long = "x".repeat(limits::PLAIN_SEARCH_BYTES_MAX + 1);
        assert_eq!(plain("os", &long), None);
    }
}
