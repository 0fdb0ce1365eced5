//! From what was seen of a run to its outcome: how it ended is decided here, by evidence alone.
//!
//! - `Exited` and `Signaled` come from the wait status that the program's parent read; `exit(137)` is not a signal.
//! - `OutOfMemory` needs a death by SIGKILL *and* the kernel's count of memory kills in this container's control group.
//!   Where that counter cannot be read (the engine runs elsewhere), the engine's own flag stands in for it.
//! - A program that kills itself by SIGKILL after the kernel killed one of its children for memory cannot be told from
//!   one that was killed for memory itself; it is reported as out of memory.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use bollard::models::ContainerState;

use super::cgroup::Counters;
use super::config::KEEPER_PIDS;
use super::engine::{BACKEND, Said, failed};
use super::image::Image;
use super::link::Told;
use super::session::{Kill, Seen};
use crate::sandbox::collect::collect_folder;
use crate::sandbox::{CollectLimits, Collected, Ended, Job, Metrics, SandboxError};

/// Folders inside folders that are collected.
pub(super) const OUT_DEPTH_MAX: u32 = 32;
const SIGKILL: i32 = 9;
const ENOENT: i32 = 2;
const EACCES: i32 = 13;
const ENOEXEC: i32 = 8;
const ENOTDIR: i32 = 20;

/// How the run ended.
pub(super) fn ended(seen: &Seen, command: &[String], image: &Image) -> Result<Ended, SandboxError> {
    if let Some(Told::NotStarted { step, errno }) = &seen.told {
        return Err(not_started(step, *errno, command, image));
    }
    if let Some(kill) = seen.kill {
        return Ok(match kill {
            Kill::Timeout => Ended::TimedOut,
            Kill::Output => Ended::OutputLimit,
            Kill::Files => Ended::DiskLimit,
            Kill::Interrupted => Ended::Interrupted,
        });
    }
    if seen.streams.overflowed() {
        return Ok(Ended::OutputLimit);
    }
    let counters = seen.watch.last();
    match &seen.told {
        Some(Told::Ended { status, .. }) => Ok(from_status(*status, counters, seen.state.as_ref())),
        _ => lost(counters, seen.state.as_ref()),
    }
}

fn from_status(status: i32, counters: Counters, state: Option<&ContainerState>) -> Ended {
    let signal = status & 0x7f;
    if signal == 0 {
        Ended::Exited((status >> 8) & 0xff)
    } else if signal == SIGKILL && killed_for_memory(counters, state) {
        Ended::OutOfMemory
    } else {
        Ended::Signaled(signal)
    }
}

fn killed_for_memory(counters: Counters, state: Option<&ContainerState>) -> bool {
    let flag = state.and_then(|state| state.oom_killed).unwrap_or(false);
    counters.oom_kills.map_or(flag, |kills| kills > 0)
}

/// The keeper died without a word: the kernel chose it for memory, or someone killed the container from outside.
fn lost(counters: Counters, state: Option<&ContainerState>) -> Result<Ended, SandboxError> {
    // The group may be gone before its counter was read, so the engine's flag counts here too.
    let flag = state.and_then(|state| state.oom_killed).unwrap_or(false);
    if flag || counters.oom_kills.is_some_and(|kills| kills > 0) {
        return Ok(Ended::OutOfMemory);
    }
    let code = state.and_then(|state| state.exit_code);
    let error = state.and_then(|state| state.error.clone()).unwrap_or_default();
    let said = format!("the container was ended from outside (exit code {code:?}, engine error `{error}`)");
    Err(failed("watch the program", Said(said)))
}

fn not_started(step: &str, errno: i32, command: &[String], image: &Image) -> SandboxError {
    let program = command.first().cloned().unwrap_or_default();
    if step == "exec" && matches!(errno, ENOENT | EACCES | ENOEXEC | ENOTDIR) {
        let mend = format!("the image {} must hold it as an executable file; name another with --image", image.name);
        return SandboxError::NoProgram { backend: BACKEND, program, mend };
    }
    let action = if step == "cwd" { "enter the working directory".to_owned() } else { format!("start `{program}`") };
    failed(&action, io::Error::from_raw_os_error(errno))
}

/// What the run used.
pub(super) fn metrics(seen: &Seen) -> Metrics {
    let counters = seen.watch.last();
    let (pids_peak, pids_sampled) = seen.watch.pids_peak(u64::from(KEEPER_PIDS));
    Metrics {
        wall: seen.wall,
        cpu: seen.watch.cpu(),
        memory_peak_bytes: counters.memory_peak_bytes,
        pids_peak,
        oom_kills: counters.oom_kills,
        sampled: !seen.counted_at_end || pids_sampled,
    }
}

/// Takes the output files. Every process is dead; the folder lives on through its descriptor.
pub(super) fn collect(out: Option<&OwnedFd>, job: &Job) -> Result<Collected, SandboxError> {
    let (Some(out), Some(into)) = (out, &job.collect_into) else { return Ok(Collected::default()) };
    let limits =
        CollectLimits { bytes_max: job.limits.out_bytes, files_max: job.limits.out_files, depth_max: OUT_DEPTH_MAX };
    collect_folder(out.as_fd(), into, limits).map_err(|error| failed("collect the output files", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(oom_kills: Option<u64>) -> Counters {
        Counters { oom_kills, ..Counters::default() }
    }

    fn state(oom_killed: bool) -> ContainerState {
        ContainerState { oom_killed: Some(oom_killed), exit_code: Some(137), ..ContainerState::default() }
    }

    #[test]
    fn an_end_is_read_from_the_wait_status_and_the_counter() {
        let cases = [
            (0, None, false, Ended::Exited(0)),
            (137 << 8, Some(0), false, Ended::Exited(137)),
            // A child was killed for memory; the program itself ended with a code.
            (137 << 8, Some(1), true, Ended::Exited(137)),
            (9, Some(0), false, Ended::Signaled(9)),
            (9, Some(0), true, Ended::Signaled(9)),
            (9, Some(1), false, Ended::OutOfMemory),
            (9, None, true, Ended::OutOfMemory),
            (9, None, false, Ended::Signaled(9)),
            (11 | 0x80, Some(3), true, Ended::Signaled(11)),
        ];
        for (status, kills, flag, expected) in cases {
            assert_eq!(from_status(status, counters(kills), Some(&state(flag))), expected, "{status} {kills:?} {flag}");
        }
    }

    #[test]
    fn a_lost_keeper_is_an_error_unless_memory_ended_it() {
        assert_eq!(lost(counters(None), Some(&state(true))).unwrap(), Ended::OutOfMemory);
        assert_eq!(lost(counters(Some(1)), Some(&state(false))).unwrap(), Ended::OutOfMemory);
        assert!(lost(counters(Some(0)), Some(&state(false))).is_err());
        assert!(lost(counters(None), None).is_err());
    }
}
