//! Containers that wait for a program: for one each, and for no other than they were made for.

use std::collections::BTreeSet;

use vetrun::sandbox::docker::DockerSandbox;
use vetrun::sandbox::{Ended, Job, Mount, Sandbox as _, Stop};

use crate::conformance::ready::{SCRIPTS, script, seen};

use super::{connect, python, said, sandbox, text, wait_until};

const COUNT: usize = 2;
/// Says what it was given, what an earlier program could have left, and which container this is: the number of a namespace
/// may be given out again, but not at the time that the first process of another one began.
const TELL: &str = "import os
print(open('/work/input.txt').read(), sorted(os.listdir('/work')), os.listdir('/tmp'), os.listdir('/out'), os.path.realpath('/proc/self/ns/pid'), open('/proc/1/stat').read().rsplit(')', 1)[1].split()[19])
for path in ('/work/new', '/work/input.txt'):
    try:
        open(path, 'w')
        print('wrote', path)
    except OSError: pass
open('/tmp/left', 'w').close(); open('/out/left', 'w').close()";

fn job(folder: &tempfile::TempDir, text: &str) -> Job {
    std::fs::write(folder.path().join("input.txt"), text).unwrap();
    let mut job = python(TELL);
    job.mounts.push(Mount { host: folder.path().to_owned(), inside: "/work".to_owned() });
    job
}

/// The containers of this process that show a folder which is filled later.
fn waiting() -> usize {
    let ids = said(&["ps", "--quiet", "--filter", "label=vetrun.owner"]);
    let own = format!("vetrun-tmp-{}-", std::process::id());
    let is_waiting = |id: &&str| {
        let mounts = text(&super::docker(&["inspect", "--format", "{{.Mounts}}", id]).stdout);
        mounts.contains(&own) && mounts.contains("/later ")
    };
    ids.lines().filter(is_waiting).count()
}

fn pool() -> DockerSandbox {
    let limits = python("").limits;
    connect(|options| options.warm = Some((COUNT, limits))).unwrap()
}

/// One after the other, as both count what waits.
#[test]
fn containers_wait_for_one_program_each() {
    if sandbox().is_none() {
        return;
    }
    a_container_that_waited_runs_one_program_and_is_gone();
    a_container_that_died_while_it_waited_is_passed_over();
    a_script_cannot_tell_that_its_interpreter_waited();
}

fn a_container_that_waited_runs_one_program_and_is_gone() {
    let sandbox = pool();
    wait_until("as many containers wait as were asked for", || waiting() == COUNT);
    let folder = tempfile::tempdir().unwrap();
    let mut spaces = BTreeSet::new();
    for number in 0..2 * COUNT {
        let outcome = sandbox.run(&job(&folder, &format!("input {number}")), &Stop::default()).unwrap();
        assert_eq!(outcome.ended, Ended::Exited(0), "{}", text(&outcome.stderr.bytes));
        let said = text(&outcome.stdout.bytes);
        let rest = said.strip_prefix(&format!("input {number} ['input.txt'] ['home'] [] ")).expect(&said).trim();
        assert!(!rest.contains('\n'), "{rest}");
        spaces.insert(rest.to_owned());
    }
    assert_eq!(spaces.len(), 2 * COUNT, "each program has a container of its own");

    // What wants something else gets another container, with what it wants.
    let mut other = job(&folder, "other");
    other.limits.pids = 7;
    other.stdin = b"given".to_vec();
    other.args = vec!["-c".to_owned(), "import sys; print(sys.stdin.read())".to_owned()];
    assert_eq!(text(&sandbox.run(&other, &Stop::default()).unwrap().stdout.bytes), "given\n");

    wait_until("they are replaced", || waiting() == COUNT);
    drop(sandbox);
    assert_eq!(waiting(), 0, "none is left");
}

fn a_container_that_died_while_it_waited_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = pool();
    wait_until("they wait", || waiting() >= COUNT);
    let own = format!("vetrun-tmp-{}-", std::process::id());
    for id in said(&["ps", "--quiet", "--filter", "label=vetrun.owner", "--filter", &format!("name={own}")]).lines() {
        let mounts = text(&super::docker(&["inspect", "--format", "{{.Mounts}}", id]).stdout);
        if mounts.contains("/later ") {
            said(&["kill", id]);
        }
    }
    let outcome = sandbox.run(&job(&folder, "input"), &Stop::default()).unwrap();
    assert_eq!(outcome.ended, Ended::Exited(0), "{}", text(&outcome.stderr.bytes));
}

fn a_script_cannot_tell_that_its_interpreter_waited() {
    let (cold, warm) = (sandbox().unwrap(), pool());
    let run = |sandbox: &DockerSandbox, text: &[u8]| {
        let (_folder, job) = script(text);
        let job = Job { env: python("").env, limits: python("").limits, ..job };
        sandbox.run(&job, &Stop::default()).unwrap()
    };
    let has_waited = b"print(open('/proc/self/cmdline').read().split(chr(0))[1] == '-c')";
    for (number, text) in std::iter::once("").chain(SCRIPTS.iter().copied()).enumerate() {
        wait_until("one waits", || waiting() >= 1);
        // The first script of a kind is what the interpreters of all later ones are started by.
        let by_waiting = seen(&run(&warm, text.as_bytes()));
        assert_eq!(by_waiting, seen(&run(cold, text.as_bytes())), "{number}: {text}");
    }
    wait_until("one waits", || waiting() >= 1);
    assert_eq!(seen(&run(&warm, has_waited)).1, "True\n");
    // One that is started otherwise has an interpreter of its own.
    wait_until("one waits", || waiting() >= 1);
    let (_folder, job) = script(has_waited);
    let env = [("A".to_owned(), "b".to_owned())].into();
    let other = Job { env, limits: python("").limits, ..job };
    assert_eq!(text(&warm.run(&other, &Stop::default()).unwrap().stdout.bytes), "False\n");
}
