//! What vetrun finds, through the same functions that vet every artifact.

use std::path::Path;

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::{Confidence, Finding, Severity};
use vetrun::language::Language;
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::scan::scan;
use vetrun::policy::{ParsePolicy, ScanPolicy};
use vetrun::rules::{RuleError, RuleSet};

/// Findings of one file that are kept; examples have hundreds.
const FINDINGS_MAX: u64 = 100_000;

/// The rules that are measured.
pub(crate) struct Ours {
    rules: RuleSet,
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
        Ok(Self { rules: RuleSet::load(folders.is_empty(), &folders)? })
    }

    /// What the scan finds in a file.
    pub(crate) fn find(&self, path: &str, bytes: Vec<u8>, language: Language) -> Vec<Found<'_>> {
        let source = SourceFile { language, ..SourceFile::new(path, bytes) };
        let artifact = Artifact::new("parity", "parity", vec![source], Vec::new());
        let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
        let policy = ScanPolicy { findings_per_file_max: FINDINGS_MAX, ..ScanPolicy::default() };
        let (findings, _) = scan(&parsed, &self.rules, &policy);
        findings.iter().map(|finding| self.found(finding)).collect()
    }

    /// The ids of what the parse pass finds in a file.
    pub(crate) fn parse_rules(&self, path: &str, bytes: Vec<u8>, language: Language) -> Vec<String> {
        let source = SourceFile { language, ..SourceFile::new(path, bytes) };
        let artifact = Artifact::new("parity", "parity", vec![source], Vec::new());
        let (_, findings) = parse(&artifact, &ParsePolicy::default(), &Target::default());
        findings.iter().map(|finding| finding.rule_id.to_string()).collect()
    }

    fn found(&self, finding: &Finding) -> Found<'_> {
        let references = self.rules.get(&finding.rule_id).map_or(&[][..], |rule| &rule.references);
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
