//! Parsing and scanning in one go: each file is scanned right after it was parsed, by the thread that parsed it, so that
//! what the scan needs of it is held for one file a thread and not for the whole artifact.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::results::timed;
use crate::artifact::{Artifact, SourceFile};
use crate::finding::Finding;
use crate::passes::parse::{Outcome, Parsed, Target, Watch, parse_in_turn};
use crate::passes::scan::Scanner;
use crate::policy::Policy;
use crate::rules::RuleSet;
use crate::sandbox::Stop;

/// An artifact that was parsed and scanned, but for what is said of all its files together.
pub(super) struct Looked<'a, 'r> {
    pub(super) parsed: Parsed<'a>,
    /// What parsing found.
    pub(super) findings: Vec<Finding>,
    /// What knows what scanning found.
    pub(super) scanner: Scanner<'r>,
    /// How long each of the two took: the time of both, shared out by what the threads spent on either.
    pub(super) parsing: Duration,
    pub(super) scanning: Duration,
}

/// A scanner beside two clocks, in nanoseconds of all threads.
struct Clocked<'r> {
    scanner: Scanner<'r>,
    stop: &'r Stop,
    parsing: AtomicU64,
    scanning: AtomicU64,
}

impl Watch for Clocked<'_> {
    fn goes_on(&self) -> bool {
        !self.stop.is_raised()
    }

    fn file<'a>(&self, at: usize, parse: impl FnOnce() -> Outcome<'a>) -> Outcome<'a> {
        let (outcome, parsing) = timed(parse);
        let ((), scanning) = timed(|| self.scanner.file(at, &outcome.file));
        add(&self.parsing, parsing);
        add(&self.scanning, scanning);
        outcome
    }

    fn turn_ends(&mut self) {
        self.scanner.turn_ends();
    }
}

/// Parses and scans the files of an artifact; once `stop` is raised, the rest of them are left as they are.
pub(super) fn look<'a, 'r>(
    artifact: &'a Artifact,
    policy: &'r Policy,
    rules: &'r RuleSet,
    target: &Target,
    stop: &'r Stop,
) -> Looked<'a, 'r> {
    let sources: Vec<&SourceFile> = artifact.files.iter().collect();
    let ((scanner, turns), ordering) = timed(|| Scanner::new(&sources, rules, &policy.scan));
    let mut clocked = Clocked { scanner, stop, parsing: AtomicU64::new(0), scanning: AtomicU64::new(0) };
    let ((parsed, findings), both) = timed(|| parse_in_turn(artifact, &policy.parse, target, &turns, &mut clocked));
    let Clocked { scanner, parsing, scanning, .. } = clocked;
    let (parsing, scanning) = (parsing.into_inner(), scanning.into_inner());
    let share = both.as_nanos().saturating_mul(parsing.into()) / u128::from(parsing.saturating_add(scanning).max(1));
    let parsing = Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX));
    Looked { parsed, findings, scanner, parsing, scanning: ordering + both.saturating_sub(parsing) }
}

fn add(clock: &AtomicU64, time: Duration) {
    clock.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}
