//! The execute pass: does it run to its end?
//!
//! [`plan`] decides what is run, as a pure function of the snapshot; [`execute`] writes the snapshot out and runs it.

use std::path::{Path, PathBuf};

use crate::artifact::Artifact;
use crate::finding::{Finding, Pass, Severity, WHOLE_ARTIFACT};
use crate::intake;
use crate::language::Language;
use crate::passes::install::RunEnvironment;
use crate::passes::structure::Structure;
use crate::policy::ExecutePolicy;
use crate::report::signal_name;
use crate::sandbox::{
    Ended, GATEWAY_PORT, Interpreter, Job, Limits, Mount, Network, OUT_DIR, Outcome, Program, Sandbox, SandboxError,
    Stop, WORK_DIR,
};
use crate::vet::Cleared;

/// The variable that names the output folder, which is not at the same place in every sandbox.
const OUT_VARIABLE: &str = "OUTPUT_DIR";

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The program.
    pub program: Program,
    /// Its arguments.
    pub args: Vec<String>,
    /// Why this is run: `entry point main.py`, `test test.js`, `--entry`.
    pub because: String,
}

impl Plan {
    /// What an interpreter runs: the path of a file of the artifact, where it is not an option.
    #[must_use]
    pub fn script(&self) -> Option<&str> {
        let first = self.args.first().filter(|_| matches!(self.program, Program::Interpreter(_)))?;
        Some(first.strip_prefix("./").unwrap_or(first))
    }
}

/// Decides what is run: the policy's `entry`; else the entry point of the profile, where an interpreter runs its
/// language; else the tests (for a web page, the tests are what runs). `None` where there is nothing to run.
#[must_use]
pub fn plan(artifact: &Artifact, structure: &Structure, policy: &ExecutePolicy, args: &[String]) -> Option<Plan> {
    let mut plan = match &policy.entry {
        Some(words) => by_words(artifact, words)?,
        None => by_entry(artifact, structure).or_else(|| by_tests(artifact, structure))?,
    };
    plan.args.extend_from_slice(args);
    Some(plan)
}

/// `--entry`: a file of the artifact is run by its interpreter, anything else is a command.
fn by_words(artifact: &Artifact, words: &[String]) -> Option<Plan> {
    let (first, rest) = words.split_first()?;
    let because = format!("entry {}", words.join(" "));
    let name = first.strip_prefix("./").unwrap_or(first);
    let (program, mut args) = match interpreter_of(artifact, name) {
        Some(interpreter) => (Program::Interpreter(interpreter), vec![name.to_owned()]),
        None => (command(first), Vec::new()),
    };
    args.extend_from_slice(rest);
    Some(Plan { program, args, because })
}

/// A command by its name; the names of interpreters stand for the back end's own.
fn command(name: &str) -> Program {
    match name {
        "python" | "python3" => Program::Interpreter(Interpreter::Python),
        "node" => Program::Interpreter(Interpreter::Node),
        _ => Program::Command(name.to_owned()),
    }
}

fn by_entry(artifact: &Artifact, structure: &Structure) -> Option<Plan> {
    let entry = structure.entry.as_deref()?;
    // A library with tests is entered by its first test; how tests are run is decided there.
    if structure.tests.iter().any(|test| test == entry) && !starts_itself(artifact, entry) {
        return None;
    }
    let interpreter = interpreter_of(artifact, entry)?;
    Some(Plan {
        program: Program::Interpreter(interpreter),
        args: vec![entry.to_owned()],
        because: format!("entry point {entry}"),
    })
}

/// Whether a Python file says what is done when it is run as a script.
fn starts_itself(artifact: &Artifact, path: &str) -> bool {
    let main = b"__main__";
    artifact.file(path).is_some_and(|file| file.bytes.windows(main.len()).any(|bytes| bytes == main))
}

/// All tests of the first test's language: a script is run as it is, anything else by a test runner.
fn by_tests(artifact: &Artifact, structure: &Structure) -> Option<Plan> {
    let first = structure.tests.first()?;
    let interpreter = interpreter_of(artifact, first)?;
    let same = |path: &&String| interpreter_of(artifact, path) == Some(interpreter);
    let tests: Vec<String> = structure.tests.iter().filter(same).cloned().collect();
    let runner: &[&str] = match interpreter {
        Interpreter::Python => python_runner(artifact, &tests),
        Interpreter::Node if tests.len() == 1 => &[],
        Interpreter::Node => &["--test"],
    };
    let because = format!("test{} {}", if tests.len() == 1 { "" } else { "s" }, tests.join(", "));
    let args = runner.iter().map(|&word| word.to_owned()).chain(tests).collect();
    Some(Plan { program: Program::Interpreter(interpreter), args, because })
}

