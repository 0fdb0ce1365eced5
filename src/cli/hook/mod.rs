//! `vetrun hook`: the gate that agents and their runners ask before something is written or run.
//!
//! A hook is asked with one JSON document on standard input and answers with its exit code. It fails closed: what cannot be
//! read, is not understood or takes too long is refused with a reason, since most callers take any code that they do not
//! know for consent.

mod brought;
mod claude_code;
mod edit;
mod generic;
mod packages;
mod protected;

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Failure;
use super::args::{JudgingArgs, ReadingArgs};
use super::settings::Settings;
use super::vetting::{session, vet_read};
use crate::artifact::Artifact;
use crate::intake::{self, IntakeError};
use crate::language::Language;
use crate::output::{Format, RenderContext, render};
use crate::policy::Timeout;
use crate::report::Report;
use crate::sandbox::Stop;
use crate::vet::{Baseline, Exit, Judging, Vetting};

pub(in crate::cli) use generic::schema;

/// The largest document that a hook reads, in bytes.
const QUESTION_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug, Args)]
pub(in crate::cli) struct HookArgs {
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, Subcommand)]
enum HookCommand {
    /// Judge what Claude Code is about to write or run: a PreToolUse event on standard input
    ClaudeCode(claude_code::ClaudeCodeArgs),
    /// Judge code in a JSON document on standard input, and answer with a decision in JSON
    Json(generic::JsonArgs),
}

/// `vetrun hook`.
pub(in crate::cli) fn hook(args: &HookArgs) -> Result<Exit, Failure> {
    match &args.command {
        HookCommand::ClaudeCode(args) => claude_code::hook(args),
        HookCommand::Json(args) => generic::hook(args),
    }
}

/// The document on standard input.
fn question() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(QUESTION_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("standard input could not be read: {error}"))?;
    if bytes.len() as u64 > QUESTION_BYTES_MAX {
        return Err(format!("the document on standard input is larger than {QUESTION_BYTES_MAX} bytes").into());
    }
    Ok(String::from_utf8(bytes).map_err(|_| "the document on standard input is not UTF-8")?)
}

/// Ends vetrun with "not vetted" when `limit` has passed: a caller that has stopped waiting may go on without an answer.
fn answer_within(limit: Timeout) -> io::Result<()> {
    let wait = move || {
        thread::sleep(limit.duration().max(Duration::from_millis(1)));
        let _closed =
            writeln!(anstream::stderr(), "vetrun: not vetted: there was no verdict within {limit} (--deadline)");
        std::process::exit(i32::from(Exit::NotVetted.code()));
    };
    thread::Builder::new().name("deadline".to_owned()).spawn(wait).map(drop)
}

/// What single texts are judged by.
struct Gate {
    settings: Settings,
    reading: ReadingArgs,
}

impl Gate {
    /// Reads policy and rules. `artifacts` are the paths to vet: no policy is taken from inside one of them.
    fn new(judging: &JudgingArgs, reading: ReadingArgs, artifacts: &[PathBuf]) -> Result<Self, Failure> {
        let settings = Settings::new(judging, &reading, None, artifacts)?;
        for text in &settings.notes {
            let _closed = writeln!(anstream::stderr(), "vetrun: {}", crate::output::sanitize::line(text));
        }
        Ok(Self { settings, reading })
    }

    /// Vets one text as the file `name`.
    fn vet_text(&self, name: &str, bytes: &[u8]) -> Vetting {
        self.vet_against(name, bytes, &self.settings.baseline)
    }

    /// The same, without the findings of `baseline`.
    fn vet_against(&self, name: &str, bytes: &[u8], baseline: &Baseline) -> Vetting {
        let artifact = self.artifact(name, bytes, None);
        let session = session(&self.settings, &self.reading, None, None);
        let judging = Judging { baseline, ..session.judging };
        vet_read(&session.judged_by(judging), name, artifact, &Stop::default())
    }

    /// One text as an artifact; in a language that nobody names it is judged as what its name and content say.
    fn artifact(&self, name: &str, bytes: &[u8], language: Option<Language>) -> Result<Artifact, IntakeError> {
        let language = language.unwrap_or_else(|| Language::detect(name, bytes));
        intake::read_bytes(name, bytes, Some(language), &self.settings.policy.intake)
    }

    /// A report as a language model reads it.
    fn told(&self, report: &Report) -> String {
        let mut text = Vec::new();
        let rendered = render(Format::Agent, &[report], &RenderContext::default(), &mut text);
        rendered.map(|()| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }
}

/// How single files of a project are read: none of them is a whole artifact, so no profile asks for the rest.
fn single_files() -> ReadingArgs {
    ReadingArgs { profile: Some("any".to_owned()), ..ReadingArgs::default() }
}

/// The name under which the file at `path` is judged: its path below `root`, or its own name.
fn name_below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).ok().filter(|below| below.file_name().is_some());
    let named = below.or_else(|| path.file_name().map(Path::new)).unwrap_or(path);
    named.to_string_lossy().into_owned()
}
