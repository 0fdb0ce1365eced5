//! What the artifact imports from its packages is tried, and what is not there is told at its import.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::Mutex;

use vetrun::artifact::Artifact;
use vetrun::deps::declared;
use vetrun::deps::imports::ProgramImport;
use vetrun::deps::names::NameData;
use vetrun::finding::{Position, Range, Severity};
use vetrun::passes::install::{Installed, Store, Tools, install_declared};
use vetrun::policy::InstallPolicy;
use vetrun::sandbox::{Interpreter, InterpreterInfo, Job, Outcome, Sandbox, SandboxError, Stop};

use super::direct::Direct;
use super::index::{Form, Index, index};
use super::wheel::{Options, Wheel, wheel};
use super::{good, rules};

/// What ran in the sandbox: the last argument of each job.
#[derive(Default)]
struct Counting(Mutex<Vec<String>>);

impl Sandbox for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn run(&self, job: &Job, stop: &Stop) -> Result<Outcome, SandboxError> {
        self.0.lock().unwrap().push(job.args.last().cloned().unwrap_or_default());
        Direct.run(job, stop)
    }

    fn interpreter(&self, kind: Interpreter) -> Result<InterpreterInfo, SandboxError> {
        Direct.interpreter(kind)
    }
}

impl Counting {
    /// How many import checks ran since this was last asked.
    fn checks(&self) -> usize {
        self.0.lock().unwrap().drain(..).filter(|last| last.ends_with("import_check.py")).count()
    }
}

/// A package with a name, a false value, a module that none of its files imports, and one that cannot be imported.
fn full() -> Wheel {
    let files = [
        ("full/__init__.py", "VALUE = 1\nNOTHING = 0\nclass DataFrame: pass\n"),
        ("full/inner.py", "DEEP = 1\n"),
        ("full/broken.py", "import nowhere_at_all\n"),
    ];
    wheel("full", "1.0", &files, &Options::default())
}

fn import(path: &str, imported_in: &str, is_certain: bool) -> ProgramImport {
    let start = Position { line: 1, column: 1, offset: 0 };
    let end = Position { line: 1, column: 7, offset: 6 };
    let range = Range { start, end };
    ProgramImport {
        path: path.to_owned(),
        imported_in: imported_in.to_owned(),
        range,
        snippet: String::new(),
        is_certain,
    }
}

fn install(imports: &[ProgramImport], index: &Index, sandbox: &Counting, store: Option<&Store>) -> Installed {
    let policy = InstallPolicy { index_url: Some(index.url.clone()), ..InstallPolicy::default() };
    let nothing = Artifact::new("a", "a", Vec::new(), Vec::new());
    let (mut declared, findings) = declared(&nothing, Some(("requirements.txt", b"full\ngood\n")), &policy);
    assert_eq!(findings, []);
    declared.imports = imports.to_vec();
    let scratch = std::env::temp_dir();
    let tools = Tools {
        sandbox,
        stop: &Stop::default(),
        uv: None,
        scratch: &scratch,
        store,
        names: NameData::builtin(),
        examine: None,
        entry: Some("main.py"),
    };
    install_declared(&declared, &tools, &policy).unwrap()
}

#[test]
fn names_that_packages_have_are_found() {
    let index = index(&[good(), full()], Form::Json);
    let paths = ["full", "full.DataFrame", "full.NOTHING", "full.inner", "full.inner.DEEP", "good.VALUE"];
    let imports: Vec<ProgramImport> = paths.iter().map(|path| import(path, "main.py", true)).collect();
    let installed = install(&imports, &index, &Counting::default(), None);
    assert_eq!(installed.findings, []);
    let tried: Vec<&str> = installed.program_imports.iter().map(|result| result.module.as_str()).collect();
    assert_eq!(tried, paths);
    let declared: Vec<&str> = installed.imports.iter().map(|result| result.module.as_str()).collect();
    assert_eq!(declared, ["good", "full"], "what packages are judged by does not depend on the program");
}

#[test]
fn names_that_packages_do_not_have_are_told() {
    let index = index(&[good(), full()], Form::Json);
    let cases = [
        ("full.Dataframe", "cannot import name 'Dataframe' from 'full' (did you mean 'DataFrame'?)"),
        ("full.VALUE.more", "cannot import name 'more' from 'full.VALUE'"),
        ("full.inner.Missing", "cannot import name 'Missing' from 'full.inner'"),
        ("full.broken", "No module named 'nowhere_at_all'"),
        ("absent_package", "No module named 'absent_package'"),
    ];
    for (path, error) in cases {
        for (file, is_certain) in [("main.py", true), ("main.py", false), ("helper.py", true)] {
            let installed = install(&[import(path, file, is_certain)], &index, &Counting::default(), None);
            assert_eq!(rules(&installed), ["import-not-there"], "{path}: {:?}", installed.findings);
            let finding = &installed.findings[0];
            assert!(finding.message.contains(error), "{path}: {}", finding.message);
            let is_reached = is_certain && file == "main.py";
            assert_eq!(finding.severity, if is_reached { Severity::High } else { Severity::Low });
            assert_eq!((finding.path.as_str(), installed.is_sound()), (file, !is_reached));
        }
    }
}

#[test]
fn what_was_tried_once_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "a build", u64::MAX).unwrap();
    let index = index(&[good(), full()], Form::Json);
    let sandbox = Counting::default();
    let install = |paths: &[&str]| {
        let imports: Vec<ProgramImport> = paths.iter().map(|path| import(path, "main.py", true)).collect();
        install(&imports, &index, &sandbox, Some(&store))
    };
    assert!(install(&["full.inner", "good.VALUE"]).is_sound());
    assert_eq!(sandbox.checks(), 1, "packages and imports are tried together");
    assert!(install(&["full.inner", "good.VALUE"]).is_sound());
    assert_eq!(sandbox.checks(), 0);
    assert!(!install(&["full.inner", "full.missing"]).is_sound());
    assert_eq!(sandbox.checks(), 1);
    assert!(!install(&["full.missing"]).is_sound());
    assert_eq!(sandbox.checks(), 0, "a failure is known as well");
}
