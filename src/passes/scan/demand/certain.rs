//! Expressions that surely are one qualified name each, by what stands in the file alone: `os.path.join` after `import os`.
//!
//! Most of what code takes from libraries is of that kind, and most of these names lead to nothing that a rule looks for. What
//! is made of them need not be looked at.

use super::words;
use super::{Binding, Marks};
use crate::facts::{Dialect, ExprId, Kind, Spread, VarId};
use crate::passes::scan::resolve::Resolver;
use crate::passes::scan::values::{PathId, RESULT, ROOT};
use crate::rules::command_names;

/// What is surely known of each expression, and of each variable once it is asked for.
#[derive(Default)]
pub(super) struct Certain {
    exprs: Vec<Option<PathId>>,
    variables: Vec<Option<Option<PathId>>>,
    /// Whether a name leads to what rules look for, by its path.
    leading: Vec<Option<bool>>,
    /// Whether what a name gives back may be anything, by its path.
    reflecting: Vec<Option<bool>>,
    /// Whether what a call of a name gives back leads to what rules look for, by the path of what is called.
    results: Vec<Option<bool>>,
}

impl Certain {
    /// The one qualified name that an expression surely is.
    pub(super) fn path(&self, expr: ExprId) -> Option<PathId> {
        self.exprs.get(expr.at()).copied().flatten()
    }
}

/// What a table says of a path, found out when it is first asked for.
fn remembered(table: &mut Vec<Option<bool>>, path: PathId, find: impl FnOnce() -> bool) -> bool {
    let at = path.0 as usize;
    if table.len() <= at {
        table.resize(at + 1, None);
    }
    *table[at].get_or_insert_with(find)
}

