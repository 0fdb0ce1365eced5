//! A container that is tied to vetrun by its standard streams alone, up to the moment when its agent has spoken.
//!
//! The streams are the engine's: asynchronous, and what the container says of its own on standard error is in between. What
//! the agent says is handed over to a socket, whose other end is waited for as any other.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions, StartContainerOptions,
};
use futures_util::StreamExt as _;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::archive::{self, Volume};
use super::cgroup::{Groups, Watch};
use super::config::{self, Ties};
use super::engine::{Features, failed};
use super::image::Image;
use super::link::no_keeper;
use super::ready::{Attempt, Frames, Trouble, create_trouble, ready, start_trouble, trouble};
use super::{seccomp, stats};
use crate::sandbox::agent::{Agent, AgentError};
use crate::sandbox::{Job, Network, SandboxError, Stop, owner};

/// Bytes of what the container says of its own that are kept.
const COMPLAINT_BYTES_MAX: usize = 4096;

/// What a container needs besides its job.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) client: &'a Docker,
    pub(super) features: &'a Features,
    pub(super) image: &'a Image,
    pub(super) volumes: &'a [Volume],
    pub(super) job: &'a Job,
    pub(super) stop: &'a Stop,
}

impl Attempt for Place<'_> {
    type Made = Attached;

    fn client(&self) -> &Docker {
        self.client
    }

    fn stop(&self) -> &Stop {
        self.stop
    }

    fn attempt(&self, name: &str) -> impl Future<Output = Result<Option<Attached>, Trouble>> + Send {
        attempted(*self, name)
    }
}

/// A container whose agent waits for orders. Whoever has it must remove it.
pub(super) struct Attached {
    /// What it is called.
    pub(super) name: String,
    pub(super) id: String,
    pub(super) agent: Arc<Agent>,
    pub(super) watch: Watch,
    /// Carries the streams; ends with them.
    carrying: [JoinHandle<()>; 2],
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.agent.end();
        self.carrying.iter().for_each(JoinHandle::abort);
    }
}

/// Makes a container for its job; as [`ready`].
pub(super) async fn attached(place: &Place<'_>) -> Result<Option<Attached>, SandboxError> {
    ready(place, &unique_name()?).await.map_err(|trouble| trouble.error)
}

/// A name that tells its owner, as those of folders do.
fn unique_name() -> Result<String, SandboxError> {
    let mut random = [0_u8; 8];
    let filled = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    filled.map_err(|error| failed("name a container", error))?;
    Ok(format!("{}{:016x}", owner::folder_prefix(), u64::from_le_bytes(random)))
}

async fn attempted(place: Place<'_>, name: &str) -> Result<Option<Attached>, Trouble> {
    let Place { client, image, job, stop, .. } = place;
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let volumes: Vec<String> = place.volumes.iter().map(|volume| volume.inside.clone()).collect();
    let seccomp = seccomp::profile(!matches!(job.network, Network::None));
    let body = config::container(job, Ties::Streams { volumes: &volumes }, image, place.features, &seccomp);
    let created = client.create_container(Some(options), body).await;
    let id = created.map_err(|error| create_trouble(image, error))?.id;
    for volume in place.volumes {
        archive::fill(client, &id, volume).await?;
    }

    let options = AttachContainerOptionsBuilder::default().stdin(true).stdout(true).stderr(true).stream(true).build();
    let attached = client.attach_container(&id, Some(options)).await;
    let attached = attached.map_err(|error| start_trouble(image, "attach to the container", error))?;
    let started = client.start_container(&id, None::<StartContainerOptions>).await;
    started.map_err(|error| start_trouble(image, "start the container", error))?;

    let complaint = Arc::default();
    let (ours, carrying) = carried(attached.output, attached.input, &complaint)?;
    let stop = stop.clone();
    let met = tokio::task::spawn_blocking(move || Agent::meet(ours, &stop)).await;
    let met = met.map_err(|error| failed("greet the container's agent", error))?;
    let agent = match met {
        Ok(Some(agent)) => agent,
        Ok(None) => return Ok(None),
        Err(AgentError::Lost) => {
            let said = text(&complaint);
            // Without a complaint it was not the agent that ended, but the connection.
            let passes = said.is_empty();
            let error = no_keeper("greet the container's agent", format!("it ended at once: {said}"));
            return Err(Trouble { passes, ..error.into() });
        }
        Err(error) => return Err(failed("greet the container's agent", error).into()),
    };
    let watch = watch(client, &id).await?;
    Ok(Some(Attached { name: name.to_owned(), id, agent, watch, carrying }))
}

/// The counters of a container: its control groups, where they are those of this host's kernel.
async fn watch(client: &Docker, id: &str) -> Result<Watch, Trouble> {
    let found = client.inspect_container(id, None::<InspectContainerOptions>).await;
    let found = found.map_err(trouble("ask about the container"))?;
    let pid = found.state.and_then(|state| state.pid).and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid > 0);
    Ok(match pid.and_then(|pid| Groups::find(pid, id)) {
        Some(groups) => Watch::start(groups),
        None => Watch::told(stats::counters(client, id).await),
    })
}

/// A socket whose other end is the container's standard streams.
fn carried(
    mut frames: Frames,
    mut input: std::pin::Pin<Box<dyn AsyncWrite + Send>>,
    complaint: &Arc<Mutex<Vec<u8>>>,
) -> Result<(UnixStream, [JoinHandle<()>; 2]), SandboxError> {
    let pair = || {
        let (ours, theirs) = UnixStream::pair()?;
        theirs.set_nonblocking(true)?;
        Ok::<_, std::io::Error>((ours, tokio::net::UnixStream::from_std(theirs)?))
    };
    let (ours, theirs) = pair().map_err(|error| failed("make a socket", error))?;
    let (mut read, mut write) = theirs.into_split();
    let complaint = Arc::clone(complaint);
    let out = tokio::spawn(async move {
        while let Some(Ok(frame)) = frames.next().await {
            match frame {
                LogOutput::StdOut { message } => {
                    if write.write_all(&message).await.is_err() {
                        break;
                    }
                }
                LogOutput::StdErr { message } | LogOutput::Console { message } => keep(&complaint, &message),
                LogOutput::StdIn { .. } => {}
            }
        }
        // The other end reads that nothing comes any more.
        let _ = write.shutdown().await;
    });
    let into = tokio::spawn(async move {
        // The container ends when its input does.
        let _ = tokio::io::copy(&mut read, &mut input).await;
        let _ = input.shutdown().await;
    });
    Ok((ours, [out, into]))
}

fn keep(complaint: &Mutex<Vec<u8>>, bytes: &[u8]) {
    let mut kept = complaint.lock().unwrap_or_else(PoisonError::into_inner);
    let room = COMPLAINT_BYTES_MAX.saturating_sub(kept.len()).min(bytes.len());
    kept.extend_from_slice(&bytes[..room]);
}

fn text(complaint: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&complaint.lock().unwrap_or_else(PoisonError::into_inner)).trim().to_owned()
}
