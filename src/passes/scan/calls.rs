//! The resolver's view of calls: what is really called, and what comes back.

use std::rc::Rc;
use std::sync::Arc;

use super::fold;
use super::limits;
use super::resolve::Resolver;
use super::values::{RESULT, ROOT, Set, Value};
use crate::facts::{Argument, Dialect, ExprId, Kind, Span, Spread};

/// What a call really calls, and with which arguments.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) value: Value,
    pub(super) arguments: Rc<[Argument]>,
}

/// What a target was reached through.
#[derive(Clone, Default)]
struct Through {
    partials: Vec<ExprId>,
    /// How many steps, those of other kinds included.
    depth: usize,
}

impl Resolver<'_> {
    /// What a call may give back.
    pub(super) fn call(&mut self, call: ExprId, callee: ExprId, arguments: Span) -> Set {
        let (targets, open) = self.targets(callee, arguments);
        if self.waits() {
            return Set::OPEN;
        }
        let mut all = Set::empty();
        all.open = open;
        for target in &targets {
            let found = self.result(call, target);
            self.absorb(&mut all, found);
        }
        let found = self.method_result(call, callee, arguments);
        self.absorb(&mut all, found);
        all.open |= all.values.is_empty();
        all
    }

    /// Everything that a call may really call: `partial`, `methodcaller`, `.call`, `.apply` and `Reflect` seen through.
    /// The flag says whether it may call something else as well.
    pub(super) fn targets(&mut self, callee: ExprId, arguments: Span) -> (Vec<Target>, bool) {
        let callees = self.need(callee);
        let mut open = callees.open;
        let javascript = self.facts.dialect == Dialect::JavaScript;
        if callees.values.is_empty() && !(javascript && self.is_called_through(callee)) {
            return (Vec::new(), open);
        }
        let arguments = self.spread_lists(arguments);
        let mut todo: Vec<(Target, Through)> = Vec::new();
        if javascript {
            self.called_through(callee, &arguments, &mut todo);
        }
        let mut values = callees.values.iter();
        let mut targets = Vec::with_capacity(callees.values.len());
        let mut steps = 0;
        // Most values lead to nothing else, and none of the others is looked at before what the last one leads to.
        while let Some((target, mut through)) = todo.pop().or_else(|| {
            let target = Target { value: values.next_back()?.clone(), arguments: arguments.clone() };
            Some((target, Through::default()))
        }) {
            steps += 1;
            match target.value {
                // A name may stand for a partial call of itself (`f = partial(f, 1)`), which leads to nothing new.
                Value::Partial(made) if through.partials.contains(&made) => continue,
                Value::Partial(made) => {
                    through.partials.push(made);
                    through.depth += 1;
                }
                Value::Path(_) => {}
                _ => through.depth += 1,
            }
            if through.depth > limits::PARTIALS_MAX || steps > limits::TARGETS_MAX {
                self.limit = self.limit.or(Some("partials"));
                open = true;
                break;
            }
            match self.unwrapped(&target) {
                Some(inner) => todo.extend(inner.into_iter().map(|inner| (inner, through.clone()))),
                None => {
                    let inner = match target.value {
                        Value::Foreign(id) => self.foreign_targets(id, &target.arguments),
                        _ => self.called_as_well(&target),
                    };
                    if !inner.is_empty() {
                        through.depth += 1;
                        todo.extend(inner.into_iter().map(|inner| (inner, through.clone())));
                    }
                    targets.push(target);
                }
            }
        }
        targets.reverse();
        (targets, open)
    }

    /// The arguments of a call; lists of the source that are spread are taken apart.
    fn spread_lists(&mut self, arguments: Span) -> Rc<[Argument]> {
        let own: Rc<[Argument]> = self.facts.arguments[arguments.range()].into();
        if own.iter().all(|argument| argument.spread != Spread::Positional) {
            return own;
        }
        let mut all = Vec::with_capacity(own.len());
        for argument in own.iter() {
            match argument.spread {
                Spread::Positional => all.extend(self.spread_out(Some(argument)).iter().copied()),
                _ => all.push(*argument),
            }
        }
        all.into()
    }

    /// What is called besides `target`: what a timer is given with its arguments, and the constructor that a class of
    /// Python has from a library's class.
    fn called_as_well(&mut self, target: &Target) -> Vec<Target> {
        match (&target.value, self.facts.dialect) {
            (Value::Path(path), Dialect::JavaScript) => {
                let (_, last) = self.paths.split(*path);
                let rest = match &**self.facts.symbols.text(last) {
                    "setTimeout" | "setInterval" => 2,
                    "setImmediate" | "nextTick" | "queueMicrotask" => 1,
                    _ => return Vec::new(),
                };
                let Some(first) = target.arguments.first() else { return Vec::new() };
                let rest: Rc<[Argument]> = target.arguments.get(rest..).unwrap_or_default().into();
                let functions = self.need(first.value);
                let known = functions.values.iter().filter(|value| matches!(value, Value::Path(_)));
                known.map(|value| Target { value: value.clone(), arguments: rest.clone() }).collect()
            }
            (Value::Made(made), Dialect::Python) => self.constructed_by_base(*made, target).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    fn is_called_through(&self, callee: ExprId) -> bool {
        match *self.facts.kind(callee) {
            Kind::Attribute { name, .. } => matches!(self.facts.text(name), "call" | "apply"),
            _ => false,
        }
    }

    /// `f.call(this, …)` and `f.apply(this, […])`.
    fn called_through(&mut self, callee: ExprId, arguments: &Rc<[Argument]>, todo: &mut Vec<(Target, Through)>) {
        let Kind::Attribute { object, name } = *self.facts.kind(callee) else { return };
        let shifted: Rc<[Argument]> = match &**self.facts.symbols.text(name) {
            "call" => arguments.get(1..).unwrap_or_default().into(),
            "apply" => self.spread_out(arguments.get(1)),
            _ => return,
        };
        let objects = self.need(object);
        for value in &objects.values {
            todo.push((Target { value: value.clone(), arguments: shifted.clone() }, Through::default()));
        }
    }

    /// The elements of a list argument, as arguments.
    fn spread_out(&mut self, list: Option<&Argument>) -> Rc<[Argument]> {
        let Some(list) = list else { return Rc::from([]) };
        let values = self.need(list.value);
        if let [Value::Made(made)] = values.values.as_slice()
            && let Kind::Sequence(items) = *self.facts.kind(*made)
        {
            let items = &self.facts.lists[items.range()];
            return items.iter().map(|&value| Argument { keyword: None, value, spread: Spread::No }).collect();
        }
        Rc::from([Argument { keyword: None, value: list.value, spread: Spread::Positional }])
    }

    /// What is called by calling `target`, where that is only a wrapper.
    fn unwrapped(&mut self, target: &Target) -> Option<Vec<Target>> {
        match &target.value {
            Value::Partial(made) => {
                let Kind::Call { callee, arguments } = *self.facts.kind(*made) else { return Some(Vec::new()) };
                let own: Vec<Argument> = self.facts.arguments[arguments.range()].to_vec();
                let (function, rest) = match (self.facts.dialect, self.facts.kind(callee)) {
                    (Dialect::JavaScript, &Kind::Attribute { object, .. }) => (object, own.get(1..)),
                    _ => (own.first()?.value, own.get(1..)),
                };
                let rest = rest.unwrap_or_default();
                let all: Rc<[Argument]> = rest.iter().chain(target.arguments.iter()).copied().collect();
                let functions = self.need(function);
                Some(
                    functions
                        .values
                        .iter()
                        .map(|value| Target { value: value.clone(), arguments: all.clone() })
                        .collect(),
                )
            }
            Value::Caller(made) => {
                let Kind::Call { arguments, .. } = *self.facts.kind(*made) else { return Some(Vec::new()) };
                let own: Vec<Argument> = self.facts.arguments[arguments.range()].to_vec();
                let name = self.text_of(own.first()?.value)?;
                let object = target.arguments.first()?.value;
                let name = self.facts.symbols.intern(&name);
                let reached = self.attribute_of(object, name);
                let rest: Rc<[Argument]> = own.get(1..).unwrap_or_default().into();
                Some(reached.values.into_iter().map(|value| Target { value, arguments: rest.clone() }).collect())
            }
            Value::Path(path) if self.facts.dialect == Dialect::JavaScript => {
                let (parent, _) = self.paths.split(*path);
                if parent == ROOT {
                    return None;
                }
                let arguments = match &**self.paths.name(*path, &self.facts.symbols) {
                    "Reflect.apply" => self.spread_out(target.arguments.get(2)),
                    "Reflect.construct" => self.spread_out(target.arguments.get(1)),
                    _ => return None,
                };
                let functions = self.need(target.arguments.first()?.value);
                let wrap = |value: &Value| Target { value: value.clone(), arguments: arguments.clone() };
                Some(functions.values.iter().map(wrap).collect())
            }
            Value::Made(made) => self.built_by_base(*made, target),
            _ => None,
        }
    }

    /// A class without a constructor of its own is made by that of its base: `class F extends Function {}`.
    fn built_by_base(&mut self, made: ExprId, target: &Target) -> Option<Vec<Target>> {
        (self.facts.dialect == Dialect::JavaScript).then(|| self.constructed_by_base(made, target))?
    }

    fn constructed_by_base(&mut self, made: ExprId, target: &Target) -> Option<Vec<Target>> {
        let Kind::Class { scope, bases } = *self.facts.kind(made) else { return None };
        if bases.range().is_empty() {
            return None;
        }
        let own = if self.facts.dialect == Dialect::Python { "__init__" } else { "constructor" };
        let constructor = self.facts.symbols.intern(own);
        if self.facts.variable(scope, constructor).is_some() {
            return None;
        }
        let bases = self.need(self.facts.lists[bases.start as usize]);
        let known = bases.values.iter().filter(|value| matches!(value, Value::Path(_)));
        let wrap = |value: &Value| Target { value: value.clone(), arguments: target.arguments.clone() };
        let all: Vec<Target> = known.map(wrap).collect();
        (!all.is_empty()).then_some(all)
    }

    /// The text that an expression surely is.
    pub(super) fn text_of(&mut self, expr: ExprId) -> Option<Arc<str>> {
        let set = self.need(expr);
        set.values.iter().find_map(|value| if let Value::Text(text) = value { Some(text.clone()) } else { None })
    }

    /// The texts that an argument may be, and whether it may be something else as well.
    fn texts_of(&mut self, argument: Option<&Argument>) -> (Vec<Arc<str>>, bool) {
        let Some(argument) = argument else { return (Vec::new(), false) };
        let set = self.need(argument.value);
        let texts: Vec<Arc<str>> = set
            .values
            .iter()
            .filter_map(|value| if let Value::Text(text) = value { Some(text.clone()) } else { None })
            .collect();
        let dynamic = set.open || texts.len() < set.values.len();
        (texts, dynamic)
    }

    /// What comes back from calling one target.
    fn result(&mut self, call: ExprId, target: &Target) -> Set {
        match &target.value {
            Value::Path(path) => {
                let name = self.paths.name(*path, &self.facts.symbols).clone();
                let special = match self.facts.dialect {
                    Dialect::Python => self.python_result(call, &name, &target.arguments),
                    Dialect::JavaScript => self.javascript_result(call, &name, &target.arguments),
                };
                special.unwrap_or_else(|| {
                    let segment = self.facts.symbols.intern(RESULT);
                    let found = self.paths.child(*path, segment, &mut self.facts.symbols);
                    found.map(|found| Value::Path(self.unless_lost(found))).into()
                })
            }
            Value::Made(made) => self.made_result(*made, &target.arguments),
            Value::Foreign(id) => self.foreign_result(*id, &target.arguments),
            Value::Record(_) => Set::one(target.value.clone()),
            Value::Instance(class) => {
                let call = self.facts.symbols.intern("__call__");
                let method = self.class_member(*class, call);
                self.called_plainly(&method)
            }
            Value::Returning(path) => Set::one(Value::Path(*path)),
            Value::Codec(encoding) => self.decoded(encoding, &target.arguments).into(),
            Value::Getter(names) => {
                let Some(object) = target.arguments.first() else { return Set::OPEN };
                let mut found = (*self.need(object.value)).clone();
                for name in names.split('.') {
                    let name = self.facts.symbols.intern(name);
                    let mut next = Set::empty();
                    for value in &found.values {
                        let member = self.attribute(value, name);
                        self.merge(&mut next, &member);
                    }
                    next.open |= found.open;
                    found = next;
                }
                found
            }
            Value::Item(key) => {
                let Some(object) = target.arguments.first() else { return Set::OPEN };
                let objects = self.need(object.value);
                let mut all = Set::OPEN;
                for value in &objects.values {
                    let found = self.item(value, &Value::Text(key.clone()));
                    self.merge(&mut all, &found);
                }
                all
            }
            _ => Set::OPEN,
        }
    }

    /// What `codecs.getdecoder(encoding)` gives back: what was decoded, and of how many bytes.
    fn decoded(&mut self, encoding: &str, arguments: &[Argument]) -> Option<Value> {
        let data = self.known_arguments(arguments.get(..1)?)?;
        let data = data.first()?;
        let bytes = fold::bytes_of(data)?;
        let length = i64::try_from(bytes.len()).ok()?;
        let decoded = fold::decode(&bytes, encoding)?;
        self.note_decoded(encoding, data, &decoded);
        Some(Value::List([decoded, Value::Int(length)].into()))
    }

    /// What a function or class of the file gives back.
    pub(super) fn made_result(&mut self, made: ExprId, arguments: &[Argument]) -> Set {
        match *self.facts.kind(made) {
            Kind::Class { scope, .. } => Set::one(Value::Instance(scope)),
            Kind::Function(function) => {
                if !self.facts.functions[function.at()].yields.is_empty() {
                    return Set::one(Value::Generator(function));
                }
                let returns = self.facts.functions[function.at()].returns.clone();
                let mut all = Set::empty();
                for value in returns.into_iter().take(limits::ELEMENTS_MAX) {
                    let set = self.need(value);
                    self.merge(&mut all, &set);
                    if matches!(self.facts.kind(value), Kind::This) && set.open {
                        self.add(&mut all, Value::Path(ROOT));
                    }
                }
                if (all.open || all.values.iter().any(|value| matches!(value, Value::Built)))
                    && let Some(folded) = self.inline_call(function, arguments)
                {
                    all.values.retain(|value| !matches!(value, Value::Built));
                    self.add(&mut all, folded);
                }
                all.open |= all.values.is_empty();
                all
            }
            _ => Set::OPEN,
        }
    }

    /// Functions of Python that reach other things by name; `None` for all others.
    fn python_result(&mut self, call: ExprId, name: &str, arguments: &[Argument]) -> Option<Set> {
        match name {
            "getattr" | "object.__getattribute__" | "type.__getattribute__" | "inspect.getattr_static" => {
                Some(self.reflected(arguments.first()?, arguments.get(1)))
            }
            "__import__"
            | "importlib.import_module"
            | "importlib.__import__"
            | "pydoc.locate"
            | "pkgutil.resolve_name" => Some(self.imported_by_name(name, arguments)),
            "importlib.util.find_spec" | "importlib.find_loader" | "pkgutil.get_loader" | "pkgutil.find_loader" => {
                self.python_result(call, "importlib.import_module", arguments)
            }
            "importlib.util.module_from_spec" => Some((*self.need(arguments.first()?.value)).clone()),
            "vars" => match arguments.first() {
                Some(object) => {
                    let objects = self.need(object.value);
                    let mut all = Set::empty();
                    all.open = objects.open;
                    for value in &objects.values {
                        match value {
                            Value::Path(path) => self.add(&mut all, Value::Members(*path)),
                            Value::Instance(_) | Value::Record(_) | Value::Foreign(_) => {
                                self.add(&mut all, value.clone())
                            }
                            _ => all.open = true,
                        }
                    }
                    Some(all)
                }
                None => Some(Set::one(Value::Globals)),
            },
            "globals" | "locals" => Some(Set::one(Value::Globals)),
            "functools.partial" | "functools.partialmethod" => Some(Set::one(Value::Partial(call))),
            "operator.methodcaller" => Some(Set::one(Value::Caller(call))),
            "operator.attrgetter" => Some(self.text_of(arguments.first()?.value).map(Value::Getter).into()),
            "operator.itemgetter" => Some(self.text_of(arguments.first()?.value).map(Value::Item).into()),
            "operator.getitem" => {
                let (object, index) = (arguments.first()?, arguments.get(1)?);
                Some(self.subscript_of(object.value, index.value))
            }
            "staticmethod" | "classmethod" | "property" | "functools.cache" | "functools.lru_cache" => {
                Some((*self.need(arguments.first()?.value)).clone())
            }
            "inspect.getmembers" => self.python_result(call, "vars", arguments.get(..1)?),
            "weakref.ref" => match self.need(arguments.first()?.value).values.first() {
                Some(Value::Path(path)) => Some(Set::one(Value::Returning(*path))),
                _ => None,
            },
            "map" => self.mapped(arguments).or_else(|| self.mapped_items(arguments)),
            "eval" => self.evaluated(arguments),
            _ if name.ends_with(".__getattribute__") && arguments.len() == 2 => {
                Some(self.reflected(arguments.first()?, arguments.get(1)))
            }
            _ if name.ends_with(".load_module") && self.text_of(arguments.first()?.value).is_some() => {
                self.python_result(call, "importlib.import_module", arguments)
            }
            _ => match self.python_library(call, name, arguments) {
                Some(found) => Some(found),
                None => self.folded_call(name, arguments),
            },
        }
    }

    /// The modules that a call of `name` imports by their names.
    fn imported_by_name(&mut self, name: &str, arguments: &[Argument]) -> Set {
        let (names, dynamic) = self.texts_of(arguments.first());
        let mut all = Set::empty();
        all.open = dynamic;
        for module in names {
            let module = module.replace(':', ".");
            if let Some(own) = self.own_by_name(&module) {
                self.merge(&mut all, &own);
                continue;
            }
            let whole = self.path_of(&module);
            let root = module.split('.').next().and_then(|root| self.path_of(root)).filter(|_| name.contains("__"));
            for path in whole.into_iter().chain(root) {
                self.add(&mut all, Value::Path(path));
            }
        }
        all
    }

    /// `eval("os.system")`: a plain dotted name in a text is that name.
    fn evaluated(&mut self, arguments: &[Argument]) -> Option<Set> {
        let text = self.text_of(arguments.first()?.value)?;
        let plain = text.len() < 100 && text.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '.'));
        let path = plain.then(|| self.path_of(&text))??;
        Some(Set::one(Value::Path(path)))
    }

    /// `getattr(object, name)`.
    fn reflected(&mut self, object: &Argument, name: Option<&Argument>) -> Set {
        let objects = self.need(object.value);
        let (names, dynamic) = self.texts_of(name);
        let mut all = Set::empty();
        all.open = objects.open;
        for name in names {
            let name = self.facts.symbols.intern(&name);
            let found = self.attribute_of(object.value, name);
            self.merge(&mut all, &found);
        }
        for value in &objects.values {
            if let (true, Value::Path(path)) = (dynamic, value) {
                let found = self.unknown_member(*path);
                self.merge(&mut all, &found);
            }
        }
        all.open |= all.values.is_empty();
        all
    }

    /// Functions of JavaScript that reach other things by name; `None` for all others.
    fn javascript_result(&mut self, call: ExprId, name: &str, arguments: &[Argument]) -> Option<Set> {
        match name {
            "require" | "import" => {
                let (names, dynamic) = self.texts_of(arguments.first());
                let mut all = Set::empty();
                all.open = dynamic;
                for module in names {
                    if let Some(own) = self.own_javascript(&module) {
                        self.merge(&mut all, &own);
                    } else if let Some(path) = self.paths.module(&module, &mut self.facts.symbols) {
                        self.add(&mut all, Value::Path(path));
                    }
                }
                Some(all)
            }
            "module.createRequire" | "module.Module.createRequire" => {
                Some(self.path_of("require").map(Value::Path).into())
            }
            "process.getBuiltinModule" => self.javascript_result(call, "require", arguments),
            "require.resolve"
            | "Object.getPrototypeOf"
            | "Reflect.getPrototypeOf"
            | "Object"
            | "Object.freeze"
            | "Promise.resolve" => Some((*self.need(arguments.first()?.value)).clone()),
            "Reflect.get" => {
                let (object, index) = (arguments.first()?, arguments.get(1)?);
                Some(self.subscript_of(object.value, index.value))
            }
            "eval" => self.returned_by_source(arguments),
            "Function" => self.source_function(arguments),
            _ => match self.javascript_library(call, name, arguments) {
                Some(found) => Some(found),
                None => self.folded_call(name, arguments),
            },
        }
    }

    /// `Function("return this")` is remembered as what its source returns, where that is plain.
    fn source_function(&mut self, arguments: &[Argument]) -> Option<Set> {
        let text = self.text_of(arguments.last()?.value)?;
        let returned = text.trim().strip_prefix("return")?.trim().trim_end_matches(';').trim();
        let plain = !returned.is_empty()
            && returned.len() < 100
            && returned.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '$' | '.'));
        let path = if returned == "this" { ROOT } else { plain.then(|| self.path_of(returned))?? };
        Some(Set::one(Value::Returning(path)))
    }

    /// `eval("this")`.
    fn returned_by_source(&mut self, arguments: &[Argument]) -> Option<Set> {
        match &*self.text_of(arguments.first()?.value)? {
            "this" => Some(Set::one(Value::Path(ROOT))),
            text if text.len() < 100 && text.chars().all(|char| char.is_alphanumeric() || char == '.') => {
                let text = text.to_owned();
                Some(self.path_of(&text).map(Value::Path).into())
            }
            _ => None,
        }
    }

    /// A function whose arguments are all known.
    fn folded_call(&mut self, name: &str, arguments: &[Argument]) -> Option<Set> {
        let values = self.known_arguments(arguments)?;
        self.folded(name, &values).map(Set::one)
    }

    /// The arguments as constants, if they all are; lists that are spread are taken apart.
    pub(super) fn known_arguments(&mut self, arguments: &[Argument]) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        for argument in arguments.iter().take(limits::ELEMENTS_MAX) {
            let set = self.need(argument.value);
            let [value] = set.values.as_slice() else { return None };
            let value = if set.open { None } else { self.as_constant(value) };
            match (value?, argument.spread) {
                (value, Spread::No) => values.push(value),
                (value, _) => values.extend(fold::elements(&value)?),
            }
        }
        let size = values.iter().map(Value::size).sum();
        self.charge(size).then_some(values)
    }

    /// `map(chr, [101, 118])`.
    fn mapped(&mut self, arguments: &[Argument]) -> Option<Set> {
        let functions = self.need(arguments.first()?.value);
        let Some(Value::Path(path)) = functions.values.first().cloned() else {
            return self.mapped_over(arguments);
        };
        let name = self.paths.name(path, &self.facts.symbols).clone();
        let items = self.known_arguments(arguments.get(1..2)?)?;
        let items = fold::elements(items.first()?)?;
        let values: Option<Vec<Value>> = items.into_iter().map(|item| self.folded(&name, &[item])).collect();
        fold::list(values?).map(Set::one)
    }

    fn mapped_over(&mut self, arguments: &[Argument]) -> Option<Set> {
        let functions = self.need(arguments.first()?.value);
        let Some(&Value::Made(made)) = functions.values.first() else { return None };
        let Kind::Function(function) = *self.facts.kind(made) else { return None };
        let items = self.known_arguments(arguments.get(1..2)?)?;
        let items = fold::elements(items.first()?)?;
        self.inline_map(function, &items).map(Set::one)
    }

    /// What a method of a constant, a mapping or a reflected dictionary gives back.
    fn method_result(&mut self, call: ExprId, callee: ExprId, arguments: Span) -> Set {
        let Kind::Attribute { object, name } = *self.facts.kind(callee) else { return Set::empty() };
        let objects = self.need(object);
        if objects.values.is_empty() {
            return Set::empty();
        }
        let name = self.facts.symbols.text(name).clone();
        let list: Vec<Argument> = self.facts.arguments[arguments.range()].to_vec();
        let mut all = Set::empty();
        for value in &objects.values {
            let found = match self.facts.dialect {
                _ if matches!(value, Value::Generator(_)) => self.generator_method(value, &name),
                Dialect::Python => self.python_method(object, value, &name, &list),
                Dialect::JavaScript => self.javascript_method(call, value, &name, &list),
            };
            match found {
                Some(found) => self.absorb(&mut all, found),
                None => {
                    if let Some(folded) = self.folded_method(value, &name, &list) {
                        self.add(&mut all, folded);
                    }
                }
            }
        }
        all
    }

    fn python_method(&mut self, object: ExprId, value: &Value, name: &str, arguments: &[Argument]) -> Option<Set> {
        let by_key = matches!(name, "get" | "pop" | "setdefault" | "__getitem__");
        let holds =
            matches!(value, Value::Members(_) | Value::Modules | Value::Globals | Value::Made(_) | Value::Record(_))
                || *value == Value::Path(ROOT);
        if by_key && holds && !arguments.is_empty() {
            return Some(self.subscript_of(object, arguments.first()?.value));
        }
        let list = matches!(value, Value::Made(made) if matches!(self.facts.kind(*made), Kind::Sequence(_)));
        if list && name == "pop" {
            return Some(self.some_item(value));
        }
        if matches!(name, "__getattribute__" | "__getattr__") && matches!(value, Value::Path(_)) && arguments.len() == 1
        {
            let object = Argument { keyword: None, value: object, spread: Spread::No };
            return Some(self.reflected(&object, arguments.first()));
        }
        if (holds || matches!(value, Value::Made(_) | Value::Record(_) | Value::List(_)))
            && let Some(found) = self.container_method(value, name)
        {
            return Some(found);
        }
        if name == "format" && arguments.iter().any(|argument| argument.keyword.is_some()) {
            return self.format(value, arguments);
        }
        None
    }

    fn format(&mut self, value: &Value, arguments: &[Argument]) -> Option<Set> {
        let Value::Text(format) = value else { return None };
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        for argument in arguments {
            let value = self.need(argument.value).constant().cloned()?;
            match argument.keyword {
                Some(name) => named.push((self.facts.symbols.text(name).clone(), value)),
                None => positional.push(value),
            }
        }
        fold::format_braces(format, &positional, &named).map(Set::one)
    }

    fn javascript_method(&mut self, call: ExprId, value: &Value, name: &str, arguments: &[Argument]) -> Option<Set> {
        match (name, value) {
            ("bind", Value::Path(_) | Value::Made(_) | Value::Partial(_)) => Some(Set::one(Value::Partial(call))),
            ("map", Value::Made(_) | Value::List(_)) => {
                let items = self.as_constant(value).and_then(|list| fold::elements(&list))?;
                let functions = self.need(arguments.first()?.value);
                match functions.values.first()? {
                    Value::Made(made) => {
                        let Kind::Function(function) = *self.facts.kind(*made) else { return None };
                        self.inline_map(function, &items).map(Set::one)
                    }
                    Value::Path(path) => {
                        let name = self.paths.name(*path, &self.facts.symbols).clone();
                        let values: Option<Vec<Value>> =
                            items.into_iter().map(|item| self.folded(&name, &[item])).collect();
                        fold::list(values?).map(Set::one)
                    }
                    _ => None,
                }
            }
            ("replace" | "replaceAll", Value::Text(own)) => self.replaced(own, arguments),
            ("reduce" | "filter" | "find" | "flatMap" | "entries" | "values" | "keys" | "get" | "concat", _) => {
                self.javascript_container(value, name, arguments)
            }
            ("pop" | "shift" | "at", Value::Made(_)) if arguments.is_empty() => Some(self.some_item(value)),
            ("then", Value::Path(_)) => Some(Set::one(value.clone())),
            _ => None,
        }
    }

    /// A method of a constant whose arguments are all known.
    fn folded_method(&mut self, value: &Value, name: &str, arguments: &[Argument]) -> Option<Value> {
        let receiver = self.as_constant(value)?;
        let values = self.known_arguments(arguments)?;
        self.charge(receiver.size()).then_some(())?;
        self.folded_by_method(&receiver, name, &values)
    }
}
