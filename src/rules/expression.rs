//! Regular expressions, compiled for what rules ask of them.
//!
//! Word boundaries are those of ASCII, whatever the expression's flags: with Unicode's own, one letter that is not ASCII
//! would send the search to an engine that is slower by a factor of twenty, and beside such a letter a rule rather finds a
//! word too many.
//!
//! Most texts are ASCII, and most of an expression is about what is not: `\w` knows 140,000 letters, and to compile them
//! takes longer than to vet a small file. So a text that is ASCII gets a form of the expression that knows ASCII alone, and
//! matches the same there. Either form is compiled when the first text asks for it.
//!
//! Most are never asked for: an expression of a rule has a `program`, which says the same without being compiled, as long
//! as it is asked about little text. Where it does not know, or has been asked about so much that a compiled form would
//! have paid, that is what answers.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use regex_automata::meta::{self, Regex};
use regex_automata::util::primitives::PatternID;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition,
};

use super::program::{HIT, Program, in_ascii};
use super::quick::Answer;
use super::rule::Text;

/// How many steps a program takes at one place, at most. Nearly all of them take a few.
const STEPS_AT_ONE_PLACE_MAX: u32 = 4096;

/// How many steps a program takes in search of its matches, in all texts together: about what it costs to compile the
/// expression.
const STEPS_MAX: u32 = 20_000;

/// In a text of so few bytes a program is quicker than a compiled form, however often it is asked.
const SHORT_BYTES_MAX: usize = 256;

/// Places that cost as much to look at as one step, where no match begins by its first byte.
const PLACES_PER_STEP: u32 = 4;

/// How often a text may be looked at, where it is searched from one place after the other. Beyond that, it is searched from
/// there on once, whole.
const SEARCHED_AGAIN_MAX: usize = 4;

/// The places of a text at which matches can begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Starts<'s> {
    /// They, in order, ...
    pub(crate) places: &'s [usize],
    /// ... counted from so far before the text.
    pub(crate) before: usize,
    /// How many bytes a match has at most.
    pub(crate) length_max: usize,
}

/// An expression in both forms.
#[derive(Debug)]
pub(crate) struct Expression {
    source: Text,
    /// What answers before anything is compiled; empty where there is none.
    program: Program,
    /// How many steps it has taken in search of matches.
    steps: AtomicU32,
    /// For texts that are ASCII.
    ascii: OnceLock<Form>,
    /// For all others.
    any: OnceLock<Form>,
}

/// A compiled expression.
#[derive(Debug)]
struct Form {
    regex: Regex,
    /// The number of the group [`HIT`].
    hit: Option<usize>,
}

impl Form {
    fn new(source: &str, is_ascii: bool) -> Result<Self, String> {
        let parsed = || regex_syntax::parse(source).map_err(|error| error.to_string());
        let hir = match is_ascii {
            true => of_ascii(parsed_as_ascii(source).map_or_else(parsed, Ok)?),
            false => with_ascii_boundaries(parsed()?),
        };
        let regex = meta::Builder::new().build_from_hir(&hir).map_err(|error| error.to_string())?;
        let hit = regex.group_info().to_index(PatternID::ZERO, HIT);
        Ok(Self { regex, hit })
    }
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub(super) fn new(source: Text, program: Program) -> Result<Self, String> {
        let any = OnceLock::from(Form::new(&source, false)?);
        Ok(Self { any, ..Self::with_program(source, program) })
    }

    /// An expression that is known to be valid.
    pub(crate) fn known(source: impl Into<Text>) -> Self {
        Self::with_program(source.into(), Program::default())
    }

    /// An expression that is known to be valid, with its program.
    pub(super) fn with_program(source: Text, program: Program) -> Self {
        let (ascii, any) = (OnceLock::new(), OnceLock::new());
        Self { source, program, steps: AtomicU32::new(0), ascii, any }
    }

    /// The form for a text.
    fn form(&self, text: &str) -> &Form {
        let is_ascii = text.is_ascii();
        let cell = if is_ascii { &self.ascii } else { &self.any };
        cell.get_or_init(|| Form::new(&self.source, is_ascii).expect("it was compiled before, or is run by a test"))
    }

