//! The root folder of a run: an empty file system in memory, with read-only views of what the host lends.
//!
//! Every host path is opened as a detached tree *before* anything is mounted, and made read-only, without devices and
//! without set-user-id while nobody can see it yet. So no path of the host is looked up through what was mounted, and
//! there is no moment at which something is writable that should not be.
//!
//! What stays visible: `/proc/self/mountinfo` names the host path behind each bind, that is where interpreters live and
//! what vetrun called its temporary folder. No mount can cover that file, since every process and thread has its own;
//! only copying everything would hide it. The paths lead nowhere inside. And `/usr` is the host's own: a program can
//! learn by `inotify` which of its files the host opens meanwhile, and hold an advisory lock on one until it ends.
#![expect(unsafe_code, reason = "mount_setattr has no wrapper")]

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};

use super::spec::{Bind, Caps, Fault, Ids, Lent, TARGET_ID, Tried, View};
use crate::sandbox::{HOME_DIR, OUT_DIR, TMP_DIR};

/// The folder of the host that the new root is mounted on for a moment; nobody outside this mount namespace sees it.
const STAGE: &str = "/tmp";
/// Bytes of the root folder's own file system: a few small files and empty mount points.
const ROOT_BYTES: &str = "1048576";
/// Files and folders of the root folder's own file system.
const ROOT_FILES: &str = "8192";
/// Devices that a program may need, each harmless.
pub(super) const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// Files of /proc that tell about the host or act on it; covered by an empty device.
const PROC_FILES_MASKED: [&str; 16] = [
    "cmdline",
    "config.gz",
    "diskstats",
    "interrupts",
    "iomem",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "latency_stats",
    "modules",
    "sched_debug",
    "sysrq-trigger",
    "timer_list",
    "timer_stats",
];
/// Folders of /proc that can be read but not written.
const PROC_FOLDERS_READ_ONLY: [&str; 4] = ["bus", "fs", "irq", "sys"];
/// Folders of /proc that are covered by an empty one.
const PROC_FOLDERS_MASKED: [&str; 4] = ["acpi", "asound", "scsi", "driver"];

/// Bytes of memory that one file or folder takes in the kernel, roughly; bounds the inodes of the scratch folder.
const BYTES_PER_TMP_FILE: u64 = 4096;
/// Files in the scratch folder, at least.
const TMP_FILES_MIN: u64 = 1024;

const READ_ONLY: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_RDONLY.union(MountAttrFlags::MOUNT_ATTR_NOSUID).union(MountAttrFlags::MOUNT_ATTR_NODEV);
const WRITABLE: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// The folders that a program can write, held open so that they outlive everything else.
#[derive(Debug)]
pub(super) struct Folders {
    /// `/out`.
    pub(super) out: OwnedFd,
    /// `/tmp`.
    pub(super) tmp: OwnedFd,
    /// `/dev/shm`.
    pub(super) shm: OwnedFd,
}

/// Builds the root folder at [`STAGE`] of a mount namespace of its own, and makes it the working directory.
pub(super) fn build(view: &View, caps: &Caps, ids: Ids) -> Result<Folders, Fault> {
    rustix::mount::mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)
        .tried("keep mounts to this namespace")?;
    let trees = open_binds(&view.lent.binds, None)?;
    let devices = DEVICES.iter().map(|name| open_device(name)).collect::<Result<Vec<_>, _>>()?;

    let top = tmpfs(&[("size", ROOT_BYTES), ("nr_inodes", ROOT_FILES), ("mode", "755")], WRITABLE)?;
    attach(&top, STAGE)?;
    rustix::process::chdir(STAGE).tried("enter the new root")?;

    // Before all else: what is lent later may lie below the host's scratch folder.
    let folders = writable_folders(caps, ids)?;
    for (path, target) in &view.links {
        rustix::fs::symlinkat(target, CWD, inside(path)).tried_with(|| format!("link {path}"))?;
    }
    for path in &view.folders {
        place(path, true)?;
    }
    for (path, content) in &view.files {
        write_file(path, content)?;
    }
    show(&view.lent, &trees)?;
    make_devices(&devices)?;
    std::fs::create_dir_all("proc").tried("make /proc")?;
    Ok(folders)
}

/// Copies of host paths that nobody can see yet, each read-only. `file_map` is a user namespace through which the files of
/// vetrun's own user are shown as the program's.
pub(super) fn open_binds(binds: &[Bind], file_map: Option<BorrowedFd<'_>>) -> Result<Vec<OwnedFd>, Fault> {
    binds.iter().map(|bind| open_bind(bind, file_map)).collect()
}

