//! The builder: facts in the making, for every language and every kind of tree.
//!
//! Here is what the lowerings share: scopes, and what an assignment binds. Patterns are lowered as the expressions that
//! they look like, and taken apart when they are assigned to.

use std::ops::Range;
use std::sync::Arc;

use super::limits;
use super::{
    Argument, Assignment, Dialect, Entry, Expr, ExprId, Facts, Function, FunctionId, IdMap, Import, Kind, MODULE,
    OPAQUE, Pattern, Role, Scope, ScopeId, ScopeKind, Span, Spread, Sym, VarId, Variable,
};

/// Facts in the making.
pub(crate) struct Builder<'t> {
    pub(crate) facts: Facts,
    pub(crate) source: &'t str,
    /// The scope that is being lowered.
    pub(crate) scope: ScopeId,
    /// How many branches and loops of this scope are around: what is bound in one is not bound for sure.
    pub(crate) branches: u32,
    /// The functions around, innermost last.
    pub(crate) functions: Vec<FunctionId>,
    /// Default values of patterns.
    pub(crate) defaults: IdMap<u32, ExprId>,
    /// Assignments to names whose declaration may still come (JavaScript).
    pub(crate) pending: Vec<(ScopeId, Sym, ExprId)>,
    /// Patterns of `case` whose `match` has not been left yet.
    pub(crate) cases: Vec<ExprId>,
}

