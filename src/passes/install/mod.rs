//! The install pass: can its packages be installed, and are they what was asked for?
//!
//! ```text
//! declared ──resolve──▶ lock ──▶ layer that is there already ─────────────────────────────▶ attached
//!                        └─fetch─▶ wheels ──vet──▶ unpacked ──verify, import──▶ layer ──┘
//! ```
//!
//! vetrun itself asks the index, chooses the versions ([`crate::deps::resolve`]) and fetches the wheels; nothing of them runs
//! for that, and source archives, which would have to, are never taken. Each wheel is vetted before a byte of it is
//! written ([`crate::deps::wheel`]). What is installed is a lock of exact files, never the artifact's own list. pip or
//! uv, where the policy wants them, run in the sandbox with those wheels as the only thing in reach, an empty home and no
//! credentials. The tree is checked, imported once in the environment in which the program will run, and becomes a layer
//! that never changes again: the next artifact that comes to the same lock gets it at once.
//!
//! Packages of Node come beside (`node`): the artifact's own lock is followed, and nothing is resolved.

mod build;
mod bytecode;
mod catalogue;
mod content;
mod environment;
mod error;
mod fetch;
mod import_result;
mod imports;
mod index;
mod installer;
mod libraries;
mod modules;
mod node;
mod nonce;
mod parallel;
mod probe;
mod program;
mod proxy;
mod resolution;
mod session;
mod source;
mod store;
mod structure;
mod tree;
mod unpack;
mod verify;
mod vetting;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

pub use self::environment::RunEnvironment;
pub use self::error::InstallError;
pub use self::imports::ImportResult;
pub use self::proxy::{IndexProxy, ProxyRequest};
pub use self::store::Store;
pub use self::unpack::{UnpackError, UnpackedFile, unpack};

use self::session::{Session, applicable};
use self::store::Layer;
use self::vetting::Vetting;
use crate::artifact::{Artifact, Digest};
use crate::deps::names::NameData;
use crate::deps::{Declared, Lock};
use crate::finding::{Finding, Severity};
use crate::policy::InstallPolicy;
use crate::report::{self, Package};
use crate::sandbox::{DEPS_DIR, Gateway, Interpreter, InterpreterInfo, Mount, NODE_DIR, Sandbox, Stop};
use crate::vet::Cleared;

/// Scans code by the rules that generated code is judged by.
#[derive(Clone, Copy)]
pub struct Examiner<'a> {
    /// Tells the rules, and what else the answer depends on, from any others.
    pub identity: &'a str,
    /// Says what it found.
    pub examine: &'a (dyn Fn(&Artifact) -> Vec<Finding> + Sync),
}

/// What an install works with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Where everything runs.
    pub sandbox: &'a dyn Sandbox,
    /// Ends everything.
    pub stop: &'a Stop,
    /// The uv of the host, to be shown inside the sandbox; `None` where there is none.
    pub uv: Option<&'a Path>,
    /// An existing host folder that temporary folders are made in.
    pub scratch: &'a Path,
    /// Where packages are kept for later runs; `None` keeps nothing.
    pub store: Option<&'a Store>,
    /// What is known of names of packages.
    pub names: &'a NameData,
    /// How the code of packages is scanned; `None` where it is not.
    pub examine: Option<Examiner<'a>>,
    /// The file of the artifact that will be run, where it is known: what it imports must be there.
    pub entry: Option<&'a str>,
}

