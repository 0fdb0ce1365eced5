//! Patterns of `match`, and the fields of f-strings, in Python's tolerant tree.

use super::{Kid, N};
use crate::facts::builder::Builder;
use crate::facts::{ExprId, OPAQUE};

/// `{value:spec}` is a call of `format`.
pub(super) fn interpolation(builder: &mut Builder<'_>, children: &[Kid<'_>]) -> ExprId {
    let found = children.iter().find(|child| !matches!(child.kind, N::Comment | N::FormatSpecifier));
    let value = found.map_or(OPAQUE, |child| child.expr);
    let Some(spec) = children.iter().find(|child| child.kind == N::FormatSpecifier) else { return value };
    let spec = builder.text(spec.node.byte_range()).trim_start_matches(':').to_owned();
    builder.formatted(value, &spec)
}

/// A name without dots captures; what is compared with, and patterns of classes, bind nothing here.
pub(super) fn case_pattern(builder: &Builder<'_>, children: &[Kid<'_>]) -> ExprId {
    let Some(pattern) = children.iter().find(|child| child.kind != N::Comment) else { return OPAQUE };
    let plain = match pattern.kind {
        N::DottedName => !builder.text(pattern.node.byte_range()).contains('.'),
        N::ListPattern | N::TuplePattern | N::AsPattern => true,
        _ => false,
    };
    if plain { pattern.expr } else { OPAQUE }
}
