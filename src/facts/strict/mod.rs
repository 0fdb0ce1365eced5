//! Lowering of strict trees: what `ruff_python_parser` and `oxc_parser` took, into the same facts as the tolerant trees.
//!
//! A strict tree lives only as long as its file is judged, so that both facts and outline are made then, in one walk. It
//! recurses as the parser did, on the parse pool's threads, whose stacks the weight of a file was measured for.

mod javascript;
mod python;

use std::ops::Range;

use super::{Facts, Outline};

pub(crate) use javascript::{Frame, Sketch, lower as javascript, tests as javascript_tests};
pub(crate) use python::lower as python;

/// What is wanted of a strict tree beside its facts and its outline.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// What the file tests: its name says that it is a test.
    pub(crate) tests: bool,
}

/// What a strict tree was lowered into.
#[derive(Debug)]
pub(crate) struct Lowered {
    /// The facts.
    pub(crate) facts: Facts,
    /// The outline.
    pub(crate) outline: Outline,
}

impl Lowered {
    /// Moves all that was found to one place: the code is not written there as it is read.
    pub(crate) fn stand_at(&mut self, place: Range<usize>) {
        self.outline = Outline { has_statement: self.outline.has_statement, ..Outline::default() };
        self.facts.stand_at(place);
    }
}
