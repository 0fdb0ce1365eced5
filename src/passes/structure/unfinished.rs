//! Files that stop in mid-sentence, and files that say nothing.

use tree_sitter::Tree;

use super::shape::{Step, walk};
use super::view::{Found, View};
use crate::finding::Severity;
use crate::language::Language;
use crate::passes::parse::Validity;

/// Reports a file whose end is missing. Only a file that does not parse can be one, so a valid file is never taken
/// for one; HTML is valid whatever is missing, so there the open elements tell.
pub(super) fn truncated(view: &View<'_>, found: &mut Found) {
    let Some(part) = view.regions.first() else { return };
    // What the strict parser took has an end.
    let Some(tree) = part.region.judged_tree() else { return };
    let broken = view.validity == Validity::Invalid || (view.language == Language::Css && tree.root_node().has_error());
    let reason = match view.language {
        // The text of a notebook ends where its last cell does; each cell's faults are the parser's to name.
        Language::Notebook => None,
        Language::Html => open_element(view, tree),
        Language::Css => open_rule(view.text.as_str()).map(str::to_owned),
        _ if !broken => None,
        _ if part.shape().string_open.is_some() && ends_in_string(view, part.shape().string_open) => {
            Some("a string is still open at the end of the file".to_owned())
        }
        _ if part.shape().brackets_open > 0 => Some("a bracket is still open at the end of the file".to_owned()),
        Language::JavaScript if ends_in_comment(view) => {
            Some("a comment is still open at the end of the file".to_owned())
        }
        _ if ends_otherwise(view.text.as_str()) => None,
        _ => part.shape().last_token.as_ref().and_then(|(kind, _)| wants_more(kind)),
    };
    let Some(reason) = reason else { return };
    let end = view.text.as_str().trim_end().len();
    let start = view.text.as_str()[..end].rfind('\n').map_or(0, |at| at + 1);
    let finding =
        found.at(view, "truncated-file", Severity::High, start..end, format!("the file stops in the middle: {reason}"));
    if let Some(finding) = finding {
        finding.hint = Some("generate the file again, to its end".to_owned());
    }
}

/// What a token that cannot be the last of a file waits for.
fn wants_more(kind: &str) -> Option<String> {
    const OPEN: &[&str] = &[
        "=", "+", "-", "*", "/", "%", "**", "//", "@", "&", "|", "^", "<", ">", "<=", ">=", "==", "!=", "===", "!==",
        "&&", "||", "??", "?", ":", ",", ".", "?.", "=>", "->", "+=", "-=", "*=", "/=", ":=", "...", "def", "class",
        "if", "elif", "for", "while", "with", "import", "from", "lambda", "in", "not", "and", "or", "is", "as",
        "except", "function", "const", "let", "var", "new", "typeof", "await", "extends", "export", "case", "do",
        "try", "else", "del",
    ];
    OPEN.contains(&kind).then(|| format!("something must follow `{kind}`"))
}

/// Whether the last line of a file ends in an operator that nothing needs to follow: `i++`, a tag or placeholder in angle
/// brackets, a sentence.
fn ends_otherwise(text: &str) -> bool {
    const SENTENCE_WORDS_MIN: usize = 4;
    let line = text.trim_end().rsplit('\n').next().unwrap_or_default();
    let in_angles = || line.strip_suffix('>').and_then(|tag| tag.rsplit_once('<')).map(|(_, name)| name);
    let is_tag = || in_angles().is_some_and(|name| name.starts_with(|char: char| char.is_alphabetic() || char == '/'));
    let is_plain = |word: &str| word.trim_end_matches(['.', ',', ':']).chars().all(char::is_alphabetic);
    let is_sentence = || line.split_whitespace().count() >= SENTENCE_WORDS_MIN && line.split_whitespace().all(is_plain);
    line.ends_with("++") || line.ends_with("--") || is_tag() || line.ends_with(['.', ':', '>']) && is_sentence()
}

/// Whether the string that begins at `from` is what the file ends in: a string over several lines, or one on the last.
fn ends_in_string(view: &View<'_>, from: Option<usize>) -> bool {
    let text = view.text.as_str().trim_end();
    let Some(rest) = from.and_then(|from| text.get(from..)) else { return false };
    let quotes = rest.trim_start_matches(|char: char| char.is_ascii_alphabetic());
    // The grammar of Python still takes Python 2's back-quotes for strings; there they are a Markdown fence.
    if view.language == Language::Python && quotes.starts_with('`') {
        return false;
    }
    // The quote behind a word ends a string in which an apostrophe stands.
    let before = text[..text.len() - rest.len()].chars().next_back();
    if rest == "'" && before.is_some_and(char::is_alphanumeric) {
        return false;
    }
    !rest.contains('\n') || ["\"\"\"", "'''", "`"].iter().any(|quote| quotes.starts_with(quote))
}

