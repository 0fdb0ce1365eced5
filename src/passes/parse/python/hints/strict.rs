//! The strict parser's errors in CPython's words: for what its grammar refuses and CPython's compiler refuses later, and
//! for files on which the grammar of this module reaches a limit.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{InterpolatedStringErrorType, LexicalErrorType, ParseError, ParseErrorType};

use crate::passes::parse::problem::{Problem, fragment};
use crate::passes::parse::python::{RULE, bytes};

/// One error of the strict parser.
pub(super) fn problem(error: &ParseError, text: &str) -> Problem {
    let range = bytes(error.location);
    let range = range.start.min(text.len())..range.end.min(text.len());
    let problem = Problem::new(RULE, fragment(&message(&error.error)), range);
    match hint(&error.error) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

fn message(error: &ParseErrorType) -> String {
    let words = match error {
        ParseErrorType::InvalidStarredExpressionUsage => "can't use starred expression here",
        ParseErrorType::ExpectedToken { expected: TokenKind::Colon, .. } => "expected ':'",
        ParseErrorType::ExpectedToken { .. }
        | ParseErrorType::ExpectedExpression
        | ParseErrorType::SimpleStatementsOnSameLine
        | ParseErrorType::SimpleAndCompoundStatementOnSameLine
        | ParseErrorType::EmptySlice
        | ParseErrorType::EmptyGlobalNames
        | ParseErrorType::EmptyNonlocalNames
        | ParseErrorType::EmptyDeleteTargets
        | ParseErrorType::UnexpectedTokenAfterAsync(_)
        | ParseErrorType::UnexpectedExpressionToken
        | ParseErrorType::UnexpectedIpythonEscapeCommand => "invalid syntax",
        ParseErrorType::EmptyImportNames => "expected one or more names after 'import'",
        ParseErrorType::UnexpectedIndentation => "unexpected indent",
        ParseErrorType::PositionalAfterKeywordArgument => "positional argument follows keyword argument",
        ParseErrorType::PositionalAfterKeywordUnpacking => "positional argument follows keyword argument unpacking",
        ParseErrorType::InvalidArgumentUnpackingOrder => {
            "iterable argument unpacking follows keyword argument unpacking"
        }
        ParseErrorType::NonDefaultParamAfterDefaultParam => {
            "parameter without a default follows parameter with a default"
        }
        ParseErrorType::ParamAfterVarKeywordParam => "parameters cannot follow var-keyword parameter",
        ParseErrorType::UnparenthesizedGeneratorExpression => "generator expression must be parenthesized",
        ParseErrorType::Lexical(error) => return lexical(error),
        other => return other.to_string(),
    };
    words.to_owned()
}

fn lexical(error: &LexicalErrorType) -> String {
    match error {
        LexicalErrorType::UnclosedStringError => "unterminated string literal".to_owned(),
        LexicalErrorType::LineContinuationError => "unexpected character after line continuation character".to_owned(),
        LexicalErrorType::UnicodeError => "(unicode error) an escape of the string is not complete".to_owned(),
        LexicalErrorType::MissingUnicodeLbrace | LexicalErrorType::MissingUnicodeRbrace => {
            "(unicode error) malformed \\N character escape".to_owned()
        }
        LexicalErrorType::UnrecognizedToken { .. } => "invalid syntax".to_owned(),
        LexicalErrorType::FStringError(InterpolatedStringErrorType::UnclosedLbrace) => {
            "f-string: expecting '}'".to_owned()
        }
        other => other.to_string().replace('`', "'"),
    }
}

fn hint(error: &ParseErrorType) -> Option<&'static str> {
    Some(match error {
        ParseErrorType::InvalidStarredExpressionUsage => "put it into a list, a tuple or a call",
        ParseErrorType::ExpectedToken { expected: TokenKind::Colon, .. } => "add ':' before this",
        ParseErrorType::Lexical(LexicalErrorType::UnicodeError) => {
            "write the backslash twice, or put r before the string"
        }
        ParseErrorType::Lexical(LexicalErrorType::InvalidByteLiteral) => "write other characters as \\x… escapes",
        _ => return None,
    })
}
