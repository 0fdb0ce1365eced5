//! From what vetrun knows inside to what the report says: one conversion for each shape.

use super::{
    ArtifactSummary, AttemptReport, BehaviourReport, Execution, FileSummary, IsolationReport, LimitReport,
    MetricsReport, NetworkReport, OutputFile, RefusedOutputReport, ReportFinding, StreamReport, ValidationResult,
};
use crate::artifact::{Artifact, SourceFile};
use crate::finding::Finding;
use crate::passes::{PassResult, Status};
use crate::sandbox::{Attempt, Behaviour, Ended, Isolation, Metrics, Outcome, Stream};

impl From<&Artifact> for ArtifactSummary {
    fn from(artifact: &Artifact) -> Self {
        Self {
            name: artifact.name.clone(),
            root: artifact.root.clone(),
            digest: artifact.digest.to_string(),
            files: artifact.files.iter().map(FileSummary::from).collect(),
            total_bytes: artifact.total_bytes(),
        }
    }
}

impl From<&SourceFile> for FileSummary {
    fn from(file: &SourceFile) -> Self {
        Self {
            path: file.path.clone(),
            language: file.language.name().to_owned(),
            size_bytes: file.bytes.len() as u64,
            lines: lines(file),
            digest: file.digest.to_string(),
        }
    }
}

/// Counts line feeds, and what stands after the last; `None` where the file is not text.
fn lines(file: &SourceFile) -> Option<u32> {
    let text = std::str::from_utf8(&file.bytes).ok()?;
    u32::try_from(text.lines().count()).ok()
}

impl From<&Finding> for ReportFinding {
    fn from(finding: &Finding) -> Self {
        Self {
            rule_id: finding.rule_id.clone().into_owned(),
            pass: finding.pass,
            severity: finding.severity,
            confidence: finding.confidence,
            message: finding.message.clone(),
            hint: finding.hint.clone(),
            path: finding.path.clone(),
            range: finding.range,
            cell: finding.cell,
            snippet: finding.snippet.clone(),
            related: finding.related.clone(),
            resolved: finding.resolved.clone(),
            decoded: finding.decoded.clone(),
            cwe: finding.cwe.iter().map(|number| format!("CWE-{number}")).collect(),
            fingerprint: finding.fingerprint.clone(),
            suppressed: finding.suppressed,
            fails: finding.fails,
        }
    }
}

impl From<&PassResult> for ValidationResult {
    fn from(result: &PassResult) -> Self {
        let passed = match result.status {
            Status::Passed => Some(true),
            Status::Failed => Some(false),
            Status::Skipped | Status::Error => None,
        };
        Self {
            status: result.status,
            passed,
            message: result.message.clone(),
            duration_ms: millis(result.duration),
            details: result.details.clone(),
        }
    }
}

impl Execution {
    /// What the report says of a run by the back end called `backend`, on a network of the kind `network`.
    #[must_use]
    pub fn new(backend: &str, network: &str, outcome: &Outcome) -> Self {
        let (name, exit_code, signal) = match outcome.ended {
            Ended::Exited(code) => ("exited", Some(code), None),
            Ended::Signaled(number) => ("signaled", None, Some(signal_name(number))),
            Ended::TimedOut => ("timeout", None, None),
            Ended::OutOfMemory => ("oom", None, None),
            Ended::OutputLimit => ("outputLimit", None, None),
            Ended::DiskLimit => ("diskLimit", None, None),
            Ended::Interrupted => ("interrupted", None, None),
        };
        let collected = &outcome.collected;
        let output = |(path, size_bytes, digest): &(String, u64, _)| OutputFile {
            path: path.clone(),
            size_bytes: *size_bytes,
            digest: crate::artifact::Digest::to_string(digest),
        };
        let refused = |refused: &crate::sandbox::RefusedOutput| RefusedOutputReport {
            path: refused.path.clone(),
            reason: refused.reason.clone(),
        };
        Self {
            backend: backend.to_owned(),
            isolation: IsolationReport::from(&outcome.isolation),
            image: outcome.image.clone(),
            command: outcome.command.clone(),
            exit_code,
            signal,
            outcome: name.to_owned(),
            stdout: StreamReport::from(&outcome.stdout),
            stderr: StreamReport::from(&outcome.stderr),
            outputs: collected.files.iter().map(output).collect(),
            refused_outputs: collected.refused.iter().map(refused).collect(),
            metrics: MetricsReport::from(&outcome.metrics),
            behaviour: BehaviourReport::from(&outcome.behaviour),
            network: NetworkReport { mode: network.to_owned() },
        }
    }
}

impl From<&Isolation> for IsolationReport {
    fn from(isolation: &Isolation) -> Self {
        let limit = |(name, limit): (&&str, &crate::sandbox::Enforcement)| {
            ((*name).to_owned(), LimitReport { enforced: limit.enforced, by: limit.by.clone() })
        };
        Self {
            tier: isolation.tier.clone(),
            layers: isolation.layers.iter().map(|(name, active)| ((*name).to_owned(), *active)).collect(),
            limits: isolation.limits.iter().map(limit).collect(),
        }
    }
}

impl From<&Stream> for StreamReport {
    fn from(stream: &Stream) -> Self {
        Self {
            text: String::from_utf8_lossy(&stream.bytes).into_owned(),
            bytes: stream.bytes_seen,
            truncated: stream.truncated(),
        }
    }
}

impl From<&Metrics> for MetricsReport {
    fn from(metrics: &Metrics) -> Self {
        Self {
            wall_ms: millis(metrics.wall),
            cpu_ms: metrics.cpu.map(millis),
            memory_peak_bytes: metrics.memory_peak_bytes,
            pids_peak: metrics.pids_peak,
            oom_kills: metrics.oom_kills,
            sampled: metrics.sampled,
        }
    }
}

impl From<&Behaviour> for BehaviourReport {
    fn from(behaviour: &Behaviour) -> Self {
        Self {
            traced: behaviour.untraced.is_none(),
            untraced_because: behaviour.untraced.clone(),
            attempts: behaviour.attempts.iter().map(AttemptReport::from).collect(),
            truncated: behaviour.truncated,
        }
    }
}

impl From<&Attempt> for AttemptReport {
    fn from(attempt: &Attempt) -> Self {
        Self {
            kind: attempt.kind.name().to_owned(),
            call: attempt.call.to_owned(),
            target: attempt.target.clone(),
            answer: attempt.answer.map(str::to_owned),
            count: attempt.count,
        }
    }
}

/// Whole milliseconds.
pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The name of a signal, as in `signal(7)`; its number where it has none.
pub(crate) fn signal_name(number: i32) -> String {
    signal_hook::low_level::signal_name(number).map_or_else(|| number.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_named_as_in_the_manual() {
        for (number, name) in [(9, "SIGKILL"), (11, "SIGSEGV"), (6, "SIGABRT"), (15, "SIGTERM"), (64, "64")] {
            assert_eq!(signal_name(number), name);
        }
    }
}
