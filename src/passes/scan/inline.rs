//! Small functions and comprehensions followed with known arguments, to fold what they compute: `''.join(chr(c ^ 1) for
//! c in data)`, or a function that looks its argument up in a table of names.
//!
//! This recurses, at most [`INLINE_DEPTH_MAX`](super::limits::INLINE_DEPTH_MAX) deep, and counts its steps.

use super::fold;
use super::functions;
use super::limits;
use super::resolve::Resolver;
use super::values::Value;
use crate::facts::{Argument, Binary, ExprId, FunctionId, Kind, Sym};

type Bindings = [(Sym, Value)];

impl Resolver<'_> {
    /// What a function gives back for known arguments; `None` where that is not known.
    pub(super) fn inline_call(&mut self, function: FunctionId, arguments: &[Argument]) -> Option<Value> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments.iter().take(limits::VALUES_MAX) {
            let set = self.need(argument.value);
            values.push(self.constants(&set).next()?);
        }
        self.inline_values(function, &values, 0)
    }

    fn inline_values(&mut self, function: FunctionId, values: &[Value], depth: usize) -> Option<Value> {
        let info = &self.facts.functions[function.at()];
        let [returned] = info.returns.as_slice() else { return None };
        let returned = *returned;
        let bindings: Vec<(Sym, Value)> = info
            .parameters
            .iter()
            .zip(values)
            .filter_map(|(parameter, value)| parameter.map(|parameter| (parameter, value.clone())))
            .collect();
        self.inline(returned, &bindings, depth + 1)
    }

    /// A function of one parameter over all elements of a list.
    pub(super) fn inline_map(&mut self, function: FunctionId, items: &[Value]) -> Option<Value> {
        let values: Option<Vec<Value>> =
            items.iter().map(|item| self.inline_values(function, std::slice::from_ref(item), 0)).collect();
        fold::list(values?)
    }

    /// The list that a comprehension makes, where its iterable is known.
    pub(super) fn comprehension(&mut self, body: ExprId, target: ExprId, iterable: ExprId) -> Option<Value> {
        let Kind::Name(name) = *self.facts.kind(target) else { return None };
        let set = self.need(iterable);
        let iterable = self.constants(&set).next().filter(|_| set.values.len() == 1)?;
        let items = fold::elements(&iterable)?;
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            out.push(self.inline(body, &[(name, item)], 0)?);
        }
        fold::list(out)
    }

    fn inline(&mut self, expr: ExprId, bindings: &Bindings, depth: usize) -> Option<Value> {
        self.inline_steps += 1;
        if self.inline_steps > limits::INLINE_STEPS_MAX {
            self.limit = self.limit.or(Some("inline steps"));
            return None;
        }
        if depth > limits::INLINE_DEPTH_MAX {
            return None;
        }
        let dialect = self.facts.dialect;
        let next = depth + 1;
        match self.facts.kind(expr).clone() {
            Kind::Name(name) => match bindings.iter().rev().find(|(bound, _)| *bound == name) {
                Some((_, value)) => Some(value.clone()),
                None => self.known(expr),
            },
            Kind::Binary(operator, left, right) => {
                let (left, right) = (self.inline(left, bindings, next)?, self.inline(right, bindings, next)?);
                self.charge(left.size() + right.size()).then(|| fold::binary(operator, &left, &right, dialect))?
            }
            Kind::Unary(operator, operand) => fold::unary(operator, &self.inline(operand, bindings, next)?, dialect),
            Kind::Concat(parts) => {
                let mut all = Value::Text("".into());
                for at in parts.range() {
                    let part = self.inline(self.facts.lists[at], bindings, next)?;
                    let part = Value::Text(fold::display(&part, dialect)?.into());
                    self.charge(all.size() + part.size()).then_some(())?;
                    all = fold::binary(Binary::Add, &all, &part, dialect)?;
                }
                Some(all)
            }
            Kind::Subscript { object, index } => self.inline_subscript(object, index, bindings, next),
            Kind::Call { callee, arguments } => {
                let arguments = self.facts.arguments[arguments.range()].to_vec();
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments.iter().take(limits::VALUES_MAX) {
                    values.push(self.inline(argument.value, bindings, next)?);
                }
                self.inline_callee(callee, &values, bindings, next)
            }
            _ => self.known(expr),
        }
    }

    fn known(&mut self, expr: ExprId) -> Option<Value> {
        let set = self.need(expr);
        self.constants(&set).next().filter(|_| set.values.len() == 1 && !set.open)
    }

    fn inline_subscript(&mut self, object: ExprId, index: ExprId, bindings: &Bindings, depth: usize) -> Option<Value> {
        if let Kind::Slice(bounds) = *self.facts.kind(index) {
            let object = self.inline(object, bindings, depth)?;
            let mut numbers = [None; 3];
            for (number, bound) in numbers.iter_mut().zip(bounds) {
                if let Some(bound) = bound {
                    let Value::Int(value) = self.inline(bound, bindings, depth)? else { return None };
                    *number = Some(value);
                }
            }
            return self.charge(object.size()).then(|| fold::slice(&object, numbers))?;
        }
        let index = self.inline(index, bindings, depth)?;
        let objects = self.need(object);
        for value in objects.values.clone() {
            let found = self.item(&value, &index);
            if let Some(value) = found.constant() {
                return Some(value.clone());
            }
        }
        let object = self.inline(object, bindings, depth)?;
        match index {
            Value::Int(at) => fold::index(&object, at),
            _ => None,
        }
    }

    fn inline_callee(&mut self, callee: ExprId, values: &[Value], bindings: &Bindings, depth: usize) -> Option<Value> {
        let dialect = self.facts.dialect;
        let callees = self.need(callee);
        match callees.values.first() {
            Some(Value::Path(path)) => {
                let name = self.paths.name(*path, &self.facts.symbols);
                if let Some(value) = functions::call(&name, values, dialect) {
                    return Some(value);
                }
            }
            Some(Value::Made(made)) => {
                if let Kind::Function(function) = *self.facts.kind(*made) {
                    return self.inline_values(function, values, depth);
                }
            }
            _ => {}
        }
        let Kind::Attribute { object, name } = *self.facts.kind(callee) else { return None };
        let receiver = self.inline(object, bindings, depth)?;
        let name = self.facts.symbols.text(name).clone();
        self.charge(receiver.size()).then(|| functions::method(&receiver, &name, values, dialect))?
    }
}
