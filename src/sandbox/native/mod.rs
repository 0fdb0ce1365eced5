//! The native back end: namespaces, control groups and seccomp of this host, no daemon.
//!
//! One run is five processes, the first two of which all runs share, each of which can do less than the one before:
//!
//! ```text
//! vetrun        supervises: streams, deadline, counters, verdict            supervise.rs, cgroup.rs, collect.rs
//!  └ zygote     this program anew, once: forks the launchers               zygote.rs
//!     └ launcher   one for each run: namespaces, root folder, network      launcher.rs, root.rs, net.rs
//!        └ init    first process inside: /proc, ids, reaps                 init.rs, ids.rs
//!           └ the program, after limits, Landlock and filters              target.rs, landlock.rs, seccomp.rs
//! ```
//!
//! The last is started as `vfork` does it, in the memory of the one before (`process.rs`), which waits for it anyhow. A Python
//! of [`NativeSandbox::with_warm`] is forked from one that has started instead (`template.rs`, `template.py`), and takes the
//! same steps (`steps.rs`) before it waits for its script (`waiting.py`).
//!
//! Where a run is traced, a thread of vetrun answers the calls that its filter stops (`trace.rs`, `notify.rs`) and notes what
//! they were for (`attempts.rs`, `reading.rs`, `address.rs`, `question.rs`).
//!
//! The supervisor plans (`layout.rs`, `interpreter.rs`), writes the plan down (`spec.rs`), and sends it over a socket
//! (`channel.rs`), in two steps: a container is created (`container.rs`), and later told what to execute. So one can be
//! created ahead, while something else runs.
//! Started as root, vetrun uses control groups, and the program becomes a host user that nobody is;
//! started by anybody else, a user namespace gives the rights, and memory is sampled.
//!
//! A session (`session.rs`) is a container whose program is the agent of `../agent`.
//!
//! Where nobody may make namespaces (in most containers), Landlock and the filters are all there is ([`Walls::Landlock`]): the
//! launcher forks the program itself and stays to end what it leaves (`confined.rs`), which has a part of the host's own tree
//! (`grounds.rs`) and is refused more (`seccomp_confined.rs`). Where that does not work either, nothing runs.

mod address;
mod attempts;
mod cgroup;
mod channel;
mod confined;
mod container;
mod doctor;
mod grounds;
mod ids;
mod init;
mod interpreter;
mod isolation;
mod landlock;
mod launcher;
mod layout;
mod net;
mod notify;
mod owner;
mod process;
mod question;
mod reading;
mod root;
mod sample;
mod seccomp;
mod seccomp_confined;
mod seccomp_rules;
mod seccomp_tree;
mod session;
mod spares;
mod spec;
mod steps;
mod streams;
mod supervise;
mod target;
mod template;
mod trace;
mod wait;
mod zygote;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

pub use doctor::{diagnose, sweep};
pub use launcher::launcher_main;
pub use spec::{LAUNCHER_NAME, Walls};
pub use zygote::Nursery;

use self::container::{Container, Kind, Waiting};
use self::interpreter::Found;
use self::spares::Spares;
use self::spec::{Bind, Caps, Fault, Ids, Lent, Net, Start};
use self::supervise::{Seen, Trouble, Watch};
use super::collect::collect_folder;
use super::readable::is_executed_by_all;
use super::{
    CollectLimits, Collected, Interpreter, InterpreterInfo, Job, Limits, Network, OUT_DIR, Outcome, Program, Sandbox,
    SandboxError, Session, SessionOptions, Stop, WORK_DIR,
};

/// The name of this back end.
const BACKEND: &str = "native";
/// Folders inside folders that are collected from the output folder.
const DEPTH_MAX: u32 = 64;
/// Processes and threads that a user may start beside a program that counts as one of theirs.
const OTHER_PROCESSES: u64 = 256;
/// What an interpreter that waits runs.
pub(super) const WAITING: &str =
    concat!(include_str!("waiting.py"), "prepare()\nwait(int(__import__('sys').argv.pop()))\n");
/// Bytes of a command line that it can be told.
const TOLD_BYTES_MAX: usize = 64 << 10;
/// Shared memory, where the limit on memory allows that much.
const SHM_BYTES: u64 = 64 << 20;
/// Private memory that a process may reserve beyond the limit where memory is only sampled; interpreters reserve much
/// more than they use.
const DATA_SLACK_BYTES: u64 = 1 << 30;

