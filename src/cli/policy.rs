//! `vetrun policy`: what is in force here and why, and whether a policy file is valid.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value as Json, json};

use super::Failure;
use super::args::{JudgingArgs, ReadingArgs, RunningArgs};
use super::in_force::{Asked, InForce, policy_for};
use super::reporting::answer;
use super::settings::{names_data, rules};
use crate::output::sanitize;
use crate::policy::{Origin, PolicyError, Shown};
use crate::vet::Exit;

#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    pub(super) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Show every value in force, and where it comes from
    Show(Box<ShowArgs>),
    /// Say whether a policy file is valid, with all that it extends, and name all that is wrong
    Check {
        /// The policy [default: the one that is found from here]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// What would be vetted: no policy inside of it is used
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// How to show it; toml is a policy file that says the same
    #[arg(long, value_enum, default_value_t = ShowFormat::Human)]
    pub(super) format: ShowFormat,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    #[command(flatten)]
    pub(super) judging: JudgingArgs,
    #[command(flatten)]
    pub(super) running: RunningArgs,
}

/// How a policy is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ShowFormat {
    /// A table.
    Human,
    /// One object.
    Json,
    /// A policy file, the origins in comments.
    Toml,
}

/// `vetrun policy`.
pub(super) fn policy(command: &PolicyCommand) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Show(args) => show(args),
        PolicyCommand::Check { file } => check(file.as_deref()),
    }
}

/// `vetrun policy show`.
fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let in_force = policy_for(&args.judging, &args.reading, Some(&args.running), &args.paths)?;
    tell(&in_force.notes);
    let values = in_force.resolved.values();
    let text = match args.format {
        ShowFormat::Human => human(&in_force, &values),
        ShowFormat::Json => json(&in_force, &values)?,
        ShowFormat::Toml => toml(&values),
    };
    answer().write_all(text.as_bytes())?;
    Ok(Exit::Passed)
}

/// `vetrun policy check`: exits with 0 where the policy can be used, else with 2.
fn check(file: Option<&Path>) -> Result<Exit, Failure> {
    let asked = Asked { policy: file, ..Asked::default() };
    let found = match asked.file_alone() {
        Ok(found) => found,
        Err(error) => {
            let Some(invalid) = error.downcast_ref::<PolicyError>() else { return Err(error) };
            tell(&invalid.lines());
            return Ok(Exit::NotVetted);
        }
    };
    let Some(InForce { resolved, names, mut notes, .. }) = found else {
        return Err("there is no vetrun.toml in this folder or above it (`vetrun init` writes one)".into());
    };
    rules(&resolved, &[], &mut notes)?;
    names_data(&resolved.policy, &[])?;
    tell(&notes);
    let (last, below) = names.split_last().map_or(("", &[][..]), |(last, below)| (last, below));
    let upon = if below.is_empty() { String::new() } else { format!(", upon {}", below.join(", ")) };
    writeln!(answer(), "{} is valid{}", sanitize::line(last), sanitize::line(&upon))?;
    Ok(Exit::Passed)
}

/// Says lines on standard error.
fn tell(lines: &[String]) {
    for line in lines {
        let _closed = writeln!(anstream::stderr(), "vetrun: {}", sanitize::line(line));
    }
}

/// A table: sections, keys, values, origins. What is too wide is not cut: somebody may want to copy it.
fn human(in_force: &InForce, values: &[Shown]) -> String {
    let mut text = match in_force.names.as_slice() {
        [] => "no policy file\n".to_owned(),
        names => format!("policy {}\n", sanitize::line(&names.join(", then "))),
    };
    let mut section = "";
    for shown in in_order(values) {
        let (of, name) = placed(shown);
        if of != section {
            let _infallible = write!(text, "\n[{of}]\n");
            section = of;
        }
        let mut line = name;
        pad(&mut line, VALUE_COLUMN);
        line.push_str(&in_toml(&shown.value).unwrap_or_else(|| "not set".to_owned()));
        pad(&mut line, VALUE_COLUMN + VALUE_WIDTH);
        line.push_str(&origins(&shown.origins));
        let _infallible = writeln!(text, "{}", sanitize::line(&line));
    }
    text
}

/// Where values begin, in columns.
const VALUE_COLUMN: usize = 26;

/// Columns of a value before its origin.
const VALUE_WIDTH: usize = 40;

/// Blanks up to a column, one at least.
fn pad(line: &mut String, column: usize) {
    let blanks = column.saturating_sub(line.chars().count()).max(1);
    line.extend(std::iter::repeat_n(' ', blanks));
}

/// The section of a value, empty at the top, and its name in it, which may have dots.
fn placed(shown: &Shown) -> (&str, String) {
    let (section, name) = match shown.key.as_slice() {
        [section, name @ ..] if !name.is_empty() => (section.as_str(), name),
        name => ("", name),
    };
    (section, name.iter().map(|part| bare(part)).collect::<Vec<_>>().join("."))
}

/// A key, in quotes where it needs them.
fn bare(key: &str) -> String {
    let is_plain = !key.is_empty() && key.chars().all(|char| char.is_ascii_alphanumeric() || "_-".contains(char));
    if is_plain { key.to_owned() } else { toml::Value::from(key).to_string() }
}

/// Values without a section before all others, as TOML wants them.
fn in_order(values: &[Shown]) -> Vec<&Shown> {
    let mut ordered: Vec<_> = values.iter().collect();
    ordered.sort_by_key(|shown| shown.key.len() > 1);
    ordered
}

fn origins(origins: &[Origin]) -> String {
    origins.iter().map(Origin::to_string).collect::<Vec<_>>().join(", ")
}

/// A value as TOML on one line, keys in their own order; `None` where there is none.
fn in_toml(value: &Json) -> Option<String> {
    Some(match value {
        Json::Null => return None,
        Json::Object(table) if table.is_empty() => "{}".to_owned(),
        Json::Object(table) => {
            let entries =
                table.iter().filter_map(|(name, value)| Some(format!("{} = {}", bare(name), in_toml(value)?)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().filter_map(in_toml).collect::<Vec<_>>().join(", ")),
        value => toml::Value::try_from(value).ok()?.to_string(),
    })
}

fn json(in_force: &InForce, values: &[Shown]) -> Result<String, Failure> {
    let values: Vec<_> = values
        .iter()
        .map(|Shown { key, value, origins }| json!({ "key": key.join("."), "value": value, "origins": origins }))
        .collect();
    let shown = json!({
        "schemaVersion": "1",
        "policyDigest": in_force.resolved.policy.digest().to_string(),
        "upon": in_force.names,
        "values": values,
    });
    Ok(serde_json::to_string_pretty(&shown)? + "\n")
}

/// A policy file that says the same from the current folder.
fn toml(values: &[Shown]) -> String {
    let mut text = String::new();
    let mut section = "";
    for shown in in_order(values) {
        let (of, name) = placed(shown);
        if of != section {
            let _infallible = write!(text, "\n[{of}]\n");
            section = of;
        }
        let from = sanitize::line(&origins(&shown.origins)).into_owned();
        let _infallible = match in_toml(&shown.value) {
            Some(value) => writeln!(text, "{name} = {value} # {from}"),
            None => writeln!(text, "# {name} is not set"),
        };
    }
    text
}
