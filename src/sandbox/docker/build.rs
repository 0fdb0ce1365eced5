//! The default image, made from Debian packages on this machine: no image registry is asked for anything.
//!
//! `mmdebstrap` unpacks the packages of this machine's own release, from its own apt sources, into an archive; the engine
//! takes that archive as an image. The archive is a file first, since a failure half-way must not become an image. A
//! label holds the digest of the recipe, so that an image of this recipe is not built again and one of another is.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use bollard::query_parameters::CreateImageOptionsBuilder;
use bollard::{Docker, body_try_stream};
use futures_util::StreamExt as _;

use super::engine::{self, Said, failed, unavailable};
use super::image::{self, Image};
use super::options::DockerOptions;
use super::runtime;
use crate::artifact::Digest;
use crate::sandbox::{SandboxError, Stop, folder_prefix};

/// In every image: the interpreters, what installs packages, and what programs of agents are used to find.
const PACKAGES: &[&str] = &["ca-certificates", "curl", "git", "nodejs", "python3", "python3-pip"];
/// What compiles extension modules.
const BUILD_TOOLS: &[&str] = &["build-essential", "pkg-config", "python3-dev"];
/// Files of packages that no program reads. Copyright notices stay.
const LEFT_OUT: &[&str] = &[
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
];
/// Run by the bootstrap in the new root folder, `$1`.
const HOOKS: &[&str] = &[
    "chroot \"$1\" useradd --no-create-home --home-dir /tmp/home --shell /usr/sbin/nologin --uid 10001 sandboxuser",
    "rm -rf \"$1\"/var/lib/apt/lists/* \"$1\"/var/cache/apt/*.bin \"$1\"/etc/apt/apt.conf.d/99mmdebstrap",
];
/// How the engine is told to start it.
const CHANGES: &[&str] = &[
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "USER sandboxuser",
    "WORKDIR /tmp",
    "CMD [\"python3\"]",
    "LABEL vetrun.image=sandbox",
];
/// The label that holds the recipe's digest.
const RECIPE: &str = "vetrun.recipe";
/// The engine answers when it has unpacked the whole archive.
const IMPORT_TIME: Duration = Duration::from_secs(900);
/// Bytes handed to the engine at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Lines of the bootstrap's output that an error shows.
const LINES_SHOWN: usize = 12;
/// How often the bootstrap is looked at.
const TICK: Duration = Duration::from_millis(100);

/// What goes into the image.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// The image's name.
    pub name: String,
    /// Whether compilers and headers are in it.
    pub build_tools: bool,
    /// Debian packages beside those that are always there.
    pub packages: Vec<String>,
    /// The release, and the mirror that it is taken from; this machine's own when none.
    pub release: Option<(String, String)>,
}

/// How it came to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Built {
    /// It was built.
    Now,
    /// One of the same recipe was there.
    Before,
}

