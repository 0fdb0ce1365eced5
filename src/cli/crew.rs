//! The crew: threads that vet one artifact after another, in time.
//!
//! So many artifacts are vetted at once as there are seats, and so many programs run at once as there are sandboxes; an
//! artifact that is cleared leaves its seat to the next one and waits for a sandbox. No artifact holds up the others:
//!
//! - one that is *slow* gives up its seat, and another thread goes on with the rest;
//! - one that is *late* is told to stop, which the static passes look for before each file;
//! - one that does not stop is *given up*: it is reported as not vetted, and its thread is left to itself. It ends with the
//!   process at the latest, and what it says by then is not listened to.
//!
//! Threads are started as they are needed. They are no pool of tasks: a task that waits for another pool would begin further
//! tasks on its own stack meanwhile, one inside the other, until the stack is full.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::passes::parse;
use crate::sandbox::Stop;
use crate::vet::Pace;

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// Artifacts that are vetted.
    pub(super) seats: usize,
    /// Programs that run. As many cleared artifacts as there are seats may wait for that.
    pub(super) sandboxes: usize,
}

/// How long the static passes over one artifact may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until it no longer holds a seat.
    pub(super) slow: Duration,
    /// Until it is told to stop.
    pub(super) late: Duration,
    /// From then until it is given up.
    pub(super) grace: Duration,
}

impl Patience {
    /// That of a policy whose static passes may take so long.
    pub(super) fn until(late: Duration) -> Self {
        Self { slow: Duration::from_secs(1), late, grace: Duration::from_secs(5) }
    }
}

/// Artifacts that hold no seat because they are slow.
const SLOW_MAX: usize = 16;

/// How often it is looked at whether anything takes too long, or the user has interrupted.
const LOOK: Duration = Duration::from_millis(50);

/// What becomes of an artifact.
pub(super) trait Task: Send + Sync + 'static {
    /// What there is to say about one.
    type Said;

    /// Vets the artifact with this number.
    fn vet(&self, number: usize, turn: &Turn) -> Self::Said;

    /// What there is to say about one that was given up.
    fn given_up(&self, number: usize) -> Self::Said;

    /// Takes what there is to say about one. An error ends the work.
    fn take(&self, number: usize, said: Self::Said) -> io::Result<()>;
}

/// Vets the artifacts with the numbers from 0 to `count`, until all are done or `interrupted` is raised. Returns how many
/// threads are left to themselves; all others have ended, and hold nothing of the task any more.
///
/// # Errors
/// What [`Task::take`] returned, or the system when it gives no thread.
pub(super) fn work<T: Task>(
    task: &Arc<T>,
    count: usize,
    places: Places,
    patience: Patience,
    interrupted: &Stop,
) -> io::Result<usize> {
    let crew = Arc::new(Crew {
        count,
        places,
        patience,
        state: Mutex::default(),
        seats: Condvar::new(),
        ended: Condvar::new(),
    });
    let staff = Staff { crew: Arc::clone(&crew), task: Arc::clone(task) };
    for _ in 0..places.seats.min(count) {
        staff.start()?;
    }
    staff.watch(interrupted);
    drop(staff);
    let mut state = crew.lock();
    if let Some(panic) = state.panic.take() {
        drop(state);
        resume_unwind(panic);
    }
    state.error.take().map_or(Ok(state.lost), Err)
}

/// The crew, as its threads share it.
#[derive(Debug)]
struct Crew {
    count: usize,
    places: Places,
    patience: Patience,
    state: Mutex<State>,
    /// Who waits for a seat or a sandbox.
    seats: Condvar,
    /// Who waits for the end.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: usize,
    /// Artifacts that hold a seat, that gave theirs up, that wait for a sandbox, and that run.
    seated: usize,
    slow: usize,
    queued: usize,
    running: usize,
    /// Threads, and those of them that are left to themselves.
    threads: usize,
    lost: usize,
    /// What is being worked on.
    open: BTreeMap<usize, Slot>,
    /// No artifact is begun any more.
    closed: bool,
    interrupted: bool,
    error: Option<io::Error>,
    panic: Option<Box<dyn Any + Send>>,
}

/// One artifact in work.
#[derive(Debug)]
struct Slot {
    stop: Stop,
    at: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It is read.
    Reading,
    /// The static passes are at it since then, and it holds a seat.
    Passes(Instant),
    /// The same, and it has given its seat up.
    Slow(Instant),
    /// Its static passes are over: it waits, runs, or is reported.
    Behind,
}

