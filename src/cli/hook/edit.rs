//! Edits of a file, applied to its text in memory: what an agent's tool would make of it.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// One replacement.
#[derive(Debug, Deserialize)]
pub(super) struct Replacement {
    /// What stands there; empty for a file that is made by the edit.
    old_string: String,
    /// What is to stand there.
    new_string: String,
    /// Everywhere, not once.
    #[serde(default)]
    replace_all: bool,
}

/// A change of one cell of a notebook.
#[derive(Debug, Deserialize)]
pub(super) struct CellChange {
    cell_id: Option<String>,
    cell_number: Option<usize>,
    #[serde(default)]
    new_source: String,
    cell_type: Option<String>,
    #[serde(default)]
    edit_mode: CellMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CellMode {
    #[default]
    Replace,
    Insert,
    Delete,
}

/// Why an edit cannot be applied, so that nobody can say what would come of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum EditError {
    /// What is to be replaced is not there.
    #[error(
        "`old_string` does not occur in the file, so that what the edit would make of it cannot be vetted (read the \
             file again)"
    )]
    NotThere,
    /// It is there several times.
    #[error("`old_string` occurs {0} times in the file (say more of what is around it, or set `replace_all`)")]
    Ambiguous(usize),
    /// There is a text, and the edit says that there is none.
    #[error("`old_string` is empty and the file is not")]
    NotEmpty,
    /// The notebook cannot be read.
    #[error("the notebook is not JSON with a list of `cells`: {0}")]
    NotANotebook(String),
    /// The notebook has no such cell.
    #[error("the notebook has no cell `{0}`")]
    NoCell(String),
}

/// The text after all replacements, in order.
pub(super) fn replaced(text: &str, replacements: &[Replacement]) -> Result<String, EditError> {
    replacements.iter().try_fold(text.to_owned(), |text, replacement| replaced_once(&text, replacement))
}

fn replaced_once(text: &str, replacement: &Replacement) -> Result<String, EditError> {
    let Replacement { old_string: old, new_string: new, replace_all } = replacement;
    if old.is_empty() {
        return if text.is_empty() { Ok(new.clone()) } else { Err(EditError::NotEmpty) };
    }
    // Agents see files with line feeds alone.
    let normal = if text.contains(old.as_str()) { text.to_owned() } else { text.replace("\r\n", "\n") };
    match normal.matches(old.as_str()).count() {
        0 => Err(EditError::NotThere),
        1 => Ok(normal.replacen(old.as_str(), new, 1)),
        _ if *replace_all => Ok(normal.replace(old.as_str(), new)),
        count => Err(EditError::Ambiguous(count)),
    }
}

/// A notebook as vetrun writes it, and what it is after the change; both are written alike, so that they can be compared.
pub(super) fn with_cell(text: &str, change: &CellChange) -> Result<(String, String), EditError> {
    let mut notebook: Value = serde_json::from_str(text).map_err(|error| EditError::NotANotebook(error.to_string()))?;
    let before = notebook.to_string();
    let cells = notebook.get_mut("cells").and_then(Value::as_array_mut);
    let cells = cells.ok_or_else(|| EditError::NotANotebook("there are none".to_owned()))?;
    let at = place(cells, change)?;
    match change.edit_mode {
        CellMode::Delete => {
            cells.remove(at.ok_or_else(|| EditError::NoCell("without a name".to_owned()))?);
        }
        CellMode::Insert => {
            // After the cell that is named, else at the top.
            let kind = change.cell_type.as_deref().unwrap_or("code");
            let mut cell = json!({ "cell_type": kind, "metadata": {}, "source": change.new_source });
            if kind == "code" {
                cell["outputs"] = json!([]);
                cell["execution_count"] = Value::Null;
            }
            cells.insert(at.map_or(0, |at| at + 1), cell);
        }
        CellMode::Replace => {
            let cell = at.and_then(|at| cells[at].as_object_mut());
            replace(cell.ok_or_else(|| EditError::NoCell("without a name".to_owned()))?, change);
        }
    }
    Ok((before, notebook.to_string()))
}

fn replace(cell: &mut Map<String, Value>, change: &CellChange) {
    cell.insert("source".to_owned(), Value::from(change.new_source.as_str()));
    if let Some(kind) = &change.cell_type {
        cell.insert("cell_type".to_owned(), Value::from(kind.as_str()));
    }
}

/// Where the cell is that the change names, if it names one: by its id, or as `cell-N`, counted from 0.
fn place(cells: &[Value], change: &CellChange) -> Result<Option<usize>, EditError> {
    let by_id = |id: &str| {
        let own = cells.iter().position(|cell| cell.get("id").and_then(Value::as_str) == Some(id));
        let number = id.strip_prefix("cell-").and_then(|number| number.parse::<usize>().ok());
        own.or(number).filter(|&at| at < cells.len()).ok_or_else(|| EditError::NoCell(id.to_owned()))
    };
    match (&change.cell_id, change.cell_number) {
        (Some(id), _) => by_id(id).map(Some),
        (None, Some(number)) if number < cells.len() => Ok(Some(number)),
        (None, Some(number)) => Err(EditError::NoCell(number.to_string())),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str, old: &str, new: &str, replace_all: bool) -> Result<String, String> {
        let replacement = Replacement { old_string: old.into(), new_string: new.into(), replace_all };
        replaced(text, &[replacement]).map_err(|error| error.to_string())
    }

    #[test]
    fn an_edit_is_applied_as_the_tool_would() {
        assert_eq!(edit("a\nb\n", "b", "c", false).as_deref(), Ok("a\nc\n"));
        assert_eq!(edit("b b", "b", "c", true).as_deref(), Ok("c c"));
        assert_eq!(edit("", "", "new", false).as_deref(), Ok("new"));
        assert_eq!(edit("a\r\nb\r\n", "a\nb", "c", false).as_deref(), Ok("c\n"));
        for (text, old, part) in [("a", "b", "does not occur"), ("b b", "b", "2 times"), ("a", "", "is empty")] {
            assert!(edit(text, old, "c", false).unwrap_err().contains(part), "{text} {old}");
        }
    }

    #[test]
    fn a_cell_is_found_by_its_id_or_number() {
        let text = r#"{"cells":[{"id":"a","cell_type":"code","source":"x"},{"cell_type":"code","source":"y"}]}"#;
        let change = |json: Value| with_cell(text, &serde_json::from_value(json).expect("a change"));
        let sources = |json: Value| -> Vec<String> {
            let notebook: Value = serde_json::from_str(&change(json).expect("a notebook").1).expect("JSON");
            let cells = notebook["cells"].as_array().expect("cells");
            cells.iter().map(|cell| cell["source"].as_str().expect("a source").to_owned()).collect()
        };
        assert_eq!(sources(json!({ "cell_id": "a", "new_source": "z" })), ["z", "y"]);
        assert_eq!(sources(json!({ "cell_id": "cell-1", "new_source": "z" })), ["x", "z"]);
        assert_eq!(sources(json!({ "cell_number": 0, "edit_mode": "delete" })), ["y"]);
        assert_eq!(sources(json!({ "cell_id": "a", "new_source": "z", "edit_mode": "insert" })), ["x", "z", "y"]);
        assert_eq!(sources(json!({ "new_source": "z", "edit_mode": "insert" })), ["z", "x", "y"]);
        assert!(change(json!({ "cell_id": "b", "new_source": "z" })).is_err());
        assert!(change(json!({ "new_source": "z" })).is_err());
    }
}
