//! The matcher: which facts are what a rule looks for.

use std::rc::Rc;
use std::sync::Arc;

use super::arguments;
use super::places::Places;
use super::resolve::Resolver;
use super::values::{PathId, RESULT, Value};
use crate::facts::{Argument, Dialect, ExprId, IdMap, Kind, Role, Sym};
use crate::rules::{Hook, Member, RuleSet, Tables, Text, What};

/// A rule that was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) rule: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The qualified name, where the source spells it differently.
    pub(super) resolved: Option<String>,
    pub(super) how: How,
    pub(super) weight: Weight,
}

impl Hit {
    /// A hit of a rule over text or trees.
    pub(super) fn plain(rule: usize, start: usize, end: usize) -> Self {
        Self { rule, start, end, resolved: None, how: How::Plainly, weight: Weight::AsTheRuleSays }
    }
}

/// How sure the values make a hit, beside what its rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// An argument that the rule weighs may come from a source.
    MoreSure,
    AsTheRuleSays,
    /// The arguments that the rule weighs surely are constants.
    LessSure,
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
    reached: Vec<Option<Rc<Reached>>>,
    /// The hooks of `/expressions/` that find something in a name, for each table that has some.
    pub(super) alike: IdMap<(Given, Sym), Rc<[Hook]>>,
    places: Option<Places>,
}

/// What rules look for where a qualified name is reached.
pub(super) struct Reached {
    name: Arc<str>,
    calls: Vec<Hook>,
    uses: Vec<Hook>,
    /// Whether a call of it imports what it is given.
    imports: bool,
}

/// In which way a name is given something, or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Given {
    Assigned,
    Passed,
    Compared,
}

impl<'a, 'r> Matching<'a, 'r> {
    /// A matcher of `rules` over the facts of `resolver`.
    pub(super) fn new(resolver: Resolver<'r>, rules: &'a RuleSet, tables: &'a Tables, source: &'a str) -> Self {
        Self {
            resolver,
            rules,
            tables,
            source,
            hits: Vec::new(),
            reached: Vec::new(),
            alike: IdMap::default(),
            places: None,
        }
    }

    /// Looks at every fact.
    pub(super) fn run(&mut self) {
        let matters = self.resolver.mattering();
        let wanted: Vec<ExprId> = (0..self.resolver.facts.exprs.len())
            .map(|at| ExprId(u32::try_from(at).expect("expressions are limited")))
            .filter(|&expr| (matters[expr.at()].is_any() || self.resolver.has_keywords(expr)) && self.is_wanted(expr))
            .collect();
        self.resolver.resolve_all(&wanted);
        self.label_parameters();
        for expr in wanted {
            if let Kind::Call { .. } = self.resolver.facts.kind(expr) {
                self.call(expr);
            }
            self.usage(expr);
        }
        self.imports();
        self.assignments();
        self.pairs();
        self.comparisons();
        self.definitions();
        self.statements();
        self.tidy();
    }

    fn is_wanted(&self, expr: ExprId) -> bool {
        let expr = self.resolver.facts.expr(expr);
        let named =
            matches!(expr.kind, Kind::Name(_) | Kind::Attribute { .. } | Kind::Subscript { .. } | Kind::Call { .. });
        named && !matches!(expr.role, Role::Synthetic | Role::Target)
    }

    pub(super) fn name(&mut self, path: PathId) -> Arc<str> {
        self.reached(path).name.clone()
    }

    /// What rules look for where a path is reached.
    fn reached(&mut self, path: PathId) -> Rc<Reached> {
        let at = path.0 as usize;
        if let Some(Some(known)) = self.reached.get(at) {
            return known.clone();
        }
        let name = self.resolver.paths.name(path, &self.resolver.facts.symbols).clone();
        let imports =
            matches!(&*name, "__import__" | "importlib.import_module" | "importlib.__import__" | "require" | "import");
        let found = match self.resolver.is_named(path) {
            true => (self.tables.calls.named(&name), self.tables.uses.named(&name)),
            false => (Vec::new(), Vec::new()),
        };
        let reached = Rc::new(Reached { name, calls: found.0, uses: found.1, imports });
        self.reached.resize(self.reached.len().max(at + 1), None);
        self.reached[at] = Some(reached.clone());
        reached
    }

