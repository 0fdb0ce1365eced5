//! Which rules over text and over trees a text is worth: those whose needles it holds.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

use super::Hook;
use super::needles::{Clause, FOLD_TO_ASCII};

/// Bytes that are searched needle by needle before the automaton is made, which costs as much as searching about as many.
const PLAIN_BYTES_MAX: usize = 64 << 10;

/// Tells which rules over text and trees a text is worth.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// Each rule's hook and its clauses.
    pub(super) rules: Vec<(Hook, Vec<Clause>)>,
    compiled: OnceLock<Compiled>,
    /// Bytes that were searched needle by needle.
    searched: AtomicUsize,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
    }
}

#[derive(Debug)]
struct Compiled {
    /// `None` where the needles could not be compiled, so that every rule runs.
    automaton: Option<AhoCorasick>,
    /// For each needle the clause that it is of.
    clause_of: Vec<usize>,
    /// For each clause the rule that it is of, by its place in the list.
    rule_of: Vec<usize>,
}

impl Filter {
    /// A filter of these rules.
    pub(super) fn new(rules: Vec<(Hook, Vec<Clause>)>) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Whether there are no rules.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that could match `text`, in the order in which they were added.
    pub(crate) fn candidates(&self, text: &str) -> Vec<Hook> {
        if text.contains(FOLD_TO_ASCII) {
            return self.rules.iter().map(|(hook, _)| *hook).collect();
        }
        let is_small = self.compiled.get().is_none()
            && self.searched.fetch_add(text.len(), Ordering::Relaxed).saturating_add(text.len()) <= PLAIN_BYTES_MAX;
        if is_small { self.searched(text) } else { self.found(text) }
    }

    /// Searches for each needle that the text has the pairs of letters of.
    fn searched(&self, text: &str) -> Vec<Hook> {
        let text = text.to_ascii_lowercase();
        let text = text.as_bytes();
        let pairs = Pairs::of(text);
        let holds =
            |needle: &String| pairs.may_hold(needle.as_bytes()) && memmem::find(text, needle.as_bytes()).is_some();
        let is_worth = |clauses: &[Clause]| clauses.iter().all(|clause| clause.iter().any(holds));
        self.rules.iter().filter(|(_, clauses)| is_worth(clauses)).map(|(hook, _)| *hook).collect()
    }

    /// Searches for all needles at once.
    fn found(&self, text: &str) -> Vec<Hook> {
        let compiled = self.compiled.get_or_init(|| self.compile());
        let Some(automaton) = &compiled.automaton else { return self.rules.iter().map(|(hook, _)| *hook).collect() };
        let mut missing: Vec<usize> = self.rules.iter().map(|(_, clauses)| clauses.len()).collect();
        let mut held = vec![false; compiled.rule_of.len()];
        let mut left = held.len();
        for found in automaton.find_overlapping_iter(text) {
            let clause = compiled.clause_of[found.pattern().as_usize()];
            if !std::mem::replace(&mut held[clause], true) {
                missing[compiled.rule_of[clause]] -= 1;
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
        self.rules.iter().zip(missing).filter(|(_, missing)| *missing == 0).map(|((hook, _), _)| *hook).collect()
    }

    fn compile(&self) -> Compiled {
        let (mut needles, mut clause_of, mut rule_of) = (Vec::new(), Vec::new(), Vec::new());
        for (rule, (_, clauses)) in self.rules.iter().enumerate() {
            for clause in clauses {
                needles.extend(clause);
                clause_of.extend(std::iter::repeat_n(rule_of.len(), clause.len()));
                rule_of.push(rule);
            }
        }
        let automaton =
            AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(needles).ok();
        Compiled { automaton, clause_of, rule_of }
    }
}

/// The pairs of neighbouring bytes that a text holds.
struct Pairs(Vec<u64>);

impl Pairs {
    fn of(text: &[u8]) -> Self {
        let mut pairs = Self(vec![0; (1 << 16) / 64]);
        for pair in text.windows(2) {
            let at = Self::place(pair);
            pairs.0[at / 64] |= 1 << (at % 64);
        }
        pairs
    }

    fn place(pair: &[u8]) -> usize {
        usize::from(pair[0]) << 8 | usize::from(pair[1])
    }

    /// Whether a text of these pairs could hold `needle`.
    fn may_hold(&self, needle: &[u8]) -> bool {
        needle.windows(2).map(Self::place).all(|at| self.0[at / 64] >> (at % 64) & 1 == 1)
    }
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
                let candidates = filter.candidates(example);
                assert_eq!(filter.searched(example), filter.found(example), "{example}");
                for (hook, _) in filter.rules.iter().filter(|(hook, _)| !candidates.contains(hook)) {
                    let (rule, matcher) = rules.hooked(*hook);
                    assert!(!matches(&matcher.what, &grammar, example), "{} is filtered from:\n{example}", rule.id);
                }
                matched +=
                    candidates.iter().filter(|hook| matches(&rules.hooked(**hook).1.what, &grammar, example)).count();
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
        let (mut compared, mut filtered) = (0, 0);
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
                let worth = !filter.candidates(&text).is_empty();
                assert_eq!(filter.searched(&text), filter.found(&text), "{source} {text:?}");
                assert!(worth || !regex.is_match(&text), "{source} {text:?}");
                compared += 1;
                filtered += usize::from(!worth);
            }
        }
        assert!(compared > 10_000 && filtered > 1000, "{compared} {filtered}");
    }

    #[test]
    fn a_text_is_worth_the_rules_whose_clauses_it_meets() {
        let hook = |rule| Hook { rule, matcher: 0 };
        let mut filter = Filter::default();
        filter.rules.push((hook(0), of_regex("AKIA[0-9]+")));
        filter.rules.push((hook(1), of_regex("[a-z]+")));
        filter.rules.push((hook(2), vec![vec!["exec".to_owned()], vec!["b64".to_owned()]]));
        let worth = |text: &str| filter.candidates(text).iter().map(|hook| hook.rule).collect::<Vec<_>>();
        assert_eq!(worth("nothing"), [1]);
        assert_eq!(worth("akia exec"), [0, 1]);
        assert_eq!(worth("exec(b64decode(x))"), [1, 2]);
        assert_eq!(worth("the kelvin sign \u{212a}"), [0, 1, 2]);
    }
}
