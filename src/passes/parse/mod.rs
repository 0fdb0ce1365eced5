//! The parse pass: is every file valid in its language?

use std::ops::Range;

use serde_json::{Map, Value};

use crate::artifact::{Artifact, SourceFile, SourceText};
use crate::finding::Finding;
use crate::language::Language;
use crate::policy::ParsePolicy;

/// An artifact whose files have been parsed: what the passes after this one look at.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The snapshot.
    pub artifact: &'a Artifact,
    /// One for each file of the artifact, in its order.
    pub files: Vec<ParsedFile<'a>>,
    /// Facts for the report's `validationResults.syntax.details`.
    pub details: Map<String, Value>,
}

/// One parsed file.
#[derive(Debug)]
pub struct ParsedFile<'a> {
    /// The file.
    pub source: &'a SourceFile,
    /// Its text as its engine reads it; `None` where the bytes are not text, or are in an encoding that is refused
    /// (then there is a finding that says so).
    pub text: Option<SourceText>,
    /// Whether it is valid in its language.
    pub validity: Validity,
    /// What the strict parser judged it as, where the language has several forms: `module`, `script`, `commonjs`,
    /// `jsx`, `tsx`, `3.14`, ….
    pub dialect: Option<&'static str>,
    /// Its trees: one for a file in one language; for HTML the page's own and one for each script and style in it.
    /// Empty where nothing parses the language, and where a limit was reached before a parser could be trusted with
    /// the file.
    pub regions: Vec<Region>,
}

/// Whether a file is valid in its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Its strict parser accepts it.
    Valid,
    /// Its strict parser refuses it, or a limit was reached; there is a finding that says why.
    Invalid,
    /// Nothing judges its language; it is text or data that vetrun does not parse.
    NotJudged,
}

/// A stretch of a file in one language, with its tolerant tree.
#[derive(Clone, Debug)]
pub struct Region {
    /// The language of the stretch.
    pub language: Language,
    /// Where it stands in the text; all node offsets in the tree are offsets in the whole text.
    pub range: Range<usize>,
    /// The tree, error nodes included.
    pub tree: tree_sitter::Tree,
}

/// Parses every file of `artifact`. Never fails: what is not valid is a finding.
#[must_use]
pub fn parse<'a>(artifact: &'a Artifact, policy: &ParsePolicy) -> (Parsed<'a>, Vec<Finding>) {
    let _ = policy;
    (Parsed { artifact, files: Vec::new(), details: Map::new() }, Vec::new())
}
