//! How what matters spreads: from the names that lead to something, to all that is made of it.
//!
//! Whatever has been marked is put on a stack, and what uses it is looked at again when it is taken off. Nothing is marked
//! twice, so that it takes time in proportion to the facts.

use super::certain::Certain;
use super::users::{User, Users};
use super::words;
use super::{Binding, Matter};
use crate::facts::{Dialect, ExprId, FunctionId, IdMap, IdSet, Kind, ScopeId, ScopeKind, Span, Sym, VarId};
use crate::passes::scan::limits;
use crate::passes::scan::resolve::Resolver;

/// What is known to matter so far.
pub(super) struct Marks {
    pub(super) exprs: Vec<Matter>,
    /// Marked, and what uses them is to be looked at.
    pub(super) stack: Vec<ExprId>,
    pub(super) users: Users,
    /// What each expression that is a bare name means.
    pub(super) bindings: Vec<Binding>,
    /// Which expressions surely are which qualified names.
    pub(super) certain: Certain,
    /// Variables that are given something that matters.
    pub(super) variables: Vec<bool>,
    /// Bare names that mean something that matters where nothing binds them.
    pub(super) free: Vec<bool>,
    /// Bare names that mean something that matters to some variable of the name, or where nothing binds them.
    pub(super) names: Vec<bool>,
    /// Members that rules look for, whatever they are members of. What such a member is, is nothing that matters for that.
    pub(super) asked: Vec<bool>,
    /// Members that are given something that matters, and those that lead to it, whatever they are members of.
    pub(super) members: Vec<bool>,
    /// Those of them that are given it.
    pub(super) given: Vec<bool>,
    pub(super) functions: Vec<bool>,
    /// Classes whose objects behave like something that matters, by their scopes.
    pub(super) classes: IdSet<ScopeId>,
    /// Variables that hold nothing but functions and classes of the file.
    pub(super) defined: Vec<bool>,
    /// Variables that hold nothing but objects of the file's classes: `self`.
    pub(super) own: Vec<bool>,
    /// Functions with what comes before their arguments, sorted by what they are called, and where each name stands there.
    pub(super) named: Vec<(FunctionId, usize)>,
    pub(super) by_name: IdMap<Sym, std::ops::Range<usize>>,
    /// All parameters by what they are called.
    pub(super) parameters: IdMap<Sym, Vec<VarId>>,
    /// Which positions of functions of a name are given something that matters.
    pub(super) passed: IdSet<(Sym, usize)>,
    /// By which names functions are given it, ...
    pub(super) keywords: IdSet<Sym>,
    /// ... and what functions are called that are given it by some name.
    pub(super) given_keywords: IdSet<Sym>,
}

impl Marks {
    pub(super) fn is_marked(&self, expr: ExprId) -> bool {
        self.exprs[expr.at()] == Matter::Itself
    }
}

/// Sets a mark; says whether it was not set before.
fn set(table: &mut [bool], at: usize) -> bool {
    table.get_mut(at).is_some_and(|mark| !std::mem::replace(mark, true))
}

