//! From what is declared to a lock: taken from the store where the same was asked not long ago, else asked of the index.

use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::catalogue::{IndexCatalogue, Trouble, Wheel};
use super::index::{Upstream, without_credentials};
use super::parallel::for_each;
use super::probe::Probe;
use super::source::Sources;
use super::store::Store;
use super::vetting::Vetting;
use super::{InstallError, RunEnvironment, Tools};
use crate::artifact::Digest;
use crate::deps::resolve::{self, Chosen, Question, Unresolved};
use crate::deps::{Lock, Locked, Requirement, Version};
use crate::finding::{Finding, hex};
use crate::policy::InstallPolicy;

/// A lock that is older than this is not even used where the index does not answer, in seconds.
const STALE_LOCK_AGE_MAX_S: u64 = 30 * 24 * 60 * 60;

/// What was asked for, and where.
pub(super) struct Inquiry<'a> {
    pub(super) wanted: &'a [&'a Requirement],
    pub(super) constraints: &'a [&'a Requirement],
    /// The base address of the index.
    pub(super) index: &'a str,
    pub(super) probe: &'a Probe,
    pub(super) vetting: &'a Vetting<'a>,
    pub(super) policy: &'a InstallPolicy,
    pub(super) store: &'a Store,
    pub(super) tools: &'a Tools<'a>,
    /// What source archives are built by.
    pub(super) identity: &'a str,
    pub(super) environment: &'a RunEnvironment,
    pub(super) deadline: Instant,
}

/// How an inquiry ended.
pub(super) enum Answer {
    Locked {
        lock: Lock,
        /// Whether the index was not asked.
        is_known: bool,
        /// Why an older lock was used.
        fallback: Option<String>,
    },
    /// Nothing can be installed; the rule, why, and the names that it is about.
    Refused { rule: &'static str, why: String, about: Vec<String> },
    /// A wheel was vetted, and something stands against it.
    Vetted(Vec<Finding>),
}

impl Inquiry<'_> {
    /// The lock. Unless it is to be `fresh`, one that is not too old does.
    pub(super) fn answer(&self, fresh: bool) -> Result<Answer, InstallError> {
        let key = self.key();
        let now_s = now_s();
        let known: Option<Lock> = self.store.fact(key).filter(|lock| self.is_whole(lock));
        let age_s = |lock: &Lock| now_s.saturating_sub(lock.resolved_s);
        if let Some(lock) = known.as_ref().filter(|_| !fresh)
            && age_s(lock) < self.policy.lock_age_max.duration().as_secs()
        {
            return Ok(Answer::Locked { lock: lock.clone(), is_known: true, fallback: None });
        }
        let fault = match self.ask(now_s) {
            Ok(lock) => {
                self.store.keep_fact(key, &lock);
                return Ok(Answer::Locked { lock, is_known: false, fallback: None });
            }
            Err(Unresolved::Contradiction { why, about }) => {
                return Ok(Answer::Refused { rule: "package-not-installable", why, about });
            }
            Err(Unresolved::Catalogue(Trouble::Refused(why))) => {
                return Ok(Answer::Refused { rule: "package-file-refused", why, about: Vec::new() });
            }
            Err(Unresolved::Catalogue(Trouble::Limit(which))) => {
                let why = format!("the packages need more than {which}");
                return Ok(Answer::Refused { rule: "package-over-limit", why, about: Vec::new() });
            }
            Err(Unresolved::Catalogue(Trouble::Vetted(findings))) => return Ok(Answer::Vetted(findings)),
            Err(Unresolved::Catalogue(Trouble::Interrupted)) => return Err(InstallError::Interrupted),
            Err(Unresolved::Catalogue(Trouble::Io(what))) => return Err(InstallError::Store { what }),
            Err(Unresolved::Catalogue(Trouble::Index(what))) => what,
        };
        match known.filter(|lock| !fresh && age_s(lock) < STALE_LOCK_AGE_MAX_S) {
            Some(lock) => {
                let at =
                    humantime::format_rfc3339_seconds(UNIX_EPOCH + std::time::Duration::from_secs(lock.resolved_s));
                let fallback = Some(format!("the index failed ({fault}); what it answered at {at} was used"));
                Ok(Answer::Locked { lock, is_known: true, fallback })
            }
            None => Err(InstallError::Index { index: without_credentials(self.index), what: fault }),
        }
    }

    /// Everything that the answer depends on, beside the index and the time.
    fn key(&self) -> Digest {
        let lines = |all: &[&Requirement]| all.iter().map(|one| one.installer_line()).collect::<Vec<_>>().join("\n");
        let target = serde_json::to_string(&self.probe.target).unwrap_or_default();
        let min_age = format!("{} {}", self.policy.min_age, self.policy.build_sources);
        let parts = [self.index, &lines(self.wanted), &lines(self.constraints), &target, &self.probe.python, &min_age];
        self.store.key("lock", &parts)
    }

