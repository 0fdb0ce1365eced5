//! The versions of the engines whose verdict counts: CPython 3.9 to 3.14, and Node by its even major versions.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A version of CPython whose grammar is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum PythonVersion {
    /// CPython 3.9.
    #[serde(rename = "3.9")]
    Py39,
    /// CPython 3.10.
    #[serde(rename = "3.10")]
    Py310,
    /// CPython 3.11.
    #[serde(rename = "3.11")]
    Py311,
    /// CPython 3.12.
    #[serde(rename = "3.12")]
    Py312,
    /// CPython 3.13.
    #[serde(rename = "3.13")]
    Py313,
    /// CPython 3.14.
    #[serde(rename = "3.14")]
    Py314,
}

impl PythonVersion {
    /// All versions, oldest first.
    pub const ALL: [Self; 6] = [Self::Py39, Self::Py310, Self::Py311, Self::Py312, Self::Py313, Self::Py314];

    /// The newest.
    pub const NEWEST: Self = Self::Py314;

    /// The version as it is written: `3.14`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Py39 => "3.9",
            Self::Py310 => "3.10",
            Self::Py311 => "3.11",
            Self::Py312 => "3.12",
            Self::Py313 => "3.13",
            Self::Py314 => "3.14",
        }
    }

    /// The second number: 14 for 3.14.
    #[must_use]
    pub const fn minor(self) -> u8 {
        match self {
            Self::Py39 => 9,
            Self::Py310 => 10,
            Self::Py311 => 11,
            Self::Py312 => 12,
            Self::Py313 => 13,
            Self::Py314 => 14,
        }
    }

    /// The known version nearest to a release such as `3.11.7`; `None` for what is no release of Python 3.
    #[must_use]
    pub fn of_release(release: &str) -> Option<Self> {
        let minor: u8 = leading_number(release.strip_prefix("3.")?)?;
        Some(Self::ALL.into_iter().rev().find(|version| version.minor() <= minor).unwrap_or(Self::Py39))
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A version of Node whose V8 is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum NodeVersion {
    /// Node 20, with V8 11.3.
    #[serde(rename = "20")]
    Node20,
    /// Node 22, with V8 12.4.
    #[serde(rename = "22")]
    Node22,
    /// Node 24, with V8 13.6.
    #[serde(rename = "24")]
    Node24,
    /// Node 26, with V8 14.6.
    #[serde(rename = "26")]
    Node26,
}

impl NodeVersion {
    /// All versions, oldest first.
    pub const ALL: [Self; 4] = [Self::Node20, Self::Node22, Self::Node24, Self::Node26];

    /// The newest.
    pub const NEWEST: Self = Self::Node26;

    /// The version as it is written: `26`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node20 => "20",
            Self::Node22 => "22",
            Self::Node24 => "24",
            Self::Node26 => "26",
        }
    }

    /// The known version nearest to a release such as `20.20.2`; `None` for what is no release.
    #[must_use]
    pub fn of_release(release: &str) -> Option<Self> {
        let major: u32 = leading_number(release.trim_start_matches('v'))?;
        let known = |version: &Self| version.name().parse().is_ok_and(|known: u32| known <= major);
        Some(Self::ALL.into_iter().rev().find(known).unwrap_or(Self::Node20))
    }
}

impl fmt::Display for NodeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn leading_number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.split(|char: char| !char.is_ascii_digit()).next()?.parse().ok()
}

/// The versions of the engines that will run an artifact, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineVersions {
    /// The sandbox's CPython.
    pub python: Option<PythonVersion>,
    /// The sandbox's Node.
    pub node: Option<NodeVersion>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_become_the_nearest_known_version() {
        for (release, expected) in [
            ("3.9.18", Some(PythonVersion::Py39)),
            ("3.13.0rc1", Some(PythonVersion::Py313)),
            ("3.99.0", Some(PythonVersion::Py314)),
            ("3.6.15", Some(PythonVersion::Py39)),
            ("2.7.18", None),
        ] {
            assert_eq!(PythonVersion::of_release(release), expected, "{release}");
        }
        for (release, expected) in [
            ("20.20.2", Some(NodeVersion::Node20)),
            ("v23.1.0", Some(NodeVersion::Node22)),
            ("99.0.0", Some(NodeVersion::Node26)),
            ("18.0.0", Some(NodeVersion::Node20)),
            ("x", None),
        ] {
            assert_eq!(NodeVersion::of_release(release), expected, "{release}");
        }
    }

    #[test]
    fn names_are_what_a_policy_says() {
        for version in PythonVersion::ALL {
            assert_eq!(serde_json::to_value(version).ok(), Some(version.name().into()));
        }
        for version in NodeVersion::ALL {
            assert_eq!(serde_json::to_value(version).ok(), Some(version.name().into()));
        }
    }
}
