//! What is known of names: the tables that come with vetrun, or those of a folder that the policy names instead.

use std::sync::OnceLock;

use super::super::{is_normalised, normalised};
use super::nearness::Nearness;
use super::table::{Fault, Table};
use crate::artifact::Digest;
use crate::deps::is_identifier;

/// Names that a table of a folder may hold.
const NAMES_MAX: usize = 200_000;

/// The tables, by the files that they stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// The names that are downloaded most: `name rank`.
    Popular,
    /// Which package brings a module: `module package`, where the two are not called alike. `module *` means that
    /// packages are called like the modules under it, and `module * package` that this one is meant where none is.
    Modules,
    /// Packages that were found to be malicious: `name`.
    Malicious,
    /// Names that language models invent: `name`.
    Invented,
    /// The names of npm's packages that are used most: `name`.
    Npm,
    /// Modules of the standard library: `module first last`, the minor versions of Python 3 with it; `*` where it was
    /// there before, or still is.
    StandardLibrary,
}

impl TableKind {
    /// All tables.
    pub const ALL: [Self; 6] =
        [Self::Popular, Self::Modules, Self::Malicious, Self::Invented, Self::Npm, Self::StandardLibrary];

    /// The file in a folder of data.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Popular => "popular.txt",
            Self::Modules => "modules.txt",
            Self::Malicious => "malicious.txt",
            Self::Invented => "invented.txt",
            Self::Npm => "npm.txt",
            Self::StandardLibrary => "standard_library.txt",
        }
    }

    /// The text that comes with vetrun.
    #[must_use]
    pub const fn builtin_text(self) -> &'static str {
        match self {
            Self::Popular => include_str!("../data/popular.txt"),
            Self::Modules => include_str!("../data/modules.txt"),
            Self::Malicious => include_str!("../data/malicious.txt"),
            Self::Invented => include_str!("../data/invented.txt"),
            Self::Npm => include_str!("../data/npm.txt"),
            Self::StandardLibrary => include_str!("../data/standard_library.txt"),
        }
    }

    /// Whether a line of the table is one.
    fn check(self, name: &str, said: &str) -> Result<(), String> {
        let is_module = |name: &str| name.split('.').all(is_identifier);
        let sound = match self {
            Self::Popular => is_normalised(name) && said.parse::<u32>().is_ok_and(|rank| rank > 0),
            Self::Malicious | Self::Invented => is_normalised(name) && said.is_empty(),
            Self::Npm => is_normalised(name) && said.is_empty(),
            Self::Modules => {
                let package = said.strip_prefix('*').map_or(said, str::trim_start);
                is_module(name) && (is_normalised(package) || said == "*")
            }
            Self::StandardLibrary => {
                let minor = |text: &str| text == "*" || text.parse::<u8>().is_ok();
                is_module(name) && said.split_once(' ').is_some_and(|(first, last)| minor(first) && minor(last))
            }
        };
        let form = match self {
            Self::Popular => "a name in normalised form, a blank and its rank",
            Self::Malicious | Self::Invented | Self::Npm => "a name in normalised form",
            Self::Modules => "a module, a blank and the package that brings it",
            Self::StandardLibrary => "a module, and the first and the last minor version of Python 3 that has it",
        };
        if sound { Ok(()) } else { Err(format!("this is not {form}")) }
    }

    /// The table in `text`, or what is wrong with it.
    fn read(self, text: String) -> Result<Table, Fault> {
        Table::read(text, NAMES_MAX, |name, said| self.check(name, said))
    }
}

/// Why a folder of data is refused.
#[derive(Debug, thiserror::Error)]
#[error("{file}, line {line}: {message}")]
pub struct DataError {
    /// The file in the folder.
    pub file: &'static str,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// What is known of names.
#[derive(Debug)]
pub struct NameData {
    tables: [Table; 6],
    /// Of what does not come with vetrun.
    digest: Option<Digest>,
    nearness: OnceLock<Nearness>,
}

/// Which package brings a module, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bringer<'d> {
    /// The normalised name; `None` where the module is called like its package.
    pub package: Option<&'d str>,
    /// How many parts of the dotted path say so.
    pub depth: usize,
}

