//! Names of files that others chose: what in them misleads a reader.

/// Whether a character changes the direction of what is shown after it, so that a name looks like another
/// (CVE-2021-42574).
pub(crate) fn turns_text(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
