//! Labels: where the values of an expression may come from, inside one file.
//!
//! A label is carried by the qualified name of a source (`flask.request`, `input()`) and by all that is reached from it,
//! and flows through assignments, operators, containers, calls of functions that are not known, parameters and returns.
//! Which names are sources, `crate::rules::Sources` says.

use super::arguments;
use super::limits;
use super::resolve::Resolver;
use super::values::{PathId, RESULT, ROOT, Value};
use crate::facts::{Dialect, ExprId, FunctionId, IdMap, IdSet, Kind};
use crate::rules::{Labels, Member, Text};

/// What is known of labels so far.
#[derive(Debug, Default)]
pub(super) struct LabelTables {
    paths: IdMap<u32, Labels>,
    parts: IdMap<Part, Labels>,
}

/// An expression that is asked for its labels, or for those of a member of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Part {
    expr: ExprId,
    is_member: bool,
}

/// A part that is being looked at.
struct Open {
    /// Where it stands among those that are not known yet, and the first of them that it leads back to.
    at: usize,
    low: usize,
    labels: Labels,
    /// What is still to be looked at.
    parts: Vec<Part>,
}

/// A search for labels.
#[derive(Default)]
struct Search {
    open: Vec<Open>,
    /// The parts that are not known yet, in the order in which they were begun, and where each of them stands.
    circle: Vec<Part>,
    places: IdMap<Part, usize>,
}

