//! What `vetrun --version` says: the version, the commit that was built, and the rules, as a report says them.

use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::support::{folder, report, run, shown};

/// The build script's part that asks which commit it is.
#[path = "../../src/packaging/commit.rs"]
mod commit;

use commit::Commit;

fn said(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{}", shown(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_long_version_names_the_commit_and_the_rules_of_reports() {
    let version = said(&["--version"]);
    let rules = report(&run(&["check", "fixtures/clean/cli-tool", "--no-policy", "--format", "json"]));
    let rules = rules["tool"]["rulesDigest"].as_str().expect("a digest").to_owned();
    let masked = Regex::new(r"\((.+?), ").expect("a valid pattern").replace(&version, "(COMMIT, ");
    let number = env!("CARGO_PKG_VERSION");
    assert_eq!(masked, format!("vetrun {number} (COMMIT, rules {rules})\n"));
    assert_eq!(said(&["-V"]), format!("vetrun {number}\n"));
}

/// A repository with one commit of one moment.
fn repository() -> tempfile::TempDir {
    let dir = folder(&[("Cargo.toml", "[package]\n"), ("src/main.rs", "fn main() {}\n"), ("notes.txt", "a\n")]);
    git(dir.path(), &["init", "--quiet"]);
    git(dir.path(), &["add", "."]);
    git(dir.path(), &["commit", "--quiet", "--message", "first"]);
    dir
}

fn git(dir: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"]);
    let at = "2026-03-04T23:30:00-05:00";
    let status = command.args(args).envs([("GIT_AUTHOR_DATE", at), ("GIT_COMMITTER_DATE", at)]).status();
    assert!(status.expect("git starts").success(), "git {args:?}");
}

#[test]
fn a_release_build_says_its_commit_and_whether_the_sources_differ_from_it() {
    let dir = repository();
    let name = || Commit::of(dir.path(), None, true).name;
    let clean = Regex::new("^[0-9a-f]{12} 2026-03-05$").expect("a valid pattern");
    assert!(clean.is_match(&name()), "{}", name());
    std::fs::write(dir.path().join("notes.txt"), "b\n").expect("a file");
    assert!(clean.is_match(&name()), "what is no source does not count: {}", name());
    std::fs::create_dir(dir.path().join("src/python")).expect("a folder");
    std::fs::write(dir.path().join("src/python/x.py"), "").expect("a file");
    assert!(clean.is_match(&name()), "nor does what is in no program: {}", name());
    let before = name();
    std::fs::write(dir.path().join("src/new.rs"), "").expect("a file");
    assert_eq!(name(), before.replace(' ', "+changes "));
}

#[test]
fn what_changes_with_a_commit_is_watched() {
    let dir = repository();
    let watched = || {
        let names = Commit::of(dir.path(), None, true).watched.into_iter();
        names.map(|path| path.strip_prefix(dir.path()).expect("inside").display().to_string()).collect::<Vec<_>>()
    };
    std::fs::create_dir(dir.path().join("src/python")).expect("a folder");
    let names = watched();
    for name in [".git/HEAD", ".git/logs/HEAD", "Cargo.toml", "src/main.rs"] {
        assert!(names.iter().any(|one| one == name), "{name}: {names:?}");
    }
    assert!(names.iter().any(|name| name.starts_with(".git/refs/heads/")), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("python")), "{names:?}");
}

#[test]
fn where_no_commit_is_known_that_is_said() {
    let of = |dir: &Path, named: Option<&str>, is_release: bool| Commit::of(dir, named, is_release).name;
    let hash = "0123456789abcdef0123456789abcdef01234567";
    let bare = folder(&[("Cargo.toml", "")]);
    assert_eq!(of(bare.path(), None, true), "unknown commit");
    assert_eq!(of(bare.path(), Some(" abc 2026-01-02\n"), true), "abc 2026-01-02");
    assert_eq!(of(bare.path(), Some("abc"), false), "abc");
    assert_eq!(of(bare.path(), Some(" "), false), "development build");
    let packaged = |dirty: &str| {
        let text = format!("{{\n  \"git\": {{\n    \"sha1\": \"{hash}\"{dirty}\n  }},\n  \"path_in_vcs\": \"\"\n}}");
        of(folder(&[(".cargo_vcs_info.json", &text)]).path(), None, true)
    };
    assert_eq!(packaged(""), "0123456789ab");
    assert_eq!(packaged(",\n    \"dirty\": true"), "0123456789ab+changes");
    let repository = repository();
    std::fs::create_dir(repository.path().join("vendored")).expect("a folder");
    assert_eq!(of(&repository.path().join("vendored"), None, true), "unknown commit", "that commit is another's");
}
