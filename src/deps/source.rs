//! Source archives of packages: what they say of how they are built.
//!
//! A build runs code of the package, so nothing here builds: what is read is the `[build-system]` table of `pyproject.toml`
//! (PEP 518), and what stands for it where there is none.

use serde::Deserialize;

use super::Version;
use super::name::normalised;

/// What builds a source archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildSystem {
    /// What the build needs: requirements of PEP 508.
    pub requires: Vec<String>,
    /// The object that builds: `setuptools.build_meta`, or `module:object`.
    pub backend: String,
    /// Folders of the archive that the backend is in.
    pub backend_path: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Pyproject {
    #[serde(rename = "build-system")]
    build_system: Option<Table>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Table {
    requires: Vec<String>,
    build_backend: Option<String>,
    #[serde(default)]
    backend_path: Vec<String>,
}

/// What is used where nothing is said, as PEP 517 has it.
const OLD_BACKEND: &str = "setuptools.build_meta:__legacy__";
const OLD_REQUIRES: [&str; 2] = ["setuptools>=40.8.0", "wheel"];

impl BuildSystem {
    /// Reads the `pyproject.toml` of an archive, if it has one.
    ///
    /// # Errors
    /// Why it cannot be used: a fragment.
    pub fn of(pyproject: Option<&[u8]>) -> Result<Self, String> {
        let text = std::str::from_utf8(pyproject.unwrap_or_default()).map_err(|_| "is not UTF-8".to_owned())?;
        let read = toml::from_str::<Pyproject>(text);
        let Pyproject { build_system } = read.map_err(|error| format!("cannot be read: {}", error.message()))?;
        let old_backend = || OLD_BACKEND.to_owned();
        Ok(match build_system {
            Some(table) => Self {
                requires: table.requires,
                backend: table.build_backend.unwrap_or_else(old_backend),
                backend_path: table.backend_path,
            },
            None => {
                let requires = OLD_REQUIRES.map(str::to_owned).to_vec();
                Self { requires, backend: old_backend(), backend_path: Vec::new() }
            }
        })
    }
}

/// The version in the file name of a source archive of the package with the normalised name `name`: PEP 625's
/// `{name}-{version}.tar.gz`, with the names of before it.
#[must_use]
pub fn source_version(name: &str, filename: &str) -> Option<Version> {
    let stem = filename.strip_suffix(".tar.gz").or_else(|| filename.strip_suffix(".tgz"))?;
    let is_plain =
        stem.len() <= 256 && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+!-".contains(&byte));
    let (package, version) = stem.rsplit_once('-').filter(|_| is_plain)?;
    if normalised(package) == name { version.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_builds_is_read_or_the_old_way() {
        let old = BuildSystem::of(None).unwrap();
        assert_eq!((old.backend.as_str(), old.requires.len()), (OLD_BACKEND, 2));
        assert_eq!(BuildSystem::of(Some(b"[project]\nname = \"x\"\n")).unwrap(), old);
        let text = b"[build-system]\nrequires = [\"flit_core<4\"]\nbuild-backend = \"flit_core.buildapi\"\nbackend-path = [\".\"]\n";
        let system = BuildSystem::of(Some(text)).unwrap();
        assert_eq!(
            (system.backend.as_str(), &system.requires[..]),
            ("flit_core.buildapi", &["flit_core<4".to_owned()][..])
        );
        assert_eq!(system.backend_path, ["."]);
        let named = BuildSystem::of(Some(b"[build-system]\nrequires = []\n")).unwrap();
        assert_eq!((named.backend.as_str(), named.requires.len()), (OLD_BACKEND, 0));
        for wrong in [&b"[build-system]\nbuild-backend = \"x\"\n"[..], b"[build-system", b"\xff"] {
            assert!(BuildSystem::of(Some(wrong)).is_err());
        }
    }

    #[test]
    fn names_of_source_archives_are_read() {
        let version = |name, file| source_version(name, file).map(|version| version.to_string());
        assert_eq!(version("good-pkg", "good_pkg-1.0.tar.gz").as_deref(), Some("1.0"));
        assert_eq!(version("good-pkg", "Good.Pkg-1.0rc1.tgz").as_deref(), Some("1.0rc1"));
        for file in
            ["good_pkg-1.0.zip", "other-1.0.tar.gz", "good_pkg-x.tar.gz", "good_pkg/../x-1.0.tar.gz", "1.0.tar.gz"]
        {
            assert_eq!(version("good-pkg", file), None, "{file}");
        }
    }
}
