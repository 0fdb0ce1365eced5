//! A Python that is started once, of which the interpreters of runs are forks.
//!
//! To start an interpreter takes longer than all else of a short run. A template has done that, in a root folder like that of
//! the runs that it is for, and has been told nothing: neither a script nor anything else of a run was ever near it. Whenever a
//! container wants an interpreter, its launcher asks the template for a fork, which enters the namespaces of that container,
//! gives up its rights there ([`steps`]), and waits for its script, the only one that it will run. It becomes a child of the
//! container's first process, because the process between them ends at once.
//!
//! It may enter what others made, so it is root's, holds the capabilities that this takes and no others, and has a network
//! namespace with nothing in it. What its forks have in common beside their code: where it lies in memory, and the secret that
//! strings are hashed with.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rustix::io::FdFlags;
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

use super::container::{CREATED_WITHIN, Ends, Kind, Waiting, late, silent};
use super::launcher::{Given, wait_for_start};
use super::spec::{Entrances, Fault, Part, Start, Tried, Walls};
use super::wait::is_readable;
use super::zygote::{Forked, Nursery};
use super::{channel, container, ids, owner, root, steps, target};
use crate::sandbox::locked;

/// What a template runs.
const TEMPLATE: &str = concat!(include_str!("waiting.py"), include_str!("template.py"));
/// What it takes to enter the namespaces of another user's process. Who has entered its user namespace has every right there.
const RIGHTS: CapabilitySet =
    CapabilitySet::SYS_ADMIN.union(CapabilitySet::SYS_CHROOT).union(CapabilitySet::SYS_PTRACE);

/// The template that was asked for last.
#[derive(Debug, Default)]
pub(super) struct Templates(Mutex<Option<Box<Known>>>);

#[derive(Debug)]
struct Known {
    kind: Kind,
    grouped: bool,
    /// `None` where there cannot be one.
    template: Option<Template>,
}

/// A template. It is killed when this is dropped.
#[derive(Debug)]
struct Template {
    ask: OwnedFd,
    process: Forked,
    /// What it complains of is not read, but it could not complain if nobody could.
    _ends: Ends,
}

impl Templates {
    /// The socket by which forks for containers of this kind are asked for, `grouped` where they have control groups. `None`
    /// where an interpreter has to be started for each. What takes the time of a start comes first: the template's own.
    pub(super) fn socket(&self, kind: &Kind, grouped: bool, nursery: &Nursery) -> Option<OwnedFd> {
        let waiting = kind.waiting.as_ref()?;
        // What the host's packages do when an interpreter starts is not for root to run.
        if !owner::is_root() || kind.walls != Walls::Namespaces || kind.host_packages {
            return None;
        }
        let mut known = locked(&self.0);
        let is_known = known.as_ref().is_some_and(|known| {
            known.kind == *kind && known.grouped == grouped && known.template.as_ref().is_none_or(Template::lives)
        });
        if !is_known {
            let template = Template::start(kind, waiting, grouped, nursery).ok();
            *known = Some(Box::new(Known { kind: kind.clone(), grouped, template }));
        }
        known.as_ref()?.template.as_ref()?.ask.try_clone().ok()
    }

    /// Whether one lives whose forks are for containers of this kind.
    pub(super) fn has(&self, kind: &Kind) -> bool {
        // Who starts one holds the lock until it can be asked.
        let Ok(known) = self.0.try_lock() else { return false };
        let known = known.as_ref().filter(|known| known.kind == *kind);
        known.and_then(|known| known.template.as_ref()).is_some_and(Template::lives)
    }
}

