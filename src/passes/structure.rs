//! The structure pass: is everything there that belongs there, and nothing that does not?

use serde_json::{Map, Value};

use crate::finding::Finding;
use crate::passes::parse::Parsed;
use crate::policy::{Policy, PolicyError, Profile};

/// What the structure pass found out, beside its findings.
#[derive(Debug)]
pub struct Structure {
    /// The name of the profile that was used.
    pub profile_name: String,
    /// The profile itself.
    pub profile: Profile,
    /// The path of the entry point, if there is one.
    pub entry: Option<String>,
    /// The paths of test files, in order.
    pub tests: Vec<String>,
    /// Facts for the report's `validationResults.structure.details`.
    pub details: Map<String, Value>,
}

/// Checks the artifact against its profile, and for what generated code typically gets wrong.
///
/// # Errors
/// [`PolicyError::NoProfile`] when the policy asks for a profile that does not exist.
pub fn structure(parsed: &Parsed<'_>, policy: &Policy) -> Result<(Structure, Vec<Finding>), PolicyError> {
    let name = policy.structure.profile.clone().unwrap_or_else(|| "any".to_owned());
    let profile = policy.profile(&name)?;
    let _ = parsed;
    Ok((Structure { profile_name: name, profile, entry: None, tests: Vec::new(), details: Map::new() }, Vec::new()))
}
