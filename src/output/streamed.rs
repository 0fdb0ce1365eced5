//! Formats that can be written report by report: what comes of it is what [`render`](super::render) makes of all of them,
//! byte for byte, and no report is kept.
//!
//! The others say something of all reports before the first, or put the worst of all first.

use std::io::{self, Write};

use serde::Serialize;

use super::{Format, RenderContext, Verbosity, agent, concise, gitlab, human, intoto, json_text, jsonl};
use crate::report::{Report, Summary};

/// Reports in a format, as they are written one after the other.
#[derive(Debug)]
pub struct Streamed {
    format: Format,
    color: bool,
    width: usize,
    verbosity: Verbosity,
    /// The first report, of which the one format cannot say how it is to be written before there is another.
    held: Option<Box<Report>>,
    reports: usize,
    array: Array,
    issues: gitlab::Fingerprints,
}

impl Streamed {
    /// Nothing yet of a format; `None` where it needs all reports.
    #[must_use]
    pub fn begin(format: Format, context: &RenderContext<'_>) -> Option<Self> {
        let is_streamed = match format {
            Format::Human
            | Format::Json
            | Format::Jsonl
            | Format::Gitlab
            | Format::Concise
            | Format::Intoto
            | Format::Agent => true,
            Format::Sarif
            | Format::Junit
            | Format::Github
            | Format::Cyclonedx
            | Format::Spdx
            | Format::Pylock
            | Format::Html => false,
        };
        let RenderContext { color, width, verbosity, .. } = *context;
        let (array, issues) = (Array::default(), gitlab::Fingerprints::default());
        is_streamed.then_some(Self { format, color, width, verbosity, held: None, reports: 0, array, issues })
    }

    /// Writes one more report.
    ///
    /// # Errors
    /// What `out` returned.
    pub fn add(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        self.reports += 1;
        match self.format {
            Format::Json if self.reports == 1 => {
                self.held = Some(Box::new(report.clone()));
                Ok(())
            }
            Format::Json => {
                let held = self.held.take();
                held.map_or(Ok(()), |first| self.array.add(&first, out))?;
                self.array.add(report, out)
            }
            Format::Gitlab => gitlab::issues(&[report], &mut self.issues).try_for_each(|one| self.array.add(&one, out)),
            Format::Human => human::next(report, self.reports > 1, &self.context(), out),
            Format::Jsonl => out.write_all(jsonl::report_line(report).as_bytes()),
            Format::Concise => concise::render(&[report], out),
            Format::Intoto => intoto::render(&[report], out),
            Format::Agent => agent::render(&[report], out),
            _ => Ok(()),
        }
    }

    /// Writes what comes after the last report; `summary` is what all came to.
    ///
    /// # Errors
    /// What `out` returned.
    pub fn end(self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        match (self.format, &self.held) {
            (Format::Json, Some(only)) => json_text::write_pretty(only, out),
            (Format::Json | Format::Gitlab, _) => self.array.end(out),
            (Format::Human, _) if self.reports > 1 => human::end(summary, &self.context(), out),
            (Format::Jsonl, _) => out.write_all(jsonl::summary_line(summary).as_bytes()),
            _ => Ok(()),
        }
    }

    fn context(&self) -> RenderContext<'static> {
        let Self { color, width, verbosity, .. } = *self;
        RenderContext { color, width, verbosity, ..RenderContext::default() }
    }
}

/// An indented array of JSON, element by element.
#[derive(Debug, Default)]
struct Array {
    elements: usize,
}

impl Array {
    fn add(&mut self, element: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
        let mut text = Vec::new();
        json_text::write_pretty(element, &mut text)?;
        out.write_all(if self.elements == 0 { b"[" } else { b"," })?;
        self.elements += 1;
        // A line feed in a text is an escape, so that all of these begin a line.
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            out.write_all(b"\n  ")?;
            out.write_all(line)?;
        }
        Ok(())
    }

    fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.elements == 0 { b"[]\n" } else { b"\n]\n" })
    }
}
