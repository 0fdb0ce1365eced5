//! Containers that are created ahead, and Pythons that wait in them.

use std::time::Duration;

use vetrun::sandbox::native::NativeSandbox;
use vetrun::sandbox::{Ended, Job, Mount, Outcome, Program, WORK_DIR};

use super::{native, native_is_off, python, run, text};

/// Prints how old the container is in milliseconds, whether the interpreter waited, and what an earlier run may have left.
const AGES: &str = "\
import os, time
age = round((time.time() - os.stat('/etc/hosts').st_mtime) * 1000)
waited = open('/proc/self/cmdline').read().split(chr(0))[1] == '-c'
print(age, waited, os.listdir('/out'), os.listdir('/tmp'))
open('/out/mark', 'w').close()
open('/tmp/mark', 'w').close()
";
/// Between two jobs; what is created ahead is about as old as this when it is used.
const PAUSE: Duration = Duration::from_millis(1500);
/// After which an interpreter waits, on a host that is not busy.
const STARTED_WITHIN: Duration = Duration::from_millis(60);

/// A job that runs the script `text`, and the folder that it is in.
pub(crate) fn script(text: &[u8]) -> (tempfile::TempDir, Job) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.py"), text).unwrap();
    let mount = Mount { host: folder.path().to_owned(), inside: WORK_DIR.to_owned() };
    let job = Job { args: vec!["main.py".to_owned()], mounts: vec![mount], ..python("") };
    (folder, job)
}

/// The age of a container in milliseconds, and what else was found in it, at the second of two runs.
fn second(sandbox: &NativeSandbox) -> (u128, String) {
    let (_folder, job) = script(AGES.as_bytes());
    run(sandbox, &job);
    std::thread::sleep(PAUSE);
    let said = text(&run(sandbox, &job));
    let (age, found) = said.split_once(' ').unwrap_or_else(|| panic!("{said}"));
    (age.parse().unwrap(), found.to_owned())
}

#[test]
fn a_container_that_was_created_ahead_is_used_once() {
    if native_is_off() {
        return;
    }
    let late = PAUSE.as_millis() / 2;
    let (age, found) = second(&native());
    assert!(age < late, "{age}");
    assert_eq!(found, "False [] ['home']");
    for (sandbox, waited) in [(native().with_spares(2).unwrap(), "False"), (native().with_warm(1).unwrap(), "True")] {
        // One that is ready is given up when anything is mounted on the host meanwhile.
        let mut tries = (0..20).map(|_| second(&sandbox));
        let (_, found) = tries.find(|(age, _)| *age > late).expect("what is ready is used in one of twenty tries");
        assert_eq!(found, format!("{waited} [] ['home']"));
    }
}

#[test]
fn nobody_can_tell_that_a_network_was_used_before() {
    if native_is_off() {
        return;
    }
    let sandbox = native().with_spares(1).unwrap();
    let look = "\
import socket
lines = lambda name: open('/proc/net/' + name).read().splitlines()
names = [line.split()[7:] for line in lines('unix')]
print([lines(name) for name in ('dev', 'snmp', 'netstat', 'tcp', 'udp')], names, file=sys.stderr)
";
    let uses = [
        "a, b = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)\n\
         a.bind(('127.0.0.1', 0)); b.sendto(b'x', a.getsockname())",
        "",
        "s = socket.create_server(('127.0.0.1', 7000)); c = socket.create_connection(('127.0.0.1', 7000)); c.close()",
        "",
        "try: socket.create_connection(('192.0.2.1', 80))\nexcept OSError: pass",
        "s = socket.socket(socket.AF_UNIX); s.bind('\\0name'); s.listen()",
        "",
    ];
    let first = run(&native(), &python(look)).stderr.bytes;
    assert!(String::from_utf8_lossy(&first).contains("lo:"));
    for use_of_it in uses {
        let outcome = run(&sandbox, &python(&format!("{look}{use_of_it}")));
        assert_eq!(outcome.ended, Ended::Exited(0), "{use_of_it}");
        assert_eq!(String::from_utf8_lossy(&outcome.stderr.bytes), String::from_utf8_lossy(&first), "{use_of_it}");
        // What it left is cleared away, and what the next finds is made.
        std::thread::sleep(STARTED_WITHIN);
    }
}

