//! What is to be looked at again where expressions depend on themselves.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use super::limits;
use super::resolve::{Resolver, Slot};
use super::values::Set;
use crate::facts::{ExprId, IdSet};

/// No further edge; no turn yet.
const NONE: u32 = u32::MAX;

/// What depends on what, among expressions that depend on themselves.
#[derive(Default)]
pub(super) struct Rounds {
    /// What the computation under way has asked for.
    pub(super) reads: Vec<ExprId>,
    /// What was taken for something before it was found out.
    pub(super) assumed: IdSet<ExprId>,
    /// For each expression that was asked for, the last of its edges.
    last: Vec<u32>,
    /// By what each was asked for, and the edge before of the same expression.
    edges: Vec<(ExprId, u32)>,
    /// The turns in which expressions were found out first: most of what one depends on has an earlier turn.
    turns: Vec<u32>,
    turn: u32,
    /// Of what something was kept that depends on what may change.
    unsure: IdSet<ExprId>,
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

    /// Notes that what is kept of `made` depends on what was asked for since there were `first` reads.
    pub(super) fn keeps(&mut self, made: ExprId, first: usize) {
        if self.reads.len() > first {
            self.depends(made, first);
            self.unsure.insert(made);
        }
    }

    /// Whether what is kept of `made` may change.
    pub(super) fn is_unsure(&self, made: ExprId) -> bool {
        self.unsure.contains(&made)
    }

    /// Notes that an expression has been found out.
    pub(super) fn found(&mut self, expr: ExprId) {
        if self.turns.len() <= expr.at() {
            self.turns.resize(expr.at() + 1, NONE);
        }
        if self.turns[expr.at()] == NONE {
            self.turns[expr.at()] = self.turn;
            self.turn += 1;
        }
    }

    /// An expression with its turn, to be ordered by that.
    pub(super) fn in_turn(&self, expr: ExprId) -> (u32, ExprId) {
        (self.turns.get(expr.at()).copied().unwrap_or(NONE), expr)
    }

    /// All that asked for `read`.
    pub(super) fn readers(&self, read: ExprId) -> impl Iterator<Item = ExprId> {
        let mut edge = self.last.get(read.at()).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let (reader, before) = *self.edges.get(edge as usize)?;
            edge = before;
            Some(reader)
        })
    }
}

impl Resolver<'_> {
    /// Finds out what all of `wanted` may be; afterwards [`Resolver::of`] merely looks it up.
    pub(super) fn resolve_all(&mut self, wanted: &[ExprId]) {
        for &expr in wanted {
            self.drive(expr);
        }
        let mut todo = Vec::new();
        for assumed in self.other_than_assumed(None) {
            todo.extend(self.rounds.readers(assumed));
        }
        for _ in 0..limits::ROUNDS_MAX {
            if todo.is_empty() {
                return;
            }
            todo = self.round(&todo);
        }
    }

    /// Looks again at each of `todo`, and at what depends on what has changed by that. What is in turn before the change is
    /// left for another round, and given back.
    fn round(&mut self, todo: &[ExprId]) -> Vec<ExprId> {
        let mut later = Vec::new();
        let mut turns: BinaryHeap<Reverse<(u32, ExprId)>> =
            todo.iter().map(|&expr| Reverse(self.rounds.in_turn(expr))).collect();
        let mut before = None;
        while let Some(Reverse(here)) = turns.pop() {
            if before.replace(here) == Some(here) {
                continue;
            }
            for changed in self.find_anew(here.1) {
                for reader in self.rounds.readers(changed) {
                    match self.rounds.in_turn(reader) {
                        next if next > here => turns.push(Reverse(next)),
                        _ => later.push(reader),
                    }
                }
            }
        }
        later
    }

    /// Finds out anew what an expression may be, and what is kept of it; gives back what has changed by that.
    fn find_anew(&mut self, expr: ExprId) -> Vec<ExprId> {
        let kept = [self.element_sets.remove(&expr.0).is_some(), self.key_sets.remove(&expr.0).is_some()];
        let mut changed = kept.contains(&true) || self.lists.remove(&expr.0).is_some();
        let mut others = Vec::new();
        if let Slot::Done { set: before, cyclic: true } = &self.slots[expr.at()] {
            let before = before.clone();
            self.slots[expr.at()] = Slot::New;
            self.before = Some((expr, before.clone()));
            self.drive(expr);
            changed |= !self.is_found_as(expr, &before);
            others = self.other_than_assumed(Some((expr, &before)));
            self.before = None;
        }
        others.retain(|&other| other != expr);
        others.extend(changed.then_some(expr));
        others
    }

    /// What turned out to be other than it was taken for: one expression for what it was found to be before, all others for
    /// unknown.
    fn other_than_assumed(&mut self, before: Option<(ExprId, &Rc<Set>)>) -> Vec<ExprId> {
        let mut assumed: Vec<ExprId> = self.rounds.assumed.drain().collect();
        assumed.retain(|&expr| match before {
            Some((own, before)) if own == expr => !self.is_found_as(expr, before),
            _ => !self.is_found_as(expr, &self.open),
        });
        assumed.sort_unstable();
        assumed
    }

    /// Whether an expression was found to be just that.
    fn is_found_as(&self, expr: ExprId, wanted: &Rc<Set>) -> bool {
        match &self.slots[expr.at()] {
            Slot::Done { set, .. } => Rc::ptr_eq(set, wanted) || **set == **wanted,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_found_in_the_turns_in_which_they_were_found_out() {
        let mut rounds = Rounds::default();
        let mut depends = |reader: u32, reads: &[u32]| {
            rounds.reads = reads.iter().copied().map(ExprId).collect();
            rounds.depends(ExprId(reader), 0);
            rounds.found(ExprId(reader));
        };
        depends(7, &[2, 9, 2]);
        depends(3, &[7, 2]);
        depends(2, &[3]);
        depends(3, &[9]);
        let readers = |read: u32| {
            let mut readers: Vec<(u32, ExprId)> =
                rounds.readers(ExprId(read)).map(|reader| rounds.in_turn(reader)).collect();
            readers.sort_unstable();
            readers.into_iter().map(|(_, ExprId(reader))| reader).collect::<Vec<u32>>()
        };
        assert_eq!(readers(2), [7, 3]);
        assert_eq!(readers(9), [7, 3]);
        assert_eq!(readers(3), [2]);
        assert!(readers(4).is_empty());
    }

    #[test]
    fn what_is_kept_is_unsure_where_it_was_made_of_what_may_change() {
        let mut rounds = Rounds { reads: vec![ExprId(1)], ..Rounds::default() };
        rounds.keeps(ExprId(5), 1);
        assert!(!rounds.is_unsure(ExprId(5)));
        rounds.keeps(ExprId(5), 0);
        assert!(rounds.is_unsure(ExprId(5)));
        assert!(rounds.readers(ExprId(1)).eq([ExprId(5)]));
    }
}
