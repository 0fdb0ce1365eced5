//! The resolver's view of lists and mappings that stand in the source: their elements, and what they fold to.

use std::rc::Rc;

use super::fold;
use super::limits;
use super::resolve::Resolver;
use super::values::{Set, Value};
use crate::facts::{Dialect, Entry, ExprId, Kind, Span};

impl Resolver<'_> {
    /// The constants among the values of a set, literal lists included.
    pub(super) fn constants(&mut self, set: &Set) -> std::vec::IntoIter<Value> {
        let found: Vec<Value> = set.values.iter().filter_map(|value| self.as_constant(value)).collect();
        found.into_iter()
    }

    /// A value as a constant: itself, or the folded list that a literal makes.
    pub(super) fn as_constant(&mut self, value: &Value) -> Option<Value> {
        match value {
            Value::Made(expr) => self.list_of(*expr),
            other => other.is_constant().then(|| other.clone()),
        }
    }

    /// The folded list that a list literal or comprehension makes.
    fn list_of(&mut self, expr: ExprId) -> Option<Value> {
        if let Some(known) = self.lists.get(&expr.0).cloned() {
            self.reads(expr);
            return known;
        }
        if self.list_depth >= limits::LIST_DEPTH_MAX {
            return None;
        }
        // A list that is made of itself (`xs = [f(x) for x in xs]`) is not known; without this, it would be asked for ever.
        self.lists.insert(expr.0, None);
        self.list_depth += 1;
        let before = self.needs.len();
        let list = self.kept_of(expr, |resolver| match *resolver.facts.kind(expr) {
            Kind::Sequence(items) => resolver.list_of_items(items),
            Kind::Comprehension { body, target, iterable, is_whole: true } => {
                resolver.comprehension(body, target, iterable)
            }
            Kind::Mapping(entries) if entries.range().is_empty() && resolver.facts.dialect == Dialect::JavaScript => {
                Some(Value::Text("[object Object]".into()))
            }
            _ => None,
        });
        self.list_depth -= 1;
        if self.needs.len() == before {
            self.lists.insert(expr.0, list.clone());
        } else {
            self.lists.remove(&expr.0);
        }
        list
    }

    fn list_of_items(&mut self, items: Span) -> Option<Value> {
        if items.range().len() > limits::ELEMENTS_MAX {
            return None;
        }
        let before = self.needs.len();
        let spread = |resolver: &Self, at: usize| match *resolver.facts.kind(resolver.facts.lists[at]) {
            Kind::Element(inner) => Some(inner),
            _ => None,
        };
        let sets: Vec<Rc<Set>> =
            items.range().map(|at| self.need(spread(self, at).unwrap_or(self.facts.lists[at]))).collect();
        if self.needs.len() > before {
            return None;
        }
        let mut values = Vec::with_capacity(sets.len());
        let mut known = true;
        for (set, at) in sets.iter().zip(items.range()) {
            // All are asked for, even after one that is not known yet, so that one more try is enough.
            match self.item_constant(set) {
                Some(list) if spread(self, at).is_some() => values.extend(fold::elements(&list)?),
                Some(one) => values.push(one),
                None => known = false,
            }
        }
        if !known {
            return None;
        }
        self.charge(values.len() * 16).then(|| fold::list(values))?
    }

    /// The constant that an element of a list is; of a list in a list, its own folding where that is known already.
    fn item_constant(&mut self, set: &Set) -> Option<Value> {
        match set.values.as_slice() {
            [Value::Made(inner)] if !set.open => {
                self.reads(*inner);
                self.lists.get(&inner.0).cloned().flatten().or_else(|| self.flat_list(*inner))
            }
            _ => set.constant().cloned(),
        }
    }

    /// A list literal of scalars alone.
    fn flat_list(&mut self, expr: ExprId) -> Option<Value> {
        let Kind::Sequence(items) = *self.facts.kind(expr) else { return None };
        if items.range().len() > limits::ELEMENTS_MAX {
            return None;
        }
        let sets: Vec<Rc<Set>> = items.range().map(|at| self.need(self.facts.lists[at])).collect();
        let values = sets.iter().map(|set| set.constant().cloned()).collect::<Option<Vec<_>>>()?;
        self.charge(values.len() * 16).then(|| fold::list(values))?
    }

    /// Any element of what `of` may be.
    pub(super) fn element(&mut self, of: ExprId) -> Set {
        let objects = self.need(of);
        let mut all = Set::empty();
        all.open = objects.open;
        for value in &objects.values {
            match value {
                Value::Made(made) => {
                    let found = self.elements_of(*made);
                    self.merge(&mut all, &found);
                    let found = self.keys_of(*made);
                    self.merge(&mut all, &found);
                }
                Value::List(items) => {
                    for item in items.iter().take(limits::ELEMENTS_MAX) {
                        self.add(&mut all, item.clone());
                    }
                }
                Value::Generator(function) => {
                    let found = self.yielded(*function);
                    self.merge(&mut all, &found);
                }
                Value::Foreign(id) => {
                    let found = self.foreign_items(*id);
                    self.merge(&mut all, &found);
                }
                Value::Instance(class) => {
                    let found = self.iterated(*class);
                    self.merge(&mut all, &found);
                }
                _ => all.open = true,
            }
        }
        all
    }

    /// The keys of a literal mapping: what a loop over it gives.
    fn keys_of(&mut self, made: ExprId) -> Rc<Set> {
        let Kind::Mapping(entries) = *self.facts.kind(made) else { return Rc::new(Set::empty()) };
        if let Some(known) = self.key_sets.get(&made.0).cloned() {
            self.reads(made);
            return known;
        }
        let before = self.needs.len();
        let keys = self.facts.entries[entries.range()].iter().filter_map(|entry| entry.key).collect();
        let all = Rc::new(self.any_of_these(made, keys));
        if self.needs.len() == before {
            self.key_sets.insert(made.0, all.clone());
        }
        all
    }

    /// Everything that is in a literal list or mapping.
    pub(super) fn elements_of(&mut self, made: ExprId) -> Rc<Set> {
        if let Some(known) = self.element_sets.get(&made.0).cloned() {
            self.reads(made);
            return known;
        }
        let before = self.needs.len();
        let items: Vec<ExprId> = match *self.facts.kind(made) {
            Kind::Sequence(items) => self.facts.lists[items.range()].to_vec(),
            Kind::Mapping(entries) => {
                self.facts.entries[entries.range()].iter().map(|Entry { value, .. }| *value).collect()
            }
            Kind::Comprehension { body, .. } => vec![body],
            _ => return self.open.clone(),
        };
        let mut all = self.any_of_these(made, items);
        all.open |= all.values.is_empty();
        let all = Rc::new(all);
        if self.needs.len() == before {
            self.element_sets.insert(made.0, all.clone());
        }
        all
    }

    /// What any of the parts of what `made` makes may be, to be kept.
    fn any_of_these(&mut self, made: ExprId, parts: Vec<ExprId>) -> Set {
        self.kept_of(made, |resolver| {
            let mut all = Set::empty();
            for part in parts {
                let set = resolver.need(part);
                resolver.merge(&mut all, &set);
            }
            all
        })
    }
}

/// The constant that an expression is written as, if it is one.
pub(super) fn written(kind: &Kind) -> Option<Value> {
    Some(match kind {
        Kind::Text(text) => Value::Text(text.clone()),
        Kind::Bytes(bytes) => Value::Bytes(bytes.clone()),
        Kind::Pattern(written) => Value::Pattern(written.pattern.clone(), written.flags.clone()),
        Kind::Int(number) => Value::Int(*number),
        Kind::Float(number) => Value::Float(*number),
        Kind::Bool(value) => Value::Bool(*value),
        Kind::Null => Value::Null,
        Kind::Undefined => Value::Undefined,
        _ => return None,
    })
}
