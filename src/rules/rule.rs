//! A rule as it runs: its names canonical, its checks ready, its texts left in its file until somebody asks for them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::demand::Demand;
use super::lazy::{Later, LazyQuery, LazyRegex};
use super::raw::{Inside, Is, RawRule, Scope, StatementWord, Within};
use super::{Confidence, RuleLanguage, Severity};

/// A text that a built-in rule has in the program itself, and a user's rule in memory.
pub(crate) type Text = Cow<'static, str>;

/// A compiled rule.
#[derive(Debug, PartialEq)]
pub struct Rule {
    /// Named after the fault.
    pub id: Text,
    /// What the rule sees.
    pub language: RuleLanguage,
    /// How bad a hit is.
    pub severity: Severity,
    /// How sure a hit is.
    pub confidence: Confidence,
    /// What was found: a lower-case fragment without a full stop.
    pub message: Text,
    /// What to do instead, in one line.
    pub hint: Text,
    /// Numbers of the Common Weakness Enumeration.
    pub cwe: Vec<u32>,
    /// Categories of the OWASP Top 10.
    pub owasp: Vec<Text>,
    /// What a hit says that the code can do; such a rule is no finding.
    pub label: Option<Text>,
    /// Whether what is called or used carries the label.
    pub source: bool,
    /// Whether single members of that carry it as well.
    pub members: bool,
    /// Whether a hit of a label is a capability of the report.
    pub capability: bool,
    pub(crate) matchers: Later<Vec<Matcher>>,
    /// The rule's file.
    pub(super) file: Text,
}

/// What a rule says to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTexts {
    /// Why it is dangerous.
    pub why: String,
    /// What to do instead.
    pub instead: String,
    /// Ids of equivalent checks elsewhere, or titles of documents.
    pub references: Vec<String>,
    /// Code that the rule hits.
    pub bad: Vec<String>,
    /// Code that the rule does not hit.
    pub good: Vec<String>,
}

impl Rule {
    /// The labels that the rule asks for: of sources, and of what occurs together.
    #[must_use]
    pub fn labels(&self) -> BTreeSet<&str> {
        let mut labels = BTreeSet::new();
        for matcher in self.matchers.iter() {
            for check in matcher.checks.iter().chain(&matcher.not_checks).chain(&matcher.gives).chain(&matcher.of) {
                if let Test::From(from) = &check.test {
                    labels.extend(from.iter().map(|label| &**label));
                }
            }
            if let What::All { of, .. } = &matcher.what {
                labels.extend(of.iter().map(|label| &**label));
            }
        }
        labels
    }

    /// What the rule's file says to people.
    ///
    /// # Panics
    /// Never: the file was read as a rule before.
    #[must_use]
    pub fn texts(&self) -> RuleTexts {
        let raw: RawRule = toml::from_str(&self.file).expect("it was read as a rule before");
        RuleTexts {
            why: raw.why.trim().to_owned(),
            instead: raw.instead.trim().to_owned(),
            references: raw.references,
            bad: raw.bad,
            good: raw.good,
        }
    }
}

/// One alternative of a rule.
#[derive(Debug, PartialEq)]
pub(crate) struct Matcher {
    pub(crate) what: What,
    /// What the arguments, the default values, or the value must be: all of these.
    pub(crate) checks: Vec<Check>,
    /// What they must not be: none of these.
    pub(crate) not_checks: Vec<Check>,
    /// What a method is called on must be, and computed keys that are assigned to: all of these.
    pub(crate) of: Vec<Check>,
    /// What the defined function gives back must be: all of these.
    pub(crate) gives: Vec<Check>,
    /// What the receiver and the arguments must not be, or be made by.
    pub(crate) unless: Vec<Text>,
    /// What the hit stands inside of: any of these.
    pub(crate) within: Vec<Inside>,
    /// What it does not stand inside of: none of these.
    pub(crate) not_within: Vec<Inside>,
    /// Positions of the arguments that the confidence hangs on.
    pub(crate) weigh: Vec<u16>,
}

/// What is looked for.
#[derive(Debug, PartialEq)]
pub(crate) enum What {
    Call { names: Vec<Text>, references: bool },
    Import { names: Vec<Text> },
    Assign { names: Vec<Text> },
    Keyword { names: Vec<Text> },
    Compare { names: Vec<Text> },
    Use { names: Vec<Text> },
    Define { names: Vec<Text>, decorated: Vec<Text>, base: Vec<Text> },
    Statement { kinds: Vec<StatementWord>, exceptions: Vec<Text> },
    Shell { regex: LazyRegex },
    Regex { regex: LazyRegex, within: Within, demand: Demand },
    Query { query: LazyQuery },
    All { of: Vec<Text>, scope: Scope },
}

/// What an argument or value must be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Check {
    pub(crate) position: Option<u16>,
    pub(crate) keyword: Option<Keyword>,
    pub(crate) test: Test,
}

/// Which keyword argument, key or parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Keyword {
    Named(Text),
    /// Any that the expression finds something in; with `define` alone.
    Like(LazyRegex),
}

/// The test of a [`Check`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Is(Is),
    Value(LazyRegex),
    /// The text that it may be, with U+FFFD for what is not known.
    Text(LazyRegex),
    /// It may come from a source with one of these labels.
    From(Vec<Text>),
}
