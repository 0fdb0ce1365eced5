//! The outline of Python: functions and blocks from the statements, comments, strings and names from the tokens.

use std::ops::Range;

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtFunctionDef};
use ruff_text_size::{Ranged as _, TextRange};

use super::bytes;
use crate::facts::outline::{Outline, Outliner, Place};

/// The outline of the tree of `source`.
pub(super) fn of(source: &str, body: &[Stmt], tokens: &Tokens) -> Outline {
    let mut outliner = Outliner::default();
    statements(source, body, &mut outliner);
    let mut outline = outliner.finish();
    outline.has_statement = body.iter().any(|statement| !is_text(statement));
    texts(tokens, !source.is_ascii(), &mut outline);
    outline
}

/// A docstring, or any other text by itself.
fn is_text(statement: &Stmt) -> bool {
    let Stmt::Expr(statement) = statement else { return false };
    match &*statement.value {
        Expr::StringLiteral(text) => !text.value.is_implicit_concatenated(),
        Expr::FString(text) => !text.value.is_implicit_concatenated(),
        Expr::BytesLiteral(_) => true,
        _ => false,
    }
}

fn statements(source: &str, body: &[Stmt], outliner: &mut Outliner) {
    for statement in body {
        match statement {
            Stmt::FunctionDef(function) => {
                outliner.enter_function(bytes(function.name.range), whole(source, function));
                block(source, &function.body, outliner);
                outliner.leave_function();
            }
            Stmt::ClassDef(class) => block(source, &class.body, outliner),
            Stmt::If(conditional) => {
                block(source, &conditional.body, outliner);
                for clause in &conditional.elif_else_clauses {
                    block(source, &clause.body, outliner);
                }
            }
            Stmt::For(each) => blocks(source, [&*each.body, &*each.orelse], outliner),
            Stmt::While(repeated) => blocks(source, [&*repeated.body, &*repeated.orelse], outliner),
            Stmt::With(with) => block(source, &with.body, outliner),
            Stmt::Try(attempt) => {
                block(source, &attempt.body, outliner);
                for ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                    block(source, &handler.body, outliner);
                }
                blocks(source, [&*attempt.orelse, &*attempt.finalbody], outliner);
            }
            Stmt::Match(matched) => {
                // The cases are a block of their own.
                outliner.enter_block(matched.cases.first().map_or(0, |case| bytes(case.range).start));
                for case in &matched.cases {
                    block(source, &case.body, outliner);
                }
                outliner.leave_block();
            }
            _ => {}
        }
    }
}

fn blocks<'a>(source: &str, bodies: impl IntoIterator<Item = &'a [Stmt]>, outliner: &mut Outliner) {
    for body in bodies {
        block(source, body, outliner);
    }
}

fn block(source: &str, body: &[Stmt], outliner: &mut Outliner) {
    let Some(first) = body.first() else { return };
    outliner.enter_block(bytes(first.range()).start);
    statements(source, body, outliner);
    outliner.leave_block();
}

/// A function from its `async` or `def` on; its decorators stand before it.
pub(super) fn whole(source: &str, function: &StmtFunctionDef) -> Range<usize> {
    let all = bytes(function.range);
    if function.decorator_list.is_empty() {
        return all;
    }
    let before = |end: usize| source[..end].trim_end_matches(|char: char| char.is_whitespace() || char == '\\');
    let def = before(bytes(function.name.range).start).len().saturating_sub("def".len());
    let start = match function.is_async {
        true => before(def).len().saturating_sub("async".len()),
        false => def,
    };
    start..all.end
}

/// Comments, strings and, where they are wanted, names. Of strings in one another the outer one counts.
fn texts(tokens: &Tokens, with_names: bool, outline: &mut Outline) {
    let mut open: Vec<TextRange> = Vec::new();
    for token in tokens {
        let place = || Place::from(bytes(token.range()));
        match token.kind() {
            TokenKind::Comment => outline.comments.push(place()),
            TokenKind::String if open.is_empty() => outline.strings.push(place()),
            TokenKind::FStringStart | TokenKind::TStringStart => open.push(token.range()),
            TokenKind::FStringEnd | TokenKind::TStringEnd => {
                if let Some(start) = open.pop().filter(|_| open.is_empty()) {
                    outline.strings.push(Place::from(bytes(start.cover(token.range()))));
                }
            }
            TokenKind::Name if with_names => outline.names.push(place()),
            _ => {}
        }
    }
}