    /// Whether it matches somewhere in `text`.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self.next(text, 0) {
            Ok(found) => found.is_some(),
            Err(from) => self.form(text).regex.is_match(Input::new(text).range(from..)),
        }
    }

    /// Calls `found` with what is reported of each match in `text`, from left to right, until that says no. With `starts`,
    /// only matches that begin there are looked for.
    pub(crate) fn each(&self, text: &str, starts: Option<Starts<'_>>, mut found: impl FnMut(Range<usize>) -> bool) {
        let mut goes_on = |whole: Range<usize>| found(self.reported(text, whole));
        let Some(Starts { places, before, length_max }) = starts else { return self.each_from(0, text, goes_on) };
        let mut left = text.len().saturating_mul(SEARCHED_AGAIN_MAX);
        let mut end = 0;
        for start in places.iter().map(|place| place - before).take_while(|&start| start < text.len()) {
            if start < end || !text.is_char_boundary(start) {
                continue;
            }
            if left == 0 {
                return self.each_from(start, text, goes_on);
            }
            let Some(whole) = self.at(text, start, length_max, &mut left) else { continue };
            end = whole.end;
            if !goes_on(whole) {
                return;
            }
        }
    }

    /// Calls `found` with each match from a place on.
    fn each_from(&self, mut from: usize, text: &str, mut found: impl FnMut(Range<usize>) -> bool) {
        loop {
            match self.next(text, from) {
                Ok(Some(whole)) => {
                    from = whole.end;
                    if !found(whole) {
                        return;
                    }
                }
                Ok(None) => return,
                Err(from) => {
                    let rest = Input::new(text).range(from..);
                    self.form(text).regex.find_iter(rest).all(|whole| found(whole.range()));
                    return;
                }
            }
        }
    }

    /// The match that begins at a place. What it takes to find out is taken from `left`: the steps of the program, or as many
    /// bytes as the compiled form may look at.
    fn at(&self, text: &str, start: usize, length_max: usize, left: &mut usize) -> Option<Range<usize>> {
        if self.program.is_some() {
            let mut fuel = STEPS_AT_ONE_PLACE_MAX;
            let answer = self.program.at(text, start, &mut fuel);
            *left = left.saturating_sub((STEPS_AT_ONE_PLACE_MAX - fuel) as usize);
            match answer {
                Answer::End(end) => return Some(start..end),
                Answer::No => return None,
                Answer::Unknown => {}
            }
        }
        *left = left.saturating_sub(length_max.min(text.len() - start));
        let whole = self.form(text).regex.search(&Input::new(text).range(start..).anchored(Anchored::Yes));
        whole.map(|whole| whole.range())
    }

    /// The first match from a place on, as the program sees it; an error where it does not know what there is from a later
    /// place on, or has taken too many steps.
    fn next(&self, text: &str, from: usize) -> Result<Option<Range<usize>>, usize> {
        if !self.program.is_some() {
            return Err(from);
        }
        if text.len() <= SHORT_BYTES_MAX {
            return self.next_within(text, from, &mut { STEPS_AT_ONE_PLACE_MAX });
        }
        let taken = self.steps.load(Ordering::Relaxed);
        if taken >= STEPS_MAX {
            return Err(from);
        }
        let most = STEPS_MAX - taken;
        let mut fuel = most;
        let found = self.next_within(text, from, &mut fuel);
        self.steps.fetch_add(most - fuel, Ordering::Relaxed);
        found
    }

    fn next_within(&self, text: &str, from: usize, fuel: &mut u32) -> Result<Option<Range<usize>>, usize> {
        if self.program.is_at_start() && from > 0 {
            return Ok(None);
        }
        let last = if self.program.is_at_start() { 1 } else { text.len() };
        let mut start = from;
        while start < last.min(text.len()) {
            // As many places as one step is worth.
            let end = last.min(text.len()).min(start + PLACES_PER_STEP as usize);
            let candidate = text.as_bytes()[start..end].iter().position(|&byte| self.program.begins_with(byte));
            *fuel = fuel.saturating_sub(1);
            let Some(skipped) = candidate else {
                start = end;
                continue;
            };
            start += skipped;
            if text.is_char_boundary(start) {
                match self.program.at(text, start, fuel) {
                    Answer::End(end) => return Ok(Some(start..end)),
                    Answer::No => {}
                    Answer::Unknown => return Err(start),
                }
            }
            start += 1;
        }
        Ok(None)
    }

    /// What is reported of a match.
    fn reported(&self, text: &str, whole: Range<usize>) -> Range<usize> {
        if self.program.is_some() && !self.program.has_hit() {
            return whole;
        }
        let Form { regex, hit } = self.form(text);
        let Some(hit) = *hit else { return whole };
        let mut captures = regex.create_captures();
        regex.search_captures(&Input::new(text).range(whole.start..).anchored(Anchored::Yes), &mut captures);
        captures.get_group(hit).map_or(whole, |group| group.range())
    }
}

