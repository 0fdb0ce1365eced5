//! Names that are given a value, or compared with one: assignments, pairs of literals, keyword arguments, comparisons.

use std::rc::Rc;
use std::sync::Arc;

use super::arguments;
use super::limits;
use super::matcher::{Given, Hit, Matching, Weight};
use super::values::{UNKNOWN, Value};
use crate::facts::statements::Comparing;
use crate::facts::{Argument, Dialect, ExprId, IdSet, Kind, OPAQUE, Role, Span, Sym};
use crate::rules::{Hook, Names, Part};

/// Names that a computed member may have; of more it may be any.
const MEMBERS_MAX: usize = 4;

impl Matching<'_, '_> {
    /// Assignments to names and members.
    pub(super) fn assignments(&mut self) {
        if self.tables.assignments.is_empty() {
            return;
        }
        for at in 0..self.resolver.facts.assignments.len() {
            let assignment = self.resolver.facts.assignments[at];
            let (members, paths) = self.assigned(assignment.target);
            let object = self.object_of(assignment.target);
            let mut hooks = self.assigned_hooks(&members, &paths, object);
            if let Kind::Name(name) = *self.resolver.facts.kind(assignment.target) {
                hooks.extend(self.alike(Given::Assigned, name).iter());
            }
            let place = (assignment.start as usize, assignment.end as usize);
            hooks.extend(self.computed(assignment.target));
            self.given(&hooks, assignment.value, place, None);
        }
    }

    /// The hooks of `*.?` whose checks hold of the key that is computed here, and of one that the object was reached by.
    fn computed(&mut self, target: ExprId) -> Vec<Hook> {
        let Kind::Subscript { object, index } = *self.resolver.facts.kind(target) else { return Vec::new() };
        let mut hooks: Vec<Hook> = self.tables.assignments.member(UNKNOWN).iter().map(|member| member.hook).collect();
        if hooks.is_empty() || matches!(self.resolver.facts.kind(index), Kind::Text(_) | Kind::Int(_)) {
            return Vec::new();
        }
        let keys = self.keys_to(object);
        if keys.is_empty() {
            return Vec::new();
        }
        let holds = |matching: &mut Self, key: ExprId, hook: Hook| {
            let of = &matching.rules.hooked(hook).1.of;
            of.iter().all(|check| arguments::value_holds(&mut matching.resolver, key, check))
        };
        hooks.retain(|&hook| holds(self, index, hook) && keys.iter().any(|&key| holds(self, key, hook)));
        // Whoever names the one key looks for it. The whole file is looked through, and so only where it matters.
        let names_it = |expr: &crate::facts::Expr| matches!(&expr.kind, Kind::Text(text) if &**text == "__proto__");
        if !hooks.is_empty() && self.resolver.facts.exprs.iter().any(names_it) {
            hooks.clear();
        }
        hooks
    }

    /// The computed keys that an object may have been reached by, as far as the file itself hands it on.
    fn keys_to(&mut self, object: ExprId) -> Vec<ExprId> {
        let (mut keys, mut todo, mut seen) = (Vec::new(), vec![object], IdSet::default());
        while let Some(one) = todo.pop() {
            if !seen.insert(one) || seen.len() > limits::KEY_STEPS_MAX {
                continue;
            }
            match *self.resolver.facts.kind(one) {
                Kind::Subscript { index, .. } => keys.push(index),
                Kind::Name(_) => {
                    let Some(variable) = self.resolver.variable_of(one) else { continue };
                    todo.extend(self.resolver.facts.variable_table[variable.at()].values.iter().copied());
                    todo.extend(self.resolver.given_exprs(variable));
                }
                Kind::Variable(variable) => {
                    todo.extend(self.resolver.facts.variable_table[variable.at()].values.iter().copied());
                }
                Kind::Choice(items) => todo.extend_from_slice(&self.resolver.facts.lists[items.range()]),
                Kind::Binary(_, left, right) => todo.extend([left, right]),
                _ => {}
            }
        }
        keys
    }

    fn object_of(&self, target: ExprId) -> ExprId {
        match *self.resolver.facts.kind(target) {
            Kind::Attribute { object, .. } | Kind::Subscript { object, .. } => object,
            _ => OPAQUE,
        }
    }

