//! `extends`: a policy file that builds upon others.
//!
//! What a file extends lies under it, in the order in which it is named, so that the one named last decides, and the file
//! itself above all. A name is a preset, else a path relative to the file that says it. Reading is left to [`Files`], which
//! knows the disk and what must not be read from.

use std::path::{Path, PathBuf};

use super::error::did_you_mean;
use super::load::Read;
use super::{Layer, Origin, PolicyError, Preset};

/// Files that may extend one another in a row.
pub const EXTENDS_DEPTH_MAX: usize = 8;

/// Files that are read for one policy, one that is named twice counted twice.
pub const EXTENDS_FILES_MAX: usize = 64;

/// A policy file as it was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its text.
    pub text: String,
    /// What tells it from other files, however it is named: its real path.
    pub identity: PathBuf,
}

/// Reads policy files.
pub trait Files {
    /// Reads the file at `path`, which `named_by`, another file's real path, extends; `None` for the policy itself.
    ///
    /// # Errors
    /// A sentence that says why it is not read, and the mend.
    fn read(&self, path: &Path, named_by: Option<&Path>) -> Result<Source, String>;
}

/// A policy file with everything that it extends.
#[derive(Clone, Debug, Default)]
pub struct Extended {
    /// What they say, the weakest first.
    pub layers: Vec<Layer>,
    /// What each of them is called, in the same order: paths as they were named, and presets.
    pub names: Vec<String>,
}

/// Reads the policy file at `path`, with everything that it extends.
///
/// # Errors
/// [`PolicyError`] with the place of what is wrong in any of the files; a chain of files that leads back to itself, and one
/// beyond [`EXTENDS_DEPTH_MAX`] or [`EXTENDS_FILES_MAX`], is named.
pub fn expand(path: &Path, files: &dyn Files) -> Result<Extended, PolicyError> {
    let label = path.to_string_lossy();
    let source = files.read(path, None).map_err(|message| PolicyError::invalid("", message))?;
    let mut expansion = Expansion { files, extended: Extended::default(), chain: Vec::new(), read: 1 };
    expansion.file(&source, path, &label)?;
    Ok(expansion.extended)
}

/// The same for a text that is in no file; paths in it are relative to the current folder.
pub(super) fn of_text(text: &str, label: &str, files: &dyn Files) -> Result<Extended, PolicyError> {
    let mut expansion = Expansion { files, extended: Extended::default(), chain: Vec::new(), read: 1 };
    let source = Source { text: text.to_owned(), identity: PathBuf::from(label) };
    expansion.file(&source, Path::new(""), label)?;
    Ok(expansion.extended)
}

struct Expansion<'a> {
    files: &'a dyn Files,
    extended: Extended,
    /// The files that are being read, each extended by the one before it: real path and label.
    chain: Vec<(PathBuf, String)>,
    read: usize,
}

