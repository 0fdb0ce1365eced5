//! File names of wheels (binary distribution format): `name-version[-build]-python-abi-platform.whl`.
//!
//! The name is all that is known of a wheel before it is fetched, and what is inside must say the same. It is read
//! strictly: ASCII letters, digits, `_`, `.` and, in a version, `+` and `!`.

use std::fmt;
use std::str::FromStr;

use crate::deps::name::NAME_BYTES_MAX;
use crate::deps::text::{Syntax, syntax};
use crate::deps::{Version, normalised};

/// The longest file name, in bytes: what file systems hold.
const FILE_NAME_BYTES_MAX: usize = 255;

/// Tags between the dots of one compressed tag set.
const TAGS_MAX: usize = 32;

/// The name of a wheel, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelName {
    file: String,
    /// The normalised name of the distribution.
    pub distribution: String,
    /// Its version.
    pub version: Version,
    /// What tells builds of one version apart: the higher one is the newer.
    pub build: Option<(u64, String)>,
    /// `py3`, `cp311`, …
    pub python: Vec<String>,
    /// `none`, `abi3`, `cp311`, …
    pub abi: Vec<String>,
    /// `any`, `manylinux_2_28_x86_64`, …
    pub platform: Vec<String>,
}

impl WheelName {
    /// All tags, the compressed sets expanded: python, abi, platform.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.python.iter().flat_map(move |python| {
            let pairs = self.abi.iter().flat_map(|abi| self.platform.iter().map(move |platform| (abi, platform)));
            pairs.map(move |(abi, platform)| (python.as_str(), abi.as_str(), platform.as_str()))
        })
    }

    /// The whole file name.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }
}

impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)
    }
}

impl FromStr for WheelName {
    type Err = Syntax;

    fn from_str(file: &str) -> Result<Self, Syntax> {
        let stem = file.strip_suffix(".whl").ok_or_else(|| syntax(0, "the name of a wheel ends with `.whl`"))?;
        if file.len() > FILE_NAME_BYTES_MAX {
            return Err(syntax(0, format!("the name is longer than {FILE_NAME_BYTES_MAX} bytes")));
        }
        let parts: Vec<&str> = stem.split('-').collect();
        let (name, version, build, [python, abi, platform]) = match parts[..] {
            [name, version, python, abi, platform] => (name, version, None, [python, abi, platform]),
            [name, version, build, python, abi, platform] => (name, version, Some(build), [python, abi, platform]),
            _ => return Err(syntax(0, "five or six parts stand between the dashes of a wheel's name")),
        };
        Ok(Self {
            distribution: distribution(name)?,
            version: version_of(version)?,
            build: build.map(build_tag).transpose()?,
            python: tag_set(python)?,
            abi: tag_set(abi)?,
            platform: tag_set(platform)?,
            file: file.to_owned(),
        })
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn distribution(name: &str) -> Result<String, Syntax> {
    if name.len() <= NAME_BYTES_MAX && crate::deps::text::is_name(name) {
        Ok(normalised(name))
    } else {
        Err(syntax(0, "the name of the distribution is not one"))
    }
}

/// A version as file names have it: `_` stands for `-`.
pub(super) fn version_of(text: &str) -> Result<Version, Syntax> {
    let is_sound = |byte| is_word(byte) || matches!(byte, b'.' | b'+' | b'!');
    if text.bytes().all(is_sound) { text.replace('_', "-").parse() } else { Err(syntax(0, "the version is not one")) }
}

fn build_tag(text: &str) -> Result<(u64, String), Syntax> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let is_sound = rest.bytes().all(|byte| is_word(byte) || byte == b'.');
    match number.parse() {
        Ok(number) if is_sound => Ok((number, rest.to_owned())),
        _ => Err(syntax(0, "a build tag begins with a number")),
    }
}

/// The tags of a compressed set.
pub(super) fn tag_set(text: &str) -> Result<Vec<String>, Syntax> {
    let tags: Vec<String> = text.split('.').take(TAGS_MAX + 1).map(str::to_owned).collect();
    if tags.len() > TAGS_MAX {
        return Err(syntax(0, format!("a set holds more than {TAGS_MAX} tags")));
    }
    if tags.iter().any(|tag| tag.is_empty() || !tag.bytes().all(is_word)) {
        return Err(syntax(0, "a tag is made of letters, digits and `_`"));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let name: WheelName =
            "Ruamel.Yaml-1.0_1-2b-cp310.cp311-abi3.none-manylinux_2_17_x86_64.any.whl".parse().unwrap();
        assert_eq!((name.distribution.as_str(), name.version.to_string().as_str()), ("ruamel-yaml", "1.0.post1"));
        assert_eq!(name.build, Some((2, "b".to_owned())));
        assert_eq!(name.tags().count(), 8);
        assert_eq!(name.tags().next(), Some(("cp310", "abi3", "manylinux_2_17_x86_64")));
        assert_eq!(name.tags().last(), Some(("cp311", "none", "any")));
    }

    #[test]
    fn what_is_not_a_wheels_name_is_refused() {
        let long = format!("{}-1-py3-none-any.whl", "a".repeat(250));
        let many = format!("a-1-{}py3-none-any.whl", "py2.".repeat(40));
        let cases = [
            "a-1-py3-none-any.zip",
            "a-1-py3-none.whl",
            "a-1-1-2-py3-none-any.whl",
            "-1-py3-none-any.whl",
            "a-x-py3-none-any.whl",
            "a-1-b-py3-none-any.whl",
            "a-1-py3..py2-none-any.whl",
            "a-1-py3-none-.whl",
            "../a-1-py3-none-any.whl",
            "a-1-py3-none-a/b.whl",
            "a-1 -py3-none-any.whl",
            "a\n-1-py3-none-any.whl",
            "ä-1-py3-none-any.whl",
            &long,
            &many,
        ];
        for file in cases {
            assert!(file.parse::<WheelName>().is_err(), "{file}");
        }
    }
}
