//! The side of the proxy that the sandbox sees: a small HTTP/1.1 server, one request a connection.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sha2::{Digest as _, Sha256};

use super::super::index::{Absent, JSON_TYPE, Metadata, Offer, to_html, to_json};
use super::{ProxyRequest, Source, State};
use crate::finding::hex;

/// Connections served at once; more wait in the socket's queue.
const CONNECTIONS_MAX: usize = 64;
/// The longest request head, in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Header lines of a request.
const HEADERS_MAX: usize = 64;
/// For one piece to or from the sandbox.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the end of the service waits for connections that still wait for the index.
const GRACE: Duration = Duration::from_secs(3);
const PIECE_BYTES: usize = 64 << 10;

/// A running service; dropping it ends it.
pub(super) struct Server {
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(state: Arc<State>, listener: TcpListener) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let acceptor = thread::Builder::new().name("index-proxy".to_owned());
        let acceptor = acceptor.spawn(move || accept(&state, &listener, &flag));
        // Without a thread the installer finds nobody at the socket and fails, which the install pass reports.
        Self { stop, acceptor: acceptor.ok() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(acceptor) = self.acceptor.take() {
            let _panicked = acceptor.join();
        }
    }
}

fn accept(state: &Arc<State>, listener: &TcpListener, stop: &Arc<AtomicBool>) {
    let open = Arc::new(AtomicUsize::new(0));
    let tick = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    let _blocking_also_works = listener.set_nonblocking(true);
    while !stop.load(Ordering::SeqCst) {
        if open.load(Ordering::SeqCst) >= CONNECTIONS_MAX {
            thread::sleep(Duration::from_millis(5));
            continue;
        }
        let mut fds = [PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)];
        let ready = poll(&mut fds, Some(&tick)).unwrap_or(0);
        let Some((stream, _)) = (ready > 0).then(|| listener.accept().ok()).flatten() else { continue };
        open.fetch_add(1, Ordering::SeqCst);
        let slot = Slot(Arc::clone(&open));
        let (state, stop) = (Arc::clone(state), Arc::clone(stop));
        let _refused_when_out_of_threads = thread::Builder::new().spawn(move || {
            let _slot = slot;
            Connection { state: &state, stop: &stop, stream }.run();
        });
    }
    // Connections see the flag at their next piece; one that waits for the index ends by that wait's own limit.
    let deadline = Instant::now() + GRACE;
    while open.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Counts a connection for as long as it lives.
struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Connection<'a> {
    state: &'a State,
    stop: &'a AtomicBool,
    stream: TcpStream,
}

/// What was asked.
struct Asked {
    method: String,
    path: String,
    accepts_json: bool,
}

/// An answer with a body that is there as a whole.
struct Answer {
    status: u16,
    kind: &'static str,
    body: Vec<u8>,
}

impl Answer {
    fn text(status: u16, text: impl Into<String>) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: text.into().into_bytes() }
    }
}