impl Resolver<'_> {
    /// Finds out what is certain. An expression stands behind those that it is made of.
    pub(super) fn find_certain(&mut self, bindings: &[Binding]) -> Certain {
        let mut certain = Certain {
            exprs: vec![None; self.facts.exprs.len()],
            variables: vec![None; self.facts.variable_table.len()],
            ..Certain::default()
        };
        for at in 0..self.facts.exprs.len() {
            let id = ExprId(u32::try_from(at).unwrap_or(u32::MAX));
            certain.exprs[at] = self.certain_path(id, bindings, &mut certain);
        }
        certain
    }

    fn certain_path(&mut self, id: ExprId, bindings: &[Binding], certain: &mut Certain) -> Option<PathId> {
        match *self.facts.kind(id) {
            Kind::Name(name) => match bindings[id.at()] {
                Binding::Free if self.has_stars() => None,
                Binding::Free => self.paths.child(ROOT, name, &mut self.facts.symbols),
                Binding::Variable(variable) => self.certain_variable(variable, bindings, certain),
                Binding::Doubtful => None,
            },
            Kind::Attribute { object, name } => {
                let object = certain.path(object)?;
                // `sys.modules`, `os.__dict__`, `f.constructor` are no names.
                if words::leads(self.facts.dialect, self.facts.text(name)).as_member {
                    return None;
                }
                self.paths.child(object, name, &mut self.facts.symbols)
            }
            Kind::Call { callee, .. } => match self.required(id, bindings) {
                Some(module) => Some(module),
                None => {
                    let function = certain.path(callee).filter(|path| !self.reflects(*path, certain))?;
                    let result = self.facts.symbols.intern(RESULT);
                    self.paths.child(function, result, &mut self.facts.symbols)
                }
            },
            _ => None,
        }
    }

    /// The name that a variable surely is: what it imports, where it is given nothing else.
    fn certain_variable(&mut self, variable: VarId, bindings: &[Binding], certain: &mut Certain) -> Option<PathId> {
        if let Some(known) = certain.variables[variable.at()] {
            return known;
        }
        let found = match *self.facts.variable_table[variable.at()].values.as_slice() {
            [value] => match self.facts.kind(value) {
                Kind::Imported(path) => {
                    let path = path.clone();
                    if self.leads_to_own(&path) { None } else { self.imported(&path) }
                }
                Kind::Call { .. } => self.required(value, bindings),
                _ => None,
            },
            _ => None,
        };
        certain.variables[variable.at()] = Some(found);
        found
    }

    /// The module of a library that a call of JavaScript's `require` surely reaches.
    fn required(&mut self, call: ExprId, bindings: &[Binding]) -> Option<PathId> {
        let Kind::Call { callee, arguments } = *self.facts.kind(call) else { return None };
        let Kind::Name(name) = *self.facts.kind(callee) else { return None };
        let [argument] = self.facts.arguments[arguments.range()] else { return None };
        let requires = self.facts.dialect == Dialect::JavaScript
            && self.facts.text(name) == "require"
            && bindings[callee.at()] == Binding::Free
            && argument.spread == Spread::No;
        let Kind::Text(module) = self.facts.kind(argument.value) else { return None };
        if !requires {
            return None;
        }
        let module = module.clone();
        let specifier = self.facts.symbols.intern(&module);
        if self.leads_to_own(&[specifier]) {
            return None;
        }
        self.paths.module(&module, &mut self.facts.symbols)
    }

    /// Whether an expression that surely is a qualified name is one that matters.
    pub(super) fn path_matters(&mut self, path: PathId, marks: &mut Marks) -> bool {
        self.leads_anywhere(path, &mut marks.certain) || self.reflects(path, &mut marks.certain)
    }

    /// The same for a bare name: modules that lead to much are kept in sight, since they may get other names.
    pub(super) fn named_path_matters(&mut self, path: PathId, marks: &mut Marks) -> bool {
        self.path_matters(path, marks)
            || words::leads(self.facts.dialect, self.paths.name(path, &self.facts.symbols)).as_name
    }

    /// Whether what a call gives back can matter, beside what the call is given.
    pub(super) fn result_matters(&mut self, call: ExprId, callee: ExprId, marks: &mut Marks) -> bool {
        match (marks.certain.path(callee), marks.certain.path(call)) {
            // `require("module")` is that module.
            (Some(function), Some(result)) if self.paths.split(result).0 != function => {
                self.path_matters(result, marks)
            }
            (Some(function), Some(_)) if !self.matters_otherwise(callee, marks) => {
                remembered(&mut marks.certain.results, function, || {
                    self.tables.lead_from_result(self.paths.name(function, &self.facts.symbols))
                })
            }
            _ => true,
        }
    }

    /// Whether an expression matters for something else than the qualified name that it surely is.
    pub(super) fn matters_otherwise(&mut self, expr: ExprId, marks: &mut Marks) -> bool {
        if !marks.is_marked(expr) {
            return false;
        }
        let given = matches!(*self.facts.kind(expr), Kind::Attribute { name, .. } if marks.given[name.at()]);
        given || marks.certain.path(expr).is_none_or(|path| !self.named_path_matters(path, marks))
    }

    /// Whether a name is one that something is looked for under, or the beginning of one.
    fn leads_anywhere(&mut self, path: PathId, certain: &mut Certain) -> bool {
        remembered(&mut certain.leading, path, || self.is_named(path) || self.may_run(path) || self.is_command(path))
    }

    /// Whether a name is that of a function that starts programs, or the beginning of one, and a rule looks at commands.
    fn is_command(&self, path: PathId) -> bool {
        if self.tables.shells.is_empty() {
            return false;
        }
        let name = self.paths.name(path, &self.facts.symbols);
        let begins =
            |whole: &str| whole.strip_prefix(&**name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        command_names(self.language()).iter().any(|(whole, _)| begins(whole))
    }

    /// Whether a name belongs to what sees through names, whose results may be anything.
    fn reflects(&self, path: PathId, certain: &mut Certain) -> bool {
        remembered(&mut certain.reflecting, path, || {
            let name = self.paths.name(path, &self.facts.symbols);
            path == ROOT || words::reflects(self.facts.dialect, name.split('.').next().unwrap_or_default())
        })
    }
}