/// What was installed. The folder with the packages stays as long as this value.
#[derive(Debug)]
pub struct Installed {
    /// The environment in which the packages were checked, and in which the program must run.
    pub environment: RunEnvironment,
    /// Those of Python before those of Node, each sorted by name.
    pub packages: Vec<Package>,
    /// `vetrun 0.1.0`, `pip 26.3`, …; `None` where nothing was to be installed.
    pub installer: Option<String>,
    /// What was asked for and applies, in canonical form.
    pub requirements: Vec<String>,
    /// What it came to, file by file.
    pub lock: Lock,
    /// Whether the lock is that of an earlier run.
    pub lock_known: bool,
    /// Whether the packages were there already.
    pub cache_hit: bool,
    /// Why something else was done than what is done first.
    pub fallback: Option<String>,
    /// What stands against the packages. Whether the packages may be used with them is the gate's matter.
    pub findings: Vec<Finding>,
    /// What an installer asked its proxy for, sorted.
    pub requests: Vec<ProxyRequest>,
    /// The packages whose code was scanned, sorted.
    pub scanned: Vec<String>,
    /// The modules of the declared packages that were tried.
    pub imports: Vec<ImportResult>,
    /// What the artifact imports from packages, which was tried as well.
    pub program_imports: Vec<ImportResult>,
    /// How long each step took, in order.
    pub timings: Vec<(&'static str, Duration)>,
    /// What the lock of Node packages came to; `None` where there are none.
    pub node_lock: Option<Digest>,
    layer: Option<Layer>,
    node_layer: Option<Layer>,
    /// Where the layer is, if it ends with this value.
    passing: Option<TempDir>,
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
    let for_python = declared.declares_python();
    let python = || tools.sandbox.interpreter(Interpreter::Python);
    let interpreter = match &declared.npm {
        // Any interpreter can say for which system packages are.
        Some(_) if !for_python => tools.sandbox.interpreter(Interpreter::Node).or_else(|_| python())?,
        _ => python()?,
    };
    let mut installed = Installed::none(RunEnvironment::of(&interpreter));
    if !for_python && declared.npm.is_none() {
        return Ok(installed);
    }
    let passing;
    let store = match tools.store {
        Some(store) => store,
        None => {
            let folder = tempfile::Builder::new().prefix("install-").tempdir_in(tools.scratch);
            let folder = folder.map_err(|source| InstallError::Io { action: "make a temporary folder", source })?;
            passing = Store::passing(folder.path()).map_err(|error| InstallError::Store { what: error.to_string() })?;
            installed.passing = Some(folder);
            &passing
        }
    };
    if for_python {
        install_python(declared, &interpreter, store, tools, policy, &mut installed)?;
    }
    if let Some(npm) = declared.npm.as_ref().filter(|_| installed.is_sound()) {
        // All interpreters of one sandbox are for one system.
        node::install(npm, &interpreter.platform, store, tools, policy, &mut installed)?;
        if installed.node_layer.is_some() {
            installed.environment = installed.environment.with_node_packages();
        }
    }
    Ok(installed)
}

fn install_python(
    declared: &Declared,
    interpreter: &InterpreterInfo,
    store: &Store,
    tools: &Tools<'_>,
    policy: &InstallPolicy,
    installed: &mut Installed,
) -> Result<(), InstallError> {
    let started = Instant::now();
    let probe = probe::probe(tools, &installed.environment, interpreter, store)?;
    installed.timings.push(("probe", started.elapsed()));
    let wanted = applicable(declared, &probe, &mut installed.findings);
    if wanted.is_empty() || !installed.is_sound() {
        return Ok(());
    }
    installed.environment = installed.environment.clone().with_packages();
    let session = Session {
        declared,
        tools,
        policy,
        store,
        identity: &interpreter.identity,
        probe: &probe,
        environment: &RunEnvironment::of(interpreter),
        vetting: Vetting::new(&probe, policy, tools.names),
        wanted: &wanted,
    };
    session.run(installed)
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
            probe::ask(tools, &environment)?.pip.ok_or(InstallError::NoIndex)?.index_url
        }
    };
    Ok(Arc::new(IndexProxy::new(&index, policy.download_bytes_max.bytes())))
}

impl Installed {
    /// Gives the packages up: the folder that they are in, where they are kept nowhere.
    pub(crate) fn into_folder(self) -> Option<TempDir> {
        self.passing
    }

    /// Nothing was to be installed.
    #[must_use]
    pub fn none(environment: RunEnvironment) -> Self {
        Self {
            environment,
            packages: Vec::new(),
            installer: None,
            requirements: Vec::new(),
            lock: Lock::default(),
            lock_known: false,
            cache_hit: false,
            fallback: None,
            findings: Vec::new(),
            requests: Vec::new(),
            scanned: Vec::new(),
            imports: Vec::new(),
            program_imports: Vec::new(),
            timings: Vec::new(),
            node_lock: None,
            layer: None,
            node_layer: None,
            passing: None,
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
        let mount = |host: PathBuf, inside: &str| Mount { host, inside: inside.to_owned() };
        let python = self.layer.iter().map(|layer| mount(layer.tree().to_owned(), DEPS_DIR));
        // Where it is mounted somewhere else, packages still find one another by the name of the folder on the host.
        let node = self.node_layer.iter().map(|layer| mount(layer.tree().join(node::FOLDER), NODE_DIR));
        python.chain(node).collect()
    }

    /// As the report has it.
    #[must_use]
    pub fn to_report(&self) -> report::Dependencies {
        report::Dependencies {
            installer: self.installer.clone(),
            requirements: self.requirements.clone(),
            packages: self.packages.clone(),
            cache_hit: self.cache_hit,
            fallback_triggered: self.fallback.clone(),
            environment: Some(self.environment.to_report()),
        }
    }

    /// Facts for the report's `validationResults.dependencies.details`.
    #[must_use]
    pub fn details(&self) -> Map<String, Value> {
        let said = |result: &ImportResult| json!({ "module": result.module, "error": result.error });
        let requests = self.requests.iter().map(|request| {
            json!({ "method": request.method, "path": request.path, "status": request.status, "bytes": request.bytes })
        });
        let mut details = Map::new();
        details.insert("scanned".to_owned(), self.scanned.clone().into());
        details.insert("lockDigest".to_owned(), self.lock.digest().to_string().into());
        details.insert("lockKnown".to_owned(), self.lock_known.into());
        if let Some(digest) = self.node_lock {
            details.insert("nodeLockDigest".to_owned(), digest.to_string().into());
        }
        details.insert("imports".to_owned(), self.imports.iter().map(said).collect());
        details.insert("programImports".to_owned(), self.program_imports.iter().map(said).collect());
        details.insert("indexRequests".to_owned(), requests.collect());
        for (step, duration) in &self.timings {
            let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            details.insert(format!("{step}Ms"), millis.into());
        }
        details
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
