//! What a text must hold before a rule over text or over trees is worth compiling.
//!
//! Compiling a regular expression costs up to a millisecond or two and a tree-sitter query about three, so that running
//! every such rule over every file would cost far more than the file is worth. Most of them cannot match without some
//! fixed text (`AKIA`, `__proto__`). These *needles* are derived from the expression itself, never written by hand, so
//! that they cannot be wrong about it; one pass of Aho-Corasick over a file tells which rules are left.
//!
//! A rule has several clauses; a text must hold at least one needle of each. Needles are ASCII and compared without case.
//! A rule without clauses always runs.

use std::collections::HashSet;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::Hook;

/// At least one of these must be there.
type Clause = Vec<String>;

/// A shorter needle is in every file.
const NEEDLE_BYTES_MIN: usize = 2;

/// More needles than this in one clause say too little.
const CLAUSE_NEEDLES_MAX: usize = 64;

/// Characters that fold to an ASCII letter although they are not ASCII: a text that holds one is not filtered.
const FOLD_TO_ASCII: [char; 2] = ['\u{212a}', '\u{17f}'];

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
        _ => None,
    }
}

/// Tells which rules over text and trees a text is worth.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// Each rule's hook and its clauses.
    rules: Vec<(Hook, Vec<Clause>)>,
    compiled: OnceLock<Compiled>,
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
    /// Adds a rule.
    pub(super) fn add(&mut self, hook: Hook, clauses: Vec<Clause>) {
        self.rules.push((hook, clauses));
    }

    /// The rules that could match `text`, in the order in which they were added.
    pub(crate) fn candidates(&self, text: &str) -> Vec<Hook> {
        let compiled = self.compiled.get_or_init(|| self.compile());
        let automaton = compiled.automaton.as_ref().filter(|_| !text.contains(FOLD_TO_ASCII));
        let Some(automaton) = automaton else { return self.rules.iter().map(|(hook, _)| *hook).collect() };
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

#[cfg(test)]
mod tests {
    use tree_sitter::StreamingIterator as _;

    use super::*;
    use crate::rules::{Matcher, RuleLanguage, RuleSet};

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

    /// Whether a rule's expression or query matches a text, whatever its needles say.
    fn matches(matcher: &Matcher, language: &tree_sitter::Language, text: &str) -> bool {
        match matcher {
            Matcher::Regex { regex, .. } => {
                regex.get().is_match(text) || text.lines().any(|line| regex.get().is_match(line))
            }
            Matcher::Query { query } => {
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
        let examples: Vec<&String> = rules.rules().iter().flat_map(|rule| rule.bad.iter().chain(&rule.good)).collect();
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
                for (hook, _) in filter.rules.iter().filter(|(hook, _)| !candidates.contains(hook)) {
                    let (rule, matcher) = rules.hooked(*hook);
                    assert!(!matches(matcher, &grammar, example), "{} is filtered from:\n{example}", rule.id);
                }
                matched += candidates.iter().filter(|hook| matches(rules.hooked(**hook).1, &grammar, example)).count();
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
            filter.add(Hook { rule: 0, matcher: 0 }, of_regex(&source));
            for _ in 0..20 {
                let text: String = (0..next(7)).map(|_| TEXTS[usize::try_from(next(9)).unwrap()]).collect();
                let worth = !filter.candidates(&text).is_empty();
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
        filter.add(hook(0), of_regex("AKIA[0-9]+"));
        filter.add(hook(1), of_regex("[a-z]+"));
        filter.add(hook(2), vec![vec!["exec".to_owned()], vec!["b64".to_owned()]]);
        let worth = |text: &str| filter.candidates(text).iter().map(|hook| hook.rule).collect::<Vec<_>>();
        assert_eq!(worth("nothing"), [1]);
        assert_eq!(worth("akia exec"), [0, 1]);
        assert_eq!(worth("exec(b64decode(x))"), [1, 2]);
        assert_eq!(worth("the kelvin sign \u{212a}"), [0, 1, 2]);
    }
}
