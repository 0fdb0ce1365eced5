//! What is taken into a snapshot and what is not, on real folders.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::policy::ByteSize;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn read(dir: &Path) -> Artifact {
    read_path(dir, &IntakeLimits::default(), &exclude_set(&DEFAULT_EXCLUDES).unwrap()).unwrap()
}

fn paths(artifact: &Artifact) -> Vec<&str> {
    artifact.files.iter().map(|file| file.path.as_str()).collect()
}

fn refusals(artifact: &Artifact) -> Vec<(&str, &Refusal)> {
    artifact.refused.iter().map(|refused| (refused.path.as_str(), &refused.reason)).collect()
}

#[test]
fn a_folder_is_read_whole_and_ignore_files_are_not_honoured() {
    let dir = folder(&[(".gitignore", "*.py\n"), ("a/b.py", "x = 1\n"), ("a.py", ""), (".hidden/c.js", "1\n")]);
    let artifact = read(dir.path());
    assert_eq!(paths(&artifact), [".gitignore", ".hidden/c.js", "a.py", "a/b.py"]);
    assert_eq!(&*artifact.file("a/b.py").unwrap().bytes, b"x = 1\n");
    assert!(artifact.refused.is_empty());
}

#[test]
fn only_the_users_globs_leave_out_and_what_is_left_out_is_listed() {
    let dir = folder(&[(".git/HEAD", "x"), ("a/.git/hooks.py", "x"), ("data/a.csv", "x"), ("data/b.py", "x")]);
    assert_eq!(paths(&read(dir.path())), ["a/.git/hooks.py", "data/a.csv", "data/b.py"]);
    assert_eq!(read(dir.path()).excluded, [".git/"]);
    let exclude = exclude_set(&["**/*.csv", ".git"]).unwrap();
    let artifact = read_path(dir.path(), &IntakeLimits::default(), &exclude).unwrap();
    assert_eq!(paths(&artifact), ["a/.git/hooks.py", "data/b.py"]);
    assert_eq!(artifact.excluded, [".git/", "data/a.csv"]);
    assert!(matches!(exclude_set(&["a["]), Err(IntakeError::BadGlob { .. })));
}

