//! Finds the faults of a file that does not parse: the first as CPython finds it, and those behind it that stand for
//! themselves.
//!
//! Behind a fault the search goes on at the next statement that cannot belong to what is broken. What the broken place
//! itself makes of the lines behind it is no fault of theirs and is never shown.

use std::ops::Range;

use super::machine::{Machine, Raised, STEPS_MAX, Stop};
use super::tokens::{Class, Fault, FaultKind, LITERALS, Lexed, Token, indentation_width, lex, line_number};

/// How often the search goes on behind a fault.
const ROUNDS_MAX: usize = 20;

/// Steps that each round has at least.
const STEPS_OF_ROUND_MIN: u64 = STEPS_MAX / 20;

/// Bytes that are looked at in all rounds after the first.
const BYTES_MAX: usize = 16 << 20;

/// A fault, in CPython's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) message: String,
    pub(super) range: Range<usize>,
    /// What explains it: an opening bracket, or the statement that the message names.
    pub(super) opener: Option<Range<usize>>,
    /// What kind it is, if it is one of tokens.
    pub(super) kind: Option<FaultKind>,
    /// Where the statement begins that holds it, and the logical line.
    pub(super) statement: usize,
    pub(super) line: usize,
}

/// Keywords that go on with a statement above.
const CONTINUES: &[&str] = &["else", "elif", "except", "finally", "case"];

/// What begins a line that no open bracket can hold.
const STARTERS: &[&str] = &["def ", "class ", "import ", "async def ", "@", "while ", "try:", "return", "raise "];

/// The faults of `text`, of which the strict parser reports the first at `error`.
pub(super) fn faults(text: &str, error: usize) -> Vec<Found> {
    let mut lexed = lex(text, 0);
    let mut start = first_statement(&lexed.tokens, error);
    let mut found: Vec<Found> = Vec::new();
    let (mut steps, mut bytes) = (STEPS_MAX, 0);
    let error = text.floor_char_boundary(error.min(text.len()));
    for _ in 0..ROUNDS_MAX {
        let run = run(text, &lexed, start, steps);
        steps = run.steps;
        let from = match run.end {
            // The statement is too large; the definition inside it that holds the error may not be.
            End::Limit if found.is_empty() && bytes == 0 => definition_before(text, error),
            End::Limit => return found,
            End::Left(at) if at >= text.len() => return found,
            End::Left(at) => next_line(text, at, usize::MAX, false),
            End::Fault(fault, at) => {
                let behind = resume(text, &lexed, &fault, at);
                let of_grammar = fault.kind.is_none();
                found.push(fault);
                match &lexed.fault {
                    Some(_) if of_grammar && behind.is_none() && is_inside_brackets(&lexed.tokens, at) => {
                        found.last().and_then(|fault| behind_brackets(text, fault))
                    }
                    // The tokens end before another statement begins: what they end in is the next fault.
                    Some(broken) if of_grammar && behind.is_none() => {
                        let fault = of_tokens(&lexed.tokens, broken, start);
                        let behind = resume(text, &lexed, &fault, at);
                        found.push(fault);
                        behind
                    }
                    _ => behind,
                }
            }
        };
        let Some(from) = from else { return found };
        steps = steps.max(STEPS_OF_ROUND_MIN);
        bytes += text.len() - from;
        if bytes > BYTES_MAX {
            return found;
        }
        lexed = lex(text, from);
        start = 0;
    }
    found
}

/// The line of the last definition that begins before `error`.
fn definition_before(text: &str, error: usize) -> Option<usize> {
    const DEFINITIONS: &[&str] = &["def ", "async def ", "class "];
    let mut end = line_start(text, error);
    while end > 0 {
        let start = line_start(text, end - 1);
        let code = text[start..end].trim_start();
        if DEFINITIONS.iter().any(|definition| code.starts_with(definition)) {
            return Some(start);
        }
        end = start;
    }
    None
}

