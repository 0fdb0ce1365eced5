//! The table of programs.

use std::time::Duration;

use vetrun::sandbox::{Ended, Interpreter, Job, Outcome, Program};

use super::Expect::{Ends, Holds, Says};
use super::{Case, ends, says, text};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

pub(super) fn same(_: &mut Job) {}

pub(super) fn hasty(job: &mut Job) {
    job.limits.wall = Duration::from_millis(700);
}

fn node(code: &str, job: &mut Job) {
    job.program = Program::Interpreter(Interpreter::Node);
    job.args = vec!["-e".to_owned(), code.to_owned()];
    job.limits.memory_bytes = 512 * MIB;
}

/// The first number that a program printed.
pub(super) fn number(outcome: &Outcome) -> Result<u64, String> {
    let said = text(outcome);
    let err = String::from_utf8_lossy(&outcome.stderr.bytes);
    said.split_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| format!("{:?}: no number in {said:?}; stderr: {err}", outcome.ended))
}

pub(super) fn within(value: u64, low: u64, high: u64) -> Result<(), String> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(format!("{value} is not within {low} and {high}")) }
}

pub(super) fn timed_out(outcome: &Outcome) -> Result<(), String> {
    if outcome.ended != Ended::TimedOut {
        return Err(format!("{:?}: {}", outcome.ended, String::from_utf8_lossy(&outcome.stderr.bytes)));
    }
    within(outcome.metrics.wall.as_millis().try_into().unwrap(), 690, 3000)
}

fn flooded(outcome: &Outcome, stream: &vetrun::sandbox::Stream) -> Result<(), String> {
    if outcome.ended != Ended::OutputLimit {
        return Err(format!("{:?}", outcome.ended));
    }
    if !stream.truncated() || stream.bytes.len() as u64 != 64 * KIB {
        return Err(format!("{} bytes kept of {}", stream.bytes.len(), stream.bytes_seen));
    }
    within(stream.bytes_seen, 64 * KIB, 4 * MIB)
}

fn case(name: &'static str, code: &'static str, expect: super::Expect) -> Case {
    Case { name, code, job: same, expect }
}

macro_rules! cases {
    ($($name:literal, $code:expr, $job:expr, $expect:expr;)*) => {
        &[$(Case { name: $name, code: $code, job: $job, expect: $expect },)*]
    };
}

/// What every program meets.
const CASES: &[Case] = cases! {
    // How a program ends.
    "exit with nothing", "", same, Ends(Ended::Exited(0));
    "exit with a code", "sys.exit(3)", same, Ends(Ended::Exited(3));
    "exit with the code of a kill", "os._exit(137)", same, Ends(Ended::Exited(137));
    "exit with the code of a timeout", "os._exit(124)", same, Ends(Ended::Exited(124));
    "kill itself", "os.kill(os.getpid(), 9)", same, Ends(Ended::Signaled(9));
    "terminate itself", "os.kill(os.getpid(), 15)", same, Ends(Ended::Signaled(15));
    "crash", "ctypes.string_at(0)", same, Ends(Ended::Signaled(11));
    "abort", "os.abort()", same, Ends(Ended::Signaled(6));
    "deep recursion in C ends the program alone", r"
f = ctypes.CFUNCTYPE(None)(lambda: f())
sys.setrecursionlimit(10**9)
def g(): return g()
g()", same, Holds(|outcome| match outcome.ended {
        Ended::TimedOut | Ended::Interrupted | Ended::OutputLimit => Err(format!("{:?}", outcome.ended)),
        _ => Ok(()),
    });

    // Time.
    "sleep past the deadline", "time.sleep(60)", hasty, Holds(timed_out);
    "ignore every signal", r"
import signal
for s in range(1, 65):
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: time.sleep(1)", hasty, Holds(timed_out);
    "spin in several processes", "os.fork(); os.fork()\nwhile True: pass", hasty, Holds(timed_out);
    "stop itself", "import signal; os.kill(os.getpid(), signal.SIGSTOP)", hasty, Holds(timed_out);
    "output before the deadline is kept", "print('early', flush=True); time.sleep(60)", hasty, Holds(|outcome| {
        timed_out(outcome)?;
        if text(outcome) == "early" { Ok(()) } else { Err(text(outcome)) }
    });
    "a daemon ends with the program", r"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(60)
    os._exit(0)
