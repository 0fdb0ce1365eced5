//! The resolver: which version of each package, so that every declaration and every package is content.
//!
//! The search itself is `PubGrub` (Weizenbaum 2018, the `pubgrub` crate), which finds the newest versions that go together
//! and, where none do, the chain of demands that contradict each other. What is Python's about it stands here: extras
//! are packages of their own that hold on to the same version; markers are evaluated for the interpreter in the sandbox;
//! pre-releases are taken only where they were asked for, or where there is nothing else. A [`Catalogue`] says what
//! there is: nothing here does I/O.
//!
//! A set of versions is kept as ranges whose ends are versions that really exist, since specifiers
//! (`!=1.5.*`, `~=2.2`, `==1.0+local`) have corners that no range of all thinkable versions describes.

mod explain;

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use pubgrub::{Dependencies, DependencyProvider, PackageResolutionStatistics, PubGrubError, Ranges};

use super::{MarkerEnvironment, Parsed, Requirement, SpecifierSet, Version, normalised};

/// Packages that one resolution may look at.
const PACKAGES_MAX: usize = 2000;

/// Versions and packages as they are on offer.
pub trait Catalogue {
    /// Why something could not be found out.
    type Error: std::error::Error + 'static;

    /// What there is of a package, by its normalised name.
    ///
    /// # Errors
    /// When it cannot be found out. A package that does not exist is not an error.
    fn offered(&self, name: &str) -> Result<Arc<Offered>, Self::Error>;

    /// What one offered version needs.
    ///
    /// # Errors
    /// When it cannot be found out.
    fn needs(&self, name: &str, version: &Version) -> Result<Arc<Needs>, Self::Error>;

    /// Says which packages will be asked for next, so that what is known of them can be fetched together.
    fn expect(&self, names: &[&str]);

    /// Says whose needs will probably be asked for next.
    fn expect_needs(&self, versions: &[(&str, Version)]);

    /// Whether to give up.
    ///
    /// # Errors
    /// The reason.
    fn check(&self) -> Result<(), Self::Error>;
}

/// The versions of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// Versions that can be used, ascending.
    pub versions: Vec<Version>,
    /// Versions that cannot, and why: a fragment that can follow "version 1.0 ".
    pub left_out: Vec<(Version, String)>,
    /// Whether there is no such package at all.
    pub is_unknown: bool,
}

/// What one version of a package says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Its `Requires-Dist`.
    pub requires: Vec<Parsed>,
    /// Its `Requires-Python`.
    pub requires_python: Option<SpecifierSet>,
    /// Why it cannot be used after all; a fragment that can follow "version 1.0 ".
    pub unusable: Option<String>,
}

/// The question.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What is declared and applies.
    pub wanted: &'a [&'a Requirement],
    /// Limits on whatever is chosen.
    pub constraints: &'a [&'a Requirement],
    /// The interpreter.
    pub markers: &'a MarkerEnvironment,
}

/// The answer for one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The version.
    pub version: Version,
    /// The extras that somebody asks for, sorted.
    pub extras: BTreeSet<String>,
    /// Who asks for it: packages by name, sorted. What is declared is not among them.
    pub wanted_by: BTreeSet<String>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unresolved<E> {
    /// The demands contradict each other or cannot be met; why, in words, and the packages that it is about, those that
    /// cannot be had first.
    Contradiction {
        /// The chain of demands.
        why: String,
        /// Names.
        about: Vec<String>,
    },
    /// The catalogue failed.
    Catalogue(E),
}

