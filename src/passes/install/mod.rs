//! The install pass: can its packages be installed, and are they what was asked for?
//!
//! The installer runs in the sandbox, with the index proxy as the only thing in reach, wheels alone, an empty home and
//! no credentials; it gets a requirements file that is written from what was declared, never the artifact's own. What
//! it leaves is collected into a fresh folder, checked against what was asked and what each package records about
//! itself, and imported once, in the environment in which the program will run. The folder is gone when [`Installed`]
//! is dropped.

mod environment;
mod import_result;
mod imports;
mod installer;
mod modules;
mod probe;
mod proxy;
mod structure;
mod tree;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

pub use self::environment::RunEnvironment;
pub use self::imports::ImportResult;
pub use self::proxy::{IndexProxy, ProxyRequest};

use self::installer::{Attempt, Choice, Run};
use self::probe::Probe;
use self::tree::Tree;
use self::verify::fault;
use crate::deps::{Declared, Requirement, Version};
use crate::finding::{Finding, Severity};
use crate::policy::{InstallPolicy, Installer};
use crate::report::{self, Package};
use crate::sandbox::{Collected, DEPS_DIR, Gateway, Interpreter, Mount, Sandbox, SandboxError, Stop};
use crate::vet::Cleared;

/// What an install works with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Where everything runs.
    pub sandbox: &'a dyn Sandbox,
    /// Ends everything.
    pub stop: &'a Stop,
    /// The uv of the host, to be shown inside the sandbox; `None` where there is none.
    pub uv: Option<&'a Path>,
}

