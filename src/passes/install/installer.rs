//! Installers: how pip and uv are called inside the sandbox, and what their end means.
//!
//! Both get the same list, which names every file by its digest, and one reachable address: a proxy that has those files
//! and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{IndexProxy, InstallError, RunEnvironment, Tools};
use crate::policy::InstallPolicy;
use crate::sandbox::{
    Collected, Ended, GATEWAY_PORT, Interpreter, Job, Limits, Mount, Network, OUT_DIR, Outcome, Program, TMP_DIR,
    WORK_DIR,
};

/// Where a uv of the host is shown inside the sandbox.
const UV_INSIDE: &str = "/installer/uv";
/// Processes and threads that an installer may have at once; uv starts dozens.
const INSTALLER_PIDS: u32 = 512;

/// One of the installers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    Uv(&'a Path),
    Pip,
}

/// How an installer's run ended.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It installed everything; what it left.
    Done(Collected),
    /// What is declared cannot be installed; what the installer said.
    Refused(String),
    /// A limit was reached; which, as a fragment.
    Limit(String),
    /// The installer failed for reasons of its own; what it said.
    Failed(String),
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(_) => f.write_str("it installed everything"),
            Self::Refused(said) | Self::Limit(said) | Self::Failed(said) => f.write_str(said),
        }
    }
}

/// What every run of an installer shares.
pub(super) struct Run<'a> {
    pub(super) tools: &'a Tools<'a>,
    pub(super) environment: &'a RunEnvironment,
    pub(super) policy: &'a InstallPolicy,
    /// The folder with `requirements.txt`.
    pub(super) files: &'a Path,
    /// What the installer can reach.
    pub(super) proxy: &'a Arc<IndexProxy>,
    /// How long it may take.
    pub(super) wall: Duration,
}

