//! What several test modules need: the built binary, and what it said.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The built `vetrun`, with nothing of this machine's environment but the search path and the certificates.
pub(crate) fn vetrun() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vetrun"));
    command.env_clear().current_dir(root()).stdin(Stdio::null());
    for name in ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "DOCKER_HOST"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs `vetrun` with these arguments.
pub(crate) fn run(args: &[&str]) -> Output {
    vetrun().args(args).output().expect("vetrun starts")
}

/// The package's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The JSON report on standard output.
pub(crate) fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("no JSON report: {error}\n{}", shown(output)))
}

/// A report without its times, its log and what tells the time of its passes.
pub(crate) fn timeless(mut report: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| !key.ends_with("At") && !key.ends_with("Ms") && key != "logs");
                map.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut report);
    report
}

/// Both streams, for failure messages.
pub(crate) fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("exit {:?}\n{}\n{}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path: PathBuf = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    dir
}

/// A path as an argument.
pub(crate) fn arg(path: &Path) -> &str {
    path.to_str().expect("test paths are UTF-8")
}

/// The native sandbox of the built binary.
pub(crate) fn native() -> vetrun::sandbox::native::NativeSandbox {
    let launcher = Path::new(env!("CARGO_BIN_EXE_vetrun"));
    vetrun::sandbox::native::NativeSandbox::new(launcher.to_owned(), search_path())
        .unwrap_or_else(|error| panic!("the native sandbox works here: {error}"))
}

/// The folders in which interpreters are looked for.
pub(crate) fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}
