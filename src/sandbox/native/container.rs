//! A run that is created and not yet started: everything made, every restriction in force, and nothing executed.
//!
//! Most of what a run takes is the kernel's time for its namespaces, mounts and control groups, and none of it depends on
//! what will be executed. So a container can be created ahead (`spares.rs`), by its own launcher and while something else
//! runs. It is used once, as one that is created when it is needed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::pipe::PipeFlags;
use rustix::process::Signal;
use serde::Serialize;

use super::cgroup::Cgroup;
use super::grounds::Grounds;
use super::launcher::IDLE_WITHIN;
use super::spec::{Create, Entrances, Event, Fault, Ids, Lent, Net, Part, Start, Tried, Walls};
use super::supervise::Trouble;
use super::wait::is_readable;
use super::zygote::{Forked, Nursery};
use super::{caps, channel, layout, net, owner};
use crate::sandbox::Limits;

/// How long everything may take to be gone once it was killed.
pub(super) const KILLED_WITHIN: Duration = Duration::from_secs(20);
/// How long a container may take to be created.
pub(super) const CREATED_WITHIN: Duration = Duration::from_secs(20);
/// How long a spare can be used: well before its launcher gives up.
const SPARE_WITHIN: Duration = Duration::from_secs(IDLE_WITHIN.as_secs() / 2);

/// What a container has to be like for a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kind {
    /// What it may use.
    pub(super) limits: Limits,
    /// What it may reach.
    pub(super) net: Net,
    /// Whether packages of the host can be seen.
    pub(super) host_packages: bool,
    /// Whether refused calls are told of.
    pub(super) trace: bool,
    /// What keeps the program in.
    pub(super) walls: Walls,
    /// The interpreter that is started in it and waits for a job, where one is.
    pub(super) waiting: Option<Waiting>,
}

/// An interpreter that waits for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// How it is started. Nothing is lent by this.
    pub(super) start: Start,
    /// What it can see beside what every run can see.
    pub(super) lent: Lent,
}

/// The other ends of what a program has as standard input, output and error.
#[derive(Debug)]
pub(super) struct Ends {
    /// A file in memory, to be filled.
    pub(super) stdin: OwnedFd,
    /// Pipes to read from, without waiting.
    pub(super) outputs: [OwnedFd; 2],
}

impl Ends {
    /// Those of a program with these `ids`, and the program's own of the pipes.
    pub(super) fn make(ids: Ids) -> Result<(Self, [OwnedFd; 2]), Fault> {
        let stdin = channel::empty("stdin").tried("make standard input")?;
        let ((out, out_end), (err, err_end)) = (pipe(ids)?, pipe(ids)?);
        Ok((Self { stdin, outputs: [out, err] }, [out_end, err_end]))
    }
}

/// A container. Dropping it kills what is in it, waits until that is gone, and removes the control groups.
#[derive(Debug)]
pub(super) struct Container {
    /// What it is like.
    pub(super) kind: Kind,
    /// `None` once the other side is gone.
    control: Option<OwnedFd>,
    launcher: Launcher,
    /// After the launcher: a group is removed when nobody is in it.
    cgroup: Option<Cgroup>,
    /// After the launcher too. Without namespaces alone.
    grounds: Option<Box<Grounds>>,
    ids: Ids,
    since: Instant,
    /// Those of the interpreter that waits in it.
    ends: Option<Ends>,
    /// `/out`, `/tmp`, `/dev/shm`, once they are there.
    pub(super) folders: Vec<OwnedFd>,
    /// The socket that listens inside, for a gateway.
    pub(super) listener: Option<OwnedFd>,
    /// The network namespace, where another run could use it.
    network: Option<OwnedFd>,
    /// What holds, once everything does.
    pub(super) created: Option<Created>,
}

/// What a container said when it was created.
#[derive(Debug)]
pub(super) struct Created {
    /// Whether Landlock holds.
    pub(super) landlock: bool,
    /// Who stops the calls that are told of; else what the kernel said against it.
    pub(super) trace: Result<OwnedFd, Option<i32>>,
}

