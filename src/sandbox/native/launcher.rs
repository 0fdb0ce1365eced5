//! The launcher: a single-threaded helper, forked by [`zygote`](super::zygote), that builds a run and waits for its end.
//!
//! It is a process of its own because a program with threads cannot safely fork, and because nothing of vetrun's
//! arguments or environment may be near what runs inside. It stays outside the process namespace: whoever kills
//! vetrun kills the launcher with it, the launcher's death kills the first process inside, and that one's death kills
//! everything.
//!
//! It first makes all that does not depend on what will be executed. When it is told what, it lends the paths that this
//! program needs, and lets it go. Host paths are opened here and not inside: the root folder inside has forgotten the host
//! by then.
#![expect(unsafe_code, reason = "fork and descriptors that are inherited")]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

use super::spec::{Create, Event, Fault, Ids, Net, Part, Start, Tried};
use super::template::Order;
use super::wait::timespec;
use super::{channel, confined, ids, init, net, process, root, template, zygote};

/// How long a launcher waits to be told what to execute. A copy of the host's mounts is not to be held for ever.
pub(super) const IDLE_WITHIN: Duration = Duration::from_secs(60);

/// What the launcher was given, in the order in which the supervisor sends it.
#[derive(Debug)]
pub(super) struct Given {
    /// What to make.
    pub(super) create: Create,
    /// The socket to the supervisor.
    pub(super) control: OwnedFd,
    /// A network namespace to enter.
    network: Option<OwnedFd>,
    /// The template that its program comes from.
    template: Option<OwnedFd>,
    /// What the program enters its control groups by.
    pub(super) cgroups: Vec<OwnedFd>,
}

/// The first process inside, as its launcher sees it.
struct Inside<'a> {
    /// The socket to it.
    socket: OwnedFd,
    /// The socket to what will be the program.
    program: OwnedFd,
    /// Its process number on the host.
    pid: Pid,
    /// Readable once it has ended.
    pidfd: OwnedFd,
    /// The host's `/proc`.
    proc: BorrowedFd<'a>,
    /// What becomes the program is ordered with this, where a template forks it.
    order: Option<Order>,
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
    // SAFETY: nothing in this process has opened a descriptor above standard error yet, so none is owned. Not every C library
    // has a function for this call.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

