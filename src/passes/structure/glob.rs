//! The globs of profiles. Most are names, `*`, `**` and alternatives, and are matched as they are written: to make a regular
//! expression of each takes longer than to vet a small file. The rest are left to `globset`, which means the same by them.

use globset::{GlobBuilder, GlobSet};

/// What every folder in between is written as.
const ANY_FOLDERS: &str = "**";

/// Globs that one glob with alternatives is written out to; what stands for more is left to `globset`.
const ALTERNATIVES_MAX: usize = 64;

/// A glob; `*` does not match `/`.
pub(super) enum Glob {
    /// It matches what one of these does, which hold no other wild card than `*`, and `**` at most once.
    Plain(Vec<String>),
    /// It is compiled.
    Compiled(GlobSet),
}

impl Glob {
    /// Reads a glob.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(text: &str) -> Result<Self, globset::Error> {
        match plain(text) {
            Some(all) => Ok(Self::Plain(all)),
            None => GlobBuilder::new(text)
                .literal_separator(true)
                .build()
                .and_then(|glob| GlobSet::new([glob]))
                .map(Self::Compiled),
        }
    }

    /// Whether it matches a path.
    pub(super) fn is_match(&self, path: &str) -> bool {
        match self {
            Self::Plain(all) => all.iter().any(|glob| matches(glob, path)),
            Self::Compiled(set) => set.is_match(path),
        }
    }
}

/// The alternatives of a glob that is plain.
fn plain(text: &str) -> Option<Vec<String>> {
    let mut open = vec![text.to_owned()];
    let mut plain = Vec::new();
    while let Some(glob) = open.pop() {
        let Some((before, rest)) = glob.split_once('{') else {
            plain.push(is_plain(&glob).then_some(glob)?);
            continue;
        };
        let (inside, after) = rest.split_once('}')?;
        let alternatives: Vec<&str> = inside.split(',').collect();
        if alternatives.iter().any(|one| one.is_empty() || one.contains(['{', '/', '*'])) || before.contains('}') {
            return None;
        }
        open.extend(alternatives.iter().map(|one| format!("{before}{one}{after}")));
        if open.len() + plain.len() > ALTERNATIVES_MAX {
            return None;
        }
    }
    Some(plain)
}

fn is_plain(glob: &str) -> bool {
    let parts = || glob.split('/');
    let folders = parts().filter(|part| *part == ANY_FOLDERS).count();
    !glob.contains(['[', ']', '?', '\\', '}'])
        && folders < 2
        && parts().all(|part| !part.is_empty() && (part == ANY_FOLDERS || !part.contains(ANY_FOLDERS)))
}

fn matches(glob: &str, path: &str) -> bool {
    let both_match = |glob: &[&str], path: &[&str]| {
        glob.len() == path.len()
            && glob.iter().zip(path).all(|(glob, part)| part_matches(glob.as_bytes(), part.as_bytes()))
    };
    let (glob, path): (Vec<&str>, Vec<&str>) = (glob.split('/').collect(), path.split('/').collect());
    let Some(folders) = glob.iter().position(|part| *part == ANY_FOLDERS) else { return both_match(&glob, &path) };
    let (before, after) = (&glob[..folders], &glob[folders + 1..]);
    // At the end, it stands for what is in a folder, and not for the folder.
    let least = before.len() + after.len().max(1);
    path.len() >= least
        && both_match(before, &path[..before.len()])
        && both_match(after, &path[path.len() - after.len()..])
}

/// Whether a part of a path matches: of a star that was passed, the rest is tried from one byte on after the other.
fn part_matches(glob: &[u8], part: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while seen < part.len() {
        match (glob.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at + 1, seen));
                at += 1;
            }
            (Some(byte), _) if *byte == part[seen] => (at, seen) = (at + 1, seen + 1),
            (_, Some((behind, from))) => {
                star = Some((behind, from + 1));
                (at, seen) = (behind, from + 1);
            }
            (_, None) => return false,
        }
    }
    glob[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compiled(text: &str) -> Option<GlobSet> {
        GlobBuilder::new(text).literal_separator(true).build().and_then(|glob| GlobSet::new([glob])).ok()
    }

    proptest! {
        #[test]
        fn a_plain_glob_means_what_globset_means_by_it(
            glob in "([ab.]|\\*|\\*\\*|/|\\*\\*/|\\{a,b\\}|\\{ab,\\.\\}){1,7}",
            path in "[ab.]{1,3}(/[ab.]{1,3}){0,4}",
        ) {
            if let (Some(all), Some(set)) = (plain(&glob), compiled(&glob)) {
                prop_assert_eq!(Glob::Plain(all).is_match(&path), set.is_match(&path), "{} {}", glob, path);
            }
        }
    }

    #[test]
    fn the_globs_of_built_in_profiles_are_plain() {
        let profiles = crate::policy::BUILTIN_PROFILES.map(|name| crate::policy::builtin_profile(name).expect(name));
        let globs = profiles.iter().flat_map(|profile| {
            let lists = [&profile.required, &profile.forbidden, &profile.entry, &profile.tests];
            lists.into_iter().flatten().chain(profile.markers.keys())
        });
        for glob in globs {
            assert!(matches!(Glob::new(glob), Ok(Glob::Plain(_))), "{glob}");
        }
    }

    #[test]
    fn what_is_not_plain_is_compiled() {
        for (glob, path, expected) in [
            ("[ab].py", "a.py", true),
            ("?.py", "ab.py", false),
            ("{a,{b,c}}.py", "c.py", true),
            ("**/a/**/b", "x/a/y/z/b", true),
        ] {
            let read = Glob::new(glob).expect("it is a glob");
            assert!(matches!(read, Glob::Compiled(_)), "{glob}");
            assert_eq!(read.is_match(path), expected, "{glob} {path}");
        }
        assert!(Glob::new("[a").is_err());
    }
}
