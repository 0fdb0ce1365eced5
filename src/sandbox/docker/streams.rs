//! Standard output and standard error of a run, each kept up to a cap and counted beyond it.

use bollard::container::LogOutput;

use crate::sandbox::Stream;

/// Both streams of a run.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
    bytes_max: usize,
}

impl Streams {
    /// Keeps at most `bytes_max` bytes of each stream.
    pub(super) fn new(bytes_max: u64) -> Self {
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Self { stdout: Stream::default(), stderr: Stream::default(), bytes_max }
    }

    /// Streams that were kept elsewhere, under the same cap.
    pub(super) fn of(stdout: Stream, stderr: Stream, bytes_max: u64) -> Self {
        Self { stdout, stderr, ..Self::new(bytes_max) }
    }

    /// Takes one frame of the engine's stream.
    pub(super) fn take(&mut self, frame: &LogOutput) {
        match frame {
            LogOutput::StdOut { message } => keep(&mut self.stdout, message, self.bytes_max),
            LogOutput::StdErr { message } | LogOutput::Console { message } => {
                keep(&mut self.stderr, message, self.bytes_max);
            }
            LogOutput::StdIn { .. } => {}
        }
    }

    /// Whether a stream held more than its cap.
    pub(super) fn overflowed(&self) -> bool {
        self.stdout.truncated() || self.stderr.truncated()
    }
}

fn keep(stream: &mut Stream, bytes: &[u8], bytes_max: usize) {
    let room = bytes_max.saturating_sub(stream.bytes.len()).min(bytes.len());
    stream.bytes.extend_from_slice(&bytes[..room]);
    stream.bytes_seen += bytes.len() as u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(text: &'static str) -> LogOutput {
        LogOutput::StdOut { message: text.into() }
    }

    #[test]
    fn the_first_bytes_are_kept_and_all_are_counted() {
        let mut streams = Streams::new(5);
        streams.take(&out("abc"));
        assert!(!streams.overflowed());
        streams.take(&out("de"));
        assert!(!streams.overflowed(), "exactly the cap is not too much");
        streams.take(&out("fgh"));
        assert!(streams.overflowed());
        assert_eq!(streams.stdout.bytes, b"abcde");
        assert_eq!(streams.stdout.bytes_seen, 8);
        assert_eq!(streams.stderr, Stream::default());
    }
}
