//! The images that runs are made from: found at the engine, pulled where that is allowed, pinned by their content.
//!
//! A name may mean another image tomorrow; a digest never does. So an image is looked up once, containers are made from
//! its id, and reports name it together with its digest. What a report names can be asked for again: a digest that
//! belongs to no registry's manifest is looked for among the engine's own ids.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as EngineError;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;

use super::DEFAULT_IMAGE;
use super::engine::{Said, causes, failed, unavailable};
use super::options::{DockerOptions, Pull, Pulled};
use crate::sandbox::SandboxError;

/// The image that runs are made from, pinned by its content.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// The name that was asked for.
    pub(super) name: String,
    /// `sha256:…`, the digest of the image's configuration, which is the engine's own name for it.
    pub(super) id: String,
    /// The name and the digest that says which image it was: a registry's digest where it came from one, else the id.
    pub(super) pinned: String,
    /// `PATH` of its programs.
    pub(super) path: String,
    /// Its labels.
    pub(super) labels: HashMap<String, String>,
}

/// The `PATH` of an image that names none.
const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How often a pull looks whether it was interrupted.
const TICK: Duration = Duration::from_millis(50);

/// The image called `name`; pulled where the engine does not have it and that is allowed.
pub(super) async fn image(client: &Docker, name: &str, options: &DockerOptions) -> Result<Image, SandboxError> {
    if let Some(found) = find(client, name).await? {
        return Ok(found);
    }
    let pinned = name.contains('@');
    let allowed = match options.pull {
        Pull::Never => false,
        Pull::Pinned => pinned,
        // Nobody but its builder has the default image, so whoever offers that name means something else.
        Pull::Missing => pinned || !is_default(name),
    };
    if !allowed {
        return Err(unavailable(format!("the image {name} is not there"), &mend(name)));
    }
    pull(client, name, options).await?;
    let found = find(client, name).await?;
    found.ok_or_else(|| failed("pull the image", Said("it was pulled and is not there".to_owned())))
}

/// The image called `name`, where the engine has it.
pub(super) async fn find(client: &Docker, name: &str) -> Result<Option<Image>, SandboxError> {
    let found = match inspect(client, name).await? {
        Some(found) => Some(found),
        None => match name.split_once('@') {
            Some((_, digest)) => inspect(client, digest).await?.filter(|found| found.id.as_deref() == Some(digest)),
            None => None,
        },
    };
    found.map(|found| image_of(name, found)).transpose()
}

async fn inspect(client: &Docker, name: &str) -> Result<Option<ImageInspect>, SandboxError> {
    match client.inspect_image(name).await {
        Ok(found) => Ok(Some(found)),
        Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(EngineError::DockerResponseServerError { status_code: 400, message }) => Err(unavailable(
            format!("`{name}` is no name of an image: {message}"),
            "write it as NAME:TAG or NAME@sha256:…",
        )),
        Err(error) => Err(failed("look up the image", error)),
    }
}

fn is_default(name: &str) -> bool {
    let bare = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
    bare(name) == bare(DEFAULT_IMAGE)
}

fn mend(name: &str) -> String {
    if is_default(name) {
        "build it with `vetrun image build`, or name another with --image".to_owned()
    } else {
        format!(
            "fetch it with `docker pull {name}`, let vetrun fetch it with --pull missing, or name another with --image"
        )
    }
}

fn image_of(name: &str, found: ImageInspect) -> Result<Image, SandboxError> {
    let Some(id) = found.id.filter(|id| !id.is_empty()) else {
        return Err(failed("look up the image", Said("the engine told no digest".to_owned())));
    };
    let config = found.config.unwrap_or_default();
    let env = config.env.unwrap_or_default();
    let path = env.iter().find_map(|pair| pair.strip_prefix("PATH=")).unwrap_or(PATH_DEFAULT).to_owned();
    let pinned = pinned(name, &id, &found.repo_digests.unwrap_or_default());
    Ok(Image { name: name.to_owned(), id, pinned, path, labels: config.labels.unwrap_or_default() })
}

/// `name@sha256:…`. An image can be in several repositories, each with a digest of its own.
fn pinned(name: &str, id: &str, repo_digests: &[String]) -> String {
    if name.contains('@') {
        return name.to_owned();
    }
    let repository = without_tag(name);
    let digests = || repo_digests.iter().filter_map(|entry| entry.split_once('@'));
    // Some engines tell the registry, too, where it was not asked for.
    let with_registry = || digests().find(|(of, _)| of.ends_with(&format!("/{repository}")));
    let own = digests().find(|(of, _)| *of == repository).or_else(with_registry);
    let digest = own.map_or(id, |(_, digest)| digest);
    format!("{name}@{digest}")
}

fn without_tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        // A colon before a slash belongs to a port.
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

/// What the engine is asked for: the repository, and a tag or a digest. Without either it would pull all tags.
fn asked(name: &str) -> (&str, &str) {
    if let Some((name, digest)) = name.split_once('@') {
        return (without_tag(name), digest);
    }
    let repository = without_tag(name);
    (repository, name.get(repository.len() + 1..).unwrap_or("latest"))
}

