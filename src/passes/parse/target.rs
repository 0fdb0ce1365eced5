//! The target: the versions of the engines whose verdict counts, and who said so.
//!
//! The policy's word comes first. Where it has none, the engine that will run the artifact counts; where nothing runs, the
//! newest Python that the artifact's own `requires-python` allows, which is what an installer would pick; and else the
//! newest that is known. An artifact can name only a version that is judged exactly, so it cannot weaken its judgement.

use serde_json::{Value, json};

use crate::deps::{SpecifierSet, Version};
use crate::language::{EngineVersions, NodeVersion, PythonVersion};
use crate::policy::ParsePolicy;

/// Releases of one minor version of Python that a specifier is tried with.
const MICRO_MAX: u32 = 40;

/// The versions of the engines whose verdict counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The version of CPython.
    pub python: PythonVersion,
    /// Who said so.
    pub python_by: Reason,
    /// The oldest Python that the artifact says it supports, where that is older than [`Self::python`], and the file that
    /// says so.
    pub python_floor: Option<(PythonVersion, String)>,
    /// The version of Node.
    pub node: NodeVersion,
    /// Who said so.
    pub node_by: Reason,
}

/// Why a version was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The policy names it.
    Policy,
    /// It is the one in the sandbox.
    Sandbox,
    /// It is the newest that the `requires-python` in this file allows.
    RequiresPython(String),
    /// Nothing names one; it is the newest that is known.
    Newest,
}

impl Reason {
    /// In words, to stand behind "because".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Policy => "the policy says so".to_owned(),
            Self::Sandbox => "it is the one in the sandbox".to_owned(),
            Self::RequiresPython(path) => format!("it is the newest that {path} allows"),
            Self::Newest => "it is the newest known and nothing names another".to_owned(),
        }
    }
}

impl Default for Target {
    fn default() -> Self {
        Self::new(&ParsePolicy::default(), EngineVersions::default(), None)
    }
}

impl Target {
    /// Decides by the policy, then by the engines that will run the artifact, then by its `requires-python` (the
    /// specifiers, and the file that they stand in).
    #[must_use]
    pub fn new(policy: &ParsePolicy, engines: EngineVersions, requires: Option<&(SpecifierSet, String)>) -> Self {
        let allowed = |version: &PythonVersion| requires.is_some_and(|(set, _)| allows(set, *version));
        let newest = PythonVersion::ALL.into_iter().rev().find(allowed);
        let (python, python_by) = match (policy.python_version, engines.python, newest.zip(requires)) {
            (Some(version), ..) => (version, Reason::Policy),
            (None, Some(version), _) => (version, Reason::Sandbox),
            (None, None, Some((version, (_, path)))) => (version, Reason::RequiresPython(path.clone())),
            (None, None, None) => (PythonVersion::NEWEST, Reason::Newest),
        };
        let oldest = PythonVersion::ALL.into_iter().find(allowed).filter(|oldest| *oldest < python);
        let (node, node_by) = match (policy.node_version, engines.node) {
            (Some(version), _) => (version, Reason::Policy),
            (None, Some(version)) => (version, Reason::Sandbox),
            (None, None) => (NodeVersion::NEWEST, Reason::Newest),
        };
        let python_floor = oldest.zip(requires).map(|(version, (_, path))| (version, path.clone()));
        Self { python, python_by, python_floor, node, node_by }
    }

    /// The target for the report: `{version, because}` for each engine that something was judged for.
    pub(super) fn details(&self, python: bool, node: bool) -> Value {
        let entry = |version: &str, reason: &Reason| json!({ "version": version, "because": reason.words() });
        json!({
            "python": python.then(|| entry(self.python.name(), &self.python_by)),
            "node": node.then(|| entry(self.node.name(), &self.node_by)),
        })
    }
}

/// Whether some release of `version` is in `set`.
fn allows(set: &SpecifierSet, version: PythonVersion) -> bool {
    let release = |micro: u32| format!("3.{}.{micro}", version.minor()).parse::<Version>();
    (0..=MICRO_MAX).filter_map(|micro| release(micro).ok()).any(|release| set.contains(&release))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(policy: Option<PythonVersion>, sandbox: Option<PythonVersion>, requires: &str) -> Target {
        let policy = ParsePolicy { python_version: policy, ..ParsePolicy::default() };
        let engines = EngineVersions { python: sandbox, node: None };
        let requires = requires.parse::<SpecifierSet>().ok().map(|set| (set, "pyproject.toml".to_owned()));
        Target::new(&policy, engines, requires.as_ref())
    }

    #[test]
    fn policy_then_sandbox_then_requires_python_then_newest() {
        use PythonVersion::{Py39, Py310, Py311, Py312, Py313, Py314};
        let by_file = Reason::RequiresPython("pyproject.toml".to_owned());
        let cases = [
            (target(Some(Py39), Some(Py313), ">=3.10"), Py39, Reason::Policy, None),
            (target(None, Some(Py313), ">=3.10"), Py313, Reason::Sandbox, Some(Py310)),
            (target(None, None, ">=3.10,<3.13"), Py312, by_file.clone(), Some(Py310)),
            (target(None, None, "==3.11.4"), Py311, by_file.clone(), None),
            (target(None, None, ">=3.12"), Py314, by_file, Some(Py312)),
            (target(None, None, "<3"), Py314, Reason::Newest, None),
        ];
        for (target, version, reason, floor) in cases {
            assert_eq!((target.python, &target.python_by), (version, &reason));
            assert_eq!(target.python_floor.map(|(version, _)| version), floor, "{reason:?}");
        }
    }
}
