//! What happens to a cleared artifact: install, then execute.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::results::{count, timed};
use super::{Baseline, Cleared, Exit, Judging, Record, Vetted, inferred, judge};
use crate::artifact::Artifact;
use crate::finding::{Finding, Pass};
use crate::language::{EngineVersions, Language, NodeVersion, PythonVersion};
use crate::passes::execute::{self, Place, Plan};
use crate::passes::install::{self, Examiner, InstallError, Installed, RunEnvironment, Store, Tools};
use crate::passes::parse::{self, Target};
use crate::passes::{PassResult, Status, scan};
use crate::policy::{NetworkPolicy, ParsePolicy, Policy};
use crate::report::Execution;
use crate::sandbox::{Ended, Interpreter, Network, Outcome, Program, Sandbox, SandboxError, Scratch, Stop};

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
    pub scratch: &'a Scratch,
    /// Where packages are kept for later runs; `None` keeps nothing.
    pub store: Option<&'a Store>,
    /// Raised when the user interrupts.
    pub stop: &'a Stop,
}

impl std::fmt::Debug for Running<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("sandbox", &self.sandbox.name()).field("out", &self.out).finish_non_exhaustive()
    }
}

impl Running<'_> {
    /// The versions of the interpreters that would run the artifact's languages, where the policy names none and the
    /// sandbox has them.
    pub(super) fn engines(&self, artifact: &Artifact, policy: &ParsePolicy) -> EngineVersions {
        let release = |language| {
            let kind = artifact.files.iter().find(|file| file.language == language)?.language.info().interpreter?;
            Some(self.sandbox.interpreter(kind).ok()?.version)
        };
        let python = policy.python_version.is_none().then(|| release(Language::Python)).flatten();
        let node = policy.node_version.is_none().then(|| release(Language::JavaScript)).flatten();
        EngineVersions {
            python: python.and_then(|release| PythonVersion::of_release(&release)),
            node: node.and_then(|release| NodeVersion::of_release(&release)),
        }
    }

    /// Installs and runs a cleared artifact, and records what was seen.
    pub(super) fn run(&self, cleared: Cleared<'_>, vetted: &Vetted<'_>, judging: Judging<'_>, record: &mut Record) {
        let policy = judging.policy;
        let plan = execute::plan(cleared.artifact(), &vetted.structure, &policy.execute, self.args);
        let Some(plan) = plan else {
            let finding = execute::nothing_to_run();
            let message = finding.message.clone();
            judge_later(vec![finding], vetted, policy, record);
            record.results.set(Pass::Install, PassResult::skipped("there is nothing to run"));
            record.results.set(Pass::Execute, PassResult { status: Status::Failed, ..PassResult::skipped(message) });
            record.exit = Exit::RunFailed;
            return;
        };
        let Some(installed) = self.install(cleared, &plan, vetted, judging, record) else { return };
        self.execute(cleared, &plan, &installed, vetted, judging, record);
        self.clear(installed);
    }

    /// Removes packages that are not kept, in passing.
    fn clear(&self, installed: Installed) {
        if let Some(folder) = installed.into_folder() {
            self.scratch.clear(folder);
        }
    }

    /// Installs what is declared; `None` where the artifact cannot run without it.
    fn install(
        &self,
        cleared: Cleared<'_>,
        plan: &Plan,
        vetted: &Vetted<'_>,
        judging: Judging<'_>,
        record: &mut Record,
    ) -> Option<Installed> {
        let policy = judging.policy;
        let declared = &vetted.declared;
        let nothing = !declared.declares_python() && declared.npm.is_none();
        if nothing || !policy.install.enabled {
            let because = if nothing { "no packages are declared" } else { "installing is switched off" };
            record.results.set(Pass::Install, PassResult::skipped(because));
            let environment = self.environment(plan);
            return environment
                .map_err(|error| record.fail_with_error(Pass::Execute, &error))
                .map(Installed::none)
                .ok();
        }
        let examine = |package: &Artifact| {
            let target = Target::new(&policy.parse, self.engines(package, &policy.parse), None);
            let (parsed, _) = parse::parse(package, &policy.parse, &target);
            scan::scan(&parsed, judging.rules, &policy.scan).0
        };
        let identity = format!("{} {:?} {:?}", judging.rules.digest(), policy.parse, policy.scan);
        let examiner = Examiner { identity: &identity, examine: &examine };
        let tools = Tools { examine: Some(examiner), entry: plan.script(), ..self.tools(judging) };
        let (attempt, duration) = timed(|| install::install(&cleared, declared, &tools, &policy.install));
        let installed = match attempt {
            Ok(installed) => installed,
            Err(InstallError::Interrupted) => {
                record.interrupt(Pass::Install);
                return None;
            }
            Err(error) => {
                record.fail_with_error(Pass::Install, &error);
                return None;
            }
        };
        record.dependencies = Some(installed.to_report());
        let failing = judge_later(installed.findings.clone(), vetted, policy, record);
        let status = if failing == 0 { Status::Passed } else { Status::Failed };
        let message = installed_message(&installed);
        record.log.add(&format!("install: {}: {message}", status.name()));
        let mut details = installed.details();
        details.extend(inferred(declared));
        record.results.set(Pass::Install, PassResult { status, message, duration, details });
        if failing > 0 {
            record.exit = Exit::RunFailed;
            record.results.set(Pass::Execute, PassResult::skipped("the packages could not be installed"));
            self.clear(installed);
            return None;
        }
        Some(installed)
    }

    fn tools<'s>(&'s self, judging: Judging<'s>) -> Tools<'s> {
        Tools {
            names: judging.names,
            sandbox: self.sandbox,
            stop: self.stop,
            uv: self.uv,
            scratch: self.scratch.path(),
            store: self.store,
            examine: None,
            entry: None,
        }
    }

    /// The environment of a program without packages: that of its interpreter, or of any that is there.
    fn environment(&self, plan: &Plan) -> Result<RunEnvironment, SandboxError> {
        let interpreter = match plan.program {
            Program::Interpreter(kind) => self.sandbox.interpreter(kind)?,
            Program::Command(_) => self
                .sandbox
                .interpreter(Interpreter::Python)
                .or_else(|_| self.sandbox.interpreter(Interpreter::Node))?,
        };
        Ok(RunEnvironment::of(&interpreter))
    }

    fn execute(
        &self,
        cleared: Cleared<'_>,
        plan: &Plan,
        installed: &Installed,
        vetted: &Vetted<'_>,
        judging: Judging<'_>,
        record: &mut Record,
    ) {
        let policy = judging.policy;
        record.log.add(&format!("execute: {} in the {} sandbox", plan.because, self.sandbox.name()));
        let network = match self.network(judging) {
            Ok(network) => network,
            Err(error) => return record.fail_with_error(Pass::Execute, &error),
        };
        let reach = network.name();
        let place = Place {
            environment: &installed.environment,
            mounts: &installed.mounts(),
            network,
            out: self.out.as_deref(),
            scratch: self.scratch.path(),
        };
        let (attempt, duration) =
            timed(|| execute::execute(cleared, plan, &place, &policy.execute, self.sandbox, self.stop));
        let outcome = match attempt {
            Ok(outcome) => outcome,
            Err(error) => return record.fail_with_error(Pass::Execute, &error),
        };
        record.execution = Some(Execution::new(self.sandbox.name(), reach, &outcome));
        if outcome.ended == Ended::Interrupted {
            return record.interrupt(Pass::Execute);
        }
        let finding = execute::finding(&outcome, &policy.execute);
        let finding = finding.map(|finding| explained(finding, &outcome, installed));
        let message = finding.as_ref().map_or_else(|| "the program ended with 0".to_owned(), |one| one.message.clone());
        // The end of the program decides, whatever the policy says of findings.
        let status = if finding.is_some() { Status::Failed } else { Status::Passed };
        if finding.is_some() {
            record.exit = Exit::RunFailed;
        }
        record.log.add(&format!("execute: {}: {message}", status.name()));
        judge_later(finding.into_iter().collect(), vetted, policy, record);
        let details = details(plan, &outcome);
        record.results.set(Pass::Execute, PassResult { status, message, duration, details });
    }

    fn network(&self, judging: Judging<'_>) -> Result<Network, InstallError> {
        let policy = judging.policy;
        Ok(match policy.execute.network {
            NetworkPolicy::None => Network::None,
            NetworkPolicy::Full => Network::Full,
            NetworkPolicy::Index => Network::Gateway(install::index_gateway(&self.tools(judging), &policy.install)?),
        })
    }
}

