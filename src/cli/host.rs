//! What this host offers a run: the back end that the policy wants, the installer, and a folder for temporary files.

use std::path::{Path, PathBuf};

use super::Failure;
use super::args::RunningArgs;
use super::engine::{options, workspace};
use super::environment::search_path;
use crate::language::Language;
use crate::passes::execute;
use crate::policy::{Backend, ExecutePolicy, NetworkPolicy, Policy};
use crate::sandbox::docker::{DockerOptions, DockerSandbox};
use crate::sandbox::native::{Expected, NativeSandbox, Nursery, Walls};
use crate::sandbox::{Interpreter, Network, Sandbox, SandboxError, Scratch, Stop};

/// A back end that is ready, and where its temporary files are.
pub(super) struct Host {
    sandbox: Box<dyn Sandbox>,
    uv: Option<PathBuf>,
    scratch: Scratch,
    keep: bool,
}

impl Host {
    /// Readies the back end that the policy wants, for what is `ahead`, and sweeps away what a killed vetrun left behind.
    pub(super) fn new(
        nursery: Nursery,
        policy: &Policy,
        args: &RunningArgs,
        ahead: &Ahead<'_>,
    ) -> Result<Self, Failure> {
        let sandbox = sandbox(nursery, policy, ahead)?;
        let within = temporary(sandbox.as_ref())?;
        let scratch = Scratch::new(&within, args.keep).map_err(|error| {
            let within = within.display();
            format!("could not make a temporary folder in {within}: {error} (set TMPDIR to one that can be written)")
        })?;
        Ok(Self { sandbox, uv: on_path("uv"), scratch, keep: args.keep })
    }

    /// Where programs run.
    pub(super) fn sandbox(&self) -> &dyn Sandbox {
        self.sandbox.as_ref()
    }

    /// The host's uv, if it has one.
    pub(super) fn uv(&self) -> Option<&Path> {
        self.uv.as_deref()
    }

    /// Where temporary folders are made.
    pub(super) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Clears everything away, as this process ends.
    pub(super) fn end(self) {
        drop(self.sandbox);
        self.scratch.leave(&launcher());
    }

    /// The folder, where the user wants to keep it.
    pub(super) fn keep(&self) -> Option<&Path> {
        self.keep.then(|| self.scratch.path())
    }
}

/// Where temporary folders are made: an engine must see what is in them.
fn temporary(sandbox: &dyn Sandbox) -> Result<PathBuf, Failure> {
    let workspace = if sandbox.name() == "docker" { workspace()? } else { None };
    Ok(workspace.map_or_else(std::env::temp_dir, |workspace| workspace.inside))
}

/// What a host is to be ready for.
pub(super) struct Ahead<'a> {
    /// What will be run.
    pub(super) paths: &'a [PathBuf],
    /// How much of it at one time.
    pub(super) together: usize,
    /// How many interpreters, or containers, are kept started.
    pub(super) warm: usize,
    /// Raised when the user interrupts.
    pub(super) stop: &'a Stop,
}

/// The back end that the policy wants; with `auto` the native one where it has namespaces, else Docker, else the native one
/// without, else an error that says what is missing from each. Never unsandboxed.
fn sandbox(nursery: Nursery, policy: &Policy, ahead: &Ahead<'_>) -> Result<Box<dyn Sandbox>, Failure> {
    let native = || native(nursery, &policy.execute, ahead);
    match policy.execute.sandbox {
        Backend::Native => Ok(Box::new(native()?)),
        Backend::Docker => Ok(Box::new(docker(&policy.execute, ahead)?)),
        Backend::Auto => {
            let native = match native() {
                Ok(sandbox) if sandbox.walls() == Walls::Namespaces => return Ok(Box::new(sandbox)),
                weaker_or_none => weaker_or_none,
            };
            match (docker(&policy.execute, ahead), native) {
                (Ok(sandbox), _) => Ok(Box::new(sandbox)),
                (Err(_), Ok(sandbox)) => Ok(Box::new(sandbox)),
                (Err(no_docker), Err(no_native)) => {
                    Err(format!("no sandbox works here: {no_native}; {no_docker}").into())
                }
            }
        }
    }
}

/// The native sandbox, ready for a first program. Beyond one, it keeps as many containers ready as run together.
fn native(nursery: Nursery, policy: &ExecutePolicy, ahead: &Ahead<'_>) -> Result<NativeSandbox, SandboxError> {
    let network = match policy.network {
        NetworkPolicy::Full => Network::Full,
        // What stands between a program and an index is made when it is needed.
        NetworkPolicy::None | NetworkPolicy::Index => Network::None,
    };
    let interpreters = interpreters(ahead.paths);
    let expected = Expected { limits: execute::limits(policy), network, trace: policy.trace, interpreters };
    let sandbox = NativeSandbox::expecting(nursery, search_path(), &expected)?;
    match (ahead.warm, ahead.together) {
        (0, 0 | 1) => Ok(sandbox),
        (0, together) => sandbox.with_spares(together),
        (warm, _) => sandbox.with_warm(warm),
    }
}

/// The interpreters that what is at these paths will probably want, as far as the names tell.
fn interpreters(paths: &[PathBuf]) -> Vec<Interpreter> {
    let languages = paths.iter().map(|path| Language::detect(&path.to_string_lossy(), b""));
    let mut found: Vec<_> = languages.filter_map(|language| language.info().interpreter).collect();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { vec![Interpreter::Python] } else { found }
}

fn docker(policy: &ExecutePolicy, ahead: &Ahead<'_>) -> Result<DockerSandbox, Failure> {
    let options = DockerOptions {
        stop: ahead.stop.clone(),
        warm: Some((ahead.warm, execute::limits(policy))),
        ..options(policy)?
    };
    let sandbox = DockerSandbox::connect(options)?;
    let _swept = sandbox.sweep()?;
    Ok(sandbox)
}

/// What the native sandbox takes its launchers from, which is the first that a run needs.
pub(super) fn nursery() -> Nursery {
    Nursery::start(launcher())
}

/// This executable, which starts itself again as the launcher of the native sandbox.
pub(super) fn launcher() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"))
}

/// The first executable of this name on the search path.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let mut candidates = search_path().into_iter().map(|folder| folder.join(name));
    candidates.find(|path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok())
}
