//! Scripts for a shell on any bytes: a first command is read whatever follows it, what it writes is named, and the passes
//! end, do not panic, say the same twice, and name places that are in the script.
//!
//! The first byte chooses how a script is known for one, the rest is the script; hooks of agents judge commands by the same
//! functions. From the package's root:
//! `cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none shell -- -max_total_time=600`.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use vetrun::artifact::{Artifact, SourceFile};
use vetrun::deps::names::NameData;
use vetrun::language::EngineVersions;
use vetrun::passes::scan::{command_words, may_be_written};
use vetrun::policy::Policy;
use vetrun::rules::RuleSet;
use vetrun::vet::{Baseline, Judging, judge_artifact};

/// One name and beginning for each way in which a file can be a script.
const KINDS: [(&str, &str); 4] = [("a.sh", ""), ("a.zsh", ""), ("a", "#!/bin/sh\n"), ("a", "#!/usr/bin/env bash\n")];

fuzz_target!(|data: &[u8]| {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    let rules = RULES.get_or_init(|| RuleSet::load(true, &[] as &[&str]).expect("the built-in rules load"));
    let [kind, script @ ..] = data else { return };
    let (name, beginning) = KINDS[usize::from(*kind) % KINDS.len()];
    let bytes = [beginning.as_bytes(), script].concat();
    if let Ok(text) = std::str::from_utf8(script) {
        let text = format!("rm first\n{text}");
        let first = command_words(&text).into_iter().next();
        assert_eq!(first, Some(vec!["rm".to_owned(), "first".to_owned()]));
        assert!(may_be_written(&text).iter().any(|word| word == "first"));
    }
    let artifact = Artifact::new("fuzz", "fuzz", vec![SourceFile::new(name, bytes.clone())], Vec::new());
    let policy = Policy::default();
    let judging =
        Judging { policy: &policy, rules, baseline: &Baseline::new(), requirements: None, names: NameData::builtin() };
    let findings = || judge_artifact(&artifact, judging, EngineVersions::default()).expect("no profile is named").findings;
    let found = findings();
    for finding in &found {
        assert!(!finding.message.contains('\n'), "{finding:?}");
        let Some(range) = finding.range else { continue };
        assert!(range.start.offset <= range.end.offset, "{finding:?}");
        assert!(range.start.line >= 1 && range.start.column >= 1, "{finding:?}");
    }
    assert_eq!(found, findings());
});
