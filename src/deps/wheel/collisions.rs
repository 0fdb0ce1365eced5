//! What several wheels do to one another: they share one folder, and the last one to write a file wins.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use foldhash::fast::RandomState;

use super::fault::{Faults, shown};
use super::{Member, Wheel};
use crate::deps::paths::caseless;
use crate::finding::{Finding, Severity};

/// Names in the root that many wheels leave there by mistake; nothing of them is imported by a name of its own.
const CLUTTER: &[&str] =
    &["benchmarks", "doc", "docs", "example", "examples", "licenses", "scripts", "test", "testing", "tests", "tools"];
const CLUTTER_FILES: &[&str] = &[
    "authors",
    "changelog",
    "changes",
    "contributing",
    "copying",
    "history",
    "licence",
    "license",
    "news",
    "notice",
    "readme",
];

/// Files that two of these wheels install. Where both install the same bytes, or where it is clutter that no program
/// imports, it is only noted; the first wheel's file is the one that is written.
#[must_use]
pub fn collisions(wheels: &[&Wheel<'_>]) -> Vec<Finding> {
    let mut owners: HashMap<String, (usize, &Member<'_>), RandomState> = HashMap::default();
    let mut folders: HashMap<String, usize, RandomState> = HashMap::default();
    let mut findings = Vec::new();
    for (at, wheel) in wheels.iter().enumerate() {
        let mut faults = Faults::new(wheel.name.file());
        let mut last_folder = "";
        for member in &wheel.files {
            let folder = member.target.rfind('/').map_or("", |end| &member.target[..end]);
            if folder != last_folder {
                let ends = folder.match_indices('/').map(|(end, _)| end).chain([folder.len()]);
                ends.for_each(|end| _ = folders.entry(caseless(&folder[..end])).or_insert(at));
                last_folder = folder;
            }
            match owners.entry(caseless(&member.target)) {
                Slot::Vacant(slot) => _ = slot.insert((at, member)),
                Slot::Occupied(slot) if slot.get().0 != at => {
                    let (other, theirs) = slot.get();
                    twice(member, theirs, wheels[*other], &mut faults);
                }
                // One wheel's own collisions are found where it is vetted.
                Slot::Occupied(_) => {}
            }
        }
        findings.extend(faults.finish());
    }
    for (path, (at, member)) in &owners {
        if let Some(other) = folders.get(path).filter(|other| *other != at) {
            let mut faults = Faults::new(wheels[*at].name.file());
            let (target, other) = (shown(&member.target), shown(wheels[*other].name.file()));
            faults.high("package-file-collides", format_args!("its file `{target}` is a folder of {other}"));
            findings.extend(faults.finish());
        }
    }
    crate::finding::sort(&mut findings);
    findings
}

fn twice(member: &Member<'_>, theirs: &Member<'_>, other: &Wheel<'_>, faults: &mut Faults) {
    let (target, other) = (shown(&member.target), shown(other.name.file()));
    if member.target != theirs.target {
        let theirs = shown(&theirs.target);
        faults.high("package-file-collides", format_args!("`{target}` and `{theirs}` of {other} differ in case alone"));
    } else if member.recorded == theirs.recorded && member.recorded.is_some() {
        let message = format_args!("`{target}` is the same file as that of {other}");
        faults.add("package-file-shared", Severity::Low, message);
    } else if is_clutter(&member.target) {
        let message = format_args!("`{target}` is also in {other}, whose file is kept");
        faults.add("package-file-shared", Severity::Low, message);
    } else {
        faults.high("package-file-collides", format_args!("`{target}` is also a file of {other}, and another one"));
    }
}

fn is_clutter(target: &str) -> bool {
    match target.split_once('/') {
        Some((top, _)) => CLUTTER.contains(&top),
        None => {
            let stem = target.split(['.', '-', '_']).next().unwrap_or(target);
            CLUTTER_FILES.contains(&stem.to_ascii_lowercase().as_str()) && !target.ends_with(".py")
        }
    }
}
