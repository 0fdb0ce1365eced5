//! The matcher: which facts are what a rule looks for.

use std::collections::HashMap;
use std::sync::Arc;

use super::arguments;
use super::resolve::Resolver;
use super::values::{PathId, RESULT, Value};
use crate::facts::{Dialect, ExprId, Kind, Role};
use crate::rules::{Hook, Matcher, Member, RuleSet, Tables};

/// A rule that was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) rule: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The qualified name, where the source spells it differently.
    pub(super) resolved: Option<String>,
    pub(super) how: How,
}

/// In which way a rule was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// As the rule says.
    Plainly,
    /// By passing on a function that the rule looks for calls of.
    Reference,
    /// By giving such a function another name; counts only where nothing else does.
    Alias,
}

/// Looks for everything that rules name.
pub(super) struct Matching<'a, 'r> {
    pub(super) resolver: Resolver<'r>,
    pub(super) rules: &'a RuleSet,
    pub(super) tables: &'a Tables,
    pub(super) source: &'a str,
    pub(super) hits: Vec<Hit>,
    names: HashMap<PathId, Arc<str>>,
}

impl<'a, 'r> Matching<'a, 'r> {
    /// A matcher of `rules` over the facts of `resolver`.
    pub(super) fn new(resolver: Resolver<'r>, rules: &'a RuleSet, tables: &'a Tables, source: &'a str) -> Self {
        Self { resolver, rules, tables, source, hits: Vec::new(), names: HashMap::new() }
    }

    /// Looks at every fact.
    pub(super) fn run(&mut self) {
        let wanted: Vec<ExprId> = (0..self.resolver.facts.exprs.len())
            .map(|at| ExprId(u32::try_from(at).expect("expressions are limited")))
            .filter(|&expr| self.is_wanted(expr))
            .collect();
        self.resolver.resolve_all(&wanted);
        for expr in wanted {
            if let Kind::Call { .. } = self.resolver.facts.kind(expr) {
                self.call(expr);
            }
            self.usage(expr);
        }
        self.imports();
        self.assignments();
        self.tidy();
    }

    fn is_wanted(&self, expr: ExprId) -> bool {
        let expr = self.resolver.facts.expr(expr);
        let named =
            matches!(expr.kind, Kind::Name(_) | Kind::Attribute { .. } | Kind::Subscript { .. } | Kind::Call { .. });
        named && !matches!(expr.role, Role::Synthetic | Role::Target)
    }

    fn name(&mut self, path: PathId) -> Arc<str> {
        let (paths, symbols) = (&self.resolver.paths, &self.resolver.facts.symbols);
        self.names.entry(path).or_insert_with(|| paths.name(path, symbols).into()).clone()
    }

    fn call(&mut self, expr: ExprId) {
        let Kind::Call { callee, arguments } = *self.resolver.facts.kind(expr) else { return };
        let (targets, _) = self.resolver.settled(|resolver| resolver.targets(callee, arguments));
        for target in &targets {
            let Value::Path(path) = target.value else { continue };
            let name = self.name(path);
            for hook in self.tables.calls.named(&name) {
                self.call_hook(hook, expr, callee, &target.arguments, Some(&name));
            }
            if self.resolver.facts.dialect == Dialect::Python && &*name == "setattr" {
                self.set_attribute(expr, &target.arguments);
            }
        }
        for (object, text) in self.called_members(callee) {
            let hooks = self.member_hooks(self.tables.calls.member(&text), object);
            if !hooks.is_empty() && !self.is_known(object, &text) {
                let own = self.resolver.facts.arguments[arguments.range()].to_vec();
                for hook in hooks {
                    self.call_hook(hook, expr, callee, &own, None);
                }
            }
        }
        self.import_call(expr, &targets);
    }

