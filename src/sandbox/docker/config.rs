//! From a job to the container's configuration: every restriction that the engine is asked for stands here.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig, Mount as EngineMount,
    MountBindOptions, MountBindOptionsPropagationEnum, MountType, MountVolumeOptions, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};

use super::engine::Features;
use super::folder::Shown;
use super::image::Image;
use super::sweep;
use crate::sandbox::agent::AGENT;
use crate::sandbox::{GATEWAY_PORT, HOME_DIR, Job, Limits, Network, OUT_DIR, TMP_DIR, WORK_DIR};

/// The keeper's text; it is handed to the image's own interpreter.
const KEEPER: &str = concat!(include_str!("../agent/common.py"), include_str!("keeper.py"));
/// Where the keeper finds its socket.
pub(super) const SOCKET_INSIDE: &str = "/run/vetrun.socket";
/// `nobody` of every distribution; the number, because an image need not know the name.
const NOBODY: u32 = 65534;
/// Files and folders in the scratch folder, beside its byte limit: names alone must not fill the kernel's memory.
const TMP_FILES_MAX: u32 = 65536;
/// Hidden from programs: what engines hide by themselves, and beyond that all of `/sys`, message queues (which no limit
/// counts) and what tells of the host's work.
const MASKED: &[&str] = &[
    "/dev/mqueue",
    "/proc/acpi",
    "/proc/asound",
    "/proc/diskstats",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys",
];
/// Processes of one user on the whole host: as many as there are by default.
const PODMAN_PROCESSES: i64 = 32768;
/// The keeper is one process more than the job was given.
pub(super) const KEEPER_PIDS: u32 = 1;

/// How a container is tied to vetrun.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ties<'a> {
    /// By folders and a socket that both see: mounts as they were staged, and the path of the keeper's socket at the engine.
    Shared { mounts: &'a [Shown], socket: &'a str },
    /// By its standard streams alone; what it is to read is put into volumes at these places.
    Streams { volumes: &'a [String] },
}

impl Ties<'_> {
    /// Whether something of vetrun's is at this place inside.
    fn shows(&self, inside: &str) -> bool {
        match self {
            Self::Shared { mounts, .. } => mounts.iter().any(|mount| mount.inside == inside),
            Self::Streams { volumes } => volumes.iter().any(|volume| volume == inside),
        }
    }

    /// What the container's first process is.
    fn entrypoint(&self, job: &Job) -> Vec<String> {
        let interpreter = ["python3", "-I", "-S", "-B", "-c"];
        let port = if matches!(job.network, Network::Gateway(_)) { GATEWAY_PORT } else { 0 }.to_string();
        let rest = match self {
            Self::Shared { .. } => vec![KEEPER, SOCKET_INSIDE, &port, OUT_DIR, HOME_DIR],
            Self::Streams { .. } => vec![AGENT, HOME_DIR],
        };
        interpreter.into_iter().chain(rest).map(str::to_owned).collect()
    }
}

/// The container for `job`, under this filter of system calls (its text, or its path at an engine that reads it from a file).
pub(super) fn container(
    job: &Job,
    ties: Ties<'_>,
    image: &Image,
    features: &Features,
    seccomp: &str,
) -> ContainerCreateBody {
    let stdin = !job.stdin.is_empty() || matches!(ties, Ties::Streams { .. });
    let (uid, gid) = match ties {
        Ties::Shared { .. } => user(),
        // Nothing is shared, so the number means nothing here.
        Ties::Streams { .. } => (NOBODY, NOBODY),
    };
    ContainerCreateBody {
        image: Some(image.id.clone()),
        entrypoint: Some(ties.entrypoint(job)),
        cmd: Some(Vec::new()),
        env: Some(vec![format!("PATH={}", image.path)]),
        hostname: Some("sandbox".to_owned()),
        user: Some(format!("{uid}:{gid}")),
        working_dir: Some("/".to_owned()),
        tty: Some(false),
        attach_stdin: Some(stdin),
        open_stdin: Some(stdin),
        stdin_once: Some(stdin),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        network_disabled: Some(!matches!(job.network, Network::Full)),
        stop_timeout: Some(0),
        labels: Some(sweep::labels(&job.limits)),
        host_config: Some(host_config(job, ties, features, seccomp)),
        ..ContainerCreateBody::default()
    }
}

