//! A bill of materials in SPDX 2.3: the artifacts, the packages that were installed for them with the digest of each file,
//! and who needs whom. What vetrun does not know (licences, suppliers) is said to be unknown.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{bill, json_text};
use crate::report::{Package, Report};

const UNKNOWN: &str = "NOASSERTION";

/// Writes one document for all reports.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], out: &mut dyn Write) -> io::Result<()> {
    let identities = bill::identities(reports);
    let roots: Vec<String> = identities.iter().map(|identity| root(identity)).collect();
    let mut packages: Vec<Value> = reports.iter().zip(&roots).map(|(report, root)| artifact(report, root)).collect();
    packages.extend(bill::items(reports).iter().map(|item| library(item.package, &item.purl)));
    let mut relations: Vec<Value> = roots.iter().map(|root| relation("SPDXRef-DOCUMENT", "DESCRIBES", root)).collect();
    for (report, root) in reports.iter().zip(&roots) {
        let declared = bill::declared(report);
        relations.extend(declared.iter().map(|purl| relation(root, "DEPENDS_ON", &reference(purl))));
    }
    for (purl, needs) in bill::needs(reports) {
        relations.extend(needs.iter().map(|needed| relation(&reference(&purl), "DEPENDS_ON", &reference(needed))));
    }
    let (created, creator) = reports.first().map_or_else(
        || ("1970-01-01T00:00:00Z".to_owned(), "Tool: vetrun".to_owned()),
        |report| (to_seconds(&report.started_at), format!("Tool: {}-{}", report.tool.name, report.tool.version)),
    );
    let names: Vec<&str> = reports.iter().map(|report| report.artifact.name.as_str()).collect();
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": if names.is_empty() { "nothing".to_owned() } else { names.join(", ") },
        "documentNamespace": format!("urn:uuid:{}", bill::uuid(reports)),
        "creationInfo": { "created": created, "creators": [creator] },
        "documentDescribes": roots,
        "packages": packages,
        "relationships": relations,
    });
    json_text::write_pretty(&document, out)
}

/// A time without fractions of a second, which SPDX does not have.
fn to_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

/// How the document names an artifact.
fn root(identity: &str) -> String {
    reference(&format!("artifact-{identity}"))
}

/// An identifier has letters, digits, `.` and `-` alone.
fn reference(name: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() || char == '.' { char } else { '-' };
    format!("SPDXRef-{}", name.chars().map(plain).collect::<String>())
}

fn artifact(report: &Report, root: &str) -> Value {
    json!({
        "SPDXID": root,
        "name": report.artifact.name,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        "primaryPackagePurpose": "APPLICATION",
        "comment": format!("snapshot {}; {}", report.artifact.digest, bill::verdict(report)),
    })
}

fn library(package: &Package, purl: &str) -> Value {
    let mut library = json!({
        "SPDXID": reference(purl),
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": package.url.as_deref().unwrap_or(UNKNOWN),
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        "supplier": UNKNOWN,
        "primaryPackagePurpose": "LIBRARY",
        "externalRefs": [
            { "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl },
        ],
    });
    if let Some(file) = &package.file {
        library["packageFileName"] = json!(file);
    }
    if let Some((bits, digest)) = package.digest.as_deref().and_then(bill::sha2) {
        library["checksums"] = json!([{ "algorithm": format!("SHA{bits}"), "checksumValue": digest }]);
    }
    library
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}
