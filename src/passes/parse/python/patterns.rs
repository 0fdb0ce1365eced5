//! The patterns of `match`: which names they bind, and which of them can be reached.

use std::collections::HashSet;

use ruff_python_ast::comparable::HashableExpr;
use ruff_python_ast::{self as ast, Expr, Pattern};
use ruff_text_size::{Ranged, TextRange};

use super::checks::{problem, repeated};
use crate::passes::parse::problem::Problem;

/// The faults of the patterns of a `match` statement. Each pattern is looked at once.
pub(super) fn check(statement: &ast::StmtMatch, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, case) in statement.cases.iter().enumerate() {
        let may_match_all = case.guard.is_some() || at + 1 == statement.cases.len();
        let mut checker = Checker { text, names: HashSet::new(), problems: &mut problems };
        checker.pattern(&case.pattern, may_match_all);
    }
    problems
}

struct Checker<'p, 'a> {
    text: &'p str,
    /// What the pattern has bound so far.
    names: HashSet<&'a str>,
    problems: &'p mut Vec<Problem>,
}

impl<'a> Checker<'_, 'a> {
    fn report(&mut self, message: impl Into<String>, range: TextRange) {
        self.problems.push(problem(message, range));
    }

    /// Checks one pattern; `may_match_all` says whether nothing is tried after it.
    fn pattern(&mut self, pattern: &'a Pattern, may_match_all: bool) {
        match pattern {
            Pattern::MatchValue(value) => {
                if value.value.is_f_string_expr() || value.value.is_t_string_expr() {
                    self.report("patterns may only match literals and attribute lookups", value.range);
                }
                self.wildcard(&value.value);
            }
            Pattern::MatchSingleton(_) => {}
            Pattern::MatchSequence(sequence) => self.sequence(&sequence.patterns),
            Pattern::MatchMapping(mapping) => self.mapping(mapping),
            Pattern::MatchClass(class) => self.class(class),
            Pattern::MatchStar(star) => self.bind(star.name.as_ref()),
            Pattern::MatchAs(binding) => self.binding(binding, may_match_all),
            Pattern::MatchOr(or) => self.alternatives(or, may_match_all),
        }
    }

    fn bind(&mut self, name: Option<&'a ast::Identifier>) {
        let Some(name) = name else { return };
        if !self.names.insert(name.as_str()) {
            self.report(format!("multiple assignments to name '{}' in pattern", name.id), name.range);
        }
    }

    /// `_.x`: the grammar takes `_` for the wildcard before it sees the dot.
    fn wildcard(&mut self, value: &Expr) {
        let mut root = value;
        while let Expr::Attribute(attribute) = root {
            root = &attribute.value;
        }
        if let Expr::Name(name) = root
            && name.id.as_str() == "_"
        {
            self.report("invalid syntax: `_` in a pattern is the wildcard", name.range);
        }
    }

    fn sequence(&mut self, patterns: &'a [Pattern]) {
        for pair in patterns.windows(2) {
            let gap = &self.text[usize::from(pair[0].end())..usize::from(pair[1].start())];
            // What is left out of comments is commas, brackets and white space.
            if !gap.lines().any(|line| line.split('#').next().is_some_and(|code| code.contains(','))) {
                self.report("invalid syntax. Perhaps you forgot a comma?", pair[1].range());
            }
        }
        if let Some(second) = patterns.iter().filter(|pattern| pattern.is_match_star()).nth(1) {
            self.report("multiple starred expressions in sequence pattern", second.range());
        }
        for pattern in patterns {
            self.pattern(pattern, true);
        }
    }

    fn mapping(&mut self, mapping: &'a ast::PatternMatchMapping) {
        let mut seen = HashSet::new();
        for key in &mapping.keys {
            if key.is_f_string_expr() || key.is_t_string_expr() {
                self.report("mapping pattern keys may only match literals and attribute lookups", key.range());
            } else if !matches!(key, Expr::Attribute(_)) && !seen.insert(HashableExpr::from(key)) {
                self.report("mapping pattern checks a duplicate key", key.range());
            }
        }
        for pattern in &mapping.patterns {
            self.pattern(pattern, true);
        }
        self.bind(mapping.rest.as_ref());
    }

    fn class(&mut self, class: &'a ast::PatternMatchClass) {
        self.wildcard(&class.cls);
        let keywords = &class.arguments.keywords;
        if let Some(name) = repeated(|| keywords.iter().map(|keyword| &keyword.attr)) {
            self.report(format!("attribute name repeated in class pattern: {}", name.id), name.range);
        }
        let keywords = keywords.iter().map(|keyword| &keyword.pattern);
        for pattern in class.arguments.patterns.iter().chain(keywords) {
            self.pattern(pattern, true);
        }
    }

    fn binding(&mut self, binding: &'a ast::PatternMatchAs, may_match_all: bool) {
        match (&binding.pattern, &binding.name) {
            (Some(inner), _) => self.pattern(inner, may_match_all),
            (None, Some(name)) if !may_match_all => {
                self.report(format!("name capture '{}' makes remaining patterns unreachable", name.id), name.range);
            }
            (None, None) if !may_match_all => {
                self.report("wildcard makes remaining patterns unreachable", binding.range);
            }
            (None, _) => {}
        }
        self.bind(binding.name.as_ref());
    }

    fn alternatives(&mut self, or: &'a ast::PatternMatchOr, may_match_all: bool) {
        let before = std::mem::take(&mut self.names);
        let mut expected: Option<HashSet<&'a str>> = None;
        for (at, pattern) in or.patterns.iter().enumerate() {
            self.names.clear();
            self.pattern(pattern, may_match_all && at + 1 == or.patterns.len());
            let found = std::mem::take(&mut self.names);
            match &expected {
                None => expected = Some(found),
                Some(names) if *names != found => {
                    self.report("alternative patterns bind different names", pattern.range());
                    break;
                }
                Some(_) => {}
            }
        }
        self.names = before;
        for name in expected.into_iter().flatten() {
            if !self.names.insert(name) {
                self.report(format!("multiple assignments to name '{name}' in pattern"), or.range);
            }
        }
    }
}
