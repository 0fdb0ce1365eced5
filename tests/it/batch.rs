//! Tests of: batches that are interrupted and go on, that have a slow artifact among them, and that run programs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{arg, folder, run, shown, timeless, vetrun};

/// The reports by their roots, without their times, and the summary.
fn lines(path: &Path) -> (BTreeMap<String, Value>, Value) {
    let text = std::fs::read_to_string(path).expect("the batch has written it");
    let mut reports = BTreeMap::new();
    let mut summary = Value::Null;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(summary, Value::Null, "the summary is the last line");
        if line["type"] == "summary" {
            summary = timeless(line);
        } else {
            let root = line["artifact"]["root"].as_str().expect("a report has a root").to_owned();
            assert!(reports.insert(root.clone(), timeless(line)).is_none(), "{root} is there twice");
        }
    }
    (reports, summary)
}

/// So many artifacts, of which some fail.
fn artifacts(count: usize) -> tempfile::TempDir {
    let text = |number| if number % 10 == 0 { "eval(input())\n" } else { "print(1)\n" };
    let files: Vec<_> = (0..count).map(|number| (format!("a{number:04}/main.py"), text(number))).collect();
    folder(&files.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>())
}

/// How many artifacts were not vetted again, as the batch says.
fn vetted_before(output: &Output) -> usize {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let Some((before, _)) = said.split_once(" of them vetted before") else { return 0 };
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}

#[test]
fn a_batch_that_was_killed_goes_on_and_comes_to_the_same() {
    let place = artifacts(1500);
    let results = tempfile::tempdir().expect("a folder");
    let (whole, resumed) = (results.path().join("whole.jsonl"), results.path().join("resumed.jsonl"));
    let output = run(&["batch", arg(place.path()), "-o", arg(&whole)]);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));

    let args = ["batch", arg(place.path()), "--resume", arg(&resumed), "--jobs", "1"];
    let mut child = vetrun().args(args).stderr(Stdio::null()).spawn().expect("vetrun starts");
    let written = || std::fs::metadata(&resumed).map_or(0, |file| file.len());
    let started = Instant::now();
    while written() < 100_000 {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("it is still at work");
    child.wait().expect("it has ended");
    let mut torn = std::fs::read(&resumed).expect("it is there");
    assert!(torn.len() < usize::try_from(std::fs::metadata(&whole).expect("it is there").len()).expect("a size"));
    torn.extend_from_slice(b"{\"type\":\"report\",\"schemaVer");
    std::fs::write(&resumed, torn).expect("it can be written");

    let output = run(&args);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!((10..1500).contains(&vetted_before(&output)), "{}", shown(&output));
    assert_eq!(lines(&resumed), lines(&whole));
    // What is complete is only read.
    let output = run(&args);
    assert_eq!((output.status.code(), vetted_before(&output)), (Some(1), 1500), "{}", shown(&output));
    assert_eq!(lines(&resumed), lines(&whole));
}

