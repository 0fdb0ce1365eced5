//! `vetrun man`: manual pages, made from the very description of the command line that reads it.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use super::Failure;
use super::args::Cli;
use super::reporting::answer;
use crate::vet::Exit;

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write one page for each command into this folder, as vetrun.1, vetrun-check.1, …
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the page of `vetrun`, or writes the pages of all commands.
pub(super) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let command = Cli::command();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        answer().write_all(&page)?;
        return Ok(Exit::Passed);
    };
    let unwritten = |error: io::Error| format!("could not write manual pages into {}: {error}", dir.display());
    fs::create_dir_all(dir).map_err(unwritten)?;
    clap_mangen::generate_to(command, dir).map_err(unwritten)?;
    writeln!(answer(), "wrote the manual pages into {}", dir.display())?;
    Ok(Exit::Passed)
}
