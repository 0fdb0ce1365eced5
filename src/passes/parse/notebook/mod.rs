//! Jupyter notebooks: the Python of their cells, judged cell by cell as IPython runs it.
//!
//! What is judged and scanned is a derived text: all code cells in order, IPython's own syntax made into Python
//! (`magics`), each character with its place in the file (`json`, `mapped`, and [`Origin`]). Each cell is judged
//! on its own, so that an error in one hides no error of another; the tree is one, so that an import in cell 1 is known
//! in cell 3. Cells that do not parse come last in the derived text, where they can hide nothing from the scan, and after
//! them the bodies of cell magics in other languages, each with its own tree.
//!
//! All else in the file (Markdown, outputs, metadata) is a second derived text, for the rules over text.

mod cells;
mod cleanup;
mod json;
mod lines;
mod magics;
mod mapped;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::file::Basis;
use super::javascript::{Frame, Goal};
use super::problem::{Judged, Problem};
use super::python::Form;
use super::{Region, data, html, javascript, python, tree};
use crate::artifact::{CellStretch, OffsetMap, Origin, SourceText};
use crate::language::Language;
use cells::Cell;
use json::Document;
use magics::Translated;
use mapped::Mapped;

/// How much larger than other files a notebook may be: most of it is pictures.
pub(super) const SIZE_FACTOR: u64 = 8;

/// Bodies of cell magics in other languages that are looked into, in one notebook.
const EMBEDDED_MAX: usize = 100;

/// Spaces that all pages of one notebook are judged behind, in bytes.
const PADDING_BYTES_MAX: usize = 16 << 20;

/// Judges a notebook. Where there is a text to judge, it comes with the judgement.
pub(super) fn judge(path: &str, file: &SourceText, basis: Basis<'_>) -> Judged {
    match read(file.as_str(), basis) {
        Ok((document, cells)) => judge_cells(path, file, &document, &cells, basis),
        Err(problem) => Judged { problems: vec![problem], ..Judged::default() },
    }
}

fn read<'t>(text: &'t str, basis: Basis<'_>) -> Result<(Document<'t>, Vec<Cell>), Problem> {
    if let Some(problem) = data::json(text, 0, basis.policy) {
        return Err(problem);
    }
    if text.starts_with('\u{feff}') {
        let problem = Problem::new(cells::RULE, "a notebook that begins with a byte order mark is refused", 0..3);
        return Err(problem.hint("save it as UTF-8 without a byte order mark"));
    }
    let document = Document::read(text).map_err(|json::Repeated(key, range)| {
        let key: String = key.chars().take(60).collect();
        let message = format!("the key `{key}` stands twice in one object, and readers may take either value");
        Problem::new(cells::RULE, message, range)
    })?;
    let cells = cells::read(&document)?;
    Ok((document, cells))
}

fn judge_cells(path: &str, file: &SourceText, document: &Document<'_>, cells: &[Cell], basis: Basis<'_>) -> Judged {
    let written = match Written::read(file.as_str(), cells) {
        Ok(written) => written,
        Err(problem) => return Judged { problems: vec![problem], ..Judged::default() },
    };
    let most = basis.policy.file_bytes_max.bytes();
    if written.text.len() as u64 > most {
        let message = format!("the cells have {} bytes of code; at most {most} are parsed", written.text.len());
        let problem =
            Problem::whole("file-too-large-to-parse", message).hint("split the notebook, or raise `file_bytes_max`");
        return Judged { problems: vec![problem], ..Judged::default() };
    }
    let mut derived = Derived::default();
    let mut broken = Vec::new();
    for cell in &written.cells {
        let translated = magics::translate(&Mapped::of(&written.text, cell.source.clone()));
        // A lone carriage return ends a line; as a text of its own it does so already.
        let code = SourceText::from_utf8(translated.python.text.as_str());
        let problems = python::verdict(code.as_str(), Form::Cell, basis);
        let problems: Vec<Problem> = problems.into_iter().chain(translated.problem.clone()).collect();
        if problems.iter().any(Problem::is_fatal) {
            broken.push((translated, problems));
        } else {
            derived.add_cell(translated, problems);
        }
    }
    derived.finish(path, broken, basis);
    let rest = rest(file, document, cells);
    let origin = Origin {
        file: file.clone(),
        written: SourceText::from_utf8(written.text),
        to_written: derived.python.map,
        to_file: written.map,
        cells: written.cells,
    };
    Judged {
        problems: derived.problems,
        dialect: Some(basis.target.python.name()),
        regions: derived.regions,
        text: Some(SourceText::derived(derived.python.text, origin)),
        rest: Some(rest),
        ..Judged::default()
    }
}

