//! What others start a program in.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{Start, Started, succeeds};

const IMAGE: &str = "vetrun-sandbox:latest";

/// What else is there to start a program in.
pub(super) fn peers(started: &Started) -> Vec<(&'static str, Start<'_>)> {
    let mut peers: Vec<(&'static str, Start<'_>)> = Vec::new();
    // They see the host's own files.
    let in_place = |word: &String| match &started.folder {
        Some(folder) if word.ends_with(".py") => folder.join(word).display().to_string(),
        _ => word.clone(),
    };
    let args: Vec<String> = started.args.iter().map(in_place).collect();
    let with = |command: &'static [&'static str]| -> Start<'_> {
        let args = args.clone();
        Box::new(move || succeeds(Command::new(command[0]).args(&command[1..]).arg(&started.program).args(&args)))
    };
    const BWRAP: &[&str] = &[
        "bwrap",
        "--unshare-all",
        "--cap-drop",
        "ALL",
        "--die-with-parent",
        "--new-session",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--clearenv",
    ];
    const NSJAIL: &[&str] = &["nsjail", "-q", "-Mo", "--chroot", "/", "--"];
    const DOCKER: &[&str] = &[
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        "--read-only",
        "--pids-limit",
        "100",
        "--memory",
        "256m",
        "--memory-swap",
        "256m",
        IMAGE,
    ];
    for (name, command) in [("bwrap", BWRAP), ("nsjail", NSJAIL)] {
        if Command::new(command[0]).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
            peers.push((name, with(command)));
        }
    }
    for runtime in ["crun", "runc"] {
        // One that refuses this host's control groups is left out.
        if let Some(start) = bundled(runtime, started, &args).filter(|start| start().is_ok()) {
            peers.push((runtime, start));
        }
    }
    let has_image = succeeds(Command::new("docker").args(["image", "inspect", IMAGE])).is_ok();
    if has_image && started.folder.is_none() {
        let words: Vec<&str> = if args.is_empty() { vec!["/bin/true"] } else { vec!["python3"] };
        peers.push((
            "docker",
            Box::new(move || succeeds(Command::new(DOCKER[0]).args(&DOCKER[1..]).args(&words).args(&args))),
        ));
    }
    peers
}

/// What an OCI runtime is told: namespaces of every kind but of users, a root folder of binds, limits, no capability.
fn bundled<'a>(runtime: &'static str, started: &'a Started, args: &[String]) -> Option<Start<'a>> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let bundle = tempfile::tempdir().ok()?;
    let root = bundle.path().join("rootfs");
    let folder = started.folder.as_deref().map(|folder| folder.to_str()).unwrap_or(Some("/usr"))?;
    let bind = |path: &str| json!({ "destination": path, "source": path, "type": "bind", "options": ["rbind", "ro"] });
    let fresh = |kind: &str, path: &str| json!({ "destination": path, "source": kind, "type": kind });
    for (link, target) in [("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")] {
        std::fs::create_dir_all(&root).and_then(|()| std::os::unix::fs::symlink(target, root.join(link))).ok()?;
    }
    let mut mounts = vec![fresh("proc", "/proc"), fresh("tmpfs", "/tmp"), fresh("tmpfs", "/dev"), bind("/usr")];
    // Where the interpreter is.
    let prefix = Path::new(&started.program).ancestors().nth(2).and_then(Path::to_str);
    let others =
        [Some(folder), prefix].into_iter().flatten().filter(|path| !path.starts_with("/usr") && path.len() > 1);
    mounts.extend(others.map(bind));
    let command: Vec<&String> = std::iter::once(&started.program).chain(args).collect();
    let settings = json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": { "uid": 65534, "gid": 65534 },
            "args": command,
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
            "noNewPrivileges": true,
            "capabilities": {},
        },
        "root": { "path": "rootfs", "readonly": true },
        "mounts": mounts,
        "linux": {
            "namespaces": (["pid", "ipc", "uts", "mount", "network"]).map(|kind| json!({ "type": kind })),
            "resources": { "memory": { "limit": 256 << 20 }, "pids": { "limit": 100 } },
        },
    });
    std::fs::write(bundle.path().join("config.json"), settings.to_string()).ok()?;
    Some(Box::new(move || {
        let name = format!("vetrun-bench-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        succeeds(Command::new(runtime).arg("run").arg("--bundle").arg(bundle.path()).arg(name))
    }))
}
