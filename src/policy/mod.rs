//! The policy: what counts as a fault, how much of everything is allowed, and how programs are run.
//!
//! A policy is read from one TOML file that its owner names or keeps beside the work, **never** from inside an
//! artifact. Every value has a default here; presets, files, the environment and the command line replace single values,
//! layer upon layer (`layer`), and what was merged still tells where each value came from. Keys that do not exist are
//! refused, so that a misspelt limit is not silently the default.

mod diagnose;
mod error;
mod extends;
mod globs;
mod layer;
mod load;
mod origin;
mod preset;
mod profile;
mod schema;
mod units;
mod weighing;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use error::nearest;
pub use error::{Fault, PolicyError};
pub use extends::{EXTENDS_DEPTH_MAX, EXTENDS_FILES_MAX, Extended, Files, Source, expand};
pub use globs::Globs;
pub use layer::{Layer, Layers, Replaced, Resolved, Shown};
pub use origin::Origin;
pub use preset::Preset;
pub use profile::{BUILTIN_PROFILES, Profile, builtin_profile};
pub use schema::schema;
pub use units::{ByteSize, Timeout};
pub use weighing::{Override, Weighing, names};

use crate::finding::{Confidence, Severity};
use crate::language::{NodeVersion, PythonVersion};

/// A policy that says nothing, with every key, its default and what it means in comments.
pub const TEMPLATE: &str = include_str!("template.toml");

/// Everything that its owner can decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What fails an artifact.
    pub gate: GatePolicy,
    /// What holds for some paths alone. Of several that match a path, all leave out what they name, and the last one that
    /// sets anything else decides it.
    pub overrides: Vec<Override>,
    /// How long vetting may take.
    pub vet: VetPolicy,
    /// How much is read.
    pub intake: IntakeLimits,
    /// How much is parsed, and as what.
    pub parse: ParsePolicy,
    /// Which rules run.
    pub scan: ScanPolicy,
    /// What an artifact must consist of.
    pub structure: StructurePolicy,
    /// How large an artifact may be.
    pub budget: Budget,
    /// How packages are installed.
    pub install: InstallPolicy,
    /// How programs are run.
    pub execute: ExecutePolicy,
    /// Where results are kept.
    pub cache: CachePolicy,
    /// Structure profiles of the owner's own, by name; one with a built-in name replaces it.
    pub profiles: BTreeMap<String, Profile>,
}

/// What fails an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatePolicy {
    /// Findings of this severity or above fail the artifact.
    pub fail_on: Severity,
    /// Findings of less confidence are reported but fail nothing.
    pub min_confidence: Confidence,
    /// Where not empty, only these of the scan's rules count: rule ids, or prefixes that end in `*`. Other passes are not
    /// narrowed.
    pub select: Vec<String>,
    /// Findings of these rules are left out: rule ids, or prefixes that end in `*`.
    pub ignore: Vec<String>,
    /// The severity of findings of single rules, by id or prefix that ends in `*`; of several that name a rule, the
    /// longest counts. Outside of the scan's rules it can be raised and not lowered.
    pub severity: BTreeMap<String, Severity>,
    /// Whether a comment `vetrun: ignore[rule-id]` in the artifact suppresses findings of its line.
    pub allow_suppressions: bool,
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self {
            fail_on: Severity::Medium,
            min_confidence: Confidence::Medium,
            select: Vec::new(),
            ignore: Vec::new(),
            severity: BTreeMap::new(),
            allow_suppressions: false,
        }
    }
}

/// How long vetting may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VetPolicy {
    /// Time for all static passes over one artifact, from when it has been read. What is not judged by then is not vetted,
    /// whatever was found so far.
    pub timeout: Timeout,
}

impl Default for VetPolicy {
    fn default() -> Self {
        Self { timeout: Timeout::seconds(60) }
    }
}

/// How much is read into a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IntakeLimits {
    /// Files and folders in an artifact.
    pub files_max: u64,
    /// Bytes of one file.
    pub file_bytes_max: ByteSize,
    /// Bytes of all files together.
    pub total_bytes_max: ByteSize,
    /// Folders inside folders.
    pub depth_max: u64,
    /// Bytes of a path, relative to the artifact's root.
    pub path_bytes_max: u64,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self {
            files_max: 10_000,
            file_bytes_max: ByteSize::mib(16),
            total_bytes_max: ByteSize::mib(64),
            depth_max: 32,
            path_bytes_max: 1024,
        }
    }
}

