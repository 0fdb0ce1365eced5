//! Where the members of a wheel land, and what may not land there, whatever it holds: files that an interpreter, a shell
//! or another tool takes up by themselves, before the program that was vetted.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::archive::{Clash, Entry, Inflater, Taken};
use super::fault::{Faults, shown};
use super::{Surroundings, WheelName, path_file, scripts};
use crate::finding::Severity;

/// Modules that an interpreter imports at its start, if they are there.
const STARTUP_MODULES: &[&str] = &["sitecustomize", "usercustomize"];

/// Files in the root that make an interpreter take it for its own home.
const INTERPRETER_FILES: &[&str] = &["pyvenv.cfg", "pybuilddir.txt"];

/// Folders of the root that hold no modules.
const DATA_FOLDERS: &[&str] = &["bin", "share", "etc", "include", "lib", "man"];

/// How a member is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    File,
    /// A command: it can be run, and its first line may name an interpreter that is still to be found.
    Script,
}

/// A file of a wheel and where it lands.
#[derive(Clone, Debug)]
pub(super) struct Placed<'a> {
    pub(super) target: Cow<'a, str>,
    pub(super) kind: Kind,
    pub(super) entry: Entry<'a>,
}

/// The folder `name-version.data` holds one folder for each place that is not the root.
pub(super) struct Layout<'n> {
    /// `name-version`, as the `.dist-info` folder spells it.
    pub(super) stem: String,
    pub(super) name: &'n WheelName,
}

impl Layout<'_> {
    /// The files that are installed, sorted by where they land, and the names of those that are left out.
    pub(super) fn place<'a>(&self, entries: &[Entry<'a>], faults: &mut Faults) -> (Vec<Placed<'a>>, Vec<&'a str>) {
        let (mut placed, mut dropped) = (Vec::with_capacity(entries.len()), Vec::new());
        for entry in entries.iter().filter(|entry| !entry.is_folder()) {
            let Some((target, kind)) = self.target(entry.name()) else {
                faults.high(
                    "package-data-misplaced",
                    format_args!("`{}` is meant for a place that packages do not have", shown(entry.name())),
                );
                continue;
            };
            if is_cached_bytecode(&target) {
                let message =
                    format_args!("`{}` is bytecode that may differ from its source; it is left out", shown(&target));
                faults.add("package-bytecode-shipped", Severity::Low, message);
                dropped.push(entry.name());
            } else {
                placed.push(Placed { target, kind, entry: *entry });
            }
        }
        placed.sort_by(|a, b| a.target.cmp(&b.target));
        (placed, dropped)
    }

    /// Where a member lands, from the root of the packages; `None` for a scheme that there is not.
    fn target<'a>(&self, name: &'a str) -> Option<(Cow<'a, str>, Kind)> {
        let Some((folder, rest)) = name.split_once('/').filter(|(folder, _)| is_data_folder(folder)) else {
            return Some((Cow::Borrowed(name), Kind::File));
        };
        if folder.strip_suffix(".data") != Some(self.stem.as_str()) {
            return None;
        }
        let (scheme, path) = rest.split_once('/')?;
        match scheme {
            "purelib" | "platlib" | "data" => Some((Cow::Borrowed(path), Kind::File)),
            "scripts" => Some((Cow::Owned(format!("bin/{path}")), Kind::Script)),
            "headers" => Some((Cow::Owned(format!("include/{}/{path}", self.name.distribution)), Kind::File)),
            _ => None,
        }
    }
}

/// Some installers take any folder of this kind for the one of the wheel.
fn is_data_folder(folder: &str) -> bool {
    folder.to_ascii_lowercase().ends_with(".data")
}

/// Bytecode where an interpreter keeps it for itself. It is made anew from the source, and never taken from a wheel.
fn is_cached_bytecode(target: &str) -> bool {
    is_bytecode(target) && target.split('/').rev().nth(1) == Some("__pycache__")
}

fn is_bytecode(target: &str) -> bool {
    target.ends_with(".pyc") || target.ends_with(".pyo")
}

