//! That nothing is left: after a thousand runs, some of them stopped at random, and after supervisors that were killed.
//!
//! Each test has a process to itself, so that what is left can only be its own. Instants are random and the same in every
//! run of a test.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process};
use vetrun::sandbox::{Ended, Job, Program, Sandbox, Stop, folder_prefix};

use super::forked::is_template;
use super::native::{
    children_of, children_of_this_process, eventually, groups_of, has_a_process_to_itself, processes_with,
};
use super::python;

/// How many runs; [`RUNS`] says another number.
const RUNS_DEFAULT: usize = 1000;
/// The variable that says how many.
pub(super) const RUNS: &str = "VETRUN_TEST_RUNS";
/// What is run once more by a user without rights.
pub(super) const FOR_EVERY_USER: [&str; 2] =
    ["leftovers::a_thousand_runs_leave_nothing", "races::a_flood_stops_at_the_cap_and_memory_stays_flat"];
/// How many go on at once.
const TOGETHER: usize = 100;
/// How many supervisors are killed.
const KILLED: u64 = 30;
/// How long what was killed may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// How long an interpreter of the host may take to say where its files are, on a busy machine.
const ASKED_WITHIN: Duration = Duration::from_secs(60);

/// Random numbers, the same every time (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// When a run is stopped, if it is among the third that are: as it starts, or at any time while a hundred go on at once.
fn instant(random: &mut Random) -> Option<Duration> {
    let latest_millis = [0, 0, 0, 0, 50, 2000][usize::try_from(random.below(6)).unwrap()];
    (latest_millis > 0).then(|| Duration::from_millis(random.below(latest_millis)))
}

/// What the runs were on the outside, by what they say of themselves.
#[derive(Debug, Default)]
struct Traces {
    /// Numbers of network namespaces.
    networks: BTreeSet<String>,
    /// Users of this host.
    users: BTreeSet<u32>,
    /// How many were stopped, how many ended by themselves.
    ends: [usize; 2],
}

/// Says which network namespace a run is in, and which users it may be; then leaves processes behind.
const TELL: &str = r"
print(os.readlink('/proc/self/ns/net'), *open('/proc/self/uid_map').read().split(), flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(60)
    os._exit(0)
time.sleep(0.02)
";

/// The job of a number: Python that tells what it is, and shells, which start faster.
fn job(number: usize) -> Job {
    let mut job = match number % 4 {
        0 => python(TELL),
        1 => shell("readlink /proc/self/ns/net; cat /proc/self/uid_map; (sleep 60 &) ; sleep 0.01"),
        2 => shell("readlink /proc/self/ns/net; cat /proc/self/uid_map; mkdir -p /out/a /tmp/b; sleep 60 & kill -9 $$"),
        _ => shell(
            "readlink /proc/self/ns/net; cat /proc/self/uid_map; (setsid sleep 60 &) ; sleep 0.05; echo x > /out/x",
        ),
    };
    job.limits.wall = Duration::from_secs(60);
    job.trace = number.is_multiple_of(3);
    job
}

fn shell(script: &str) -> Job {
    let mut job = python("");
    job.program = Program::Command("/bin/sh".to_owned());
    job.args = vec!["-c".to_owned(), script.to_owned()];
    job
}

/// Runs the job of a number, which is stopped after a while, or not.
fn run_one(sandbox: &dyn Sandbox, number: usize, stop_after: Option<Duration>, traces: &Mutex<Traces>) {
    let stop = Stop::default();
    let (into, mut job) = (tempfile::tempdir().unwrap(), job(number));
    job.collect_into = number.is_multiple_of(5).then(|| into.path().to_owned());
    let raiser = stop_after.map(|after| {
        let stop = stop.clone();
        std::thread::spawn(move || {
            std::thread::sleep(after);
            stop.raise();
        })
    });
    let outcome = sandbox.run(&job, &stop).unwrap();
    let stopped = outcome.ended == Ended::Interrupted;
    assert!(!stopped || stop_after.is_some(), "{number} was stopped by nobody");
    assert!(matches!(outcome.ended, Ended::Interrupted | Ended::Exited(0) | Ended::Signaled(9)), "{:?}", outcome.ended);
    let said = super::text(&outcome);
    let words: Vec<&str> = said.split_whitespace().collect();
    let mut traces = traces.lock().unwrap();
    traces.ends[usize::from(!stopped)] += 1;
    if let [network, _, user, count, ..] = words[..] {
        traces.networks.insert(network.to_owned());
        let user: u32 = user.parse().unwrap();
        traces.users.extend(user..user + count.parse::<u32>().unwrap());
    }
    drop(traces);
    if let Some(raiser) = raiser {
        raiser.join().unwrap();
    }
}

/// Numbers of processes.
fn processes() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Every network namespace that is held by a process, or by a descriptor of this one.
fn networks() -> BTreeSet<String> {
    let link = |path: PathBuf| std::fs::read_link(path).ok().map(|target| target.to_string_lossy().into_owned());
    let held = processes().filter_map(|pid| link(format!("/proc/{pid}/ns/net").into()));
    let own = std::fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| link(entry.path()));
    held.chain(own.filter(|target| target.starts_with("net:"))).collect()
}