/// What was heard from inside.
pub(super) enum Heard {
    /// Nothing more at the moment.
    Nothing,
    /// The container is created.
    Created,
    /// Nobody is there any more.
    Gone,
    /// Something that tells of the program.
    Event(Event),
}

impl Container {
    /// Begins to create a container. It goes on by itself; what it says is to be heard with [`Container::hear`]. A `network`
    /// is one that was used by nobody; it is taken where the kind has one of its own.
    pub(super) fn create(kind: Kind, nursery: &Nursery, network: Option<OwnedFd>) -> Result<Self, Fault> {
        let (control, theirs) = channel::pair().tried("make a socket")?;
        let network = network.filter(|_| kind.net == Net::None);
        let cgroup = Cgroup::create(&kind.limits);
        let template = nursery.template(&kind, cgroup.is_some());
        let forked = nursery.fork(&theirs)?;
        drop(theirs);
        let launcher = Launcher { forked, init: None, walls: kind.walls };
        let ids = owner::ids(launcher.forked.pid)?;
        let listener = (kind.walls == Walls::Landlock && kind.net == Net::Gateway).then(net::bind).transpose()?;
        let port = listener.as_ref().map(net::port).transpose()?;
        let grounds = (kind.walls == Walls::Landlock).then(|| Grounds::make(ids, port)).transpose()?.map(Box::new);
        let create = Create {
            grounds: grounds.as_deref().map(Grounds::writable),
            has_network: network.is_some(),
            cgroups: cgroup.as_ref().map_or(Entrances::Files(0), Cgroup::entrances),
            ..create_of(&kind, cgroup.is_some(), ids, part(&kind, template.is_some()))
        };
        let entrances = cgroup.as_ref().map(Cgroup::open_entrances).transpose().tried("open the control groups")?;
        let fds: Vec<_> = network.iter().chain(&template).chain(entrances.iter().flatten()).map(AsFd::as_fd).collect();
        tell(&control, "create", &create, &fds)?;
        let mut container = Self {
            kind,
            control: Some(control),
            launcher,
            cgroup,
            grounds,
            ids,
            since: Instant::now(),
            ends: None,
            folders: Vec::new(),
            listener: listener.map(OwnedFd::from),
            network: None,
            created: None,
        };
        if let Some(Waiting { start, .. }) = &container.kind.waiting {
            container.ends = Some(container.begin(start, None)?);
        }
        Ok(container)
    }

    /// Lets `start` be executed, once the container is created: by the interpreter that waits in it, where one does, else as
    /// a program of its own. What it writes is to be read from the pipes.
    pub(super) fn start(&mut self, start: &Start, stdin: &[u8]) -> Result<[OwnedFd; 2], Fault> {
        let Some(ends) = self.ends.take() else { return Ok(self.begin(start, Some(stdin))?.outputs) };
        channel::fill(&ends.stdin, stdin).tried("write standard input")?;
        self.tell(start, &[])?;
        Ok(ends.outputs)
    }

    /// Lets a program be executed. Its input is whole before it can read any of it; where `stdin` is not known yet, it is an
    /// interpreter that reads nothing before it is told to.
    fn begin(&self, start: &Start, stdin: Option<&[u8]>) -> Result<Ends, Fault> {
        let (ends, [out, err]) = Ends::make(self.ids)?;
        if let Some(stdin) = stdin {
            channel::fill(&ends.stdin, stdin).tried("write standard input")?;
        }
        self.tell(start, &[ends.stdin.as_fd(), out.as_fd(), err.as_fd()])?;
        Ok(ends)
    }

    /// Lets a program be executed whose standard input and output are one socket; its other end, and a pipe to read what it
    /// writes on standard error, without waiting.
    pub(super) fn start_attached(&self, start: &Start) -> Result<(UnixStream, OwnedFd), Fault> {
        let (ours, theirs) = UnixStream::pair().tried("make a socket")?;
        let (err, err_end) = pipe(self.ids)?;
        self.tell(start, &[theirs.as_fd(), theirs.as_fd(), err_end.as_fd()])?;
        Ok((ours, err))
    }

