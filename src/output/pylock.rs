//! A lock file (`pylock.toml`, PEP 751): the files that were installed, so that installers and vetrun itself can install
//! just them again. It is of one artifact, for the interpreter that ran it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use toml::value::Datetime;

use super::{bill, sanitize};
use crate::report::{Ecosystem, Package, Report};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Lock {
    lock_version: &'static str,
    created_by: &'static str,
    packages: Vec<Locked>,
}

#[derive(Serialize)]
struct Locked {
    name: String,
    version: String,
    /// The source archive, where the wheel was built of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sdist: Option<File>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wheels: Vec<File>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_time: Option<Datetime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    hashes: BTreeMap<&'static str, String>,
}

/// Writes the lock of one report. Where there is none to write, because nothing was installed or because there are several
/// artifacts, the file says so and names no package.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], out: &mut dyn Write) -> io::Result<()> {
    let is_of_node = |report: &Report| !bill::packages(report).is_empty() && python(report).next().is_none();
    let (packages, because) = match reports {
        [report] if report.dependencies.is_none() => (Vec::new(), "nothing was installed"),
        [report] if is_of_node(report) => (Vec::new(), "packages of Node alone were installed, and they have a lock"),
        [report] => match python(report).map(locked).collect::<Option<Vec<_>>>() {
            Some(packages) => (packages, ""),
            None => (Vec::new(), "it is not known from which files the packages were installed"),
        },
        _ => (Vec::new(), "a lock is of one artifact, and there are several"),
    };
    for report in reports {
        writeln!(out, "# {}: {}", sanitize::line(&report.artifact.name), bill::verdict(report))?;
    }
    if !because.is_empty() {
        writeln!(out, "# No lock: {because}.")?;
    }
    let lock = Lock { lock_version: "1.0", created_by: "vetrun", packages };
    let text = toml::to_string(&lock).map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

/// The packages that such a lock can be of.
fn python(report: &Report) -> impl Iterator<Item = &Package> {
    bill::packages(report).iter().filter(|package| package.ecosystem == Ecosystem::Python)
}

fn locked(package: &Package) -> Option<Locked> {
    let digest = package.digest.as_deref()?.strip_prefix("sha256:")?.to_owned();
    let printable = |text: &String| sanitize::line(text).into_owned();
    let file = File {
        name: printable(package.file.as_ref()?),
        upload_time: package.uploaded.as_deref().and_then(|time| time.parse().ok()),
        url: package.url.as_ref().map(printable),
        size: package.file_bytes,
        hashes: BTreeMap::from([("sha256", digest)]),
    };
    let (sdist, wheels) = if file.name.ends_with(".whl") { (None, vec![file]) } else { (Some(file), Vec::new()) };
    Some(Locked { name: printable(&package.name), version: printable(&package.version), sdist, wheels })
}
