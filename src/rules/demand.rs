//! What a text that a regular expression found must be besides: random enough, with a right checksum, and no placeholder.
//!
//! The shape alone makes many alarms of secrets: documentation shows `ghp_xxxxxxxx`, tests count upwards, and templates
//! name a variable. Each of the three demands is a plain function of the found text.

use schemars::JsonSchema;
use serde::Deserialize;

/// A checksum that some issuers put into their tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum Checksum {
    /// The last six characters are the CRC-32 of those between the prefix (up to the first `_`) and them, in base 62.
    #[serde(rename = "crc32-base62")]
    Crc32Base62,
    /// They are not: a token that is mistyped or made up.
    #[serde(rename = "not-crc32-base62")]
    NotCrc32Base62,
}

/// What is asked of a found text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Demand {
    /// Bits of entropy a character, at least.
    pub(super) entropy_min: Option<f64>,
    pub(super) checksum: Option<Checksum>,
    /// Whether placeholders are refused.
    pub(super) real: bool,
}

impl Demand {
    /// Whether `found` is what is asked for.
    pub(crate) fn met(self, found: &str) -> bool {
        self.entropy_min.is_none_or(|least| entropy(found) >= least)
            && self.checksum.is_none_or(|checksum| match checksum {
                Checksum::Crc32Base62 => has_crc32_base62(found),
                Checksum::NotCrc32Base62 => !has_crc32_base62(found),
            })
            && !(self.real && is_placeholder(found))
    }
}

/// Shannon's entropy of a text's bytes, in bits a byte.
#[expect(clippy::cast_precision_loss, reason = "texts have fewer bytes than a float has integers")]
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = text.len() as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| f64::from(count) / length)
        .map(|part| -part * part.log2())
        .sum()
}

fn has_crc32_base62(token: &str) -> bool {
    let rest = token.split_once('_').map_or(token, |(_, rest)| rest);
    let Some((payload, sum)) = rest.len().checked_sub(6).and_then(|at| rest.split_at_checked(at)) else { return false };
    let mut left = crc32(payload.as_bytes());
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    sum.bytes().rev().all(|byte| {
        let digit = digits[(left % 62) as usize];
        left /= 62;
        digit == byte
    })
}

/// The CRC-32 of IEEE 802.3. Tokens are short, so that a table of 1 KiB would not pay.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
    })
}

/// Words of those who write documentation in place of a secret.
const PLACEHOLDER_WORDS: [&str; 22] = [
    "example",
    "sample",
    "dummy",
    "placeholder",
    "your",
    "changeme",
    "change-me",
    "change_me",
    "replace",
    "insert",
    "redacted",
    "xxxx",
    "****",
    "....",
    "1234567890",
    "0123456789",
    "abcdefgh",
    "deadbeef",
    "fake",
    "not-a-",
    "secret_here",
    "todo",
];

/// Whether a text stands for a secret that the reader should put in: a word that says so, a template's variable, or one
/// character again and again.
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if PLACEHOLDER_WORDS.iter().any(|word| lower.contains(word)) || text.contains(['<', '>', '{', '}', '$', '%']) {
        return true;
    }
    let mut run = (b'\0', 0_usize);
    lower.bytes().any(|byte| {
        run = if run.0 == byte { (byte, run.1 + 1) } else { (byte, 1) };
        run.1 >= RUN_MAX
    })
}

/// One character this often in a row is nothing random: in 60 random hexadecimal digits it happens once in 5,000 times.
const RUN_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_checksum_is_told_from_a_wrong_one() {
        // The issuer's own example in its announcement of the format, split so that nothing takes it for a live one.
        let token = concat!("ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17");
        assert!(has_crc32_base62(token));
        assert!(!has_crc32_base62(&token.replace("zQW", "zQX")));
        assert!(!has_crc32_base62("ghp_"));
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn random_texts_have_more_entropy_than_words() {
        assert!(entropy("aaaaaaaa") < 0.1);
        assert!((entropy("abcdefgh") - 3.0).abs() < 1e-9);
        assert!(entropy("Zx81kQp0Lm29Vt7cRb4NwY6uHs3EaJ5d") > 4.5);
        assert!(entropy("") < 0.1);
    }

    #[test]
    fn placeholders_are_no_secrets() {
        for text in ["ghp_xxxxxxxxxxxx", "AKIAIOSFODNN7EXAMPLE", "<token>", "${TOKEN}", "your-key", "sk-000000000000"] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["Zx81kQp0Lm29Vt7cRb4NwY6uHs3EaJ5d", "AKIAQWERTZUIOPASDFGH", "00000a00000b"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
