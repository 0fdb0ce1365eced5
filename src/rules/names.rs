//! Names as rules write them, made those of the scan pass.

use super::RuleLanguage;
use crate::facts::Dialect;
use crate::passes::scan::canonical;

/// A name of a rule as the scan pass writes it.
pub(super) fn canonical_name(language: RuleLanguage, name: &str) -> String {
    match language {
        RuleLanguage::Python => canonical(Dialect::Python, name),
        _ => canonical(Dialect::JavaScript, name),
    }
}
