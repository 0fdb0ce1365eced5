//! Whether the arguments of a call, or an assigned value, are what a rule asks for.

use std::rc::Rc;

use super::fold;
use super::limits;
use super::resolve::Resolver;
use super::values::{Set, Value};
use crate::facts::{Argument, Binary, Dialect, ExprId, Kind, Role, Spread};
use crate::rules::{Check, Expression, Is, Keyword, Test};

/// What is known of one argument.
pub(super) enum Given {
    /// It is not there.
    No,
    /// It may be there, in this expression that is spread into the call, or is no literal.
    Perhaps(ExprId),
    /// What it may be, and the expression that it is.
    Yes(Rc<Set>, ExprId),
}

/// Whether `arguments` are what `check` asks for.
pub(super) fn holds(resolver: &mut Resolver<'_>, arguments: &[Argument], check: &Check) -> bool {
    match (given(resolver, arguments, check), &check.test) {
        (Given::No, test) => matches!(test, Test::Is(Is::Absent)),
        (Given::Perhaps(spread), Test::From(from)) => resolver.comes_from(spread, from),
        (Given::Perhaps(_), test) => matches!(test, Test::Is(Is::Dynamic | Is::Present)),
        (Given::Yes(set, expr), test) => {
            expr_holds(resolver, expr, test).unwrap_or_else(|| set_holds(resolver, &set, test))
        }
    }
}

/// The tests that are asked of an expression, not of its values: where it comes from, what it is put together of. `None` for
/// all others.
fn expr_holds(resolver: &mut Resolver<'_>, expr: ExprId, test: &Test) -> Option<bool> {
    match test {
        Test::From(from) => Some(resolver.comes_from(expr, from)),
        Test::Text(regex) => Some(resolver.all_texts(expr).iter().any(|text| regex.get().is_match(text))),
        Test::Is(Is::Arithmetic) => Some(resolver.is_arithmetic(expr)),
        Test::Is(Is::Beside) => Some(resolver.is_beside(expr)),
        _ => None,
    }
}

/// Whether `arguments` surely are what `check` excepts: of a value that may be several things, all of them that the rule
/// asks for by `checks`.
pub(super) fn excepts(resolver: &mut Resolver<'_>, arguments: &[Argument], check: &Check, checks: &[Check]) -> bool {
    match (given(resolver, arguments, check), &check.test) {
        (Given::Yes(set, expr), Test::Value(regex)) if set.values.len() > 1 || resolver.is_default(expr) => {
            let dialect = resolver.facts.dialect;
            let is_asked_for = |value: &Value| {
                checks
                    .iter()
                    .filter(|one| (one.position, &one.keyword) == (check.position, &check.keyword))
                    .all(|one| !matches!(&one.test, Test::Value(asked) if !matches_value(value, asked.get(), dialect)))
            };
            let constants: Vec<Option<Value>> = set.values.iter().map(|value| constant(resolver, value)).collect();
            let excepted = |value: Option<Value>| {
                value.is_some_and(|value| !is_asked_for(&value) || matches_value(&value, regex.get(), dialect))
            };
            !resolver.is_default(expr) && constants.into_iter().all(excepted)
        }
        _ => holds(resolver, arguments, check),
    }
}

fn given(resolver: &mut Resolver<'_>, arguments: &[Argument], check: &Check) -> Given {
    match (resolver.facts.dialect, &check.keyword) {
        (Dialect::Python, Some(Keyword::Named(keyword))) => {
            python_argument(resolver, arguments, check.position, keyword)
        }
        (Dialect::JavaScript, Some(Keyword::Named(key))) => {
            javascript_argument(resolver, arguments, check.position, key)
        }
        _ => check.position.map_or(Given::No, |position| at_position(resolver, arguments, position)),
    }
}

/// Whether an assigned, passed or compared value is what `check` asks for.
pub(super) fn value_holds(resolver: &mut Resolver<'_>, value: ExprId, check: &Check) -> bool {
    if let Some(holds) = expr_holds(resolver, value, &check.test) {
        return holds;
    }
    let judged = if matches!(check.test, Test::Is(Is::Dynamic)) { added(resolver, value) } else { value };
    let set = resolver.of(judged);
    set_holds(resolver, &set, &check.test)
}