print('done')", same, Holds(|outcome| {
        says(outcome, "done")?;
        within(outcome.metrics.wall.as_millis().try_into().unwrap(), 0, 5000)
    });

    // Streams.
    "streams are apart", "sys.stdout.write('out'); sys.stderr.write('err')", same, Holds(|outcome| {
        says(outcome, "out")?;
        if outcome.stderr.bytes == b"err" { Ok(()) } else { Err(format!("{:?}", outcome.stderr)) }
    });
    "bytes arrive as they are", r"os.write(1, b'\x00\xff\x1b[2J\r\n')", same, Holds(|outcome| {
        if outcome.stdout.bytes == b"\x00\xff\x1b[2J\r\n" { Ok(()) } else { Err(format!("{:?}", outcome.stdout)) }
    });
    "flood of standard output", "while True: os.write(1, b'x' * 65536)", same, Holds(|o| flooded(o, &o.stdout));
    "flood of standard error", "while True: os.write(2, b'x\\n' * 999)", same, Holds(|o| flooded(o, &o.stderr));
    "too much before the end", "os.write(1, b'x' * 65536); os.write(1, b'y')", same, Holds(|o| flooded(o, &o.stdout));
    "as much as may be", "os.write(1, b'x' * 65536)", same, Holds(|outcome| {
        if outcome.ended == Ended::Exited(0) && outcome.stdout.bytes.len() == 65536 && !outcome.stdout.truncated() {
            return Ok(());
        }
        Err(format!("{:?}, {} bytes", outcome.ended, outcome.stdout.bytes_seen))
    });
    "streams have names", r"
open('/dev/stdout', 'w').write('o'); open('/dev/stderr', 'w').write('e'); print(repr(open('/dev/stdin').read()))", same,
        Holds(|outcome| {
            says(outcome, "o''")?;
            if outcome.stderr.bytes == b"e" { Ok(()) } else { Err(format!("{:?}", outcome.stderr)) }
        });
    "no input", "print(repr(sys.stdin.read()))", same, Says("''");
    "given input", "d = sys.stdin.buffer.read(); print(len(d), d[-3:])", |job| {
        job.stdin = vec![b'i'; 300_000];
        job.stdin.extend(b"end");
    }, Says("300003 b'end'");

    // What a program is given.
    "arguments arrive as they are", "print(sys.argv[1:])", |job| {
        job.args.extend(["-x", "a b", "", "$HOME", "é\n"].map(str::to_owned));
    }, Says(r"['-x', 'a b', '', '$HOME', 'é\n']");
    "the environment is the job's alone", "print(sorted(os.environ))", same, Says("['HOME', 'LANG', 'PATH', 'TMPDIR']");
    "the working directory", "print(os.getcwd(), os.listdir('.'))", same, Says("/work ['input.txt']");
    "input files can be read", "print(open('/work/input.txt').read())", same, Says("input");
    "home and scratch can be written", r"
import tempfile
for folder in (os.path.expanduser('~'), tempfile.gettempdir(), '/out'):
    path = os.path.join(folder, 'x')
    open(path, 'w').write('x')
    print(folder, open(path).read())", same, Says("/tmp/home x\n/tmp x\n/out x");
    "rename between folders", r"
os.mkdir('/out/a'); open('/out/x', 'w').close(); os.rename('/out/x', '/out/a/x'); os.link('/out/a/x', '/out/y')
print(sorted(os.listdir('/out')))", same, Says("['a', 'y']");
    "devices work", r"
print(open('/dev/null').read() == '', len(open('/dev/urandom', 'rb').read(8)), open('/dev/zero', 'rb').read(2))
print(os.path.exists('/dev/fd/1'))", same, Says("True 8 b'\\x00\\x00'\nTrue");
    "a name for the user", "import pwd; print(pwd.getpwuid(os.getuid()).pw_uid == os.getuid() != 0)", |job| {
        job.env.insert("X".to_owned(), "1".to_owned());
    }, Says("True");

    // Programs that must work.
    "threads", r"
import threading
found = []
threads = [threading.Thread(target=found.append, args=(i,)) for i in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(found))", same, Says("[0, 1, 2, 3, 4, 5, 6, 7]");
    "a pool of processes", r"
import multiprocessing
with multiprocessing.get_context('fork').Pool(3) as pool: print(pool.map(abs, [-1, -2, 3]))", same, Says("[1, 2, 3]");
    "shared memory", r"
