//! A container up to the moment when a program can start in it: created, attached to, started, its first process met. What
//! follows the creation depends on how it is tied to vetrun: this is for shared folders, `attached.rs` for streams alone.
//!
//! Attaching comes before starting, because the output of a fast program would be lost else. Until the keeper is told a
//! program nothing of anybody's has run, so what fails for a passing reason is simply begun anew, with a little more
//! patience each time.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error as EngineError;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
};
use futures_util::{Stream as FrameStream, StreamExt as _};
use tokio::io::AsyncWrite;

use super::cgroup::{Groups, Watch};
use super::config::{SOCKET_INSIDE, Ties};
use super::engine::{Features, causes, failed, is_transient, unavailable};
use super::folder::{RunFolder, Shown};
use super::image::Image;
use super::link::{Door, Hello, Link, SOCKET, no_keeper};
use super::paths::MEND;
use super::streams::Streams;
use super::{config, seccomp, stats};
use crate::sandbox::{Job, Network, SandboxError, Stop};

/// How often the stop flag is looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long the keeper may take to speak once the container has started.
const GREETING_MAX: Duration = Duration::from_secs(60);
/// How often a container is begun at most.
const ATTEMPTS_MAX: u32 = 6;
/// How long the second attempt waits; each further one waits twice as long as the one before. Together some six seconds, in
/// which an engine can be restarted.
const BACK_OFF: Duration = Duration::from_millis(200);

/// What the keeper complains of when it sees the socket and cannot use it.
const UNSHARED: &str = "the socket cannot be shared";

/// What a container needs besides its job.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) client: &'a Docker,
    pub(super) features: &'a Features,
    pub(super) image: &'a Image,
    pub(super) folder: &'a RunFolder,
    /// The job's mounts as the folder staged them.
    pub(super) mounts: &'a [Shown],
    pub(super) job: &'a Job,
    pub(super) stop: &'a Stop,
}

/// The container's output, as it comes.
pub(super) type Frames = Pin<Box<dyn FrameStream<Item = Result<LogOutput, EngineError>> + Send>>;

/// A container whose keeper waits for a program. Whoever has it must remove it.
pub(super) struct Ready {
    /// What it is called.
    pub(super) name: String,
    pub(super) id: String,
    pub(super) link: Link,
    pub(super) frames: Frames,
    pub(super) input: Pin<Box<dyn AsyncWrite + Send>>,
    pub(super) watch: Watch,
    pub(super) facts: BTreeMap<String, String>,
    pub(super) out: OwnedFd,
    /// The socket on the container's loopback, where one was asked for.
    pub(super) listener: Option<TcpListener>,
}

/// Why a container did not become ready.
pub(super) struct Trouble {
    pub(super) error: SandboxError,
    /// Whether another attempt may do better.
    pub(super) passes: bool,
    /// Whether the engine, or what runs in the container, does not see what is shared with it.
    pub(super) is_unshared: bool,
}

impl From<SandboxError> for Trouble {
    fn from(error: SandboxError) -> Self {
        Self { error, passes: false, is_unshared: false }
    }
}

pub(super) fn trouble(action: &'static str) -> impl Fn(EngineError) -> Trouble {
    move |error| Trouble { passes: is_transient(&error), error: failed(action, error), is_unshared: false }
}

/// A way to make a container.
pub(super) trait Attempt: Sync {
    /// What is made.
    type Made: Send;

    /// Where it is made.
    fn client(&self) -> &Docker;

    /// What ends the making.
    fn stop(&self) -> &Stop;

    /// Makes one that is called `name`; `None` when it was stopped meanwhile.
    fn attempt(&self, name: &str) -> impl Future<Output = Result<Option<Self::Made>, Trouble>> + Send;
}

/// Makes a container, called `unique` or thereabouts; `None` when it was stopped meanwhile. Then, and after an error, there is
/// none.
pub(super) async fn ready<A: Attempt>(way: &A, unique: &str) -> Result<Option<A::Made>, Trouble> {
    let mut left = Vec::new();
    let mut made = Ok(None);
    for count in 0..ATTEMPTS_MAX {
        if count > 0 && !wait(BACK_OFF * 2_u32.pow(count - 1), way.stop()).await {
            made = Ok(None);
            break;
        }
        // It is known even when the engine's answer is lost.
        let name = if count == 0 { unique.to_owned() } else { format!("{unique}-{count}") };
        made = way.attempt(&name).await;
        if matches!(made, Ok(Some(_))) {
            break;
        }
        left.push(name);
        if !made.as_ref().is_err_and(|trouble| trouble.passes) {
            break;
        }
    }
    for name in left {
        let removed = remove(way.client(), &name).await;
        made = made.and_then(|ready| Ok(removed.map(|_| ready)?));
    }
    made
}

/// Waits, a little more or less than `duration` so that runs that failed together do not come back together; whether it
/// was not stopped.
async fn wait(duration: Duration, stop: &Stop) -> bool {
    let mut random = [0_u8; 1];
    // Without random numbers it waits as long as all others.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    let until = tokio::time::Instant::now() + duration.mul_f64(0.75 + f64::from(random[0]) / 512.0);
    while tokio::time::Instant::now() < until {
        if stop.is_raised() {
            return false;
        }
        tokio::time::sleep(TICK.min(duration)).await;
    }
    !stop.is_raised()
}

impl Attempt for Place<'_> {
    type Made = Ready;

    fn client(&self) -> &Docker {
        self.client
    }

    fn stop(&self) -> &Stop {
        self.stop
    }

    fn attempt(&self, name: &str) -> impl Future<Output = Result<Option<Ready>, Trouble>> + Send {
        attempted(*self, name)
    }
}

