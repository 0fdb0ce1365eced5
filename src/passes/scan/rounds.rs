//! What is to be looked at again where expressions depend on themselves.

use crate::facts::{ExprId, IdSet};

/// No further edge.
const NONE: u32 = u32::MAX;

/// What depends on what, among expressions that depend on themselves.
#[derive(Default)]
pub(super) struct Rounds {
    /// What the computation under way has asked for.
    pub(super) reads: Vec<ExprId>,
    /// What was taken for something before it was found out in this round.
    pub(super) assumed: IdSet<ExprId>,
    /// For each expression that was asked for, the last of its edges.
    last: Vec<u32>,
    /// By what each was asked for, and the edge before of the same expression.
    edges: Vec<(ExprId, u32)>,
}

impl Rounds {
    /// Notes that `reader` depends on what was asked for since there were `first` reads.
    pub(super) fn depends(&mut self, reader: ExprId, first: usize) {
        for read in self.reads.get(first..).unwrap_or_default() {
            if self.last.len() <= read.at() {
                self.last.resize(read.at() + 1, NONE);
            }
            let last = &mut self.last[read.at()];
            // One computation often asks for the same thing again and again.
            if self.edges.get(*last as usize).is_some_and(|(known, _)| *known == reader) {
                continue;
            }
            let Ok(next) = u32::try_from(self.edges.len()) else { return };
            self.edges.push((reader, *last));
            *last = next;
        }
    }

    /// All that depends on any of `changed`, these included.
    pub(super) fn dependent(&self, changed: Vec<ExprId>) -> IdSet<ExprId> {
        let mut found: IdSet<ExprId> = changed.iter().copied().collect();
        let mut todo = changed;
        while let Some(read) = todo.pop() {
            let mut edge = self.last.get(read.at()).copied().unwrap_or(NONE);
            while let Some((reader, before)) = self.edges.get(edge as usize) {
                if found.insert(*reader) {
                    todo.push(*reader);
                }
                edge = *before;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_depends_on_a_change_is_found_however_far() {
        let mut rounds = Rounds::default();
        let mut depends = |reader: u32, reads: &[u32]| {
            rounds.reads = reads.iter().copied().map(ExprId).collect();
            rounds.depends(ExprId(reader), 0);
        };
        depends(1, &[2, 9, 2]);
        depends(3, &[1]);
        depends(2, &[3]);
        depends(4, &[5]);
        let found = |changed: &[u32]| {
            let found = rounds.dependent(changed.iter().copied().map(ExprId).collect());
            let mut found: Vec<u32> = found.into_iter().map(|expr| expr.0).collect();
            found.sort_unstable();
            found
        };
        assert_eq!(found(&[9]), [1, 2, 3, 9]);
        assert_eq!(found(&[3, 5]), [1, 2, 3, 4, 5]);
        assert_eq!(found(&[7]), [7]);
    }
}