/// Whether any process belongs to one of these.
fn any_process_of(users: &BTreeSet<u32>) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let statuses = processes().filter_map(|pid| std::fs::metadata(format!("/proc/{pid}")).ok());
    statuses.into_iter().any(|status| users.contains(&status.uid()))
}

fn mounts_of_ours() -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let ours = |line: &&str| line.contains("vetrun") || line.contains(" nsfs ");
    mounts.lines().filter(ours).map(str::to_owned).collect()
}

fn temporary_folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&folder_prefix()));
    ours.map(|entry| entry.path()).collect()
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_thousand_runs_leave_nothing() {
    if !has_a_process_to_itself("leftovers::a_thousand_runs_leave_nothing") {
        return;
    }
    adopt_orphans();
    let runs = std::env::var(RUNS).map_or(RUNS_DEFAULT, |runs| runs.parse().unwrap());
    let (descriptors, threads, mounts) = (count("/proc/self/fd"), count("/proc/self/task"), mounts_of_ours());
    let sandbox = super::native();
    let mut random = Random(5);
    let plan: Vec<Option<Duration>> = (0..runs).map(|_| instant(&mut random)).collect();
    let (next, traces, begun) = (AtomicUsize::new(0), Mutex::new(Traces::default()), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&stop_after) = plan.get(number) else { break };
                    run_one(&sandbox, number, stop_after, &traces);
                }
            });
        }
    });
    let traces = traces.into_inner().unwrap();
    println!(
        "{runs} runs in {:?}: {:?} stopped and not; {} networks",
        begun.elapsed(),
        traces.ends,
        traces.networks.len()
    );
    assert!(traces.ends.iter().all(|&ends| ends > runs / 50), "{:?}", traces.ends);
    assert!(!traces.networks.is_empty() && !traces.users.is_empty());
    drop(sandbox);
    reap();
    assert_eq!(descendants(), Vec::<String>::new());
    assert_eq!(groups_of(std::process::id()), Vec::<PathBuf>::new());
    assert_eq!(mounts_of_ours(), mounts);
    assert_eq!(temporary_folders(), Vec::<PathBuf>::new());
    assert_eq!(count("/proc/self/fd"), descriptors);
    eventually("a thread is left", GONE_WITHIN, || count("/proc/self/task") <= threads);
    // The kernel gives a number that is free to the next, which may be somebody else's.
    eventually("a network is left", GONE_WITHIN, || networks().is_disjoint(&traces.networks));
    if rustix::process::geteuid().is_root() {
        eventually("a process is left", GONE_WITHIN, || !any_process_of(&traces.users));
    }
}

/// Whoever loses its parent becomes a child of this process, and so nothing can get away.
fn adopt_orphans() {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
}

/// All that descends from this process.
pub(super) fn descendants() -> Vec<String> {
    let (mut found, mut left) = (Vec::new(), children_of_this_process());
    while let Some(pid) = left.pop() {
        left.extend(children_of(&pid));
        found.push(pid);
    }
    found
}

/// Takes the ends of all children that have ended.
fn reap() {
    while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
}

/// What was seen of a supervisor that was killed.
struct Killed {
    pid: u32,
    /// How many processes descended from it.
    processes: usize,
    /// Whether the program ran already.
    ran: bool,
    /// How long it took until all processes of its run were gone, and until all were that descended from it.
    gone: [Duration; 2],
}

/// Whether a process belongs to a run: a launcher, a template, the program, or what is in another user namespace than this
/// one. The others are an interpreter of the host, which is asked where its files are before there is a run, and ends by itself.
fn is_of_a_run(pid: &str, marker: &str) -> bool {
    let namespace = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/user")).ok();
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.starts_with(vetrun::sandbox::native::LAUNCHER_NAME.as_bytes())
        || String::from_utf8_lossy(&line).contains(marker)
        || is_template(pid)
        || namespace(pid) != namespace("self")
}

