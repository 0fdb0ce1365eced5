//! Version specifiers (PEP 440): `>=1.0, !=1.5.*`, and which versions they admit.

use std::fmt;
use std::str::FromStr;

use super::text::{Cursor, Syntax};
use super::version::Version;

/// One clause: an operator and a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specifier {
    operator: Operator,
    /// The version as written, `.*` included.
    text: String,
    /// The version; `None` for `===`, which compares text.
    version: Option<Version>,
    /// Whether `.*` stood at the end.
    prefix: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Arbitrary,
    Equal,
    Compatible,
    NotEqual,
    LessEqual,
    GreaterEqual,
    Less,
    Greater,
}

/// All operators as they are written; a longer one stands before its own prefix.
const OPERATORS: &[(&str, Operator)] = &[
    ("===", Operator::Arbitrary),
    ("==", Operator::Equal),
    ("~=", Operator::Compatible),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessEqual),
    (">=", Operator::GreaterEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Specifier {
    /// Reads one clause; `None` where no operator comes next.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Option<Self>, Syntax> {
        let Some((sign, operator)) = OPERATORS.iter().copied().find(|(sign, _)| cursor.eat(sign)) else {
            return Ok(None);
        };
        cursor.skip_blanks();
        let start = *cursor;
        let text = cursor.take_while(|char| !char.is_whitespace() && !matches!(char, ',' | ';' | ')'));
        Self::new(operator, text)
            .map(Some)
            .ok_or_else(|| start.fault(format!("`{sign}{text}` is not a version specifier")))
    }

    fn new(operator: Operator, text: &str) -> Option<Self> {
        let specifier = |version, prefix| Some(Self { operator, text: text.to_owned(), version, prefix });
        if operator == Operator::Arbitrary {
            return if text.is_empty() { None } else { specifier(None, false) };
        }
        let takes_prefix = matches!(operator, Operator::Equal | Operator::NotEqual);
        let stem = text.strip_suffix(".*").filter(|_| takes_prefix);
        // A version may have blanks around it, but not here: the text was cut at blanks.
        let version: Version = stem.unwrap_or(text).parse().ok()?;
        let fits = match operator {
            Operator::Equal | Operator::NotEqual => stem.is_none() || version.is_plain_release(),
            Operator::Compatible => !version.has_local() && version.release().len() > 1,
            _ => !version.has_local(),
        };
        if fits { specifier(Some(version), stem.is_some()) } else { None }
    }

    /// Whether it admits `version`. Pre-releases are admitted like any other version: which of them may be chosen is
    /// the resolver's matter.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        let Some(wanted) = &self.version else {
            return version.to_string().eq_ignore_ascii_case(&self.text);
        };
        match self.operator {
            Operator::Arbitrary => false,
            Operator::Equal => self.equals(version, wanted),
            Operator::NotEqual => !self.equals(version, wanted),
            Operator::Compatible => {
                let prefix = &wanted.release()[..wanted.release().len() - 1];
                version.public() >= *wanted && version.starts_with(wanted, prefix)
            }
            Operator::LessEqual => version.public() <= *wanted,
            Operator::GreaterEqual => version.public() >= *wanted,
            Operator::Less => {
                let own_pre = !wanted.is_prerelease() && version.is_prerelease() && version.base() == wanted.base();
                version < wanted && !own_pre
            }
            Operator::Greater => {
                let same_base = version.base() == wanted.base();
                let own_post = !wanted.is_postrelease() && version.is_postrelease() && same_base;
                version > wanted && !own_post && !(version.has_local() && same_base)
            }
        }
    }

    fn equals(&self, version: &Version, wanted: &Version) -> bool {
        if self.prefix {
            return version.starts_with(wanted, wanted.release());
        }
        if wanted.has_local() { version == wanted } else { version.public() == *wanted }
    }

    /// The one version that it admits, if it is a pin.
    fn pinned(&self) -> Option<&str> {
        let is_pin = self.operator == Operator::Arbitrary || (self.operator == Operator::Equal && !self.prefix);
        is_pin.then_some(self.text.as_str())
    }
}

