//! What is wrong with a wheel, collected: findings that name the wheel, at most a few for each rule.

use std::collections::BTreeMap;
use std::fmt;

use crate::finding::{Finding, Pass, Severity, WHOLE_ARTIFACT};

/// Findings of one rule that are kept; one more says how many there are.
const FINDINGS_PER_RULE_MAX: usize = 10;

/// Characters of a text out of a wheel that are shown.
const SHOWN_CHARS_MAX: usize = 160;

/// From here on a finding stands against a wheel; what is milder is a note about it.
pub(super) const BLOCKING: Severity = Severity::Medium;

/// One fault: the rule, and what it says of this wheel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: &'static str,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(rule: &'static str, message: impl Into<String>) -> Self {
        Self { rule, message: message.into() }
    }
}

/// The findings about one wheel.
#[derive(Debug)]
pub(super) struct Faults {
    /// The wheel's file name.
    file: String,
    kept: Vec<Finding>,
    counts: BTreeMap<(&'static str, Severity), usize>,
}

impl Faults {
    pub(super) fn new(file: &str) -> Self {
        Self { file: shown(file), kept: Vec::new(), counts: BTreeMap::new() }
    }

    /// Adds a finding. The message is written out only where it is kept: a hostile wheel has many faults.
    pub(super) fn add(&mut self, rule: &'static str, severity: Severity, message: fmt::Arguments<'_>) {
        let count = self.counts.entry((rule, severity)).or_default();
        *count += 1;
        if *count <= FINDINGS_PER_RULE_MAX {
            let message = format!("{}: {message}", self.file);
            self.kept.push(Finding::in_file(rule, Pass::Install, severity, WHOLE_ARTIFACT, message));
        }
    }

    pub(super) fn high(&mut self, rule: &'static str, message: fmt::Arguments<'_>) {
        self.add(rule, Severity::High, message);
    }

    pub(super) fn push(&mut self, fault: &Fault) {
        self.high(fault.rule, format_args!("{}", fault.message));
    }

    /// Whether something stands against the wheel.
    pub(super) fn block(&self) -> bool {
        self.counts.keys().any(|(_, severity)| *severity >= BLOCKING)
    }

    pub(super) fn finish(mut self) -> Vec<Finding> {
        for ((rule, severity), count) in self.counts.iter().filter(|(_, count)| **count > FINDINGS_PER_RULE_MAX) {
            let message =
                format!("{}: {count} findings are like this; the first {FINDINGS_PER_RULE_MAX} are listed", self.file);
            self.kept.push(Finding::in_file(*rule, Pass::Install, *severity, WHOLE_ARTIFACT, message));
        }
        crate::finding::sort(&mut self.kept);
        self.kept
    }
}

/// Text out of a wheel, such that it can stand in a message: short, on one line, what cannot be seen escaped.
pub(super) fn shown(text: &str) -> String {
    let end = text.char_indices().nth(SHOWN_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    let mut out = String::with_capacity(end + 4);
    for char in text[..end].chars() {
        match char {
            '"' | '\'' => out.push(char),
            char => out.extend(char.escape_debug()),
        }
    }
    if end < text.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_with_many_findings_is_cut_and_counted() {
        let mut faults = Faults::new("a.whl");
        for at in 0..25 {
            faults.high("x", format_args!("fault {at:02}"));
        }
        faults.add("y", Severity::Info, format_args!("note"));
        assert!(faults.block());
        let found = faults.finish();
        assert_eq!(found.len(), 12);
        assert!(
            found.iter().any(|finding| finding.message == "a.whl: 25 findings are like this; the first 10 are listed")
        );
    }

    #[test]
    fn what_is_shown_is_short_and_visible() {
        assert_eq!(shown("a\u{202e}b\nc'"), "a\\u{202e}b\\nc'");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), SHOWN_CHARS_MAX + 1);
    }
}
