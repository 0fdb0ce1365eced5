//! Tests of: `vetrun watch`, beside somebody who writes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{arg, folder, run, shown, vetrun};

/// A watch, and the lines that it prints.
struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    fn of(folder: &std::path::Path, more: &[&str]) -> Self {
        let mut command = vetrun();
        command.args(["watch", arg(folder), "--settle", "50ms"]).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("vetrun starts");
        let (tell, lines) = channel();
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, lines }
    }

    /// The next report: the artifact's name and the verdict.
    fn next(&self) -> (String, String) {
        let line = self.lines.recv_timeout(Duration::from_secs(20)).expect("a report comes");
        let report: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        (text(&report["artifact"]["name"]), text(&report["status"]))
    }

    fn says_nothing(&self) {
        let line = self.lines.recv_timeout(Duration::from_millis(700));
        assert_eq!(line, Err(RecvTimeoutError::Timeout));
    }

    fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it is at work");
        self.child.wait().expect("it ends").code()
    }
}

fn said(name: &str, status: &str) -> (String, String) {
    (name.to_owned(), status.to_owned())
}

#[test]
fn each_artifact_is_vetted_as_it_is_written_and_the_last_verdict_counts() {
    let place = folder(&[("there/main.py", "print(1)\n")]);
    let path = |name: &str| place.path().join(name);
    let watch = Watch::of(place.path(), &[]);
    assert_eq!(watch.next(), said("there", "passed"));
    std::fs::write(path("a.py"), "eval(input())\n").expect("a file");
    assert_eq!(watch.next(), said("a.py", "failed"));
    std::fs::create_dir_all(path("new/pkg")).expect("a folder");
    std::fs::write(path("new/pkg/x.py"), "import os\nos.system(input())\n").expect("a file");
    std::fs::write(path("new/main.py"), "import pkg.x\n").expect("a file");
    assert_eq!(watch.next(), said("new", "failed"));
    // What is written again as it was says nothing new.
    std::fs::write(path("there/main.py"), "print(1)\n").expect("a file");
    watch.says_nothing();
    // As editors save: beside it, and then in its place.
    std::fs::write(path("new/pkg/.x.swp"), "print(2)\n").expect("a file");
    std::fs::rename(path("new/pkg/.x.swp"), path("new/pkg/x.py")).expect("it is there");
    assert_eq!(watch.next(), said("new", "passed"));
    std::fs::rename(path("a.py"), path("b.py")).expect("it is there");
    assert_eq!(watch.next(), said("b.py", "failed"));
    std::fs::write(path("b.py"), "print(input())\n").expect("a file");
    assert_eq!(watch.next(), said("b.py", "passed"));
    assert_eq!(watch.end(), Some(0));
}

#[test]
fn it_ends_with_the_worst_that_is_there() {
    let place = folder(&[("good.py", "print(1)\n"), ("bad.py", "eval(input())\n"), ("worse.py", "eval(input())\n")]);
    let watch = Watch::of(place.path(), &["--quiet"]);
    let mut failed = [watch.next(), watch.next()];
    failed.sort();
    assert_eq!(failed, [said("bad.py", "failed"), said("worse.py", "failed")]);
    std::fs::remove_file(place.path().join("worse.py")).expect("it is there");
    watch.says_nothing();
    assert_eq!(watch.end(), Some(1));
}

#[test]
fn thousands_of_files_come_to_one_report_each() {
    let place = folder(&[]);
    let watch = Watch::of(place.path(), &[]);
    for number in 0..40 {
        let artifact = place.path().join(format!("a{number:02}"));
        std::fs::create_dir(&artifact).expect("a folder");
        std::fs::write(artifact.join("main.py"), "print(1)\n").expect("a file");
        (0..60).for_each(|file| std::fs::write(artifact.join(format!("{file}.txt")), "x").expect("a file"));
    }
    let mut last = std::collections::BTreeMap::new();
    while last.len() < 40 || last.values().any(|files| *files != 61) {
        let line = watch.lines.recv_timeout(Duration::from_secs(30)).expect("a report comes");
        let report: Value = serde_json::from_str(&line).expect("JSON");
        let files = report["artifact"]["files"].as_array().expect("files").len();
        last.insert(report["artifact"]["name"].to_string(), files);
    }
    assert_eq!(watch.end(), Some(0));
}

#[test]
fn what_cannot_be_watched_is_an_error() {
    let place = folder(&[("a.py", "print(1)\n")]);
    for (args, what) in [
        (vec!["watch", "/nowhere/at/all"], "could not watch the folder /nowhere/at/all"),
        (vec!["watch", arg(place.path()), "--format", "sarif"], "use jsonl"),
    ] {
        let output = run(&args);
        assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
        assert!(shown(&output).contains(what), "{}", shown(&output));
    }
    let watch = Watch::of(place.path(), &[]);
    assert_eq!(watch.next(), said("a.py", "passed"));
    let mut child = watch.child;
    std::fs::remove_dir_all(place.path()).expect("it is there");
    assert_eq!(child.wait().expect("it ends").code(), Some(2));
}
