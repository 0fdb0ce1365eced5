//! A run without namespaces: the launcher stays beside the program, and ends all that it started.
//!
//! In a namespace of processes the death of the first ends all others. Here the launcher does that work: it adopts what
//! the program leaves behind, and kills everything that it is allowed to signal, which is the run and nothing else. Root
//! gives the launcher the user of the program to act as, whom nobody else has; an ordinary user's launcher enters a Landlock
//! domain beyond which no signal goes. Whether that holds is tried on vetrun itself before a program may start.
#![expect(unsafe_code, reason = "fork, signals to all, and a descriptor for signals")]

use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, PidfdFlags, WaitOptions};

use super::launcher::{Given, exit_now, released, wait_for_start};
use super::spec::{Event, Fault, Ids, Tried};
use super::{channel, ids, init, landlock, process, target};

/// Runs a launcher that was told to make a run without namespaces.
pub(super) fn launch(given: Given, control: &OwnedFd, parent: Pid) -> Result<(), Fault> {
    // It has a last work to do when vetrun is killed, and sees that by itself.
    rustix::process::set_parent_process_death_signal(None).tried("outlive the parent")?;
    ids::check_parent(control)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).tried("adopt what is left behind")?;
    let ids = given.create.ids;
    let signals = watch_signals()?;
    if matches!(ids, Ids::User { .. }) {
        landlock::keep_signals()?;
    }
    let program = fork_program(given)?;
    ids::stand_apart(ids)?;
    check_reach(parent)?;
    let own = rustix::process::getpid();
    let pidfd = rustix::process::pidfd_open(own, PidfdFlags::empty()).tried("watch the launcher")?;
    let init = own.as_raw_nonzero().get();
    channel::send(control, &Event::Ready { init }, &[pidfd.as_fd()]).tried("report to vetrun")?;
    drop(pidfd);
    let result = start(&program, control).and_then(|started| {
        if !started {
            return Ok(());
        }
        let Some(event) = watch(&signals, control, program.pid)? else { return Ok(()) };
        channel::send(control, &event, &[]).tried("report the end")
    });
    end_all();
    result
}

/// What will be the program, as its launcher sees it.
struct Program {
    /// The socket to it.
    socket: OwnedFd,
    pid: Pid,
    /// Readable once it has ended.
    pidfd: OwnedFd,
}

fn fork_program(given: Given) -> Result<Program, Fault> {
    let (socket, theirs) = channel::pair().tried("make a socket")?;
    // SAFETY: this process has a single thread.
    let Some(pid) = unsafe { process::fork() }.tried("fork")? else {
        drop(socket);
        init::enter_groups(&given);
        if let Err(fault) = mask_signals(libc::SIG_UNBLOCK) {
            let _ = channel::send(&given.control, &Event::Failed(fault), &[]);
            exit_now(1);
        }
        target::run(&given, &theirs);
    };
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).tried("watch the program")?;
    Ok(Program { socket, pid, pidfd })
}

/// Hands on what is to be executed; whether it came.
fn start(program: &Program, control: &OwnedFd) -> Result<bool, Fault> {
    let Some((_, fds)) = wait_for_start(control, &program.pidfd)? else { return Ok(false) };
    let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    released(channel::send(&program.socket, &(), &borrowed))?;
    Ok(true)
}

/// Reaps until the program has ended; how it did. `None` when the run is to be over before that: vetrun says so by a signal,
/// or is gone.
fn watch(signals: &OwnedFd, control: &OwnedFd, program: Pid) -> Result<Option<Event>, Fault> {
    loop {
        while let Some(ended) = init::reap(libc::WNOHANG)? {
            if ended.pid == program.as_raw_nonzero().get() {
                return Ok(Some(ended.event(false)));
            }
        }
        let mut fds = [PollFd::new(signals, PollFlags::IN), PollFd::new(control, PollFlags::RDHUP)];
        retry_on_intr(|| rustix::event::poll(&mut fds, None)).tried("wait for the program")?;
        if !fds[1].revents().is_empty() || (!fds[0].revents().is_empty() && is_told_to_end(signals)?) {
            return Ok(None);
        }
    }
}

/// Kills everything that this process may signal, which is the run, until nothing of it is left. No program can outrun it:
/// one call reaches all, and the kernel lets no process fork while a signal is on its way to it.
fn end_all() {
    loop {
        // SAFETY: a plain call. Whom it may reach was found out by `check_reach`.
        unsafe { libc::kill(-1, libc::SIGKILL) };
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Fails when this process may still signal what is outside the run: then it must never try to signal all.
fn check_reach(parent: Pid) -> Result<(), Fault> {
    match rustix::process::test_kill_process(parent) {
        Err(Errno::PERM) => Ok(()),
        _ => Err(Fault { action: "keep signals to the run".to_owned(), errno: libc::EPERM }),
    }
}

/// A descriptor that tells of ended children, and of the signal by which vetrun ends the run.
fn watch_signals() -> Result<OwnedFd, Fault> {
    let set = mask_signals(libc::SIG_BLOCK)?;
    // SAFETY: the set is initialised and lives through the call.
    let raw = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if raw < 0 {
        return Err(Fault::new("watch signals", std::io::Error::last_os_error()));
    }
    // SAFETY: the call made this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Blocks or unblocks the signals that a launcher reads.
fn mask_signals(how: libc::c_int) -> Result<libc::sigset_t, Fault> {
    // SAFETY: all-zero bytes are valid for a set, and each call gets a valid pointer to it.
    let (set, result) = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        (set, libc::sigprocmask(how, &raw const set, std::ptr::null_mut()))
    };
    if result == 0 { Ok(set) } else { Err(Fault::new("mask signals", std::io::Error::last_os_error())) }
}

/// Whether one of the signals that wait to be read is not that of a child.
fn is_told_to_end(signals: &OwnedFd) -> Result<bool, Fault> {
    let mut bytes = [0; size_of::<libc::signalfd_siginfo>()];
    loop {
        match retry_on_intr(|| rustix::io::read(signals, &mut bytes)) {
            // The number of the signal stands first.
            Ok(_) if bytes[..4] != libc::SIGCHLD.to_ne_bytes() => return Ok(true),
            Ok(_) => {}
            Err(Errno::AGAIN) => return Ok(false),
            Err(error) => return Err(Fault::new("read signals", error)),
        }
    }
}
