//! Looks for what rules ask of a text.

use std::cell::OnceCell;

use memchr::memmem;

use super::Hook;
use super::anchor::Anchor;
use super::filter::{Entry, Filter, KEY_BYTES, key, units};
use super::needles::{Clause, FOLD_TO_ASCII, Needle, Needles};

/// Where more of a text's bytes than one in so many are places at which a search is begun, it is as well searched whole.
const BYTES_A_START_MIN: usize = 16;

/// In a text of so few bytes it is noted which bytes stand beside one another: most of what is searched for has two that never
/// do, and is not searched for.
const PAIRED_BYTES_MAX: usize = 8 << 10;

/// In a short text, searches are begun at so many places all the same.
const STARTS_MIN: usize = 64;

/// A rule that could match a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Which of the filter's rules it is.
    pub(crate) number: usize,
    pub(crate) hook: Hook,
    /// The bytes at which its matches can begin, in order; `None` where that could be anywhere.
    pub(crate) starts: Option<Vec<usize>>,
    /// How many bytes a match has at most.
    pub(crate) length_max: usize,
}

/// Where needles of rules stand in a text.
struct Found {
    /// How many of a unit's were seen; only whether there is any, where their places tell nothing.
    counts: Vec<usize>,
    /// Of more than so many of a unit, it is not told where they stand.
    most: usize,
    /// Places of needles at which or before which a match begins, by their units and in order.
    places: Vec<(u16, u32)>,
}

impl Found {
    /// Where needles of a unit stand.
    fn of(&self, unit: usize) -> impl Iterator<Item = usize> {
        let first = self.places.partition_point(|&(other, _)| usize::from(other) < unit);
        let own = self.places[first..].iter().take_while(move |&&(other, _)| usize::from(other) == unit);
        own.map(|&(_, at)| at as usize)
    }
}

/// A rule's units, as far as they were found.
struct Own<'f> {
    found: &'f Found,
    /// The number of the first unit.
    first: usize,
    /// Whether each of them is in the index.
    is_in: &'f [u8],
}

impl Own<'_> {
    /// Whether something of a unit is there; `None` where that was not looked for.
    fn has(&self, at: usize) -> Option<bool> {
        (self.is_in.get(at) == Some(&1)).then(|| self.found.counts[self.first + at] > 0)
    }

    /// Whether a unit of the index is not there, without which the rule matches nowhere.
    fn lacks_any(&self) -> bool {
        (0..self.is_in.len()).any(|at| self.has(at) == Some(false))
    }

    /// Whether there are so many of a unit that they may stand anywhere.
    fn is_everywhere(&self, at: usize) -> bool {
        self.found.counts[self.first + at] > self.found.most
    }
}

impl Filter {
    /// Whether there are no rules.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that could match a text, in the order in which they were added.
    pub(crate) fn candidates(&self, haystack: &Haystack) -> Vec<Candidate> {
        if haystack.folds {
            return (0..self.rules.len()).map(|number| self.candidate(number, None)).collect();
        }
        let found = self.find(haystack);
        let (mut candidates, mut first) = (Vec::new(), 0);
        for (number, (_, needles)) in self.rules.iter().enumerate() {
            let count = self.index.shares.u32(number) as usize;
            let own = Own { found: &found, first, is_in: &self.index.units.0[first..first + count] };
            first += count;
            if own.lacks_any() {
                continue;
            }
            if let Some(starts) = haystack.starts(needles, &own) {
                candidates.push(self.candidate(number, starts));
            }
        }
        candidates
    }

    /// Whether a short text could be worth any rule at all, by the bits of its keys alone.
    pub(crate) fn could_match(&self, text: &str) -> bool {
        let keys = self.index.keys();
        let lower = |bytes: &[u8; KEY_BYTES]| key(bytes.map(|byte| byte.to_ascii_lowercase()));
        let is_key = |bytes: &[u8; KEY_BYTES]| keys.may_hold(lower(bytes));
        !self.index.is_whole || !text.is_ascii() || text.as_bytes().array_windows().any(is_key)
    }

    fn candidate(&self, number: usize, starts: Option<Vec<usize>>) -> Candidate {
        let (hook, needles) = &self.rules[number];
        let length_max = needles.length_max.map_or(usize::MAX, |length| length as usize);
        Candidate { number, hook: *hook, starts, length_max }
    }

    /// Looks through a text once for all needles of the index.
    fn find(&self, haystack: &Haystack) -> Found {
        let most = haystack.starts_max();
        let mut found = Found { counts: vec![0; self.index.units.0.len()], most, places: Vec::new() };
        if self.index.entries.0.is_empty() {
            return found;
        }
        let keys = self.index.keys();
        for (at, bytes) in haystack.lower.array_windows().enumerate() {
            let key = key(*bytes);
            if keys.may_hold(key) {
                self.look(key, at, haystack, &mut found);
            }
        }
        found.places.sort_unstable();
        found
    }

