//! Packages that are there as source alone, where the policy lets them be built: from the archive to a wheel, which then is
//! vetted like any other.
//!
//! A build runs code of strangers, and most malicious packages are source archives for that reason. So it is opted into, the
//! archive is read strictly and its code is scanned first, and it runs in the sandbox: no network, no variables and
//! folders of the user's, limits on everything. What the build needs is resolved, vetted and installed as any packages
//! are, wheels alone. A wheel that was built of an archive once is used again.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::catalogue::{Trouble, Usable};
use super::content::of_files;
use super::node::write_files;
use super::nonce::Nonce;
use super::probe::Probe;
use super::session::{Session, applicable};
use super::store::Store;
use super::vetting::Vetting;
use super::{InstallError, Installed, MESSAGE_BYTES_MAX, RunEnvironment, Tools, last_lines, new_folder, printable};
use crate::artifact::Artifact;
use crate::deps::npm::NpmLimits;
use crate::deps::npm::archive::Contents;
use crate::deps::source::BuildSystem;
use crate::deps::wheel::WheelName;
use crate::deps::{Tags, declared};
use crate::finding::{Finding, Severity, hex};
use crate::policy::InstallPolicy;
use crate::sandbox::{DEPS_DIR, Ended, Interpreter, Job, Limits, Mount, OUT_DIR, Program, WORK_DIR};

/// Bytes of the scratch folder of a build.
const BUILD_TMP_BYTES: u64 = 1 << 30;

/// The least and the most that a wheel's times may say is what zip can say; this makes builds of one source alike.
const SOURCE_DATE_EPOCH: &str = "315532800";

/// What builds.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) tools: &'a Tools<'a>,
    pub(super) policy: &'a InstallPolicy,
    pub(super) store: &'a Store,
    /// Tells the interpreter from any other.
    pub(super) identity: &'a str,
    pub(super) probe: &'a Probe,
    pub(super) environment: &'a RunEnvironment,
    pub(super) tags: &'a Tags,
    pub(super) deadline: Instant,
}

/// A wheel that was built.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Built {
    /// The file name that the backend gave it.
    pub(super) file: String,
    /// Its digest, in lower-case hexadecimal.
    pub(super) sha256: String,
}

impl Sources<'_> {
    /// The wheel of a source archive, `bytes` with the digest `sha256`.
    pub(super) fn wheel(&self, usable: &Usable, bytes: &[u8], sha256: &str) -> Result<(WheelName, Vec<u8>), Trouble> {
        let key = self.store.key("built", &[sha256, self.tools.sandbox.name(), self.identity]);
        if let Some(built) = self.store.fact::<Built>(key)
            && let (Ok(name), Some(bytes)) = (built.file.parse(), self.store.wheel(&built.sha256))
        {
            return Ok((name, bytes));
        }
        let (name, wheel) = self.build(usable, bytes)?;
        let built = Built { file: name.file().to_owned(), sha256: hex(&Sha256::digest(&wheel)) };
        self.store.keep_wheel(&built.sha256, &wheel)?;
        self.store.keep_fact(key, &built);
        Ok((name, wheel))
    }

    fn build(&self, usable: &Usable, bytes: &[u8]) -> Result<(WheelName, Vec<u8>), Trouble> {
        let file = &usable.offer.filename;
        let refused = |what: String| Trouble::Refused(printable(&format!("{file} {what}"), MESSAGE_BYTES_MAX));
        let limits = NpmLimits {
            members_max: self.policy.installed_files_max,
            unpacked_bytes_max: self.policy.installed_bytes_max.bytes(),
            ..NpmLimits::default()
        };
        let contents = Contents::read(bytes, &limits).map_err(|why| refused(format!("is refused: {why}")))?;
        self.scan(file, &contents)?;
        let pyproject = contents.files().find(|file| file.path == "pyproject.toml").map(|file| file.content);
        let system = BuildSystem::of(pyproject).map_err(|why| refused(format!("has a pyproject.toml that {why}")))?;
        let scratch = tempfile::Builder::new().prefix("build-").tempdir_in(self.tools.scratch).map_err(io)?;
        let source = new_folder(scratch.path(), "source").map_err(|error| Trouble::Io(error.to_string()))?;
        write_files(&source, &contents).map_err(io)?;
        let out = new_folder(scratch.path(), "out").map_err(|error| Trouble::Io(error.to_string()))?;
        let mut requires = system.requires.clone();
        let mut packages = self.packages(file, &requires)?;
        // The backend itself knows best what else it needs, and is asked once.
        let hook = Hook { sources: self, system: &system, source: &source, packages: &packages, file };
        let more: Vec<String> = hook.call("get_requires_for_build_wheel", None)?;
        if !more.is_empty() {
            requires.extend(more);
            packages = self.packages(file, &requires)?;
        }
        let hook = Hook { sources: self, system: &system, source: &source, packages: &packages, file };
        let _name: String = hook.call("build_wheel", Some(&out))?;
        self.only_wheel(usable, &out)
    }

    /// The code of the archive, by the rules that generated code is judged by.
    fn scan(&self, file: &str, contents: &Contents) -> Result<(), Trouble> {
        let Some(examiner) = self.tools.examine else { return Ok(()) };
        let python = contents.files().filter(|file| file.path.ends_with(".py"));
        let findings = of_files(file, python.map(|file| (file.path, file.content.to_vec())), examiner);
        let against: Vec<Finding> = findings.into_iter().filter(|one| one.severity >= Severity::High).collect();
        if against.is_empty() { Ok(()) } else { Err(Trouble::Vetted(against)) }
    }

    /// Installs what a build needs.
    fn packages(&self, file: &str, requires: &[String]) -> Result<Installed, Trouble> {
        let mut installed = Installed::none(self.environment.clone());
        if requires.is_empty() {
            return Ok(installed);
        }
        let mut lines = String::new();
        for one in requires {
            let _never_fails = writeln!(lines, "{}", one.replace(['\n', '\r'], " "));
        }
        // What builds a source is not built of source, and nobody imports anything of it but the build.
        let policy = InstallPolicy { build_sources: false, ..self.policy.clone() };
        let nothing = Artifact::new(file, file, Vec::new(), Vec::new());
        let (declared, findings) = declared(&nothing, Some(("build-system.requires", lines.as_bytes())), &policy);
        installed.findings.extend(findings);
        let wanted = applicable(&declared, self.probe, &mut installed.findings);
        if installed.is_sound() && !wanted.is_empty() {
            installed.environment = installed.environment.clone().with_packages();
            let session = Session {
                declared: &declared,
                tools: self.tools,
                policy: &policy,
                store: self.store,
                identity: self.identity,
                probe: self.probe,
                environment: self.environment,
                vetting: Vetting::new(self.probe, &policy, self.tools.names),
                wanted: &wanted,
            };
            session.run(&mut installed).map_err(|error| match error {
                InstallError::Interrupted => Trouble::Interrupted,
                error => Trouble::Index(format!("what {file} needs to be built: {}", crate::vet::chain(&error))),
            })?;
        }
        match installed.findings.iter().find(|finding| finding.severity >= Severity::High) {
            None => Ok(installed),
            Some(finding) => {
                let message = format!("{file} cannot be built: {}", finding.message);
                Err(Trouble::Refused(printable(&message, MESSAGE_BYTES_MAX)))
            }
        }
    }

    /// The one wheel in a folder, if it is of the package and for the interpreter.
    fn only_wheel(&self, usable: &Usable, folder: &Path) -> Result<(WheelName, Vec<u8>), Trouble> {
        let file = &usable.offer.filename;
        let wrong = |what: &str| Trouble::Refused(format!("the build of {file} made {what}"));
        let mut made = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            made.extend(path.extension().is_some_and(|ending| ending == "whl").then_some(path));
        }
        let [path] = &made[..] else { return Err(wrong("no wheel, or several")) };
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<WheelName>().ok());
        let name = name.ok_or_else(|| wrong("a wheel without a proper name"))?;
        if name.distribution != usable.name.distribution || name.version != usable.name.version {
            return Err(wrong("a wheel of another package or version"));
        }
        if !name.tags().any(|(python, abi, platform)| self.tags.rank(python, abi, platform).is_some()) {
            return Err(wrong("a wheel for another interpreter"));
        }
        Ok((name, std::fs::read(path).map_err(io)?))
    }
}