from multiprocessing import shared_memory
memory = shared_memory.SharedMemory(create=True, size=1 << 16)
memory.buf[:2] = b'ok'; print(bytes(memory.buf[:2]).decode()); memory.close(); memory.unlink()", same, Says("ok");
    "a program of the system", r"
import subprocess
print(subprocess.run(['sh', '-c', 'echo $((6 * 7))'], capture_output=True, text=True).stdout)", same, Says("42");
    "a local socket", r"
import socket
a, b = socket.socketpair(); a.send(b'hi'); print(b.recv(2).decode())", same, Says("hi");
    "an event loop", "import asyncio\nasync def f(): await asyncio.sleep(0.01); print('ok')\nasyncio.run(f())", same, Says("ok");
    "a broken pipe ends a program as ever", r"
import subprocess
print(subprocess.run('yes | head -1', shell=True, capture_output=True, text=True).stdout.strip())", same, Says("y");
    "node", "", |job| node("console.log(6 * 7)", job), Says("42");
    "node with workers and web assembly", "", |job| node(r"
const { Worker } = require('worker_threads');
const bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
const ok = WebAssembly.validate(bytes);
new Worker(`require('worker_threads').parentPort.postMessage('worker')`, { eval: true })
    .on('message', m => console.log(m, ok));", job), Says("worker true");

    "a server of its own", r"
import http.server, threading, urllib.request
server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
server.RequestHandlerClass.log_message = lambda *_: None
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f'http://127.0.0.1:{server.server_port}/input.txt'
print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=5).read().decode())", same,
        Says("input");
    "a server of its own in node", "", |job| node(r"
const http = require('http');
const server = http.createServer((_, answer) => answer.end('served')).listen(0, '127.0.0.1', () =>
    http.get({ host: '127.0.0.1', port: server.address().port }, answer => {
        answer.on('data', data => console.log(String(data)));
        answer.on('end', () => server.close());
    }));", job), Says("served");

    // How much a program may use.
    "processes", r"
count = 0
try:
    while count < 300:
        if os.fork() == 0: time.sleep(30); os._exit(0)
        count += 1
except OSError: pass
print(count)", same, Holds(|outcome| {
        within(number(outcome)?, 10, 40)?;
        // Samples may miss a short peak.
        let least = if outcome.metrics.sampled { 1 } else { 10 };
        within(outcome.metrics.pids_peak.unwrap_or(0), least, 41)
    });
    "processes that fork themselves", r"
while True:
    try: os.fork()
    except OSError: pass", hasty, Holds(|outcome| {
        timed_out(outcome)?;
        within(outcome.metrics.pids_peak.unwrap_or(0), 1, 41)
    });
    "threads without end", r"
import threading
stop = threading.Event(); count = 0
try:
    while count < 300: threading.Thread(target=stop.wait, daemon=True).start(); count += 1
except RuntimeError: pass
print(count, flush=True); os._exit(0)", same, Holds(|outcome| within(number(outcome)?, 10, 40));
    "dead children without end", r"
count = 0
try:
    while count < 300:
        if os.fork() == 0: os._exit(0)
        count += 1
except OSError: pass
print(count)", same, Holds(|outcome| within(number(outcome)?, 10, 40));
    "memory", "x = []\nwhile True: x.append(bytearray(1 << 20))", same, Ends(Ended::OutOfMemory);
    "memory of a child alone", r"
if os.fork() == 0:
    x = []
    while True: x.append(bytearray(1 << 20))
print(os.WTERMSIG(os.wait()[1]))", same, Holds(|outcome| {
        if outcome.metrics.sampled && outcome.metrics.oom_kills.is_none() {
            // Where memory is only sampled, the whole run is killed.
            return ends(outcome, Ended::OutOfMemory);
        }
        says(outcome, "9")?;
        match outcome.metrics.oom_kills { Some(0) => Err("no kill was counted".to_owned()), _ => Ok(()) }
    });
    "memory that no process has mapped", r"
files = []
for i in range(40):
    f = os.memfd_create('x'); files.append(f)
    os.write(f, b'x' * (6 << 20))
print('free')", |job| job.limits.pids = 20, Holds(|outcome| match (outcome.ended, text(outcome).as_str()) {
        (Ended::OutOfMemory, _) | (Ended::Exited(1), "") => Ok(()),
        (ended, said) => Err(format!("{ended:?} {said}")),
    });
    "shared memory that no process has attached", r"
