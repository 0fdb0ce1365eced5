//! The program's output: read as it comes, kept up to a limit.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sandbox::Stream;

/// Bytes read at once; what a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;

/// One stream of a run while it is read.
#[derive(Debug)]
pub(super) struct Capture {
    /// `None` once the end was reached.
    pipe: Option<OwnedFd>,
    kept: Stream,
    bytes_max: u64,
}

impl Capture {
    /// Reads from `pipe`, which does not block, and keeps up to `bytes_max`.
    pub(super) fn new(pipe: OwnedFd, bytes_max: u64) -> Self {
        Self { pipe: Some(pipe), kept: Stream::default(), bytes_max }
    }

    /// The pipe to wait for; `None` once the end was reached or too much came. What fills a pipe that nobody reads waits
    /// until it is killed.
    pub(super) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().filter(|_| !self.is_over()).map(AsFd::as_fd)
    }

    /// Whether more was written than may be.
    pub(super) fn is_over(&self) -> bool {
        self.kept.bytes_seen > self.bytes_max
    }

    /// Reads once, unless too much came already.
    pub(super) fn read(&mut self) {
        if !self.is_over() {
            self.read_chunk();
        }
    }

    /// Reads what is there, until the pipe is empty or the limit is passed.
    pub(super) fn drain(&mut self) {
        while !self.is_over() && self.read_chunk() {}
    }

    /// What was kept.
    pub(super) fn finish(self) -> Stream {
        self.kept
    }

    /// Whether anything came.
    fn read_chunk(&mut self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        // Most reads find little or nothing, and to clear so much memory would take longer than they do.
        let mut chunk = [const { MaybeUninit::uninit() }; CHUNK_BYTES];
        match rustix::io::read(pipe, &mut chunk) {
            Ok(([], _)) => self.pipe = None,
            Ok((bytes, _)) => {
                self.keep(bytes);
                return true;
            }
            Err(rustix::io::Errno::INTR) => return true,
            Err(rustix::io::Errno::AGAIN) => {}
            Err(_) => self.pipe = None,
        }
        false
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.bytes_max.saturating_sub(self.kept.bytes.len() as u64);
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        self.kept.bytes.extend_from_slice(&bytes[..count]);
        self.kept.bytes_seen += bytes.len() as u64;
    }
}
