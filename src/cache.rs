//! The cache of results: what the static passes said of an artifact that has not changed since.
//!
//! An entry can change no verdict. Its name is a digest over everything that the verdict depends on (the snapshot, the
//! rules, the policy, the baseline, the engines, this very build of vetrun), so that whatever differs is another entry;
//! its content stands behind a digest of its own, so that what was torn or altered by accident is not read. What remains
//! is trust: whoever can write into the folder can write a verdict. So the cache is used only where its owner names a
//! folder, which must belong to this user alone, and never for a run: [`Cleared`](crate::vet::Cleared) is made from
//! passes that were really taken.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::artifact::Digest;
use crate::policy::CachePolicy;

/// Folders that entries are spread over, by the first byte of their names, so that none of them is large.
const SHARDS: usize = 256;

/// Entries that are written into a folder of the cache until it is looked at whether it holds too much.
const WRITES_PER_LOOK: u64 = 64;

/// Bytes of one entry; a larger result is not kept.
const ENTRY_BYTES_MAX: u64 = 32 << 20;

/// Bytes of the digest in front of an entry's content.
const SEAL_BYTES: usize = 32;

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be made or looked at.
    #[error("the cache folder {} cannot be used: {error}", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Others could write verdicts into it.
    #[error(
        "the cache folder {} is not this user's alone (`chmod 700` it, or name another)", path.display()
    )]
    Shared {
        /// The folder.
        path: PathBuf,
    },
}

/// A folder of results.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    /// Which build of vetrun writes and reads it.
    build: String,
    /// How much each folder may hold: entries, and their bytes.
    share: (usize, u64),
    /// What was written into each folder since the cache was opened.
    writes: Vec<AtomicU64>,
}

impl Cache {
    /// Opens the folder, and makes it where it is not there. `build` tells one build of vetrun from every other.
    ///
    /// # Errors
    /// [`CacheError`] when it cannot be used, or when others than this user may write into it.
    pub fn open(folder: &Path, build: impl Into<String>, policy: &CachePolicy) -> Result<Self, CacheError> {
        let entries = usize::try_from(policy.entries_max).unwrap_or(usize::MAX).div_ceil(SHARDS);
        let share = (entries, policy.bytes_max.bytes().div_ceil(SHARDS as u64));
        let writes = (0..SHARDS).map(|_| AtomicU64::new(0)).collect();
        Ok(Self { folder: own_folder(folder)?, build: build.into(), share, writes })
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of what depends on `parts` and on nothing else.
    #[must_use]
    pub fn key(&self, parts: &[&[u8]]) -> Digest {
        let mut hasher = Sha256::new();
        for part in [self.build.as_bytes()].iter().chain(parts) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Digest::finish(hasher)
    }

    /// The content that was kept under `key`. Whatever is wrong with an entry, it is as if it were not there.
    #[must_use]
    pub fn get(&self, key: Digest) -> Option<Vec<u8>> {
        let path = self.path(key);
        if fs::metadata(&path).ok()?.len() > ENTRY_BYTES_MAX {
            return None;
        }
        let entry = fs::read(path).ok()?;
        let (sealed, content) = entry.split_first_chunk::<SEAL_BYTES>()?;
        (seal(key, content) == *sealed).then(|| content.to_vec())
    }

    /// Keeps `content` under `key`: whole, or not at all. That it could not be kept costs time and nothing else, so no
    /// error is told.
    pub fn put(&self, key: Digest, content: &[u8]) {
        if content.len() as u64 + SEAL_BYTES as u64 > ENTRY_BYTES_MAX {
            return;
        }
        let (shard, path) = (key.first_byte(), self.path(key));
        let folder = path.parent().unwrap_or(&self.folder);
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&seal(key, content))?;
            file.write_all(content)?;
            file.persist(&path)?;
            Ok(())
        };
        let made = || fs::DirBuilder::new().mode(0o700).create(folder);
        let written = write().or_else(|_| made().and_then(|()| write()));
        let writes = &self.writes[usize::from(shard)];
        if written.is_ok() && writes.fetch_add(1, Ordering::Relaxed).is_multiple_of(WRITES_PER_LOOK) {
            self.prune(folder);
        }
    }

    fn path(&self, key: Digest) -> PathBuf {
        let name = &key.to_string()["sha256:".len()..];
        self.folder.join(&name[..2]).join(&name[2..])
    }

    /// Removes the oldest entries of a folder that holds more than its share, until half of that is left.
    fn prune(&self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let sized = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), entry.path()))
        });
        let mut all: Vec<(SystemTime, u64, PathBuf)> = sized.collect();
        let mut bytes: u64 = all.iter().map(|(_, bytes, _)| bytes).sum();
        let (entries_max, bytes_max) = self.share;
        if all.len() <= entries_max && bytes <= bytes_max {
            return;
        }
        all.sort_unstable();
        let mut left = all.len();
        for (_, size, path) in &all {
            if left <= entries_max / 2 && bytes <= bytes_max / 2 {
                return;
            }
            // Another vetrun may have removed it.
            drop(fs::remove_file(path));
            (left, bytes) = (left - 1, bytes.saturating_sub(*size));
        }
    }
}

