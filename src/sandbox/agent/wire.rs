//! Frames: a letter, a number, a length, data (`agent.py` says which there are).

use std::io::{self, Read, Write};

/// Bytes of a frame before its data.
const HEAD_BYTES: usize = 9;
/// Bytes of data in a frame that arrives, at most; the agent sends less than a tenth of this at once.
const DATA_BYTES_MAX: usize = 1 << 20;
/// Bytes of data that are sent in one frame.
pub(super) const CHUNK_BYTES: usize = 64 << 10;
/// Bytes of an input, or of one direction of a connection, that may be on their way. The agent has the same number.
pub(super) const WINDOW_BYTES: usize = 256 << 10;

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    /// What it is about.
    pub(super) number: u32,
    pub(super) data: Vec<u8>,
}

impl Frame {
    /// The data of a frame that holds a number.
    pub(super) fn value(&self) -> Option<u32> {
        Some(u32::from_be_bytes(self.data.as_slice().try_into().ok()?))
    }
}

/// Writes a frame.
pub(super) fn write(stream: &mut impl Write, kind: u8, number: u32, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let mut head = Vec::with_capacity(HEAD_BYTES + data.len());
    head.push(kind);
    head.extend(number.to_be_bytes());
    head.extend(length.to_be_bytes());
    head.extend(data);
    stream.write_all(&head)
}

/// Reads a frame; `None` where the stream ends before one.
pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut head = [0; HEAD_BYTES];
    match stream.read(&mut head[..1]) {
        Ok(0) => return Ok(None),
        Ok(_) => stream.read_exact(&mut head[1..])?,
        Err(error) => return Err(error),
    }
    let [kind, n0, n1, n2, n3, l0, l1, l2, l3] = head;
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if length > DATA_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame is over {DATA_BYTES_MAX} bytes")));
    }
    let mut data = vec![0; length];
    stream.read_exact(&mut data)?;
    Ok(Some(Frame { kind, number: u32::from_be_bytes([n0, n1, n2, n3]), data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_arrives_as_it_was_sent() {
        let mut bytes = Vec::new();
        write(&mut bytes, b'D', 7, b"data").unwrap();
        write(&mut bytes, b'A', u32::MAX, &5_u32.to_be_bytes()).unwrap();
        let mut stream = bytes.as_slice();
        assert_eq!(read(&mut stream).unwrap(), Some(Frame { kind: b'D', number: 7, data: b"data".to_vec() }));
        let credit = read(&mut stream).unwrap().unwrap();
        assert_eq!((credit.number, credit.value()), (u32::MAX, Some(5)));
        assert_eq!(read(&mut stream).unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let huge = [b'D', 0, 0, 0, 1, 0xff, 0, 0, 0];
        assert_eq!(read(&mut huge.as_slice()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        for torn in [&b"D"[..], b"D\0\0\0\x01\0\0\0\x05abc"] {
            assert_eq!(read(&mut { torn }).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
