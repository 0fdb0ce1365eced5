//! The digest of rules: that of their files, with language and id.

use sha2::{Digest as _, Sha256};

use super::rule::Rule;

/// The digest over all of `rules`.
pub(super) fn of(rules: &[Rule]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for rule in rules {
        hasher.update(rule.language.name());
        hasher.update([0]);
        hasher.update(rule.id.as_bytes());
        hasher.update([0]);
        hasher.update(Sha256::digest(rule.file.as_bytes()));
    }
    hasher.finalize().into()
}
