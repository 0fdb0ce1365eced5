//! What is done about a stopped call, and the record of all of them.
//!
//! The record does not grow with the number of calls: a flood is counted, and its targets are not kept.

use std::collections::BTreeMap;

use libc::c_long;

use super::notify::Notice;
use super::reading::Reader;
use super::seccomp_rules::{Call, REFUSED, REFUSED_BY_ARGUMENT, REFUSED_HERE, REFUSED_WHERE_SAMPLED, Shows};
use crate::sandbox::{Attempt, AttemptKind, Behaviour};

/// Different targets that are kept of one call.
const TARGETS_PER_CALL_MAX: usize = 64;
/// Threads that are about to ask for a name.
const ASKING_MAX: usize = 1024;
/// How often a text is read for one refused call; after that the call is only counted.
const TEXTS_READ_MAX: u64 = 1000;

/// The record of a run.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    counts: BTreeMap<(AttemptKind, &'static str), Counts>,
    truncated: bool,
    /// Threads that have connected to a name server and have not asked yet, and the server.
    asking: BTreeMap<i32, Option<String>>,
}

/// How often one call was made, by target.
#[derive(Debug, Default)]
struct Counts {
    answer: Option<&'static str>,
    all: u64,
    targets: BTreeMap<Option<String>, u64>,
}

/// What is done about a stopped call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision {
    /// It fails, as this row says.
    Refuse(&'static Call),
    /// It goes on: it was stopped only to be told of.
    Proceed(Passing),
    /// It fails with `EPERM`: no filter of ours stops it.
    Unknown,
}

/// The calls that go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    Execve,
    Execveat,
    Connect,
    Sendmmsg,
}

/// Decides about the call `number`, by its number alone.
pub(super) fn decide(number: c_long) -> Decision {
    let passing = match number {
        libc::SYS_execve => Passing::Execve,
        libc::SYS_execveat => Passing::Execveat,
        libc::SYS_connect => Passing::Connect,
        libc::SYS_sendmmsg => Passing::Sendmmsg,
        _ => {
            let mut rows = [REFUSED, REFUSED_HERE, REFUSED_BY_ARGUMENT, REFUSED_WHERE_SAMPLED].into_iter().flatten();
            return rows.find(|row| row.number == number).map_or(Decision::Unknown, Decision::Refuse);
        }
    };
    Decision::Proceed(passing)
}

impl Passing {
    const fn name(self) -> &'static str {
        match self {
            Self::Execve => "execve",
            Self::Execveat => "execveat",
            Self::Connect => "connect",
            Self::Sendmmsg => "sendmmsg",
        }
    }
}

impl Attempts {
    /// Records a stopped call. `waits` tells whether it still waits, after its thread's memory was read.
    pub(super) fn record(&mut self, notice: &Notice, decision: Decision, waits: impl Fn() -> bool) {
        let reader = Reader::new(notice);
        match decision {
            Decision::Refuse(call) => {
                let target = self.wants_target(call).then(|| reader.shown(call.shows)).flatten();
                let target = target.filter(|_| !is_read(call.shows) || waits());
                self.count((AttemptKind::Refused, call.name), Some(call.refusal.name()), target);
            }
            Decision::Proceed(call) => {
                let seen = reader.passing(call);
                if !seen.is_empty() && waits() {
                    seen.into_iter().for_each(|(kind, target)| self.pass(notice.thread, call, kind, target));
                }
            }
            Decision::Unknown => {}
        }
        self.truncated |= reader.was_denied();
    }

    /// Records what goes on. Who connects to a name server is about to ask for a name: the name is told, where it can be read,
    /// and else the server.
    fn pass(&mut self, thread: i32, call: Passing, kind: AttemptKind, target: Option<String>) {
        let asked = match (call, kind) {
            (Passing::Connect, AttemptKind::Lookup) if self.asking.len() < ASKING_MAX => {
                self.asking.insert(thread, target).map(|before| (call, before))
            }
            (Passing::Sendmmsg, AttemptKind::Lookup) => {
                self.asking.remove(&thread);
                Some((call, target))
            }
            _ => Some((call, target)),
        };
        if let Some((call, target)) = asked {
            self.count((kind, call.name()), None, target);
        }
    }