impl<'t> Builder<'t> {
    /// Facts of `source` with nothing in them yet.
    pub(crate) fn new(source: &'t str, dialect: Dialect) -> Self {
        Self {
            facts: Facts::with_room(dialect, source.len()),
            source,
            scope: MODULE,
            branches: 0,
            functions: Vec::new(),
            defaults: IdMap::default(),
            pending: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// The facts, when all of the source has been lowered.
    pub(crate) fn finish(mut self) -> Facts {
        self.settle_pending();
        self.facts
    }

    /// The source of a place.
    pub(crate) fn text(&self, place: Range<usize>) -> &'t str {
        self.source.get(place).unwrap_or_default()
    }

    /// Adds an expression that stands at `place`.
    pub(crate) fn expr(&mut self, kind: Kind, place: Range<usize>) -> ExprId {
        self.push(kind, place.start, place.end, Role::Value)
    }

    /// Adds an expression that stands nowhere by itself, at the place of another.
    pub(crate) fn synthetic(&mut self, kind: Kind, place: ExprId) -> ExprId {
        let (start, end) = (self.facts.expr(place).start, self.facts.expr(place).end);
        self.push(kind, start as usize, end as usize, Role::Synthetic)
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, role: Role) -> ExprId {
        let id = ExprId(u32::try_from(self.facts.exprs.len()).expect("expressions are limited"));
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.facts.exprs.push(Expr { kind, scope: self.scope, start: place(start), end: place(end), role });
        id
    }

    /// Says where an expression stands. The unknown stands nowhere.
    pub(crate) fn role(&mut self, id: ExprId, role: Role) {
        if id != OPAQUE && self.facts.expr(id).role != Role::Synthetic {
            self.facts.exprs[id.at()].role = role;
        }
    }

    /// Adds a list of expressions.
    pub(crate) fn list(&mut self, items: impl IntoIterator<Item = ExprId>) -> Span {
        extend(&mut self.facts.lists, items)
    }

    /// Adds a list of arguments.
    pub(crate) fn arguments(&mut self, items: impl IntoIterator<Item = Argument>) -> Span {
        extend(&mut self.facts.arguments, items)
    }

    /// Adds a list of entries.
    pub(crate) fn entries(&mut self, items: impl IntoIterator<Item = Entry>) -> Span {
        extend(&mut self.facts.entries, items)
    }

    /// Adds a call.
    pub(crate) fn call(
        &mut self,
        place: Range<usize>,
        callee: ExprId,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> ExprId {
        self.role(callee, Role::Callee);
        let arguments = self.arguments(arguments);
        self.expr(Kind::Call { callee, arguments }, place)
    }

    /// Adds a scope inside the present one.
    pub(crate) fn new_scope(&mut self, kind: ScopeKind) -> ScopeId {
        let id = ScopeId(u32::try_from(self.facts.scopes.len()).expect("there are fewer scopes than bytes"));
        self.facts.scopes.push(Scope { kind, parent: Some(self.scope) });
        id
    }

    /// Adds a function whose body is about to be lowered.
    pub(crate) fn new_function(&mut self, scope: ScopeId) -> FunctionId {
        let id = FunctionId(u32::try_from(self.facts.functions.len()).expect("there are fewer functions than bytes"));
        self.facts.functions.push(Function {
            scope,
            parameters: Vec::new(),
            keywords: None,
            returns: Vec::new(),
            yields: Vec::new(),
            getter: false,
        });
        self.functions.push(id);
        id
    }

    /// The variable `name` of `scope`, made where it does not exist.
    pub(crate) fn declare(&mut self, scope: ScopeId, name: Sym) -> VarId {
        if let Some(variable) = self.facts.variable(scope, name) {
            return variable;
        }
        let id = VarId(u32::try_from(self.facts.variable_table.len()).expect("there are fewer variables than bytes"));
        let expr = self.push(Kind::Variable(id), 0, 0, Role::Synthetic);
        self.facts.variable_table.push(Variable { values: Vec::new(), expr, certain_from: u32::MAX, implicit: false });
        self.facts.variables.insert((scope.0, name.0), id);
        id
    }

    /// Gives the variable `name` of `scope` one more value, at the byte `at` of the source.
    pub(crate) fn bind(&mut self, scope: ScopeId, name: Sym, value: ExprId, at: u32) {
        let variable = self.declare(scope, name);
        let certain = self.branches == 0;
        let variable = &mut self.facts.variable_table[variable.at()];
        variable.values.push(value);
        if certain {
            variable.certain_from = variable.certain_from.min(at);
        }
    }

    /// The scope in which an assignment to a bare name binds it: Python's rule, and that of JavaScript's `var`.
    pub(crate) fn binding_scope(&self, name: Sym) -> ScopeId {
        let mut scope = self.scope;
        loop {
            if let Some(&target) = self.facts.redirects.get(&(scope.0, name.0)) {
                return target;
            }
            let here = self.facts.scope(scope);
            match (here.kind, here.parent) {
                (ScopeKind::Block | ScopeKind::With(_), Some(parent)) => scope = parent,
                _ => return scope,
            }
        }
    }

    /// Binds what the pattern `target` names to `value` (which is unknown where it is [`OPAQUE`]); `how` says in which
    /// scope. Takes the pattern apart with a stack of its own.
    pub(crate) fn assign(&mut self, target: ExprId, value: ExprId, how: Binding) {
        let mut todo = vec![(target, value)];
        let mut steps = 0;
        while let Some((target, value)) = todo.pop() {
            steps += 1;
            match self.defaults.get(&target.0).copied() {
                Some(default) if steps > limits::PATTERN_STEPS_MAX => {
                    let either = self.list([value, default]);
                    let either = self.synthetic(Kind::Choice(either), target);
                    self.assign_one(target, either, how, &mut todo);
                }
                Some(default) => {
                    self.assign_one(target, default, how, &mut todo);
                    self.assign_one(target, value, how, &mut todo);
                }
                None => self.assign_one(target, value, how, &mut todo),
            }
        }
    }

    fn assign_one(&mut self, target: ExprId, value: ExprId, how: Binding, todo: &mut Vec<(ExprId, ExprId)>) {
        self.role(target, Role::Target);
        match self.facts.kind(target).clone() {
            Kind::Name(name) => self.assign_name(target, name, value, how),
            Kind::Attribute { .. } | Kind::Subscript { .. } => {
                let (start, end) = (self.facts.expr(target).start, self.facts.expr(value).end);
                let end = end.max(self.facts.expr(target).end);
                self.facts.assignments.push(Assignment { target, value, start, end });
            }
            Kind::Sequence(items) => self.assign_sequence(target, items, value, todo),
            Kind::Mapping(entries) => {
                for at in entries.range() {
                    let Entry { key, value: part } = self.facts.entries[at];
                    // The rest has the members that are left.
                    let from = key.map_or(value, |key| self.member(value, key, target));
                    todo.push((part, from));
                }
            }
            // `*rest` and `...rest`.
            Kind::Element(inner) => todo.push((inner, value)),
            _ => {}
        }
    }

    fn assign_name(&mut self, target: ExprId, name: Sym, value: ExprId, how: Binding) {
        self.role(value, Role::Alias);
        let end = self.facts.expr(target).end;
        match how {
            Binding::Local => {
                let (start, end) = (self.facts.expr(target).start, end.max(self.facts.expr(value).end));
                self.facts.assignments.push(Assignment { target, value, start, end });
                self.bind(self.binding_scope(name), name, value, self.facts.expr(target).end);
            }
            Binding::Here => {
                let (start, end) = (self.facts.expr(target).start, end.max(self.facts.expr(value).end));
                self.facts.assignments.push(Assignment { target, value, start, end });
                self.bind(self.scope, name, value, 0);
            }
            Binding::In(scope) => self.bind(scope, name, value, 0),
            Binding::Hoisted => {
                let (start, end) = (self.facts.expr(target).start, end.max(self.facts.expr(value).end));
                self.facts.assignments.push(Assignment { target, value, start, end });
                self.pending.push((self.scope, name, value));
            }
        }
    }

    fn assign_sequence(&mut self, target: ExprId, items: Span, value: ExprId, todo: &mut Vec<(ExprId, ExprId)>) {
        let direct = match self.facts.kind(value) {
            Kind::Sequence(values) => Some(*values),
            _ => None,
        };
        for (index, at) in items.range().enumerate() {
            let item = self.facts.lists[at];
            let spread = matches!(self.facts.kind(item), Kind::Element(_));
            let part = match direct {
                _ if value == OPAQUE || spread => OPAQUE,
                Some(values) if index < values.range().len() => self.facts.lists[values.range().start + index],
                _ => {
                    let index = self.synthetic(Kind::Int(i64::try_from(index).unwrap_or(0)), target);
                    self.synthetic(Kind::Subscript { object: value, index }, target)
                }
            };
            todo.push((item, part));
        }
    }

    fn member(&mut self, object: ExprId, key: ExprId, place: ExprId) -> ExprId {
        if object == OPAQUE {
            return OPAQUE;
        }
        match self.facts.kind(key).clone() {
            Kind::Text(text) => {
                let name = self.facts.symbols.intern(&text);
                self.synthetic(Kind::Attribute { object, name }, place)
            }
            _ => self.synthetic(Kind::Subscript { object, index: key }, place),
        }
    }

    /// Binds the names that were assigned to before their declaration was seen. One that is declared nowhere is a
    /// global, and may be what the engine calls so.
    fn settle_pending(&mut self) {
        for (scope, name, value) in std::mem::take(&mut self.pending) {
            let mut here = Some(scope);
            let declared = std::iter::from_fn(|| {
                let scope = here?;
                here = self.facts.scope(scope).parent;
                Some(scope)
            })
            .take(limits::SCOPE_DEPTH_MAX)
            .find(|&scope| self.facts.variable(scope, name).is_some());
            self.branches = 1;
            self.bind(declared.unwrap_or(MODULE), name, value, 0);
            if declared.is_none() {
                let variable = self.declare(MODULE, name);
                self.facts.variable_table[variable.at()].implicit = true;
            }
        }
    }

    /// Adds the parameters of a function: `parameters` is a sequence of patterns.
    pub(crate) fn parameters(
        &mut self,
        function: FunctionId,
        scope: ScopeId,
        parameters: ExprId,
        this: Option<ExprId>,
    ) {
        let items: Vec<ExprId> = match self.facts.kind(parameters) {
            Kind::Sequence(items) => self.facts.lists[items.range()].to_vec(),
            Kind::Name(_) => vec![parameters],
            _ => Vec::new(),
        };
        for (index, item) in items.into_iter().enumerate() {
            let name = match self.facts.kind(item) {
                Kind::Name(name) => Some(*name),
                _ => None,
            };
            let mut value = if index == 0 { this.unwrap_or(OPAQUE) } else { OPAQUE };
            let pattern = matches!(self.facts.kind(item), Kind::Mapping(_) | Kind::Sequence(_));
            let name = name.or_else(|| pattern.then(|| self.facts.symbols.intern(&format!(" {index}"))));
            if let (true, Some(hidden)) = (pattern, name) {
                // What is passed for a pattern has no name in the source, and goes through a variable of its own.
                let variable = self.declare(scope, hidden);
                value = self.facts.variable_table[variable.at()].expr;
            }
            self.facts.functions[function.at()].parameters.push(name);
            self.assign(item, value, Binding::In(scope));
        }
    }

    /// Gives a parameter of a function one more value: the function is called with it at once.
    pub(crate) fn give(&mut self, function: FunctionId, index: usize, value: ExprId) {
        let function = &self.facts.functions[function.at()];
        if let Some(&Some(name)) = function.parameters.get(index) {
            let scope = function.scope;
            self.bind(scope, name, value, 0);
        }
    }

    /// Notes an import of `path` (a module, or a member of one), and gives back the expression of what it reaches.
    pub(crate) fn import(&mut self, path: Vec<Sym>, module: bool, place: Range<usize>) -> ExprId {
        let path: Arc<[Sym]> = path.into();
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let (start, end) = (offset(place.start), offset(place.end));
        self.facts.imports.push(Import { path: path.clone(), module, start, end });
        self.push(Kind::Imported(path), start as usize, end as usize, Role::Synthetic)
    }

    /// Notes that the function around yields `value`, or with `each` every element of it.
    pub(crate) fn yields(&mut self, value: ExprId, each: bool) {
        let Some(function) = self.functions.last().copied() else { return };
        let value = if each { self.synthetic(Kind::Element(value), value) } else { value };
        self.facts.functions[function.at()].yields.push(value);
    }

    /// Binds the target of `with value as target`, and of `case value as target`.
    pub(crate) fn entered(&mut self, target: ExprId, value: ExprId) {
        let entered = if value == OPAQUE { OPAQUE } else { self.synthetic(Kind::Entered(value), value) };
        self.assign(target, entered, Binding::Local);
    }

    /// A class with keywords calls `__init_subclass__` of its base with them.
    pub(crate) fn subclassed(&mut self, arguments: &[Argument], place: Range<usize>) {
        let keywords: Vec<Argument> = arguments.iter().copied().filter(|one| one.keyword.is_some()).collect();
        let Some(base) = arguments.first().filter(|base| base.keyword.is_none() && !keywords.is_empty()) else {
            return;
        };
        let name = self.facts.symbols.intern("__init_subclass__");
        let callee = self.synthetic(Kind::Attribute { object: base.value, name }, base.value);
        let call = self.call(place, callee, keywords);
        self.role(call, Role::Synthetic);
    }

    /// Notes what decorators, outermost first and each with its place, make of a definition that binds `name`.
    pub(crate) fn decorated(&mut self, decorators: &[(ExprId, Range<usize>)], definition: ExprId, name: Option<Sym>) {
        for (decorator, place) in decorators.iter().rev() {
            let last = match self.facts.kind(*decorator) {
                Kind::Attribute { name, .. } | Kind::Name(name) => Some(*name),
                _ => None,
            };
            let getter = last.is_some_and(|last| {
                let last = self.facts.text(last);
                last.ends_with("property") || last == "getter"
            });
            if let (true, &Kind::Function(function)) = (getter, self.facts.kind(definition)) {
                self.facts.functions[function.at()].getter = true;
            }
            let call = self.call(place.clone(), *decorator, [Self::positional(definition)]);
            if let Some(name) = name {
                let made = self.synthetic(Kind::Decorated(call), call);
                self.branches += 1;
                self.bind(self.binding_scope(name), name, made, 0);
                self.branches -= 1;
            }
        }
    }

    /// Binds the names that the patterns of a `match`, which begins at byte `start`, capture to parts of `subject`.
    pub(crate) fn captured(&mut self, start: usize, subject: ExprId) {
        let first = self.cases.iter().take_while(|&&case| (self.facts.expr(case).start as usize) < start).count();
        self.branches += 1;
        for pattern in self.cases.split_off(first) {
            self.assign(pattern, subject, Binding::Local);
        }
        self.branches -= 1;
    }

    /// `{value:spec}` of an f-string is a call of `format`.
    pub(crate) fn formatted(&mut self, value: ExprId, spec: &str) -> ExprId {
        if spec.contains('{') {
            return value;
        }
        let name = self.facts.symbols.intern("format");
        let callee = self.synthetic(Kind::Name(name), value);
        let spec = self.synthetic(Kind::Text(spec.into()), value);
        let arguments = self.arguments([Self::positional(value), Self::positional(spec)]);
        self.synthetic(Kind::Call { callee, arguments }, value)
    }

    /// A regular expression that is written out.
    pub(crate) fn pattern(&mut self, pattern: &str, flags: &str, place: Range<usize>) -> ExprId {
        let (pattern, flags) = (pattern.to_owned(), flags.to_owned());
        let whole = self.expr(Kind::Pattern(Box::new(Pattern { pattern: pattern.into(), flags: flags.into() })), place);
        self.role(whole, Role::Synthetic);
        whole
    }

    /// Notes that the module hands out `value` as `name`.
    pub(crate) fn export(&mut self, name: Option<Sym>, value: ExprId) {
        self.facts.exports.push(super::Export { name, value });
    }

    /// Operands that are only compared with something: nothing is passed on.
    pub(crate) fn compared(&mut self, operands: impl IntoIterator<Item = ExprId>) {
        for operand in operands {
            if matches!(self.facts.kind(operand), Kind::Name(_) | Kind::Attribute { .. }) {
                self.role(operand, Role::Unused);
            }
        }
    }

    /// An argument given by position.
    pub(crate) fn positional(value: ExprId) -> Argument {
        Argument { keyword: None, value, spread: Spread::No }
    }
}

/// In which scope an assignment binds a bare name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// The function, class or module around.
    Local,
    /// The innermost scope.
    Here,
    /// A given scope.
    In(ScopeId),
    /// Wherever it is declared, which may come later.
    Hoisted,
}

fn extend<T>(table: &mut Vec<T>, items: impl IntoIterator<Item = T>) -> Span {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let start = place(table.len());
    table.extend(items);
    Span { start, end: place(table.len()) }
}
