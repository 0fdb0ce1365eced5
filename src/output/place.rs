//! Where a finding is, as its reader must say it: from the folder in which vetrun was called.
//!
//! Paths in a report are relative to the artifact. Editors, annotations and code scanning want paths from where the
//! command ran, so the root as it was typed is put before them.

use crate::report::{ArtifactSummary, Position, ReportFinding, WHOLE_ARTIFACT};

/// The path of `path` from where vetrun was called; not sanitized.
pub(super) fn path_from_here(artifact: &ArtifactSummary, path: &str) -> String {
    let root = root(artifact);
    match (root, path) {
        ("", WHOLE_ARTIFACT) => artifact.name.clone(),
        ("", _) => path.to_owned(),
        (_, WHOLE_ARTIFACT) => root.to_owned(),
        _ if is_the_file(root, artifact, path) => root.to_owned(),
        _ => format!("{root}/{path}"),
    }
}

/// Like [`path_from_here`], and for the artifact as a whole its first file: some services ask for a file.
pub(super) fn file_from_here(artifact: &ArtifactSummary, path: &str) -> String {
    let first = artifact.files.first().map_or(WHOLE_ARTIFACT, |file| file.path.as_str());
    path_from_here(artifact, if path == WHOLE_ARTIFACT { first } else { path })
}

/// Where a finding begins; the first character of the file where it is about the file as a whole.
pub(super) fn start(finding: &ReportFinding) -> Position {
    finding.range.map_or(Position { line: 1, column: 1, offset: 0 }, |range| range.start)
}

/// The place in a notebook's cell, to stand behind the place in the file: ` (cell 3:2:5)`; empty elsewhere.
pub(super) fn cell(finding: &ReportFinding) -> String {
    finding.cell.map_or_else(String::new, |cell| format!(" (cell {}:{}:{})", cell.index, cell.line, cell.column))
}

/// The root without what says nothing: `.`, a `/` at its end, the names of standard input.
fn root(artifact: &ArtifactSummary) -> &str {
    let root = artifact.root.strip_prefix("./").unwrap_or(&artifact.root).trim_end_matches('/');
    if root == "." || root == "-" || root.starts_with('<') { "" } else { root }
}

/// Whether the root is the artifact's only file, not the folder around it.
fn is_the_file(root: &str, artifact: &ArtifactSummary, path: &str) -> bool {
    let before = root.strip_suffix(path);
    artifact.files.len() <= 1 && before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::FileSummary;

    #[test]
    fn paths_begin_where_vetrun_was_called() {
        let cases = [
            ("src/app", "main.py", "src/app/main.py"),
            ("./src/app/", "main.py", "src/app/main.py"),
            ("src/main.py", "main.py", "src/main.py"),
            ("main.py", "main.py", "main.py"),
            (".", "main.py", "main.py"),
            ("-", "main.py", "main.py"),
            ("/srv/app", "main.py", "/srv/app/main.py"),
            ("src/app", ".", "src/app"),
            (".", ".", "app"),
        ];
        for (root, path, expected) in cases {
            let file = FileSummary {
                path: "main.py".into(),
                language: "python".into(),
                size_bytes: 1,
                lines: Some(1),
                digest: String::new(),
            };
            let artifact = ArtifactSummary {
                name: "app".into(),
                root: root.into(),
                digest: String::new(),
                files: vec![file],
                total_bytes: 1,
            };
            assert_eq!(path_from_here(&artifact, path), expected, "{root} {path}");
            assert!(file_from_here(&artifact, path).ends_with("main.py"));
        }
    }
}
