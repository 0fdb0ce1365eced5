//! Output formats: pure functions of a report.
//!
//! One file and one variant of [`Format`] each. They know the report and nothing else, read no clock, and write only to
//! the writer that they are given. Untrusted text passes [`sanitize`] in the formats that people and CI runners read, and
//! [`json_text`] in those that programs read.

pub mod agent;
mod bill;
pub mod concise;
pub mod cyclonedx;
mod decoded;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod human;
pub mod intoto;
pub mod json;
pub mod json_text;
pub mod jsonl;
pub mod junit;
mod marks;
mod place;
pub mod pylock;
pub mod sanitize;
pub mod sarif;
pub mod spdx;
pub mod streamed;
mod verdict;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use crate::report::{Report, Severity, Summary};

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
    /// in-toto statements with the verdicts, to be signed.
    Intoto,
    /// One page for a browser, with everything in it.
    Html,
    /// For a language model that is to mend its code.
    Agent,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 14] = [
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
        Self::Intoto,
        Self::Html,
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
            Self::Intoto => "intoto",
            Self::Html => "html",
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
        // As its own people write it.
        let name = if name == "in-toto" { Self::Intoto.name() } else { name };
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
    /// What all came to, for JSON Lines; its last line is left out where this is absent.
    pub summary: Option<&'a Summary>,
    /// What no program can have guessed: it ends the stretch of a CI log in which the runner reads no commands. Without it
    /// the format for GitHub does not show what programs wrote.
    pub token: Option<&'a str>,
}

impl Default for RenderContext<'_> {
    /// No colour, 100 columns, no rules, no summary, no token.
    fn default() -> Self {
        Self { color: false, width: 100, verbosity: Verbosity::Normal, rules: &[], summary: None, token: None }
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
        Format::Github => github::render(reports, context.token, out),
        Format::Gitlab => gitlab::render(reports, out),
        Format::Concise => concise::render(reports, out),
        Format::Cyclonedx => cyclonedx::render(reports, out),
        Format::Spdx => spdx::render(reports, out),
        Format::Pylock => pylock::render(reports, out),
        Format::Intoto => intoto::render(reports, out),
        Format::Html => html::render(reports, context.rules, out),
        Format::Agent => agent::render(reports, out),
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