libc.shmat.restype = ctypes.c_void_p
for i in range(40):
    segment = libc.shmget(0, 6 << 20, 0o1600)
    if segment < 0: sys.exit(1)
    place = libc.shmat(segment, None, 0)
    ctypes.memset(place, 1, 6 << 20)
    libc.shmdt(ctypes.c_void_p(place))
print('free')", same, Holds(|outcome| match (outcome.ended, text(outcome).as_str()) {
        (Ended::OutOfMemory, _) | (Ended::Exited(1), "") => Ok(()),
        (ended, said) => Err(format!("{ended:?} {said}")),
    });
    "memory of a run is measured", "x = bytearray(50 << 20); time.sleep(0.3)", same, Holds(|outcome| {
        within(outcome.metrics.memory_peak_bytes.unwrap_or(0), 50 * MIB, 128 * MIB)
    });
    "processor time of a run is measured", "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass", same,
        Holds(|outcome| within(outcome.metrics.cpu.unwrap_or_default().as_millis().try_into().unwrap(), 300, 3000));
    "open files", r"
files = []
try:
    while len(files) < 5000: files.append(open('/dev/null'))
except OSError: pass
print(len(files))", same, Holds(|outcome| within(number(outcome)?, 50, 200));
    "bytes in the output folder", r"
written = 0
try:
    for i in range(20):
        with open(f'/out/{i}', 'wb', 0) as f: written += f.write(b'x' * (1 << 20))
except OSError: pass
print(written)", same, Holds(|outcome| match outcome.ended {
        Ended::DiskLimit => Ok(()),
        _ => within(number(outcome)?, MIB, 4 * MIB),
    });
    "files in the output folder", r"
count = 0
try:
    while count < 1000: open(f'/out/{count}', 'x').close(); count += 1
except OSError: pass
print(count)", same, Holds(|outcome| match outcome.ended {
        Ended::DiskLimit => Ok(()),
        _ => within(number(outcome)?, 40, 50),
    });
    "bytes in the scratch folder", r"
written = 0
try:
    for i in range(20):
        with open(f'/tmp/{i}', 'wb', 0) as f: written += f.write(b'x' * (1 << 20))
except OSError: pass
print(written)", same, Holds(|outcome| within(number(outcome)?, MIB, 4 * MIB));
    "bytes of one file", r"
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try: f = os.memfd_create('x')
except OSError: f = os.open('/dev/shm/x', os.O_CREAT | os.O_RDWR)
written = 0
try:
    while written < 64 << 20: written += os.write(f, b'x' * (1 << 20))
except OSError: pass
print(written)", same, Holds(|outcome| within(number(outcome)?, MIB, 8 * MIB));
    "a sparse file of a terabyte", r"
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def sparse(): os.truncate(os.open('/out/x', os.O_CREAT | os.O_RDWR), 1 << 40)
tries([('sparse', sparse)])", same, Says("");
    "shared memory is small", r"
written = 0
try:
    for i in range(200):
        with open(f'/dev/shm/{i}', 'wb', 0) as f: written += f.write(b'x' * (1 << 20))
except OSError: pass
print(written)", same, Holds(|outcome| within(number(outcome)?, 0, 64 * MIB));
    "limits cannot be raised", r"
import resource
def raised(what):
    def attempt():
        try: resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except ValueError: raise OSError
    return attempt
tries([('nofile', raised(resource.RLIMIT_NOFILE)), ('fsize', raised(resource.RLIMIT_FSIZE))])", same, Says("");

    // What a program may touch.
    "the input is read-only", r"
def write(): open('/work/input.txt', 'a').write('x')
def create(): open('/work/new', 'w').close()
tries([('write', write), ('create', create), ('remove', lambda: os.remove('/work/input.txt')),
       ('chmod', lambda: os.chmod('/work/input.txt', 0o777)), ('rename', lambda: os.rename('/work/input.txt', '/work/z'))])",
        same, Says("");
    "everything else is read-only", r"
allowed = ('/out', '/tmp', '/proc', '/dev/shm')
for folder, folders, _ in os.walk('/'):
    folders[:] = [d for d in folders if os.path.join(folder, d) not in allowed and folder.count('/') < 3]
    try:
        open(os.path.join(folder, '.new'), 'w').close()
        print(folder)
    except OSError: pass", same, Says("");
    "secrets and sockets of the host are absent", r"
