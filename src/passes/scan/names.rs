//! The resolver's view of bare names: which variable one is, and what it means where the file binds it nowhere.

use std::rc::Rc;

use super::resolve::Resolver;
use super::values::{ROOT, Set, Union, Value};
use crate::facts::{ExprId, Kind, MODULE, SCOPE_DEPTH_MAX, ScopeId, ScopeKind, Sym, VarId};

impl Resolver<'_> {
    /// The variable that a bare name is.
    pub(super) fn variable_of(&self, expr: ExprId) -> Option<VarId> {
        let Kind::Name(name) = *self.facts.kind(expr) else { return None };
        let own = self.facts.expr(expr).scope;
        let mut here = Some(own);
        for _ in 0..SCOPE_DEPTH_MAX {
            let scope = here?;
            let scope = self.facts.redirects.get(&(scope.0, name.0)).copied().unwrap_or(scope);
            let info = self.facts.scope(scope);
            if (info.kind != ScopeKind::Class || scope == own)
                && let Some(variable) = self.facts.variable(scope, name)
            {
                return Some(variable);
            }
            here = info.parent;
        }
        None
    }

    /// What a bare name may be, from the scope that it stands in outwards.
    pub(super) fn name(&mut self, expr: ExprId, name: Sym) -> Rc<Set> {
        let (own, start) = (self.facts.expr(expr).scope, self.facts.expr(expr).start);
        let mut all = Union::empty();
        let mut here = Some(own);
        for _ in 0..SCOPE_DEPTH_MAX {
            let Some(scope) = here else { return self.free(name, all) };
            let scope = self.facts.redirects.get(&(scope.0, name.0)).copied().unwrap_or(scope);
            let info = self.facts.scope(scope).clone();
            here = info.parent;
            match info.kind {
                ScopeKind::Class if scope != own => continue,
                ScopeKind::With(object) => {
                    let member = self.attribute_of(object, name);
                    self.merge(all.own(), &member);
                    all.own().open = false;
                    continue;
                }
                _ => {}
            }
            let Some(variable) = self.facts.variable(scope, name) else { continue };
            let found = self.need(self.facts.variable_table[variable.at()].expr);
            self.unite(&mut all, &found);
            let fixed = !matches!(info.kind, ScopeKind::Module | ScopeKind::Class);
            if fixed || !self.knows(name) || self.surely_bound(variable, scope, own, start) {
                return all.finish();
            }
        }
        self.limit = self.limit.or(Some("scope depth"));
        self.open.clone()
    }

    /// A name that is bound nowhere else than `all` says.
    fn free(&mut self, name: Sym, mut all: Union) -> Rc<Set> {
        if all.is_empty()
            && self.star_foreign.is_empty()
            && self.star_modules.is_empty()
            && let Some(path) = self.paths.child(ROOT, name, &mut self.facts.symbols)
        {
            return self.only_path(path);
        }
        let all = std::mem::replace(all.own(), Set::empty());
        let found = self.global(name, all);
        self.kept(found)
    }

    /// Whether a name of a module or class has been bound when it is read at `start`, seen from the scope `own`: before
    /// that, it means what it means outside.
    pub(super) fn surely_bound(&self, variable: VarId, scope: ScopeId, own: ScopeId, start: u32) -> bool {
        let certain_from = self.facts.variable_table[variable.at()].certain_from;
        let mut straight = own;
        while self.facts.scope(straight).kind == ScopeKind::Block && straight != scope {
            let Some(parent) = self.facts.scope(straight).parent else { break };
            straight = parent;
        }
        if straight == scope { certain_from <= start } else { certain_from != u32::MAX }
    }

    /// A name that is bound nowhere: what the engine calls so, or what a star import brought.
    fn global(&mut self, name: Sym, mut all: Set) -> Set {
        if !self.star_foreign.is_empty() {
            let text = self.facts.symbols.text(name).clone();
            for module in self.star_foreign.clone() {
                let found = self.foreign_member(module, &text);
                let known = !found.values.is_empty() && !found.open;
                self.merge(&mut all, &found);
                all.open = false;
                if known {
                    return all;
                }
            }
        }
        let path = self.paths.child(ROOT, name, &mut self.facts.symbols);
        let Some(path) = path else { return Set::OPEN };
        self.add(&mut all, Value::Path(path));
        if self.star_modules.is_empty() || !self.knows(name) {
            return all;
        }
        for module in self.star_modules.clone() {
            if let Some(path) = self.paths.child(module, name, &mut self.facts.symbols) {
                self.add(&mut all, Value::Path(path));
            }
        }
        all
    }

    /// What the name `name` means at the top level of the file.
    pub(super) fn global_member(&mut self, name: Sym) -> Set {
        let mut all = Set::empty();
        if let Some(variable) = self.facts.variable(MODULE, name) {
            let found = self.need(self.facts.variable_table[variable.at()].expr);
            self.merge(&mut all, &found);
        }
        self.global(name, all)
    }

    /// `this` of the top level is the global object; in a function it depends on the call.
    pub(super) fn this(&mut self, expr: ExprId) -> Set {
        let mut scope = self.facts.expr(expr).scope;
        loop {
            let info = self.facts.scope(scope);
            match (info.kind, info.parent) {
                (ScopeKind::Function, _) => return Set::OPEN,
                (_, Some(parent)) => scope = parent,
                (_, None) => return Set::one(Value::Path(ROOT)),
            }
        }
    }
}