impl Resolver<'_> {
    /// Whether `expr` may come from a source with one of these labels.
    pub(super) fn comes_from(&mut self, expr: ExprId, labels: &[Text]) -> bool {
        let wanted = self.tables.sources.named(labels);
        !wanted.is_empty() && self.labels(expr).meet(wanted)
    }

    /// Notes that the parameters of a function carry labels.
    pub(super) fn label_parameters(&mut self, function: FunctionId, labels: Labels) {
        let function = &self.facts.functions[function.at()];
        for &name in function.parameters.iter().flatten() {
            if let (Some(variable), false) =
                (self.facts.variable(function.scope, name), self.facts.text(name) == "self")
            {
                self.parameter_labels.insert(variable.0, labels);
            }
        }
    }

    /// Where the values of `expr` may come from.
    ///
    /// What leads to one another in a circle comes from the same, so that each expression is looked at once (Tarjan, 1972).
    pub(super) fn labels(&mut self, expr: ExprId) -> Labels {
        if self.tables.sources.is_empty() {
            return Labels::NONE;
        }
        let first = Part { expr, is_member: false };
        if let Some(&known) = self.label_tables.parts.get(&first) {
            return known;
        }
        self.sites();
        let mut search = Search::default();
        self.begin(first, &mut search);
        while let Some(top) = search.open.last_mut() {
            let Some(part) = top.parts.pop() else {
                let Open { at, low, labels, .. } = search.open.pop().expect("there was a last one");
                if low == at {
                    let circle = search.circle.drain(at..);
                    self.label_tables.parts.extend(circle.map(|part| (part, labels)));
                }
                if let Some(outer) = search.open.last_mut() {
                    outer.labels = outer.labels.union(labels);
                    outer.low = outer.low.min(low);
                }
                continue;
            };
            if let Some(&known) = self.label_tables.parts.get(&part) {
                top.labels = top.labels.union(known);
            } else if let Some(&at) = search.places.get(&part) {
                top.low = top.low.min(at);
            } else {
                self.begin(part, &mut search);
            }
        }
        self.label_tables.parts.get(&first).copied().unwrap_or_default()
    }

    /// Begins to look at a part.
    fn begin(&mut self, part: Part, search: &mut Search) {
        let own = self.own_labels(part.expr);
        let labels = if part.is_member { own.without(self.tables.sources.whole) } else { own };
        let mut exprs = Vec::new();
        self.parts_of(part.expr, &mut exprs);
        let is_member = self.takes_member(part.expr, part.is_member);
        let parts = exprs.into_iter().map(|expr| Part { expr, is_member }).collect();
        let at = search.circle.len();
        search.circle.push(part);
        search.places.insert(part, at);
        search.open.push(Open { at, low: at, labels, parts });
    }

    /// Whether an expression hands on a single member of its parts.
    fn takes_member(&self, expr: ExprId, is_member: bool) -> bool {
        match *self.facts.kind(expr) {
            Kind::Attribute { .. } => true,
            Kind::Subscript { index, .. } => matches!(self.facts.kind(index), Kind::Text(_)),
            Kind::Call { callee, .. } => match *self.facts.kind(callee) {
                Kind::Attribute { name, .. } => {
                    matches!(self.facts.text(name), "get" | "pop" | "setdefault" | "has" | "keys")
                }
                _ => false,
            },
            Kind::Name(_) | Kind::Variable(_) | Kind::Choice(_) => is_member,
            _ => false,
        }
    }

    /// What a call carries by its name and its arguments.
    fn checked_labels(&mut self, callee: ExprId, own: crate::facts::Span) -> Labels {
        let sources = &self.tables.sources;
        if sources.checked.is_empty() {
            return Labels::NONE;
        }
        let mut hooks = Vec::new();
        if let Kind::Attribute { object, name } = *self.facts.kind(callee) {
            let members = sources.checked.member(self.facts.text(name)).iter();
            hooks.extend(members.filter(|member| self.is_written(object, &member.before)).map(|member| member.hook));
        }
        for value in &self.of(callee).values {
            if let Value::Path(path) = value {
                hooks.extend(sources.checked.named(self.paths.name(*path, &self.facts.symbols)));
            }
        }
        if hooks.is_empty() {
            return Labels::NONE;
        }
        let own = self.facts.arguments[own.range()].to_vec();
        let holds = |hook: &crate::rules::Hook| {
            let (checks, not_checks) = sources.checks(*hook);
            checks.iter().all(|check| arguments::holds(self, &own, check))
                && !not_checks.iter().any(|check| arguments::holds(self, &own, check))
        };
        hooks.into_iter().filter(holds).map(|hook| sources.of_hook(hook)).fold(Labels::NONE, Labels::union)
    }

    /// What an expression carries by its own name.
    fn own_labels(&mut self, expr: ExprId) -> Labels {
        let sources = &self.tables.sources;
        let mut labels = match *self.facts.kind(expr) {
            Kind::Attribute { object, name } => self.member_labels(sources.member_uses(self.facts.text(name)), object),
            Kind::Call { callee, arguments } => {
                let by_member = match *self.facts.kind(callee) {
                    Kind::Attribute { object, name } => {
                        self.member_labels(sources.member_calls(self.facts.text(name)), object)
                    }
                    _ => Labels::NONE,
                };
                self.checked_labels(callee, arguments).union(by_member)
            }
            Kind::Variable(variable) => {
                let own = self.parameter_labels.get(&variable.0).copied().unwrap_or_default();
                // What a call is a source of, the function that is handed to it is given.
                let call = self.handed_to(variable);
                return call.map_or(own, |call| own.union(self.own_labels(call)));
            }
            Kind::Name(_) | Kind::Subscript { .. } => Labels::NONE,
            _ => return Labels::NONE,
        };
        for value in &self.of(expr).values {
            if let Value::Path(path) | Value::Members(path) = value {
                labels = labels.union(self.labels_of_path(*path));
            }
        }
        labels
    }

    /// The labels of those members of `object` that are written as the rules say.
    fn member_labels(&self, members: &[Member], object: ExprId) -> Labels {
        let fits = |member: &&Member| self.is_written(object, &member.before);
        let labels = members.iter().filter(fits).map(|member| self.tables.sources.of_hook(member.hook));
        labels.fold(Labels::NONE, Labels::union)
    }

    /// Whether `object` is written as `before` says, innermost name first: `req` of `*.req.query` is a member of that name,
    /// or a variable, as conventional names count.
    pub(super) fn is_written(&self, object: ExprId, before: &[Text]) -> bool {
        let mut here = object;
        before.iter().enumerate().all(|(at, word)| match *self.facts.kind(here) {
            Kind::Attribute { object, name } => {
                here = object;
                self.facts.text(name) == word
            }
            Kind::Name(name) if at + 1 == before.len() => {
                self.facts.text(name) == word || (matches!(&**word, "req" | "request") && self.is_request(here))
            }
            _ => false,
        })
    }

    /// Whether a name is that of a request, as far as the calls of the file have been looked at.
    fn is_request(&self, name: ExprId) -> bool {
        let sites = self.call_sites.as_ref();
        sites.is_some_and(|sites| self.variable_of(name).is_some_and(|variable| sites.is_request(variable)))
    }

    /// The labels of a qualified name: its own, and those of what it is reached from.
    fn labels_of_path(&mut self, path: PathId) -> Labels {
        if let Some(&known) = self.label_tables.paths.get(&path.0) {
            return known;
        }
        let mut labels = Labels::NONE;
        let mut here = path;
        let mut is_member = false;
        while here != ROOT {
            let (parent, last) = self.paths.split(here);
            let last = &**self.facts.symbols.text(last);
            let own = if last == RESULT {
                self.tables.sources.of_call(self.paths.name(parent, &self.facts.symbols))
            } else {
                self.tables.sources.of_use(self.paths.name(here, &self.facts.symbols))
            };
            labels = labels.union(if is_member { own.without(self.tables.sources.whole) } else { own });
            is_member |= !matches!(last, RESULT | "items" | "values" | "copy" | "entries");
            here = parent;
        }
        self.label_tables.paths.insert(path.0, labels);
        labels
    }

    /// Whether a value may hang on what is bound in a scope by those who call its function.
    pub(super) fn hangs_on(&mut self, expr: ExprId, scope: crate::facts::ScopeId) -> bool {
        let mut seen = IdSet::from_iter([expr]);
        let mut todo = vec![expr];
        while let Some(one) = todo.pop() {
            if seen.len() > limits::KEY_STEPS_MAX * 4 {
                return true;
            }
            let variable = match *self.facts.kind(one) {
                Kind::Variable(variable) => Some(variable),
                _ => self.variable_of(one),
            };
            if let Some(variable) = variable {
                // `*rest` is no parameter of its own; it is bound to what is not known.
                let values = &self.facts.variable_table[variable.at()].values;
                let own = self.facts.variables.get(&(scope.0, self.name_of(one))) == Some(&variable);
                if (own && values.contains(&crate::facts::OPAQUE)) || self.is_parameter(variable) {
                    return true;
                }
            }
            if matches!(self.facts.kind(one), Kind::This | Kind::Function(_)) {
                return true;
            }
            let mut parts = Vec::new();
            self.parts_of(one, &mut parts);
            todo.extend(parts.into_iter().filter(|part| seen.insert(*part)));
        }
        false
    }

    fn name_of(&self, expr: ExprId) -> u32 {
        if let Kind::Name(name) = *self.facts.kind(expr) { name.0 } else { u32::MAX }
    }

    /// The expressions whose labels an expression takes over.
    fn parts_of(&mut self, expr: ExprId, parts: &mut Vec<ExprId>) {
        match self.facts.kind(expr).clone() {
            Kind::Name(_) => {
                parts.extend(self.variable_of(expr).map(|variable| self.facts.variable_table[variable.at()].expr))
            }
            Kind::Variable(variable) => {
                parts.extend_from_slice(&self.facts.variable_table[variable.at()].values);
                parts.extend(self.given_exprs(variable));
            }
            Kind::Attribute { object, name } => {
                parts.push(object);
                for value in &self.of(object).values.clone() {
                    if let Value::Instance(class) = value
                        && let Some(variable) = self.facts.variable(*class, name)
                    {
                        parts.push(self.facts.variable_table[variable.at()].expr);
                    }
                }
                parts.extend(self.member_values(object, name));
            }
            Kind::Subscript { object, .. } => parts.push(object),
            Kind::Call { callee, arguments } => self.parts_of_call(expr, callee, arguments, parts),
            Kind::Concat(items) | Kind::Choice(items) | Kind::Sequence(items) => {
                parts.extend_from_slice(&self.facts.lists[items.range()]);
            }
            Kind::Mapping(entries) => parts.extend(self.facts.entries[entries.range()].iter().map(|entry| entry.value)),
            Kind::Binary(_, left, right) => parts.extend([left, right]),
            Kind::Unary(_, inner) | Kind::Element(inner) | Kind::Entered(inner) => parts.push(inner),
            Kind::Comprehension { body, iterable, .. } => parts.extend([body, iterable]),
            _ => {}
        }
    }

    /// A call hands on what it is given, unless it makes something harmless of it; a function of the file what it returns.
    fn parts_of_call(&mut self, expr: ExprId, callee: ExprId, arguments: crate::facts::Span, parts: &mut Vec<ExprId>) {
        let callees = self.of(callee);
        let mut unknown = callees.open || callees.values.is_empty();
        for value in callees.values.clone() {
            match value {
                Value::Made(made) => match *self.facts.kind(made) {
                    Kind::Function(function) => {
                        let info = &self.facts.functions[function.at()];
                        parts.extend(info.returns.iter().chain(&info.yields));
                    }
                    _ => unknown = true,
                },
                Value::Path(path) => {
                    let name = self.paths.name(path, &self.facts.symbols);
                    unknown |= !is_harmless(name, self.facts.dialect);
                }
                _ => unknown = true,
            }
        }
        if unknown && expr != callee {
            if let Kind::Attribute { object, .. } = *self.facts.kind(callee) {
                parts.push(object);
            }
            parts.extend(self.facts.arguments[arguments.range()].iter().map(|argument| argument.value));
        }
    }
}

/// Whether a function makes something harmless of whatever it is given.
fn is_harmless(name: &str, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Python => matches!(
            name,
            "int"
                | "float"
                | "bool"
                | "len"
                | "hash"
                | "id"
                | "ord"
                | "isinstance"
                | "type"
                | "shlex.quote"
                | "html.escape"
                | "markupsafe.escape"
                | "re.escape"
                | "uuid.UUID"
                | "werkzeug.utils.secure_filename"
                | "os.path.basename"
                | "datetime.datetime.strptime"
        ),
        Dialect::JavaScript => matches!(
            name,
            "parseInt"
                | "parseFloat"
                | "Number"
                | "Boolean"
                | "BigInt"
                | "encodeURIComponent"
                | "encodeURI"
                | "escape"
                | "isNaN"
                | "Math.floor"
                | "DOMPurify.sanitize"
                | "path.basename"
        ),
    }
}
