//! `vetrun hook claude-code`: answers Claude Code before it writes a file or runs a command.
//!
//! Claude Code starts its hooks for `PreToolUse` with the tool and its arguments. Exit code 2 blocks the call, and standard
//! error is what the model reads of it; exit code 0 without output leaves the decision to the user's own permissions. Any
//! other code would let the call through, so there is none.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::super::environment;
use super::edit::{CellChange, Replacement, replaced, with_cell};
use super::protected::Protected;
use super::{Gate, answer_within, brought, name_below, packages, question, single_files};
use crate::artifact::Artifact;
use crate::cli::Failure;
use crate::cli::args::JudgingArgs;
use crate::cli::signals::{OnSignal, watch};
use crate::cli::vetting::{session, vet_read};
use crate::intake::IntakeError;
use crate::output::sanitize;
use crate::passes::scan::{command_words, may_be_written};
use crate::policy::Timeout;
use crate::sandbox::Stop;
use crate::vet::{Exit, Vetting};

/// The one event in which a call can still be blocked.
const EVENT: &str = "PreToolUse";

/// The name that a command is judged under.
const COMMAND: &str = "command.sh";

#[derive(Debug, Args)]
pub(super) struct ClaudeCodeArgs {
    /// Let the agent write the policy, its rules, and its own settings
    #[arg(long)]
    allow_settings: bool,
    /// What was in an edited file before counts as well
    #[arg(long)]
    whole_file: bool,
    /// Block what could not be judged in this time
    #[arg(long, value_name = "TIME", default_value = "60s")]
    deadline: Timeout,
    #[command(flatten)]
    judging: JudgingArgs,
}

/// What Claude Code tells a hook.
#[derive(Debug, Deserialize)]
struct Event {
    hook_event_name: String,
    tool_name: String,
    tool_input: Value,
    cwd: Option<PathBuf>,
}

/// A call that is to be judged.
#[derive(Debug)]
enum Call {
    Write(Written),
    Edit(Edited),
    Notebook(Notebook),
    Command(Command),
}

#[derive(Debug, Deserialize)]
struct Written {
    file_path: PathBuf,
    content: String,
}

#[derive(Debug)]
struct Edited {
    file_path: PathBuf,
    edits: Vec<Replacement>,
}

#[derive(Debug, Deserialize)]
struct Notebook {
    notebook_path: PathBuf,
    #[serde(flatten)]
    change: CellChange,
}

#[derive(Debug, Deserialize)]
struct Command {
    command: String,
}

/// `vetrun hook claude-code`.
pub(super) fn hook(args: &ClaudeCodeArgs) -> Result<Exit, Failure> {
    let _signals = watch(OnSignal::Refuse)?;
    answer_within(args.deadline)?;
    let event: Event = serde_json::from_str(&question()?)
        .map_err(|error| format!("standard input is not an event of Claude Code: {error}"))?;
    if event.hook_event_name != EVENT {
        let event = &event.hook_event_name;
        return Err(format!("vetrun answers {EVENT}, not {event}: after it, nothing can be blocked any more").into());
    }
    let call = Call::of(&event.tool_name, event.tool_input)?;
    let here = event.cwd.map_or_else(env::current_dir, Ok)?;
    let project = environment::claude_project().unwrap_or_else(|| here.clone());
    // The policy is that of the project, wherever the agent has gone since it began.
    env::set_current_dir(&project)
        .map_err(|error| format!("the project's folder {} cannot be entered: {error}", project.display()))?;
    let gate = Gate::new(&args.judging, single_files(), &[])?;
    let protected = (!args.allow_settings).then(|| Protected::of(&gate.settings));
    let desk = Desk { gate, protected, here, project, whole_file: args.whole_file };
    match desk.judge(&call)? {
        None => Ok(Exit::Passed),
        Some(reason) => {
            let tool = sanitize::line(&event.tool_name);
            let _closed = write!(anstream::stderr(), "vetrun blocked this call of {tool}.\n{reason}");
            Ok(Exit::NotVetted)
        }
    }
}

impl Call {
    fn of(tool: &str, input: Value) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Single {
            file_path: PathBuf,
            #[serde(flatten)]
            edit: Replacement,
        }
        #[derive(Deserialize)]
        struct Several {
            file_path: PathBuf,
            edits: Vec<Replacement>,
        }
        let call = match tool {
            "Write" => serde_json::from_value(input).map(Self::Write),
            "Edit" => serde_json::from_value(input)
                .map(|Single { file_path, edit }| Self::Edit(Edited { file_path, edits: vec![edit] })),
            "MultiEdit" => serde_json::from_value(input)
                .map(|Several { file_path, edits }| Self::Edit(Edited { file_path, edits })),
            "NotebookEdit" => serde_json::from_value(input).map(Self::Notebook),
            "Bash" => serde_json::from_value(input).map(Self::Command),
            other => {
                let mend = "name Write, Edit, MultiEdit, NotebookEdit and Bash in the hook's `matcher`";
                return Err(format!("vetrun cannot judge calls of the tool `{other}` ({mend})").into());
            }
        };
        call.map_err(|error| format!("the arguments of {tool} are not understood: {error}").into())
    }
}