/// How much is parsed, and as what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ParsePolicy {
    /// The largest file of a known language that is parsed; a larger one does not pass.
    pub file_bytes_max: ByteSize,
    /// The largest stretch of which the tolerant parser makes a tree: of code that the strict parser refuses, of pages and
    /// style sheets, and of valid code that a rule written as a query has words for. A larger one does not pass.
    pub tree_bytes_max: ByteSize,
    /// Brackets or tags inside one another, except in JavaScript, where the stack of V8 is the limit. CPython itself
    /// refuses more than 200 brackets.
    pub nesting_depth_max: u64,
    /// Syntax findings kept for each file.
    pub findings_per_file_max: u64,
    /// The Python version whose verdict counts, `3.9` to `3.14`. Where absent: the sandbox's, where the artifact is run;
    /// else the newest that the artifact's `requires-python` allows.
    pub python_version: Option<PythonVersion>,
    /// The Node version whose verdict counts: `20`, `22`, `24` or `26`. Where absent: the sandbox's, where the artifact is
    /// run; else the newest.
    pub node_version: Option<NodeVersion>,
}

impl Default for ParsePolicy {
    fn default() -> Self {
        Self {
            file_bytes_max: ByteSize::mib(10),
            tree_bytes_max: ByteSize::mib(2),
            nesting_depth_max: 200,
            findings_per_file_max: 10,
            python_version: None,
            node_version: None,
        }
    }
}

/// Which rules run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScanPolicy {
    /// Whether the built-in rules run.
    pub builtin_rules: bool,
    /// Folders with rules of the owner's own, relative to the policy file.
    pub rule_dirs: Vec<String>,
    /// Scan findings kept for each file; more than that is itself a finding.
    pub findings_per_file_max: u64,
}

impl Default for ScanPolicy {
    fn default() -> Self {
        Self { builtin_rules: true, rule_dirs: Vec::new(), findings_per_file_max: 200 }
    }
}

/// Where the results of static passes are kept, so that what has not changed is not vetted again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CachePolicy {
    /// A folder of this user's alone, relative to the policy file; nothing is kept where it is absent. Whoever can write
    /// into it can write verdicts.
    pub dir: Option<String>,
    /// Results that are kept; when there are more, the oldest go.
    pub entries_max: u64,
    /// Bytes of all results; when there are more, the oldest go.
    pub bytes_max: ByteSize,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self { dir: None, entries_max: 250_000, bytes_max: ByteSize::mib(2048) }
    }
}

/// What an artifact must consist of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StructurePolicy {
    /// The structure profile; detected where absent.
    pub profile: Option<String>,
}

/// A pair of thresholds. Above `warn` is a finding of severity low, above `fail` one of severity high. Absent means
/// no threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Threshold {
    /// Above this is worth knowing.
    pub warn: Option<u64>,
    /// Above this fails.
    pub fail: Option<u64>,
}

impl Threshold {
    /// Both thresholds.
    #[must_use]
    pub const fn new(warn: u64, fail: u64) -> Self {
        Self { warn: Some(warn), fail: Some(fail) }
    }
}

/// How large an artifact may be. A profile may replace single rows: see [`Profile::budget`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Bytes of one file.
    pub file_bytes: Threshold,
    /// Bytes of all files together.
    pub total_bytes: Threshold,
    /// Files.
    pub files: Threshold,
    /// Lines of one source file.
    pub file_lines: Threshold,
    /// Characters of the longest line of a source file.
    pub line_chars: Threshold,
    /// Blocks inside one another in one function or module.
    pub nesting_depth: Threshold,
    /// Lines of one function.
    pub function_lines: Threshold,
    /// Declared packages.
    pub dependencies: Threshold,
}

impl Budget {
    /// Every row, by the name that it has in a policy and in [`Profile::budget`].
    #[must_use]
    pub const fn rows(&self) -> [(&'static str, Threshold); 8] {
        [
            ("file_bytes", self.file_bytes),
            ("total_bytes", self.total_bytes),
            ("files", self.files),
            ("file_lines", self.file_lines),
            ("line_chars", self.line_chars),
            ("nesting_depth", self.nesting_depth),
            ("function_lines", self.function_lines),
            ("dependencies", self.dependencies),
        ]
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            file_bytes: Threshold::new(256 << 10, 2 << 20),
            total_bytes: Threshold::new(2 << 20, 16 << 20),
            files: Threshold::new(500, 5000),
            file_lines: Threshold::new(2000, 20_000),
            line_chars: Threshold::new(500, 50_000),
            nesting_depth: Threshold::new(8, 40),
            function_lines: Threshold::new(150, 2000),
            dependencies: Threshold::new(30, 150),
        }
    }
}

