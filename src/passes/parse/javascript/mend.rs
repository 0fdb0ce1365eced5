//! What V8 takes and oxc's parser stops at: the source is written in another way that both read alike, and parsed again.
//!
//! - V8 makes an assignment to a call (`f() = 1`, `f()++`, `for (f() of x)`) an error of the running program, by reading it
//!   as `f()[0]`; so it is written that way. In a destructuring pattern it stays an error:
//!   [`super::checks`] looks at what each `[0]` became.
//! - `let` is a name in sloppy code wherever no declaration can follow; oxc reads some of these as declarations. It is
//!   written `l\u0065t`, which never begins one.

use std::borrow::Cow;
use std::ops::Range;

use oxc_diagnostics::OxcDiagnostic;

use super::checks;
use super::engine::Terms;
use super::hints;
use crate::passes::parse::problem::Problem;

/// How often one text may be mended before it is refused, and how many bytes are parsed for that.
const ROUNDS_MAX: usize = 100;
const MENDED_BYTES_MAX: usize = 16 << 20;

/// What stands for a call that is assigned to.
pub(super) const ELEMENT: &str = "[0]";

/// One change of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mend {
    /// What is replaced; in the text that was parsed.
    range: Range<usize>,
    by: &'static str,
}

impl Mend {
    /// The mend of what `error` is about, where V8 does not mind it.
    pub(super) fn of(error: &OxcDiagnostic, text: &str, terms: Terms) -> Option<Self> {
        if !terms.goal.is_javascript() {
            return None;
        }
        let range = checks::bytes(error.labels.first()?.span());
        if let Some(end) = hints::call_target(error, text) {
            return Some(Self { range: end..end, by: ELEMENT });
        }
        if error.message.contains("Number is too large in decimal digits") {
            return Some(Self { range, by: LARGEST_COUNT });
        }
        if terms.goal.is_module() {
            return None;
        }
        let start = name_let_before(text, range.start).or_else(|| assigned_let_before(text, range.start))?;
        Some(Self { range: start..start + LET.len(), by: r"l\u0065t" })
    }
}

const LET: &str = "let";

/// Where a `let` stands that is a name: right before `at`, where nothing stands that a declaration goes on with.
fn name_let_before(text: &str, at: usize) -> Option<usize> {
    let (before, after) = text.split_at_checked(at)?;
    let word = after.split(|char: char| !is_name_part(char)).next().unwrap_or_default();
    let declares =
        after.starts_with(['{', '[']) || (!word.is_empty() && !starts_with_digit(word) && !is_reserved(word));
    if declares {
        return None;
    }
    let rest = without_trivia(before).strip_suffix(LET)?;
    let is_name = rest.chars().next_back().is_none_or(|char| !is_name_part(char) && char != '.');
    is_name.then_some(rest.len())
}

/// Where the `let` of `let = 1, x` stands, of which oxc reads no more than `let = 1` as an expression.
fn assigned_let_before(text: &str, at: usize) -> Option<usize> {
    let (before, after) = text.split_at_checked(at)?;
    if !after.trim_start().starts_with(',') {
        return None;
    }
    let start = before.rfind(LET)?;
    let is_name = before[..start].chars().next_back().is_none_or(|char| !is_name_part(char) && char != '.');
    let operator = before[start + LET.len()..].trim_start().starts_with(|char| "=+-*/%&|^<>?".contains(char));
    (is_name && operator).then_some(start)
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|char: char| char.is_ascii_digit())
}

/// Whether no `let` can declare a variable of this name.
fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

const RESERVED: &[&str] = &[
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "new",
    "null",
    "return",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
];

/// What a count in a regular expression is for V8 if it is too large for oxc.
const LARGEST_COUNT: &str = "2147483647";

fn is_name_part(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '$' | '\\' | '\u{200c}' | '\u{200d}')
}

/// `text` without the white space and the comments at its end. A line comment is taken for one only if nothing else
/// on its line could hold the slashes.
fn without_trivia(text: &str) -> &str {
    let mut rest = text.trim_end();
    loop {
        let line_start = rest.rfind(['\n', '\r', '\u{2028}', '\u{2029}']).map_or(0, |at| at + 1);
        let before = if rest.ends_with("*/") {
            rest.rfind("/*").map(|at| &rest[..at])
        } else {
            let line = rest.get(line_start..).unwrap_or_default();
            line.find("//").or_else(|| line.find("<!--")).map(|at| &rest[..line_start + at])
        };
        match before {
            Some(before) => rest = before.trim_end(),
            None => return rest,
        }
    }
}