/// What was installed. The folder with the packages lives as long as this value.
#[derive(Debug)]
pub struct Installed {
    /// The environment in which the packages were checked, and in which the program must run.
    pub environment: RunEnvironment,
    /// Sorted by name.
    pub packages: Vec<Package>,
    /// `pip 26.3`, `uv`, …; `None` where nothing was to be installed.
    pub installer: Option<String>,
    /// What was asked for, as the installer got it.
    pub requirements: Vec<String>,
    /// Why another installer than the first choice was used.
    pub fallback: Option<String>,
    /// What stands against the packages. Where one is of severity high, the packages must not be used.
    pub findings: Vec<Finding>,
    /// What the installer asked the index for, sorted.
    pub requests: Vec<ProxyRequest>,
    /// The imports that were tried.
    pub imports: Vec<ImportResult>,
    /// How long each step took, in order.
    pub timings: Vec<(&'static str, Duration)>,
    folder: Option<(TempDir, PathBuf)>,
}

/// Why packages could not be installed, where that is not the artifact's fault.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The run was interrupted.
    #[error("the install was interrupted")]
    Interrupted,
    /// The interpreter in the sandbox did not say what it is.
    #[error("the python interpreter in the sandbox cannot be asked what it is: {what}")]
    Probe {
        /// What went wrong.
        what: String,
    },
    /// There is nothing to install with.
    #[error("no installer: {what} ({mend})")]
    NoInstaller {
        /// What is missing.
        what: String,
        /// What to do about it.
        mend: &'static str,
    },
    /// It is not known which index to use.
    #[error("no package index is known (set `install.index_url` in the policy)")]
    NoIndex,
    /// The index could not be asked.
    #[error("the package index {index} failed: {what}")]
    Index {
        /// Its address, without credentials.
        index: String,
        /// What went wrong.
        what: String,
    },
    /// The installer broke.
    #[error("{installer} failed: {what}")]
    Installer {
        /// Which one.
        installer: String,
        /// What it said last.
        what: String,
    },
    /// The packages were checked in another environment than the one that they were installed for.
    #[error("environment mismatch: {what} is `{seen}` in the sandbox, and `{wanted}` was asked for")]
    EnvironmentMismatch {
        /// Which part.
        what: String,
        /// What it should be.
        wanted: String,
        /// What it is.
        seen: String,
    },
    /// A file of our own could not be read or written.
    #[error("vetrun cannot {action}")]
    Io {
        /// What was tried, as an infinitive.
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Installs what a cleared artifact declares.
///
/// What cannot be installed, or is not what it should be, is a finding in [`Installed::findings`].
///
/// # Errors
/// [`InstallError`] when vetrun, its policy, the sandbox or the index is at fault.
pub fn install(
    _cleared: &Cleared<'_>,
    declared: &Declared,
    tools: &Tools<'_>,
    policy: &InstallPolicy,
) -> Result<Installed, InstallError> {
    install_declared(declared, tools, policy)
}

/// [`install`] for what is declared somewhere else than in an artifact. Nothing of an artifact runs.
///
/// # Errors
/// See [`install`].
pub fn install_declared(
    declared: &Declared,
    tools: &Tools<'_>,
    policy: &InstallPolicy,
) -> Result<Installed, InstallError> {
    let environment = RunEnvironment::of(&tools.sandbox.interpreter(Interpreter::Python)?);
    if declared.requirements.is_empty() && declared.requires_python.is_none() {
        return Ok(Installed::none(environment));
    }
    let started = Instant::now();
    let probe = probe::probe(tools, &environment)?;
    let mut installed = Installed::none(environment);
    installed.timings.push(("probe", started.elapsed()));
    let wanted = applicable(declared, &probe, &mut installed.findings);
    if wanted.is_empty() || !installed.is_sound() {
        return Ok(installed);
    }
    installed.environment = installed.environment.with_packages();
    Session { declared, tools, policy, probe: &probe, wanted: &wanted }.run(&mut installed)?;
    Ok(installed)
}

/// The package index alone, for a program that the policy lets reach it.
///
/// # Errors
/// [`InstallError`] when it is not known which index that is.
pub fn index_gateway(tools: &Tools<'_>, policy: &InstallPolicy) -> Result<Arc<dyn Gateway>, InstallError> {
    let index = match &policy.index_url {
        Some(index) => index.clone(),
        None => {
            let environment = RunEnvironment::of(&tools.sandbox.interpreter(Interpreter::Python)?);
            probe::probe(tools, &environment)?.pip.ok_or(InstallError::NoIndex)?.index_url
        }
    };
    Ok(Arc::new(IndexProxy::new(&index, policy.download_bytes_max.bytes())))
}

impl Installed {
    /// Nothing was to be installed.
    #[must_use]
    pub fn none(environment: RunEnvironment) -> Self {
        Self {
            environment,
            packages: Vec::new(),
            installer: None,
            requirements: Vec::new(),
            fallback: None,
            findings: Vec::new(),
            requests: Vec::new(),
            imports: Vec::new(),
            timings: Vec::new(),
            folder: None,
        }
    }

    /// Whether nothing of severity high or above stands against the packages.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::High)
    }

    /// What a job needs to see the packages; empty where there are none.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount> {
        let mount = |(_, host): &(TempDir, PathBuf)| Mount { host: host.clone(), inside: DEPS_DIR.to_owned() };
        self.folder.iter().map(mount).collect()
    }

    /// As the report has it.
    #[must_use]
    pub fn to_report(&self) -> report::Dependencies {
        report::Dependencies {
            installer: self.installer.clone(),
            requirements: self.requirements.clone(),
            packages: self.packages.clone(),
            cache_hit: false,
            fallback_triggered: self.fallback.clone(),
            environment: Some(self.environment.to_report()),
        }
    }

    /// Facts for the report's `validationResults.dependencies.details`.
    #[must_use]
    pub fn details(&self) -> Map<String, Value> {
        let imports = self.imports.iter().map(|result| json!({ "module": result.module, "error": result.error }));
        let requests = self.requests.iter().map(|request| {
            json!({ "method": request.method, "path": request.path, "status": request.status, "bytes": request.bytes })
        });
        let mut details = Map::new();
        details.insert("imports".to_owned(), imports.collect());
        details.insert("indexRequests".to_owned(), requests.collect());
        for (step, duration) in &self.timings {
            let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            details.insert(format!("{step}Ms"), millis.into());
        }
        details
    }
}

