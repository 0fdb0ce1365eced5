//! How long a program takes in the native sandbox, side by side with the bare program and with what others start it in.
//!
//! `cargo bench --bench sandbox -- [--rounds N] [--together N] [--alone] [--only WAY] [--scripts FOLDER] [--deadlines]
//! [--docker]` runs `/bin/true`, a Python that prints one word, and a Python script in a folder: bare; in the native sandbox
//! with every layer and limit (in this process, as a runner of many programs does), in a container that is created for it, in
//! one that is ready, by an interpreter that waits, and without namespaces; and, without `--alone`, under `bwrap`, `nsjail`,
//! `crun`, `runc` and a hardened `docker run` where these are there. All take turns, round by round, so that a machine whose
//! speed changes is the same for all; of each the median and the 99th percentile are shown, and the median as a multiple of
//! the bare program's. `--together` is how many runs go on at once; one at a time, there is a pause before each. With
//! `--only`, one way is left, which is then all that takes time. With `--scripts`, all Python scripts of a folder are run
//! instead, and it is shown how many a second that makes; each must end well. With `--deadlines` it is shown how much longer
//! than its wall limit a program takes that would never end: its start, and the end of all that it started, included. With
//! `--docker` it is shown how long it takes to a program's first output in the Docker back end, cold and from a container
//! that waits, beside `docker run` with the same flags.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's result is what it prints")]

mod docker;
mod peers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use vetrun::sandbox::native::{NativeSandbox, Walls};
use vetrun::sandbox::{Ended, Interpreter, Job, Limits, Mount, Network, Program, Sandbox, Stop, WORK_DIR};

/// Between two runs of which one is going on at a time: a runner of programs waits for the next.
const PAUSE: Duration = Duration::from_millis(20);
const PANICKED: &str = "a thread panicked";
/// The wall limit of a program that never ends.
const DEADLINE: Duration = Duration::from_millis(60);

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Options {
    rounds: usize,
    together: usize,
    /// Whether others are left out.
    alone: bool,
    /// The one way to run a program that is looked at; all where there is none.
    only: Option<String>,
    /// The scripts to run instead.
    scripts: Option<PathBuf>,
    /// Whether deadlines are looked at instead.
    deadlines: bool,
    /// Whether the Docker back end is looked at instead.
    docker: bool,
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
    let mut options =
        Options { rounds: 100, together: 1, alone: false, only: None, scripts: None, deadlines: false, docker: false };
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse().ok().filter(|&number| number > 0).ok_or_else(|| format!("{value} is no number above 0"))
        };
        match word.as_str() {
            "--rounds" => options.rounds = number()?,
            "--together" => options.together = number()?,
            "--alone" => options.alone = true,
            "--only" => options.only = Some(words.next().ok_or("--only needs a name")?),
            "--deadlines" => options.deadlines = true,
            "--docker" => options.docker = true,
            "--scripts" => {
                let folder = words.next().ok_or("--scripts needs a folder")?;
                options.scripts = Some(std::fs::canonicalize(folder).map_err(text)?);
            }
            // Cargo passes it to every benchmark.
            "--bench" => {}
            _ => {
                let known = "--rounds, --together, --alone, --only, --scripts, --deadlines and --docker";
                return Err(format!("unknown argument {word}; there are {known}"));
            }
        }
    }
    Ok(options)
}

/// One way to run a program; it says what went wrong.
type Start<'a> = Box<dyn Fn() -> Result<(), String> + Sync + 'a>;

/// A program that is started.
struct Started {
    title: &'static str,
    program: String,
    args: Vec<String>,
    /// The folder that it lies in, if any.
    folder: Option<PathBuf>,
}

/// Sandboxes of every kind. A spare is kept for what was run last, so each way has its own.
struct Sandboxes {
    cold: NativeSandbox,
    ready: NativeSandbox,
    ready_traced: NativeSandbox,
    warm: NativeSandbox,
    /// Without namespaces, where this host can do that.
    confined: Option<NativeSandbox>,
}

