//! The resolver's view of what calls do to variables: namespaces that are taken over whole, lists that are put into another
//! order, and parameters, whose class nobody knows.

use super::limits;
use super::resolve::Resolver;
use super::values::{Set, Value};
use crate::facts::{Dialect, ExprId, Kind, Sym};

impl Resolver<'_> {
    /// Notes what is taken over whole: `x.__dict__.update(namespace)`, `vars(x).update(namespace)`.
    pub(super) fn collect_namespaces(&mut self) {
        if self.facts.dialect != Dialect::Python {
            return;
        }
        let update = self.facts.symbols.intern("update");
        for at in 0..self.facts.exprs.len() {
            let Kind::Call { callee, arguments } = self.facts.exprs[at].kind else { continue };
            let Kind::Attribute { object, name } = *self.facts.kind(callee) else { continue };
            let [given] = self.facts.arguments[arguments.range()] else { continue };
            if name != update {
                continue;
            }
            let owner = match *self.facts.kind(object) {
                Kind::Attribute { object, name } if self.facts.text(name) == "__dict__" => object,
                Kind::Call { callee, arguments } => match (self.facts.kind(callee), arguments.range().len()) {
                    (&Kind::Name(name), 1) if self.facts.text(name) == "vars" => {
                        self.facts.arguments[arguments.range().start].value
                    }
                    _ => continue,
                },
                _ => continue,
            };
            if let Some(variable) = self.variable_of(owner) {
                self.namespaces.entry(variable.0).or_default().push(given.value);
            }
        }
    }

    /// Notes lists of JavaScript of which no place is known to hold what it was written with: those that a function takes
    /// elements from the beginning of, and those that are handed to such a function where it stands.
    pub(super) fn collect_rearranged(&mut self) {
        if self.facts.dialect != Dialect::JavaScript {
            return;
        }
        let mut todo = Vec::new();
        for expr in &self.facts.exprs {
            let Kind::Call { callee, .. } = expr.kind else { continue };
            let Kind::Attribute { object, name } = *self.facts.kind(callee) else { continue };
            if matches!(self.facts.text(name), "shift" | "unshift" | "reverse" | "splice" | "sort") {
                todo.extend(self.variable_of(object));
            }
        }
        while let Some(variable) = todo.pop() {
            if self.rearranged.insert(variable.0) {
                let values = &self.facts.variable_table[variable.at()].values;
                todo.extend(values.iter().take(limits::VALUES_MAX).filter_map(|&value| self.variable_of(value)));
            }
        }
    }

    /// Whether the list of a variable is put into another order somewhere.
    pub(super) fn is_rearranged(&self, list: ExprId) -> bool {
        !self.rearranged.is_empty() && self.variable_of(list).is_some_and(|one| self.rearranged.contains(&one.0))
    }

    /// `x.constructor` of a parameter is the class of whatever is passed: `new x.constructor(n)` copies it.
    pub(super) fn class_of_parameter(&mut self, object: ExprId, name: Sym) -> Option<Set> {
        if self.facts.dialect != Dialect::JavaScript || self.facts.text(name) != "constructor" {
            return None;
        }
        let variable = self.variable_of(object)?;
        self.is_parameter(variable).then(|| self.path_of("Class?").map(Value::Path).into())
    }
}
