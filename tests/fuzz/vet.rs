//! All static passes on any bytes: they end and do not panic.
//!
//! From the package's root: `cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none vet -- -max_total_time=600`.

#![no_main]

mod input;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use vetrun::deps::names::NameData;
use vetrun::language::EngineVersions;
use vetrun::passes::{Status, parse::Validity};
use vetrun::policy::Policy;
use vetrun::rules::RuleSet;
use vetrun::vet::{Baseline, Judging, gate, judge_artifact};

fuzz_target!(|data: &[u8]| {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    let rules = RULES.get_or_init(|| RuleSet::load(true, &[] as &[&str]).expect("the built-in rules load"));
    let Some((artifact, parse)) = input::read(data) else { return };
    let policy = Policy { parse, ..Policy::default() };
    let judging = Judging { policy: &policy, rules, baseline: &Baseline::new(), requirements: None, names: NameData::builtin() };
    let vetted = judge_artifact(&artifact, judging, EngineVersions::default()).expect("no profile is named");
    if vetted.parsed.files[0].validity == Validity::Invalid {
        assert!(vetted.results.any(Status::Failed), "what does not parse does not pass");
        assert!(gate(&vetted).is_none(), "what does not parse is not cleared");
    }
});
