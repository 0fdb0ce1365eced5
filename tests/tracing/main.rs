//! What it costs to be told what a program tries: the same programs with and without, side by side.
//!
//! `cargo run --release --example tracing -- [--rounds N] [--launcher FILE]` runs each program in the native sandbox three
//! times a round: untraced, traced, and untraced once more. Figures are of the whole run, set-up and clean-up included, and
//! medians over the rounds: of the times, and of the ratio within each round. The last column, untraced over untraced, says
//! how much of a difference is this machine's noise.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement's result is what it prints")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use vetrun::sandbox::native::NativeSandbox;
use vetrun::sandbox::{Ended, Interpreter, Job, Limits, Network, Program, Sandbox, Stop};

/// Programs that use nothing that is refused, by what they do most.
const PROGRAMS: [(&str, Interpreter, &str); 9] = [
    ("python hello", Interpreter::Python, "print(1)"),
    ("node hello", Interpreter::Node, "console.log(1)"),
    (
        "compute and files",
        Interpreter::Python,
        "import hashlib\nfor i in range(4000):\n    open('/tmp/f', 'wb').write(b'x' * 1000)\n    hashlib.sha256(open('/tmp/f', \
         'rb').read() * 20)",
    ),
    (
        "threads",
        Interpreter::Python,
        "import threading\nfor i in range(1000):\n    t = threading.Thread(target=int)\n    t.start()\n    t.join()",
    ),
    ("device requests", Interpreter::Python, "import os\nfor i in range(200000):\n    os.isatty(1)"),
    ("100 programs", Interpreter::Python, "import subprocess\nfor i in range(100):\n    subprocess.run(['/bin/true'])"),
    (
        "30 python programs",
        Interpreter::Python,
        "import subprocess, sys\nfor i in range(30):\n    subprocess.run([sys.executable, '-ISc', '1'])",
    ),
    (
        "loopback requests",
        Interpreter::Python,
        "import http.client, http.server, threading\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        \
         self.send_response(200)\n        self.end_headers()\n        self.wfile.write(b'x' * 1000)\n    def log_message(self, \
         *a): pass\ns = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)\nthreading.Thread(target=s.serve_forever, \
         daemon=True).start()\nfor i in range(300):\n    c = http.client.HTTPConnection('127.0.0.1', s.server_port)\n    \
         c.request('GET', '/')\n    c.getresponse().read()\n    c.close()",
    ),
    (
        "bare loopback connections",
        Interpreter::Python,
        "import socket\ns = socket.create_server(('127.0.0.1', 0), backlog=100)\na = s.getsockname()\nfor i in range(5000):\n    \
         c = socket.socket()\n    c.connect(a)\n    d, _ = s.accept()\n    c.close()\n    d.close()",
    ),
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
    println!("{name:<28}{:>9.2} ms{:>9.2} ms{ratio:>10.3}{noise:>10.3}", base * 1e3, traced * 1e3);
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
    let time = begun.elapsed().as_secs_f64();
    if outcome.ended != Ended::Exited(0) {
        return Err(format!("{:?}: {}", outcome.ended, String::from_utf8_lossy(&outcome.stderr.bytes)));
    }
    if job.trace != outcome.behaviour.untraced.is_none() {
        return Err(format!("{:?}", outcome.behaviour.untraced));
    }
    Ok(time)
}

fn job(kind: Interpreter, code: &str, trace: bool) -> Job {
    let words: &[&str] = match kind {
        Interpreter::Python => &["-I", "-S", "-c"],
        Interpreter::Node => &["-e"],
    };
    Job {
        program: Program::Interpreter(kind),
        args: words.iter().copied().chain([code]).map(str::to_owned).collect(),
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
