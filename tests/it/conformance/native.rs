//! What only the native back end has: two tiers, a launcher that can be killed, groups that can be left.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use vetrun::sandbox::{Ended, Interpreter, Job, Mount, Network, Program, Sandbox, Stop, WORK_DIR, native};

use super::{ends, native_is_off, python, run, says};

/// A user that owns nothing.
const ORDINARY_ID: u32 = 12_345;
/// Set in a copy of the test program that has one test to itself.
const ALONE: &str = "VETRUN_TEST_ALONE";

fn launcher() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_vetrun"))
}

/// This test program again, for one test.
pub(super) fn alone(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("conformance::{test}"), "--nocapture"]).env(ALONE, "1");
    command
}

pub(super) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Whether a test has this process to itself. Where it has not, one that it has is started, and must pass.
pub(super) fn has_a_process_to_itself(test: &str) -> bool {
    if native_is_off() {
        return false;
    }
    if !is_alone() {
        succeeds(alone(test), "1 passed");
    }
    is_alone()
}

pub(super) fn succeeds(mut command: Command, passed: &str) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(passed), "{said}");
}

/// Every control group that the process `pid` has made.
pub(super) fn groups_of(pid: u32) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![PathBuf::from("/sys/fs/cgroup")]);
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().starts_with(&format!("vetrun-{pid}-")) {
                    found.push(entry.path());
                }
                left.push(entry.path());
            }
        }
    }
    found
}

/// The processes whose command line holds `marker`.
pub(super) fn processes_with(marker: &str) -> Vec<i32> {
    let pids =
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(marker))
    })
    .collect()
}

pub(super) fn children_of_this_process() -> Vec<String> {
    children_of("self")
}

pub(super) fn children_of(process: &str) -> Vec<String> {
    let mut found = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().map(str::to_owned));
    }
    found
}

pub(super) fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < within, "{what} after {within:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs both suites again as a user without rights, from copies of the programs that such a user can read.
#[test]
fn an_ordinary_user_has_the_same_sandbox() {
    if native_is_off() || !rustix::process::geteuid().is_root() {
        // Started by an ordinary user, the other tests have shown it.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = |from: &Path, name: &str| {
        let to = folder.path().join(name);
        std::fs::copy(from, &to).unwrap();
        std::fs::set_permissions(&to, PermissionsExt::from_mode(0o755)).unwrap();
        to
    };
    let mut command = Command::new(copy(&std::env::current_exe().unwrap(), "tests"));
    command
        .args(["--exact", "conformance::native_conforms", "conformance::native_conforms_around", "--nocapture"])
        .args(super::trace::FOR_EVERY_USER.map(|test| format!("conformance::trace::{test}")))
        .args(super::forked::FOR_EVERY_USER.map(|test| format!("conformance::forked::{test}")))
        .args(super::leftovers::FOR_EVERY_USER.map(|test| format!("conformance::{test}")))
        .args(super::confined::FOR_EVERY_USER.map(|test| format!("conformance::confined::{test}")))
        .env(super::leftovers::RUNS, "300")
        .env("VETRUN_TEST_LAUNCHER", copy(launcher(), "vetrun"))
        .uid(ORDINARY_ID)
        .gid(ORDINARY_ID)
        .current_dir("/");
    let lists = [
        super::trace::FOR_EVERY_USER.len(),
        super::forked::FOR_EVERY_USER.len(),
        super::leftovers::FOR_EVERY_USER.len(),
        super::confined::FOR_EVERY_USER.len(),
    ];
    succeeds(command, &format!("{} passed", 2 + lists.iter().sum::<usize>()));
}

#[test]
fn every_layer_and_limit_is_told() {
    if native_is_off() {
        return;
    }
    let outcome = run(&super::native(), &python(""));
    let isolation = outcome.isolation;
    assert_eq!(isolation.layers.len(), 13, "{isolation:?}");
    assert!(isolation.layers.iter().all(|(layer, held)| *held || *layer == "landlock"), "{isolation:?}");
    assert_eq!(isolation.limits.len(), 10, "{isolation:?}");
    let diagnosis = native::diagnose(launcher());
    assert!(diagnosis.usable);
    assert_eq!(diagnosis.isolation, isolation);
    assert_eq!(diagnosis.mends.is_empty(), isolation.limits["cpus"].enforced && isolation.layers["landlock"]);
}

#[test]
fn what_cannot_isolate_is_an_error_with_a_mend() {
    let missing = native::NativeSandbox::new(PathBuf::from("/nonexistent/vetrun"), super::search()).unwrap_err();
    let text = missing.to_string();
    assert!(text.contains("not available") && text.contains("start the launcher"), "{text}");
    // A program that is not the launcher says nothing, and is not taken for one.
    assert!(native::NativeSandbox::new(PathBuf::from("/bin/true"), super::search()).is_err());
    let diagnosis = native::diagnose(Path::new("/bin/true"));
    assert!(!diagnosis.usable && diagnosis.mends.len() == 1, "{diagnosis:?}");
}