    /// Notes the needles of a key that stands at a place of the text.
    #[inline(never)]
    fn look(&self, key: u32, key_at: usize, haystack: &Haystack, found: &mut Found) {
        // Rules often ask for the same text, and such entries are side by side.
        let mut last = (None, false);
        for entry in self.index.of_key(key) {
            let is_placed = entry.flags & Entry::PLACED != 0;
            let unit = usize::from(entry.unit);
            if found.counts[unit] > if is_placed { found.most } else { 0 } {
                continue;
            }
            let Some(at) = key_at.checked_sub(usize::from(entry.key_at)) else { continue };
            let needle = self.needle(entry);
            let text = Some((entry.start, entry.length));
            if last.0 != text {
                last = (text, haystack.lower[at..].starts_with(needle.text));
            }
            if last.1 && needle.fits(&haystack.lower, at) {
                found.counts[unit] += 1;
                if is_placed {
                    found.places.push((entry.unit, u32::try_from(at).expect("texts are of at most 4 GiB")));
                }
            }
        }
    }

    /// The needle of an entry.
    fn needle(&self, entry: Entry) -> Needle<'_> {
        let start = entry.start as usize;
        let text = &self.index.texts.0[start..start + usize::from(entry.length)];
        Needle { text, edges: (entry.flags & Entry::EDGE_BEFORE != 0, entry.flags & Entry::EDGE_BEHIND != 0) }
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
    /// The pairs of bytes in it, once they are asked for.
    pairs: OnceCell<Pairs>,
}

/// A set of pairs of bytes that stand beside one another, with room for error: it may say yes to others.
#[derive(Debug)]
struct Pairs([u64; 64]);

impl Pairs {
    fn of(text: &[u8]) -> Self {
        let mut pairs = Self([0; 64]);
        for &pair in text.array_windows() {
            let (word, bit) = Self::place(pair);
            pairs.0[word] |= bit;
        }
        pairs
    }

    fn may_hold(&self, pair: [u8; 2]) -> bool {
        let (word, bit) = Self::place(pair);
        self.0[word] & bit != 0
    }

    /// Lower letters differ in five bits, and these tell most pairs apart.
    fn place([first, second]: [u8; 2]) -> (usize, u64) {
        let number = (usize::from(first) << 6) ^ usize::from(second);
        (number >> 6 & 63, 1 << (number & 63))
    }
}

impl Haystack {
    /// Looks through a text once.
    pub(crate) fn of(text: &str) -> Self {
        let is_ascii = text.is_ascii();
        let folds = !is_ascii && text.contains(FOLD_TO_ASCII);
        Self { lower: text.to_ascii_lowercase().into_bytes(), is_ascii, folds, pairs: OnceCell::new() }
    }

    /// At how many places a search is begun, at most.
    fn starts_max(&self) -> usize {
        (self.lower.len() / BYTES_A_START_MIN).max(STARTS_MIN)
    }

    /// Where matches of a rule can begin of which nothing is lacking in the index: nowhere (`None`), at some places, or anywhere
    /// (`Some(None)`).
    fn starts(&self, needles: &Needles, own: &Own<'_>) -> Option<Option<Vec<usize>>> {
        if needles.beyond_ascii && self.is_ascii {
            return None;
        }
        let mut short = units(needles).enumerate().filter(|(at, _)| own.has(*at).is_none());
        if !short.all(|(_, (_, clause))| self.holds(clause)) {
            return None;
        }
        let most = self.starts_max();
        let anchored = match &needles.anchor {
            None => None,
            Some(_) if own.is_everywhere(0) => Some(None),
            Some(anchor) => Some(self.anchored(anchor, self.places_of(&anchor.needles, own, 0), most)?),
        };
        let heads = usize::from(needles.anchor.is_some());
        let mut found: Vec<usize> = match (anchored, needles.clauses.first()) {
            (_, Some(_)) if needles.heads && own.is_everywhere(heads) => return Some(None),
            (_, Some(clause)) if needles.heads => {
                self.places_of(clause, own, heads).take(most.saturating_add(1)).collect()
            }
            (Some(Some(starts)), _) => starts,
            _ => return Some(None),
        };
        if found.len() > most {
            return Some(None);
        }
        found.sort_unstable();
        found.dedup();
        Some(Some(found))
    }

    /// Where matches can begin whose needles stand at these places and as the anchor says: nowhere (`None`), at some places, or
    /// anywhere (`Some(None)`). More than `most` are not looked for.
    fn anchored(
        &self,
        anchor: &Anchor,
        places: impl Iterator<Item = usize>,
        most: usize,
    ) -> Option<Option<Vec<usize>>> {
        let mut fitting = places.filter(|&at| anchor.fits(&self.lower[..at])).peekable();
        fitting.peek()?;
        let mut starts = Vec::new();
        for at in fitting {
            let Some(before) = anchor.starts(&self.lower[..at]) else { return Some(None) };
            starts.extend(before);
            if starts.len() > most {
                break;
            }
        }
        Some(Some(starts))
    }

    /// Whether a needle of a clause is there.
    fn holds(&self, clause: &Clause) -> bool {
        clause.needles().filter(|needle| self.may_hold(needle.text)).any(|needle| match needle.has_edges() {
            true => occurrences(&self.lower, needle).next().is_some(),
            false => memmem::find(&self.lower, needle.text).is_some(),
        })
    }

