//! The one sanitizer: what untrusted text passes before it meets a terminal, a CI log or a page.
//!
//! Source code, paths and program output are written by the artifact, and what they print could move the cursor, hide or
//! reorder text (CVE-2021-42574), or speak to a CI runner. Every character that shows nothing, or acts on what stands
//! beside it, becomes a visible escape: `\x1b`, `\u{202e}`. Backslashes that are there already stay as they are: the
//! result is for reading, not for decoding.

use std::borrow::Cow;

/// What a tab is expanded to.
pub const TAB: &str = "    ";

/// Whether a character shows nothing, or acts on the text around it.
#[must_use]
pub fn is_hazard(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}'
            // Variation selectors; the last two choose between text and emoji, and stand in honest text.
            | '\u{fe00}'..='\u{fe0d}'
            | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Text on one line: line feeds and tabs are escaped too.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if !needs_work(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, char) in text.char_indices() {
        push(&mut out, text, at, char);
    }
    Cow::Owned(out)
}

/// Text on one line, at most `chars_max` characters of it; a cut is marked with `…`.
#[must_use]
pub fn clipped(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => Cow::Owned(format!("{}…", line(&text[..end]))),
        None => line(text),
    }
}

/// A path, or what else stands first on a line, such that it cannot begin an option or a CI runner's command: runners look
/// past white space.
#[must_use]
pub fn path(text: &str) -> Cow<'_, str> {
    let clean = line(text);
    if clean.starts_with(|first: char| first.is_whitespace() || matches!(first, ':' | '-' | '#')) {
        return Cow::Owned(format!("./{clean}"));
    }
    clean
}

/// Text on several lines: line feeds stay, tabs are expanded, `\r\n` is a line feed.
#[must_use]
pub fn block(text: &str) -> Cow<'_, str> {
    if !needs_work(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(mapped(text, []).0)
}

/// [`block`], and where the bytes `marks` of `text` have gone, as offsets in the result. A mark inside a character
/// counts as one on it.
#[must_use]
pub(crate) fn mapped<const N: usize>(text: &str, marks: [usize; N]) -> (String, [usize; N]) {
    let mut out = String::with_capacity(text.len() + 16);
    let mut moved = [None; N];
    for (at, char) in text.char_indices() {
        for (mark, to) in marks.iter().zip(&mut moved) {
            if *mark < at + char.len_utf8() {
                to.get_or_insert(out.len());
            }
        }
        match char {
            '\n' => out.push('\n'),
            '\t' => out.push_str(TAB),
            '\r' if text[at + 1..].starts_with('\n') => {}
            _ => push(&mut out, text, at, char),
        }
    }
    let end = out.len();
    (out, moved.map(|to| to.unwrap_or(end)))
}

/// Whether a character must not reach a reader as it is, given where it stands: a hazard, or the second `#` of what a
/// CI runner takes for a command anywhere in a line (`##[group]`, `##vso[task…]`).
pub(crate) fn is_hazard_at(text: &str, at: usize, char: char) -> bool {
    is_hazard(char) || (char == '#' && begins_runner_command(text, at))
}

fn begins_runner_command(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let Some(b'#') = at.checked_sub(1).map(|before| bytes[before]) else { return false };
    let word = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    bytes.get(at + 1 + word) == Some(&b'[')
}

fn needs_work(text: &str) -> bool {
    text.char_indices().any(|(at, char)| is_hazard_at(text, at, char))
}

fn push(out: &mut String, text: &str, at: usize, char: char) {
    use std::fmt::Write as _;
    let _infallible = match char {
        _ if !is_hazard_at(text, at, char) => {
            out.push(char);
            Ok(())
        }
        '\n' | '\r' | '\t' => write!(out, "{}", char.escape_default()),
        _ if u32::from(char) < 0x80 => write!(out, "\\x{:02x}", u32::from(char)),
        _ => write!(out, "\\u{{{:x}}}", u32::from(char)),
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_text_becomes_visible() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m", "\\x1b[31mred\\x1b[0m"),
            ("\u{1b}]0;title\u{7}", "\\x1b]0;title\\x07"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
            ("ev\u{200b}al\u{feff}", "ev\\u{200b}al\\u{feff}"),
            ("one\r\ntwo\tthree", "one\\r\\ntwo\\tthree"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("##vso[task.setvariable]", "#\\x23vso[task.setvariable]"),
            ("x ###[error]", "x ##\\x23[error]"),
            ("## heading [link]", "## heading [link]"),
            ("naïve 漢字 ✔️ \\x1b", "naïve 漢字 ✔️ \\x1b"),
        ];
        for (text, expected) in cases {
            assert_eq!(line(text), expected);
        }
    }

    #[test]
    fn a_block_keeps_its_lines_and_marks_follow_the_text() {
        assert_eq!(block("a\r\n\tb\rc\u{1b}"), "a\n    b\\rc\\x1b");
        let text = "\te\u{202e}val(x)";
        let (out, [start, end]) = mapped(text, [5, 8]);
        assert_eq!((&out[start..end], end), ("val", out.len() - 3));
        assert_eq!(mapped("ab", [2, 9]).1, [2, 2]);
    }

    #[test]
    fn a_path_cannot_begin_a_command() {
        for hostile in ["::error::x", " ::error::x", "-rf", "##[x]"] {
            assert!(path(hostile).starts_with("./"), "{hostile}");
        }
        assert_eq!(path("src/app.py"), "src/app.py");
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(clipped("éèà", 2), "éè…");
        assert_eq!(clipped("éèà", 3), "éèà");
    }

    /// Any text at all; `any::<String>()` would leave out just the control characters.
    fn any_text() -> impl Strategy<Value = String> {
        let char = prop_oneof![
            any::<char>(),
            proptest::sample::select("\n\t\r\u{1b}\u{9b}##[:%\u{202e}a漢".chars().collect::<Vec<_>>())
        ];
        proptest::collection::vec(char, 0..64).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn nothing_that_acts_comes_through(text in any_text()) {
            prop_assert!(!line(&text).chars().any(is_hazard));
            prop_assert!(!block(&text).chars().any(|char| is_hazard(char) && char != '\n'));
            prop_assert!(!path(&text).trim_start().starts_with("::"));
            let (mapped, marks) = mapped(&text, [text.len() / 3, text.len()]);
            prop_assert!(mapped == block(&text) && marks.iter().all(|&mark| mapped.is_char_boundary(mark)));
            let again = line(&text).into_owned();
            prop_assert_eq!(line(&again), again.as_str());
        }

        #[test]
        fn no_runner_command_comes_through(text in "[#a-z\\[]{0,24}") {
            let clean = line(&text);
            let after = clean.split("##").skip(1).map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()));
            for rest in after {
                prop_assert!(!rest.starts_with('['), "{}", clean);
            }
        }
    }
}
