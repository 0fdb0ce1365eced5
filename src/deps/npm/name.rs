//! Names, versions and places of packages, by npm's own rules for new packages; but old names with capitals are admitted.

/// The longest name that npm admits, in bytes.
const NAME_BYTES_MAX: usize = 214;

/// The longest version that is admitted, in bytes.
const VERSION_BYTES_MAX: usize = 128;

/// The folder that packages are in.
const FOLDER: &str = "node_modules";

/// Whether this is a package's name: `name`, or `@scope/name`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let parts = match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').map(|(scope, name)| [scope, name]),
        None => Some([name, name]),
    };
    let is_part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        !part.is_empty() && !part.starts_with(['.', '_']) && part.bytes().all(plain)
    };
    let reserved = [FOLDER, "favicon.ico"].iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
    name.len() <= NAME_BYTES_MAX && !reserved && parts.is_some_and(|parts| parts.into_iter().all(is_part))
}

/// Whether this is an exact version, as far as it can stand in an address: `1.2.3`, `1.2.3-rc.1+build`.
#[must_use]
pub(super) fn is_version(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    version.len() <= VERSION_BYTES_MAX
        && numbers.len() == 3
        && numbers.iter().all(is_number)
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte))
}

/// The name of the file that a registry keeps a version in: `name-1.2.3.tgz`, without the scope.
#[must_use]
pub fn archive(name: &str, version: &str) -> String {
    let base = name.rsplit_once('/').map_or(name, |(_, base)| base);
    format!("{base}-{version}.tgz")
}

/// The names along a place, outermost first: `node_modules/a/node_modules/@s/b` is `a`, `@s/b`. `None` where the place is
/// anything else.
pub(super) fn names_in(place: &str, depth_max: usize) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = place;
    loop {
        rest = rest.strip_prefix(FOLDER)?.strip_prefix('/')?;
        let bytes = match rest.starts_with('@') {
            true => rest.match_indices('/').nth(1).map_or(rest.len(), |(at, _)| at),
            false => rest.find('/').unwrap_or(rest.len()),
        };
        let (name, after) = rest.split_at(bytes);
        names.push(name);
        if !is_name(name) || names.len() > depth_max {
            return None;
        }
        match after.strip_prefix('/') {
            None => return Some(names),
            Some(inner) => rest = inner,
        }
    }
}

/// The place of `name` where what stands at `place` would find it first, then where it would look next, and so on outwards.
pub(super) fn looked_up<'a>(place: &'a str, name: &'a str) -> impl Iterator<Item = String> + use<'a> {
    let inner = format!("/{FOLDER}/");
    let mut next = Some(place);
    std::iter::from_fn(move || {
        let here = next?;
        next = match here.rfind(&inner) {
            Some(at) => Some(&here[..at]),
            None => (!here.is_empty()).then_some(""),
        };
        Some(if here.is_empty() { format!("{FOLDER}/{name}") } else { format!("{here}/{FOLDER}/{name}") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_told_from_what_could_lead_elsewhere() {
        for name in ["a", "left-pad", "JSONStream", "@types/node", "lodash.get", "a~b"] {
            assert!(is_name(name), "{name}");
        }
        let long = "a".repeat(215);
        let wrong =
            ["", ".", "..", "../a", "a/b", "@a", "@/a", "@a/", "@a/b/c", "@a/..", "_a", ".a", "a b", "node_modules"];
        for name in wrong.into_iter().chain(["a\\b", "é", "a%2f", "a?b", long.as_str()]) {
            assert!(!is_name(name), "{name}");
        }
        for version in ["1.2.3", "0.0.0", "1.2.3-rc.1", "1.2.3+b.1"] {
            assert!(is_version(version), "{version}");
        }
        for version in ["", "1", "1.2", "^1.2.3", "1.2.3/..", "1.2.x", "latest", "1.2.3 ", "1..3", "1.2.3.4"] {
            assert!(!is_version(version), "{version}");
        }
    }

    #[test]
    fn places_are_folders_of_packages_alone() {
        assert_eq!(names_in("node_modules/a", 4), Some(vec!["a"]));
        assert_eq!(names_in("node_modules/a/node_modules/@s/b", 4), Some(vec!["a", "@s/b"]));
        let wrong =
            ["", "a", "node_modules", "node_modules/", "/node_modules/a", "node_modules/..", "node_modules/a/b"];
        let also =
            ["node_modules/a/", "node_modules/../x", "packages/a", "node_modules/a/node_modules", "node_modules/@s"];
        for place in wrong.into_iter().chain(also) {
            assert_eq!(names_in(place, 4), None, "{place}");
        }
        assert_eq!(names_in(&["node_modules/a"; 5].join("/"), 4), None);
    }

    #[test]
    fn packages_are_looked_up_as_node_does() {
        let places = |place, name| looked_up(place, name).collect::<Vec<_>>();
        assert_eq!(places("", "a"), ["node_modules/a"]);
        assert_eq!(
            places("node_modules/node_modules-x", "a"),
            ["node_modules/node_modules-x/node_modules/a", "node_modules/a"]
        );
        let outwards =
            ["node_modules/a/node_modules/@s/b/node_modules/c", "node_modules/a/node_modules/c", "node_modules/c"];
        assert_eq!(places("node_modules/a/node_modules/@s/b", "c"), outwards);
    }
}
