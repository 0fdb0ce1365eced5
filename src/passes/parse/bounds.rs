//! What is looked at before any recursive parser sees a file: its size, and the depth of what nests in it.

use memchr::{memchr, memchr_iter, memmem};

use super::problem::Problem;
use super::stack;

/// The fault of a text that could need more stack than there is.
pub(super) fn too_much_code(text: &str) -> Option<Problem> {
    (!stack::fits(text)).then(|| {
        Problem::new("parse-limit", "this is more code than can be parsed safely at once", 0..0)
            .hint("split the file into smaller ones")
    })
}

/// The opening brackets of a text, wherever they stand.
pub(super) fn brackets(text: &str) -> usize {
    stack::count_each(text.as_bytes(), b"([{")
}

/// The fault of too deep a nest of `what` at `at`.
pub(super) fn too_deep(what: &str, depth_max: u64, at: usize) -> Problem {
    Problem::new("nesting-too-deep", format!("more than {depth_max} {what} inside one another"), at..at + 1)
        .hint("split the code into smaller parts")
}

/// The longest run of JavaScript labels before one statement; V8 takes some 5,000. Checking them takes time with the
/// square of their number.
pub(super) const LABELS_MAX: usize = 4_000;

/// Where a run of more than `labels_max` labels (`a: b: c: …`, with white space and comments between) is too long.
pub(super) fn labels_over(text: &str, labels_max: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if memchr_iter(b':', bytes).count() <= labels_max {
        return None;
    }
    let (mut from, mut run) = (0, 0);
    for at in memchr_iter(b':', bytes) {
        run = if is_one_word(&bytes[from..at]) { run + 1 } else { 1 };
        if run > labels_max {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// The longest run of what may begin type arguments in TypeScript (`a<b<c<…`, `a < b, c < d, …`) and is never ended. The
/// parser tries each of them as type arguments first, which takes memory with the square of their number.
pub(super) const TYPE_ARGUMENTS_MAX: usize = 1_000;

/// Where a run of more than `angles_max` of them is too long. What they cannot hold ends a run: `>`, `;`, `&&`, `||`.
pub(super) fn type_arguments_over(text: &str, angles_max: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut run = 0;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' => run += 1,
            b'>' | b';' => run = 0,
            b'&' | b'|' if bytes.get(at + 1) == Some(byte) => run = 0,
            _ => continue,
        }
        if run > angles_max {
            return Some(at);
        }
    }
    None
}

/// Whether a stretch of code holds one word and else only white space and comments.
fn is_one_word(code: &[u8]) -> bool {
    let (mut at, mut words) = (0, 0);
    while let Some(&byte) = code.get(at) {
        let next = code.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'/' if next == b'/' => at += memchr(b'\n', &code[at..]).unwrap_or(code.len()),
            b'/' if next == b'*' => at += 4 + memmem::find(&code[at + 2..], b"*/").unwrap_or(code.len()),
            _ if byte.is_ascii_whitespace() => at += 1,
            _ if is_name(byte) && words == 0 => {
                words = 1;
                // Braces stand in `\u{61}`.
                let is_part = |byte: &u8| is_name(*byte) || matches!(byte, b'{' | b'}');
                at += code[at..].iter().position(|byte| !is_part(byte)).unwrap_or(code.len());
            }
            _ => return false,
        }
    }
    words == 1
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'\\') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_type_arguments_are_seen() {
        assert_eq!(type_arguments_over(&"a < ".repeat(4), 3), Some(14));
        assert_eq!(type_arguments_over(&"a < b && ".repeat(4), 3), None);
        assert_eq!(type_arguments_over(&"f<T>(x); ".repeat(4), 3), None);
    }

    #[test]
    fn runs_of_labels_are_seen() {
        assert_eq!(labels_over("a: b: for (;;) {}\nswitch (x) { case a: case b: default: }", 2), None);
        assert_eq!(labels_over("a: /* ( */ b: // x\n c: x", 2), Some(21));
        assert_eq!(labels_over("({a: b, c: d, e: f})", 2), None);
    }
}
