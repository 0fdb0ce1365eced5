//! The imports of an artifact's Python files, for the reading of its packages.

use crate::deps::imports::Import;
use crate::language::Language;
use crate::passes::parse::Parsed;

/// All imports of valid Python code, notebooks included. What is not valid fails without them.
pub(super) fn of<'p>(parsed: &'p Parsed<'_>) -> Vec<Import<'p>> {
    let mut imports = Vec::new();
    for file in &parsed.files {
        let Some(text) = &file.text else { continue };
        let regions = file.regions.iter().filter(|region| region.language == Language::Python);
        for outline in regions.filter_map(|region| region.outline.as_ref()) {
            imports.extend(outline.imports.iter().map(|import| Import {
                path: &import.path,
                file: &file.source.path,
                text,
                range: import.place.range(),
                is_late: import.is_late,
                choice: import.choice.map(|choice| (choice.of, choice.branch)),
            }));
        }
    }
    imports
}
