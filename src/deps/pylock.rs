//! Lock files (PEP 751): `pylock.toml`.
//!
//! A lock names one version of each package and the hashes of its files. Names, versions, markers and hashes count;
//! addresses do not, because the index is the policy's and the hashes say which files are meant. What a lock takes from
//! elsewhere than an index is refused.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::lines::Refusal;
use super::options::{is_hash, requirement};
use super::reader::{Place, Reader, Role};
use super::specifier::SpecifierSet;
use crate::artifact::{SourceFile, SourceText};
use crate::finding::{Finding, Pass, Severity};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Lock {
    lock_version: Spanned<String>,
    requires_python: Option<Spanned<String>>,
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: Spanned<String>,
    version: Option<String>,
    marker: Option<String>,
    index: Option<Spanned<String>>,
    vcs: Option<toml::Table>,
    directory: Option<toml::Table>,
    archive: Option<toml::Table>,
    #[serde(default)]
    wheels: Vec<Wheel>,
}

#[derive(Debug, Deserialize)]
struct Wheel {
    path: Option<String>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

/// Reads a lock file.
pub(super) fn read(reader: &mut Reader<'_>, file: &SourceFile) {
    let path = file.path.as_str();
    let invalid =
        |message: String| Refusal::new("pylock-invalid", message, "let the tool that wrote the lock write it anew");
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        reader.refuse(path, None, invalid("the file is not UTF-8".to_owned()));
        return;
    };
    let source = SourceText::from_utf8(text);
    let place = Place { path, text: &source };
    let lock = match toml::from_str::<Lock>(text) {
        Ok(lock) => lock,
        Err(error) => {
            let refusal = invalid(format!("the lock cannot be read: {}", error.message()));
            reader.refuse(path, Some(&source), refusal.at(error.span().unwrap_or(0..0)));
            return;
        }
    };
    if !lock.lock_version.get_ref().starts_with("1.") {
        let refusal = invalid(format!("version {} of the form is not known", lock.lock_version.get_ref()));
        reader.refuse(path, Some(&source), refusal.at(lock.lock_version.span()));
        return;
    }
    reader.declared.require_hashes = true;
    if let Some(wanted) = &lock.requires_python {
        match wanted.get_ref().parse::<SpecifierSet>() {
            Ok(specifiers) => reader.declared.requires_python = Some((specifiers, path.to_owned())),
            Err(error) => {
                let refusal = invalid(format!("`requires-python` is not a version specifier: {error}"));
                reader.refuse(path, Some(&source), refusal.at(wanted.span()));
            }
        }
    }
    for package in &lock.packages {
        let range = package.name.span();
        if let Err(refusal) = read_package(reader, place, range.clone(), package) {
            reader.refuse(path, Some(&source), refusal.at(range));
        }
    }
    reader.findings.extend(other_index(place, reader.index_url(), &lock.packages));
}

fn read_package(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    range: Range<usize>,
    package: &Package,
) -> Result<(), Refusal> {
    let name = package.name.get_ref();
    let hint = "lock a released package of the index instead";
    let is_local = package.directory.is_some() || package.wheels.iter().any(|wheel| wheel.path.is_some());
    let elsewhere = [
        (package.vcs.is_some(), "requirement-vcs", "is taken from version control, which runs its build code"),
        (is_local, "requirement-path", "is taken from a local path"),
        (package.archive.is_some(), "requirement-url", "is taken from an address, which goes past the package index"),
    ];
    if let Some((_, rule, what)) = elsewhere.into_iter().find(|(is_so, ..)| *is_so) {
        return Err(Refusal::new(rule, format!("the locked package `{name}` {what}"), hint));
    }
    let hash = |wheel: &Wheel| {
        let hashes = wheel.hashes.iter().map(|(kind, digits)| format!("{kind}:{}", digits.to_ascii_lowercase()));
        hashes.filter(|hash| is_hash(hash)).max()
    };
    let mut hashes: Vec<String> = package.wheels.iter().filter_map(hash).collect();
    let Some(version) = package.version.as_ref().filter(|_| !hashes.is_empty() && hashes.len() == package.wheels.len())
    else {
        let message = format!("the locked package `{name}` lacks its version, a wheel, or a wheel's sha256 or better");
        return Err(Refusal::new("pylock-not-pinned", message, "lock wheels, each with its hash"));
    };
    hashes.sort();
    hashes.dedup();
    let marker = package.marker.as_ref().map_or_else(String::new, |marker| format!("; {marker}"));
    let parsed = requirement(&format!("{name}=={version}{marker}"))?;
    reader.add(place, range, parsed, hashes, Role::Requirements)
}

/// Says that a lock is from another index than the policy's, once.
fn other_index(place: Place<'_>, own: Option<&str>, packages: &[Package]) -> Option<Finding> {
    let own = own?.trim_end_matches('/');
    let index = packages.iter().filter_map(|package| package.index.as_ref());
    let other = index.into_iter().find(|index| index.get_ref().trim_end_matches('/') != own)?;
    let message = "packages are locked from another index than the policy's, which alone is asked";
    let finding = Finding::in_file("pylock-other-index", Pass::Install, Severity::Low, place.path, message);
    Some(finding.at(place.text, other.span()).hint("lock from the index that the policy names"))
}
