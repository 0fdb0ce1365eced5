//! What a text must hold before a rule over text or over trees is worth compiling.
//!
//! Compiling a regular expression costs up to a millisecond or two and a tree-sitter query about three, so that running
//! every such rule over every file would cost far more than the file is worth. Most of them cannot match without some
//! fixed text (`AKIA`, `__proto__`). These *needles* are derived from the expression itself, never written by hand, so
//! that they cannot be wrong about it; the `filter` looks for them in a text.
//!
//! A rule has several clauses; a text must hold at least one needle of each. Needles are ASCII and compared without case.
//! A rule without clauses always runs.

use std::collections::HashSet;
use std::iter::Peekable;
use std::str::Chars;

use regex_syntax::hir::{Class, Hir, HirKind};

/// At least one of these must be there.
pub(super) type Clause = Vec<String>;

/// A shorter needle is in every file.
const NEEDLE_BYTES_MIN: usize = 2;

/// More needles than this in one clause say too little.
const CLAUSE_NEEDLES_MAX: usize = 64;

/// Characters that fold to an ASCII letter although they are not ASCII: a text that holds one is not filtered.
pub(super) const FOLD_TO_ASCII: [char; 2] = ['\u{212a}', '\u{17f}'];

/// What a text must hold for the regular expression to match.
pub(super) fn of_regex(source: &str) -> Vec<Clause> {
    let hir = regex_syntax::parse(source);
    hir.ok().and_then(|hir| of_hir(&hir)).into_iter().collect()
}

/// What a text must hold for the tree-sitter query to match: what the predicates ask for that have to hold.
pub(super) fn of_query(source: &str) -> Vec<Clause> {
    let clause = |predicate: Predicate| match predicate.name.as_str() {
        "#eq?" | "#any-of?" => usable(predicate.texts.iter().map(|text| text.to_ascii_lowercase()).collect()),
        "#match?" => of_regex(predicate.texts.first()?).pop(),
        _ => None,
    };
    predicates(source).unwrap_or_default().into_iter().filter_map(clause).collect()
}

/// A predicate of a query: `(#eq? @capture "text")`.
#[derive(Debug, Default)]
struct Predicate {
    name: String,
    capture: String,
    texts: Vec<String>,
}

/// The predicates that have to hold for a query to match: those that stand directly in its one pattern, about a capture
/// that every match has (a predicate about one that a match lacks holds of itself). `None` where the query has several
/// patterns, or optional parts.
fn predicates(source: &str) -> Option<Vec<Predicate>> {
    let (mut depth, mut brackets, mut patterns) = (0_usize, 0_usize, 0_usize);
    let mut found: Vec<Predicate> = Vec::new();
    let mut captured = HashSet::new();
    let mut open = false;
    let mut last = ' ';
    let mut chars = source.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            ';' => drop(chars.by_ref().find(|char| *char == '\n')),
            '(' | '[' => {
                patterns += usize::from(depth == 0);
                depth += 1;
                brackets += usize::from(char == '[');
                open = char == '(' && depth == 2 && brackets == 0 && chars.peek() == Some(&'#');
                if open {
                    found.push(Predicate { name: word(&mut chars), ..Predicate::default() });
                }
            }
            ')' | ']' => {
                depth = depth.checked_sub(1)?;
                brackets = brackets.saturating_sub(usize::from(char == ']'));
                open = false;
            }
            '"' => {
                let text = quoted(&mut chars)?;
                patterns += usize::from(depth == 0);
                if let (true, Some(predicate)) = (open, found.last_mut()) {
                    predicate.texts.push(text);
                }
            }
            '@' => {
                let name = word(&mut chars);
                match found.last_mut().filter(|_| open) {
                    Some(predicate) if predicate.capture.is_empty() => predicate.capture = name,
                    // A comparison of two captures asks for no fixed text.
                    Some(predicate) => predicate.name.clear(),
                    None if brackets == 0 => drop(captured.insert(name)),
                    None => {}
                }
            }
            '?' | '*' if !last.is_alphanumeric() => return None,
            // A text may stand without quotes; what it is then is not looked into.
            _ if open && !char.is_whitespace() => found.last_mut()?.name.clear(),
            '_' if depth == 0 => patterns += 1,
            _ => {}
        }
        if !char.is_whitespace() {
            last = char;
        }
    }
    found.retain(|predicate| captured.contains(&predicate.capture));
    (patterns == 1).then_some(found)
}

/// The rest of a name.
fn word(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(char) = chars.next_if(|char| !char.is_whitespace() && !matches!(char, '(' | ')' | '[' | ']')) {
        word.push(char);
    }
    word
}

/// The rest of a string of a query, its opening quote already read.
fn quoted(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '0' => '\0',
                other => other,
            }),
            other => text.push(other),
        }
    }
}

/// A clause that says something; `None` where a needle is too short, not ASCII, or there are none or too many.
fn usable(needles: Vec<String>) -> Option<Clause> {
    let usable = |needle: &String| needle.len() >= NEEDLE_BYTES_MIN && needle.is_ascii();
    let fits = !needles.is_empty() && needles.len() <= CLAUSE_NEEDLES_MAX;
    (fits && needles.iter().all(usable)).then_some(needles)
}

