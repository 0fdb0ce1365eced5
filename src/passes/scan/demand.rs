//! Which expressions can matter: those in which something that a rule names, or reflection, may be.
//!
//! Most code touches nothing that any rule knows, and is not looked at any further. What is found here is a generous bound
//! by names alone: a name that is once given something that matters, matters everywhere in the region. It costs a few passes
//! over flat tables and no look-up of scopes.

use std::ops::Range;
use std::rc::Rc;

use super::limits;
use super::resolve::Resolver;
use crate::facts::{Dialect, ExprId, FunctionId, IdMap, IdSet, Kind, ScopeId, ScopeKind, Sym};

/// Words of Python that lead to other names.
const PYTHON: [&str; 64] = [
    "LibraryLoader",
    "__annotations__",
    "__builtins__",
    "__call__",
    "__class__",
    "__dict__",
    "__func__",
    "__getattr__",
    "__getattribute__",
    "__globals__",
    "__import__",
    "__init_subclass__",
    "__loader__",
    "__self__",
    "__subclasses__",
    "__wrapped__",
    "ast",
    "asyncio",
    "builtins",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "compile",
    "concurrent",
    "eval",
    "exec",
    "f_builtins",
    "f_globals",
    "find_spec",
    "functools",
    "get_ipython",
    "get_objects",
    "getattr",
    "getdecoder",
    "getencoder",
    "globals",
    "import_module",
    "importlib",
    "inspect",
    "load_module",
    "locals",
    "locate",
    "map",
    "module_from_spec",
    "modules",
    "operator",
    "os",
    "pdb",
    "pkgutil",
    "popen",
    "profile",
    "pty",
    "pydoc",
    "resolve_name",
    "run_cell",
    "runsource",
    "setattr",
    "subprocess",
    "sys",
    "timeit",
    "types",
    "vars",
    "wraps",
];

/// Words of JavaScript that lead to other names.
const JAVASCRIPT: [&str; 43] = [
    "Class?",
    "Function",
    "GLOBAL",
    "JSON",
    "Object",
    "Proxy",
    "Reflect",
    "SharedWorker",
    "Worker",
    "__proto__",
    "_compile",
    "arguments",
    "bind",
    "child_process",
    "constructor",
    "contentWindow",
    "createRequire",
    "defaultView",
    "document",
    "eval",
    "execScript",
    "executeJavaScript",
    "executeScript",
    "frames",
    "getBuiltinModule",
    "global",
    "globalThis",
    "import",
    "mainModule",
    "module",
    "node:child_process",
    "node:vm",
    "parent",
    "process",
    "prototype",
    "require",
    "self",
    "setImmediate",
    "setInterval",
    "setTimeout",
    "top",
    "vm",
    "window",
];

/// What is known to matter so far.
struct Marks {
    exprs: Vec<bool>,
    names: Vec<bool>,
    functions: Vec<bool>,
    /// Classes by their scopes.
    classes: IdSet<ScopeId>,
    /// Functions with what comes before their arguments, sorted by what they are called, and where each name stands there.
    named: Vec<(FunctionId, usize)>,
    by_name: IdMap<Sym, Range<usize>>,
    changed: bool,
}

impl Marks {
    fn name(&self, name: Sym) -> bool {
        self.names.get(name.at()).copied().unwrap_or(true)
    }

    fn set_name(&mut self, name: Sym) {
        if let Some(mark) = self.names.get_mut(name.at()) {
            self.changed |= !*mark;
            *mark = true;
        }
    }
}