/// Two members must not land on one file, or one in the other.
pub(super) fn check_targets(placed: &[Placed<'_>], faults: &mut Faults) {
    let mut taken = Taken::default();
    for file in placed {
        match taken.take(&file.target) {
            Ok(()) => {}
            Err(Clash::Twice(other) | Clash::FolderAndFile(other)) => faults.high(
                "package-file-collides",
                format_args!("`{}` and `{}` land on one place", shown(&file.target), shown(other)),
            ),
        }
    }
}

/// What a name in the root does by itself. `placed` is sorted, so that equal names follow one another.
pub(super) fn check_top_level(placed: &[Placed<'_>], around: &Surroundings<'_>, faults: &mut Faults) {
    let mut last = None;
    for file in placed {
        let (top, is_folder) = match file.target.split_once('/') {
            Some((top, _)) => (top, true),
            None => (&*file.target, false),
        };
        if last.replace(top) != Some(top) {
            top_level(top, is_folder, around, faults);
        }
    }
}

fn top_level(top: &str, is_folder: bool, around: &Surroundings<'_>, faults: &mut Faults) {
    let module = module_name(top, is_folder);
    let quoted = shown(top);
    if top.starts_with('.') {
        faults.high("package-hidden-file", format_args!("`{quoted}` is a hidden file beside the packages"));
    } else if module.is_some_and(|module| STARTUP_MODULES.contains(&module)) {
        faults.high("package-startup-module", format_args!("`{quoted}` would run whenever an interpreter starts"));
    } else if module.is_some_and(|module| around.stdlib.contains(module)) {
        let message = format_args!("`{quoted}` stands before a module of the standard library");
        faults.high("package-shadows-stdlib", message);
    } else if INTERPRETER_FILES.contains(&top) {
        faults.high(
            "package-data-misplaced",
            format_args!("`{quoted}` would make an interpreter look for its home here"),
        );
    }
}

/// Modules that are known to be another distribution's.
pub(super) fn check_owners(
    modules: &BTreeSet<String>,
    name: &WheelName,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) {
    for module in modules {
        if let Some(owner) = (around.owner_of)(module).filter(|owner| *owner != name.distribution) {
            let (module, owner) = (shown(module), shown(owner));
            faults.high("package-foreign-module", format_args!("`{module}` is a module of `{owner}`"));
        }
    }
}

/// The outermost modules: files and folders of the root with something to import.
pub(super) fn modules(placed: &[Placed<'_>]) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for file in placed.iter().filter(|file| file.target.ends_with(".py") || file.target.ends_with(".so")) {
        let module = match file.target.split_once('/') {
            Some((top, _)) => module_name(top, true).filter(|top| !DATA_FOLDERS.contains(top)),
            None => module_name(&file.target, false),
        };
        if let Some(module) = module.filter(|module| !modules.contains(*module)) {
            modules.insert(module.to_owned());
        }
    }
    modules
}

/// The module that a name in the root is, if it is one.
pub(super) fn module_name(top: &str, is_folder: bool) -> Option<&str> {
    let is_data = [".dist-info", ".data", ".libs", ".egg-info"].iter().any(|ending| top.ends_with(ending));
    if is_folder {
        return (!is_data).then_some(top);
    }
    let (stem, extension) = top.rsplit_once('.')?;
    let stem = stem.split('.').next().unwrap_or(stem);
    matches!(extension, "py" | "pyc" | "pyo" | "so").then_some(stem)
}

/// What a file does by its name, wherever its name comes from.
pub(super) fn check_files(placed: &[Placed<'_>], name: &WheelName, inflater: &mut Inflater, faults: &mut Faults) {
    for file in placed {
        let target = &*file.target;
        let lower = target.to_ascii_lowercase();
        if is_smuggled_description(file) {
            let message =
                format_args!("`{}` would describe an installed package, and is not vetted as such", shown(target));
            faults.high("package-info-folder-wrong", message);
        } else if lower.starts_with("lib/python") || lower.starts_with("lib64/python") {
            let message = format_args!("`{}` is where an interpreter looks for packages of its own", shown(target));
            faults.high("package-data-misplaced", message);
        } else if is_bytecode(&lower) {
            let message = format_args!("`{}` is bytecode that would run without its source", shown(target));
            faults.high("package-bytecode-only", message);
        } else if lower.ends_with(".pth") && !target.contains('/') {
            path_file::check(file, inflater, faults);
        } else if let Some(command) = target.strip_prefix("bin/") {
            scripts::check(command, &name.distribution, faults);
        }
    }
}

/// Whether a file lands where installed packages are described, and does not stand in the wheel's own description: what is
/// read there after the install must be what was read here.
fn is_smuggled_description(file: &Placed<'_>) -> bool {
    let top = file.target.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let is_old = [".egg-info", ".egg-link", ".egg"].iter().any(|ending| top.ends_with(ending));
    is_old || top.ends_with(".dist-info") && file.target != file.entry.name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_told_from_data() {
        let cases = [
            ("x.py", false, Some("x")),
            ("x.cpython-311-x86_64-linux-gnu.so", false, Some("x")),
            ("x", true, Some("x")),
            ("x-1.dist-info", true, None),
            ("x.libs", true, None),
            ("LICENSE", false, None),
            ("x.txt", false, None),
        ];
        for (top, is_folder, module) in cases {
            assert_eq!(module_name(top, is_folder), module, "{top}");
        }
    }
}
