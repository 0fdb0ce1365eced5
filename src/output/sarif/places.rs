//! Places as URIs: relative to where vetrun was called, or to the artifact's own root where that was named in full.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::output::place;
use crate::report::{Range, Related, Report, ReportFinding};

use super::text;

/// The base of paths in the folder where vetrun was called.
const SOURCE_ROOT: &str = "%SRCROOT%";

/// Where a finding of the `at`-th report is: its file and region.
pub(super) fn physical(at: usize, report: &Report, finding: &ReportFinding) -> Value {
    json!({ "artifactLocation": location(at, report, &finding.path), "region": region(finding) })
}

/// The places that explain a finding.
pub(super) fn related(at: usize, report: &Report, finding: &ReportFinding) -> Vec<Value> {
    let places = finding.related.iter().enumerate();
    let place = |(id, related): (usize, &Related)| {
        json!({
            "id": id,
            "message": { "text": text(&related.message) },
            "physicalLocation": {
                "artifactLocation": location(at, report, &finding.path),
                "region": region_of(related.range),
            },
        })
    };
    places.map(place).collect()
}

fn region(finding: &ReportFinding) -> Value {
    finding.range.map_or_else(|| json!({ "startLine": 1 }), region_of)
}

fn region_of(range: Range) -> Value {
    json!({
        "startLine": range.start.line,
        "startColumn": range.start.column,
        "endLine": range.end.line,
        "endColumn": range.end.column,
    })
}

/// A path from where vetrun was called; of an artifact with an absolute root, from that root.
fn location(at: usize, report: &Report, path: &str) -> Value {
    let full = place::file_from_here(&report.artifact, path);
    match full.strip_prefix('/') {
        None => json!({ "uri": percent_encoded(&full), "uriBaseId": SOURCE_ROOT }),
        Some(_) => json!({ "uri": percent_encoded(relative(report, &full)), "uriBaseId": base_id(at) }),
    }
}

/// The part of an absolute path below the folder that holds the artifact's files.
fn relative<'a>(report: &Report, full: &'a str) -> &'a str {
    full.strip_prefix(&folder(report)).unwrap_or(full).trim_start_matches('/')
}

/// The folder that holds the files of an artifact with an absolute root, `/` at its end.
fn folder(report: &Report) -> String {
    let root = report.artifact.root.trim_end_matches('/');
    let is_file = report.artifact.files.iter().any(|file| place::path_from_here(&report.artifact, &file.path) == root);
    let folder = if is_file { root.rsplit_once('/').map_or("", |(folder, _)| folder) } else { root };
    format!("{folder}/")
}

fn base_id(at: usize) -> String {
    format!("ARTIFACT{at}")
}

/// Where absolute roots are.
pub(super) fn bases(reports: &[&Report]) -> Value {
    let absolute = reports.iter().enumerate().filter(|(_, report)| report.artifact.root.starts_with('/'));
    let bases: Map<_, _> = absolute
        .map(|(at, report)| (base_id(at), json!({ "uri": format!("file://{}", percent_encoded(&folder(report))) })))
        .collect();
    Value::Object(bases)
}

/// A path as a URI reference (RFC 3986): everything but unreserved characters and `/` is encoded, so that no part of a
/// path can be read as a scheme, a query or a fragment.
fn percent_encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => {
                let _infallible = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
