//! The install pass: against an index, wheels and installers on this host's loopback alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod direct;
mod index;
mod isolated;
mod kept;
mod node;
mod program;
mod scanned;
mod source;
mod wheel;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use vetrun::artifact::Artifact;
use vetrun::deps::declared;
use vetrun::deps::names::NameData;
use vetrun::passes::install::{IndexProxy, InstallError, Installed, Store, Tools, install_declared};
use vetrun::policy::{InstallPolicy, Installer};
use vetrun::sandbox::{Gateway as _, Stop};

use self::direct::Direct;
use self::index::{Form, Index, index};
use self::wheel::{Options, Wheel, sha256, wheel};

/// A sound package `good` with a `__init__` that prints.
fn good() -> Wheel {
    wheel("Good", "1.0", &[("good/__init__.py", "print('noise')\nVALUE = 1\n")], &Options::default())
}

fn install(requirements: &str, index: &Index) -> Result<Installed, InstallError> {
    install_with(requirements, index, Installer::Auto, None)
}

fn install_with(
    requirements: &str,
    index: &Index,
    installer: Installer,
    uv: Option<&Path>,
) -> Result<Installed, InstallError> {
    let policy = InstallPolicy { installer, ..InstallPolicy::default() };
    install_by(requirements, index, policy, uv, None)
}

fn install_by(
    requirements: &str,
    index: &Index,
    policy: InstallPolicy,
    uv: Option<&Path>,
    store: Option<&Store>,
) -> Result<Installed, InstallError> {
    let policy = InstallPolicy { index_url: Some(index.url.clone()), ..policy };
    let nothing = Artifact::new("a", "a", Vec::new(), Vec::new());
    let (declared, findings) = declared(&nothing, Some(("requirements.txt", requirements.as_bytes())), &policy);
    assert_eq!(findings, [], "{requirements}");
    let scratch = std::env::temp_dir();
    let tools = Tools {
        sandbox: &Direct,
        stop: &Stop::default(),
        uv,
        scratch: &scratch,
        store,
        names: NameData::builtin(),
        examine: None,
        entry: None,
    };
    install_declared(&declared, &tools, &policy)
}

/// Whether what is there now is gone in a while.
fn goes(path: &Path) -> bool {
    (0..250).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        !path.exists()
    })
}

