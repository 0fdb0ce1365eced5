//! Watching a run from outside: starts the launcher, reads what the program writes, keeps the limits that need a clock or
//! a counter, and tells how the run ended.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::pipe::PipeFlags;
use rustix::process::Signal;

use super::cgroup::Cgroup;
use super::channel;
use super::sample::{self, Usage};
use super::spec::{Event, Fault, Spec};
use super::streams::Capture;
use super::trace::Trace;
use super::zygote::{Forked, Nursery};
use crate::sandbox::behaviour::SWITCHED_OFF;
use crate::sandbox::{Behaviour, Ended, Gateway, Limits, Metrics, Stop, Stream};

/// How often the stop flag is looked at.
const STOP_EVERY: Duration = Duration::from_millis(40);
/// How often memory is looked at where no control group does it.
const SAMPLE_EVERY: Duration = Duration::from_millis(5);
/// How often the number of processes is looked at where the kernel does not keep its peak.
const COUNT_EVERY: Duration = Duration::from_millis(10);
/// How long a run may take to be set up.
const SETUP_WITHIN: Duration = Duration::from_secs(20);
/// How long everything may take to be gone once it was killed.
const KILLED_WITHIN: Duration = Duration::from_secs(20);

/// What was seen of a run.
#[derive(Debug)]
pub(super) struct Seen {
    /// How it ended.
    pub(super) ended: Ended,
    /// Standard output and standard error.
    pub(super) streams: [Stream; 2],
    /// What it used.
    pub(super) metrics: Metrics,
    /// What it tried.
    pub(super) behaviour: Behaviour,
    /// Whether Landlock held.
    pub(super) landlock: bool,
    /// The output folder, which outlives the run for as long as this is open.
    pub(super) out: OwnedFd,
}

/// Why a run could not be watched to its end.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A step failed, here or in the launcher.
    Fault(Fault),
    /// The program cannot be executed.
    NoProgram(Fault),
    /// The stop flag was raised before the program started.
    Interrupted,
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a run needs beside its spec.
pub(super) struct Request<'a> {
    /// The program that becomes the launcher.
    pub(super) launcher: &'a Path,
    /// Where launchers come from.
    pub(super) nursery: &'a Nursery,
    /// Makes the spec, given the launcher's process number, from which the ids of the run come.
    pub(super) spec: &'a dyn Fn(u32) -> Result<Spec, Fault>,
    /// What the program reads.
    pub(super) stdin: &'a [u8],
    /// The limits that are kept here.
    pub(super) limits: &'a Limits,
    /// Who serves the network, if anybody.
    pub(super) gateway: Option<&'a dyn Gateway>,
    /// The control groups, where there are any.
    pub(super) cgroup: Option<&'a Cgroup>,
}

/// Runs a job and watches it to its end. When this returns, nothing of the run is left but the output folder.
pub(super) fn run(request: &Request<'_>, stop: &Stop) -> Result<Seen, Trouble> {
    let (control, theirs) = step("make a socket", channel::pair())?;
    let (out_pipe, out_end) = pipe()?;
    let (err_pipe, err_end) = pipe()?;
    let mut launcher = Launcher { forked: request.nursery.fork(request.launcher, &theirs)?, init: None };
    drop(theirs);
    let spec = (request.spec)(launcher.forked.pid)?;
    let given = Given { spec, ends: [out_end, err_end] };
    give(&control, given, request)?;
    let limit = request.limits.stream_bytes;
    let mut watch = Watch {
        request,
        control: Some(control),
        streams: [Capture::new(out_pipe, limit), Capture::new(err_pipe, limit)],
        launcher: &mut launcher,
        begun: Instant::now(),
        started: None,
        ended: None,
        verdict: None,
        landlock: false,
        folders: Vec::new(),
        service: None,
        trace: Err(None),
        peak: Usage::default(),
        sampled: Instant::now(),
        sample_every: match request.cgroup {
            None => Some(SAMPLE_EVERY),
            Some(group) => (!group.keeps_peak()).then_some(COUNT_EVERY),
        },
    };
    watch.until_all_is_dead(stop)?;
    watch.conclude()
}

struct Given {
    spec: Spec,
    ends: [OwnedFd; 2],
}

