//! The artifact: one immutable snapshot of the code to vet, and the texts of its files.
//!
//! Intake reads a path, a folder or a stream once and makes an [`Artifact`]; every pass judges that value, and what
//! runs is written from it. Nothing here does I/O.

mod origin;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use memchr::memchr_iter;
use sha2::{Digest as _, Sha256};

use crate::finding::{Cell, Position, Range, hex};
use crate::language::Language;

pub(crate) use origin::{CellStretch, OffsetMap, Origin};

/// SHA-256 of some bytes, written `sha256:…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first of its bytes.
    pub(crate) const fn first_byte(self) -> u8 {
        self.0[0]
    }

    /// The digest of what `hasher` was fed, for bytes that are never in memory all at once.
    #[must_use]
    pub(crate) fn finish(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One file of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the artifact's root, with `/` between parts; valid UTF-8, no `.` or `..` part.
    pub path: String,
    /// What the file holds.
    pub bytes: Arc<[u8]>,
    /// The digest of the bytes.
    pub digest: Digest,
    /// What the file is written in.
    pub language: Language,
    /// Whether its owner may execute it.
    pub executable: bool,
}

impl SourceFile {
    /// A file of an artifact; its language is told from its name and content.
    #[must_use]
    pub fn new(path: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        let (path, bytes) = (path.into(), bytes.into());
        let language = Language::detect(&path, &bytes);
        Self { digest: Digest::of(&bytes), path, bytes, language, executable: false }
    }

    /// The last part of the path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Something that intake met and did not take into the snapshot. Each becomes a finding: what was not read is never
/// passed over in silence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// The path relative to the root, made printable where it is not UTF-8.
    pub path: String,
    /// Why.
    pub reason: Refusal,
}

/// Why intake did not take an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// A symbolic link; where it points, as text.
    Symlink(String),
    /// A device, FIFO or socket; which.
    Special(&'static str),
    /// A file with more than one name on its file system, so that others may hold it open; how many.
    HardLink(u64),
    /// A name that is not UTF-8, or holds a control character.
    Name,
    /// It could not be read; what the system said.
    Unreadable(String),
    /// It changed while it was read.
    Changed,
    /// A limit of the policy was reached; its name and value.
    Limit(&'static str, u64),
}

/// An immutable snapshot of the code to vet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// What users call it: the folder's or file's name, or the name given for standard input.
    pub name: String,
    /// Where it was read from, for display only; nothing is read from there again.
    pub root: String,
    /// Its files, sorted by path.
    pub files: Vec<SourceFile>,
    /// What was met and not taken, sorted by path.
    pub refused: Vec<Refused>,
    /// What the user's `--exclude` globs left out, sorted; a folder ends in `/` and stands for all that is in it. None
    /// of it is judged, and none of it is run.
    pub excluded: Vec<String>,
    /// One digest for the whole: over each file's path, mode and content.
    pub digest: Digest,
}

impl Artifact {
    /// A snapshot of `files`; sorts them and computes the digest.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        root: impl Into<String>,
        mut files: Vec<SourceFile>,
        mut refused: Vec<Refused>,
    ) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        refused.sort();
        let mut hasher = Sha256::new();
        for file in &files {
            hasher.update((file.path.len() as u64).to_le_bytes());
            hasher.update(file.path.as_bytes());
            hasher.update([u8::from(file.executable)]);
            hasher.update(file.digest.0);
        }
        let digest = Digest(hasher.finalize().into());
        Self { name: name.into(), root: root.into(), files, refused, excluded: Vec::new(), digest }
    }

    /// The file at `path`, if there is one.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok().map(|at| &self.files[at])
    }

    /// The size of all files together, in bytes.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes.len() as u64).sum()
    }
}