impl Template {
    /// Starts one, and waits until it can be asked.
    fn start(kind: &Kind, waiting: &Waiting, grouped: bool, nursery: &Nursery) -> Result<Self, Fault> {
        let (control, theirs) = channel::pair().tried("make a socket")?;
        let (ask, asked) = channel::pair().tried("make a socket")?;
        let process = nursery.fork(&theirs)?;
        drop(theirs);
        let ids = owner::ids(process.pid)?;
        container::tell(&control, "create", &container::create_of(kind, grouped, ids, Part::Template), &[])?;
        let mut start = Start { waits: false, ..waiting.start.clone() };
        start.argv.truncate(1);
        start.argv.extend(["-c", TEMPLATE].map(str::to_owned));
        // Streams like those that its forks get in their place: an interpreter looks at them when it starts.
        let (ends, [out, err]) = Ends::make(ids)?;
        container::tell(&control, "start", &start, &[ends.stdin.as_fd(), out.as_fd(), err.as_fd(), asked.as_fd()])?;
        drop((asked, out, err));
        if !is_readable(&ask, CREATED_WITHIN) {
            return Err(late());
        }
        let ready = channel::receive::<()>(&ask, false).tried("start a template")?;
        ready.map(|_| Self { ask, process, _ends: ends }).ok_or_else(silent)
    }

    fn lives(&self) -> bool {
        !is_readable(&self.process.pidfd, Duration::ZERO)
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        let _ = rustix::process::pidfd_send_signal(&self.process.pidfd, rustix::process::Signal::KILL);
    }
}

/// What a launcher asks a template for an interpreter with.
#[derive(Debug)]
pub(super) struct Order {
    /// The template.
    pub(super) template: OwnedFd,
    /// What the interpreter hears its words from.
    pub(super) program: OwnedFd,
    /// What the first process is told the interpreter's number by.
    pub(super) birth: OwnedFd,
    /// The rules that it is restricted by, where the kernel has Landlock.
    pub(super) rules: Option<OwnedFd>,
    /// What it enters its control groups by.
    pub(super) groups: Vec<OwnedFd>,
}

impl Order {
    /// Asks for an interpreter in the run whose first process is `init`, with these `streams`; it reports to `control`.
    pub(super) fn send(
        self,
        init: &OwnedFd,
        control: &OwnedFd,
        streams: &[OwnedFd],
        entrances: Entrances,
    ) -> Result<(), Fault> {
        let first = [init, control, &self.program, &self.birth];
        let all = first.into_iter().chain(streams).chain(&self.rules).chain(&self.groups);
        let fds: Vec<_> = all.map(AsFd::as_fd).collect();
        let flags = [self.rules.is_some(), entrances == Entrances::Folder].map(u8::from);
        channel::send(&self.template, &flags, &fds).tried("ask for an interpreter")
    }
}

/// Runs a launcher that was told to become a template.
pub(super) fn launch(given: &Given, control: &OwnedFd) -> Result<(), Fault> {
    let create = &given.create;
    ids::check_parent(control)?;
    let namespaces = UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    ids::unshare(namespaces, "make namespaces")?;
    drop(root::build(&create.view, &create.caps, create.ids)?);
    root::mount_proc()?;
    root::enter()?;
    root::close()?;
    let Some((mut start, fds)) = wait_for_start(control, control)? else { return Ok(()) };
    let [_, stdin, stdout, stderr, asked] = <[OwnedFd; 5]>::try_from(fds)
        .map_err(|_| Fault { action: "receive the job".to_owned(), errno: libc::EBADMSG })?;
    let told = channel::empty("steps").tried("write the steps")?;
    channel::fill(&told, steps::of(create, &start.cwd)?.as_bytes()).tried("write the steps")?;
    for fd in [&asked, &told] {
        rustix::io::fcntl_setfd(fd, FdFlags::empty()).tried("keep a descriptor")?;
        start.argv.push(fd.as_raw_fd().to_string());
    }
    rustix::process::setsid().tried("start a session")?;
    target::reset_signals();
    target::take_streams([stdin, stdout, stderr])?;
    target::set_limits(&create.caps, |resource| resource == rustix::process::Resource::Stack)?;
    rustix::process::chdir(Path::new(&start.cwd)).tried_with(|| format!("enter {}", start.cwd))?;
    let sets = rustix::thread::capabilities(None).tried("read the capabilities")?;
    rustix::thread::set_capabilities(None, CapabilitySets { inheritable: RIGHTS, ..sets })
        .tried("keep some capabilities")?;
    ids::drop_bounding_set()?;
    let error = target::Candidates::new(&start)?.execute(0);
    Err(Fault::new("execute the template", error))
}
