//! What other scanners check, as `rules/peers/` has it, and the table of it: `rules/COVERAGE.md`.
//!
//! A test of the suite holds that table up to date, so this file names nothing else of the example.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// What stands above the table.
const HEAD: &str = "\
# Coverage

What other scanners check, and which rules find the same here. This table is made from `rules/peers/` by the example
`parity` (`-- coverage`); each check there has the ids of our rules, or the reason why there is none.
";

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

/// The whole table, and how much of what is checked has a rule.
pub(crate) struct Coverage {
    pub(crate) table: String,
    pub(crate) checks: usize,
    pub(crate) with_rule: usize,
}

/// Makes the table from the folder with one file for each scanner. `has` tells whether there is a rule with an id.
///
/// # Errors
/// A file that cannot be read, or a check with neither rules nor a reason, or with a rule that is not there.
pub(crate) fn coverage(folder: &Path, has: impl Fn(&str) -> bool) -> Result<Coverage, String> {
    let peers = peers(folder)?;
    for (file, peer) in &peers {
        if let Some(fault) = peer.checks.iter().find_map(|check| fault(check, &has)) {
            return Err(format!("{file}: {fault}"));
        }
    }
    let mut table = format!("{HEAD}\n| scanner | checks | with a rule | without |\n|---|---:|---:|---:|\n");
    let (mut checks, mut with_rule) = (0, 0);
    for (_, peer) in &peers {
        let found = peer.checks.iter().filter(|check| !check.rules.is_empty()).count();
        let all = peer.checks.len();
        table += &format!("| {} | {all} | {found} | {} |\n", peer.name, all - found);
        checks += all;
        with_rule += found;
    }
    for (_, peer) in &peers {
        table += &format!("\n## {}\n\n| check | what | here |\n|---|---|---|\n", peer.name);
        for check in &peer.checks {
            table += &format!("| `{}` | {} | {} |\n", check.id, check.title.replace('|', "/"), here(check));
        }
    }
    Ok(Coverage { table, checks, with_rule })
}

/// Every file of the folder, in the order of their names.
fn peers(folder: &Path) -> Result<Vec<(String, Peer)>, String> {
    let shown = folder.display();
    let entries = fs::read_dir(folder).map_err(|error| format!("{shown}: {error}"))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("{shown}: {error}"))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: &Path| {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        toml::from_str(&text).map_err(|error| error.message().to_owned())
    };
    let named = |path: &Path| path.display().to_string();
    paths.iter().map(|path| Ok((named(path), read(path).map_err(|what| format!("{}: {what}", named(path)))?))).collect()
}

/// What is wrong with a check.
fn fault(check: &Check, has: impl Fn(&str) -> bool) -> Option<String> {
    if check.rules.is_empty() && check.reason.is_none() {
        return Some(format!("`{}` has neither rules nor a reason", check.id));
    }
    let missing = check.rules.iter().find(|rule| !has(rule))?;
    Some(format!("`{}` names the rule `{missing}`, which is not there", check.id))
}

fn here(check: &Check) -> String {
    let rules: Vec<String> = check.rules.iter().map(|rule| format!("`{rule}`")).collect();
    if rules.is_empty() { format!("— {}", check.reason.as_deref().unwrap_or_default()) } else { rules.join(", ") }
}
