//! Sessions: a container that stays, for many programs one after another or beside each other.
//!
//! A run ([`Sandbox::run`](super::Sandbox::run)) is one program from its start to its end. A [`Session`] is the same hardened
//! container, kept: programs are executed in it, files go in and out while it lives, and a server that one of them started
//! is reached on a port of this host's loopback, and nothing else of it is.
//!
//! Every limit of a run holds, for the session as a whole: memory, processors, processes, bytes and files of its folders,
//! and [`Limits::wall`] for how long it lives at most. Each program has a time and an amount of output of its own beside that.
//! Programs of one session are not kept from each other.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::agent::{self, Agent, AgentError, Forward, Ran, Why};
use super::readable::walk;
use super::{
    CollectLimits, Collected, Ended, HOME_DIR, Isolation, Limits, Metrics, Mount, Network, OUT_DIR, Program,
    SandboxError, Stop, Stream, TMP_DIR,
};

/// Which stream bytes are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a session is like.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// Host folders and files that its programs may read.
    pub mounts: Vec<Mount>,
    /// What they may reach.
    pub network: Network,
    /// What all of them together may use; [`Limits::wall`] is how long the session lives at most.
    pub limits: Limits,
}

/// One program of a session.
#[derive(Clone, Debug)]
pub struct Exec {
    /// What to run.
    pub program: Program,
    /// Its arguments, the program's own name not included.
    pub args: Vec<String>,
    /// Its environment, beside `PATH`, `HOME` and `TMPDIR`.
    pub env: BTreeMap<String, String>,
    /// Its working directory.
    pub cwd: String,
    /// What it reads on standard input; empty means end of file at once.
    pub stdin: Vec<u8>,
    /// Wall-clock time; what takes longer is killed.
    pub wall: Duration,
    /// Bytes kept of each of standard output and standard error; what writes more is killed.
    pub stream_bytes: u64,
}

impl Exec {
    /// A program with these arguments in the scratch folder, with the times and amounts of [`Limits::default`].
    #[must_use]
    pub fn new(program: Program, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let Limits { wall, stream_bytes, .. } = Limits::default();
        let args = args.into_iter().map(Into::into).collect();
        Self { program, args, env: BTreeMap::new(), cwd: TMP_DIR.to_owned(), stdin: Vec::new(), wall, stream_bytes }
    }
}

/// How a program of a session ended.
#[derive(Clone, Debug)]
pub struct Executed {
    /// How it ended. What it started and left running lives on until the session ends, unless it was killed.
    pub ended: Ended,
    /// What it wrote on standard output.
    pub stdout: Stream,
    /// What it wrote on standard error.
    pub stderr: Stream,
    /// Its wall-clock time.
    pub wall: Duration,
    /// Processor time of it and of the processes that it waited for.
    pub cpu: Option<Duration>,
}

/// Whether a session can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Alive,
    /// It has ended, and why.
    Ended(String),
}

/// A container that stays. Dropping it ends it; [`Session::stop`] does so too, and tells of trouble.
///
/// ```no_run
/// use std::path::Path;
/// use vetrun::sandbox::docker::{DockerOptions, DockerSandbox};
/// use vetrun::sandbox::{Exec, Interpreter, Program, Sandbox as _, SandboxError, SessionOptions, Stop};
///
/// # fn main() -> Result<(), SandboxError> {
/// let (sandbox, stop) = (DockerSandbox::connect(DockerOptions::default())?, Stop::default());
/// let session = sandbox.open(&SessionOptions::default(), &stop)?;
/// session.upload(Path::new("site/index.html"), "/tmp/site/index.html")?;
/// let serve = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", "/tmp/site", "8000"];
/// let server = session.spawn(Exec::new(Program::Interpreter(Interpreter::Python), serve));
/// println!("look at {} while it runs", session.url(8000)?);
/// let listed = session.exec(&Exec::new(Program::Command("ls".to_owned()), ["/tmp/site"]), &stop, &mut |_, _| {})?;
/// assert_eq!(listed.stdout.bytes, b"index.html\n");
/// drop(server);
/// session.stop()
/// # }
/// ```
///
/// Every limit of a run holds for the session as a whole, and [`Limits::wall`] is how long it lives at most.
pub trait Session: Send + Sync {
    /// Tells it from all others, at the engine where there is one.
    fn id(&self) -> &str;

    /// Which restrictions hold.
    fn isolation(&self) -> &Isolation;

    /// Runs a program to its end. `tell` gets what it writes as it comes.
    ///
    /// # Errors
    /// [`SandboxError`] when it could not be started, or the session ended meanwhile.
    fn exec(&self, exec: &Exec, stop: &Stop, tell: &mut dyn FnMut(Source, &[u8])) -> Result<Executed, SandboxError>;

