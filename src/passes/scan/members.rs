//! The resolver's view of attributes and subscripts: reflection is seen through here.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::fold;
use super::limits;
use super::resolve::Resolver;
use super::values::{ROOT, Set, Value};
use crate::facts::{Dialect, Entry, ExprId, Kind, ScopeId, Sym};

impl Resolver<'_> {
    /// What the attribute `name` of one value may be.
    pub(super) fn attribute(&mut self, value: &Value, name: Sym) -> Set {
        self.one_deeper(|resolver| resolver.attribute_here(value, name))
    }

    /// What an import reaches: an own module or a member of one, else a library's name.
    pub(super) fn imported_set(&mut self, path: &[Sym]) -> Set {
        let own = match self.facts.dialect {
            Dialect::Python => self.own_python(path),
            Dialect::JavaScript => self.own_import(path).map(|set| (set, false)),
        };
        let library = self.imported(path).map(Value::Path);
        match own {
            Some((set, doubtful)) if !set.values.is_empty() => {
                let mut all = set;
                if doubtful && let Some(library) = library {
                    self.add(&mut all, library);
                }
                all
            }
            _ => library.into(),
        }
    }

    /// What `look` finds one member deeper. Values of a file may be made of each other in a circle, which no look at one
    /// of them can tell.
    fn one_deeper(&mut self, look: impl FnOnce(&mut Self) -> Set) -> Set {
        if self.member_depth >= limits::MEMBER_DEPTH_MAX {
            self.limit = self.limit.or(Some("members of members"));
            return Set::OPEN;
        }
        self.member_depth += 1;
        let found = look(self);
        self.member_depth -= 1;
        found
    }

    fn attribute_here(&mut self, value: &Value, name: Sym) -> Set {
        let text = self.facts.symbols.text(name).clone();
        match (self.facts.dialect, value) {
            (Dialect::Python, Value::Path(path)) => match &*text {
                "__dict__" => Set::one(Value::Members(*path)),
                "__globals__" | "f_globals" => Set::one(Value::Globals),
                "__self__" | "f_builtins" => Set::one(Value::Path(ROOT)),
                "modules" if self.is_path(*path, "sys") => Set::one(Value::Modules),
                _ => self.paths.child(*path, name, &mut self.facts.symbols).map(Value::Path).into(),
            },
            (Dialect::JavaScript, Value::Path(path)) => {
                let known = matches!(&*text, "constructor") && self.is_function(*path);
                if known {
                    return self.path_of("Function").map(Value::Path).into();
                }
                let found = self.paths.child(*path, name, &mut self.facts.symbols);
                match found {
                    // `x.constructor` of something unknown is some class.
                    Some(found) if &*text == "constructor" && self.paths.split(found).0 == *path => {
                        self.path_of("Class?").map(Value::Path).into()
                    }
                    found => found.map(|found| Value::Path(self.unless_lost(found))).into(),
                }
            }
            (_, Value::Instance(class)) => self.member_of_instance(*class, name),
            (_, Value::Made(made)) => {
                let found = self.made_member(*made, name);
                self.read(found)
            }
            (_, Value::Foreign(id)) => self.foreign_member(*id, &text),
            (_, Value::Record(made)) => self.record_member(*made, &text),
            (_, Value::Proxy(call)) => self.proxy_member(*call, name),
            (Dialect::Python, Value::Codec(_)) if matches!(&*text, "decode" | "encode") => Set::one(value.clone()),
            (Dialect::JavaScript, Value::Table(entries)) => in_table(entries, &text),
            (Dialect::JavaScript, Value::Generator(function)) if &*text == "value" => self.yielded(*function),
            (Dialect::Python, Value::Globals | Value::Modules | Value::Members(_)) => Set::OPEN,
            (Dialect::JavaScript, value) => self.javascript_constant_member(value, &text),
            (Dialect::Python, _) => match &*text {
                "f_globals" | "__globals__" => Set::one(Value::Globals),
                _ => Set::OPEN,
            },
        }
    }

    /// Whether a path has this whole name.
    pub(super) fn is_path(&self, path: super::values::PathId, name: &str) -> bool {
        **self.paths.name(path, &self.facts.symbols) == *name
    }

    /// Whether a path of Python is a library that `ctypes` has loaded.
    fn is_native_library(&self, path: super::values::PathId) -> bool {
        let name = self.paths.name(path, &self.facts.symbols);
        let loads = ["CDLL", "PyDLL", "WinDLL", "OleDLL", "cdll.LoadLibrary", "windll.LoadLibrary"];
        name.strip_prefix("ctypes.").and_then(|name| name.strip_suffix(".()")).is_some_and(|one| loads.contains(&one))
    }

    /// Whether a path of JavaScript is surely a function: one that rules call by name.
    fn is_function(&mut self, path: super::values::PathId) -> bool {
        let (parent, last) = self.paths.split(path);
        parent == ROOT && matches!(&**self.facts.symbols.text(last), "eval" | "Function" | "require" | "fetch")
    }

    fn javascript_constant_member(&mut self, value: &Value, name: &str) -> Set {
        let class = match value {
            Value::Text(_) | Value::Built => "String",
            Value::Int(_) | Value::Float(_) => "Number",
            Value::Bool(_) => "Boolean",
            Value::List(_) => "Array",
            Value::Pattern(..) => "RegExp",
            _ => return Set::OPEN,
        };
        self.native_member(class, value, name)
    }

    /// A member of a text, number or list of JavaScript: its class, its length, or one of the class's functions.
    fn native_member(&mut self, class: &str, value: &Value, name: &str) -> Set {
        match name {
            "constructor" => self.path_of(class).map(Value::Path).into(),
            "length" => {
                let length = self.as_constant(value).and_then(|value| fold::elements(&value)).map(|items| items.len());
                length.and_then(|length| i64::try_from(length).ok()).map(Value::Int).into()
            }
            _ if !name.starts_with(|char: char| char.is_alphabetic() || matches!(char, '_' | '$')) => {
                Set::one(Value::Undefined)
            }
            _ => {
                let class = self.path_of(class);
                let name = self.facts.symbols.intern(name);
                class.and_then(|class| self.paths.child(class, name, &mut self.facts.symbols)).map(Value::Path).into()
            }
        }
    }

    /// What a class of the file, or a base of it, calls `name`.
    pub(super) fn class_member(&mut self, class: ScopeId, name: Sym) -> Set {
        let (mut todo, mut next) = (Vec::new(), Some(class));
        let mut bases_seen = 0;
        while let Some(class) = next.take().or_else(|| todo.pop()) {
            if let Some(variable) = self.facts.variable(class, name) {
                let found = self.need(self.facts.variable_table[variable.at()].expr);
                return (*found).clone();
            }
            for base in self.bases_of(class) {
                bases_seen += 1;
                if bases_seen > limits::BASES_MAX {
                    return Set::OPEN;
                }
                let base = self.need(self.facts.lists[base]);
                for value in &base.values {
                    match value {
                        Value::Made(made) => {
                            if let Kind::Class { scope, .. } = *self.facts.kind(*made) {
                                todo.push(scope);
                            }
                        }
                        Value::Path(_) => {
                            let mut found = self.attribute(value, name);
                            found.open = true;
                            return found;
                        }
                        _ => {}
                    }
                }
            }
        }
        match &**self.facts.symbols.text(name) {
            "__globals__" | "f_globals" => Set::one(Value::Globals),
            "constructor" if self.facts.dialect == Dialect::JavaScript => {
                self.path_of("Class?").map(Value::Path).into()
            }
            _ => Set::OPEN,
        }
    }

    /// The bases of a class, in `facts.lists`.
    pub(super) fn bases_of(&mut self, class: ScopeId) -> Range<usize> {
        let exprs = &self.facts.exprs;
        let table = self.class_bases.get_or_insert_with(|| {
            let classes = exprs.iter().filter_map(|expr| match expr.kind {
                Kind::Class { scope, bases } => Some((scope.0, bases)),
                _ => None,
            });
            classes.collect()
        });
        table.get(&class.0).map_or(0..0, |bases| bases.range())
    }

    fn made_member(&mut self, made: ExprId, name: Sym) -> Set {
        let javascript = self.facts.dialect == Dialect::JavaScript;
        let text = self.facts.symbols.text(name).clone();
        match self.facts.kind(made).clone() {
            Kind::Class { scope, .. } => match &*text {
                "constructor" if javascript => self.path_of("Function").map(Value::Path).into(),
                "prototype" if javascript => Set::one(Value::Instance(scope)),
                "__dict__" if !javascript => Set::one(Value::Instance(scope)),
                _ => self.member_of_instance(scope, name),
            },
            Kind::Function(_) => match &*text {
                "constructor" if javascript => self.path_of("Function").map(Value::Path).into(),
                "__proto__" if javascript => Set::one(Value::Made(made)),
                "__call__" => Set::one(Value::Made(made)),
                "__globals__" => Set::one(Value::Globals),
                _ => Set::OPEN,
            },
            Kind::Mapping(_) if javascript => match &*text {
                "constructor" => self.path_of("Object").map(Value::Path).into(),
                _ => self.entry(made, &text),
            },
            Kind::Sequence(_) if javascript => self.native_member("Array", &Value::Made(made), &text),
            _ => Set::OPEN,
        }
    }

    /// The value of a key of a literal mapping; what was spread into it may hold the key too.
    pub(super) fn entry(&mut self, made: ExprId, key: &str) -> Set {
        let Kind::Mapping(entries) = *self.facts.kind(made) else { return Set::OPEN };
        if let Some(&known) = self.entry_index(made).get(key) {
            return (*self.need(known)).clone();
        }
        let mut all = Set::OPEN;
        self.entry_steps = self.entry_steps.saturating_add(entries.range().len());
        if self.entry_steps > limits::ENTRY_STEPS_MAX {
            self.limit = self.limit.or(Some("entries of mappings"));
            return all;
        }
        for at in entries.range().take(limits::ELEMENTS_MAX) {
            let Entry { key: own, value } = self.facts.entries[at];
            match own {
                None => {
                    let spread = self.need(value);
                    for inner in spread.values.clone() {
                        match inner {
                            Value::Made(inner) => {
                                if let Some(&known) = self.entry_index(inner).get(key) {
                                    return (*self.need(known)).clone();
                                }
                            }
                            Value::Path(path) | Value::Members(path) => {
                                let name = self.facts.symbols.intern(key);
                                let found = self.attribute(&Value::Path(path), name);
                                self.merge(&mut all, &found);
                            }
                            _ => {}
                        }
                    }
                }
                Some(own) if !matches!(self.facts.kind(own), Kind::Text(_) | Kind::Int(_)) => {
                    let keys = self.need(own);
                    let hit = self.constants(&keys).any(|own| matches!(&own, Value::Text(own) if **own == *key));
                    if hit || keys.open {
                        let found = self.need(value);
                        self.merge(&mut all, &found);
                    }
                }
                Some(_) => {}
            }
        }
        all
    }

    /// The entries of a literal mapping by their constant keys; the last of equal keys counts.
    fn entry_index(&mut self, made: ExprId) -> Rc<std::collections::HashMap<Arc<str>, ExprId>> {
        if let Some(known) = self.entry_tables.get(&made.0) {
            return known.clone();
        }
        let mut table = std::collections::HashMap::new();
        if let Kind::Mapping(entries) = *self.facts.kind(made) {
            for Entry { key, value } in &self.facts.entries[entries.range()] {
                match key.map(|key| self.facts.kind(key)) {
                    Some(Kind::Text(text)) => table.insert(text.clone(), *value),
                    Some(Kind::Int(number)) => table.insert(number.to_string().into(), *value),
                    _ => None,
                };
            }
        }
        let table = Rc::new(table);
        self.entry_tables.insert(made.0, table.clone());
        table
    }

    /// What `object[index]` may be.
    pub(super) fn subscript_of(&mut self, object: ExprId, index: ExprId) -> Set {
        let objects = self.need(object);
        if let Kind::Slice(bounds) = self.facts.kind(index) {
            let bounds = **bounds;
            return self.sliced(&objects, bounds);
        }
        let indices = self.need(index);
        let known: Vec<Value> = self.constants(&indices).collect();
        let dynamic =
            indices.open || known.len() < indices.values.len() || known.is_empty() || self.is_rearranged(object);
        let mut all = Set::empty();
        all.open = objects.open;
        for value in &objects.values {
            for key in &known {
                let found = self.item(value, key);
                self.merge(&mut all, &found);
            }
            if dynamic {
                let found = self.some_item(value);
                self.merge(&mut all, &found);
            }
        }
        for key in &known {
            if let Some(name) = fold::display(key, self.facts.dialect) {
                let name = self.facts.symbols.intern(&name);
                if objects.open && self.facts.dialect == Dialect::JavaScript {
                    let found = self.attribute_of_some_object(name);
                    self.merge(&mut all, &found);
                }
                self.members_of_variable(object, name, &mut all);
                if let Kind::Attribute { object: inner, name: dictionary } = *self.facts.kind(object)
                    && self.facts.text(dictionary) == "__dict__"
                {
                    self.members_of_variable(inner, name, &mut all);
                }
            }
        }
        all.open |= all.values.is_empty();
        all
    }

    fn sliced(&mut self, objects: &Set, bounds: [Option<ExprId>; 3]) -> Set {
        let mut numbers = [None; 3];
        for (number, bound) in numbers.iter_mut().zip(bounds) {
            let Some(bound) = bound else { continue };
            match self.need(bound).constant() {
                Some(Value::Int(value)) => *number = Some(*value),
                Some(Value::Null) => {}
                _ => return Set::OPEN,
            }
        }
        let mut all = Set::empty();
        all.open = objects.open;
        for value in self.constants(objects) {
            if self.charge(value.size()) {
                match fold::slice(&value, numbers) {
                    Some(slice) => self.add(&mut all, slice),
                    None => all.open = true,
                }
            }
        }
        all.open |= all.values.is_empty();
        all
    }

    /// What a value holds under a constant key.
    pub(super) fn item(&mut self, value: &Value, key: &Value) -> Set {
        self.one_deeper(|resolver| resolver.item_here(value, key))
    }

    fn item_here(&mut self, value: &Value, key: &Value) -> Set {
        let javascript = self.facts.dialect == Dialect::JavaScript;
        let text = fold::display(key, self.facts.dialect);
        let name = |resolver: &mut Self| text.as_deref().map(|text| resolver.facts.symbols.intern(text));
        match value {
            Value::Members(path) if matches!(key, Value::Int(_)) => self.unknown_member(*path),
            Value::Members(path) => {
                let Some(name) = name(self) else { return Set::OPEN };
                self.attribute(&Value::Path(*path), name)
            }
            Value::Path(path) if !javascript && self.is_path(*path, "ctypes.cdll") => {
                self.path_of("ctypes.cdll.LoadLibrary.()").map(Value::Path).into()
            }
            // `library["system"]`.
            Value::Path(path) if !javascript && self.is_native_library(*path) => match name(self) {
                Some(name) => self.attribute(value, name),
                None => Set::OPEN,
            },
            Value::Table(entries) => text.map_or(Set::OPEN, |text| in_table(entries, &text)),
            // `__builtins__` is a module in one place and its dictionary in another.
            Value::Path(ROOT) => match name(self) {
                Some(name) => self.attribute(value, name),
                None => Set::OPEN,
            },
            Value::Modules => match &text {
                Some(text) => self.path_of(text).map(Value::Path).into(),
                None => Set::OPEN,
            },
            Value::Globals => match name(self) {
                Some(name) => self.global_member(name),
                None => Set::OPEN,
            },
            Value::Made(made) => {
                let found = self.made_item(*made, key, text.as_deref());
                self.read(found)
            }
            Value::Foreign(id) => text.map_or(Set::OPEN, |text| self.foreign_member(*id, &text)),
            Value::Record(made) => text.map_or(Set::OPEN, |text| self.record_member(*made, &text)),
            Value::Instance(class) if !javascript => {
                let getter = self.facts.symbols.intern("__getitem__");
                let method = self.class_member(*class, getter);
                match (method.values.is_empty(), &text) {
                    (true, Some(text)) => {
                        let name = self.facts.symbols.intern(text);
                        self.member_of_instance(*class, name)
                    }
                    _ => self.called_with(&method, std::slice::from_ref(key)),
                }
            }
            Value::Text(_) | Value::Bytes(_) | Value::List(_) if matches!(key, Value::Int(_)) => {
                let Value::Int(at) = key else { return Set::OPEN };
                fold::index(value, *at).into()
            }
            _ if javascript => match name(self) {
                Some(name) => self.attribute(value, name),
                None => Set::OPEN,
            },
            _ => Set::OPEN,
        }
    }

    fn made_item(&mut self, made: ExprId, key: &Value, text: Option<&str>) -> Set {
        match (self.facts.kind(made).clone(), key) {
            (Kind::Mapping(_), _) => text.map_or(Set::OPEN, |text| self.entry(made, text)),
            (Kind::Sequence(items), Value::Int(at)) => {
                let spread = items
                    .range()
                    .take(limits::ELEMENTS_MAX)
                    .any(|at| matches!(self.facts.kind(self.facts.lists[at]), Kind::Element(_)));
                let length = i64::try_from(items.range().len()).unwrap_or(i64::MAX);
                let at = if *at < 0 { at.saturating_add(length) } else { *at };
                match usize::try_from(at) {
                    Ok(at) if !spread && at < items.range().len() => {
                        (*self.need(self.facts.lists[items.range().start + at])).clone()
                    }
                    Ok(_) if spread => (*self.elements_of(made)).clone(),
                    _ => Set::one(Value::Undefined),
                }
            }
            (Kind::Comprehension { .. }, Value::Int(at)) => {
                let list = self.as_constant(&Value::Made(made));
                match list.and_then(|list| fold::index(&list, *at)) {
                    Some(value) => Set::one(value),
                    None => (*self.elements_of(made)).clone(),
                }
            }
            (Kind::Class { scope, .. }, _) if self.facts.dialect == Dialect::Python => {
                let hooks = ["__class_getitem__", "__getitem__"];
                let mut all = Set::OPEN;
                for hook in hooks {
                    let hook = self.facts.symbols.intern(hook);
                    let method = self.class_member(scope, hook);
                    let found = self.called_with(&method, std::slice::from_ref(key));
                    self.merge(&mut all, &found);
                }
                all
            }
            _ if self.facts.dialect == Dialect::JavaScript => match text {
                Some(text) => {
                    let name = self.facts.symbols.intern(text);
                    self.attribute(&Value::Made(made), name)
                }
                None => Set::OPEN,
            },
            _ => Set::OPEN,
        }
    }

    /// What a value holds under a key that is not known before run time.
    pub(super) fn some_item(&mut self, value: &Value) -> Set {
        match value {
            Value::Members(path) => self.unknown_member(*path),
            Value::Path(ROOT) => self.unknown_member(ROOT),
            Value::Path(path) if self.facts.dialect == Dialect::JavaScript => self.unknown_member(*path),
            Value::Modules => self.named_unknown("sys.modules"),
            Value::Globals => self.named_unknown("globals"),
            Value::Made(made) => (*self.elements_of(*made)).clone(),
            Value::Foreign(id) => self.foreign_items(*id),
            Value::List(items) => {
                let mut all = Set::empty();
                for item in items.iter().take(limits::ELEMENTS_MAX) {
                    self.add(&mut all, item.clone());
                }
                all
            }
            _ => Set::OPEN,
        }
    }

    fn named_unknown(&mut self, of: &str) -> Set {
        match self.path_of(of) {
            Some(path) => self.unknown_member(path),
            None => Set::OPEN,
        }
    }
}

/// What a table holds under a key: nothing that surely is a constant of the program, since it was read at run time.
fn in_table(entries: &[(Arc<str>, Value)], key: &str) -> Set {
    let held = entries.iter().rev().find(|(own, _)| **own == *key);
    Set { values: held.map(|(_, value)| value.clone()).into_iter().collect(), open: true }
}
