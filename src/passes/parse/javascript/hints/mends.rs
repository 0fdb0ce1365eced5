//! What to do about a fault of JavaScript, where that is plain.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;

use super::habits::{self, Place};
use crate::passes::parse::problem::fragment;

/// What to do about a Markdown fence.
pub(super) const FENCE: &str =
    "remove the lines with ``` and the prose around them: only the code between them is JavaScript";

/// The part of a line that is looked at, in bytes.
const LINE_BYTES_MAX: usize = 400;

/// The mend of an error of the strict parser.
pub(super) fn mend(message: &str, text: &str, range: Range<usize>, help: Option<&str>) -> Option<Cow<'static, str>> {
    let at = text.floor_char_boundary(range.start.min(text.len()));
    let rest = &text[at..];
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    // A line without end may hold hundreds of faults; its beginning tells what it is.
    let shown = &text[start..text.floor_char_boundary((start + LINE_BYTES_MAX).min(text.len()))];
    let line = shown.split('\n').next().unwrap_or_default().trim();
    let before = &text[text.ceil_char_boundary(start.max(at.saturating_sub(LINE_BYTES_MAX)))..at];
    let place = Place { message, text, at, before, rest };
    character(message, rest)
        .or_else(|| habits::certain(&place))
        .or_else(|| of_message(message, rest))
        .or_else(|| of_line(line, rest))
        .or_else(|| python(line, rest))
        .or_else(|| habits::likely(&place))
        .or_else(|| help.filter(|help| !help.contains("semicolon")).map(|help| fragment(help).into()))
}

/// Characters that look like others, or cannot be seen.
fn character(message: &str, rest: &str) -> Option<Cow<'static, str>> {
    let first = rest.chars().next()?;
    let is_quote = matches!(first, '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{b4}');
    if is_quote {
        return Some("replace the typographic quotes by ' or \"".into());
    }
    if !message.starts_with("Invalid Character") || first.is_ascii() {
        return None;
    }
    if matches!(first, '\u{2010}'..='\u{2015}' | '\u{2212}') {
        return Some("replace the dash by -".into());
    }
    let plain: String = [first].into_iter().nfkc().collect();
    let is_plain = plain.is_ascii() && !plain.trim().is_empty();
    is_plain.then(|| format!("replace it by {plain}").into())
}

fn of_message(message: &str, rest: &str) -> Option<Cow<'static, str>> {
    const MENDS: &[(&str, &str)] = &[
        ("`await` is only allowed", "make the function around it `async`, or remove `await`"),
        ("A 'return' statement", "move it into a function, or remove it"),
        ("Cannot use import statement", "rename the file to .mjs, or set \"type\": \"module\" in package.json"),
        ("Unexpected JSX expression", "this is JSX: rename the file to .jsx, or compile it first"),
        ("Unterminated string", "add the missing quote; a string on several lines needs `…`"),
        ("Unterminated regular expression", "add the missing /"),
        ("Cannot assign to this expression", "compare with ===, or put a name on the left of ="),
        ("Missing initializer in const", "give it a value, or declare it with `let`"),
        ("Identifier `", "rename one of them, or remove the second declaration"),
        ("Identifier expected", "it is a reserved word and cannot be a name"),
        ("Expected function name", "give the function a name, or put it in brackets"),
        ("Encountered diff marker", "a merge conflict is not resolved here; keep one side and delete the markers"),
        ("Logical expressions and coalesce", "put one of the two operations in brackets"),
        ("Invalid Number", "an octal number begins with 0o"),
    ];
    if message.starts_with("Unexpected token") && rest.starts_with("...") {
        return Some("replace the placeholder by code".into());
    }
    if message.starts_with("Unexpected token") && rest.starts_with('}') {
        return Some("remove it, or add the bracket that it should close".into());
    }
    MENDS.iter().find(|(theirs, _)| message.starts_with(theirs)).map(|(_, ours)| (*ours).into())
}

/// Lines that are no JavaScript at all.
fn of_line(line: &str, rest: &str) -> Option<Cow<'static, str>> {
    if line.starts_with("```") || line.starts_with("~~~") {
        return Some(FENCE.into());
    }
    if rest.trim_start().starts_with("</") || (line.starts_with('<') && line.ends_with('>')) {
        return Some("this is JSX or HTML: rename the file, or put markup into a string".into());
    }
    if line.starts_with("> ") || line == ">" {
        return Some("remove the prompts of the interactive session".into());
    }
    if ["npm ", "npx ", "$ ", "node "].iter().any(|command| line.starts_with(command)) {
        return Some("this is a command for a shell, not JavaScript".into());
    }
    let words: Vec<&str> = line.split_whitespace().take(40).collect();
    let plain = |word: &&&str| {
        word.trim_end_matches([',', '.', ':', '!']).chars().all(|char| char.is_alphabetic() || char == '\'')
    };
    let is_prose =
        words.len() >= 4 && !line.contains(['=', '(', ';', '{']) && words.iter().filter(plain).count() == words.len();
    is_prose.then(|| "this looks like prose; begin the line with // or remove it".into())
}

/// Python.
fn python(line: &str, rest: &str) -> Option<Cow<'static, str>> {
    const WORDS: &[(&str, &str)] = &[
        ("def ", "this looks like Python; write `function name() { … }`"),
        ("elif ", "this looks like Python; write `else if`"),
        ("print ", "this looks like Python; write console.log(…)"),
        ("from ", "this looks like Python; write `import { name } from 'module'`"),
        ("except", "this looks like Python; write `catch (error)`"),
        ("# ", "a comment begins with //"),
        ("#", "a comment begins with //"),
    ];
    if let Some((_, mend)) = WORDS.iter().find(|(word, _)| line.starts_with(word)) {
        return Some((*mend).into());
    }
    let is_head = ["if ", "for ", "while ", "else:", "class ", "try:"].iter().any(|word| line.starts_with(word));
    if is_head && line.ends_with(':') {
        return Some("this looks like Python; write ( ) around the condition and { } around the block".into());
    }
    let word = rest.split(|char: char| !char.is_alphanumeric()).next().unwrap_or_default();
    match word {
        "and" => Some("write &&".into()),
        "or" => Some("write ||".into()),
        "not" => Some("write !".into()),
        "if" if line.contains(" else ") => Some("write `condition ? a : b`".into()),
        _ => None,
    }
}

/// The fence of a Markdown block around the code: on the line of the fault, or before it with nothing but prose above. In
/// JavaScript a fence is a valid template until something follows it.
pub(super) fn fence(text: &str, fault: usize) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if line.starts_with("```") && at <= fault {
            return Some(at..at + line.trim_end().len());
        }
        let is_prose = !line.contains([';', '{', '}', '=', '(', '*']);
        if at > fault || (!is_prose && end <= fault) {
            return None;
        }
        at = end;
    }
    None
}
