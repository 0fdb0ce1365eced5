//! The folders of a run without namespaces: a part of the host's own tree, made for one run and removed after it.
//!
//! A program with a mount namespace finds its files where they were promised (`/work`, `/out`, `/tmp`). Here they are
//! wherever the host has room for temporary files; so what tells a program of them, its command line and its environment, is
//! told where they really are.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::root::tmp_files;
use super::spec::{Bind, Fault, Ids, Start, Tried, Writable};
use crate::sandbox::collect::open_beneath;
use crate::sandbox::owner::{folder_prefix, remove_tree};
use crate::sandbox::readable::{copy_tree, is_reached_by_all, readable_by_all};
use crate::sandbox::{GATEWAY_PORT, HOME_DIR, Limits, OUT_DIR, TMP_DIR, WORK_DIR};

/// Where the C library keeps shared memory and semaphores, all users' in one folder. A run that root started may use it, since
/// its user is another than all who have something there, and may leave something.
pub(super) const SHARED_MEMORY: &str = "/dev/shm";
/// The folder of a virtual environment's commands.
const COMMANDS: &str = "bin";

/// The folders of one run. Dropping this removes them, when everything in the run is dead.
#[derive(Debug)]
pub(super) struct Grounds {
    folder: PathBuf,
    ids: Ids,
    /// What stands for what: places inside, and where they are.
    places: Vec<(String, String)>,
    /// The output folder.
    out: OwnedFd,
    /// The scratch folder.
    tmp: OwnedFd,
    /// The gateway's port on the host's loopback, where there is one.
    port: Option<u16>,
}

