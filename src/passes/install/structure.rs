//! What may not be among installed packages, whatever it holds: files that an interpreter, a shell or another tool takes
//! up by themselves, before the program that was vetted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::InstallError;
use super::tree::Tree;
use super::verify::Findings;
use crate::finding::{Finding, Severity};

/// Modules that an interpreter imports at its start, if they are there.
const STARTUP_MODULES: &[&str] = &["sitecustomize", "usercustomize"];

/// Path files that are known and do no harm: the one that setuptools ships, which takes no effect on a search path.
const KNOWN_PATH_FILES: &[(&str, &str)] =
    &[("distutils-precedence.pth", "sha256:2638ce9e2500e572a5e0de7faed6661eb569d1b696fcba07b0dd223da5f5d224")];

/// Looks at names alone, and at the content of path files.
pub(super) fn check(tree: &Tree, root: &Path, stdlib: &BTreeSet<String>) -> Result<Vec<Finding>, InstallError> {
    let mut findings = Findings::default();
    for (name, is_folder) in tree.top_level() {
        let module = module_name(name, is_folder);
        if name.starts_with('.') && name != ".lock" {
            findings.add("package-hidden-file", format!("`{name}` is a hidden file beside the packages"));
        } else if module.is_some_and(|module| STARTUP_MODULES.contains(&module)) {
            findings.add("package-startup-module", format!("`{name}` would run whenever an interpreter starts"));
        } else if module.is_some_and(|module| stdlib.contains(module)) {
            findings.add("package-shadows-stdlib", format!("`{name}` stands before a module of the standard library"));
        }
    }
    for (path, (_, digest)) in &tree.files {
        if path.ends_with(".pth") && !is_known_path_file(path, digest) {
            path_file(&mut findings, root, path)?;
        } else if is_bytecode(path) && !path.contains("__pycache__/") {
            findings.add("package-bytecode-only", format!("`{path}` is bytecode that would run without its source"));
        } else if is_bytecode(path) {
            let message = format!("`{path}` is bytecode that may differ from its source; it was removed");
            findings.add_as("package-bytecode-shipped", Severity::Low, message);
            fs::remove_file(root.join(path))
                .map_err(|source| InstallError::Io { action: "remove shipped bytecode", source })?;
        }
    }
    Ok(findings.finish())
}

/// The module that a name in the root is, if it is one.
fn module_name(name: &str, is_folder: bool) -> Option<&str> {
    let is_data = [".dist-info", ".data", ".libs", ".egg-info"].iter().any(|ending| name.ends_with(ending));
    if is_folder {
        return (!is_data).then_some(name);
    }
    let (stem, extension) = name.rsplit_once('.')?;
    let stem = stem.split('.').next().unwrap_or(stem);
    matches!(extension, "py" | "pyc" | "so").then_some(stem)
}

fn is_bytecode(path: &str) -> bool {
    path.ends_with(".pyc") || path.ends_with(".pyo")
}

fn is_known_path_file(path: &str, digest: &str) -> bool {
    KNOWN_PATH_FILES.contains(&(path, digest))
}

/// A path file with an `import` line is code. One without is only a list of folders, and takes no effect here.
fn path_file(findings: &mut Findings, root: &Path, path: &str) -> Result<(), InstallError> {
    let bytes =
        fs::read(root.join(path)).map_err(|source| InstallError::Io { action: "read an installed file", source })?;
    let is_code = |line: &[u8]| line.starts_with(b"import ") || line.starts_with(b"import\t");
    if bytes.split(|&byte| byte == b'\n' || byte == b'\r').any(is_code) {
        findings.add("package-path-file", format!("`{path}` would run code whenever an interpreter starts"));
    } else {
        findings.add_as("package-path-file-inert", Severity::Low, format!("`{path}` takes no effect here"));
    }
    Ok(())
}
