//! Tests of: rules, and the scan pass that runs them.

use std::path::Path;

use vetrun::rules::{RuleSet, selftest};

#[test]
fn every_built_in_example_shows_what_it_says() {
    let rules = RuleSet::load(true, &[] as &[&Path]).unwrap();
    let failures: Vec<String> = selftest(&rules, |_| true).iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} examples fail:\n{}", failures.len(), failures.join("\n\n"));
}
