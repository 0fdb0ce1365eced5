//! Where untrusted programs run: one trait, several back ends.
//!
//! A back end takes a [`Job`] (plain data: what to run, what it may see, how much it may use) and gives back an
//! [`Outcome`] (plain data: what was seen). Nothing here knows about artifacts, passes or reports. Two rules hold for
//! every back end and are proved by one conformance suite that runs over all of them (`tests/it/conformance.rs`):
//!
//! - **An outcome rests on evidence**: counters, timers, byte caps and the real wait status, never on an exit code
//!   such as 137 that the program can produce by itself.
//! - **A restriction that cannot be applied is an error** ([`SandboxError::Unavailable`]) or stands in
//!   [`Isolation`] as not enforced; nothing falls back to an unsandboxed run.
//!
//! The trait is synchronous. The Docker back end is the only module that knows an async runtime.

mod agent;
mod basket;
mod behaviour;
mod collect;
pub mod docker;
pub mod native;
mod owner;
mod readable;
mod scratch;
mod session;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use behaviour::{Attempt, AttemptKind, Behaviour};
pub use collect::{CollectLimits, Collected, RefusedOutput, collect_tree};
pub use owner::{folder_prefix, sweep_folders};
pub use scratch::{CLEARER_NAME, Scratch, clearer_main};
pub use session::{Exec, Executed, Health, Running, Session, SessionOptions, Source};

/// Where the job's input files are mounted, read-only.
pub const WORK_DIR: &str = "/work";
/// The only folder, beside the scratch folder, that a job may write; what it holds at the end is collected.
pub const OUT_DIR: &str = "/out";
/// Scratch space that vanishes with the run.
pub const TMP_DIR: &str = "/tmp";
/// `HOME` of every job: empty, writable, gone with the run.
pub const HOME_DIR: &str = "/tmp/home";
/// Where installed packages are mounted, read-only.
pub const DEPS_DIR: &str = "/deps";
/// Where installed packages of Node are mounted, read-only: the outermost place where Node looks for what a program in
/// [`WORK_DIR`] imports.
pub const NODE_DIR: &str = "/node_modules";

/// A place that can run jobs in isolation.
pub trait Sandbox: Send + Sync {
    /// The name used on the command line and in the report: `native`, `docker`.
    fn name(&self) -> &'static str;

    /// Runs `job` to its end and returns what was seen.
    ///
    /// Returns within the job's wall limit plus the time that set-up and clean-up take. When `stop` is raised the run
    /// is killed and [`Ended::Interrupted`] returned. When this function returns, by whatever way, no process,
    /// container, mount, control group or temporary file of the run is left.
    ///
    /// # Errors
    /// [`SandboxError`] when the job could not be run or its end could not be established. A program that fails is
    /// not an error: see [`Outcome::ended`].
    fn run(&self, job: &Job, stop: &Stop) -> Result<Outcome, SandboxError>;

    /// Opens a session: a container that stays, for many programs.
    ///
    /// # Errors
    /// [`SandboxError`] when this back end cannot keep one on this host, with the reason and the mend. One that knows no
    /// sessions says so.
    fn open(&self, _options: &SessionOptions, _stop: &Stop) -> Result<Box<dyn Session>, SandboxError> {
        let (reason, mend) = ("it keeps no sessions".to_owned(), "use another back end".to_owned());
        Err(SandboxError::Unavailable { backend: self.name(), reason, mend })
    }

    /// Finds the interpreter that [`Program::Interpreter`] stands for, and asks it for its version.
    ///
    /// # Errors
    /// [`SandboxError`] when the back end has no such interpreter.
    fn interpreter(&self, kind: Interpreter) -> Result<InterpreterInfo, SandboxError>;
}

/// Raised once, by the signal handler of the command line, to end every run in progress.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks every holder of a clone to end its work.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether [`Stop::raise`] was called. Back ends poll this at least every 50 ms.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The flag itself, for a signal handler to set.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

/// One program to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to run.
    pub program: Program,
    /// Its arguments, the program's own name not included.
    pub args: Vec<String>,
    /// The whole environment; nothing of vetrun's own environment is added. Back ends add only what the program needs
    /// to be found (`PATH`).
    pub env: BTreeMap<String, String>,
    /// The working directory inside the sandbox.
    pub cwd: String,
    /// What the program reads on standard input; empty means end of file at once.
    pub stdin: Vec<u8>,
    /// Host folders and files that the job may read.
    pub mounts: Vec<Mount>,
    /// Whether packages that are installed beside the native interpreter (`site-packages`, `dist-packages`) can be
    /// seen. Off for programs, so that what an artifact declares is what it gets; on for an installer, which lives
    /// there. An image's own packages are always seen: its owner chose them.
    pub host_packages: bool,
    /// The host folder that receives what the job left in [`OUT_DIR`]; `None` collects nothing. The folder exists and
    /// is empty.
    pub collect_into: Option<PathBuf>,
    /// What the job may reach.
    pub network: Network,
    /// What the job may use.
    pub limits: Limits,
    /// Whether what it tries is to be told, where the back end can. What it may do does not depend on this.
    pub trace: bool,
}

