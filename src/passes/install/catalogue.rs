//! What the index has, as the resolver asks for it: which versions can be used by the interpreter in the sandbox, why the
//! others cannot, and what each needs.
//!
//! Of each version one file counts: the wheel whose tags the interpreter likes best. Its needs are read from the
//! metadata that the index offers beside it (PEP 658), or else out of the wheel, which then is fetched. Everything is
//! fetched once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use super::fetch::fetch_wheel;
use super::index::{Absent, Listing, Metadata, Offer, Upstream};
use super::parallel::for_each;
use super::source::Sources;
use super::store::Store;
use super::vetting::Vetting;
use crate::deps::resolve::{Catalogue, Needs, Offered};
use crate::deps::source::source_version;
use crate::deps::wheel::{self, WheelName};
use crate::deps::{Requirement, Source, Tags, Version};
use crate::finding::{Finding, hex};
use crate::policy::InstallPolicy;
use crate::sandbox::Stop;

/// Why a version that has no wheel is not used.
const SOURCE: &str = "is there as source alone, which would have to be built (`install.build_sources`)";

/// Why nothing more is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// The index is at fault.
    #[error("{0}")]
    Index(String),
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
    /// A limit of the policy was reached; which, as a fragment.
    #[error("{0}")]
    Limit(String),
    /// A file is not what the index said it is, or larger than may be.
    #[error("{0}")]
    Refused(String),
    /// A wheel was vetted, and something stands against it.
    #[error("a wheel is refused")]
    Vetted(Vec<Finding>),
    /// A file of our own could not be written or read.
    #[error("{0}")]
    Io(String),
}

/// The wheel of one version that would be used.
#[derive(Clone, Debug)]
pub(super) struct Usable {
    /// Of a source archive, the name of the wheel that it would be if it were for all interpreters.
    pub(super) name: WheelName,
    pub(super) offer: Offer,
    /// Whether the offer is a source archive.
    pub(super) is_source: bool,
}

/// A wheel that is there.
#[derive(Clone, Debug)]
pub(super) struct Wheel {
    pub(super) name: WheelName,
    pub(super) bytes: Vec<u8>,
    /// Its digest, in lower-case hexadecimal.
    pub(super) sha256: String,
    /// The source archive that it was built from.
    pub(super) source: Option<Source>,
}

/// A wheel among those of one version.
struct Candidate {
    /// The place of its best tag among those that the interpreter likes.
    rank: usize,
    usable: Usable,
}

impl Candidate {
    /// Better tags first; of equal ones, the newer build.
    fn is_better(&self, other: &Self) -> bool {
        let build = |one: &Self| one.usable.name.build.clone();
        (self.rank, Reverse(build(self))) < (other.rank, Reverse(build(other)))
    }
}

/// What is known of one package.
#[derive(Debug, Default)]
struct Page {
    offered: Arc<Offered>,
    usable: BTreeMap<Version, Usable>,
}

/// An index, seen through the eyes of one interpreter.
pub(super) struct IndexCatalogue<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) store: &'a Store,
    pub(super) policy: &'a InstallPolicy,
    pub(super) vetting: &'a Vetting<'a>,
    pub(super) tags: &'a Tags,
    /// The interpreter's version.
    pub(super) python: &'a Version,
    /// What is declared: hashes narrow the choice of files.
    pub(super) wanted: &'a [&'a Requirement],
    pub(super) stop: &'a Stop,
    pub(super) deadline: Instant,
    /// Files that were uploaded after this are too new, in seconds since 1970.
    pub(super) uploaded_until_s: Option<u64>,
    /// What builds source archives, where the policy lets it.
    pub(super) sources: Option<Sources<'a>>,
    pub(super) seen: Mutex<Seen>,
}

/// What was fetched so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pages: HashMap<String, Arc<Page>>,
    needs: BTreeMap<(String, Version), Arc<Needs>>,
    /// `sha256` of fetched wheels whose digest the index did not tell, by address.
    digests: HashMap<String, String>,
    /// Of all wheels together.
    fetched_bytes: u64,
}

