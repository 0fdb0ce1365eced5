//! Output formats: pure functions of a report.
//!
//! One file and one variant of [`Format`] each. They know the report and nothing else, read no clock, and write only to
//! the writer that they are given. Untrusted text passes [`sanitize`] in the formats that people and CI runners read, and
//! [`json_text`] in those that programs read.

pub mod agent;
mod bill;
pub mod concise;
pub mod cyclonedx;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod json_text;
pub mod jsonl;
pub mod junit;
mod place;
pub mod pylock;
pub mod sanitize;
pub mod sarif;
pub mod spdx;
mod verdict;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use crate::report::{Report, Severity, Summary, Threshold};

/// The formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people, with excerpts of the source.
    Human,
    /// The report itself; an array of reports where there are several artifacts.
    Json,
    /// One object a line: each report, then a summary.
    Jsonl,
    /// SARIF 2.1.0, for code scanning services.
    Sarif,
    /// JUnit's XML, for CI servers.
    Junit,
    /// Workflow commands of GitHub Actions, which become annotations.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// One finding a line, for editors and `grep`.
    Concise,
    /// CycloneDX 1.5: a bill of the materials that were installed.
    Cyclonedx,
    /// SPDX 2.3: the same.
    Spdx,
    /// PEP 751's `pylock.toml`: what was installed, to be installed again.
    Pylock,
    /// For a language model that is to mend its code.
    Agent,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 12] = [
        Self::Human,
        Self::Json,
        Self::Jsonl,
        Self::Sarif,
        Self::Junit,
        Self::Github,
        Self::Gitlab,
        Self::Concise,
        Self::Cyclonedx,
        Self::Spdx,
        Self::Pylock,
        Self::Agent,
    ];

    /// The lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Concise => "concise",
            Self::Cyclonedx => "cyclonedx",
            Self::Spdx => "spdx",
            Self::Pylock => "pylock",
            Self::Agent => "agent",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no format `{0}` (there are: {names})", names = Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// What a format can say about a rule beside its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHelp {
    /// The rule's id.
    pub id: String,
    /// How bad its findings are.
    pub severity: Severity,
    /// What it finds.
    pub message: String,
    /// Why that is a fault.
    pub why: String,
    /// What to write instead.
    pub instead: String,
    /// Weakness numbers, `CWE-95`.
    pub cwe: Vec<String>,
    /// Categories of the OWASP Top 10, `A03:2021`.
    pub owasp: Vec<String>,
    /// Addresses of pages about it.
    pub references: Vec<String>,
}

/// How much the human format says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// The verdict alone.
    Quiet,
    /// What a reader needs; long lists are cut, and say so.
    #[default]
    Normal,
    /// Everything, suppressed findings and the log included.
    Verbose,
}

/// What a format may want to know beside the reports.
#[derive(Clone, Copy, Debug)]
pub struct RenderContext<'a> {
    /// Whether the human format is coloured.
    pub color: bool,
    /// The width of the terminal, in columns.
    pub width: usize,
    /// How much the human format says.
    pub verbosity: Verbosity,
    /// The rules that ran, for formats that carry their help.
    pub rules: &'a [RuleHelp],
    /// From which weight on findings fail an artifact, for the format that tells them from the others.
    pub threshold: Threshold,
    /// What all came to, for JSON Lines; its last line is left out where this is absent.
    pub summary: Option<&'a Summary>,
}

impl Default for RenderContext<'_> {
    /// No colour, 100 columns, no rules, the default policy's threshold, no summary.
    fn default() -> Self {
        let (verbosity, threshold) = (Verbosity::Normal, Threshold::default());
        Self { color: false, width: 100, verbosity, rules: &[], threshold, summary: None }
    }
}

/// Writes `reports` in `format`.
///
/// # Errors
/// What `out` returned.
pub fn render(format: Format, reports: &[&Report], context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Human => human::render(reports, context, out),
        Format::Json => json::render(reports, out),
        Format::Jsonl => jsonl::render(reports, context.summary, out),
        Format::Sarif => sarif::render(reports, context.rules, out),
        Format::Junit => junit::render(reports, out),
        Format::Github => github::render(reports, out),
        Format::Gitlab => gitlab::render(reports, out),
        Format::Concise => concise::render(reports, out),
        Format::Cyclonedx => cyclonedx::render(reports, out),
        Format::Spdx => spdx::render(reports, out),
        Format::Pylock => pylock::render(reports, out),
        Format::Agent => agent::render(reports, context.threshold, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_read_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let error = "yaml".parse::<Format>().unwrap_err().to_string();
        assert!(error.starts_with("there is no format `yaml` (there are: human, json,"), "{error}");
    }
}
