//! Packages of Node: against a registry on this host's loopback, with archives made by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha512};
use vetrun::artifact::{Artifact, SourceFile};
use vetrun::deps::declared;
use vetrun::deps::names::NameData;
use vetrun::passes::install::{InstallError, Installed, Store, Tools, install_declared};
use vetrun::policy::{ByteSize, InstallPolicy};
use vetrun::report::{Ecosystem, Package};
use vetrun::sandbox::native::{NativeSandbox, Walls};
use vetrun::sandbox::{
    Ended, Interpreter, InterpreterInfo, Job, Limits, Mount, Outcome, Program, Sandbox, SandboxError, Stop, WORK_DIR,
};

use super::index::{Answers, Form, Index, index, serve};
use super::isolated::sandbox;
use super::rules;
use super::wheel::{Options, wheel};

/// One package: its name, its version, and its archive.
struct Tgz {
    name: &'static str,
    version: &'static str,
    bytes: Vec<u8>,
}

/// A package of these files; where there is no `package.json` among them, it is the one that it should be.
fn tgz(name: &'static str, version: &'static str, files: &[(&str, &str)]) -> Tgz {
    let manifest = format!("{{\"name\":\"{name}\",\"version\":\"{version}\"}}");
    let mut tar = Vec::new();
    if !files.iter().any(|(path, _)| *path == "package.json") {
        member(&mut tar, "package.json", b'0', &manifest);
    }
    for (path, text) in files {
        member(&mut tar, path, b'0', text);
    }
    Tgz { name, version, bytes: gz(&tar) }
}

fn member(tar: &mut Vec<u8>, path: &str, kind: u8, text: &str) {
    let mut block = [0_u8; 512];
    let path = format!("package/{path}");
    block[..path.len()].copy_from_slice(path.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", text.len()).as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend(block);
    tar.extend(text.as_bytes());
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn gz(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.write_all(&[0; 1024]).unwrap();
    encoder.finish().unwrap()
}

fn path_of(name: &str, version: &str) -> String {
    format!("/npm/{name}/-/{}-{version}.tgz", name.rsplit('/').next().unwrap())
}

fn registry(packages: &[&Tgz]) -> Index {
    let answer = |one: &&Tgz| (path_of(one.name, one.version), ("application/octet-stream", one.bytes.clone()));
    let answers: Answers = packages.iter().map(answer).collect();
    serve(answers)
}

fn url(registry: &Index) -> String {
    registry.url.replace("/simple/", "/npm")
}

fn integrity(bytes: &[u8]) -> String {
    use base64::Engine as _;
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(Sha512::digest(bytes)))
}

/// An entry of a lock, with what is to be said beside.
fn entry(place: &str, package: &Tgz, others: &serde_json::Value) -> (String, serde_json::Value) {
    let mut entry = serde_json::json!({ "version": package.version, "integrity": integrity(&package.bytes) });
    entry.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    (format!("node_modules/{place}"), entry)
}

fn nothing() -> serde_json::Value {
    serde_json::json!({})
}

/// The files of an artifact that asks for `wanted`, with a lock.
fn files(wanted: &serde_json::Value, entries: Vec<(String, serde_json::Value)>) -> Vec<SourceFile> {
    let mut packages = serde_json::Map::from_iter([(String::new(), serde_json::json!({ "dependencies": wanted }))]);
    packages.extend(entries);
    let lock = serde_json::json!({ "lockfileVersion": 3, "packages": packages });
    let manifest = serde_json::json!({ "type": "commonjs", "dependencies": wanted });
    vec![
        SourceFile::new("package.json", manifest.to_string().into_bytes()),
        SourceFile::new("package-lock.json", lock.to_string().into_bytes()),
    ]
}

/// Knows what interpreter it has, and runs nothing.
struct Idle;

impl Sandbox for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn run(&self, _: &Job, _: &Stop) -> Result<Outcome, SandboxError> {
        panic!("something is run")
    }

    fn interpreter(&self, kind: Interpreter) -> Result<InterpreterInfo, SandboxError> {
        assert_eq!(kind, Interpreter::Node, "nobody asked for python");
        let text = |text: &str| text.to_owned();
        let (path, version, platform) = (text("/usr/bin/node"), text("20.0.0"), text("linux-x86_64"));
        Ok(InterpreterInfo { kind, path, version, platform, identity: text("node") })
    }
}

fn install(
    files: Vec<SourceFile>,
    policy: &InstallPolicy,
    sandbox: &dyn Sandbox,
    store: Option<&Store>,
) -> Result<Installed, InstallError> {
    let (declared, findings) = declared(&Artifact::new("a", "a", files, Vec::new()), None, policy);
    assert_eq!(findings, []);
    let scratch = std::env::temp_dir();
    install_declared(
        &declared,
        &Tools {
            sandbox,
            stop: &Stop::default(),
            uv: None,
            scratch: &scratch,
            store,
            names: NameData::builtin(),
            examine: None,
            entry: None,
        },
        policy,
    )
}