/// The requirements that apply to the interpreter in the sandbox.
fn applicable<'a>(declared: &'a Declared, probe: &Probe, findings: &mut Vec<Finding>) -> Vec<&'a Requirement> {
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
                let path = requirement.declared_in.clone();
                findings.push(Finding { path, ..fault("requirement-marker-undefined", message) });
            }
        }
    }
    wanted
}

/// One install, from the requirements to the checked packages.
struct Session<'a> {
    declared: &'a Declared,
    tools: &'a Tools<'a>,
    policy: &'a InstallPolicy,
    probe: &'a Probe,
    wanted: &'a [&'a Requirement],
}

impl Session<'_> {
    fn run(&self, installed: &mut Installed) -> Result<(), InstallError> {
        let started = Instant::now();
        let folder = tempfile::Builder::new().prefix("vetrun-install-").tempdir();
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
        installed.installer = Some(self.name_of(first));
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
        let named = self.wanted.iter().find(|requirement| said.to_ascii_lowercase().contains(&requirement.name));
        let path =
            named.or(self.wanted.first()).map_or_else(String::new, |requirement| requirement.declared_in.clone());
        installed.findings.push(Finding { path, ..fault(rule, printable(&said, MESSAGE_BYTES_MAX)) });
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
        let declared = |name: &str| self.wanted.iter().any(|requirement| requirement.name == name);
        let of = tree.distributions.iter().filter(|one| declared(&one.name));
        let of: Vec<(&str, Vec<String>)> = of.map(|one| (one.name.as_str(), modules::modules(one))).collect();
        let all: Vec<String> = of.iter().flat_map(|(_, modules)| modules.clone()).collect();
        if all.is_empty() {
            return Ok(());
        }
        let scratch = new_folder(folder, "check")?;
        match imports::check(self.tools, &installed.environment, self.policy, &all, (deps, &scratch))? {
            imports::Checked::Imports(results) => {
                installed.findings.extend(import_result::findings(&of, &results, self.wanted));
                installed.imports = results;
            }
            imports::Checked::Broken(what) => {
                installed.findings.push(fault("package-import-unknown", printable(&what, MESSAGE_BYTES_MAX)));
            }
        }
        Ok(())
    }
}

/// Bytes of a message with text from packages or installers.
const MESSAGE_BYTES_MAX: usize = 600;

fn new_folder(parent: &Path, name: &str) -> Result<PathBuf, InstallError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let path = parent.join(name);
    // Programs in the sandbox are another user; the parent folder keeps everybody else out.
    let made = std::fs::DirBuilder::new().mode(0o755).create(&path);
    made.map_err(|source| InstallError::Io { action: "make a temporary folder", source })?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), InstallError> {
    std::fs::write(path, text).map_err(|source| InstallError::Io { action: "write a temporary file", source })
}

/// Untrusted text as one line without control characters, at most `bytes_max` bytes.
fn printable(text: &str, bytes_max: usize) -> String {
    let line: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.floor_char_boundary(bytes_max);
    if end < line.len() { format!("{}…", &line[..end]) } else { line }
}

/// The last lines that a program wrote, notices left out, as one line.
fn last_lines(stderr: &[u8]) -> String {
    const LINES: usize = 4;
    let tail = String::from_utf8_lossy(&stderr[stderr.len().saturating_sub(8 << 10)..]).into_owned();
    let is_news =
        |line: &&str| !line.trim().is_empty() && !line.starts_with("[notice]") && !line.starts_with("WARNING:");
    let mut lines: Vec<&str> = tail.lines().rev().filter(is_news).take(LINES).map(str::trim).collect();
    lines.reverse();
    printable(&lines.join(" "), MESSAGE_BYTES_MAX)
}
