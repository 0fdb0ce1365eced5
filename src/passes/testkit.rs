//! Parsed artifacts for the tests of passes: files given as text, parsed as they are in earnest.

use crate::artifact::{Artifact, SourceFile};
use crate::passes::parse::{Parsed, Target, parse};
use crate::policy::ParsePolicy;

/// An artifact of text files.
pub(crate) fn artifact(files: &[(&str, &str)]) -> Artifact {
    let files = files.iter().map(|(path, text)| SourceFile::new(*path, text.as_bytes()));
    Artifact::new("artifact", "artifact", files.collect(), Vec::new())
}

/// The artifact with its trees.
pub(crate) fn parsed(artifact: &Artifact) -> Parsed<'_> {
    parse(artifact, &ParsePolicy::default(), &Target::default()).0
}