for path in ('/etc/shadow', '/etc/sudoers', '/root/.ssh', '/home', '/boot', '/var/run/docker.sock', '/run/docker.sock',
             '/dev/kvm', '/dev/mem', '/dev/kmsg', '/dev/vsock', '/dev/vda', '/dev/sda', '/dev/fuse', '/dev/net/tun'):
    try:
        if os.path.isdir(path): found = os.listdir(path)
        else: found = [os.open(path, os.O_RDONLY)]
    except OSError: continue
    if found: print(path)", same, Says("");
    "settings of the kernel cannot be written", r"
def write(path):
    def attempt(): os.close(os.open(path, os.O_WRONLY))
    return attempt
tries([(path, write(path)) for path in (
    '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/vm/overcommit_memory', '/proc/sysrq-trigger',
    '/proc/sys/fs/binfmt_misc/register', '/sys/kernel/uevent_helper', '/sys/fs/cgroup/release_agent',
    '/proc/1/mem', '/proc/1/oom_score_adj', '/proc/irq/0/smp_affinity')])", same, Says("");
    "memory of the kernel cannot be read", r"
def read(path):
    def attempt():
        if not os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 1): raise OSError
    return attempt
tries([(path, read(path)) for path in ('/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/kmsg')])", same, Says("");
    "no control group can be seen or made", r"
def make(): os.mkdir('/sys/fs/cgroup/memory/x')
tries([('make', make), ('list', lambda: open('/sys/fs/cgroup/memory/tasks'))])", same, Says("");

    // Who a program is.
    "nobody, with nothing", r"
status = dict(line.split(':\t', 1) for line in open('/proc/self/status').read().splitlines() if ':\t' in line)
print(0 in map(int, status['Uid'].split() + status['Gid'].split() + status['Groups'].split()))
print([status[key] for key in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb') if int(status[key], 16)])
print(status['NoNewPrivs'], status['Seccomp'])", same, Says("False\n[]\n1 2");
    "nobody becomes root", r"
tries([('setuid', lambda: os.setuid(0)), ('setgid', lambda: os.setgid(0)), ('setgroups', lambda: os.setgroups([0])),
       ('chown', lambda: os.chown('/tmp', 0, 0))])", same, Says("");
    "few processes are seen", "print(sum(name.isdigit() for name in os.listdir('/proc')))", same,
        Holds(|outcome| within(number(outcome)?, 1, 3));
    "killing everything kills nobody else", r"
import signal
try: os.kill(-1, 9)
except OSError: pass
try: os.kill(1, 9)
except OSError: pass
time.sleep(0.05)
print('alive')", same, Says("alive");
    "the first process cannot be looked into", r"
def read(file):
    def attempt(): open(f'/proc/1/{file}', 'rb').read()
    return attempt
tries([('environ', read('environ')), ('mem', read('mem')), ('exe', lambda: os.open('/proc/1/exe', os.O_RDONLY)),
       ('root', lambda: os.listdir('/proc/1/root'))])", same, Says("");

    // What a program may ask of the kernel (numbers of x86-64).
    "system calls that reach out", r"
import struct
buffer = ctypes.create_string_buffer(4096)
calls = dict(ptrace=101, mount=165, umount2=166, pivot_root=155, chroot=161, setns=308, unshare=272, keyctl=250,
    add_key=248, request_key=249, bpf=321, perf_event_open=298, userfaultfd=323, io_uring_setup=425, io_uring_enter=426,
    io_uring_register=427, open_by_handle_at=304, name_to_handle_at=303, kexec_load=246, kexec_file_load=320,
    init_module=175, finit_module=313, delete_module=176, clock_settime=227, clock_adjtime=305, settimeofday=164,
    adjtimex=159, swapon=167, swapoff=168, reboot=169, quotactl=179, acct=163, syslog=103, process_vm_readv=310,
    process_vm_writev=311, modify_ldt=154, iopl=172, ioperm=173, fsopen=430, fsmount=432, move_mount=429, open_tree=428,
    mount_setattr=442, fanotify_init=300, kcmp=312, pidfd_getfd=438, memfd_secret=447, sethostname=170, vhangup=153,
    move_pages=279, quotactl_fd=443, process_madvise=440)
refused = (1, 13, 38)
print([name for name, n in calls.items() if call(n, 0, buffer, 0, 0, 0, 0) not in refused])", same, Says("[]");
    "namespaces by clone", r"
flags = dict(ns=0x20000, cgroup=0x2000000, uts=0x4000000, ipc=0x8000000, user=0x10000000, pid=0x20000000, net=0x40000000)
for name, flag in flags.items():
    pid = libc.syscall(56, ctypes.c_long(flag | 17), 0, 0, 0, 0)
    if pid == 0: os._exit(0)
    if pid > 0: print(name)
print(call(435, 0, 0))", same, Holds(|outcome| match text(outcome).as_str() {
        "38" | "1" => Ok(()),
        other => Err(other.to_owned()),
    });
    "the other numbering of calls", "print(call(0x40000000 | 39) != 0, call(0x40000000 | 521, 0, 0, 0, 0) != 0)", same,
        Says("True True");
    "socket families", r"
