//! What every sandbox must do, as a table of programs that try to break out or to use too much.
//!
//! A case asserts on the breach itself: the program prints what it got hold of, and the test says what that must be. The
//! cases know nothing of a back end but the trait, so that all back ends run the same ones.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, which may fail loudly and say why")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vetrun::artifact::Digest;
use vetrun::sandbox::native::NativeSandbox;
use vetrun::sandbox::{
    Ended, Gateway, HOME_DIR, Interpreter, Job, Limits, Mount, Network, Outcome, Program, Sandbox, SandboxError, Stop,
    TMP_DIR, WORK_DIR,
};

#[macro_use]
mod cases;
mod attacks;
mod confined;
mod docker;
mod forked;
mod judges;
mod leftovers;
mod native;
mod outcomes;
mod races;
pub(crate) mod ready;
mod replays;
mod scenarios;
mod table;
mod trace;

use cases::every;

/// One program and what must be seen of it.
struct Case {
    name: &'static str,
    /// Python, after [`PRELUDE`].
    code: &'static str,
    /// Changes to the job.
    job: fn(&mut Job),
    expect: Expect,
}

/// What must be seen.
#[derive(Clone, Copy)]
enum Expect {
    /// It exits with 0 and prints exactly this.
    Says(&'static str),
    /// It ends like this.
    Ends(Ended),
    /// This holds.
    Holds(fn(&Outcome) -> Result<(), String>),
}

/// What a back end does otherwise than the table says.
struct Difference {
    /// The case.
    name: &'static str,
    /// What must be seen instead.
    expect: Expect,
    /// What that is, for the README.
    told: &'static str,
}

/// The difference of a case in the first of these tables that has one.
fn difference<'a>(name: &str, tables: &[&'a [Difference]]) -> Option<&'a Difference> {
    tables.iter().flat_map(|table| table.iter()).find(|other| other.name == name)
}

/// What the programs share: `call` makes a system call and returns the error number, 0 for success; `tries` names the
/// attempts that succeeded.
const PRELUDE: &str = r#"
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *args):
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return ctypes.get_errno() if libc.syscall(ctypes.c_long(number), *args) == -1 else 0
def tries(attempts):
    for name, attempt in attempts:
        try:
            attempt()
            print(name)
        except OSError:
            pass
"#;

/// Limits that are small enough to be reached at once.
fn limits() -> Limits {
    Limits {
        wall: Duration::from_secs(20),
        memory_bytes: 128 << 20,
        cpus: 2.0,
        pids: 40,
        open_files: 200,
        file_bytes: 8 << 20,
        out_bytes: 4 << 20,
        out_files: 50,
        tmp_bytes: 4 << 20,
        stream_bytes: 64 << 10,
    }
}

fn python(code: &str) -> Job {
    let home = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Job {
        program: Program::Interpreter(Interpreter::Python),
        args: ["-I", "-S", "-c"].map(str::to_owned).into_iter().chain([format!("{PRELUDE}{code}")]).collect(),
        env: BTreeMap::from([home("HOME", HOME_DIR), home("TMPDIR", TMP_DIR), home("LANG", "C.UTF-8")]),
        cwd: WORK_DIR.to_owned(),
        stdin: Vec::new(),
        mounts: Vec::new(),
        host_packages: false,
        collect_into: None,
        network: Network::None,
        limits: limits(),
        trace: false,
    }
}

/// A folder that only its owner may enter, as vetrun makes them, with one file in it.
fn work() -> (tempfile::TempDir, Mount) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("input.txt"), "input").unwrap();
    for (path, mode) in [(folder.path().join("input.txt"), 0o600), (folder.path().to_owned(), 0o700)] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }
    let mount = Mount { host: folder.path().to_owned(), inside: WORK_DIR.to_owned() };
    (folder, mount)
}

