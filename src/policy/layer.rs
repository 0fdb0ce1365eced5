//! Layers of values, and what comes out where they lie upon each other.
//!
//! A layer is what one source says: a preset, a file, the environment, the command line. [`Layers::lay`] puts one upon those
//! that are there; the same merge keeps for every value where it comes from. Tables merge by key, and everything else is
//! replaced, lists as well. Three lists add up instead ([`ADDED`]), because what an extended policy looks for or refuses must
//! not vanish where a file names more of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;
use toml::{Table, Value};

use super::{Origin, Policy, PolicyError};

/// The lists that add up, by key.
pub(super) const ADDED: [&str; 3] = ["install.deny_names", "overrides", "scan.rule_dirs"];

/// The parts of a dotted key.
pub(super) type Key = Vec<String>;

/// What one source says.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    assignments: Vec<Assignment>,
}

#[derive(Clone, Debug)]
struct Assignment {
    key: Key,
    change: Change,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Change {
    /// This value, and no other.
    Set(Value),
    /// These values after those that are there.
    Add(Vec<Value>),
    /// As if nobody had said anything.
    Forget,
}

impl Layer {
    /// Sets the value of a dotted key, where there is one.
    pub fn set(&mut self, key: &str, value: Option<impl Serialize>, origin: Origin) {
        if let Some(value) = value {
            self.set_at(parts(key), value, origin);
        }
    }

    /// Sets the value of a key whose last part may have dots in it.
    pub fn set_in(&mut self, table: &str, name: &str, value: impl Serialize, origin: Origin) {
        let mut key = parts(table);
        key.push(name.to_owned());
        self.set_at(key, value, origin);
    }

    fn set_at(&mut self, key: Key, value: impl Serialize, origin: Origin) {
        let value = Value::try_from(value).expect("options are texts, lists and numbers that TOML can hold");
        self.assign(key, value, origin);
    }

    /// Adds values to a list.
    pub fn add<T: Serialize>(&mut self, key: &str, values: &[T], origin: Origin) {
        if !values.is_empty() {
            let values = values.iter().map(|value| Value::try_from(value).expect("a text can be held by TOML"));
            self.assignments.push(Assignment { key: parts(key), change: Change::Add(values.collect()), origin });
        }
    }

    /// Takes back what the layers below say of a key and of everything under it.
    pub fn forget(&mut self, key: &str, origin: Origin) {
        self.assignments.push(Assignment { key: parts(key), change: Change::Forget, origin });
    }

    /// Sets a value, or adds to it where its list adds up.
    pub(super) fn assign(&mut self, key: Key, value: Value, origin: Origin) {
        let change = match value {
            Value::Array(values) if ADDED.contains(&key.join(".").as_str()) => Change::Add(values),
            value => Change::Set(value),
        };
        self.assignments.push(Assignment { key, change, origin });
    }
}

/// Whether a table under this key is one value, which is replaced as a whole: the row of a budget, where a threshold that
/// is left out is none.
pub(super) fn is_row(key: &[String]) -> bool {
    match key {
        [budget, _] => budget == "budget",
        [profiles, _, budget, _] => profiles == "profiles" && budget == "budget",
        _ => false,
    }
}

fn parts(key: &str) -> Key {
    key.split('.').map(str::to_owned).collect()
}

/// A value that takes the place of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Replaced {
    /// The dotted key.
    pub key: String,
    /// The new value, as TOML.
    pub value: String,
    /// Where the new value comes from.
    pub origin: Origin,
    /// The old value, as TOML.
    pub old_value: String,
    /// Where the old value comes from.
    pub old_origins: Vec<Origin>,
}

/// Layers upon each other.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    entries: BTreeMap<Key, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    origins: Vec<Origin>,
}

impl Layers {
    /// The values that `layer` would replace by others.
    #[must_use]
    pub fn replaced_by(&self, layer: &Layer) -> Vec<Replaced> {
        let replaced = |one: &Assignment| {
            let Change::Set(value) = &one.change else { return None };
            let old = self.entries.get(&one.key).filter(|old| old.value != *value)?;
            Some(Replaced {
                key: one.key.join("."),
                value: value.to_string(),
                origin: one.origin.clone(),
                old_value: old.value.to_string(),
                old_origins: old.origins.clone(),
            })
        };
        layer.assignments.iter().filter_map(replaced).collect()
    }

