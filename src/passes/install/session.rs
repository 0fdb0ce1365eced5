//! One install, step by step: which requirements apply, the lock, the layer that is there already or the wheels that
//! become one, the checks.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::build::{Builder, Built, Fetched};
use super::probe::Probe;
use super::program::ProgramImports;
use super::resolution::{Answer, Inquiry};
use super::store::Store;
use super::verify::fault;
use super::vetting::Vetting;
use super::{ImportResult, IndexProxy, InstallError, Installed, MESSAGE_BYTES_MAX, RunEnvironment, Tools, printable};
use crate::artifact::Digest;
use crate::deps::{Declared, Lock, Locked, Requirement, Source, Version};
use crate::finding::{Finding, Severity};
use crate::policy::InstallPolicy;
use crate::report::Package;

/// The requirements that apply to the interpreter in the sandbox.
pub(super) fn applicable<'a>(
    declared: &'a Declared,
    probe: &Probe,
    findings: &mut Vec<Finding>,
) -> Vec<&'a Requirement> {
    if let Some((wanted, path)) = &declared.requires_python
        && !probe.python.parse::<Version>().is_ok_and(|python| wanted.contains(&python))
    {
        let message = format!("python {wanted} is asked for, and python {} is there", probe.python);
        findings.push(Finding { path: path.clone(), ..fault("python-version-unsupported", message) });
    }
    let mut wanted = Vec::new();
    for requirement in &declared.requirements {
        match requirement.marker.as_ref().map_or(Ok(true), |marker| marker.evaluate(&probe.markers)) {
            Ok(true) => wanted.push(requirement),
            Ok(false) => {}
            Err(error) => {
                let message = format!("the marker of `{}` means nothing: {error}", requirement.text);
                findings.push(requirement.finding("requirement-marker-undefined", Severity::High, message));
            }
        }
    }
    findings.extend(unhashed(declared, &wanted));
    wanted
}

/// Where one file has a declared hash, all must have one: nothing is then taken on trust.
fn unhashed(declared: &Declared, wanted: &[&Requirement]) -> Vec<Finding> {
    let lacking = wanted
        .iter()
        .filter(|one| requires_hashes(declared, wanted) && (one.hashes.is_empty() || !one.specifiers.is_pinned()));
    let finding = |requirement: &&Requirement| {
        let message = format!("`{}` has no version and hash of its own, and others have", requirement.text);
        let hint = "write `name==version --hash=sha256:…` for every package, those that others need included";
        requirement.finding("requirement-hash-missing", Severity::High, message).hint(hint)
    };
    lacking.map(finding).collect()
}

fn requires_hashes(declared: &Declared, wanted: &[&Requirement]) -> bool {
    declared.require_hashes || wanted.iter().any(|requirement| !requirement.hashes.is_empty())
}

/// Says which packages no index has as they are installed.
fn built_here(lock: &Lock) -> Vec<Finding> {
    let built = lock.packages.iter().filter_map(|one| Some((one, one.source.as_ref()?)));
    let finding = |(one, source): (&Locked, &Source)| {
        let message = format!("`{}` {} was built here from {}, in the sandbox", one.name, one.version, source.file);
        Finding { severity: Severity::Info, ..fault("package-built-from-source", message) }
    };
    built.map(finding).collect()
}

/// One install, from the requirements to the checked packages.
pub(super) struct Session<'a> {
    pub(super) declared: &'a Declared,
    pub(super) tools: &'a Tools<'a>,
    pub(super) policy: &'a InstallPolicy,
    pub(super) store: &'a Store,
    /// Tells the interpreter from any other.
    pub(super) identity: &'a str,
    pub(super) probe: &'a Probe,
    /// The environment without packages.
    pub(super) environment: &'a RunEnvironment,
    pub(super) vetting: Vetting<'a>,
    pub(super) wanted: &'a [&'a Requirement],
}

/// What is known of a layer.
#[derive(Serialize, Deserialize)]
struct LayerFact {
    /// Its name in the store.
    layer: String,
    installer: String,
    packages: Vec<Package>,
    notes: Vec<Note>,
    scanned: Vec<String>,
    imports: Vec<ImportResult>,
}

/// A finding that stands against nothing, such that it can be kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Note {
    rule: String,
    severity: Severity,
    message: String,
}

impl Note {
    pub(super) fn of(finding: &Finding) -> Self {
        Self { rule: finding.rule_id.to_string(), severity: finding.severity, message: finding.message.clone() }
    }

