//! The limits of lowering, each with its unit.

/// Expressions of one region; what lies beyond is not seen, so it is a finding. Ordinary code has one in about ten bytes.
pub(crate) const EXPRESSIONS_MAX: usize = 1_000_000;

/// Steps of taking one pattern apart with a value and a default for each of its parts; then a part is given what is either
/// of the two, since they double with every pattern inside another.
pub(crate) const PATTERN_STEPS_MAX: usize = 64;

/// Scopes through which one name is looked up; farther out it is unknown.
pub(crate) const SCOPE_DEPTH_MAX: usize = 512;

/// Modules that a file asks for, or an artifact: of more than that, none is compared with what is declared.
pub(crate) const IMPORTS_MAX: usize = 10_000;

/// Bytes of source for which room is made before they are lowered; a large page may hold many small scripts.
pub(crate) const ROOM_BYTES_MAX: usize = 512 << 10;
