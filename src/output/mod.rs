//! Output formats: pure functions of a report.
