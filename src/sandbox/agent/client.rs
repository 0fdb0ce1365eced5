//! The connection to one agent: who writes frames, and who gets those that arrive.
//!
//! One thread reads. It never waits for the other side of a connection, because an agent lets only so much of one be on its
//! way; it waits for whoever takes a program's output, so that a flood stands still.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use super::wire::{self, CHUNK_BYTES, Frame, WINDOW_BYTES};
use crate::sandbox::Stop;

/// How long an agent may take to speak once its container has started.
const GREETING_MAX: Duration = Duration::from_secs(60);
/// How long an order may take that is no program.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How often the stop flag is looked at.
const TICK: Duration = Duration::from_millis(40);
/// Frames of one program that wait to be taken.
const FRAMES_MAX: usize = 64;
/// Numbers from here on are the agent's to give.
const CAME: u32 = 1 << 31;

/// Why an agent did not do something.
#[derive(Debug, thiserror::Error)]
pub(in crate::sandbox) enum AgentError {
    /// It is gone, or does not answer.
    #[error("the agent in the container is gone")]
    Lost,
    /// It tried and could not.
    #[error("{0}")]
    Refused(String),
    /// It did not keep to the form.
    #[error("the agent in the container speaks another language: {0}")]
    Form(&'static str),
    /// This side could not do its part.
    #[error(transparent)]
    Here(#[from] io::Error),
}

/// Where the frames with one number go.
enum Route {
    /// To somebody who is waited for.
    Program(SyncSender<Frame>),
    /// To somebody who can have only so many.
    Connection(Sender<Frame>),
}

/// A number and what is known of it.
struct Known {
    route: Route,
    window: Arc<Window>,
}

/// A connection that came from inside, and what arrives of it.
pub(super) type Coming = (u32, Receiver<Frame>);

/// The connection to an agent. Dropping it ends the agent, and with it everything in its container.
pub(in crate::sandbox) struct Agent {
    stream: UnixStream,
    writer: Mutex<UnixStream>,
    /// `None` once the agent is gone.
    known: Mutex<Option<HashMap<u32, Known>>>,
    next: AtomicU32,
    /// Who gets connections that come from inside.
    comings: Mutex<Option<Sender<Coming>>>,
    /// What held in the container when the agent began, as it tells it.
    facts: BTreeMap<String, String>,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.end();
    }
}

impl Agent {
    /// Waits for the agent's greeting, and begins to listen to it; `None` when that was stopped.
    pub(in crate::sandbox) fn meet(mut stream: UnixStream, stop: &Stop) -> Result<Option<Arc<Self>>, AgentError> {
        let deadline = Instant::now() + GREETING_MAX;
        while !is_readable(&stream)? {
            if stop.is_raised() {
                return Ok(None);
            }
            if Instant::now() >= deadline {
                return Err(AgentError::Lost);
            }
        }
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        let greeting = wire::read(&mut stream).map_err(|_| AgentError::Lost)?.ok_or(AgentError::Lost)?;
        stream.set_read_timeout(None)?;
        let facts = facts(&greeting)?;
        let writer = Mutex::new(stream.try_clone()?);
        let (known, next) = (Mutex::new(Some(HashMap::new())), AtomicU32::new(1));
        let reader = stream.try_clone()?;
        let agent = Arc::new(Self { stream, writer, known, next, comings: Mutex::default(), facts });
        let listening = Arc::downgrade(&agent);
        std::thread::Builder::new().name("vetrun-agent".to_owned()).spawn(move || {
            listen(reader, |frame| listening.upgrade().is_some_and(|agent| agent.take(frame)));
            if let Some(agent) = listening.upgrade() {
                agent.lose();
            }
        })?;
        Ok(Some(agent))
    }

    /// What held in the container when the agent began.
    pub(in crate::sandbox) fn facts(&self) -> &BTreeMap<String, String> {
        &self.facts
    }

    /// Whether it answers within a moment.
    pub(in crate::sandbox) fn is_there(&self) -> bool {
        let Ok(heard) = self.begin(b'H', b"") else { return false };
        heard.next(ANSWER_MAX).is_ok_and(|frame| facts(&frame).is_ok())
    }

