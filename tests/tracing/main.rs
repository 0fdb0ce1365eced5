//! What it costs to be told what a program tries: the same programs with and without, side by side.
//!
//! `cargo run --release --example tracing -- [--rounds N] [--launcher FILE]` runs each program in the native sandbox three
//! times a round: untraced, traced, and untraced once more. Those of one step are timed as a whole, set-up and clean-up
//! included; the others time each of their many steps themselves, and the lower quartile counts, which other work of the
//! machine disturbs least. Figures are medians over the rounds: of the times, and of the ratio within each round. The last
//! column, untraced over untraced, says how much of a difference is this machine's noise.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement's result is what it prints")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use vetrun::sandbox::native::NativeSandbox;
use vetrun::sandbox::{Ended, Interpreter, Job, Limits, Network, Program, Sandbox, Stop};

/// Times `step` many times and prints the lower quartile, in seconds.
const PRELUDE: &str = "
import time
def timed(step, count):
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    print(sorted(times)[count // 4])
";

/// Programs that use nothing that is refused, by what one step of them does.
const PROGRAMS: [(&str, Interpreter, &str); 9] = [
    ("python hello, the whole run", Interpreter::Python, ""),
    ("node hello, the whole run", Interpreter::Node, ""),
    ("file written, read, hashed", Interpreter::Python, include_str!("files.py")),
    ("thread", Interpreter::Python, include_str!("threads.py")),
    ("device request", Interpreter::Python, "import os\ntimed(lambda: os.isatty(1), 100000)"),
    ("/bin/true started", Interpreter::Python, "import subprocess\ntimed(lambda: subprocess.run(['/bin/true']), 100)"),
    (
        "python started",
        Interpreter::Python,
        "import subprocess, sys\ntimed(lambda: subprocess.run([sys.executable, '-ISc', '1']), 20)",
    ),
    ("request over loopback", Interpreter::Python, include_str!("requests.py")),
    ("bare loopback connection", Interpreter::Python, include_str!("connections.py")),
];

fn main() -> ExitCode {
    match measure(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn measure(mut words: impl Iterator<Item = String>) -> Result<(), String> {
    let (mut rounds, mut launcher) = (11, beside()?);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--rounds" => rounds = value()?.parse().map_err(|error| format!("--rounds: {error}"))?,
            "--launcher" => launcher = PathBuf::from(value()?),
            _ => return Err(format!("unknown option {word}")),
        }
    }
    let search = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let sandbox = NativeSandbox::new(launcher, search).map_err(|error| error.to_string())?;
    println!("{:<28}{:>12}{:>12}{:>10}{:>10}", "", "untraced", "traced", "ratio", "noise");
    for (name, interpreter, code) in PROGRAMS {
        match compare(&sandbox, interpreter, code, rounds) {
            Ok(rounds) => print(name, &rounds),
            Err(why) => println!("{name:<28}  not measured: {why}"),
        }
    }
    Ok(())
}

/// One round: untraced, traced, untraced, in seconds.
type Round = [f64; 3];

fn print(name: &str, rounds: &[Round]) {
    let over = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    let (base, traced) = (over(|[first, _, second]| (first + second) / 2.0), over(|[_, traced, _]| *traced));
    let ratio = over(|[first, traced, second]| traced / ((first + second) / 2.0));
    let noise = over(|[first, _, second]| second / first);
    let [base_ms, traced_ms] = [base, traced].map(|seconds| seconds * 1e3);
    println!("{name:<28}{base_ms:>9.4} ms{traced_ms:>9.4} ms{ratio:>10.3}{noise:>10.3}");
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The command of the same build, in the folder above that of the examples.
fn beside() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = own.parent().and_then(|examples| examples.parent()).ok_or("no build folder")?;
    Ok(folder.join("vetrun"))
}

/// Runs a program untraced, traced and untraced, in turns.
fn compare(sandbox: &dyn Sandbox, kind: Interpreter, code: &str, rounds: usize) -> Result<Vec<Round>, String> {
    let mut all = Vec::new();
    // The first round warms up.
    for _ in 0..=rounds {
        let mut round = Round::default();
        for (time, trace) in round.iter_mut().zip([false, true, false]) {
            *time = seconds(sandbox, &job(kind, code, trace))?;
        }
        all.push(round);
    }
    Ok(all.split_off(1))
}

fn seconds(sandbox: &dyn Sandbox, job: &Job) -> Result<f64, String> {
    let begun = Instant::now();
    let outcome = sandbox.run(job, &Stop::default()).map_err(|error| error.to_string())?;
    let whole = begun.elapsed().as_secs_f64();
    if outcome.ended != Ended::Exited(0) {
        return Err(format!("{:?}: {}", outcome.ended, String::from_utf8_lossy(&outcome.stderr.bytes)));
    }
    if job.trace != outcome.behaviour.untraced.is_none() {
        return Err(format!("{:?}", outcome.behaviour.untraced));
    }
    let told = String::from_utf8_lossy(&outcome.stdout.bytes);
    if told.trim().is_empty() { Ok(whole) } else { told.trim().parse().map_err(|error| format!("{told}: {error}")) }
}

fn job(kind: Interpreter, code: &str, trace: bool) -> Job {
    let (words, code): (&[&str], _) = match kind {
        Interpreter::Python if code.is_empty() => (&["-I", "-S", "-c"], String::new()),
        Interpreter::Python => (&["-I", "-S", "-c"], format!("{PRELUDE}{code}")),
        Interpreter::Node => (&["-e"], code.to_owned()),
    };
    Job {
        program: Program::Interpreter(kind),
        args: words.iter().map(|&word| word.to_owned()).chain([code]).collect(),
        env: BTreeMap::from([("HOME".to_owned(), "/tmp/home".to_owned())]),
        cwd: "/tmp".to_owned(),
        stdin: Vec::new(),
        mounts: Vec::new(),
        host_packages: false,
        collect_into: None,
        network: Network::None,
        limits: Limits { cpus: 2.0, memory_bytes: 1 << 30, ..Limits::default() },
        trace,
    }
}
