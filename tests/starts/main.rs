//! How long a program takes in the native sandbox, side by side with the bare program and with what others start it in.
//!
//! `cargo bench --bench sandbox -- [--rounds N] [--together N]` runs `/bin/true` and a Python that prints one word, bare,
//! in the native sandbox with every layer and limit (in this process, as a runner of many programs does), and under
//! `bwrap`, `nsjail` and a hardened `docker run` where these are there. All take turns, round by round, so that a machine
//! whose speed changes is the same for all; of each the median and the 99th percentile are shown, and the median as a
//! multiple of the bare program's. `--together` is how many runs go on at once.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's result is what it prints")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use vetrun::sandbox::native::NativeSandbox;
use vetrun::sandbox::{Ended, Interpreter, Job, Limits, Network, Program, Sandbox, Stop};

/// Between two runs of which one is going on at a time: a runner of programs waits for the next.
const PAUSE: Duration = Duration::from_millis(20);
const IMAGE: &str = "vetrun-sandbox:latest";

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Options {
    rounds: usize,
    together: usize,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { rounds: 100, together: 1 };
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse().ok().filter(|&number| number > 0).ok_or_else(|| format!("{value} is no number above 0"))
        };
        match word.as_str() {
            "--rounds" => options.rounds = number()?,
            "--together" => options.together = number()?,
            // Cargo passes it to every benchmark.
            "--bench" => {}
            _ => return Err(format!("unknown argument {word}; there are --rounds and --together")),
        }
    }
    Ok(options)
}

/// One way to run a program; it says what went wrong.
type Start<'a> = Box<dyn Fn() -> Result<(), String> + Sync + 'a>;

fn measure(options: &Options) -> Result<(), String> {
    let search = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let native = |search| {
        let sandbox = NativeSandbox::new(PathBuf::from(env!("CARGO_BIN_EXE_vetrun")), search);
        sandbox.map_err(|error| error.to_string())
    };
    let search: Vec<PathBuf> = search;
    let sandbox = native(search.clone())?;
    // A spare is kept for what was run last.
    let ready = native(search.clone())?.with_spares(options.together).map_err(|error| error.to_string())?;
    let ready_traced = native(search)?.with_spares(options.together).map_err(|error| error.to_string())?;
    let python = sandbox.interpreter(Interpreter::Python).map_err(|error| error.to_string())?.path;
    println!("{} rounds, {} at once; milliseconds", options.rounds, options.together);
    let hello = ["-S", "-E", "-c", "print(1)"].map(str::to_owned).to_vec();
    for (title, program, args) in [("true", "/bin/true".to_owned(), vec![]), ("python", python, hello)] {
        let mut starts: Vec<(&str, Start<'_>)> = vec![("bare", bare(&program, &args))];
        for (name, sandbox, trace) in [
            ("ready", &ready, false),
            ("ready, traced", &ready_traced, true),
            ("native", &sandbox, false),
            ("native, traced", &sandbox, true),
        ] {
            starts.push((name, isolated(sandbox, &program, &args, trace)));
        }
        if std::env::var_os("QUICK").is_some() {
            starts.truncate(3);
        } else {
            starts.extend(peers(&program, &args));
        }
        table(title, options, &starts)?;
    }
    Ok(())
}

fn bare<'a>(program: &'a str, args: &'a [String]) -> Start<'a> {
    Box::new(move || succeeds(Command::new(program).args(args).env_clear()))
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name}: {status}")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn isolated<'a>(sandbox: &'a NativeSandbox, program: &str, args: &[String], trace: bool) -> Start<'a> {
    let is_python = program.contains("python");
    let job = Job {
        program: match is_python {
            true => Program::Interpreter(Interpreter::Python),
            false => Program::Command(program.to_owned()),
        },
        args: args.to_vec(),
        env: BTreeMap::new(),
        cwd: "/tmp".to_owned(),
        stdin: Vec::new(),
        mounts: Vec::new(),
        host_packages: false,
        collect_into: None,
        network: Network::None,
        limits: Limits { cpus: 2.0, ..Limits::default() },
        trace,
    };
    Box::new(move || match sandbox.run(&job, &Stop::default()) {
        Ok(outcome) if outcome.ended == Ended::Exited(0) => Ok(()),
        Ok(outcome) => Err(format!("native: {:?}", outcome.ended)),
        Err(error) => Err(error.to_string()),
    })
}