fn rules(installed: &Installed) -> Vec<&str> {
    let mut rules: Vec<&str> = installed.findings.iter().map(|finding| finding.rule_id.as_ref()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn a_sound_package_is_installed_checked_and_imported() {
    let needs = wheel(
        "needs",
        "2.0",
        &[("needs.py", "import good\n")],
        &Options { metadata: "Requires-Dist: good>=1\n", ..Options::default() },
    );
    let wheels = [good(), needs];
    let ways = [(Form::Json, Installer::Auto), (Form::Html, Installer::Auto), (Form::Json, Installer::Pip)];
    for (form, installer) in ways {
        let index = index(&wheels, form);
        let requirements = "Needs>=1; python_version > '3'\nabsent; sys_platform == 'win32'\n";
        let installed = install_with(requirements, &index, installer, None).unwrap();
        assert_eq!(installed.findings, []);
        assert!(installed.installer.as_ref().is_some_and(|name| match installer {
            Installer::Pip => name.starts_with("pip "),
            _ => name.starts_with("vetrun "),
        }));
        assert_eq!(installed.requirements, ["needs>=1"]);
        let packages: Vec<_> = installed
            .packages
            .iter()
            .map(|one| (one.name.as_str(), one.version.as_str(), one.digest.clone()))
            .collect();
        let digest = |wheel: &Wheel| Some(format!("sha256:{}", sha256(&wheel.bytes)));
        assert_eq!(packages, [("good", "1.0", digest(&wheels[0])), ("needs", "2.0", digest(&wheels[1]))]);
        assert_eq!(
            installed.imports.iter().map(|one| (one.module.as_str(), one.error.as_deref())).collect::<Vec<_>>(),
            [("needs", None)]
        );
        assert_eq!(
            (installed.environment.pythonpath.as_str(), installed.environment.home.as_str()),
            ("/deps", "/tmp/home")
        );
        let mounts = installed.mounts();
        assert!(mounts[0].host.join("good/__init__.py").is_file());
        let asked = installed.requests.iter().any(|one| one.path == "/simple/needs/" && one.status == 200);
        assert_eq!(asked, installer == Installer::Pip, "{:?}", installed.requests);
        let why: Vec<_> = installed.lock.packages.iter().map(|one| (&*one.name, one.wanted_by.clone())).collect();
        assert_eq!(why, [("good", vec!["needs".to_owned()]), ("needs", vec![])]);
        assert!(!index.asked.lock().unwrap().iter().any(|path| path.contains("absent")));
        drop(installed);
        assert!(goes(&mounts[0].host), "the folder goes with the value");
    }
}

#[test]
fn what_cannot_be_installed_or_imported_is_a_finding() {
    let broken = wheel("broken", "1", &[("broken.py", "import nowhere_at_all\n")], &Options::default());
    let crash = wheel("crash", "1", &[("crash.py", "import os\nos.kill(os.getpid(), 11)\n")], &Options::default());
    let index = index(&[good(), broken, crash], Form::Json);
    let cases = [
        ("nowhere", "package-not-installable"),
        ("good>=2", "package-not-installable"),
        (
            "good==1.0 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "package-not-installable",
        ),
        ("broken\ncrash\ngood", "package-not-importable"),
    ];
    for (requirement, rule) in cases {
        let installed = install(requirement, &index).unwrap();
        assert_eq!(rules(&installed), [rule], "{requirement}: {:?}", installed.findings);
        assert!(!installed.is_sound());
    }
    let half = format!("good==1.0 --hash=sha256:{}\nbroken", sha256(&good().bytes));
    let installed = install(&half, &index).unwrap();
    assert_eq!(rules(&installed), ["requirement-hash-missing"]);
    assert_eq!(installed.findings[0].range.map(|range| range.start.line), Some(2));
    let pinned = format!("good==1.0 --hash=sha256:{}", sha256(&good().bytes));
    assert_eq!(rules(&install(&pinned, &index).unwrap()), [""; 0]);
}

#[test]
fn hostile_wheels_are_refused_by_what_they_hold() {
    let none = Options::default;
    let cases: Vec<(&str, &str, Options<'_>, &str)> = vec![
        ("x.pth", "import os\n", none(), "package-path-file"),
        ("sitecustomize.py", "", none(), "package-startup-module"),
        ("usercustomize/__init__.py", "", none(), "package-startup-module"),
        ("random.py", "", none(), "package-shadows-stdlib"),
        ("encodings/__init__.py", "", none(), "package-shadows-stdlib"),
        (".config/pip/pip.conf", "[global]\n", none(), "package-hidden-file"),
        (".local/lib/python3.11/site-packages/y.pth", "import os\n", none(), "package-hidden-file"),
        ("only.pyc", "x", none(), "package-bytecode-only"),
        ("inert.pth", "folder\n", none(), "package-path-file-inert"),
        ("a.py", "", Options { lie_about: "a.py", ..none() }, "package-file-altered"),
        ("b.py", "", Options { leave_out: "b.py", ..none() }, "package-file-unlisted"),
        ("c.py", "", Options { record: "ghost.py,,\n", ..none() }, "package-file-missing"),
        ("d.py", "", Options { record: "../../../etc/passwd,,\n", ..none() }, "package-record-escapes"),
        (
            "e.py",
            "",
            Options { metadata: "Requires-Dist: x @ file:///x ; extra == 'y'\n", ..none() },
            "package-direct-requirement",
        ),
    ];
    for (at, (path, text, options, rule)) in cases.iter().enumerate() {
        let wheel = wheel(&format!("evil{at}"), "1.0", &[(path, text)], options);
        let name = wheel.name.clone();
        let installed = install(&name, &index(&[wheel], Form::Json)).unwrap();
        assert!(rules(&installed).contains(rule), "{rule} for {path}: {:#?}", installed.findings);
        let is_harmless = *rule == "package-path-file-inert";
        assert_eq!(installed.is_sound(), is_harmless, "{path}: {:#?}", installed.findings);
        assert_eq!(installed.mounts().is_empty(), !is_harmless, "{path}: nothing of it is there to be imported");
    }
}

#[test]
fn a_wheel_that_is_not_the_named_one_never_arrives() {
    let installed = install("good", &index(&[good()], Form::WrongDigests)).unwrap();
    assert_eq!(rules(&installed), ["package-file-refused"], "{:?}", installed.findings);
}

#[test]
fn an_installer_that_breaks_is_an_error_and_not_the_artifacts_fault() {
    let folder = tempfile::tempdir().unwrap();
    let uv = folder.path().join("uv");
    std::fs::write(
        &uv,
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo uv 9.9.9; exit; fi\necho 'error: out of luck' >&2\nexit 2\n",
    )
    .unwrap();
    std::fs::set_permissions(&uv, PermissionsExt::from_mode(0o755)).unwrap();
    let index = index(&[good()], Form::Json);
    let error = install_with("good", &index, Installer::Uv, Some(&uv)).unwrap_err();
    assert!(matches!(&error, InstallError::Installer { what, .. } if what.contains("out of luck")), "{error}");
    let error = install_with("good", &index, Installer::Uv, None).unwrap_err();
    assert!(matches!(error, InstallError::NoInstaller { .. }), "{error}");
}

#[test]
fn an_index_that_cannot_be_reached_is_not_the_artifacts_fault() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = Index {
        url: format!("http://me:secret@127.0.0.1:{port}/simple/"),
        asked: std::sync::Arc::default(),
        fails: std::sync::Arc::default(),
    };
    let error = install("good", &closed).unwrap_err();
    assert!(matches!(error, InstallError::Index { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

/// What the proxy answers to `request`, as text.
fn ask(proxy: &IndexProxy, request: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let _guard = proxy.serve(listener);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_proxy_serves_nothing_but_pages_and_their_wheels() {
    let index = index(&[good()], Form::Json);
    let proxy = IndexProxy::new(&index.url, 1 << 20);
    let get = |path: &str| ask(&proxy, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    let file = "/files/0/Good-1.0-py3-none-any.whl";
    assert!(get(file).starts_with("HTTP/1.1 404"), "a file has no address before its page was asked for");
    let page = get("/simple/good/");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains(&format!("href=\"{file}#sha256=")), "{page}");
    assert!(get(file).starts_with("HTTP/1.1 200"));
    let head = ask(&proxy, &format!("HEAD {file} HTTP/1.1\r\n\r\n"));
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    for path in [
        "/",
        "/simple/",
        "/simple/Good/",
        "/simple/..%2f..%2f/",
        "/simple/a/b/",
        "/files/9/x.whl",
        "/etc/passwd",
        "/files/0/other.whl",
    ] {
        assert!(get(path).starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(ask(&proxy, "POST /simple/good/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 405"));
    assert!(ask(&proxy, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
    assert!(ask(&proxy, &format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(40_000))).starts_with("HTTP/1.1 400"));
    assert_eq!(proxy.faults(), [""; 0]);
    assert_eq!(index.asked.lock().unwrap().iter().filter(|path| path.as_str() == "/simple/good/").count(), 1);

    let small = IndexProxy::new(&index.url, 10);
    let get = |path: &str| ask(&small, &format!("GET {path} HTTP/1.1\r\n\r\n"));
    get("/simple/good/");
    assert!(get(file).starts_with("HTTP/1.1 403"));
    assert_eq!(small.refused().len(), 1);
}
