//! Input for a container that shares no folder with vetrun: what it is to read, as archives that the engine unpacks into the
//! container's volumes before it starts.
//!
//! An archive says only what matters: sorted names, root as the owner, no times, bits for everybody to read. So the same files
//! make the same archive, and no program can write what is unpacked. It is made as it is sent, and is never whole in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bollard::query_parameters::UploadToContainerOptionsBuilder;
use bollard::{Docker, body_try_stream};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use super::engine::{failed, unavailable};
use crate::sandbox::readable::at;
use crate::sandbox::{Mount, SandboxError};

/// Files and folders of one archive.
const ENTRIES_MAX: usize = 1_000_000;
/// Bytes of all files of one archive.
const ARCHIVE_BYTES_MAX: u64 = 16 << 30;
/// Bytes handed to the engine at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that wait for the engine.
const CHUNKS_MAX: usize = 4;

/// A volume and what goes into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Volume {
    /// Its place in the container.
    pub(super) inside: String,
    /// What goes in: files and folders of this host, by their paths below that place; an empty path is the place itself.
    parts: BTreeMap<PathBuf, PathBuf>,
}

/// The volumes that hold these mounts: one for each that lies in no other. A single file lies in the folder it is to be in.
pub(super) fn volumes(mounts: &[Mount]) -> Result<Vec<Volume>, SandboxError> {
    let mut places = Vec::new();
    for mount in mounts {
        let host = fs::canonicalize(&mount.host).map_err(|error| at(&mount.host, &error));
        let host = host.map_err(|error| failed("find what is to be shown", error))?;
        let inside = PathBuf::from(&mount.inside);
        let place = if host.is_dir() { Some(inside.as_path()) } else { inside.parent() };
        let Some(place) = place.filter(|place| *place != Path::new("/")).map(Path::to_path_buf) else {
            let reason = format!("{} is a file in the root folder, where an archive cannot put it", mount.inside);
            return Err(unavailable(reason, "show it below a folder"));
        };
        places.push((place, inside, host));
    }
    // What holds others comes before them.
    places.sort();
    let mut volumes: Vec<Volume> = Vec::new();
    for (place, inside, host) in places {
        let holder = volumes.iter_mut().find(|volume| place.starts_with(&volume.inside));
        let volume = match holder {
            Some(volume) => volume,
            None => {
                volumes.push(Volume { inside: place.to_string_lossy().into_owned(), parts: BTreeMap::new() });
                let last = volumes.len() - 1;
                &mut volumes[last]
            }
        };
        let below = inside.strip_prefix(&volume.inside).map(Path::to_path_buf).unwrap_or_default();
        volume.parts.insert(below, host);
    }
    Ok(volumes)
}

/// Fills a volume of a container that was created.
pub(super) async fn fill(client: &Docker, id: &str, volume: &Volume) -> Result<(), SandboxError> {
    let action = "put the input into the container";
    let (to, from) = mpsc::channel(CHUNKS_MAX);
    let parts = volume.parts.clone();
    let packing = tokio::task::spawn_blocking(move || {
        let mut sent = Sent { to, waiting: Vec::with_capacity(CHUNK_BYTES) };
        pack(&parts, &mut sent)?;
        sent.flush()
    });
    let chunks = futures_util::stream::unfold(from, async |mut from: mpsc::Receiver<Vec<u8>>| {
        Some((Ok::<_, io::Error>(from.recv().await?.into()), from))
    });
    let options = UploadToContainerOptionsBuilder::default().path(&volume.inside).build();
    let uploaded = client.upload_to_container(id, Some(options), body_try_stream(chunks)).await;
    // What could not be read here says more than an engine that got half an archive.
    match packing.await {
        Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => return Err(failed(action, error)),
        Ok(_) => {}
        Err(error) => return Err(failed(action, error)),
    }
    uploaded.map_err(|error| failed(action, error))
}

/// Passes an archive on, a chunk at a time.
struct Sent {
    to: mpsc::Sender<Vec<u8>>,
    waiting: Vec<u8>,
}

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.waiting);
        self.to.blocking_send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Writes the archive of these files and folders.