/// Scripts of which each shows something that a script can see of how it was started.
pub(crate) const SCRIPTS: &[&str] = &[
    "import sys, os\nprint(sys.argv, sys.path, sys.flags, getattr(sys, 'orig_argv', 0), os.getcwd(), sys.executable)",
    "print(__file__, __name__, __spec__, __builtins__, __loader__.path, __doc__, sorted(globals()))",
    "import os; print(sorted(os.listdir('/proc/self/fd')), sorted(os.environ.items()), os.getsid(0) == os.getpid())",
    "import sys; print(sys.stdin.read(), sys.stdin.encoding, sys.stdin.seekable(), sys.stdout.isatty())",
    "def f():\n    1 / 0\nf()",
    "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError(2) from error",
    "x = (1,\n",
    "def f(:\n    pass\n",
    "import sys; sys.exit(7)",
    "raise SystemExit('bye')",
    "import atexit; atexit.register(print, 'end'); raise KeyboardInterrupt",
    "import sys; sys.excepthook = lambda *told: print('hook', told[0]); raise ValueError(3)",
    "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))))",
    "import multiprocessing as m\ndef f(x): return x + 1\nif __name__ == '__main__':\n    m.set_start_method('spawn')\n    \
     with m.Pool(1) as pool: print(pool.map(f, [1]))",
    "import __main__; print(__main__.__file__, dir(__main__))",
    "from __future__ import annotations\ndef f(x: y): pass\nprint(f.__annotations__)",
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "import os; os._exit(3)",
    "import resource; print([resource.getrlimit(n) for n in range(16)])",
    "import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()",
    "import linecache, inspect, sys; print(inspect.getsource(sys.modules['__main__']) == open(__file__).read())",
    "import sys; print(sys.getrecursionlimit(), sys.gettrace(), [m for m in sys.modules if 'wait' in m])",
    "open('/out/a', 'w').write('x' * 9); print(open('/work/main.py').read(3))",
    "\u{feff}print('mark')",
];

pub(crate) fn seen(outcome: &Outcome) -> (Ended, String, String) {
    let text = |bytes: &[u8]| {
        // Threads and objects have addresses and numbers of their own.
        let text = String::from_utf8_lossy(bytes);
        regex::Regex::new("0x[0-9a-f]+").unwrap().replace_all(&text, "0x").into_owned()
    };
    (outcome.ended, text(&outcome.stdout.bytes), text(&outcome.stderr.bytes))
}

#[test]
fn a_script_cannot_tell_whether_its_interpreter_waited() {
    if native_is_off() {
        return;
    }
    let (cold, warm) = (native(), native().with_warm(1).unwrap());
    let latin = b"# -*- coding: latin-1 -*-\nprint('\xe9'.encode())";
    let scripts = SCRIPTS.iter().map(|text| text.as_bytes()).chain([&latin[..]]);
    for text in scripts {
        let (_folder, mut job) = script(text);
        job.args.extend(["--flag".to_owned(), "two words".to_owned(), "\u{e9}".to_owned()]);
        job.stdin = b"from outside".to_vec();
        let expected = run(&cold, &job);
        run(&warm, &job);
        // The second is the first that can find one.
        std::thread::sleep(STARTED_WITHIN);
        let outcome = run(&warm, &job);
        assert_eq!(seen(&outcome), seen(&expected), "{}", String::from_utf8_lossy(text));
        assert_eq!(outcome.command, expected.command);
        assert_eq!(outcome.collected, expected.collected);
    }
}

#[test]
fn input_is_whole_however_soon_a_program_reads_it() {
    if native_is_off() {
        return;
    }
    let stdin = vec![b'x'; 24 << 20];
    let (_folder, reads) = script(b"import sys; print(len(sys.stdin.buffer.read()))");
    let script = Job { stdin: stdin.clone(), ..reads };
    // Sooner at work than any interpreter.
    let program = Program::Command("/usr/bin/wc".to_owned());
    let counts = Job { program, args: vec!["-c".to_owned()], stdin: stdin.clone(), ..python("") };
    let (cold, ready, warm) = (native(), native().with_spares(1).unwrap(), native().with_warm(1).unwrap());
    for (sandbox, job) in [(&cold, &counts), (&ready, &counts), (&warm, &script)] {
        for _ in 0..3 {
            assert_eq!(text(&run(sandbox, job)), stdin.len().to_string());
            std::thread::sleep(STARTED_WITHIN);
        }
    }
}

#[test]
fn what_no_interpreter_that_waits_can_run_is_run_as_ever() {
    if native_is_off() {
        return;
    }
    let warm = native().with_warm(1).unwrap();
    let (folder, job) = script(b"print('script')");
    for args in
        [vec!["-c", "print('script')"], vec!["-m", "main"], vec!["./main.py"], vec!["/work/main.py"], vec!["main.py"]]
    {
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        for _ in 0..2 {
            assert_eq!(
                text(&run(&warm, &Job { args: args.clone(), mounts: job.mounts.clone(), ..python("") })),
                "script"
            );
        }
    }
    std::fs::remove_file(folder.path().join("main.py")).unwrap();
    let (cold, warm) = (run(&native(), &job), run(&warm, &job));
    assert_eq!(seen(&warm), seen(&cold));
    assert_eq!(warm.ended, Ended::Exited(2));
}

#[test]
fn a_change_of_the_job_is_never_missed() {
    if native_is_off() {
        return;
    }
    let warm = native().with_warm(2).unwrap();
    let (_folder, mut job) = script(b"import os, resource; print(os.environ.get('A'), resource.getrlimit(7)[0])");
    for (value, files) in [("1", 100), ("1", 100), ("2", 100), ("2", 100), ("2", 90), ("2", 90), ("1", 100)] {
        job.env.insert("A".to_owned(), value.to_owned());
        job.limits.open_files = files;
        assert_eq!(text(&run(&warm, &job)), format!("{value} {files}"));
    }
}
