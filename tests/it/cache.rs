//! Tests of: the cache of results, which may save time and change nothing else.

use serde_json::Value;

use crate::support::{arg, folder, report, run, shown, timeless};

fn is_from_cache(report: &Value) -> bool {
    report["logs"].as_array().is_some_and(|lines| lines.iter().any(|line| line.to_string().contains("from the cache")))
}

#[test]
fn an_unchanged_artifact_gets_the_same_report_from_the_cache() {
    let cache = tempfile::tempdir().expect("a folder");
    for (text, code) in [("print(1)\n", 0), ("import os\nos.system(input())\n", 1), ("def f(:\n", 1)] {
        let artifact = folder(&[("main.py", text)]);
        let check = || run(&["check", arg(artifact.path()), "--format", "json", "--cache", arg(cache.path())]);
        let (first, second) = (check(), check());
        assert_eq!([first.status.code(), second.status.code()], [Some(code); 2], "{}", shown(&second));
        let (first, second) = (report(&first), report(&second));
        assert_eq!([is_from_cache(&first), is_from_cache(&second)], [false, true], "{text}");
        assert_eq!(timeless(first), timeless(second), "{text}");
    }
}

#[test]
fn whatever_the_verdict_depends_on_makes_another_entry() {
    let cache = tempfile::tempdir().expect("a folder");
    let artifact = folder(&[("main.py", "import os\nos.system(input())\n"), ("a.txt", "a")]);
    let rules = folder(&[(
        "any/own.toml",
        "id = 'own'\nseverity = 'high'\nconfidence = 'high'\nmessage = 'm'\nwhy = 'w'\ninstead = 'i'\nbad = ['zz']\n\
         good = ['y']\n[[match]]\nregex = 'zz'\n",
    )]);
    let path = arg(artifact.path());
    let check = |more: &[&str]| {
        let all = [&["check", path, "--format", "json", "--cache", arg(cache.path())], more].concat();
        let output = run(&all);
        (output.status.code(), is_from_cache(&report(&output)))
    };
    let baseline = cache.path().join("baseline.json");
    let first = run(&["check", path, "--format", "json", "-o", arg(&baseline), "--cache", arg(cache.path())]);
    assert_eq!(first.status.code(), Some(1), "{}", shown(&first));
    assert_eq!(check(&[]), (Some(1), true));
    let changes: [&[&str]; 6] = [
        &["--ignore", "python-os-system,python-*,any-*"],
        &["--rules", arg(rules.path())],
        &["--baseline", arg(&baseline)],
        &["--exclude", "a.txt"],
        &["--profile", "any"],
        &["--allow-suppressions"],
    ];
    for change in changes {
        assert!(!check(change).1, "{change:?}");
        assert!(check(change).1, "{change:?}, the second time");
    }
    assert_eq!(
        check(&["--baseline", arg(&baseline)]),
        (Some(0), true),
        "a cached pass is as good as one that was taken"
    );
    std::fs::write(artifact.path().join("main.py"), "print(1)\n").expect("a file");
    assert_eq!(check(&[]), (Some(0), false));
}

#[test]
fn nothing_is_kept_unless_the_owner_names_a_folder() {
    let artifact = folder(&[("main.py", "print(1)\n")]);
    let owner = folder(&[("vetrun.toml", "[cache]\ndir = 'kept'\n")]);
    let kept = owner.path().join("kept");
    let policy = owner.path().join("vetrun.toml");
    let path = arg(artifact.path());
    let plain = run(&["check", path, "--format", "json", "--policy", arg(&policy), "--no-cache"]);
    assert_eq!(plain.status.code(), Some(0), "{}", shown(&plain));
    assert!(!kept.exists());
    for from_cache in [false, true] {
        let output = run(&["check", path, "--format", "json", "--policy", arg(&policy)]);
        assert_eq!(is_from_cache(&report(&output)), from_cache, "{}", shown(&output));
    }
    assert_eq!(std::fs::read_dir(&kept).expect("it was made").count(), 1);
}

#[test]
fn a_cache_inside_the_artifact_is_refused() {
    let artifact = folder(&[("main.py", "print(1)\n")]);
    let inside = artifact.path().join("cache");
    let output = run(&["check", arg(artifact.path()), "--cache", arg(&inside)]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(shown(&output).contains("lies inside an artifact"), "{}", shown(&output));
}
