//! One archive from the registry, or from what is kept: no larger than it may be, and with the digest of the lock.

use std::io::Read as _;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::super::catalogue::Trouble;
use super::super::index::{Absent, Upstream, without_credentials};
use super::Session;
use crate::deps::npm::{Pick, archive_name};

const PIECE_BYTES: usize = 256 << 10;

/// Before the second and the third attempt.
const WAITS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// The registry that the policy names.
pub(super) struct Registry {
    upstream: Upstream,
    /// Ends in `/`.
    base: String,
    shown: String,
}

impl Registry {
    pub(super) fn new(url: &str) -> Self {
        let base = format!("{}/", url.trim_end_matches('/'));
        Self { upstream: Upstream::new(url), shown: without_credentials(&base), base }
    }

    /// Where it keeps a package: never anything that a lock says.
    pub(super) fn url(&self, pick: &Pick) -> String {
        format!("{}{}/-/{}", self.base, pick.name, archive_name(&pick.name, &pick.version))
    }

    /// Its address without credentials.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }
}

impl Session<'_> {
    /// The archive of a package, whole and proved.
    pub(super) fn archive(&self, pick: &Pick) -> Result<Vec<u8>, Trouble> {
        let key = pick.integrity.hex();
        if let Some(bytes) = self.store.kept(key) {
            let mut check = pick.integrity.check();
            check.update(&bytes);
            if check.holds() {
                return Ok(bytes);
            }
        }
        let bytes = self.fetch(pick)?;
        if self.store.is_kept() {
            self.store.keep_wheel(key, &bytes)?;
        }
        Ok(bytes)
    }

    /// Fetches an archive; where the registry fails, once more after each wait: of hundreds of requests some fail in passing.
    fn fetch(&self, pick: &Pick) -> Result<Vec<u8>, Trouble> {
        for wait in WAITS {
            match self.fetch_once(pick) {
                Err(Trouble::Index(_)) => thread::sleep(wait),
                other => return other,
            }
            self.check()?;
        }
        self.fetch_once(pick)
    }

    fn fetch_once(&self, pick: &Pick) -> Result<Vec<u8>, Trouble> {
        let limit = self.policy.download_bytes_max.bytes();
        let file = format!("{} {}", pick.name, pick.version);
        let over_limit =
            || Trouble::Refused(format!("{file} is larger than `install.download_bytes_max`, {limit} bytes"));
        let (body, length) = match self.registry.upstream.file(&self.registry.url(pick)) {
            Ok(opened) => opened,
            Err(Absent::Missing) => return Err(Trouble::Refused(format!("the registry does not have {file}"))),
            Err(Absent::Fault(what)) => return Err(Trouble::Index(what)),
        };
        let length = length.unwrap_or(0);
        if length > limit {
            return Err(over_limit());
        }
        let mut reader = body.into_reader();
        // What a server says of the length is no reason to take the memory at once.
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(64 << 20)).unwrap_or(0));
        let mut check = pick.integrity.check();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            self.check()?;
            let read =
                reader.read(&mut piece).map_err(|error| Trouble::Index(format!("{file} breaks off: {error}")))?;
            if read == 0 {
                break;
            }
            check.update(&piece[..read]);
            bytes.extend_from_slice(&piece[..read]);
            if bytes.len() as u64 > limit {
                return Err(over_limit());
            }
            let read = read as u64;
            let fetched = self.fetched_bytes.fetch_add(read, Ordering::Relaxed).saturating_add(read);
            if fetched > self.policy.installed_bytes_max.bytes() {
                return Err(Trouble::Limit("the space for packages (`install.installed_bytes_max`)".to_owned()));
            }
        }
        if check.holds() { Ok(bytes) } else { Err(Trouble::Refused(format!("{file} is not the file of the lock"))) }
    }

    /// Whether it may go on.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        if self.tools.stop.is_raised() {
            return Err(Trouble::Interrupted);
        }
        if Instant::now() > self.deadline {
            return Err(Trouble::Limit("the time for an install (`install.timeout`)".to_owned()));
        }
        Ok(())
    }
}
