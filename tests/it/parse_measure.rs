//! Tests of: parse, measured against the engines of this machine on a small scale. `python3` and `node` must be there.
//!
//! Every difference between an engine and vetrun must be in the table of those that are known, by class and with its
//! reason, and every row of that table must still differ.

use clap::Parser as _;

#[path = "../agreement/measure/mod.rs"]
mod measure;

/// Measures a few hundred cases; whatever differs must be known.
fn all_differences_are_known(language: &str) {
    let words = ["agreement", language, "--seed", "20", "--known", "--at-least", "99"];
    let corpora = ["--mutants", "60", "--fragments", "200", "--broken", "200", "--grammar", "200", "--jobs", "2"];
    let args = measure::Args::parse_from(words.iter().chain(&corpora));
    let mut tables = Vec::new();
    let outcome = measure::run(&args, &mut tables).unwrap_or_else(|error| panic!("{language}: {error}"));
    assert!(outcome.reached(&args), "{outcome:?}\n{}", String::from_utf8_lossy(&tables));
}

#[test]
fn every_difference_from_cpython_is_known() {
    all_differences_are_known("python");
}

#[test]
fn every_difference_from_v8_is_known() {
    all_differences_are_known("javascript");
}
