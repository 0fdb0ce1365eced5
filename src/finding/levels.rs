//! How bad a finding is, and how sure. The build script reads rules with these as well, so nothing else is named here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad a finding is, if it is what it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; never a fault.
    Info,
    /// A weakness that needs another fault beside it.
    Low,
    /// A fault that a reviewer would want mended.
    Medium,
    /// A fault that lets others in, or code that does harm in ordinary use.
    High,
    /// Code whose only plausible purpose is harm.
    Critical,
}

impl Severity {
    /// All severities, mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How sure vetrun is that a finding is what it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Could well be harmless.
    Low,
    /// Probably so.
    Medium,
    /// As good as certain.
    High,
}

impl Confidence {
    /// The lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}
