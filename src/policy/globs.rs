//! Globs over paths of an artifact, compiled once when the policy is read.

use std::borrow::Cow;
use std::fmt;

use globset::{GlobBuilder, GlobSet};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Globs for paths relative to the artifact's root; `*` stays within a folder and `**` does not.
#[derive(Clone, Debug)]
pub struct Globs {
    texts: Vec<String>,
    set: GlobSet,
}

impl Globs {
    /// Compiles globs.
    ///
    /// # Errors
    /// A sentence that names the first text that is no glob; an empty list is refused, too.
    pub fn new(texts: Vec<String>) -> Result<Self, String> {
        if texts.is_empty() {
            return Err("there is no glob; name at least one, such as \"tests/**\"".to_owned());
        }
        let mut set = GlobSet::builder();
        for text in &texts {
            let glob = GlobBuilder::new(text).literal_separator(true).build();
            set.add(glob.map_err(|error| format!("`{text}` is not a glob: {}", error.kind()))?);
        }
        Ok(Self { set: set.build().map_err(|error| error.to_string())?, texts })
    }

    /// The globs as they were written.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Whether one of them matches.
    #[must_use]
    pub fn is_match(&self, path: &str) -> bool {
        self.set.is_match(path)
    }
}

impl fmt::Display for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts.join(", "))
    }
}

impl PartialEq for Globs {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Serialize for Globs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.texts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Globs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Globs {
    fn schema_name() -> Cow<'static, str> {
        "Globs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Globs for paths relative to the artifact's root; `*` stays within a folder and `**` does not.",
            "type": "array",
            "minItems": 1,
            "items": { "type": "string" },
        })
    }
}