    /// The members that a call may be of, and of what: `x.name(…)`, `x["name"](…)` of JavaScript, `getattr(x, "name")(…)`.
    fn called_members(&mut self, callee: ExprId) -> Vec<(ExprId, Arc<str>)> {
        let (object, key) = match *self.resolver.facts.kind(callee) {
            Kind::Attribute { object, name } => return vec![(object, self.resolver.facts.symbols.text(name).clone())],
            Kind::Subscript { object, index } if self.resolver.facts.dialect == Dialect::JavaScript => (object, index),
            Kind::Call { callee, arguments } if self.resolver.facts.dialect == Dialect::Python => {
                match (self.resolver.facts.kind(callee), &self.resolver.facts.arguments[arguments.range()]) {
                    (&Kind::Name(name), [object, key, ..]) if self.resolver.facts.text(name) == "getattr" => {
                        (object.value, key.value)
                    }
                    _ => return Vec::new(),
                }
            }
            _ => return Vec::new(),
        };
        self.texts(key).into_iter().map(|text| (object, text)).collect()
    }

    fn call_hook(
        &mut self,
        hook: Hook,
        expr: ExprId,
        callee: ExprId,
        own: &[crate::facts::Argument],
        name: Option<&str>,
    ) {
        let rules = self.rules;
        let Matcher::Call { arguments, not_arguments, .. } = rules.hooked(hook).1 else { return };
        let mut holds = |check| arguments::holds(&mut self.resolver, own, check);
        if arguments.iter().all(&mut holds) && !not_arguments.iter().any(&mut holds) {
            let resolved = name.and_then(|name| self.spelled_differently(callee, name));
            self.hit(hook, expr, resolved, How::Plainly);
        }
    }

    /// The hooks of `*.name` for a member of `object`; what stands before the name is compared as it is written.
    fn member_hooks(&self, members: &[Member], object: ExprId) -> Vec<Hook> {
        let fits = |member: &&Member| {
            let mut here = object;
            member.before.iter().all(|before| match *self.resolver.facts.kind(here) {
                Kind::Attribute { object, name } => {
                    here = object;
                    self.resolver.facts.text(name) == before
                }
                _ => false,
            })
        };
        members.iter().filter(fits).map(|member| member.hook).collect()
    }

    /// Whether what a method is called on is known to be something that no rule means: an object, mapping or class of the
    /// file that has such a member itself, a constant, or a module that the file imports.
    fn is_known(&mut self, object: ExprId, member: &str) -> bool {
        let set = self.resolver.of(object);
        if set.open || set.values.is_empty() {
            return false;
        }
        let name = self.resolver.facts.symbols.intern(member);
        set.values.iter().all(|value| match value {
            Value::Instance(class) => self.resolver.facts.variable(*class, name).is_some(),
            Value::Made(made) => match *self.resolver.facts.kind(*made) {
                Kind::Class { scope, .. } => self.resolver.facts.variable(scope, name).is_some(),
                _ => !self.resolver.settled(|resolver| resolver.entry(*made, member)).values.is_empty(),
            },
            Value::Path(path) => self.is_imported_module(*path),
            Value::Foreign(_) => true,
            _ => false,
        })
    }

    /// Whether a path is that of an imported module of another's, as far as that can be told: not of the artifact itself.
    fn is_imported_module(&mut self, path: PathId) -> bool {
        let name = self.name(path);
        let root = name.split('.').next().unwrap_or_default();
        if name.contains(RESULT) || name.starts_with('.') || root.starts_with(['.', '/']) {
            return false;
        }
        const NODE: [&str; 16] = [
            "assert",
            "child_process",
            "crypto",
            "events",
            "fs",
            "http",
            "https",
            "net",
            "os",
            "path",
            "querystring",
            "stream",
            "url",
            "util",
            "vm",
            "zlib",
        ];
        if self.resolver.facts.dialect == Dialect::JavaScript && NODE.contains(&&*name) {
            return true;
        }
        self.resolver
            .facts
            .imports
            .iter()
            .filter(|import| import.module)
            .any(|import| import.path.iter().map(|&part| &**self.resolver.facts.symbols.text(part)).eq(name.split('.')))
    }

