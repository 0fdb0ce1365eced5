//! What to do about a fault, where that is plain.

use std::borrow::Cow;

use super::diagnose::Found;

/// The mend of a fault.
pub(super) fn mend(_found: &Found, _text: &str) -> Option<Cow<'static, str>> {
    None
}
