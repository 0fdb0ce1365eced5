//! How much a page holds. What is left out is said where it would stand.

/// Artifacts that are shown with everything; the rest are rows alone, and the worst come first.
pub(super) const BODIES_MAX: usize = 2000;

/// Findings of one artifact.
pub(super) const FINDINGS_MAX: usize = 100;

/// Findings of all artifacts.
pub(super) const PAGE_FINDINGS_MAX: usize = 10_000;

/// The end of one stream of a program, in bytes.
pub(super) const STREAM_BYTES_MAX: usize = 16 << 10;

/// The streams of all programs, in bytes.
pub(super) const PAGE_STREAM_BYTES_MAX: usize = 4 << 20;

/// The decoded texts of all findings, in bytes.
pub(super) const PAGE_DECODED_BYTES_MAX: usize = 4 << 20;

/// Packages, files, attempts, log lines and rules: of each kind, in one list.
pub(super) const ITEMS_MAX: usize = 200;

/// What of the page's limits is left.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) findings: usize,
    pub(super) stream_bytes: usize,
    pub(super) decoded_bytes: usize,
}

impl Left {
    /// A page on which nothing stands.
    pub(super) const fn all() -> Self {
        Self { findings: PAGE_FINDINGS_MAX, stream_bytes: PAGE_STREAM_BYTES_MAX, decoded_bytes: PAGE_DECODED_BYTES_MAX }
    }
}