/// Makes a folder, where it is not there, and makes sure that it is this user's alone; its real path.
///
/// # Errors
/// [`CacheError`] when it cannot be used, or when others than this user may write into it.
pub(crate) fn own_folder(folder: &Path) -> Result<PathBuf, CacheError> {
    let unusable = |error| CacheError::Unusable { path: folder.to_owned(), error };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
    let folder = fs::canonicalize(folder).map_err(unusable)?;
    let metadata = fs::metadata(&folder).map_err(unusable)?;
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0;
    if is_own { Ok(folder) } else { Err(CacheError::Shared { path: folder }) }
}

/// The digest that stands in front of `content`, which is no other entry's.
fn seal(key: Digest, content: &[u8]) -> [u8; SEAL_BYTES] {
    let mut hasher = Sha256::new();
    hasher.update(key.to_string());
    hasher.update(content);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path) -> Cache {
        Cache::open(folder, "build 1", &CachePolicy::default()).expect("a folder of our own")
    }

    #[test]
    fn what_was_kept_is_found_by_its_parts_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = cache(folder.path());
        let key = cache.key(&[b"ab", b"c"]);
        assert_eq!(cache.get(key), None);
        cache.put(key, b"content");
        assert_eq!(cache.get(key).as_deref(), Some(&b"content"[..]));
        for other in [cache.key(&[b"a", b"bc"]), cache.key(&[b"ab"]), cache.key(&[b"abc"])] {
            assert_eq!(cache.get(other), None);
        }
        let newer = Cache::open(folder.path(), "build 2", &CachePolicy::default()).expect("a folder of our own");
        assert_eq!(newer.get(newer.key(&[b"ab", b"c"])), None);
    }

    #[test]
    fn what_was_altered_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = cache(folder.path());
        let (key, other) = (cache.key(&[b"a"]), cache.key(&[b"b"]));
        cache.put(key, b"failed");
        let whole = fs::read(cache.path(key)).expect("it is there");
        fs::create_dir_all(cache.path(other).parent().expect("a folder")).expect("the folder can be written");
        fs::copy(cache.path(key), cache.path(other)).expect("the folder can be written");
        assert_eq!(cache.get(other), None, "an entry under another name");
        for (what, bytes) in [("torn", &whole[..whole.len() - 1]), ("a stump", &whole[..9]), ("empty", &[][..])] {
            fs::write(cache.path(key), bytes).expect("the folder can be written");
            assert_eq!(cache.get(key), None, "{what}");
        }
        let mut flipped = whole.clone();
        *flipped.last_mut().expect("it has content") ^= 1;
        fs::write(cache.path(key), &flipped).expect("the folder can be written");
        assert_eq!(cache.get(key), None, "one bit");
        fs::write(cache.path(key), &whole).expect("the folder can be written");
        assert!(cache.get(key).is_some());
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
        let error = Cache::open(folder.path(), "b", &CachePolicy::default()).expect_err("everybody may write it");
        assert!(error.to_string().contains("chmod 700"), "{error}");
    }

    /// Entries that stand in the same folder.
    fn in_one_folder(cache: &Cache) -> impl Iterator<Item = Digest> + '_ {
        let keys = (0_u64..).map(|number| cache.key(&[&number.to_le_bytes()]));
        keys.filter(|key| key.first_byte() == 7)
    }

    #[test]
    fn the_oldest_entries_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let mib = crate::policy::ByteSize::mib;
        let few = CachePolicy { entries_max: 10 * SHARDS as u64, ..CachePolicy::default() };
        let small = CachePolicy { bytes_max: mib(1), ..CachePolicy::default() };
        for (name, policy, most) in [("few", few, 10), ("small", small, 4)] {
            let cache = Cache::open(&folder.path().join(name), "b", &policy).expect("a folder of our own");
            let keys: Vec<Digest> = in_one_folder(&cache).take(65).collect();
            for (at, key) in keys.iter().enumerate() {
                cache.put(*key, &[0; 1000]);
                let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at as u64);
                let file = fs::File::options().write(true).open(cache.path(*key)).expect("it was written");
                file.set_modified(time).expect("it is ours");
            }
            let left: Vec<bool> = keys.iter().map(|key| cache.get(*key).is_some()).collect();
            let kept = left.iter().filter(|left| **left).count();
            assert!((1..=most).contains(&kept), "{name}: {kept}");
            assert!(!left[0] && left[64], "{name}: the last is there, and the first is not");
        }
    }
}
