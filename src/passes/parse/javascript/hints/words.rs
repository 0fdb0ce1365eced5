//! V8's words for the errors of the strict parser.
//!
//! V8 names the token that it did not expect; the strict parser knows what it expected. Both are said: V8's words, then
//! what was expected.

use std::ops::Range;

use super::tokens;

/// A message and its place.
pub(super) struct Words {
    pub(super) message: String,
    pub(super) range: Range<usize>,
}

/// Messages that V8 has another wording for. What it leaves out stands behind a colon.
const EXACT: &[(&str, &str)] = &[
    (
        "`await` is only allowed within async functions and at the top levels of modules",
        "await is only valid in async functions and the top level bodies of modules",
    ),
    ("A 'return' statement can only be used within a function body", "illegal return statement"),
    (
        "'0'-prefixed octal literals and octal escape sequences are deprecated",
        "octal literals are not allowed in strict mode",
    ),
    ("A 'get' accessor must not have any formal parameters", "getter must not have any formal parameters"),
    ("A 'set' accessor must have exactly one parameter", "setter must have exactly one formal parameter"),
    ("A 'set' accessor cannot have rest parameter", "setter function argument must not be a rest parameter"),
    ("Missing catch or finally clause", "missing catch or finally after try"),
    ("Unexpected new.target expression", "new.target expression is not allowed here"),
    ("Unexpected import.meta expression", "cannot use 'import.meta' outside a module"),
    ("Multiple constructor implementations are not allowed", "a class may only have one constructor"),
    ("Expected function name", "function statements require a function name"),
    ("Invalid assignment in object literal", "invalid shorthand property initializer"),
    ("'with' statements are not allowed", "strict mode code may not include a with statement"),
    ("Cannot assign to 'eval' in strict mode", "unexpected eval or arguments in strict mode"),
    ("Cannot assign to 'arguments' in strict mode", "unexpected eval or arguments in strict mode"),
    (
        "A 'default' clause cannot appear more than once in a 'switch' statement",
        "more than one default clause in switch statement",
    ),
    ("Tagged template expressions are not permitted in an optional chain", "invalid tagged template on optional chain"),
    ("Optional chaining cannot appear in the callee of new expressions", "invalid optional chain from new expression"),
    ("Unterminated regular expression", "invalid regular expression: missing /"),
    ("Unterminated string", "invalid or unexpected token: the string does not end on its line"),
    ("Unterminated multiline comment", "invalid or unexpected token: the comment does not end"),
    ("Invalid characters after number", "invalid or unexpected token: a name follows the number"),
    ("The keyword 'yield' is reserved", "unexpected strict mode reserved word"),
    ("Cannot use `yield` as an identifier in a generator context", "unexpected strict mode reserved word"),
    ("The keyword 'let' is reserved", "unexpected strict mode reserved word"),
    ("A rest parameter must be last in a parameter list", "rest parameter must be last formal parameter"),
    ("A rest element must be last in a destructuring pattern", "rest element must be last element"),
    ("Spread must be last element", "rest element must be last element"),
    (
        "Classes may not have a static property named 'prototype'",
        "classes may not have static property named 'prototype'",
    ),
    ("Constructor can't be an async method", "class constructor may not be an async method"),
    ("Constructor can't be a generator", "class constructor may not be a generator"),
    ("Constructor can't have get/set modifier", "class constructor may not be an accessor"),
    (
        "The left-hand side of a `for...of` statement may not be `async`",
        "the left-hand side of a for-of loop may not be 'async'",
    ),
    ("Bad escape sequence in untagged template literal", "invalid escape sequence in template"),
    ("Unexpected JSX expression", "unexpected token '<'"),
    ("Keywords cannot contain escape characters", "keyword must not contain escaped characters"),
    (
        "Async functions can only be declared at the top level or inside a block",
        "async functions can only be declared at the top level or inside a block",
    ),
];

/// Errors that are about the token at their place, and what V8 leaves out.
const AT_TOKEN: &[(&str, &str)] = &[
    ("Unexpected token", ""),
    ("Unexpected end of file", ""),
    ("Line terminator not permitted before arrow", "no line break may stand before it"),
    ("Expected switch clause", "expected `case` or `default`"),
    ("Identifier expected", "expected a name"),
    ("Expected function body", "expected the body of a function"),
];

/// Whether an error is about a second one of what there may be once.
pub(super) fn is_repetition(message: &str) -> bool {
    ["already been declared", "ultiple ", "more than once", "Duplicate"].iter().any(|words| message.contains(words))
}

/// The words for an error of the strict parser at `range`.
pub(super) fn words(message: &str, text: &str, range: Range<usize>) -> Words {
    let message = message.trim_end_matches('.');
    let exact = EXACT.iter().find(|(theirs, _)| *theirs == message);
    if let Some((_, ours)) = exact {
        return Words { message: (*ours).to_owned(), range: on_line(text, range) };
    }
    let at_token = |expected: &str, at: usize| {
        let token = tokens::next(text, at);
        let unexpected = tokens::unexpected(text, &token);
        let message = if expected.is_empty() { unexpected } else { format!("{unexpected}: {expected}") };
        Words { message, range: token }
    };
    if message.starts_with("Expected a semicolon") {
        return at_token("expected ';' or a new line before it", range.end.max(range.start));
    }
    if message.starts_with("A class name is required") {
        return at_token("a class name is required", range.end);
    }
    if let Some((_, expected)) = AT_TOKEN.iter().find(|(theirs, _)| message.starts_with(theirs)) {
        return at_token(expected, range.start);
    }
    if let Some((expected, _)) = message.strip_prefix("Expected ").and_then(|rest| rest.split_once(" but found ")) {
        let expected = expected.replace('`', "'");
        let words = at_token(&format!("expected {expected}"), range.start);
        let is_call = expected == "',' or ')'" && is_call(text, range.start);
        return if is_call { Words { message: "missing ) after argument list".to_owned(), ..words } } else { words };
    }
    if message.starts_with("Logical expressions and coalesce") {
        return mixed(text, &range);
    }
    other(message, text, range)
}

