//! Measures vetrun's verdict on source files against the engines of this machine.
//!
//! `cargo run --release --example agreement -- python --seed 1 --library --mutants 20000` asks the local `python3` and
//! the parse pass about the same files and prints where they differ; `javascript` does the same with `node`. The
//! measuring itself is the module `measure`, which the integration tests run on a small scale.
//!
//! Exit codes: 0 where what was asked for was reached, 1 where the agreement is below `--at-least`, where a difference
//! that is known is gone, and, with `--known`, where one is not known; 2 where nothing could be measured.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

mod measure;

fn main() -> ExitCode {
    let args = measure::Args::parse();
    match measure::run(&args, &mut io::stdout().lock()) {
        Ok(outcome) if outcome.reached(&args) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        // A reader that has seen enough is no fault.
        Err(measure::Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell where standard error is closed too.
            let _ = writeln!(io::stderr(), "agreement: {error}");
            ExitCode::from(2)
        }
    }
}
