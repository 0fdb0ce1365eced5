//! Programs made from a grammar: small, deeply nested, full of names that meet, so that most of them parse and what is
//! left to judge is scopes, targets and places.
//!
//! A grammar is a text: `[name]` begins a rule, each line below it is one way to write it, `«name»` stands for a rule,
//! `⏎` ends a line, `→` begins an indented block on the next line and `←` ends it. The first way of every rule must lead
//! to an end: it alone is taken once the program is deep or long.

use std::collections::BTreeMap;

use super::super::random::Random;

/// Rules inside one another, after which only first ways are taken: some programs are deep, most are not.
const DEPTHS: std::ops::Range<usize> = 4..14;

/// Characters after which only first ways are taken.
const LENGTH_MAX: usize = 600;

/// Rules inside one another after which nothing is written at all; a grammar whose first ways come to an end is never
/// as deep.
const DEPTH_LIMIT: usize = 200;

/// A grammar.
#[derive(Debug)]
pub(crate) struct Grammar {
    rules: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Grammar {
    /// Reads a grammar.
    pub(crate) fn of(text: &'static str) -> Self {
        let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut name = "";
        for line in text.lines() {
            match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(rule) if rule.bytes().all(|byte| byte.is_ascii_lowercase()) && !rule.is_empty() => name = rule,
                _ if line.is_empty() => {}
                _ => rules.entry(name).or_default().push(line),
            }
        }
        Self { rules }
    }

    /// A program.
    pub(crate) fn program(&self, random: &mut Random) -> String {
        let depth_max = DEPTHS.start + random.below(DEPTHS.len());
        let mut out = Writer { text: String::new(), indent: 0, at_start: true, depth_max };
        self.write("file", 0, random, &mut out);
        out.text
    }

    fn write(&self, rule: &str, depth: usize, random: &mut Random, out: &mut Writer) {
        let Some(ways) = self.rules.get(rule).filter(|_| depth < DEPTH_LIMIT) else { return };
        let last = depth > out.depth_max || out.text.len() > LENGTH_MAX;
        let way = if last { ways[0] } else { random.pick(ways) };
        let mut rest = way;
        while let Some((before, tail)) = rest.split_once('«') {
            out.push(before);
            let (name, tail) = tail.split_once('»').unwrap_or((tail, ""));
            self.write(name, depth + 1, random, out);
            rest = tail;
        }
        out.push(rest);
    }
}

/// A text that is being written, how far it is indented, and how deep it may become.
struct Writer {
    text: String,
    indent: usize,
    at_start: bool,
    depth_max: usize,
}

impl Writer {
    fn push(&mut self, text: &str) {
        for char in text.chars() {
            match char {
                '⏎' | '→' => {
                    self.text.push('\n');
                    self.at_start = true;
                    self.indent += usize::from(char == '→');
                }
                '←' => self.indent = self.indent.saturating_sub(1),
                _ => {
                    if std::mem::take(&mut self.at_start) {
                        self.text.push_str(&" ".repeat(self.indent));
                    }
                    self.text.push(char);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{javascript, python};
    use super::*;

    #[test]
    fn every_rule_that_is_named_is_there_and_first_ways_come_to_an_end() {
        for text in [python::GRAMMAR, javascript::GRAMMAR] {
            let grammar = Grammar::of(text);
            for (name, ways) in &grammar.rules {
                for part in ways.iter().flat_map(|way| way.split('«').skip(1)) {
                    let named = part.split('»').next().unwrap_or_default();
                    assert!(grammar.rules.contains_key(named), "[{name}] names «{named}»");
                }
                assert!(ends(&grammar, name, 0), "the first way of [{name}] does not end");
            }
        }
    }

    fn ends(grammar: &Grammar, name: &str, depth: usize) -> bool {
        let mut parts = grammar.rules[name][0].split('«').skip(1);
        depth < 30 && parts.all(|part| ends(grammar, part.split('»').next().unwrap_or_default(), depth + 1))
    }

    #[test]
    fn the_same_seed_writes_the_same_programs() {
        let grammar = Grammar::of(python::GRAMMAR);
        let all = |seed| (0..200).map(|at| grammar.program(&mut Random::of(seed, at))).collect::<Vec<_>>();
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
        assert!(all(1).iter().any(|program| program.contains("\n  ")));
    }
}
