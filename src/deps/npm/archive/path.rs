//! Names in a package's archive: which are refused, and which mean one file on some file system.

use std::collections::HashMap;

use super::super::limits::NpmLimits;
use super::tar::Kind;
use super::{Wrong, shown};
use crate::deps::paths::{caseless, is_unseen};

/// The path below the one folder that all of an archive is in; `None` for that folder itself.
pub(super) fn inner<'a>(name: &'a str, kind: Kind, limits: &NpmLimits) -> Result<Option<&'a str>, Wrong> {
    let wrong = |rule, what: &str| Err(Wrong::new(rule, format!("`{}` {what}", shown(name))));
    if name.len() > limits.path_bytes_max {
        return wrong("node-path-too-long", "has a longer name than is admitted");
    }
    if name.chars().any(is_unseen) {
        return wrong("node-path-unprintable", "has characters in its name that cannot be seen");
    }
    let name_of_file = name.strip_prefix("./").unwrap_or(name);
    if name_of_file.starts_with('/') || name.contains('\\') || name_of_file.as_bytes().get(1) == Some(&b':') {
        return wrong("node-path-escapes", "is not a path below one folder");
    }
    let path = if kind == Kind::Folder { name_of_file.trim_end_matches('/') } else { name_of_file };
    for (depth, part) in path.split('/').enumerate() {
        match part {
            ".." => return wrong("node-path-escapes", "leaves its folder"),
            "" | "." => return wrong("node-path-malformed", "has a part in its name that names nothing"),
            _ if depth > limits.folders_max => {
                return wrong("node-path-too-long", "is in more folders inside one another than are admitted");
            }
            _ => {}
        }
    }
    match path.split_once('/') {
        Some((_, inner)) if inner == "node_modules" || inner.starts_with("node_modules/") => {
            wrong("node-package-bundles-others", "belongs to another package, which no lock vouches for")
        }
        Some((_, inner)) => Ok(Some(inner)),
        None if kind == Kind::Folder => Ok(None),
        None => wrong("node-path-malformed", "is beside the folder that a package is in"),
    }
}

/// The names that are taken, in one form for all that some file system takes for the same.
#[derive(Debug, Default)]
pub(super) struct Taken(HashMap<String, (String, Kind)>);

impl Taken {
    /// Takes a path and the folders that it is in.
    pub(super) fn take(&mut self, path: &str, kind: Kind) -> Result<(), Wrong> {
        for (end, _) in path.match_indices('/') {
            self.one(&path[..end], Kind::Folder)?;
        }
        self.one(path, kind)
    }

    fn one(&mut self, path: &str, kind: Kind) -> Result<(), Wrong> {
        let form = caseless(path);
        match self.0.get(&form) {
            // A folder may be named again.
            Some((known, Kind::Folder)) if kind == Kind::Folder && known == path => Ok(()),
            Some((known, _)) => {
                let message = format!("`{}` and `{}` are one on some file system", shown(path), shown(known));
                Err(Wrong::new("node-path-collides", message))
            }
            None => {
                self.0.insert(form, (path.to_owned(), kind));
                Ok(())
            }
        }
    }
}
