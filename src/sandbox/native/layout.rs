//! What a run can see of the host: the least that an interpreter needs, and what the job names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use super::container::{Kind, Waiting};
use super::interpreter::{Found, is_system, is_system_package_folder, system_package_folders};
use super::spec::{Bind, Lent, Net, View, Walls};
use crate::sandbox::{HOME_DIR, Job, OUT_DIR, TMP_DIR, WORK_DIR};

/// Folders of the root that hold programs and libraries; links to `/usr` on most hosts.
const SYSTEM_FOLDERS: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// Parts of /etc that libraries read, none of which tells of the host's users or secrets.
const ETC: [&str; 8] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/pki/tls/certs",
    "/etc/ssl/certs",
];
/// What libraries read beside, where it is the host's own that they find and not what is made for them.
const ETC_OF_HOST: [&str; 7] = [
    "/etc/debian_version",
    "/etc/hosts",
    "/etc/lsb-release",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/redhat-release",
    "/etc/ssl/openssl.cnf",
];
/// How the folders begin in which a system's Pythons have their settings (`sitecustomize`).
const ETC_OF_PYTHON: &str = "python3";
/// How names are resolved, for a run with the host's network.
const RESOLVERS: &str = "/etc/resolv.conf";
/// Places of the sandbox's own, on or below which nothing of a job can be mounted.
const RESERVED: [&str; 7] = [OUT_DIR, TMP_DIR, "/dev", "/etc", "/proc", "/sys", "/usr"];
/// Where commands are looked up, after the interpreters' own folders.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What every run of this kind can see, whatever it executes.
pub(super) fn view_of(kind: &Kind) -> View {
    let mut view = view(kind.host_packages, kind.net, kind.walls);
    if let Some(Waiting { lent, .. }) = &kind.waiting {
        view.lent.binds.extend_from_slice(&lent.binds);
        view.lent.hidden.extend_from_slice(&lent.hidden);
    }
    view
}

fn view(host_packages: bool, net: Net, walls: Walls) -> View {
    let mut view = View { folders: vec![WORK_DIR.to_owned()], files: files(net), ..View::default() };
    let binds = &mut view.lent.binds;
    binds.extend(bind(Path::new("/usr")));
    for folder in SYSTEM_FOLDERS {
        match std::fs::read_link(folder) {
            Ok(target) => view.links.push((folder.to_owned(), target.to_string_lossy().into_owned())),
            Err(_) => binds.extend(bind(Path::new(folder))),
        }
    }
    binds.extend(ETC.iter().filter_map(|path| bind(Path::new(path))));
    if walls == Walls::Landlock {
        binds.extend(ETC_OF_HOST.iter().filter_map(|path| bind(Path::new(path))));
        let entries = std::fs::read_dir("/etc").into_iter().flatten().flatten();
        let of_python = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(ETC_OF_PYTHON));
        binds.extend(of_python.filter_map(|entry| bind(&entry.path())));
        binds.extend(bind(Path::new(RESOLVERS)).filter(|_| net == Net::Full));
    }
    if !host_packages {
        let folders = system_package_folders();
        view.lent.hidden.extend(folders.iter().filter_map(|path| path.to_str().map(str::to_owned)));
    }
    view
}

/// What the interpreters `found` need beside, and what of theirs is covered.
pub(super) fn interpreters(found: &[Found], host_packages: bool) -> Lent {
    let mut lent = Lent::default();
    for interpreter in found {
        lent.binds.extend(interpreter.needs.iter().filter_map(|path| bind(path)));
        if let (true, Some((environment, _))) = (host_packages, &interpreter.environment) {
            lent.binds.extend(bind(environment).filter(|_| !is_system(environment)));
        }
    }
    lent.binds.dedup();
    if !host_packages {
        let folders: BTreeSet<_> = found.iter().flat_map(|found| &found.packages).collect();
        let seen = folders.into_iter().filter(|path| is_seen(&lent.binds, path) || is_elsewhere_in_system(path));
        lent.hidden = seen.filter_map(|path| path.to_str().map(str::to_owned)).collect();
    }
    lent
}

/// The program's environment: the job's own, and where commands are found if it does not say.
pub(super) fn environment(job: &Job, found: &[Found]) -> BTreeMap<String, String> {
    let mut env = job.env.clone();
    env.entry("PATH".to_owned()).or_insert_with(|| {
        let folders = found.iter().filter_map(|found| Path::new(&found.info.path).parent()?.to_str());
        let mut folders: Vec<&str> = folders.filter(|folder| *folder != "/usr/bin").collect();
        folders.push(PATH);
        folders.join(":")
    });
    env
}

