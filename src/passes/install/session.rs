//! One install, step by step: which requirements apply, the installer's run, the checks of what it left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::installer::{Attempt, Choice, Run};
use super::probe::Probe;
use super::tree::Tree;
use super::verify::{self, fault};
use super::{
    IndexProxy, InstallError, Installed, MESSAGE_BYTES_MAX, Tools, import_result, imports, modules, new_folder,
    printable, proxy, structure, write,
};
use crate::deps::{Declared, Requirement, Version};
use crate::finding::{Finding, Severity};
use crate::policy::{InstallPolicy, Installer};
use crate::report::Package;
use crate::sandbox::Collected;

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

/// Where one file has a declared hash, all must have one: an installer then takes nothing on trust.
fn unhashed(declared: &Declared, wanted: &[&Requirement]) -> Vec<Finding> {
    let demanded = declared.require_hashes || wanted.iter().any(|requirement| !requirement.hashes.is_empty());
    let lacking = wanted.iter().filter(|one| demanded && (one.hashes.is_empty() || !one.specifiers.is_pinned()));
    let finding = |requirement: &&Requirement| {
        let message = format!("`{}` has no version and hash of its own, and others have", requirement.text);
        let hint = "write `name==version --hash=sha256:…` for every package, those that others need included";
        requirement.finding("requirement-hash-missing", Severity::High, message).hint(hint)
    };
    lacking.map(finding).collect()
}

/// One install, from the requirements to the checked packages.
pub(super) struct Session<'a> {
    pub(super) declared: &'a Declared,
    pub(super) tools: &'a Tools<'a>,
    pub(super) policy: &'a InstallPolicy,
    pub(super) probe: &'a Probe,
    pub(super) wanted: &'a [&'a Requirement],
}

