//! One run of vetrun, and the most memory that it has.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often the memory of the process is looked at.
const LOOK_MS: u64 = 1;

/// What was seen of it.
pub(crate) struct Seen {
    pub(crate) ms: u128,
    pub(crate) peak_kib: u64,
    pub(crate) exit: String,
}

/// Runs vetrun over `path`.
pub(crate) fn watched(arguments: &[&str], path: &Path) -> Result<Seen, String> {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vetrun"))
        .args(arguments)
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("vetrun cannot be started: {error}"))?;
    let mut peak_kib = 0;
    loop {
        peak_kib = peak_kib.max(high_water_kib(&child));
        let ended = child.try_wait().map_err(|error| format!("vetrun cannot be waited for: {error}"))?;
        if let Some(status) = ended {
            let exit = status.code().map_or_else(|| status.to_string(), |code| code.to_string());
            return Ok(Seen { ms: started.elapsed().as_millis(), peak_kib, exit });
        }
        sleep(Duration::from_millis(LOOK_MS));
    }
}

/// The most memory that the process has had so far, as `proc(5)` tells it.
fn high_water_kib(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