    /// Lays a layer upon those that are there.
    pub fn lay(&mut self, layer: Layer) {
        for Assignment { key, change, origin } in layer.assignments {
            match change {
                Change::Set(value) => {
                    self.entries.insert(key, Entry { value, origins: vec![origin] });
                }
                Change::Add(values) => self.add(key, values, origin),
                Change::Forget => self.entries.retain(|other, _| !other.starts_with(&key)),
            }
        }
    }

    /// Adds what is not in the list yet.
    fn add(&mut self, key: Key, values: Vec<Value>, origin: Origin) {
        let empty = || Entry { value: Value::Array(Vec::new()), origins: Vec::new() };
        let entry = self.entries.entry(key).or_insert_with(empty);
        let Value::Array(there) = &mut entry.value else { return };
        for value in values {
            if !there.contains(&value) {
                there.push(value);
            }
        }
        if !entry.origins.contains(&origin) {
            entry.origins.push(origin);
        }
    }

    /// The policy that comes out; what nobody sets has its default.
    ///
    /// # Errors
    /// [`PolicyError`] that names the place of what cannot be, such as no processor at all.
    pub fn resolve(self) -> Result<Resolved, PolicyError> {
        let mut root = Table::new();
        for (key, entry) in &self.entries {
            insert(&mut root, key, entry.value.clone());
        }
        let policy: Policy =
            root.try_into().map_err(|error: toml::de::Error| PolicyError::invalid("the policy", error.message()))?;
        let origins = self.entries.into_iter().map(|(key, entry)| (key, entry.origins)).collect();
        let resolved = Resolved { policy, origins };
        match resolved.policy.misuse() {
            None => Ok(resolved),
            Some((key, message)) => {
                let place = resolved.origins_of(&parts(&key)).last().map_or_else(String::new, Origin::to_string);
                Err(PolicyError::invalid(place, message))
            }
        }
    }
}

