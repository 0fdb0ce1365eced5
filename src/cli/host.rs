//! What this host offers a run: the back end that the policy wants, the installer, and a folder for temporary files.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Failure;
use super::args::RunningArgs;
use crate::policy::{Backend, Policy};
use crate::sandbox::docker::DockerSandbox;
use crate::sandbox::native::NativeSandbox;
use crate::sandbox::{self, Sandbox, SandboxError};

/// A back end that is ready, and where its temporary files are.
pub(super) struct Host {
    sandbox: Box<dyn Sandbox>,
    uv: Option<PathBuf>,
    scratch: TempDir,
    keep: bool,
}

impl Host {
    /// Readies the back end that the policy wants, after what a killed vetrun left behind has been swept away.
    pub(super) fn new(policy: &Policy, args: &RunningArgs) -> Result<Self, Failure> {
        let _swept = sandbox::sweep_folders(&std::env::temp_dir());
        let sandbox = sandbox(policy)?;
        // The name of a folder that is kept tells no owner, so that no later vetrun takes it for left behind.
        let prefix = if args.keep { "vetrun-kept-".to_owned() } else { sandbox::folder_prefix() };
        let mut scratch = tempfile::Builder::new().prefix(&prefix).tempdir().map_err(|error| {
            format!("could not make a temporary folder: {error} (set TMPDIR to one that can be written)")
        })?;
        scratch.disable_cleanup(args.keep);
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
    pub(super) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The folder, where the user wants to keep it.
    pub(super) fn keep(&self) -> Option<&Path> {
        self.keep.then(|| self.scratch.path())
    }
}

/// The back end that the policy wants; with `auto` the native one where it can isolate, else Docker, else an error that
/// says what is missing from each. Never unsandboxed.
fn sandbox(policy: &Policy) -> Result<Box<dyn Sandbox>, Failure> {
    match policy.execute.sandbox {
        Backend::Native => Ok(Box::new(native()?)),
        Backend::Docker => Ok(Box::new(docker(&policy.execute.image)?)),
        Backend::Auto => {
            let no_native = match native() {
                Ok(sandbox) => return Ok(Box::new(sandbox)),
                Err(error) => error,
            };
            match docker(&policy.execute.image) {
                Ok(sandbox) => Ok(Box::new(sandbox)),
                Err(no_docker) => Err(format!("no sandbox works here: {no_native}; {no_docker}").into()),
            }
        }
    }
}

fn native() -> Result<NativeSandbox, SandboxError> {
    NativeSandbox::new(launcher(), search_path())
}

fn docker(image: &str) -> Result<DockerSandbox, SandboxError> {
    let sandbox = DockerSandbox::connect(image, docker_host().as_deref())?;
    let _swept = sandbox.sweep()?;
    Ok(sandbox)
}

/// This executable, which starts itself again as the launcher of the native sandbox.
pub(super) fn launcher() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"))
}

/// The folders in which interpreters are looked for.
pub(super) fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// The engine that the user's other Docker tools talk to.
pub(super) fn docker_host() -> Option<String> {
    std::env::var("DOCKER_HOST").ok()
}

/// The first executable of this name on the search path.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let mut candidates = search_path().into_iter().map(|folder| folder.join(name));
    candidates.find(|path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok())
}
