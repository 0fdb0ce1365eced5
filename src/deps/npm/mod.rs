//! Packages of Node: what an artifact declares in its `package.json`, and the lock that says which those are.
//!
//! A lock is required: vetrun does not choose versions of Node packages, it takes those that `package-lock.json` names,
//! each by its digest. Of the lock counts what the artifact reaches through it, as Node would look packages up; what is there
//! for development alone, or for nobody, is not installed. Whatever does not come from the registry as a file of its
//! own (git, folders, workspaces, other names, packages inside packages) is refused. Nothing here does I/O.

pub mod archive;
mod integrity;
mod limits;
mod lock;
mod manifest;
mod name;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

pub use self::integrity::{Check, Integrity};
pub use self::limits::NpmLimits;
pub use self::name::{archive as archive_name, is_name};

use self::lock::{Entry, Lock, Unreadable};
use self::manifest::Manifest;
use self::tree::{Tree, name_at};
use crate::artifact::{Artifact, Digest, SourceFile, SourceText};
use crate::finding::{Finding, Pass, SNIPPET_BYTES_MAX, Severity};
use crate::policy::InstallPolicy;

/// Findings about one declaration that are kept; one more says that there are others.
const FINDINGS_MAX: usize = 100;

/// Makes the lock that is missing.
const LOCK_HINT: &str = "run `npm install --package-lock-only` beside package.json, and ship the package-lock.json";

/// What is to be said of a package's name, whatever it is of: the reader says where it stands.
pub type NameJudge<'a> = &'a dyn Fn(&str) -> Option<Finding>;

/// The Node packages of an artifact, with a lock that fits them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Npm {
    manifest: Manifest,
    lock: Lock,
    /// The file that the lock is in.
    lock_path: String,
}

/// One package to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Where it goes: `node_modules/a/node_modules/b`.
    pub place: String,
    /// Its name, with its scope.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// The digest of its archive.
    pub integrity: Integrity,
    /// The address that the lock has for it, if any.
    pub resolved: Option<String>,
    /// Whether the lock says that it has a script that npm would run.
    pub has_install_script: bool,
    /// What the artifact itself asks for, `a@^1.0.0`, where this is what it gets.
    pub requested: Option<String>,
    /// The packages that need it, `b@1.0.0`, sorted.
    pub required_by: Vec<String>,
}

/// Reads the Node packages that an artifact declares; `None` where it declares none, or where a finding stands against them.
/// `names` judges the names of all that would be installed. Without a lock nothing is installed, which is told.
#[must_use]
pub fn read(artifact: &Artifact, policy: &InstallPolicy, names: NameJudge<'_>) -> (Option<Npm>, Vec<Finding>) {
    let Some(file) = artifact.file("package.json") else { return (None, Vec::new()) };
    let limits = NpmLimits::default();
    let mut said = Said::new(file);
    let manifest = match manifest::read(&file.bytes, &limits) {
        Ok(manifest) => manifest,
        Err(why) => {
            said.high("node-manifest-invalid", format!("the declared packages cannot be read: {why}"), None);
            return (None, said.findings);
        }
    };
    if manifest.wanted().next().is_none() {
        return (None, Vec::new());
    }
    if manifest.wanted().count() as u64 > policy.requirements_max {
        let message = format!("more than {} packages are declared", policy.requirements_max);
        said.high_with(
            "requirements-too-many",
            message,
            None,
            "declare fewer packages, or raise `install.requirements_max`",
        );
        return (None, said.findings);
    }
    for refused in manifest.refused() {
        said.high(refused.rule, refused.message, Some(&refused.about));
    }
    for (name, ..) in manifest.wanted() {
        said.judged(names(name), name);
    }
    let locks = ["npm-shrinkwrap.json", "package-lock.json"];
    let Some(lock_file) = locks.iter().find_map(|path| artifact.file(path)) else {
        // Nothing is installed then, and a program that needs them says so; what is only checked is none the worse for it.
        let count = manifest.wanted().count();
        let message = format!("{count} node packages are declared, and no lock says which they are");
        said.add(
            Finding { hint: Some(LOCK_HINT.to_owned()), ..finding("node-lock-missing", Severity::Low, message) },
            None,
        );
        return (None, said.findings);
    };
    let mut findings = said.findings;
    let mut said = Said::new(lock_file);
    let npm = locked(manifest, lock_file, &limits, names, &mut said);
    findings.append(&mut said.findings);
    let is_sound = findings.iter().all(|finding| finding.severity < Severity::High);
    (npm.filter(|_| is_sound), findings)
}

