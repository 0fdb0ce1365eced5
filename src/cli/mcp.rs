//! `vetrun mcp`: the desk behind the tools that agents call.
//!
//! Policy, rules and limits are those of the server's own command line, read once when it starts; a call can only tighten
//! them. Files are vetted below the server's roots alone. The back end for programs is readied when the first one is to run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;

use super::Failure;
use super::args::{JudgingArgs, ReadingArgs, RunningArgs};
use super::guard::guarded;
use super::host::{Ahead, Host, nursery};
use super::rules::unknown;
use super::settings::{Settings, language_named};
use super::signals::{OnSignal, watch};
use super::vetting::{exclusions, session, vet_read};
use crate::intake;
use crate::language::Language;
use crate::output::{Format, RenderContext, render, sanitize};
use crate::policy::{Policy, Timeout};
use crate::report::{Execution, Report, ReportFinding, StreamReport, Verdict};
use crate::sandbox::Stop;
use crate::sandbox::native::Nursery;
use crate::serve::mcp::serve;
use crate::serve::{
    Answer, Call, Desk, ExplainRule, FindingAnswer, RuleAnswer, RunAnswer, RunCode, VetAnswer, VetCode, VetPath,
};
use crate::vet::{Exit, Judging, Running, Vetting};

/// Findings that an answer holds.
const FINDINGS_MAX: usize = 50;

/// Bytes at the end of a stream that an answer holds.
const STREAM_BYTES_MAX: usize = 16 << 10;

/// Examples of a rule, of each kind, that an answer holds.
const EXAMPLES_MAX: usize = 3;

#[derive(Debug, Args)]
pub(super) struct McpArgs {
    /// A folder that `vet_path` may look into (repeatable) [default: .]
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
    /// Calls that are done at once; others wait
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    at_once: u16,
    #[command(flatten)]
    judging: JudgingArgs,
    #[command(flatten)]
    running: RunningArgs,
}

/// `vetrun mcp`.
pub(super) fn mcp(args: &McpArgs) -> Result<Exit, Failure> {
    let stop = watch(OnSignal::Stop)?;
    let nursery = nursery();
    if args.running.out.is_some() || args.running.requirements.is_some() {
        return Err("`--out` and `--requirements` are for one artifact, not for a server".into());
    }
    let reading = ReadingArgs::default();
    let settings = Settings::new(&args.judging, &reading, Some(&args.running), &[])?;
    let counter = Arc::new(Counter {
        single: for_single_texts(&settings.policy),
        settings,
        reading,
        running: args.running.clone(),
        policy_is_named: args.judging.policy.is_some(),
        roots: roots(&args.root)?,
        at_once: args.at_once,
        place: Mutex::new(Place::Empty(nursery)),
        stop: stop.clone(),
    });
    let desk: Arc<dyn Desk> = Arc::<Counter>::clone(&counter);
    let served = serve(desk, args.at_once, &stop);
    counter.close();
    served?;
    Ok(if stop.is_raised() { Exit::Interrupted } else { Exit::Passed })
}

/// The policy for a single text, which is no whole artifact: no profile asks for the rest of it.
fn for_single_texts(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    policy.structure.profile = Some("any".to_owned());
    policy
}

fn roots(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let here = [PathBuf::from(".")];
    let named = if named.is_empty() { &here } else { named };
    let real = |root: &PathBuf| {
        let failed = |error| format!("the root {} cannot be used: {error}", root.display());
        fs::canonicalize(root).map_err(failed).map_err(Failure::from)
    };
    named.iter().map(real).collect()
}

/// What programs run in.
enum Place {
    /// Nothing has run yet.
    Empty(Nursery),
    Ready(Arc<Host>),
    /// Why nothing can be run.
    None(String),
}

/// Answers calls.
struct Counter {
    settings: Settings,
    /// The policy for single texts.
    single: Policy,
    reading: ReadingArgs,
    running: RunningArgs,
    policy_is_named: bool,
    /// Without links.
    roots: Vec<PathBuf>,
    at_once: u16,
    place: Mutex<Place>,
    stop: Stop,
}

impl Desk for Counter {
    fn answer(&self, call: Call, stop: &Stop) -> Answer {
        let answered = guarded(|| match call {
            Call::VetCode(call) => self.vet_code(&call, stop),
            Call::VetPath(call) => self.vet_path(&call, stop),
            Call::RunCode(call) => self.run_code(&call, stop),
            Call::ExplainRule(call) => self.explain(&call),
        });
        let why = |error: &dyn std::fmt::Display| Answer::failure(sanitize::line(&error.to_string()).into_owned());
        match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => why(&error),
            Err(bug) => why(&bug),
        }
    }
}

