//! The container's own counters, read from this host's control group files: engines do not tell peaks, and their flag
//! for memory kills says nothing of who was killed.
//!
//! Only where the engine runs on this host. The group is found through the keeper's process id and taken only when its
//! path names the container, so a number that means another process here is never believed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where control groups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// What the counters say at one moment; `None` where this host has no such counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) memory_peak_bytes: Option<u64>,
    pub(super) oom_kills: Option<u64>,
    pub(super) cpu: Option<Duration>,
    pub(super) pids: Option<u64>,
    /// The kernel's own peak of processes; older kernels have none.
    pub(super) pids_peak: Option<u64>,
}

/// The control groups of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// One folder for each controller.
    V1 { memory: Option<PathBuf>, cpu: Option<PathBuf>, pids: Option<PathBuf> },
    /// One folder for all.
    V2(PathBuf),
}

impl Groups {
    /// The groups of process `pid`, when they are those of container `id`.
    pub(super) fn find(pid: i32, id: &str) -> Option<Self> {
        let membership = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        Self::from_membership(&membership, id, Path::new(ROOT))
    }

    fn from_membership(membership: &str, id: &str, root: &Path) -> Option<Self> {
        let (mut memory, mut cpu, mut pids, mut unified) = (None, None, None, None);
        for line in membership.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
            if !path.contains(id) || path.contains("..") {
                continue;
            }
            let inside = path.trim_start_matches('/');
            if controllers.is_empty() {
                unified = Some(root.join(inside));
            }
            for controller in controllers.split(',') {
                let slot = match controller {
                    "memory" => &mut memory,
                    "cpuacct" => &mut cpu,
                    "pids" => &mut pids,
                    _ => continue,
                };
                *slot = Some(root.join(controller).join(inside));
            }
        }
        if memory.is_some() || cpu.is_some() || pids.is_some() {
            return Some(Self::V1 { memory, cpu, pids });
        }
        unified.map(Self::V2)
    }

    /// Reads all counters. Each is `None` when the group is gone.
    pub(super) fn read(&self) -> Counters {
        match self {
            Self::V1 { memory, cpu, pids } => Counters {
                memory_peak_bytes: memory.as_ref().and_then(|at| number(&at.join("memory.max_usage_in_bytes"))),
                oom_kills: memory.as_ref().and_then(|at| field(&at.join("memory.oom_control"), "oom_kill")),
                cpu: cpu.as_ref().and_then(|at| number(&at.join("cpuacct.usage"))).map(Duration::from_nanos),
                pids: pids.as_ref().and_then(|at| number(&at.join("pids.current"))),
                pids_peak: pids.as_ref().and_then(|at| number(&at.join("pids.peak"))),
            },
            Self::V2(at) => Counters {
                memory_peak_bytes: number(&at.join("memory.peak")),
                oom_kills: field(&at.join("memory.events"), "oom_kill"),
                cpu: field(&at.join("cpu.stat"), "usage_usec").map(Duration::from_micros),
                pids: number(&at.join("pids.current")),
                pids_peak: number(&at.join("pids.peak")),
            },
        }
    }
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn field(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// The counters of a run: the last that were read, and the highest of those that rise and fall.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    groups: Option<Groups>,
    first: Counters,
    last: Counters,
    pids_seen: Option<u64>,
}

impl Watch {
    /// Begins to watch; the counters so far are the keeper's own.
    pub(super) fn start(groups: Groups) -> Self {
        let first = groups.read();
        Self { groups: Some(groups), first, last: first, pids_seen: first.pids }
    }

    /// Begins with counters that somebody else tells.
    pub(super) fn told(first: Counters) -> Self {
        Self { groups: None, first, last: first, pids_seen: None }
    }

    /// Whether the counters are read from this host's own files.
    pub(super) fn is_close(&self) -> bool {
        self.groups.is_some()
    }

    /// Reads the counters.
    pub(super) fn sample(&mut self) {
        if let Some(groups) = &self.groups {
            self.take(groups.read());
        }
    }

    /// Takes counters. What is gone keeps its last value.
    pub(super) fn take(&mut self, now: Counters) {
        let last = self.last;
        self.pids_seen = self.pids_seen.max(now.pids);
        self.last = Counters {
            memory_peak_bytes: now.memory_peak_bytes.or(last.memory_peak_bytes),
            oom_kills: now.oom_kills.or(last.oom_kills),
            cpu: now.cpu.or(last.cpu),
            pids: now.pids.or(last.pids),
            pids_peak: now.pids_peak.or(last.pids_peak),
        };
    }

    /// The counters as last read.
    pub(super) fn last(&self) -> Counters {
        self.last
    }

    /// Processor time since the start.
    pub(super) fn cpu(&self) -> Option<Duration> {
        Some(self.last.cpu?.saturating_sub(self.first.cpu.unwrap_or_default()))
    }

    /// The highest count of processes, the keeper not counted, and whether it was sampled.
    ///
    /// The engine starts the container with a process of several threads in the same group. The kernel's own peak says
    /// something of the program only when it rose above what that start left.
    pub(super) fn pids_peak(&self, keeper: u64) -> (Option<u64>, bool) {
        let exact = self.last.pids_peak.filter(|peak| Some(*peak) > self.first.pids_peak);
        let count = exact.or(self.pids_seen).map(|count| count.saturating_sub(keeper).max(1));
        (count, exact.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_taken_only_when_they_name_the_container() {
        let root = Path::new("/cg");
        let v1 = "9:pids:/docker/abc\n4:memory:/docker/abc\n3:cpuacct,cpu:/docker/abc\n0::/docker/abc\n";
        let expected = Groups::V1 {
            memory: Some("/cg/memory/docker/abc".into()),
            cpu: Some("/cg/cpuacct/docker/abc".into()),
            pids: Some("/cg/pids/docker/abc".into()),
        };
        assert_eq!(Groups::from_membership(v1, "abc", root), Some(expected));
        let v2 = "0::/system.slice/docker-abc.scope\n";
        let expected = Groups::V2("/cg/system.slice/docker-abc.scope".into());
        assert_eq!(Groups::from_membership(v2, "abc", root), Some(expected));
        for other in ["", "0::/\n", "0::/system.slice/docker-xyz.scope\n", "4:memory:/../abc\n", "nonsense"] {
            assert_eq!(Groups::from_membership(other, "abc", root), None, "{other:?}");
        }
    }

    #[test]
    fn a_peak_of_the_start_is_not_the_programs() {
        let counters = |pids_peak| Counters { pids_peak, ..Counters::default() };
        let cases = [
            (Some(6), Some(6), Some(3), (Some(2), true)),
            (Some(6), Some(21), Some(3), (Some(20), false)),
            (Some(6), Some(6), Some(1), (Some(1), true)),
            (None, None, Some(4), (Some(3), true)),
            (None, None, None, (None, true)),
        ];
        for (first, last, pids_seen, expected) in cases {
            let watch = Watch { groups: None, first: counters(first), last: counters(last), pids_seen };
            assert_eq!(watch.pids_peak(1), expected, "{first:?} {last:?} {pids_seen:?}");
        }
    }
}
