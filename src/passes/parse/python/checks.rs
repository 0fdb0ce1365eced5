//! What CPython refuses in one node, whatever stands around it.
//!
//! Each check is one small function. They were found by comparing verdicts with CPython's own over mutated code; each has
//! its example in the tests.

use std::collections::HashSet;

use ruff_python_ast::{self as ast, ExceptHandler, Expr, ExprContext, PythonVersion};
use ruff_text_size::{Ranged, TextRange};

use crate::passes::parse::problem::Problem;

/// CPython's limit for the decimal digits of an integer (`sys.int_info.default_max_str_digits`).
const INT_DIGITS_MAX: usize = 4300;

/// CPython's limit for targets before a starred one.
const TARGETS_BEFORE_STAR_MAX: usize = 255;

/// Up to so many names are compared one with another; more are put into a set.
const NAMES_COMPARED_MAX: usize = 8;

/// How many loops, `with` and `try` blocks may stand inside one another.
pub(super) fn blocks_max(version: PythonVersion) -> u32 {
    if version >= PythonVersion::PY313 { 21 } else { 20 }
}

/// How many expressions may stand inside one another. CPython's parser and compiler stop at about so many, with a
/// `MemoryError` or `RecursionError`: measured with unary operators, which bear the most.
pub(super) fn expression_depth_max(version: PythonVersion) -> u32 {
    if version >= PythonVersion::PY313 { 5_900 } else { 2_900 }
}

/// How many `elif` one `if` may have: each is an `if` within the last for CPython's parser (measured).
pub(super) fn elif_max(version: PythonVersion) -> usize {
    if version >= PythonVersion::PY313 { 5_960 } else { 2_990 }
}

pub(super) fn problem(message: impl Into<String>, range: TextRange) -> Problem {
    let problem = Problem::new(super::RULE, message, super::bytes(range));
    match MENDS.iter().find(|(words, _)| problem.message.contains(words)) {
        Some((_, mend)) => problem.hint(*mend),
        None => problem,
    }
}

/// What to do about what stands in the wrong place.
const MENDS: &[(&str, &str)] = &[
    ("'await' outside function", "put it into an `async def` function, and run that with asyncio.run(…)"),
    ("outside async function", "make the function around it `async def`"),
    ("outside of an asynchronous function", "make the function around it `async def`"),
    ("'return' outside function", "indent it into a function, or remove it"),
    ("'yield' outside function", "indent it into a function"),
    ("'break' outside loop", "indent it into a loop, or remove it"),
    ("'continue' not properly in loop", "indent it into a loop, or remove it"),
    ("before global declaration", "move the `global` to the beginning of the function"),
    ("prior to global declaration", "move the `global` to the beginning of the function"),
    ("before nonlocal declaration", "move the `nonlocal` to the beginning of the function"),
    ("prior to nonlocal declaration", "move the `nonlocal` to the beginning of the function"),
];

/// The first name that stands twice among `names`.
pub(super) fn repeated<'a, I>(names: impl Fn() -> I) -> Option<&'a ast::Identifier>
where
    I: Iterator<Item = &'a ast::Identifier>,
{
    if names().nth(NAMES_COMPARED_MAX).is_none() {
        let is_repeated = |(at, name): &(usize, &ast::Identifier)| names().take(*at).any(|old| old.id == name.id);
        return names().enumerate().find(is_repeated).map(|(_, name)| name);
    }
    let mut seen = HashSet::new();
    names().find(|name| !seen.insert(name.as_str()))
}

/// `f(a=1, a=2)`.
pub(super) fn repeated_keyword(arguments: &ast::Arguments) -> Option<Problem> {
    if arguments.keywords.len() < 2 {
        return None;
    }
    let name = repeated(|| arguments.keywords.iter().filter_map(|keyword| keyword.arg.as_ref()))?;
    Some(problem(format!("keyword argument repeated: {}", name.id), name.range))
}

/// `def f(a, a)`.
pub(super) fn repeated_parameter(parameters: &ast::Parameters) -> Option<Problem> {
    if parameters.len() < 2 {
        return None;
    }
    let name = repeated(|| parameters.iter().map(|parameter| parameter.name()))?;
    Some(problem(format!("duplicate argument '{}' in function definition", name.id), name.range))
}

/// `def f[T, T]()`, and a parameter without a default behind one with.
pub(super) fn type_parameters(parameters: &ast::TypeParams) -> Option<Problem> {
    if let Some(name) = repeated(|| parameters.type_params.iter().map(ast::TypeParam::name)) {
        return Some(problem(format!("duplicate type parameter '{}'", name.id), name.range));
    }
    let mut defaults = parameters.iter().skip_while(|parameter| default_of(parameter).is_none());
    let without = defaults.find(|parameter| default_of(parameter).is_none())?;
    let message = format!("non-default type parameter '{}' follows default type parameter", without.name().id);
    Some(problem(message, without.range()))
}

