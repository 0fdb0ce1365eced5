//! Measures vetrun's verdict on source files against the engines of this machine.
//!
//! `cargo run --release --example agreement -- python --seed 1 --library --mutants 20000` asks the local `python3` and
//! the parse pass about the same files and prints where they differ; `javascript` does the same with `node`. The
//! measuring itself is the module [`measure`], which the integration tests run on a small scale.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

mod measure;

fn main() -> ExitCode {
    let args = measure::Args::parse();
    match measure::run(&args, &mut io::stdout().lock()) {
        Ok(agreement) if agreement >= args.at_least() => ExitCode::SUCCESS,
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
