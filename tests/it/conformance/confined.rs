//! The native back end where nobody may make namespaces: the same cases, and what they come to there.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use vetrun::sandbox::native::{NativeSandbox, Walls};
use vetrun::sandbox::{Ended, Network, Outcome, Sandbox};

use super::cases::{number, within};
use super::{Case, Echo, Expect, chain, every, judge, launcher_path, native_is_off, python, run, says, search, text};

/// The tests that hold for root and for an ordinary user.
pub(super) const FOR_EVERY_USER: [&str; 5] = [
    "confined_conforms",
    "processes_are_bounded",
    "confined_conforms_around",
    "modes_and_times_of_other_files_stay",
    "a_confined_run_leaves_nothing",
];

/// The sandbox without namespaces. Its programs are users of the host, so an interpreter that all may execute goes first.
pub(super) fn confined() -> NativeSandbox {
    let open = ["/usr/local/bin", "/usr/bin"].map(PathBuf::from).into_iter().chain(search()).collect();
    let sandbox = NativeSandbox::with_walls(launcher_path(), open, Walls::Landlock);
    sandbox.unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// The built `vetrun` as root has it in most containers: without the right to make namespaces.
pub(super) fn vetrun_without_rights() -> Command {
    let vetrun = crate::support::vetrun();
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]).arg(vetrun.get_program());
    command.env_clear().current_dir(crate::support::root()).stdin(Stdio::null());
    for (name, value) in vetrun.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    // Root's programs are other users, so an interpreter that all may execute goes first.
    let path = vetrun.get_envs().find_map(|(name, value)| value.filter(|_| name == "PATH"));
    command.env("PATH", format!("/usr/local/bin:/usr/bin:{}", path.unwrap_or_default().to_string_lossy()));
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What the program said with its last breath.
fn complains(outcome: &Outcome, of: &str) -> Result<(), String> {
    let said = String::from_utf8_lossy(&outcome.stderr.bytes).into_owned();
    let complains = outcome.ended == Ended::Exited(1) && said.contains(of) && text(outcome).is_empty();
    if complains { Ok(()) } else { Err(format!("{:?}, {:?}; stderr: {said}", outcome.ended, text(outcome))) }
}

fn is_below_a_temporary_folder(outcome: &Outcome) -> Result<(), String> {
    let below = text(outcome).lines().all(|line| line.starts_with(&*std::env::temp_dir().to_string_lossy()));
    if below && outcome.ended == Ended::Exited(0) { Ok(()) } else { Err(text(outcome)) }
}

fn has_no_socket(outcome: &Outcome) -> Result<(), String> {
    complains(outcome, "PermissionError").or_else(|_| complains(outcome, "EPERM"))
}

fn is_refused(outcome: &Outcome) -> Result<(), String> {
    complains(outcome, "PermissionError: [Errno 13]")
}

