//! Declarations that hold others: groups of `pyproject.toml` that include one another, what builds a source archive, and
//! `package.json` with its lock. They are read to their end, twice alike, and what is picked lands where it should.
//!
//! The first byte chooses the form. A manifest of Node and its lock are told apart by the first zero byte. From the package's
//! root: `cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none manifests -- -max_total_time=600`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vetrun::artifact::{Artifact, SourceFile};
use vetrun::deps::source::{BuildSystem, source_version};
use vetrun::deps::{Parsed, declared, is_normalised, normalised};
use vetrun::policy::InstallPolicy;

fuzz_target!(|data: &[u8]| {
    let [form, content @ ..] = data else { return };
    match form % 4 {
        0 => groups(content),
        1 => node(content),
        2 => build(content),
        _ => archive(content),
    }
});

/// The artifact's declarations, which are the same each time.
fn read_twice(files: Vec<SourceFile>, policy: &InstallPolicy) -> vetrun::deps::Declared {
    let artifact = Artifact::new("fuzz", "fuzz", files, Vec::new());
    let (own, findings) = declared(&artifact, None, policy);
    assert_eq!(declared(&artifact, None, policy), (own.clone(), findings.clone()));
    for finding in findings {
        assert!(!finding.message.contains('\n'), "{finding:?}");
    }
    own
}

fn groups(content: &[u8]) {
    let policy = InstallPolicy { groups: vec!["a".to_owned(), "Dev_B".to_owned()], ..InstallPolicy::default() };
    let own = read_twice(vec![SourceFile::new("pyproject.toml", content.to_vec())], &policy);
    for requirement in &own.requirements {
        let again: Parsed = requirement.text.parse().expect("a canonical form is a requirement");
        assert_eq!(again.to_string(), requirement.text);
        assert!(is_normalised(&requirement.name), "{}", requirement.name);
        assert!(!requirement.installer_line().contains('\n'));
    }
}

fn node(content: &[u8]) {
    let mut parts = content.splitn(2, |&byte| byte == 0);
    let manifest = parts.next().unwrap_or_default();
    let mut files = vec![SourceFile::new("package.json", manifest.to_vec())];
    files.extend(parts.next().map(|lock| SourceFile::new("package-lock.json", lock.to_vec())));
    let Some(npm) = read_twice(files, &InstallPolicy::default()).npm else { return };
    assert_eq!(npm.picks("linux", "x64"), npm.picks("linux", "x64"));
    for pick in npm.picks("linux", "x64").into_iter().flatten() {
        assert!(pick.place.starts_with("node_modules/"), "{}", pick.place);
        assert!(pick.place.split('/').all(|part| !matches!(part, "" | "." | "..")), "{}", pick.place);
        assert!(!pick.place.contains(['\\', '\0', '\n']), "{}", pick.place);
    }
}

fn build(content: &[u8]) {
    let system = BuildSystem::of(Some(content));
    assert_eq!(system, BuildSystem::of(Some(content)));
    if let Err(why) = system {
        assert!(!why.contains('\n'), "{why}");
    }
}

/// The name of a source archive, and of the package that it is said to be of.
fn archive(content: &[u8]) {
    let Ok(text) = std::str::from_utf8(content) else { return };
    let package = normalised(text.split(['-', '/']).next().unwrap_or_default());
    if source_version(&package, text).is_some() {
        assert!(!text.contains(['/', '\\', '\0']), "{text}");
    }
}
