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
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::artifact::Digest;

/// Entries that are kept; when there are more, the oldest go until half of them are left.
const ENTRIES_MAX: usize = 8192;

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
}

impl Cache {
    /// Opens the folder, and makes it where it is not there. `build` tells one build of vetrun from every other.
    ///
    /// # Errors
    /// [`CacheError`] when it cannot be used, or when others than this user may write into it.
    pub fn open(folder: &Path, build: impl Into<String>) -> Result<Self, CacheError> {
        let cache = Self { folder: own_folder(folder)?, build: build.into() };
        cache.prune();
        Ok(cache)
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
        let written = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(&seal(key, content))?;
            file.write_all(content)?;
            file.persist(self.path(key))?;
            Ok(())
        };
        drop(written());
    }

    fn path(&self, key: Digest) -> PathBuf {
        self.folder.join(&key.to_string()["sha256:".len()..])
    }

    /// Removes the oldest entries where there are too many.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        if paths.len() <= ENTRIES_MAX {
            return;
        }
        paths.sort_by_cached_key(|path| {
            fs::metadata(path).and_then(|entry| entry.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
        });
        for path in &paths[..paths.len() - ENTRIES_MAX / 2] {
            // Another vetrun may have removed it.
            drop(fs::remove_file(path));
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
        Cache::open(folder, "build 1").expect("a folder of our own")
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
        let newer = Cache::open(folder.path(), "build 2").expect("a folder of our own");
        assert_eq!(newer.get(newer.key(&[b"ab", b"c"])), None);
    }

    #[test]
    fn what_was_altered_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = cache(folder.path());
        let (key, other) = (cache.key(&[b"a"]), cache.key(&[b"b"]));
        cache.put(key, b"failed");
        let whole = fs::read(cache.path(key)).expect("it is there");
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
        let error = Cache::open(folder.path(), "b").expect_err("everybody may write it");
        assert!(error.to_string().contains("chmod 700"), "{error}");
    }

    #[test]
    fn the_oldest_entries_go() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..=ENTRIES_MAX {
            fs::write(folder.path().join(number.to_string()), "").expect("a file");
        }
        let _pruned = cache(folder.path());
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), ENTRIES_MAX / 2);
    }
}