    /// Ends it, and with it everything in its container.
    pub(in crate::sandbox) fn end(&self) {
        // Who is gone needs not be told.
        let _ = self.send(b'Q', 0, b"");
        let _ = self.stream.shutdown(Shutdown::Both);
        self.lose();
    }

    /// Sends a frame.
    pub(super) fn send(&self, kind: u8, number: u32, data: &[u8]) -> Result<(), AgentError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        wire::write(&mut *writer, kind, number, data).map_err(|_| AgentError::Lost)
    }

    /// Gives an order, whose answers are heard until the listener is dropped.
    pub(super) fn begin(&self, kind: u8, data: &[u8]) -> Result<Heard<'_>, AgentError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % CAME;
        let (to, from) = mpsc::sync_channel(FRAMES_MAX);
        let heard = self.hear(number, Route::Program(to), from)?;
        self.send(kind, number, data)?;
        Ok(heard)
    }

    /// Gives an order that opens a connection, whose data are heard once it is open.
    pub(super) fn connect(&self, data: &[u8]) -> Result<Heard<'_>, AgentError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % CAME;
        let (to, from) = mpsc::channel();
        let heard = self.hear(number, Route::Connection(to), from)?;
        self.send(b'C', number, data)?;
        if let Err(error) = heard.answer() {
            // It may still come about.
            heard.line.send(b'X', b"")?;
            return Err(error);
        }
        Ok(heard)
    }

    /// Hears a connection that came by itself, whose frames may be there already.
    pub(super) fn came(&self, number: u32, from: Receiver<Frame>) -> Option<Heard<'_>> {
        let known = self.known();
        let window = Arc::clone(&known.as_ref()?.get(&number)?.window);
        drop(known);
        Some(Heard { line: Line { agent: self, number, window }, from })
    }

    fn hear(&self, number: u32, route: Route, from: Receiver<Frame>) -> Result<Heard<'_>, AgentError> {
        let window = Arc::new(Window::default());
        let known = Known { route, window: Arc::clone(&window) };
        self.known().as_mut().ok_or(AgentError::Lost)?.insert(number, known);
        Ok(Heard { line: Line { agent: self, number, window }, from })
    }

    fn known(&self) -> MutexGuard<'_, Option<HashMap<u32, Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a frame to whom it is for; false where the agent does not keep to the form.
    fn take(&self, frame: Frame) -> bool {
        if frame.kind == b'N' {
            return frame.value().is_some_and(|number| self.expect(number));
        }
        let held = self.known();
        let Some(known) = held.as_ref().and_then(|all| all.get(&frame.number)) else { return true };
        if frame.kind == b'A' {
            return frame.value().is_some_and(|bytes| known.window.widen(bytes));
        }
        match &known.route {
            Route::Connection(to) => {
                // Who does not hear any more has let go of it.
                let _ = to.send(frame);
            }
            Route::Program(to) => {
                let to = to.clone();
                drop(held);
                let _ = to.send(frame);
            }
        }
        true
    }

    /// The connections that come from inside, from now on.
    pub(super) fn comings(&self) -> Receiver<Coming> {
        let (to, from) = mpsc::channel();
        *self.comings.lock().unwrap_or_else(PoisonError::into_inner) = Some(to);
        from
    }

    /// Knows a connection that comes, before anything of it arrives; false where its number is none that an agent gives.
    fn expect(&self, number: u32) -> bool {
        let comings = self.comings.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(comings), true) = (comings.as_ref(), number >= CAME) else { return false };
        let (to, from) = mpsc::channel();
        let known = Known { route: Route::Connection(to), window: Arc::default() };
        if let Some(all) = self.known().as_mut() {
            all.insert(number, known);
        }
        // Who does not serve any more lets it wait until everything ends.
        let _ = comings.send((number, from));
        true
    }

    /// Lets everybody know that nothing comes any more.
    fn lose(&self) {
        for (_, known) in self.known().take().into_iter().flatten() {
            known.window.close();
        }
    }
}

fn listen(mut reader: UnixStream, mut take: impl FnMut(Frame) -> bool) {
    while let Ok(Some(frame)) = wire::read(&mut reader) {
        if !take(frame) {
            return;
        }
    }
}