/// The numbers of the user and the group that programs run under: an ordinary user's own, so that it can read what they
/// leave; root's never.
pub(super) fn user() -> (u32, u32) {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    if uid.is_root() { (NOBODY, NOBODY) } else { (uid.as_raw(), gid.as_raw()) }
}

fn host_config(job: &Job, ties: Ties<'_>, features: &Features, seccomp: &str) -> HostConfig {
    let limits = &job.limits;
    let memory = signed(limits.memory_bytes);
    HostConfig {
        network_mode: Some(if matches!(job.network, Network::Full) { "bridge" } else { "none" }.to_owned()),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(security(features, seccomp)),
        privileged: Some(false),
        readonly_rootfs: Some(true),
        memory: Some(memory),
        memory_swap: Some(memory),
        memory_swappiness: (features.cgroup_version == Some(1)).then_some(0),
        nano_cpus: Some(nano_cpus(limits.cpus)),
        pids_limit: Some(i64::from(limits.pids.saturating_add(KEEPER_PIDS))),
        ulimits: Some(ulimits(limits, features)),
        oom_score_adj: Some(500),
        ipc_mode: Some("private".to_owned()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        shm_size: Some(signed(limits.tmp_bytes)),
        tmpfs: Some(tmpfs(limits, ties, features)),
        masked_paths: Some(MASKED.iter().map(|&path| path.to_owned()).collect()),
        mounts: Some(mounts(ties, features)),
        // The keeper reaps processes, and vetrun reads the streams as they come.
        init: Some(false),
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        runtime: features.runtime.clone(),
        auto_remove: Some(false),
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        ..HostConfig::default()
    }
}

fn security(features: &Features, seccomp: &str) -> Vec<String> {
    let mut options = vec!["no-new-privileges".to_owned()];
    if features.seccomp {
        options.push(format!("seccomp={seccomp}"));
    }
    if features.is_podman {
        // It does not hear the field of the interface that says this.
        options.push(format!("mask={}", MASKED.join(":")));
    }
    options
}

/// The writable folders; and the folder for inputs, which is there even when nothing is mounted in it.
fn tmpfs(limits: &Limits, ties: Ties<'_>, features: &Features) -> HashMap<String, String> {
    let options = |bytes: u64, files: u32| {
        let files = format!(",nr_inodes={}", files.saturating_add(1));
        let files = if features.is_podman { "" } else { &files };
        format!("rw,noexec,nosuid,nodev,size={bytes},mode=1777{files}")
    };
    let mut folders = HashMap::from([
        (TMP_DIR.to_owned(), options(limits.tmp_bytes, TMP_FILES_MAX)),
        (OUT_DIR.to_owned(), options(limits.out_bytes, limits.out_files)),
    ]);
    if features.is_podman {
        // It makes folders of a read-only root writable by itself, but for those that are spoken for.
        folders.insert("/var/tmp".to_owned(), "ro,noexec,nosuid,nodev,size=64k,mode=0555".to_owned());
    }
    if !ties.shows(WORK_DIR) {
        // Root's, so that the program cannot write it; the engine must be able to make mount points in it.
        folders.insert(WORK_DIR.to_owned(), "rw,noexec,nosuid,nodev,size=64k,mode=0555".to_owned());
    }
    folders
}

fn mounts(ties: Ties<'_>, features: &Features) -> Vec<EngineMount> {
    match ties {
        Ties::Shared { mounts, socket } => {
            let shown = mounts.iter().map(|mount| bind(&mount.outside, &mount.inside, features));
            shown.chain([bind(socket, SOCKET_INSIDE, features)]).collect()
        }
        Ties::Streams { volumes } => volumes.iter().map(|inside| volume(inside)).collect(),
    }
}

/// A volume that goes with its container. It must be writable for the engine to put files into it; they are root's, so that
/// no program can write them.
fn volume(inside: &str) -> EngineMount {
    EngineMount {
        typ: Some(MountType::VOLUME),
        target: Some(inside.to_owned()),
        read_only: Some(false),
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..MountVolumeOptions::default() }),
        ..EngineMount::default()
    }
}

