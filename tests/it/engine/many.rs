//! Many runs at once, and vetruns that are killed at any instant: nothing is left.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use vetrun::sandbox::{Ended, Sandbox as _, Stop};

use super::{containers_of, python, sandbox, showing, text, visible, wait_until};

const TOGETHER: usize = 100;
const KILLED: u64 = 10;

#[test]
fn a_hundred_runs_at_once_all_end_well() {
    let Some(sandbox) = sandbox() else { return };
    let right = AtomicUsize::new(0);
    let work = tempfile::tempdir().unwrap();
    let mount = visible(work.path());
    std::thread::scope(|scope| {
        for number in 0..TOGETHER {
            let (right, mount) = (&right, &mount);
            scope.spawn(move || {
                let mut job = python(&format!("print({number} * 2)"));
                job.mounts.push(mount.clone());
                let outcome = sandbox.run(&job, &Stop::default());
                let outcome = outcome.unwrap_or_else(|error| panic!("{number}: {}", vetrun::vet::chain(&error)));
                assert_eq!(outcome.ended, Ended::Exited(0), "{}", text(&outcome.stderr.bytes));
                assert_eq!(text(&outcome.stdout.bytes), format!("{}\n", number * 2));
                right.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(right.into_inner(), TOGETHER);
    assert_eq!(showing(work.path(), &["--all"]), Vec::<String>::new());
}

#[test]
fn what_is_killed_at_any_instant_is_swept_away() {
    if sandbox().is_none() {
        return;
    }
    let artifact = crate::support::folder(&[("main.py", "import time\ntime.sleep(300)\n")]);
    let temporary = tempfile::tempdir().unwrap();
    let mut killed = Vec::new();
    for number in 0..KILLED {
        let mut vetrun = crate::support::vetrun()
            .args(["run", "--no-policy", "--sandbox", "docker", "--timeout", "300s", "--entry", "python main.py"])
            .arg(artifact.path())
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 + number * 170));
        vetrun.kill().unwrap();
        vetrun.wait().unwrap();
        killed.push(vetrun.id());
    }
    // What the engine was still about to do for one of them is done, before it is said that there is nothing.
    let is_clean = || {
        let gc = crate::support::vetrun().arg("gc").env("TMPDIR", temporary.path()).output().unwrap();
        assert_eq!(gc.status.code(), Some(0), "{}", crate::support::shown(&gc));
        text(&gc.stdout).contains("containers: 0 removed") && killed.iter().all(|pid| containers_of(*pid).is_empty())
    };
    wait_until("nothing is left at the engine", is_clean);
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}