    /// The qualified name, where the source does not say it.
    fn spelled_differently(&self, callee: ExprId, name: &str) -> Option<String> {
        let expr = self.resolver.facts.expr(callee);
        let text = self.source.get(expr.start as usize..expr.end as usize).unwrap_or_default();
        (text != name).then(|| name.to_owned())
    }

    fn hit(&mut self, hook: Hook, expr: ExprId, resolved: Option<String>, how: How) {
        let expr = self.resolver.facts.expr(expr);
        let (start, end) = (expr.start as usize, expr.end as usize);
        self.hits.push(Hit { rule: hook.rule, start, end, resolved, how });
    }

    /// Uses of names, and functions that are passed on.
    fn usage(&mut self, expr: ExprId) {
        let role = self.resolver.facts.expr(expr).role;
        let mut set = self.resolver.of(expr);
        if let Some(bound) = self.bound(expr) {
            set = self.resolver.of(bound);
        }
        for value in &set.values {
            let Value::Path(path) = value else { continue };
            let name = self.name(*path);
            let uses = self.tables.uses.named(&name);
            if !uses.is_empty() && !self.is_second_name(expr) {
                for hook in uses {
                    let resolved = self.spelled_differently(expr, &name);
                    self.hit(hook, expr, resolved, How::Plainly);
                }
            }
            let how = match role {
                Role::Value => How::Reference,
                Role::Alias => How::Alias,
                _ => continue,
            };
            for hook in self.tables.calls.named(&name) {
                let rules = self.rules;
                if let Matcher::Call { references: true, .. } = rules.hooked(hook).1 {
                    let resolved = self.spelled_differently(expr, &name);
                    self.hit(hook, expr, resolved, how);
                }
            }
        }
        if let Kind::Attribute { object, name } = *self.resolver.facts.kind(expr) {
            let text = self.resolver.facts.symbols.text(name).clone();
            let hooks = self.member_hooks(self.tables.uses.member(&text), object);
            if !hooks.is_empty() && !self.is_known(object, &text) {
                for hook in hooks {
                    self.hit(hook, expr, None, How::Plainly);
                }
            }
        }
        self.reflected_use(expr);
    }

    /// The function that `f.bind(…)` hands on.
    fn bound(&self, expr: ExprId) -> Option<ExprId> {
        let Kind::Call { callee, .. } = *self.resolver.facts.kind(expr) else { return None };
        let Kind::Attribute { object, name } = *self.resolver.facts.kind(callee) else { return None };
        let bind = self.resolver.facts.dialect == Dialect::JavaScript && self.resolver.facts.text(name) == "bind";
        bind.then_some(object)
    }

    /// `getattr(x, "__subclasses__")` and `x["__proto__"]`: a member by a folded name.
    fn reflected_use(&mut self, expr: ExprId) {
        let key = match *self.resolver.facts.kind(expr) {
            Kind::Subscript { index, .. } if self.resolver.facts.dialect == Dialect::JavaScript => index,
            Kind::Call { callee, arguments } => {
                let Kind::Name(name) = *self.resolver.facts.kind(callee) else { return };
                if self.resolver.facts.text(name) != "getattr" {
                    return;
                }
                let Some(second) = self.resolver.facts.arguments[arguments.range()].get(1) else { return };
                second.value
            }
            _ => return,
        };
        let keys = self.resolver.of(key);
        for key in &keys.values {
            let Value::Text(text) = key else { continue };
            for hook in self.member_hooks(self.tables.uses.member(text), crate::facts::OPAQUE) {
                self.hit(hook, expr, Some(format!("*.{text}")), How::Plainly);
            }
        }
    }