fn run(sandbox: &dyn Sandbox, job: &Job) -> Outcome {
    sandbox.run(job, &Stop::default()).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

fn chain(error: &SandboxError) -> String {
    let source = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    format!("{error}{source}")
}

fn text(outcome: &Outcome) -> String {
    String::from_utf8_lossy(&outcome.stdout.bytes).trim_end().to_owned()
}

fn says(outcome: &Outcome, expected: &str) -> Result<(), String> {
    let (said, err) = (text(outcome), String::from_utf8_lossy(&outcome.stderr.bytes).into_owned());
    if outcome.ended == Ended::Exited(0) && said == expected {
        return Ok(());
    }
    Err(format!("{:?}, said {said:?} instead of {expected:?}; stderr: {err}", outcome.ended))
}

fn ends(outcome: &Outcome, expected: Ended) -> Result<(), String> {
    if outcome.ended == expected {
        return Ok(());
    }
    let err = String::from_utf8_lossy(&outcome.stderr.bytes);
    Err(format!("{:?} instead of {expected:?}; stdout: {:?}; stderr: {err}", outcome.ended, text(outcome)))
}

fn judge(sandbox: &dyn Sandbox, case: &Case) -> Result<(), String> {
    let (_folder, mount) = work();
    let mut job = python(case.code);
    job.mounts.push(mount);
    (case.job)(&mut job);
    let outcome = sandbox.run(&job, &Stop::default()).map_err(|error| chain(&error))?;
    match case.expect {
        Expect::Says(expected) => says(&outcome, expected),
        Expect::Ends(expected) => ends(&outcome, expected),
        Expect::Holds(check) => check(&outcome),
    }
}

/// Runs every case; names all that fail.
fn conforms(sandbox: &dyn Sandbox) {
    let started = Instant::now();
    let failed: Vec<String> =
        every().filter_map(|case| judge(sandbox, case).err().map(|why| format!("{}: {why}", case.name))).collect();
    println!("{} cases in {:?}", every().count(), started.elapsed());
    assert!(failed.is_empty(), "{} of {} cases failed\n{}", failed.len(), every().count(), failed.join("\n"));
}

/// The cases that need more than one job, or something on the outside.
fn conforms_around(sandbox: &dyn Sandbox) {
    output_is_collected(sandbox);
    hostile_output_is_refused(sandbox);
    deep_output_is_refused(sandbox);
    the_host_is_out_of_reach(sandbox);
    the_gateway_is_all_that_is_reached(sandbox);
    stop_ends_a_run(sandbox);
    runs_do_not_disturb_each_other(sandbox);
    a_program_that_is_not_there_is_named(sandbox);
    scenarios::around(sandbox);
    judges::around(sandbox);
    races::around(sandbox);
}

fn collecting(code: &str) -> (tempfile::TempDir, Job) {
    let into = tempfile::tempdir().unwrap();
    let mut job = python(code);
    job.collect_into = Some(into.path().to_owned());
    (into, job)
}

fn output_is_collected(sandbox: &dyn Sandbox) {
    let code = "os.makedirs('/out/a/b'); open('/out/a/b/x.txt', 'w').write('hello'); open('/out/y', 'w').close()";
    let (into, job) = collecting(code);
    let outcome = run(sandbox, &job);
    assert_eq!(ends(&outcome, Ended::Exited(0)), Ok(()));
    let expected = [("a/b/x.txt".to_owned(), 5, Digest::of(b"hello")), ("y".to_owned(), 0, Digest::of(b""))];
    assert_eq!(outcome.collected.files, expected);
    assert_eq!(outcome.collected.refused, []);
    assert_eq!(std::fs::read(into.path().join("a/b/x.txt")).unwrap(), b"hello");
}

fn hostile_output_is_refused(sandbox: &dyn Sandbox) {
    let code = r#"
os.chdir('/out')
open('good', 'w').write('good')
os.symlink('/etc/passwd', 'link')
os.symlink('/', 'root')
os.mkdir('up'); os.symlink('..', 'up/up')
os.mkfifo('pipe')
open('one', 'w').write('x'); os.link('one', 'two')
open('new\nline', 'w').close()
open(b'\xff\xfe', 'w').close()
open('\x1b[2J', 'w').close()
"#;
    let (into, job) = collecting(code);
    let outcome = run(sandbox, &job);
    assert_eq!(ends(&outcome, Ended::Exited(0)), Ok(()));
    assert_eq!(outcome.collected.files, [("good".to_owned(), 4, Digest::of(b"good"))]);
    let refused: Vec<_> = outcome.collected.refused.iter().map(|r| r.path.as_str()).collect();
    for name in ["link", "root", "up/up", "pipe", "one", "two"] {
        assert!(refused.contains(&name), "{name} is not in {refused:?}");
    }
    assert_eq!(refused.len(), 9, "{refused:?}");
    assert!(refused.iter().all(|name| !name.contains(char::is_control)), "{refused:?}");
    let taken: Vec<_> = std::fs::read_dir(into.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(taken, ["good"]);
}

fn deep_output_is_refused(sandbox: &dyn Sandbox) {
    let (_into, mut job) = collecting(
        "os.chdir('/out')\nfor i in range(1200):\n    os.mkdir('d')\n    os.chdir('d')\nopen('bottom', 'w').close()",
    );
    job.limits.out_files = 2000;
    let outcome = run(sandbox, &job);
    assert_eq!(ends(&outcome, Ended::Exited(0)), Ok(()));
    assert_eq!(outcome.collected.files, []);
    assert_eq!(outcome.collected.refused.len(), 1);
    assert!(outcome.collected.refused[0].reason.contains("too deep"), "{:?}", outcome.collected.refused);
}

/// A listener, an abstract socket and a process of the host, each looked for from inside.
fn the_host_is_out_of_reach(sandbox: &dyn Sandbox) {
    use std::os::linux::net::SocketAddrExt;
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let name = format!("vetrun-conformance-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let _unix = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "the variable that is looked for inside");
    let code = format!(
        r#"
import socket
def tcp():
    socket.create_connection(('127.0.0.1', {port}), 2)
def unix():
    socket.socket(socket.AF_UNIX).connect('\0{name}')
def routes():
    if len(open('/proc/net/route').read().splitlines()) < 2: raise OSError
def processes():
    for pid in filter(str.isdigit, os.listdir('/proc')):
        for file in ('cmdline', 'environ'):
            try:
                text = open(f'/proc/{{pid}}/{{file}}', 'rb').read()
            except OSError:
                continue
            if b'CARGO_MANIFEST' + b'_DIR' in text or b'target/debug' in text: return
    raise OSError
tries([('tcp', tcp), ('unix', unix), ('routes', routes), ('processes', processes)])
"#
    );
    let mut job = python("import runpy; runpy.run_path('/work/probe.py', {k: v for k, v in globals().items()})");
    let (folder, mount) = work();
    std::fs::write(folder.path().join("probe.py"), code).unwrap();
    job.mounts.push(mount);
    assert_eq!(says(&run(sandbox, &job), ""), Ok(()));
}

/// Answers every connection with one word.
struct Echo;

impl Gateway for Echo {
    fn serve(&self, listener: std::net::TcpListener) -> Box<dyn Send> {
        std::thread::spawn(move || {
            // One connection is all that the test makes.
            if let Ok((mut stream, _)) = listener.accept() {
                let _ = std::io::Write::write_all(&mut stream, b"gateway");
            }
        });
        Box::new(())
    }
}

fn the_gateway_is_all_that_is_reached(sandbox: &dyn Sandbox) {
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let code = format!(
        r"
import socket
print(socket.create_connection(('127.0.0.1', 8080), 5).recv(100).decode())
def connect(address, port):
    def attempt(): socket.create_connection((address, port), 2)
    return attempt
tries([('host', connect('127.0.0.1', {})), ('outside', connect('192.0.2.1', 80)), ('v6', connect('::1', 8080))])
",
        host.local_addr().unwrap().port()
    );
    let mut job = python(&code);
    job.network = Network::Gateway(Arc::new(Echo));
    assert_eq!(says(&run(sandbox, &job), "gateway"), Ok(()));
}

fn stop_ends_a_run(sandbox: &dyn Sandbox) {
    let job = python("print('on', flush=True); time.sleep(60)");
    let stop = Stop::default();
    let outcome = std::thread::scope(|scope| {
        let running = scope.spawn(|| sandbox.run(&job, &stop).unwrap());
        std::thread::sleep(Duration::from_millis(700));
        let raised = Instant::now();
        stop.raise();
        let outcome = running.join().unwrap();
        assert!(raised.elapsed() < Duration::from_secs(5), "{:?}", raised.elapsed());
        outcome
    });
    assert_eq!(outcome.ended, Ended::Interrupted);
}

fn runs_do_not_disturb_each_other(sandbox: &dyn Sandbox) {
    let code = "open('/tmp/mine', 'x').close(); open('/out/mine', 'x').close(); print(sorted(os.listdir('/tmp')))";
    let job = python(code);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(|| says(&run(sandbox, &job), "['home', 'mine']"))).collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), Ok(()));
        }
    });
}