impl Job {
    /// A job that has nothing but its program: no arguments, environment, files or network.
    pub(crate) fn bare(program: Program, limits: Limits) -> Self {
        Self {
            program,
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: TMP_DIR.to_owned(),
            stdin: Vec::new(),
            mounts: Vec::new(),
            host_packages: false,
            collect_into: None,
            network: Network::None,
            limits,
            trace: false,
        }
    }
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A language's interpreter, wherever this back end keeps it.
    Interpreter(Interpreter),
    /// A path inside the sandbox, or a name looked up on the sandbox's `PATH`.
    Command(String),
}

impl Program {
    /// What it is called by.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Interpreter(kind) => kind.command(),
            Self::Command(path) => path,
        }
    }
}

/// The interpreters that artifacts may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interpreter {
    /// CPython 3.
    Python,
    /// Node.js.
    Node,
}

impl Interpreter {
    /// The command it is known by on a `PATH`.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Python => "python3",
            Self::Node => "node",
        }
    }
}

/// What an interpreter says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterpreterInfo {
    /// Which one.
    pub kind: Interpreter,
    /// Its path inside the sandbox.
    pub path: String,
    /// Its version, e.g. `3.11.7` or `20.20.2`.
    pub version: String,
    /// The platform it runs on, e.g. `linux-x86_64`.
    pub platform: String,
    /// Tells it from every other interpreter, and from this one after an upgrade: the image, or what the system knows of its
    /// file.
    pub identity: String,
}

/// A host path shown read-only inside the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The path on the host; an absolute path of a folder or regular file that exists.
    pub host: PathBuf,
    /// The absolute path inside the sandbox.
    pub inside: String,
}

/// What a job may reach over the network.
#[derive(Clone, Default)]
pub enum Network {
    /// Nothing but itself: a network namespace of its own, where only loopback is, so that a program can talk to a server
    /// that it started.
    #[default]
    None,
    /// One listening socket on the sandbox's own loopback, served from outside by `Gateway`; nothing else.
    Gateway(Arc<dyn Gateway>),
    /// The host's network, unrestricted.
    Full,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Network {
    /// The name used in the report: `none`, `index`, `full`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gateway(_) => "index",
            Self::Full => "full",
        }
    }
}

/// The port on the sandbox's loopback where a [`Gateway`] is reached.
pub const GATEWAY_PORT: u16 = 8080;

/// A server that runs outside the sandbox and is reached from inside through one socket.
///
/// The back end makes the listening socket on 127.0.0.1:[`GATEWAY_PORT`] *inside* the sandbox's network namespace,
/// where it is the only thing that can be reached, and hands it over before the program starts.
pub trait Gateway: Send + Sync {
    /// Starts to serve `listener`, in threads of its own, and returns at once. Dropping the returned guard ends the
    /// service and waits for it.
    fn serve(&self, listener: TcpListener) -> Box<dyn Send>;
}

/// What a job may use. Every limit is always set.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Wall-clock time from the program's start.
    pub wall: Duration,
    /// Memory of all processes together, written tmpfs pages included, in bytes. Swap is not given.
    pub memory_bytes: u64,
    /// Share of processors, e.g. 0.5.
    pub cpus: f64,
    /// Processes and threads at once.
    pub pids: u32,
    /// Open files per process.
    pub open_files: u32,
    /// Size of one file, in bytes.
    pub file_bytes: u64,
    /// Bytes in [`OUT_DIR`].
    pub out_bytes: u64,
    /// Files and folders in [`OUT_DIR`].
    pub out_files: u32,
    /// Bytes in [`TMP_DIR`].
    pub tmp_bytes: u64,
    /// Bytes kept of each of standard output and standard error. A program that writes more is killed.
    pub stream_bytes: u64,
}

impl Default for Limits {
    /// The profile of a small program: 30 s, 256 MiB, half a processor, 100 processes.
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(30),
            memory_bytes: 256 << 20,
            cpus: 0.5,
            pids: 100,
            open_files: 1024,
            file_bytes: 64 << 20,
            out_bytes: 64 << 20,
            out_files: 1000,
            tmp_bytes: 64 << 20,
            stream_bytes: 1 << 20,
        }
    }
}

/// What was seen of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How the run ended.
    pub ended: Ended,
    /// What the program wrote on standard output.
    pub stdout: Stream,
    /// What the program wrote on standard error.
    pub stderr: Stream,
    /// What was taken from [`OUT_DIR`].
    pub collected: Collected,
    /// What the run used.
    pub metrics: Metrics,
    /// What it tried.
    pub behaviour: Behaviour,
    /// Which restrictions held during this run.
    pub isolation: Isolation,
    /// The full command line as it ran inside.
    pub command: Vec<String>,
    /// The image it ran in, pinned by digest; `None` where there is no image.
    pub image: Option<String>,
    /// Where the job's places inside were, where they had to be elsewhere: the command line and the environment were told so.
    pub places: BTreeMap<String, String>,
}

