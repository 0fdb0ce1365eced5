//! The Docker back end in a real deployment: images and where they come from, engines that fail, vetrun in a container
//! itself, many runs at once. Without an engine these tests say so and check nothing, like those of `docker`.

mod broken;
mod hardening;
mod images;
mod many;
mod proxy;
mod registry;
mod siblings;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

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

/// The ids of this process's containers.
fn containers() -> Vec<String> {
    containers_of(std::process::id())
}

fn containers_of(pid: u32) -> Vec<String> {
    let format = "{{.Label \"vetrun.owner\"}} {{.ID}}";
    let listed = said(&["ps", "--all", "--no-trunc", "--filter", "label=vetrun.owner", "--format", format]);
    let owner = format!("{pid}:");
    let own = listed.lines().filter(|line| line.starts_with(&owner));
    own.filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect()
}
