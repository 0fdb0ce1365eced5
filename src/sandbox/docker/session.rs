//! One run: create, attach, start, greet the keeper, start the program, watch it, end it, remove the container.
//!
//! Attaching comes before starting, because the output of a fast program would be lost else. The program starts only
//! when everything is ready: the keeper waits for its command line. Removal comes last and on every way out.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error as EngineError;
use bollard::models::ContainerState;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptions,
    RemoveContainerOptionsBuilder, StartContainerOptions,
};
use futures_util::{Stream as FrameStream, StreamExt as _};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::cgroup::{Groups, Watch};
use super::config;
use super::engine::{Features, Image, failed, unavailable};
use super::folder::RunFolder;
use super::link::{Door, Hello, Link, Told, no_keeper};
use super::streams::Streams;
use crate::sandbox::{Job, Mount, Network, SandboxError, Stop};

/// How often the stop flag and the counters are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long the keeper may take to speak once the container has started.
const GREETING_MAX: Duration = Duration::from_secs(60);
/// How long the streams may take to end once every process is dead or was told to die.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// Why vetrun ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kill {
    Timeout,
    Output,
    Interrupted,
}

/// What was seen of one run.
pub(super) struct Seen {
    /// Why vetrun killed it, if it did.
    pub(super) kill: Option<Kill>,
    /// How the program ended, where its parent lived to tell.
    pub(super) told: Option<Told>,
    /// What the engine says of the container, where the keeper died without a word.
    pub(super) state: Option<ContainerState>,
    pub(super) streams: Streams,
    pub(super) watch: Watch,
    /// Whether the counters were read after the program's end, so that they are not samples.
    pub(super) counted_at_end: bool,
    pub(super) wall: Duration,
    pub(super) facts: BTreeMap<String, String>,
    pub(super) out: Option<OwnedFd>,
    /// Ends the gateway's service when it is dropped.
    pub(super) service: Option<Box<dyn Send>>,
}

/// What a run needs besides its job.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) client: &'a Docker,
    pub(super) features: &'a Features,
    pub(super) image: &'a Image,
    pub(super) folder: &'a RunFolder,
    /// The job's mounts as the folder staged them.
    pub(super) mounts: &'a [Mount],
}

type Frames = Pin<Box<dyn FrameStream<Item = Result<LogOutput, EngineError>> + Send>>;

/// Runs `command` as `job` says, in a container that is gone when this returns.
pub(super) async fn run(place: Place<'_>, job: &Job, command: &[String], stop: &Stop) -> Result<Seen, SandboxError> {
    let door = Door::open(place.folder.path())?;
    // The folder's name is unique, and known even when the engine's answer is lost.
    let name = place.folder.name();
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    let body = config::container(job, place.mounts, place.image, place.features, door.path());
    let seen = match place.client.create_container(Some(options), body).await {
        Ok(created) => drive(place, &created.id, door, job, command, stop).await,
        Err(error) => Err(create_error(place.image, error)),
    };
    let removed = remove(place.client, &name).await;
    let seen = seen?;
    removed.map(|()| seen)
}

fn create_error(image: &Image, error: EngineError) -> SandboxError {
    match error {
        EngineError::DockerResponseServerError { status_code: 404, .. } => {
            unavailable(format!("the image {} is no longer there", image.name), "build or pull it again")
        }
        error => failed("create a container", error),
    }
}

/// Removes a container whatever its state; one that is not there is fine.
pub(super) async fn remove(client: &Docker, name: &str) -> Result<(), SandboxError> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match client.remove_container(name, Some(options)).await {
        Ok(()) | Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        Err(error) => Err(failed("remove the container", error)),
    }
}

