//! Inline script metadata (PEP 723): the `# /// script` block of a Python file.

use std::ops::Range;

use memchr::memmem;

/// How the first line of a block begins.
const OPENING: &str = "# /// ";

/// A block: its type, its content without the comment signs, and where each line of it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    pub(super) kind: &'a str,
    pub(super) content: String,
    /// The whole block in the file.
    pub(super) range: Range<usize>,
    /// For each content line: its offset in `content`, its offset in the file.
    lines: Vec<(usize, usize)>,
}

impl Block<'_> {
    /// Where a stretch of the content stands in the file.
    pub(super) fn in_file(&self, range: Range<usize>) -> Range<usize> {
        let place = |offset: usize| {
            let line = self.lines.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
            self.lines.get(line).map_or(self.range.start, |(start, file)| file + (offset - start))
        };
        place(range.start)..place(range.end).max(place(range.start))
    }
}

/// All blocks, found exactly as the regular expression of the PEP finds them:
/// `(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$`, with every line ending read as `\n`.
///
/// A block runs to the *last* closing line of its unbroken run of comment lines. One pass over the lines: a run in
/// which no closing line follows an opening one is left behind as a whole.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    if memmem::find(text.as_bytes(), OPENING.as_bytes()).is_none() {
        return Vec::new();
    }
    let lines = lines(text);
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(kind) = opening(lines[at].1) else {
            at += 1;
            continue;
        };
        let run = lines[at + 1..].iter().take_while(|(_, line)| is_content(line)).count();
        let closing = (at + 2..at + 1 + run).rev().find(|&line| lines[line].1 == "# ///");
        if let Some(closing) = closing {
            blocks.push(block(kind, &lines, at, closing));
        }
        at = closing.unwrap_or(at + run) + 1;
    }
    blocks
}

/// The lines with their offsets, without their endings.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut start = 0;
    let with_offset = text.split_inclusive('\n').map(|line| {
        let at = start;
        start += line.len();
        let line = line.strip_suffix('\n').unwrap_or(line);
        (at, line.strip_suffix('\r').unwrap_or(line))
    });
    with_offset.collect()
}

fn opening(line: &str) -> Option<&str> {
    let kind = line.strip_prefix(OPENING)?;
    let sound = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    sound.then_some(kind)
}

fn is_content(line: &str) -> bool {
    line == "#" || line.starts_with("# ")
}

fn block<'a>(kind: &'a str, lines: &[(usize, &str)], opening: usize, closing: usize) -> Block<'a> {
    let mut content = String::new();
    let mut places = Vec::new();
    for (at, line) in &lines[opening + 1..closing] {
        let text = line.strip_prefix("# ").unwrap_or("");
        places.push((content.len(), at + line.len() - text.len()));
        content.push_str(text);
        content.push('\n');
    }
    let range = lines[opening].0..lines[closing].0 + lines[closing].1.len();
    Block { kind, content, range, lines: places }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, String)> {
        blocks(text).into_iter().map(|block| (block.kind, block.content)).collect()
    }

    #[test]
    fn blocks_are_found_as_the_reference_expression_finds_them() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("# /// script\n# dependencies = []\n# ///\n", &[("script", "dependencies = []\n")]),
            ("# /// script\r\n# a = 1\r\n#\r\n# ///\r\nx", &[("script", "a = 1\n\n")]),
            ("# /// script\n# a\n# ///", &[("script", "a\n")]),
            // The last closing line counts.
            ("# /// script\n# a\n# ///\n# b\n# ///\n", &[("script", "a\n///\nb\n")]),
            // No content, no block.
            ("# /// script\n# ///\n", &[]),
            ("# /// script\n# a\n\n# ///\n", &[]),
            ("# /// script\n#a\n# ///\n", &[]),
            ("# /// script \n# a\n# ///\n", &[]),
            (" # /// script\n# a\n# ///\n", &[]),
            ("# /// script\n# a\n# /// \n", &[]),
            ("# /// a_b\n# a\n# ///\n", &[]),
            ("# /// x\n# /// script\n# a\nz\n# /// script\n# b\n# ///\n", &[("script", "b\n")]),
            ("# /// one\n# a\n# ///\n\n# /// two\n# b\n# ///\n", &[("one", "a\n"), ("two", "b\n")]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(kind, content)| (*kind, (*content).to_owned())).collect();
            assert_eq!(found(text), expected, "{text:?}");
        }
    }

    #[test]
    fn places_in_the_content_are_places_in_the_file() {
        let text = "x = 1\n# /// script\n# dependencies = [\n#   'abc',\n# ]\n# ///\n";
        let block = &blocks(text)[0];
        let at = block.content.find("abc").unwrap();
        assert_eq!(&text[block.in_file(at..at + 3)], "abc");
    }

    #[test]
    fn many_openings_without_an_end_take_linear_time() {
        assert!(blocks(&"# /// script\n".repeat(200_000)).is_empty());
    }
}
