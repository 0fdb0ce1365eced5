//! Mends of what other languages have, and of what stands for code that somebody is to write.

use super::{Mend, Place};

/// The last word of a piece of a line.
fn last_word(text: &str) -> &str {
    text.trim_end().rsplit(|char: char| !char.is_alphanumeric() && char != '_').next().unwrap_or_default()
}

fn begins_name(text: &str) -> bool {
    text.starts_with(|char: char| char.is_alphabetic() || char == '_')
}

/// Whether a fault is one of the grammar without more words, or with the guess that a comma is missing.
fn is_vague(place: &Place<'_>) -> bool {
    place.is_generic() || place.message.contains("Perhaps you forgot a comma")
}

/// The plus or minus of a diff before a statement.
pub(super) fn diff(place: &Place<'_>) -> Mend {
    const STARTERS: &[&str] =
        &["import", "from", "def", "class", "return", "if", "for", "while", "with", "try", "async"];
    let is_line = place.is_generic() && matches!(place.before.trim_end(), "+" | "-");
    (is_line && STARTERS.contains(&place.covered())).then(|| "this is a diff; write the file that it leads to".into())
}

/// The comment of C behind code: `x = 1 // the first`.
pub(super) fn comment(place: &Place<'_>) -> Mend {
    let (_, comment) = place.before.rsplit_once(" //").filter(|_| place.is_generic())?;
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, ' ' | '_' | '-' | '\'' | '.' | ',' | '!');
    let is_comment = !comment.trim().is_empty() && comment.chars().chain(place.rest.trim_end().chars()).all(is_plain);
    is_comment.then(|| "a comment begins with #".into())
}

/// Three dots: a spread of JavaScript, or a placeholder.
pub(super) fn dots(place: &Place<'_>) -> Mend {
    let rest = place.rest.strip_prefix("...")?;
    if is_vague(place) && begins_name(rest) {
        return Some("for a spread write *name, or **name for a dictionary".into());
    }
    let is_key = place.message.starts_with("':' expected after dictionary key");
    (is_key || place.is_generic()).then(|| "replace the placeholder by code".into())
}

/// `<your key>` for a value.
pub(super) fn placeholder(place: &Place<'_>) -> Mend {
    let inner = place.rest.strip_prefix('<').filter(|_| place.is_generic() && !place.before.is_empty())?;
    let (name, _) = inner.split_once('>')?;
    let is_name = begins_name(name) && name.chars().all(|char| char.is_alphanumeric() || " _-".contains(char));
    is_name.then(|| "replace the placeholder by a value".into())
}

/// `&lt;` for `<`.
pub(super) fn entity(place: &Place<'_>) -> Mend {
    const ENTITIES: &[(&str, &str)] = &[("&lt", "<"), ("&gt", ">"), ("&amp", "&"), ("&quot", "\""), ("&#39", "'")];
    let (entity, char) = ENTITIES.iter().find(|(entity, _)| place.before.ends_with(entity))?;
    let is_entity = place.is_generic() && place.rest.starts_with(';');
    is_entity.then(|| format!("the source is escaped as in HTML: write {char} for {entity};").into())
}

/// Statements that Python has under another name, or in another form.
pub(super) fn statements(place: &Place<'_>) -> Mend {
    let covered = place.covered();
    if place.message.starts_with("expected 'except' or 'finally'") && covered == "catch" {
        return Some("write `except`".into());
    }
    if !place.is_generic() {
        return None;
    }
    match place.before.trim_end() {
        head if head == "switch" || head.starts_with("switch ") => {
            return Some("write `match`, or `if` and `elif`".into());
        }
        // `do:` reads as the annotation of a name.
        "do" | "do:" if matches!(covered, "" | "{") => {
            return Some("Python has no `do`; write `while True:` and leave it with `break`".into());
        }
        "catch" => return Some("write `except`".into()),
        "throw" => return Some("write `raise`".into()),
        _ => {}
    }
    if covered == "return" && place.before.contains("lambda") {
        return Some("remove `return`: what stands behind the colon is the value".into());
    }
    place.rest.starts_with("?:").then(|| "write `name: type = None` for what may be left out".into())
}

/// `import a from b`.
pub(super) fn import(place: &Place<'_>) -> Mend {
    if !place.message.starts_with("Did you mean to use 'from") {
        return None;
    }
    let words: Vec<&str> = place.code.split_whitespace().take(5).collect();
    match words[..] {
        ["import", name, "from", module] => Some(format!("write `from {module} import {name}`").into()),
        _ => Some("write `from module import name`".into()),
    }
}

/// `def my function():`.
pub(super) fn parted_name(place: &Place<'_>) -> Mend {
    let first = last_word(place.before);
    let keyword = last_word(place.before.trim_end().strip_suffix(first)?);
    let is_second = place.message == "expected '('" && keyword == "def" && begins_name(place.rest);
    is_second.then(|| format!("a name has no white space in it; write `{first}_{}`", place.covered()).into())
}

/// `{'a' 1}`.
pub(super) fn key(place: &Place<'_>) -> Mend {
    let before = place.before.trim_end();
    let is_first = place.message.contains("Perhaps you forgot a comma")
        && !place.is_in_string()
        && (before.ends_with('{') || before.ends_with(',') && in_dictionary(before));
    is_first.then(|| "add ':' between a key and its value, a comma between two elements".into())
}

impl Place<'_> {
    /// Whether the fault is in a field of an f-string, as far as its line tells.
    fn is_in_string(&self) -> bool {
        self.before.matches(['"', '\'']).count() % 2 == 1
    }
}

/// Whether the innermost bracket that is open at the end of a line is a brace that holds a colon.
fn in_dictionary(before: &str) -> bool {
    let mut depth = 0_usize;
    for (at, char) in before.char_indices().rev() {
        match char {
            ')' | ']' | '}' => depth += 1,
            '(' | '[' | '{' if depth > 0 => depth -= 1,
            '{' => return before[at..].contains(':'),
            '(' | '[' => return false,
            _ => {}
        }
    }
    false
}