impl Recipe {
    fn all_packages(&self) -> Vec<&str> {
        let tools = if self.build_tools { BUILD_TOOLS } else { &[] };
        let mut all: Vec<&str> =
            PACKAGES.iter().chain(tools).copied().chain(self.packages.iter().map(String::as_str)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The digest of everything that decides what is in the image, but for what the archive holds at that time.
    fn digest(&self, source: &Source) -> Digest {
        let release = [source.release.clone(), source.mirror.clone().unwrap_or_default()];
        let words = self.all_packages().into_iter().chain(release.iter().map(String::as_str));
        let all: Vec<&str> = words.chain(LEFT_OUT.iter().chain(HOOKS).chain(CHANGES).copied()).collect();
        Digest::of(all.join("\n").as_bytes())
    }

    fn check(&self) -> Result<(), SandboxError> {
        let is_plain = |name: &str| {
            name.starts_with(|char: char| char.is_ascii_alphanumeric())
                && name.chars().all(|char| char.is_ascii_alphanumeric() || "+-.:".contains(char))
        };
        match self.packages.iter().find(|name| !is_plain(name)) {
            Some(name) => Err(unavailable(format!("`{name}` is no name of a Debian package"), "name it as apt does")),
            None => Ok(()),
        }
    }
}

/// Where packages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    release: String,
    mirror: Option<String>,
    /// Files among apt's sources.
    files: Vec<PathBuf>,
}

/// Builds the image of `recipe` with the `mmdebstrap` at that path; `told` gets each line that it says.
///
/// # Errors
/// [`SandboxError`] when no engine answers, this machine cannot build, or building failed. Then there is no new image.
pub fn build(
    recipe: &Recipe,
    force: bool,
    mmdebstrap: Option<&Path>,
    options: &DockerOptions,
    told: &(dyn Fn(&str) + Sync),
) -> Result<(Built, String), SandboxError> {
    recipe.check()?;
    let runtime = runtime()?;
    let client = runtime.block_on(engine::connect(options.socket.as_deref()))?.with_timeout(IMPORT_TIME);
    let source = source(recipe)?;
    let digest = recipe.digest(&source).to_string();
    let there = runtime.block_on(image::find(&client, &recipe.name))?;
    if let Some(there) = there.filter(|there| !force && there.labels.get(RECIPE) == Some(&digest)) {
        return Ok((Built::Before, there.pinned));
    }
    let Some(mmdebstrap) = mmdebstrap else {
        let mend = "install it (`apt-get install mmdebstrap`), or build on a Debian machine and carry the image over with \
                    `docker save` and `docker load`";
        return Err(unavailable("building an image needs mmdebstrap, which is not on the PATH", mend));
    };
    let folder = tempfile::Builder::new().prefix(&folder_prefix()).tempdir();
    let folder = folder.map_err(|error| failed("make a temporary folder", error))?;
    let archive = folder.path().join("root.tar");
    bootstrap(command(mmdebstrap, recipe, &source, folder.path(), &archive), &options.stop, told)?;
    told("handing the archive to the engine");
    let image = runtime.block_on(import(&client, recipe, &digest, &archive))?;
    Ok((Built::Now, image.pinned))
}

fn source(recipe: &Recipe) -> Result<Source, SandboxError> {
    if let Some((release, mirror)) = &recipe.release {
        return Ok(Source { release: release.clone(), mirror: Some(mirror.clone()), files: Vec::new() });
    }
    let mend = "build on a Debian machine, or name a release and its mirror with --suite and --mirror";
    let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let Some(release) = release_name(&os) else {
        return Err(unavailable("this machine is no Debian: /etc/os-release names no release", mend));
    };
    let files = release_sources(&release, Path::new("/etc/apt"));
    if files.is_empty() {
        return Err(unavailable(format!("no file of /etc/apt names the release {release}"), mend));
    }
    Ok(Source { release, mirror: None, files })
}

fn release_name(os_release: &str) -> Option<String> {
    let name = os_release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty())
}

/// The files among apt's sources that name the release itself, so that other vendors' archives stay out.
fn release_sources(release: &str, apt: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(apt.join("sources.list.d")).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = std::iter::once(apt.join("sources.list")).chain(listed).collect();
    let is_list = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "list" || ext == "sources");
    let names_release = |line: &str| {
        let code = line.split('#').next().unwrap_or_default();
        code.split_whitespace().skip(1).any(|word| word == release)
    };
    let holds = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.lines().any(names_release));
    files.retain(|path| is_list(path) && holds(path));
    files.sort();
    files
}

fn command(mmdebstrap: &Path, recipe: &Recipe, source: &Source, scratch: &Path, archive: &Path) -> Command {
    let mut command = Command::new(mmdebstrap);
    let is_root = rustix::process::geteuid().is_root();
    command.env("TMPDIR", scratch).arg(if is_root { "--mode=root" } else { "--mode=auto" });
    command.args(["--variant=minbase", &format!("--include={}", recipe.all_packages().join(","))]);
    for option in ["APT::Install-Recommends \"false\"", "Acquire::Languages \"none\"", "Acquire::Retries \"3\""] {
        command.arg(format!("--aptopt={option}"));
    }
    command.args(LEFT_OUT.iter().map(|option| format!("--dpkgopt={option}")));
    command.args(HOOKS.iter().map(|hook| format!("--customize-hook={hook}")));
    command.arg(&source.release).arg(archive).args(source.mirror.iter()).args(&source.files);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs the bootstrap to its end.
fn bootstrap(mut command: Command, stop: &Stop, told: &(dyn Fn(&str) + Sync)) -> Result<(), SandboxError> {
    let action = "unpack the packages";
    let mut child = command.spawn().map_err(|error| failed(action, error))?;
    let stderr = child.stderr.take();
    let (ended, last) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last = VecDeque::new();
            for line in BufReader::new(stderr.map_or_else(empty, boxed)).lines().map_while(Result::ok) {
                told(&line);
                last.push_back(line);
                if last.len() > LINES_SHOWN {
                    last.pop_front();
                }
            }
            last
        });
        (wait(&mut child, stop), reader.join().unwrap_or_default())
    });
    let status = ended.map_err(|error| failed(action, error))?;
    match status {
        None => Err(failed(action, Said("interrupted".to_owned()))),
        Some(status) if status.success() => Ok(()),
        Some(status) => {
            let said: Vec<_> = last.into();
            Err(failed(action, Said(format!("mmdebstrap ended with {status}: {}", said.join("; ")))))
        }
    }
}

