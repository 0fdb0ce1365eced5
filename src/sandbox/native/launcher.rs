//! The launcher: a single-threaded helper, forked by [`zygote`](super::zygote), that builds a run and waits for its end.
//!
//! It is a process of its own because a program with threads cannot safely fork, and because nothing of vetrun's
//! arguments or environment may be near what runs inside. It stays outside the process namespace: whoever kills
//! vetrun kills the launcher with it, the launcher's death kills the first process inside, and that one's death kills
//! everything.
#![expect(unsafe_code, reason = "fork and descriptors that are inherited")]

use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, WaitOptions};
use rustix::thread::UnshareFlags;

use super::root::Folders;
use super::spec::{Event, Fault, Ids, Net, Spec, Tried};
use super::{channel, ids, init, net, root, zygote};

/// What the launcher was given, in the order in which the supervisor sends it.
#[derive(Debug)]
pub(super) struct Given {
    /// What to do.
    pub(super) spec: Spec,
    /// The socket to the supervisor.
    pub(super) control: OwnedFd,
    /// The program's standard input, output and error.
    pub(super) streams: [OwnedFd; 3],
    /// The `cgroup.procs` files that the program enters.
    pub(super) cgroups: Vec<OwnedFd>,
}

/// Runs what forks launchers; `main` calls this before anything else when the program has the launcher's name.
///
/// Everything is said over the socket on standard input; the exit code says nothing that the supervisor relies on.
pub fn launcher_main() -> ! {
    close_inherited();
    let served = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).tried("keep the socket");
    let code = i32::from(served.and_then(|control| zygote::serve(&control)).is_err());
    std::process::exit(code)
}

/// Runs a launcher, which was forked by the process `parent`; its exit code.
pub(super) fn run(control: &OwnedFd, parent: Pid) -> i32 {
    match launch(control, parent) {
        Ok(()) => 0,
        Err(fault) => {
            let _ = channel::send(control, &Event::Failed(fault), &[]);
            1
        }
    }
}

