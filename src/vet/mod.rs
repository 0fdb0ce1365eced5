//! The sequence: static passes in order, the gate, then install and execute for what the gate has cleared.
//!
//! [`judge_artifact`] is a pure function of the snapshot. [`Session`] adds the effects and the clock and makes the
//! report. Nothing here prints.

mod checks;
mod foreign;
mod gate;
mod grounds;
mod imports;
mod kept;
mod log;
mod looking;
mod pace;
mod results;
mod run;

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value, json};

use crate::artifact::{Artifact, Digest};
use crate::cache::Cache;
use crate::deps::imports::Basis;
use crate::deps::names::NameData;
use crate::deps::{self, Declared};
use crate::finding::{Finding, Pass};
use crate::language::EngineVersions;
use crate::passes::budget::budget;
use crate::passes::parse::{Parsed, Target, Validity};
use crate::passes::structure::{Structure, structure};
use crate::passes::{PassResult, Status};
use crate::policy::{Policy, PolicyError, Timeout};
use crate::report::{
    ArtifactSummary, Dependencies, Execution, Report, ReportFinding, SCHEMA_VERSION, Tool, ValidationResult,
    ValidationResults, Verdict, millis,
};
use crate::rules::RuleSet;
use crate::sandbox::Stop;

pub use checks::{CHECKS, budget_checks, names_check};
pub use foreign::FOREIGN_SUPPRESSION;
pub use gate::{Baseline, Cleared, Judged, gate, judge, names};
pub use grounds::Grounds;
use kept::Kept;
use log::Log;
use looking::{Looked, look};
pub use pace::Pace;
pub use results::Results;
pub(crate) use results::count;
use results::{Done, timed};
pub use run::Running;

/// How vetting ended, and so how the process exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// 0: nothing stands against it; where it was run, it ended with 0.
    Passed,
    /// 1: findings at or above the threshold.
    Blocked,
    /// 2: vetrun, its policy or its back end is at fault, or the input cannot be read.
    NotVetted,
    /// 3: there is nothing to vet.
    NothingToVet,
    /// 4: vetted, but the install or the run failed.
    RunFailed,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Blocked => 1,
            Self::NotVetted => 2,
            Self::NothingToVet => 3,
            Self::RunFailed => 4,
            Self::Interrupted => 130,
        }
    }

    /// How the vetting ended that a report is about.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let ValidationResults { dependencies, execution, .. } = &report.validation_results;
        // Declarations alone are refused before anything is installed.
        let was_installed = report.dependencies.is_some() && dependencies.status == Status::Failed;
        match report.status {
            Verdict::Passed => Self::Passed,
            Verdict::Failed if was_installed || execution.status == Status::Failed => Self::RunFailed,
            Verdict::Failed => Self::Blocked,
            Verdict::Error => Self::NotVetted,
        }
    }

    /// The worse of two, in the order 130 > 2 > 1 > 4 > 3 > 0.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if self.weight() >= other.weight() { self } else { other }
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::NothingToVet => 1,
            Self::RunFailed => 2,
            Self::Blocked => 3,
            Self::NotVetted => 4,
            Self::Interrupted => 5,
        }
    }
}

/// What the static passes made of an artifact.
#[derive(Debug)]
pub struct Vetted<'a> {
    /// Its trees and texts.
    pub parsed: Parsed<'a>,
    /// Its profile, entry point and tests.
    pub structure: Structure,
    /// The packages that it declares.
    pub declared: Declared,
    /// All findings, after the policy has had its say.
    pub findings: Vec<Finding>,
    /// One result for each pass.
    pub results: Results,
}

/// What an artifact is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judging<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The rules.
    pub rules: &'a RuleSet,
    /// Findings that do not count.
    pub baseline: &'a Baseline,
    /// What stands in for the artifact's own declarations: a file name and its bytes.
    pub requirements: Option<(&'a str, &'a [u8])>,
    /// What is known of names of packages.
    pub names: &'a NameData,
}

/// Runs the static passes: parse, structure, scan, budget, and the reading of declared packages. `engines` will run the
/// artifact, as far as they are known.
///
/// # Errors
/// [`PolicyError`] when the policy asks for a profile that does not exist.
pub fn judge_artifact<'a>(
    artifact: &'a Artifact,
    judging: Judging<'_>,
    engines: EngineVersions,
) -> Result<Vetted<'a>, PolicyError> {
    judge_until(artifact, judging, engines, &Stop::default()).map(|vetted| vetted.expect("nobody stops it"))
}

