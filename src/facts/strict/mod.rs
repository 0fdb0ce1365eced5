//! Lowering of strict trees: what the strict parsers accept becomes facts while their trees are alive.
//!
//! These lowerings recurse. They run on the parse pool alone, after the bounds that the strict parsers have.

mod javascript;

pub(crate) use javascript::lower as javascript;