impl Resolver<'_> {
    /// Marks all that matters.
    pub(super) fn spread(&mut self, marks: &mut Marks) {
        for at in 0..self.facts.functions.len() {
            // What `this` is depends on who calls.
            let returns = &self.facts.functions[at].returns;
            if returns.iter().any(|&value| matches!(self.facts.kind(value), Kind::This)) {
                self.set_function(FunctionId(u32::try_from(at).unwrap_or(u32::MAX)), marks);
            }
        }
        for at in 0..self.facts.exprs.len() {
            // What is written out is made of nothing.
            if !self.facts.exprs[at].kind.is_written_out() {
                self.look_again(ExprId(u32::try_from(at).unwrap_or(u32::MAX)), marks);
            }
        }
        while let Some(marked) = marks.stack.pop() {
            for at in marks.users.of_expr.range(marked.at()) {
                match marks.users.of_expr.items[at] {
                    User::Expr(user) => self.look_again(user, marks),
                    User::Argument(call, position) => self.pass_on(call, position as usize, marks),
                    User::Receiver(call) => self.hand_on(call, marks),
                    User::Variable(variable) => self.set_variable(variable, marks),
                    User::Function(function) => self.set_function(function, marks),
                    User::Member(name) => {
                        self.set_member(name, marks);
                        self.set_free(name, marks);
                    }
                }
            }
        }
    }

    /// Finds out whether an expression matters, after something that it is made of has been marked.
    fn look_again(&mut self, id: ExprId, marks: &mut Marks) {
        if marks.exprs[id.at()] == Matter::Itself {
            return;
        }
        let matter = self.matters(id, marks);
        Self::raise(id, matter, marks);
    }

    fn raise(id: ExprId, matter: Matter, marks: &mut Marks) {
        if marks.exprs[id.at()] == Matter::Itself || matter == Matter::No {
            return;
        }
        marks.exprs[id.at()] = matter;
        if matter == Matter::Itself {
            marks.stack.push(id);
        }
    }

    fn set_variable(&mut self, variable: VarId, marks: &mut Marks) {
        if !set(&mut marks.variables, variable.at()) {
            return;
        }
        for at in marks.users.of_variable.range(variable.at()) {
            self.look_again(marks.users.of_variable.items[at], marks);
        }
        let Some((scope, name)) = marks.users.homes[variable.at()] else { return };
        self.set_name(name, marks);
        if self.facts.scope(scope).kind == ScopeKind::Class {
            self.set_member(name, marks);
            // An object behaves like what is in its class: `__getitem__`, `__enter__`.
            let behaves = self.facts.dialect == Dialect::JavaScript || self.facts.text(name).starts_with("__");
            if behaves && marks.classes.insert(scope) {
                self.look_at_class(scope, marks);
            }
        }
    }

    fn look_at_class(&mut self, scope: ScopeId, marks: &mut Marks) {
        for class in marks.users.classes.get(&scope).cloned().unwrap_or_default() {
            self.look_again(class, marks);
        }
    }

    fn set_function(&mut self, function: FunctionId, marks: &mut Marks) {
        if set(&mut marks.functions, function.at())
            && let Some(made) = marks.users.made[function.at()]
        {
            self.look_again(made, marks);
        }
    }

    fn set_name(&mut self, name: Sym, marks: &mut Marks) {
        if set(&mut marks.names, name.at()) {
            for at in marks.users.of_doubtful.range(name.at()) {
                self.look_again(marks.users.of_doubtful.items[at], marks);
            }
        }
    }

    fn set_free(&mut self, name: Sym, marks: &mut Marks) {
        if set(&mut marks.free, name.at()) {
            for at in marks.users.of_free.range(name.at()) {
                self.look_again(marks.users.of_free.items[at], marks);
            }
        }
        self.set_name(name, marks);
    }

    fn set_member(&mut self, name: Sym, marks: &mut Marks) {
        set(&mut marks.members, name.at());
        if !set(&mut marks.given, name.at()) {
            return;
        }
        for at in marks.users.of_member.range(name.at()) {
            let member = marks.users.of_member.items[at];
            // One that mattered for its name alone matters for more now.
            if marks.is_marked(member) {
                marks.stack.push(member);
            }
            self.look_again(member, marks);
        }
    }

    /// What is passed on to a function matters in it, and the call with it.
    fn pass_on(&mut self, call: ExprId, position: usize, marks: &mut Marks) {
        let Kind::Call { callee, arguments } = *self.facts.kind(call) else { return };
        let matter = if self.hands_on(callee, marks) { Matter::Itself } else { Matter::InPart };
        Self::raise(call, matter, marks);
        match self.facts.arguments[arguments.range()][position].keyword {
            Some(name) => self.mark_keyword(callee, name, marks),
            None => self.mark_parameter(callee, position, marks),
        }
        self.hand_on(call, marks);
    }

    /// A function that is handed on is given what its caller has: `promise.then(f)`, `map(f, items)`.
    fn hand_on(&mut self, call: ExprId, marks: &mut Marks) {
        let Kind::Call { arguments, .. } = *self.facts.kind(call) else { return };
        for at in arguments.range().take(2) {
            self.mark_parameter(self.facts.arguments[at].value, 0, marks);
        }
    }

    /// Marks the parameter at a position of the functions that `function` may be by its name.
    fn mark_parameter(&mut self, function: ExprId, at: usize, marks: &mut Marks) {
        let (Kind::Name(name) | Kind::Attribute { name, .. }) = *self.facts.kind(function) else { return };
        if !marks.by_name.contains_key(&name) || !marks.passed.insert((name, at)) {
            return;
        }
        for index in marks.by_name[&name].clone() {
            let (function, shift) = marks.named[index];
            let function = &self.facts.functions[function.at()];
            let name = function.parameters.get(at + shift).copied().flatten();
            if let Some(variable) = name.and_then(|name| self.facts.variable(function.scope, name)) {
                self.set_variable(variable, marks);
            }
        }
    }

    /// Marks what is given by name: parameters of that name, whichever function it is handed to in the end, what holds the
    /// keywords that no parameter has, and members of objects that are made of keywords.
    fn mark_keyword(&mut self, function: ExprId, name: Sym, marks: &mut Marks) {
        if marks.keywords.insert(name) {
            for variable in marks.parameters.get(&name).cloned().unwrap_or_default() {
                self.set_variable(variable, marks);
            }
            self.set_member(name, marks);
            self.set_name(name, marks);
        }
        let (Kind::Name(called) | Kind::Attribute { name: called, .. }) = *self.facts.kind(function) else { return };
        if !marks.by_name.contains_key(&called) || !marks.given_keywords.insert(called) {
            return;
        }
        for index in marks.by_name[&called].clone() {
            let function = &self.facts.functions[marks.named[index].0.at()];
            let rest = function.keywords.and_then(|name| self.facts.variable(function.scope, name));
            if let Some(variable) = rest {
                self.set_variable(variable, marks);
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
        match itself {
            true => Matter::Itself,
            false if self.is_asked(id, marks) => Matter::InPart,
            false => Matter::No,
        }
    }

    /// Whether an expression is a member that rules look for, whatever it is a member of.
    fn is_asked(&self, id: ExprId, marks: &Marks) -> bool {
        match *self.facts.kind(id) {
            Kind::Attribute { name, .. } => marks.asked[name.at()],
            Kind::Subscript { index, .. } if self.facts.dialect == Dialect::JavaScript => {
                match self.facts.kind(index) {
                    Kind::Text(text) => match self.facts.symbols.known(text) {
                        Some(name) => marks.asked[name.at()],
                        None => self.tables.part(text).is_member(),
                    },
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// How a call matters, by what it calls and by what it is given.
    fn call_matters(&mut self, call: ExprId, callee: ExprId, arguments: Span, marks: &mut Marks) -> Matter {
        let own = &self.facts.arguments[arguments.range()];
        let is_given = own.iter().any(|argument| marks.is_marked(argument.value));
        let called = marks.is_marked(callee);
        if (called && self.result_matters(call, callee, marks)) || (is_given && self.hands_on(callee, marks)) {
            Matter::Itself
        } else if called || is_given || self.is_asked(callee, marks) {
            Matter::InPart
        } else {
            Matter::No
        }
    }

    /// Whether what is called may give back what it is given, or what a function gives back that it is given, as functions of
    /// libraries and methods of lists do. Functions and methods of the file that do have marks of their own.
    fn hands_on(&self, callee: ExprId, marks: &Marks) -> bool {
        let mut here = callee;
        for _ in 0..limits::SEGMENTS_MAX {
            here = match *self.facts.kind(here) {
                Kind::Attribute { object, .. } | Kind::Subscript { object, .. } => object,
                Kind::Name(_) => {
                    return match marks.bindings[here.at()] {
                        Binding::Variable(variable) if here == callee => !marks.defined[variable.at()],
                        Binding::Variable(variable) => !marks.own[variable.at()],
                        Binding::Free | Binding::Doubtful => true,
                    };
                }
                Kind::Call { callee: inner, .. } if here != callee => inner,
                Kind::Sequence(_) | Kind::Mapping(_) | Kind::Comprehension { .. } => return true,
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
                None => words::leads(Dialect::JavaScript, text).as_member,
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
}