/// Starts a supervisor, kills it when `wait` has ended, and waits until all that descends from it is gone.
#[expect(clippy::zombie_processes, reason = "`reap` waits for every child there is")]
fn kill_a_supervisor(mut command: Command, marker: &str, wait: impl FnOnce()) -> Killed {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait();
    // Its own command line holds the marker too.
    let (ran, processes) = (processes_with(marker).len() > 1, descendants().len());
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    let (begun, mut runs_gone) = (Instant::now(), None);
    loop {
        reap();
        let left = descendants();
        if !left.iter().any(|pid| is_of_a_run(pid, marker)) {
            runs_gone.get_or_insert_with(|| begun.elapsed());
        }
        if left.is_empty() {
            break;
        }
        let bound = if runs_gone.is_none() { GONE_WITHIN } else { ASKED_WITHIN };
        assert!(begun.elapsed() < bound, "{left:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    Killed { pid: child.id(), processes, ran, gone: [runs_gone.unwrap(), begun.elapsed()] }
}

#[test]
fn killed_supervisors_leave_nothing_to_the_next() {
    if has_a_process_to_itself("leftovers::killed_supervisors_leave_nothing_to_the_next") {
        supervisors_are_killed(crate::support::vetrun);
    }
}

#[test]
fn without_namespaces_killed_supervisors_leave_nothing_either() {
    let test = "leftovers::without_namespaces_killed_supervisors_leave_nothing_either";
    if rustix::process::geteuid().is_root() && has_a_process_to_itself(test) {
        supervisors_are_killed(super::confined::vetrun_without_rights);
    }
}

#[test]
fn killed_batches_leave_no_template() {
    if !has_a_process_to_itself("leftovers::killed_batches_leave_no_template") {
        return;
    }
    adopt_orphans();
    let marker = format!("sleeper-{}", std::process::id());
    let names: Vec<String> = (0..100).map(|number| format!("{marker}-{number}.py")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "import time\ntime.sleep(1)\n")).collect();
    let artifacts = crate::support::folder(&files);
    for after in [0, 50, 500] {
        let mut command = crate::support::vetrun();
        command.args(["batch", "--run", "--warm", "2", "--no-policy", "--sandbox", "native"]).arg(artifacts.path());
        let killed = kill_a_supervisor(command, &marker, || {
            if rustix::process::geteuid().is_root() {
                eventually("there is no template", ASKED_WITHIN, || descendants().iter().any(|pid| is_template(pid)));
            }
            std::thread::sleep(Duration::from_millis(after));
        });
        assert!(killed.gone[1] < GONE_WITHIN, "{:?}", killed.gone);
    }
}

/// Kills what `start` starts, and looks at what is left.
fn supervisors_are_killed(start: fn() -> Command) {
    adopt_orphans();
    let marker = format!("sleeper-{}.py", std::process::id());
    let sleeper = "import os, time\nif os.fork() == 0: os.setsid()\nos.fork()\ntime.sleep(60)\n";
    let artifacts = crate::support::folder(&[(&marker, sleeper), ("next.py", "print(1)\n")]);
    let scratch = tempfile::tempdir().unwrap();
    let vetrun = |name: &str| {
        let mut command = start();
        command.args(["run", "--no-policy", "--sandbox", "native", "--timeout", "50s"]);
        command.arg(artifacts.path().join(name)).env("TMPDIR", scratch.path());
        command
    };
    let mut random = Random(7);
    let killed: Vec<Killed> = (0..KILLED)
        .map(|_| {
            let after = Duration::from_millis(random.below(900));
            kill_a_supervisor(vetrun(&marker), &marker, || std::thread::sleep(after))
        })
        .collect();
    let ran = killed.iter().filter(|killed| killed.ran).count();
    println!("{KILLED} killed, {ran} of them while the program ran");
    for (which, what) in ["of the runs", "at all"].into_iter().enumerate() {
        let mut times: Vec<Duration> = killed.iter().map(|killed| killed.gone[which]).collect();
        times.sort_unstable();
        println!(
            "no process {what} after {:?} at the median, {:?} at the worst",
            times[times.len() / 2],
            times[times.len() - 1]
        );
    }
    assert!(ran > 0 && killed.iter().any(|killed| killed.processes > 3), "none was killed while a program ran");
    // The next start removes what has no process: control groups and folders.
    let groups: usize = killed.iter().map(|killed| groups_of(killed.pid).len()).sum();
    println!("left to the next start: {groups} control groups, {} folders", count(scratch.path().to_str().unwrap()));
    let next = vetrun("next.py").output().unwrap();
    assert!(next.status.success(), "{}", crate::support::shown(&next));
    for killed in killed {
        assert_eq!(groups_of(killed.pid), Vec::<PathBuf>::new());
    }
    assert_eq!(count(scratch.path().to_str().unwrap()), 0);
}