/// Finds the newest versions that go together.
///
/// # Errors
/// [`Unresolved`].
pub fn resolve<C: Catalogue>(
    question: &Question<'_>,
    catalogue: &C,
) -> Result<BTreeMap<String, Chosen>, Unresolved<C::Error>> {
    let explicit = question.wanted.iter().chain(question.constraints);
    let explicit = explicit.filter(|one| one.specifiers.mentions_prerelease()).map(|one| one.name.as_str()).collect();
    let search = Search { question, catalogue, explicit, known: RefCell::default(), said: RefCell::default() };
    let none = Version::zero();
    let solution = match pubgrub::resolve(&search, Node::Declared, none) {
        Ok(solution) => solution,
        Err(PubGrubError::NoSolution(tree)) => return Err(explain::contradiction(&search, &tree)),
        Err(
            PubGrubError::ErrorRetrievingDependencies { source: stop, .. }
            | PubGrubError::ErrorChoosingVersion { source: stop, .. }
            | PubGrubError::ErrorInShouldCancel(stop),
        ) => return Err(stop.into()),
    };
    let mut all: BTreeMap<String, Chosen> = BTreeMap::new();
    for (node, version) in solution.iter() {
        let Some((name, extra)) = node.parts() else { continue };
        let chosen = all.entry(name.to_owned()).or_insert_with(|| Chosen {
            version: version.clone(),
            extras: BTreeSet::new(),
            wanted_by: BTreeSet::new(),
        });
        chosen.extras.extend(extra.map(str::to_owned));
    }
    search.tell_who_wants(&mut all)?;
    Ok(all)
}

/// What versions are chosen for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    /// Everything that is declared.
    Declared,
    Package(Arc<str>),
    /// An extra of a package.
    Extra(Arc<str>, Arc<str>),
}

impl Node {
    /// The package's name, and the extra.
    fn parts(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::Declared => None,
            Self::Package(name) => Some((name, None)),
            Self::Extra(name, extra) => Some((name, Some(extra))),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared => f.write_str("what is declared"),
            Self::Package(name) => write!(f, "`{name}`"),
            Self::Extra(name, extra) => write!(f, "`{name}[{extra}]`"),
        }
    }
}

/// Why the search stopped before its end.
#[derive(Debug, thiserror::Error)]
enum Halt<E: std::error::Error + 'static> {
    #[error(transparent)]
    Catalogue(#[from] E),
    #[error("{0}")]
    Limit(String),
}

impl<E: std::error::Error> From<Halt<E>> for Unresolved<E> {
    fn from(halt: Halt<E>) -> Self {
        match halt {
            Halt::Catalogue(error) => Self::Catalogue(error),
            Halt::Limit(why) => Self::Contradiction { why, about: Vec::new() },
        }
    }
}

/// One demand for a package.
#[derive(Clone, Debug)]
struct Demand {
    name: Arc<str>,
    extras: Vec<String>,
    specifiers: SpecifierSet,
}

struct Search<'a, C: Catalogue> {
    question: &'a Question<'a>,
    catalogue: &'a C,
    /// Packages of which a pre-release was asked for.
    explicit: BTreeSet<&'a str>,
    known: RefCell<HashMap<Arc<str>, Arc<Offered>>>,
    /// How each package put its demand for another, for the explanation.
    said: RefCell<HashMap<(Node, Node), String>>,
}

