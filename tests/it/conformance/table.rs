//! The table of `vetrun help promises`: which case holds over which back end. It is made of the same tables that the tests run, each of which
//! fails where its back end does anything else. `VETRUN_UPDATE_README=1 cargo test conformance` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::cases::every;
use super::docker::{DIFFERENCES, DIFFERENCES_OF_ARCHIVES, DIFFERENCES_OF_PODMAN};
use super::{confined, difference};

const OPEN: &str = "<!-- conformance -->\n";
const CLOSE: &str = "<!-- /conformance -->\n";

/// The back ends, as columns; and what a case comes to there, where that is something else than everywhere.
type Column = (&'static str, fn(&str) -> Option<&'static str>);

const COLUMNS: [Column; 6] = [
    ("native", |_| None),
    ("no namespaces, root", |name| confined::otherwise(name, true).map(|(_, told)| told)),
    ("no namespaces, others", |name| confined::otherwise(name, false).map(|(_, told)| told)),
    ("Docker", |name| difference(name, &[DIFFERENCES]).map(|other| other.told)),
    ("Docker, archives", |name| difference(name, &[DIFFERENCES_OF_ARCHIVES, DIFFERENCES]).map(|other| other.told)),
    ("Podman", |name| difference(name, &[DIFFERENCES_OF_PODMAN, DIFFERENCES]).map(|other| other.told)),
];

fn table() -> String {
    let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
    let told = every().flat_map(|case| COLUMNS.iter().filter_map(|(_, otherwise)| otherwise(case.name)));
    for told in told.collect::<Vec<_>>() {
        let next = notes.len() + 1;
        notes.entry(told).or_insert(next);
    }
    let holding = |column: &Column| every().filter(|case| (column.1)(case.name).is_none()).count();
    let mut text = format!("| {} programs that try to break out or to use too much |", every().count());
    let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
    writeln!(text, " {} |\n|---|{}", names.join(" | "), ":-:|".repeat(COLUMNS.len())).unwrap();
    let counts: Vec<_> = COLUMNS.iter().map(|column| format!("**{}**", holding(column))).collect();
    writeln!(text, "| **hold as written** | {} |", counts.join(" | ")).unwrap();
    let cells = |name: &str| COLUMNS.map(|(_, otherwise)| otherwise(name).map(|told| notes[told]));
    for case in every().filter(|case| cells(case.name).iter().any(Option::is_some)) {
        let cells = cells(case.name).map(|note| note.map_or_else(|| "✓".to_owned(), |note| format!("({note})")));
        writeln!(text, "| {} | {} |", case.name, cells.join(" | ")).unwrap();
    }
    let same: Vec<_> = every().map(|case| case.name).filter(|name| cells(name).iter().all(Option::is_none)).collect();
    writeln!(text, "\nWhere a number stands, the program meets something else, which is tested as well:\n").unwrap();
    let by_number: BTreeMap<_, _> = notes.iter().map(|(told, number)| (number, told)).collect();
    for (number, told) in by_number {
        writeln!(text, "{number}. {told}").unwrap();
    }
    write!(
        text,
        "\n<details><summary>The {} that hold everywhere</summary>\n\n{}.\n\n</details>\n",
        same.len(),
        same.join("; ")
    )
    .unwrap();
    text
}

#[test]
fn the_page_says_which_case_holds_where() {
    let path = crate::support::root().join("src/help/promises.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(OPEN).expect("the table begins");
    let (shown, behind) = rest.split_once(CLOSE).expect("the table ends");
    if std::env::var_os("VETRUN_UPDATE_README").is_some() {
        std::fs::write(path, format!("{before}{OPEN}{}{CLOSE}{behind}", table())).unwrap();
        return;
    }
    assert_eq!(shown, table(), "VETRUN_UPDATE_README=1 writes it anew");
}

#[test]
fn every_difference_is_one_of_a_case() {
    let cases: BTreeSet<_> = every().map(|case| case.name).collect();
    for other in [DIFFERENCES, DIFFERENCES_OF_ARCHIVES, DIFFERENCES_OF_PODMAN].into_iter().flatten() {
        assert!(cases.contains(other.name), "no case is called {}", other.name);
    }
    assert!(COLUMNS.iter().skip(1).all(|(_, otherwise)| cases.iter().any(|name| otherwise(name).is_some())));
}
