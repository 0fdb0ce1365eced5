//! The translation of cells beside IPython's own, over a table that was made with IPython 9 (`TransformerManager`).

use ruff_python_ast::comparable::ComparableStmt;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use super::magics::translate;
use super::mapped::Mapped;

/// Each row is a cell and what IPython makes of it; null where it raises an error.
const CASES: &str = include_str!("cases.json");

const NOT_PYTHON: &str = "0 0";

/// Automatic calls of what is no name. IPython puts text together for them without a look at it, which may be its own
/// syntax once more; vetrun leaves them as they are, which is no Python.
const ODD: &[&str] = &[", f a", "/usr/bin/ls", ",", ";", ",,f", ";;f", "/ f", "/"];

/// Whether two texts are the same Python: the same tree, or no Python both.
fn is_same(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|text| parse_unchecked(text, ParseOptions::from(Mode::Module)));
    if one.has_invalid_syntax() || other.has_invalid_syntax() {
        return one.has_invalid_syntax() && other.has_invalid_syntax();
    }
    let body = |parsed: ruff_python_parser::Parsed<ruff_python_ast::Mod>| {
        parsed.try_into_module().map(|module| module.into_suite())
    };
    let (one, other) = (body(one).unwrap_or_default(), body(other).unwrap_or_default());
    one.len() == other.len()
        && one.iter().zip(&other).all(|(one, other)| ComparableStmt::from(one) == ComparableStmt::from(other))
}

#[test]
fn cells_become_what_ipython_makes_of_them() {
    let cases: Vec<(String, Option<String>)> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 400);
    let mut wrong = String::new();
    for (cell, expected) in cases {
        let written = if cell.ends_with('\n') { cell.clone() } else { format!("{cell}\n") };
        let ours = translate(&Mapped::of(&written, 0..written.len())).python.text;
        let expected = expected.unwrap_or_else(|| NOT_PYTHON.to_owned());
        let is_odd = cell.lines().any(|line| ODD.contains(&line));
        let is_right = if is_odd { is_same(&ours, NOT_PYTHON) } else { is_same(&ours, &expected) };
        if !is_right {
            wrong.push_str(&format!("{cell:?}\n  ours    {ours:?}\n  ipython {expected:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_follows_a_magic_is_at_its_own_place() {
    let cases: Vec<(String, Option<String>)> = serde_json::from_str(CASES).unwrap();
    let mut checked = 0;
    for (cell, _) in cases {
        let written = format!("é\n{cell}\nmarker_é = 1\n");
        let translated = translate(&Mapped::of(&written, 2 + 1..written.len())).python;
        // The mark is found where it was written, unless it became part of a text that is escaped.
        if let Some(at) = translated.text.find("marker_é") {
            assert_eq!(&written[translated.map.range(at..at + "marker_é".len())], "marker_é", "{cell:?}");
            checked += 1;
        }
        assert_eq!(translated.map.length(), translated.text.len(), "{cell:?}");
    }
    assert!(checked > 400);
}