    /// Whether a bare name is only another name for something that the file reaches elsewhere, where that counts already.
    fn is_second_name(&self, expr: ExprId) -> bool {
        let Some(variable) = self.resolver.variable_of(expr) else { return false };
        let values = &self.resolver.facts.variable_table[variable.at()].values;
        !values.iter().any(|&value| matches!(self.resolver.facts.kind(value), Kind::Imported(_)))
    }

    fn imports(&mut self) {
        for import in self.resolver.facts.imports.clone() {
            let parts: Vec<&str> = import.path.iter().map(|&part| &**self.resolver.facts.symbols.text(part)).collect();
            let name = super::canonical(self.resolver.facts.dialect, &parts.join("."));
            self.import_named(&name, import.start as usize, import.end as usize, None);
        }
    }

    /// `__import__`, `importlib.import_module`, `require` and `import()`.
    fn import_call(&mut self, expr: ExprId, targets: &[super::calls::Target]) {
        let imports = targets.iter().any(|target| match target.value {
            Value::Path(path) => matches!(
                &*self.name(path),
                "__import__" | "importlib.import_module" | "importlib.__import__" | "require" | "import"
            ),
            _ => false,
        });
        if !imports {
            return;
        }
        let (start, end) = (self.resolver.facts.expr(expr).start, self.resolver.facts.expr(expr).end);
        for value in &self.resolver.of(expr).values {
            if let Value::Path(path) = value {
                let name = self.name(*path);
                self.import_named(&name, start as usize, end as usize, Some(name.to_string()));
            }
        }
    }

    fn import_named(&mut self, name: &str, start: usize, end: usize, resolved: Option<String>) {
        // No rule names anything longer, and a name of a million parts has a million beginnings.
        let ends =
            name.match_indices('.').map(|(at, _)| at).chain([name.len()]).take(super::limits::SEGMENTS_MAX as usize);
        for part in ends.map(|end| &name[..end]) {
            for hook in self.tables.imports.named(part) {
                self.hits.push(Hit { rule: hook.rule, start, end, resolved: resolved.clone(), how: How::Plainly });
            }
        }
    }

    fn assignments(&mut self) {
        for assignment in self.resolver.facts.assignments.clone() {
            let (members, paths) = self.assigned(assignment.target);
            let object = match *self.resolver.facts.kind(assignment.target) {
                Kind::Attribute { object, .. } | Kind::Subscript { object, .. } => object,
                _ => crate::facts::OPAQUE,
            };
            let mut hooks: Vec<Hook> = Vec::new();
            for member in &members {
                hooks.extend(self.member_hooks(self.tables.assignments.member(member), object));
            }
            for path in &paths {
                hooks.extend(self.tables.assignments.named(path));
            }
            for hook in hooks {
                let rules = self.rules;
                let Matcher::Assign { value, .. } = rules.hooked(hook).1 else { continue };
                if value.iter().all(|check| arguments::value_holds(&mut self.resolver, assignment.value, check)) {
                    let (start, end) = (assignment.start as usize, assignment.end as usize);
                    self.hits.push(Hit { rule: hook.rule, start, end, resolved: None, how: How::Plainly });
                }
            }
        }
    }

