//! Rules prove themselves: every bad example must be hit by its rule, and no good one.

use std::fmt;

use super::{Rule, RuleLanguage, RuleSet};
use crate::artifact::{Artifact, SourceFile};
use crate::language::Language;
use crate::passes::parse::{Target, parse};
use crate::passes::scan::hit_rules;
use crate::policy::{ParsePolicy, ScanPolicy};

/// Which list of examples a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleKind {
    /// Code that the rule must hit.
    Bad,
    /// Code that it must not hit.
    Good,
}

/// An example that does not show what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTestFailure {
    /// The rule.
    pub rule_id: String,
    /// Which list.
    pub kind: ExampleKind,
    /// Which of the list, counted from 1.
    pub number: usize,
    /// The example itself.
    pub example: String,
}

impl fmt::Display for SelfTestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (list, fault) = match self.kind {
            ExampleKind::Bad => ("bad", "is not hit"),
            ExampleKind::Good => ("good", "is hit"),
        };
        write!(f, "{}: {list} example {} {fault}:\n{}", self.rule_id, self.number, self.example.trim_matches('\n'))
    }
}

/// Runs every example of every rule that `chosen` takes through parse and scan.
#[must_use]
pub fn selftest(rules: &RuleSet, chosen: impl Fn(&Rule) -> bool) -> Vec<SelfTestFailure> {
    let mut failures = Vec::new();
    for rule in rules.rules().filter(|rule| chosen(rule)) {
        let texts = rule.texts();
        for (kind, examples) in [(ExampleKind::Bad, &texts.bad), (ExampleKind::Good, &texts.good)] {
            for (number, example) in examples.iter().enumerate() {
                if is_hit(rules, rule, example) != (kind == ExampleKind::Bad) {
                    let (rule_id, example) = (rule.id.to_string(), example.clone());
                    failures.push(SelfTestFailure { rule_id, kind, number: number + 1, example });
                }
            }
        }
    }
    failures
}

fn is_hit(rules: &RuleSet, rule: &Rule, example: &str) -> bool {
    let language = example_language(rule.language);
    let extension = language.info().extensions.first().expect("examples are in languages of files");
    let source =
        SourceFile { language, ..SourceFile::new(format!("example.{extension}"), example.as_bytes().to_vec()) };
    let artifact = Artifact::new("example", "example", vec![source], Vec::new());
    let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    hit_rules(&parsed, rules, &ScanPolicy::default()).contains(&*rule.id)
}

/// The language of a rule's own examples.
fn example_language(language: RuleLanguage) -> Language {
    match language {
        RuleLanguage::Python => Language::Python,
        RuleLanguage::JavaScript => Language::JavaScript,
        RuleLanguage::Html => Language::Html,
        RuleLanguage::Any => Language::Text,
    }
}
