//! Sessions, over every back end that has them: the same promises, whoever keeps them.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vetrun::sandbox::{
    CollectLimits, Ended, Exec, Executed, Gateway, Health, Interpreter, Limits, Mount, Network, Program, Sandbox,
    SandboxError, Session, SessionOptions, Source, Stop,
};

fn limits() -> Limits {
    Limits { wall: Duration::from_secs(120), memory_bytes: 128 << 20, cpus: 2.0, pids: 40, ..Limits::default() }
}

fn open(sandbox: &dyn Sandbox) -> Box<dyn Session> {
    let options = SessionOptions { limits: limits(), ..SessionOptions::default() };
    sandbox.open(&options, &Stop::default()).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

fn chain(error: &SandboxError) -> String {
    let source = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    format!("{error}{source}")
}

fn python(code: &str) -> Exec {
    Exec::new(Program::Interpreter(Interpreter::Python), ["-I", "-S", "-c", code])
}

fn sh(code: &str) -> Exec {
    Exec::new(Program::Command("sh".to_owned()), ["-c", code])
}

fn run(session: &dyn Session, exec: &Exec) -> Executed {
    session.exec(exec, &Stop::default(), &mut |_, _| {}).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

fn said(session: &dyn Session, exec: &Exec) -> String {
    let executed = run(session, exec);
    let stderr = String::from_utf8_lossy(&executed.stderr.bytes);
    assert_eq!(executed.ended, Ended::Exited(0), "{stderr}");
    String::from_utf8_lossy(&executed.stdout.bytes).trim_end().to_owned()
}

/// Every promise, over one back end.
fn keeps_its_promises(sandbox: &dyn Sandbox) {
    let session = open(sandbox);
    assert!(!session.id().is_empty());
    for layer in ["pidNamespace", "networkNamespace", "seccomp", "nonRoot", "readOnlyRoot", "capabilitiesDropped"] {
        assert!(session.isolation().layers[layer], "{layer}");
    }
    ends_are_told_apart(&*session);
    programs_get_what_they_are_given(&*session);
    what_is_too_much_is_ended_and_the_session_goes_on(&*session);
    files_go_in_and_out(&*session);
    hostile_files_stay_in(&*session);
    a_server_is_reached_and_nothing_else(&*session);
    much_goes_through_a_port(&*session);
    memory_of_a_program_ends_that_program(&*session);
    let stats = session.stats().unwrap();
    assert!(stats.cpu.unwrap() > Duration::from_millis(10), "{stats:?}");
    assert!(stats.memory_peak_bytes.unwrap() > 1 << 20, "{stats:?}");
    assert_eq!(session.health(), Health::Alive);
    session.stop().unwrap();
}

fn ends_are_told_apart(session: &dyn Session) {
    let cases = [
        ("exit 0", Ended::Exited(0)),
        ("exit 137", Ended::Exited(137)),
        ("kill -9 $$", Ended::Signaled(9)),
        ("kill -15 $$", Ended::Signaled(15)),
    ];
    for (code, expected) in cases {
        assert_eq!(run(session, &sh(code)).ended, expected, "{code}");
    }
    let missing = Exec::new(Program::Command("no-such-program".to_owned()), [""; 0]);
    let error = session.exec(&missing, &Stop::default(), &mut |_, _| {}).unwrap_err();
    assert!(matches!(&error, SandboxError::NoProgram { program, .. } if program == "no-such-program"), "{error}");
    let nowhere = Exec { cwd: "/no/such/folder".to_owned(), ..sh("true") };
    let error = session.exec(&nowhere, &Stop::default(), &mut |_, _| {}).unwrap_err();
    assert!(chain(&error).contains("working directory"), "{}", chain(&error));
}

fn programs_get_what_they_are_given(session: &dyn Session) {
    let mut exec = python("import os, sys; print(sys.argv[1:], os.getcwd(), os.environ['A'], sorted(os.environ))");
    exec.args.extend(["a b", "", "$HOME"].map(str::to_owned));
    exec.env.insert("A".to_owned(), "b".to_owned());
    exec.cwd = "/tmp/home".to_owned();
    let expected = "['a b', '', '$HOME'] /tmp/home b ['A', 'HOME', 'LC_CTYPE', 'PATH', 'TMPDIR']";
    assert_eq!(said(session, &exec).replace("'LC_CTYPE', ", ""), expected.replace("'LC_CTYPE', ", ""));
    let mut exec = python("import sys; d = sys.stdin.buffer.read(); print(len(d), d[-3:])");
    exec.stdin = vec![b'i'; 700_000];
    assert_eq!(said(session, &exec), "700000 b'iii'");
    let unread = Exec { stdin: vec![b'i'; 700_000], ..sh("echo done") };
    assert_eq!(said(session, &unread), "done");
    let node = Exec::new(Program::Interpreter(Interpreter::Node), ["-p", "6 * 7"]);
    assert_eq!(said(session, &node), "42");

    let mut heard: Vec<(Source, Vec<u8>, Instant)> = Vec::new();
    let exec = sh("echo first; sleep 0.5; echo second >&2");
    let executed = session
        .exec(&exec, &Stop::default(), &mut |source, bytes| heard.push((source, bytes.to_vec(), Instant::now())))
        .unwrap();
    assert_eq!(executed.ended, Ended::Exited(0));
    let [(Source::Stdout, first, at), (Source::Stderr, second, later)] = heard.as_slice() else { panic!("{heard:?}") };
    assert_eq!((first.as_slice(), second.as_slice()), (&b"first\n"[..], &b"second\n"[..]));
    assert!(*later - *at > Duration::from_millis(300), "they were told as they came");
}

fn what_is_too_much_is_ended_and_the_session_goes_on(session: &dyn Session) {
    let hasty = Exec {
        wall: Duration::from_millis(500),
        ..python("import os, time\nos.fork(); os.fork()\nprint('on', flush=True)\ntime.sleep(60)")
    };
    let executed = run(session, &hasty);
    assert_eq!(executed.ended, Ended::TimedOut);
    assert!(executed.stdout.bytes.starts_with(b"on\n"), "what was written before is kept");
    let left = "import os\nprint(sum(b'sleep(60)' in open(f'/proc/{p}/cmdline', 'rb').read() for p in os.listdir('/proc') if p.isdigit() and int(p) != os.getpid() and os.access(f'/proc/{p}/cmdline', 4)))";
    assert_eq!(said(session, &python(left)), "0", "its children went with it");
    let flood = run(session, &python("import os\nwhile True: os.write(1, b'x' * 65536)"));
    assert_eq!(flood.ended, Ended::OutputLimit);
    assert_eq!(flood.stdout.bytes.len() as u64, Limits::default().stream_bytes);
    let running = session.spawn(sh("sleep 60"));
    assert!(!running.is_finished());
    assert_eq!(running.kill().unwrap().ended, Ended::Interrupted);
    assert_eq!(said(session, &sh("echo well")), "well");
}

fn take(session: &dyn Session, from: &str) -> (vetrun::sandbox::Collected, tempfile::TempDir) {
    let into = tempfile::tempdir().unwrap();
    let limits = CollectLimits { bytes_max: 8 << 20, files_max: 100, depth_max: 8 };
    let collected = session.download(from, into.path(), limits);
    (collected.unwrap_or_else(|error| panic!("{}", chain(&error))), into)
}

fn files_go_in_and_out(session: &dyn Session) {
    let large = vec![b'l'; 3 << 20];
    let folder = crate::support::folder(&[("a.txt", "first"), ("sub/b.txt", "second")]);
    std::fs::write(folder.path().join("large"), &large).unwrap();
    session.upload(folder.path(), "/tmp/in/here").unwrap();
    assert_eq!(said(session, &sh("cd /tmp/in/here && cat a.txt sub/b.txt && wc -c < large")), "firstsecond3145728");
    session.upload(&folder.path().join("a.txt"), "/out/one.txt").unwrap();
    assert_eq!(said(session, &sh("cat /out/one.txt")), "first");

    let (collected, into) = take(session, "/tmp/in");
    let names: Vec<_> = collected.files.iter().map(|(path, ..)| path.as_str()).collect();
    assert_eq!(names, ["here/a.txt", "here/large", "here/sub/b.txt"]);
    assert_eq!(std::fs::read(into.path().join("here/large")).unwrap(), large);

    for to in ["/work/x", "/etc/passwd", "/tmp/../etc/x", "/tmp"] {
        let error = session.upload(folder.path(), to).unwrap_err();
        assert!(chain(&error).contains("only what is below /tmp and /out"), "{to}: {}", chain(&error));
    }
    let error = session.upload(&folder.path().join("a.txt"), "/tmp/in/here/a.txt/x").unwrap_err();
    assert!(chain(&error).contains("Not a directory") || chain(&error).contains("exists"), "{}", chain(&error));
}

fn hostile_files_stay_in(session: &dyn Session) {
    let code = r"
import os
os.makedirs('/out/hostile'); os.chdir('/out/hostile')
open('good', 'w').write('good')
os.symlink('/etc/passwd', 'link'); os.symlink('/', 'root'); os.mkfifo('pipe')
open('one', 'w').write('x'); os.link('one', 'two')
open('new\nline', 'w').close(); open(b'\xff\xfe', 'w').close(); open('\x1b[2J', 'w').close()
os.truncate(os.open('sparse', os.O_CREAT | os.O_RDWR), 32 << 20)";
    assert_eq!(said(session, &python(code)), "");
    let (collected, into) = take(session, "/out/hostile");
    let names: Vec<_> = collected.files.iter().map(|(path, ..)| path.as_str()).collect();
    assert_eq!(names, ["good"]);
    let refused: Vec<_> = collected.refused.iter().map(|one| one.path.as_str()).collect();
    for name in ["link", "root", "pipe", "one", "two", "sparse"] {
        assert!(refused.contains(&name), "{name} is not in {refused:?}");
    }
    assert_eq!(refused.len(), 9, "{refused:?}");
    assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 1);
    let (linked, _into) = take(session, "/out/hostile/nowhere");
    assert!(linked.files.is_empty() && linked.refused.len() == 1, "{linked:?}");
}

/// What is answered at this address of this host; nothing where nobody answers.
fn get(url: &str) -> String {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut answer = String::new();
    let asked =
        write!(stream, "GET /page.txt HTTP/1.0\r\nHost: x\r\n\r\n").and_then(|()| stream.read_to_string(&mut answer));
    if asked.is_ok() { answer } else { String::new() }
}

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn a_server_is_reached_and_nothing_else(session: &dyn Session) {
    let page = crate::support::folder(&[("page.txt", "a page")]);
    session.upload(page.path(), "/tmp/site").unwrap();
    let arguments = ["-I", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "/tmp/site", "8000"];
    let server = session.spawn(Exec::new(Program::Interpreter(Interpreter::Python), arguments));
    let url = session.url(8000).unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert_eq!(session.url(8000).unwrap(), url, "one port here for one port there");
    wait_for("the server serves", || get(&url).ends_with("a page"));
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| get(&url))).collect();
        assert!(all.into_iter().all(|one| one.join().unwrap().ends_with("a page")), "several at once");
    });
    assert_eq!(get(&session.url(8001).unwrap()), "", "nobody listens there");

    let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    let reach = format!(
        "import socket\nfor address in (('127.0.0.1', {port}), ('192.0.2.1', 80)):\n    try:\n        \
         socket.create_connection(address, 2)\n        print('breach', address)\n    except OSError: pass"
    );
    assert_eq!(said(session, &python(&reach)), "");
    drop(server);
    assert_eq!(get(&url), "", "it went with its program");
}

