//! Control groups: what all processes of a run together may use, and what they used.
//!
//! Version 1 has a tree for each controller, version 2 one tree for all. A run gets one group in each tree that it needs,
//! below the group that vetrun itself is in, so that what limits vetrun limits its runs. The program enters by itself,
//! before it is executed; vetrun's own processes never do. The names tell who made a group, for [`sweep`].

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use super::spec::Entrances;
use crate::sandbox::{Limits, owner};

/// Starts the name of every group that vetrun makes: `vetrun-‹owner's mark›-‹number›`.
const PREFIX: &str = "vetrun-";
/// The period over which the share of processors is counted, in microseconds.
const CPU_PERIOD_US: u64 = 100_000;
/// How long a group may take to become empty after everything in it was killed.
const EMPTY_WITHIN: Duration = Duration::from_secs(2);

/// The controllers of version 1 that a run uses.
const CONTROLLERS: [&str; 4] = ["memory", "pids", "cpu", "cpuacct"];

static NEXT: AtomicU64 = AtomicU64::new(0);

/// The groups of one run. Dropping it kills what is in them and removes them.
#[derive(Debug)]
pub(super) struct Cgroup {
    version: Version,
    /// Controller and folder; version 2 has a single entry, for all.
    folders: Vec<(&'static str, PathBuf)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// What a group has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// The highest memory use, in bytes.
    pub(super) memory_peak_bytes: Option<u64>,
    /// Processor time.
    pub(super) cpu: Option<Duration>,
    /// The highest number of processes and threads.
    pub(super) pids_peak: Option<u64>,
    /// Processes killed for memory.
    pub(super) oom_kills: Option<u64>,
}

impl Cgroup {
    /// Makes the groups of one run and sets their limits; `None` where this host has no controllers that vetrun may use.
    /// All or nothing: without the memory and the process controller there is no group at all.
    pub(super) fn create(limits: &Limits) -> Option<Self> {
        let name = format!("{PREFIX}{}-{}", owner::mark(), NEXT.fetch_add(1, Ordering::Relaxed));
        let (version, parents) = parents()?;
        let mut group = Self { version, folders: Vec::new() };
        for (controller, parent) in parents {
            let folder = parent.join(&name);
            fs::create_dir(&folder).ok()?;
            group.folders.push((controller, folder));
        }
        let set = match version {
            Version::One => group.set_limits_1(limits),
            Version::Two => group.set_limits_2(limits),
        };
        set.ok().map(|()| group)
    }

    /// `cgroup v1` or `cgroup v2`.
    pub(super) fn name(&self) -> &'static str {
        match self.version {
            Version::One => "cgroup v1",
            Version::Two => "cgroup v2",
        }
    }

    /// Whether `controller` limits this run.
    pub(super) fn has(&self, controller: &str) -> bool {
        self.version == Version::Two || self.folder(controller).is_some()
    }

    /// What [`Cgroup::open_entrances`] gives.
    pub(super) fn entrances(&self) -> Entrances {
        match self.version {
            Version::One => Entrances::Files(self.folders.len()),
            Version::Two => Entrances::Folder,
        }
    }

    /// What a process of one thread enters by.
    ///
    /// To move a process, the kernel stops all forks and waits for every processor, some 20 milliseconds
    /// (`cgroup_procs_write_start`, Linux 5.10). A thread that moves itself in version 1 needs no lock, and a process that is
    /// cloned into a group of version 2 is not moved.
    pub(super) fn open_entrances(&self) -> io::Result<Vec<OwnedFd>> {
        let open = |(_, folder): &(_, PathBuf)| match self.version {
            Version::One => fs::OpenOptions::new().write(true).open(folder.join("tasks")),
            Version::Two => fs::File::open(folder),
        };
        self.folders.iter().map(|entry| open(entry).map(OwnedFd::from)).collect()
    }

    /// What was counted until now.
    pub(super) fn counters(&self) -> Counters {
        match self.version {
            Version::One => Counters {
                memory_peak_bytes: self.number("memory", "memory.max_usage_in_bytes"),
                cpu: self.number("cpuacct", "cpuacct.usage").map(Duration::from_nanos),
                pids_peak: self.number("pids", "pids.peak"),
                oom_kills: self.keyed("memory", "memory.oom_control", "oom_kill"),
            },
            Version::Two => Counters {
                memory_peak_bytes: self.number("", "memory.peak"),
                cpu: self.keyed("", "cpu.stat", "usage_usec").map(Duration::from_micros),
                pids_peak: self.number("", "pids.peak"),
                oom_kills: self.keyed("", "memory.events", "oom_kill"),
            },
        }
    }

    /// Whether the kernel keeps the highest number of processes itself.
    pub(super) fn keeps_peak(&self) -> bool {
        self.folder(self.pids_controller()).is_some_and(|folder| folder.join("pids.peak").exists())
    }

    /// How many processes and threads there are now.
    pub(super) fn pids_now(&self) -> Option<u64> {
        self.number(self.pids_controller(), "pids.current")
    }

