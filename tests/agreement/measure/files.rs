//! The files of a library: found in folders, in an order that does not depend on the file system.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use super::case::Package;

/// Folders inside one another that are walked into.
const DEPTH_MAX: usize = 64;

/// A file of a library.
#[derive(Clone, Debug)]
pub(crate) struct LibraryFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it holds, where that is not on the disk but in the engine itself.
    built_in: Option<Arc<[u8]>>,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// What the nearest `package.json` says of it.
    pub(crate) package: Package,
}

impl LibraryFile {
    /// A source that the engine brings along.
    pub(crate) fn built_in(name: &str, bytes: Vec<u8>) -> Self {
        let (size, built_in) = (bytes.len() as u64, Some(bytes.into()));
        Self { path: name.into(), built_in, size, package: Package::CommonJs }
    }

    /// What it holds.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Error> {
        self.built_in.as_ref().map_or_else(|| read(&self.path), |bytes| Ok(bytes.to_vec()))
    }
}

/// The files below `folders` whose names end in one of `extensions`, each once, sorted by path. Links are not followed.
pub(crate) fn find(folders: &[PathBuf], extensions: &[&str]) -> Result<Vec<LibraryFile>, Error> {
    let mut found = BTreeMap::new();
    for folder in folders {
        let folder = folder.canonicalize().map_err(|source| Error::Read { path: folder.clone(), source })?;
        walk(&folder, package_above(&folder), extensions, DEPTH_MAX, &mut found)?;
    }
    Ok(found.into_values().collect())
}

fn walk(
    folder: &Path,
    above: Package,
    extensions: &[&str],
    depth: usize,
    found: &mut BTreeMap<PathBuf, LibraryFile>,
) -> Result<(), Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let package = package_in(folder).unwrap_or(above);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if kind.is_dir() && depth > 0 {
            // Node looks no further than the folder that holds the packages.
            let above = if entry.file_name() == "node_modules" { Package::Unsaid } else { package };
            walk(&path, above, extensions, depth - 1, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|ext| extensions.iter().any(|known| ext == *known)) {
            let size = entry.metadata().map_err(failed)?.len();
            found.insert(path.clone(), LibraryFile { path, built_in: None, size, package });
        }
    }
    Ok(())
}

/// What the `package.json` nearest above a folder says.
fn package_above(folder: &Path) -> Package {
    let above = folder.ancestors().skip(1).take_while(|above| !above.ends_with("node_modules"));
    if folder.ends_with("node_modules") {
        return Package::Unsaid;
    }
    above.into_iter().find_map(package_in).unwrap_or(Package::Unsaid)
}

/// What the `package.json` in a folder says; `None` where there is none.
fn package_in(folder: &Path) -> Option<Package> {
    let bytes = fs::read(folder.join("package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Some(match manifest.get("type").and_then(serde_json::Value::as_str) {
        Some("module") => Package::Module,
        Some("commonjs") => Package::CommonJs,
        _ => Package::Unsaid,
    })
}

/// Reads a file whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}
