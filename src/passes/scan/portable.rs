//! What one file hands out to others: values that stand on their own, and how they come to be values again.
//!
//! A resolver's values point into its own facts. Here they are copied, as far as something dangerous or something that can
//! be folded may be in them, and no deeper than [`SHIPPED_DEPTH_MAX`](super::limits::SHIPPED_DEPTH_MAX).

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::calls::Target;
use super::limits;
use super::resolve::Resolver;
use super::ships::Ships;
use super::values::{ForeignId, ROOT, Set, Value, Values};
use crate::facts::{
    Argument, Dialect, Entry, ExprId, Facts, FunctionId, IdMap, Kind, MODULE, OPAQUE, Role, ScopeId, ScopeKind, Span,
    Spread, Sym,
};

/// A value that stands on its own.
#[derive(Clone, Debug)]
pub(super) enum Portable {
    Path(Arc<[Arc<str>]>),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Null,
    Undefined,
    Built,
    List(Arc<[Portable]>),
    /// An own module, by its key.
    Module(Arc<str>),
    /// A class, and what is called to make one of its objects.
    Class(Arc<Object>),
    /// An object of a class, or a mapping.
    Object(Arc<Object>),
    Function(Arc<Shipped>),
    /// What a function is given at a position, or under a name.
    Parameter(usize, Arc<str>),
}

/// All that a name of a module may be.
#[derive(Clone, Debug, Default)]
pub(super) struct PortableSet {
    values: Vec<Portable>,
    open: bool,
}

/// The members of a class, object or mapping.
#[derive(Debug, Default)]
pub(super) struct Object {
    members: HashMap<Arc<str>, PortableSet>,
    /// What is spread into it.
    spread: Vec<Portable>,
}

/// A function of another file.
#[derive(Debug, Default)]
pub(super) struct Shipped {
    returns: PortableSet,
    calls: Vec<Passed>,
}

/// A call that a function makes of something that rules know.
#[derive(Debug)]
struct Passed {
    callee: Portable,
    arguments: Vec<(Option<Arc<str>>, PortableSet)>,
    /// Whether the arguments of the caller come after these.
    appends: bool,
}

/// What a module hands out.
#[derive(Debug, Default)]
pub(super) struct Summary {
    members: HashMap<Arc<str>, PortableSet>,
    /// What `require` gives back, and the default export.
    whole: PortableSet,
    /// Whether something that rules know is in it.
    pub(super) matters: bool,
}

/// The calls that stand in each function of a region, and the variables of each scope.
pub(super) struct Index {
    calls: IdMap<FunctionId, Vec<ExprId>>,
    variables: IdMap<ScopeId, Vec<Sym>>,
}

impl Index {
    fn of(facts: &Facts) -> Self {
        let by_scope: IdMap<ScopeId, FunctionId> = facts
            .functions
            .iter()
            .enumerate()
            .map(|(at, function)| (function.scope, FunctionId(u32::try_from(at).unwrap_or(u32::MAX))))
            .collect();
        let mut calls: IdMap<FunctionId, Vec<ExprId>> = IdMap::default();
        for (at, expr) in facts.exprs.iter().enumerate() {
            let Kind::Call { callee, .. } = expr.kind else { continue };
            let mut scope = expr.scope;
            while facts.scope(scope).kind == ScopeKind::Block {
                let Some(parent) = facts.scope(scope).parent else { break };
                scope = parent;
            }
            if let (Some(&function), true) = (by_scope.get(&scope), callee != OPAQUE) {
                calls.entry(function).or_default().push(ExprId(u32::try_from(at).unwrap_or(u32::MAX)));
            }
        }
        let mut variables: IdMap<ScopeId, Vec<Sym>> = IdMap::default();
        for &(scope, name) in facts.variables.keys() {
            variables.entry(ScopeId(scope)).or_default().push(Sym(name));
        }
        variables.values_mut().for_each(|names| names.sort_unstable());
        Self { calls, variables }
    }
}

