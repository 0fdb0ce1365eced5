//! Presets: whole attitudes under one name, as data.
//!
//! All presets set the same keys, so that the one named last decides each of them whatever came before. What a preset never
//! does is let unvetted code run or loosen a wall; `lenient` takes back a network that an extended file has given.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layer::Layer;
use super::load::Read;
use super::{Origin, PolicyError};

/// A policy that comes with vetrun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// For code that nobody has looked at and nobody will.
    Strict,
    /// What holds where nothing is said.
    Default,
    /// For code whose author is known, where only plain harm should stop it.
    Lenient,
}

impl Preset {
    /// All presets, the strictest first.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Default, Self::Lenient];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Default => "default",
            Self::Lenient => "lenient",
        }
    }

    /// The preset with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its TOML, with the reason of each value in a comment.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Strict => include_str!("presets/strict.toml"),
            Self::Default => include_str!("presets/default.toml"),
            Self::Lenient => include_str!("presets/lenient.toml"),
        }
    }

    /// Its values.
    ///
    /// # Errors
    /// None for the presets that come with vetrun, which a test holds.
    pub fn layer(self) -> Result<Layer, PolicyError> {
        let read = Read::of(self.text(), &format!("preset {self}"))?;
        Ok(read.layer("", |_| Origin::Preset { name: self }))
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Backend, Layers, NetworkPolicy, Policy, Resolved};

    fn resolved(preset: Preset) -> Resolved {
        let mut layers = Layers::default();
        layers.lay(preset.layer().expect("it is valid"));
        layers.resolve().expect("it can be used")
    }

    /// The keys that a preset sets, and what is written there.
    fn set(preset: Preset) -> Vec<String> {
        let values = resolved(preset).values();
        let own = values.iter().filter(|shown| shown.origins == [Origin::Preset { name: preset }]);
        own.map(|shown| shown.key.join(".")).collect()
    }

    #[test]
    fn presets_set_the_same_keys_and_the_default_one_is_the_default() {
        assert_eq!(set(Preset::Strict), set(Preset::Default));
        assert_eq!(set(Preset::Lenient), set(Preset::Default));
        assert_eq!(resolved(Preset::Default).policy, Policy::default());
    }

    #[test]
    fn no_preset_loosens_a_wall() {
        for preset in Preset::ALL {
            let Policy { execute, gate, scan, install, .. } = resolved(preset).policy;
            assert_eq!(execute.network, NetworkPolicy::None);
            assert_eq!((execute.sandbox, execute.unenforced_limits.len()), (Backend::Auto, 0));
            assert!(
                !gate.allow_suppressions
                    && gate.ignore.is_empty()
                    && scan.builtin_rules
                    && install.deny_names.is_empty()
            );
        }
    }

    #[test]
    fn presets_are_ordered_from_strict_to_lenient() {
        let [strict, default, lenient] = Preset::ALL.map(|preset| resolved(preset).policy);
        for (tighter, wider) in [(&strict, &default), (&default, &lenient)] {
            assert!(
                tighter.gate.fail_on < wider.gate.fail_on && tighter.gate.min_confidence <= wider.gate.min_confidence
            );
            assert!(tighter.execute.timeout < wider.execute.timeout && tighter.execute.memory < wider.execute.memory);
            assert!(tighter.execute.pids < wider.execute.pids && tighter.install.min_age > wider.install.min_age);
            for ((row, tight), (_, wide)) in tighter.budget.rows().into_iter().zip(wider.budget.rows()) {
                assert!(tight.fail <= wide.fail && tight.warn <= wide.warn, "{row}");
            }
        }
    }
}