    /// Starts a program that runs beside others, such as a server.
    fn spawn(&self, exec: Exec) -> Running;

    /// Copies a file or folder of this host to a path below `/tmp` or `/out`. Links are refused.
    ///
    /// # Errors
    /// [`SandboxError`] when it cannot be read here or written there.
    fn upload(&self, from: &Path, to: &str) -> Result<(), SandboxError>;

    /// Copies the files below a folder of the session into the empty folder `into`, as strictly as the output of a run.
    ///
    /// # Errors
    /// [`SandboxError`] when `into` cannot be written, or the session ended meanwhile.
    fn download(&self, from: &str, into: &Path, limits: CollectLimits) -> Result<Collected, SandboxError>;

    /// The address on this host's loopback at which a port of the session's loopback is reached from now on. Whoever is on
    /// this host can reach it. Nothing needs to listen there yet.
    ///
    /// # Errors
    /// [`SandboxError`] when no port of this host can be had.
    fn url(&self, port: u16) -> Result<String, SandboxError>;

    /// What the session has used so far.
    ///
    /// # Errors
    /// [`SandboxError`] when nobody can tell.
    fn stats(&self) -> Result<Metrics, SandboxError>;

    /// Whether it can be used.
    fn health(&self) -> Health;

    /// Ends it, and removes everything of it.
    ///
    /// # Errors
    /// [`SandboxError`] when something of it may be left.
    fn stop(self: Box<Self>) -> Result<(), SandboxError>;
}

/// A program that runs beside others. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    stop: Stop,
    thread: Option<JoinHandle<Result<Executed, SandboxError>>>,
}

impl Running {
    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// As [`Session::exec`].
    pub fn wait(mut self) -> Result<Executed, SandboxError> {
        self.join().unwrap_or_else(|| Err(failed("session", "watch a program", AgentError::Lost)))
    }

    /// Kills it, and waits for its end.
    ///
    /// # Errors
    /// As [`Session::exec`].
    pub fn kill(self) -> Result<Executed, SandboxError> {
        self.stop.raise();
        self.wait()
    }

    fn join(&mut self) -> Option<Result<Executed, SandboxError>> {
        self.thread.take()?.join().ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.raise();
        // Whoever wanted to know how it ended has waited.
        let _ = self.join();
    }
}

/// What a back end keeps of a session, beside its agent.
pub(super) trait Keep: Send + Sync {
    /// The back end.
    fn backend(&self) -> &'static str;

    /// The command line of a program, as it is executed inside.
    fn command(&self, program: &Program, args: &[String]) -> Result<Vec<String>, SandboxError>;

    /// Where programs are looked for inside.
    fn path(&self) -> &str;

    /// What was used so far.
    fn stats(&self) -> Result<Metrics, SandboxError>;

    /// Ends the container, whatever its state, and removes everything of it. Called once.
    fn end(&self) -> Result<(), SandboxError>;
}

/// A session of any back end whose container has an agent in it.
pub(super) struct AgentSession {
    shared: Arc<Shared>,
    id: String,
    isolation: Isolation,
    forwards: Mutex<BTreeMap<u16, Forward>>,
    /// What serves the network, where something does.
    gateway: Mutex<Option<Forward>>,
    /// Ends it when its time is over.
    clock: Option<JoinHandle<()>>,
}

/// What the threads of a session share.
struct Shared {
    agent: Arc<Agent>,
    keep: Box<dyn Keep>,
    /// Why it has ended, once it has.
    ended: Mutex<Option<String>>,
    changed: Condvar,
    began: Instant,
}

impl AgentSession {
    /// A session over this agent, in the container that is kept.
    pub(super) fn new(
        agent: Arc<Agent>,
        keep: Box<dyn Keep>,
        id: String,
        isolation: Isolation,
        options: &SessionOptions,
    ) -> Result<Self, SandboxError> {
        let (ended, changed, began) = (Mutex::default(), Condvar::new(), Instant::now());
        let shared = Arc::new(Shared { agent, keep, ended, changed, began });
        let forwards = Mutex::default();
        // From here on whatever fails ends it.
        let mut session = Self { shared, id, isolation, forwards, gateway: Mutex::default(), clock: None };
        if let Network::Gateway(gateway) = &options.network {
            let agent = Arc::clone(&session.shared.agent);
            let served = Forward::out(agent, super::GATEWAY_PORT, &**gateway);
            let served = session.shared.told("serve the network", served)?;
            session.gateway = Mutex::new(Some(served));
        }
        let (watched, wall) = (Arc::clone(&session.shared), options.limits.wall);
        let clock = std::thread::Builder::new().name("vetrun-session".to_owned()).spawn(move || watched.time_out(wall));
        let clock = clock.map_err(AgentError::from);
        session.clock = Some(session.shared.told("watch the session's time", clock)?);
        Ok(session)
    }

