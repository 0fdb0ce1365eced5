//! What whoever makes this back end can choose: the engine, the images, and what is let pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::DEFAULT_IMAGE;
use crate::sandbox::{Interpreter, Limits, Stop};

/// When an image that the engine does not have is pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pull {
    /// Never.
    Never,
    /// When it is named by its digest, so that what comes is what was meant.
    #[default]
    Pinned,
    /// Whenever it is missing.
    Missing,
}

/// How files come into containers and out of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Files {
    /// By mounts, where the engine and what runs in the container see what vetrun sees; else as archives.
    #[default]
    Auto,
    /// By mounts; what the engine cannot see is an error.
    Mount,
    /// As archives, over the engine's interface alone.
    Archive,
}

/// A folder that vetrun and the engine see under different paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its path here.
    pub inside: PathBuf,
    /// Its path where the engine runs: a Unix path, or one of Windows (`C:\work`).
    pub outside: String,
}

/// How far pulling an image has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// The image.
    pub image: String,
    /// Bytes that have arrived.
    pub bytes: u64,
    /// Bytes of all layers that are known of so far.
    pub bytes_total: u64,
    /// Whether the image is there now.
    pub done: bool,
}

/// Told how far a pull has come.
pub type OnPull = Arc<dyn Fn(&Pulled) + Send + Sync>;

/// Everything that can be chosen.
#[derive(Clone)]
pub struct DockerOptions {
    /// Where the engine listens: `unix:///…`, `tcp://…`, `http://…` or a path; [`super::DEFAULT_SOCKET`] when none.
    pub socket: Option<String>,
    /// The image of what has none of its own.
    pub image: String,
    /// The images of single interpreters. Commands run in Python's, so that packages are installed where they are used.
    pub images: BTreeMap<Interpreter, String>,
    /// When a missing image is pulled.
    pub pull: Pull,
    /// The runtime that the engine is to use, by the name that it lists it under; its default when none.
    pub runtime: Option<String>,
    /// Limits (`memory`, `cpus`, `pids`) that need not be held where the engine cannot hold them.
    pub unenforced: BTreeSet<String>,
    /// How files come into containers and out of them.
    pub files: Files,
    /// A folder that the engine sees under another path. Temporary folders are made in it.
    pub workspace: Option<Workspace>,
    /// How many containers are kept started, for one program of these limits each.
    pub warm: Option<(usize, Limits)>,
    /// Ends a pull.
    pub stop: Stop,
    /// Told how far a pull has come.
    pub on_pull: Option<OnPull>,
}

impl Default for DockerOptions {
    fn default() -> Self {
        Self {
            socket: None,
            image: DEFAULT_IMAGE.to_owned(),
            images: BTreeMap::new(),
            pull: Pull::default(),
            runtime: None,
            unenforced: BTreeSet::new(),
            files: Files::default(),
            workspace: None,
            warm: None,
            stop: Stop::default(),
            on_pull: None,
        }
    }
}

impl fmt::Debug for DockerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerOptions")
            .field("socket", &self.socket)
            .field("image", &self.image)
            .field("images", &self.images)
            .field("pull", &self.pull)
            .field("runtime", &self.runtime)
            .field("unenforced", &self.unenforced)
            .field("files", &self.files)
            .field("workspace", &self.workspace)
            .field("warm", &self.warm)
            .finish_non_exhaustive()
    }
}
