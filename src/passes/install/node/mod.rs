//! Packages of Node: fetched from the registry that the policy names, each held against the digest of the lock, vetted and
//! unpacked into a `node_modules` of their own, which becomes a layer as that of Python packages does.
//!
//! npm has no part in it. No script of a package runs, no commands are linked, and the lock is followed to the letter:
//! the addresses are made here, and one in the lock that leads elsewhere is a finding.

mod fetch;
mod unpack;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use self::fetch::Registry;
use self::unpack::Room;
pub(super) use self::unpack::write_files;
use super::catalogue::Trouble;
use super::index::without_credentials;
use super::parallel::for_each;
use super::session::Note;
use super::store::{Layer, Store};
use super::verify::fault;
use super::{InstallError, Installed, MESSAGE_BYTES_MAX, Tools, printable};
use crate::artifact::Digest;
use crate::deps::npm::{self, Npm, NpmLimits, Pick};
use crate::finding::Finding;
use crate::policy::InstallPolicy;
use crate::report::{Ecosystem, Package};

/// Where the packages are, in a layer.
pub(super) const FOLDER: &str = "node_modules";

/// Archives from here on are inflated one after another: each may take a hundred times that in memory.
const LARGE_BYTES: u64 = 1 << 20;

/// What is known of a layer.
#[derive(Serialize, Deserialize)]
struct LayerFact {
    /// Its name in the store.
    layer: String,
    packages: Vec<Package>,
    notes: Vec<Note>,
}

/// What was done for one package.
struct Done {
    /// Bytes of its archive.
    file_bytes: u64,
    /// Bytes of its files.
    bytes: u64,
    notes: Vec<Finding>,
}

/// One install of Node packages.
struct Session<'a> {
    tools: &'a Tools<'a>,
    policy: &'a InstallPolicy,
    store: &'a Store,
    registry: Registry,
    picks: Vec<Pick>,
    deadline: Instant,
    /// Of all archives together.
    fetched_bytes: AtomicU64,
    /// Held by who has a large archive in its hands.
    large: Mutex<()>,
}

/// Installs `npm` for a system that reports name `platform` (`linux-x86_64`).
///
/// # Errors
/// [`InstallError`] when vetrun, its policy or the registry is at fault.
pub(super) fn install(
    npm: &Npm,
    platform: &str,
    store: &Store,
    tools: &Tools<'_>,
    policy: &InstallPolicy,
    installed: &mut Installed,
) -> Result<(), InstallError> {
    installed.requirements.extend(npm.requested());
    let Some(url) = &policy.npm_registry_url else {
        let message = "node packages are declared, and the policy names no registry to fetch them from";
        let hint = "set `install.npm_registry_url` in the policy, or switch installing off (`--no-install`)";
        installed.findings.push(fault("node-registry-unknown", message).hint(hint));
        return Ok(());
    };
    let (os, cpu) = node_platform(platform);
    let picks = match npm.picks(os, cpu) {
        Ok(picks) => picks,
        Err(unfit) => {
            installed.findings.extend(unfit);
            return Ok(());
        }
    };
    let deadline = Instant::now() + policy.timeout.duration();
    let registry = Registry::new(url);
    let (fetched_bytes, large) = (AtomicU64::new(0), Mutex::new(()));
    let session = Session { tools, policy, store, registry, picks, deadline, fetched_bytes, large };
    let elsewhere = session.elsewhere(npm.lock_path());
    if !elsewhere.is_empty() {
        installed.findings.extend(elsewhere);
        return Ok(());
    }
    session.run(installed)
}

/// A system as Node names it.
fn node_platform(platform: &str) -> (&str, &str) {
    let (os, machine) = platform.split_once('-').unwrap_or((platform, ""));
    let cpu = match machine {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "i386" | "i586" | "i686" | "x86" => "ia32",
        "armv6l" | "armv7l" => "arm",
        "powerpc64le" | "ppc64le" => "ppc64",
        other => other,
    };
    (os, cpu)
}

