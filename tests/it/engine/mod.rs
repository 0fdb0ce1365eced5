//! The Docker back end in a real deployment: images and where they come from, engines that fail, vetrun in a container
//! itself, many runs at once. Without an engine these tests say so and check nothing, like those of `docker`.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

mod broken;
mod elsewhere;
mod hardening;
mod images;
mod many;
mod proxy;
mod registry;
mod siblings;
mod warm;

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use vetrun::sandbox::Mount;
use vetrun::sandbox::docker::{DockerOptions, DockerSandbox};

use crate::docker::{python, sandbox, socket, text};

/// A back end of its own, with these changes to the options.
fn connect(change: impl FnOnce(&mut DockerOptions)) -> Result<DockerSandbox, String> {
    let mut options = DockerOptions { socket: socket(), ..DockerOptions::default() };
    change(&mut options);
    DockerSandbox::connect(options).map_err(|error| error.to_string())
}

/// What the engine's own client says.
fn docker(args: &[&str]) -> Output {
    Command::new("docker").args(args).output().expect("the engine's client is there")
}

/// The same, where it must succeed.
fn said(args: &[&str]) -> String {
    let output = docker(args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 60 s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A folder that programs can read, so that it is shown by its own path, and the job's container found by it.
fn visible(folder: &Path) -> Mount {
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    Mount { host: folder.to_path_buf(), inside: "/work".to_owned() }
}

/// The ids of the containers that show this folder, of those that run or of all.
fn showing(folder: &Path, which: &[&str]) -> Vec<String> {
    let volume = format!("volume={}", folder.display());
    let args: Vec<&str> = ["ps", "--quiet", "--filter", &volume].iter().chain(which).copied().collect();
    said(&args).lines().map(str::to_owned).collect()
}

/// The ids of a vetrun's containers.
fn containers_of(pid: u32) -> Vec<String> {
    let format = "{{.Label \"vetrun.owner\"}} {{.ID}} {{.State}}";
    let listed = said(&["ps", "--all", "--no-trunc", "--filter", "label=vetrun.owner", "--format", format]);
    let owner = format!("{pid}:");
    // Engines go on listing some that they have lost, as being removed.
    let own = listed.lines().filter(|line| line.starts_with(&owner) && !line.ends_with(" removing"));
    own.filter_map(|line| Some(line.split(' ').nth(1)?.to_owned())).collect()
}
