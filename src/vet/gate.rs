//! The gate: the one place where findings are filtered and where it is decided whether an artifact may run.
//!
//! [`judge`] is the only function that drops, suppresses or weighs findings; [`gate`] is the only one that makes a
//! [`Cleared`]. Three rules keep it closed:
//!
//! - `select` narrows the rules of the scan pass alone, so that choosing rules cannot hide a file that does not parse;
//! - outside the scan pass, and where a limit cut the scan short, a finding of severity high fails the artifact even
//!   when `fail_on` is higher, because it says that something could not be judged;
//! - a pass that ended in an error clears nothing.

use std::collections::HashSet;

use super::Vetted;
use super::foreign::foreign_suppressions;
use crate::artifact::Artifact;
use crate::finding::{self, Finding, Fingerprint, Pass, Suppression, Threshold};
use crate::passes::Status;
use crate::passes::parse::Parsed;
use crate::passes::scan::SCAN_LIMIT;
use crate::policy::GatePolicy;

/// An artifact that the gate has cleared. Only the gate can make one, and install and execute ask for one: "unvetted code
/// ran" does not compile.
///
/// ```compile_fail
/// let artifact = vetrun::artifact::Artifact::new("a", "a", Vec::new(), Vec::new());
/// let cleared = vetrun::vet::Cleared { artifact: &artifact };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cleared<'a> {
    artifact: &'a Artifact,
}

impl<'a> Cleared<'a> {
    /// The snapshot that was vetted, which is what may run.
    #[must_use]
    pub fn artifact(&self) -> &'a Artifact {
        self.artifact
    }
}

/// Clears an artifact whose static passes have all passed.
#[must_use]
pub fn gate<'a>(vetted: &Vetted<'a>) -> Option<Cleared<'a>> {
    let passed = |pass: Pass| vetted.results.of(pass).status == Status::Passed;
    let cleared = [Pass::Parse, Pass::Structure, Pass::Scan, Pass::Budget].into_iter().all(passed)
        && vetted.results.of(Pass::Install).status == Status::Skipped;
    cleared.then_some(Cleared { artifact: vetted.parsed.artifact })
}

/// Findings that were there before and do not count: the fingerprints of an earlier report.
pub type Baseline = HashSet<Fingerprint>;

/// Findings after the policy has had its say.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is reported, sorted, suppressed ones included.
    pub findings: Vec<Finding>,
    /// How many the policy's `select` and `ignore` left out.
    pub left_out: usize,
}

/// Sorts and filters findings, gives them their fingerprints, and marks the suppressed ones.
#[must_use]
pub fn judge(mut findings: Vec<Finding>, policy: &GatePolicy, baseline: &Baseline, parsed: &Parsed<'_>) -> Judged {
    finding::sort(&mut findings);
    finding::assign_fingerprints(&mut findings);
    let all = findings.len();
    findings.retain(|finding| is_reported(finding, policy));
    let left_out = all - findings.len();
    suppress(&mut findings, policy, baseline, parsed);
    let mut foreign = foreign_suppressions(&findings, policy, parsed);
    foreign.retain(|finding| is_reported(finding, policy));
    if !foreign.is_empty() {
        // Their rule is theirs alone, so that no fingerprint of another finding depends on them.
        finding::assign_fingerprints(&mut foreign);
        suppress(&mut foreign, policy, baseline, parsed);
        findings.extend(foreign);
        finding::sort(&mut findings);
    }
    Judged { left_out, findings }
}

fn suppress(findings: &mut [Finding], policy: &GatePolicy, baseline: &Baseline, parsed: &Parsed<'_>) {
    for finding in findings {
        finding.suppressed = suppression(finding, policy, baseline, parsed);
    }
}

/// Whether the finding fails the artifact.
#[must_use]
pub fn fails(finding: &Finding, policy: &GatePolicy) -> bool {
    let weight = (finding.severity, finding.confidence);
    finding.suppressed.is_none() && threshold(policy).is_reached(finding.pass, &finding.rule_id, weight)
}

/// From which weight on findings fail an artifact under this policy.
#[must_use]
pub fn threshold(policy: &GatePolicy) -> Threshold {
    Threshold { severity: policy.fail_on, confidence: policy.min_confidence }
}

fn is_reported(finding: &Finding, policy: &GatePolicy) -> bool {
    let matches = |patterns: &[String]| patterns.iter().any(|pattern| names(pattern, &finding.rule_id));
    let selectable = finding.pass == Pass::Scan && finding.rule_id != SCAN_LIMIT;
    let selected = policy.select.is_empty() || !selectable || matches(&policy.select);
    selected && !matches(&policy.ignore)
}

/// Whether `pattern` (a rule id, or a prefix that ends in `*`) names `rule_id`.
#[must_use]
pub fn names(pattern: &str, rule_id: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => rule_id.starts_with(prefix),
        None => rule_id == pattern,
    }
}

fn suppression(
    finding: &Finding,
    policy: &GatePolicy,
    baseline: &Baseline,
    parsed: &Parsed<'_>,
) -> Option<Suppression> {
    if baseline.contains(&finding.fingerprint) {
        return Some(Suppression::Baseline);
    }
    let line = finding.range?.start.line;
    if !policy.allow_suppressions {
        return None;
    }
    let at = parsed.files.binary_search_by(|file| file.source.path.as_str().cmp(&finding.path)).ok()?;
    let text = parsed.files[at].text.as_ref()?;
    // The lines of a notebook's file are not those of its code, which the snippet holds.
    let snippet = finding.cell.and_then(|_| finding.snippet.as_deref()?.lines().next());
    suppresses(snippet.unwrap_or(text.line(line)), &finding.rule_id).then_some(Suppression::Inline)
}

