//! Where packages are kept between runs: wheels and archives of Node packages by their digest, layers of installed
//! packages, and what was found out about interpreters, requirements and layers.
//!
//! ```text
//! facts/            sealed entries: probes, locks, what is known of each layer
//! wheels/<digest>   as fetched; read again only with that digest
//! layers/<name>/    one installed tree, which never changes again
//! layers/<name>.use its size; its time is that of the last use; locked by whoever uses it
//! making/           what is not whole yet, each under its maker's mark
//! ```
//!
//! A thing is made under `making/` and moved to its place when it is whole, so that a kill at any instant leaves nothing
//! that could be taken for whole, and the next vetrun sweeps it away. Two that make the same at once make it twice, and
//! both are sound. Nothing is trusted to be there: what is missing or altered is made again. Layers that nobody uses go,
//! the least recently used first, when all together are larger than the policy allows.
//!
//! Where nothing is kept, the store is a folder that ends with the run, and works in the same way.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustix::fs::FlockOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::catalogue::Trouble;
use crate::artifact::Digest;
use crate::cache::{Cache, CacheError, own_folder};
use crate::finding::hex;
use crate::policy::CachePolicy;
use crate::sandbox::{folder_prefix, sweep_folders};

/// The folder of installed packages in a layer.
const TREE: &str = "tree";

/// A folder of packages.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    facts: Cache,
    bytes_max: u64,
    /// Whether it outlives the run.
    is_kept: bool,
    /// What this process is making, one lock for each.
    turns: Mutex<HashMap<Digest, Arc<Mutex<()>>>>,
}

/// A layer in use: it stays as long as this value.
#[derive(Debug)]
pub(super) struct Layer {
    tree: PathBuf,
    _in_use: File,
}

impl Layer {
    /// The folder with the packages.
    pub(super) fn tree(&self) -> &Path {
        &self.tree
    }
}

impl Store {
    /// Opens the store in the folder `root`, and makes it where it is not there. `build` tells one build of vetrun from every
    /// other; `bytes_max` is what all layers and wheels together may take.
    ///
    /// # Errors
    /// [`CacheError`] when the folder cannot be used, or when others than this user may write into it.
    pub fn open(root: &Path, build: impl Into<String>, bytes_max: u64) -> Result<Self, CacheError> {
        Self::within(root, build, bytes_max, true)
    }