fn boxed(stderr: std::process::ChildStderr) -> Box<dyn io::Read + Send> {
    Box::new(stderr)
}

fn empty() -> Box<dyn io::Read + Send> {
    Box::new(io::empty())
}

/// Waits for a child; `None` when it was ended because of `stop`.
fn wait(child: &mut Child, stop: &Stop) -> io::Result<Option<std::process::ExitStatus>> {
    let mut interrupted = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((!interrupted).then_some(status));
        }
        if stop.is_raised() && !interrupted {
            interrupted = true;
            // It takes away what it mounted when it is asked to end.
            let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
            if let Some(pid) = pid {
                rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
            }
        }
        thread::sleep(TICK);
    }
}

async fn import(client: &Docker, recipe: &Recipe, digest: &str, archive: &Path) -> Result<Image, SandboxError> {
    let action = "hand the image to the engine";
    let mut file = File::open(archive).map_err(|error| failed(action, error))?;
    // The file is on this machine's disk: to read a part of it takes no longer than to hand it over.
    let chunks = std::iter::from_fn(move || {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        match file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk) {
            Ok(0) => None,
            Ok(_) => Some(Ok(chunk.into())),
            Err(error) => Some(Err(error)),
        }
    });
    let label = format!("LABEL {RECIPE}={digest}");
    let changes: Vec<String> = CHANGES.iter().map(|&change| change.to_owned()).chain([label]).collect();
    let query = CreateImageOptionsBuilder::default().from_src("-").repo(&recipe.name).changes(changes).build();
    let body = body_try_stream(futures_util::stream::iter(chunks));
    let mut steps = Box::pin(client.create_image(Some(query), Some(body), None));
    while let Some(step) = steps.next().await {
        step.map_err(|error| failed(action, error))?;
    }
    let built = image::find(client, &recipe.name).await?;
    built.ok_or_else(|| failed(action, Said("it took the archive and has no such image".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(release: &str) -> Source {
        Source { release: release.to_owned(), mirror: None, files: Vec::new() }
    }

    #[test]
    fn a_recipe_is_told_by_what_is_in_it() {
        let plain = Recipe { name: "a".to_owned(), ..Recipe::default() };
        let renamed = Recipe { name: "b".to_owned(), ..Recipe::default() };
        let again = Recipe { packages: vec!["git".to_owned()], ..plain.clone() };
        let tools = Recipe { build_tools: true, ..plain.clone() };
        let other = Recipe { packages: vec!["jq".to_owned()], ..plain.clone() };
        assert_eq!(plain.digest(&source("x")), renamed.digest(&source("x")));
        assert_eq!(plain.digest(&source("x")), again.digest(&source("x")), "git is always there");
        for different in [tools.digest(&source("x")), other.digest(&source("x")), plain.digest(&source("y"))] {
            assert_ne!(different, plain.digest(&source("x")));
        }
        assert!(
            tools.all_packages().contains(&"build-essential") && !plain.all_packages().contains(&"build-essential")
        );
    }

    #[test]
    fn what_is_no_package_is_refused() {
        let with = |name: &str| Recipe { packages: vec![name.to_owned()], ..Recipe::default() };
        for name in ["jq", "libstdc++6", "python3.11", "gcc:amd64"] {
            assert!(with(name).check().is_ok(), "{name}");
        }
        for name in ["", "-o", "jq,rm", "a b", "?obsolete", "../x"] {
            assert!(with(name).check().is_err(), "{name}");
        }
    }

    #[test]
    fn only_the_releases_own_sources_are_used() {
        let apt = tempfile::tempdir().unwrap();
        fs::create_dir(apt.path().join("sources.list.d")).unwrap();
        let write = |name: &str, text: &str| fs::write(apt.path().join("sources.list.d").join(name), text).unwrap();
        write(
            "a.sources",
            "Types: deb\nURIs: http://a.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n",
        );
        write("b.list", "deb http://b.example/tool stable main\n# deb http://b.example bookworm main\n");
        write("c.list", "deb [signed-by=/x] http://c.example/debian bookworm main\n");
        write("d.list.save", "deb http://d.example/debian bookworm main\n");
        let names: Vec<_> = release_sources("bookworm", apt.path())
            .into_iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["a.sources", "c.list"]);
        assert_eq!(release_name("ID=debian\nVERSION_CODENAME=bookworm\n").as_deref(), Some("bookworm"));
        assert_eq!(release_name("ID=fedora\nVERSION_CODENAME=\"\"\n"), None);
    }
}
