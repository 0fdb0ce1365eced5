//! What stands at a place of JavaScript, in V8's words.

use std::ops::Range;

/// Words that no identifier may be.
const RESERVED: &[&str] = &[
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "export",
    "extends",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "new",
    "return",
    "super",
    "switch",
    "this",
    "throw",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
    "null",
    "true",
    "false",
];

/// Operators of several characters, the longest first.
const OPERATORS: &[&str] = &[
    ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "==", "!=", "<=", ">=", "&&",
    "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "**",
];

/// White space and comments that are passed over, in bytes, in search of a token.
const SPACE_MAX: usize = 64 << 10;

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '$' | '#' | '\u{200c}' | '\u{200d}')
}

/// The first token at or behind `at`.
pub(super) fn next(text: &str, at: usize) -> Range<usize> {
    let mut start = at;
    let limit = at.saturating_add(SPACE_MAX);
    loop {
        let rest = text.get(start..).unwrap_or_default();
        start += rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        let comment = if rest.starts_with("//") {
            rest.find('\n')
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|length| length + 2)
        } else {
            None
        };
        match comment {
            Some(length) if start < limit => start += length,
            _ => return start..start + length(rest),
        }
    }
}

/// How long the token is that `rest` begins with.
fn length(rest: &str) -> usize {
    let Some(first) = rest.chars().next() else { return 0 };
    if is_word(first) {
        return rest.find(|char| !is_word(char)).unwrap_or(rest.len());
    }
    let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
    operator.map_or(first.len_utf8(), |operator| operator.len())
}

/// What V8 says of a token that does not belong where it is.
pub(super) fn unexpected(text: &str, token: &Range<usize>) -> String {
    let word = text.get(token.clone()).unwrap_or_default();
    let Some(first) = word.chars().next() else { return "unexpected end of input".to_owned() };
    match first {
        '"' | '\'' => "unexpected string".to_owned(),
        '`' => "unexpected template string".to_owned(),
        '0'..='9' => "unexpected number".to_owned(),
        _ if RESERVED.contains(&word) => format!("unexpected token '{word}'"),
        _ if word == "enum" => "unexpected reserved word".to_owned(),
        _ if is_word(first) => format!("unexpected identifier '{}'", shortened(word)),
        _ => format!("unexpected token '{word}'"),
    }
}

/// A name that fits into a message.
fn shortened(word: &str) -> &str {
    const NAME_BYTES_MAX: usize = 60;
    &word[..word.floor_char_boundary(NAME_BYTES_MAX)]
}