impl<C: Catalogue> Search<'_, C> {
    /// What there is of a package, within the constraints.
    fn offered(&self, name: &Arc<str>) -> Result<Arc<Offered>, Halt<C::Error>> {
        if let Some(known) = self.known.borrow().get(name) {
            return Ok(Arc::clone(known));
        }
        if self.known.borrow().len() >= PACKAGES_MAX {
            return Err(Halt::Limit(format!("more than {PACKAGES_MAX} packages would have to be looked at")));
        }
        let mut offered = self.catalogue.offered(name)?;
        for constraint in self.question.constraints.iter().filter(|one| one.name == **name) {
            let mut kept = Offered::clone(&offered);
            let (fits, others) = kept.versions.into_iter().partition(|version| constraint.specifiers.contains(version));
            kept.versions = fits;
            let because = format!("is ruled out by the constraint `{}`", constraint.text);
            kept.left_out.extend(Vec::into_iter(others).map(|version| (version, because.clone())));
            offered = Arc::new(kept);
        }
        self.known.borrow_mut().insert(Arc::clone(name), Arc::clone(&offered));
        Ok(offered)
    }

    /// The offered versions that a demand admits, as ranges.
    fn admitted(&self, demand: &Demand) -> Result<Ranges<Version>, Halt<C::Error>> {
        let offered = self.offered(&demand.name)?;
        let fits: Vec<bool> = offered.versions.iter().map(|version| demand.specifiers.contains(version)).collect();
        let is_final = |(version, fits): (&Version, &bool)| *fits && !version.is_prerelease();
        let prefers_final = !demand.specifiers.mentions_prerelease()
            && !self.explicit.contains(&*demand.name)
            && offered.versions.iter().zip(&fits).any(is_final);
        let taken: Vec<bool> = offered
            .versions
            .iter()
            .zip(fits)
            .map(|(version, fits)| fits && !(prefers_final && version.is_prerelease()))
            .collect();
        Ok(ranges(&offered.versions, &taken))
    }

    /// The demands of a node, in the order in which they stand.
    fn demands(&self, node: &Node, version: &Version) -> Result<Result<Vec<Demand>, String>, Halt<C::Error>> {
        let Some((name, extra)) = node.parts() else {
            return Ok(Ok(self.question.wanted.iter().map(|one| Demand::declared(one)).collect()));
        };
        let needs = self.catalogue.needs(name, version)?;
        if let Some(why) = &needs.unusable {
            return Ok(Err(why.clone()));
        }
        let python = self.question.markers.get("python_full_version").unwrap_or_default();
        if let Some(wanted) = &needs.requires_python
            && !python.parse::<Version>().is_ok_and(|python| wanted.contains(&python))
        {
            return Ok(Err(format!("needs python {wanted}, and python {python} is there")));
        }
        let markers = self.question.markers.with_extra(extra.unwrap_or_default());
        let mut demands = Vec::new();
        for parsed in &needs.requires {
            match parsed.marker.as_ref().map_or(Ok(true), |marker| marker.evaluate(&markers)) {
                Ok(true) if parsed.url.is_some() => {
                    return Ok(Err(format!("requires a package by its address (`{parsed}`), which is not followed")));
                }
                Ok(true) => demands.push(Demand::parsed(parsed)),
                Ok(false) => {}
                Err(error) => return Ok(Err(format!("has a requirement whose marker means nothing: {error}"))),
            }
        }
        Ok(Ok(demands))
    }

    /// For each demand the newest version that it admits: the one that is chosen, unless something else stands against it.
    fn probable<'d>(&self, demands: &'d [Demand]) -> Result<Vec<(&'d str, Version)>, Halt<C::Error>> {
        let mut probable = Vec::new();
        for demand in demands {
            let range = self.admitted(demand)?;
            let offered = self.offered(&demand.name)?;
            let newest = offered.versions.iter().rev().find(|version| range.contains(version));
            probable.extend(newest.map(|version| (&*demand.name, version.clone())));
        }
        Ok(probable)
    }

    /// Fills in who asks for each package.
    fn tell_who_wants(&self, all: &mut BTreeMap<String, Chosen>) -> Result<(), Halt<C::Error>> {
        let asking: Vec<(String, Version, BTreeSet<String>)> =
            all.iter().map(|(name, chosen)| (name.clone(), chosen.version.clone(), chosen.extras.clone())).collect();
        for (name, version, extras) in asking {
            let own: Arc<str> = name.as_str().into();
            let nodes = extras.iter().map(|extra| Node::Extra(Arc::clone(&own), extra.as_str().into()));
            for node in std::iter::once(Node::Package(Arc::clone(&own))).chain(nodes) {
                for demand in self.demands(&node, &version)?.unwrap_or_default() {
                    if let Some(chosen) = all.get_mut(&*demand.name).filter(|_| *demand.name != *name) {
                        chosen.wanted_by.insert(name.clone());
                    }
                }
            }
        }
        Ok(())
    }
}

