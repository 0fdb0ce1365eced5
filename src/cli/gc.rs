//! `vetrun gc`: removes what a killed vetrun left behind, without waiting for the next run to do it.

use std::io::Write as _;

use super::Failure;
use super::engine::workspace;
use super::environment::docker_host;
use super::reporting::answer;
use crate::output::sanitize;
use crate::sandbox::{self, SandboxError, docker, native};
use crate::vet::Exit;

/// `vetrun gc`: exits with 0 where everything that is left over and within reach is gone. An engine that does not answer
/// has nothing that can be removed; that it was not asked is said.
pub(super) fn gc() -> Result<Exit, Failure> {
    let mut folders = sandbox::sweep_folders(&std::env::temp_dir());
    if let Some(workspace) = workspace()? {
        folders += sandbox::sweep_folders(&workspace.inside);
    }
    let mut out = answer();
    writeln!(out, "temporary folders: {folders} removed")?;
    writeln!(out, "control groups: {} removed", native::sweep())?;
    match docker::sweep(docker_host().as_deref()) {
        Ok(containers) => writeln!(out, "containers: {containers} removed")?,
        Err(error @ SandboxError::Unavailable { .. }) => {
            writeln!(out, "containers: not looked for: {}", sanitize::line(&error.to_string()))?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Exit::Passed)
}
