//! One command, run again and again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::clock;

/// A command and what its runs took.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    command: Command,
    /// CPU and wall time of each round, in milliseconds.
    rounds: Vec<(f64, f64)>,
}

impl Trial {
    /// A command that has not been run.
    pub(crate) fn new(name: &'static str, program: &str, arguments: &[&str], last: &Path) -> Self {
        let mut words = program.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(arguments).arg(last).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Start-up must not depend on what the caller's shell exports.
        command.env_remove("NODE_EXTRA_CA_CERTS").env_remove("NODE_OPTIONS");
        Self { name, command, rounds: Vec::new() }
    }

    /// The least CPU time of a round, in milliseconds.
    pub(crate) fn least_ms(&self) -> f64 {
        self.rounds.iter().map(|(cpu, _)| *cpu).fold(f64::INFINITY, f64::min)
    }

    fn least_wall_ms(&self) -> f64 {
        self.rounds.iter().map(|(_, wall)| *wall).fold(f64::INFINITY, f64::min)
    }

    fn round(&mut self, runs: u32) -> Result<(), String> {
        let (before, started) = (clock::children_ms()?, Instant::now());
        for _ in 0..runs {
            let ended = self.command.status().map_err(|error| format!("{} cannot be started: {error}", self.name))?;
            // Checkers say with 1 that they found something.
            if !matches!(ended.code(), Some(0 | 1)) {
                return Err(format!("{} failed: {ended}", self.name));
            }
        }
        self.rounds.push((clock::children_ms()? - before, started.elapsed().as_secs_f64() * 1000.0));
        Ok(())
    }
}

/// Limits that no tree of a benchmark reaches; the defaults are for generated code.
const POLICY: &str = "[intake]\nfiles_max = 1000000\ntotal_bytes_max = \"4GiB\"\nfile_bytes_max = \"64MiB\"\n";

/// vetrun itself over `path`.
pub(crate) fn vetrun(path: &Path, scratch: &Path, cache: Option<&Path>) -> Result<Trial, String> {
    let policy = scratch.join("policy.toml");
    std::fs::write(&policy, POLICY).map_err(|error| format!("{}: {error}", policy.display()))?;
    let policy = policy.to_string_lossy().into_owned();
    let cache = cache.map(|folder| folder.to_string_lossy().into_owned());
    let mut arguments = vec!["check", "--exit-zero", "--format", "json", "--policy", &policy];
    match &cache {
        Some(folder) => arguments.extend(["--cache", folder]),
        None => arguments.push("--no-cache"),
    }
    Ok(Trial::new("vetrun", env!("CARGO_BIN_EXE_vetrun"), &arguments, path))
}

/// Runs every command once a round.
pub(crate) fn take_turns(trials: &mut [Trial], rounds: u32, runs: u32) -> Result<(), String> {
    (0..rounds).try_for_each(|_| trials.iter_mut().try_for_each(|trial| trial.round(runs)))
}

/// Prints what each took for one of `runs`, and vetrun's part of it; vetrun is the first.
pub(crate) fn print(trials: &[Trial], runs: u32) {
    let runs = f64::from(runs);
    let own = trials.first().map_or(0.0, Trial::least_ms);
    println!("{:<24} {:>12} {:>12} {:>16}", "command", "ms CPU", "ms wall", "vetrun is x of it");
    for trial in trials {
        let (cpu, wall) = (trial.least_ms(), trial.least_wall_ms());
        println!("{:<24} {:>12.2} {:>12.2} {:>16.3}", trial.name, cpu / runs, wall / runs, own / cpu.max(0.001));
    }
}