/// Puts a value at a key; tables on the way are made.
fn insert(table: &mut Table, key: &[String], value: Value) {
    match key {
        [] => {}
        [name] => {
            table.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let below = table.entry(name.clone()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

/// A policy, and where each of its values comes from.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The policy.
    pub policy: Policy,
    origins: BTreeMap<Key, Vec<Origin>>,
}

/// One value of a policy.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The parts of its key.
    pub key: Vec<String>,
    /// The value; `null` where there is none.
    pub value: Json,
    /// Where it comes from: more than one for a list that adds up.
    pub origins: Vec<Origin>,
}

impl Resolved {
    /// Where a value comes from; [`Origin::Default`] where nobody said anything.
    #[must_use]
    pub fn origins_of(&self, key: &[String]) -> Vec<Origin> {
        // Beyond a value that was set as a whole there are no keys of its parts.
        let known = (1..=key.len()).rev().find_map(|length| self.origins.get(&key[..length]));
        known.filter(|origins| !origins.is_empty()).cloned().unwrap_or_else(|| vec![Origin::Default])
    }

    /// Every value, in the order of the policy's documentation.
    #[must_use]
    pub fn values(&self) -> Vec<Shown> {
        let policy = serde_json::to_value(&self.policy).expect("a policy has only string keys and finite numbers");
        let mut values = Vec::new();
        self.flatten(Vec::new(), policy, &mut values);
        values
    }

    fn flatten(&self, key: Key, value: Json, values: &mut Vec<Shown>) {
        match value {
            Json::Object(table) if !is_row(&key) && (key.len() < 2 || !table.is_empty()) => {
                for (name, value) in table {
                    self.flatten([key.as_slice(), &[name]].concat(), value, values);
                }
            }
            value => values.push(Shown { origins: self.origins_of(&key), key, value }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTION: Origin = Origin::Option { name: "--x" };

    fn layer(text: &str, path: &str) -> Layer {
        let read = crate::policy::load::Read::of(text, path).expect("it is valid");
        read.layer("", |line| Origin::File { path: path.to_owned(), line })
    }

    fn merged(layers: impl IntoIterator<Item = Layer>) -> Resolved {
        let mut all = Layers::default();
        layers.into_iter().for_each(|layer| all.lay(layer));
        all.resolve().expect("the merged policy is valid")
    }

    fn origin(resolved: &Resolved, key: &str) -> String {
        resolved.origins_of(&parts(key)).iter().map(Origin::to_string).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn tables_merge_by_key_and_lists_are_replaced_but_for_those_that_add_up() {
        let low = "[gate]\nignore = [\"a\"]\nfail_on = \"low\"\n[execute.env]\nA = \"1\"\n[install]\n\
                   deny_names = [\"x\"]\nallow_names = [\"y\"]\n";
        let high = "[gate]\nignore = [\"b\"]\n[execute]\nenv = { B = \"2\" }\n[install]\ndeny_names = [\"z\", \"x\"]\n\
                    allow_names = []\n";
        let resolved = merged([layer(low, "low.toml"), layer(high, "high.toml")]);
        let policy = &resolved.policy;
        assert_eq!(policy.gate.ignore, ["b"]);
        assert_eq!(policy.gate.fail_on, crate::finding::Severity::Low);
        assert_eq!(policy.execute.env.keys().collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(policy.install.deny_names, ["x", "z"]);
        assert_eq!(policy.install.allow_names, [] as [&str; 0]);
        for (key, from) in [
            ("gate.ignore", "high.toml:2"),
            ("gate.fail_on", "low.toml:3"),
            ("gate.select", "default"),
            ("execute.env.A", "low.toml:5"),
            ("execute.env.B", "high.toml:4"),
            ("install.deny_names", "low.toml:7, high.toml:6"),
        ] {
            assert_eq!(origin(&resolved, key), from, "{key}");
        }
    }

    #[test]
    fn a_row_of_a_budget_is_one_value() {
        let low = "[budget]\nfiles = { warn = 1, fail = 2 }\n[profiles.p.budget.files]\nwarn = 3\n";
        let high = "[budget.files]\nfail = 9\n[profiles.p.budget]\nfiles = { fail = 4 }\n";
        let policy = merged([layer(low, "a"), layer(high, "b")]).policy;
        assert_eq!(policy.budget.files, super::super::Threshold { warn: None, fail: Some(9) });
        assert_eq!(policy.profiles["p"].budget["files"], super::super::Threshold { warn: None, fail: Some(4) });
    }

    #[test]
    fn a_profile_that_says_nothing_is_there() {
        assert!(merged([layer("[profiles.p]\n", "a")]).policy.profiles.contains_key("p"));
    }

    #[test]
    fn options_set_add_and_take_back() {
        let mut options = Layer::default();
        options.set("execute.cpus", Some(2.0), OPTION);
        options.set("execute.pids", None::<u32>, OPTION);
        options.add("gate.ignore", &["b".to_owned()], OPTION);
        options.set_in("execute.env", "A.B", "c", OPTION);
        options.forget("execute.images", OPTION);
        let file = "[gate]\nignore = [\"a\"]\n[execute]\npids = 7\nimages = { python = \"p\" }\n";
        let resolved = merged([layer(file, "f"), options]);
        let policy = &resolved.policy;
        assert_eq!((policy.execute.cpus, policy.execute.pids), (2.0, 7));
        assert_eq!(policy.gate.ignore, ["a", "b"]);
        assert_eq!(policy.execute.env["A.B"], "c");
        assert_eq!(policy.execute.images.python, None);
        assert_eq!(origin(&resolved, "gate.ignore"), "f:2, --x");
    }

    #[test]
    fn what_cannot_be_is_refused_where_it_was_said() {
        let mut all = Layers::default();
        all.lay(layer("[execute]\ntimeout = 0\n", "f.toml"));
        let error = all.resolve().expect_err("no program runs for no time");
        assert_eq!(error.to_string(), "f.toml:2: execute.timeout is 0; leave it out for the default");
    }

    #[test]
    fn values_are_told_with_their_origins_and_lead_back_to_the_policy() {
        let file = "[[overrides]]\npaths = [\"t/**\"]\nignore = [\"r\"]\n[profiles.p]\nentry = [\"x\"]\n";
        let resolved = merged([layer(file, "f")]);
        let values = resolved.values();
        let mut root = Table::new();
        for shown in values.iter().filter(|shown| !shown.value.is_null()) {
            insert(&mut root, &shown.key, Value::try_from(without_null(&shown.value)).expect("TOML"));
        }
        assert_eq!(root.try_into::<Policy>().expect("a policy"), resolved.policy);
        let said: Vec<_> = values.iter().filter(|shown| shown.origins != [Origin::Default]).collect();
        assert_eq!(said.iter().map(|shown| shown.key.join(".")).collect::<Vec<_>>(), ["overrides", "profiles.p.entry"]);
    }

    fn without_null(value: &Json) -> Json {
        match value {
            Json::Object(table) => {
                let kept = table.iter().filter(|(_, value)| !value.is_null());
                kept.map(|(name, value)| (name.clone(), without_null(value))).collect()
            }
            Json::Array(items) => items.iter().map(without_null).collect(),
            value => value.clone(),
        }
    }
}
