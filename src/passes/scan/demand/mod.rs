//! Which expressions can matter: those in which something that a rule names, or reflection, may be.
//!
//! Most code touches nothing that any rule knows, and is not looked at any further. What is found here is a generous bound:
//! a variable that is once given something that matters, matters wherever it is read, and so does every member of a name
//! that is once given such a thing. It costs a few passes over flat tables; nothing is resolved for it but which variable
//! a bare name is.

mod certain;
mod spread;
mod users;
pub(super) mod words;

use std::rc::Rc;

use super::limits;
use super::resolve::Resolver;
use crate::facts::SCOPE_DEPTH_MAX;
use crate::facts::{Dialect, ExprId, FunctionId, IdMap, IdSet, Kind, ScopeId, ScopeKind, Sym, VarId};
use spread::Marks;
use users::Users;
use words::Leads;

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
        self.spread(&mut marks);
        marks.exprs
    }

    /// What matters by its name alone, and all that the marking asks for again and again.
    fn first_marks(&mut self) -> Marks {
        let of_stars = self.star_names();
        let (dialect, count) = (self.facts.dialect, self.facts.symbols.len());
        let (mut free, mut names) = (vec![false; count], vec![false; count]);
        let (mut members, mut asked) = (vec![false; count], vec![false; count]);
        // Of what everything was imported from any name may have come.
        let any = self.has_stars();
        for at in 0..count {
            let name = Sym(u32::try_from(at).unwrap_or(u32::MAX));
            let (part, text) = (self.part(name), self.facts.text(name));
            let Leads { as_name, as_member } = words::leads(dialect, text);
            names[at] = part.is_known() || as_name || as_member;
            free[at] = part.is_first() || as_name || (any && part.is_known());
            (members[at], asked[at]) = (as_member, part.is_member());
        }
        for name in of_stars {
            (free[name.at()], names[name.at()]) = (true, true);
        }
        let bindings: Vec<Binding> =
            (0..self.facts.exprs.len()).map(|at| self.binding(ExprId(u32::try_from(at).unwrap_or(u32::MAX)))).collect();
        let certain = self.find_certain(&bindings);
        // What was found out by the way may have names that are new.
        for table in [&mut free, &mut names, &mut members, &mut asked] {
            table.resize(self.facts.symbols.len(), false);
        }
        let facts = &self.facts;
        let is_own = |&value: &ExprId| matches!(facts.kind(value), Kind::Instance(_));
        let table = &facts.variable_table;
        let mut marks = Marks {
            exprs: vec![Matter::No; facts.exprs.len()],
            stack: Vec::new(),
            users: Users::of(facts, &bindings),
            bindings,
            certain,
            variables: vec![false; table.len()],
            free,
            names,
            given: vec![false; members.len()],
            members,
            asked,
            functions: vec![false; facts.functions.len()],
            classes: IdSet::default(),
            defined: (0..table.len())
                .map(|at| facts.is_defined(VarId(u32::try_from(at).unwrap_or(u32::MAX))))
                .collect(),
            own: table.iter().map(|one| !one.values.is_empty() && one.values.iter().all(is_own)).collect(),
            named: Vec::new(),
            by_name: IdMap::default(),
            parameters: IdMap::default(),
            passed: IdSet::default(),
            keywords: IdSet::default(),
            given_keywords: IdSet::default(),
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

    /// Whether bare names may have come with everything else that a module has.
    fn has_stars(&self) -> bool {
        !self.star_modules.is_empty() || !self.star_foreign.is_empty()
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
    use crate::facts::{Role, tolerant};
    use crate::rules::{RuleLanguage, RuleSet};

    /// How the last expression that is written so matters.
    fn matter(rules: &RuleSet, dialect: Dialect, code: &str, written: &str) -> Matter {
        let (grammar, language) = match dialect {
            Dialect::Python => (tree_sitter_python::LANGUAGE, RuleLanguage::Python),
            Dialect::JavaScript => (tree_sitter_javascript::LANGUAGE, RuleLanguage::JavaScript),
        };
        let mut parser = tree_sitter::Parser::new();
        parser.set_language(&grammar.into()).unwrap();
        let tree = parser.parse(code, None).unwrap();
        let facts = match dialect {
            Dialect::Python => tolerant::python(code, tree.root_node()),
            Dialect::JavaScript => tolerant::javascript(code, tree.root_node()),
        };
        let mut resolver = Resolver::new(facts, rules.tables(language));
        let matters = resolver.mattering();
        let text = |at: usize| {
            let expr = &resolver.facts.exprs[at];
            &code[expr.start as usize..expr.end as usize]
        };
        let stands = |at: usize| !matches!(resolver.facts.exprs[at].role, Role::Synthetic | Role::Target);
        let at = (1..matters.len()).rev().find(|&at| stands(at) && text(at) == written);
        matters[at.unwrap_or_else(|| panic!("{written} is nowhere in {code}"))]
    }

    #[test]
    fn what_leads_somewhere_matters_and_what_is_made_of_it() {
        use Dialect::{JavaScript, Python};
        use Matter::{InPart, Itself, No};
        let rules = RuleSet::load(true, &[] as &[&std::path::Path]).unwrap();
        for (dialect, code, written, wanted) in [
            (Python, "import os\nos.system(x)", "os.system", Itself),
            (Python, "import os\nos.system(x)", "os.system(x)", InPart),
            // Names of libraries that nobody looks for end the matter.
            (Python, "import os\np = os.path.commonprefix(x)\nprint(p)", "p", No),
            (Python, "import os\no = os\no.system(x)", "o.system", Itself),
            (Python, "import os\ndef f(run): run(x)\nf(os.system)", "run(x)", Itself),
            (Python, "import os\ndef f(run): run(x)\nf(run=os.system)", "run", Itself),
            (Python, "import os\ndef f(run): run(x)\nf(len)", "run", No),
            (Python, "import os\ndef f(): return os.system\nf()(x)", "f()", Itself),
            (
                Python,
                "import os\ndef f(run):\n    def g(): return run\n    return g\nf(os.system)()(x)",
                "f(os.system)()",
                Itself,
            ),
            // A variable matters where it is read, and another one of its name does not.
            (Python, "import os\ndef f():\n    run = os.system\n    run(x)\ndef g(run): run(y)", "run(y)", No),
            (Python, "import os\nself.go = os.system\nother.go(x)", "other.go", Itself),
            (Python, "import os\nother.go(x)", "other.go", No),
            // What rules find as a member of anything is asked for, and is nothing that leads further.
            (Python, "run = cursor.execute\nrun(x)", "cursor.execute", InPart),
            (Python, "rows = cursor.execute(x)\nrows.close(x)", "rows.close(x)", No),
            (Python, "import os\nclass C:\n    run = os.system\nC().run(x)", "C().run", Itself),
            (Python, "import sys\nm = sys.modules\nm[k].system(x)", "m[k].system", Itself),
            (Python, "import functools\ng = functools.partial(f)\ng(x)", "g", Itself),
            (Python, "import posix\nposix.system(x)", "posix.system", Itself),
            (Python, "from os import *\nsystem(x)", "system", Itself),
            (Python, "system(x)", "system", No),
            (Python, "os.path = thing\nimport os\nos.path.commonprefix(x)", "os.path.commonprefix", No),
            (Python, "import os\nos.path = os.system\nos.path.commonprefix(x)", "os.path.commonprefix", Itself),
            (Python, "xs = list([eval])\nxs[0](x)", "xs[0]", Itself),
            (Python, "xs = thing.method([eval])\nxs[0](x)", "xs[0]", Itself),
            (Python, "class C:\n    def f(self):\n        xs = self.method([eval])\n        xs[0](x)", "xs[0]", No),
            (Python, "def f(thing):\n    xs = thing.method([eval])\n    xs[0](x)", "xs[0]", Itself),
            (JavaScript, "const cp = require('child_process'); cp.exec(x)", "cp.exec", Itself),
            (JavaScript, "const cp = x || require('child_process'); cp.exec(y)", "cp.exec", Itself),
            (JavaScript, "const u = require('util'); const f = u.wrapped(eval); f(x)", "f", Itself),
            (JavaScript, "xs = ['a']; const f = xs.reduce((m, n) => require(n)); f(x)", "f", Itself),
            (JavaScript, "const f = ['a'].map(n => n).find(n => require(n)); f(x)", "f", Itself),
            (JavaScript, "const p = require('path'); const q = p.sep; f(q)", "q", No),
            (JavaScript, "x['constructor'](y)", "x['constructor']", Itself),
            (JavaScript, "x['length'](y)", "x['length']", No),
            (JavaScript, "x[a + b](y)", "x[a + b]", Itself),
            (JavaScript, "this.eval(x)", "this", Itself),
            (JavaScript, "function f() { this.value = 1 }", "this", No),
            (JavaScript, "function f() { return this } f().eval(x)", "f().eval", Itself),
            (JavaScript, "with (window) { walk(x) }", "walk", No),
            (JavaScript, "with (window) { eval(x) }", "eval", Itself),
        ] {
            assert_eq!(matter(&rules, dialect, code, written), wanted, "{written} in:\n{code}");
        }
    }
}