    /// Whether a lock still is about what is wanted: it was not made by this process.
    fn is_whole(&self, lock: &Lock) -> bool {
        let holds = |one: &&Requirement| -> bool {
            let found = lock.packages.iter().find(|package| package.name == one.name);
            found
                .and_then(|package| package.version.parse().ok())
                .is_some_and(|it: Version| one.specifiers.contains(&it))
        };
        self.wanted.iter().all(holds)
    }

    fn ask(&self, now_s: u64) -> Result<Lock, Unresolved<Trouble>> {
        let upstream = Upstream::new(self.index);
        let tags = self.probe.target.tags();
        let python = self.probe.python.parse();
        let python = python.map_err(|_| Trouble::Index(format!("`{}` is no version of python", self.probe.python)));
        let min_age_s = self.policy.min_age.duration().as_secs();
        let Self { tools, policy, store, identity, probe, environment, deadline, .. } = *self;
        let sources = Sources { tools, policy, store, identity, probe, environment, tags: &tags, deadline };
        let catalogue = IndexCatalogue {
            upstream: &upstream,
            store: self.store,
            policy: self.policy,
            vetting: self.vetting,
            tags: &tags,
            python: &python.map_err(Unresolved::Catalogue)?,
            wanted: self.wanted,
            stop: self.tools.stop,
            deadline: self.deadline,
            sources: self.policy.build_sources.then_some(sources),
            uploaded_until_s: (min_age_s > 0).then(|| now_s.saturating_sub(min_age_s)),
            seen: Mutex::default(),
        };
        let question = Question { wanted: self.wanted, constraints: self.constraints, markers: &self.probe.markers };
        let chosen = resolve::resolve(&question, &catalogue)?;
        let packages = lock(&catalogue, &chosen).map_err(Unresolved::Catalogue)?;
        Ok(Lock { packages, resolved_s: now_s })
    }
}

/// Fetches what was chosen and is not there yet, several at once.
fn lock(
    catalogue: &IndexCatalogue<'_>,
    chosen: &std::collections::BTreeMap<String, Chosen>,
) -> Result<Vec<Locked>, Trouble> {
    let locked: Mutex<Vec<Result<Locked, Trouble>>> = Mutex::default();
    let all: Vec<(&String, &Chosen)> = chosen.iter().collect();
    for_each(&all, |(name, chosen)| {
        let one = locked_package(catalogue, name, chosen);
        locked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(one);
    });
    let locked = locked.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut packages = locked.into_iter().collect::<Result<Vec<_>, _>>()?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn locked_package(catalogue: &IndexCatalogue<'_>, name: &str, chosen: &Chosen) -> Result<Locked, Trouble> {
    let usable = catalogue.usable(name, &chosen.version)?;
    let Wheel { name: wheel, bytes, sha256, source } = catalogue.wheel(&usable)?;
    let declared = catalogue.wanted.iter().filter(|one| one.name == *name).flat_map(|one| &one.hashes);
    let mut declared = declared.peekable();
    if declared.peek().is_some() {
        // What is declared is what the index has.
        let fetched = if usable.is_source { catalogue.file(&usable)?.0 } else { bytes.clone() };
        if !declared.any(|hash| is_hash_of(hash, &fetched)) {
            return Err(Trouble::Refused(format!("{} has none of the declared hashes", usable.offer.filename)));
        }
    }
    Ok(Locked {
        name: name.to_owned(),
        version: chosen.version.to_string(),
        file: wheel.file().to_owned(),
        url: without_credentials(&usable.offer.url),
        sha256,
        size_bytes: bytes.len() as u64,
        uploaded_s: usable.offer.uploaded_s,
        source,
        extras: chosen.extras.iter().cloned().collect(),
        wanted_by: chosen.wanted_by.iter().cloned().collect(),
    })
}

/// Whether a declared hash, `sha256:…`, `sha384:…` or `sha512:…`, is that of these bytes.
fn is_hash_of(hash: &str, bytes: &[u8]) -> bool {
    let Some((algorithm, wanted)) = hash.split_once(':') else { return false };
    let digest = match algorithm {
        "sha256" => hex(&Sha256::digest(bytes)),
        "sha384" => hex(&Sha384::digest(bytes)),
        "sha512" => hex(&Sha512::digest(bytes)),
        _ => return false,
    };
    digest.eq_ignore_ascii_case(wanted)
}

/// Seconds since 1970.
pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