/// What a case comes to here for root's or for another user's programs, where it is something else than beside namespaces;
/// and what that is, for the README.
pub(super) fn otherwise(name: &str, is_root: bool) -> Option<(Expect, &'static str)> {
    let ends = Expect::Ends(Ended::DiskLimit);
    let refused = Expect::Holds(is_refused);
    Some(match name {
        "the working directory" | "home and scratch can be written" => {
            (Expect::Holds(is_below_a_temporary_folder), "the folders are where the host has room")
        }
        "a name for the user" => {
            (Expect::Holds(|outcome| complains(outcome, "KeyError")), "the list of users is not lent")
        }
        "a server of its own" | "a server of its own in node" | "ports of this machine" => {
            (Expect::Holds(has_no_socket), "there is no loopback of its own, and so no socket")
        }
        "bytes in the scratch folder" | "folders without end" | "links to one file without end" => {
            (ends, "vetrun looks into the folder and ends the run")
        }
        "shared memory is small" if is_root => (Expect::Ends(Ended::OutOfMemory), "it counts as memory"),
        // Of the host's processes, devices, mounts and users nothing is lent, not even a view that is made for the run.
        "few processes are seen"
        | "only loopback, if any"
        | "no folder holds devices or programs of another user"
        | "disks of the host"
        | "everything is deleted" => (refused, "the host's view is not lent"),
        // It is lent to root's programs only while nothing lies open in it, and other tests leave something.
        "a pool of processes" | "shared memory" if is_root => {
            let expect = Expect::Holds(|outcome| match outcome.ended {
                Ended::Exited(0) => Ok(()),
                _ => complains(outcome, "PermissionError"),
            });
            (expect, "only while nothing lies open in the host's shared memory")
        }
        _ if is_root => return None,
        "a pool of processes" | "shared memory" => {
            (Expect::Holds(|outcome| complains(outcome, "PermissionError")), "there is no shared memory")
        }
        "bytes of one file" => {
            (Expect::Holds(|outcome| complains(outcome, "'/dev/shm/x'")), "there is no shared memory to try it in")
        }
        // The kernel counts all that this user runs, so the bound is no exact one: `processes_are_bounded`.
        "processes" | "threads without end" | "dead children without end" | "processes that fork themselves" => {
            let expect = Expect::Holds(|outcome| match outcome.ended {
                Ended::TimedOut | Ended::OutOfMemory => Ok(()),
                _ => within(number(outcome)?, 10, 300),
            });
            (expect, "what else the user runs counts, with room for it")
        }
        // Only root can empty the set of what could ever be had; nothing in it can be had without new privileges.
        "nobody, with nothing" => {
            let expect = Expect::Holds(|outcome| {
                let said = text(outcome);
                if said.starts_with("False\n['") && said.ends_with("\n1 2") { Ok(()) } else { Err(said) }
            });
            (expect, "it is that user, without new privileges")
        }
        // They succeed and do nothing: `modes_and_times_of_other_files_stay`.
        "the input is read-only" => (Expect::Says("chmod"), "`chmod` succeeds and does nothing"),
        "nobody becomes root" => (Expect::Says("chown"), "`chown` succeeds and does nothing"),
        "rights of files of the system" | "owners of files" => {
            let expect = Expect::Holds(|outcome| match outcome.ended {
                Ended::Exited(0) => Ok(()),
                ended => Err(format!("{ended:?}")),
            });
            (expect, "the calls succeed and do nothing")
        }
        _ => return None,
    })
}

fn expected(case: &Case) -> Expect {
    otherwise(case.name, is_root()).map_or(case.expect, |(expect, _)| expect)
}

#[test]
fn confined_conforms() {
    if native_is_off() {
        return;
    }
    let sandbox = confined();
    let cases = every().map(|case| Case { expect: expected(case), ..*case });
    let failed: Vec<String> =
        cases.filter_map(|case| judge(&sandbox, &case).err().map(|why| format!("{}: {why}", case.name))).collect();
    assert!(failed.is_empty(), "{} of {} cases failed\n{}", failed.len(), every().count(), failed.join("\n"));
}

#[test]
fn confined_conforms_around() {
    if native_is_off() {
        return;
    }
    let sandbox = confined();
    super::output_is_collected(&sandbox);
    super::hostile_output_is_refused(&sandbox);
    super::deep_output_is_refused(&sandbox);
    super::the_host_is_out_of_reach(&sandbox);
    super::stop_ends_a_run(&sandbox);
    super::runs_do_not_disturb_each_other(&sandbox);
    super::a_program_that_is_not_there_is_named(&sandbox);
    super::scenarios::files_of_the_caller_are_absent(&sandbox);
    super::races::around(&sandbox);
    the_gateway_is_all_that_is_reached(&sandbox);
}

/// The gateway listens on the host's own loopback here, on a port that the environment tells.
fn the_gateway_is_all_that_is_reached(sandbox: &dyn Sandbox) {
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let code = format!(
        r"
import socket
def connect(address, port):
    def attempt(): socket.create_connection((address, port), 2)
    return attempt
def datagram(): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))
def fast(): socket.socket().sendto(b'x', socket.MSG_FASTOPEN, ('127.0.0.1', {port}))
def listens(): socket.create_server(('127.0.0.1', 0))
address, port = os.environ['INDEX'].removeprefix('http://').removesuffix('/simple').split(':')
print(socket.create_connection((address, int(port)), 5).recv(100).decode())
tries([('host', connect('127.0.0.1', {port})), ('outside', connect('192.0.2.1', 80)), ('v6', connect('::1', int(port))),
       ('datagram', datagram), ('fast', fast), ('listens', listens)])
