//! Interpreters of the host: where they are, what they say of themselves, and what they need to be seen.
//!
//! A command on a search path may be a shell script that picks a version (pyenv), a link into a virtual environment, or
//! the program itself. So nothing is guessed from the path: the command is asked, with an empty environment and from the
//! root folder, so that neither a variable nor a file in a folder chooses the answer.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags};

use super::wait::is_readable;
use crate::sandbox::{Interpreter, InterpreterInfo};

/// How long an interpreter may take to say what it is.
const ASK_WITHIN: Duration = Duration::from_secs(20);
/// Bytes of an answer, at most: what a pipe holds while nobody reads.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// The question to Python. It runs on every version 3, imports nothing that is not built in, and leaves without the work of
/// an ordinary end: it is on the way of every first run.
const ASK_PYTHON: &str = r#"
import sys, posix
base = getattr(sys, "_base_executable", None) or sys.executable
told = [sys.version.split()[0], sys.platform + "-" + posix.uname().machine, base, sys.executable, sys.base_prefix]
posix.write(1, "\0".join(told).encode(sys.getfilesystemencoding(), "surrogateescape"))
posix._exit(0)
"#;

/// The question to Node, which has no environments and needs nothing but itself.
const ASK_NODE: &str = r#"
const arch = { x64: "x86_64", arm64: "aarch64" }[process.arch] || process.arch;
const told = [process.versions.node, process.platform + "-" + arch, process.execPath, process.execPath, ""];
process.stdout.write(told.join("\0"));
"#;

/// How a folder says that it is a virtual environment (PEP 405).
const ENVIRONMENT_MARK: &str = "pyvenv.cfg";

/// An interpreter of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What it is.
    pub(super) info: InterpreterInfo,
    /// Host paths that it needs, each shown at its own place.
    pub(super) needs: Vec<PathBuf>,
    /// Folders of packages that belong to the host and not to a run.
    pub(super) packages: Vec<PathBuf>,
    /// The virtual environment in which it was found, and its command there.
    pub(super) environment: Option<(PathBuf, String)>,
}

/// What an interpreter said.
#[derive(Debug)]
struct Answer {
    version: String,
    platform: String,
    /// The interpreter itself, behind any environment; links may lead to it.
    base: PathBuf,
    /// The command that runs it in the environment.
    executable: PathBuf,
    /// Where its library is; empty where it has none.
    prefix: PathBuf,
}

/// Finds the first command on `search` that answers as the interpreter `kind` and that programs `can_execute`. The error says
/// what was met.
pub(super) fn find(
    kind: Interpreter,
    search: &[PathBuf],
    can_execute: impl Fn(&Found) -> bool,
) -> Result<Found, String> {
    let mut tried = Vec::new();
    for folder in search.iter().filter(|folder| folder.is_absolute()) {
        let command = folder.join(kind.command());
        if rustix::fs::access(&command, rustix::fs::Access::EXEC_OK).is_err() || !command.is_file() {
            continue;
        }
        match ask(kind, &command, search).and_then(|answer| found(kind, answer)) {
            Ok(found) if can_execute(&found) => return Ok(found),
            Ok(found) => tried.push(format!(
                "{} is closed to others, and without namespaces a program that root starts is another user",
                found.info.path
            )),
            Err(reason) => tried.push(format!("{} {reason}", command.display())),
        }
    }
    if tried.is_empty() {
        return Err(format!("no `{}` is on the search path; install it, or put its folder on PATH", kind.command()));
    }
    Err(tried.join("; "))
}

fn ask(kind: Interpreter, command: &Path, search: &[PathBuf]) -> Result<Answer, String> {
    let arguments: &[&str] = match kind {
        Interpreter::Python => &["-I", "-S", "-c", ASK_PYTHON],
        Interpreter::Node => &["--no-warnings", "-e", ASK_NODE],
    };
    let path = std::env::join_paths(search).map_err(|error| error.to_string())?;
    let mut child = Command::new(command)
        .args(arguments)
        .env_clear()
        .env("PATH", path)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot be executed ({error})"))?;
    let has_ended = ends_within(&child, ASK_WITHIN);
    if !has_ended {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("cannot be waited for ({error})"))?;
    if !has_ended {
        return Err(format!("did not answer within {} s", ASK_WITHIN.as_secs()));
    }
    if !status.success() {
        return Err(format!("ended with {status} when it was asked for its version"));
    }
    let mut answer = Vec::new();
    let stdout = child.stdout.take().ok_or("said nothing")?;
    stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).map_err(|error| format!("cannot be read ({error})"))?;
    read(answer)
}

/// Waits for the end of a process; whether it came.
fn ends_within(child: &Child, within: Duration) -> bool {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pidfd = pid.and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok());
    pidfd.is_some_and(|pidfd| is_readable(&pidfd, within))
}

/// The parts of an answer, which zero bytes keep apart.
fn read(answer: Vec<u8>) -> Result<Answer, String> {
    let answer = String::from_utf8(answer).map_err(|_| "has a path that is not UTF-8")?;
    let parts: Vec<&str> = answer.split('\0').collect();
    let [version, platform, base, executable, prefix] = parts[..] else {
        return Err("gave no answer that can be read".to_owned());
    };
    Ok(Answer {
        version: version.to_owned(),
        platform: platform.to_owned(),
        base: base.into(),
        executable: executable.into(),
        prefix: prefix.into(),
    })
}