/// Which installer is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Installer {
    /// vetrun itself: wheels are only unpacked, and no program runs for that.
    #[default]
    Auto,
    /// uv, in the sandbox, with the wheels that vetrun has vetted.
    Uv,
    /// pip, in the sandbox, with the wheels that vetrun has vetted.
    Pip,
}

/// Which packages' code is scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PackageScan {
    /// That of packages that are not among the most popular ones.
    #[default]
    Unknown,
    /// That of all packages.
    All,
    /// None.
    None,
}

/// What becomes of packages whose names are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnknownNames {
    /// Nothing is said of them.
    Allow,
    /// They are findings of severity low.
    #[default]
    Report,
    /// They are findings of severity high.
    Block,
}

/// How packages are installed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InstallPolicy {
    /// Whether declared packages are installed before a run.
    pub enabled: bool,
    /// What puts the packages in place. Which packages, and which files of the index, is always found out by vetrun.
    pub installer: Installer,
    /// The base address of the package index (PEP 503); the installer's own default where absent. An artifact cannot
    /// choose it.
    pub index_url: Option<String>,
    /// Which packages' code is scanned before they are unpacked, by the rules that generated code is judged by: what hides
    /// what it runs is refused.
    pub scan: PackageScan,
    /// Whether packages that are there as source alone are built, in the sandbox and without a network. A build runs code of
    /// the package, and most malicious packages are source archives for that reason.
    pub build_sources: bool,
    /// The address of the registry that Node packages are fetched from. There is none unless it is named; an artifact cannot
    /// choose it.
    pub npm_registry_url: Option<String>,
    /// Files that were uploaded less than this ago are not used, where the index tells (PEP 700): what is wrong with a new
    /// release is mostly found within days.
    pub min_age: Timeout,
    /// How long the answer to one set of requirements is used again before the index is asked anew; `0s` asks each time.
    pub lock_age_max: Timeout,
    /// A folder of this user's alone, relative to the policy file, in which wheels and installed packages are kept; the
    /// user's own cache folder where it is absent. `--no-cache` keeps nothing.
    pub cache_dir: Option<String>,
    /// Bytes of all that is kept there; what was not used for longest goes.
    pub cache_bytes_max: ByteSize,
    /// Time for the whole install.
    pub timeout: Timeout,
    /// Memory for the installer, the written packages included.
    pub memory: ByteSize,
    /// Bytes of one file fetched from the index.
    pub download_bytes_max: ByteSize,
    /// Bytes of all installed files together.
    pub installed_bytes_max: ByteSize,
    /// Installed files.
    pub installed_files_max: u64,
    /// Declared packages.
    pub requirements_max: u64,
    /// Bytes of one requirements file.
    pub requirements_bytes_max: ByteSize,
    /// Time for the check that every declared package can be imported.
    pub verify_timeout: Timeout,
    /// Whether packages are told from imports where an artifact declares none.
    pub infer: bool,
    /// What becomes of packages whose names are not known.
    pub unknown_names: UnknownNames,
    /// Groups (PEP 735) and extras of the artifact's `pyproject.toml` that are installed as well.
    pub groups: Vec<String>,
    /// Names of packages that are not judged: names, or prefixes that end in `*`.
    pub allow_names: Vec<String>,
    /// Names of packages that are refused: names, or prefixes that end in `*`.
    pub deny_names: Vec<String>,
    /// A folder with what is known of names, as `vetrun deps update` writes it, relative to the policy file; what comes
    /// with vetrun where absent.
    pub names_data: Option<String>,
}

impl Default for InstallPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            installer: Installer::Auto,
            index_url: None,
            scan: PackageScan::Unknown,
            build_sources: false,
            npm_registry_url: None,
            min_age: Timeout::seconds(3 * 24 * 60 * 60),
            lock_age_max: Timeout::seconds(60 * 60),
            cache_dir: None,
            cache_bytes_max: ByteSize::mib(8192),
            timeout: Timeout::seconds(300),
            memory: ByteSize::mib(3072),
            download_bytes_max: ByteSize::mib(512),
            installed_bytes_max: ByteSize::mib(1536),
            installed_files_max: 60_000,
            requirements_max: 200,
            requirements_bytes_max: ByteSize::kib(256),
            verify_timeout: Timeout::seconds(60),
            infer: true,
            unknown_names: UnknownNames::default(),
            groups: Vec::new(),
            allow_names: Vec::new(),
            deny_names: Vec::new(),
            names_data: None,
        }
    }
}

