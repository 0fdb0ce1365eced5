//! What the imports mean for the packages that were declared.

use super::imports::ImportResult;
use super::{MESSAGE_BYTES_MAX, printable};
use crate::deps::Requirement;
use crate::finding::{Finding, Severity};

/// A package fails where none of its tried modules can be imported. A single one of several that cannot (it may need an
/// optional package) is only worth knowing.
pub(super) fn findings(of: &[(&Requirement, Vec<String>)], results: &[ImportResult]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (requirement, modules) in of {
        let failed: Vec<(&str, &str)> = results
            .iter()
            .filter(|result| modules.contains(&result.module))
            .filter_map(|result| Some((result.module.as_str(), result.error.as_deref()?)))
            .collect();
        let Some((first, error)) = failed.first() else { continue };
        let (rule, severity) = if failed.len() == modules.len() {
            ("package-not-importable", Severity::High)
        } else {
            ("package-module-not-importable", Severity::Low)
        };
        let message =
            format!("`{}` is installed, and its module `{first}` cannot be imported: {error}", requirement.name);
        findings.push(requirement.finding(rule, severity, printable(&message, MESSAGE_BYTES_MAX)));
    }
    findings
}
