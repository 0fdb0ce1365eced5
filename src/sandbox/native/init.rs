//! The first process inside: it finishes the root folder, forks the program, and reaps until the program has ended.
//!
//! Its end is the end of everything in the process namespace, daemons that the program left included.
#![expect(unsafe_code, reason = "fork, and wait4 for the usage that comes with a status")]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;
use rustix::thread::UnshareFlags;

use super::launcher::{Given, exit_now};
use super::spec::{Create, Entrances, Event, Fault, INIT_ID, Ids, Part, Tried, Walls};
use super::{cgroup, channel, ids, landlock, process, root, target};

/// Runs in the child that the launcher forked. `proc` is the host's `/proc`, `launcher` the socket to the launcher, and
/// `program` the one over which the program is told what it is, or, where a template forks it, this process who it is.
pub(super) fn run(given: Given, proc: BorrowedFd<'_>, launcher: &OwnedFd, program: OwnedFd) -> ! {
    let control = given.control.try_clone();
    if let (Err(fault), Ok(control)) = (live(given, proc, launcher, program), control) {
        let _ = channel::send(&control, &Event::Failed(fault), &[]);
        exit_now(1);
    }
    exit_now(0)
}

fn live(given: Given, proc: BorrowedFd<'_>, launcher: &OwnedFd, program: OwnedFd) -> Result<(), Fault> {
    ids::die_with_parent()?;
    build(&given.create, proc, launcher)?;
    ids::drop_bounding_set()?;
    // Before there is a program that could look, and inherited by it until it executes: an ordinary user's program has
    // this process's own user id.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .tried("close this process to others")?;
    let pid = start_program(&given, &program)?;
    let control = given.control.try_clone().tried("keep the socket")?;
    let ids = given.create.ids;
    // Where this process stood still, a program has been executed by now. It is another user, and can do nothing about this
    // process that it could not do later.
    // Whoever waits for the end of these must not wait for this process.
    drop((given, program));
    ids::settle(ids, Walls::Namespaces, INIT_ID)?;
    ids::check_parent(launcher)?;
    let event = wait_for(pid.as_raw_nonzero().get())?;
    channel::send(&control, &event, &[]).tried("report the end")
}

/// Starts what will be the program, or waits until it is forked. It begins its life in its control group where that can be; else
/// this process stands still until a program is executed.
fn start_program(given: &Given, program: &OwnedFd) -> Result<Pid, Fault> {
    if matches!(given.create.part, Part::Forked { .. }) {
        return hear_of_program(program);
    }
    if let (Entrances::Folder, [folder]) = (given.create.cgroups, &given.cgroups[..]) {
        // SAFETY: this process has a single thread.
        match unsafe { process::fork_into(folder.as_fd()) } {
            Ok(Some(pid)) => return Ok(pid),
            Ok(None) => target::run(given, program),
            // It has to be moved there.
            Err(_) => {}
        }
    }
    let main = || {
        enter_groups(given);
        target::run(given, program)
    };
    // SAFETY: this process has a single thread, and the child gets all by reference.
    unsafe { process::stand_still_for(main) }.tried("start the program")
}

/// Waits until a template has forked what will be the program, which then is a child of this process.
fn hear_of_program(template: &OwnedFd) -> Result<Pid, Fault> {
    let none = || Fault { action: "fork an interpreter".to_owned(), errno: libc::ESRCH };
    let told = channel::receive::<i32>(template, true).tried("hear of the program")?;
    told.and_then(|(pid, _)| Pid::from_raw(pid)).ok_or_else(none)
}

/// Enters the control groups of a run, in the child that will be the program.
pub(super) fn enter_groups(given: &Given) {
    if let Err(fault) = cgroup::enter(given.create.cgroups, &given.cgroups).tried("enter the control group") {
        let _ = channel::send(&given.control, &Event::Failed(fault), &[]);
        exit_now(1);
    }
}

/// Makes the root folder in a mount namespace of its own, and tells the launcher of it. Started by root, it becomes a
/// stranger to the host: a user namespace whose ids are the host's unused ones, and that has no root.
fn build(create: &Create, proc: BorrowedFd<'_>, launcher: &OwnedFd) -> Result<(), Fault> {
    ids::unshare(UnshareFlags::NEWNS, "make a mount namespace")?;
    let folders = root::build(&create.view, &create.caps, create.ids)?;
    root::mount_proc()?;
    root::enter()?;
    let namespace = rustix::fs::openat(proc, "self/ns/mnt", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .tried("open the mount namespace")?;
    if matches!(create.ids, Ids::Root { .. }) {
        ids::unshare(UnshareFlags::NEWUSER, "make a user namespace")?;
    }
    let rules = match &create.part {
        Part::Forked { interpreter } => landlock::rules(create.net, interpreter)?,
        Part::Executed | Part::Template => None,
    };
    let mut fds = vec![namespace.as_fd(), folders.out.as_fd(), folders.tmp.as_fd(), folders.shm.as_fd()];
    fds.extend(rules.iter().map(AsFd::as_fd));
    channel::send(launcher, &(), &fds).tried("report to the launcher")?;
    let gone = Fault { action: "receive ids".to_owned(), errno: libc::EPIPE };
    channel::receive::<()>(launcher, true).tried("receive ids")?.map(|_| ()).ok_or(gone)
}

/// Reaps every child until `main` has ended; what it used comes with its status.
fn wait_for(main: libc::pid_t) -> Result<Event, Fault> {
    loop {
        match reap(0)? {
            Some(ended) if ended.pid == main => return Ok(ended.event(is_alone())),
            Some(_) => {}
            None => return Err(Fault { action: "wait for the program".to_owned(), errno: libc::ECHILD }),
        }
    }
}

/// Reaps what else has ended; whether nothing lives any more but this process. Whoever loses their parent in a process namespace
/// becomes a child of its first process, so that one without children is alone.
fn is_alone() -> bool {
    loop {
        // SAFETY: a plain call; the null pointer asks for no status.
        match unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG | libc::__WALL) } {
            0 => return false,
            pid if pid > 0 => {}
            _ => return std::io::Error::last_os_error().raw_os_error() == Some(libc::ECHILD),
        }
    }
}

/// A child that has ended.
pub(super) struct Reaped {
    pub(super) pid: libc::pid_t,
    status: i32,
    usage: libc::rusage,
}

/// The next child that has ended, with the options of `wait4`; `None` when there is none.
pub(super) fn reap(options: libc::c_int) -> Result<Option<Reaped>, Fault> {
    loop {
        let mut status = 0;
        // SAFETY: all-zero bytes are a valid `rusage`, which is plain data.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: both pointers are to local variables of the right types.
        let pid = unsafe { libc::wait4(-1, &raw mut status, options, &raw mut usage) };
        if pid >= 0 {
            return Ok(Some(Reaped { pid, status, usage }).filter(|_| pid > 0));
        }
        match std::io::Error::last_os_error() {
            error if error.kind() == std::io::ErrorKind::Interrupted => {}
            error if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
            error => return Err(Fault::new("wait for the program", error)),
        }
    }
}

impl Reaped {
    /// As it is told.
    pub(super) fn event(&self, alone: bool) -> Event {
        Event::Ended {
            status: self.status,
            cpu_us: micros(self.usage.ru_utime).saturating_add(micros(self.usage.ru_stime)),
            max_rss_kib: u64::try_from(self.usage.ru_maxrss).unwrap_or(0),
            alone,
        }
    }
}

fn micros(time: libc::timeval) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000).saturating_add(u64::try_from(time.tv_usec).unwrap_or(0))
}
