//! Manual pages and completions are made from the command line itself.

use crate::support::{arg, folder, run, shown};

#[test]
fn there_is_a_manual_page_for_every_command() {
    let printed = run(&["man"]);
    let page = String::from_utf8(printed.stdout.clone()).expect("UTF-8");
    assert!(printed.status.success() && page.contains(".TH vetrun 1"), "{}", shown(&printed));
    for part in ["vetrun\\-check(1)", "nothing to vet"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let dir = folder(&[]);
    let pages = dir.path().join("share/man1");
    let written = run(&["man", "--dir", arg(&pages)]);
    assert!(written.status.success(), "{}", shown(&written));
    for (name, part) in [
        ("vetrun.1", "vetrun\\-run(1)"),
        ("vetrun-check.1", "\\-\\-fail\\-on"),
        ("vetrun-rules-explain.1", "Explain one rule"),
    ] {
        let text = std::fs::read_to_string(pages.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(part), "{name}: {text}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = folder(&[("file", "")]);
    let refused = run(&["man", "--dir", arg(&dir.path().join("file/below"))]);
    assert_eq!(refused.status.code(), Some(2), "{}", shown(&refused));
    assert!(shown(&refused).contains("could not write manual pages into"), "{}", shown(&refused));
}
