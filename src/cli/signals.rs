//! Interruption: the first signal ends the runs in progress and lets everything be cleaned up; the second ends vetrun.

use std::io;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::sandbox::Stop;
use crate::vet::Exit;

/// What the first signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnSignal {
    /// Nothing is running that would need cleaning up: exit at once.
    Exit,
    /// End the runs in progress, clean up, and exit by the ordinary way.
    Stop,
}

/// Watches for SIGINT, SIGTERM and SIGHUP from now on.
pub(super) fn watch(on_signal: OnSignal) -> io::Result<Stop> {
    let stop = Stop::default();
    let raised = stop.clone();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _signal in signals.forever() {
            if on_signal == OnSignal::Exit || raised.is_raised() {
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
            raised.raise();
        }
    })?;
    Ok(stop)
}