/// The text of a file as its engine reads it, with a line index.
///
/// For a UTF-8 file, offsets are offsets in the file. For another encoding the text is the decoded one. A lone carriage
/// return, which CPython and V8 read as the end of a line, is a line feed here, so that no parser or scanner sees other
/// lines than the engine does; that changes no offset.
///
/// The text of a notebook is derived from its file. Then offsets are offsets in the derived text, and positions and
/// snippets are those of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    text: Arc<str>,
    lines: Arc<Lines>,
    /// Where the text comes from, if it was derived.
    origin: Option<Arc<Origin>>,
}

/// The index of a text's lines, made when a place is first asked for: of most files nobody asks. It follows from the text,
/// so that texts are equal whether they have theirs or not.
#[derive(Clone, Debug, Default)]
struct Lines(OnceLock<LineIndex>);

impl PartialEq for Lines {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Lines {}

#[derive(Clone, Debug)]
struct LineIndex {
    /// The offset of each line's first byte.
    starts: Vec<usize>,
    /// How many characters begin before each [`CHARS_STEP`]th byte, so that the column of a place on a long line is found
    /// without counting the line; empty where each byte is a character.
    chars_before: Vec<usize>,
}

impl LineIndex {
    fn of(text: &str) -> Self {
        let mut starts = Vec::with_capacity(text.len() / LINE_BYTES + 1);
        starts.push(0);
        starts.extend(memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        Self { starts, chars_before: chars_before(text) }
    }
}

/// The distance between two places whose characters are counted once and for all, in bytes.
const CHARS_STEP: usize = 1024;

/// A usual length of lines, for which room is made at first.
const LINE_BYTES: usize = 32;

impl SourceText {
    /// The text of a UTF-8 file.
    #[must_use]
    pub fn from_utf8<'t>(text: impl Into<Cow<'t, str>>) -> Self {
        let text = lone_carriage_returns_to_line_feeds(text.into());
        Self { text: text.into(), lines: Arc::default(), origin: None }
    }

    fn lines(&self) -> &LineIndex {
        self.lines.0.get_or_init(|| LineIndex::of(&self.text))
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number of lines; a line feed at the end does not begin another one.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        let ends_open = !self.text.is_empty() && !self.text.ends_with('\n');
        u32::try_from(self.lines().starts.len() - 1 + usize::from(ends_open)).unwrap_or(u32::MAX)
    }

    /// Line `line`, counted from 1, without its line ending; empty past the end.
    #[must_use]
    pub fn line(&self, line: u32) -> &str {
        let at = (line as usize).saturating_sub(1);
        let Some(&start) = self.lines().starts.get(at) else { return "" };
        let end = self.lines().starts.get(at + 1).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// The line that the byte `offset` stands on, counted from 1, in the text itself.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        self.lines().starts.partition_point(|&start| start <= offset)
    }

    /// The position of the byte `offset`; one past the end, or inside a character, is moved back to the nearest.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        match &self.origin {
            Some(origin) => origin.file.own_position(origin.in_file(offset..offset).start),
            None => self.own_position(offset),
        }
    }

    /// The cell that a range of bytes stands in, and its place there; `None` where the file has no cells, and outside
    /// the source of any.
    #[must_use]
    pub fn cell(&self, range: std::ops::Range<usize>) -> Option<Cell> {
        self.origin.as_ref()?.cell(range)
    }

    fn own_position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.lines().starts.partition_point(|&start| start <= offset);
        let start = self.lines().starts[line - 1];
        let column = self.chars_until(offset) - self.chars_until(start) + 1;
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            offset,
        }
    }

    /// How many characters begin before `offset`.
    fn chars_until(&self, offset: usize) -> usize {
        match self.lines().chars_before.get(offset / CHARS_STEP) {
            Some(before) => before + characters(&self.text.as_bytes()[offset / CHARS_STEP * CHARS_STEP..offset]),
            None => offset,
        }
    }

    /// The positions of a range of bytes.
    #[must_use]
    pub fn range(&self, range: std::ops::Range<usize>) -> Range {
        let range = range.start..range.end.max(range.start);
        let (text, range) = match &self.origin {
            Some(origin) => (&origin.file, origin.in_file(range)),
            None => (self, range),
        };
        Range { start: text.own_position(range.start), end: text.own_position(range.end) }
    }

    /// The whole source lines that `range` touches, at most `bytes_max` bytes of them. On a line longer than that, the
    /// piece around the range's start.
    #[must_use]
    pub fn snippet(&self, range: std::ops::Range<usize>, bytes_max: usize) -> String {
        if let Some(origin) = &self.origin {
            return origin.written.snippet(origin.to_written.range(range), bytes_max);
        }
        let start = self.own_position(range.start);
        let last = self.own_position(range.end.max(range.start + 1) - 1);
        let line_start = self.lines().starts[start.line as usize - 1];
        let line_end = self.lines().starts.get(last.line as usize).copied().unwrap_or(self.text.len());
        let from = if start.offset - line_start > bytes_max / 2 {
            self.text.floor_char_boundary(start.offset - bytes_max / 2)
        } else {
            line_start
        };
        let to = self.text.floor_char_boundary(line_end.min(from + bytes_max));
        self.text[from..to].trim_end_matches(['\n', '\r']).to_owned()
    }
}