impl Resolver<'_> {
    /// What the file hands out.
    pub(super) fn summary(&mut self) -> Summary {
        let index = Index::of(&self.facts);
        let mut summary = Summary::default();
        self.ships_known = false;
        self.shipped = 0;
        self.ships = Ships::default();
        let names = index.variables.get(&MODULE).into_iter().flatten().take(limits::SHIPPED_NAMES_MAX);
        let variables = names.filter_map(|&name| self.facts.variable(MODULE, name));
        let variables = variables.map(|variable| self.facts.variable_table[variable.at()].expr);
        let exports = self.facts.exports.iter().take(limits::SHIPPED_NAMES_MAX).map(|export| export.value);
        self.resolve_all(&variables.chain(exports).collect::<Vec<_>>());
        match self.facts.dialect {
            Dialect::Python => self.python_summary(&index, &mut summary),
            Dialect::JavaScript => self.javascript_summary(&index, &mut summary),
        }
        summary.matters = self.ships_known;
        summary
    }

    /// The names that came from own modules of which everything was imported.
    pub(super) fn star_names(&mut self) -> Vec<Sym> {
        let mut names = Vec::new();
        for module in self.star_foreign.clone() {
            let Some(Portable::Module(key)) = self.foreign.get(module.0 as usize) else { continue };
            let Some(summary) = self.own.and_then(|own| own.modules.summary(key)) else { continue };
            if summary.matters {
                names.extend(summary.members.keys().map(|name| self.facts.symbols.intern(name)));
            }
        }
        names
    }

    fn python_summary(&mut self, index: &Index, summary: &mut Summary) {
        for module in self.star_foreign.clone() {
            if let Portable::Module(key) = self.foreign[module.0 as usize].clone()
                && let Some(other) = self.own.and_then(|own| own.modules.summary(&key))
            {
                summary.members.extend(other.members.iter().map(|(name, set)| (name.clone(), set.clone())));
            }
        }
        for &module in &self.star_modules.clone() {
            // `from os import *` hands on what `os` has; as the names that rules know are not listed, it is asked later.
            let path = self.ship(&Value::Path(module), index, 0);
            summary.whole.values.extend(path);
        }
        for &name in index.variables.get(&MODULE).into_iter().flatten().take(limits::SHIPPED_NAMES_MAX) {
            let Some(variable) = self.facts.variable(MODULE, name) else { continue };
            let expr = self.facts.variable_table[variable.at()].expr;
            let shipped = self.ship_expr(expr, index, 0);
            summary.members.insert(Arc::from(self.facts.text(name)), shipped);
        }
    }

    fn javascript_summary(&mut self, index: &Index, summary: &mut Summary) {
        for export in self.facts.exports.clone().into_iter().take(limits::SHIPPED_NAMES_MAX) {
            let shipped = self.ship_expr(export.value, index, 0);
            match export.name {
                Some(name) if self.facts.text(name) == "default" => summary.whole.values.extend(shipped.values),
                Some(name) => {
                    summary.members.insert(Arc::from(self.facts.text(name)), shipped);
                }
                None => summary.whole.values.extend(shipped.values),
            }
        }
        for at in 0..self.facts.assignments.len().min(limits::SHIPPED_NAMES_MAX * 16) {
            let assignment = self.facts.assignments[at];
            let Kind::Attribute { object, name } = *self.facts.kind(assignment.target) else { continue };
            if self.is_exports(assignment.target) {
                let shipped = self.ship_expr(assignment.value, index, 0);
                summary.whole.values.extend(shipped.values);
            } else if self.is_exports(object) {
                let shipped = self.ship_expr(assignment.value, index, 0);
                summary.members.insert(Arc::from(self.facts.text(name)), shipped);
            }
        }
    }

    /// `exports`, `module.exports`.
    fn is_exports(&self, expr: ExprId) -> bool {
        match *self.facts.kind(expr) {
            Kind::Name(name) => self.facts.text(name) == "exports" && self.variable_of(expr).is_none(),
            Kind::Attribute { object, name } => {
                self.facts.text(name) == "exports"
                    && matches!(*self.facts.kind(object), Kind::Name(name) if self.facts.text(name) == "module")
            }
            _ => false,
        }
    }

    fn ship_expr(&mut self, expr: ExprId, index: &Index, depth: usize) -> PortableSet {
        let set = self.of(expr);
        self.ship_set(&set, index, depth)
    }

    fn ship_set(&mut self, set: &Set, index: &Index, depth: usize) -> PortableSet {
        let mut shipped = PortableSet { values: Vec::new(), open: set.open };
        for value in set.values.iter().take(limits::NAMED_VALUES_MAX) {
            match self.ship(value, index, depth) {
                Some(value) => shipped.values.push(value),
                None => shipped.open = true,
            }
        }
        shipped
    }

    /// A value that stands on its own; `None` where there is nothing in it that could matter.
    fn ship(&mut self, value: &Value, index: &Index, depth: usize) -> Option<Portable> {
        self.shipped += 1;
        Some(match value {
            Value::Path(path) => {
                let last = self.paths.split(*path).1;
                self.ships_known |= *path == ROOT || self.knows(last);
                Portable::Path(self.paths.segments(*path, &self.facts.symbols))
            }
            Value::Text(text) => self.charge(text.len()).then(|| Portable::Text(Arc::from(&**text)))?,
            Value::Bytes(bytes) => self.charge(bytes.len()).then(|| Portable::Bytes(Arc::from(&**bytes)))?,
            Value::Int(number) => Portable::Int(*number),
            Value::Float(number) => Portable::Float(*number),
            Value::Bool(value) => Portable::Bool(*value),
            Value::Null => Portable::Null,
            Value::Undefined => Portable::Undefined,
            Value::Built => Portable::Built,
            Value::Foreign(id) => {
                let foreign = self.foreign.get(id.0 as usize)?.clone();
                self.ships_known |= match &foreign {
                    Portable::Module(key) => {
                        self.own.and_then(|own| own.modules.summary(key)).is_some_and(|summary| summary.matters)
                    }
                    _ => true,
                };
                foreign
            }
            _ if depth >= limits::SHIPPED_DEPTH_MAX => return None,
            _ if depth > 0 && self.shipped > limits::SHIPPED_VALUES_MAX => return None,
            Value::List(items) => {
                let items = items.iter().take(limits::ELEMENTS_MAX);
                Portable::List(items.map(|item| self.ship(item, index, depth + 1)).collect::<Option<_>>()?)
            }
            Value::Instance(class) => Portable::Object(self.class_once(*class, index, depth)),
            Value::Record(made) | Value::Made(made) => return self.ship_made(*made, index, depth),
            Value::Partial(call) => Portable::Function(Arc::new(self.ship_partial(*call, index, depth)?)),
            _ => return None,
        })
    }

    fn ship_made(&mut self, made: ExprId, index: &Index, depth: usize) -> Option<Portable> {
        Some(match self.facts.kind(made).clone() {
            Kind::Class { scope, .. } => Portable::Class(self.class_once(scope, index, depth)),
            Kind::Function(function) => Portable::Function(self.function_once(function, index, depth)),
            Kind::Mapping(entries) => {
                let mut object = Object::default();
                for at in entries.range().take(limits::SHIPPED_NAMES_MAX) {
                    let Entry { key, value } = self.facts.entries[at];
                    match key.map(|key| self.facts.kind(key).clone()) {
                        Some(Kind::Text(key)) => {
                            let shipped = self.ship_read(value, index, depth + 1);
                            object.members.insert(Arc::from(&*key), shipped);
                        }
                        Some(_) => {}
                        None => object.spread.extend(self.ship_expr(value, index, depth + 1).values),
                    }
                }
                Portable::Object(Arc::new(object))
            }
            Kind::Sequence(items) => {
                if let Some(list) = self.settled(|resolver| resolver.as_constant(&Value::Made(made))) {
                    return self.ship(&list, index, depth);
                }
                let mut shipped = Vec::new();
                for at in items.range().take(limits::SHIPPED_NAMES_MAX) {
                    let set = self.ship_expr(self.facts.lists[at], index, depth + 1);
                    shipped.push(set.values.into_iter().next().unwrap_or(Portable::Built));
                }
                Portable::List(shipped.into())
            }
            _ => return None,
        })
    }

    pub(super) fn ship_class(&mut self, class: ScopeId, index: &Index, depth: usize) -> Object {
        let mut object = Object::default();
        for &name in index.variables.get(&class).into_iter().flatten().take(limits::SHIPPED_NAMES_MAX) {
            let Some(variable) = self.facts.variable(class, name) else { continue };
            let expr = self.facts.variable_table[variable.at()].expr;
            let shipped = self.ship_read(expr, index, depth + 1);
            object.members.insert(Arc::from(self.facts.text(name)), shipped);
        }
        for base in self.bases_of(class).take(limits::BASES_MAX) {
            let base = self.facts.lists[base];
            object.spread.extend(self.ship_expr(base, index, depth + 1).values);
        }
        object
    }

    /// A member as it is read.
    fn ship_read(&mut self, expr: ExprId, index: &Index, depth: usize) -> PortableSet {
        let set = self.of(expr);
        let set = self.settled(|resolver| resolver.read((*set).clone()));
        self.ship_set(&set, index, depth)
    }

    pub(super) fn ship_function(&mut self, function: FunctionId, index: &Index, depth: usize) -> Shipped {
        let info = self.facts.functions[function.at()].clone();
        let mut shipped = Shipped::default();
        let is_method = self.is_python_method(info.scope);
        for &value in info.returns.iter().chain(&info.yields).take(limits::VALUES_MAX) {
            let set = self.ship_argument(value, function, is_method, index, depth + 1);
            shipped.returns.open |= set.open;
            shipped.returns.values.extend(set.values);
        }
        shipped.returns.open |= shipped.returns.values.is_empty();
        for &call in index.calls.get(&function).into_iter().flatten().take(limits::SHIPPED_CALLS_MAX) {
            let Kind::Call { callee, arguments } = *self.facts.kind(call) else { continue };
            // What does not hang on what the function is given is found where it stands.
            let own = self.facts.arguments[arguments.range()].to_vec();
            if !own.is_empty() && !own.iter().any(|argument| self.hangs_on(argument.value, info.scope)) {
                continue;
            }
            for (callee, arguments) in self.known_callees(callee, arguments) {
                let Some(callee) = self.ship(&callee, index, depth + 1) else { continue };
                let arguments = arguments
                    .iter()
                    .filter(|argument| argument.spread == Spread::No)
                    .map(|argument| {
                        let keyword = argument.keyword.map(|name| Arc::from(self.facts.text(name)));
                        (keyword, self.ship_argument(argument.value, function, is_method, index, depth + 1))
                    })
                    .collect();
                shipped.calls.push(Passed { callee, arguments, appends: false });
            }
        }
        shipped
    }

    /// What a call reaches, as far as rules know it or it was made in another file.
    fn known_callees(&mut self, callee: ExprId, arguments: Span) -> Vec<(Value, Rc<[Argument]>)> {
        let (targets, _) = self.settled(|resolver| resolver.targets(callee, arguments));
        targets
            .into_iter()
            .filter(|target| match target.value {
                Value::Path(path) => path != ROOT && self.knows(self.paths.split(path).1),
                _ => false,
            })
            .map(|target| (target.value, target.arguments))
            .collect()
    }

    fn is_python_method(&self, scope: ScopeId) -> bool {
        let parent = self.facts.scope(scope).parent;
        self.facts.dialect == Dialect::Python
            && parent.is_some_and(|parent| self.facts.scope(parent).kind == ScopeKind::Class)
    }

    /// What is passed on: a parameter of the function itself, or something known.
    fn ship_argument(
        &mut self,
        expr: ExprId,
        function: FunctionId,
        is_method: bool,
        index: &Index,
        depth: usize,
    ) -> PortableSet {
        let info = &self.facts.functions[function.at()];
        if let Kind::Name(name) = *self.facts.kind(expr)
            && let Some(at) = info.parameters.iter().position(|&parameter| parameter == Some(name))
            && self.variable_of(expr) == self.facts.variable(info.scope, name)
        {
            let name: Arc<str> = Arc::from(self.facts.text(name));
            let at = at.checked_sub(usize::from(is_method));
            let values = at.map(|at| Portable::Parameter(at, name)).into_iter().collect();
            return PortableSet { values, open: false };
        }
        self.ship_expr(expr, index, depth)
    }

    fn ship_partial(&mut self, call: ExprId, index: &Index, depth: usize) -> Option<Shipped> {
        let Kind::Call { callee, arguments } = *self.facts.kind(call) else { return None };
        let own: Vec<Argument> = self.facts.arguments[arguments.range()].to_vec();
        let function = match (self.facts.dialect, self.facts.kind(callee)) {
            (Dialect::JavaScript, &Kind::Attribute { object, .. }) => object,
            _ => own.first()?.value,
        };
        let functions = self.of(function);
        let mut shipped = Shipped { returns: PortableSet { values: Vec::new(), open: true }, calls: Vec::new() };
        for value in &functions.values {
            let Some(callee) = self.ship(value, index, depth + 1) else { continue };
            let arguments = own
                .iter()
                .skip(1)
                .map(|argument| {
                    let keyword = argument.keyword.map(|name| Arc::from(self.facts.text(name)));
                    (keyword, self.ship_expr(argument.value, index, depth + 1))
                })
                .collect();
            shipped.calls.push(Passed { callee, arguments, appends: true });
        }
        Some(shipped)
    }

    /// A value that came from another file, as one of this resolver.
    pub(super) fn unship(&mut self, value: &Portable, arguments: &[Argument]) -> Set {
        Set::one(match value {
            Portable::Path(segments) => {
                let mut path = ROOT;
                for segment in segments.iter() {
                    let name = self.facts.symbols.intern(segment);
                    let Some(next) = self.paths.child(path, name, &mut self.facts.symbols) else { return Set::OPEN };
                    path = next;
                }
                Value::Path(path)
            }
            Portable::Text(text) => Value::Text(Arc::from(&**text)),
            Portable::Bytes(bytes) => Value::Bytes(Arc::from(&**bytes)),
            Portable::Int(number) => Value::Int(*number),
            Portable::Float(number) => Value::Float(*number),
            Portable::Bool(value) => Value::Bool(*value),
            Portable::Null => Value::Null,
            Portable::Undefined => Value::Undefined,
            Portable::Built => Value::Built,
            Portable::List(items) => {
                let items: Vec<Value> = items
                    .iter()
                    .map(|item| match self.unship(item, arguments).values.into_iter().next() {
                        Some(value) => value,
                        None => Value::Built,
                    })
                    .collect();
                Value::List(items.into())
            }
            Portable::Module(_) | Portable::Class(_) | Portable::Object(_) | Portable::Function(_) => {
                Value::Foreign(self.foreign_id(value))
            }
            Portable::Parameter(at, name) => {
                let Some(value) = self.passed_at(arguments, *at, name) else { return Set::OPEN };
                return (*self.need(value)).clone();
            }
        })
    }

    fn unship_set(&mut self, set: &PortableSet, arguments: &[Argument]) -> Set {
        let mut all = Set { values: Values::new(), open: set.open };
        for value in &set.values {
            let found = self.unship(value, arguments);
            self.merge(&mut all, &found);
        }
        all.open |= all.values.is_empty();
        all
    }

    fn foreign_id(&mut self, value: &Portable) -> ForeignId {
        let same = |other: &Portable| match (value, other) {
            (Portable::Module(a), Portable::Module(b)) => a == b,
            (Portable::Class(a), Portable::Class(b)) | (Portable::Object(a), Portable::Object(b)) => Arc::ptr_eq(a, b),
            (Portable::Function(a), Portable::Function(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        let at = self.foreign.iter().position(same).unwrap_or_else(|| {
            self.foreign.push(value.clone());
            self.foreign.len() - 1
        });
        ForeignId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The member `name` of something made in another file.
    pub(super) fn foreign_member(&mut self, id: ForeignId, name: &str) -> Set {
        let Some(foreign) = self.foreign.get(id.0 as usize).cloned() else { return Set::OPEN };
        let mut todo = vec![foreign];
        for _ in 0..limits::BASES_MAX {
            let Some(one) = todo.pop() else { break };
            match &one {
                Portable::Module(key) => return self.module_member(key, name),
                Portable::Class(object) | Portable::Object(object) => {
                    if let Some(set) = object.members.get(name) {
                        return self.unship_set(set, &[]);
                    }
                    todo.extend(object.spread.iter().cloned());
                }
                Portable::Path(_) => {
                    let set = self.unship(&one, &[]);
                    let name = self.facts.symbols.intern(name);
                    let mut all = Set::OPEN;
                    for value in &set.values {
                        let found = self.attribute(value, name);
                        self.merge(&mut all, &found);
                    }
                    return all;
                }
                _ => {}
            }
        }
        Set::OPEN
    }

    /// Everything in something made in another file.
    pub(super) fn foreign_items(&mut self, id: ForeignId) -> Set {
        let mut all = Set::OPEN;
        if let Some(Portable::Object(object)) = self.foreign.get(id.0 as usize).cloned() {
            let mut names: Vec<&Arc<str>> = object.members.keys().collect();
            names.sort_unstable();
            for name in names {
                let found = self.unship_set(&object.members[name], &[]);
                self.merge(&mut all, &found);
            }
        }
        all
    }

    /// What the own module with a key calls `name`.
    fn module_member(&mut self, key: &str, name: &str) -> Set {
        let Some(own) = self.own else { return Set::OPEN };
        let summary = own.modules.summary(key);
        if let Some(set) = summary.as_ref().and_then(|summary| summary.members.get(name)) {
            return self.unship_set(set, &[]);
        }
        if self.facts.dialect == Dialect::Python {
            let inner = format!("{key}/{name}");
            if own.modules.has_python(&inner) {
                return Set::one(Value::Foreign(self.foreign_id(&Portable::Module(inner.into()))));
            }
        }
        // What the module took over whole: `from os import *`, `module.exports = …`, `export * from`.
        let whole = summary.map(|summary| summary.whole.clone()).unwrap_or_default();
        if name == "default" && self.facts.dialect == Dialect::JavaScript {
            return self.unship_set(&whole, &[]);
        }
        let symbol = self.facts.symbols.intern(name);
        let mut all = Set::OPEN;
        for value in whole.values.iter().take(limits::VALUES_MAX) {
            let is_itself = matches!(value, Portable::Module(other) if **other == *key);
            let found = if is_itself { Set::OPEN } else { self.unship(value, &[]) };
            for value in &found.values {
                self.module_depth += 1;
                if self.module_depth < limits::SHIPPED_DEPTH_MAX {
                    let member = self.attribute(value, symbol);
                    self.merge(&mut all, &member);
                }
                self.module_depth -= 1;
            }
        }
        all
    }

    /// What an import of an own module of JavaScript gives.
    pub(super) fn own_javascript(&mut self, specifier: &Arc<str>) -> Option<Set> {
        let own = self.own?;
        let key = self.own_key(specifier)?;
        let summary = own.modules.summary(&key)?;
        let mut all = self.unship_set(&summary.whole, &[]);
        all.open = false;
        let module = Value::Foreign(self.foreign_id(&Portable::Module(key)));
        self.add(&mut all, module);
        Some(all)
    }

    /// The own module with a dotted name.
    pub(super) fn own_by_name(&mut self, name: &str) -> Option<Set> {
        self.own?;
        let path: Vec<Sym> =
            name.split('.').take(limits::SEGMENTS_MAX as usize).map(|part| self.facts.symbols.intern(part)).collect();
        self.own_python(&path).map(|(found, _)| found).filter(|found| !found.values.is_empty())
    }

    /// What an import of an own module of Python, or of a member of one, gives; and whether it may be a library's as well.
    pub(super) fn own_python(&mut self, path: &[Sym]) -> Option<(Set, bool)> {
        let own = self.own?;
        let dots = path.iter().take_while(|&&part| self.facts.text(part) == ".").count();
        let (first, rest) = match path.get(dots..)?.split_first() {
            Some((first, rest)) => (self.facts.symbols.text(*first).clone(), rest),
            None => return None,
        };
        let (key, doubtful) = own.python(dots, &first)?;
        let module = Set::one(Value::Foreign(self.foreign_id(&Portable::Module(key.into()))));
        Some((self.members_along(module, rest), doubtful))
    }

    /// What comes back from calling something made in another file.
    pub(super) fn foreign_result(&mut self, id: ForeignId, arguments: &[Argument]) -> Set {
        match self.foreign.get(id.0 as usize).cloned() {
            Some(Portable::Class(class)) => Set::one(Value::Foreign(self.foreign_id(&Portable::Object(class)))),
            Some(Portable::Function(function)) => self.unship_set(&function.returns, arguments),
            _ => Set::OPEN,
        }
    }

    /// What something made in another file calls in turn, with the arguments that it passes on.
    pub(super) fn foreign_targets(&mut self, id: ForeignId, arguments: &Rc<[Argument]>) -> Vec<Target> {
        let function = match self.foreign.get(id.0 as usize).cloned() {
            Some(Portable::Function(function)) => function,
            _ => return Vec::new(),
        };
        let mut targets = Vec::new();
        for (number, call) in function.calls.iter().enumerate() {
            let callees = self.unship(&call.callee, arguments);
            let mut passed: Vec<Argument> = Vec::new();
            for (position, (keyword, set)) in call.arguments.iter().enumerate() {
                let keyword = keyword.as_ref().map(|name| self.facts.symbols.intern(name));
                let value = self.passed_value((id.0, number, position), set, arguments);
                passed.push(Argument { keyword, value, spread: Spread::No });
            }
            if call.appends {
                passed.extend(arguments.iter().copied());
            }
            let passed: Rc<[Argument]> = passed.into();
            targets.extend(callees.values.into_iter().map(|value| Target { value, arguments: passed.clone() }));
        }
        targets
    }

    /// The argument at a position, or under a name.
    fn passed_at(&self, arguments: &[Argument], at: usize, name: &str) -> Option<ExprId> {
        let named = |argument: &&Argument| argument.keyword.is_some_and(|keyword| self.facts.text(keyword) == name);
        let plain = |argument: &&Argument| argument.keyword.is_none() && argument.spread == Spread::No;
        let found = arguments.iter().find(named).or_else(|| arguments.iter().filter(plain).nth(at));
        found.map(|argument| argument.value)
    }

    /// An expression for what is passed on; `place` says which argument of which call of which function it is.
    fn passed_value(&mut self, place: (u32, usize, usize), set: &PortableSet, arguments: &[Argument]) -> ExprId {
        let kind = match set.values.as_slice() {
            [Portable::Parameter(at, name)] => return self.passed_at(arguments, *at, name).unwrap_or(OPAQUE),
            [Portable::Text(text)] => Kind::Text(Arc::from(&**text)),
            [Portable::Bytes(bytes)] => Kind::Bytes(Arc::from(&**bytes)),
            [Portable::Int(number)] => Kind::Int(*number),
            [Portable::Bool(value)] => Kind::Bool(*value),
            [Portable::Null] => Kind::Null,
            _ => return OPAQUE,
        };
        if set.open {
            return OPAQUE;
        }
        if let Some(&known) = self.made_up.get(&place) {
            return known;
        }
        let made = self.new_expr(kind);
        self.made_up.insert(place, made);
        made
    }

    /// An expression that stands nowhere.
    fn new_expr(&mut self, kind: Kind) -> ExprId {
        let id = ExprId(u32::try_from(self.facts.exprs.len()).unwrap_or(u32::MAX));
        let mut one = self.facts.expr(OPAQUE).clone();
        (one.kind, one.role) = (kind, Role::Synthetic);
        self.facts.exprs.push(one);
        self.new_slot();
        id
    }
}
