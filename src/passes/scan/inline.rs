//! Small functions and comprehensions followed with known arguments, to fold what they compute: `''.join(chr(c ^ 1) for
//! c in data)`, or a function that looks its argument up in a table of names.
//!
//! This recurses, at most [`INLINE_DEPTH_MAX`](super::limits::INLINE_DEPTH_MAX) deep, and counts its steps.

use super::fold;
use super::limits;
use super::resolve::Resolver;
use super::values::{Set, Value};
use crate::facts::{Argument, Binary, ExprId, FunctionId, Kind, Span, Spread, Sym, VarId};

type Bindings = [(Sym, Value)];

/// The one thing that a set is, if it is surely one.
pub(super) fn only(set: &Set) -> Option<Value> {
    match set.values.as_slice() {
        [value] if !set.open && *value != Value::Built => Some(value.clone()),
        _ => None,
    }
}

impl Resolver<'_> {
    /// What a function gives back for known arguments; `None` where that is not known.
    pub(super) fn inline_call(&mut self, function: FunctionId, arguments: &[Argument]) -> Option<Value> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments.iter().take(limits::VALUES_MAX) {
            if argument.keyword.is_some() || argument.spread != Spread::No {
                return None;
            }
            let set = self.need(argument.value);
            let constant = self.constants(&set).next();
            values.push(constant.or_else(|| only(&set)));
        }
        self.inline_given(function, &values)
    }

    /// The same for values, of which some may not be known.
    pub(super) fn inline_given(&mut self, function: FunctionId, values: &[Option<Value>]) -> Option<Value> {
        self.inline_values(function, values, 0)
    }

    fn inline_values(&mut self, function: FunctionId, values: &[Option<Value>], depth: usize) -> Option<Value> {
        let info = &self.facts.functions[function.at()];
        let [returned] = info.returns.as_slice() else { return None };
        let returned = *returned;
        let bindings: Vec<(Sym, Value)> = info
            .parameters
            .iter()
            .zip(values)
            .filter_map(|(parameter, value)| Some(((*parameter)?, value.clone()?)))
            .collect();
        // Attributes and getters on the way begin at depth 0 again, and may lead back here.
        if self.inlined >= limits::INLINED_MAX {
            return None;
        }
        if self.inlined == 0 {
            self.inline_end = self.inline_steps.saturating_add(limits::INLINE_LOOK_STEPS_MAX);
        }
        self.inlined += 1;
        let value = self.inline(returned, &bindings, depth + 1);
        self.inlined -= 1;
        if self.inlined == 0 {
            self.inline_end = usize::MAX;
        }
        value
    }

    /// A function of one parameter over all elements of a list.
    pub(super) fn inline_map(&mut self, function: FunctionId, items: &[Value]) -> Option<Value> {
        let values: Option<Vec<Value>> =
            items.iter().map(|item| self.inline_values(function, &[Some(item.clone())], 0)).collect();
        fold::list(values?)
    }

    /// The list that a comprehension makes, where its iterable is known.
    pub(super) fn comprehension(&mut self, body: ExprId, target: ExprId, iterable: ExprId) -> Option<Value> {
        let set = self.need(iterable);
        let iterable = self.constants(&set).next().or_else(|| only(&set)).filter(|_| set.values.len() == 1)?;
        let items = fold::elements(&iterable)?;
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            let bindings = self.bound(target, item)?;
            out.push(self.inline(body, &bindings, 0)?);
        }
        fold::list(out)
    }

    /// What a target binds to a value: a name, or names for its elements.
    fn bound(&self, target: ExprId, value: Value) -> Option<Vec<(Sym, Value)>> {
        match *self.facts.kind(target) {
            Kind::Name(name) => Some(vec![(name, value)]),
            Kind::Sequence(names) => {
                let values = fold::elements(&value)?;
                let names = names.range().map(|at| self.facts.kind(self.facts.lists[at]));
                let bind = |(name, value): (&Kind, Value)| match *name {
                    Kind::Name(name) => Some((name, value)),
                    _ => None,
                };
                names.zip(values).map(bind).collect()
            }
            _ => None,
        }
    }

    /// What a loop puts together: a variable that begins as a constant and of which all else is `x = x + part`, where the
    /// part depends on the variable of a loop over something known.
    pub(super) fn accumulated(&mut self, variable: VarId) -> Option<Value> {
        let &[start, step] = self.facts.variable_table[variable.at()].values.as_slice() else { return None };
        let Kind::Binary(Binary::Add, left, part) = *self.facts.kind(step) else { return None };
        if !matches!(self.facts.kind(left), Kind::Name(_)) || self.variable_of(left) != Some(variable) {
            return None;
        }
        let start = self.need(start);
        let mut whole = start.constant()?.clone();
        let (name, iterable) = self.loop_of(part)?;
        let set = self.need(iterable);
        let items = self.constants(&set).next().filter(|_| set.values.len() == 1)?;
        let dialect = self.facts.dialect;
        let mut parts = Vec::new();
        for item in fold::elements(&items)?.into_iter().take(limits::ACCUMULATED_MAX) {
            parts.push(self.inline(part, &[(name, item)], 0)?);
        }
        let parts = match (&whole, parts.first()) {
            (Value::Text(_), _) => fold::join("", &parts)?,
            (Value::Bytes(_), _) => {
                let bytes: Vec<Vec<u8>> = parts.iter().map(fold::bytes_of).collect::<Option<_>>()?;
                fold::bytes_value(bytes.concat())?
            }
            _ => return None,
        };
        whole = fold::binary(Binary::Add, &whole, &parts, dialect)?;
        Some(whole)
    }

    /// The loop that an expression takes a part of: the name of its variable, and what it goes over.
    fn loop_of(&mut self, part: ExprId) -> Option<(Sym, ExprId)> {
        let mut todo = vec![part];
        for _ in 0..limits::VALUES_MAX * 4 {
            let expr = todo.pop()?;
            match *self.facts.kind(expr) {
                Kind::Name(name) => {
                    let Some(variable) = self.variable_of(expr) else { continue };
                    if let [value] = *self.facts.variable_table[variable.at()].values
                        && let Kind::Element(iterable) = *self.facts.kind(value)
                    {
                        return Some((name, iterable));
                    }
                }
                Kind::Binary(_, left, right) => todo.extend([left, right]),
                Kind::Unary(_, operand) => todo.push(operand),
                Kind::Attribute { object, .. } => todo.push(object),
                Kind::Subscript { object, index } => todo.extend([object, index]),
                Kind::Sequence(items) | Kind::Concat(items) => todo.extend(&self.facts.lists[items.range()]),
                Kind::Call { callee, arguments } => {
                    todo.push(callee);
                    todo.extend(self.facts.arguments[arguments.range()].iter().map(|argument| argument.value));
                }
                _ => {}
            }
        }
        None
    }

    fn inline(&mut self, expr: ExprId, bindings: &Bindings, depth: usize) -> Option<Value> {
        self.inline_steps += 1;
        if self.inline_steps > limits::INLINE_STEPS_MAX {
            self.limit = self.limit.or(Some("inline steps"));
            return None;
        }
        if depth > limits::INLINE_DEPTH_MAX || self.inline_steps > self.inline_end {
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
            Kind::Concat(parts) => self.inline_concat(parts, bindings, next),
            Kind::Subscript { object, index } => self.inline_subscript(object, index, bindings, next),
            Kind::Attribute { object, name } => match self.known(expr) {
                Some(value) => Some(value),
                None => {
                    let object = self.inline(object, bindings, next)?;
                    only(&self.attribute(&object, name))
                }
            },
            Kind::Choice(either) => {
                let either: Vec<ExprId> =
                    self.facts.lists[either.range()].iter().take(limits::VALUES_MAX).copied().collect();
                let empty = |value: &Value| matches!(value, Value::Null | Value::Undefined);
                either.into_iter().find_map(|one| self.inline(one, bindings, next).filter(|value| !empty(value)))
            }
            Kind::Sequence(items) => {
                let items = items.range().take(limits::VALUES_MAX * 8).map(|at| self.facts.lists[at]);
                let items: Vec<ExprId> = items.collect();
                let items: Option<Vec<Value>> =
                    items.into_iter().map(|item| self.inline(item, bindings, next)).collect();
                fold::list(items?)
            }
            Kind::Comprehension { body, target, iterable, is_whole: true } => {
                let items = fold::elements(&self.inline(iterable, bindings, next)?)?;
                let mut out = Vec::with_capacity(items.len());
                for item in items {
                    let mut inner = bindings.to_vec();
                    inner.extend(self.bound(target, item)?);
                    out.push(self.inline(body, &inner, next)?);
                }
                fold::list(out)
            }
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

    fn inline_concat(&mut self, parts: Span, bindings: &Bindings, next: usize) -> Option<Value> {
        let dialect = self.facts.dialect;
        let mut all = Value::Text("".into());
        for at in parts.range() {
            let part = self.inline(self.facts.lists[at], bindings, next)?;
            let part = Value::Text(fold::display(&part, dialect)?.into());
            self.charge(all.size() + part.size()).then_some(())?;
            all = fold::binary(Binary::Add, &all, &part, dialect)?;
        }
        Some(all)
    }

    fn known(&mut self, expr: ExprId) -> Option<Value> {
        let set = self.need(expr);
        let constant = self.constants(&set).next().filter(|_| set.values.len() == 1 && !set.open);
        constant.or_else(|| only(&set)).or_else(|| match set.values.as_slice() {
            // What a parameter may be besides is not known; what it may surely be is looked at.
            [value @ (Value::Path(_) | Value::Made(_) | Value::Instance(_))] => Some(value.clone()),
            _ => None,
        })
    }

    fn inline_subscript(&mut self, object: ExprId, index: ExprId, bindings: &Bindings, depth: usize) -> Option<Value> {
        if let Kind::Slice(bounds) = self.facts.kind(index) {
            let bounds = **bounds;
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
            if let Some(value) = found.constant().cloned().or_else(|| only(&found)) {
                return Some(value);
            }
        }
        let object = self.inline(object, bindings, depth)?;
        match index {
            Value::Int(at) => fold::index(&object, at).or_else(|| only(&self.item(&object, &index))),
            _ => only(&self.item(&object, &index)),
        }
    }

    fn inline_callee(&mut self, callee: ExprId, values: &[Value], bindings: &Bindings, depth: usize) -> Option<Value> {
        let callees = self.need(callee);
        match callees.values.first() {
            Some(Value::Path(path)) => {
                let name = self.paths.name(*path, &self.facts.symbols).clone();
                if let Some(value) = self.folded(&name, values) {
                    return Some(value);
                }
                if let ("getattr", [object, Value::Text(member), ..]) = (&*name, values) {
                    let member = self.facts.symbols.intern(member);
                    return only(&self.attribute(object, member));
                }
                if let ("Reflect.get", [object, key, ..]) = (&*name, values) {
                    return only(&self.item(object, key));
                }
                if let ("__import__" | "importlib.import_module" | "require", [Value::Text(module), ..]) =
                    (&*name, values)
                {
                    return self.paths.module(module, &mut self.facts.symbols).map(Value::Path);
                }
            }
            Some(Value::Made(made)) => {
                if let Kind::Function(function) = *self.facts.kind(*made) {
                    let values: Vec<Option<Value>> = values.iter().cloned().map(Some).collect();
                    return self.inline_values(function, &values, depth);
                }
            }
            _ => {}
        }
        let Kind::Attribute { object, name } = *self.facts.kind(callee) else { return None };
        let receiver = self.inline(object, bindings, depth)?;
        let name = self.facts.symbols.text(name).clone();
        self.charge(receiver.size()).then(|| self.folded_by_method(&receiver, &name, values))?
    }
}
