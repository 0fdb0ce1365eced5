//! The same cases over the Docker back end, and where it differs.

use vetrun::sandbox::{Ended, Sandbox};

use super::cases::CASES;
use super::{Case, Expect, conforms_around, judge};

/// What this back end does otherwise than the table says; every line is a promise too.
const DIFFERENCES: &[Case] = &[
    // The engine's filter library kills a program that makes calls by another architecture's numbers; a profile cannot
    // ask for an error code instead.
    difference("the other numbering of calls", Expect::Ends(Ended::Signaled(31))),
];

const fn difference(name: &'static str, expect: Expect) -> Case {
    Case { name, code: "", job: |_| {}, expect }
}

fn failure(sandbox: &dyn Sandbox, case: &Case) -> Option<String> {
    let expect = DIFFERENCES.iter().find(|other| other.name == case.name).map_or(case.expect, |other| other.expect);
    let case = Case { expect, ..*case };
    judge(sandbox, &case).err().map(|why| format!("{}: {why}", case.name))
}

#[test]
fn docker_conforms() {
    let Some(sandbox) = crate::docker::sandbox() else { return };
    for other in DIFFERENCES {
        assert!(CASES.iter().any(|case| case.name == other.name), "no case is called {}", other.name);
    }
    let failed: Vec<String> = CASES.iter().filter_map(|case| failure(sandbox, case)).collect();
    assert!(failed.is_empty(), "{} of {} cases failed\n{}", failed.len(), CASES.len(), failed.join("\n"));
}

#[test]
fn docker_conforms_around() {
    let Some(sandbox) = crate::docker::sandbox() else { return };
    conforms_around(sandbox);
}
