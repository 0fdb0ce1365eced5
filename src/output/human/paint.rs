//! Colour, or none.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use crate::report::{Severity, Verdict};

/// Paints text where colour is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    pub(super) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default().bold(), text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    /// What frames source lines; the colour that annotate-snippets gives to line numbers.
    pub(super) fn frame(self, text: &str) -> String {
        self.with(AnsiColor::BrightBlue.on_default().bold(), text)
    }

    /// A severity, in the colour of the marks below its source.
    pub(super) fn severity(self, severity: Severity, text: &str) -> String {
        let color = match severity {
            Severity::Critical | Severity::High => AnsiColor::BrightRed,
            Severity::Medium => AnsiColor::Yellow,
            Severity::Low | Severity::Info => AnsiColor::BrightBlue,
        };
        self.with(color.on_default().bold(), text)
    }

    /// A verdict: good where it passed, bad otherwise.
    pub(super) fn verdict(self, verdict: Verdict, text: &str) -> String {
        if verdict == Verdict::Passed { self.good(text) } else { self.bad(text) }
    }

    fn with(self, style: Style, text: impl Display) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}
