//! Containers that are created ahead.
//!
//! A thread creates them while jobs run, and clears away what jobs have left: an empty control group, a launcher that ends,
//! mounts that nobody sees any more. Both cost the kernel as much time as a short program takes.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::PollFlags;

use super::container::{Container, Kind};
use super::net;
use super::spec::{Fault, Tried};
use super::wait::events_of;
use super::zygote::Nursery;
use crate::sandbox::locked;

/// How long a program may run before spares are created beside it.
const SHORT_PROGRAM: Duration = Duration::from_millis(5);

/// Containers that wait for a job. Dropping this ends them.
#[derive(Debug)]
pub(super) struct Spares {
    keeper: Option<Keeper>,
    store: Arc<Store>,
}

/// The thread that sees to them, until this is dropped.
#[derive(Debug)]
struct Keeper {
    /// `None` only while it is dropped.
    tasks: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Store {
    ready: Mutex<Vec<Container>>,
    /// Network namespaces that cannot be told from new ones.
    networks: Mutex<Vec<OwnedFd>>,
    /// This host's mounts, as the kernel tells of changes to them.
    mounts: Option<File>,
}

#[derive(Debug)]
enum Task {
    /// Create what lacks.
    Refill(Kind),
    /// Clear away what has ended.
    Clear(Container),
}

impl Spares {
    /// No spares, until some are put here.
    pub(super) fn none() -> Self {
        let mounts = File::open("/proc/self/mountinfo").ok();
        Self { keeper: None, store: Arc::new(Store { ready: Mutex::default(), networks: Mutex::default(), mounts }) }
    }

    /// From now on keeps up to `wanted` containers from `nursery`.
    pub(super) fn keep(&mut self, wanted: usize, nursery: Arc<Nursery>) -> Result<(), Fault> {
        let (tasks, list) = channel();
        let store = Arc::clone(&self.store);
        let thread = move || store.keep(wanted, &nursery, &list);
        let thread = std::thread::Builder::new().name("vetrun-spares".to_owned()).spawn(thread);
        self.keeper = Some(Keeper { tasks: Some(tasks), thread: Some(thread.tried("start a thread")?) });
        Ok(())
    }

    /// A spare of this kind that can be started.
    pub(super) fn take(&self, kind: &Kind) -> Option<Container> {
        self.store.take(kind)
    }

    /// A network namespace that can be used again.
    pub(super) fn network(&self) -> Option<OwnedFd> {
        self.store.network()
    }

    /// Keeps a container for the next job of its kind.
    pub(super) fn put(&self, container: Container) {
        locked(&self.store.ready).push(container);
    }

    /// Asks for spares of this kind.
    pub(super) fn refill(&self, kind: Kind) {
        self.ask(Task::Refill(kind));
    }

    /// Clears away what has ended: at once where nobody does it later.
    pub(super) fn clear(&self, container: Container) {
        self.ask(Task::Clear(container));
    }

    fn ask(&self, task: Task) {
        if let Some(tasks) = self.keeper.as_ref().and_then(|keeper| keeper.tasks.as_ref()) {
            let _ = tasks.send(task);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Store {
    /// Does what is asked for, until nobody can ask any more. A short program is left alone while it runs: what creates
    /// containers would take turns with it.
    fn keep(&self, wanted: usize, nursery: &Nursery, tasks: &Receiver<Task>) {
        let mut lacking = None;
        loop {
            let task = match lacking {
                None => tasks.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => tasks.recv_timeout(SHORT_PROGRAM),
            };
            let ended = match task {
                Ok(Task::Refill(kind)) => {
                    lacking = Some(kind);
                    continue;
                }
                Ok(Task::Clear(container)) => Some(container),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if let Some(kind) = lacking.take() {
                self.refill(&kind, wanted, nursery);
            }
            if let Some(network) = ended.and_then(Container::end) {
                self.keep_network(network, wanted);
            }
        }
    }

    /// Keeps a network namespace that cannot be told from a new one: the kernel takes as long to make one, and again to take
    /// it down, as for all else of a container.
    fn keep_network(&self, network: OwnedFd, wanted: usize) {
        let is_full = locked(&self.networks).len() >= wanted;
        if !is_full && network.try_clone().is_ok_and(net::is_as_new) {
            locked(&self.networks).push(network);
        }
    }

    fn network(&self) -> Option<OwnedFd> {
        locked(&self.networks).pop()
    }

    fn take(&self, kind: &Kind) -> Option<Container> {
        let mut ready = locked(&self.ready);
        if self.have_mounts_changed() {
            ready.clear();
        }
        let found = ready.iter().position(|spare| spare.kind == *kind && spare.is_usable());
        found.map(|place| ready.swap_remove(place))
    }

    /// Creates what lacks of one kind. What is of another, or too old, goes. Where nothing can be created, the next job
    /// will say why.
    fn refill(&self, kind: &Kind, wanted: usize, nursery: &Nursery) {
        loop {
            let gone: Vec<Container> =
                locked(&self.ready).extract_if(.., |spare| spare.kind != *kind || !spare.is_usable()).collect();
            drop(gone);
            if locked(&self.ready).len() >= wanted {
                return;
            }
            let Ok(spare) = Container::create(kind.clone(), nursery, self.network()) else { return };
            locked(&self.ready).push(spare);
        }
    }

    /// Whether anything was mounted or unmounted since this was last asked.
    fn have_mounts_changed(&self) -> bool {
        self.mounts.as_ref().is_none_or(|mounts| {
            let events = events_of(mounts, PollFlags::PRI, Duration::ZERO);
            events.is_ok_and(|events| events.contains(PollFlags::PRI))
        })
    }
}