async fn drive(
    place: Place<'_>,
    id: &str,
    door: Door,
    job: &Job,
    command: &[String],
    stop: &Stop,
) -> Result<Seen, SandboxError> {
    let stdin = !job.stdin.is_empty();
    let options = AttachContainerOptionsBuilder::default().stdin(stdin).stdout(true).stderr(true).stream(true).build();
    let attached = place.client.attach_container(id, Some(options)).await;
    let attached = attached.map_err(|error| failed("attach to the container", error))?;
    let mut frames: Frames = attached.output;
    let started = place.client.start_container(id, None::<StartContainerOptions>).await;
    started.map_err(|error| start_error(place.image, error))?;

    let mut seen = Seen::new(job);
    let with_listener = matches!(job.network, Network::Gateway(_));
    let Some((link, hello)) = greet(door, &mut frames, &mut seen.streams, with_listener, stop).await? else {
        seen.kill = Some(Kill::Interrupted);
        return Ok(seen);
    };
    let groups = link.pid.and_then(|pid| Groups::find(pid, id));
    seen.watch = Watch::start(groups);
    seen.facts = hello.facts;
    seen.out = Some(hello.out);
    if let (Network::Gateway(gateway), Some(listener)) = (&job.network, hello.listener) {
        seen.service = Some(gateway.serve(listener));
    }
    let run = Run { place, id, job, stop };
    run.program(link, command, frames, attached.input, &mut seen).await?;
    Ok(seen)
}

fn start_error(image: &Image, error: EngineError) -> SandboxError {
    if let EngineError::DockerResponseServerError { message, .. } = &error
        && message.contains("python3")
        && (message.contains("executable file not found") || message.contains("no such file"))
    {
        let reason = format!("the image {} has no python3, which the container's first process needs", image.name);
        return unavailable(reason, "build one with `.ci/build-image`, or name another image with --image");
    }
    failed("start the container", error)
}

/// Waits for the keeper. `None` when the run was stopped meanwhile.
async fn greet(
    door: Door,
    frames: &mut Frames,
    streams: &mut Streams,
    with_listener: bool,
    stop: &Stop,
) -> Result<Option<(Link, Hello)>, SandboxError> {
    let greeting = async {
        let mut link = door.accept().await?;
        let hello = link.hello(with_listener).await?;
        Ok::<_, io::Error>((link, hello))
    };
    tokio::pin!(greeting);
    let deadline = tokio::time::Instant::now() + GREETING_MAX;
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            biased;
            met = &mut greeting => return met.map(Some).map_err(|error| failed("greet the container's keeper", error)),
            () = tokio::time::sleep_until(deadline) => {
                return Err(no_keeper("greet the container's keeper", "it did not speak in time".to_owned()));
            }
            _ = tick.tick() => if stop.is_raised() { return Ok(None) },
            frame = frames.next() => match frame {
                Some(Ok(frame)) => streams.take(&frame),
                Some(Err(error)) => return Err(failed("read the container's output", error)),
                None => {
                    let said = String::from_utf8_lossy(&streams.stderr.bytes).trim().to_owned();
                    return Err(no_keeper("greet the container's keeper", format!("it ended at once: {said}")));
                }
            },
        }
    }
}

/// How watching ended.
enum Watched {
    Told(Told),
    Kill(Kill),
    /// The keeper is gone and has not told anything.
    Lost,
}

#[derive(Clone, Copy)]
struct Run<'a> {
    place: Place<'a>,
    id: &'a str,
    job: &'a Job,
    stop: &'a Stop,
}