/// [`judge_artifact`]; nothing once `stop` is raised, since what was found until then is not all that there is.
fn judge_until<'a>(
    artifact: &'a Artifact,
    judging: Judging<'_>,
    engines: EngineVersions,
    stop: &Stop,
) -> Result<Option<Vetted<'a>>, PolicyError> {
    let Judging { policy, rules, baseline, requirements, names } = judging;
    let ((mut declared, undeclarable), declaring) = timed(|| deps::declared(artifact, requirements, &policy.install));
    let target = Target::new(&policy.parse, engines, declared.requires_python.as_ref());
    let Looked { parsed, mut findings, scanner, parsing, scanning } = look(artifact, policy, rules, &target, stop);
    if stop.is_raised() {
        return Ok(None);
    }
    let (structured, structuring) = timed(|| structure(&parsed, policy));
    let (structure, leftovers) = structured?;
    let ((dangers, mut scan_details), finishing) = timed(|| scanner.finish(&parsed));
    let basis = Basis { artifact, python_minor: target.python.minor(), data: names, policy: &policy.install };
    let (doubts, doubting) = timed(|| deps::vetted(&mut declared, &imports::of(&parsed), basis));
    let packages = declared.count();
    let ((excesses, budget_details), budgeting) =
        timed(|| budget(&parsed, &policy.budget, &structure.profile, packages as u64));
    findings.extend(leftovers.into_iter().chain(dangers).chain(undeclarable).chain(doubts).chain(excesses));

    let judged = judge(findings, policy, baseline, &parsed);
    if judged.left_out > 0 {
        scan_details.insert("findingsLeftOut".to_owned(), Value::from(judged.left_out));
    }
    let done = |pass, duration, what, details| Done { pass, what, duration, details };
    let all = [
        done(Pass::Parse, parsing, parsed_what(&parsed), parsed.details.clone()),
        done(Pass::Structure, structuring, structure_what(&structure), structure.details.clone()),
        done(Pass::Scan, scanning + finishing, count(rules.count(), "rule"), scan_details),
        done(Pass::Budget, budgeting, budget_what(artifact), budget_details),
        done(Pass::Install, declaring + doubting, declared_what(&declared), inferred(&declared)),
    ];
    let mut results = Results::skipped("not asked for");
    for done in all {
        let pass = done.pass;
        let result = done.result(&judged.findings);
        // The install pass has only read the declarations so far: it has failed, or it has yet to run.
        if pass != Pass::Install || result.status == Status::Failed {
            results.set(pass, result);
        }
    }
    let vetted = Vetted { parsed, structure, declared, findings: judged.findings, results };
    Ok((!stop.is_raised()).then_some(vetted))
}

fn parsed_what(parsed: &Parsed<'_>) -> String {
    let judged = parsed.files.iter().filter(|file| file.validity != Validity::NotJudged).count();
    let valid = parsed.files.iter().filter(|file| file.validity == Validity::Valid).count();
    format!("{valid} of {} valid", count(judged, "parsed file"))
}

fn structure_what(structure: &Structure) -> String {
    let entry = structure.entry.as_ref().map_or_else(String::new, |entry| format!(", entry {entry}"));
    format!("profile {}{entry}", structure.profile_name)
}

fn declared_what(declared: &Declared) -> String {
    count(declared.requirements.len(), if declared.is_inferred { "imported package" } else { "declared package" })
}

/// Facts for the report: which import asks for which package, where nothing declares any.
fn inferred(declared: &Declared) -> Map<String, Value> {
    let asked = declared.requirements.iter().filter_map(|one| {
        let import = one.import.as_deref()?;
        Some(json!({ "package": one.name, "import": import, "path": one.declared_in, "line": one.range.start.line }))
    });
    let asked: Vec<Value> = asked.collect();
    let entry = ("inferred".to_owned(), Value::from(asked));
    if declared.is_inferred { Map::from_iter([entry]) } else { Map::new() }
}

fn budget_what(artifact: &Artifact) -> String {
    format!("{} bytes in {}", artifact.total_bytes(), count(artifact.files.len(), "file"))
}

/// Everything that vetting needs, once for all artifacts of a command.
#[derive(Debug)]
pub struct Session<'a> {
    /// What artifacts are judged by.
    pub judging: Judging<'a>,
    /// The same as digests: those of these very grounds, since results are kept under them.
    pub grounds: Cow<'a, Grounds>,
    /// The agent that generated the artifacts.
    pub agent_id: Option<&'a str>,
    /// How cleared artifacts are installed and run; `None` for static passes only.
    pub running: Option<Running<'a>>,
    /// Where results of static passes are kept; used only where nothing is run.
    pub cache: Option<&'a Cache>,
}

/// The static passes took too long.
#[derive(Debug, thiserror::Error)]
#[error("the static passes were not done within {0} (give them more by `vet.timeout`, or split the artifact)")]
struct Late(Timeout);