impl Sandboxes {
    fn new(together: usize) -> Result<Self, String> {
        let search: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
        let launcher = || PathBuf::from(env!("CARGO_BIN_EXE_vetrun"));
        let native = || NativeSandbox::new(launcher(), search.clone()).map_err(text);
        Ok(Self {
            cold: native()?,
            ready: native()?.with_spares(together).map_err(text)?,
            ready_traced: native()?.with_spares(together).map_err(text)?,
            warm: native()?.with_warm(together).map_err(text)?,
            confined: NativeSandbox::with_walls(launcher(), search.clone(), Walls::Landlock).ok(),
        })
    }

    /// Every way to run a program.
    fn ways<'a>(&'a self, started: &'a Started, options: &Options) -> Vec<(&'static str, Start<'a>)> {
        let mut ways: Vec<(&str, Start<'_>)> = vec![("bare", bare(started))];
        if started.folder.is_some() {
            ways.push(("warm", isolated(&self.warm, started, false)));
        }
        ways.extend([
            ("ready", isolated(&self.ready, started, false)),
            ("ready, traced", isolated(&self.ready_traced, started, true)),
            ("native", isolated(&self.cold, started, false)),
            ("native, traced", isolated(&self.cold, started, true)),
        ]);
        ways.extend(self.confined.iter().map(|confined| ("no namespaces", isolated(confined, started, false))));
        if !options.alone {
            ways.extend(peers::peers(started));
        }
        ways.retain(|(name, _)| options.only.as_ref().is_none_or(|only| only == name));
        ways
    }
}

fn measure(options: &Options) -> Result<(), String> {
    if options.docker {
        return docker::measure(options.rounds);
    }
    let sandboxes = Sandboxes::new(options.together)?;
    let python = sandboxes.cold.interpreter(Interpreter::Python).map_err(text)?.path;
    println!("{} rounds, {} at once", options.rounds, options.together);
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let python = |title, args: &[&str], folder| Started { title, program: python.clone(), args: words(args), folder };
    if let Some(folder) = &options.scripts {
        let mut scripts = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(text)? {
            let name = entry.map_err(text)?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".py") {
                scripts.push(python("scripts", &[&name], Some(folder.clone())));
            }
        }
        return batch(options, &sandboxes, &scripts);
    }
    if options.deadlines {
        return deadlines(options, &sandboxes);
    }
    // Not in /tmp, which others cover.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(text)?;
    std::fs::write(folder.path().join("hello.py"), "print('hello')\n").map_err(text)?;
    let programs = [
        Started { title: "true", program: "/bin/true".to_owned(), args: Vec::new(), folder: None },
        python("python", &["-S", "-E", "-c", "print(1)"], None),
        python("script", &["hello.py"], Some(folder.path().to_owned())),
    ];
    for started in &programs {
        table(started.title, options, &sandboxes.ways(started, options))?;
    }
    Ok(())
}

/// Runs all scripts, so many at once, in every way; shows how many of them a second that makes.
fn batch(options: &Options, sandboxes: &Sandboxes, scripts: &[Started]) -> Result<(), String> {
    let ways: Vec<_> = scripts.iter().map(|script| sandboxes.ways(script, options)).collect();
    let names: Vec<&str> = ways.first().into_iter().flatten().map(|(name, _)| *name).collect();
    let mut times = vec![Vec::new(); names.len()];
    for _ in 0..options.rounds {
        for (way, times) in times.iter_mut().enumerate() {
            let begun = Instant::now();
            let next = AtomicUsize::new(0);
            let work = || {
                while let Some(script) = ways.get(next.fetch_add(1, Ordering::Relaxed)) {
                    (script[way].1)()?;
                }
                Ok(())
            };
            let ends: Vec<Result<(), String>> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..options.together).map(|_| scope.spawn(work)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(PANICKED.to_owned()))).collect()
            });
            ends.into_iter().collect::<Result<(), String>>()?;
            times.push(begun.elapsed());
        }
    }
    println!("\n{:16} {:>8} {:>10} {:>8}", format!("{} scripts", scripts.len()), "seconds", "scripts/s", "of bare");
    let mut bare = 0.0;
    for (name, times) in names.iter().zip(&mut times) {
        times.sort_unstable();
        let seconds = times[times.len() / 2].as_secs_f64();
        let rate = scripts.len() as f64 / seconds;
        if bare == 0.0 {
            bare = rate;
        }
        println!("{name:16} {seconds:8.2} {rate:10.1} {:7.0}%", 100.0 * rate / bare);
    }
    Ok(())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn bare(started: &Started) -> Start<'_> {
    Box::new(move || {
        let mut command = Command::new(&started.program);
        command.args(&started.args).env_clear();
        succeeds(started.folder.iter().fold(&mut command, |command, folder| command.current_dir(folder)))
    })
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

