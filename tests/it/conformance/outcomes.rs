//! Two hundred programs and how each of them ends: what a back end says of an end must be what happened, whatever the
//! program does to look like something else.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use vetrun::sandbox::{Ended, Interpreter, Job, Program, Sandbox, Stop};

use super::{chain, ends, python, work};

/// How many of them run at once.
const TOGETHER: usize = 4;
/// The wall limit of those that must reach it.
const SHORT: Duration = Duration::from_millis(900);

/// A program and its end.
struct Label {
    name: String,
    job: Job,
    ended: Ended,
}

/// Python that ends like this.
fn label(name: impl Into<String>, code: impl AsRef<str>, ended: Ended) -> Label {
    let mut job = python(code.as_ref());
    if ended == Ended::TimedOut {
        job.limits.wall = SHORT;
    }
    Label { name: name.into(), job, ended }
}

/// JavaScript that ends like this.
fn node(name: &str, code: &str, ended: Ended) -> Label {
    let Label { name, mut job, ended } = label(name, "", ended);
    job.program = Program::Interpreter(Interpreter::Node);
    job.args = vec!["-e".to_owned(), code.to_owned()];
    job.limits.memory_bytes = 512 << 20;
    Label { name, job, ended }
}

/// A script of the shell that ends like this.
fn shell(name: &str, script: &str, ended: Ended) -> Label {
    let Label { name, mut job, ended } = label(name, "", ended);
    job.program = Program::Command("sh".to_owned());
    job.args = vec!["-c".to_owned(), script.to_owned()];
    Label { name, job, ended }
}

/// Each row is a name and Python.
fn all(ended: Ended, rows: &[(&str, &str)]) -> Vec<Label> {
    rows.iter().map(|(name, code)| label(*name, code, ended)).collect()
}

/// Exit codes, those that a shell gives to signals and limits among them.
fn codes() -> Vec<Label> {
    let exits =
        (0..=20).map(|code| label(format!("sys.exit({code})"), format!("sys.exit({code})"), Ended::Exited(code)));
    let hard = [
        1, 2, 42, 63, 64, 65, 77, 78, 99, 100, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137,
        138, 139, 141, 143, 144, 152, 153, 159, 200, 250, 254, 255,
    ];
    let hard = hard.map(|code| label(format!("os._exit({code})"), format!("os._exit({code})"), Ended::Exited(code)));
    exits.chain(hard).collect()
}

/// What looks like a failure and is none.
fn successes() -> Vec<Label> {
    all(
        Ended::Exited(0),
        &[
            ("sys.exit of nothing", "sys.exit(None)"),
            ("sys.exit of 256", "sys.exit(256)"),
            (
                "an exit of a thread is its own",
                "import threading\nt = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()",
            ),
            ("a child that fails", "if os.fork() == 0: os._exit(7)\nos.wait()"),
            ("a child that is killed", "if os.fork() == 0: os.kill(os.getpid(), 9)\nos.wait()"),
            ("a child that nobody waits for", "if os.fork() == 0: os._exit(7)"),
            ("a daemon stays behind", "if os.fork() == 0:\n    os.setsid(); time.sleep(60)"),
            ("a daemon that holds the streams", "import subprocess; subprocess.Popen(['sleep', '60'])"),
            ("all descriptors closed", "os.closerange(0, 100); os._exit(0)"),
            ("a short sleep", "time.sleep(0.2)"),
            ("executes true", "os.execvp('true', ['true'])"),
            ("a caught exception", "try: raise ValueError\nexcept ValueError: pass"),
            (
                "a long sleep in a child that is killed",
                "pid = os.fork()\nif pid == 0: time.sleep(60)\nos.kill(pid, 9); os.wait()",
            ),
            ("a stopped child", "pid = os.fork()\nif pid == 0: time.sleep(60)\nos.kill(pid, 19); time.sleep(0.05)"),
        ],
    )
}

