//! Structure profiles: what an artifact of a kind consists of, as data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Threshold;

/// What an artifact of one kind must and must not hold. Globs are matched against paths relative to the root; `*` stays
/// within a folder and `**` does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Globs; each must match at least one file.
    pub required: Vec<String>,
    /// Globs; none may match a file.
    pub forbidden: Vec<String>,
    /// Text that some file that matches the glob must hold, case ignored: glob → texts.
    pub markers: BTreeMap<String, Vec<String>>,
    /// Whether every local `src` and `href` of an HTML file must name a file of the artifact.
    pub local_references: bool,
    /// Globs for the entry point, in order of preference.
    pub entry: Vec<String>,
    /// Whether an artifact without an entry point fails.
    pub entry_required: bool,
    /// Globs for test files.
    pub tests: Vec<String>,
    /// Rows that replace those of the policy's budget, by name.
    pub budget: BTreeMap<String, Threshold>,
}

/// The built-in profiles: `python`, `web`, `node`, `any`.
#[must_use]
pub fn builtin_profiles() -> BTreeMap<String, Profile> {
    let profiles: BTreeMap<String, Profile> =
        toml::from_str(include_str!("profiles.toml")).expect("the built-in profiles are valid");
    profiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_builtin_profiles_are_there() {
        let profiles = builtin_profiles();
        assert_eq!(profiles.keys().collect::<Vec<_>>(), ["any", "node", "python", "web"]);
        assert_eq!(profiles["web"].budget["total_bytes"].fail, Some(100_000));
    }
}
