//! The files that are judged, read into memory once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vetrun::artifact::{Artifact, SourceFile};

/// Sources below one folder.
pub(crate) struct Corpus {
    /// Where they were read from.
    pub(crate) folder: PathBuf,
    /// All of them, and every `package.json`, which says how scripts are read.
    pub(crate) artifact: Artifact,
    extensions: &'static [&'static str],
}

impl Corpus {
    /// The files with one of `extensions` below `folder`, packages that were installed later excepted.
    pub(crate) fn read(folder: &Path, extensions: &'static [&'static str]) -> Self {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(at) = folders.pop() {
            for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                let path = entry.path();
                if kind.is_dir() && entry.file_name() != "site-packages" {
                    folders.push(path);
                } else if kind.is_file() && (has_extension(&path, extensions) || entry.file_name() == "package.json") {
                    files.extend(source(folder, &path));
                }
            }
        }
        Self { folder: folder.to_owned(), artifact: Artifact::new("corpus", "corpus", files, Vec::new()), extensions }
    }

    /// The files to judge.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &SourceFile> {
        self.artifact.files.iter().filter(|file| has_extension(Path::new(&file.path), self.extensions))
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| extensions.contains(&extension))
}

fn source(folder: &Path, path: &Path) -> Option<SourceFile> {
    let name = path.strip_prefix(folder).ok()?.to_str()?;
    Some(SourceFile::new(name, fs::read(path).ok()?))
}

/// The standard library of the local `python3`, as it names it itself.
pub(crate) fn standard_library() -> Option<PathBuf> {
    said_by("python3", &["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"])
}

/// The modules that the local `npm` itself is made of.
pub(crate) fn npm_modules() -> Option<PathBuf> {
    said_by("npm", &["root", "--global"]).map(|root| root.join("npm/node_modules"))
}

fn said_by(program: &str, arguments: &[&str]) -> Option<PathBuf> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let line = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(line.trim())).filter(|path| path.is_dir())
}
