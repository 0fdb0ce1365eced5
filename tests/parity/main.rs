//! Measures vetrun's rules against what other scanners expect of their own examples.
//!
//! `cargo run --release --example parity -- bandit --sdist FILE` reads Bandit's examples and functional tests from its
//! source distribution, `-- ruff --folder DIR` the fixtures and snapshots of ruff's `flake8-bandit` rules,
//! `-- eslint` the cases of two plug-ins of ESLint, and `-- marks` files whose comments mark lines. Which of our
//! rules is equivalent to which of theirs is what the rules themselves say in `references`. `-- alarms` and `-- recall`
//! count what the default gate makes of ordinary and of dangerous code; `-- coverage` makes `rules/COVERAGE.md`. Nothing of what is read is kept, and none of it
//! is run.
//!
//! Exit codes: 0 where what `--at-least` asks for was reached, 1 where it was not, 2 where nothing could be measured.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bandit;
mod corpus;
mod coverage;
mod eslint;
mod marks;
mod ours;
mod peers;
mod python;
mod ruff;
mod table;

use ours::Ours;

/// Measures vetrun's rules against other scanners' own examples.
#[derive(Debug, Parser)]
#[command(name = "parity")]
struct Args {
    /// What is measured.
    #[command(subcommand)]
    measure: Measure,
    /// The folder of rules; the built-in ones where not given.
    #[arg(long, global = true, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Exit with 1 where less than this part is reached.
    #[arg(long, global = true, value_name = "PERCENT", default_value_t = 0.0)]
    at_least: f64,
}

#[derive(Debug, Subcommand)]
enum Measure {
    /// Bandit's examples: expected counts and, where Bandit can be run, the lines of its findings.
    Bandit(bandit::Args),
    /// The snapshots of ruff's `flake8-bandit` rules.
    Ruff(ruff::Args),
    /// The cases of ESLint's plug-ins `security` and `no-unsanitized`.
    Eslint(eslint::Args),
    /// Lines that a comment of a rule collection marks (`ruleid:`, `ok:`).
    Marks(marks::Args),
    /// The table of `rules/COVERAGE.md`, from `rules/peers/`.
    Coverage(coverage::Args),
    /// Findings in ordinary code that fail at the default gate.
    Alarms(corpus::Args),
    /// Dangerous code in which something is found.
    Recall(corpus::Args),
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// A file or folder could not be read.
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// Another program could not be run, or said what nobody expected.
    #[error("{program}: {what}")]
    Program { program: String, what: String },
    /// What was read is not what it should be.
    #[error("{0}")]
    Unexpected(String),
    /// The rules could not be loaded.
    #[error(transparent)]
    Rules(#[from] vetrun::rules::RuleError),
    /// The tables could not be written.
    #[error("the output: {0}")]
    Output(#[from] io::Error),
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(reached) if reached >= args.at_least => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        // A reader that has seen enough is no fault.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell where standard error is closed too.
            let _ = writeln!(io::stderr(), "parity: {error}");
            ExitCode::from(2)
        }
    }
}

/// Measures, prints, and says how much was reached, in percent.
fn run(args: &Args) -> Result<f64, Error> {
    let ours = Ours::load(args.rules.as_deref())?;
    let out = &mut io::stdout().lock();
    match &args.measure {
        Measure::Bandit(args) => bandit::measure(args, &ours, out),
        Measure::Ruff(args) => ruff::measure(args, &ours, out),
        Measure::Eslint(args) => eslint::measure(args, &ours, out),
        Measure::Marks(args) => marks::measure(args, &ours, out),
        Measure::Coverage(args) => coverage::print(args, &ours, out),
        Measure::Alarms(args) => corpus::alarms(args, &ours, out),
        Measure::Recall(args) => corpus::recall(args, &ours, out),
    }
}
