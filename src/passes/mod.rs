//! The six passes, and what each has to say: a [`PassResult`].
//!
//! The first four are pure functions of the snapshot. The last two have effects and take a
//! [`Cleared`](crate::vet::Cleared) artifact, which only the gate can make.

pub mod budget;
pub mod execute;
pub mod install;
pub mod parse;
pub mod scan;
pub mod structure;
#[cfg(test)]
mod testkit;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It ran and found nothing that fails the artifact.
    Passed,
    /// It ran and found something that does.
    Failed,
    /// It did not run, for the reason in its message.
    Skipped,
    /// It could not be run to its end: vetrun, its policy or its back end is at fault, not the artifact.
    Error,
}

impl Status {
    /// The lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Error => "error",
        }
    }
}

/// What a pass has to say beside its findings.
#[derive(Clone, Debug, PartialEq)]
pub struct PassResult {
    /// How it ended.
    pub status: Status,
    /// One lower-case sentence without a full stop: what was checked, or why nothing was.
    pub message: String,
    /// How long it took.
    pub duration: Duration,
    /// Facts of the pass's own, for the report; camelCase keys.
    pub details: Map<String, Value>,
}

impl PassResult {
    /// A pass that did not run.
    #[must_use]
    pub fn skipped(because: impl Into<String>) -> Self {
        Self { status: Status::Skipped, message: because.into(), duration: Duration::ZERO, details: Map::new() }
    }
}
