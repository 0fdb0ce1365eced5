//! Faults put into valid files, from a seed: one token, one line or one character is changed.
//!
//! What is in the two languages' vocabularies is data ([`python`], [`javascript`]); how code is broken as language models
//! break it is [`broken`]; rare bytes and characters are [`bytes`];
//! whole programs are written by [`grammar`].

pub(crate) mod broken;
pub(crate) mod bytes;
pub(crate) mod grammar;
pub(crate) mod javascript;
pub(crate) mod python;

use std::ops::Range;

use super::random::Random;

/// What a language's mutants are made with.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// How a comment to the end of the line begins.
    comment: &'static str,
    /// Operators and brackets of more than one character, longest first.
    operators: &'static [&'static str],
    /// What is put in, or in the place of something else.
    vocabulary: &'static [&'static str],
    /// Whether indentation is syntax, so that only what stands at the left edge is whole in itself.
    indented: bool,
    /// How language models break this language.
    habits: &'static broken::Habits,
}

/// Characters that one-character mutants put in.
const CHARACTERS: &[&str] = &[
    "(", ")", "[", "]", "{", "}", "'", "\"", "`", "\\", ":", ";", ",", ".", "=", "#", "/", "*", "@", "!", "?", "$",
    "%", "&", "|", "<", ">", "~", "^", "-", "+", "_", "0", "9", "a", "e", "f", "n", "r", "u", "x", " ", "\t", "\n",
    "\r", "\u{c}", "\u{b}", "\u{a0}", "\u{200b}", "\u{201c}", "\u{2019}", "\u{feff}", "\u{e9}", "\u{2028}",
];

/// Lines of another text that are put into one.
const SPLICED_LINES_MAX: usize = 30;

/// What is put in front of a line, or taken away there.
const INDENTS: &[&str] = &[" ", "  ", "    ", "\t", "        "];

/// The text with one fault put in; some are harmless.
pub(crate) fn mutate(text: &str, dialect: &Dialect, random: &mut Random) -> String {
    match random.below(16) {
        0..8 => mutate_token(text, dialect, random),
        8..13 => mutate_line(text, random),
        _ => mutate_character(text, random),
    }
}

fn mutate_token(text: &str, dialect: &Dialect, random: &mut Random) -> String {
    let tokens: Vec<Range<usize>> =
        tokens(text, dialect).into_iter().filter(|token| !is_filling(&text[token.clone()], dialect)).collect();
    if tokens.is_empty() {
        return random.pick(dialect.vocabulary).to_owned();
    }
    let at = random.below(tokens.len());
    let token = tokens[at].clone();
    let this = &text[token.clone()];
    let spaced = |word: &str| format!(" {word} ");
    match random.below(7) {
        0 => replaced(text, token, ""),
        1 => replaced(text, token, &format!("{this} {this}")),
        2 => {
            let other = tokens[(at + 1 + random.below(3)).min(tokens.len() - 1)].clone();
            if other.start < token.end {
                return replaced(text, token, "");
            }
            let (between, after) = (&text[token.end..other.start], &text[other.end..]);
            [&text[..token.start], &text[other], between, this, after].concat()
        }
        3 => replaced(text, token, random.pick(dialect.vocabulary)),
        4 => replaced(text, token, &text[tokens[random.below(tokens.len())].clone()]),
        5 => replaced(text, token.start..token.start, &spaced(random.pick(dialect.vocabulary))),
        _ => replaced(text, token.end..token.end, random.pick(dialect.vocabulary)),
    }
}

fn mutate_line(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.is_empty() {
        return String::new();
    }
    let at = random.below(lines.len());
    let (line, indent) = (lines[at], random.pick(INDENTS));
    let indented = [indent, line].concat();
    match random.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, line),
        2 => lines.swap(at, (at + 1).min(text.lines().count().saturating_sub(1))),
        3 => lines[at] = &indented,
        4 => lines[at] = line.strip_prefix(indent).unwrap_or_else(|| line.trim_start_matches([' ', '\t'])),
        5 => lines[at] = line.trim_end_matches('\n'),
        6 => lines.truncate(at),
        _ => {
            let middle = boundary(line, random.below(line.len() + 1));
            lines[at] = &line[..middle];
            lines.truncate(at + 1);
        }
    }
    lines.concat()
}

fn mutate_character(text: &str, random: &mut Random) -> String {
    let start = boundary(text, random.below(text.len() + 1));
    let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
    match random.below(3) {
        0 => replaced(text, start..end, ""),
        1 => replaced(text, start..start, random.pick(CHARACTERS)),
        _ => replaced(text, start..end, random.pick(CHARACTERS)),
    }
}

/// The last place at or before `at` where a character begins.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn replaced(text: &str, range: Range<usize>, by: &str) -> String {
    [&text[..range.start], by, &text[range.end..]].concat()
}

/// A piece of a file that begins where a statement could and ends before one of the same indentation.
pub(crate) fn fragment(text: &str, dialect: &Dialect, random: &mut Random) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let begins = |line: &&str| {
        let rest = line.trim_start();
        let at_edge = !dialect.indented || indent(line) == 0;
        at_edge && rest.starts_with(|first: char| !")]}#*,.:'\"".contains(first)) && !rest.starts_with("el")
    };
    let starts: Vec<usize> = (0..lines.len()).filter(|at| begins(&lines[*at])).collect();
    if starts.is_empty() {
        return text.to_owned();
    }
    let start = starts[random.below(starts.len())];
    let least = start + 1 + random.below(30);
    let width = indent(lines[start]);
    let ends = |line: &&str| !line.trim().is_empty() && indent(line) <= width && begins(line);
    let end = (least..lines.len().min(least + 100)).find(|at| ends(&lines[*at])).unwrap_or(least.min(lines.len()));
    lines[start..end].concat()
}

