//! The log of one vetting: what happened, in order, with the time; and the clock that the report's times are read from.

use std::time::{Duration, Instant, SystemTime};

use super::Exit;

/// What happened so far.
#[derive(Debug)]
pub(super) struct Log {
    started_at: SystemTime,
    started: Instant,
    lines: Vec<String>,
}

/// A log that is complete.
pub(super) struct Ended {
    pub(super) started_at: String,
    pub(super) finished_at: String,
    pub(super) duration: Duration,
    pub(super) lines: Vec<String>,
}

impl Log {
    /// Starts the clock and the log.
    pub(super) fn start(text: &str) -> Self {
        let mut log = Self { started_at: SystemTime::now(), started: Instant::now(), lines: Vec::new() };
        log.add(text);
        log
    }

    /// Adds a line.
    pub(super) fn add(&mut self, text: &str) {
        self.lines.push(format!("[{}] {}", rfc3339(self.now()), text.replace(['\n', '\r'], " ")));
    }

    /// Adds the last line and stops the clock.
    pub(super) fn end(mut self, exit: Exit) -> Ended {
        self.add(match exit {
            Exit::Passed => "passed",
            Exit::Blocked => "blocked",
            Exit::NotVetted => "not vetted",
            Exit::NothingToVet => "nothing to vet",
            Exit::RunFailed => "vetted, but the install or the run failed",
            Exit::Interrupted => "interrupted",
        });
        Ended {
            started_at: rfc3339(self.started_at),
            finished_at: rfc3339(self.now()),
            duration: self.started.elapsed(),
            lines: self.lines,
        }
    }

    /// The time by the monotonic clock, so that a set-back system clock cannot reorder the log.
    fn now(&self) -> SystemTime {
        self.started_at + self.started.elapsed()
    }
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
