//! Declarations in data: PEP 723 blocks and `pyproject.toml`.
//!
//! Only what stands there as it is counts: nothing is built to find out, and no tool's own tables are obeyed, because
//! they can redirect an installer.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::groups::{Declared, Groups};
use super::lines::Refusal;
use super::reader::{Place, Reader};
use super::script::{Block, blocks};
use super::specifier::SpecifierSet;
use crate::artifact::{Artifact, SourceFile, SourceText};
use crate::finding::{Finding, Pass, Severity};

const DATA_HINT: &str = "list the packages as text: `dependencies = [\"name>=1.0\"]`";

/// What a PEP 723 block and a `[project]` table have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Table {
    dependencies: Option<Vec<Spanned<String>>>,
    requires_python: Option<Spanned<String>>,
    #[serde(default)]
    dynamic: Vec<Spanned<String>>,
    #[serde(default)]
    optional_dependencies: Groups,
    tool: Option<toml::Table>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Pyproject {
    project: Option<Table>,
    #[serde(default)]
    dependency_groups: Groups,
    tool: Option<toml::Table>,
}

/// Python files of the root that hold a `script` block, which alone can be entry points with declarations.
pub(super) fn scripts(artifact: &Artifact) -> Vec<(&SourceFile, SourceText)> {
    let candidates = artifact.files.iter().filter(|file| !file.path.contains('/') && file.path.ends_with(".py"));
    let texts =
        candidates.filter_map(|file| Some((file, SourceText::from_utf8(std::str::from_utf8(&file.bytes).ok()?))));
    texts.filter(|(_, text)| blocks(text.as_str()).iter().any(|block| block.kind == "script")).collect()
}

/// Reads the `script` block of a Python file.
pub(super) fn read_script(reader: &mut Reader<'_>, path: &str, text: &SourceText) {
    let blocks = blocks(text.as_str());
    let mut scripts = blocks.iter().filter(|block| block.kind == "script");
    let Some(block) = scripts.next() else { return };
    if let Some(second) = scripts.next() {
        let message = "the file holds more than one `script` block";
        let refusal = Refusal::new("script-block-repeated", message, "keep one block");
        reader.refuse(path, Some(text), refusal.at(second.range.clone()));
        return;
    }
    let place = Place { path, text };
    match toml::from_str::<Table>(&block.content) {
        Ok(table) => {
            read_table(reader, place, &table, |range| block.in_file(range));
            if table.tool.is_some() {
                reader.findings.push(tool_table(place, block));
            }
        }
        Err(error) => {
            let message = format!("the `script` block cannot be read: {}", error.message());
            let range = error.span().map_or(block.range.clone(), |span| block.in_file(span));
            reader.refuse(path, Some(text), Refusal::new("script-block-invalid", message, DATA_HINT).at(range));
        }
    }
}

fn tool_table(place: Place<'_>, block: &Block<'_>) -> Finding {
    let message = "the `tool` tables of a `script` block are not obeyed";
    Finding::in_file("script-block-tool-ignored", Pass::Install, Severity::Info, place.path, message)
        .at(place.text, block.range.clone())
}

/// Reads the `[project]` table of a `pyproject.toml`; whether it declares anything, or says that it would.
pub(super) fn read_pyproject(reader: &mut Reader<'_>, file: &SourceFile) -> bool {
    let path = file.path.as_str();
    let invalid = |message: String| Refusal::new("pyproject-invalid", message, DATA_HINT);
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        reader.refuse(path, None, invalid("the file is not UTF-8".to_owned()));
        return true;
    };
    let source = SourceText::from_utf8(text);
    let place = Place { path, text: &source };
    match toml::from_str::<Pyproject>(text) {
        Ok(pyproject) => {
            let own = pyproject.project.unwrap_or_default();
            read_table(reader, place, &own, |range| range);
            let groups = Declared { groups: &pyproject.dependency_groups, extras: &own.optional_dependencies };
            let any_group = groups.read(reader, place, &reader.policy.groups);
            let foreign = pyproject.tool.as_ref().is_some_and(tool_declares);
            if own.dependencies.is_none() && foreign {
                let message = "packages are declared in a tool's own table, which is not read: none is installed";
                let finding =
                    Finding::in_file("pyproject-tool-dependencies", Pass::Install, Severity::Low, path, message);
                reader.findings.push(finding.hint(DATA_HINT));
            }
            foreign || any_group || own.dependencies.is_some() || !own.dynamic.is_empty()
        }
        Err(error) => {
            let refusal = invalid(format!("the `[project]` table cannot be read: {}", error.message()));
            let range = error.span().unwrap_or(0..0);
            reader.refuse(path, Some(&source), refusal.at(range));
            true
        }
    }
}

/// Reads the `requires-python` alone of a `pyproject.toml` whose packages something else declares, unless that said it
/// too. What cannot be read is not needed there.
pub(super) fn read_requires_python(reader: &mut Reader<'_>, file: &SourceFile) {
    let text = std::str::from_utf8(&file.bytes).unwrap_or_default();
    let project = toml::from_str::<Pyproject>(text).ok().and_then(|pyproject| pyproject.project);
    let wanted = project.and_then(|project| project.requires_python);
    if let (None, Some(Ok(specifiers))) =
        (&reader.declared.requires_python, wanted.map(|wanted| wanted.get_ref().parse::<SpecifierSet>()))
    {
        reader.declared.requires_python = Some((specifiers, file.path.clone()));
    }
}

/// Whether a tool's own table lists packages, as poetry, pdm and flit have it.
fn tool_declares(tool: &toml::Table) -> bool {
    let lists = |value: &toml::Value| {
        let names = value.as_table().map(|table| table.keys().any(|name| name != "python"));
        names.unwrap_or_else(|| value.as_array().is_some_and(|array| !array.is_empty()))
    };
    let own = tool.values().filter_map(toml::Value::as_table);
    own.into_iter().any(|table| table.get("dependencies").is_some_and(lists))
}

fn read_table(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    table: &Table,
    in_file: impl Fn(Range<usize>) -> Range<usize>,
) {
    for dependency in table.dependencies.iter().flatten() {
        reader.entry(place, in_file(dependency.span()), dependency.get_ref());
    }
    if let Some(dynamic) = table.dynamic.iter().find(|field| field.get_ref() == "dependencies") {
        let message = "the dependencies are dynamic: only a build, which runs the artifact's code, could tell them";
        let refusal = Refusal::new("pyproject-dynamic-dependencies", message, DATA_HINT);
        reader.refuse(place.path, Some(place.text), refusal.at(in_file(dynamic.span())));
    }
    let Some(wanted) = &table.requires_python else { return };
    match wanted.get_ref().parse::<SpecifierSet>() {
        Ok(specifiers) => reader.declared.requires_python = Some((specifiers, place.path.to_owned())),
        Err(error) => {
            let message = format!("`requires-python` is not a version specifier: {error}");
            let refusal = Refusal::new("requires-python-invalid", message, "write `requires-python = \">=3.9\"`");
            reader.refuse(place.path, Some(place.text), refusal.at(in_file(wanted.span())));
        }
    }
}
