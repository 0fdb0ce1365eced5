//! Watching what a program tries: a thread that answers the calls which the telling filter stops, and keeps a record.
//!
//! A refused call gets the very error that the filter would give without a watcher; it depends on the number of the call
//! alone, never on memory that the program could change meanwhile. The few calls that are stopped only to be told of go on,
//! whatever was read of them: the namespaces and the kernel decide about those, as without a watcher.

use std::os::fd::OwnedFd;
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags};

use super::attempts::{self, Attempts, Decision};
use super::notify::{Listener, Notice};
use crate::sandbox::Behaviour;

/// A thread that watches one run.
#[derive(Debug)]
pub(super) struct Trace {
    watcher: JoinHandle<Behaviour>,
    /// Tells the watcher, by being closed, that nothing more will come.
    end: OwnedFd,
}

impl Trace {
    /// Starts to answer what comes from `listener`. It goes on until the run is dead or this is dropped.
    pub(super) fn start(listener: OwnedFd) -> std::io::Result<Self> {
        let (ended, end) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let watch = move || watch(&Listener::new(listener), &ended);
        let watcher = std::thread::Builder::new().name("vetrun-trace".to_owned()).spawn(watch)?;
        Ok(Self { watcher, end })
    }

    /// What was seen. To be asked for when everything inside is dead.
    pub(super) fn finish(self) -> Behaviour {
        drop(self.end);
        self.watcher.join().unwrap_or_else(|_| Behaviour::untraced("the watcher failed"))
    }
}

fn watch(listener: &Listener, ended: &OwnedFd) -> Behaviour {
    let mut attempts = Attempts::default();
    loop {
        let mut fds = [PollFd::new(listener, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        match rustix::event::poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return attempts.finish(),
        }
        let (calls, end) = (fds[0].revents(), fds[1].revents());
        if calls.contains(PollFlags::IN) {
            match listener.receive() {
                Ok(Some(notice)) => answer(listener, &notice, &mut attempts),
                Ok(None) => {}
                Err(_) => return attempts.finish(),
            }
        } else if !(calls.is_empty() && end.is_empty()) {
            return attempts.finish();
        }
    }
}

fn answer(listener: &Listener, notice: &Notice, attempts: &mut Attempts) {
    let decision = attempts::decide(notice.number);
    attempts.record(notice, decision, || listener.waits(notice));
    match decision {
        Decision::Refuse(call) => listener.refuse(notice, call.refusal.errno()),
        Decision::Proceed(_) => listener.proceed(notice),
        Decision::Unknown => listener.refuse(notice, libc::EPERM),
    }
}