fn a_program_that_is_not_there_is_named(sandbox: &dyn Sandbox) {
    let mut job = python("");
    job.program = Program::Command("no-such-program".to_owned());
    match sandbox.run(&job, &Stop::default()) {
        Err(SandboxError::NoProgram { program, .. }) => assert_eq!(program, "no-such-program"),
        other => panic!("{other:?}"),
    }
}

fn search() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect()
}

/// The program that starts itself as the launcher; a copy, where the one that was built cannot be read.
fn launcher_path() -> PathBuf {
    let copy = std::env::var_os("VETRUN_TEST_LAUNCHER");
    copy.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_vetrun")), PathBuf::from)
}

fn native() -> NativeSandbox {
    NativeSandbox::new(launcher_path(), search()).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// Unless somebody says that this host cannot do it, the native sandbox must work here.
fn native_is_off() -> bool {
    let off = std::env::var_os("VETRUN_TEST_NATIVE").is_some_and(|value| value == "off");
    if off {
        println!("not tested: VETRUN_TEST_NATIVE=off");
    }
    off
}

#[test]
fn native_conforms() {
    if !native_is_off() {
        conforms(&native());
    }
}

#[test]
fn native_conforms_around() {
    if !native_is_off() {
        conforms_around(&native());
    }
}