fn other(message: &str, text: &str, range: Range<usize>) -> Words {
    let quoted = |words: &str| words.replace('`', "'");
    let covered = text.get(range.clone()).unwrap_or_default();
    let message =
        if message.starts_with("Cannot assign to this expression") || message.starts_with("Invalid left-hand side") {
            assignment(text, &range).to_owned()
        } else if message.starts_with("Identifier `__proto__`") {
            "duplicate __proto__ fields are not allowed in object literals".to_owned()
        } else if message.starts_with("Use of undefined label") {
            format!("undefined label '{covered}'")
        } else if message.starts_with("Invalid Character") {
            let found = covered.chars().next().or_else(|| text.get(range.start..)?.chars().next()).unwrap_or_default();
            format!("invalid or unexpected token: '{found}' (U+{:04X})", u32::from(found))
        } else if message.starts_with("Invalid escape sequence") || message.starts_with("Invalid Unicode escape") {
            escape(text, &range).to_owned()
        } else if message.contains("regular expression literal") {
            "invalid regular expression flags".to_owned()
        } else if message.starts_with("Super calls") || message.starts_with("'super'") {
            "'super' keyword unexpected here".to_owned()
        } else if message.starts_with("Export '") {
            format!("{message} in module")
        } else if message.starts_with("`let` cannot be declared") {
            "let is disallowed as a lexically bound name".to_owned()
        } else {
            quoted(message)
        };
    Words { message, range: on_line(text, range) }
}

/// A range that does not reach behind the line that it begins on, where it only takes the line's end with it.
fn on_line(text: &str, range: Range<usize>) -> Range<usize> {
    let covered = text.get(range.clone()).unwrap_or_default();
    let trimmed = covered.trim_end_matches(['\n', '\r']);
    range.start..range.start + trimmed.len()
}

/// Which operation wants a target.
fn assignment(text: &str, range: &Range<usize>) -> &'static str {
    let before = text[..range.start].trim_end();
    let behind = text[range.end..].trim_start();
    if behind.starts_with("++") || behind.starts_with("--") {
        return "invalid left-hand side expression in postfix operation";
    }
    if before.ends_with("++") || before.ends_with("--") {
        return "invalid left-hand side expression in prefix operation";
    }
    let is_loop = ["of ", "in "].iter().any(|word| behind.starts_with(word));
    if is_loop { "invalid left-hand side in for-loop" } else { "invalid left-hand side in assignment" }
}

/// What is wrong with an escape.
fn escape(text: &str, range: &Range<usize>) -> &'static str {
    let from = text[..range.start].ends_with('\\');
    let escaped = &text[range.start - usize::from(from)..];
    match escaped.strip_prefix('\\').unwrap_or(escaped).as_bytes() {
        [b'x', ..] => "invalid hexadecimal escape sequence",
        [b'u', b'{', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            if digits > 0 && rest.get(digits) == Some(&b'}') {
                "undefined Unicode code-point"
            } else {
                "invalid Unicode escape sequence"
            }
        }
        _ => "invalid Unicode escape sequence",
    }
}

/// `a ?? b || c`: V8 stops at the second operator.
fn mixed(text: &str, range: &Range<usize>) -> Words {
    let covered = text.get(range.clone()).unwrap_or_default();
    let find = |operator: &str| covered.find(operator).map(|at| (range.start + at, operator.len()));
    let coalesce = find("??");
    let logical = [find("||"), find("&&")].into_iter().flatten().min();
    let second = coalesce.into_iter().chain(logical).max().unwrap_or((range.start, 0));
    let at = second.0..second.0 + second.1;
    let operator = text.get(at.clone()).unwrap_or_default();
    Words {
        message: format!("unexpected token '{operator}': it cannot be mixed with what stands before it"),
        range: at,
    }
}

/// Whether the round bracket that is open at `at` holds the arguments of a call.
fn is_call(text: &str, at: usize) -> bool {
    const HEADS: &[&str] = &["if", "while", "for", "switch", "with", "catch", "function", "return", "typeof", "await"];
    let before = super::super::scan::scan(&text[..at.min(text.len())], u64::MAX);
    let Some((b'(', opened)) = before.brackets.innermost() else { return false };
    let head = text[..opened].trim_end();
    let word = head
        .rfind(|char: char| !char.is_alphanumeric() && !matches!(char, '_' | '$'))
        .map_or(head, |at| &head[at + head[at..].chars().next().map_or(1, char::len_utf8)..]);
    let declares = head[..head.len() - word.len()].trim_end().trim_end_matches('*').trim_end().ends_with("function");
    let is_callee = !word.is_empty() || head.ends_with([')', ']', '}', '`']);
    is_callee && !HEADS.contains(&word) && !declares
}