async fn attempted(place: Place<'_>, name: &str) -> Result<Option<Ready>, Trouble> {
    let (job, stop) = (place.job, place.stop);
    let door = Door::open(place.folder.path())?;
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let profile = seccomp::profile(!matches!(job.network, Network::None));
    let seccomp = if place.features.is_podman { place.folder.write("seccomp.json", &profile)? } else { profile };
    let socket = place.folder.outside(SOCKET);
    let ties = Ties::Shared { mounts: place.mounts, socket: &socket };
    let body = config::container(job, ties, place.image, place.features, &seccomp);
    let created = place.client.create_container(Some(options), body).await;
    let id = created.map_err(|error| create_trouble(place.image, error))?.id;

    let stdin = !job.stdin.is_empty();
    let options = AttachContainerOptionsBuilder::default().stdin(stdin).stdout(true).stderr(true).stream(true).build();
    // Podman sets the container up here already.
    let attached = place.client.attach_container(&id, Some(options)).await;
    let attached = attached.map_err(|error| start_trouble(place.image, "attach to the container", error))?;
    let mut frames: Frames = attached.output;
    let started = place.client.start_container(&id, None::<StartContainerOptions>).await;
    started.map_err(|error| start_trouble(place.image, "start the container", error))?;

    let with_listener = matches!(job.network, Network::Gateway(_));
    let Some((link, hello)) = greet(door, &mut frames, with_listener, stop).await? else { return Ok(None) };
    let groups = link.pid.and_then(|pid| Groups::find(pid, &id));
    let watch = match groups {
        Some(groups) => Watch::start(groups),
        None => Watch::told(stats::counters(place.client, &id).await),
    };
    let Hello { facts, out, listener } = hello;
    let name = name.to_owned();
    Ok(Some(Ready { name, id, link, frames, input: attached.input, watch, facts, out, listener }))
}

pub(super) fn create_trouble(image: &Image, error: EngineError) -> Trouble {
    match &error {
        EngineError::DockerResponseServerError { status_code: 404, .. } => {
            unavailable(format!("the image {} is no longer there", image.name), "build or pull it again").into()
        }
        EngineError::DockerResponseServerError { status_code: 400, message } if message.contains("does not exist") => {
            let error = unavailable(format!("the engine does not see what vetrun shows it: {message}"), MEND);
            Trouble { error, passes: false, is_unshared: true }
        }
        _ => trouble("create a container")(error),
    }
}

pub(super) fn start_trouble(image: &Image, action: &'static str, error: EngineError) -> Trouble {
    if let EngineError::DockerResponseServerError { message, .. } = &error
        && message.contains("python3")
        && (message.contains("executable file not found") || message.contains("no such file"))
    {
        let reason = format!("the image {} has no python3, which the container's first process needs", image.name);
        return unavailable(reason, "build one with `vetrun image build`, or name another image with --image").into();
    }
    // A runtime with a kernel of its own cannot mount it.
    let is_unshared = causes(&error).contains(SOCKET_INSIDE);
    Trouble { is_unshared, ..trouble(action)(error) }
}

/// Waits for the keeper. `None` when the run was stopped meanwhile.
async fn greet(
    door: Door,
    frames: &mut Frames,
    with_listener: bool,
    stop: &Stop,
) -> Result<Option<(Link, Hello)>, Trouble> {
    let greeting = async {
        let mut link = door.accept().await?;
        let hello = link.hello(with_listener).await?;
        Ok::<_, io::Error>((link, hello))
    };
    tokio::pin!(greeting);
    let action = "greet the container's keeper";
    let deadline = tokio::time::Instant::now() + GREETING_MAX;
    let mut tick = tokio::time::interval(TICK);
    // What is said before there is a program is the keeper's complaint.
    let mut said = Streams::new(4096);
    loop {
        tokio::select! {
            biased;
            met = &mut greeting => return met.map(Some).map_err(|error| failed(action, error).into()),
            () = tokio::time::sleep_until(deadline) => {
                return Err(no_keeper(action, "it did not speak in time".to_owned()).into());
            }
            _ = tick.tick() => if stop.is_raised() { return Ok(None) },
            frame = frames.next() => match frame {
                Some(Ok(frame)) => said.take(&frame),
                Some(Err(error)) => return Err(trouble("read the container's output")(error)),
                None => {
                    let complaint = String::from_utf8_lossy(&said.stderr.bytes).trim().to_owned();
                    // Without a complaint it was not the keeper that ended, but the connection.
                    let passes = complaint.is_empty();
                    let is_unshared = complaint.contains(UNSHARED);
                    let error = no_keeper(action, format!("it ended at once: {complaint}"));
                    return Err(Trouble { error, passes, is_unshared });
                }
            },
        }
    }
}

/// Removes a container whatever its state; whether it was there. Engines go on listing some that they have lost, as being
/// removed.
pub(super) async fn remove(client: &Docker, name: &str) -> Result<bool, SandboxError> {
    let mut attempt = 0;
    loop {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match client.remove_container(name, Some(options)).await {
            Ok(()) => return Ok(true),
            Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => return Ok(false),
            // Another sweep has begun to remove it.
            Err(EngineError::DockerResponseServerError { status_code: 409, message })
                if message.contains("in progress") =>
            {
                return Ok(false);
            }
            Err(error) if is_transient(&error) && attempt + 1 < ATTEMPTS_MAX => {
                tokio::time::sleep(BACK_OFF * 2_u32.pow(attempt)).await;
                attempt += 1;
            }
            Err(error) => return Err(failed("remove the container", error)),
        }
    }
}
