//! The parse pass on any bytes: it ends, does not panic, gives the same verdict twice, and never says "invalid" without a
//! finding that explains it, nor "valid" beside one that forbids it.
//!
//! From the package's root: `cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none parse -- -max_total_time=600`.

#![no_main]

mod input;

use libfuzzer_sys::fuzz_target;
use vetrun::finding::Severity;
use vetrun::language::EngineVersions;
use vetrun::passes::parse::{Target, Validity, parse};

fuzz_target!(|data: &[u8]| {
    let Some((artifact, policy)) = input::read(data) else { return };
    let target = Target::new(&policy, EngineVersions::default(), None);
    let (parsed, findings) = parse(&artifact, &policy, &target);
    let file = &parsed.files[0];
    let is_fatal = findings.iter().any(|finding| finding.severity >= Severity::Medium);
    assert_eq!(file.validity == Validity::Invalid, is_fatal, "{:?}: {findings:?}", file.validity);
    for finding in &findings {
        let Some(range) = finding.range else { continue };
        assert!(range.start.offset <= range.end.offset, "{finding:?}");
        assert!(range.start.line >= 1 && range.start.column >= 1, "{finding:?}");
        assert!(!finding.message.contains('\n'), "{finding:?}");
    }
    for region in &file.regions {
        let text = file.text.as_ref().expect("what has a tree has a text").as_str();
        assert!(text.get(region.range.clone()).is_some(), "{:?}", region.range);
        assert!(region.tree(text).is_ok_and(|tree| tree.root_node().end_byte() <= text.len()));
    }
    let (_, again) = parse(&artifact, &policy, &target);
    assert_eq!(findings, again);
});
