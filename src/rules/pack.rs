//! What can be packed.

use super::packed::Reader;

/// What can be packed.
pub(super) trait Pack: Sized {
    /// Writes it.
    fn pack(&self, out: &mut Vec<u8>);
    /// Reads it.
    fn unpack(from: &mut Reader) -> Self;
}
