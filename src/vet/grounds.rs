//! What every verdict of a command depends on beside the artifact, told once for all of its artifacts.

use super::Judging;
use crate::artifact::{Artifact, Digest};

/// What verdicts depend on beside the artifact.
#[derive(Clone, Debug)]
pub struct Grounds {
    /// The digest over the rules.
    pub(super) rules: String,
    /// The digest of the policy's meaning.
    pub(super) policy: String,
    /// Over both and all the rest: the baseline, what is known of names, requirements that stand in for the artifact's own.
    digest: Digest,
}

impl Grounds {
    /// What artifacts are judged by, as digests.
    #[must_use]
    pub fn of(judging: &Judging<'_>) -> Self {
        let (rules, policy) = (judging.rules.digest().to_string(), judging.policy.digest().to_string());
        let mut baseline: Vec<_> = judging.baseline.iter().collect();
        baseline.sort();
        let rest = format!("{:?}", (judging.names.digest(), baseline, judging.requirements));
        let digest = over(&[&rules, &policy, &rest]);
        Self { rules, policy, digest }
    }

    /// The digest over everything that the static passes' verdict on an artifact depends on, but for vetrun itself.
    pub(super) fn with(&self, artifact: &Artifact) -> Digest {
        let files: Vec<_> = artifact.files.iter().map(|file| (&file.path, file.language)).collect();
        let rest = format!("{:?}", (&artifact.name, files, &artifact.refused, &artifact.excluded));
        over(&[&self.digest.to_string(), &artifact.digest.to_string(), &rest])
    }
}

/// The digest over texts, none of which can pass for a part of another.
fn over(parts: &[&str]) -> Digest {
    let all: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    Digest::of(all.as_bytes())
}