/// The changes of one source, in the order of their places.
#[derive(Debug, Default)]
pub(super) struct Mends {
    /// Ranges in the source as it was.
    made: Vec<Mend>,
    /// How often there was something to mend, and the bytes that were parsed for it.
    rounds: usize,
    bytes: usize,
}

impl Mends {
    /// Whether there is no change.
    pub(super) fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// Adds mends of the mended text, whose length is `length`; false where there are none, or too many, or where they
    /// help nothing.
    pub(super) fn add(&mut self, mends: Vec<Mend>, length: usize) -> bool {
        self.bytes = self.bytes.saturating_add(length);
        let mended = !self.made.is_empty();
        let made: Vec<Mend> = mends
            .into_iter()
            .map(|mend| Mend { range: self.original(mend.range.start)..self.original(mend.range.end), by: mend.by })
            .filter(|mend| self.made.binary_search_by_key(&mend.range.start, |made| made.range.start).is_err())
            .collect();
        self.rounds += 1;
        if made.is_empty() || self.rounds > ROUNDS_MAX || (mended && self.bytes > MENDED_BYTES_MAX) {
            return false;
        }
        self.made.extend(made);
        self.made.sort_by_key(|mend| (mend.range.start, mend.range.end));
        self.made.dedup_by_key(|mend| mend.range.start);
        true
    }

    /// The source with the changes in it.
    pub(super) fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.made.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut mended = String::with_capacity(text.len() + self.made.len() * 8);
        let mut from = 0;
        for mend in &self.made {
            mended.push_str(&text[from..mend.range.start]);
            mended.push_str(mend.by);
            from = mend.range.end;
        }
        mended.push_str(&text[from..]);
        Cow::Owned(mended)
    }

    /// The place in the source as it was of a place in the mended one.
    fn original(&self, at: usize) -> usize {
        let mut grown: isize = 0;
        for mend in &self.made {
            let start = mend.range.start.saturating_add_signed(grown);
            if at < start + mend.by.len() {
                return if at <= start { at.saturating_add_signed(-grown) } else { mend.range.start };
            }
            grown += mend.by.len().cast_signed() - mend.range.len().cast_signed();
        }
        at.saturating_add_signed(-grown)
    }

    /// Whether `[0]` was put into the text so that it ends at `end` of the mended one.
    pub(super) fn element_ends_at(&self, end: usize) -> bool {
        if self.made.is_empty() || end < ELEMENT.len() {
            return false;
        }
        let at = self.original(end - ELEMENT.len());
        let found = self.made.binary_search_by_key(&at, |made| made.range.start);
        found.is_ok_and(|found| self.made[found].by == ELEMENT && self.original(end) == at)
    }

    /// The same problems at their places in the source as it was.
    pub(super) fn unmended(&self, mut problems: Vec<Problem>) -> Vec<Problem> {
        if self.made.is_empty() {
            return problems;
        }
        for problem in &mut problems {
            let back = |range: &Range<usize>| self.original(range.start)..self.original(range.end);
            problem.range = problem.range.as_ref().map(back);
            for (_, range) in &mut problem.related {
                *range = back(range);
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_go_to_the_mended_text_and_back() {
        let text = "f() = let\n1; g() = 2";
        let mut mends = Mends::default();
        assert!(mends.add(vec![Mend { range: 3..3, by: ELEMENT }], 0));
        assert_eq!(mends.apply(text), "f()[0] = let\n1; g() = 2");
        assert!(mends.add(vec![Mend { range: 9..12, by: r"l\u0065t" }], 0));
        let mended = mends.apply(text).into_owned();
        assert_eq!(mended, "f()[0] = l\\u0065t\n1; g() = 2");
        let end = mended.find("g()").expect("it is there") + 3;
        assert!(mends.add(vec![Mend { range: end..end, by: ELEMENT }], 0));
        let mended = mends.apply(text).into_owned();
        assert_eq!(mended, "f()[0] = l\\u0065t\n1; g()[0] = 2");
        assert!(mends.element_ends_at(6) && mends.element_ends_at(mended.find("] = 2").expect("it is there") + 1));
        assert!(!mends.element_ends_at(3) && !mends.element_ends_at(17));
        let two = mended.len() - 1;
        assert_eq!(mends.original(two), text.len() - 1);
        assert_eq!(mends.original(mended.len()), text.len());
    }

    #[test]
    fn comments_before_a_place_are_skipped() {
        for (text, expected) in
            [("let // x\n ", "let"), ("let <!-- x", "let"), ("let /* a */ /* b */", "let"), ("a\nlet\n", "a\nlet")]
        {
            assert_eq!(without_trivia(text), expected);
        }
    }
}