    /// The controller whose folder counts processes.
    fn pids_controller(&self) -> &'static str {
        if self.version == Version::One { "pids" } else { "" }
    }

    fn set_limits_1(&self, limits: &Limits) -> io::Result<()> {
        let memory = limits.memory_bytes.to_string();
        self.write("memory", "memory.limit_in_bytes", &memory)?;
        // Memory and swap together: no swap is given. Kernels that do not count swap lack the file.
        if self.write("memory", "memory.memsw.limit_in_bytes", &memory).is_err() {
            self.write("memory", "memory.swappiness", "0")?;
        }
        self.write("pids", "pids.max", &limits.pids.to_string())?;
        if self.has("cpu") {
            self.write("cpu", "cpu.cfs_period_us", &CPU_PERIOD_US.to_string())?;
            self.write("cpu", "cpu.cfs_quota_us", &quota_us(limits.cpus).to_string())?;
        }
        Ok(())
    }

    fn set_limits_2(&self, limits: &Limits) -> io::Result<()> {
        self.write("", "memory.max", &limits.memory_bytes.to_string())?;
        // Absent where the kernel does not count swap.
        let _ = self.write("", "memory.swap.max", "0");
        self.write("", "pids.max", &limits.pids.to_string())?;
        self.write("", "cpu.max", &format!("{} {CPU_PERIOD_US}", quota_us(limits.cpus)))
    }

    fn folder(&self, controller: &str) -> Option<&Path> {
        self.folders.iter().find(|(name, _)| *name == controller).map(|(_, folder)| folder.as_path())
    }

    fn write(&self, controller: &str, file: &str, text: &str) -> io::Result<()> {
        let folder = self.folder(controller).ok_or(io::ErrorKind::NotFound)?;
        fs::write(folder.join(file), text)
    }

    fn number(&self, controller: &str, file: &str) -> Option<u64> {
        fs::read_to_string(self.folder(controller)?.join(file)).ok()?.trim().parse().ok()
    }

    fn keyed(&self, controller: &str, file: &str, key: &str) -> Option<u64> {
        keyed(&fs::read_to_string(self.folder(controller)?.join(file)).ok()?, key)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for (_, folder) in &self.folders {
            empty_and_remove(folder);
        }
    }
}

/// Enters control groups by what [`Cgroup::open_entrances`] gave: "0" is whoever writes. For files, the right to write came
/// with the descriptor, from before the ids changed.
pub(super) fn enter(kind: Entrances, entrances: &[OwnedFd]) -> io::Result<()> {
    for entrance in entrances {
        match kind {
            Entrances::Files(_) => rustix::io::write(entrance, b"0")?,
            Entrances::Folder => {
                let flags = OFlags::WRONLY | OFlags::CLOEXEC;
                rustix::io::write(rustix::fs::openat(entrance, "cgroup.procs", flags, Mode::empty())?, b"0")?
            }
        };
    }
    Ok(())
}

/// The value of `key` in a file of `key value` lines.
fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// A share of processors as microseconds of each period; the kernel takes no less than a thousand.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a range that fits")]
fn quota_us(cpus: f64) -> u64 {
    (cpus * CPU_PERIOD_US as f64).clamp(1000.0, 1e12) as u64
}

/// Kills everything in a group until it is empty, and removes it. Where that fails, [`sweep`] finds it later.
fn empty_and_remove(folder: &Path) {
    let deadline = Instant::now() + EMPTY_WITHIN;
    while fs::remove_dir(folder).is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
        if Instant::now() > deadline {
            return;
        }
        if fs::write(folder.join("cgroup.kill"), "1").is_err() {
            kill_each(folder);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn kill_each(folder: &Path) {
    let processes = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    for pid in processes.lines().filter_map(|line| rustix::process::Pid::from_raw(line.parse().ok()?)) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// Removes the groups of vetrun processes that are gone. Returns how many.
pub(super) fn sweep() -> usize {
    let mut removed = 0;
    for (_, parent) in parents().into_iter().flat_map(|(_, parents)| parents) {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            if name.strip_prefix(PREFIX).is_some_and(owner::is_left_behind) {
                empty_and_remove(&entry.path());
                removed += 1;
            }
        }
    }
    removed
}

/// The folders in which groups can be made: one for each controller of version 1, or one for version 2.
fn parents() -> Option<(Version, Vec<(&'static str, PathBuf)>)> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    parents_1(&mounts, &own).map(|p| (Version::One, p)).or_else(|| parents_2(&mounts, &own).map(|p| (Version::Two, p)))
}

fn parents_1(mounts: &str, own: &str) -> Option<Vec<(&'static str, PathBuf)>> {
    let mut found = Vec::new();
    for controller in CONTROLLERS {
        let mount = mount_points(mounts, "cgroup").find(|(_, _, options)| options.split(',').any(|o| o == controller));
        let path = own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            controllers.split(',').any(|name| name == controller).then_some(path)
        });
        match (mount, path) {
            (Some((root, point, _)), Some(path)) => found.push((controller, own_folder(root, point, path))),
            // A share of processors can be done without; a bound on memory or processes cannot.
            _ if matches!(controller, "cpu" | "cpuacct") => {}
            _ => return None,
        }
    }
    // Controllers that are mounted together share one folder, and so would share one group.
    found.dedup_by(|a, b| a.1 == b.1);
    let distinct = found.iter().enumerate().all(|(i, a)| found[..i].iter().all(|b| a.1 != b.1));
    distinct.then_some(found)
}

/// Version 2 wants no processes in a group that has controllers for its children, so vetrun's own group will not do
/// unless it is the root; the nearest ancestor that hands controllers down is used instead.
fn parents_2(mounts: &str, own: &str) -> Option<Vec<(&'static str, PathBuf)>> {
    let (root, point, _) = mount_points(mounts, "cgroup2").next()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folder = own_folder(root, point, path);
    let top = PathBuf::from(point);
    folder
        .ancestors()
        .take_while(|folder| folder.starts_with(&top))
        .find(|folder| hands_down(folder))
        .map(|folder| vec![("", folder.to_path_buf())])
}

fn hands_down(folder: &Path) -> bool {
    let control = folder.join("cgroup.subtree_control");
    let has = || {
        let text = fs::read_to_string(&control).unwrap_or_default();
        ["memory", "pids", "cpu"].iter().all(|name| text.split_whitespace().any(|given| given == *name))
    };
    // Whoever enters a group must have the right to leave another: that of the nearest group above both.
    let writable = [folder, &folder.join("cgroup.procs")]
        .into_iter()
        .all(|path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok());
    writable && (has() || (fs::write(&control, "+memory +pids +cpu").is_ok() && has()))
}

/// Root, mount point and options of every mount of the type `kind`.
fn mount_points<'a>(mounts: &'a str, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    mounts.lines().filter_map(move |line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (root, point) = (left.next()?, left.next()?);
        let mut right = right.split(' ');
        (right.next()? == kind).then_some((root, point, right.nth(1)?))
    })
}

