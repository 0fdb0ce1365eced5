//! Sessions of this back end: a container whose program is the agent.
//!
//! It is the same container that a run gets, and the agent is a program in it like any other: not its first process, so a
//! program of the session that kills everything kills the agent too, which ends the session. Two things are asked for that a
//! run can do without: namespaces, because the loopback that ports lead to must be the session's own, and control groups,
//! because nobody samples the memory of a container that stays.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use super::cgroup::Cgroup;
use super::container::{Container, Kind};
use super::spec::{Fault, Start, Walls};
use super::{BACKEND, NativeSandbox, Plan, error, invalid, isolation};
use crate::sandbox::agent::{AGENT, Agent, AgentError};
use crate::sandbox::session::{AgentSession, Keep};
use crate::sandbox::{
    HOME_DIR, Interpreter, Job, Metrics, Network, Program, SandboxError, Session, SessionOptions, Stop,
};

/// Bytes of what the agent complains of.
const COMPLAINT_BYTES: usize = 4096;

/// The agent is one process more than the session was given.
const AGENT_PIDS: u32 = 1;

/// Opens a session.
pub(super) fn open(
    sandbox: &NativeSandbox,
    options: &SessionOptions,
    stop: &Stop,
) -> Result<Box<dyn Session>, SandboxError> {
    if sandbox.walls != Walls::Namespaces {
        let mend = "run vetrun where it may make namespaces, or use --sandbox docker";
        return Err(unavailable("a session needs a network namespace of its own, which cannot be made here", mend));
    }
    let interpreters = [Interpreter::Python, Interpreter::Node].map(|kind| sandbox.find(kind));
    let [python, node] = interpreters;
    let found: Vec<_> = std::iter::once(python?).chain(node.ok()).collect();
    let args = ["-I", "-S", "-B", "-c", AGENT, HOME_DIR].map(str::to_owned).to_vec();
    let mut limits = options.limits.clone();
    limits.pids = limits.pids.saturating_add(AGENT_PIDS);
    let job = Job {
        args,
        mounts: options.mounts.clone(),
        network: match options.network {
            // The agent itself listens for a gateway.
            Network::None | Network::Gateway(_) => Network::None,
            Network::Full => Network::Full,
        },
        ..Job::bare(Program::Interpreter(Interpreter::Python), limits)
    };
    let Plan { kind, mut start, lent, mounts, .. } =
        sandbox.plan(&job, &found).map_err(|action| error(invalid(action), "python3"))?;
    start.lent = lent;
    start.lent.binds.extend(mounts);
    let (container, agent) = started(sandbox, Kind { waiting: None, ..kind }, &start, stop)?;
    let created = container.created.as_ref();
    let landlock = created.is_some_and(|created| created.landlock);
    let isolation = isolation::of(sandbox.walls, container.cgroup(), &job.network, landlock);
    let id = format!("native-{}", container.init().map_or(0, |(init, _)| *init));
    let commands = found.iter().map(|found| (found.info.kind, found.info.path.clone())).collect();
    let path = start.env.remove("PATH").unwrap_or_default();
    let keep = Kept { container: Mutex::new(Some(container)), commands, path };
    Ok(Box::new(AgentSession::new(agent, Box::new(keep), id, isolation, options)?))
}

/// Creates the container, and waits until its agent speaks.
fn started(
    sandbox: &NativeSandbox,
    kind: Kind,
    start: &Start,
    stop: &Stop,
) -> Result<(Container, Arc<Agent>), SandboxError> {
    let fault = |fault: Fault| error(fault.into(), "python3");
    let mut container = Container::create(kind, &sandbox.nursery, None).map_err(fault)?;
    if container.cgroup().is_none() {
        let mend = "start vetrun as root or hand it control groups, or use --sandbox docker";
        return Err(unavailable("a session needs control groups, which hold its memory", mend));
    }
    let (stream, complaint) = container.start_attached(start).map_err(fault)?;
    container.until_created().map_err(|trouble| error(trouble, "python3"))?;
    match Agent::meet(stream, stop) {
        Ok(Some(agent)) => Ok((container, agent)),
        Ok(None) => Err(failed("open a session", AgentError::Refused("interrupted".to_owned()))),
        Err(AgentError::Lost) => {
            let said = AgentError::Refused(format!("it ended at once: {}", read(&complaint)));
            Err(failed("greet the session's agent", said))
        }
        Err(error) => Err(failed("greet the session's agent", error)),
    }
}

fn read(complaint: &OwnedFd) -> String {
    let mut said = vec![0; COMPLAINT_BYTES];
    // What cannot be read says nothing.
    let count = rustix::io::read(complaint, &mut said).unwrap_or(0);
    String::from_utf8_lossy(&said[..count]).trim().to_owned()
}

fn unavailable(reason: &str, mend: &str) -> SandboxError {
    SandboxError::Unavailable { backend: BACKEND, reason: reason.to_owned(), mend: mend.to_owned() }
}

fn failed(action: &str, source: AgentError) -> SandboxError {
    SandboxError::Failed { backend: BACKEND, action: action.to_owned(), source: source.into() }
}

/// The container of a session.
struct Kept {
    /// `None` once it has ended.
    container: Mutex<Option<Container>>,
    /// Where the interpreters are.
    commands: BTreeMap<Interpreter, String>,
    path: String,
}

impl Keep for Kept {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn command(&self, program: &Program, args: &[String]) -> Result<Vec<String>, SandboxError> {
        let name = match program {
            Program::Command(name) => name.clone(),
            Program::Interpreter(kind) => self.commands.get(kind).cloned().ok_or_else(|| SandboxError::NoProgram {
                backend: BACKEND,
                program: kind.command().to_owned(),
                mend: "install it on this host before the session is opened".to_owned(),
            })?,
        };
        Ok(std::iter::once(name).chain(args.iter().cloned()).collect())
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn stats(&self) -> Result<Metrics, SandboxError> {
        let container = self.container.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = container.as_ref().and_then(Container::cgroup).map(Cgroup::counters).unwrap_or_default();
        Ok(Metrics {
            cpu: counters.cpu,
            memory_peak_bytes: counters.memory_peak_bytes,
            pids_peak: counters.pids_peak,
            oom_kills: counters.oom_kills,
            sampled: counters.pids_peak.is_none(),
            ..Metrics::default()
        })
    }

    fn end(&self) -> Result<(), SandboxError> {
        drop(self.container.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }
}