impl State {
    /// Whether there are artifacts that nobody has begun.
    fn has_more(&self, count: usize) -> bool {
        !self.closed && self.next < count
    }

    /// Threads that are at no artifact.
    fn free(&self) -> usize {
        self.threads - self.lost - self.open.len()
    }

    /// The artifact gives up what it holds for its static passes.
    fn leave_seat(&mut self, at: Place) {
        match at {
            Place::Reading | Place::Passes(_) => self.seated -= 1,
            Place::Slow(_) => self.slow -= 1,
            Place::Behind => {}
        }
    }
}

impl Crew {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, condition: &Condvar, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        condition.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a seat and takes the next artifact.
    fn next(self: &Arc<Self>) -> Option<Turn> {
        let mut state = self.lock();
        while state.has_more(self.count) && (state.seated >= self.places.seats || state.queued >= self.places.seats) {
            state = self.wait(&self.seats, state);
        }
        if !state.has_more(self.count) {
            return None;
        }
        let number = state.next;
        (state.next, state.seated) = (state.next + 1, state.seated + 1);
        let stop = Stop::default();
        state.open.insert(number, Slot { stop: stop.clone(), at: Place::Reading });
        if !state.has_more(self.count) {
            self.seats.notify_all();
        }
        Some(Turn { crew: Arc::clone(self), number, stop })
    }

    /// Ends the work after what is begun.
    fn close(&self, state: &mut State) {
        state.closed = true;
        self.seats.notify_all();
        self.ended.notify_all();
    }
}

/// One artifact's turn.
#[derive(Debug)]
pub(super) struct Turn {
    crew: Arc<Crew>,
    number: usize,
    stop: Stop,
}

impl Turn {
    /// The artifact has been read: its time begins.
    pub(super) fn begins(&self) {
        if let Some(slot) = self.crew.lock().open.get_mut(&self.number) {
            slot.at = Place::Passes(Instant::now());
        }
    }

    /// There is something to say, which is listened to from here on, whatever the time is.
    fn ends(&self) -> Heard {
        let mut state = self.crew.lock();
        let cut_short = state.interrupted && self.stop.is_raised();
        let Some(slot) = state.open.get_mut(&self.number) else { return Heard::GivenUp };
        let at = std::mem::replace(&mut slot.at, Place::Behind);
        state.leave_seat(at);
        if state.free() > 0 {
            self.crew.seats.notify_all();
        }
        if cut_short { Heard::CutShort } else { Heard::Well }
    }
}

/// What becomes of what was said of an artifact.
enum Heard {
    /// It counts.
    Well,
    /// The user has interrupted it.
    CutShort,
    /// Something else was said instead.
    GivenUp,
}

impl Pace for Turn {
    fn stop(&self) -> &Stop {
        &self.stop
    }

    fn run(&self, program: &mut dyn FnMut()) {
        let crew = &self.crew;
        let mut state = crew.lock();
        let Some(slot) = state.open.get_mut(&self.number) else { return };
        let at = std::mem::replace(&mut slot.at, Place::Behind);
        state.leave_seat(at);
        state.queued += 1;
        crew.ended.notify_all();
        crew.seats.notify_all();
        while state.running >= crew.places.sandboxes && !state.interrupted {
            state = crew.wait(&crew.seats, state);
        }
        state.queued -= 1;
        state.running += 1;
        drop(state);
        crew.seats.notify_all();
        let ran = catch_unwind(AssertUnwindSafe(program));
        crew.lock().running -= 1;
        crew.seats.notify_all();
        ran.unwrap_or_else(|panic| resume_unwind(panic));
    }
}

/// The crew and what it works on.
struct Staff<T> {
    crew: Arc<Crew>,
    task: Arc<T>,
}

impl<T: Task> Staff<T> {
    /// Starts one more thread.
    fn start(&self) -> io::Result<()> {
        self.crew.lock().threads += 1;
        let (crew, task) = (Arc::clone(&self.crew), Arc::clone(&self.task));
        let started = parse::start(move || {
            let worked = catch_unwind(AssertUnwindSafe(|| Self::serve(&crew, &*task)));
            drop(task);
            let mut state = crew.lock();
            match worked {
                Ok(true) => state.lost -= 1,
                Ok(false) => {}
                Err(panic) => {
                    state.panic.get_or_insert(panic);
                    crew.close(&mut state);
                }
            }
            state.threads -= 1;
            crew.ended.notify_all();
        });
        started.map(drop).inspect_err(|_| self.crew.lock().threads -= 1)
    }

