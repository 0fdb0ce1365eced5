//! `METADATA` and `WHEEL`: header fields in the form of mail, read strictly.
//!
//! The readers of the field follow the library for mail, which splits at a lone carriage return as well and ends the
//! headers at the first line that is none; both could hide a requirement from one reader and not from the other, so both
//! are refused here.

use std::collections::BTreeSet;

use super::fault::{Faults, shown};
use super::limits::WheelLimits;
use super::name::{WheelName, tag_set};
use crate::deps::{Parsed, SpecifierSet, Version, normalised};
use crate::finding::Severity;

/// `Requires-Dist` fields that are read.
const REQUIRES_MAX: usize = 2_000;

/// Python, abi, platform.
type Tag<S = String> = [S; 3];

/// What `METADATA` says that an install needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// What it needs.
    pub requires: Vec<Parsed>,
    /// The extras that it offers, normalised, sorted.
    pub extras: BTreeSet<String>,
    /// The versions of Python that it is for.
    pub requires_python: Option<SpecifierSet>,
}

/// The fields of a header, in order, names in lower case, folded lines joined.
#[derive(Debug, Default)]
struct Headers {
    fields: Vec<(String, String)>,
}

impl Headers {
    fn read(text: &str, lines_max: usize) -> Result<Self, String> {
        let mut headers = Self::default();
        for (at, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                break;
            }
            if at >= lines_max {
                return Err(format!("has more than {lines_max} header lines"));
            }
            if line.contains(['\r', '\0']) {
                return Err(format!("has a control character in line {}", at + 1));
            }
            if line.starts_with([' ', '\t']) {
                let (_, value) = headers.fields.last_mut().ok_or("begins with a continued line")?;
                value.push('\n');
                value.push_str(line.trim());
                continue;
            }
            let is_name =
                |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let field = line.split_once(':').filter(|(name, _)| is_name(name));
            let (name, value) = field.ok_or_else(|| format!("has no header in line {}", at + 1))?;
            headers.fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(headers)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The only value; `Err` where there are several.
    fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, String> {
        let mut all = self.all(name);
        let first = all.next();
        if all.next().is_some() { Err(format!("has the field `{name}` more than once")) } else { Ok(first) }
    }
}

/// Reads `METADATA`, which must be of the distribution and version that the file name says.
pub(super) fn metadata(text: &str, name: &WheelName, limits: &WheelLimits, faults: &mut Faults) -> Metadata {
    let mut metadata = Metadata::default();
    let read = Headers::read(text, limits.headers_max).and_then(|headers| {
        identity(&headers, name, faults)?;
        metadata.requires_python = requires_python(&headers)?;
        Ok(headers)
    });
    let headers = match read {
        Ok(headers) => headers,
        Err(what) => {
            faults.high("package-metadata-malformed", format_args!("METADATA {}", shown(&what)));
            return metadata;
        }
    };
    if headers.all("requires-dist").nth(REQUIRES_MAX).is_some() {
        faults.high("package-metadata-malformed", format_args!("METADATA requires more than {REQUIRES_MAX} packages"));
    }
    metadata.extras = headers.all("provides-extra").map(normalised).collect();
    for text in headers.all("requires-dist").take(REQUIRES_MAX) {
        metadata.requires.extend(requirement(text, faults));
    }
    metadata
}

/// Name, version and the version of the metadata itself.
fn identity(headers: &Headers, name: &WheelName, faults: &mut Faults) -> Result<(), String> {
    let (said, version) = (headers.one("name")?, headers.one("version")?);
    let same_name = said.is_some_and(|said| normalised(said) == name.distribution);
    let same_version = version.is_some_and(|version| version.parse::<Version>().is_ok_and(|said| said == name.version));
    if !same_name || !same_version {
        let (said, version) = (shown(said.unwrap_or("nothing")), shown(version.unwrap_or("no version")));
        faults.high("package-metadata-wrong", format_args!("METADATA is of `{said}` {version}"));
    }
    match headers.one("metadata-version")?.and_then(|version| version.split_once('.')) {
        Some(("1" | "2", _)) => Ok(()),
        _ => Err("is of an unknown version".to_owned()),
    }
}

fn requires_python(headers: &Headers) -> Result<Option<SpecifierSet>, String> {
    let wanted = headers.one("requires-python")?.filter(|text| !text.is_empty());
    wanted.map(|text| text.parse().map_err(|error| format!("asks for no version of Python: {error}"))).transpose()
}

fn requirement(text: &str, faults: &mut Faults) -> Option<Parsed> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.parse::<Parsed>() {
        Ok(parsed) if parsed.url.is_some() => {
            faults.high(
                "package-direct-requirement",
                format_args!("it requires a package by its address: `{}`", shown(&line)),
            );
            None
        }
        Ok(parsed) => Some(Parsed { name: normalised(&parsed.name), ..parsed }),
        Err(error) => {
            let (line, error) = (shown(&line), shown(&error.message));
            faults.high(
                "package-requirement-invalid",
                format_args!("it requires `{line}`, which is no requirement: {error}"),
            );
            None
        }
    }
}

