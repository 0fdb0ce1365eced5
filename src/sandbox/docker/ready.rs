//! A container up to the moment when a program can start in it: created, attached to, started, its keeper met.
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
use super::engine::{Features, failed, is_transient, unavailable};
use super::folder::{RunFolder, Shown};
use super::image::Image;
use super::link::{Door, Hello, Link, no_keeper};
use super::paths::MEND;
use super::streams::Streams;
use super::{config, stats};
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

/// What a container needs besides its job.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) client: &'a Docker,
    pub(super) features: &'a Features,
    pub(super) image: &'a Image,
    pub(super) folder: &'a RunFolder,
    /// The job's mounts as the folder staged them.
    pub(super) mounts: &'a [Shown],
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
struct Trouble {
    error: SandboxError,
    /// Whether another attempt may do better.
    passes: bool,
}

impl From<SandboxError> for Trouble {
    fn from(error: SandboxError) -> Self {
        Self { error, passes: false }
    }
}

fn trouble(action: &'static str) -> impl Fn(EngineError) -> Trouble {
    move |error| Trouble { passes: is_transient(&error), error: failed(action, error) }
}

/// Makes a container for `job`; `None` when it was stopped meanwhile. Then, and after an error, there is none.
pub(super) async fn ready(place: Place<'_>, job: &Job, stop: &Stop) -> Result<Option<Ready>, SandboxError> {
    let mut left = Vec::new();
    let mut made = Ok(None);
    for attempt in 0..ATTEMPTS_MAX {
        if attempt > 0 && !wait(BACK_OFF * 2_u32.pow(attempt - 1), stop).await {
            made = Ok(None);
            break;
        }
        // The folder's name is unique, and known even when the engine's answer is lost.
        let name = if attempt == 0 { place.folder.name() } else { format!("{}-{attempt}", place.folder.name()) };
        let trouble = match attempted(place, job, &name, stop).await {
            Ok(Some(ready)) => {
                made = Ok(Some(ready));
                break;
            }
            Ok(None) => None,
            Err(trouble) => Some(trouble),
        };
        left.push(name);
        let passes = trouble.as_ref().is_some_and(|trouble| trouble.passes);
        made = trouble.map_or(Ok(None), |trouble| Err(trouble.error));
        if !passes {
            break;
        }
    }
    for name in left {
        let removed = remove(place.client, &name).await;
        made = made.and_then(|ready| removed.map(|()| ready));
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

async fn attempted(place: Place<'_>, job: &Job, name: &str, stop: &Stop) -> Result<Option<Ready>, Trouble> {
    let door = Door::open(place.folder.path())?;
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let files = config::files(job, place.features, place.folder)?;
    let body = config::container(job, place.mounts, place.image, place.features, &files);
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

fn create_trouble(image: &Image, error: EngineError) -> Trouble {
    match &error {
        EngineError::DockerResponseServerError { status_code: 404, .. } => {
            unavailable(format!("the image {} is no longer there", image.name), "build or pull it again").into()
        }
        EngineError::DockerResponseServerError { status_code: 400, message } if message.contains("does not exist") => {
            unavailable(format!("the engine does not see what vetrun shows it: {message}"), MEND).into()
        }
        _ => trouble("create a container")(error),
    }
}

fn start_trouble(image: &Image, action: &'static str, error: EngineError) -> Trouble {
    if let EngineError::DockerResponseServerError { message, .. } = &error
        && message.contains("python3")
        && (message.contains("executable file not found") || message.contains("no such file"))
    {
        let reason = format!("the image {} has no python3, which the container's first process needs", image.name);
        return unavailable(reason, "build one with `vetrun image build`, or name another image with --image").into();
    }
    trouble(action)(error)
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
                    let error = no_keeper(action, format!("it ended at once: {complaint}"));
                    return Err(Trouble { error, passes });
                }
            },
        }
    }
}

/// Removes a container whatever its state; one that is not there is fine.
pub(super) async fn remove(client: &Docker, name: &str) -> Result<(), SandboxError> {
    let mut attempt = 0;
    loop {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match client.remove_container(name, Some(options)).await {
            Ok(()) | Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => return Ok(()),
            // Another sweep has begun to remove it.
            Err(EngineError::DockerResponseServerError { status_code: 409, message })
                if message.contains("in progress") =>
            {
                return Ok(());
            }
            Err(error) if is_transient(&error) && attempt + 1 < ATTEMPTS_MAX => {
                tokio::time::sleep(BACK_OFF * 2_u32.pow(attempt)).await;
                attempt += 1;
            }
            Err(error) => return Err(failed("remove the container", error)),
        }
    }
}
