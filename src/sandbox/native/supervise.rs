//! Watching a run from outside: starts the launcher, reads what the program writes, keeps the limits that need a clock or
//! a counter, and tells how the run ended.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::cgroup::Cgroup;
use super::container::{CREATED_WITHIN, Container, Heard, KILLED_WITHIN, late, silent};
use super::sample::{self, Usage};
use super::spec::{Event, Fault, Start, Tried, Walls};
use super::streams::Capture;
use super::trace::Trace;
use super::wait::timespec;
use crate::sandbox::behaviour::SWITCHED_OFF;
use crate::sandbox::{Behaviour, Ended, Gateway, Metrics, Stop, Stream};

/// How often the stop flag is looked at.
const STOP_EVERY: Duration = Duration::from_millis(40);
/// How often memory is looked at where no control group does it.
const SAMPLE_EVERY: Duration = Duration::from_millis(5);
/// How often the number of processes is looked at where the kernel does not keep its peak.
const COUNT_EVERY: Duration = Duration::from_millis(10);
/// How often the program's folders are looked at where no file system limits them, at most.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many times as long as a look took the pause after it is, at least.
const LOOK_SHARE: u32 = 10;

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

/// A run while it is watched.
pub(super) struct Watch<'a> {
    container: &'a mut Container,
    /// Who serves the network, if anybody.
    gateway: Option<&'a dyn Gateway>,
    streams: [Capture; 2],
    begun: Instant,
    started: Option<Instant>,
    /// The program's real status and its own processor time, and when they arrived.
    ended: Option<(i32, Duration, Instant)>,
    /// Whether nothing is left of the program. The first process inside is then about to end, which takes the kernel a while.
    is_empty: bool,
    /// Why the run was killed from here, and when; the first reason stands.
    verdict: Option<(Ended, Instant)>,
    /// What serves the gateway; ends when it is dropped.
    service: Option<Box<dyn Send>>,
    /// Who watches what the program tries; else what the kernel said against it.
    trace: Result<Trace, Option<i32>>,
    landlock: bool,
    peak: Usage,
    sampled: Instant,
    /// `None` where the kernel counts everything.
    sample_every: Option<Duration>,
    /// When the program's folders are to be looked at next, where the kernel does not limit them.
    next_look: Option<Instant>,
}

impl<'a> Watch<'a> {
    /// Starts a program in `container` with `stdin` to read.
    pub(super) fn start(
        container: &'a mut Container,
        start: &Start,
        stdin: &[u8],
        gateway: Option<&'a dyn Gateway>,
    ) -> Result<Self, Trouble> {
        let outputs = container.start(start, stdin)?;
        let limit = container.kind.limits.stream_bytes;
        let sample_every = match container.cgroup() {
            None => Some(SAMPLE_EVERY),
            Some(group) => (!group.keeps_peak()).then_some(COUNT_EVERY),
        };
        let is_confined = container.kind.walls == Walls::Landlock;
        let mut watch = Watch {
            container,
            gateway,
            streams: outputs.map(|pipe| Capture::new(pipe, limit)),
            begun: Instant::now(),
            started: None,
            ended: None,
            is_empty: false,
            verdict: None,
            service: None,
            trace: Err(None),
            landlock: false,
            peak: Usage::default(),
            sampled: Instant::now(),
            sample_every,
            next_look: is_confined.then(Instant::now),
        };
        // Where it was created long ago.
        watch.begin()?;
        Ok(watch)
    }

    /// Watches the program to its end. When this returns, nothing that it started runs any more.
    pub(super) fn finish(mut self, stop: &Stop) -> Result<Seen, Trouble> {
        self.until_all_is_dead(stop)?;
        self.conclude()
    }

    /// Notes that the program runs, once everything holds.
    fn begin(&mut self) -> Result<(), Trouble> {
        let Some(created) = self.container.created.take() else { return Ok(()) };
        self.started = Some(Instant::now());
        self.landlock = created.landlock;
        self.trace = match created.trace {
            Ok(listener) => Ok(Trace::start(listener).tried("start to watch")?),
            Err(untraced) => Err(untraced),
        };
        if let (Some(listener), Some(gateway)) = (self.container.listener.take(), self.gateway) {
            self.service = Some(gateway.serve(listener.into()));
        }
        Ok(())
    }

