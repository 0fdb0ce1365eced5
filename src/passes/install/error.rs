//! What can go wrong with an install that is not the artifact's fault.

use super::unpack::UnpackError;
use crate::sandbox::SandboxError;

/// Why packages could not be installed, where that is not the artifact's fault.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The run was interrupted.
    #[error("the install was interrupted")]
    Interrupted,
    /// The interpreter in the sandbox did not say what it is.
    #[error("the python interpreter in the sandbox cannot be asked what it is: {what}")]
    Probe {
        /// What went wrong.
        what: String,
    },
    /// There is nothing to install with.
    #[error("no installer: {what} ({mend})")]
    NoInstaller {
        /// What is missing.
        what: String,
        /// What to do about it.
        mend: &'static str,
    },
    /// It is not known which index to use.
    #[error("no package index is known (set `install.index_url` in the policy)")]
    NoIndex,
    /// The index could not be asked.
    #[error("the package index {index} failed: {what}")]
    Index {
        /// Its address, without credentials.
        index: String,
        /// What went wrong.
        what: String,
    },
    /// The installer broke.
    #[error("{installer} failed: {what}")]
    Installer {
        /// Which one.
        installer: String,
        /// What it said last.
        what: String,
    },
    /// Wheels could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// Wheels or packages cannot be kept.
    #[error("{what} (name another folder as `install.cache_dir`, or use --no-cache)")]
    Store {
        /// What went wrong.
        what: String,
    },
    /// The packages were checked in another environment than the one that they were installed for.
    #[error("environment mismatch: {what} is `{seen}` in the sandbox, and `{wanted}` was asked for")]
    EnvironmentMismatch {
        /// Which part.
        what: String,
        /// What it should be.
        wanted: String,
        /// What it is.
        seen: String,
    },
    /// A file of our own could not be read or written.
    #[error("vetrun cannot {action}")]
    Io {
        /// What was tried, as an infinitive.
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
