//! What the native back end tells of a program's attempts, and that telling changes nothing.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use vetrun::sandbox::{AttemptKind, Behaviour, Ended, Job, Network, Outcome, Program, Sandbox, Stop};

use super::native::{alone, eventually, is_alone, processes_with};
use super::{ends, native_is_off, python, run, says, text};

/// What is run once more by a user without rights.
pub(super) const FOR_EVERY_USER: [&str; 6] = [
    "what_is_refused_is_told_with_what_it_was_for",
    "addresses_and_names_are_told",
    "programs_that_are_started_are_told",
    "every_call_returns_the_same_with_and_without",
    "texts_that_cannot_be_read_or_have_no_end_are_no_trouble",
    "threads_and_children_are_told_together",
];

/// A program whose run is traced.
fn traced(code: &str) -> Job {
    Job { trace: true, ..python(code) }
}

fn seen(code: &str) -> Option<(Outcome, Behaviour)> {
    if native_is_off() {
        return None;
    }
    let outcome = run(&super::native(), &traced(code));
    assert_eq!(outcome.behaviour.untraced, None);
    let behaviour = outcome.behaviour.clone();
    Some((outcome, behaviour))
}

/// Everything of one kind, a line each: the call, its target, the answer, how often.
fn told(behaviour: &Behaviour, kind: AttemptKind) -> Vec<String> {
    let line = |one: &vetrun::sandbox::Attempt| {
        let (target, answer) = (one.target.as_deref().unwrap_or("-"), one.answer.unwrap_or("-"));
        format!("{} {target} {answer} {}", one.call, one.count)
    };
    behaviour.of(kind).map(line).collect()
}

#[cfg(target_arch = "x86_64")]
#[test]
fn what_is_refused_is_told_with_what_it_was_for() {
    let code = r"
call(101, 16, 1, 0, 0)
call(425, 8, 0)
call(425, 8, 0)
call(250, 0, 0)
call(165, b'none', b'/mnt', b'tmpfs', 0, 0)
call(161, b'/tmp')
call(272, 0x10000000 | 0x20000)
call(321, 0, 0, 0)
call(41, 40, 1, 0)
call(41, 2, 1, 132)
call(56, 0x10000000 | 17, 0, 0, 0, 0)
call(16, 0, 0x5412, b'x')
call(135, 0x0040000)
call(16, 0, 0x1_0000_5412, b'x')
print('on')
";
    let Some((outcome, behaviour)) = seen(code) else { return };
    assert_eq!(says(&outcome, "on"), Ok(()));
    let expected = [
        "bpf - EPERM 1",
        "chroot /tmp EPERM 1",
        "clone CLONE_NEWUSER EPERM 1",
        "io_uring_setup - ENOSYS 2",
        "ioctl 0x5412 EPERM 2",
        "keyctl - EPERM 1",
        "mount /mnt EPERM 1",
        "personality 0x40000 EPERM 1",
        "ptrace - EPERM 1",
        "socket AF_INET protocol 132 EPERM 1",
        "socket AF_VSOCK EPERM 1",
        "unshare CLONE_NEWNS|CLONE_NEWUSER EPERM 1",
    ];
    assert_eq!(told(&behaviour, AttemptKind::Refused), expected);
    assert!(!behaviour.truncated);
}

