//! What is looked at before any recursive parser sees a file: its size, and the depth of what nests in it.

use super::problem::Problem;

/// The fault of too deep a nest of `what` at `at`.
pub(super) fn too_deep(what: &str, depth_max: u64, at: usize) -> Problem {
    Problem::new("nesting-too-deep", format!("more than {depth_max} {what} inside one another"), at..at + 1)
        .hint("split the code into smaller parts")
}

/// The longest run of JavaScript labels before one statement. A second label is rare; checking them takes time with the
/// square of their number.
pub(super) const LABELS_MAX: usize = 500;

/// Where a run of more than `labels_max` labels (`a: b: c: …`, with white space and comments between) is too long.
pub(super) fn labels_over(text: &str, labels_max: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut run, mut after_word) = (0, 0, false);
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'/' if next == b'/' => at += end_of(&bytes[at..], b"\n"),
            b'/' if next == b'*' => at += 2 + end_of(&bytes[at + 2..], b"*/"),
            b':' if after_word => {
                run += 1;
                after_word = false;
                if run > labels_max {
                    return Some(at);
                }
                at += 1;
            }
            _ if byte.is_ascii_whitespace() => at += 1,
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'\\') || byte >= 0x80 => {
                let is_word =
                    |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'\\') || *byte >= 0x80;
                // Two words in a row are no label.
                run = if after_word { 0 } else { run };
                after_word = true;
                at += bytes[at..].iter().position(|byte| !is_word(byte)).unwrap_or(bytes.len() - at);
            }
            _ => {
                (run, after_word) = (0, false);
                at += 1;
            }
        }
    }
    None
}

/// How many bytes there are up to and with `mark`.
fn end_of(bytes: &[u8], mark: &[u8]) -> usize {
    bytes.windows(mark.len()).position(|window| window == mark).map_or(bytes.len(), |at| at + mark.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_labels_are_seen() {
        assert_eq!(labels_over("a: b: for (;;) {}\nswitch (x) { case a: case b: default: }", 2), None);
        assert_eq!(labels_over("a: /* ( */ b: // x\n c: x", 2), Some(21));
        assert_eq!(labels_over("({a: b, c: d, e: f})", 2), None);
    }
}
