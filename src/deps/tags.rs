//! Compatibility tags: which wheels an interpreter can use, and which of them it likes best.
//!
//! A wheel names an interpreter, a binary interface and a platform, each perhaps several times
//! (`py2.py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64`). The order of preference is that of the *Platform
//! compatibility tags* specification and its reference implementation (`packaging.tags`): what was built for just this
//! interpreter, then for its stable interface, then pure Python for it, then for older ones; and of each, the newest
//! platform first. The facts come from the interpreter inside the sandbox, never from this host.

use serde::{Deserialize, Serialize};

/// What tags are told from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `sys.implementation.name`: `cpython`, `pypy`, ….
    pub implementation: String,
    /// Major and minor version of the language.
    pub python: (u16, u16),
    /// Flags of the binary interface behind the version: `t` without a global lock, `d` with debugging, else empty.
    pub abi_flags: String,
    /// The machine as the system names it: `x86_64`, `aarch64`, ….
    pub machine: String,
    /// `glibc` or `musl`, and its version; absent on other systems.
    pub libc: Option<(String, u16, u16)>,
}

/// The tags that a target can use, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags {
    /// Interpreter and binary interface, each with every platform of `platforms`.
    binary: Vec<(String, String)>,
    platforms: Vec<String>,
    /// Interpreters of pure wheels: `none` and `any`.
    pure: Vec<String>,
}

/// The oldest glibc that manylinux tags name, by whether the machine is an old PC.
const GLIBC_MINOR_MIN: [u16; 2] = [17, 5];

/// Older names of three manylinux platforms (PEP 600), by the minor version of glibc.
const LEGACY_PLATFORMS: [(u16, &str); 3] = [(17, "manylinux2014"), (12, "manylinux2010"), (5, "manylinux1")];

impl Target {
    /// The interpreter's own tag: `cp311`, `pp310`.
    #[must_use]
    pub fn interpreter_tag(&self) -> String {
        let prefix = match self.implementation.as_str() {
            "cpython" => "cp",
            "pypy" => "pp",
            other => other,
        };
        format!("{prefix}{}{}", self.python.0, self.python.1)
    }

    /// The tags that this can use.
    #[must_use]
    pub fn tags(&self) -> Tags {
        let (major, minor) = self.python;
        let own = self.interpreter_tag();
        let mut binary = Vec::new();
        if self.implementation == "cpython" {
            binary.push((own.clone(), format!("{own}{}", self.abi_flags)));
            // The stable interface is not offered by interpreters without a global lock.
            let is_stable = !self.abi_flags.contains('t');
            if is_stable {
                binary.push((own.clone(), "abi3".to_owned()));
            }
            binary.push((own.clone(), "none".to_owned()));
            let older = (2..minor).rev().filter(|_| is_stable);
            binary.extend(older.map(|minor| (format!("cp{major}{minor}"), "abi3".to_owned())));
        } else {
            binary.push((own.clone(), "none".to_owned()));
        }
        let languages: Vec<String> = std::iter::once(format!("py{major}{minor}"))
            .chain(std::iter::once(format!("py{major}")))
            .chain((0..minor).rev().map(|minor| format!("py{major}{minor}")))
            .collect();
        binary.extend(languages.iter().map(|language| (language.clone(), "none".to_owned())));
        let pure = std::iter::once(own).chain(languages).collect();
        Tags { binary, platforms: self.platforms(), pure }
    }

    fn platforms(&self) -> Vec<String> {
        let machine = &self.machine;
        let mut platforms = Vec::new();
        match &self.libc {
            Some((libc, 2, newest)) if libc == "glibc" => {
                let is_old_pc = matches!(machine.as_str(), "x86_64" | "i686");
                for minor in (GLIBC_MINOR_MIN[usize::from(is_old_pc)]..=*newest).rev() {
                    platforms.push(format!("manylinux_2_{minor}_{machine}"));
                    let legacy = LEGACY_PLATFORMS.iter().find(|(of, _)| *of == minor);
                    platforms.extend(legacy.map(|(_, name)| format!("{name}_{machine}")));
                }
            }
            Some((libc, major, newest)) if libc == "musl" => {
                platforms.extend((0..=*newest).rev().map(|minor| format!("musllinux_{major}_{minor}_{machine}")));
            }
            _ => {}
        }
        platforms.push(format!("linux_{machine}"));
        platforms
    }
}