fn found(kind: Interpreter, answer: Answer) -> Result<Found, String> {
    let real =
        answer.base.canonicalize().map_err(|error| format!("is said to be at a path that is not there ({error})"))?;
    let path = real.to_str().ok_or("has a path that is not UTF-8")?.to_owned();
    let mut needs = BTreeSet::new();
    if !is_system(&real) {
        needs.insert(real.clone());
    }
    let prefix = Some(answer.prefix).filter(|prefix| prefix.is_absolute());
    // Only these folders of the prefix: it may be a whole home folder.
    for prefix in prefix.iter().filter(|prefix| !is_system(prefix)) {
        needs.extend(["bin", "lib", "lib64"].map(|name| prefix.join(name)).into_iter().filter(|path| path.is_dir()));
    }
    let mut needs: Vec<PathBuf> = needs.into_iter().collect();
    let all = needs.clone();
    needs.retain(|path| !all.iter().any(|other| other != path && path.starts_with(other)));
    let packages = prefix.iter().flat_map(|prefix| packages_below(&["lib", "lib64"].map(|name| prefix.join(name))));
    let packages = real_folders(packages);
    let environment = environment(answer.executable);
    let identity = identity(&real).map_err(|error| format!("cannot be looked at ({error})"))?;
    let info = InterpreterInfo { kind, path, version: answer.version, platform: answer.platform, identity };
    Ok(Found { info, needs, packages, environment })
}

/// Tells the file at a path from every other, and from what stood there before.
fn identity(path: &Path) -> std::io::Result<String> {
    let found = path.metadata()?;
    let (device, inode) = (found.dev(), found.ino());
    let changed = (found.mtime(), found.mtime_nsec());
    Ok(format!("{} {device} {inode} {} {}.{}", path.display(), found.len(), changed.0, changed.1))
}

/// The virtual environment that a command belongs to, and the command.
fn environment(executable: PathBuf) -> Option<(PathBuf, String)> {
    let folder = executable.parent()?;
    let marked = [folder.parent()?, folder].into_iter().find(|folder| folder.join(ENVIRONMENT_MARK).is_file())?;
    let marked = marked.to_owned();
    Some((marked, executable.into_os_string().into_string().ok()?))
}

/// Whether a path is inside what every run sees.
pub(super) fn is_system(path: &Path) -> bool {
    ["/usr", "/bin", "/sbin", "/lib", "/lib64"].iter().any(|folder| path.starts_with(folder))
}

/// The folders that exist, under their real paths, once each.
fn real_folders(folders: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let real: BTreeSet<PathBuf> = folders.into_iter().filter_map(|folder| folder.canonicalize().ok()).collect();
    real.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// Where Pythons whose libraries are in the folders `libraries` may keep packages.
fn packages_below(libraries: &[PathBuf]) -> Vec<PathBuf> {
    let entries = libraries.iter().filter_map(|library| std::fs::read_dir(library).ok()).flatten().flatten();
    let pythons = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("py"));
    pythons.flat_map(|entry| PACKAGE_FOLDERS.map(|name| entry.path().join(name))).collect()
}

/// Where the Pythons of a system keep their libraries.
const SYSTEM_LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
/// What they call the folders of packages.
const PACKAGE_FOLDERS: [&str; 2] = ["site-packages", "dist-packages"];

/// The package folders of every Python below `/usr`, whichever was found: a program can start another than its own.
pub(super) fn system_package_folders() -> Vec<PathBuf> {
    real_folders(packages_below(&SYSTEM_LIBRARIES.map(PathBuf::from)))
}

/// Whether a path is that of a package folder of a system's Python.
pub(super) fn is_system_package_folder(path: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(folder) = path.parent().filter(|_| PACKAGE_FOLDERS.contains(&&*name(path))) else { return false };
    name(folder).starts_with("py")
        && folder.parent().is_some_and(|library| SYSTEM_LIBRARIES.iter().any(|known| library == Path::new(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search() -> Vec<PathBuf> {
        std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect()
    }

    #[test]
    fn python_is_found_under_its_real_path() {
        let found = find(Interpreter::Python, &search(), |_| true).unwrap();
        assert!(found.info.version.starts_with("3."), "{found:?}");
        assert!(found.info.platform.starts_with("linux-"), "{found:?}");
        assert_eq!(Path::new(&found.info.path).canonicalize().unwrap(), Path::new(&found.info.path));
        assert!(found.packages.iter().all(|folder| folder.is_dir()));
    }

    #[test]
    fn a_script_that_picks_a_version_is_seen_through() {
        let folder = tempfile::tempdir().unwrap();
        let real = find(Interpreter::Python, &search(), |_| true).unwrap();
        let shim = folder.path().join("python3");
        std::fs::write(&shim, format!("#!/bin/sh\nexec {} \"$@\"\n", real.info.path)).unwrap();
        std::fs::set_permissions(&shim, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(find(Interpreter::Python, &[folder.path().to_owned()], |_| true).unwrap().info, real.info);
    }

    #[test]
    fn a_command_that_fails_is_named_and_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("python3");
        std::fs::write(&broken, "#!/bin/sh\nexit 3\n").unwrap();
        std::fs::set_permissions(&broken, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let error = find(Interpreter::Python, &[folder.path().to_owned()], |_| true).unwrap_err();
        assert!(error.contains("ended with exit status: 3"), "{error}");
        let both: Vec<_> = std::iter::once(folder.path().to_owned()).chain(search()).collect();
        assert!(find(Interpreter::Python, &both, |_| true).is_ok());
    }

    #[test]
    fn one_that_programs_cannot_execute_is_passed_over() {
        let error = find(Interpreter::Python, &search(), |_| false).unwrap_err();
        assert!(error.contains("is closed to others"), "{error}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        assert!(find(Interpreter::Node, &[PathBuf::from("/nonexistent")], |_| true).unwrap_err().contains("`node`"));
    }
}