    /// Whether a text may stand in this one, by the pairs of bytes in it.
    fn may_hold(&self, text: &[u8]) -> bool {
        let pairs = || self.pairs.get_or_init(|| Pairs::of(&self.lower));
        self.lower.len() > PAIRED_BYTES_MAX || text.array_windows().all(|&pair| pairs().may_hold(pair))
    }

    /// Where the needles of a unit stand.
    fn places_of<'s>(&'s self, clause: &'s Clause, own: &'s Own<'_>, at: usize) -> impl Iterator<Item = usize> + 's {
        let is_found = own.has(at).is_some();
        let found = own.found.of(own.first + at).filter(move |_| is_found);
        let searched = clause.needles().take(if is_found { 0 } else { usize::MAX });
        let searched = searched.filter(|needle| self.may_hold(needle.text));
        found.chain(searched.flat_map(|needle| occurrences(&self.lower, needle)))
    }
}

/// Where a needle stands, those places included where it stands in itself.
fn occurrences<'t>(text: &'t [u8], needle: Needle<'t>) -> impl Iterator<Item = usize> + 't {
    let finder = memmem::Finder::new(needle.text);
    let mut from = 0;
    let everywhere = std::iter::from_fn(move || {
        let found = from + finder.find(text.get(from..)?)?;
        from = found + 1;
        Some(found)
    });
    everywhere.filter(move |&at| needle.fits(text, at))
}

#[cfg(test)]
mod tests {
    use tree_sitter::StreamingIterator as _;

    use super::*;
    use crate::rules::needles::of_regex;
    use crate::rules::{Expression, Rule, RuleLanguage, RuleSet, What};

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
        let texts: Vec<_> = rules.rules().map(Rule::texts).collect();
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
        const TEXTS: [&str; 10] = ["a", "b", "k", "s", "K", "S", "é", "\u{17f}", "\u{212a}", " "];
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
            if regex::Regex::new(&source).is_err() {
                continue;
            }
            let expression = Expression::known(source.clone());
            let filter = Filter::new(vec![(Hook { rule: 0, matcher: 0 }, of_regex(&source))]);
            for _ in 0..20 {
                let text: String = (0..next(7)).map(|_| TEXTS[usize::try_from(next(10)).unwrap()]).collect();
                let candidates = filter.candidates(&Haystack::of(&text));
                let worth = !candidates.is_empty();
                let mut found = Vec::new();
                expression.each(&text, None, |whole| {
                    found.push(whole.start);
                    true
                });
                assert!(worth || found.is_empty(), "{source} {text:?}");
                let starts = candidates.first().and_then(|candidate| candidate.starts.as_ref());
                let begins = |starts: &Vec<usize>| found.iter().all(|start| starts.contains(start));
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
        let clauses = vec![Clause::of(&["exec".to_owned()]), Clause::of(&["b64".to_owned()])];
        let third = Needles { clauses, ..Needles::default() };
        let filter = Filter::new(vec![
            (hook(0), of_regex("AKIA[0-9]+")),
            (hook(1), of_regex("[a-z]+")),
            (hook(2), third),
            (hook(3), of_regex(r"\brm\b +-rf")),
        ]);
        let worth =
            |text: &str| filter.candidates(&Haystack::of(text)).iter().map(|one| one.hook.rule).collect::<Vec<_>>();
        assert_eq!(worth("nothing"), [1]);
        assert_eq!(worth("akia exec"), [0, 1]);
        assert_eq!(worth("form -rf, rm1 -rf"), [1]);
        assert_eq!(worth("(rm -rf"), [1, 3]);
        assert_eq!(worth("exec(b64decode(x))"), [1, 2]);
        let names = Filter::new(vec![(hook(0), of_regex("(?i)pass|^key")), (hook(1), of_regex("tok[a-z]+"))]);
        let could = ["aPass", "monkey", "the_tokens", "é", "self", "pa", ""].map(|name| names.could_match(name));
        assert_eq!(could, [true, true, true, true, false, false, false]);
        assert_eq!(worth("the kelvin sign \u{212a}"), [0, 1, 2, 3]);
    }

    #[test]
    fn rules_that_the_index_has_no_room_for_are_searched_for_all_the_same() {
        let hook = |rule| Hook { rule, matcher: 0 };
        let asks = |needle: String| Needles { clauses: vec![Clause::of(&[needle])], ..Needles::default() };
        let mut rules: Vec<(Hook, Needles)> = (0..70_000).map(|rule| (hook(rule), asks(format!("<{rule}>")))).collect();
        rules.push((hook(70_000), of_regex(&"ab".repeat(40_000))));
        let filter = Filter::new(rules);
        let worth =
            |text: &str| filter.candidates(&Haystack::of(text)).iter().map(|one| one.hook.rule).collect::<Vec<_>>();
        assert_eq!(worth("<7> <69999> <70000>"), [7, 69_999]);
        assert_eq!(worth(&"ab".repeat(40_001)), [70_000]);
        assert_eq!(worth(&"ab".repeat(39_999)), [0; 0]);
    }
}