",
        port = host.local_addr().unwrap().port()
    );
    let mut job = python(&code);
    job.env.insert("INDEX".to_owned(), "http://127.0.0.1:8080/simple".to_owned());
    job.network = Network::Gateway(Arc::new(Echo));
    assert_eq!(says(&run(sandbox, &job), "gateway"), Ok(()));
    host.set_nonblocking(true).unwrap();
    assert!(host.accept().is_err(), "somebody came");
}

/// Landlock does not keep a program from what belongs to its own user, which an ordinary user's program is.
#[test]
fn modes_and_times_of_other_files_stay() {
    if native_is_off() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("of the caller");
    std::fs::write(&file, "x").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    let seen = || std::fs::metadata(&file).map(|found| (found.mode(), found.mtime(), found.ctime_nsec())).unwrap();
    let before = seen();
    let code = format!(
        r"
import fcntl, shutil
path = bytes.fromhex('{}').decode()
def flags():
    fd = os.open(path, os.O_PATH); fcntl.ioctl(fd, 0x40086602, bytearray(8))
for attempt in (lambda: os.chmod(path, 0o777), lambda: os.utime(path, (0, 0)), lambda: os.chown(path, -1, os.getgid()),
                lambda: os.setxattr(path, 'user.x', b'x'), lambda: os.truncate(path, 0), lambda: os.unlink(path),
                lambda: os.rename(path, path + 'x'), lambda: os.link(path, '/out/link'), flags,
                lambda: open(path, 'a'), lambda: call(452, -100, path.encode(), 0o777, 0)):
    try: attempt()
    except OSError: pass
# And a program that copies files still can.
open('/out/a', 'w').write('text'); shutil.copy2('/out/a', '/out/b'); os.rename('/out/b', '/tmp/c')
print(open('/tmp/c').read())
",
        file.to_str().unwrap().bytes().map(|byte| format!("{byte:02x}")).collect::<String>()
    );
    assert_eq!(says(&run(&confined(), &python(&code)), "text"), Ok(()));
    assert_eq!(seen(), before);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "x");
}

/// With some room where the kernel counts what else the user runs, which other tests are.
#[test]
fn processes_are_bounded() {
    if native_is_off() {
        return;
    }
    let code = r"
count = 0
try:
    while count < 3000:
        if os.fork() == 0: time.sleep(60); os._exit(0)
        count += 1
except OSError: pass
print(count)";
    let mut job = python(code);
    job.limits.memory_bytes = 4 << 30;
    let count = number(&run(&confined(), &job)).unwrap();
    assert_eq!(within(count, 10, if is_root() { 40 } else { 1000 }), Ok(()));
}

/// Processes that left their session and their parent, folders that are closed and deep, shared memory.
#[test]
fn a_confined_run_leaves_nothing() {
    if native_is_off() {
        return;
    }
    let marker = format!("confined-{}", std::process::id());
    let code = r"
print(os.getuid(), flush=True)
for level in range(40):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(60)
        os._exit(0)
try: open('/dev/shm/left', 'w').write('x')
except OSError: pass
os.chdir('/tmp')
for level in range(60):
    name = 'n' * 200; os.mkdir(name); os.chdir(name)
os.mkdir('closed', 0)
os._exit(0)
";
    let mut job = python(code);
    job.args.push(marker.clone());
    job.limits.pids = 100;
    let sandbox = confined();
    let user = number(&run(&sandbox, &job)).unwrap();
    assert_eq!(super::native::processes_with(&marker), Vec::<i32>::new());
    drop(sandbox);
    let own = |entry: &std::fs::DirEntry| entry.metadata().is_ok_and(|found| u64::from(found.uid()) == user);
    let left: Vec<_> = std::fs::read_dir("/dev/shm").unwrap().flatten().filter(own).collect();
    assert!(left.is_empty() || !is_root(), "{left:?}");
    let prefix = vetrun::sandbox::folder_prefix();
    let folders = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let left: Vec<_> = folders.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)).collect();
    // Other tests of this process have their own.
    let is_tmp_of_it = |entry: &std::fs::DirEntry| entry.path().join("tmp").join("n".repeat(200)).exists();
    assert!(!left.iter().any(is_tmp_of_it), "{left:?}");
}

