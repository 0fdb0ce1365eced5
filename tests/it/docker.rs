//! The Docker back end against a real engine. Without one these tests say so and check nothing, unless
//! `VETRUN_REQUIRE_DOCKER=1` is set: then a missing engine or image fails them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use vetrun::sandbox::docker::{self, DEFAULT_IMAGE, DockerOptions, DockerSandbox};
use vetrun::sandbox::{
    Ended, Gateway, Interpreter, Job, Limits, Mount, Network, Outcome, Program, Sandbox as _, SandboxError, Stop,
};

/// The engine's address; tests run where the standard variable points, as the command line does.
pub(crate) fn socket() -> Option<String> {
    std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty())
}

fn options(image: &str, socket: Option<String>) -> DockerOptions {
    DockerOptions { socket, image: image.to_owned(), ..DockerOptions::default() }
}

/// The back end, or none where it may be missing.
pub(crate) fn sandbox() -> Option<&'static DockerSandbox> {
    static SANDBOX: OnceLock<Option<DockerSandbox>> = OnceLock::new();
    let found = SANDBOX.get_or_init(|| match DockerSandbox::connect(options(DEFAULT_IMAGE, socket())) {
        Ok(sandbox) => Some(sandbox),
        Err(error) if std::env::var("VETRUN_REQUIRE_DOCKER").is_ok_and(|value| value == "1") => {
            panic!("Docker is required here: {error}")
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "tests with Docker are not run: {error}");
            None
        }
    });
    found.as_ref()
}

/// Whether the engine is Podman, by its own word.
pub(crate) fn is_podman() -> bool {
    let tier = |sandbox: &DockerSandbox| run(sandbox, &python("pass")).isolation.tier;
    sandbox().is_some_and(|sandbox| tier(sandbox).contains("Podman"))
}

/// The same, with files as archives: as if the engine were elsewhere.
pub(crate) fn archived() -> Option<&'static DockerSandbox> {
    static SANDBOX: OnceLock<Option<DockerSandbox>> = OnceLock::new();
    sandbox()?;
    let connect = || {
        // Another runtime's way with the same cases can be looked at by hand.
        let runtime = std::env::var("VETRUN_TEST_RUNTIME").ok();
        let files = docker::Files::Archive;
        let options = DockerOptions { files, runtime, ..options(DEFAULT_IMAGE, socket()) };
        match DockerSandbox::connect(options) {
            Ok(sandbox) => Some(sandbox),
            Err(error) if error.to_string().contains("Podman reads its filter") => None,
            Err(error) => panic!("the engine that serves with mounts serves without: {error}"),
        }
    };
    SANDBOX.get_or_init(connect).as_ref()
}

fn job(program: Program, args: &[&str]) -> Job {
    Job {
        program,
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: BTreeMap::from([("HOME".to_owned(), "/tmp/home".to_owned())]),
        cwd: "/tmp".to_owned(),
        stdin: Vec::new(),
        mounts: Vec::new(),
        host_packages: false,
        collect_into: None,
        network: Network::None,
        limits: Limits { wall: Duration::from_secs(20), ..Limits::default() },
        trace: true,
    }
}

pub(crate) fn python(code: &str) -> Job {
    job(Program::Interpreter(Interpreter::Python), &["-c", code])
}