impl NameData {
    /// The data that comes with vetrun.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<NameData> = OnceLock::new();
        BUILTIN.get_or_init(|| Self {
            tables: TableKind::ALL.map(|kind| Table::builtin(kind.builtin_text())),
            digest: None,
            nearness: OnceLock::new(),
        })
    }

    /// The data of a folder: `text_of` gives the text of a table's file, or `None` where it is not there, and then the
    /// table is the one that comes with vetrun.
    ///
    /// # Errors
    /// [`DataError`] with the line that is not one of a table.
    pub fn read(text_of: impl Fn(TableKind) -> Option<String>) -> Result<Self, DataError> {
        let mut tables = TableKind::ALL.map(|kind| Table::builtin(kind.builtin_text()));
        for (table, kind) in tables.iter_mut().zip(TableKind::ALL) {
            let Some(text) = text_of(kind) else { continue };
            let named = |Fault { line, message }| DataError { file: kind.file_name(), line, message };
            *table = kind.read(text).map_err(named)?;
        }
        let all: String = tables.iter().map(|table| Digest::of(table.as_bytes()).to_string()).collect();
        Ok(Self { tables, digest: Some(Digest::of(all.as_bytes())), nearness: OnceLock::new() })
    }

    /// The digest of all tables; `None` for those that come with vetrun, which its own version tells.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// How many packages are downloaded more often than this one, and itself; `None` where it is not among those that are
    /// downloaded most.
    #[must_use]
    pub fn rank(&self, name: &str) -> Option<u32> {
        self.table(TableKind::Popular).get(name)?.parse().ok()
    }

    /// Whether the package was found to be malicious.
    #[must_use]
    pub fn is_malicious(&self, name: &str) -> bool {
        self.table(TableKind::Malicious).holds(name)
    }

    /// Whether language models are known to invent the name.
    #[must_use]
    pub fn is_invented(&self, name: &str) -> bool {
        self.table(TableKind::Invented).holds(name)
    }

    /// Whether it is the name of a package of npm that is used much.
    #[must_use]
    pub fn is_of_npm(&self, name: &str) -> bool {
        self.table(TableKind::Npm).holds(name)
    }

    /// Whether the standard library of Python 3 has the outermost module of `path`; `minor` names a single version.
    #[must_use]
    pub fn is_standard(&self, path: &str, minor: Option<u8>) -> bool {
        let module = path.split('.').next().unwrap_or(path);
        let Some((first, last)) =
            self.table(TableKind::StandardLibrary).get(module).and_then(|said| said.split_once(' '))
        else {
            return false;
        };
        let bound = |text: &str| text.parse::<u8>().ok();
        minor.is_none_or(|minor| {
            bound(first).is_none_or(|first| first <= minor) && bound(last).is_none_or(|last| minor <= last)
        })
    }

    /// Which package brings the module `path`: the most downloaded one of those that have it. `None` where nothing is
    /// known of it.
    #[must_use]
    pub fn bringer(&self, path: &str) -> Option<Bringer<'_>> {
        let table = self.table(TableKind::Modules);
        let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        let prefixes: Vec<&str> = ends.take(PARTS_MAX).map(|end| &path[..end]).collect();
        for (at, prefix) in prefixes.iter().enumerate().rev() {
            let Some(said) = table.get(prefix) else { continue };
            let Some(fallback) = said.strip_prefix('*') else {
                return Some(Bringer { package: Some(said), depth: at + 1 });
            };
            let below = prefixes.iter().enumerate().skip(at + 1).rev();
            let called = below.map(|(at, prefix)| (at, normalised(prefix))).find_map(|(at, name)| {
                let (row, _) = self.table(TableKind::Popular).rows(&name).next()?;
                Some(Bringer { package: Some(row), depth: at + 1 })
            });
            let fallback = Some(fallback.trim_start()).filter(|package| !package.is_empty());
            return called.or(fallback.map(|package| Bringer { package: Some(package), depth: at + 1 }));
        }
        let name = super::package_like(prefixes.first()?);
        self.rank(&name).map(|_| Bringer { package: None, depth: 1 })
    }

    /// The package that brings a module which is called `name` but for how it is written, where the package itself is
    /// called otherwise.
    #[must_use]
    pub fn package_of_module(&self, name: &str) -> Option<&str> {
        let rows = self.table(TableKind::Modules).rows(name);
        let packages = rows.map(|(_, said)| said.strip_prefix('*').map_or(said, str::trim_start));
        packages
            .filter(|package| !package.is_empty() && *package != name)
            .min_by_key(|package| self.rank(package).unwrap_or(u32::MAX))
    }

    /// Whether the package is known to bring a module that is called otherwise.
    #[must_use]
    pub fn is_bringer(&self, name: &str) -> bool {
        self.table(TableKind::Modules).lines().any(|(_, _, said)| said.trim_start_matches(['*', ' ']) == name)
    }

    /// Whether packages are called like the modules under this one, such as `google` and `azure`.
    #[must_use]
    pub fn is_namespace(&self, name: &str) -> bool {
        self.table(TableKind::Modules).rows(name).any(|(_, said)| said.starts_with('*'))
    }

    /// The most downloaded name that `name` can be taken for.
    pub(in crate::deps) fn nearest(&self, name: &str) -> Option<super::Near> {
        let popular = self.table(TableKind::Popular);
        self.nearness.get_or_init(|| Nearness::new(popular)).nearest(popular, name)
    }

    pub(super) fn table(&self, kind: TableKind) -> &Table {
        &self.tables[kind as usize]
    }
}

