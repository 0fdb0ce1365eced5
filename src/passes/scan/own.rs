//! The resolver's view of imports of the artifact's own modules: which of them is meant, and whether it can matter.

use std::sync::Arc;

use super::resolve::Resolver;
use crate::facts::{Dialect, Sym};

impl Resolver<'_> {
    /// Whether an import leads to an own module in which something is that rules know.
    pub(super) fn leads_to_own(&mut self, path: &[Sym]) -> bool {
        let Some(own) = self.own else { return false };
        let matters = |key: &str| own.modules.summary(key).is_some_and(|summary| summary.matters);
        let dots = path.iter().take_while(|&&part| self.facts.text(part) == ".").count();
        let Some((&first, rest)) = path[dots..].split_first() else { return false };
        if self.facts.dialect == Dialect::JavaScript {
            let specifier = self.facts.symbols.text(path[0]).clone();
            return self.own_key(&specifier).is_some_and(|key| matters(&key));
        }
        let Some((mut key, _)) = own.python(dots, self.facts.text(first)) else { return false };
        if matters(&key) {
            return true;
        }
        // A package is what its modules are: which of them is meant, an attribute says later.
        if rest.is_empty() {
            return own.modules.is_folder(&key);
        }
        for &part in rest {
            key = format!("{key}/{}", self.facts.text(part));
            if matters(&key) {
                return true;
            }
        }
        false
    }

    /// The key of the own module that a specifier of JavaScript means; a file asks for each of them many times.
    pub(super) fn own_key(&mut self, specifier: &Arc<str>) -> Option<Arc<str>> {
        let own = self.own?;
        let found = || own.javascript(specifier).map(Arc::from);
        self.own_keys.entry(specifier.clone()).or_insert_with(found).clone()
    }
}
