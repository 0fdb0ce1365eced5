//! Which values of an expression are kept where there are many: above all those that could lead to what a rule names.

use std::rc::Rc;

use super::limits;
use super::resolve::Resolver;
use super::values::{PathId, ROOT, Set, Union, Value};
use crate::facts::Sym;
use crate::rules::Part;

/// What a value is worth keeping for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    /// It could lead to what a rule names.
    Named,
    /// The file itself makes it.
    OfTheFile,
    Other,
}

impl Worth {
    /// How many values of this kind one expression may have.
    fn most(self) -> usize {
        match self {
            Self::Named => limits::NAMED_VALUES_MAX,
            Self::OfTheFile => limits::MADE_VALUES_MAX,
            Self::Other => limits::VALUES_MAX,
        }
    }
}

impl Resolver<'_> {
    /// Adds the values of one set to another.
    pub(super) fn merge(&mut self, into: &mut Set, from: &Set) {
        into.open |= from.open;
        if into.values.is_empty() {
            into.values.clone_from(&from.values);
            return;
        }
        for value in &from.values {
            self.add(into, value.clone());
        }
    }

    /// Adds the values of a set to another that is in the making.
    pub(super) fn unite(&mut self, into: &mut Union, from: &Rc<Set>) {
        match into.shared() {
            None if into.is_empty() => into.share(from),
            Some(shared) if Rc::ptr_eq(shared, from) => {}
            _ => self.merge(into.own(), from),
        }
    }

    /// Adds the values of a set that nothing else is interested in.
    pub(super) fn absorb(&mut self, into: &mut Set, from: Set) {
        if into.values.is_empty() {
            into.open |= from.open;
            into.values = from.values;
        } else {
            self.merge(into, &from);
        }
    }

    /// Adds a value to a set. There is a limit for each kind of value; that of names that a rule knows is a finding.
    pub(super) fn add(&mut self, into: &mut Set, value: Value) {
        if is_in(&value, &into.values) {
            return;
        }
        // As long as there is room for anything, nobody asks what it is worth.
        if into.values.len() < limits::VALUES_MAX {
            into.values.push(value);
            return;
        }
        for value in into.values.iter().chain([&value]) {
            if let Value::Path(path) = value {
                self.is_named(*path);
            }
        }
        let worth = self.worth(&value);
        if into.values.len() < worth.most() {
            into.values.push(value);
            return;
        }
        let alike = into.values.iter().filter(|other| self.worth(other) == worth).take(worth.most()).count();
        if alike < worth.most() {
            into.values.push(value);
            return;
        }
        into.open = true;
        if worth == Worth::Named {
            self.limit = self.limit.or(Some("named values"));
        }
    }

    /// What a value is worth; a path has been asked about before.
    fn worth(&self, value: &Value) -> Worth {
        match value {
            Value::Path(path) if self.known_path(*path).unwrap_or(*path == ROOT) => Worth::Named,
            Value::Path(_) | Value::Text(_) | Value::Bytes(_) | Value::Int(_) | Value::Float(_) => Worth::Other,
            Value::Bool(_) | Value::Null | Value::Undefined | Value::Built => Worth::Other,
            Value::List(_) | Value::Pattern(..) => Worth::Other,
            Value::Made(_) | Value::Record(_) | Value::Instance(_) | Value::Generator(_) => Worth::OfTheFile,
            _ => Worth::Named,
        }
    }

    /// Whether a path is a name that a rule knows, or the beginning of one. Of a path that begins with what has no name, its
    /// end alone can tell.
    pub(super) fn is_named(&mut self, path: PathId) -> bool {
        if let Some(known) = self.known_path(path) {
            return known;
        }
        let named = path == ROOT || (!self.lost.is_it(path) && self.leads(path));
        let at = path.0 as usize;
        if self.named_paths.len() <= at {
            self.named_paths.resize(at + 1, None);
        }
        self.named_paths[at] = Some(named);
        named
    }

    fn leads(&mut self, path: PathId) -> bool {
        let (parent, last) = self.paths.split(path);
        let before = self.paths.split(parent).1;
        // A quick look: what no rule has as a part, and is no member of a whole module that a rule names, leads nowhere.
        // The name of a module of JavaScript may be one name of several parts: `socket.io-client`.
        let mut knows = |name: Sym| self.knows(name) || self.facts.text(name).contains('.');
        let (last_known, parent_known) = (knows(last), knows(before));
        if !last_known && !parent_known {
            return false;
        }
        let name = self.paths.name(path, &self.facts.symbols);
        let begins_with_a_name = name.starts_with(|char: char| char.is_alphabetic() || matches!(char, '_' | '$'));
        let is_found = self.tables.leads(name);
        if begins_with_a_name { is_found } else { last_known || is_found }
    }

    /// What was found out about a path before.
    fn known_path(&self, path: PathId) -> Option<bool> {
        self.named_paths.get(path.0 as usize).copied().flatten()
    }

    /// Whether a name is part of a name that a rule knows.
    pub(super) fn knows(&mut self, name: Sym) -> bool {
        self.part(name).is_known()
    }

    /// How a name stands in the names that rules know.
    pub(super) fn part(&mut self, name: Sym) -> Part {
        if self.parts.len() < self.facts.symbols.len() {
            self.parts.resize(self.facts.symbols.len(), None);
        }
        if let Some(known) = self.parts[name.at()] {
            return known;
        }
        let part = self.tables.part(self.facts.symbols.text(name));
        self.parts[name.at()] = Some(part);
        part
    }
}

/// Whether a value is one of these. What there is much of is compared without a look at what else a value can be.
fn is_in(value: &Value, values: &[Value]) -> bool {
    match *value {
        Value::Path(path) => values.iter().any(|other| matches!(*other, Value::Path(other) if other == path)),
        Value::Made(made) => values.iter().any(|other| matches!(*other, Value::Made(other) if other == made)),
        _ => values.contains(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Dialect, Facts};
    use crate::rules::{RuleLanguage, RuleSet};

    #[test]
    fn a_module_whose_name_has_several_parts_is_known() {
        let rules = RuleSet::load(true, &[] as &[&std::path::Path]).unwrap();
        let mut resolver = Resolver::new(Facts::new(Dialect::JavaScript), rules.tables(RuleLanguage::JavaScript));
        let mut is_named = |module: &str| {
            let path = resolver.paths.module(module, &mut resolver.facts.symbols).unwrap();
            resolver.is_named(path)
        };
        assert!(is_named("socket.io-client") && is_named("node:child_process"));
        assert!(!is_named("nobody.names-this") && !is_named("nobody"));
    }
}
