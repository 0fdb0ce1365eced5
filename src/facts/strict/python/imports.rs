//! The modules of others that a Python file asks for, and how surely it needs them.
//!
//! Imports for type checkers alone do not count, nor do relative ones, which are the file's own package. What a program
//! can do without is told apart: a module that it tries and has another one for, or asks for under one version of Python.

use std::collections::HashSet;

use ruff_python_ast::{Alias, ExceptHandler, Expr, Stmt, StmtIf, StmtTry};
use ruff_text_size::TextRange;
use unicode_normalization::UnicodeNormalization as _;

use super::bytes;
use crate::facts::IMPORTS_MAX;
use crate::facts::outline::{Choice, Imported, Place};

/// The imports of a file.
pub(super) fn of(body: &[Stmt]) -> Vec<Imported> {
    let mut walk = Walk::default();
    walk.statements(body);
    walk.imports
}

#[derive(Default)]
struct Walk {
    imports: Vec<Imported>,
    /// What is surely needed and known to be.
    needed: HashSet<String>,
    /// How many choices and branches there are so far.
    choices: u32,
    branches: u32,
    /// The branch that is being walked.
    open: Option<Choice>,
    /// Functions that are being walked.
    functions: u32,
}

impl Walk {
    fn statements(&mut self, body: &[Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Import(import) => {
                import.names.iter().for_each(|alias| self.add(alias.name.as_str(), alias.name.range))
            }
            Stmt::ImportFrom(from) if from.level == 0 => {
                if let Some(module) = &from.module {
                    from.names.iter().for_each(|alias| self.add(&member(module.as_str(), alias), module.range));
                }
            }
            Stmt::FunctionDef(function) => {
                self.functions += 1;
                self.statements(&function.body);
                self.functions -= 1;
            }
            Stmt::ClassDef(class) => self.statements(&class.body),
            Stmt::With(with) => self.statements(&with.body),
            Stmt::For(each) => [&each.body, &each.orelse].into_iter().for_each(|body| self.statements(body)),
            Stmt::While(repeated) => {
                [&repeated.body, &repeated.orelse].into_iter().for_each(|body| self.statements(body));
            }
            Stmt::Match(matched) => matched.cases.iter().for_each(|case| self.statements(&case.body)),
            Stmt::If(conditional) => self.conditional(conditional),
            Stmt::Try(attempt) => self.attempt(attempt),
            _ => {}
        }
    }

    fn add(&mut self, path: &str, range: TextRange) {
        let path = if path.is_ascii() { path.to_owned() } else { path.nfkc().collect() };
        let is_late = self.functions > 0;
        let is_needed = self.open.is_none() && !is_late;
        // One more than may be shows that there are too many.
        if self.imports.len() > IMPORTS_MAX
            || self.needed.contains(&path)
            || (is_needed && !self.needed.insert(path.clone()))
        {
            return;
        }
        self.imports.push(Imported { path, place: Place::from(bytes(range)), is_late, choice: self.open });
    }

    fn conditional(&mut self, conditional: &StmtIf) {
        let choice = is_about_platform(&conditional.test).then(|| self.choice());
        if !is_type_checking(&conditional.test) {
            self.branch(choice, &conditional.body);
        }
        for clause in &conditional.elif_else_clauses {
            self.branch(choice, &clause.body);
        }
    }

    fn attempt(&mut self, attempt: &StmtTry) {
        let catches = |handler: &&ExceptHandler| {
            let ExceptHandler::ExceptHandler(handler) = handler;
            handler.type_.as_deref().is_none_or(catches_import_error)
        };
        let choice = attempt.handlers.iter().any(|handler| catches(&handler)).then(|| self.choice());
        self.branch_of([&attempt.body, &attempt.orelse], choice);
        for handler in &attempt.handlers {
            let ExceptHandler::ExceptHandler(clause) = handler;
            self.branch(choice.filter(|_| catches(&handler)), &clause.body);
        }
        self.statements(&attempt.finalbody);
    }

    /// A choice: that of the open branch, for a choice in a branch has as many branches more.
    fn choice(&mut self) -> u32 {
        match self.open {
            Some(open) => open.of,
            None => {
                self.choices += 1;
                self.choices
            }
        }
    }

    fn branch(&mut self, choice: Option<u32>, body: &[Stmt]) {
        self.branch_of([body], choice);
    }

