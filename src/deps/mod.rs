//! Dependencies: what an artifact declares, in all the forms in which it may do so.

mod marker;
mod name;
mod requirement;
mod specifier;
mod text;
mod version;

pub use marker::{Marker, MarkerEnvironment};
pub use name::{is_normalised, normalised};
pub use requirement::Parsed;
pub use specifier::{Specifier, SpecifierSet};
pub use text::Syntax;
pub use version::Version;

use crate::artifact::Artifact;
use crate::finding::Finding;
use crate::policy::InstallPolicy;

/// One declared package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The canonical requirement (PEP 508) that is handed to an installer.
    pub text: String,
    /// The normalised name (PEP 503).
    pub name: String,
    /// The file that declares it.
    pub declared_in: String,
    /// The line there, counted from 1.
    pub line: u32,
}

/// What an artifact declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Sorted by name.
    pub requirements: Vec<Requirement>,
}

/// Reads the declared packages out of the artifact; what cannot be accepted is a finding of the install pass.
/// `override_file` (name and bytes) stands in for the artifact's own declarations.
#[must_use]
pub fn declared(
    artifact: &Artifact,
    override_file: Option<(&str, &[u8])>,
    policy: &InstallPolicy,
) -> (Declared, Vec<Finding>) {
    let _ = (artifact, override_file, policy);
    (Declared::default(), Vec::new())
}
