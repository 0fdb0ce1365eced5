//! Which places of a lock an artifact really reaches, as Node would look them up. What a lock says of that itself (`dev`,
//! `optional`) does not count: it could leave packages out, or bring some in.

use std::collections::{BTreeMap, BTreeSet};

use super::lock::{Entry, Lock};
use super::manifest::Manifest;
use super::name::{looked_up, names_in};

/// How what is needed is missed where it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
    /// It is somebody else's to bring.
    Peer,
}

/// One place that is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// Whether something needs it that is itself needed.
    pub(super) is_required: bool,
    /// The places of those that need it; empty for what the artifact alone declares.
    pub(super) needed_by: BTreeSet<String>,
}

/// What an artifact reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    /// By place.
    pub(super) reached: BTreeMap<String, Reached>,
    /// What is needed and is nowhere: who needs it (`""` for the artifact), and its name.
    pub(super) missing: BTreeSet<(String, String)>,
}

/// Follows what is needed from `manifest` on. Optional packages that do not fit are left out, with what they alone need.
pub(super) fn reach(lock: &Lock, manifest: &Manifest, fits: impl Fn(&Entry) -> bool) -> Tree {
    let mut tree = Tree::default();
    let mut left = vec![(String::new(), true)];
    // Each place is taken up twice at most: as an optional one, and as a required one.
    while let Some((place, is_required)) = left.pop() {
        let own: Vec<(&str, Need)> = match lock.entries.get(&place) {
            None => manifest.wanted().map(|(name, _, is_optional)| (name.as_str(), need(is_optional))).collect(),
            Some(entry) => needs(entry),
        };
        for (name, need) in own {
            let Some((found, entry)) = looked_up(&place, name).find_map(|place| lock.entries.get_key_value(&place))
            else {
                if need == Need::Required {
                    tree.missing.insert((place.clone(), name.to_owned()));
                }
                continue;
            };
            let is_required = is_required && need != Need::Optional;
            if !is_required && !fits(entry) {
                continue;
            }
            let is_new = !tree.reached.contains_key(found);
            let reached = tree.reached.entry(found.clone()).or_default();
            if !place.is_empty() {
                reached.needed_by.insert(place.clone());
            }
            if is_new || (is_required && !reached.is_required) {
                reached.is_required = is_required;
                left.push((found.clone(), is_required));
            }
        }
    }
    tree
}

fn need(is_optional: bool) -> Need {
    if is_optional { Need::Optional } else { Need::Required }
}

fn needs(entry: &Entry) -> Vec<(&str, Need)> {
    let is_optional = |name: &String| entry.optional_dependencies.contains_key(name);
    let required =
        entry.dependencies.keys().filter(|name| !is_optional(name)).map(|name| (name.as_str(), Need::Required));
    let optional = entry.optional_dependencies.keys().map(|name| (name.as_str(), Need::Optional));
    let may_be_missing = |name: &String| entry.peer_dependencies_meta.get(name).is_some_and(|meta| meta.optional);
    let peers =
        entry.peer_dependencies.keys().filter(|name| !may_be_missing(name)).map(|name| (name.as_str(), Need::Peer));
    required.chain(optional).chain(peers).collect()
}

/// The name of what is at a place: the last of those along it.
pub(super) fn name_at(place: &str, depth_max: usize) -> Option<&str> {
    names_in(place, depth_max)?.pop()
}
