//! The sequence: passes in order, the gate between those that judge and those that run.

use crate::artifact::Artifact;

/// An artifact that the gate has cleared. Only the gate can make one, and install and execute ask for one: "unvetted code
/// ran" does not compile.
#[derive(Debug)]
pub struct Cleared<'a> {
    artifact: &'a Artifact,
}

impl<'a> Cleared<'a> {
    /// The snapshot that was vetted, which is what may run.
    #[must_use]
    pub fn artifact(&self) -> &'a Artifact {
        self.artifact
    }
}