/// The token that begins the last statement at the margin that begins at or before `error`.
fn first_statement(tokens: &[Token], error: usize) -> usize {
    let (mut depth, mut start, mut begins, mut decorated) = (0_usize, 0, true, false);
    for (at, token) in tokens.iter().enumerate() {
        // What the strict parser reports at the first token of a statement may be a fault of the one before.
        if token.start as usize >= error && at > 0 {
            break;
        }
        match token.class {
            Class::Newline => begins = true,
            Class::Indent => depth += 1,
            Class::Dedent => depth = depth.saturating_sub(1),
            _ if begins => {
                begins = false;
                let word = LITERALS[usize::from(token.literal)];
                if depth == 0 && !CONTINUES[..4].contains(&word) {
                    if !decorated && token.class != Class::End {
                        start = at;
                    }
                    decorated = word == "@";
                }
            }
            _ => {}
        }
    }
    start
}

struct Run {
    end: End,
    steps: u64,
}

enum End {
    /// A fault, and the token up to which the parser had looked.
    Fault(Found, usize),
    /// Nothing is wrong up to this byte, where a line stands left of the margin or the file ends.
    Left(usize),
    Limit,
}

/// Parses statements up to the first fault.
fn run(text: &str, lexed: &Lexed, start: usize, steps: u64) -> Run {
    let tokens = &lexed.tokens;
    let mut machine = Machine::new(text, tokens, steps);
    let mut at = start;
    loop {
        if let Some(token) = tokens.get(at).filter(|token| token.class == Class::End) {
            return Run { end: End::Left(token.start as usize), steps: machine.steps() };
        }
        let mut stopped = machine.statement(at, false);
        let furthest = machine.furthest;
        if stopped == Ok(None) {
            stopped = machine.statement(at, true);
        }
        let raised = match stopped {
            Ok(Some(next)) if machine.furthest == furthest || next > at => {
                at = next;
                continue;
            }
            Err(Stop::Limit) => return Run { end: End::Limit, steps: machine.steps() },
            Err(Stop::Tokens) => None,
            Err(Stop::Fault(raised)) => Some(raised),
            Ok(_) => Some(generic(&machine, tokens, furthest)),
        };
        let looked = machine.furthest;
        let fault = choose(text, lexed, raised, at, looked);
        return Run { end: End::Fault(fault, looked), steps: machine.steps() };
    }
}

/// What has no words of its own.
fn generic(machine: &Machine<'_>, tokens: &[Token], furthest: usize) -> Raised {
    let message = match tokens.get(furthest).map(|token| token.class) {
        Some(Class::Indent) => "unexpected indent",
        Some(Class::Dedent) => "unexpected unindent",
        _ => "invalid syntax",
    };
    Raised { message: message.to_owned(), range: machine.place(furthest), opener: None }
}

/// The fault to show: that of the grammar, or that of the tokens which explains it.
fn choose(text: &str, lexed: &Lexed, raised: Option<Raised>, statement: usize, looked: usize) -> Found {
    let tokens = &lexed.tokens;
    let statement_start = tokens[statement].start as usize;
    let token = tokens[looked.min(tokens.len() - 1)].range();
    let line = logical_line(tokens, looked);
    let Some(raised) = raised else {
        let of_tokens = |fault| of_tokens(tokens, fault, statement);
        return lexed.fault.as_ref().map_or_else(|| unknown(statement_start, token), of_tokens);
    };
    if let Some(fault) = &lexed.fault {
        let explains = match fault.kind {
            FaultKind::Unclosed => line_number(text, token.start) > line_number(text, fault.range.start),
            // One in another logical line is another fault.
            _ => line == logical_line(tokens, tokens.len() - 1),
        };
        if explains {
            return of_tokens(tokens, fault, statement);
        }
    }
    let Raised { message, range, opener } = raised;
    let line = if opener.is_some() { opener.as_ref().map_or(line, |opener| opener.start) } else { line };
    Found { message, range, opener, kind: None, statement: statement_start, line }
}

/// A fault of the tokens, met in the statement that begins with the token `statement`.
fn of_tokens(tokens: &[Token], fault: &Fault, statement: usize) -> Found {
    Found {
        message: fault.message.clone(),
        range: fault.range.clone(),
        opener: fault.opener.map(|at| at..at + 1),
        kind: Some(fault.kind),
        statement: tokens.get(statement).map_or(fault.range.start, |token| token.start as usize),
        line: logical_line(tokens, tokens.len() - 1),
    }
}

