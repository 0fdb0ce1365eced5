//! A package index on this host's loopback, as the proxy's upstream.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::wheel::{Wheel, sha256};

/// Answers by path: media type and body.
pub(super) type Answers = HashMap<String, (&'static str, Vec<u8>)>;

/// A running index; it serves until the test's process ends.
pub(super) struct Index {
    pub(super) url: String,
    /// The paths that were asked for.
    pub(super) asked: Arc<Mutex<Vec<String>>>,
    pub(super) fails: Arc<AtomicBool>,
}

/// How an index presents its wheels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Html,
    /// JSON whose digests are wrong.
    WrongDigests,
    /// JSON that tells when files were uploaded: version 2.0 in this second, others in 2020.
    NewestIsNew,
}

impl Index {
    /// From now on it answers with an error.
    pub(super) fn fail(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }
}

pub(super) fn index(wheels: &[Wheel], form: Form) -> Index {
    let mut answers = Answers::new();
    for name in wheels.iter().map(|wheel| &wheel.name) {
        let own: Vec<&Wheel> = wheels.iter().filter(|wheel| wheel.name == *name).collect();
        let digest = |wheel: &Wheel| if form == Form::WrongDigests { "0".repeat(64) } else { sha256(&wheel.bytes) };
        let page = match form {
            Form::Html => {
                let anchors = own.iter().map(|wheel| {
                    format!("<a href=\"../../files/{0}#sha256={1}\">{0}</a>\n", wheel.filename, digest(wheel))
                });
                ("text/html", anchors.collect::<String>())
            }
            _ => {
                let files = own.iter().map(|wheel| {
                    let uploaded = match form {
                        Form::NewestIsNew if wheel.filename.contains("-2.0-") => Some(now()),
                        Form::NewestIsNew => Some("2020-01-01T00:00:00.000000Z".to_owned()),
                        _ => None,
                    };
                    serde_json::json!({ "filename": wheel.filename, "url": format!("/files/{}", wheel.filename), "hashes": { "sha256": digest(wheel) }, "upload-time": uploaded })
                });
                let page = serde_json::json!({ "meta": { "api-version": "1.0" }, "name": name, "files": files.collect::<Vec<_>>() });
                ("application/vnd.pypi.simple.v1+json", page.to_string())
            }
        };
        answers.insert(format!("/simple/{name}/"), (page.0, page.1.into_bytes()));
    }
    for wheel in wheels {
        answers.insert(format!("/files/{}", wheel.filename), ("application/octet-stream", wheel.bytes.clone()));
    }
    serve(answers)
}

fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

pub(super) fn serve(answers: Answers) -> Index {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/simple/", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let fails = Arc::new(AtomicBool::new(false));
    let (answers, log, failing) = (Arc::new(answers), Arc::clone(&asked), Arc::clone(&fails));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answers, log, failing) = (Arc::clone(&answers), Arc::clone(&log), Arc::clone(&failing));
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut first = String::new();
                let mut line = String::new();
                let _ = reader.read_line(&mut first);
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                log.lock().unwrap().push(path.clone());
                let missing = ("text/plain", Vec::new());
                let found = answers.get(&path).map_or((404, &missing), |answer| (200, answer));
                let (status, (kind, body)) = if failing.load(Ordering::SeqCst) { (503, &missing) } else { found };
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let mut stream = stream;
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            });
        }
    });
    Index { url, asked, fails }
}
