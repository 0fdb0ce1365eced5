//! The Docker back end: each run is one hardened container, made and removed through the engine's API.
//!
//! ```text
//! options ─ what can be chosen                              engine ── what the engine is and can hold
//! image, build ─ images: found, pulled, built               config ── job → container, every restriction
//! ready, warm ─ a container up to its keeper's greeting     keeper.py ─ first process inside; link ── our end to it
//! session ─ one program in it, to the container's removal   streams, cgroup, stats ─ what is seen meanwhile
//! archive, attached, streamed ─ the same over the engine's interface alone, with an agent inside (`../agent`)
//! outcome, isolation ─ what it means                        folder, paths ─ what it is shown, and where that is
//! sweep ─── what a killed vetrun left                       doctor, interpreter ─ what is there
//! ```
//!
//! What an engine tells of an end is not enough to be truthful: 137 may be an exit code, a signal or the kernel's memory
//! killer. So the container's first process is a small keeper of ours, run by the image's own Python: it waits for the
//! program and tells its real wait status. It takes a few MiB of the job's memory and one process more than its limit.
//! It also passes the output folder out as a descriptor, so that the folder can be a tmpfs, whose size the kernel
//! holds, and be read when every process is dead; and the listening socket of a [`crate::sandbox::Gateway`].
//!
//! That needs an engine of this machine's kernel: sockets and folders are shared with the container. vetrun itself may be
//! in a container of that engine. Where nothing is shared (an engine elsewhere, a runtime with a kernel of its own), which
//! shows in the first attempt, files go in as archives and everything else over the container's standard streams.
//! This is the only module that knows an async runtime; the runtime is its own.

mod archive;
mod attached;
mod build;
mod cgroup;
mod config;
mod doctor;
mod engine;
mod folder;
mod image;
mod interpreter;
mod isolation;
mod link;
mod options;
mod outcome;
mod paths;
mod ready;
mod seccomp;
mod session;
mod stats;
mod streamed;
mod streams;
mod sweep;
mod warm;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bollard::Docker;
use tokio::runtime::{Builder, Runtime};

pub use self::build::{Built, Recipe, build};
pub use self::engine::DEFAULT_SOCKET;
use self::engine::{BACKEND, Features, failed};
use self::folder::RunFolder;
use self::image::Image;
pub use self::options::{DockerOptions, Files, OnPull, Pull, Pulled, Workspace};
use self::paths::Paths;
use self::ready::{Place, Trouble};
use self::session::Seen;
use self::warm::{Maker, Pool};
use super::behaviour::SWITCHED_OFF;
use super::{
    Behaviour, Collected, Diagnosis, Interpreter, InterpreterInfo, Job, Outcome, Program, Sandbox, SandboxError,
    Session, SessionOptions, Stop,
};

/// The image that is used when none is named; `vetrun image build` makes it.
pub const DEFAULT_IMAGE: &str = "vetrun-sandbox:latest";

/// Why nothing is known of what a program tried: the engine sets the filter, and hands nobody a listener to it.
const UNTRACED: &str = "the docker sandbox cannot tell what a program tried";

/// Runs jobs in containers.
pub struct DockerSandbox {
    runtime: Arc<Runtime>,
    client: Docker,
    features: Features,
    paths: Paths,
    options: DockerOptions,
    /// The images that were looked up, by the name that was asked for: a name means one image for as long as this lives.
    images: Mutex<BTreeMap<String, Image>>,
    interpreters: Mutex<BTreeMap<Interpreter, InterpreterInfo>>,
    pool: Option<Pool>,
    /// Whether files go as archives: because they are to, or because an attempt to share them has shown that nothing is shared.
    is_archived: AtomicBool,
}

impl Drop for DockerSandbox {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.close(&self.runtime);
        }
    }
}

