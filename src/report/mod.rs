//! The report: the frozen, versioned shape of everything that was seen.
//!
//! These types are the contract of `schemaVersion` "1"; they are apart from the types that passes use, so that a change
//! inside cannot change what others read. Keys are camelCase, every key is always there (null, not absent), units stand
//! in names, and there is no clock outside fields that end in `At` or `Ms`.

mod build;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::finding::{
    Cell, Confidence, Decoded, Fingerprint, Pass, Position, Range, Related, SNIPPET_BYTES_MAX, Severity, Suppression,
    WHOLE_ARTIFACT,
};
pub use crate::passes::Status;

pub(crate) use build::{millis, signal_name};

/// The version of the report's shape.
pub const SCHEMA_VERSION: &str = "1";

/// The whole report on one artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Always `"1"`.
    pub schema_version: String,
    /// What made the report.
    pub tool: Tool,
    /// Identifies the report: derived from the artifact, the rules and the policy, so that equal inputs have equal ids.
    pub id: String,
    /// The agent that generated the artifact, where the caller named it.
    pub agent_id: Option<String>,
    /// The verdict on the whole.
    pub status: Verdict,
    /// When vetting began, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended.
    pub finished_at: String,
    /// How long it took.
    pub duration_ms: u64,
    /// What was vetted.
    pub artifact: ArtifactSummary,
    /// One result for each pass.
    pub validation_results: ValidationResults,
    /// What was found, sorted by path, position and rule.
    pub findings: Vec<ReportFinding>,
    /// What was installed; null where the install pass did not run.
    pub dependencies: Option<Dependencies>,
    /// What was run; null where the execute pass did not run.
    pub execution: Option<Execution>,
    /// What happened, in order, one line each: `[RFC 3339 time] text`.
    pub logs: Vec<String>,
}

/// The verdict on an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Vetted, and nothing stands against it.
    Passed,
    /// Vetted, and something does.
    Failed,
    /// Not vetted.
    Error,
}

/// What made a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// `vetrun`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest over the rules that ran.
    pub rules_digest: String,
    /// The digest of the policy's meaning.
    pub policy_digest: String,
}

/// What was vetted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactSummary {
    /// What users call it.
    pub name: String,
    /// Where it was read from.
    pub root: String,
    /// One digest for the whole, `sha256:…`.
    pub digest: String,
    /// Its files, sorted by path.
    pub files: Vec<FileSummary>,
    /// The size of all files together.
    pub total_bytes: u64,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileSummary {
    /// Relative to the artifact's root.
    pub path: String,
    /// What it is written in.
    pub language: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its number of lines; null where it is not text.
    pub lines: Option<u32>,
    /// `sha256:…`.
    pub digest: String,
}

/// One result for each pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationResults {
    /// Of the parse pass.
    pub syntax: ValidationResult,
    /// Of the structure pass.
    pub structure: ValidationResult,
    /// Of the scan pass.
    pub security: ValidationResult,
    /// Of the budget pass.
    pub performance: ValidationResult,
    /// Of the install pass.
    pub dependencies: ValidationResult,
    /// Of the execute pass.
    pub execution: ValidationResult,
}

impl Verdict {
    /// The lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
        }
    }
}

impl ValidationResults {
    /// All results, to be changed.
    pub(crate) fn each_mut(&mut self) -> [&mut ValidationResult; 6] {
        [
            &mut self.syntax,
            &mut self.structure,
            &mut self.security,
            &mut self.performance,
            &mut self.dependencies,
            &mut self.execution,
        ]
    }

    /// All results with the names of their keys, in the order of the passes.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &ValidationResult); 6] {
        [
            ("syntax", &self.syntax),
            ("structure", &self.structure),
            ("security", &self.security),
            ("performance", &self.performance),
            ("dependencies", &self.dependencies),
            ("execution", &self.execution),
        ]
    }
}