    fn assigned_hooks(&mut self, members: &[Arc<str>], paths: &[Arc<str>], object: ExprId) -> Vec<Hook> {
        let mut hooks: Vec<Hook> = Vec::new();
        // `*.?` is a computed key, whatever is called `?`.
        for member in members.iter().filter(|member| &***member != UNKNOWN) {
            let name = self.resolver.facts.symbols.intern(member);
            if self.resolver.part(name).is_assigned() {
                hooks.extend(self.member_hooks(self.tables.assignments.member(member), object));
            }
            hooks.extend(self.alike(Given::Assigned, name).iter());
        }
        for path in paths {
            hooks.extend(self.tables.assignments.named(path));
        }
        hooks
    }

    /// Notes a hit for each hook whose checks hold of `value`.
    fn given(&mut self, hooks: &[Hook], value: ExprId, (start, end): (usize, usize), resolved: Option<&Arc<str>>) {
        let added = arguments::added(&self.resolver, value);
        for &hook in hooks {
            let matcher = self.rules.hooked(hook).1;
            let resolver = &mut self.resolver;
            let holds = matcher.checks.iter().all(|check| arguments::value_holds(resolver, value, check))
                && !matcher.not_checks.iter().any(|check| arguments::value_holds(resolver, value, check));
            if !holds || (!matcher.unless.is_empty() && self.is_made_by(&matcher.unless, added)) {
                continue;
            }
            let weight = if matcher.weigh.is_empty() { Weight::AsTheRuleSays } else { self.weight(&[value]) };
            let resolved = resolved.map(|name| name.to_string());
            self.hit(hook, Hit { resolved, weight, ..Hit::plain(hook.rule, start, end) });
        }
    }

    /// The hooks of `/expressions/` that find something in `name`.
    pub(super) fn alike(&mut self, given: Given, name: Sym) -> Rc<[Hook]> {
        let (tables, symbols) = (self.tables, &self.resolver.facts.symbols);
        let names = match given {
            Given::Assigned => &tables.assignments,
            Given::Passed => &tables.keywords,
            Given::Compared => &tables.comparisons,
        };
        self.alike.entry((given, name)).or_insert_with(|| names.like(symbols.text(name)).into()).clone()
    }

    /// Pairs of literal mappings, whose keys count as members of the unknown.
    pub(super) fn pairs(&mut self) {
        if self.tables.assignments.is_empty() {
            return;
        }
        for at in 0..self.resolver.facts.exprs.len() {
            let expr = &self.resolver.facts.exprs[at];
            let Kind::Mapping(entries) = expr.kind else { continue };
            if !matches!(expr.role, Role::Target | Role::Synthetic) {
                self.pairs_of(entries);
            }
        }
    }

    fn pairs_of(&mut self, entries: Span) {
        for at in entries.range() {
            let entry = self.resolver.facts.entries[at];
            let Some(key) = entry.key else { continue };
            let Kind::Text(text) = self.resolver.facts.kind(key).clone() else { continue };
            let hooks = self.assigned_hooks(&[text], &[], OPAQUE);
            if !hooks.is_empty() {
                let place = (self.place(key).0, self.place(entry.value).1.max(self.place(key).1));
                self.given(&hooks, entry.value, place, None);
            }
        }
    }

    /// Keyword arguments of a call.
    pub(super) fn passed(&mut self, expr: ExprId, arguments: Span) {
        if self.tables.keywords.is_empty() {
            return;
        }
        for at in arguments.range() {
            let Argument { keyword: Some(name), value, .. } = self.resolver.facts.arguments[at] else { continue };
            if !self.resolver.is_keyword_wanted(name) {
                continue;
            }
            let mut hooks = self.tables.keywords.named(self.resolver.facts.symbols.text(name));
            hooks.extend(self.alike(Given::Passed, name).iter());
            let place = self.place(expr);
            self.given(&hooks, value, place, None);
        }
    }

    /// Comparisons for equality or membership, whichever side the name stands on.
    pub(super) fn comparisons(&mut self) {
        if self.tables.comparisons.is_empty() {
            return;
        }
        for at in 0..self.resolver.facts.shape.comparisons.len() {
            let comparison = self.resolver.facts.shape.comparisons[at];
            if comparison.how == Comparing::Other {
                continue;
            }
            let place = (comparison.start as usize, comparison.end as usize);
            for (named, other) in [(comparison.left, comparison.right), (comparison.right, comparison.left)] {
                let hooks = self.compared(named);
                self.given(&hooks, other, place, None);
            }
        }
    }

