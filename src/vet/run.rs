//! What happens to a cleared artifact: install, then execute.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::results::timed;
use super::{Cleared, Exit, Record, Vetted, fails, judge};
use crate::finding::{Finding, Pass};
use crate::passes::execute::{self, Place, Plan};
use crate::passes::install::{self, InstallRequest, Installed};
use crate::passes::{PassResult, Status};
use crate::policy::{NetworkPolicy, Policy};
use crate::report::{Dependencies, Execution};
use crate::sandbox::{Ended, Gateway, Network, Outcome, Sandbox, Stop};

/// How cleared artifacts are installed and run.
pub struct Running<'a> {
    /// Where they run.
    pub sandbox: &'a dyn Sandbox,
    /// The uv program of the host, where it has one.
    pub uv: Option<&'a Path>,
    /// Arguments for the programs.
    pub args: &'a [String],
    /// A host folder that receives the programs' output files, each artifact's in a folder of its name where there are
    /// several; `None` throws them away after they were counted and hashed.
    pub out: Option<PathBuf>,
    /// Where temporary folders are made.
    pub scratch: &'a Path,
    /// Raised when the user interrupts.
    pub stop: &'a Stop,
}

impl std::fmt::Debug for Running<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("sandbox", &self.sandbox.name()).field("out", &self.out).finish_non_exhaustive()
    }
}

impl Running<'_> {
    /// Installs and runs a cleared artifact, and records what was seen.
    pub(super) fn run(&self, cleared: Cleared<'_>, vetted: &Vetted<'_>, policy: &Policy, record: &mut Record) {
        let plan = execute::plan(cleared.artifact(), &vetted.structure, &policy.execute, self.args);
        let Some(plan) = plan else {
            self.judge(vec![execute::nothing_to_run()], Pass::Execute, vetted, policy, record);
            record.results.set(Pass::Execute, failed("there is no entry point and no test to run"));
            record.exit = Exit::RunFailed;
            return;
        };
        let Some(installed) = self.install(cleared, vetted, policy, record) else { return };
        self.execute(cleared, &plan, &installed, vetted, policy, record);
    }

    fn install(
        &self,
        cleared: Cleared<'_>,
        vetted: &Vetted<'_>,
        policy: &Policy,
        record: &mut Record,
    ) -> Option<Installed> {
        let request = InstallRequest {
            declared: &vetted.declared,
            sandbox: self.sandbox,
            policy: &policy.install,
            uv: self.uv,
            scratch: self.scratch,
            stop: self.stop,
        };
        let (attempt, duration) = timed(|| install::install(cleared, &request));
        let installed = match attempt {
            Ok(installed) => installed,
            Err(_) if self.stop.is_raised() => {
                record.exit = Exit::Interrupted;
                return None;
            }
            Err(error) => {
                record.fail_with_error(Pass::Install, &error);
                return None;
            }
        };
        if vetted.declared.requirements.is_empty() || !policy.install.enabled {
            let because =
                if policy.install.enabled { "no packages are declared" } else { "installing is switched off" };
            record.results.set(Pass::Install, PassResult::skipped(because));
            return Some(installed);
        }
        for line in &installed.log {
            record.log.add(&format!("install: {line}"));
        }
        record.dependencies = Some(Dependencies::from(&installed));
        let failing = self.judge(installed.findings.clone(), Pass::Install, vetted, policy, record);
        let status = if failing == 0 { Status::Passed } else { Status::Failed };
        let message = installed.message();
        record.log.add(&format!("install: {}: {message}", status.name()));
        let result = PassResult { status, message, duration, details: installed.details.clone() };
        record.results.set(Pass::Install, result);
        if failing > 0 {
            record.exit = Exit::RunFailed;
            record.results.set(Pass::Execute, PassResult::skipped("the packages could not be installed"));
            return None;
        }
        Some(installed)
    }

    fn execute(
        &self,
        cleared: Cleared<'_>,
        plan: &Plan,
        installed: &Installed,
        vetted: &Vetted<'_>,
        policy: &Policy,
        record: &mut Record,
    ) {
        record.log.add(&format!("execute: {} in the {} sandbox", plan.because, self.sandbox.name()));
        let place = Place {
            environment: &installed.environment,
            mounts: &installed.mounts(),
            network: self.network(policy),
            collect_into: self.out.as_deref(),
            scratch: self.scratch,
        };
        let network = place.network.name();
        let attempt = timed(|| execute::execute(cleared, plan, &place, &policy.execute, self.sandbox, self.stop));
        let outcome = match attempt.value {
            Ok(outcome) => outcome,
            Err(error) => {
                record.fail_with_error(Pass::Execute, &error);
                return;
            }
        };
        record.execution = Some(Execution::new(self.sandbox.name(), network, &outcome));
        if outcome.ended == Ended::Interrupted {
            record.exit = Exit::Interrupted;
            let message = "interrupted".to_owned();
            record.results.set(Pass::Execute, PassResult { status: Status::Error, ..PassResult::skipped(message) });
            return;
        }
        let finding = execute::finding(&outcome, &policy.execute);
        let message = finding.as_ref().map_or_else(|| "the program ended with 0".to_owned(), |one| one.message.clone());
        let status = if finding.is_some() { Status::Failed } else { Status::Passed };
        record.log.add(&format!("execute: {}: {message}", status.name()));
        if finding.is_some() {
            record.exit = Exit::RunFailed;
        }
        self.judge(finding.into_iter().collect(), Pass::Execute, vetted, policy, record);
        let details = details(plan, &outcome);
        record.results.set(Pass::Execute, PassResult { status, message, duration, details });
    }

    /// Adds findings of an effectful pass to the record; returns how many of them fail the artifact.
    fn judge(
        &self,
        findings: Vec<Finding>,
        pass: Pass,
        vetted: &Vetted<'_>,
        policy: &Policy,
        record: &mut Record,
    ) -> usize {
        let judged = judge(findings, &policy.gate, &super::Baseline::new(), &vetted.parsed);
        let failing = judged.findings.iter().filter(|one| one.pass == pass && fails(one, &policy.gate)).count();
        record.findings.extend(judged.findings);
        crate::finding::sort(&mut record.findings);
        failing
    }

    fn network(&self, policy: &Policy) -> Network {
        match policy.execute.network {
            NetworkPolicy::None => Network::None,
            NetworkPolicy::Full => Network::Full,
            NetworkPolicy::Index => {
                let gateway: Arc<dyn Gateway> = install::index_gateway(self.sandbox, &policy.install, self.stop);
                Network::Gateway(gateway)
            }
        }
    }
}

fn failed(message: &str) -> PassResult {
    PassResult { status: Status::Failed, ..PassResult::skipped(message) }
}

fn details(plan: &Plan, outcome: &Outcome) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("because".to_owned(), Value::from(plan.because.clone()));
    details.insert("outputs".to_owned(), Value::from(outcome.collected.files.len()));
    details
}