#[test]
fn the_launcher_alone_does_nothing() {
    let status = Command::new(launcher()).arg0(native::LAUNCHER_NAME).stdin(Stdio::null()).status().unwrap();
    assert!(!status.success());
}

#[test]
fn packages_of_the_host_are_seen_by_installers_alone() {
    if native_is_off() {
        return;
    }
    let sandbox = super::native();
    let mut job = python("import pip; print('pip')");
    job.args.retain(|arg| arg != "-S");
    assert_eq!(ends(&run(&sandbox, &job), Ended::Exited(1)), Ok(()));
    job.host_packages = true;
    assert_eq!(says(&run(&sandbox, &job), "pip"), Ok(()));
}

/// Shows that the cases which look for the host's network could find it.
#[test]
fn the_whole_network_is_given_when_it_is_asked_for() {
    if native_is_off() {
        return;
    }
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    let mut job =
        python(&format!("import socket; socket.create_connection(('127.0.0.1', {port}), 5); print('connected')"));
    job.network = Network::Full;
    let outcome = run(&super::native(), &job);
    assert_eq!(says(&outcome, "connected"), Ok(()));
    assert!(!outcome.isolation.layers["networkNamespace"]);
}

#[test]
fn mounts_that_cannot_be_are_errors() {
    if native_is_off() {
        return;
    }
    let sandbox = super::native();
    let folder = tempfile::tempdir().unwrap();
    for (host, inside) in
        [(folder.path(), "/tmp/x"), (folder.path(), "/work/../etc"), (Path::new("/nonexistent"), WORK_DIR)]
    {
        let mut job = python("");
        job.mounts.push(Mount { host: host.to_owned(), inside: inside.to_owned() });
        assert!(sandbox.run(&job, &Stop::default()).is_err(), "{} on {inside}", host.display());
    }
    let mut job = python("");
    job.cwd = "/nonexistent".to_owned();
    let error = sandbox.run(&job, &Stop::default()).unwrap_err().to_string();
    assert!(error.contains("enter /nonexistent"), "{error}");
}

/// A virtual environment, in the one folder of the host that a run has its own of.
#[test]
fn an_environment_is_seen_through_or_shown() {
    if native_is_off() {
        return;
    }
    let base = super::native().interpreter(Interpreter::Python).unwrap();
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let environment = folder.path().join("environment");
    let made = Command::new(&base.path).args(["-I", "-m", "venv", "--without-pip"]).arg(&environment).status().unwrap();
    assert!(made.success());
    let sandbox = native::NativeSandbox::new(launcher().to_owned(), vec![environment.join("bin")]).unwrap();
    let mut job = python("print(sys.prefix)");
    job.args.retain(|arg| arg != "-S");
    let prefix = |job: &Job| {
        let outcome = run(&sandbox, job);
        (super::text(&outcome), outcome.command[0].clone())
    };
    assert_eq!(prefix(&job).1, base.path);
    job.host_packages = true;
    assert_eq!(prefix(&job).0, environment.to_str().unwrap());
}

#[test]
fn one_file_can_be_mounted() {
    if native_is_off() {
        return;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "print('from a file')").unwrap();
    let mut job = python("");
    job.mounts.push(Mount { host: file.path().to_owned(), inside: "/work/main.py".to_owned() });
    job.args = vec!["main.py".to_owned()];
    assert_eq!(says(&run(&super::native(), &job), "from a file"), Ok(()));
}

#[test]
fn a_run_ends_soon_after_its_deadline() {
    if native_is_off() {
        return;
    }
    let sandbox = super::native();
    let mut job = python("time.sleep(60)");
    job.limits.wall = Duration::from_millis(300);
    for _ in 0..5 {
        let begun = Instant::now();
        let outcome = run(&sandbox, &job);
        assert_eq!(outcome.ended, Ended::TimedOut);
        assert!(outcome.metrics.wall < Duration::from_millis(600), "{:?}", outcome.metrics.wall);
        assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    }
}

#[test]
fn an_end_at_the_deadline_is_one_or_the_other() {
    if native_is_off() {
        return;
    }
    let sandbox = super::native();
    let mut job = python("");
    job.program = Program::Command("/bin/sleep".to_owned());
    job.args = vec!["0.1".to_owned()];
    for round in 0..50 {
        // Five milliseconds before the end to five after it, and what the start of a program takes.
        job.limits.wall = Duration::from_millis(95 + round % 16);
        let outcome = run(&sandbox, &job);
        assert!(matches!(outcome.ended, Ended::Exited(0) | Ended::TimedOut), "{:?}", outcome.ended);
        let early = outcome.ended == Ended::TimedOut && outcome.metrics.wall < job.limits.wall;
        assert!(!early, "{:?} is before {:?}", outcome.metrics.wall, job.limits.wall);
    }
}

