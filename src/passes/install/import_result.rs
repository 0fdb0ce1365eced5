//! What the imports mean for the packages that were declared.

use super::imports::ImportResult;
use super::modules::main_module;
use super::verify::fault;
use crate::deps::Requirement;
use crate::finding::{Finding, Severity};

/// A package fails where the module of its own name, or every one of its modules, cannot be imported. A single other
/// module that cannot (it may need an optional package) is only worth knowing.
pub(super) fn findings(of: &[(&str, Vec<String>)], results: &[ImportResult], wanted: &[&Requirement]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, modules) in of {
        let failed: Vec<(&str, &str)> = results
            .iter()
            .filter(|result| modules.contains(&result.module))
            .filter_map(|result| Some((result.module.as_str(), result.error.as_deref()?)))
            .collect();
        let Some((first, error)) = failed.first() else { continue };
        let main_failed =
            main_module(name, modules).is_some_and(|main| failed.iter().any(|(module, _)| module == main));
        let fails = main_failed || failed.len() == modules.len();
        let path = wanted.iter().find(|requirement| requirement.name == *name);
        let path = path.map_or_else(String::new, |requirement| requirement.declared_in.clone());
        let (rule, severity) = if fails {
            ("package-not-importable", Severity::High)
        } else {
            ("package-module-not-importable", Severity::Low)
        };
        let message = format!("`{name}` is installed, and its module `{first}` cannot be imported: {error}");
        findings.push(Finding { path, severity, ..fault(rule, message) });
    }
    findings
}