/// Runs jobs with the means of this host's kernel.
#[derive(Debug)]
pub struct NativeSandbox {
    /// Before those who made them.
    spares: Spares,
    nursery: Arc<Nursery>,
    finder: Arc<Finder>,
    /// The strongest that this host has.
    walls: Walls,
    /// Whether spares are interpreters that wait.
    is_warm: bool,
}

/// What will probably be run first, so that it can be prepared.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// What the first job may use.
    pub limits: Limits,
    /// What it may reach.
    pub network: Network,
    /// Whether it is traced.
    pub trace: bool,
    /// The interpreters that jobs will want.
    pub interpreters: Vec<Interpreter>,
}

impl NativeSandbox {
    /// A sandbox whose launcher is the program `launcher` (vetrun's own executable), and which looks for interpreters in
    /// the folders `search`, in order. Sets a run up, to see that everything works, and removes what a killed vetrun left.
    /// Its walls are the strongest that this host has.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when this host cannot isolate anything, with the reason and the mend.
    pub fn new(launcher: PathBuf, search: Vec<PathBuf>) -> Result<Self, SandboxError> {
        Self::set_up(Nursery::start(launcher), search, &Expected::default()).map(|(sandbox, _)| sandbox)
    }

    /// The same with these walls and no others.
    ///
    /// # Errors
    /// As [`NativeSandbox::new`].
    pub fn with_walls(launcher: PathBuf, search: Vec<PathBuf>, walls: Walls) -> Result<Self, SandboxError> {
        let sandbox = Self { walls, ..Self::unproven(Nursery::start(launcher), search) };
        sandbox.prove(&Expected::default()).map_err(|trouble| doctor::unavailable(&[(walls, trouble)]))?;
        Ok(sandbox)
    }

    /// What keeps programs in.
    #[must_use]
    pub fn walls(&self) -> Walls {
        self.walls
    }

    /// The same, with launchers from a `nursery` that was started before, and what was set up is kept for a first job that is
    /// as it is `expected`. The expected interpreters are looked for meanwhile.
    ///
    /// # Errors
    /// As [`NativeSandbox::new`].
    pub fn expecting(nursery: Nursery, search: Vec<PathBuf>, expected: &Expected) -> Result<Self, SandboxError> {
        let (sandbox, container) = Self::set_up(nursery, search, expected)?;
        sandbox.spares.put(container);
        Ok(sandbox)
    }

    /// A sandbox, and the container that proves that it works.
    fn set_up(nursery: Nursery, search: Vec<PathBuf>, expected: &Expected) -> Result<(Self, Container), SandboxError> {
        let mut sandbox = Self::unproven(nursery, search);
        for kind in expected.interpreters.clone() {
            let finder = Arc::clone(&sandbox.finder);
            // Who needs one waits for the answer, or asks again and hears what went wrong.
            let _ = std::thread::Builder::new().name("vetrun-find".to_owned()).spawn(move || finder.find(kind).is_ok());
        }
        // A thread that cannot be started leaves what is left behind to the next start.
        let sweeper = std::thread::Builder::new().name("vetrun-sweep".to_owned()).spawn(sweep);
        let (container, troubles) = sandbox.prove_any(expected);
        let container = container.ok_or_else(|| doctor::unavailable(&troubles))?;
        let _swept = sweeper.map(JoinHandle::join);
        Ok((sandbox, container))
    }

    /// Keeps up to `count` containers ready, each like the one that was needed last: as many as jobs run at one time. A job
    /// that finds one starts sooner by all that it takes to create one. What a job leaves of its container (an empty
    /// control group, a process that ends) is then cleared away while other jobs run, at the latest when this is dropped.
    ///
    /// # Errors
    /// [`SandboxError::Failed`] when no thread can be started for that.
    pub fn with_spares(mut self, count: usize) -> Result<Self, SandboxError> {
        let kept = self.spares.keep(count, Arc::clone(&self.nursery));
        kept.map_err(|fault| error(Trouble::Fault(fault), ""))?;
        Ok(self)
    }