impl Outcome {
    /// A path that the program told, by the name that the job has for it.
    #[must_use]
    pub fn named(&self, path: &str) -> String {
        let below = |real: &str| path.strip_prefix(real).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let found = self.places.iter().find_map(|(inside, real)| Some(format!("{inside}{}", below(real)?)));
        found.unwrap_or_else(|| path.to_owned())
    }
}

/// How a run ended, by evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The program returned this exit code.
    Exited(i32),
    /// The program was ended by this signal, for a reason of its own (a crash, `kill`, `abort`).
    Signaled(i32),
    /// The wall limit was reached and vetrun killed the run.
    TimedOut,
    /// The kernel killed the program for memory. A child that was killed while the program itself went on is told by
    /// [`Metrics::oom_kills`] instead.
    OutOfMemory,
    /// The program wrote more than [`Limits::stream_bytes`] and vetrun killed the run.
    OutputLimit,
    /// The program used more than [`Limits::out_bytes`] or [`Limits::out_files`] and vetrun killed the run. Back ends
    /// that let the kernel refuse the write instead never return this.
    DiskLimit,
    /// [`Stop::raise`] was called and vetrun killed the run.
    Interrupted,
}

/// One captured stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The bytes kept: the first [`Limits::stream_bytes`].
    pub bytes: Vec<u8>,
    /// How many bytes were seen in all.
    pub bytes_seen: u64,
}

impl Stream {
    /// Whether more was written than was kept.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.bytes_seen > self.bytes.len() as u64
    }
}

/// What a run used. `None` where the back end cannot know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// From the program's start to its end.
    pub wall: Duration,
    /// User and system time of all processes.
    pub cpu: Option<Duration>,
    /// The highest memory use of all processes together, in bytes.
    pub memory_peak_bytes: Option<u64>,
    /// The highest number of processes and threads at once.
    pub pids_peak: Option<u64>,
    /// How many processes the kernel killed for memory.
    pub oom_kills: Option<u64>,
    /// Whether peaks were sampled, so that a short peak may have been missed.
    pub sampled: bool,
}

/// Which restrictions held, by name. The names are the same for every back end:
/// layers `userNamespace pidNamespace mountNamespace networkNamespace ipcNamespace utsNamespace cgroupNamespace seccomp
/// landlock noNewPrivileges capabilitiesDropped nonRoot readOnlyRoot`; limits `wall memory cpus pids openFiles fileBytes
/// outBytes outFiles tmpBytes streamBytes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Isolation {
    /// A one-line description of the tier, e.g. `namespaces and cgroup v1, started as root`.
    pub tier: String,
    /// Whether each layer was active.
    pub layers: BTreeMap<&'static str, bool>,
    /// Whether each limit was enforced, and by what, e.g. `("memory", Enforcement { enforced: true, by: "cgroup v1" })`.
    pub limits: BTreeMap<&'static str, Enforcement>,
}

/// Whether a limit held, and what held it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforcement {
    /// Whether something would have stopped the program.
    pub enforced: bool,
    /// What: `cgroup v1`, `rlimit`, `tmpfs`, `supervisor`, …; or why nothing does.
    pub by: String,
}

/// Why a back end could not run a job, or could not tell how it ended.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The back end cannot isolate anything on this host.
    #[error("the {backend} sandbox is not available: {reason} ({mend})")]
    Unavailable {
        /// The back end.
        backend: &'static str,
        /// What is missing.
        reason: String,
        /// What its owner can do.
        mend: String,
    },
    /// The back end lacks the program.
    #[error("`{program}` is not there in the {backend} sandbox ({mend})")]
    NoProgram {
        /// The back end.
        backend: &'static str,
        /// The program that was looked for.
        program: String,
        /// What its owner can do.
        mend: String,
    },
    /// The run could not be set up or watched to its end.
    #[error("the {backend} sandbox failed while it tried to {action}")]
    Failed {
        /// The back end.
        backend: &'static str,
        /// What it was doing, as an infinitive: `mount /proc`.
        action: String,
        /// What the system or the engine said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What `vetrun doctor` says of a back end.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The back end.
    pub backend: &'static str,
    /// Whether it can run jobs here.
    pub usable: bool,
    /// The tier, where usable; the reason, where not.
    pub summary: String,
    /// What its owner can do to make it usable or stronger; empty where nothing is missing.
    pub mends: Vec<String>,
    /// What it would enforce, as far as can be told without a run.
    pub isolation: Isolation,
}

/// What is behind a lock; whoever panicked while holding it left nothing half done.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