/// What `a.b += c` adds. What `a.b` held before is not known here, and was judged where it was written.
pub(super) fn added(resolver: &Resolver<'_>, value: ExprId) -> ExprId {
    let expr = resolver.facts.expr(value);
    match expr.kind {
        Kind::Binary(Binary::Add, target, right)
            if expr.role == Role::Synthetic && matches!(resolver.facts.kind(target), Kind::Attribute { .. }) =>
        {
            right
        }
        _ => value,
    }
}

/// Whether a value surely is a constant.
pub(super) fn surely_constant(resolver: &mut Resolver<'_>, value: ExprId) -> bool {
    let set = resolver.of(value);
    is_constant(resolver, &set)
}

fn python_argument(resolver: &mut Resolver<'_>, arguments: &[Argument], position: Option<u16>, keyword: &str) -> Given {
    let mut perhaps = None;
    for argument in arguments {
        let named = argument.keyword.is_some_and(|name| resolver.facts.text(name) == keyword);
        if named {
            return Given::Yes(resolver.of(argument.value), argument.value);
        }
        if argument.spread == Spread::Keyword {
            match key_of(resolver, argument.value, keyword) {
                Given::Perhaps(spread) => perhaps = Some(spread),
                Given::No => {}
                given @ Given::Yes(..) => return given,
            }
        }
    }
    match (position.map(|position| at_position(resolver, arguments, position)), perhaps) {
        (Some(given @ (Given::Yes(..) | Given::Perhaps(_))), _) => given,
        (_, Some(spread)) => Given::Perhaps(spread),
        _ => Given::No,
    }
}

fn javascript_argument(resolver: &mut Resolver<'_>, arguments: &[Argument], position: Option<u16>, key: &str) -> Given {
    if let Some(position) = position {
        return match arguments.get(usize::from(position)) {
            Some(argument) => key_of(resolver, argument.value, key),
            None => Given::No,
        };
    }
    for argument in arguments.iter().take(limits::VALUES_MAX) {
        let given = key_of(resolver, argument.value, key);
        if matches!(given, Given::Yes(..)) {
            return given;
        }
    }
    Given::No
}

/// What a literal mapping holds under a key.
fn key_of(resolver: &mut Resolver<'_>, mapping: ExprId, key: &str) -> Given {
    let set = resolver.of(mapping);
    let mut all = Set::empty();
    let mut mappings = 0;
    for value in &set.values {
        if let Value::Record(made) = value {
            let found = resolver.settled(|resolver| resolver.record_member(*made, key));
            mappings += 1;
            resolver.merge(&mut all, &found);
            continue;
        }
        let Value::Made(made) = value else { continue };
        if matches!(resolver.facts.kind(*made), Kind::Mapping(_)) {
            mappings += 1;
            let found = resolver.settled(|resolver| resolver.entry(*made, key));
            resolver.merge(&mut all, &found);
        }
    }
    // `options.shell = true` after the mapping was made.
    let name = resolver.facts.symbols.intern(key);
    for value in resolver.member_values(mapping, name) {
        let found = resolver.of(value);
        resolver.merge(&mut all, &found);
    }
    if all.values.is_empty() && mappings > 0 && has_key(resolver, &set, key) {
        return Given::Yes(Rc::new(Set::OPEN), mapping);
    }
    match (all.values.is_empty(), mappings) {
        (false, _) => Given::Yes(Rc::new(all), mapping),
        (true, 0) => Given::Perhaps(mapping),
        (true, _) => Given::No,
    }
}

fn has_key(resolver: &Resolver<'_>, set: &Set, key: &str) -> bool {
    set.values.iter().any(|value| {
        let Value::Made(made) = value else { return false };
        let Kind::Mapping(entries) = *resolver.facts.kind(*made) else { return false };
        resolver.facts.entries[entries.range()].iter().any(|entry| {
            entry.key.is_some_and(|own| matches!(resolver.facts.kind(own), Kind::Text(text) if **text == *key))
        })
    })
}

/// The argument at a position; a literal list that is spread is taken apart.
pub(super) fn at_position(resolver: &mut Resolver<'_>, arguments: &[Argument], position: u16) -> Given {
    let mut left = usize::from(position);
    for argument in arguments.iter().filter(|argument| argument.keyword.is_none()) {
        match argument.spread {
            Spread::No if left == 0 => return Given::Yes(resolver.of(argument.value), argument.value),
            Spread::No => left -= 1,
            Spread::Keyword => {}
            Spread::Positional => {
                let set = resolver.of(argument.value);
                let [Value::Made(made)] = set.values.as_slice() else { return Given::Perhaps(argument.value) };
                let Kind::Sequence(items) = *resolver.facts.kind(*made) else { return Given::Perhaps(argument.value) };
                let items = items.range();
                if left < items.len() {
                    let item = resolver.facts.lists[items.start + left];
                    return Given::Yes(resolver.of(item), item);
                }
                left -= items.len();
            }
        }
    }
    Given::No
}