/// Adds findings of an effectful pass to the record; returns how many of them fail the artifact.
fn judge_later(findings: Vec<Finding>, vetted: &Vetted<'_>, policy: &Policy, record: &mut Record) -> usize {
    let judged = judge(findings, policy, &Baseline::new(), &vetted.parsed);
    let failing = judged.findings.iter().filter(|one| one.fails).count();
    record.findings.extend(judged.findings);
    crate::finding::sort(&mut record.findings);
    failing
}

/// Says of a program that did not find a package of Node why it could not, where that is the sandbox's fault.
fn explained(finding: Finding, outcome: &Outcome, installed: &Installed) -> Finding {
    let is_mounted = outcome.isolation.layers.get("mountNamespace") != Some(&false);
    let said = String::from_utf8_lossy(&outcome.stderr.bytes);
    if installed.node_lock.is_none() || is_mounted || !said.contains("ERR_MODULE_NOT_FOUND") {
        return finding;
    }
    finding.hint("without namespaces `require` finds packages of Node and `import` does not: use the docker sandbox")
}

fn installed_message(installed: &Installed) -> String {
    let packages = count(installed.packages.len(), "package");
    let by = installed.installer.as_deref().map_or_else(String::new, |installer| format!(" by {installer}"));
    match installed.findings.len() {
        0 => format!("{packages} installed{by}"),
        findings => format!("{packages} installed{by}; {}", count(findings, "finding")),
    }
}

fn details(plan: &Plan, outcome: &Outcome) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("because".to_owned(), Value::from(plan.because.clone()));
    details.insert("outputs".to_owned(), Value::from(outcome.collected.files.len()));
    details
}
