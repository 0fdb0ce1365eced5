//! The command line: the only module that prints, reads the environment and exits.

mod args;
mod batch;
mod crew;
mod deps;
mod doctor;
mod engine;
mod environment;
mod gc;
mod guard;
mod help;
mod hook;
mod host;
mod image;
mod in_force;
mod init;
mod man;
#[cfg(feature = "mcp")]
mod mcp;
mod options;
mod packages;
mod policy;
mod reporting;
mod rules;
mod settings;
mod signals;
mod vetting;
mod watch;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::vet::{Exit, chain};
use args::{Cli, Command};

/// Why a command could not do its work; always exit code 2.
type Failure = Box<dyn std::error::Error>;

/// Runs the command line `args`, the program's name first, and returns the exit code of the process.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = args::often(&args).map_or_else(|| Cli::try_parse_from(args).map(|cli| cli.command), Ok);
    let command = match parsed {
        Ok(command) => command,
        Err(error) => {
            // Help and version are answers, not errors; clap knows which stream and exit code is meant.
            let _broken_pipe = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::NotVetted.code()));
        }
    };
    let ran = guard::guarded(|| run(command)).unwrap_or_else(|bug| Err(bug.into()));
    leave(ran.unwrap_or_else(|error| {
        let message = chain(error.as_ref());
        let line = crate::output::sanitize::line(&message);
        let _closed = writeln!(anstream::stderr(), "vetrun: not vetted: {line}");
        Exit::NotVetted
    }))
}

/// Ends the process at once. By the ordinary way the allocator would first hand all memory back to the system, page by page,
/// which takes as long as to vet a small file.
fn leave(exit: Exit) -> ! {
    let _closed = std::io::stdout().flush();
    signal_hook::low_level::exit(i32::from(exit.code()))
}

fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => vetting::check(args),
        Command::Run(args) => vetting::run(args),
        Command::Batch(args) => batch::batch(args),
        Command::Watch(args) => watch::watch(args),
        Command::Rules(args) => rules::rules(&args.command),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Hook(args) => hook::hook(&args),
        #[cfg(feature = "mcp")]
        Command::Mcp(args) => mcp::mcp(&args),
        Command::Image(args) => image::image(&args.command),
        Command::Deps(args) => deps::deps(&args.command),
        Command::Gc => gc::gc(),
        Command::Policy(args) => policy::policy(&args.command),
        Command::Schema(args) => init::schema(args.what),
        Command::Init(args) => init::init(&args),
        Command::Help(args) => help::help(&args),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "vetrun", &mut script);
            reporting::answer().write_all(&script)?;
            Ok(Exit::Passed)
        }
        Command::Man(args) => man::man(&args),
    }
}
