//! A mark that tells the line of a program of ours from what packages print beside it.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A mark that no package knows before it runs.
pub(super) struct Nonce(String);

impl Nonce {
    pub(super) fn new() -> Self {
        Self(format!("vetrun-{:016x}", RandomState::new().build_hasher().finish()))
    }

    /// What stands behind the mark, in the last line of `text` that begins with it.
    pub(super) fn marked<'t>(&self, text: &'t str) -> Option<&'t str> {
        text.lines().rev().find_map(|line| line.strip_prefix(self.0.as_str()))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
