//! How much a wheel may hold. All of it is decided from the archive's directory, before anything is inflated.

/// Limits on one wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WheelLimits {
    /// Members of the archive, folders included.
    pub members_max: u64,
    /// Bytes of all members together, inflated.
    pub unpacked_bytes_max: u64,
    /// Bytes of all members, inflated, for each byte of the archive.
    pub ratio_max: u64,
    /// Bytes of one member's path.
    pub path_bytes_max: usize,
    /// Folders inside one another.
    pub depth_max: usize,
    /// Bytes of `METADATA`, and of each other description but `RECORD`.
    pub metadata_bytes_max: u64,
    /// Bytes of `RECORD`.
    pub record_bytes_max: u64,
    /// Header lines of `METADATA`.
    pub headers_max: usize,
    /// Bytes of one Python file that is handed out to be scanned.
    pub source_bytes_max: u64,
}

impl Default for WheelLimits {
    /// About ten times what the largest of the common wheels have.
    fn default() -> Self {
        Self {
            members_max: 60_000,
            unpacked_bytes_max: 1536 << 20,
            ratio_max: 100,
            path_bytes_max: 512,
            depth_max: 32,
            metadata_bytes_max: 1 << 20,
            record_bytes_max: 16 << 20,
            headers_max: 10_000,
            source_bytes_max: 16 << 20,
        }
    }
}
