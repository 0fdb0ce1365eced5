//! The resolver's view of library functions that hand things on: iterators, namespaces, copies, proxies.

use std::sync::Arc;

use super::fold;
use super::functions;
use super::inline::only;
use super::limits;
use super::resolve::Resolver;
use super::values::{Set, Value, Values};
use crate::facts::{Argument, Dialect, ExprId, Kind};

impl Resolver<'_> {
    /// Functions of Python that hand on what they are given; `None` for all others.
    pub(super) fn python_library(&mut self, call: ExprId, name: &str, arguments: &[Argument]) -> Option<Set> {
        match name {
            "type" if arguments.len() == 3 => {
                let members = self.need(arguments[2].value);
                let made = members.values.iter().find_map(|value| match value {
                    Value::Made(made) | Value::Record(made) => Some(*made),
                    _ => None,
                });
                made.map(|made| Set::one(Value::Record(made)))
            }
            "types.SimpleNamespace" | "argparse.Namespace" | "types.MappingProxyType" | "collections.ChainMap" => {
                Some(Set::one(Value::Record(call)))
            }
            "dict" | "collections.OrderedDict" if !arguments.is_empty() => Some(self.dictionary(call, arguments)),
            "next" | "min" | "max" | "random.choice" | "anext" => {
                let mut all = self.some_element(arguments.first()?.value);
                if let Some(default) = arguments.get(1) {
                    let default = self.need(default.value);
                    self.merge(&mut all, &default);
                }
                (!all.values.is_empty()).then_some(all)
            }
            "iter" | "list" | "tuple" | "set" | "frozenset" | "reversed" | "sorted" | "collections.deque" | "aiter"
            | "itertools.cycle" | "itertools.chain" => self.handed_on(arguments.first()?),
            "copy.copy"
            | "copy.deepcopy"
            | "contextlib.nullcontext"
            | "contextlib.closing"
            | "weakref.proxy"
            | "typing.cast"
            | "functools.wraps" => {
                let set = self.need(arguments.last()?.value);
                (!set.values.is_empty()).then(|| (*set).clone())
            }
            "filter" => self.handed_on(arguments.get(1)?),
            "zip" => {
                let lists: Option<Vec<Vec<Value>>> =
                    arguments.iter().take(limits::VALUES_MAX).map(|argument| self.items_of(argument.value)).collect();
                let lists = lists?;
                let length = lists.iter().map(Vec::len).min()?;
                let row = |at: usize| Value::List(lists.iter().map(|list| list[at].clone()).collect());
                fold::list((0..length).map(row).collect()).map(Set::one)
            }
            "enumerate" => {
                let items = self.items_of(arguments.first()?.value)?;
                let start = match arguments.get(1) {
                    Some(start) => match self.need(start.value).constant() {
                        Some(Value::Int(start)) => *start,
                        _ => return None,
                    },
                    None => 0,
                };
                let pair = |(at, item): (usize, Value)| {
                    let at = start.saturating_add(i64::try_from(at).unwrap_or(i64::MAX));
                    Value::List([Value::Int(at), item].into())
                };
                fold::list(items.into_iter().enumerate().map(pair).collect()).map(Set::one)
            }
            "functools.reduce" => self.reduced(arguments),
            _ => self.python_wrapper(name, arguments),
        }
    }

    /// Functions of Python that give something else under another name: loaders, codecs, all objects there are, mocks.
    fn python_wrapper(&mut self, name: &str, arguments: &[Argument]) -> Option<Set> {
        match name {
            "ctypes.LibraryLoader" => self.path_of("ctypes.cdll").map(|path| Set::one(Value::Path(path))),
            "codecs.getdecoder" | "codecs.getencoder" | "codecs.lookup" => {
                let encoding = self.text_of(arguments.first()?.value)?;
                Some(Set::one(Value::Codec(encoding)))
            }
            "gc.get_objects" | "gc.get_referrers" | "gc.get_referents" => {
                let all = self.members_of_namespace(&Value::Modules);
                Some(Set::one(Value::List(all.into_iter().map(|(_, value)| value).collect())))
            }
            _ if name.starts_with("unittest.mock.") || name.starts_with("mock.") => {
                // A mock hands on to what it is wrapped around.
                let wraps = |one: &&Argument| one.keyword.is_some_and(|name| self.facts.text(name) == "wraps");
                let wrapped = arguments.iter().find(wraps)?.value;
                Some((*self.need(wrapped)).clone())
            }
            _ => None,
        }
    }

    /// `dict(a=x)`, `dict(pairs)`, `dict(mapping)`.
    fn dictionary(&mut self, call: ExprId, arguments: &[Argument]) -> Set {
        let plain = arguments.iter().all(|argument| argument.keyword.is_none());
        let first = self.need(arguments[0].value);
        let mapping = |resolver: &Self, value: &Value| match value {
            Value::Made(made) => matches!(resolver.facts.kind(*made), Kind::Mapping(_)),
            Value::Members(_) | Value::Record(_) => true,
            _ => false,
        };
        if plain && arguments.len() == 1 && first.values.iter().any(|value| mapping(self, value)) {
            return (*first).clone();
        }
        Set::one(Value::Record(call))
    }

    /// The lists and generators that an argument may be, as they are.
    fn handed_on(&mut self, argument: &Argument) -> Option<Set> {
        let set = self.need(argument.value);
        let mut all = Set::empty();
        for value in &set.values {
            let handed = match value {
                Value::Made(made) => {
                    matches!(self.facts.kind(*made), Kind::Sequence(_) | Kind::Comprehension { .. } | Kind::Mapping(_))
                        && self.as_constant(value).is_none()
                }
                Value::List(items) => !items.iter().all(Value::is_constant),
                Value::Generator(_) | Value::Foreign(_) => true,
                _ => false,
            };
            if handed {
                self.add(&mut all, value.clone());
            }
        }
        (!all.values.is_empty()).then_some(all)
    }

    /// Any one element of an expression.
    fn some_element(&mut self, expr: ExprId) -> Set {
        let mut found = self.element(expr);
        found.open = true;
        found
    }

    /// The elements of an expression one by one; one that is not surely one thing is [`Value::Built`].
    pub(super) fn items_of(&mut self, expr: ExprId) -> Option<Vec<Value>> {
        let set = self.need(expr);
        let [value] = set.values.as_slice() else { return None };
        let value = value.clone();
        self.items_of_value(&value)
    }

    fn items_of_value(&mut self, value: &Value) -> Option<Vec<Value>> {
        if let Some(constant) = self.as_constant(value) {
            return fold::elements(&constant);
        }
        let one = |resolver: &mut Self, expr: ExprId| {
            let set = resolver.need(expr);
            only(&set).unwrap_or(Value::Built)
        };
        match value {
            Value::List(items) => Some(items.to_vec()),
            Value::Generator(function) => {
                let yields = self.facts.functions[function.at()].yields.clone();
                let items = yields.into_iter().take(limits::ITEMS_MAX);
                Some(items.map(|value| one(self, value)).collect())
            }
            Value::Made(made) => match *self.facts.kind(*made) {
                Kind::Sequence(items) if items.range().len() <= limits::ITEMS_MAX => {
                    let items: Vec<ExprId> = self.facts.lists[items.range()].to_vec();
                    Some(items.into_iter().map(|item| one(self, item)).collect())
                }
                Kind::Mapping(entries) if entries.range().len() <= limits::ITEMS_MAX => {
                    let keys: Vec<ExprId> =
                        self.facts.entries[entries.range()].iter().filter_map(|entry| entry.key).collect();
                    Some(keys.into_iter().map(|key| one(self, key)).collect())
                }
                Kind::Comprehension { body, target, iterable, is_whole: true } => {
                    let items = self.comprehension(body, target, iterable)?;
                    fold::elements(&items)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// `map(f, items)` over anything.
    pub(super) fn mapped_items(&mut self, arguments: &[Argument]) -> Option<Set> {
        let functions = self.need(arguments.first()?.value);
        let function = functions.values.first()?.clone();
        let lists: Option<Vec<Vec<Value>>> =
            arguments.get(1..)?.iter().take(limits::VALUES_MAX).map(|argument| self.items_of(argument.value)).collect();
        let lists = lists?;
        let length = lists.iter().map(Vec::len).min()?.min(limits::ITEMS_MAX);
        let mut out = Vec::with_capacity(length);
        for at in 0..length {
            let given: Vec<Value> = lists.iter().map(|list| list[at].clone()).collect();
            out.push(self.applied(&function, &given).unwrap_or(Value::Built));
        }
        let known = out.iter().any(|value| *value != Value::Built);
        known.then(|| Set::one(Value::List(out.into())))
    }

    /// `functools.reduce(f, items, start)`.
    fn reduced(&mut self, arguments: &[Argument]) -> Option<Set> {
        let functions = self.need(arguments.first()?.value);
        let function = functions.values.first()?.clone();
        let mut items = self.items_of(arguments.get(1)?.value)?.into_iter();
        let start = match arguments.get(2) {
            Some(start) => {
                let start = self.need(start.value);
                only(&start)?
            }
            None => items.next()?,
        };
        let mut whole = start;
        for item in items.take(limits::ELEMENTS_MAX) {
            whole = self.applied(&function, &[whole, item])?;
        }
        Some(Set::one(whole))
    }

    /// What a function gives back for known values.
    pub(super) fn applied(&mut self, function: &Value, given: &[Value]) -> Option<Value> {
        match function {
            Value::Path(path) => {
                let name = self.paths.name(*path, &self.facts.symbols).clone();
                match (&*name, given) {
                    ("getattr", [object, Value::Text(member), ..]) => {
                        let member = self.facts.symbols.intern(member);
                        only(&self.attribute(object, member))
                    }
                    ("__import__" | "importlib.import_module" | "require", [Value::Text(module), ..]) => {
                        self.paths.module(module, &mut self.facts.symbols).map(Value::Path)
                    }
                    _ => self.folded(&name, given),
                }
            }
            Value::Made(made) => match *self.facts.kind(*made) {
                Kind::Function(function) => {
                    let given: Vec<Option<Value>> = given.iter().cloned().map(Some).collect();
                    self.inline_given(function, &given)
                }
                _ => None,
            },
            Value::Getter(names) => {
                let mut here = given.first()?.clone();
                for name in names.clone().split('.') {
                    let name = self.facts.symbols.intern(name);
                    here = only(&self.attribute(&here, name))?;
                }
                Some(here)
            }
            _ => None,
        }
    }

    /// `a | b` of mappings.
    pub(super) fn merged_mappings(&mut self, a: &Set, b: &Set) -> Option<Set> {
        let mapping = |resolver: &Self, value: &Value| match value {
            Value::Made(made) => matches!(resolver.facts.kind(*made), Kind::Mapping(_)),
            Value::Members(_) | Value::Record(_) => true,
            _ => false,
        };
        let both: Vec<Value> = a.values.iter().chain(&b.values).filter(|value| mapping(self, value)).cloned().collect();
        if both.is_empty() {
            return None;
        }
        let mut all = Set { values: Values::new(), open: a.open || b.open };
        for value in both {
            self.add(&mut all, value);
        }
        Some(all)
    }

    /// The names and values of a namespace, as far as they are known: of a module any of its members, of the file itself what
    /// its variables are.
    fn members_of_namespace(&mut self, namespace: &Value) -> Vec<(Value, Value)> {
        if !matches!(namespace, Value::Globals) {
            let any = self.some_item(namespace);
            return any.values.into_iter().map(|value| (Value::Built, value)).collect();
        }
        let variables: Vec<(u32, ExprId)> = self
            .facts
            .variables
            .iter()
            .filter(|((scope, _), _)| *scope == crate::facts::MODULE.0)
            .map(|((_, name), variable)| (*name, self.facts.variable_table[variable.at()].expr))
            .collect();
        let mut all = Vec::new();
        for (name, variable) in variables.into_iter().take(limits::ITEMS_MAX) {
            let name = Value::Text(self.facts.symbols.text(crate::facts::Sym(name)).clone());
            for value in &self.need(variable).values {
                if all.len() < limits::ITEMS_MAX && matches!(value, Value::Path(_)) {
                    all.push((name.clone(), value.clone()));
                }
            }
        }
        all.sort_by_key(|(name, _)| fold::display(name, Dialect::Python));
        all
    }

    /// Methods of dictionaries and lists that hand on what is in them.
    pub(super) fn container_method(&mut self, value: &Value, name: &str) -> Option<Set> {
        match name {
            "copy" => Some(Set::one(value.clone())),
            "__iter__" => Some(Set::one(value.clone())),
            "__next__" | "popleft" => Some(self.some_item(value)),
            "values" | "items" if matches!(value, Value::Members(_) | Value::Modules | Value::Globals) => {
                let all = self.members_of_namespace(value);
                let pair = |(key, value): (Value, Value)| match name {
                    "items" => Value::List([key, value].into()),
                    _ => value,
                };
                Some(Set::one(Value::List(all.into_iter().map(pair).collect())))
            }
            "values" | "items" | "popitem" => {
                let Value::Made(made) = value else { return None };
                let Kind::Mapping(entries) = *self.facts.kind(*made) else { return None };
                if entries.range().len() > limits::ITEMS_MAX {
                    return None;
                }
                let entries = self.facts.entries[entries.range()].to_vec();
                let mut out = Vec::with_capacity(entries.len());
                for entry in entries {
                    let value = self.need(entry.value);
                    let value = only(&value).unwrap_or(Value::Built);
                    if name == "values" {
                        out.push(value);
                        continue;
                    }
                    let key = match entry.key {
                        Some(key) => only(&self.need(key)).unwrap_or(Value::Built),
                        None => Value::Built,
                    };
                    out.push(Value::List([key, value].into()));
                }
                match name {
                    "popitem" => out.into_iter().next_back().map(Set::one),
                    _ => Some(Set::one(Value::List(out.into()))),
                }
            }
            _ => None,
        }
    }

    /// `next`, `send`, `__next__` of a generator: of Python what it yields, of JavaScript an object with that as `value`.
    pub(super) fn generator_method(&mut self, value: &Value, name: &str) -> Option<Set> {
        let Value::Generator(function) = *value else { return None };
        match (self.facts.dialect, name) {
            (Dialect::Python, "__next__" | "send" | "asend" | "__anext__") => Some(self.yielded(function)),
            (Dialect::Python, "__enter__") => Some(self.yielded(function)),
            (Dialect::JavaScript, "next" | "return") => Some(Set::one(value.clone())),
            (_, "__iter__" | "__aiter__") => Some(Set::one(value.clone())),
            _ => None,
        }
    }

    /// What `document.createElement("script")` makes runs its own text, and is known by its class as well.
    fn made_script(&mut self, tag: ExprId) -> Option<Set> {
        self.text_of(tag).filter(|tag| tag.eq_ignore_ascii_case("script"))?;
        let made = ["document.createElement.()", "HTMLScriptElement.()"];
        let values = made.iter().filter_map(|name| self.path_of(name)).map(Value::Path).collect();
        Some(Set { values, open: false })
    }

    /// Functions of JavaScript that hand on what they are given; `None` for all others.
    pub(super) fn javascript_library(&mut self, call: ExprId, name: &str, arguments: &[Argument]) -> Option<Set> {
        let first = arguments.first()?.value;
        match name {
            "Proxy" => Some(Set::one(Value::Proxy(call))),
            "document.createElement" => self.made_script(first),
            "util.promisify" | "util.callbackify" | "util.deprecate" => {
                let set = self.need(first);
                (!set.values.is_empty()).then(|| (*set).clone())
            }
            "Object.assign"
            | "Object.create"
            | "Object.defineProperty"
            | "Object.defineProperties"
            | "structuredClone"
            | "Object.seal"
            | "Promise.all"
            | "Promise.any"
            | "Promise.race"
            | "Object.setPrototypeOf" => {
                let mut all = Set::empty();
                for argument in arguments.iter().take(limits::VALUES_MAX) {
                    let set = self.need(argument.value);
                    all.open |= set.open;
                    for value in &set.values {
                        if !matches!(value, Value::Text(_) | Value::Null) {
                            self.add(&mut all, value.clone());
                        }
                    }
                }
                (!all.values.is_empty()).then_some(all)
            }
            "Object.keys" => self.items_of(first).and_then(fold::list).map(Set::one),
            "Object.values" | "Object.entries" => {
                let listed = if name == "Object.values" { "values" } else { "items" };
                match self.need(first).values.first()?.clone() {
                    Value::Path(path) => self.container_method(&Value::Members(path), listed),
                    value => self.container_method(&value, listed),
                }
            }
            "Object.getOwnPropertyDescriptors" => Some((*self.need(first)).clone()),
            "Object.getOwnPropertyDescriptor" | "Reflect.getOwnPropertyDescriptor" => {
                let key = arguments.get(1)?;
                Some(self.subscript_of(first, key.value))
            }
            "Map" => {
                let pairs = self.items_of(first)?;
                let pairs: Option<Vec<Value>> =
                    pairs.iter().map(|pair| self.items_of_value(pair).map(|pair| Value::List(pair.into()))).collect();
                fold::list(pairs?).map(Set::one)
            }
            "Array.from" | "Array.of" | "Set" => {
                let items = self.items_of(first);
                let function = arguments.get(1).map(|function| self.need(function.value));
                match (items, function.and_then(|function| function.values.first().cloned())) {
                    (Some(items), Some(function)) => {
                        let items: Option<Vec<Value>> =
                            items.into_iter().map(|item| self.applied(&function, &[item])).collect();
                        fold::list(items?).map(Set::one)
                    }
                    (Some(items), None) if !items.iter().all(Value::is_constant) => {
                        Some(Set::one(Value::List(items.into())))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Methods of lists, maps and generators of JavaScript that hand on what is in them.
    pub(super) fn javascript_container(&mut self, value: &Value, name: &str, arguments: &[Argument]) -> Option<Set> {
        match name {
            "filter" | "values" | "entries" => self.items_of_value(value).and_then(fold::list).map(Set::one),
            "find" => Some(self.some_item(value)),
            "reduce" => {
                let functions = self.need(arguments.first()?.value);
                let function = functions.values.first()?.clone();
                let mut items = self.items_of_value(value)?.into_iter();
                let start = match arguments.get(1) {
                    Some(start) => {
                        let start = self.need(start.value);
                        self.constants(&start).next().or_else(|| only(&start))?
                    }
                    None => items.next()?,
                };
                let mut whole = start;
                for item in items.take(limits::ELEMENTS_MAX) {
                    whole = self.applied(&function, &[whole, item])?;
                }
                Some(Set::one(whole))
            }
            "get" => {
                // `new Map([["a", x]]).get("a")`.
                let Value::List(pairs) = value else { return None };
                let key = self.need(arguments.first()?.value);
                let key = key.constant()?;
                pairs.iter().find_map(|pair| match pair {
                    Value::List(pair) if pair.first() == Some(key) => pair.get(1).cloned().map(Set::one),
                    _ => None,
                })
            }
            _ => None,
        }
    }

    /// `text.replace(/…/g, function)`.
    pub(super) fn replaced(&mut self, own: &Arc<str>, arguments: &[Argument]) -> Option<Set> {
        let pattern = self.need(arguments.first()?.value);
        let Value::Pattern(pattern, flags) = pattern.values.first()?.clone() else { return None };
        let functions = self.need(arguments.get(1)?.value);
        let function = functions.values.first()?.clone();
        matches!(function, Value::Made(_) | Value::Path(_)).then_some(())?;
        let regex = functions::compiled(&pattern)?;
        let mut out = String::new();
        let mut from = 0;
        let most = if flags.contains('g') { limits::ELEMENTS_MAX } else { 1 };
        for found in regex.captures_iter(own).take(most) {
            let whole = found.get(0)?;
            let given: Vec<Value> = found
                .iter()
                .map(|group| group.map_or(Value::Undefined, |group| Value::Text(group.as_str().into())))
                .collect();
            out.push_str(&own[from..whole.start()]);
            out.push_str(&fold::display(&self.applied(&function, &given)?, Dialect::JavaScript)?);
            from = whole.end();
            self.charge(whole.len()).then_some(())?;
        }
        out.push_str(&own[from..]);
        fold::text(out).map(Set::one)
    }
}
