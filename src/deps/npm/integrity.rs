//! Digests as npm writes them (Subresource Integrity): which are strong enough, and whether bytes have them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::finding::hex;

/// A digest function that is strong enough; weaker ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

const ALGORITHMS: [(&str, Algorithm, usize); 3] =
    [("sha256", Algorithm::Sha256, 32), ("sha384", Algorithm::Sha384, 48), ("sha512", Algorithm::Sha512, 64)];

/// The digest that a package's archive must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integrity {
    algorithm: Algorithm,
    /// In lower-case hexadecimal.
    hex: String,
}

/// Why an integrity cannot be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weak {
    /// It is not there.
    Missing,
    /// It has no digest that is strong enough.
    Weaker,
    /// It cannot be read, or has several digests of one kind: any of them would do.
    Unclear,
}

impl Integrity {
    /// The strongest digest of `text`; weaker ones beside it do not count.
    pub(super) fn read(text: Option<&str>) -> Result<Self, Weak> {
        let text = text.map(str::trim).filter(|text| !text.is_empty()).ok_or(Weak::Missing)?;
        let mut best: Option<Self> = None;
        for word in text.split_ascii_whitespace() {
            let (name, digest) = word.split_once('-').ok_or(Weak::Unclear)?;
            let Some((_, algorithm, bytes)) = ALGORITHMS.iter().find(|(known, ..)| *known == name) else { continue };
            let digest = STANDARD.decode(digest).ok().filter(|digest| digest.len() == *bytes).ok_or(Weak::Unclear)?;
            let found = Self { algorithm: *algorithm, hex: hex(&digest) };
            match &best {
                Some(known) if known.algorithm == found.algorithm && *known != found => return Err(Weak::Unclear),
                Some(known) if known.algorithm >= found.algorithm => {}
                _ => best = Some(found),
            }
        }
        best.ok_or(Weak::Weaker)
    }

    /// In lower-case hexadecimal, without the name of its function.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Begins to look at bytes.
    #[must_use]
    pub fn check(&self) -> Check<'_> {
        let state = match self.algorithm {
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Sha384 => State::Sha384(Sha384::new()),
            Algorithm::Sha512 => State::Sha512(Sha512::new()),
        };
        Check { wanted: self, state }
    }
}

impl std::fmt::Display for Integrity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name =
            ALGORITHMS.iter().find(|(_, algorithm, _)| *algorithm == self.algorithm).map_or("", |(name, ..)| name);
        write!(f, "{name}:{}", self.hex)
    }
}

#[derive(Debug)]
enum State {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

/// Bytes that come piece by piece, and the digest that they must have in the end.
#[derive(Debug)]
pub struct Check<'a> {
    wanted: &'a Integrity,
    state: State,
}

impl Check<'_> {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha256(hasher) => hasher.update(bytes),
            State::Sha384(hasher) => hasher.update(bytes),
            State::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// Whether all bytes together have the digest.
    #[must_use]
    pub fn holds(self) -> bool {
        let found = match self.state {
            State::Sha256(hasher) => hex(&hasher.finalize()),
            State::Sha384(hasher) => hex(&hasher.finalize()),
            State::Sha512(hasher) => hex(&hasher.finalize()),
        };
        found == self.wanted.hex
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, digest: &[u8]) -> String {
        format!("{name}-{}", STANDARD.encode(digest))
    }

    #[test]
    fn the_strongest_digest_counts_and_weak_ones_alone_do_not() {
        let (weak, strong) = (of("sha1", &[1; 20]), of("sha512", &Sha512::digest(b"x")));
        let read = |text: &str| Integrity::read(Some(text));
        let integrity = read(&format!("{weak} {strong} {}", of("sha256", &[0; 32]))).unwrap();
        assert!(integrity.to_string().starts_with("sha512:a4abd4448c49562d828115d13a1fccea"));
        let holds = |bytes: &[u8]| {
            let mut check = integrity.check();
            bytes.chunks(1).for_each(|piece| check.update(piece));
            check.holds()
        };
        assert!(holds(b"x") && !holds(b"y") && !holds(b""));
        assert_eq!(Integrity::read(None), Err(Weak::Missing));
        assert_eq!(read(" "), Err(Weak::Missing));
        assert_eq!(read(&weak), Err(Weak::Weaker));
        assert_eq!(read("sha512-AAAA"), Err(Weak::Unclear));
        assert_eq!(read("sha512"), Err(Weak::Unclear));
        assert_eq!(read(&format!("{strong} {}", of("sha512", &[0; 64]))), Err(Weak::Unclear));
    }

    #[test]
    fn each_function_is_its_own() {
        for (text, bytes) in [("sha256", Sha256::digest(b"x").to_vec()), ("sha384", Sha384::digest(b"x").to_vec())] {
            let integrity = Integrity::read(Some(&of(text, &bytes))).unwrap();
            let mut check = integrity.check();
            check.update(b"x");
            assert!(check.holds(), "{text}");
            assert_eq!(integrity.to_string(), format!("{text}:{}", hex(&bytes)));
        }
    }
}
