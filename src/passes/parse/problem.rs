//! What a judge of one file says: [`Problem`]s, before they become findings of the artifact.

use std::borrow::Cow;
use std::ops::Range;

use crate::artifact::SourceText;
use crate::finding::{Finding, Pass, Severity};

use super::Region;

/// One fault of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The rule, named after the fault.
    pub(super) rule: &'static str,
    /// How bad it is; medium and above make the file invalid.
    pub(super) severity: Severity,
    /// A lower-case fragment without a full stop.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: Option<Cow<'static, str>>,
    /// Where in the text; `None` for the file as a whole.
    pub(super) range: Option<Range<usize>>,
    /// Other places that explain it, and what is there.
    pub(super) related: Vec<(Cow<'static, str>, Range<usize>)>,
}

impl Problem {
    /// A fault of severity high at `range`.
    pub(super) fn new(rule: &'static str, message: impl Into<String>, range: Range<usize>) -> Self {
        Self { range: Some(range), ..Self::whole(rule, message) }
    }

    /// A fault of severity high of the file as a whole.
    pub(super) fn whole(rule: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { rule, severity: Severity::High, message, hint: None, range: None, related: Vec::new() }
    }

    /// Sets another severity.
    pub(super) fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Adds what to do about it.
    pub(super) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds another place that explains the fault.
    pub(super) fn related(mut self, message: impl Into<Cow<'static, str>>, range: Range<usize>) -> Self {
        self.related.push((message.into(), range));
        self
    }

    /// Moves all places of the fault by `offset` bytes: what was judged stands so far into the file.
    pub(super) fn moved(mut self, offset: usize) -> Self {
        let by = |range: &Range<usize>| range.start + offset..range.end + offset;
        self.range = self.range.as_ref().map(by);
        for (_, range) in &mut self.related {
            *range = by(range);
        }
        self
    }

    /// Whether a file with this fault is invalid.
    pub(super) fn is_fatal(&self) -> bool {
        self.severity >= Severity::Medium
    }

    /// The finding for the report.
    pub(super) fn into_finding(self, path: &str, text: Option<&SourceText>) -> Finding {
        let finding = Finding::in_file(self.rule, Pass::Parse, self.severity, path, self.message);
        let finding = match (text, self.range) {
            (Some(text), Some(range)) => {
                let related = self.related.into_iter();
                related.fold(finding.at(text, range), |finding, (message, range)| finding.related(message, text, range))
            }
            _ => finding,
        };
        match self.hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        }
    }
}

/// What the judge of a language found out about one file.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Its faults, in any order.
    pub(super) problems: Vec<Problem>,
    /// What it was judged as, where the language has several forms.
    pub(super) dialect: Option<&'static str>,
    /// What says that it is meant so, where the language leaves it open.
    pub(super) dialect_from: Option<Cow<'static, str>>,
    /// Its tolerant trees.
    pub(super) regions: Vec<Region>,
    /// The text that was judged, where that was derived from the file's.
    pub(super) text: Option<SourceText>,
    /// What stands in the file beside that.
    pub(super) rest: Option<SourceText>,
}

/// A message on one line: parsers quote the source in theirs.
fn one_line(message: &str) -> String {
    let visible = |char: char| if char.is_control() { char.escape_default().collect() } else { char.to_string() };
    message.trim().chars().map(visible).collect()
}

/// Turns a parser's message into the house's form: a lower-case fragment without a full stop.
pub(super) fn fragment(message: &str) -> String {
    let message = one_line(message);
    let message = message.trim_end_matches('.');
    let mut chars = message.chars();
    let Some(first) = chars.next() else { return "not valid".to_owned() };
    // A word that is a name or an abbreviation (`JSX`, `TS1005`) keeps its capitals.
    let second_is_lower = chars.clone().next().is_none_or(|char| !char.is_uppercase() && !char.is_ascii_digit());
    if second_is_lower && first.is_uppercase() {
        first.to_lowercase().chain(chars).collect()
    } else {
        message.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_fragments() {
        for (message, expected) in [
            ("Expected an expression", "expected an expression"),
            ("JSX syntax is disabled.", "JSX syntax is disabled"),
            ("A 'return' statement is here", "a 'return' statement is here"),
            ("  ", "not valid"),
            ("Invalid Character `\n`", "invalid Character `\\n`"),
        ] {
            assert_eq!(fragment(message), expected);
        }
    }
}