/// What else is there to start a program in.
fn peers<'a>(program: &'a str, args: &'a [String]) -> Vec<(&'static str, Start<'a>)> {
    let mut peers: Vec<(&'static str, Start<'a>)> = Vec::new();
    let with = |command: &'static [&'static str]| -> Start<'a> {
        Box::new(move || succeeds(Command::new(command[0]).args(&command[1..]).arg(program).args(args)))
    };
    const BWRAP: &[&str] = &[
        "bwrap",
        "--unshare-all",
        "--cap-drop",
        "ALL",
        "--die-with-parent",
        "--new-session",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--clearenv",
    ];
    const NSJAIL: &[&str] = &["nsjail", "-q", "-Mo", "--chroot", "/", "--"];
    const DOCKER: &[&str] = &[
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        "--read-only",
        "--pids-limit",
        "100",
        "--memory",
        "256m",
        "--memory-swap",
        "256m",
        IMAGE,
    ];
    for (name, command) in [("bwrap", BWRAP), ("nsjail", NSJAIL)] {
        if Command::new(command[0]).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
            peers.push((name, with(command)));
        }
    }
    let has_image = succeeds(Command::new("docker").args(["image", "inspect", IMAGE])).is_ok();
    if has_image {
        let words: Vec<&str> = if args.is_empty() { vec!["/bin/true"] } else { vec!["python3"] };
        peers.push((
            "docker",
            Box::new(move || succeeds(Command::new(DOCKER[0]).args(&DOCKER[1..]).args(&words).args(args))),
        ));
    }
    peers
}

fn table(title: &str, options: &Options, starts: &[(&str, Start<'_>)]) -> Result<(), String> {
    for (_, start) in starts {
        start()?;
    }
    let mut times = vec![Vec::new(); starts.len()];
    for _ in 0..options.rounds.div_ceil(options.together) {
        for ((_, start), times) in starts.iter().zip(&mut times) {
            times.extend(together(options.together, start)?);
        }
    }
    println!("\n{title:16} {:>8} {:>8} {:>8} {:>10}", "median", "p99", "ratio", "runs/s");
    let mut bare = Duration::ZERO;
    for ((name, _), times) in starts.iter().zip(&mut times) {
        times.sort_unstable();
        let (median, late) = (times[times.len() / 2], times[(times.len() - 1) * 99 / 100]);
        if bare.is_zero() {
            bare = median;
        }
        let ratio = median.as_secs_f64() / bare.as_secs_f64();
        let rate = options.together as f64 * times.len() as f64 / times.iter().sum::<Duration>().as_secs_f64();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("{name:16} {:8.2} {:8.2} {ratio:8.2} {rate:10.1}", ms(median), ms(late));
    }
    Ok(())
}

/// Starts so many at once; how long each took.
fn together(count: usize, start: &Start<'_>) -> Result<Vec<Duration>, String> {
    if count == 1 {
        // What the last one left to be done is done by then.
        std::thread::sleep(PAUSE);
        let begun = Instant::now();
        return start().map(|()| vec![begun.elapsed()]);
    }
    let left = AtomicUsize::new(count * 4);
    let work = || -> Result<Vec<Duration>, String> {
        let mut times = Vec::new();
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            let begun = Instant::now();
            start()?;
            times.push(begun.elapsed());
        }
        Ok(times)
    };
    let times: Result<Vec<Vec<Duration>>, String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".to_owned())))
            .collect()
    });
    Ok(times?.into_iter().flatten().collect())
}