/// An artifact that reads, writes and tries to look around.
const ARTIFACT: &[(&str, &str)] = &[
    (
        "main.py",
        "import os, pathlib\nfrom data import text\n(pathlib.Path(os.environ['OUTPUT_DIR']) / 'x').write_text(text)\nfor path in ('/etc/passwd', '/root', '/home'):\n    try:\n        os.listdir(path) if os.path.isdir(path) else open(path)\n    except PermissionError:\n        print(path)\n",
    ),
    ("data.py", "text = 'text'\n"),
];

fn runs_without_namespaces(output: &Output) {
    let shown = crate::support::shown(output);
    let report = crate::support::report(output);
    assert_eq!(report["status"], "passed", "{shown}");
    let execution = &report["execution"];
    assert!(execution["isolation"]["tier"].as_str().unwrap().contains("no namespaces"), "{shown}");
    assert_eq!(execution["isolation"]["layers"]["landlock"], true, "{shown}");
    assert_eq!(execution["isolation"]["layers"]["pidNamespace"], false, "{shown}");
    assert_eq!(execution["stdout"]["text"], "/etc/passwd\n/root\n/home\n", "{shown}");
    assert_eq!(execution["outputs"][0]["path"], "x", "{shown}");
}

#[test]
fn the_whole_command_runs_without_rights() {
    if native_is_off() || !is_root() {
        return;
    }
    let artifact = crate::support::folder(ARTIFACT);
    let mut command = vetrun_without_rights();
    command.args(["run", "--no-policy", "--no-builtin-rules", "--sandbox", "native", "--format", "json"]);
    command.arg(artifact.path());
    runs_without_namespaces(&command.output().unwrap());
    if crate::docker::sandbox().is_some() {
        // Whoever leaves the choice to vetrun gets the stronger walls.
        let mut command = vetrun_without_rights();
        command.args(["run", "--no-policy", "--no-builtin-rules", "--format", "json"]).arg(artifact.path());
        let output = command.output().unwrap();
        let report = crate::support::report(&output);
        assert_eq!(report["execution"]["backend"], "docker", "{}", crate::support::shown(&output));
    }
    let doctor = vetrun_without_rights().arg("doctor").output().unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("sandbox native: works: Landlock, system call filters (no namespaces)"), "{said}");
    assert!(said.contains("mend: there are no namespaces: it cannot make") && said.contains("userNamespace"), "{said}");
}

/// A container as an engine makes it when nobody asks for anything: its own filter of system calls, few capabilities, an
/// ordinary `/proc` of which parts are masked.
#[test]
fn the_whole_command_runs_in_an_ordinary_container() {
    if crate::docker::sandbox().is_none() {
        return;
    }
    let artifact = crate::support::folder(ARTIFACT);
    std::fs::set_permissions(artifact.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let mount = |host: &str, inside: &str| format!("--volume={host}:{inside}:ro");
    for user in ["0", "12345"] {
        let mut command = Command::new("docker");
        command
            .args(["run", "--rm", "--user", user, "--workdir", "/tmp"])
            .arg(mount(env!("CARGO_BIN_EXE_vetrun"), "/vetrun"))
            .arg(mount(artifact.path().to_str().unwrap(), "/artifact"))
            .args([vetrun::sandbox::docker::DEFAULT_IMAGE, "/vetrun", "run", "--no-policy", "--no-builtin-rules"])
            .args(["--format", "json", "--sandbox", "native", "/artifact"]);
        let output = command.output().unwrap();
        if String::from_utf8_lossy(&output.stderr).contains("GLIBC_") && std::env::var_os("CI").is_none() {
            println!("not tested: the image's C library is older than this host's");
            return;
        }
        runs_without_namespaces(&output);
    }
}
