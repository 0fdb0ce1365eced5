//! One run in a container that is tied to vetrun by its standard streams alone, and sessions, which all are.
//!
//! The order is that of a run with shared folders (`session.rs`): the program, its counters while the container still lives,
//! its output files, and the container's removal last and on every way out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bollard::Docker;
use tokio::runtime::Runtime;

use super::attached::Attached;
use super::engine::{BACKEND, Features, failed};
use super::image::Image;
use super::link::Told;
use super::outcome::OUT_DEPTH_MAX;
use super::session::{Kill, Seen, dead_state, kill_container};
use super::streams::Streams;
use super::{isolation, ready, stats};
use crate::sandbox::agent::{self, Forward, Ran, Why};
use crate::sandbox::session::{AgentSession, Keep};
use crate::sandbox::{
    CollectLimits, Collected, GATEWAY_PORT, Job, Metrics, Network, OUT_DIR, Program, RefusedOutput, SandboxError,
    SessionOptions, Stop,
};

/// The signal by which the kernel kills for memory.
const SIGKILL: i32 = 9;

/// Runs `command` as `job` says in a container that is gone when this returns; also what it left. Waits, so it must not be
/// called by a task.
pub(super) fn run(
    (runtime, client): (&Runtime, &Docker),
    image: &Image,
    mut attached: Attached,
    job: &Job,
    command: &[String],
    stop: &Stop,
) -> Result<(Seen, Collected), SandboxError> {
    let name = attached.name.clone();
    let ran = watched((runtime, client), image, &mut attached, job, command, stop);
    drop(attached);
    let removed = runtime.block_on(ready::remove(client, &name));
    ran.and_then(|seen| removed.map(|_| seen))
}

fn watched(
    (runtime, client): (&Runtime, &Docker),
    image: &Image,
    attached: &mut Attached,
    job: &Job,
    command: &[String],
    stop: &Stop,
) -> Result<(Seen, Collected), SandboxError> {
    let mut env = BTreeMap::from([("PATH".to_owned(), image.path.clone())]);
    env.extend(job.env.clone());
    let program = agent::Program {
        cwd: job.cwd.clone(),
        command: command.to_vec(),
        env,
        stdin: job.stdin.clone(),
        is_alone: true,
        wall: job.limits.wall,
        stream_bytes: job.limits.stream_bytes,
    };
    let agent = Arc::clone(&attached.agent);
    let gateway = match &job.network {
        Network::Gateway(gateway) => Some(Forward::out(Arc::clone(&agent), GATEWAY_PORT, &**gateway)),
        Network::None | Network::Full => None,
    };
    let gateway = gateway.transpose().map_err(|error| failed("serve the network", error))?;
    let ran = agent.exec(&program, stop, &mut |_, _| {}, &mut || attached.watch.sample());
    let ran = ran.map_err(|error| failed("run the program", error))?;
    drop(gateway);
    attached.watch.sample();
    if !attached.watch.is_close() && !ran.is_lost {
        attached.watch.take(runtime.block_on(stats::counters(client, &attached.id)));
    }
    let collected =
        if ran.is_lost || job.collect_into.is_none() { lost_output(&ran, job) } else { collect(attached, job)? };
    let mut seen = seen(job, attached, ran);
    let is_killed = matches!(seen.told, Some(Told::Ended { status, .. }) if status & 0x7f == SIGKILL);
    if seen.told.is_none() || is_killed && !seen.watch.is_close() {
        seen.state = Some(runtime.block_on(async {
            if seen.kill.is_some() {
                kill_container(client, &attached.id).await?;
            }
            attached.agent.end();
            dead_state(client, &attached.id).await
        })?);
    }
    Ok((seen, collected))
}

/// What a run comes to, in the words of the other way.
fn seen(job: &Job, attached: &Attached, ran: Ran) -> Seen {
    let told = match (ran.not_started, ran.status) {
        (Some((step, errno)), _) => Some(Told::NotStarted { step, errno }),
        (None, Some(status)) => Some(Told::Ended { status, wall: ran.wall }),
        (None, None) => None,
    };
    let streams = Streams::of(ran.stdout, ran.stderr, job.limits.stream_bytes);
    Seen {
        kill: ran.kill.map(|why| match why {
            Why::Timeout => Kill::Timeout,
            Why::Output => Kill::Output,
            Why::Interrupted => Kill::Interrupted,
        }),
        counted_at_end: !ran.is_lost,
        wall: ran.wall,
        told,
        streams,
        watch: attached.watch.clone(),
        facts: attached.agent.facts().clone(),
        ..Seen::new(job)
    }
}

fn collect(attached: &Attached, job: &Job) -> Result<Collected, SandboxError> {
    let Some(into) = &job.collect_into else { return Ok(Collected::default()) };
    let limits =
        CollectLimits { bytes_max: job.limits.out_bytes, files_max: job.limits.out_files, depth_max: OUT_DEPTH_MAX };
    let collected = attached.agent.download(OUT_DIR, into, limits);
    collected.map_err(|error| failed("collect the output files", error))
}

/// What is said of output files that went with their container.
fn lost_output(ran: &Ran, job: &Job) -> Collected {
    let refused = (ran.is_lost && job.collect_into.is_some()).then(|| RefusedOutput {
        path: ".".to_owned(),
        reason: "cannot be read: the container ended before its files were taken".to_owned(),
    });
    Collected { files: Vec::new(), refused: refused.into_iter().collect() }
}

/// A session in this container.
pub(super) fn session(
    (runtime, client): (&Arc<Runtime>, &Docker),
    features: &Features,
    image: &Image,
    attached: Attached,
    options: &SessionOptions,
) -> Result<AgentSession, SandboxError> {
    let isolation = isolation::observed(attached.agent.facts(), features, true);
    let (agent, id) = (Arc::clone(&attached.agent), attached.id.clone());
    let keep = Kept {
        runtime: Arc::clone(runtime),
        client: client.clone(),
        path: image.path.clone(),
        attached: Mutex::new(attached),
    };
    AgentSession::new(agent, Box::new(keep), id, isolation, options)
}

/// The container of a session.
struct Kept {
    /// Whoever made the session may be gone.
    runtime: Arc<Runtime>,
    client: Docker,
    path: String,
    attached: Mutex<Attached>,
}

impl Keep for Kept {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn command(&self, program: &Program, args: &[String]) -> Result<Vec<String>, SandboxError> {
        Ok(std::iter::once(program.name().to_owned()).chain(args.iter().cloned()).collect())
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn stats(&self) -> Result<Metrics, SandboxError> {
        let mut attached = self.attached.lock().unwrap_or_else(PoisonError::into_inner);
        attached.watch.sample();
        if !attached.watch.is_close() {
            let counters = self.runtime.block_on(stats::counters(&self.client, &attached.id));
            attached.watch.take(counters);
        }
        let counters = attached.watch.last();
        let (pids_peak, sampled) = attached.watch.pids_peak(u64::from(super::config::KEEPER_PIDS));
        Ok(Metrics {
            cpu: attached.watch.cpu(),
            memory_peak_bytes: counters.memory_peak_bytes,
            pids_peak,
            oom_kills: counters.oom_kills,
            sampled,
            ..Metrics::default()
        })
    }

    fn end(&self) -> Result<(), SandboxError> {
        let name = self.attached.lock().unwrap_or_else(PoisonError::into_inner).name.clone();
        self.runtime.block_on(ready::remove(&self.client, &name)).map(drop)
    }
}
