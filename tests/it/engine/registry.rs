//! A registry of one image, on this host's loopback: as much of the protocol as pulling needs.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use vetrun::artifact::Digest;

/// What is served, by path: its type and its bytes.
type Files = BTreeMap<String, (&'static str, Vec<u8>)>;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

pub(super) struct Registry {
    port: u16,
    /// `sha256:…` of the manifest.
    pub(super) digest: String,
    closed: Arc<AtomicBool>,
}

impl Registry {
    pub(super) fn start() -> Self {
        let layer = layer();
        let architecture = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
        let config = json!({
            "architecture": architecture, "os": "linux", "config": { "Env": ["PATH=/tool/bin"] },
            "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
        });
        let config = config.to_string().into_bytes();
        let part =
            |kind: &str, bytes: &[u8]| json!({ "mediaType": kind, "size": bytes.len(), "digest": digest(bytes) });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": part(CONFIG, &config), "layers": [part(LAYER, &layer)],
        });
        let manifest = manifest.to_string().into_bytes();
        let of_manifest = digest(&manifest);
        let mut files = Files::from([("/v2/".to_owned(), ("application/json", b"{}".to_vec()))]);
        for name in ["1", &of_manifest] {
            files.insert(format!("/v2/tool/manifests/{name}"), (MANIFEST, manifest.clone()));
        }
        for blob in [config, layer] {
            files.insert(format!("/v2/tool/blobs/{}", digest(&blob)), ("application/octet-stream", blob));
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let closed = Arc::new(AtomicBool::new(false));
        let (files, is_closed) = (Arc::new(files), Arc::clone(&closed));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let files = Arc::clone(&files);
                if is_closed.load(Ordering::SeqCst) {
                    continue;
                }
                // The engine asks again where a connection breaks off.
                std::thread::spawn(move || serve(stream, &files).ok());
            }
        });
        Self { port, digest: of_manifest, closed }
    }

    /// The name of its image, without a tag.
    pub(super) fn repository(&self) -> String {
        format!("127.0.0.1:{}/tool", self.port)
    }

    /// From now on it hangs up on everybody.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }
}

fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

/// An archive with one file.
fn layer() -> Vec<u8> {
    let folder = crate::support::folder(&[("tool/readme", "an image without any program\n")]);
    let tar = Command::new("tar").args(["--create", "--directory"]).arg(folder.path()).arg("tool").output().unwrap();
    assert!(tar.status.success());
    tar.stdout
}

fn serve(stream: TcpStream, files: &Files) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut out = stream;
    while let Some(request) = lines.next().transpose()? {
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let mut words = request.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (status, kind, body) = match files.get(path) {
            Some((kind, body)) => ("200 OK", *kind, body.as_slice()),
            None => ("404 Not Found", "application/json", &b"{}"[..]),
        };
        write!(out, "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len())?;
        write!(out, "Docker-Content-Digest: {}\r\n\r\n", digest(body))?;
        if method == "GET" {
            out.write_all(body)?;
        }
    }
    Ok(())
}
