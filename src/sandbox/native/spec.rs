//! What the supervisor and the launcher say to each other: a [`Create`] and later a [`Start`] in, some [`Event`]s out.
//!
//! The two steps are those of the OCI runtime specification: what takes time is done before it is known what will run.
//! The supervisor decides everything (what is mounted where, which limits, which ids); the launcher carries it out and
//! holds no policy of its own. Both are plain data, so that a test can look at a plan without running it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name under which this program starts itself as the launcher; its first argument and its only one.
pub const LAUNCHER_NAME: &str = "vetrun-launcher";

/// The user and group that the program has inside.
pub(super) const TARGET_ID: u32 = 1000;
/// The user and group of the first process inside, which only waits. Another user than the program's, so that the
/// program can neither signal nor inspect it.
pub(super) const INIT_ID: u32 = 1001;

/// What keeps a program in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walls {
    /// Namespaces and a root folder of its own; Landlock and the system call filters beside.
    Namespaces,
    /// Landlock and the filters alone, where nobody may make namespaces: the program lives among the host's files and
    /// processes, and can use none but its own.
    Landlock,
}

/// What a run is made of, before it is told what to execute.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Create {
    /// Whose rights the launcher starts with, and which ids the program gets.
    pub(super) ids: Ids,
    /// The folders of the host that the program may write; `None` where it has namespaces, and so folders of its own.
    pub(super) grounds: Option<Writable>,
    /// What every run can see.
    pub(super) view: View,
    /// What can be reached.
    pub(super) net: Net,
    /// What each process, and each file system, may use.
    pub(super) caps: Caps,
    /// Whether the first of the descriptors that come along is a network namespace to enter.
    pub(super) has_network: bool,
    /// What the others are.
    pub(super) cgroups: Entrances,
    /// Whether refused calls are told of.
    pub(super) trace: bool,
    /// What is made.
    pub(super) part: Part,
}

/// What a launcher makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    /// A container whose program is executed.
    Executed,
    /// One whose program is forked from a template. The template's socket comes before the control groups.
    Forked {
        /// The path of the program that the template executes.
        interpreter: String,
    },
    /// A template.
    Template,
}

impl Create {
    /// What keeps the program in.
    pub(super) fn walls(&self) -> Walls {
        if self.grounds.is_some() { Walls::Landlock } else { Walls::Namespaces }
    }

    /// The program's user and group, as they are numbered where it runs.
    pub(super) fn target(&self) -> u32 {
        match (self.walls(), self.ids) {
            (Walls::Landlock, Ids::Root { base }) => base,
            (Walls::Landlock, Ids::User { uid, .. }) => uid,
            (Walls::Namespaces, _) => TARGET_ID,
        }
    }
}

/// What a run executes. With it come descriptors: the program's standard input, output and error.
///
/// An interpreter that [waits](Start::waits) is told later, by a second one of these without descriptors, of which it takes
/// the command line and what is lent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    /// The command line, its first part a path or a name.
    pub(super) argv: Vec<String>,
    /// The whole environment.
    pub(super) env: BTreeMap<String, String>,
    /// The working directory.
    pub(super) cwd: String,
    /// What this program can see beside.
    pub(super) lent: Lent,
    /// Whether the program waits to be told what to do, over the socket whose number it gets as its last argument.
    pub(super) waits: bool,
}

/// What the program enters its control groups by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Entrances {
    /// Files of version 1, so many, to which a thread writes "0" to move itself; none where there are no groups.
    Files(usize),
    /// The folder of a group of version 2, in which a process can begin its life.
    Folder,
}

impl Entrances {
    /// How many descriptors they are.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Files(count) => count,
            Self::Folder => 1,
        }
    }
}

/// Folders of the host that belong to one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Writable {
    /// The output folder.
    pub(super) out: String,
    /// The scratch folder.
    pub(super) tmp: String,
    /// Whether it may use the host's shared memory.
    pub(super) shares_memory: bool,
    /// The port of the gateway, where there is one.
    pub(super) port: Option<u16>,
}

/// Whose rights the launcher starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ids {
    /// Root: [`TARGET_ID`] and [`INIT_ID`] inside become `base` and `base + 1` on the host, which nobody uses.
    Root {
        /// The first of two unused ids of the host.
        base: u32,
    },
    /// An ordinary user, who can give nothing but the own id.
    User {
        /// The user outside.
        uid: u32,
        /// The group outside.
        gid: u32,
    },
}

