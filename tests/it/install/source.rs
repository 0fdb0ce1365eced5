//! Packages that are there as source alone: built where the policy lets it, in the sandbox, after their code was scanned.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use vetrun::artifact::Artifact;
use vetrun::deps::declared;
use vetrun::deps::names::NameData;
use vetrun::finding::{Finding, Pass, Severity};
use vetrun::passes::install::{Examiner, Installed, Store, Tools, install_declared};
use vetrun::policy::InstallPolicy;
use vetrun::sandbox::{Interpreter, InterpreterInfo, Job, Outcome, Sandbox, SandboxError, Stop};

use super::direct::Direct;
use super::index::{Form, index};
use super::wheel::{Options, Wheel, sha256, wheel};
use super::{isolated, rules};

/// A backend in the archive itself, which needs nothing: it makes the wheel of the name and the module that it is told.
const BACKEND: &str = r#"
import base64, hashlib, os, zipfile
def build_wheel(into, settings=None, metadata=None):
    files = {"made.py": module(), f"{NAME}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n",
             f"{NAME}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    def line(path, text):
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        return f"{path},sha256={digest},{len(text)}\n"
    record = "".join(line(*one) for one in files.items()) + f"{NAME}-1.0.dist-info/RECORD,,\n"
    files[f"{NAME}-1.0.dist-info/RECORD"] = record
    name = f"{NAME}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(into, name), "w") as made:
        for path, text in files.items():
            made.writestr(zipfile.ZipInfo(path), text)
    return name
"#;

const OWN_BACKEND: &str = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";

/// A source archive of `made` 1.0 with these files.
fn archive(files: &[(&str, &str)]) -> Wheel {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(&mut packed);
    for (path, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("made-1.0/{path}"), text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().flush().unwrap();
    let bytes = packed.finish().unwrap();
    Wheel { name: "made".to_owned(), filename: "made-1.0.tar.gz".to_owned(), bytes }
}

/// An archive whose module `made` is what `module`, a function of Python, gives back.
fn source(module: &str) -> Wheel {
    let backend = format!("NAME = 'made'\n{BACKEND}{module}\n");
    archive(&[("pyproject.toml", OWN_BACKEND), ("backend.py", &backend)])
}

fn plain() -> Wheel {
    source("def module():\n    return 'VALUE = 1\\n'")
}

/// Counts the builds of another sandbox.
struct Counting<'a>(&'a dyn Sandbox, AtomicUsize);

impl Sandbox for Counting<'_> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn run(&self, job: &Job, stop: &Stop) -> Result<Outcome, SandboxError> {
        let is_build = String::from_utf8_lossy(&job.stdin).contains("\"build_wheel\"");
        self.1.fetch_add(usize::from(is_build), Ordering::SeqCst);
        self.0.run(job, stop)
    }

    fn interpreter(&self, kind: Interpreter) -> Result<InterpreterInfo, SandboxError> {
        self.0.interpreter(kind)
    }
}

/// What is found in code that says `critical`.
fn examine(package: &Artifact) -> Vec<Finding> {
    let is_bad = |path: &&str| package.file(path).is_some_and(|file| file.bytes.windows(8).any(|it| it == b"critical"));
    let found = |path: &str| Finding::in_file("a-rule", Pass::Scan, Severity::Critical, path, "it is bad");
    package.files.iter().map(|file| file.path.as_str()).filter(is_bad).map(found).collect()
}

fn install(
    on_offer: &[Wheel],
    requirement: &str,
    builds: bool,
    sandbox: &dyn Sandbox,
    store: Option<&Store>,
) -> Installed {
    let index = index(on_offer, Form::Json);
    let policy =
        InstallPolicy { index_url: Some(index.url.clone()), build_sources: builds, ..InstallPolicy::default() };
    let nothing = Artifact::new("a", "a", Vec::new(), Vec::new());
    let (declared, _) = declared(&nothing, Some(("requirements.txt", requirement.as_bytes())), &policy);
    let scratch = std::env::temp_dir();
    let tools = Tools {
        sandbox,
        stop: &Stop::default(),
        uv: None,
        scratch: &scratch,
        store,
        names: NameData::builtin(),
        examine: Some(Examiner { identity: "", examine: &examine }),
        entry: None,
    };
    install_declared(&declared, &tools, &policy).unwrap()
}

#[test]
fn what_is_there_as_source_alone_is_built_where_the_policy_lets_it() {
    let refused = install(&[plain()], "made", false, &Direct, None);
    assert_eq!(rules(&refused), ["package-not-installable"]);
    assert!(refused.findings[0].message.contains("`install.build_sources`"), "{:?}", refused.findings);

    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "a build", u64::MAX).unwrap();
    let sandbox = Counting(&Direct, AtomicUsize::new(0));
    for builds_so_far in [1, 1] {
        let built = install(&[plain()], "made", true, &sandbox, Some(&store));
        assert_eq!(rules(&built), ["package-built-from-source"], "{:?}", built.findings);
        assert!(built.is_sound());
        assert_eq!(sandbox.1.load(Ordering::SeqCst), builds_so_far, "a wheel that was built once is used again");
        let package = &built.packages[0];
        let digest = format!("sha256:{}", sha256(&plain().bytes));
        assert_eq!((package.file.as_deref(), &package.digest), (Some("made-1.0.tar.gz"), &Some(digest)));
        let locked = &built.lock.packages[0];
        assert_eq!(locked.file, "made-1.0-py3-none-any.whl");
        assert_ne!(locked.sha256, locked.source.as_ref().unwrap().sha256);
        assert_eq!(std::fs::read(built.mounts()[0].host.join("made.py")).unwrap(), b"VALUE = 1\n");
    }
    let hashed = format!("made==1.0 --hash=sha256:{}", sha256(&plain().bytes));
    assert!(install(&[plain()], &hashed, true, &Direct, None).is_sound(), "a declared hash is that of the archive");
    let other = format!("made==1.0 --hash=sha256:{}", "0".repeat(64));
    assert!(!install(&[plain()], &other, true, &Direct, None).is_sound());
}