fn chars_before(text: &str) -> Vec<usize> {
    if text.is_ascii() {
        return Vec::new();
    }
    let mut before = 0;
    let mut all = vec![0];
    for step in text.as_bytes().chunks(CHARS_STEP) {
        before += characters(step);
        all.push(before);
    }
    all
}

/// How many characters begin in a stretch of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

fn lone_carriage_returns_to_line_feeds(text: Cow<'_, str>) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if memchr_iter(b'\r', bytes).all(|at| bytes.get(at + 1) == Some(&b'\n')) {
        return text;
    }
    let mut chars = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(char) = chars.next() {
        let lone = char == '\r' && chars.peek() != Some(&'\n');
        out.push(if lone { '\n' } else { char });
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_bytes() {
        let text = SourceText::from_utf8("é = 1\nß = eval(x)\n");
        assert_eq!(text.position(12), Position { line: 2, column: 5, offset: 12 });
        assert_eq!(text.position(1), Position { line: 1, column: 1, offset: 0 });
        assert_eq!(text.position(999).line, 3);
        assert_eq!(text.line(2), "ß = eval(x)");
        assert_eq!(text.line_count(), 2);
    }

    #[test]
    fn columns_on_a_long_line_count_characters() {
        for unit in ["a", "é", "名a", "😀"] {
            let text = SourceText::from_utf8(format!("x\n{}", unit.repeat(3000)));
            for nth in [0, 1, 341, 342, 511, 512, 1023, 1024, 2999] {
                let position = text.position(2 + nth * unit.len());
                assert_eq!(
                    (position.line, position.column as usize),
                    (2, nth * unit.chars().count() + 1),
                    "{unit} {nth}"
                );
            }
        }
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line() {
        let text = SourceText::from_utf8("# c\rexec(x)\r\ny\n");
        assert_eq!((text.line(1), text.line(2), text.line(3)), ("# c", "exec(x)", "y"));
    }

    #[test]
    fn the_digest_covers_path_mode_and_content() {
        let digest = |path: &str, bytes: &[u8], executable| {
            let file = SourceFile { executable, ..SourceFile::new(path, bytes.to_vec()) };
            Artifact::new("a", "a", vec![file], Vec::new()).digest
        };
        let all =
            [digest("a", b"x", false), digest("b", b"x", false), digest("a", b"y", false), digest("a", b"x", true)];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one));
        }
    }

    #[test]
    fn a_snippet_of_a_long_line_is_cut_around_its_place() {
        let text = SourceText::from_utf8(format!("{}eval(x)", "a".repeat(5000)));
        let snippet = text.snippet(5000..5007, 400);
        assert!(snippet.len() <= 400 && snippet.contains("eval(x)"));
    }
}
