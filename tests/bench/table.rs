//! What was measured, as a table.

use std::time::Duration;

/// The layers of one language.
pub(crate) struct Table {
    title: String,
    bytes: usize,
    rows: Vec<(&'static str, Duration)>,
}

impl Table {
    /// A table about `bytes` of source.
    pub(crate) fn new(title: String, bytes: usize) -> Self {
        Self { title, bytes, rows: Vec::new() }
    }

    /// Adds a row: the median of `times`.
    pub(crate) fn row(&mut self, name: &'static str, mut times: Vec<Duration>) {
        times.sort();
        self.rows.push((name, times[times.len() / 2]));
    }

    /// Prints all rows; the share is of the row called `strict verdict`.
    pub(crate) fn print(&self) {
        println!("\n{}", self.title);
        println!("{:<34} {:>9} {:>9} {:>7}", "layer", "ms", "MB/s", "share");
        let whole = self.rows.iter().find(|(name, _)| *name == "strict verdict").map(|(_, time)| time.as_secs_f64());
        for (name, time) in &self.rows {
            let seconds = time.as_secs_f64().max(1e-9);
            let speed = self.bytes as f64 / 1e6 / seconds;
            let share = whole.map(|whole| format!("{:.0} %", 100.0 * seconds / whole)).unwrap_or_default();
            println!("{name:<34} {:>9.1} {speed:>9.1} {share:>7}", seconds * 1e3);
        }
    }
}
