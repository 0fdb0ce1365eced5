//! What is kept of static passes, so that an artifact that has not changed need not go through them again.

use serde::{Deserialize, Serialize};

use super::{Exit, Grounds};
use crate::artifact::{Artifact, Digest};
use crate::cache::Cache;
use crate::report::{ReportFinding, ValidationResults};

/// What static passes said of one artifact.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) blocked: bool,
    pub(super) validation_results: ValidationResults,
    pub(super) findings: Vec<ReportFinding>,
}

impl Kept {
    /// How vetting ended.
    pub(super) fn exit(&self) -> Exit {
        if self.blocked { Exit::Blocked } else { Exit::Passed }
    }

    /// What was kept under `key`. No pass took any time.
    pub(super) fn read(cache: &Cache, key: Digest) -> Option<Self> {
        let mut kept: Self = serde_json::from_slice(&cache.get(key)?).ok()?;
        for result in kept.validation_results.each_mut() {
            result.duration_ms = 0;
        }
        Some(kept)
    }

    /// Keeps it under `key`.
    pub(super) fn write(&self, cache: &Cache, key: Digest) {
        if let Ok(content) = serde_json::to_vec(self) {
            cache.put(key, &content);
        }
    }
}

/// The name of everything that the verdict of static passes depends on.
pub(super) fn key(cache: &Cache, artifact: &Artifact, grounds: &Grounds) -> Digest {
    cache.key(&[grounds.with(artifact).to_string().as_bytes()])
}