/// Whether the line holds a comment `vetrun: ignore[id, id]` that names the rule.
fn suppresses(line: &str, rule_id: &str) -> bool {
    let Some((_, rest)) = line.split_once("vetrun: ignore[") else { return false };
    let Some((ids, _)) = rest.split_once(']') else { return false };
    ids.split(',').any(|id| names(id.trim(), rule_id))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::artifact::{SourceFile, SourceText};
    use crate::finding::{Confidence, Severity};
    use crate::passes::parse::{ParsedFile, Validity};
    use crate::vet::foreign::FOREIGN_SUPPRESSION;

    fn judged(source: &str, policy: &GatePolicy, baseline: &Baseline, pass: Pass, severity: Severity) -> Judged {
        let artifact = Artifact::new("a", "a", vec![SourceFile::new("a.py", source.as_bytes())], Vec::new());
        let text = SourceText::from_utf8(source);
        let finding = Finding::in_file("python-eval", pass, severity, "a.py", "m").at(&text, 0..4);
        let file = ParsedFile {
            source: &artifact.files[0],
            text: Some(text),
            validity: Validity::Valid,
            dialect: None,
            rest: None,
            regions: Vec::new(),
        };
        let parsed = Parsed { artifact: &artifact, files: vec![file], details: Map::new() };
        judge(vec![finding], policy, baseline, &parsed)
    }

    fn failing(source: &str, policy: &GatePolicy, pass: Pass, severity: Severity) -> usize {
        let judged = judged(source, policy, &Baseline::new(), pass, severity);
        judged.findings.iter().filter(|finding| fails(finding, policy)).count()
    }

    #[test]
    fn severity_and_confidence_decide() {
        let policy = GatePolicy::default();
        assert_eq!(failing("eval(x)", &policy, Pass::Scan, Severity::Low), 0);
        assert_eq!(failing("eval(x)", &policy, Pass::Scan, Severity::Medium), 1);
        let strict = GatePolicy { min_confidence: Confidence::High, ..policy };
        assert_eq!(failing("eval(x)", &strict, Pass::Scan, Severity::High), 1);
    }

    #[test]
    fn a_file_that_does_not_parse_fails_whatever_the_policy_says_of_rules() {
        let policy = GatePolicy {
            fail_on: Severity::Critical,
            select: vec!["javascript-*".to_owned()],
            ..GatePolicy::default()
        };
        assert_eq!(failing("eval(", &policy, Pass::Parse, Severity::High), 1);
        assert_eq!(failing("eval(", &policy, Pass::Scan, Severity::High), 0);
    }

    #[test]
    fn a_comment_in_the_artifact_suppresses_only_when_the_owner_allows_it() {
        let source = "eval(x)  # vetrun: ignore[python-eval]";
        let mut policy = GatePolicy::default();
        assert_eq!(failing(source, &policy, Pass::Scan, Severity::High), 1);
        policy.allow_suppressions = true;
        assert_eq!(failing(source, &policy, Pass::Scan, Severity::High), 0);
        assert_eq!(failing("eval(x)  # vetrun: ignore[other]", &policy, Pass::Scan, Severity::High), 1);
    }

    #[test]
    fn a_comment_for_another_scanner_suppresses_nothing_and_is_reported_beside_what_fails() {
        let policy = GatePolicy::default();
        let rules = |source: &str, severity| {
            let judged = judged(source, &policy, &Baseline::new(), Pass::Scan, severity);
            let failing = judged.findings.iter().filter(|finding| fails(finding, &policy)).count();
            let of =
                |finding: &Finding| (finding.rule_id.to_string(), finding.range.map_or(0, |range| range.start.line));
            (failing, judged.findings.iter().map(of).collect::<Vec<_>>())
        };
        let eval = ("python-eval".to_owned(), 1);
        let foreign = |line| (FOREIGN_SUPPRESSION.to_owned(), line);
        for source in ["eval(x)  # nosec", "eval(x)  # noqa: S307", "eval(x)  # nosemgrep"] {
            assert_eq!(rules(source, Severity::High), (1, vec![eval.clone(), foreign(1)]), "{source}");
            assert_eq!(rules(source, Severity::Info), (0, vec![eval.clone()]), "{source}");
        }
        let whole = "eval(x)\n\n\n# ruff: noqa\n# ruff: noqa\n";
        assert_eq!(rules(whole, Severity::High), (1, vec![eval.clone(), foreign(4)]));
        assert_eq!(rules("eval(x)\n\n\ny = 1  # nosec\n", Severity::High), (1, vec![eval]));
    }

    #[test]
    fn a_baseline_suppresses_what_was_there_and_nothing_else() {
        let policy = GatePolicy::default();
        let first = judged("eval(x)", &policy, &Baseline::new(), Pass::Scan, Severity::High);
        let baseline = Baseline::from([first.findings[0].fingerprint.clone()]);
        let same = judged("eval(x)", &policy, &baseline, Pass::Scan, Severity::High);
        assert_eq!(same.findings[0].suppressed, Some(Suppression::Baseline));
        let other = judged("eval(y)", &policy, &baseline, Pass::Scan, Severity::High);
        assert_eq!(other.findings[0].suppressed, None);
    }

    #[test]
    fn ignored_rules_are_left_out_and_counted() {
        let policy = GatePolicy { ignore: vec!["python-*".to_owned()], ..GatePolicy::default() };
        let judged = judged("eval(x)", &policy, &Baseline::new(), Pass::Scan, Severity::High);
        assert_eq!((judged.findings.len(), judged.left_out), (0, 1));
    }
}
