//! Something between vetrun and the engine that answers in the engine's place where a test wants it to, and that can die.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

/// What is answered to a request, by its first line: a status and a body, or nothing but the end of the connection.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    Says(u16, &'static str),
    HangsUp,
}

/// A rule: the request's method and the end of its path, how many times it is answered so, and how.
pub(super) type Rule = (&'static str, &'static str, usize, Answer);

pub(super) struct Proxy {
    folder: tempfile::TempDir,
    shared: Arc<Shared>,
}

struct Shared {
    engine: PathBuf,
    rules: Vec<Rule>,
    used: Mutex<HashMap<usize, usize>>,
    open: Mutex<Vec<UnixStream>>,
}

impl Proxy {
    /// Stands before the engine; `None` where that has no socket of its own.
    pub(super) fn start(rules: &[Rule]) -> Option<Self> {
        let engine = crate::docker::socket().unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
        let engine = PathBuf::from(engine.strip_prefix("unix://")?);
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("engine")).unwrap();
        let shared = Arc::new(Shared { engine, rules: rules.to_vec(), used: Mutex::default(), open: Mutex::default() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                // A connection that breaks off is what these tests are about.
                thread::spawn(move || shared.serve(stream).ok());
            }
        });
        Some(Self { folder, shared })
    }

    pub(super) fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("engine").display())
    }

    /// Takes the engine away: nobody is heard any more, and nobody answers.
    pub(super) fn die(&self) {
        std::fs::remove_file(self.folder.path().join("engine")).unwrap();
        for stream in self.shared.open.lock().unwrap().drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How often each rule was used.
    pub(super) fn used(&self, rule: usize) -> usize {
        self.shared.used.lock().unwrap().get(&rule).copied().unwrap_or_default()
    }
}

impl Shared {
    fn serve(&self, mut client: UnixStream) -> io::Result<()> {
        self.open.lock().unwrap().push(client.try_clone()?);
        let (head, rest) = read_head(&mut client)?;
        if let Some(answer) = self.answer(&head) {
            return respond(client, &head, rest.len(), answer);
        }
        let mut engine = UnixStream::connect(&self.engine)?;
        self.open.lock().unwrap().push(engine.try_clone()?);
        // Each request has a connection of its own, so that each is looked at.
        let is_upgrade = head.to_lowercase().contains("\r\nupgrade:");
        let head = if is_upgrade { head } else { head.replacen("\r\n", "\r\nConnection: close\r\n", 1) };
        engine.write_all(head.as_bytes())?;
        engine.write_all(&rest)?;
        let (mut from_client, mut to_engine) = (client.try_clone()?, engine.try_clone()?);
        thread::spawn(move || {
            let _ = io::copy(&mut from_client, &mut to_engine);
            let _ = to_engine.shutdown(Shutdown::Write);
        });
        let copied = io::copy(&mut engine, &mut client);
        let _ = client.shutdown(Shutdown::Both);
        copied.map(|_| ())
    }

    fn answer(&self, head: &str) -> Option<Answer> {
        let mut words = head.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let path = target.split('?').next().unwrap_or_default();
        let mut used = self.used.lock().unwrap();
        let fits = |(number, rule): &(usize, &Rule)| {
            rule.0 == method && path.ends_with(rule.1) && used.get(number).copied().unwrap_or_default() < rule.2
        };
        let (number, rule) = self.rules.iter().enumerate().find(fits)?;
        *used.entry(number).or_default() += 1;
        Some(rule.3)
    }
}

fn read_head(stream: &mut UnixStream) -> io::Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&part[..count]);
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok((String::from_utf8(read).map_err(io::Error::other)?, rest));
        }
    }
}

fn respond(mut client: UnixStream, head: &str, already: usize, answer: Answer) -> io::Result<()> {
    let length = head.to_lowercase();
    let length = length.split("\r\ncontent-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
    io::copy(&mut (&client).take(length.unwrap_or(0_u64).saturating_sub(already as u64)), &mut io::sink())?;
    if let Answer::Says(status, body) = answer {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n");
        client.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes())?;
    }
    client.shutdown(Shutdown::Both)
}
