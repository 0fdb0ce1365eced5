//! What an edit brings: the findings that were not in the file before.
//!
//! A file that has faults must stay mendable, so an edit answers only for its own. Findings of the scan are told by their
//! fingerprints. Those about a file as a whole change their words with it, and so do those of a file that does not parse;
//! of these there may not be more than before. What says that a file could not be judged to its end always counts.

use super::Gate;
use crate::report::{Pass, Report, ReportFinding};
use crate::vet::Vetting;

/// Rules that say that a file was not judged to its end.
const NOT_JUDGED: [&str; 5] =
    ["scan-limit", "parse-limit", "nesting-too-deep", "file-too-large-to-scan", "undecodable-text"];

/// Vets what an edit makes of a file; findings that it had before do not count.
pub(super) fn vet(gate: &Gate, name: &str, before: &[u8], after: &[u8]) -> Vetting {
    let old = gate.vet_text(name, before).report;
    let mut baseline = gate.settings.baseline.clone();
    let known = old.findings.iter().filter(|finding| may_stay(finding));
    baseline.extend(known.map(|finding| finding.fingerprint.clone()));
    let vetting = gate.vet_against(name, after, &baseline);
    let count = |report: &Report, rule: &str| report.findings.iter().filter(|one| one.rule_id == rule).count();
    let new = &vetting.report;
    let stays = |finding: &&ReportFinding| {
        let rule = finding.rule_id.as_str();
        finding.fails && is_counted(finding) && may_stay(finding) && count(new, rule) <= count(&old, rule)
    };
    let staying: Vec<_> = new.findings.iter().filter(stays).map(|finding| finding.fingerprint.clone()).collect();
    if staying.is_empty() {
        return vetting;
    }
    baseline.extend(staying);
    gate.vet_against(name, after, &baseline)
}

fn may_stay(finding: &ReportFinding) -> bool {
    !NOT_JUDGED.contains(&finding.rule_id.as_str())
}

/// Whether the finding is told from others by its rule alone.
fn is_counted(finding: &ReportFinding) -> bool {
    finding.pass != Pass::Scan || finding.snippet.is_none()
}
