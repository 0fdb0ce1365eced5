//! The strict parser's errors in CPython's words, for what its grammar refuses and CPython's compiler refuses later.

use ruff_python_parser::{ParseError, ParseErrorType};

use crate::passes::parse::problem::{Problem, fragment};
use crate::passes::parse::python::{RULE, bytes};

/// One error of the strict parser.
pub(super) fn problem(error: &ParseError, text: &str) -> Problem {
    let range = bytes(error.location);
    let range = range.start.min(text.len())..range.end.min(text.len());
    let message = match &error.error {
        ParseErrorType::InvalidStarredExpressionUsage => "can't use starred expression here".to_owned(),
        other => fragment(&other.to_string()),
    };
    Problem::new(RULE, message, range)
}