fn policy(registry: &Index) -> InstallPolicy {
    InstallPolicy { npm_registry_url: Some(url(registry)), ..InstallPolicy::default() }
}

/// What a file of the artifact prints that runs as the execute pass would run it.
fn run(sandbox: &NativeSandbox, installed: &Installed, name: &str, code: &str) -> String {
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join(name), code).unwrap();
    let mut mounts = vec![Mount { host: work.path().to_owned(), inside: WORK_DIR.to_owned() }];
    mounts.extend(installed.mounts());
    let mut job = Job {
        program: Program::Interpreter(Interpreter::Node),
        args: vec![name.to_owned()],
        env: installed.environment.env.clone(),
        cwd: WORK_DIR.to_owned(),
        stdin: Vec::new(),
        mounts,
        host_packages: false,
        collect_into: None,
        network: vetrun::sandbox::Network::None,
        limits: Limits { memory_bytes: 1 << 30, cpus: 2.0, ..Limits::default() },
        trace: false,
    };
    job.limits.pids = 200;
    let outcome = sandbox.run(&job, &Stop::default()).unwrap();
    assert_eq!(outcome.ended, Ended::Exited(0), "{}", String::from_utf8_lossy(&outcome.stderr.bytes));
    String::from_utf8(outcome.stdout.bytes).unwrap().trim().to_owned()
}

/// Packages in both of Node's ways, one in two versions, one with a script that npm would run.
fn several(canary: &Path) -> (Vec<SourceFile>, Index) {
    let script = format!("touch {}", canary.display());
    let manifest = serde_json::json!({
        "name": "cjs", "version": "1.0.0", "main": "lib/main.js",
        "scripts": { "preinstall": script, "install": script, "postinstall": script },
        "dependencies": { "dep": "1" },
    });
    let main = "exports.tell = () => 'cjs with dep ' + require('dep');";
    let cjs = tgz("cjs", "1.0.0", &[("package.json", &manifest.to_string()), ("lib/main.js", main)]);
    let manifest = r#"{"name":"@s/esm","version":"2.1.0","type":"module","exports":"./index.js"}"#;
    let code = "import dep from 'dep'; export const tell = () => `esm with dep ${dep}`;";
    let esm = tgz("@s/esm", "2.1.0", &[("package.json", manifest), ("index.js", code)]);
    let first = tgz("dep", "1.0.0", &[("index.js", "module.exports = '1.0.0';")]);
    let second = tgz("dep", "2.0.0", &[("index.js", "module.exports = '2.0.0';")]);
    let entries = vec![
        entry("cjs", &cjs, &serde_json::json!({ "dependencies": { "dep": "1" } })),
        entry("@s/esm", &esm, &serde_json::json!({ "dependencies": { "dep": "2" } })),
        entry("cjs/node_modules/dep", &first, &nothing()),
        entry("dep", &second, &nothing()),
    ];
    let registry = registry(&[&cjs, &esm, &first, &second]);
    (files(&serde_json::json!({ "cjs": "^1", "@s/esm": "^2" }), entries), registry)
}

