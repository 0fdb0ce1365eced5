//! When an artifact that is being written is worth a look: when it has been left alone for a while. One that is never left
//! alone is looked at now and then.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// After so many times the while, an artifact is looked at though it is still being written.
const WHILES_MAX: u32 = 25;

/// Artifacts that have been touched, and when.
#[derive(Debug)]
pub(super) struct Settling {
    settle: Duration,
    /// When each was touched first and last.
    touched: BTreeMap<OsString, (Instant, Instant)>,
}

impl Settling {
    /// An artifact settles when it has been left alone for so long.
    pub(super) fn new(settle: Duration) -> Self {
        Self { settle, touched: BTreeMap::new() }
    }

    /// The artifact is touched.
    pub(super) fn touch(&mut self, name: OsString, now: Instant) {
        self.touched.entry(name).and_modify(|(_, last)| *last = now).or_insert((now, now));
    }

    /// How long it is until the next one is ready, if one has been touched.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        self.touched.values().map(|times| self.due(*times).saturating_duration_since(now)).min()
    }

    /// Those that are ready, which are then no longer counted as touched.
    pub(super) fn ready(&mut self, now: Instant) -> Vec<OsString> {
        let ready: Vec<OsString> =
            self.touched.iter().filter(|(_, times)| self.due(**times) <= now).map(|(name, _)| name.clone()).collect();
        self.touched.retain(|name, _| !ready.contains(name));
        ready
    }

    fn due(&self, (first, last): (Instant, Instant)) -> Instant {
        (last + self.settle).min(first + self.settle.saturating_mul(WHILES_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_alone_is_ready_and_what_never_is_is_so_in_the_end() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut settling = Settling::new(Duration::from_millis(200));
        assert_eq!(settling.next(start), None);
        settling.touch("a".into(), at(0));
        settling.touch("b".into(), at(0));
        settling.touch("b".into(), at(150));
        assert_eq!(settling.next(at(150)), Some(Duration::from_millis(50)));
        assert_eq!(settling.ready(at(199)), [""; 0]);
        assert_eq!(settling.ready(at(200)), ["a"]);
        let busy = (1..).map(|times| 150 + times * 100).find(|&ms| {
            settling.touch("b".into(), at(ms));
            !settling.ready(at(ms)).is_empty()
        });
        assert_eq!(busy, Some(5050));
        assert_eq!(settling.next(at(9999)), None);
    }
}