    fn call(&mut self, expr: ExprId) {
        let Kind::Call { callee, arguments } = *self.resolver.facts.kind(expr) else { return };
        let (targets, _) = self.resolver.settled(|resolver| resolver.targets(callee, arguments));
        let each = self.resolver.settled(|resolver| resolver.called_with_elements(callee, arguments));
        for target in targets.iter().chain(&each) {
            let Value::Path(path) = target.value else { continue };
            let reached = self.reached(path);
            let name = &reached.name;
            for &hook in &reached.calls {
                self.call_hook(hook, expr, callee, &target.arguments, Some(name));
            }
            self.command(expr, name, &target.arguments);
            if self.resolver.facts.dialect == Dialect::Python && &**name == "setattr" {
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
        self.passed(expr, arguments);
        self.import_call(expr, &targets);
    }

    /// The members that a call may be of, and of what: `x.name(…)`, `x["name"](…)` of JavaScript, `getattr(x, "name")(…)`.
    fn called_members(&mut self, callee: ExprId) -> Vec<(ExprId, Arc<str>)> {
        if let Kind::Attribute { object, name } = *self.resolver.facts.kind(callee) {
            let text = self.resolver.facts.symbols.text(name).clone();
            return if self.resolver.part(name).is_reached() { vec![(object, text)] } else { Vec::new() };
        }
        let (object, key) = match *self.resolver.facts.kind(callee) {
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

    fn call_hook(&mut self, hook: Hook, expr: ExprId, callee: ExprId, own: &[Argument], name: Option<&str>) {
        let matcher = self.rules.hooked(hook).1;
        let resolver = &mut self.resolver;
        let holds = matcher.checks.iter().all(|check| arguments::holds(resolver, own, check))
            && !matcher.not_checks.iter().any(|check| arguments::excepts(resolver, own, check, &matcher.checks));
        if !holds || (!matcher.unless.is_empty() && self.is_excepted(&matcher.unless, callee, own)) {
            return;
        }
        if !matcher.of.is_empty() && !self.is_called_on(&matcher.of, callee) {
            return;
        }
        let weighed: Vec<ExprId> =
            matcher.weigh.iter().filter_map(|&position| self.argument_at(own, position)).collect();
        let weight = self.weight(&weighed);
        let resolved = name.and_then(|name| self.spelled_differently(callee, name));
        let (start, end) = self.place_of_call(expr, callee);
        self.hit(hook, Hit { resolved, weight, ..Hit::plain(hook.rule, start, end) });
    }

    /// Whether a method is called on what a rule asks for.
    fn is_called_on(&mut self, of: &[crate::rules::Check], callee: ExprId) -> bool {
        let Kind::Attribute { object, .. } = *self.resolver.facts.kind(callee) else { return false };
        of.iter().all(|check| arguments::value_holds(&mut self.resolver, object, check))
    }

    /// The hooks of `*.name` for a member of `object`; what stands before the name is compared as it is written.
    pub(super) fn member_hooks(&self, members: &[Member], object: ExprId) -> Vec<Hook> {
        let fits = |member: &&Member| self.resolver.is_written(object, &member.before);
        members.iter().filter(fits).map(|member| member.hook).collect()
    }

    /// Whether what a method is called on is known to be something that no rule means: an object, mapping or class of the
    /// file that has such a member itself, a constant, or a module that the file imports.
    pub(super) fn is_known(&mut self, object: ExprId, member: &str) -> bool {
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
    pub(super) fn spelled_differently(&self, callee: ExprId, name: &str) -> Option<String> {
        let expr = self.resolver.facts.expr(callee);
        let text = self.source.get(expr.start as usize..expr.end as usize).unwrap_or_default();
        (text != name).then(|| name.to_owned())
    }

    /// Notes a hit, if it stands where its rule says.
    pub(super) fn hit(&mut self, hook: Hook, hit: Hit) {
        let matcher = self.rules.hooked(hook).1;
        if !matcher.within.is_empty() || !matcher.not_within.is_empty() {
            let places = self.places.get_or_insert_with(|| Places::of(&self.resolver.facts.shape.blocks));
            let inside = |words: &[crate::rules::Inside]| words.iter().any(|word| places.is_inside(*word, hit.start));
            if (!matcher.within.is_empty() && !inside(&matcher.within)) || inside(&matcher.not_within) {
                return;
            }
        }
        self.hits.push(hit);
    }

    /// Notes a hit at an expression.
    pub(super) fn hit_at(&mut self, hook: Hook, expr: ExprId, resolved: Option<String>, how: How) {
        let (start, end) = self.place(expr);
        self.hit(hook, Hit { resolved, how, ..Hit::plain(hook.rule, start, end) });
    }

    pub(super) fn place(&self, expr: ExprId) -> (usize, usize) {
        let expr = self.resolver.facts.expr(expr);
        (expr.start as usize, expr.end as usize)
    }

    /// Where a call stands. Of a chain of calls over several lines of JavaScript that is the last link, which is what is
    /// meant; the line where the chain begins may say nothing of it.
    fn place_of_call(&self, expr: ExprId, callee: ExprId) -> (usize, usize) {
        let (start, end) = self.place(expr);
        let facts = &self.resolver.facts;
        let (Kind::Attribute { object, .. } | Kind::Subscript { object, .. }) = *facts.kind(callee) else {
            return (start, end);
        };
        let link = self.place(object).1;
        let is_link = facts.dialect == Dialect::JavaScript && matches!(facts.kind(object), Kind::Call { .. });
        match (self.source.get(start..link), self.source.get(link..end)) {
            (Some(before), Some(rest)) if is_link && before.contains('\n') => {
                (end - rest.trim_start_matches(|char: char| char.is_whitespace() || char == ')').len(), end)
            }
            _ => (start, end),
        }
    }

    fn argument_at(&mut self, arguments: &[Argument], position: u16) -> Option<ExprId> {
        match arguments::at_position(&mut self.resolver, arguments, position) {
            arguments::Given::Yes(_, expr) | arguments::Given::Perhaps(expr) => Some(expr),
            arguments::Given::No => None,
        }
    }

    /// What the values that a rule weighs make of a hit.
    pub(super) fn weight(&mut self, weighed: &[ExprId]) -> Weight {
        let resolver = &mut self.resolver;
        if weighed.iter().any(|&value| !resolver.labels(value).is_empty()) {
            Weight::MoreSure
        } else if !weighed.is_empty() && weighed.iter().all(|&value| arguments::surely_constant(resolver, value)) {
            Weight::LessSure
        } else {
            Weight::AsTheRuleSays
        }
    }

    /// Whether the receiver of a call, or one of its arguments, is something that a rule excepts, or was made by it.
    fn is_excepted(&mut self, unless: &[Text], callee: ExprId, arguments: &[Argument]) -> bool {
        let receiver = match *self.resolver.facts.kind(callee) {
            Kind::Attribute { object, .. } | Kind::Subscript { object, .. } => Some(object),
            _ => None,
        };
        let values: Vec<ExprId> = arguments.iter().map(|argument| argument.value).chain(receiver).collect();
        values.into_iter().any(|value| self.is_made_by(unless, value) || self.is_made_of(unless, value))
    }

    /// Whether all of a mapping that comes from outside was made by one of these names: `{ name: String(body.name) }`.
    fn is_made_of(&mut self, names: &[Text], value: ExprId) -> bool {
        let Kind::Mapping(entries) = *self.resolver.facts.kind(value) else { return false };
        let own: Vec<ExprId> = self.resolver.facts.entries[entries.range()].iter().map(|entry| entry.value).collect();
        let foreign: Vec<ExprId> = own.into_iter().filter(|&value| !self.resolver.labels(value).is_empty()).collect();
        !foreign.is_empty() && foreign.into_iter().all(|value| self.is_made_by(names, value))
    }

    /// Whether a value is one of these names, or was made by calling it.
    pub(super) fn is_made_by(&mut self, names: &[Text], value: ExprId) -> bool {
        let paths: Vec<PathId> = self.resolver.of(value).values.iter().filter_map(path_of).collect();
        paths.into_iter().any(|path| {
            let own = self.name(path);
            names
                .iter()
                .any(|name| own.strip_prefix(&**name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        })
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
            let reached = self.reached(*path);
            let name = &reached.name;
            if !reached.uses.is_empty() && !self.is_second_name(expr) {
                for &hook in &reached.uses {
                    let resolved = self.spelled_differently(expr, name);
                    self.hit_at(hook, expr, resolved, How::Plainly);
                }
            }
            let how = match role {
                Role::Value => How::Reference,
                Role::Alias => How::Alias,
                // A function is no type: as an annotation it is put away to be called from there.
                Role::Type if is_function_name(name) => How::Reference,
                _ => continue,
            };
            for &hook in &reached.calls {
                if let What::Call { references: true, .. } = self.rules.hooked(hook).1.what {
                    let resolved = self.spelled_differently(expr, name);
                    self.hit_at(hook, expr, resolved, how);
                }
            }
        }
        if let Kind::Attribute { object, name } = *self.resolver.facts.kind(expr)
            && self.resolver.part(name).is_reached()
        {
            let text = self.resolver.facts.symbols.text(name).clone();
            let hooks = self.member_hooks(self.tables.uses.member(&text), object);
            if !hooks.is_empty() && !self.is_known(object, &text) {
                for hook in hooks {
                    self.hit_at(hook, expr, None, How::Plainly);
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
                self.hit_at(hook, expr, Some(format!("*.{text}")), How::Plainly);
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
            let name = super::canonical::canonical(self.resolver.facts.dialect, &parts.join("."));
            self.import_named(&name, import.start as usize, import.end as usize, None);
        }
    }

    /// `__import__`, `importlib.import_module`, `require` and `import()`.
    fn import_call(&mut self, expr: ExprId, targets: &[super::calls::Target]) {
        let imports = targets.iter().any(|target| match target.value {
            Value::Path(path) => self.reached(path).imports,
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
                self.hit(hook, Hit { resolved: resolved.clone(), ..Hit::plain(hook.rule, start, end) });
            }
        }
    }

    /// Keeps one hit of a rule for a place. A function that is passed on inside of another hit of the same rule is part of
    /// that, and a second name counts only where the rule is hit by nothing else.
    fn tidy(&mut self) {
        self.hits.sort_by(|a, b| {
            let key = |hit: &Hit| (hit.rule, hit.start, std::cmp::Reverse(hit.end), hit.how, hit.weight);
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

/// Whether a name is that of a function, as Python writes it: in lower case.
fn is_function_name(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.starts_with(|char: char| char.is_ascii_lowercase()))
}

fn path_of(value: &Value) -> Option<PathId> {
    if let Value::Path(path) = value { Some(*path) } else { None }
}