/// What runs these tests. A file that only defines tests ends well without having run one when it is run as a script,
/// and so does `unittest` over bare test functions: those are pytest's, and without pytest they fail.
fn python_runner(artifact: &Artifact, tests: &[String]) -> &'static [&'static str] {
    let says = |test: &String, words: &[&str]| {
        let bytes = artifact.file(test).map_or(&[][..], |file| &file.bytes);
        String::from_utf8_lossy(bytes).lines().any(|line| words.iter().any(|word| line.starts_with(word)))
    };
    if tests.iter().any(|test| says(test, &["def test", "async def test", "import pytest", "from pytest"])) {
        &["-m", "pytest", "-p", "no:cacheprovider"]
    } else if tests.len() > 1 || tests.iter().any(|test| says(test, &["import unittest", "from unittest"])) {
        &["-m", "unittest"]
    } else {
        &[]
    }
}

fn interpreter_of(artifact: &Artifact, path: &str) -> Option<Interpreter> {
    artifact.file(path).map(|file| file.language).and_then(|language: Language| language.info().interpreter)
}

/// The finding for an artifact that was to be run and has nothing to run.
#[must_use]
pub fn nothing_to_run() -> Finding {
    let message = "there is no entry point and no test to run";
    Finding::in_file("nothing-to-run", Pass::Execute, Severity::High, WHOLE_ARTIFACT, message)
        .hint("add a main.py, an index.js or a test, or say what to run with `--entry`")
}

/// Why an artifact could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The snapshot could not be written out.
    #[error("could not write the snapshot to {path}")]
    Snapshot {
        /// The temporary folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The back end failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// Where a run happens and what it is given.
#[derive(Debug)]
pub struct Place<'a> {
    /// The environment that the install pass made.
    pub environment: &'a RunEnvironment,
    /// Host folders beside the snapshot: the installed packages.
    pub mounts: &'a [Mount],
    /// What the program may reach.
    pub network: Network,
    /// An empty host folder for what the program leaves in its output folder; `None` throws it away after it was counted
    /// and hashed.
    pub out: Option<&'a Path>,
    /// An existing host folder that temporary folders are made in.
    pub scratch: &'a Path,
}

/// Writes the snapshot to a temporary folder and runs `plan` over it, read-only. The folder is removed.
///
/// # Errors
/// [`ExecuteError`] when the program could not be run, or its end could not be established.
pub fn execute(
    cleared: Cleared<'_>,
    plan: &Plan,
    place: &Place<'_>,
    policy: &ExecutePolicy,
    sandbox: &dyn Sandbox,
    stop: &Stop,
) -> Result<Outcome, ExecuteError> {
    let failed = |source| ExecuteError::Snapshot { path: place.scratch.to_owned(), source };
    let folder = |prefix| tempfile::Builder::new().prefix(prefix).tempdir_in(place.scratch).map_err(failed);
    let snapshot = folder("snapshot-")?;
    let thrown_away = folder("out-")?;
    intake::write_snapshot(cleared.artifact(), snapshot.path()).map_err(failed)?;
    let mut mounts = vec![Mount { host: snapshot.path().to_owned(), inside: WORK_DIR.to_owned() }];
    mounts.extend_from_slice(place.mounts);
    let mut env = place.environment.env.clone();
    env.insert(OUT_VARIABLE.to_owned(), OUT_DIR.to_owned());
    if matches!(place.network, Network::Gateway(_)) {
        env.extend(index_variables());
    }
    env.extend(policy.env.clone());
    let job = Job {
        program: plan.program.clone(),
        args: plan.args.clone(),
        env,
        cwd: WORK_DIR.to_owned(),
        stdin: Vec::new(),
        mounts,
        host_packages: false,
        collect_into: Some(place.out.unwrap_or(thrown_away.path()).to_owned()),
        network: place.network.clone(),
        limits: limits(policy),
        trace: policy.trace,
    };
    Ok(sandbox.run(&job, stop)?)
}

/// What tells pip and uv where the package index is, when a program may reach it.
fn index_variables() -> [(String, String); 3] {
    let index = format!("http://127.0.0.1:{GATEWAY_PORT}/simple/");
    [("PIP_INDEX_URL", index.clone()), ("UV_DEFAULT_INDEX", index), ("PIP_TRUSTED_HOST", "127.0.0.1".to_owned())]
        .map(|(name, value)| (name.to_owned(), value))
}

/// What a program may use under this policy.
#[must_use]
pub fn limits(policy: &ExecutePolicy) -> Limits {
    Limits {
        wall: policy.timeout.duration(),
        memory_bytes: policy.memory.bytes(),
        cpus: policy.cpus,
        pids: policy.pids,
        open_files: policy.open_files_max,
        file_bytes: policy.file_bytes_max.bytes(),
        out_bytes: policy.out_bytes_max.bytes(),
        out_files: policy.out_files_max,
        tmp_bytes: policy.tmp_bytes_max.bytes(),
        stream_bytes: policy.stream_bytes_max.bytes(),
    }
}

