//! What a notebook's file must look like, and which of its strings are code.
//!
//! The format is nbformat's: version 4 has `cells`, version 3 has them in `worksheets`. What two readers would understand
//! differently is refused, because the one that runs the notebook may be the other.

use std::ops::Range;

use super::json::{Document, Id, ROOT, Value};
use crate::passes::parse::problem::Problem;

/// The rule of a file that is no notebook.
pub(super) const RULE: &str = "notebook-invalid";

/// The rule of a notebook in a language that has no judge.
pub(super) const LANGUAGE_RULE: &str = "notebook-language-not-judged";

/// The longest name that a message quotes, in characters.
const QUOTED_CHARS_MAX: usize = 60;

/// A cell's source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Which of all cells it is, counted from 1.
    pub(super) index: usize,
    /// Whether it is code.
    pub(super) is_code: bool,
    /// The strings that its source is made of.
    pub(super) strings: Vec<Range<usize>>,
}

/// The cells of a notebook in Python.
pub(super) fn read(document: &Document<'_>) -> Result<Vec<Cell>, Problem> {
    let Some(Value::Object(_)) = document.value(ROOT) else {
        return Err(invalid(document, ROOT, "a notebook is an object with `cells`"));
    };
    let version = version(document)?;
    is_python(document)?;
    let mut all = Vec::new();
    for holder in holders(document, version)? {
        let Some(cells) = document.get(holder, "cells") else {
            return Err(invalid(document, holder, "there are no `cells`"));
        };
        let Some(items) = document.items(cells) else {
            return Err(invalid(document, cells, "`cells` is no list"));
        };
        for cell in items {
            all.push(self::cell(document, *cell, version, all.len() + 1)?);
        }
    }
    Ok(all)
}

/// The objects that hold `cells`.
fn holders(document: &Document<'_>, version: Version) -> Result<Vec<Id>, Problem> {
    let (cells, sheets) = (document.get(ROOT, "cells"), document.get(ROOT, "worksheets"));
    match (version, cells, sheets) {
        (_, Some(_), Some(sheets)) => {
            Err(invalid(document, sheets, "`cells` and `worksheets` are both there, and readers may take either"))
        }
        (Version::Four, ..) => Ok(vec![ROOT]),
        (Version::Three, _, Some(sheets)) => {
            let sheets = document.items(sheets).ok_or_else(|| invalid(document, sheets, "`worksheets` is no list"))?;
            Ok(sheets.to_vec())
        }
        (Version::Three, ..) => Err(invalid(document, ROOT, "there are no `worksheets`")),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Three,
    Four,
}

fn version(document: &Document<'_>) -> Result<Version, Problem> {
    let Some(number) = document.get(ROOT, "nbformat") else {
        return Err(invalid(document, ROOT, "there is no `nbformat`, so no reader knows what the rest means"));
    };
    match document.literal(number) {
        Some("4") => Ok(Version::Four),
        Some("3") => Ok(Version::Three),
        Some(other) if other.bytes().all(|byte| byte.is_ascii_digit()) => {
            let message = format!("version {} of the notebook format is not judged", quoted(other));
            Err(invalid(document, number, message).hint("save it in version 4 of the format"))
        }
        _ => Err(invalid(document, number, "`nbformat` is no version number")),
    }
}

/// Whether the notebook runs Python, by all that it says of its kernel; where it says nothing, Python is what is started.
fn is_python(document: &Document<'_>) -> Result<(), Problem> {
    let at = |path: &[&str]| path.iter().try_fold(ROOT, |id, key| document.get(id, key));
    let languages = [&["metadata", "kernelspec", "language"][..], &["metadata", "language_info", "name"]];
    let mut is_said = false;
    for id in languages.iter().filter_map(|path| at(path)) {
        let Some(language) = document.text(id).filter(|language| !language.is_empty()) else { continue };
        is_said = true;
        if !matches!(language.to_ascii_lowercase().as_str(), "python" | "python3" | "ipython" | "ipython3") {
            return Err(foreign(document, id, &language));
        }
    }
    let Some(kernel) = at(&["metadata", "kernelspec", "name"]).filter(|_| !is_said) else { return Ok(()) };
    let names = [Some(kernel), at(&["metadata", "kernelspec", "display_name"])];
    let mut names = names.into_iter().flatten().filter_map(|id| document.text(id));
    if names.any(|name| name.to_ascii_lowercase().contains("py")) {
        return Ok(());
    }
    let name = document.text(kernel).unwrap_or_default();
    let message = format!("the kernel `{}` is not known, so nothing tells the language of the cells", quoted(&name));
    Err(Problem::new(LANGUAGE_RULE, message, document.range(kernel)).hint("name the language in `kernelspec`"))
}

fn foreign(document: &Document<'_>, id: Id, language: &str) -> Problem {
    let message = format!("the cells are in {}, which is not judged", quoted(language));
    Problem::new(LANGUAGE_RULE, message, document.range(id)).hint("only notebooks in Python are vetted")
}

fn cell(document: &Document<'_>, id: Id, version: Version, index: usize) -> Result<Cell, Problem> {
    let what = |what: &str| format!("cell {index} {what}");
    let Some(Value::Object(_)) = document.value(id) else {
        return Err(invalid(document, id, what("is no object")));
    };
    let Some(kind) = document.get(id, "cell_type") else {
        return Err(invalid(document, id, what("has no `cell_type`")));
    };
    let is_code = match (document.text(kind).as_deref(), version) {
        (Some("code"), _) => true,
        (Some("markdown" | "raw"), _) | (Some("heading" | "html"), Version::Three) => false,
        (Some(other), _) => {
            return Err(invalid(document, kind, what(&format!("is of the unknown type `{}`", quoted(other)))));
        }
        (None, _) => return Err(invalid(document, kind, what("has a `cell_type` that is no text"))),
    };
    if is_code
        && version == Version::Three
        && let Some(language) = document.get(id, "language")
        && let Some(name) = document.text(language).filter(|name| name != "python")
    {
        return Err(foreign(document, language, &name));
    }
    let key = if is_code && version == Version::Three { "input" } else { "source" };
    let Some(source) = document.get(id, key) else {
        return Err(invalid(document, id, what(&format!("has no `{key}`"))));
    };
    let strings =
        strings(document, source).ok_or_else(|| invalid(document, source, what("has a source that is no text")))?;
    Ok(Cell { index, is_code, strings })
}

/// The strings of a source: one, or a list of them.
fn strings(document: &Document<'_>, source: Id) -> Option<Vec<Range<usize>>> {
    let is_text = |id: &Id| document.value(*id) == Some(&Value::Text);
    match document.items(source) {
        Some(items) => items.iter().all(is_text).then(|| items.iter().map(|id| document.range(*id)).collect()),
        None => is_text(&source).then(|| vec![document.range(source)]),
    }
}

fn invalid(document: &Document<'_>, id: Id, message: impl Into<String>) -> Problem {
    let range = document.range(id);
    // Of an object or a list, the bracket is enough.
    let end = match document.value(id) {
        Some(Value::Object(_) | Value::Array(_)) => range.start + 1,
        _ => range.end,
    };
    Problem::new(RULE, message, range.start..end)
}

fn quoted(name: &str) -> String {
    name.chars().take(QUOTED_CHARS_MAX).collect()
}
