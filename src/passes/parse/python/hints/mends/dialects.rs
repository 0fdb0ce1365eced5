//! Mends of what is no Python at all, or another language's.

use super::{Mend, Place};
use crate::passes::parse::python::hints::tokens::{FaultKind, keywords};

fn first_word(code: &str) -> &str {
    code.split(|char: char| !char.is_alphanumeric() && char != '_').next().unwrap_or_default()
}

/// The fence of a Markdown block.
pub(super) fn markdown(place: &Place<'_>) -> Mend {
    let is_fence = place.code.starts_with("```") || place.code.starts_with("~~~");
    is_fence.then(|| "remove the lines with ``` and the prose around them: only the code between them is Python".into())
}

/// The marks of a merge that was not finished, and of a diff.
pub(super) fn merge_conflict(place: &Place<'_>) -> Mend {
    let marks = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];
    if marks.iter().any(|mark| place.code.starts_with(mark)) {
        return Some("a merge conflict is not resolved here; keep one side and delete the markers".into());
    }
    let diff = ["@@ -", "diff --git ", "--- a/", "+++ b/"];
    diff.iter()
        .any(|mark| place.code.starts_with(mark))
        .then(|| "this is a diff; write the file that it leads to".into())
}

/// The prompt of an interactive session.
pub(super) fn prompt(place: &Place<'_>) -> Mend {
    let is_prompt = place.code == ">>>" || [">>> ", "... ", "In ["].iter().any(|prompt| place.code.starts_with(prompt));
    is_prompt.then(|| "remove the prompts and the output of the interactive session".into())
}

/// Commands of a shell or a notebook.
pub(super) fn shell(place: &Place<'_>) -> Mend {
    if !place.is_generic() && place.kind.is_none_or(|kind| kind == FaultKind::String) {
        return None;
    }
    if place.code.starts_with('!') || place.code.starts_with('%') {
        return Some("this is a command of a notebook, not Python".into());
    }
    let commands = ["pip install ", "pip3 install ", "python ", "python3 ", "cd ", "npm ", "apt-get ", "sudo ", "$ "];
    commands
        .iter()
        .any(|command| place.code.starts_with(command))
        .then(|| "this is a command for a shell, not Python".into())
}

/// A file whose line breaks are written as `\n`.
pub(super) fn escaped_newlines(place: &Place<'_>) -> Mend {
    let is_escape = place.kind == Some(FaultKind::Continuation) && place.rest.starts_with(['n', 't', '"']);
    is_escape.then(|| "the source is escaped as in JSON: write line breaks and quotes for \\n and \\\"".into())
}

/// `else if`.
pub(super) fn else_if(place: &Place<'_>) -> Mend {
    let words = place.code.trim_start_matches(['}', ' ']);
    let is_branch = ["else if ", "elseif ", "elsif ", "else if("].iter().any(|words_of| words.starts_with(words_of));
    is_branch.then(|| "write `elif`".into())
}

/// Python 2.
pub(super) fn python_two(place: &Place<'_>) -> Mend {
    if place.message.starts_with("Missing parentheses") {
        let (name, arguments) = place.covered().split_once(|char: char| !char.is_alphanumeric())?;
        let arguments = arguments.trim();
        let is_short = !arguments.is_empty() && arguments.len() <= 60 && !arguments.contains('\n');
        return Some(match is_short && !arguments.starts_with(">>") {
            true => format!("this is Python 2; write {name}({arguments})").into(),
            false => format!("this is Python 2; in Python 3 {name} is a function").into(),
        });
    }
    if place.message.contains("instead of '<>'") {
        return Some("this is Python 2; write !=".into());
    }
    if place.message.contains("prefixes are incompatible") && place.message.contains('u') {
        return Some("remove the u: all strings of Python 3 are Unicode".into());
    }
    if place.is_generic() && place.rest.starts_with(',') {
        if first_word(place.code) == "raise" {
            return Some("this is Python 2; write `raise Error(message)`".into());
        }
        if first_word(place.code) == "except" {
            return Some("this is Python 2; write `except Error as name:`".into());
        }
    }
    if place.is_generic() && place.rest.starts_with(">>") && first_word(place.code) == "print" {
        return Some("this is Python 2; write print(…, file=…)".into());
    }
    None
}