/// What a run's end says about the artifact; nothing where it ended well, or was interrupted.
#[must_use]
pub fn finding(outcome: &Outcome, policy: &ExecutePolicy) -> Option<Finding> {
    let (rule_id, message, hint) = match outcome.ended {
        Ended::Exited(0) | Ended::Interrupted => return None,
        Ended::Exited(code) => ("run-failed", format!("the program exited with code {code}"), None),
        Ended::Signaled(number) => ("run-crashed", format!("the program was ended by {}", signal_name(number)), None),
        Ended::TimedOut => (
            "run-timed-out",
            format!("the program was still running after {}", policy.timeout),
            Some("make it end by itself, or allow more with `--timeout`"),
        ),
        Ended::OutOfMemory => (
            "run-out-of-memory",
            format!("the program needed more than {} of memory", policy.memory),
            Some("make it need less, or allow more with `--memory`"),
        ),
        Ended::OutputLimit => (
            "run-output-limit",
            format!("the program wrote more than {} on one stream", policy.stream_bytes_max),
            Some("print less, or allow more with `execute.stream_bytes_max` in the policy"),
        ),
        Ended::DiskLimit => (
            "run-disk-limit",
            format!("the program wrote more than {} of output files", policy.out_bytes_max),
            Some("write less, or allow more with `execute.out_bytes_max` in the policy"),
        ),
    };
    let finding = Finding::in_file(rule_id, Pass::Execute, Severity::High, WHOLE_ARTIFACT, message);
    Some(match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::artifact::SourceFile;
    use crate::policy::Profile;

    fn planned(files: &[&str], entry: Option<&str>, tests: &[&str], words: Option<&str>) -> Option<(String, String)> {
        let files = files.iter().map(|path| SourceFile::new(*path, b"".to_vec())).collect();
        let artifact = Artifact::new("a", "a", files, Vec::new());
        let structure = Structure {
            profile_name: "any".to_owned(),
            profile: Profile::default(),
            entry: entry.map(str::to_owned),
            tests: tests.iter().map(|&path| path.to_owned()).collect(),
            details: Map::new(),
        };
        let words = words.map(|words| words.split(' ').map(str::to_owned).collect());
        let policy = ExecutePolicy { entry: words, ..ExecutePolicy::default() };
        let plan = plan(&artifact, &structure, &policy, &["--n".to_owned()])?;
        Some((format!("{:?}", plan.program), plan.args.join(" ")))
    }

    #[test]
    fn what_runs_is_the_entry_else_the_tests() {
        let python = "Interpreter(Python)".to_owned();
        let node = "Interpreter(Node)".to_owned();
        let cases = [
            (planned(&["main.py"], Some("main.py"), &[], None), Some((python.clone(), "main.py --n"))),
            (
                planned(&["index.html", "test.js"], Some("index.html"), &["test.js"], None),
                Some((node.clone(), "test.js --n")),
            ),
            (
                planned(&["a.test.js", "b.test.js"], None, &["a.test.js", "b.test.js"], None),
                Some((node, "--test a.test.js b.test.js --n")),
            ),
            (
                planned(&["test_a.py", "test_b.py"], Some("test_a.py"), &["test_a.py", "test_b.py"], None),
                Some((python.clone(), "-m unittest test_a.py test_b.py --n")),
            ),
            (planned(&["a.py"], None, &[], Some("./a.py x")), Some((python.clone(), "a.py x --n"))),
            (planned(&["a.py"], None, &[], Some("python -m a")), Some((python, "-m a --n"))),
            (planned(&["a.py"], None, &[], Some("ls -l")), Some(("Command(\"ls\")".to_owned(), "-l --n"))),
            (planned(&["a.css"], None, &[], None), None),
        ];
        for (got, wanted) in cases {
            assert_eq!(got, wanted.map(|(program, args)| (program, args.to_owned())));
        }
    }

    #[test]
    fn an_artifact_that_is_one_test_is_run_by_what_runs_its_tests() {
        let cases = [
            (
                "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n",
                "-m unittest a_test.py",
            ),
            ("import unittest\nif __name__ == '__main__':\n    unittest.main()\n", "a_test.py"),
            ("def test_a():\n    assert True\n", "-m pytest -p no:cacheprovider a_test.py"),
            ("assert 1 + 1 == 2\n", "a_test.py"),
        ];
        for (text, wanted) in cases {
            let file = SourceFile::new("a_test.py", text.as_bytes());
            let artifact = Artifact::new("a", "a", vec![file], Vec::new());
            let test = "a_test.py".to_owned();
            let structure = Structure {
                profile_name: "python".to_owned(),
                profile: Profile::default(),
                entry: Some(test.clone()),
                tests: vec![test],
                details: Map::new(),
            };
            let plan = plan(&artifact, &structure, &ExecutePolicy::default(), &[]).expect("there is something to run");
            assert_eq!(plan.args.join(" "), wanted, "{text}");
        }
    }
}
