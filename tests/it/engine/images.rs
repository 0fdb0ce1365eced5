//! Images: pulled where the policy allows it, pinned by what they are, built without any registry.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use vetrun::sandbox::docker::{DEFAULT_IMAGE, DockerOptions, Pull, Pulled};
use vetrun::sandbox::{Interpreter, Program, Sandbox as _, SandboxError, Stop};

use super::registry::Registry;
use super::{connect, docker, python, said, sandbox};

const PYTHON: Program = Program::Interpreter(Interpreter::Python);

#[test]
fn a_missing_image_is_pulled_where_that_is_allowed() {
    if sandbox().is_none() {
        return;
    }
    let registry = Registry::start();
    let tagged = format!("{}:1", registry.repository());
    let pinned = format!("{}@{}", registry.repository(), registry.digest);
    let with = |image: &str, pull| connect(|options| (options.image, options.pull) = (image.to_owned(), pull));

    let error = with(&tagged, Pull::Pinned).unwrap_err();
    assert!(error.contains("is not there") && error.contains("--pull missing"), "{error}");
    let error = with(&pinned, Pull::Never).unwrap_err();
    assert!(error.contains("is not there"), "{error}");

    let told: Arc<Mutex<Vec<Pulled>>> = Arc::default();
    let listener = Arc::clone(&told);
    let sandbox = connect(|options: &mut DockerOptions| {
        (options.image, options.pull) = (tagged.clone(), Pull::Missing);
        options.on_pull = Some(Arc::new(move |pulled| listener.lock().unwrap().push(pulled.clone())));
    });
    // The report names what the registry has, so that it can be had from there again.
    assert_eq!(sandbox.unwrap().image_of(&PYTHON).unwrap(), format!("{tagged}@{}", registry.digest));
    let last = told.lock().unwrap().last().cloned().expect("progress is told");
    assert!(last.done && last.image == tagged, "{last:?}");

    said(&["rmi", &tagged]);
    let sandbox = with(&pinned, Pull::Pinned).unwrap();
    assert_eq!(sandbox.image_of(&PYTHON).unwrap(), pinned);
    // It is there now, and no registry is needed.
    registry.close();
    assert_eq!(
        with(&format!("{tagged}@{}", registry.digest), Pull::Never).unwrap().image_of(&PYTHON).unwrap(),
        format!("{tagged}@{}", registry.digest)
    );
    let error = sandbox.run(&python("pass"), &Stop::default()).unwrap_err();
    assert!(matches!(error, SandboxError::Unavailable { .. }), "{error}");
    assert!(
        error.to_string().contains("has no python3") && error.to_string().contains("vetrun image build"),
        "{error}"
    );

    said(&["rmi", "--force", &pinned]);
    let error = with(&pinned, Pull::Missing).unwrap_err();
    assert!(error.contains("could not be pulled") && error.contains("docker load"), "{error}");
}

#[test]
fn the_default_image_is_built_and_never_pulled() {
    if sandbox().is_none() {
        return;
    }
    // The engine would ask a registry for it; a name that it cannot have shows that it was not asked.
    let missing = connect(|options| (options.image, options.pull) = ("vetrun-sandbox:no-such".to_owned(), Pull::Never));
    let error = missing.unwrap_err();
    assert!(error.contains("docker pull vetrun-sandbox:no-such"), "{error}");
    let error = connect(|options| options.image = "not a name".to_owned()).unwrap_err();
    assert!(error.contains("not a name"), "{error}");
}

#[test]
fn what_a_report_names_can_be_asked_for_again() {
    let Some(sandbox) = sandbox() else { return };
    let named = sandbox.image_of(&PYTHON).unwrap();
    assert!(named.starts_with(&format!("{DEFAULT_IMAGE}@sha256:")), "{named}");
    let again = connect(|options| options.image = named.clone()).unwrap();
    let outcome = again.run(&python("pass"), &Stop::default()).unwrap();
    assert_eq!(outcome.image.as_deref(), Some(named.as_str()));
    let other = format!("{DEFAULT_IMAGE}@sha256:{}", "0".repeat(64));
    assert!(connect(|options| (options.image, options.pull) = (other, Pull::Never)).is_err());
}