    fn tell(&self, start: &Start, streams: &[BorrowedFd<'_>]) -> Result<(), Fault> {
        tell(self.control.as_ref().ok_or_else(silent)?, "start", start, streams)
    }

    /// What came next, without waiting.
    pub(super) fn hear(&mut self) -> Result<Heard, Trouble> {
        let Some(control) = &self.control else { return Ok(Heard::Gone) };
        if !is_readable(control, Duration::ZERO) {
            return Ok(Heard::Nothing);
        }
        let Some((event, mut fds)) = channel::receive::<Event>(control, false).tried("hear the launcher")? else {
            self.control = None;
            return Ok(Heard::Gone);
        };
        match event {
            Event::Ready { init } if self.grounds.is_some() && fds.len() == 1 => {
                self.launcher.init = Some((init, fds.remove(0)));
                self.launcher.check_reach()?;
                self.folders = self.grounds.iter().map(|grounds| grounds.out()).collect::<Result<_, _>>()?;
                self.hear()
            }
            Event::Ready { init } if fds.len() >= 4 => {
                match (fds.drain(4..).next(), self.kind.net) {
                    (listener, Net::Gateway) => self.listener = listener,
                    (network, _) => self.network = network,
                }
                self.launcher.init = Some((init, fds.remove(0)));
                self.folders = fds;
                self.hear()
            }
            Event::Ready { .. } => Err(Trouble::Fault(silent())),
            Event::Created { landlock, untraced } => {
                self.created = Some(Created { landlock, trace: fds.pop().ok_or(untraced) });
                Ok(Heard::Created)
            }
            Event::Failed(fault) => Err(Trouble::Fault(fault)),
            event => Ok(Heard::Event(event)),
        }
    }

    /// Waits until the container is created.
    pub(super) fn until_created(&mut self) -> Result<(), Trouble> {
        while self.created.is_none() {
            match self.hear()? {
                Heard::Created => {}
                Heard::Gone | Heard::Event(_) => return Err(Trouble::Fault(silent())),
                Heard::Nothing => {
                    let left = CREATED_WITHIN.saturating_sub(self.since.elapsed());
                    if !self.control.as_ref().is_some_and(|control| is_readable(control, left)) {
                        return Err(Trouble::Fault(late()));
                    }
                }
            }
        }
        Ok(())
    }

    /// The socket to what is inside; `None` once nobody is there any more.
    pub(super) fn control(&self) -> Option<&OwnedFd> {
        self.control.as_ref()
    }

    /// The control groups, where there are any.
    pub(super) fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_ref()
    }

    /// Its folders on the host, where it has no namespaces.
    pub(super) fn grounds(&mut self) -> Option<&mut Grounds> {
        self.grounds.as_deref_mut()
    }

    /// Whether the program wrote more than it may, as far as that is for vetrun to see.
    pub(super) fn is_overfull(&self) -> bool {
        self.grounds.as_ref().is_some_and(|grounds| grounds.is_over(&self.kind.limits))
    }

    /// The first process inside: its number on the host, and what is readable once it has ended.
    pub(super) fn init(&self) -> Option<&(i32, OwnedFd)> {
        self.launcher.init.as_ref()
    }

    /// Kills everything inside.
    pub(super) fn kill(&self) {
        self.launcher.kill();
    }

    /// Ends it; its network namespace, if another run could use that.
    pub(super) fn end(mut self) -> Option<OwnedFd> {
        self.network.take()
    }

    /// Whether it can still be started.
    pub(super) fn is_usable(&self) -> bool {
        self.since.elapsed() < SPARE_WITHIN && !is_readable(&self.launcher.forked.pidfd, Duration::ZERO)
    }
}

