//! vetrun in a container, with the socket of the engine that it runs programs with: their containers are siblings of its
//! own, and the engine sees vetrun's files under other paths.

use std::process::{Command, Output};

use serde_json::Value;
use vetrun::sandbox::docker::DEFAULT_IMAGE;

use super::{sandbox, text};

/// Where the engine's socket is on this host.
fn engine() -> Option<String> {
    let engine = crate::docker::socket().unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    engine.strip_prefix("unix://").map(str::to_owned)
}

/// `docker run` of the built vetrun with these options, over an artifact that writes and one that only its owner can read.
fn in_container(options: &[String], args: &[&str]) -> Option<Output> {
    let engine = engine()?;
    let artifact = crate::support::folder(&[(
        "main.py",
        "import os\nopen(os.path.join(os.environ['OUTPUT_DIR'], 'made.txt'), 'w').write('made')\nprint('ran')\n",
    )]);
    let output = Command::new("docker")
        .args([
            "run",
            "--rm",
            "--user",
            "0",
            "--network",
            "none",
            "--workdir",
            "/",
            "--env",
            "DOCKER_HOST=unix:///engine",
        ])
        .arg(format!("--volume={engine}:/engine"))
        .arg(format!("--volume={}:/vetrun:ro", env!("CARGO_BIN_EXE_vetrun")))
        .arg(format!("--volume={}:/artifact:ro", artifact.path().display()))
        .args(options)
        .args([DEFAULT_IMAGE, "/vetrun"])
        .args(args)
        .output()
        .unwrap();
    if text(&output.stderr).contains("GLIBC_") && std::env::var_os("CI").is_none() {
        return None;
    }
    Some(output)
}

const RUN: &[&str] = &["run", "--no-policy", "--sandbox", "docker", "--format", "json", "/artifact"];

/// What a run in a sibling must show.
fn ran(output: &Output) -> Value {
    let report = crate::support::report(output);
    let execution = &report["execution"];
    assert_eq!(execution["stdout"]["text"], "ran\n", "{}", crate::support::shown(output));
    assert_eq!(execution["outputs"][0]["path"], "made.txt", "{execution}");
    assert_eq!(execution["backend"], "docker");
    for layer in ["pidNamespace", "networkNamespace", "seccomp", "nonRoot", "readOnlyRoot"] {
        assert_eq!(execution["isolation"]["layers"][layer], true, "{layer}");
    }
    assert_eq!(output.status.code(), Some(0));
    report
}

#[test]
fn files_in_the_containers_own_root_are_found() {
    if sandbox().is_none() {
        return;
    }
    let Some(output) = in_container(&[], RUN) else { return };
    let report = ran(&output);
    // No control group of a sibling can be seen; the engine tells what it knows.
    assert!(report["execution"]["metrics"]["cpuMs"].as_u64().is_some(), "{}", report["execution"]["metrics"]);
}

#[test]
fn files_in_a_volume_are_found() {
    if sandbox().is_none() {
        return;
    }
    let shared = tempfile::tempdir().unwrap();
    let options = [format!("--volume={}:/srv/shared", shared.path().display()), "--env=TMPDIR=/srv/shared".to_owned()];
    let Some(output) = in_container(&options, RUN) else { return };
    ran(&output);
    assert_eq!(std::fs::read_dir(shared.path()).unwrap().count(), 0, "nothing is left in it");
}

#[test]
fn a_workspace_is_taken_at_its_word() {
    if sandbox().is_none() {
        return;
    }
    let shared = tempfile::tempdir().unwrap();
    let host = |path: &str| format!("--env=HOST_EXEC_WORKSPACE_PATH={path}");
    let volume = |inside: &str| format!("--volume={}:{inside}", shared.path().display());
    let path = shared.path().to_str().unwrap();
    // The engine cannot see a tmpfs of vetrun's container, so temporary folders must be in the workspace.
    let blind = "--tmpfs=/tmp".to_owned();
    let Some(output) = in_container(&[blind.clone(), volume("/exec-workspace"), host(path)], RUN) else { return };
    ran(&output);
    let named = [
        blind.clone(),
        volume("/srv/work"),
        host(&format!("/{path}/")),
        "--env=EXEC_WORKSPACE_ROOT=/srv/work".to_owned(),
    ];
    ran(&in_container(&named, RUN).unwrap());

    let wrong = in_container(&[blind, volume("/exec-workspace"), host("/no/such/folder")], RUN).unwrap();
    let shown = crate::support::shown(&wrong);
    assert_eq!(wrong.status.code(), Some(2), "{shown}");
    assert!(shown.contains("does not see") && shown.contains("HOST_EXEC_WORKSPACE_PATH"), "{shown}");
    let relative = in_container(&[volume("/exec-workspace"), host("work")], RUN).unwrap();
    assert!(crate::support::shown(&relative).contains("no absolute path"), "{}", crate::support::shown(&relative));
}

#[test]
fn what_the_engine_cannot_see_goes_as_an_archive_unless_it_is_to_be_mounted() {
    if sandbox().is_none() {
        return;
    }
    let blind = || "--tmpfs=/tmp".to_owned();
    let Some(output) = in_container(&[blind()], RUN) else { return };
    let report = ran(&output);
    let tier = report["execution"]["isolation"]["tier"].as_str().unwrap();
    assert!(tier.ends_with("files as archives"), "{tier}");

    let policy = crate::support::folder(&[("vetrun.toml", "[execute]\ndocker_files = \"mount\"\n")]);
    let policy = format!("--volume={}:/policy:ro", policy.path().display());
    let args = ["run", "--policy", "/policy/vetrun.toml", "--sandbox", "docker", "/artifact"];
    let output = in_container(&[blind(), policy], &args).unwrap();
    let shown = crate::support::shown(&output);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(shown.contains("the engine cannot see /tmp") && shown.contains("HOST_EXEC_WORKSPACE_PATH"), "{shown}");
}

#[test]
fn memory_is_told_from_a_signal_in_a_sibling_too() {
    if sandbox().is_none() {
        return;
    }
    let ends = [("x = bytearray(600 << 20)\n", "oom"), ("import os\nos.kill(os.getpid(), 9)\n", "signaled")];
    for (code, outcome) in ends {
        let artifact = crate::support::folder(&[("main.py", code)]);
        let options = [format!("--volume={}:/other:ro", artifact.path().display())];
        let args = ["run", "--no-policy", "--no-builtin-rules", "--sandbox", "docker", "--format", "json", "/other"];
        let Some(output) = in_container(&options, &args) else { return };
        let report = crate::support::report(&output);
        assert_eq!(report["execution"]["outcome"], outcome, "{}", crate::support::shown(&output));
    }
}

#[test]
fn the_doctor_says_where_it_is() {
    if sandbox().is_none() {
        return;
    }
    let Some(output) = in_container(&[], &["doctor"]) else { return };
    assert!(
        text(&output.stdout).contains("vetrun is in a container of this engine"),
        "{}",
        crate::support::shown(&output)
    );
}
