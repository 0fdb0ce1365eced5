//! The connection to the engine, what the engine says of itself, and the image that runs are made from.

use std::error::Error as StdError;
use std::time::Duration;

use bollard::models::{ImageInspect, SystemInfo, SystemInfoCgroupVersionEnum};
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
}

/// The image that runs are made from, pinned by its content.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// The name that was asked for.
    pub(super) name: String,
    /// `sha256:…`, the digest of the image's configuration.
    pub(super) id: String,
    /// `PATH` of its programs.
    pub(super) path: String,
}

/// The `PATH` of an image that names none.
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

fn open(address: &str) -> Result<Docker, bollard::errors::Error> {
    if address.starts_with("tcp://") || address.starts_with("http://") {
        Docker::connect_with_http(address, REQUEST_SECONDS_MAX, API_DEFAULT_VERSION)
    } else if address.starts_with("unix://") || address.starts_with('/') {
        Docker::connect_with_unix(address, REQUEST_SECONDS_MAX, API_DEFAULT_VERSION)
    } else {
        Err(bollard::errors::Error::UnsupportedURISchemeError { uri: address.to_owned() })
    }
}

fn no_engine(address: &str, error: &bollard::errors::Error) -> SandboxError {
    unavailable(format!("no engine can be reached at {address}: {}", causes(error)), MEND_ENGINE)
}

/// What the engine says of itself.
pub(super) async fn features(client: &Docker) -> Result<Features, SandboxError> {
    let info = client.info().await.map_err(|error| failed("ask the engine what it can do", error))?;
    Ok(Features::from_info(&info))
}

impl Features {
    fn from_info(info: &SystemInfo) -> Self {
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
        }
    }

    /// What does the counting: `cgroup v1`.
    pub(super) fn cgroup(&self) -> String {
        self.cgroup_version.map_or_else(|| "cgroup".to_owned(), |version| format!("cgroup v{version}"))
    }

    /// One line for reports.
    pub(super) fn tier(&self) -> String {
        let mode = if self.rootless { "rootless " } else { "" };
        format!("{mode}container of engine {} with {}", self.server, self.cgroup())
    }
}

/// Looks up an image that is there already; nothing is ever pulled.
pub(super) async fn image(client: &Docker, name: &str) -> Result<Image, SandboxError> {
    match client.inspect_image(name).await {
        Ok(found) => image_of(name, &found),
        Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Err(unavailable(
            format!("the image {name} is not there"),
            &format!(
                "build it with `.ci/build-image {name}`, fetch it with `docker pull {name}`, or name another with --image"
            ),
        )),
        Err(error) => Err(failed("look up the image", error)),
    }
}

fn image_of(name: &str, found: &ImageInspect) -> Result<Image, SandboxError> {
    let Some(id) = found.id.clone().filter(|id| !id.is_empty()) else {
        return Err(failed("look up the image", Said("the engine told no digest".to_owned())));
    };
    let env = found.config.as_ref().and_then(|config| config.env.clone()).unwrap_or_default();
    let path = env.iter().find_map(|pair| pair.strip_prefix("PATH=")).unwrap_or(PATH_DEFAULT).to_owned();
    Ok(Image { name: name.to_owned(), id, path })
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

/// An error with all its causes in one line.
fn causes(error: &dyn StdError) -> String {
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
