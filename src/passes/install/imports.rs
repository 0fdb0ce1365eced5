//! The dynamic check: every declared package is imported in the sandbox, in the environment of the run.
//!
//! Packages may print, crash or lie; the answer is untrusted text and is taken apart as such. What a lie can gain is
//! that a broken package counts as sound until the program itself imports it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::nonce::Nonce;
use super::{InstallError, RunEnvironment, Tools};
use crate::policy::InstallPolicy;
use crate::sandbox::{DEPS_DIR, Ended, Interpreter, Job, Limits, Mount, Network, Program, TMP_DIR, WORK_DIR};

const PROGRAM: &str = "vetrun_import_check.py";
/// Bytes of an error text that are kept.
const ERROR_BYTES_MAX: usize = 300;

/// The import of one module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportResult {
    /// The module.
    pub module: String,
    /// Why it cannot be imported; `None` where it can.
    pub error: Option<String>,
    /// How long it took.
    #[serde(rename = "ms")]
    pub duration_ms: u64,
}

#[derive(Debug, Deserialize)]
struct Answer {
    imports: Vec<ImportResult>,
    files: Vec<String>,
    environment: Seen,
}

#[derive(Debug, Deserialize)]
struct Seen {
    home: String,
    pythonpath: String,
    path: Vec<String>,
    version: String,
}

/// How the check ended.
pub(super) enum Checked {
    /// One result for each module, and the files of packages that were imported: what packages say, and no more.
    Imports(Vec<ImportResult>, Vec<String>),
    /// It did not come to its end; why.
    Broken(String),
}

/// Imports `modules` with the packages of `deps`. `scratch` is an empty folder for the program's file.
pub(super) fn check(
    tools: &Tools<'_>,
    environment: &RunEnvironment,
    policy: &InstallPolicy,
    modules: &[String],
    (deps, scratch): (&Path, &Path),
) -> Result<Checked, InstallError> {
    super::write(&scratch.join(PROGRAM), include_str!("import_check.py"))?;
    let nonce = Nonce::new();
    let wall = policy.verify_timeout.duration();
    let seconds = (wall.as_secs() / 2).max(1);
    let job = Job {
        program: Program::Interpreter(Interpreter::Python),
        args: vec![format!("{WORK_DIR}/{PROGRAM}")],
        env: environment.env.clone(),
        cwd: TMP_DIR.to_owned(),
        stdin: json!({ "nonce": nonce.to_string(), "modules": modules, "seconds": seconds, "at_once": 2 })
            .to_string()
            .into_bytes(),
        mounts: vec![
            Mount { host: scratch.to_owned(), inside: WORK_DIR.to_owned() },
            Mount { host: deps.to_owned(), inside: DEPS_DIR.to_owned() },
        ],
        host_packages: false,
        collect_into: None,
        network: Network::None,
        limits: Limits { wall, memory_bytes: policy.memory.bytes(), cpus: 2.0, pids: 256, ..Limits::default() },
        trace: false,
    };
    let outcome = tools.sandbox.run(&job, tools.stop)?;
    let answer = match outcome.ended {
        Ended::Interrupted => return Err(InstallError::Interrupted),
        Ended::Exited(0) => answer_in(&outcome.stdout.bytes, &nonce),
        Ended::TimedOut => {
            Err(format!("the check took longer than {} (`install.verify_timeout`)", policy.verify_timeout))
        }
        ended => Err(format!("the check ended with {ended:?}: {}", super::last_lines(&outcome.stderr.bytes))),
    };
    match answer {
        Ok(mut answer) => {
            let seen = &mut answer.environment;
            for path in [&mut seen.home, &mut seen.pythonpath].into_iter().chain(&mut seen.path) {
                *path = outcome.named(path);
            }
            same_environment(environment, seen)?;
            Ok(judge(modules, answer.imports, answer.files))
        }
        Err(what) => Ok(Checked::Broken(what)),
    }
}

fn answer_in(stdout: &[u8], nonce: &Nonce) -> Result<Answer, String> {
    let text = String::from_utf8_lossy(stdout);
    let line = nonce.marked(&text).ok_or_else(|| "the check said nothing".to_owned())?;
    serde_json::from_str(line).map_err(|error| format!("the check's answer is not valid: {error}"))
}

fn judge(modules: &[String], mut imports: Vec<ImportResult>, files: Vec<String>) -> Checked {
    if imports.len() != modules.len() || imports.iter().zip(modules).any(|(result, module)| result.module != *module) {
        return Checked::Broken("the check's answer is about other modules".to_owned());
    }
    for result in &mut imports {
        result.error = result.error.take().map(|error| super::printable(&error, ERROR_BYTES_MAX));
    }
    Checked::Imports(imports, files)
}

/// Install, check and run must see one and the same environment.
fn same_environment(wanted: &RunEnvironment, seen: &Seen) -> Result<(), InstallError> {
    let rows = [
        ("HOME", wanted.home.as_str(), seen.home.as_str()),
        ("PYTHONPATH", &wanted.pythonpath, &seen.pythonpath),
        ("interpreter", &wanted.interpreter, &format!("python {}", seen.version)),
    ];
    let different = rows.into_iter().find(|(_, wanted, seen)| wanted != seen);
    let mismatch = |what: &str, wanted: &str, seen: &str| InstallError::EnvironmentMismatch {
        what: what.to_owned(),
        wanted: wanted.to_owned(),
        seen: super::printable(seen, ERROR_BYTES_MAX),
    };
    match different {
        Some((what, wanted, seen)) => Err(mismatch(what, wanted, seen)),
        None if !seen.path.iter().any(|folder| folder == DEPS_DIR) => {
            Err(mismatch("sys.path", DEPS_DIR, &seen.path.join(":")))
        }
        None => Ok(()),
    }
}