    /// Keeps up to `count` Pythons started, each in a container of its own, where it waits for a script; it runs one and is
    /// gone. They are as [`NativeSandbox::with_spares`] says, and a job for which there is none is run as ever.
    ///
    /// Only a job whose first argument is a script in its working folder, and that folder is [`WORK_DIR`], is run like that.
    /// The script is `__main__`, as ever; below its first frame lie two that are not its own, and its garbage collector does not
    /// count what was there before it (`gc.freeze`). Without namespaces no interpreter can wait: what it may use is settled
    /// before it is executed.
    ///
    /// Where root starts this, and a job sees no packages of the host, the Pythons are forks of one that has started. They have
    /// their places in memory in common, and the secret that strings are hashed with; so one sandbox is for one domain of trust.
    ///
    /// # Errors
    /// As [`NativeSandbox::with_spares`].
    pub fn with_warm(self, count: usize) -> Result<Self, SandboxError> {
        Ok(Self { is_warm: count > 0 && self.walls == Walls::Namespaces, ..self.with_spares(count)? })
    }

    /// A sandbox of which nobody knows whether it works here.
    fn unproven(nursery: Nursery, search: Vec<PathBuf>) -> Self {
        let nursery = Arc::new(nursery);
        let finder = Arc::new(Finder { search, known: Mutex::default() });
        Self { spares: Spares::none(), nursery, finder, walls: Walls::Namespaces, is_warm: false }
    }

    /// Creates a container with the strongest walls that this host has, and keeps to them. With it, or without one, comes why
    /// stronger ones cannot be had.
    fn prove_any(&mut self, expected: &Expected) -> (Option<Container>, Vec<(Walls, Trouble)>) {
        let mut troubles = Vec::new();
        for walls in [Walls::Namespaces, Walls::Landlock] {
            self.walls = walls;
            match self.prove(expected) {
                Ok(container) => return (Some(container), troubles),
                Err(trouble) => troubles.push((walls, trouble)),
            }
        }
        (None, troubles)
    }

    /// Creates a container, all of it.
    fn prove(&self, expected: &Expected) -> Result<Container, Trouble> {
        let kind = Kind {
            limits: expected.limits.clone(),
            net: net_of(&expected.network),
            host_packages: false,
            trace: expected.trace,
            walls: self.walls,
            waiting: None,
        };
        let mut container = Container::create(kind, &self.nursery, None)?;
        container.until_created()?;
        Ok(container)
    }

    /// The interpreters that a job may start. One that is not there is an error only for a job that names it; a command
    /// may start either, so both are shown to it where they are there.
    fn interpreters(&self, program: &Program) -> Result<Vec<Found>, SandboxError> {
        match program {
            Program::Interpreter(kind) => Ok(vec![self.find(*kind)?]),
            Program::Command(path) if interpreter::is_system(Path::new(path)) => Ok(Vec::new()),
            Program::Command(_) => Ok([Interpreter::Python, Interpreter::Node]
                .into_iter()
                .filter_map(|kind| self.find(kind).ok())
                .collect()),
        }
    }

    /// The interpreter of this kind that a program can execute.
    fn find(&self, kind: Interpreter) -> Result<Found, SandboxError> {
        match self.walls {
            // The program is another user than root, among the host's own files.
            Walls::Landlock if owner::is_root() => self.finder.find_open(kind),
            _ => self.finder.find(kind),
        }
    }

    /// Runs a job in a container of its own; returns the container too, in which nothing runs any more.
    fn attempt(&self, job: &Job, plan: Plan, stop: &Stop) -> (Option<Container>, Result<Seen, Trouble>) {
        let Plan { kind, mut start, lent, mounts, python } = plan;
        let spare = self.spares.take(&kind);
        // Nobody waits for an interpreter that would have to be started for this job alone; to fork one is soon done.
        let waiting = kind.waiting.clone().filter(|_| self.nursery.has_template(&kind));
        let cold = || Container::create(Kind { waiting, ..kind.clone() }, &self.nursery, self.spares.network());
        let mut container = match spare.map_or_else(cold, Ok) {
            Ok(container) => container,
            Err(fault) => return (None, Err(fault.into())),
        };
        if container.kind.waiting.is_some() {
            start.argv.remove(0);
        } else {
            start.lent = lent;
        }
        match container.grounds().map(|grounds| grounds.settle(&mut start, mounts.clone(), python.as_deref())) {
            None => start.lent.binds.extend(mounts),
            Some(Ok(())) => {}
            Some(Err(fault)) => return (Some(container), Err(fault.into())),
        }
        let gateway = match &job.network {
            Network::Gateway(gateway) => Some(&**gateway),
            Network::None | Network::Full => None,
        };
        let seen = Watch::start(&mut container, &start, &job.stdin, gateway).and_then(|watch| {
            self.spares.refill(kind);
            watch.finish(stop)
        });
        (Some(container), seen)
    }

