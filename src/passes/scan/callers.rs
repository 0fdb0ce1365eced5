//! From call sites to parameters: what the functions of the file are given by those who call them.

use std::rc::Rc;

use super::limits;
use super::resolve::Resolver;
use super::values::{Set, Union, Value};
use crate::facts::{
    Argument, Dialect, ExprId, Facts, FunctionId, IdMap, IdSet, Kind, ScopeId, ScopeKind, Spread, Sym, VarId,
};

/// Who calls which function.
#[derive(Debug, Default)]
pub(super) struct CallSites {
    /// Which parameter of which function a variable is.
    parameters: IdMap<u32, (FunctionId, usize)>,
    /// Of which function a variable holds the keywords that no parameter has: `**options`.
    keywords: IdMap<u32, FunctionId>,
    /// The functions that have a name, and the classes by their scopes.
    functions: IdMap<FunctionId, Named>,
    classes: IdMap<ScopeId, Named>,
    /// Calls of variables that hold nothing but functions and classes of the file: they call nothing else.
    direct: IdMap<VarId, Vec<ExprId>>,
    /// All other calls, by the last name of what is called.
    calls: IdMap<Sym, Vec<ExprId>>,
    /// Calls that a function is handed to, by its name.
    handed: IdMap<Sym, Vec<ExprId>>,
    /// Calls that a function which stands among their arguments is handed to.
    inline: IdMap<FunctionId, ExprId>,
    /// Parameters that are requests of a web server, whatever they are called.
    requests: IdSet<u32>,
}

/// A function or class that has a name.
#[derive(Debug)]
struct Named {
    /// The expression that makes it.
    made: ExprId,
    /// What it is called, and the variables that hold it, sorted.
    held: Vec<(Sym, VarId)>,
}

/// Methods that register what answers requests: `app.get("/", (q, r) => …)`.
const REGISTERS: [&str; 9] = ["get", "post", "put", "patch", "delete", "all", "use", "route", "createServer"];

impl CallSites {
    /// The call sites of a file; `variable_of` is the variable that a bare name is.
    fn of(facts: &Facts, variable_of: impl Fn(ExprId) -> Option<VarId>) -> Self {
        let mut sites = Self::default();
        for (at, function) in facts.functions.iter().enumerate() {
            let id = FunctionId(u32::try_from(at).unwrap_or(u32::MAX));
            for (index, name) in function.parameters.iter().enumerate() {
                let Some(variable) = name.and_then(|name| facts.variable(function.scope, name)) else { continue };
                sites.parameters.insert(variable.0, (id, index));
            }
            let rest = function.keywords.and_then(|name| facts.variable(function.scope, name));
            sites.keywords.extend(rest.map(|variable| (variable.0, id)));
        }
        for (&(_, name), &variable) in &facts.variables {
            for &value in facts.variable_table[variable.at()].values.iter().take(limits::VALUES_MAX) {
                let named = || Named { made: value, held: Vec::new() };
                let named = match *facts.kind(value) {
                    Kind::Function(function) => sites.functions.entry(function).or_insert_with(named),
                    Kind::Class { scope, .. } => sites.classes.entry(scope).or_insert_with(named),
                    _ => continue,
                };
                named.held.push((Sym(name), variable));
            }
        }
        let named = sites.functions.values_mut().chain(sites.classes.values_mut());
        named.for_each(|named| named.held.sort_unstable());
        for (at, expr) in facts.exprs.iter().enumerate() {
            let Kind::Call { callee, arguments } = expr.kind else { continue };
            let call = ExprId(u32::try_from(at).unwrap_or(u32::MAX));
            if let Some(variable) = variable_of(callee).filter(|&variable| facts.is_defined(variable)) {
                sites.direct.entry(variable).or_default().push(call);
            } else if let Kind::Name(name) | Kind::Attribute { name, .. } = *facts.kind(callee) {
                sites.calls.entry(name).or_default().push(call);
            }
            sites.note_request(facts, callee, &facts.arguments[arguments.range()]);
            for argument in &facts.arguments[arguments.range()] {
                if let Kind::Function(function) = *facts.kind(argument.value) {
                    sites.inline.insert(function, call);
                }
            }
            for argument in facts.arguments[arguments.range()].iter().take(2) {
                if let Kind::Name(name) = *facts.kind(argument.value) {
                    sites.handed.entry(name).or_default().push(call);
                }
            }
        }
        sites
    }

