//! The lock: what one set of requirements came to, for one interpreter, down to the bytes of each wheel.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::artifact::Digest;

/// All packages of an install, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Sorted by name.
    pub packages: Vec<Locked>,
    /// When this was found out, in seconds since 1970.
    pub resolved_s: u64,
}

/// One package of a [`Lock`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// The normalised name.
    pub name: String,
    /// The version, in canonical form.
    pub version: String,
    /// The file name of the wheel.
    pub file: String,
    /// Where the index keeps it, without credentials.
    pub url: String,
    /// Its digest, in lower-case hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was uploaded, in seconds since 1970; absent where the index does not tell.
    pub uploaded_s: Option<u64>,
    /// The source archive that the wheel was built from; then `url` and `uploaded_s` are the archive's.
    pub source: Option<Source>,
    /// The extras that are asked for, sorted.
    pub extras: Vec<String>,
    /// The packages that need it, sorted. What is declared is not among them.
    pub wanted_by: Vec<String>,
}

/// A source archive of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its file name.
    pub file: String,
    /// Its digest, in lower-case hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size_bytes: u64,
}

impl Lock {
    /// What the installed files depend on: names, versions and bytes of the wheels, and nothing else.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        for package in &self.packages {
            for part in [&package.name, &package.version, &package.file, &package.sha256] {
                hasher.update((part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        Digest::finish(hasher)
    }

    /// The lines of a requirements file that admits these wheels and no others.
    #[must_use]
    pub fn requirements(&self) -> Vec<String> {
        let line = |one: &Locked| format!("{}=={} --hash=sha256:{}", one.name, one.version, one.sha256);
        self.packages.iter().map(line).collect()
    }
}
