//! The marks of a shell's text: where quotes, substitutions and statements end.

use std::ops::Range;

/// Quotes and substitutions inside of one another that are followed; what is deeper is taken for one text.
const DEPTH_MAX: usize = 32;

/// One statement: pipelines are whole, lists are taken apart at `;`, `&&`, `||`, `&` and line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Where it stands, here-documents included.
    pub(super) range: Range<usize>,
    /// Where its first here-document begins, and whether nothing is put into that.
    pub(super) document: Option<(usize, bool)>,
    /// Whether it is run only if another was, or in a shell of its own.
    pub(super) is_conditional: bool,
}

/// Takes a script apart into its statements.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let mut found = Splitter::default();
    let mut at = 0;
    while at < text.len() {
        at = found.step(text, at);
    }
    found.ends(at, false);
    found.statements
}

#[derive(Default)]
struct Splitter {
    statements: Vec<Statement>,
    start: usize,
    /// How the here-documents end whose text follows the line, and whether their lines may be indented.
    awaited: Vec<(String, bool)>,
    document: Option<(usize, bool)>,
    is_literal: bool,
    is_conditional: bool,
    /// Brackets that are open, and those that were where the statement began.
    depth: usize,
    depth_before: usize,
}

impl Splitter {
    /// Goes on behind what stands at a place.
    fn step(&mut self, text: &str, at: usize) -> usize {
        let (before, rest) = text.split_at(at);
        let is = |mark: &str| rest.starts_with(mark);
        let word_begins = || before.is_empty() || before.ends_with([' ', '\t', '\n', ';', '|', '&', '(']);
        match rest.as_bytes()[0] {
            b'#' if word_begins() => at + rest.find('\n').unwrap_or(rest.len()),
            b'\n' => {
                let next = self.documents(text, at + 1);
                // A line that ends in a pipe goes on.
                if !before.trim_end_matches([' ', '\t']).ends_with('|') || before.trim_end().ends_with("||") {
                    self.ends(next, false);
                }
                next
            }
            b';' => self.ends(at + 1, false),
            b'&' | b'|' if is("&&") || is("||") => self.ends(at + 2, true),
            b'&' if !is("&>") && !before.ends_with(['>', '<', '|']) => self.ends(at + 1, false),
            b'(' => {
                self.depth += 1;
                at + 1
            }
            b')' => {
                self.depth = self.depth.saturating_sub(1);
                at + 1
            }
            b'<' if is("<<<") => at + 3,
            b'<' if is("<<") => self.awaits(text, at + 2),
            _ => end_of(text, at),
        }
    }

    fn ends(&mut self, at: usize, next_is_conditional: bool) -> usize {
        let is_conditional = self.is_conditional || self.depth > 0 || self.depth_before > 0;
        let document = self.document.take();
        self.statements.push(Statement { range: self.start..at, document, is_conditional });
        (self.start, self.is_conditional, self.depth_before) = (at, next_is_conditional, self.depth);
        at
    }

    /// Notes the here-document that is told of at a place.
    fn awaits(&mut self, text: &str, at: usize) -> usize {
        let is_indented = text[at..].starts_with('-');
        let at = at + usize::from(is_indented);
        let start = at + text[at..].len() - text[at..].trim_start_matches([' ', '\t']).len();
        let end = word_end(text, start);
        let word = text[start..end].replace(['\'', '"', '\\'], "");
        if self.awaited.is_empty() {
            self.is_literal = word.len() < end - start;
        }
        if !word.is_empty() {
            self.awaited.push((word, is_indented));
        }
        end
    }

    /// Goes on behind the here-documents that begin at a place.
    fn documents(&mut self, text: &str, mut at: usize) -> usize {
        for (end, is_indented) in std::mem::take(&mut self.awaited) {
            self.document = self.document.or(Some((at, self.is_literal)));
            while at < text.len() {
                let line = text[at..].split_inclusive('\n').next().unwrap_or_default();
                at += line.len();
                let line = line.trim_end_matches(['\n', '\r']);
                if end == if is_indented { line.trim_start_matches('\t') } else { line } {
                    break;
                }
            }
        }
        at
    }
}

/// Where the word ends that begins at a place.
pub(super) fn word_end(text: &str, mut at: usize) -> usize {
    while let Some(next) = text[at..].chars().next().filter(|&char| !ends_word(char)) {
        at = if next == '#' { at + 1 } else { end_of(text, at) };
    }
    at
}

/// Whether a character ends a word where it is not quoted.
pub(super) fn ends_word(char: char) -> bool {
    char.is_whitespace() || matches!(char, ';' | '|' | '&' | '(' | ')' | '<' | '>')
}

/// Where the token ends that begins at a place, which is before the end of the text: a quoted text, a substitution, an escape,
/// `$name` or a single character.
pub(super) fn end_of(text: &str, at: usize) -> usize {
    end_within(text, at, 0)
}

