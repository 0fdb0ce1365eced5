//! test262, run as its INTERPRETING.md says: which file is parsed as what, and what the suite itself expects.

use std::path::Path;

use super::Error;
use super::case::{Case, Goal};
use super::files;

/// One run of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The file, below the suite's folder.
    path: String,
    goal: Goal,
    /// Whether the directive is put in front.
    strict: bool,
    /// Whether the suite wants it refused before it runs.
    expected_invalid: bool,
}

impl Run {
    /// The case.
    pub(crate) fn case(&self, root: &Path) -> Result<Case, Error> {
        let bytes = files::read(&root.join(&self.path))?;
        let (prefix, name) = match (self.strict, self.goal) {
            (true, _) => ("\"use strict\";\n", format!("{} (strict)", self.path)),
            (false, Goal::Module) => ("", format!("{} (module)", self.path)),
            (false, _) => ("", self.path.clone()),
        };
        let mut case = Case::with_goal(name, [prefix.as_bytes(), &bytes].concat(), self.goal);
        case.expected_invalid = Some(self.expected_invalid);
        Ok(case)
    }
}

/// All runs of the suite in the folder `root`, in the order of their paths.
pub(crate) fn runs(root: &Path) -> Result<Vec<Run>, Error> {
    let root = root.canonicalize().map_err(|source| Error::Read { path: root.to_owned(), source })?;
    let mut found = Vec::new();
    for file in files::find(&[root.join("test")], &["js"])? {
        let relative = file.path.strip_prefix(&root).unwrap_or(&file.path);
        let path = relative.to_string_lossy().into_owned();
        // Fixtures are what tests import; they are no tests.
        if !path.contains("_FIXTURE") {
            found.extend(runs_of(&path, &String::from_utf8_lossy(&files::read(&file.path)?)));
        }
    }
    Ok(found)
}

fn runs_of(path: &str, text: &str) -> Vec<Run> {
    let front = text.split_once("/*---").and_then(|(_, rest)| rest.split_once("---*/")).map_or("", |(front, _)| front);
    let flags = list(front, "flags:");
    let has = |flag: &str| flags.iter().any(|found| found == flag);
    let negative = front.split_once("negative:").map_or("", |(_, rest)| rest);
    let expected_invalid = negative.lines().take(4).any(|line| line.trim() == "phase: parse");
    let run = |goal, strict| Run { path: path.to_owned(), goal, strict, expected_invalid };
    match () {
        () if has("module") => vec![run(Goal::Module, false)],
        () if has("raw") || has("noStrict") => vec![run(Goal::Script, false)],
        () if has("onlyStrict") => vec![run(Goal::Script, true)],
        () => vec![run(Goal::Script, false), run(Goal::Script, true)],
    }
}

/// The items of a list in the front matter, on one line in brackets or on lines of their own with dashes.
fn list(front: &str, key: &str) -> Vec<String> {
    let Some((_, rest)) = front.split_once(key) else { return Vec::new() };
    let items = |text: &str| {
        let words = text.split([',', '[', ']']).map(|word| word.trim().to_owned());
        words.filter(|word| !word.is_empty()).collect()
    };
    if rest.trim_start_matches(' ').starts_with('[') {
        return items(rest.split_once(']').map_or(rest, |(list, _)| list));
    }
    let lines = rest.lines().skip(1).map_while(|line| line.trim().strip_prefix("- "));
    lines.map(|item| item.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_phases_decide_the_runs() {
        type Runs = &'static [(Goal, bool)];
        let (strict, sloppy, module): (Runs, Runs, Runs) =
            (&[(Goal::Script, true)], &[(Goal::Script, false)], &[(Goal::Module, false)]);
        let both: Runs = &[(Goal::Script, false), (Goal::Script, true)];
        let cases = [
            ("/*---\nesid: x\n---*/", both, false),
            ("/*---\nflags: [onlyStrict]\nnegative:\n  phase: parse\n  type: SyntaxError\n---*/", strict, true),
            ("/*---\nflags: [async, noStrict]\n---*/", sloppy, false),
            ("/*---\nflags:\n  - module\nnegative:\n  phase: resolution\n---*/", module, false),
            ("#!\n/*---\nflags: [raw]\nnegative:\n  type: SyntaxError\n  phase: parse\n---*/", sloppy, true),
        ];
        for (text, expected, invalid) in cases {
            let runs = runs_of("a.js", text);
            let found: Vec<_> = runs.iter().map(|run| (run.goal, run.strict)).collect();
            assert_eq!(found, expected, "{text}");
            assert!(runs.iter().all(|run| run.expected_invalid == invalid), "{text}");
        }
    }
}
