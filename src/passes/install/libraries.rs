//! Shared libraries that native code of packages needs: are they there?
//!
//! A wheel brings its own, or counts on those of a system that the sandbox may not be: `cv2` wants the libraries of a
//! desktop. The loader names only the first that it lacks, at an import that may come late in a run; here all of them are
//! told. Not every file of a package is ever loaded, so this alone fails nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use super::tree::Tree;
use super::verify::Findings;
use crate::deps::wheel::elf::needed;
use crate::finding::{Finding, Severity};

/// Libraries that are named in one finding.
const NAMED_MAX: usize = 8;

/// Says of each distribution of `tree`, whose files are in `root`, which libraries its native code needs that neither the
/// packages bring nor the sandbox has, which are `there`.
pub(super) fn missing(tree: &Tree, root: &Path, there: &BTreeSet<String>) -> Vec<Finding> {
    // The interpreter could not say, and its own is always among them.
    if there.is_empty() {
        return Vec::new();
    }
    let native: Vec<&String> = tree.files.keys().filter(|path| is_library(file_name(path))).collect();
    let brought: BTreeSet<&str> = native.iter().map(|path| file_name(path)).collect();
    let of_file = |path: &&String| {
        let needed = needed(&std::fs::read(root.join(path)).ok()?)?;
        let is_missing = |name: &String| !there.contains(name) && !brought.contains(file_name(name));
        let missing: Vec<String> = needed.libraries.into_iter().filter(is_missing).collect();
        (!missing.is_empty()).then(|| ((*path).clone(), missing))
    };
    let missing: BTreeMap<String, Vec<String>> = native.par_iter().filter_map(of_file).collect();
    let mut findings = Findings::default();
    for distribution in &tree.distributions {
        let files: Vec<_> = distribution.paths().filter_map(|path| missing.get_key_value(path)).collect();
        let Some((first, _)) = files.first() else { continue };
        let names: BTreeSet<&str> = files.iter().flat_map(|(_, names)| *names).map(String::as_str).collect();
        let (listed, more) = (names.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", "), names.len());
        let more = if more > NAMED_MAX { format!(" and {} more", more - NAMED_MAX) } else { String::new() };
        let message =
            format!("`{}` needs {listed}{more}, which the sandbox does not have (`{first}`)", distribution.name);
        findings.add_as("package-library-missing", Severity::Low, message);
    }
    findings.finish()
}

/// `libx.so`, `libx.so.1`, `x.cpython-311-x86_64-linux-gnu.so`.
fn is_library(name: &str) -> bool {
    name.ends_with(".so") || name.contains(".so.")
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Distribution, Recorded};
    use super::*;
    use crate::deps::wheel::elf::tests::object;

    /// A package whose native code needs `libm.so.6`, with another file beside it.
    fn missing_of(beside: &str, there: &[&str]) -> Vec<String> {
        let root = tempfile::tempdir().expect("a folder");
        let paths = ["x/core.cpython-311-x86_64-linux-gnu.so", "x/__init__.py", beside];
        std::fs::create_dir_all(root.path().join("x")).expect("a folder");
        std::fs::create_dir_all(root.path().join("x.libs")).expect("a folder");
        std::fs::write(root.path().join(paths[0]), object()).expect("a file");
        let line = |path: &&str| Recorded { path: Some((*path).to_owned()), written: String::new(), digest: None };
        let record = Some(paths.iter().map(line).collect());
        let distribution = Distribution { name: "x".to_owned(), record, ..Distribution::default() };
        let files = paths.iter().map(|path| ((*path).to_owned(), (1, String::new()))).collect();
        let tree = Tree { files, distributions: vec![distribution] };
        let there = there.iter().map(|name| (*name).to_owned()).collect();
        missing(&tree, root.path(), &there).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn libraries_are_the_systems_or_the_packages_own() {
        let file = "x/core.cpython-311-x86_64-linux-gnu.so";
        let message = format!("`x` needs libm.so.6, which the sandbox does not have (`{file}`)");
        assert_eq!(missing_of("x/data.txt", &["libc.so.6"]), [message]);
        assert_eq!(missing_of("x/data.txt", &["libc.so.6", "libm.so.6"]), [""; 0]);
        assert_eq!(missing_of("x.libs/libm.so.6", &["libc.so.6"]), [""; 0]);
        assert_eq!(missing_of("x/data.txt", &[]), [""; 0], "nothing is known of the sandbox");
    }
}
