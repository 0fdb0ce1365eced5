//! The resolver's view of functions that are called with each element of something: `map(f, xs)`, `xs.forEach(f)`.

use std::rc::Rc;

use super::calls::Target;
use super::resolve::Resolver;
use super::values::{UNKNOWN, Value};
use crate::facts::{Argument, Dialect, ExprId, Kind, Role, Span, Spread};

impl Resolver<'_> {
    /// What `map` and its like call: the library's functions that they are given, with an element of the list.
    pub(super) fn called_with_elements(&mut self, callee: ExprId, arguments: Span) -> Vec<Target> {
        let arguments = &self.facts.arguments[arguments.range()];
        let (function, list) = match (self.facts.kind(callee), arguments) {
            (Kind::Name(name), [function, list]) if matches!(self.facts.text(*name), "map" | "filter") => {
                (function.value, list.value)
            }
            (Kind::Attribute { object, name }, [function, rest @ ..]) => match self.facts.text(*name) {
                "forEach" if self.facts.dialect == Dialect::JavaScript => (function.value, *object),
                "map" if self.facts.dialect == Dialect::JavaScript => (function.value, *object),
                // `executor.map(f, xs)`, `pool.map(f, xs)`.
                "map" | "imap" | "imap_unordered" | "map_async" if rest.len() == 1 => (function.value, rest[0].value),
                _ => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        let functions = self.need(function);
        let named = |value: &&Value| match value {
            Value::Path(path) => &**self.facts.symbols.text(self.paths.split(*path).1) != UNKNOWN,
            _ => false,
        };
        let known: Vec<Value> = functions.values.iter().filter(named).cloned().collect();
        if known.is_empty() {
            return Vec::new();
        }
        let element = self.element_of(list);
        let arguments: Rc<[Argument]> = Rc::from([Argument { keyword: None, value: element, spread: Spread::No }]);
        known.into_iter().map(|value| Target { value, arguments: arguments.clone() }).collect()
    }

    /// An expression for any element of another.
    fn element_of(&mut self, list: ExprId) -> ExprId {
        if let Some(&known) = self.made_elements.get(&list.0) {
            return known;
        }
        let mut one = self.facts.expr(list).clone();
        (one.kind, one.role) = (Kind::Element(list), Role::Synthetic);
        let id = ExprId(u32::try_from(self.facts.exprs.len()).expect("expressions are limited"));
        self.facts.exprs.push(one);
        self.new_slot();
        self.made_elements.insert(list.0, id);
        id
    }
}