impl Grounds {
    /// Makes the folders of a run whose program has the ids `ids`, below the host's folder for temporary files.
    pub(super) fn make(ids: Ids, port: Option<u16>) -> Result<Self, Fault> {
        let within = std::env::temp_dir();
        let folder = tempfile::Builder::new().prefix(&folder_prefix()).tempdir_in(&within);
        let folder = folder.tried_with(|| format!("make a folder in {}", within.display()))?;
        if matches!(ids, Ids::Root { .. }) {
            // Its name is not to be guessed, and others may only pass.
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).tried("open a folder")?;
        }
        let mut places = Vec::new();
        for (place, is_own) in [(WORK_DIR, false), (OUT_DIR, true), (TMP_DIR, true), (HOME_DIR, true)] {
            let made = folder.path().join(place.trim_start_matches('/'));
            fs::create_dir(&made).tried_with(|| format!("make {}", made.display()))?;
            fs::set_permissions(&made, fs::Permissions::from_mode(0o755)).tried("open a folder")?;
            if let (Ids::Root { base }, true) = (ids, is_own) {
                chown(&made, Some(base), Some(base)).tried_with(|| format!("give {} away", made.display()))?;
            }
            places.push((place.to_owned(), text(&made)?));
        }
        let open = |place: &str| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let path = folder.path().join(place.trim_start_matches('/'));
            rustix::fs::open(&path, flags, Mode::empty()).tried_with(|| format!("open {}", path.display()))
        };
        let (out, tmp) = (open(OUT_DIR)?, open(TMP_DIR)?);
        let grounds = Self { folder: folder.keep(), ids, places, out, tmp, port };
        if matches!(ids, Ids::Root { .. }) && !is_reached_by_all(Path::new(grounds.place(OUT_DIR))) {
            let action = format!("let the program enter {} (open it to others, or set TMPDIR)", within.display());
            return Err(Fault { action, errno: libc::EACCES });
        }
        Ok(grounds)
    }

    /// What of them the program may write.
    pub(super) fn writable(&self) -> Writable {
        let at = |place: &str| self.place(place).to_owned();
        let shares_memory = matches!(self.ids, Ids::Root { .. }) && holds_nothing_open(Path::new(SHARED_MEMORY));
        Writable { out: at(OUT_DIR), tmp: at(TMP_DIR), shares_memory, port: self.port }
    }

    /// The output folder.
    pub(super) fn out(&self) -> Result<OwnedFd, Fault> {
        self.out.try_clone().tried("open the output folder")
    }

    /// Makes what is to be executed fit this place: tells it where its folders are, and lends what it needs. A `python` is to
    /// be run without the packages that are installed beside it.
    pub(super) fn settle(&mut self, start: &mut Start, mounts: Vec<Bind>, python: Option<&str>) -> Result<(), Fault> {
        for mount in mounts {
            let host = if self.is_readable(&mount)? { mount.host.clone() } else { self.copied(&mount)? };
            self.places.retain(|(inside, _)| *inside != mount.inside);
            self.places.push((mount.inside.clone(), host.clone()));
            start.lent.binds.push(Bind { host: host.clone(), inside: host, ..mount });
        }
        // A folder in a folder is told by its own place.
        self.places.sort_by_key(|(inside, _)| std::cmp::Reverse(inside.len()));
        start.lent.hidden.clear();
        start.argv.iter_mut().for_each(|word| *word = self.told(word));
        start.env.values_mut().for_each(|value| *value = self.told(value));
        start.cwd = self.told(&start.cwd);
        let own = [self.place(WORK_DIR).to_owned(), text(&self.folder.join("python"))?];
        if let Some(python) = python {
            self.environment(Path::new(python))?;
            let command = format!("{}/{COMMANDS}/python3", own[1]);
            if start.argv.first().is_some_and(|program| program == python) {
                start.argv[0] = command;
            }
            start.env.entry("PATH".to_owned()).and_modify(|path| *path = format!("{}/{COMMANDS}:{path}", own[1]));
        }
        start.lent.binds.extend(own.map(|host| Bind { inside: host.clone(), host, folder: true, own: false }));
        Ok(())
    }

    /// `text` with every place inside replaced by where it is.
    fn told(&self, text: &str) -> String {
        let address = self.port.map(|port| (format!("127.0.0.1:{GATEWAY_PORT}"), format!("127.0.0.1:{port}")));
        let mut told = String::with_capacity(text.len());
        let mut left = text;
        while let Some(next) = left.chars().next() {
            let before = told.chars().next_back();
            let found = self.places.iter().find(|(inside, _)| is_place(before, left, inside));
            let found = found.or(address.as_ref().filter(|(inside, _)| is_address(before, left, inside)));
            if let Some((inside, real)) = found {
                told.push_str(real);
                left = &left[inside.len()..];
            } else {
                told.push(next);
                left = &left[next.len_utf8()..];
            }
        }
        told
    }

    /// Whether more was written than `limits` allow.
    pub(super) fn is_over(&self, limits: &Limits) -> bool {
        !holds_at_most(&self.out, limits.out_bytes, limits.out_files.into())
            || !holds_at_most(&self.tmp, limits.tmp_bytes, tmp_files(limits.tmp_bytes))
    }

    /// The names that the job knows its places by, and the places.
    pub(super) fn places(&self) -> &[(String, String)] {
        &self.places
    }

    fn place<'a>(&'a self, inside: &'a str) -> &'a str {
        self.places.iter().find(|(place, _)| place == inside).map_or(inside, |(_, real)| real)
    }

    /// Whether the program can read all of a mount. An ordinary user's program is kept from nothing of theirs by its mode.
    fn is_readable(&self, mount: &Bind) -> Result<bool, Fault> {
        let host = Path::new(&mount.host);
        match self.ids {
            Ids::User { .. } => Ok(true),
            Ids::Root { .. } if !is_reached_by_all(host) => Ok(false),
            Ids::Root { .. } => readable_by_all(host).tried_with(|| format!("read {}", mount.host)),
        }
    }

    /// A copy of a mount that the program may read.
    fn copied(&self, mount: &Bind) -> Result<String, Fault> {
        let to = self.folder.join(format!("lent-{}", self.places.len()));
        copy_tree(Path::new(&mount.host), &to).tried_with(|| format!("copy {} for the program", mount.host))?;
        text(&to)
    }

    /// Makes a virtual environment (PEP 405) without packages, for the interpreter `python`.
    fn environment(&self, python: &Path) -> Result<(), Fault> {
        let make = || {
            let folder = self.folder.join("python");
            let (commands, settings) = (folder.join(COMMANDS), folder.join("pyvenv.cfg"));
            let home = python.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(&commands)?;
            fs::write(&settings, format!("home = {}\ninclude-system-site-packages = false\n", home.display()))?;
            // Whatever the umask is.
            for (path, mode) in [(&folder, 0o755), (&commands, 0o755), (&settings, 0o644)] {
                fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
            }
            ["python", "python3"].into_iter().try_for_each(|name| symlink(python, commands.join(name)))
        };
        make().tried("make an environment for Python")
    }
}

impl Drop for Grounds {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next sweep.
        let _ = remove_tree(&self.folder);
        if let Ids::Root { base } = self.ids {
            sweep_shared_memory(|user| user == base);
        }
    }
}

/// Removes the shared memory of the users that `of` names; what it is called is theirs to choose.
pub(super) fn sweep_shared_memory(of: impl Fn(u32) -> bool) {
    for entry in fs::read_dir(SHARED_MEMORY).into_iter().flatten().flatten() {
        if entry.metadata().is_ok_and(|found| of(found.uid())) {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_folder { remove_tree(&entry.path()) } else { fs::remove_file(entry.path()) };
        }
    }
}

/// Whether nothing in a folder can be used by everybody.
fn holds_nothing_open(folder: &Path) -> bool {
    let is_open = |entry: fs::DirEntry| entry.metadata().is_ok_and(|found| found.mode() & 0o007 != 0);
    fs::read_dir(folder).is_ok_and(|entries| !entries.flatten().any(is_open))
}

/// Whether `text`, which follows the character `before`, begins with the place `inside` and not with a longer name.
fn is_place(before: Option<char>, text: &str, inside: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || "/._-~".contains(c);
    let begins = !before.is_some_and(is_name);
    let ends = |rest: &str| rest.chars().next().is_none_or(|next| next == '/' || !is_name(next));
    begins && text.strip_prefix(inside).is_some_and(ends)
}