impl Counter {
    fn vet_code(&self, call: &VetCode, stop: &Stop) -> Result<Answer, Failure> {
        let VetCode { code, language, filename } = call;
        let (name, language) = named(filename.as_deref(), language.as_deref())?;
        let artifact = intake::read_bytes(&name, code.as_bytes(), language, &self.single.intake);
        let session = session(&self.settings, &self.reading, None, None);
        let judging = Judging { policy: &self.single, ..session.judging };
        self.told(&vet_read(&session.judged_by(judging), &name, artifact, stop))
    }

    fn vet_path(&self, call: &VetPath, stop: &Stop) -> Result<Answer, Failure> {
        let path = self.below_a_root(Path::new(&call.path))?;
        let artifact = intake::read_path(&path, &self.settings.policy.intake, &exclusions(&self.reading)?);
        let single = path.is_file();
        let mut session = session(&self.settings, &self.reading, None, None);
        if single {
            let judging = Judging { policy: &self.single, ..session.judging };
            session = session.judged_by(judging);
        }
        self.told(&vet_read(&session, &call.path, artifact, stop))
    }

    /// The path without links, where it is below a root and holds nothing that it would be judged by.
    fn below_a_root(&self, path: &Path) -> Result<PathBuf, Failure> {
        let named = self.roots.iter().map(|root| root.join(path)).find(|path| path.exists());
        let named = named.ok_or_else(|| format!("there is no file or folder `{}` below the roots", path.display()))?;
        let real = fs::canonicalize(&named).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
        if !self.roots.iter().any(|root| real.starts_with(root)) {
            return Err(format!("`{}` is outside of the server's roots (`--root` names them)", path.display()).into());
        }
        let source = self.settings.sources.iter().filter_map(|source| fs::canonicalize(source).ok());
        match source.into_iter().find(|source| source.starts_with(&real)).filter(|_| !self.policy_is_named) {
            Some(source) => {
                let mend = "vet a part of it, or have the server started with `--policy`";
                Err(format!("`{}` holds {}, which it would be judged by ({mend})", path.display(), source.display())
                    .into())
            }
            None => Ok(real),
        }
    }

    fn run_code(&self, call: &RunCode, stop: &Stop) -> Result<Answer, Failure> {
        let (name, language) = named(call.filename.as_deref(), call.language.as_deref())?;
        let mut policy = self.single.clone();
        if let Some(seconds) = call.timeout_seconds {
            policy.execute.timeout = policy.execute.timeout.min(timeout(seconds)?);
        }
        let artifact = intake::read_bytes(&name, call.code.as_bytes(), language, &policy.intake);
        let requirements = requirements(call.requirements.as_deref().unwrap_or_default())?;
        let requirements = requirements.as_deref().map(|text| ("requirements.txt", text.as_bytes()));
        let host = self.host()?;
        let running = Running {
            sandbox: host.sandbox(),
            uv: host.uv(),
            args: call.args.as_deref().unwrap_or_default(),
            out: None,
            scratch: host.scratch(),
            store: self.settings.packages.as_ref(),
            stop,
        };
        let session = session(&self.settings, &self.reading, Some(running), requirements);
        let judging = Judging { policy: &policy, ..session.judging };
        self.told(&vet_read(&session.judged_by(judging), &name, artifact, stop))
    }

    /// The back end, which is readied once.
    fn host(&self) -> Result<Arc<Host>, Failure> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Place::Empty(_)) {
            let before = std::mem::replace(&mut *place, Place::None("the sandbox could not be readied".to_owned()));
            if let Place::Empty(nursery) = before {
                let together = usize::from(self.at_once);
                let ahead = Ahead { paths: &[], together, warm: 0, stop: &self.stop };
                *place = match Host::new(nursery, &self.settings.policy, &self.running, &ahead) {
                    Ok(host) => Place::Ready(Arc::new(host)),
                    Err(error) => Place::None(error.to_string()),
                };
            }
        }
        match &*place {
            Place::Ready(host) => Ok(Arc::clone(host)),
            Place::None(why) => Err(format!("nothing can be run here: {why}").into()),
            Place::Empty(_) => Err("nothing can be run here".into()),
        }
    }

    /// Ends the back end; nothing can be run any more.
    fn close(&self) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Place::None("the server is ending".to_owned());
    }

    fn explain(&self, call: &ExplainRule) -> Result<Answer, Failure> {
        let rule = self.settings.rules.get(&call.id).ok_or_else(|| unknown(&self.settings.rules, &call.id))?;
        let texts = rule.texts();
        let some = |examples: Vec<String>| examples.into_iter().take(EXAMPLES_MAX).collect();
        let (why, instead) = (texts.why.trim(), texts.instead.trim());
        let text = format!("{}: {}\nwhy: {why}\ninstead: {instead}", rule.id, rule.message);
        let answer = RuleAnswer {
            id: rule.id.to_string(),
            severity: rule.severity,
            confidence: rule.confidence,
            message: rule.message.to_string(),
            why: why.to_owned(),
            instead: instead.to_owned(),
            cwe: rule.cwe.iter().map(|number| format!("CWE-{number}")).collect(),
            bad: some(texts.bad),
            good: some(texts.good),
        };
        Ok(Answer {
            text: sanitize::block(&text).into_owned(),
            data: Some(serde_json::to_value(answer)?),
            failed: false,
        })
    }

    /// What vetting came to, in words and as data.
    fn told(&self, vetting: &Vetting) -> Result<Answer, Failure> {
        let Vetting { report, exit } = vetting;
        let mut text = Vec::new();
        render(Format::Agent, &[report], &RenderContext::default(), &mut text)?;
        let mut findings: Vec<_> = report.findings.iter().filter(|one| one.suppressed.is_none()).collect();
        findings.sort_by_key(|finding| (!finding.fails, std::cmp::Reverse(finding.severity)));
        let answer = VetAnswer {
            status: report.status,
            exit_code: exit.code(),
            digest: report.artifact.digest.clone(),
            findings_left_out: findings.len().saturating_sub(FINDINGS_MAX) as u64,
            findings: findings.iter().take(FINDINGS_MAX).map(|one| found(one, one.fails)).collect(),
            execution: report.execution.as_ref().map(ran),
        };
        Ok(Answer {
            text: String::from_utf8_lossy(&text).into_owned(),
            data: Some(serde_json::to_value(answer)?),
            failed: is_failure(report),
        })
    }
}