    fn plan(&self, job: &Job, found: &[Found]) -> Result<Plan, String> {
        let argv: Vec<String> =
            std::iter::once(program(&job.program, found, job.host_packages)).chain(job.args.iter().cloned()).collect();
        let start = Start {
            argv,
            env: layout::environment(job, found),
            cwd: job.cwd.clone(),
            lent: Lent::default(),
            waits: false,
        };
        let (lent, mounts) = (layout::interpreters(found, job.host_packages), layout::mounts(job)?);
        let waiting = (self.is_warm && is_script(job)).then(|| {
            let argv = vec![start.argv[0].clone(), "-c".to_owned(), WAITING.to_owned()];
            Waiting { start: Start { argv, waits: true, ..start.clone() }, lent: lent.clone() }
        });
        let kind = Kind {
            limits: job.limits.clone(),
            net: net_of(&job.network),
            host_packages: job.host_packages,
            trace: job.trace,
            walls: self.walls,
            waiting,
        };
        let python = found.iter().find(|found| found.info.kind == Interpreter::Python && !job.host_packages);
        let python = python.map(|found| found.info.path.clone());
        Ok(Plan { kind, start, lent, mounts, python })
    }
}

/// What a job comes to.
struct Plan {
    /// Where it can run.
    kind: Kind,
    /// What is executed.
    start: Start,
    /// What its interpreter needs.
    lent: Lent,
    /// What it names.
    mounts: Vec<Bind>,
    /// The Python whose packages are not to be seen.
    python: Option<String>,
}

/// Whether an interpreter that waits can run this job: a Python script in the working folder, which takes any arguments.
pub(super) fn is_script(job: &Job) -> bool {
    let is_plain = |word: &String| !word.starts_with(['-', '/', '.']) && word.ends_with(".py");
    let bytes: usize = job.args.iter().map(|word| word.len() + 1).sum();
    let has_nul = job.args.iter().any(|word| word.contains('\0'));
    job.program == Program::Interpreter(Interpreter::Python)
        && job.cwd == WORK_DIR
        && job.args.first().is_some_and(is_plain)
        && bytes < TOLD_BYTES_MAX
        && !has_nul
}

impl Sandbox for NativeSandbox {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn run(&self, job: &Job, stop: &Stop) -> Result<Outcome, SandboxError> {
        let found = self.interpreters(&job.program)?;
        let plan = self.plan(job, &found).map_err(|action| error(invalid(action), job.program.name()))?;
        let command = plan.start.argv.clone();
        let (mut container, seen) = self.attempt(job, plan, stop);
        let cgroup = container.as_ref().and_then(Container::cgroup);
        let landlock = seen.as_ref().is_ok_and(|seen| seen.landlock);
        let isolation = isolation::of(self.walls, cgroup, &job.network, landlock);
        let grounds = container.as_mut().and_then(Container::grounds);
        let places = grounds.map_or_else(BTreeMap::new, |grounds| grounds.places().iter().cloned().collect());
        let collected = seen.as_ref().map_or_else(|_| Ok(Collected::default()), |seen| collect(job, seen));
        if let Some(container) = container {
            self.spares.clear(container);
        }
        let seen = match seen {
            Ok(seen) => seen,
            Err(Trouble::Interrupted) => return Ok(isolation::interrupted(command, isolation)),
            Err(trouble) => return Err(error(trouble, &command[0])),
        };
        let collected = collected?;
        let [stdout, stderr] = seen.streams;
        Ok(Outcome {
            ended: seen.ended,
            stdout,
            stderr,
            collected,
            metrics: seen.metrics,
            behaviour: seen.behaviour,
            isolation,
            command,
            image: None,
            places,
        })
    }

    fn open(&self, options: &SessionOptions, stop: &Stop) -> Result<Box<dyn Session>, SandboxError> {
        session::open(self, options, stop)
    }

    fn interpreter(&self, kind: Interpreter) -> Result<InterpreterInfo, SandboxError> {
        self.find(kind).map(|found| found.info)
    }
}

