//! Statements and definitions that rules ask for.

use super::arguments;
use super::matcher::{Hit, Matching};
use crate::facts::statements::{Definition, DefinitionKind, Statement, StatementKind};
use crate::facts::{Argument, ExprId, Kind, Span};
use crate::rules::{Check, Hook, Labels, Names, StatementWord, Text, What};

impl Matching<'_, '_> {
    /// Definitions of functions and classes.
    pub(super) fn definitions(&mut self) {
        if self.tables.definitions.is_empty() {
            return;
        }
        for definition in self.resolver.facts.shape.definitions.clone() {
            let hooks = self.defined_hooks(&definition, &self.tables.definitions);
            for hook in hooks {
                if !self.is_defined(hook, &definition) {
                    continue;
                }
                if !self.rules.hooked(hook).1.gives.is_empty() {
                    self.given_back(hook, &definition);
                } else {
                    let (start, end) = (definition.start as usize, definition.head_end as usize);
                    self.hit(hook, Hit::plain(hook.rule, start, end.max(start)));
                }
            }
        }
    }

    /// Notes a hit for each value that a function gives back and that is what the rule asks for.
    fn given_back(&mut self, hook: Hook, definition: &Definition) {
        let Some(function) = definition.function else { return };
        let matcher = self.rules.hooked(hook).1;
        for value in self.resolver.facts.functions[function.at()].returns.clone() {
            if matcher.gives.iter().all(|check| arguments::value_holds(&mut self.resolver, value, check)) {
                let (start, end) = self.place(value);
                self.hit(hook, Hit::plain(hook.rule, start, end));
            }
        }
    }

    /// Tells the resolver which parameters carry labels: those of functions that are sources, but for `self`.
    pub(super) fn label_parameters(&mut self) {
        let sources = &self.tables.sources;
        if sources.definitions.is_empty() {
            return;
        }
        for definition in self.resolver.facts.shape.definitions.clone() {
            let Some(function) = definition.function else { continue };
            let mut labels = Labels::NONE;
            for hook in self.defined_hooks(&definition, &sources.definitions) {
                if self.is_defined(hook, &definition) {
                    labels = labels.union(sources.of_hook(hook));
                }
            }
            if !labels.is_empty() {
                self.resolver.label_parameters(function, labels);
            }
        }
    }

    fn defined_hooks(&mut self, definition: &Definition, names: &Names) -> Vec<Hook> {
        let Some(name) = definition.name else { return names.every.clone() };
        let text = self.resolver.facts.symbols.text(name);
        let mut hooks = names.like(text);
        hooks.extend(names.named(text));
        hooks
    }

    fn is_defined(&mut self, hook: Hook, definition: &Definition) -> bool {
        let matcher = self.rules.hooked(hook).1;
        let What::Define { decorated, base, .. } = &matcher.what else { return false };
        let is_class = definition.kind == DefinitionKind::Class;
        (base.is_empty() || (is_class && self.is_one_of(base, definition.bases)))
            && (decorated.is_empty() || self.is_one_of(decorated, definition.decorators))
            && matcher.checks.iter().all(|check| self.has_default(check, definition.defaults))
            && !matcher.not_checks.iter().any(|check| self.has_default(check, definition.defaults))
    }

    /// Whether one of the parameters that a check means has a default value that it asks for.
    fn has_default(&mut self, check: &Check, defaults: Span) -> bool {
        let defaults: Vec<Argument> = self.resolver.facts.arguments[defaults.range()].to_vec();
        let Some(keyword) = &check.keyword else { return false };
        defaults.into_iter().any(|default| {
            let is_meant = default.keyword.is_some_and(|name| keyword.is(self.resolver.facts.symbols.text(name)));
            is_meant && arguments::value_holds(&mut self.resolver, default.value, check)
        })
    }

    /// Whether one of a list of expressions is one of these names, or a call of one.
    fn is_one_of(&mut self, names: &[Text], list: Span) -> bool {
        let list: Vec<ExprId> = self.resolver.facts.lists[list.range()].to_vec();
        list.into_iter().any(|expr| self.is_made_by(names, expr) || self.ends_in(names, expr))
    }

    /// Whether an expression, or what it calls, is a member that one of these names as `*.name`.
    fn ends_in(&mut self, names: &[Text], expr: ExprId) -> bool {
        let expr = match *self.resolver.facts.kind(expr) {
            Kind::Call { callee, .. } => callee,
            _ => expr,
        };
        let Some(last) = self.last_name(expr) else { return false };
        let last = self.resolver.facts.symbols.text(last).clone();
        names.iter().any(|name| name.strip_prefix("*.").is_some_and(|name| name == &*last))
    }

    /// Statements, and what handlers catch.
    pub(super) fn statements(&mut self) {
        if self.tables.statements.is_empty() {
            return;
        }
        for statement in self.resolver.facts.shape.statements.clone() {
            for &hook in &self.tables.statements {
                let What::Statement { kinds, exceptions } = &self.rules.hooked(hook).1.what else { continue };
                let is_meant = kinds.iter().any(|kind| is_kind(*kind, statement.kind));
                if is_meant && (exceptions.is_empty() || self.catches(exceptions, &statement)) {
                    self.hit(hook, Hit::plain(hook.rule, statement.start as usize, statement.end as usize));
                }
            }
        }
    }

    fn catches(&mut self, exceptions: &[Text], statement: &Statement) -> bool {
        if statement.types.range().is_empty() {
            return exceptions.iter().any(|name| name == "*");
        }
        self.is_one_of(exceptions, statement.types)
    }
}

fn is_kind(word: StatementWord, kind: StatementKind) -> bool {
    match word {
        StatementWord::Assert => kind == StatementKind::Assert,
        StatementWord::With => kind == StatementKind::With,
        StatementWord::Debugger => kind == StatementKind::Debugger,
        StatementWord::ExceptPass => kind == StatementKind::ExceptPass,
        StatementWord::ExceptContinue => kind == StatementKind::ExceptContinue,
        StatementWord::Except => {
            matches!(kind, StatementKind::Except | StatementKind::ExceptPass | StatementKind::ExceptContinue)
        }
    }
}