fn is_readable(stream: &UnixStream) -> Result<bool, AgentError> {
    let mut fds = [PollFd::new(stream, PollFlags::IN)];
    let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
    match rustix::event::poll(&mut fds, Some(&tick)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

fn facts(frame: &Frame) -> Result<BTreeMap<String, String>, AgentError> {
    let text = String::from_utf8_lossy(&frame.data);
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    let mut facts: BTreeMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    match (frame.kind, facts.remove("hello").as_deref()) {
        (b'H', Some("1")) => Ok(facts),
        _ => Err(AgentError::Form("no greeting")),
    }
}

/// What comes about one number. Nothing more is heard when this is dropped.
pub(super) struct Heard<'a> {
    pub(super) line: Line<'a>,
    from: Receiver<Frame>,
}

impl Heard<'_> {
    /// The next frame, within that time.
    pub(super) fn next(&self, within: Duration) -> Result<Frame, AgentError> {
        self.from.recv_timeout(within).map_err(|_| AgentError::Lost)
    }

    /// The next frame, if one comes within that time.
    pub(super) fn try_next(&self, within: Duration) -> Result<Option<Frame>, AgentError> {
        match self.from.recv_timeout(within) {
            Ok(frame) => Ok(Some(frame)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(AgentError::Lost),
        }
    }

    /// Waits until the order is done.
    pub(super) fn answer(&self) -> Result<(), AgentError> {
        let frame = self.next(ANSWER_MAX)?;
        match (frame.kind, frame.data.as_slice()) {
            (b'R', []) => Ok(()),
            (b'R', why) => Err(AgentError::Refused(String::from_utf8_lossy(why).into_owned())),
            _ => Err(AgentError::Form("no answer")),
        }
    }
}

impl Drop for Heard<'_> {
    fn drop(&mut self) {
        if let Some(known) = self.line.agent.known().as_mut() {
            known.remove(&self.line.number);
        }
        self.line.close();
    }
}

/// What is said about one number.
pub(super) struct Line<'a> {
    agent: &'a Agent,
    pub(super) number: u32,
    window: Arc<Window>,
}

impl Line<'_> {
    /// Sends data, as much at a time as the other side lets be on its way; false once it does not want any more.
    pub(super) fn pass(&self, kind: u8, mut data: &[u8]) -> Result<bool, AgentError> {
        while !data.is_empty() {
            let Some(count) = self.window.take(data.len().min(CHUNK_BYTES)) else { return Ok(false) };
            let (now, later) = data.split_at(count);
            self.send(kind, now)?;
            data = later;
        }
        Ok(true)
    }

    /// Sends a frame.
    pub(super) fn send(&self, kind: u8, data: &[u8]) -> Result<(), AgentError> {
        self.agent.send(kind, self.number, data)
    }

    /// Lets no more be passed.
    pub(super) fn close(&self) {
        self.window.close();
    }
}

/// How many bytes may be sent before some are taken.
struct Window {
    /// `None` once nothing may be sent any more.
    left: Mutex<Option<usize>>,
    changed: Condvar,
}

impl Default for Window {
    fn default() -> Self {
        Self { left: Mutex::new(Some(WINDOW_BYTES)), changed: Condvar::new() }
    }
}

