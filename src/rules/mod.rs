//! Rules: data that says what is dangerous, compiled once into tables.
//!
//! A rule is one TOML file, `<language>/<id>.toml`, whose shape is in `raw`; `vetrun schema rule` prints it. The folder says
//! what the rule sees: `python`, `javascript` (also TypeScript, and scripts in HTML), `html`, or `any` for the text of every
//! file. Built-in rules are packed into the program by the build script and loaded by the same path as users'. A user's rule
//! with the id of a built-in one replaces it.
//!
//! A rule names what is done, however it is spelled: names are qualified and resolved by the scan pass. See the
//! documentation of `[[match]]` in the schema for how names are written.

mod anchor;
mod commands;
mod compile;
mod demand;
mod digest;
mod expression;
mod filter;
mod haystack;
mod language;
mod lazy;
mod load;
mod lookup;
mod names;
mod needles;
mod pack;
mod packed;
mod program;
mod quick;
mod raw;
mod read;
mod rule;
mod selftest;
mod table;
mod tables;

use std::path::Path;

use crate::artifact::Digest;
use crate::finding::{Confidence, Severity};

pub(crate) use commands::{KEYWORDS, Words, of as command_names, words};
pub(crate) use demand::Demand;
pub(crate) use expression::{Expression, Starts};
pub(crate) use filter::Filter;
pub(crate) use haystack::{Candidate, Haystack};
pub use language::RuleLanguage;
use lazy::Later;
pub use raw::{Inside, Is, Scope, StatementWord, Within};
pub(crate) use rule::{Check, Keyword, Matcher, Test, Text, What};
pub use rule::{Rule, RuleTexts};
pub use selftest::{ExampleKind, SelfTestFailure, selftest};
pub(crate) use tables::{Hook, Labels, Member, Names, Part, Tables};

/// Compiled rules.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Later<Rule>>,
    digest: Digest,
    tables: [Later<Tables>; 4],
    /// Matchers that ask for several labels at once.
    combinations: Vec<Hook>,
}

/// Why rules were refused.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The rule file is not valid.
    #[error("the rule {path} is not valid: {message}")]
    Invalid {
        /// The file.
        path: String,
        /// What is wrong, with line and mend.
        message: String,
    },
    /// A folder or file of rules could not be read.
    #[error("rules in {path} cannot be read: {message}")]
    Unreadable {
        /// The folder or file.
        path: String,
        /// Why.
        message: String,
    },
}

impl RuleSet {
    /// The built-in rules (where `builtin`), and those in `dirs`.
    ///
    /// # Errors
    /// [`RuleError`] names the first rule file that is not valid, or the folder that cannot be read.
    pub fn load(builtin: bool, dirs: &[impl AsRef<Path>]) -> Result<Self, RuleError> {
        let folders: Vec<_> = dirs.iter().map(|dir| dir.as_ref().to_owned()).collect();
        if builtin && folders.is_empty() {
            let load::Packed { rules, digest, combinations, tables, .. } = load::packed();
            return Ok(Self { rules, digest: Digest::of(&digest), tables, combinations });
        }
        let rules = load::load(builtin, &folders)?;
        let digest = Digest::of(&digest::of(&rules));
        let tables = RuleLanguage::ALL.map(|language| Later::from(Tables::of(&rules, language)));
        let combinations = tables::combinations(&rules);
        Ok(Self { rules: rules.into_iter().map(Later::from).collect(), digest, tables, combinations })
    }

    /// The digest over all loaded rules.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// All rules, sorted by language and id.
    #[must_use]
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter().map(|rule| &**rule)
    }

    /// The rule with a number: its place among all.
    pub(crate) fn rule(&self, number: usize) -> &Rule {
        &self.rules[number]
    }

    /// How many rules there are.
    pub(crate) fn count(&self) -> usize {
        self.rules.len()
    }

    /// The rule with an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules().find(|rule| rule.id == id)
    }

    /// The JSON Schema of a rule file.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(raw::RawRule).to_value()
    }

    /// What the rules of one language look for.
    pub(crate) fn tables(&self, language: RuleLanguage) -> &Tables {
        &self.tables[language as usize]
    }

    /// The rule and matcher of a hook.
    pub(crate) fn hooked(&self, hook: Hook) -> (&Rule, &Matcher) {
        let rule = &self.rules[hook.rule];
        (rule, &rule.matchers[hook.matcher])
    }

    /// Matchers that ask for several labels at once.
    pub(crate) fn combinations(&self) -> &[Hook] {
        &self.combinations
    }
}
