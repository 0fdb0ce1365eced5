//! The same cases over the Docker back end, with mounts and with archives, and where it differs. Where `DOCKER_HOST` leads to a
//! `podman system service`, they run over Podman.

use vetrun::sandbox::{Ended, Outcome, Sandbox};

use super::cases::{every, number, within};
use super::{Case, Difference, Expect, conforms_around, difference, judge, text};

/// What this back end does otherwise than the table says; every line is a promise too.
pub(super) const DIFFERENCES: &[Difference] = &[
    // The engine's filter library kills a program that makes calls by another architecture's numbers; a profile cannot
    // ask for an error code instead.
    Difference {
        name: "the other numbering of calls",
        expect: Expect::Ends(Ended::Signaled(31)),
        told: "the call ends the program instead of failing",
    },
    // An engine cannot be asked for these options of a bound folder. It is read-only, the program has no rights to gain
    // and no right to any device.
    Difference {
        name: "no folder holds devices or programs of another user",
        expect: Expect::Holds(only_input_has_no_options),
        told: "the input folder is read-only, without `nodev` and `nosuid`",
    },
];

/// What is otherwise when files go in as archives, beside these.
pub(super) const DIFFERENCES_OF_ARCHIVES: &[Difference] = &[
    // An archive is unpacked into a volume, which is writable for the engine. What is in it is root's, and no program is.
    Difference {
        name: "no folder holds devices or programs of another user",
        expect: Expect::Holds(only_input_is_a_volume),
        told: "the input folder is a volume of root's files, without `ro`, `nodev` and `nosuid`",
    },
];

/// What is otherwise with Podman, beside these: it takes no number of files for a folder in memory.
pub(super) const DIFFERENCES_OF_PODMAN: &[Difference] = &[
    Difference {
        name: "folders without end",
        expect: Expect::Holds(only_memory_ends_them),
        told: "only memory limits the number of files in the scratch folder",
    },
    Difference {
        name: "links to one file without end",
        expect: Expect::Holds(only_memory_ends_them),
        told: "only memory limits the number of files in the scratch folder",
    },
];

fn only_memory_ends_them(outcome: &Outcome) -> Result<(), String> {
    match outcome.ended {
        Ended::OutOfMemory | Ended::TimedOut => Ok(()),
        _ => within(number(outcome)?, 10, 200_000),
    }
}

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

fn failure(sandbox: &dyn Sandbox, case: &Case, differences: &[&[Difference]]) -> Option<String> {
    let expect = difference(case.name, differences).map_or(case.expect, |other| other.expect);
    let case = Case { expect, ..*case };
    judge(sandbox, &case).err().map(|why| format!("{}: {why}", case.name))
}

#[test]
fn docker_conforms() {
    let Some(sandbox) = crate::docker::sandbox() else { return };
    let of_podman = if crate::docker::is_podman() { DIFFERENCES_OF_PODMAN } else { &[] };
    conforms_but_for(sandbox, &[of_podman, DIFFERENCES]);
}

/// Every case holds, as these tables say where they do; names all that fail.
fn conforms_but_for(sandbox: &dyn Sandbox, differences: &[&[Difference]]) {
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
