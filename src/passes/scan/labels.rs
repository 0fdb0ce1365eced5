//! Where values come from: which labels of sources (`request`, `environment`, `network`, …) an expression may carry.
//!
//! `crate::rules::Sources` says which names carry what. A value that is reached through a source carries its label
//! (`requests.get(…).text`), and so does what the expression is put together from.

use super::limits;
use super::resolve::Resolver;
use super::values::{PathId, RESULT, ROOT, Value};
use crate::facts::{ExprId, FunctionId, Kind, OPAQUE};
use crate::rules::{Labels, Text};

impl Resolver<'_> {
    /// Whether `expr` may come from a source with one of these labels.
    pub(super) fn comes_from(&mut self, expr: ExprId, labels: &[Text]) -> bool {
        let wanted = self.tables.sources.named(labels);
        !wanted.is_empty() && self.labels(expr).meet(wanted)
    }

    /// Notes that the parameters of a function carry labels.
    pub(super) fn label_parameters(&mut self, function: FunctionId, labels: Labels) {
        let function = &self.facts.functions[function.at()];
        for &name in function.parameters.iter().flatten() {
            if let (Some(variable), false) =
                (self.facts.variable(function.scope, name), self.facts.text(name) == "self")
            {
                self.parameter_labels.insert(variable.0, labels);
            }
        }
    }

    /// The labels that `expr` may carry.
    pub(super) fn labels(&mut self, expr: ExprId) -> Labels {
        let mut all = Labels::NONE;
        if self.tables.sources.is_empty() {
            return all;
        }
        let (mut todo, mut seen) = (vec![expr], vec![expr]);
        while let Some(expr) = todo.pop() {
            for value in &self.of(expr).values.clone() {
                all = all.union(self.labels_of(value));
            }
            all = all.union(self.labels_of_member(expr));
            if let Kind::Variable(variable) = self.facts.kind(expr) {
                all = all.union(self.parameter_labels.get(&variable.0).copied().unwrap_or_default());
            }
            for part in self.parts(expr) {
                if seen.len() < limits::LABEL_PARTS_MAX && part != OPAQUE && !seen.contains(&part) {
                    seen.push(part);
                    todo.push(part);
                }
            }
        }
        all
    }

    fn labels_of(&mut self, value: &Value) -> Labels {
        let Value::Path(path) = value else { return Labels::NONE };
        let mut all = Labels::NONE;
        let mut here = *path;
        while here != ROOT {
            let (parent, last) = self.paths.split(here);
            all = all.union(if &**self.facts.symbols.text(last) == RESULT {
                let name = self.path_name(parent);
                self.tables.sources.of_call(&name)
            } else {
                let name = self.path_name(here);
                self.tables.sources.of_use(&name)
            });
            here = parent;
        }
        all
    }

    /// What a member carries whatever it is a member of.
    fn labels_of_member(&self, expr: ExprId) -> Labels {
        let sources = &self.tables.sources;
        match *self.facts.kind(expr) {
            Kind::Attribute { name, .. } => sources.of_member_use(self.facts.text(name)),
            Kind::Call { callee, .. } => match *self.facts.kind(callee) {
                Kind::Attribute { name, .. } => sources.of_member_call(self.facts.text(name)),
                _ => Labels::NONE,
            },
            _ => Labels::NONE,
        }
    }

    fn path_name(&self, path: PathId) -> String {
        self.paths.name(path, &self.facts.symbols)
    }

    /// What an expression is put together from, as far as the values say.
    fn parts(&self, expr: ExprId) -> Vec<ExprId> {
        match *self.facts.kind(expr) {
            Kind::Concat(parts) | Kind::Choice(parts) | Kind::Sequence(parts) => {
                self.facts.lists[parts.range()].to_vec()
            }
            Kind::Binary(_, left, right) => vec![left, right],
            Kind::Attribute { object, .. } | Kind::Subscript { object, .. } => vec![object],
            Kind::Element(of) => vec![of],
            Kind::Variable(variable) => self.facts.variable_table[variable.at()].values.clone(),
            Kind::Name(_) => match self.variable_of(expr) {
                Some(variable) => vec![self.facts.variable_table[variable.at()].expr],
                None => Vec::new(),
            },
            // What a method or a function of the file is called with comes out of it again, as far as can be told.
            Kind::Call { callee, arguments } => {
                let arguments = self.facts.arguments[arguments.range()].iter().map(|argument| argument.value);
                arguments.chain([callee]).collect()
            }
            _ => Vec::new(),
        }
    }
}