/// Sends the job to the launcher; afterwards nobody here holds the program's ends of its streams.
fn give(control: &OwnedFd, given: Given, request: &Request<'_>) -> Result<(), Fault> {
    let spec = step("write the job", serde_json::to_vec(&given.spec).map_err(std::io::Error::from))?;
    let spec = step("write the job", channel::sealed("job", &spec))?;
    let stdin = step("write standard input", channel::sealed("stdin", request.stdin))?;
    let entrances =
        step("open the control groups", request.cgroup.map(Cgroup::entrances).transpose())?.unwrap_or_default();
    let mut fds = vec![spec.as_fd(), stdin.as_fd(), given.ends[0].as_fd(), given.ends[1].as_fd()];
    fds.extend(entrances.iter().map(AsFd::as_fd));
    step("give the launcher its job", channel::send(control, &(), &fds))
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Fault> {
    let (read, write) = step("make a pipe", rustix::pipe::pipe_with(PipeFlags::CLOEXEC))?;
    // Only this side: the program's end blocks as programs expect.
    step("make a pipe", rustix::io::ioctl_fionbio(&read, true))?;
    Ok((read, write))
}

fn step<T, E: Into<std::io::Error>>(action: &str, result: Result<T, E>) -> Result<T, Fault> {
    result.map_err(|error| Fault::new(action, error))
}

/// The launcher, and the first process inside once it is known. Dropping it kills both, and with them everything, and
/// waits until they are gone.
#[derive(Debug)]
struct Launcher {
    forked: Forked,
    init: Option<(i32, OwnedFd)>,
}

impl Launcher {
    /// Kills the first process inside, and with it all others; before it is known, the launcher.
    fn kill(&mut self) {
        match &self.init {
            Some((_, pidfd)) => drop(rustix::process::pidfd_send_signal(pidfd, Signal::KILL)),
            None => drop(rustix::process::pidfd_send_signal(&self.forked.pidfd, Signal::KILL)),
        }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        if let Some((_, pidfd)) = &self.init {
            let _ = rustix::process::pidfd_send_signal(pidfd, Signal::KILL);
            // It ends after all others in its namespace have.
            let _ = wait_readable(pidfd, KILLED_WITHIN);
        }
        let _ = rustix::process::pidfd_send_signal(&self.forked.pidfd, Signal::KILL);
        let _ = wait_readable(&self.forked.pidfd, KILLED_WITHIN);
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}

fn wait_readable(fd: &OwnedFd, within: Duration) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, Some(&timespec(within)))).is_ok_and(|count| count > 0)
}

/// A run while it is watched.
struct Watch<'a> {
    request: &'a Request<'a>,
    /// `None` once the other side is gone.
    control: Option<OwnedFd>,
    streams: [Capture; 2],
    launcher: &'a mut Launcher,
    begun: Instant,
    started: Option<Instant>,
    /// The program's real status and its own processor time, and when they arrived.
    ended: Option<(i32, Duration, Instant)>,
    /// Why the run was killed from here, and when; the first reason stands.
    verdict: Option<(Ended, Instant)>,
    landlock: bool,
    /// `/out`, `/tmp`, `/dev/shm`.
    folders: Vec<OwnedFd>,
    /// What serves the gateway; ends when it is dropped.
    service: Option<Box<dyn Send>>,
    /// Who watches what the program tries; else what the kernel said against it.
    trace: Result<Trace, Option<i32>>,
    peak: Usage,
    sampled: Instant,
    /// `None` where the kernel counts everything.
    sample_every: Option<Duration>,
}

