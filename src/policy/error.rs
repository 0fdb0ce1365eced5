//! Why a policy is refused: in words that name the place and the mend.

use std::fmt;

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `vetrun.toml:12:1`, an option, a variable of the environment; empty where the message says it.
    pub place: String,
    /// What: a lower-case fragment, with the mend where one is known.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.message),
            place => write!(f, "{place}: {}", self.message),
        }
    }
}

/// Why a policy was refused.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not TOML, has a key that does not exist, or a value of the wrong kind.
    #[error("{}", first(.faults))]
    Invalid {
        /// What is wrong, in the order in which it stands there; never empty.
        faults: Vec<Fault>,
    },
    /// A profile is asked for that does not exist.
    #[error("there is no structure profile `{name}` (there are: {known})")]
    NoProfile {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl PolicyError {
    /// A policy with a single fault.
    #[must_use]
    pub fn invalid(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { faults: vec![Fault { place: place.into(), message: message.into() }] }
    }

    /// Everything that is wrong, one line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Invalid { faults } => faults.iter().map(Fault::to_string).collect(),
            Self::NoProfile { .. } => vec![self.to_string()],
        }
    }
}

fn first(faults: &[Fault]) -> String {
    match faults {
        [] => "the policy is not valid".to_owned(),
        [fault] => fault.to_string(),
        [fault, more @ ..] => format!("{fault} (and {} more: `vetrun policy check` lists all)", more.len()),
    }
}

/// The name in `known` that was probably meant by `name`.
#[must_use]
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let typed = plain(name);
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&typed, &plain(candidate));
    let best = known.into_iter().min_by_key(distance)?;
    let allowed = (typed.chars().count() / 3).clamp(1, 4);
    (distance(&best) <= allowed).then_some(best)
}

/// ` (did you mean …?)`, where a name is near enough.
pub(super) fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_near_one() {
        let known = ["fail_on", "min_confidence", "ignore", "cpus"];
        let cases = [
            ("fail-on", Some("fail_on")),
            ("FailOn", Some("fail_on")),
            ("failon", Some("fail_on")),
            ("min_confidnce", Some("min_confidence")),
            ("cpu", Some("cpus")),
            ("ignroe", Some("ignore")),
            ("memory", None),
            ("x", None),
        ];
        for (typed, meant) in cases {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