/// Parts of a dotted path that are looked at.
const PARTS_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_that_comes_with_vetrun_is_one() {
        for kind in TableKind::ALL {
            let table = kind.read(kind.builtin_text().to_owned());
            assert!(table.is_ok(), "{kind:?}: {table:.200?}");
            assert!(table.is_ok_and(|table| table.lines().count() > 50), "{kind:?} is nearly empty");
        }
    }

    #[test]
    fn modules_lead_to_the_packages_that_bring_them() {
        let data = NameData::builtin();
        let cases = [
            ("cv2", Some("opencv-python")),
            ("PIL.Image", Some("pillow")),
            ("sklearn.linear_model", Some("scikit-learn")),
            ("yaml", Some("pyyaml")),
            ("bs4", Some("beautifulsoup4")),
            ("attr", Some("attrs")),
            ("google.cloud.storage", Some("google-cloud-storage")),
            ("google.cloud.storage.Client", Some("google-cloud-storage")),
            ("google.protobuf.message", Some("protobuf")),
            ("azure.storage.blob.BlobServiceClient", Some("azure-storage-blob")),
            ("ruamel.yaml", Some("ruamel-yaml")),
            ("zope.interface", Some("zope-interface")),
            ("mpl_toolkits.mplot3d", Some("matplotlib")),
            ("numpy.linalg", None),
        ];
        for (path, package) in cases {
            assert_eq!(data.bringer(path).map(|bringer| bringer.package), Some(package), "{path}");
        }
        assert_eq!(data.bringer("no_such_module_anywhere"), None);
        assert_eq!(data.package_of_module("rest-framework"), Some("djangorestframework"));
        assert_eq!(data.package_of_module("opengl"), Some("pyopengl"));
        assert_eq!(data.package_of_module("numpy"), None);
    }

    #[test]
    fn the_standard_library_is_that_of_a_version() {
        let data = NameData::builtin();
        for (module, minor, expected) in [
            ("os.path", None, true),
            ("asynchat", Some(11), true),
            ("asynchat", Some(12), false),
            ("tomllib", Some(10), false),
            ("tomllib", Some(11), true),
            ("numpy", None, false),
        ] {
            assert_eq!(data.is_standard(module, minor), expected, "{module} {minor:?}");
        }
    }

    #[test]
    fn a_folder_of_data_takes_the_place_of_what_comes_with_vetrun() {
        let own = |kind| (kind == TableKind::Popular).then(|| "# mine\nmycorp-base 1\n".to_owned());
        let data = NameData::read(own).expect("it is sound");
        assert_eq!((data.rank("mycorp-base"), data.rank("numpy")), (Some(1), None));
        assert!(data.is_standard("os", None));
        assert_ne!(data.digest(), NameData::builtin().digest());
        let broken = |kind| (kind == TableKind::Modules).then(|| "# mine\na b\nc\n".to_owned());
        let error = NameData::read(broken).expect_err("a module without a package").to_string();
        assert_eq!(error, "modules.txt, line 3: this is not a module, a blank and the package that brings it");
    }
}
