//! The CPU time of processes that have ended.

/// Ticks of the kernel's clock in a second, as `proc(5)` tells times; Linux has no other value for programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// The user and system time of all children that were waited for, and theirs, in milliseconds: fields 16 and 17 of
/// `/proc/self/stat`.
pub(crate) fn children_ms() -> Result<f64, String> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|error| format!("/proc/self/stat: {error}"))?;
    // The name of the program, in parentheses, may hold blanks.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    match ticks.as_slice() {
        [user, system] => Ok((user + system) * 1000.0 / TICKS_PER_SECOND),
        _ => Err("/proc/self/stat has no times of children".to_owned()),
    }
}
