//! The gate: the one place where findings are filtered and where it is decided whether an artifact may run.
//!
//! [`judge`] is the only function that drops, suppresses or weighs findings; [`gate`] is the only one that makes a
//! [`Cleared`]. Three rules keep it closed:
//!
//! - `select` narrows the rules of the scan pass alone, so that choosing rules cannot hide a file that does not parse;
//! - outside the scan pass, and where a limit cut the scan short, the policy can raise a severity and not lower it;
//! - outside the scan pass, and where a limit cut the scan short, a finding of severity high fails the artifact even
//!   when `fail_on` is higher, because it says that something could not be judged;
//! - a pass that ended in an error clears nothing.

use std::collections::HashSet;

use super::Vetted;
use super::foreign::foreign_suppressions;
use crate::artifact::Artifact;
use crate::finding::{self, Finding, Fingerprint, Pass, Severity, Suppression};
use crate::passes::Status;
use crate::passes::parse::Parsed;
use crate::passes::scan::SCAN_LIMIT;
use crate::policy::{GatePolicy, Policy};

pub use crate::policy::names;

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

/// Sorts and filters findings, gives them their fingerprints and the severity that the policy wants, and marks those that do
/// not count and those that fail the artifact.
#[must_use]
pub fn judge(mut findings: Vec<Finding>, policy: &Policy, baseline: &Baseline, parsed: &Parsed<'_>) -> Judged {
    finding::sort(&mut findings);
    finding::assign_fingerprints(&mut findings);
    let all = findings.len();
    findings.retain(|finding| is_reported(finding, policy));
    let left_out = all - findings.len();
    findings.iter_mut().for_each(|finding| weigh(finding, policy));
    decide(&mut findings, policy, baseline, parsed);
    let mut foreign = foreign_suppressions(&findings, parsed);
    foreign.retain(|finding| is_reported(finding, policy));
    if !foreign.is_empty() {
        // Their rule is theirs alone, so that no fingerprint of another finding depends on them.
        finding::assign_fingerprints(&mut foreign);
        foreign.iter_mut().for_each(|finding| weigh(finding, policy));
        decide(&mut foreign, policy, baseline, parsed);
        findings.extend(foreign);
        finding::sort(&mut findings);
    }
    Judged { left_out, findings }
}

/// Gives a finding the severity that the policy wants for its rule. What says that something could not be judged is made
/// no lighter.
fn weigh(finding: &mut Finding, policy: &Policy) {
    let wanted = policy.weighing(&finding.rule_id, &finding.path).severity.unwrap_or(finding.severity);
    finding.severity = if says_not_judged(finding) { finding.severity.max(wanted) } else { wanted };
}

/// Decides which findings do not count, and which of the others fail the artifact.
fn decide(findings: &mut [Finding], policy: &Policy, baseline: &Baseline, parsed: &Parsed<'_>) {
    for finding in findings {
        finding.suppressed = suppression(finding, &policy.gate, baseline, parsed);
        finding.fails = fails(finding, policy);
    }
}

/// Whether the finding fails the artifact.
fn fails(finding: &Finding, policy: &Policy) -> bool {
    let weighing = policy.weighing(&finding.rule_id, &finding.path);
    let mildest = if says_not_judged(finding) { Severity::High } else { Severity::Critical };
    let threshold = weighing.fail_on.min(mildest);
    finding.suppressed.is_none() && finding.severity >= threshold && finding.confidence >= weighing.min_confidence
}

/// Whether the finding can mean that something was not judged, so that it must not be made light of.
fn says_not_judged(finding: &Finding) -> bool {
    finding.pass != Pass::Scan || finding.rule_id == SCAN_LIMIT
}