/// An expression as its parser reads it where there are only bytes, which is quicker than to take away later what is not
/// ASCII; `None` where it names what is not.
fn parsed_as_ascii(source: &str) -> Option<Hir> {
    regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(source).ok()
}

/// The same expression, whose words end where ASCII's do.
fn with_ascii_boundaries(hir: Hir) -> Hir {
    if !hir.properties().look_set().contains_word_unicode() {
        return hir;
    }
    rebuilt(hir, with_ascii_boundaries, Hir::class)
}

/// The same expression for texts that are ASCII: of its classes, only what is ASCII.
fn of_ascii(hir: Hir) -> Hir {
    rebuilt(hir, of_ascii, |class| match class {
        Class::Unicode(mut class) => {
            class.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            Hir::class(Class::Unicode(class))
        }
        Class::Bytes(mut class) => {
            class.intersect(&ClassBytes::new([ClassBytesRange::new(0, 0x7f)]));
            Hir::class(Class::Bytes(class))
        }
    })
}

/// An expression with ASCII's word boundaries, whose parts and classes are put in place anew. The recursion is as deep as
/// the parser of regular expressions allows.
fn rebuilt(hir: Hir, part: impl Fn(Hir) -> Hir, class: impl Fn(Class) -> Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Look(look) => Hir::look(in_ascii(look)),
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            Hir::repetition(Repetition { min, max, greedy, sub: Box::new(part(*sub)) })
        }
        HirKind::Capture(Capture { index, name, sub }) => {
            Hir::capture(Capture { index, name, sub: Box::new(part(*sub)) })
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(part).collect()),
        HirKind::Alternation(branches) => Hir::alternation(branches.into_iter().map(part).collect()),
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(all) => class(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &str, text: &str, starts: Option<&[usize]>) -> Vec<String> {
        let found = |expression: Expression| {
            let mut found = Vec::new();
            let starts = starts.map(|places| Starts { places, before: 0, length_max: usize::MAX });
            expression.each(text, starts, |range| {
                found.push(text[range].to_owned());
                true
            });
            assert!(starts.is_some() || expression.is_match(text) != found.is_empty(), "{source} in {text:?}");
            found
        };
        let compiled = found(Expression::known(source.to_owned()));
        let program = Program::of(source);
        assert_eq!(
            found(Expression::with_program(source.to_owned().into(), program)),
            compiled,
            "{source} in {text:?}"
        );
        compiled
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
    fn both_forms_match_the_same_in_ascii() {
        let sources = [
            r"\w+@\w+",
            r"(?i)ska\s[^a-c\W]*",
            r"[\p{Greek}x]+|é",
            r"[é-ü]?(?P<hit>[^\d.])\b",
            r"(?-u:a\w)|[[:^alpha:]]{2}",
            "[^é]k\u{212a}?",
            "(?u:\\w)+(?-u:\\w)|é*(?i)S",
            "(?:é|)[^b]",
            ".",
        ];
        let texts = ["", "a@b c_d@e9", "SKA xyz", "x\0y\x7f", "k. K\t\r\n", "9.x é k", "a\u{85}b ſka\u{a0}z"];
        for (source, text) in sources.iter().flat_map(|source| texts.map(|text| (source, text))) {
            let wanted = Form::new(source, false).unwrap();
            let wanted: Vec<_> = wanted.regex.find_iter(text).map(|found| text[found.range()].to_owned()).collect();
            let form = Form::new(source, text.is_ascii()).unwrap();
            let seen: Vec<_> = form.regex.find_iter(text).map(|found| text[found.range()].to_owned()).collect();
            assert_eq!(seen, wanted, "{source} in {text:?}");
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
        // After much that was in vain, the rest is searched at once, and finds the same.
        let text = format!("{}ab", "a".repeat(500));
        let places: Vec<usize> = (0..text.len()).collect();
        assert_eq!(all("a[a-z]*?ab", &text, Some(&places)), [text.as_str()]);
        let text = format!("{}b", "a".repeat(5000));
        let places: Vec<usize> = (0..text.len()).collect();
        assert_eq!(all("a[^c]*c|a?b", &text, Some(&places)), ["ab"]);
    }

    #[test]
    fn words_end_where_those_of_ascii_do() {
        assert_eq!(all(r"\bexec\b", "éexec", None), ["exec"]);
        assert_eq!(all(r"(?:\bexec){1,2}(a|\beval\b)?", "éexec", None), ["exec"]);
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        assert!(Expression::new("(a".into(), Program::default()).unwrap_err().contains("unclosed group"));
    }
}
