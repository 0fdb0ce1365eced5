//! Where the engine finds a file of vetrun's.
//!
//! Containers are given files by paths as the engine sees them. Where vetrun itself runs in a container of that engine,
//! with the engine's socket mounted, these are other paths: a volume has its own, and the container's root folder lies
//! somewhere among the engine's data. So the engine is asked about the container that vetrun is in. Whoever runs vetrun
//! can also say it: a workspace has one path inside and one outside, which may be a path of Windows.

use std::fs;
use std::path::{Component, Path, PathBuf};

use bollard::Docker;
use bollard::errors::Error as EngineError;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::InspectContainerOptions;

use super::engine::{failed, unavailable};
use super::options::Workspace;
use crate::sandbox::SandboxError;

/// Characters of a container's whole id.
const ID_CHARS: usize = 64;
/// Files that an engine mounts into each of its containers, from a folder that is named after the container.
const ENGINE_FILES: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/// What to do where the engine cannot see a folder.
pub(super) const MEND: &str = "give vetrun a folder that the engine sees too: mount one at the same path and set TMPDIR to it, or \
     name it by EXEC_WORKSPACE_ROOT (here) and HOST_EXEC_WORKSPACE_PATH (there)";

/// How paths are told to the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paths {
    workspace: Option<(PathBuf, Outside)>,
    container: Option<Own>,
}

/// The container that vetrun is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Own {
    /// Where something is mounted; the engine's path of it, where it has one.
    mounted: Vec<(PathBuf, Option<Outside>)>,
    /// The engine's path of the container's root folder, where it has one.
    root: Option<Outside>,
}

/// A folder's path where the engine runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outside(String);

impl Outside {
    /// Takes the forms in which people and tools write a path: of Unix; of Windows, with either slash; and of Windows as
    /// shells on it write it (`//c/work`).
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(r"\\?\").unwrap_or(text);
        let mut chars = text.chars();
        let has_drive = chars.next().is_some_and(|char| char.is_ascii_alphabetic())
            && chars.next() == Some(':')
            && matches!(chars.next(), Some('/' | '\\') | None);
        let is_share = text.starts_with(r"\\");
        let separator = if has_drive || is_share { '\\' } else { '/' };
        let lead = match (has_drive, is_share) {
            (true, _) => String::new(),
            (_, true) => r"\\".to_owned(),
            _ if text.starts_with('/') => "/".to_owned(),
            _ => return None,
        };
        let is_slash = |char: char| char == '/' || (separator == '\\' && char == '\\');
        let parts: Vec<&str> = text.split(is_slash).filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") || text.contains('\0') {
            return None;
        }
        Some(Self(format!("{lead}{}", parts.join(&separator.to_string()))))
    }

    fn join(&self, below: &Path) -> Option<String> {
        let is_windows = !self.0.starts_with('/');
        let separator = if is_windows { '\\' } else { '/' };
        let mut path = self.0.clone();
        for part in below.components() {
            let Component::Normal(name) = part else { return None };
            if !path.ends_with(separator) {
                path.push(separator);
            }
            path.push_str(name.to_str()?);
        }
        if is_windows && path.len() == 2 {
            path.push(separator);
        }
        Some(path)
    }
}

impl Paths {
    /// Finds out how the engine sees this process's files.
    pub(super) async fn discover(client: &Docker, workspace: Option<&Workspace>) -> Result<Self, SandboxError> {
        let workspace = match workspace {
            None => None,
            Some(Workspace { inside, outside }) => {
                let Some(read) = Outside::read(outside) else {
                    let reason = format!("HOST_EXEC_WORKSPACE_PATH is `{outside}`, which is no absolute path");
                    return Err(unavailable(
                        reason,
                        "name the folder as the host of the engine does: /srv/work, C:\\work",
                    ));
                };
                let inside = fs::canonicalize(inside).map_err(|error| failed("find the workspace", error))?;
                Some((inside, read))
            }
        };
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let container = match own_id(&mounts) {
            None => None,
            Some(id) => match client.inspect_container(&id, None::<InspectContainerOptions>).await {
                Ok(found) => Some(Own::new(&mounts, &found)),
                // A container of another engine: this one may run beside vetrun in it, and see what vetrun sees.
                Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => None,
                Err(error) => return Err(failed("ask about the container that vetrun is in", error)),
            },
        };
        Ok(Self { workspace, container })
    }

