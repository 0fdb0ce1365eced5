//! Programs that go on changing their output folder while they end, and floods: what a supervisor must withstand.

use std::path::Path;
use std::time::Duration;

use vetrun::sandbox::{Ended, Outcome, Sandbox, Stream};

use super::native::{has_a_process_to_itself, processes_with};
use super::{collecting, ends, python, run};

/// How many times a race is run; each ends a little later than the one before.
const ROUNDS: u32 = 12;

/// What needs something on the outside.
pub(super) fn around(sandbox: &dyn Sandbox) {
    nothing_outside_is_collected(sandbox);
}

/// Children exchange a file, a folder with a file in it, and whole trees for links, FIFOs and folders until they are
/// killed. Whatever is found by the collector was written by them: a text of their own, or a beginning of it.
const SWAPS: &str = r"
import shutil
delay = float(sys.argv[1])
os.chdir('/out')
def remove(name):
    if os.path.islink(name) or not os.path.isdir(name): os.unlink(name)
    else: shutil.rmtree(name)
def write(path): open(path, 'w').write('own')
def folder(name, inner):
    os.mkdir(name); write(f'{name}/{inner}')
shapes = {
    'passwd': [lambda n: write(n), lambda n: os.symlink('/etc/passwd', n), os.mkfifo, lambda n: folder(n, 'x'),
               lambda n: os.symlink('/proc/self/environ', n), lambda n: os.symlink('..', n)],
    'etc': [lambda n: folder(n, 'passwd'), lambda n: os.symlink('/etc', n), lambda n: os.symlink('/', n), lambda n: write(n)],
    'deep': [lambda n: (os.makedirs(f'{n}/a/b'), write(f'{n}/a/b/hostname')), lambda n: os.symlink('/proc/1/root', n),
             lambda n: (os.makedirs(f'{n}/a'), os.symlink('/etc', f'{n}/a/b'))],
}
def swap(name, makers):
    os.setsid()
    while True:
        for make in makers:
            try: make(name)
            except OSError: pass
            try: remove(name)
            except OSError: pass
def rename():
    # The same by one call, in which no moment is without a file.
    write('.file'); os.symlink('/etc/passwd', '.link')
    while True:
        for source in ('.file', '.link'):
            try: os.rename(source, 'shadow'); write('.file') if source == '.file' else os.symlink('/etc/passwd', '.link')
            except OSError: pass
for name, makers in shapes.items():
    if os.fork() == 0: swap(name, makers)
if os.fork() == 0: rename()
time.sleep(delay)
print('on', flush=True)
os._exit(0)
";

fn nothing_outside_is_collected(sandbox: &dyn Sandbox) {
    let marker = format!("race-{}-{:?}", std::process::id(), std::thread::current().id());
    let mut seen = [0, 0];
    for round in 0..ROUNDS {
        let (into, mut job) = collecting(SWAPS);
        job.args.extend([format!("{}", 0.03 + f64::from(round) * 0.007), marker.clone()]);
        let outcome = run(sandbox, &job);
        // Nothing that it started runs while its folder is read, nor later.
        assert_eq!(processes_with(&marker), Vec::<i32>::new());
        assert_eq!(super::says(&outcome, "on"), Ok(()));
        only_own_texts(into.path(), &outcome);
        seen[0] += outcome.collected.files.len();
        seen[1] += outcome.collected.refused.len();
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?} files and others: nothing was swapped");
}

fn only_own_texts(into: &Path, outcome: &Outcome) {
    let mut left = vec![into.to_owned()];
    let mut found = 0;
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
            assert!(kind.is_dir() || kind.is_file(), "{} is neither a file nor a folder", path.display());
            if kind.is_dir() {
                left.push(path);
                continue;
            }
            found += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            assert!("own".starts_with(&text), "{} holds {text:?}", path.display());
        }
    }
    assert_eq!(found, outcome.collected.files.len(), "{:?}", outcome.collected);
}

/// Bytes kept of a stream in the tests of floods.
const CAP_BYTES: u64 = 1 << 20;
/// What may be read beyond that: as much as a pipe holds.
const BEYOND_BYTES: u64 = 64 << 10;
/// By how much this process may grow while it reads ten gigabytes: what is kept, and as much again.
const GROWTH_BYTES: u64 = 2 * CAP_BYTES + (2 << 20);

/// Each writes ten gigabytes, unless it is stopped.
const FLOODS: [&str; 4] = [
    "block = b'x' * (1 << 20)\nfor _ in range(10240): os.write(1, block)",
    "block = b'x' * (1 << 20)\nfor _ in range(10240): os.write(2, block)",
    "os.fork(); os.fork()\nblock = b'x' * (1 << 20)\nfor _ in range(2560): os.write(1, block); os.write(2, block)",
    "import subprocess; subprocess.run(['sh', '-c', 'yes | head -c 10737418240'])",
];

fn stops_at_the_cap(stream: &Stream) -> bool {
    stream.truncated() && stream.bytes.len() as u64 == CAP_BYTES && stream.bytes_seen <= CAP_BYTES + BEYOND_BYTES
}

/// Resident memory of this process, now or at its highest.
fn resident(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Has a process to itself, so that what grows is its own.
#[test]
fn a_flood_stops_at_the_cap_and_memory_stays_flat() {
    if !has_a_process_to_itself("races::a_flood_stops_at_the_cap_and_memory_stays_flat") {
        return;
    }
    let sandbox = super::native();
    run(&sandbox, &python(""));
    for flood in FLOODS {
        let mut job = python(flood);
        job.limits.stream_bytes = CAP_BYTES;
        job.limits.wall = Duration::from_secs(60);
        // The highest use is counted anew from here on.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = resident("VmRSS");
        let outcome = run(&sandbox, &job);
        let grown = resident("VmHWM").saturating_sub(before);
        println!("{} and {} bytes seen, {grown} bytes grown", outcome.stdout.bytes_seen, outcome.stderr.bytes_seen);
        assert_eq!(ends(&outcome, Ended::OutputLimit), Ok(()), "{flood}");
        let (out, err) = (&outcome.stdout, &outcome.stderr);
        assert!(stops_at_the_cap(out) || stops_at_the_cap(err), "{flood}: {} {}", out.bytes_seen, err.bytes_seen);
        assert!(out.bytes_seen.max(err.bytes_seen) <= CAP_BYTES + BEYOND_BYTES, "{flood}");
        assert!(grown <= GROWTH_BYTES, "{flood}: {grown} bytes more");
    }
}