fn much_goes_through_a_port(session: &dyn Session) {
    let echo = r"
import socket
server = socket.create_server(('127.0.0.1', 9000))
print('on', flush=True)
while True:
    stream, _ = server.accept()
    total = 0
    while data := stream.recv(65536): total += len(data)
    stream.sendall(b'%d ' % total + b'z' * total)
    stream.close()";
    let server = session.spawn(python(echo));
    let url = session.url(9000).unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let sent = 6 << 20;
    let ask = || {
        let mut stream = TcpStream::connect(&address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        stream.write_all(&vec![b'y'; sent]).ok()?;
        stream.shutdown(std::net::Shutdown::Write).ok()?;
        // More is on its way than may be, so it waits on both sides.
        std::thread::sleep(Duration::from_millis(300));
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        (!answer.is_empty()).then_some(answer)
    };
    let answer = std::cell::RefCell::new(Vec::new());
    wait_for("the server echoes", || ask().map(|got| answer.replace(got)).is_some());
    let head = format!("{sent} ");
    let answer = answer.into_inner();
    assert!(answer.starts_with(head.as_bytes()) && answer.len() == head.len() + sent, "{} bytes", answer.len());
    drop(server);
}

fn memory_of_a_program_ends_that_program(session: &dyn Session) {
    let greedy = run(session, &python("x = []\nwhile True: x.append(bytearray(1 << 20))"));
    assert_eq!(greedy.ended, Ended::OutOfMemory);
    assert_eq!(said(session, &sh("echo well")), "well");
}

/// Mounts, a network of one service, and a time that ends.
fn keeps_its_other_promises(sandbox: &dyn Sandbox) {
    struct Word;
    impl Gateway for Word {
        fn serve(&self, listener: std::net::TcpListener) -> Box<dyn Send> {
            std::thread::spawn(move || {
                if let Ok((mut stream, _)) = listener.accept() {
                    let _ = stream.write_all(b"gateway");
                }
            });
            Box::new(())
        }
    }
    let work = crate::support::folder(&[("input.txt", "input")]);
    let mounts = vec![Mount { host: work.path().to_owned(), inside: "/work".to_owned() }];
    let network = Network::Gateway(Arc::new(Word));
    let limits = Limits { wall: Duration::from_secs(6), ..limits() };
    let session = sandbox.open(&SessionOptions { mounts, network, limits }, &Stop::default());
    let session = session.unwrap_or_else(|error| panic!("{}", chain(&error)));
    let began = Instant::now();
    assert_eq!(
        said(&*session, &sh("cat /work/input.txt; echo x 2>/dev/null > /work/input.txt || echo closed")),
        "inputclosed"
    );
    let ask = "import socket; print(socket.create_connection(('127.0.0.1', 8080), 5).recv(100).decode())";
    assert_eq!(said(&*session, &python(ask)), "gateway");
    let error = session.exec(&sh("sleep 60"), &Stop::default(), &mut |_, _| {}).unwrap_err();
    assert!(chain(&error).contains("its time of 6 s was over"), "{}", chain(&error));
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(matches!(session.health(), Health::Ended(why) if why.contains("6 s")));
    for error in [session.url(80).map(drop), session.upload(work.path(), "/tmp/x")].map(Result::unwrap_err) {
        assert!(chain(&error).contains("has ended"), "{}", chain(&error));
    }
    session.stop().unwrap();
}

fn native() -> Option<vetrun::sandbox::native::NativeSandbox> {
    let is_off = std::env::var_os("VETRUN_TEST_NATIVE").is_some_and(|value| value == "off");
    (!is_off && rustix::process::geteuid().is_root()).then(crate::support::native)
}

#[test]
fn the_native_back_end_keeps_sessions() {
    let Some(sandbox) = native() else { return };
    keeps_its_promises(&sandbox);
}

#[test]
fn the_native_back_end_keeps_sessions_with_mounts_and_times() {
    let Some(sandbox) = native() else { return };
    keeps_its_other_promises(&sandbox);
}

#[test]
fn who_kills_everything_in_a_native_session_ends_it() {
    let Some(sandbox) = native() else { return };
    let session = open(&sandbox);
    let killed = session.exec(&python("import os; os.kill(-1, 9)"), &Stop::default(), &mut |_, _| {});
    assert!(killed.is_err(), "{killed:?}");
    assert!(matches!(session.health(), Health::Ended(_)));
}

#[test]
fn without_namespaces_there_are_no_sessions() {
    if native().is_none() {
        return;
    }
    let (launcher, search) = (Path::new(env!("CARGO_BIN_EXE_vetrun")).to_owned(), crate::support::search_path());
    let walls = vetrun::sandbox::native::Walls::Landlock;
    let sandbox = vetrun::sandbox::native::NativeSandbox::with_walls(launcher, search, walls).unwrap();
    let Err(error) = sandbox.open(&SessionOptions::default(), &Stop::default()) else {
        panic!("a session without walls")
    };
    assert!(
        error.to_string().contains("network namespace") && error.to_string().contains("--sandbox docker"),
        "{error}"
    );
}

#[test]
fn the_docker_back_end_keeps_sessions() {
    let Some(sandbox) = crate::docker::archived() else { return };
    keeps_its_promises(sandbox);
}

#[test]
fn the_docker_back_end_keeps_sessions_with_mounts_and_times() {
    let Some(sandbox) = crate::docker::archived() else { return };
    keeps_its_other_promises(sandbox);
}

#[test]
fn nobody_ends_a_docker_session_from_inside_and_nothing_is_left_of_it() {
    let Some(sandbox) = crate::docker::archived() else { return };
    let session = open(sandbox);
    let killer = "import os, signal\nfor number in (1, 2, 3, 9, 15, 19): os.kill(1, number)\n\
                  try: open('/proc/1/mem', 'r+b'); print('memory')\nexcept OSError: pass\n\
                  try: os.listdir('/proc/1/fd'); print('descriptors')\nexcept OSError: pass";
    assert_eq!(said(&*session, &python(killer)), "");
    assert_eq!(session.health(), Health::Alive);
    let id = session.id().to_owned();
    let inspected = || std::process::Command::new("docker").args(["inspect", &id]).output().unwrap().status.success();
    assert!(inspected());
    drop(session);
    assert!(!inspected(), "a session that is dropped is gone");
}