fn locked(
    manifest: Manifest,
    file: &SourceFile,
    limits: &NpmLimits,
    names: NameJudge<'_>,
    said: &mut Said<'_>,
) -> Option<Npm> {
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        said.high("node-lock-invalid", "the lock is not UTF-8".to_owned(), None);
        return None;
    };
    let lock = match lock::read(text, limits) {
        Ok(lock) => lock,
        Err(Unreadable::Version(version)) => {
            let message = format!("the lock has version {}, and 2 and 3 are known", shown(&version));
            said.high_with("node-lock-version-unknown", message, Some("lockfileVersion"), LOCK_HINT);
            return None;
        }
        Err(Unreadable::Invalid(why)) => {
            said.high_with("node-lock-invalid", format!("the lock cannot be read: {}", shown(&why)), None, LOCK_HINT);
            return None;
        }
    };
    for place in &lock.twice {
        let message = format!("`{}` stands in the lock twice, perhaps in another spelling", shown(place));
        said.high("node-lock-place-twice", message, Some(place));
    }
    // A folder that is linked to has a place of its own. What reaches it is refused.
    let linked: BTreeSet<&String> =
        lock.entries.values().filter(|entry| entry.link).filter_map(|entry| entry.resolved.as_ref()).collect();
    for place in lock.entries.keys() {
        if name_at(place, limits.depth_max).is_none() && !linked.contains(place) {
            let message = format!("`{}` is no place for a package below `node_modules`", shown(place));
            said.high("node-lock-place-invalid", message, Some(place));
        }
    }
    let npm = Npm { manifest, lock, lock_path: file.path.clone() };
    npm.check_fit(said);
    for place in npm.reach(&|_| true).reached.keys() {
        npm.check_entry(place, limits, names, said);
    }
    Some(npm)
}

impl Npm {
    /// The file that the lock is in.
    #[must_use]
    pub fn lock_path(&self) -> &str {
        &self.lock_path
    }

    /// What the artifact asks for, as `name@range`, sorted.
    #[must_use]
    pub fn requested(&self) -> Vec<String> {
        let mut requested: Vec<String> =
            self.manifest.wanted().map(|(name, range, _)| format!("{name}@{}", shown(range))).collect();
        requested.sort();
        requested
    }

    /// The packages to install on a system, as Node names it (`linux`, `x64`), sorted by place.
    ///
    /// # Errors
    /// What is needed and does not fit the system.
    pub fn picks(&self, os: &str, cpu: &str) -> Result<Vec<Pick>, Vec<Finding>> {
        let fits = |entry: &Entry| entry.os.admits(os) && entry.cpu.admits(cpu);
        let tree = self.reach(&fits);
        let mut unfit = Vec::new();
        let mut picks = Vec::new();
        for (place, reached) in &tree.reached {
            let Some(entry) = self.lock.entries.get(place) else { continue };
            let Some(pick) = self.pick(place, entry, &reached.needed_by) else { continue };
            if !fits(entry) {
                let message = format!("`{}` is not for {os} on {cpu}, and is needed", pick.name);
                let found = finding("node-package-unfit", Severity::High, message);
                unfit.push(Finding { path: self.lock_path.clone(), ..found });
            }
            picks.push(pick);
        }
        if unfit.is_empty() { Ok(picks) } else { Err(unfit) }
    }

