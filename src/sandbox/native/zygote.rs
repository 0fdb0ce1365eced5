//! The launchers' parent: this program, executed anew once, which forks a launcher for every run.
//!
//! To execute this program costs more than to set a run up. So one process does it early, stays as it was before anything
//! was done, and is asked over a socket for a copy of itself: a launcher of its own for every run, used once. (Android and
//! Chromium start their programs in this way, and gave it the name.) It holds nothing of any run, and runs nothing itself.
#![expect(unsafe_code, reason = "fork, and the disposition of a signal")]

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, WaitOptions};

use super::container::Kind;
use super::launcher::{self, exit_now};
use super::spec::{Fault, LAUNCHER_NAME, Tried};
use super::template::Templates;
use super::{channel, ids, process};

/// What the program's allocator is told: no huge pages. Every process of a run is a fork of this one, and whoever writes to a
/// huge page first has it taken apart and copied.
const ALLOCATOR: [(&str, &str); 1] = [("MIMALLOC_ALLOW_THP", "0")];

/// Where launchers come from: the process that forks them. It is started early, and again when it is gone.
#[derive(Debug)]
pub struct Nursery {
    program: PathBuf,
    /// Before the process that they come from.
    templates: Templates,
    zygote: Mutex<Option<Zygote>>,
}

/// A launcher that waits for its job.
#[derive(Debug)]
pub(super) struct Forked {
    /// Its process number.
    pub(super) pid: u32,
    /// Readable once it has ended.
    pub(super) pidfd: OwnedFd,
}

impl Nursery {
    /// Starts the process, whose program is vetrun's own executable `program`, and does not wait for it: there is much to do
    /// meanwhile. That it cannot be started is told when a sandbox is made from this.
    #[must_use]
    pub fn start(program: PathBuf) -> Self {
        let zygote = Zygote::start(&program).ok();
        Self { program, templates: Templates::default(), zygote: Mutex::new(zygote) }
    }

    /// The socket of a template for containers of this kind, where there is one.
    pub(super) fn template(&self, kind: &Kind, grouped: bool) -> Option<OwnedFd> {
        self.templates.socket(kind, grouped, self)
    }

    /// Whether there is one, so that nobody has to wait until it has started.
    pub(super) fn has_template(&self, kind: &Kind) -> bool {
        self.templates.has(kind)
    }

    /// A launcher, which hears its job over `control`.
    pub(super) fn fork(&self, control: &OwnedFd) -> Result<Forked, Fault> {
        let mut zygote = self.zygote.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &mut *zygote {
            match known.fork(control) {
                Ok(answer) => return answer,
                // It was killed, or never came to be; another takes its place.
                Err(_) => *zygote = None,
            }
        }
        zygote.insert(Zygote::start(&self.program)?).fork(control)?
    }
}

/// The process that forks launchers. It ends when this is dropped.
#[derive(Debug)]
struct Zygote {
    /// `None` only while it is dropped.
    control: Option<OwnedFd>,
    /// Says whether the process could be started; `None` once it is known.
    started: Option<Receiver<io::Result<()>>>,
    /// Lives as long as the process: the kernel kills a process that asked for it when the *thread* that started it ends.
    keeper: Option<JoinHandle<()>>,
}

impl Zygote {
    fn start(program: &Path) -> Result<Self, Fault> {
        let (control, theirs) = channel::pair().tried("make a socket")?;
        let mut command = Command::new(program);
        command
            .arg0(LAUNCHER_NAME)
            .env_clear()
            .envs(ALLOCATOR)
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: what a terminal sends to vetrun must not end a launcher before vetrun decides.
            .process_group(0);
        let (told, started) = mpsc::channel();
        let keeper = move || {
            let child = command.spawn();
            // It holds this side's copy of the other end of the socket.
            drop(command);
            let child = child.map_err(|error| told.send(Err(error)));
            if let Ok(mut child) = child {
                let _ = told.send(Ok(()));
                let _ = child.wait();
            }
        };
        let keeper = std::thread::Builder::new().name("launcher".to_owned()).spawn(keeper).tried("start a thread")?;
        Ok(Self { control: Some(control), started: Some(started), keeper: Some(keeper) })
    }