fn launch(control: &OwnedFd, parent: Pid) -> Result<(), Fault> {
    ids::die_with_parent()?;
    if rustix::process::getppid() != Some(parent) {
        return Err(Fault { action: "find the parent".to_owned(), errno: libc::ESRCH });
    }
    let mut given = receive(control)?;
    if given.create.grounds.is_some() {
        return confined::launch(given, control, parent);
    }
    if given.create.part == Part::Template {
        return template::launch(&given, control);
    }
    ids::check_parent(control)?;
    let proc = rustix::fs::open("/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .tried("open /proc")?;
    let network = given.network.take();
    let network = enter_namespaces(&given.create, proc.as_fd(), network)?;
    ids::unshare(UnshareFlags::NEWPID, "make a process namespace")?;
    let (ids, entrances) = (given.create.ids, given.create.cgroups);
    let mut inside = fork_init(given, proc.as_fd())?;
    let Some(namespace) = report(&mut inside, control, network, ids)? else { return Ok(()) };
    // While what will be the program gives up its rights.
    let file_map = file_map(ids, proc.as_fd())?;
    let Some((start, fds)) = wait_for_start(control, &inside.pidfd)? else { return Ok(()) };
    let lend = |start: &Start| lend(start, file_map.as_ref().map(AsFd::as_fd), &namespace);
    if !start.waits {
        lend(&start)?;
    }
    match inside.order.take() {
        Some(order) => order.send(&inside.pidfd, control, &fds[1..], entrances)?,
        None => {
            let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
            released(channel::send(&inside.program, &(), &borrowed))?;
        }
    }
    // What the launcher still holds of the run would keep its streams open.
    drop(fds);
    if start.waits {
        let Some((job, _)) = wait_for_start(control, &inside.pidfd)? else { return Ok(()) };
        lend(&job)?;
        released(rustix::io::write(&inside.program, job.argv.join("\0").as_bytes()).map(drop))?;
    }
    drop((file_map, namespace));
    retry_on_intr(|| rustix::process::waitpid(Some(inside.pid), WaitOptions::empty()))
        .tried("wait for the first process")?;
    Ok(())
}

/// What became of a word to the program. One that is gone was killed, or has said why it ended.
pub(super) fn released<E: Into<std::io::Error>>(sent: Result<(), E>) -> Result<(), Fault> {
    match sent.map_err(Into::into) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Fault::new("release the program", error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Waits for what to make: its file, then the network namespace if there is one, then the control groups.
fn receive(control: &OwnedFd) -> Result<Given, Fault> {
    let gone = || Fault { action: "receive the job".to_owned(), errno: libc::EPIPE };
    let ((), fds) = channel::receive::<()>(control, true).tried("receive the job")?.ok_or_else(gone)?;
    let mut fds = fds.into_iter();
    let create: Create = channel::unsealed(&fds.next().ok_or_else(gone)?).tried("read the job")?;
    let network = if create.has_network { Some(fds.next().ok_or_else(gone)?) } else { None };
    let is_forked = matches!(create.part, Part::Forked { .. });
    let template = if is_forked { Some(fds.next().ok_or_else(gone)?) } else { None };
    let cgroups: Vec<OwnedFd> = fds.collect();
    if cgroups.len() != create.cgroups.count() {
        return Err(gone());
    }
    let control = control.try_clone().tried("receive the job")?;
    Ok(Given { create, control, network, template, cgroups })
}

/// Waits for what to execute: its file, and the streams that come along. `None` when it does not come: nobody wants this
/// run any more, or what is inside has ended, and has said why.
pub(super) fn wait_for_start(control: &OwnedFd, init: &OwnedFd) -> Result<Option<(Start, Vec<OwnedFd>)>, Fault> {
    let mut fds = [PollFd::new(control, PollFlags::IN), PollFd::new(init, PollFlags::IN)];
    retry_on_intr(|| rustix::event::poll(&mut fds, Some(&timespec(IDLE_WITHIN)))).tried("wait for the job")?;
    if fds[0].revents().is_empty() {
        return Ok(None);
    }
    let Some(((), fds)) = channel::receive::<()>(control, true).tried("receive the job")? else { return Ok(None) };
    let none = || Fault { action: "receive the job".to_owned(), errno: libc::EBADMSG };
    let start = channel::unsealed(fds.first().ok_or_else(none)?).tried("read the job")?;
    Ok(Some((start, fds)))
}

/// Shows the program the parts of the host that it needs, in the mount namespace `namespace`, and closes the root folder.
fn lend(start: &Start, file_map: Option<BorrowedFd<'_>>, namespace: &OwnedFd) -> Result<(), Fault> {
    let trees = root::open_binds(&start.lent.binds, file_map)?;
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Mount))
        .tried("enter the mount namespace")?;
    root::show(&start.lent, &trees)?;
    root::close()
}

/// Leaves the host's namespaces, all but those of processes and mounts; an ordinary user makes a user namespace first,
/// which gives the right to make the others, and one of mounts, in which host paths may be opened to lend them. What the
/// supervisor gets of the network: what listens in it, or itself.
fn enter_namespaces(create: &Create, proc: BorrowedFd<'_>, network: Option<OwnedFd>) -> Result<Option<OwnedFd>, Fault> {
    let mut flags = UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if matches!(create.ids, Ids::User { .. }) {
        ids::unshare(UnshareFlags::NEWUSER, "make a user namespace")?;
        ids::write_maps(proc, "self", create.ids)?;
        ids::die_with_parent()?;
        flags |= UnshareFlags::NEWNS;
    }
    if create.net != Net::Full && network.is_none() {
        flags |= UnshareFlags::NEWNET;
    }
    ids::unshare(flags, "make network, ipc and uts namespaces")?;
    rustix::system::sethostname(b"sandbox").tried("name the host")?;
    rustix::system::setdomainname(b"(none)").tried("name the domain")?;
    match (create.net, network) {
        (Net::None, Some(network)) => net::enter(network.as_fd()).map(|()| Some(network)),
        (Net::None, None) => {
            net::raise_loopback()?;
            matches!(create.ids, Ids::Root { .. }).then(|| net::own(proc)).transpose()
        }
        (Net::Gateway, _) => net::listen().map(|listener| Some(listener.into())),
        (Net::Full, _) => Ok(None),
    }
}

/// A user namespace that nobody lives in: an id map in which the files of vetrun's own user are the program's.
///
/// Folders that vetrun makes for a run are closed to others (mode 0700), and inside the program is another.
fn file_map(ids: Ids, proc: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Fault> {
    let Ids::Root { base } = ids else { return Ok(None) };
    let child = process::idle_in_user_namespace().tried("make a user namespace")?;
    let map = map_of(proc, child, base);
    let _ = rustix::process::kill_process(child, Signal::KILL);
    let _ = rustix::process::waitpid(Some(child), WaitOptions::empty());
    map.map(Some)
}

/// Writes the map of the user namespace that `child` made.
fn map_of(proc: BorrowedFd<'_>, child: Pid, base: u32) -> Result<OwnedFd, Fault> {
    let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let pid = child.as_raw_nonzero();
    ids::write_file_map(proc, &pid.to_string(), own, (base, base))?;
    rustix::fs::openat(proc, format!("{pid}/ns/user"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .tried("open a user namespace")
}

/// Forks the first process of the process namespace. Where a template forks the program, the socket of that process is not the
/// program's: it is told over it who the program is.
fn fork_init(mut given: Given, proc: BorrowedFd<'_>) -> Result<Inside<'_>, Fault> {
    let (socket, theirs) = channel::pair().tried("make a socket")?;
    let (program, mut programs) = channel::pair().tried("make a socket")?;
    let mut order = None;
    if let Some(template) = given.template.take() {
        let (birth, inits) = channel::pair().tried("make a socket")?;
        let program = std::mem::replace(&mut programs, inits);
        order = Some(Order { template, program, birth, rules: None, groups: std::mem::take(&mut given.cgroups) });
    }
    // SAFETY: this process has a single thread.
    let Some(pid) = unsafe { process::fork() }.tried("fork")? else {
        drop((socket, program, order));
        init::run(given, proc, &theirs, programs);
    };
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).tried("watch the first process")?;
    Ok(Inside { socket, program, pid, pidfd, proc, order })
}

/// Tells the supervisor of the first process, once the root folder is made, and gives that process its ids. The mount
/// namespace inside; `None` when the first process could not make it: it has said so itself, and is gone.
fn report(
    inside: &mut Inside<'_>,
    control: &OwnedFd,
    network: Option<OwnedFd>,
    given: Ids,
) -> Result<Option<OwnedFd>, Fault> {
    let Some(((), mut fds)) = channel::receive::<()>(&inside.socket, true).tried("wait for the first process")? else {
        return Ok(None);
    };
    if let Some(order) = &mut inside.order {
        order.rules = if fds.len() > 4 { fds.pop() } else { None };
    }
    let [namespace, out, tmp, shm] = <[OwnedFd; 4]>::try_from(fds)
        .map_err(|_| Fault { action: "wait for the first process".to_owned(), errno: libc::EBADMSG })?;
    let mut fds = vec![inside.pidfd.as_fd(), out.as_fd(), tmp.as_fd(), shm.as_fd()];
    fds.extend(network.as_ref().map(AsFd::as_fd));
    let init = inside.pid.as_raw_nonzero().get();
    channel::send(control, &Event::Ready { init }, &fds).tried("report to vetrun")?;
    if matches!(given, Ids::Root { .. }) {
        ids::write_maps(inside.proc, &init.to_string(), given)?;
    }
    channel::send(&inside.socket, &(), &[]).tried("release the first process")?;
    Ok(Some(namespace))
}

/// Ends a forked child at once, without running what its parent has registered.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: this only ends the process.
    unsafe { libc::_exit(code) }
}