    /// A store that ends with the folder `root`.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub(super) fn passing(root: &Path) -> Result<Self, CacheError> {
        Self::within(root, "", u64::MAX, false)
    }

    fn within(root: &Path, build: impl Into<String>, bytes_max: u64, is_kept: bool) -> Result<Self, CacheError> {
        let root = own_folder(root)?;
        let facts = Cache::open(&root.join("facts"), build, &CachePolicy::default())?;
        let store = Self { root, facts, bytes_max, is_kept, turns: Mutex::default() };
        for part in ["wheels", "layers", "making"] {
            own_folder(&store.root.join(part))?;
        }
        if is_kept {
            sweep_folders(&store.root.join("making"));
        }
        Ok(store)
    }

    /// Whether what is put here will be found by a later run.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Does `work` while nobody else in this process does work of the same key: who comes second finds what the first made.
    pub(super) fn in_turn<T>(&self, key: Digest, work: impl FnOnce() -> T) -> T {
        let turn = Arc::clone(self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    /// The name of what depends on `parts` and on nothing else.
    pub(super) fn key(&self, kind: &str, parts: &[&str]) -> Digest {
        let parts: Vec<&[u8]> = std::iter::once(kind).chain(parts.iter().copied()).map(str::as_bytes).collect();
        self.facts.key(&parts)
    }

    /// What is known under a key.
    pub(super) fn fact<T: DeserializeOwned>(&self, key: Digest) -> Option<T> {
        serde_json::from_slice(&self.facts.get(key)?).ok()
    }

    /// Keeps what was found out.
    pub(super) fn keep_fact(&self, key: Digest, fact: &impl Serialize) {
        if let Ok(text) = serde_json::to_vec(fact) {
            self.facts.put(key, &text);
        }
    }

    /// The bytes of the wheel with this digest, if it is there and is whole.
    pub(super) fn wheel(&self, sha256: &str) -> Option<Vec<u8>> {
        self.kept(sha256).filter(|bytes| hex(&Sha256::digest(bytes)) == sha256)
    }

    /// The bytes that are kept under a digest, whatever became of them: the caller is to prove that they have it.
    pub(super) fn kept(&self, digest: &str) -> Option<Vec<u8>> {
        fs::read(self.wheel_path(digest)).ok()
    }

    /// Keeps the bytes of a wheel, or of another archive, under its digest in hexadecimal.
    pub(super) fn keep_wheel(&self, digest: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let written = || -> io::Result<()> {
            let folder = self.making()?;
            let whole = folder.path().join("wheel");
            fs::write(&whole, bytes)?;
            fs::rename(whole, self.wheel_path(digest))
        };
        written()
            .map_err(|error| Trouble::Io(format!("a package cannot be written to {}: {error}", self.root.display())))
    }

    /// Where the wheel with this digest is, if it is there.
    pub(super) fn wheel_path(&self, sha256: &str) -> PathBuf {
        self.root.join("wheels").join(sha256)
    }

    /// An empty folder for what is to become a layer.
    pub(super) fn staging(&self) -> io::Result<TempDir> {
        let folder = self.making()?;
        // Programs in a sandbox may be another user; the folders above keep everybody else out.
        fs::DirBuilder::new().mode(0o755).create(folder.path().join(TREE))?;
        Ok(folder)
    }

    /// The tree in a staging folder.
    pub(super) fn tree_in(staging: &Path) -> PathBuf {
        staging.join(TREE)
    }

    /// Makes a staging folder a layer; its name, and the layer.
    pub(super) fn publish(&self, staging: TempDir, bytes: u64) -> io::Result<(String, Layer)> {
        let made = staging.path().file_name().unwrap_or_default().to_string_lossy();
        // The name is that of the folder it was made in, which no other maker has.
        let name = hex(&Sha256::digest(made.as_bytes()))[..32].to_owned();
        let mut in_use = File::create_new(self.use_path(&name))?;
        rustix::fs::flock(&in_use, FlockOperation::NonBlockingLockShared)?;
        in_use.write_all(bytes.to_string().as_bytes())?;
        let place = self.layer_path(&name);
        fs::rename(staging.path(), &place)?;
        // It is no temporary folder any more.
        let _moved = staging.keep();
        self.prune();
        Ok((name, Layer { tree: place.join(TREE), _in_use: in_use }))
    }

    /// The layer of this name, if it is there.
    pub(super) fn layer(&self, name: &str) -> Option<Layer> {
        let is_name = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let in_use = File::options().read(true).write(true).open(self.use_path(is_name.then_some(name)?)).ok()?;
        rustix::fs::flock(&in_use, FlockOperation::NonBlockingLockShared).ok()?;
        let tree = self.layer_path(name).join(TREE);
        if !tree.is_dir() {
            return None;
        }
        in_use.set_modified(SystemTime::now()).ok()?;
        Some(Layer { tree, _in_use: in_use })
    }

    /// A folder for what is not whole yet.
    fn making(&self) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix(&folder_prefix()).tempdir_in(self.root.join("making"))
    }

    fn layer_path(&self, name: &str) -> PathBuf {
        self.root.join("layers").join(name)
    }

    fn use_path(&self, name: &str) -> PathBuf {
        self.root.join("layers").join(format!("{name}.use"))
    }

    /// Removes what was not used for longest, until the rest is small enough.
    fn prune(&self) {
        let mut things = self.things();
        let mut total: u64 = things.iter().map(|thing| thing.bytes).sum();
        things.sort_by_key(|thing| thing.used);
        for thing in things {
            if total <= self.bytes_max {
                return;
            }
            if self.remove(&thing) {
                total = total.saturating_sub(thing.bytes);
            }
        }
    }

    fn things(&self) -> Vec<Thing> {
        let mut things = Vec::new();
        for entry in fs::read_dir(self.root.join("wheels")).into_iter().flatten().flatten() {
            let Ok(found) = entry.metadata() else { continue };
            let used = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            things.push(Thing { path: entry.path(), is_layer: false, bytes: found.len(), used });
        }
        for entry in fs::read_dir(self.root.join("layers")).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "use") {
                continue;
            }
            let bytes = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            let used = entry.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            things.push(Thing { path, is_layer: true, bytes, used });
        }
        things
    }

    /// Removes a wheel, or a layer that nobody uses; whether it is gone.
    fn remove(&self, thing: &Thing) -> bool {
        if !thing.is_layer {
            return fs::remove_file(&thing.path).is_ok();
        }
        let Ok(lock) = File::options().read(true).write(true).open(&thing.path) else { return false };
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return false;
        }
        // Out of its place first: nobody takes half a layer for a whole one.
        let Ok(doomed) = self.making() else { return false };
        let moved = fs::rename(thing.path.with_extension(""), doomed.path().join(TREE));
        moved.is_ok() | fs::remove_file(&thing.path).is_ok()
    }
}

