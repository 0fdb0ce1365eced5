//! JSON Lines: `{"type":"report",…}` as each artifact ends, then one `{"type":"summary",…}`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json_text;
use crate::report::{Report, Summary};

/// One line, as a reader gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Line {
    /// An artifact has ended.
    Report(Box<Report>),
    /// All have.
    Summary(Summary),
}

/// One line, as it is written.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Written<'a> {
    Report(&'a Report),
    Summary(&'a Summary),
}

/// The line for one report, its line feed included.
#[must_use]
pub fn report_line(report: &Report) -> String {
    text(&Written::Report(report))
}

/// The line for a summary, its line feed included.
#[must_use]
pub fn summary_line(summary: &Summary) -> String {
    text(&Written::Summary(summary))
}

/// Writes a line for each report, and one for the summary where there is one.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], summary: Option<&Summary>, out: &mut dyn Write) -> io::Result<()> {
    for report in reports {
        out.write_all(report_line(report).as_bytes())?;
    }
    summary.map_or(Ok(()), |summary| out.write_all(summary_line(summary).as_bytes()))
}

fn text(line: &Written<'_>) -> String {
    let mut bytes = Vec::new();
    json_text::write_line(line, &mut bytes).expect("a report has only string keys, and a vector takes everything");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}
