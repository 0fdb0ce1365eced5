//! One policy file: its text, what it says, and what it extends.

use std::path::Path;

use serde::Deserialize as _;
use toml::Spanned;
use toml::Value;
use toml::de::{DeTable, DeValue, Deserializer, ValueDeserializer};

use super::diagnose::{self, place};
use super::extends::{self, Files, Source};
use super::layer::{Key, Layer, is_row};
use super::{BUILTIN_PROFILES, Images, Layers, Origin, Policy, PolicyError, Profile, builtin_profile};
use crate::artifact::Digest;

/// The key that names what a file extends.
pub(super) const EXTENDS: &str = "extends";

/// The keys that hold paths, which are relative to the file that names them.
const PATHS: [&str; 4] = ["cache.dir", "install.cache_dir", "install.names_data", "scan.rule_dirs"];

/// A file that was read and found valid.
#[derive(Debug)]
pub(super) struct Read<'t> {
    text: &'t str,
    table: DeTable<'t>,
    /// What it extends, in order, with the place where it says so.
    pub(super) extends: Vec<(String, String)>,
}

impl<'t> Read<'t> {
    /// Reads TOML text; `path` names it in errors.
    pub(super) fn of(text: &'t str, path: &str) -> Result<Self, PolicyError> {
        let at = |error: &toml::de::Error| place(text, path, error.span().map_or(0, |span| span.start));
        let root = DeTable::parse(text).map_err(|error| PolicyError::invalid(at(&error), error.message()))?;
        let (span, mut table) = (root.span(), root.into_inner());
        let extends = table.remove(EXTENDS).map_or_else(|| Ok(Vec::new()), |value| extends_of(&value, text, path))?;
        let whole = Deserializer::from(Spanned::new(span, table.clone()));
        match Policy::deserialize(whole) {
            Ok(_) => Ok(Self { text, table, extends }),
            Err(error) => {
                let faults = diagnose::faults(&table, text, path);
                Err(match faults.is_empty() {
                    true => PolicyError::invalid(at(&error), error.message()),
                    false => PolicyError::Invalid { faults },
                })
            }
        }
    }

    /// What it says; its paths become relative to where `base` is, and `origin` tells a line's.
    pub(super) fn layer(&self, base: impl AsRef<Path>, origin: impl Fn(usize) -> Origin) -> Layer {
        let mut layer = Layer::default();
        self.flatten(&Vec::new(), &self.table, base.as_ref(), &origin, &mut layer);
        layer
    }

    fn flatten(
        &self,
        above: &Key,
        table: &DeTable<'_>,
        base: &Path,
        origin: &impl Fn(usize) -> Origin,
        layer: &mut Layer,
    ) {
        for (name, value) in table {
            let key = [above.as_slice(), &[name.get_ref().to_string()]].concat();
            match value.get_ref() {
                DeValue::Table(below) if !is_row(&key) && !below.is_empty() => {
                    self.flatten(&key, below, base, origin, layer);
                }
                _ => {
                    let line = self.text[..name.span().start].matches('\n').count() + 1;
                    let mut plain =
                        Value::deserialize(ValueDeserializer::from(value.clone())).expect("what was parsed is a value");
                    if PATHS.contains(&key.join(".").as_str()) {
                        rebase(&mut plain, base);
                    }
                    layer.assign(key, plain, origin(line));
                }
            }
        }
    }
}

fn rebase(value: &mut Value, base: &Path) {
    match value {
        Value::String(path) => *path = base.join(&*path).to_string_lossy().into_owned(),
        Value::Array(paths) => paths.iter_mut().for_each(|path| rebase(path, base)),
        _ => {}
    }
}

/// The names in `extends`, a text or a list of texts.
fn extends_of(value: &Spanned<DeValue<'_>>, text: &str, path: &str) -> Result<Vec<(String, String)>, PolicyError> {
    let at = |value: &Spanned<DeValue<'_>>| place(text, path, value.span().start);
    let name = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(name) if !name.is_empty() => Ok((name.to_string(), at(value))),
        _ => Err(PolicyError::invalid(
            at(value),
            "`extends` names a policy file, a preset (strict, default, lenient), or a list of them, such as \
             [\"base.toml\", \"strict\"]",
        )),
    };
    match value.get_ref() {
        DeValue::Array(names) => names.iter().map(name).collect(),
        _ => Ok(vec![name(value)?]),
    }
}

/// What a text without a folder can extend: presets alone.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &Path, _: Option<&Path>) -> Result<Source, String> {
        Err(format!("{} cannot be read from here; only a policy in a file can extend another", path.display()))
    }
}