import socket
def make(family, kind=socket.SOCK_STREAM):
    def attempt(): socket.socket(family, kind)
    return attempt
tries([(str(family), make(family)) for family in range(2, 46)] + [(f'raw {f}', make(f, socket.SOCK_RAW)) for f in (2, 10, 16, 17)]
    + [(f'datagram {f}', make(f, socket.SOCK_DGRAM)) for f in (16, 17, 38, 40)])", same, Holds(|outcome| {
        // Internet sockets may be made where nothing can be reached with them.
        match text(outcome).lines().filter(|line| !matches!(*line, "2" | "10")).collect::<Vec<_>>() {
            families if families.is_empty() => Ok(()),
            families => Err(families.join(" ")),
        }
    });
    "socket protocols", r"
import socket
# SCTP, DCCP, UDP-Lite, ICMP, L2TP, MPTCP and raw IP, each of which is answered before the kernel looks for a module.
kinds = [(1, 132), (5, 132), (6, 33), (2, 136), (2, 1), (2, 58), (2, 115), (1, 262), (1, 256), (3, 255)]
print([(family, kind, number) for family in (2, 10) for kind, number in kinds if call(41, family, kind, number) != 1])",
        same, Says("[]");
    "no address but its own", r"
import socket
def connect(family, kind, address):
    def attempt():
        s = socket.socket(family, kind); s.settimeout(2)
        s.connect((address, 53)); s.send(b'x')
    return attempt
tries([(f'{address} {kind}', connect(family, kind, address)) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    for family, address in ((2, '192.0.2.1'), (2, '169.254.169.254'), (2, '10.0.0.1'), (2, '172.17.0.1'), (2, '224.0.0.1'),
        (2, '255.255.255.255'), (10, '2001:db8::1'), (10, 'fe80::1'), (10, 'ff02::1'))])", same, Says("");
    "no descriptor but the three", "print(os.listdir('/proc/self/fd'))", same, Says("['0', '1', '2', '3']");
    "what the host's devices do is hidden", r"
def read(name):
    def attempt():
        if not open(f'/proc/{name}', 'rb').read(1): raise OSError
    return attempt
tries([(name, read(name)) for name in ('interrupts', 'diskstats')])", same, Says("");
    "no message queue", r"print(call(240, ctypes.c_char_p(b'x'), 0o102, 0o600, 0) != 0)", same, Says("True");
    "typing into a terminal", r"
import fcntl
def sti(): fcntl.ioctl(0, 0x5412, b'x')
def sti_high(): 
    if call(16, 0, 0x5412 | (1 << 32), ctypes.create_string_buffer(1)): raise OSError
tries([('sti', sti), ('high', sti_high)])", same, Says("");
    "where memory is cannot be fixed", "print(call(135, 0x0040000) != 0, call(135, 0xffffffff))", same, Says("True 0");
    "no core is left", r"
if os.fork() == 0: os.chdir('/out'); os.abort()
print(os.WCOREDUMP(os.wait()[1]), os.listdir('/out'))", same, Says("False []");
    "only loopback, if any", r"
lines = open('/proc/net/dev').read().splitlines()[2:]
print([name for name in (line.split(':')[0].strip() for line in lines) if name != 'lo'])", same, Says("[]");
};

/// The cases of all tables.
pub(super) fn every() -> impl Iterator<Item = &'static Case> {
    CASES.iter().chain(super::attacks::ATTACKS).chain(super::scenarios::SCENARIOS).chain(super::judges::JUDGES)
}

// A table of `const` needs its rows made in place; this keeps the short form for the tests of the table itself.
#[test]
fn names_are_unique() {
    let mut names: Vec<_> = every().map(|case| case.name).chain([case("", "", Says("")).name]).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count > 120, "{count}");
}