/// Operators and comments of C and its kin.
pub(super) fn operators(place: &Place<'_>) -> Mend {
    if !place.is_generic() && !matches!(place.kind, Some(FaultKind::Character('!'))) {
        return None;
    }
    // The fault is at the operator or at what stands behind its first half.
    let around = |text: &str| {
        place.rest.starts_with(text)
            || (1..text.len()).any(|at| {
                text.is_char_boundary(at) && place.before.ends_with(&text[..at]) && place.rest.starts_with(&text[at..])
            })
            || place.before.trim_end().ends_with(text)
    };
    const OPERATORS: &[(&str, &str)] = &[
        ("===", "write =="),
        ("!==", "write !="),
        ("&&", "write `and`"),
        ("||", "write `or`"),
        ("++", "write += 1"),
        ("--", "write -= 1"),
        ("=>", "write `lambda x: …` for a small function, >= for a comparison"),
        ("//", "a comment begins with #"),
        ("/*", "a comment begins with #"),
        ("?", "Python has no `?`; write `a if condition else b`"),
        ("!", "write `not`"),
        ("$", "`$` is not part of Python"),
    ];
    OPERATORS.iter().find(|(operator, _)| around(operator)).map(|(_, mend)| (*mend).into())
}

/// Declarations of other languages.
pub(super) fn declarations(place: &Place<'_>) -> Mend {
    if !place.is_generic() {
        return None;
    }
    let is_first_or_second = !place.before.trim_end().contains(' ');
    match first_word(place.code) {
        "function" | "func" | "fn" if is_first_or_second => Some("a function begins with `def`".into()),
        "let" | "const" | "var" if is_first_or_second => Some("remove the word: Python declares no variables".into()),
        "new" if is_first_or_second => Some("remove `new`: a class is called like a function".into()),
        "public" | "private" | "static" | "int" | "void" | "String" | "double" if is_first_or_second => {
            Some("this looks like Java or C, not Python".into())
        }
        "#include" | "using" | "package" | "interface" | "struct" | "enum" | "export" if is_first_or_second => {
            Some("this is another language, not Python".into())
        }
        "import" if place.covered() == "{" => Some("this is JavaScript; write `from module import name`".into()),
        "" if place.code.ends_with('>') && place.code.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic) => {
            Some("this is markup, not Python".into())
        }
        "" if place.code.starts_with("</") || place.code.starts_with("<!") || place.code.starts_with("<?") => {
            Some("this is markup, not Python".into())
        }
        _ if place.before.trim_end().ends_with("new") => Some("remove `new`: a class is called like a function".into()),
        _ => None,
    }
}

/// Blocks in braces.
pub(super) fn braces(place: &Place<'_>) -> Mend {
    let head = ["if", "for", "while", "def", "class", "else", "elif", "try", "except", "with"];
    let is_head = head.contains(&first_word(place.code)) && place.code.ends_with('{');
    is_head.then(|| "Python has no braces around blocks: write ':' and indent the block".into())
}

/// Words that make a sentence.
pub(super) fn prose(place: &Place<'_>) -> Mend {
    const WORDS_MIN: usize = 4;
    const WORDS_MAX: usize = 40;
    if keywords().contains(&first_word(place.code)) || place.code.contains(['=', '(', '[']) {
        return None;
    }
    let is_fault = place.is_generic() || matches!(place.kind, Some(FaultKind::String | FaultKind::Character(_)));
    let plain = |word: &&str| {
        let word = word.trim_end_matches([',', '.', ':', '!', '?']);
        !word.is_empty() && word.chars().all(|char| char.is_alphabetic() || matches!(char, '\'' | '-' | '\u{2019}'))
    };
    let words: Vec<&str> = place.code.split_whitespace().take(WORDS_MAX).collect();
    let is_prose = words.len() >= WORDS_MIN && words.iter().filter(|word| plain(word)).count() * 10 >= words.len() * 9;
    (is_fault && is_prose).then(|| "this looks like prose; begin the line with # or remove it".into())
}