fn run(sandbox: &DockerSandbox, job: &Job) -> Outcome {
    sandbox.run(job, &Stop::default()).expect("the job runs")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn ends_are_told_apart_by_evidence() {
    let Some(sandbox) = sandbox() else { return };
    let cases: &[(&str, Ended)] = &[
        ("pass", Ended::Exited(0)),
        ("raise SystemExit(3)", Ended::Exited(3)),
        ("import os; os._exit(137)", Ended::Exited(137)),
        ("import os; os._exit(143)", Ended::Exited(143)),
        ("import os; os.kill(os.getpid(), 9)", Ended::Signaled(9)),
        ("import os; os.kill(os.getpid(), 15)", Ended::Signaled(15)),
        ("import os; os.abort()", Ended::Signaled(6)),
        ("import ctypes; ctypes.string_at(0)", Ended::Signaled(11)),
        ("x = bytearray(400 << 20)", Ended::OutOfMemory),
        ("while True: print('x' * 4096)", Ended::OutputLimit),
    ];
    for (code, expected) in cases {
        let outcome = run(sandbox, &python(code));
        assert_eq!(outcome.ended, *expected, "{code}: {}", text(&outcome.stderr.bytes));
    }
}

#[test]
fn a_child_killed_for_memory_is_counted_and_the_program_goes_on() {
    let Some(sandbox) = sandbox() else { return };
    let outcome = run(
        sandbox,
        &python(
            "import os\npid = os.fork()\nif pid == 0:\n    x = bytearray(400 << 20)\n    os._exit(0)\n\
             print(os.WTERMSIG(os.waitpid(pid, 0)[1]))\nraise SystemExit(5)",
        ),
    );
    assert_eq!(outcome.ended, Ended::Exited(5));
    assert_eq!(text(&outcome.stdout.bytes), "9\n");
    assert_eq!(outcome.metrics.oom_kills, Some(1));
}

#[test]
fn a_run_that_does_not_end_is_killed_in_time_with_all_its_children() {
    let Some(sandbox) = sandbox() else { return };
    let mut job = python(
        "import os, signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('begun', flush=True)\n\
         for _ in range(3):\n    if os.fork() == 0: os.setsid()\ntime.sleep(60)",
    );
    job.limits.wall = Duration::from_secs(1);
    let began = Instant::now();
    let outcome = run(sandbox, &job);
    assert_eq!(outcome.ended, Ended::TimedOut);
    assert_eq!(text(&outcome.stdout.bytes), "begun\n", "what was written before is kept");
    assert!(outcome.metrics.wall >= Duration::from_secs(1), "{:?}", outcome.metrics);
    assert!(outcome.metrics.wall < Duration::from_millis(1500), "{:?}", outcome.metrics);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_raised_stop_ends_the_run() {
    let Some(sandbox) = sandbox() else { return };
    let stop = Stop::default();
    let raise = stop.clone();
    let timer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(1500));
        raise.raise();
    });
    let outcome = sandbox.run(&python("import time; time.sleep(60)"), &stop).unwrap();
    timer.join().unwrap();
    assert_eq!(outcome.ended, Ended::Interrupted);
}

#[test]
fn streams_are_apart_and_capped() {
    let Some(sandbox) = sandbox() else { return };
    let outcome = run(sandbox, &python("import sys; print('out'); print('err', file=sys.stderr)"));
    assert_eq!((text(&outcome.stdout.bytes), text(&outcome.stderr.bytes)), ("out\n".into(), "err\n".into()));

    let mut job = python("import sys\nsys.stdout.write('a' * 3000)");
    job.limits.stream_bytes = 1000;
    let outcome = run(sandbox, &job);
    assert_eq!(outcome.ended, Ended::OutputLimit);
    assert_eq!(outcome.stdout.bytes, vec![b'a'; 1000]);
    assert!(outcome.stdout.truncated());
}

#[test]
fn input_arguments_environment_and_folder_are_what_the_job_says() {
    let Some(sandbox) = sandbox() else { return };
    let mut job = python(
        "import os, sys\nprint(sys.stdin.read())\nprint(sys.argv[1:])\nprint(sorted(os.environ))\nprint(os.getcwd())",
    );
    job.args.extend(["--flag".to_owned(), "two words".to_owned()]);
    job.env.insert("NAME".to_owned(), "vålue".to_owned());
    job.cwd = "/out".to_owned();
    job.stdin = "given ✓".repeat(20_000).into_bytes();
    let outcome = run(sandbox, &job);
    let stdout = text(&outcome.stdout.bytes);
    let (input, rest) = stdout.split_once('\n').unwrap();
    assert_eq!(input, "given ✓".repeat(20_000));
    assert_eq!(rest, "['--flag', 'two words']\n['HOME', 'LC_CTYPE', 'NAME', 'PATH']\n/out\n");
    assert_eq!(outcome.command[0], "python3");

    let outcome = run(sandbox, &python("import sys; print(repr(sys.stdin.read()))"));
    assert_eq!(text(&outcome.stdout.bytes), "''\n", "no input is an end of file");
}