/// Read-only, and without what else may be mounted below the folder.
fn bind(outside: &str, inside: &str, features: &Features) -> EngineMount {
    let is_engines_own =
        !features.root.is_empty() && outside.strip_prefix(&features.root).is_some_and(|below| below.starts_with('/'));
    EngineMount {
        typ: Some(MountType::BIND),
        source: Some(outside.to_owned()),
        target: Some(inside.to_owned()),
        read_only: Some(true),
        bind_options: Some(MountBindOptions {
            // Of what is its own (volumes, roots of containers) an engine wants to be able to unmount what it mounts there.
            propagation: Some(if is_engines_own {
                MountBindOptionsPropagationEnum::RSLAVE
            } else {
                MountBindOptionsPropagationEnum::RPRIVATE
            }),
            non_recursive: Some(true),
            ..MountBindOptions::default()
        }),
        ..EngineMount::default()
    }
}

fn ulimits(limits: &Limits, features: &Features) -> Vec<ResourcesUlimits> {
    let limit =
        |name: &str, value: i64| ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) };
    let mut all = vec![
        limit("nofile", i64::from(limits.open_files)),
        limit("fsize", signed(limits.file_bytes)),
        limit("core", 0),
        // Message queues are counted by user, and all runs have the same.
        limit("msgqueue", 0),
    ];
    if features.is_podman {
        // Unasked, Podman raises this one, which not every root may do. The control group is what limits processes.
        all.push(limit("nproc", PODMAN_PROCESSES));
    }
    all
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Billionths of a processor, at least one hundredth of one, which is the least that engines take.
fn nano_cpus(cpus: f64) -> i64 {
    // A float-to-integer cast saturates; a job asks for a handful of processors.
    (cpus.max(0.01) * 1e9) as i64
}

#[cfg(test)]
mod tests {
    use bollard::models::SystemInfo;

    use super::*;
    use crate::sandbox::Interpreter;
    use crate::sandbox::docker::interpreter::question;

    fn made(is_podman: bool) -> HostConfig {
        let features = Features { is_podman, root: "/data".to_owned(), ..Features::from_info(&SystemInfo::default()) };
        let mounts = ["/data/overlay/merged/x", "/database/x"];
        let mounts = mounts.map(|path| Shown { outside: path.to_owned(), inside: WORK_DIR.to_owned() });
        let ties = Ties::Shared { mounts: &mounts, socket: "/tmp/socket" };
        host_config(&question(Interpreter::Python), ties, &features, "")
    }

    #[test]
    fn podman_is_told_in_its_own_words() {
        let (docker, podman) = (made(false), made(true));
        let masks = |made: &HostConfig| made.security_opt.iter().flatten().any(|option| option.contains(":/sys"));
        assert!(masks(&podman) && !masks(&docker));
        let tmpfs = |made: &HostConfig, at: &str| made.tmpfs.as_ref().and_then(|all| all.get(at).cloned());
        assert!(tmpfs(&podman, "/var/tmp").is_some_and(|options| options.starts_with("ro,")));
        assert_eq!(tmpfs(&docker, "/var/tmp"), None);
        let counts = |made: &HostConfig| tmpfs(made, OUT_DIR).is_some_and(|options| options.contains("nr_inodes="));
        assert!(counts(&docker) && !counts(&podman));
        let names =
            |made: &HostConfig| made.ulimits.iter().flatten().any(|limit| limit.name.as_deref() == Some("nproc"));
        assert!(names(&podman) && !names(&docker));
    }

    #[test]
    fn what_is_the_engines_own_is_bound_so_that_it_can_unmount_it() {
        let made = made(false);
        let propagation = |source: &str| {
            let mount = made.mounts.iter().flatten().find(|mount| mount.source.as_deref() == Some(source));
            mount.and_then(|mount| mount.bind_options.as_ref()?.propagation)
        };
        assert_eq!(propagation("/data/overlay/merged/x"), Some(MountBindOptionsPropagationEnum::RSLAVE));
        assert_eq!(propagation("/database/x"), Some(MountBindOptionsPropagationEnum::RPRIVATE));
    }
}