impl Demand {
    fn declared(requirement: &Requirement) -> Self {
        Self {
            name: requirement.name.as_str().into(),
            extras: requirement.extras.clone(),
            specifiers: requirement.specifiers.clone(),
        }
    }

    fn parsed(parsed: &Parsed) -> Self {
        let extras = parsed.extras.iter().map(|extra| normalised(extra)).collect();
        Self { name: normalised(&parsed.name).into(), extras, specifiers: parsed.specifiers.clone() }
    }
}

/// The versions that are `taken`, as ranges. `versions` ascend.
fn ranges(versions: &[Version], taken: &[bool]) -> Ranges<Version> {
    use std::ops::Bound::{Included, Unbounded};
    if taken.iter().all(|taken| *taken) && !versions.is_empty() {
        return Ranges::full();
    }
    let mut bounds = Vec::new();
    let mut at = 0;
    for run in taken.chunk_by(|a, b| a == b) {
        let last = at + run.len() - 1;
        if run[0] {
            let low = if at == 0 { Unbounded } else { Included(versions[at].clone()) };
            let high = if last + 1 == versions.len() { Unbounded } else { Included(versions[last].clone()) };
            bounds.push((low, high));
        }
        at = last + 1;
    }
    bounds.into_iter().collect()
}

impl<C: Catalogue> DependencyProvider for Search<'_, C> {
    type P = Node;
    type V = Version;
    type VS = Ranges<Version>;
    type Priority = (u32, Reverse<usize>);
    type M = String;
    type Err = Halt<C::Error>;

    /// What made trouble before comes first, then what leaves the least choice.
    fn prioritize(
        &self,
        node: &Node,
        range: &Ranges<Version>,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let name = node.parts().map(|(name, _)| name);
        let known = self.known.borrow();
        let count = name
            .and_then(|name| known.get(name))
            .map_or(0, |offered| offered.versions.iter().filter(|version| range.contains(version)).count());
        (statistics.conflict_count(), Reverse(count))
    }

    fn choose_version(&self, node: &Node, range: &Ranges<Version>) -> Result<Option<Version>, Self::Err> {
        let Some((name, _)) = node.parts() else { return Ok(Some(Version::zero())) };
        let offered = self.offered(&name.into())?;
        Ok(offered.versions.iter().rev().find(|version| range.contains(version)).cloned())
    }

    fn get_dependencies(
        &self,
        node: &Node,
        version: &Version,
    ) -> Result<Dependencies<Node, Ranges<Version>, String>, Self::Err> {
        let demands = match self.demands(node, version)? {
            Ok(demands) => demands,
            Err(why) => return Ok(Dependencies::Unavailable(why)),
        };
        let names: Vec<&str> = demands.iter().map(|demand| &*demand.name).collect();
        self.catalogue.expect(&names);
        self.catalogue.expect_needs(&self.probable(&demands)?);
        let mut all: Vec<(Node, Ranges<Version>)> = Vec::new();
        let mut add = |to: Node, range: Ranges<Version>| match all.iter_mut().find(|(known, _)| *known == to) {
            Some((_, known)) => *known = known.intersection(&range),
            None => all.push((to, range)),
        };
        for demand in &demands {
            let range = self.admitted(demand)?;
            let package = Node::Package(Arc::clone(&demand.name));
            let text = demand.specifiers.to_string();
            self.said.borrow_mut().insert((node.clone(), package.clone()), text);
            for extra in &demand.extras {
                add(Node::Extra(Arc::clone(&demand.name), extra.as_str().into()), range.clone());
            }
            add(package, range);
        }
        // An extra is of the very version that is chosen.
        if let Node::Extra(name, _) = node {
            add(Node::Package(Arc::clone(name)), Ranges::singleton(version.clone()));
        }
        Ok(Dependencies::Available(all.into_iter().collect()))
    }

    fn should_cancel(&self) -> Result<(), Self::Err> {
        Ok(self.catalogue.check()?)
    }
}

#[cfg(test)]
mod tests;
