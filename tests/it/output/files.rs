//! Where reports go: files that appear whole, places that cannot be written, a job of GitHub Actions.

use std::fs;

use crate::support::{arg, folder, run, shown, vetrun};

const FIXTURE: &str = "fixtures/blocked/eval-calculator";

#[test]
fn a_report_replaces_what_was_there_and_leaves_nothing_beside_it() {
    let dir = folder(&[("old.json", "what was there, and is longer than nothing")]);
    let (old, new) = (dir.path().join("old.json"), dir.path().join("new.html"));
    let output =
        run(&["check", FIXTURE, "--format", "json", "-o", arg(&old), "--report", &format!("html={}", arg(&new))]);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    serde_json::from_str::<vetrun::report::Report>(&fs::read_to_string(&old).unwrap()).unwrap();
    assert!(fs::read_to_string(&new).unwrap().ends_with("</html>\n"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn a_link_and_a_device_stay_what_they_are() {
    let dir = folder(&[("real.json", "")]);
    let link = dir.path().join("link.json");
    std::os::unix::fs::symlink("real.json", &link).unwrap();
    let output =
        run(&["check", FIXTURE, "--format", "json", "-o", arg(&link), "--report", "sarif=/dev/null", "--exit-zero"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert!(link.is_symlink() && fs::metadata(dir.path().join("real.json")).unwrap().len() > 100);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_place_that_is_not_there_is_told_before_anything_is_vetted() {
    let dir = folder(&[]);
    let path = dir.path().join("no/such/out.json");
    for args in [vec!["-o", arg(&path)], vec!["--report", "json=no/such/out.json"]] {
        let output = run(&[vec!["check", FIXTURE], args].concat());
        let said = shown(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            output.stdout.is_empty() && said.contains("there is no folder") && said.contains("(make it first)"),
            "{said}"
        );
    }
}

#[test]
fn in_a_job_of_github_the_human_report_speaks_to_people_alone() {
    let output = vetrun().args(["check", FIXTURE]).env("GITHUB_ACTIONS", "true").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (first, last) = (text.lines().next().unwrap(), text.lines().last().unwrap());
    let token = first.strip_prefix("::stop-commands::").unwrap();
    assert!(token.len() > 32 && last == format!("::{token}::"), "{first} {last}");
    let again = vetrun().args(["check", FIXTURE]).env("GITHUB_ACTIONS", "true").output().unwrap();
    assert!(!String::from_utf8(again.stdout).unwrap().contains(token), "no token comes twice");
    let json = vetrun().args(["check", FIXTURE, "--format", "json"]).env("GITHUB_ACTIONS", "true").output().unwrap();
    serde_json::from_slice::<vetrun::report::Report>(&json.stdout).unwrap();
}