/// What calls are judged with.
struct Desk {
    gate: Gate,
    /// What may not be written, if anything.
    protected: Option<Protected>,
    /// Where the agent is.
    here: PathBuf,
    /// Where it was started.
    project: PathBuf,
    /// What was in an edited file before counts as well.
    whole_file: bool,
}

impl Desk {
    /// Why the call is blocked; `None` where it is not.
    fn judge(&self, call: &Call) -> Result<Option<String>, Failure> {
        match call {
            Call::Write(Written { file_path, content }) => {
                self.file(file_path, |name, _| Ok(self.gate.vet_text(name, content.as_bytes())))
            }
            Call::Edit(Edited { file_path, edits }) => self.file(file_path, |name, path| {
                let before = self.text_at(path)?;
                let after = replaced(&before, edits)?;
                Ok(self.change(name, &before, &after))
            }),
            Call::Notebook(Notebook { notebook_path, change }) => self.file(notebook_path, |name, path| {
                let (before, after) = with_cell(&self.text_at(path)?, change)?;
                Ok(self.change(name, &before, &after))
            }),
            Call::Command(Command { command }) => Ok(self.command(command)),
        }
    }

    fn file(
        &self,
        path: &Path,
        vet: impl FnOnce(&str, &Path) -> Result<Vetting, Failure>,
    ) -> Result<Option<String>, Failure> {
        let path = self.here.join(path);
        if let Some(reason) = self.refusal(&path) {
            return Ok(Some(reason));
        }
        let vetting = vet(&name_below(&self.project, &path), &path)?;
        Ok(self.reason(&vetting))
    }

    fn change(&self, name: &str, before: &str, after: &str) -> Vetting {
        match self.whole_file {
            true => self.gate.vet_text(name, after.as_bytes()),
            false => brought::vet(&self.gate, name, before.as_bytes(), after.as_bytes()),
        }
    }

    /// The text of the file that an edit is for; empty where the edit makes it.
    fn text_at(&self, path: &Path) -> Result<String, Failure> {
        let most = self.gate.settings.policy.intake.file_bytes_max.bytes();
        let failed = |error: io::Error| format!("{} could not be read: {error}", path.display());
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(failed(error).into()),
            Ok(metadata) if !metadata.is_file() => return Err(format!("{} is not a file", path.display()).into()),
            Ok(metadata) if metadata.len() > most => {
                let limit = "intake.file_bytes_max";
                return Err(format!("{} is larger than {limit} ({most} bytes)", path.display()).into());
            }
            Ok(_) => {}
        }
        let bytes = fs::read(path).map_err(failed)?;
        Ok(String::from_utf8(bytes)
            .map_err(|_| format!("{} is not UTF-8, so no edit of it can be vetted", path.display()))?)
    }

    fn command(&self, command: &str) -> Option<String> {
        let home = env::home_dir();
        let absolute = |word: &String| match (word.strip_prefix("~/"), &home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.here.join(word),
        };
        let refused = may_be_written(command).iter().find_map(|word| self.refusal(&absolute(word)));
        if refused.is_some() {
            return refused;
        }
        let asked: String = command_words(command).iter().map(|words| packages::asked_for(words)).collect();
        let artifact = self.gate.artifact(COMMAND, command.as_bytes(), None);
        self.reason(&self.vet_command(artifact, asked.as_bytes()))
    }

    fn vet_command(&self, artifact: Result<Artifact, IntakeError>, asked: &[u8]) -> Vetting {
        let requirements = Some(("requirements.txt", asked)).filter(|_| !asked.is_empty());
        vet_read(
            &session(&self.gate.settings, &self.gate.reading, None, requirements),
            COMMAND,
            artifact,
            &Stop::default(),
        )
    }

    /// Why nothing may be written at an absolute path.
    fn refusal(&self, path: &Path) -> Option<String> {
        let reason = self.protected.as_ref()?.reason(path)?;
        let path = path.to_string_lossy();
        Some(format!(
            "{} may not be changed by an agent: {reason}. Ask the user to change it.\n",
            sanitize::line(&path)
        ))
    }

    /// Why what was vetted is blocked. An empty file does nothing.
    fn reason(&self, vetting: &Vetting) -> Option<String> {
        let passed = matches!(vetting.exit, Exit::Passed | Exit::NothingToVet);
        let end =
            "If this is a false alarm, do not work around it: say so to the user, who decides about the policy.\n";
        (!passed).then(|| format!("{}{end}", self.gate.told(&vetting.report)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_are_read_as_the_tools_are_documented() {
        let understood = |tool: &str, input: Value| Call::of(tool, input).is_ok();
        assert!(understood("Write", json!({ "file_path": "/a.py", "content": "" })));
        assert!(understood(
            "Edit",
            json!({ "file_path": "a", "old_string": "b", "new_string": "c", "replace_all": true })
        ));
        assert!(understood(
            "MultiEdit",
            json!({ "file_path": "a", "edits": [{ "old_string": "b", "new_string": "c" }] })
        ));
        assert!(understood("NotebookEdit", json!({ "notebook_path": "a", "new_source": "b", "cell_id": "c" })));
        assert!(understood("Bash", json!({ "command": "ls", "description": "lists", "timeout": 1000 })));
        assert!(!understood("Bash", json!({ "cmd": "ls" })));
        assert!(!understood("Write", json!({ "file_path": "/a.py" })));
        assert!(!understood("Read", json!({ "file_path": "/a.py" })));
    }
}