    fn end(&mut self, why: &str) -> Result<(), SandboxError> {
        self.forwards.lock().unwrap_or_else(PoisonError::into_inner).clear();
        drop(self.gateway.lock().unwrap_or_else(PoisonError::into_inner).take());
        let ended = self.shared.end(why);
        if let Some(clock) = self.clock.take() {
            // It only waits.
            let _ = clock.join();
        }
        ended
    }
}

impl Drop for AgentSession {
    fn drop(&mut self) {
        // What is left is swept by a later vetrun.
        let _ = self.end("it was stopped");
    }
}

impl Shared {
    fn why(&self) -> MutexGuard<'_, Option<String>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time_out(&self, wall: Duration) {
        let waited = self.changed.wait_timeout_while(self.why(), wall, |why| why.is_none());
        let (why, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(why);
        if waited.timed_out() {
            // What is left is swept by a later vetrun.
            let _ = self.end(&format!("its time of {} s was over", wall.as_secs()));
        }
    }

    fn end(&self, why: &str) -> Result<(), SandboxError> {
        let mut ended = self.why();
        if ended.is_some() {
            return Ok(());
        }
        *ended = Some(why.to_owned());
        self.changed.notify_all();
        self.agent.end();
        // The lock is held meanwhile, so that who ends it too returns when nothing is left.
        self.keep.end()
    }

    /// What became of an order.
    fn told<T>(&self, action: &str, done: Result<T, AgentError>) -> Result<T, SandboxError> {
        done.map_err(|error| match (error, self.why().as_deref()) {
            (AgentError::Lost, Some(why)) => {
                failed(self.keep.backend(), action, AgentError::Refused(format!("the session has ended: {why}")))
            }
            (error, _) => failed(self.keep.backend(), action, error),
        })
    }

    fn exec(&self, exec: &Exec, stop: &Stop, tell: &mut dyn FnMut(Source, &[u8])) -> Result<Executed, SandboxError> {
        let home = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut env = BTreeMap::from([home("PATH", self.keep.path()), home("HOME", HOME_DIR), home("TMPDIR", TMP_DIR)]);
        env.extend(exec.env.clone());
        let program = agent::Program {
            cwd: exec.cwd.clone(),
            command: self.keep.command(&exec.program, &exec.args)?,
            env,
            stdin: exec.stdin.clone(),
            is_alone: false,
            wall: exec.wall,
            stream_bytes: exec.stream_bytes,
        };
        let ran = self.agent.exec(&program, stop, tell, &mut || ());
        let ran = self.told(&format!("run `{}`", exec.program.name()), ran)?;
        self.executed(&program.command, ran)
    }

    fn executed(&self, command: &[String], ran: Ran) -> Result<Executed, SandboxError> {
        const SIGKILL: i32 = 9;
        let program = command.first().cloned().unwrap_or_default();
        if let Some((step, errno)) = ran.not_started {
            return Err(not_started(self.keep.backend(), &step, errno, program));
        }
        let ended = match (ran.kill, ran.status) {
            (Some(Why::Timeout), _) => Ended::TimedOut,
            (Some(Why::Output), _) => Ended::OutputLimit,
            (Some(Why::Interrupted), _) => Ended::Interrupted,
            _ if ran.stdout.bytes_seen > ran.stdout.bytes.len() as u64 => Ended::OutputLimit,
            _ if ran.stderr.bytes_seen > ran.stderr.bytes.len() as u64 => Ended::OutputLimit,
            (None, Some(status)) if status & 0x7f == 0 => Ended::Exited((status >> 8) & 0xff),
            (None, Some(status)) if status & 0x7f == SIGKILL && self.was_short_of_memory() => Ended::OutOfMemory,
            (None, Some(status)) => Ended::Signaled(status & 0x7f),
            (None, None) => return self.told(&format!("watch `{program}`"), Err(AgentError::Lost)),
        };
        if ran.is_lost {
            return self.told(&format!("kill `{program}`"), Err(AgentError::Lost));
        }
        Ok(Executed { ended, stdout: ran.stdout, stderr: ran.stderr, wall: ran.wall, cpu: ran.cpu })
    }

    /// Whether the kernel has killed anything of this session for memory.
    fn was_short_of_memory(&self) -> bool {
        self.keep.stats().is_ok_and(|stats| stats.oom_kills.is_some_and(|kills| kills > 0))
    }
}

