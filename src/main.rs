//! The `vetrun` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    vetrun::cli::main(std::env::args_os())
}