/// Closes what vetrun's own parent left open: it must not reach the program.
fn close_inherited() {
    // SAFETY: nothing in this process has opened a descriptor above standard error yet, so none is owned.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

fn launch(control: &OwnedFd, parent: Pid) -> Result<(), Fault> {
    ids::die_with_parent()?;
    if rustix::process::getppid() != Some(parent) {
        return Err(Fault { action: "find the parent".to_owned(), errno: libc::ESRCH });
    }
    let given = receive(control)?;
    ids::check_parent(control)?;
    own_streams(&given)?;
    let proc = rustix::fs::open("/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .tried("open /proc")?;
    let listener = enter_namespaces(&given.spec, proc.as_fd())?;
    let file_map = file_map(&given.spec, proc.as_fd())?;
    let folders = root::build(&given.spec.view, &given.spec.caps, given.spec.ids, file_map.as_ref().map(AsFd::as_fd))?;
    drop(file_map);
    ids::unshare(UnshareFlags::NEWPID, "make a process namespace")?;
    start_init(given, folders, listener, proc.as_fd())
}

/// Waits for the spec: its file, three streams, then the control groups.
fn receive(control: &OwnedFd) -> Result<Given, Fault> {
    let gone = || Fault { action: "receive the job".to_owned(), errno: libc::EPIPE };
    let ((), fds) = channel::receive::<()>(control, true).tried("receive the job")?.ok_or_else(gone)?;
    let mut fds = fds.into_iter();
    let mut next = || fds.next().ok_or_else(gone);
    let spec: Spec = channel::unsealed(next()?).tried("read the job")?;
    let streams = [next()?, next()?, next()?];
    let cgroups: Vec<OwnedFd> = fds.collect();
    if cgroups.len() != spec.cgroups {
        return Err(gone());
    }
    let control = control.try_clone().tried("receive the job")?;
    Ok(Given { spec, control, streams, cgroups })
}

/// Makes the program the owner of its output pipes, so that it can open them by name (`/dev/stdout`), as programs do.
fn own_streams(given: &Given) -> Result<(), Fault> {
    let Ids::Root { base } = given.spec.ids else { return Ok(()) };
    let (user, group) = (rustix::process::Uid::from_raw(base), rustix::process::Gid::from_raw(base));
    let [_, stdout, stderr] = &given.streams;
    [stdout, stderr]
        .into_iter()
        .try_for_each(|pipe| rustix::fs::fchown(pipe, Some(user), Some(group)).tried("give the streams away"))
}

/// Leaves the host's namespaces, all but the one of processes; an ordinary user makes a user namespace first, which
/// gives the right to make the others.
fn enter_namespaces(spec: &Spec, proc: BorrowedFd<'_>) -> Result<Option<TcpListener>, Fault> {
    if matches!(spec.ids, Ids::User { .. }) {
        ids::unshare(UnshareFlags::NEWUSER, "make a user namespace")?;
        ids::write_maps(proc, "self", spec.ids)?;
        ids::die_with_parent()?;
    }
    let mut flags = UnshareFlags::NEWNS | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if spec.net != Net::Full {
        flags |= UnshareFlags::NEWNET;
    }
    ids::unshare(flags, "make mount, network, ipc and uts namespaces")?;
    rustix::system::sethostname(b"sandbox").tried("name the host")?;
    rustix::system::setdomainname(b"(none)").tried("name the domain")?;
    match spec.net {
        Net::None => net::raise_loopback().map(|()| None),
        Net::Gateway => net::listen().map(Some),
        Net::Full => Ok(None),
    }
}

/// A user namespace that nobody lives in: an id map in which the files of vetrun's own user are the program's.
///
/// Folders that vetrun makes for a run are closed to others (mode 0700), and inside the program is another.
fn file_map(spec: &Spec, proc: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Fault> {
    let Ids::Root { base } = spec.ids else { return Ok(None) };
    if !spec.view.binds.iter().any(|bind| bind.own) {
        return Ok(None);
    }
    let (ours, theirs) = channel::pair().tried("make a socket")?;
    // SAFETY: this process has a single thread, so the child may do anything that this process may.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        drop(ours);
        let made = ids::die_with_parent().and_then(|()| ids::unshare(UnshareFlags::NEWUSER, "make a user namespace"));
        let _ = channel::send(&theirs, &made.err(), &[]);
        let _ = channel::receive::<()>(&theirs, true);
        exit_now(0);
    }
    drop(theirs);
    let child = Pid::from_raw(pid).ok_or_else(|| Fault::new("fork", std::io::Error::last_os_error()))?;
    let result = map_of(&ours, proc, pid, base);
    drop(ours);
    let _ = rustix::process::waitpid(Some(child), WaitOptions::empty());
    result.map(Some)
}

fn map_of(child: &OwnedFd, proc: BorrowedFd<'_>, pid: i32, base: u32) -> Result<OwnedFd, Fault> {
    match channel::receive::<Option<Fault>>(child, true).tried("make a file map")? {
        Some((None, _)) => {}
        Some((Some(fault), _)) => return Err(fault),
        None => return Err(Fault { action: "make a file map".to_owned(), errno: libc::ECHILD }),
    }
    let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    ids::write_file_map(proc, &pid.to_string(), own, (base, base))?;
    rustix::fs::openat(proc, format!("{pid}/ns/user"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .tried("open a user namespace")
}

/// Forks the first process of the process namespace, tells the supervisor of it, and waits for its end.
fn start_init(
    given: Given,
    folders: Folders,
    listener: Option<TcpListener>,
    proc: BorrowedFd<'_>,
) -> Result<(), Fault> {
    let (ours, theirs) = channel::pair().tried("make a socket")?;
    // SAFETY: this process has a single thread, so the child may do anything that this process may.
    let raw = unsafe { libc::fork() };
    if raw == 0 {
        drop((ours, folders, listener));
        init::run(given, &theirs);
    }
    drop(theirs);
    let init =
        Pid::from_raw(raw).filter(|_| raw > 0).ok_or_else(|| Fault::new("fork", std::io::Error::last_os_error()))?;
    let pidfd = rustix::process::pidfd_open(init, PidfdFlags::empty()).tried("watch the first process")?;
    let mut fds = vec![pidfd.as_fd(), folders.out.as_fd(), folders.tmp.as_fd(), folders.shm.as_fd()];
    fds.extend(listener.as_ref().map(AsFd::as_fd));
    channel::send(&given.control, &Event::Ready { init: raw }, &fds).tried("report to vetrun")?;
    if matches!(given.spec.ids, Ids::Root { .. }) {
        map_init(&ours, proc, raw, given.spec.ids)?;
    }
    // What the launcher still holds of the run would keep its streams open.
    drop((given, folders, listener, pidfd));
    rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(init), WaitOptions::empty()))
        .tried("wait for the first process")?;
    Ok(())
}

/// Gives the first process its ids, once it has made itself a user namespace.
fn map_init(init: &OwnedFd, proc: BorrowedFd<'_>, pid: i32, given: Ids) -> Result<(), Fault> {
    // When it could not, it has said so itself, and is gone.
    if channel::receive::<()>(init, true).tried("wait for the first process")?.is_some() {
        ids::write_maps(proc, &pid.to_string(), given)?;
        channel::send(init, &(), &[]).tried("release the first process")?;
    }
    Ok(())
}

/// Ends a forked child at once, without running what its parent has registered.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: this only ends the process.
    unsafe { libc::_exit(code) }
}