/// What an exit code is made of beside a number.
fn ways_to_exit() -> Vec<Label> {
    let one = all(
        Ended::Exited(1),
        &[
            ("sys.exit of a text", "sys.exit('Killed')"),
            ("an exception", "raise RuntimeError('timeout')"),
            ("a MemoryError of its own", "raise MemoryError"),
            ("a TimeoutError of its own", "raise TimeoutError"),
            ("a KeyError", "{}['x']"),
            ("an assertion", "assert False"),
            ("a division by zero", "1 / 0"),
            ("a name that is not there", "undefined"),
            ("a module that is not there", "import no_such_module"),
            ("a syntax error", "exec('x =')"),
            ("recursion without end", "def f(): f()\nf()"),
            ("a process that fails", "import subprocess; subprocess.run(['false'], check=True)"),
            ("a program that is not there", "import subprocess; subprocess.run(['no-such-program'])"),
            ("executes false", "os.execvp('false', ['false'])"),
            (
                "a group of exceptions",
                "import asyncio\nasync def f(): raise OSError(12, 'Cannot allocate memory')\nasyncio.run(f())",
            ),
            ("a closed standard output", "os.close(1); os.write(1, b'x')"),
        ],
    );
    let other = vec![
        label("sys.exit of -1", "sys.exit(-1)", Ended::Exited(255)),
        label("an exit at exit", "import atexit; atexit.register(os._exit, 9)", Ended::Exited(9)),
        label("executes a shell", "os.execvp('sh', ['sh', '-c', 'exit 42'])", Ended::Exited(42)),
        label(
            "an exit from a signal's handler",
            "import signal; signal.signal(15, lambda *_: sys.exit(5)); os.kill(os.getpid(), 15)",
            Ended::Exited(5),
        ),
        label(
            "the code of a child that is handed on",
            "import subprocess; sys.exit(subprocess.run(['sh', '-c', 'kill -9 $$']).returncode + 256)",
            Ended::Exited(247),
        ),
        node("an exit of node", "process.exit(6)", Ended::Exited(6)),
        node("an exception of node", "throw new Error('x')", Ended::Exited(1)),
        node("a rejection of node", "Promise.reject(new Error('x'))", Ended::Exited(1)),
        node("the end of node", "setTimeout(() => {}, 50)", Ended::Exited(0)),
        shell("the last of a pipe", "false | true", Ended::Exited(0)),
        shell("a command that is not there", "no-such-command", Ended::Exited(127)),
        shell("the shell's code for a kill", "sh -c 'kill -9 $$'; exit $?", Ended::Exited(137)),
    ];
    one.into_iter().chain(other).collect()
}

/// Signals, by their numbers on Linux.
fn signals() -> Vec<Label> {
    let deadly = (1..=16).chain(24..=27).chain([29, 30, 31, 34, 50, 64]);
    let deadly = deadly.map(|signal| {
        let reset = format!("import signal\ntry: signal.signal({signal}, signal.SIG_DFL)\nexcept OSError: pass\n");
        let code = format!("{reset}os.kill(os.getpid(), {signal})\ntime.sleep(5)");
        label(format!("signal {signal}"), code, Ended::Signaled(signal))
    });
    let harmless = [17, 18, 23, 28]
        .map(|signal| label(format!("signal {signal}"), format!("os.kill(os.getpid(), {signal})"), Ended::Exited(0)));
    let faults = vec![
        label("a fault of memory", "import faulthandler; faulthandler._sigsegv()", Ended::Signaled(11)),
        label("a fault of arithmetic", "import faulthandler; faulthandler._sigfpe()", Ended::Signaled(8)),
        label("an abort", "os.abort()", Ended::Signaled(6)),
        label(
            "an alarm",
            "import signal; signal.setitimer(signal.ITIMER_REAL, 0.05); time.sleep(5)",
            Ended::Signaled(14),
        ),
        label(
            "a limit of processor time of its own",
            "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 3))\nwhile True: pass",
            Ended::Signaled(24),
        ),
        label(
            "killed by its child",
            "if os.fork() == 0:\n    os.kill(os.getppid(), 9); os._exit(0)\ntime.sleep(5)",
            Ended::Signaled(9),
        ),
        label(
            "killed with its group",
            "import signal; os.killpg(0, signal.SIGTERM); time.sleep(5)",
            Ended::Signaled(15),
        ),
        node(
            "node kills itself",
            "process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 5000)",
            Ended::Signaled(9),
        ),
        node("node aborts", "process.abort()", Ended::Signaled(6)),
        shell("a shell kills itself", "kill -9 $$", Ended::Signaled(9)),
    ];
    deadly.chain(harmless).chain(faults).collect()
}

