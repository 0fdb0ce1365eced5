//! What another scanner expects of a file beside what vetrun finds there, and the table of both.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::ours::Found;

/// A finding that another scanner expects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expected {
    pub(crate) line: u32,
    pub(crate) id: String,
}

/// One file of theirs.
pub(crate) struct Comparison {
    pub(crate) path: String,
    pub(crate) expected: usize,
    pub(crate) missing: Vec<Expected>,
    /// What a rule finds that is equivalent to a check of theirs, where no such check finds anything.
    pub(crate) extra: Vec<(u32, String)>,
}

/// How much of what was expected was found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) expected: usize,
    pub(crate) found: usize,
}

impl Sum {
    /// In percent; all of nothing is nothing, so that an empty folder proves nothing.
    pub(crate) fn percent(self) -> f64 {
        if self.expected == 0 { 0.0 } else { 100.0 * self.found as f64 / self.expected as f64 }
    }
}

/// Compares a file's findings with those that are expected. `is_theirs` tells ids of the other scanner from others.
pub(crate) fn compare(
    path: &str,
    expected: &[Expected],
    found: &[Found<'_>],
    is_theirs: impl Fn(&str) -> bool,
) -> Comparison {
    let missing = expected.iter().filter(|one| !is_met(one, found)).cloned().collect();
    let mut extra = BTreeSet::new();
    for hit in found.iter().filter(|hit| hit.references.iter().any(|id| is_theirs(id))) {
        if !expected.iter().any(|one| one.line == hit.line && hit.references.contains(&one.id)) {
            extra.insert((hit.line, hit.rule.clone()));
        }
    }
    Comparison { path: path.to_owned(), expected: expected.len(), missing, extra: extra.into_iter().collect() }
}

/// Whether a rule that is equivalent finds something on the same line.
pub(crate) fn is_met(one: &Expected, found: &[Found<'_>]) -> bool {
    found.iter().any(|hit| hit.line == one.line && hit.references.contains(&one.id))
}

/// Prints one line for each file, and says how much was found in all of them.
pub(crate) fn print(out: &mut dyn Write, comparisons: &[Comparison]) -> io::Result<Sum> {
    let mut sum = Sum::default();
    for one in comparisons {
        let found = one.expected - one.missing.len();
        sum.expected += one.expected;
        sum.found += found;
        writeln!(out, "{}: expected {}, found {found}", one.path, one.expected)?;
        for missing in &one.missing {
            writeln!(out, "    missing line {}: {}", missing.line, missing.id)?;
        }
        for (line, rule) in &one.extra {
            writeln!(out, "    extra   line {line}: {rule}")?;
        }
    }
    Ok(sum)
}