/// The default of a type parameter.
pub(super) fn default_of(parameter: &ast::TypeParam) -> Option<&Expr> {
    match parameter {
        ast::TypeParam::TypeVar(parameter) => parameter.default.as_deref(),
        ast::TypeParam::TypeVarTuple(parameter) => parameter.default.as_deref(),
        ast::TypeParam::ParamSpec(parameter) => parameter.default.as_deref(),
    }
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

/// An integer with more digits than CPython reads.
pub(super) fn int_digits(number: &ast::ExprNumberLiteral, text: &str) -> Option<Problem> {
    if number.range.len() <= 4000.into() {
        return None;
    }
    let literal = &text[super::bytes(number.range)];
    let is_decimal = literal.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let digits = literal.bytes().filter(u8::is_ascii_digit).count();
    let message = format!("exceeds the limit of {INT_DIGITS_MAX} digits for integers: {digits} digits");
    (is_decimal && digits > INT_DIGITS_MAX).then(|| problem(message, number.range))
}

/// `*a, *b = x`, and a star behind too many targets.
pub(super) fn starred_targets(elements: &[Expr], context: ExprContext, range: TextRange) -> Option<Problem> {
    if !context.is_store() {
        return None;
    }
    let first = elements.iter().position(Expr::is_starred_expr)?;
    if elements[first + 1..].iter().any(Expr::is_starred_expr) {
        return Some(problem("multiple starred expressions in assignment", range));
    }
    (first > TARGETS_BEFORE_STAR_MAX).then(|| problem("too many expressions in star-unpacking assignment", range))
}

/// `*(a) or b` in a display: a star there takes no comparison and no logic but in parentheses.
pub(super) fn loose_star(element: &Expr, text: &str) -> Option<Problem> {
    let Expr::Starred(starred) = element else { return None };
    loose(&starred.value, text)
}

/// `{**(a) or b}`: the same for two stars.
pub(super) fn loose_stars(item: &ast::DictItem, text: &str) -> Option<Problem> {
    if item.key.is_some() { None } else { loose(&item.value, text) }
}

/// `(a).b: int`. CPython takes a name, attribute or subscript in brackets for the whole target (`(a): int`), and does not
/// try again where more of it follows.
pub(super) fn target_behind_brackets(target: &Expr) -> Option<Problem> {
    let mut here = target;
    loop {
        let inner = match here {
            Expr::Attribute(attribute) => &attribute.value,
            Expr::Subscript(subscript) => &subscript.value,
            Expr::Call(call) => &call.func,
            _ => return None,
        };
        // What begins later than what it is the first part of stands in brackets.
        if inner.start() > here.start() {
            let is_target = matches!(**inner, Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_));
            return is_target.then(|| problem("illegal target for annotation", target.range()));
        }
        here = inner;
    }
}

fn loose(value: &Expr, text: &str) -> Option<Problem> {
    let is_loose = match value {
        Expr::BoolOp(_) | Expr::Compare(_) | Expr::If(_) | Expr::Lambda(_) | Expr::Named(_) => true,
        Expr::UnaryOp(unary) => unary.op == ast::UnaryOp::Not,
        _ => false,
    };
    let follows_star = || text[..usize::from(value.start())].trim_end().ends_with('*');
    (is_loose && follows_star()).then(|| problem("invalid syntax", value.range()))
}

/// How many f-strings may stand inside one another in their fields (`MAXFSTRINGLEVEL` of CPython's tokenizer, less one).
pub(super) const NESTED_STRINGS_MAX: u32 = 149;

/// How many replacement fields of an f-string may stand inside one another, in format specifications.
pub(super) fn fields_max(version: PythonVersion) -> u32 {
    if version >= PythonVersion::PY312 { 3 } else { 2 }
}

/// `Falſe`, which is no keyword as it is written and one when it is normalised.
pub(super) fn constant_as_name(name: &ast::ExprName) -> Option<Problem> {
    let is_constant = matches!(name.id.as_str(), "None" | "True" | "False");
    is_constant.then(|| problem(format!("identifier field can't represent '{}' constant", name.id), name.range))
}

/// Whether a string is written with an escape of a lone surrogate, which no character of Rust's stands for.
pub(super) fn has_surrogate(string: &ast::ExprStringLiteral, text: &str) -> bool {
    string.value.iter().any(|part| {
        let literal = &text[super::bytes(part.range)];
        !part.flags.prefix().is_raw() && literal.contains('\\') && escapes_surrogate(literal.as_bytes())
    })
}

/// Whether a literal holds `\uD800` to `\uDFFF`, or the same as `\U`.
fn escapes_surrogate(literal: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&byte) = literal.get(at) {
        let rest = &literal[at..];
        let digits = match rest {
            [b'\\', b'u', ..] => rest.get(2..6),
            [b'\\', b'U', b'0', b'0', b'0', b'0', ..] => rest.get(6..10),
            _ => None,
        };
        let is_surrogate = |digits: &[u8]| {
            let is_d = matches!(digits[0], b'd' | b'D') && matches!(digits[1], b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F');
            is_d && digits.iter().all(u8::is_ascii_hexdigit)
        };
        if digits.is_some_and(is_surrogate) {
            return true;
        }
        at += if byte == b'\\' { 2 } else { 1 };
    }
    false
}
