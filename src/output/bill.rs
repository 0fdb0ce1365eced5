//! What bills of materials have in common: which packages there are, by what names other tools know them, and who needs
//! whom.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::sanitize;
use super::verdict::{self, MESSAGE_CHARS_MAX};
use crate::report::{Package, Report, Verdict};

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

/// The package URL: `pkg:pypi/name@version`.
pub(super) fn purl(package: &Package) -> String {
    let mut purl = format!("pkg:pypi/{}@", package.name);
    for byte in package.version.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~".contains(&byte) {
            purl.push(char::from(byte));
        } else {
            purl.push_str(&format!("%{byte:02X}"));
        }
    }
    purl
}

/// For each package that is needed in some of the reports: the packages that it needs, as package URLs.
pub(super) fn needs(reports: &[&Report]) -> BTreeMap<String, BTreeSet<String>> {
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for report in reports {
        let all = packages(report);
        let named = |name: &String| all.iter().find(|package| package.name == *name);
        for package in all {
            needs.entry(purl(package)).or_default();
            for needing in package.required_by.iter().filter_map(named) {
                needs.entry(purl(needing)).or_default().insert(purl(package));
            }
        }
    }
    needs
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

/// What an artifact's own declarations ask for, as package URLs.
pub(super) fn declared(report: &Report) -> Vec<String> {
    packages(report).iter().filter(|package| package.requested.is_some()).map(purl).collect()
}

/// The hexadecimal digits of a `sha256:…`.
pub(super) fn sha256(digest: &str) -> Option<&str> {
    digest.strip_prefix("sha256:")
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