#[test]
fn mounts_are_read_only_and_the_root_too() {
    let Some(sandbox) = sandbox() else { return };
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().join("shown");
    std::fs::create_dir(&shown).unwrap();
    std::fs::write(shown.join("main.py"), "print('from the mount')").unwrap();
    let mut job = python(
        "import runpy\nrunpy.run_path('/work/main.py')\n\
         for path in ('/work/new', '/new', '/usr/new', '/etc/new', '/run/new', '/proc/sys/kernel/core_pattern'):\n    \
         try:\n        open(path, 'w')\n        print('wrote', path)\n    except OSError as error:\n        pass",
    );
    job.mounts = vec![Mount { host: shown, inside: "/work".to_owned() }];
    let outcome = run(sandbox, &job);
    assert_eq!(text(&outcome.stdout.bytes), "from the mount\n", "{}", text(&outcome.stderr.bytes));
}

#[test]
fn written_space_is_limited_by_the_kernel() {
    let Some(sandbox) = sandbox() else { return };
    let mut job = python(
        "import errno, os\ndef fill(path, size):\n    try:\n        with open(path, 'wb') as file:\n            \
         for _ in range(size):\n                file.write(bytes(1 << 20))\n                file.flush()\n        \
         print(path, 'all')\n    except OSError as error:\n        print(path, errno.errorcode[error.errno])\n    \
         os.remove(path)\n\
         fill('/tmp/a', 4)\nfill('/tmp/b', 12)\nfill('/out/a', 4)\nfill('/out/b', 12)\nmade = 0\n\
         try:\n    for n in range(100):\n        open(f'/out/{n}', 'w').close()\n        made += 1\n\
         except OSError as error:\n    print(made, errno.errorcode[error.errno])",
    );
    job.limits.tmp_bytes = 8 << 20;
    job.limits.out_bytes = 8 << 20;
    job.limits.out_files = 20;
    let outcome = run(sandbox, &job);
    // Podman takes no number of files for a folder in memory, so vetrun counts them.
    let (rest, ended) = if outcome.isolation.tier.contains("Podman") {
        ("", Ended::DiskLimit)
    } else {
        ("20 ENOSPC\n", Ended::Exited(0))
    };
    let expected = format!("/tmp/a all\n/tmp/b ENOSPC\n/out/a all\n/out/b ENOSPC\n{rest}");
    assert_eq!(text(&outcome.stdout.bytes), expected, "{}", text(&outcome.stderr.bytes));
    assert_eq!(outcome.ended, ended);

    let mut job = python(
        "import errno\ntry:\n    with open('/tmp/a', 'wb') as file:\n        file.truncate(3 << 20)\n\
         except OSError as error:\n    print(errno.errorcode[error.errno])",
    );
    job.limits.file_bytes = 2 << 20;
    assert_eq!(text(&run(sandbox, &job).stdout.bytes), "EFBIG\n");
}

#[test]
fn processes_and_open_files_are_limited() {
    let Some(sandbox) = sandbox() else { return };
    let mut job = python(
        "import os, time\nmade = 1\ntry:\n    for _ in range(100):\n        if os.fork() == 0:\n            \
         time.sleep(30)\n            os._exit(0)\n        made += 1\nexcept OSError as error:\n    print(made)\n\
         files = []\ntry:\n    while True: files.append(open('/dev/null'))\nexcept OSError:\n    \
         print(files[-1].fileno())\n",
    );
    job.limits.pids = 20;
    job.limits.open_files = 64;
    let outcome = run(sandbox, &job);
    assert_eq!(text(&outcome.stdout.bytes), "20\n63\n", "{}", text(&outcome.stderr.bytes));
    assert_eq!(outcome.ended, Ended::Exited(0));
    assert_eq!(outcome.metrics.pids_peak, Some(20));
}