fn isolated<'a>(sandbox: &'a NativeSandbox, started: &Started, trace: bool) -> Start<'a> {
    let job = job(started, trace);
    Box::new(move || match sandbox.run(&job, &Stop::default()) {
        Ok(outcome) if outcome.ended == Ended::Exited(0) => Ok(()),
        Ok(outcome) => Err(format!("native: {:?}", outcome.ended)),
        Err(error) => Err(error.to_string()),
    })
}

fn job(started: &Started, trace: bool) -> Job {
    let is_python = started.program.contains("python");
    let mount = |folder: &PathBuf| Mount { host: folder.clone(), inside: WORK_DIR.to_owned() };
    Job {
        program: match is_python {
            true => Program::Interpreter(Interpreter::Python),
            false => Program::Command(started.program.clone()),
        },
        args: started.args.clone(),
        env: BTreeMap::new(),
        cwd: WORK_DIR.to_owned(),
        stdin: Vec::new(),
        mounts: started.folder.iter().map(mount).collect(),
        host_packages: false,
        collect_into: None,
        network: Network::None,
        limits: Limits { cpus: 2.0, ..Limits::default() },
        trace,
    }
}

/// How much longer than their wall limit programs take that never end, from the call to its return: what it takes to start
/// them is in it, and to see that nothing of them is left.
fn deadlines(options: &Options, sandboxes: &Sandboxes) -> Result<(), String> {
    let shell = |title, script: &str| Started {
        title,
        program: "/bin/sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        folder: None,
    };
    let programs = [
        shell("sleeps", "sleep 100"),
        shell("computes", "while :; do :; done"),
        shell(
            "thirty of them",
            "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29; do sleep 100 & done; sleep 100",
        ),
    ];
    println!("\n{:16} {:24} {:>8} {:>8}", "ms late", "", "median", "p99");
    for program in &programs {
        let confined = sandboxes.confined.iter().map(|sandbox| ("no namespaces", sandbox));
        for (name, sandbox) in [("native", &sandboxes.cold)].into_iter().chain(confined) {
            let mut job = job(program, true);
            job.limits.wall = DEADLINE;
            let mut late = Vec::new();
            for _ in 0..options.rounds {
                let begun = Instant::now();
                let outcome = sandbox.run(&job, &Stop::default()).map_err(text)?;
                let elapsed = begun.elapsed();
                if outcome.ended != Ended::TimedOut {
                    return Err(format!("{}: {:?}", program.title, outcome.ended));
                }
                late.push(elapsed.saturating_sub(DEADLINE));
            }
            late.sort_unstable();
            let ms = |place: usize| late[place].as_secs_f64() * 1e3;
            let (median, worst) = (ms(late.len() / 2), ms((late.len() - 1) * 99 / 100));
            println!("{:16} {name:24} {median:8.2} {worst:8.2}", program.title);
        }
    }
    Ok(())
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
    println!("\n{title:16} {:>8} {:>8} {:>8} {:>10}", "ms", "p99", "of bare", "runs/s");
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
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(PANICKED.to_owned()))).collect()
    });
    Ok(times?.into_iter().flatten().collect())
}