    pub(super) fn finding(self) -> Finding {
        let found = fault("", self.message);
        Finding { rule_id: self.rule.into(), severity: self.severity, ..found }
    }
}

impl Session<'_> {
    pub(super) fn run(&self, installed: &mut Installed) -> Result<(), InstallError> {
        installed.requirements = self.wanted.iter().map(|requirement| requirement.installer_line()).collect();
        let started = Instant::now();
        let index = self.policy.index_url.clone().or_else(|| Some(self.probe.pip.as_ref()?.index_url.clone()));
        let index = index.ok_or(InstallError::NoIndex)?;
        let constraints = self.constraints();
        let inquiry = Inquiry {
            wanted: self.wanted,
            constraints: &constraints,
            index: &index,
            probe: self.probe,
            vetting: &self.vetting,
            policy: self.policy,
            store: self.store,
            tools: self.tools,
            identity: self.identity,
            environment: self.environment,
            deadline: started + self.policy.timeout.duration(),
        };
        let Some(lock) = self.lock(&inquiry, false, installed)? else { return Ok(()) };
        installed.timings.push(("resolve", started.elapsed()));
        let key = self.layer_key(&lock);
        self.store.in_turn(key, || {
            if self.take_layer(key, &lock, installed) { Ok(()) } else { self.make_layer(lock, &inquiry, installed) }
        })?;
        installed.findings.extend(built_here(&installed.lock));
        if installed.is_sound() { self.program_imports(key).check(installed) } else { Ok(()) }
    }

    /// What the program takes from the packages of a layer.
    pub(super) fn program_imports(&self, layer: Digest) -> ProgramImports<'_> {
        let Self { declared, tools, policy, store, .. } = *self;
        ProgramImports { imports: &declared.imports, tools, policy, store, layer }
    }

    fn make_layer(&self, lock: Lock, inquiry: &Inquiry<'_>, installed: &mut Installed) -> Result<(), InstallError> {
        if let Some(wheels) = self.wheels(&lock) {
            return self.build(&lock, &wheels, inquiry, installed);
        }
        // They were removed since, or altered.
        let Some(lock) = self.lock(inquiry, true, installed)? else { return Ok(()) };
        let wheels = self.wheels(&lock);
        let wheels =
            wheels.ok_or_else(|| InstallError::Store { what: "fetched wheels are removed at once".to_owned() })?;
        self.build(&lock, &wheels, inquiry, installed)
    }

    /// The wheels of a lock, in its order; `None` where one is not there.
    fn wheels(&self, lock: &Lock) -> Option<Vec<Fetched>> {
        let read = |one: &Locked| Some(Fetched { name: one.file.parse().ok()?, bytes: self.store.wheel(&one.sha256)? });
        lock.packages.par_iter().map(read).collect()
    }

    fn constraints(&self) -> Vec<&Requirement> {
        let applies = |requirement: &&Requirement| {
            requirement.marker.as_ref().is_none_or(|marker| marker.evaluate(&self.probe.markers).unwrap_or(true))
        };
        self.declared.constraints.iter().filter(applies).collect()
    }

    /// The lock; `None` where there is none, and a finding says why.
    fn lock(
        &self,
        inquiry: &Inquiry<'_>,
        fresh: bool,
        installed: &mut Installed,
    ) -> Result<Option<Lock>, InstallError> {
        match inquiry.answer(fresh)? {
            Answer::Locked { lock, is_known, fallback } => {
                installed.fallback = fallback;
                installed.lock_known = is_known;
                if let Some(finding) = self.unpinned(&lock) {
                    installed.findings.push(finding);
                    return Ok(None);
                }
                installed.lock = lock.clone();
                Ok(Some(lock))
            }
            Answer::Refused { rule, why, about } => {
                installed.findings.push(self.not_installed(rule, &why, &about));
                Ok(None)
            }
            Answer::Vetted(findings) => {
                installed.findings.extend(findings);
                Ok(None)
            }
        }
    }

    /// Where hashes are declared, every package must be among those that are declared.
    fn unpinned(&self, lock: &Lock) -> Option<Finding> {
        if !requires_hashes(self.declared, self.wanted) {
            return None;
        }
        let is_declared = |name: &str| self.wanted.iter().any(|one| one.name == name);
        let other = lock.packages.iter().find(|package| !is_declared(&package.name))?;
        let by = other.wanted_by.first().map_or("", String::as_str);
        let message = format!("`{by}` needs `{}`, which has no declared version and hash, and others have", other.name);
        let hint = "write `name==version --hash=sha256:…` for every package, those that others need included";
        Some(fault("requirement-hash-missing", message).hint(hint))
    }

    /// A finding at the declaration that it is about, as far as that can be told.
    pub(super) fn not_installed(&self, rule: &'static str, why: &str, about: &[String]) -> Finding {
        let said = printable(why, MESSAGE_BYTES_MAX);
        let named = about.iter().find_map(|name| self.wanted.iter().find(|one| one.name == *name));
        let named = named.or_else(|| self.wanted.iter().find(|one| said.contains(&one.name))).or(self.wanted.first());
        match named {
            Some(requirement) => requirement.finding(rule, Severity::High, said),
            None => fault(rule, said),
        }
    }

    /// What an installed tree depends on, and what was checked in it.
    pub(super) fn layer_key(&self, lock: &Lock) -> Digest {
        let digest = lock.digest().to_string();
        let target = serde_json::to_string(&self.probe.target).unwrap_or_default();
        let wanted: Vec<&str> = self.wanted.iter().map(|one| one.name.as_str()).collect();
        let rules = self.tools.examine.map_or("", |examiner| examiner.identity);
        let installer = format!("{:?} {:?} {rules}", self.policy.installer, self.policy.scan);
        let names = format!("{:?} {}", self.tools.names.digest(), self.policy.allow_names.join(" "));
        let limits = format!("{} {}", self.policy.installed_bytes_max, self.policy.installed_files_max);
        let backend = self.tools.sandbox.name();
        let parts = [&digest, backend, self.identity, &target, &wanted.join(" "), &installer, &names, &limits];
        self.store.key("layer", &parts)
    }

    /// Takes the layer that was made of this lock, if there is one.
    fn take_layer(&self, key: Digest, lock: &Lock, installed: &mut Installed) -> bool {
        let started = Instant::now();
        let Some(fact) = self.store.fact::<LayerFact>(key) else { return false };
        let Some(layer) = self.store.layer(&fact.layer) else { return false };
        installed.installer = Some(fact.installer);
        installed.packages = fact.packages;
        // Another artifact may have asked for the same in other words.
        for package in &mut installed.packages {
            let requested = self.wanted.iter().find(|one| one.name == package.name);
            package.requested = requested.map(|one| one.installer_line());
            let locked = lock.packages.iter().find(|one| one.name == package.name);
            package.required_by = locked.map(|one| one.wanted_by.clone()).unwrap_or_default();
        }
        installed.imports = fact.imports;
        installed.scanned = fact.scanned;
        installed.findings.extend(fact.notes.into_iter().map(Note::finding));
        installed.cache_hit = true;
        installed.layer = Some(layer);
        installed.timings.push(("attach", started.elapsed()));
        true
    }

    fn build(
        &self,
        lock: &Lock,
        wheels: &[Fetched],
        inquiry: &Inquiry<'_>,
        installed: &mut Installed,
    ) -> Result<(), InstallError> {
        let staging = self.store.staging();
        let staging = staging.map_err(|source| InstallError::Io { action: "make a folder for packages", source })?;
        let tree = Store::tree_in(staging.path());
        let builder = Builder { session: self, lock, wheels, deadline: inquiry.deadline };
        let Built { bytes } = match builder.build(&tree, staging.path(), installed)? {
            Some(built) if installed.is_sound() => built,
            _ => return Ok(()),
        };
        let published = self.store.publish(staging, bytes);
        let (name, layer) = published.map_err(|source| InstallError::Io { action: "keep the packages", source })?;
        if self.store.is_kept() {
            self.keep_fact(lock, name, installed);
        }
        installed.layer = Some(layer);
        Ok(())
    }

    fn keep_fact(&self, lock: &Lock, layer: String, installed: &Installed) {
        let fact = LayerFact {
            layer,
            installer: installed.installer.clone().unwrap_or_default(),
            packages: installed.packages.clone(),
            notes: installed.findings.iter().map(Note::of).collect(),
            imports: installed.imports.clone(),
            scanned: installed.scanned.clone(),
        };
        self.store.keep_fact(self.layer_key(lock), &fact);
    }

    /// The wheels of a lock, behind a proxy that has nothing else.
    pub(super) fn proxy(&self, lock: &Lock) -> Arc<IndexProxy> {
        let wheels = lock.packages.iter().map(|one| (one.clone(), self.store.wheel_path(&one.sha256)));
        Arc::new(IndexProxy::closed(wheels))
    }
}