/// A report and how its vetting ended.
#[derive(Debug)]
pub struct Vetting {
    /// The report.
    pub report: Report,
    /// How vetting ended.
    pub exit: Exit,
}

/// What a session has to say so far; becomes a [`Report`].
#[derive(Debug)]
struct Record {
    results: Results,
    findings: Vec<Finding>,
    dependencies: Option<Dependencies>,
    execution: Option<Execution>,
    exit: Exit,
    log: Log,
}

impl<'a> Session<'a> {
    /// The same, but for what artifacts are judged by.
    #[must_use]
    pub fn judged_by(self, judging: Judging<'a>) -> Self {
        Self { judging, grounds: Cow::Owned(Grounds::of(&judging)), ..self }
    }
}

impl Session<'_> {
    /// Vets one artifact, and runs it where the session runs artifacts and the gate clears it.
    #[must_use]
    pub fn vet(&self, artifact: &Artifact) -> Vetting {
        self.vet_paced(artifact, &Stop::default())
    }

    /// [`Self::vet`], as `pace` has it go on.
    #[must_use]
    pub fn vet_paced(&self, artifact: &Artifact, pace: &dyn Pace) -> Vetting {
        let log = Log::start(&format!("vetting {}: {}", artifact.name, count(artifact.files.len(), "file")));
        let seen = match (self.cache, &self.running) {
            (Some(cache), None) => self.vet_once(cache, artifact, log, pace),
            _ => Seen::from(self.judged(artifact, log, pace)),
        };
        self.report(ArtifactSummary::from(artifact), self.id(artifact), seen)
    }

    /// What identifies the report on an artifact: equal for artifacts, and sessions, that a report cannot tell apart.
    #[must_use]
    pub fn id(&self, artifact: &Artifact) -> String {
        let how = format!("{:?}", (self.agent_id, self.running.is_some()));
        let identity = format!("{} {} {how}", env!("CARGO_PKG_VERSION"), self.grounds.with(artifact));
        Digest::of(identity.as_bytes()).to_string()["sha256:".len()..][..32].to_owned()
    }

    /// Vets an artifact statically, unless that was done before.
    fn vet_once(&self, cache: &Cache, artifact: &Artifact, mut log: Log, pace: &dyn Pace) -> Seen {
        let key = kept::key(cache, artifact, &self.grounds);
        let Some(kept) = Kept::read(cache, key) else {
            let seen = Seen::from(self.judged(artifact, log, pace));
            if matches!(seen.exit, Exit::Passed | Exit::Blocked) {
                seen.kept().write(cache, key);
            }
            return seen;
        };
        log.add("static passes: nothing has changed since they were last taken; their results are from the cache");
        Seen {
            exit: kept.exit(),
            validation_results: kept.validation_results,
            findings: kept.findings,
            dependencies: None,
            execution: None,
            log,
        }
    }

    /// Takes an artifact through all passes that the session asks for.
    fn judged(&self, artifact: &Artifact, log: Log, pace: &dyn Pace) -> Record {
        let engines = self
            .running
            .as_ref()
            .map_or_else(EngineVersions::default, |running| running.engines(artifact, &self.judging.policy.parse));
        match judge_until(artifact, self.judging, engines, pace.stop()) {
            Ok(Some(vetted)) => self.after_judgement(vetted, log, pace),
            Ok(None) => Record::not_vetted(&Late(self.judging.policy.vet.timeout), log),
            Err(error) => Record::not_vetted(&error, log),
        }
    }

    /// The report on something whose static passes could not even be stopped in time.
    #[must_use]
    pub fn late(&self, name: &str) -> Vetting {
        self.not_vetted(name, &Late(self.judging.policy.vet.timeout))
    }

    /// The report on something that could not be vetted.
    #[must_use]
    pub fn not_vetted(&self, name: &str, error: &dyn std::error::Error) -> Vetting {
        let artifact = Artifact::new(name, name, Vec::new(), Vec::new());
        let record = Record::not_vetted(error, Log::start(&format!("vetting {name}")));
        self.report(ArtifactSummary::from(&artifact), self.id(&artifact), Seen::from(record))
    }

    fn after_judgement(&self, mut vetted: Vetted<'_>, mut log: Log, pace: &dyn Pace) -> Record {
        for (pass, result) in vetted.results.iter().filter(|(_, result)| result.status != Status::Skipped) {
            log.add(&format!("{}: {}: {}", pass.name(), result.status.name(), result.message));
        }
        let cleared = gate(&vetted);
        let blocked = vetted.results.any(Status::Failed);
        let because = match (&self.running, blocked) {
            (None, _) => "static passes only",
            (Some(_), true) => "the artifact was blocked",
            (Some(_), false) => "the artifact was not cleared",
        };
        for pass in [Pass::Install, Pass::Execute] {
            if vetted.results.of(pass).status == Status::Skipped {
                vetted.results.set(pass, PassResult::skipped(because));
            }
        }
        let exit = if blocked { Exit::Blocked } else { Exit::Passed };
        let mut record = Record {
            results: vetted.results.clone(),
            findings: std::mem::take(&mut vetted.findings),
            dependencies: None,
            execution: None,
            exit,
            log,
        };
        if let (Some(running), Some(cleared)) = (&self.running, cleared) {
            pace.run(&mut || running.run(cleared, &vetted, self.judging, &mut record));
        }
        record
    }

    fn report(&self, artifact: ArtifactSummary, id: String, seen: Seen) -> Vetting {
        let Seen { validation_results, findings, dependencies, execution, exit, log } = seen;
        let tool = Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rules_digest: self.grounds.rules.clone(),
            policy_digest: self.grounds.policy.clone(),
        };
        let ended = log.end(exit);
        let report = Report {
            schema_version: SCHEMA_VERSION.to_owned(),
            id,
            agent_id: self.agent_id.map(str::to_owned),
            status: verdict(exit),
            started_at: ended.started_at,
            finished_at: ended.finished_at,
            duration_ms: millis(ended.duration),
            tool,
            artifact,
            validation_results,
            findings,
            dependencies,
            execution,
            logs: ended.lines,
        };
        Vetting { report, exit }
    }
}

