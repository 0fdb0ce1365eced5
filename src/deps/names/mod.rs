//! Names of packages, judged before anything is fetched.
//!
//! Most attacks on those who install packages are attacks on names: a name like a well-known one, a name that a language
//! model invents, the name of a module where its package is called otherwise. Such a name may not exist today and be
//! somebody's tomorrow. What a name is, is told from data that comes with vetrun, without asking anybody.
//!
//! The order of the questions matters. That many people use a name says more than that it resembles another, and that it
//! is the name of a module says more about what was meant than the letters that it shares with other names.

mod data;
mod finding;
mod nearness;
mod table;
pub mod update;

pub use data::{Bringer, DataError, NameData, TableKind};
pub(super) use finding::findings;
pub(crate) use finding::is_allowed;
pub(in crate::deps) use finding::{DENIED, denial};

/// What a name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One of the names that are downloaded most, or that are known for the modules that they bring.
    Known {
        /// How many are downloaded more often, and itself.
        rank: Option<u32>,
    },
    /// A package that was found to be malicious.
    Malicious,
    /// A module of the standard library, which needs no package.
    StandardLibrary {
        /// Whether the name is well known all the same: a module's copy for older versions of Python.
        is_known: bool,
    },
    /// A name that language models invent.
    Invented {
        /// The package that was meant, where that can be told.
        meant: Option<String>,
    },
    /// The name of a module, which another package brings.
    ModuleName {
        /// That package.
        package: String,
    },
    /// The name of a package of another registry.
    OtherRegistry {
        /// That registry.
        registry: &'static str,
    },
    /// A name that can be taken for a well-known one.
    LookAlike(Near),
    /// A name of which nothing is known.
    Unknown,
}

/// The well-known name that another can be taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// The well-known name.
    pub target: String,
    /// What they have in common.
    pub like: Resemblance,
}

/// What makes a name look like another; the first is the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resemblance {
    /// Only their hyphens differ.
    Hyphens,
    /// Letters that look alike.
    Letters,
    /// One letter more, less, another or exchanged with its neighbour.
    OneEdit,
    /// The same parts in another order.
    Order,
    /// A `py` or `python` more, less or elsewhere.
    Affix,
    /// Two letters.
    TwoEdits,
}

impl Resemblance {
    /// In words, to stand behind a comma.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hyphens => "which has other hyphens",
            Self::Letters => "which looks the same",
            Self::OneEdit => "which differs in one letter",
            Self::Order => "which has the same parts in another order",
            Self::Affix => "which differs in `py`, `python` or `lib`",
            Self::TwoEdits => "which differs in two letters",
        }
    }
}

/// The normalised name of the package that is called like the module `name`.
#[must_use]
pub fn package_like(name: &str) -> String {
    super::normalised(name.trim_matches('_'))
}

/// What the normalised `name` is.
#[must_use]
pub fn judge(name: &str, data: &NameData) -> Verdict {
    if data.is_malicious(name) {
        return Verdict::Malicious;
    }
    let rank = data.rank(name);
    if data.is_standard(&name.replace('-', "_"), None) {
        return Verdict::StandardLibrary { is_known: rank.is_some() };
    }
    if rank.is_some() || data.is_bringer(name) {
        return Verdict::Known { rank };
    }
    let package = data.package_of_module(name);
    if data.is_invented(name) {
        let nearest = || data.nearest(name).map(|near| near.target);
        return Verdict::Invented { meant: package.map(str::to_owned).or_else(nearest) };
    }
    if let Some(package) = package {
        return Verdict::ModuleName { package: package.to_owned() };
    }
    if data.is_of_npm(name) {
        return Verdict::OtherRegistry { registry: "npm" };
    }
    data.nearest(name).map_or(Verdict::Unknown, Verdict::LookAlike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_what_it_is() {
        let data = NameData::builtin();
        let module = |package: &str| Verdict::ModuleName { package: package.to_owned() };
        let cases = [
            ("colourama", Verdict::Malicious),
            ("json", Verdict::StandardLibrary { is_known: false }),
            ("dataclasses", Verdict::StandardLibrary { is_known: true }),
            ("sklearn-crfsuite", Verdict::Known { rank: data.rank("sklearn-crfsuite") }),
            ("rest-framework", module("djangorestframework")),
            ("win32com", module("pywin32")),
            ("ruamel", module("ruamel-yaml")),
            ("lodash", Verdict::OtherRegistry { registry: "npm" }),
            ("lakers-python", Verdict::Known { rank: None }),
            ("quite-an-unheard-of-name", Verdict::Unknown),
        ];
        for (name, expected) in cases {
            assert_eq!(judge(name, data), expected, "{name}");
        }
        assert!(matches!(judge("reqeusts", data), Verdict::LookAlike(near) if near.target == "requests"));
        assert!(matches!(judge("numpy", data), Verdict::Known { .. }));
    }
}