#[test]
fn addresses_and_names_are_told() {
    let code = r"
import socket
def attempt(family, kind, address):
    try:
        socket.socket(family, kind).connect(address)
    except OSError as error:
        print(error.errno)
attempt(socket.AF_INET, socket.SOCK_STREAM, ('203.0.113.7', 80))
attempt(socket.AF_INET, socket.SOCK_STREAM, ('203.0.113.7', 80))
attempt(socket.AF_INET, socket.SOCK_DGRAM, ('203.0.113.9', 9))
attempt(socket.AF_INET6, socket.SOCK_STREAM, ('2001:db8::1', 443))
attempt(socket.AF_UNIX, socket.SOCK_STREAM, '/var/run/docker.sock')
server = socket.create_server(('127.0.0.1', 0))
socket.create_connection(server.getsockname()).close()
try:
    socket.create_connection(('name.invalid', 80))
except OSError:
    print('no such name')
try:
    # Asks one question alone, which goes out by a call that is not watched.
    socket.gethostbyname('other.invalid')
except OSError:
    print('no such name')
";
    let Some((outcome, behaviour)) = seen(code) else { return };
    assert_eq!(says(&outcome, "101\n101\n101\n101\n2\nno such name\nno such name"), Ok(()));
    let expected = [
        "connect /var/run/docker.sock - 1",
        "connect 203.0.113.7:80 - 2",
        "connect 203.0.113.9:9 - 1",
        "connect [2001:db8::1]:443 - 1",
    ];
    assert_eq!(told(&behaviour, AttemptKind::Network), expected);
    let lookups: Vec<_> = behaviour.of(AttemptKind::Lookup).filter_map(|one| one.target.as_deref()).collect();
    assert_eq!(lookups, ["127.0.0.1:53", "name.invalid"]);
    let of = |call: &str| behaviour.attempts.iter().filter(|one| one.call == call).map(|one| one.count).sum::<u64>();
    assert!(of("sendmmsg") >= 1);
    assert_eq!(told(&behaviour, AttemptKind::Refused), [""; 0]);
}

#[test]
fn programs_that_are_started_are_told() {
    let code = r"
import subprocess
subprocess.run(['true'])
subprocess.run('exit 0; echo two words', shell=True)
subprocess.run(['other-name', 'x'], executable='/usr/bin/env')
os.execv('/bin/echo', ['echo', 'last'])
";
    let Some((outcome, behaviour)) = seen(code) else { return };
    assert_eq!(says(&outcome, "last"), Ok(()));
    let told = told(&behaviour, AttemptKind::Started);
    let has = |line: &str| told.iter().any(|one| one == line);
    assert!(has("execve /bin/echo last - 1"), "{told:?}");
    assert!(has("execve /bin/sh -c 'exit 0; echo two words' - 1"), "{told:?}");
    assert!(
        has("execve '/usr/bin/env' (as other-name) x - 1") || has("execve /usr/bin/env (as other-name) x - 1"),
        "{told:?}"
    );
    assert!(told.iter().any(|one| one.ends_with("/true - 1")), "{told:?}");
    // Neither the run's own program nor the folders of the PATH that do not hold `true`; `env` looks for `x` in vain.
    assert_eq!(told.len(), 4, "{told:?}");
}

/// What is executed from memory, by a name that is no text, or by a path that is too long to be kept, is told as well.
#[test]
fn programs_that_hide_are_told() {
    let code = r"
import shutil
def start(*exec):
    if os.fork() == 0:
        os.execve(*exec, {})
    os.wait()
memory = os.memfd_create('payload', 0)
os.write(memory, open('/bin/true', 'rb').read())
os.set_inheritable(memory, True)
start(memory, ['kworker'])
shutil.copy('/bin/true', b'/tmp/\xff')
start(b'/tmp/\xff', ['x'])
start('/' + './' * 300 + 'bin/true', ['true'])
os.chdir('/bin')
start('./true', ['true'])
";
    let Some((outcome, behaviour)) = seen(code) else { return };
    assert_eq!(ends(&outcome, Ended::Exited(0)), Ok(()));
    let told = told(&behaviour, AttemptKind::Started);
    let expected = [
        format!("execve /{}.… (as true) - 1", "./".repeat(127)),
        "execve '/tmp/\u{fffd}' (as x) - 1".to_owned(),
        "execve ./true - 1".to_owned(),
        "execveat '/memfd:payload (deleted)' (as kworker) - 1".to_owned(),
    ];
    for line in &expected {
        assert!(told.contains(line), "{line} is not in {told:?}");
    }
    assert_eq!(told.len(), 4, "{told:?}");
}

