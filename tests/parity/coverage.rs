//! Prints the table of what other scanners check and which rules find the same.

use std::io::Write;
use std::path::PathBuf;

use crate::Error;
use crate::ours::Ours;
use crate::peers::coverage;
use crate::table::Sum;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder with one file for each scanner.
    #[arg(value_name = "DIR", default_value = "rules/peers")]
    folder: PathBuf,
}

/// Prints the table; the part of the checks that a rule stands for, in percent.
pub(crate) fn print(args: &Args, ours: &Ours, out: &mut dyn Write) -> Result<f64, Error> {
    let coverage = coverage(&args.folder, |id| ours.has(id)).map_err(Error::Unexpected)?;
    write!(out, "{}", coverage.table)?;
    Ok(Sum { expected: coverage.checks, found: coverage.with_rule }.percent())
}
