//! One rule file read, by the program or by the build script.

use std::path::Path;

use super::RuleLanguage;
use super::compile::{self, Expressions};
use super::raw::RawRule;
use super::rule::{Rule, Text};

/// Reads one rule; an error says the line and the mend.
pub(super) fn read_rule(path: &str, language: &str, text: Text, expressions: Expressions) -> Result<Rule, String> {
    let language = RuleLanguage::named(language).ok_or_else(|| {
        format!("`{language}` is no language of rules; put the file into python, javascript, html or any")
    })?;
    let raw: RawRule = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        format!("line {line}: {}", error.message())
    })?;
    let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let id = raw.id.clone();
    compile::compile(raw, stem, language, text.clone(), expressions).map_err(|fault| {
        let line = fault.span.map_or(1, |span| line_of(&text, span.start));
        format!("line {line}: rule `{id}`: {}", fault.message)
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}