/// The error for a program that was not started.
fn not_started(backend: &'static str, step: &str, errno: i32, program: String) -> SandboxError {
    const NOT_THERE: [i32; 4] = [2, 8, 13, 20];
    if step == "exec" && NOT_THERE.contains(&errno) {
        let mend = "it must be an executable file inside, by its path or on the PATH".to_owned();
        return SandboxError::NoProgram { backend, program, mend };
    }
    let action = if step == "cwd" { "enter the working directory".to_owned() } else { format!("start `{program}`") };
    failed(backend, &action, std::io::Error::from_raw_os_error(errno))
}

fn failed(backend: &'static str, action: &str, source: impl std::error::Error + Send + Sync + 'static) -> SandboxError {
    SandboxError::Failed { backend, action: action.to_owned(), source: Box::new(source) }
}

/// Whether a path lies in a folder that programs can write, by names alone.
fn is_writable_place(path: &str) -> bool {
    let is_below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/') && rest.len() > 1);
    (is_below(TMP_DIR) || is_below(OUT_DIR)) && !path.split('/').any(|part| part == "..") && !path.contains('\0')
}

impl Session for AgentSession {
    fn id(&self) -> &str {
        &self.id
    }

    fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    fn exec(&self, exec: &Exec, stop: &Stop, tell: &mut dyn FnMut(Source, &[u8])) -> Result<Executed, SandboxError> {
        self.shared.exec(exec, stop, tell)
    }

    fn spawn(&self, exec: Exec) -> Running {
        let (shared, stop) = (Arc::clone(&self.shared), Stop::default());
        let raised = stop.clone();
        let thread = std::thread::spawn(move || shared.exec(&exec, &raised, &mut |_, _| {}));
        Running { stop, thread: Some(thread) }
    }

    fn upload(&self, from: &Path, to: &str) -> Result<(), SandboxError> {
        let action = format!("copy {} to {to}", from.display());
        if !is_writable_place(to) {
            let why = AgentError::Refused(format!("only what is below {TMP_DIR} and {OUT_DIR} can be written"));
            return Err(failed(self.shared.keep.backend(), &action, why));
        }
        let mut trouble = Ok(());
        let walked = walk(from, |path, metadata| {
            if metadata.is_dir() {
                return Ok(true);
            }
            if !metadata.is_file() {
                return Err(std::io::Error::other("only files and folders can be copied into a session"));
            }
            let below = path.strip_prefix(from).map_err(std::io::Error::other)?;
            let below = below.to_str().ok_or_else(|| std::io::Error::other("the name is not UTF-8"))?;
            let to = if below.is_empty() { to.to_owned() } else { format!("{to}/{below}") };
            let mode = if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
            trouble = self.shared.agent.upload(&mut fs::File::open(path)?, &to, mode);
            Ok(trouble.is_ok())
        });
        self.shared.told(&action, walked.map_err(AgentError::from).and(trouble))
    }

    fn download(&self, from: &str, into: &Path, limits: CollectLimits) -> Result<Collected, SandboxError> {
        self.shared.told(&format!("copy {from} out"), self.shared.agent.download(from, into, limits))
    }

    fn url(&self, port: u16) -> Result<String, SandboxError> {
        let mut forwards = self.forwards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(forward) = forwards.get(&port) {
            return Ok(format!("http://{}/", forward.address()));
        }
        let action = format!("lead to port {port}");
        if let Some(why) = self.shared.why().as_deref() {
            let why = AgentError::Refused(format!("the session has ended: {why}"));
            return Err(failed(self.shared.keep.backend(), &action, why));
        }
        let forward = self.shared.told(&action, Forward::into(Arc::clone(&self.shared.agent), port))?;
        let url = format!("http://{}/", forward.address());
        forwards.insert(port, forward);
        Ok(url)
    }

    fn stats(&self) -> Result<Metrics, SandboxError> {
        Ok(Metrics { wall: self.shared.began.elapsed(), ..self.shared.keep.stats()? })
    }

    fn health(&self) -> Health {
        if let Some(why) = self.shared.why().clone() {
            return Health::Ended(why);
        }
        if self.shared.agent.is_there() { Health::Alive } else { Health::Ended("its agent does not answer".to_owned()) }
    }

    fn stop(mut self: Box<Self>) -> Result<(), SandboxError> {
        self.end("it was stopped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_programs_can_write_is_a_place_for_files() {
        for path in ["/tmp/x", "/out/a/b", "/tmp/home/x"] {
            assert!(is_writable_place(path), "{path}");
        }
        for path in ["/tmp", "/tmp/", "/work/x", "/etc/passwd", "/tmp/../etc/x", "tmp/x", "/tmpx/y", "/out/\0", ""] {
            assert!(!is_writable_place(path), "{path:?}");
        }
    }
}