/// Runs at once, stopped at instants that differ: before the launcher, in the middle of set-up, while the program runs,
/// as it ends.
#[test]
fn a_stop_at_any_instant_ends_a_run() {
    if native_is_off() {
        return;
    }
    let sandbox = super::native();
    let job = python("time.sleep(0.05)");
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (sandbox, job) = (&sandbox, &job);
            scope.spawn(move || {
                for round in 0..6_u64 {
                    let stop = Stop::default();
                    let raiser = stop.clone();
                    // Instants that are spread over the length of a run, and the same in every run of this test.
                    let after = Duration::from_millis((thread * 6 + round) * 37 % 250);
                    let raised = std::thread::spawn(move || {
                        std::thread::sleep(after);
                        raiser.raise();
                    });
                    let begun = Instant::now();
                    let ended = sandbox.run(job, &stop).unwrap().ended;
                    assert!(matches!(ended, Ended::Exited(0) | Ended::Interrupted), "{ended:?} after {after:?}");
                    assert!(begun.elapsed() < Duration::from_secs(10), "{:?} after {after:?}", begun.elapsed());
                    raised.join().unwrap();
                }
            });
        }
    });
}

/// Has a process to itself, so that what is left can only be its own.
#[test]
fn nothing_is_left() {
    if !has_a_process_to_itself("native::nothing_is_left") {
        return;
    }
    let sandbox = super::native();
    let programs = [
        "",
        "os.kill(os.getpid(), 9)",
        "while True: os.write(1, b'x' * 65536)",
        "x = []\nwhile True: x.append(bytearray(1 << 20))",
        "time.sleep(60)",
        "os.fork(); os.setsid() if os.getpid() % 2 else 0; time.sleep(60)",
        "[os.fork() for _ in range(5)]",
    ];
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    run(&sandbox, &python(""));
    // What forks the launchers stays; nothing that it forked does.
    let stays = children_of_this_process();
    assert_eq!(stays.len(), 1, "{stays:?}");
    let all_is_gone = || {
        assert_eq!(children_of_this_process(), stays);
        eventually("a launcher is left", Duration::from_secs(2), || children_of(&stays[0]).is_empty());
    };
    let before = descriptors();
    for program in programs {
        let mut job = python(program);
        job.limits.wall = Duration::from_millis(500);
        run(&sandbox, &job);
        assert_eq!(groups_of(std::process::id()), Vec::<PathBuf>::new(), "{program}");
        all_is_gone();
        assert_eq!(descriptors(), before, "{program}");
    }
    let stop = Stop::default();
    stop.raise();
    assert_eq!(sandbox.run(&python("time.sleep(60)"), &stop).unwrap().ended, Ended::Interrupted);
    assert_eq!(groups_of(std::process::id()), Vec::<PathBuf>::new());
    all_is_gone();
    // Whoever kills it ends no more than the runs that go on.
    kill_process(Pid::from_raw(stays[0].parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(ends(&run(&sandbox, &python("")), Ended::Exited(0)), Ok(()));
    assert_ne!(children_of_this_process(), stays);
    drop(sandbox);
    assert_eq!(children_of_this_process(), Vec::<String>::new());
}

/// Kills a supervisor: everything inside dies at once, and the next one removes the groups.
#[test]
fn a_killed_supervisor_takes_its_run_along() {
    if native_is_off() {
        return;
    }
    if is_alone() {
        let mut job =
            python("import subprocess; subprocess.Popen(['sh', '-c', 'sleep 61; :', sys.argv[1]]); time.sleep(60)");
        // An argument that the parent can find.
        job.args.push(std::env::var("VETRUN_TEST_MARKER").unwrap());
        run(&super::native(), &job);
        return;
    }
    let marker = format!("marker-{}-killed", std::process::id());
    let mut command = alone("native::a_killed_supervisor_takes_its_run_along");
    let mut child = command.env("VETRUN_TEST_MARKER", &marker).stdout(Stdio::null()).spawn().unwrap();
    eventually("nothing runs", Duration::from_secs(20), || processes_with(&marker).len() >= 2);
    let groups = groups_of(child.id());
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    eventually("something still runs", Duration::from_secs(2), || processes_with(&marker).is_empty());
    assert_eq!(
        groups.is_empty(),
        !super::native().run(&python(""), &Stop::default()).unwrap().isolation.tier.contains("cgroup")
    );
    // Another test may have swept already; what counts is that nothing is left.
    native::sweep();
    assert_eq!(groups_of(child.id()), Vec::<PathBuf>::new());
}
