//! What is kept between installs: locks, wheels, layers, bytecode.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use vetrun::passes::install::{InstallError, Installed, Store};
use vetrun::policy::{InstallPolicy, Timeout};

use super::index::{Form, Index, index};
use super::wheel::{Options, Wheel, wheel};
use super::{good, install_by, rules};
use crate::support::{arg, shown, vetrun};

fn store(folder: &Path) -> Store {
    Store::open(folder, "a build", u64::MAX).unwrap()
}

/// An install that asks the index each time.
fn asking() -> InstallPolicy {
    InstallPolicy { lock_age_max: Timeout::seconds(0), ..InstallPolicy::default() }
}

fn needs() -> Wheel {
    let metadata = Options { metadata: "Requires-Dist: good>=1\n", ..Options::default() };
    wheel("needs", "2.0", &[("needs/__init__.py", "import good\n"), ("needs/other.py", "")], &metadata)
}

fn asked(index: &Index) -> usize {
    index.asked.lock().unwrap().len()
}

fn tree(installed: &Installed) -> std::path::PathBuf {
    installed.mounts()[0].host.clone()
}

#[test]
fn what_was_installed_once_is_attached() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&[good(), needs()], Form::Json);
    let install = |requirements, policy| {
        let store = store(folder.path());
        let installed = install_by(requirements, &index, policy, None, Some(&store)).unwrap();
        assert_eq!(installed.findings, []);
        installed
    };
    let first = install("needs", InstallPolicy::default());
    assert!(!first.cache_hit && !first.lock_known);
    let once = asked(&index);
    let again = install("Needs  # the same", InstallPolicy::default());
    assert!(again.cache_hit && again.lock_known);
    assert_eq!(asked(&index), once, "the index is not asked at all");
    assert_eq!((&first.packages, &first.imports, &first.lock), (&again.packages, &again.imports, &again.lock));
    assert_eq!(tree(&first), tree(&again));

    let fresh = install("needs", asking());
    assert!(fresh.cache_hit && !fresh.lock_known);
    assert_eq!(asked(&index), once + 2, "two pages are asked for, and no file");
    let other = install("good", InstallPolicy::default());
    assert!(!other.cache_hit, "other packages are another layer");
    assert_eq!(asked(&index), once + 3, "whose wheel was there already");
    drop((first, again, fresh, other));
    let layers = fs::read_dir(folder.path().join("layers")).unwrap().count();
    assert_eq!(layers, 4, "two layers, each with its mark");
    assert_eq!(fs::read_dir(folder.path().join("making")).unwrap().count(), 0);
}

#[test]
fn what_was_imported_is_compiled_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&[good(), needs()], Form::Json);
    let installed = install_by("needs", &index, InstallPolicy::default(), None, Some(&store(folder.path()))).unwrap();
    let cached = |package: &str| -> Vec<String> {
        let entries = fs::read_dir(tree(&installed).join(package).join("__pycache__")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    for package in ["good", "needs"] {
        let names = cached(package);
        assert!(matches!(&names[..], [one] if one.starts_with("__init__.cpython-")), "{package}: {names:?}");
    }
    let alone = install_by("needs", &index, InstallPolicy::default(), None, None).unwrap();
    assert!(!tree(&alone).join("good/__pycache__").exists(), "it would be used once");
}

#[test]
fn what_is_missing_or_altered_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&[good()], Form::Json);
    let install = || install_by("good", &index, InstallPolicy::default(), None, Some(&store(folder.path()))).unwrap();
    drop(install());
    let only = |part: &str| fs::read_dir(folder.path().join(part)).unwrap().next().unwrap().unwrap().path();
    fs::remove_dir_all(folder.path().join("layers")).unwrap();
    let again = install();
    assert!(!again.cache_hit && again.lock_known && again.is_sound());
    drop(again);
    fs::remove_dir_all(folder.path().join("layers")).unwrap();
    fs::write(only("wheels"), "not a wheel").unwrap();
    let again = install();
    assert!(!again.lock_known && again.is_sound(), "the wheel is fetched again");
}