/// Mounts what [`open_binds`] opened at its places in the working directory, which is the new root.
pub(super) fn show(lent: &Lent, trees: &[OwnedFd]) -> Result<(), Fault> {
    for (bind, tree) in lent.binds.iter().zip(trees) {
        place(&bind.inside, bind.folder)?;
        attach(tree, inside(&bind.inside))?;
    }
    lent.hidden.iter().try_for_each(|path| cover(inside(path)))
}

/// The two steps of a bind: a detached copy of the tree, then its attributes.
fn open_bind(bind: &Bind, file_map: Option<BorrowedFd<'_>>) -> Result<OwnedFd, Fault> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = rustix::mount::open_tree(CWD, &bind.host, flags).tried_with(|| format!("open {}", bind.host))?;
    set_attributes(&tree, READ_ONLY, true).tried_with(|| format!("make {} read-only", bind.host))?;
    if let (true, Some(map)) = (bind.own, file_map) {
        // Not every file system can do this. Where one cannot, everybody must be allowed to read what is shown.
        set_file_map(&tree, map).or_else(|error| if is_open(bind) { Ok(()) } else { Err(error) }).tried_with(|| {
            format!("show {} as the program's own (its file system cannot map ids; open it to others)", bind.host)
        })?;
    }
    Ok(tree)
}

/// Whether others than its owner may read the top of a bind.
fn is_open(bind: &Bind) -> bool {
    let needed = if bind.folder { 0o005 } else { 0o004 };
    rustix::fs::stat(&bind.host).is_ok_and(|stat| stat.st_mode & needed == needed)
}

fn open_device(name: &str) -> Result<OwnedFd, Fault> {
    let path = format!("/dev/{name}");
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = rustix::mount::open_tree(CWD, &path, flags).tried_with(|| format!("open {path}"))?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    set_attributes(&tree, attributes, false).tried_with(|| format!("restrict {path}"))?;
    Ok(tree)
}

/// A path inside, relative to the new root, which is the working directory.
fn inside(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// Makes an empty folder or file to mount on, unless something mounted before has it already.
fn place(path: &str, folder: bool) -> Result<(), Fault> {
    let path = Path::new(inside(path));
    let parent = if folder { Some(path) } else { path.parent() };
    if let Some(parent) = parent.filter(|parent| !parent.exists()) {
        std::fs::create_dir_all(parent).tried_with(|| format!("make the folder {}", parent.display()))?;
    }
    if !folder && !path.exists() {
        std::fs::write(path, "").tried_with(|| format!("make the file {}", path.display()))?;
    }
    Ok(())
}

fn write_file(path: &str, content: &str) -> Result<(), Fault> {
    place(path, false)?;
    let file = std::fs::OpenOptions::new().write(true).open(inside(path));
    file.and_then(|mut file| file.write_all(content.as_bytes())).tried_with(|| format!("write {path}"))
}

/// Mounts an empty read-only folder over `path`.
fn cover(path: &str) -> Result<(), Fault> {
    let empty = tmpfs(&[("size", "4096"), ("nr_inodes", "2"), ("mode", "555")], READ_ONLY)?;
    attach(&empty, path)
}

fn make_devices(devices: &[OwnedFd]) -> Result<(), Fault> {
    for (name, tree) in DEVICES.iter().zip(devices) {
        let path = format!("dev/{name}");
        place(&path, false)?;
        attach(tree, &path)?;
    }
    let links = [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ];
    for (name, target) in links {
        rustix::fs::symlinkat(target, CWD, format!("dev/{name}")).tried_with(|| format!("link /dev/{name}"))?;
    }
    Ok(())
}

/// How many files and folders a scratch folder of this size may hold.
pub(super) fn tmp_files(bytes: u64) -> u64 {
    (bytes / BYTES_PER_TMP_FILE).max(TMP_FILES_MIN)
}

/// Mounts the folders that the program can write, each with its own limits, so that the kernel refuses what is too much.
fn writable_folders(caps: &Caps, ids: Ids) -> Result<Folders, Fault> {
    let owner = match ids {
        Ids::Root { base } => base,
        Ids::User { .. } => TARGET_ID,
    };
    // One more than the files: the folder itself takes one.
    let out = writable(OUT_DIR, caps.out_bytes, caps.out_files.saturating_add(1), owner)?;
    let tmp = writable(TMP_DIR, caps.tmp_bytes, tmp_files(caps.tmp_bytes), owner)?;
    let shm = writable("/dev/shm", caps.shm_bytes, TMP_FILES_MIN, owner)?;
    let home = inside(HOME_DIR);
    std::fs::create_dir(home).tried("make the home folder")?;
    std::os::unix::fs::chown(home, Some(owner), Some(owner)).tried("give the home folder away")?;
    Ok(Folders { out, tmp, shm })
}

fn writable(path: &str, bytes: u64, files: u64, owner: u32) -> Result<OwnedFd, Fault> {
    let (size, files, owner) = (bytes.max(1).to_string(), files.to_string(), owner.to_string());
    let options = [("size", &*size), ("nr_inodes", &*files), ("mode", "755"), ("uid", &*owner), ("gid", &*owner)];
    let mount =
        tmpfs(&options, WRITABLE).map_err(|fault| Fault { action: format!("{} for {path}", fault.action), ..fault })?;
    place(path, true)?;
    attach(&mount, inside(path))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(inside(path), flags, Mode::empty()).tried_with(|| format!("open {path}"))
}

/// Mounts a fresh /proc that shows a process no other user's, and covers what tells of the host. Called by the first
/// process of the process namespace, with the new root as working directory and before the old one is gone: without
/// root's rights the kernel asks for the old /proc to be in sight.
pub(super) fn mount_proc() -> Result<(), Fault> {
    let context = rustix::mount::fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC).tried("open a proc file system")?;
    rustix::mount::fsconfig_set_string(context.as_fd(), "hidepid", "2").tried("hide processes in /proc")?;
    rustix::mount::fsconfig_create(context.as_fd()).tried("create a proc file system")?;
    let attributes = WRITABLE | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let proc =
        rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).tried("mount /proc")?;
    attach(&proc, "proc")?;
    for name in PROC_FILES_MASKED {
        let path = format!("proc/{name}");
        if Path::new(&path).exists() {
            attach(&copy("dev/null")?, &path)?;
        }
    }
    for name in PROC_FOLDERS_READ_ONLY {
        let path = format!("proc/{name}");
        if Path::new(&path).is_dir() {
            let tree = copy(&path)?;
            set_attributes(&tree, READ_ONLY | MountAttrFlags::MOUNT_ATTR_NOEXEC, true)
                .tried_with(|| format!("make /{path} read-only"))?;
            attach(&tree, &path)?;
        }
    }
    for name in PROC_FOLDERS_MASKED {
        let path = format!("proc/{name}");
        if Path::new(&path).is_dir() {
            cover(&path)?;
        }
    }
    Ok(())
}

