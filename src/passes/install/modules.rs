//! Which modules a distribution brings, told from the files that it records.

use super::tree::Distribution;
use crate::deps::is_identifier;

/// Modules of one distribution that are imported where none has its name.
const MODULES_MAX: usize = 4;

/// Outermost modules that are looked at.
const OUTERMOST_MAX: usize = 32;

/// Folders of the root that hold no modules.
const DATA_FOLDERS: &[&str] = &["bin", "share", "etc", "include", "lib", "man", "tests", "test", "docs", "examples"];

/// The modules to import: the one that has the distribution's name, or else a few of its outermost ones.
pub(super) fn to_import(distribution: &Distribution) -> Vec<String> {
    let mut modules = modules(distribution);
    let is_main = |module: &String| crate::deps::normalised(&module.replace('.', "-")) == distribution.name;
    match modules.iter().position(is_main) {
        Some(main) => vec![modules.swap_remove(main)],
        None => {
            modules.truncate(MODULES_MAX);
            modules
        }
    }
}

/// The outermost modules, by dotted name: a file in the root, or a folder that holds an `__init__`, however deep below
/// folders that hold none (namespace packages). Private ones (`_x`) count where there are no others.
fn modules(distribution: &Distribution) -> Vec<String> {
    let mut packages: Vec<String> = Vec::new();
    for path in distribution.paths() {
        let Some((folder, file)) = path.rsplit_once('/') else {
            packages.extend(single(path).map(str::to_owned));
            continue;
        };
        if single(file) == Some("__init__") && folder.split('/').all(is_identifier) {
            packages.push(folder.replace('/', "."));
        }
    }
    packages.sort_by(|a, b| (a.matches('.').count(), a).cmp(&(b.matches('.').count(), b)));
    let mut outermost: Vec<String> = Vec::new();
    for package in packages.into_iter().filter(|name| !is_data(name)) {
        let is_inside = |outer: &String| {
            package.strip_prefix(outer.as_str()).is_some_and(|rest| rest.starts_with('.') || rest.is_empty())
        };
        if outermost.len() < OUTERMOST_MAX && !outermost.iter().any(is_inside) {
            outermost.push(package);
        }
    }
    let is_public = |name: &&String| !name.starts_with('_');
    if outermost.iter().any(|name| is_public(&name)) {
        outermost.retain(|name| !name.starts_with('_'));
    }
    outermost
}

/// The module that a file is: `x` for `x.py` and `x.cpython-311-x86_64-linux-gnu.so`.
fn single(file: &str) -> Option<&str> {
    let stem = match file.rsplit_once('.')? {
        (stem, "py") => stem,
        (stem, "so") => stem.split('.').next().unwrap_or(stem),
        _ => return None,
    };
    is_identifier(stem).then_some(stem)
}

fn is_data(name: &str) -> bool {
    DATA_FOLDERS.contains(&name.split('.').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::super::tree::Recorded;
    use super::*;

    #[test]
    fn the_outermost_modules_are_found() {
        let cases: &[(&[&str], &[&str])] = &[
            (
                &["numpy/__init__.py", "numpy/core/__init__.py", "numpy-1.dist-info/RECORD", "numpy.libs/x.so"],
                &["numpy"],
            ),
            (&["six.py"], &["six"]),
            (&["_cffi_backend.cpython-311-x86_64-linux-gnu.so", "cffi/__init__.py"], &["cffi"]),
            (&["_only.py"], &["_only"]),
            (&["google/cloud/storage/__init__.py", "google/cloud/storage/x/__init__.py"], &["google.cloud.storage"]),
            (&["bin/tool", "share/x.py", "tests/__init__.py"], &[]),
            (&["requests-stubs/__init__.pyi"], &[]),
        ];
        for (paths, expected) in cases {
            let line = |path: &&str| Recorded { path: Some((*path).to_owned()), written: String::new(), digest: None };
            let distribution =
                Distribution { record: Some(paths.iter().map(line).collect()), ..Distribution::default() };
            assert_eq!(modules(&distribution), *expected, "{paths:?}");
        }
        let line = |path: &str| Recorded { path: Some(path.to_owned()), written: String::new(), digest: None };
        let record = ["pylab.py", "mat_plot/__init__.py", "tools/__init__.py"].map(line);
        let distribution =
            Distribution { name: "mat-plot".to_owned(), record: Some(record.into()), ..Distribution::default() };
        assert_eq!(to_import(&distribution), ["mat_plot"]);
    }
}
