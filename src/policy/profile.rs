//! Structure profiles: what an artifact of a kind consists of, as data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use globset::Glob;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Budget, Threshold};
use crate::language::Language;

/// What an artifact of one kind must and must not hold. Globs are matched against paths relative to the root; `*` stays
/// within a folder and `**` does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Globs; each must match at least one file.
    pub required: Vec<String>,
    /// Languages; each must be in at least one file. A `<style>` or `<script>` with content counts for its language.
    pub required_languages: Vec<Language>,
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

impl Profile {
    /// What the types cannot hold: rows that no budget has, and globs that are none.
    ///
    /// # Errors
    /// A sentence that names the key and the mend.
    pub fn check(&self, name: &str) -> Result<(), String> {
        let rows = Budget::default().rows().map(|(row, _)| row);
        if let Some(row) = self.budget.keys().find(|row| !rows.contains(&row.as_str())) {
            return Err(format!("profiles.{name}.budget has no row `{row}` (there are: {})", rows.join(", ")));
        }
        let globs = [&self.required, &self.forbidden, &self.entry, &self.tests].into_iter().flatten();
        for text in globs.chain(self.markers.keys()) {
            if let Err(error) = Glob::new(text) {
                return Err(format!("profiles.{name}: `{text}` is not a glob: {}", error.kind()));
            }
        }
        Ok(())
    }
}

/// The built-in profiles: `python`, `web`, `node`, `any`.
#[must_use]
pub fn builtin_profiles() -> &'static BTreeMap<String, Profile> {
    static BUILTIN: LazyLock<BTreeMap<String, Profile>> =
        LazyLock::new(|| toml::from_str(include_str!("profiles.toml")).expect("the built-in profiles are valid"));
    &BUILTIN
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

    #[test]
    fn builtin_profiles_hold_only_what_a_policy_may() {
        for (name, profile) in builtin_profiles() {
            assert_eq!(profile.check(name), Ok(()));
        }
    }

    #[test]
    fn a_row_or_glob_that_does_not_exist_is_refused_at_load() {
        let cases =
            [("[profiles.p.budget]\nbytes = { fail = 1 }\n", "bytes"), ("[profiles.p]\nentry = [\"a[\"]\n", "a[")];
        for (text, word) in cases {
            let error = crate::policy::Policy::from_toml(text, "vetrun.toml").unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