impl Expansion<'_> {
    fn file(&mut self, source: &Source, path: &Path, label: &str) -> Result<(), PolicyError> {
        let read = Read::of(&source.text, label)?;
        self.chain.push((source.identity.clone(), label.to_owned()));
        let base = path.parent().unwrap_or(Path::new(""));
        for (name, place) in &read.extends {
            match Preset::named(name) {
                Some(preset) => {
                    self.extended.layers.push(preset.layer()?);
                    self.extended.names.push(preset.name().to_owned());
                }
                None => self.below(&base.join(name), name, place)?,
            }
        }
        self.chain.pop();
        self.extended.layers.push(read.layer(base, |line| Origin::File { path: label.to_owned(), line }));
        self.extended.names.push(label.to_owned());
        Ok(())
    }

    /// Reads a file that the last one of the chain extends, because `place` says so.
    fn below(&mut self, path: &Path, name: &str, place: &str) -> Result<(), PolicyError> {
        let refused = |message: String| PolicyError::invalid(place, message);
        self.read += 1;
        if self.chain.len() >= EXTENDS_DEPTH_MAX || self.read > EXTENDS_FILES_MAX {
            let limits = format!("{EXTENDS_DEPTH_MAX} in a row and {EXTENDS_FILES_MAX} in all at most");
            return Err(refused(format!("too many files extend one another, {limits}: {}", self.chained(name))));
        }
        let named_by = self.chain.last().map(|(identity, _)| identity.as_path());
        let source = self.files.read(path, named_by).map_err(|message| {
            let presets = Preset::ALL.map(Preset::name);
            refused(format!("{message}{}", did_you_mean(name, presets)))
        })?;
        if self.chain.iter().any(|(identity, _)| *identity == source.identity) {
            return Err(refused(format!("this file extends itself: {}", self.chained(name))));
        }
        self.file(&source, path, &path.to_string_lossy())
    }

    fn chained(&self, last: &str) -> String {
        let labels = self.chain.iter().map(|(_, label)| label.as_str()).chain([last]);
        labels.collect::<Vec<_>>().join(" → ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::finding::Severity;
    use crate::policy::{Layers, Resolved};

    struct Memory(BTreeMap<&'static str, String>);

    impl Files for Memory {
        fn read(&self, path: &Path, _: Option<&Path>) -> Result<Source, String> {
            // `a/../b` and `b` are one file, as on a disk.
            let mut parts: Vec<&str> = Vec::new();
            for part in path.to_str().expect("test paths are text").split('/') {
                match part {
                    ".." => parts.truncate(parts.len().saturating_sub(1)),
                    part => parts.push(part),
                }
            }
            let identity = parts.join("/");
            let text = self.0.get(identity.as_str()).ok_or_else(|| format!("could not read {}", path.display()))?;
            Ok(Source { text: text.clone(), identity: PathBuf::from(identity) })
        }
    }

    fn resolved(files: &[(&'static str, &str)]) -> Result<Resolved, PolicyError> {
        let memory = Memory(files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect());
        let extended = expand(Path::new(files[0].0), &memory)?;
        let mut layers = Layers::default();
        extended.layers.into_iter().for_each(|layer| layers.lay(layer));
        layers.resolve()
    }

    fn refused(files: &[(&'static str, &str)]) -> String {
        resolved(files).expect_err("it is refused").to_string()
    }

    #[test]
    fn what_is_named_last_decides_and_the_file_above_all() {
        let policy = resolved(&[
            ("p.toml", "extends = [\"strict\", \"a/b.toml\"]\n[execute]\npids = 3\n"),
            ("a/b.toml", "extends = \"../c.toml\"\n[gate]\nfail_on = \"high\"\n[scan]\nrule_dirs = [\"r\"]\n"),
            (
                "c.toml",
                "[gate]\nfail_on = \"critical\"\nignore = [\"x\"]\n[execute]\npids = 4\n[scan]\nrule_dirs = [\"r\"]\n",
            ),
        ]);
        let policy = policy.expect("it is valid").policy;
        assert_eq!(policy.gate.fail_on, Severity::High);
        assert_eq!(policy.gate.ignore, ["x"]);
        assert_eq!(policy.execute.pids, 3);
        assert_eq!(policy.scan.rule_dirs, ["a/../r", "a/r"]);
        assert_eq!(policy.install.unknown_names, crate::policy::UnknownNames::Block);
    }

    #[test]
    fn a_chain_that_does_not_end_is_named() {
        let own = refused(&[("p.toml", "extends = \"p.toml\"\n")]);
        assert_eq!(own, "p.toml:1:11: this file extends itself: p.toml → p.toml");
        let round = refused(&[("p.toml", "extends = [\"q.toml\"]"), ("q.toml", "\nextends = \"p.toml\"")]);
        assert_eq!(round, "q.toml:2:11: this file extends itself: p.toml → q.toml → p.toml");
        let names: Vec<&'static str> = vec!["0", "1", "2", "3", "4", "5", "6", "7", "8"];
        let texts: Vec<String> = (1..=9).map(|next| format!("extends = \"{next}\"")).collect();
        let mut files: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (*name, text.as_str())).collect();
        assert!(refused(&files).contains("8 in a row"), "{}", refused(&files));
        files[7].1 = "";
        assert!(resolved(&files).is_ok());
    }

    #[test]
    fn a_file_named_twice_is_fine_and_many_times_too_many() {
        let twice = [("p", "extends = [\"q\", \"r\"]"), ("q", "extends = \"s\""), ("r", "extends = \"s\""), ("s", "")];
        assert!(resolved(&twice).is_ok());
        let wide = format!("extends = [{}]", "\"s\", ".repeat(EXTENDS_FILES_MAX));
        assert!(refused(&[("p", &wide), ("s", "")]).contains("64 in all"));
    }

    #[test]
    fn what_is_not_there_is_said_at_the_place_that_names_it() {
        let missing = refused(&[("p.toml", "# a\nextends = [\"default\", \"strcit\"]")]);
        assert_eq!(missing, "p.toml:2:23: could not read strcit (did you mean `strict`?)");
        let wrong = refused(&[("p.toml", "extends = 3")]);
        assert!(wrong.starts_with("p.toml:1:11: `extends` names a policy file"), "{wrong}");
        let below = refused(&[("p.toml", "extends = \"a/q.toml\""), ("a/q.toml", "[gate]\nfail_onn = 3")]);
        assert!(below.starts_with("a/q.toml:2:1: there is no key `fail_onn` in [gate]"), "{below}");
    }
}