impl Session<'_> {
    /// Packages for which the lock has another address than the registry's.
    fn elsewhere(&self, lock_path: &str) -> Vec<Finding> {
        let own = |pick: &Pick| without_credentials(&self.registry.url(pick));
        let leads_away =
            |pick: &&Pick| pick.resolved.as_ref().is_some_and(|resolved| without_credentials(resolved) != own(pick));
        let finding = |pick: &Pick| {
            let resolved = without_credentials(pick.resolved.as_deref().unwrap_or_default());
            let resolved = printable(&resolved, MESSAGE_BYTES_MAX);
            let message =
                format!("the lock takes `{}` from {resolved}, not from the registry of the policy", pick.name);
            let hint = "make the lock with this registry, or without addresses (`npm install --package-lock-only \
                        --omit-lockfile-registry-resolved`)";
            Finding { path: lock_path.to_owned(), ..fault("node-package-not-from-registry", message).hint(hint) }
        };
        self.picks.iter().filter(leads_away).take(FINDINGS_MAX).map(finding).collect()
    }

    fn run(&self, installed: &mut Installed) -> Result<(), InstallError> {
        let started = Instant::now();
        let own = concat!("vetrun ", env!("CARGO_PKG_VERSION"));
        let by_other = installed.installer.take().filter(|other| other != own);
        installed.installer = Some(by_other.map_or_else(|| own.to_owned(), |other| format!("{other}, {own}")));
        installed.node_lock = Some(npm::digest(&self.picks));
        if let Some((fact, layer)) = self.known() {
            installed.findings.extend(fact.notes.into_iter().map(Note::finding));
            self.take(fact.packages, layer, true, installed);
            installed.timings.push(("nodeAttach", started.elapsed()));
            return Ok(());
        }
        let staging = self.store.staging();
        let staging = staging.map_err(|source| InstallError::Io { action: "make a folder for packages", source })?;
        let room = Room::new(&Store::tree_in(staging.path()), self.policy)?;
        let Some(done) = self.fetch_all(&room, installed)? else { return Ok(()) };
        let packages = self.packages(&done);
        let notes: Vec<Finding> = done.into_iter().flat_map(|done| done.notes).collect();
        let published = self.store.publish(staging, room.bytes());
        let (name, layer) = published.map_err(|source| InstallError::Io { action: "keep the packages", source })?;
        if self.store.is_kept() {
            let fact =
                LayerFact { layer: name, packages: packages.clone(), notes: notes.iter().map(Note::of).collect() };
            self.store.keep_fact(self.key(), &fact);
        }
        installed.findings.extend(notes);
        self.take(packages, layer, false, installed);
        installed.timings.push(("nodeInstall", started.elapsed()));
        Ok(())
    }

    /// What an unpacked tree depends on.
    fn key(&self) -> Digest {
        let limits = format!("{} {}", self.policy.installed_bytes_max, self.policy.installed_files_max);
        // The registry is a part of what the report says.
        let asked: Vec<String> = self.picks.iter().filter_map(|pick| pick.requested.clone()).collect();
        let needed: Vec<String> = self.picks.iter().map(|pick| pick.required_by.join(" ")).collect();
        let said = [self.registry.shown(), &asked.join("\n"), &needed.join("\n")].join("\n\n");
        self.store.key("node layer", &[&npm::digest(&self.picks).to_string(), &limits, &said])
    }

    /// The layer that was made of this lock, if there is one.
    fn known(&self) -> Option<(LayerFact, Layer)> {
        let fact: LayerFact = self.store.fact(self.key())?;
        let layer = self.store.layer(&fact.layer)?;
        layer.tree().join(FOLDER).is_dir().then_some((fact, layer))
    }

    fn take(&self, packages: Vec<Package>, layer: Layer, is_known: bool, installed: &mut Installed) {
        installed.cache_hit = is_known && (installed.cache_hit || installed.packages.is_empty());
        installed.packages.extend(packages);
        installed.node_layer = Some(layer);
    }

    /// Fetches, vets and unpacks all packages; `None` where a finding stands against one.
    fn fetch_all(&self, room: &Room, installed: &mut Installed) -> Result<Option<Vec<Done>>, InstallError> {
        let results: Vec<Mutex<Option<Result<Done, Trouble>>>> = self.picks.iter().map(|_| Mutex::new(None)).collect();
        let numbers: Vec<usize> = (0..self.picks.len()).collect();
        let has_failed = Mutex::new(false);
        for_each(&numbers, |&at| {
            // The first trouble ends all that has not begun.
            if *has_failed.lock().unwrap_or_else(PoisonError::into_inner) {
                return;
            }
            let result = self.one(&self.picks[at], room);
            if !matches!(result, Ok(_) | Err(Trouble::Vetted(_))) {
                *has_failed.lock().unwrap_or_else(PoisonError::into_inner) = true;
            }
            *results[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        });
        let mut done = Vec::new();
        let mut is_whole = true;
        for result in results {
            match result.into_inner().unwrap_or_else(PoisonError::into_inner) {
                Some(Ok(one)) => done.push(one),
                Some(Err(trouble)) => {
                    is_whole = false;
                    self.told(trouble, installed)?;
                }
                None => is_whole = false,
            }
        }
        Ok(is_whole.then_some(done))
    }

    fn one(&self, pick: &Pick, room: &Room) -> Result<Done, Trouble> {
        self.check()?;
        let bytes = self.archive(pick)?;
        let is_large = bytes.len() as u64 >= LARGE_BYTES;
        let _turn = is_large.then(|| self.large.lock().unwrap_or_else(PoisonError::into_inner));
        let vetted = npm::archive::vet(pick, &bytes, &self.limits());
        let mut package = vetted.map_err(|finding| Trouble::Vetted(vec![*finding]))?;
        let notes = std::mem::take(&mut package.notes);
        let bytes_written = room.unpack(pick, &package)?;
        Ok(Done { file_bytes: bytes.len() as u64, bytes: bytes_written, notes })
    }

    fn limits(&self) -> NpmLimits {
        let usual = NpmLimits::default();
        NpmLimits {
            members_max: usual.members_max.min(self.policy.installed_files_max),
            unpacked_bytes_max: usual.unpacked_bytes_max.min(self.policy.installed_bytes_max.bytes()),
            ..usual
        }
    }

    /// What is wrong becomes a finding, or an error where it is not the artifact's fault.
    fn told(&self, trouble: Trouble, installed: &mut Installed) -> Result<(), InstallError> {
        match trouble {
            Trouble::Index(what) => Err(InstallError::Index {
                index: self.registry.shown().to_owned(),
                what: printable(&what, MESSAGE_BYTES_MAX),
            }),
            Trouble::Interrupted => Err(InstallError::Interrupted),
            Trouble::Io(what) => Err(InstallError::Store { what }),
            Trouble::Limit(which) => {
                installed.findings.push(fault("package-over-limit", format!("the packages need more than {which}")));
                Ok(())
            }
            Trouble::Refused(why) => {
                installed.findings.push(fault("node-package-not-installable", printable(&why, MESSAGE_BYTES_MAX)));
                Ok(())
            }
            Trouble::Vetted(findings) => {
                installed.findings.extend(findings);
                Ok(())
            }
        }
    }

    /// As the report has them: each version of a package once, wherever it is.
    fn packages(&self, done: &[Done]) -> Vec<Package> {
        let mut packages: BTreeMap<(&str, &str, String), Package> = BTreeMap::new();
        for (pick, done) in self.picks.iter().zip(done) {
            let key = (pick.name.as_str(), pick.version.as_str(), pick.integrity.to_string());
            let package = packages.entry(key).or_insert_with(|| self.package(pick, done));
            if package.requested.is_none() {
                package.requested.clone_from(&pick.requested);
            }
            package.size_bytes += done.bytes;
            package.required_by.extend(pick.required_by.iter().cloned());
            package.required_by.sort();
            package.required_by.dedup();
        }
        packages.into_values().collect()
    }

    /// Without what depends on the place.
    fn package(&self, pick: &Pick, done: &Done) -> Package {
        Package {
            ecosystem: Ecosystem::Node,
            name: pick.name.clone(),
            version: pick.version.clone(),
            digest: Some(pick.integrity.to_string()),
            size_bytes: 0,
            file: Some(npm::archive_name(&pick.name, &pick.version)),
            url: Some(without_credentials(&self.registry.url(pick))),
            file_bytes: Some(done.file_bytes),
            uploaded: None,
            requested: None,
            required_by: Vec::new(),
            is_known: false,
        }
    }
}

/// Findings about addresses that are listed.
const FINDINGS_MAX: usize = 100;
