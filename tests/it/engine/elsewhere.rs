//! Engines and runtimes that share nothing with vetrun: they run programs all the same, and the report says how.

use std::process::{Command, Stdio};

use serde_json::Value;
use vetrun::sandbox::docker::{DockerOptions, DockerSandbox, Files};
use vetrun::sandbox::{Ended, Sandbox as _, Stop};

use super::{connect, containers_of, docker, python, said, sandbox, socket, text, wait_until};

const ARTIFACT: &str =
    "import os\nopen(os.path.join(os.environ['OUTPUT_DIR'], 'made.txt'), 'w').write('made')\nprint('ran')\n";

/// The built `vetrun` where its temporary files, and with them all that it would share, are in a file system that the engine
/// does not see.
fn blind(policy: &str) -> Option<Value> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let artifact = crate::support::folder(&[("main.py", ARTIFACT)]);
    let policy = crate::support::folder(&[("vetrun.toml", policy)]);
    let hidden = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs none \"$1\" && TMPDIR=\"$1\" exec \"$2\" run --policy \"$3/vetrun.toml\" --sandbox docker \
                  --format json \"$4\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(hidden.path()).arg(env!("CARGO_BIN_EXE_vetrun"));
    command.arg(policy.path()).arg(artifact.path()).current_dir("/");
    if let Some(socket) = socket() {
        command.env("DOCKER_HOST", socket);
    }
    let output = command.output().unwrap();
    let report = crate::support::report(&output);
    Some(report)
}

#[test]
fn an_engine_that_sees_none_of_vetruns_files_is_used_all_the_same() {
    if sandbox().is_none() {
        return;
    }
    let Some(report) = blind("") else { return };
    let execution = &report["execution"];
    assert_eq!(execution["stdout"]["text"], "ran\n", "{report}");
    assert_eq!(execution["outputs"][0]["path"], "made.txt", "{execution}");
    assert!(execution["isolation"]["tier"].as_str().unwrap().ends_with("files as archives"), "{execution}");
    for layer in ["pidNamespace", "networkNamespace", "seccomp", "nonRoot", "readOnlyRoot", "capabilitiesDropped"] {
        assert_eq!(execution["isolation"]["layers"][layer], true, "{layer}");
    }
}

#[test]
fn who_wants_mounts_is_told_that_there_are_none() {
    if sandbox().is_none() {
        return;
    }
    let Some(report) = blind("[execute]\ndocker_files = \"mount\"\n") else { return };
    assert_eq!(report["status"], "error");
    let message = report["validationResults"]["execution"]["message"].as_str().unwrap();
    assert!(message.contains("does not see") && message.contains("HOST_EXEC_WORKSPACE_PATH"), "{message}");
}

#[test]
fn a_runtime_with_a_kernel_of_its_own_is_used_all_the_same() {
    if sandbox().is_none() {
        return;
    }
    let listed = said(&["info", "--format", "{{json .Runtimes}}"]);
    if !listed.contains("\"runsc\"") {
        return;
    }
    let sandbox = connect(|options| options.runtime = Some("runsc".to_owned())).unwrap();
    let outcome = sandbox.run(&python("import os; print(os.uname().release)"), &Stop::default()).unwrap();
    assert_eq!(outcome.ended, Ended::Exited(0), "{}", text(&outcome.stderr.bytes));
    let own = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_ne!(text(&outcome.stdout.bytes), own, "the kernel is not this host's");
    assert!(outcome.isolation.tier.contains("runtime runsc, files as archives"), "{}", outcome.isolation.tier);
    // What its kernel does not keep apart is told.
    let looks = "import os\ntry: os.listdir('/proc/1/fd'); print('reached')\nexcept OSError: print('apart')";
    let outcome = sandbox.run(&python(looks), &Stop::default()).unwrap();
    let is_told = outcome.isolation.tier.contains("forge");
    assert_eq!(text(&outcome.stdout.bytes), if is_told { "reached\n" } else { "apart\n" });
}

#[test]
fn a_container_without_shared_folders_ends_with_its_vetrun_too() {
    if sandbox().is_none() {
        return;
    }
    let artifact = crate::support::folder(&[("main.py", "import time\ntime.sleep(300)\n")]);
    let policy = crate::support::folder(&[("vetrun.toml", "[execute]\ndocker_files = \"archive\"\n")]);
    let policy = policy.path().join("vetrun.toml");
    let mut vetrun = crate::support::vetrun()
        .args(["run", "--policy", crate::support::arg(&policy), "--sandbox", "docker", "--timeout", "300s"])
        .arg(artifact.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = vetrun.id();
    let is_shown = |id: &String| text(&docker(&["inspect", "--format", "{{.Mounts}}", id]).stdout).contains("/work");
    wait_until("the program's container runs", || containers_of(pid).iter().any(is_shown));
    std::thread::sleep(std::time::Duration::from_millis(500));
    vetrun.kill().unwrap();
    vetrun.wait().unwrap();
    let running = || said(&["ps", "--no-trunc", "--quiet"]);
    wait_until("it ends by itself", || containers_of(pid).iter().all(|id| !running().contains(id.as_str())));
    assert!(vetrun::sandbox::docker::sweep(socket().as_deref()).is_ok());
    assert_eq!(containers_of(pid), Vec::<String>::new());
}

#[test]
fn no_volume_is_left() {
    let Some(sandbox) = crate::docker::archived() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("marker"), "x").unwrap();
    let mut job = python("import os, time; print(os.listdir('/work'), flush=True); time.sleep(30)");
    job.mounts = vec![super::visible(folder.path())];
    let stop = Stop::default();
    let name = std::thread::scope(|scope| {
        let running = scope.spawn(|| sandbox.run(&job, &stop));
        let mine = || {
            let own = containers_of(std::process::id());
            let format = "{{range .Mounts}}{{if eq .Destination \"/work\"}}{{.Name}}{{end}}{{end}}";
            own.iter()
                .map(|id| text(&docker(&["inspect", "--format", format, id]).stdout).trim().to_owned())
                .find(|n| !n.is_empty())
        };
        wait_until("the container runs", || mine().is_some());
        let name = mine().unwrap();
        stop.raise();
        running.join().unwrap().unwrap();
        name
    });
    assert!(!docker(&["volume", "inspect", &name]).status.success(), "{name}");
}

#[test]
fn what_cannot_be_put_into_a_container_is_an_error_with_a_mend() {
    let Some(sandbox) = crate::docker::archived() else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut job = python("pass");
    job.mounts = vec![vetrun::sandbox::Mount { host: file.path().to_owned(), inside: "/tool".to_owned() }];
    let error = sandbox.run(&job, &Stop::default()).unwrap_err().to_string();
    assert!(error.contains("show it below a folder"), "{error}");
    let options =
        DockerOptions { files: Files::Archive, socket: Some("tcp://127.0.0.1:9".to_owned()), ..Default::default() };
    let error = DockerSandbox::connect(options).unwrap_err().to_string();
    assert!(error.contains("no engine can be reached at tcp://127.0.0.1:9"), "{error}");
}
