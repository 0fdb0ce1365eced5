//! What IPython takes off a cell before it reads it: empty lines at the start, indentation of the whole cell, prompts that
//! were pasted with the code.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::lines;
use super::mapped::Mapped;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant and a test compiles it")
}

/// A primary and a secondary prompt of doctest.
static PRIMARY: LazyLock<Regex> = LazyLock::new(|| regex(r"^\s*>>>[ \t]?"));
static SECONDARY: LazyLock<Regex> = LazyLock::new(|| regex(r"^\s*\.\.\.[ \t]?"));

/// The prompts of IPython: `In [3]: ` and `   ...: `.
static IPYTHON: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:(?:(?:\[nav\]|\[ins\])? )?In \[\d+\]: |\s*\.{3,}: ?)"));

/// The cell as IPython goes on with it.
pub(super) fn clean(cell: &Mapped) -> Mapped {
    let cell = without_empty_lines(cell);
    let cell = cell.keep(dedented(&cell.text, 0..cell.text.len()));
    let cell = without_doctest_prompts(&cell);
    without_prompts(&cell)
}

fn without_empty_lines(cell: &Mapped) -> Mapped {
    let lines = lines::split(&cell.text);
    let first = lines.iter().find(|line| !cell.text[(*line).clone()].trim().is_empty());
    cell.keep(std::iter::once(first.map_or(0, |line| line.start)..cell.text.len()))
}

/// What `textwrap.dedent` keeps of the stretch `part`: lines of nothing but blanks become empty, and all others lose the
/// indentation that they have in common.
fn dedented(text: &str, part: Range<usize>) -> Vec<Range<usize>> {
    let mut at = part.start;
    let mut all: Vec<(usize, Range<usize>)> = Vec::new();
    for line in text[part].split_inclusive('\n') {
        let body = line.strip_suffix('\n').unwrap_or(line);
        let indent = body.len() - body.trim_start_matches([' ', '\t']).len();
        all.push((indent, at..at + line.len()));
        at += line.len();
    }
    let is_blank =
        |(indent, line): &&(usize, Range<usize>)| text[line.start + indent..line.end].trim_matches('\n').is_empty();
    let mut margin: Option<&str> = None;
    for (indent, line) in all.iter().filter(|line| !is_blank(line)) {
        let own = &text[line.start..line.start + indent];
        margin = Some(margin.map_or(own, |margin| common(margin, own)));
    }
    let margin = margin.map_or(0, str::len);
    let skipped = |line: &(usize, Range<usize>)| if is_blank(&line) { line.0 } else { margin };
    all.iter().map(|line| line.1.start + skipped(line)..line.1.end).collect()
}

fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let length = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    &one[..length]
}

/// Takes off doctest's prompts, where a line outside of tripled quotes begins with `>>>`.
fn without_doctest_prompts(cell: &Mapped) -> Mapped {
    let text = &cell.text;
    let lines = lines::split(text);
    let kept_as_is = inside_strings(text, &lines);
    let is_prompted = |(line, inside): (&Range<usize>, &bool)| !inside && PRIMARY.is_match(&text[line.clone()]);
    if !lines.iter().zip(&kept_as_is).any(is_prompted) {
        return cell.clone();
    }
    let mut out = Mapped::default();
    let mut at = 0;
    while at < lines.len() {
        let end = (at..lines.len()).find(|&next| kept_as_is[next] != kept_as_is[at]).unwrap_or(lines.len());
        let mut stripped = false;
        let parts = lines[at..end].iter().map(|line| {
            let body = &text[line.clone()];
            let prompt = PRIMARY.find(body).or_else(|| SECONDARY.find(body)).filter(|_| !kept_as_is[at]);
            stripped |= prompt.is_some();
            line.start + prompt.map_or(0, |prompt| prompt.end())..line.end
        });
        let segment = cell.keep(parts.collect::<Vec<_>>());
        let whole = 0..segment.text.len();
        let segment = if stripped { segment.keep(dedented(&segment.text, whole)) } else { segment };
        out.copy(&segment, 0..segment.text.len());
        at = end;
    }
    out
}

/// Which lines IPython takes to stand in a string in tripled quotes, where `>>>` and `...` are text.
fn inside_strings(text: &str, lines: &[Range<usize>]) -> Vec<bool> {
    let (mut open, mut preserves, mut seen_prompt) = (None, false, false);
    let mut mask = Vec::with_capacity(lines.len());
    for line in lines {
        let line = &text[line.clone()];
        let mut inside = open.is_some() && preserves;
        for (at, quotes) in tripled(line) {
            if open.is_none() {
                open = Some(quotes);
                let before = &line[..at];
                let stripped = PRIMARY.find(before).map_or(before, |prompt| &before[prompt.end()..]);
                let stripped = SECONDARY.find(stripped).map_or(stripped, |prompt| &stripped[prompt.end()..]);
                let is_prompted = stripped.len() != before.len() && seen_prompt;
                let is_prefix = stripped.trim().chars().all(|char| "rubfRUBF".contains(char));
                preserves = !is_prompted && is_prefix;
                inside = preserves;
            } else if open == Some(quotes) {
                (open, preserves) = (None, false);
            }
        }
        mask.push(inside);
        seen_prompt |= PRIMARY.is_match(line);
    }
    mask
}

/// The tripled quotes of a line that no backslash stands before.
fn tripled(line: &str) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(found) = line[at..].find(['"', '\'']) {
        at += found;
        let is_tripled = line[at..].starts_with("\"\"\"") || line[at..].starts_with("'''");
        if is_tripled && !line[..at].ends_with('\\') {
            all.push((at, &line[at..at + 3]));
            at += 3;
        } else {
            at += 1;
        }
    }
    all
}

/// Takes off IPython's prompts, where one of the first two lines begins with one.
fn without_prompts(cell: &Mapped) -> Mapped {
    let lines = lines::split(&cell.text);
    if !lines.iter().take(2).any(|line| IPYTHON.is_match(&cell.text[line.clone()])) {
        return cell.clone();
    }
    cell.keep(lines.into_iter().map(|line| {
        let prompt = IPYTHON.find(&cell.text[line.clone()]).map_or(0, |prompt| prompt.end());
        line.start + prompt..line.end
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pasted_around_the_code_is_taken_off() {
        for (cell, expected) in [
            ("\n  \n  x\n\n   y\n", "x\n\n y\n"),
            (">>> x\n... y\nz\n", "x\ny\nz\n"),
            ("  >>> for a in b:\n  ...     c\n", "for a in b:\n    c\n"),
            ("'''\n>>> y\n'''\n", "'''\n>>> y\n'''\n"),
            ("In [3]: x\n   ...: y\n", "x\ny\n"),
            ("x\n...\n", "x\n...\n"),
            ("   \n", "\n"),
        ] {
            assert_eq!(clean(&Mapped::of(cell, 0..cell.len())).text, expected, "{cell}");
        }
    }
}
