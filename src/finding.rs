//! What a pass has to say about an artifact: a [`Finding`], its place, its weight and its fingerprint.
//!
//! A finding is about the artifact; what goes wrong with vetrun itself is an error and never becomes a finding. Every
//! finding has a place, so the constructors ask for one: a [`Finding`] without a path cannot be made.

mod levels;

use std::borrow::Cow;
use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::artifact::SourceText;

pub use levels::{Confidence, Severity};

/// The passes, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    /// Is every file valid in its language?
    Parse,
    /// Is everything there that belongs there, and nothing that does not?
    Structure,
    /// Does the code do anything dangerous?
    Scan,
    /// Is it within its size?
    Budget,
    /// Can its packages be installed, and are they what was asked for?
    Install,
    /// Does it run to its end?
    Execute,
}

impl Pass {
    /// All passes, in order.
    pub const ALL: [Self; 6] = [Self::Parse, Self::Structure, Self::Scan, Self::Budget, Self::Install, Self::Execute];

    /// The lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Structure => "structure",
            Self::Scan => "scan",
            Self::Budget => "budget",
            Self::Install => "install",
            Self::Execute => "execute",
        }
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1 in Unicode scalar values.
    pub column: u32,
    /// The byte, counted from 0, in the file's text (for a file that is not UTF-8: in its decoded text).
    pub offset: usize,
}

/// A stretch of a file; `end` is the first position that is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
}

/// A place in a cell of a notebook; lines and columns are counted as in [`Position`], within the cell's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// Which of all the notebook's cells, counted from 1.
    pub index: u32,
    /// The line where it begins.
    pub line: u32,
    /// The column where it begins.
    pub column: u32,
    /// The line where it ends.
    pub end_line: u32,
    /// The first column there that is not part of it.
    pub end_column: u32,
}

/// Another place that explains a finding: where the bracket was opened, where the name was declared first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Related {
    /// What is there: a lower-case fragment without a full stop.
    pub message: String,
    /// Where, in the same file.
    pub range: Range,
    /// Where in which cell, in a notebook.
    pub cell: Option<Cell>,
    /// The source lines of the range, at most [`SNIPPET_BYTES_MAX`] bytes.
    pub snippet: String,
}

/// Text that code decodes or puts together and then runs or writes: what a finding is about, or stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decoded {
    /// What hid it, the outermost first: `base64`, `base32`, `base85`, `ascii85`, `hex`, `zlib`, `gzip`, `deflate`, `rot13`,
    /// `percent`, `punycode`, `utf-16`, `escapes`, and `computed` for what the code puts together in a way of its own.
    pub layers: Vec<Cow<'static, str>>,
    /// What it is run as: `python`, `javascript`, `html` or `shell`.
    pub language: Cow<'static, str>,
    /// The text, without an indentation that all of its lines share; at most 4 KiB of it, around the place of the finding.
    pub text: String,
    /// The byte of the whole decoded text, counted from 0, at which `text` begins.
    pub offset: usize,
    /// How many bytes the whole decoded text has.
    pub bytes: usize,
    /// Whether `text` is not the whole.
    pub truncated: bool,
    /// Where in the whole decoded text the fault is; null for a finding about the call that runs it.
    pub range: Option<Range>,
}

/// Identifies a finding from run to run; `vetrun/v1` fingerprints never depend on line numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// Why a finding does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Suppression {
    /// It was there before, says the baseline.
    Baseline,
    /// A comment in the artifact says so, and the policy's owner allowed that.
    Inline,
}

/// One thing that a pass found in an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule or check that found it, named after the fault, e.g. `python-os-system`.
    pub rule_id: Cow<'static, str>,
    /// The pass that found it.
    pub pass: Pass,
    /// How bad it is.
    pub severity: Severity,
    /// How sure that is.
    pub confidence: Confidence,
    /// What was found: a lower-case fragment without a full stop.
    pub message: String,
    /// What to do about it, where that is known; the same form as the message.
    pub hint: Option<String>,
    /// The file, relative to the artifact's root with `/` between parts; `.` for the artifact as a whole.
    pub path: String,
    /// Where in the file; `None` for the file as a whole.
    pub range: Option<Range>,
    /// Where in which cell, in a notebook.
    pub cell: Option<Cell>,
    /// The source lines of the range, as they stand in the file (in a notebook: in the cell), at most [`SNIPPET_BYTES_MAX`] bytes.
    pub snippet: Option<String>,
    /// Other places that explain it, in the order in which to read them.
    pub related: Vec<Related>,
    /// The qualified name that was really reached, where that differs from what the source says.
    pub resolved: Option<String>,
    /// The decoded text that it is about or stands in, where something was decoded.
    pub decoded: Option<Box<Decoded>>,
    /// Numbers of the Common Weakness Enumeration.
    pub cwe: Vec<u32>,
    /// Set by [`assign_fingerprints`].
    pub fingerprint: Fingerprint,
    /// Why it does not count, if so.
    pub suppressed: Option<Suppression>,
    /// Whether it fails the artifact; set by the gate.
    pub fails: bool,
}

/// The path of a finding that is about the artifact as a whole.
pub const WHOLE_ARTIFACT: &str = ".";

