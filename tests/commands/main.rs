//! How fast the whole command is, side by side with the commands of others, in one run over the same files.
//!
//! `cargo bench --features bench --bench commands -- [--rounds N] [--python FOLDER] [--javascript FOLDER] [--ruff CMD]
//! [--bandit CMD] [--semgrep CMD --semgrep-rules FOLDER] [--oxlint CMD] [--ast-grep CMD --ast-grep-rules FILE]`
//!
//! `--hostile yes` runs vetrun over files that are made to break a scanner instead, and fails when one of them is not blocked.
//!
//! `--batch N` runs `vetrun batch` over so many small artifacts instead, and prints how many it vets in a second and how
//! much memory it has at most.
//!
//! What is not named is not run, and said to be missing. Commands take turns, round by round, so that a machine whose
//! speed changes is the same for all; of each command the least CPU time (user and system, of all its processes) is
//! taken, and put in relation to that of vetrun. Every run is a process of its own, cold but for the disk's cache, without
//! any result cache. Last comes vetrun with its own cache, over what has not changed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's result is what it prints")]

mod artifacts;
mod batch;
mod clock;
mod hostile;
mod options;
mod trial;
mod watched;

use std::path::Path;
use std::process::ExitCode;

use options::Options;
use trial::{Trial, vetrun};

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Bytes of the file that stands for what an agent writes.
const SMALL: &str = "import json\n\n\ndef total(prices):\n    return sum(prices)\n\n\nif __name__ == \"__main__\":\n    \
                     print(json.dumps({\"total\": total([1, 2, 3])}))\n";

fn measure(options: &Options) -> Result<(), String> {
    let scratch = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    if options.hostile {
        return hostile::measure(scratch.path());
    }
    if options.batch > 0 {
        return batch::measure(scratch.path(), options.batch, options.rounds);
    }
    for (name, text) in [("small.py", SMALL.to_owned()), ("200-lines.py", artifacts::python_lines(LINES))] {
        let file = scratch.path().join(name);
        std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        one_file(options, &file, scratch.path())?;
    }
    if let Some(folder) = &options.python {
        trees("Python", options, folder, scratch.path())?;
    }
    if let Some(folder) = &options.javascript {
        trees("JavaScript", options, folder, scratch.path())?;
    }
    Ok(())
}

/// Lines of the file that stands for a whole program.
const LINES: usize = 200;

/// Processes that are started one after the other for one figure of a small file.
const SMALL_RUNS: u32 = 50;

fn one_file(options: &Options, file: &Path, scratch: &Path) -> Result<(), String> {
    let mut trials = vec![vetrun(file, scratch, None)?];
    trials.extend(options.peers("Python", file));
    let name = file.file_name().unwrap_or_default().display();
    println!("\none file, {name}, as a whole process ({SMALL_RUNS} processes a figure)");
    trial::take_turns(&mut trials, options.rounds, SMALL_RUNS)?;
    trial::print(&trials, SMALL_RUNS);
    Ok(())
}

fn trees(language: &str, options: &Options, folder: &Path, scratch: &Path) -> Result<(), String> {
    let mut trials = vec![vetrun(folder, scratch, None)?];
    trials.extend(options.peers(language, folder));
    println!("\n{language}: {}", folder.display());
    trial::take_turns(&mut trials, options.rounds, 1)?;
    trial::print(&trials, 1);
    for missing in options.missing(language) {
        println!("{missing:<24} not named, not run");
    }
    cached(&trials[0], folder, scratch, options.rounds)
}

/// The command over what has not changed, with its results kept.
fn cached(cold: &Trial, folder: &Path, scratch: &Path, rounds: u32) -> Result<(), String> {
    let cache = tempfile::tempdir_in(scratch).map_err(|error| format!("no temporary folder: {error}"))?;
    let mut warm = vec![vetrun(folder, scratch, Some(cache.path()))?];
    // The first run keeps what the others find.
    trial::take_turns(&mut warm, rounds + 1, 1)?;
    let [warm] = warm.as_slice() else { return Err("there is one trial".to_owned()) };
    println!("{:<24} {:>9.1} ms CPU; cold is {:.1} times that", "vetrun --cache, again", warm.least_ms(), {
        cold.least_ms() / warm.least_ms().max(0.001)
    });
    Ok(())
}