fn unknown(statement: usize, token: Range<usize>) -> Found {
    let message = "invalid syntax".to_owned();
    Found { message, range: token, opener: None, kind: None, statement, line: statement }
}

/// Where the logical line of the token `at` begins.
fn logical_line(tokens: &[Token], at: usize) -> usize {
    let at = at.min(tokens.len().saturating_sub(1));
    let layout = |class| matches!(class, Class::Newline | Class::Indent | Class::Dedent | Class::End);
    let mut first = at;
    // The end of a line belongs to it; the beginning of the next one does not.
    while first > 0 && matches!(tokens[first].class, Class::End | Class::Dedent) {
        first -= 1;
    }
    if tokens[first].class == Class::Newline && first > 0 {
        first -= 1;
    }
    while first > 0 && !layout(tokens[first - 1].class) {
        first -= 1;
    }
    tokens.get(first).map_or(0, |token| token.start as usize)
}

/// Where the search goes on behind a fault: the beginning of a line.
fn resume(text: &str, lexed: &Lexed, fault: &Found, looked: usize) -> Option<usize> {
    let line = match fault.kind {
        Some(FaultKind::Unclosed) => line_start(text, fault.range.start),
        _ => line_start(text, fault.line),
    };
    let width = indentation_width(&text[line..]);
    if fault.kind.is_none() {
        // All brackets and strings up to there are closed, so that the tokens tell where statements begin.
        let mut begins = false;
        let behind = fault.range.start.max(fault.opener.as_ref().map_or(0, |opener| opener.end));
        for token in &lexed.tokens[looked.min(lexed.tokens.len())..] {
            match token.class {
                Class::Newline => begins = true,
                Class::Indent | Class::Dedent => {}
                Class::End => return (!begins || (token.start as usize) < text.len()).then_some(token.start as usize),
                _ if begins || (fault.opener.is_some() && token.start as usize >= behind) => {
                    begins = false;
                    let start = line_start(text, token.start as usize);
                    let word = LITERALS[usize::from(token.literal)];
                    if start > line && indentation_width(&text[start..]) <= width && !CONTINUES.contains(&word) {
                        return Some(start);
                    }
                }
                _ => {}
            }
        }
        return None;
    }
    let is_open = lexed.tokens.last().is_some_and(|last| last.level > 0)
        || matches!(fault.kind, Some(FaultKind::Unclosed | FaultKind::Mismatched));
    if fault.message.starts_with("unterminated triple") {
        return None;
    }
    let at = text[fault.range.start..].find('\n').map(|length| fault.range.start + length + 1)?;
    next_line(text, at, width, is_open)
}

fn is_inside_brackets(tokens: &[Token], at: usize) -> bool {
    tokens.get(at.min(tokens.len().saturating_sub(1))).is_some_and(|token| token.level > 0)
}

/// Where the search goes on behind a fault inside brackets, which may never be closed.
fn behind_brackets(text: &str, fault: &Found) -> Option<usize> {
    let at = text[fault.range.start..].find('\n').map(|length| fault.range.start + length + 1)?;
    next_line(text, at, indentation_width(&text[line_start(text, fault.line)..]), true)
}

/// The next line from `at` on that is indented by at most `width` and can begin a statement; one that no bracket can hold,
/// if one may be open.
fn next_line(text: &str, at: usize, width: usize, is_open: bool) -> Option<usize> {
    let mut start = at;
    let mut width = width;
    for line in text.get(at..)?.split_inclusive('\n') {
        let code = line.trim_start();
        let here = indentation_width(line);
        if !code.trim_end().is_empty() && !code.starts_with('#') && here <= width {
            let word = code.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').next().unwrap_or_default();
            let continues = CONTINUES.contains(&word) || code.starts_with([')', ']', '}']);
            let fits = if is_open { STARTERS.iter().any(|starter| code.starts_with(starter)) } else { !continues };
            if fits {
                return Some(start);
            }
            if continues {
                width = here;
            }
        }
        start += line.len();
    }
    None
}

/// Where the line of a byte begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}