async fn pull(client: &Docker, name: &str, options: &DockerOptions) -> Result<(), SandboxError> {
    let (repository, tag) = asked(name);
    let query = CreateImageOptionsBuilder::default().from_image(repository).tag(tag).build();
    let mut steps = Box::pin(client.create_image(Some(query), None, None));
    let mut layers = Layers::new(name);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            step = steps.next() => match step {
                None => break,
                Some(Ok(step)) => {
                    layers.take(&step);
                    tell(options, &layers.sum(false));
                }
                Some(Err(error)) => return Err(not_pulled(name, &error)),
            },
            _ = tick.tick() => if options.stop.is_raised() {
                return Err(failed("pull the image", Said("interrupted".to_owned())));
            },
        }
    }
    tell(options, &layers.sum(true));
    Ok(())
}

fn tell(options: &DockerOptions, pulled: &Pulled) {
    if let Some(on_pull) = &options.on_pull {
        on_pull(pulled);
    }
}

fn not_pulled(name: &str, error: &EngineError) -> SandboxError {
    let reason = format!("the image {name} is not there and could not be pulled: {}", causes(error));
    let mend = "check its name and whether the engine reaches the registry; without a network, carry it over with \
                `docker save` and `docker load`, or build the default image with `vetrun image build`";
    unavailable(reason, mend)
}

/// What is known of the layers of an image while it is pulled.
struct Layers<'a> {
    image: &'a str,
    /// Bytes that have arrived and bytes in all, by the layer's name.
    bytes: HashMap<String, (u64, u64)>,
}

impl<'a> Layers<'a> {
    fn new(image: &'a str) -> Self {
        Self { image, bytes: HashMap::new() }
    }

    fn take(&mut self, step: &CreateImageInfo) {
        let Some(id) = &step.id else { return };
        let status = step.status.as_deref().unwrap_or_default();
        let positive = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        if let Some(detail) = step.progress_detail.as_ref().filter(|_| status == "Downloading") {
            self.bytes.insert(id.clone(), (positive(detail.current), positive(detail.total)));
        } else if let Some((arrived, total)) = self.bytes.get_mut(id)
            && matches!(status, "Download complete" | "Pull complete" | "Extracting")
        {
            *arrived = *total;
        }
    }

    fn sum(&self, done: bool) -> Pulled {
        let (bytes, bytes_total) = self.bytes.values().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        Pulled { image: self.image.to_owned(), bytes, bytes_total, done }
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    #[test]
    fn a_name_is_pinned_by_the_digest_of_its_own_repository() {
        let digests =
            ["else/python@sha256:1".to_owned(), "python@sha256:2".to_owned(), "r.example/a/tool@sha256:3".to_owned()];
        let cases = [
            ("python:3.12-slim", "python:3.12-slim@sha256:2"),
            ("python", "python@sha256:2"),
            ("python:3@sha256:9", "python:3@sha256:9"),
            ("r.example:5000/a/tool:1", "r.example:5000/a/tool:1@sha256:id"),
            ("r.example/a/tool:1", "r.example/a/tool:1@sha256:3"),
            ("a/tool", "a/tool@sha256:3"),
            ("vetrun-sandbox:latest", "vetrun-sandbox:latest@sha256:id"),
        ];
        for (name, expected) in cases {
            assert_eq!(pinned(name, "sha256:id", &digests), expected);
        }
    }

    #[test]
    fn one_tag_or_one_digest_is_asked_for() {
        let cases = [
            ("python", ("python", "latest")),
            ("python:3.12", ("python", "3.12")),
            ("r.example:5000/a/b", ("r.example:5000/a/b", "latest")),
            ("r.example:5000/a/b:c", ("r.example:5000/a/b", "c")),
            ("python:3@sha256:12", ("python", "sha256:12")),
        ];
        for (name, expected) in cases {
            assert_eq!(asked(name), expected, "{name}");
        }
        assert!(is_default("vetrun-sandbox") && is_default("vetrun-sandbox:latest") && !is_default("vetrun-sandbox:2"));
    }

    #[test]
    fn layers_add_up() {
        let step = |id: &str, status: &str, detail: Option<(i64, i64)>| CreateImageInfo {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            progress_detail: detail
                .map(|(current, total)| ProgressDetail { current: Some(current), total: Some(total) }),
            error_detail: None,
        };
        let mut layers = Layers::new("a");
        for step in [
            step("x", "Pulling fs layer", None),
            step("x", "Downloading", Some((10, 100))),
            step("y", "Downloading", Some((5, 50))),
            step("y", "Download complete", None),
            step("y", "Extracting", Some((1, 50))),
        ] {
            layers.take(&step);
        }
        assert_eq!(layers.sum(false), Pulled { image: "a".into(), bytes: 60, bytes_total: 150, done: false });
    }
}
