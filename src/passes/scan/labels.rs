//! Labels: where the values of an expression may come from, inside one file.
//!
//! A label is carried by the qualified name of a source (`flask.request`, `input()`) and by all that is reached from it,
//! and flows through assignments, operators, containers, calls of functions that are not known, parameters and returns.
//! Nothing is done in a region in which no name of a source occurs.

use std::collections::HashSet;

use super::limits;
use super::resolve::Resolver;
use super::sources;
use super::values::{PathId, ROOT, Value};
use crate::facts::{ExprId, IdMap, Kind};

/// A set of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels(pub(super) u16);

impl Labels {
    /// Data of a request that the program answers.
    pub(super) const REQUEST: Self = Self(1);
    /// Environment variables.
    pub(super) const ENVIRONMENT: Self = Self(2);
    /// What came over a network.
    pub(super) const NETWORK: Self = Self(4);
    /// What a file holds.
    pub(super) const FILE: Self = Self(8);
    /// What a user typed.
    pub(super) const INPUT: Self = Self(16);
    /// Arguments of the command line.
    pub(super) const ARGUMENT: Self = Self(32);
    /// Passwords, tokens and keys.
    pub(super) const CREDENTIALS: Self = Self(64);

    /// The label with a name of the rule language.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "request" => Self::REQUEST,
            "environment" => Self::ENVIRONMENT,
            "network" => Self::NETWORK,
            "file" => Self::FILE,
            "input" => Self::INPUT,
            "argument" => Self::ARGUMENT,
            "credentials" => Self::CREDENTIALS,
            _ => return None,
        })
    }

    /// Whether two sets have a label in common.
    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What is known of labels so far.
#[derive(Debug, Default)]
pub(super) struct LabelTables {
    /// Whether any name of a source occurs in the region.
    has_source: Option<bool>,
    paths: IdMap<u32, Labels>,
    exprs: IdMap<u32, Labels>,
}

impl Resolver<'_> {
    /// Where the values of `expr` may come from.
    pub(super) fn labels_of(&mut self, expr: ExprId) -> Labels {
        if !self.has_source() {
            return Labels::default();
        }
        if let Some(&known) = self.labels.exprs.get(&expr.0) {
            return known;
        }
        let mut all = Labels::default();
        let mut seen = HashSet::from([expr]);
        let mut todo = vec![expr];
        while let Some(one) = todo.pop() {
            if let Some(&known) = self.labels.exprs.get(&one.0) {
                all.add(known);
                continue;
            }
            all.add(self.own_labels(one));
            let mut parts = Vec::new();
            self.parts_of(one, &mut parts);
            todo.extend(parts.into_iter().filter(|part| seen.insert(*part)));
            if seen.len() > limits::LABEL_STEPS_MAX {
                self.limit = self.limit.or(Some("steps of labels"));
                break;
            }
        }
        self.labels.exprs.insert(expr.0, all);
        all
    }

    fn has_source(&mut self) -> bool {
        if let Some(known) = self.labels.has_source {
            return known;
        }
        let dialect = self.facts.dialect;
        let found = self.facts.symbols.texts().any(|text| sources::is_word(text, dialect));
        self.labels.has_source = Some(found);
        found
    }

    /// What an expression carries by its own name.
    fn own_labels(&mut self, expr: ExprId) -> Labels {
        let mut labels = Labels::default();
        if let Kind::Attribute { object, name } = *self.facts.kind(expr)
            && let Kind::Name(object) = *self.facts.kind(object)
            && sources::is_conventional(self.facts.text(object), self.facts.text(name), self.facts.dialect)
        {
            labels.add(Labels::REQUEST);
        }
        if !matches!(
            self.facts.kind(expr),
            Kind::Name(_) | Kind::Attribute { .. } | Kind::Subscript { .. } | Kind::Call { .. }
        ) {
            return labels;
        }
        for value in &self.of(expr).values {
            if let Value::Path(path) | Value::Members(path) = value {
                labels.add(self.labels_of_path(*path));
            }
        }
        labels
    }

    /// The labels of a qualified name: its own, and those of what it is reached from.
    fn labels_of_path(&mut self, path: PathId) -> Labels {
        if let Some(&known) = self.labels.paths.get(&path.0) {
            return known;
        }
        let mut labels = Labels::default();
        let mut here = path;
        while here != ROOT {
            let name = self.paths.name(here, &self.facts.symbols);
            labels.add(sources::of(&name, self.facts.dialect));
            here = self.paths.split(here).0;
        }
        self.labels.paths.insert(path.0, labels);
        labels
    }

    /// The expressions whose labels an expression takes over.
    fn parts_of(&mut self, expr: ExprId, parts: &mut Vec<ExprId>) {
        match self.facts.kind(expr).clone() {
            Kind::Name(_) => {
                parts.extend(self.variable_of(expr).map(|variable| self.facts.variable_table[variable.at()].expr))
            }
            Kind::Variable(variable) => {
                parts.extend_from_slice(&self.facts.variable_table[variable.at()].values);
                parts.extend(self.given_exprs(variable));
            }
            Kind::Attribute { object, name } => {
                parts.push(object);
                for value in &self.of(object).values.clone() {
                    if let Value::Instance(class) = value
                        && let Some(variable) = self.facts.variable(*class, name)
                    {
                        parts.push(self.facts.variable_table[variable.at()].expr);
                    }
                }
                parts.extend(self.member_values(object, name));
            }
            Kind::Subscript { object, .. } => parts.push(object),
            Kind::Call { callee, arguments } => self.parts_of_call(expr, callee, arguments, parts),
            Kind::Concat(items) | Kind::Choice(items) | Kind::Sequence(items) => {
                parts.extend_from_slice(&self.facts.lists[items.range()]);
            }
            Kind::Mapping(entries) => parts.extend(self.facts.entries[entries.range()].iter().map(|entry| entry.value)),
            Kind::Binary(_, left, right) => parts.extend([left, right]),
            Kind::Unary(_, inner) | Kind::Element(inner) | Kind::Entered(inner) => parts.push(inner),
            Kind::Comprehension { body, iterable, .. } => parts.extend([body, iterable]),
            _ => {}
        }
    }

    /// A call hands on what it is given, unless it makes something harmless of it; a function of the file what it returns.
    fn parts_of_call(&mut self, expr: ExprId, callee: ExprId, arguments: crate::facts::Span, parts: &mut Vec<ExprId>) {
        let callees = self.of(callee);
        let mut unknown = callees.open || callees.values.is_empty();
        for value in callees.values.clone() {
            match value {
                Value::Made(made) => match *self.facts.kind(made) {
                    Kind::Function(function) => {
                        let info = &self.facts.functions[function.at()];
                        parts.extend(info.returns.iter().chain(&info.yields));
                    }
                    _ => unknown = true,
                },
                Value::Path(path) => {
                    let name = self.paths.name(path, &self.facts.symbols);
                    unknown |= !sources::is_harmless(&name, self.facts.dialect);
                }
                _ => unknown = true,
            }
        }
        if unknown && expr != callee {
            if let Kind::Attribute { object, .. } = *self.facts.kind(callee) {
                parts.push(object);
            }
            parts.extend(self.facts.arguments[arguments.range()].iter().map(|argument| argument.value));
        }
    }
}