#[test]
fn a_program_that_tries_nothing_has_nothing_told() {
    let code = r"
import threading
threads = [threading.Thread(target=lambda: None) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
open('/tmp/x', 'w').write('x')
if os.fork() == 0: os._exit(0)
os.wait()
";
    let Some((outcome, behaviour)) = seen(code) else { return };
    assert_eq!(ends(&outcome, Ended::Exited(0)), Ok(()));
    assert_eq!(behaviour, Behaviour::default());
}

#[test]
fn tracing_can_be_switched_off() {
    if native_is_off() {
        return;
    }
    let outcome = run(&super::native(), &python("call(101, 16, 1, 0, 0)"));
    assert_eq!(outcome.behaviour, Behaviour::untraced("it was switched off"));
}

/// Every call of the list and its neighbours, with arguments that mean nothing; prints what each returned.
const ALL_CALLS: &str = r"
skip = {
    # What would end, stop or change this process, or wait.
    0, 15, 22, 23, 24, 34, 35, 39, 56, 57, 58, 59, 60, 61, 62, 127, 128, 130, 158, 186, 200, 202, 205, 213, 218, 219,
    230, 231, 232, 234, 247, 270, 271, 281, 282, 317, 322, 334, 361, 424, 426, 435, 436, 441, 449,
}
for number in [n for n in range(0, 335)] + [n for n in range(424, 470)] + [512, 600, 0x40000000 | 165]:
    if number not in skip:
        print(number, call(number, -1, 0, 0, 0, 0, 0))
for number, *args in [
    (41, 40, 1, 0), (41, 16, 3, 0), (41, 16, 3, 9), (41, 2, 3, 132), (53, 40, 1, 0, 0), (41, 2, 1, 0), (56, 0x40000000, 0, 0, 0, 0),
    (16, 0, 0x5412, 0), (16, 0, 0x541c, 0), (135, 0x40000), (135, 0xffffffff), (317, 1, 8, 0), (317, 1, 0, 0), (317, 3, 0, 0),
    (42, -1, b'\x02\0\0\x50\xcb\0\x71\x07' + bytes(8), 16), (59, b'/nonexistent', 0, 0), (59, b'/etc', 0, 0), (59, 1, 0, 0), (322, -1, b'', 0, 0, 0x1000),
    (307, -1, 0, 1, 0), (435, 0, 0),
]:
    print(number, args[:1], call(number, *args))
";

#[cfg(target_arch = "x86_64")]
#[test]
fn every_call_returns_the_same_with_and_without() {
    if native_is_off() {
        return;
    }
    let sandbox = super::native();
    for network in [Network::None, Network::Full] {
        let mut job = python(ALL_CALLS);
        job.network = network;
        let without = run(&sandbox, &job);
        job.trace = true;
        let with = run(&sandbox, &job);
        assert_eq!(ends(&without, Ended::Exited(0)), Ok(()));
        assert_eq!(ends(&with, Ended::Exited(0)), Ok(()));
        assert_eq!(with.behaviour.untraced, None);
        assert!(text(&with).lines().count() > 300);
        let differ: Vec<_> = text(&with)
            .lines()
            .zip(text(&without).lines())
            .filter(|(a, b)| a != b)
            .map(|pair| format!("{pair:?}"))
            .collect();
        assert_eq!(differ, [""; 0]);
    }
}

#[test]
fn a_flood_is_counted_and_not_kept() {
    let code = r"
begun = time.monotonic()
for i in range(100000):
    libc.chroot(b'/mnt/%d' % i)
print(time.monotonic() - begun < 15)
libc.umount2(b'/mnt', 0)
";
    let Some((outcome, behaviour)) = seen(code) else { return };
    assert_eq!(says(&outcome, "True"), Ok(()));
    let times = |call: &str| behaviour.attempts.iter().filter(|one| one.call == call).map(|one| one.count).sum::<u64>();
    assert_eq!((times("chroot"), times("umount2")), (100_000, 1));
    assert!(behaviour.truncated);
    assert!(behaviour.attempts.len() < 100, "{}", behaviour.attempts.len());
    assert!(behaviour.attempts.iter().any(|one| one.target.as_deref() == Some("/mnt/0")));
}

#[test]
fn texts_that_cannot_be_read_or_have_no_end_are_no_trouble() {
    let code = r"
import ctypes, mmap
for address in (0, 1, -1, 0x7fffffffffff, 0xffffffffff600000, 1 << 62):
    print(call(161, ctypes.c_long(address if address < 1 << 63 else address - (1 << 64))))
page = mmap.mmap(-1, 4096)
page.write(b'x' * 4096)
start = ctypes.addressof(ctypes.c_char.from_buffer(page))
print(call(161, start), call(161, start + 4090))
libc.chroot(b'\xff\x1b[2J\n')
print(call(59, 1, 1, 1), call(59, b'/bin/true', 1, 1), call(42, 3, 1, 16), call(307, 3, 1, 1, 0))
";
    let Some((outcome, behaviour)) = seen(code) else { return };
    let answers = [&["1"; 6].join("\n")[..], "1 1", "14 14 9 9"].join("\n");
    assert_eq!(says(&outcome, &answers), Ok(()));
    let targets: Vec<_> = behaviour.of(AttemptKind::Refused).filter_map(|one| one.target.clone()).collect();
    assert!(targets.contains(&format!("{}…", "x".repeat(256))), "{targets:?}");
    assert!(targets.contains(&"\u{fffd}\u{1b}[2J\n".to_owned()), "{targets:?}");
}

#[test]
fn threads_and_children_are_told_together() {
    let code = r"
import threading
def many():
    for _ in range(500): libc.chroot(b'/mnt')
threads = [threading.Thread(target=many) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for _ in range(3):
    if os.fork() == 0:
        many()
        os._exit(0)
for _ in range(3): os.wait()
";
    let Some((outcome, behaviour)) = seen(code) else { return };
    assert_eq!(ends(&outcome, Ended::Exited(0)), Ok(()));
    assert_eq!(behaviour.of(AttemptKind::Refused).map(|one| one.count).sum::<u64>(), 3500);
}

#[test]
fn a_fork_bomb_of_attempts_ends_in_time() {
    if native_is_off() {
        return;
    }
    let code = r"
while True:
    try: os.fork()
    except OSError: pass
    libc.chroot(b'/mnt')
    if libc.fork() == 0: os.execv('/bin/true', ['true'])
";
    let mut job = traced(code);
    job.limits.wall = Duration::from_millis(700);
    let begun = Instant::now();
    let outcome = run(&super::native(), &job);
    assert!(matches!(outcome.ended, Ended::TimedOut), "{:?}", outcome.ended);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(outcome.metrics.wall < Duration::from_millis(1500), "{:?}", outcome.metrics.wall);
}

/// A filter with a listener of the program's own could answer for ours. One without may refuse more, never less.
#[cfg(target_arch = "x86_64")]
#[test]
fn filters_of_the_program_cannot_undo_ours() {
    let code = r"
import ctypes, struct
def install(number, answer, flags):
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, answer), (0x06, 0, 0, 0x7fff0000)]
    code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 4, ctypes.addressof(code)))
    return call(317, 1, flags, program)
