//! What CPython refuses and the strict parser and its semantic checker let pass.
//!
//! Each check is one small function over one node. They were found by comparing verdicts with CPython's own over
//! mutated code; each has its example in the tests.

use ruff_python_ast::{self as ast, ExceptHandler, Expr, ExprContext, Pattern, PythonVersion, Stmt};
use ruff_text_size::{Ranged, TextRange};

use crate::passes::parse::problem::Problem;

/// CPython's limit for the decimal digits of an integer (`sys.int_info.default_max_str_digits`).
const INT_DIGITS_MAX: usize = 4300;

/// CPython's limit for targets before a starred one.
const TARGETS_BEFORE_STAR_MAX: usize = 255;

/// How many loops, `with` and `try` blocks may stand inside one another.
pub(super) fn blocks_max(version: PythonVersion) -> u32 {
    if version >= PythonVersion::PY313 { 21 } else { 20 }
}

/// How many expressions may stand inside one another. CPython's parser and compiler stop at about so many, with a
/// `MemoryError` or `RecursionError`: measured with unary operators, which bear the most.
pub(super) fn expression_depth_max(version: PythonVersion) -> u32 {
    if version >= PythonVersion::PY313 { 5_900 } else { 2_900 }
}

fn problem(message: impl Into<String>, range: TextRange) -> Problem {
    Problem::new(super::RULE, message, super::bytes(range))
}

/// The own checks of a statement.
pub(super) fn statement(stmt: &Stmt) -> Option<Problem> {
    match stmt {
        Stmt::Expr(stmt) if stmt.value.is_starred_expr() => {
            Some(problem("can't use starred expression here", stmt.value.range()))
        }
        Stmt::AnnAssign(assign) => starred_subscript_annotated(assign),
        Stmt::ClassDef(class) => class.arguments.as_deref().and_then(debug_keyword),
        _ => None,
    }
}

/// `A[*b]: int` is refused, though `A[*b] = 1` is not.
fn starred_subscript_annotated(assign: &ast::StmtAnnAssign) -> Option<Problem> {
    let Expr::Subscript(subscript) = &*assign.target else { return None };
    let Expr::Tuple(tuple) = &*subscript.slice else { return None };
    let starred = tuple.elts.iter().find(|element| element.is_starred_expr())?;
    Some(problem("can't use starred expression here", starred.range()))
}

/// `from __future__ import annotations`.
pub(super) fn defers_annotations(import: &ast::StmtImportFrom) -> bool {
    import.module.as_deref() == Some("__future__")
        && import.names.iter().any(|alias| alias.name.as_str() == "annotations")
}

/// A bare `except:` must be the last handler.
pub(super) fn default_except_is_last(statement: &ast::StmtTry) -> Option<Problem> {
    let (_, earlier) = statement.handlers.split_last()?;
    let bare = earlier.iter().find(|handler| {
        let ExceptHandler::ExceptHandler(inner) = handler;
        inner.type_.is_none()
    })?;
    let start = bare.range().start();
    Some(problem("default 'except:' must be last", TextRange::at(start, 6.into())))
}

/// The own checks of an expression.
pub(super) fn expression(expr: &Expr, text: &str) -> Option<Problem> {
    match expr {
        Expr::Attribute(attribute) if attribute.attr.as_str() == "__debug__" => match attribute.ctx {
            ExprContext::Store => Some(problem("cannot assign to __debug__", attribute.range)),
            ExprContext::Del => Some(problem("cannot delete __debug__", attribute.range)),
            _ => None,
        },
        Expr::Call(call) => debug_keyword(&call.arguments),
        Expr::NumberLiteral(number) if number.range.len() > 4000.into() => int_digits(number, text),
        Expr::Tuple(ast::ExprTuple { elts, ctx, .. }) | Expr::List(ast::ExprList { elts, ctx, .. }) => {
            targets_before_star(elts, *ctx)
        }
        _ => None,
    }
}

fn debug_keyword(arguments: &ast::Arguments) -> Option<Problem> {
    let is_debug = |keyword: &&ast::Keyword| keyword.arg.as_deref() == Some("__debug__");
    let keyword = arguments.keywords.iter().find(is_debug)?;
    Some(problem("cannot assign to __debug__", keyword.range))
}

fn int_digits(number: &ast::ExprNumberLiteral, text: &str) -> Option<Problem> {
    let literal = &text[super::bytes(number.range)];
    let is_decimal = literal.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let digits = literal.bytes().filter(u8::is_ascii_digit).count();
    let message = format!("exceeds the limit of {INT_DIGITS_MAX} digits for integers: {digits} digits");
    (is_decimal && digits > INT_DIGITS_MAX).then(|| problem(message, number.range))
}

fn targets_before_star(elements: &[Expr], context: ExprContext) -> Option<Problem> {
    let starred = context.is_store().then(|| elements.iter().position(Expr::is_starred_expr))??;
    (starred > TARGETS_BEFORE_STAR_MAX)
        .then(|| problem("too many expressions in star-unpacking assignment", elements[starred].range()))
}

/// The own checks of a pattern: an alternative that always matches must be the last, and `__debug__` binds nothing.
pub(super) fn pattern(pattern: &Pattern) -> Option<Problem> {
    match pattern {
        Pattern::MatchOr(or) => {
            let (_, earlier) = or.patterns.split_last()?;
            earlier.iter().find_map(irrefutable)
        }
        Pattern::MatchClass(class) => {
            let debug = class.arguments.keywords.iter().find(|keyword| keyword.attr.as_str() == "__debug__")?;
            Some(problem("cannot assign to __debug__", debug.range))
        }
        _ => None,
    }
}

/// The fault of a pattern that matches everything where others follow it.
fn irrefutable(pattern: &Pattern) -> Option<Problem> {
    let mut inner = pattern;
    loop {
        let Pattern::MatchAs(binding) = inner else { return None };
        match (&binding.pattern, &binding.name) {
            (Some(next), _) => inner = next,
            (None, Some(name)) => {
                let message = format!("name capture '{name}' makes remaining patterns unreachable");
                return Some(problem(message, pattern.range()));
            }
            (None, None) => return Some(problem("wildcard makes remaining patterns unreachable", pattern.range())),
        }
    }
}
