//! What snekbox and Piston, which run strangers' programs all day, test of their sandboxes, as far as no other case does.

use vetrun::artifact::Digest;
use vetrun::sandbox::{Ended, Mount, Sandbox, Stop, WORK_DIR};

use super::Case;
use super::Expect::{Holds, Says};
use super::cases::same;
use super::{collecting, ends, python, run, says, text};

const MIB: u64 = 1 << 20;

/// The programs that need nothing but a sandbox.
pub(super) const JUDGES: &[Case] = cases! {
    "several processes that are too much together", r"
import multiprocessing
def hold():
    x = b'x' * (60 << 20); time.sleep(1)
context = multiprocessing.get_context('fork')
processes = [context.Process(target=hold) for _ in range(3)]
[p.start() for p in processes]; [p.join() for p in processes]
codes = [p.exitcode for p in processes]
print(-9 in codes, set(codes) <= {0, -9})", same, Holds(|outcome| {
        if outcome.metrics.sampled && outcome.metrics.oom_kills.is_none() {
            // Where memory is only sampled, the whole run is killed.
            return ends(outcome, Ended::OutOfMemory);
        }
        says(outcome, "True True")
    });
    "more shared memory than there is", r"
from multiprocessing import shared_memory
memory = shared_memory.SharedMemory(create=True, size=1 << 30)
for place in range(0, 1 << 30, 4096): memory.buf[place] = 1
print('free')", |job| job.limits.file_bytes = 2048 * MIB, Holds(|outcome| match (outcome.ended, text(outcome).as_str()) {
        // No place to make it, none to write to (a bus error), or too much memory.
        (Ended::Exited(1) | Ended::Signaled(7) | Ended::OutOfMemory, "") => Ok(()),
        (ended, said) => Err(format!("{ended:?} {said}")),
    });
    "a text that is not UTF-8", r"os.write(1, 'é'.encode()[:1] + b'\n'); sys.stdout.reconfigure(errors='surrogateescape'); print(chr(0xdce6))",
        same, Holds(|outcome| {
            if outcome.ended == Ended::Exited(0) && outcome.stdout.bytes == b"\xc3\n\xe6\n" { return Ok(()); }
            Err(format!("{:?} {:?}", outcome.ended, outcome.stdout))
        });
    "a text that cannot be written", r"
sys.stdout.reconfigure(errors='strict')
try: print(chr(0xd800))
except UnicodeEncodeError: print('refused')", same, Says("refused");
    "one stream keeps its order", r"
import subprocess
for number in range(3):
    print(number, flush=True)
    subprocess.run(['sh', '-c', f'echo {number}.5'])", same, Says("0\n0.5\n1\n1.5\n2\n2.5");
};

/// What needs more than one run, or something on the outside.
pub(super) fn around(sandbox: &dyn Sandbox) {
    files_import_each_other(sandbox);
    a_null_byte_is_an_error(sandbox);
    sparse_files_count_by_their_length(sandbox);
    links_to_a_file_are_not_copies(sandbox);
    hidden_files_are_collected(sandbox);
    nothing_passes_from_run_to_run(sandbox);
}

pub(super) fn files_import_each_other(sandbox: &dyn Sandbox) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.py"), "import library; print(library.x)").unwrap();
    std::fs::write(folder.path().join("library.py"), "x = 'hello'").unwrap();
    let mut job = python("");
    job.args = vec!["main.py".to_owned()];
    job.mounts.push(Mount { host: folder.path().to_owned(), inside: WORK_DIR.to_owned() });
    assert_eq!(says(&run(sandbox, &job), "hello"), Ok(()));
}

/// An argument or a variable that the kernel would cut short must not run as something else.
pub(super) fn a_null_byte_is_an_error(sandbox: &dyn Sandbox) {
    let mut job = python("");
    job.args.push("one\0two".to_owned());
    assert!(sandbox.run(&job, &Stop::default()).is_err(), "an argument");
    let mut job = python("");
    job.env.insert("X".to_owned(), "one\0two".to_owned());
    assert!(sandbox.run(&job, &Stop::default()).is_err(), "a variable");
}

pub(super) fn sparse_files_count_by_their_length(sandbox: &dyn Sandbox) {
    let (into, mut job) =
        collecting("for name in 'abc': os.truncate(os.open('/out/' + name, os.O_CREAT | os.O_RDWR), 3 << 20)");
    job.limits.out_bytes = 4 * MIB;
    let outcome = run(sandbox, &job);
    assert_eq!(ends(&outcome, Ended::Exited(0)), Ok(()));
    let names: Vec<_> = outcome.collected.files.iter().map(|(name, bytes, _)| (name.as_str(), *bytes)).collect();
    assert_eq!(names, [("a", 3 * MIB)]);
    let refused: Vec<_> = outcome.collected.refused.iter().map(|refused| refused.path.as_str()).collect();
    assert_eq!(refused, ["b", "c"]);
    assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 1);
}

pub(super) fn links_to_a_file_are_not_copies(sandbox: &dyn Sandbox) {
    let code = "open('/out/file', 'w').write('x' * 1000)\nfor i in range(20): os.symlink('file', f'/out/link{i}')";
    let (into, job) = collecting(code);
    let outcome = run(sandbox, &job);
    assert_eq!(ends(&outcome, Ended::Exited(0)), Ok(()));
    assert_eq!(outcome.collected.files.len(), 1);
    assert_eq!(outcome.collected.refused.len(), 20);
    assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 1);
}

/// Unlike snekbox, which leaves them out: what a program left is told whole.
pub(super) fn hidden_files_are_collected(sandbox: &dyn Sandbox) {
    let (_into, job) =
        collecting("os.mkdir('/out/.a'); open('/out/.a/b', 'w').write('b'); open('/out/.c', 'w').write('c')");
    let outcome = run(sandbox, &job);
    let expected = [(".a/b".to_owned(), 1, Digest::of(b"b")), (".c".to_owned(), 1, Digest::of(b"c"))];
    assert_eq!(outcome.collected.files, expected);
}

/// Leaves a mark wherever it can, and tells the marks that were there before.
const MARK: &str = r"
import socket
left = []
for folder, folders, _ in os.walk('/'):
    folders[:] = [name for name in folders if folder.count('/') < 3 and os.path.join(folder, name) not in ('/proc', '/usr')]
    path = os.path.join(folder, 'left-behind')
    if os.path.lexists(path): print('there', path)
    try: open(path, 'x').close(); left.append(folder)
    except OSError: pass
for size in (1 << 12,):
    if libc.shmget(0x7e57, size, 0o600) >= 0: print('there', 'segment')
    libc.shmget(0x7e57, size, 0o1600)
try: socket.socket(socket.AF_UNIX).connect('\0left-behind'); print('there', 'socket')
except OSError: pass
listener = socket.socket(socket.AF_UNIX); listener.bind('\0left-behind'); listener.listen()
print({'/tmp', '/out', '/dev/shm'} <= set(left), flush=True)
";

/// One run after another, and one beside another that goes on.
pub(super) fn nothing_passes_from_run_to_run(sandbox: &dyn Sandbox) {
    let job = python(MARK);
    for _ in 0..2 {
        assert_eq!(says(&run(sandbox, &job), "True"), Ok(()));
    }
    let (staying, stop) = (python(&format!("{MARK}\ntime.sleep(60)")), Stop::default());
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| sandbox.run(&staying, &stop).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(700));
        let outcome = run(sandbox, &job);
        stop.raise();
        assert_eq!(beside.join().unwrap().ended, Ended::Interrupted);
        assert_eq!(says(&outcome, "True"), Ok(()));
    });
}