print(install(161, 0x7fc00000, 8), install(161, 0x7fc00000, 8 | 32), install(161, 0x7fc00000, 9))
print(install(272, 0x7fc00000, 0), call(272, 0x10000000))
print(install(165, 0x7fff0000, 0), call(165, b'none', b'/mnt', b'tmpfs', 0, 0))
print(install(161, 0x50005, 0), call(161, b'/tmp'))
";
    let expected = |traced: bool| {
        // A listener that is not there answers ENOSYS.
        let unshare = if traced { 38 } else { 1 };
        format!("1 1 1\n0 {unshare}\n0 1\n0 5")
    };
    let Some((outcome, behaviour)) = seen(code) else { return };
    assert_eq!(says(&outcome, &expected(true)), Ok(()));
    assert_eq!(told(&behaviour, AttemptKind::Refused), ["mount /mnt EPERM 1"]);
    assert_eq!(says(&run(&super::native(), &python(code)), &expected(false)), Ok(()));
}

/// Nothing of the watcher is within reach: no descriptor beyond the streams, no listener to ask.
#[test]
fn the_program_holds_no_listener() {
    let code = "print(sorted(os.listdir('/proc/self/fd'))[:3], [os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if int(fd) > 2 and os.path.lexists(f'/proc/self/fd/{fd}')])";
    let Some((outcome, _)) = seen(code) else { return };
    assert_eq!(says(&outcome, "['0', '1', '2'] []"), Ok(()));
}

