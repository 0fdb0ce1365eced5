//! Versions (PEP 440): parsed strictly, compared as the standard orders them, written in canonical form.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::text::{Syntax, syntax};

/// A version of a distribution.
#[derive(Clone, Debug)]
pub struct Version {
    epoch: u64,
    release: Vec<u64>,
    pre: Option<(PreKind, u64)>,
    post: Option<u64>,
    dev: Option<u64>,
    local: Vec<LocalPart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PreKind {
    Alpha,
    Beta,
    Candidate,
}

/// A part of a local version label. Text sorts before numbers, so the order of the variants matters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LocalPart {
    Text(String),
    Number(u64),
}

/// All spellings of a pre-release; a longer one stands before its own prefix.
const PRE_SPELLINGS: &[(&str, PreKind)] = &[
    ("alpha", PreKind::Alpha),
    ("a", PreKind::Alpha),
    ("beta", PreKind::Beta),
    ("b", PreKind::Beta),
    ("preview", PreKind::Candidate),
    ("pre", PreKind::Candidate),
    ("c", PreKind::Candidate),
    ("rc", PreKind::Candidate),
];

/// The longest version text that is looked at, in bytes.
const VERSION_BYTES_MAX: usize = 1024;

/// Epoch, significant release numbers, pre-release, post-release, development release, local label.
type Key<'a> = (u64, &'a [u64], (u8, Option<(PreKind, u64)>), Option<u64>, (bool, u64), &'a [LocalPart]);

impl Version {
    /// The version `0`, for what has none.
    pub(super) fn zero() -> Self {
        Self { epoch: 0, release: vec![0], pre: None, post: None, dev: None, local: Vec::new() }
    }

