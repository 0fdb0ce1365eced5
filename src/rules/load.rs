//! Rule files read: the built-in ones from the program itself, the users' from folders. Both take the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::compile::Expressions;
use super::lazy::Later;
use super::pack::{Out, Pack};
use super::packed::{Laters, Reader};
use super::read::read_rule;
use super::rule::{Rule, Test, Text, What};
use super::tables::Tables;
use super::{Hook, RuleError, RuleLanguage};

/// Rule files in all folders together.
const RULE_FILES_MAX: usize = 10_000;

/// Bytes of one rule file.
const RULE_FILE_BYTES_MAX: u64 = 256 << 10;

/// The built-in rules compiled and packed by the build script, with their digest and tables and the paths of their files.
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin_rules.bin"));

/// The texts of these.
static TEXTS: &str = include_str!(concat!(env!("OUT_DIR"), "/builtin_rules.txt"));

/// What the build script has packed, each part to be unpacked when it is asked for.
pub(super) struct Packed {
    /// Sorted by language and id.
    pub(super) rules: Vec<Later<Rule>>,
    pub(super) digest: [u8; 32],
    pub(super) combinations: Vec<Hook>,
    pub(super) tables: [Later<Tables>; 4],
    /// The paths of the rules' files.
    paths: Later<Vec<Text>>,
}

/// The built-in rules, without reading a rule file.
pub(super) fn packed() -> Packed {
    let mut from = Reader::new(PACKED, TEXTS);
    let rules = Laters::unpack(&mut from);
    debug_assert!(is_packed(&rules), "what is read is what was written");
    Packed {
        rules: rules.0,
        digest: Pack::unpack(&mut from),
        combinations: Pack::unpack(&mut from),
        tables: Pack::unpack(&mut from),
        paths: Pack::unpack(&mut from),
    }
}

fn is_packed(rules: &Laters<Rule>) -> bool {
    let mut out = Out::default();
    rules.pack(&mut out);
    PACKED.starts_with(&out.bytes) && TEXTS.starts_with(&out.texts)
}

/// Rules by language and id, each with the path of its file.
type Loaded = BTreeMap<(RuleLanguage, Text), (Rule, String)>;

/// Reads all rules; one that comes later replaces one with the same id.
pub(super) fn load(builtin: bool, folders: &[PathBuf]) -> Result<Vec<Rule>, RuleError> {
    let mut loaded = Loaded::new();
    if builtin {
        let Packed { rules, paths, .. } = packed();
        for (path, rule) in paths.iter().zip(&rules) {
            let language = path.split('/').nth(1).unwrap_or_default();
            add(&mut loaded, path, language, rule.file.clone(), Expressions::Later)?;
        }
    }
    let mut files = 0;
    for folder in folders {
        for (path, language) in rule_files(folder)? {
            files += 1;
            if files > RULE_FILES_MAX {
                return Err(unreadable(folder, format!("there are more than {RULE_FILES_MAX} rule files")));
            }
            let text = read(&path)?;
            add(&mut loaded, &path.display().to_string(), &language, Text::Owned(text), Expressions::Now)?;
        }
    }
    if !folders.is_empty() {
        known_labels(&loaded)?;
    }
    Ok(loaded.into_values().map(|(rule, _)| rule).collect())
}

fn add(loaded: &mut Loaded, path: &str, language: &str, text: Text, expressions: Expressions) -> Result<(), RuleError> {
    let rule = read_rule(path, language, text, expressions)
        .map_err(|message| RuleError::Invalid { path: path.to_owned(), message })?;
    // An id is unique over all languages, so that a user's rule replaces the built-in one that it is named after.
    loaded.retain(|(_, other), _| *other != rule.id);
    loaded.insert((rule.language, rule.id.clone()), (rule, path.to_owned()));
    Ok(())
}