    /// Vets one artifact after another; whether the last of them was given up meanwhile.
    fn serve(crew: &Arc<Crew>, task: &T) -> bool {
        while let Some(turn) = crew.next() {
            let said = task.vet(turn.number, &turn);
            let taken = match turn.ends() {
                Heard::Well => task.take(turn.number, said),
                Heard::CutShort => Ok(()),
                Heard::GivenUp => return true,
            };
            let mut state = crew.lock();
            state.open.remove(&turn.number);
            if let Err(error) = taken {
                state.error.get_or_insert(error);
                crew.close(&mut state);
            }
        }
        false
    }

    /// Looks after the crew until all threads have ended, but for those that are left to themselves.
    fn watch(&self, interrupted: &Stop) {
        loop {
            let mut state = self.crew.lock();
            if state.threads == state.lost {
                return;
            }
            if interrupted.is_raised() && !state.interrupted {
                state.interrupted = true;
                self.crew.close(&mut state);
            }
            let given_up = self.look(&mut state);
            let more = state.has_more(self.crew.count) && state.seated < self.crew.places.seats && state.free() == 0;
            let room = state.threads < 2 * self.crew.places.seats + self.crew.places.sandboxes + SLOW_MAX;
            let ends = state.interrupted;
            drop(state);
            for number in given_up.into_iter().filter(|_| !ends) {
                if let Err(error) = self.task.take(number, self.task.given_up(number)) {
                    let mut state = self.crew.lock();
                    state.error.get_or_insert(error);
                    self.crew.close(&mut state);
                }
            }
            // Where no further thread is to be had, those that are there go on.
            if !(more && room && self.start().is_ok()) {
                let state = self.crew.lock();
                if state.threads != state.lost {
                    drop(self.crew.ended.wait_timeout(state, LOOK));
                }
            }
        }
    }

    /// Looks at what takes too long; returns what is given up.
    fn look(&self, state: &mut State) -> Vec<usize> {
        let Patience { slow, late, grace } = self.crew.patience;
        let now = Instant::now();
        let mut given_up = Vec::new();
        let State { open, seated, slow: slows, interrupted, next, closed, .. } = state;
        let has_more = !*closed && *next < self.crew.count;
        for (number, slot) in open.iter_mut() {
            let (Place::Passes(since) | Place::Slow(since)) = slot.at else { continue };
            let spent = now.duration_since(since);
            if *interrupted || spent >= late {
                slot.stop.raise();
            }
            if spent >= late.saturating_add(grace) || (*interrupted && spent >= grace) {
                given_up.push(*number);
            } else if slot.at == Place::Passes(since) && spent >= slow && has_more && *slows < SLOW_MAX {
                slot.at = Place::Slow(since);
                (*seated, *slows) = (*seated - 1, *slows + 1);
            }
        }
        for number in &given_up {
            if let Some(slot) = state.open.remove(number) {
                state.leave_seat(slot.at);
                state.lost += 1;
            }
        }
        if !given_up.is_empty() {
            self.crew.seats.notify_all();
        }
        given_up
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::thread::sleep;

    use super::*;

    const TICK: Duration = Duration::from_millis(10);

    /// What each artifact does, and what was said of all.
    struct Script<F> {
        vet: F,
        said: Mutex<Vec<(usize, &'static str)>>,
    }

    impl<F: Fn(usize, &Turn) -> &'static str + Send + Sync + 'static> Task for Script<F> {
        type Said = &'static str;

        fn vet(&self, number: usize, turn: &Turn) -> &'static str {
            turn.begins();
            (self.vet)(number, turn)
        }

        fn given_up(&self, _: usize) -> &'static str {
            "given up"
        }

        fn take(&self, number: usize, said: &'static str) -> io::Result<()> {
            self.said.lock().expect("nobody panics").push((number, said));
            if said == "unwritable" { Err(io::Error::other(said)) } else { Ok(()) }
        }
    }

    /// Generous but for what a test is about.
    const LONG: Duration = Duration::from_secs(30);

