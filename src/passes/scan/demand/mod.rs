//! Which expressions can matter: those in which something that a rule names, or reflection, may be.
//!
//! Most code touches nothing that any rule knows, and is not looked at any further. What is found here is a generous bound:
//! a variable that is once given something that matters, matters wherever it is read, and so does every member of a name
//! that is once given such a thing. It costs a few passes over flat tables; nothing is resolved for it but which variable
//! a bare name is.

mod certain;
mod words;

use std::ops::Range;
use std::rc::Rc;

use super::limits;
use super::resolve::Resolver;
use certain::Certain;
use crate::facts::SCOPE_DEPTH_MAX;
use crate::facts::{Dialect, ExprId, FunctionId, IdMap, IdSet, Kind, ScopeId, ScopeKind, Span, Sym, VarId};

/// How far an expression can matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matter {
    No,
    /// It is a call of something that matters, or one that is given such a thing, and gives nothing of the kind back.
    InPart,
    /// It may be something that matters itself.
    Itself,
}

impl Matter {
    /// Whether rules are to be asked about it.
    pub(super) fn is_any(self) -> bool {
        self != Self::No
    }
}

/// What a bare name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binding {
    /// What the engine, or a library, calls so: the file binds it nowhere.
    Free,
    /// A variable.
    Variable(VarId),
    /// A variable, or what the name means further outside; or a member of what a `with` is about.
    Doubtful,
}

/// What is known to matter so far.
struct Marks {
    exprs: Vec<Matter>,
    /// What each expression that is a bare name means.
    bindings: Vec<Binding>,
    /// Which expressions surely are which qualified names.
    certain: Certain,
    /// Variables that are given something that matters.
    variables: Vec<bool>,
    /// Bare names that mean something that matters where nothing binds them.
    free: Vec<bool>,
    /// Bare names that mean something that matters to some variable of the name, or where nothing binds them.
    names: Vec<bool>,
    /// Members that are given something that matters, and those that lead to it, whatever they are members of.
    members: Vec<bool>,
    /// Those of them that are given it.
    given: Vec<bool>,
    functions: Vec<bool>,
    /// Classes whose objects behave like something that matters, by their scopes.
    classes: IdSet<ScopeId>,
    /// Variables that hold nothing but functions and classes of the file.
    defined: Vec<bool>,
    /// Variables that may be other names of a library.
    aliases: Vec<bool>,
    /// Functions with what comes before their arguments, sorted by what they are called, and where each name stands there.
    named: Vec<(FunctionId, usize)>,
    by_name: IdMap<Sym, Range<usize>>,
    /// All parameters by what they are called.
    parameters: IdMap<Sym, Vec<VarId>>,
    changed: bool,
}

impl Marks {
    fn is_marked(&self, expr: ExprId) -> bool {
        self.exprs[expr.at()] == Matter::Itself
    }

    fn set(table: &mut [bool], at: usize, changed: &mut bool) {
        if let Some(mark) = table.get_mut(at) {
            *changed |= !*mark;
            *mark = true;
        }
    }

    fn set_variable(&mut self, variable: VarId) {
        Self::set(&mut self.variables, variable.at(), &mut self.changed);
    }

    fn set_name(&mut self, name: Sym) {
        Self::set(&mut self.names, name.at(), &mut self.changed);
    }

    fn set_free(&mut self, name: Sym) {
        Self::set(&mut self.free, name.at(), &mut self.changed);
        self.set_name(name);
    }

    fn set_member(&mut self, name: Sym) {
        Self::set(&mut self.members, name.at(), &mut self.changed);
        Self::set(&mut self.given, name.at(), &mut self.changed);
    }
}