/// What is still open at the end of a style sheet. CSS closes by itself what is open at the end of a file, so no parser
/// complains; nobody writes it so.
fn open_rule(text: &str) -> Option<&'static str> {
    let mut depth = 0_u64;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}', '"', '\'', '/', '\\']) {
        let (special, after) = rest[at..].split_at(1);
        rest = match special {
            "{" => {
                depth += 1;
                after
            }
            "}" => {
                depth = depth.saturating_sub(1);
                after
            }
            "/" if after.starts_with('*') => match after[1..].split_once("*/") {
                Some((_, after)) => after,
                None => return Some("a comment is still open at the end of the file"),
            },
            "/" => after,
            "\\" => after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or(""),
            quote => after_css_string(after, quote),
        };
    }
    (depth > 0).then_some("a rule is still open at the end of the file")
}

/// What follows a string whose opening quote was just passed; a string ends with its line at the latest.
fn after_css_string<'t>(text: &'t str, quote: &str) -> &'t str {
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if char == '\\' {
            escaped = true;
        } else if quote.starts_with(char) || char == '\n' {
            return &text[at + 1..];
        }
    }
    ""
}

/// Whether a comment of several lines is never closed. In a tree that could not be parsed it is no comment.
fn ends_in_comment(view: &View<'_>) -> bool {
    let text = view.text.as_str();
    let closed = |at: usize| text[at..].contains("*/");
    text.rfind("/*").is_some_and(|at| !closed(at) && !view.regions.iter().any(|part| part.shape().is_inside_text(at)))
}

/// The first element that is still open where a page ends without `</html>`. Elements whose end tag HTML lets authors leave
/// out do not count.
fn open_element(view: &View<'_>, tree: &Tree) -> Option<String> {
    let text = view.text.as_str();
    let mut open: Vec<&str> = Vec::new();
    let (mut is_page, mut is_closed) = (false, false);
    // Asking a node for its parent searches from the root, so the walk remembers which tag it is in.
    let mut tag = "";
    walk(tree, |node, step| {
        match node.kind() {
            kind @ ("start_tag" | "end_tag" | "self_closing_tag") if step == Step::Enter => tag = kind,
            "tag_name" if step == Step::Enter && !node.byte_range().is_empty() => {
                let name = &text[node.byte_range()];
                is_page |= name.eq_ignore_ascii_case("html");
                is_closed |= tag == "end_tag" && name.eq_ignore_ascii_case("html");
                match tag {
                    "start_tag" => open.push(name),
                    "end_tag" => close(&mut open, name),
                    _ => {}
                }
            }
            _ => {}
        }
        step == Step::Enter
    });
    if !is_page || is_closed {
        return None;
    }
    let needs_end = |name: &&&str| !MAY_STAY_OPEN.contains(&name.to_ascii_lowercase().as_str());
    open.iter().find(needs_end).map(|name| format!("<{name}> is never closed, nor is the page"))
}

/// Open elements that are looked at for the one that an end tag closes.
const OPEN_LOOKED_AT_MAX: usize = 256;

/// Closes the innermost open element of that name, and those in it.
fn close(open: &mut Vec<&str>, name: &str) {
    let from = open.len().saturating_sub(OPEN_LOOKED_AT_MAX);
    if let Some(at) = open[from..].iter().rposition(|other| other.eq_ignore_ascii_case(name)) {
        open.truncate(from + at);
    }
}

/// Elements without an end tag, and those whose end tag may be left out (HTML, sections 13.1.2 and 13.1.2.4).
const MAY_STAY_OPEN: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    "html", "head", "body", "li", "dt", "dd", "p", "rt", "rp", "optgroup", "option", "colgroup", "caption", "thead",
    "tbody", "tfoot", "tr", "td", "th", "html",
];

/// Reports a source file that says nothing. Files that mark a package are meant to be empty.
pub(super) fn empty(view: &View<'_>, found: &mut Found) {
    let name = view.path.rsplit('/').next().unwrap_or(view.path);
    let is_source = matches!(
        view.language,
        Language::Python | Language::JavaScript | Language::TypeScript | Language::Html | Language::Css
    );
    if !is_source || matches!(name, "__init__.py" | "conftest.py") || name.ends_with(".pyi") {
        return;
    }
    let blank = view.text.as_str().trim_matches(|char: char| char.is_whitespace() || char == '\u{feff}').is_empty();
    let says_nothing = view.regions.first().is_some_and(|part| !part.has_statement());
    if blank || (says_nothing && view.validity != Validity::Invalid) {
        let severity = if view.is_entry { Severity::Medium } else { Severity::Low };
        let message = if blank { "the file is empty" } else { "the file says nothing: it holds no statement" };
        found.whole(view.path, "empty-file", severity, message);
    }
}