/// The result of one pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationResult {
    /// How the pass ended.
    pub status: Status,
    /// Whether it passed; null where it was skipped or ended in an error.
    pub passed: Option<bool>,
    /// What was checked, or why nothing was.
    pub message: String,
    /// How long it took.
    pub duration_ms: u64,
    /// Facts of the pass's own.
    pub details: Map<String, Value>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportFinding {
    /// The rule or check, named after the fault.
    pub rule_id: String,
    /// The pass that found it.
    pub pass: Pass,
    /// How bad it is.
    pub severity: Severity,
    /// How sure that is.
    pub confidence: Confidence,
    /// What was found.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// The file; `.` for the artifact as a whole.
    pub path: String,
    /// Where in the file; null for the file as a whole.
    pub range: Option<Range>,
    /// In which cell of a notebook, and where there; null elsewhere.
    pub cell: Option<Cell>,
    /// The source lines.
    pub snippet: Option<String>,
    /// Other places of the file that explain it.
    pub related: Vec<Related>,
    /// The qualified name that was really reached.
    pub resolved: Option<String>,
    /// The decoded text that it is about or stands in; null where nothing was decoded.
    #[serde(default)]
    pub decoded: Option<Box<Decoded>>,
    /// Weakness numbers, `CWE-95`.
    pub cwe: Vec<String>,
    /// Identifies the finding from run to run; never depends on line numbers.
    pub fingerprint: Fingerprint,
    /// Why it does not count, if so.
    pub suppressed: Option<Suppression>,
    /// Whether it fails the artifact, under the policy that it was judged by.
    #[serde(default)]
    pub fails: bool,
}

/// What was installed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dependencies {
    /// `pip 26.3`, `uv 0.13.8`, ….
    pub installer: Option<String>,
    /// What was asked for, as handed to the installer.
    pub requirements: Vec<String>,
    /// What was installed, sorted by name.
    pub packages: Vec<Package>,
    /// Whether an earlier install was used again.
    pub cache_hit: bool,
    /// Why another installer than the first choice was used; null where it was not.
    pub fallback_triggered: Option<String>,
    /// Where it was installed for.
    pub environment: Option<Environment>,
}

/// Whose packages they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// Python's, of a package index.
    #[default]
    Python,
    /// Node's, of a registry of npm's.
    Node,
}

/// One installed package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// Whose package it is.
    #[serde(default)]
    pub ecosystem: Ecosystem,
    /// The normalised name.
    pub name: String,
    /// The installed version.
    pub version: String,
    /// The digest of the file that the index served; null where it is not known.
    pub digest: Option<String>,
    /// Bytes of the installed files.
    pub size_bytes: u64,
    /// The file that was installed; null where it is not known.
    #[serde(default)]
    pub file: Option<String>,
    /// Where the index keeps it, without credentials; null where it is not known.
    #[serde(default)]
    pub url: Option<String>,
    /// Bytes of that file; null where they are not known.
    #[serde(default)]
    pub file_bytes: Option<u64>,
    /// When it was uploaded; null where the index does not tell.
    #[serde(default)]
    pub uploaded: Option<String>,
    /// The requirement that names it; null where others need it.
    #[serde(default)]
    pub requested: Option<String>,
    /// The packages that need it, sorted; those of Node with their versions, `name@1.0.0`, of which there may be several.
    #[serde(default)]
    pub required_by: Vec<String>,
    /// Whether it is among the most used packages, or the policy's owner knows it.
    #[serde(default)]
    pub is_known: bool,
}

/// The environment that install, verify and execute share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// `linux-x86_64`.
    pub platform: String,
    /// `python 3.11.7`.
    pub interpreter: String,
    /// The value of `PYTHONPATH`.
    pub pythonpath: String,
    /// The value of `HOME`.
    pub home: String,
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// `native` or `docker`.
    pub backend: String,
    /// Which restrictions held.
    pub isolation: IsolationReport,
    /// The image, pinned by digest.
    pub image: Option<String>,
    /// The command as it ran inside.
    pub command: Vec<String>,
    /// The exit code; null unless the program exited.
    pub exit_code: Option<i32>,
    /// The name of the signal that ended it; null unless one did.
    pub signal: Option<String>,
    /// `exited`, `signaled`, `timeout`, `oom`, `outputLimit`, `diskLimit` or `interrupted`.
    pub outcome: String,
    /// What it wrote on standard output.
    pub stdout: StreamReport,
    /// What it wrote on standard error.
    pub stderr: StreamReport,
    /// The files that it left in the output folder, sorted by path.
    pub outputs: Vec<OutputFile>,
    /// What it left there that was not taken, and why.
    pub refused_outputs: Vec<RefusedOutputReport>,
    /// What it used.
    pub metrics: MetricsReport,
    /// What it tried.
    pub behaviour: BehaviourReport,
    /// What it could reach.
    pub network: NetworkReport,
}

/// Which restrictions held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IsolationReport {
    /// One line.
    pub tier: String,
    /// Whether each layer was active.
    pub layers: BTreeMap<String, bool>,
    /// What enforced each limit.
    pub limits: BTreeMap<String, LimitReport>,
}