/// What the author wrote: the sources of all code cells, one after another.
#[derive(Default)]
struct Written {
    text: String,
    map: OffsetMap,
    cells: Vec<CellStretch>,
}

impl Written {
    fn read(file: &str, cells: &[Cell]) -> Result<Self, Problem> {
        let mut written = Self::default();
        for cell in cells.iter().filter(|cell| cell.is_code) {
            let start = written.text.len();
            for string in &cell.strings {
                json::decode(file, string.clone(), &mut written.text, &mut written.map).map_err(|half| {
                    let message = format!("cell {} holds half a character, which is no source code", cell.index);
                    Problem::new("undecodable-text", message, half)
                })?;
            }
            if let Some(at) = written.text[start..].find('\0') {
                let place = written.map.range(start + at..start + at + 1);
                return Err(Problem::new("undecodable-text", "source code cannot contain null bytes", place));
            }
            if !written.text[start..].ends_with('\n') {
                written.text.push('\n');
                let end = cell.strings.last().map_or(0..0, |last| last.end - 1..last.end);
                written.map.stand_for(1, end);
            }
            let index = u32::try_from(cell.index).unwrap_or(u32::MAX);
            written.cells.push(CellStretch { index, source: start..written.text.len() });
        }
        Ok(written)
    }
}

/// The text that is judged and scanned, as it grows.
#[derive(Default)]
struct Derived {
    python: Mapped,
    problems: Vec<Problem>,
    regions: Vec<Region>,
    embedded: Vec<(Language, Mapped)>,
    /// Spaces that pages were judged behind, in bytes.
    padding: usize,
}

impl Derived {
    fn add_cell(&mut self, cell: Translated, problems: Vec<Problem>) {
        self.embedded.extend(cell.embedded);
        let start = self.add(&cell.python);
        self.shift(problems, start);
    }

    fn add(&mut self, text: &Mapped) -> usize {
        let start = self.python.text.len();
        self.python.copy(text, 0..text.text.len());
        start
    }

    fn shift(&mut self, problems: Vec<Problem>, by: usize) {
        self.problems.extend(problems.into_iter().map(|problem| problem.moved(by)));
    }

    /// Adds what follows the valid cells, and makes the trees.
    fn finish(&mut self, path: &str, broken: Vec<(Translated, Vec<Problem>)>, basis: Basis<'_>) {
        let valid = self.python.text.len();
        for (cell, problems) in broken {
            self.add_cell(cell, problems);
        }
        let all = self.python.text.len();
        let mut embedded: Vec<(Language, Range<usize>)> = Vec::new();
        for (language, text) in std::mem::take(&mut self.embedded) {
            let start = self.add(&text);
            embedded.push((language, start..start + text.text.len()));
        }
        // The text as a file of its own would be read: a lone carriage return ends a line.
        let text = SourceText::from_utf8(self.python.text.as_str());
        let text = text.as_str();
        let ground = tree::Ground::new(text, basis.policy.tree_bytes_max.bytes());
        match python::lowered(path, &text[..valid], basis) {
            Some(lowered) => self.regions.push(Region::strict(Language::Python, 0..valid, lowered, basis.policy)),
            None => self.tree(Language::Python, &ground, 0..valid),
        }
        if valid < all {
            self.tree(Language::Python, &ground, valid..all);
        }
        if let Some((_, range)) = embedded.get(EMBEDDED_MAX) {
            let message = format!("more than {EMBEDDED_MAX} cells in other languages in one notebook");
            self.problems.push(Problem::new("parse-limit", message, range.start..range.start + 1));
        }
        for (language, range) in embedded.into_iter().take(EMBEDDED_MAX) {
            self.embedded_code(language, text, &ground, range, basis);
        }
    }

