//! How much a lock and a package of npm's may hold.

/// Limits on what is read of Node packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NpmLimits {
    /// Bytes of `package.json`, in the artifact and in a package.
    pub manifest_bytes_max: usize,
    /// Bytes of `package-lock.json`.
    pub lock_bytes_max: usize,
    /// Entries of a lock.
    pub packages_max: usize,
    /// What all entries of a lock need together.
    pub needs_max: usize,
    /// Packages inside one another.
    pub depth_max: usize,
    /// Bytes of all members of one package's archive, inflated.
    pub unpacked_bytes_max: u64,
    /// Bytes of an archive, inflated, for each byte of it.
    pub ratio_max: u64,
    /// Bytes that an archive may come to whatever its ratio is: small texts are packed well.
    pub free_bytes: u64,
    /// Members of one archive, folders included.
    pub members_max: u64,
    /// Bytes of one member's path.
    pub path_bytes_max: usize,
    /// Folders inside one another in one archive.
    pub folders_max: usize,
    /// Bytes of one extended header.
    pub header_bytes_max: u64,
}

impl Default for NpmLimits {
    /// About ten times what the largest of the common locks and packages have.
    fn default() -> Self {
        Self {
            manifest_bytes_max: 1 << 20,
            lock_bytes_max: 32 << 20,
            packages_max: 5000,
            needs_max: 100_000,
            depth_max: 16,
            unpacked_bytes_max: 512 << 20,
            ratio_max: 100,
            free_bytes: 4 << 20,
            members_max: 60_000,
            path_bytes_max: 512,
            folders_max: 32,
            header_bytes_max: 64 << 10,
        }
    }
}
