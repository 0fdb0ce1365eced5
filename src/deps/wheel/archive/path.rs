//! Names of members: which are refused, and which mean one file on some file system.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::super::fault::{Faults, shown};
use super::super::limits::WheelLimits;
use crate::deps::paths::{caseless, is_unseen};

/// What is wrong with a name: the rule, and the rest of the sentence.
type Wrong = Option<(&'static str, &'static str)>;

/// Whether every name can be written below one folder, and reads as what it is.
pub(super) fn check(name: &str, limits: &WheelLimits, faults: &mut Faults) -> bool {
    let wrong = wrong(name, limits);
    if let Some((rule, what)) = wrong {
        faults.high(rule, format_args!("`{}` {what}", shown(name)));
    }
    wrong.is_none()
}

fn wrong(name: &str, limits: &WheelLimits) -> Wrong {
    if name.len() > limits.path_bytes_max {
        return Some(("wheel-path-too-long", "has a longer name than is admitted"));
    }
    if name.starts_with('/') || name.contains('\\') || name.as_bytes().get(1) == Some(&b':') {
        return Some(("wheel-path-escapes", "is not a path below one folder"));
    }
    if name.chars().any(is_unseen) {
        return Some(("wheel-path-unprintable", "has characters in its name that cannot be seen"));
    }
    let path = name.strip_suffix('/').unwrap_or(name);
    for (depth, part) in path.split('/').enumerate() {
        match part {
            ".." => return Some(("wheel-path-escapes", "leaves its folder")),
            "" | "." => return Some(("wheel-path-malformed", "has a part in its name that names nothing")),
            _ if part.ends_with(['.', ' ']) || part.starts_with(' ') => {
                return Some((
                    "wheel-path-malformed",
                    "has a part in its name that begins or ends with a blank or a dot",
                ));
            }
            _ if depth >= limits.depth_max => {
                return Some(("wheel-path-too-long", "is in more folders inside one another than are admitted"));
            }
            _ => {}
        }
    }
    None
}

/// The names that are taken, files and folders, by their [`caseless`] form.
#[derive(Debug, Default)]
pub(in super::super) struct Taken<'a> {
    names: HashMap<String, (&'a str, bool), RandomState>,
    /// The folder of the last name: members of one folder stand together.
    last_folder: &'a str,
}

/// Why a name cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Clash<'a> {
    /// It is there already, perhaps in another spelling.
    Twice(&'a str),
    /// One of the two is a folder, and one is a file.
    FolderAndFile(&'a str),
}

impl<'a> Taken<'a> {
    /// Takes a name and the folders that it is in.
    pub(in super::super) fn take(&mut self, name: &'a str) -> Result<(), Clash<'a>> {
        let (path, is_folder) = match name.strip_suffix('/') {
            Some(path) => (path, true),
            None => (name, false),
        };
        let folder = path.rfind('/').map_or("", |end| &path[..end]);
        if folder != self.last_folder {
            let ends = folder.match_indices('/').map(|(end, _)| end).chain([folder.len()]);
            for end in ends.filter(|&end| end > 0) {
                self.one(&folder[..end], true)?;
            }
            self.last_folder = folder;
        }
        match self.one(path, is_folder)? {
            // A folder that is only named by what is in it may be named by itself as well.
            true if !is_folder => Err(Clash::Twice(path)),
            _ => Ok(()),
        }
    }

    /// Whether the very same is there already.
    fn one(&mut self, path: &'a str, is_folder: bool) -> Result<bool, Clash<'a>> {
        match self.names.insert(caseless(path), (path, is_folder)) {
            None => Ok(false),
            Some((other, kind)) if kind != is_folder => Err(Clash::FolderAndFile(other)),
            Some((other, _)) if other != path => Err(Clash::Twice(other)),
            Some(_) => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_told_from_sound_ones() {
        let limits = WheelLimits::default();
        for name in ["a/b.py", "a/", "a b/c-d_e+f.txt", "数/é.py", ".hidden/x", "a..b/...c", "a:b"] {
            let expected = (name == "a:b").then_some("wheel-path-escapes");
            assert_eq!(wrong(name, &limits).map(|(rule, _)| rule), expected, "{name}");
        }
        let long = "a".repeat(limits.path_bytes_max + 1);
        let deep = "a/".repeat(limits.depth_max + 1);
        let cases = [
            ("../a", "wheel-path-escapes"),
            ("a/../b", "wheel-path-escapes"),
            ("a/..", "wheel-path-escapes"),
            ("/a", "wheel-path-escapes"),
            ("C:/a", "wheel-path-escapes"),
            ("a\\b", "wheel-path-escapes"),
            ("", "wheel-path-malformed"),
            ("/", "wheel-path-escapes"),
            ("a//b", "wheel-path-malformed"),
            ("a/./b", "wheel-path-malformed"),
            ("a.", "wheel-path-malformed"),
            ("a /b", "wheel-path-malformed"),
            ("a\nb", "wheel-path-unprintable"),
            ("a\u{202e}b", "wheel-path-unprintable"),
            ("a\0", "wheel-path-unprintable"),
            (&long, "wheel-path-too-long"),
            (&deep, "wheel-path-too-long"),
        ];
        for (name, rule) in cases {
            assert_eq!(wrong(name, &limits).map(|(rule, _)| rule), Some(rule), "{name:?}");
        }
    }

    #[test]
    fn names_that_are_one_file_somewhere_clash() {
        let clash = |names: &[&'static str]| {
            let mut taken = Taken::default();
            names.iter().find_map(|name| taken.take(name).err())
        };
        assert_eq!(clash(&["a/", "a/b.py", "c/d/e", "a/c", "c/d/f", "c/"]), None);
        assert_eq!(clash(&["a/b", "a/b"]), Some(Clash::Twice("a/b")));
        assert_eq!(clash(&["a/b", "A/b"]), Some(Clash::Twice("a")));
        assert_eq!(clash(&["straße", "STRASSE"]), Some(Clash::Twice("straße")));
        assert_eq!(clash(&["e\u{301}", "é"]), Some(Clash::Twice("e\u{301}")));
        assert_eq!(clash(&["a", "a/b"]), Some(Clash::FolderAndFile("a")));
        assert_eq!(clash(&["a/b", "a"]), Some(Clash::FolderAndFile("a")));
        assert_eq!(clash(&["a/b", "c", "A/d"]), Some(Clash::Twice("a")));
    }
}