impl Window {
    /// Waits until something may be sent, and takes up to `wanted` bytes of it; `None` once nothing may.
    fn take(&self, wanted: usize) -> Option<usize> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.changed.wait_while(left, |left| *left == Some(0));
        let mut left = left.unwrap_or_else(PoisonError::into_inner);
        let count = (*left)?.min(wanted);
        *left = left.map(|bytes| bytes - count);
        Some(count)
    }

    /// Lets more be sent; false where that is more than there ever was.
    fn widen(&self, bytes: u32) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(now) = *left else { return true };
        let wider = now.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
        if wider > WINDOW_BYTES {
            return false;
        }
        *left = Some(wider);
        self.changed.notify_all();
        true
    }

    /// Lets nothing be sent any more.
    fn close(&self) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An agent, and the other end of its stream.
    fn met() -> (Arc<Agent>, UnixStream) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        wire::write(&mut theirs, b'H', 0, b"hello 1\nUid 5 5").unwrap();
        (Agent::meet(ours, &Stop::default()).unwrap().unwrap(), theirs)
    }

    #[test]
    fn the_greeting_tells_what_holds() {
        let (agent, _theirs) = met();
        assert_eq!(agent.facts()["Uid"], "5 5");
        for other in [&b"hello 2"[..], b"", b"Uid 5"] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            wire::write(&mut theirs, b'H', 0, other).unwrap();
            assert!(matches!(Agent::meet(ours, &Stop::default()), Err(AgentError::Form(_))), "{other:?}");
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert!(matches!(Agent::meet(ours, &Stop::default()), Err(AgentError::Lost)));
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let stop = Stop::default();
        stop.raise();
        assert!(matches!(Agent::meet(ours, &stop), Ok(None)));
    }

    #[test]
    fn an_answer_goes_to_whom_it_is_for() {
        let (agent, mut theirs) = met();
        let (one, other) = (agent.begin(b'W', b"x").unwrap(), agent.begin(b'W', b"y").unwrap());
        wire::write(&mut theirs, b'R', 12345, b"for nobody").unwrap();
        wire::write(&mut theirs, b'R', other.line.number, b"no space").unwrap();
        wire::write(&mut theirs, b'R', one.line.number, b"").unwrap();
        assert!(one.answer().is_ok());
        assert!(matches!(other.answer(), Err(AgentError::Refused(why)) if why == "no space"));
        drop(theirs);
        assert!(matches!(one.answer(), Err(AgentError::Lost)));
        assert!(matches!(agent.begin(b'W', b"z").map(drop), Err(AgentError::Lost)));
    }

    #[test]
    fn no_more_is_on_its_way_than_may_be() {
        let (agent, mut theirs) = met();
        let heard = agent.begin(b'P', b"x").unwrap();
        let all = vec![b'i'; WINDOW_BYTES + 10];
        std::thread::scope(|scope| {
            let feeding = scope.spawn(|| heard.line.pass(b'I', &all));
            let mut read = || wire::read(&mut theirs).unwrap().unwrap();
            let order = read();
            let mut arrived = 0;
            while arrived < WINDOW_BYTES {
                arrived += read().data.len();
            }
            assert_eq!((order.kind, arrived), (b'P', WINDOW_BYTES));
            assert!(!feeding.is_finished(), "the rest waits");
            wire::write(&mut theirs, b'A', order.number, &10_u32.to_be_bytes()).unwrap();
            assert_eq!(wire::read(&mut theirs).unwrap().unwrap().data.len(), 10);
            assert!(feeding.join().unwrap().unwrap());
        });
    }

    #[test]
    fn who_gives_back_more_than_it_got_is_not_heard_any_more() {
        let (agent, mut theirs) = met();
        let heard = agent.begin(b'P', b"x").unwrap();
        wire::write(&mut theirs, b'A', heard.line.number, &1_u32.to_be_bytes()).unwrap();
        assert!(matches!(heard.next(ANSWER_MAX), Err(AgentError::Lost)));
    }

    #[test]
    fn a_connection_that_comes_unasked_is_not_taken() {
        let (agent, mut theirs) = met();
        let heard = agent.begin(b'P', b"x").unwrap();
        wire::write(&mut theirs, b'N', 1, &(CAME + 1).to_be_bytes()).unwrap();
        assert!(matches!(heard.next(ANSWER_MAX), Err(AgentError::Lost)), "nobody waits for any");
        let (agent, mut theirs) = met();
        let comings = agent.comings();
        wire::write(&mut theirs, b'N', 1, &(CAME + 1).to_be_bytes()).unwrap();
        wire::write(&mut theirs, b'D', CAME + 1, b"data").unwrap();
        let (number, from) = comings.recv_timeout(ANSWER_MAX).unwrap();
        let heard = agent.came(number, from).unwrap();
        assert_eq!(heard.next(ANSWER_MAX).unwrap().data, b"data");
        wire::write(&mut theirs, b'N', 1, &7_u32.to_be_bytes()).unwrap();
        assert!(matches!(heard.next(ANSWER_MAX), Err(AgentError::Lost)), "that is no number of an agent's");
    }
}