    /// The hooks of an operand that is compared.
    fn compared(&mut self, operand: ExprId) -> Vec<Hook> {
        let names: &Names = &self.tables.comparisons;
        let mut hooks = Vec::new();
        if let Some(name) = self.last_name(operand) {
            let text = self.resolver.facts.symbols.text(name).clone();
            let object = self.object_of(operand);
            hooks.extend(self.alike(Given::Compared, name).iter());
            hooks.extend(self.member_hooks(names.member(&text), object));
        }
        let mut paths: Vec<Arc<str>> = self.as_written(operand, Part::is_compared, names).into_iter().collect();
        // What leads nowhere has no name that a rule compares.
        if self.resolver.may_matter(operand) {
            for value in self.resolver.of(operand).values.clone() {
                if let Value::Path(path) = value {
                    paths.push(self.name(path));
                }
            }
        }
        paths.dedup();
        hooks.extend(paths.iter().flat_map(|path| names.named(path)));
        hooks.sort_unstable();
        hooks.dedup();
        hooks
    }

    /// The name that an expression ends in.
    pub(super) fn last_name(&mut self, expr: ExprId) -> Option<Sym> {
        match *self.resolver.facts.kind(expr) {
            Kind::Name(name) | Kind::Attribute { name, .. } => Some(name),
            Kind::Subscript { index, .. } => match self.resolver.facts.kind(index).clone() {
                Kind::Text(text) => Some(self.resolver.facts.symbols.intern(&text)),
                _ => None,
            },
            _ => None,
        }
    }

    /// `setattr(object, "name", value)` is an assignment.
    pub(super) fn set_attribute(&mut self, expr: ExprId, arguments: &[Argument]) {
        let &[receiver, name, value] = arguments else { return };
        let object = receiver.value;
        let members = self.texts(name.value);
        let paths = self.member_paths(object, &members);
        let hooks = self.assigned_hooks(&members, &paths, object);
        let place = self.place(expr);
        self.given(&hooks, value.value, place, paths.first());
    }

    /// The member names and the qualified names that a target of an assignment may be.
    fn assigned(&mut self, target: ExprId) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let (object, members) = match *self.resolver.facts.kind(target) {
            Kind::Attribute { object, name } => (object, vec![self.resolver.facts.symbols.text(name).clone()]),
            Kind::Subscript { object, index } => {
                let members = match self.resolver.facts.kind(index) {
                    Kind::Text(text) => vec![text.clone()],
                    Kind::Int(_) => Vec::new(),
                    _ => self.texts(index),
                };
                // A loop over many names says nothing of a single one.
                (object, if members.len() > MEMBERS_MAX { Vec::new() } else { members })
            }
            Kind::Name(name) => return (Vec::new(), self.implicit_global(target, name)),
            _ => return (Vec::new(), Vec::new()),
        };
        let matters = self.resolver.may_matter(object) || self.resolver.may_matter(target);
        let mut paths = if matters { self.member_paths(object, &members) } else { Vec::new() };
        if self.resolver.facts.dialect == Dialect::Python {
            paths.extend(self.as_written(target, Part::is_assigned, &self.tables.assignments));
        }
        (members, paths)
    }

    /// `session.verify` as it is written, whatever `session` may be: conventional names count. `None` where `names` hold no
    /// such name, by its end.
    fn as_written(&mut self, target: ExprId, ends: impl Fn(Part) -> bool, names: &Names) -> Option<Arc<str>> {
        let (Kind::Attribute { name, .. } | Kind::Name(name)) = *self.resolver.facts.kind(target) else { return None };
        if !ends(self.resolver.part(name)) && !names.has_modules() {
            return None;
        }
        let mut parts = Vec::new();
        let mut here = target;
        for _ in 0..limits::SEGMENTS_MAX {
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

    pub(super) fn texts(&mut self, expr: ExprId) -> Vec<Arc<str>> {
        let set = self.resolver.of(expr);
        let text = |value: &Value| if let Value::Text(text) = value { Some(text.clone()) } else { None };
        set.values.iter().filter_map(text).collect()
    }

    fn implicit_global(&mut self, target: ExprId, name: Sym) -> Vec<Arc<str>> {
        let variable = self.resolver.variable_of(target);
        if !self.resolver.part(name).is_assigned() {
            return Vec::new();
        }
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
}
