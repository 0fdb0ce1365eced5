//! A stand-in for a sandbox that isolates nothing: it runs jobs on this host with their paths mapped. Good for packages
//! that these tests make themselves, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use vetrun::artifact::Digest;
use vetrun::sandbox::{
    Behaviour, Collected, Ended, GATEWAY_PORT, Interpreter, InterpreterInfo, Isolation, Job, Metrics, Network, OUT_DIR,
    Outcome, Program, Sandbox, SandboxError, Stop, Stream, TMP_DIR,
};

pub(super) struct Direct;

impl Sandbox for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    fn run(&self, job: &Job, _: &Stop) -> Result<Outcome, SandboxError> {
        let root = tempfile::tempdir().unwrap();
        let mut map: Vec<(String, PathBuf)> =
            vec![(TMP_DIR.to_owned(), root.path().join("tmp")), (OUT_DIR.to_owned(), root.path().join("out"))];
        map.extend(job.mounts.iter().map(|mount| (mount.inside.clone(), mount.host.clone())));
        std::fs::create_dir_all(root.path().join("tmp/home")).unwrap();
        std::fs::create_dir_all(root.path().join("out")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let _guard = match &job.network {
            Network::Gateway(gateway) => Some(gateway.serve(listener)),
            _ => None,
        };
        let inside_out = |text: &str| {
            let found = map.iter().find(|(inside, _)| text == inside || text.starts_with(&format!("{inside}/")));
            let mapped = found.map(|(inside, host)| format!("{}{}", host.display(), &text[inside.len()..]));
            mapped.unwrap_or_else(|| text.replace(&format!(":{GATEWAY_PORT}/"), &format!(":{port}/")))
        };
        let program = match &job.program {
            Program::Interpreter(kind) => kind.command().to_owned(),
            Program::Command(path) => inside_out(path),
        };
        let mut child = Command::new(&program)
            .args(job.args.iter().map(|arg| inside_out(arg)))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs(job.env.iter().map(|(name, value)| (name, inside_out(value))))
            .current_dir(inside_out(&job.cwd))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&job.stdin).unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let mut stdout = String::new();
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let stderr = errors.join().unwrap();
        for (inside, host) in &map {
            stdout = stdout.replace(host.to_str().unwrap(), inside);
        }
        let code = child.wait().unwrap().code().unwrap_or(-1);
        let mut collected = Collected::default();
        if let Some(into) = &job.collect_into {
            collect(&root.path().join("out"), into, "", &mut collected);
            collected.files.sort();
        }
        let stream = |bytes: Vec<u8>| Stream { bytes_seen: bytes.len() as u64, bytes };
        Ok(Outcome {
            ended: Ended::Exited(code),
            stdout: stream(stdout.into_bytes()),
            stderr: stream(stderr),
            collected,
            metrics: Metrics::default(),
            behaviour: Behaviour::default(),
            isolation: Isolation::default(),
            command: Vec::new(),
            image: None,
            places: std::collections::BTreeMap::new(),
        })
    }

    fn interpreter(&self, kind: Interpreter) -> Result<InterpreterInfo, SandboxError> {
        let output = Command::new(kind.command())
            .args(["-c", "import sys,platform;print(sys.executable,platform.python_version())"])
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let (path, version) = text.trim().split_once(' ').unwrap();
        Ok(InterpreterInfo {
            kind,
            path: path.to_owned(),
            version: version.to_owned(),
            platform: "linux-test".to_owned(),
            identity: format!("{path} {version}"),
        })
    }
}

fn collect(from: &Path, into: &Path, prefix: &str, collected: &mut Collected) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let (source, target) = (entry.path(), into.join(&name));
        if source.is_dir() {
            std::fs::create_dir(&target).unwrap();
            collect(&source, &target, &format!("{prefix}{name}/"), collected);
        } else {
            std::fs::copy(&source, &target).unwrap();
            let bytes = std::fs::read(&source).unwrap();
            collected.files.push((format!("{prefix}{name}"), bytes.len() as u64, Digest::of(&bytes)));
        }
    }
}
