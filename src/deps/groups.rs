//! Groups of packages that `pyproject.toml` declares beside those of the project itself, and that are wanted by name: groups of
//! PEP 735 (`[dependency-groups]`), which may include one another, and extras (`[project.optional-dependencies]`).

use std::collections::{BTreeMap, BTreeSet};

use toml::{Spanned, Value};

use super::lines::Refusal;
use super::name::normalised;
use super::reader::{Place, Reader};
use crate::finding::{Finding, Pass, Severity};

/// Groups as they stand in the file, by name.
pub(super) type Groups = BTreeMap<String, Vec<Spanned<Value>>>;

const HINT: &str = "list packages as text, and groups as `{ include-group = \"name\" }`";

/// The groups of one file.
#[derive(Clone, Copy)]
pub(super) struct Declared<'g> {
    pub(super) groups: &'g Groups,
    pub(super) extras: &'g Groups,
}

impl Declared<'_> {
    /// Reads the `wanted` groups and those that they include; whether there was any.
    pub(super) fn read(self, reader: &mut Reader<'_>, place: Place<'_>, wanted: &[String]) -> bool {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<String> = wanted.iter().rev().map(|name| normalised(name)).collect();
        let mut any = false;
        while let Some(name) = waiting.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let Some(entries) = named(self.groups, &name).or_else(|| named(self.extras, &name)) else {
                let message = format!("there is no group and no extra `{name}`");
                let path = place.path;
                reader.findings.push(Finding::in_file(
                    "dependency-group-missing",
                    Pass::Install,
                    Severity::Info,
                    path,
                    message,
                ));
                continue;
            };
            any = true;
            for entry in entries {
                match entry.get_ref() {
                    Value::String(text) => reader.entry(place, entry.span(), text),
                    Value::Table(table) if table.len() == 1 => match table.get("include-group") {
                        Some(Value::String(included)) => waiting.push(normalised(included)),
                        _ => refuse(reader, place, entry),
                    },
                    _ => refuse(reader, place, entry),
                }
            }
        }
        any
    }
}

fn named<'g>(groups: &'g Groups, name: &str) -> Option<&'g Vec<Spanned<Value>>> {
    groups.iter().find(|(key, _)| normalised(key) == name).map(|(_, entries)| entries)
}

fn refuse(reader: &mut Reader<'_>, place: Place<'_>, entry: &Spanned<Value>) {
    let message = "an entry of a group is neither a package nor another group";
    let refusal = Refusal::new("dependency-group-invalid", message, HINT).at(entry.span());
    reader.refuse(place.path, Some(place.text), refusal);
}
