//! Tests of: `rules/COVERAGE.md`, which is made from `rules/peers/`.

use std::collections::HashSet;
use std::path::Path;

use vetrun::rules::RuleSet;

#[path = "../../parity/peers.rs"]
mod peers;

/// What the passes before the scan find, and peers have as a rule.
const OF_OTHER_PASSES: [&str; 1] = ["bidirectional-control"];

#[test]
fn the_table_of_what_other_scanners_check_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let rules = RuleSet::load(true, &[] as &[&Path]).unwrap();
    let mut ids: HashSet<&str> = rules.rules().map(|rule| &*rule.id).collect();
    ids.extend(OF_OTHER_PASSES);
    let made = peers::coverage(&root.join("peers"), |id| ids.contains(id)).unwrap();
    assert!(made.with_rule > 0 && made.with_rule <= made.checks);
    let stands = std::fs::read_to_string(root.join("COVERAGE.md")).unwrap();
    let differs = stands.lines().zip(made.table.lines()).find(|(stands, made)| stands != made);
    assert!(
        stands == made.table,
        "rules/COVERAGE.md is out of date ({differs:?}); make it again: cargo run --release --example parity -- coverage \
         > rules/COVERAGE.md"
    );
}

#[test]
fn a_check_without_a_rule_or_with_one_that_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let with = |check: &str| {
        std::fs::write(folder.path().join("peer.toml"), format!("name = \"Peer\"\n\n[[check]]\n{check}")).unwrap();
        peers::coverage(folder.path(), |id| id == "here").map(|coverage| (coverage.checks, coverage.with_rule))
    };
    assert_eq!(with("id = \"A1\"\ntitle = \"t\"\nrules = [\"here\"]"), Ok((1, 1)));
    assert_eq!(with("id = \"A1\"\ntitle = \"t\"\nreason = \"style\""), Ok((1, 0)));
    assert!(with("id = \"A1\"\ntitle = \"t\"").unwrap_err().contains("`A1` has neither rules nor a reason"));
    assert!(with("id = \"A1\"\ntitle = \"t\"\nrules = [\"gone\"]").unwrap_err().contains("which is not there"));
}
