//! What is said of a name that is not well known.

use super::super::{Declared, Requirement};
use super::{NameData, Resemblance, Verdict, judge};
use crate::finding::{Confidence, Finding, Severity};
use crate::policy::{InstallPolicy, UnknownNames};

/// The rule of names that the policy denies.
pub(in crate::deps) const DENIED: &str = "dependency-denied";

/// Whether the policy allows a normalised name, whatever is known of it.
pub(crate) fn is_allowed(name: &str, policy: &InstallPolicy) -> bool {
    policy.allow_names.iter().any(|pattern| names(pattern, name))
}

/// What is said of a name that the policy denies, and what to do; `None` where it does not.
pub(in crate::deps) fn denial(name: &str, policy: &InstallPolicy) -> Option<(String, &'static str)> {
    let is_denied = policy.deny_names.iter().any(|pattern| names(pattern, &super::super::normalised(name)));
    let hint = "do without it, or take it out of `install.deny_names`";
    is_denied.then(|| (format!("the policy does not allow `{name}`"), hint))
}

/// What is said of the names of all declared packages.
pub(in crate::deps) fn findings(declared: &Declared, data: &NameData, policy: &InstallPolicy) -> Vec<Finding> {
    declared.requirements.iter().filter_map(|requirement| finding(requirement, data, policy)).collect()
}

fn finding(requirement: &Requirement, data: &NameData, policy: &InstallPolicy) -> Option<Finding> {
    let name = requirement.name.as_str();
    if let Some((message, hint)) = denial(name, policy) {
        return Some(requirement.finding(DENIED, Severity::High, message).hint(hint));
    }
    if is_allowed(name, policy) {
        return None;
    }
    let of = |rule, severity, message: String, hint: String| requirement.finding(rule, severity, message).hint(hint);
    let mend = |package: &str| format!("did you mean `{package}`?");
    Some(match judge(name, data) {
        Verdict::Known { .. } => return None,
        Verdict::Malicious => {
            let message = format!("`{name}` was found to be a malicious package");
            of("dependency-known-malicious", Severity::Critical, message, "remove it".to_owned()).cwe(&[506])
        }
        Verdict::StandardLibrary { is_known } => {
            let severity = if is_known { Severity::Low } else { Severity::Medium };
            let message = format!("`{name}` comes with Python; a package of that name is something else");
            of(
                "dependency-is-standard-library",
                severity,
                message,
                "remove the line; the import needs no package".to_owned(),
            )
        }
        Verdict::Invented { meant } => {
            let message = format!("`{name}` is a name that language models invent; whoever registers it is installed");
            let hint = meant.map_or_else(|| "name a package that you know to exist".to_owned(), |meant| mend(&meant));
            of("dependency-hallucinated", Severity::High, message, hint).cwe(&[1357])
        }
        Verdict::ModuleName { package } => {
            let message = format!("`{name}` is the name of a module, which the package `{package}` brings");
            of("dependency-is-import-name", Severity::High, message, mend(&package)).cwe(&[1357])
        }
        Verdict::OtherRegistry { registry } => {
            let message = format!("`{name}` is a package of {registry}; one of that name for Python is something else");
            let hint = "name the package for Python, or allow this one with `install.allow_names`";
            let found = of("dependency-of-other-registry", Severity::High, message, hint.to_owned());
            found.confidence(Confidence::Medium).cwe(&[1357])
        }
        Verdict::LookAlike(near) => {
            let message = format!("`{name}` can be taken for the well-known `{}`, {}", near.target, near.like.words());
            let hint = format!("{} (if not, allow it with `install.allow_names`)", mend(&near.target));
            let is_weak = matches!(near.like, Resemblance::TwoEdits | Resemblance::Affix);
            let confidence = if is_weak { Confidence::Medium } else { Confidence::High };
            of("dependency-look-alike", Severity::High, message, hint).confidence(confidence).cwe(&[1357])
        }
        Verdict::Unknown => {
            let severity = match policy.unknown_names {
                UnknownNames::Allow => return None,
                UnknownNames::Report => Severity::Low,
                UnknownNames::Block => Severity::High,
            };
            let message = format!("nothing is known of a package `{name}`: it is not among those that are used much");
            let hint = "make sure that it is the one that is meant, and allow it with `install.allow_names`";
            of("dependency-unknown", severity, message, hint.to_owned())
        }
    })
}

/// Whether `pattern` (a name, or a prefix that ends in `*`) names the normalised `name`.
fn names(pattern: &str, name: &str) -> bool {
    let normalised = super::super::normalised;
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(&normalised(prefix)),
        None => name == normalised(pattern),
    }
}
