//! `vetrun hook json`: code in, decision out, for whatever runner there is.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Gate, answer_within, question};
use crate::artifact::Artifact;
use crate::cli::Failure;
use crate::cli::args::{JudgingArgs, ReadingArgs};
use crate::cli::reporting::answer;
use crate::cli::settings::language;
use crate::cli::signals::{OnSignal, watch};
use crate::cli::vetting::{exclusions, session, vet_read};
use crate::intake::{self, IntakeError};
use crate::output::json_text;
use crate::policy::Timeout;
use crate::report::Report;
use crate::sandbox::Stop;
use crate::vet::{Exit, chain};

/// The name of what is asked about without one.
const NAME: &str = "artifact";

#[derive(Debug, Args)]
pub(super) struct JsonArgs {
    /// The structure profile: python, web, node, any, or one from the policy [default: any for `code`, else detected]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The agent that generated the code, for the report
    #[arg(long, value_name = "ID")]
    agent_id: Option<String>,
    /// Block what could not be judged in this time
    #[arg(long, value_name = "TIME", default_value = "60s")]
    deadline: Timeout,
    #[command(flatten)]
    judging: JudgingArgs,
}

/// What is asked: exactly one of `code`, `path` and `files`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Question {
    /// Source text.
    code: Option<String>,
    /// The language of `code`, or of the single file at `path`; told from the name where it is null.
    language: Option<String>,
    /// The name that `code` is judged under.
    filename: Option<String>,
    /// A file or folder of this machine.
    path: Option<PathBuf>,
    /// The files of one artifact.
    files: Option<Vec<QuestionFile>>,
    /// What the artifact of `files` is called.
    name: Option<String>,
}

/// One file of an artifact.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QuestionFile {
    /// Relative to the artifact's root, with `/` between parts.
    path: String,
    /// Its text.
    content: String,
}

/// What is answered.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// Whether the code may be used.
    decision: Decision,
    /// The verdict, and what is to be mended, in words for a language model.
    reason: String,
    /// The exit code of vetrun, as that of `vetrun check`.
    exit_code: u8,
    /// The whole report; null where none could be made.
    report: Option<Report>,
}

/// Whether code may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Decision {
    /// It passed.
    Allow,
    /// It did not pass, or could not be vetted.
    Block,
}

/// The JSON Schemas of both documents.
pub(in crate::cli) fn schema() -> Value {
    let (input, output) = (schemars::schema_for!(Question).to_value(), schemars::schema_for!(Answer).to_value());
    json!({ "input": input, "output": output })
}

/// `vetrun hook json`.
pub(super) fn hook(args: &JsonArgs) -> Result<Exit, Failure> {
    let _signals = watch(OnSignal::Refuse)?;
    answer_within(args.deadline)?;
    let made = judged(args).unwrap_or_else(|error| Answer {
        decision: Decision::Block,
        reason: format!("not vetted: {}\n", crate::output::sanitize::line(&chain(error.as_ref()))),
        exit_code: Exit::NotVetted.code(),
        report: None,
    });
    let mut text = Vec::new();
    json_text::write_line(&made, &mut text)?;
    let mut out = answer();
    out.write_all(&text).and_then(|()| out.flush())?;
    Ok(exit_of(made.exit_code))
}

/// The way to end with a code that an answer holds.
fn exit_of(code: u8) -> Exit {
    let all = [Exit::Passed, Exit::Blocked, Exit::NothingToVet];
    all.into_iter().find(|exit| exit.code() == code).unwrap_or(Exit::NotVetted)
}

fn judged(args: &JsonArgs) -> Result<Answer, Failure> {
    let asked: Question = serde_json::from_str(&question()?)
        .map_err(|error| format!("the question is not understood: {error} (see `vetrun schema hook`)"))?;
    let single = asked.code.is_some().then(|| "any".to_owned());
    let reading = ReadingArgs {
        language: asked.language.clone(),
        profile: args.profile.clone().or(single),
        agent_id: args.agent_id.clone(),
        ..ReadingArgs::default()
    };
    let artifacts: Vec<PathBuf> = asked.path.iter().cloned().collect();
    let gate = Gate::new(&args.judging, reading, &artifacts)?;
    let (name, artifact) = asked.artifact(&gate)?;
    let vetting = vet_read(&session(&gate.settings, &gate.reading, None, None), &name, artifact, &Stop::default());
    let decision = if vetting.exit == Exit::Passed { Decision::Allow } else { Decision::Block };
    let reason = gate.told(&vetting.report);
    Ok(Answer { decision, reason, exit_code: vetting.exit.code(), report: Some(vetting.report) })
}

impl Question {
    /// What is asked about, and what it is called.
    fn artifact(self, gate: &Gate) -> Result<(String, Result<Artifact, IntakeError>), Failure> {
        let limits = &gate.settings.policy.intake;
        let language = language(&gate.reading)?;
        match (self.code, self.path, self.files) {
            (Some(code), None, None) => {
                let extension = language.and_then(|language| language.info().extensions.first());
                let unnamed = || extension.map_or_else(|| "code".to_owned(), |extension| format!("code.{extension}"));
                let name = self.filename.unwrap_or_else(unnamed);
                let artifact = intake::read_bytes(&name, code.as_bytes(), language, limits);
                Ok((name, artifact))
            }
            (None, Some(path), None) => {
                let name = path.to_string_lossy().into_owned();
                let artifact = intake::read_path(&path, limits, &exclusions(&gate.reading)?);
                let artifact = artifact.map(|artifact| crate::cli::vetting::in_language(artifact, language, &path));
                Ok((name, artifact))
            }
            (None, None, Some(files)) => {
                let name = self.name.unwrap_or_else(|| NAME.to_owned());
                let files = files.into_iter().map(|file| (file.path, file.content.into_bytes()));
                let artifact = intake::read_files(&name, files, limits);
                Ok((name, artifact))
            }
            _ => Err("the question has not exactly one of `code`, `path` and `files`".into()),
        }
    }
}
