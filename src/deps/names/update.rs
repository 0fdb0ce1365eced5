//! Tables of names, made from what others publish, in the forms in which they publish it.
//!
//! What is read is not trusted: names that are none are left out, and counted, so that a source whose form has changed is
//! seen; a source of which nothing is left is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::{is_normalised, normalised};
use super::table::order;
use super::{NameData, TableKind};

/// How many names of those that are downloaded most are kept.
pub const POPULAR_MAX: usize = 15_000;

/// Modules that many packages bring by mistake: which of them was meant cannot be told from the name.
const STRAY_MODULES: &[&str] = &[
    "tests",
    "test",
    "testing",
    "docs",
    "doc",
    "examples",
    "example",
    "scripts",
    "conftest",
    "setup",
    "build",
    "benchmarks",
    "benchmark",
    "tools",
    "integration",
    "src",
    "lib",
    "bin",
    "samples",
    "sample",
    "utils",
    "util",
    "config",
    "core",
    "common",
    "data",
    "dist",
    "main",
    "app",
    "api",
    "helpers",
    "notebooks",
    "tutorials",
    "demo",
    "demos",
    "version",
    "packaging_tests",
    "stubs",
    "typings",
    "fixtures",
    "resources",
    "assets",
    "templates",
    "static",
    "models",
    "server",
    "client",
    "cli",
    "agent",
    "agents",
    "commands",
    "playground",
    "ci",
    "dev",
    "experiments",
    "evals",
    "types",
    "unittests",
    "functional",
    "e2e",
];

/// A table as text, and what became of the source's names.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// The text of the table's file.
    pub text: String,
    /// The names in it.
    pub kept: usize,
    /// Names of the source that are left out: they are none, or something better is known of them.
    pub left_out: usize,
}

/// Why a source is refused.
#[derive(Debug, thiserror::Error)]
#[error("{file}{}: {message}", line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct SourceError {
    /// The file.
    pub file: String,
    /// Counted from 1.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub message: String,
}

/// A file that somebody publishes.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its name, for errors and for the table's first line.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Source<'_> {
    fn error(&self, line: Option<usize>, message: impl Into<String>) -> SourceError {
        SourceError { file: self.file.to_owned(), line, message: message.into() }
    }

    /// The table of these rows.
    fn table(&self, rows: BTreeMap<String, String>, seen: usize) -> Result<Made, SourceError> {
        if rows.is_empty() {
            return Err(self.error(None, "no name in it can be used; is it in one of the forms that are read?"));
        }
        let mut lines: Vec<(String, String)> = rows.into_iter().collect();
        lines.sort_by(|a, b| order(&a.0, &b.0));
        let kept = lines.len();
        let file = self.file.rsplit('/').next().unwrap_or(self.file);
        let mut text = format!("# made by `vetrun deps update` from {}\n", file.escape_default());
        for (name, said) in lines {
            text.push_str(&name);
            if !said.is_empty() {
                text.push(' ');
                text.push_str(&said);
            }
            text.push('\n');
        }
        Ok(Made { text, kept, left_out: seen.saturating_sub(kept) })
    }

    fn json(&self) -> Result<Option<Value>, SourceError> {
        if !self.text.trim_start().starts_with(['{', '[']) {
            return Ok(None);
        }
        let value = serde_json::from_str(self.text);
        value.map(Some).map_err(|error| self.error(Some(error.line()), format!("this is not JSON: {error}")))
    }

    /// The lines that hold something, with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    }

    /// Names in order: lines, an array, `{"packages": [name]}` or `{"rows": [{"project": name}]}`.
    fn names(&self) -> Result<Vec<String>, SourceError> {
        let Some(value) = self.json()? else { return Ok(self.lines().map(|(_, line)| line.to_owned()).collect()) };
        let list = value.get("packages").or_else(|| value.get("rows")).unwrap_or(&value);
        let list = list.as_array().ok_or_else(|| self.error(None, "it has neither `packages` nor `rows`"))?;
        let name = |entry: &Value| entry.as_str().or_else(|| entry.get("project")?.as_str()).map(str::to_owned);
        Ok(list.iter().filter_map(name).collect())
    }
}

/// The names that are downloaded most, from a list in that order.
///
/// # Errors
/// [`SourceError`] where it is no such list.
pub fn popular(source: Source<'_>) -> Result<Made, SourceError> {
    let names = source.names()?;
    let mut rows = BTreeMap::new();
    for name in names.iter().map(|name| normalised(name)).filter(|name| is_normalised(name)) {
        let rank = rows.len() + 1;
        if rank <= POPULAR_MAX {
            rows.entry(name).or_insert_with(|| rank.to_string());
        }
    }
    source.table(rows, names.len())
}

/// The names of npm's packages that are used most, without those in scopes, which no package for Python can have, and
/// without those that a well-known package for Python has, too.
///
/// # Errors
/// [`SourceError`] where it is no list of names.
pub fn npm(source: Source<'_>, data: &NameData) -> Result<Made, SourceError> {
    plain(source, source.names()?, |name| data.rank(name).is_none())
}