#[test]
fn nothing_is_followed_and_all_of_it_is_reported() {
    let outside = folder(&[("secret.txt", "secret"), ("linked.py", "x = 1\n")]);
    let dir = folder(&[("main.py", "x = 1\n")]);
    let at = |name: &str| dir.path().join(name);
    symlink(outside.path().join("secret.txt"), at("link.txt")).unwrap();
    symlink(outside.path(), at("linkdir")).unwrap();
    symlink("main.py", at("inner.py")).unwrap();
    fs::hard_link(outside.path().join("linked.py"), at("hard.py")).unwrap();
    mknodat(CWD, at("fifo"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    File::create(dir.path().join(OsStr::from_bytes(b"bad\xff.py"))).unwrap();
    File::create(at("esc\u{1b}[2J.py")).unwrap();
    File::create(at("rtl\u{202e}yp.exe")).unwrap();
    File::create(at("rtm\u{200f}yp.exe")).unwrap();
    let artifact = read(dir.path());
    assert_eq!(paths(&artifact), ["main.py"]);
    let outside = outside.path().to_str().unwrap();
    let expected = [
        ("bad\\xff.py", Refusal::Name),
        ("esc\\u{1b}[2J.py", Refusal::Name),
        ("fifo", Refusal::Special("FIFO")),
        ("hard.py", Refusal::HardLink(2)),
        ("inner.py", Refusal::Symlink("main.py".to_owned())),
        ("link.txt", Refusal::Symlink(format!("{outside}/secret.txt"))),
        ("linkdir", Refusal::Symlink(outside.to_owned())),
        ("rtl\\u{202e}yp.exe", Refusal::Name),
        ("rtm\\u{200f}yp.exe", Refusal::Name),
        ("socket", Refusal::Special("socket")),
    ];
    assert_eq!(refusals(&artifact), expected.iter().map(|(path, reason)| (*path, reason)).collect::<Vec<_>>());
}

#[test]
fn each_limit_is_a_refusal_that_names_it() {
    let files = [("a.py", "12345"), ("b/c/d.py", "1"), ("b/long-name-of-a-file.py", "1"), ("z.py", "123")];
    let dir = folder(&files);
    let base = IntakeLimits::default();
    let size = ByteSize::new;
    let cases = [
        (IntakeLimits { file_bytes_max: size(4), ..base.clone() }, ("a.py", "file_bytes_max", 4), 3),
        (IntakeLimits { total_bytes_max: size(5), ..base.clone() }, ("b/c/d.py", "total_bytes_max", 5), 1),
        (IntakeLimits { depth_max: 1, ..base.clone() }, ("b/c", "depth_max", 1), 3),
        (IntakeLimits { path_bytes_max: 10, ..base.clone() }, ("b/long-name-of-a-file.py", "path_bytes_max", 10), 3),
        (IntakeLimits { files_max: 2, ..base.clone() }, (".", "files_max", 2), 0),
        (IntakeLimits { files_max: 4, ..base.clone() }, ("b", "files_max", 4), 1),
    ];
    for (limits, (path, name, value), files) in cases {
        let artifact = read_path(dir.path(), &limits, &ExcludeSet::default()).unwrap();
        assert_eq!(refusals(&artifact), [(path, &Refusal::Limit(name, value))]);
        assert_eq!(artifact.files.len(), files, "{name}");
    }
    let exact = IntakeLimits { file_bytes_max: size(5), total_bytes_max: size(10), depth_max: 2, files_max: 6, ..base };
    assert!(read_path(dir.path(), &exact, &ExcludeSet::default()).unwrap().refused.is_empty());
}

#[test]
fn a_path_that_the_user_names_may_be_a_link_and_an_entry_of_a_batch_may_not() {
    let dir = folder(&[("real/main.py", "x = 1\n"), ("one.py", "y = 1\n")]);
    symlink("real", dir.path().join("link")).unwrap();
    symlink("one.py", dir.path().join("two.py")).unwrap();
    assert_eq!(paths(&read(&dir.path().join("link"))), ["main.py"]);
    let file = read(&dir.path().join("two.py"));
    assert_eq!((file.name.as_str(), paths(&file)), ("two.py", vec!["two.py"]));
    let entries = batch_entries(dir.path()).unwrap();
    let names: Vec<_> = entries.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["link", "one.py", "real", "two.py"]);
    let refused = read_batch_entry(&entries[0], &IntakeLimits::default(), &ExcludeSet::default()).unwrap();
    assert_eq!(refusals(&refused), [("link", &Refusal::Symlink("real".to_owned()))]);
    let taken = read_batch_entry(&entries[2], &IntakeLimits::default(), &ExcludeSet::default()).unwrap();
    assert_eq!(paths(&taken), ["main.py"]);
}

#[test]
fn what_cannot_be_an_artifact_is_an_error_of_its_own_kind() {
    let dir = folder(&[("a.py", "")]);
    let none = ExcludeSet::default();
    let limits = IntakeLimits::default();
    let missing = read_path(&dir.path().join("nope"), &limits, &none).unwrap_err();
    assert!(matches!(missing, IntakeError::NotFound { .. }));
    let device = read_path(Path::new("/dev/null"), &limits, &none).unwrap_err();
    assert!(matches!(device, IntakeError::NotFileOrFolder { kind: "character device", .. }));
    let empty = tempfile::tempdir().unwrap();
    assert!(read_path(empty.path(), &limits, &none).unwrap_err().is_nothing_to_vet());
    assert!(batch_entries(empty.path()).unwrap_err().is_nothing_to_vet());
    assert!(matches!(batch_entries(&dir.path().join("a.py")), Err(IntakeError::NotAFolder { .. })));
    let all = exclude_set(&["**"]).unwrap();
    assert!(read_path(dir.path(), &limits, &all).unwrap_err().is_nothing_to_vet());
}

#[test]
fn a_stream_has_a_name_a_language_and_a_limit() {
    let limits = IntakeLimits { file_bytes_max: ByteSize::new(8), ..IntakeLimits::default() };
    let read = |name: &str, bytes: &[u8], language| read_stream(name, bytes, language, &limits);
    let cases = [("stdin", "stdin"), ("./a/b.py", "a/b.py"), ("../../b.py", "b.py"), ("/etc/b.py", "b.py")];
    for (name, path) in cases {
        assert_eq!(paths(&read(name, b"x", Some(Language::Python)).unwrap()), [path]);
    }
    assert_eq!(read("a.js", b"x", None).unwrap().files[0].language, Language::JavaScript);
    assert!(matches!(read("stdin", b"x = 1", None), Err(IntakeError::UnknownLanguage { .. })));
    assert!(read("a.py", b"", None).unwrap_err().is_nothing_to_vet());
    let long = read("a.py", b"123456789", None).unwrap();
    assert_eq!(refusals(&long), [("a.py", &Refusal::Limit("file_bytes_max", 8))]);
}

#[test]
fn what_changes_after_intake_changes_nothing() {
    let dir = folder(&[("main.py", "print('vetted')\n"), ("lib/a.py", "x = 1\n")]);
    fs::set_permissions(dir.path().join("main.py"), fs::Permissions::from_mode(0o755)).unwrap();
    let artifact = read(dir.path());
    let before = artifact.digest;
    fs::write(dir.path().join("main.py"), "import os; os.system('harm')\n").unwrap();
    fs::write(dir.path().join("late.py"), "harm\n").unwrap();
    fs::remove_dir_all(dir.path().join("lib")).unwrap();
    let out = tempfile::tempdir().unwrap();
    write_snapshot(&artifact, out.path()).unwrap();
    let written = read(out.path());
    assert_eq!(written.digest, before);
    assert_eq!(fs::read(out.path().join("main.py")).unwrap(), b"print('vetted')\n");
    assert_eq!(paths(&written), ["lib/a.py", "main.py"]);
    let mode = |path: &str| fs::metadata(out.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("main.py"), mode("lib/a.py"), mode("lib")), (0o755, 0o644, 0o755));
}