fn copy(path: &str) -> Result<OwnedFd, Fault> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    rustix::mount::open_tree(CWD, path, flags).tried_with(|| format!("open /{path}"))
}

/// Makes the working directory the root, and drops the old root with all its mounts.
pub(super) fn enter() -> Result<(), Fault> {
    rustix::process::pivot_root(".", ".").tried("change the root")?;
    // Both roots are now mounted on one place, the old one on top.
    rustix::mount::unmount(".", UnmountFlags::DETACH).tried("drop the old root")?;
    rustix::process::chdir("/").tried("enter the new root")
}

/// Makes the root folder itself read-only: nothing will be mounted in it any more.
pub(super) fn close() -> Result<(), Fault> {
    let top = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .tried("open the new root")?;
    set_attributes(&top, READ_ONLY, false).tried("make the root read-only")
}

fn tmpfs(options: &[(&str, &str)], attributes: MountAttrFlags) -> Result<OwnedFd, Fault> {
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).tried("open a tmpfs")?;
    for (key, value) in options {
        rustix::mount::fsconfig_set_string(context.as_fd(), *key, *value)
            .tried_with(|| format!("set {key}={value} of a tmpfs"))?;
    }
    rustix::mount::fsconfig_create(context.as_fd()).tried("create a tmpfs")?;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).tried("mount a tmpfs")
}

fn attach(mount: &OwnedFd, path: &str) -> Result<(), Fault> {
    rustix::mount::move_mount(mount, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .tried_with(|| format!("mount on {path}"))
}

/// Adds `attributes` to a mount, and with `recursive` to all below it, and keeps what is mounted in it to itself.
fn set_attributes(mount: &OwnedFd, attributes: MountAttrFlags, recursive: bool) -> std::io::Result<()> {
    let propagation = libc::MS_PRIVATE;
    let attr = libc::mount_attr { attr_set: attributes.bits().into(), attr_clr: 0, propagation, userns_fd: 0 };
    mount_setattr(mount, &attr, recursive)
}

/// Shows the files of a mount through the id map of the user namespace `map`.
fn set_file_map(mount: &OwnedFd, map: BorrowedFd<'_>) -> std::io::Result<()> {
    let userns_fd = u64::try_from(map.as_raw_fd()).expect("an open descriptor is not negative");
    let attr = libc::mount_attr { attr_set: libc::MOUNT_ATTR_IDMAP, attr_clr: 0, propagation: 0, userns_fd };
    mount_setattr(mount, &attr, false)
}

fn mount_setattr(mount: &OwnedFd, attr: &libc::mount_attr, recursive: bool) -> std::io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a C string, `attr` is valid for reads of the size that is given, and both outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            std::ptr::from_ref(attr),
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