impl Run<'_> {
    /// Runs the installer; what it leaves is put into the empty folder `into`.
    pub(super) fn attempt(&self, choice: Choice<'_>, into: &Path) -> Result<Attempt, InstallError> {
        let (program, args) = match choice {
            Choice::Pip => (Program::Interpreter(Interpreter::Python), self.pip_arguments()),
            Choice::Uv(_) => (Program::Command(UV_INSIDE.to_owned()), self.uv_arguments()),
        };
        let mut mounts = vec![Mount { host: self.files.to_owned(), inside: WORK_DIR.to_owned() }];
        if let Choice::Uv(path) = choice {
            mounts.push(Mount { host: path.to_owned(), inside: UV_INSIDE.to_owned() });
        }
        let job = Job {
            program,
            args,
            env: self.variables(),
            cwd: TMP_DIR.to_owned(),
            stdin: Vec::new(),
            mounts,
            host_packages: choice == Choice::Pip,
            collect_into: Some(into.to_owned()),
            network: Network::Gateway(Arc::<IndexProxy>::clone(self.proxy)),
            limits: self.limits(),
            trace: false,
        };
        let outcome = self.tools.sandbox.run(&job, self.tools.stop)?;
        if outcome.ended == Ended::Interrupted {
            return Err(InstallError::Interrupted);
        }
        Ok(judge(choice, outcome))
    }

    /// The environment of the run, and that no settings of the host's are read, where they can be seen.
    fn variables(&self) -> BTreeMap<String, String> {
        let mut env = self.environment.env.clone();
        env.insert("PIP_CONFIG_FILE".to_owned(), "/dev/null".to_owned());
        env
    }

    /// The uv's own name and version; `None` where it does not say.
    pub(super) fn uv_version(&self, path: &Path) -> Result<Option<String>, InstallError> {
        let job = Job {
            program: Program::Command(UV_INSIDE.to_owned()),
            args: vec!["--version".to_owned()],
            env: self.environment.env.clone(),
            cwd: TMP_DIR.to_owned(),
            stdin: Vec::new(),
            mounts: vec![Mount { host: path.to_owned(), inside: UV_INSIDE.to_owned() }],
            host_packages: false,
            collect_into: None,
            network: Network::None,
            limits: Limits { pids: INSTALLER_PIDS, cpus: 1.0, ..Limits::default() },
            trace: false,
        };
        let outcome = self.tools.sandbox.run(&job, self.tools.stop)?;
        let said = String::from_utf8_lossy(&outcome.stdout.bytes).into_owned();
        let mut words = said.split_whitespace();
        let version = match (outcome.ended, words.next(), words.next()) {
            (Ended::Exited(0), Some("uv"), Some(version)) => Some(format!("uv {}", super::printable(version, 40))),
            _ => None,
        };
        Ok(version)
    }

    fn limits(&self) -> Limits {
        let installed = self.policy.installed_bytes_max.bytes();
        Limits {
            wall: self.wall.max(Duration::from_millis(1)),
            memory_bytes: self.policy.memory.bytes(),
            cpus: 2.0,
            pids: INSTALLER_PIDS,
            open_files: 4096,
            file_bytes: installed,
            out_bytes: installed,
            out_files: u32::try_from(self.policy.installed_files_max).unwrap_or(u32::MAX),
            // pip unpacks into the scratch folder first, beside the files that it fetched.
            tmp_bytes: installed.saturating_mul(2),
            stream_bytes: 4 << 20,
        }
    }

    fn pip_arguments(&self) -> Vec<String> {
        let mut args = words("-I -m pip --isolated install --no-cache-dir --disable-pip-version-check --upgrade");
        args.extend(words("--force-reinstall --only-binary=:all: --no-compile --no-input --no-color"));
        args.extend(words("--progress-bar off --retries 1 --timeout 60 --trusted-host 127.0.0.1"));
        args.extend(["--target".to_owned(), OUT_DIR.to_owned()]);
        self.common_arguments(&mut args);
        args
    }

    fn uv_arguments(&self) -> Vec<String> {
        let mut args = words("pip install --no-config --no-cache --no-progress --color never --no-python-downloads");
        args.extend(words("--link-mode copy --only-binary :all:"));
        args.extend(["--target".to_owned(), OUT_DIR.to_owned()]);
        args.extend(["--python".to_owned(), self.environment.interpreter_path.clone()]);
        self.common_arguments(&mut args);
        args
    }

    fn common_arguments(&self, args: &mut Vec<String>) {
        args.extend(["--index-url".to_owned(), format!("http://127.0.0.1:{GATEWAY_PORT}/simple/")]);
        args.extend(["-r".to_owned(), format!("{WORK_DIR}/requirements.txt")]);
        // The list is whole, and names each file by its digest: there is nothing left to be decided.
        args.extend(words("--no-deps --require-hashes"));
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn judge(choice: Choice<'_>, outcome: Outcome) -> Attempt {
    let said = super::last_lines(&outcome.stderr.bytes);
    let oom = outcome.metrics.oom_kills.is_some_and(|kills| kills > 0);
    match outcome.ended {
        Ended::Exited(0) => Attempt::Done(outcome.collected),
        _ if oom => Attempt::Limit("the memory for an install (`install.memory`)".to_owned()),
        // pip says nothing at all when the disk is full.
        Ended::Exited(_) if is_full(&outcome) => Attempt::Limit(
            "the space for packages (`install.installed_bytes_max` or `install.installed_files_max`)".to_owned(),
        ),
        // Both use 1 for what they understand. uv uses 2 for the rest, pip for a crash.
        Ended::Exited(1) if choice == Choice::Pip || is_resolution(&outcome) => Attempt::Refused(said),
        Ended::Exited(code) => Attempt::Failed(format!("exit code {code}: {said}")),
        Ended::TimedOut => Attempt::Limit("the time for an install (`install.timeout`)".to_owned()),
        Ended::OutOfMemory => Attempt::Limit("the memory for an install (`install.memory`)".to_owned()),
        Ended::DiskLimit => Attempt::Limit(
            "the space for packages (`install.installed_bytes_max` or `install.installed_files_max`)".to_owned(),
        ),
        ended @ (Ended::OutputLimit | Ended::Interrupted | Ended::Signaled(_)) => {
            Attempt::Failed(format!("{ended:?}: {said}"))
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

fn is_full(outcome: &Outcome) -> bool {
    ["No space left on device", "ENOSPC", "Disk quota exceeded", "File too large"]
        .iter()
        .any(|text| contains(&outcome.stderr.bytes, text) || contains(&outcome.stdout.bytes, text))
}

fn is_resolution(outcome: &Outcome) -> bool {
    [
        "No solution found",
        "not found in the package registry",
        "Hash mismatch",
        "hash-checking mode",
        "--require-hashes",
    ]
    .iter()
    .any(|text| contains(&outcome.stderr.bytes, text))
}