impl IndexCatalogue<'_> {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wheel that stands for a version.
    pub(super) fn usable(&self, name: &str, version: &Version) -> Result<Usable, Trouble> {
        let page = self.page(name)?;
        let usable = page.usable.get(version).cloned();
        usable.ok_or_else(|| Trouble::Index(format!("{name} {version} is not there any more")))
    }

    /// Fetches or builds a wheel, unless it is there already.
    pub(super) fn wheel(&self, usable: &Usable) -> Result<Wheel, Trouble> {
        let (bytes, sha256) = self.file(usable)?;
        let Some(sources) = self.sources.as_ref().filter(|_| usable.is_source) else {
            return Ok(Wheel { name: usable.name.clone(), bytes, sha256, source: None });
        };
        let size_bytes = bytes.len() as u64;
        let (name, wheel) = sources.wheel(usable, &bytes, &sha256)?;
        let source = Some(Source { file: usable.offer.filename.clone(), sha256, size_bytes });
        Ok(Wheel { name, sha256: hex(&Sha256::digest(&wheel)), bytes: wheel, source })
    }

    /// Fetches what is offered, unless it is there already; its bytes and its digest in lower-case hexadecimal.
    pub(super) fn file(&self, usable: &Usable) -> Result<(Vec<u8>, String), Trouble> {
        let known = usable.offer.sha256.clone().or_else(|| self.seen().digests.get(&usable.offer.url).cloned());
        if let Some(digest) = &known
            && let Some(bytes) = self.store.wheel(digest)
        {
            return Ok((bytes, digest.clone()));
        }
        let (bytes, digest) = fetch_wheel(self, &usable.offer)?;
        self.seen().digests.insert(usable.offer.url.clone(), digest.clone());
        self.store.keep_wheel(&digest, &bytes)?;
        Ok((bytes, digest))
    }

    /// Counts bytes that were fetched, of all wheels together.
    pub(super) fn count(&self, bytes: u64) -> Result<(), Trouble> {
        let mut seen = self.seen();
        seen.fetched_bytes += bytes;
        // Unpacked they are no fewer.
        if seen.fetched_bytes > self.policy.installed_bytes_max.bytes() {
            return Err(Trouble::Limit("the space for packages (`install.installed_bytes_max`)".to_owned()));
        }
        Ok(())
    }

    fn page(&self, name: &str) -> Result<Arc<Page>, Trouble> {
        if let Some(page) = self.seen().pages.get(name) {
            return Ok(Arc::clone(page));
        }
        self.check()?;
        let page = match self.upstream.page(name) {
            Ok(listing) => self.read(name, listing),
            Err(Absent::Missing) => {
                Page { offered: Arc::new(Offered { is_unknown: true, ..Offered::default() }), ..Page::default() }
            }
            Err(Absent::Fault(what)) => return Err(Trouble::Index(what)),
        };
        let page = Arc::new(page);
        self.seen().pages.insert(name.to_owned(), Arc::clone(&page));
        Ok(page)
    }

    /// The best wheel of each version, and why other versions have none.
    fn read(&self, name: &str, listing: Listing) -> Page {
        let mut best: BTreeMap<Version, Candidate> = BTreeMap::new();
        let mut lacking: BTreeMap<Version, String> = BTreeMap::new();
        for (filename, why) in listing.left_out {
            if let Some(version) = version_in(name, &filename) {
                lacking.insert(version, why.to_owned());
            }
        }
        for offer in listing.offers {
            let Ok(wheel) = offer.filename.parse::<WheelName>() else { continue };
            let version = wheel.version.clone();
            let rank = wheel.tags().filter_map(|(python, abi, platform)| self.tags.rank(python, abi, platform)).min();
            let objection = match rank {
                None => Some("has no wheel for this interpreter".to_owned()),
                Some(_) => self.objection(name, &offer),
            };
            match (rank, objection) {
                (Some(rank), None) => {
                    let candidate = Candidate { rank, usable: Usable { name: wheel, offer, is_source: false } };
                    if best.get(&version).is_none_or(|known| candidate.is_better(known)) {
                        best.insert(version, candidate);
                    }
                }
                (_, objection) => lacking.extend(objection.map(|objection| (version, objection))),
            }
        }
        for offer in listing.sources {
            let Some(version) = source_version(name, &offer.filename) else { continue };
            let unbuilt = self.sources.is_none().then(|| SOURCE.to_owned());
            match unbuilt.or_else(|| self.objection(name, &offer)) {
                None => {
                    let Ok(wheel) = format!("{}-{version}-py3-none-any.whl", name.replace('-', "_")).parse() else {
                        continue;
                    };
                    let usable = Usable { name: wheel, offer, is_source: true };
                    best.entry(version).or_insert(Candidate { rank: usize::MAX, usable });
                }
                Some(objection) => drop(lacking.entry(version).or_insert(objection)),
            }
        }
        let left_out = lacking.into_iter().filter(|(version, _)| !best.contains_key(version)).collect();
        let offered = Offered { versions: best.keys().cloned().collect(), left_out, is_unknown: false };
        let usable = best.into_iter().map(|(version, candidate)| (version, candidate.usable)).collect();
        Page { offered: Arc::new(offered), usable }
    }

    /// Why a wheel that the interpreter could use is not used; a fragment.
    fn objection(&self, name: &str, offer: &Offer) -> Option<String> {
        let wants = |text: &str| text.parse::<crate::deps::SpecifierSet>().ok();
        if let Some(wanted) = offer.requires_python.as_deref().and_then(wants)
            && !wanted.contains(self.python)
        {
            return Some(format!("needs python {wanted}, and python {} is there", self.python));
        }
        if let (Some(until), Some(uploaded)) = (self.uploaded_until_s, offer.uploaded_s)
            && uploaded > until
        {
            let least = self.policy.min_age;
            return Some(format!("was uploaded less than {least} ago (`install.min_age`)"));
        }
        let hashes = self.wanted.iter().filter(|one| one.name == name).flat_map(|one| &one.hashes);
        let mut hashes: Vec<&str> = hashes.map(String::as_str).collect();
        hashes.retain(|hash| hash.starts_with("sha256:"));
        let is_one = |digest: &str| hashes.iter().any(|hash| hash["sha256:".len()..].eq_ignore_ascii_case(digest));
        let is_other = !hashes.is_empty() && offer.sha256.as_deref().is_some_and(|digest| !is_one(digest));
        is_other.then(|| "has other hashes than the declared ones".to_owned())
    }

    fn read_needs(&self, usable: &Usable) -> Result<Needs, Trouble> {
        if let Metadata::Offered(digest) = &usable.offer.metadata
            && !usable.is_source
        {
            match self.upstream.small(&format!("{}.metadata", usable.offer.url)) {
                Ok(bytes) if digest.as_ref().is_none_or(|digest| *digest == hex(&Sha256::digest(&bytes))) => {
                    let metadata = wheel::read_metadata(&usable.name, &bytes, &self.vetting.limits);
                    return metadata.map(needs).map_err(Trouble::Vetted);
                }
                Ok(_) => {
                    let file = &usable.offer.filename;
                    return Err(Trouble::Refused(format!("the metadata of {file} is not what the index page names")));
                }
                Err(Absent::Missing) => {}
                Err(Absent::Fault(what)) => return Err(Trouble::Index(what)),
            }
        }
        let Wheel { name, bytes, .. } = self.wheel(usable)?;
        let wheel = self.vetting.vet(&name, &bytes).map_err(Trouble::Vetted)?;
        Ok(needs(wheel.metadata))
    }
}

