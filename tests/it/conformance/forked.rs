//! Pythons that are forked from one that was started ahead: each case once more, as the script of one of them.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use vetrun::sandbox::native::NativeSandbox;
use vetrun::sandbox::{
    Ended, Interpreter, InterpreterInfo, Job, Outcome, Sandbox, SandboxError, Session, SessionOptions, Stop, WORK_DIR,
};

use super::leftovers::descendants;
use super::native::has_a_process_to_itself;
use super::ready::{script, seen};
use super::{conforms, native, native_is_off, run, text};

/// The name of a case's script.
const SCRIPT: &str = "case.py";
/// What only a template's command line has, and those of its forks.
const SERVES: &str = "def serve";
/// Ends a script whose interpreter was not forked, before it has done anything.
const ASK: &str = "\
with open('/proc/self/cmdline') as words:
    if 'def serve' not in words.read(): raise SystemExit(99)
";
/// The same where it did not wait, forked or not.
const ASK_WAITED: &str = "\
with open('/proc/self/cmdline') as words:
    if 'def wait' not in words.read(): raise SystemExit(99)
";
/// What is run once more by a user without rights, who has no template.
pub(super) const FOR_EVERY_USER: [&str; 1] = ["a_waiting_interpreter_ends_as_every_other"];
const NOT_FORKED: Ended = Ended::Exited(99);
/// How often a job is tried until a fork waits for it.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// Runs what is given to Python on its command line as a script in the job's own folder instead.
struct Scripts(NativeSandbox);

impl Sandbox for Scripts {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn run(&self, job: &Job, stop: &Stop) -> Result<Outcome, SandboxError> {
        let work = job.mounts.iter().find(|mount| mount.inside == WORK_DIR);
        let (Some(work), [_, _, _, code], false) = (work, &job.args[..], job.host_packages) else {
            return self.0.run(job, stop);
        };
        std::fs::write(work.host.join(SCRIPT), format!("{ASK}{code}")).unwrap();
        let job = Job { args: vec![SCRIPT.to_owned()], ..job.clone() };
        let mut outcome = self.0.run(&job, stop)?;
        for _ in 0..TRIES {
            if outcome.ended != NOT_FORKED {
                break;
            }
            std::thread::sleep(PAUSE);
            outcome = self.0.run(&job, stop)?;
        }
        // Some list their folder.
        if let Ok(said) = str::from_utf8(&outcome.stdout.bytes) {
            outcome.stdout.bytes = said.replace(&format!(", '{SCRIPT}'"), "").into_bytes();
        }
        Ok(outcome)
    }

    fn open(&self, options: &SessionOptions, stop: &Stop) -> Result<Box<dyn Session>, SandboxError> {
        self.0.open(options, stop)
    }

    fn interpreter(&self, kind: Interpreter) -> Result<InterpreterInfo, SandboxError> {
        self.0.interpreter(kind)
    }
}

/// Only root can have a template.
fn is_off() -> bool {
    native_is_off() || !rustix::process::geteuid().is_root()
}

#[test]
fn a_forked_interpreter_conforms() {
    if !is_off() {
        conforms(&Scripts(native().with_warm(1).unwrap()));
    }
}

/// The process numbers of templates below this process.
fn templates() -> Vec<String> {
    descendants().into_iter().filter(|pid| is_template(pid)).collect()
}

/// Whether a process is a template, and not a fork of one.
pub(super) fn is_template(pid: &str) -> bool {
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.contains(SERVES) && std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|found| found.uid() == 0)
}

/// Runs a job until its interpreter is a fork.
fn until_forked(sandbox: &NativeSandbox, job: &Job) -> Outcome {
    let mut tries = (0..TRIES).map(|_| {
        std::thread::sleep(PAUSE);
        run(sandbox, job)
    });
    tries.find(|outcome| outcome.ended != NOT_FORKED).expect("an interpreter is forked")
}

