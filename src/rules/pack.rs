//! What can be packed.

use std::borrow::Cow;

use super::packed::Reader;

/// What is packed: texts, and all else.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) bytes: Vec<u8>,
    pub(super) texts: String,
}

/// What can be packed.
pub(super) trait Pack: Sized {
    /// Writes it.
    fn pack(&self, out: &mut Out);
    /// Reads it.
    fn unpack(from: &mut Reader) -> Self;
}

/// Bytes that stay where they are packed; numbers among them are read when they are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bytes(pub(super) Cow<'static, [u8]>);

impl Bytes {
    /// The bytes of numbers of 16 bits.
    pub(super) fn of_u16(numbers: &[u16]) -> Self {
        Self(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    }

    /// The bytes of numbers of 32 bits.
    pub(super) fn of_u32(numbers: &[u32]) -> Self {
        Self(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    }

    /// A number of 16 bits, where nothing else is here.
    pub(super) fn u16(&self, at: usize) -> u16 {
        self.0.as_chunks().0.get(at).map_or(0, |bytes| u16::from_le_bytes(*bytes))
    }

    /// A number of 32 bits, where nothing else is here.
    pub(super) fn u32(&self, at: usize) -> u32 {
        self.0.as_chunks().0.get(at).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }
}
