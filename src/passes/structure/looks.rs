//! What a name looks like: its skeleton, by the table of the Unicode Consortium (UTS 39). Two names read alike where their
//! skeletons are the same.
//!
//! The build script writes the table as bytes. As data of a crate it is one pointer for each of its 6,700 entries, all of
//! which the loader would have to set at every start.

use unicode_normalization::UnicodeNormalization as _;

/// Characters that look like others, or like nothing, in order: numbers of 32 bits.
static CHARACTERS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/looks_characters.bin"));

/// Where what each of them looks like ends in [`LOOKS`]: numbers of 32 bits.
static ENDS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/looks_ends.bin"));

/// What they look like, one behind the other.
static LOOKS: &str = include_str!(concat!(env!("OUT_DIR"), "/looks.txt"));

/// The skeleton of a name.
pub(super) fn skeleton(name: &str) -> String {
    let mut looks = String::with_capacity(name.len());
    for char in name.nfd() {
        match look(char) {
            Some(look) => looks.push_str(look),
            None => looks.push(char),
        }
    }
    looks.nfd().collect()
}

/// What a character looks like; `None` where that is itself.
fn look(char: char) -> Option<&'static str> {
    let characters: &[[u8; 4]] = CHARACTERS.as_chunks().0;
    let at = characters.binary_search_by_key(&u32::from(char), |bytes| u32::from_le_bytes(*bytes)).ok()?;
    let ends: &[[u8; 4]] = ENDS.as_chunks().0;
    let end = |at: usize| u32::from_le_bytes(ends[at]) as usize;
    LOOKS.get(at.checked_sub(1).map_or(0, end)..end(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skeletons_are_those_of_the_consortiums_table() {
        let characters = || (0..=u32::from(char::MAX)).filter_map(char::from_u32);
        for char in characters() {
            let name = char.to_string();
            let expected: String = unicode_security::skeleton(&name).collect();
            assert_eq!(skeleton(&name), expected, "U+{:04X}", u32::from(char));
        }
        // Many at once, so that what stands behind one another is put in order.
        let all: Vec<char> = characters().filter(|char| char.is_alphanumeric() || !char.is_ascii()).collect();
        for name in all.chunks(97) {
            let name: String = name.iter().collect();
            let expected: String = unicode_security::skeleton(&name).collect();
            assert_eq!(skeleton(&name), expected);
        }
    }

    #[test]
    fn letters_of_other_alphabets_look_like_ours() {
        assert_eq!(skeleton("раураl"), skeleton("paypal"));
        assert_eq!(skeleton("pay\u{200b}pal"), skeleton("paypal"));
        assert_ne!(skeleton("paypal"), skeleton("paypel"));
    }
}