#[test]
fn a_wheel_is_taken_where_there_is_one() {
    let ready = wheel("made", "1.0", &[("made.py", "VALUE = 2\n")], &Options::default());
    let sandbox = Counting(&Direct, AtomicUsize::new(0));
    let installed = install(&[plain(), ready], "made", true, &sandbox, None);
    assert_eq!(installed.findings, []);
    assert_eq!(sandbox.1.load(Ordering::SeqCst), 0);
}

#[test]
fn what_a_build_needs_is_installed_for_it_alone() {
    let helper = wheel("helper", "3.0", &[("helper.py", "TEXT = 'VALUE = 3\\n'\n")], &Options::default());
    let system = OWN_BACKEND.replace("requires = []", "requires = [\"helper>=2\"]");
    let backend = format!("import helper\nNAME = 'made'\n{BACKEND}def module():\n    return helper.TEXT\n");
    let made = archive(&[("pyproject.toml", &system), ("backend.py", &backend)]);
    let built = install(&[made.clone(), helper], "made", true, &Direct, None);
    assert_eq!(rules(&built), ["package-built-from-source"], "{:?}", built.findings);
    let names: Vec<&str> = built.packages.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["made"]);
    let missing = install(&[made], "made", true, &Direct, None);
    assert!(missing.findings[0].message.contains("helper"), "{:?}", missing.findings);
    let asks = format!("NAME = 'made'\n{BACKEND}def module():\n    import helper\n    return helper.TEXT\n");
    let asks = format!("{asks}def get_requires_for_build_wheel(settings=None):\n    return ['helper']\n");
    let made = archive(&[("pyproject.toml", OWN_BACKEND), ("backend.py", &asks)]);
    let helper = wheel("helper", "3.0", &[("helper.py", "TEXT = 'VALUE = 3\\n'\n")], &Options::default());
    assert!(install(&[made, helper], "made", true, &Direct, None).is_sound());
}

#[test]
fn what_should_not_be_built_or_used_is_refused() {
    let other = format!("NAME = 'other'\n{BACKEND}def module():\n    return ''\n");
    let bad = format!("# critical\nNAME = 'made'\n{BACKEND}def module():\n    return ''\n");
    let cases = [
        (source("def module():\n    raise SystemExit('no compiler here')"), "no compiler here", "package-file-refused"),
        (
            archive(&[("pyproject.toml", OWN_BACKEND), ("backend.py", &other)]),
            "another package",
            "package-file-refused",
        ),
        (archive(&[("pyproject.toml", OWN_BACKEND), ("backend.py", &bad)]), "it is bad", "package-code-dangerous"),
        (archive(&[("pyproject.toml", "[build-system")]), "pyproject.toml that cannot be read", "package-file-refused"),
        (
            archive(&[("pyproject.toml", "[build-system]\nrequires = ['x @ https://host.invalid/x.whl']\n")]),
            "cannot be built",
            "package-file-refused",
        ),
        (Wheel { bytes: b"no archive".to_vec(), ..plain() }, "is refused", "package-file-refused"),
        (source("def module():\n    return 'import nowhere_at_all\\n'"), "nowhere_at_all", "package-not-importable"),
    ];
    for (made, said, rule) in cases {
        let sandbox = Counting(&Direct, AtomicUsize::new(0));
        let refused = install(&[made], "made", true, &sandbox, None);
        assert!(rules(&refused).contains(&rule), "{said}: {:?}", refused.findings);
        assert!(refused.findings.iter().any(|one| one.message.contains(said)), "{said}: {:?}", refused.findings);
        assert!(!refused.is_sound() && refused.mounts().is_empty());
        let may_run = ["no compiler here", "another package", "nowhere_at_all"].contains(&said);
        assert_eq!(sandbox.1.load(Ordering::SeqCst), usize::from(may_run), "{said}");
    }
}

/// A build that tells what it found: variables, the network, files of the user.
#[test]
fn a_build_finds_no_secrets_and_no_network() {
    let Some(sandbox) = isolated::sandbox() else {
        println!("nothing isolates here: not run");
        return;
    };
    let spy = r"
def module():
    import os, socket
    found = sorted(os.environ)
    try:
        socket.create_connection(('127.0.0.1', 9), 1)
    except OSError as error:
        found.append(type(error).__name__)
    found.append(os.getuid() == 0)
    found += [os.path.exists(path) for path in ('/root/.bashrc', '/etc/shadow', os.path.expanduser('~/.netrc'))]
    return f'FOUND = {found!r}\n'
";
    let built = install(&[source(spy)], "made", true, &sandbox, None);
    assert_eq!(rules(&built), ["package-built-from-source"], "{:?}", built.findings);
    let said = std::fs::read_to_string(built.mounts()[0].host.join("made.py")).unwrap();
    let variables = ["HOME", "LANG", "PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE", "SOURCE_DATE_EPOCH", "TMPDIR"];
    assert!(variables.iter().all(|name| said.contains(name)), "{said}");
    for secret in ["CARGO", "DOCKER", "VETRUN", "True"] {
        assert!(!said.contains(secret), "{said}");
    }
    assert!(said.contains("Error"), "{said}");
}