/// Which back end runs programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Native where the host can isolate, else Docker, else an error.
    #[default]
    Auto,
    /// Namespaces, control groups and seccomp of this host.
    Native,
    /// A Docker engine.
    Docker,
}

/// What a program may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkPolicy {
    /// Nothing.
    #[default]
    None,
    /// The package index, through vetrun's filtering proxy.
    Index,
    /// Everything that the host reaches.
    Full,
}

/// When an image that the engine does not have is pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PullPolicy {
    /// Never.
    Never,
    /// When it is named by its digest, so that what comes is what was meant.
    #[default]
    Pinned,
    /// Whenever it is missing.
    Missing,
}

/// A limit that is the engine's to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineLimit {
    /// Memory of all processes together.
    Memory,
    /// Share of processors.
    Cpus,
    /// Processes and threads at once.
    Pids,
}

impl EngineLimit {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpus => "cpus",
            Self::Pids => "pids",
        }
    }
}

/// Images of single languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Images {
    /// For Python programs, their packages, and commands.
    pub python: Option<String>,
    /// For Node programs. It must have Python 3, too, which starts them.
    pub node: Option<String>,
}

/// How files come into containers of the Docker back end and out of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DockerFiles {
    /// By mounts, where the engine and its runtime see what vetrun sees; else as archives.
    #[default]
    Auto,
    /// By mounts; what the engine cannot see is an error.
    Mount,
    /// As archives, over the engine's interface alone.
    Archive,
}

/// How programs are run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutePolicy {
    /// Which back end runs programs.
    pub sandbox: Backend,
    /// The image of the Docker back end.
    pub image: String,
    /// Images that take its place for single languages.
    pub images: Images,
    /// When an image that the engine does not have is pulled.
    pub pull: PullPolicy,
    /// The engine's runtime (`runsc`, `kata`), by the name that it lists it under; its default where absent.
    pub runtime: Option<String>,
    /// How files come into containers and out of them.
    pub docker_files: DockerFiles,
    /// Limits that need not be held where the engine cannot hold them; without this, nothing is run then.
    pub unenforced_limits: Vec<EngineLimit>,
    /// What is run instead of the entry point found; words, not a shell line.
    pub entry: Option<Vec<String>>,
    /// Wall-clock time.
    pub timeout: Timeout,
    /// Memory of all processes together, swap not given.
    pub memory: ByteSize,
    /// Share of processors.
    pub cpus: f64,
    /// Processes and threads at once.
    pub pids: u32,
    /// What the program may reach.
    pub network: NetworkPolicy,
    /// Variables added to the program's environment.
    pub env: BTreeMap<String, String>,
    /// Bytes kept of each of standard output and standard error; a program that writes more is ended.
    pub stream_bytes_max: ByteSize,
    /// Bytes of all output files together.
    pub out_bytes_max: ByteSize,
    /// Output files and folders.
    pub out_files_max: u32,
    /// Bytes of scratch space.
    pub tmp_bytes_max: ByteSize,
    /// Bytes of one file that the program writes.
    pub file_bytes_max: ByteSize,
    /// Open files per process.
    pub open_files_max: u32,
    /// Whether the report says what the program tried, where the sandbox can tell.
    pub trace: bool,
}

impl Default for ExecutePolicy {
    fn default() -> Self {
        Self {
            sandbox: Backend::Auto,
            image: "vetrun-sandbox".to_owned(),
            images: Images::default(),
            pull: PullPolicy::Pinned,
            runtime: None,
            docker_files: DockerFiles::default(),
            unenforced_limits: Vec::new(),
            entry: None,
            timeout: Timeout::seconds(30),
            memory: ByteSize::mib(256),
            cpus: 0.5,
            pids: 100,
            network: NetworkPolicy::None,
            env: BTreeMap::new(),
            stream_bytes_max: ByteSize::mib(1),
            out_bytes_max: ByteSize::mib(64),
            out_files_max: 1000,
            tmp_bytes_max: ByteSize::mib(64),
            file_bytes_max: ByteSize::mib(64),
            open_files_max: 1024,
            trace: true,
        }
    }
}
