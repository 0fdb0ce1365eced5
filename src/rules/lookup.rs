//! Names that are looked up by expressions. The build script, which packs them, runs none.

use super::Hook;
use super::needles::Clause;
use super::rule::Keyword;
use super::tables::{Names, Pattern};

impl Names {
    /// What is looked for by an expression that finds something in the last name `name`, or by every name.
    pub(crate) fn like(&self, name: &str) -> Vec<Hook> {
        let mut hooks = self.every.clone();
        if !self.patterns.is_empty() {
            let lower = name.to_ascii_lowercase();
            let holds = |clause: &Clause| clause.texts().any(|needle| lower.contains(needle));
            let is_worth = |pattern: &&Pattern| !lower.is_ascii() || pattern.clauses.iter().all(holds);
            let found = self.patterns.iter().filter(is_worth).filter(|pattern| pattern.regex.get().is_match(name));
            hooks.extend(found.map(|pattern| pattern.hook));
        }
        hooks
    }
}

impl Keyword {
    /// Whether it is `name`.
    pub(crate) fn is(&self, name: &str) -> bool {
        match self {
            Self::Named(own) => own == name,
            Self::Like(regex) => regex.get().is_match(name),
        }
    }
}