/// A build backend, ready to be called.
struct Hook<'a> {
    sources: &'a Sources<'a>,
    system: &'a BuildSystem,
    source: &'a Path,
    packages: &'a Installed,
    file: &'a str,
}

impl Hook<'_> {
    /// Calls a hook; what it makes is put into the empty folder `into`.
    fn call<T: DeserializeOwned>(&self, hook: &str, into: Option<&Path>) -> Result<T, Trouble> {
        let Sources { tools, policy, deadline, .. } = *self.sources;
        let nonce = Nonce::new();
        let BuildSystem { backend, backend_path, .. } = self.system;
        let ask = json!({
            "nonce": nonce.to_string(), "hook": hook, "backend": backend, "backend_path": backend_path,
        });
        let mut env = self.packages.environment.env.clone();
        env.insert("SOURCE_DATE_EPOCH".to_owned(), SOURCE_DATE_EPOCH.to_owned());
        let limits = Limits {
            wall: deadline.saturating_duration_since(Instant::now()),
            memory_bytes: policy.memory.bytes(),
            cpus: 4.0,
            pids: 256,
            tmp_bytes: BUILD_TMP_BYTES,
            file_bytes: policy.download_bytes_max.bytes(),
            out_bytes: policy.download_bytes_max.bytes(),
            ..Limits::default()
        };
        let mut mounts = vec![Mount { host: self.source.to_owned(), inside: WORK_DIR.to_owned() }];
        mounts.extend(self.packages.mounts().into_iter().filter(|mount| mount.inside == DEPS_DIR));
        let job = Job {
            args: ["-c", include_str!("build.py"), WORK_DIR, OUT_DIR].map(str::to_owned).to_vec(),
            env,
            stdin: ask.to_string().into_bytes(),
            mounts,
            collect_into: into.map(Path::to_owned),
            ..Job::bare(Program::Interpreter(Interpreter::Python), limits)
        };
        let outcome = tools.sandbox.run(&job, tools.stop).map_err(|error| Trouble::Io(crate::vet::chain(&error)))?;
        let failed = |what: String| {
            let message = format!("{} cannot be built: {what}", self.file);
            Trouble::Refused(printable(&message, MESSAGE_BYTES_MAX))
        };
        match outcome.ended {
            Ended::Interrupted => return Err(Trouble::Interrupted),
            Ended::Exited(0) => {}
            Ended::TimedOut => return Err(Trouble::Limit("the time for an install (`install.timeout`)".to_owned())),
            ended => return Err(failed(format!("{ended:?}: {}", last_lines(&outcome.stderr.bytes)))),
        }
        let said = String::from_utf8_lossy(&outcome.stdout.bytes);
        let answer = nonce.marked(&said);
        answer
            .and_then(|line| serde_json::from_str(line).ok())
            .ok_or_else(|| failed("its backend gave no answer".to_owned()))
    }
}

fn io(error: std::io::Error) -> Trouble {
    Trouble::Io(format!("a source archive cannot be unpacked: {error}"))
}
