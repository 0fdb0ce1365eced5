//! Which rules over text and over trees a text is worth: those whose needles it holds.
//!
//! A text's runs of four bytes are noted in one look, as bits of a table. A needle whose runs are not all there is not in
//! the text; the few that are left are searched for one by one.

use memchr::memmem;

use super::Hook;
use super::anchor::Anchor;
use super::needles::{Clause, FOLD_TO_ASCII, Needles};

/// How often a byte may be looked at, where a rule's searches begin at needles.
const SEARCHED_AGAIN_MAX: usize = 16;

/// Tells which rules over text and trees a text is worth.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Filter {
    /// Each rule's hook and what it asks for.
    pub(super) rules: Vec<(Hook, Needles)>,
}

/// A rule that could match a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) hook: Hook,
    /// The bytes at which its matches can begin, in order; `None` where that could be anywhere.
    pub(crate) starts: Option<Vec<usize>>,
}

impl Filter {
    /// A filter of these rules.
    pub(super) fn new(rules: Vec<(Hook, Needles)>) -> Self {
        Self { rules }
    }

    /// Whether there are no rules.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that could match a text, in the order in which they were added.
    pub(crate) fn candidates(&self, haystack: &Haystack) -> Vec<Candidate> {
        if haystack.folds {
            return self.rules.iter().map(|(hook, _)| Candidate { hook: *hook, starts: None }).collect();
        }
        let worth = self.rules.iter().filter(|(_, needles)| haystack.is_worth(needles));
        worth.map(|(hook, needles)| Candidate { hook: *hook, starts: haystack.starts(needles) }).collect()
    }
}

/// A text in which needles are searched for.
#[derive(Debug)]
pub(crate) struct Haystack {
    /// Its bytes, in lower case.
    lower: Vec<u8>,
    is_ascii: bool,
    /// Whether it has a character that is an ASCII letter but for its case; then no needle tells anything.
    folds: bool,
    /// A bit for each of the hashes of its runs of four bytes.
    runs: Vec<u64>,
    /// How far the hash of a run is shifted to be a place in `runs`.
    shift: u32,
}

/// The bytes of a run.
const RUN_BYTES: usize = 4;

/// The table of runs has so many bits for a byte of text, so that few are set by chance ...
const BITS_A_BYTE: usize = 8;

/// ... and at most two to the power of this, so that it stays in a near cache.
const TABLE_POWER_MAX: u32 = 20;

/// The least table, as a power of two.
const TABLE_POWER_MIN: u32 = 9;

impl Haystack {
    /// Looks through a text once.
    pub(crate) fn of(text: &str) -> Self {
        let is_ascii = text.is_ascii();
        let lower = text.to_ascii_lowercase().into_bytes();
        let power = (lower.len() * BITS_A_BYTE).next_power_of_two().trailing_zeros();
        let power = power.clamp(TABLE_POWER_MIN, TABLE_POWER_MAX);
        let folds = !is_ascii && text.contains(FOLD_TO_ASCII);
        let mut haystack = Self { is_ascii, folds, runs: vec![0; (1 << power) / 64], shift: u32::BITS - power, lower };
        for run in haystack.lower.array_windows() {
            let place = Self::place(*run, haystack.shift);
            haystack.runs[place / 64] |= 1 << (place % 64);
        }
        haystack
    }

    /// The place of a run in the table: the upper bits of its product with a large odd number (Knuth, multiplicative hashing).
    fn place(run: [u8; RUN_BYTES], shift: u32) -> usize {
        (u32::from_le_bytes(run).wrapping_mul(0x9e37_79b1) >> shift) as usize
    }

    fn is_worth(&self, needles: &Needles) -> bool {
        let holds = |needle: &[u8]| self.may_hold(needle) && memmem::find(&self.lower, needle).is_some();
        !(needles.beyond_ascii && self.is_ascii)
            && needles.clauses.iter().all(|clause| clause.bytes().any(holds))
            && needles.anchor.as_ref().is_none_or(|anchor| self.is_anchored(anchor))
    }

