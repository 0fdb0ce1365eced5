//! Interruption: the first signal ends the runs in progress and lets everything be cleaned up; a later one ends vetrun.
//!
//! One interruption often arrives as several signals: `timeout` signals its child and then the child's whole group, and a
//! closed terminal is told by the kernel and by the shell. What comes right after the first signal is still the first.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_shutdown;
use signal_hook::iterator::Signals;

use crate::sandbox::Stop;
use crate::vet::Exit;

/// The signals that end vetrun.
const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// How long further signals belong to the first one.
const ONE_INTERRUPTION: Duration = Duration::from_secs(1);

/// What the first signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnSignal {
    /// Nothing is running that would need cleaning up: exit at once.
    Exit,
    /// The same, but as "not vetted": whoever asked may take any other code for consent.
    Refuse,
    /// End the runs in progress, clean up, and exit by the ordinary way.
    Stop,
}

/// Watches for SIGINT, SIGTERM and SIGHUP from now on.
pub(super) fn watch(on_signal: OnSignal) -> io::Result<Stop> {
    let stop = Stop::default();
    match on_signal {
        OnSignal::Exit => exit_at_once(Exit::Interrupted)?,
        OnSignal::Refuse => exit_at_once(Exit::NotVetted)?,
        OnSignal::Stop => raise_at_first(stop.clone())?,
    }
    Ok(stop)
}

/// The handler of the signals itself exits; no thread waits for them.
fn exit_at_once(exit: Exit) -> io::Result<()> {
    for signal in ENDING {
        let always = Arc::new(AtomicBool::new(true));
        register_conditional_shutdown(signal, i32::from(exit.code()), always)?;
    }
    Ok(())
}

/// A thread raises `stop` at the first signal, and exits at one that does not belong to it.
fn raise_at_first(stop: Stop) -> io::Result<()> {
    let mut signals = Signals::new(ENDING)?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut first: Option<Instant> = None;
        for _signal in signals.forever() {
            if first.is_some_and(|first| first.elapsed() > ONE_INTERRUPTION) {
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
            first.get_or_insert_with(Instant::now);
            stop.raise();
        }
    })?;
    Ok(())
}
