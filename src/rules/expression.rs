//! Regular expressions, compiled for what rules ask of them.
//!
//! Word boundaries are those of ASCII, whatever the expression's flags: with Unicode's own, one letter that is not ASCII
//! would send the search to an engine that is slower by a factor of twenty, and beside such a letter a rule rather finds a
//! word too many.

use regex_automata::meta::{self, Regex};
use regex_automata::util::primitives::PatternID;
use regex_automata::{Anchored, Input, Match};
use regex_syntax::hir::{Capture, Hir, HirKind, Look, Repetition};

/// The group that is reported instead of the whole match.
const HIT: &str = "hit";

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    regex: Regex,
    /// The number of the group [`HIT`].
    hit: Option<usize>,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        let hir = regex_syntax::parse(source).map_err(|error| error.to_string())?;
        let regex =
            meta::Builder::new().build_from_hir(&with_ascii_boundaries(hir)).map_err(|error| error.to_string())?;
        let hit = regex.group_info().to_index(PatternID::ZERO, HIT);
        Ok(Self { regex, hit })
    }

    /// Whether it matches somewhere in `text`.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Calls `found` with what is reported of each match in `text`, from left to right, until that says no. With `starts`,
    /// which are in order, only matches that begin there are looked for.
    pub(crate) fn each(
        &self,
        text: &str,
        starts: Option<&[usize]>,
        mut found: impl FnMut(std::ops::Range<usize>) -> bool,
    ) {
        let mut captures = self.regex.create_captures();
        let mut goes_on = |whole: Match| {
            let input = Input::new(text).range(whole.start()..).anchored(Anchored::Yes);
            let reported = self.hit.and_then(|hit| {
                self.regex.search_captures(&input, &mut captures);
                captures.get_group(hit)
            });
            found(reported.unwrap_or(whole.span()).range())
        };
        let Some(starts) = starts else {
            self.regex.find_iter(text).all(goes_on);
            return;
        };
        let mut end = 0;
        for &start in starts.iter().filter(|&&start| start <= text.len()) {
            if start < end {
                continue;
            }
            let Some(whole) = self.regex.search(&Input::new(text).range(start..).anchored(Anchored::Yes)) else {
                continue;
            };
            end = whole.end();
            if !goes_on(whole) {
                return;
            }
        }
    }
}

/// The same expression, whose words end where ASCII's do. The recursion is as deep as the parser of regular expressions
/// allows.
fn with_ascii_boundaries(hir: Hir) -> Hir {
    if !hir.properties().look_set().contains_word_unicode() {
        return hir;
    }
    match hir.into_kind() {
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => other,
        }),
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            Hir::repetition(Repetition { min, max, greedy, sub: Box::new(with_ascii_boundaries(*sub)) })
        }
        HirKind::Capture(Capture { index, name, sub }) => {
            Hir::capture(Capture { index, name, sub: Box::new(with_ascii_boundaries(*sub)) })
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(with_ascii_boundaries).collect()),
        HirKind::Alternation(branches) => Hir::alternation(branches.into_iter().map(with_ascii_boundaries).collect()),
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &str, text: &str, starts: Option<&[usize]>) -> Vec<String> {
        let mut found = Vec::new();
        Expression::new(source).unwrap().each(text, starts, |range| {
            found.push(text[range].to_owned());
            true
        });
        found
    }

    #[test]
    fn matches_are_those_of_the_regex_crate() {
        for (source, text) in [
            ("a+", "aa ba aaa"),
            (r"\bcurl\b", "curl xcurl curl"),
            ("x*", "axxb é"),
            ("(?m)^a$", "a\nb\na"),
            ("", "é"),
            ("(?i)IGNORE|ig", "ignore Ig igno"),
        ] {
            let wanted: Vec<_> =
                regex::Regex::new(source).unwrap().find_iter(text).map(|found| found.as_str().to_owned()).collect();
            assert_eq!(all(source, text, None), wanted, "{source}");
        }
    }

    #[test]
    fn the_group_hit_is_what_is_reported() {
        assert_eq!(all(r"key=(?P<hit>\w+)", "key=ab key=c", None), ["ab", "c"]);
        assert_eq!(all(r"a(?P<hit>b)?", "ab a", None), ["b", "a"]);
    }

    #[test]
    fn searches_begin_where_they_are_told_to() {
        assert_eq!(all(r"\bab", "ab cab ab", Some(&[0, 4, 7])), ["ab", "ab"]);
        assert_eq!(all("aa", "aaaa", Some(&[0, 1, 2])), ["aa", "aa"]);
        assert_eq!(all("a", "ba", Some(&[0])), [""; 0]);
    }

    #[test]
    fn words_end_where_those_of_ascii_do() {
        assert_eq!(all(r"\bexec\b", "éexec", None), ["exec"]);
        assert_eq!(all(r"(?:\bexec){1,2}(a|\beval\b)?", "éexec", None), ["exec"]);
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        assert!(Expression::new("(a").unwrap_err().contains("unclosed group"));
    }
}