impl Resolver<'_> {
    /// For each expression of the region whether it can matter.
    pub(super) fn mattering(&mut self) -> Rc<[bool]> {
        if let Some(known) = &self.matters {
            return known.clone();
        }
        let found: Rc<[bool]> = self.find_mattering().into();
        self.matters = Some(found.clone());
        found
    }

    /// Whether an expression can matter; one that was added later can.
    pub(super) fn may_matter(&mut self, expr: ExprId) -> bool {
        self.mattering().get(expr.at()).copied().unwrap_or(true)
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

    fn find_mattering(&mut self) -> Vec<bool> {
        let words: &[&str] = if self.facts.dialect == Dialect::Python { &PYTHON } else { &JAVASCRIPT };
        let mut names = Vec::with_capacity(self.facts.symbols.len());
        for at in 0..self.facts.symbols.len() {
            let name = Sym(u32::try_from(at).unwrap_or(u32::MAX));
            let known = self.knows(name) || words.binary_search(&&**self.facts.symbols.text(name)).is_ok();
            names.push(known);
        }
        let mut marks = Marks {
            exprs: vec![false; self.facts.exprs.len()],
            names,
            functions: vec![false; self.facts.functions.len()],
            classes: IdSet::default(),
            named: Vec::new(),
            by_name: IdMap::default(),
            changed: true,
        };
        for (at, (name, function, shift)) in self.functions_by_name().into_iter().enumerate() {
            marks.named.push((function, shift));
            marks.by_name.entry(name).or_insert(at..at).end = at + 1;
        }
        for name in self.star_names() {
            marks.set_name(name);
        }
        marks.changed = true;
        for _ in 0..limits::DEMAND_ROUNDS_MAX {
            if !marks.changed {
                return marks.exprs;
            }
            marks.changed = false;
            self.mark_exprs(&mut marks);
            self.mark_names(&mut marks);
        }
        // What has not settled by now is taken for all that it may be.
        vec![true; self.facts.exprs.len()]
    }

    fn mark_exprs(&mut self, marks: &mut Marks) {
        for at in 0..self.facts.exprs.len() {
            if marks.exprs[at] {
                continue;
            }
            let id = ExprId(u32::try_from(at).unwrap_or(u32::MAX));
            if self.matters(id, marks) {
                marks.exprs[at] = true;
                marks.changed = true;
            }
        }
    }

    fn matters(&mut self, id: ExprId, marks: &Marks) -> bool {
        if let Kind::Imported(path) = &self.facts.expr(id).kind {
            let path = path.clone();
            return path.iter().any(|&part| marks.name(part)) || self.leads_to_own(&path);
        }
        let facts = &self.facts;
        let marked = |id: ExprId| marks.exprs[id.at()];
        match &facts.expr(id).kind {
            Kind::Name(name) => marks.name(*name),
            Kind::Attribute { object, name } => marks.name(*name) || marked(*object),
            Kind::Subscript { object, index } => {
                let built = matches!(
                    facts.kind(*index),
                    Kind::Binary(..) | Kind::Concat(_) | Kind::Call { .. } | Kind::Unary(..) | Kind::Text(_)
                );
                marked(*object) || marked(*index) || (facts.dialect == Dialect::JavaScript && built)
            }
            Kind::Call { callee, arguments } => {
                let own = &facts.arguments[arguments.range()];
                marked(*callee) || own.iter().any(|argument| marked(argument.value))
            }
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
            Kind::Variable(variable) => {
                let values = &facts.variable_table[variable.at()].values;
                values.iter().any(|&value| marked(value))
            }
            Kind::This => true,
            _ => false,
        }
    }

    /// Names that are given something that matters.
    fn mark_names(&self, marks: &mut Marks) {
        let facts = &self.facts;
        for (&(scope, name), &variable) in &facts.variables {
            let values = &facts.variable_table[variable.at()].values;
            let given = values.iter().any(|&value| marks.exprs[value.at()]);
            if !given {
                continue;
            }
            marks.set_name(Sym(name));
            // An object may behave like what is in its class: `__getitem__`, `__enter__`.
            let scope = ScopeId(scope);
            if facts.scope(scope).kind == ScopeKind::Class {
                marks.changed |= marks.classes.insert(scope);
            }
        }
        for assignment in &facts.assignments {
            if marks.exprs[assignment.value.at()]
                && let Kind::Attribute { name, .. } | Kind::Name(name) = *facts.kind(assignment.target)
            {
                marks.set_name(name);
            }
        }
        for (at, function) in facts.functions.iter().enumerate() {
            let gives = function.returns.iter().chain(&function.yields).any(|&value| marks.exprs[value.at()]);
            if gives && !marks.functions[at] {
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
                Kind::Attribute { object, .. } => marks.exprs[object.at()],
                _ => false,
            };
            if !receives && !own.iter().any(|argument| marks.exprs[argument.value.at()]) {
                continue;
            }
            for (at, argument) in own.iter().enumerate() {
                if !marks.exprs[argument.value.at()] {
                    continue;
                }
                match argument.keyword {
                    Some(name) => marks.set_name(name),
                    None => self.mark_parameter(callee, at, marks),
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
        let (Kind::Name(name) | Kind::Attribute { name, .. }) = *self.facts.kind(function) else { return };
        for index in marks.by_name.get(&name).map_or(0..0, |range| range.clone()) {
            let (function, shift) = marks.named[index];
            let name = self.facts.functions[function.at()].parameters.get(at + shift).copied().flatten();
            if let Some(name) = name {
                marks.set_name(name);
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_to_be_searched() {
        assert!(PYTHON.is_sorted());
        assert!(JAVASCRIPT.is_sorted());
    }
}