/// The launcher, and the first process inside once it is known. Dropping it kills both, and with them everything, and
/// waits until they are gone.
#[derive(Debug)]
struct Launcher {
    forked: Forked,
    init: Option<(i32, OwnedFd)>,
    walls: Walls,
}

impl Launcher {
    /// Kills the first process inside, and with it all others; before it is known, the launcher. Without namespaces the
    /// launcher is told to do it.
    fn kill(&self) {
        let signal = if self.walls == Walls::Landlock { Signal::TERM } else { Signal::KILL };
        match &self.init {
            Some((_, pidfd)) => drop(rustix::process::pidfd_send_signal(pidfd, signal)),
            None => drop(rustix::process::pidfd_send_signal(&self.forked.pidfd, Signal::KILL)),
        }
    }

    /// Fails when it could not be told to end the run.
    fn check_reach(&self) -> Result<(), Fault> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.forked.pid).unwrap_or(0));
        let pid = pid.ok_or_else(silent)?;
        match rustix::process::test_kill_process(pid) {
            // What it ran may be over already.
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(Fault::new("signal a process of another user (this needs CAP_KILL)", error)),
        }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        if let Some((_, pidfd)) = &self.init {
            self.kill();
            // It ends after all others in its namespace have.
            is_readable(pidfd, KILLED_WITHIN);
        }
        let _ = rustix::process::pidfd_send_signal(&self.forked.pidfd, Signal::KILL);
        is_readable(&self.forked.pidfd, KILLED_WITHIN);
    }
}

/// What a launcher is told first for this kind, of which nothing of the host is used but what is lent: control groups, where
/// the kind is `grouped`, and a network come along by themselves.
pub(super) fn create_of(kind: &Kind, grouped: bool, ids: Ids, part: Part) -> Create {
    Create {
        ids,
        grounds: None,
        view: layout::view_of(kind),
        net: kind.net,
        has_network: false,
        caps: caps(&kind.limits, grouped, kind.walls, ids),
        cgroups: Entrances::Files(0),
        trace: kind.trace,
        part,
    }
}

/// Gives a launcher a job, in a file of that name, with descriptors.
pub(super) fn tell(control: &OwnedFd, name: &str, job: &impl Serialize, fds: &[BorrowedFd<'_>]) -> Result<(), Fault> {
    let file = channel::sealed(name, job).tried("write the job")?;
    let fds: Vec<_> = std::iter::once(file.as_fd()).chain(fds.iter().copied()).collect();
    channel::send(control, &(), &fds).tried("give the launcher its job")
}

/// What a launcher makes of this kind, with or without a template.
fn part(kind: &Kind, has_template: bool) -> Part {
    match &kind.waiting {
        Some(Waiting { start, .. }) if has_template => Part::Forked { interpreter: start.argv[0].clone() },
        _ => Part::Executed,
    }
}

/// A pipe for a program with these `ids` to write to. It is made the owner of its end, so that it can open it by name
/// (`/dev/stdout`), as programs do.
fn pipe(ids: Ids) -> Result<(OwnedFd, OwnedFd), Fault> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).tried("make a pipe")?;
    // Only this side: the program's end blocks as programs expect.
    rustix::io::ioctl_fionbio(&read, true).tried("make a pipe")?;
    if let Ids::Root { base } = ids {
        let (user, group) = (rustix::process::Uid::from_raw(base), rustix::process::Gid::from_raw(base));
        rustix::fs::fchown(&write, Some(user), Some(group)).tried("give the streams away")?;
    }
    Ok((read, write))
}

/// The launcher, or the first process inside, ended and did not say why: something else killed it.
pub(super) fn silent() -> Fault {
    Fault {
        action: "learn how the run ended, because its launcher was killed from outside".to_owned(),
        errno: libc::ECHILD,
    }
}

/// The container took too long.
pub(super) fn late() -> Fault {
    Fault { action: "set up the run".to_owned(), errno: libc::ETIMEDOUT }
}