impl std::fmt::Debug for DockerSandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DockerSandbox")
            .field("features", &self.features)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl DockerSandbox {
    /// Connects to the engine. The image is looked up at once where there is one for everything; of several, each when
    /// it is first needed.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when no engine answers, it does not have the image and may or can not pull it, it
    /// does not know the runtime, or it cannot hold a limit that must be held.
    pub fn connect(options: DockerOptions) -> Result<Self, SandboxError> {
        let mut sandbox = Self::open(options)?;
        sandbox.features.require_limits(&sandbox.options.unenforced)?;
        sandbox.require_a_way()?;
        if sandbox.options.images.is_empty() {
            sandbox.image_named(&sandbox.options.image)?;
        }
        sandbox.pool = sandbox.pool()?;
        Ok(sandbox)
    }

    fn open(options: DockerOptions) -> Result<Self, SandboxError> {
        let runtime = runtime()?;
        let (client, features, paths) = runtime.block_on(async {
            let client = engine::connect(options.socket.as_deref()).await?;
            let features = engine::features(&client).await?.with_runtime(options.runtime.as_deref())?;
            let paths = Paths::discover(&client, options.workspace.as_ref()).await?;
            Ok::<_, SandboxError>((client, features, paths))
        })?;
        Ok(Self {
            runtime: Arc::new(runtime),
            client,
            features,
            paths,
            is_archived: AtomicBool::new(options.files == Files::Archive),
            options,
            images: Mutex::default(),
            interpreters: Mutex::default(),
            pool: None,
        })
    }

    /// Whether files go as archives.
    fn is_archived(&self) -> bool {
        self.is_archived.load(Ordering::SeqCst)
    }

    /// Refuses an engine that takes its filter of system calls from a file alone, where it is to see none.
    fn require_a_way(&self) -> Result<(), SandboxError> {
        if self.features.is_podman && self.is_archived() {
            let reason = "Podman reads its filter of system calls from a file, and is to see none of vetrun's";
            return Err(engine::unavailable(
                reason,
                "let files be mounted (`docker_files = \"mount\"`), or use Docker",
            ));
        }
        Ok(())
    }

    /// Begins to make the containers that are kept ready. Those that share nothing are made when they are needed.
    fn pool(&self) -> Result<Option<Pool>, SandboxError> {
        let wanted = self.options.warm.clone().filter(|(count, _)| *count > 0 && !self.is_archived());
        let Some((count, limits)) = wanted else { return Ok(None) };
        let maker = Maker {
            client: self.client.clone(),
            features: self.features.clone(),
            paths: self.paths.clone(),
            image: self.image_for(&Program::Interpreter(Interpreter::Python))?,
            limits,
        };
        let pool = Pool::new(maker, count);
        pool.refill(&self.runtime);
        Ok(Some(pool))
    }

    /// The image that this program runs in, `name@sha256:…`.
    ///
    /// # Errors
    /// [`SandboxError`] when the engine does not have it and may or can not pull it.
    pub fn image_of(&self, program: &Program) -> Result<String, SandboxError> {
        Ok(self.image_for(program)?.pinned)
    }

    fn image_for(&self, program: &Program) -> Result<Image, SandboxError> {
        let kind = match program {
            Program::Interpreter(kind) => *kind,
            Program::Command(_) => Interpreter::Python,
        };
        self.image_named(self.options.images.get(&kind).unwrap_or(&self.options.image))
    }

    fn image_named(&self, name: &str) -> Result<Image, SandboxError> {
        // Held meanwhile, so that one pull serves all who wait for it.
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = images.get(name) {
            return Ok(image.clone());
        }
        let image = self.runtime.block_on(image::image(&self.client, name, &self.options))?;
        images.insert(name.to_owned(), image.clone());
        Ok(image)
    }

    /// [`sweep`] over this connection.
    ///
    /// # Errors
    /// [`SandboxError`] when the engine refuses.
    pub fn sweep(&self) -> Result<usize, SandboxError> {
        self.runtime.block_on(sweep::sweep(&self.client))
    }

    fn run_seen(&self, job: &Job, stop: &Stop) -> Result<Outcome, SandboxError> {
        let command: Vec<String> =
            std::iter::once(job.program.name().to_owned()).chain(job.args.iter().cloned()).collect();
        let image = self.image_for(&job.program)?;
        let (mut seen, archived) = self.seen(job, &image, &command, stop)?;
        // Ending the gateway's service waits for its threads, which is no work for the runtime.
        drop(seen.service.take());
        let is_archived = archived.is_some();
        Ok(Outcome {
            ended: outcome::ended(&seen, &command, &image)?,
            collected: archived.map_or_else(|| outcome::collect(seen.out.as_ref(), job), Ok)?,
            metrics: outcome::metrics(&seen),
            behaviour: Behaviour::untraced(if job.trace { UNTRACED } else { SWITCHED_OFF }),
            isolation: isolation::observed(&seen.facts, &self.features, is_archived),
            stdout: seen.streams.stdout,
            stderr: seen.streams.stderr,
            command,
            image: Some(image.pinned),
            places: BTreeMap::new(),
        })
    }

    /// Runs the job in a container of its own, which may have waited for it; where its files came out as an archive, what was
    /// taken of them.
    fn seen(
        &self,
        job: &Job,
        image: &Image,
        command: &[String],
        stop: &Stop,
    ) -> Result<(Seen, Option<Collected>), SandboxError> {
        if self.is_archived() {
            return self.streamed(job, image, command, stop);
        }
        let pool = self.pool.as_ref().filter(|pool| pool.fits(job, image));
        if let Some(warm) = pool.and_then(|pool| pool.take(&self.runtime)) {
            for mount in &job.mounts {
                if let Err(error) = warm.folder.fill(&mount.host) {
                    self.runtime.block_on(ready::remove(&self.client, &warm.ready.name))?;
                    return Err(error);
                }
            }
            let seen = self.runtime.block_on(session::run(&self.client, image, warm.ready, job, command, stop));
            if let Some(pool) = pool {
                pool.expect(job, &self.runtime);
                pool.refill(&self.runtime);
            }
            return seen.map(|seen| (seen, None));
        }
        match self.shared(job, image, command, stop) {
            Err(trouble) if trouble.is_unshared && self.may_archive() => {
                self.is_archived.store(true, Ordering::SeqCst);
                self.streamed(job, image, command, stop)
            }
            shared => shared.map(|seen| (seen, None)).map_err(|trouble| trouble.error),
        }
    }

    /// Whether files may go as archives where nothing is shared. Whoever names a workspace says that something is.
    fn may_archive(&self) -> bool {
        self.options.files == Files::Auto && self.options.workspace.is_none() && !self.features.is_podman
    }

    /// Runs the job in a container that shares folders with vetrun.
    fn shared(&self, job: &Job, image: &Image, command: &[String], stop: &Stop) -> Result<Seen, Trouble> {
        let unseen = |error| Trouble { is_unshared: true, ..Trouble::from(error) };
        let folder = RunFolder::make(&self.paths).map_err(unseen)?;
        let mounts = folder.stage(&job.mounts, &self.paths)?;
        let (client, features) = (&self.client, &self.features);
        let place = Place { client, features, image, folder: &folder, mounts: &mounts, job, stop };
        self.runtime.block_on(async {
            match ready::ready(&place, &folder.name()).await? {
                Some(ready) => Ok(session::run(&self.client, image, ready, job, command, stop).await?),
                None => Ok(Seen::interrupted(job)),
            }
        })
    }

    /// Runs the job in a container that shares nothing with vetrun.
    fn streamed(
        &self,
        job: &Job,
        image: &Image,
        command: &[String],
        stop: &Stop,
    ) -> Result<(Seen, Option<Collected>), SandboxError> {
        let Some(attached) = self.attached(job, image, stop)? else {
            return Ok((Seen::interrupted(job), Some(Collected::default())));
        };
        let ran = streamed::run((&self.runtime, &self.client), image, attached, job, command, stop);
        ran.map(|(seen, collected)| (seen, Some(collected)))
    }

    fn attached(&self, job: &Job, image: &Image, stop: &Stop) -> Result<Option<attached::Attached>, SandboxError> {
        let volumes = archive::volumes(&job.mounts)?;
        let (client, features) = (&self.client, &self.features);
        let place = attached::Place { client, features, image, volumes: &volumes, job, stop };
        self.runtime.block_on(attached::attached(&place))
    }
}