impl fmt::Display for Specifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = OPERATORS.iter().find(|(_, operator)| *operator == self.operator).map_or("", |(sign, _)| sign);
        write!(f, "{sign}{}", self.text)
    }
}

impl FromStr for Specifier {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Self, Syntax> {
        let mut cursor = Cursor::new(text.trim());
        let specifier =
            Self::read(&mut cursor)?.ok_or_else(|| cursor.fault("a version specifier begins with an operator"))?;
        if cursor.is_at_end() { Ok(specifier) } else { Err(cursor.fault("nothing can follow a version specifier")) }
    }
}

/// Clauses that all must hold; empty admits every version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecifierSet(Vec<Specifier>);

impl SpecifierSet {
    /// Reads clauses with commas between them; a comma at the end is allowed, as the reference allows it.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Syntax> {
        let mut all = Vec::new();
        while let Some(specifier) = Specifier::read(cursor)? {
            all.push(specifier);
            cursor.skip_blanks();
            if !cursor.eat(",") {
                break;
            }
            cursor.skip_blanks();
        }
        Ok(Self(all))
    }

    /// Whether every clause admits `version`.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        self.0.iter().all(|specifier| specifier.contains(version))
    }

    /// Whether there is no clause.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a clause names a pre-release, so that pre-releases are meant as well.
    #[must_use]
    pub fn mentions_prerelease(&self) -> bool {
        let names_one = |one: &Specifier| match (&one.version, one.operator) {
            (_, Operator::NotEqual) => false,
            (Some(version), _) => version.is_prerelease(),
            (None, _) => one.text.parse::<Version>().is_ok_and(|version| version.is_prerelease()),
        };
        self.0.iter().any(names_one)
    }

    /// Whether it admits one version alone.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.0.iter().any(|specifier| specifier.pinned().is_some())
    }
}

impl fmt::Display for SpecifierSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut clauses: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        clauses.sort();
        clauses.dedup();
        f.write_str(&clauses.join(","))
    }
}

impl FromStr for SpecifierSet {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Self, Syntax> {
        let clauses = text.split(',').map(str::trim).filter(|clause| !clause.is_empty());
        clauses.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_admit_what_the_standard_says() {
        let cases = [
            ("==1.0", "1.0.0", true),
            ("==1.0", "1.0+local", true),
            ("==1.0+local", "1.0", false),
            ("==1.*", "1.9.post1", true),
            ("==1.0.*", "1", true),
            ("!=1.*", "1.9", false),
            ("~=2.2", "2.9", true),
            ("~=2.2", "3.0", false),
            ("~=2.2.post3", "2.2.post2", false),
            ("~=1.4.5", "1.5", false),
            ("<3.1", "3.1.dev0", false),
            ("<3.1", "3.0.dev0", true),
            ("<3.1rc1", "3.1b1", true),
            (">1.7", "1.7.0.post1", false),
            (">1.7.post2", "1.7.0.post3", true),
            (">1.7", "1.7+x", false),
            ("<=2.0", "2.0+x", true),
            ("===FooBar", "1.0", false),
            ("===1.0", "1.0", true),
            (">=1,<2,!=1.5", "1.5.0", false),
            ("", "0.0.1", true),
        ];
        for (set, version, admitted) in cases {
            let (set, version): (SpecifierSet, Version) = (set.parse().unwrap(), version.parse().unwrap());
            assert_eq!(set.contains(&version), admitted, "{version} in {set}");
        }
    }

    #[test]
    fn what_is_not_a_specifier_is_refused() {
        for text in
            ["1.0", "==", "===", "=1.0", "~=1", ">=1.*", "==1.0a1.*", ">=1.0+local", "==1.0 2.0", ">=1;", "==1.0.**"]
        {
            assert!(text.parse::<SpecifierSet>().is_err(), "{text}");
        }
    }
}
