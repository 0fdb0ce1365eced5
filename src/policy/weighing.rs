//! What the policy says of one finding: whether it is left out, how bad it is, and what it takes to fail the artifact.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Globs, Policy};
use crate::finding::{Confidence, Severity, WHOLE_ARTIFACT};

/// What holds for some paths alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The paths. What is found about the artifact as a whole has none.
    pub paths: Globs,
    /// Findings of these rules are left out, too: rule ids, or prefixes that end in `*`.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Findings of this severity or above fail the artifact.
    #[serde(default)]
    pub fail_on: Option<Severity>,
    /// Findings of less confidence are reported but fail nothing.
    #[serde(default)]
    pub min_confidence: Option<Confidence>,
    /// The severity of findings of single rules, as `gate.severity` has it.
    #[serde(default)]
    pub severity: BTreeMap<String, Severity>,
}

impl Override {
    /// Whether it says nothing but where.
    pub(super) fn is_idle(&self) -> bool {
        let Self { paths: _, ignore, fail_on, min_confidence, severity } = self;
        ignore.is_empty() && fail_on.is_none() && min_confidence.is_none() && severity.is_empty()
    }
}

/// What decides about findings of one rule at one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighing {
    /// The severity that the policy gives to the rule there, if it does.
    pub severity: Option<Severity>,
    /// Findings of this severity or above fail the artifact.
    pub fail_on: Severity,
    /// Findings of less confidence fail nothing.
    pub min_confidence: Confidence,
}

impl Policy {
    /// Whether findings of this rule at this path are left out.
    #[must_use]
    pub fn ignores(&self, rule_id: &str, path: &str) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| names(pattern, rule_id));
        named(&self.gate.ignore) || self.overrides_at(path).any(|one| named(&one.ignore))
    }

    /// What decides about findings of this rule at this path.
    #[must_use]
    pub fn weighing(&self, rule_id: &str, path: &str) -> Weighing {
        let gate = &self.gate;
        let mut weighing = Weighing {
            severity: weight(&gate.severity, rule_id),
            fail_on: gate.fail_on,
            min_confidence: gate.min_confidence,
        };
        for one in self.overrides_at(path) {
            weighing.severity = weight(&one.severity, rule_id).or(weighing.severity);
            weighing.fail_on = one.fail_on.unwrap_or(weighing.fail_on);
            weighing.min_confidence = one.min_confidence.unwrap_or(weighing.min_confidence);
        }
        weighing
    }

    /// The overrides for a path, in order; none for the artifact as a whole.
    fn overrides_at(&self, path: &str) -> impl Iterator<Item = &Override> {
        let overrides = if path == WHOLE_ARTIFACT { &[] } else { self.overrides.as_slice() };
        overrides.iter().filter(move |one| one.paths.is_match(path))
    }
}

/// What the longest pattern that names the rule says.
fn weight(severities: &BTreeMap<String, Severity>, rule_id: &str) -> Option<Severity> {
    let naming = severities.iter().filter(|(pattern, _)| names(pattern, rule_id));
    naming.max_by_key(|(pattern, _)| pattern.len()).map(|(_, severity)| *severity)
}

/// Whether `pattern` (a rule id, or a prefix that ends in `*`) names `rule_id`.
#[must_use]
pub fn names(pattern: &str, rule_id: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => rule_id.starts_with(prefix),
        None => rule_id == pattern,
    }
}