/// Reads `WHEEL`, whose tags must be those of the file name.
pub(super) fn wheel(text: &str, name: &WheelName, limits: &WheelLimits, faults: &mut Faults) {
    let headers = match Headers::read(text, limits.headers_max) {
        Ok(headers) => headers,
        Err(what) => return faults.high("package-metadata-malformed", format_args!("WHEEL {}", shown(&what))),
    };
    let version = headers.one("wheel-version").ok().flatten();
    if version.and_then(|version| version.split_once('.')).is_none_or(|(major, _)| major != "1") {
        let version = shown(version.unwrap_or("none"));
        faults.high(
            "wheel-version-unsupported",
            format_args!("it is a wheel of version {version}, and 1.x is understood"),
        );
    }
    if !matches!(headers.one("root-is-purelib"), Ok(Some(value)) if is_truth(value)) {
        faults.high("package-metadata-malformed", format_args!("WHEEL does not say what its root is"));
    }
    match headers.all("tag").map(tags).collect::<Option<Vec<_>>>() {
        Some(said) => tags_agree(&said.concat(), name, faults),
        None => faults.high("wheel-tag-wrong", format_args!("WHEEL has a tag that is none")),
    }
}

/// Whether the tags in the wheel are those of its file name. Some build tools give the platform, or a closer one, to the
/// name alone: that narrows what the wheel is for, and is only noted. A name that promises more than the wheel does stands
/// against it.
fn tags_agree(said: &[Tag], name: &WheelName, faults: &mut Faults) {
    let said: BTreeSet<Tag<&str>> = said.iter().map(|tag| tag.each_ref().map(String::as_str)).collect();
    let named: BTreeSet<Tag<&str>> = name.tags().map(Into::into).collect();
    let is_covered = |[python, abi, platform]: &Tag<&str>| {
        said.iter().any(|own| own[..2] == [*python, *abi] && is_within(platform, own[2]))
    };
    if !named.iter().all(is_covered) {
        faults.high("wheel-tag-wrong", format_args!("its file name has tags that WHEEL does not have"));
    } else if said != named {
        let message = format_args!("its file name has other tags than WHEEL, whose tags are wider");
        faults.add("wheel-tag-wrong", Severity::Low, message);
    }
}

/// Whether a wheel for the platform `wide` is one for `narrow` too: `manylinux_2_28_x86_64` is a kind of `linux_x86_64`.
fn is_within(narrow: &str, wide: &str) -> bool {
    let is_linux = |machine: &str| {
        narrow
            .strip_suffix(machine)
            .is_some_and(|kind| kind.ends_with('_') && (kind.starts_with("manylinux") || kind.starts_with("musllinux")))
    };
    narrow == wide || wide == "any" || wide.strip_prefix("linux_").is_some_and(is_linux)
}

fn is_truth(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

/// The tags of one `Tag` field, which may be a compressed set.
fn tags(text: &str) -> Option<Vec<Tag>> {
    let parts: Vec<&str> = text.split('-').collect();
    let [python, abi, platform] = parts[..] else { return None };
    let (pythons, abis, platforms) = (tag_set(python).ok()?, tag_set(abi).ok()?, tag_set(platform).ok()?);
    let mut all = Vec::new();
    for python in &pythons {
        for abi in &abis {
            all.extend(platforms.iter().map(|platform| [python.clone(), abi.clone(), platform.clone()]));
        }
    }
    Some(all)
}
