//! Syntax that the target's version of Python does not have yet.

use ruff_python_ast::PythonVersion;
use ruff_python_parser::{UnsupportedSyntaxError, UnsupportedSyntaxErrorKind as Kind};
use ruff_text_size::{Ranged, TextRange};

use crate::passes::parse::Target;
use crate::passes::parse::problem::Problem;

/// The fault of syntax that is newer than the target.
pub(super) fn unsupported(error: &UnsupportedSyntaxError, target: &Target) -> Problem {
    let (what, since) = what(error.kind);
    match since {
        Some(since) => newer(what, since, error.range(), target),
        None => Problem::new(super::RULE, what, super::bytes(error.range())),
    }
}

/// The fault of `what` at `range`, which needs a Python that is newer than the target.
pub(super) fn newer(what: &str, since: PythonVersion, range: TextRange, target: &Target) -> Problem {
    let message = format!(
        "{what} needs Python {since} or later; this is judged for {} because {}",
        target.python.name(),
        target.python_by.words()
    );
    Problem::new(super::RULE, message, super::bytes(range))
}

/// Whether the walk over the tree finds it more surely than the parser does.
pub(super) fn is_found_in_tree(kind: Kind) -> bool {
    matches!(kind, Kind::Match | Kind::TypeParamDefault)
}

/// The name of a piece of syntax, and the version that first had it; `None` where it was taken away.
fn what(kind: Kind) -> (&'static str, Option<PythonVersion>) {
    use PythonVersion as V;
    let (what, since) = match kind {
        Kind::Match => ("`match`", V::PY310),
        Kind::Walrus => ("`:=`", V::PY38),
        Kind::ExceptStar => ("`except*`", V::PY311),
        Kind::UnparenthesizedNamedExpr(_) => ("`:=` in an index or a set without parentheses", V::PY310),
        Kind::ParenthesizedKeywordArgumentName => {
            return ("the name of a keyword argument cannot be in parentheses", None);
        }
        Kind::StarTuple(_) => ("`*` in `return` and `yield` without parentheses", V::PY38),
        Kind::RelaxedDecorator(_) => ("a decorator that is no dotted name", V::PY39),
        Kind::PositionalOnlyParameter => ("`/` among parameters", V::PY38),
        Kind::TypeParameterList => ("a list of type parameters", V::PY312),
        Kind::LazyImportStatement => ("`lazy import`", V::PY315),
        Kind::TypeAliasStatement => ("`type`", V::PY312),
        Kind::TypeParamDefault => ("a default of a type parameter", V::PY313),
        Kind::Pep701FString(_) => {
            ("a backslash, comment, line break or the string's own quote in the expression of an f-string", V::PY312)
        }
        Kind::ParenthesizedContextManager => ("`with` with its items in parentheses", V::PY39),
        Kind::StarExpressionInIndex => ("`*` in an index", V::PY311),
        Kind::StarAnnotation => ("`*` in an annotation", V::PY311),
        Kind::UnpackingInComprehension(_) => ("`*` in a comprehension", V::PY315),
        Kind::UnparenthesizedUnpackInFor => ("`*` in `for` without parentheses", V::PY39),
        Kind::UnparenthesizedExceptionTypes => ("`except` with several types without parentheses", V::PY314),
        Kind::TemplateStrings => ("a t-string", V::PY314),
    };
    (what, Some(since))
}