/// The same for an address with its port.
fn is_address(before: Option<char>, text: &str, inside: &str) -> bool {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
    !before.is_some_and(is_number) && text.strip_prefix(inside).is_some_and(ends)
}

/// Whether a folder, in which a program writes meanwhile, holds no more than this. Nothing is followed; what cannot be looked
/// into is too much.
fn holds_at_most(top: &OwnedFd, bytes_max: u64, files_max: u64) -> bool {
    let (mut bytes, mut files) = (0, 0);
    let mut left = vec![Vec::new()];
    while let Some(path) = left.pop() {
        let folder = match open_beneath(top.as_fd(), &path, OFlags::DIRECTORY) {
            Ok(folder) => folder,
            // It is gone, or has become something else.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(_) => return false,
        };
        let Ok(entries) = Dir::read_from(&folder) else { return false };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let found = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
            let (false, Ok(found)) = (matches!(name.to_bytes(), b"." | b".."), found) else { continue };
            files += 1;
            if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
                let mut inner = path.clone();
                if !inner.is_empty() {
                    inner.push(b'/');
                }
                inner.extend_from_slice(name.to_bytes());
                left.push(inner);
            } else {
                // A block is 512 bytes, whatever the file system's own are; a sparse file takes what it holds.
                bytes += u64::try_from(found.st_blocks).unwrap_or(u64::MAX / 1024) * 512;
            }
            if files > files_max || bytes > bytes_max {
                return false;
            }
        }
    }
    true
}

fn text(path: &Path) -> Result<String, Fault> {
    let none = || Fault { action: format!("use {}, which is not UTF-8", path.display()), errno: libc::EINVAL };
    path.to_str().map(str::to_owned).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Ids = Ids::User { uid: 1, gid: 1 };

    fn start(argv: &[&str], env: &[(&str, &str)]) -> Start {
        Start {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            cwd: WORK_DIR.to_owned(),
            ..Start::default()
        }
    }

    #[test]
    fn a_program_is_told_where_its_folders_are() {
        let mut grounds = Grounds::make(USER, Some(4711)).unwrap();
        let top = grounds.folder.to_str().unwrap().to_owned();
        let words = [
            ("/work/main.py", format!("{top}/work/main.py")),
            ("--target=/out", format!("--target={top}/out")),
            ("/tmp:/tmp/home:/out/", format!("{top}/tmp:{top}/tmp/home:{top}/out/")),
            ("open('/out/x')", format!("open('{top}/out/x')")),
            ("http://127.0.0.1:8080/simple/", "http://127.0.0.1:4711/simple/".to_owned()),
            ("/usr/tmp /workshop ./out /out.txt 127.0.0.1:80801 7127.0.0.1:8080", String::new()),
        ];
        let mut start = start(&words.each_ref().map(|(word, _)| *word), &[("TMPDIR", "/tmp")]);
        grounds.settle(&mut start, Vec::new(), None).unwrap();
        for (said, (word, told)) in start.argv.iter().zip(&words) {
            assert_eq!(said, if told.is_empty() { word } else { told.as_str() });
        }
        assert_eq!((&*start.env["TMPDIR"], &*start.cwd), (&*format!("{top}/tmp"), &*format!("{top}/work")));
        drop(grounds);
        assert!(!Path::new(&top).exists());
    }

    #[test]
    fn a_mount_takes_the_place_of_what_it_covers() {
        let folder = tempfile::tempdir().unwrap();
        let mut grounds = Grounds::make(USER, None).unwrap();
        let host = folder.path().to_str().unwrap().to_owned();
        let mount = Bind { host: host.clone(), inside: WORK_DIR.to_owned(), folder: true, own: true };
        let mut start = start(&["/usr/bin/python3", "/work/x"], &[("PATH", "/usr/bin")]);
        grounds.settle(&mut start, vec![mount], Some("/usr/bin/python3")).unwrap();
        let commands = format!("{}/python/bin", grounds.folder.to_str().unwrap());
        assert_eq!(start.argv, [format!("{commands}/python3"), format!("{host}/x")]);
        assert_eq!(start.env["PATH"], format!("{commands}:/usr/bin"));
        assert!(start.lent.binds.iter().any(|bind| bind.host == host));
        let readable = readable_by_all(&grounds.folder.join("python"));
        assert!(readable.unwrap());
    }

    #[test]
    fn a_folder_is_measured_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("a/b/file"), vec![1; 10_000]).unwrap();
        symlink("/", at("a/root")).unwrap();
        fs::File::create(at("sparse")).unwrap().set_len(1 << 40).unwrap();
        let top = OwnedFd::from(fs::File::open(folder.path()).unwrap());
        assert!(holds_at_most(&top, 100_000, 5));
        assert!(!holds_at_most(&top, 9_999, 5));
        assert!(!holds_at_most(&top, 100_000, 4));
    }

    #[test]
    fn what_everybody_can_use_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("semaphore");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o660)).unwrap();
        assert!(holds_nothing_open(folder.path()));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o604)).unwrap();
        assert!(!holds_nothing_open(folder.path()));
    }
}