    /// The engine's path of the file or folder at `path`, which is absolute and without links; `None` where the engine
    /// cannot see it.
    pub(super) fn outside(&self, path: &Path) -> Option<String> {
        if let Some((inside, outside)) = &self.workspace
            && let Ok(below) = path.strip_prefix(inside)
        {
            return outside.join(below);
        }
        match &self.container {
            None => path.to_str().map(str::to_owned),
            Some(own) => own.outside(path),
        }
    }

    /// The folder that temporary folders are to be made in, where one is named.
    pub(super) fn workspace(&self) -> Option<&Path> {
        self.workspace.as_ref().map(|(inside, _)| inside.as_path())
    }

    /// What was found out, for people.
    pub(super) fn described(&self) -> Option<String> {
        match (&self.workspace, &self.container) {
            (Some((inside, outside)), _) => Some(format!("{} is {} at the engine", inside.display(), outside.0)),
            (None, Some(_)) => Some("vetrun is in a container of this engine".to_owned()),
            (None, None) => None,
        }
    }
}

impl Own {
    fn new(mountinfo: &str, found: &ContainerInspectResponse) -> Self {
        let sources = found.mounts.iter().flatten().filter_map(|mount| {
            let source = mount.source.as_deref().filter(|source| !source.is_empty()).and_then(Outside::read);
            Some((PathBuf::from(mount.destination.as_deref()?), source?))
        });
        let sources: Vec<_> = sources.collect();
        let points =
            mountinfo.lines().filter_map(|line| line.split(' ').nth(4)).map(|point| PathBuf::from(unescaped(point)));
        let mut mounted: Vec<_> = points
            .filter(|point| point != Path::new("/"))
            .map(|point| {
                let source = sources.iter().find(|(destination, _)| *destination == point);
                let source = source.map(|(_, source)| source.clone());
                (point, source)
            })
            .collect();
        // The innermost counts.
        mounted.sort_by_key(|(point, _)| std::cmp::Reverse(point.components().count()));
        let root = found.graph_driver.as_ref().and_then(|driver| driver.data.get("MergedDir"));
        Self { mounted, root: root.and_then(|root| Outside::read(root)) }
    }

    fn outside(&self, path: &Path) -> Option<String> {
        for (point, source) in &self.mounted {
            if let Ok(below) = path.strip_prefix(point) {
                return source.as_ref()?.join(below);
            }
        }
        self.root.as_ref()?.join(path.strip_prefix("/").ok()?)
    }
}

/// The id of the container that this process is in, by what its engine mounts into it.
fn own_id(mountinfo: &str) -> Option<String> {
    let is_id = |part: &&str| part.len() == ID_CHARS && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    mountinfo.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        ENGINE_FILES.contains(&point).then_some(())?;
        root.rsplit('/').find(is_id).map(str::to_owned)
    })
}

