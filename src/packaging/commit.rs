//! Which commit a build is of, for `vetrun --version`; part of the build script.
//!
//! What is installed must tell the truth, and what is developed must not be compiled anew at every commit. So a release
//! build asks git, and is told apart from its commit by `+changes` where a source differs from it; any other build says
//! that it is one of a developer. Where there is no git, the file that `cargo package` leaves says it, or whoever builds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Characters of a name that whoever builds gives.
const NAME_CHARS_MAX: usize = 80;

/// Digits of a commit.
const DIGITS: usize = 12;

/// What the program is made of, but for `src/python`, which is not in it.
const SOURCES: [&str; 5] = ["Cargo.toml", "Cargo.lock", "rules", "src", ":!src/python"];

/// Which sources a program was built from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// `abcdef123456 2026-11-30`, or why there is no commit.
    pub(crate) name: String,
    /// Files and folders that change with it.
    pub(crate) watched: Vec<PathBuf>,
}

impl Commit {
    /// The commit of the package in `root`; `named` is what whoever builds says, and counts above all.
    pub(crate) fn of(root: &Path, named: Option<&str>, is_release: bool) -> Self {
        let bare = |name: String| Self { name, watched: Vec::new() };
        match named.map(one_line).filter(|name| !name.is_empty()) {
            Some(name) => bare(name),
            None if !is_release => bare("development build".to_owned()),
            None => packaged(root).map(bare).or_else(|| Self::of_git(root)).unwrap_or_else(|| bare(unknown())),
        }
    }

    fn of_git(root: &Path) -> Option<Self> {
        // Sources that lie in the repository of something else are not of its commit.
        let top = fs::canonicalize(git(root, &["rev-parse", "--show-toplevel"])?).ok()?;
        if top != fs::canonicalize(root).ok()? {
            return None;
        }
        let shown = git(root, &["show", "--no-patch", "--abbrev=12", "--date=short-local", "--format=%h %cd", "HEAD"])?;
        let (hash, date) = shown.split_once(' ')?;
        let mut status = vec!["status", "--porcelain", "--"];
        status.extend(SOURCES);
        let changes = if git(root, &status)?.is_empty() { "" } else { "+changes" };
        Some(Self { name: format!("{hash}{changes} {date}"), watched: watched(root) })
    }
}

fn unknown() -> String {
    "unknown commit".to_owned()
}

/// A name that cannot break the line that it is shown in.
fn one_line(name: &str) -> String {
    name.trim().chars().filter(|char| !char.is_control()).take(NAME_CHARS_MAX).collect()
}

/// What `cargo package` wrote down.
fn packaged(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let hash = text.split_once("\"sha1\"")?.1.split('"').nth(1)?;
    let is_hash = hash.len() >= DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let changes = if text.contains("\"dirty\": true") { "+changes" } else { "" };
    is_hash.then(|| format!("{}{changes}", &hash[..DIGITS]))
}

/// Where git notes that there is another commit, and every source: a source that changes makes a commit another, too.
fn watched(root: &Path) -> Vec<PathBuf> {
    let branch = git(root, &["rev-parse", "--symbolic-full-name", "HEAD"]);
    let noted = ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref());
    let noted = noted.filter_map(|name| git(root, &["rev-parse", "--git-path", name])).map(|path| root.join(path));
    let entries = fs::read_dir(root.join("src")).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let sources = entries.filter(|path| path.file_name().is_some_and(|name| name != "python"));
    let others = ["Cargo.toml", "Cargo.lock", "rules"].map(|name| root.join(name));
    let mut all: Vec<_> = noted.chain(sources).chain(others).filter(|path| path.exists()).collect();
    all.sort();
    all
}

/// What git says, where it is there and succeeds.
fn git(root: &Path, args: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("--no-optional-locks").arg("-C").arg(root).args(args).env("TZ", "UTC0").env("LC_ALL", "C");
    for inherited in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(inherited);
    }
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}