impl Watch<'_> {
    fn until_all_is_dead(&mut self, stop: &Stop) -> Result<(), Trouble> {
        loop {
            let dead = self.wait()?;
            self.read_events()?;
            self.streams.iter_mut().for_each(Capture::read);
            if dead || self.control.is_none() {
                // What was said last was said before the death.
                self.read_events()?;
                return Ok(());
            }
            self.judge(stop)?;
        }
    }

    /// Waits for the next thing to happen. Whether everything inside is dead.
    fn wait(&self) -> Result<bool, Fault> {
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(4);
        let init = self.launcher.init.as_ref().map(|(_, pidfd)| PollFd::new(pidfd, PollFlags::IN));
        let has_init = init.is_some();
        fds.extend(init);
        fds.extend(self.control.as_ref().map(|control| PollFd::new(control, PollFlags::IN)));
        fds.extend(
            self.streams.iter().filter_map(Capture::pipe).map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)),
        );
        let timeout = timespec(self.pause());
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Fault::new("wait for the run", error)),
        }
        Ok(has_init && !fds[0].revents().is_empty())
    }

    /// How long nothing needs to be looked at.
    fn pause(&self) -> Duration {
        let pause = self.sample_every.map_or(STOP_EVERY, |every| every.min(STOP_EVERY));
        match self.deadline() {
            Some(deadline) if self.verdict.is_none() => pause.min(deadline.saturating_duration_since(Instant::now())),
            _ => pause,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.started.map(|started| started + self.request.limits.wall)
    }

    fn read_events(&mut self) -> Result<(), Trouble> {
        while let Some(control) = &self.control {
            let ready = PollFd::new(control, PollFlags::IN);
            let mut fds = [ready];
            step("wait for the launcher", rustix::event::poll(&mut fds, Some(&timespec(Duration::ZERO))))?;
            if fds[0].revents().is_empty() {
                return Ok(());
            }
            match step("hear the launcher", channel::receive::<Event>(control, false))? {
                Some((event, fds)) => self.hear(event, fds)?,
                None => self.control = None,
            }
        }
        Ok(())
    }

    fn hear(&mut self, event: Event, mut fds: Vec<OwnedFd>) -> Result<(), Trouble> {
        match event {
            Event::Ready { init } if fds.len() >= 4 => {
                let listener = fds.get(4).map(OwnedFd::try_clone).transpose();
                let listener = step("take the gateway's socket", listener)?;
                fds.truncate(4);
                self.launcher.init = Some((init, fds.remove(0)));
                self.folders = fds;
                if let (Some(listener), Some(gateway)) = (listener, self.request.gateway) {
                    self.service = Some(gateway.serve(listener.into()));
                }
            }
            Event::Ready { .. } => return Err(Trouble::Fault(silent())),
            Event::Started { landlock, untraced } => {
                self.landlock = landlock;
                self.started = Some(Instant::now());
                self.trace = match fds.pop() {
                    Some(listener) => Ok(step("start to watch", Trace::start(listener))?),
                    None => Err(untraced),
                };
            }
            Event::Failed(fault) => return Err(Trouble::Fault(fault)),
            Event::NoProgram(fault) => return Err(Trouble::NoProgram(fault)),
            Event::Ended { status, cpu_us, .. } => {
                self.ended.get_or_insert((status, Duration::from_micros(cpu_us), Instant::now()));
            }
        }
        Ok(())
    }

    /// Looks at the limits that are kept here, and kills the run when one is passed. Once the program has ended by itself
    /// nothing is judged any more: what it left behind dies anyhow.
    fn judge(&mut self, stop: &Stop) -> Result<(), Trouble> {
        if let Some((_, since)) = self.verdict {
            if since.elapsed() > KILLED_WITHIN {
                return Err(Trouble::Fault(Fault { action: "kill the run".to_owned(), errno: libc::ETIMEDOUT }));
            }
            return Ok(());
        }
        let Some(deadline) = self.deadline() else {
            if stop.is_raised() {
                return Err(Trouble::Interrupted);
            }
            if self.begun.elapsed() > SETUP_WITHIN {
                return Err(Trouble::Fault(Fault { action: "set up the run".to_owned(), errno: libc::ETIMEDOUT }));
            }
            return Ok(());
        };
        self.sample();
        let verdict = if self.streams.iter().any(Capture::is_over) {
            Ended::OutputLimit
        } else if self.ended.is_some() {
            return Ok(());
        } else if stop.is_raised() {
            Ended::Interrupted
        } else if Instant::now() >= deadline {
            Ended::TimedOut
        } else if self.request.cgroup.is_none() && self.peak.memory_bytes > self.request.limits.memory_bytes {
            Ended::OutOfMemory
        } else {
            return Ok(());
        };
        self.verdict = Some((verdict, Instant::now()));
        self.launcher.kill();
        Ok(())
    }

    fn sample(&mut self) {
        if self.sample_every.is_none_or(|every| self.sampled.elapsed() < every) {
            return;
        }
        self.sampled = Instant::now();
        let now = match (self.request.cgroup, &self.launcher.init) {
            (Some(cgroup), _) => Usage { memory_bytes: 0, threads: cgroup.pids_now().unwrap_or(0) },
            (None, Some((init, _))) => sample::usage(*init, &self.folders),
            (None, None) => return,
        };
        self.peak.memory_bytes = self.peak.memory_bytes.max(now.memory_bytes);
        self.peak.threads = self.peak.threads.max(now.threads);
    }

    /// Says how the run ended, from what was seen.
    fn conclude(mut self) -> Result<Seen, Trouble> {
        self.streams.iter_mut().for_each(Capture::drain);
        let counters = self.request.cgroup.map(Cgroup::counters).unwrap_or_default();
        let over = self.streams.iter().any(Capture::is_over);
        let (ended, at) = match (self.verdict, self.ended) {
            (None | Some((Ended::OutputLimit, _)), Some((_, _, at))) if over => (Ended::OutputLimit, at),
            (Some((verdict, at)), _) => (verdict, at),
            (None, Some((status, _, at))) => (ended(status, counters.oom_kills), at),
            (None, None) => return Err(Trouble::Fault(silent())),
        };
        let mut folders = std::mem::take(&mut self.folders).into_iter();
        let (Some(out), Some(started)) = (folders.next(), self.started) else { return Err(Trouble::Fault(silent())) };
        let grouped = self.request.cgroup.is_some();
        let own_cpu = self.ended.map(|(_, cpu, _)| cpu);
        let metrics = Metrics {
            wall: at.saturating_duration_since(started),
            cpu: counters.cpu.or(own_cpu),
            memory_peak_bytes: if grouped { counters.memory_peak_bytes } else { Some(self.peak.memory_bytes) },
            pids_peak: counters.pids_peak.or(Some(self.peak.threads.max(1))),
            oom_kills: counters.oom_kills,
            sampled: !grouped || counters.pids_peak.is_none(),
        };
        drop(self.service.take());
        let streams = self.streams.map(Capture::finish);
        let behaviour = self.trace.map_or_else(untraced, Trace::finish);
        Ok(Seen { ended, streams, metrics, behaviour, landlock: self.landlock, out })
    }
}