#[test]
fn every_layer_that_the_engine_gives_is_seen_to_hold() {
    let Some(sandbox) = sandbox() else { return };
    let outcome = run(sandbox, &python("x = bytearray(50 << 20)\nfor _ in range(1000000): pass"));
    for layer in [
        "pidNamespace",
        "mountNamespace",
        "networkNamespace",
        "ipcNamespace",
        "utsNamespace",
        "cgroupNamespace",
        "seccomp",
        "noNewPrivileges",
        "capabilitiesDropped",
        "nonRoot",
        "readOnlyRoot",
    ] {
        // With control groups of version 1 Podman has no namespace for them.
        let may_lack = layer == "cgroupNamespace" && outcome.isolation.tier.contains("Podman");
        assert!(outcome.isolation.layers[layer] || may_lack, "{layer}");
    }
    assert!(outcome.isolation.limits.values().all(|limit| limit.enforced), "{:?}", outcome.isolation.limits);
    assert!(outcome.image.unwrap().starts_with("vetrun-sandbox:latest@sha256:"));
    assert!(outcome.metrics.memory_peak_bytes.unwrap() > 50 << 20, "{:?}", outcome.metrics);
    assert!(outcome.metrics.cpu.unwrap() > Duration::from_millis(10), "{:?}", outcome.metrics);
    assert_eq!(outcome.metrics.oom_kills, Some(0));
}

#[test]
fn the_keeper_cannot_be_reached_by_the_program() {
    let Some(sandbox) = sandbox() else { return };
    let outcome = run(
        sandbox,
        &python(
            "import os, socket\n\
             def attempt(name, act):\n    try:\n        act()\n        print('breach:', name)\n    except OSError: pass\n\
             for number in (1, 2, 3, 9, 11, 15, 17, 19):\n    \
             os.kill(1, number)\n\
             attempt('memory', lambda: open('/proc/1/mem', 'r+b'))\n\
             attempt('descriptors', lambda: os.listdir('/proc/1/fd'))\n\
             attempt('environment', lambda: open('/proc/1/environ').read())\n\
             attempt('socket', lambda: socket.socket(socket.AF_UNIX).connect('/run/vetrun.socket'))\n\
             print(len(os.listdir('/proc/self/fd')))\nraise SystemExit(7)",
        ),
    );
    assert_eq!(text(&outcome.stdout.bytes), "4\n", "{}", text(&outcome.stderr.bytes));
    assert_eq!(outcome.ended, Ended::Exited(7));
}

#[test]
fn dangerous_calls_are_refused_with_an_error_code() {
    let Some(sandbox) = sandbox() else { return };
    let outcome = run(
        sandbox,
        &python(
            "import ctypes, socket\nlibc = ctypes.CDLL(None, use_errno=True)\n\
             calls = {'ptrace': 101, 'mount': 165, 'unshare': 272, 'setns': 308, 'add_key': 248, 'keyctl': 250, 'bpf': 321,\n\
             'perf_event_open': 298, 'userfaultfd': 323, 'io_uring_setup': 425, 'clone3': 435, 'modify_ldt': 154,\n\
             'open_by_handle_at': 304, 'kexec_load': 246, 'init_module': 175, 'clock_settime': 227, 'fsopen': 430,\n\
             'process_vm_readv': 310, 'pidfd_getfd': 438, 'personality': 135, 'syslog': 103}\n\
             for name, number in calls.items():\n    result = libc.syscall(number, 0x10000000, 0, 0, 0, 0, 0)\n    \
             error = ctypes.get_errno()\n    \
             if result != -1 or error not in (1, 38): print(name, result, error)\n\
             for flag in (0x20000, 0x10000000, 0x40000000):\n    result = libc.syscall(56, flag | 17, 0, 0, 0, 0)\n    \
             if result == 0: libc._exit(0)\n    if result != -1 or ctypes.get_errno() != 1: print('clone', hex(flag))\n\
             for family in (16, 17, 38, 40, 44):\n    try:\n        socket.socket(family, socket.SOCK_DGRAM)\n        \
             print('socket', family)\n    except OSError: pass\n\
             if libc.syscall(41, 0x100000000 | 40, 1, 0) != -1: print('socket with high bits')\n\
             print('end')",
        ),
    );
    assert_eq!(text(&outcome.stdout.bytes), "end\n", "{}", text(&outcome.stderr.bytes));
}

#[test]
fn there_is_no_network_and_only_loopback() {
    let Some(sandbox) = sandbox() else { return };
    let outcome = run(
        sandbox,
        &python("print(open('/proc/net/dev').read().count(':'), open('/proc/net/route').read().count('\\n'))"),
    );
    assert_eq!(text(&outcome.stdout.bytes), "1 1\n");
}

