//! The differences that remain, each with the reason why.
//!
//! A row is a class: one example stands for all texts that differ for the same reason. The example must still differ: when
//! it no longer does, its row has to go. Rows are looked up by what both sides say, names and numbers blanked.

use vetrun::language::{EngineVersions, NodeVersion, PythonVersion};

use super::case::{Case, Goal};
use super::class::{Class, Kind};

/// A class of texts on which an engine and vetrun differ.
#[derive(Debug)]
pub(crate) struct Known {
    /// The goal of the example; it tells the engine too.
    pub(crate) goal: Goal,
    /// The oldest and newest version of the engine that it is so for: the minor version of Python 3, the major of Node.
    pub(crate) versions: (u8, u8),
    /// A text that differs.
    pub(crate) example: &'static str,
    /// What the engine says of it, names and numbers blanked; `valid` where it accepts it.
    pub(crate) engine: &'static str,
    /// What vetrun says, likewise; `accepted` where it accepts it.
    pub(crate) vetrun: &'static str,
    /// Why it is so.
    pub(crate) reason: &'static str,
}

/// All that is known to differ.
pub(crate) const KNOWN: &[Known] = &[];

impl Known {
    /// The example as a case.
    pub(crate) fn case(&self) -> Case {
        Case::with_goal(format!("known: {}", self.reason), self.example.as_bytes().to_vec(), self.goal)
    }

    /// Whether it is so for the engine of these versions.
    pub(crate) fn concerns(&self, engines: EngineVersions) -> bool {
        let version = match self.goal {
            Goal::Python => engines.python.map(PythonVersion::minor),
            _ => engines.node.map(major),
        };
        version.is_some_and(|version| (self.versions.0..=self.versions.1).contains(&version))
    }

    /// Whether a class of differences is this one.
    pub(crate) fn is(&self, class: &Class) -> bool {
        let accepted = class.kind == Kind::FalseAccept && self.vetrun == "accepted";
        self.engine == class.engine && (accepted || self.vetrun == class.vetrun)
    }
}

fn major(version: NodeVersion) -> u8 {
    version.name().parse().unwrap_or(0)
}

/// The reason for a class of differences between vetrun and the engine of these versions; `None` where none is known.
pub(crate) fn reason(class: &Class, engines: EngineVersions) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.concerns(engines) && known.is(class)).map(|known| known.reason)
}

#[cfg(test)]
mod tests {
    use super::super::vetrun_side::{self, Ours};
    use super::*;

    /// The versions of the engine that a row is about.
    fn versions(known: &Known) -> Vec<EngineVersions> {
        let python = PythonVersion::ALL.map(|version| EngineVersions { python: Some(version), node: None });
        let node = NodeVersion::ALL.map(|version| EngineVersions { python: None, node: Some(version) });
        python.into_iter().chain(node).filter(|engines| known.concerns(*engines)).collect()
    }

    #[test]
    fn vetrun_says_of_every_known_difference_what_its_row_says() {
        for known in KNOWN {
            let concerned = versions(known);
            assert!(!concerned.is_empty(), "no version is concerned: {known:?}");
            for engines in concerned {
                let ours = vetrun_side::judge(&known.case(), engines);
                let accepts = matches!(ours, Ours::Accepted(_));
                assert_eq!(accepts, known.vetrun == "accepted", "{engines:?}: {known:?}: {ours:?}");
                assert_ne!(accepts, known.engine == "valid", "this is no difference: {known:?}");
            }
        }
    }

    #[test]
    fn every_known_difference_has_its_reason() {
        assert!(KNOWN.iter().all(|known| known.reason.len() > 20 && !known.engine.is_empty()));
    }
}
