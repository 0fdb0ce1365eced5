//! Words that are looked for in a text, whatever the case of their ASCII letters.

/// Which words, as bits, have a byte first, and which have it second; in either case.
type Pairs = [[u32; 256]; 2];

/// Up to 32 words of two bytes or more, in lower case. They are looked for by their first two bytes: an automaton for them
/// would take longer to make than most files take to look through.
pub(crate) struct Words {
    words: &'static [&'static str],
    pairs: &'static Pairs,
}

impl Words {
    /// These words, and what [`pairs`] says of them.
    pub(crate) const fn new(words: &'static [&'static str], pairs: &'static Pairs) -> Self {
        Self { words, pairs }
    }

    /// Whether a text holds one of them.
    pub(crate) fn is_any_in(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        bytes.array_windows().enumerate().any(|(at, [first, second]): (usize, &[u8; 2])| {
            let mut begun = self.pairs[0][usize::from(*first)] & self.pairs[1][usize::from(*second)];
            while begun != 0 {
                let word = self.words[begun.trailing_zeros() as usize].as_bytes();
                if bytes[at..].get(..word.len()).is_some_and(|there| there.eq_ignore_ascii_case(word)) {
                    return true;
                }
                begun &= begun - 1;
            }
            false
        })
    }
}

/// The first two bytes of words.
pub(crate) const fn pairs(words: &[&str]) -> Pairs {
    let mut pairs = [[0; 256]; 2];
    let mut word = 0;
    while word < words.len() {
        let mut at = 0;
        while at < 2 {
            let byte = words[word].as_bytes()[at];
            pairs[at][byte.to_ascii_lowercase() as usize] |= 1 << word;
            pairs[at][byte.to_ascii_uppercase() as usize] |= 1 << word;
            at += 1;
        }
        word += 1;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: [&str; 4] = ["...", "…", "left out", "as an ai"];
    static WORDS: Words = Words::new(&SOME, &pairs(&SOME));

    #[test]
    fn a_word_is_found_wherever_it_stands_in_any_case() {
        for text in ["...", "a.....", "was LEFT Out", "… ", "x …", "leleft out", "as As an AI"] {
            assert!(WORDS.is_any_in(text), "{text}");
        }
        for text in ["", ".", "..", "left ou", "lef t out", "\u{2025}", "as an a"] {
            assert!(!WORDS.is_any_in(text), "{text}");
        }
    }
}