#[test]
fn bytecode_beside_its_source_is_not_written() {
    let files = ["a.py", "__pycache__/a.cpython-312.pyc", "b/__pycache__/a.pyc", "b/c.pyc", "__pycache__/d.txt"];
    let files = files.map(|path| SourceFile::new(path, &b"x"[..]));
    let out = tempfile::tempdir().unwrap();
    write_snapshot(&Artifact::new("a", "a", files.to_vec(), Vec::new()), out.path()).unwrap();
    let written = |path: &str| out.path().join(path).exists();
    assert!(written("a.py") && written("b/c.pyc") && written("__pycache__/d.txt"));
    assert!(!written("__pycache__/a.cpython-312.pyc") && !written("b/__pycache__/a.pyc"));
}

#[test]
fn a_snapshot_never_writes_over_or_out_of_its_folder() {
    let artifact = |path: &str| Artifact::new("a", "a", vec![SourceFile::new(path, &b"x"[..])], Vec::new());
    let outside = folder(&[("target", "kept")]);
    let out = tempfile::tempdir().unwrap();
    symlink(outside.path().join("target"), out.path().join("a.py")).unwrap();
    assert!(write_snapshot(&artifact("a.py"), out.path()).is_err());
    assert_eq!(fs::read(outside.path().join("target")).unwrap(), b"kept");
    for path in ["../b.py", "/b.py", "a/../../b.py", ""] {
        assert!(write_snapshot(&artifact(path), out.path()).is_err(), "{path}");
    }
}

#[test]
fn a_file_that_is_exchanged_or_grows_is_told() {
    let dir = folder(&[("a.py", "x = 1\n"), ("b.py", "y = 1\n")]);
    let root = File::open(dir.path()).unwrap();
    let fd = std::os::fd::AsFd::as_fd(&root);
    let pinned = read::pin(fd, b"a.py").unwrap().metadata().unwrap();
    fs::rename(dir.path().join("b.py"), dir.path().join("a.py")).unwrap();
    assert_eq!(read::open_pinned(fd, b"a.py", &pinned).unwrap_err(), Refusal::Changed);
    fs::remove_file(dir.path().join("a.py")).unwrap();
    symlink("/etc/passwd", dir.path().join("a.py")).unwrap();
    assert_eq!(read::open_pinned(fd, b"a.py", &pinned).unwrap_err(), Refusal::Changed);
    // The kernel calls this file empty and hands out bytes all the same.
    let proc = File::open("/proc/self/status").unwrap();
    let read = read::contents(proc, &IntakeLimits::default(), u64::MAX);
    assert_eq!(read.err(), Some(Refusal::Changed));
}
