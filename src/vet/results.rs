//! One result for each pass, whatever became of it: no pass vanishes.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::finding::{Finding, Pass};
use crate::passes::{PassResult, Status};

/// The results of all six passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Results([PassResult; 6]);

impl Results {
    /// Six passes that have not run, all for the same reason.
    #[must_use]
    pub fn skipped(because: &str) -> Self {
        Self(std::array::from_fn(|_| PassResult::skipped(because)))
    }

    /// The result of one pass.
    #[must_use]
    pub fn of(&self, pass: Pass) -> &PassResult {
        &self.0[pass as usize]
    }

    /// Replaces the result of one pass.
    pub fn set(&mut self, pass: Pass, result: PassResult) {
        self.0[pass as usize] = result;
    }

    /// The results with their passes, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Pass, &PassResult)> {
        Pass::ALL.into_iter().map(|pass| (pass, self.of(pass)))
    }

    /// Whether any pass ended like this.
    #[must_use]
    pub fn any(&self, status: Status) -> bool {
        self.0.iter().any(|result| result.status == status)
    }
}

/// Runs one pass under the clock: what it gave, and how long it took.
pub(super) fn timed<T>(pass: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let value = pass();
    (value, started.elapsed())
}

/// What a pass did, beside its findings.
pub(super) struct Done {
    /// The pass.
    pub(super) pass: Pass,
    /// What was looked at, for the message: `3 files are valid`.
    pub(super) what: String,
    /// How long it took.
    pub(super) duration: Duration,
    /// Facts for the report.
    pub(super) details: Map<String, Value>,
}

impl Done {
    /// The result of the pass: failed when one of its findings fails the artifact.
    pub(super) fn result(self, findings: &[Finding]) -> PassResult {
        let own: Vec<_> = findings.iter().filter(|finding| finding.pass == self.pass).collect();
        let failing = own.iter().filter(|finding| finding.fails).count();
        let what = self.what;
        let message = match (own.len(), failing) {
            (0, _) => what,
            (all, 0) => format!("{what}; {}, none of which fails the artifact", count(all, "finding")),
            (all, failing) if all == failing => format!("{what}; {}", count(all, "finding")),
            (all, failing) => format!("{what}; {}, {failing} of which fail the artifact", count(all, "finding")),
        };
        let status = if failing == 0 { Status::Passed } else { Status::Failed };
        PassResult { status, message, duration: self.duration, details: self.details }
    }
}

/// `1 finding`, `2 findings`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
