//! Where a value of the policy comes from.

use std::fmt;

use serde::Serialize;

use super::Preset;

/// Where a value comes from, the weakest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A preset.
    Preset {
        /// Which.
        name: Preset,
    },
    /// A policy file.
    File {
        /// The file, as it was named.
        path: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        name: &'static str,
    },
    /// An option of the command line.
    Option {
        /// The option, with its dashes.
        name: &'static str,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Preset { name } => write!(f, "preset {name}"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Environment { name } => write!(f, "environment variable {name}"),
            Self::Option { name } => f.write_str(name),
        }
    }
}
