//! What a member holds, inflated into a buffer of its declared size.
//!
//! The inflater is zlib-rs behind `flate2`: it is written in Rust, is fuzzed and kept by people who do little else, and
//! is what installers of the field trust. libdeflate, in C, needs three fifths of its time (0.30 against 0.49 s of CPU for
//! the 170 MB of pandas and matplotlib with all they need); but these bytes are hostile, and nothing is inflated in a
//! sandbox.

use flate2::{Decompress, FlushDecompress, Status};

use super::Entry;

/// Bytes of a buffer that is kept for the next member.
const BUFFER_KEPT_BYTES_MAX: usize = 16 << 20;

/// Why a member cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The packed bytes are no deflate stream.
    #[error("its packed bytes are not sound")]
    Corrupt,
    /// More or less comes out than is declared, or something stands behind the packed bytes.
    #[error("it does not have its declared size")]
    Size,
    /// It is not what was packed.
    #[error("it does not have its declared checksum")]
    Checksum,
    /// The caller's limit.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
}

/// Inflates one member after the other.
#[derive(Debug)]
pub struct Inflater {
    stream: Decompress,
    buffer: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { stream: Decompress::new(false), buffer: Vec::new() }
    }
}

impl Inflater {
    /// The whole content of a member, of its declared size and checksum.
    ///
    /// # Errors
    /// [`Damage`] where the content is not what is declared; nothing of it is given out then.
    pub fn read<'s, 'a: 's>(&'s mut self, entry: &Entry<'a>) -> Result<&'s [u8], Damage> {
        let content = if entry.deflated { self.inflate(entry)? } else { entry.packed };
        let is_whole = content.len() as u64 == entry.size;
        match (is_whole, crc32(content) == entry.crc32) {
            (true, true) => Ok(content),
            (false, _) => Err(Damage::Size),
            (true, false) => Err(Damage::Checksum),
        }
    }

    fn inflate(&mut self, entry: &Entry<'_>) -> Result<&[u8], Damage> {
        let size = usize::try_from(entry.size).map_err(|_| Damage::Size)?;
        if self.buffer.len() > BUFFER_KEPT_BYTES_MAX {
            self.buffer = Vec::new();
        }
        // One byte of room even for an empty member: without any, the end of the stream is not reached.
        let room = size.max(1);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        self.stream.reset(false);
        let out = &mut self.buffer[..room];
        let status = self.stream.decompress(entry.packed, out, FlushDecompress::Finish).map_err(|_| Damage::Corrupt)?;
        let is_whole = status == Status::StreamEnd
            && self.stream.total_in() == entry.packed.len() as u64
            && self.stream.total_out() == entry.size;
        if is_whole { Ok(&self.buffer[..size]) } else { Err(Damage::Size) }
    }

    /// At most the first `bytes_max` bytes, unproved: to see what kind of file it is.
    pub fn prefix<'s, 'a: 's>(&'s mut self, entry: &Entry<'a>, bytes_max: usize) -> &'s [u8] {
        if !entry.deflated {
            return &entry.packed[..entry.packed.len().min(bytes_max)];
        }
        if self.buffer.len() < bytes_max {
            self.buffer.resize(bytes_max, 0);
        }
        self.stream.reset(false);
        let out = &mut self.buffer[..bytes_max];
        // What is not sound ends early here, and is refused where it is read as a whole.
        let _unproved = self.stream.decompress(entry.packed, out, FlushDecompress::None);
        let got = usize::try_from(self.stream.total_out()).unwrap_or(0).min(bytes_max);
        &self.buffer[..got]
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