/// Whether a call failed: what could not be vetted is no answer. What is blocked is.
fn is_failure(report: &Report) -> bool {
    report.status == Verdict::Error
}

fn found(finding: &ReportFinding, fails: bool) -> FindingAnswer {
    FindingAnswer {
        rule_id: finding.rule_id.clone(),
        pass: finding.pass,
        severity: finding.severity,
        confidence: finding.confidence,
        fails,
        path: finding.path.clone(),
        line: finding.range.map(|range| range.start.line),
        column: finding.range.map(|range| range.start.column),
        message: finding.message.clone(),
        instead: finding.hint.clone(),
    }
}

fn ran(run: &Execution) -> RunAnswer {
    let ((stdout, stdout_cut), (stderr, stderr_cut)) = (end_of(&run.stdout), end_of(&run.stderr));
    RunAnswer {
        outcome: run.outcome.clone(),
        exit_code: run.exit_code,
        signal: run.signal.clone(),
        wall_ms: run.metrics.wall_ms,
        stdout,
        stdout_truncated: stdout_cut || run.stdout.truncated,
        stderr,
        stderr_truncated: stderr_cut || run.stderr.truncated,
    }
}

/// The end of a stream, and whether there was more.
fn end_of(stream: &StreamReport) -> (String, bool) {
    let from = stream.text.ceil_char_boundary(stream.text.len().saturating_sub(STREAM_BYTES_MAX));
    (stream.text[from..].to_owned(), from > 0)
}

/// The name and language that a text is judged by.
fn named(filename: Option<&str>, language: Option<&str>) -> Result<(String, Option<Language>), Failure> {
    let language = language.map(language_named).transpose()?;
    let extension = language.and_then(|language| language.info().extensions.first());
    let unnamed = || extension.map_or_else(|| "code".to_owned(), |extension| format!("main.{extension}"));
    let name = filename.map_or_else(unnamed, str::to_owned);
    if language.is_none() && filename.is_none() {
        return Err("the language of the code is not known (give `language` or `filename`)".into());
    }
    Ok((name, language))
}

fn timeout(seconds: f64) -> Result<Timeout, Failure> {
    if !(seconds > 0.0 && seconds < 1e9) {
        return Err(format!("timeout_seconds is {seconds}, not a number of seconds above 0").into());
    }
    let text = format!("{:.0}ms", (seconds * 1000.0).max(1.0));
    Ok(text.parse()?)
}

/// The lines of a requirements file; `None` where nothing is asked for.
fn requirements(asked: &[String]) -> Result<Option<String>, Failure> {
    match asked.iter().find(|one| one.contains(['\n', '\r'])) {
        Some(_) => Err("a requirement is one line".into()),
        None => Ok((!asked.is_empty()).then(|| asked.join("\n") + "\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_can_only_ask_for_less() {
        let policy = Timeout::seconds(30);
        assert_eq!(policy.min(timeout(1e6).expect("a time")), policy);
        assert_eq!(policy.min(timeout(0.5).expect("a time")).as_millis(), 500);
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(timeout(seconds).is_err(), "{seconds}");
        }
        assert!(requirements(&["a\n-e .".to_owned()]).is_err());
        assert_eq!(requirements(&[]).ok(), Some(None));
    }

    #[test]
    fn a_long_stream_is_cut_at_a_character() {
        let stream = StreamReport { text: "é".repeat(STREAM_BYTES_MAX), bytes: 0, truncated: false };
        let (end, cut) = end_of(&stream);
        assert!(cut && end.len() <= STREAM_BYTES_MAX && end.chars().all(|char| char == 'é'));
    }
}
