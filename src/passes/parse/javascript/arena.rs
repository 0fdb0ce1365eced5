//! The memory that trees are built in, used again for one file after the other.
//!
//! A tree takes some ten times the room of its text, and the pages for it are dearer to get than to fill.

use std::cell::Cell;
use std::ops::Deref;

use oxc_allocator::Allocator;

/// The largest room that a thread keeps for its next file.
const KEPT_BYTES_MAX: usize = 64 << 20;

thread_local! {
    static KEPT: Cell<Option<Allocator>> = const { Cell::new(None) };
}

/// Room for one tree, which the thread keeps for the next one.
pub(super) struct Arena(Option<Allocator>);

impl Arena {
    /// What the thread kept, or room of its own where that is in use.
    pub(super) fn new() -> Self {
        Self(Some(KEPT.take().unwrap_or_default()))
    }
}

impl Deref for Arena {
    type Target = Allocator;

    fn deref(&self) -> &Allocator {
        self.0.as_ref().expect("it is taken when the arena is dropped")
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if let Some(mut allocator) = self.0.take()
            && allocator.capacity() <= KEPT_BYTES_MAX
        {
            allocator.reset();
            KEPT.set(Some(allocator));
        }
    }
}