/// Packages that were found to be malicious: lines, `{"fingerprints": {"pypi/malicious_intent/name": …}}`, or
/// `{"name": null}`, where other values name single versions. Well-known names are left out: they were taken over once.
///
/// # Errors
/// [`SourceError`] where it is no list of names.
pub fn malicious(source: Source<'_>, data: &NameData) -> Result<Made, SourceError> {
    let names = match source.json()? {
        Some(Value::Object(object)) => match object.get("fingerprints").and_then(Value::as_object) {
            Some(samples) => {
                let name = |key: &String| key.strip_prefix("pypi/malicious_intent/").map(str::to_owned);
                samples.keys().filter_map(name).collect()
            }
            None => object.iter().filter(|(_, versions)| versions.is_null()).map(|(name, _)| name.clone()).collect(),
        },
        _ => source.names()?,
    };
    plain(source, names, |name| data.rank(name).is_none() && !data.is_standard(&name.replace('-', "_"), None))
}

/// Names that language models invent: lines, or a CSV whose first line names the columns `ecosystem` and `name`.
///
/// # Errors
/// [`SourceError`] where it is neither.
pub fn invented(source: Source<'_>, data: &NameData) -> Result<Made, SourceError> {
    let mut lines = source.lines();
    let head: Vec<String> = lines.next().map(|(_, line)| fields(line)).unwrap_or_default();
    let column = |name: &str| head.iter().position(|field| field == name);
    let names = match (column("name"), column("ecosystem")) {
        (Some(name), Some(ecosystem)) => {
            let rows = lines.map(|(_, line)| fields(line));
            let own = rows.filter(|row| row.get(ecosystem).is_some_and(|field| field.eq_ignore_ascii_case("pypi")));
            own.filter_map(|row| row.get(name).cloned()).collect()
        }
        _ => source.names()?,
    };
    plain(source, names, |name| data.rank(name).is_none())
}

fn plain(source: Source<'_>, names: Vec<String>, keeps: impl Fn(&str) -> bool) -> Result<Made, SourceError> {
    let seen = names.len();
    let names = names.into_iter().map(|name| normalised(&name)).filter(|name| is_normalised(name) && keeps(name));
    source.table(names.map(|name| (name, String::new())).collect(), seen)
}

/// The fields of a line of a CSV. No line break can stand in one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        let field = fields.last_mut().expect("there is one from the start");
        match char {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            char => field.push(char),
        }
    }
    fields
}

/// Which package brings a module, from rows `module:package` or `module package`: of those that are well known the one
/// that is downloaded most. Rows of `fixed` count as they are, whatever else is said of their modules.
///
/// # Errors
/// [`SourceError`] with the line that is no such row.
pub fn modules(source: Source<'_>, fixed: Option<Source<'_>>, data: &NameData) -> Result<Made, SourceError> {
    let mut best: BTreeMap<&str, (u32, String)> = BTreeMap::new();
    let mut seen = 0;
    for (line, text) in source.lines() {
        let row = text.split_once(':').or_else(|| text.split_once(char::is_whitespace));
        let Some((module, package)) = row else { return Err(source.error(Some(line), "this is no `module:package`")) };
        seen += 1;
        let package = normalised(package.trim());
        let Some(rank) = data.rank(&package).filter(|_| is_own(module)) else { continue };
        let entry = best.entry(module).or_insert_with(|| (rank, package.clone()));
        if rank < entry.0 {
            *entry = (rank, package);
        }
    }
    let is_other = |module: &str, package: &str| normalised(module) != package;
    let told = best.into_iter().filter(|(module, (_, package))| is_other(module, package));
    let mut rows: BTreeMap<String, String> = told.map(|(module, (_, package))| (module.to_owned(), package)).collect();
    for (line, text) in fixed.iter().flat_map(Source::lines) {
        let Some((module, package)) = text.split_once(' ') else {
            let fixed = fixed.as_ref().unwrap_or(&source);
            return Err(fixed.error(Some(line), "this is no `module package`"));
        };
        rows.insert(module.to_owned(), package.to_owned());
    }
    source.table(rows, seen)
}

/// Whether a module is one that its package means others to import.
fn is_own(module: &str) -> bool {
    let is_stub = module.starts_with("types_") || module.ends_with("-stubs");
    let sound = module.chars().all(|char| char.is_alphanumeric() || char == '_');
    sound
        && !module.starts_with("__")
        && !module.starts_with(|char: char| char.is_ascii_digit())
        && !is_stub
        && !STRAY_MODULES.contains(&module)
}

