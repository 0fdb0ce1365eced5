//! The report itself as JSON: one object for one artifact, an array of them for several.

use std::io::{self, Write};

use super::json_text;
use crate::report::Report;

/// Writes one report as an object, and any other number of them as an array.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], out: &mut dyn Write) -> io::Result<()> {
    match reports {
        [report] => json_text::write_pretty(report, out),
        _ => json_text::write_pretty(&reports, out),
    }
}
