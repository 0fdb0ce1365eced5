//! What calls of JavaScript say beside themselves, read from facts: for trees of both kinds.
//!
//! A function that is called where it stands knows its arguments, and a property that is defined by a call is assigned to.

use super::builder::Builder;
use super::{Argument, Assignment, Entry, ExprId, Kind, Span, Spread, Sym};

/// Entries of mappings that define properties at once and are taken apart.
const DEFINED_MAX: usize = 1024;

/// Notes what a call of `callee` hands to function literals, and which properties it defines.
pub(super) fn called(builder: &mut Builder<'_>, callee: ExprId, arguments: &[Argument]) {
    if let Kind::Function(function) = *builder.facts.kind(callee) {
        for (index, argument) in given(arguments) {
            builder.give(function, index, argument.value);
        }
    }
    let Kind::Attribute { object, name } = *builder.facts.kind(callee) else { return };
    match (builder.facts.text(name), builder.facts.kind(object)) {
        ("then", _) => call_back(builder, arguments, |_| object),
        ("map" | "forEach" | "filter" | "some" | "every" | "find" | "flatMap", _) => {
            call_back(builder, arguments, |builder| builder.synthetic(Kind::Element(object), object));
        }
        ("call", &Kind::Function(function)) => {
            for (index, argument) in given(arguments.get(1..).unwrap_or_default()) {
                builder.give(function, index, argument.value);
            }
        }
        ("defineProperty", _) => define_one(builder, arguments),
        ("defineProperties", _) => define_all(builder, arguments),
        ("assign", &Kind::Name(class)) if builder.facts.text(class) == "Object" => assign_all(builder, arguments),
        ("__defineGetter__", _) => define_getter(builder, object, arguments),
        _ => {}
    }
}

/// The arguments up to the first that stands for several.
fn given(arguments: &[Argument]) -> impl Iterator<Item = (usize, &Argument)> {
    arguments.iter().enumerate().take_while(|(_, one)| one.spread == Spread::No)
}

/// What a function literal that is the first argument is called with: the module of `import(x).then((m) => …)`, the
/// elements of `[x].forEach((f) => …)`.
fn call_back(builder: &mut Builder<'_>, arguments: &[Argument], value: impl FnOnce(&mut Builder<'_>) -> ExprId) {
    let Some(&Kind::Function(function)) = arguments.first().map(|first| builder.facts.kind(first.value)) else {
        return;
    };
    let value = value(builder);
    builder.give(function, 0, value);
}

/// `Object.defineProperty(object, "name", { value })`.
fn define_one(builder: &mut Builder<'_>, arguments: &[Argument]) {
    let &[object, key, descriptor, ..] = arguments else { return };
    let Some(name) = constant_name(builder, key.value) else { return };
    if let Some(value) = described(builder, descriptor.value) {
        set(builder, object.value, name, value);
    }
}

/// `Object.defineProperties(object, { name: { value } })`.
fn define_all(builder: &mut Builder<'_>, arguments: &[Argument]) {
    let &[object, descriptors, ..] = arguments else { return };
    for (name, descriptor) in named_entries(builder, descriptors.value) {
        if let Some(value) = described(builder, descriptor) {
            set(builder, object.value, name, value);
        }
    }
}

/// `Object.assign(object, { name: value })`.
fn assign_all(builder: &mut Builder<'_>, arguments: &[Argument]) {
    let Some((object, sources)) = arguments.split_first() else { return };
    for source in sources {
        for (name, value) in named_entries(builder, source.value) {
            set(builder, object.value, name, value);
        }
    }
}

/// `object.__defineGetter__("name", () => value)`.
fn define_getter(builder: &mut Builder<'_>, object: ExprId, arguments: &[Argument]) {
    let &[key, getter, ..] = arguments else { return };
    if let Some(name) = constant_name(builder, key.value) {
        let value = got(builder, getter.value);
        set(builder, object, name, value);
    }
}

/// What a getter gives: the result of calling it.
pub(super) fn got(builder: &mut Builder<'_>, getter: ExprId) -> ExprId {
    let arguments = Span { start: 0, end: 0 };
    builder.synthetic(Kind::Call { callee: getter, arguments }, getter)
}

/// The value that a descriptor written as a literal gives a property.
fn described(builder: &mut Builder<'_>, descriptor: ExprId) -> Option<ExprId> {
    let entries = named_entries(builder, descriptor);
    let of =
        |wanted: &str| entries.iter().find(|(name, _)| builder.facts.text(*name) == wanted).map(|(_, value)| *value);
    if let Some(value) = of("value") {
        return Some(value);
    }
    let getter = of("get")?;
    Some(got(builder, getter))
}

/// The entries of a mapping that is written out, by their constant keys.
fn named_entries(builder: &mut Builder<'_>, mapping: ExprId) -> Vec<(Sym, ExprId)> {
    let Kind::Mapping(entries) = *builder.facts.kind(mapping) else { return Vec::new() };
    let entries: Vec<Entry> = builder.facts.entries[entries.range()].iter().take(DEFINED_MAX).copied().collect();
    let named = |entry: Entry| Some((constant_name(builder, entry.key?)?, entry.value));
    entries.into_iter().filter_map(named).collect()
}

fn constant_name(builder: &mut Builder<'_>, key: ExprId) -> Option<Sym> {
    let Kind::Text(text) = builder.facts.kind(key).clone() else { return None };
    Some(builder.facts.symbols.intern(&text))
}

/// Notes that the property `name` of `object` is set to `value`.
fn set(builder: &mut Builder<'_>, object: ExprId, name: Sym, value: ExprId) {
    let target = builder.synthetic(Kind::Attribute { object, name }, value);
    let (start, end) = (builder.facts.expr(value).start, builder.facts.expr(value).end);
    builder.facts.assignments.push(Assignment { target, value, start, end });
}