/// The text with a piece of another put in before one of its lines, indented like that line: what is valid where it
/// stands may not be valid there.
pub(crate) fn spliced(text: &str, other: &str, dialect: &Dialect, random: &mut Random) -> String {
    let piece = fragment(other, dialect, random);
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let at = starts[random.below(starts.len())];
    let rest = &text[at..];
    let indent = &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()];
    let lines: String = piece.lines().take(SPLICED_LINES_MAX).map(|line| format!("{indent}{line}\n")).collect();
    replaced(text, at..at, &lines)
}

/// Whether a token is white space or a comment, which mutants of tokens leave alone.
fn is_filling(token: &str, dialect: &Dialect) -> bool {
    token.trim().is_empty() || token.starts_with(dialect.comment)
}

/// Cuts a text into words, numbers, literals of one line, comments, operators and white space; a rough cut is enough.
fn tokens(text: &str, dialect: &Dialect) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = at + token_length(&text[at..], dialect);
        found.push(at..end);
        at = end;
    }
    found
}

fn token_length(rest: &str, dialect: &Dialect) -> usize {
    let first = rest.chars().next().expect("there is more text");
    let run = |is: fn(char) -> bool| rest.find(|char| !is(char)).unwrap_or(rest.len());
    match first {
        '\n' => 1,
        _ if first.is_whitespace() => run(|char| char.is_whitespace() && char != '\n').max(first.len_utf8()),
        _ if is_word(first) => run(is_word),
        _ if rest.starts_with(dialect.comment) => rest.find('\n').unwrap_or(rest.len()),
        '"' | '\'' | '`' => literal_length(rest, first),
        _ => {
            let operator = dialect.operators.iter().find(|operator| rest.starts_with(**operator));
            operator.map_or(first.len_utf8(), |operator| operator.len())
        }
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_' || char == '$'
}

/// The length of a literal up to its closing quote, or of the quote alone where none closes it on its line.
fn literal_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            '\n' => return 1,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return at + 1,
            _ => {}
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYTHON: &str =
        "import os\n\n\ndef f(a, b=1):\n    # why\n    if a == 'x':\n        return b ** 2\n    é = [a, b]\n";
    const JAVASCRIPT: &str = "const a = require('a');\nfunction f(x, y) {\n  // why\n  return x?.y ?? `${y}`;\n}\n";

    fn all(seed: u64, make: impl Fn(&mut Random) -> String) -> Vec<String> {
        (0..500).map(|index| make(&mut Random::of(seed, index))).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_cases_and_another_makes_others() {
        for (text, dialect) in [(PYTHON, &python::DIALECT), (JAVASCRIPT, &javascript::DIALECT)] {
            let makers: [&dyn Fn(&mut Random) -> String; 3] =
                [&|random| mutate(text, dialect, random), &|random| fragment(text, dialect, random), &|random| {
                    broken::broken(text, dialect, random)
                }];
            for make in makers {
                assert_eq!(all(1, make), all(1, make));
                assert_ne!(all(1, make), all(2, make));
            }
        }
    }

    #[test]
    fn mutants_differ_from_their_file_and_from_one_another() {
        for (text, dialect) in [(PYTHON, &python::DIALECT), (JAVASCRIPT, &javascript::DIALECT)] {
            let mutants = all(3, |random| mutate(text, dialect, random));
            let different = mutants.iter().filter(|mutant| *mutant != text).count();
            let distinct = mutants.iter().collect::<std::collections::BTreeSet<_>>().len();
            assert!(different > 450 && distinct > 250, "{different} differ, {distinct} are distinct");
        }
    }

    #[test]
    fn odd_texts_can_be_mutated_too() {
        for text in ["", "\n", "é", "'", "\u{2028}", "\r\n\r\n", "   ", "# x", "// x"] {
            for dialect in [&python::DIALECT, &javascript::DIALECT] {
                let _: Vec<String> = all(4, |random| mutate(text, dialect, random));
                let _: Vec<String> = all(4, |random| fragment(text, dialect, random));
                let _: Vec<String> = all(4, |random| broken::broken(text, dialect, random));
                let _: Vec<String> = all(4, |random| spliced(text, text, dialect, random));
                let _: Vec<String> = all(4, |random| format!("{:?}", bytes::changed(text, dialect, random)));
            }
        }
    }

    #[test]
    fn tokens_cover_the_text() {
        let text = "x **= 'a\\'b' + \"c # é\n'open\n# rest";
        let cut = tokens(text, &python::DIALECT);
        let pieces: Vec<&str> = cut.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(pieces.concat(), text);
        assert!(["x", "**=", "'a\\'b'", "# rest"].iter().all(|piece| pieces.contains(piece)), "{pieces:?}");
    }

    #[test]
    fn fragments_of_python_begin_at_the_left_edge() {
        for piece in all(5, |random| fragment(PYTHON, &python::DIALECT, random)) {
            assert!(piece.starts_with("import") || piece.starts_with("def"), "{piece}");
        }
    }
}
