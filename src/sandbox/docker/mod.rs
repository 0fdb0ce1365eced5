//! The Docker back end: each run is one hardened container, made and removed through the engine's API.
//!
//! ```text
//! engine ── what the engine is and can hold; the image      config ── job → container, every restriction
//! session ─ one run from create to remove                   keeper.py ─ first process inside; link ── our end to it
//! streams, cgroup ─ what is seen meanwhile                  outcome, isolation ─ what it means
//! folder ── its temporary folder; readable mounts
//! sweep ─── what a killed vetrun left                       doctor, interpreter ─ what is there
//! ```
//!
//! What an engine tells of an end is not enough to be truthful: 137 may be an exit code, a signal or the kernel's memory
//! killer. So the container's first process is a small keeper of ours, run by the image's own Python: it waits for the
//! program and tells its real wait status. It takes a few MiB of the job's memory and one process more than its limit.
//! It also passes the output folder out as a descriptor, so that the folder can be a tmpfs, whose size the kernel
//! holds, and be read when every process is dead; and the listening socket of a [`crate::sandbox::Gateway`].
//!
//! This needs an engine on this host: sockets and folders are shared with the container. Nothing is ever pulled.
//! This is the only module that knows an async runtime; the runtime is its own.

mod cgroup;
mod config;
mod doctor;
mod engine;
mod folder;
mod interpreter;
mod isolation;
mod link;
mod outcome;
mod seccomp;
mod session;
mod streams;
mod sweep;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bollard::Docker;
use tokio::runtime::{Builder, Runtime};

pub use self::engine::DEFAULT_SOCKET;
use self::engine::{BACKEND, Features, Image, failed};
use self::folder::RunFolder;
use self::session::Place;
use super::behaviour::SWITCHED_OFF;
use super::{Behaviour, Diagnosis, Interpreter, InterpreterInfo, Job, Outcome, Program, Sandbox, SandboxError, Stop};

/// The image that is used when none is named; `.ci/build-image` makes it.
pub const DEFAULT_IMAGE: &str = "vetrun-sandbox:latest";

/// Why nothing is known of what a program tried: the engine sets the filter, and hands nobody a listener to it.
const UNTRACED: &str = "the docker sandbox cannot tell what a program tried";

/// Runs jobs in containers of one image. The image is pinned by digest when this is made.
pub struct DockerSandbox {
    runtime: Runtime,
    client: Docker,
    features: Features,
    image: Image,
    interpreters: Mutex<BTreeMap<Interpreter, InterpreterInfo>>,
}

impl std::fmt::Debug for DockerSandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DockerSandbox").field("features", &self.features).field("image", &self.image).finish()
    }
}

impl DockerSandbox {
    /// Connects to the engine at `socket` (`unix:///…`, `tcp://…`, `http://…` or a path; [`DEFAULT_SOCKET`] when none)
    /// and looks up `image`.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when no engine answers or it does not have the image.
    pub fn connect(image: &str, socket: Option<&str>) -> Result<Self, SandboxError> {
        let runtime = runtime()?;
        let (client, features, image) = runtime.block_on(async {
            let client = engine::connect(socket).await?;
            let features = engine::features(&client).await?;
            let image = engine::image(&client, image).await?;
            Ok::<_, SandboxError>((client, features, image))
        })?;
        Ok(Self { runtime, client, features, image, interpreters: Mutex::default() })
    }

    /// The image that runs are made from, `name@sha256:…`.
    #[must_use]
    pub fn image(&self) -> String {
        format!("{}@{}", self.image.name, self.image.id)
    }

    /// [`sweep`] over this connection.
    ///
    /// # Errors
    /// [`SandboxError`] when the engine refuses.
    pub fn sweep(&self) -> Result<usize, SandboxError> {
        self.runtime.block_on(sweep::sweep(&self.client))
    }

    fn run_seen(&self, job: &Job, stop: &Stop) -> Result<Outcome, SandboxError> {
        let program = match &job.program {
            Program::Interpreter(kind) => kind.command().to_owned(),
            Program::Command(name) => name.clone(),
        };
        let command: Vec<String> = std::iter::once(program).chain(job.args.iter().cloned()).collect();
        let folder = RunFolder::make().map_err(|error| failed("make a temporary folder", error))?;
        let mounts = folder.stage(&job.mounts).map_err(|error| failed("make the mounts readable", error))?;
        let place = Place {
            client: &self.client,
            features: &self.features,
            image: &self.image,
            folder: &folder,
            mounts: &mounts,
        };
        let mut seen = self.runtime.block_on(session::run(place, job, &command, stop))?;
        // Ending the gateway's service waits for its threads, which is no work for the runtime.
        drop(seen.service.take());
        Ok(Outcome {
            ended: outcome::ended(&seen, &command, &self.image)?,
            collected: outcome::collect(seen.out.as_ref(), job)?,
            metrics: outcome::metrics(&seen),
            behaviour: Behaviour::untraced(if job.trace { UNTRACED } else { SWITCHED_OFF }),
            isolation: isolation::observed(&seen.facts, &self.features),
            stdout: seen.streams.stdout,
            stderr: seen.streams.stderr,
            command,
            image: Some(self.image()),
            places: BTreeMap::new(),
        })
    }
}

impl Sandbox for DockerSandbox {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn run(&self, job: &Job, stop: &Stop) -> Result<Outcome, SandboxError> {
        self.run_seen(job, stop)
    }

    fn interpreter(&self, kind: Interpreter) -> Result<InterpreterInfo, SandboxError> {
        let known = |cache: &Mutex<BTreeMap<_, InterpreterInfo>>| {
            cache.lock().unwrap_or_else(PoisonError::into_inner).get(&kind).cloned()
        };
        if let Some(info) = known(&self.interpreters) {
            return Ok(info);
        }
        let outcome = self.run_seen(&interpreter::question(kind), &Stop::default())?;
        let info = interpreter::answer(kind, &outcome)?;
        self.interpreters.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, info.clone());
        Ok(info)
    }
}

/// Tells whether the engine at `socket` can run jobs in `image`, and what it would hold.
#[must_use]
pub fn diagnose(image: &str, socket: Option<&str>) -> Diagnosis {
    match DockerSandbox::connect(image, socket) {
        Ok(sandbox) => doctor::usable(&sandbox.features, &sandbox.image),
        Err(error) => doctor::unusable(&error),
    }
}

/// Removes containers that a killed vetrun left at the engine, and its temporary folders; how many there were.
///
/// # Errors
/// [`SandboxError`] when no engine answers or it refuses.
pub fn sweep(socket: Option<&str>) -> Result<usize, SandboxError> {
    runtime()?.block_on(async { sweep::sweep(&engine::connect(socket).await?).await })
}

fn runtime() -> Result<Runtime, SandboxError> {
    let built = Builder::new_multi_thread().worker_threads(2).thread_name("vetrun-docker").enable_all().build();
    built.map_err(|error| failed("start the asynchronous runtime", error))
}
