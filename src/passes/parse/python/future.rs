//! `from __future__ import …`: only at the start of a module, and only features that exist.

use ruff_python_ast::{self as ast, Expr, PythonVersion, Stmt};

use super::checks::problem;
use crate::passes::parse::problem::Problem;

/// What CPython knows, in all versions that are judged.
const FEATURES: [&str; 10] = [
    "nested_scopes",
    "generators",
    "division",
    "absolute_import",
    "with_statement",
    "print_function",
    "unicode_literals",
    "barry_as_FLUFL",
    "generator_stop",
    "annotations",
];

/// Whether an import is of features and not of a module: until 3.13 the dots of `from .__future__` were not looked at.
pub(super) fn is_future(import: &ast::StmtImportFrom, version: PythonVersion) -> bool {
    import.module.as_deref() == Some("__future__") && (import.level == 0 || version < PythonVersion::PY313)
}

/// How many statements of `body` are where such an import may stand: a docstring and other such imports.
pub(super) fn start(body: &[Stmt], version: PythonVersion) -> usize {
    let belongs = |(at, stmt): &(usize, &Stmt)| match stmt {
        Stmt::Expr(stmt) => *at == 0 && matches!(&*stmt.value, Expr::StringLiteral(_)),
        Stmt::ImportFrom(import) => is_future(import, version),
        _ => false,
    };
    body.iter().enumerate().take_while(belongs).count()
}

/// The faults of such an import, which stands at the start of the module or not.
pub(super) fn check(import: &ast::StmtImportFrom, at_start: bool) -> Option<Problem> {
    if !at_start {
        return Some(problem("from __future__ imports must occur at the beginning of the file", import.range));
    }
    let unknown = import.names.iter().find(|alias| !FEATURES.contains(&alias.name.as_str()))?;
    let message = match unknown.name.as_str() {
        "braces" => "not a chance".to_owned(),
        name => format!("future feature {name} is not defined"),
    };
    Some(problem(message, unknown.range))
}

/// Whether statements at the start of a module ask for a feature.
pub(super) fn asks_for(start: &[Stmt], feature: &str) -> bool {
    start.iter().any(|stmt| match stmt {
        Stmt::ImportFrom(import) => import.names.iter().any(|alias| alias.name.as_str() == feature),
        _ => false,
    })
}
