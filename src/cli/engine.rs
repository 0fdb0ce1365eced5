//! What this host's environment and the policy say of the Docker engine: where it is, what it may do, and how it sees files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use super::environment;
use crate::output::sanitize;
use crate::policy::{DockerFiles, EngineLimit, ExecutePolicy, PullPolicy};
use crate::sandbox::Interpreter;
use crate::sandbox::docker::{DockerOptions, Files, OnPull, Pull, Workspace};

/// Where a vetrun that is in a container has its workspace when nothing else is said.
const WORKSPACE: &str = "/exec-workspace";

/// The options of the Docker back end under this policy.
pub(super) fn options(policy: &ExecutePolicy) -> Result<DockerOptions, Failure> {
    let images = [(Interpreter::Python, &policy.images.python), (Interpreter::Node, &policy.images.node)];
    Ok(DockerOptions {
        socket: environment::docker_host(),
        image: policy.image.clone(),
        images: images.into_iter().filter_map(|(kind, image)| Some((kind, image.clone()?))).collect::<BTreeMap<_, _>>(),
        pull: match policy.pull {
            PullPolicy::Never => Pull::Never,
            PullPolicy::Pinned => Pull::Pinned,
            PullPolicy::Missing => Pull::Missing,
        },
        runtime: policy.runtime.clone(),
        files: match policy.docker_files {
            DockerFiles::Auto => Files::Auto,
            DockerFiles::Mount => Files::Mount,
            DockerFiles::Archive => Files::Archive,
        },
        unenforced: policy.unenforced_limits.iter().map(|limit: &EngineLimit| limit.name().to_owned()).collect(),
        workspace: workspace()?,
        on_pull: Some(progress()),
        ..DockerOptions::default()
    })
}

/// The folder that is called `HOST_EXEC_WORKSPACE_PATH` where the engine runs: here `EXEC_WORKSPACE_ROOT`, else
/// `/exec-workspace`, else, on the engine's own host, what it is called there.
pub(super) fn workspace() -> Result<Option<Workspace>, Failure> {
    let Some(outside) = environment::workspace_outside()? else { return Ok(None) };
    if let Some(root) = environment::workspace_inside() {
        if !root.is_dir() {
            return Err(format!("EXEC_WORKSPACE_ROOT is {}, where there is no folder", root.display()).into());
        }
        return Ok(Some(Workspace { inside: root, outside }));
    }
    let candidates = [Path::new(WORKSPACE), Path::new(&outside)];
    let Some(inside) = candidates.into_iter().find(|path| path.is_absolute() && path.is_dir()) else {
        let mend = format!("set EXEC_WORKSPACE_ROOT to where it is here, or mount it at {WORKSPACE}");
        return Err(format!("HOST_EXEC_WORKSPACE_PATH is {outside}, and that folder is not here ({mend})").into());
    };
    Ok(Some(Workspace { inside: inside.to_owned(), outside: outside.clone() }))
}

/// A bar on standard error, where that is a terminal, for each image that is pulled.
fn progress() -> OnPull {
    let bar: Mutex<Option<ProgressBar>> = Mutex::new(None);
    Arc::new(move |pulled| {
        let mut bar = bar.lock().expect("no holder of the lock panics");
        let bar = bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {wide_msg}");
            ProgressBar::new(0).with_style(style.expect("the template is well-formed"))
        });
        bar.set_message(format!("pulling {}", sanitize::line(&pulled.image)));
        bar.set_length(pulled.bytes_total);
        bar.set_position(pulled.bytes);
        if pulled.done {
            bar.finish_and_clear();
        }
    })
}
