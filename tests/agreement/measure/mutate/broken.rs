//! Code as language models break it: wrapped in prose and fences, cut off, full of quotes and spaces that are none,
//! of placeholders, and of another language.

use super::super::random::Random;
use super::{Dialect, boundary, replaced};

/// How one language is broken.
#[derive(Debug)]
pub(crate) struct Habits {
    /// The names that Markdown knows the language by.
    pub(crate) fences: &'static [&'static str],
    /// Statements of other languages, of other versions, or in the wrong place, one a line; `⏎` stands for a new line.
    pub(crate) lines: &'static str,
    /// What is written for what: the first is in the text, the second takes its place once.
    pub(crate) swaps: &'static [(&'static str, &'static str)],
}

/// Lines that stand for code that was left out.
const PLACEHOLDERS: &[&str] = &[
    "...",
    "…",
    "[...]",
    "{...}",
    "<your code here>",
    "TODO: implement this",
    "{{ placeholder }}",
    "... rest of the code ...",
    "(existing code)",
    "<<<<<<< HEAD",
    "=======",
    ">>>>>>> main",
    "@@ -1,3 +1,4 @@",
    "---",
    "***",
    "## Usage",
    "**Note:** this is important",
    "1. First, install the packages",
    "Here's how it works:",
    "- It's simple",
    "`code`",
    "</code>",
    "&nbsp;",
];

const PROSE: &[&str] = &[
    "Here is the code you asked for:\n\n",
    "Sure! Here's an example:\n",
    "I've updated the function.\n\n",
    "This script reads the file, and it doesn't need anything else.\n",
    "Explanation\n",
    "Certainly.\n",
];

/// The text, broken once.
pub(crate) fn broken(text: &str, dialect: &Dialect, random: &mut Random) -> String {
    match random.below(12) {
        0 => fenced(text, dialect, random),
        1 => prose(text, random),
        2 => text[..boundary(text, random.below(text.len() + 1))].to_owned() + random.pick(&["", "...", "\n```", "…"]),
        3 => typographic(text, random),
        4 | 5 => with_line(text, random.pick(PLACEHOLDERS), random),
        6 | 7 => with_line(text, &habit(dialect, random), random),
        8 | 9 => swapped(text, dialect, random),
        10 => layout(text, random),
        _ => markers(text, random),
    }
}

fn fenced(text: &str, dialect: &Dialect, random: &mut Random) -> String {
    let name = random.pick(dialect.habits.fences);
    match random.below(6) {
        0 => format!("```{name}\n{text}```\n"),
        1 => format!("```{name}\n{text}"),
        2 => format!("{text}```\n"),
        3 => format!("{}```{name}\n{text}```\n", random.pick(PROSE)),
        4 => format!("```{name}\n{text}```\n\n{}", random.pick(PROSE)),
        _ => format!("~~~{name}\n{text}~~~\n"),
    }
}

fn prose(text: &str, random: &mut Random) -> String {
    match random.below(2) {
        0 => format!("{}{text}", random.pick(PROSE)),
        _ => format!("{text}\n{}", random.pick(PROSE)),
    }
}

/// Quotes, spaces and signs of word processors for those of programs.
fn typographic(text: &str, random: &mut Random) -> String {
    const SIGNS: &[(&str, &str)] = &[
        ("\"", "\u{201c}"),
        ("\"", "\u{201d}"),
        ("'", "\u{2019}"),
        ("'", "\u{2018}"),
        (" ", "\u{a0}"),
        (" ", "\u{200b}"),
        (" ", "\u{3000}"),
        ("-", "\u{2013}"),
        ("-", "\u{2212}"),
        ("(", "\u{ff08}"),
        (":", "\u{ff1a}"),
        (",", "\u{ff0c}"),
        ("=", "\u{ff1d}"),
        ("*", "\u{d7}"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("&", "&amp;"),
        ("\"", "&quot;"),
        ("\"", "\\\""),
        ("\n", "\\n"),
    ];
    let (sign, by) = SIGNS[random.below(SIGNS.len())];
    if random.below(2) == 0 { text.replace(sign, by) } else { swap_one(text, sign, by, random) }
}

/// Puts a line in, indented like the line that it stands before.
fn with_line(text: &str, line: &str, random: &mut Random) -> String {
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let at = starts[random.below(starts.len())];
    let rest = &text[at..];
    let indent = &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()];
    replaced(text, at..at, &format!("{indent}{line}\n"))
}

fn swapped(text: &str, dialect: &Dialect, random: &mut Random) -> String {
    // Most texts hold only some of them; a few tries find one.
    for _ in 0..20 {
        let (from, to) = dialect.habits.swaps[random.below(dialect.habits.swaps.len())];
        if text.contains(from) {
            return swap_one(text, from, to, random);
        }
    }
    with_line(text, &habit(dialect, random), random)
}

fn habit(dialect: &Dialect, random: &mut Random) -> String {
    let lines: Vec<&str> = dialect.habits.lines.lines().collect();
    random.pick(&lines).replace('⏎', "\n")
}

fn swap_one(text: &str, from: &str, to: &str, random: &mut Random) -> String {
    let places: Vec<usize> = text.match_indices(from).map(|(at, _)| at).collect();
    if places.is_empty() {
        return text.to_owned() + to;
    }
    let at = places[random.below(places.len())];
    replaced(text, at..at + from.len(), to)
}

fn layout(text: &str, random: &mut Random) -> String {
    let each = |prefix: &str| text.split_inclusive('\n').map(|line| [prefix, line].concat()).collect::<String>();
    match random.below(8) {
        0 => each("    "),
        1 => swap_one(text, "    ", "\t", random),
        2 => swap_one(text, "    ", "  ", random),
        3 => text.replace('\n', "\r\n"),
        4 => swap_one(text, "\n", "\r", random),
        5 => swap_one(text, "\n", " ", random),
        6 => text.trim_end().trim_end_matches([')', ']', '}']).to_owned(),
        _ => text.replace("    ", "\t"),
    }
}

/// Marks of tools in front of lines.
fn markers(text: &str, random: &mut Random) -> String {
    let mut number = 0;
    let kind = random.below(5);
    let mark = |line: &str| {
        number += 1;
        match kind {
            0 => format!("{number}: {line}"),
            1 => format!("{number} | {line}"),
            2 => format!(">>> {line}"),
            3 => format!("+{line}"),
            _ => format!("> {line}"),
        }
    };
    text.split_inclusive('\n').map(mark).collect()
}
