//! From the wheels of a lock to a checked tree of packages: vetted, put in place, verified, imported.

use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use rayon::prelude::*;

use super::installer::{Attempt, Choice, Run};
use super::session::Session;
use super::tree::{Distribution, Files, Tree};
use super::unpack::{UnpackError, unpack};
use super::verify::{self, fault};
use super::{
    InstallError, Installed, MESSAGE_BYTES_MAX, bytecode, content, import_result, imports, libraries, modules,
    new_folder, printable, structure, write,
};
use crate::deps::wheel::{self, Wheel, WheelName};
use crate::deps::{Lock, Requirement, Version};
use crate::finding::Finding;
use crate::policy::{Installer, PackageScan};
use crate::report::{Ecosystem, Package};

/// What the wheels became.
pub(super) struct Built {
    /// Bytes of all files.
    pub(super) bytes: u64,
}

/// A wheel as it was fetched.
pub(super) struct Fetched {
    pub(super) name: WheelName,
    pub(super) bytes: Vec<u8>,
}

pub(super) struct Builder<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) lock: &'a Lock,
    /// In the order of the lock.
    pub(super) wheels: &'a [Fetched],
    pub(super) deadline: Instant,
}

impl Builder<'_> {
    /// Fills the empty folder `tree`. `scratch` takes temporary files. `None` where something stands against the packages.
    pub(super) fn build(
        &self,
        tree: &Path,
        scratch: &Path,
        installed: &mut Installed,
    ) -> Result<Option<Built>, InstallError> {
        let started = Instant::now();
        let vetted: Vec<Result<Wheel<'_>, Vec<Finding>>> =
            self.wheels.par_iter().map(|one| self.session.vetting.vet(&one.name, &one.bytes)).collect();
        let mut wheels = Vec::new();
        for one in vetted {
            match one {
                Ok(wheel) => {
                    installed.findings.extend(wheel.notes.iter().cloned());
                    wheels.push(wheel);
                }
                Err(findings) => installed.findings.extend(findings),
            }
        }
        installed.findings.extend(wheel::collisions(&wheels.iter().collect::<Vec<_>>()));
        installed.timings.push(("vet", started.elapsed()));
        self.scan(&wheels, installed);
        if !installed.is_sound() {
            return Ok(None);
        }
        let started = Instant::now();
        let files = match self.session.policy.installer {
            Installer::Auto => self.unpack(&wheels, tree, installed)?,
            Installer::Uv | Installer::Pip => self.run_installer(tree, scratch, installed)?,
        };
        installed.timings.push(("install", started.elapsed()));
        let Some(files) = files.filter(|_| installed.is_sound()) else { return Ok(None) };
        let bytes: u64 = files.values().map(|(size, _)| size).sum();
        let started = Instant::now();
        let found = self.verify(files, tree, installed)?;
        installed.findings.extend(libraries::missing(&found, tree, &self.session.probe.libraries));
        installed.timings.push(("verify", started.elapsed()));
        if !installed.is_sound() {
            return Ok(None);
        }
        let started = Instant::now();
        let imported = self.import(&found, tree, scratch, installed)?;
        installed.timings.push(("import", started.elapsed()));
        let started = Instant::now();
        let compiled = self.compile(&imported, (tree, &found.files), scratch, installed)?;
        installed.timings.push(("compile", started.elapsed()));
        Ok(Some(Built { bytes: bytes + compiled }))
    }

    /// Scans the code of the packages that the policy wants to be scanned.
    fn scan(&self, wheels: &[Wheel<'_>], installed: &mut Installed) {
        let session = self.session;
        let Some(examiner) = session.tools.examine.filter(|_| installed.is_sound()) else { return };
        let is_wanted = |wheel: &&Wheel<'_>| match session.policy.scan {
            PackageScan::None => false,
            PackageScan::All => true,
            PackageScan::Unknown => !session.vetting.is_known(&wheel.name.distribution),
        };
        let wheels: Vec<&Wheel<'_>> = wheels.iter().filter(is_wanted).collect();
        let started = Instant::now();
        installed.findings.extend(content::check(&wheels, &session.vetting.limits, examiner));
        installed.scanned = wheels.iter().map(|wheel| wheel.name.distribution.clone()).collect();
        installed.timings.push(("scan", started.elapsed()));
    }

    /// Compiles what was imported, where more than one run has it.
    fn compile(
        &self,
        imported: &[String],
        tree: (&Path, &Files),
        scratch: &Path,
        installed: &Installed,
    ) -> Result<u64, InstallError> {
        let session = self.session;
        match &session.probe.cache_tag {
            Some(tag) if session.store.is_kept() && installed.is_sound() => {
                let environment = &installed.environment;
                bytecode::compile(session.tools, environment, session.policy, tree, imported, (tag, scratch))
            }
            _ => Ok(0),
        }
    }

    /// vetrun's own way: the wheels are unpacked, and nothing else happens.
    fn unpack(
        &self,
        wheels: &[Wheel<'_>],
        tree: &Path,
        installed: &mut Installed,
    ) -> Result<Option<Files>, InstallError> {
        installed.installer = Some(concat!("vetrun ", env!("CARGO_PKG_VERSION")).to_owned());
        match unpack(&wheels.iter().collect::<Vec<_>>(), tree) {
            Ok(files) => {
                Ok(Some(files.into_iter().map(|file| (file.path.clone(), (file.bytes, file.digest()))).collect()))
            }
            Err(UnpackError::Refused(findings)) => {
                installed.findings.extend(findings);
                Ok(None)
            }
            Err(error) => Err(InstallError::Unpack(error)),
        }
    }

    /// pip's or uv's way: in the sandbox, from a list that names each file by its digest.
    fn run_installer(
        &self,
        tree: &Path,
        scratch: &Path,
        installed: &mut Installed,
    ) -> Result<Option<Files>, InstallError> {
        let session = self.session;
        let files = new_folder(scratch, "requirements")?;
        let lines: String = self.lock.requirements().iter().map(|line| format!("{line}\n")).collect();
        write(&files.join("requirements.txt"), &lines)?;
        let proxy = session.proxy(self.lock);
        let run = Run {
            tools: session.tools,
            environment: &installed.environment.clone(),
            policy: session.policy,
            files: &files,
            proxy: &proxy,
            wall: self.deadline.saturating_duration_since(Instant::now()),
        };
        let choice = self.choice()?;
        installed.installer = Some(self.name_of(choice, &run)?);
        let attempt = run.attempt(choice, tree)?;
        installed.requests = proxy.requests();
        let installer = installed.installer.clone().unwrap_or_default();
        match attempt {
            Attempt::Done(collected) => {
                for refused in &collected.refused {
                    let message = format!("`{}` was not taken: {}", refused.path, refused.reason);
                    installed.findings.push(fault("package-file-refused", printable(&message, MESSAGE_BYTES_MAX)));
                }
                let files = collected.files.into_iter().map(|(path, size, digest)| (path, (size, digest.to_string())));
                Ok(Some(files.collect()))
            }
            Attempt::Limit(which) => {
                let why = format!("the packages need more than {which}");
                installed.findings.push(session.not_installed("package-over-limit", &why, &[]));
                Ok(None)
            }
            Attempt::Refused(said) => {
                installed.findings.push(session.not_installed("package-not-installable", &said, &[]));
                Ok(None)
            }
            Attempt::Failed(what) => Err(InstallError::Installer { installer, what }),
        }
    }

    fn choice(&self) -> Result<Choice<'_>, InstallError> {
        let missing = |what: &str, mend| InstallError::NoInstaller { what: what.to_owned(), mend };
        if self.session.policy.installer == Installer::Uv {
            let uv = self.session.tools.uv.map(Choice::Uv);
            return uv
                .ok_or_else(|| missing("uv is asked for and is not there", "install uv, or use `--installer auto`"));
        }
        let pip = self.session.probe.pip.as_ref().map(|_| Choice::Pip);
        let mend = "install pip for the sandbox's python, or use `--installer auto`";
        pip.ok_or_else(|| missing("pip is asked for and is not there", mend))
    }

    fn name_of(&self, choice: Choice<'_>, run: &Run<'_>) -> Result<String, InstallError> {
        Ok(match (choice, &self.session.probe.pip) {
            (Choice::Pip, Some(pip)) => format!("pip {}", pip.version),
            (Choice::Pip, None) => "pip".to_owned(),
            (Choice::Uv(path), _) => run.uv_version(path)?.unwrap_or_else(|| "uv".to_owned()),
        })
    }

    /// The tree must hold what the lock names and what its packages record, and nothing else.
    fn verify(&self, files: Files, root: &Path, installed: &mut Installed) -> Result<Tree, InstallError> {
        let tree = Tree::read(root, files)?;
        installed.findings.extend(verify::wanted(&tree, self.session.wanted));
        installed.findings.extend(verify::locked(&tree, self.lock));
        installed.findings.extend(verify::records(&tree));
        if self.session.policy.installer != Installer::Auto {
            installed.findings.extend(structure::check(&tree, root, &self.session.probe.stdlib)?);
        }
        installed.packages = tree.distributions.iter().map(|one| self.package(one, &tree)).collect();
        installed.packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Ok(tree)
    }

    fn package(&self, distribution: &Distribution, tree: &Tree) -> Package {
        let version = distribution.version.parse::<Version>();
        let version = version.map_or_else(|_| distribution.version.clone(), |version| version.to_string());
        let locked = self.lock.packages.iter().find(|one| one.name == distribution.name && one.version == version);
        // What the index has is told, and that is the archive where the wheel was built of one.
        let source = locked.and_then(|one| one.source.as_ref());
        let sizes = distribution.paths().filter_map(|path| tree.files.get(path)).map(|(size, _)| size);
        let requested = self.session.wanted.iter().find(|one| one.name == distribution.name);
        Package {
            ecosystem: Ecosystem::Python,
            digest: locked.map(|one| format!("sha256:{}", source.map_or(&one.sha256, |source| &source.sha256))),
            size_bytes: sizes.sum(),
            file: locked.map(|one| source.map_or(&one.file, |source| &source.file).clone()),
            url: locked.map(|one| one.url.clone()),
            file_bytes: locked.map(|one| source.map_or(one.size_bytes, |source| source.size_bytes)),
            uploaded: locked.and_then(|one| one.uploaded_s).map(time),
            requested: requested.map(|one| one.installer_line()),
            required_by: locked.map(|one| one.wanted_by.clone()).unwrap_or_default(),
            is_known: self.session.vetting.is_known(&distribution.name),
            name: distribution.name.clone(),
            version,
        }
    }

    /// Imports what is declared, and what the program takes from it; the files that were imported on the way.
    fn import(
        &self,
        tree: &Tree,
        deps: &Path,
        scratch: &Path,
        installed: &mut Installed,
    ) -> Result<Vec<String>, InstallError> {
        let session = self.session;
        let mut of: Vec<(&Requirement, Vec<String>)> = Vec::new();
        for distribution in &tree.distributions {
            let requirement = session.wanted.iter().find(|requirement| requirement.name == distribution.name);
            of.extend(requirement.map(|requirement| (*requirement, modules::to_import(distribution))));
        }
        let own: Vec<String> = of.iter().flat_map(|(_, modules)| modules.clone()).collect();
        // One attempt for both: large packages take seconds to be imported.
        let program = session.program_imports(session.layer_key(self.lock));
        let also = program.paths().into_iter().filter(|path| !own.iter().any(|module| module == path));
        let all: Vec<String> = own.iter().cloned().chain(also.map(str::to_owned)).collect();
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let folder = new_folder(scratch, "check")?;
        match imports::check(session.tools, &installed.environment, session.policy, &all, (deps, &folder))? {
            imports::Checked::Imports(mut results, files) => {
                program.keep(&results);
                results.truncate(own.len());
                installed.findings.extend(import_result::findings(&of, &results));
                installed.imports = results;
                Ok(files)
            }
            imports::Checked::Broken(what) => {
                installed.findings.push(fault("package-import-unknown", printable(&what, MESSAGE_BYTES_MAX)));
                Ok(Vec::new())
            }
        }
    }
}

/// Seconds since 1970, as reports write times.
fn time(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}