fn pack(parts: &BTreeMap<PathBuf, PathBuf>, to: &mut impl Write) -> io::Result<()> {
    let mut archive = Builder::new(to);
    let (mut entries, mut bytes) = (0, 0);
    let mut waiting: Vec<(PathBuf, PathBuf)> =
        parts.iter().rev().map(|(below, host)| (below.clone(), host.clone())).collect();
    while let Some((below, host)) = waiting.pop() {
        entries += 1;
        let metadata = fs::symlink_metadata(&host).map_err(|error| at(&host, &error))?;
        bytes += metadata.len();
        if entries > ENTRIES_MAX || bytes > ARCHIVE_BYTES_MAX {
            let limit = format!("over the limit of {ENTRIES_MAX} entries or {ARCHIVE_BYTES_MAX} bytes");
            return Err(at(&host, &io::Error::other(limit)));
        }
        append(&mut archive, &below, &host, &metadata).map_err(|error| at(&host, &error))?;
        if metadata.is_dir() {
            let found: io::Result<Vec<_>> = fs::read_dir(&host).map_err(|error| at(&host, &error))?.collect();
            let mut names: Vec<_> = found?.into_iter().map(|entry| entry.file_name()).collect();
            names.sort_unstable();
            // The first comes next.
            waiting.extend(names.into_iter().rev().map(|name| (below.join(&name), host.join(&name))));
        }
    }
    archive.finish()
}

fn append(
    archive: &mut Builder<&mut impl Write>,
    below: &Path,
    host: &Path,
    metadata: &fs::Metadata,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    let is_executed = metadata.permissions().mode() & 0o111 != 0;
    header.set_mode(if is_executed || !metadata.is_file() { 0o755 } else { 0o644 });
    let name = if below.as_os_str().is_empty() { Path::new("./") } else { below };
    if metadata.is_dir() {
        header.set_entry_type(EntryType::Directory);
        return archive.append_data(&mut header, name, io::empty());
    }
    if metadata.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        return archive.append_link(&mut header, name, fs::read_link(host)?);
    }
    if !metadata.is_file() {
        return Err(io::Error::other("only files, folders and links can be shown to a program"));
    }
    header.set_entry_type(EntryType::Regular);
    header.set_size(metadata.len());
    // A file that changes meanwhile has the bytes that were announced, or the archive is broken and refused.
    archive.append_data(&mut header, name, Exactly { file: File::open(host)?, left: metadata.len() })
}

/// A file of exactly so many bytes.
struct Exactly {
    file: File,
    left: u64,
}

impl io::Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read(&mut buffer[..room])?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was read"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(host: &Path, inside: &str) -> Mount {
        Mount { host: host.to_owned(), inside: inside.to_owned() }
    }

    #[test]
    fn what_lies_in_another_goes_into_its_volume() {
        let folder = tempfile::tempdir().unwrap();
        let host = fs::canonicalize(folder.path()).unwrap();
        let file = host.join("tool");
        fs::write(&file, "x").unwrap();
        let mounts =
            [mount(&host, "/work/data"), mount(&host, "/deps"), mount(&file, "/installer/tool"), mount(&host, "/work")];
        let found = volumes(&mounts).unwrap();
        let places: Vec<_> = found.iter().map(|volume| volume.inside.as_str()).collect();
        assert_eq!(places, ["/deps", "/installer", "/work"]);
        assert_eq!(found[1].parts, BTreeMap::from([("tool".into(), file.clone())]));
        assert_eq!(found[2].parts, BTreeMap::from([("".into(), host.clone()), ("data".into(), host)]));
        let error = volumes(&[mount(&file, "/tool")]).unwrap_err().to_string();
        assert!(error.contains("show it below a folder"), "{error}");
    }

    #[test]
    fn the_same_files_make_the_same_archive() {
        let pack_new = || {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path();
            let long = "n".repeat(150);
            fs::create_dir_all(path.join(format!("a/{long}"))).unwrap();
            fs::write(path.join(format!("a/{long}/deep")), "deep").unwrap();
            fs::write(path.join("b"), vec![b'x'; 3000]).unwrap();
            fs::set_permissions(path.join("b"), fs::Permissions::from_mode(0o700)).unwrap();
            std::os::unix::fs::symlink("b", path.join("link")).unwrap();
            let mut bytes = Vec::new();
            pack(&BTreeMap::from([(PathBuf::new(), path.to_owned())]), &mut bytes).unwrap();
            bytes
        };
        let bytes = pack_new();
        assert_eq!(bytes, pack_new());
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 0));
            let name = entry.path().unwrap().to_string_lossy().chars().take(4).collect::<String>();
            (name, header.mode().unwrap(), entry.size())
        });
        let expected = [("./", 0o755, 0), ("a", 0o755, 0), ("a/nn", 0o755, 0), ("a/nn", 0o644, 4), ("b", 0o755, 3000)];
        let expected = expected.into_iter().chain([("link", 0o755, 0)]).map(|(n, m, s)| (n.to_owned(), m, s));
        assert_eq!(entries.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
}