#[test]
fn an_interrupted_batch_leaves_what_can_be_taken_up() {
    let place = artifacts(1500);
    let results = tempfile::tempdir().expect("a folder");
    let path = results.path().join("r.jsonl");
    let args = ["batch", arg(place.path()), "-o", arg(&path), "--jobs", "1"];
    let mut child = vetrun().args(args).stderr(Stdio::null()).spawn().expect("vetrun starts");
    while std::fs::metadata(&path).map_or(0, |file| file.len()) < 50_000 {
        std::thread::sleep(Duration::from_millis(2));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is still at work");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let (reports, summary) = lines(&path);
    assert_eq!((&summary["exitCode"], &summary["artifacts"]), (&130.into(), &reports.len().into()));
    let output = run(&["batch", arg(place.path()), "--resume", arg(&path), "-o", arg(&path)]);
    assert_eq!((output.status.code(), vetted_before(&output)), (Some(1), reports.len()), "{}", shown(&output));
    assert_eq!(lines(&path).0.len(), 1500);
}

#[test]
fn what_has_changed_or_is_judged_otherwise_is_vetted_again() {
    let place = artifacts(12);
    let results = tempfile::tempdir().expect("a folder");
    let path = results.path().join("r.jsonl");
    let resume = |more: &[&str]| {
        let output = run(&[&["batch", arg(place.path()), "--resume", arg(&path)], more].concat());
        (output.status.code(), vetted_before(&output), lines(&path).1["failed"].as_u64())
    };
    assert_eq!(resume(&[]), (Some(1), 0, Some(2)));
    std::fs::write(place.path().join("a0000/main.py"), "print(2)\n").expect("a file");
    std::fs::remove_dir_all(place.path().join("a0001")).expect("a folder");
    assert_eq!(resume(&[]), (Some(1), 10, Some(1)));
    assert_eq!(lines(&path).0.len(), 11);
    for other in [&["--ignore", "python-eval"][..], &["--exclude", "x"], &["--agent-id", "a"]] {
        let expected = if other[0] == "--exclude" { 11 } else { 0 };
        assert_eq!(resume(other).1, expected, "{other:?}");
        assert_eq!(resume(other).1, 11, "{other:?}");
        resume(&[]);
    }
}

#[test]
fn a_file_that_is_no_batch_is_not_written_over() {
    let place = artifacts(2);
    let notes = folder(&[("notes.txt", "mine\n")]);
    let path = notes.path().join("notes.txt");
    let output = run(&["batch", arg(place.path()), "--resume", arg(&path)]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "mine\n");
    let output = run(&["batch", arg(place.path()), "--resume", arg(&path), "--format", "json"]);
    assert!(shown(&output).contains("goes on with JSON Lines"), "{}", shown(&output));
}

/// An artifact that takes its time.
fn heavy() -> Vec<(String, String)> {
    let line = "total = [value * 3 for value in range(10) if value not in (1, 2, 3)]\n";
    (0..400).map(|number| (format!("heavy/part{number}.py"), line.repeat(200))).collect()
}

#[test]
fn what_is_not_vetted_in_time_does_not_pass_and_holds_up_no_other() {
    let mut files = heavy();
    files.extend((0..20).map(|number| (format!("small{number:02}/main.py"), "print(1)\n".to_owned())));
    files.push(("heavy/main.py".to_owned(), "print(1)\n".to_owned()));
    let place = folder(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
    let owner = folder(&[("vetrun.toml", "[vet]\ntimeout = \"400ms\"\n")]);
    let policy = owner.path().join("vetrun.toml");
    let path = owner.path().join("r.jsonl");
    let output = run(&["batch", arg(place.path()), "--policy", arg(&policy), "--jobs", "1", "-o", arg(&path)]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let (reports, summary) = lines(&path);
    assert_eq!((&summary["passed"], &summary["error"]), (&20.into(), &1.into()), "{summary}");
    let late = reports.values().find(|report| report["status"] == "error").expect("one is late");
    assert_eq!(late["artifact"]["name"], "heavy");
    let said = late["validationResults"]["syntax"]["message"].as_str().expect("a message");
    assert!(said.contains("not done within 400ms"), "{said}");
    let heavy = place.path().join("heavy");
    let output = run(&["check", arg(&heavy), "--policy", arg(&policy), "--exit-zero"]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
}

#[test]
fn programs_of_a_batch_run_in_so_many_sandboxes() {
    let code = "import time\nprint(time.time())\ntime.sleep(0.3)\nprint(time.time())\n";
    let files: Vec<_> = (0..4).map(|number| (format!("a{number}/main.py"), code)).collect();
    let place = folder(&files.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>());
    let output = run(&["batch", arg(place.path()), "--run", "--jobs", "4", "--sandboxes", "1", "--no-install"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let mut runs: Vec<(f64, f64)> = Vec::new();
    for line in text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")) {
        let Some(said) = line["execution"]["stdout"]["text"].as_str() else { continue };
        let times: Vec<f64> = said.lines().map(|time| time.parse().expect("a time")).collect();
        runs.push((times[0], times[1]));
    }
    runs.sort_by(f64_pair);
    assert_eq!(runs.len(), 4);
    assert!(runs.windows(2).all(|pair| pair[0].1 <= pair[1].0), "two ran at once: {runs:?}");
}

fn f64_pair(a: &(f64, f64), b: &(f64, f64)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0)
}

/// What a batch wrote in a format, without its times.
fn untimed(text: &[u8]) -> String {
    let text = String::from_utf8(text.to_vec()).expect("UTF-8");
    let timed = regex::Regex::new(r#""(startedAt|finishedAt|durationMs)": ("[^"]*"|\d+)|\[\d{4}-[^\]]*Z\]|\d+ ms"#)
        .expect("a pattern");
    timed.replace_all(&text, "TIME").into_owned()
}

#[test]
fn formats_that_need_no_other_report_are_the_same_on_their_way() {
    let place = artifacts(40);
    let results = tempfile::tempdir().expect("a folder");
    let file = |name: &str| results.path().join(name);
    let path = arg(place.path());
    // All artifacts of a check are there before anything is written.
    let each: Vec<_> = (0..40).map(|number| place.path().join(format!("a{number:04}"))).collect();
    for format in ["json", "human", "concise", "agent", "gitlab", "intoto"] {
        let mut all = vec!["check", "--format", format, "--no-policy"];
        all.extend(each.iter().map(|path| arg(path)));
        let whole = run(&all);
        let stdout = run(&["batch", path, "--format", format, "--no-policy", "--jobs", "4"]);
        assert_eq!((whole.status.code(), stdout.status.code()), (Some(1), Some(1)), "{}", shown(&stdout));
        assert_eq!(untimed(&stdout.stdout), untimed(&whole.stdout), "{format}");
        let extra = format!("{format}={}", arg(&file("extra")));
        let output =
            run(&["batch", path, "--format", format, "--no-policy", "-o", arg(&file("o")), "--report", &extra]);
        assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
        for name in ["o", "extra"] {
            let written = std::fs::read(file(name)).expect("it is written");
            assert_eq!(untimed(&written), untimed(&whole.stdout), "{format} {name}");
        }
    }
    let names: Vec<_> =
        std::fs::read_dir(results.path()).expect("a folder").map(|one| one.expect("a file").file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left beside: {names:?}");
}

#[test]
fn one_report_is_an_object_and_an_interrupted_batch_is_json() {
    let one = artifacts(1);
    let output = run(&["batch", arg(one.path()), "--format", "json"]);
    assert!(serde_json::from_slice::<Value>(&output.stdout).expect("JSON").is_object(), "{}", shown(&output));
    let place = artifacts(1500);
    let mut child = vetrun()
        .args(["batch", arg(place.path()), "--format", "json", "--jobs", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("vetrun starts");
    let mut stdout = child.stdout.take().expect("standard output");
    let mut text = vec![0; 20_000];
    std::io::Read::read_exact(&mut stdout, &mut text).expect("it writes as it goes");
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it is still at work");
    std::io::Read::read_to_end(&mut stdout, &mut text).expect("it ends");
    assert_eq!(child.wait().expect("it has ended").code(), Some(130));
    let reports: Vec<Value> = serde_json::from_slice(&text).expect("an array of what there is");
    assert!((2..1500).contains(&reports.len()), "{}", reports.len());
}

#[test]
fn a_reader_who_leaves_changes_no_verdict_of_a_batch() {
    let place = artifacts(200);
    let mut child = vetrun()
        .args(["batch", arg(place.path()), "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("vetrun starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it has ended").code(), Some(1));
}