/// The supervisor is stopped, so that calls wait for an answer, and then killed: what waited is not let go on.
#[test]
fn what_waits_for_a_dead_supervisor_never_goes_on() {
    if native_is_off() {
        return;
    }
    if is_alone() {
        let code = r"
print('on', flush=True)
subprocess_marker = sys.argv[1]
time.sleep(1)
os.execv('/bin/sleep', ['went-on-' + subprocess_marker, '60'])
";
        let mut job = traced(code);
        job.args.push(std::env::var("VETRUN_TEST_MARKER").unwrap());
        run(&super::native(), &job);
        return;
    }
    let marker = format!("marker-{}-waits", std::process::id());
    let mut command = alone("trace::what_waits_for_a_dead_supervisor_never_goes_on");
    let mut child = command.env("VETRUN_TEST_MARKER", &marker).stdout(Stdio::null()).spawn().unwrap();
    eventually("nothing runs", Duration::from_secs(20), || !processes_with(&marker).is_empty());
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::STOP).unwrap();
    // Time enough for the program to ask.
    std::thread::sleep(Duration::from_millis(2500));
    let went_on = format!("went-on-{marker}");
    assert_eq!((processes_with(&marker).len(), processes_with(&went_on).len()), (1, 0), "it does not wait");
    kill_process(pid, Signal::KILL).unwrap();
    child.wait().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        assert_eq!(processes_with(&went_on), [0; 0]);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(processes_with(&marker), [0; 0]);
}

/// Many calls wait, or are made, at the very instant at which the run is killed.
#[test]
fn a_program_that_is_killed_while_it_asks_ends_on_time() {
    if native_is_off() {
        return;
    }
    let sandbox = super::native();
    let mut job = traced("for _ in range(5): libc.fork()\nwhile True: libc.chroot(b'/mnt')");
    for wall in [150, 230, 310] {
        job.limits.wall = Duration::from_millis(wall);
        let outcome = run(&sandbox, &job);
        assert_eq!(outcome.ended, Ended::TimedOut);
        assert!(outcome.metrics.wall < Duration::from_millis(wall + 600), "{:?}", outcome.metrics.wall);
    }
}

#[test]
fn runs_are_told_apart() {
    if native_is_off() {
        return;
    }
    let sandbox = super::native();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6)
            .map(|number| {
                let sandbox = &sandbox;
                scope.spawn(move || run(sandbox, &traced(&format!("libc.chroot(b'/run/{number}')"))).behaviour)
            })
            .collect();
        for (number, run) in runs.into_iter().enumerate() {
            let expected = format!("chroot /run/{number} EPERM 1");
            assert_eq!(told(&run.join().unwrap(), AttemptKind::Refused), [expected]);
        }
    });
}

#[test]
fn a_program_that_is_not_there_is_still_named() {
    if native_is_off() {
        return;
    }
    let mut job = traced("");
    job.program = Program::Command("no-such-program".to_owned());
    assert!(super::native().run(&job, &Stop::default()).is_err());
}
