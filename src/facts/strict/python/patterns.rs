//! Patterns of `match`: lowered as the expressions that they look like, so that they are taken apart like those of an
//! assignment. Values and classes that are compared with bind nothing.

use ruff_python_ast::{Identifier, Pattern};
use ruff_text_size::{Ranged as _, TextRange};

use super::{ExprId, Kind, Lowering, OPAQUE};
use crate::facts::Entry;
use crate::facts::builder::Binding;

impl Lowering<'_> {
    /// What a pattern binds, as an expression to assign to.
    pub(super) fn pattern(&mut self, pattern: &Pattern) -> ExprId {
        if self.is_full() {
            return OPAQUE;
        }
        match pattern {
            Pattern::MatchValue(value) => {
                let value = self.expr(&value.value);
                self.builder.compared([value]);
                OPAQUE
            }
            Pattern::MatchSingleton(_) => OPAQUE,
            Pattern::MatchSequence(sequence) => {
                let items: Vec<ExprId> = sequence.patterns.iter().map(|item| self.pattern(item)).collect();
                let items = self.builder.list(items);
                self.push(Kind::Sequence(items), sequence.range)
            }
            Pattern::MatchMapping(mapping) => self.mapping_pattern(mapping),
            Pattern::MatchClass(class) => self.class_pattern(class),
            Pattern::MatchStar(star) => match &star.name {
                Some(name) => self.rest_pattern(name, star.range),
                None => OPAQUE,
            },
            Pattern::MatchAs(named) => {
                let inner = named.pattern.as_ref().map_or(OPAQUE, |inner| self.pattern(inner));
                self.both(inner, named.name.as_ref())
            }
            // Each alternative binds the same names.
            Pattern::MatchOr(either) => {
                let mut last = OPAQUE;
                for alternative in &either.patterns {
                    self.builder.assign(last, OPAQUE, Binding::Local);
                    last = self.pattern(alternative);
                }
                last
            }
        }
    }

    fn mapping_pattern(&mut self, mapping: &ruff_python_ast::PatternMatchMapping) -> ExprId {
        let mut entries = Vec::with_capacity(mapping.keys.len());
        for (key, pattern) in mapping.keys.iter().zip(&mapping.patterns) {
            let key = self.expr(key);
            entries.push(Entry { key: Some(key), value: self.pattern(pattern) });
        }
        if let Some(rest) = &mapping.rest {
            entries.push(Entry { key: None, value: self.identifier(rest) });
        }
        let entries = self.builder.entries(entries);
        self.push(Kind::Mapping(entries), mapping.range)
    }

    fn class_pattern(&mut self, class: &ruff_python_ast::PatternMatchClass) -> ExprId {
        let compared = self.expr(&class.cls);
        self.builder.compared([compared]);
        let keywords = class.arguments.keywords.iter().map(|keyword| &keyword.pattern);
        for inner in class.arguments.patterns.iter().chain(keywords) {
            let inner = self.pattern(inner);
            self.builder.assign(inner, OPAQUE, Binding::Local);
        }
        OPAQUE
    }

    fn rest_pattern(&mut self, name: &Identifier, range: TextRange) -> ExprId {
        let name = self.identifier(name);
        self.push(Kind::Element(name), range)
    }

    /// `pattern as name`: the name is what matters, and what is in the pattern is bound to what is not known.
    fn both(&mut self, inner: ExprId, name: Option<&Identifier>) -> ExprId {
        let Some(name) = name else { return inner };
        self.builder.assign(inner, OPAQUE, Binding::Local);
        let range = name.range();
        let name = self.symbol(name.as_str());
        self.push(Kind::Name(name), range)
    }
}
