//! What the interpreter in the sandbox says of itself: the values of markers, the names of its standard library, its
//! pip and that pip's default index. No package of the artifact is there yet, so the answer can be relied on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::store::Store;
use super::{InstallError, RunEnvironment, Tools};
use crate::deps::wheel::InterpreterAbi;
use crate::deps::{MarkerEnvironment, Target};
use crate::sandbox::{Ended, Interpreter, InterpreterInfo, Job, Limits, Program};

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    markers: BTreeMap<String, String>,
    stdlib: BTreeSet<String>,
    target: Target,
    /// The middle of the names of its extension modules.
    soabi: Option<String>,
    cache_tag: Option<String>,
    /// The names of the shared libraries that its loader finds.
    libraries: BTreeSet<String>,
    pub(super) pip: Option<Pip>,
}

/// The pip that the interpreter can import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pip {
    pub(super) version: String,
    pub(super) index_url: String,
}

/// The interpreter's answers.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) markers: MarkerEnvironment,
    /// The value of the marker `python_full_version`.
    pub(super) python: String,
    pub(super) stdlib: BTreeSet<String>,
    /// What wheels are chosen by.
    pub(super) target: Target,
    /// What native code of packages must be for.
    pub(super) abi: Option<InterpreterAbi>,
    /// What stands in the names of its bytecode files; `None` where it has none.
    pub(super) cache_tag: Option<String>,
    /// The names of the shared libraries that its loader finds, `libc.so.6` and the like.
    pub(super) libraries: BTreeSet<String>,
    pub(super) pip: Option<Pip>,
}

/// Asks the interpreter, unless this very one was asked before.
pub(super) fn probe(
    tools: &Tools<'_>,
    environment: &RunEnvironment,
    interpreter: &InterpreterInfo,
    store: &Store,
) -> Result<Probe, InstallError> {
    let key = store.key("probe", &[tools.sandbox.name(), &interpreter.identity]);
    if let Some(answer) = store.fact(key) {
        return Ok(Probe::new(answer));
    }
    let answer = ask(tools, environment)?;
    store.keep_fact(key, &answer);
    Ok(Probe::new(answer))
}

impl Probe {
    fn new(answer: Answer) -> Self {
        let python = answer.markers.get("python_full_version").cloned().unwrap_or_default();
        let markers = MarkerEnvironment::new(answer.markers);
        let machine = answer.target.machine.clone();
        let abi = answer.soabi.map(|soabi| InterpreterAbi { soabi, machine });
        let Answer { stdlib, target, cache_tag, libraries, pip, .. } = answer;
        Self { markers, python, stdlib, target, abi, cache_tag, libraries, pip }
    }
}

/// Asks the interpreter.
pub(super) fn ask(tools: &Tools<'_>, environment: &RunEnvironment) -> Result<Answer, InstallError> {
    let limits = Limits { cpus: 1.0, wall: Duration::from_secs(30), ..Limits::default() };
    let job = Job {
        args: ["-I", "-c", include_str!("probe.py")].map(str::to_owned).to_vec(),
        env: environment.env.clone(),
        host_packages: true,
        ..Job::bare(Program::Interpreter(Interpreter::Python), limits)
    };
    let outcome = tools.sandbox.run(&job, tools.stop)?;
    let failed = |what: String| InstallError::Probe { what };
    match outcome.ended {
        Ended::Interrupted => return Err(InstallError::Interrupted),
        Ended::Exited(0) => {}
        ended => {
            let said = super::last_lines(&outcome.stderr.bytes);
            return Err(failed(format!("it ended with {ended:?}: {said}")));
        }
    }
    serde_json::from_slice(&outcome.stdout.bytes).map_err(|error| failed(error.to_string()))
}