/// What a run can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Net {
    /// A network namespace with nothing but its own loopback.
    None,
    /// A network namespace with one listening socket on its loopback.
    Gateway,
    /// The host's network namespace.
    Full,
}

/// What every run can see.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct View {
    /// Parts of the host.
    pub(super) lent: Lent,
    /// Empty folders of the root folder.
    pub(super) folders: Vec<String>,
    /// Symbolic links of the root folder: path, and what it says.
    pub(super) links: Vec<(String, String)>,
    /// Small files made for the run: path and content.
    pub(super) files: Vec<(String, String)>,
}

/// Parts of the host that can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lent {
    /// Host paths shown read-only, parents before children.
    pub(super) binds: Vec<Bind>,
    /// Folders inside them that are covered by an empty one.
    pub(super) hidden: Vec<String>,
}

/// A host path shown read-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bind {
    /// The path on the host.
    pub(super) host: String,
    /// The path inside.
    pub(super) inside: String,
    /// Whether it is a folder.
    pub(super) folder: bool,
    /// Whether files that only vetrun's own user may read are shown as the program's own.
    pub(super) own: bool,
}

/// Limits that the launcher sets: of processes and of file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Caps {
    /// Open files of a process.
    pub(super) open_files: u64,
    /// Bytes of one file.
    pub(super) file_bytes: u64,
    /// Processes and threads of the program's user.
    pub(super) pids: u64,
    /// Private writable memory of one process, in bytes; `None` where a control group holds the sum.
    pub(super) data_bytes: Option<u64>,
    /// Bytes in the output folder.
    pub(super) out_bytes: u64,
    /// Files and folders in the output folder.
    pub(super) out_files: u64,
    /// Bytes in the scratch folder.
    pub(super) tmp_bytes: u64,
    /// Bytes of shared memory.
    pub(super) shm_bytes: u64,
}

/// What the launcher tells.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Event {
    /// The root folder is made and the first process inside lives. With it come descriptors: that process, the folders
    /// `/out`, `/tmp` and `/dev/shm`, and of the network the listening socket, or, without a gateway and where root started
    /// it, the namespace. Without namespaces the launcher itself is that process, and the only descriptor.
    Ready {
        /// The first process, as the host numbers it.
        init: i32,
    },
    /// Everything holds, and what becomes the program waits for its [`Start`]. Where the run is traced, the listener comes
    /// with it.
    Created {
        /// Whether Landlock holds.
        landlock: bool,
        /// Why the run is not traced although it was to be: what the kernel said.
        untraced: Option<i32>,
    },
    /// Something that the run needs could not be done; nothing was executed.
    Failed(Fault),
    /// The program to execute is not there, or cannot be executed.
    NoProgram(Fault),
    /// The program ended.
    Ended {
        /// The status as `wait4` gave it.
        status: i32,
        /// User and system time of the program and of the children it waited for, in microseconds.
        cpu_us: u64,
        /// The largest resident set of one process, in KiB.
        max_rss_kib: u64,
        /// Whether it is known that nothing it started is left.
        alone: bool,
    },
}

/// What failed, and what the kernel said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fault {
    /// What was tried, as an infinitive: `mount /proc`.
    pub(super) action: String,
    /// The error number.
    pub(super) errno: i32,
}

impl Fault {
    /// A fault from what the kernel said while `action` was tried.
    pub(super) fn new(action: impl Into<String>, error: impl Into<std::io::Error>) -> Self {
        let error: std::io::Error = error.into();
        Self { action: action.into(), errno: error.raw_os_error().unwrap_or(libc::EIO) }
    }
}

/// Names the action that failed.
pub(super) trait Tried<T> {
    /// Turns an error into a [`Fault`] that says what was tried.
    fn tried(self, action: &str) -> Result<T, Fault>;
    /// The same, with a text that is only made when it is needed.
    fn tried_with(self, action: impl FnOnce() -> String) -> Result<T, Fault>;
}

impl<T, E: Into<std::io::Error>> Tried<T> for Result<T, E> {
    fn tried(self, action: &str) -> Result<T, Fault> {
        self.map_err(|error| Fault::new(action, error))
    }

    fn tried_with(self, action: impl FnOnce() -> String) -> Result<T, Fault> {
        self.map_err(|error| Fault::new(action(), error))
    }
}