impl Session<'_> {
    pub(super) fn run(&self, installed: &mut Installed) -> Result<(), InstallError> {
        let started = Instant::now();
        let folder = tempfile::Builder::new().prefix("install-").tempdir_in(self.tools.scratch);
        let folder = folder.map_err(|source| InstallError::Io { action: "make a temporary folder", source })?;
        let constrained = self.write_requirements(folder.path(), installed)?;
        let index = self.policy.index_url.clone().or_else(|| Some(self.probe.pip.as_ref()?.index_url.clone()));
        let index = index.ok_or(InstallError::NoIndex)?;
        let proxy = Arc::new(IndexProxy::new(&index, self.policy.download_bytes_max.bytes()));
        let run = Run {
            tools: self.tools,
            environment: &installed.environment.clone(),
            policy: self.policy,
            files: &folder.path().join("requirements"),
            constrained,
            require_hashes: self.declared.require_hashes || self.wanted.iter().any(|one| !one.hashes.is_empty()),
            proxy: &proxy,
        };
        let (attempt, deps) = self.attempts(&run, folder.path(), installed)?;
        installed.timings.push(("install", started.elapsed()));
        installed.requests = proxy.requests();
        let collected = match attempt {
            Attempt::Done(collected) => collected,
            other => return self.not_installed(other, &proxy, &index, installed),
        };
        let started = Instant::now();
        let tree = self.verify(&collected, &deps, &proxy, installed)?;
        installed.timings.push(("verify", started.elapsed()));
        if installed.is_sound() {
            let started = Instant::now();
            self.import(&tree, &deps, folder.path(), installed)?;
            installed.timings.push(("import", started.elapsed()));
        }
        installed.folder = Some((folder, deps));
        Ok(())
    }

    /// Writes what the installer reads; whether there are constraints.
    fn write_requirements(&self, folder: &Path, installed: &mut Installed) -> Result<bool, InstallError> {
        let files = new_folder(folder, "requirements")?;
        installed.requirements = self.wanted.iter().map(|requirement| requirement.installer_line()).collect();
        let lines = |all: &[String]| all.iter().map(|line| format!("{line}\n")).collect::<String>();
        write(&files.join("requirements.txt"), &lines(&installed.requirements))?;
        let applies = |requirement: &&Requirement| {
            requirement.marker.as_ref().is_none_or(|marker| marker.evaluate(&self.probe.markers).unwrap_or(true))
        };
        let constraints: Vec<String> =
            self.declared.constraints.iter().filter(applies).map(Requirement::installer_line).collect();
        if !constraints.is_empty() {
            write(&files.join("constraints.txt"), &lines(&constraints))?;
        }
        Ok(!constraints.is_empty())
    }

    fn choice(&self) -> Result<Choice<'_>, InstallError> {
        let pip = self.probe.pip.as_ref().map(|_| Choice::Pip);
        let uv = self.tools.uv.map(Choice::Uv);
        let (choice, what, mend) = match self.policy.installer {
            Installer::Auto => (uv.or(pip), "neither uv nor pip is there", "install pip for the sandbox's python"),
            Installer::Uv => (uv, "uv is asked for and is not there", "install uv, or use `installer = \"auto\"`"),
            Installer::Pip => (pip, "pip is asked for and is not there", "install pip for the sandbox's python"),
        };
        choice.ok_or_else(|| InstallError::NoInstaller { what: what.to_owned(), mend })
    }

    fn name_of(&self, choice: Choice<'_>) -> String {
        match (choice, &self.probe.pip) {
            (Choice::Pip, Some(pip)) => format!("pip {}", pip.version),
            (Choice::Pip, None) => "pip".to_owned(),
            (Choice::Uv(_), _) => "uv".to_owned(),
        }
    }

    /// Runs the installer of choice and, where it breaks by its own fault, pip after it.
    fn attempts(
        &self,
        run: &Run<'_>,
        folder: &Path,
        installed: &mut Installed,
    ) -> Result<(Attempt, PathBuf), InstallError> {
        let first = self.choice()?;
        let known = match first {
            Choice::Uv(path) => run.uv_version(path)?,
            Choice::Pip => None,
        };
        installed.installer = Some(known.unwrap_or_else(|| self.name_of(first)));
        let deps = new_folder(folder, "deps")?;
        let attempt = run.attempt(first, &deps)?;
        let may_fall_back = self.policy.installer == Installer::Auto && self.probe.pip.is_some();
        match attempt {
            Attempt::Failed(what) if first != Choice::Pip && may_fall_back => {
                installed.fallback = Some(format!("{} failed: {what}", self.name_of(first)));
                installed.installer = Some(self.name_of(Choice::Pip));
                let deps = new_folder(folder, "deps-2")?;
                Ok((run.attempt(Choice::Pip, &deps)?, deps))
            }
            attempt => Ok((attempt, deps)),
        }
    }

    fn not_installed(
        &self,
        attempt: Attempt,
        proxy: &IndexProxy,
        index: &str,
        installed: &mut Installed,
    ) -> Result<(), InstallError> {
        if let Some(what) = proxy.faults().into_iter().next() {
            return Err(InstallError::Index { index: proxy::without_credentials(index), what });
        }
        let refused = proxy.refused();
        if installed.requests.is_empty() && !matches!(attempt, Attempt::Limit(_)) {
            let what = format!("the installer never asked it for anything: {attempt}");
            return Err(InstallError::Index { index: proxy::without_credentials(index), what });
        }
        let (rule, said) = match attempt {
            _ if !refused.is_empty() => ("package-file-refused", refused.join("; ")),
            Attempt::Limit(which) => ("package-over-limit", format!("the packages need more than {which}")),
            Attempt::Refused(said) => ("package-not-installable", said),
            Attempt::Failed(what) => {
                let installer = installed.installer.clone().unwrap_or_default();
                return Err(InstallError::Installer { installer, what });
            }
            Attempt::Done(_) => return Ok(()),
        };
        let said = printable(&said, MESSAGE_BYTES_MAX);
        let named = self.wanted.iter().find(|requirement| said.to_ascii_lowercase().contains(&requirement.name));
        installed.findings.push(match named.or(self.wanted.first()) {
            Some(requirement) => requirement.finding(rule, Severity::High, said),
            None => fault(rule, said),
        });
        Ok(())
    }

    fn verify(
        &self,
        collected: &Collected,
        deps: &Path,
        proxy: &IndexProxy,
        installed: &mut Installed,
    ) -> Result<Tree, InstallError> {
        let tree = Tree::read(deps, collected)?;
        for refused in &collected.refused {
            let message = format!("`{}` was not taken: {}", refused.path, refused.reason);
            installed.findings.push(fault("package-file-refused", printable(&message, MESSAGE_BYTES_MAX)));
        }
        installed.findings.extend(verify::wanted(&tree, self.wanted));
        installed.findings.extend(verify::records(&tree));
        installed.findings.extend(structure::check(&tree, deps, &self.probe.stdlib)?);
        installed.packages = tree
            .distributions
            .iter()
            .map(|distribution| {
                let version = distribution.version.parse::<Version>();
                let version = version.map_or_else(|_| distribution.version.clone(), |version| version.to_string());
                Package {
                    digest: proxy.digest_of(&distribution.name, &version),
                    name: distribution.name.clone(),
                    version,
                    size_bytes: distribution
                        .paths()
                        .filter_map(|path| tree.files.get(path))
                        .map(|(size, _)| size)
                        .sum(),
                }
            })
            .collect();
        installed.packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Ok(tree)
    }

    fn import(&self, tree: &Tree, deps: &Path, folder: &Path, installed: &mut Installed) -> Result<(), InstallError> {
        let mut of: Vec<(&Requirement, Vec<String>)> = Vec::new();
        for distribution in &tree.distributions {
            let requirement = self.wanted.iter().find(|requirement| requirement.name == distribution.name);
            of.extend(requirement.map(|requirement| (*requirement, modules::to_import(distribution))));
        }
        let all: Vec<String> = of.iter().flat_map(|(_, modules)| modules.clone()).collect();
        if all.is_empty() {
            return Ok(());
        }
        let scratch = new_folder(folder, "check")?;
        match imports::check(self.tools, &installed.environment, self.policy, &all, (deps, &scratch))? {
            imports::Checked::Imports(results) => {
                installed.findings.extend(import_result::findings(&of, &results));
                installed.imports = results;
            }
            imports::Checked::Broken(what) => {
                installed.findings.push(fault("package-import-unknown", printable(&what, MESSAGE_BYTES_MAX)));
            }
        }
        Ok(())
    }
}
