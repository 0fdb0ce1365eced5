//! What `vetrun doctor` says of this back end.

use super::engine::{BACKEND, Features};
use super::image::Image;
use super::isolation;
use super::paths::Paths;
use crate::sandbox::{Diagnosis, Isolation, SandboxError};

/// The diagnosis of an engine that answers and has the image; `loose` says which limits it must hold and cannot.
pub(super) fn opened(features: &Features, image: &Image, paths: &Paths, loose: Option<&SandboxError>) -> Diagnosis {
    let isolation = isolation::expected(features);
    let mut mends: Vec<String> = isolation
        .limits
        .iter()
        .filter(|(_, limit)| !limit.enforced)
        .map(|(name, limit)| format!("the limit `{name}` is not held: {}", limit.by))
        .collect();
    if !features.seccomp {
        mends.push("run an engine that is built with seccomp, so that system calls are filtered".to_owned());
    }
    if !features.user_namespaces {
        mends.push("run the engine rootless or with userns-remap, so that root inside is nobody outside".to_owned());
    }
    let mut summary = format!("{}, image {}", features.tier(), image.pinned);
    if let Some(paths) = paths.described() {
        summary.push_str(&format!(", {paths}"));
    }
    if let Some(SandboxError::Unavailable { reason, mend, .. }) = loose {
        summary = format!("{reason} ({summary})");
        mends.push(mend.clone());
    }
    Diagnosis { backend: BACKEND, usable: loose.is_none(), summary, mends, isolation }
}

/// The diagnosis of an engine that cannot be used.
pub(super) fn unusable(error: &SandboxError) -> Diagnosis {
    let (summary, mends) = match error {
        SandboxError::Unavailable { reason, mend, .. } => (reason.clone(), vec![mend.clone()]),
        other => (other.to_string(), Vec::new()),
    };
    Diagnosis { backend: BACKEND, usable: false, summary, mends, isolation: Isolation::default() }
}
