//! The table of what other scanners check and which rules find the same, made from `rules/peers/`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use serde::Deserialize;

use crate::Error;
use crate::corpus::files;
use crate::ours::Ours;

/// What stands above the table.
const HEAD: &str = "\
# Coverage

What other scanners check, and which rules find the same here. This table is made from `rules/peers/` by the example
`parity` (`-- coverage`); each check there has the ids of our rules, or the reason why there is none.
";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder with one file for each scanner.
    #[arg(value_name = "DIR", default_value = "rules/peers")]
    folder: PathBuf,
}

/// A scanner.
#[derive(Debug, Deserialize)]
struct Peer {
    name: String,
    #[serde(rename = "check")]
    checks: Vec<Check>,
}

/// What it checks, and what finds the same here.
#[derive(Debug, Deserialize)]
struct Check {
    id: String,
    title: String,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// Prints the table; the part of the checks that a rule stands for, in percent.
pub(crate) fn print(args: &Args, ours: &Ours, out: &mut dyn Write) -> Result<f64, Error> {
    let mut peers = Vec::new();
    for path in files(&args.folder, &["toml"])? {
        let text = fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let unexpected = |what: String| Error::Unexpected(format!("{}: {what}", path.display()));
        let peer: Peer = toml::from_str(&text).map_err(|error| unexpected(error.message().to_owned()))?;
        if let Some(fault) = fault(&peer, ours) {
            return Err(unexpected(fault));
        }
        peers.push(peer);
    }
    writeln!(out, "{HEAD}\n| scanner | checks | with a rule | without |\n|---|---:|---:|---:|")?;
    let (mut checks, mut with_rule) = (0, 0);
    for peer in &peers {
        let found = peer.checks.iter().filter(|check| !check.rules.is_empty()).count();
        let all = peer.checks.len();
        writeln!(out, "| {} | {all} | {found} | {} |", peer.name, all - found)?;
        checks += all;
        with_rule += found;
    }
    for peer in &peers {
        writeln!(out, "\n## {}\n\n| check | what | here |\n|---|---|---|", peer.name)?;
        for check in &peer.checks {
            writeln!(out, "| `{}` | {} | {} |", check.id, check.title.replace('|', "/"), here(check))?;
        }
    }
    Ok(100.0 * with_rule as f64 / f64::from(u32::try_from(checks.max(1)).unwrap_or(u32::MAX)))
}

/// What is wrong with a file: a check with neither rules nor a reason, or a rule that is not there.
fn fault(peer: &Peer, ours: &Ours) -> Option<String> {
    for check in &peer.checks {
        if check.rules.is_empty() && check.reason.is_none() {
            return Some(format!("`{}` has neither rules nor a reason", check.id));
        }
        if let Some(rule) = check.rules.iter().find(|rule| !ours.has(rule)) {
            return Some(format!("`{}` names the rule `{rule}`, which is not there", check.id));
        }
    }
    None
}

fn here(check: &Check) -> String {
    let rules: Vec<String> = check.rules.iter().map(|rule| format!("`{rule}`")).collect();
    if rules.is_empty() { format!("— {}", check.reason.as_deref().unwrap_or_default()) } else { rules.join(", ") }
}
