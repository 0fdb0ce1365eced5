//! The index proxy: the only thing that an installer in the sandbox can reach.
//!
//! It stands outside the sandbox and serves one socket inside. It answers two kinds of requests, `/simple/<name>/` and
//! `/files/<token>/<file>`, with GET and HEAD alone; a file has an address only after the page that offers it was asked
//! for. What comes through is wheels and their metadata, within a size, with the digest that the page named, and every
//! request is written down.

mod server;

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::server::Server;
use super::index::{Absent, Metadata, Offer, Upstream};
use crate::deps::{Locked, is_normalised};
use crate::sandbox::Gateway;

/// Names that one install may ask for.
const NAMES_MAX: usize = 2000;
/// Requests that are written down.
const LOG_MAX: usize = 20_000;

/// A request that the installer made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProxyRequest {
    /// What was asked for, made printable.
    pub path: String,
    /// The method.
    pub method: String,
    /// The HTTP status of the answer; 0 where the answer broke off.
    pub status: u16,
    /// Bytes of the answer's body.
    pub bytes: u64,
}

/// A filtering view of a package index, for one install.
#[derive(Debug)]
pub struct IndexProxy(Arc<State>);

/// The offers of one name, each with its token.
type Page = Arc<Vec<(u64, Offer)>>;

/// What all connections share.
#[derive(Debug)]
struct State {
    source: Source,
    download_bytes_max: u64,
    seen: Mutex<Seen>,
}

/// Where pages and files come from.
#[derive(Debug)]
enum Source {
    Index(Upstream),
    /// Files of this host, by `sha256`; every page is there already.
    Files(HashMap<String, PathBuf>),
}

#[derive(Debug, Default)]
struct Seen {
    /// For each name that was asked for: the tokens of its files; `None` where the index has no such name.
    pages: HashMap<String, Option<Page>>,
    /// The file of each token.
    files: Vec<Offer>,
    requests: Vec<ProxyRequest>,
    faults: Vec<String>,
    refused: Vec<String>,
}

impl IndexProxy {
    /// A proxy for the index at `index_url`; files larger than `download_bytes_max` do not pass.
    #[must_use]
    pub fn new(index_url: &str, download_bytes_max: u64) -> Self {
        let source = Source::Index(Upstream::new(index_url));
        Self(Arc::new(State { source, download_bytes_max, seen: Mutex::default() }))
    }

    /// A proxy that has these wheels and nothing else, each with the file that holds it.
    pub(super) fn closed(wheels: impl IntoIterator<Item = (Locked, PathBuf)>) -> Self {
        let mut seen = Seen::default();
        let mut files = HashMap::new();
        for (locked, file) in wheels {
            let offer = Offer {
                filename: locked.file,
                url: String::new(),
                sha256: Some(locked.sha256.clone()),
                requires_python: None,
                size: Some(locked.size_bytes),
                uploaded_s: locked.uploaded_s,
                metadata: Metadata::None,
            };
            let token = seen.files.len() as u64;
            seen.files.push(offer.clone());
            seen.pages.insert(locked.name, Some(Arc::new(vec![(token, offer)])));
            files.insert(locked.sha256, file);
        }
        Self(Arc::new(State { source: Source::Files(files), download_bytes_max: u64::MAX, seen: Mutex::new(seen) }))
    }

    /// Every request so far, sorted.
    #[must_use]
    pub fn requests(&self) -> Vec<ProxyRequest> {
        let mut requests = self.0.seen().requests.clone();
        requests.sort();
        requests
    }

    /// What went wrong between the proxy and the index: not the artifact's fault.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.0.seen().faults.clone()
    }

    /// Files that were not let through, and why.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        self.0.seen().refused.clone()
    }
}

impl Gateway for IndexProxy {
    fn serve(&self, listener: TcpListener) -> Box<dyn Send> {
        Box::new(Server::start(Arc::clone(&self.0), listener))
    }
}

impl State {
    /// The state stays sound when a thread that held it panicked: every change to it is a single insertion.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, request: ProxyRequest) {
        let mut seen = self.seen();
        if seen.requests.len() < LOG_MAX {
            seen.requests.push(request);
        }
    }

    fn fault(&self, what: String) {
        let mut seen = self.seen();
        if seen.faults.len() < 100 {
            seen.faults.push(what);
        }
    }

    fn refuse(&self, what: String) {
        let mut seen = self.seen();
        if seen.refused.len() < 100 {
            seen.refused.push(what);
        }
    }

    /// The offers of a name, fetched at most once; `None` where there are none to give.
    fn page(&self, name: &str) -> Result<Option<Page>, String> {
        {
            let seen = self.seen();
            if let Some(page) = seen.pages.get(name) {
                return Ok(page.clone());
            }
            if !is_normalised(name) || seen.pages.len() >= NAMES_MAX {
                return Ok(None);
            }
        }
        let Source::Index(upstream) = &self.source else { return Ok(None) };
        let offers = match upstream.page(name) {
            Ok(listing) => Some(listing.offers),
            Err(Absent::Missing) => None,
            Err(Absent::Fault(what)) => {
                self.fault(what.clone());
                return Err(what);
            }
        };
        let mut seen = self.seen();
        let page = offers.map(|offers| {
            let first = seen.files.len() as u64;
            seen.files.extend(offers.iter().cloned());
            Arc::new((first..).zip(offers).collect())
        });
        Ok(seen.pages.entry(name.to_owned()).or_insert(page).clone())
    }

    /// The file behind `<token>/<filename>`.
    fn offer(&self, token: &str, filename: &str) -> Option<Offer> {
        let at: usize = token.parse().ok()?;
        self.seen().files.get(at).filter(|offer| offer.filename == filename).cloned()
    }
}