/// Where this process's own group is in a tree that is mounted at `point` from `root` on. In a container the two may not
/// agree; then the top of what is mounted is what there is.
fn own_folder(root: &str, point: &str, path: &str) -> PathBuf {
    let relative = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
    let folder = Path::new(point).join(relative.strip_prefix("/").unwrap_or(relative));
    if folder.is_dir() { folder } else { PathBuf::from(point) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyed_values_are_found_by_their_whole_key() {
        let text = "oom_kill_disable 0\nunder_oom 1\noom_kill 3\n";
        assert_eq!(keyed(text, "oom_kill"), Some(3));
        assert_eq!(keyed(text, "oom"), None);
    }

    #[test]
    fn shares_become_quotas() {
        for (cpus, quota) in [(0.5, 50_000), (1.0, 100_000), (2.25, 225_000), (0.0, 1000)] {
            assert_eq!(quota_us(cpus), quota);
        }
    }

    /// Version 2 as plain files: what is written is what the kernel documents, what is read is what it would say.
    #[test]
    fn version_two_is_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let group = Cgroup { version: Version::Two, folders: vec![("", folder.path().to_owned())] };
        let limits = Limits { memory_bytes: 1 << 20, pids: 7, cpus: 1.5, ..Limits::default() };
        group.set_limits_2(&limits).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("memory.max"), "1048576");
        assert_eq!(read("memory.swap.max"), "0");
        assert_eq!(read("pids.max"), "7");
        assert_eq!(read("cpu.max"), "150000 100000");
        let files = [
            ("memory.peak", "4096\n"),
            ("cpu.stat", "usage_usec 1500\nuser_usec 1000\n"),
            ("memory.events", "low 0\noom 2\noom_kill 1\noom_group_kill 0\n"),
        ];
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let expected = Counters {
            memory_peak_bytes: Some(4096),
            cpu: Some(Duration::from_micros(1500)),
            pids_peak: None,
            oom_kills: Some(1),
        };
        assert_eq!(group.counters(), expected);
        assert!(!group.keeps_peak());
        // What was made here is no group, so it cannot be removed as one.
        std::mem::forget(group);
    }

    #[test]
    fn controllers_of_version_two_are_handed_down_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("cgroup.subtree_control");
        fs::write(folder.path().join("cgroup.procs"), "").unwrap();
        fs::write(&control, "cpu memory pids hugetlb\n").unwrap();
        assert!(hands_down(folder.path()));
        // A kernel that lacks a controller refuses the request; a file takes it, and still does not name the controller.
        fs::write(&control, "hugetlb\n").unwrap();
        assert!(!hands_down(folder.path()));
        // Nobody may enter what nobody may leave.
        fs::write(&control, "cpu memory pids\n").unwrap();
        fs::remove_file(folder.path().join("cgroup.procs")).unwrap();
        assert!(!hands_down(folder.path()));
    }

    #[test]
    fn mounts_are_read_with_their_roots() {
        let mounts = "35 31 0:32 /a /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n";
        assert_eq!(mount_points(mounts, "cgroup").collect::<Vec<_>>(), [("/a", "/sys/fs/cgroup/memory", "rw,memory")]);
    }
}
