//! ruff: the fixtures of its `flake8-bandit` rules, and the snapshots of what it finds in them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use vetrun::language::Language;

use crate::Error;
use crate::corpus::files;
use crate::ours::Ours;
use crate::table::{self, Expected};

/// Where the fixtures and the snapshots are in a checkout.
const FIXTURES: &str = "crates/ruff_linter/resources/test/fixtures/flake8_bandit";
const SNAPSHOTS: &str = "crates/ruff_linter/src/rules/flake8_bandit/snapshots";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A checkout of ruff.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
}

/// Prints the table; the part of the diagnostics that a rule of ours has on the same line, in percent.
pub(crate) fn measure(args: &Args, ours: &Ours, out: &mut dyn Write) -> Result<f64, Error> {
    let mut expected: BTreeMap<String, Vec<Expected>> = BTreeMap::new();
    for path in files(&args.folder.join(SNAPSHOTS), &["snap"])? {
        for (file, one) in diagnostics(&read(&path)?) {
            expected.entry(file).or_default().push(one);
        }
    }
    let mut comparisons = Vec::new();
    for (name, expected) in &expected {
        let path = args.folder.join(FIXTURES).join(name);
        let bytes = fs::read(&path).map_err(|source| Error::Read { path, source })?;
        let found = ours.find(name, bytes, Language::Python);
        comparisons.push(table::compare(name, expected, &found, is_code));
    }
    let sum = table::print(out, &comparisons)?;
    writeln!(out, "lines: {} of {} diagnostics ({:.1} %)", sum.found, sum.expected, sum.percent())?;
    Ok(sum.percent())
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// The diagnostics of a snapshot: a line that begins with a code, and a line with `--> file:line:column` below it. A
/// snapshot of a difference lists what a setting removes as well; that is not expected.
fn diagnostics(snapshot: &str) -> Vec<(String, Expected)> {
    let mut found = Vec::new();
    let (mut code, mut removed) = (None, false);
    for line in snapshot.lines() {
        if line.starts_with("---") {
            removed = line.contains("Removed");
        }
        let first = line.split_whitespace().next().unwrap_or_default();
        if !line.starts_with(' ') && is_code(first) {
            code = Some(first.to_owned());
        } else if let Some(place) = line.trim_start().strip_prefix("--> ")
            && let Some(code) = code.take()
            && !removed
        {
            let mut parts = place.rsplitn(3, ':');
            let line = parts.nth(1).and_then(|line| line.parse().ok());
            if let (Some(line), Some(file)) = (line, parts.next()) {
                found.push((file.to_owned(), Expected { line, id: code }));
            }
        }
    }
    found
}

/// Whether an id is one of those rules: `S` and three digits.
fn is_code(id: &str) -> bool {
    id.strip_prefix('S').is_some_and(|rest| rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}
