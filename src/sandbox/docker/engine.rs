//! The connection to the engine, what the engine says of itself, and whether that is enough.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::time::Duration;

use bollard::errors::Error as EngineError;
use bollard::models::{SystemInfo, SystemInfoCgroupVersionEnum};
use bollard::{API_DEFAULT_VERSION, Docker};

use crate::sandbox::SandboxError;

/// The name of this back end on the command line and in reports.
pub(super) const BACKEND: &str = "docker";

/// Where an engine listens when nothing else is said.
pub const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";

/// How long one request may take, in seconds. Starting a container on a loaded machine takes some.
const REQUEST_SECONDS_MAX: u64 = 120;
/// How long the engine may take to answer the first request.
const GREETING_MAX: Duration = Duration::from_secs(10);

/// What to do when no engine answers.
const MEND_ENGINE: &str = "start the Docker engine and let this user reach its socket, or set DOCKER_HOST";

/// What the engine can enforce, by its own word.
#[derive(Clone, Debug)]
pub(super) struct Features {
    pub(super) server: String,
    pub(super) cgroup_version: Option<u8>,
    pub(super) memory: bool,
    pub(super) swap: bool,
    pub(super) pids: bool,
    pub(super) cpu_quota: bool,
    pub(super) seccomp: bool,
    pub(super) rootless: bool,
    pub(super) user_namespaces: bool,
    /// Whether it is Podman, which speaks the same language with an accent.
    pub(super) is_podman: bool,
    /// The folder that it keeps everything in.
    pub(super) root: String,
    /// The runtimes that it lists, sorted.
    pub(super) runtimes: Vec<String>,
    /// The runtime that it is asked for; its default when none.
    pub(super) runtime: Option<String>,
}

/// Connects to the engine at `socket`: `unix:///…`, `tcp://…`, `http://…` or a plain path.
pub(super) async fn connect(socket: Option<&str>) -> Result<Docker, SandboxError> {
    let address = socket.unwrap_or(DEFAULT_SOCKET);
    let client = open(address).map_err(|error| no_engine(address, &error))?;
    match tokio::time::timeout(GREETING_MAX, client.negotiate_version()).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(no_engine(address, &error)),
        Err(_) => Err(unavailable(format!("the engine at {address} does not answer"), MEND_ENGINE)),
    }
}

fn open(address: &str) -> Result<Docker, EngineError> {
    if address.starts_with("tcp://") || address.starts_with("http://") {
        Docker::connect_with_http(address, REQUEST_SECONDS_MAX, API_DEFAULT_VERSION)
    } else if address.starts_with("unix://") || address.starts_with('/') {
        Docker::connect_with_unix(address, REQUEST_SECONDS_MAX, API_DEFAULT_VERSION)
    } else {
        Err(EngineError::UnsupportedURISchemeError { uri: address.to_owned() })
    }
}

fn no_engine(address: &str, error: &EngineError) -> SandboxError {
    unavailable(format!("no engine can be reached at {address}: {}", causes(error)), MEND_ENGINE)
}

/// What the engine says of itself.
pub(super) async fn features(client: &Docker) -> Result<Features, SandboxError> {
    let asked = |error| failed("ask the engine what it can do", error);
    let info = client.info().await.map_err(asked)?;
    let version = client.version().await.map_err(asked)?;
    let is_podman = version.components.iter().flatten().any(|part| part.name.starts_with("Podman"));
    Ok(Features { is_podman, ..Features::from_info(&info) })
}

impl Features {
    pub(super) fn from_info(info: &SystemInfo) -> Self {
        let options = info.security_options.clone().unwrap_or_default();
        let has = |name: &str| options.iter().any(|option| option.split(',').any(|part| part == name));
        Self {
            server: info.server_version.clone().unwrap_or_default(),
            cgroup_version: match info.cgroup_version {
                Some(SystemInfoCgroupVersionEnum::_1) => Some(1),
                Some(SystemInfoCgroupVersionEnum::_2) => Some(2),
                _ => None,
            },
            memory: info.memory_limit == Some(true),
            swap: info.swap_limit == Some(true) || info.cgroup_version == Some(SystemInfoCgroupVersionEnum::_2),
            pids: info.pids_limit == Some(true),
            cpu_quota: info.cpu_cfs_quota == Some(true),
            seccomp: has("name=seccomp"),
            rootless: has("name=rootless"),
            user_namespaces: has("name=userns") || has("name=rootless"),
            is_podman: false,
            root: info.docker_root_dir.clone().unwrap_or_default(),
            runtimes: info
                .runtimes
                .iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            runtime: None,
        }
    }

    /// With the runtime that is asked for, which the engine must know.
    pub(super) fn with_runtime(mut self, runtime: Option<&str>) -> Result<Self, SandboxError> {
        if let Some(name) = runtime
            && !self.runtimes.iter().any(|known| known == name)
        {
            let reason = format!("the engine has no runtime `{name}` (it has: {})", self.runtimes.join(", "));
            return Err(unavailable(reason, "add it to the engine's configuration, or name another with --runtime"));
        }
        self.runtime = runtime.map(str::to_owned);
        Ok(self)
    }