impl Resolver<'_> {
    /// For each expression of the region whether it can matter.
    pub(super) fn mattering(&mut self) -> Rc<[Matter]> {
        if let Some(known) = &self.matters {
            return known.clone();
        }
        let found: Rc<[Matter]> = self.find_mattering().into();
        self.matters = Some(found.clone());
        found
    }

    /// Whether an expression can matter; one that was added later can.
    pub(super) fn may_matter(&mut self, expr: ExprId) -> bool {
        self.mattering().get(expr.at()).is_none_or(|matter| matter.is_any())
    }

    /// Whether a call has arguments with names that rules ask for, whatever is called.
    pub(super) fn has_keywords(&mut self, expr: ExprId) -> bool {
        let Kind::Call { arguments, .. } = *self.facts.kind(expr) else { return false };
        let mut own = arguments.range();
        own.any(|at| self.facts.arguments[at].keyword.is_some_and(|name| self.is_keyword_wanted(name)))
    }

    /// Whether rules ask for arguments of a name.
    pub(super) fn is_keyword_wanted(&mut self, name: Sym) -> bool {
        let (keywords, symbols) = (&self.tables.keywords, &self.facts.symbols);
        *self.keywords.entry(name).or_insert_with(|| {
            let text = symbols.text(name);
            !keywords.named(text).is_empty() || !keywords.like(text).is_empty()
        })
    }

    fn find_mattering(&mut self) -> Vec<Matter> {
        let mut marks = self.first_marks();
        for _ in 0..limits::DEMAND_ROUNDS_MAX {
            marks.changed = false;
            self.mark_exprs(&mut marks);
            self.mark_names(&mut marks);
            if !marks.changed {
                return marks.exprs;
            }
        }
        // What has not settled by now is taken for all that it may be.
        vec![Matter::Itself; self.facts.exprs.len()]
    }

    /// What matters by its name alone, and all that the marking asks for again and again.
    fn first_marks(&mut self) -> Marks {
        let of_stars = self.star_names();
        let (dialect, count) = (self.facts.dialect, self.facts.symbols.len());
        let (mut free, mut names, mut members) = (vec![false; count], vec![false; count], vec![false; count]);
        // Of a library that a rule knows any name may have come.
        let any = !self.star_modules.is_empty();
        for at in 0..count {
            let name = Sym(u32::try_from(at).unwrap_or(u32::MAX));
            let (part, text) = (self.part(name), self.facts.text(name));
            let (as_name, as_member) = (words::leads_as_name(dialect, text), words::leads_as_member(dialect, text));
            names[at] = part.is_known() || as_name || as_member;
            free[at] = part.is_first() || as_name || (any && part.is_known());
            members[at] = part.is_member() || as_member;
        }
        for name in of_stars {
            (free[name.at()], names[name.at()]) = (true, true);
        }
        let bindings: Vec<Binding> = (0..self.facts.exprs.len())
            .map(|at| self.binding(ExprId(u32::try_from(at).unwrap_or(u32::MAX))))
            .collect();
        let certain = self.find_certain(&bindings);
        // What was found out by the way may have names that are new.
        for table in [&mut free, &mut names, &mut members] {
            table.resize(self.facts.symbols.len(), false);
        }
        let facts = &self.facts;
        let defines = |&value: &ExprId| matches!(facts.kind(value), Kind::Function(_) | Kind::Class { .. });
        let renames = |&value: &ExprId| {
            matches!(
                facts.kind(value),
                Kind::Imported(_) | Kind::Name(_) | Kind::Attribute { .. } | Kind::Choice(_) | Kind::Variable(_)
            )
        };
        let table = &facts.variable_table;
        let mut marks = Marks {
            exprs: vec![Matter::No; facts.exprs.len()],
            bindings,
            certain,
            variables: vec![false; table.len()],
            free,
            names,
            given: vec![false; members.len()],
            members,
            functions: vec![false; facts.functions.len()],
            classes: IdSet::default(),
            defined: table.iter().map(|one| !one.values.is_empty() && one.values.iter().all(defines)).collect(),
            aliases: table.iter().map(|one| one.values.iter().any(renames)).collect(),
            named: Vec::new(),
            by_name: IdMap::default(),
            parameters: IdMap::default(),
            changed: true,
        };
        for (at, (name, function, shift)) in self.functions_by_name().into_iter().enumerate() {
            marks.named.push((function, shift));
            marks.by_name.entry(name).or_insert(at..at).end = at + 1;
        }
        for function in &facts.functions {
            for name in function.parameters.iter().flatten() {
                if let Some(variable) = facts.variable(function.scope, *name) {
                    marks.parameters.entry(*name).or_default().push(variable);
                }
            }
        }
        marks
    }

    /// What a bare name means: as `Resolver::name` looks for it.
    fn binding(&self, expr: ExprId) -> Binding {
        let facts = &self.facts;
        let one = facts.expr(expr);
        let Kind::Name(name) = one.kind else { return Binding::Free };
        let mut here = Some(one.scope);
        for _ in 0..SCOPE_DEPTH_MAX {
            let Some(scope) = here else { return Binding::Free };
            let scope = facts.redirects.get(&(scope.0, name.0)).copied().unwrap_or(scope);
            let info = facts.scope(scope);
            here = info.parent;
            match info.kind {
                ScopeKind::Class if scope != one.scope => continue,
                ScopeKind::With(_) => return Binding::Doubtful,
                _ => {}
            }
            let Some(variable) = facts.variable(scope, name) else { continue };
            let fixed = !matches!(info.kind, ScopeKind::Module | ScopeKind::Class);
            let sure = fixed || self.surely_bound(variable, scope, one.scope, one.start);
            return if sure { Binding::Variable(variable) } else { Binding::Doubtful };
        }
        Binding::Doubtful
    }

    fn mark_exprs(&mut self, marks: &mut Marks) {
        for at in 0..self.facts.exprs.len() {
            if marks.exprs[at] == Matter::Itself {
                continue;
            }
            let id = ExprId(u32::try_from(at).unwrap_or(u32::MAX));
            let matter = self.matters(id, marks);
            if matter != marks.exprs[at] {
                marks.exprs[at] = matter;
                marks.changed = true;
            }
        }
    }

    fn matters(&mut self, id: ExprId, marks: &mut Marks) -> Matter {
        let certain = marks.certain.path(id);
        let itself = match (&self.facts.expr(id).kind, certain) {
            (Kind::Imported(path), _) => {
                let path = path.clone();
                path.iter().any(|part| marks.names.get(part.at()).copied().unwrap_or(true)) || self.leads_to_own(&path)
            }
            (&Kind::Call { callee, arguments }, _) => return self.call_matters(id, callee, arguments, marks),
            (Kind::Name(_), Some(path)) => self.named_path_matters(path, marks) || self.is_made_of_marked(id, marks),
            (&Kind::Attribute { object, name }, Some(path)) => {
                marks.members[name.at()] || self.path_matters(path, marks) || self.matters_otherwise(object, marks)
            }
            _ => self.is_made_of_marked(id, marks),
        };
        if itself { Matter::Itself } else { Matter::No }
    }

    /// How a call matters, by what it calls and by what it is given.
    fn call_matters(&mut self, call: ExprId, callee: ExprId, arguments: Span, marks: &mut Marks) -> Matter {
        let own = &self.facts.arguments[arguments.range()];
        let is_given = own.iter().any(|argument| marks.is_marked(argument.value));
        let called = marks.is_marked(callee);
        if (called && self.result_matters(call, callee, marks)) || (is_given && self.hands_on(callee, marks)) {
            Matter::Itself
        } else if called || is_given {
            Matter::InPart
        } else {
            Matter::No
        }
    }

    /// Whether what is called may give back what it is given, as functions of libraries do. Functions of the file that do
    /// have marks of their own, and of methods of whatever the file makes nothing is known anyhow.
    fn hands_on(&self, callee: ExprId, marks: &Marks) -> bool {
        let mut here = callee;
        for _ in 0..limits::SEGMENTS_MAX {
            here = match *self.facts.kind(here) {
                Kind::Attribute { object, .. } | Kind::Subscript { object, .. } => object,
                Kind::Name(_) => {
                    return match marks.bindings[here.at()] {
                        Binding::Variable(variable) if here == callee => !marks.defined[variable.at()],
                        Binding::Variable(variable) => marks.aliases[variable.at()],
                        Binding::Free | Binding::Doubtful => true,
                    };
                }
                // `f()()`: what a function gives back may be anything.
                _ => return here == callee,
            };
        }
        true
    }

    fn is_made_of_marked(&self, id: ExprId, marks: &Marks) -> bool {
        let facts = &self.facts;
        let marked = |id: ExprId| marks.is_marked(id);
        match &facts.expr(id).kind {
            Kind::Name(name) => match marks.bindings[id.at()] {
                Binding::Free => marks.free[name.at()],
                Binding::Variable(variable) => marks.certain.path(id).is_none() && marks.variables[variable.at()],
                Binding::Doubtful => marks.names[name.at()],
            },
            Kind::Attribute { object, name } => marks.members[name.at()] || marked(*object),
            Kind::Subscript { object, index } => {
                marked(*object)
                    || marked(*index)
                    || (facts.dialect == Dialect::JavaScript && self.may_be_member(*index, marks))
            }
            Kind::Call { .. } => true,
            Kind::Concat(items) | Kind::Choice(items) | Kind::Sequence(items) => {
                facts.lists[items.range()].iter().any(|&item| marked(item))
            }
            Kind::Mapping(entries) => {
                let own = &facts.entries[entries.range()];
                own.iter().any(|entry| marked(entry.value) || entry.key.is_some_and(marked))
            }
            Kind::Binary(_, left, right) => marked(*left) || marked(*right),
            Kind::Unary(_, inner) | Kind::Element(inner) | Kind::Entered(inner) | Kind::Decorated(inner) => {
                marked(*inner)
            }
            Kind::Comprehension { body, iterable, .. } => marked(*body) || marked(*iterable),
            Kind::Function(function) => marks.functions[function.at()],
            Kind::Class { scope, bases } => {
                marks.classes.contains(scope) || facts.lists[bases.range()].iter().any(|&base| marked(base))
            }
            Kind::Variable(variable) => marks.variables[variable.at()],
            Kind::This => self.is_global_this(id),
            _ => false,
        }
    }

    /// Whether the key of a subscript of JavaScript may be a member that matters: one that is put together may be any.
    fn may_be_member(&self, index: ExprId, marks: &Marks) -> bool {
        match self.facts.kind(index) {
            Kind::Binary(..) | Kind::Concat(_) | Kind::Call { .. } | Kind::Unary(..) => true,
            Kind::Text(text) => match self.facts.symbols.known(text) {
                Some(name) => marks.members.get(name.at()).copied().unwrap_or(true),
                None => self.tables.part(text).is_member() || words::leads_as_member(Dialect::JavaScript, text),
            },
            _ => false,
        }
    }

    /// Whether `this` stands outside of all functions, where it is the global object.
    fn is_global_this(&self, id: ExprId) -> bool {
        let mut here = Some(self.facts.expr(id).scope);
        while let Some(scope) = here {
            let info = self.facts.scope(scope);
            if info.kind == ScopeKind::Function {
                return false;
            }
            here = info.parent;
        }
        true
    }

    /// Names that are given something that matters.
    fn mark_names(&self, marks: &mut Marks) {
        let facts = &self.facts;
        for (&(scope, name), &variable) in &facts.variables {
            let values = &facts.variable_table[variable.at()].values;
            if !marks.variables[variable.at()] && !values.iter().any(|&value| marks.is_marked(value)) {
                continue;
            }
            marks.set_variable(variable);
            marks.set_name(Sym(name));
            let scope = ScopeId(scope);
            if facts.scope(scope).kind == ScopeKind::Class {
                marks.set_member(Sym(name));
                // An object behaves like what is in its class: `__getitem__`, `__enter__`.
                if facts.dialect == Dialect::JavaScript || facts.text(Sym(name)).starts_with("__") {
                    marks.changed |= marks.classes.insert(scope);
                }
            }
        }
        for assignment in &facts.assignments {
            if marks.is_marked(assignment.value)
                && let Kind::Attribute { name, .. } = *facts.kind(assignment.target)
            {
                marks.set_member(name);
                marks.set_free(name);
            }
        }
        for (at, function) in facts.functions.iter().enumerate() {
            let gives = |value: &ExprId| marks.is_marked(*value) || matches!(facts.kind(*value), Kind::This);
            if !marks.functions[at] && function.returns.iter().chain(&function.yields).any(gives) {
                marks.functions[at] = true;
                marks.changed = true;
            }
        }
        self.mark_parameters(marks);
    }

    /// What is passed on to a function matters in it.
    fn mark_parameters(&self, marks: &mut Marks) {
        let facts = &self.facts;
        for at in 0..facts.exprs.len() {
            let Kind::Call { callee, arguments } = facts.exprs[at].kind else { continue };
            let own = &facts.arguments[arguments.range()];
            let receives = match *facts.kind(callee) {
                Kind::Attribute { object, .. } => marks.is_marked(object),
                _ => false,
            };
            if !receives && !own.iter().any(|argument| marks.is_marked(argument.value)) {
                continue;
            }
            for (at, argument) in own.iter().enumerate() {
                if marks.is_marked(argument.value) {
                    match argument.keyword {
                        Some(name) => self.mark_keyword(callee, name, marks),
                        None => self.mark_parameter(callee, at, marks),
                    }
                }
            }
            // A function that is handed on is given what its caller has: `promise.then(f)`, `map(f, items)`.
            for argument in own.iter().take(2) {
                self.mark_parameter(argument.value, 0, marks);
            }
        }
    }

    /// Marks the parameter at a position of the functions that `function` may be by its name.
    fn mark_parameter(&self, function: ExprId, at: usize, marks: &mut Marks) {
        for index in self.functions_called(function, marks) {
            let (function, shift) = marks.named[index];
            let function = &self.facts.functions[function.at()];
            let name = function.parameters.get(at + shift).copied().flatten();
            if let Some(variable) = name.and_then(|name| self.facts.variable(function.scope, name)) {
                marks.set_variable(variable);
            }
        }
    }

    /// Marks what is given by name: parameters of that name, whichever function it is handed to in the end, what holds the
    /// keywords that no parameter has, and members of objects that are made of keywords.
    fn mark_keyword(&self, function: ExprId, name: Sym, marks: &mut Marks) {
        for variable in marks.parameters.get(&name).cloned().unwrap_or_default() {
            marks.set_variable(variable);
        }
        for index in self.functions_called(function, marks) {
            let function = &self.facts.functions[marks.named[index].0.at()];
            let rest = function.keywords.and_then(|name| self.facts.variable(function.scope, name));
            if let Some(variable) = rest {
                marks.set_variable(variable);
            }
        }
        marks.set_member(name);
        marks.set_name(name);
    }

    /// The functions that an expression may be by its name, as places in `named`.
    fn functions_called(&self, function: ExprId, marks: &Marks) -> Range<usize> {
        let (Kind::Name(name) | Kind::Attribute { name, .. }) = *self.facts.kind(function) else { return 0..0 };
        marks.by_name.get(&name).map_or(0..0, |range| range.clone())
    }

    /// The functions by what they are called, and classes by what their constructors are; with what comes before the
    /// arguments.
    fn functions_by_name(&self) -> Vec<(Sym, FunctionId, usize)> {
        let facts = &self.facts;
        let mut named: Vec<(Sym, FunctionId, usize)> = Vec::new();
        let mut constructors: Vec<(u32, FunctionId, usize)> = Vec::new();
        for (&(scope, name), variable) in &facts.variables {
            for &value in facts.variable_table[variable.at()].values.iter().take(limits::VALUES_MAX) {
                let Kind::Function(function) = *facts.kind(value) else { continue };
                let in_class = facts.scope(ScopeId(scope)).kind == ScopeKind::Class;
                let shift = usize::from(in_class && facts.dialect == Dialect::Python);
                named.push((Sym(name), function, shift));
                if in_class && matches!(facts.text(Sym(name)), "__init__" | "__new__" | "constructor") {
                    constructors.push((scope, function, shift));
                }
            }
        }
        for (&(_, name), variable) in &facts.variables {
            for &value in facts.variable_table[variable.at()].values.iter().take(limits::VALUES_MAX) {
                let Kind::Class { scope, .. } = *facts.kind(value) else { continue };
                let own = constructors.iter().filter(|(class, ..)| *class == scope.0);
                named.extend(own.map(|&(_, function, shift)| (Sym(name), function, shift)));
            }
        }
        named.sort_unstable();
        named
    }
}