/// Something that can be removed.
struct Thing {
    path: PathBuf,
    is_layer: bool,
    bytes: u64,
    used: SystemTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(root: &Path, bytes_max: u64) -> Store {
        Store::open(root, "build", bytes_max).unwrap()
    }

    fn publish(store: &Store, text: &str, bytes: u64) -> (String, Layer) {
        let staging = store.staging().unwrap();
        fs::write(Store::tree_in(staging.path()).join("a.py"), text).unwrap();
        store.publish(staging, bytes).unwrap()
    }

    #[test]
    fn a_layer_is_there_until_it_is_pushed_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), 250);
        let (first, layer) = publish(&store, "1", 100);
        assert_eq!(fs::read_to_string(layer.tree().join("a.py")).unwrap(), "1");
        drop(layer);
        let past = SystemTime::now() - std::time::Duration::from_secs(60);
        File::options().write(true).open(store.use_path(&first)).unwrap().set_modified(past).unwrap();
        let (second, in_use) = publish(&store, "2", 100);
        assert!(store.layer(&second).is_some());
        drop(publish(&store, "3", 100));
        assert!(store.layer(&first).is_none(), "the one that was not used for longest has gone");
        assert!(!store.layer_path(&first).exists() && !store.use_path(&first).exists());
        File::options().write(true).open(store.use_path(&second)).unwrap().set_modified(past).unwrap();
        drop(publish(&store, "4", 100));
        assert!(store.layer(&second).is_some(), "what is in use stays");
        drop(in_use);
        assert_eq!(fs::read_dir(folder.path().join("making")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_a_layer_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), u64::MAX);
        for name in ["", "..", "../../etc", &"0".repeat(32), &"z".repeat(32)] {
            assert!(store.layer(name).is_none(), "{name}");
        }
        let (name, layer) = publish(&store, "1", 1);
        drop(layer);
        fs::remove_dir_all(store.layer_path(&name)).unwrap();
        assert!(store.layer(&name).is_none(), "its tree was removed by hand");
    }

    #[test]
    fn an_altered_wheel_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), u64::MAX);
        let digest = hex(&Sha256::digest(b"wheel"));
        assert_eq!(store.wheel(&digest), None);
        store.keep_wheel(&digest, b"wheel").unwrap();
        assert_eq!(store.wheel(&digest).as_deref(), Some(&b"wheel"[..]));
        fs::write(store.wheel_path(&digest), "whee1").unwrap();
        assert_eq!(store.wheel(&digest), None);
    }

    #[test]
    fn what_a_killed_vetrun_was_making_is_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        drop(store(folder.path(), u64::MAX));
        // The start time of a process that runs is never 1.
        let mark = folder_prefix();
        let mut parts: Vec<&str> = mark.trim_end_matches('-').split('-').collect();
        let at = parts.len() - 2;
        parts[at] = "1";
        let left = folder.path().join("making").join(format!("{}-x", parts.join("-")));
        fs::create_dir(&left).unwrap();
        let own = store(folder.path(), u64::MAX).staging().unwrap().keep();
        drop(store(folder.path(), u64::MAX));
        assert!(!left.exists());
        assert!(own.exists(), "what a running one makes stays");
    }
}
