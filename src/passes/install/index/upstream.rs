//! The real index: the only thing that vetrun itself fetches from.

use std::io::Read as _;
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, ResponseExt as _};

use super::super::parallel::AT_ONCE;
use super::address::without_credentials;
use super::page::{JSON_TYPE, Listing, from_html, from_json};

/// The largest page or metadata file that is read.
const PAGE_BYTES_MAX: u64 = 64 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two pieces of a body.
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// A package index.
#[derive(Debug)]
pub(in crate::passes::install) struct Upstream {
    agent: Agent,
    /// Ends in `/`.
    base: String,
}

/// Why nothing came from the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::passes::install) enum Absent {
    /// The index says that it has no such thing.
    Missing,
    /// The index could not be asked, or did not answer sensibly: not the artifact's fault.
    Fault(String),
}

impl Upstream {
    pub(in crate::passes::install) fn new(index_url: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(index_url.starts_with("https://"))
            .max_redirects(5)
            .user_agent(concat!("vetrun/", env!("CARGO_PKG_VERSION")))
            // Each of those who ask at once keeps its connection: a new one costs a look-up of the name, and more.
            .max_idle_connections(AT_ONCE)
            .max_idle_connections_per_host(AT_ONCE)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(RESPONSE_TIMEOUT))
            .timeout_per_read(Some(READ_TIMEOUT))
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build());
        Self { agent: config.build().into(), base: format!("{}/", index_url.trim_end_matches('/')) }
    }

    /// What the index offers under a normalised name.
    pub(in crate::passes::install) fn page(&self, name: &str) -> Result<Listing, Absent> {
        let accept = format!("{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1");
        let response = self.get(&format!("{}{name}/", self.base), &accept, true)?;
        let url = response.get_uri().to_string();
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = kind.is_some_and(|kind| kind.contains("json"));
        let bytes = whole(response, PAGE_BYTES_MAX).map_err(Absent::Fault)?;
        let fault = |what: String| Absent::Fault(format!("the index page of {name} cannot be read: {what}"));
        if is_json {
            return from_json(name, &url, &bytes).map_err(fault);
        }
        let text = String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8".to_owned()))?;
        Ok(from_html(name, &url, &text))
    }

    /// A small file as a whole.
    pub(in crate::passes::install) fn small(&self, url: &str) -> Result<Vec<u8>, Absent> {
        whole(self.get(url, "*/*", false)?, PAGE_BYTES_MAX).map_err(Absent::Fault)
    }

    /// A file, its body still to be read, and its length where the server says it.
    pub(in crate::passes::install) fn file(&self, url: &str) -> Result<(Body, Option<u64>), Absent> {
        let body = self.get(url, "*/*", false)?.into_body();
        let length = body.content_length();
        Ok((body, length))
    }

    fn get(&self, url: &str, accept: &str, compressed: bool) -> Result<Response<Body>, Absent> {
        let request = self.agent.get(url).header(header::ACCEPT, accept);
        // A digest is that of the file itself, so the file must come as it is.
        let request = if compressed { request } else { request.header(header::ACCEPT_ENCODING, "identity") };
        let shown = without_credentials(url);
        let response = request.call().map_err(|error| Absent::Fault(format!("{shown} cannot be fetched: {error}")))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(Absent::Missing),
            status => Err(Absent::Fault(format!("{shown} answers with status {}", status.as_u16()))),
        }
    }
}

fn whole(response: Response<Body>, bytes_max: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut body = response.into_body().into_reader().take(bytes_max + 1);
    body.read_to_end(&mut bytes).map_err(|error| format!("the answer breaks off: {error}"))?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("the answer is longer than {bytes_max} bytes"));
    }
    Ok(bytes)
}
