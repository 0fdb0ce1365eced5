//! One run: a program in a container that is ready for it, watched to its end; then the container is removed.
//!
//! The program starts only when everything is ready: the keeper waits for its command line. Removal comes last and on
//! every way out.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::errors::Error as EngineError;
use bollard::models::ContainerState;
use bollard::query_parameters::{InspectContainerOptions, KillContainerOptions};
use futures_util::StreamExt as _;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::cgroup::Watch;
use super::engine::failed;
use super::image::Image;
use super::link::{Link, Told, no_keeper};
use super::ready::{Frames, Ready, remove};
use super::stats;
use super::streams::Streams;
use crate::sandbox::{Job, Network, SandboxError, Stop};

/// How often the stop flag and the counters are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long the streams may take to end once every process is dead or was told to die.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// How long a keeper takes to end when its socket has closed; the engine's kill follows in any case.
const KEEPER_END: Duration = Duration::from_millis(50);
/// The signal by which the kernel kills for memory.
const SIGKILL: i32 = 9;

/// Why vetrun ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kill {
    Timeout,
    Output,
    Files,
    Interrupted,
}

/// What was seen of one run.
pub(super) struct Seen {
    /// Why vetrun killed it, if it did.
    pub(super) kill: Option<Kill>,
    /// How the program ended, where its parent lived to tell.
    pub(super) told: Option<Told>,
    /// What the engine says of the container, where the keeper died without a word or nobody else knows about memory.
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

/// Runs `command` as `job` says in a container that is ready for it and gone when this returns.
pub(super) async fn run(
    client: &Docker,
    image: &Image,
    ready: Ready,
    job: &Job,
    command: &[String],
    stop: &Stop,
) -> Result<Seen, SandboxError> {
    let Ready { name, id, link, frames, input, watch, facts, out, listener } = ready;
    let mut seen = Seen { watch, facts, out: Some(out), ..Seen::new(job) };
    if let (Network::Gateway(gateway), Some(listener)) = (&job.network, listener) {
        seen.service = Some(gateway.serve(listener));
    }
    let run = Run { client, image, id: &id, job, stop };
    let ran = run.program(link, command, frames, input, &mut seen).await;
    let removed = remove(client, &name).await;
    ran.and(removed).map(|_| seen)
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
    client: &'a Docker,
    image: &'a Image,
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
        let started = link.start(self.job, command, &self.image.path).await;
        started.map_err(|error| failed("hand the program to the keeper", error))?;
        let began = Instant::now();
        let watched = self.watch(&mut link, &mut frames, &mut input, seen).await?;
        seen.wall = began.elapsed();
        // The container still lives here, unless the keeper was lost: its counters are there to be read.
        seen.watch.sample();
        if !seen.watch.is_close() && !matches!(watched, Watched::Lost) {
            seen.watch.take(stats::counters(self.client, self.id).await);
        }
        if matches!(watched, Watched::Told(Told::Ended { .. })) && self.holds_too_many(seen) {
            // It was over before it was looked at.
            seen.kill = Some(Kill::Files);
        }
        let mut asks_for_memory = false;
        match watched {
            Watched::Told(told) => {
                if let Told::Ended { wall, status } = told {
                    seen.wall = wall;
                    asks_for_memory = status & 0x7f == SIGKILL && !seen.watch.is_close();
                }
                seen.told = Some(told);
                seen.counted_at_end = true;
            }
            Watched::Kill(kill) => {
                seen.kill = Some(kill);
                seen.counted_at_end = true;
                // The keeper ends when its socket closes, long before the engine has acted. Meanwhile nothing is read, so
                // that a flood stands still.
                drop(link);
                tokio::time::sleep(KEEPER_END).await;
                // The engine waits for a stream that nobody reads, so both go on at once.
                let (killed, drained) =
                    tokio::join!(kill_container(self.client, self.id), drain(&mut frames, &mut seen.streams));
                return killed.and(drained);
            }
            Watched::Lost => seen.state = Some(dead_state(self.client, self.id).await?),
        }
        // The keeper ends when its socket closes, and with it whatever is left of the program.
        drop(link);
        drain(&mut frames, &mut seen.streams).await?;
        if asks_for_memory {
            seen.state = Some(dead_state(self.client, self.id).await?);
        }
        Ok(())
    }

    /// Whether the program made more output files than it may.
    fn holds_too_many(self, seen: &Seen) -> bool {
        seen.out.as_ref().is_some_and(|out| holds_more_than(out, self.job.limits.out_files))
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
                    if self.holds_too_many(seen) {
                        return Ok(Watched::Kill(Kill::Files));
                    }
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
}

/// Kills the container's first process, and so all of them.
pub(super) async fn kill_container(client: &Docker, id: &str) -> Result<(), SandboxError> {
    match client.kill_container(id, None::<KillContainerOptions>).await {
        // 409: it has ended by itself meanwhile.
        Ok(()) | Err(EngineError::DockerResponseServerError { status_code: 409, .. }) => Ok(()),
        // Podman's way to say so.
        Err(EngineError::DockerResponseServerError { message, .. }) if message.contains("state improper") => Ok(()),
        Err(error) => Err(failed("kill the container", error)),
    }
}

/// What the engine says of the container once it has noticed its end.
pub(super) async fn dead_state(client: &Docker, id: &str) -> Result<ContainerState, SandboxError> {
    let deadline = tokio::time::Instant::now() + DRAIN_MAX;
    loop {
        let inspected = client.inspect_container(id, None::<InspectContainerOptions>).await;
        let inspected = inspected.map_err(|error| failed("ask how the container ended", error))?;
        let state = inspected.state.unwrap_or_default();
        if state.running != Some(true) {
            return Ok(state);
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(no_keeper("watch the program", "the keeper is gone and the container still runs".to_owned()));
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Whether the output folder, which is a file system of its own, holds more files and folders than that. Where the kernel
/// counts, it never does.
fn holds_more_than(out: &OwnedFd, files_max: u32) -> bool {
    // The folder itself is one of them.
    rustix::fs::fstatvfs(out).is_ok_and(|told| told.f_files.saturating_sub(told.f_ffree) > u64::from(files_max) + 1)
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
    /// What is seen of a run that was stopped before it began.
    pub(super) fn interrupted(job: &Job) -> Self {
        Self { kill: Some(Kill::Interrupted), ..Self::new(job) }
    }

    pub(super) fn new(job: &Job) -> Self {
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
