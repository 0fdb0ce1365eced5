//! A bill of materials in CycloneDX 1.5 (ECMA-424): the artifacts, the packages that were installed for them with the
//! digest of each file, and who needs whom. Empty of packages where nothing was installed.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{bill, json_text};
use crate::report::{Package, Report};

/// Writes one bill for all reports.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], out: &mut dyn Write) -> io::Result<()> {
    let identities = bill::identities(reports);
    let named = || reports.iter().zip(&identities);
    let artifacts: Vec<Value> = named().map(|(report, identity)| artifact(report, identity)).collect();
    let mut components: Vec<Value> =
        bill::items(reports).iter().map(|item| library(item.package, &item.purl)).collect();
    let mut depends: Vec<Value> =
        named().map(|(report, identity)| depends(&reference(identity), &bill::declared(report))).collect();
    let needs = bill::needs(reports);
    depends.extend(needs.iter().map(|(purl, needs)| self::depends(purl, &needs.iter().cloned().collect::<Vec<_>>())));
    let mut metadata = json!({ "timestamp": reports.first().map(|report| &report.started_at) });
    if let Some(report) = reports.first() {
        metadata["tools"] = json!({
            "components": [{ "type": "application", "name": report.tool.name, "version": report.tool.version }],
        });
    }
    match artifacts.as_slice() {
        [one] => metadata["component"] = one.clone(),
        several => components.splice(0..0, several.iter().cloned()).for_each(drop),
    }
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": format!("urn:uuid:{}", bill::uuid(reports)),
        "version": 1,
        "metadata": metadata,
        "components": components,
        "dependencies": depends,
    });
    json_text::write_pretty(&bill, out)
}

/// How the bill names an artifact.
fn reference(identity: &str) -> String {
    format!("artifact:{identity}")
}

fn artifact(report: &Report, identity: &str) -> Value {
    json!({
        "type": "application",
        "bom-ref": reference(identity),
        "name": report.artifact.name,
        "properties": [
            { "name": "vetrun:digest", "value": report.artifact.digest },
            { "name": "vetrun:status", "value": bill::verdict(report) },
        ],
    })
}

fn library(package: &Package, purl: &str) -> Value {
    let hashes: Vec<Value> = package
        .digest
        .as_deref()
        .and_then(bill::sha2)
        .map(|(bits, digest)| json!({ "alg": format!("SHA-{bits}"), "content": digest }))
        .into_iter()
        .collect();
    let mut library = json!({
        "type": "library", "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl, "hashes": hashes,
    });
    if let Some(url) = &package.url {
        library["externalReferences"] = json!([{ "type": "distribution", "url": url, "hashes": hashes }]);
    }
    let facts = [("file", &package.file), ("uploaded", &package.uploaded), ("requested", &package.requested)];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    library["properties"] =
        facts.map(|(name, value)| json!({ "name": format!("vetrun:{name}"), "value": value })).collect();
    library
}

fn depends(reference: &str, on: &[String]) -> Value {
    json!({ "ref": reference, "dependsOn": on })
}