    fn worked<F: Fn(usize, &Turn) -> &'static str + Send + Sync + 'static>(
        count: usize,
        places: (usize, usize),
        patience: Patience,
        interrupted: &Stop,
        vet: F,
    ) -> (io::Result<usize>, Vec<(usize, &'static str)>) {
        let task = Arc::new(Script { vet, said: Mutex::default() });
        let places = Places { seats: places.0, sandboxes: places.1 };
        let lost = work(&task, count, places, patience, interrupted);
        let mut said = task.said.lock().expect("nobody panics").clone();
        said.sort_unstable();
        (lost, said)
    }

    const PATIENT: Patience = Patience { slow: LONG, late: LONG, grace: LONG };

    #[test]
    fn every_artifact_is_vetted_once() {
        for seats in [1, 3] {
            let (lost, said) = worked(500, (seats, 1), PATIENT, &Stop::default(), |_, _| "done");
            assert_eq!(lost.ok(), Some(0));
            assert_eq!(said, (0..500).map(|number| (number, "done")).collect::<Vec<_>>());
        }
        assert_eq!(worked(0, (2, 1), PATIENT, &Stop::default(), |_, _| "done").1, []);
    }

    #[test]
    fn a_slow_artifact_holds_up_no_other_even_where_one_is_vetted_at_a_time() {
        let done = Arc::new(AtomicUsize::new(0));
        let patience = Patience { slow: TICK, ..PATIENT };
        let (lost, said) = worked(20, (1, 1), patience, &Stop::default(), move |number, _| {
            while number == 0 && done.load(Ordering::SeqCst) < 19 {
                sleep(TICK);
            }
            done.fetch_add(1, Ordering::SeqCst);
            "done"
        });
        assert_eq!(lost.ok(), Some(0));
        assert_eq!(said.len(), 20);
    }

    #[test]
    fn a_late_artifact_is_told_to_stop_and_one_that_does_not_is_given_up() {
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let patience = Patience { slow: LONG, late: 5 * TICK, grace: 20 * TICK };
        let (lost, said) = worked(4, (1, 1), patience, &Stop::default(), move |number, turn| match number {
            1 => {
                while !turn.stop().is_raised() {
                    sleep(TICK);
                }
                "stopped"
            }
            2 => {
                while !end.load(Ordering::SeqCst) {
                    sleep(TICK);
                }
                "nobody listens"
            }
            _ => "done",
        });
        assert_eq!(lost.ok(), Some(1));
        assert_eq!(said, [(0, "done"), (1, "stopped"), (2, "given up"), (3, "done")]);
        ended.store(true, Ordering::SeqCst);
    }

    #[test]
    fn programs_run_beside_the_vetting_and_not_too_many_of_them() {
        let (running, most, vetted) =
            (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (seen, all) = (Arc::clone(&most), Arc::clone(&vetted));
        let (lost, said) = worked(12, (1, 2), PATIENT, &Stop::default(), move |number, turn| {
            vetted.fetch_add(1, Ordering::SeqCst);
            turn.run(&mut || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // The first runs until others are vetted, with one seat.
                while number == 0 && vetted.load(Ordering::SeqCst) < 3 {
                    sleep(TICK);
                }
                sleep(TICK);
                running.fetch_sub(1, Ordering::SeqCst);
            });
            "done"
        });
        assert_eq!((lost.ok(), said.len(), all.load(Ordering::SeqCst)), (Some(0), 12, 12));
        assert_eq!(seen.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn what_cannot_be_written_ends_the_work() {
        let (lost, said) =
            worked(100, (1, 1), PATIENT, &Stop::default(), |number, _| if number == 3 { "unwritable" } else { "done" });
        assert_eq!(lost.expect_err("it cannot be written").to_string(), "unwritable");
        assert_eq!(said.len(), 4);
    }

    #[test]
    fn an_interruption_ends_the_work_and_what_it_cut_short_is_not_reported() {
        let interrupted = Stop::default();
        let raise = interrupted.clone();
        let (lost, said) = worked(100, (2, 1), PATIENT, &interrupted, move |number, turn| {
            if number == 5 {
                raise.raise();
                while !turn.stop().is_raised() {
                    sleep(TICK);
                }
            }
            sleep(TICK);
            "done"
        });
        assert_eq!(lost.ok(), Some(0));
        assert!((5..100).contains(&said.len()) && !said.iter().any(|(number, _)| *number == 5), "{said:?}");
    }

    #[test]
    fn a_panic_is_one_of_the_caller() {
        let work =
            || worked(9, (2, 1), PATIENT, &Stop::default(), |number, _| if number == 4 { panic!("four") } else { "" });
        let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("it panics");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"four"));
    }
}
