//! Lowering of strict trees: what `ruff_python_parser` and `oxc_parser` took, into the same facts as the tolerant trees.
//!
//! A strict tree lives only as long as its file is judged, so that both facts and outline are made then, in one walk. It
//! recurses as the parser did, on the parse pool's threads, whose stacks the weight of a file was measured for.

mod python;

use super::{Facts, Outline};

pub(crate) use python::lower as python;

/// What is wanted of a strict tree beside its outline.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// The facts: some rule may find something in them.
    pub(crate) facts: bool,
    /// What the file tests: its name says that it is a test.
    pub(crate) tests: bool,
}

/// What a strict tree was lowered into.
#[derive(Debug, Default)]
pub(crate) struct Lowered {
    /// The facts, where they were wanted.
    pub(crate) facts: Option<Facts>,
    /// The outline.
    pub(crate) outline: Outline,
}