    fn tree(&mut self, language: Language, ground: &tree::Ground<'_>, range: Range<usize>) {
        let is_too_deep = |problem: &Problem| {
            problem.rule == "nesting-too-deep"
                && problem.range.as_ref().is_some_and(|place| range.contains(&place.start))
        };
        if self.problems.iter().any(is_too_deep) {
            return;
        }
        match ground.tree(language, range.clone()) {
            Ok(Some(tree)) => self.regions.push(Region::tolerant(language, range, tree)),
            Ok(None) => {}
            Err(problem) => self.problems.push(problem),
        }
    }

    /// Judges the body of a cell magic.
    fn embedded_code(
        &mut self,
        language: Language,
        text: &str,
        ground: &tree::Ground<'_>,
        range: Range<usize>,
        basis: Basis<'_>,
    ) {
        let code = &text[range.clone()];
        match language {
            Language::Html => {
                self.padding += range.start;
                if self.padding > PADDING_BYTES_MAX {
                    let message = "the notebook holds more pages than are looked into";
                    self.problems.push(Problem::new("parse-limit", message, range.start..range.start + 1));
                    return;
                }
                // The page is judged where it stands: behind as many spaces as there is text before it.
                let page = html::judge(&format!("{}{code}", " ".repeat(range.start)), basis);
                self.problems.extend(page.problems);
                let start = range.start;
                self.tree(Language::Html, ground, range);
                self.regions.extend(page.regions.into_iter().filter(|region| region.range.start >= start));
                return;
            }
            Language::JavaScript => {
                match javascript::judge_inline(code, range.start, (Goal::SCRIPT, Frame::File), basis) {
                    Ok(Some(lowered)) => {
                        self.regions.push(Region::strict(language, range, lowered, basis.policy));
                        return;
                    }
                    Ok(None) => {}
                    Err(problems) => self.problems.extend(problems),
                }
            }
            _ => {
                let problems = python::verdict(code, Form::Module, basis);
                self.shift(problems, range.start);
            }
        }
        self.tree(language, ground, range);
    }
}

/// All of the file but its code, with the escapes of strings undone. The sources of the other cells are cells here too.
fn rest(file: &SourceText, document: &Document<'_>, cells: &[Cell]) -> SourceText {
    let text = file.as_str();
    let mut sources = cells.iter().flat_map(|cell| cell.strings.iter().map(move |string| (cell, string))).peekable();
    let (mut out, mut map) = (String::with_capacity(text.len()), OffsetMap::default());
    let mut stretches: Vec<CellStretch> = Vec::new();
    let mut at = 0;
    let mut previous = None;
    for string in &document.strings {
        let cell = sources.next_if(|(_, next)| *next == string).map(|(cell, _)| cell);
        let index = cell.map(|cell| cell.index);
        // What stands between the strings of one source is no part of it.
        if index.is_none() || index != previous {
            let before = at..string.start + 1;
            out.push_str(&text[before.clone()]);
            map.copy(before);
        }
        (at, previous) = (string.end - 1, index);
        if cell.is_some_and(|cell| cell.is_code) {
            continue;
        }
        let start = out.len();
        // Half a character in an output is no fault of the code; U+FFFD stands for it.
        let _half = json::decode(text, string.clone(), &mut out, &mut map);
        if let Some(cell) = cell {
            let index = u32::try_from(cell.index).unwrap_or(u32::MAX);
            match stretches.last_mut() {
                Some(last) if last.index == index => last.source.end = out.len(),
                _ => stretches.push(CellStretch { index, source: start..out.len() }),
            }
        }
    }
    out.push_str(&text[at..]);
    map.copy(at..text.len());
    let origin = Origin {
        file: file.clone(),
        written: SourceText::from_utf8(out.as_str()),
        to_written: OffsetMap::identity(out.len()),
        to_file: map,
        cells: stretches,
    };
    SourceText::derived(out, origin)
}