impl Sandbox for DockerSandbox {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn run(&self, job: &Job, stop: &Stop) -> Result<Outcome, SandboxError> {
        self.run_seen(job, stop)
    }

    fn open(&self, options: &SessionOptions, stop: &Stop) -> Result<Box<dyn Session>, SandboxError> {
        if self.features.is_podman {
            let reason = "a session needs its filter of system calls sent along, which Podman takes from a file alone";
            return Err(engine::unavailable(reason, "use Docker or the native sandbox for sessions"));
        }
        let program = Program::Interpreter(Interpreter::Python);
        let image = self.image_for(&program)?;
        let shape = Job {
            mounts: options.mounts.clone(),
            network: options.network.clone(),
            ..Job::bare(program, options.limits.clone())
        };
        let Some(attached) = self.attached(&shape, &image, stop)? else {
            return Err(failed("open a session", engine::Said("interrupted".to_owned())));
        };
        let session = streamed::session((&self.runtime, &self.client), &self.features, &image, attached, options)?;
        Ok(Box::new(session))
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

/// Tells whether the engine can run jobs, in which image, and what it would hold. Nothing is pulled.
#[must_use]
pub fn diagnose(options: DockerOptions) -> Diagnosis {
    let options = DockerOptions { pull: Pull::Never, ..options };
    let opened = DockerSandbox::open(options).and_then(|sandbox| {
        let image = sandbox.image_for(&Program::Interpreter(Interpreter::Python))?;
        let loose = sandbox.features.require_limits(&sandbox.options.unenforced);
        Ok(doctor::opened(&sandbox.features, &image, &sandbox.paths, loose.as_ref().err()))
    });
    opened.unwrap_or_else(|error| doctor::unusable(&error))
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