    /// Notes the request among the parameters of a function that a call registers: the first of two or three, and the
    /// second of four, which are those of a handler of errors.
    fn note_request(&mut self, facts: &Facts, callee: ExprId, arguments: &[Argument]) {
        let Kind::Attribute { name, .. } = *facts.kind(callee) else { return };
        if facts.dialect != Dialect::JavaScript || !REGISTERS.contains(&facts.text(name)) {
            return;
        }
        for argument in arguments.iter().take(limits::VALUES_MAX) {
            let Kind::Function(function) = *facts.kind(argument.value) else { continue };
            let function = &facts.functions[function.at()];
            let request = match function.parameters.len() {
                2 | 3 => function.parameters[0],
                4 => function.parameters[1],
                _ => None,
            };
            self.requests.extend(request.and_then(|name| facts.variable(function.scope, name)).map(|one| one.0));
        }
    }

    /// The calls that may be of a function or class that such a variable holds, by its name.
    fn of_name(&self, (name, variable): (Sym, VarId)) -> impl Iterator<Item = ExprId> {
        let direct = self.direct.get(&variable).into_iter().flatten().take(limits::CALL_SITES_MAX);
        direct.chain(self.calls.get(&name).into_iter().flatten().take(limits::CALL_SITES_MAX)).copied()
    }

    /// Whether a variable is the request that a function of a web server answers.
    pub(super) fn is_request(&self, variable: VarId) -> bool {
        self.requests.contains(&variable.0)
    }
}