/// A path of the kernel's list of mounts, in which blanks and the like are written as octal numbers.
fn unescaped(text: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .into_iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bollard::models::{DriverData, MountPoint};

    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn paths_are_taken_in_every_form_that_people_write() {
        let cases = [
            ("/srv/work/", "a/b", Some("/srv/work/a/b")),
            ("//c/work", "a", Some("/c/work/a")),
            ("/c/Users/me", "a b", Some("/c/Users/me/a b")),
            ("/", "a", Some("/a")),
            ("/srv//work/./x", "", Some("/srv/work/x")),
            (r"C:\Users\me\work", "a/b", Some(r"C:\Users\me\work\a\b")),
            ("C:/Users/me/work/", "a", Some(r"C:\Users\me\work\a")),
            (r"d:\", "a", Some(r"d:\a")),
            (r"d:\", "", Some(r"d:\")),
            (r"\\?\C:\work", "a", Some(r"C:\work\a")),
            (r"\\server\share\work", "a", Some(r"\\server\share\work\a")),
            ("  /srv/work\n", "a", Some("/srv/work/a")),
        ];
        for (text, below, expected) in cases {
            let path = Outside::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(path.join(Path::new(below)).as_deref(), expected, "{text}");
        }
        for text in ["", "work", "./work", "/srv/../etc", r"C:\a\..\b", "C:work", "~/work"] {
            assert_eq!(Outside::read(text), None, "{text}");
        }
        assert_eq!(Outside::read("/srv").unwrap().join(Path::new("../etc")), None);
    }

    #[test]
    fn a_container_is_told_by_what_its_engine_mounts() {
        let line = |root: &str, point: &str| format!("36 35 8:1 {root} {point} rw,relatime - ext4 /dev/sda1 rw\n");
        let docker = line(&format!("/var/lib/docker/containers/{ID}/hostname"), "/etc/hostname");
        let apart = line(&format!("/{ID}/resolv.conf"), "/etc/resolv.conf");
        let podman = line(&format!("/storage/overlay-containers/{ID}/userdata/hosts"), "/etc/hosts");
        for mounts in [docker, apart, podman] {
            assert_eq!(own_id(&mounts).as_deref(), Some(ID), "{mounts}");
        }
        for mounts in
            [String::new(), line("/", "/"), line(&format!("/{ID}/layer"), "/data"), line("/etc/hosts", "/etc/hosts")]
        {
            assert_eq!(own_id(&mounts), None, "{mounts}");
        }
    }

    #[test]
    fn a_path_is_found_through_the_mount_that_holds_it() {
        let line = |point: &str| format!("36 35 8:1 /x {point} rw,relatime - ext4 /dev/sda1 rw\n");
        let mounts: String = ["/", "/srv/work", "/srv/work/cache", "/dev/shm", "/with\\040blank"].map(line).concat();
        let mount = |destination: &str, source: &str| MountPoint {
            destination: Some(destination.to_owned()),
            source: Some(source.to_owned()),
            ..MountPoint::default()
        };
        let found = ContainerInspectResponse {
            mounts: Some(vec![
                mount("/srv/work", "/host/work"),
                mount("/srv/work/cache", ""),
                mount("/with blank", "/var/lib/docker/volumes/v/_data"),
            ]),
            graph_driver: Some(DriverData {
                name: "overlay2".to_owned(),
                data: HashMap::from([("MergedDir".to_owned(), "/var/lib/docker/overlay2/l/merged".to_owned())]),
            }),
            ..ContainerInspectResponse::default()
        };
        let paths = Paths { workspace: None, container: Some(Own::new(&mounts, &found)) };
        let cases = [
            ("/srv/work/a", Some("/host/work/a")),
            ("/srv/work/cache/a", None),
            ("/srv/workshop", Some("/var/lib/docker/overlay2/l/merged/srv/workshop")),
            ("/dev/shm/a", None),
            ("/with blank/a", Some("/var/lib/docker/volumes/v/_data/a")),
            ("/tmp/a", Some("/var/lib/docker/overlay2/l/merged/tmp/a")),
        ];
        for (path, expected) in cases {
            assert_eq!(paths.outside(Path::new(path)).as_deref(), expected, "{path}");
        }
        let named = Paths { workspace: Some(("/tmp".into(), Outside::read(r"C:\work").unwrap())), ..paths };
        assert_eq!(named.outside(Path::new("/tmp/a/b")).as_deref(), Some(r"C:\work\a\b"));
        assert_eq!(named.outside(Path::new("/srv/work/a")).as_deref(), Some("/host/work/a"));
        assert_eq!(Paths::default().outside(Path::new("/tmp/a")).as_deref(), Some("/tmp/a"));
    }
}
