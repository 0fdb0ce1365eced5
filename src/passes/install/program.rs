//! What the program takes from its packages: is all of it there?
//!
//! A language model that knows a package's name may still invent what is in it. So each name that the artifact imports from
//! packages is tried beside the packages themselves, and a name that is not there is told at its import, with the one that
//! was probably meant. What was found out of a layer is known of it from then on.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{self, Checked, ImportResult};
use super::store::Store;
use super::verify::fault;
use super::{InstallError, Installed, MESSAGE_BYTES_MAX, Tools, new_folder, printable};
use crate::artifact::Digest;
use crate::deps::imports::ProgramImport;
use crate::finding::{Finding, Severity};
use crate::policy::InstallPolicy;

/// Names that are tried; of more, a finding says that they were not.
const PATHS_MAX: usize = 500;

/// Findings that are listed; one more says how many there are.
const FINDINGS_MAX: usize = 20;

/// The imports of an artifact, and the layer that must have what they name.
pub(super) struct ProgramImports<'a> {
    pub(super) imports: &'a [ProgramImport],
    pub(super) tools: &'a Tools<'a>,
    pub(super) policy: &'a InstallPolicy,
    pub(super) store: &'a Store,
    /// Tells the layer from any other.
    pub(super) layer: Digest,
}

impl ProgramImports<'_> {
    /// What is to be tried, each once.
    pub(super) fn paths(&self) -> BTreeSet<&str> {
        self.imports.iter().map(|import| import.path.as_str()).take(PATHS_MAX).collect()
    }

    /// Keeps what was found out.
    pub(super) fn keep(&self, results: &[ImportResult]) {
        for result in results {
            self.store.keep_fact(self.key(&result.module), result);
        }
    }

    fn key(&self, path: &str) -> Digest {
        self.store.key("import", &[&self.layer.to_string(), path])
    }

    /// Tries what was not tried before, and adds what is not there to the findings.
    pub(super) fn check(&self, installed: &mut Installed) -> Result<(), InstallError> {
        let started = std::time::Instant::now();
        let (mut results, mut missing) = (BTreeMap::new(), Vec::new());
        for path in self.paths() {
            match self.store.fact::<ImportResult>(self.key(path)) {
                Some(result) => drop(results.insert(path, result)),
                None => missing.push(path.to_owned()),
            }
        }
        if !missing.is_empty() {
            match self.attempt(&missing, installed)? {
                Checked::Imports(fresh, _) => {
                    self.keep(&fresh);
                    results.extend(missing.iter().map(String::as_str).zip(fresh));
                }
                Checked::Broken(what) => {
                    let message = format!("it is not known whether the program's imports work: {what}");
                    installed.findings.push(fault("package-import-unknown", printable(&message, MESSAGE_BYTES_MAX)));
                }
            }
        }
        installed.findings.extend(self.findings(&results));
        installed.program_imports = results.into_values().collect();
        if !self.imports.is_empty() {
            installed.timings.push(("programImports", started.elapsed()));
        }
        Ok(())
    }

    fn attempt(&self, paths: &[String], installed: &Installed) -> Result<Checked, InstallError> {
        let Some(layer) = &installed.layer else { return Ok(Checked::Broken("there are no packages".to_owned())) };
        let folder = tempfile::Builder::new().prefix("imports-").tempdir_in(self.tools.scratch);
        let folder = folder.map_err(|source| InstallError::Io { action: "make a temporary folder", source })?;
        let files = new_folder(folder.path(), "check")?;
        imports::check(self.tools, &installed.environment, self.policy, paths, (layer.tree(), &files))
    }

    /// What cannot be imported. Only where the program is sure to come to it the packages are of no use for it.
    fn findings(&self, results: &BTreeMap<&str, ImportResult>) -> Vec<Finding> {
        let mut seen = BTreeSet::new();
        let mut findings = Vec::new();
        for import in self.imports {
            let error = results.get(import.path.as_str()).and_then(|result| result.error.as_deref());
            let Some(error) = error.filter(|error| seen.insert((&import.imported_in, *error))) else { continue };
            let is_reached = import.is_certain && self.tools.entry == Some(import.imported_in.as_str());
            let severity = if is_reached { Severity::High } else { Severity::Low };
            let message = format!("`{}` cannot be imported: {error}", import.path);
            findings.push(import.finding("import-not-there", severity, printable(&message, MESSAGE_BYTES_MAX)));
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let count = findings.len();
        findings.truncate(FINDINGS_MAX);
        if let Some(last) = findings.last().filter(|_| count > FINDINGS_MAX) {
            let message = format!("{count} imports are like this; {FINDINGS_MAX} of them are listed");
            findings.push(Finding { severity: last.severity, ..fault("import-not-there", message) });
        }
        if self.imports.len() > PATHS_MAX {
            let message = format!("more than {PATHS_MAX} names are imported from packages; the rest was not tried");
            findings.push(Finding { severity: Severity::Low, ..fault("import-not-tried", message) });
        }
        findings
    }
}
