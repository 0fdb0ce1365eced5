//! Python: the verdict of `ruff_python_parser` for the target's version of Python, completed to CPython's own.

mod checks;
mod expressions;
mod future;
mod hints;
mod identifiers;
#[cfg(feature = "bench")]
pub mod layers;
mod layout;
mod names;
mod patterns;
mod scan;
mod scope;
mod semantic;
mod survey;
mod version;

use std::ops::Range;

use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_ast::{ModModule, PythonVersion};
use ruff_python_parser::{Mode, ParseError, ParseErrorType, ParseOptions, Parsed, parse_unchecked};
use ruff_text_size::{Ranged as _, TextRange};

use super::file::Basis;
use super::problem::{Judged, Problem};
use super::{Region, Target, bounds};
use crate::facts::strict::{self, Lowered, Wanted};
use crate::language::Language;

/// Brackets inside one another that CPython reads.
const BRACKETS_MAX: u64 = 200;

const RULE: &str = "python-syntax-error";

/// A range of ruff's as one of bytes.
fn bytes(range: TextRange) -> Range<usize> {
    usize::from(range.start())..usize::from(range.end())
}

/// The target's version as the parser's crates have it.
fn python_version(target: &Target) -> PythonVersion {
    PythonVersion { major: 3, minor: target.python.minor() }
}

/// What a text is compiled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A file of its own.
    Module,
    /// A stub (`.pyi`), whose annotations are never evaluated.
    Stub,
    /// A notebook's cell: each of its statements is compiled on its own, with `await` allowed at the top.
    Cell,
}

/// Judges one Python file.
pub(super) fn judge(path: &str, text: &str, basis: Basis<'_>) -> Judged {
    let form = if path.ends_with(".pyi") { Form::Stub } else { Form::Module };
    let (problems, lowered) = bounded(text, form, basis, basis.wanted(path));
    let region = |lowered| Region::strict(Language::Python, 0..text.len(), lowered, basis.policy);
    let regions = lowered.map(region).into_iter().collect();
    Judged { dialect: Some(basis.target.python.name()), problems, regions, ..Judged::default() }
}

/// The faults of a text that is compiled as `form`.
pub(super) fn verdict(text: &str, form: Form, basis: Basis<'_>) -> Vec<Problem> {
    bounded(text, form, basis, None).0
}

/// What the strict tree of a text says that has been judged already; `None` where there is none.
pub(super) fn lowered(path: &str, text: &str, basis: Basis<'_>) -> Option<Lowered> {
    if bounds::too_much_code(text).is_some() {
        return None;
    }
    let options = ParseOptions::from(Mode::Module).with_target_version(python_version(basis.target));
    lower(text, &parse_unchecked(text, options).try_into_module()?, basis.wanted(path)?)
}

/// What a tree says, where the parser took all of the text.
fn lower(text: &str, parsed: &Parsed<ModModule>, wanted: Wanted) -> Option<Lowered> {
    (!parsed.has_invalid_syntax()).then(|| strict::python(text, parsed.suite(), parsed.tokens(), wanted))
}

/// The most opening brackets of a text that the parser may see before it is known how deep they nest.
const BRACKETS_UNSEEN_MAX: usize = 10_000;

/// The faults of a text that is no hazard to the parser, and what is wanted of its tree.
///
/// How deep brackets nest is told by the parser's tokens where there are so few that it can do no harm, and by a scan
/// before it otherwise.
fn bounded(text: &str, form: Form, basis: Basis<'_>, wanted: Option<Wanted>) -> (Vec<Problem>, Option<Lowered>) {
    if let Some(problem) = bounds::too_much_code(text) {
        return (vec![nested(text, basis).err().unwrap_or(problem)], None);
    }
    if bounds::brackets(text) > BRACKETS_UNSEEN_MAX
        && let Err(problem) = nested(text, basis)
    {
        return (vec![problem], None);
    }
    judged(form, text, basis, wanted).unwrap_or_else(|problem| (vec![problem], None))
}

