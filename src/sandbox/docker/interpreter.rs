//! The interpreters of an image, asked for their versions in a throw-away container.

use std::time::Duration;

use super::engine::{BACKEND, Said, failed};
use crate::sandbox::{Ended, Interpreter, InterpreterInfo, Job, Limits, Outcome, Program, SandboxError};

/// Prints path, version and platform, one a line.
const ASK_PYTHON: &str = "import os, sys
print(sys.executable)
print('.'.join(map(str, sys.version_info[:3])))
print(sys.platform + '-' + os.uname().machine)";
const ASK_NODE: &str = "[process.execPath, process.versions.node, process.platform + '-' + process.arch].join('\\n')";

/// The job that asks.
pub(super) fn question(kind: Interpreter) -> Job {
    let args: &[&str] = match kind {
        Interpreter::Python => &["-I", "-c", ASK_PYTHON],
        Interpreter::Node => &["-p", ASK_NODE],
    };
    let limits = Limits { wall: Duration::from_secs(60), cpus: 1.0, ..Limits::default() };
    let args = args.iter().map(|&arg| arg.to_owned()).collect();
    Job { args, ..Job::bare(Program::Interpreter(kind), limits) }
}

/// The answer, from the run of [`question`].
pub(super) fn answer(kind: Interpreter, outcome: &Outcome) -> Result<InterpreterInfo, SandboxError> {
    let text = String::from_utf8_lossy(&outcome.stdout.bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    match (outcome.ended, lines.as_slice()) {
        (Ended::Exited(0), [path, version, platform]) => Ok(InterpreterInfo {
            kind,
            path: (*path).to_owned(),
            version: (*version).to_owned(),
            platform: platform.replace("x64", "x86_64").replace("arm64", "aarch64"),
            identity: format!("{} {path}", outcome.image.as_deref().unwrap_or_default()),
        }),
        (Ended::Interrupted, _) => Err(failed("ask for the interpreter's version", Said("interrupted".to_owned()))),
        (ended, _) => {
            let stderr = String::from_utf8_lossy(&outcome.stderr.bytes);
            let said: String = stderr.trim().chars().take(400).collect();
            Err(SandboxError::NoProgram {
                backend: BACKEND,
                program: kind.command().to_owned(),
                mend: format!("it does not tell its version: {ended:?} {said}; name another image with --image"),
            })
        }
    }
}