/// What every match of the expression holds. The recursion is as deep as the parser of regular expressions allows.
fn of_hir(hir: &Hir) -> Option<Clause> {
    match hir.kind() {
        HirKind::Literal(literal) => usable(vec![String::from_utf8(literal.0.to_vec()).ok()?.to_ascii_lowercase()]),
        HirKind::Capture(capture) => of_hir(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of_hir(&repetition.sub),
        HirKind::Concat(parts) => of_concat(parts),
        HirKind::Alternation(branches) => {
            let all: Option<Vec<Clause>> = branches.iter().map(of_hir).collect();
            usable(all?.concat())
        }
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// The best clause of a sequence: that whose shortest needle is longest. Neighbouring literals, and letters of either case,
/// make one needle.
fn of_concat(parts: &[Hir]) -> Option<Clause> {
    let mut clauses: Vec<Clause> = parts.iter().filter_map(of_hir).collect();
    let mut run = String::new();
    for part in parts {
        match fixed(part) {
            Some(text) => run.push_str(&text),
            None => clauses.extend(usable(vec![std::mem::take(&mut run)])),
        }
    }
    clauses.extend(usable(vec![run]));
    clauses.into_iter().max_by_key(|clause| clause.iter().map(String::len).min())
}

/// The one text, case apart, that the expression matches.
fn fixed(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = String::from_utf8(literal.0.to_vec()).ok()?;
            text.is_ascii().then(|| text.to_ascii_lowercase())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let chars = class.iter().flat_map(|range| range.start()..=range.end()).take(4);
            let mut letters = chars.filter(|char| !FOLD_TO_ASCII.contains(char)).map(|char| char.to_ascii_lowercase());
            let first = letters.next().filter(char::is_ascii_alphabetic)?;
            letters.all(|letter| letter == first).then(|| first.to_string())
        }
        // `(?i-u)`: the same letter in both cases, as bytes.
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.iter().flat_map(|range| range.start()..=range.end()).take(4);
            let mut letters = bytes.map(|byte| char::from(byte.to_ascii_lowercase()));
            let first = letters.next().filter(char::is_ascii_alphabetic)?;
            letters.all(|letter| letter == first).then(|| first.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clauses(all: &[Clause]) -> Vec<Vec<&str>> {
        all.iter().map(|clause| clause.iter().map(String::as_str).collect()).collect()
    }

    #[test]
    fn a_regex_tells_what_its_matches_hold() {
        let cases: &[(&str, &[&[&str]])] = &[
            ("AKIA[0-9A-Z]{16}", &[&["akia"]]),
            ("(?i)Secret_key", &[&["secret_key"]]),
            (r"(^|\.)(exec|eval)$", &[&["exec", "eval"]]),
            (r"a+b*", &[]),
            (r"(foo)?bar", &[&["bar"]]),
            (r"(foo|x)bar", &[&["bar"]]),
            (r"foo|[a-z]+", &[]),
            (r"\bstratum\+tcp://", &[&["stratum+tcp://"]]),
            (r"(?i-u)heroku[\w .-]{0,20}", &[&["heroku"]]),
            (r"(?-u)key-[0-9a-f]{32}", &[&["key-"]]),
        ];
        for (regex, wanted) in cases {
            assert_eq!(clauses(&of_regex(regex)), *wanted, "{regex}");
        }
    }

    #[test]
    fn a_query_tells_what_its_predicates_ask_for() {
        let cases: &[(&str, &[&[&str]])] = &[
            (r#"((pair key: (p) @n) @hit (#eq? @n "noEscape"))"#, &[&["noescape"]]),
            (r#"((c (d) @a (e) @b) @hit (#match? @a "dup2$") (#any-of? @b "x1" "y2"))"#, &[&["dup2"], &["x1", "y2"]]),
            (r#"((c) @hit (#not-match? @hit "fine"))"#, &[]),
            (r#"((c (a) @a (b) @b) @hit (#eq? @a @b))"#, &[]),
            (r#"((a) @hit (#eq? @hit "one")) ((b) @hit)"#, &[]),
            (r#"([((a) @x (#eq? @x "one")) (b)] @hit)"#, &[]),
            (r#"([(a (c) @x) (b)] @hit (#eq? @x "one"))"#, &[]),
            (r#"([(a) (b)] @hit (#eq? @hit "one"))"#, &[&["one"]]),
            (r#"((a (b)? @x) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a) @hit (#match? @hit "^['\"]quoted"))"#, &[&["quoted"]]),
            (r"((with_statement) @hit)", &[]),
            // Optional parts, however they are written.
            (r#"((a (b) ? @x) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a (b) @x ?) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a (b) @x *) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a _ * @x) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a ["b" "c"]* @x) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a (b)+ @x) @hit (#eq? @x "one"))"#, &[&["one"]]),
            // What is commented out, other patterns, and texts without quotes.
            ("((a) @hit ; (#eq? @hit \"one\")\n)", &[]),
            ("((a) @hit ; it's (\n (#eq? @hit \"one\"))", &[&["one"]]),
            (r#""word" @hit ((b) @hit (#eq? @hit "one"))"#, &[]),
            (r#"_ @hit ((b) @hit (#eq? @hit "one"))"#, &[]),
            (r#"((b) @hit (#any-of? @hit "one" two))"#, &[]),
            (r#"((b) @hit (#any-of? @hit two "one"))"#, &[]),
            (r#"((b) @hit (#eq? @hit "on\"e"))"#, &[&["on\"e"]]),
            (r#"((b) @hit (#any-eq? @hit "one") (#not-eq? @hit "two"))"#, &[]),
        ];
        for (query, wanted) in cases {
            assert_eq!(clauses(&of_query(query)), *wanted, "{query}");
        }
    }
}
