//! Requirements: the parser against a table of its own and, where its path is given, against the reference corpus; the
//! reader against every trick that is known to mislead installers.

use vetrun::deps::{Marker, Parsed, SpecifierSet, Version};

/// What the parser makes of a text: its canonical form, or `None` where it is refused.
fn canonical(kind: &str, text: &str) -> Option<String> {
    match kind {
        "version" => text.parse::<Version>().ok().map(|value| value.to_string()),
        "specset" => text.parse::<SpecifierSet>().ok().map(|value| value.to_string()),
        "marker" => text.parse::<Marker>().ok().map(|value| value.to_string()),
        "req" => text.parse::<Parsed>().ok().map(|value| value.to_string()),
        other => panic!("unknown kind {other}"),
    }
}

/// Set `VETRUN_PEP508_CORPUS` to a JSON file of rows `[kind, text, valid, canonical]` to measure agreement.
#[test]
fn the_parser_agrees_with_the_reference_corpus() {
    let Ok(path) = std::env::var("VETRUN_PEP508_CORPUS") else {
        println!("VETRUN_PEP508_CORPUS is not set: the corpus was not measured");
        return;
    };
    let rows: Vec<(String, String, bool, String)> =
        serde_json::from_slice(&std::fs::read(path).expect("the corpus can be read")).expect("the corpus is valid");
    let mut wrong = Vec::new();
    for (kind, text, valid, form) in &rows {
        let ours = canonical(kind, text);
        if ours.as_ref() != valid.then_some(form) {
            wrong.push(format!("{kind} {text:.200?}: reference {valid} {form:.200?}, ours {ours:?}"));
        }
    }
    println!("{} of {} rows agree", rows.len() - wrong.len(), rows.len());
    assert!(wrong.len() * 1000 <= rows.len(), "less than 99.9 % agree:\n{}", wrong.join("\n"));
}