/// Whether a limit was enforced, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitReport {
    /// Whether something would have stopped the program.
    pub enforced: bool,
    /// What, or why nothing would.
    pub by: String,
}

/// One captured stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamReport {
    /// What was kept; bytes that are not UTF-8 are U+FFFD.
    pub text: String,
    /// How many bytes were written in all, as far as they were read.
    pub bytes: u64,
    /// Whether more was written than was kept.
    pub truncated: bool,
}

/// One output file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputFile {
    /// Relative to the output folder.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// `sha256:…`.
    pub digest: String,
}

/// Something in the output folder that was not taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedOutputReport {
    /// Relative to the output folder, made printable.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// What a run used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricsReport {
    /// From the program's start to its end.
    pub wall_ms: u64,
    /// User and system time of all processes.
    pub cpu_ms: Option<u64>,
    /// The highest memory use of all processes together.
    pub memory_peak_bytes: Option<u64>,
    /// The highest number of processes and threads at once.
    pub pids_peak: Option<u64>,
    /// How many processes the kernel killed for memory.
    pub oom_kills: Option<u64>,
    /// Whether peaks were sampled.
    pub sampled: bool,
}

/// What a run tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BehaviourReport {
    /// Whether the run was watched. Where it was not, nothing is known, which is not "nothing was tried".
    pub traced: bool,
    /// Why it was not watched; null where it was.
    pub untraced_because: Option<String>,
    /// What was tried, sorted by kind, call and target; equal attempts are counted together.
    pub attempts: Vec<AttemptReport>,
    /// Whether targets are missing because there were too many; counts are complete.
    pub truncated: bool,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptReport {
    /// `refused` (a system call that the sandbox refuses), `network` (an address beyond the sandbox), `lookup` (the
    /// address of a name) or `started` (another program).
    pub kind: String,
    /// The system call.
    pub call: String,
    /// What it was for, as the program wrote it: a path, an address and port, a name, a command line; null where there is
    /// nothing of the kind, or where it was not read any more.
    pub target: Option<String>,
    /// The error that the sandbox answered with, `EPERM`; null where the kernel answered.
    pub answer: Option<String>,
    /// How often.
    pub count: u64,
}

/// What a run could reach.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkReport {
    /// `none`, `index` or `full`.
    pub mode: String,
}

/// What a batch came to: the last line of JSON Lines output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How many artifacts were looked at.
    pub artifacts: u64,
    /// How many of them passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were not vetted.
    pub error: u64,
    /// The exit code of the whole: the worst of all artifacts.
    pub exit_code: u8,
    /// Findings that count, suppressed ones left out.
    pub findings_by_severity: SeverityCounts,
    /// How long it took.
    pub duration_ms: u64,
}

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeverityCounts {
    /// Of severity critical.
    pub critical: u64,
    /// Of severity high.
    pub high: u64,
    /// Of severity medium.
    pub medium: u64,
    /// Of severity low.
    pub low: u64,
    /// Of severity info.
    pub info: u64,
}

impl SeverityCounts {
    /// Counts the findings that are not suppressed.
    #[must_use]
    pub fn of(findings: &[ReportFinding]) -> Self {
        let mut counts = Self::default();
        for finding in findings.iter().filter(|finding| finding.suppressed.is_none()) {
            match finding.severity {
                Severity::Critical => counts.critical += 1,
                Severity::High => counts.high += 1,
                Severity::Medium => counts.medium += 1,
                Severity::Low => counts.low += 1,
                Severity::Info => counts.info += 1,
            }
        }
        counts
    }

    /// All counts with their names, worst first.
    #[must_use]
    pub const fn all(&self) -> [(&'static str, u64); 5] {
        [
            ("critical", self.critical),
            ("high", self.high),
            ("medium", self.medium),
            ("low", self.low),
            ("info", self.info),
        ]
    }

    /// How many findings there are in all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.critical + self.high + self.medium + self.low + self.info
    }
}

impl std::ops::AddAssign for SeverityCounts {
    fn add_assign(&mut self, other: Self) {
        self.critical += other.critical;
        self.high += other.high;
        self.medium += other.medium;
        self.low += other.low;
        self.info += other.info;
    }
}

impl Summary {
    /// Counts one more artifact. The exit code and the time are the caller's to set.
    pub fn add(&mut self, report: &Report) {
        self.artifacts += 1;
        match report.status {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => self.failed += 1,
            Verdict::Error => self.error += 1,
        }
        self.findings_by_severity += SeverityCounts::of(&report.findings);
    }
}