    /// Whether it is a pre-release or a development release.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        self.pre.is_some() || self.dev.is_some()
    }

    /// Whether it is a post-release.
    pub(super) fn is_postrelease(&self) -> bool {
        self.post.is_some()
    }

    pub(super) fn has_local(&self) -> bool {
        !self.local.is_empty()
    }

    /// Whether it is nothing but an epoch and a release: the only form that may stand before `.*`.
    pub(super) fn is_plain_release(&self) -> bool {
        self.pre.is_none() && self.post.is_none() && self.dev.is_none() && self.local.is_empty()
    }

    pub(super) fn release(&self) -> &[u64] {
        &self.release
    }

    /// The version without its local label.
    pub(super) fn public(&self) -> Self {
        Self { local: Vec::new(), ..self.clone() }
    }

    /// Epoch and release alone.
    pub(super) fn base(&self) -> Self {
        Self { pre: None, post: None, dev: None, local: Vec::new(), ..self.clone() }
    }

    /// Whether epoch and the first `release.len()` numbers, missing ones read as 0, are those of `prefix`.
    pub(super) fn starts_with(&self, epoch_of: &Self, release: &[u64]) -> bool {
        let number = |at: usize| self.release.get(at).copied().unwrap_or(0);
        self.epoch == epoch_of.epoch && release.iter().enumerate().all(|(at, &wanted)| number(at) == wanted)
    }

    /// What versions are ordered by, most significant first. A version that is only a development release sorts before
    /// its pre-releases, and one without pre-release after them.
    fn key(&self) -> Key<'_> {
        let significant = self.release.iter().rposition(|&number| number != 0).map_or(0, |at| at + 1);
        let pre = match (self.pre, self.post, self.dev) {
            (Some(pre), _, _) => (1, Some(pre)),
            (None, None, Some(_)) => (0, None),
            (None, _, _) => (2, None),
        };
        let dev = (self.dev.is_none(), self.dev.unwrap_or(0));
        (self.epoch, &self.release[..significant], pre, self.post, dev, &self.local)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch != 0 {
            write!(f, "{}!", self.epoch)?;
        }
        for (at, number) in self.release.iter().enumerate() {
            write!(f, "{}{number}", if at == 0 { "" } else { "." })?;
        }
        if let Some((kind, number)) = self.pre {
            let kind = match kind {
                PreKind::Alpha => "a",
                PreKind::Beta => "b",
                PreKind::Candidate => "rc",
            };
            write!(f, "{kind}{number}")?;
        }
        if let Some(post) = self.post {
            write!(f, ".post{post}")?;
        }
        if let Some(dev) = self.dev {
            write!(f, ".dev{dev}")?;
        }
        for (at, part) in self.local.iter().enumerate() {
            f.write_str(if at == 0 { "+" } else { "." })?;
            match part {
                LocalPart::Text(text) => f.write_str(text)?,
                LocalPart::Number(number) => write!(f, "{number}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Version {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Self, Syntax> {
        let trimmed = text.trim_matches(|char: char| char.is_ascii_whitespace() || char == '\x0b');
        if trimmed.len() > VERSION_BYTES_MAX {
            return Err(syntax(0, "a version of such length"));
        }
        let lower = trimmed.to_ascii_lowercase();
        let mut reader = Reader { rest: lower.strip_prefix('v').unwrap_or(&lower) };
        let version = reader.version().ok_or_else(|| not_a_version(trimmed))?;
        if reader.rest.is_empty() { Ok(version) } else { Err(not_a_version(trimmed)) }
    }
}

fn not_a_version(text: &str) -> Syntax {
    syntax(0, format!("`{text}` is not a version"))
}

/// Reads lower-case ASCII text from left to right.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn eat_separator(&mut self) {
        self.rest = self.rest.strip_prefix(['.', '-', '_']).unwrap_or(self.rest);
    }

    /// Decimal digits; `None` where there are none, or more than 64 bits hold.
    fn number(&mut self) -> Option<u64> {
        let end = self.rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.rest.len());
        let number = self.rest[..end].parse().ok()?;
        self.rest = &self.rest[end..];
        Some(number)
    }

    /// Digits if there are any, 0 otherwise; `None` where there are more than 64 bits hold.
    fn number_or_zero(&mut self) -> Option<u64> {
        if self.rest.starts_with(|char: char| char.is_ascii_digit()) { self.number() } else { Some(0) }
    }

    fn version(&mut self) -> Option<Version> {
        let mut first = self.number()?;
        let mut epoch = 0;
        if self.eat("!") {
            epoch = first;
            first = self.number()?;
        }
        let mut release = vec![first];
        while self.rest.starts_with('.') && self.rest[1..].starts_with(|char: char| char.is_ascii_digit()) {
            self.rest = &self.rest[1..];
            release.push(self.number()?);
        }
        let mut version = Version { epoch, release, pre: None, post: None, dev: None, local: Vec::new() };
        if let Some(kind) = self.spelling(PRE_SPELLINGS) {
            version.pre = Some((kind, self.suffix_number()?));
        }
        version.post = self.post()?;
        if self.spelling(&[("dev", ())]).is_some() {
            version.dev = Some(self.suffix_number()?);
        }
        if self.eat("+") {
            version.local = self.local()?;
        }
        Some(version)
    }

    /// A separator, if any, and one of `spellings`; where no spelling follows, the separator is not taken either.
    fn spelling<T: Copy>(&mut self, spellings: &[(&str, T)]) -> Option<T> {
        let after = self.rest.strip_prefix(['.', '-', '_']).unwrap_or(self.rest);
        let (rest, kind) = spellings.iter().find_map(|(text, kind)| Some((after.strip_prefix(text)?, *kind)))?;
        self.rest = rest;
        Some(kind)
    }

    fn suffix_number(&mut self) -> Option<u64> {
        self.eat_separator();
        self.number_or_zero()
    }

    /// The outer `None` is a fault, the inner one says that there is no post-release.
    #[expect(clippy::option_option, reason = "the two levels are a fault and an absence, and `?` needs the outer one")]
    fn post(&mut self) -> Option<Option<u64>> {
        if self.rest.starts_with('-') && self.rest[1..].starts_with(|char: char| char.is_ascii_digit()) {
            self.rest = &self.rest[1..];
            return Some(Some(self.number()?));
        }
        match self.spelling(&[("post", ()), ("rev", ()), ("r", ())]) {
            Some(()) => Some(Some(self.suffix_number()?)),
            None => Some(None),
        }
    }

    fn local(&mut self) -> Option<Vec<LocalPart>> {
        let parts = self.rest.split(['.', '-', '_']).map(|part| {
            let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let numeric = part.bytes().all(|byte| byte.is_ascii_digit());
            match (plain, numeric) {
                (true, true) => part.parse().ok().map(LocalPart::Number),
                (true, false) => Some(LocalPart::Text(part.to_owned())),
                (false, _) => None,
            }
        });
        let parts = parts.collect();
        self.rest = "";
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_written_canonically() {
        let cases = [
            ("1.0", "1.0"),
            ("v1.0", "1.0"),
            (" 1!01.0 ", "1!1.0"),
            ("1.0-1", "1.0.post1"),
            ("1.0ALPHA", "1.0a0"),
            ("1.0_beta-2", "1.0b2"),
            ("1.0.preview3", "1.0rc3"),
            ("1.0c1.post", "1.0rc1.post0"),
            ("1.0-rev.4", "1.0.post4"),
            ("1.0.dev", "1.0.dev0"),
            ("1.0a.dev1", "1.0a0.dev1"),
            ("1.0+Ubuntu_1-x", "1.0+ubuntu.1.x"),
            ("2024.12.31", "2024.12.31"),
        ];
        for (text, canonical) in cases {
            assert_eq!(text.parse::<Version>().map(|version| version.to_string()).as_deref(), Ok(canonical), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        let digits = "1".repeat(500);
        for text in
            ["", "foo", "1. 0", "1.0.", ".1", "1..0", "1.0+", "1.0+a+b", "1.0+_x", "1.0-", "٠.1", &digits, "1.0x"]
        {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn versions_are_ordered_as_the_standard_says() {
        let ascending = [
            "1.dev0",
            "1.0.dev456",
            "1.0a1.dev1",
            "1.0a1",
            "1.0a2",
            "1.0b1",
            "1.0rc1",
            "1.0",
            "1.0+abc",
            "1.0+5",
            "1.0+5.1",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ];
        for pair in ascending.windows(2) {
            let (low, high): (Version, Version) = (pair[0].parse().unwrap(), pair[1].parse().unwrap());
            assert!(low < high, "{} < {}", pair[0], pair[1]);
        }
        assert_eq!("1.0".parse::<Version>(), "1.0.0".parse::<Version>());
    }
}