fn timeouts() -> Vec<Label> {
    let python = all(
        Ended::TimedOut,
        &[
            ("sleeps", "time.sleep(60)"),
            ("spins", "while True: pass"),
            ("one long operation", "x = 7 ** (10 ** 8); print(len(str(x)))"),
            ("an expression that backtracks", "import re; re.match('(a+)+$', 'a' * 60 + 'b')"),
            ("waits for a pipe", "os.read(os.pipe()[0], 1)"),
            ("waits for a lock", "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()"),
            ("waits for a signal", "import signal; signal.pause()"),
            (
                "waits for a thread",
                "import threading; t = threading.Thread(target=time.sleep, args=(60,)); t.start(); t.join()",
            ),
            ("waits for a child", "if os.fork() == 0: time.sleep(60)\nos.wait()"),
            ("waits for a command", "import subprocess; subprocess.run(['sleep', '60'])"),
            ("waits for a connection", "import socket; s = socket.create_server(('127.0.0.1', 0)); s.accept()"),
            ("waits for an event", "import asyncio; asyncio.run(asyncio.sleep(60))"),
            ("stops itself", "import signal; os.kill(os.getpid(), signal.SIGSTOP)"),
            (
                "ignores what can be ignored",
                "import signal\n[signal.signal(s, signal.SIG_IGN) for s in (1, 2, 3, 13, 14, 15)]\ntime.sleep(60)",
            ),
            ("takes its time at exit", "import atexit; atexit.register(time.sleep, 60)"),
            ("swallows every exception", "while True:\n    try: time.sleep(60)\n    except BaseException: pass"),
            ("prints and sleeps", "print('done', flush=True); time.sleep(60)"),
            ("closes its streams and sleeps", "os.closerange(0, 3); time.sleep(60)"),
        ],
    );
    let others = vec![
        node("node spins", "for (;;);", Ended::TimedOut),
        node("node waits", "setInterval(() => {}, 1000)", Ended::TimedOut),
        shell("a shell spins", "while :; do :; done", Ended::TimedOut),
        shell("a shell starts processes without end", "f() { f | f & }; f & exec sleep 60", Ended::TimedOut),
    ];
    python.into_iter().chain(others).collect()
}

fn memory() -> Vec<Label> {
    let out = all(
        Ended::OutOfMemory,
        &[
            ("bytes", "x = []\nwhile True: x.append(bytearray(1 << 20))"),
            ("one block", "x = bytearray(1 << 28)"),
            ("numbers", "x = []\nwhile True: x.append(len(x) + 10 ** 6)"),
            ("a text that doubles", "x = 'x'\nwhile True: x += x"),
            ("a table", "x = {}\nwhile True: x[len(x)] = str(len(x)) * 100"),
            ("a mapping", "import mmap\nx = mmap.mmap(-1, 1 << 28)\nfor i in range(0, 1 << 28, 4096): x[i] = 1"),
            ("a device without end", "open('/dev/zero', 'rb').read()"),
            ("a list of what never ends", "import itertools; list(itertools.count())"),
            (
                "what was packed",
                "import zlib\nz = zlib.compressobj(); p = b''.join(z.compress(bytes(1 << 20)) for _ in range(256)) + z.flush()\nzlib.decompress(p)",
            ),
            (
                "a thread",
                "import threading\ndef f():\n    x = []\n    while True: x.append(bytearray(1 << 20))\nt = threading.Thread(target=f); t.start(); t.join()",
            ),
            (
                "a MemoryError is expected",
                "x = []\ntry:\n    while True: x.append(bytearray(1 << 20))\nexcept MemoryError: sys.exit(3)",
            ),
        ],
    );
    let eater = "x = []\nwhile True: x.append(bytearray(1 << 20))";
    let children = vec![
        label("only a child", format!("if os.fork() == 0: exec({eater:?})\nos.wait()"), Ended::Exited(0)),
        label(
            "only a child, and a code",
            format!("if os.fork() == 0: exec({eater:?})\nos.wait(); sys.exit(4)"),
            Ended::Exited(4),
        ),
        label(
            "only a grandchild",
            format!(
                "if os.fork() == 0:\n    if os.fork() == 0: exec({eater:?})\n    os.wait(); os._exit(0)\nos.wait()"
            ),
            Ended::Exited(0),
        ),
        label(
            "only a command",
            format!("import subprocess; sys.exit(subprocess.run([sys.executable, '-c', {eater:?}]).returncode == 0)"),
            Ended::Exited(0),
        ),
        label(
            "a child, and then the code of a kill",
            format!("if os.fork() == 0: exec({eater:?})\nos.wait(); os._exit(137)"),
            Ended::Exited(137),
        ),
        label(
            "a MemoryError that the kernel has no part in",
            "try: bytearray(1 << 62)\nexcept MemoryError: sys.exit(3)",
            Ended::Exited(3),
        ),
    ];
    out.into_iter().chain(children).collect()
}