impl Policy {
    /// Reads a policy from TOML text; `path` names it in errors. It may extend presets; what extends files is read by
    /// [`expand`](super::expand).
    ///
    /// # Errors
    /// [`PolicyError`] with line and column when the text is not a valid policy.
    pub fn from_toml(text: &str, path: &str) -> Result<Self, PolicyError> {
        let mut layers = Layers::default();
        for layer in extends::of_text(text, path, &NoFiles)?.layers {
            layers.lay(layer);
        }
        Ok(layers.resolve()?.policy)
    }

    /// The structure profile called `name`: the owner's own, or a built-in one.
    ///
    /// # Errors
    /// [`PolicyError::NoProfile`] when there is none.
    pub fn profile(&self, name: &str) -> Result<Profile, PolicyError> {
        self.profiles.get(name).cloned().or_else(|| builtin_profile(name)).ok_or_else(|| {
            let known: Vec<_> = BUILTIN_PROFILES.into_iter().chain(self.profiles.keys().map(String::as_str)).collect();
            PolicyError::NoProfile { name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// The digest of the policy's meaning: equal for two that say the same. Where folders lie is no part of it: rules and
    /// tables of names have digests of their own, and where results are kept changes none.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut meaning = self.clone();
        meaning.scan.rule_dirs.clear();
        meaning.cache.dir = None;
        meaning.install.cache_dir = None;
        meaning.install.names_data = None;
        Digest::of(&serde_json::to_vec(&meaning).expect("a policy has only string keys and finite numbers"))
    }

    /// What the types cannot hold.
    ///
    /// # Errors
    /// A sentence that names the key and the mend.
    pub fn check(&self) -> Result<(), String> {
        self.misuse().map_or(Ok(()), |(_, message)| Err(message))
    }

    /// What the types cannot hold: the key, and a sentence that names it and the mend.
    pub(super) fn misuse(&self) -> Option<(String, String)> {
        let at = |key: &str, message: String| Some((key.to_owned(), message));
        if !(self.execute.cpus > 0.0 && self.execute.cpus.is_finite()) {
            return at("execute.cpus", format!("execute.cpus is {}, not a number above 0", self.execute.cpus));
        }
        for (name, profile) in &self.profiles {
            if let Err(message) = profile.check(name) {
                return at(&format!("profiles.{name}"), message);
            }
        }
        if self.overrides.iter().any(super::Override::is_idle) {
            let keys = "`ignore`, `fail_on`, `min_confidence` or `severity`";
            return at("overrides", format!("one of the overrides changes nothing; it needs {keys}"));
        }
        if self.execute.entry.as_ref().is_some_and(Vec::is_empty) {
            let message = "the entry (`--entry`, execute.entry) is empty; leave it out to run what is found";
            return at("execute.entry", message.to_owned());
        }
        self.image_misuse().or_else(|| self.zero_misuse())
    }

    fn image_misuse(&self) -> Option<(String, String)> {
        let Images { python, node } = &self.execute.images;
        let named = [
            ("execute.image", Some(&self.execute.image)),
            ("execute.images.python", python.as_ref()),
            ("execute.images.node", node.as_ref()),
        ];
        let (key, name) =
            named.into_iter().find_map(|(key, name)| Some((key, name.filter(|name| !is_image_name(name))?)))?;
        Some((key.to_owned(), format!("`{name}` is no name of an image; write it as NAME:TAG or NAME@sha256:…")))
    }

    fn zero_misuse(&self) -> Option<(String, String)> {
        let zero = [
            ("vet.timeout", self.vet.timeout.as_millis() == 0),
            ("install.timeout", self.install.timeout.as_millis() == 0),
            ("install.verify_timeout", self.install.verify_timeout.as_millis() == 0),
            ("install.memory", self.install.memory.bytes() == 0),
            ("execute.timeout", self.execute.timeout.as_millis() == 0),
            ("execute.memory", self.execute.memory.bytes() == 0),
            ("execute.pids", self.execute.pids == 0),
        ];
        let (key, _) = zero.iter().find(|(_, zero)| *zero)?;
        Some(((*key).to_owned(), format!("{key} is 0; leave it out for the default")))
    }
}

/// Whether this may be an image's name. It becomes a part of the addresses that the engine is asked by.
fn is_image_name(name: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "._-/:@".contains(char);
    name.starts_with(|char: char| char.is_ascii_alphanumeric()) && name.chars().all(is_plain) && !name.contains("..")
}