    fn pick(&self, place: &str, entry: &Entry, needed_by: &BTreeSet<String>) -> Option<Pick> {
        let depth_max = NpmLimits::default().depth_max;
        let name = name_at(place, depth_max)?;
        let named = |place: &String| {
            Some(format!("{}@{}", name_at(place, depth_max)?, self.lock.entries.get(place)?.version.as_deref()?))
        };
        let is_outermost = place == format!("node_modules/{name}");
        let own = self.manifest.range(name).filter(|_| is_outermost);
        let mut required_by: Vec<String> = needed_by.iter().filter_map(named).collect();
        required_by.sort();
        required_by.dedup();
        Some(Pick {
            place: place.to_owned(),
            name: name.to_owned(),
            version: entry.version.clone()?,
            integrity: Integrity::read(entry.integrity.as_deref()).ok()?,
            resolved: entry.resolved.clone(),
            has_install_script: entry.has_install_script,
            requested: own.map(|range| format!("{name}@{}", shown(range))),
            required_by,
        })
    }

    fn reach(&self, fits: &dyn Fn(&Entry) -> bool) -> Tree {
        tree::reach(&self.lock, &self.manifest, fits)
    }

    /// The lock must be one of this manifest, and whole.
    fn check_fit(&self, said: &mut Said<'_>) {
        let of_lock = {
            let mut root = self.lock.root.clone();
            root.dependencies.retain(|name, _| !root.optional_dependencies.contains_key(name));
            (root.dependencies, root.optional_dependencies)
        };
        let pairs = [(&self.manifest.dependencies, &of_lock.0), (&self.manifest.optional_dependencies, &of_lock.1)];
        let names: BTreeSet<&String> = pairs
            .iter()
            .flat_map(|(own, locked)| {
                own.keys().chain(locked.keys()).filter(|name| own.get(*name) != locked.get(*name))
            })
            .collect();
        for name in names {
            let message = format!("the lock was not made for what package.json says of `{}`", shown(name));
            said.high_with("node-lock-differs", message, Some(name), LOCK_HINT);
        }
        for (name, range, _) in self.manifest.wanted().filter(|(_, range, _)| name::is_version(range)) {
            let version =
                self.lock.entries.get(&format!("node_modules/{name}")).and_then(|entry| entry.version.as_ref());
            if let Some(version) = version.filter(|version| *version != range) {
                let message = format!("`{name}` is asked for in version {range}, and the lock has {}", shown(version));
                said.high_with("node-lock-differs", message, Some(&format!("node_modules/{name}")), LOCK_HINT);
            }
        }
        for (place, name) in self.reach(&|_| true).missing {
            let by = name_at(&place, NpmLimits::default().depth_max).unwrap_or("package.json");
            let message = format!("`{by}` needs `{}`, which the lock does not have", shown(&name));
            said.high_with("node-lock-incomplete", message, Some(&place), LOCK_HINT);
        }
    }

    /// What is reached must be a file of a registry, with a digest.
    fn check_entry(&self, place: &str, limits: &NpmLimits, names: NameJudge<'_>, said: &mut Said<'_>) {
        let (Some(entry), Some(name)) = (self.lock.entries.get(place), name_at(place, limits.depth_max)) else {
            return;
        };
        if let Some(how) = not_from_registry(entry, name) {
            let message = format!("`{name}` {how}");
            said.high("node-package-not-from-registry", message, Some(place));
            return;
        }
        if !entry.version.as_deref().is_some_and(name::is_version) {
            said.high("node-lock-invalid", format!("`{name}` has no exact version in the lock"), Some(place));
        }
        if let Err(weak) = Integrity::read(entry.integrity.as_deref()) {
            let (rule, what) = match weak {
                integrity::Weak::Missing => ("node-integrity-missing", "has no `integrity` in the lock"),
                integrity::Weak::Weaker => ("node-integrity-weak", "has no digest from SHA-256 on in the lock"),
                integrity::Weak::Unclear => ("node-integrity-weak", "has an `integrity` that cannot be relied on"),
            };
            said.high_with(rule, format!("`{name}` {what}"), Some(place), "remove the lock, and let npm make it anew");
        }
        if entry.has_install_script {
            let message = format!("`{name}` has a script that npm would run when it is installed; it is not run");
            said.add(finding("node-install-script", Severity::Low, message), Some(place));
        }
        // What is declared was judged where it is declared.
        if self.manifest.range(name).is_none() {
            said.judged(names(name), place);
        }
    }
}