    /// Refuses an engine that cannot hold a limit, but for those that the policy lets go.
    pub(super) fn require_limits(&self, but: &BTreeSet<String>) -> Result<(), SandboxError> {
        let limits = [("memory", self.memory), ("cpus", self.cpu_quota), ("pids", self.pids)];
        let loose = limits.iter().filter(|(name, held)| !held && !but.contains(*name)).map(|(name, _)| *name);
        let loose: Vec<_> = loose.collect();
        if loose.is_empty() {
            return Ok(());
        }
        let reason = format!(
            "the engine does not hold the limit{} {} here",
            if loose.len() == 1 { "" } else { "s" },
            loose.join(", ")
        );
        let quoted: Vec<_> = loose.iter().map(|name| format!("\"{name}\"")).collect();
        let mend = format!(
            "give it control groups (a rootless engine needs version 2 and delegated controllers), or let it pass with \
             `unenforced_limits = [{}]` under [execute] in the policy",
            quoted.join(", ")
        );
        Err(unavailable(reason, &mend))
    }

    /// What does the counting: `cgroup v1`.
    pub(super) fn cgroup(&self) -> String {
        self.cgroup_version.map_or_else(|| "cgroup".to_owned(), |version| format!("cgroup v{version}"))
    }

    /// One line for reports.
    pub(super) fn tier(&self) -> String {
        let mode = if self.rootless { "rootless " } else { "" };
        let runtime = self.runtime.as_ref().map(|name| format!(" and runtime {name}")).unwrap_or_default();
        let engine = if self.is_podman { "Podman" } else { "engine" };
        format!("{mode}container of {engine} {} with {}{runtime}", self.server, self.cgroup())
    }
}

/// An error text of our own.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Said(pub(super) String);

pub(super) fn unavailable(reason: impl Into<String>, mend: &str) -> SandboxError {
    SandboxError::Unavailable { backend: BACKEND, reason: reason.into(), mend: mend.to_owned() }
}

pub(super) fn failed(action: &str, source: impl StdError + Send + Sync + 'static) -> SandboxError {
    SandboxError::Failed { backend: BACKEND, action: action.to_owned(), source: Box::new(source) }
}

/// Whether a failure is one that passes: the engine is being restarted, or it or the kernel is short of something for a
/// moment.
pub(super) fn is_transient(error: &EngineError) -> bool {
    const PASSING: &[&str] = &[
        // It ended between the engine's look at it and its kill.
        "cannot remove - container",
        "connection refused",
        "connection reset",
        "context canceled",
        "context deadline exceeded",
        "database is locked",
        "device or resource busy",
        "directory not empty",
        "i/o timeout",
        "resource temporarily unavailable",
        "shutting down",
        "too many open files",
        "transport is closing",
        "ttrpc: closed",
        "try again",
    ];
    match error {
        EngineError::DockerResponseServerError { status_code, message } => {
            let message = message.to_lowercase();
            matches!(status_code, 429 | 502..=504)
                || *status_code == 500 && PASSING.iter().any(|part| message.contains(part))
        }
        EngineError::RequestTimeoutError
        | EngineError::IOError { .. }
        | EngineError::HyperResponseError { .. }
        | EngineError::HyperLegacyError { .. }
        | EngineError::SocketNotFoundError(_) => true,
        _ => false,
    }
}

/// An error with all its causes in one line.
pub(super) fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status_code: u16, message: &str) -> EngineError {
        EngineError::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        for error in [
            server(503, ""),
            server(500, "OCI runtime create failed: fork: Resource temporarily unavailable: unknown"),
            server(500, "failed to start shim: ttrpc: closed: unknown"),
            server(500, "Could not kill running container c6, cannot remove - Container c6 is not running"),
            EngineError::IOError { err: std::io::ErrorKind::ConnectionReset.into() },
        ] {
            assert!(is_transient(&error), "{error}");
        }
        for error in [
            server(500, "OCI runtime create failed: exec: \"python3\": executable file not found in $PATH"),
            server(404, "no such image, try again"),
            server(409, "conflict"),
            server(400, "invalid mount config"),
        ] {
            assert!(!is_transient(&error), "{error}");
        }
    }

    #[test]
    fn an_engine_that_holds_no_limit_is_refused_unless_it_is_let_pass() {
        let info = SystemInfo {
            memory_limit: Some(false),
            pids_limit: Some(true),
            cpu_cfs_quota: None,
            ..SystemInfo::default()
        };
        let features = Features::from_info(&info);
        let but = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        let error = features.require_limits(&but(&[])).unwrap_err().to_string();
        assert!(
            error.contains("memory, cpus") && error.contains("unenforced_limits = [\"memory\", \"cpus\"]"),
            "{error}"
        );
        assert!(features.require_limits(&but(&["memory"])).is_err());
        assert!(features.require_limits(&but(&["memory", "cpus"])).is_ok());
    }

    #[test]
    fn a_runtime_must_be_one_that_the_engine_lists() {
        let known = |name: &str| (name.to_owned(), bollard::models::Runtime::default());
        let info = SystemInfo { runtimes: Some([known("runsc"), known("runc")].into()), ..SystemInfo::default() };
        let features = Features::from_info(&info);
        assert!(features.clone().with_runtime(Some("runsc")).unwrap().tier().ends_with("and runtime runsc"));
        assert!(features.clone().with_runtime(None).is_ok());
        let error = features.with_runtime(Some("kata")).unwrap_err().to_string();
        assert!(error.contains("it has: runc, runsc"), "{error}");
    }
}
