//! Many small artifacts in one batch: how many in a second, and how much memory.

use std::path::Path;

use super::watched::watched;
use super::{artifacts, clock};

/// Makes `count` artifacts and runs batches of a tenth of them and of all, so that memory that grows with them shows.
pub(crate) fn measure(scratch: &Path, count: u64, rounds: u32) -> Result<(), String> {
    let columns = ["artifacts", "ms wall", "ms CPU", "a second", "a CPU second", "peak MiB"];
    println!("\n{}", columns.map(|column| format!("{column:>13}")).concat());
    for count in [count.div_ceil(10), count] {
        let folder = scratch.join(format!("artifacts-{count}"));
        artifacts::make(&folder, count).map_err(|error| format!("{}: {error}", folder.display()))?;
        let (mut wall, mut cpu, mut peak_kib) = (f64::INFINITY, f64::INFINITY, 0);
        for _ in 0..rounds {
            let before = clock::children_ms()?;
            let seen =
                watched(&["batch", "--format", "jsonl", "-o", "/dev/null", "--no-policy", "--no-progress"], &folder)?;
            if seen.exit != "1" {
                return Err(format!("the batch ended with {}", seen.exit));
            }
            #[expect(clippy::cast_precision_loss, reason = "a figure for a table")]
            let ms = seen.ms as f64;
            (wall, cpu) = (wall.min(ms), cpu.min(clock::children_ms()? - before));
            peak_kib = peak_kib.max(seen.peak_kib);
        }
        #[expect(clippy::cast_precision_loss, reason = "a figure for a table")]
        let per_ms = |ms: f64| count as f64 * 1000.0 / ms;
        println!(
            "{count:>13}{wall:>13.0}{cpu:>13.0}{:>13.0}{:>13.0}{:>13}",
            per_ms(wall),
            per_ms(cpu),
            peak_kib / 1024
        );
    }
    Ok(())
}
