//! What is to be looked at again where expressions depend on themselves.

use crate::facts::{ExprId, IdSet};

/// What depends on what, among expressions that depend on themselves.
#[derive(Default)]
pub(super) struct Rounds {
    /// What the computation under way has asked for.
    pub(super) reads: Vec<ExprId>,
    /// Pairs of what was asked for, and by what.
    readers: Vec<(ExprId, ExprId)>,
    /// What was taken for something before it was found out in this round.
    pub(super) assumed: IdSet<ExprId>,
}

impl Rounds {
    /// Notes that `reader` depends on what was asked for since there were `first` reads.
    pub(super) fn depends(&mut self, reader: ExprId, first: usize) {
        let own = self.reads.get(first..).unwrap_or_default();
        self.readers.extend(own.iter().map(|&read| (read, reader)));
    }

    /// All that depends on any of `changed`, these included.
    pub(super) fn dependent(&mut self, changed: Vec<ExprId>) -> IdSet<ExprId> {
        self.readers.sort_unstable();
        self.readers.dedup();
        let mut found: IdSet<ExprId> = changed.iter().copied().collect();
        let mut todo = changed;
        while let Some(read) = todo.pop() {
            let first = self.readers.partition_point(|(other, _)| *other < read);
            let own = self.readers[first..].iter().take_while(|(other, _)| *other == read);
            todo.extend(own.map(|(_, reader)| *reader).filter(|reader| found.insert(*reader)));
        }
        found
    }
}
