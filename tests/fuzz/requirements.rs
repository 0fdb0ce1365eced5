//! Declarations and names on any bytes: they are read to their end, twice alike, and what comes out can be read again.
//!
//! The first byte chooses the form in which packages are declared, the rest is the file. From the package's root:
//! `cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none requirements -- -max_total_time=600`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vetrun::artifact::{Artifact, SourceFile};
use vetrun::deps::imports::Basis;
use vetrun::deps::names::NameData;
use vetrun::deps::{Parsed, declared, is_normalised, vetted};
use vetrun::policy::InstallPolicy;

const NAMES: [&str; 4] = ["requirements.txt", "pylock.toml", "pyproject.toml", "main.py"];

fuzz_target!(|data: &[u8]| {
    let [name, content @ ..] = data else { return };
    let file = SourceFile::new(NAMES[usize::from(*name) % NAMES.len()], content.to_vec());
    let artifact = Artifact::new("fuzz", "fuzz", vec![file], Vec::new());
    let policy = InstallPolicy::default();
    let (mut own, findings) = declared(&artifact, None, &policy);
    assert_eq!(declared(&artifact, None, &policy), (own.clone(), findings.clone()));
    for requirement in own.requirements.iter().chain(&own.constraints) {
        let again: Parsed = requirement.text.parse().expect("a canonical form is a requirement");
        assert_eq!(again.to_string(), requirement.text);
        assert!(is_normalised(&requirement.name), "{}", requirement.name);
        assert!(!requirement.installer_line().contains('\n'));
    }
    let basis = Basis { artifact: &artifact, python_minor: 14, data: NameData::builtin(), policy: &policy };
    for finding in findings.iter().chain(&vetted(&mut own, &[], basis)) {
        assert!(!finding.message.contains('\n'), "{finding:?}");
    }
});
