//! Names that are looked up by expressions. The build script, which packs them, runs none.

use super::Hook;
use super::haystack::Haystack;
use super::rule::Keyword;
use super::tables::Names;

impl Names {
    /// What is looked for by an expression that finds something in the last name `name`, or by every name.
    pub(crate) fn like(&self, name: &str) -> Vec<Hook> {
        let mut hooks = self.every.clone();
        if !self.worth.is_empty() && self.worth.could_match(name) {
            let candidates = self.worth.candidates(&Haystack::of(name));
            let found = candidates.iter().filter(|one| self.expressions[one.number].get().is_match(name));
            hooks.extend(found.map(|one| one.hook));
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