#[test]
fn a_full_network_is_given_only_when_it_is_asked_for() {
    let Some(sandbox) = sandbox() else { return };
    let mut job = python(
        "import socket\nprint(open('/proc/net/dev').read().count(':') > 1)\nsocket.socket(socket.AF_INET6).close()\n\
         for family, kind in ((40, 1), (17, 3), (2, 3)):\n    try:\n        socket.socket(family, kind)\n        \
         print('breach', family, kind)\n    except OSError: pass",
    );
    job.network = Network::Full;
    let outcome = run(sandbox, &job);
    assert_eq!(text(&outcome.stdout.bytes), "True\n", "{}", text(&outcome.stderr.bytes));
}

/// Answers every connection with one line.
#[derive(Debug, Default)]
struct OneLine {
    served: Arc<AtomicUsize>,
}

impl Gateway for OneLine {
    fn serve(&self, listener: TcpListener) -> Box<dyn Send> {
        let served = Arc::clone(&self.served);
        let thread = std::thread::spawn(move || {
            if let Ok((mut stream, _)) = listener.accept() {
                let mut asked = [0; 5];
                stream.read_exact(&mut asked).expect("the program asks");
                stream.write_all(b"served ").expect("the program listens");
                stream.write_all(&asked).expect("the program listens");
                served.fetch_add(1, Ordering::SeqCst);
            }
        });
        Box::new(thread)
    }
}

#[test]
fn a_gateway_is_the_only_thing_that_can_be_reached() {
    let Some(sandbox) = sandbox() else { return };
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    let served = Arc::new(AtomicUsize::new(0));
    let mut job = python(&format!(
        "import socket\ns = socket.create_connection(('127.0.0.1', 8080))\ns.sendall(b'hello')\nprint(s.makefile().read())\n\
         try:\n    socket.create_connection(('127.0.0.1', {port}), 2)\n    print('breach')\nexcept OSError: pass",
    ));
    job.network = Network::Gateway(Arc::new(OneLine { served: Arc::clone(&served) }));
    let outcome = run(sandbox, &job);
    assert_eq!(text(&outcome.stdout.bytes), "served hello\n", "{}", text(&outcome.stderr.bytes));
    assert_eq!(served.load(Ordering::SeqCst), 1);
}

#[test]
fn what_is_missing_is_an_error_with_a_mend() {
    let Some(sandbox) = sandbox() else { return };
    let missing = job(Program::Command("no-such-program".to_owned()), &[]);
    let error = sandbox.run(&missing, &Stop::default()).unwrap_err();
    assert!(matches!(error, SandboxError::NoProgram { .. }), "{error}");

    let error = DockerSandbox::connect(options("no-such-image:at-all", socket())).unwrap_err();
    assert!(error.to_string().contains("docker pull no-such-image:at-all"), "{error}");
    assert!(docker::diagnose(options(DEFAULT_IMAGE, socket())).usable);
}