/// What a session has to say, in the report's own shapes.
#[derive(Debug)]
struct Seen {
    validation_results: ValidationResults,
    findings: Vec<ReportFinding>,
    dependencies: Option<Dependencies>,
    execution: Option<Execution>,
    exit: Exit,
    log: Log,
}

impl From<Record> for Seen {
    fn from(record: Record) -> Self {
        let Record { results, findings, dependencies, execution, exit, log } = record;
        let result = |pass| ValidationResult::from(results.of(pass));
        let validation_results = ValidationResults {
            syntax: result(Pass::Parse),
            structure: result(Pass::Structure),
            security: result(Pass::Scan),
            performance: result(Pass::Budget),
            dependencies: result(Pass::Install),
            execution: result(Pass::Execute),
        };
        let findings = findings.iter().map(ReportFinding::from).collect();
        Self { validation_results, findings, dependencies, execution, exit, log }
    }
}

impl Seen {
    /// What of it may be kept.
    fn kept(&self) -> Kept {
        Kept {
            blocked: self.exit == Exit::Blocked,
            validation_results: self.validation_results.clone(),
            findings: self.findings.clone(),
        }
    }
}

const fn verdict(exit: Exit) -> Verdict {
    match exit {
        Exit::Passed => Verdict::Passed,
        Exit::Blocked | Exit::RunFailed => Verdict::Failed,
        Exit::NotVetted | Exit::NothingToVet | Exit::Interrupted => Verdict::Error,
    }
}

impl Record {
    /// A record of something that could not be vetted at all.
    fn not_vetted(error: &dyn std::error::Error, mut log: Log) -> Self {
        let message = chain(error);
        log.add(&format!("not vetted: {message}"));
        let mut results = Results::skipped("not vetted");
        results.set(Pass::Parse, PassResult { status: Status::Error, ..PassResult::skipped(message) });
        Self { results, findings: Vec::new(), dependencies: None, execution: None, exit: Exit::NotVetted, log }
    }

    /// Notes that the user interrupted `pass`.
    fn interrupt(&mut self, pass: Pass) {
        self.results.set(pass, PassResult { status: Status::Error, ..PassResult::skipped("interrupted") });
        self.exit = Exit::Interrupted;
    }

    /// Notes that `pass` could not be run to its end.
    fn fail_with_error(&mut self, pass: Pass, error: &dyn std::error::Error) {
        let message = chain(error);
        self.log.add(&format!("{}: error: {message}", pass.name()));
        self.results.set(pass, PassResult { status: Status::Error, ..PassResult::skipped(message) });
        self.exit = Exit::NotVetted;
    }
}

/// An error with all its sources, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    struct Chain<'a>(&'a dyn std::error::Error);
    impl fmt::Display for Chain<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)?;
            let mut source = self.0.source();
            while let Some(error) = source {
                write!(f, ": {error}")?;
                source = error.source();
            }
            Ok(())
        }
    }
    Chain(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_exit_wins() {
        let order =
            [Exit::Passed, Exit::NothingToVet, Exit::RunFailed, Exit::Blocked, Exit::NotVetted, Exit::Interrupted];
        for (at, better) in order.iter().enumerate() {
            for worse in &order[at..] {
                assert_eq!(better.worse(*worse), *worse);
                assert_eq!(worse.worse(*better), *worse);
            }
        }
    }
}