/// The modules of the standard library, from one list of modules for each version, whose file is called `3.14.txt`.
///
/// # Errors
/// [`SourceError`] where a file is called otherwise.
pub fn standard_library(sources: &[Source<'_>]) -> Result<Made, SourceError> {
    let mut versions: BTreeMap<u8, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        let file = source.file.rsplit('/').next().unwrap_or(source.file);
        let minor = file.strip_prefix("3.").and_then(|rest| rest.strip_suffix(".txt")?.parse().ok());
        let minor = minor.ok_or_else(|| source.error(None, "it is not called like a version, such as 3.14.txt"))?;
        versions.insert(minor, source.lines().map(|(_, line)| line.split('.').next().unwrap_or(line)).collect());
    }
    let (Some(oldest), Some(newest), Some(source)) =
        (versions.keys().next(), versions.keys().next_back(), sources.last())
    else {
        return Err(SourceError { file: String::new(), line: None, message: "no list is named".to_owned() });
    };
    let all: BTreeSet<&str> = versions.values().flatten().copied().collect();
    let bound = |minor: u8, open: u8| if minor == open { "*".to_owned() } else { minor.to_string() };
    let row = |module: &&str| {
        let with: Vec<u8> =
            versions.iter().filter(|(_, modules)| modules.contains(module)).map(|(minor, _)| *minor).collect();
        let (first, last) = (*with.first()?, *with.last()?);
        Some(((*module).to_owned(), format!("{} {}", bound(first, *oldest), bound(last, *newest))))
    };
    source.table(all.iter().filter_map(row).collect(), all.len())
}

/// What is known with `made` in the place of the tables of these kinds.
///
/// # Errors
/// The line of a table that is none.
pub fn with(made: &[(TableKind, Made)]) -> Result<NameData, super::DataError> {
    let text = |kind| made.iter().find(|(one, _)| *one == kind).map(|(_, made)| made.text.clone());
    NameData::read(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source<'_> {
        Source { file: "public/list", text }
    }

    fn rows(made: Result<Made, SourceError>) -> Vec<String> {
        let made = made.expect("the source is sound");
        assert!(made.text.starts_with("# made by `vetrun deps update` from list\n"), "{}", made.text);
        made.text.lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn each_form_of_a_list_is_read() {
        let expected = ["a-b 2", "numpy 1"];
        for text in [
            "numpy\n# x\n\nA_b\nnumpy\n",
            "[\"numpy\", \"a.b\"]",
            "{\"packages\": [\"Numpy\", \"a_b\", \"no name\"]}",
            "{\"rows\": [{\"project\": \"numpy\", \"download_count\": 9}, {\"project\": \"a-b\"}]}",
        ] {
            assert_eq!(rows(popular(source(text))), expected, "{text}");
        }
        let data = NameData::builtin();
        for text in [
            "evil\nnumpy\njson\n",
            "{\"fingerprints\": {\"pypi/malicious_intent/evil\": \"x\", \"npm/malicious_intent/bad\": \"y\"}}",
            "{\"evil\": null, \"half\": [\"1.0\"]}",
        ] {
            assert_eq!(rows(malicious(source(text), data)), ["evil"], "{text}");
        }
        let csv = "id,ecosystem,name,tasks\n1,PyPI,zz-made-up,\"a, \"\"b\"\"\"\n2,npm,other,x\n3,PyPI,numpy,x\n";
        assert_eq!(rows(invented(source(csv), data)), ["zz-made-up"]);
        assert_eq!(rows(invented(source("zz-made-up\n"), data)), ["zz-made-up"]);
        assert_eq!(rows(npm(source("[\"@types/x\", \"left-pad\", \"numpy\"]"), data)), ["left-pad"]);
    }

    #[test]
    fn the_most_downloaded_package_brings_a_module() {
        let text = "yaml:pyyaml\nyaml:ruamel-yaml\nnumpy:numpy\ntests:numpy\n__x:numpy\nzz:nobody-knows-it\n";
        let fixed = Source { file: "fixed", text: "# by hand\nazure *\nyaml pyyaml\n" };
        assert_eq!(rows(modules(source(text), Some(fixed), NameData::builtin())), ["azure *", "yaml pyyaml"]);
    }

    #[test]
    fn versions_become_bounds() {
        let lists = [("3.8.txt", "os\nos.path\nold\n"), ("3.9.txt", "os\nold\nnew\n"), ("x/3.10.txt", "os\nnew\n")];
        let lists = lists.map(|(file, text)| Source { file, text });
        let made = standard_library(&lists).expect("they are lists");
        assert_eq!(made.text.lines().skip(1).collect::<Vec<_>>(), ["new 9 *", "old * 9", "os * *"]);
    }

    #[test]
    fn what_is_no_source_is_refused_with_its_place() {
        let data = NameData::builtin();
        let cases = [
            (popular(source("{\"packages\": [")), "public/list, line 1: this is not JSON"),
            (popular(source("{\"x\": 1}")), "public/list: it has neither"),
            (popular(source("")), "public/list: no name in it"),
            (modules(source("a:b\n\nc\n"), None, data), "public/list, line 3: this is no"),
            (standard_library(&[source("os")]), "public/list: it is not called"),
        ];
        for (made, message) in cases {
            let error = made.expect_err("it is refused").to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
