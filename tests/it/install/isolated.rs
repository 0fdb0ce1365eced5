//! The install pass in the native sandbox: once against an index on this host's loopback and, where asked for, against
//! the real one.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::path::PathBuf;

use vetrun::artifact::Artifact;
use vetrun::deps::declared;
use vetrun::deps::names::NameData;
use vetrun::passes::install::{Installed, Tools, install_declared};
use vetrun::policy::{InstallPolicy, Installer};
use vetrun::sandbox::native::NativeSandbox;
use vetrun::sandbox::{Ended, Interpreter, Job, Limits, Network, Program, Sandbox as _, Stop, TMP_DIR};

use super::index::{Form, index};
use super::wheel::{Options, wheel};

/// `None` where this host cannot isolate; a failure where `VETRUN_REQUIRE_NATIVE` says that it must.
pub(super) fn sandbox() -> Option<NativeSandbox> {
    let search = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
    match NativeSandbox::new(PathBuf::from(env!("CARGO_BIN_EXE_vetrun")), search) {
        Ok(sandbox) => Some(sandbox),
        Err(error) => {
            assert!(std::env::var_os("VETRUN_REQUIRE_NATIVE").is_none(), "{error}");
            None
        }
    }
}

fn install(sandbox: &NativeSandbox, requirements: &str, policy: &InstallPolicy, uv: Option<PathBuf>) -> Installed {
    let nothing = Artifact::new("a", "a", Vec::new(), Vec::new());
    let (declared, findings) = declared(&nothing, Some(("requirements.txt", requirements.as_bytes())), policy);
    assert_eq!(findings, []);
    let scratch = std::env::temp_dir();
    let tools = Tools {
        sandbox,
        stop: &Stop::default(),
        uv: uv.as_deref(),
        scratch: &scratch,
        store: None,
        names: NameData::builtin(),
        examine: None,
        entry: None,
    };
    install_declared(&declared, &tools, policy).unwrap_or_else(|error| panic!("{error:#?}"))
}

/// What a program prints that runs as the execute pass would run it.
fn run(sandbox: &NativeSandbox, installed: &Installed, code: &str) -> String {
    let job = Job {
        program: Program::Interpreter(Interpreter::Python),
        args: vec!["-c".to_owned(), code.to_owned()],
        env: installed.environment.env.clone(),
        cwd: TMP_DIR.to_owned(),
        stdin: Vec::new(),
        mounts: installed.mounts(),
        host_packages: false,
        collect_into: None,
        network: Network::None,
        limits: Limits { memory_bytes: 1 << 30, cpus: 2.0, ..Limits::default() },
        trace: false,
    };
    let outcome = sandbox.run(&job, &Stop::default()).unwrap();
    assert_eq!(outcome.ended, Ended::Exited(0), "{}", String::from_utf8_lossy(&outcome.stderr.bytes));
    String::from_utf8(outcome.stdout.bytes).unwrap().trim().to_owned()
}

#[test]
fn packages_come_through_the_gateway_and_run_without_network() {
    let Some(sandbox) = sandbox() else {
        println!("nothing isolates here: not run");
        return;
    };
    let wheels = [wheel("good", "1.0", &[("good/__init__.py", "VALUE = 42\n")], &Options::default())];
    let index = index(&wheels, Form::Json);
    let policy =
        InstallPolicy { index_url: Some(index.url.clone()), installer: Installer::Pip, ..InstallPolicy::default() };
    let installed = install(&sandbox, "good==1.0\n", &policy, None);
    assert_eq!(installed.findings, []);
    assert_eq!(run(&sandbox, &installed, "import good; print(good.VALUE, good.__file__)"), "42 /deps/good/__init__.py");
    let missing = install(&sandbox, "nowhere\n", &policy, None);
    assert_eq!(missing.findings[0].rule_id, "package-not-installable");
}

/// Set `VETRUN_INSTALL_REAL` to requirements with blanks between them, and `VETRUN_UV` to a uv, to see it done with the
/// real index.
#[test]
fn real_packages_are_installed() {
    let (Some(sandbox), Ok(names)) = (sandbox(), std::env::var("VETRUN_INSTALL_REAL")) else {
        println!("VETRUN_INSTALL_REAL is not set, or nothing isolates here: not run");
        return;
    };
    let uv = std::env::var_os("VETRUN_UV").map(PathBuf::from);
    let installed = install(&sandbox, &names.replace(' ', "\n"), &InstallPolicy::default(), uv);
    println!("{:?} fallback {:?}", installed.installer, installed.fallback);
    for package in &installed.packages {
        println!("{} {} {} {:?}", package.name, package.version, package.size_bytes, package.digest);
    }
    println!("{:#?}\n{:#?}\n{:?}", installed.findings, installed.imports, installed.timings);
    println!("{} requests to the index", installed.requests.len());
    assert!(installed.is_sound());
    assert!(installed.packages.iter().all(|package| package.digest.is_some()));
    println!("{}", run(&sandbox, &installed, "import sys; print(sys.path)"));
}