/// The behaviour of a run that is not watched, from what the kernel said against it.
fn untraced(errno: Option<i32>) -> Behaviour {
    match errno {
        None => Behaviour::untraced(SWITCHED_OFF),
        Some(libc::EBUSY) => Behaviour::untraced("somebody listens to the system calls of vetrun itself"),
        Some(errno) => {
            let said = std::io::Error::from_raw_os_error(errno);
            Behaviour::untraced(&format!("this kernel cannot tell of refused system calls: {said}"))
        }
    }
}

/// The launcher, or the first process inside, ended and did not say why: something else killed it.
fn silent() -> Fault {
    Fault {
        action: "learn how the run ended, because its launcher was killed from outside".to_owned(),
        errno: libc::ECHILD,
    }
}

/// The end that a real wait status stands for. A program that was killed while the kernel counted a kill for memory died
/// of that; any other SIGKILL came from the program itself.
fn ended(status: i32, oom_kills: Option<u64>) -> Ended {
    if libc::WIFEXITED(status) {
        return Ended::Exited(libc::WEXITSTATUS(status));
    }
    match libc::WTERMSIG(status) {
        libc::SIGKILL if oom_kills.unwrap_or(0) > 0 => Ended::OutOfMemory,
        signal => Ended::Signaled(signal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_rests_on_status_and_counter_together() {
        let cases = [
            (137 << 8, Some(0), Ended::Exited(137)),
            (137 << 8, Some(3), Ended::Exited(137)),
            (9, Some(0), Ended::Signaled(9)),
            (9, Some(1), Ended::OutOfMemory),
            (9, None, Ended::Signaled(9)),
            (11, Some(1), Ended::Signaled(11)),
            (0, Some(1), Ended::Exited(0)),
        ];
        for (status, kills, expected) in cases {
            assert_eq!(ended(status, kills), expected, "{status} {kills:?}");
        }
    }
}
