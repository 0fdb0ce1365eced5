//! Which code is worth lowering into facts: that in which some rule may find something.

use super::{RuleLanguage, RuleSet};
use crate::language::Language;

impl RuleSet {
    /// Whether a rule over facts may find something in `text`; where it says no, none can.
    pub(crate) fn may_match(&self, language: RuleLanguage, text: &str) -> bool {
        let _ = (language, text);
        true
    }

    /// The same of a file's language.
    pub(crate) fn is_worth_facts(&self, language: Language, text: &str) -> bool {
        match language {
            Language::Python | Language::Notebook => self.may_match(RuleLanguage::Python, text),
            Language::JavaScript | Language::TypeScript => self.may_match(RuleLanguage::JavaScript, text),
            _ => false,
        }
    }
}
