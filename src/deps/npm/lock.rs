//! `package-lock.json` as npm writes it since its version 7: one entry for each place of the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::limits::NpmLimits;

/// The versions of the format that have an entry for each place.
const VERSIONS: [u64; 2] = [2, 3];

/// Names and the versions of them that are admitted.
pub(super) type Ranges = BTreeMap<String, String>;

/// One place of the tree, as it is written; nothing of it is vetted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Entry {
    /// There where the name is not that of the place.
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) resolved: Option<String>,
    pub(super) integrity: Option<String>,
    pub(super) link: bool,
    pub(super) in_bundle: bool,
    pub(super) has_install_script: bool,
    pub(super) os: OneOrMany,
    pub(super) cpu: OneOrMany,
    pub(super) dependencies: Ranges,
    pub(super) optional_dependencies: Ranges,
    pub(super) peer_dependencies: Ranges,
    pub(super) peer_dependencies_meta: BTreeMap<String, PeerMeta>,
}

/// What is said of a package that is needed beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct PeerMeta {
    pub(super) optional: bool,
}

/// A text, or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    /// Whether `value` is admitted: it is not ruled out (`!value`), and is named where any are.
    pub(super) fn admits(&self, value: &str) -> bool {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        };
        let (out, named): (Vec<&str>, Vec<&str>) = all.iter().map(String::as_str).partition(|one| one.starts_with('!'));
        !out.iter().any(|one| one[1..] == *value)
            && (named.is_empty() || named.iter().any(|one| *one == value || *one == "any"))
    }
}

/// A lock whose places are told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lock {
    /// What it takes the artifact itself to declare.
    pub(super) root: Entry,
    pub(super) entries: BTreeMap<String, Entry>,
    /// Places that stand there twice.
    pub(super) twice: BTreeSet<String>,
}

/// Why a lock cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is not of a format that is known; which it is.
    Version(String),
    /// It is not what npm writes.
    Invalid(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    lockfile_version: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Body {
    packages: Pairs,
}

/// The members of an object in their order, so that none can hide another.
struct Pairs(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one entry for each place")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(place) = map.next_key::<String>()? {
                    // One for the artifact itself.
                    if pairs.len() > NpmLimits::default().packages_max {
                        map.next_value::<IgnoredAny>()?;
                        return Err(A::Error::custom(format!(
                            "it has more than {} packages",
                            NpmLimits::default().packages_max
                        )));
                    }
                    let entry = map.next_value().map_err(|error| A::Error::custom(format!("`{place}`: {error}")))?;
                    pairs.push((place, entry));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Reads a lock.
pub(super) fn read(text: &str, limits: &NpmLimits) -> Result<Lock, Unreadable> {
    if text.len() > limits.lock_bytes_max {
        return Err(Unreadable::Invalid(format!("it is larger than {} bytes", limits.lock_bytes_max)));
    }
    let invalid = |error: serde_json::Error| Unreadable::Invalid(error.to_string());
    let head: Head = serde_json::from_str(text).map_err(invalid)?;
    match &head.lockfile_version {
        Some(version) if version.as_u64().is_some_and(|version| VERSIONS.contains(&version)) => {}
        Some(version) => return Err(Unreadable::Version(version.to_string())),
        None => return Err(Unreadable::Version("none".to_owned())),
    }
    let Body { packages: Pairs(pairs) } = serde_json::from_str(text).map_err(invalid)?;
    let needs =
        |entry: &Entry| entry.dependencies.len() + entry.optional_dependencies.len() + entry.peer_dependencies.len();
    if pairs.iter().map(|(_, entry)| needs(entry)).sum::<usize>() > limits.needs_max {
        return Err(Unreadable::Invalid(format!("its packages need more than {} others", limits.needs_max)));
    }
    let mut lock = Lock::default();
    let (mut has_root, mut caseless) = (false, BTreeSet::new());
    for (place, entry) in pairs {
        if place.is_empty() {
            if std::mem::replace(&mut has_root, true) {
                lock.twice.insert(place);
            }
            lock.root = entry;
        } else if !caseless.insert(place.to_ascii_lowercase()) {
            // On a file system without case both would be in one folder.
            lock.twice.insert(place);
        } else {
            lock.entries.insert(place, entry);
        }
    }
    if !has_root {
        return Err(Unreadable::Invalid("it does not say what the artifact itself declares".to_owned()));
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: &str, packages: &str) -> Result<Lock, Unreadable> {
        read(&format!("{{\"lockfileVersion\":{version},\"packages\":{{{packages}}}}}"), &NpmLimits::default())
    }

    #[test]
    fn only_what_has_all_places_is_read() {
        for version in ["2", "3"] {
            assert!(of(version, "\"\":{}").is_ok());
        }
        for version in ["1", "4", "\"3\"", "null", "3.5"] {
            assert!(matches!(of(version, "\"\":{}"), Err(Unreadable::Version(_))), "{version}");
        }
        assert!(matches!(read("{}", &NpmLimits::default()), Err(Unreadable::Version(_))));
        for packages in
            ["", "\"\":1", "\"\":{},\"node_modules/a\":{\"version\":1}", "\"\":{\"version\":\"1\",\"version\":\"2\"}"]
        {
            assert!(matches!(of("3", packages), Err(Unreadable::Invalid(_))), "{packages}");
        }
    }

    #[test]
    fn no_entry_hides_another() {
        let lock = of("3", "\"\":{},\"node_modules/a\":{\"version\":\"1.0.0\"},\"node_modules/A\":{}").unwrap();
        assert_eq!(lock.twice, BTreeSet::from(["node_modules/A".to_owned()]));
        assert_eq!(of("3", "\"\":{},\"\":{}").unwrap().twice.len(), 1);
    }

    #[test]
    fn entries_are_limited_in_number() {
        let many: String = (0..6000).map(|at| format!(",\"node_modules/p{at}\":{{}}")).collect();
        let Err(Unreadable::Invalid(why)) = of("3", &format!("\"\":{{}}{many}")) else { panic!("it is read") };
        assert!(why.contains("more than 5000 packages"), "{why}");
    }

    #[test]
    fn platforms_are_named_or_ruled_out() {
        let many = |all: &[&str]| OneOrMany::Many(all.iter().map(|&one| one.to_owned()).collect());
        assert!(OneOrMany::default().admits("linux"));
        assert!(many(&["darwin", "linux"]).admits("linux") && many(&["!win32"]).admits("linux"));
        assert!(OneOrMany::One("linux".to_owned()).admits("linux"));
        assert!(!many(&["darwin"]).admits("linux") && !many(&["!linux"]).admits("linux"));
    }
}