    /// Whether another target of `call` is read: reading is what costs, and a flood has told all that it has to tell.
    fn wants_target(&mut self, call: &Call) -> bool {
        if !is_read(call.shows) {
            return true;
        }
        let read = self.counts.get(&(AttemptKind::Refused, call.name)).is_none_or(|counts| counts.all < TEXTS_READ_MAX);
        self.truncated |= !read;
        read
    }

    fn count(&mut self, what: (AttemptKind, &'static str), answer: Option<&'static str>, target: Option<String>) {
        let counts = self.counts.entry(what).or_default();
        counts.answer = answer;
        counts.all += 1;
        let full = counts.targets.len() >= TARGETS_PER_CALL_MAX && !counts.targets.contains_key(&target);
        self.truncated |= full && target.is_some();
        *counts.targets.entry(target.filter(|_| !full)).or_default() += 1;
    }

    /// The record, sorted.
    pub(super) fn finish(mut self) -> Behaviour {
        for target in std::mem::take(&mut self.asking).into_values() {
            self.count((AttemptKind::Lookup, Passing::Connect.name()), None, target);
        }
        let mut attempts = Vec::new();
        for ((kind, call), Counts { answer, targets, .. }) in self.counts {
            let of = |(target, count)| Attempt { kind, call, target, answer, count };
            attempts.extend(targets.into_iter().map(of));
        }
        Behaviour { untraced: None, attempts, truncated: self.truncated }
    }
}

/// Whether a target stands in the program's memory.
fn is_read(shows: Shows) -> bool {
    matches!(shows, Shows::Text(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_complete_and_targets_are_few() {
        let mut attempts = Attempts::default();
        for number in 0..5000 {
            attempts.count((AttemptKind::Refused, "chroot"), Some("EPERM"), Some(format!("/{number}")));
            attempts.count((AttemptKind::Refused, "ptrace"), Some("EPERM"), None);
        }
        attempts.count((AttemptKind::Refused, "chroot"), Some("EPERM"), Some("/0".to_owned()));
        let behaviour = attempts.finish();
        assert!(behaviour.truncated);
        let of = |call: &'static str| behaviour.attempts.iter().filter(move |one| one.call == call);
        assert_eq!(of("chroot").map(|one| one.count).sum::<u64>(), 5001);
        assert_eq!(of("chroot").count(), TARGETS_PER_CALL_MAX + 1);
        assert_eq!(of("chroot").find(|one| one.target.as_deref() == Some("/0")).unwrap().count, 2);
        assert_eq!(of("ptrace").map(|one| (one.target.clone(), one.count)).collect::<Vec<_>>(), [(None, 5000)]);
        assert!(behaviour.attempts.is_sorted());
    }

    #[test]
    fn a_name_stands_for_the_server_that_was_asked() {
        let mut attempts = Attempts::default();
        let mut pass =
            |thread, call, target: &str| attempts.pass(thread, call, AttemptKind::Lookup, Some(target.to_owned()));
        pass(1, Passing::Connect, "127.0.0.1:53");
        pass(2, Passing::Connect, "127.0.0.1:53");
        pass(1, Passing::Sendmmsg, "a.example");
        pass(3, Passing::Connect, "127.0.0.1:53");
        pass(3, Passing::Connect, "[::1]:53");
        let told: Vec<_> =
            attempts.finish().attempts.into_iter().map(|one| (one.call, one.target, one.count)).collect();
        let of = |call, target: &str, count| (call, Some(target.to_owned()), count);
        let expected = [of("connect", "127.0.0.1:53", 2), of("connect", "[::1]:53", 1), of("sendmmsg", "a.example", 1)];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_no_filter_stops_is_refused() {
        assert!(matches!(decide(libc::SYS_mount), Decision::Refuse(row) if row.name == "mount"));
        assert!(matches!(decide(libc::SYS_execve), Decision::Proceed(Passing::Execve)));
        for number in [libc::SYS_read, libc::SYS_openat, -1, 0x4000_0000 | libc::SYS_execve] {
            assert!(matches!(decide(number), Decision::Unknown), "{number}");
        }
    }
}