fn is_reported(finding: &Finding, policy: &Policy) -> bool {
    let select = &policy.gate.select;
    let selected =
        select.is_empty() || says_not_judged(finding) || select.iter().any(|pattern| names(pattern, &finding.rule_id));
    selected && !policy.ignores(&finding.rule_id, &finding.path)
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

    fn judged(source: &str, policy: &Policy, baseline: &Baseline, pass: Pass, severity: Severity) -> Judged {
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

    fn gated(gate: GatePolicy) -> Policy {
        Policy { gate, ..Policy::default() }
    }

    fn failing(source: &str, policy: &Policy, pass: Pass, severity: Severity) -> usize {
        let judged = judged(source, policy, &Baseline::new(), pass, severity);
        judged.findings.iter().filter(|finding| finding.fails).count()
    }

    #[test]
    fn severity_and_confidence_decide() {
        let policy = Policy::default();
        assert_eq!(failing("eval(x)", &policy, Pass::Scan, Severity::Low), 0);
        assert_eq!(failing("eval(x)", &policy, Pass::Scan, Severity::Medium), 1);
        let strict = gated(GatePolicy { min_confidence: Confidence::High, ..policy.gate });
        assert_eq!(failing("eval(x)", &strict, Pass::Scan, Severity::High), 1);
    }

    #[test]
    fn a_file_that_does_not_parse_fails_whatever_the_policy_says_of_rules() {
        let policy = gated(GatePolicy {
            fail_on: Severity::Critical,
            select: vec!["javascript-*".to_owned()],
            ..GatePolicy::default()
        });
        assert_eq!(failing("eval(", &policy, Pass::Parse, Severity::High), 1);
        assert_eq!(failing("eval(", &policy, Pass::Scan, Severity::High), 0);
    }

    #[test]
    fn a_comment_in_the_artifact_suppresses_only_when_the_owner_allows_it() {
        let source = "eval(x)  # vetrun: ignore[python-eval]";
        let mut policy = Policy::default();
        assert_eq!(failing(source, &policy, Pass::Scan, Severity::High), 1);
        policy.gate.allow_suppressions = true;
        assert_eq!(failing(source, &policy, Pass::Scan, Severity::High), 0);
        assert_eq!(failing("eval(x)  # vetrun: ignore[other]", &policy, Pass::Scan, Severity::High), 1);
    }

    #[test]
    fn a_comment_for_another_scanner_suppresses_nothing_and_is_reported_beside_what_fails() {
        let policy = Policy::default();
        let rules = |source: &str, severity| {
            let judged = judged(source, &policy, &Baseline::new(), Pass::Scan, severity);
            let failing = judged.findings.iter().filter(|finding| finding.fails).count();
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
        let policy = Policy::default();
        let first = judged("eval(x)", &policy, &Baseline::new(), Pass::Scan, Severity::High);
        let baseline = Baseline::from([first.findings[0].fingerprint.clone()]);
        let same = judged("eval(x)", &policy, &baseline, Pass::Scan, Severity::High);
        assert_eq!(same.findings[0].suppressed, Some(Suppression::Baseline));
        let other = judged("eval(y)", &policy, &baseline, Pass::Scan, Severity::High);
        assert_eq!(other.findings[0].suppressed, None);
    }

    #[test]
    fn ignored_rules_are_left_out_and_counted() {
        let policy = gated(GatePolicy { ignore: vec!["python-*".to_owned()], ..GatePolicy::default() });
        let judged = judged("eval(x)", &policy, &Baseline::new(), Pass::Scan, Severity::High);
        assert_eq!((judged.findings.len(), judged.left_out), (0, 1));
    }

    fn from_toml(text: &str) -> Policy {
        Policy::from_toml(text, "vetrun.toml").expect(text)
    }

    #[test]
    fn a_severity_of_the_policy_is_the_one_that_is_reported_and_counts() {
        let raised = from_toml("[gate.severity]\npython-eval = \"critical\"\n\"python-*\" = \"info\"\n");
        let one = judged("eval(x)", &raised, &Baseline::new(), Pass::Scan, Severity::Low);
        assert_eq!(one.findings[0].severity, Severity::Critical, "the longest pattern decides");
        let lowered = from_toml("[gate.severity]\n\"python-*\" = \"info\"\n");
        assert_eq!(failing("eval(x)", &lowered, Pass::Scan, Severity::High), 0);
        let first = judged("eval(x)", &Policy::default(), &Baseline::new(), Pass::Scan, Severity::Low);
        assert_eq!(first.findings[0].fingerprint, one.findings[0].fingerprint, "a baseline stays what it is");
    }

    #[test]
    fn what_could_not_be_judged_is_made_no_lighter_by_a_severity_or_a_threshold() {
        let text = "[gate]\nseverity = { \"*\" = \"info\" }\n[[overrides]]\npaths = [\"**\"]\nfail_on = \"critical\"\n\
                    severity = { \"*\" = \"info\" }\n";
        assert_eq!(failing("eval(", &from_toml(text), Pass::Parse, Severity::High), 1);
        assert_eq!(failing("eval(", &from_toml(text), Pass::Scan, Severity::Critical), 0);
        let raised = from_toml("[gate]\nseverity = { \"*\" = \"high\" }\n");
        assert_eq!(failing("eval(", &raised, Pass::Structure, Severity::Low), 1);
    }

    #[test]
    fn an_override_holds_for_its_paths_alone() {
        let of = |paths: &str, what: &str| from_toml(&format!("[[overrides]]\npaths = [\"{paths}\"]\n{what}\n"));
        for what in ["ignore = [\"python-*\"]", "fail_on = \"critical\"", "severity = { python-eval = \"low\" }"] {
            assert_eq!(failing("eval(x)", &of("a.py", what), Pass::Scan, Severity::High), 0, "{what}");
            assert_eq!(failing("eval(x)", &of("tests/**", what), Pass::Scan, Severity::High), 1, "{what}");
        }
        assert_eq!(failing("eval(x)", &of("a.py", "fail_on = \"low\""), Pass::Scan, Severity::Low), 1);
        assert_eq!(failing("eval(x)", &of("a.py", "min_confidence = \"high\""), Pass::Scan, Severity::High), 1);
    }

    #[test]
    fn of_several_overrides_all_leave_out_and_the_last_decides_the_rest() {
        let policy = from_toml(
            "[[overrides]]\npaths = [\"*.py\"]\nignore = [\"other\"]\nfail_on = \"critical\"\nmin_confidence = \"low\"\n\
             [[overrides]]\npaths = [\"a.*\"]\nfail_on = \"high\"\n",
        );
        let weighing = policy.weighing("python-eval", "a.py");
        assert_eq!((weighing.fail_on, weighing.min_confidence), (Severity::High, Confidence::Low));
        assert!(policy.ignores("other", "a.py") && !policy.ignores("other", "a.js"));
    }

    #[test]
    fn the_artifact_as_a_whole_has_no_path_that_an_override_could_match() {
        let policy = from_toml("[[overrides]]\npaths = [\"**\", \".\", \"*\"]\nignore = [\"*\"]\n");
        assert!(policy.ignores("x", "a/b.py") && !policy.ignores("x", finding::WHOLE_ARTIFACT));
    }
}
