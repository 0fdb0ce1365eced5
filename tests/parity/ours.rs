//! What vetrun finds, through the same functions that vet every artifact.

use std::collections::HashMap;
use std::path::Path;

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::{Confidence, Finding, Severity};
use vetrun::language::Language;
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::scan::scan;
use vetrun::passes::structure::structure;
use vetrun::policy::{ParsePolicy, Policy, ScanPolicy};
use vetrun::rules::{RuleError, RuleSet};

/// Findings of one file that are kept; examples have hundreds.
const FINDINGS_MAX: u64 = 100_000;

/// What the passes before the scan report and other scanners have as a rule: text that is not shown as it runs.
const OF_OTHER_PASSES: [&str; 1] = ["bidirectional-control"];

/// Bandit's id of it, which no rule file can say.
const BIDIRECTIONAL: &str = "B613";

/// The rules that are measured.
pub(crate) struct Ours {
    rules: RuleSet,
    /// What each rule says it is equivalent to.
    references: HashMap<String, Vec<String>>,
}

/// A finding, with the ids of other scanners' checks that its rule is equivalent to.
#[derive(Clone, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) line: u32,
    pub(crate) rule: String,
    pub(crate) references: &'a [String],
    pub(crate) severity: Severity,
    pub(crate) confidence: Confidence,
    /// The line of the source, trimmed.
    pub(crate) text: String,
}

impl Found<'_> {
    /// Whether it fails at the default gate with confidence `medium` asked for.
    pub(crate) fn fails(&self) -> bool {
        self.severity >= Severity::Medium && self.confidence >= Confidence::Medium
    }
}

impl Ours {
    /// The rules in `folder`, or the built-in ones.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Self, RuleError> {
        let folders: Vec<&Path> = folder.into_iter().collect();
        let rules = RuleSet::load(folders.is_empty(), &folders)?;
        let of = |rule: &vetrun::rules::Rule| (rule.id.to_string(), rule.texts().references);
        let of_others = OF_OTHER_PASSES.map(|id| (id.to_owned(), vec![BIDIRECTIONAL.to_owned()]));
        let references = rules.rules().map(of).chain(of_others).collect();
        Ok(Self { rules, references })
    }

    /// Whether there is a rule with this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.references.contains_key(id)
    }

    /// What the scan finds in a file, and what the other static passes find that others have as a rule.
    pub(crate) fn find(&self, path: &str, bytes: Vec<u8>, language: Language) -> Vec<Found<'_>> {
        let source = SourceFile { language, ..SourceFile::new(path, bytes) };
        let artifact = Artifact::new("parity", "parity", vec![source], Vec::new());
        let (parsed, of_parse) = parse(&artifact, &ParsePolicy::default(), &Target::default());
        let policy = ScanPolicy { findings_per_file_max: FINDINGS_MAX, ..ScanPolicy::default() };
        let (of_scan, _) = scan(&parsed, &self.rules, &policy);
        let of_structure = structure(&parsed, &Policy::default()).map(|(_, findings)| findings).unwrap_or_default();
        let others = of_parse.iter().chain(&of_structure);
        let hidden = others.filter(|finding| OF_OTHER_PASSES.contains(&&*finding.rule_id));
        of_scan.iter().chain(hidden).map(|finding| self.found(finding)).collect()
    }

    /// The ids of what the structure pass finds in a file.
    pub(crate) fn structure_rules(path: &str, bytes: Vec<u8>, language: Language) -> Vec<String> {
        let source = SourceFile { language, ..SourceFile::new(path, bytes) };
        let artifact = Artifact::new("parity", "parity", vec![source], Vec::new());
        let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
        let findings = structure(&parsed, &Policy::default()).map(|(_, findings)| findings).unwrap_or_default();
        findings.iter().map(|finding| finding.rule_id.to_string()).collect()
    }

    fn found(&self, finding: &Finding) -> Found<'_> {
        let references = self.references.get(&*finding.rule_id).map_or(&[][..], Vec::as_slice);
        Found {
            line: finding.range.map_or(0, |range| range.start.line),
            rule: finding.rule_id.to_string(),
            references,
            severity: finding.severity,
            confidence: finding.confidence,
            text: finding.snippet.as_deref().unwrap_or_default().trim().to_owned(),
        }
    }
}
