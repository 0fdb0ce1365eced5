//! What a place of the source stands inside of.

use crate::facts::statements::{Block, BlockKind};
use crate::rules::Inside;

/// The blocks around every byte of a region. Blocks stand inside one another or apart, never across, so that what a hit
/// begins in is what the whole of it stands in.
#[derive(Debug)]
pub(super) struct Places {
    /// From which byte on which kinds of block are around, sorted by byte.
    from: Vec<(u32, u8)>,
}

const KINDS: usize = 6;

fn number(kind: BlockKind) -> usize {
    match kind {
        BlockKind::Loop => 0,
        BlockKind::EndlessLoop => 1,
        BlockKind::Function => 2,
        BlockKind::Lambda => 3,
        BlockKind::Class => 4,
        BlockKind::Except => 5,
    }
}

impl Places {
    /// The places of these blocks. A block is around what begins after its own first byte, so that no statement stands
    /// inside of itself.
    pub(super) fn of(blocks: &[Block]) -> Self {
        let opened = blocks.iter().map(|block| (block.start.saturating_add(1), 1_i64, number(block.kind)));
        let closed = blocks.iter().map(|block| (block.end.max(block.start.saturating_add(1)), -1, number(block.kind)));
        let mut events: Vec<_> = opened.chain(closed).collect();
        events.sort_unstable();
        let mut depth = [0_i64; KINDS];
        let mut from: Vec<(u32, u8)> = Vec::with_capacity(events.len());
        for (at, step, kind) in events {
            depth[kind] += step;
            let around = (0..KINDS).filter(|&kind| depth[kind] > 0).fold(0, |around, kind| around | 1 << kind);
            match from.last_mut() {
                Some(last) if last.0 == at => last.1 = around,
                _ => from.push((at, around)),
            }
        }
        Self { from }
    }

    /// Whether what begins at the byte `start` stands inside of `what`.
    pub(super) fn is_inside(&self, what: Inside, start: usize) -> bool {
        let before = self.from.partition_point(|(from, _)| (*from as usize) <= start);
        let around = before.checked_sub(1).map_or(0, |at| self.from[at].1);
        let is_around = |kind: BlockKind| around >> number(kind) & 1 == 1;
        match what {
            Inside::Loop => is_around(BlockKind::Loop),
            Inside::EndlessLoop => is_around(BlockKind::EndlessLoop),
            Inside::Function => is_around(BlockKind::Function),
            Inside::Lambda => is_around(BlockKind::Lambda),
            Inside::Class => is_around(BlockKind::Class),
            Inside::Except => is_around(BlockKind::Except),
            Inside::Module => ![BlockKind::Function, BlockKind::Lambda, BlockKind::Class].into_iter().any(is_around),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_in_a_block_is_inside_of_it() {
        let block = |kind, start, end| Block { kind, start, end };
        let places = Places::of(&[
            block(BlockKind::Loop, 10, 50),
            block(BlockKind::Function, 0, 60),
            block(BlockKind::Loop, 20, 30),
            block(BlockKind::Class, 60, 70),
        ]);
        let inside = |what, at| places.is_inside(what, at);
        assert_eq!([0, 5, 59, 60].map(|at| inside(Inside::Function, at)), [false, true, true, false]);
        assert_eq!([10, 11, 29, 30, 49, 50].map(|at| inside(Inside::Loop, at)), [false, true, true, true, true, false]);
        assert_eq!([0, 1, 60, 61, 70].map(|at| inside(Inside::Module, at)), [true, false, true, false, true]);
        assert!(!inside(Inside::Except, 15));
        assert!(Places::of(&[]).is_inside(Inside::Module, 3));
    }
}