    /// Asks for a launcher. The outer error is that nobody answers.
    fn fork(&mut self, job: &OwnedFd) -> Result<Result<Forked, Fault>, Fault> {
        let gone = || Fault { action: "ask for a launcher".to_owned(), errno: libc::EPIPE };
        if let Some(started) = self.started.take() {
            let started = started.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe)).flatten();
            started.tried("start the launcher")?;
        }
        let control = self.control.as_ref().ok_or_else(gone)?;
        channel::send(control, &(), &[job.as_fd()]).tried("ask for a launcher")?;
        let (answer, fds) =
            channel::receive::<Result<u32, Fault>>(control, true).tried("ask for a launcher")?.ok_or_else(gone)?;
        let pidfd = fds.into_iter().next().ok_or_else(gone);
        Ok(answer.and_then(|pid| Ok(Forked { pid, pidfd: pidfd? })))
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        // It ends when nobody can ask any more.
        self.control = None;
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// What it is inside: it forks a launcher whenever it is asked to, until nobody can ask any more.
pub(super) fn serve(control: &OwnedFd) -> Result<(), Fault> {
    ids::die_with_parent()?;
    ids::check_parent(control)?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    // A host that runs out of memory should take what runs here before anything else.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    // Launchers must not keep the socket on standard input.
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).tried("open /dev/null")?;
    rustix::stdio::dup2_stdin(&null).tried("close standard input")?;
    drop(null);
    let mut children: Vec<(Pid, OwnedFd)> = Vec::new();
    loop {
        if wait(control, &mut children)? {
            let Some(((), fds)) = channel::receive::<()>(control, true).tried("hear vetrun")? else { return Ok(()) };
            let answer = fork(control, fds, &mut children);
            let pidfd = children.last().filter(|_| answer.is_ok()).map(|(_, pidfd)| pidfd.as_fd());
            channel::send(control, &answer, pidfd.as_slice()).tried("answer vetrun")?;
        }
    }
}

/// Waits for a word of vetrun or the end of a child, and reaps. Whether there is a word.
fn wait(control: &OwnedFd, children: &mut Vec<(Pid, OwnedFd)>) -> Result<bool, Fault> {
    let watched = std::iter::once(control).chain(children.iter().map(|(_, pidfd)| pidfd));
    let mut fds: Vec<PollFd<'_>> = watched.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, None)).tried("wait for vetrun")?;
    let is_ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
    let mut ended = is_ready[1..].iter();
    children.retain(|(child, _)| {
        let is_over = ended.next().is_some_and(|ended| *ended);
        if is_over {
            let _ = rustix::process::waitpid(Some(*child), WaitOptions::empty());
        }
        !is_over
    });
    Ok(is_ready[0])
}

/// Forks a launcher with the socket that was sent; its process number.
fn fork(control: &OwnedFd, fds: Vec<OwnedFd>, children: &mut Vec<(Pid, OwnedFd)>) -> Result<u32, Fault> {
    let none = || Fault { action: "fork a launcher".to_owned(), errno: libc::EBADMSG };
    let job = fds.into_iter().next().ok_or_else(none)?;
    let parent = rustix::process::getpid();
    // SAFETY: this process has a single thread.
    let Some(child) = unsafe { process::fork() }.tried("fork a launcher")? else {
        // Nothing of vetrun or of other runs stays open in it. The descriptors are its own copies.
        // SAFETY: the child never returns to whoever owns them, so that nothing closes them a second time.
        unsafe { libc::close(std::os::fd::AsRawFd::as_raw_fd(control)) };
        children.clear();
        exit_now(launcher::run(&job, parent));
    };
    // It is reaped here alone, so that the number is still its own.
    let pidfd = rustix::process::pidfd_open(child, PidfdFlags::empty()).tried("watch a launcher")?;
    children.push((child, pidfd));
    u32::try_from(child.as_raw_nonzero().get()).map_err(|_| none())
}