#[test]
fn each_language_can_have_an_image_of_its_own() {
    if sandbox().is_none() {
        return;
    }
    let other = "vetrun-test-node:1";
    said(&["tag", DEFAULT_IMAGE, other]);
    let sandbox = connect(|options| {
        options.image = "no-such-image".to_owned();
        options.images =
            BTreeMap::from([(Interpreter::Node, other.to_owned()), (Interpreter::Python, DEFAULT_IMAGE.to_owned())]);
    });
    let sandbox = sandbox.unwrap();
    let image = |program| sandbox.image_of(&program).unwrap();
    assert!(image(Program::Interpreter(Interpreter::Node)).starts_with("vetrun-test-node:1@sha256:"));
    assert!(image(PYTHON).starts_with(DEFAULT_IMAGE));
    assert!(image(Program::Command("sh".to_owned())).starts_with(DEFAULT_IMAGE));
    assert_eq!(sandbox.interpreter(Interpreter::Node).unwrap().kind, Interpreter::Node);

    let artifact = crate::support::folder(&[("index.js", "console.log('ran')\n")]);
    let policy = crate::support::folder(&[(
        "vetrun.toml",
        &format!("[execute]\nimage = \"no-such-image\"\nimages.node = \"{other}\"\n"),
    )]);
    let output = crate::support::vetrun()
        .args(["run", "--sandbox", "docker", "--format", "json", "--policy"])
        .arg(policy.path().join("vetrun.toml"))
        .arg(artifact.path())
        .output()
        .unwrap();
    let report = crate::support::report(&output);
    assert_eq!(report["execution"]["stdout"]["text"], "ran\n", "{}", crate::support::shown(&output));
    assert!(report["execution"]["image"].as_str().unwrap().starts_with("vetrun-test-node:1@sha256:"));
    said(&["rmi", other]);
}

/// Stands in for the real bootstrap: writes down how it was called and makes an archive of one file.
const BOOTSTRAP: &str = r#"#!/bin/sh
printf '%s\n' "$@" > "$(dirname "$0")/called"
echo "I: unpacking" >&2
test ! -e "$(dirname "$0")/fails" || { echo "E: no such package" >&2; exit 25; }
for last; do case "$last" in */root.tar) archive=$last;; esac; done
cd "$(dirname "$0")" && tar --create --file "$archive" called
"#;

/// `vetrun image build` with that bootstrap first on the search path.
fn build(tools: &Path, args: &[&str]) -> (Option<i32>, String) {
    let path = std::env::var("PATH").unwrap();
    let output = crate::support::vetrun()
        .args(["image", "build", "--suite", "trixie", "--mirror", "http://mirror.example/debian"])
        .args(args)
        .env("PATH", format!("{}:{path}", tools.display()))
        .output()
        .unwrap();
    (output.status.code(), crate::support::shown(&output))
}

#[test]
fn an_image_is_built_from_packages() {
    if sandbox().is_none() {
        return;
    }
    let tools = crate::support::folder(&[("mmdebstrap", BOOTSTRAP)]);
    std::fs::set_permissions(tools.path().join("mmdebstrap"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let name = "vetrun-test-built:1";
    let called = || std::fs::read_to_string(tools.path().join("called")).unwrap();

    std::fs::write(tools.path().join("fails"), "").unwrap();
    let (code, shown) = build(tools.path(), &[name]);
    assert!(code == Some(2) && shown.contains("E: no such package"), "{shown}");
    assert!(!docker(&["image", "inspect", name]).status.success(), "a failure makes no image");
    std::fs::remove_file(tools.path().join("fails")).unwrap();

    // There is no Python in it, which is found out and said.
    let (code, shown) = build(tools.path(), &[name, "--build-tools", "--package", "jq"]);
    assert!(code == Some(2) && shown.contains("built vetrun-test-built:1@sha256:"), "{shown}");
    assert!(shown.contains("has no python3"), "{shown}");
    let words = called();
    let include =
        "--include=build-essential,ca-certificates,curl,git,jq,nodejs,pkg-config,python3,python3-dev,python3-pip\n";
    assert!(words.contains(include) && words.contains("sandboxuser") && words.contains("\ntrixie\n"), "{words}");
    assert!(words.ends_with("\nhttp://mirror.example/debian\n"), "{words}");
    let found: Value = serde_json::from_str(&said(&["image", "inspect", name])).unwrap();
    let config = &found[0]["Config"];
    assert_eq!((config["User"].as_str(), config["WorkingDir"].as_str()), (Some("sandboxuser"), Some("/tmp")));
    assert_eq!(config["Labels"]["vetrun.image"], "sandbox");

    std::fs::write(tools.path().join("called"), "not again").unwrap();
    let (_, shown) = build(tools.path(), &[name, "--build-tools", "--package", "jq"]);
    assert!(shown.contains("is there already") && called() == "not again", "{shown}");
    let (_, shown) = build(tools.path(), &[name]);
    assert!(shown.contains("built ") && !called().contains("jq"), "another recipe is another image: {shown}");
    said(&["rmi", name]);
}

#[test]
fn a_host_that_cannot_build_says_what_is_missing() {
    if sandbox().is_none() {
        return;
    }
    let nothing = tempfile::tempdir().unwrap();
    let vetrun = |args: &[&str]| {
        let mut command = crate::support::vetrun();
        let output = command.args(["image", "build"]).args(args).env("PATH", nothing.path()).output().unwrap();
        (output.status.code(), crate::support::shown(&output))
    };
    let (code, shown) =
        vetrun(&["vetrun-test-none:1", "--suite", "trixie", "--mirror", "http://mirror.example/debian"]);
    assert!(code == Some(2) && shown.contains("apt-get install mmdebstrap"), "{shown}");
    let (code, shown) = vetrun(&["vetrun-test-none:1", "--package", "-oAPT::x=y"]);
    assert!(code == Some(2), "{shown}");
}