impl Resolver<'_> {
    /// Adds to a parameter what the calls of its function in the file give it.
    pub(super) fn given(&mut self, variable: VarId, all: &mut Union) {
        if self.facts.functions.is_empty() {
            return;
        }
        let sites = self.sites();
        let Some(&(function, index)) = sites.parameters.get(&variable.0) else {
            return self.given_keywords(variable, &sites, all);
        };
        let Some(&Named { made, ref held }) = sites.functions.get(&function) else { return };
        let scope = self.facts.functions[function.at()].scope;
        let outer = self.facts.scope(scope).parent;
        let class = outer.filter(|&outer| self.facts.scope(outer).kind == ScopeKind::Class);
        let shift = usize::from(class.is_some() && self.facts.dialect == Dialect::Python);
        for &called in held {
            for call in sites.of_name(called) {
                self.given_by(call, made, (function, index), shift, all);
            }
            if index == shift {
                for &call in sites.handed.get(&called.0).into_iter().flatten().take(limits::CALL_SITES_MAX) {
                    let found = self.handed(call, made);
                    if found != Set::empty() {
                        self.merge(all.own(), &found);
                    }
                }
            }
            let constructs = matches!(self.facts.text(called.0), "__init__" | "__new__" | "constructor");
            if let (true, Some(class)) = (constructs, class.and_then(|class| sites.classes.get(&class))) {
                let calls = class.held.iter().flat_map(|&held| sites.of_name(held)).take(limits::CALL_SITES_MAX);
                for call in calls {
                    self.given_by(call, class.made, (function, index), shift, all);
                }
            }
        }
    }

    /// Adds to `**options` the calls whose keywords it holds.
    fn given_keywords(&mut self, variable: VarId, sites: &CallSites, all: &mut Union) {
        let Some(&function) = sites.keywords.get(&variable.0) else { return };
        let Some(&Named { made, ref held }) = sites.functions.get(&function) else { return };
        for &called in held {
            for call in sites.of_name(called) {
                let Kind::Call { callee, arguments } = *self.facts.kind(call) else { continue };
                let named = self.facts.arguments[arguments.range()].iter().any(|argument| argument.keyword.is_some());
                if named && self.need(callee).values.contains(&Value::Made(made)) {
                    self.add(all.own(), Value::Record(call));
                }
            }
        }
    }

    /// Adds what one call gives to a parameter, if it calls what `made` makes. `shift` is what comes before the arguments.
    fn given_by(
        &mut self,
        call: ExprId,
        made: ExprId,
        (function, index): (FunctionId, usize),
        shift: usize,
        all: &mut Union,
    ) {
        let Kind::Call { callee, .. } = *self.facts.kind(call) else { return };
        let Some(given) = self.argument_for(call, (function, index), shift) else { return };
        if self.need(callee).values.contains(&Value::Made(made)) {
            let set = self.need(given);
            self.unite(all, &set);
        }
    }

    /// The argument that a call gives to a parameter.
    fn argument_for(&self, call: ExprId, (function, index): (FunctionId, usize), shift: usize) -> Option<ExprId> {
        let Kind::Call { arguments, .. } = *self.facts.kind(call) else { return None };
        let name = self.facts.functions[function.at()].parameters[index];
        let own = &self.facts.arguments[arguments.range()];
        let by_name = own.iter().find(|argument| argument.keyword.is_some() && argument.keyword == name);
        let mut positional = own.iter().filter(|argument| argument.keyword.is_none());
        let spread = own.iter().take(index + 1).any(|argument| argument.spread != Spread::No);
        let at = index.checked_sub(shift).filter(|_| !spread);
        by_name.or_else(|| at.and_then(|at| positional.nth(at))).map(|given| given.value)
    }

    /// The expressions that calls of functions of that name give to a parameter, and what the function is handed to a method
    /// of: what is done over a list, after a promise or on an event is given what these hold.
    pub(super) fn given_exprs(&mut self, variable: VarId) -> Vec<ExprId> {
        let sites = self.sites();
        let Some(&(function, index)) = sites.parameters.get(&variable.0) else { return Vec::new() };
        let scope = self.facts.functions[function.at()].scope;
        let outer = self.facts.scope(scope).parent;
        let in_class = outer.is_some_and(|outer| self.facts.scope(outer).kind == ScopeKind::Class);
        let shift = usize::from(in_class && self.facts.dialect == Dialect::Python);
        let held = sites.functions.get(&function).into_iter().flat_map(|named| &named.held);
        let calls = held.flat_map(|&called| sites.of_name(called)).take(limits::CALL_SITES_MAX);
        let given = calls.filter_map(|call| self.argument_for(call, (function, index), shift));
        let receiver = sites.inline.get(&function).and_then(|&call| match *self.facts.kind(call) {
            Kind::Call { callee, .. } => match *self.facts.kind(callee) {
                Kind::Attribute { object, .. } => Some(object),
                _ => None,
            },
            _ => None,
        });
        given.chain(receiver).collect()
    }

    /// Whether a variable is a parameter.
    pub(super) fn is_parameter(&mut self, variable: VarId) -> bool {
        self.sites().parameters.contains_key(&variable.0)
    }

    /// Whether an expression is a parameter of which only the default value is known.
    pub(super) fn is_default(&mut self, expr: ExprId) -> bool {
        let sites = self.sites();
        let Some(variable) = self.variable_of(expr).filter(|one| sites.parameters.contains_key(&one.0)) else {
            return false;
        };
        let values = self.facts.variable_table[variable.at()].values.iter();
        values.filter(|&&value| value != crate::facts::OPAQUE).count() == 1 && self.given_exprs(variable).is_empty()
    }

    /// The call that the function of a parameter is handed to.
    pub(super) fn handed_to(&mut self, variable: VarId) -> Option<ExprId> {
        let sites = self.sites();
        let (function, _) = sites.parameters.get(&variable.0)?;
        sites.inline.get(function).copied()
    }

    pub(super) fn sites(&mut self) -> Rc<CallSites> {
        if let Some(known) = &self.call_sites {
            return known.clone();
        }
        let found = Rc::new(CallSites::of(&self.facts, |name| self.variable_of(name)));
        self.call_sites = Some(found.clone());
        found
    }

    /// What a function is given by what it is handed to: `promise.then(f)`, `list.map(f)`, `map(f, list)`.
    fn handed(&mut self, call: ExprId, made: ExprId) -> Set {
        let nothing = Set::empty();
        let Kind::Call { callee, arguments } = *self.facts.kind(call) else { return nothing };
        let own = self.facts.arguments[arguments.range()].to_vec();
        let Some(first) = own.first() else { return nothing };
        let over = match *self.facts.kind(callee) {
            Kind::Attribute { object, name } => match self.facts.text(name) {
                "then" => {
                    return match self.need(first.value).values.contains(&Value::Made(made)) {
                        true => (*self.need(object)).clone(),
                        false => nothing,
                    };
                }
                "map" | "forEach" | "filter" | "some" | "every" | "find" | "flatMap" => object,
                _ => return nothing,
            },
            Kind::Name(name) if matches!(self.facts.text(name), "map" | "filter") => match own.get(1) {
                Some(list) => list.value,
                None => return nothing,
            },
            _ => return nothing,
        };
        if self.need(first.value).values.contains(&Value::Made(made)) { self.element(over) } else { nothing }
    }
}