#[test]
fn an_index_that_fails_is_stood_in_for_by_what_it_said_before() {
    let folder = tempfile::tempdir().unwrap();
    let wheels = [good()];
    let running = index(&wheels, Form::Json);
    let store = store(folder.path());
    drop(install_by("good", &running, asking(), None, Some(&store)).unwrap());
    running.fail();
    let installed = install_by("good", &running, asking(), None, Some(&store)).unwrap();
    assert!(installed.cache_hit && installed.lock_known);
    let fallback = installed.to_report().fallback_triggered.unwrap();
    assert!(fallback.contains("the index failed") && fallback.contains("was used"), "{fallback}");
    let error = install_by("good>=1", &running, asking(), None, Some(&store)).unwrap_err();
    assert!(matches!(error, InstallError::Index { .. }), "what was never asked has no answer: {error}");
}

#[test]
fn new_files_are_not_used() {
    let wheels = [good(), wheel("good", "2.0", &[("good/__init__.py", "")], &Options::default())];
    let index = index(&wheels, Form::NewestIsNew);
    let install = |requirement, policy| install_by(requirement, &index, policy, None, None).unwrap();
    let version = |installed: &Installed| installed.packages.first().map(|package| package.version.clone());
    assert_eq!(version(&install("good", InstallPolicy::default())).as_deref(), Some("1.0"));
    let at_once = InstallPolicy { min_age: Timeout::seconds(0), ..InstallPolicy::default() };
    assert_eq!(version(&install("good", at_once)).as_deref(), Some("2.0"));
    let refused = install("good==2.0", InstallPolicy::default());
    assert_eq!(rules(&refused), ["package-not-installable"]);
    assert!(refused.findings[0].message.contains("was uploaded less than 3days ago"), "{:?}", refused.findings);
}

#[test]
fn many_may_install_the_same_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&[good(), needs()], Form::Json);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let store = store(folder.path());
                let installed = install_by("needs", &index, InstallPolicy::default(), None, Some(&store)).unwrap();
                assert!(installed.is_sound());
                assert!(tree(&installed).join("good/__init__.py").is_file());
            });
        }
    });
    let last = install_by("needs", &index, InstallPolicy::default(), None, Some(&store(folder.path()))).unwrap();
    assert!(last.cache_hit);
}

#[test]
fn a_kill_at_any_instant_leaves_nothing_half_made() {
    let folder = tempfile::tempdir().unwrap();
    let index = index(&[good(), needs()], Form::Json);
    let policy = format!("[install]\nindex_url = \"{}\"\ncache_dir = \"kept\"\n", index.url);
    fs::write(folder.path().join("vetrun.toml"), policy).unwrap();
    let artifact = folder.path().join("artifact");
    fs::create_dir(&artifact).unwrap();
    fs::write(artifact.join("requirements.txt"), "needs\n").unwrap();
    fs::write(artifact.join("main.py"), "import needs\nprint('it runs')\n").unwrap();
    let run = || {
        let mut command = vetrun();
        command.args(["run", arg(&artifact), "--policy", arg(&folder.path().join("vetrun.toml"))]);
        command
    };
    if native_is_missing() {
        return;
    }
    for step in 0..10 {
        let mut child = run().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(step * 40));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = run().output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let kept = folder.path().join("kept");
    assert_eq!(fs::read_dir(kept.join("making")).unwrap().count(), 0, "what the killed ones were making is gone");
    let layers: Vec<_> = fs::read_dir(kept.join("layers")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for layer in layers.iter().filter(|path| path.is_dir()) {
        assert!(layer.join("tree/good/__init__.py").is_file(), "{layer:?} is whole");
    }
}

/// Whether this host cannot isolate; a failure where `VETRUN_REQUIRE_NATIVE` says that it must.
fn native_is_missing() -> bool {
    super::isolated::sandbox().is_none()
}
