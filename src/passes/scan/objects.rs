//! The resolver's view of objects that behave: context managers, generators, decorators, properties and getters.

use super::limits;
use super::resolve::Resolver;
use super::values::{Set, Value};
use crate::facts::{Argument, Dialect, ExprId, FunctionId, Kind, ScopeId, Sym};

impl Resolver<'_> {
    /// What `with value as name` binds: what `__enter__` gives back, of a generator what it yields, of a path itself.
    pub(super) fn entered(&mut self, value: ExprId) -> Set {
        let managers = self.need(value);
        let enter = self.facts.symbols.intern("__enter__");
        let enter_async = self.facts.symbols.intern("__aenter__");
        let mut all = Set::empty();
        all.open = managers.open;
        for manager in managers.values.clone() {
            match manager {
                Value::Instance(class) => {
                    for name in [enter, enter_async] {
                        let method = self.class_member(class, name);
                        let found = self.called_plainly(&method);
                        self.merge(&mut all, &found);
                    }
                }
                Value::Generator(function) => {
                    let found = self.yielded(function);
                    self.merge(&mut all, &found);
                }
                other => self.add(&mut all, other),
            }
        }
        all.open |= all.values.is_empty();
        all
    }

    /// What the functions of the file in a set give back; what else is in it is left out.
    pub(super) fn called_plainly(&mut self, functions: &Set) -> Set {
        let mut all = Set::empty();
        for value in &functions.values {
            if let Value::Made(made) = value
                && let Kind::Function(_) = self.facts.kind(*made)
            {
                let found = self.made_result(*made, &[]);
                self.merge(&mut all, &found);
            }
        }
        all
    }

    /// What the functions of the file in a set give back for known values after `self`.
    pub(super) fn called_with(&mut self, functions: &Set, values: &[Value]) -> Set {
        let mut all = self.called_plainly(functions);
        for value in &functions.values {
            let Value::Made(made) = value else { continue };
            let Kind::Function(function) = *self.facts.kind(*made) else { continue };
            let mut given = vec![None];
            given.extend(values.iter().cloned().map(Some));
            if let Some(found) = self.inline_given(function, &given) {
                self.add(&mut all, found);
            }
        }
        all.open |= all.values.is_empty();
        all
    }

    /// A member of an object of a class of the file; one that the class does not have is asked of `__getattr__`.
    pub(super) fn member_of_instance(&mut self, class: ScopeId, name: Sym) -> Set {
        let text = self.facts.symbols.text(name).clone();
        if self.facts.dialect == Dialect::Python && &*text == "__dict__" {
            return Set::one(Value::Instance(class));
        }
        let found = self.class_member(class, name);
        let found = self.read(found);
        if !found.open || self.facts.dialect == Dialect::JavaScript {
            return found;
        }
        if text.starts_with("__") {
            return found;
        }
        for hook in ["__getattr__", "__getattribute__"] {
            // What no code of the file names is no member of its classes.
            let Some(hook) = self.facts.symbols.known(hook) else { continue };
            let method = self.class_member(class, hook);
            if method.values.iter().any(|value| matches!(value, Value::Made(_))) {
                let mut all = self.called_with(&method, &[Value::Text(text.clone())]);
                self.merge(&mut all, &found);
                return all;
            }
        }
        found
    }

    /// A member of something that is made from a mapping, or from the keywords of a call.
    pub(super) fn record_member(&mut self, made: ExprId, name: &str) -> Set {
        // `x = dict(x)`: the variable may be what is made of it.
        self.looked_through(made, |resolver| resolver.recorded(made, name))
    }

    /// What `look` finds in something that is made of another, unless that is being looked through already: it holds
    /// nothing that is not found anyhow.
    fn looked_through(&mut self, made: ExprId, look: impl FnOnce(&mut Self) -> Set) -> Set {
        if self.looking_through.contains(&made) || self.looking_through.len() >= limits::WRAPPERS_MAX {
            return Set::OPEN;
        }
        self.looking_through.push(made);
        let found = look(self);
        self.looking_through.pop();
        found
    }

    fn recorded(&mut self, made: ExprId, name: &str) -> Set {
        match *self.facts.kind(made) {
            Kind::Mapping(_) => {
                let found = self.entry(made, name);
                self.read(found)
            }
            Kind::Call { arguments, .. } => {
                let list = &self.facts.arguments[arguments.range()];
                let given = |argument: &&Argument| argument.keyword.is_some_and(|key| self.facts.text(key) == name);
                let plain = list.iter().find(given).map(|argument| argument.value);
                let spread: Vec<ExprId> =
                    list.iter().filter(|argument| argument.keyword.is_none()).map(|argument| argument.value).collect();
                if let Some(value) = plain {
                    return (*self.need(value)).clone();
                }
                let key = Value::Text(name.into());
                let mut all = Set::OPEN;
                for value in spread.into_iter().take(limits::VALUES_MAX) {
                    let mappings = self.need(value);
                    for mapping in mappings.values.clone() {
                        if matches!(mapping, Value::Made(_) | Value::Members(_) | Value::Record(_)) {
                            let found = self.item(&mapping, &key);
                            self.merge(&mut all, &found);
                        }
                    }
                }
                all
            }
            _ => Set::OPEN,
        }
    }

    /// A member of `new Proxy(target, handler)`: that of the target, or what the handler's `get` gives back for its name.
    pub(super) fn proxy_member(&mut self, call: ExprId, name: Sym) -> Set {
        // `x = new Proxy(x, …)`: the variable may be the proxy itself.
        self.looked_through(call, |resolver| resolver.proxied(call, name))
    }

    fn proxied(&mut self, call: ExprId, name: Sym) -> Set {
        let Kind::Call { arguments, .. } = *self.facts.kind(call) else { return Set::OPEN };
        let list = self.facts.arguments[arguments.range()].to_vec();
        let Some(target) = list.first() else { return Set::OPEN };
        let mut all = self.attribute_of(target.value, name);
        let Some(handler) = list.get(1) else { return all };
        let text = self.facts.symbols.text(name).clone();
        let handlers = self.need(handler.value);
        let targets = self.need(target.value);
        for handler in handlers.values.clone() {
            let Value::Made(made) = handler else { continue };
            let traps = self.entry(made, "get");
            for trap in traps.values.clone() {
                let Value::Made(made) = trap else { continue };
                let Kind::Function(function) = *self.facts.kind(made) else { continue };
                let given = [targets.values.first().cloned(), Some(Value::Text(text.clone()))];
                if let Some(found) = self.inline_given(function, &given) {
                    self.add(&mut all, found);
                }
                let plain = self.made_result(made, &[]);
                self.merge(&mut all, &plain);
            }
        }
        all
    }

    /// What a loop over an object of a class of the file gives.
    pub(super) fn iterated(&mut self, class: ScopeId) -> Set {
        let mut all = Set::OPEN;
        for hook in ["__iter__", "__aiter__", "__next__"] {
            let hook = self.facts.symbols.intern(hook);
            let method = self.class_member(class, hook);
            let found = self.called_plainly(&method);
            for value in found.values {
                if let Value::Generator(function) = value {
                    let yielded = self.yielded(function);
                    self.merge(&mut all, &yielded);
                } else if value != Value::Instance(class) {
                    self.add(&mut all, value);
                }
            }
        }
        all
    }

    /// What a generator yields.
    pub(super) fn yielded(&mut self, function: FunctionId) -> Set {
        let yields = self.facts.functions[function.at()].yields.clone();
        let mut all = Set::empty();
        for value in yields.into_iter().take(limits::ELEMENTS_MAX) {
            let set = self.need(value);
            self.merge(&mut all, &set);
        }
        all.open |= all.values.is_empty();
        all
    }

    /// What a decorator makes of a definition, where that is known; other decorators leave it what it is.
    pub(super) fn decorated(&mut self, call: ExprId) -> Set {
        let Kind::Call { callee, .. } = *self.facts.kind(call) else { return Set::empty() };
        let decorators = self.need(callee);
        let made = |value: &Value| matches!(value, Value::Made(_) | Value::Instance(_) | Value::Foreign(_));
        if !decorators.values.iter().any(made) {
            return Set::empty();
        }
        let mut found = (*self.need(call)).clone();
        found.open = false;
        found
    }

    /// A member as it is read: a property or getter runs.
    pub(super) fn read(&mut self, member: Set) -> Set {
        let getter = |resolver: &Self, value: &Value| match value {
            Value::Made(made) => match *resolver.facts.kind(*made) {
                Kind::Function(function) => resolver.facts.functions[function.at()].getter,
                _ => false,
            },
            _ => false,
        };
        let get = self.facts.symbols.intern("__get__");
        let descriptor = |resolver: &Self, value: &Value| match value {
            Value::Instance(class) => resolver.facts.variable(*class, get).is_some(),
            _ => false,
        };
        if !member.values.iter().any(|value| getter(self, value) || descriptor(self, value)) {
            return member;
        }
        let mut all = Set::empty();
        all.open = member.open;
        for value in member.values {
            match value {
                Value::Made(made) if getter(self, &value) => {
                    let found = self.made_result(made, &[]);
                    self.merge(&mut all, &found);
                }
                Value::Instance(class) if descriptor(self, &value) => {
                    let method = self.class_member(class, get);
                    let found = self.called_plainly(&method);
                    self.merge(&mut all, &found);
                }
                other => self.add(&mut all, other),
            }
        }
        all
    }
}