/// The longest snippet that a finding keeps, in bytes.
pub const SNIPPET_BYTES_MAX: usize = 400;

impl Finding {
    /// A finding about a file as a whole, or about [`WHOLE_ARTIFACT`]. Confidence is high until
    /// [`Finding::confidence`] says otherwise.
    #[must_use]
    pub fn in_file(
        rule_id: impl Into<Cow<'static, str>>,
        pass: Pass,
        severity: Severity,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule_id: rule_id.into(),
            pass,
            severity,
            confidence: Confidence::High,
            message: message.into(),
            hint: None,
            path: path.into(),
            range: None,
            cell: None,
            snippet: None,
            related: Vec::new(),
            resolved: None,
            decoded: None,
            cwe: Vec::new(),
            fingerprint: Fingerprint::default(),
            suppressed: None,
            fails: false,
        }
    }

    /// Narrows the finding to the bytes `range` of `text`, and keeps the source lines there as its snippet.
    #[must_use]
    pub fn at(mut self, text: &SourceText, range: std::ops::Range<usize>) -> Self {
        self.snippet = Some(text.snippet(range.clone(), SNIPPET_BYTES_MAX));
        self.cell = text.cell(range.clone());
        self.range = Some(text.range(range));
        self
    }

    /// Sets how sure the finding is.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds another place that explains the finding: the bytes `range` of `text`.
    #[must_use]
    pub fn related(mut self, message: impl Into<String>, text: &SourceText, range: std::ops::Range<usize>) -> Self {
        let snippet = text.snippet(range.clone(), SNIPPET_BYTES_MAX);
        let cell = text.cell(range.clone());
        self.related.push(Related { message: message.into(), range: text.range(range), cell, snippet });
        self
    }

    /// Adds the qualified name that was really reached.
    #[must_use]
    pub fn resolved(mut self, name: impl Into<String>) -> Self {
        self.resolved = Some(name.into());
        self
    }

    /// Adds the decoded text, where there is one.
    #[must_use]
    pub fn decoded(mut self, decoded: Option<Decoded>) -> Self {
        self.decoded = decoded.map(Box::new);
        self
    }

    /// Adds weakness numbers.
    #[must_use]
    pub fn cwe(mut self, cwe: &[u32]) -> Self {
        self.cwe.extend_from_slice(cwe);
        self
    }

    /// What findings are sorted by: path, position, rule, message.
    fn order(&self) -> (&str, Option<Range>, &str, &str) {
        (&self.path, self.range, &self.rule_id, &self.message)
    }
}

/// Sorts findings by path, position and rule, and drops exact repetitions.
pub fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| a.order().cmp(&b.order()));
    findings.dedup_by(|a, b| a.order() == b.order());
}

/// Gives every finding its fingerprint: SHA-256 over rule, path, the snippet with white space folded (or, without a
/// snippet, the message) and the how-manieth of its kind it is, so that equal findings in one file stay apart and
/// moved lines keep theirs. Call it on sorted findings.
pub fn assign_fingerprints(findings: &mut [Finding]) {
    let mut seen: HashMap<[u8; 32], u32> = HashMap::new();
    for finding in findings {
        let text = finding.snippet.as_deref().unwrap_or(&finding.message);
        let mut hasher = Sha256::new();
        for part in [finding.rule_id.as_ref(), &finding.path] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        for word in text.split_whitespace() {
            hasher.update(word.as_bytes());
            hasher.update(b" ");
        }
        let kind: [u8; 32] = hasher.clone().finalize().into();
        let nth = seen.entry(kind).or_insert(0);
        hasher.update(nth.to_le_bytes());
        *nth += 1;
        finding.fingerprint = Fingerprint(hex(&hasher.finalize()[..16]));
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |four: u8| char::from(DIGITS[usize::from(four)]);
    let mut text = String::with_capacity(bytes.len() * 2);
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(text: &str, range: std::ops::Range<usize>) -> Finding {
        let text = SourceText::from_utf8(text);
        Finding::in_file("r", Pass::Scan, Severity::High, "a.py", "m").at(&text, range)
    }

    #[test]
    fn blank_lines_and_indentation_keep_the_fingerprint() {
        let mut one = [finding("eval(x)\n", 0..7)];
        let mut two = [finding("\n\n    eval(x)\n", 6..13)];
        assign_fingerprints(&mut one);
        assign_fingerprints(&mut two);
        assert_eq!(one[0].fingerprint, two[0].fingerprint);
    }

    #[test]
    fn equal_findings_in_one_file_stay_apart() {
        let mut both = [finding("eval(x)\neval(x)\n", 0..7), finding("eval(x)\neval(x)\n", 8..15)];
        assign_fingerprints(&mut both);
        assert_ne!(both[0].fingerprint, both[1].fingerprint);
    }

    #[test]
    fn findings_sort_by_place_and_lose_repetitions() {
        let text = "eval(x)\neval(x)\n";
        let mut all = vec![finding(text, 8..15), finding(text, 0..7), finding(text, 8..15)];
        sort(&mut all);
        let lines: Vec<_> = all.iter().filter_map(|finding| finding.range).map(|range| range.start.line).collect();
        assert_eq!(lines, [1, 2]);
    }
}