    fn until_all_is_dead(&mut self, stop: &Stop) -> Result<(), Trouble> {
        loop {
            let dead = self.wait()?;
            self.read_events()?;
            self.streams.iter_mut().for_each(Capture::read);
            if dead || self.is_empty || self.container.control().is_none() {
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
        let init = self.container.init().map(|(_, pidfd)| PollFd::new(pidfd, PollFlags::IN));
        let has_init = init.is_some();
        fds.extend(init);
        fds.extend(self.container.control().map(|control| PollFd::new(control, PollFlags::IN)));
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
        let mut pause = self.sample_every.map_or(STOP_EVERY, |every| every.min(STOP_EVERY));
        if let Some(next) = self.next_look {
            pause = pause.min(next.saturating_duration_since(Instant::now()).max(SAMPLE_EVERY));
        }
        match self.deadline() {
            Some(deadline) if self.verdict.is_none() => pause.min(deadline.saturating_duration_since(Instant::now())),
            _ => pause,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.started.map(|started| started + self.container.kind.limits.wall)
    }

    fn read_events(&mut self) -> Result<(), Trouble> {
        loop {
            let heard = match self.container.hear() {
                // What was killed from here may have failed at anything.
                Err(Trouble::Fault(_)) if self.verdict.is_some() => continue,
                heard => heard?,
            };
            match heard {
                Heard::Nothing | Heard::Gone => return Ok(()),
                Heard::Created => self.begin()?,
                Heard::Event(Event::NoProgram(fault)) => return Err(Trouble::NoProgram(fault)),
                Heard::Event(Event::Ended { status, cpu_us, alone, .. }) => {
                    self.is_empty |= alone;
                    self.ended.get_or_insert((status, Duration::from_micros(cpu_us), Instant::now()));
                }
                Heard::Event(_) => return Err(Trouble::Fault(silent())),
            }
        }
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
            if self.begun.elapsed() > CREATED_WITHIN {
                return Err(Trouble::Fault(late()));
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
        } else if self.container.cgroup().is_none() && self.peak.memory_bytes > self.container.kind.limits.memory_bytes
        {
            Ended::OutOfMemory
        } else if self.is_overfull() {
            Ended::DiskLimit
        } else {
            return Ok(());
        };
        self.verdict = Some((verdict, Instant::now()));
        self.container.kill();
        Ok(())
    }

    /// Looks at the program's folders, where that is due. It takes the longer the more is in them, and has a small share of
    /// the time whatever that is.
    fn is_overfull(&mut self) -> bool {
        let now = Instant::now();
        if self.next_look.is_none_or(|next| now < next) {
            return false;
        }
        let is_overfull = self.container.is_overfull();
        self.next_look = Some(now + LOOK_EVERY.max(now.elapsed() * LOOK_SHARE));
        is_overfull
    }

    fn sample(&mut self) {
        if self.sample_every.is_none_or(|every| self.sampled.elapsed() < every) {
            return;
        }
        self.sampled = Instant::now();
        let now = match (self.container.cgroup(), self.container.init()) {
            (Some(cgroup), _) => Usage { memory_bytes: 0, threads: cgroup.pids_now().unwrap_or(0) },
            // A folder on the host's disk is no memory of the run.
            (None, Some((init, _))) if self.next_look.is_some() => sample::usage(*init, &[]),
            (None, Some((init, _))) => sample::usage(*init, &self.container.folders),
            (None, None) => return,
        };
        self.peak.memory_bytes = self.peak.memory_bytes.max(now.memory_bytes);
        self.peak.threads = self.peak.threads.max(now.threads);
    }

    /// Says how the run ended, from what was seen.
    fn conclude(mut self) -> Result<Seen, Trouble> {
        self.streams.iter_mut().for_each(Capture::drain);
        let counters = self.container.cgroup().map(Cgroup::counters).unwrap_or_default();
        let over = self.streams.iter().any(Capture::is_over);
        let (ended, at) = match (self.verdict, self.ended) {
            (None | Some((Ended::OutputLimit, _)), Some((_, _, at))) if over => (Ended::OutputLimit, at),
            // What was written since they were last looked at.
            (None, Some((_, _, at))) if self.container.is_overfull() => (Ended::DiskLimit, at),
            (Some((verdict, at)), _) => (verdict, at),
            (None, Some((status, _, at))) => (ended(status, counters.oom_kills), at),
            (None, None) => return Err(Trouble::Fault(silent())),
        };
        let mut folders = std::mem::take(&mut self.container.folders).into_iter();
        let (Some(out), Some(started)) = (folders.next(), self.started) else { return Err(Trouble::Fault(silent())) };
        let grouped = self.container.cgroup().is_some();
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