#[test]
fn no_engine_is_an_error_with_a_mend() {
    let error = DockerSandbox::connect(options(DEFAULT_IMAGE, Some("unix:///no/such/socket".to_owned()))).unwrap_err();
    assert!(matches!(error, SandboxError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("DOCKER_HOST"), "{error}");
    let diagnosis = docker::diagnose(options(DEFAULT_IMAGE, Some("unix:///no/such/socket".to_owned())));
    assert!(!diagnosis.usable && !diagnosis.mends.is_empty());
}

#[test]
fn both_interpreters_tell_their_versions() {
    let Some(sandbox) = sandbox() else { return };
    let python = sandbox.interpreter(Interpreter::Python).unwrap();
    assert!(python.version.starts_with("3."), "{python:?}");
    assert!(python.path.starts_with('/') && python.platform.starts_with("linux-"), "{python:?}");
    let node = sandbox.interpreter(Interpreter::Node).unwrap();
    assert!(node.path.ends_with("node") || node.path.ends_with("nodejs"), "{node:?}");
    assert_eq!(node.platform, python.platform);
}

#[test]
fn nothing_is_left_at_the_engine() {
    let Some(sandbox) = sandbox() else { return };
    let shown = tempfile::tempdir().unwrap();
    for code in
        ["pass", "import os; os.kill(os.getpid(), 9)", "x = bytearray(400 << 20)", "while True: print('x' * 4096)"]
    {
        let mut job = python(code);
        job.mounts = vec![readable(shown.path())];
        run(sandbox, &job);
        assert_eq!(containers_with(shown.path(), &["--all"]), "", "{code}");
    }
    let mut job = job(Program::Command("no-such-program".to_owned()), &[]);
    job.mounts = vec![readable(shown.path())];
    assert!(sandbox.run(&job, &Stop::default()).is_err());
    assert_eq!(containers_with(shown.path(), &["--all"]), "", "after an error");
}

#[test]
fn a_container_ends_with_its_vetrun_and_is_swept() {
    if sandbox().is_none() {
        return;
    }
    let artifact = crate::support::folder(&[("main.py", "import time\ntime.sleep(300)\n")]);
    let mut vetrun = crate::support::vetrun()
        .args(["run", "--no-policy", "--sandbox", "docker", "--timeout", "300s", "--entry", "python main.py"])
        .arg(artifact.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = vetrun.id();
    // The first containers only tell which interpreters there are, and see no artifact.
    wait_until("the program's container runs", || containers_of(pid, &[]).lines().any(shows_work));
    assert!(docker::sweep(socket().as_deref()).is_ok());
    assert_ne!(containers_of(pid, &[]), "", "a container of the living is kept");
    vetrun.kill().unwrap();
    vetrun.wait().unwrap();
    wait_until("it ends by itself", || containers_of(pid, &["--filter", "status=running"]).is_empty());
    assert!(docker::sweep(socket().as_deref()).is_ok());
    assert_eq!(containers_of(pid, &["--all"]), "");
}

/// The containers that a vetrun with this process id owns, by the engine's own client.
fn containers_of(pid: u32, options: &[&str]) -> String {
    let format = "{{.Label \"vetrun.owner\"}} {{.ID}}";
    let listed = Command::new("docker")
        .args(["ps", "--no-trunc", "--filter", "label=vetrun.owner", "--format", format])
        .args(options)
        .output()
        .expect("the engine's client is there");
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    let owner = format!("{pid}:");
    text(&listed.stdout).lines().filter(|line| line.starts_with(&owner)).map(|line| format!("{line}\n")).collect()
}

/// Whether a container of [`containers_of`] has an artifact in it; engines differ in how they can be asked for that.
fn shows_work(line: &str) -> bool {
    let Some((_, id)) = line.split_once(' ') else { return false };
    let told = Command::new("docker").args(["inspect", "--format", "{{json .Mounts}}", id]).output();
    told.is_ok_and(|told| text(&told.stdout).contains("\"/work\""))
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Shows `folder`, by its own path and not by a copy, so that it can be found at the engine.
fn readable(folder: &Path) -> Mount {
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder, open).expect("it is ours");
    Mount { host: folder.to_path_buf(), inside: "/work".to_owned() }
}

/// Containers that mount `folder`, by the engine's own client.
fn containers_with(folder: &Path, options: &[&str]) -> String {
    let filter = format!("volume={}", folder.display());
    let listed = Command::new("docker").args(["ps", "--quiet", "--filter", &filter]).args(options).output();
    let listed = listed.expect("the engine's client is there");
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    text(&listed.stdout)
}

#[test]
fn output_is_kept_when_the_run_is_killed() {
    let Some(sandbox) = sandbox() else { return };
    let into = tempfile::tempdir().unwrap();
    let mut job = python(
        "import os, time\nos.makedirs('/out/a')\nopen('/out/a/b.txt', 'w').write('kept')\nos.mkdir('/tmp/home/x')\ntime.sleep(60)",
    );
    job.limits.wall = Duration::from_secs(2);
    job.collect_into = Some(into.path().to_path_buf());
    let outcome = run(sandbox, &job);
    assert_eq!(outcome.ended, Ended::TimedOut, "{}", text(&outcome.stderr.bytes));
    assert_eq!(outcome.collected.files.len(), 1);
    assert_eq!(std::fs::read(into.path().join("a/b.txt")).unwrap(), b"kept");
}
