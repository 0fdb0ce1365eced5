//! Parsed artifacts for the tests of passes: files given as text, with their trees.

use serde_json::Map;
use tree_sitter::Parser;

use super::structure::{Step, walk};
use crate::artifact::{Artifact, SourceFile, SourceText};
use crate::language::Language;
use crate::passes::parse::{Parsed, ParsedFile, Region, Validity};

/// An artifact of text files.
pub(crate) fn artifact(files: &[(&str, &str)]) -> Artifact {
    let files = files.iter().map(|(path, text)| SourceFile::new(*path, text.as_bytes()));
    Artifact::new("artifact", "artifact", files.collect(), Vec::new())
}

/// The artifact with trees; a file is valid where its tree has no error.
pub(crate) fn parsed(artifact: &Artifact) -> Parsed<'_> {
    let files = artifact.files.iter().map(parsed_file).collect();
    Parsed { artifact, files, details: Map::new() }
}

fn parsed_file(source: &SourceFile) -> ParsedFile<'_> {
    let text = std::str::from_utf8(&source.bytes).ok().map(SourceText::from_utf8);
    let regions = text.as_ref().map_or_else(Vec::new, |text| regions(source.language, text.as_str()));
    let validity = match regions.first() {
        None => Validity::NotJudged,
        Some(region) if region.tree.root_node().has_error() => Validity::Invalid,
        Some(_) => Validity::Valid,
    };
    ParsedFile { source, text, validity, dialect: None, regions }
}

fn regions(language: Language, text: &str) -> Vec<Region> {
    let mut regions: Vec<_> = region(language, text, 0..text.len()).into_iter().collect();
    let mut inner = Vec::new();
    if let Some(page) = regions.first().filter(|_| language == Language::Html) {
        walk(&page.tree, |node, step| {
            let kind = node.parent().map_or("", |parent| parent.kind());
            if step == Step::Enter && node.kind() == "raw_text" {
                let language = if kind == "style_element" { Language::Css } else { Language::JavaScript };
                inner.extend(region(language, text, node.byte_range()));
            }
            step == Step::Enter
        });
    }
    regions.extend(inner);
    regions
}

fn region(language: Language, text: &str, range: std::ops::Range<usize>) -> Option<Region> {
    let grammar: tree_sitter::Language = match language {
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Language::Html => tree_sitter_html::LANGUAGE.into(),
        Language::Css => tree_sitter_css::LANGUAGE.into(),
        _ => return None,
    };
    let mut parser = Parser::new();
    parser.set_language(&grammar).unwrap();
    // White space before the range keeps offsets those of the whole text.
    let padded = format!("{}{}", " ".repeat(range.start), &text[range.clone()]);
    Some(Region { language, tree: parser.parse(padded, None)?, range })
}
