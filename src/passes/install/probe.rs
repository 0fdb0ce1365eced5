//! What the interpreter in the sandbox says of itself: the values of markers, the names of its standard library, its
//! pip and that pip's default index. No package of the artifact is there yet, so the answer can be relied on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use super::{InstallError, RunEnvironment, Tools};
use crate::deps::MarkerEnvironment;
use crate::sandbox::{Ended, Interpreter, Job, Limits, Network, Program, TMP_DIR};

#[derive(Debug, Deserialize)]
struct Answer {
    markers: BTreeMap<String, String>,
    stdlib: BTreeSet<String>,
    pip: Option<Pip>,
}

/// The pip that the interpreter can import.
#[derive(Clone, Debug, Deserialize)]
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
    pub(super) pip: Option<Pip>,
}

pub(super) fn probe(tools: &Tools<'_>, environment: &RunEnvironment) -> Result<Probe, InstallError> {
    let job = Job {
        program: Program::Interpreter(Interpreter::Python),
        args: ["-I", "-c", include_str!("probe.py")].map(str::to_owned).to_vec(),
        env: environment.env.clone(),
        cwd: TMP_DIR.to_owned(),
        stdin: Vec::new(),
        mounts: Vec::new(),
        host_packages: true,
        collect_into: None,
        network: Network::None,
        limits: Limits { cpus: 1.0, wall: Duration::from_secs(30), ..Limits::default() },
        trace: false,
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
    let answer: Answer = serde_json::from_slice(&outcome.stdout.bytes).map_err(|error| failed(error.to_string()))?;
    let python = answer.markers.get("python_full_version").cloned().unwrap_or_default();
    Ok(Probe { markers: MarkerEnvironment::new(answer.markers), python, stdlib: answer.stdlib, pip: answer.pip })
}