/// The interpreters of this host, each asked once.
#[derive(Debug)]
struct Finder {
    search: Vec<PathBuf>,
    known: Mutex<BTreeMap<Interpreter, Found>>,
}

impl Finder {
    fn find(&self, kind: Interpreter) -> Result<Found, SandboxError> {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(found) = known.get(&kind) {
            return Ok(found.clone());
        }
        let found = interpreter::find(kind, &self.search, |_| true).map_err(|mend| absent(kind, mend))?;
        known.insert(kind, found.clone());
        Ok(found)
    }

    /// The first that any user can execute.
    fn find_open(&self, kind: Interpreter) -> Result<Found, SandboxError> {
        let is_open = |found: &Found| is_executed_by_all(Path::new(&found.info.path));
        let first = self.find(kind)?;
        if is_open(&first) {
            return Ok(first);
        }
        let found = interpreter::find(kind, &self.search, is_open).map_err(|mend| absent(kind, mend))?;
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.insert(kind, found.clone());
        Ok(found)
    }
}

fn absent(kind: Interpreter, mend: String) -> SandboxError {
    SandboxError::NoProgram { backend: BACKEND, program: kind.command().to_owned(), mend }
}

fn invalid(action: String) -> Trouble {
    Trouble::Fault(Fault { action, errno: libc::EINVAL })
}

/// What is executed: a virtual environment's own command for a job that may see its packages, the real one otherwise.
fn program(program: &Program, found: &[Found], host_packages: bool) -> String {
    match (program, found) {
        (Program::Command(name), _) => name.clone(),
        (Program::Interpreter(kind), []) => kind.command().to_owned(),
        (Program::Interpreter(_), [found, ..]) => match &found.environment {
            Some((_, command)) if host_packages => command.clone(),
            _ => found.info.path.clone(),
        },
    }
}

fn net_of(network: &Network) -> Net {
    match network {
        Network::None => Net::None,
        Network::Gateway(_) => Net::Gateway,
        Network::Full => Net::Full,
    }
}

fn caps(limits: &Limits, grouped: bool, walls: Walls, ids: Ids) -> Caps {
    let others = match (ids, walls) {
        (Ids::Root { .. }, _) => 0,
        // An ordinary user's launcher and first process count as the program's user does; they have no other id to give.
        (Ids::User { .. }, Walls::Namespaces) => 2,
        // And without a user namespace so does all else of that user, of which more may be started meanwhile.
        (Ids::User { uid, .. }, Walls::Landlock) => sample::threads_of(uid) + OTHER_PROCESSES,
    };
    Caps {
        open_files: limits.open_files.into(),
        file_bytes: limits.file_bytes,
        pids: u64::from(limits.pids) + others,
        data_bytes: (!grouped).then(|| limits.memory_bytes.saturating_add(DATA_SLACK_BYTES)),
        out_bytes: limits.out_bytes,
        out_files: limits.out_files.into(),
        tmp_bytes: limits.tmp_bytes,
        shm_bytes: SHM_BYTES.min(limits.memory_bytes / 2),
    }
}

fn collect(job: &Job, seen: &Seen) -> Result<Collected, SandboxError> {
    let Some(into) = &job.collect_into else { return Ok(Collected::default()) };
    let limits =
        CollectLimits { bytes_max: job.limits.out_bytes, files_max: job.limits.out_files, depth_max: DEPTH_MAX };
    collect_folder(std::os::fd::AsFd::as_fd(&seen.out), into, limits).map_err(|error| SandboxError::Failed {
        backend: BACKEND,
        action: format!("collect {OUT_DIR} into {}", into.display()),
        source: error.into(),
    })
}

fn error(trouble: Trouble, program: &str) -> SandboxError {
    let fault = match trouble {
        Trouble::NoProgram(fault) if matches!(fault.errno, libc::ENOENT | libc::ENOTDIR) => {
            let mend = format!(
                "install it on this host, where `{program}` is looked up below /usr and beside the interpreter"
            );
            return SandboxError::NoProgram { backend: BACKEND, program: program.to_owned(), mend };
        }
        Trouble::NoProgram(fault) | Trouble::Fault(fault) => fault,
        Trouble::Interrupted => Fault { action: "run".to_owned(), errno: libc::EINTR },
    };
    let source = std::io::Error::from_raw_os_error(fault.errno).into();
    SandboxError::Failed { backend: BACKEND, action: fault.action, source }
}
