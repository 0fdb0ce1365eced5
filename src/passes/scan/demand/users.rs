//! What uses what: the facts the other way round.

use super::Binding;
use crate::facts::{Dialect, ExprId, Facts, FunctionId, IdMap, Kind, ScopeId, Sym, VarId};

/// What may matter because an expression does.
#[derive(Clone, Copy, Debug)]
pub(super) enum User {
    /// An expression that is made of it, or a call of it.
    Expr(ExprId),
    /// A call that is given it, and as which of its arguments.
    Argument(ExprId, u32),
    /// A call of one of its methods.
    Receiver(ExprId),
    /// A variable that is given it.
    Variable(VarId),
    /// A function that gives it back.
    Function(FunctionId),
    /// A member that is given it, by its name.
    Member(Sym),
}

/// A list for each of many keys that are small numbers.
#[derive(Debug)]
pub(super) struct Lists<T> {
    /// Where the list of each key begins; it ends where the next begins.
    starts: Vec<u32>,
    pub(super) items: Vec<T>,
}

impl<T: Copy> Lists<T> {
    /// The lists of these pairs; a list keeps their order.
    fn of(keys: usize, pairs: &[(u32, T)]) -> Self {
        let Some(&(_, any)) = pairs.first() else { return Self { starts: vec![0; keys + 1], items: Vec::new() } };
        let mut starts = vec![0_u32; keys + 1];
        for (key, _) in pairs {
            starts[*key as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let (mut free, mut items) = (starts.clone(), vec![any; pairs.len()]);
        for (key, item) in pairs {
            let at = &mut free[*key as usize];
            items[*at as usize] = *item;
            *at += 1;
        }
        Self { starts, items }
    }

    /// Where the list of a key stands in `items`.
    pub(super) fn range(&self, key: usize) -> std::ops::Range<usize> {
        match (self.starts.get(key), self.starts.get(key + 1)) {
            (Some(&start), Some(&end)) => start as usize..end as usize,
            _ => 0..0,
        }
    }
}

/// What uses what in a region.
#[derive(Debug)]
pub(super) struct Users {
    /// What uses each expression.
    pub(super) of_expr: Lists<User>,
    /// The expressions that are each variable.
    pub(super) of_variable: Lists<ExprId>,
    /// The bare names that nothing binds, and those of which that is not known, by their names.
    pub(super) of_free: Lists<ExprId>,
    pub(super) of_doubtful: Lists<ExprId>,
    /// The members of anything, by their names.
    pub(super) of_member: Lists<ExprId>,
    /// Where each variable is at home, and what it is called there.
    pub(super) homes: Vec<Option<(ScopeId, Sym)>>,
    /// The expression that makes each function.
    pub(super) made: Vec<Option<ExprId>>,
    /// The expressions that make classes, by the classes' scopes.
    pub(super) classes: IdMap<ScopeId, Vec<ExprId>>,
}

impl Users {
    /// Looks through the facts once.
    pub(super) fn of(facts: &Facts, bindings: &[Binding]) -> Self {
        let mut pairs: Vec<(u32, User)> = Vec::with_capacity(facts.exprs.len() * 2);
        let (mut variables, mut free, mut doubtful, mut members) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut made = vec![None; facts.functions.len()];
        let mut classes: IdMap<ScopeId, Vec<ExprId>> = IdMap::default();
        let mut used = |part: ExprId, user: User| {
            // What is written out never matters, and there is much of it.
            if !facts.kind(part).is_written_out() {
                pairs.push((part.0, user));
            }
        };
        for (at, expr) in facts.exprs.iter().enumerate() {
            let id = ExprId(u32::try_from(at).unwrap_or(u32::MAX));
            each_part(facts, id, |part| used(part, User::Expr(id)));
            match &expr.kind {
                Kind::Name(name) => match bindings[at] {
                    Binding::Free => free.push((name.0, id)),
                    Binding::Variable(variable) => variables.push((variable.0, id)),
                    Binding::Doubtful => doubtful.push((name.0, id)),
                },
                Kind::Variable(variable) => variables.push((variable.0, id)),
                Kind::Attribute { name, .. } => members.push((name.0, id)),
                Kind::Subscript { index, .. } if facts.dialect == Dialect::JavaScript => {
                    if let Kind::Text(text) = facts.kind(*index)
                        && let Some(name) = facts.symbols.known(text)
                    {
                        members.push((name.0, id));
                    }
                }
                Kind::Call { callee, arguments } => {
                    for (position, argument) in (0..).zip(&facts.arguments[arguments.range()]) {
                        used(argument.value, User::Argument(id, position));
                    }
                    if let Kind::Attribute { object, .. } = *facts.kind(*callee) {
                        used(object, User::Receiver(id));
                    }
                }
                Kind::Function(function) => made[function.at()] = Some(id),
                Kind::Class { scope, .. } => classes.entry(*scope).or_default().push(id),
                _ => {}
            }
        }
        for (at, variable) in facts.variable_table.iter().enumerate() {
            let id = VarId(u32::try_from(at).unwrap_or(u32::MAX));
            variable.values.iter().for_each(|value| used(*value, User::Variable(id)));
        }
        for (at, function) in facts.functions.iter().enumerate() {
            let id = FunctionId(u32::try_from(at).unwrap_or(u32::MAX));
            function.returns.iter().chain(&function.yields).for_each(|value| used(*value, User::Function(id)));
        }
        for assignment in &facts.assignments {
            if let Kind::Attribute { name, .. } = *facts.kind(assignment.target) {
                used(assignment.value, User::Member(name));
            }
        }
        let mut homes = vec![None; facts.variable_table.len()];
        for (&(scope, name), &variable) in &facts.variables {
            homes[variable.at()] = Some((ScopeId(scope), Sym(name)));
        }
        let names = facts.symbols.len();
        Self {
            of_expr: Lists::of(facts.exprs.len(), &pairs),
            of_variable: Lists::of(facts.variable_table.len(), &variables),
            of_free: Lists::of(names, &free),
            of_doubtful: Lists::of(names, &doubtful),
            of_member: Lists::of(names, &members),
            homes,
            made,
            classes,
        }
    }
}

/// Calls `found` with each expression that another is made of, as far as it matters for that; arguments of calls apart.
fn each_part(facts: &Facts, id: ExprId, mut found: impl FnMut(ExprId)) {
    match *facts.kind(id) {
        Kind::Attribute { object, .. } => found(object),
        Kind::Subscript { object, index } => {
            found(object);
            found(index);
        }
        Kind::Call { callee, .. } => found(callee),
        Kind::Concat(items) | Kind::Choice(items) | Kind::Sequence(items) => {
            facts.lists[items.range()].iter().copied().for_each(found);
        }
        Kind::Class { bases, .. } => facts.lists[bases.range()].iter().copied().for_each(found),
        Kind::Mapping(entries) => {
            for entry in &facts.entries[entries.range()] {
                found(entry.value);
                entry.key.into_iter().for_each(&mut found);
            }
        }
        Kind::Binary(_, left, right) => {
            found(left);
            found(right);
        }
        Kind::Unary(_, inner) | Kind::Element(inner) | Kind::Entered(inner) | Kind::Decorated(inner) => found(inner),
        Kind::Comprehension { body, iterable, .. } => {
            found(body);
            found(iterable);
        }
        _ => {}
    }
}