    /// Whether a needle of the anchor stands where one of a match can.
    fn is_anchored(&self, anchor: &Anchor) -> bool {
        self.places_of(&anchor.needles).any(|at| anchor.fits(&self.lower[..at]))
    }

    /// Whether all runs of a needle are in the text; that of a shorter one is not known.
    fn may_hold(&self, needle: &[u8]) -> bool {
        let is_there = |run: &[u8; RUN_BYTES]| {
            let place = Self::place(*run, self.shift);
            self.runs[place / 64] >> (place % 64) & 1 == 1
        };
        needle.array_windows().all(is_there)
    }

    /// The places at which a search is begun, in order: `None` where that is anywhere, and where to search from each of
    /// them could take longer than to search the whole text.
    fn starts(&self, needles: &Needles) -> Option<Vec<usize>> {
        let length = self.lower.len();
        let longest = needles.length_max.map_or(length, |longest| length.min(longest as usize)).max(1);
        let most = length.saturating_mul(SEARCHED_AGAIN_MAX) / longest;
        let mut found: Vec<usize> = match (&needles.anchor, needles.clauses.first()) {
            (_, Some(heads)) if needles.heads => self.places_of(heads).take(most.saturating_add(1)).collect(),
            (Some(anchor), _) => self.anchored_starts(anchor, most)?,
            _ => return None,
        };
        if found.len() > most {
            return None;
        }
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    /// Where matches can begin whose needles stand as the anchor says; `None` where that could be anywhere. More than `most`
    /// are not looked for.
    fn anchored_starts(&self, anchor: &Anchor, most: usize) -> Option<Vec<usize>> {
        let mut starts = Vec::new();
        for at in self.places_of(&anchor.needles).filter(|&at| anchor.fits(&self.lower[..at])) {
            starts.extend(anchor.starts(&self.lower[..at])?);
            if starts.len() > most {
                break;
            }
        }
        Some(starts)
    }

    /// Where needles stand that may be there.
    fn places_of<'s>(&'s self, needles: &'s Clause) -> impl Iterator<Item = usize> + 's {
        let there = needles.bytes().filter(|needle| self.may_hold(needle));
        there.flat_map(|needle| occurrences(&self.lower, needle))
    }
}

/// Where a needle stands, those places included where it stands in itself.
fn occurrences<'t>(text: &'t [u8], needle: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    let finder = memmem::Finder::new(needle);
    let mut from = 0;
    std::iter::from_fn(move || {
        let found = from + finder.find(text.get(from..)?)?;
        from = found + 1;
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use tree_sitter::StreamingIterator as _;

    use super::*;
    use crate::rules::needles::of_regex;
    use crate::rules::{Rule, RuleLanguage, RuleSet, What};

    /// Whether a rule's expression or query matches a text, whatever its needles say.
    fn matches(what: &What, language: &tree_sitter::Language, text: &str) -> bool {
        match what {
            What::Regex { regex, .. } => {
                regex.get().is_match(text) || text.lines().any(|line| regex.get().is_match(line))
            }
            What::Query { query } => {
                let mut parser = tree_sitter::Parser::new();
                parser.set_language(language).unwrap();
                let tree = parser.parse(text, None).unwrap();
                let mut cursor = tree_sitter::QueryCursor::new();
                cursor.matches(query.get(), tree.root_node(), text.as_bytes()).next().is_some()
            }
            _ => false,
        }
    }

    #[test]
    fn no_built_in_rule_matches_where_its_needles_are_missing() {
        let rules = RuleSet::load(true, &[] as &[&std::path::Path]).unwrap();
        let texts: Vec<_> = rules.rules().iter().map(Rule::texts).collect();
        let examples: Vec<&String> = texts.iter().flat_map(|texts| texts.bad.iter().chain(&texts.good)).collect();
        let mut matched = 0;
        for language in RuleLanguage::ALL {
            let grammar: tree_sitter::Language = match language {
                RuleLanguage::Python => tree_sitter_python::LANGUAGE.into(),
                RuleLanguage::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
                RuleLanguage::Html | RuleLanguage::Any => tree_sitter_html::LANGUAGE.into(),
            };
            let filter = &rules.tables(language).others;
            for example in &examples {
                let candidates = filter.candidates(&Haystack::of(example));
                let known = |hook: &Hook| candidates.iter().any(|candidate| candidate.hook == *hook);
                for (hook, _) in filter.rules.iter().filter(|(hook, _)| !known(hook)) {
                    let (rule, matcher) = rules.hooked(*hook);
                    assert!(!matches(&matcher.what, &grammar, example), "{} is filtered from:\n{example}", rule.id);
                }
                matched +=
                    candidates.iter().filter(|one| matches(&rules.hooked(one.hook).1.what, &grammar, example)).count();
            }
        }
        assert!(matched > 100, "{matched}");
    }

    /// Expressions and texts put together by a fixed sequence of numbers: nothing matches without its needles.
    #[test]
    fn no_expression_matches_where_its_needles_are_missing() {
        let mut state = 1_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        const ATOMS: [&str; 14] = [
            "ab",
            "k",
            "S",
            "é",
            "[ab]",
            "(?i:ks)",
            "(?i)",
            "(?x) a b ",
            r"\b",
            "(?-i:K)",
            ".",
            "^",
            r"\x61",
            "[k\u{212a}]",
        ];
        const ENDS: [&str; 8] = ["", "", "", "?", "*", "+", "{0,2}", "{2}"];
        const TEXTS: [&str; 9] = ["a", "b", "k", "s", "K", "S", "é", "\u{17f}", "\u{212a}"];
        let (mut compared, mut filtered, mut placed) = (0, 0, 0);
        for _ in 0..3000 {
            let mut source = String::new();
            for _ in 0..=next(4) {
                let atom = ATOMS[usize::try_from(next(14)).unwrap()];
                let end = ENDS[usize::try_from(next(8)).unwrap()];
                source = match next(4) {
                    0 => format!("({source}|{atom}){end}"),
                    1 => format!("({source}{atom}){end}"),
                    _ => format!("{source}(?:{atom}){end}"),
                };
            }
            let Ok(regex) = regex::Regex::new(&source) else { continue };
            let mut filter = Filter::default();
            filter.rules.push((Hook { rule: 0, matcher: 0 }, of_regex(&source)));
            for _ in 0..20 {
                let text: String = (0..next(7)).map(|_| TEXTS[usize::try_from(next(9)).unwrap()]).collect();
                let candidates = filter.candidates(&Haystack::of(&text));
                let worth = !candidates.is_empty();
                assert!(worth || !regex.is_match(&text), "{source} {text:?}");
                let starts = candidates.first().and_then(|candidate| candidate.starts.as_ref());
                let begins = |starts: &Vec<usize>| regex.find_iter(&text).all(|found| starts.contains(&found.start()));
                assert!(starts.is_none_or(begins), "{source} {text:?} {starts:?}");
                placed += usize::from(starts.is_some());
                compared += 1;
                filtered += usize::from(!worth);
            }
        }
        assert!(compared > 10_000 && filtered > 1000 && placed > 200, "{compared} {filtered} {placed}");
    }

    #[test]
    fn a_text_is_worth_the_rules_whose_clauses_it_meets() {
        let hook = |rule| Hook { rule, matcher: 0 };
        let mut filter = Filter::default();
        filter.rules.push((hook(0), of_regex("AKIA[0-9]+")));
        filter.rules.push((hook(1), of_regex("[a-z]+")));
        let clauses = vec![Clause::of(&["exec".to_owned()]), Clause::of(&["b64".to_owned()])];
        filter.rules.push((hook(2), Needles { clauses, ..Needles::default() }));
        let worth =
            |text: &str| filter.candidates(&Haystack::of(text)).iter().map(|one| one.hook.rule).collect::<Vec<_>>();
        assert_eq!(worth("nothing"), [1]);
        assert_eq!(worth("akia exec"), [0, 1]);
        assert_eq!(worth("exec(b64decode(x))"), [1, 2]);
        assert_eq!(worth("the kelvin sign \u{212a}"), [0, 1, 2]);
    }
}