impl Run<'_> {
    async fn program(
        self,
        mut link: Link,
        command: &[String],
        mut frames: Frames,
        mut input: Pin<Box<dyn AsyncWrite + Send>>,
        seen: &mut Seen,
    ) -> Result<(), SandboxError> {
        let started = link.start(self.job, command, &self.place.image.path).await;
        started.map_err(|error| failed("hand the program to the keeper", error))?;
        let began = Instant::now();
        let watched = self.watch(&mut link, &mut frames, &mut input, seen).await?;
        seen.wall = began.elapsed();
        // The container still lives here, unless the keeper was lost: its counters are there to be read.
        seen.watch.sample();
        match watched {
            Watched::Told(told) => {
                if let Told::Ended { wall, .. } = told {
                    seen.wall = wall;
                }
                seen.told = Some(told);
                seen.counted_at_end = true;
            }
            Watched::Kill(kill) => {
                seen.kill = Some(kill);
                seen.counted_at_end = true;
                // The engine waits for a stream that nobody reads, so both go on at once.
                let (killed, drained) = tokio::join!(self.kill(), drain(&mut frames, &mut seen.streams));
                return killed.and(drained);
            }
            Watched::Lost => seen.state = Some(self.dead_state().await?),
        }
        // The keeper ends when its socket closes, and with it whatever is left of the program.
        drop(link);
        drain(&mut frames, &mut seen.streams).await
    }

    async fn watch(
        self,
        link: &mut Link,
        frames: &mut Frames,
        input: &mut Pin<Box<dyn AsyncWrite + Send>>,
        seen: &mut Seen,
    ) -> Result<Watched, SandboxError> {
        let deadline = tokio::time::Instant::now() + self.job.limits.wall;
        let mut tick = tokio::time::interval(TICK);
        let feed = async {
            // A program that does not read its input is no error.
            let _ = input.write_all(&self.job.stdin).await;
            let _ = input.shutdown().await;
        };
        tokio::pin!(feed);
        let mut fed = self.job.stdin.is_empty();
        loop {
            tokio::select! {
                biased;
                told = link.ended() => return Ok(told.map_or(Watched::Lost, Watched::Told)),
                () = tokio::time::sleep_until(deadline) => return Ok(Watched::Kill(Kill::Timeout)),
                _ = tick.tick() => {
                    seen.watch.sample();
                    if self.stop.is_raised() {
                        return Ok(Watched::Kill(Kill::Interrupted));
                    }
                }
                () = &mut feed, if !fed => fed = true,
                frame = frames.next() => match frame {
                    Some(Ok(frame)) => {
                        seen.streams.take(&frame);
                        if seen.streams.overflowed() {
                            return Ok(Watched::Kill(Kill::Output));
                        }
                    }
                    Some(Err(error)) => return Err(failed("read the container's output", error)),
                    None => return Ok(Watched::Lost),
                },
            }
        }
    }

    /// Kills the container's first process, and so all of them.
    async fn kill(self) -> Result<(), SandboxError> {
        match self.place.client.kill_container(self.id, None::<KillContainerOptions>).await {
            // 409: it has ended by itself meanwhile.
            Ok(()) | Err(EngineError::DockerResponseServerError { status_code: 409, .. }) => Ok(()),
            Err(error) => Err(failed("kill the container", error)),
        }
    }

    /// What the engine says of the container once it has noticed its end.
    async fn dead_state(self) -> Result<ContainerState, SandboxError> {
        let deadline = tokio::time::Instant::now() + DRAIN_MAX;
        loop {
            let inspected = self.place.client.inspect_container(self.id, None::<InspectContainerOptions>).await;
            let inspected = inspected.map_err(|error| failed("ask how the container ended", error))?;
            let state = inspected.state.unwrap_or_default();
            if state.running != Some(true) {
                return Ok(state);
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(no_keeper(
                    "watch the program",
                    "the keeper is gone and the container still runs".to_owned(),
                ));
            }
            tokio::time::sleep(TICK).await;
        }
    }
}

/// Reads what is left in the streams; they end with the container's last process.
async fn drain(frames: &mut Frames, streams: &mut Streams) -> Result<(), SandboxError> {
    let rest = async {
        while let Some(frame) = frames.next().await {
            streams.take(&frame?);
        }
        Ok::<_, EngineError>(())
    };
    match tokio::time::timeout(DRAIN_MAX, rest).await {
        Ok(read) => read.map_err(|error| failed("read the container's output", error)),
        Err(_) => {
            Err(no_keeper("read the container's output", "it does not end although the run was killed".to_owned()))
        }
    }
}

impl Seen {
    fn new(job: &Job) -> Self {
        Self {
            kill: None,
            told: None,
            state: None,
            streams: Streams::new(job.limits.stream_bytes),
            watch: Watch::default(),
            counted_at_end: false,
            wall: Duration::ZERO,
            facts: BTreeMap::new(),
            out: None,
            service: None,
        }
    }
}
