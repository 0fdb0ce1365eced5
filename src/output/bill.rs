//! What bills of materials have in common: which packages there are, by what names other tools know them, and who needs
//! whom.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::sanitize;
use super::verdict::{self, MESSAGE_CHARS_MAX};
use crate::report::{Ecosystem, Package, Report, Verdict};

/// One package of several reports.
pub(super) struct Item<'a> {
    pub(super) package: &'a Package,
    /// Its package URL, which is its identity.
    pub(super) purl: String,
}

/// All packages of some reports, each once, sorted by their package URLs.
pub(super) fn items<'a>(reports: &[&'a Report]) -> Vec<Item<'a>> {
    let packages = reports.iter().flat_map(|report| packages(report));
    let by_purl: BTreeMap<String, &Package> = packages.map(|package| (purl(package), package)).collect();
    by_purl.into_iter().map(|(purl, package)| Item { package, purl }).collect()
}

/// The packages that were installed for an artifact.
pub(super) fn packages(report: &Report) -> &[Package] {
    report.dependencies.as_ref().map_or(&[], |dependencies| &dependencies.packages)
}

/// The package URL: `pkg:pypi/name@version`, `pkg:npm/%40scope/name@version`.
pub(super) fn purl(package: &Package) -> String {
    let kind = match package.ecosystem {
        Ecosystem::Python => "pypi",
        Ecosystem::Node => "npm",
    };
    // The stroke between a scope and a name stays as it is.
    let name = package.name.split('/').map(escaped).collect::<Vec<_>>().join("/");
    format!("pkg:{kind}/{name}@{}", escaped(&package.version))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// For each package that is needed in some of the reports: the packages that it needs, as package URLs.
pub(super) fn needs(reports: &[&Report]) -> BTreeMap<String, BTreeSet<String>> {
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for report in reports {
        let all = packages(report);
        for package in all {
            needs.entry(purl(package)).or_default();
            let of_kind = |other: &&Package| other.ecosystem == package.ecosystem;
            let named = |name: &String| all.iter().filter(of_kind).find(|other| is_named(other, name));
            for needing in package.required_by.iter().filter_map(named) {
                needs.entry(purl(needing)).or_default().insert(purl(package));
            }
        }
    }
    needs
}

/// Whether `name` means the package: there may be several versions of one of Node, and only one of Python.
fn is_named(package: &Package, name: &str) -> bool {
    match package.ecosystem {
        Ecosystem::Python => package.name == name,
        Ecosystem::Node => name.rsplit_once('@') == Some((&package.name, &package.version)),
    }
}

/// The verdict on an artifact and what stands against it as a whole, on one line.
pub(super) fn verdict(report: &Report) -> String {
    let status = match report.status {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Error => "not vetted",
    };
    let problems = verdict::problems(report);
    let said = problems.iter().map(|problem| sanitize::clipped(problem.message, MESSAGE_CHARS_MAX));
    std::iter::once(status.into()).chain(said).collect::<Vec<_>>().join("; ")
}

/// An identity for each report: its id, and a number where it is not the first of that id, as an artifact can be vetted
/// twice.
pub(super) fn identities(reports: &[&Report]) -> Vec<String> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut identities = Vec::with_capacity(reports.len());
    for report in reports {
        let times = seen.entry(report.id.as_str()).or_default();
        *times += 1;
        identities.push(if *times > 1 { format!("{}-{times}", report.id) } else { report.id.clone() });
    }
    identities
}

/// What an artifact's own declarations ask for, as package URLs.
pub(super) fn declared(report: &Report) -> Vec<String> {
    packages(report).iter().filter(|package| package.requested.is_some()).map(purl).collect()
}

/// The length of a digest of the SHA-2 family, and its hexadecimal digits: 512 and `…` of a `sha512:…`.
pub(super) fn sha2(digest: &str) -> Option<(u16, &str)> {
    let (name, hex) = digest.split_once(':')?;
    let bits = [("sha256", 256), ("sha384", 384), ("sha512", 512)].into_iter().find(|(known, _)| *known == name)?.1;
    Some((bits, hex))
}

/// A UUID that is made of the reports' own ids, so that equal reports have equal ones (version 8 of RFC 9562).
pub(super) fn uuid(reports: &[&Report]) -> String {
    let mut hasher = Sha256::new();
    for report in reports {
        hasher.update(&report.id);
        hasher.update(&report.artifact.digest);
    }
    let mut bytes = hasher.finalize();
    bytes[6] = (bytes[6] & 0x0F) | 0x80;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_known_by_their_urls() {
        let url = |ecosystem, name: &str, version: &str| {
            let (name, version) = (name.to_owned(), version.to_owned());
            let none = || None::<String>;
            purl(&Package {
                ecosystem,
                name,
                version,
                digest: None,
                size_bytes: 0,
                file: none(),
                url: none(),
                file_bytes: None,
                uploaded: none(),
                requested: none(),
                required_by: Vec::new(),
                is_known: false,
            })
        };
        assert_eq!(url(Ecosystem::Python, "requests", "1!2.0+x"), "pkg:pypi/requests@1%212.0%2Bx");
        assert_eq!(url(Ecosystem::Node, "left-pad", "1.0.0"), "pkg:npm/left-pad@1.0.0");
        assert_eq!(url(Ecosystem::Node, "@types/node", "1.0.0"), "pkg:npm/%40types/node@1.0.0");
    }

    #[test]
    fn digests_tell_their_kind() {
        assert_eq!(sha2("sha256:00"), Some((256, "00")));
        assert_eq!(sha2("sha512:00"), Some((512, "00")));
        assert_eq!(sha2("md5:00"), None);
    }
}