#[test]
fn a_template_that_was_killed_is_started_again() {
    if is_off() || !has_a_process_to_itself("forked::a_template_that_was_killed_is_started_again") {
        return;
    }
    let sandbox = native().with_warm(1).unwrap();
    let (_folder, job) = script(format!("{ASK}print('ran')").as_bytes());
    let forked = || text(&until_forked(&sandbox, &job));
    assert_eq!(forked(), "ran");
    let first = templates();
    assert_eq!(first.len(), 1, "{first:?}");
    kill_process(Pid::from_raw(first[0].parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    // The first of these may find an interpreter that was forked before.
    for _ in 0..2 {
        assert_eq!(forked(), "ran");
    }
    let second = templates();
    assert_eq!(second.len(), 1, "{second:?}");
    assert_ne!(second, first);
    drop(sandbox);
    assert_eq!(templates(), Vec::<String>::new());
}

#[test]
fn forks_share_nothing_that_can_be_changed() {
    if is_off() {
        return;
    }
    let sandbox = native().with_warm(1).unwrap();
    let code = "\
import builtins, os, sys
print(hasattr(builtins, 'mark'), os.getppid(), sorted(os.listdir('/proc/self/fd')), len(os.listdir('/proc/self/task')))
with open('/proc/self/maps') as maps: print([line for line in maps if line.split()[1][1::2] == 'ws'])
builtins.mark = sys.mark = 1
os.environ['MARK'] = '1'
";
    let (_folder, job) = script(format!("{ASK}{code}").as_bytes());
    for _ in 0..3 {
        let outcome = until_forked(&sandbox, &job);
        let said = text(&outcome);
        assert_eq!(said, "False 1 ['0', '1', '2', '3'] 1\n[]", "{}", String::from_utf8_lossy(&outcome.stderr.bytes));
    }
}

#[test]
fn what_a_fork_tries_is_told_of() {
    if is_off() {
        return;
    }
    let sandbox = native().with_warm(1).unwrap();
    let code = "import os, subprocess\nsubprocess.run(['/bin/true'])\ntry: os.chroot('/')\nexcept OSError: pass\n";
    let (_folder, job) = script(format!("{ASK}{code}").as_bytes());
    let outcome = until_forked(&sandbox, &Job { trace: true, ..job });
    assert_eq!(outcome.ended, Ended::Exited(0), "{}", String::from_utf8_lossy(&outcome.stderr.bytes));
    let told = format!("{:?}", outcome.behaviour);
    assert!(told.contains("chroot") && told.contains("/bin/true"), "{told}");
    assert!(!told.contains("python"), "its own start is nothing that it did: {told}");
}

/// Scripts of which each shows something of how an interpreter ends.
const ENDS: &[&str] = &[
    "import time\nclass A:\n    def __del__(self): print('gone', time.time() > 0)\na = A()\n_b = A()",
    "class A:\n    def __init__(self, name): self.name = name\n    def __del__(self): print(self.name)\n\
     _a, b, __c = A('a'), A('b'), A('c')",
    "f = open('/out/a', 'w'); f.write('not closed')",
    "import atexit; atexit.register(print, 'second'); atexit.register(print, 'first'); print('before')",
    "import atexit; atexit.register(lambda: 1 / 0); print('before')",
    "import threading, time\ndef f():\n    time.sleep(0.05); print('thread')\nthreading.Thread(target=f).start()",
    "import threading, time\nthreading.Thread(target=time.sleep, args=[60], daemon=True).start(); print('daemon')",
    "import sys; sys.stdout.close()",
    "import os, sys; sys.stdout.write('x'); os.close(1)",
    "import sys; sys.stdout = sys.stderr = None",
    "import sys; sys.stdout = open('/out/a', 'w'); print('to a file')",
    "import sys; sys.exit(256)",
    "import sys; sys.exit(-1)",
    "import sys; sys.exit(True)",
    "import sys; sys.exit('a text')",
    "import atexit, sys; atexit.register(lambda: print(sys.last_value)); 1 / 0",
    "import ctypes; ctypes.CDLL(None).puts(b'of the C library')",
    "import os\nif os.fork() == 0: print('child')\nelse: os.wait(); print('parent')",
    "import logging, logging.handlers\nhandler = logging.handlers.MemoryHandler(9, target=logging.StreamHandler())\n\
     logging.getLogger().addHandler(handler); logging.warning('kept')",
    "import tempfile, weakref, os\nd = tempfile.TemporaryDirectory(); weakref.finalize(d, print, 'finalized')",
    "import sys\nclass A:\n    def __del__(self):\n        import json\nsys.modules[__name__].a = A()",
    "class A:\n    def __del__(self): raise ValueError(1)\na = A()",
    "import concurrent.futures as c\nc.ThreadPoolExecutor().submit(print, 'later')",
    "import asyncio\nasync def f(): await asyncio.sleep(0)\nasyncio.run(f()); print('ran')",
    "def g():\n    try: yield 1\n    finally: print('closed')\nx = g(); next(x)",
    "import sys; sys.modules[3] = 4; globals()[5] = 6; print('odd names')",
    "import faulthandler, signal; signal.alarm(1); signal.signal(signal.SIGALRM, signal.SIG_DFL)\nwhile True: pass",
];

#[test]
fn a_waiting_interpreter_ends_as_every_other() {
    if native_is_off() {
        return;
    }
    let ask = if rustix::process::geteuid().is_root() { ASK } else { ASK_WAITED };
    let (cold, warm) = (native(), native().with_warm(1).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let run = |sandbox: &NativeSandbox, text: &str| {
        let into = tempfile::tempdir_in(&folder).unwrap();
        let (_folder, job) = script(text.as_bytes());
        let job = Job { collect_into: Some(into.path().to_owned()), ..job };
        let outcome = if text.starts_with(ask) { until_forked(sandbox, &job) } else { run(sandbox, &job) };
        let written = std::fs::read(into.path().join("a")).ok();
        (seen(&outcome), written)
    };
    // The same lines before the script, so that errors name the same ones.
    let passes = "pass\n\n";
    assert_eq!(passes.lines().count(), ask.lines().count());
    let differs = |text: &&str| {
        let (expected, seen) = (run(&cold, &format!("{passes}{text}")), run(&warm, &format!("{ask}{text}")));
        (seen != expected).then(|| format!("{text}\n{seen:?}\ninstead of\n{expected:?}"))
    };
    let differing: Vec<String> = ENDS.iter().filter_map(differs).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}