/// The same for a token inside of double quotes, where single quotes mean nothing.
pub(super) fn end_in_quotes(text: &str, at: usize) -> usize {
    quoted_token(text, at, 0)
}

fn end_within(text: &str, at: usize, depth: usize) -> usize {
    let rest = &text[at..];
    match rest.as_bytes()[0] {
        b'\'' => rest[1..].find('\'').map_or(text.len(), |end| at + end + 2),
        b'"' => double_quoted(text, at + 1, depth),
        b'$' if rest.starts_with("$'") => until(text, at + 2, '\''),
        b'$' if rest.starts_with("$\"") => double_quoted(text, at + 2, depth),
        b'<' | b'>' if rest[1..].starts_with('(') => balanced(text, at + 2, b')', depth),
        _ => quoted_token(text, at, depth),
    }
}

/// What means the same inside of double quotes and outside of them.
fn quoted_token(text: &str, at: usize, depth: usize) -> usize {
    let rest = &text[at..];
    match rest.as_bytes()[0] {
        b'\\' => at + 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        b'`' => until(text, at + 1, '`'),
        b'$' if rest.starts_with("$(") => balanced(text, at + 2, b')', depth),
        b'$' if rest.starts_with("${") => balanced(text, at + 2, b'}', depth),
        b'$' => at + 1 + name_length(&rest[1..]),
        _ => at + rest.chars().next().map_or(1, char::len_utf8),
    }
}

/// How many bytes the name of a variable or of a parameter has that a text begins with.
pub(super) fn name_length(text: &str) -> usize {
    if text.starts_with(|char: char| char.is_ascii_digit() || matches!(char, '@' | '*')) {
        return 1;
    }
    text.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(text.len())
}

fn double_quoted(text: &str, mut at: usize, depth: usize) -> usize {
    while at < text.len() {
        if text.as_bytes()[at] == b'"' {
            return at + 1;
        }
        at = quoted_token(text, at, depth);
    }
    text.len()
}

/// Behind the next `close` that is not escaped.
fn until(text: &str, at: usize, close: char) -> usize {
    let mut is_escaped = false;
    for (offset, char) in text[at..].char_indices() {
        if char == close && !is_escaped {
            return at + offset + 1;
        }
        is_escaped = !is_escaped && char == '\\';
    }
    text.len()
}

/// Where a substitution ends whose text begins at a place.
fn balanced(text: &str, mut at: usize, close: u8, depth: usize) -> usize {
    if depth >= DEPTH_MAX {
        return text.len();
    }
    while at < text.len() {
        at = match text.as_bytes()[at] {
            byte if byte == close => return at + 1,
            b'(' if close == b')' => balanced(text, at + 1, close, depth + 1),
            _ => end_within(text, at, depth + 1),
        };
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<&str> {
        statements(text).into_iter().map(|one| text[one.range].trim()).filter(|one| !one.is_empty()).collect()
    }

    #[test]
    fn statements_end_where_no_quote_or_substitution_is_open() {
        let cases: [(&str, &[&str]); 9] = [
            ("a; b && c || d & e\nf", &["a;", "b &&", "c ||", "d &", "e", "f"]),
            ("a 'x;y' \"z;$(b; c)\" ${x:-;} `d; e`", &["a 'x;y' \"z;$(b; c)\" ${x:-;} `d; e`"]),
            ("a | b |\n c; d", &["a | b |\n c;", "d"]),
            ("a > b 2>&1; c &> d", &["a > b 2>&1;", "c &> d"]),
            ("cat <<E; a\nx; y\nE\nb", &["cat <<E;", "a\nx; y\nE", "b"]),
            ("cat <<-'E' | sh\n\tx; y\n\tE\nb", &["cat <<-'E' | sh\n\tx; y\n\tE", "b"]),
            ("a # b; c\nd", &["a # b; c", "d"]),
            ("a $'\\';' <(b; c); d", &["a $'\\';' <(b; c);", "d"]),
            ("x=${y#a;b}; echo a#b; c", &["x=${y#a;b};", "echo a#b;", "c"]),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_run_only_sometimes_is_told() {
        let conditional: Vec<bool> =
            statements("a && b; c; (d; e); f || g").iter().map(|one| one.is_conditional).collect();
        assert_eq!(conditional, [false, true, false, true, true, false, true]);
        let [first, ..] = &statements("cat <<'E'\nx\nE\n")[..] else { panic!("there is one") };
        assert_eq!(first.document, Some((10, true)));
    }

    #[test]
    fn every_text_is_taken_apart_to_its_end() {
        let deep = "$(".repeat(100_000);
        let quotes = "\"$(".repeat(50_000);
        for text in ["'", "\"", "$'\\", "`\\", "${", "<<", "a <<E", "\\", "é\\é", "$(é", "<(", ";;;", &deep, &quotes]
        {
            let all: String = statements(text).into_iter().map(|one| &text[one.range]).collect();
            assert_eq!(all, text);
        }
    }
}
