//! Rules: data that says what is dangerous, compiled once into tables.
//!
//! A rule is one TOML file, `<language>/<id>.toml`, whose shape is in `raw`; `vetrun schema rule` prints it. The folder says
//! what the rule sees: `python`, `javascript` (also TypeScript, and scripts in HTML), `html`, or `any` for the text of every
//! file. Built-in rules are packed into the program by the build script and loaded by the same path as users'. A user's rule
//! with the id of a built-in one replaces it.
//!
//! A rule names what is done, however it is spelled: names are qualified and resolved by the scan pass. See the
//! documentation of `[[match]]` in the schema for how names are written.

mod commands;
mod compile;
mod demand;
mod filter;
mod lazy;
mod load;
mod needles;
mod raw;
mod rule;
mod selftest;
mod tables;
mod worth;

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::artifact::Digest;
use crate::facts::Dialect;
use crate::finding::{Confidence, Severity, hex};
use crate::language::Language;
use crate::passes::scan::canonical;

pub(crate) use commands::{KEYWORDS, Words, words};
pub(crate) use demand::Demand;
pub(crate) use filter::Filter;
pub use raw::{Inside, Is, Scope, StatementWord, Within};
pub(crate) use rule::{Check, Keyword, Matcher, Test, Text, What};
pub use rule::{Rule, RuleTexts};
pub use selftest::{ExampleKind, SelfTestFailure, selftest};
pub(crate) use tables::{Hook, Labels, Member, Names, Tables};

/// What a rule sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleLanguage {
    /// Python.
    Python,
    /// JavaScript and TypeScript, scripts in HTML included.
    JavaScript,
    /// HTML.
    Html,
    /// The text of every file.
    Any,
}

impl RuleLanguage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Python, Self::JavaScript, Self::Html, Self::Any];

    /// The name of its folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::Html => "html",
            Self::Any => "any",
        }
    }

    /// The language whose folder is called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    /// The language of the rule's own examples.
    #[must_use]
    pub const fn example_language(self) -> Language {
        match self {
            Self::Python => Language::Python,
            Self::JavaScript => Language::JavaScript,
            Self::Html => Language::Html,
            Self::Any => Language::Text,
        }
    }
}

/// A name of a rule as the scan pass writes it.
fn canonical_name(language: RuleLanguage, name: &str) -> String {
    match language {
        RuleLanguage::Python => canonical(Dialect::Python, name),
        _ => canonical(Dialect::JavaScript, name),
    }
}

/// Compiled rules.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    digest: Digest,
    tables: [Tables; 4],
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
        let rules = load::load(builtin, &folders)?;
        let digest = digest(&rules);
        let tables = RuleLanguage::ALL.map(|language| Tables::of(&rules, language));
        Ok(Self::new(rules, digest, tables))
    }

    fn new(rules: Vec<Rule>, digest: Digest, tables: [Tables; 4]) -> Self {
        let mut combinations = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            for (matcher, one) in rule.matchers.iter().enumerate() {
                if matches!(one.what, What::All { .. }) {
                    combinations.push(Hook { rule: number, matcher });
                }
            }
        }
        Self { rules, digest, tables, combinations }
    }

    /// The digest over all loaded rules.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// All rules, sorted by language and id.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
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

/// The digest over all of `rules`.
fn digest(rules: &[Rule]) -> Digest {
    let mut hasher = Sha256::new();
    for rule in rules {
        let own = hex(&Sha256::digest(rule.file.as_bytes()));
        hasher.update(format!("{}/{}\0{own}\0", rule.language.name(), rule.id));
    }
    Digest::of(&hasher.finalize())
}