/// Whether a package folder is in what every run sees and not among those that are covered in every run.
fn is_elsewhere_in_system(path: &Path) -> bool {
    is_system(path) && !is_system_package_folder(path)
}

fn is_seen(binds: &[Bind], path: &Path) -> bool {
    binds.iter().any(|bind| path.starts_with(&bind.inside))
}

/// Shows a host path at its own place, where it exists.
fn bind(path: &Path) -> Option<Bind> {
    let folder = path.metadata().ok()?.is_dir();
    let path = path.to_str()?.to_owned();
    Some(Bind { host: path.clone(), inside: path, folder, own: false })
}

/// The host paths that a job names; the error says which of them cannot be mounted.
pub(super) fn mounts(job: &Job) -> Result<Vec<Bind>, String> {
    let mut binds = Vec::new();
    for mount in &job.mounts {
        let inside = Path::new(&mount.inside);
        let plain = inside.components().skip(1).all(|part| matches!(part, Component::Normal(_)));
        if !inside.is_absolute() || !plain || inside == Path::new("/") {
            return Err(format!("mount on `{}`, which is not a plain absolute path", mount.inside));
        }
        if RESERVED.iter().any(|reserved| inside.starts_with(reserved)) {
            return Err(format!("mount on `{}`, which belongs to the sandbox", mount.inside));
        }
        let host =
            mount.host.to_str().ok_or_else(|| format!("mount `{}`, which is not UTF-8", mount.host.display()))?;
        let metadata = mount.host.metadata().map_err(|error| format!("mount `{host}` ({error})"))?;
        let folder = metadata.is_dir();
        binds.push(Bind { host: host.to_owned(), inside: mount.inside.clone(), folder, own: true });
    }
    binds.sort_by(|a, b| a.inside.cmp(&b.inside));
    Ok(binds)
}

/// The small files that a C library wants, with nothing of the host in them.
fn files(net: Net) -> Vec<(String, String)> {
    let mut files = vec![
        ("/etc/passwd".to_owned(), format!("sandbox:x:1000:1000:sandbox:{HOME_DIR}:/bin/sh\n")),
        ("/etc/group".to_owned(), "sandbox:x:1000:\n".to_owned()),
        ("/etc/hosts".to_owned(), "127.0.0.1 localhost\n::1 localhost\n".to_owned()),
        ("/etc/nsswitch.conf".to_owned(), "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
    ];
    if let (Net::Full, Ok(resolvers)) = (net, std::fs::read_to_string(RESOLVERS)) {
        files.push((RESOLVERS.to_owned(), resolvers));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Limits, Mount, Network, Program};

    fn job(inside: &str) -> Job {
        Job {
            program: Program::Command("true".to_owned()),
            args: vec![],
            env: BTreeMap::new(),
            cwd: WORK_DIR.to_owned(),
            stdin: vec![],
            mounts: vec![Mount { host: "/usr".into(), inside: inside.to_owned() }],
            host_packages: false,
            collect_into: None,
            network: Network::None,
            limits: Limits::default(),
            trace: false,
        }
    }

    #[test]
    fn a_mount_cannot_cover_what_belongs_to_the_sandbox() {
        for inside in ["/proc", "/proc/self", "/etc/passwd", "/tmp/x", "/out", "/", "work", "/work/../proc", "/usr/bin"]
        {
            assert!(mounts(&job(inside)).is_err(), "{inside}");
        }
        for inside in ["/work", "/deps", "/work/a/b", "/opt/data"] {
            assert!(mounts(&job(inside)).is_ok(), "{inside}");
        }
    }

    #[test]
    fn nothing_of_the_host_is_seen_but_programs_and_libraries() {
        let view = view(false, Net::None, Walls::Namespaces);
        for bind in &view.lent.binds {
            let known = is_system(Path::new(&bind.inside)) || ETC.contains(&&*bind.inside);
            assert!(known, "{bind:?}");
        }
        assert!(view.files.iter().all(|(path, _)| path != "/etc/resolv.conf"));
    }

    #[test]
    fn a_path_of_the_job_is_kept() {
        let mut job = job("/work");
        assert_eq!(environment(&job, &[])["PATH"], PATH);
        job.env.insert("PATH".to_owned(), "/x".to_owned());
        assert_eq!(environment(&job, &[])["PATH"], "/x");
    }
}
