//! What intake met and did not take: each becomes a finding, so that nothing is passed over in silence.

use crate::artifact::{Refusal, Refused};
use crate::finding::{Finding, Pass, Severity};

/// The finding that a refused entry becomes.
pub(super) fn finding(refused: &Refused) -> Finding {
    let (rule, severity, message) = describe(&refused.reason);
    let finding = Finding::in_file(rule, Pass::Structure, severity, refused.path.as_str(), message);
    match hint(&refused.reason) {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

fn describe(reason: &Refusal) -> (&'static str, Severity, String) {
    match reason {
        Refusal::Symlink(target) => {
            ("symlink-not-followed", Severity::High, format!("a symbolic link to `{target}`, which is not followed"))
        }
        Refusal::Special(kind) => ("special-file", Severity::High, format!("a {kind}, which is no part of any code")),
        Refusal::HardLink(names) => {
            ("hard-link", Severity::Medium, format!("a file with {names} names, of which others may lie elsewhere"))
        }
        Refusal::Name => (
            "file-name-not-text",
            Severity::High,
            "a name that is not UTF-8, or holds a character that controls or reorders text".to_owned(),
        ),
        Refusal::Unreadable(what) => ("unreadable-file", Severity::High, format!("could not be read: {what}")),
        Refusal::Changed => ("file-changed", Severity::High, "changed while it was read".to_owned()),
        Refusal::Limit(name, value) => {
            ("intake-limit", Severity::High, format!("the limit intake.{name} = {value} is reached"))
        }
    }
}

fn hint(reason: &Refusal) -> Option<&'static str> {
    match reason {
        Refusal::Symlink(_) | Refusal::HardLink(_) => Some("put a copy of the file in its place"),
        Refusal::Name => Some("rename it with printable UTF-8 characters"),
        Refusal::Changed => Some("vet it again once nothing writes to it"),
        Refusal::Limit("files_max" | "total_bytes_max", _) => {
            Some("nothing after this entry was read; raise the limit in the policy, or leave files out with --exclude")
        }
        Refusal::Limit(..) => Some("raise the limit in the policy, or leave the entry out with --exclude"),
        Refusal::Special(_) | Refusal::Unreadable(_) => None,
    }
}