    /// The member names and the qualified names that a target of an assignment may be.
    fn assigned(&mut self, target: ExprId) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let (object, members) = match *self.resolver.facts.kind(target) {
            Kind::Attribute { object, name } => (object, vec![self.resolver.facts.symbols.text(name).clone()]),
            Kind::Subscript { object, index } => (object, self.texts(index)),
            Kind::Name(name) => return (Vec::new(), self.implicit_global(target, name)),
            _ => return (Vec::new(), Vec::new()),
        };
        let mut paths = self.member_paths(object, &members);
        if self.resolver.facts.dialect == Dialect::Python {
            paths.extend(self.as_written(target));
        }
        (members, paths)
    }

    /// `session.verify` as it is written, whatever `session` may be: conventional names count.
    fn as_written(&self, target: ExprId) -> Option<Arc<str>> {
        let mut parts = Vec::new();
        let mut here = target;
        for _ in 0..super::limits::SEGMENTS_MAX {
            match *self.resolver.facts.kind(here) {
                Kind::Attribute { object, name } => {
                    parts.push(self.resolver.facts.text(name));
                    here = object;
                }
                Kind::Name(name) => {
                    parts.push(self.resolver.facts.text(name));
                    parts.reverse();
                    return Some(parts.join(".").into());
                }
                _ => return None,
            }
        }
        None
    }

    fn texts(&mut self, expr: ExprId) -> Vec<Arc<str>> {
        let set = self.resolver.of(expr);
        let text = |value: &Value| if let Value::Text(text) = value { Some(text.clone()) } else { None };
        set.values.iter().filter_map(text).collect()
    }

    fn implicit_global(&mut self, target: ExprId, name: crate::facts::Sym) -> Vec<Arc<str>> {
        let variable = self.resolver.variable_of(target);
        let implicit = self.resolver.facts.dialect == Dialect::Python
            || variable.is_none_or(|variable| self.resolver.facts.variable_table[variable.at()].implicit);
        if implicit { vec![self.resolver.facts.symbols.text(name).clone()] } else { Vec::new() }
    }

    fn member_paths(&mut self, object: ExprId, members: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut found = Vec::new();
        for value in self.resolver.of(object).values.clone() {
            for member in members {
                let name = self.resolver.facts.symbols.intern(member);
                let reached = self.resolver.settled(|resolver| resolver.attribute(&value, name));
                for value in &reached.values {
                    if let Value::Path(path) = value {
                        found.push(self.name(*path));
                    }
                }
            }
        }
        found
    }

    /// `setattr(object, "name", value)` is an assignment.
    fn set_attribute(&mut self, expr: ExprId, arguments: &[crate::facts::Argument]) {
        let &[receiver, name, value] = arguments else { return };
        let object = receiver.value;
        let members = self.texts(name.value);
        let paths = self.member_paths(object, &members);
        let mut hooks: Vec<Hook> = Vec::new();
        for member in &members {
            hooks.extend(self.member_hooks(self.tables.assignments.member(member), object));
        }
        for path in &paths {
            hooks.extend(self.tables.assignments.named(path));
        }
        for hook in hooks {
            let rules = self.rules;
            let Matcher::Assign { value: checks, .. } = rules.hooked(hook).1 else { continue };
            if checks.iter().all(|check| arguments::value_holds(&mut self.resolver, value.value, check)) {
                self.hit(hook, expr, paths.first().map(|path| path.to_string()), How::Plainly);
            }
        }
    }

    /// Keeps one hit of a rule for a place. A function that is passed on inside of another hit of the same rule is part of
    /// that, and a second name counts only where the rule is hit by nothing else.
    fn tidy(&mut self) {
        self.hits.sort_by(|a, b| {
            let key = |hit: &Hit| (hit.rule, hit.start, std::cmp::Reverse(hit.end), hit.how);
            key(a).cmp(&key(b))
        });
        self.hits.dedup_by(|later, first| (later.rule, later.start, later.end) == (first.rule, first.start, first.end));
        let mut kept: Vec<Hit> = Vec::with_capacity(self.hits.len());
        let mut covered = (usize::MAX, 0);
        for hit in self.hits.drain(..) {
            let inside = covered.0 == hit.rule && hit.end <= covered.1;
            if hit.how != How::Plainly && inside {
                continue;
            }
            if hit.how != How::Alias && (covered.0 != hit.rule || hit.end > covered.1) {
                covered = (hit.rule, hit.end);
            }
            kept.push(hit);
        }
        let counted: std::collections::HashSet<usize> =
            kept.iter().filter(|hit| hit.how != How::Alias).map(|hit| hit.rule).collect();
        kept.retain(|hit| hit.how != How::Alias || !counted.contains(&hit.rule));
        self.hits = kept;
    }
}