    fn branch_of<'a>(
        &mut self,
        bodies: impl IntoIterator<Item = &'a (impl AsRef<[Stmt]> + ?Sized + 'a)>,
        choice: Option<u32>,
    ) {
        let outer = self.open;
        if let Some(of) = choice {
            self.branches += 1;
            self.open = Some(Choice { of, branch: self.branches });
        }
        for body in bodies {
            self.statements(body.as_ref());
        }
        self.open = outer;
    }
}

/// What `from module import alias` asks for.
fn member(module: &str, alias: &Alias) -> String {
    match alias.name.as_str() {
        "*" => module.to_owned(),
        name => format!("{module}.{name}"),
    }
}

/// `TYPE_CHECKING`, and `typing.TYPE_CHECKING` under any name of the module.
fn is_type_checking(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => name.id == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr == *"TYPE_CHECKING",
        _ => false,
    }
}

/// A question about the version of Python or the platform: `sys.version_info`, `sys.platform`, `os.name`, or a call of
/// the module `platform`.
fn is_about_platform(test: &Expr) -> bool {
    match test {
        Expr::Compare(compare) => is_about_platform(&compare.left),
        Expr::Subscript(subscript) => is_about_platform(&subscript.value),
        Expr::Call(call) => is_about_platform(&call.func),
        Expr::UnaryOp(unary) => is_about_platform(&unary.operand),
        Expr::BoolOp(operation) => operation.values.iter().any(is_about_platform),
        Expr::Attribute(attribute) => match (&*attribute.value, attribute.attr.as_str()) {
            (Expr::Name(module), name) => matches!(
                (module.id.as_str(), name),
                ("sys", "version_info" | "platform" | "version" | "implementation") | ("os", "name") | ("platform", _)
            ),
            (value, _) => is_about_platform(value),
        },
        _ => false,
    }
}

/// Whether a handler of these exceptions takes the error of an import that fails.
fn catches_import_error(exceptions: &Expr) -> bool {
    match exceptions {
        Expr::Name(name) => {
            matches!(name.id.as_str(), "ImportError" | "ModuleNotFoundError" | "Exception" | "BaseException")
        }
        Expr::Tuple(tuple) => tuple.elts.iter().any(catches_import_error),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `path`, with `~` where it is in a function and `?choice` where it is one of a choice.
    fn found(source: &str) -> Vec<String> {
        let parsed = ruff_python_parser::parse_module(source).expect("the case is valid");
        let one = |import: Imported| {
            let late = if import.is_late { "~" } else { "" };
            let choice = import.choice.map_or_else(String::new, |choice| format!("?{}.{}", choice.of, choice.branch));
            format!("{late}{}{choice}", import.path)
        };
        of(&parsed.syntax().body).into_iter().map(one).collect()
    }

    #[test]
    fn each_way_to_ask_for_a_module_is_told_apart() {
        let cases: &[(&str, &[&str])] = &[
            ("import a, b.c as d\nimport a\n", &["a", "b.c"]),
            ("from a.b import c, d\nfrom e import *\nfrom . import f\nfrom .g import h\n", &["a.b.c", "a.b.d", "e"]),
            ("def f():\n    import a\nclass C:\n    import b\nwith x:\n    import c\n", &["~a", "b", "c"]),
            ("if TYPE_CHECKING:\n    import a\nelse:\n    import b\nif typing.TYPE_CHECKING:\n    import c\n", &["b"]),
            ("try:\n    import a\nexcept ImportError:\n    import b\n", &["a?1.1", "b?1.2"]),
            ("try:\n    import a\nexcept ValueError:\n    import b\n", &["a", "b"]),
            (
                "try:\n    import a\nexcept (ValueError, ImportError):\n    try:\n        import b\n    except:\n        import c\nimport d\n",
                &["a?1.1", "b?1.3", "c?1.4", "d"],
            ),
            (
                "if sys.version_info >= (3, 11):\n    import a\nelse:\n    import b\nif os.name == 'nt':\n    import c\n",
                &["a?1.1", "b?1.2", "c?2.3"],
            ),
            ("if x:\n    import a\nelif y:\n    import b\n", &["a", "b"]),
            (
                "match x:\n    case 1:\n        import a\nfor i in x:\n    import b\nwhile x:\n    import c\n",
                &["a", "b", "c"],
            ),
        ];
        for (source, expected) in cases {
            assert_eq!(found(source), *expected, "{source}");
        }
    }
}
