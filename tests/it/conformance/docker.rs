//! The same cases over the Docker back end, and where it differs.

use vetrun::sandbox::{Ended, Outcome, Sandbox};

use super::cases::every;
use super::{Case, Expect, conforms_around, judge, text};

/// What this back end does otherwise than the table says; every line is a promise too.
const DIFFERENCES: &[Case] = &[
    // The engine's filter library kills a program that makes calls by another architecture's numbers; a profile cannot
    // ask for an error code instead.
    difference("the other numbering of calls", Expect::Ends(Ended::Signaled(31))),
    // An engine cannot be asked for these options of a bound folder. It is read-only, the program has no rights to gain
    // and no right to any device.
    difference("no folder holds devices or programs of another user", Expect::Holds(only_input_has_no_options)),
];

/// What is otherwise when files go in as archives, beside these.
const DIFFERENCES_OF_ARCHIVES: &[Case] = &[
    // An archive is unpacked into a volume, which is writable for the engine. What is in it is root's, and no program is.
    difference("no folder holds devices or programs of another user", Expect::Holds(only_input_is_a_volume)),
];

fn only_input_is_a_volume(outcome: &Outcome) -> Result<(), String> {
    let said = text(outcome);
    let is_input = |line: &str| line.starts_with("/work ['rw', ");
    if outcome.ended == Ended::Exited(0) && said.lines().all(is_input) { Ok(()) } else { Err(said) }
}

fn only_input_has_no_options(outcome: &Outcome) -> Result<(), String> {
    let said = text(outcome);
    let is_input = |line: &str| line.starts_with("/work ['ro', ");
    if outcome.ended == Ended::Exited(0) && said.lines().all(is_input) { Ok(()) } else { Err(said) }
}

const fn difference(name: &'static str, expect: Expect) -> Case {
    Case { name, code: "", job: |_| {}, expect }
}

fn failure(sandbox: &dyn Sandbox, case: &Case, differences: &[&[Case]]) -> Option<String> {
    let other = differences.iter().flat_map(|all| all.iter()).find(|other| other.name == case.name);
    let expect = other.map_or(case.expect, |other| other.expect);
    let case = Case { expect, ..*case };
    judge(sandbox, &case).err().map(|why| format!("{}: {why}", case.name))
}

#[test]
fn docker_conforms() {
    let Some(sandbox) = crate::docker::sandbox() else { return };
    conforms_but_for(sandbox, &[DIFFERENCES]);
}

/// Every case holds, as these tables say where they do; names all that fail.
fn conforms_but_for(sandbox: &dyn Sandbox, differences: &[&[Case]]) {
    for other in differences.iter().flat_map(|all| all.iter()) {
        assert!(every().any(|case| case.name == other.name), "no case is called {}", other.name);
    }
    let failed: Vec<String> = every().filter_map(|case| failure(sandbox, case, differences)).collect();
    assert!(failed.is_empty(), "{} of {} cases failed\n{}", failed.len(), every().count(), failed.join("\n"));
}

#[test]
fn docker_conforms_with_files_as_archives() {
    let Some(sandbox) = crate::docker::archived() else { return };
    conforms_but_for(sandbox, &[DIFFERENCES_OF_ARCHIVES, DIFFERENCES]);
}

#[test]
fn docker_conforms_around_with_files_as_archives() {
    let Some(sandbox) = crate::docker::archived() else { return };
    conforms_around(sandbox);
}

#[test]
fn docker_conforms_around() {
    let Some(sandbox) = crate::docker::sandbox() else { return };
    conforms_around(sandbox);
}