impl Tags {
    /// How much a wheel with this one tag is liked, 0 most; `None` where it cannot be used.
    #[must_use]
    pub fn rank(&self, python: &str, abi: &str, platform: &str) -> Option<usize> {
        if platform == "any" {
            let at = self.pure.iter().position(|own| own == python).filter(|_| abi == "none")?;
            return Some(self.binary.len() * self.platforms.len() + at);
        }
        let kind = self.binary.iter().position(|(own, interface)| own == python && interface == abi)?;
        let place = self.platforms.iter().position(|own| own == platform)?;
        Some(kind * self.platforms.len() + place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(minor: u16, libc: Option<(&str, u16, u16)>) -> Target {
        Target {
            implementation: "cpython".to_owned(),
            python: (3, minor),
            abi_flags: String::new(),
            machine: "x86_64".to_owned(),
            libc: libc.map(|(name, major, minor)| (name.to_owned(), major, minor)),
        }
    }

    #[test]
    fn tags_are_ranked_as_the_reference_ranks_them() {
        let tags = target(11, Some(("glibc", 2, 36))).tags();
        // In order of preference.
        let usable = [
            ("cp311", "cp311", "manylinux_2_36_x86_64"),
            ("cp311", "cp311", "manylinux_2_17_x86_64"),
            ("cp311", "cp311", "manylinux2014_x86_64"),
            ("cp311", "cp311", "manylinux1_x86_64"),
            ("cp311", "cp311", "linux_x86_64"),
            ("cp311", "abi3", "manylinux_2_28_x86_64"),
            ("cp311", "none", "manylinux_2_28_x86_64"),
            ("cp310", "abi3", "manylinux_2_28_x86_64"),
            ("cp32", "abi3", "linux_x86_64"),
            ("py311", "none", "linux_x86_64"),
            ("py3", "none", "manylinux2010_x86_64"),
            ("cp311", "none", "any"),
            ("py311", "none", "any"),
            ("py3", "none", "any"),
            ("py310", "none", "any"),
        ];
        let ranks: Vec<usize> = usable.iter().map(|(python, abi, at)| tags.rank(python, abi, at).unwrap()).collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
        for (python, abi, platform) in [
            ("cp311", "cp311", "manylinux_2_37_x86_64"),
            ("cp311", "cp311", "manylinux_2_17_aarch64"),
            ("cp311", "cp311", "musllinux_1_1_x86_64"),
            ("cp311", "cp311", "any"),
            ("cp312", "abi3", "linux_x86_64"),
            ("cp311", "cp311t", "linux_x86_64"),
            ("py2", "none", "any"),
            ("py312", "none", "any"),
            ("pp311", "pypy311_pp73", "manylinux_2_17_x86_64"),
            ("cp311", "cp311", "win_amd64"),
        ] {
            assert_eq!(tags.rank(python, abi, platform), None, "{python}-{abi}-{platform}");
        }
    }

    #[test]
    fn other_interpreters_and_systems_have_tags_of_their_own() {
        let musl = target(13, Some(("musl", 1, 2))).tags();
        assert!(musl.rank("cp313", "cp313", "musllinux_1_1_x86_64").is_some());
        assert_eq!(musl.rank("cp313", "cp313", "manylinux_2_17_x86_64"), None);
        let free = Target { abi_flags: "t".to_owned(), ..target(13, Some(("glibc", 2, 36))) }.tags();
        assert!(free.rank("cp313", "cp313t", "manylinux_2_17_x86_64").is_some());
        assert_eq!(free.rank("cp313", "cp313", "manylinux_2_17_x86_64"), None);
        assert_eq!(free.rank("cp39", "abi3", "manylinux_2_17_x86_64"), None);
        let arm = Target { machine: "aarch64".to_owned(), ..target(11, Some(("glibc", 2, 36))) }.tags();
        assert_eq!(arm.rank("cp311", "cp311", "manylinux1_aarch64"), None);
        assert!(arm.rank("cp311", "cp311", "manylinux2014_aarch64").is_some());
        let bare = target(11, None).tags();
        assert!(bare.rank("py3", "none", "any").is_some());
        assert_eq!(bare.rank("cp311", "cp311", "manylinux1_x86_64"), None);
    }
}