#[test]
fn packages_of_both_kinds_run_and_no_script_does() {
    let Some(sandbox) = sandbox() else {
        println!("nothing isolates here: not run");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary");
    let (files, registry) = several(&canary);
    let store = Store::open(&folder.path().join("store"), "a build", u64::MAX).unwrap();
    let installed = install(files.clone(), &policy(&registry), &sandbox, Some(&store)).unwrap();
    assert_eq!(rules(&installed), ["node-install-script"]);
    assert!(installed.is_sound() && !installed.cache_hit);
    let code = "import cjs from 'cjs'; import { tell } from '@s/esm'; console.log(cjs.tell(), 'and', tell());";
    let wanted = "cjs with dep 1.0.0 and esm with dep 2.0.0";
    assert_eq!(run(&sandbox, &installed, "x.mjs", code), wanted);
    let code = "import('@s/esm').then(esm => console.log(require('cjs').tell(), 'and', esm.tell()));";
    assert_eq!(run(&sandbox, &installed, "x.js", code), wanted);
    let code = "try { require('fs').writeFileSync('/node_modules/x', '') } catch (error) { console.log(error.code) }";
    assert_eq!(run(&sandbox, &installed, "x.js", code), "EROFS");

    let asked = registry.asked.lock().unwrap().len();
    assert_eq!(asked, 4);
    let again = install(files, &policy(&registry), &sandbox, Some(&store)).unwrap();
    assert!(again.cache_hit);
    assert_eq!(registry.asked.lock().unwrap().len(), asked, "the registry is not asked");
    assert_eq!((&again.packages, &again.findings), (&installed.packages, &installed.findings));
    assert_eq!(again.mounts(), installed.mounts());
    assert!(!canary.exists(), "a script of a package has run");
}

#[test]
fn the_report_tells_each_package() {
    let folder = tempfile::tempdir().unwrap();
    let (files, registry) = several(folder.path());
    let installed = install(files, &policy(&registry), &Idle, None).unwrap();
    let told =
        |one: &Package| (one.name.clone(), one.version.clone(), one.requested.clone(), one.required_by.join(" "));
    let text = |text: &str| text.to_owned();
    let wanted = [
        (text("@s/esm"), text("2.1.0"), Some(text("@s/esm@^2")), String::new()),
        (text("cjs"), text("1.0.0"), Some(text("cjs@^1")), String::new()),
        (text("dep"), text("1.0.0"), None, text("cjs@1.0.0")),
        (text("dep"), text("2.0.0"), None, text("@s/esm@2.1.0")),
    ];
    assert_eq!(installed.packages.iter().map(told).collect::<Vec<_>>(), wanted);
    let esm = &installed.packages[0];
    assert_eq!((esm.ecosystem, esm.file.as_deref()), (Ecosystem::Node, Some("esm-2.1.0.tgz")));
    assert_eq!(esm.url.as_deref(), Some(format!("{}/@s/esm/-/esm-2.1.0.tgz", url(&registry)).as_str()));
    assert!(esm.digest.as_ref().is_some_and(|digest| digest.starts_with("sha512:") && digest.len() == 7 + 128));
    assert_eq!(installed.requirements, ["@s/esm@^2", "cjs@^1"]);
    assert!(installed.installer.as_ref().is_some_and(|own| own.starts_with("vetrun ")));
    assert_eq!(installed.environment.env.get("NODE_PATH").map(String::as_str), Some("/node_modules"));
    let mounts = installed.mounts();
    assert!(mounts[0].host.join("cjs/node_modules/dep/index.js").is_file());
    drop(installed);
    assert!(super::goes(&mounts[0].host), "the folder goes with the value");
}

#[test]
fn what_is_not_the_file_of_the_lock_is_refused() {
    let sound = tgz("a", "1.0.0", &[]);
    let wanted = serde_json::json!({ "a": "1" });
    let other = tgz("a", "1.0.0", &[("x.js", "")]);
    let rules_by = |served: &[&Tgz], entry: (String, serde_json::Value), change: &dyn Fn(&mut InstallPolicy)| {
        let registry = registry(served);
        let mut policy = policy(&registry);
        change(&mut policy);
        let installed = install(files(&wanted, vec![entry]), &policy, &Idle, None).unwrap();
        assert!(!installed.is_sound() && installed.mounts().is_empty());
        let asked = registry.asked.lock().unwrap().len();
        (rules(&installed).join(" "), asked)
    };
    let refused = |rule: &str, asked| (rule.to_owned(), asked);
    let as_it_is = |_: &mut InstallPolicy| {};
    let own = || entry("a", &sound, &nothing());
    assert_eq!(rules_by(&[&other], own(), &as_it_is), refused("node-package-not-installable", 1));
    assert_eq!(rules_by(&[], own(), &as_it_is), refused("node-package-not-installable", 1));
    let little = |policy: &mut InstallPolicy| policy.download_bytes_max = ByteSize::kib(0);
    assert_eq!(rules_by(&[&sound], own(), &little), refused("node-package-not-installable", 1));
    let narrow = |policy: &mut InstallPolicy| policy.installed_files_max = 0;
    assert_eq!(rules_by(&[&sound], own(), &narrow), refused("node-archive-bomb", 1));
    let small = |policy: &mut InstallPolicy| policy.installed_bytes_max = ByteSize::kib(0);
    assert_eq!(rules_by(&[&sound], own(), &small), refused("package-over-limit", 1));
    let unnamed = |policy: &mut InstallPolicy| policy.npm_registry_url = None;
    assert_eq!(rules_by(&[&sound], own(), &unnamed), refused("node-registry-unknown", 0));
    let away = entry("a", &sound, &serde_json::json!({ "resolved": "https://other.invalid/a/-/a-1.0.0.tgz" }));
    assert_eq!(rules_by(&[&sound], away, &as_it_is), refused("node-package-not-from-registry", 0));
    let unfit = entry("a", &sound, &serde_json::json!({ "os": ["win32"] }));
    assert_eq!(rules_by(&[&sound], unfit, &as_it_is), refused("node-package-unfit", 0));
    let another = tgz("a", "1.0.0", &[("package.json", r#"{"name":"b","version":"1.0.0"}"#)]);
    assert_eq!(
        rules_by(&[&another], entry("a", &another, &nothing()), &as_it_is),
        refused("node-package-is-another", 1)
    );
    let mut tar = Vec::new();
    member(&mut tar, "package.json", b'0', r#"{"name":"a","version":"1.0.0"}"#);
    member(&mut tar, "x", b'2', "");
    let link = Tgz { name: "a", version: "1.0.0", bytes: gz(&tar) };
    assert_eq!(rules_by(&[&link], entry("a", &link, &nothing()), &as_it_is), refused("node-archive-link", 1));
}

#[test]
fn a_registry_that_fails_is_not_the_artifacts_fault() {
    let sound = tgz("a", "1.0.0", &[]);
    let registry = registry(&[&sound]);
    registry.fail();
    let files = files(&serde_json::json!({ "a": "1" }), vec![entry("a", &sound, &nothing())]);
    let error = install(files, &policy(&registry), &Idle, None).unwrap_err();
    assert!(matches!(error, InstallError::Index { .. }), "{error}");
}

#[test]
fn an_address_in_the_lock_may_be_the_one_that_is_used() {
    let sound = tgz("a", "1.0.0", &[]);
    let registry = registry(&[&sound]);
    let address = format!("{}/a/-/a-1.0.0.tgz", url(&registry));
    let entry = entry("a", &sound, &serde_json::json!({ "resolved": address }));
    let installed =
        install(files(&serde_json::json!({ "a": "1" }), vec![entry]), &policy(&registry), &Idle, None).unwrap();
    assert_eq!(installed.findings, []);
    assert_eq!(installed.packages.len(), 1);
}

#[test]
fn an_altered_archive_in_the_store_is_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let sound = tgz("a", "1.0.0", &[]);
    let registry = registry(&[&sound]);
    let store = Store::open(folder.path(), "a build", u64::MAX).unwrap();
    let again = || {
        let files = files(&serde_json::json!({ "a": "1" }), vec![entry("a", &sound, &nothing())]);
        drop(install(files, &policy(&registry), &Idle, Some(&store)).unwrap());
        std::fs::remove_dir_all(folder.path().join("layers")).unwrap();
        std::fs::create_dir(folder.path().join("layers")).unwrap();
        registry.asked.lock().unwrap().len()
    };
    assert_eq!((again(), again()), (1, 1), "the archive is there already");
    let kept = std::fs::read_dir(folder.path().join("wheels")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(kept, "altered").unwrap();
    assert_eq!(again(), 2);
}

#[test]
fn an_artifact_may_have_packages_of_python_and_of_node() {
    let Some(sandbox) = sandbox() else {
        println!("nothing isolates here: not run");
        return;
    };
    let wheels = [wheel("good", "1.0", &[("good/__init__.py", "VALUE = 42\n")], &Options::default())];
    let index = index(&wheels, Form::Json);
    let package = tgz("a", "1.0.0", &[("index.js", "module.exports = 7;")]);
    let registry = registry(&[&package]);
    let mut files = files(&serde_json::json!({ "a": "1" }), vec![entry("a", &package, &nothing())]);
    files.push(SourceFile::new("requirements.txt", "good==1.0\n".as_bytes()));
    let policy = InstallPolicy { index_url: Some(index.url.clone()), ..policy(&registry) };
    let installed = install(files, &policy, &sandbox, None).unwrap();
    assert_eq!(installed.findings, []);
    let names: Vec<_> = installed.packages.iter().map(|one| (one.ecosystem, one.name.as_str())).collect();
    assert_eq!(names, [(Ecosystem::Python, "good"), (Ecosystem::Node, "a")]);
    assert_eq!(installed.mounts().len(), 2);
    let code = "const fs = require('fs'); console.log(require('a'), fs.existsSync('/deps/good/__init__.py'));";
    assert_eq!(run(&sandbox, &installed, "x.js", code), "7 true");
}

/// Where nothing can be mounted, Node is told by a variable where packages are; `import` knows of none.
#[test]
fn without_namespaces_packages_are_found_by_require() {
    // Root's programs are other users there, so an interpreter that all may execute goes first.
    let search = ["/usr/local/bin", "/usr/bin"].map(std::path::PathBuf::from).to_vec();
    let launcher = std::path::PathBuf::from(env!("CARGO_BIN_EXE_vetrun"));
    let Ok(sandbox) = NativeSandbox::with_walls(launcher, search, Walls::Landlock) else {
        println!("nothing isolates here without namespaces: not run");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (files, registry) = several(folder.path());
    let installed = install(files, &policy(&registry), &sandbox, None).unwrap();
    let code = "import('cjs').catch(error => console.log(require('cjs').tell(), 'and', error.code));";
    assert_eq!(run(&sandbox, &installed, "x.js", code), "cjs with dep 1.0.0 and ERR_MODULE_NOT_FOUND");
}