fn set_holds(resolver: &mut Resolver<'_>, set: &Set, test: &Test) -> bool {
    let dialect = resolver.facts.dialect;
    match test {
        Test::Is(Is::Present) => true,
        Test::Is(Is::Absent | Is::Arithmetic | Is::Beside) => false,
        Test::Is(Is::Constant) => is_constant(resolver, set),
        Test::Is(Is::Dynamic) => !is_function(resolver, set) && !is_constant(resolver, set),
        Test::Is(Is::Truthy) => set.values.iter().any(|value| truth(resolver, value, dialect) == Some(true)),
        Test::Is(Is::Falsy) => set.values.iter().any(|value| truth(resolver, value, dialect) == Some(false)),
        Test::Is(Is::Text) => set.values.iter().any(|value| matches!(value, Value::Text(_) | Value::Built)),
        Test::Is(Is::Built) => set.values.iter().any(|value| matches!(value, Value::Built)),
        // Where a value comes from and what it is put together of is asked of its expression.
        Test::From(_) | Test::Text(_) => false,
        Test::Value(regex) => {
            let constants: Vec<Value> = set.values.iter().filter_map(|value| constant(resolver, value)).collect();
            constants.iter().any(|value| matches_value(value, regex.get(), dialect))
        }
    }
}

fn constant(resolver: &mut Resolver<'_>, value: &Value) -> Option<Value> {
    let folded = resolver.settled(|resolver| resolver.as_constant(value));
    if folded.is_some() {
        return folded;
    }
    // Of a literal list that is known in part, the parts that are known.
    let Value::Made(made) = value else { return None };
    let Kind::Sequence(items) = *resolver.facts.kind(*made) else { return None };
    let items: Vec<ExprId> = resolver.facts.lists[items.range()].iter().copied().take(limits::ELEMENTS_MAX).collect();
    let known: Vec<Value> = items.iter().filter_map(|&item| resolver.of(item).constant().cloned()).collect();
    Some(Value::List(known.into()))
}

fn matches_value(value: &Value, regex: &Expression, dialect: Dialect) -> bool {
    match value {
        Value::List(items) => items.iter().any(|item| match item {
            Value::List(_) => false,
            item => matches_value(item, regex, dialect),
        }),
        Value::Bytes(bytes) => regex.is_match(&String::from_utf8_lossy(bytes)),
        value => fold::display(value, dialect).is_some_and(|text| regex.is_match(&text)),
    }
}

fn is_constant(resolver: &mut Resolver<'_>, set: &Set) -> bool {
    !set.open && !set.values.is_empty() && set.values.iter().all(|value| is_constant_value(resolver, value))
}

fn is_constant_value(resolver: &mut Resolver<'_>, value: &Value) -> bool {
    if resolver.settled(|resolver| resolver.as_constant(value)).is_some() {
        return true;
    }
    let Value::Made(made) = value else { return false };
    let Kind::Mapping(entries) = *resolver.facts.kind(*made) else { return false };
    let values: Vec<ExprId> = resolver.facts.entries[entries.range()].iter().map(|entry| entry.value).collect();
    values.into_iter().all(|value| resolver.of(value).constant().is_some())
}

fn is_function(resolver: &Resolver<'_>, set: &Set) -> bool {
    let function = |value: &Value| match value {
        Value::Made(made) => matches!(resolver.facts.kind(*made), Kind::Function(_) | Kind::Class { .. }),
        Value::Partial(_) | Value::Returning(_) => true,
        _ => false,
    };
    !set.values.is_empty() && set.values.iter().all(function)
}

fn truth(resolver: &mut Resolver<'_>, value: &Value, dialect: Dialect) -> Option<bool> {
    match value {
        Value::Made(made) => Some(match *resolver.facts.kind(*made) {
            Kind::Sequence(items) => !items.range().is_empty() || dialect == Dialect::JavaScript,
            Kind::Mapping(entries) => !entries.range().is_empty() || dialect == Dialect::JavaScript,
            _ => true,
        }),
        Value::Instance(_) => Some(true),
        value => fold::truthy(value, dialect),
    }
}
