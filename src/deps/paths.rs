//! Names of files in archives of packages: which of them hide something, and which are one and the same somewhere.

use unicode_normalization::UnicodeNormalization as _;

/// Control characters, and what hides or reorders the text around it.
pub(super) fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// One form for all names that a file system without case, or one that normalises, takes for the same.
pub(super) fn caseless(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // Upper case first: it takes apart what has no single upper-case letter.
    let upper: String = name.nfkc().flat_map(char::to_uppercase).collect();
    upper.to_lowercase().nfkc().collect()
}