fn needs(metadata: wheel::Metadata) -> Needs {
    Needs { requires: metadata.requires, requires_python: metadata.requires_python, unusable: None }
}

/// The version in the name of a wheel or of a source archive.
fn version_in(name: &str, filename: &str) -> Option<Version> {
    filename.parse::<WheelName>().map(|wheel| wheel.version).ok().or_else(|| source_version(name, filename))
}

impl Catalogue for IndexCatalogue<'_> {
    type Error = Trouble;

    fn offered(&self, name: &str) -> Result<Arc<Offered>, Trouble> {
        Ok(Arc::clone(&self.page(name)?.offered))
    }

    fn needs(&self, name: &str, version: &Version) -> Result<Arc<Needs>, Trouble> {
        let key = (name.to_owned(), version.clone());
        if let Some(needs) = self.seen().needs.get(&key) {
            return Ok(Arc::clone(needs));
        }
        self.check()?;
        let needs = Arc::new(self.read_needs(&self.usable(name, version)?)?);
        self.seen().needs.insert(key, Arc::clone(&needs));
        Ok(needs)
    }

    /// What goes wrong here is met again, and told, when it is asked for.
    fn expect(&self, names: &[&str]) {
        let missing: Vec<&str> = names.iter().copied().filter(|name| !self.seen().pages.contains_key(*name)).collect();
        for_each(&missing, |name| drop(self.page(name)));
    }

    fn expect_needs(&self, versions: &[(&str, Version)]) {
        // Nothing is built that may not be needed.
        let is_wheel =
            |(name, version): &&(&str, Version)| self.usable(name, version).is_ok_and(|usable| !usable.is_source);
        let wheels: Vec<&(&str, Version)> = versions.iter().filter(is_wheel).collect();
        for_each(&wheels, |(name, version)| drop(self.needs(name, version)));
    }

    fn check(&self) -> Result<(), Trouble> {
        if self.stop.is_raised() {
            return Err(Trouble::Interrupted);
        }
        if Instant::now() > self.deadline {
            return Err(Trouble::Limit("the time for an install (`install.timeout`)".to_owned()));
        }
        Ok(())
    }
}