/// Why an entry is no file of a registry; the rest of a sentence.
fn not_from_registry(entry: &Entry, name: &str) -> Option<&'static str> {
    let is_address = |address: &String| address.starts_with("https://") || address.starts_with("http://");
    if entry.link {
        Some("is a link to a folder, not a package of the registry")
    } else if entry.in_bundle {
        Some("comes inside another package, not from the registry")
    } else if entry.name.as_ref().is_some_and(|own| own != name) {
        Some("is another package of the registry under this name")
    } else if entry.resolved.as_ref().is_some_and(|address| !is_address(address)) {
        Some("does not come from the registry, but from a file or a repository")
    } else {
        None
    }
}

/// What a set of packages is told by: their places, names, versions and digests.
#[must_use]
pub fn digest(picks: &[Pick]) -> Digest {
    let mut hasher = Sha256::new();
    for pick in picks {
        for part in [&pick.place, &pick.name, &pick.version, &pick.integrity.to_string()] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    Digest::finish(hasher)
}

/// Untrusted text, such that it can stand in a message: short, on one line.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 160;
    let mut shown: String = text.chars().take(CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown.replace("\\\"", "\"").replace("\\'", "'")
}

fn finding(rule: &'static str, severity: Severity, message: String) -> Finding {
    Finding::in_file(rule, Pass::Install, severity, crate::finding::WHOLE_ARTIFACT, message)
}

/// Findings about one file, each at the text that it is about.
struct Said<'a> {
    path: &'a str,
    text: Option<SourceText>,
    findings: Vec<Finding>,
    /// How many there were of each severity.
    counts: BTreeMap<Severity, usize>,
}

impl<'a> Said<'a> {
    fn new(file: &'a SourceFile) -> Self {
        let text = std::str::from_utf8(&file.bytes).ok().map(SourceText::from_utf8);
        Self { path: &file.path, text, findings: Vec::new(), counts: BTreeMap::new() }
    }

    fn high(&mut self, rule: &'static str, message: String, about: Option<&str>) {
        self.add(finding(rule, Severity::High, message), about);
    }

    fn high_with(&mut self, rule: &'static str, message: String, about: Option<&str>, hint: &str) {
        self.add(finding(rule, Severity::High, message).hint(hint), about);
    }

    fn judged(&mut self, found: Option<Finding>, about: &str) {
        if let Some(found) = found {
            self.add(found, Some(about));
        }
    }

    fn add(&mut self, found: Finding, about: Option<&str>) {
        let count = self.counts.entry(found.severity).or_default();
        *count += 1;
        match (*count).cmp(&(FINDINGS_MAX + 1)) {
            std::cmp::Ordering::Greater => {}
            std::cmp::Ordering::Equal => {
                let message = format!("more than {FINDINGS_MAX} findings are like this; the others are not listed");
                self.findings.push(Finding {
                    path: self.path.to_owned(),
                    ..finding("node-findings-limit", found.severity, message)
                });
            }
            std::cmp::Ordering::Less => {
                let found = Finding { path: self.path.to_owned(), ..found };
                self.findings.push(self.at(found, about));
            }
        }
    }

    /// At the key `about`, as it stands in the file; about the whole file where it is written otherwise.
    fn at(&self, found: Finding, about: Option<&str>) -> Finding {
        let place = |text: &SourceText| {
            let quoted = format!("\"{}\"", about?);
            let start = text.as_str().find(&quoted)?;
            let range = start..start + quoted.len();
            Some((text.range(range.clone()), text.snippet(range, SNIPPET_BYTES_MAX)))
        };
        match self.text.as_ref().and_then(place) {
            Some((range, snippet)) => Finding { range: Some(range), snippet: Some(snippet), ..found },
            None => found,
        }
    }
}
