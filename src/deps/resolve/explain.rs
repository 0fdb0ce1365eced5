//! Why there is no answer, in words: the demands that contradict each other, and what rules versions out.

use pubgrub::{DerivationTree, External, Ranges};

use super::{Catalogue, Node, Search, Unresolved};
use crate::deps::{SpecifierSet, Version};

/// Facts of one explanation.
const FACTS_MAX: usize = 8;

/// Versions that one fact lists.
const VERSIONS_MAX: usize = 3;

type Tree = DerivationTree<Node, Ranges<Version>, String>;

/// The contradiction that a failed search ended with.
pub(super) fn contradiction<C: Catalogue>(search: &Search<'_, C>, tree: &Tree) -> Unresolved<C::Error> {
    let mut facts = Vec::new();
    let mut lacking = Vec::new();
    let mut others = Vec::new();
    // Trees may be deep, so they are walked with a list of our own.
    let mut waiting = vec![tree];
    while let Some(tree) = waiting.pop() {
        match tree {
            DerivationTree::Derived(derived) => waiting.extend([&*derived.cause2, &*derived.cause1]),
            DerivationTree::External(external) => {
                let (fact, about) = fact(search, external);
                if let (External::NoVersions(..) | External::Custom(..), Some(name)) = (external, &about) {
                    lacking.push(name.clone());
                }
                others.extend(about.clone());
                facts.extend(fact.filter(|fact| !facts.contains(fact)));
                // A demand that no version meets is a fact of its own, and is not told as one.
                if let External::FromDependencyOf(_, _, to, range) = external
                    && range.is_empty()
                {
                    facts.push(none_fits(search, to));
                    lacking.extend(about);
                }
            }
        }
    }
    let left_out = facts.len().saturating_sub(FACTS_MAX);
    facts.truncate(FACTS_MAX);
    let mut why = facts.join("; ");
    if left_out > 0 {
        why.push_str(&format!("; and {left_out} more demands"));
    }
    lacking.extend(others);
    let mut about: Vec<String> = Vec::new();
    for name in lacking {
        if !about.contains(&name) {
            about.push(name);
        }
    }
    Unresolved::Contradiction { why, about }
}

/// One fact in words, and the package that it is about.
fn fact<C: Catalogue>(
    search: &Search<'_, C>,
    external: &External<Node, Ranges<Version>, String>,
) -> (Option<String>, Option<String>) {
    let name = |node: &Node| node.parts().map(|(name, _)| name.to_owned());
    match external {
        External::NotRoot(..) => (None, None),
        External::NoVersions(node, _) => (Some(none_fits(search, node)), name(node)),
        External::Custom(node, range, why) => {
            (Some(format!("{node} {} {why}", shown(search, node, range))), name(node))
        }
        // That an extra belongs to its package is nothing to tell.
        External::FromDependencyOf(from, _, to, _) if name(from) == name(to) => (None, name(to)),
        External::FromDependencyOf(from, range, to, _) => {
            let said = search.said.borrow();
            let package = name(to).map(|name| Node::Package(name.as_str().into()));
            let demand = package.and_then(|package| said.get(&(from.clone(), package))).cloned().unwrap_or_default();
            let fact = match from {
                Node::Declared if demand.is_empty() => format!("{to} is declared"),
                Node::Declared => format!("{to} {demand} is declared"),
                _ => format!("{from} {} needs {to} {demand}", shown(search, from, range)).trim_end().to_owned(),
            };
            (Some(fact), name(to))
        }
    }
}

/// The versions of a package in a range, as few words as possible.
fn shown<C: Catalogue>(search: &Search<'_, C>, node: &Node, range: &Ranges<Version>) -> String {
    let known = search.known.borrow();
    let Some(offered) = node.parts().and_then(|(name, _)| known.get(name)) else { return String::new() };
    let within: Vec<String> =
        offered.versions.iter().rev().filter(|version| range.contains(version)).map(ToString::to_string).collect();
    match within.as_slice() {
        [] => String::new(),
        few if few.len() <= VERSIONS_MAX => few.join(", "),
        all => format!("{} to {}", all[all.len() - 1], all[0]),
    }
}

/// What is asked of a package, by whomever.
fn demands<C: Catalogue>(search: &Search<'_, C>, node: &Node) -> Vec<SpecifierSet> {
    let said = search.said.borrow();
    let of_it = said.iter().filter(|((_, to), _)| to.parts().map(|it| it.0) == node.parts().map(|it| it.0));
    of_it.filter_map(|(_, text)| text.parse().ok()).collect()
}

/// That nothing of a package can be chosen, and what was left out for which reason.
fn none_fits<C: Catalogue>(search: &Search<'_, C>, node: &Node) -> String {
    let known = search.known.borrow();
    let Some(offered) = node.parts().and_then(|(name, _)| known.get(name)) else { return format!("{node} is unknown") };
    if offered.is_unknown {
        return format!("the index has no {node}");
    }
    // What was left out is told where it could have been meant: the newest first, each reason once.
    let demands = demands(search, node);
    let is_meant = |version: &Version| demands.iter().any(|demand| demand.contains(version));
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    let mut left_out: Vec<&(Version, String)> = offered.left_out.iter().filter(|(one, _)| is_meant(one)).collect();
    left_out.sort_by(|a, b| b.0.cmp(&a.0));
    for (version, reason) in left_out {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, versions)) => versions.push(version.to_string()),
            None => reasons.push((reason, vec![version.to_string()])),
        }
    }
    let told: Vec<String> = reasons
        .into_iter()
        .take(VERSIONS_MAX)
        .map(|(reason, versions)| match versions.as_slice() {
            [one] => format!("version {one} {reason}"),
            [newest, ..] => format!("version {newest} (and {} others) {reason}", versions.len() - 1),
            [] => String::new(),
        })
        .collect();
    let newest = offered.versions.iter().rev().take(VERSIONS_MAX).map(ToString::to_string).collect::<Vec<_>>();
    let mut text = format!("no version of {node} fits");
    if !newest.is_empty() {
        text.push_str(&format!(" (there is {})", newest.join(", ")));
    }
    if !told.is_empty() {
        text.push_str(&format!(": {}", told.join(", ")));
    }
    text
}