fn output() -> Vec<Label> {
    let over = all(
        Ended::OutputLimit,
        &[
            ("prints without end", "while True: print('x' * 1000)"),
            ("writes without end", "while True: os.write(1, bytes(65536))"),
            ("complains without end", "while True: os.write(2, b'x\\n' * 999)"),
            ("one byte too many", "os.write(1, b'x' * 65536); os.write(1, b'y')"),
            ("one byte too many in the other stream", "os.write(2, b'x' * 65536); os.write(2, b'y')"),
            ("a child writes", "if os.fork() == 0:\n    while True: os.write(1, bytes(4096))\nos.wait()"),
            ("a command writes", "import subprocess; subprocess.run(['yes'])"),
            (
                "a thread writes",
                "import threading\ndef f():\n    while True: os.write(1, bytes(4096))\nthreading.Thread(target=f).start()",
            ),
            ("too much, and a code", "os.write(1, bytes(60000)); os.write(1, bytes(60000)); os._exit(3)"),
            (
                "too much, and a signal ignored",
                "import signal; signal.signal(15, signal.SIG_IGN)\nwhile True: os.write(1, bytes(4096))",
            ),
        ],
    );
    let others = vec![
        label("as much as may be", "os.write(1, b'x' * 65536)", Ended::Exited(0)),
        label("as much as may be in both", "os.write(1, b'x' * 65536); os.write(2, b'x' * 65536)", Ended::Exited(0)),
        node("node writes", "for (;;) require('fs').writeSync(1, 'x'.repeat(4096))", Ended::OutputLimit),
        shell("a shell writes", "yes", Ended::OutputLimit),
    ];
    over.into_iter().chain(others).collect()
}

/// Limits at which the kernel says no and the program goes on: what it makes of that is its own.
fn refusals() -> Vec<Label> {
    all(
        Ended::Exited(1),
        &[
            ("no more processes", "while True:\n    if os.fork() == 0: time.sleep(30); os._exit(0)"),
            (
                "no more threads",
                "import threading\nfor _ in range(300): threading.Thread(target=time.sleep, args=(1,), daemon=True).start()",
            ),
            ("no more descriptors", "files = []\nwhile True: files.append(open('/dev/null'))"),
            ("no more scratch space", "with open('/tmp/x', 'wb') as f:\n    while True: f.write(bytes(1 << 20))"),
            ("no larger file", "f = os.open('/dev/shm/x', os.O_CREAT | os.O_RDWR)\nos.truncate(f, 1 << 40)"),
            ("no writing beside the scratch space", "open('/x', 'w')"),
            ("no network", "import socket; socket.create_connection(('192.0.2.1', 80), 2)"),
            ("no names", "import socket; socket.getaddrinfo('example.com', 80)"),
            ("no rights", "os.setuid(0)"),
            ("no writing to the first process", "open('/proc/1/mem', 'wb')"),
        ],
    )
}

fn labels() -> Vec<Label> {
    [codes(), successes(), ways_to_exit(), signals(), timeouts(), memory(), output(), refusals()]
        .into_iter()
        .flatten()
        .collect()
}

/// Their names.
pub(super) fn names() -> Vec<String> {
    labels().into_iter().map(|label| label.name).collect()
}

fn fault(sandbox: &dyn Sandbox, label: &mut Label) -> Option<String> {
    let (_folder, mount) = work();
    label.job.mounts.push(mount);
    let outcome = sandbox.run(&label.job, &Stop::default());
    let result = outcome.map_err(|error| chain(&error)).and_then(|outcome| ends(&outcome, label.ended));
    result.err().map(|why| format!("{}: {why}", label.name))
}

/// Runs them all; names those whose end is told wrongly.
pub(super) fn are_told_rightly(sandbox: &dyn Sandbox) {
    let labels: Vec<Mutex<Label>> = labels().into_iter().map(Mutex::new).collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                while let Some(label) = labels.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fault = fault(sandbox, &mut label.lock().unwrap());
                    failed.lock().unwrap().extend(fault);
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} ends are told wrongly\n{}", failed.len(), labels.len(), failed.join("\n"));
}

#[test]
fn there_are_two_hundred() {
    let labels = labels();
    let names: HashSet<&str> = labels.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names.len(), labels.len(), "names are unique");
    assert!(labels.len() >= 200, "{}", labels.len());
}

#[test]
fn native_tells_every_end_rightly() {
    if !super::native_is_off() {
        are_told_rightly(&super::native());
    }
}

#[test]
fn docker_tells_every_end_rightly() {
    let Some(sandbox) = crate::docker::sandbox() else { return };
    are_told_rightly(sandbox);
}