impl Connection<'_> {
    fn run(mut self) {
        let _accepted_sockets_may_inherit_it = self.stream.set_nonblocking(false);
        let timeouts = self.stream.set_read_timeout(Some(SOCKET_TIMEOUT));
        if timeouts.and_then(|()| self.stream.set_write_timeout(Some(SOCKET_TIMEOUT))).is_err() {
            return;
        }
        let Some(asked) = self.read_request() else {
            let sent = self.send(&Answer::text(400, "this is not a request that is understood here\n"), false);
            self.log("?", "?", 400, sent);
            return;
        };
        let head_only = asked.method == "HEAD";
        let (status, bytes) = match self.route(&asked) {
            Ok(answer) => (answer.status, self.send(&answer, head_only)),
            Err(offer) => self.send_file(&offer, head_only),
        };
        self.log(&asked.method, &asked.path, status, bytes);
    }

    fn log(&self, method: &str, path: &str, status: u16, bytes: u64) {
        self.state.log(ProxyRequest { method: method.to_owned(), path: path.to_owned(), status, bytes });
    }

    fn read_request(&mut self) -> Option<Asked> {
        let mut head = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let read = self.stream.read(&mut piece).ok().filter(|&read| read > 0)?;
            head.extend_from_slice(&piece[..read]);
            if let Some(asked) = parse_head(&head).ok()? {
                return Some(asked);
            }
            if head.len() > HEAD_BYTES_MAX || self.stop.load(Ordering::SeqCst) {
                return None;
            }
        }
    }

    /// The answer, or the wheel to send.
    fn route(&self, asked: &Asked) -> Result<Answer, Box<Offer>> {
        let nothing = || Answer::text(404, "there is nothing here\n");
        if !matches!(asked.method.as_str(), "GET" | "HEAD") {
            return Ok(Answer::text(405, "only GET and HEAD are served\n"));
        }
        let parts: Vec<&str> = asked.path.split('/').collect();
        match parts.as_slice() {
            ["", "simple", name] | ["", "simple", name, ""] => Ok(self.page(name, asked.accepts_json)),
            ["", "files", token, file] => match file.strip_suffix(".metadata") {
                Some(wheel) => Ok(self.state.offer(token, wheel).map_or_else(nothing, |offer| self.metadata(&offer))),
                None => self.state.offer(token, file).map_or_else(|| Ok(nothing()), |offer| Err(Box::new(offer))),
            },
            _ => Ok(nothing()),
        }
    }

    fn page(&self, name: &str, as_json: bool) -> Answer {
        match self.state.page(name) {
            Ok(Some(offers)) if as_json => Answer { status: 200, kind: JSON_TYPE, body: to_json(name, &offers) },
            Ok(Some(offers)) => Answer { status: 200, kind: "text/html; charset=utf-8", body: to_html(&offers) },
            Ok(None) => Answer::text(404, "the index has no such package\n"),
            Err(_) => Answer::text(502, "the index cannot be reached\n"),
        }
    }

    fn metadata(&self, offer: &Offer) -> Answer {
        let Metadata::Offered(digest) = &offer.metadata else {
            return Answer::text(404, "there is no metadata beside this file\n");
        };
        let Source::Index(upstream) = &self.state.source else {
            return Answer::text(404, "there is no metadata beside this file\n");
        };
        match upstream.small(&format!("{}.metadata", offer.url)) {
            Ok(body) if digest.as_ref().is_none_or(|digest| *digest == hex(&Sha256::digest(&body))) => {
                Answer { status: 200, kind: "application/octet-stream", body }
            }
            Ok(_) => {
                self.state.refuse(format!("the metadata of {} is not what the index page names", offer.filename));
                Answer::text(502, "the metadata is not what the index page names\n")
            }
            Err(Absent::Missing) => Answer::text(404, "the index has no such file\n"),
            Err(Absent::Fault(what)) => {
                self.state.fault(what);
                Answer::text(502, "the index cannot be reached\n")
            }
        }
    }

    /// Sends an answer; how many bytes of its body went out.
    fn send(&mut self, answer: &Answer, head_only: bool) -> u64 {
        let head = head(answer.status, answer.kind, Some(answer.body.len() as u64));
        let body: &[u8] = if head_only { &[] } else { &answer.body };
        let sent = self.stream.write_all(head.as_bytes()).and_then(|()| self.stream.write_all(body));
        sent.map_or(0, |()| body.len() as u64)
    }

    /// Sends a wheel while its digest is computed. The last piece is held back until the digest is known to be right:
    /// a wrong file never arrives as a whole. Returns the status (0 where it broke off) and the bytes sent.
    fn send_file(&mut self, offer: &Offer, head_only: bool) -> (u16, u64) {
        let too_large = |size: u64| size > self.state.download_bytes_max;
        let upstream = match &self.state.source {
            Source::Index(upstream) => upstream,
            Source::Files(files) => return self.send_own(offer, files, head_only),
        };
        let (body, length) = match upstream.file(&offer.url) {
            Ok(opened) => opened,
            Err(Absent::Missing) => {
                return (404, self.send(&Answer::text(404, "the index has no such file\n"), head_only));
            }
            Err(Absent::Fault(what)) => {
                self.state.fault(what);
                return (502, self.send(&Answer::text(502, "the index cannot be reached\n"), head_only));
            }
        };
        if length.or(offer.size).is_some_and(too_large) {
            self.state.refuse(self.over_limit(offer));
            return (403, self.send(&Answer::text(403, "the file is larger than the policy allows\n"), head_only));
        }
        let head = head(200, "application/octet-stream", length);
        if self.stream.write_all(head.as_bytes()).is_err() || head_only {
            return (200, 0);
        }
        let (sent, is_whole) = self.pump(&mut body.into_reader(), offer, length.is_none());
        (if is_whole { 200 } else { 0 }, sent)
    }

    /// Sends a wheel that is on this host.
    fn send_own(&mut self, offer: &Offer, files: &HashMap<String, PathBuf>, head_only: bool) -> (u16, u64) {
        let path = offer.sha256.as_ref().and_then(|digest| files.get(digest));
        let answer = match path.map(std::fs::read) {
            Some(Ok(body)) => Answer { status: 200, kind: "application/octet-stream", body },
            Some(Err(error)) => {
                self.state.fault(format!("{} cannot be read: {error}", offer.filename));
                Answer::text(502, "the file cannot be read\n")
            }
            None => Answer::text(404, "there is nothing here\n"),
        };
        (answer.status, self.send(&answer, head_only))
    }

    fn over_limit(&self, offer: &Offer) -> String {
        let limit = self.state.download_bytes_max;
        format!("{} is larger than `install.download_bytes_max`, {limit} bytes", offer.filename)
    }

    /// The bytes sent, and whether the whole file went out and is right.
    fn pump(&mut self, body: &mut impl Read, offer: &Offer, chunked: bool) -> (u64, bool) {
        let mut hasher = Sha256::new();
        let (mut held, mut piece) = (Vec::new(), vec![0; PIECE_BYTES]);
        let (mut read_bytes, mut sent) = (0_u64, 0_u64);
        loop {
            let read = match body.read(&mut piece) {
                Ok(read) => read,
                Err(error) => {
                    self.state.fault(format!("{} breaks off: {error}", offer.filename));
                    return (sent, false);
                }
            };
            read_bytes += read as u64;
            hasher.update(&piece[..read]);
            if read_bytes > self.state.download_bytes_max {
                self.state.refuse(self.over_limit(offer));
                return (sent, false);
            }
            if read == 0 {
                break;
            }
            if self.stop.load(Ordering::SeqCst) || self.send_piece(&held, chunked).is_err() {
                return (sent, false);
            }
            sent += held.len() as u64;
            held.clear();
            held.extend_from_slice(&piece[..read]);
        }
        let digest = hex(&hasher.finalize());
        if offer.sha256.as_ref().is_some_and(|wanted| *wanted != digest) {
            self.state.refuse(format!("{} is not the file that the index page names", offer.filename));
            return (sent, false);
        }
        let ended = self.send_piece(&held, chunked);
        let ended = ended.and_then(|()| if chunked { self.stream.write_all(b"0\r\n\r\n") } else { Ok(()) });
        (sent + held.len() as u64, ended.is_ok())
    }

    fn send_piece(&mut self, piece: &[u8], chunked: bool) -> std::io::Result<()> {
        if piece.is_empty() || !chunked {
            return self.stream.write_all(piece);
        }
        write!(self.stream, "{:x}\r\n", piece.len())?;
        self.stream.write_all(piece)?;
        self.stream.write_all(b"\r\n")
    }
}

/// `Ok(None)` where more has to come.
fn parse_head(head: &[u8]) -> Result<Option<Asked>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    if request.parse(head)?.is_partial() {
        return Ok(None);
    }
    let accepts_json = request.headers.iter().any(|header| {
        header.name.eq_ignore_ascii_case("accept") && String::from_utf8_lossy(header.value).contains(JSON_TYPE)
    });
    let path = request.path.unwrap_or_default().split(['?', '#']).next().unwrap_or_default();
    Ok(Some(Asked {
        method: request.method.unwrap_or_default().to_owned(),
        path: path.chars().filter(|char| !char.is_control()).take(1024).collect(),
        accepts_json,
    }))
}

fn head(status: u16, kind: &str, length: Option<u64>) -> String {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Bad Gateway",
    };
    let framing = match length {
        Some(length) => format!("Content-Length: {length}"),
        None => "Transfer-Encoding: chunked".to_owned(),
    };
    format!("HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n{framing}\r\nConnection: close\r\n\r\n")
}