/// Refuses rules that ask for a label which no rule gives: they would never hit.
fn known_labels(loaded: &Loaded) -> Result<(), RuleError> {
    let labels = |source: bool| {
        let labels = loaded.values().filter(move |(rule, _)| rule.source || !source);
        labels.filter_map(|(rule, _)| rule.label.as_deref()).collect::<BTreeSet<&str>>()
    };
    let (all, sources) = (labels(false), labels(true));
    let ids: BTreeSet<&str> = loaded.keys().map(|(_, id)| &**id).collect();
    for (rule, path) in loaded.values() {
        for matcher in rule.matchers.iter() {
            let mut unknown: Vec<(&str, &str)> = Vec::new();
            for check in matcher.checks.iter().chain(&matcher.not_checks) {
                if let Test::From(from) = &check.test {
                    let missing = from.iter().filter(|label| !sources.contains(&***label));
                    unknown.extend(missing.map(|label| (&**label, "no source has the label")));
                }
            }
            if let What::All { of, .. } = &matcher.what {
                let missing = of.iter().filter(|one| !all.contains(&***one) && !ids.contains(&***one));
                unknown.extend(missing.map(|label| (&**label, "no rule has the label or id")));
            }
            if let Some((label, what)) = unknown.first() {
                let line = rule.file.lines().position(|line| line.contains(&format!("\"{label}\""))).unwrap_or(0) + 1;
                let message = format!("line {line}: rule `{}`: {what} `{label}`; add a rule with it", rule.id);
                return Err(RuleError::Invalid { path: path.clone(), message });
            }
        }
    }
    Ok(())
}

/// The folder beside the languages whose files say what the rules stand for.
const PEERS: &str = "peers";

/// The rule files of a folder: `<language>/<id>.toml`, sorted.
fn rule_files(folder: &Path) -> Result<Vec<(PathBuf, String)>, RuleError> {
    let mut found = Vec::new();
    for language in entries(folder)? {
        let Some(name) = language.file_name().and_then(|name| name.to_str()) else { continue };
        if !language.is_dir() {
            if is_toml(&language) {
                let message =
                    format!("{name} is not in a folder of its language; move it into python, javascript, html or any");
                return Err(unreadable(folder, message));
            }
            continue;
        }
        // Which checks of other scanners the rules stand for is data about the rules, and no rule.
        if name == PEERS {
            continue;
        }
        for file in entries(&language)?.into_iter().filter(|file| is_toml(file)) {
            found.push((file, name.to_owned()));
        }
    }
    if found.is_empty() {
        return Err(unreadable(folder, "there are no rule files in it (<language>/<id>.toml)".to_owned()));
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, RuleError> {
    let failed = |error: std::io::Error| unreadable(folder, error.to_string());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
        if paths.len() > RULE_FILES_MAX {
            return Err(unreadable(folder, format!("there are more than {RULE_FILES_MAX} entries in it")));
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

fn read(path: &Path) -> Result<String, RuleError> {
    let failed = |error: std::io::Error| unreadable(path, error.to_string());
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(unreadable(path, "it is not a regular file".to_owned()));
    }
    let size = metadata.len();
    if size > RULE_FILE_BYTES_MAX {
        return Err(unreadable(path, format!("it has {size} bytes, more than {RULE_FILE_BYTES_MAX}")));
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn unreadable(path: &Path, message: String) -> RuleError {
    RuleError::Unreadable { path: path.display().to_string(), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{digest, tables};

    #[test]
    fn packed_rules_are_those_of_the_rule_files() {
        let read = load(true, &[]).expect("the built-in rules are valid");
        let Packed { rules, digest: packed_digest, combinations, tables: all_tables, paths } = packed();
        assert!(rules.len() > 150, "{}", rules.len());
        for (packed, read) in rules.iter().zip(&read) {
            assert_eq!(**packed, *read);
        }
        assert_eq!((rules.len(), paths.len()), (read.len(), read.len()));
        assert_eq!(packed_digest, digest::of(&read));
        assert_eq!(combinations, tables::combinations(&read));
        for (packed, language) in all_tables.iter().zip(RuleLanguage::ALL) {
            assert_eq!(**packed, Tables::of(&read, language));
        }
    }
}
