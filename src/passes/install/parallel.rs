//! Work that waits for the network, several pieces at once: more of them than there are processors.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Pieces that are worked on at once.
pub(super) const AT_ONCE: usize = 16;

/// Calls `work` once for each item, in no order.
pub(super) fn for_each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    if let [item] = items {
        return work(item);
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..items.len().min(AT_ONCE) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
