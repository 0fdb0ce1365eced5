//! Engines that fail: for a moment, for good, and by not holding what they are asked to hold.

use std::process::Stdio;
use std::time::{Duration, Instant};

use vetrun::sandbox::{Ended, Sandbox as _, Stop};

use super::proxy::{Answer, Proxy};
use super::{connect, containers_of, docker, python, said, sandbox, showing, text, visible, wait_until};

/// What an engine says that cannot limit memory.
const NO_MEMORY_LIMIT: &str = r#"{"ServerVersion": "1", "CgroupVersion": "1", "MemoryLimit": false, "SwapLimit": true,
    "PidsLimit": true, "CpuCfsQuota": true, "SecurityOptions": ["name=seccomp,profile=default"]}"#;

#[test]
fn what_fails_for_a_moment_is_tried_again() {
    if sandbox().is_none() {
        return;
    }
    let busy = Answer::Says(500, r#"{"message": "fork: resource temporarily unavailable"}"#);
    let rules = [
        ("POST", "/containers/create", 1, busy),
        ("POST", "/attach", 1, Answer::HangsUp),
        ("POST", "/start", 1, Answer::Says(503, r#"{"message": "later"}"#)),
        ("DELETE", "", 1, Answer::HangsUp),
    ];
    let Some(proxy) = Proxy::start(&rules) else { return };
    let sandbox = connect(|options| options.socket = Some(proxy.address())).unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut job = python("print('ran')");
    job.mounts.push(visible(work.path()));
    let outcome = sandbox.run(&job, &Stop::default()).unwrap();
    assert_eq!((outcome.ended, text(&outcome.stdout.bytes).as_str()), (Ended::Exited(0), "ran\n"));
    assert_eq!([0, 1, 2, 3].map(|rule| proxy.used(rule)), [1, 1, 1, 1]);
    assert_eq!(showing(work.path(), &["--all"]), Vec::<String>::new());
}

#[test]
fn what_fails_for_good_is_an_error_at_once_and_leaves_nothing() {
    if sandbox().is_none() {
        return;
    }
    let refused = Answer::Says(500, r#"{"message": "no space left on device"}"#);
    let Some(proxy) = Proxy::start(&[("POST", "/start", usize::MAX, refused)]) else { return };
    let sandbox = connect(|options| options.socket = Some(proxy.address())).unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut job = python("pass");
    job.mounts.push(visible(work.path()));
    let error = sandbox.run(&job, &Stop::default()).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("no space left"), "{error}");
    assert_eq!(proxy.used(0), 1, "it was not tried again");
    assert_eq!(showing(work.path(), &["--all"]), Vec::<String>::new());
}

#[test]
fn a_run_that_waits_for_a_busy_engine_can_be_stopped() {
    if sandbox().is_none() {
        return;
    }
    let busy = Answer::Says(503, r#"{"message": "later"}"#);
    let Some(proxy) = Proxy::start(&[("POST", "/containers/create", usize::MAX, busy)]) else { return };
    let sandbox = connect(|options| options.socket = Some(proxy.address())).unwrap();
    let stop = Stop::default();
    let began = Instant::now();
    let outcome = std::thread::scope(|scope| {
        let running = scope.spawn(|| sandbox.run(&python("pass"), &stop));
        std::thread::sleep(Duration::from_millis(700));
        stop.raise();
        running.join().unwrap()
    });
    assert_eq!(outcome.unwrap().ended, Ended::Interrupted);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

/// The container lives on when its engine dies; its program must not.
#[test]
fn an_engine_that_dies_in_mid_run_is_an_error_and_no_end() {
    if sandbox().is_none() {
        return;
    }
    let Some(proxy) = Proxy::start(&[]) else { return };
    let sandbox = connect(|options| options.socket = Some(proxy.address())).unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut job = python("import time; time.sleep(60)");
    job.mounts.push(visible(work.path()));
    let began = Instant::now();
    let ran = std::thread::scope(|scope| {
        let running = scope.spawn(|| sandbox.run(&job, &Stop::default()));
        wait_until("the program's container runs", || !showing(work.path(), &[]).is_empty());
        std::thread::sleep(Duration::from_millis(500));
        proxy.die();
        running.join().unwrap()
    });
    let error = ran.expect_err("nobody knows how it ended");
    assert!(began.elapsed() < Duration::from_secs(30), "{error}: {:?}", began.elapsed());
    wait_until("the program ends with vetrun's interest", || showing(work.path(), &[]).is_empty());
    for left in showing(work.path(), &["--all"]) {
        said(&["rm", "--force", &left]);
    }
}

#[test]
fn an_artifact_whose_engine_dies_is_not_vetted() {
    if sandbox().is_none() {
        return;
    }
    let Some(proxy) = Proxy::start(&[]) else { return };
    let artifact = crate::support::folder(&[("main.py", "import time\ntime.sleep(60)\n")]);
    let vetrun = crate::support::vetrun()
        .args(["run", "--no-policy", "--sandbox", "docker", "--format", "json"])
        .arg(artifact.path())
        .env("DOCKER_HOST", proxy.address())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = vetrun.id();
    let is_there = || {
        let ids = containers_of(pid);
        ids.iter().any(|id| text(&docker(&["inspect", "--format", "{{.Mounts}}", id]).stdout).contains(" /work "))
    };
    wait_until("the program's container is there", is_there);
    std::thread::sleep(Duration::from_millis(1500));
    proxy.die();
    let output = vetrun.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", crate::support::shown(&output));
    let report = crate::support::report(&output);
    assert_eq!(report["status"], "error");
    assert_eq!(report["validationResults"]["execution"]["status"], "error", "{report}");
    for left in containers_of(pid) {
        said(&["rm", "--force", &left]);
    }
}

#[test]
fn an_engine_that_cannot_hold_a_limit_runs_nothing_unless_the_policy_lets_it() {
    if sandbox().is_none() {
        return;
    }
    let info = ("GET", "/info", usize::MAX, Answer::Says(200, NO_MEMORY_LIMIT));
    let Some(proxy) = Proxy::start(&[info]) else { return };
    let error = connect(|options| options.socket = Some(proxy.address())).unwrap_err();
    assert!(error.contains("does not hold the limit memory") && error.contains("unenforced_limits"), "{error}");

    let artifact = crate::support::folder(&[("main.py", "print('ran')\n")]);
    let run = |policy: &str| {
        let file = crate::support::folder(&[("vetrun.toml", policy)]);
        let output = crate::support::vetrun()
            .args(["run", "--sandbox", "docker", "--format", "json", "--policy"])
            .arg(file.path().join("vetrun.toml"))
            .arg(artifact.path())
            .env("DOCKER_HOST", proxy.address())
            .output()
            .unwrap();
        (output.status.code(), output)
    };
    let (code, output) = run("");
    assert_eq!(code, Some(2), "{}", crate::support::shown(&output));
    let (code, output) = run("[execute]\nunenforced_limits = [\"memory\"]\n");
    assert_eq!(code, Some(0), "{}", crate::support::shown(&output));
    let limits = &crate::support::report(&output)["execution"]["isolation"]["limits"];
    assert_eq!(limits["memory"]["enforced"], false, "{limits}");
    assert_eq!(limits["pids"]["enforced"], true, "{limits}");
}