/// Brackets that may be inside one another.
fn depth_max(basis: Basis<'_>) -> u64 {
    basis.policy.nesting_depth_max.min(BRACKETS_MAX)
}

/// The brackets of a text, or the fault of those that nest too deep.
fn nested(text: &str, basis: Basis<'_>) -> Result<scan::Scan, Problem> {
    let depth_max = depth_max(basis);
    let found = scan::scan(text, depth_max);
    match found.brackets.too_deep {
        Some(at) => Err(bounds::too_deep("brackets", depth_max, at)),
        None => Ok(found),
    }
}

/// The errors of the strict parser that are errors: it takes a name `match` behind a `;` for the statement, finds no name
/// in `C(_=x)`, and wants an expression in `raise;`.
fn real_errors(errors: &[ParseError], tokens: &[Token], text: &str) -> Vec<ParseError> {
    let place = |error: &ParseError| tokens.partition_point(|token| token.start() < error.location.start());
    let kind = |at: usize| tokens.get(at).map(Token::kind);
    let is_name = |error: &ParseError| kind(place(error)) == Some(TokenKind::Name);
    let is_bare_raise = |error: &ParseError| {
        let at = place(error);
        kind(at) == Some(TokenKind::Semi) && kind(at.wrapping_sub(1)) == Some(TokenKind::Raise)
    };
    let is_real = |error: &&ParseError| match &error.error {
        ParseErrorType::SimpleAndCompoundStatementOnSameLine => !is_name(error),
        ParseErrorType::ExpectedExpression => !is_bare_raise(error),
        ParseErrorType::OtherError(message) => {
            &text[bytes(error.location)] != "_" || message != "Expected an identifier for the keyword pattern"
        }
        _ => true,
    };
    errors.iter().filter(is_real).cloned().collect()
}

/// The faults of a text that can be parsed; or that of brackets that nest too deep, which then is all that is said of it.
fn judged(
    form: Form,
    text: &str,
    basis: Basis<'_>,
    wanted: Option<Wanted>,
) -> Result<(Vec<Problem>, Option<Lowered>), Problem> {
    let target = basis.target;
    let python = python_version(target);
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module).with_target_version(python));
    let mut survey = survey::survey(text, parsed.tokens(), depth_max(basis));
    let layout = survey.layout.take();
    let is_invalid = parsed.has_invalid_syntax();
    let found = (is_invalid || survey.may_nest_too_deep).then(|| nested(text, basis)).transpose()?;
    if let Some(found) = found.filter(|_| is_invalid) {
        let errors = real_errors(parsed.errors(), parsed.tokens(), text);
        if !errors.is_empty() {
            return Ok((hints::improve(&errors, text, &found, layout), None));
        }
    }
    let unsupported = parsed.unsupported_syntax_errors().iter().filter(|error| !version::is_found_in_tree(error.kind));
    let unsupported = unsupported.map(|error| version::unsupported(error, target));
    let too_deep = layout.as_ref().is_some_and(|problem| problem.rule == "nesting-too-deep");
    let mut problems: Vec<Problem> = unsupported.chain(layout).collect();
    if too_deep {
        return Ok((problems, None));
    }
    problems.extend(survey.bare_yield.take());
    problems.extend(identifiers::faults(text, parsed.tokens(), target.python));
    problems.extend(layout::unequal_under_flufl(text, parsed.tokens(), python));
    let Some(module) = parsed.try_into_module() else { return Ok((problems, None)) };
    let body = module.suite();
    match form {
        Form::Cell => {
            let each = body.iter().map(std::slice::from_ref);
            problems.extend(each.flat_map(|statement| semantic::check(statement, text, target, form, &survey)));
        }
        Form::Module | Form::Stub => problems.extend(semantic::check(body, text, target, form, &survey)),
    }
    let lowered = wanted.and_then(|wanted| lower(text, &module, wanted));
    Ok((problems, lowered))
}
