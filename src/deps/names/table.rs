//! A table of names as it stands in a file: text that is searched as it is, so that opening it costs nothing.
//!
//! A line is a name, or a name, a blank and what is said of it. Lines are sorted by their names, letters alike in both
//! cases and `-`, `_` and `.` alike, so that a name is found however it is written. Lines at the top that begin with `#`
//! say where the names are from.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::super::name::NAME_BYTES_MAX;

/// The longest line that is taken, in bytes.
const LINE_BYTES_MAX: usize = 2 * NAME_BYTES_MAX + 64;

/// Lines that may have one name, however it is written.
const SPELLINGS_MAX: usize = 16;

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    text: Cow<'static, str>,
    /// Where the lines begin that are not about the file.
    start: usize,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Counted from 1.
    pub(super) line: usize,
    /// A lower-case fragment.
    pub(super) message: String,
}

impl Table {
    /// A table that comes with vetrun, whose form a test holds.
    pub(super) const fn builtin(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        let (mut start, mut at) = (0, 0);
        while at < bytes.len() && bytes[start] == b'#' {
            if bytes[at] == b'\n' {
                start = at + 1;
                if start == bytes.len() {
                    break;
                }
            }
            at += 1;
        }
        Self { text: Cow::Borrowed(text), start }
    }

    /// A table from a file of at most `lines_max` names, each of which `check` has looked at with what is said of it.
    pub(super) fn read(
        text: String,
        lines_max: usize,
        check: impl Fn(&str, &str) -> Result<(), String>,
    ) -> Result<Self, Fault> {
        let start = header_bytes(&text);
        let before = text[..start].matches('\n').count();
        let mut last: Option<&str> = None;
        for (at, line) in text[start..].lines().enumerate() {
            let number = before + at + 1;
            let fault = |message: String| Fault { line: number, message };
            if at == lines_max {
                return Err(fault(format!("more than {lines_max} names")));
            }
            if line.len() > LINE_BYTES_MAX {
                return Err(fault(format!("a line of more than {LINE_BYTES_MAX} bytes")));
            }
            let (name, said) = parts(line);
            check(name, said).map_err(fault)?;
            if let Some(last) = last.filter(|last| order(last, name) != Ordering::Less) {
                return Err(fault(format!("`{name}` stands after `{last}` (sort the lines, each name once)")));
            }
            last = Some(name);
        }
        Ok(Self { text: Cow::Owned(text), start })
    }

    /// The lines whose names are `name` but for how it is written: the name, and what is said of it.
    pub(super) fn rows<'t>(&'t self, name: &str) -> impl Iterator<Item = (&'t str, &'t str)> + use<'t> {
        let first = self.first(name);
        let name = name.to_owned();
        let rows = self.text[first..].lines().take(SPELLINGS_MAX).map(parts);
        rows.take_while(move |(row, _)| folded(row).eq(folded(&name)))
    }

    /// What is said of exactly this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.rows(name).find_map(|(row, said)| (row == name).then_some(said))
    }

    /// Whether it holds the name, however it is written.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.rows(name).next().is_some()
    }

    /// All lines: where each begins, its name and what is said of it.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        let mut at = self.start;
        self.text[self.start..].split_terminator('\n').map(move |line| {
            let start = at;
            at += line.len() + 1;
            let (name, said) = parts(line);
            (start, name, said)
        })
    }

    /// The line that begins at `start`, as [`Table::lines`] has it.
    pub(super) fn at(&self, start: usize) -> (&str, &str) {
        let rest = self.text.get(start..).unwrap_or_default();
        parts(rest.split_once('\n').map_or(rest, |(line, _)| line))
    }

    /// The bytes, for a digest.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Where the first line begins whose name is not less than `name`, by a search for it that halves the text.
    fn first(&self, name: &str) -> usize {
        let bytes = self.text.as_bytes();
        let (mut low, mut high) = (self.start, bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let line = memchr::memrchr(b'\n', &bytes[low..middle]).map_or(low, |at| low + at + 1);
            let end = memchr::memchr(b'\n', &bytes[line..]).map_or(bytes.len(), |at| line + at);
            if folded(parts(&self.text[line..end]).0).lt(folded(name)) {
                low = (end + 1).min(bytes.len());
            } else {
                high = line;
            }
        }
        low
    }
}

/// The bytes of the lines at the top that begin with `#`.
fn header_bytes(text: &str) -> usize {
    text.split_inclusive('\n').take_while(|line| line.starts_with('#')).map(str::len).sum()
}

fn parts(line: &str) -> (&str, &str) {
    // A byte can be sought faster than a character, and a blank is one byte.
    match memchr::memchr(b' ', line.as_bytes()) {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, ""),
    }
}

/// The order of lines.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    folded(a).cmp(folded(b)).then_with(|| a.cmp(b))
}

/// A name as it is compared.
fn folded(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes().map(|byte| match byte {
        b'_' | b'.' => b'-',
        byte => byte.to_ascii_lowercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# names\n# from somewhere\na 1\nb-c 2\nB.d 3\nb_D 4\nb_d 5\nz\n";

    fn any(_: &str, _: &str) -> Result<(), String> {
        Ok(())
    }

    #[test]
    fn each_name_is_found_and_no_other() {
        for table in [Table::builtin(TEXT), Table::read(TEXT.to_owned(), 6, any).expect("it is sorted")] {
            for (name, said) in
                [("a", Some("1")), ("b-c", Some("2")), ("B.d", Some("3")), ("b_d", Some("5")), ("z", Some(""))]
            {
                assert_eq!(table.get(name), said, "{name}");
            }
            for name in ["", "0", "aa", "b", "b-d", "zz", "#", "# names"] {
                assert_eq!(table.get(name), None, "{name}");
            }
            assert!(table.holds("B_C") && !table.holds("b"));
            assert_eq!(table.rows("b-d").map(|(_, said)| said).collect::<Vec<_>>(), ["3", "4", "5"]);
            let second = table.lines().nth(1).expect("there are five");
            assert_eq!((second.1, table.at(second.0)), ("b-c", ("b-c", "2")));
        }
        for empty in ["", "# nothing\n", "# nothing"] {
            assert_eq!(Table::builtin(empty).get("a"), None);
            assert_eq!(Table::read(empty.to_owned(), 1, any).expect("it has no line").get("a"), None);
        }
    }

    #[test]
    fn what_cannot_be_searched_is_refused_with_its_line() {
        for (text, line) in [("# x\nb\na\n", 3), ("a\na\n", 2), ("a\nb\nc\nd\n", 4), (&"x".repeat(400), 1)] {
            assert_eq!(Table::read(text.to_owned(), 3, any).expect_err("it is refused").line, line, "{text:.20}");
        }
        let fault =
            Table::read("a 1\nb 2\n".to_owned(), 9, |name, _| if name == "b" { Err("bad".into()) } else { Ok(()) });
        assert_eq!(fault.expect_err("`b` is refused"), Fault { line: 2, message: "bad".to_owned() });
    }
}
