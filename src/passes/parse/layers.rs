//! The layers of the strict verdict, one by one, for the benchmark alone (feature `bench`). Nothing of it is part of
//! what the crate promises.

use super::javascript::Roles;
use super::{Target, Validity, decode, file, tree};
use crate::artifact::{Artifact, SourceFile, SourceText};
use crate::policy::ParsePolicy;

pub use super::javascript::layers as javascript;
pub use super::python::layers as python;

/// What judges the files of one artifact.
#[derive(Debug)]
pub struct Judge<'a> {
    roles: Roles<'a>,
    policy: &'a ParsePolicy,
    target: Target,
}

impl<'a> Judge<'a> {
    /// A judge for the files of `artifact`.
    #[must_use]
    pub fn new(artifact: &'a Artifact, policy: &'a ParsePolicy) -> Self {
        Self { roles: Roles::of(artifact, policy), policy, target: Target::default() }
    }

    /// All of the strict verdict; whether the file is valid, and as what.
    #[must_use]
    pub fn verdict(&self, source: &SourceFile) -> (bool, Option<&'static str>) {
        let basis = file::Basis { policy: self.policy, target: &self.target, lowers: false };
        let file = file::verdict(source, &self.roles, basis).file;
        (file.validity == Validity::Valid, file.dialect)
    }
}

/// The text of a file.
#[must_use]
pub fn decoded(source: &SourceFile) -> Option<SourceText> {
    decode::decode(source.language, &source.bytes, Target::default().python).ok().map(|decoded| decoded.text)
}

/// Whether there is a tolerant tree; it is no part of the verdict.
#[must_use]
pub fn has_tree(source: &SourceFile, text: &str) -> bool {
    matches!(tree::Ground::new(text, u64::MAX).whole(source.language), Ok(Some(_)))
}

/// Runs `job` on a thread with the stack that parsing has.
pub fn on_parse_thread<T: Send>(job: impl FnOnce() -> T + Send) -> T {
    super::with_room(job)
}
